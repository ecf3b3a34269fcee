"""Periodic boluses: a dose that repeats at an interval of the pump's own time."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.hardware.faults import MriScan
from pump_sim.model.orders import BolusKind, BolusOutcome
from pump_sim.model.prescription import Mode, Prescription, dose_totals, periodic
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused
from pump_sim.model.rules import check_prescription

from .pumps import (
    active,
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
from .strategies import BACLOFEN, DAY, HOUR, MINUTE, PROFILE, bolus, continuous, in_periodic_mode


def every(
    interval_ms: int,
    *,
    dose_ng: int = 30_000,
    duration_ms: int = 10 * MINUTE,
    basal: int = 0,
    first_after_ms: int = 0,
) -> Prescription:
    """30 mcg of 2,000 mcg/mL in ten minutes, 15,000 nL, and nothing else, unless told otherwise."""
    return periodic(
        continuous(),
        dose_ng=dose_ng,
        duration_ms=duration_ms,
        interval_ms=interval_ms,
        basal_rate_nl_per_day=basal,
        first_after_ms=first_after_ms,
    )


SIX_HOURLY = every(6 * HOUR)
RATE = 15_000 * 144
"""nL/day of 15,000 nL in ten minutes."""


def reasons(prescription: Prescription) -> set[Reason]:
    return set(check_prescription(prescription, PROFILE))


def changed(**figures: int) -> Prescription:
    """Six-hourly with figures that nobody worked out."""
    assert SIX_HOURLY.periodic is not None
    return replace(SIX_HOURLY, periodic=replace(SIX_HOURLY.periodic, **figures))


def flow_at(pump: Pump, *moments_ms: int) -> list[int]:
    """What flows at each of these moments, in order."""
    seen = []
    for at_ms in moments_ms:
        pump.settle(at_ms)
        seen.append(pump.status().infusing_nl_per_day)
    return seen


# --- Rules ---------------------------------------------------------------------------------------


def test_minutes_for_hours_is_refused_by_the_dose_limit_and_not_by_the_flow() -> None:
    """T6, REQ-03, REQ-04: 30 mcg every 6 h is 120 mcg/day; every 6 min it is 7,200 mcg/day and
    3.6 mL/day, far within the 24 mL/day that the drive could pump.
    """
    assert (SIX_HOURLY.daily_dose_ng, SIX_HOURLY.rate_nl_per_day) == (120_000, 60_000)
    assert reasons(SIX_HOURLY) == set()
    slip = every(6 * MINUTE, duration_ms=MINUTE)
    assert (slip.daily_dose_ng, slip.rate_nl_per_day) == (7_200_000, 3_600_000)
    assert reasons(slip) == {
        Reason(RefusalCode.OUT_OF_RANGE, Field.DAILY_DOSE, 7_200_000, 1, 2_000_000)
    }
    pump = implanted(SIX_HOURLY)
    before = pump.state()
    with pytest.raises(Refused):
        pump.firmware.stage(slip)
    assert pump.state() == before


def test_every_reason_against_a_periodic_bolus_is_given_at_once() -> None:
    """REQ-01, REQ-03, REQ-05, REQ-10."""
    bad = changed(
        basal_rate_nl_per_day=6_001,
        dose_ng=500_001,
        volume_nl=1,
        duration_ms=59_999,
        interval_ms=604_800_001,
        first_after_ms=-1,
    )
    out_of_range = RefusalCode.OUT_OF_RANGE
    assert reasons(bad) == {
        Reason(out_of_range, Field.PERIODIC_BASAL_RATE, 6_001, 48_000, 24_000_000),
        Reason(out_of_range, Field.PERIODIC_DOSE, 500_001, 1, 500_000),
        Reason(RefusalCode.MISMATCH, Field.PERIODIC_VOLUME, 1, 250_000, 250_000),
        Reason(out_of_range, Field.PERIODIC_DURATION, 59_999, 60_000, DAY),
        Reason(out_of_range, Field.PERIODIC_INTERVAL, 604_800_001, 60_000, 604_800_000),
        Reason(out_of_range, Field.PERIODIC_FIRST, -1, 0, 604_800_001),
    }


def test_one_bolus_has_ended_before_the_next_begins() -> None:
    """REQ-10: an interval as long as the bolus is allowed, a millisecond less is not."""
    assert reasons(every(HOUR, duration_ms=HOUR)) == set()
    assert reasons(every(HOUR - 1, duration_ms=HOUR)) == {
        Reason(RefusalCode.OUT_OF_RANGE, Field.PERIODIC_INTERVAL, HOUR - 1, HOUR, 604_800_000)
    }


def test_the_first_comes_within_one_interval() -> None:
    """0 and the whole interval are allowed; more would be a pause that nobody prescribed."""
    for first_after_ms in (0, 6 * HOUR):
        assert reasons(changed(first_after_ms=first_after_ms)) == set()
    assert reasons(changed(first_after_ms=6 * HOUR + 1)) == {
        Reason(RefusalCode.OUT_OF_RANGE, Field.PERIODIC_FIRST, 6 * HOUR + 1, 0, 6 * HOUR)
    }


@pytest.mark.parametrize("basal", [0, 6_000, 48_000])
def test_the_basal_rate_may_be_nothing_the_minimum_or_a_therapeutic_one(basal: int) -> None:
    """REQ-01."""
    assert reasons(every(6 * HOUR, basal=basal)) == set()


def test_basal_rate_and_bolus_together_stay_within_the_highest_flow() -> None:
    """REQ-09: 500,000 nL in an hour on top of 12 mL/day is the limit, one ms shorter beyond it."""
    weak = replace(continuous(), drugs=(replace(BACLOFEN, concentration_ng_per_ml=50_000),))

    def with_duration(duration_ms: int) -> Prescription:
        return periodic(
            weak,
            dose_ng=25_000,
            duration_ms=duration_ms,
            interval_ms=DAY,
            basal_rate_nl_per_day=12_000_000,
        )

    assert reasons(with_duration(HOUR)) == set()
    assert reasons(with_duration(HOUR - 1)) == {
        Reason(RefusalCode.OUT_OF_RANGE, Field.PERIODIC_RATE, 24_000_004, 0, 24_000_000)
    }


def test_means_that_do_not_follow_from_the_bolus_are_mismatches() -> None:
    """REQ-05: the pump reckons both anew."""
    assert reasons(replace(SIX_HOURLY, daily_dose_ng=120_001, rate_nl_per_day=59_999)) == {
        Reason(RefusalCode.MISMATCH, Field.DAILY_DOSE, 120_001, 120_000, 120_000),
        Reason(RefusalCode.MISMATCH, Field.RATE, 59_999, 60_000, 60_000),
    }


def test_the_most_that_a_day_can_hold_is_counted_in_whole_boluses() -> None:
    """REQ-04: in some 24 h there begin five boluses of a train with an interval of 5 h."""
    totals = dose_totals(every(5 * HOUR, basal=48_000))
    assert totals.mean_ng == 96_000 + 144_000
    assert totals.highest_ng == 96_000 + 5 * 30_000


def test_the_dose_limit_holds_for_the_most_that_a_day_can_hold() -> None:
    """REQ-03: 500 mcg every 23 h is a mean of 522 mcg/day, and in some day 1,000."""
    basal = 500_000
    at_limit = every(23 * HOUR, dose_ng=500_000, duration_ms=HOUR, basal=basal)
    assert dose_totals(at_limit).highest_ng == 2_000_000
    assert reasons(at_limit) == set()
    beyond = every(23 * HOUR, dose_ng=500_000, duration_ms=HOUR, basal=basal + 1)
    assert reasons(beyond) == {
        Reason(RefusalCode.OUT_OF_RANGE, Field.HIGHEST_DAILY_DOSE, 2_000_002, 1, 2_000_000)
    }


@settings(max_examples=50, deadline=None)
@given(in_periodic_mode())
def test_the_means_of_any_train_agree_with_fractions(prescription: Prescription) -> None:
    """REQ-05: from the volumes, which are whole nanoliters."""
    one = prescription.periodic
    assert one is not None
    mean_nl = one.basal_rate_nl_per_day + Fraction(one.volume_nl * DAY, one.interval_ms)
    ng_per_nl = Fraction(prescription.concentration_ng_per_ml, 1_000_000)
    assert prescription.rate_nl_per_day == round(mean_nl)
    assert prescription.daily_dose_ng == round(mean_nl * ng_per_nl)


@pytest.mark.parametrize(
    ("prescription", "field"),
    [
        (replace(SIX_HOURLY, mode=Mode.SIMPLE_CONTINUOUS), Field.PERIODIC_DOSE),
        (replace(SIX_HOURLY, mode=Mode.FLEX), Field.PERIODIC_DOSE),
        (replace(SIX_HOURLY, mode=Mode.STOPPED), Field.PERIODIC_DOSE),
        (replace(SIX_HOURLY, periodic=None), Field.PERIODIC_DOSE),
    ],
)
def test_a_periodic_bolus_belongs_to_its_mode_and_to_no_other(
    prescription: Prescription, field: Field
) -> None:
    """And the mode does not go without."""
    codes = {(each.code, each.field) for each in reasons(prescription)}
    assert (RefusalCode.WRONG_MODE, field) in codes


# --- The train -----------------------------------------------------------------------------------


def test_boluses_begin_and_end_to_the_millisecond() -> None:
    """15,000 nL in ten minutes every six hours, and nothing in between."""
    pump = implanted(SIX_HOURLY)
    ends, next_ms = 10 * MINUTE, 6 * HOUR
    assert flow_at(pump, 0, ends - 1, ends, next_ms - 1, next_ms, next_ms + ends) == [
        RATE,
        RATE,
        0,
        0,
        RATE,
        0,
    ]
    assert delivered_units(pump) == 2 * 15_000 * DAY


def test_the_first_bolus_waits_as_long_as_is_prescribed() -> None:
    """Counted from the commit; the basal rate does not wait."""
    pump = implanted(continuous())
    pump.settle(HOUR)
    program(pump, every(6 * HOUR, basal=48_000, first_after_ms=2 * HOUR))
    assert pump.status().next_periodic_at_ms == 3 * HOUR
    assert flow_at(pump, HOUR, 3 * HOUR - 1, 3 * HOUR, 9 * HOUR) == [
        48_000,
        48_000,
        48_000 + RATE,
        48_000 + RATE,
    ]


def test_a_train_is_the_prescription_and_no_event() -> None:
    """Two hundred boluses later the log tells of the implant, and the ledger of each nanoliter."""
    pump = implanted(SIX_HOURLY)
    pump.settle(50 * DAY)
    assert records(pump) == [("IMPLANTED", 20_000_000, 60_000)]
    assert delivered_units(pump) == 200 * 15_000 * DAY


def test_a_bolus_that_does_not_divide_evenly_keeps_its_remainder() -> None:
    """REQ-07: 1 nL in 7 h and a bit, every time to the last unit."""
    odd = every(11 * HOUR + 1, dose_ng=2, duration_ms=7 * HOUR + 13)
    pump = implanted(odd)
    assert odd.periodic is not None
    assert odd.periodic.volume_nl == 1
    pump.settle(1_000 * (11 * HOUR + 1))
    assert delivered_units(pump) == 1_000 * DAY


def test_the_status_shows_the_running_bolus_and_the_next() -> None:
    """Ordered by nobody; while none runs there is none to show."""
    pump = implanted(SIX_HOURLY)
    pump.settle(6 * HOUR + 4 * MINUTE)
    running = pump.status().bolus
    assert running is not None
    assert (running.kind, running.outcome) == (BolusKind.PERIODIC, BolusOutcome.RUNNING)
    assert (running.programmer_id, running.order_number) == (0, 0)
    assert (running.volume_nl, running.delivered_nl) == (15_000, 6_000)
    assert (running.started_at_ms, running.duration_ms) == (6 * HOUR, 10 * MINUTE)
    assert pump.status().next_periodic_at_ms == 12 * HOUR
    pump.settle(6 * HOUR + 10 * MINUTE)
    assert pump.status().bolus is None
    assert pump.status().next_periodic_at_ms == 12 * HOUR


def test_a_set_clock_moves_no_bolus() -> None:
    """REQ-28: the interval is the pump's own time."""
    pump = implanted(SIX_HOURLY)
    pump.settle(5 * HOUR)
    pump.firmware.set_clock(pump.at_ms + 30 * DAY + 3 * HOUR)
    assert flow_at(pump, 6 * HOUR - 1, 6 * HOUR) == [0, RATE]


@settings(max_examples=30, deadline=None)
@given(in_periodic_mode())
def test_the_reservoir_is_empty_at_the_exact_moment(prescription: Prescription) -> None:
    """REQ-19: 20 mL less than a bolus away from that millisecond, against fractions."""
    plain = replace(prescription, patient=None)
    one = plain.periodic
    assert one is not None
    pump = implanted(plain)
    empty_ms = pump.status().empty_reservoir_at_ms

    def flowed(at_ms: int) -> Fraction:
        since = at_ms - one.first_after_ms
        whole, part_ms = divmod(max(0, since), one.interval_ms)
        of_one = min(Fraction(part_ms, one.duration_ms), Fraction(1))
        return Fraction(one.basal_rate_nl_per_day * at_ms, DAY) + one.volume_nl * (whole + of_one)

    if empty_ms is None:
        assert flowed(pump.status().eos_at_ms or 0) < 20_000_000
    else:
        assert flowed(empty_ms) >= 20_000_000
        # The part of a bolus is rounded down to a unit, so the ms before may just reach it.
        assert flowed(empty_ms - 1) < 20_000_000 + Fraction(1, DAY)


# --- Interrupted ---------------------------------------------------------------------------------


def test_an_aborted_bolus_is_over_and_the_next_comes_at_its_time() -> None:
    """REQ-07: what was delivered is reported, the rest is not made up for."""
    pump = implanted(SIX_HOURLY)
    pump.settle(4 * MINUTE)
    report = pump.firmware.abort_bolus()
    assert (report.kind, report.outcome, report.delivered_nl) == (
        BolusKind.PERIODIC,
        BolusOutcome.ABORTED,
        6_000,
    )
    assert records(pump, "BOLUS_ABORTED") == [("BOLUS_ABORTED", 6_000, 0)]
    assert pump.status().last_bolus == report
    assert flow_at(pump, 4 * MINUTE, 6 * HOUR - 1, 6 * HOUR) == [0, 0, RATE]
    pump.settle(12 * HOUR - 1)
    assert delivered_units(pump) == 21_000 * DAY


def test_a_bolus_aborted_as_it_begins_has_delivered_nothing() -> None:
    """And does not begin again in the same millisecond."""
    pump = implanted(SIX_HOURLY)
    pump.settle(6 * HOUR)
    assert pump.firmware.abort_bolus().delivered_nl == 0
    assert pump.status().infusing_nl_per_day == 0
    assert pump.status().next_periodic_at_ms == 12 * HOUR
    assert refused(pump.firmware.abort_bolus) == [(RefusalCode.NO_BOLUS, Field.NONE)]


def test_between_two_boluses_there_is_none_to_abort() -> None:
    """Aborting is of what runs, not of the prescription."""
    pump = implanted(SIX_HOURLY)
    pump.settle(HOUR)
    assert refused(pump.firmware.abort_bolus) == [(RefusalCode.NO_BOLUS, Field.NONE)]


def test_a_commit_ends_the_running_bolus_and_begins_a_new_train() -> None:
    """Anchored at the commit; its part is on record before it (REQ-07, REQ-23)."""
    pump = implanted(SIX_HOURLY)
    pump.settle(4 * MINUTE)
    program(pump, every(8 * HOUR, first_after_ms=HOUR))
    assert [name for name, _, _ in records(pump)[1:]] == ["STAGED", "BOLUS_ABORTED", "COMMITTED"]
    assert records(pump, "BOLUS_ABORTED") == [("BOLUS_ABORTED", 6_000, 0)]
    assert pump.status().next_periodic_at_ms == HOUR + 4 * MINUTE
    pump.settle(9 * HOUR + 3 * MINUTE)
    assert delivered_units(pump) == 21_000 * DAY


def test_a_pump_that_ran_empty_keeps_the_phase_of_its_train() -> None:
    """The interrupted bolus is over; after the refill the next comes when it always would have."""
    pump = Pump.implant(PROFILE, SIX_HOURLY, volume_nl=20_000)
    pump.settle(DAY)
    assert moments(pump, "INFUSION_STOPPED") == [6 * HOUR + 200_000]
    assert records(pump, "INFUSION_STOPPED", "BOLUS_ABORTED") == [
        ("BOLUS_ABORTED", 4_999, 0),
        ("INFUSION_STOPPED", 2, RATE),
    ]
    pump.settle(DAY + 5 * MINUTE)  # a bolus would run now
    refill(pump)
    assert pump.status().infusing_nl_per_day == 0
    assert pump.status().next_periodic_at_ms == 30 * HOUR
    assert flow_at(pump, 30 * HOUR - 1, 30 * HOUR) == [0, RATE]


def test_a_refill_at_the_very_beginning_of_a_bolus_starts_it() -> None:
    """Not before now is not after now."""
    pump = Pump.implant(PROFILE, SIX_HOURLY, volume_nl=20_000)
    pump.settle(DAY)
    refill(pump)
    assert pump.status().infusing_nl_per_day == RATE


def test_a_telemetry_latch_keeps_the_phase_of_the_train() -> None:
    """T4 in this mode: held from the scan to the interrogation, on the beat after it."""
    pump = Pump.implant(PROFILE, SIX_HOURLY, volume_nl=1_000_000)
    pump.settle(HOUR)
    pump.inject(MriScan(field_ms=MINUTE, latches_telemetry=True))
    pump.settle(20 * HOUR)
    assert delivered_units(pump) == 15_000 * DAY
    pump.interrogated()
    assert flow_at(pump, 20 * HOUR, 24 * HOUR - 1, 24 * HOUR) == [0, 0, RATE]


def test_boluses_that_fill_the_whole_interval_flow_without_a_gap() -> None:
    """REQ-10 at its limit: one ends in the millisecond in which the next begins."""
    pump = implanted(every(HOUR, dose_ng=12_345, duration_ms=HOUR))
    rates = {pump.status().infusing_nl_per_day}
    for at_ms in range(0, 10 * HOUR, 17 * MINUTE):
        rates |= set(flow_at(pump, at_ms))
    assert len(rates) == 1
    pump.settle(10 * HOUR)
    assert delivered_units(pump) == 10 * 6_172 * DAY


@settings(max_examples=30, deadline=None)
@given(in_periodic_mode(), st.lists(st.integers(0, 30 * DAY), min_size=1, max_size=5))
def test_however_often_somebody_looks_each_bolus_is_delivered_once(
    prescription: Prescription, looks: list[int]
) -> None:
    """REQ-07, and a pump restored from its state goes on equally."""
    one, other = implanted(prescription), implanted(prescription)
    for at_ms in sorted(looks):
        one.settle(at_ms)
        one = forked(one)
    other.settle(max(looks))
    assert delivered_units(one) == delivered_units(other)
    assert active(one) == active(other)


# --- Single boluses in between -------------------------------------------------------------------


def test_a_bolus_that_falls_due_under_another_waits_for_its_end_and_shifts_the_train() -> None:
    """REQ-09: logged when it would have begun; it and the next ones begin 20 min later."""
    pump = implanted(SIX_HOURLY)
    pump.settle(6 * HOUR - 10 * MINUTE)
    pump.firmware.order_bolus(bolus(duration_ms=30 * MINUTE))
    pump.settle(DAY)
    single_ends = 6 * HOUR + 20 * MINUTE
    assert records(pump)[1:] == [
        ("BOLUS_STARTED", 25_000, 1),
        ("PERIODIC_BOLUS_SHIFTED", 15_000, single_ends),
        ("BOLUS_COMPLETED", 25_000, 1),
        ("PERIODIC_BOLUS_STARTED", 15_000, 0),
        ("BOLUS_COMPLETED", 15_000, 0),
    ]
    assert moments(pump, "PERIODIC_BOLUS_SHIFTED", "PERIODIC_BOLUS_STARTED") == [
        6 * HOUR,
        single_ends,
    ]
    assert pump.status().next_periodic_at_ms == single_ends + 18 * HOUR
    assert delivered_units(pump) == (25_000 + 4 * 15_000) * DAY
    assert flow_at(pump, DAY + 20 * MINUTE) == [RATE]


def test_of_several_that_fall_due_under_one_bolus_only_one_is_made_up_for() -> None:
    """REQ-09: no stacking. Two were due, one is delivered after it."""
    pump = implanted(every(HOUR))
    pump.settle(30 * MINUTE)
    pump.firmware.order_bolus(bolus(duration_ms=2 * HOUR))  # until 2:30, over 1:00 and 2:00
    pump.settle(3 * HOUR)
    assert moments(pump, "PERIODIC_BOLUS_SHIFTED") == [HOUR]
    assert moments(pump, "PERIODIC_BOLUS_STARTED") == [2 * HOUR + 30 * MINUTE]
    assert delivered_units(pump) == (15_000 + 25_000 + 15_000) * DAY
    assert pump.status().next_periodic_at_ms == 3 * HOUR + 30 * MINUTE


def test_the_rest_of_a_bolus_that_was_cut_follows_the_other_over_the_rest_of_its_time() -> None:
    """REQ-07, REQ-09: 4 of 10 minutes are delivered, 6 follow; the train keeps its beat."""
    pump = implanted(SIX_HOURLY)
    pump.settle(4 * MINUTE)
    pump.firmware.order_bolus(bolus(duration_ms=20 * MINUTE))
    assert pump.status().infusing_nl_per_day == 25_000 * 72
    pump.settle(24 * MINUTE)
    assert pump.status().infusing_nl_per_day == RATE
    pump.settle(HOUR)
    assert records(pump)[1:] == [
        ("PERIODIC_BOLUS_SHIFTED", 9_000, 24 * MINUTE),
        ("BOLUS_STARTED", 25_000, 1),
        ("BOLUS_COMPLETED", 25_000, 1),
        ("PERIODIC_BOLUS_STARTED", 9_000, 0),
        ("BOLUS_COMPLETED", 9_000, 0),
    ]
    assert moments(pump, "PERIODIC_BOLUS_STARTED", "BOLUS_COMPLETED") == [
        24 * MINUTE,
        24 * MINUTE,
        30 * MINUTE,
    ]
    assert delivered_units(pump) == 40_000 * DAY
    assert pump.status().next_periodic_at_ms == 6 * HOUR


def test_when_the_other_is_aborted_the_rest_follows_at_once() -> None:
    """The wait was for its end, however it ends."""
    pump = implanted(SIX_HOURLY)
    pump.settle(4 * MINUTE)
    pump.firmware.order_bolus(bolus(duration_ms=20 * MINUTE))
    pump.settle(14 * MINUTE)
    assert pump.firmware.abort_bolus().kind is BolusKind.SINGLE
    assert moments(pump, "PERIODIC_BOLUS_STARTED") == [14 * MINUTE]
    pump.settle(HOUR)
    assert delivered_units(pump) == (15_000 + 12_500) * DAY


def test_a_rest_can_be_aborted_itself_and_is_then_over() -> None:
    """REQ-07: the first part was delivered before, so the report is of the rest."""
    pump = implanted(SIX_HOURLY)
    pump.settle(4 * MINUTE)
    pump.firmware.order_bolus(bolus(duration_ms=20 * MINUTE))
    pump.settle(26 * MINUTE)
    report = pump.firmware.abort_bolus()
    assert (report.kind, report.volume_nl, report.delivered_nl) == (
        BolusKind.PERIODIC,
        9_000,
        3_000,
    )
    pump.settle(5 * HOUR)
    assert delivered_units(pump) == (6_000 + 25_000 + 3_000) * DAY


def test_a_commit_drops_what_was_put_off() -> None:
    """It belongs to the prescription that is no longer in force; the single bolus goes on."""
    pump = implanted(SIX_HOURLY)
    pump.settle(4 * MINUTE)
    pump.firmware.order_bolus(bolus(duration_ms=20 * MINUTE))
    pump.settle(5 * MINUTE)
    program(pump, every(8 * HOUR, first_after_ms=HOUR))
    pump.settle(HOUR)
    assert records(pump, "PERIODIC_BOLUS_STARTED") == []
    assert delivered_units(pump) == (6_000 + 25_000) * DAY


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3 * HOUR), st.integers(2, 90)), min_size=1, max_size=12))
def test_whatever_interrupts_a_train_none_of_its_boluses_is_delivered_twice_or_cut_short(
    orders: list[tuple[int, int]],
) -> None:
    """REQ-07, REQ-09: each volume is a whole number of boluses once everything has ended."""
    pump = implanted(every(HOUR, duration_ms=20 * MINUTE))
    single_nl = 0
    for number, (pause_ms, minutes) in enumerate(orders, 1):
        pump.settle(pump.at_ms + pause_ms)
        order = bolus(number, duration_ms=minutes * MINUTE)
        running = pump.status().bolus
        if running is not None and running.kind is BolusKind.SINGLE:
            assert refused(partial(pump.firmware.order_bolus, order)) == [
                (RefusalCode.BOLUS_ACTIVE, Field.NONE)
            ]
        else:
            pump.firmware.order_bolus(order)
            single_nl += 25_000
        assert pump.status().infusing_nl_per_day <= PROFILE.max_rate_nl_per_day
    while pump.status().bolus is not None:
        pump.settle(pump.at_ms + MINUTE)
    whole, rest = divmod(delivered_units(pump) - single_nl * DAY, 15_000 * DAY)
    assert rest == 0
    assert whole <= pump.at_ms // HOUR + 1
    started = moments(pump, "PERIODIC_BOLUS_STARTED")
    assert all(early < late for early, late in pairwise(started))


def test_a_single_bolus_needs_room_beside_the_basal_rate_only() -> None:
    """REQ-09: a periodic bolus makes way, so that it never adds to the flow."""
    weak = replace(continuous(), drugs=(replace(BACLOFEN, concentration_ng_per_ml=50_000),))
    train = periodic(
        weak,
        dose_ng=25_000,
        duration_ms=HOUR,
        interval_ms=DAY,
        basal_rate_nl_per_day=12_000_000,
    )
    pump = implanted(train)
    pump.settle(30 * MINUTE)
    order = replace(
        bolus(), dose_ng=25_000, concentration_ng_per_ml=50_000, volume_nl=500_000, duration_ms=HOUR
    )
    pump.firmware.order_bolus(order)
    assert pump.status().infusing_nl_per_day == 24_000_000
    too_fast = replace(order, order_number=2, duration_ms=HOUR - 1)
    assert Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_RATE, 24_000_004, 0, 24_000_000) in (
        reasons_of(lambda: pump.firmware.order_bolus(too_fast))
    )
