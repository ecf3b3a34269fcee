"""How drug flows without ticks: delivery as an exact function of time, and that function's inverse.

A course says what a drive is told to deliver from now on if nobody interferes. It knows neither
how much there is to deliver nor who gave the order.

All three of its parts are cumulative functions of time in whole ledger units, so nothing is ever
lost between two moments at which somebody looks. A schedule that repeats is one period and a
division, however many years it runs.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from pump_sim.model.units import ceil_div, nearest


@dataclass(frozen=True, slots=True)
class BolusCurve:
    """A volume spread evenly over a duration, to the last unit.

    The cumulative volume at *t* is ``floor(p (t - t0) / q)`` units with ``p`` the whole volume and
    ``q`` the duration. The floor keeps its own remainder: whatever moments it is asked at, the
    pieces add up to the volume (REQ-07).
    """

    volume_units: int
    duration_ms: int
    started_at_ms: int

    @property
    def ends_at_ms(self) -> int:
        """The first moment at which the whole volume has been delivered."""
        return self.started_at_ms + self.duration_ms

    def units_at(self, at_ms: int) -> int:
        """Ledger units delivered from the start of the bolus up to `at_ms`."""
        elapsed_ms = at_ms - self.started_at_ms
        if elapsed_ms <= 0:
            return 0
        if elapsed_ms >= self.duration_ms:
            return self.volume_units
        return self.volume_units * elapsed_ms // self.duration_ms

    def moved(self, by_ms: int) -> "BolusCurve":
        """The same bolus, that much later."""
        return BolusCurve(self.volume_units, self.duration_ms, self.started_at_ms + by_ms)

    def rest_at(self, at_ms: int) -> "BolusCurve":
        """What is still to come at `at_ms`, as a bolus that would begin there (REQ-09)."""
        left_ms = max(1, self.ends_at_ms - at_ms)
        return BolusCurve(self.volume_units - self.units_at(at_ms), left_ms, at_ms)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a period: `units` spread evenly over `per_ms`, from one offset to the next."""

    starts_at_ms: int
    units: int
    per_ms: int = 1


@dataclass(frozen=True, slots=True)
class Cycle:
    """A flow that repeats for ever from `anchor_ms` on, and is nothing before.

    The segments are in order, the first begins at 0 and the last ends with the period. `starts` are
    their offsets, for looking one up; `before` and `whole` are ledger units: those of the period up
    to each segment, and of all of it.
    """

    anchor_ms: int
    period_ms: int
    segments: tuple[Segment, ...]
    starts: tuple[int, ...]
    before: tuple[int, ...]
    whole: int

    @classmethod
    def of(cls, anchor_ms: int, period_ms: int, segments: Iterable[Segment]) -> "Cycle":
        """A cycle of these segments."""
        parts = tuple(segments)
        starts = tuple(part.starts_at_ms for part in parts)
        ends = [*starts[1:], period_ms]
        sums = accumulate(
            (
                part.units * (end - part.starts_at_ms) // part.per_ms
                for part, end in zip(parts, ends, strict=True)
            ),
            initial=0,
        )
        *before, whole = sums
        return cls(anchor_ms, period_ms, parts, starts, tuple(before), whole)

    def anchored(self, anchor_ms: int) -> "Cycle":
        """The same flow, beginning at another moment."""
        return Cycle(anchor_ms, self.period_ms, self.segments, self.starts, self.before, self.whole)

    def units_at(self, at_ms: int) -> int:
        """Ledger units delivered from the anchor up to `at_ms`."""
        if at_ms <= self.anchor_ms:
            return 0
        rounds, offset_ms = divmod(at_ms - self.anchor_ms, self.period_ms)
        index = bisect_right(self.starts, offset_ms) - 1
        part = self.segments[index]
        inside = part.units * (offset_ms - part.starts_at_ms) // part.per_ms
        return rounds * self.whole + self.before[index] + inside

    def segment_at(self, at_ms: int) -> tuple[Segment | None, int, int]:
        """The segment in force at `at_ms`, when it began and when it ends.

        Before the anchor there is none, and it ends with the anchor.
        """
        if at_ms < self.anchor_ms:
            return None, at_ms, self.anchor_ms
        offset_ms = (at_ms - self.anchor_ms) % self.period_ms
        round_ms = at_ms - offset_ms
        following = bisect_right(self.starts, offset_ms)
        part = self.segments[following - 1]
        end_ms = self.starts[following] if following < len(self.starts) else self.period_ms
        return part, round_ms + part.starts_at_ms, round_ms + end_ms

    def first_ms_reaching(self, target: int, *, from_ms: int, per_ms: int, per_unit: int) -> int:
        """As that of `Course`, for a positive target, from the anchor on; the growth must not be 0.

        Counted from the anchor, the growth of a whole period is the same every time: divide by it,
        look up the segment that the rest falls into, and solve that one.
        """
        per_period = per_ms * self.period_ms + per_unit * self.whole
        target += per_ms * (from_ms - self.anchor_ms) + per_unit * self.units_at(from_ms)
        rounds = ceil_div(target, per_period) - 1
        rest = target - rounds * per_period  # 1..per_period

        def gained(index: int) -> int:
            return per_ms * self.starts[index] + per_unit * self.before[index]

        if per_ms:
            index = bisect_left(range(len(self.starts)), rest, key=gained) - 1
        else:
            index = bisect_left(self.before, ceil_div(rest, per_unit)) - 1
        rest -= gained(index)
        part = self.segments[index]
        if part.per_ms == 1:
            inside_ms = ceil_div(rest, per_ms + per_unit * part.units)
        else:
            inside_ms = bisect_left(
                range(self.period_ms),
                rest,
                key=lambda ms: per_ms * ms + per_unit * (part.units * ms // part.per_ms),
            )
        return self.anchor_ms + rounds * self.period_ms + part.starts_at_ms + inside_ms


@dataclass(frozen=True, slots=True)
class Course:
    """A constant rate, with at most one cycle and at most one bolus on top of it.

    `rest` is a second bolus, which begins when the first one has ended: what that one put off.
    Rate and cycle begin at `begins_at_ms`, before which there is only the bolus: that is how a
    bridge takes the place of an infusion that is to follow it.
    """

    rate_nl_per_day: int = 0
    bolus: BolusCurve | None = None
    cycle: Cycle | None = None
    begins_at_ms: int = 0
    rest: BolusCurve | None = None

    def moved(self, by_ms: int) -> "Course":
        """The same flow, that much later."""
        cycle = self.cycle
        return Course(
            self.rate_nl_per_day,
            None if self.bolus is None else self.bolus.moved(by_ms),
            None if cycle is None else cycle.anchored(cycle.anchor_ms + by_ms),
            self.begins_at_ms + by_ms,
            None if self.rest is None else self.rest.moved(by_ms),
        )

    @property
    def flows(self) -> bool:
        """Whether this course delivers anything, now or later."""
        cycling = self.cycle is not None and self.cycle.whole > 0
        return self.rate_nl_per_day > 0 or cycling or self.bolus is not None

    def units(self, from_ms: int, to_ms: int) -> int:
        """Ledger units delivered in between. Never negative: drug does not flow back (REQ-08)."""
        units = 0
        if self.bolus is not None:
            units = self.bolus.units_at(to_ms) - self.bolus.units_at(from_ms)
            if self.rest is not None:
                units += self.rest.units_at(to_ms) - self.rest.units_at(from_ms)
        begin_ms = self.begins_at_ms
        if begin_ms > from_ms:
            if begin_ms >= to_ms:
                return units
            from_ms = begin_ms
        if self.cycle is not None:
            units += self.cycle.units_at(to_ms) - self.cycle.units_at(from_ms)
        return units + self.rate_nl_per_day * (to_ms - from_ms)

    def basal_rate_at(self, at_ms: int) -> int:
        """What flows at `at_ms` beside a bolus of this course, to the nearest nL/day."""
        if at_ms < self.begins_at_ms:
            return 0
        rate_nl_per_day = self.rate_nl_per_day
        if self.cycle is not None:
            part, _, _ = self.cycle.segment_at(at_ms)
            if part is not None:
                rate_nl_per_day += nearest(part.units, part.per_ms)
        return rate_nl_per_day

    def rate_at(self, at_ms: int) -> int:
        """What flows at `at_ms`, each part to the nearest nL/day."""
        rate_nl_per_day = self.basal_rate_at(at_ms)
        bolus = self.bolus
        if bolus is not None and bolus.started_at_ms <= at_ms < bolus.ends_at_ms:
            rate_nl_per_day += nearest(bolus.volume_units, bolus.duration_ms)
        return rate_nl_per_day

    def next_change_ms(self, at_ms: int) -> int | None:
        """The next moment after `at_ms` at which another rate may begin; None if none ever does."""
        moments = [self.begins_at_ms]
        for curve in (self.bolus, self.rest):
            if curve is not None:
                moments += (curve.started_at_ms, curve.ends_at_ms)
        if self.cycle is not None:
            _, _, ends_at_ms = self.cycle.segment_at(max(at_ms, self.begins_at_ms))
            moments.append(ends_at_ms)
        return min((each for each in moments if each > at_ms), default=None)

    def first_ms_reaching(
        self, target: int, *, from_ms: int, per_ms: int = 0, per_unit: int = 1
    ) -> int | None:
        """The first whole millisecond, not before `from_ms`, at which `target` has been reached.

        What is to reach it grows by `per_ms` every millisecond and by `per_unit` with every ledger
        unit delivered since `from_ms`. The defaults ask when a volume has flowed; a battery, which
        drains with time and with work, asks with both. Returns None if it never gets there.
        """
        if target <= 0:
            return from_ms

        def grown(at_ms: int) -> int:
            return per_ms * (at_ms - from_ms) + per_unit * self.units(from_ms, at_ms)

        bolus, cycle = self.bolus if self.rest is None else self.rest, self.cycle
        if bolus is not None and from_ms < bolus.ends_at_ms:
            until_ms = bolus.ends_at_ms  # not before `begins_at_ms`
            growth = grown(until_ms)
            if growth >= target:
                return from_ms + bisect_left(range(from_ms, until_ms), target, key=grown)
            from_ms, target = until_ms, target - growth
        slope = per_ms + per_unit * self.rate_nl_per_day
        if cycle is None or not cycle.whole:
            return from_ms + ceil_div(target, slope) if slope > 0 else None
        if from_ms < cycle.anchor_ms:
            growth = slope * (cycle.anchor_ms - from_ms)
            if growth >= target:
                return from_ms + ceil_div(target, slope)
            from_ms, target = cycle.anchor_ms, target - growth
        return cycle.first_ms_reaching(target, from_ms=from_ms, per_ms=slope, per_unit=per_unit)
