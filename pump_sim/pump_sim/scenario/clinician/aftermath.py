"""Finding out what became of a request whose answer was lost.

Orders have numbers, and a pump remembers the last one of each programmer with its result. A
prescription has its digest. Every other change leaves a record in the therapy log under the id of
its link, every refusal one in the access log. What nothing proves stays unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.codes import LogEvent
from pump_sim.scenario.clinician.visits import (
    CHANGES,
    Refused,
    Result,
    Steps,
    Unanswered,
    Visit,
    first_wanted,
    refused_result,
)
from pump_sim.scenario.clinician.words import done_text
from pump_sim.scenario.happenings import Outcome
from pump_sim.texts import spaced

_Order: TypeAlias = m.OrderBolus | m.UpdateReservoir | m.RequestPatientBolus
_Proof: TypeAlias = Callable[[m.LogEntry, Any], bool]

_RECORDS: Final[dict[type[m.Request[Any]], _Proof]] = {
    m.RollBackPrescription: lambda entry, _: entry.event is LogEvent.ROLLED_BACK,
    m.AbortBolus: lambda entry, _: entry.event is LogEvent.BOLUS_ABORTED,
    m.AcknowledgeAlarm: lambda entry, asked: (
        (entry.event, entry.a) == (LogEvent.ALARM_ACKNOWLEDGED, asked.alarm)
    ),
    m.SilenceAlarm: lambda entry, asked: (
        (entry.event, entry.a) == (LogEvent.ALARM_SILENCED, asked.alarm)
    ),
    m.SetClock: lambda entry, asked: (entry.event, entry.b) == (LogEvent.CLOCK_SET, asked.clock_ms),
    m.SelfTest: lambda entry, _: entry.event is LogEvent.SELF_TESTED,
    m.WriteNote: lambda entry, _: entry.event is LogEvent.NOTE_WRITTEN,
}
"""Requests that are known by what they leave in the therapy log, and by which record."""

_NO_FLAG: Final = codes.AlarmFlag(0)


def find_out(visit: Visit, lost: Unanswered) -> Steps[Result]:
    """What became of an act in which a request got no answer.

    A new link is opened first, so that no late copy of the request can still be carried out.
    """
    request = lost.request
    if isinstance(request, m.StagePrescription):
        dropped = yield from drop_staged(visit)
        staged = "" if dropped else "; a prescription may be staged until it expires"
        return Result(Outcome.NO_ANSWER, text=f"{lost}: therapy is as it was{staged}")
    if request is None or not isinstance(request, CHANGES):
        return Result(Outcome.NO_ANSWER, text=str(lost))
    asked = spaced(request.message_type.name)
    try:
        return (yield from _ask(visit, request, lost.link_id))
    except Unanswered as silence:
        return Result(Outcome.UNKNOWN, text=f"{asked}: {silence}, and no way to find out")
    except Refused as refused:
        return Result(Outcome.UNKNOWN, text=f"{asked}: {lost}, and asked about it: {refused}")


def drop_staged(visit: Visit) -> Steps[bool]:
    """Drop what is staged, if the pump still answers; returns whether nothing is staged now."""
    try:
        if not visit.is_open:
            yield from visit.open()
        yield from visit.ask(m.RollBackPrescription())
    except Refused as refused:
        return refused.nothing_staged
    except Unanswered:
        return False
    return True


def _ask(visit: Visit, request: m.Request[Any], link_id: int) -> Steps[Result]:
    opened = yield from visit.open()
    match request:
        case m.OrderBolus() | m.UpdateReservoir() | m.RequestPatientBolus():
            return (yield from _about_order(visit, request, opened.last_order_number))
        case m.CommitPrescription():
            return (yield from _about_commit(visit, request, link_id))
        case _:
            return (yield from _about_change(visit, request, link_id))


def _about_order(visit: Visit, order: _Order, last_order_number: int) -> Steps[Result]:
    number = order.order_number
    if last_order_number < number:
        return _not_done("the order never reached the pump")
    if last_order_number > number:
        return _unknown("another order was given since")
    try:
        # Never carried out twice: the pump has seen this number and answers from memory.
        response = yield from visit.ask(order)
    except Refused as refused:
        return refused_result(refused.refusal)
    return _done(done_text(order, response))


def _about_commit(visit: Visit, commit: m.CommitPrescription, link_id: int) -> Steps[Result]:
    current = yield from visit.ask(m.ReadPrescription(codes.PrescriptionSlot.CURRENT))
    if current.digest == commit.digest:
        return _done(f"version {current.version} is in force")
    refusal = yield from _refusal(visit, commit, link_id)
    traces = yield from _traces(visit, link_id)
    yield from drop_staged(visit)
    if refusal is not None:
        return refused_result(refusal)
    if any(each.event is LogEvent.COMMITTED for each in traces.entries):
        return _done(f"committed, and replaced since by version {current.version}")
    if not traces.complete:
        return _unknown(f"version {current.version} is in force")
    return _not_done(f"version {current.version} stays in force")


def _about_change(visit: Visit, request: m.Request[Any], link_id: int) -> Steps[Result]:
    traces = yield from _traces(visit, link_id)
    proves = _RECORDS[type(request)]
    if any(proves(entry, request) for entry in traces.entries):
        return _done("the therapy log shows it")
    refusal = yield from _refusal(visit, request, link_id)
    if refusal is not None:
        return refused_result(refusal)
    if isinstance(request, (m.AcknowledgeAlarm, m.RollBackPrescription)):
        # Both may have found nothing to change, and then leave no record.
        status = yield from visit.ask(m.Interrogate())
        return _by_state(request, status)
    if not traces.complete:
        return _unknown("the therapy log reaches not far enough back")
    return _not_done("the therapy log does not show it")


def _by_state(
    request: m.AcknowledgeAlarm | m.RollBackPrescription, status: m.StatusReport
) -> Result:
    flags = {each.alarm: each.flags for each in status.alarms}
    if isinstance(request, m.RollBackPrescription):
        incomplete = codes.AlarmFlag.ACTIVE in flags.get(codes.Alarm.UPDATE_INCOMPLETE, _NO_FLAG)
        if status.has_pending or incomplete:
            return _not_done("a prescription is still staged, or expired and not settled")
        return _unknown("nothing is staged, and perhaps nothing was before")
    if request.alarm not in flags:
        return _unknown("the alarm is not listed, and perhaps was not before")
    if codes.AlarmFlag.ACKNOWLEDGED in flags[request.alarm]:
        return _done("the alarm is acknowledged")
    return _not_done("the alarm is not acknowledged")


# --- Logs ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Traces:
    """What a link left in the therapy log; `complete` if it can have left nothing else."""

    entries: tuple[m.LogEntry, ...]
    complete: bool


def _traces(visit: Visit, link_id: int) -> Steps[_Traces]:
    identity = yield from visit.identify()
    held = (yield from visit.ask(m.ReadLog(1, 1))).range
    # All that was read at an earlier visit is older than the link.
    known, _ = visit.logs_read.get(identity.serial_number, (1, 1))
    first, complete = first_wanted(known, held)
    entries = yield from visit.therapy_log(first, held.next_sequence)
    ours = tuple(each for each in entries if each.link_id == link_id)
    return _Traces(ours, complete)


def _refusal(visit: Visit, request: m.Request[Any], link_id: int) -> Steps[m.Refusal | None]:
    """The refusal of a request, as far as the access log knows it: with its first reason."""
    held = (yield from visit.ask(m.ReadAccessLog(1, 1))).range
    # From its beginning: a refusal is counted in the record of an earlier one like it.
    entries = yield from visit.access_log(held.first_sequence, held.next_sequence)
    for entry in entries:
        ours = (entry.link_id, entry.request_type) == (link_id, request.message_type)
        if ours and entry.event is codes.AccessEvent.REFUSED:
            reason = m.Reason(codes.RefusalCode(entry.code), codes.Field(entry.field))
            return m.Refusal(request.message_type, (reason,))
    return None


def _done(text: str) -> Result:
    return Result(Outcome.DONE, text=f"the answer was lost, but it was done: {text}")


def _not_done(text: str) -> Result:
    return Result(Outcome.NO_ANSWER, text=f"no answer, and it was not done: {text}")


def _unknown(text: str) -> Result:
    return Result(Outcome.UNKNOWN, text=f"no answer, and the pump does not tell: {text}")
