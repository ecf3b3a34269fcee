"""Truth: what leaves the reservoir, where it goes, and what the pump does not notice of it."""

import pytest
from hypothesis import given, settings

from pump_sim.model.hardware.faults import (
    CatheterDisconnection,
    CatheterOcclusion,
    DryRun,
    Fault,
    FlowError,
    MotorStall,
)
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.orders import ReservoirUpdate
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import RefusalCode
from pump_sim.model.units import PPM, UNITS_PER_NL

from .pumps import (
    active,
    balanced,
    delivered_units,
    forked,
    implanted,
    listed,
    records,
    refill,
    refused,
)
from .strategies import DAY, HOUR, PROFILE, bolus, continuous, perform, troubled_lives


def belief(pump: Pump) -> tuple[int, int, list[str]]:
    """What a clinician could see."""
    status = pump.status()
    return status.believed_volume_nl, status.delivered_nl, listed(pump)


# --- Where the drug goes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "left", "delivered", "lost"),
    [
        (None, 16_000_000, 4_000_000, 0),
        (CatheterOcclusion(), 18_000_000, 2_000_000, 0),
        (CatheterDisconnection(), 16_000_000, 2_000_000, 2_000_000),
        (MotorStall(), 18_000_000, 2_000_000, 0),
        (FlowError(factor_ppm=0), 18_000_000, 2_000_000, 0),
        (FlowError(factor_ppm=1_250_000), 15_500_000, 4_500_000, 0),
        (FlowError(factor_ppm=855_000), 16_290_000, 3_710_000, 0),
    ],
)
def test_what_was_filled_is_delivered_lost_or_left(
    fault: Fault | None, left: int, delivered: int, lost: int
) -> None:
    """A13, A14: five days of 0.4 mL/day, then five more with a fault. The ledger says 4 mL."""
    pump = implanted(continuous())
    pump.settle(5 * DAY)
    if fault is not None:
        pump.inject(fault)
    pump.settle(10 * DAY)
    truth = pump.truth()
    assert (truth.actual_volume_nl, truth.actual_delivered_nl, truth.actual_lost_nl) == (
        left,
        delivered,
        lost,
    )
    assert balanced(pump)
    assert pump.status().believed_volume_nl == 16_000_000
    assert truth.commanded_nl == 4_000_000


@pytest.mark.parametrize(
    "fault",
    [
        CatheterOcclusion(),
        CatheterDisconnection(),
        FlowError(factor_ppm=500_000),
        FlowError(factor_ppm=1_250_000),
    ],
)
def test_a_silent_fault_changes_nothing_that_a_clinician_could_see(fault: Fault) -> None:
    """A13, A14, P4: this kind of pump senses neither flow nor pressure."""
    faulty, sound = implanted(continuous()), implanted(continuous())
    faulty.inject(fault)
    for day in (1, 44, 46, 60):
        for pump in (faulty, sound):
            pump.settle(day * DAY)
        assert belief(faulty) == belief(sound)
    assert faulty.firmware.log == sound.firmware.log
    assert faulty.truth() != sound.truth()


def test_an_over_infusing_pump_is_empty_before_any_alarm() -> None:
    """T12: 800 mcg/day and a quarter more; empty on day 40, believed to hold 4 mL, silent."""
    pump = implanted(continuous())
    pump.inject(FlowError(factor_ppm=1_250_000))
    pump.settle(40 * DAY)
    truth = pump.truth()
    assert (truth.actual_volume_nl, truth.actual_rate_nl_per_day) == (0, 0)
    assert pump.status().believed_volume_nl == 4_000_000
    assert pump.status().infusing_nl_per_day == 400_000
    assert listed(pump) == []
    pump.settle(45 * DAY)
    assert active(pump) == ["LOW_RESERVOIR"]


def test_an_over_infusing_pump_shows_at_the_refill() -> None:
    """T12: on day 30 there are 5.0 mL in the syringe where 8.0 were expected."""
    pump = implanted(continuous())
    pump.inject(FlowError(factor_ppm=1_250_000))
    pump.settle(30 * DAY)
    assert pump.status().believed_volume_nl == 8_000_000
    assert pump.fill_by_hand(20_000_000) == 5_000_000
    assert pump.truth().actual_withdrawn_nl == 5_000_000
    assert balanced(pump)


def test_of_two_flow_errors_the_later_one_counts_and_the_drive_has_its_own_without_any() -> None:
    """A drive that is 10 % fast by itself is so again when the fault ends."""
    pump = Pump.implant(PROFILE, continuous(), flow_factor_ppm=1_100_000)
    assert pump.truth().actual_rate_nl_per_day == 440_000
    first = pump.inject(FlowError(factor_ppm=500_000))
    second = pump.inject(FlowError(factor_ppm=2_000_000))
    assert pump.truth().actual_rate_nl_per_day == 800_000
    pump.clear(second)
    assert pump.truth().flow_factor_ppm == 500_000
    pump.clear(first)
    assert pump.truth().actual_rate_nl_per_day == 440_000


def test_a_bolus_against_an_occlusion_is_believed_to_be_delivered() -> None:
    """A14: completed on record, and not a unit of it left the reservoir."""
    pump = implanted(continuous())
    pump.inject(CatheterOcclusion())
    pump.firmware.order_bolus(bolus())
    pump.settle(HOUR)
    assert records(pump, "BOLUS_COMPLETED") == [("BOLUS_COMPLETED", 25_000, 1)]
    assert pump.truth().actual_delivered_nl == 0


@settings(max_examples=40, deadline=None)
@given(troubled_lives)
def test_nothing_is_ever_lost_without_a_word(life: list[tuple[int, object]]) -> None:
    """REQ-08: whatever goes wrong, filled = delivered + lost + withdrawn + left, to the last unit.

    And in the ledger as well, and no volume ever falls that should rise.
    """
    pump = implanted(continuous())
    last = (0, 0, 0, 0)
    for number, (pause_ms, action) in enumerate(life, 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)  # type: ignore[arg-type]
        assert balanced(pump)
        held, ledger = pump.state().hardware.reservoir, pump.state().firmware.ledger
        spent = ledger.delivered_units + ledger.withdrawn_units
        assert ledger.filled_units == spent + ledger.left_units
        assert held.left >= 0
        now = (held.delivered, held.lost, held.withdrawn, ledger.delivered_units)
        assert all(early <= late for early, late in zip(last, now, strict=True))
        last = now


def test_truth_is_counted_in_millionths_of_a_ledger_unit() -> None:
    """So that a flow factor in ppm multiplies without rounding."""
    pump = implanted(continuous())
    pump.inject(FlowError(factor_ppm=1_000_001))
    pump.settle(7)
    held = pump.state().hardware.reservoir
    assert FINE_UNITS_PER_NL == UNITS_PER_NL * PPM
    assert held.delivered == 7 * 400_000 * 1_000_001


# --- Dry -----------------------------------------------------------------------------------------


def test_a_pump_that_runs_dry_alarms_and_goes_on_pumping() -> None:
    """An option of A02: the infusion is not held, and what it pumps is nothing."""
    pump = Pump.implant(PROFILE, continuous(), volume_nl=400_000)
    pump.inject(DryRun())
    pump.settle(2 * DAY)
    assert active(pump) == ["LOW_RESERVOIR", "EMPTY_RESERVOIR"]
    assert records(pump, "INFUSION_STOPPED") == []
    assert pump.status().infusing_nl_per_day == 400_000
    assert pump.status().believed_volume_nl == 0
    truth = pump.truth()
    assert (truth.actual_volume_nl, truth.actual_delivered_nl, truth.commanded_nl) == (
        0,
        400_000,
        800_000,
    )
    assert truth.runs_dry
    assert delivered_units(pump) == 400_000 * DAY


def test_a_pump_that_runs_dry_draws_what_is_truly_left() -> None:
    """Belief was wrong: there was more in it than was told."""
    pump = implanted(continuous())
    pump.firmware.update_reservoir(
        ReservoirUpdate(programmer_id=1, order_number=1, volume_nl=400_000)
    )
    pump.inject(DryRun())
    pump.settle(5 * DAY)
    assert pump.truth().actual_delivered_nl == 2_000_000
    assert pump.status().believed_volume_nl == 0
    assert balanced(pump)


def test_when_it_no_longer_runs_dry_an_empty_pump_is_held() -> None:
    """Belief and flow agree again, with a record of it; and the other way round."""
    pump = Pump.implant(PROFILE, continuous(), volume_nl=400_000)
    fault = pump.inject(DryRun())
    pump.settle(2 * DAY)
    pump.clear(fault)
    assert pump.status().infusing_nl_per_day == 0
    assert records(pump, "INFUSION_STOPPED") == [("INFUSION_STOPPED", 2, 400_000)]
    pump.inject(DryRun())
    assert pump.status().infusing_nl_per_day == 400_000
    assert refused(lambda: pump.firmware.order_bolus(bolus()))[0][0] is RefusalCode.RESERVOIR_EMPTY


# --- Refills -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("volume_nl", "rinsed", "concentration"),
    [
        (18_600_000, True, 500_000),
        (18_600_000, False, 605_000),  # (18.6 x 500 + 1.4 x 2,000) / 20
        (20_000_000, False, 598_131),  # (20 x 500 + 1.4 x 2,000) / 21.4 = 598,130.84
        (0, False, 2_000_000),
    ],
)
def test_what_was_not_rinsed_mixes_with_the_new_drug(
    volume_nl: int, rinsed: bool, concentration: int
) -> None:
    """To the nearest ng/mL; the pump believes what was entered."""
    pump = implanted(continuous())
    pump.fill_by_hand(volume_nl, concentration_ng_per_ml=500_000, rinsed=rinsed)
    assert pump.truth().reservoir_concentration_ng_per_ml == concentration
    assert pump.firmware.prescription.concentration_ng_per_ml == 2_000_000
    assert balanced(pump)


def test_a_second_unrinsed_refill_mixes_less() -> None:
    """1.4 mL of 598.131 in 21.4: what is left of the old drug goes down each time."""
    pump = implanted(continuous())
    for expected in (598_131, 506_420, 500_420):
        pump.fill_by_hand(20_000_000, concentration_ng_per_ml=500_000, rinsed=False)
        assert pump.truth().reservoir_concentration_ng_per_ml == expected


def test_a_refill_is_of_the_prescribed_drug_unless_told_otherwise() -> None:
    """T8 is what happens when somebody tells otherwise."""
    pump = implanted(continuous(800_000, 500_000))
    pump.fill_by_hand(20_000_000)
    assert pump.truth().reservoir_concentration_ng_per_ml == 500_000
    pump.fill_by_hand(20_000_000, concentration_ng_per_ml=2_000_000)
    pump.settle(DAY)
    truth = pump.truth()
    assert truth.reservoir_concentration_ng_per_ml == truth.tip_concentration_ng_per_ml == 2_000_000
    assert pump.status().prescription.daily_dose_ng == 800_000


def test_a_concentration_beyond_the_limit_cannot_be_filled_in() -> None:
    """The figure and its range are named."""
    pump = implanted(continuous())
    with pytest.raises(ValueError, match=r"concentration_ng_per_ml = -1: allowed 0\.\.100000000"):
        pump.fill_by_hand(1, concentration_ng_per_ml=-1)


def test_the_tip_lags_the_reservoir_by_one_path_volume() -> None:
    """0.34 mL at 0.4 mL/day: 20.4 h, to the millisecond (domain.md 1.2)."""
    pump = implanted(continuous())
    pump.fill_by_hand(20_000_000, concentration_ng_per_ml=500_000)
    lag_ms = 73_440_000
    pump.settle(lag_ms - 1)
    assert pump.truth().tip_concentration_ng_per_ml == 2_000_000
    pump.settle(lag_ms)
    assert pump.truth().tip_concentration_ng_per_ml == 500_000


def test_an_occluded_catheter_keeps_the_drug_where_it_is() -> None:
    """The path stands still while nothing enters it, and goes on where it was."""
    pump = implanted(continuous())
    pump.fill_by_hand(20_000_000, concentration_ng_per_ml=500_000)
    pump.inject(CatheterOcclusion(), for_ms=DAY)
    pump.settle(DAY + 73_440_000 - 1)
    assert pump.truth().tip_concentration_ng_per_ml == 2_000_000
    pump.settle(DAY + 73_440_000)
    assert pump.truth().tip_concentration_ng_per_ml == 500_000


def test_a_pocket_fill_is_believed_and_holds_nothing() -> None:
    """T17: 18 mL beside the pump; telemetry is normal, and there is no alarm."""
    pump = implanted(continuous())
    pump.settle(40 * DAY)
    pump.firmware.update_reservoir(
        ReservoirUpdate(programmer_id=1, order_number=1, volume_nl=18_000_000)
    )
    pump.settle(52 * DAY)
    assert listed(pump) == []
    assert pump.status().believed_volume_nl == 13_200_000
    assert (pump.truth().actual_volume_nl, pump.truth().actual_rate_nl_per_day) == (0, 0)


# --- Reading -------------------------------------------------------------------------------------


def test_to_look_at_the_truth_changes_nothing() -> None:
    """However often, in the middle of whatever; neither does looking at the patient."""
    looked, other = implanted(continuous()), implanted(continuous())
    for pump in (looked, other):
        pump.inject(MotorStall(), at_ms=HOUR, for_ms=2 * HOUR)
    for hour in range(12):
        looked.settle(hour * HOUR)
        looked.truth()
        looked.patient()
        looked.status()
    for pump in (looked, other):
        pump.settle(DAY)
        pump.truth()
    assert looked.state() == other.state()


def test_a_state_in_the_middle_of_everything_goes_on_equally() -> None:
    """A bolus, a stall, a staged prescription, a silenced alarm and a drift, all at once."""
    pump = Pump.implant(PROFILE, continuous(), volume_nl=2_000_000, flow_factor_ppm=987_654)
    pump.firmware.silence(pump.status().alarms[0].alarm, HOUR)
    pump.firmware.order_bolus(bolus(duration_ms=HOUR))
    pump.inject(MotorStall(registered_after=1), at_ms=10 * 60_000, for_ms=HOUR)
    pump.firmware.stage(continuous(900_000))
    pump.settle(15 * 60_000)
    other = forked(pump)
    for each in (pump, other):
        each.firmware.commit()
        each.settle(2 * HOUR)
        each.interrogated()
        refill(each)
        each.settle(10 * DAY)
    assert pump.state() == other.state()
    assert pump.firmware.log == other.firmware.log
    assert pump.patient() == other.patient()
