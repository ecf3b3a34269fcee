"""A plan is always one whole prescription, in agreement with itself and with what was asked for."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pump_programmer.plan import PlanError, planned
from pump_programmer.wishes import (
    Bridging,
    DayWish,
    Flow,
    PatientWish,
    PeriodicWish,
    StepWish,
    Wishes,
)
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol import reckoning
from pump_protocol.units import rate_for_dose, volume_for_dose

from .conftest import IDENTITY
from .prescriptions import (
    BACLOFEN,
    DAY_MS,
    EVERY_DAY,
    HOUR_MS,
    LOST,
    MCG,
    MINUTE_MS,
    MORPHINE,
    flex,
    periodic,
    simple,
    stopped,
    with_patient,
)

CURRENT = simple()
DECLINED = Bridging(c.BridgeDecision.DECLINED)
BRIDGE = Bridging(c.BridgeDecision.BRIDGE, 200_000)
WEAK = replace(BACLOFEN, concentration_ng_per_ml=500_000)
TWO_STEPS = flex((127, ((0, 120), (480, 300))))


def plan(current=CURRENT, next_periodic_in_ms=None, /, **wishes):
    return planned(Wishes(**wishes), current, IDENTITY, next_periodic_in_ms)


# --- Simple modes --------------------------------------------------------------------------------


def test_what_is_not_asked_for_stays():
    assert plan(low_reservoir_threshold_nl=1) == replace(CURRENT, low_reservoir_threshold_nl=1)


@pytest.mark.parametrize("current", [CURRENT, TWO_STEPS, periodic(), with_patient(CURRENT)])
def test_every_mode_stays_as_it_is_when_only_the_threshold_changes(current):
    pending = plan(current, low_reservoir_threshold_nl=1)
    assert pending == replace(current, low_reservoir_threshold_nl=1)


def test_a_dose_brings_its_rate():
    pending = plan(daily_dose_ng=400_000)
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == (400_000, 200_000)


def test_a_rate_brings_its_dose():
    pending = plan(rate_nl_per_day=200_000)
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == (400_000, 200_000)


def test_a_rate_that_no_whole_dose_gives_becomes_the_nearest_that_one_does():
    """At 300 ng/mL one ng/day is 3,333.3 nL/day."""
    weak = simple(30, replace(BACLOFEN, concentration_ng_per_ml=300))
    pending = plan(weak, rate_nl_per_day=100_001)
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == (30, 100_000)


@given(rate=st.integers(0, 2**32 - 1), concentration=st.integers(1, 2**32 - 1))
def test_dose_and_rate_always_agree(rate, concentration):
    """REQ-05: whatever rate is asked for, the pump can reckon the same from dose and strength."""
    assume(concentration != BACLOFEN.concentration_ng_per_ml)  # there is nothing to decline then
    pending = plan(rate_nl_per_day=rate, concentration_ng_per_ml=concentration, bridging=DECLINED)
    assert pending.rate_nl_per_day == rate_for_dose(pending.daily_dose_ng, concentration)


def test_a_new_concentration_keeps_the_dose_and_moves_the_rate():
    pending = plan(concentration_ng_per_ml=500_000, bridging=DECLINED)
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == (300_000, 600_000)


def test_stopped_and_minimum_rate_are_what_the_pump_wants_them_to_be():
    halted = plan(mode=c.Mode.STOPPED)
    assert (halted.mode, halted.daily_dose_ng, halted.rate_nl_per_day) == (c.Mode.STOPPED, 0, 0)
    minimum = plan(mode=c.Mode.MINIMUM_RATE)
    assert (minimum.rate_nl_per_day, minimum.daily_dose_ng) == (6_000, 12_000)


def test_a_stopped_pump_stays_stopped_when_another_setting_is_asked_for():
    assert plan(stopped(), drug_name="saline", bridging=DECLINED).mode is c.Mode.STOPPED
    assert plan(stopped(), daily_dose_ng=1).mode is c.Mode.SIMPLE_CONTINUOUS


# --- Flex ----------------------------------------------------------------------------------------

WORK_AND_WEEKEND = (
    DayWish(c.Weekday(31), (StepWish(0, Flow(120_000)), StepWish(480, Flow(300_000)))),
    DayWish(c.Weekday(96), (StepWish(0, Flow(rate_nl_per_day=100_000)), StepWish(60, Flow()))),
)


def test_steps_become_rates_with_their_mean_dose_and_rate():
    """8 h at 120 and 16 h at 300 mcg/day are 240; 1 h at 200 and 23 h at 12 are 19.83."""
    pending = plan(flex=WORK_AND_WEEKEND)
    assert pending.mode is c.Mode.FLEX
    assert [[step.rate_nl_per_day for step in day.steps] for day in pending.days] == [
        [60_000, 150_000],
        [100_000, 6_000],
    ]
    assert pending.daily_dose_ng == round((5 * 240_000 + 2 * (200_000 + 23 * 12_000) / 24) / 7)
    assert pending.rate_nl_per_day == round((5 * 120_000 + 2 * (100_000 + 23 * 6_000) / 24) / 7)
    assert reckoning.dose_totals(pending).highest_ng == 240_000


def test_a_new_concentration_keeps_the_dose_of_every_step_but_not_the_minimum_rate():
    current = plan(flex=WORK_AND_WEEKEND)
    pending = plan(current, concentration_ng_per_ml=500_000, bridging=DECLINED)
    assert [[step.rate_nl_per_day for step in day.steps] for day in pending.days] == [
        [240_000, 600_000],
        [400_000, 6_000],
    ]


def test_a_simple_dose_replaces_the_steps():
    pending = plan(TWO_STEPS, daily_dose_ng=300_000)
    assert (pending.mode, pending.days) == (c.Mode.SIMPLE_CONTINUOUS, ())


# --- Periodic ------------------------------------------------------------------------------------

EVERY_SIX_HOURS = PeriodicWish(30 * MCG, 6 * HOUR_MS, 10 * MINUTE_MS)


def test_a_periodic_bolus_has_its_volume_basal_and_means():
    pending = plan(periodic=EVERY_SIX_HOURS, basal=Flow(100_000))
    bolus = m.PeriodicBolus(50_000, 30_000, 15_000, 600_000, 6 * HOUR_MS, 6 * HOUR_MS)
    assert (pending.mode, pending.periodic_boluses) == (c.Mode.PERIODIC_BOLUS, (bolus,))
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == (220_000, 110_000)


@pytest.mark.parametrize(
    ("basal", "rate"), [(Flow(rate_nl_per_day=0), 0), (Flow(), 6_000), (Flow(rate_nl_per_day=9), 9)]
)
def test_a_basal_may_be_nothing_the_minimum_or_a_rate(basal, rate):
    pending = plan(periodic=EVERY_SIX_HOURS, basal=basal)
    assert pending.periodic.basal_rate_nl_per_day == rate


def test_a_basal_is_never_guessed():
    with pytest.raises(PlanError, match="give --basal with --periodic"):
        plan(periodic=EVERY_SIX_HOURS)
    kept = plan(periodic(basal_nl_per_day=50_000), periodic=EVERY_SIX_HOURS)
    assert kept.periodic.basal_rate_nl_per_day == 50_000


def test_a_new_bolus_waits_for_its_interval_unless_it_is_told_when():
    asked = {"periodic": EVERY_SIX_HOURS, "basal": Flow()}
    assert plan(**asked).periodic.first_after_ms == 6 * HOUR_MS
    assert plan(**asked, first_after_ms=0).periodic.first_after_ms == 0
    assert plan(periodic(), 7, **asked).periodic.first_after_ms == 6 * HOUR_MS


def test_another_setting_leaves_the_next_bolus_due_when_it_was():
    """A commit begins the boluses anew: one soon after the last would be a double one."""
    current = periodic(first_after_ms=0)
    pending = plan(current, 5 * HOUR_MS, low_reservoir_threshold_nl=1)
    assert pending.periodic == replace(current.periodic, first_after_ms=5 * HOUR_MS)
    assert plan(current, 5 * HOUR_MS, first_after_ms=9).periodic.first_after_ms == 9
    late = plan(current, 7 * DAY_MS, low_reservoir_threshold_nl=1)
    assert late.periodic.first_after_ms == 6 * HOUR_MS


def test_a_new_concentration_keeps_the_dose_of_each_bolus():
    current = periodic(basal_nl_per_day=50_000)
    pending = plan(current, concentration_ng_per_ml=500_000, bridging=DECLINED)
    found = pending.periodic
    assert (found.dose_ng, found.volume_nl, found.basal_rate_nl_per_day) == (
        30_000,
        60_000,
        200_000,
    )


@pytest.mark.parametrize(
    ("wishes", "option"),
    [({"basal": Flow()}, "--basal"), ({"first_after_ms": 1}, "--first-in")],
)
def test_what_belongs_to_periodic_boluses_is_refused_without_any(wishes, option):
    with pytest.raises(PlanError, match=f"{option} goes with --periodic"):
        plan(**wishes)


# --- Patient boluses and mixtures ----------------------------------------------------------------

FOUR_A_DAY = (PatientWish(20 * MCG, 5 * MINUTE_MS, 4 * HOUR_MS, 4),)


@pytest.mark.parametrize("current", [CURRENT, TWO_STEPS, periodic()])
def test_a_patient_bolus_is_added_changed_and_removed(current):
    pending = plan(current, patient_boluses=FOUR_A_DAY)
    assert pending == with_patient(current)
    assert plan(pending, patient_boluses=()) == current


def test_a_pump_that_does_not_treat_gives_no_patient_bolus():
    assert plan(with_patient(CURRENT), mode=c.Mode.STOPPED).patient_boluses == ()
    with pytest.raises(PlanError, match="--patient-bolus needs a prescription that treats"):
        plan(mode=c.Mode.MINIMUM_RATE, patient_boluses=FOUR_A_DAY)


def test_a_new_concentration_keeps_the_dose_of_a_patient_bolus():
    pending = plan(with_patient(CURRENT), concentration_ng_per_ml=500_000, bridging=DECLINED)
    assert (pending.patient.dose_ng, pending.patient.volume_nl) == (20_000, 40_000)


def test_other_drugs_are_added_and_removed_beside_the_primary_one():
    pending = plan(other_drugs=(MORPHINE,), bridging=DECLINED)
    assert pending.drugs == (BACLOFEN, MORPHINE)
    assert plan(pending, daily_dose_ng=310_000).drugs == (BACLOFEN, MORPHINE)
    assert plan(pending, other_drugs=(), bridging=DECLINED).drugs == (BACLOFEN,)


# --- A pump that has lost its drug ---------------------------------------------------------------


@pytest.mark.parametrize(
    "wishes",
    [
        {"daily_dose_ng": 300_000},
        {"drug_name": "baclofen", "daily_dose_ng": 300_000},
        {"drug_name": "baclofen", "concentration_ng_per_ml": 2_000_000},
        {"low_reservoir_threshold_nl": 1},
        {"mode": c.Mode.MINIMUM_RATE},
        {"concentration_ng_per_ml": 2_000_000, "mode": c.Mode.STOPPED},
    ],
)
def test_a_pump_that_has_lost_its_drug_must_be_told_everything(wishes):
    """REQ-21: never a guess."""
    with pytest.raises(
        PlanError, match=r"lost its drug .* with --drug, --concentration, and --dose"
    ):
        plan(LOST, **wishes)


def test_a_pump_that_has_lost_its_drug_can_be_stopped_all_the_same():
    """What it is that must not flow need not be known."""
    pending = plan(LOST, mode=c.Mode.STOPPED)
    assert pending == replace(LOST, mode=c.Mode.STOPPED, daily_dose_ng=0, rate_nl_per_day=0)


@pytest.mark.parametrize("bridging", [Bridging(), DECLINED])
def test_a_pump_that_has_lost_its_drug_is_programmed_in_full_without_a_bridge(bridging):
    pending = plan(
        LOST,
        drug_name="baclofen",
        concentration_ng_per_ml=2_000_000,
        daily_dose_ng=300_000,
        bridging=bridging,
    )
    decision = bridging.decision or c.BridgeDecision.NOT_NEEDED
    assert pending == replace(CURRENT, bridge_decision=decision)


# --- The bridge ----------------------------------------------------------------------------------


def test_a_change_of_concentration_needs_a_decision_and_says_what_the_bridge_would_be():
    """REQ-11, and the figures of training scenario T9: 0.34 mL at 0.15 mL/day in 54.4 h."""
    with pytest.raises(PlanError) as caught:
        plan(concentration_ng_per_ml=500_000, bridging=Bridging(None, 200_000))
    for text in (
        "from baclofen 2000 mcg/mL to baclofen 500 mcg/mL",
        "0.34 mL of the old drug at 0.15 mL/day in 2 d 6 h 24 min",
        "--bridge",
        "--no-bridge",
    ):
        assert text in str(caught.value)


def test_without_the_volume_of_the_catheter_the_bridge_is_told_by_its_parts():
    with pytest.raises(PlanError) as caught:
        plan(concentration_ng_per_ml=500_000)
    for text in ("--catheter", "22 h 24 min for the 0.14 mL of tubing", "16 h for each 0.1 mL"):
        assert text in str(caught.value)


def test_a_bridge_gives_the_new_dose_in_the_old_drug_until_it_is_used_up():
    """T9: down from 2,000 to 500 mcg/mL; T10: up again."""
    down = plan(concentration_ng_per_ml=500_000, bridging=BRIDGE)
    assert down.bridge_decision is c.BridgeDecision.BRIDGE
    assert down.bridges == (m.Bridge(340_000, 150_000, 195_840_000),)
    back = plan(simple(300_000, WEAK), concentration_ng_per_ml=2_000_000, bridging=BRIDGE)
    assert back.bridges == (m.Bridge(340_000, 600_000, 48_960_000),)


def test_a_bridge_takes_the_new_dose_where_dose_and_concentration_change_together():
    pending = plan(concentration_ng_per_ml=500_000, daily_dose_ng=400_000, bridging=BRIDGE)
    assert (pending.rate_nl_per_day, pending.bridge.rate_nl_per_day) == (800_000, 200_000)


@pytest.mark.parametrize(
    "wishes",
    [
        {"drug_name": "saline"},
        {"concentration_ng_per_ml": 1_000_000},
        {"other_drugs": (MORPHINE,)},
    ],
)
def test_any_other_mixture_needs_a_decision_and_takes_either(wishes):
    with pytest.raises(PlanError, match="--no-bridge"):
        plan(**wishes)
    declined = plan(**wishes, bridging=DECLINED)
    assert (declined.bridge_decision, declined.bridges) == (c.BridgeDecision.DECLINED, ())
    assert plan(**wishes, bridging=BRIDGE).bridge is not None


def test_a_decision_is_not_carried_over_to_the_next_prescription():
    bridged = plan(concentration_ng_per_ml=500_000, bridging=BRIDGE)
    pending = plan(bridged, daily_dose_ng=310_000)
    assert (pending.bridge_decision, pending.bridges) == (c.BridgeDecision.NOT_NEEDED, ())


@pytest.mark.parametrize(
    ("bridging", "option"),
    [(BRIDGE, "--bridge"), (DECLINED, "--no-bridge"), (Bridging(None, 200_000), "--catheter")],
)
def test_a_decision_where_nothing_changes_is_refused(bridging, option):
    with pytest.raises(PlanError, match=f"^{option}: neither drug nor concentration changes"):
        plan(daily_dose_ng=310_000, bridging=bridging)


def test_a_bridge_into_a_pump_that_has_lost_its_drug_is_refused():
    with pytest.raises(PlanError, match=r"^--bridge: the pump does not know what drug it had"):
        plan(
            LOST,
            drug_name="baclofen",
            concentration_ng_per_ml=2_000_000,
            daily_dose_ng=300_000,
            bridging=BRIDGE,
        )


@pytest.mark.parametrize(
    ("current", "wishes", "why"),
    [
        (stopped(), {"daily_dose_ng": 300_000}, "because the pump is stopped"),
        (CURRENT, {"mode": c.Mode.MINIMUM_RATE}, "to a prescription that does not treat"),
        (
            CURRENT,
            {"daily_dose_ng": 40_000},
            "would need 0.02 mL/day of the old drug; allowed 0.048 mL/day to 24 mL/day",
        ),
    ],
)
def test_a_bridge_that_the_pump_could_not_deliver_is_told_to_be_impossible(current, wishes, why):
    for bridging in (Bridging(), BRIDGE):
        with pytest.raises(PlanError, match="--no-bridge") as caught:
            plan(current, **wishes, concentration_ng_per_ml=500_000, bridging=bridging)
        assert why in str(caught.value)
    declined = plan(current, **wishes, concentration_ng_per_ml=500_000, bridging=DECLINED)
    assert declined.bridge_decision is c.BridgeDecision.DECLINED


def test_a_bridge_needs_the_volume_of_the_catheter_within_the_pumps_limit():
    def bridged(catheter_nl):
        return plan(
            concentration_ng_per_ml=500_000,
            bridging=Bridging(c.BridgeDecision.BRIDGE, catheter_nl),
        )

    with pytest.raises(PlanError, match=r'as --catheter "0\.2 mL".* holds 0\.14 mL'):
        bridged(None)
    with pytest.raises(PlanError, match=r"--catheter = 0\.86\d* mL: allowed 0 mL to 0\.86 mL"):
        bridged(860_001)
    assert bridged(860_000).bridge.volume_nl == 1_000_000
    assert bridged(0).bridge.volume_nl == 140_000


def test_a_bridge_of_more_than_thirty_days_is_refused():
    rare = replace(IDENTITY, maximum_priming_volume_nl=10_000_000)
    wishes = Wishes(
        concentration_ng_per_ml=500_000,
        daily_dose_ng=100_000,
        bridging=Bridging(c.BridgeDecision.BRIDGE, 2_000_000),
    )
    with pytest.raises(PlanError, match=r"it would last 42 d .*; allowed at most 30 d"):
        planned(wishes, CURRENT, rare)


# --- Always --------------------------------------------------------------------------------------

doses = st.integers(1, 2_000_000)
flows = st.one_of(
    st.builds(Flow, daily_dose_ng=doses),
    st.builds(Flow, rate_nl_per_day=st.integers(0, 24_000_000)),
    st.just(Flow()),
)
schedules = st.one_of(
    st.fixed_dictionaries({"daily_dose_ng": doses}),
    st.fixed_dictionaries({"rate_nl_per_day": st.integers(0, 24_000_000)}),
    st.fixed_dictionaries({"mode": st.sampled_from([c.Mode.STOPPED, c.Mode.MINIMUM_RATE])}),
    st.lists(flows, min_size=1, max_size=13).map(
        lambda steps: {
            "flex": (
                DayWish(EVERY_DAY, tuple(StepWish(60 * at, each) for at, each in enumerate(steps))),
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "periodic": st.builds(
                PeriodicWish,
                dose_ng=doses,
                interval_ms=st.integers(900_000, 7 * DAY_MS),
                duration_ms=st.integers(60_000, 900_000),
            ),
            "basal": flows,
        }
    ),
)


@given(
    before=schedules,
    after=schedules,
    concentration=st.integers(1_000, 100_000_000),
    patient=st.booleans(),
)
def test_whatever_is_asked_for_the_prescription_agrees_with_itself(
    before, after, concentration, patient
):
    """REQ-05: everything that the pump reckons again follows from the rest, in every mode."""
    current = plan(**before)
    if patient and current.mode not in {c.Mode.STOPPED, c.Mode.MINIMUM_RATE}:
        current = with_patient(current)
    changes = concentration != 2_000_000
    pending = plan(
        current,
        **after,
        concentration_ng_per_ml=concentration,
        bridging=DECLINED if changes else Bridging(),
    )
    check_whole(pending, concentration)
    kept = planned(Wishes(low_reservoir_threshold_nl=5), pending, IDENTITY)
    check_whole(kept, concentration)
    assert kept.bridge_decision is c.BridgeDecision.NOT_NEEDED


def check_whole(pending, concentration):
    match pending.mode:
        case c.Mode.FLEX:
            means = (
                reckoning.flex_daily_dose_ng(pending.days, concentration),
                reckoning.flex_rate_nl_per_day(pending.days),
            )
        case c.Mode.PERIODIC_BOLUS:
            means = (
                reckoning.periodic_daily_dose_ng(pending.periodic, concentration),
                reckoning.periodic_rate_nl_per_day(pending.periodic),
            )
        case c.Mode.STOPPED:
            means = (0, 0)
        case c.Mode.MINIMUM_RATE:
            means = (round(6 * concentration / 1_000), 6_000)
        case _:
            dose = pending.daily_dose_ng
            means = (dose, rate_for_dose(dose, concentration))
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == means
    assert bool(pending.days) is (pending.mode is c.Mode.FLEX)
    assert bool(pending.periodic_boluses) is (pending.mode is c.Mode.PERIODIC_BOLUS)
    for bolus in (*pending.periodic_boluses, *pending.patient_boluses):
        assert bolus.volume_nl == volume_for_dose(bolus.dose_ng, concentration)
