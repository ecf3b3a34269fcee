"""Finding out whether a request whose answer was lost was carried out.

Orders have numbers, and the pump remembers the last one of each programmer with its result: the
same order sent again is answered and not carried out again. Everything else is compared with what
the pump now says of itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pump_programmer.errors import PumpRefused
from pump_protocol import messages as m
from pump_protocol.codes import AlarmFlag, BolusOutcome, PrescriptionSlot

R = TypeVar("R", bound=m.Response)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a request: ``done`` is None where even the pump cannot tell."""

    done: bool | None
    text: str


class Asker(Protocol):
    """What this module needs of a programmer."""

    def reopen_link(self) -> m.LinkOpened:
        """Open a new link."""
        ...

    def exchange(self, request: m.Request[R]) -> R:
        """Ask one thing."""
        ...


def resolve(programmer: Asker, request: m.Request[m.Response]) -> Resolution:
    """Open a new link and find out what became of *request*."""
    opened = programmer.reopen_link()
    match request:
        case m.OrderBolus() | m.UpdateReservoir():
            return _resolve_order(programmer, request, opened.last_order_number)
        case m.CommitPrescription(digest):
            current = programmer.exchange(m.ReadPrescription(PrescriptionSlot.CURRENT))
            done = current.digest == digest
            still = "" if done else " still"
            return Resolution(done, f"version {current.version} is{still} in force")
        case m.AbortBolus():
            return _look(programmer, _bolus_ended)
        case m.AcknowledgeAlarm(alarm):
            return _look(
                programmer,
                lambda status: all(
                    AlarmFlag.ACKNOWLEDGED in record.flags
                    for record in status.alarms
                    if record.alarm is alarm
                ),
            )
        case m.SilenceAlarm(alarm):
            return _look(
                programmer,
                lambda status: any(
                    AlarmFlag.SILENCED in record.flags
                    for record in status.alarms
                    if record.alarm is alarm
                ),
            )
        case _:
            return Resolution(None, "the pump keeps no record that tells; do it again")


def _resolve_order(
    programmer: Asker, request: m.OrderBolus | m.UpdateReservoir, last_order_number: int
) -> Resolution:
    number = request.order_number
    if last_order_number < number:
        return Resolution(False, f"order {number} never reached the pump")
    if last_order_number > number:
        return Resolution(None, f"order {last_order_number} was given since; read the log")
    try:
        # Never carried out twice: the pump has seen this number and answers from memory.
        programmer.exchange(request)
    except PumpRefused as refused:
        return Resolution(False, str(refused))
    return Resolution(True, f"order {number} was carried out")


def _look(programmer: Asker, done: Callable[[m.StatusReport], bool]) -> Resolution:
    status = programmer.exchange(m.Interrogate())
    if done(status):
        return Resolution(True, "the pump's status shows that it was done")
    return Resolution(False, "the pump's status shows that it was not done")


def _bolus_ended(status: m.StatusReport) -> bool:
    return all(bolus.outcome is not BolusOutcome.RUNNING for bolus in status.boluses)
