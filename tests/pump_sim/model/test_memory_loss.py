"""Memory that was lost while the pump was away: mended, or the safe state; no guess (REQ-21)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.delivery import Hold
from pump_sim.model.firmware.memory import COPIES, Checked, Memory, Region
from pump_sim.model.hardware.battery import BatteryMode
from pump_sim.model.hardware.faults import BatteryFailure, ClockDrift, DryRun, MotorStall
from pump_sim.model.prescription import Prescription
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import RefusalCode
from pump_sim.model.remains import remaining_state, unknown_prescription
from pump_sim.model.state import PumpState
from pump_sim.soundness import check_state

from .pumps import active, delivered_units, forked, implanted, program, records, refused
from .strategies import (
    DAY,
    HOUR,
    MONTH,
    PROFILE,
    Action,
    bolus,
    continuous,
    lives,
    perform,
    prescriptions,
    troubled_lives,
)

Life = list[tuple[int, Action]]
CLOCK = 1_700_000_000_000


def lived(prescription: Prescription, life: Life) -> Pump:
    pump = implanted(prescription)
    for number, (pause_ms, action) in enumerate(life, 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)
    return pump


def therapy() -> Pump:
    """A day of 400,000 nL/day, a bolus that runs, and something staged."""
    pump = implanted(continuous())
    pump.settle(DAY)
    pump.firmware.write_note("catheter tip at T10")
    pump.firmware.order_bolus(bolus())
    pump.firmware.stage(continuous(900_000))
    return pump


# --- One region ----------------------------------------------------------------------------------


@pytest.mark.parametrize("region", COPIES)
def test_a_lost_copy_is_mended_from_the_other_at_once(region: Region) -> None:
    """Therapy goes on as it was, the bolus, too; somebody is told."""
    pump = therapy()
    other = Pump.after_memory_loss(pump.state(), region)
    assert records(other)[-2:] == [
        ("MEMORY_ERROR_FOUND", region.value, 1),
        ("ALARM_RAISED", 9, 1),
    ]
    assert active(other) == ["MEMORY_ERROR"]
    assert other.firmware.prescription == continuous()
    memory = other.state().firmware.memory
    assert (memory.first, memory.second) == (Checked.of(continuous()), Checked.of(continuous()))
    for each in (pump, other):
        each.settle(2 * DAY)
    assert delivered_units(other) == delivered_units(pump)


def test_a_lost_note_is_lost() -> None:
    """Not shown as if it were empty."""
    other = Pump.after_memory_loss(therapy().state(), Region.NOTE)
    assert other.firmware.read_note() is None
    assert active(other) == ["MEMORY_ERROR"]
    assert other.firmware.prescription == continuous()


def test_a_lost_copy_is_none_that_could_be_taken_for_one() -> None:
    """Its check fails, whatever stands in it; the other regions are as they were."""
    memory = Memory.of(continuous(), "a note").lost(Region.FIRST_COPY, at_ms=7)
    assert memory.damaged == (Region.FIRST_COPY,)
    assert memory.hit_at_ms == 7
    assert memory.lost(*Region, at_ms=9).damaged == tuple(Region)
    assert memory.lost(*Region, at_ms=9).hit_at_ms == 7


# --- Both copies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [(), COPIES, (Region.SECOND_COPY, Region.FIRST_COPY)])
def test_without_both_copies_it_is_in_its_safe_state(lost: tuple[Region, ...]) -> None:
    """The lowest rate, no drug that is claimed to be known, two critical alarms; as with two
    damaged copies (test_memory.py).
    """
    pump = Pump.after_memory_loss(therapy().state(), *lost)
    assert records(pump)[4:] == [
        ("MEMORY_ERROR_FOUND", 1, 0),
        ("MEMORY_ERROR_FOUND", 2, 0),
        ("RESET", 3, 0),
        ("BOLUS_ABORTED", 0, 1),
        ("ROLLED_BACK", 450_000, 900_000),
        ("MODE_CHANGED", 2, 1),
        ("ALARM_RAISED", 8, 2),
        ("ALARM_RAISED", 10, 2),
    ]
    assert pump.firmware.prescription == unknown_prescription(PROFILE)
    assert pump.status().infusing_nl_per_day == 6_000
    assert pump.firmware.read_note() == "catheter tip at T10"
    assert refused(lambda: pump.firmware.order_bolus(bolus(2)))[0][0] is RefusalCode.MISMATCH


@settings(max_examples=60, deadline=None)
@given(prescriptions, lives | troubled_lives, prescriptions)
def test_after_any_life_nothing_of_the_old_prescription_is_left(
    prescription: Prescription, life: Life, nonsense: Prescription
) -> None:
    """What stands in the state where it was lost is not read; all the rest is kept and goes on."""
    pump = lived(prescription, life)
    before = pump.state()
    programming = replace(before.firmware.programming, current=nonsense)
    memory = Memory.of(nonsense, before.firmware.memory.note.value)
    other = Pump.after_memory_loss(
        replace(before, firmware=replace(before.firmware, programming=programming, memory=memory))
    )
    ended = before.firmware.service.eos_at_ms is not None
    assert other.firmware.prescription == unknown_prescription(PROFILE)
    assert {"SAFE_STATE", "CRITICAL_MEMORY_ERROR"} <= set(active(other))
    assert other.firmware.prescription_version == before.firmware.programming.version + 1
    assert other.status().infusing_nl_per_day in {0, PROFILE.minimum_rate_nl_per_day}
    assert not (ended and other.status().infusing_nl_per_day)
    after = other.state()
    assert after.hardware == before.hardware
    for name in ("ledger", "service", "orders", "patient_boluses", "access_log"):
        assert getattr(after.firmware, name) == getattr(before.firmware, name)
    check_state(after)
    twin = forked(other)
    for each in (other, twin):
        each.settle(each.at_ms + 30 * DAY)
    assert other.state() == twin.state()
    if not ended:
        delivered = delivered_units(other) - after.firmware.ledger.delivered_units
        assert delivered <= PROFILE.minimum_rate_nl_per_day * 30 * DAY


def test_programmed_in_full_it_is_as_before() -> None:
    """Whoever knows the drug says so."""
    pump = Pump.after_memory_loss(therapy().state())
    program(pump, continuous())
    assert active(pump) == []
    assert pump.status().infusing_nl_per_day == 400_000


def test_a_pump_beyond_its_service_knows_no_drug_either() -> None:
    """REQ-20, REQ-21: nothing flows, and the old prescription is not shown as if it were known."""
    pump = therapy()
    pump.inject(BatteryFailure())
    other = Pump.after_memory_loss(pump.state())
    assert other.firmware.prescription.drugs == ()
    assert other.status().infusing_nl_per_day == 0
    assert {"EOS", "CRITICAL_MEMORY_ERROR"} <= set(active(other))


def test_a_historic_pump_that_was_left_is_halted_no_more() -> None:
    """A reset is a reset."""
    pump = Pump.implant(PROFILE, continuous(), historic_updates=True)
    pump.firmware.stage(continuous(900_000))
    other = Pump.after_memory_loss(pump.state())
    assert other.status().infusing_nl_per_day == 6_000
    assert other.state().firmware.delivery.holds == ()
    assert other.firmware.historic_updates
    check_state(other.state())


# --- All, or nearly all --------------------------------------------------------------------------


def remaining(**kept: Any) -> PumpState:
    return remaining_state(
        PROFILE, serial_number="SIM-000007", volume_nl=12_000_000, clock_offset_ms=CLOCK, **kept
    )


def test_of_nothing_but_who_it_is_comes_a_pump_in_its_safe_state() -> None:
    """A profile, a serial number, a volume and the clock: the rest is lost."""
    pump = Pump.after_memory_loss(remaining())
    check_state(pump.state())
    assert records(pump) == [
        ("MEMORY_ERROR_FOUND", 1, 0),
        ("MEMORY_ERROR_FOUND", 2, 0),
        ("RESET", 3, 0),
        ("ALARM_RAISED", 8, 2),
        ("ALARM_RAISED", 10, 2),
    ]
    status = pump.status()
    assert (pump.serial_number, pump.at_ms, status.prescription_version) == ("SIM-000007", 0, 2)
    assert status.prescription == unknown_prescription(PROFILE)
    assert (status.infusing_nl_per_day, status.believed_volume_nl) == (6_000, 12_000_000)
    assert status.clock_local_ms == CLOCK
    pump.settle(DAY)
    assert pump.truth().actual_delivered_nl == 6_000


@given(st.integers(0, 300) | st.integers(0, 200 * 366 * DAY), st.integers(0, 20_000_000))
@settings(max_examples=60, deadline=None)
def test_at_any_age_it_is_sound_and_goes_on_exactly(at_ms: int, volume_nl: int) -> None:
    """With its age it may come at once to the end of its service, or its reservoir be empty."""
    state = remaining_state(
        PROFILE, serial_number="1", volume_nl=volume_nl, clock_offset_ms=CLOCK, at_ms=at_ms
    )
    pump = Pump.after_memory_loss(state)
    check_state(pump.state())
    assert pump.at_ms == at_ms
    assert pump.status().infusing_nl_per_day in {0, 6_000}
    twin = forked(pump)
    for each in (pump, twin):
        each.settle(at_ms + 10 * DAY)
    assert pump.state() == twin.state()


PARTS = ("ledger", "service", "alarms", "orders", "patient_boluses", "log", "access_log")


@settings(max_examples=100, deadline=None)
@given(prescriptions, lives | troubled_lives, st.sets(st.sampled_from([*PARTS, "hardware"])))
def test_what_is_left_is_kept_and_makes_a_sound_pump(
    prescription: Prescription, life: Life, left: set[str]
) -> None:
    """Any of the parts, of any pump: nothing is executed twice, no lockout forgotten."""
    old = lived(prescription, life).state()
    firmware = old.firmware
    kept = {name: getattr(firmware, name) for name in PARTS if name in left}
    if "hardware" in left:
        kept["hardware"] = old.hardware
    state = remaining(at_ms=old.at_ms, version=firmware.programming.version, **kept)
    pump = Pump.after_memory_loss(state)
    check_state(pump.state())
    after = pump.state()
    for name in {"orders", "patient_boluses", "ledger", "access_log"} & left:
        assert getattr(after.firmware, name) == getattr(firmware, name)
    if "log" in left:
        assert after.firmware.log.entries[: len(firmware.log.entries)] == firmware.log.entries
    if "hardware" in left:
        assert after.hardware == old.hardware
    assert pump.firmware.prescription == unknown_prescription(PROFILE)
    assert pump.firmware.prescription_version == firmware.programming.version + 1
    if "service" in left and firmware.service.eos_at_ms is not None:
        assert pump.state().firmware.delivery.holds == (Hold.EOS,)
        assert "EOS" in active(pump)
    pump.settle(pump.at_ms + 60 * DAY)
    assert delivered_units(pump) - after.firmware.ledger.delivered_units <= 6_000 * 60 * DAY


def test_what_has_ended_its_service_stays_so() -> None:
    """REQ-20: nothing flows, and both alarms are there, though those that were listed are lost."""
    pump = implanted(continuous())
    pump.settle(83 * MONTH)
    pump.inject(BatteryFailure())
    old = pump.state()
    other = Pump.after_memory_loss(remaining(at_ms=old.at_ms, service=old.firmware.service))
    check_state(other.state())
    assert {"ERI", "EOS"} <= set(active(other))
    other.settle(84 * MONTH)
    assert delivered_units(other) == 0
    assert records(other, "ALARM_RAISED")[-1][1] == Alarm.SAFE_STATE.value


def test_its_battery_is_as_old_as_it_is() -> None:
    """At once, and before anything flows."""
    pump = Pump.after_memory_loss(remaining(at_ms=48 * MONTH))
    assert pump.status().battery_remaining_ppm == 500_000


@pytest.mark.parametrize("mode", BatteryMode)
def test_a_pump_that_outlives_any_experiment_still_does(mode: BatteryMode) -> None:
    """It is the battery that is left which tells."""
    old = Pump.implant(PROFILE, continuous(), battery_mode=mode).state()
    pump = Pump.after_memory_loss(remaining(hardware=old.hardware))
    pump.settle(200 * MONTH)
    assert ("EOS" in active(pump)) is (mode is BatteryMode.DRAIN_AND_FAIL)


def test_a_pump_that_runs_dry_still_does() -> None:
    """The fault is at work in the hardware that is left."""
    pump = implanted(continuous())
    pump.inject(DryRun())
    pump.settle(60 * DAY)
    old = pump.state()
    kept = {"hardware": old.hardware, "ledger": old.firmware.ledger}
    other = Pump.after_memory_loss(remaining(at_ms=old.at_ms, **kept))
    assert "EMPTY_RESERVOIR" in active(other)
    assert other.status().infusing_nl_per_day == 6_000


def test_it_feels_the_hardware_that_is_left() -> None:
    """A motor that stands is noticed anew, and the clock drifts on as it did."""
    pump = implanted(continuous())
    pump.inject(ClockDrift(drift_ppm=50_000))
    pump.settle(DAY)
    pump.inject(MotorStall(), for_ms=2 * DAY)
    pump.settle(DAY + HOUR)
    old = pump.state()
    other = Pump.after_memory_loss(remaining(at_ms=old.at_ms, hardware=old.hardware))
    check_state(other.state())
    assert other.firmware.at_ms == old.firmware.at_ms
    other.settle(DAY + 2 * HOUR)
    assert Alarm.MOTOR_STALL.name in active(other)
    other.settle(4 * DAY)
    assert Alarm.MOTOR_STALL.name not in active(other)
