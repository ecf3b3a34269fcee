"""A scenario's wishes make one whole prescription, which a pump takes wherever they make sense."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.model.bridging import check_bridge
from pump_sim.model.prescription import (
    BridgeDecision,
    Drug,
    MassUnit,
    Mode,
    Prescription,
    minimum_rate_of,
)
from pump_sim.model.profile import load_profile
from pump_sim.model.refusals import Field, RefusalCode
from pump_sim.model.rules import check_prescription
from pump_sim.scenario.file.therapy import Therapy
from pump_sim.scenario.file.wishes import laid_over, prescribed, with_bridge

PROFILE = load_profile("pump-20ml")
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def laid(base: Prescription | None = None, **wishes: Any) -> Prescription:
    """What these keys of a file make of a prescription."""
    return prescribed(Therapy.model_validate(wishes), base, PROFILE)


def codes(prescription: Prescription) -> list[tuple[RefusalCode, Field]]:
    """For what a pump would refuse it."""
    return [(each.code, each.field) for each in check_prescription(prescription, PROFILE)]


PATIENT = {"dose": "20 mcg", "over": "10 min", "lockout": "2 h", "per_day": 4}
PERIODIC = {"dose": "50 mcg", "every": "4 h", "over": "30 min", "basal": "100 mcg/day"}
WEEK = [
    {"days": ["mon", "tue", "wed", "thu", "fri"], "steps": {"00:00": "0.1 mL/day"}},
    {"days": ["sat", "sun"], "steps": {"22:00": "120 mcg/day", "00:00": "240 mcg/day"}},
]


# --- From nothing --------------------------------------------------------------------------------


def test_nothing_wished_is_the_default_prescription() -> None:
    """Baclofen, 2000 mcg/mL, 300 mcg/day, and the profile's low-reservoir threshold."""
    whole = laid()
    assert whole.drugs == (Drug("baclofen", MassUnit.MICROGRAM, 2_000_000),)
    assert (whole.mode, whole.daily_dose_ng) == (Mode.SIMPLE_CONTINUOUS, 300_000)
    assert whole.rate_nl_per_day == 150_000
    assert whole.low_reservoir_threshold_nl == PROFILE.default_low_reservoir_threshold_nl
    assert codes(whole) == []


@pytest.mark.parametrize(
    ("wishes", "mode", "dose_ng"),
    [
        ({"dose": "800 mcg/day"}, Mode.SIMPLE_CONTINUOUS, 800_000),
        ({"rate": "0.4 mL/day"}, Mode.SIMPLE_CONTINUOUS, 800_000),
        ({"mode": "stopped"}, Mode.STOPPED, 0),
        ({"mode": "minimum_rate"}, Mode.MINIMUM_RATE, 12_000),
        ({"flex": [{"steps": {"00:00": "300 mcg/day"}}]}, Mode.FLEX, 300_000),
        ({"periodic": PERIODIC}, Mode.PERIODIC_BOLUS, 400_000),
    ],
)
def test_each_kind_of_flow_makes_a_prescription_that_a_pump_takes(
    wishes: dict[str, Any], mode: Mode, dose_ng: int
) -> None:
    """Whatever says what flows, dose and rate agree with it."""
    whole = laid(**wishes)
    assert (whole.mode, whole.daily_dose_ng) == (mode, dose_ng)
    assert codes(whole) == []


def test_flex_has_its_weekdays_and_its_steps_in_the_order_of_the_clock() -> None:
    """In whatever order the file has them; doses become rates."""
    whole = laid(flex=WEEK)
    assert [day.weekdays for day in whole.days] == [frozenset(range(5)), frozenset({5, 6})]
    assert [(step.starts_at_min, step.rate_nl_per_day) for step in whole.days[1].steps] == [
        (0, 120_000),
        (1_320, 60_000),
    ]
    assert codes(whole) == []


def test_periodic_flows_only_in_its_boluses_unless_a_basal_is_given() -> None:
    """The default of the basal is nothing, that of the wait for the first is none."""
    bare = {"dose": "50 mcg", "every": "4 h", "over": "30 min"}
    bolus = laid(periodic=bare).periodic
    assert bolus is not None
    assert (bolus.basal_rate_nl_per_day, bolus.first_after_ms) == (0, 0)
    assert laid(periodic=bare).daily_dose_ng == 300_000


# --- Over what is in force -----------------------------------------------------------------------


def test_what_is_not_given_stays() -> None:
    """A new dose leaves drug, threshold and patient bolus alone."""
    base = laid(
        drug="morphine", concentration="10 mg/mL", low_reservoir="3 mL", patient_bolus=PATIENT
    )
    after = laid(base, dose="1 mg/day")
    assert after.drugs == base.drugs
    assert after.low_reservoir_threshold_nl == 3_000_000
    assert after.patient == base.patient
    assert after.daily_dose_ng == 1_000_000


@pytest.mark.parametrize(
    "flow",
    [
        {"dose": "300 mcg/day"},
        {"flex": WEEK},
        {"periodic": PERIODIC},
        {"mode": "minimum_rate"},
        {"mode": "stopped"},
    ],
)
def test_wishing_nothing_changes_nothing(flow: dict[str, Any]) -> None:
    """Whatever is in force."""
    base = laid(**flow)
    assert laid(base) == base


def test_a_new_concentration_keeps_the_daily_dose() -> None:
    """And moves the rate."""
    after = laid(laid(dose="300 mcg/day"), concentration="500 mcg/mL")
    assert (after.daily_dose_ng, after.rate_nl_per_day) == (300_000, 600_000)


def test_a_new_concentration_keeps_every_dose_of_a_schedule() -> None:
    """Steps, periodic and patient boluses: four times the volume at a quarter the concentration."""
    flex = laid(laid(flex=WEEK, patient_bolus=PATIENT), concentration="500 mcg/mL")
    assert [step.rate_nl_per_day for day in flex.days for step in day.steps] == [
        400_000,
        480_000,
        240_000,
    ]
    assert flex.patient is not None
    assert (flex.patient.dose_ng, flex.patient.volume_nl) == (20_000, 40_000)
    bolus = laid(laid(periodic=PERIODIC), concentration="500 mcg/mL").periodic
    assert bolus is not None
    assert (bolus.dose_ng, bolus.volume_nl, bolus.basal_rate_nl_per_day) == (
        50_000,
        100_000,
        200_000,
    )


def test_a_new_concentration_leaves_the_minimum_rate_of_a_step_alone() -> None:
    """It treats nobody, and another rate below the therapeutic ones is refused."""
    base = laid(flex=[{"steps": {"00:00": "0.006 mL/day", "08:00": "0.1 mL/day"}}])
    after = laid(base, concentration="500 mcg/mL")
    assert [step.rate_nl_per_day for step in after.days[0].steps] == [6_000, 400_000]
    assert codes(after) == []


@pytest.mark.parametrize("mode", ["stopped", "minimum_rate"])
def test_what_was_prescribed_for_the_patient_ends_where_the_pump_does_not_treat(mode: str) -> None:
    """So that stopping a pump takes no second wish."""
    after = laid(laid(patient_bolus=PATIENT), mode=mode)
    assert after.patient is None
    assert codes(after) == []


def test_what_makes_no_sense_is_left_for_the_pump_to_refuse() -> None:
    """A patient bolus that is asked for expressly, of a pump that is to be stopped."""
    after = laid(mode="stopped", patient_bolus=PATIENT)
    assert (RefusalCode.WRONG_MODE, Field.PATIENT_DOSE) in codes(after)


def test_a_patient_bolus_ends_where_none_is_wished() -> None:
    """`none` is no omission."""
    base = laid(patient_bolus=PATIENT)
    assert laid(base).patient is not None
    assert laid(base, patient_bolus="none").patient is None


def test_other_drugs_of_a_mixture_stay() -> None:
    """A file names only the primary drug."""
    clonidine = Drug("clonidine", MassUnit.MICROGRAM, 100_000)
    base = laid()
    mixture = replace(base, drugs=(*base.drugs, clonidine))
    after = laid(mixture, drug="morphine", concentration="10 mg/mL")
    assert after.drugs == (Drug("morphine", MassUnit.MICROGRAM, 10_000_000), clonidine)


def test_the_next_periodic_bolus_stays_due_when_it_is_known() -> None:
    """Else a commit would begin them anew, and one could follow another too soon."""
    base = laid(periodic=PERIODIC)
    wishes = Therapy.model_validate({"low_reservoir": "3 mL"})
    for due_ms, first_ms in ((HOUR_MS, HOUR_MS), (-5, 0), (9 * HOUR_MS, 4 * HOUR_MS)):
        after = laid_over(wishes, base, PROFILE.minimum_rate_nl_per_day, due_ms)
        assert after.periodic is not None
        assert after.periodic.first_after_ms == first_ms


# --- A pump that has lost its drug ---------------------------------------------------------------

LOST = minimum_rate_of(PROFILE, (), 2_000_000)


def test_a_pump_that_lost_its_drug_takes_a_whole_prescription() -> None:
    """Drug, concentration and what flows."""
    whole = laid(LOST, drug="baclofen", concentration="2000 mcg/mL", dose="300 mcg/day")
    assert codes(whole) == []


@pytest.mark.parametrize(
    "wishes",
    [
        {"dose": "300 mcg/day"},
        {"drug": "baclofen", "dose": "300 mcg/day"},
        {"concentration": "2000 mcg/mL", "dose": "300 mcg/day"},
        {"periodic": PERIODIC},
        {"flex": WEEK},
        {"patient_bolus": PATIENT, "dose": "300 mcg/day"},
    ],
)
def test_half_a_prescription_for_it_is_made_and_refused(wishes: dict[str, Any]) -> None:
    """Nothing is invented; nothing breaks either."""
    assert codes(laid(LOST, **wishes)) != []


@pytest.mark.parametrize("every", ["0 min", "1 min"])
def test_intervals_that_no_pump_takes_are_made_and_refused(every: str) -> None:
    """Also one of no length, of which there is no mean."""
    whole = laid(periodic={"dose": "50 mcg", "every": every, "over": "30 min"})
    assert (RefusalCode.OUT_OF_RANGE, Field.PERIODIC_INTERVAL) in codes(whole)


# --- Bridges -------------------------------------------------------------------------------------


def test_a_bridge_gives_the_new_dose_with_the_old_drug() -> None:
    """0.34 mL at 0.15 mL/day, in 54.4 h: accepted."""
    old = laid()
    new = with_bridge(laid(old, concentration="500 mcg/mL"), old, 340_000)
    assert new.bridge is not None
    assert (new.bridge.volume_nl, new.bridge.rate_nl_per_day) == (340_000, 150_000)
    assert new.bridge.duration_ms == 195_840_000
    assert check_bridge(new, old, PROFILE) == ()


def test_a_bridge_that_is_declined_is_a_decision() -> None:
    """Without a volume."""
    old = laid()
    new = with_bridge(laid(old, concentration="500 mcg/mL"), old, None)
    assert (new.bridge_decision, new.bridge) == (BridgeDecision.DECLINED, None)
    assert check_bridge(new, old, PROFILE) == ()


def test_no_decision_is_carried_over() -> None:
    """Neither by a dose nor by another concentration, of which a pump says that it is undecided."""
    old = laid()
    new = with_bridge(laid(old, concentration="500 mcg/mL"), old, 340_000)
    assert laid(new, dose="250 mcg/day").bridge_decision is BridgeDecision.NOT_NEEDED
    reasons = check_bridge(laid(new, concentration="1000 mcg/mL"), new, PROFILE)
    assert [each.code for each in reasons] == [RefusalCode.BRIDGE_UNDECIDED]


def test_a_bridge_without_anything_to_bridge_is_refused_and_breaks_nothing() -> None:
    """From a pump that lost its drug; to one that is stopped."""
    whole = laid(LOST, drug="baclofen", concentration="2000 mcg/mL", dose="300 mcg/day")
    assert check_bridge(with_bridge(whole, LOST, 340_000), LOST, PROFILE) != ()
    old = laid()
    new = laid(old, concentration="500 mcg/mL", mode="stopped")
    assert check_bridge(with_bridge(new, old, 340_000), old, PROFILE) != ()


# --- All of them ---------------------------------------------------------------------------------

_FLOWS = st.sampled_from(
    [
        {},
        {"dose": "250 mcg/day"},
        {"rate": "0.2 mL/day"},
        {"mode": "stopped"},
        {"mode": "minimum_rate"},
        {"flex": WEEK},
        {"flex": [{"steps": {"00:00": "300 mcg/day", "06:30": "0.3 mL/day"}}]},
        {"periodic": PERIODIC},
    ]
)
_CONCENTRATIONS = st.sampled_from(
    [{}, {"concentration": "500 mcg/mL"}, {"concentration": "1 mg/mL"}]
)
_THRESHOLDS = st.sampled_from([{}, {"low_reservoir": "1 mL"}])
_WISHES = st.builds(
    lambda *parts: {key: each for part in parts for key, each in part.items()},
    _FLOWS,
    _CONCENTRATIONS,
    _THRESHOLDS,
)


@given(st.lists(_WISHES, min_size=1, max_size=4))
def test_sensible_wishes_one_after_another_are_always_taken(wishes: list[dict[str, Any]]) -> None:
    """Doses, rates and volumes agree whatever was in force before (REQ-05)."""
    base = laid(patient_bolus=PATIENT)
    for each in wishes:
        base = laid(base, **each)
        assert codes(base) == []
