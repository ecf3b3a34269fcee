"""Finding out whether a request whose answer was lost was carried out.

Orders have numbers, and the pump remembers the last one of each programmer with its result: the
same order sent again is answered and not carried out again. A pump that has lost its memory has
lost that, too, and then nobody can tell. A prescription has its digest. Every other change leaves a
record in the therapy log, under the id of its link: that proves that it was made, if it is younger
than all like requests before it. A state that it would have ended proves that it was not, if the
log has no such record. A state that could be as old as the request, or somebody else's doing,
proves nothing.
"""

from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, TypeVar

from pump_programmer.errors import PumpRefused
from pump_programmer.told import Known
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

_MOST_PAGES: Final = 40
"""How far back the therapy log is searched, in pages."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a request: ``done`` is None where even the pump cannot tell.

    ``memory_lost`` where that is because it has lost its memory: an order of before would be new to
    it, under whatever number.
    """

    done: bool | None
    text: str
    response: m.Response | None = None
    memory_lost: bool = False


class Asker(Protocol):
    """What this module needs of a programmer."""

    def reopen_link(self) -> m.LinkOpened:
        """Open a new link."""
        ...

    def exchange(self, request: m.Request[R]) -> R:
        """Ask one thing."""
        ...


def resolve(
    programmer: Asker, request: m.Request[m.Response], link_id: int, known: Known | None = None
) -> Resolution:
    """Open a new link and find out what became of *request*.

    :param link_id: the link under which it was sent, and nothing after it; by that the log knows
        it. With 0, which is no link, more outcomes stay unknown.
    :param known: what the pump had told before; by default nothing, and that nothing like *request*
        was asked under that link.
    """
    known = known or Known()
    last = programmer.reopen_link().last_order_number
    found = _resolve(programmer, request, link_id, known, last)
    if found.done is not False:
        return found
    status = found.response
    if not isinstance(status, m.StatusReport):
        status = programmer.exchange(m.Interrogate())
    lost = known.memory_lost(last, status)
    if lost is None:
        return found
    text = f"the pump has lost memory ({lost}), and cannot tell"
    return Resolution(None, text, status, memory_lost=True)


def _resolve(
    programmer: Asker,
    request: m.Request[m.Response],
    link_id: int,
    known: Known,
    last_order_number: int,
) -> Resolution:
    """What became of *request*, of a pump that remembers what it was told."""
    match request:
        case m.OrderBolus() | m.UpdateReservoir() | m.RequestPatientBolus():
            return _resolve_order(programmer, request, last_order_number)
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
            return _resolve_change(programmer, request, link_id, known.log_from)
        case _:
            return Resolution(None, "the pump keeps no record that tells; do it again")


# --- Orders and prescriptions --------------------------------------------------------------------


def _resolve_order(programmer: Asker, request: _Order, last_order_number: int) -> Resolution:
    number = request.order_number
    if last_order_number < number:
        return _resolve_unremembered(number, last_order_number)
    if last_order_number > number:
        return Resolution(None, f"order {last_order_number} was given since; read the log")
    try:
        # Never carried out twice: the pump has seen this number and answers from memory.
        response: m.Response = programmer.exchange(request)
    except PumpRefused as refused:
        return Resolution(False, str(refused))
    return Resolution(True, f"order {number} was carried out", response)


def _resolve_unremembered(number: int, last_order_number: int) -> Resolution:
    """An order that the pump does not remember never reached it, if it remembers what it was told.

    It does not if it has forgotten orders that it knew of when this one was sent: orders are
    numbered without gaps.
    """
    if last_order_number < number - 1:
        forgotten = f"the pump remembers no order after {last_order_number}"
        return Resolution(None, f"{forgotten}, and has forgotten others before order {number}")
    return Resolution(False, f"order {number} never reached the pump")


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
    held = programmer.exchange(m.Interrogate()).therapy_log
    entries = _entries_before(programmer, held.next_sequence, held.first_sequence)
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
        if RefusalCode.NOTHING_STAGED in refused.refusal.codes:
            return None
        raise


# --- What the log and the status tell of the rest ------------------------------------------------


def _resolve_change(
    programmer: Asker, request: _Change, link_id: int, log_from: int | None
) -> Resolution:
    status = programmer.exchange(m.Interrogate())
    ours, whole = None, False
    if log_from is not None:
        ours, whole = _last_entry_of(programmer, link_id, log_from, status.therapy_log)
    # Nothing followed the request on its link, so nothing that the link did follows its record.
    if ours is not None and _is_record_of(ours, request):
        return Resolution(True, f"record {ours.sequence} of the therapy log shows it", status)
    found = _resolve_by_state(programmer, request, status)
    if found.done is False and not whole:
        return Resolution(None, f"{found.text} now; read the log for what was before", status)
    return found


def _last_entry_of(
    programmer: Asker, link_id: int, log_from: int, held: m.LogRange
) -> tuple[m.LogEntry | None, bool]:
    """The newest record that a link has left, and whether there is surely no newer one."""
    end = held.next_sequence
    for _ in range(_MOST_PAGES):
        if end <= max(log_from, held.first_sequence):
            break
        entries = _entries_before(programmer, end, max(log_from, held.first_sequence))
        ours = [entry for entry in entries if _is_of(entry, link_id)]
        if ours:
            return ours[-1], True
        end -= MAX_LOG_ENTRIES
    return None, link_id != 0 and end <= log_from


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


def _entries_before(programmer: Asker, end: int, oldest: int) -> tuple[m.LogEntry, ...]:
    """The page of the log that ends before record *end*."""
    first = max(oldest, end - MAX_LOG_ENTRIES)
    return programmer.exchange(m.ReadLog(first, end - first)).entries


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
