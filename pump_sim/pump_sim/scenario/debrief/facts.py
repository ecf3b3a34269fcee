"""What can be said of a take in figures, worked out from its trace: alarms, reactions, stops, the
patient. What the trace does not tell is None, never guessed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pump_sim.scenario.picture.sheet import Sheet, Span, SpanKind, lines_in_words
from pump_sim.scenario.tracing.trace_lines import (
    AccessLine,
    ActedLine,
    LookLine,
    RecordLine,
    TracedPlay,
)
from pump_sim.texts import spaced

_TREATING: Final = frozenset(
    {"fill", "fill_pocket", "inject_catheter", "explant", "implant", "replace", "reset"}
)
"""What hands do because they think that something has to be done. The patient's own button, a scan
and a head that is laid down are none of it: programming shows itself."""

_COMING: Final = frozenset({"interrogated", "paired", "emergency_asked"})

RANKS: Final = {"withdrawal": 2, "overdose": 2, "underdose": 1, "overdose watch": 1}
"""How bad what the patient shows is."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """The first sign that somebody does something about an alarm."""

    elapsed_ms: int
    what: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A time in which no drug left the reservoir of the pump in the body; None: it still lasted."""

    from_ms: int
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """When what the pump believed of its reservoir was furthest from what was true."""

    elapsed_ms: int
    believed_volume_nl: int
    actual_volume_nl: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Doses:
    """How often something was given, or changed."""

    prescriptions: int
    boluses: int
    refused_boluses: int
    refills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What can be said of one take.

    :ivar alarms: in order of when they were raised.
    :ivar reaction: the first to the first alarm, while it lasted.
    :ivar ended_by: what the instructor did that ended this alarm, where nobody had reacted.
    :ivar stops: in order; those in which nothing was seen of no time are left out.
    :ivar worst: all of what the patient showed that was worst, in order.
    :ivar gap: None where nobody looked.
    """

    played_ms: int
    alarms: tuple[Span, ...]
    reaction: Reaction | None
    ended_by: Reaction | None
    stops: tuple[Stop, ...]
    no_pump: tuple[Span, ...]
    faults: tuple[Span, ...]
    worst: tuple[Span, ...]
    gap: Gap | None
    doses: Doses
    first: LookLine | None
    last: LookLine | None

    @property
    def first_alarm(self) -> Span | None:
        """The one that was raised first."""
        return self.alarms[0] if self.alarms else None

    @property
    def longest_stop(self) -> Stop | None:
        """The one that lasted longest."""
        return max(self.stops, key=self.lasted_ms, default=None)

    def lasted_ms(self, stop: Stop) -> int:
        """How long a stop lasted, as far as was played."""
        return (self.played_ms if stop.until_ms is None else stop.until_ms) - stop.from_ms

    @property
    def stopped_ms(self) -> int:
        """How long no drug flowed, in all."""
        return sum(map(self.lasted_ms, self.stops))

    @property
    def reaction_ms(self) -> int | None:
        """How long after the first alarm somebody reacted."""
        if self.reaction is None or self.first_alarm is None:
            return None
        return self.reaction.elapsed_ms - self.first_alarm.from_ms

    def alarm_from(self, at_ms: int) -> Span | None:
        """The first alarm that was raised then or later."""
        return next((each for each in self.alarms if each.from_ms >= at_ms), None)


def facts_of(play: TracedPlay, sheet: Sheet) -> Facts:
    """What a take's trace tells."""
    alarms = _of_kind(sheet, SpanKind.CRITICAL, SpanKind.NON_CRITICAL)
    flags = _of_kind(sheet, SpanKind.FLAG)
    reaction = _reaction(play, alarms[0]) if alarms else None
    worst = max((RANKS.get(each.name, 0) for each in flags), default=0)
    return Facts(
        played_ms=sheet.length_ms,
        alarms=alarms,
        reaction=reaction,
        ended_by=_ended_by(play, alarms[0]) if alarms and reaction is None else None,
        stops=tuple(_stops(sheet.looks)),
        no_pump=_of_kind(sheet, SpanKind.NO_PUMP),
        faults=_of_kind(sheet, SpanKind.FAULT),
        worst=tuple(each for each in flags if RANKS.get(each.name, 0) == worst),
        gap=_gap(sheet.looks),
        doses=_doses(play),
        first=sheet.looks[0] if sheet.looks else None,
        last=sheet.looks[-1] if sheet.looks else None,
    )


def _of_kind(sheet: Sheet, *kinds: SpanKind) -> tuple[Span, ...]:
    found = [each for each in sheet.spans if each.kind in kinds]
    return tuple(sorted(found, key=lambda each: each.from_ms))


def _reaction(play: TracedPlay, alarm: Span) -> Reaction | None:
    """What came first while an alarm lasted. Of one moment the act tells most."""
    signs = [
        Reaction(line.therapy_ms, what)
        for line in play.lines
        if alarm.from_ms <= line.therapy_ms
        and (line.therapy_ms <= alarm.until_ms or not alarm.ends)
        and (what := _sign(line)) is not None
    ]
    return min(signs, key=lambda each: each.elapsed_ms, default=None)


def _ended_by(play: TracedPlay, alarm: Span) -> Reaction | None:
    """What an instructor did away with at the moment at which an alarm was over."""
    for line in lines_in_words(play):
        match line:
            case ActedLine(family="instructor", act="clear", outcome="done", therapy_ms=at_ms):
                if alarm.ends and at_ms == alarm.until_ms:
                    return Reaction(at_ms, line.text or spaced(line.act))
    return None


def _sign(line: object) -> str | None:
    match line:
        case AccessLine(event=event) if event in _COMING:
            return "a programmer came to the pump"
        case RecordLine(link_id=link_id) if link_id:
            return "a programmer came to the pump"
        case ActedLine(family="hands" | "instructor", act=act, outcome="done") if act in _TREATING:
            if line.family == "instructor" and line.text:
                return f"instructor: {line.text}"
            return f"hands: {spaced(act)}"
        case _:
            return None


def _stops(looks: Sequence[LookLine]) -> Iterator[Stop]:
    begun: int | None = None
    for look in looks:
        stopped = look.implanted and look.actual_rate_nl_per_day == 0
        if stopped and begun is None:
            begun = look.therapy_ms
        elif not stopped and begun is not None:
            if look.therapy_ms > begun:
                yield Stop(begun, look.therapy_ms)
            begun = None
    if begun is not None and begun < looks[-1].therapy_ms:
        yield Stop(begun, None)


def _gap(looks: Sequence[LookLine]) -> Gap | None:
    """Of several looks at one moment the first counts and the last: how it stood, and how it was
    left. In between hands fill before the pump is told.
    """
    first = {each.therapy_ms: each for each in reversed(looks)}
    last = {each.therapy_ms: each for each in looks}
    stands = [look for at_ms in last for look in (first[at_ms], last[at_ms])]
    gaps = (Gap(e.therapy_ms, e.believed_volume_nl, e.actual_volume_nl) for e in stands)
    return max(
        gaps, key=lambda each: abs(each.believed_volume_nl - each.actual_volume_nl), default=None
    )


def _doses(play: TracedPlay) -> Doses:
    events = [each.event for each in play.of(RecordLine)]
    given = ("bolus_started", "patient_bolus_started", "priming_started", "bridge_started")
    return Doses(
        prescriptions=events.count("committed"),
        boluses=sum(events.count(each) for each in given),
        refused_boluses=events.count("patient_bolus_refused"),
        refills=events.count("reservoir_updated"),
    )
