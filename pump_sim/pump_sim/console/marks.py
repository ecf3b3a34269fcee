"""The moments of a take to which one can go back: bookmarks of its play, in order.

Between two neighbours nothing happens but that time passes: so one comes to any moment by going
back to the mark before it, and on from there. That stays true however many are forgotten.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pump_sim.scenario.playing.bookmark import Bookmark

MOST_MARKS: Final = 2_000
"""Of one take."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the play stood when all up to a number had happened.

    `after_deed`: since the mark before it somebody has done something.
    """

    number: int
    bookmark: Bookmark
    after_deed: bool

    @property
    def at_ms(self) -> int:
        """The moment of the take."""
        return self.bookmark.at_ms


class Marks:
    """The marks of one take."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self._marks = list(marks)
        self._fewest = 0  # what thinning left last time; it is tried anew only when it can help

    @property
    def all(self) -> tuple[Mark, ...]:
        """Every mark, in order."""
        return tuple(self._marks)

    @property
    def first(self) -> Mark | None:
        """The earliest to which one can go back; None before the first look."""
        return self._marks[0] if self._marks else None

    def add(self, mark: Mark) -> None:
        """Set one more mark, after all others."""
        self._marks.append(mark)
        if len(self._marks) > max(MOST_MARKS, self._fewest + MOST_MARKS // 4):
            self._thin()

    def _thin(self) -> None:
        """Forget every other mark of those between which only time passes; and where these are few,
        the oldest of all."""
        marks = self._marks
        following = [*(each.after_deed for each in marks[1:]), True]
        self._marks = [
            mark
            for place, (mark, deed_follows) in enumerate(zip(marks, following, strict=True))
            if place == 0 or place % 2 or mark.after_deed or deed_follows
        ]
        if len(self._marks) > MOST_MARKS:
            self._marks = self._marks[-MOST_MARKS:]
        self._fewest = len(self._marks) - MOST_MARKS // 4

    def before(self, number: int) -> Mark | None:
        """The last mark that does not know of what has that number; None if there is none."""
        place = bisect_left(self._marks, number, key=lambda each: each.number)
        return self._marks[place - 1] if place else None

    def at(self, elapsed_ms: int) -> Mark | None:
        """The last mark up to a moment; None if there is none."""
        place = bisect_right(self._marks, elapsed_ms, key=lambda each: each.at_ms)
        return self._marks[place - 1] if place else None

    def forget_after(self, mark: Mark) -> None:
        """What came after a mark was never there."""
        self._marks = [each for each in self._marks if each.number <= mark.number]
