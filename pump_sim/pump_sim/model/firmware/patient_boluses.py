"""Which patient boluses were granted, and when the next may be asked for (REQ-12).

Lockout and allotment count on the pump's own time, which no clock setting moves, and outlive
prescriptions and resets.
"""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

from pump_sim.model.course import BolusCurve, Course, Cycle, Segment
from pump_sim.model.prescription import PatientBolus
from pump_sim.model.units import DAY_MS, UNITS_PER_NL

KEPT = 255
"""As many as can be allotted to a day, so that no allotment outlives the memory of its boluses."""


@dataclass(frozen=True, slots=True)
class PatientBoluses:
    """When boluses were granted, in order; those of the last 24 h, and the last one in any case."""

    granted_at_ms: tuple[int, ...] = ()

    def granted(self, at_ms: int) -> "PatientBoluses":
        """With one more."""
        recent = [each for each in self.granted_at_ms if each > at_ms - DAY_MS]
        return PatientBoluses((*recent, at_ms)[-KEPT:])

    def left(self, prescribed: PatientBolus, at_ms: int) -> int:
        """How many more may begin before the oldest one is 24 h old."""
        used = sum(each > at_ms - DAY_MS for each in self.granted_at_ms)
        return max(0, prescribed.allotted_per_day - used)

    def locked_until_ms(self, prescribed: PatientBolus) -> int:
        """When the lockout ends; 0 if there was never a bolus."""
        return self.granted_at_ms[-1] + prescribed.lockout_ms if self.granted_at_ms else 0

    def allotted_from_ms(self, prescribed: PatientBolus) -> int:
        """From when on the allotment leaves room for one more; 0 if it always did."""
        allotted = prescribed.allotted_per_day
        if len(self.granted_at_ms) < allotted:
            return 0
        return self.granted_at_ms[-allotted] + DAY_MS

    def next_ms(self, prescribed: PatientBolus) -> int:
        """From when on both allow another."""
        return max(self.locked_until_ms(prescribed), self.allotted_from_ms(prescribed))


def eager(
    boluses: PatientBoluses, prescribed: PatientBolus, from_ms: int
) -> tuple[tuple[BolusCurve, ...], Cycle]:
    """What a patient would get who asks as soon as it is allowed, from `from_ms` on, for ever.

    Some single boluses first, then a cycle: whatever happened before, such a patient comes to
    repeat the same pattern, every 24 h or, where the lockouts alone take longer, in their rhythm.
    """
    allotted, lockout_ms = prescribed.allotted_per_day, prescribed.lockout_ms
    period_ms = max(DAY_MS, allotted * lockout_ms)
    starts: list[int] = []
    while True:
        begins_at_ms = max(from_ms, boluses.next_ms(prescribed))
        starts.append(begins_at_ms)
        boluses = boluses.granted(begins_at_ms)
        if len(starts) >= 2 * allotted and all(
            late - early == period_ms
            for early, late in zip(starts[-2 * allotted :], starts[-allotted:], strict=False)
        ):
            break
    volume_units, duration_ms = prescribed.volume_nl * UNITS_PER_NL, prescribed.duration_ms
    curves = tuple(BolusCurve(volume_units, duration_ms, each) for each in starts[:-allotted])
    offsets = [each - starts[-allotted] for each in starts[-allotted:]]
    parts: list[Segment] = []
    for begin_ms, end_ms in pairwise([*offsets, period_ms]):
        parts.append(Segment(begin_ms, volume_units, duration_ms))
        if begin_ms + duration_ms < end_ms:
            parts.append(Segment(begin_ms + duration_ms, 0))
    return curves, Cycle.of(starts[-allotted], period_ms, parts)


def first_ms_reaching_if_eager(
    target: int,
    *,
    course: Course,
    from_ms: int,
    latest_ms: int,
    asked: tuple[tuple[BolusCurve, ...], Cycle],
) -> int:
    """When a course and such a patient together have delivered `target`, at most `latest_ms`."""
    curves, cycle = asked

    def flowed(at_ms: int) -> int:
        boluses = sum(curve.units_at(at_ms) for curve in curves)
        return course.units(from_ms, at_ms) + boluses + cycle.units_at(at_ms)

    return bisect_left(range(latest_ms), target, lo=from_ms, key=flowed)
