"""What a clinician types for a schedule, and what is said of what cannot be meant."""

import pytest

from pump_programmer import schedules
from pump_programmer.arguments import UsageError
from pump_programmer.wishes import DayWish, Flow, PatientWish, PeriodicWish, StepWish
from pump_protocol import messages as m
from pump_protocol.codes import MassUnit, Weekday
from pump_protocol.errors import LocalError

from .prescriptions import EVERY_DAY, HOUR_MS, MCG, MINUTE_MS

LOW, HIGH = Flow(daily_dose_ng=120 * MCG), Flow(daily_dose_ng=300 * MCG)
STEPS = (StepWish(0, LOW), StepWish(480, HIGH))
TYPED = "00:00=120 mcg/day 08:00=300 mcg/day"
WEEKEND = Weekday.SATURDAY | Weekday.SUNDAY
WORKDAYS = EVERY_DAY & ~WEEKEND


# --- Flex ----------------------------------------------------------------------------------------


def test_without_weekdays_the_steps_are_those_of_every_day():
    assert schedules.flex([TYPED]) == (DayWish(EVERY_DAY, STEPS),)


def test_groups_of_days_make_a_week_in_its_order():
    found = schedules.flex(["sat,sun 00:00=120 mcg/day", f"mon-fri {TYPED}"])
    assert found == (DayWish(WORKDAYS, STEPS), DayWish(WEEKEND, (StepWish(0, LOW),)))


@pytest.mark.parametrize(
    ("days", "rest"),
    [
        ("mon-fri", "sat sun"),
        ("Monday-Friday", "saturday, Sunday"),
        ("mon,tue,wed-fri", "sat-sun"),
        ("mon; tue; wed-fri", "Sat,Sun"),
    ],
)
def test_weekdays_are_names_lists_and_ranges(days, rest):
    first, second = schedules.flex([f"{days} {TYPED}", f"{rest} {TYPED}"])
    assert (first.weekdays, second.weekdays) == (WORKDAYS, WEEKEND)


def test_a_range_of_days_may_go_over_the_end_of_the_week():
    first, second = schedules.flex([f"sat-mon {TYPED}", f"tue-fri {TYPED}"])
    assert first.weekdays == WEEKEND | Weekday.MONDAY
    assert first.weekdays | second.weekdays == EVERY_DAY


@pytest.mark.parametrize(
    "typed",
    [
        "0:00=120 mcg/day, 8:00=300 mcg/day",
        "00:00 = 120mcg/day;08:00= 300mcg/d",
        " 00:00=120 mcg/day   08:00=0.3 mg/day ",
    ],
)
def test_spaces_and_commas_between_steps_do_not_matter(typed):
    assert schedules.flex([typed]) == (DayWish(EVERY_DAY, STEPS),)


def test_a_step_may_be_a_rate_or_the_minimum():
    (day,) = schedules.flex(["00:00=0.15 mL/day 06:00=minimum 07:00=10 uL/h"])
    assert [step.flow for step in day.steps] == [
        Flow(rate_nl_per_day=150_000),
        Flow(),
        Flow(rate_nl_per_day=240_000),
    ]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ([""], "--flex = '': no TIME=QUANTITY in it; write it as \"mon-fri 00:00="),
        (["mon-fri 300 mcg/day"], "no TIME=QUANTITY in it"),
        (["01:00=300 mcg/day"], "the first step starts at 01:00; it must start at 00:00"),
        (["00:00=1 mcg/day 00:00=2 mcg/day"], "00:00 comes after 00:00"),
        (["00:00=1 mcg/day 9:00=2 mcg/day 8:00=1 mcg/day"], "08:00 comes after 09:00"),
        (["00:00=1 mcg/day 24:00=2 mcg/day"], "time '24:00': allowed 00:00 to 23:59"),
        (["00:00=1 mcg/day 08:60=2 mcg/day"], "time '08:60': allowed 00:00 to 23:59"),
        (["00:00=1 mcg/day 8:0=2 mcg/day"], "time '8:0': allowed 00:00 to 23:59"),
        (["00:00=300"], "--flex at 00:00 = '300': the unit is missing"),
        (["00:00="], "--flex at 00:00 = ''"),
        (["00:00=300 mcg"], "'mcg' is no unit of daily dose"),
        (["00:00=0.15 mL/week"], "'mL/week' is no unit of rate"),
        (["mondays 00:00=1 mcg/day"], "'mondays' is no weekday; allowed mon, tue"),
        (["mo 00:00=1 mcg/day"], "'mo' is no weekday"),
        (["mon-fri,fri 00:00=1 mcg/day"], "Friday is named twice"),
        (["mon-fri 00:00=1 mcg/day"], "--flex: no steps for Saturday, Sunday; give --flex once"),
        (["mon-fri 00:00=1 mcg/day", "fri-sun 00:00=1 mcg/day"], "Friday has its steps already"),
        (
            [" ".join(f"{hour:02}:00=1 mcg/day" for hour in range(14))],
            "14 steps; allowed 1 to 13",
        ),
        (
            [
                day + " " + " ".join(f"{hour:02}:00=1 mcg/day" for hour in range(11))
                for day in ("mon", "tue", "wed", "thu", "fri-sun")
            ],
            "--flex: 55 steps in all; allowed at most 52",
        ),
    ],
)
def test_a_week_that_is_none_is_refused_with_what_is_wrong(typed, words):
    """REQ-10: sorted, not overlapping, at most 13 a day, the whole week covered once."""
    with pytest.raises(LocalError) as caught:
        schedules.flex(typed)
    assert words in str(caught.value)
    assert str(caught.value).startswith("--flex")


def test_thirteen_steps_a_day_and_fifty_two_in_all_are_allowed():
    steps = " ".join(f"{hour:02}:00=1 mcg/day" for hour in range(13))
    days = schedules.flex([f"{day} {steps}" for day in ("mon", "tue", "wed", "thu-sun")])
    assert sum(len(day.steps) for day in days) == 52


# --- Day and night -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    ["07:00=300 mcg/day 22:00=200 mcg/day", "22:00=200 mcg/day 07:00=300 mcg/day"],
)
def test_day_and_night_go_over_midnight(typed):
    day, night = Flow(daily_dose_ng=300 * MCG), Flow(daily_dose_ng=200 * MCG)
    steps = (StepWish(0, night), StepWish(7 * 60, day), StepWish(22 * 60, night))
    assert schedules.day_night(typed) == (DayWish(EVERY_DAY, steps),)


def test_a_night_that_begins_at_midnight_is_two_steps():
    (day,) = schedules.day_night("00:00=200 mcg/day 07:00=300 mcg/day")
    assert [step.starts_at_min for step in day.steps] == [0, 420]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("07:00=300 mcg/day", "two times wanted"),
        ("mon 07:00=300 mcg/day 22:00=200 mcg/day", "no weekdays"),
        ("07:00=300 mcg/day 07:00=200 mcg/day", "both begin at 07:00"),
        ("day and night", "no TIME=QUANTITY"),
    ],
)
def test_what_is_no_day_and_night_says_how_it_is_written(typed, words):
    with pytest.raises(UsageError, match=words) as caught:
        schedules.day_night(typed)
    assert str(caught.value).startswith(f"--day-night = {typed!r}: ")


# --- Boluses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "30 mcg every 6 h over 10 min",
        "30 mcg over 10 min every 6 h",
        "0.03 mg, every 6 h, over 600 s",
    ],
)
def test_a_periodic_bolus_is_dose_interval_and_duration(typed):
    wanted = PeriodicWish(30 * MCG, 6 * HOUR_MS, 10 * MINUTE_MS)
    assert schedules.periodic(typed) == wanted


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("30 mcg every 6 over 10 min", "--periodic, every = '6': the unit is missing"),
        ("30 mcg every 6 h", '"over" is missing; write it as "30 mcg every 6 h over 10 min"'),
        ("30 mcg over 10 min", '"every" is missing'),
        ("every 6 h over 10 min", "--periodic, dose = ''"),
        ("30 mcg every 6 h every 6 h over 1 min", '"every" stands in it twice'),
        ("30 mL every 6 h over 10 min", "'mL' is no unit of dose"),
        ("", '"every" is missing'),
    ],
)
def test_a_periodic_bolus_needs_every_part_with_its_unit(typed, words):
    """T6: an interval in hours that is taken for minutes has killed patients."""
    with pytest.raises(LocalError) as caught:
        schedules.periodic(typed)
    assert words in str(caught.value)


def test_a_basal_may_be_nothing_at_all():
    assert schedules.basal("none") == Flow(rate_nl_per_day=0)
    assert schedules.basal("100 mcg/day") == Flow(daily_dose_ng=100 * MCG)
    assert schedules.basal("minimum") == Flow()
    with pytest.raises(UsageError, match=r'--basal = .*Or "none"'):
        schedules.basal("nothing")


@pytest.mark.parametrize(
    "typed",
    [
        "20 mcg over 5 min lockout 4 h 4 a day",
        "20 mcg over 5 min, lockout 4 h, up to 4 per day",
        "20 mcg lockout 240 min over 5 min 4/day",
        "20 mcg over 5 min lockout 4 h at most 4 times a day",
    ],
)
def test_a_patient_bolus_is_dose_duration_lockout_and_allotment(typed):
    wanted = PatientWish(20 * MCG, 5 * MINUTE_MS, 4 * HOUR_MS, 4)
    assert schedules.patient_bolus(typed) == wanted


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("20 mcg over 5 min lockout 4 h", "how many a day is missing; write it as"),
        ("20 mcg over 5 min 4 a day", '"lockout" is missing'),
        ("20 mcg lockout 4 h 4 a day", '"over" is missing'),
        ("20 mcg over 5 min lockout 4 4 a day", "--patient-bolus, lockout = '4'"),
        ("20 over 5 min lockout 4 h 4 a day", "--patient-bolus, dose = '20': the unit is missing"),
        ("20 mcg over 5 min lockout 4 h 0 a day", "boluses a day = '0': allowed 1 to 255"),
        ("20 mcg over 5 min lockout 4 h 256 a day", "'256': allowed 1 to 255"),
    ],
)
def test_a_patient_bolus_needs_every_part(typed, words):
    with pytest.raises(LocalError) as caught:
        schedules.patient_bolus(typed)
    assert words in str(caught.value)
    assert str(caught.value).startswith("--patient-bolus")


# --- Mixtures ------------------------------------------------------------------------------------


def test_another_drug_has_a_name_a_concentration_and_the_unit_it_was_typed_in():
    found = schedules.other_drugs(["morphine 1 mg/mL", "clonidine HCl 50mcg/mL"])
    assert found == (
        m.Drug(MassUnit.MILLIGRAM, 1_000_000, "morphine"),
        m.Drug(MassUnit.MICROGRAM, 50_000, "clonidine HCl"),
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["morphine"], "a name and a concentration wanted"),
        (["1 mg/mL"], "a name and a concentration wanted"),
        (["morphine 1 mg"], "'mg' is no unit of concentration"),
        (["x" * 33 + " 1 mg/mL"], "33 bytes; allowed 1 to 32 bytes"),
        (["a 1 mg/mL", "b 1 mg/mL", "c 1 mg/mL"], "3 given; allowed at most 2"),
    ],
)
def test_another_drug_that_cannot_be_meant_is_named(typed, words):
    with pytest.raises(LocalError, match="--other-drug") as caught:
        schedules.other_drugs(typed)
    assert words in str(caught.value)
