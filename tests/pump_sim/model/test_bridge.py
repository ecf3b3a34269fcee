"""Bridges: what is decided about the old drug in the catheter, and how it is cleared (REQ-11)."""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.hardware.faults import MriScan
from pump_sim.model.orders import BolusKind, BolusOutcome
from pump_sim.model.prescription import (
    Bridge,
    BridgeDecision,
    Drug,
    MassUnit,
    Mode,
    Prescription,
    bridged,
    flex,
    minimum_rate,
    periodic,
    stopped,
)
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Reason, RefusalCode

from .pumps import (
    delivered_units,
    forked,
    implanted,
    moments,
    program,
    reasons_of,
    records,
    refill,
    refused,
)
from .strategies import BACLOFEN, DAY, HOUR, MINUTE, PROFILE, STRONG_MIXTURE, bolus, continuous
from .test_flex import WEEK, pattern

PATH_NL = 340_000
STRONG, WEAK = continuous(300_000), continuous(300_000, 500_000)
"""300 mcg/day of 2,000 mcg/mL at 0.15 mL/day, and of 500 mcg/mL at 0.6."""
DOWN, UP = bridged(WEAK, STRONG, PATH_NL), bridged(STRONG, WEAK, PATH_NL)
LONG_MS, SHORT_MS = 195_840_000, 48_960_000  # 54.4 h and 13.6 h
OFF = stopped(drug_name="baclofen", concentration_ng_per_ml=500_000)
LOWEST = minimum_rate(PROFILE, drug_name="baclofen", concentration_ng_per_ml=500_000)


def declined(prescription: Prescription) -> Prescription:
    return replace(prescription, bridge_decision=BridgeDecision.DECLINED, bridge=None)


def with_bridge(prescription: Prescription, **figures: int) -> Prescription:
    """With some figures of its bridge changed."""
    assert prescription.bridge is not None
    return replace(prescription, bridge=replace(prescription.bridge, **figures))


def why(old: Prescription, new: Prescription) -> list[Reason]:
    """Why a pump with the one refuses to stage the other."""
    return list(reasons_of(lambda: implanted(old).firmware.stage(new)))


# --- The decision --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "drugs",
    [
        (replace(BACLOFEN, concentration_ng_per_ml=500_000),),
        (replace(BACLOFEN, name="ziconotide"),),
        STRONG_MIXTURE,
    ],
    ids=["another concentration", "another drug", "one drug more"],
)
def test_a_change_of_drug_needs_a_decision(drugs: tuple[Drug, ...]) -> None:
    """Either is one; none is not, and the prescription is refused for that alone."""
    old = continuous()
    new = replace(continuous(800_000, drugs[0].concentration_ng_per_ml), drugs=drugs)
    assert why(old, new) == [Reason(RefusalCode.BRIDGE_UNDECIDED, Field.BRIDGE)]
    implanted(old).firmware.stage(declined(new))
    implanted(old).firmware.stage(bridged(new, old, PATH_NL))


@pytest.mark.parametrize(
    "drugs",
    [
        (BACLOFEN, replace(STRONG_MIXTURE[1], concentration_ng_per_ml=5_000_000)),
        (BACLOFEN, replace(STRONG_MIXTURE[1], name="clonidine")),
        (BACLOFEN,),
        (BACLOFEN, STRONG_MIXTURE[1], Drug("clonidine", MassUnit.MICROGRAM, 50_000)),
    ],
)
def test_a_change_of_any_drug_of_a_mixture_needs_a_decision(drugs: tuple[Drug, ...]) -> None:
    """The primary one stays as it is; what else is in the catheter is another mixture."""
    old = replace(continuous(), drugs=STRONG_MIXTURE)
    new = replace(continuous(), drugs=drugs)
    assert why(old, new) == [Reason(RefusalCode.BRIDGE_UNDECIDED, Field.BRIDGE)]
    program(implanted(old), declined(new))


@pytest.mark.parametrize("decision", [BridgeDecision.DECLINED, BridgeDecision.BRIDGE])
def test_where_no_drug_changes_there_is_nothing_to_decide(decision: BridgeDecision) -> None:
    """A decision left over from the last change would be one that nobody made."""
    new = replace(DOWN, bridge_decision=decision)
    if decision is BridgeDecision.DECLINED:
        new = declined(new)
    assert why(WEAK, new) == [Reason(RefusalCode.MISMATCH, Field.BRIDGE, decision.value, 0, 0)]


def test_the_unit_in_which_a_drug_is_read_is_no_change_of_drug() -> None:
    """REQ-06: milligrams of the same drug at the same concentration."""
    milligrams = replace(continuous(), drugs=(replace(BACLOFEN, mass_unit=MassUnit.MILLIGRAM),))
    program(implanted(continuous()), milligrams)


@pytest.mark.parametrize(
    ("decision", "bridge"),
    [
        (BridgeDecision.BRIDGE, None),
        (BridgeDecision.DECLINED, DOWN.bridge),
        (BridgeDecision.NOT_NEEDED, DOWN.bridge),
    ],
)
def test_decision_and_bridge_come_together(decision: BridgeDecision, bridge: Bridge | None) -> None:
    """One without the other says two things at once."""
    new = replace(WEAK, bridge_decision=decision, bridge=bridge)
    assert (RefusalCode.MISMATCH, Field.BRIDGE) in [(r.code, r.field) for r in why(STRONG, new)]


def test_a_decision_is_about_one_change_and_not_about_the_next() -> None:
    """Another dose of the drug that is in force by now needs none; it was logged once."""
    pump = implanted(STRONG)
    program(pump, declined(WEAK))
    more = replace(WEAK, daily_dose_ng=330_000, rate_nl_per_day=660_000)
    assert refused(lambda: pump.firmware.stage(declined(more))) == [
        (RefusalCode.MISMATCH, Field.BRIDGE)
    ]
    pump.firmware.stage(more)
    assert pump.firmware.commit() == 3
    assert records(pump, "BRIDGE_DECLINED") == [("BRIDGE_DECLINED", 2_000_000, 500_000)]


def test_a_declined_bridge_is_logged_and_the_new_rate_begins_at_once() -> None:
    """T9 without a bridge: 0.15 becomes 0.6 mL/day, with the old drug in the path."""
    pump = implanted(STRONG)
    pump.settle(HOUR)
    program(pump, declined(WEAK))
    assert records(pump)[1:] == [
        ("STAGED", 600_000, 300_000),
        ("COMMITTED", 150_000, 600_000),
        ("BRIDGE_DECLINED", 2_000_000, 500_000),
    ]
    assert pump.status().infusing_nl_per_day == 600_000
    assert pump.status().bolus is None


# --- Its numbers ---------------------------------------------------------------------------------


def test_every_figure_of_a_bridge_is_checked_at_once() -> None:
    """REQ-05, REQ-11: volume within limits, rate and duration as they follow."""
    new = with_bridge(DOWN, volume_nl=1_000_001, rate_nl_per_day=47_999, duration_ms=30 * DAY + 1)
    out_of_range = RefusalCode.OUT_OF_RANGE
    expected_ms = ceil(Fraction(1_000_001 * DAY, 47_999))
    assert set(why(STRONG, new)) == {
        Reason(out_of_range, Field.BRIDGE_VOLUME, 1_000_001, 1, 1_000_000),
        Reason(RefusalCode.MISMATCH, Field.BRIDGE_RATE, 47_999, 150_000, 150_000),
        Reason(out_of_range, Field.BRIDGE_RATE, 47_999, 48_000, 24_000_000),
        Reason(RefusalCode.MISMATCH, Field.BRIDGE_DURATION, 30 * DAY + 1, expected_ms, expected_ms),
        Reason(out_of_range, Field.BRIDGE_DURATION, 30 * DAY + 1, 1, 30 * DAY),
    }


@settings(max_examples=50, deadline=None)
@given(st.integers(96_000, 800_000), st.integers(1, 1_000_000))
def test_rate_and_duration_follow_from_dose_and_volume(dose_ng: int, volume_nl: int) -> None:
    """The new dose at the old concentration, to the nearest; the duration rounded up."""
    new = bridged(continuous(dose_ng, 500_000), continuous(), volume_nl)
    assert new.bridge is not None
    rate = round(Fraction(dose_ng, 2))
    assert new.bridge.rate_nl_per_day == rate
    assert new.bridge.duration_ms == ceil(Fraction(volume_nl * DAY, rate))
    implanted(continuous()).firmware.stage(new)


def test_a_bridge_below_the_therapeutic_range_is_refused() -> None:
    """REQ-01: 60 mcg/day of the old 2,000 mcg/mL would be 0.03 mL/day."""
    new = bridged(continuous(60_000, 500_000), continuous(), PATH_NL)
    assert why(continuous(), new) == [
        Reason(RefusalCode.OUT_OF_RANGE, Field.BRIDGE_RATE, 30_000, 48_000, 24_000_000)
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (replace(OFF, drugs=STRONG.drugs), DOWN),
        (STRONG, replace(OFF, bridge=DOWN.bridge, bridge_decision=BridgeDecision.BRIDGE)),
        (STRONG, replace(LOWEST, bridge=DOWN.bridge, bridge_decision=BridgeDecision.BRIDGE)),
    ],
    ids=["from stopped", "to stopped", "to the minimum rate"],
)
def test_a_bridge_leads_from_a_flow_to_a_treatment(old: Prescription, new: Prescription) -> None:
    """There is none from or to a pump that stands still; declining is possible."""
    assert why(old, new) == [Reason(RefusalCode.WRONG_MODE, Field.BRIDGE)]
    program(implanted(old), declined(new))


def test_a_bridge_may_follow_the_minimum_rate() -> None:
    """It flows, and what it leaves in the catheter is the old drug."""
    old = minimum_rate(PROFILE, drug_name="baclofen", concentration_ng_per_ml=2_000_000)
    pump = implanted(old)
    program(pump, DOWN)
    assert pump.status().infusing_nl_per_day == 150_000


# --- T9 and T10 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "before", "after", "lasts_ms"),
    [
        (STRONG, DOWN, 150_000, 600_000, LONG_MS),
        (WEAK, UP, 600_000, 150_000, SHORT_MS),
    ],
    ids=["T9", "T10"],
)
def test_the_old_rate_stays_until_the_path_is_clear(
    old: Prescription, new: Prescription, before: int, after: int, lasts_ms: int
) -> None:
    """T9, T10: 0.15 mL/day for 54.4 h, then 0.6; or 0.6 for 13.6 h, then 0.15. To the unit."""
    pump = implanted(old)
    refill(pump)
    pump.firmware.stage(new)
    pump.firmware.commit(link_id=3)
    assert new.bridge == Bridge(volume_nl=PATH_NL, rate_nl_per_day=before, duration_ms=lasts_ms)
    pump.settle(lasts_ms - 1)
    assert pump.status().infusing_nl_per_day == before
    assert pump.status().prescription == new
    pump.settle(lasts_ms)
    assert pump.status().infusing_nl_per_day == after
    assert delivered_units(pump) == PATH_NL * DAY
    pump.settle(lasts_ms + DAY)
    assert delivered_units(pump) == (PATH_NL + after) * DAY
    assert records(pump)[2:] == [
        ("STAGED", after, 300_000),
        ("COMMITTED", before, after),
        ("BRIDGE_STARTED", PATH_NL, before),
        ("BOLUS_COMPLETED", PATH_NL, 0),
    ]
    assert {entry.link_id for entry in pump.firmware.log.entries[2:5]} == {0, 3}


@pytest.mark.parametrize(
    ("old", "new", "changes_ms"),
    [(STRONG, DOWN, LONG_MS), (WEAK, UP, SHORT_MS)],
    ids=["T9", "T10"],
)
def test_with_a_bridge_the_dose_at_the_tip_never_changes(
    old: Prescription, new: Prescription, changes_ms: int
) -> None:
    """T9, T10: the new drug is at the tip in the millisecond in which its rate begins."""
    pump = implanted(old)
    pump.fill_by_hand(20_000_000, concentration_ng_per_ml=new.concentration_ng_per_ml)
    program(pump, new)
    for at_ms in (0, changes_ms - 1, changes_ms, changes_ms + DAY):
        pump.settle(at_ms)
        truth = pump.truth()
        dose = Fraction(truth.tip_concentration_ng_per_ml * truth.actual_rate_nl_per_day, 1_000_000)
        assert dose == 300_000


@pytest.mark.parametrize(
    ("old", "new", "wrong_ms", "dose_ng"),
    [
        (STRONG, declined(WEAK), SHORT_MS, 1_200_000),
        (WEAK, declined(STRONG), LONG_MS, 75_000),
    ],
    ids=["T9", "T10"],
)
def test_without_a_bridge_the_old_drug_comes_at_the_new_rate(
    old: Prescription, new: Prescription, wrong_ms: int, dose_ng: int
) -> None:
    """T9: 1,200 mcg/day for 13.6 h, 510 mcg too much. T10: 75 for 54.4 h, 510 too little."""
    pump = implanted(old)
    pump.fill_by_hand(20_000_000, concentration_ng_per_ml=new.concentration_ng_per_ml)
    program(pump, new)
    doses = []
    for at_ms in (0, wrong_ms - 1, wrong_ms):
        pump.settle(at_ms)
        truth = pump.truth()
        doses.append(truth.tip_concentration_ng_per_ml * truth.actual_rate_nl_per_day // 1_000_000)
    assert doses == [dose_ng, dose_ng, 300_000]
    excess_ng = Fraction((dose_ng - 300_000) * wrong_ms, DAY)
    assert abs(excess_ng) == 510_000


def test_the_status_shows_a_bridge_as_a_bolus_in_progress() -> None:
    """Its volume and what has come of it; nobody ordered it by a number."""
    pump = implanted(STRONG)
    program(pump, DOWN)
    pump.settle(LONG_MS // 2)
    running = pump.status().bolus
    assert running is not None
    assert (running.kind, running.outcome) == (BolusKind.BRIDGE, BolusOutcome.RUNNING)
    assert (running.volume_nl, running.delivered_nl) == (PATH_NL, PATH_NL // 2)
    assert (running.programmer_id, running.order_number) == (0, 0)
    assert pump.status().low_reservoir_at_ms == LONG_MS + ceil(
        Fraction((18_000_000 - PATH_NL) * DAY, 600_000)
    )


# --- Interrupted ---------------------------------------------------------------------------------


def test_after_an_aborted_bridge_the_new_rate_begins() -> None:
    """REQ-07: with what was cleared on record."""
    pump = implanted(STRONG)
    program(pump, DOWN)
    pump.settle(LONG_MS // 4)
    report = pump.firmware.abort_bolus()
    assert (report.kind, report.delivered_nl) == (BolusKind.BRIDGE, PATH_NL // 4)
    assert records(pump, "BOLUS_ABORTED") == [("BOLUS_ABORTED", PATH_NL // 4, 0)]
    assert pump.status().infusing_nl_per_day == 600_000
    pump.settle(LONG_MS // 4 + DAY)
    assert delivered_units(pump) == PATH_NL * DAY // 4 + 600_000 * DAY


def test_no_other_treatment_is_committed_while_a_bridge_runs() -> None:
    """Whatever it is, of the same drug or of another: the bridge was reckoned for this one."""
    pump = implanted(STRONG)
    program(pump, DOWN)
    pump.settle(HOUR)
    for new in (
        continuous(330_000, 500_000),
        declined(continuous(300_000, 1_000_000)),
        bridged(STRONG, WEAK, PATH_NL),
    ):
        pump.firmware.stage(new)
        before = pump.state()
        assert (RefusalCode.BOLUS_ACTIVE, Field.BRIDGE) in refused(pump.firmware.commit)
        assert pump.state() == before
    assert pump.status().infusing_nl_per_day == 150_000


@pytest.mark.parametrize("new", [OFF, LOWEST], ids=["stopped", "minimum rate"])
def test_a_stop_ends_a_bridge(new: Prescription) -> None:
    """Stop means stop."""
    pump = implanted(STRONG)
    program(pump, DOWN)
    pump.settle(LONG_MS // 4)
    program(pump, new)
    assert pump.status().infusing_nl_per_day == new.rate_nl_per_day
    assert records(pump, "BOLUS_ABORTED") == [("BOLUS_ABORTED", PATH_NL // 4, 0)]


def test_an_empty_reservoir_ends_a_bridge_and_the_refill_begins_the_new_rate() -> None:
    """REQ-07: it is not taken up again; nothing of it is delivered twice."""
    pump = Pump.implant(PROFILE, STRONG, volume_nl=100_000)
    program(pump, DOWN)
    pump.settle(DAY)
    assert records(pump, "INFUSION_STOPPED", "BOLUS_ABORTED") == [
        ("BOLUS_ABORTED", 99_999, 0),
        ("INFUSION_STOPPED", 2, 150_000),
    ]
    refill(pump)
    assert pump.status().infusing_nl_per_day == 600_000


def test_a_bridge_cannot_begin_while_the_infusion_is_held() -> None:
    """It would be lost without a word: the commit is refused until the refill has been told."""
    pump = Pump.implant(PROFILE, STRONG, volume_nl=0)
    pump.firmware.stage(DOWN)
    assert refused(pump.firmware.commit) == [(RefusalCode.INFUSION_HELD, Field.BRIDGE)]
    refill(pump)
    pump.firmware.commit()
    assert pump.status().infusing_nl_per_day == 150_000
    latched = Pump.implant(PROFILE, STRONG, volume_nl=1_000_000)
    latched.inject(MriScan(field_ms=1, latches_telemetry=True))
    latched.firmware.stage(DOWN)
    assert refused(latched.firmware.commit) == [(RefusalCode.INFUSION_HELD, Field.BRIDGE)]


def test_a_pump_restored_in_the_middle_of_a_bridge_goes_on_equally() -> None:
    """State before processes."""
    pump = implanted(STRONG)
    program(pump, DOWN)
    pump.settle(LONG_MS // 3 + 1)
    other = forked(pump)
    for each in (pump, other):
        each.settle(LONG_MS + DAY)
    assert pump.state() == other.state()
    assert delivered_units(pump) == (PATH_NL + 600_000) * DAY


# --- Into schedules ------------------------------------------------------------------------------


def test_a_bridge_into_flex_ends_in_the_step_of_its_last_moment() -> None:
    """The schedule follows the clock, not the end of the bridge; a set clock counts."""
    weak = continuous(300_000, 500_000)
    schedule = flex(weak, pattern(WEEK, (0, 300_000), (6 * 60, 800_000)))
    assert schedule.daily_dose_ng == 337_500
    new = bridged(schedule, STRONG, 168_750)  # a day at 0.16875 mL/day
    assert new.bridge is not None
    assert (new.bridge.rate_nl_per_day, new.bridge.duration_ms) == (168_750, DAY)
    pump = implanted(STRONG, at_local_ms=5 * HOUR)
    program(pump, new)
    other = forked(pump)
    pump.settle(DAY - 1)
    assert pump.status().infusing_nl_per_day == 168_750
    pump.settle(DAY)
    assert pump.status().infusing_nl_per_day == 300_000
    pump.settle(DAY + HOUR)
    assert pump.status().infusing_nl_per_day == 800_000
    assert delivered_units(pump) == 168_750 * DAY + 300_000 * HOUR
    other.firmware.set_clock(12 * HOUR)
    assert other.status().infusing_nl_per_day == 168_750
    other.settle(DAY)
    assert other.status().infusing_nl_per_day == 800_000


@pytest.mark.parametrize("first_after_ms", [0, HOUR])
def test_a_bridge_into_a_train_is_followed_by_its_first_bolus(first_after_ms: int) -> None:
    """The train is anchored at the end of the bridge, however that comes."""
    train = periodic(
        continuous(300_000, 500_000),
        dose_ng=25_000,
        duration_ms=10 * MINUTE,
        interval_ms=6 * HOUR,
        basal_rate_nl_per_day=400_000,
        first_after_ms=first_after_ms,
    )
    assert train.daily_dose_ng == 300_000
    pump = implanted(STRONG)
    program(pump, bridged(train, STRONG, 150_000))  # a day
    assert pump.status().next_periodic_at_ms == DAY + first_after_ms
    other = forked(pump)
    pump.settle(DAY + first_after_ms)
    assert delivered_units(pump) == 150_000 * DAY + 400_000 * first_after_ms
    assert pump.status().infusing_nl_per_day == 400_000 + 50_000 * 144
    other.settle(HOUR)
    other.firmware.abort_bolus()
    other.settle(HOUR + first_after_ms)
    running = other.status().bolus
    assert running is not None
    assert (running.kind, running.started_at_ms) == (BolusKind.PERIODIC, HOUR + first_after_ms)
    assert other.status().next_periodic_at_ms == 7 * HOUR + first_after_ms
    assert other.status().infusing_nl_per_day == 400_000 + 50_000 * 144
    assert moments(other, "BOLUS_ABORTED") == [HOUR]


def test_no_bolus_is_added_to_a_bridge() -> None:
    """REQ-09: it goes before all that could be; the order may be given when it has ended."""
    pump = implanted(STRONG)
    program(pump, DOWN)
    order = replace(bolus(), concentration_ng_per_ml=500_000, volume_nl=100_000)
    assert refused(lambda: pump.firmware.order_bolus(order)) == [
        (RefusalCode.BOLUS_ACTIVE, Field.NONE)
    ]
    pump.settle(LONG_MS)
    pump.firmware.order_bolus(replace(order, order_number=2))
    assert pump.firmware.prescription.mode is Mode.SIMPLE_CONTINUOUS
