"""Alarms: what raises and clears each, how long it stays listed, and every tone."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import (
    RULES,
    Alarm,
    AlarmClass,
    AlarmRecord,
    Alarms,
    Signals,
    Tone,
)
from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.hardware.faults import (
    BatteryFailure,
    BatteryFilm,
    BitFlip,
    BrownOut,
    Fault,
    MotorStall,
    ReplacementDate,
)
from pump_sim.model.orders import ReservoirUpdate
from pump_sim.model.prescription import Prescription, stopped
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused

from .pumps import reasons_of
from .strategies import DAY, PROFILE, continuous, lives, perform, volumes

MINUTE, HOUR = 60_000, 3_600_000
CRITICAL, NON_CRITICAL = AlarmClass.CRITICAL, AlarmClass.NON_CRITICAL
OFF = stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000)


def program(pump: Pump, prescription: Prescription) -> None:
    pump.firmware.stage(prescription)
    pump.firmware.commit()


def refill(pump: Pump, number: int = 1, volume_nl: int = 20_000_000) -> None:
    pump.fill_by_hand(volume_nl)
    pump.firmware.update_reservoir(
        ReservoirUpdate(programmer_id=7, order_number=number, volume_nl=volume_nl)
    )


def listed(pump: Pump) -> list[tuple[Alarm, bool, bool]]:
    return [(each.alarm, each.active, each.acknowledged) for each in pump.status().alarms]


# --- What raises, clears and lists them ----------------------------------------------------------


def test_each_alarm_is_of_the_class_and_latch_of_the_table() -> None:
    """REQ-14, domain.md 3.2."""
    assert {alarm.value: (rule.alarm_class, rule.latches) for alarm, rule in RULES.items()} == {
        1: (NON_CRITICAL, False),
        2: (CRITICAL, True),
        3: (NON_CRITICAL, True),
        4: (CRITICAL, True),
        5: (CRITICAL, False),
        7: (CRITICAL, False),
        8: (CRITICAL, True),
        9: (NON_CRITICAL, True),
        10: (CRITICAL, True),
        11: (CRITICAL, True),
        15: (NON_CRITICAL, False),
        18: (CRITICAL, True),
    }
    assert [alarm.value for alarm, rule in RULES.items() if not rule.sounds] == [15]


def test_a_missed_refill_alarms_on_day_45_and_stops_on_day_50() -> None:
    """T1: 800 mcg/day from 20 mL of 2,000 mcg/mL, at the exact ms (REQ-14)."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(45 * DAY - 1)
    assert listed(pump) == []
    pump.settle(45 * DAY)
    assert listed(pump) == [(Alarm.LOW_RESERVOIR, True, False)]
    assert pump.status().infusing_nl_per_day == 400_000
    pump.settle(50 * DAY - 1)
    assert pump.status().infusing_nl_per_day == 400_000
    pump.settle(50 * DAY)
    assert listed(pump) == [
        (Alarm.LOW_RESERVOIR, True, False),
        (Alarm.EMPTY_RESERVOIR, True, False),
    ]
    assert pump.status().infusing_nl_per_day == 0
    assert pump.status().believed_volume_nl == 0
    assert pump.status().prescription == continuous()


def test_a_refill_resumes_the_infusion_and_leaves_the_latched_alarm() -> None:
    """Low reservoir goes, empty reservoir stays listed until somebody has seen it (REQ-17)."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(60 * DAY)
    refill(pump)
    assert listed(pump) == [(Alarm.EMPTY_RESERVOIR, False, False)]
    assert pump.status().infusing_nl_per_day == 400_000
    assert pump.status().low_reservoir_at_ms == 105 * DAY
    assert [entry.event for entry in pump.firmware.log.entries[-4:]] == [
        EventCode.RESERVOIR_UPDATED,
        EventCode.ALARM_CLEARED,
        EventCode.ALARM_CLEARED,
        EventCode.INFUSION_RESUMED,
    ]
    assert pump.firmware.tone_at(60 * DAY) is None
    pump.firmware.acknowledge(Alarm.EMPTY_RESERVOIR)
    assert listed(pump) == []


def test_an_alarm_acknowledged_while_active_goes_with_its_condition() -> None:
    """Acknowledging never ends a condition, and is never needed twice."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(60 * DAY)
    pump.firmware.acknowledge(Alarm.EMPTY_RESERVOIR)
    length = len(pump.firmware.log.entries)
    assert pump.firmware.acknowledge(Alarm.EMPTY_RESERVOIR).acknowledged
    assert len(pump.firmware.log.entries) == length
    assert listed(pump)[1] == (Alarm.EMPTY_RESERVOIR, True, True)
    assert pump.firmware.tone_at(60 * DAY) is not None
    refill(pump)
    assert listed(pump) == []


def test_to_be_raised_anew_begins_from_the_beginning() -> None:
    """Neither silence nor acknowledgement of an earlier time carries over (REQ-16)."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(50 * DAY)
    pump.firmware.acknowledge(Alarm.LOW_RESERVOIR)
    pump.firmware.silence(Alarm.LOW_RESERVOIR, DAY)
    refill(pump, volume_nl=2_000_001)
    assert pump.status().alarms[0].alarm is Alarm.EMPTY_RESERVOIR
    pump.settle(pump.at_ms + MINUTE)
    low = pump.status().alarms[0]
    assert low == AlarmRecord(Alarm.LOW_RESERVOIR, 50 * DAY + 216)


def test_a_refill_that_leaves_the_reservoir_low_does_not_raise_it_anew() -> None:
    """The condition never went, so the alarm goes on as it was."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(46 * DAY)
    pump.firmware.acknowledge(Alarm.LOW_RESERVOIR)
    refill(pump, volume_nl=2_000_000)
    assert pump.status().alarms == (AlarmRecord(Alarm.LOW_RESERVOIR, 45 * DAY, acknowledged=True),)


def test_a_commit_moves_the_threshold_and_the_alarm_with_it() -> None:
    """Raised at once where the volume lies below the new threshold, cleared above it (REQ-19)."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(30 * DAY)
    program(pump, continuous(low_reservoir_threshold_nl=8_000_000))
    assert listed(pump) == [(Alarm.LOW_RESERVOIR, True, False)]
    assert pump.status().low_reservoir_at_ms == 30 * DAY
    program(pump, continuous(low_reservoir_threshold_nl=7_999_999))
    pump.settle(30 * DAY + 215)  # 1 nL flows in 216 ms
    assert listed(pump) == []
    pump.settle(30 * DAY + 216)
    assert listed(pump) == [(Alarm.LOW_RESERVOIR, True, False)]


def test_48_hours_of_stop_alarm_exactly_and_leaving_the_mode_ends_it() -> None:
    """REQ-20: counted from the mode change, whatever stopped prescription follows it."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(1_000)
    program(pump, OFF)
    pump.settle(DAY)
    program(pump, replace(OFF, low_reservoir_threshold_nl=1_000_000))
    pump.settle(2 * DAY + 999)
    assert listed(pump) == []
    pump.settle(2 * DAY + 1_000)
    assert listed(pump) == [(Alarm.STOPPED_TOO_LONG, True, False)]
    assert pump.firmware.tone_at(2 * DAY + 1_000) is not None
    program(pump, continuous())
    assert listed(pump) == []
    program(pump, OFF)
    pump.settle(4 * DAY + 999)
    assert listed(pump) == []
    pump.settle(4 * DAY + 1_000)
    assert listed(pump) == [(Alarm.STOPPED_TOO_LONG, True, False)]


@settings(max_examples=60, deadline=None)
@given(volumes, lives)
def test_no_condition_no_tone_and_no_condition_without_its_alarm(
    volume_nl: int, life: list[tuple[int, object]]
) -> None:
    """REQ-18, after anything that can be done to a pump."""
    pump = Pump.implant(PROFILE, continuous(), volume_nl=volume_nl)
    for number, (pause_ms, action) in enumerate(life, 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)  # type: ignore[arg-type]
        status = pump.status()
        active = {each.alarm for each in status.alarms if each.active}
        left_units = pump.state().firmware.ledger.left_units
        threshold_nl = status.prescription.low_reservoir_threshold_nl
        assert (Alarm.LOW_RESERVOIR in active) == (left_units <= threshold_nl * DAY)
        assert (Alarm.EMPTY_RESERVOIR in active) == (left_units == 0)
        stopped_ms = pump.state().firmware.programming.stopped_since_ms
        too_long = stopped_ms is not None and status.at_ms >= stopped_ms + 2 * DAY
        assert (Alarm.STOPPED_TOO_LONG in active) == too_long
        assert (Alarm.SAFE_STATE in active) == pump.state().firmware.programming.safe
        assert (Alarm.UPDATE_INCOMPLETE in active) == pump.state().firmware.programming.incomplete
        assert (Alarm.EMERGENCY_ACTION in active) == pump.state().firmware.programming.emergency
        planned_ms = PROFILE.service_life_ms - PROFILE.replacement_lead_ms
        assert (Alarm.REPLACEMENT_PLANNED in active) == (status.at_ms >= planned_ms)
        assert (Alarm.ERI in active) == (status.at_ms >= status.eri_at_ms)
        assert (Alarm.EOS in active) == (status.at_ms >= status.eos_at_ms)
        if not active - {Alarm.REPLACEMENT_PLANNED}:
            assert pump.firmware.tone_at(pump.at_ms) is None
            assert status.next_tone is None


# --- Silence, acknowledgement, test --------------------------------------------------------------


def test_silence_holds_back_tones_and_hides_nothing() -> None:
    """REQ-16: of one alarm, for a time; then it sounds again on its own beat."""
    pump = Pump.implant(PROFILE, continuous())
    start = 45 * DAY
    pump.settle(start)
    record = pump.firmware.silence(Alarm.LOW_RESERVOIR, 90 * MINUTE)
    assert record.silenced_until_ms == start + 90 * MINUTE
    assert pump.status().alarms == (record,)
    assert pump.firmware.tone_at(start) is None
    assert pump.firmware.tone_at(start + HOUR) is None
    tone = Tone(NON_CRITICAL, Alarm.LOW_RESERVOIR, start + 2 * HOUR, start + 2 * HOUR + 1_000)
    assert pump.firmware.next_tone(start) == tone
    assert pump.firmware.tone_at(start + 2 * HOUR) == tone
    assert pump.firmware.tone_at(start + 2 * HOUR + 1_000) is None


@pytest.mark.parametrize(
    ("alarm", "longest"), [(Alarm.LOW_RESERVOIR, DAY), (Alarm.EMPTY_RESERVOIR, 2 * HOUR)]
)
def test_silence_is_limited_in_time_and_more_so_for_critical_alarms(
    alarm: Alarm, longest: int
) -> None:
    """REQ-16: a critical alarm cannot be muted for good."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(50 * DAY)
    before = pump.state()
    for duration_ms in (0, MINUTE - 1, longest + 1):
        with pytest.raises(Refused, match=r"OUT_OF_RANGE.*SILENCE_DURATION"):
            pump.firmware.silence(alarm, duration_ms)
    assert pump.state() == before
    pump.firmware.silence(alarm, MINUTE)
    pump.firmware.silence(alarm, longest)


def test_what_is_not_listed_is_neither_silenced_nor_acknowledged() -> None:
    """And what is listed but no longer active has no tone to silence."""
    pump = Pump.implant(PROFILE, continuous())
    for act in (pump.firmware.acknowledge, lambda alarm: pump.firmware.silence(alarm, HOUR)):
        with pytest.raises(Refused, match="ALARM_NOT_LISTED"):
            act(Alarm.LOW_RESERVOIR)
    pump.settle(50 * DAY)
    refill(pump)
    with pytest.raises(Refused, match="ALARM_NOT_ACTIVE"):
        pump.firmware.silence(Alarm.EMPTY_RESERVOIR, HOUR)


def test_a_test_sounds_the_tone_once() -> None:
    """So that a patient can learn it; no alarm is listed by it."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(1_000)
    tone = pump.firmware.test_alarm(CRITICAL)
    assert tone == Tone(CRITICAL, None, 1_000, 4_000)
    assert pump.firmware.tone_at(pump.at_ms) == tone
    assert pump.status().alarms == ()
    assert [pump.firmware.tone_at(ms) for ms in (999, 1_000, 3_999, 4_000)] == [
        None,
        tone,
        tone,
        None,
    ]
    assert pump.firmware.next_tone(1_000) is None
    assert pump.firmware.log.entries[-1].event is EventCode.ALARM_TESTED


# --- Tones against a naive reference -------------------------------------------------------------

SIGNALS = Signals.of(PROFILE)
# On a grid of ten minutes half of the time, so that beats and ends of silence meet.
GRID = st.integers(0, 48).map(lambda beat: beat * 10 * MINUTE)
RAISED_AT = st.integers(0, 3 * HOUR) | GRID.map(lambda at_ms: at_ms % (3 * HOUR))
records = st.builds(
    AlarmRecord,
    alarm=st.sampled_from(Alarm),
    raised_at_ms=RAISED_AT,
    cleared_at_ms=st.none() | st.none() | st.just(3 * HOUR),
    acknowledged=st.booleans(),
    silenced_until_ms=st.just(0) | st.integers(0, 8 * HOUR) | GRID,
)
several = st.lists(records, max_size=4, unique_by=lambda record: record.alarm).map(
    lambda each: tuple(sorted(each, key=lambda record: record.alarm.value))
)


def naive_tone(listed: tuple[AlarmRecord, ...], at_ms: int) -> Tone | None:
    """What sounds, by trying every beat of every alarm since it was raised."""
    heard: list[Tone] = []
    for record in listed:
        critical = RULES[record.alarm].alarm_class is CRITICAL
        every, length = (10 * MINUTE, 3_000) if critical else (HOUR, 1_000)
        for start in range(record.raised_at_ms, at_ms + 1, every):
            sounds = record.alarm is not Alarm.REPLACEMENT_PLANNED and record.cleared_at_ms is None
            if sounds and start >= record.silenced_until_ms:
                tone = Tone(RULES[record.alarm].alarm_class, record.alarm, start, start + length)
                heard += [tone] * (at_ms < start + length)
    unsilenced_critical = any(
        RULES[record.alarm].alarm_class is CRITICAL
        and record.cleared_at_ms is None
        and at_ms >= record.silenced_until_ms
        for record in listed
    )
    if unsilenced_critical:
        heard = [tone for tone in heard if tone.alarm_class is CRITICAL]
    return max(heard, key=lambda tone: (tone.alarm_class.value, tone.starts_at_ms), default=None)


@settings(max_examples=150, deadline=None)
@given(several, st.data())
def test_the_tone_is_the_one_of_the_highest_class_not_silenced(
    listed: tuple[AlarmRecord, ...], data: st.DataObject
) -> None:
    """REQ-14, REQ-15: two tones of 3 s every 10 min, one of 1 s every hour, one at a time."""
    alarms = Alarms(SIGNALS, listed)
    moments = [3 * HOUR, *(record.silenced_until_ms for record in listed)]
    for record in listed:
        moments += [record.raised_at_ms + beat * 10 * MINUTE for beat in range(18, 60)]
    for moment in data.draw(st.lists(st.sampled_from(moments), max_size=12)):
        for near in (moment - 1, moment, moment + 1, moment + 999, moment + 1_000, moment + 3_000):
            at_ms = max(near, 3 * HOUR)
            assert alarms.tone_at(at_ms) == naive_tone(listed, at_ms)


@settings(max_examples=150, deadline=None)
@given(several, st.integers(3 * HOUR, 12 * HOUR))
def test_the_next_tone_is_the_first_that_begins_later(
    listed: tuple[AlarmRecord, ...], after_ms: int
) -> None:
    """Found by walking over every beat of every alarm; none is missed, none made up (REQ-18)."""
    alarms = Alarms(SIGNALS, listed)
    beats = sorted(
        {record.raised_at_ms + beat * 10 * MINUTE for record in listed for beat in range(16 * 6)}
    )
    begins = [
        tone
        for at_ms in beats
        if at_ms > after_ms
        and (tone := naive_tone(listed, at_ms)) is not None
        and tone.starts_at_ms == at_ms
    ]
    found = alarms.next_tone(after_ms)
    if begins:
        assert found is not None
        assert found.starts_at_ms == begins[0].starts_at_ms
        assert found.alarm_class is begins[0].alarm_class
    else:
        assert found is None


def test_a_lower_tone_stays_away_from_the_moment_at_which_the_higher_silence_ends() -> None:
    """REQ-15: the alarm can be heard again from then on, even if its next beat is later."""
    low = AlarmRecord(Alarm.LOW_RESERVOIR, 0)
    empty = AlarmRecord(Alarm.EMPTY_RESERVOIR, 5 * MINUTE, silenced_until_ms=HOUR)
    both = Alarms(SIGNALS, (low, empty))
    assert both.tone_at(HOUR) is None
    tone = both.next_tone(HOUR - 1)
    assert tone is not None
    assert (tone.alarm, tone.starts_at_ms) == (Alarm.EMPTY_RESERVOIR, 65 * MINUTE)


def test_a_lower_tone_comes_back_when_the_higher_one_is_silenced() -> None:
    """REQ-15: low reservoir and ERI stay silent under empty reservoir, and only so long."""
    empty = AlarmRecord(Alarm.EMPTY_RESERVOIR, 0)
    low = AlarmRecord(Alarm.LOW_RESERVOIR, 0)
    both = Alarms(SIGNALS, (low, empty))
    assert both.tone_at(HOUR) == Tone(CRITICAL, Alarm.EMPTY_RESERVOIR, HOUR, HOUR + 3_000)
    quiet = both.updated(replace(empty, silenced_until_ms=HOUR + 1))
    assert quiet.tone_at(HOUR) == Tone(NON_CRITICAL, Alarm.LOW_RESERVOIR, HOUR, HOUR + 1_000)
    assert quiet.tone_at(HOUR + 1) is None
    assert quiet.next_tone(HOUR + 1) == Tone(
        CRITICAL, Alarm.EMPTY_RESERVOIR, HOUR + 10 * MINUTE, HOUR + 10 * MINUTE + 3_000
    )


# --- The interval of the critical tone -----------------------------------------------------------


def stopped_pump() -> Pump:
    """An empty pump, whose critical tone has sounded since 0 ms."""
    return Pump.implant(PROFILE, continuous(), volume_nl=0)


@pytest.mark.parametrize("interval_ms", [10 * MINUTE, 37 * MINUTE, 2 * HOUR])
def test_the_critical_tone_can_be_set_to_repeat_every_10_minutes_to_2_hours(
    interval_ms: int,
) -> None:
    """P16b: it keeps the phase of the moment at which it was raised, and is on record."""
    pump = stopped_pump()
    pump.settle(5 * MINUTE)
    pump.firmware.set_alarm_interval(CRITICAL, interval_ms, link_id=4)
    entry = pump.firmware.log.entries[-1]
    assert (entry.event, entry.a, entry.b, entry.link_id) == (
        EventCode.ALARM_INTERVAL_SET,
        2,
        interval_ms,
        4,
    )
    assert pump.status().critical_interval_ms == interval_ms
    tone = pump.firmware.next_tone(pump.at_ms)
    assert tone == Tone(CRITICAL, Alarm.EMPTY_RESERVOIR, interval_ms, interval_ms + 3_000)
    assert pump.firmware.tone_at(3 * interval_ms) is not None
    assert pump.firmware.tone_at(3 * interval_ms + 3_000) is None


@pytest.mark.parametrize(
    ("alarm_class", "interval_ms", "limits"),
    [
        (CRITICAL, 10 * MINUTE - 1, (10 * MINUTE, 2 * HOUR)),
        (CRITICAL, 2 * HOUR + 1, (10 * MINUTE, 2 * HOUR)),
        (NON_CRITICAL, 30 * MINUTE, (HOUR, HOUR)),
        (NON_CRITICAL, 2 * HOUR, (HOUR, HOUR)),
    ],
)
def test_an_interval_out_of_range_and_that_of_other_tones_is_refused(
    alarm_class: AlarmClass, interval_ms: int, limits: tuple[int, int]
) -> None:
    """REQ-16: to make it rare for ever would be to mute it; the hourly tone is fixed."""
    pump = stopped_pump()
    before = pump.state()
    assert reasons_of(lambda: pump.firmware.set_alarm_interval(alarm_class, interval_ms)) == (
        Reason(RefusalCode.OUT_OF_RANGE, Field.ALARM_INTERVAL, interval_ms, *limits),
    )
    assert pump.state() == before


def test_a_set_interval_outlives_resets_and_restored_states() -> None:
    """It is a setting, not a part of the alarm."""
    pump = stopped_pump()
    pump.firmware.set_alarm_interval(CRITICAL, HOUR)
    pump.reset(ResetCause.BROWN_OUT)
    other = Pump.from_state(pump.state())
    assert other.status().critical_interval_ms == HOUR
    tone = other.firmware.next_tone(0)
    assert tone is not None
    assert tone.starts_at_ms == HOUR


# --- What each alarm of a fault does to the infusion ---------------------------------------------


def expire(pump: Pump) -> None:
    pump.firmware.stage(continuous(900_000))
    pump.firmware.staging_expired()


CONDITIONS: dict[Alarm, tuple[tuple[Fault, ...], int, int]] = {
    Alarm.LOW_RESERVOIR: ((), 45 * DAY, 400_000),
    Alarm.EMPTY_RESERVOIR: ((), 50 * DAY, 0),
    Alarm.ERI: ((BatteryFilm(gauge_loss_ppm=1_000_000),), 0, 400_000),
    Alarm.EOS: ((BatteryFailure(),), 0, 0),
    Alarm.MOTOR_STALL: ((MotorStall(),), HOUR, 0),
    Alarm.STOPPED_TOO_LONG: ((), 2 * DAY, 0),
    Alarm.CRITICAL_MEMORY_ERROR: ((BitFlip(region=1), BitFlip(region=2)), HOUR, 6_000),
    Alarm.MEMORY_ERROR: ((BitFlip(region=1),), HOUR, 400_000),
    Alarm.SAFE_STATE: ((BrownOut(),), 0, 6_000),
    Alarm.UPDATE_INCOMPLETE: ((), 0, 400_000),
    Alarm.REPLACEMENT_PLANNED: ((ReplacementDate(planned_at_ms=0),), 0, 400_000),
    Alarm.EMERGENCY_ACTION: ((), 0, 0),
}
"""What raises each alarm: faults and the time after them; and what flows then, in nL/day."""


@pytest.mark.parametrize("alarm", Alarm)
def test_each_alarm_is_raised_by_its_condition_and_has_its_effect(alarm: Alarm) -> None:
    """REQ-14, domain.md 3.2, row by row: trigger, class and what becomes of the infusion."""
    faults, wait_ms, flows = CONDITIONS[alarm]
    pump = Pump.implant(PROFILE, OFF if alarm is Alarm.STOPPED_TOO_LONG else continuous())
    for fault in faults:
        pump.inject(fault)
    if alarm is Alarm.UPDATE_INCOMPLETE:
        expire(pump)
    if alarm is Alarm.EMERGENCY_ACTION:
        pump.firmware.emergency_stop()
    pump.settle(wait_ms)
    assert alarm in {each.alarm for each in pump.status().alarms if each.active}
    assert pump.status().infusing_nl_per_day == flows
    told = [(e.a, e.b) for e in pump.firmware.log.entries if e.event is EventCode.ALARM_RAISED]
    assert (alarm.value, RULES[alarm].alarm_class.value) in told
    following = pump.firmware.next_tone(pump.at_ms)
    if alarm is Alarm.REPLACEMENT_PLANNED:
        assert following is None
    else:
        assert following is not None
        assert following.alarm_class.value >= RULES[alarm].alarm_class.value


def test_a_stall_silences_the_hourly_tone_and_gives_it_back() -> None:
    """REQ-15, with alarms that come from different sources."""
    pump = Pump.implant(PROFILE, continuous(), volume_nl=2_000_000)
    stall = pump.inject(MotorStall())
    pump.settle(20 * MINUTE)
    beat = pump.firmware.next_tone(HOUR - 1)
    assert beat is not None
    assert (beat.alarm, beat.starts_at_ms) == (Alarm.MOTOR_STALL, HOUR)
    pump.settle(30 * MINUTE)
    pump.clear(stall)
    beat = pump.firmware.next_tone(HOUR - 1)
    assert beat is not None
    assert (beat.alarm, beat.starts_at_ms) == (Alarm.LOW_RESERVOIR, HOUR)
