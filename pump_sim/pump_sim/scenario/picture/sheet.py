"""What a picture of a play shows, gathered from its trace: no colours, no pixels, no words on how.

A *span* is what holds from one moment to another: an alarm, a flag of the patient, a fault. A
*mark* is what somebody did or decided at one moment.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from pump_protocol import units
from pump_sim.model.firmware.alarms import RULES, Alarm, AlarmClass
from pump_sim.model.firmware.delivery import Hold
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.model.units import MINUTE_MS
from pump_sim.narration import alarm_text
from pump_sim.scenario.file.branches import way_text
from pump_sim.scenario.tracing.trace_lines import (
    ActedLine,
    AnyLine,
    ChosenLine,
    ExpectationLine,
    FaultLine,
    ImpairedLine,
    LookLine,
    RecordLine,
    ReplacedLine,
    SaidLine,
    StartLine,
    TracedPlay,
)
from pump_sim.texts import spaced

PRACTICE: Final = "practice"
"""What a trace calls a play in which nothing is written down."""

ACT_MS: Final = 600_000
"""How long an act of a scenario's programmer takes at most: what it reads within it is no news."""

_PROGRAMMED: Final = {
    "committed": "new prescription",
    "bolus_started": "bolus",
    "priming_started": "priming bolus",
    "bridge_started": "bridge bolus",
    "bolus_aborted": "bolus ended",
    "reservoir_updated": "refill told",
    "emergency_minimum_rate": "emergency: least rate",
    "emergency_stopped": "emergency: stopped",
}
"""What a programmer from outside did, of which only the therapy log tells; others are no marks."""

_PRESENCE: Final = frozenset({"pair", "proximity", "button"})
"""What an instructor does so that a programmer can reach the pump: nothing for a picture."""


class PictureError(ValueError):
    """No picture can be made of what was given: the message says why, and what is allowed."""


class SpanKind(Enum):
    """What it is that lasts, in the order in which it is shown."""

    CRITICAL = "critical alarm"
    NON_CRITICAL = "non-critical alarm"
    HELD = "infusion held without an alarm"
    FLAG = "patient flag"
    FAULT = "fault"
    WIRE = "disturbance of the wire"
    NO_PUMP = "explanted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that holds from one moment to another; `ends` is False if it still does at last.

    A fault that strikes in a moment has no length. `count` is how many frames were disturbed.
    """

    kind: SpanKind
    name: str
    from_ms: int
    until_ms: int
    ends: bool
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What was done or decided at one moment.

    `who` is instructor, hands, programmer, link, fault or choice.

    `label` is for a picture, `text` says what came of it.
    """

    at_ms: int
    who: str
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything that a picture of one play shows."""

    start: StartLine
    branch: tuple[str, ...]
    decided: tuple[str, ...]
    """The titles of the options that were picked."""
    length_ms: int
    complete: bool
    serial_numbers: tuple[str, ...]
    looks: tuple[LookLine, ...]
    spans: tuple[Span, ...]
    marks: tuple[Mark, ...]
    said: tuple[SaidLine, ...]
    judged: tuple[ExpectationLine, ...]

    @property
    def unmet(self) -> tuple[ExpectationLine, ...]:
        """The expectations that were not met."""
        return tuple(each for each in self.judged if not each.met)

    @property
    def can_be_drawn(self) -> bool:
        """Whether somebody looked at the pump at two moments at least."""
        return len({each.therapy_ms for each in self.looks}) >= 2


def gather(play: TracedPlay) -> Sheet:
    """The sheet of a play, from which a picture can be drawn.

    :raises PictureError: nobody looked at the pump, so there is nothing to draw.
    """
    sheet = survey(play)
    if not sheet.can_be_drawn:
        way = f" ({way_text(play.branch)})" if play.branch else ""
        raise PictureError(
            f"{play.scenario}{way}: the trace has {len(sheet.looks)} 'look' lines;"
            " a picture needs looks at two moments at least"
        )
    return sheet


def survey(play: TracedPlay, *, to_the_last_look: bool = False) -> Sheet:
    """The sheet of a play, even of one that cannot be drawn.

    :param to_the_last_look: it ends there, whatever its length was to be: it was left, or nobody
        knew how long it would be.
    :raises PictureError: it tells of something that this version does not know.
    """
    looks = tuple(play.of(LookLine))
    replaced = (each.serial_number for each in play.of(ReplacedLine))
    last_ms = max((each.therapy_ms for each in looks), default=0)
    return Sheet(
        start=play.start,
        branch=play.branch,
        decided=tuple(each.title for each in play.of(ChosenLine)),
        length_ms=last_ms if to_the_last_look else max(play.start.length_ms, last_ms),
        complete=play.complete,
        serial_numbers=(play.start.serial_number, *replaced),
        looks=looks,
        spans=_in_order(
            (*_seen(looks), *_held(play, last_ms), *_faults(play, last_ms), *_disturbed(play))
        ),
        marks=tuple(_marks(play)),
        said=tuple(play.of(SaidLine)),
        judged=tuple(play.of(ExpectationLine)),
    )


# --- What lasts ----------------------------------------------------------------------------------


def _in_order(spans: Iterable[Span]) -> tuple[Span, ...]:
    """By kind; within one by what began first; all spans of one name together."""
    kinds = list(SpanKind)
    every = list(spans)
    first = {
        (each.kind, each.name): each.from_ms
        for each in sorted(every, key=lambda span: span.from_ms, reverse=True)
    }
    return tuple(
        sorted(
            every,
            key=lambda span: (
                kinds.index(span.kind),
                first[span.kind, span.name],
                span.name,
                span.from_ms,
            ),
        )
    )


def _seen(looks: Sequence[LookLine]) -> Iterator[Span]:
    """What looks show: a play looks whenever any of it changes, so these moments are exact."""
    begun: dict[tuple[SpanKind, str], int] = {}
    for look in looks:
        shown = dict.fromkeys(_shown(look))
        for key in [each for each in begun if each not in shown]:
            yield _span(key, begun.pop(key), look.therapy_ms, ends=True)
        for key in shown:
            begun.setdefault(key, look.therapy_ms)
    for key, from_ms in begun.items():  # of a play without a look there are none
        yield _span(key, from_ms, looks[-1].therapy_ms, ends=False)


def _shown(look: LookLine) -> Iterator[tuple[SpanKind, str]]:
    if not look.implanted:
        yield SpanKind.NO_PUMP, "no pump in place"
    for flag in look.flags:
        yield SpanKind.FLAG, spaced(flag)
    for name in look.active_alarms:
        alarm = Alarm.__members__.get(name.upper())
        if alarm is None:
            raise PictureError(f"active_alarms: this version knows no alarm {name!r}")
        critical = RULES[alarm].alarm_class is AlarmClass.CRITICAL
        yield (SpanKind.CRITICAL if critical else SpanKind.NON_CRITICAL), alarm_text(alarm)


def _span(key: tuple[SpanKind, str], from_ms: int, until_ms: int, *, ends: bool) -> Span:
    kind, name = key
    return Span(kind=kind, name=name, from_ms=from_ms, until_ms=until_ms, ends=ends)


def _held(play: TracedPlay, last_ms: int) -> Iterator[Span]:
    """Where the pump waits for a programmer, which no alarm tells."""
    key = (SpanKind.HELD, "waits for programmer")
    begun: int | None = None
    for line in play.lines:
        match line:
            case RecordLine(event="infusion_stopped", a=Hold.TELEMETRY_LATCH.value):
                begun = line.therapy_ms if begun is None else begun
            case (
                RecordLine(event="infusion_resumed", a=Hold.TELEMETRY_LATCH.value) | ReplacedLine()
            ):
                if begun is not None:
                    yield _span(key, begun, line.therapy_ms, ends=True)
                begun = None
    if begun is not None:
        yield _span(key, begun, last_ms, ends=False)


def _faults(play: TracedPlay, last_ms: int) -> Iterator[Span]:
    """The faults of the pump: those that last, and those that strike in a moment."""
    begun: dict[int, FaultLine] = {}
    for line in play.lines:
        match line:
            case FaultLine(began=True) if not _strikes(line.fault):
                begun[line.fault_id] = line
            case FaultLine() if line.fault_id in begun:
                since = begun.pop(line.fault_id)
                yield _fault(line.fault, since.therapy_ms, line.therapy_ms, ends=True)
            case ReplacedLine():
                # The faults were the old pump's. Those of the new one are counted anew.
                for each in begun.values():
                    yield _fault(each.fault, each.therapy_ms, line.therapy_ms, ends=True)
                begun.clear()
            case ActedLine() if (struck := _struck(line)) is not None:
                yield _fault(struck, line.therapy_ms, line.therapy_ms, ends=True)
    for each in begun.values():
        yield _fault(each.fault, each.therapy_ms, last_ms, ends=False)


def _disturbed(play: TracedPlay) -> Iterator[Span]:
    """What was done to frames, by its first word; what comes in one go is one span."""
    runs: dict[str, list[int]] = {}
    for line in play.of(ImpairedLine):
        name = line.what.partition(" ")[0]
        run = runs.setdefault(name, [])
        if run and line.therapy_ms - run[-1] > MINUTE_MS:
            yield _run(name, run)
            run.clear()
        run.append(line.therapy_ms)
    for name, run in runs.items():
        yield _run(name, run)


def _run(name: str, at_ms: Sequence[int]) -> Span:
    return Span(
        kind=SpanKind.WIRE,
        name=name,
        from_ms=at_ms[0],
        until_ms=at_ms[-1],
        ends=True,
        count=len(at_ms),
    )


def _struck(line: ActedLine) -> str | None:
    """The fault that an act brought about and that was over in a moment; None of any other act."""
    match line:
        case ActedLine(family="fault", act=fault):
            pass
        case ActedLine(family="instructor", act="inject", outcome="done", parameters=given):
            fault = "" if "at_ms" in given else str(given.get("fault"))
        case _:
            return None
    return fault if _strikes(fault) else None


def _strikes(fault: str) -> bool:
    kind = FAULTS.get(fault)
    return kind is not None and not kind.lasts


def _fault(name: str, from_ms: int, until_ms: int, *, ends: bool) -> Span:
    return _span((SpanKind.FAULT, spaced(name)), from_ms, until_ms, ends=ends)


# --- What was done -------------------------------------------------------------------------------


def lines_in_words(play: TracedPlay) -> Iterator[AnyLine]:
    """The lines of a play; of a fault that an instructor ended by its number, its name is told."""
    ended = {(e.therapy_ms, e.fault_id): e.fault for e in play.of(FaultLine) if not e.began}
    for line in play.lines:
        if isinstance(line, ActedLine) and (line.family, line.act) == ("instructor", "clear"):
            number = line.parameters.get("fault_id")
            fault = ended.get((line.therapy_ms, number)) if isinstance(number, int) else None
            if fault is not None:
                text = f"fault ended: {spaced(fault)}"
                yield replace(line, text=text, parameters={**line.parameters, "fault": fault})
                continue
        yield line


def _marks(play: TracedPlay) -> Iterator[Mark]:
    at_work = [each.therapy_ms for each in play.of(ActedLine) if each.family == "programmer"]
    for line in lines_in_words(play):
        if isinstance(line, ChosenLine):
            yield Mark(
                at_ms=line.therapy_ms,
                who="choice",
                label=f"choice: {line.title}",
                text=f"{line.title} ({line.choice}={line.option})",
            )
        elif isinstance(line, ActedLine):
            if line.family != "instructor" or line.act not in _PRESENCE:
                yield mark_of(line)
        elif isinstance(line, RecordLine) and line.link_id and line.event in _PROGRAMMED:
            at_ms = line.therapy_ms
            if any(0 <= each - at_ms <= ACT_MS for each in at_work):
                continue  # the act tells of it
            label = f"programmer: {_PROGRAMMED[line.event]}"
            yield Mark(at_ms=at_ms, who="programmer", label=label, text=line.text)


def mark_of(line: ActedLine) -> Mark:
    """An act as a mark. An instructor's is told in words of its own."""
    who = "fault" if line.family == "clear" else line.family
    deed = f"{'end of ' if line.family == 'clear' else ''}{spaced(line.act)}"
    figures = _figures(line.parameters)
    if figures:
        deed += f" {figures}"
    outcome = [] if line.outcome == "done" else [spaced(line.outcome)]
    codes = f" ({', '.join(map(spaced, line.refused))})" if line.refused else ""
    came_of_it = [f"{each}{codes}" for each in outcome]
    in_words = line.family == "instructor" and bool(line.text)
    said = [] if in_words else [deed]
    return Mark(
        at_ms=line.therapy_ms,
        who=who,
        label=" - ".join([f"{who}: {line.text if in_words else deed}", *outcome]),
        text=": ".join([*said, *came_of_it, *filter(None, [line.text])]),
    )


def _figures(parameters: dict[str, Any]) -> str:
    """What says most of an act's parameters: two of its figures, names and schedules."""
    formats: dict[str, Callable[[int], str]] = {
        "daily_dose_ng": units.format_daily_dose,
        "rate_nl_per_day": units.format_rate,
        "dose_ng": units.format_dose,
        "volume_nl": units.format_volume,
        "concentration_ng_per_ml": units.format_concentration,
    }
    told = [
        text(parameters[name])
        for name, text in formats.items()
        if type(parameters.get(name)) is int
    ]
    names: dict[str, Callable[[str], str]] = {
        "mode": spaced,
        "alarm": spaced,
        "serial_number": str,
        "cut": spaced,
        "fault": spaced,
        "cause": spaced,
    }
    told += [
        text(parameters[name])
        for name, text in names.items()
        if isinstance(parameters.get(name), str)
    ]
    told += [spaced(each) for each in ("flex", "periodic", "patient_bolus") if each in parameters]
    return ", ".join(told[:2])
