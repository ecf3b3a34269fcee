"""Historic updates: staging stops the pump, as in real ones, and who leaves leaves it stopped.

For training only (P23b). The last tests are of the pumps as they are: there staging never pauses
therapy (REQ-23).
"""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.delivery import Hold
from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.hardware.faults import BatteryFailure, MotorStall, MriScan
from pump_sim.model.prescription import Mode, Prescription, bridged, dose_totals, stopped
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, RefusalCode, Refused
from pump_sim.soundness import check_state

from .pumps import active, delivered_units, implanted, listed, program, records, refill, refused
from .strategies import (
    DAY,
    HOUR,
    MINUTE,
    PROFILE,
    Action,
    actions,
    bolus,
    continuous,
    decided,
    pauses,
    perform,
    prescriptions,
    treatments,
)

OFF = stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000)
MORE = continuous(900_000)


def historic(prescription: Prescription | None = None, at_ms: int = DAY) -> Pump:
    """A pump that is stopped while it is updated, after a day of 400,000 nL/day."""
    pump = Pump.implant(PROFILE, prescription or continuous(), historic_updates=True)
    pump.settle(at_ms)
    return pump


# --- Halted --------------------------------------------------------------------------------------


def test_staging_stops_the_infusion_and_says_so() -> None:
    """Honest: the status shows that nothing flows, and the log since when and by what."""
    pump = historic()
    pump.firmware.stage(MORE, link_id=4)
    assert pump.status().infusing_nl_per_day == 0
    assert pump.status().prescription == continuous()
    assert (pump.firmware.prescription_version, pump.firmware.pending) == (1, MORE)
    assert records(pump)[1:] == [("STAGED", 450_000, 900_000), ("INFUSION_STOPPED", 11, 400_000)]
    assert pump.firmware.stopped_alarm_at_ms == 3 * DAY
    pump.settle(2 * DAY)
    assert delivered_units(pump) == 400_000 * DAY
    assert pump.truth().actual_rate_nl_per_day == 0


def test_a_commit_lets_the_new_prescription_flow() -> None:
    """Minutes without drug, and all is well."""
    pump = historic()
    pump.firmware.stage(MORE)
    pump.settle(DAY + 2 * MINUTE)
    assert pump.firmware.commit(link_id=3) == 2
    assert pump.status().infusing_nl_per_day == 450_000
    assert records(pump)[3:] == [("COMMITTED", 400_000, 450_000), ("INFUSION_RESUMED", 11, 450_000)]
    assert pump.firmware.stopped_alarm_at_ms is None
    pump.settle(5 * DAY)
    assert delivered_units(pump) == 400_000 * DAY + 450_000 * (4 * DAY - 2 * MINUTE)
    assert listed(pump) == []


def test_a_roll_back_lets_the_old_one_flow() -> None:
    """As it did before."""
    pump = historic()
    pump.firmware.stage(MORE)
    pump.settle(DAY + HOUR)
    pump.firmware.roll_back()
    assert records(pump)[3:] == [
        ("ROLLED_BACK", 450_000, 900_000),
        ("INFUSION_RESUMED", 11, 400_000),
    ]
    pump.settle(10 * DAY)
    assert delivered_units(pump) == 400_000 * (10 * DAY - HOUR)
    assert listed(pump) == []


def test_who_leaves_leaves_it_stopped_and_silent_until_48_hours_are_over() -> None:
    """P23b: no tone, nothing that the patient could notice but the drug that is missing."""
    pump = historic()
    pump.firmware.stage(MORE)
    pump.settle(DAY + 2 * MINUTE)
    pump.firmware.staging_expired()
    assert pump.firmware.pending is None
    assert records(pump, "STAGING_EXPIRED") == [("STAGING_EXPIRED", 450_000, 900_000)]
    pump.settle(3 * DAY - 1)
    assert listed(pump) == []
    assert pump.firmware.next_tone(pump.at_ms) is None
    assert pump.status().infusing_nl_per_day == 0
    pump.settle(3 * DAY)
    assert active(pump) == ["STOPPED_TOO_LONG"]
    tone = pump.firmware.tone_at(3 * DAY)
    assert tone is not None
    assert tone.alarm is Alarm.STOPPED_TOO_LONG
    pump.settle(9 * DAY)
    assert delivered_units(pump) == 400_000 * DAY


@pytest.mark.parametrize("left_ms", [HOUR, 5 * DAY])
def test_programming_it_afresh_resumes(left_ms: int) -> None:
    """Before the alarm and after it; the version goes on from where it was."""
    pump = historic()
    pump.firmware.stage(MORE)
    pump.firmware.staging_expired()
    pump.settle(DAY + left_ms)
    assert refused(pump.firmware.commit) == [(RefusalCode.NOTHING_STAGED, Field.NONE)]
    assert refused(pump.firmware.roll_back) == [(RefusalCode.NOTHING_STAGED, Field.NONE)]
    pump.firmware.stage(MORE)
    assert pump.firmware.prescription_version == 1
    assert pump.firmware.commit() == 2
    assert pump.status().infusing_nl_per_day == 450_000
    assert active(pump) == []
    assert pump.firmware.stopped_alarm_at_ms is None


def test_the_48_hours_count_from_the_halt_whatever_is_staged_meanwhile() -> None:
    """Staging again, and a prescription of no flow in the end: one long stop."""
    pump = historic()
    pump.firmware.stage(MORE)
    pump.settle(DAY + HOUR)
    pump.firmware.stage(continuous(700_000))
    pump.settle(2 * DAY)
    pump.firmware.stage(OFF)
    pump.firmware.commit()
    assert pump.firmware.stopped_alarm_at_ms == 3 * DAY
    pump.settle(3 * DAY)
    assert active(pump) == ["STOPPED_TOO_LONG"]
    assert len(records(pump, "INFUSION_STOPPED")) == 1


def test_a_pump_that_is_stopped_stays_so_after_an_update_that_came_to_nothing() -> None:
    """The countdown is that of the prescription that was in force all the time."""
    pump = historic(OFF)
    pump.firmware.stage(MORE)
    pump.firmware.roll_back()
    assert pump.firmware.stopped_alarm_at_ms == 2 * DAY
    assert pump.status().infusing_nl_per_day == 0


def test_what_is_refused_stops_nothing() -> None:
    """A prescription that the pump would not take is none that it stops for."""
    pump = historic()
    before = pump.state()
    with pytest.raises(Refused):
        pump.firmware.stage(replace(MORE, rate_nl_per_day=MORE.rate_nl_per_day + 1))
    assert pump.state() == before


# --- With everything else ------------------------------------------------------------------------


def test_a_bolus_ends_with_the_infusion_and_none_can_be_ordered() -> None:
    """All flow stops, as it is said."""
    pump = historic()
    pump.firmware.order_bolus(bolus())
    pump.settle(DAY + 5 * MINUTE)
    pump.firmware.stage(MORE)
    assert records(pump, "BOLUS_ABORTED") == [("BOLUS_ABORTED", 12_500, 1)]
    found = refused(lambda: pump.firmware.order_bolus(bolus(2)))
    assert found == [(RefusalCode.INFUSION_HELD, Field.NONE)]


def test_a_bridge_begins_with_the_commit() -> None:
    """The halt is that of the very update: it does not stand in its way."""
    pump = historic()
    pump.firmware.stage(bridged(continuous(300_000, 500_000), continuous(), 340_000))
    pump.settle(DAY + MINUTE)
    pump.firmware.commit()
    assert pump.status().infusing_nl_per_day == 150_000
    assert records(pump, "BRIDGE_STARTED", "INFUSION_RESUMED") == [
        ("BRIDGE_STARTED", 340_000, 150_000),
        ("INFUSION_RESUMED", 11, 150_000),
    ]


def test_an_empty_reservoir_goes_on_holding_after_the_commit() -> None:
    """One hold after the other ends; drug flows when none is left."""
    pump = historic(at_ms=50 * DAY)
    pump.firmware.stage(MORE)
    assert pump.state().firmware.delivery.holds == (Hold.EMPTY_RESERVOIR, Hold.UPDATE)
    refill(pump)
    assert pump.status().infusing_nl_per_day == 0
    pump.settle(51 * DAY)
    pump.firmware.commit()
    assert pump.status().infusing_nl_per_day == 450_000


def test_interference_and_an_update_end_apart() -> None:
    """An interrogation ends the one, a roll-back the other."""
    pump = historic()
    pump.inject(MotorStall(), for_ms=HOUR)
    pump.settle(DAY + 30 * MINUTE)
    pump.inject(MriScan(latches_telemetry=True))
    pump.settle(DAY + 3 * HOUR)
    pump.firmware.stage(MORE)
    pump.interrogated()
    assert pump.status().infusing_nl_per_day == 0
    pump.firmware.roll_back()
    assert pump.status().infusing_nl_per_day == 400_000


def test_a_reset_brings_the_safe_state_also_to_a_halted_pump() -> None:
    """REQ-22: the lowest rate flows, and an alarm calls; it is halted no more."""
    pump = historic()
    pump.firmware.stage(MORE)
    pump.firmware.staging_expired()
    pump.settle(2 * DAY)
    pump.reset(ResetCause.BROWN_OUT)
    assert pump.status().infusing_nl_per_day == PROFILE.minimum_rate_nl_per_day
    assert active(pump) == ["SAFE_STATE"]
    assert pump.firmware.stopped_alarm_at_ms is None


@pytest.mark.parametrize("left", [False, True])
def test_an_emergency_stop_takes_the_place_of_the_halt(left: bool) -> None:
    """It is told since when nothing flows; the minimum rate would start a flow, and is refused."""
    pump = historic()
    pump.firmware.stage(MORE)
    if left:
        pump.firmware.staging_expired()
    pump.settle(DAY + HOUR)
    with pytest.raises(Refused):
        pump.firmware.emergency_minimum_rate()
    assert pump.firmware.emergency_stop().stopped_alarm_at_ms == 3 * DAY
    assert pump.status().infusing_nl_per_day == 0
    assert pump.state().firmware.delivery.holds == ()
    assert pump.firmware.pending is None
    assert active(pump) == ["EMERGENCY_ACTION"]
    check_state(pump.state())


def test_a_battery_that_fails_ends_the_service_of_a_halted_pump() -> None:
    """REQ-20: and nothing resumes after it."""
    pump = historic()
    pump.firmware.stage(MORE)
    pump.inject(BatteryFailure())
    pump.firmware.roll_back()
    assert pump.status().infusing_nl_per_day == 0
    assert pump.state().firmware.delivery.holds == (Hold.EOS,)


# --- After anything ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    prescription: Prescription


@dataclass(frozen=True)
class Commit:
    pass


@dataclass(frozen=True)
class RollBack:
    pass


@dataclass(frozen=True)
class Leave:
    """Nobody commits in time."""


Step = Stage | Commit | RollBack | Leave
steps: st.SearchStrategy[Step | Action] = st.one_of(
    st.builds(Stage, prescriptions),
    st.builds(Stage, treatments),
    st.builds(Commit),
    st.builds(RollBack),
    st.builds(Leave),
    actions,
)
lives = st.lists(st.tuples(pauses, steps), max_size=20)
Life = list[tuple[int, Step | Action]]


def do(pump: Pump, step: Step | Action, number: int) -> None:
    firmware = pump.firmware
    try:
        match step:
            case Stage(prescription):
                firmware.stage(decided(prescription, firmware.prescription))
            case Commit():
                pending = firmware.pending
                dose_ng = None if pending is None else dose_totals(pending).with_patient_ng
                firmware.commit(confirmed_dose_ng=dose_ng)
            case RollBack():
                firmware.roll_back()
            case Leave():
                firmware.staging_expired()
            case _:
                perform(pump, step, number)
    except Refused:
        pass


@settings(max_examples=80, deadline=None)
@given(prescriptions, lives)
def test_nothing_flows_while_it_is_updated_and_it_is_never_silent_for_longer_than_48_hours(
    prescription: Prescription, life: Life
) -> None:
    """Whatever else is done to it: halted exactly from a staging until what ends it."""
    pump = historic(prescription, at_ms=0)
    for number, (pause_ms, step) in enumerate(life, 1):
        before, halted_before = (
            delivered_units(pump),
            Hold.UPDATE in pump.state().firmware.delivery.holds,
        )
        pump.settle(pump.at_ms + pause_ms)
        if halted_before:
            assert delivered_units(pump) == before
        do(pump, step, number)
        firmware = pump.state().firmware
        halted = Hold.UPDATE in firmware.delivery.holds
        assert not (firmware.programming.pending is not None and not halted)
        since_ms = firmware.programming.stopped_since_ms
        stopped_now = halted or firmware.programming.current.mode is Mode.STOPPED
        assert stopped_now is (since_ms is not None)
        if stopped_now:
            assert pump.status().infusing_nl_per_day == 0
        too_long = since_ms is not None and pump.at_ms >= since_ms + 2 * DAY
        assert ("STOPPED_TOO_LONG" in active(pump)) is too_long
        assert "UPDATE_INCOMPLETE" not in active(pump)


@settings(max_examples=60, deadline=None)
@given(prescriptions, lives, lives)
def test_a_historic_pump_made_from_its_state_goes_on_exactly(
    prescription: Prescription, before: Life, after: Life
) -> None:
    """In the middle of any update, left or not."""
    pump = historic(prescription, at_ms=0)
    for number, (pause_ms, step) in enumerate(before, 1):
        pump.settle(pump.at_ms + pause_ms)
        do(pump, step, number)
    check_state(pump.state())
    other = Pump.from_state(pump.state())
    for number, (pause_ms, step) in enumerate(after, len(before) + 1):
        for each in (pump, other):
            each.settle(each.at_ms + pause_ms)
            do(each, step, number)
        other = Pump.from_state(other.state())
        assert other.state() == pump.state()
    assert other.truth() == pump.truth()


# --- As pumps are here ---------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(treatments, prescriptions, st.integers(0, 3 * DAY), st.integers(0, HOUR))
def test_staging_never_pauses_therapy(
    prescription: Prescription, staged: Prescription, at_ms: int, waits_ms: int
) -> None:
    """REQ-23: staged, rolled back or left: every unit flows that would have flowed without it."""
    touched, untouched = implanted(prescription), implanted(prescription)
    for pump in (touched, untouched):
        pump.settle(at_ms)
    touched.firmware.stage(decided(staged, prescription))
    for end in (touched.firmware.roll_back, touched.firmware.staging_expired):
        for pump in (touched, untouched):
            pump.settle(pump.at_ms + waits_ms)
        assert touched.status().infusing_nl_per_day == untouched.status().infusing_nl_per_day
        assert touched.truth().actual_delivered_nl == untouched.truth().actual_delivered_nl
        assert delivered_units(touched) == delivered_units(untouched)
        end()
        touched.firmware.stage(decided(staged, prescription))
    for pump in (touched, untouched):
        pump.settle(pump.at_ms + 5 * DAY)
    assert delivered_units(touched) == delivered_units(untouched)
    assert touched.state().hardware.reservoir == untouched.state().hardware.reservoir
    assert records(touched, "INFUSION_STOPPED") == records(untouched, "INFUSION_STOPPED")


def test_a_commit_leaves_no_gap() -> None:
    """The old prescription flows up to the very millisecond of the new one."""
    pump = implanted(continuous())
    pump.settle(DAY)
    pump.firmware.stage(MORE)
    pump.settle(2 * DAY)
    program(pump, MORE)
    pump.settle(3 * DAY)
    assert delivered_units(pump) == (2 * 400_000 + 450_000) * DAY
