"""What charts and the timeline show of a take: a row for each look, and spans of what lasted."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pump_sim.console.story import severity_of
from pump_sim.scenario.happenings import FaultChanged, Happening, Look, Replaced
from pump_sim.texts import spaced

COLUMNS: Final = (
    "elapsed_ms",
    "believed_volume_nl",
    "actual_volume_nl",
    "believed_rate_nl_per_day",
    "actual_rate_nl_per_day",
    "effect_ppm",
)
"""What a row has."""

Row = tuple[int, int, int, int, int, int | None]

_FAULT: Final = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What holds from one moment to another: an alarm, a flag, a fault. None: it still does."""

    kind: str
    name: str
    from_ms: int
    until_ms: int | None

    def as_json(self) -> dict[str, Any]:
        """The span as JSON has it."""
        return asdict(self)


class Charted:
    """Rows and spans of what was told so far."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._numbers: list[int] = []
        self._spans: list[Span] = []
        self._open: dict[tuple[str, str], int] = {}

    @property
    def rows(self) -> Sequence[Row]:
        """One for each look, in order of time."""
        return self._rows

    def rows_after(self, number: int) -> Sequence[Row]:
        """The rows of looks that were told after the one of that number."""
        return self._rows[bisect_right(self._numbers, number) :]

    def spans(self) -> Iterator[Span]:
        """What lasted, and what still does."""
        yield from self._spans
        for (kind, name), from_ms in self._open.items():
            yield Span(kind=kind, name=name, from_ms=from_ms, until_ms=None)

    def take_in(self, number: int, happening: Happening) -> None:
        """Add what a happening brings; numbers rise."""
        match happening:
            case Look():
                self._numbers.append(number)
                self._look(happening)
            case FaultChanged(fault=fault, at_ms=at_ms, began=began):
                self._turn((_FAULT, spaced(fault)), at_ms, on=began)
            case Replaced(at_ms=at_ms):  # the faults were the old pump's
                for key in [each for each in self._open if each[0] == _FAULT]:
                    self._turn(key, at_ms, on=False)
            case _:
                pass

    def _look(self, look: Look) -> None:
        self._rows.append(
            (
                look.at_ms,
                look.believed_volume_nl,
                look.actual_volume_nl,
                look.believed_rate_nl_per_day,
                look.actual_rate_nl_per_day,
                look.effect_ppm,
            )
        )
        now = {(severity_of(each), spaced(each.name)) for each in look.active_alarms}
        now |= {("flag", each.value) for each in look.flags}
        for key in [each for each in self._open if each[0] != _FAULT]:
            if key not in now:
                self._turn(key, look.at_ms, on=False)
        for key in sorted(now):
            self._turn(key, look.at_ms, on=True)

    def _turn(self, key: tuple[str, str], at_ms: int, *, on: bool) -> None:
        if on:
            self._open.setdefault(key, at_ms)
        elif key in self._open:
            kind, name = key
            from_ms = self._open.pop(key)
            self._spans.append(Span(kind=kind, name=name, from_ms=from_ms, until_ms=at_ms))
