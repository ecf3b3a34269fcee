"""What has happened in the present take of a session, and the moments one can go back to.

It is told by the play and knows nothing of pages. What it keeps is bounded: a session may last for
as long as anybody likes.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pump_sim.console.charted import Charted
from pump_sim.console.marks import Mark, Marks
from pump_sim.console.story import Event, event_of
from pump_sim.scenario.happenings import (
    Acted,
    Asked,
    Chosen,
    Ended,
    Framed,
    Happening,
    Impaired,
    Intervened,
    Look,
    Noted,
    OnSession,
    Recorded,
    Replaced,
    Said,
)
from pump_sim.scenario.playing.play import Play

MOST_HAPPENINGS: Final = 20_000
"""Of one take. Beyond it looks are thinned, and the oldest part of what passed on links goes."""

LINK_KEPT: Final = 4_000
"""How many of the latest happenings on links are kept when room is made."""

_ON_LINK: Final = (Framed, Impaired, Noted, OnSession)
_DEEDS: Final = (Acted, Asked, Chosen, Ended, Intervened, Replaced)
"""After which the play is not where time alone would have brought it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A happening, its number in the session, and the pump's local clock when it was told.

    Numbers rise, and none is used twice, whatever is gone back over.
    """

    number: int
    happening: Happening
    clock_local_ms: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A history as it was at one moment, to go on from."""

    told: tuple[Told, ...]
    marks: tuple[Mark, ...]


class History:
    """What one play tells.

    :param play: watched from now on.
    :param on_event: told of each new line of the log.
    """

    def __init__(self, play: Play, on_event: Callable[[Event], None]) -> None:
        self._play = play
        self._on_event = on_event
        self._told: list[Told] = []
        self._marks = Marks()
        self._number = 0
        self._deed_since_mark = False
        self._work_out_anew()
        play.watch(self._hear)

    # --- What was told ---------------------------------------------------------------------------

    @property
    def number(self) -> int:
        """That of what happened last."""
        return self._number

    @property
    def happenings(self) -> tuple[Happening, ...]:
        """All that is known of the take, in order."""
        return tuple(each.happening for each in self._told)

    @property
    def events(self) -> Sequence[Event]:
        """The lines of the log, in order."""
        return self._events

    @property
    def charted(self) -> Charted:
        """What charts show of it."""
        return self._charted

    @property
    def said(self) -> Sequence[Said]:
        """What was told, in order."""
        return self._said

    @property
    def asked(self) -> Sequence[Asked]:
        """What was to be decided, in order."""
        return self._asked

    @property
    def chosen(self) -> Sequence[Chosen]:
        """What was decided, in order."""
        return self._chosen

    def event(self, index: int) -> Event | None:
        """The line of that number; None where there is none."""
        place = bisect_left(self._events, index, key=lambda each: each.index)
        found = self._events[place] if place < len(self._events) else None
        return found if found is not None and found.index == index else None

    def _hear(self, happening: Happening) -> None:
        self._number += 1
        clock_local_ms = self._play.pump.firmware.moment().clock_local_ms
        told = Told(self._number, happening, clock_local_ms)
        self._told.append(told)
        event = self._take_in(told)
        self._deed_since_mark |= _is_deed(happening)
        if isinstance(happening, Look | Asked | Ended):
            self._set_mark()
        if len(self._told) > MOST_HAPPENINGS:
            self._make_room()
        if event is not None:
            self._on_event(event)

    def _take_in(self, told: Told) -> Event | None:
        """Add what a happening brings to charts and lines."""
        self._charted.take_in(told.number, told.happening)
        match told.happening:
            case Said() as said:
                self._said.append(said)
            case Asked() as asked:
                self._asked.append(asked)
            case Chosen() as chosen:
                self._chosen.append(chosen)
        event = event_of(told.happening, told.number, told.clock_local_ms)
        if event is not None:
            self._events.append(event)
        return event

    def _work_out_anew(self) -> None:
        """Charts and lines from all that was told."""
        self._charted = Charted()
        self._events: list[Event] = []
        self._said: list[Said] = []
        self._asked: list[Asked] = []
        self._chosen: list[Chosen] = []
        for told in self._told:
            self._take_in(told)

    def _make_room(self) -> None:
        """Forget every other look, and what passed on links long ago."""
        on_link = sum(isinstance(each.happening, _ON_LINK) for each in self._told)
        kept: list[Told] = []
        looked = False
        for told in self._told:
            if isinstance(told.happening, _ON_LINK):
                on_link -= 1
                if on_link >= LINK_KEPT:
                    continue
            elif isinstance(told.happening, Look):
                looked = not looked
                if looked:
                    continue
            kept.append(told)
        if len(kept) > MOST_HAPPENINGS * 3 // 4:  # all of it worth a line: the oldest go
            kept = kept[-MOST_HAPPENINGS // 2 :]
        self._told = kept
        self._work_out_anew()

    # --- Going back ------------------------------------------------------------------------------

    def _set_mark(self) -> None:
        bookmark = self._play.bookmark()
        if bookmark is not None:
            self._marks.add(Mark(self._number, bookmark, self._deed_since_mark))
            self._deed_since_mark = False

    @property
    def earliest_ms(self) -> int:
        """The earliest moment to which one can go back."""
        first = self._marks.first
        return self._play.elapsed_ms if first is None else first.at_ms

    def notable(self) -> Iterator[Event]:
        """What one can go back to just before of, in order."""
        return (
            each for each in self._events if each.notable and self._mark_before(each) is not None
        )

    def _mark_before(self, event: Event) -> Mark | None:
        """The last mark that does not know of an event; of a question, the one that asks it."""
        return self._marks.before(event.index + event.asks)

    def just_before(self, event: Event) -> tuple[Mark, int] | None:
        """The mark from which one comes to just before an event, and to which moment to go on.

        None where what was before it is forgotten.
        """
        mark = self._mark_before(event)
        if mark is None or event.asks or mark.at_ms >= event.elapsed_ms - 1:
            return None if mark is None else (mark, mark.at_ms)
        if event.by == "instructor":  # without them it would not have come
            return mark, event.elapsed_ms
        # What happens by itself at a moment has happened as soon as that moment is there.
        return mark, event.elapsed_ms - 1

    def mark_at(self, elapsed_ms: int) -> Mark | None:
        """The mark from which one comes to a moment; None where what was then is forgotten."""
        return self._marks.at(elapsed_ms)

    def forget_after(self, mark: Mark) -> None:
        """What came after a mark has never happened."""
        self._told = [each for each in self._told if each.number <= mark.number]
        self._marks.forget_after(mark)
        self._deed_since_mark = False
        self._work_out_anew()

    def recording(self) -> Recording:
        """All of it, as it is now."""
        return Recording(tuple(self._told), self._marks.all)

    def begin_with(self, recording: Recording) -> None:
        """Have this happened before: the play was turned back to where it was recorded."""
        self._told, self._marks = list(recording.told), Marks(recording.marks)
        self._number = max((each.number for each in self._told), default=0)
        self._deed_since_mark = False
        self._work_out_anew()


def _is_deed(happening: Happening) -> bool:
    """Whether it is more than that time has passed."""
    if isinstance(happening, Recorded):
        return happening.entry.link_id != 0
    return isinstance(happening, _DEEDS)
