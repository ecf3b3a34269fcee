"""What makes no sense in an expectation by itself: that can never be judged, or never be met."""

from collections.abc import Iterator, Sequence

from pump_protocol.units import format_duration
from pump_sim.model.events import EventCode
from pump_sim.scenario.file.expectations import (
    AccessEvent,
    ActiveAlarms,
    Event,
    Expectation,
    Flags,
    LogEvent,
    Received,
    Tone,
    Value,
)
from pump_sim.scenario.file.places import Place
from pump_sim.scenario.happenings import REFUSING
from pump_sim.scenario.reading.act_sense import refusal
from pump_sim.scenario.reading.complaints import Complaint, listed
from pump_sim.texts import did_you_mean

EVENTS = tuple(each.name.lower() for each in EventCode)
"""The names of the events of the therapy log."""


def problems(
    expectation: Expectation, length_ms: int, from_ms: int, choice: str
) -> Iterator[Complaint]:
    """Everything senseless in an expectation: the key within it, and why.

    :param from_ms: when the choice was decided to whose option the expectation belongs.
    :param choice: its name; empty for an expectation of the whole scenario.
    """
    times = _times(expectation)
    for key, time_ms in times.items():
        if time_ms > length_ms:
            yield _path(key), f"the scenario ends at {format_duration(length_ms)}"
    last = [(key, time_ms) for key, time_ms in times.items() if key not in ("after", "from")]
    if last and max(time_ms for _, time_ms in last) < from_ms:
        when = format_duration(from_ms)
        yield _path(last[-1][0]), f"in the past: {choice} is decided at {when}"
    if isinstance(expectation, Event):
        yield from _event(expectation)
    wanted = getattr(expectation, "wanted", None)
    if wanted is not None and wanted[0] > wanted[1]:
        yield (expectation.subject,), "the least comes first, and is not above the most"
    for names in (
        expectation.flags if isinstance(expectation, Flags) else (),
        expectation.alarms if isinstance(expectation, ActiveAlarms) else (),
    ):
        yield from _twice(expectation.subject, names)
    if isinstance(expectation, Tone) and expectation.tone == "none" and expectation.every_ms:
        yield ("every",), "no tone has no interval"
    if isinstance(expectation, LogEvent):
        yield from _log(expectation)
    if isinstance(expectation, AccessEvent):
        yield from _access(expectation)


def _path(key: str) -> Place:
    return ("between", 1) if key == "between" else (key,)


def _times(expectation: Expectation) -> dict[str, int]:
    """Every moment that an expectation names, by its key; of `between` the later one."""
    times: dict[str, int | None] = {}
    match expectation:
        case Event():
            between_ms = expectation.between_ms[1] if expectation.between_ms else None
            times = {
                "after": expectation.after_ms,
                "at": expectation.at_ms,
                "by": expectation.by_ms,
                "between": between_ms,
                "until": expectation.until_ms,
            }
        case Value():
            times = {
                "at": expectation.at_ms,
                "from": expectation.from_ms,
                "until": expectation.until_ms,
            }
        case Received():
            times = {"from": expectation.from_ms, "until": expectation.until_ms}
    return {key: time_ms for key, time_ms in times.items() if time_ms is not None}


def _event(expectation: Event) -> Iterator[Complaint]:
    if expectation.between_ms is not None:
        earliest_ms, latest_ms = expectation.between_ms
        if earliest_ms > latest_ms:
            yield ("between",), "the earlier moment comes first"
    at_ms = expectation.at_ms
    ends = {
        "at": None if at_ms is None else at_ms + expectation.within_ms,
        "by": expectation.by_ms,
        "between": expectation.between_ms and expectation.between_ms[1],
        "until": expectation.until_ms,
    }
    for key, end_ms in ends.items():
        if end_ms is not None and expectation.after_ms > end_ms:
            yield ("after",), f"{key} is over before it begins"
    if at_ms is None and "within_ms" in expectation.model_fields_set:
        yield ("within",), "it goes with at"


def _log(expectation: LogEvent) -> Iterator[Complaint]:
    if expectation.log not in EVENTS:
        near = did_you_mean(expectation.log, EVENTS)
        yield ("log",), f"the log has no such event. Known are {listed(EVENTS)}.{near}"
        return
    meaning = EventCode[expectation.log.upper()].value
    for key, wanted, told in (("a", expectation.a, meaning.a), ("b", expectation.b, meaning.b)):
        if wanted and told == "unused":
            yield (key,), f"{expectation.log} leaves {key} unused: it is always 0"


def _access(expectation: AccessEvent) -> Iterator[Complaint]:
    if expectation.refused is None:
        return
    yield from refusal(expectation.refused)
    if expectation.access not in {each.name.lower() for each in REFUSING}:
        yield ("refused",), f"{expectation.access} is no refusal"


def _twice(key: str, names: Sequence[str]) -> Iterator[Complaint]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (key, index), "it is there already"
