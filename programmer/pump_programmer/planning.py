"""From what was typed and what a pump is doing to the whole prescription that is wanted."""

from pump_programmer import arguments
from pump_programmer.plan import planned
from pump_programmer.reader import Reader
from pump_programmer.typed import MAKING_RATE, Called, Typed, as_option
from pump_programmer.wishes import Wishes
from pump_protocol.messages import Identity, Prescription


def wanted_of(
    programmer: Reader,
    identity: Identity,
    typed: Typed,
    wishes: Wishes,
    called: Called = as_option,
) -> Prescription:
    """What the wishes make of what is in force; nothing is staged.

    :param called: how an error calls the fields that were typed.
    :raises pump_protocol.errors.LocalError: no prescription that this pump could be sent.
    """
    arguments.check_concentration(typed.concentration, identity, called("concentration"))
    before = programmer.interrogate()
    current = programmer.read_prescription().prescription
    next_at_ms = before.next_periodic_bolus_at_ms
    next_in_ms = None if next_at_ms is None else next_at_ms - before.at_ms
    wanted = planned(wishes, current, identity, next_in_ms)
    making_rate = {called(each): typed.text(each) for each in MAKING_RATE}
    arguments.check_rate(wanted, making_rate, identity)
    return wanted
