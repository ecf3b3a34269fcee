"""Reset: the pump starts anew at the lowest rate, says why, and waits to be programmed (REQ-22)."""

from dataclasses import replace

import pytest

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.hardware.faults import BatteryFailure, BrownOut, MotorStall, WatchdogReset
from pump_sim.model.orders import BolusOutcome
from pump_sim.model.prescription import MassUnit, flex, minimum_rate, periodic, stopped
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, RefusalCode

from .pumps import (
    active,
    delivered_units,
    implanted,
    listed,
    moments,
    program,
    records,
    refill,
    refused,
)
from .strategies import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    PROFILE,
    STRONG_MIXTURE,
    bolus,
    continuous,
)
from .test_flex import DAY_NIGHT, WEEK, pattern

THERAPY = continuous(600_000)
SAFE = minimum_rate(PROFILE, drug_name="baclofen", concentration_ng_per_ml=2_000_000)
OFF = stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000)


def browned_out(at_ms: int = DAY) -> Pump:
    """600 mcg/day until the voltage dropped."""
    pump = implanted(THERAPY)
    pump.inject(BrownOut(), at_ms=at_ms)
    pump.settle(at_ms)
    return pump


# --- T14 -----------------------------------------------------------------------------------------


def test_a_brown_out_leaves_two_percent_of_the_dose_and_an_alarm() -> None:
    """T14, REQ-22: 600 mcg/day become 12, the old prescription is not resumed, the cause is on
    record.
    """
    pump = browned_out()
    status = pump.status()
    assert status.prescription == SAFE
    assert (status.prescription.rate_nl_per_day, status.prescription.daily_dose_ng) == (
        6_000,
        12_000,
    )
    assert (status.infusing_nl_per_day, status.prescription_version) == (6_000, 2)
    assert records(pump)[1:] == [
        ("RESET", 2, 0),
        ("MODE_CHANGED", 2, 1),
        ("ALARM_RAISED", 10, 2),
    ]
    assert moments(pump, "RESET") == [DAY]
    pump.settle(11 * DAY)
    assert delivered_units(pump) == (300_000 + 10 * 6_000) * DAY
    assert active(pump) == ["SAFE_STATE"]


def test_the_safe_state_sounds_from_the_moment_of_the_reset() -> None:
    """REQ-14: two tones of 3 s every 10 min."""
    pump = browned_out()
    tone = pump.firmware.tone_at(DAY)
    assert tone is not None
    assert (tone.alarm, tone.starts_at_ms, tone.ends_at_ms) == (
        Alarm.SAFE_STATE,
        DAY,
        DAY + 3_000,
    )
    following = pump.firmware.next_tone(DAY)
    assert following is not None
    assert following.starts_at_ms == DAY + 10 * MINUTE


@pytest.mark.parametrize(
    "prescription", [THERAPY, DAY_NIGHT, OFF, SAFE], ids=["continuous", "flex", "stopped", "lowest"]
)
def test_a_full_program_ends_it_and_leaves_the_latched_alarm(prescription: object) -> None:
    """REQ-17: a person has decided what is to flow; the alarm waits to be seen."""
    pump = browned_out()
    program(pump, prescription)  # type: ignore[arg-type]
    assert pump.firmware.prescription == prescription
    assert active(pump) == []
    assert listed(pump) == ["SAFE_STATE"]
    pump.firmware.acknowledge(Alarm.SAFE_STATE)
    assert listed(pump) == []


def test_acknowledging_does_not_end_it() -> None:
    """Nor does silence: therapy is what is missing."""
    pump = browned_out()
    pump.firmware.acknowledge(Alarm.SAFE_STATE)
    pump.firmware.silence(Alarm.SAFE_STATE, HOUR)
    pump.settle(2 * DAY)
    assert active(pump) == ["SAFE_STATE"]
    assert pump.firmware.prescription == SAFE


def test_no_bolus_is_given_before_the_pump_is_programmed() -> None:
    """What it would be added to is nobody's prescription."""
    pump = browned_out()
    assert refused(lambda: pump.firmware.order_bolus(bolus())) == [
        (RefusalCode.WRONG_MODE, Field.MODE)
    ]
    program(pump, SAFE)
    pump.firmware.order_bolus(bolus(2))


def test_a_second_reset_is_another_version_and_no_other_alarm() -> None:
    """It goes on as it was raised first; both resets are on record."""
    pump = browned_out()
    pump.inject(WatchdogReset(), at_ms=2 * DAY)
    pump.settle(3 * DAY)
    assert records(pump, "RESET") == [("RESET", 2, 0), ("RESET", 1, 0)]
    assert pump.firmware.prescription_version == 3
    assert moments(pump, "ALARM_RAISED") == [DAY]
    assert records(pump, "MODE_CHANGED") == [("MODE_CHANGED", 2, 1)]


@pytest.mark.parametrize(
    ("cause", "number"),
    [
        (ResetCause.WATCHDOG, 1),
        (ResetCause.BROWN_OUT, 2),
        (ResetCause.MEMORY, 3),
        (ResetCause.COMMANDED, 4),
    ],
)
def test_every_cause_has_its_number_in_the_log(cause: ResetCause, number: int) -> None:
    """REQ-22: interrogation shows the cause."""
    pump = implanted(THERAPY)
    pump.reset(cause)
    assert records(pump, "RESET") == [("RESET", number, 0)]
    assert pump.firmware.prescription == SAFE


# --- What a reset ends ---------------------------------------------------------------------------


def test_a_reset_ends_the_bolus_and_drops_what_is_staged() -> None:
    """REQ-07, REQ-23: in this order on record; the bolus is never taken up again."""
    pump = implanted(THERAPY)
    pump.firmware.order_bolus(bolus())
    pump.settle(MINUTE)
    pump.firmware.stage(continuous(700_000))
    length = len(records(pump))
    pump.reset(ResetCause.WATCHDOG)
    assert records(pump)[length:] == [
        ("RESET", 1, 0),
        ("BOLUS_ABORTED", 2_500, 1),
        ("ROLLED_BACK", 350_000, 700_000),
        ("MODE_CHANGED", 2, 1),
        ("ALARM_RAISED", 10, 2),
    ]
    report = pump.status().last_bolus
    assert report is not None
    assert (report.outcome, report.delivered_nl) == (BolusOutcome.ABORTED, 2_500)
    assert refused(pump.firmware.commit) == [(RefusalCode.NOTHING_STAGED, Field.NONE)]
    program(pump, THERAPY)
    pump.settle(HOUR)
    basal = 300_000 * HOUR
    assert delivered_units(pump) == basal + 2_500 * DAY
    assert pump.firmware.order_bolus(bolus()).started_at_ms == 0  # answered, not executed


def test_a_reset_ends_a_train_and_a_schedule() -> None:
    """Neither steps nor boluses go on under the safe state."""
    train = periodic(continuous(), dose_ng=30_000, duration_ms=HOUR, interval_ms=2 * HOUR)
    for prescription in (train, flex(continuous(), pattern(WEEK, (0, 200_000), (60, 600_000)))):
        pump = implanted(prescription)
        pump.settle(30 * MINUTE)
        before = delivered_units(pump)
        pump.reset(ResetCause.BROWN_OUT)
        pump.settle(DAY + 30 * MINUTE)
        assert delivered_units(pump) - before == 6_000 * DAY
        assert pump.status().next_periodic_at_ms is None


def test_an_expiry_after_a_reset_raises_no_alarm_of_an_incomplete_update() -> None:
    """What was staged is gone with the reset already, and that is on record."""
    pump = implanted(THERAPY)
    pump.firmware.stage(continuous(700_000))
    pump.reset(ResetCause.BROWN_OUT)
    pump.firmware.staging_expired()
    assert active(pump) == ["SAFE_STATE"]
    assert records(pump, "STAGING_EXPIRED") == []


# --- What outlives it ----------------------------------------------------------------------------


def test_drug_and_threshold_are_kept() -> None:
    """REQ-21: both copies of the prescription were whole, so they are known."""
    mixture = replace(continuous(low_reservoir_threshold_nl=3_000_000), drugs=STRONG_MIXTURE)
    pump = implanted(mixture)
    pump.reset(ResetCause.BROWN_OUT)
    assert pump.firmware.prescription.drugs == STRONG_MIXTURE
    assert pump.firmware.prescription.drugs[1].mass_unit is MassUnit.MILLIGRAM
    assert pump.firmware.prescription.low_reservoir_threshold_nl == 3_000_000
    assert pump.firmware.prescription.daily_dose_ng == 12_000


def test_volumes_orders_log_and_clock_are_kept() -> None:
    """REQ-07, REQ-27."""
    pump = Pump.implant(PROFILE, THERAPY, clock_local_ms=5 * DAY)
    refill(pump, 15_000_000, number=3)
    pump.settle(DAY)
    before = pump.status()
    pump.reset(ResetCause.BROWN_OUT)
    after = pump.status()
    assert after.believed_volume_nl == before.believed_volume_nl == 14_700_000
    assert after.delivered_nl == before.delivered_nl
    assert after.clock_local_ms == 6 * DAY
    assert after.last_refill_at_ms == 0
    assert pump.firmware.last_order_number(5) == 3
    assert pump.firmware.log.range.first == 1
    assert after.battery_remaining_ppm == before.battery_remaining_ppm


def test_alarms_outlive_a_reset_with_silence_and_acknowledgement() -> None:
    """REQ-17: those that are active, and those that wait to be seen."""
    pump = Pump.implant(PROFILE, THERAPY, volume_nl=2_000_000)
    pump.settle(7 * DAY)
    pump.firmware.acknowledge(Alarm.LOW_RESERVOIR)
    pump.firmware.silence(Alarm.EMPTY_RESERVOIR, HOUR)
    before = pump.status().alarms
    pump.reset(ResetCause.WATCHDOG)
    assert pump.status().alarms[:2] == before
    assert pump.status().infusing_nl_per_day == 0
    refill(pump)
    assert listed(pump) == ["EMPTY_RESERVOIR", "SAFE_STATE"]
    assert pump.status().infusing_nl_per_day == 6_000


def test_a_stop_of_48_hours_ends_with_a_reset() -> None:
    """The lowest rate flows, so the pump is no longer stopped."""
    pump = implanted(OFF)
    pump.settle(3 * DAY)
    assert active(pump) == ["STOPPED_TOO_LONG"]
    pump.reset(ResetCause.BROWN_OUT)
    assert active(pump) == ["SAFE_STATE"]
    assert pump.status().infusing_nl_per_day == 6_000


def test_a_known_stall_outlives_a_reset() -> None:
    """The motor stands as before, and the pump feels it."""
    pump = implanted(THERAPY)
    fault = pump.inject(MotorStall())
    pump.settle(HOUR)
    pump.reset(ResetCause.WATCHDOG)
    assert active(pump) == ["MOTOR_STALL", "SAFE_STATE"]
    pump.clear(fault)
    assert active(pump) == ["SAFE_STATE"]


@pytest.mark.parametrize("cause", ResetCause)
def test_a_pump_that_has_ended_its_service_stays_so(cause: ResetCause) -> None:
    """REQ-20: nothing clears the end of service, and nothing flows after it."""
    pump = implanted(THERAPY)
    pump.settle(85 * MONTH)
    prescription, delivered = pump.firmware.prescription, delivered_units(pump)
    pump.reset(cause)
    pump.settle(86 * MONTH)
    assert "EOS" in active(pump)
    assert "SAFE_STATE" not in active(pump)
    assert pump.status().infusing_nl_per_day == 0
    assert pump.firmware.prescription == prescription
    assert delivered_units(pump) == delivered
    assert records(pump, "RESET") == [("RESET", cause.value, 0)]


def test_a_battery_that_fails_in_the_safe_state_ends_the_service() -> None:
    """REQ-20: the worse of the two."""
    pump = browned_out()
    pump.inject(BatteryFailure())
    assert pump.status().infusing_nl_per_day == 0
    assert {"EOS", "SAFE_STATE"} <= set(active(pump))
    assert refused(lambda: pump.firmware.stage(THERAPY)) == [
        (RefusalCode.END_OF_SERVICE, Field.NONE)
    ]


# --- Incomplete updates --------------------------------------------------------------------------


def test_an_update_that_was_left_raises_an_alarm_and_changes_no_therapy() -> None:
    """T5, A11 in the safe mode: 300 mcg/day run on as if nothing had been staged."""
    pump = implanted(continuous(300_000))
    pump.firmware.stage(continuous(330_000))
    pump.settle(2 * MINUTE)
    pump.firmware.staging_expired()
    assert active(pump) == ["UPDATE_INCOMPLETE"]
    assert pump.firmware.pending is None
    assert pump.status().infusing_nl_per_day == 150_000
    assert records(pump)[1:] == [
        ("STAGED", 165_000, 330_000),
        ("STAGING_EXPIRED", 165_000, 330_000),
        ("ALARM_RAISED", 11, 2),
    ]
    tone = pump.firmware.tone_at(pump.at_ms)
    assert tone is not None
    assert tone.alarm is Alarm.UPDATE_INCOMPLETE


def test_the_next_commit_ends_an_incomplete_update() -> None:
    """Any will do; to stage again is not enough. It stays listed until somebody has seen it."""
    pump = implanted(continuous(300_000))
    pump.firmware.stage(continuous(330_000))
    pump.firmware.staging_expired()
    pump.firmware.stage(continuous(310_000))
    assert active(pump) == ["UPDATE_INCOMPLETE"]
    pump.firmware.commit()
    assert (active(pump), listed(pump)) == ([], ["UPDATE_INCOMPLETE"])
    pump.firmware.acknowledge(Alarm.UPDATE_INCOMPLETE)
    assert listed(pump) == []


def test_a_roll_back_ends_an_incomplete_update_once() -> None:
    """With nothing staged it says: the old one it is. After that there is nothing to roll back."""
    pump = implanted(continuous(300_000))
    pump.firmware.stage(continuous(330_000))
    pump.firmware.staging_expired()
    pump.firmware.roll_back()
    assert (active(pump), listed(pump)) == ([], ["UPDATE_INCOMPLETE"])
    assert refused(pump.firmware.roll_back) == [(RefusalCode.NOTHING_STAGED, Field.NONE)]
    assert pump.firmware.prescription == continuous(300_000)


def test_a_roll_back_in_time_leaves_no_alarm() -> None:
    """Nor does one prescription that takes another's place."""
    pump = implanted(continuous(300_000))
    pump.firmware.stage(continuous(330_000))
    pump.firmware.stage(continuous(340_000))
    pump.firmware.roll_back()
    assert listed(pump) == []
