"""Faults: what each does to a pump, when the pump notices, and how faults are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.model.firmware.alarms import RULES, Alarm, AlarmClass
from pump_sim.model.firmware.selftest import Check
from pump_sim.model.hardware.battery import BatteryMode
from pump_sim.model.hardware.clock import Oscillator
from pump_sim.model.hardware.faults import (
    FAULTS,
    BatteryFailure,
    BatteryFilm,
    BrownOut,
    CatheterOcclusion,
    ClockDrift,
    FaultError,
    FlowError,
    IntermittentStall,
    MotorStall,
    MriScan,
    ReplacementDate,
    make_fault,
)
from pump_sim.model.prescription import periodic, stopped
from pump_sim.model.pump import Pump

from .pumps import active, delivered_units, forked, implanted, listed, moments, program, records
from .pumps import refill as fill
from .strategies import DAY, HOUR, MINUTE, MONTH, PROFILE, bolus, continuous
from .test_flex import DAY_NIGHT

LOW_DOSE = continuous(300_000)
"""300 mcg/day, 0.15 mL/day: that of the scans T2 to T4."""
OFF = stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000)


def lacking_nl(pump: Pump) -> int:
    """How much less has left the reservoir than was commanded."""
    truth = pump.truth()
    return truth.commanded_nl - truth.actual_delivered_nl


# --- Stalls --------------------------------------------------------------------------------------


def test_a_stall_is_noticed_after_20_minutes() -> None:
    """A05, REQ-14: to the millisecond; nothing has flowed since it began."""
    pump = implanted(LOW_DOSE)
    pump.settle(DAY)
    pump.inject(MotorStall())
    pump.settle(DAY + 20 * MINUTE - 1)
    assert listed(pump) == []
    assert pump.status().infusing_nl_per_day == 150_000
    pump.settle(DAY + 20 * MINUTE)
    assert active(pump) == ["MOTOR_STALL"]
    assert pump.status().infusing_nl_per_day == 0
    assert pump.truth().actual_rate_nl_per_day == 0
    assert pump.truth().actual_delivered_nl == 150_000


def test_a_shorter_stall_is_never_noticed() -> None:
    """REQ-18: neither alarm nor record, however it would have been registered."""
    for registered_after in (0, 1, 2):
        pump = implanted(LOW_DOSE)
        pump.inject(MotorStall(registered_after=registered_after), for_ms=20 * MINUTE - 1)
        pump.settle(DAY)
        assert records(pump) == [("IMPLANTED", 20_000_000, 150_000)]
        assert pump.status().infusing_nl_per_day == 150_000
        assert lacking_nl(pump) == 150_000 * (20 * MINUTE - 1) // DAY + 1


def test_the_pump_goes_on_counting_what_it_commands() -> None:
    """It believes its ledger: a stall shows at the next refill, as volume that is left."""
    pump = implanted(LOW_DOSE)
    pump.inject(MotorStall(), for_ms=DAY)
    pump.settle(2 * DAY)
    assert pump.status().believed_volume_nl == 19_700_000
    assert pump.truth().actual_volume_nl == 19_850_000


def test_a_stall_of_a_stopped_pump_is_noticed_when_it_is_to_flow() -> None:
    """REQ-18: no step is commanded, so none is missed; 20 min after the first that is."""
    pump = implanted(OFF)
    pump.inject(MotorStall())
    pump.settle(HOUR)
    assert listed(pump) == []
    program(pump, LOW_DOSE)
    pump.settle(HOUR + 20 * MINUTE - 1)
    assert listed(pump) == []
    pump.settle(HOUR + 20 * MINUTE)
    assert listed(pump) == ["MOTOR_STALL"]


def test_a_stall_between_two_boluses_of_a_train_is_not_noticed() -> None:
    """Without a basal rate nothing is commanded in between."""
    train = periodic(continuous(), dose_ng=30_000, duration_ms=10 * MINUTE, interval_ms=6 * HOUR)
    pump = implanted(train)
    pump.settle(HOUR)
    pump.inject(MotorStall(), for_ms=4 * HOUR)
    pump.settle(6 * HOUR - 1)
    assert listed(pump) == []
    pump.inject(MotorStall())
    pump.settle(6 * HOUR + 20 * MINUTE - 1)
    assert listed(pump) == []
    pump.settle(6 * HOUR + 20 * MINUTE)
    assert listed(pump) == ["MOTOR_STALL"]


def test_a_stall_of_an_empty_pump_is_noticed_after_the_refill() -> None:
    """While the infusion is held there are no steps to be missed."""
    pump = Pump.implant(PROFILE, LOW_DOSE, volume_nl=0)
    pump.inject(MotorStall())
    pump.settle(DAY)
    assert "MOTOR_STALL" not in listed(pump)
    fill(pump)
    pump.settle(DAY + 20 * MINUTE)
    assert moments(pump, "ALARM_RAISED")[-1] == DAY + 20 * MINUTE
    assert "MOTOR_STALL" in active(pump)


@pytest.mark.parametrize("interrogations", [0, 1, 2])
def test_recovery_is_registered_after_so_many_interrogations(interrogations: int) -> None:
    """A06, P10: the motor turns and drug flows; the alarm goes on until the pump has noticed."""
    pump = implanted(LOW_DOSE)
    pump.settle(DAY)
    pump.inject(MotorStall(registered_after=interrogations), for_ms=HOUR)
    pump.settle(DAY + HOUR)
    for _ in range(interrogations):
        assert active(pump) == ["MOTOR_STALL"]
        assert pump.status().infusing_nl_per_day == 0
        assert pump.truth().actual_rate_nl_per_day == 150_000
        pump.settle(pump.at_ms + HOUR)
        pump.interrogated()
    registered_ms = DAY + HOUR + interrogations * HOUR
    assert records(pump)[1:] == [
        ("ALARM_RAISED", 5, 2),
        ("MOTOR_RECOVERED", DAY, registered_ms),
        ("ALARM_CLEARED", 5, DAY + 20 * MINUTE),
    ]
    assert moments(pump, "MOTOR_RECOVERED") == [registered_ms]
    assert listed(pump) == []
    assert pump.status().infusing_nl_per_day == 150_000


def test_the_alarm_of_a_stall_does_not_latch() -> None:
    """The log keeps it; the tone ends with the stall."""
    assert not RULES[Alarm.MOTOR_STALL].latches
    pump = implanted(LOW_DOSE)
    stall = pump.inject(MotorStall())
    pump.settle(HOUR)
    assert pump.firmware.tone_at(50 * MINUTE + 10 * MINUTE) is not None
    pump.clear(stall)
    assert listed(pump) == []
    assert pump.firmware.next_tone(HOUR) is None


def test_interrogating_a_motor_that_still_stands_registers_nothing() -> None:
    """There is no recovery to register yet, and it does not count towards one."""
    pump = implanted(LOW_DOSE)
    stall = pump.inject(MotorStall(registered_after=1))
    pump.settle(HOUR)
    for _ in range(3):
        pump.interrogated()
    assert active(pump) == ["MOTOR_STALL"]
    pump.clear(stall)
    assert active(pump) == ["MOTOR_STALL"]
    pump.interrogated()
    assert active(pump) == []


def test_two_stalls_at_once_end_with_the_later_one() -> None:
    """The motor turns when nothing holds it any more."""
    pump = implanted(LOW_DOSE)
    pump.inject(MotorStall(), for_ms=HOUR)
    pump.inject(MotorStall(), for_ms=2 * HOUR)
    pump.settle(HOUR)
    assert pump.truth().stalled
    pump.settle(2 * HOUR)
    assert not pump.truth().stalled
    assert moments(pump, "MOTOR_RECOVERED") == [2 * HOUR]


def test_the_self_test_knows_of_a_stall() -> None:
    """Once it has been noticed, and not before."""
    pump = implanted(LOW_DOSE)
    pump.inject(MotorStall())
    passed = {each.check: each.passed for each in pump.firmware.self_test()}
    assert passed[Check.MOTOR]
    pump.settle(HOUR)
    passed = {each.check: each.passed for each in pump.firmware.self_test()}
    assert not passed[Check.MOTOR]


# --- Scanners ------------------------------------------------------------------------------------


def test_a_normal_scan() -> None:
    """T2: 45 min in the field, the motor turns 15 min later; the next interrogation logs it."""
    pump = implanted(LOW_DOSE)
    pump.settle(DAY)
    pump.inject(MriScan(field_ms=45 * MINUTE, recovery_ms=15 * MINUTE))
    pump.settle(DAY + 20 * MINUTE)
    assert active(pump) == ["MOTOR_STALL"]
    pump.settle(DAY + HOUR - 1)
    assert pump.truth().actual_rate_nl_per_day == 0
    pump.settle(DAY + HOUR)
    assert pump.truth().actual_rate_nl_per_day == 150_000
    assert active(pump) == ["MOTOR_STALL"]
    missed_ng = lacking_nl(pump) * 2
    assert missed_ng == 12_500  # 12.5 mcg of 300 mcg/day
    pump.settle(DAY + 3 * HOUR)
    pump.interrogated()
    assert records(pump, "MOTOR_RECOVERED") == [("MOTOR_RECOVERED", DAY, DAY + 3 * HOUR)]


def test_a_slow_recovery() -> None:
    """T3: six hours; the two-tone every ten minutes, 75 mcg missed, the effect at about 64 %."""
    pump = implanted(LOW_DOSE)
    pump.settle(DAY)
    pump.inject(MriScan(field_ms=45 * MINUTE, recovery_ms=5 * HOUR + 15 * MINUTE))
    pump.settle(DAY + 20 * MINUTE)
    heard, at_ms = [], DAY + 20 * MINUTE - 1
    while (tone := pump.firmware.next_tone(at_ms)) and tone.starts_at_ms <= DAY + 6 * HOUR:
        heard.append(tone.starts_at_ms - DAY)
        at_ms = tone.starts_at_ms
    assert heard == [minute * MINUTE for minute in range(20, 361, 10)]
    pump.settle(DAY + 6 * HOUR)
    assert lacking_nl(pump) == 37_500
    effect = pump.patient().effect_ppm
    assert effect is not None
    assert 620_000 < effect < 660_000
    pump.interrogated()
    assert [name for name, _, _ in records(pump)[1:]] == [
        "ALARM_RAISED",
        "MOTOR_RECOVERED",
        "ALARM_CLEARED",
    ]


def test_a_scan_of_a_sounding_pump_holds_the_infusion_until_it_is_interrogated() -> None:
    """T4, A12, P28: no alarm tells of it, and nothing flows, for days."""
    pump = Pump.implant(PROFILE, LOW_DOSE, volume_nl=2_000_000)
    pump.settle(HOUR)
    pump.inject(MriScan(latches_telemetry=True))
    assert pump.status().infusing_nl_per_day == 0
    pump.settle(2 * DAY)
    assert active(pump) == ["LOW_RESERVOIR"]
    assert delivered_units(pump) == 150_000 * HOUR
    pump.interrogated()
    assert pump.status().infusing_nl_per_day == 150_000
    assert records(pump, "INFUSION_STOPPED", "INFUSION_RESUMED") == [
        ("INFUSION_STOPPED", 12, 150_000),
        ("INFUSION_RESUMED", 12, 150_000),
    ]
    pump.settle(3 * DAY)
    assert delivered_units(pump) == 150_000 * (HOUR + DAY)
    assert records(pump, "MOTOR_RECOVERED") == []  # no step was commanded while the motor stood


def test_a_scan_of_a_silent_pump_latches_nothing() -> None:
    """P28: it happened to sounding pumps; a date that is listed without a tone is no sound."""
    pump = implanted(LOW_DOSE)
    pump.inject(ReplacementDate(planned_at_ms=0))
    assert listed(pump) == ["REPLACEMENT_PLANNED"]
    pump.inject(MriScan(field_ms=MINUTE, latches_telemetry=True))
    pump.settle(HOUR)
    assert pump.status().infusing_nl_per_day == 150_000
    assert records(pump, "INFUSION_STOPPED") == []


def test_a_scan_has_its_own_duration() -> None:
    """Field and recovery; it takes no other, and ends by itself."""
    pump = implanted(LOW_DOSE)
    with pytest.raises(FaultError, match="mri_scan takes no for_ms: it has its own duration"):
        pump.inject(MriScan(), for_ms=HOUR)
    pump.inject(MriScan(field_ms=10 * MINUTE, recovery_ms=5 * MINUTE))
    assert [each.ends_at_ms for each in pump.faults] == [15 * MINUTE]
    pump.settle(15 * MINUTE)
    assert pump.faults == ()


# --- Stalls that come and go ---------------------------------------------------------------------


def stalls(seed: int) -> list[tuple[int, int]]:
    """When a motor stands and turns in two weeks."""
    pump = implanted(continuous())
    pump.inject(IntermittentStall(mean_gap_ms=DAY, mean_stall_ms=2 * HOUR, seed=seed))
    found, was = [], False
    while pump.at_ms < 14 * DAY:
        due_ms = pump.next_due_ms()
        assert due_ms is not None
        pump.settle(due_ms)
        if pump.truth().stalled is not was:
            was = not was
            found.append((pump.at_ms, int(was)))
    return found


def test_intermittent_stalls_are_the_same_for_the_same_seed() -> None:
    """P45: random, and repeatable to the millisecond."""
    assert stalls(1) == stalls(1)
    assert stalls(1) != stalls(2)
    assert 6 < len(stalls(1)) < 60


def test_intermittent_stalls_come_and_last_as_they_are_drawn() -> None:
    """Each gap is counted from the end of the stall before, to the millisecond."""
    fault = IntermittentStall(mean_gap_ms=DAY, mean_stall_ms=2 * HOUR, seed=1)
    expected, at_ms = [], 0
    for index in range(4):
        gap_ms, stall_ms = fault.stall(index)
        expected += [(at_ms + gap_ms, 1), (at_ms + gap_ms + stall_ms, 0)]
        at_ms += gap_ms + stall_ms
    assert stalls(1)[:8] == expected


def test_intermittent_stalls_end_when_they_are_cleared() -> None:
    """Whether the motor stands at that moment or not."""
    pump = implanted(continuous())
    fault = pump.inject(IntermittentStall(mean_gap_ms=HOUR, mean_stall_ms=HOUR, seed=3))
    while not pump.truth().stalled:
        due_ms = pump.next_due_ms()
        assert due_ms is not None
        pump.settle(due_ms)
    pump.clear(fault)
    assert pump.faults == ()
    assert not pump.truth().stalled


def test_intermittent_stalls_do_not_depend_on_who_looks() -> None:
    """Nor on a pump having been restored in the middle of one."""
    one = implanted(continuous())
    one.inject(IntermittentStall(mean_gap_ms=5 * HOUR, mean_stall_ms=HOUR, seed=9))
    other = forked(one)
    for hour in range(0, 240, 7):
        one.settle(hour * HOUR)
        one = forked(one)
    for pump in (one, other):
        pump.settle(240 * HOUR)
    assert one.state() == other.state()


# --- Battery -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [BatteryMode.DRAIN_ONLY, BatteryMode.NO_DRAIN])
def test_a_pump_for_experiments_outlives_its_battery(mode: BatteryMode) -> None:
    """No indicator, no end, no planned replacement; it drains, or it does not even do that."""
    pump = Pump.implant(PROFILE, LOW_DOSE, battery_mode=mode)
    status = pump.status()
    dates = (status.eri_at_ms, status.eos_at_ms, status.replacement_planned_at_ms)
    assert dates == (None, None, None)
    for number in range(1, 101):
        fill(pump, number=number)
        pump.settle(number * MONTH)
    assert listed(pump) == []
    assert pump.status().infusing_nl_per_day == 150_000
    drains = mode is BatteryMode.DRAIN_ONLY
    assert (pump.truth().charge_used > PROFILE.battery_capacity) is drains
    assert pump.status().battery_remaining_ppm == (0 if drains else 1_000_000)


def test_a_film_brings_the_indicator_too_early_and_the_end_90_days_later() -> None:
    """P16, REQ-20: the gauge says that half is gone; what was indicated is not taken back."""
    pump = implanted(LOW_DOSE)
    expected_ms = pump.status().eri_at_ms
    assert pump.status().battery_remaining_ppm == 1_000_000
    pump.settle(MONTH)
    film = pump.inject(BatteryFilm(gauge_loss_ppm=500_000))
    early_ms = pump.status().eri_at_ms
    assert early_ms is not None
    assert expected_ms is not None
    assert early_ms < expected_ms - 30 * MONTH
    assert pump.status().battery_remaining_ppm == pytest.approx(488_800, abs=500)
    fill(pump)
    pump.settle(MONTH + HOUR)
    pump.inject(BatteryFilm(gauge_loss_ppm=1_000_000))
    assert active(pump) == ["ERI", "REPLACEMENT_PLANNED"]
    assert moments(pump, "ALARM_RAISED") == [MONTH + HOUR] * 2
    assert pump.status().battery_remaining_ppm == 0
    pump.clear(film)
    pump.clear(film + 1)
    assert pump.status().eos_at_ms == MONTH + HOUR + 90 * DAY
    assert pump.status().battery_remaining_ppm > 980_000
    pump.settle(MONTH + HOUR + 90 * DAY)
    assert "EOS" in active(pump)
    assert pump.status().infusing_nl_per_day == 0


def test_a_battery_that_fails_ends_the_service_at_once() -> None:
    """P16: without the 90 days; no indicator is foretold any more, and the bolus is over."""
    pump = implanted(LOW_DOSE)
    pump.firmware.order_bolus(bolus())
    pump.inject(BatteryFailure(), at_ms=MINUTE)
    pump.settle(DAY)
    assert pump.status().eos_at_ms == MINUTE
    assert pump.status().eri_at_ms is None
    assert pump.status().infusing_nl_per_day == 0
    assert records(pump, "BOLUS_ABORTED", "INFUSION_STOPPED") == [
        ("BOLUS_ABORTED", 2_500, 1),
        ("INFUSION_STOPPED", 4, 150_000 + 25_000 * 144),
    ]
    assert "EOS" in active(pump)
    assert delivered_units(pump) == 150_000 * MINUTE + 2_500 * DAY
    pump.settle(85 * MONTH)
    assert "ERI" not in listed(pump)


def test_a_wrong_date_of_replacement_is_shown_and_listed_without_a_tone() -> None:
    """A15, P29: a year too early or too late, and nothing else changes."""
    pump = implanted(LOW_DOSE)
    right_ms = pump.status().replacement_planned_at_ms
    assert right_ms == 78 * MONTH
    pump.inject(ReplacementDate(planned_at_ms=10 * DAY))
    assert pump.status().replacement_planned_at_ms == 10 * DAY
    pump.settle(10 * DAY - 1)
    assert listed(pump) == []
    pump.settle(10 * DAY)
    assert active(pump) == ["REPLACEMENT_PLANNED"]
    assert pump.firmware.tone_at(10 * DAY) is None
    assert pump.firmware.next_tone(10 * DAY) is None
    assert pump.status().infusing_nl_per_day == 150_000
    late = implanted(LOW_DOSE)
    late.inject(ReplacementDate(planned_at_ms=90 * MONTH))
    late.settle(80 * MONTH)
    assert "REPLACEMENT_PLANNED" not in listed(late)


# --- The pump's own clock ------------------------------------------------------------------------

oscillators = st.builds(
    Oscillator,
    drift_ppm=st.integers(-100_000, 100_000),
    therapy_origin_ms=st.integers(0, 10**12),
    pump_origin_ms=st.integers(0, 10**12),
)


@given(oscillators, st.integers(0, 10**12))
def test_the_moment_of_a_pump_time_is_the_first_that_shows_it(
    oscillator: Oscillator, after_ms: int
) -> None:
    """Both ways exact: no event comes a millisecond too early or too late."""
    pump_ms = oscillator.pump_origin_ms + after_ms
    therapy_ms = oscillator.therapy_ms(pump_ms)
    assert oscillator.pump_ms(therapy_ms) >= pump_ms
    assert oscillator.pump_ms(therapy_ms - 1) < pump_ms or after_ms == 0


@given(oscillators, st.integers(0, 10**12), st.integers(-100_000, 100_000), st.integers(0, 10**9))
def test_pump_time_neither_jumps_nor_goes_back_when_the_drift_changes(
    oscillator: Oscillator, after_ms: int, drift_ppm: int, further_ms: int
) -> None:
    """At the change both clocks agree on the present."""
    now_ms = oscillator.therapy_origin_ms + after_ms
    changed = oscillator.drifting(drift_ppm, now_ms)
    assert changed.pump_ms(now_ms) == oscillator.pump_ms(now_ms)
    assert changed.pump_ms(now_ms + further_ms) >= changed.pump_ms(now_ms)


@pytest.mark.parametrize("drift_ppm", [-100_000, -37, 37, 100_000])
def test_a_drifting_pump_delivers_by_its_own_clock(drift_ppm: int) -> None:
    """It believes that it is right: 20 mL are used up 10 % sooner or later in truth."""
    pump = implanted(continuous())
    pump.inject(ClockDrift(drift_ppm=drift_ppm))
    empty_ms = -(-50 * DAY * 1_000_000 // (1_000_000 + drift_ppm))
    pump.settle(empty_ms - 1)
    assert active(pump) == ["LOW_RESERVOIR"]
    pump.settle(empty_ms)
    assert active(pump) == ["LOW_RESERVOIR", "EMPTY_RESERVOIR"]
    assert moments(pump, "INFUSION_STOPPED") == [50 * DAY]
    assert pump.truth().actual_volume_nl == 0
    assert (pump.truth().at_ms, pump.truth().drift_ppm) == (empty_ms, drift_ppm)
    assert pump.truth().pump_ms in {50 * DAY, 50 * DAY + 1}


def test_a_drifting_pump_follows_its_schedule_by_its_own_clock() -> None:
    """10 % fast: the day's step begins at 05:27 of true time."""
    pump = implanted(DAY_NIGHT)
    pump.inject(ClockDrift(drift_ppm=100_000))
    step_ms = -(-6 * HOUR * 10 // 11)
    pump.settle(step_ms - 1)
    assert pump.status().infusing_nl_per_day == 200_000
    pump.settle(step_ms)
    assert pump.status().infusing_nl_per_day == 600_000


def test_a_drift_that_ends_leaves_the_difference() -> None:
    """Time that was lost is not found again."""
    pump = implanted(continuous())
    pump.inject(ClockDrift(drift_ppm=-1_000), for_ms=10 * DAY)
    pump.settle(20 * DAY)
    assert pump.firmware.at_ms == 20 * DAY - DAY // 100
    assert delivered_units(pump) == 400_000 * (20 * DAY - DAY // 100)
    assert pump.truth().drift_ppm == 0


# --- The board -----------------------------------------------------------------------------------


def test_a_fault_can_be_scheduled_and_ends_by_itself() -> None:
    """It does nothing before its time and nothing after it."""
    pump = implanted(continuous())
    fault = pump.inject(CatheterOcclusion(), at_ms=DAY, for_ms=6 * HOUR)
    (planned,) = pump.faults
    assert (planned.fault_id, planned.begins_at_ms, planned.ends_at_ms) == (
        fault,
        DAY,
        DAY + 6 * HOUR,
    )
    assert not planned.begun
    assert pump.next_due_ms() == DAY
    pump.settle(DAY - 1)
    assert not pump.truth().occluded
    pump.settle(DAY)
    assert pump.truth().occluded
    pump.settle(DAY + 6 * HOUR)
    assert not pump.truth().occluded
    assert pump.faults == ()
    pump.settle(2 * DAY)
    assert lacking_nl(pump) == 100_000


def test_a_scheduled_fault_can_be_dropped_before_it_begins() -> None:
    """And does nothing then."""
    pump = implanted(continuous())
    fault = pump.inject(BrownOut(), at_ms=DAY)
    pump.clear(fault)
    pump.settle(2 * DAY)
    assert records(pump, "RESET") == []


def test_one_settle_passes_every_scheduled_fault_at_its_own_moment() -> None:
    """As many small steps do."""
    one = implanted(continuous())
    for hour in (5, 9, 13):
        one.inject(MotorStall(), at_ms=hour * HOUR, for_ms=2 * HOUR)
    one.inject(FlowError(factor_ppm=2_000_000), at_ms=10 * HOUR, for_ms=5 * HOUR)
    other = forked(one)
    one.settle(DAY)
    for minute in range(0, 1_441, 7):
        other.settle(minute * MINUTE)
    other.settle(DAY)
    assert one.state() == other.state()
    # 6 h of stall, and twice the flow from 11 to 13 h.
    assert one.truth().actual_delivered_nl == 400_000 * (24 - 6 + 2) // 24


def test_a_fault_that_is_not_there_is_named_with_those_that_are() -> None:
    """So that whoever typed it can tell what to type."""
    pump = implanted(continuous())
    with pytest.raises(FaultError, match="no fault 7: there are none"):
        pump.clear(7)
    pump.inject(MotorStall())
    pump.inject(BrownOut(), at_ms=DAY)
    with pytest.raises(FaultError, match="no fault 7: there are 1, 2"):
        pump.clear(7)


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ({"at_ms": 999}, "at_ms = 999: it is already 1000"),
        ({"for_ms": 0}, "for_ms = 0: at least 1 ms"),
    ],
)
def test_a_fault_begins_now_or_later_and_lasts(times: dict[str, int], says: str) -> None:
    """Refused before anything is changed."""
    pump = implanted(continuous())
    pump.settle(1_000)
    before = pump.state()
    with pytest.raises(FaultError, match=says):
        pump.inject(MotorStall(), **times)
    assert pump.state() == before


@pytest.mark.parametrize("name", [name for name, kind in FAULTS.items() if not kind.lasts])
def test_what_strikes_at_one_moment_takes_no_duration(name: str) -> None:
    """It is over when it has begun."""
    needed = {"memory_error": {"region": 1}, "replacement_date": {"planned_at_ms": DAY}}
    pump = implanted(continuous())
    fault = make_fault(name, **needed.get(name, {}))
    with pytest.raises(FaultError, match=f"{name} takes no for_ms"):
        pump.inject(fault, for_ms=HOUR)
    pump.inject(fault)
    assert pump.faults == ()


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("stall", {}, "no fault 'stall': there are flow_error, motor_stall, "),
        ("motor_stall", {"factor_ppm": 1}, "no parameter 'factor_ppm': it takes registered_after"),
        ("brown_out", {"seed": 1}, "brown_out has no parameter 'seed': it takes none"),
        ("flow_error", {}, "flow_error: factor_ppm is missing: 0..10000000 ppm"),
        ("flow_error", {"factor_ppm": -1}, "factor_ppm = -1: 0..10000000 ppm"),
        ("flow_error", {"factor_ppm": True}, "factor_ppm = True: 0..10000000 ppm"),
        ("flow_error", {"factor_ppm": 1.0}, "factor_ppm = 1.0: 0..10000000 ppm"),
        ("mri_scan", {"latches_telemetry": 1}, "latches_telemetry = 1: true or false"),
        ("memory_error", {"region": 4}, r"memory_error: region = 4: 1\.\.3"),
        ("clock_drift", {"drift_ppm": 100_001}, "drift_ppm = 100001: -100000..100000 ppm"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_what_can(
    name: str, parameters: dict[str, object], says: str
) -> None:
    """The message names what exists, and what is allowed in which unit."""
    with pytest.raises(FaultError, match=says):
        make_fault(name, **parameters)


def test_every_fault_can_be_made_by_its_name_and_says_what_it_is() -> None:
    """The reference is made from these."""
    for name, kind in FAULTS.items():
        assert kind.name == name
        assert kind.__doc__
        assert kind.source


# --- What a pump says of all this ----------------------------------------------------------------


@pytest.mark.parametrize("alarm", Alarm)
def test_every_alarm_sounds_as_its_class_does_or_not_at_all(alarm: Alarm) -> None:
    """REQ-14: two tones of 3 s every 10 min, one of 1 s every hour; A15 is only listed."""
    pump = implanted(LOW_DOSE)
    pump.firmware.raise_alarm(alarm)
    tone = pump.firmware.tone_at(0)
    if alarm is Alarm.REPLACEMENT_PLANNED:
        assert tone is None
        return
    assert tone is not None
    critical = tone.alarm_class is AlarmClass.CRITICAL
    following = pump.firmware.next_tone(0)
    assert following is not None
    assert (tone.ends_at_ms, following.starts_at_ms) == (
        (3_000, 10 * MINUTE) if critical else (1_000, HOUR)
    )


def test_a_state_in_the_middle_of_every_fault_goes_on_equally() -> None:
    """State before processes, with all of them at work or to come."""
    pump = Pump.implant(PROFILE, DAY_NIGHT, volume_nl=5_000_000)
    for at_ms, name in enumerate(FAULTS):
        needed: dict[str, dict[str, int]] = {
            "flow_error": {"factor_ppm": 1_250_000},
            "intermittent_stall": {"mean_gap_ms": 9 * HOUR, "mean_stall_ms": HOUR},
            "battery_film": {"gauge_loss_ppm": 100_000},
            "clock_drift": {"drift_ppm": 50_000},
            "memory_error": {"region": 2},
            "replacement_date": {"planned_at_ms": 3 * DAY},
        }
        if name != "battery_failure":
            pump.inject(make_fault(name, **needed.get(name, {})), at_ms=at_ms * 5 * HOUR)
    for hours in (3, 17, 26, 40, 61):
        pump.settle(hours * HOUR)
        other = forked(pump)
        for each in (pump, other):
            each.settle(hours * HOUR + 90 * MINUTE)
        assert pump.state() == other.state()
