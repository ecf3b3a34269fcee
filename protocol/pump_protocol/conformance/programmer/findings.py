"""What is found out about a programmer: what it asked, what was carried out, what it says of that.

A programmer may settle an outcome that was unknown by asking, and a case lets it: what is judged is
whether that what it says is true.
"""

from collections.abc import Iterable
from typing import Final

from pump_protocol.codes import MessageType
from pump_protocol.conformance.expectations import describe
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Ended
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.messages import (
    BolusOrdered,
    OrderBolus,
    Prescription,
    PrescriptionCommitted,
    StagePrescription,
)

T: Final = MessageType

OUTSIDE: Final = frozenset({T.IDENTIFY, T.AUTHENTICATE})
"""What belongs to no link when it is asked in plain frames, and whose numbers mean nothing."""

UNSAID: Final = frozenset({Outcome.UNKNOWN})
NOT_DONE: Final = frozenset({Outcome.REFUSED, Outcome.UNKNOWN, Outcome.FAILED})
PERHAPS_DONE: Final = frozenset({Outcome.DONE, Outcome.UNKNOWN})


def expect_said(
    standin: StandIn, ended: Ended, allowed: Iterable[Outcome], although: str
) -> Outcome:
    """What a programmer says of its task; only some of it is true.

    :param although: what was the case, in words that follow "although".
    :raises Unmet: it says something else.
    """
    outcome = standin.subject.outcome(ended.code)
    wanted = sorted(allowed)
    if outcome not in wanted:
        raise Unmet(
            f"it says {outcome} (exit code {ended.code}), although {although}; expected:"
            f" {' or '.join(wanted)}"
        )
    return outcome


def expect_truth(standin: StandIn, ended: Ended, *, done: bool, what: str) -> Outcome:
    """What it says where the line was good enough to ask: the truth, or that it is unknown.

    :param what: the deed, as "the bolus".
    :raises Unmet: it says otherwise.
    """
    allowed = PERHAPS_DONE if done else NOT_DONE
    carried = "was carried out" if done else "was not carried out"
    return expect_said(standin, ended, allowed, f"{what} {carried}")


def boluses(standin: StandIn) -> set[int]:
    """The numbers of the orders by which the good pump has begun a bolus."""
    return {each.order_number for _, each in standin.carried_out if isinstance(each, BolusOrdered)}


def expect_boluses(standin: StandIn, *counts: int) -> None:
    """The good pump has begun so many boluses.

    :raises Unmet: it has not.
    """
    found = boluses(standin)
    if len(found) not in counts:
        wanted = " or ".join(map(str, counts))
        raise Unmet(f"a good pump has begun {len(found)} boluses; expected: {wanted}")


def orders(standin: StandIn) -> list[OrderBolus]:
    """The orders of boluses that were sent, each once."""
    found = [each.request for each in asked(standin, T.ORDER_BOLUS)]
    return list(dict.fromkeys(each for each in found if isinstance(each, OrderBolus)))


def expect_one_order(standin: StandIn) -> None:
    """It has given one order of a bolus, however often.

    :raises Unmet: it has given none, or another one.
    """
    found = orders(standin)
    if len(found) != 1:
        numbers = [each.order_number for each in found]
        raise Unmet(f"it gave {len(found)} different orders, numbers {numbers}; expected: one")


def expect_begun(standin: StandIn, ended: Ended, although: str) -> None:
    """The bolus was begun once, and the programmer says so.

    :raises Unmet: it was not, or it says something else.
    """
    expect_said(standin, ended, (Outcome.DONE,), although)
    expect_boluses(standin, 1)


def staged(standin: StandIn) -> list[Prescription]:
    """Every prescription that the programmer has handed over."""
    found = [each.request for each in standin.heard]
    return [each.prescription for each in found if isinstance(each, StagePrescription)]


def committed(standin: StandIn) -> bool:
    """Whether the good pump has put a prescription in force."""
    return any(isinstance(each, PrescriptionCommitted) for _, each in standin.carried_out)


def first_asked(standin: StandIn, message_type: MessageType) -> Heard:
    """The first frame of that type that was heard.

    :raises Unmet: there was none.
    """
    found = asked(standin, message_type)
    if not found:
        raise Unmet(f"it never sent {message_type.name}")
    return found[0]


def asked(standin: StandIn, message_type: MessageType) -> list[Heard]:
    """Every frame of that type that was heard, repeats included."""
    return [each for each in standin.heard if each.frame.message_type == message_type]


def expect_no(standin: StandIn, message_type: MessageType, why: str) -> None:
    """The programmer never asked for that.

    :raises Unmet: it did.
    """
    if asked(standin, message_type):
        raise Unmet(f"it sent {message_type.name}, although {why}")


def expect_nothing_plain(standin: StandIn) -> None:
    """All that was heard in plain frames may be said by anybody.

    :raises Unmet: something was not.
    """
    for each in standin.heard:
        frame = each.frame
        if not frame.sealed and frame.message_type not in OUTSIDE:
            raise Unmet(f"it went on plain: {describe(frame)}")


def within_links(standin: StandIn) -> dict[int, list[Heard]]:
    """The requests of each link, from its OpenLink on, in order, without repeats."""
    links: dict[int, list[Heard]] = {}
    for each in standin.heard:
        link_id = each.frame.link_id
        if each.frame.message_type == T.OPEN_LINK:
            links.setdefault(link_id, [])
        held = links.get(link_id)
        if held is not None and (not held or held[-1].data != each.data):
            held.append(each)
    return links
