"""One take of a session - a play of it that was played - with all that a debrief says of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pump_sim.scenario.debrief.clock import PumpClock
from pump_sim.scenario.debrief.course import Event, course
from pump_sim.scenario.debrief.facts import Facts, facts_of
from pump_sim.scenario.debrief.telling import left_early, summary
from pump_sim.scenario.file.branches import way_text
from pump_sim.scenario.picture.placing import moment_text
from pump_sim.scenario.picture.sheet import Sheet, survey
from pump_sim.scenario.tracing.trace_lines import TracedPlay


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What a debrief says of one take; `number` counts from 1 in the debrief."""

    number: int
    sheet: Sheet
    facts: Facts
    events: tuple[Event, ...]
    summary: tuple[str, ...]
    begins_local_ms: int | None
    ends_local_ms: int | None

    @property
    def name(self) -> str:
        """What tells it from other takes of the same session: what was decided in it, or when it
        was left. Empty where nothing does.
        """
        decided = " / ".join(self.sheet.decided)
        if decided:
            return decided
        if self.sheet.branch:
            return way_text(self.sheet.branch)
        left = left_early(self.sheet, self.facts)
        return f"left at {moment_text(self.facts.played_ms)}" if left else ""


def takes_of(plays: Sequence[TracedPlay]) -> list[Take]:
    """The takes of a session, in the order of its trace.

    :raises PictureError: a trace tells of something that this version does not know.
    """
    return [_take(number, each) for number, each in enumerate(plays, 1)]


def _take(number: int, play: TracedPlay) -> Take:
    sheet = survey(play, to_the_last_look=True)
    clock = PumpClock(sheet.looks)
    facts = facts_of(play, sheet)
    bounds = (clock.local_ms(0), clock.local_ms(sheet.length_ms))
    return Take(
        number=number,
        sheet=sheet,
        facts=facts,
        events=tuple(course(play, sheet, clock)),
        summary=tuple(summary(sheet, facts, bounds)),
        begins_local_ms=bounds[0],
        ends_local_ms=bounds[1],
    )
