"""The training scenarios of the domain facts give the numbers that the page tells of them.

What the patient shows of each is in :mod:`tests.pump_sim.model.test_patient`.
"""

import re

import pytest

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.hardware.faults import make_fault
from pump_sim.model.orders import ReservoirUpdate
from pump_sim.model.prescription import Prescription, bridged, periodic, simple_continuous
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Refused
from pump_sim.scenario.reading.catalogue import scenario_names

from .pages import ROOT

PROFILE = load_profile("pump-20ml")
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
PATH_NL = 340_000


def continuous(daily_dose_mcg: int = 300, mcg_per_ml: int = 2_000) -> Prescription:
    return simple_continuous(
        drug_name="baclofen",
        concentration_ng_per_ml=mcg_per_ml * 1_000,
        daily_dose_ng=daily_dose_mcg * 1_000,
    )


def row(scenario: str) -> str:
    page = (ROOT / "docs" / "reference" / "domain.md").read_text("utf-8")
    found = re.search(rf"^\| {scenario} \| .*$", page, re.MULTILINE)
    assert found, scenario
    return found.group()


def active(pump: Pump) -> list[Alarm]:
    return [each.alarm for each in pump.status().alarms if each.active]


def test_there_are_seventeen_and_each_comes_along() -> None:
    """Every row of the table names the shipped scenario that plays it."""
    rows = [row(f"T{number}") for number in range(1, 18)]
    named = [name for each in rows for name in re.findall(r"`([a-z-]+)`", each.split("|")[2])]
    assert len(set(named)) == 17
    assert set(named) <= set(scenario_names())


def test_a_scan_that_goes_well() -> None:
    """T2: A05 after 20 min, flow after 45 min, recovery known when somebody reads the pump."""
    assert "A05 after 20 min; flow after 45 min; recovery known at the next" in row("T2")
    pump = Pump.implant(PROFILE, continuous())
    pump.inject(make_fault("mri_scan"))
    pump.settle(20 * MINUTE - 1)
    assert active(pump) == []
    pump.settle(20 * MINUTE)
    assert active(pump) == [Alarm.MOTOR_STALL]
    pump.settle(45 * MINUTE - 1)
    assert pump.truth().actual_rate_nl_per_day == 0
    pump.settle(45 * MINUTE)
    assert pump.truth().actual_rate_nl_per_day == 150_000
    assert active(pump) == [Alarm.MOTOR_STALL]
    pump.interrogated()
    assert active(pump) == []


def test_a_scan_with_slow_recovery() -> None:
    """T3: 75 mcg are missed in six hours."""
    assert "75 mcg missed" in row("T3")
    pump = Pump.implant(PROFILE, continuous())
    pump.inject(make_fault("mri_scan", recovery_ms=6 * HOUR - 45 * MINUTE))
    pump.settle(6 * HOUR)
    missed_nl = pump.status().delivered_nl - pump.truth().actual_delivered_nl
    assert missed_nl * 2_000_000 // 1_000_000 == 75_000
    assert pump.truth().actual_rate_nl_per_day == 150_000


def test_interference_while_an_alarm_sounds() -> None:
    """T4: no flow, and no alarm for it, until the pump is interrogated."""
    assert "no flow until interrogated, and no alarm for it" in row("T4")
    pump = Pump.implant(PROFILE, continuous(), volume_nl=2_000_000)
    pump.inject(make_fault("mri_scan", latches_telemetry=True))
    pump.settle(30 * DAY)
    assert active(pump) == [Alarm.LOW_RESERVOIR]
    assert pump.truth().actual_delivered_nl == 0
    pump.interrogated()
    assert pump.truth().actual_rate_nl_per_day == 150_000


def test_an_update_that_nobody_finishes() -> None:
    """T5: rolled back with an alarm; the old dose all along (REQ-23)."""
    assert "rolled back, A11; 300 mcg/day all along" in row("T5")
    pump = Pump.implant(PROFILE, continuous())
    pump.firmware.stage(continuous(330))
    pump.settle(2 * MINUTE)
    pump.firmware.staging_expired()
    assert active(pump) == [Alarm.UPDATE_INCOMPLETE]
    assert pump.firmware.prescription == continuous()
    assert pump.status().infusing_nl_per_day == 150_000


def test_minutes_for_hours() -> None:
    """T6: 7,200 mcg/day, which only the limit of the dose stops (REQ-03)."""
    assert "7,200 mcg/day at 3.6 mL/day" in row("T6")
    slip = periodic(continuous(), dose_ng=30_000, duration_ms=MINUTE, interval_ms=6 * MINUTE)
    assert (slip.daily_dose_ng, slip.rate_nl_per_day) == (7_200_000, 3_600_000)
    pump = Pump.implant(PROFILE, continuous())
    with pytest.raises(Refused) as caught:
        pump.firmware.stage(slip)
    assert {reason.field for reason in caught.value.reasons} == {Field.DAILY_DOSE}


def test_a_wrong_concentration() -> None:
    """T8: four times the dose once the path has been emptied, and nothing is seen."""
    assert "1,200 mcg/day from 13.6 h on; the pump sees nothing; empty in 33 days" in row("T8")
    pump = Pump.implant(PROFILE, continuous(300, 500))
    pump.fill_by_hand(20_000_000, concentration_ng_per_ml=2_000_000)
    arrives = 13 * HOUR + 36 * MINUTE
    pump.settle(arrives - 1)
    assert pump.patient().tip_dose_ng_per_day == pytest.approx(300_000)
    pump.settle(arrives)
    assert pump.patient().tip_dose_ng_per_day == pytest.approx(1_200_000)
    empty_at_ms = pump.status().empty_reservoir_at_ms
    assert empty_at_ms is not None
    assert empty_at_ms // DAY == 33
    assert active(pump) == []


@pytest.mark.parametrize(
    ("scenario", "before", "after", "hours", "off_mcg"),
    [("T9", 2_000, 500, 13.6, 510), ("T10", 500, 2_000, 54.4, -510)],
)
def test_a_change_of_concentration(
    scenario: str, before: int, after: int, hours: float, off_mcg: int
) -> None:
    """T9, T10: with a bridge the dose stays what it was (REQ-11)."""
    assert f"for {hours} h, {off_mcg:+} mcg" in row(scenario)
    new, old = continuous(300, after), continuous(300, before)
    wrong_mcg = new.rate_nl_per_day * before / 1_000_000
    lasts_ms = PATH_NL * DAY // new.rate_nl_per_day
    assert lasts_ms == round(hours * HOUR)
    assert (wrong_mcg - 300) * lasts_ms / DAY == pytest.approx(off_mcg)
    pump = Pump.implant(PROFILE, old)
    pump.firmware.stage(bridged(new, old, PATH_NL))
    pump.firmware.commit()
    pump.fill_by_hand(20_000_000)
    for day in range(8):
        pump.settle(day * DAY)
        assert pump.patient().tip_dose_ng_per_day == pytest.approx(300_000)


def test_a_priming_volume_that_is_wrong() -> None:
    """T11: what is over goes to the patient."""
    modes = (ROOT / "docs" / "reference" / "modes.md").read_text("utf-8")
    assert "0.199 mL entered where the tubing holds 0.140 mL leave 0.059 mL over, 118 mcg" in modes
    assert "118 mcg too much" in row("T11")
    over_nl = 199_000 - PROFILE.internal_tubing_volume_nl
    assert (over_nl * 2_000 / 1_000_000, over_nl * 500 / 1_000_000) == (118, 29.5)


def test_a_pump_that_delivers_a_quarter_too_much() -> None:
    """T12: silent, unless somebody compares at a refill."""
    assert "dry on day 40, believed 4 mL, no alarm" in row("T12")
    assert "on day 30 there are 5 mL where 8 are expected" in row("T12")
    pump = Pump.implant(PROFILE, continuous(800))
    pump.inject(make_fault("flow_error", factor_ppm=1_250_000))
    pump.settle(30 * DAY)
    assert pump.status().believed_volume_nl == 8_000_000
    assert pump.truth().actual_volume_nl == 5_000_000
    pump.settle(40 * DAY)
    assert (pump.truth().actual_volume_nl, pump.status().believed_volume_nl) == (0, 4_000_000)
    assert active(pump) == []


def test_a_low_battery_reset() -> None:
    """T14: 12 mcg/day until somebody programs the pump (REQ-22)."""
    assert "12 mcg/day, A10, until programmed" in row("T14")
    pump = Pump.implant(PROFILE, continuous(600))
    pump.inject(make_fault("brown_out"))
    assert active(pump) == [Alarm.SAFE_STATE]
    assert pump.firmware.prescription.daily_dose_ng == 12_000
    pump.firmware.stage(continuous(600))
    pump.firmware.commit()
    assert active(pump) == []


def test_a_fill_beside_the_pump() -> None:
    """T17: the pump believes what it is told."""
    assert "believed 18 mL, actual unchanged, no alarm" in row("T17")
    pump = Pump.implant(PROFILE, continuous(), volume_nl=3_000_000)
    update = ReservoirUpdate(programmer_id=1, order_number=1, volume_nl=18_000_000)
    pump.firmware.update_reservoir(update)
    assert pump.status().believed_volume_nl == 18_000_000
    assert pump.truth().actual_volume_nl == 3_000_000
    assert active(pump) == []
