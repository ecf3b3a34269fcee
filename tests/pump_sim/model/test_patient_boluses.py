"""Patient boluses: what the patient may ask for, how soon and how often (REQ-12, REQ-13)."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.hardware.faults import BatteryFailure, ClockDrift, MriScan
from pump_sim.model.orders import BolusKind, BolusOutcome, PatientRequest
from pump_sim.model.prescription import (
    Mode,
    PatientBolus,
    Prescription,
    dose_totals,
    flex,
    minimum_rate,
    periodic,
    stopped,
    with_patient_bolus,
)
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused
from pump_sim.model.rules import check_prescription

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
from .strategies import BACLOFEN, DAY, HOUR, MINUTE, PROFILE, bolus, continuous, treatments
from .test_flex import WEEK, pattern

NONE = Field.NONE
LOCKED_OUT, ALLOTMENT_USED = RefusalCode.LOCKED_OUT, RefusalCode.ALLOTMENT_USED


def on_demand(
    base: Prescription | None = None,
    *,
    dose_ng: int = 20_000,
    duration_ms: int = 10 * MINUTE,
    lockout_ms: int = 4 * HOUR,
    allotted_per_day: int = 4,
) -> Prescription:
    """T15: 20 mcg, four a day, four hours apart; on 800 mcg/day, unless told otherwise."""
    return with_patient_bolus(
        base or continuous(),
        dose_ng=dose_ng,
        duration_ms=duration_ms,
        lockout_ms=lockout_ms,
        allotted_per_day=allotted_per_day,
    )


def ask(pump: Pump, at_ms: int) -> RefusalCode | None:
    """Press the button; the first reason of a refusal, None if the bolus began."""
    pump.settle(at_ms)
    try:
        pump.press_button()
    except Refused as refused_:
        return refused_.reasons[0].code
    return None


# --- Rules ---------------------------------------------------------------------------------------


def reasons(prescription: Prescription) -> set[Reason]:
    return set(check_prescription(prescription, PROFILE))


def test_every_reason_against_a_patient_bolus_is_given_at_once() -> None:
    """REQ-03, REQ-05, REQ-12."""
    bad = PatientBolus(
        dose_ng=500_001, volume_nl=7, duration_ms=59_999, lockout_ms=59_998, allotted_per_day=25
    )
    out_of_range = RefusalCode.OUT_OF_RANGE
    assert reasons(replace(continuous(), patient=bad)) == {
        Reason(out_of_range, Field.PATIENT_DOSE, 500_001, 1, 500_000),
        Reason(RefusalCode.MISMATCH, Field.PATIENT_VOLUME, 7, 250_000, 250_000),
        Reason(out_of_range, Field.PATIENT_DURATION, 59_999, 60_000, DAY),
        Reason(out_of_range, Field.PATIENT_LOCKOUT, 59_998, 60_000, 604_800_000),
        Reason(out_of_range, Field.PATIENT_ALLOTMENT, 25, 1, 24),
    }


def test_a_lockout_is_not_shorter_than_the_bolus() -> None:
    """Or a bolus could be asked for while the last one runs."""
    assert reasons(on_demand(lockout_ms=10 * MINUTE)) == set()
    assert reasons(on_demand(lockout_ms=10 * MINUTE - 1)) == {
        Reason(
            RefusalCode.OUT_OF_RANGE,
            Field.PATIENT_LOCKOUT,
            10 * MINUTE - 1,
            10 * MINUTE,
            604_800_000,
        )
    }


@pytest.mark.parametrize(
    "base",
    [
        stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000),
        minimum_rate(PROFILE, drug_name="baclofen", concentration_ng_per_ml=2_000_000),
    ],
)
def test_a_mode_that_treats_nobody_has_no_patient_bolus(base: Prescription) -> None:
    """Stopped means stopped, for the patient's hand as well."""
    found = {(each.code, each.field) for each in reasons(on_demand(base))}
    assert found == {(RefusalCode.WRONG_MODE, Field.PATIENT_DOSE)}


def test_the_flow_is_held_against_the_highest_step_of_the_week() -> None:
    """REQ-09: whenever the patient asks."""
    weak = replace(continuous(), drugs=(replace(BACLOFEN, concentration_ng_per_ml=50_000),))
    base = flex(weak, pattern(WEEK, (0, 48_000), (23 * 60, 12_000_000)))

    def at(duration_ms: int) -> Prescription:
        return on_demand(base, dose_ng=25_000, duration_ms=duration_ms)

    assert reasons(at(HOUR)) == set()
    assert reasons(at(HOUR - 1)) == {
        Reason(RefusalCode.OUT_OF_RANGE, Field.PATIENT_RATE, 24_000_004, 0, 24_000_000)
    }


def test_the_dose_of_a_day_counts_every_bolus_that_may_be_asked_for() -> None:
    """REQ-04: 800 mcg/day and four of 300 are 2,000, the limit; of 301 they are refused."""
    at_limit = on_demand(dose_ng=300_000)
    totals = dose_totals(at_limit)
    assert (totals.mean_ng, totals.highest_ng, totals.with_patient_ng) == (
        800_000,
        800_000,
        2_000_000,
    )
    assert reasons(at_limit) == set()
    assert reasons(on_demand(dose_ng=300_001)) == {
        Reason(RefusalCode.OUT_OF_RANGE, Field.HIGHEST_DAILY_DOSE, 2_000_004, 1, 2_000_000)
    }


def test_a_dose_above_the_soft_limit_is_committed_only_with_the_dose_repeated() -> None:
    """REQ-03: with what the patient may ask for; the confirmation is logged."""
    pump = implanted(continuous())
    new = on_demand(dose_ng=50_001)
    pump.firmware.stage(new)
    before = pump.state()
    for wrong in (None, 0, 1_000_000, 800_000, 1_000_003):
        assert reasons_of(lambda wrong=wrong: pump.firmware.commit(confirmed_dose_ng=wrong)) == (
            Reason(
                RefusalCode.NOT_CONFIRMED,
                Field.HIGHEST_DAILY_DOSE,
                1_000_004,
                None,
                1_000_000,
            ),
        )
    assert pump.state() == before
    assert pump.firmware.commit(confirmed_dose_ng=1_000_004) == 2
    assert records(pump, "SOFT_LIMIT_CONFIRMED") == [("SOFT_LIMIT_CONFIRMED", 1_000_004, 1_000_000)]


def test_a_dose_at_the_soft_limit_needs_no_confirmation() -> None:
    """And leaves no record of one."""
    pump = implanted(continuous())
    pump.firmware.stage(on_demand(dose_ng=50_000))
    assert pump.firmware.commit() == 2
    assert records(pump, "SOFT_LIMIT_CONFIRMED") == []


# --- Granted and refused -------------------------------------------------------------------------


def test_ten_presses_in_an_hour_give_one_bolus() -> None:
    """T15, REQ-12, REQ-13: nine are refused for the lockout, and every one is on record."""
    pump = implanted(on_demand())
    answers = [ask(pump, minute * MINUTE) for minute in range(0, 60, 6)]
    assert answers == [None, *[LOCKED_OUT] * 9]
    assert records(pump)[1:] == [
        ("PATIENT_BOLUS_STARTED", 10_000, 0),
        ("PATIENT_BOLUS_REFUSED", 33, 0),
        ("BOLUS_COMPLETED", 10_000, 0),
        *[("PATIENT_BOLUS_REFUSED", 33, 0)] * 8,
    ]
    assert delivered_units(pump) == 400_000 * 54 * MINUTE + 10_000 * DAY


def test_the_fifth_in_a_day_is_refused_for_the_allotment() -> None:
    """T15, REQ-12: until 24 h after the first, to the millisecond."""
    pump = implanted(on_demand())
    asked = [0, 4 * HOUR, 8 * HOUR, 12 * HOUR, 16 * HOUR, DAY - 1, DAY, 28 * HOUR - 1, 28 * HOUR]
    assert [ask(pump, at_ms) for at_ms in asked] == [
        None,
        None,
        None,
        None,
        ALLOTMENT_USED,
        ALLOTMENT_USED,
        None,
        LOCKED_OUT,
        None,
    ]
    assert [code for _, code, _ in records(pump, "PATIENT_BOLUS_REFUSED")] == [34, 34, 33]


def test_the_lockout_counts_from_the_beginning_of_the_last_bolus() -> None:
    """REQ-12: and the refusal tells when it ends."""
    pump = implanted(on_demand())
    pump.settle(7)
    result = pump.press_button()
    assert (result.volume_nl, result.started_at_ms, result.ends_at_ms) == (
        10_000,
        7,
        10 * MINUTE + 7,
    )
    assert (result.left, result.next_at_ms) == (3, 4 * HOUR + 7)
    pump.settle(4 * HOUR + 6)
    assert reasons_of(pump.press_button) == (Reason(LOCKED_OUT, NONE, 4 * HOUR + 7),)
    pump.settle(4 * HOUR + 7)
    assert pump.press_button().started_at_ms == 4 * HOUR + 7


def test_a_refusal_names_every_reason() -> None:
    """Locked out until 16:00, and the day's four are used until tomorrow."""
    pump = implanted(on_demand())
    for hour in (0, 4, 8, 12):
        ask(pump, hour * HOUR)
    pump.settle(12 * HOUR + MINUTE)
    assert reasons_of(pump.press_button) == (
        Reason(LOCKED_OUT, NONE, 16 * HOUR),
        Reason(ALLOTMENT_USED, NONE, DAY),
        Reason(RefusalCode.BOLUS_ACTIVE),
    )


def test_where_none_is_prescribed_none_is_given() -> None:
    """REQ-13: the request is on record all the same."""
    pump = implanted(continuous())
    assert refused(pump.press_button) == [(RefusalCode.NOT_PRESCRIBED, NONE)]
    assert records(pump, "PATIENT_BOLUS_REFUSED") == [("PATIENT_BOLUS_REFUSED", 32, 0)]


def test_a_pump_that_delivers_nothing_gives_no_patient_bolus() -> None:
    """REQ-13: empty, held by a latch, at the end of its service: each with its own number."""
    empty = Pump.implant(PROFILE, on_demand(), volume_nl=0)
    assert refused(empty.press_button) == [(RefusalCode.RESERVOIR_EMPTY, NONE)]
    short = Pump.implant(PROFILE, on_demand(), volume_nl=9_999)
    assert reasons_of(short.press_button) == (
        Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_VOLUME, 10_000, 1, 9_999),
    )
    latched = Pump.implant(PROFILE, on_demand(), volume_nl=1_000_000)
    latched.inject(MriScan(latches_telemetry=True))
    assert refused(latched.press_button) == [(RefusalCode.INFUSION_HELD, NONE)]
    ended = implanted(on_demand())
    ended.inject(BatteryFailure())
    assert RefusalCode.END_OF_SERVICE in {each.code for each in reasons_of(ended.press_button)}
    codes = [
        records(pump, "PATIENT_BOLUS_REFUSED")[-1][1] for pump in (empty, short, latched, ended)
    ]
    assert codes == [26, 16, 35, 27]


def test_a_refusal_changes_nothing_but_the_log() -> None:
    """REQ-13: one record, and therapy as it was."""
    pump = implanted(on_demand())
    ask(pump, 0)
    pump.settle(HOUR)
    before = pump.state()
    assert ask(pump, HOUR) is LOCKED_OUT
    after = pump.state()
    assert replace(after.firmware, log=before.firmware.log) == before.firmware
    assert after.hardware == before.hardware
    assert len(after.firmware.log.entries) == len(before.firmware.log.entries) + 1


def test_a_repeated_request_is_answered_from_memory() -> None:
    """REQ-07, REQ-13: neither executed nor logged a second time, refused or not."""
    pump = implanted(on_demand())
    first = PatientRequest(programmer_id=9, order_number=1)
    result = pump.firmware.request_patient_bolus(first)
    pump.settle(MINUTE)
    second = replace(first, order_number=2)
    before = reasons_of(lambda: pump.firmware.request_patient_bolus(second))
    pump.settle(5 * HOUR)
    state = pump.state()
    assert reasons_of(lambda: pump.firmware.request_patient_bolus(second)) == before
    assert refused(lambda: pump.firmware.request_patient_bolus(first)) == [
        (RefusalCode.STALE_ORDER, Field.ORDER_NUMBER)
    ]
    assert pump.state() == state
    assert records(pump, "PATIENT_BOLUS_STARTED", "PATIENT_BOLUS_REFUSED") == [
        ("PATIENT_BOLUS_STARTED", 10_000, 1),
        ("PATIENT_BOLUS_REFUSED", 33, 2),
    ]
    other = implanted(on_demand())
    assert other.firmware.request_patient_bolus(first) == result
    assert other.firmware.request_patient_bolus(first) == result
    assert len(records(other, "PATIENT_BOLUS_STARTED")) == 1


def test_the_status_tells_how_many_are_left_and_when_the_next_may_be_asked_for() -> None:
    """Never in the past; None where none is prescribed."""
    pump = implanted(on_demand())

    def told() -> tuple[int, int, int] | None:
        state = pump.status().patient
        return None if state is None else (state.allotted_per_day, state.left, state.next_at_ms)

    assert told() == (4, 4, 0)
    for hour in (0, 4, 8):
        ask(pump, hour * HOUR)
    assert told() == (4, 1, 12 * HOUR)
    ask(pump, 12 * HOUR)
    assert told() == (4, 0, DAY)
    pump.settle(DAY - 1)
    assert told() == (4, 0, DAY)
    pump.settle(DAY)
    assert told() == (4, 1, DAY)
    pump.settle(40 * HOUR)
    assert told() == (4, 4, 40 * HOUR)
    program(pump, continuous())
    assert told() is None


def test_an_aborted_bolus_counts_as_one() -> None:
    """REQ-12: what was begun was begun, however little of it was delivered."""
    pump = implanted(on_demand(allotted_per_day=1))
    pump.press_button()
    pump.settle(MINUTE)
    report = pump.firmware.abort_bolus()
    assert (report.kind, report.outcome, report.delivered_nl) == (
        BolusKind.PATIENT,
        BolusOutcome.ABORTED,
        1_000,
    )
    assert refused(pump.press_button) == [(LOCKED_OUT, NONE), (ALLOTMENT_USED, NONE)]


# --- What lockout and allotment outlive ----------------------------------------------------------


def twice(pump: Pump) -> None:
    """The day's two boluses, the second at 4 h, so that the next is at 24 h."""
    assert [ask(pump, 0), ask(pump, 4 * HOUR)] == [None, None]
    pump.settle(5 * HOUR)


BOTH = [(LOCKED_OUT, NONE), (ALLOTMENT_USED, NONE)]


@pytest.mark.parametrize("cause", ResetCause)
def test_a_reset_forgets_neither_lockout_nor_allotment(cause: ResetCause) -> None:
    """REQ-12: a pump that starts anew and is programmed again counts on."""
    prescription = on_demand(allotted_per_day=2)
    pump = implanted(prescription)
    twice(pump)
    pump.reset(cause)
    assert refused(pump.press_button) == [(RefusalCode.NOT_PRESCRIBED, NONE)]
    program(pump, prescription)
    assert refused(pump.press_button) == BOTH
    assert ask(pump, DAY - 1) is ALLOTMENT_USED
    assert ask(pump, DAY) is None


@pytest.mark.parametrize("days", [-1, 1, 400])
def test_a_set_clock_moves_neither_lockout_nor_allotment(days: int) -> None:
    """REQ-12, REQ-28: to set the clock forward is no way to another bolus."""
    pump = Pump.implant(PROFILE, on_demand(allotted_per_day=2), clock_local_ms=1_000 * DAY)
    twice(pump)
    pump.firmware.set_clock(1_000 * DAY + 5 * HOUR + days * DAY)
    assert refused(pump.press_button) == BOTH
    assert ask(pump, DAY - 1) is ALLOTMENT_USED
    assert ask(pump, DAY) is None


def test_a_commit_keeps_the_history_and_brings_its_own_limits() -> None:
    """REQ-12: the same boluses, held against what is prescribed now."""
    pump = implanted(on_demand(allotted_per_day=2))
    twice(pump)
    program(pump, continuous())
    program(pump, on_demand(allotted_per_day=2))
    assert refused(pump.press_button) == BOTH
    program(pump, on_demand(allotted_per_day=3, lockout_ms=2 * HOUR))
    assert reasons_of(pump.press_button) == (Reason(LOCKED_OUT, NONE, 6 * HOUR),)
    assert ask(pump, 6 * HOUR) is None
    program(pump, on_demand(allotted_per_day=1, lockout_ms=HOUR))
    pump.settle(9 * HOUR)
    assert reasons_of(pump.press_button) == (Reason(ALLOTMENT_USED, NONE, 30 * HOUR),)


def test_lockout_and_allotment_follow_the_pumps_own_clock() -> None:
    """A clock 10 % fast says that 4 h are over after 3 h 38 min; it cannot know better."""
    pump = implanted(on_demand(allotted_per_day=2))
    pump.inject(ClockDrift(drift_ppm=100_000))
    assert ask(pump, 0) is None
    first_ms = -(-4 * HOUR * 10 // 11)
    assert ask(pump, first_ms - 1) is LOCKED_OUT
    assert pump.firmware.at_ms < 4 * HOUR
    assert ask(pump, first_ms) is None
    assert pump.firmware.at_ms >= 4 * HOUR
    day_ms = -(-DAY * 10 // 11)
    assert ask(pump, day_ms - 1) is ALLOTMENT_USED
    assert ask(pump, day_ms) is None


def test_a_refill_does_not_begin_a_new_allotment() -> None:
    """REQ-12."""
    pump = implanted(on_demand(allotted_per_day=2))
    twice(pump)
    refill(pump)
    assert refused(pump.press_button) == BOTH


def test_a_restored_pump_counts_on() -> None:
    """State before processes."""
    pump = implanted(on_demand(allotted_per_day=2))
    twice(pump)
    other = forked(pump)
    assert refused(other.press_button) == BOTH
    assert ask(other, DAY) is None


@settings(max_examples=60, deadline=None)
@given(
    presses=st.lists(st.integers(1, 5 * HOUR), max_size=60),
    lockout_ms=st.integers(MINUTE, 8 * HOUR),
    allotted=st.integers(1, 6),
)
def test_never_more_than_the_allotment_in_any_24_hours_nor_two_within_a_lockout(
    presses: list[int], lockout_ms: int, allotted: int
) -> None:
    """REQ-12: however the button is pressed; and none is refused that need not be."""
    prescription = on_demand(
        dose_ng=2_000, duration_ms=MINUTE, lockout_ms=lockout_ms, allotted_per_day=allotted
    )
    pump = implanted(prescription)
    granted: list[int] = []
    for pause_ms in presses:
        at_ms = pump.at_ms + pause_ms
        allowed = not granted or at_ms >= granted[-1] + lockout_ms
        allowed &= sum(each > at_ms - DAY for each in granted) < allotted
        assert (ask(pump, at_ms) is None) == allowed
        if allowed:
            granted.append(at_ms)
    assert moments(pump, "PATIENT_BOLUS_STARTED") == granted
    assert len(records(pump, "PATIENT_BOLUS_REFUSED")) == len(presses) - len(granted)


# --- The worst case ------------------------------------------------------------------------------


def greedy(pump: Pump) -> int | None:
    """When the reservoir is low if the patient presses every time that it is possible.

    Found by doing so, with a second pump in the same state.
    """
    other = forked(pump)
    while not records_of_low(other):
        state = other.status().patient
        assert state is not None
        running = other.status().bolus
        ask_ms = max(other.at_ms, state.next_at_ms)
        if running is not None and running.kind is not BolusKind.PERIODIC:
            ask_ms = max(ask_ms, running.started_at_ms + running.duration_ms)
        low_ms = other.status().low_reservoir_at_ms
        assert low_ms is not None
        other.settle(ask_ms)
        if not records_of_low(other):
            other.press_button()
    return moments(other, "ALARM_RAISED")[-1]


def records_of_low(pump: Pump) -> bool:
    return ("ALARM_RAISED", 1, 1) in records(pump)


@pytest.mark.parametrize("presses", [(), (0,), (0, 4 * HOUR), (0, 9 * HOUR, 13 * HOUR)])
@pytest.mark.parametrize("lockout_ms", [4 * HOUR, 6 * HOUR, 5 * HOUR + 1, 10 * HOUR])
def test_the_worst_case_date_is_that_of_a_patient_who_never_misses_a_chance(
    presses: tuple[int, ...], lockout_ms: int
) -> None:
    """REQ-19: whatever was asked for before, against a walk that presses the button."""
    prescription = on_demand(dose_ng=100_000, lockout_ms=lockout_ms)
    pump = Pump.implant(PROFILE, prescription, volume_nl=6_000_000)
    for at_ms in presses:
        ask(pump, at_ms)
    assert pump.status().low_reservoir_at_ms == greedy(pump)


@settings(max_examples=40, deadline=None)
@given(
    dose_ng=st.integers(1_000, 200_000),
    duration_ms=st.integers(MINUTE, 2 * HOUR),
    extra_ms=st.integers(0, 30 * HOUR),
    allotted=st.integers(1, 5),
    presses=st.lists(st.integers(0, 12 * HOUR), max_size=8),
    single=st.booleans(),
)
def test_the_worst_case_date_agrees_with_a_greedy_walk(
    dose_ng: int, duration_ms: int, extra_ms: int, allotted: int, presses: list[int], single: bool
) -> None:
    """REQ-19: in the middle of anything."""
    prescription = on_demand(
        dose_ng=dose_ng,
        duration_ms=duration_ms,
        lockout_ms=duration_ms + extra_ms,
        allotted_per_day=allotted,
    )
    try:
        pump = Pump.implant(PROFILE, prescription, volume_nl=5_500_000)
    except Refused:
        return
    for pause_ms in presses:
        ask(pump, pump.at_ms + pause_ms)
    if single and pump.status().bolus is None:
        pump.firmware.order_bolus(bolus(duration_ms=HOUR))
    if not records_of_low(pump):
        assert pump.status().low_reservoir_at_ms == greedy(pump)


def test_the_worst_case_counts_the_boluses_of_a_schedule_and_of_a_train_as_they_are() -> None:
    """REQ-19: flex steps and periodic boluses flow as prescribed, the patient's on top of them."""
    day_night = flex(continuous(), pattern(WEEK, (0, 200_000), (6 * 60, 600_000)))
    train = periodic(
        continuous(),
        dose_ng=30_000,
        duration_ms=10 * MINUTE,
        interval_ms=6 * HOUR,
        basal_rate_nl_per_day=300_000,
        first_after_ms=3 * HOUR,
    )
    # The walk's boluses keep clear of the train's, which would shift it.
    for base in (day_night, train):
        prescription = on_demand(base, lockout_ms=6 * HOUR)
        pump = Pump.implant(PROFILE, prescription, volume_nl=5_000_000, clock_local_ms=5 * HOUR)
        assert pump.status().low_reservoir_at_ms == greedy(pump)


def test_the_alarm_itself_follows_what_has_flowed() -> None:
    """REQ-19: the date is that of the worst case, and comes later as long as nobody asks."""
    pump = implanted(on_demand(dose_ng=100_000))
    worst_ms = pump.status().low_reservoir_at_ms
    assert worst_ms is not None
    assert worst_ms < 45 * DAY
    pump.settle(worst_ms)
    assert not records_of_low(pump)
    later_ms = pump.status().low_reservoir_at_ms
    assert later_ms is not None
    assert worst_ms < later_ms < 45 * DAY
    pump.settle(45 * DAY - 1)
    assert not records_of_low(pump)
    pump.settle(45 * DAY)
    assert records_of_low(pump)
    assert pump.status().low_reservoir_at_ms == 45 * DAY


@settings(max_examples=40, deadline=None)
@given(treatments)
def test_the_worst_case_is_never_later_than_without_the_patient(prescription: Prescription) -> None:
    """REQ-19: and the same where no patient bolus is prescribed."""
    with_patient, without = implanted(prescription), implanted(replace(prescription, patient=None))
    early, late = (pump.status().low_reservoir_at_ms for pump in (with_patient, without))
    if prescription.patient is None:
        assert early == late
    elif late is not None:
        assert early is not None
        assert early <= late


def test_the_mode_of_a_prescription_with_patient_boluses_is_any_that_treats() -> None:
    """Continuous, flex and periodic."""
    train = periodic(continuous(), dose_ng=30_000, duration_ms=HOUR, interval_ms=6 * HOUR)
    for base in (continuous(), flex(continuous(), pattern(WEEK, (0, 400_000))), train):
        pump = implanted(on_demand(base))
        assert pump.press_button().volume_nl == 10_000
        assert pump.firmware.prescription.mode is base.mode
        assert base.mode in {Mode.SIMPLE_CONTINUOUS, Mode.FLEX, Mode.PERIODIC_BOLUS}
