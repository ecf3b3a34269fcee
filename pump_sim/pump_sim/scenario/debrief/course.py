"""The course of a play: everything in it that matters to people, in order, as one list.

What is on the wire is left out but for what came of it; so are the looks, which are drawn.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Self

from pump_sim.model.firmware.alarms import Alarm, AlarmClass
from pump_sim.narration import alarm_text
from pump_sim.scenario.debrief.clock import PumpClock
from pump_sim.scenario.picture.sheet import (
    ACT_MS,
    PRACTICE,
    Sheet,
    SpanKind,
    lines_in_words,
    mark_of,
)
from pump_sim.scenario.tracing.trace_lines import (
    AccessLine,
    ActedLine,
    AnyLine,
    ChosenLine,
    FaultLine,
    FlagsLine,
    RecordLine,
    ReplacedLine,
    SaidLine,
    TracedPlay,
)
from pump_sim.texts import spaced

EventKind = Literal[
    "said",
    "choice",
    "act",
    "alarm",
    "prescription",
    "bolus",
    "refill",
    "infusion",
    "patient",
    "fault",
    "access",
    "link",
    "pump",
]
Severity = Literal["critical", "non_critical", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. `who` is instructor, scenario, hands, programmer, pump or patient.

    `clock_local_ms` is what the pump's clock showed, None where the trace does not tell.
    """

    elapsed_ms: int
    clock_local_ms: int | None
    kind: EventKind
    who: str
    what: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class _Told:
    kind: EventKind
    who: str
    what: str
    severity: Severity = "info"


_RECORDS: Final[Mapping[str, EventKind]] = {
    **dict.fromkeys(
        (
            "staged",
            "committed",
            "rolled_back",
            "staging_expired",
            "mode_changed",
            "bridge_declined",
            "soft_limit_confirmed",
            "emergency_minimum_rate",
            "emergency_stopped",
        ),
        "prescription",
    ),
    **dict.fromkeys(
        (
            "bolus_started",
            "bolus_completed",
            "bolus_aborted",
            "priming_started",
            "bridge_started",
            "patient_bolus_started",
            "patient_bolus_refused",
            "periodic_bolus_shifted",
            "periodic_bolus_started",
        ),
        "bolus",
    ),
    **dict.fromkeys(
        (
            "alarm_raised",
            "alarm_cleared",
            "alarm_acknowledged",
            "alarm_silenced",
            "alarm_tested",
            "alarm_interval_set",
        ),
        "alarm",
    ),
    "infusion_stopped": "infusion",
    "infusion_resumed": "infusion",
    "motor_recovered": "infusion",
    "reservoir_updated": "refill",
}
"""What the records of the therapy log are about; all others are about the pump."""

_SEVERE: Final[Mapping[str, Severity]] = {
    "infusion_stopped": "critical",
    "reset": "critical",
    "emergency_minimum_rate": "non_critical",
    "emergency_stopped": "non_critical",
}

FLAG_SEVERITY: Final[Mapping[str, Severity]] = {
    "withdrawal": "critical",
    "overdose": "critical",
    "underdose": "non_critical",
    "overdose_watch": "non_critical",
}

_REFILLS: Final = frozenset({"fill", "fill_pocket", "refill"})
_BOLUSES: Final = frozenset({"bolus", "priming", "abort_bolus", "press", "inject_catheter"})
_PRESSED: Final = frozenset({"patient_bolus_started", "patient_bolus_refused"})

_REFUSALS: Final = {"link_not_open": "the link was not open any more"}
"""Why a pump refused, where the name of the code is no word for people."""


def course(play: TracedPlay, sheet: Sheet, clock: PumpClock) -> Iterator[Event]:
    """What happened, in order; of one moment as the trace has it."""
    told = [(line.therapy_ms, each) for line, each in _lines(play)]
    told += [
        (each.from_ms, _Told("link", "scenario", f"{each.name}: {_frames(each.count)}"))
        for each in sheet.spans
        if each.kind is SpanKind.WIRE
    ]
    for at_ms, each in sorted(told, key=lambda pair: pair[0]):
        yield Event(
            elapsed_ms=at_ms,
            clock_local_ms=clock.local_ms(at_ms),
            kind=each.kind,
            who=each.who,
            what=each.what,
            severity=each.severity,
        )


def _frames(count: int) -> str:
    return "1 frame on the wire" if count == 1 else f"{count} frames on the wire"


def _lines(play: TracedPlay) -> Iterator[tuple[AnyLine, _Told]]:
    """The lines that matter, in words."""
    known = _Known.of(play)
    flags: tuple[str, ...] = ()
    for line in lines_in_words(play):
        if isinstance(line, FlagsLine):
            yield from ((line, each) for each in _flags(line, flags))
            flags = line.flags
        elif not known.tells(line) and (told := _told(line)) is not None:
            if isinstance(line, FaultLine) and known.instructors(line):
                told = replace(told, who="instructor")
            yield line, told


@dataclass(frozen=True, slots=True)
class _Known:
    """What acts tell, so that no other line of the same moment need tell it again."""

    pressed: frozenset[int]
    broken: frozenset[tuple[int, str | None]]
    committed: frozenset[int]
    at_work: tuple[int, ...]
    put_in: frozenset[int]
    practice: bool

    @classmethod
    def of(cls, play: TracedPlay) -> Self:
        """What the acts of a play tell."""
        acts = [each for each in lines_in_words(play) if isinstance(each, ActedLine)]
        records = play.of(RecordLine)
        return cls(
            pressed=frozenset(e.therapy_ms for e in acts if e.act == "press"),
            broken=frozenset((e.therapy_ms, _broken(e)) for e in acts),
            committed=frozenset(e.therapy_ms for e in records if e.event == "committed"),
            at_work=tuple(e.therapy_ms for e in acts if e.family == "programmer"),
            put_in=frozenset(
                each.fault_id
                for each in play.of(FaultLine)
                if each.began and any(_puts_in(act, each) for act in acts)
            ),
            practice=play.scenario == PRACTICE,
        )

    def instructors(self, line: FaultLine) -> bool:
        """Whether a fault is an instructor's. In a practice, nobody else puts any in."""
        return self.practice or line.fault_id in self.put_in

    def tells(self, line: AnyLine) -> bool:
        """Whether something else tells of this line."""
        at_ms = line.therapy_ms
        match line:
            case RecordLine(event="staged"):
                return at_ms in self.committed
            case RecordLine(event=event) if event in _PRESSED:
                return at_ms in self.pressed
            case FaultLine(fault=fault):
                return (at_ms, fault) in self.broken
            case ReplacedLine():
                return (at_ms, None) in self.broken
            case AccessLine(event="interrogated"):
                return any(0 <= each - at_ms <= ACT_MS for each in self.at_work)
            case _:
                return False


def _told(line: AnyLine) -> _Told | None:  # noqa: PLR0911 - one a kind
    match line:
        case SaidLine(text=text):
            return _Told("said", "scenario", text)
        case ChosenLine(title=title):
            return _Told("choice", "instructor", f"decided: {title}")
        case ActedLine():
            return _act(line)
        case RecordLine():
            return _record(line)
        case AccessLine() if line.event != "authenticated":
            return _access(line)
        case FaultLine():
            state = "begins" if line.began else "is over"
            return _Told("fault", "scenario", f"{spaced(line.fault)} {state}")
        case ReplacedLine():
            return _Told("act", "hands", f"pump {line.serial_number} is in place")
        case _:
            return None


def _broken(line: ActedLine) -> str | None:
    """Which fault an act began or ended."""
    if line.family in ("fault", "clear"):
        return line.act
    fault = line.parameters.get("fault")
    return fault if line.family == "instructor" and isinstance(fault, str) else None


def _puts_in(act: ActedLine, line: FaultLine) -> bool:
    """Whether it is by this act that a fault begins: at once, or at the moment that was given."""
    if (act.family, act.act) != ("instructor", "inject") or _broken(act) != line.fault:
        return False
    return act.therapy_ms == line.therapy_ms or (
        "at_ms" in act.parameters and act.therapy_ms < line.therapy_ms
    )


def _act(line: ActedLine) -> _Told:
    what = mark_of(line).text
    if line.family in ("fault", "clear"):
        return _Told("fault", "scenario", line.text or what)
    if line.family == "link":
        return _Told("link", "scenario", what)
    if _broken(line) is not None:
        return _Told("fault", line.family, what)
    kind: EventKind = "act"
    if line.act in _REFILLS:
        kind = "refill"
    elif line.act in _BOLUSES:
        kind = "bolus"
    return _Told(kind, line.family, what)


def _record(line: RecordLine) -> _Told:
    kind = _RECORDS.get(line.event, "pump")
    who = "programmer" if line.link_id else "pump"
    if line.event != "alarm_raised":
        return _Told(kind, who, line.text, _SEVERE.get(line.event, "info"))
    critical = line.b == AlarmClass.CRITICAL.value
    known = next((each for each in Alarm if each.value == line.a), None)
    name = line.text if known is None else alarm_text(known)
    tone = "critical, two tones" if critical else "non-critical, a single tone"
    severity: Severity = "critical" if critical else "non_critical"
    return _Told(kind, who, f"alarm raised: {name} ({tone})", severity)


def _access(line: AccessLine) -> _Told:
    if line.event == "interrogated":
        return _Told("access", "programmer", "reads the pump")
    about = "" if line.message is None else f": {spaced(line.message)}"
    why = "" if line.refused is None else f" ({_REFUSALS.get(line.refused, spaced(line.refused))})"
    often = "" if line.times == 1 else f", {line.times} times"
    return _Told("access", "programmer", f"{spaced(line.event)}{about}{why}{often}")


def _flags(line: FlagsLine, before: tuple[str, ...]) -> Iterator[_Told]:
    for flag in before:
        if flag not in line.flags:
            yield _Told("patient", "patient", f"no longer shows {spaced(flag)}")
    for flag in line.flags:
        if flag not in before:
            severity = FLAG_SEVERITY.get(flag, "info")
            yield _Told("patient", "patient", f"shows {spaced(flag)}", severity)
