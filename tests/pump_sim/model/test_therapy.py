"""What a pump delivers and when, in figures that can be reckoned by hand."""

from dataclasses import replace

import pytest

from pump_sim.model.orders import BolusKind, BolusOutcome, BolusReport
from pump_sim.model.prescription import DayPattern, Mode, PatientBolus, PeriodicBolus, Step
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import RefusalCode, Refused
from pump_sim.model.units import UNITS_PER_NL

from .strategies import (
    BACLOFEN,
    DAY,
    HOUR,
    MINUTE,
    PROFILE,
    AbortBolus,
    AskForBolus,
    GiveBolus,
    Prescribe,
    Prime,
    Refill,
    Reset,
    continuous,
    perform,
    prescribed,
)

WEEKEND = DayPattern(frozenset({5, 6}), (Step(0, 600_000),))
NIGHTS = DayPattern(
    frozenset(range(5)), (Step(0, 200_000), Step(6 * 60, 480_000), Step(22 * 60, 200_000))
)
WEEK = prescribed(Mode.FLEX, days=(WEEKEND, NIGHTS))
EVERY_SIX_HOURS = PeriodicBolus(
    basal_rate_nl_per_day=100_000,
    dose_ng=30_000,
    volume_nl=15_000,
    duration_ms=10 * MINUTE,
    interval_ms=6 * HOUR,
    first_after_ms=HOUR,
)
TRAIN = prescribed(Mode.PERIODIC_BOLUS, periodic=EVERY_SIX_HOURS)
ON_DEMAND = PatientBolus(
    dose_ng=20_000,
    volume_nl=10_000,
    duration_ms=10 * MINUTE,
    lockout_ms=4 * HOUR,
    allotted_per_day=4,
)
MONDAY = 4 * DAY
"""1970-01-05."""


def events_since(pump: Pump, length: int = 1) -> list[tuple[int, str, int, int]]:
    entries = pump.firmware.log.entries[length:]
    return [(entry.at_ms, entry.event.name, entry.a, entry.b) for entry in entries]


def last_bolus(pump: Pump) -> BolusReport:
    report = pump.status().last_bolus
    assert report is not None
    return report


# --- Forecast and belief -------------------------------------------------------------------------


def test_time_does_not_age_the_forecast() -> None:
    """The low-reservoir date of 800 mcg/day from 20 mL is day 45, asked at any time (REQ-19)."""
    pump = Pump.implant(PROFILE, continuous())
    for day in range(45):
        pump.settle(day * DAY + 12_345)
        assert pump.status().low_reservoir_at_ms == 45 * DAY
        assert Pump.from_state(pump.state()).status().low_reservoir_at_ms == 45 * DAY


def test_a_bolus_delivers_its_volume_exactly_once() -> None:
    """REQ-07: nothing more after its end, nothing of it twice; its parts add up."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(1_000)
    assert perform(pump, GiveBolus(100_001, 777_777), 1) is not None
    pump.settle(1_000 + 777_777)
    report = pump.status().last_bolus
    assert report is not None
    assert report.delivered_nl == 50_000  # 50,000.5 nL, ties to even
    basal_units = 400_000 * 778_777
    delivered = pump.state().firmware.ledger.delivered_units
    assert delivered == basal_units + 50_000 * UNITS_PER_NL
    pump.settle(2_000_000)
    assert pump.state().firmware.ledger.delivered_units == (
        400_000 * 2_000_000 + 50_000 * UNITS_PER_NL
    )


def test_a_bolus_that_the_reservoir_just_holds_completes_and_one_unit_more_does_not() -> None:
    """REQ-07: 25,000 nL in 432,000 ms, with 2,000 nL at the basal rate, out of 27,000 nL."""
    for duration_ms, outcome, delivered_nl in (
        (432_000, BolusOutcome.COMPLETED, 25_000),
        (432_001, BolusOutcome.ABORTED, 24_999),
    ):
        pump = Pump.implant(PROFILE, continuous(), volume_nl=27_000)
        assert perform(pump, GiveBolus(50_000, duration_ms), 1) is not None
        pump.settle(duration_ms)
        assert pump.status().believed_volume_nl == 0
        report = pump.status().last_bolus
        assert report is not None
        assert (report.outcome, report.delivered_nl) == (outcome, delivered_nl)


def test_delivery_is_what_was_programmed_at_every_rate() -> None:
    """REQ-02: a nominal pump is exact over a day at the lowest, a middle and the highest rate."""
    for dose_ng, concentration in ((96_000, 2_000_000), (800_000, 2_000_000), (24_000, 1_000)):
        pump = Pump.implant(PROFILE, continuous(dose_ng, concentration), volume_nl=20_000_000)
        hours = 24 if pump.firmware.prescription.rate_nl_per_day < 20_000_000 else 12
        pump.settle(DAY * hours // 24)
        expected = pump.firmware.prescription.rate_nl_per_day * hours // 24
        assert pump.truth().actual_delivered_nl == expected
        assert pump.status().delivered_nl == expected


def test_the_low_reservoir_alarm_follows_belief_not_truth() -> None:
    """T12: a pump that delivers a quarter too much is dry on day 40 and silent until day 45."""
    pump = Pump.implant(PROFILE, continuous(), flow_factor_ppm=1_250_000)
    pump.settle(40 * DAY - 1)
    assert pump.truth().actual_volume_nl == 0
    assert pump.truth().actual_rate_nl_per_day == 500_000
    pump.settle(40 * DAY)
    assert pump.truth().actual_rate_nl_per_day == 0
    assert pump.status().believed_volume_nl == 4_000_000
    assert pump.status().infusing_nl_per_day == 400_000
    assert pump.status().alarms == ()
    pump.settle(50 * DAY)
    assert [
        entry.at_ms for entry in pump.firmware.log.entries if entry.event.name == "ALARM_RAISED"
    ] == [
        45 * DAY,
        50 * DAY,
    ]
    assert pump.truth().actual_delivered_nl == 20_000_000


def test_a_refill_that_the_pump_is_not_told_of_changes_truth_only() -> None:
    """And one that it is told of wrongly changes belief only (domain.md 1.4)."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(30 * DAY)
    pump.fill_by_hand(20_000_000)
    assert pump.status().believed_volume_nl == 8_000_000
    assert pump.truth().actual_volume_nl == 20_000_000


# --- A week's schedule ---------------------------------------------------------------------------


def test_a_week_delivers_its_steps_by_the_local_clock() -> None:
    """200 and 480 nL/day x 1,000 on workdays, 600 at weekends; to the unit, from any weekday."""
    workday = 200_000 * 8 * HOUR + 480_000 * 16 * HOUR
    for first_day in range(7):
        pump = Pump.implant(PROFILE, WEEK, clock_local_ms=MONDAY + first_day * DAY)
        delivered = 0
        for day in range(first_day, first_day + 7):
            delivered += 600_000 * DAY if day % 7 in (5, 6) else workday
            pump.settle(pump.at_ms + DAY)
            assert pump.state().firmware.ledger.delivered_units == delivered


def test_a_step_begins_at_its_very_millisecond() -> None:
    """At 06:00 and at 22:00 on a Monday, and at midnight on the Saturday."""
    pump = Pump.implant(PROFILE, WEEK, clock_local_ms=MONDAY)
    for at_ms, rate in (
        (6 * HOUR - 1, 200_000),
        (6 * HOUR, 480_000),
        (22 * HOUR - 1, 480_000),
        (22 * HOUR, 200_000),
        (5 * DAY - 1, 200_000),
        (5 * DAY, 600_000),
        (7 * DAY, 200_000),
    ):
        pump.settle(at_ms)
        assert pump.status().infusing_nl_per_day == rate
    assert events_since(pump) == []


def test_a_clock_setting_puts_the_step_of_the_new_time_in_force() -> None:
    """REQ-28 leaves out what is meant to follow the clock: doses of the day and the night."""
    pump = Pump.implant(PROFILE, WEEK, clock_local_ms=MONDAY)
    pump.settle(HOUR)
    pump.firmware.set_clock(MONDAY + 12 * HOUR)
    assert pump.status().infusing_nl_per_day == 480_000
    pump.settle(11 * HOUR - 1)
    assert pump.status().infusing_nl_per_day == 480_000
    pump.settle(11 * HOUR)
    assert pump.status().infusing_nl_per_day == 200_000
    assert pump.state().firmware.ledger.delivered_units == 200_000 * HOUR + 480_000 * 10 * HOUR


# --- Periodic boluses ----------------------------------------------------------------------------


def test_periodic_boluses_come_at_their_interval_and_leave_no_record() -> None:
    """They are the prescription: 15,000 nL every six hours, the first after one, on 0.1 mL/day."""
    pump = Pump.implant(PROFILE, TRAIN)
    assert pump.status().next_periodic_at_ms == HOUR
    for hour, delivered_nl in ((1, 0), (7, 15_000), (13, 30_000), (19, 45_000)):
        pump.settle(hour * HOUR)
        assert pump.status().infusing_nl_per_day == 100_000 + 15_000 * 144
        delivered = pump.state().firmware.ledger.delivered_units
        assert delivered == 100_000 * hour * HOUR + delivered_nl * UNITS_PER_NL
        running = pump.status().bolus
        assert running is not None
        assert (running.kind, running.order_number) == (BolusKind.PERIODIC, 0)
        pump.settle(hour * HOUR + 10 * MINUTE)
        assert pump.status().bolus is None
        assert pump.status().next_periodic_at_ms == (hour + 6) * HOUR
    assert events_since(pump) == []


def test_a_periodic_bolus_waits_until_another_has_ended_and_the_train_goes_on_from_there() -> None:
    """REQ-09: shifted, not added; nothing is stacked."""
    pump = Pump.implant(PROFILE, TRAIN)
    pump.settle(50 * MINUTE)
    assert perform(pump, GiveBolus(40_000, 30 * MINUTE), 1) is not None
    pump.settle(HOUR)
    assert pump.status().infusing_nl_per_day == 100_000 + 20_000 * 48
    pump.settle(80 * MINUTE)
    assert pump.status().infusing_nl_per_day == 100_000 + 15_000 * 144
    pump.settle(90 * MINUTE)
    assert events_since(pump, 2) == [
        (HOUR, "PERIODIC_BOLUS_SHIFTED", 15_000, 80 * MINUTE),
        (80 * MINUTE, "BOLUS_COMPLETED", 20_000, 1),
        (80 * MINUTE, "PERIODIC_BOLUS_STARTED", 15_000, 0),
        (90 * MINUTE, "BOLUS_COMPLETED", 15_000, 0),
    ]
    assert pump.status().next_periodic_at_ms == 80 * MINUTE + 6 * HOUR


def test_the_rest_of_a_periodic_bolus_is_delivered_after_what_cut_it() -> None:
    """Exactly, over the rest of its duration: 15,000 and 20,000 nL, each once (REQ-07)."""
    pump = Pump.implant(PROFILE, TRAIN)
    cut = HOUR + 123_457
    pump.settle(cut)
    assert perform(pump, GiveBolus(40_000, 30 * MINUTE), 1) is not None
    rest_units = 15_000 * UNITS_PER_NL - 15_000 * UNITS_PER_NL * 123_457 // (10 * MINUTE)
    end = cut + 30 * MINUTE
    pump.settle(end)
    assert events_since(pump) == [
        (cut, "PERIODIC_BOLUS_SHIFTED", rest_units // UNITS_PER_NL, end),
        (cut, "BOLUS_STARTED", 20_000, 1),
        (end, "BOLUS_COMPLETED", 20_000, 1),
        (end, "PERIODIC_BOLUS_STARTED", rest_units // UNITS_PER_NL, 0),
    ]
    pump.settle(end + 10 * MINUTE - 123_457)
    assert pump.status().bolus is None
    delivered = pump.state().firmware.ledger.delivered_units
    assert delivered == 100_000 * pump.at_ms + 35_000 * UNITS_PER_NL


def test_the_low_reservoir_date_reckons_with_the_rest_that_waits() -> None:
    """REQ-19: it is shown while the rest of a periodic bolus waits, and comes when it flows."""
    threshold_nl = PROFILE.capacity_nl // 2
    train = replace(TRAIN, low_reservoir_threshold_nl=threshold_nl)
    basal_nl = 100_000 * 61 // 1_440
    pump = Pump.implant(PROFILE, train, volume_nl=threshold_nl + basal_nl + 10_000)
    pump.settle(61 * MINUTE)
    assert perform(pump, GiveBolus(2, MINUTE), 1) is not None
    shown_ms = pump.status().low_reservoir_at_ms
    pump.settle(80 * MINUTE)
    (low,) = pump.status().alarms
    assert low.raised_at_ms == shown_ms


# --- Patient boluses -----------------------------------------------------------------------------


def test_ten_presses_in_an_hour_give_one_bolus_and_nine_refusals() -> None:
    """T15: lockout, then quota, each with the moment from which it would be given (REQ-12, 13)."""
    pump = Pump.implant(PROFILE, continuous(patient=ON_DEMAND))
    for press in range(10):
        pump.settle(press * 6 * MINUTE)
        assert (perform(pump, AskForBolus(), press + 1) is not None) == (press == 0)
    events = [event for _, event, _, _ in events_since(pump)]
    assert events.count("PATIENT_BOLUS_STARTED") == 1
    assert events.count("PATIENT_BOLUS_REFUSED") == 9
    for hour in (4, 8, 12):
        pump.settle(hour * HOUR)
        assert perform(pump, AskForBolus(), hour + 100) is not None
    pump.settle(20 * HOUR)
    with pytest.raises(Refused) as caught:
        pump.press_button()
    (reason,) = caught.value.reasons
    assert reason.code is RefusalCode.ALLOTMENT_USED
    pump.settle(DAY - 1)
    with pytest.raises(Refused, match="ALLOTMENT_USED"):
        pump.press_button()
    pump.settle(DAY)
    assert pump.press_button().started_at_ms == DAY


def test_a_single_bolus_ends_the_patient_s_and_it_counts_all_the_same() -> None:
    """Half of it was delivered; the allotment is what may begin, not what was had (REQ-12)."""
    pump = Pump.implant(PROFILE, continuous(patient=ON_DEMAND))
    assert perform(pump, AskForBolus(), 1) is not None
    pump.settle(5 * MINUTE)
    assert perform(pump, GiveBolus(10_000, 10 * MINUTE), 2) is not None
    assert events_since(pump, 2) == [
        (5 * MINUTE, "BOLUS_ABORTED", 5_000, 1),
        (5 * MINUTE, "BOLUS_STARTED", 5_000, 2),
    ]
    pump.settle(HOUR)
    assert perform(pump, AskForBolus(), 3) is None


def test_the_low_reservoir_date_assumes_every_patient_bolus() -> None:
    """REQ-19: 0.4 mL/day and 4 x 0.01 mL/day make 0.44: 18 mL last 40.9 days, not 45."""
    pump = Pump.implant(PROFILE, continuous(patient=ON_DEMAND))
    # Boluses at 0, 4, 8 and 12 o'clock of every day: 40 days of 440,000 nL leave 400,000 nL above
    # the threshold, of which the last day's boluses take 40,000 and the basal rate the rest.
    expected = 40 * DAY + (400_000 - 4 * 10_000) * DAY // 400_000
    assert pump.status().low_reservoir_at_ms == expected
    assert Pump.implant(PROFILE, continuous()).status().low_reservoir_at_ms == 45 * DAY


# --- Bridge, priming, reset ----------------------------------------------------------------------


def test_a_bridge_clears_the_old_drug_at_a_rate_that_suits_it() -> None:
    """T9: 2,000 to 500 mcg/mL at 300 mcg/day: 0.15 mL/day for 54.4 h, then 0.60 (REQ-11)."""
    pump = Pump.implant(PROFILE, continuous(300_000))
    pump.settle(DAY)
    assert perform(pump, Prescribe(continuous(300_000, 500_000), 340_000), 1) is not None
    over = DAY + 54 * HOUR + 24 * MINUTE
    for at_ms, rate in ((DAY, 150_000), (over - 1, 150_000), (over, 600_000)):
        pump.settle(at_ms)
        assert pump.status().infusing_nl_per_day == rate
    assert pump.state().firmware.ledger.delivered_units == (150_000 + 340_000) * UNITS_PER_NL
    assert last_bolus(pump).kind is BolusKind.BRIDGE
    assert last_bolus(pump).outcome is BolusOutcome.COMPLETED


def test_a_periodic_train_begins_when_the_bridge_has_ended() -> None:
    """The bridge is in the place of the whole mode, not only of its basal rate."""
    pump = Pump.implant(PROFILE, continuous(300_000))
    old_drug = pump.firmware.prescription.drugs
    new_drug = (replace(BACLOFEN, concentration_ng_per_ml=500_000),)
    periodic = replace(EVERY_SIX_HOURS, volume_nl=60_000)
    train = prescribed(Mode.PERIODIC_BOLUS, drugs=new_drug, periodic=periodic)
    assert old_drug != new_drug
    assert perform(pump, Prescribe(train, 340_000), 1) is not None
    bridge = pump.firmware.prescription.bridge
    assert bridge is not None
    pump.settle(bridge.duration_ms - 1)
    assert pump.status().bolus is not None
    pump.settle(bridge.duration_ms)
    assert pump.status().infusing_nl_per_day == 100_000
    assert pump.status().next_periodic_at_ms == bridge.duration_ms + HOUR


def test_a_priming_bolus_goes_before_a_periodic_one() -> None:
    """0.34 mL in an hour, with no limit of dose: it reaches nobody."""
    pump = Pump.implant(PROFILE, TRAIN)
    assert perform(pump, Prime(340_000, 2 * HOUR), 1) is not None
    pump.settle(2 * HOUR)
    assert events_since(pump) == [
        (0, "PRIMING_STARTED", 340_000, 1),
        (HOUR, "PERIODIC_BOLUS_SHIFTED", 15_000, 2 * HOUR),
        (2 * HOUR, "BOLUS_COMPLETED", 340_000, 1),
        (2 * HOUR, "PERIODIC_BOLUS_STARTED", 15_000, 0),
    ]


def test_a_bolus_that_a_reset_ends_is_not_delivered_again() -> None:
    """REQ-07, REQ-22: not after the reset, not after the new prescription."""
    pump = Pump.implant(PROFILE, continuous())
    assert perform(pump, GiveBolus(100_000, HOUR), 1) is not None
    pump.settle(HOUR // 2)
    assert perform(pump, Reset(2), 2) is not None
    assert (last_bolus(pump).outcome, last_bolus(pump).delivered_nl) == (
        BolusOutcome.ABORTED,
        25_000,
    )
    assert pump.status().infusing_nl_per_day == PROFILE.minimum_rate_nl_per_day
    assert perform(pump, Prescribe(continuous()), 3) is not None
    assert pump.status().bolus is None
    assert pump.status().infusing_nl_per_day == 400_000


def test_a_refill_does_not_bring_back_a_bolus_that_the_empty_reservoir_ended() -> None:
    """REQ-07: and there is none left to abort."""
    pump = Pump.implant(PROFILE, continuous(), volume_nl=100_000)
    assert perform(pump, GiveBolus(200_000, DAY), 1) is not None
    pump.settle(DAY)
    assert last_bolus(pump).outcome is BolusOutcome.ABORTED
    assert perform(pump, Refill(20_000_000), 2) is not None
    assert pump.status().infusing_nl_per_day == 400_000
    assert perform(pump, AbortBolus(), 3) is None
