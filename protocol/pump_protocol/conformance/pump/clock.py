"""Cases about the local clock, the self-test and the note."""

from typing import Final

from pump_protocol.codes import MAX_NOTE_BYTES, Alarm, Check, Field, LogEvent, RefusalCode
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.hooks import advance, break_it, mend
from pump_protocol.conformance.pump.common.reading import (
    active,
    for_an_hour,
    log_from,
    next_record,
    the_record,
    time_to_use,
)
from pump_protocol.conformance.pump.common.ready import (
    advance_to,
    refill,
    settled,
    with_low_reservoir,
)
from pump_protocol.conformance.pump.common.reasons import expect_numbers, refused_for
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play, reconnect
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import on_therapy
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.messages import (
    Interrogate,
    ReadNote,
    SelfTest,
    SetClock,
    SilenceAlarm,
    StatusReport,
    WriteNote,
)
from pump_protocol.units import U64

_LATEST_MS: Final = 253_402_300_799_999
_YEAR_MS: Final = 365 * DAY_MS
_LEAP_MS: Final = 30 * DAY_MS
"""Less than any clock is set by here, and more than passes between two requests."""

_MOMENT_MS: Final = 20
"""After it even a new pump has a pump time that lies above 0."""

_KEPT: Final = (
    "infusing_nl_per_day",
    "low_reservoir_at_ms",
    "empty_reservoir_at_ms",
    "last_refill_at_ms",
    "next_tone_at_ms",
    "critical_interval_ms",
    "alarms",
    "boluses",
    "prescription",
)
"""What no setting of the clock may move (CLOCK-01)."""

_FORECAST: Final = ("eri_at_ms", "eos_at_ms", "replacement_planned_at_ms")
"""Likewise; but how a pump forecasts the end of its battery, and how finely, is left to it."""

_NOTES: Final = (
    "",
    "a note",
    "Größe 20 mL\nrefill on 3 May\n",
    "\n",
    "注射ポンプ 💧",
    "n" * MAX_NOTE_BYTES,
    "ü" * (MAX_NOTE_BYTES // 2),
)

_UNPRINTABLE: Final = (
    "\0",
    "\x07",
    "a\tb",
    "a\r\nb",
    "\x1b[31mred",
    "\x7f",
    "\x85",
    "\u00a0",  # a space that is not U+0020
    "\u200b",
    "\u2028",
    "\u202e",  # writes what follows backwards
    "\ufeff",
    "\ue000",  # private
    "\ufdd0",  # never assigned
)


# --- Clock -------------------------------------------------------------------------------------


@pump_case(
    "clock/set",
    Level.MUST,
    "CLOCK-01 TIME-01 TIME-02 LOG-06",
    expects="the clock and implanted_clock_ms moved alike, pump time not; CLOCK_SET with both",
)
def clock_set(tester: Tester) -> Play[None]:
    """Set the clock a year ahead, and back by two."""
    link = yield from tester.link()
    for by_ms in (_YEAR_MS, -_YEAR_MS // 2, -_YEAR_MS // 2):
        before = yield from link.ask(Interrogate())
        first = yield from next_record(link)
        wanted_ms = max(before.clock_ms + by_ms, before.at_ms + DAY_MS)
        done = yield from link.ask(SetClock(wanted_ms))
        after = yield from link.ask(Interrogate())
        expect_equal("new_clock_ms", done.new_clock_ms, wanted_ms)
        passed_ms = after.at_ms - before.at_ms
        # Pump time and clock go on alike between the two interrogations.
        expect(
            0 <= done.old_clock_ms - before.clock_ms <= passed_ms,
            f"old_clock_ms is {done.old_clock_ms}; the clock showed {before.clock_ms} before",
        )
        expect_equal("clock_ms", after.clock_ms, after.implanted_clock_ms + after.at_ms)
        moved_ms = done.new_clock_ms - done.old_clock_ms
        implanted_ms = before.implanted_clock_ms + moved_ms
        expect_equal("implanted_clock_ms", after.implanted_clock_ms, implanted_ms)
        expect(0 <= passed_ms <= _LEAP_MS, f"at_ms moved by {passed_ms} ms with the clock")
        noted = the_record((yield from log_from(link, first)), LogEvent.CLOCK_SET)
        told = (noted.a, noted.b, noted.link_id)
        expect_equal("a, b and link_id", told, (done.old_clock_ms, done.new_clock_ms, link.link_id))


@pump_case(
    "clock/moves-nothing-else",
    Level.MUST,
    "CLOCK-01 TIME-01",
    expects="no date, alarm, tone or flow moved",
)
def moves_nothing_else(tester: Tester) -> Play[None]:
    """Set the clock ahead and back while an alarm is active and silenced."""
    link = yield from tester.link()
    yield from with_low_reservoir(link)
    longest_ms = tester.identity.maximum_silence_non_critical_ms
    yield from link.ask(SilenceAlarm(Alarm.LOW_RESERVOIR, longest_ms))
    before = yield from link.ask(Interrogate())
    for clock_ms in (before.clock_ms + _YEAR_MS, before.clock_ms):
        yield from link.ask(SetClock(clock_ms))
        after = yield from link.ask(Interrogate())
        _expect_kept(before, after, "with another clock")
    yield from settled(link)


def _expect_kept(before: StatusReport, after: StatusReport, when: str) -> None:
    for name in _KEPT:
        expect_equal(f"{name} {when}", getattr(after, name), getattr(before, name))
    for name in _FORECAST:
        then_ms, now_ms = getattr(before, name), getattr(after, name)
        never = None in (then_ms, now_ms)
        if then_ms != now_ms and (never or abs(now_ms - then_ms) > _LEAP_MS):
            expect_equal(f"{name} {when}", now_ms, then_ms)


@pump_case(
    "clock/alarms-count-pump-time",
    Level.MUST,
    "CLOCK-01 TIME-01 ALARM-01",
    expects="the alarm at the same pump time as without it",
    hooks="advance",
)
def alarms_count_pump_time(tester: Tester) -> Play[None]:
    """Set the clock ahead by an hour on the way to a low reservoir."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    above_nl = 3 * for_an_hour(prescription)
    done = yield from refill(link, prescription.low_reservoir_threshold_nl + above_nl)
    wanted_ms = done.updated_at_ms + time_to_use(above_nl, prescription.rate_nl_per_day)
    status = yield from link.ask(Interrogate())
    yield from link.ask(SetClock(status.clock_ms + HOUR_MS))
    yield from advance(30 * MINUTE_MS)
    status = yield from link.ask(Interrogate())
    expect_equal("low_reservoir_at_ms", status.low_reservoir_at_ms, wanted_ms)
    status = yield from advance_to(link, wanted_ms)
    record = active(status, Alarm.LOW_RESERVOIR)
    expect_equal("raised_at_ms", record.raised_at_ms, wanted_ms)
    yield from settled(link)


@pump_case(
    "clock/limits",
    Level.MUST,
    "CLOCK-02 REF-03",
    expects="the present pump time to the end of the year 9999; otherwise OUT_OF_RANGE / CLOCK",
)
def clock_limits(tester: Tester) -> Play[None]:
    """Set the clock to the ends of what is allowed, and beyond them."""
    link = yield from tester.link()
    yield from tester.wait(_MOMENT_MS)
    start = yield from link.ask(Interrogate())
    before = yield from state_in(link)
    for clock_ms in (start.at_ms - 1, 0, _LATEST_MS + 1, U64):
        if 0 <= clock_ms < start.at_ms or clock_ms > _LATEST_MS:
            told = yield from refused_for(
                link, SetClock(clock_ms), (RefusalCode.OUT_OF_RANGE, Field.CLOCK)
            )
            reason = told[0]
            value = None if clock_ms == U64 else clock_ms
            expect_numbers(reason, value=value, maximum=_LATEST_MS)
            now = yield from link.ask(Interrogate())
            least_ms = -1 if reason.minimum is None else reason.minimum
            expect(
                start.at_ms <= least_ms <= now.at_ms,
                f"minimum of the reason is {reason.minimum}; pump time is {now.at_ms}",
            )
    yield from expect_same(link, before)
    now = yield from link.ask(Interrogate())
    for clock_ms in (now.at_ms + DAY_MS, _LATEST_MS, start.clock_ms):
        done = yield from link.ask(SetClock(clock_ms))
        expect_equal("new_clock_ms", done.new_clock_ms, clock_ms)


# --- Self-test ---------------------------------------------------------------------------------


@pump_case(
    "self-test/report",
    Level.MUST,
    "CLOCK-03 LOG-06",
    expects="one result for each check, a record with how many passed and failed, and nothing else"
    " changed",
)
def self_test_report(tester: Tester) -> Play[None]:
    """Have a pump check itself twice."""
    link = yield from tester.link()
    yield from settled(link)
    for _ in range(2):
        before = yield from link.ask(Interrogate())
        first = yield from next_record(link)
        report = yield from link.ask(SelfTest())
        checks = [each.check.name for each in report.results]
        expect_equal("checks", sorted(checks), sorted(each.name for each in Check))
        passed = sum(each.passed for each in report.results)
        entries = yield from log_from(link, first)
        noted = the_record(entries, LogEvent.SELF_TESTED)
        told = (noted.a, noted.b, noted.link_id)
        expect_equal("a, b and link_id", told, (passed, len(report.results) - passed, link.link_id))
        expect_equal("number of records", len(entries), 1)
        after = yield from link.ask(Interrogate())
        _expect_kept(before, after, "after a self-test")
        for name in ("prescription_version", "implanted_clock_ms"):
            found, wanted = getattr(after, name), getattr(before, name)
            expect_equal(f"{name} after a self-test", found, wanted)


@pump_case(
    "self-test/finds-a-stall",
    Level.MUST,
    "CLOCK-03 ALARM-10",
    expects="the check MOTOR failed while the motor is known to stand still, passed afterwards",
    hooks="inject clear advance",
)
def finds_a_stall(tester: Tester) -> Play[None]:
    """Have a pump check itself while its motor stands still, and when it turns again."""
    link = yield from tester.link()
    yield from settled(link)
    yield from break_it("motor_stall")
    yield from advance(HOUR_MS)
    report = yield from link.ask(SelfTest())
    passed = {each.check: each.passed for each in report.results}
    expect_equal("the check MOTOR during a stall", passed.get(Check.MOTOR), False)
    yield from mend("motor_stall")
    for _ in range(3):
        yield from link.ask(Interrogate())
    report = yield from link.ask(SelfTest())
    passed = {each.check: each.passed for each in report.results}
    expect_equal("the check MOTOR after it", passed.get(Check.MOTOR), True)


# --- Note --------------------------------------------------------------------------------------


@pump_case(
    "note/written-and-read",
    Level.MUST,
    "CLOCK-05 MSG-05 LOG-06",
    expects="the same text, intact; NOTE_WRITTEN with its bytes",
)
def written_and_read(tester: Tester) -> Play[None]:
    """Write notes of 0 to 128 bytes, and read each one."""
    link = yield from tester.link()
    for text in _NOTES:
        first = yield from next_record(link)
        yield from link.ask(WriteNote(text))
        note = yield from link.ask(ReadNote())
        expect_equal("text and intact", (note.text, note.intact), (text, True))
        noted = the_record((yield from log_from(link, first)), LogEvent.NOTE_WRITTEN)
        told = (noted.a, noted.b, noted.link_id)
        expect_equal("a, b and link_id", told, (len(text.encode()), 0, link.link_id))


@pump_case(
    "note/kept",
    Level.MUST,
    "CLOCK-05",
    expects="the same text in the next link",
)
def note_kept(tester: Tester) -> Play[None]:
    """Write a note, and read it in another link of another connection."""
    link = yield from tester.link()
    yield from link.ask(WriteNote("kept"))
    yield from reconnect()
    link = yield from tester.link()
    expect_equal("text", (yield from link.ask(ReadNote())).text, "kept")


@pump_case(
    "note/too-long",
    Level.MUST,
    "CLOCK-05 REF-03",
    expects="OUT_OF_RANGE / NOTE with its bytes and 0 to 128; the note before is kept",
)
def note_too_long(tester: Tester) -> Play[None]:
    """Write notes of 129 bytes and more, of which some have fewer characters."""
    link = yield from tester.link()
    yield from link.ask(WriteNote("as before"))
    for text in ("n" * (MAX_NOTE_BYTES + 1), "ü" * (MAX_NOTE_BYTES // 2 + 1), "n" * 255):
        told = yield from refused_for(link, WriteNote(text), (RefusalCode.OUT_OF_RANGE, Field.NOTE))
        size = len(text.encode())
        expect_numbers(told[0], value=size, minimum=0, maximum=MAX_NOTE_BYTES)
        expect_equal("text", (yield from link.ask(ReadNote())).text, "as before")


@pump_case(
    "note/unprintable",
    Level.MUST,
    "CLOCK-05 REF-03",
    expects="UNKNOWN_VALUE / NOTE without a value; the note before is kept",
)
def note_unprintable(tester: Tester) -> Play[None]:
    """Write notes with characters that are neither printable nor line feeds."""
    link = yield from tester.link()
    yield from link.ask(WriteNote("as before"))
    for text in _UNPRINTABLE:
        told = yield from refused_for(
            link, WriteNote(text), (RefusalCode.UNKNOWN_VALUE, Field.NOTE)
        )
        expect_equal(f"value of the reason for {text!r}", told[0].value, None)
    expect_equal("text", (yield from link.ask(ReadNote())).text, "as before")
