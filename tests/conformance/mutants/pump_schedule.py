"""Pumps that are wrong about schedules by weekday and hour."""

from dataclasses import replace

import pytest

from pump_sim import wire_values
from pump_sim.model import dosing, rules, schedule
from pump_sim.model.course import Cycle, Segment
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.prescription import DayPattern, DoseTotals
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode
from pump_sim.model.units import MINUTE_MS
from tests.conformance.mutants.changes import around, move_limits, pass_over, reckon_totals
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

Reasons = tuple[Reason, ...]


# --- FLEX: what is taken -------------------------------------------------------------------------


@pump_mutant("parts-of-any-mode", caught_by="schedule/parts-of-modes")
def parts_of_any_mode(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A part that the mode has no use for is taken, and passed over."""
    pass_over(patch, rules, "_check_shape", RefusalCode.WRONG_MODE, Field.PATIENT_DOSE)


@pump_mutant("first-of-several-parts", caught_by="schedule/parts-twice")
def first_of_several_parts(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Of two patient boluses the first is taken."""

    @around(patch, wire_values, "prescription_in")
    def first(taken, sent):
        return taken(replace(sent, patient_boluses=sent.patient_boluses[:1]))


@pump_mutant("day-in-two-patterns", caught_by="schedule/flex-weekdays")
def day_in_two_patterns(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A weekday may be in two patterns; the last one counts."""
    pass_over(patch, rules, "_check_week", RefusalCode.DUPLICATE, Field.WEEKDAYS)


@pump_mutant("names-one-missing-day", caught_by="schedule/flex-weekdays")
def names_one_missing_day(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Of the weekdays that no pattern has only the first is told."""

    @around(patch, rules, "_check_week")
    def check(whole, days, profile):
        return tuple(
            replace(each, value=each.value & -each.value)
            if each.code is RefusalCode.NOT_COVERED and each.value
            else each
            for each in whole(days, profile)
        )


@pump_mutant("steps-at-the-same-time", caught_by="schedule/flex-step-starts")
def steps_at_the_same_time(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Two steps may start at the same minute."""
    move_limits(patch, Field.STEP_START, -1, 0)


@pump_mutant("step-at-the-end-of-the-day", caught_by="schedule/flex-step-starts")
def step_at_the_end_of_the_day(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A step may start at minute 1440."""
    move_limits(patch, Field.STEP_START, 0, 1)


@pump_mutant("no-minimum-rate-as-a-step", caught_by="schedule/flex-step-rates")
def no_minimum_rate_as_a_step(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A step must be of a therapeutic rate."""

    def basal(field: Field, rate_nl_per_day: int, profile: Profile) -> Reasons:
        least, most = profile.min_therapeutic_rate_nl_per_day, profile.max_rate_nl_per_day
        return rules.out_of_range(field, rate_nl_per_day, least, most)

    patch.setattr(rules, "_check_basal", basal)


@pump_mutant("step-above-the-fastest", caught_by="schedule/flex-step-rates")
def step_above_the_fastest(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """1 nL/day more than the highest rate is taken as a step."""
    move_limits(patch, Field.STEP_RATE, 0, 1)


@pump_mutant("14-steps-a-day", caught_by="schedule/flex-steps-of-a-day")
def fourteen_steps_a_day(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A day may have 14 steps."""
    patch.setattr(rules, "MAX_STEPS_PER_DAY", 14)


@pump_mutant("53-steps", caught_by="schedule/flex-steps-of-all")
def fifty_three_steps(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A schedule may have 53 steps in all."""
    patch.setattr(rules, "MAX_STEPS", 53)


@pump_mutant("48-steps", caught_by="schedule/longest-prescription")
def forty_eight_steps(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A schedule may have 48 steps in all, to be sure of its room in a frame."""
    patch.setattr(rules, "MAX_STEPS", 48)


@pump_mutant("dose-of-the-rounded-mean", caught_by="schedule/flex-means")
def dose_of_the_rounded_mean(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The mean dose of a schedule follows from its mean rate, which is rounded already."""

    @around(patch, rules, "programmed_means")
    def rounded(means, plan):
        _, rate = means(plan)
        return dosing.dose_for_rate(rate, plan.concentration_ng_per_ml), rate


@pump_mutant("mean-half-up", caught_by="schedule/flex-means")
def mean_half_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Of two mean rates that are equally near the greater one is the right one."""
    half_up = staticmethod(lambda units, span_ms: (2 * units + span_ms) // (2 * span_ms))
    patch.setattr(dosing, "rate_of_units", half_up)


@pump_mutant("week-of-one-day-each", caught_by="schedule/flex-means")
def week_of_one_day_each(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The mean is that of the patterns, however many days they have."""

    @around(patch, rules, "programmed_means")
    def unweighted(means, plan):
        if not plan.days:
            return means(plan)
        units, span_ms = sum(each.units_per_day for each in plan.days), len(plan.days) * 86_400_000
        dose_ng = dosing.dose_of_units(units, span_ms, plan.concentration_ng_per_ml)
        return dose_ng, dosing.rate_of_units(units, span_ms)


@pump_mutant("highest-is-the-mean", caught_by="schedule/flex-totals")
def highest_is_the_mean(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The dose of the day with most is that of a mean day."""
    reckon_totals(patch, lambda plan, _: DoseTotals(*[plan.daily_dose_ng] * 3))


# --- FLEX: what flows ----------------------------------------------------------------------------


@pump_mutant("week-begins-on-sunday", caught_by="schedule/flex-step-in-force")
def week_begins_on_sunday(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The bits of the weekdays begin with Sunday."""
    patch.setattr(schedule, "_MONDAY_SHIFT_DAYS", 4)


@pump_mutant("step-a-minute-late", caught_by="schedule/flex-step-in-force")
def step_a_minute_late(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A step begins when its minute is over."""

    def day(pattern: DayPattern, begins_at_ms: int) -> list[Segment]:
        starts = [0, *(each.starts_at_min + 1 for each in pattern.steps[1:])]
        return [
            Segment(begins_at_ms + start * MINUTE_MS, step.rate_nl_per_day)
            for start, step in zip(starts, pattern.steps, strict=True)
            if start < 1_440
        ]

    patch.setattr(schedule, "_day", day)


@pump_mutant("step-waits-for-the-next", caught_by="schedule/flex-step-in-force")
def step_waits_for_the_next(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The rate stays as it was when the clock is set."""

    @around(patch, Infusion, "follow_prescription")
    def followed(follow, self, *, from_ms=None):
        if from_ms is None or self.delivery.bolus is not None or self.prescription.periodic:
            follow(self, from_ms=from_ms)


@pump_mutant("every-day-is-monday", caught_by="schedule/flex-follows-the-clock")
def every_day_is_monday(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The steps of the day on which the clock was set last are those of every day."""

    def week(days: tuple[DayPattern, ...], at_ms: int, clock_offset_ms: int) -> Cycle:
        local_day = (at_ms + clock_offset_ms) // 86_400_000
        weekday = (local_day + 3) % 7
        today = next(each for each in days if weekday in each.weekdays)
        begins_ms = local_day * 86_400_000 - clock_offset_ms
        return Cycle.of(begins_ms, 86_400_000, schedule._day(today, 0))

    patch.setattr(schedule, "_week", week)
