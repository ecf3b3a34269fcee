"""Emergency actions: less drug, at once, without a key; alarmed, logged, never twice (REQ-30)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.emergency import MinimumRateResult, StopResult
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.delivery import Hold
from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.hardware.faults import BatteryFailure, BitFlip, MotorStall, MriScan
from pump_sim.model.prescription import (
    Prescription,
    bridged,
    minimum_rate,
    minimum_rate_of,
    periodic,
    stopped,
    stopped_of,
)
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, RefusalCode, Refused
from pump_sim.model.rules import check_prescription

from .pumps import (
    active,
    delivered_units,
    forked,
    implanted,
    listed,
    program,
    records,
    refill,
    refused,
)
from .strategies import (
    DAY,
    HOUR,
    MINUTE,
    PROFILE,
    STRONG_MIXTURE,
    Action,
    bolus,
    continuous,
    lives,
    perform,
    prescriptions,
    troubled_lives,
)

LOWEST = minimum_rate(PROFILE, drug_name="baclofen", concentration_ng_per_ml=2_000_000)
OFF = stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000)


def therapy(at_ms: int = DAY) -> Pump:
    """400,000 nL/day for a day."""
    pump = implanted(continuous())
    pump.settle(at_ms)
    return pump


# --- The minimum rate ----------------------------------------------------------------------------


def test_the_minimum_rate_follows_at_once_and_is_alarmed_and_logged() -> None:
    """As a commit, in one step and by nobody's key: a new version, of the same drug."""
    pump = therapy()
    result = pump.firmware.emergency_minimum_rate()
    assert result == MinimumRateResult(DAY, 2, 6_000)
    assert pump.firmware.prescription == LOWEST
    assert pump.firmware.prescription_since_ms == DAY
    assert pump.status().infusing_nl_per_day == 6_000
    assert records(pump)[1:] == [
        ("EMERGENCY_MINIMUM_RATE", 400_000, 6_000),
        ("COMMITTED", 400_000, 6_000),
        ("MODE_CHANGED", 2, 1),
        ("ALARM_RAISED", 18, 2),
    ]
    last = pump.firmware.log.entries[-4:]
    assert {(each.link_id, each.prescription_version) for each in last} == {(0, 2)}
    assert pump.firmware.stopped_alarm_at_ms is None
    pump.settle(11 * DAY)
    assert delivered_units(pump) == (400_000 + 10 * 6_000) * DAY
    assert active(pump) == ["EMERGENCY_ACTION"]


def test_a_stopped_pump_does_not_begin_to_flow() -> None:
    """No emergency action gives more than before."""
    pump = implanted(OFF)
    pump.settle(DAY)
    before = pump.state()
    assert refused(pump.firmware.emergency_minimum_rate) == [(RefusalCode.WRONG_MODE, Field.MODE)]
    assert pump.state() == before


def test_who_is_prescribed_less_than_the_minimum_rate_goes_on_as_prescribed() -> None:
    """Without a key nobody gets more in a day than a clinician has prescribed."""
    little = periodic(continuous(), dose_ng=2_000, duration_ms=HOUR, interval_ms=DAY)
    pump = implanted(little)
    assert pump.firmware.prescription.rate_nl_per_day < LOWEST.rate_nl_per_day
    before = pump.state()
    assert refused(pump.firmware.emergency_minimum_rate) == [(RefusalCode.WRONG_MODE, Field.MODE)]
    assert pump.state() == before
    pump.firmware.emergency_stop()
    assert pump.status().infusing_nl_per_day == 0


def test_what_an_update_has_halted_does_not_begin_to_flow() -> None:
    """As the historic device was: only a clinician's prescription starts it again."""
    pump = Pump.implant(PROFILE, continuous(), historic_updates=True)
    pump.firmware.stage(continuous(880_000))
    before = pump.state()
    assert refused(pump.firmware.emergency_minimum_rate) == [(RefusalCode.WRONG_MODE, Field.MODE)]
    assert pump.state() == before


def test_a_mixture_keeps_its_drugs_and_its_threshold() -> None:
    """Those are what lies in the reservoir, whatever is prescribed."""
    mixture = replace(continuous(low_reservoir_threshold_nl=3_000_000), drugs=STRONG_MIXTURE)
    for act, expected in (
        (lambda pump: pump.firmware.emergency_minimum_rate(), minimum_rate_of),
        (lambda pump: pump.firmware.emergency_stop(), lambda _, *of: stopped_of(*of)),
    ):
        pump = implanted(mixture)
        act(pump)
        assert pump.firmware.prescription == expected(PROFILE, STRONG_MIXTURE, 3_000_000)


def test_nobody_has_confirmed_a_dose() -> None:
    """REQ-03: also where the minimum rate of a strong drug is above the soft limit."""
    profile = replace(PROFILE, soft_daily_dose_ng=11_999)
    pump = Pump.implant(profile, continuous())
    pump.firmware.emergency_minimum_rate()
    assert pump.firmware.prescription.daily_dose_ng == 12_000
    assert records(pump, "SOFT_LIMIT_CONFIRMED") == []


# --- The stop ------------------------------------------------------------------------------------


def test_a_stop_counts_down_to_the_alarm_of_a_stopped_pump() -> None:
    """REQ-30: to stop baclofen is harmful, too, so somebody is called from the first moment,
    and again after 48 h.
    """
    pump = therapy()
    result = pump.firmware.emergency_stop()
    assert result == StopResult(DAY, 2, 3 * DAY)
    assert pump.firmware.stopped_alarm_at_ms == 3 * DAY
    assert pump.firmware.prescription == OFF
    assert pump.status().infusing_nl_per_day == 0
    assert records(pump)[1:] == [
        ("EMERGENCY_STOPPED", 400_000, 0),
        ("COMMITTED", 400_000, 0),
        ("MODE_CHANGED", 2, 0),
        ("ALARM_RAISED", 18, 2),
    ]
    pump.settle(3 * DAY - 1)
    assert active(pump) == ["EMERGENCY_ACTION"]
    pump.settle(3 * DAY)
    assert active(pump) == ["STOPPED_TOO_LONG", "EMERGENCY_ACTION"]
    assert delivered_units(pump) == 400_000 * DAY
    assert pump.firmware.stopped_alarm_at_ms == 3 * DAY


def test_the_alarm_sounds_two_tones_from_the_moment_of_the_action() -> None:
    """REQ-14."""
    pump = therapy()
    pump.firmware.emergency_stop()
    tone = pump.firmware.tone_at(DAY)
    assert tone is not None
    assert (tone.alarm, tone.starts_at_ms, tone.ends_at_ms) == (
        Alarm.EMERGENCY_ACTION,
        DAY,
        DAY + 3_000,
    )


def test_the_minimum_rate_may_be_followed_by_a_stop_and_not_the_other_way() -> None:
    """Each is a version of its own; the alarm goes on."""
    pump = therapy()
    pump.firmware.emergency_minimum_rate()
    pump.settle(DAY + HOUR)
    assert pump.firmware.emergency_stop() == StopResult(DAY + HOUR, 3, 3 * DAY + HOUR)
    assert records(pump)[5:] == [
        ("EMERGENCY_STOPPED", 6_000, 0),
        ("COMMITTED", 6_000, 0),
        ("MODE_CHANGED", 1, 0),
    ]
    assert refused(pump.firmware.emergency_minimum_rate) == [(RefusalCode.WRONG_MODE, Field.MODE)]


# --- Once ----------------------------------------------------------------------------------------

Act = Callable[[Pump], object]
ACTS: tuple[Act, ...] = (
    lambda pump: pump.firmware.emergency_minimum_rate(),
    lambda pump: pump.firmware.emergency_stop(),
)


@pytest.mark.parametrize("act", ACTS, ids=["minimum", "stop"])
def test_to_ask_again_gives_the_same_answer_and_changes_nothing(act: Act) -> None:
    """Whoever did not hear the answer asks again; later, too, and after the alarm was seen."""
    pump = therapy()
    first = act(pump)
    pump.firmware.acknowledge(Alarm.EMERGENCY_ACTION)
    before = pump.state()
    assert act(pump) == first
    assert pump.state() == before
    pump.settle(2 * DAY)
    before = pump.state()
    assert act(pump) == first
    assert pump.state() == before


@pytest.mark.parametrize(
    ("prescription", "act"), [(LOWEST, ACTS[0]), (OFF, ACTS[1])], ids=["minimum", "stop"]
)
def test_what_a_clinician_has_set_already_is_left_as_it_is(
    prescription: Prescription, act: Act
) -> None:
    """No version, no record and no alarm: nobody has changed anything."""
    pump = implanted(continuous())
    pump.settle(HOUR)
    program(pump, prescription)
    pump.settle(DAY)
    before = pump.state()
    act(pump)
    assert pump.state() == before
    assert active(pump) == []


# --- What goes with it ---------------------------------------------------------------------------


@pytest.mark.parametrize("act", ACTS, ids=["minimum", "stop"])
def test_a_running_bolus_ends_and_what_is_staged_is_dropped(act: Act) -> None:
    """Of the bolus nothing flows any more, and nobody can commit what was staged before."""
    pump = therapy()
    pump.firmware.order_bolus(bolus())
    pump.settle(DAY + 5 * MINUTE)
    pump.firmware.stage(continuous(900_000), link_id=8)
    act(pump)
    assert records(pump, "ROLLED_BACK", "BOLUS_ABORTED") == [
        ("ROLLED_BACK", 450_000, 900_000),
        ("BOLUS_ABORTED", 12_500, 1),
    ]
    assert pump.firmware.pending is None
    assert pump.status().bolus is None
    assert refused(pump.firmware.commit) == [(RefusalCode.NOTHING_STAGED, Field.NONE)]


def test_a_bolus_on_top_of_the_minimum_rate_ends() -> None:
    """The mode is that already, and the pump still gave more: so something is done about it."""
    pump = implanted(LOWEST)
    pump.firmware.order_bolus(bolus())
    pump.settle(5 * MINUTE)
    assert pump.firmware.emergency_minimum_rate() == MinimumRateResult(5 * MINUTE, 2, 6_000)
    assert pump.status().infusing_nl_per_day == 6_000
    assert [name for name, _, _ in records(pump)[2:]] == [
        "BOLUS_ABORTED",
        "EMERGENCY_MINIMUM_RATE",
        "COMMITTED",
        "ALARM_RAISED",
    ]


def test_what_is_staged_is_dropped_though_the_mode_is_that_already() -> None:
    """A commit after the emergency is to follow a new look."""
    pump = implanted(OFF)
    pump.firmware.stage(continuous())
    pump.firmware.emergency_stop()
    assert pump.firmware.pending is None
    assert pump.firmware.prescription_version == 1
    assert records(pump, "ROLLED_BACK") == [("ROLLED_BACK", 400_000, 800_000)]


def test_a_bridge_ends_with_its_therapy() -> None:
    """The old drug in the tubing goes on at the minimum rate, as the new one behind it."""
    pump = therapy()
    program(pump, bridged(continuous(300_000, 500_000), continuous(), 340_000))
    pump.settle(DAY + HOUR)
    pump.firmware.emergency_minimum_rate()
    assert pump.status().infusing_nl_per_day == 6_000
    pump.settle(9 * DAY)
    assert pump.status().infusing_nl_per_day == 6_000


# --- Until a clinician programs it ---------------------------------------------------------------


@pytest.mark.parametrize("act", ACTS, ids=["minimum", "stop"])
def test_only_a_commit_ends_it_and_it_stays_listed_until_it_was_seen(act: Act) -> None:
    """Latched: who comes later learns of it (REQ-17)."""
    pump = therapy()
    act(pump)
    pump.settle(2 * DAY)
    pump.firmware.stage(continuous())
    pump.firmware.roll_back()
    refill(pump)
    pump.reset(ResetCause.WATCHDOG)
    assert "EMERGENCY_ACTION" in active(pump)
    program(pump, continuous())
    assert active(pump) == []
    assert "EMERGENCY_ACTION" in listed(pump)
    assert pump.status().infusing_nl_per_day == 400_000
    pump.firmware.acknowledge(Alarm.EMERGENCY_ACTION)
    pump.firmware.acknowledge(Alarm.SAFE_STATE)
    assert listed(pump) == []


def test_it_settles_nothing_that_waits_for_a_clinician() -> None:
    """An update that was left stays left; only the mode has changed."""
    pump = therapy()
    pump.firmware.stage(continuous(900_000))
    pump.firmware.staging_expired()
    pump.firmware.emergency_stop()
    assert active(pump) == ["UPDATE_INCOMPLETE", "EMERGENCY_ACTION"]
    program(pump, continuous())
    assert active(pump) == []


def test_what_holds_the_infusion_goes_on_holding_it() -> None:
    """An empty reservoir, and interference: no emergency message is an interrogation (P28)."""
    pump = therapy()
    pump.inject(MotorStall(), for_ms=HOUR)
    pump.settle(DAY + 30 * MINUTE)
    pump.inject(MriScan(latches_telemetry=True))
    pump.settle(DAY + 2 * HOUR)
    assert pump.state().firmware.delivery.holds == (Hold.TELEMETRY_LATCH,)
    assert pump.firmware.emergency_minimum_rate().rate_nl_per_day == 6_000
    assert pump.status().infusing_nl_per_day == 0
    pump.interrogated()
    assert pump.status().infusing_nl_per_day == 6_000


# --- The safe state, and the end -----------------------------------------------------------------


def test_in_the_safe_state_the_minimum_rate_is_there_already() -> None:
    """It answers as it is; the alarms are those of the safe state."""
    pump = therapy()
    pump.reset(ResetCause.BROWN_OUT)
    before = pump.state()
    assert pump.firmware.emergency_minimum_rate() == MinimumRateResult(DAY, 2, 6_000)
    assert pump.state() == before


@pytest.mark.parametrize("drugs_lost", [False, True])
def test_in_the_safe_state_it_can_be_stopped_and_stays_in_need_of_a_clinician(
    drugs_lost: bool,
) -> None:
    """No emergency action takes an alarm away, and a drug that is not known can be stopped."""
    pump = therapy()
    if drugs_lost:
        pump.inject(BitFlip(region=1))
        pump.inject(BitFlip(region=2))
    pump.reset(ResetCause.BROWN_OUT)
    waiting = active(pump)
    assert pump.firmware.emergency_stop() == StopResult(DAY, 3, 3 * DAY)
    assert pump.firmware.prescription.drugs == (() if drugs_lost else continuous().drugs)
    assert check_prescription(pump.firmware.prescription, PROFILE) == ()
    assert active(pump) == [*waiting, "EMERGENCY_ACTION"]
    assert pump.status().infusing_nl_per_day == 0
    program(pump, continuous())
    assert active(pump) == []


@pytest.mark.parametrize("act", ACTS, ids=["minimum", "stop"])
def test_after_the_end_of_service_nothing_is_to_be_done(act: Act) -> None:
    """REQ-20: nothing flows, and nothing will."""
    pump = therapy()
    pump.inject(BatteryFailure())
    before = pump.state()
    assert refused(lambda: act(pump)) == [(RefusalCode.END_OF_SERVICE, Field.NONE)]
    assert pump.state() == before


# --- After anything ------------------------------------------------------------------------------

Life = list[tuple[int, Action]]


def lived(prescription: Prescription, life: Life) -> Pump:
    pump = implanted(prescription)
    for number, (pause_ms, action) in enumerate(life, 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)
    return pump


def attempted(act: Act, pump: Pump) -> object:
    try:
        return act(pump)
    except Refused as refusal:
        return refusal.reasons


@settings(max_examples=80, deadline=None)
@given(prescriptions, lives | troubled_lives, st.sampled_from(ACTS), st.integers(0, 3 * DAY))
def test_after_anything_it_never_gives_more_and_never_acts_twice(
    prescription: Prescription, life: Life, act: Act, pause_ms: int
) -> None:
    """At most the minimum rate flows from then on, alarmed; a repeat is answered as the first."""
    pump = lived(prescription, life)
    version = pump.firmware.prescription_version
    prescribed_nl_per_day = pump.firmware.prescription.rate_nl_per_day
    before = pump.state()
    first = attempted(act, pump)
    if isinstance(first, tuple):
        assert pump.state() == before
        low = prescribed_nl_per_day < PROFILE.minimum_rate_nl_per_day
        assert low or pump.status().infusing_nl_per_day == 0
        return
    assert pump.firmware.prescription.rate_nl_per_day <= prescribed_nl_per_day
    changed = pump.firmware.prescription_version > version
    assert not changed or "EMERGENCY_ACTION" in active(pump)
    assert pump.firmware.pending is None
    assert pump.status().bolus is None
    lowest = 0 if act is ACTS[1] else PROFILE.minimum_rate_nl_per_day
    assert pump.status().infusing_nl_per_day <= lowest
    delivered = delivered_units(pump)
    twin = forked(pump)
    assert attempted(act, pump) == first
    assert pump.state() == twin.state()
    for each in (pump, twin):
        each.settle(each.at_ms + pause_ms)
    assert pump.state() == twin.state()
    assert delivered_units(pump) - delivered <= lowest * pause_ms
    if pump.state().firmware.service.eos_at_ms is None:
        assert attempted(act, pump) == first


@settings(max_examples=40, deadline=None)
@given(prescriptions, lives, st.sampled_from(ACTS))
def test_a_clinician_can_always_program_it_again(
    prescription: Prescription, life: Life, act: Act
) -> None:
    """As long as the pump is in service: nothing that is done without a key lasts."""
    pump = lived(prescription, life)
    attempted(act, pump)
    try:
        pump.firmware.stage(replace(continuous(), drugs=pump.firmware.prescription.drugs))
    except Refused:
        pump.firmware.staging_expired()
    lowest = minimum_rate_of(PROFILE, pump.firmware.prescription.drugs, 0)
    if pump.state().firmware.service.eos_at_ms is None:
        program(pump, lowest)
        assert "EMERGENCY_ACTION" not in active(pump)
        assert pump.firmware.prescription == lowest
