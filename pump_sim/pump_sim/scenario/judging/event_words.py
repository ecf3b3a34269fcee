"""Events that are expected, in words: what must happen and when, and what did."""

from collections.abc import Sequence
from typing import Final

from pump_protocol.units import format_duration
from pump_sim.model.events import LogEntry
from pump_sim.scenario.file.expectations import AccessEvent, AlarmEvent, Event, LogEvent

MOST_TIMES: Final = 5
"""How many moments are named of an event that happened often."""


def verb(expectation: Event) -> str:
    """What such an event does: ``raised``, ``recorded``."""
    match expectation:
        case AlarmEvent(change=change):
            return change
        case LogEvent():
            return "recorded"
        case AccessEvent():
            return "noted"
        case _:
            return "shown"


def event_text(expectation: Event) -> str:
    """What must happen, or must not, and when."""
    does, after_ms = verb(expectation), expectation.after_ms
    counted = f", counted from {format_duration(after_ms)} on" if after_ms else ""
    if expectation.never:
        until_ms = expectation.until_ms
        if after_ms:
            counted = f" from {format_duration(after_ms)} on"
        until = "" if until_ms is None else f" until {format_duration(until_ms)}"
        when = f"not {does}{counted}{until}" if until or counted else f"never {does}"
        return f"{_what(expectation)} {when}"
    if expectation.count is not None:
        by_ms = expectation.by_ms
        by = "" if by_ms is None else f" by {format_duration(by_ms)}"
        return f"{_what(expectation)} {does} {_times_text(expectation.count)}{by}{counted}"
    if expectation.between_ms is not None:
        first, last = map(format_duration, expectation.between_ms)
        when = f"between {first} and {last}"
    elif expectation.by_ms is not None:
        when = f"by {format_duration(expectation.by_ms)}"
    else:
        at_ms, near = expectation.at_ms or 0, format_duration(expectation.within_ms)
        when = f"at {format_duration(at_ms)} (within {near})"
    return f"{_what(expectation)} {does} {when}{counted}"


def _what(expectation: Event) -> str:
    name = f"{expectation.subject} {getattr(expectation, expectation.subject)}"
    if isinstance(expectation, AccessEvent) and expectation.refused is not None:
        return f"{name} ({expectation.refused})"
    if not isinstance(expectation, LogEvent):
        return name
    wanted = (("a", expectation.a), ("b", expectation.b))
    with_ = ", ".join(f"{key} = {value}" for key, value in wanted if value is not None)
    return f"{name} with {with_}" if with_ else name


def happened_text(expectation: Event, times: Sequence[int]) -> str:
    """When it happened: once at least."""
    shown = [format_duration(each) for each in times[:MOST_TIMES]]
    if len(times) == 1:
        return f"{verb(expectation)} at {shown[0]}"
    more = ", ..." if len(times) > MOST_TIMES else ""
    return f"{verb(expectation)} {len(times)} times, at {', '.join(shown)}{more}"


def _times_text(count: int) -> str:
    return {0: "0 times", 1: "once"}.get(count, f"{count} times")


def other_text(entry: LogEntry, at_ms: int) -> str:
    """A record with other parameters than those that are wanted."""
    return f"with a = {entry.a}, b = {entry.b} at {format_duration(at_ms)}"
