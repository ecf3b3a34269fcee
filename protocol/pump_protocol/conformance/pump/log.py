"""Cases about the therapy log."""

from itertools import pairwise
from typing import Final

from pump_protocol.codes import (
    MAX_LOG_ENTRIES,
    Alarm,
    AlarmClass,
    Capability,
    Field,
    LogEvent,
    Mode,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.orders import next_bolus
from pump_protocol.conformance.pump.common.reading import log_from, next_record
from pump_protocol.conformance.pump.common.ready import refill, settled
from pump_protocol.conformance.pump.common.reasons import expect_numbers, refused_for
from pump_protocol.conformance.steps import Play, now
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import committed, on_therapy, other_dose
from pump_protocol.conformance.therapy import stopped as stopped_like
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    AbortBolus,
    AcknowledgeAlarm,
    ReadLog,
    RollBackPrescription,
    SelfTest,
    SetAlarmInterval,
    SetClock,
    StagePrescription,
    TestAlarm,
    WriteNote,
)
from pump_protocol.units import U64

_LOG_RECORDS: Final = 1_000
"""So many records a therapy log holds (LOG-01)."""

_STAGES: Final = 5
_PATIENCE_MS: Final = 10_000
"""How long the log may take to be filled; more than that is foreseen after the first stages."""

_Told = tuple[LogEvent, int | None, int | None]
"""Event, `a` and `b` of a record; None for what is not foretold."""


# --- Numbers and pages -------------------------------------------------------------------------


@pump_case(
    "log/numbers",
    Level.MUST,
    "LOG-01 LOG-04",
    expects="numbers without gaps up to next_sequence, times that never go back, and overwritten as"
    " many as are gone",
)
def numbers(tester: Tester) -> Play[None]:
    """Write more records than a page takes, and read the whole log."""
    link = yield from tester.link()
    for _ in range(MAX_LOG_ENTRIES + 1):
        yield from link.ask(TestAlarm(AlarmClass.NON_CRITICAL))
    held = (yield from link.ask(ReadLog(1, 1))).range
    entries = yield from log_from(link, held.first_sequence)
    expect(bool(entries), "a log in which records were written just now has none")
    expect_equal("first number", entries[0].sequence, held.first_sequence)
    expect(
        entries[-1].sequence + 1 >= held.next_sequence,
        f"the last record is {entries[-1].sequence}; next_sequence was {held.next_sequence} before",
    )
    expect_equal("overwritten", held.overwritten, held.first_sequence - 1)
    for before, entry in pairwise(entries):
        expect_equal("number of the next record", entry.sequence, before.sequence + 1)
        expect(
            entry.at_ms >= before.at_ms,
            f"record {entry.sequence} is of {entry.at_ms} ms, the one before of {before.at_ms}",
        )


@pump_case(
    "log/page-limits",
    Level.MUST,
    "LOG-03 REF-03",
    expects="1 to 13 records as asked for; otherwise OUT_OF_RANGE / ENTRY_LIMIT with these limits",
    changes_nothing=True,
)
def page_limits(tester: Tester) -> Play[None]:
    """Ask for pages of the therapy log of too few, too many, and all allowed numbers of records."""
    link = yield from tester.link()
    for limit in (0, MAX_LOG_ENTRIES + 1, 255):
        told = yield from refused_for(
            link, ReadLog(1, limit), (RefusalCode.OUT_OF_RANGE, Field.ENTRY_LIMIT)
        )
        expect_numbers(told[0], value=limit, minimum=1, maximum=MAX_LOG_ENTRIES)
    for limit in range(1, MAX_LOG_ENTRIES + 1):
        page = yield from link.ask(ReadLog(1, limit))
        held = page.range.next_sequence - page.range.first_sequence
        expect_equal(f"records of a page of {limit}", len(page.entries), min(limit, held))


@pump_case(
    "log/pages",
    Level.MUST,
    "LOG-03 LOG-04",
    expects="records oldest first from the number on; from the oldest if that is gone or 0; none"
    " beyond the end",
)
def pages(tester: Tester) -> Play[None]:
    """Read the log from before its oldest record, in pages that overlap, and beyond its end."""
    link = yield from tester.link()
    for _ in range(5):
        yield from link.ask(TestAlarm(AlarmClass.CRITICAL))
    oldest = yield from link.ask(ReadLog(0, 3))
    first, following = oldest.range.first_sequence, oldest.range.next_sequence
    wanted = [first, first + 1, first + 2]
    expect_equal("numbers from 0 on", [each.sequence for each in oldest.entries], wanted)
    for at in (following - 4, following - 2, following - 1):
        page = yield from link.ask(ReadLog(at, 3))
        found = [each.sequence for each in page.entries]
        expect_equal(f"numbers from {at} on", found, list(range(at, min(at + 3, following))))
        expect_equal("range of the page", page.range, oldest.range)
    for at in (following, following + 1, U64):
        page = yield from link.ask(ReadLog(at, MAX_LOG_ENTRIES))
        expect_equal(f"records from {at} on, beyond the end", len(page.entries), 0)


@pump_case(
    "log/oldest-gives-way",
    Level.MUST,
    "LOG-01 LOG-03",
    expects="the last 1,000 records, `overwritten` as many as are gone, and pages from the oldest"
    " that is left where an older one is asked for",
)
def oldest_gives_way(tester: Tester) -> Play[None]:
    """Stage a prescription again and again, which writes two records each time, until the log has
    been full; and read it from its beginning."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    began_ms = yield from now()
    following = yield from next_record(link)
    stages = max(_STAGES, (_LOG_RECORDS - following) // 2 + _STAGES)
    for number in range(stages):
        yield from link.ask(StagePrescription(prescription))
        took_ms = (yield from now()) - began_ms
        if number == _STAGES and took_ms * stages > _PATIENCE_MS * _STAGES:
            raise Unsupported("the pump answers too slowly to have its log filled in a short time")
    yield from link.ask(RollBackPrescription())
    page = yield from link.ask(ReadLog(1, MAX_LOG_ENTRIES))
    held = page.range
    expect_equal("records of a full log", held.next_sequence - held.first_sequence, _LOG_RECORDS)
    expect_equal("overwritten", held.overwritten, held.first_sequence - 1)
    wanted = list(range(held.first_sequence, held.first_sequence + MAX_LOG_ENTRIES))
    expect_equal("numbers from 1 on", [each.sequence for each in page.entries], wanted)


# --- What acts write ---------------------------------------------------------------------------


@pump_case(
    "log/acts",
    Level.MUST,
    "LOG-05 LOG-06 LOG-07",
    expects="one record for each act, with a and b, the id of the link and the version in force",
)
def acts(tester: Tester) -> Play[None]:
    """Do everything that leaves a record of its own, and read what it left."""
    link = yield from tester.link()
    status = yield from settled(link)
    prescription = yield from on_therapy(link)
    rate, dose_ng = prescription.rate_nl_per_day, prescription.daily_dose_ng
    identity = tester.identity
    expected = _Expected(link, (yield from next_record(link)), status.prescription_version)

    yield from link.ask(StagePrescription(prescription))
    yield from expected.written((LogEvent.STAGED, rate, dose_ng))
    yield from link.ask(StagePrescription(prescription))
    yield from expected.written(
        (LogEvent.ROLLED_BACK, rate, dose_ng), (LogEvent.STAGED, rate, dose_ng)
    )
    yield from link.ask(RollBackPrescription())
    yield from expected.written((LogEvent.ROLLED_BACK, rate, dose_ng))
    yield from link.ask(TestAlarm(AlarmClass.CRITICAL))
    yield from expected.written((LogEvent.ALARM_TESTED, AlarmClass.CRITICAL, None))
    interval_ms = status.critical_interval_ms
    yield from link.ask(SetAlarmInterval(AlarmClass.CRITICAL, interval_ms))
    yield from expected.written((LogEvent.ALARM_INTERVAL_SET, AlarmClass.CRITICAL, interval_ms))
    done = yield from refill(link, identity.reservoir_capacity_nl)
    yield from expected.written((LogEvent.RESERVOIR_UPDATED, done.before_nl, done.after_nl))
    clock = yield from link.ask(SetClock(status.clock_ms))
    yield from expected.written((LogEvent.CLOCK_SET, clock.old_clock_ms, clock.new_clock_ms))
    report = yield from link.ask(SelfTest())
    passed = sum(each.passed for each in report.results)
    yield from expected.written((LogEvent.SELF_TESTED, passed, len(report.results) - passed))
    yield from link.ask(WriteNote("für später"))
    yield from expected.written((LogEvent.NOTE_WRITTEN, 12, 0))


@pump_case(
    "log/bolus",
    Level.MUST,
    "LOG-05 LOG-06 ORDER-14",
    expects="BOLUS_STARTED with its volume and BOLUS_ABORTED with what was delivered, and the"
    " order number",
)
def bolus_records(tester: Tester) -> Play[None]:
    """Order a bolus and abort it."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    status = yield from settled(link)
    prescription = yield from on_therapy(link)
    expected = _Expected(link, (yield from next_record(link)), status.prescription_version)
    bolus = next_bolus(link, prescription)
    yield from link.ask(bolus)
    yield from expected.written((LogEvent.BOLUS_STARTED, bolus.volume_nl, bolus.order_number))
    aborted = yield from link.ask(AbortBolus())
    yield from expected.written((LogEvent.BOLUS_ABORTED, aborted.delivered_nl, bolus.order_number))


@pump_case(
    "log/commit",
    Level.MUST,
    "LOG-05 LOG-07 PROG-16 PROG-29",
    expects="what a commit brings about, in order, in one ms, under the version in force after it",
)
def commit_records(tester: Tester) -> Play[None]:
    """Commit another dose, then mode STOPPED during a bolus."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    status = yield from settled(link)
    prescription = yield from on_therapy(link)
    version, rate = status.prescription_version, prescription.rate_nl_per_day
    lower = other_dose(tester.identity, prescription)
    first = yield from next_record(link)
    yield from committed(link, lower)
    expected = _Expected(link, first + 1, version + 1)  # STAGED is of the version before
    yield from expected.written((LogEvent.COMMITTED, rate, lower.rate_nl_per_day))
    bolus = next_bolus(link, prescription)
    yield from link.ask(bolus)
    first = yield from next_record(link)
    yield from committed(link, stopped_like(prescription))
    entries = (yield from log_from(link, first))[1:]  # behind STAGED
    names = [each.event.name for each in entries]
    expect_equal("records of the commit", names, ["BOLUS_ABORTED", "COMMITTED", "MODE_CHANGED"])
    expect_equal("b of BOLUS_ABORTED", entries[0].b, bolus.order_number)
    told = (entries[1].a, entries[1].b)
    expect_equal("a and b of COMMITTED", told, (lower.rate_nl_per_day, 0))
    told = (entries[2].a, entries[2].b)
    expect_equal("a and b of MODE_CHANGED", told, (Mode.SIMPLE_CONTINUOUS, Mode.STOPPED))
    expect_equal("number of different at_ms", len({each.at_ms for each in entries}), 1)
    expect_equal("version of the last", entries[-1].prescription_version, version + 2)
    yield from on_therapy(link)


@pump_case(
    "log/by-itself",
    Level.MUST,
    "LOG-05 LOG-07",
    expects="the id of the link for what was asked, and 0 for what follows from it by itself",
)
def by_itself(tester: Tester) -> Play[None]:
    """A refill down to the threshold and one above it, which raise and clear an alarm."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    if not prescription.low_reservoir_threshold_nl:
        raise Unsupported("the pump allows no low-reservoir threshold but 0")
    first = yield from next_record(link)
    yield from refill(link, prescription.low_reservoir_threshold_nl)
    yield from link.ask(AcknowledgeAlarm(Alarm.LOW_RESERVOIR))
    yield from refill(link, tester.identity.reservoir_capacity_nl)
    entries = yield from log_from(link, first)
    # In which order the records of one ms stand is left to the pump.
    found = sorted((each.event.name, each.link_id) for each in entries)
    wanted = [
        ("ALARM_ACKNOWLEDGED", link.link_id),
        ("ALARM_CLEARED", 0),
        ("ALARM_RAISED", 0),
        ("RESERVOIR_UPDATED", link.link_id),
        ("RESERVOIR_UPDATED", link.link_id),
    ]
    expect_equal("events and link ids, by name", found, wanted)


class _Expected:
    """What the log is to hold from a number on."""

    def __init__(self, link: TesterLink, sequence: int, version: int) -> None:
        self._link = link
        self._sequence = sequence
        self._version = version

    def written(self, *wanted: _Told) -> Play[None]:
        """These records, and no others, came since the last time, in any order: that of one ms is
        left to the pump.

        :param wanted: different events.
        :raises Unmet: others did.
        """
        entries = yield from log_from(self._link, self._sequence)
        names = sorted(each.event.name for each in entries)
        expect_equal("records written", names, sorted(event.name for event, _, _ in wanted))
        numbers = [each.sequence for each in entries]
        expected = list(range(self._sequence, self._sequence + len(entries)))
        expect_equal("numbers of the records", numbers, expected)
        found = {each.event: each for each in entries}
        for event, a, b in wanted:
            entry = found[event]
            self._check(event.name, "link_id", entry.link_id, self._link.link_id)
            self._check(event.name, "version", entry.prescription_version, self._version)
            if a is not None:
                self._check(event.name, "a", entry.a, a)
            if b is not None:
                self._check(event.name, "b", entry.b, b)
            self._sequence += 1

    @staticmethod
    def _check(event: str, what: str, found: int, wanted: int) -> None:
        expect_equal(f"{what} of {event}", found, wanted)
