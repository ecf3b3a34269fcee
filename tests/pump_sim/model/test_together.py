"""What only shows where two parts of the pump meet."""

from dataclasses import replace

import pytest

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.firmware.service import ServiceState
from pump_sim.model.hardware.faults import (
    BatteryFailure,
    BatteryFilm,
    BitFlip,
    IntermittentStall,
    MriScan,
    ReplacementDate,
)
from pump_sim.model.hardware.patient import PatientFlag
from pump_sim.model.prescription import (
    DayPattern,
    Step,
    flex,
    periodic,
    stopped,
    with_patient_bolus,
)
from pump_sim.model.pump import Pump

from .pumps import active, implanted, moments, program, records
from .strategies import DAY, HOUR, PROFILE, bolus, continuous

EVERY_6_H = periodic(continuous(), dose_ng=30_000, duration_ms=HOUR, interval_ms=6 * HOUR)


def test_reading_the_truth_changes_nothing() -> None:
    """Two programmings of one moment judge the patient alike, whoever looks in between."""
    looked_at, left_alone = (implanted(continuous(800_000)) for _ in range(2))
    for pump in (looked_at, left_alone):
        pump.settle(HOUR)
        for dose_ng in (1_150_000, 1_700_000):
            program(pump, continuous(dose_ng))
            if pump is looked_at:
                pump.truth()
                pump.patient()
        pump.settle(3 * DAY)
    assert looked_at.patient() == left_alone.patient()
    assert looked_at.patient().flags == (PatientFlag.OVERDOSE_WATCH,)


def test_what_is_put_off_counts_towards_the_low_reservoir_date() -> None:
    """REQ-19: an interrupted periodic bolus is still to come, and is foreseen as it will come."""
    pump = implanted(EVERY_6_H)
    pump.settle(30 * 60_000)
    pump.firmware.order_bolus(bolus(1, dose_ng=100_000, duration_ms=3 * HOUR))
    foreseen_ms = pump.status().low_reservoir_at_ms
    pump.settle(3 * DAY)
    assert pump.status().low_reservoir_at_ms == foreseen_ms
    assert foreseen_ms is not None
    pump.settle(foreseen_ms)
    assert moments(pump, "ALARM_RAISED") == [foreseen_ms]


def test_the_next_periodic_bolus_is_what_is_put_off() -> None:
    """Half of one waits for 10 min: that is what begins next, not the one in five hours."""
    pump = implanted(EVERY_6_H)
    pump.settle(30 * 60_000)
    pump.firmware.order_bolus(bolus(1, dose_ng=10_000, duration_ms=600_000))
    assert pump.status().next_periodic_at_ms == 40 * 60_000
    pump.settle(40 * 60_000)
    assert pump.status().next_periodic_at_ms == 6 * HOUR


def test_no_periodic_bolus_is_promised_beyond_the_end_of_service() -> None:
    pump = implanted(EVERY_6_H)
    end_ms = pump.status().eos_at_ms
    assert end_ms is not None
    for days in range(0, end_ms // DAY, 100):
        pump.settle(days * DAY)
        pump.fill_by_hand(20_000_000)
    program(pump, EVERY_6_H)
    end_ms = pump.status().eos_at_ms
    assert end_ms is not None
    pump.settle(end_ms - 1)
    assert pump.status().next_periodic_at_ms is None


def test_a_film_in_the_battery_is_seen_at_the_next_look() -> None:
    """What the standing part of a status follows from changes with the gauge's own fault."""
    pump = implanted(continuous())
    pump.settle(DAY)
    before, eri_at_ms = pump.firmware.standing(), pump.status().eri_at_ms
    assert pump.firmware.standing() == before
    pump.inject(BatteryFilm(gauge_loss_ppm=400_000))
    assert pump.status().eri_at_ms != eri_at_ms
    assert pump.firmware.standing() != before


@pytest.mark.parametrize("lost", [False, True])
def test_a_reset_ends_what_waits_for_a_programmer(lost: bool) -> None:
    """REQ-22: whatever its cause, it leads to the minimum rate, and drug flows."""
    pump = implanted(continuous(low_reservoir_threshold_nl=10_000_000))
    pump.settle(30 * DAY)
    assert active(pump) == ["LOW_RESERVOIR"]
    pump.inject(MriScan(field_ms=60_000, latches_telemetry=True))
    assert pump.status().infusing_nl_per_day == 0
    if lost:
        pump.inject(BitFlip(region=1))
        pump.inject(BitFlip(region=2))
        pump.settle(pump.at_ms + HOUR)
    else:
        pump.reset(ResetCause.WATCHDOG)
    assert "SAFE_STATE" in active(pump)
    assert pump.status().infusing_nl_per_day == PROFILE.minimum_rate_nl_per_day


def test_the_patient_is_judged_by_the_schedule_as_the_clock_has_it() -> None:
    """A clock set to the other side of the day moves the steps, and what is expected of them."""
    week = DayPattern(frozenset(range(7)), (Step(0, 60_000), Step(720, 540_000)))
    pump = implanted(flex(continuous(600_000), week))
    pump.firmware.set_clock(12 * HOUR)
    pump.settle(30 * DAY)
    assert pump.patient().flags == ()


def test_a_bit_that_flips_is_found_in_spite_of_what_else_happens_each_hour() -> None:
    """REQ-21: boluses that end on the hour do not put the check off."""
    hourly = with_patient_bolus(
        continuous(), dose_ng=5_000, duration_ms=HOUR, lockout_ms=HOUR, allotted_per_day=24
    )
    pump = implanted(hourly)
    pump.inject(BitFlip(region=1), at_ms=60_000)
    for hour in range(4):
        pump.settle(hour * HOUR)
        pump.press_button()
    assert moments(pump, "MEMORY_ERROR_FOUND") == [HOUR]


def test_a_service_ends_once() -> None:
    """REQ-20: what comes after does not move its end."""
    pump = implanted(continuous())
    for day in (1, 2):
        pump.settle(day * DAY)
        pump.inject(BatteryFailure())
    assert pump.status().eos_at_ms == DAY
    assert pump.status().service is ServiceState.EOS
    assert pump.status().replacement_planned_at_ms is None
    assert [a for _, a, _ in records(pump, "ALARM_RAISED")] == [Alarm.EOS.value]


def test_a_premature_indicator_leaves_no_time_to_plan() -> None:
    """The date six months before the end would lie before the implant: it is the implant's."""
    pump = implanted(continuous())
    pump.inject(BatteryFilm(gauge_loss_ppm=999_999))
    assert pump.status().replacement_planned_at_ms == 0
    assert active(pump) == ["ERI", "REPLACEMENT_PLANNED"]


def test_a_lost_prescription_is_found_once_at_the_end_of_service_too() -> None:
    pump = implanted(continuous())
    pump.inject(BatteryFailure())
    pump.inject(BitFlip(region=1))
    pump.inject(BitFlip(region=2))
    for _ in range(3):
        pump.firmware.self_test()
    assert len(records(pump, "MEMORY_ERROR_FOUND")) == 2
    assert len(records(pump, "RESET")) == 1


def test_clearing_one_stall_leaves_the_others_to_come() -> None:
    """An intermittent fault goes on after somebody has mended what it did once."""
    pump = implanted(continuous())
    source = pump.inject(IntermittentStall(mean_gap_ms=HOUR, mean_stall_ms=HOUR))
    stalls = 0
    for _ in range(5):
        while not pump.truth().stalled:
            due_ms = pump.next_due_ms()
            assert due_ms is not None
            pump.settle(due_ms)
        stalls += 1
        [part] = [each for each in pump.faults if each.part_of == source]
        pump.clear(part.fault_id)
        assert not pump.truth().stalled
    assert stalls == 5
    pump.clear(source)
    assert pump.faults == ()


def test_a_wrong_date_of_replacement_is_shown_as_it_was_stored() -> None:
    """P29, also one that lies in the past, and also after another had come."""
    pump = implanted(continuous())
    pump.settle(2 * DAY)
    for planned_at_ms in (DAY, 5 * DAY):
        pump.inject(ReplacementDate(planned_at_ms=planned_at_ms))
        assert pump.status().replacement_planned_at_ms == planned_at_ms
    assert active(pump) == ["REPLACEMENT_PLANNED"]


def test_the_patient_of_a_pump_that_was_stopped_can_be_looked_at_in_its_first_hours() -> None:
    """The twelve hours of the withdrawal rule reach back to before the implant."""
    pump = implanted(stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000))
    pump.settle(HOUR)
    program(pump, replace(EVERY_6_H, low_reservoir_threshold_nl=1_000_000))
    for minutes in (1, 20, 700):
        pump.settle(HOUR + minutes * 60_000)
        assert pump.patient().effect_ppm is not None


def test_a_damaged_note_is_not_read_out() -> None:
    """Whoever reads it before the pump has looked makes it look."""
    pump: Pump = implanted(continuous())
    pump.firmware.write_note("hello")
    pump.inject(BitFlip(region=3))
    assert pump.firmware.read_note() is None
    assert active(pump) == ["MEMORY_ERROR"]
    pump.firmware.write_note("hello again")
    assert pump.firmware.read_note() == "hello again"
    assert active(pump) == []
