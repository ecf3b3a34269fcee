"""A prescription's infusion as a course: rates by the clock, boluses by the interval, no ticks."""

from pump_sim.model.course import Course, Cycle, Segment
from pump_sim.model.prescription import DayPattern, Mode, Prescription
from pump_sim.model.units import DAY_MS, MINUTE_MS, UNITS_PER_NL, WEEK_MS

_MONDAY_SHIFT_DAYS = 3
"""The local clock counts from 1970-01-01, which was a Thursday, three days after a Monday."""


def infusion(
    prescription: Prescription, *, at_ms: int, clock_offset_ms: int, periodic_anchor_ms: int
) -> tuple[int, Cycle | None]:
    """The constant rate and the cycle that deliver a prescription from `at_ms` on.

    A flex schedule follows the local clock, which shows `at_ms + clock_offset_ms`. Periodic boluses
    follow the pump's own time: they begin at `periodic_anchor_ms` and, after a later `at_ms`, at
    the next whole interval.
    """
    if prescription.mode is Mode.FLEX:
        return 0, _week(prescription.days, at_ms, clock_offset_ms)
    periodic = prescription.periodic
    if prescription.mode is not Mode.PERIODIC_BOLUS or periodic is None:
        return prescription.rate_nl_per_day, None
    bolus = Segment(0, periodic.volume_nl * UNITS_PER_NL, periodic.duration_ms)
    pause = Segment(periodic.duration_ms, 0)
    parts = (bolus, pause) if periodic.duration_ms < periodic.interval_ms else (bolus,)
    missed = max(0, -((periodic_anchor_ms - at_ms) // periodic.interval_ms))
    anchor_ms = periodic_anchor_ms + missed * periodic.interval_ms
    return periodic.basal_rate_nl_per_day, Cycle.of(anchor_ms, periodic.interval_ms, parts)


def undisturbed(prescription: Prescription, *, at_ms: int, clock_offset_ms: int) -> Course:
    """The course of a prescription that is put in force at `at_ms`, if nothing interferes."""
    first_ms = 0 if prescription.periodic is None else prescription.periodic.first_after_ms
    rate_nl_per_day, cycle = infusion(
        prescription,
        at_ms=at_ms,
        clock_offset_ms=clock_offset_ms,
        periodic_anchor_ms=at_ms + first_ms,
    )
    return Course(rate_nl_per_day, None, cycle)


def _week(days: tuple[DayPattern, ...], at_ms: int, clock_offset_ms: int) -> Cycle:
    """The cycle that begins with the local Monday before `at_ms`; a day if all are alike."""
    local_day = (at_ms + clock_offset_ms) // DAY_MS
    if len(days) == 1:
        return Cycle.of(local_day * DAY_MS - clock_offset_ms, DAY_MS, _day(days[0], 0))
    monday = local_day - (local_day + _MONDAY_SHIFT_DAYS) % 7
    by_weekday = {weekday: pattern for pattern in days for weekday in pattern.weekdays}
    parts = [part for weekday in range(7) for part in _day(by_weekday[weekday], weekday * DAY_MS)]
    return Cycle.of(monday * DAY_MS - clock_offset_ms, WEEK_MS, parts)


def _day(pattern: DayPattern, begins_at_ms: int) -> list[Segment]:
    return [
        Segment(begins_at_ms + step.starts_at_min * MINUTE_MS, step.rate_nl_per_day)
        for step in pattern.steps
    ]
