"""Every redundant number of a prescription, against exact fractions of what it is defined as."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol.codes import MAX_STEPS_PER_DAY, MassUnit, Mode, Weekday
from pump_protocol.errors import UnitError
from pump_protocol.messages import (
    DayPattern,
    DoseTotals,
    Drug,
    PatientBolus,
    PeriodicBolus,
    Prescription,
    Step,
)
from pump_protocol.reckoning import (
    bridge_duration_ms,
    dose_totals,
    flex_daily_dose_ng,
    flex_rate_nl_per_day,
    periodic_daily_dose_ng,
    periodic_rate_nl_per_day,
)

MIN_PER_DAY = 1_440
MS_PER_DAY = 86_400_000
MS_PER_H = 3_600_000
ALL_DAYS = Weekday(127)
U32 = st.integers(0, 2**32 - 1)
CONCENTRATIONS = st.integers(1, 2**32 - 1)


# --- What the specification says, in fractions ---------------------------------------------------


def day_nl(pattern: DayPattern) -> Fraction:
    """What one day delivers, minute by minute of its steps."""
    ends = [each.starts_at_min for each in pattern.steps[1:]] + [MIN_PER_DAY]
    return sum(
        (
            Fraction(step.rate_nl_per_day * (end - step.starts_at_min), MIN_PER_DAY)
            for step, end in zip(pattern.steps, ends, strict=True)
        ),
        Fraction(0),
    )


def week_nl(days: tuple[DayPattern, ...]) -> Fraction:
    return sum(
        (day_nl(pattern) for pattern in days for day in Weekday if day & pattern.weekdays),
        Fraction(0),
    )


def periodic_day_nl(periodic: PeriodicBolus) -> Fraction:
    boluses = Fraction(MS_PER_DAY, periodic.interval_ms)
    return periodic.basal_rate_nl_per_day + boluses * periodic.volume_nl


def dose_ng(volume_nl: Fraction, concentration_ng_per_ml: int) -> Fraction:
    return volume_nl * concentration_ng_per_ml / 1_000_000


# --- Strategies ----------------------------------------------------------------------------------


@st.composite
def day_patterns(draw: st.DrawFn, weekdays: Weekday) -> DayPattern:
    later = draw(st.sets(st.integers(1, MIN_PER_DAY - 1), max_size=MAX_STEPS_PER_DAY - 1))
    starts = [0, *sorted(later)]
    return DayPattern(weekdays, tuple(Step(start, draw(U32)) for start in starts))


@st.composite
def weeks(draw: st.DrawFn) -> tuple[DayPattern, ...]:
    """Patterns that hold each weekday once."""
    pattern_of = draw(st.lists(st.integers(0, 6), min_size=7, max_size=7))
    weekdays = dict.fromkeys(pattern_of, Weekday(0))
    for day, of in zip(Weekday, pattern_of, strict=True):
        weekdays[of] |= day
    return tuple(draw(day_patterns(each)) for each in weekdays.values())


PERIODIC = st.builds(PeriodicBolus, U32, U32, U32, U32, st.integers(1, 2**32 - 1), U32)
PATIENT = st.builds(PatientBolus, st.integers(0, 2**60), U32, U32, U32, st.integers(0, 255))


# --- Properties ----------------------------------------------------------------------------------


@given(days=weeks(), concentration=CONCENTRATIONS)
def test_a_flex_schedule_has_the_mean_of_its_week(
    days: tuple[DayPattern, ...], concentration: int
) -> None:
    """REQ-05: nearest whole number of the exact mean, ties to even; the dose not from the rate."""
    assert flex_rate_nl_per_day(days) == round(week_nl(days) / 7)
    assert flex_daily_dose_ng(days, concentration) == round(
        dose_ng(week_nl(days) / 7, concentration)
    )


@given(periodic=PERIODIC, concentration=CONCENTRATIONS)
def test_periodic_boluses_and_their_basal_rate_have_an_exact_mean(
    periodic: PeriodicBolus, concentration: int
) -> None:
    """REQ-05: however the interval divides the day."""
    assert periodic_rate_nl_per_day(periodic) == round(periodic_day_nl(periodic))
    assert periodic_daily_dose_ng(periodic, concentration) == round(
        dose_ng(periodic_day_nl(periodic), concentration)
    )


@given(volume=U32, rate=st.integers(1, 2**32 - 1))
def test_a_bridge_lasts_for_its_whole_volume_and_no_millisecond_longer(
    volume: int, rate: int
) -> None:
    """REQ-11."""
    duration = bridge_duration_ms(volume, rate)
    assert Fraction(rate * duration, MS_PER_DAY) >= volume
    assert duration == 0 or Fraction(rate * (duration - 1), MS_PER_DAY) < volume


@given(
    days=weeks(), periodic=PERIODIC, patient=st.none() | PATIENT, concentration=CONCENTRATIONS,
    mode=st.sampled_from(Mode), daily_dose=U32,
)  # fmt: skip
def test_dose_totals_are_those_of_the_day_with_most(
    days: tuple[DayPattern, ...],
    periodic: PeriodicBolus,
    patient: PatientBolus | None,
    concentration: int,
    mode: Mode,
    daily_dose: int,
) -> None:
    """REQ-04: mean, day with most, and that with every patient bolus that may be asked for."""
    highest = {
        Mode.FLEX: round(dose_ng(max(map(day_nl, days)), concentration)),
        Mode.PERIODIC_BOLUS: round(
            dose_ng(
                Fraction(
                    periodic.basal_rate_nl_per_day
                    + -(-MS_PER_DAY // periodic.interval_ms) * periodic.volume_nl
                ),
                concentration,
            )
        ),
    }.get(mode, daily_dose)
    prescription = Prescription(
        mode,
        (Drug(MassUnit.MICROGRAM, concentration, "baclofen"),),
        daily_dose,
        0,
        0,
        days,
        (periodic,),
        () if patient is None else (patient,),
    )
    asked_for = patient.allotted_per_day * patient.dose_ng if patient else 0
    assert dose_totals(prescription) == DoseTotals(daily_dose, highest, highest + asked_for)


@given(days=weeks(), concentration=CONCENTRATIONS)
def test_no_day_has_less_than_the_mean_where_it_has_the_most(
    days: tuple[DayPattern, ...], concentration: int
) -> None:
    """Rounding never makes the highest dose look smaller than the mean."""
    mean = flex_daily_dose_ng(days, concentration)
    totals = dose_totals(
        Prescription(Mode.FLEX, (Drug(MassUnit.MICROGRAM, concentration, "x"),), mean, 0, 0, days)
    )
    assert totals.mean_ng <= totals.highest_ng


# --- Numbers of the specification ----------------------------------------------------------------

DAY_AND_NIGHT = (
    DayPattern(Weekday(31), (Step(0, 100_000), Step(8 * 60, 300_000), Step(22 * 60, 100_000))),
    DayPattern(Weekday(96), (Step(0, 72_000),)),
)
EVERY_9_H = PeriodicBolus(
    basal_rate_nl_per_day=48_000,
    dose_ng=10_000,
    volume_nl=20_000,
    duration_ms=600_000,
    interval_ms=9 * MS_PER_H,
    first_after_ms=0,
)


def test_the_worked_example_of_a_flex_schedule() -> None:
    """PROG-19: 10 h at 100,000 and 14 h at 300,000 on five days, 72,000 on two."""
    assert day_nl(DAY_AND_NIGHT[0]) == Fraction(650_000, 3)
    assert flex_rate_nl_per_day(DAY_AND_NIGHT) == 175_333
    assert flex_daily_dose_ng(DAY_AND_NIGHT, 500_000) == 87_667
    assert round(Fraction(175_333, 2)) == 87_666  # what the rounded rate would give


def test_the_worked_example_of_periodic_boluses() -> None:
    """PROG-21: 20,000 nL every 9 h on 48,000 nL/day."""
    assert periodic_rate_nl_per_day(EVERY_9_H) == 101_333
    assert periodic_daily_dose_ng(EVERY_9_H, 500_000) == 50_667


def test_the_worked_examples_of_dose_totals() -> None:
    """PROG-25."""
    drugs = (Drug(MassUnit.MICROGRAM, 500_000, "baclofen"),)
    patient = PatientBolus(5_000, 10_000, 300_000, 2 * MS_PER_H, 4)
    flex = Prescription(Mode.FLEX, drugs, 87_667, 175_333, 0, DAY_AND_NIGHT)
    assert dose_totals(flex) == DoseTotals(87_667, 108_333, 108_333)
    periodic = Prescription(
        Mode.PERIODIC_BOLUS, drugs, 50_667, 101_333, 0, periodic_boluses=(EVERY_9_H,)
    )
    assert dose_totals(periodic) == DoseTotals(50_667, 54_000, 54_000)
    simple = Prescription(
        Mode.SIMPLE_CONTINUOUS, drugs, 100_000, 200_000, 0, patient_boluses=(patient,)
    )
    assert dose_totals(simple) == DoseTotals(100_000, 100_000, 120_000)
    assert dose_totals(replace(flex, patient_boluses=(patient,))).with_patient_ng == 128_333


def test_the_worked_example_of_a_bridge() -> None:
    """PROG-29: 0.34 mL at the rate of 120 mcg/day of the old 500 mcg/mL last 34 h."""
    assert bridge_duration_ms(340_000, 240_000) == 34 * MS_PER_H
    assert bridge_duration_ms(340_000, 333_333) == 88_128_089  # 88,128,088.1…, rounded up


def test_no_schedule_has_no_rate() -> None:
    assert flex_rate_nl_per_day(()) == 0
    assert flex_daily_dose_ng((), 500_000) == 0
    no_steps = (DayPattern(ALL_DAYS, ()),)
    assert flex_rate_nl_per_day(no_steps) == 0
    assert dose_totals(Prescription(Mode.FLEX, (Drug(MassUnit.MICROGRAM, 1, "x"),), 0, 0, 0)) == (
        DoseTotals(0, 0, 0)
    )


@pytest.mark.parametrize("interval_ms", [0, -1])
def test_an_interval_of_nothing_is_named_and_not_divided_by(interval_ms: int) -> None:
    periodic = replace(EVERY_9_H, interval_ms=interval_ms)
    prescription = Prescription(
        Mode.PERIODIC_BOLUS,
        (Drug(MassUnit.MICROGRAM, 1, "x"),),
        *(0, 0, 0),
        periodic_boluses=(periodic,),
    )
    for reckon in (
        lambda: periodic_rate_nl_per_day(periodic),
        lambda: periodic_daily_dose_ng(periodic, 500_000),
        lambda: dose_totals(prescription),
    ):
        with pytest.raises(UnitError, match="interval"):
            reckon()


def test_a_bridge_at_no_rate_is_named_and_not_divided_by() -> None:
    with pytest.raises(UnitError, match="bridge rate"):
        bridge_duration_ms(340_000, 0)


def test_a_pump_that_has_lost_its_drug_has_no_doses() -> None:
    """A safe state after a memory error: a minimum rate of nobody knows what."""
    assert dose_totals(Prescription(Mode.MINIMUM_RATE, (), 0, 6_000, 0)) == DoseTotals(0, 0, 0)
