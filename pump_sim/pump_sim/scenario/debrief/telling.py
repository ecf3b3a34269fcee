"""A take in sentences, for people; every one of them rests on its facts."""

from collections.abc import Iterator, Sequence
from typing import Final

from pump_sim.model.units import DAY_MS, SECOND_MS
from pump_sim.narration import clock_text
from pump_sim.scenario.debrief.facts import Doses, Facts
from pump_sim.scenario.picture.figures import figures, percent
from pump_sim.scenario.picture.placing import moment_text
from pump_sim.scenario.picture.sheet import PRACTICE, Sheet, Span, SpanKind

FAR_MS: Final = 40_000 * DAY_MS
"""A length beyond it, of more than a lifetime, says that nobody set one."""

CLOSE_NL: Final = 50_000
"""How far apart belief and truth may come and it be worth no sentence: a drop."""

TRUE_NL: Final = 1_000
"""How far apart they may be and still be told as one: what the figures beside it do not show."""


def lasting(duration_ms: int) -> str:
    """A duration; what is shorter than a second is no number."""
    return moment_text(duration_ms) if duration_ms >= SECOND_MS else "less than 1 s"


def later(from_ms: int, to_ms: int, after: str) -> str:
    """How much later something was: ``3 h after that``, or at the same moment."""
    if to_ms - from_ms < SECOND_MS:
        return "at the same moment"
    return f"{moment_text(to_ms - from_ms)} {after}"


def at(at_ms: int) -> str:
    """A moment of a take."""
    return f"at {moment_text(at_ms)}" if at_ms >= SECOND_MS else "at the start"


def left_early(sheet: Sheet, facts: Facts) -> bool:
    """Whether a scenario was left before its end; a practice has none."""
    return sheet.start.scenario != PRACTICE and (facts.played_ms < sheet.start.length_ms <= FAR_MS)


def summary(sheet: Sheet, facts: Facts, clock: tuple[int | None, int | None]) -> list[str]:
    """The sentences.

    :param clock: what the pump's clock showed at the start and at the end.
    """
    return [
        *_played(sheet, facts, clock),
        *_decided(sheet),
        *_faults(facts),
        *_alarms(facts),
        *_stops(facts),
        *_patient(sheet, facts),
        *_doses(facts.doses),
        *_believed(facts),
    ]


def _played(sheet: Sheet, facts: Facts, clock: tuple[int | None, int | None]) -> Iterator[str]:
    begins, ends = clock
    when = ""
    if begins is not None and ends is not None:
        when = f", from {clock_text(begins)} to {clock_text(ends)} by the pump's clock"
    yield f"It lasted {lasting(facts.played_ms)}{when}."
    if left_early(sheet, facts):
        yield f"It was left before its end at {moment_text(sheet.start.length_ms)}."


def _decided(sheet: Sheet) -> Iterator[str]:
    for each in sheet.marks:
        if each.who == "choice":
            yield f"Decided {at(each.at_ms)}: {each.label.removeprefix('choice: ')}."


def _faults(facts: Facts) -> Iterator[str]:
    """Of the first one, when an alarm told of it; an alarm need not be due to it."""
    if not facts.faults:
        return
    first, more = facts.faults[0], len(facts.faults) - 1
    others = f" (followed by {more} more)" if more else ""
    alarm = facts.alarm_from(first.from_ms)
    told = "no alarm came after it"
    if alarm is not None:
        when = later(first.from_ms, alarm.from_ms, "later")
        told = f"the next alarm, {alarm.name}, came {when}"
    yield f"The first fault was {first.name}, {at(first.from_ms)}{others}; {told}."


def _alarms(facts: Facts) -> Iterator[str]:
    first = facts.first_alarm
    if first is None:
        yield "No alarm was raised."
        return
    how = "critical" if first.kind is SpanKind.CRITICAL else "non-critical"
    was = "was raised" if first.from_ms else "was there from the start"
    where = f" {at(first.from_ms)}" if first.from_ms else ""
    lasted = lasting(first.until_ms - first.from_ms)
    if facts.ended_by is not None:
        then = (
            "nobody is seen to have reacted before the instructor ended it,"
            f" {lasted} later ({facts.ended_by.what})"
        )
    elif facts.reaction is None and first.ends:
        then = f"nobody is seen to have reacted before it was over, {lasted} later"
    elif facts.reaction is None:
        rest = lasting(facts.played_ms - first.from_ms)
        then = f"nobody is seen to have reacted in the {rest} that followed"
    else:
        when = later(first.from_ms, facts.reaction.elapsed_ms, "later")
        then = f"somebody reacted {when} ({facts.reaction.what})"
    yield f"The first alarm, {first.name} ({how}), {was}{where}; {then}."


def _stops(facts: Facts) -> Iterator[str]:
    longest = facts.longest_stop
    if longest is None:
        if not facts.no_pump:
            yield "The flow never stopped."
    else:
        lasted = lasting(facts.lasted_ms(longest))
        if longest.until_ms is None:
            end = f"was still stopped at the end, {lasted} later"
        else:
            end = f"came back {lasted} later"
        often = ""
        if len(facts.stops) > 1:
            all_ms = lasting(facts.stopped_ms)
            often = f" It stopped {len(facts.stops)} times, for {all_ms} in all."
        which = "The flow stopped" if len(facts.stops) == 1 else "The longest time the flow stopped"
        yield f"{which} {at(longest.from_ms)} and {end}; {_told_of(longest.from_ms, facts)}.{often}"
    for each in facts.no_pump:
        until = f"until {moment_text(each.until_ms)}" if each.ends else "to the end"
        yield f"There was no pump in the body from {moment_text(each.from_ms)} {until}."


def _told_of(stopped_ms: int, facts: Facts) -> str:
    alarm = facts.alarm_from(stopped_ms)
    if alarm is None:
        return "no alarm was raised then or later"
    how = "critical" if alarm.kind is SpanKind.CRITICAL else "non-critical"
    return f"the alarm {alarm.name} ({how}) was raised {later(stopped_ms, alarm.from_ms, 'later')}"


def _patient(sheet: Sheet, facts: Facts) -> Iterator[str]:
    effect = next((each for each in figures(sheet.looks) if each.key == "effect_ppm"), None)
    if effect is None:
        yield "The patient is not judged: no prescription says what the effect should be."
        return
    if not facts.worst:
        yield "The patient showed no sign of too little or too much."
    for each in _each_once(facts.worst):
        until = f"until {moment_text(each.until_ms)}" if each.ends else "and still at the end"
        yield f"The worst that the patient showed was {each.name}, {_since(each)} {until}."
    low, high = percent(effect.lowest.value), percent(effect.highest.value)
    if low == high:
        yield f"The drug effect stayed at {low} of what is prescribed."
        return
    yield (
        f"The drug effect was between {low}"
        f" ({at(effect.lowest.at_ms)}) and {high}"
        f" ({at(effect.highest.at_ms)}) of what is prescribed."
    )


def _each_once(spans: Sequence[Span]) -> list[Span]:
    """The first span of each name."""
    return list({each.name: each for each in reversed(spans)}.values())[::-1]


def _since(span: Span) -> str:
    return f"from {moment_text(span.from_ms)}" if span.from_ms else "from the start"


def _doses(doses: Doses) -> Iterator[str]:
    counted = (
        (doses.prescriptions, "prescription", "prescriptions", "committed"),
        (doses.boluses, "bolus", "boluses", "begun"),
        (doses.refused_boluses, "bolus of the patient", "boluses of the patient", "refused"),
        (doses.refills, "refill", "refills", "told to the pump"),
    )
    told = [
        f"{count} {one if count == 1 else many} {what}"
        for count, one, many, what in counted
        if count
    ]
    if told:
        yield f"Doses: {', '.join(told)}."


def _believed(facts: Facts) -> Iterator[str]:
    """What this simulator is for: the pump did not know, and when that was worst."""
    last, gap = facts.last, facts.gap
    if last is None or gap is None:
        return
    if abs(gap.believed_volume_nl - gap.actual_volume_nl) > CLOSE_NL:
        yield (
            f"Belief and truth were furthest apart {at(gap.elapsed_ms)}: the pump believed"
            f" {volume(gap.believed_volume_nl)} in its reservoir, and there were"
            f" {volume(gap.actual_volume_nl)}."
        )
    off_nl = last.believed_volume_nl - last.actual_volume_nl
    if abs(off_nl) <= TRUE_NL:
        yield "At the end, what the pump believed of its reservoir was true."
        return
    more = "more" if off_nl > 0 else "less"
    yield (
        f"At the end the pump believed its reservoir to hold {volume(abs(off_nl))} {more}"
        f" than it did: {volume(last.believed_volume_nl)} instead of"
        f" {volume(last.actual_volume_nl)}."
    )


def volume(volume_nl: int) -> str:
    """A volume to the microliter."""
    return f"{round(volume_nl / 1_000) / 1_000:,.3f}".rstrip("0").rstrip(".") + " mL"
