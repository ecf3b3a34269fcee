"""What a pump is, as far as a programmer can read it, before a case and after it.

The second verdict: what was rejected, corrupt, replayed or sent twice must leave prescription,
volumes and therapy log as they were. Time goes on meanwhile, and with it the infusion: volumes may
have moved by what the pump was told to deliver, and by nothing else. Where a date came meanwhile
that the pump had foreseen, what it writes and lists by itself is not compared.
"""

from dataclasses import dataclass
from typing import Final

from pump_protocol.codes import (
    Alarm,
    AlarmFlag,
    BolusOutcome,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.expectations import accepted, expect
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.times import DAY_MS
from pump_protocol.messages import (
    BolusReport,
    CloseLink,
    Interrogate,
    PrescriptionReport,
    ReadPrescription,
    Refusal,
    StatusReport,
)

ROUNDING_NL: Final = 2
"""Both volumes are rounded down, each time that they are read (MSG-10)."""


@dataclass(frozen=True, slots=True)
class State:
    """A pump at a moment."""

    status: StatusReport
    current: PrescriptionReport
    pending: PrescriptionReport | None


def read_state(tester: Tester) -> Play[State]:
    """The pump as it is now, read in a link of its own, which is closed again."""
    link = yield from tester.link()
    state = yield from state_in(link)
    yield from link.ask(CloseLink())
    return state


def state_in(link: TesterLink) -> Play[State]:
    """The pump as it is now, read in *link*."""
    status = yield from link.ask(Interrogate())
    current = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    request = ReadPrescription(PrescriptionSlot.PENDING)
    response = yield from link.exchange(link.frame(request))
    nothing = isinstance(response, Refusal) and RefusalCode.NOTHING_STAGED in response.codes
    return State(status, current, None if nothing else accepted(request, response))


def expect_same(
    link: TesterLink, before: State, what: str = "what should change nothing"
) -> Play[State]:
    """The pump must be as it was *before*, but for what the infusion used; how it is now.

    :param what: what must not have changed anything.
    :raises Unmet: something changed.
    """
    after = yield from state_in(link)
    changed = difference(before, after)
    expect(changed is None, f"after {what} {changed}")
    return after


def difference(before: State, after: State) -> str | None:
    """What changed that may not have changed, in a sentence; None if nothing did."""
    old, new = before.status, after.status
    alike: list[tuple[str, object, object]] = [
        ("prescription in force", before.current, after.current),
        ("pending prescription", before.pending, after.pending),
        ("prescription_version", old.prescription_version, new.prescription_version),
        ("mode and dose", old.prescription, new.prescription),
        ("last_refill_at_ms", old.last_refill_at_ms, new.last_refill_at_ms),
        ("critical_interval_ms", old.critical_interval_ms, new.critical_interval_ms),
        ("local clock", old.implanted_clock_ms, new.implanted_clock_ms),
    ]
    by_itself = _something_came(old, new)
    if not by_itself:
        alike += [
            ("therapy log", old.therapy_log, new.therapy_log),
            ("boluses", _undelivered(old.boluses), _undelivered(new.boluses)),
            ("alarms", old.alarms, new.alarms),
        ]
    for what, was, became in alike:
        if was != became:
            return f"the {what} changed from {was} to {became}"
    return None if by_itself else _flow(old, new)


def _something_came(old: StatusReport, new: StatusReport) -> bool:
    """Whether a date has come that the pump had foreseen: an alarm's, a bolus's, that of the end
    of a silence, or of a running bolus."""
    dates = [
        old.low_reservoir_at_ms,
        old.empty_reservoir_at_ms,
        old.replacement_planned_at_ms,
        old.eri_at_ms,
        old.eos_at_ms,
        old.next_periodic_bolus_at_ms,
        *(each.silenced_until_ms for each in old.alarms),
        *(
            each.started_at_ms + each.duration_ms
            for each in old.boluses
            if each.outcome is BolusOutcome.RUNNING
        ),
    ]
    return any(at_ms is not None and old.at_ms < at_ms <= new.at_ms for at_ms in dates)


def _undelivered(boluses: tuple[BolusReport, ...]) -> tuple[tuple[object, ...], ...]:
    return tuple(
        (
            each.kind.name,
            each.outcome.name,
            each.programmer_id,
            each.order_number,
            each.volume_nl,
            each.started_at_ms,
        )
        for each in boluses
    )


def _flow(old: StatusReport, new: StatusReport) -> str | None:
    """What is wrong with the volumes, if they were only to follow the infusion."""
    used_nl = old.believed_volume_nl - new.believed_volume_nl
    delivered_nl = new.delivered_nl - old.delivered_nl
    if abs(used_nl - delivered_nl) > ROUNDING_NL:
        return (
            f"the believed volume went down by {used_nl} nL, and {delivered_nl} nL were delivered"
        )
    rate_nl_per_day = max(_commanded(old), _commanded(new))
    most_nl = rate_nl_per_day * (new.at_ms - old.at_ms) // DAY_MS + ROUNDING_NL
    if not -ROUNDING_NL <= delivered_nl <= most_nl:
        return (
            f"{delivered_nl} nL were delivered in {new.at_ms - old.at_ms} ms at"
            f" {rate_nl_per_day} nL/day"
        )
    return None


def _commanded(status: StatusReport) -> int:
    """The flow that the pump reckons with: it goes on in a stall that it knows of (ALARM-10)."""
    for each in status.alarms:
        if each.alarm is Alarm.MOTOR_STALL and AlarmFlag.ACTIVE in each.flags:
            return max(status.infusing_nl_per_day, status.prescription.rate_nl_per_day)
    return status.infusing_nl_per_day
