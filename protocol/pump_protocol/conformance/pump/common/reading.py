"""What a pump tells of its volumes, boluses, alarms and logs, and what of it must be as expected.

It changes nothing, and asks for nothing but logs.
"""

from collections.abc import Collection, Iterable
from itertools import groupby
from typing import Final

from pump_protocol.codes import (
    MAX_ACCESS_ENTRIES,
    MAX_LOG_ENTRIES,
    Alarm,
    AlarmFlag,
    BolusKind,
    BolusOutcome,
    LogEvent,
)
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.times import DAY_MS
from pump_protocol.conformance.verdicts import Unmet, Unsupported
from pump_protocol.messages import (
    AccessEntry,
    AlarmRecord,
    BolusReport,
    LogEntry,
    PeriodicBolus,
    Prescription,
    ReadAccessLog,
    ReadLog,
    StatusReport,
)
from pump_protocol.units import nearest

_BOLUS_EVENTS: Final = frozenset(
    {
        LogEvent.BOLUS_STARTED,
        LogEvent.PRIMING_STARTED,
        LogEvent.BRIDGE_STARTED,
        LogEvent.PATIENT_BOLUS_STARTED,
        LogEvent.PATIENT_BOLUS_REFUSED,
        LogEvent.PERIODIC_BOLUS_SHIFTED,
        LogEvent.PERIODIC_BOLUS_STARTED,
        LogEvent.BOLUS_COMPLETED,
        LogEvent.BOLUS_ABORTED,
    }
)


# --- Volumes and boluses --------------------------------------------------------------------------


def time_to_use(volume_nl: int, rate_nl_per_day: int) -> int:
    """After how many ms a volume has flowed, to the first whole one (ALARM-01)."""
    return -(-volume_nl * DAY_MS // rate_nl_per_day)


def for_an_hour(prescription: Prescription) -> int:
    """A volume that lasts for about an hour, at least 1 nL."""
    return max(1, prescription.rate_nl_per_day // 24)


def bolus_of(status: StatusReport) -> BolusReport:
    """The running or the last bolus.

    :raises Unmet: none is told.
    """
    if not status.boluses:
        raise Unmet("boluses of the status is empty, although there was a bolus")
    return status.boluses[0]


def delivered_by(volume_nl: int, duration_ms: int, after_ms: int) -> int:
    """What a bolus has delivered so long after its start, rounded down (ORDER-10)."""
    return volume_nl * min(max(after_ms, 0), duration_ms) // duration_ms


def flow_with(basal_nl_per_day: int, volume_nl: int, duration_ms: int) -> int:
    """The flow under a bolus as MSG-10 has it."""
    return nearest(basal_nl_per_day * duration_ms + volume_nl * DAY_MS, duration_ms)


def in_step(status: StatusReport, bolus: PeriodicBolus, first_ms: int) -> None:
    """The status shows the periodic bolus that is due, or that none is, and the next.

    :raises Unmet: it does not.
    """
    rounds = max(-1, (status.at_ms - first_ms) // bolus.interval_ms)
    begun_ms = first_ms + rounds * bolus.interval_ms
    when = f"at {status.at_ms} ms, the first being due at {first_ms} ms"
    next_ms = begun_ms + bolus.interval_ms
    expect_equal(f"next_periodic_bolus_at_ms {when}", status.next_periodic_bolus_at_ms, next_ms)
    shown = [
        (each.started_at_ms, each.volume_nl, each.duration_ms)
        for each in status.boluses
        if (each.kind, each.outcome) == (BolusKind.PERIODIC, BolusOutcome.RUNNING)
    ]
    runs = rounds >= 0 and status.at_ms < begun_ms + bolus.duration_ms
    wanted = [(begun_ms, bolus.volume_nl, bolus.duration_ms)] if runs else []
    expect_equal(f"periodic bolus that runs {when} (start, volume, duration)", shown, wanted)
    basal = bolus.basal_rate_nl_per_day
    rate = flow_with(basal, bolus.volume_nl, bolus.duration_ms) if runs else basal
    expect_equal(f"infusing_nl_per_day {when}", status.infusing_nl_per_day, rate)


# --- Alarms ---------------------------------------------------------------------------------------


def listed(status: StatusReport, alarm: Alarm) -> AlarmRecord | None:
    """The record of an alarm, if it is listed."""
    return next((each for each in status.alarms if each.alarm is alarm), None)


def active(status: StatusReport, alarm: Alarm) -> AlarmRecord:
    """The record of an alarm that must be listed and active.

    :raises Unmet: it is not.
    """
    record = listed(status, alarm)
    if record is None:
        names = ", ".join(each.alarm.name for each in status.alarms) or "nothing"
        raise Unmet(f"{alarm.name} is not listed at {status.at_ms} ms; listed: {names}")
    if AlarmFlag.ACTIVE not in record.flags:
        raise Unmet(f"{alarm.name} is listed, but not active; its flags: {record.flags!r}")
    expect_equal(f"cleared_at_ms of {alarm.name}, which is active", record.cleared_at_ms, None)
    return record


def absent(status: StatusReport, alarm: Alarm, why: str) -> None:
    """An alarm must not be listed.

    :raises Unmet: it is.
    """
    record = listed(status, alarm)
    expect(record is None, f"{alarm.name} is listed at {status.at_ms} ms, {why}: {record}")


def alone(status: StatusReport, *wanted: Alarm) -> None:
    """No other alarm may be active: its tones could not be told from theirs.

    :raises Unsupported: one is.
    """
    for record in status.alarms:
        if AlarmFlag.ACTIVE in record.flags and record.alarm not in wanted:
            raise Unsupported(f"the alarm {record.alarm.name} of the pump is active as well")


def first_tone_after(record: AlarmRecord, interval_ms: int, after_ms: int) -> int:
    """When the tone of an alarm that is not silenced begins next (ALARM-03)."""
    rounds = max(0, (after_ms - record.raised_at_ms) // interval_ms + 1)
    return record.raised_at_ms + rounds * interval_ms


def expect_tone(status: StatusReport, record: AlarmRecord, interval_ms: int, what: str) -> None:
    """The next tone must be that of an alarm that is not silenced.

    Whether a tone that begins in the very ms of the status is the next one still is left open.

    :raises Unmet: it is not.
    """
    later_ms = first_tone_after(record, interval_ms, status.at_ms)
    now_ms = first_tone_after(record, interval_ms, status.at_ms - 1)
    if status.next_tone_at_ms not in (now_ms, later_ms):
        expect_equal(what, status.next_tone_at_ms, later_ms)


# --- Logs -----------------------------------------------------------------------------------------


def log_from(link: TesterLink, sequence: int) -> Play[list[LogEntry]]:
    """All therapy-log records from a number on (LOG-04)."""
    entries: list[LogEntry] = []
    while True:
        page = yield from link.ask(ReadLog(sequence, MAX_LOG_ENTRIES))
        entries += page.entries
        if not page.entries or page.entries[-1].sequence + 1 >= page.range.next_sequence:
            return entries
        sequence = _behind(sequence, page.entries[-1].sequence)


def access_log(link: TesterLink) -> Play[list[AccessEntry]]:
    """All access-log records (LOG-04)."""
    entries: list[AccessEntry] = []
    sequence = 1
    while True:
        page = yield from link.ask(ReadAccessLog(sequence, MAX_ACCESS_ENTRIES))
        entries += page.entries
        if not page.entries or page.entries[-1].sequence + 1 >= page.range.next_sequence:
            return entries
        sequence = _behind(sequence, page.entries[-1].sequence)


def _behind(asked: int, last: int) -> int:
    """From where the next page is asked for, so that a pump that does not go on ends the case."""
    expect(last >= asked, f"a page from {asked} on ends with the record {last}")
    return last + 1


def the_record(entries: Iterable[LogEntry], event: LogEvent, a: int | None = None) -> LogEntry:
    """The only record of an event, with that first parameter if one is given.

    :raises Unmet: there is none, or several.
    """
    told = list(entries)
    found = [each for each in told if each.event is event and a in (None, each.a)]
    what = event.name if a is None else f"{event.name} with a = {a}"
    names = ", ".join(each.event.name for each in told) or "nothing"
    expect(len(found) == 1, f"{len(found)} records {what}, expected: 1; written: {names}")
    return found[0]


def next_record(link: TesterLink) -> Play[int]:
    """The number that the next therapy-log record will get."""
    page = yield from link.ask(ReadLog(1, 1))
    return page.range.next_sequence


def expect_records(
    link: TesterLink,
    first: int,
    *wanted: tuple[LogEvent, int, int],
    events: Collection[LogEvent] = _BOLUS_EVENTS,
    link_id: int | None = None,
) -> Play[None]:
    """The records from number *first* on that are about boluses, or of *events*, must be these.

    The order of those of one millisecond is left to the pump.

    :param wanted: event, `a` and `b` of each, in their order.
    :param link_id: what all of them must have as link id, if anything is wanted.
    :raises Unmet: they are not.
    """
    entries = yield from log_from(link, first)
    found = [each for each in entries if each.event in events]
    told = [(each.event, each.a, each.b) for each in found]
    right = list(wanted)
    for _, together in groupby(range(len(found)), key=lambda at: found[at].at_ms):
        at = slice((places := list(together))[0], places[-1] + 1)
        if sorted(told[at]) == sorted(right[at]):
            right[at] = told[at]
    expect_equal("what the therapy log tells of it (event, a, b)", _named(told), _named(right))
    for each in found if link_id is not None else ():
        expect_equal(f"link_id of {each.event.name}", each.link_id, link_id)


def _named(records: Iterable[tuple[LogEvent, int, int]]) -> list[tuple[str, int, int]]:
    return [(event.name, a, b) for event, a, b in records]
