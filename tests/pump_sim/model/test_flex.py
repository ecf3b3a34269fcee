"""Flex: a rate for each time of the day and each day of the week, by the local clock."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.prescription import (
    BridgeDecision,
    DayPattern,
    Mode,
    Prescription,
    Step,
    dose_totals,
    flex,
)
from pump_sim.model.refusals import Field, Reason, RefusalCode
from pump_sim.model.rules import check_prescription, needs_confirmation

from .pumps import (
    delivered_units,
    forked,
    implanted,
    moments,
    program,
    records,
    refill,
    refused,
)
from .strategies import BACLOFEN, DAY, HOUR, MINUTE, PROFILE, bolus, continuous, in_flex_mode

WEEK = frozenset(range(7))
MONDAY, TUESDAY, SATURDAY, SUNDAY = 0, 1, 5, 6
# 1970-01-01 was a Thursday.
SUNDAY_MIDNIGHT, MONDAY_MIDNIGHT, WEDNESDAY_MIDNIGHT = 3 * DAY, 4 * DAY, 6 * DAY


def pattern(weekdays: frozenset[int] | set[int], *steps: tuple[int, int]) -> DayPattern:
    return DayPattern(frozenset(weekdays), tuple(Step(*each) for each in steps))


def flexed(*days: DayPattern) -> Prescription:
    return flex(continuous(), *days)


DAY_NIGHT = flexed(pattern(WEEK, (0, 200_000), (6 * 60, 600_000), (22 * 60, 200_000)))
"""0.6 mL/day from 6 to 22 h, 0.2 at night."""
WORKDAYS = flexed(
    pattern({0, 1, 2, 3, 4}, (0, 400_000), (12 * 60, 100_000)),
    pattern({5, 6}, (0, 300_000)),
)


# --- Rules ---------------------------------------------------------------------------------------


def reasons(prescription: Prescription) -> set[Reason]:
    return set(check_prescription(prescription, PROFILE))


def raw(*days: DayPattern) -> Prescription:
    """With numbers that nobody worked out."""
    return replace(continuous(), mode=Mode.FLEX, days=days)


def test_every_reason_against_a_schedule_is_given_at_once() -> None:
    """REQ-10, REQ-01: with those of the rest of the prescription, and none but them."""
    weak = replace(BACLOFEN, concentration_ng_per_ml=999)
    too_many = pattern({1, 2}, *((minute, 400_000) for minute in range(14)))
    bad = replace(
        raw(pattern({0, 1}, (5, 400_000), (3, 47_999), (1_440, 24_000_001)), too_many),
        drugs=(weak,),
        daily_dose_ng=2_000_001,
        low_reservoir_threshold_nl=-1,
    )
    out_of_range = RefusalCode.OUT_OF_RANGE
    assert reasons(bad) == {
        Reason(out_of_range, Field.CONCENTRATION, 999, 1_000, 100_000_000),
        Reason(out_of_range, Field.LOW_RESERVOIR_THRESHOLD, -1, 0, 10_000_000),
        Reason(out_of_range, Field.DAILY_DOSE, 2_000_001, 1, 2_000_000),
        Reason(RefusalCode.NOT_COVERED, Field.STEP_START, 5, 0, 0),
        Reason(out_of_range, Field.STEP_START, 3, 6, 1_439),
        Reason(out_of_range, Field.STEP_RATE, 47_999, 48_000, 24_000_000),
        Reason(out_of_range, Field.STEP_START, 1_440, 7, 1_439),
        Reason(out_of_range, Field.STEP_RATE, 24_000_001, 48_000, 24_000_000),
        Reason(RefusalCode.DUPLICATE, Field.WEEKDAYS, 0b10),
        Reason(out_of_range, Field.SCHEDULE, 14, 1, 13),
        Reason(RefusalCode.NOT_COVERED, Field.WEEKDAYS, 0b1111000),
    }


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((), Reason(RefusalCode.WRONG_MODE, Field.SCHEDULE)),
        (
            (pattern(WEEK - {SUNDAY}, (0, 400_000)),),
            Reason(RefusalCode.NOT_COVERED, Field.WEEKDAYS, 0b1000000),
        ),
        (
            (pattern(WEEK, (0, 400_000)), pattern({MONDAY}, (0, 300_000))),
            Reason(RefusalCode.DUPLICATE, Field.WEEKDAYS, 0b1),
        ),
        (
            (pattern(WEEK, (0, 400_000)), pattern(set(), (0, 300_000))),
            Reason(RefusalCode.NOT_COVERED, Field.WEEKDAYS, 0),
        ),
        (
            (pattern(WEEK | {7}, (0, 400_000)),),
            Reason(RefusalCode.UNKNOWN_VALUE, Field.WEEKDAYS, 7),
        ),
        ((pattern(WEEK),), Reason(RefusalCode.OUT_OF_RANGE, Field.SCHEDULE, 0, 1, 13)),
        (
            (pattern(WEEK, (1, 400_000)),),
            Reason(RefusalCode.NOT_COVERED, Field.STEP_START, 1, 0, 0),
        ),
        (
            (pattern(WEEK, (0, 400_000), (60, 300_000), (60, 200_000)),),
            Reason(RefusalCode.OUT_OF_RANGE, Field.STEP_START, 60, 61, 1_439),
        ),
        (
            (pattern(WEEK, (0, 6_001)),),
            Reason(RefusalCode.OUT_OF_RANGE, Field.STEP_RATE, 6_001, 48_000, 24_000_000),
        ),
        (
            (pattern(WEEK, (0, 0)),),
            Reason(RefusalCode.OUT_OF_RANGE, Field.STEP_RATE, 0, 48_000, 24_000_000),
        ),
    ],
)
def test_a_schedule_covers_the_week_once_and_in_order(
    days: tuple[DayPattern, ...], expected: Reason
) -> None:
    """REQ-10: no gap, no overlap, and every rate one that the pump may have (REQ-01)."""
    assert expected in reasons(raw(*days))


def test_thirteen_steps_a_day_and_fifty_two_in_all_are_allowed() -> None:
    """REQ-10, P9; and one more of either is not."""
    full = [(minute, 400_000) for minute in range(13)]
    week = [pattern({day}, *full) for day in range(3)] + [pattern({3, 4, 5, 6}, *full)]
    assert reasons(flexed(*week)) == set()
    week[3:] = [pattern({3}, *full), pattern({4, 5, 6}, (0, 400_000))]
    over = Reason(RefusalCode.OUT_OF_RANGE, Field.SCHEDULE, 53, 1, 52)
    assert reasons(raw(*week)) == {over}


def test_a_step_may_be_at_the_minimum_rate() -> None:
    """0.006 mL/day is below the therapeutic range, and is what a pause is."""
    assert reasons(flexed(pattern(WEEK, (0, 6_000), (12 * 60, 400_000)))) == set()


def test_mean_dose_and_mean_rate_are_each_the_nearest_to_the_schedule() -> None:
    """REQ-05: the dose follows from the volumes, not from the rounded rate."""
    halves = flexed(pattern(WEEK, (0, 333_333), (12 * 60, 333_334)))
    assert (halves.rate_nl_per_day, halves.daily_dose_ng) == (333_334, 666_667)
    assert reasons(halves) == set()
    assert reasons(replace(halves, rate_nl_per_day=333_333, daily_dose_ng=666_668)) == {
        Reason(RefusalCode.MISMATCH, Field.RATE, 333_333, 333_334, 333_334),
        Reason(RefusalCode.MISMATCH, Field.DAILY_DOSE, 666_668, 666_667, 666_667),
    }


def test_the_dose_limit_holds_for_the_day_with_most() -> None:
    """REQ-03, REQ-04: 2,000 mcg on Sundays is the limit, however little there is on other days."""
    quiet = pattern(WEEK - {SUNDAY}, (0, 200_000))
    most = flexed(quiet, pattern({SUNDAY}, (0, 1_000_000)))
    totals = dose_totals(most)
    assert (totals.mean_ng, totals.highest_ng, totals.with_patient_ng) == (
        628_571,
        2_000_000,
        2_000_000,
    )
    assert reasons(most) == set()
    assert needs_confirmation(most, PROFILE)
    beyond = flexed(quiet, pattern({SUNDAY}, (0, 1_000_001)))
    assert reasons(beyond) == {
        Reason(RefusalCode.OUT_OF_RANGE, Field.HIGHEST_DAILY_DOSE, 2_000_002, 1, 2_000_000)
    }


@settings(max_examples=50, deadline=None)
@given(in_flex_mode())
def test_the_totals_of_any_schedule_agree_with_fractions(prescription: Prescription) -> None:
    """REQ-04, REQ-05: day by day, in nanoliters that do not round."""
    nanoliters = []
    for day in prescription.days:
        ends = [*(step.starts_at_min for step in day.steps[1:]), 1_440]
        pairs = zip(day.steps, ends, strict=True)
        flowed = sum(
            Fraction(step.rate_nl_per_day * (end - step.starts_at_min), 1_440)
            for step, end in pairs
        )
        nanoliters += [flowed] * len(day.weekdays)
    ng_per_nl = Fraction(prescription.concentration_ng_per_ml, 1_000_000)
    assert len(nanoliters) == 7
    assert prescription.rate_nl_per_day == round(sum(nanoliters) / 7)
    assert prescription.daily_dose_ng == round(sum(nanoliters) * ng_per_nl / 7)
    assert dose_totals(prescription).highest_ng == round(max(nanoliters) * ng_per_nl)


# --- By the local clock --------------------------------------------------------------------------


def test_steps_begin_at_their_local_times() -> None:
    """From 05:00 local time: night, day from 06:00, night from 22:00, to the millisecond."""
    pump = implanted(DAY_NIGHT, at_local_ms=5 * HOUR)
    seen = []
    for at_ms in (0, HOUR - 1, HOUR, 17 * HOUR - 1, 17 * HOUR, 25 * HOUR - 1, 25 * HOUR):
        pump.settle(at_ms)
        seen.append(pump.status().infusing_nl_per_day)
    assert seen == [200_000, 200_000, 600_000, 600_000, 200_000, 200_000, 600_000]


def test_a_day_delivers_what_its_steps_add_up_to() -> None:
    """8 h of 0.2 and 16 h of 0.6 mL/day are 466,666 and two thirds of a nanoliter (REQ-07)."""
    pump = implanted(DAY_NIGHT, at_local_ms=5 * HOUR)
    pump.settle(3 * DAY)
    assert delivered_units(pump) == 3 * (8 * 200_000 + 16 * 600_000) * HOUR
    assert pump.status().delivered_nl == 1_400_000


def test_sunday_is_followed_by_monday() -> None:
    """Implanted on a Sunday at 23:00; the week begins anew an hour later."""
    prescription = flexed(
        pattern({SUNDAY}, (0, 200_000), (22 * 60, 300_000)),
        pattern({MONDAY}, (0, 500_000), (6 * 60, 100_000)),
        pattern(WEEK - {SUNDAY, MONDAY}, (0, 250_000)),
    )
    pump = implanted(prescription, at_local_ms=SUNDAY_MIDNIGHT + 23 * HOUR)
    assert pump.status().infusing_nl_per_day == 300_000
    pump.settle(HOUR - 1)
    assert pump.status().infusing_nl_per_day == 300_000
    pump.settle(HOUR)
    assert pump.status().infusing_nl_per_day == 500_000
    pump.settle(7 * HOUR)
    assert pump.status().infusing_nl_per_day == 100_000
    pump.settle(25 * HOUR)
    assert pump.status().infusing_nl_per_day == 250_000
    assert delivered_units(pump) == (300_000 + 6 * 500_000 + 18 * 100_000) * HOUR


def test_a_pump_implanted_in_mid_week_begins_in_mid_week() -> None:
    """Wednesday 11:00: an hour of the morning, then afternoons until Saturday."""
    pump = implanted(WORKDAYS, at_local_ms=WEDNESDAY_MIDNIGHT + 11 * HOUR)
    rates = []
    for days in range(7):
        pump.settle(days * DAY)
        morning = pump.status().infusing_nl_per_day
        pump.settle(days * DAY + HOUR)
        rates.append((morning, pump.status().infusing_nl_per_day))
    workday, weekend = (400_000, 100_000), (300_000, 300_000)
    assert rates == [workday, workday, workday, weekend, weekend, workday, workday]


@pytest.mark.parametrize("weeks", [1, 52, 300])
def test_every_week_delivers_the_same(weeks: int) -> None:
    """REQ-02: 5 days of 0.25 and 2 of 0.3 mL/day, wherever in the week one begins."""
    pump = implanted(WORKDAYS, at_local_ms=WEDNESDAY_MIDNIGHT + 11 * HOUR + 13)
    for week in range(weeks):
        pump.settle(week * 7 * DAY)
        refill(pump, number=week + 1)
    pump.settle(weeks * 7 * DAY)
    assert delivered_units(pump) == weeks * 1_850_000 * DAY


def walked(days: tuple[DayPattern, ...], local_ms: int, volume_nl: Fraction) -> Fraction:
    """After how many ms a volume has flowed, minute by minute of a calendar."""
    elapsed = Fraction(0)
    while True:
        day, minute = divmod((local_ms + elapsed) / MINUTE, 1_440)
        weekday = (int(day) + 3) % 7
        (steps,) = [each.steps for each in days if weekday in each.weekdays]
        ends = [*(step.starts_at_min for step in steps[1:]), 1_440]
        rate, end = next(
            (step.rate_nl_per_day, end)
            for step, end in zip(steps, ends, strict=True)
            if minute < end
        )
        lasts = (end - minute) * MINUTE
        flows = rate * lasts / DAY
        if flows >= volume_nl:
            return elapsed + volume_nl * DAY / rate
        elapsed, volume_nl = elapsed + lasts, volume_nl - flows


@settings(max_examples=20, deadline=None)
@given(in_flex_mode(), st.integers(0, 30 * DAY))
def test_the_reservoir_is_low_and_empty_at_the_exact_moments(
    prescription: Prescription, local_ms: int
) -> None:
    """REQ-19: the first ms at or past equality, against a walk through the calendar."""
    fast = [
        pattern(
            day.weekdays,
            *((each.starts_at_min, max(each.rate_nl_per_day, 300_000)) for each in day.steps),
        )
        for day in prescription.days
    ]
    concentration = replace(BACLOFEN, concentration_ng_per_ml=25_000)
    prescription = flex(replace(prescription, drugs=(concentration,), patient=None), *fast)
    pump = implanted(prescription, at_local_ms=local_ms)
    threshold_nl = prescription.low_reservoir_threshold_nl
    status = pump.status()
    low = walked(prescription.days, local_ms, Fraction(20_000_000 - threshold_nl))
    empty = walked(prescription.days, local_ms, Fraction(20_000_000))
    assert (status.low_reservoir_at_ms, status.empty_reservoir_at_ms) == (
        -(-low // 1),
        -(-empty // 1),
    )
    pump.settle(-(-empty // 1) + 1)
    assert moments(pump, "ALARM_RAISED") == [-(-low // 1), -(-empty // 1)]


# --- The clock is set ----------------------------------------------------------------------------


def test_a_set_clock_puts_the_step_of_the_new_time_in_force_at_once() -> None:
    """From 05:00 to 23:00 and back: what flows is what is prescribed for the time it shows."""
    pump = implanted(DAY_NIGHT, at_local_ms=5 * HOUR)
    pump.settle(2 * HOUR)
    assert pump.status().infusing_nl_per_day == 600_000
    pump.firmware.set_clock(23 * HOUR)
    assert pump.status().infusing_nl_per_day == 200_000
    pump.settle(9 * HOUR - 1)
    assert pump.status().infusing_nl_per_day == 200_000
    pump.settle(9 * HOUR)
    assert pump.status().infusing_nl_per_day == 600_000
    assert delivered_units(pump) == (200_000 + 600_000 + 7 * 200_000) * HOUR


def test_a_set_clock_puts_the_pattern_of_the_new_weekday_in_force() -> None:
    """On a Wednesday morning it is told that it is Saturday."""
    pump = implanted(WORKDAYS, at_local_ms=WEDNESDAY_MIDNIGHT)
    pump.settle(HOUR)
    pump.firmware.set_clock(WEDNESDAY_MIDNIGHT + 3 * DAY)
    assert pump.status().infusing_nl_per_day == 300_000
    pump.settle(HOUR + 2 * DAY)
    assert pump.status().infusing_nl_per_day == 400_000


def test_a_set_clock_moves_the_dates_of_the_reservoir_with_the_schedule() -> None:
    """REQ-19, REQ-28: they are recomputed from what will flow now."""
    pump = implanted(DAY_NIGHT, at_local_ms=6 * HOUR)
    day = walked(DAY_NIGHT.days, 6 * HOUR, Fraction(18_000_000))
    night = walked(DAY_NIGHT.days, 22 * HOUR, Fraction(18_000_000))
    assert pump.status().low_reservoir_at_ms == -(-day // 1)
    pump.firmware.set_clock(22 * HOUR)
    assert pump.status().low_reservoir_at_ms == -(-night // 1)
    assert night > day


def test_a_bolus_goes_on_while_the_clock_is_set() -> None:
    """REQ-07: on top of whatever step is in force, and to the last unit."""
    pump = implanted(DAY_NIGHT, at_local_ms=6 * HOUR)
    pump.firmware.order_bolus(bolus(duration_ms=HOUR))
    pump.settle(HOUR // 2)
    pump.firmware.set_clock(22 * HOUR)
    assert pump.status().infusing_nl_per_day == 200_000 + 600_000
    pump.settle(HOUR)
    assert records(pump, "BOLUS_COMPLETED") == [("BOLUS_COMPLETED", 25_000, 1)]
    assert delivered_units(pump) == (300_000 + 100_000) * HOUR + 25_000 * DAY


# --- Together with the rest ----------------------------------------------------------------------


def test_a_step_is_no_event() -> None:
    """The prescription is followed, not logged; nothing happens before the reservoir is low."""
    pump = implanted(DAY_NIGHT, at_local_ms=5 * HOUR)
    assert pump.next_due_ms() == pump.status().low_reservoir_at_ms
    pump.settle(10 * DAY)
    assert records(pump) == [("IMPLANTED", 20_000_000, 466_667)]


def test_a_commit_changes_from_one_schedule_to_another_in_mid_step() -> None:
    """REQ-23: nothing of the old one is left, and the mode is logged only where it changes."""
    pump = implanted(continuous(), at_local_ms=5 * HOUR)
    pump.settle(HOUR + HOUR // 2)
    program(pump, DAY_NIGHT)
    assert pump.status().infusing_nl_per_day == 600_000
    pump.settle(2 * HOUR)
    program(pump, flexed(pattern(WEEK, (0, 300_000), (7 * 60 + 30, 500_000))))
    assert pump.status().infusing_nl_per_day == 300_000
    pump.settle(3 * HOUR)
    assert delivered_units(pump) == (600_000 + 300_000 + 150_000 + 250_000) * HOUR
    assert records(pump, "MODE_CHANGED") == [("MODE_CHANGED", 2, 3)]


def test_a_bolus_is_held_against_the_highest_step_of_the_week() -> None:
    """REQ-09: at night as by day, so that no step ever pushes it beyond the highest flow."""
    drug = replace(BACLOFEN, concentration_ng_per_ml=50_000)
    fast = replace(continuous(), drugs=(drug,))
    prescription = flex(fast, pattern(WEEK, (0, 48_000), (23 * 60, 12_000_000)))
    pump = implanted(prescription)
    # 500,000 nL in an hour are 12 mL/day, and one ms less is beyond it.
    order = replace(
        bolus(), dose_ng=25_000, concentration_ng_per_ml=50_000, volume_nl=500_000, duration_ms=HOUR
    )
    too_fast = replace(order, duration_ms=HOUR - 1)
    assert refused(lambda: pump.firmware.order_bolus(too_fast)) == [
        (RefusalCode.OUT_OF_RANGE, Field.BOLUS_RATE)
    ]
    pump.settle(22 * HOUR + HOUR // 2)
    pump.firmware.order_bolus(replace(order, order_number=2))
    assert pump.status().infusing_nl_per_day == 12_048_000
    pump.settle(23 * HOUR)
    assert pump.status().infusing_nl_per_day == 24_000_000


def test_a_pump_restored_in_mid_step_goes_on_equally() -> None:
    """State before processes: not a unit differs, years later."""
    pump = implanted(WORKDAYS, at_local_ms=WEDNESDAY_MIDNIGHT + 11 * HOUR)
    pump.settle(5 * HOUR + 1)
    other = forked(pump)
    for each in (pump, other):
        each.settle(400 * DAY)
    assert pump.state() == other.state()


def test_the_same_steps_on_seven_days_or_on_each_of_seven_flow_alike() -> None:
    """However the patterns are grouped."""
    steps = ((0, 200_000), (6 * 60, 600_000), (22 * 60, 200_000))
    grouped = flexed(*(pattern({day}, *steps) for day in range(7)))
    one, seven = (implanted(each, at_local_ms=5 * HOUR) for each in (DAY_NIGHT, grouped))
    for hours in (1, 30, 500):
        one.settle(hours * HOUR)
        seven.settle(hours * HOUR)
        assert delivered_units(one) == delivered_units(seven)
    assert one.status().empty_reservoir_at_ms == seven.status().empty_reservoir_at_ms


def test_a_staged_schedule_of_another_drug_needs_a_decision() -> None:
    """REQ-11 in this mode as in any other."""
    pump = implanted(DAY_NIGHT)
    other = flex(continuous(concentration_ng_per_ml=500_000), pattern(WEEK, (0, 400_000)))
    assert refused(lambda: pump.firmware.stage(other)) == [
        (RefusalCode.BRIDGE_UNDECIDED, Field.BRIDGE)
    ]
    program(pump, replace(other, bridge_decision=BridgeDecision.DECLINED))
    assert pump.firmware.prescription.mode is Mode.FLEX
