"""Finding out whether a request whose answer was lost was carried out.

Orders have numbers, and the pump remembers the last one of each programmer with its result: the
same order sent again is answered and not carried out again. A prescription has its digest. Every
other change leaves a record in the therapy log, under the id of its link: that proves that it was
made, and a state that it would have ended proves that it was not. A state that could be as old as
the request, or somebody else's doing, proves nothing.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from pump_programmer.errors import PumpRefused
from pump_protocol import messages as m
from pump_protocol.codes import (
    MAX_LOG_ENTRIES,
    Alarm,
    AlarmFlag,
    BolusOutcome,
    LogEvent,
    PrescriptionSlot,
    RefusalCode,
)

R = TypeVar("R", bound=m.Response)

_Order: TypeAlias = m.OrderBolus | m.UpdateReservoir | m.RequestPatientBolus
"""What has an order number, which the pump remembers with its result."""

_Change: TypeAlias = (
    m.AbortBolus
    | m.AcknowledgeAlarm
    | m.SilenceAlarm
    | m.SetClock
    | m.SetAlarmInterval
    | m.WriteNote
)
"""What leaves a record in the therapy log, and no number or digest to know it by."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a request: ``done`` is None where even the pump cannot tell."""

    done: bool | None
    text: str
    response: m.Response | None = None


class Asker(Protocol):
    """What this module needs of a programmer."""

    def reopen_link(self) -> m.LinkOpened:
        """Open a new link."""
        ...

    def exchange(self, request: m.Request[R]) -> R:
        """Ask one thing."""
        ...


def resolve(programmer: Asker, request: m.Request[m.Response], link_id: int) -> Resolution:
    """Open a new link and find out what became of *request*.

    :param link_id: the link under which it was sent, and nothing after it; by that the log knows
        it. With 0, which is no link, more outcomes stay unknown.
    """
    opened = programmer.reopen_link()
    match request:
        case m.OrderBolus() | m.UpdateReservoir() | m.RequestPatientBolus():
            return _resolve_order(programmer, request, opened.last_order_number)
        case m.CommitPrescription(digest):
            return _resolve_commit(programmer, digest, link_id)
        case (
            m.AbortBolus()
            | m.AcknowledgeAlarm()
            | m.SilenceAlarm()
            | m.SetClock()
            | m.SetAlarmInterval()
            | m.WriteNote()
        ):
            return _resolve_change(programmer, request, link_id)
        case _:
            return Resolution(None, "the pump keeps no record that tells; do it again")


# --- Orders and prescriptions --------------------------------------------------------------------


def _resolve_order(programmer: Asker, request: _Order, last_order_number: int) -> Resolution:
    number = request.order_number
    if last_order_number < number:
        return Resolution(False, f"order {number} never reached the pump")
    if last_order_number > number:
        return Resolution(None, f"order {last_order_number} was given since; read the log")
    try:
        # Never carried out twice: the pump has seen this number and answers from memory.
        response: m.Response = programmer.exchange(request)
    except PumpRefused as refused:
        return Resolution(False, str(refused))
    return Resolution(True, f"order {number} was carried out", response)


def _resolve_commit(programmer: Asker, digest: bytes, link_id: int) -> Resolution:
    current = programmer.exchange(m.ReadPrescription(PrescriptionSlot.CURRENT))
    version = current.version
    if current.digest == digest:
        return Resolution(True, f"version {version} is in force", current)
    # The digest covers the version, so that one still pending was never committed.
    if _pending_digest(programmer) == digest:
        return Resolution(
            False, f"version {version} is still in force, and the new one is only staged", current
        )
    entries = _newest_entries(programmer, programmer.exchange(m.Interrogate()))
    staged = [e for e in entries if _is_of(e, link_id) and e.event is LogEvent.STAGED]
    committed = [e for e in entries if e.event is LogEvent.COMMITTED]
    if staged and all(entry.sequence < staged[-1].sequence for entry in committed):
        # It has expired, or somebody rolled it back.
        return Resolution(
            False, f"version {version} is still in force, and the new one was dropped", current
        )
    return Resolution(
        None, f"version {version} is in force; read the log for what was before it", current
    )


def _pending_digest(programmer: Asker) -> bytes | None:
    try:
        return programmer.exchange(m.ReadPrescription(PrescriptionSlot.PENDING)).digest
    except PumpRefused as refused:
        if any(each.code is RefusalCode.NOTHING_STAGED for each in refused.refusal.reasons):
            return None
        raise


# --- What the log and the status tell of the rest ------------------------------------------------


def _resolve_change(programmer: Asker, request: _Change, link_id: int) -> Resolution:
    status = programmer.exchange(m.Interrogate())
    ours = [e for e in _newest_entries(programmer, status) if _is_of(e, link_id)]
    # Nothing followed the request on its link, so nothing that the link did follows its record.
    if ours and _is_record_of(ours[-1], request):
        text = f"record {ours[-1].sequence} of the therapy log shows it"
        return Resolution(True, text, status)
    return _resolve_by_state(programmer, request, status)


def _resolve_by_state(programmer: Asker, request: _Change, status: m.StatusReport) -> Resolution:
    match request:
        case m.AbortBolus():
            return _aborted_by_state(status)
        case m.AcknowledgeAlarm(alarm):
            return _acknowledged_by_state(status, alarm)
        case m.SilenceAlarm(alarm):
            return _silenced_by_state(status, alarm)
        case m.SetClock():
            return Resolution(None, "the log does not show it; set the clock again", status)
        case m.SetAlarmInterval(_, interval_ms):
            return _interval_by_state(status, interval_ms)
        case m.WriteNote(text):
            return _note_by_state(programmer, text)


def _is_record_of(entry: m.LogEntry, request: _Change) -> bool:
    match request:
        case m.AbortBolus():
            return entry.event is LogEvent.BOLUS_ABORTED
        case m.AcknowledgeAlarm(alarm):
            return (entry.event, entry.a) == (LogEvent.ALARM_ACKNOWLEDGED, alarm)
        case m.SilenceAlarm(alarm, duration_ms):
            asked = (LogEvent.ALARM_SILENCED, alarm, entry.at_ms + duration_ms)
            return (entry.event, entry.a, entry.b) == asked
        case m.SetClock(clock_ms):
            return (entry.event, entry.b) == (LogEvent.CLOCK_SET, clock_ms)
        case m.SetAlarmInterval(alarm_class, interval_ms):
            wanted = (LogEvent.ALARM_INTERVAL_SET, alarm_class, interval_ms)
            return (entry.event, entry.a, entry.b) == wanted
        case m.WriteNote(text):
            return (entry.event, entry.a) == (LogEvent.NOTE_WRITTEN, len(text.encode()))


def _is_of(entry: m.LogEntry, link_id: int) -> bool:
    # What the pump does by itself is logged under link 0.
    return entry.link_id == link_id != 0


def _newest_entries(programmer: Asker, status: m.StatusReport) -> tuple[m.LogEntry, ...]:
    first = max(1, status.therapy_log.next_sequence - MAX_LOG_ENTRIES)
    return programmer.exchange(m.ReadLog(first, MAX_LOG_ENTRIES)).entries


def _aborted_by_state(status: m.StatusReport) -> Resolution:
    if not status.boluses:
        return Resolution(False, "no bolus has been ordered that could be ended", status)
    for bolus in status.boluses:
        if bolus.outcome is BolusOutcome.RUNNING:
            text = f"the bolus of order {bolus.order_number} is still running"
            return Resolution(False, text, status)
    return Resolution(None, "no bolus is running; read the log for how the last one ended", status)


def _acknowledged_by_state(status: m.StatusReport, alarm: Alarm) -> Resolution:
    for record in status.alarms:
        if record.alarm is alarm:
            done = AlarmFlag.ACKNOWLEDGED in record.flags
            return Resolution(done, f"the alarm is{'' if done else ' not'} acknowledged", status)
    return Resolution(None, "the alarm is not listed, and perhaps it was not before", status)


def _silenced_by_state(status: m.StatusReport, alarm: Alarm) -> Resolution:
    for record in status.alarms:
        if record.alarm is alarm and AlarmFlag.ACTIVE in record.flags:
            if AlarmFlag.SILENCED not in record.flags:
                return Resolution(False, "the alarm is active and not silenced", status)
            text = "the alarm is silenced, but the log does not show that this request did it"
            return Resolution(None, text, status)
    return Resolution(None, "the alarm is not active, and perhaps it was not before", status)


def _interval_by_state(status: m.StatusReport, interval_ms: int) -> Resolution:
    if status.critical_interval_ms != interval_ms:
        return Resolution(None, "the log does not show it; set the interval again", status)
    text = "the tone repeats as asked, but the log does not show that this request did it"
    return Resolution(None, text, status)


def _note_by_state(programmer: Asker, text: str) -> Resolution:
    note = programmer.exchange(m.ReadNote())
    if note.intact and note.text == text:
        found = "the note reads so, but the log does not show that this request wrote it"
        return Resolution(None, found, note)
    return Resolution(None, "the log does not show it; write the note again", note)
