"""Warnings: each with its source, for baclofen only where the source is about baclofen."""

from dataclasses import replace

import pytest

from pump_programmer.cautions import Severity, bolus_cautions, cautions
from pump_programmer.published import Aetiology, Patient
from pump_protocol import codes as c
from pump_protocol import messages as m

from .prescriptions import (
    BACLOFEN,
    HOUR_MS,
    LOST,
    MINUTE_MS,
    MORPHINE,
    flex,
    in_force,
    periodic,
    simple,
    staged,
    stopped,
    with_patient,
)

CURRENT = simple()
MINIMUM = replace(CURRENT, mode=c.Mode.MINIMUM_RATE, rate_nl_per_day=6_000, daily_dose_ng=12_000)
SPINAL, CEREBRAL = Patient(aetiology=Aetiology.SPINAL), Patient(aetiology=Aetiology.CEREBRAL)
CHILD = Patient(age_years=8)
NOBODY = Patient()


def warn(pending, current=CURRENT, patient=NOBODY, since_increase_ms=None):
    return cautions(in_force(current), staged(pending), patient, since_increase_ms)


def texts(*arguments, **settings):
    return " | ".join(each.text for each in warn(*arguments, **settings))


def of(drug, dose_ng=300_000):
    return simple(dose_ng, drug)


def test_an_unchanged_prescription_has_no_warning():
    for same in (CURRENT, with_patient(CURRENT), periodic(), MINIMUM, stopped(), LOST):
        assert warn(same, same) == ()


# --- Less ----------------------------------------------------------------------------------------


def test_stopping_warns_of_withdrawal_and_of_the_alarm():
    (warning,) = warn(stopped())
    assert "withdrawal" in warning.text
    assert "48 h" in warning.text
    assert "P23" in warning.source


def test_stopping_another_drug_does_not_say_what_is_known_of_baclofen():
    (warning,) = warn(stopped(MORPHINE), of(MORPHINE))
    assert "baclofen" not in warning.text
    assert "48 h" in warning.text


def test_the_minimum_rate_warns_that_it_is_no_therapy():
    (warning,) = warn(MINIMUM)
    assert "treats nobody" in warning.text


@pytest.mark.parametrize(
    ("dose_ng", "warned"), [(240_000, False), (239_000, True), (100_000, True), (310_000, False)]
)
def test_a_decrease_of_more_than_a_fifth_warns_of_withdrawal(dose_ng, warned):
    assert ("watch for withdrawal" in texts(simple(dose_ng))) is warned


def test_a_mixture_without_its_baclofen_warns_of_withdrawal():
    assert "No baclofen: watch for withdrawal" in texts(of(replace(BACLOFEN, name="saline")))


# --- More ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patient", "usual_ng", "beyond_ng"),
    [
        (SPINAL, 390_000, 391_000),
        (CEREBRAL, 345_000, 346_000),
        (CHILD, 345_000, 346_000),
        (Patient(8, Aetiology.SPINAL), 345_000, 346_000),
        (NOBODY, 345_000, 346_000),
    ],
)
def test_a_titration_step_beyond_what_is_usual_warns(patient, usual_ng, beyond_ng):
    assert "rises" not in texts(simple(usual_ng), patient=patient)
    (warning,) = warn(simple(beyond_ng), patient=patient)
    assert "at most once in 24 h" in warning.text.lower()
    assert warning.source.startswith("P51")


def test_the_step_is_told_with_the_limits_of_the_patients_kind():
    assert "rises by 33.3 %. For spasticity of spinal" in texts(simple(400_000), patient=SPINAL)
    assert "5 to 15 %" in texts(simple(400_000), patient=CEREBRAL)
    assert "For children" in texts(simple(400_000), patient=CHILD)
    assert "--aetiology and --age" in texts(simple(400_000))


def test_the_step_of_another_drug_is_none_of_baclofens():
    assert warn(of(MORPHINE, 400_000), of(MORPHINE)) == ()


def test_baclofen_beside_another_primary_drug_is_watched_too():
    """Its dose follows from the primary drug's: 0.3 mL/day of 2,000 mcg/mL are 600 mcg/day."""
    mixed = simple(300_000, MORPHINE, BACLOFEN)
    more = simple(600_000, MORPHINE, BACLOFEN)
    found = texts(more, mixed, patient=SPINAL)
    assert "rises by 100 %" in found
    assert "Up to 1200 mcg/day of baclofen" in found


def test_a_pump_that_starts_to_treat_makes_no_titration_step():
    assert "rises" not in texts(CURRENT, stopped())
    assert "rises" not in texts(CURRENT, MINIMUM)
    assert "rises" not in texts(CURRENT, LOST)


@pytest.mark.parametrize(
    ("since_ms", "dose_ng", "warned"),
    [
        (23 * HOUR_MS, 310_000, True),
        (24 * HOUR_MS, 310_000, False),
        (HOUR_MS, 290_000, False),
        (None, 310_000, False),
    ],
)
def test_a_second_increase_within_a_day_warns(since_ms, dose_ng, warned):
    found = texts(simple(dose_ng), since_increase_ms=since_ms)
    assert ("The last increase was 23 h ago" in found) is warned


@pytest.mark.parametrize(
    ("patient", "dose_ng", "words"),
    [
        (SPINAL, 800_000, ""),
        (SPINAL, 801_000, "300 to 800 mcg/day"),
        (SPINAL, 11_000, "the least that is reported is 12"),
        (CEREBRAL, 704_000, "90 to 703 mcg/day"),
        (CEREBRAL, 21_000, "the least that is reported is 22"),
        (CHILD, 23_000, "24 to 1,199 mcg/day"),
        (CHILD, 1_200_000, "24 to 1,199 mcg/day"),
        (CHILD, 1_199_000, ""),
        (NOBODY, 1_000_000, ""),
        (NOBODY, 1_001_000, "experience above 1,000"),
    ],
)
def test_a_dose_beyond_what_patients_are_maintained_on_warns(patient, dose_ng, words):
    found = [each for each in warn(simple(dose_ng), stopped(), patient) if "Up to" in each.text]
    assert [words in each.text for each in found] == ([True] if words else [])
    assert all(each.source for each in found)


def test_the_day_with_most_and_all_patient_boluses_count():
    weekly = with_patient(flex((1, ((0, 950),)), (126, ((0, 100),))))
    assert "Up to 1030 mcg/day of baclofen" in texts(weekly, stopped())


# --- The patient, the drug and the form ----------------------------------------------------------


def test_a_patient_below_four_years_warns():
    assert "from 4 years" in texts(simple(310_000), patient=Patient(age_years=3))
    assert "from 4 years" not in texts(simple(310_000), patient=Patient(age_years=4))
    assert warn(of(MORPHINE, 310_000), of(MORPHINE), Patient(age_years=3)) == ()


@pytest.mark.parametrize("mcg_per_ml", [500, 1_000, 2_000])
def test_marketed_strengths_are_no_reason_to_warn(mcg_per_ml):
    drug = replace(BACLOFEN, concentration_ng_per_ml=mcg_per_ml * 1_000)
    assert warn(of(drug, 310_000), of(drug)) == ()


def test_a_strength_that_is_not_marketed_warns_for_baclofen_only():
    """T8: a wrong concentration multiplies the dose and nothing else shows it."""
    odd = replace(BACLOFEN, concentration_ng_per_ml=300_000)
    assert "marketed with 500, 1,000 and 2,000 mcg/mL, not with 300 mcg/mL" in texts(of(odd))
    screening = replace(BACLOFEN, concentration_ng_per_ml=50_000)
    assert "screening dose, not for a pump" in texts(of(screening))
    assert "marketed" not in texts(of(replace(odd, name="clonidine")))


@pytest.mark.parametrize(
    ("interval_ms", "warned"),
    [(6 * MINUTE_MS, True), (59 * MINUTE_MS, True), (HOUR_MS, False), (6 * HOUR_MS, False)],
)
@pytest.mark.parametrize("drug", [BACLOFEN, MORPHINE])
def test_an_interval_below_an_hour_asks_whether_hours_were_meant(drug, interval_ms, warned):
    """T6: a form that is dangerous with any drug."""
    pending = replace(periodic(1_000, interval_ms), drugs=(drug,))
    found = [each for each in warn(pending, stopped(drug)) if "were hours meant" in each.text]
    assert [each.source[:3] for each in found] == (["P20"] if warned else [])


def test_a_new_mixture_warns_of_the_old_drug_in_the_catheter():
    declined = replace(
        of(replace(BACLOFEN, concentration_ng_per_ml=500_000)),
        bridge_decision=c.BridgeDecision.DECLINED,
    )
    (warning,) = warn(declined)
    assert "delivered at the new rate until it is used up" in warning.text
    assert "reservoir stays the old drug until it is refilled" in warning.text
    bridged = replace(
        declined,
        bridge_decision=c.BridgeDecision.BRIDGE,
        bridges=(m.Bridge(340_000, 150_000, 195_840_000),),
    )
    (warning,) = warn(bridged)
    assert "is bridged: the new rate begins when it is used up" in warning.text
    assert "until it is used up" in texts(simple(300_000, BACLOFEN, MORPHINE))
    assert warn(CURRENT, LOST) == ()  # what is in it nobody knows


def test_every_warning_names_its_source():
    everything = replace(
        with_patient(periodic(600_000, 30 * MINUTE_MS)),
        drugs=(replace(BACLOFEN, concentration_ng_per_ml=123_000),),
    )
    for patient in (NOBODY, SPINAL, CEREBRAL, CHILD, Patient(age_years=2)):
        found = warn(everything, CURRENT, patient, HOUR_MS)
        assert len(found) >= 5
        assert all(len(each.source) > 5 and str(each).endswith("]") for each in found)


# --- How severe ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patient", "dose_ng", "severity"),
    [
        (NOBODY, 360_000, Severity.CAUTION),
        (NOBODY, 420_000, Severity.CAUTION),
        (NOBODY, 421_000, Severity.WARNING),
        (SPINAL, 420_000, Severity.CAUTION),
        (CEREBRAL, 360_000, Severity.CAUTION),
        (CEREBRAL, 361_000, Severity.WARNING),
        (CHILD, 361_000, Severity.WARNING),
    ],
)
def test_a_step_beyond_the_greatest_published_one_is_a_warning(patient, dose_ng, severity):
    """+20 % and +354 % of a daily dose are not the same."""
    (found,) = [each for each in warn(simple(dose_ng), patient=patient) if "rises" in each.text]
    assert found.severity is severity


def test_the_most_severe_comes_first():
    found = warn(simple(1_500_000), patient=SPINAL, since_increase_ms=HOUR_MS)
    assert [each.severity for each in found] == sorted(each.severity for each in found)
    assert {each.severity for each in found} == {Severity.WARNING, Severity.CAUTION}


@pytest.mark.parametrize("pending", [stopped(), MINIMUM, simple(100_000)])
def test_an_abrupt_end_of_the_therapy_is_a_warning(pending):
    assert warn(pending)[0].severity is Severity.WARNING


def test_a_decrease_beyond_half_is_a_warning_and_a_smaller_one_a_caution():
    assert warn(simple(200_000))[0].severity is Severity.CAUTION
    assert warn(simple(149_000))[0].severity is Severity.WARNING


# --- A bolus -------------------------------------------------------------------------------------


def bolus(dose_ng, duration_ms=HOUR_MS, prescription=CURRENT):
    return bolus_cautions(in_force(prescription), dose_ng, duration_ms)


def test_a_small_slow_bolus_needs_no_thought():
    assert bolus(20_000) == ()


@pytest.mark.parametrize(
    ("dose_ng", "severity"),
    [
        (90_000, None),
        (91_000, Severity.CAUTION),
        (299_000, Severity.CAUTION),
        (300_000, Severity.WARNING),
    ],
)
def test_a_bolus_is_held_against_the_daily_dose(dose_ng, severity):
    """30 % of it is the most by which the label raises the dose of a day."""
    found = [each for each in bolus(dose_ng) if "daily dose" in each.text]
    assert [each.severity for each in found] == ([] if severity is None else [severity])
    assert all("P51" in each.source for each in found)


def test_the_share_of_the_daily_dose_is_told():
    said = " | ".join(each.text for each in bolus(500_000))
    assert "500 mcg are 166.7 % of the daily dose of baclofen (300 mcg/day)" in said


@pytest.mark.parametrize(
    ("dose_ng", "severity"),
    [
        (49_000, None),
        (50_000, Severity.CAUTION),
        (100_000, Severity.CAUTION),
        (101_000, Severity.WARNING),
        (500_000, Severity.WARNING),
    ],
)
def test_a_bolus_is_held_against_screening_doses_and_reported_overdoses(dose_ng, severity):
    found = [
        each for each in bolus(dose_ng, prescription=simple(2_000_000)) if "P57" in each.source
    ]
    assert [each.severity for each in found] == ([] if severity is None else [severity])
    assert all("boluses of 50 and 280 mcg" in each.text for each in found)


@pytest.mark.parametrize(
    ("dose_ng", "duration_ms", "warned"),
    [
        (50_000, MINUTE_MS, True),
        (50_000, 29 * MINUTE_MS, True),
        (50_000, 30 * MINUTE_MS, False),
        (49_000, MINUTE_MS, False),
    ],
)
def test_a_bolus_that_is_over_before_it_acts_is_told(dose_ng, duration_ms, warned):
    found = [each for each in bolus(dose_ng, duration_ms) if "P53" in each.source]
    assert bool(found) is warned


def test_a_bolus_of_another_drug_is_held_against_the_daily_dose_only():
    (found,) = bolus(500_000, MINUTE_MS, of(MORPHINE))
    assert "of the daily dose of morphine" in found.text
    assert "baclofen" not in found.text
    assert "P51" not in found.source


def test_the_baclofen_in_a_mixture_counts_too():
    """10 mcg of morphine of 1,000 mcg/mL come with 20 mcg of baclofen of 2,000 mcg/mL."""
    mixed = simple(300_000, MORPHINE, BACLOFEN)
    ratio = BACLOFEN.concentration_ng_per_ml // MORPHINE.concentration_ng_per_ml
    found = bolus(150_000 // ratio, HOUR_MS, mixed)
    assert any("150 mcg of baclofen are more than" in each.text for each in found)


def test_where_nobody_is_treated_there_is_no_daily_dose_to_compare_with():
    for none in (stopped(), MINIMUM):
        assert not [each for each in bolus(40_000, HOUR_MS, none) if "daily dose" in each.text]


def test_cautions_of_a_bolus_come_most_severe_first_with_sources():
    found = bolus(500_000, MINUTE_MS)
    assert len(found) == 3
    assert [each.severity for each in found] == sorted(each.severity for each in found)
    assert all(len(each.source) > 5 for each in found)
