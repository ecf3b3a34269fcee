"""What the pump's own clock showed at any moment of a play; it reads no clock itself."""

from bisect import bisect_right
from collections.abc import Iterable

from pump_sim.scenario.tracing.trace_lines import LookLine


class PumpClock:
    """The clock of the pump in place, as looks saw it; between two looks it is taken to be exact.

    At a moment at which it was set it shows what it was set to.
    """

    def __init__(self, looks: Iterable[LookLine]) -> None:
        seen = {
            each.therapy_ms: each.clock_local_ms
            for each in looks
            if each.clock_local_ms is not None
        }
        self._seen = sorted(seen.items())

    def local_ms(self, at_ms: int) -> int | None:
        """What it showed, as ms since 1970 without a zone; None if nobody saw it by then."""
        place = bisect_right(self._seen, at_ms, key=lambda each: each[0])
        if not place:
            return None
        seen_ms, local_ms = self._seen[place - 1]
        return local_ms + at_ms - seen_ms
