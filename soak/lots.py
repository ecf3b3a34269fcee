"""Lots of orders that a real programmer gives over a poor line, and the verdict on each.

A verdict is what a clinician would be told in the end: executed, refused, or not executed; after an
unknown outcome it is what asking the pump gave. It is held against the account of what the pump
really did, order by order.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar

from fuzz.values import PRESCRIPTIONS
from pump_programmer.errors import (
    AuthenticationLocked,
    NoAnswerError,
    OutcomeUnknown,
    ProgrammerError,
    PumpRefused,
    VerificationFailed,
)
from pump_programmer.outcome import Resolution
from pump_programmer.patience import Patience
from pump_programmer.programmer import Programmer
from pump_protocol import messages as m
from pump_protocol.codes import MessageType, Mode, UserRole
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.wire_values import prescription_in, prescription_out
from soak.lines import PoorLine, Trouble

T = TypeVar("T")

_HOUR_MS: Final = 3_600_000
_PATIENCE: Final = 400
"""How often a programmer tries to get through before an outcome counts as never resolved."""
_OPENING: Final = {MessageType.IDENTIFY, MessageType.AUTHENTICATE, MessageType.OPEN_LINK}
_HIGHEST_NG: Final = 500_000
EXECUTED, REFUSED, NOT_EXECUTED = "executed", "refused", "not executed"

TREATING: Final = tuple(
    each
    for each in PRESCRIPTIONS
    if each.mode not in (Mode.STOPPED, Mode.MINIMUM_RATE)
    and each.daily_dose_ng < 1_000_000
    and each.drugs == PRESCRIPTIONS[0].drugs
)
"""Prescriptions of the same drug, none above the soft limit: each may follow on each."""


@dataclass(slots=True)
class Lot:
    """What came of some orders.

    :ivar verdicts: how many orders ended in each.
    :ivar asked: after how many the outcome was unknown, and was found out by asking.
    :ivar wrong: what is not as it must be, in words.
    """

    trouble: str
    kind: str
    verdicts: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    unresolved: int = 0
    wrong: list[str] = field(default_factory=list)
    link_s: float = 0.0
    spoilt_bits: int = 0

    @property
    def orders(self) -> int:
        """How many there were."""
        return self.verdicts.total()

    def add(self, other: "Lot") -> None:
        """Count what *other* counted, too."""
        self.verdicts += other.verdicts
        self.asked += other.asked
        self.unresolved += other.unresolved
        self.wrong += other.wrong
        self.link_s += other.link_s
        self.spoilt_bits += other.spoilt_bits


class _Giver:
    """Gives orders of one lot, one after the other, each until its outcome is known."""

    def __init__(self, trouble: Trouble, kind: str, seed: str) -> None:
        self.random = Random(seed)
        first = PRESCRIPTIONS[3]  # one that lets the patient ask for boluses
        pump = Pump.implant(load_profile("pump-20ml"), prescription_in(first))
        self.line = PoorLine(pump, trouble, seed)
        self.account = self.line.account
        self.lot = Lot(trouble.name, kind)
        self._seed = seed
        role = UserRole.PATIENT if kind == "patient" else UserRole.CLINICIAN
        self.programmer = Programmer(
            self.line.address,
            key=self.line.key(role),
            programmer_id=7,
            patience=Patience(250, attempts=6, deadline_s=30.0),
        )

    def get_through(self, act: Callable[[], T]) -> T:
        """Do *act* as soon as the line lets it be done.

        For what may fail before anything was sent that could have changed the pump.

        :raises LookupError: it never does.
        """
        for _ in range(_PATIENCE):
            try:
                return act()
            except AuthenticationLocked as locked:
                self.line.wait(locked.for_ms or 1_000)
            except PumpRefused as refused:
                if refused.refusal.request_type not in _OPENING:
                    raise
                self.line.wait(500)
            except (OutcomeUnknown, VerificationFailed):
                raise
            except ProgrammerError:
                self.line.wait(500)
        raise LookupError(f"the line let nothing through in {_PATIENCE} tries")

    def verdict(self, order: Callable[[], object]) -> str:
        """What is known of an order in the end."""
        try:
            self.get_through(order)
        except PumpRefused:
            return REFUSED
        except OutcomeUnknown as unknown:
            self.lot.asked += 1
            resolution = self.get_through(self._ask)
            if resolution.done is None:
                self.lot.unresolved += 1
                self.complain(f"never resolved: {unknown} -> {resolution.text}")
            return EXECUTED if resolution.done else NOT_EXECUTED
        except VerificationFailed as error:
            if not error.committed:
                self.complain(str(error))
            return EXECUTED
        return EXECUTED

    def _ask(self) -> Resolution:
        try:
            return self.programmer.resolve()
        except OutcomeUnknown as still:
            raise NoAnswerError(str(still)) from still  # it asks by giving the same order again

    def note(self, verdict: str, happened: int, what: str) -> None:
        """Hold a verdict against how often the pump did it."""
        self.lot.verdicts[verdict] += 1
        if happened != (verdict == EXECUTED):
            self.complain(f"{what}: {verdict}, and the pump did it {happened} times")

    def complain(self, what: str) -> None:
        """Something is not as it must be."""
        self.lot.wrong.append(f"{self.lot.kind} over {self.lot.trouble}, lot {self._seed}: {what}")


def run_lot(trouble: Trouble, kind: str, orders: int, seed: str) -> Lot:
    """Give so many orders of a kind to a pump of their own, over a line of their own."""
    giver = _Giver(trouble, kind, seed)
    try:
        for number in range(1, orders + 1):
            giver.line.advance(2 * _HOUR_MS)
            KINDS[kind](giver, number)
        _balance(giver)
    except LookupError as error:
        giver.lot.unresolved += 1
        giver.complain(str(error))
    finally:
        giver.lot.link_s = giver.line.link_s
        giver.lot.spoilt_bits = giver.line.bits.spoilt
        giver.line.end()
    return giver.lot


def _order(giver: _Giver, number: int) -> None:
    """A bolus or a refill of a clinician's; now and then one that the pump must refuse."""
    programmer, account, random = giver.programmer, giver.account, giver.random
    giver.get_through(programmer.open)
    if random.randrange(4):
        dose_ng = random.choice((20_000, 40_000, 60_000, 600_000))
        begun = account.boluses.total()
        verdict = giver.verdict(
            lambda: programmer.order_bolus(dose_ng, 600_000, concentration_ng_per_ml=2_000_000)
        )
        giver.note(verdict, account.boluses.total() - begun, f"bolus {number} of {dose_ng} ng")
        if dose_ng > _HIGHEST_NG and verdict == EXECUTED:
            giver.complain(f"a bolus of {dose_ng} ng")
    else:
        # Each volume is told once, so that the pump's record of it names the order.
        volume_nl = random.choice((15_000_000, 15_000_000, 15_000_000, 25_000_000)) + number
        verdict = giver.verdict(lambda: programmer.refill(volume_nl))
        giver.note(verdict, account.refills[volume_nl], f"refill {number} of {volume_nl} nL")


def _patient_bolus(giver: _Giver, number: int) -> None:
    """A bolus of the patient's; after the fourth of a day the pump must refuse."""
    giver.line.advance(3 * _HOUR_MS)
    giver.get_through(giver.programmer.open)
    begun = giver.account.boluses.total()
    verdict = giver.verdict(giver.programmer.request_patient_bolus)
    giver.note(verdict, giver.account.boluses.total() - begun, f"patient bolus {number}")


def _prescription(giver: _Giver, number: int) -> None:
    """A prescription staged, reviewed, committed and read back; whole, new or old, afterwards."""
    programmer, account, pump = giver.programmer, giver.account, giver.line.pump
    giver.get_through(programmer.open)
    old = _in_force(pump)
    new = giver.random.choice([each for each in TREATING if each != old])
    committed, version = account.commits, pump.firmware.prescription_version
    verdict = giver.verdict(lambda: programmer.program(new))
    happened = account.commits - committed
    giver.note(verdict, happened, f"prescription {number}")
    if _in_force(pump) != (new if happened else old):
        giver.complain(f"prescription {number}: neither the old one nor the new one is in force")
    if pump.firmware.prescription_version - version != happened:
        giver.complain(f"prescription {number}: its version is not the number of commits")


def _balance(giver: _Giver) -> None:
    """All that was under way arrives; then the account of the whole lot must be even."""
    giver.programmer.close()
    giver.line.wait(200_000)
    giver.line.advance(24 * _HOUR_MS)
    account, lot, pump = giver.account, giver.lot, giver.line.pump
    executed = lot.verdicts[EXECUTED]
    done = account.boluses.total() + account.refills.total() + account.commits
    if done != executed:
        giver.complain(f"{executed} executed, and the pump did {done}")
    twice = [number for number, count in account.boluses.items() if count > 1]
    twice += [volume for volume, count in account.refills.items() if count > 1]
    if twice:
        giver.complain(f"done twice: {twice[:5]}")
    if account.wrong_sequences:
        giver.complain(f"{account.wrong_sequences} records out of order")
    if not account.commits:
        basal_nl = pump.firmware.prescription.rate_nl_per_day * pump.at_ms // (24 * _HOUR_MS)
        delivered_nl = pump.status().delivered_nl
        if abs(delivered_nl - basal_nl - account.bolus_nl) > 1 + account.boluses.total():
            told_nl = basal_nl + account.bolus_nl
            giver.complain(f"{delivered_nl} nL delivered, and {told_nl} nL by the account")


def _in_force(pump: Pump) -> m.Prescription:
    return prescription_out(pump.firmware.prescription)


KINDS: Final[dict[str, Callable[[_Giver, int], None]]] = {
    "orders": _order,
    "patient": _patient_bolus,
    "prescriptions": _prescription,
}
"""What may be ordered, by the name that the table has for it."""
