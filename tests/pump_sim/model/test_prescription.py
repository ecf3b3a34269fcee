"""Dose, concentration and rate, and every reason to refuse them."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.model.dosing import dose_for_rate, rate_for_dose
from pump_sim.model.prescription import (
    MAX_DRUGS,
    Drug,
    MassUnit,
    Mode,
    Prescription,
    dose_totals,
    minimum_rate,
    simple_continuous,
    stopped,
)
from pump_sim.model.refusals import Field, RefusalCode
from pump_sim.model.rules import check_prescription

from .strategies import BACLOFEN, MIXTURES, PROFILE, continuous, prescriptions

OUT_OF_RANGE, MISMATCH = RefusalCode.OUT_OF_RANGE, RefusalCode.MISMATCH


def wrong(prescription: Prescription) -> set[tuple[RefusalCode, Field]]:
    return {(each.code, each.field) for each in check_prescription(prescription, PROFILE)}


@pytest.mark.parametrize(
    ("dose_mcg", "concentration_mcg_per_ml", "rate_nl_per_day"),
    [
        (100, 500, 200_000),
        (300, 500, 600_000),
        (300, 2_000, 150_000),
        (100, 300, 333_333),
        (800, 2_000, 400_000),
        (24, 500, 48_000),
        (48, 1_000, 48_000),
        (96, 2_000, 48_000),
    ],
)
def test_the_rates_every_test_should_know(
    dose_mcg: int, concentration_mcg_per_ml: int, rate_nl_per_day: int
) -> None:
    """domain.md section 2; each of them is accepted (REQ-01, REQ-05)."""
    dose, concentration = dose_mcg * 1_000, concentration_mcg_per_ml * 1_000
    assert rate_for_dose(dose, concentration) == rate_nl_per_day
    assert wrong(continuous(dose, concentration)) == set()


@given(st.integers(0, 4_000_000_000), st.integers(1, 4_000_000_000))
def test_rates_and_doses_are_the_nearest_whole_numbers(figure: int, concentration: int) -> None:
    """REQ-05: ties to even, against exact fractions."""
    assert rate_for_dose(figure, concentration) == round(
        Fraction(figure, concentration) * 1_000_000
    )
    assert dose_for_rate(figure, concentration) == round(
        Fraction(figure * concentration, 1_000_000)
    )


@given(prescriptions)
def test_what_the_constructors_make_is_accepted(prescription: Prescription) -> None:
    """Every mode has a way to write it down that is right by construction."""
    assert wrong(prescription) == set()


def test_a_dose_too_low_for_its_concentration_is_refused() -> None:
    """50 mcg/day of 2,000 mcg/mL is 25,000 nL/day, below the least therapeutic rate (REQ-01)."""
    reasons = check_prescription(continuous(50_000), PROFILE)
    assert [(r.code, r.field, r.value, r.minimum, r.maximum) for r in reasons] == [
        (OUT_OF_RANGE, Field.RATE, 25_000, 48_000, 24_000_000)
    ]


def test_a_dose_within_the_flow_limit_is_refused_by_the_dose_limit() -> None:
    """T6: minutes for hours is 7,200 mcg/day, 3.6 mL/day; only the dose limit stops it (REQ-03)."""
    assert wrong(continuous(7_200_000)) == {(OUT_OF_RANGE, Field.DAILY_DOSE)}


@given(st.integers(48_000, 24_000_000).filter(lambda rate: rate != 400_000))
def test_a_rate_that_does_not_follow_from_the_dose_is_a_mismatch(rate: int) -> None:
    """REQ-05, and the reason names the rate that would have been right."""
    (reason,) = check_prescription(replace(continuous(), rate_nl_per_day=rate), PROFILE)
    assert (reason.code, reason.field) == (MISMATCH, Field.RATE)
    assert (reason.value, reason.minimum, reason.maximum) == (rate, 400_000, 400_000)


@pytest.mark.parametrize("at_the_limit", [48_000, 24_000_000])
def test_the_limits_of_flow_are_inclusive(at_the_limit: int) -> None:
    """REQ-01: at the limit accepted, one beyond refused."""
    concentration = 50_000

    def at(rate: int) -> Prescription:
        dose = dose_for_rate(rate, concentration)
        return replace(continuous(dose, concentration), rate_nl_per_day=rate)

    beyond = at_the_limit + (1 if at_the_limit > 48_000 else -1)
    assert wrong(at(at_the_limit)) == set()
    assert (OUT_OF_RANGE, Field.RATE) in wrong(at(beyond))


def test_every_reason_is_given_at_once() -> None:
    """Nobody has to find out one refusal at a time."""
    prescription = Prescription(
        mode=Mode.SIMPLE_CONTINUOUS,
        drugs=(Drug("", MassUnit.MICROGRAM, 0),),
        daily_dose_ng=3_000_000,
        rate_nl_per_day=1,
        low_reservoir_threshold_nl=10_000_001,
    )
    assert wrong(prescription) == {
        (OUT_OF_RANGE, Field.DRUG_NAME),
        (OUT_OF_RANGE, Field.CONCENTRATION),
        (OUT_OF_RANGE, Field.LOW_RESERVOIR_THRESHOLD),
        (OUT_OF_RANGE, Field.DAILY_DOSE),
        (OUT_OF_RANGE, Field.RATE),
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("baclofen 2 mg/mL", None),
        ("バクロフェン", None),
        ("x" * 32, None),
        ("x" * 33, OUT_OF_RANGE),
        ("é" * 17, OUT_OF_RANGE),
        ("bac\nlofen", RefusalCode.UNKNOWN_VALUE),
        ("bac\u202elofen", RefusalCode.UNKNOWN_VALUE),
        ("\ud800", RefusalCode.UNKNOWN_VALUE),
    ],
)
def test_a_drug_name_is_32_printable_bytes_at_most(name: str, reason: RefusalCode | None) -> None:
    """Bytes, not characters, and nothing that a screen could be fooled with."""
    found = wrong(replace(continuous(), drugs=(replace(BACLOFEN, name=name),)))
    assert found == (set() if reason is None else {(reason, Field.DRUG_NAME)})


@pytest.mark.parametrize(
    ("field", "change"),
    [(Field.RATE, {"rate_nl_per_day": 1}), (Field.DAILY_DOSE, {"daily_dose_ng": 1})],
)
def test_other_modes_have_their_own_rate_and_no_other(field: Field, change: dict[str, Any]) -> None:
    """A stopped pump has rate and dose 0, the minimum rate is the profile's."""
    for prescription in (
        stopped(drug_name="baclofen", concentration_ng_per_ml=500_000),
        minimum_rate(PROFILE, drug_name="baclofen", concentration_ng_per_ml=500_000),
    ):
        assert wrong(replace(prescription, **change)) == {(MISMATCH, field)}
    lowest = minimum_rate(PROFILE, drug_name="baclofen", concentration_ng_per_ml=500_000)
    assert (lowest.rate_nl_per_day, lowest.daily_dose_ng) == (6_000, 3_000)


def test_the_mass_unit_never_changes_a_number() -> None:
    """REQ-06: masses are always ng, the unit is carried for those who read."""
    milligrams = simple_continuous(
        drug_name="morphine",
        concentration_ng_per_ml=2_000_000,
        daily_dose_ng=800_000,
        mass_unit=MassUnit.MILLIGRAM,
    )
    assert milligrams.drugs == (Drug("morphine", MassUnit.MILLIGRAM, 2_000_000),)
    assert replace(milligrams, drugs=continuous().drugs) == continuous()


# --- Mixtures ------------------------------------------------------------------------------------


def test_the_primary_drug_sets_the_rate_whatever_else_is_in_the_mixture() -> None:
    """The others' doses follow from it, and are nobody's limit."""
    for drugs in MIXTURES:
        dose_ng = drugs[0].concentration_ng_per_ml // 4
        plan = replace(continuous(dose_ng, drugs[0].concentration_ng_per_ml), drugs=drugs)
        assert wrong(plan) == set()
        assert (plan.drug_name, plan.concentration_ng_per_ml) == (
            drugs[0].name,
            drugs[0].concentration_ng_per_ml,
        )
        assert dose_totals(plan).with_patient_ng == dose_ng


@pytest.mark.parametrize("count", [0, MAX_DRUGS + 1])
def test_a_mixture_has_one_to_three_drugs(count: int) -> None:
    """None is for a pump that has lost its prescription; nobody can prescribe it."""
    drugs = tuple(replace(BACLOFEN, name=f"drug {number}") for number in range(count))
    reasons = check_prescription(replace(continuous(), drugs=drugs), PROFILE)
    found = [(each.code, each.value, each.minimum, each.maximum) for each in reasons]
    assert (OUT_OF_RANGE, count, 1, 3) in found
    assert {each.field for each in reasons} <= {Field.DRUGS, Field.RATE}


def test_no_drug_is_given_twice() -> None:
    """Two concentrations of one name would be neither."""
    twice = (BACLOFEN, replace(BACLOFEN, concentration_ng_per_ml=500_000))
    assert wrong(replace(continuous(), drugs=twice)) == {(RefusalCode.DUPLICATE, Field.DRUG_NAME)}


def test_every_drug_of_a_mixture_is_checked() -> None:
    """Not only the one that sets the rate."""
    drugs = (
        BACLOFEN,
        Drug("", MassUnit.MILLIGRAM, 10_000_000),
        Drug("clonidine", MassUnit.MICROGRAM, 100_000_001),
    )
    assert wrong(replace(continuous(), drugs=drugs)) == {
        (OUT_OF_RANGE, Field.DRUG_NAME),
        (OUT_OF_RANGE, Field.CONCENTRATION),
    }
