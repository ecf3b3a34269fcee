"""What a programmer reads: flags that are new to it, a clock of its own, a long log, a note."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import MAX_LOG_ENTRIES, Alarm, AlarmFlag, LogEvent
from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.expectations import describe
from pump_protocol.conformance.hooks import advance
from pump_protocol.conformance.programmer.findings import expect_said
from pump_protocol.conformance.programmer.scenes import T, attend, program
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Play, send
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.times import HOUR_MS
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.messages import (
    AlarmRecord,
    LogEntry,
    LogPage,
    LogRange,
    NoteReport,
    ReadLog,
    StatusReport,
)

_DONE: Final = frozenset({Outcome.DONE})
_RECORDS: Final = 40


@programmer_case(
    "programmer-answers/unknown-flags",
    Level.MUST,
    "MSG-08",
    expects="bits that nobody knows ignored",
    tasks="interrogate",
)
def unknown_flags(standin: StandIn) -> Play[None]:
    """An alarm is listed with flags that nobody knows."""
    flags = AlarmFlag(0xF0) | AlarmFlag.ACTIVE

    def interrogate(heard: Heard) -> Play[None]:
        def alarmed(status: StatusReport) -> StatusReport:
            alarm = AlarmRecord(Alarm.LOW_RESERVOIR, flags, status.at_ms, None, None)
            return replace(status, alarms=(alarm,))

        yield from send((yield from standin.lie(heard, StatusReport, alarmed)))

    yield from standin.start("interrogate")
    ended = yield from attend(standin, {T.INTERROGATE: interrogate})
    expect_said(standin, ended, _DONE, "only flags that nobody knows were strange")


@programmer_case(
    "programmer-answers/hours-between",
    Level.MUST,
    "TIME-03",
    expects="it is not surprised, and the prescription is in force",
    tasks="program",
)
def hours_between(standin: StandIn) -> Play[None]:
    """Between any two requests five hours of pump time pass, and hardly any link time."""

    def later(heard: Heard) -> Play[None]:
        yield from advance(5 * HOUR_MS)
        yield from standin.answer(heard)

    yield from program(standin)
    ended = yield from attend(standin, {}, otherwise=later)
    expect_said(standin, ended, _DONE, "only the pump's time ran ahead")


@programmer_case(
    "programmer-answers/whole-log",
    Level.MUST,
    "LOG-03 LOG-04",
    expects="every record asked for, from the first to the last, in pages of at most 13",
    tasks="log",
)
def whole_log(standin: StandIn) -> Play[None]:
    """A log of 40 records is read, and one more is written meanwhile."""
    held = LogRange(1, _RECORDS + 1, 0)
    asked_for: list[int] = []

    def interrogate(heard: Heard) -> Play[None]:
        yield from send(
            (
                yield from standin.lie(
                    heard, StatusReport, lambda status: replace(status, therapy_log=held)
                )
            )
        )

    def page(heard: Heard) -> Play[None]:
        asking = heard.request
        if not isinstance(asking, ReadLog):
            raise Unmet(f"{describe(heard.frame)} cannot be read")
        if not 1 <= asking.limit <= MAX_LOG_ENTRIES:
            raise Unmet(f"limit is {asking.limit}; allowed: 1 to {MAX_LOG_ENTRIES}")
        last = _RECORDS + (1 if asked_for else 0)
        first = max(1, asking.first_sequence)
        records = range(first, min(first + asking.limit, last + 1))
        asked_for.extend(records)
        entries = tuple(_record(number) for number in records)
        yield from send(standin.say(heard, LogPage(LogRange(1, last + 1, 0), entries)))

    yield from standin.start("log")
    ended = yield from attend(standin, {T.INTERROGATE: interrogate, T.READ_LOG: page})
    expect_said(standin, ended, _DONE, "the whole log was there to be read")
    missing = sorted(set(range(1, _RECORDS + 1)) - set(asked_for))
    if missing:
        raise Unmet(f"it never asked for records {missing[0]} to {missing[-1]}")


def _record(number: int) -> LogEntry:
    return LogEntry(number, number * 1_000, LogEvent.NOTE_WRITTEN, 1, 0, 0, 1)


@programmer_case(
    "programmer-answers/note-of-a-stranger",
    Level.MUST,
    "CLOCK-05",
    expects="control characters not printed",
    tasks="write-note",
)
def note_of_a_stranger(standin: StandIn) -> Play[None]:
    """When a note is read back, it has the characters that would clear a terminal."""

    def read(heard: Heard) -> Play[None]:
        def strange(note: NoteReport) -> NoteReport:
            return replace(note, text="seen\x1b[2J\x07")

        yield from send((yield from standin.lie(heard, NoteReport, strange)))

    yield from standin.start("write-note", text="seen")
    ended = yield from attend(standin, {T.READ_NOTE: read})
    if {"\x1b", "\x07"} & {*ended.output, *ended.errors}:
        raise Unmet("control characters of the note reached its output")
