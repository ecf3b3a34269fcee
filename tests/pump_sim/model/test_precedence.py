"""Which bolus goes before which: every pair of kinds, what happens and what is logged (REQ-09)."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.orders import BolusKind, BolusOrder
from pump_sim.model.prescription import (
    BridgeDecision,
    Prescription,
    bridged,
    periodic,
    with_patient_bolus,
)
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused

from .pumps import Record, delivered_units, implanted, program, reasons_of, records, refused
from .strategies import BACLOFEN, DAY, HOUR, MINUTE, PROFILE, bolus, continuous

PRIMING, BRIDGE, SINGLE, PATIENT, PERIODIC = BolusKind
STARTED = {
    PRIMING: "PRIMING_STARTED",
    BRIDGE: "BRIDGE_STARTED",
    SINGLE: "BOLUS_STARTED",
    PATIENT: "PATIENT_BOLUS_STARTED",
    PERIODIC: "PERIODIC_BOLUS_STARTED",
}
VOLUME_NL = {PRIMING: 140_000, BRIDGE: 6_000, SINGLE: 25_000, PATIENT: 5_000, PERIODIC: 15_000}
BEGINS_MS, LASTS_MS = HOUR, 20 * MINUTE
MEETS_MS = BEGINS_MS + 10 * MINUTE
"""Every bolus here lasts 20 min; the second one comes when the first is half done."""


def ordered(kind: BolusKind, number: int) -> BolusOrder:
    volume_nl = VOLUME_NL[kind]
    return replace(
        bolus(number, duration_ms=LASTS_MS),
        kind=kind,
        volume_nl=volume_nl,
        dose_ng=2 * volume_nl,
    )


def for_patients(base: Prescription) -> Prescription:
    return with_patient_bolus(
        base, dose_ng=10_000, duration_ms=LASTS_MS, lockout_ms=LASTS_MS, allotted_per_day=9
    )


def train(first_after_ms: int) -> Prescription:
    """15,000 nL in 20 min every six hours on top of 0.048 mL/day."""
    return for_patients(
        periodic(
            continuous(),
            dose_ng=30_000,
            duration_ms=LASTS_MS,
            interval_ms=6 * HOUR,
            basal_rate_nl_per_day=48_000,
            first_after_ms=first_after_ms,
        )
    )


PLAIN = for_patients(continuous(96_000))  # the same 0.048 mL/day


def running(kind: BolusKind, *, due_ms: int | None = None) -> Pump:
    """A pump in which a bolus of that kind runs since BEGINS_MS, and one of a train is due."""
    if kind is BRIDGE:
        # 6,000 nL at 432,000 nL/day last 20 minutes.
        new = train(0)
        pump = implanted(continuous(500_000, 500_000))
        pump.settle(BEGINS_MS)
        program(pump, bridged(new, continuous(500_000, 500_000), 6_000))
        return pump
    first_ms = BEGINS_MS if kind is PERIODIC else due_ms
    pump = implanted(PLAIN if first_ms is None else train(first_ms))
    pump.settle(BEGINS_MS)
    if kind is PATIENT:
        pump.press_button()
    elif kind is not PERIODIC:
        pump.firmware.order_bolus(ordered(kind, 1))
    assert pump.status().bolus is not None
    return pump


def give(pump: Pump, kind: BolusKind) -> None:
    if kind is PATIENT:
        pump.press_button()
    else:
        pump.firmware.order_bolus(ordered(kind, 2))


def flowed_nl(pump: Pump, since: int, at_ms: int) -> int:
    """What boluses have delivered after BEGINS_MS, in nL; the basal rate is 0.048 mL/day."""
    units = delivered_units(pump) - since - 48_000 * (at_ms - BEGINS_MS)
    assert units % DAY == 0
    return units // DAY


def meeting(first: BolusKind, second: BolusKind) -> tuple[list[Record], int]:
    """What is logged when the second comes while the first runs, and what both deliver."""
    pump = running(first)
    since, length = delivered_units(pump), len(records(pump))
    pump.settle(MEETS_MS)
    give(pump, second)
    pump.settle(6 * HOUR)
    return records(pump)[length:], flowed_nl(pump, since, 6 * HOUR)


# --- Ordered ones --------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [PRIMING, SINGLE])
@pytest.mark.parametrize("second", [PRIMING, SINGLE, PATIENT])
def test_what_was_ordered_is_never_cut_by_another_bolus(
    first: BolusKind, second: BolusKind
) -> None:
    """REQ-09: refused, and the first is delivered whole."""
    pump = running(first)
    since, length = delivered_units(pump), len(records(pump))
    pump.settle(MEETS_MS)
    assert refused(lambda: give(pump, second)) == [(RefusalCode.BOLUS_ACTIVE, Field.NONE)]
    pump.settle(6 * HOUR)
    refusal = [("PATIENT_BOLUS_REFUSED", 23, 0)] if second is PATIENT else []
    done = ("BOLUS_COMPLETED", VOLUME_NL[first], 1)
    assert records(pump)[length:] == [*refusal, done]
    assert flowed_nl(pump, since, 6 * HOUR) == VOLUME_NL[first]


@pytest.mark.parametrize("second", [PRIMING, SINGLE])
def test_an_ordered_bolus_cuts_that_of_the_patient(second: BolusKind) -> None:
    """REQ-07, REQ-09: half of it was delivered, is on record, and is all there will be."""
    told, flowed = meeting(PATIENT, second)
    assert told == [
        ("BOLUS_ABORTED", 2_500, 0),
        (STARTED[second], VOLUME_NL[second], 2),
        ("BOLUS_COMPLETED", VOLUME_NL[second], 2),
    ]
    assert flowed == 2_500 + VOLUME_NL[second]


def test_a_patient_bolus_that_was_cut_counts_against_the_allotment() -> None:
    """REQ-12."""
    pump = running(PATIENT)
    pump.settle(MEETS_MS)
    give(pump, SINGLE)
    state = pump.status().patient
    assert state is not None
    assert (state.left, state.next_at_ms) == (8, BEGINS_MS + LASTS_MS)


def test_a_patient_bolus_does_not_cut_itself() -> None:
    """REQ-12: the lockout is never shorter than the bolus, and both are named."""
    pump = running(PATIENT)
    pump.settle(MEETS_MS)
    assert reasons_of(pump.press_button) == (
        Reason(RefusalCode.LOCKED_OUT, Field.NONE, BEGINS_MS + LASTS_MS),
        Reason(RefusalCode.BOLUS_ACTIVE),
    )


# --- Periodic ones make way ----------------------------------------------------------------------


@pytest.mark.parametrize("second", [PRIMING, SINGLE, PATIENT])
def test_a_periodic_bolus_makes_way_and_its_rest_follows(second: BolusKind) -> None:
    """REQ-07, REQ-09: its second half is delivered after the other one, over ten minutes."""
    told, flowed = meeting(PERIODIC, second)
    number = 0 if second is PATIENT else 2
    assert told == [
        ("PERIODIC_BOLUS_SHIFTED", 7_500, MEETS_MS + LASTS_MS),
        (STARTED[second], VOLUME_NL[second], number),
        ("BOLUS_COMPLETED", VOLUME_NL[second], number),
        ("PERIODIC_BOLUS_STARTED", 7_500, 0),
        ("BOLUS_COMPLETED", 7_500, 0),
    ]
    assert flowed == 15_000 + VOLUME_NL[second]


@pytest.mark.parametrize("first", [PRIMING, SINGLE, PATIENT])
def test_a_periodic_bolus_that_falls_due_waits_for_the_end_of_the_other(first: BolusKind) -> None:
    """REQ-09: whole, once, and logged when it would have begun."""
    pump = running(first, due_ms=MEETS_MS)
    since, length = delivered_units(pump), len(records(pump))
    number = 0 if first is PATIENT else 1
    pump.settle(6 * HOUR)
    assert records(pump)[length:] == [
        ("PERIODIC_BOLUS_SHIFTED", 15_000, BEGINS_MS + LASTS_MS),
        ("BOLUS_COMPLETED", VOLUME_NL[first], number),
        ("PERIODIC_BOLUS_STARTED", 15_000, 0),
        ("BOLUS_COMPLETED", 15_000, 0),
    ]
    assert flowed_nl(pump, since, 6 * HOUR) == 15_000 + VOLUME_NL[first]
    assert pump.status().next_periodic_at_ms == BEGINS_MS + LASTS_MS + 6 * HOUR


def test_a_periodic_bolus_that_falls_due_as_the_other_ends_is_not_shifted() -> None:
    """They meet in one millisecond and do not disturb each other."""
    pump = running(SINGLE, due_ms=BEGINS_MS + LASTS_MS)
    length = len(records(pump))
    pump.settle(6 * HOUR)
    assert records(pump)[length:] == [("BOLUS_COMPLETED", 25_000, 1)]
    assert pump.status().next_periodic_at_ms == 7 * HOUR + LASTS_MS


def test_a_periodic_bolus_that_falls_due_under_the_rest_of_the_last_waits_for_it() -> None:
    """REQ-09: the rest runs as a bolus of its own, and the train makes way for that as well."""
    hourly = periodic(
        continuous(),
        dose_ng=30_000,
        duration_ms=50 * MINUTE,
        interval_ms=HOUR,
        basal_rate_nl_per_day=48_000,
    )
    pump = implanted(hourly)
    pump.settle(10 * MINUTE)
    pump.firmware.order_bolus(bolus(duration_ms=20 * MINUTE))  # the rest runs from 0:30 to 1:10
    pump.settle(3 * HOUR)
    assert records(pump)[1:] == [
        ("PERIODIC_BOLUS_SHIFTED", 12_000, 30 * MINUTE),
        ("BOLUS_STARTED", 25_000, 1),
        ("BOLUS_COMPLETED", 25_000, 1),
        ("PERIODIC_BOLUS_STARTED", 12_000, 0),
        ("PERIODIC_BOLUS_SHIFTED", 15_000, 70 * MINUTE),
        ("BOLUS_COMPLETED", 12_000, 0),
        ("PERIODIC_BOLUS_STARTED", 15_000, 0),
        ("BOLUS_COMPLETED", 15_000, 0),
    ]
    pump.settle(190 * MINUTE)  # the third of the train has ended at 3:00, the fourth begins now
    units = delivered_units(pump) - 48_000 * 190 * MINUTE
    assert units == (25_000 + 3 * 15_000) * DAY


# --- Bridges -------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [PRIMING, SINGLE, PATIENT])
def test_a_bridge_is_cut_by_no_bolus(second: BolusKind) -> None:
    """REQ-09, REQ-11: even priming is refused while one runs."""
    pump = running(BRIDGE)
    since = delivered_units(pump)
    pump.settle(MEETS_MS)
    assert (RefusalCode.BOLUS_ACTIVE, Field.NONE) in refused(lambda: give(pump, second))
    pump.settle(BEGINS_MS + LASTS_MS)
    assert delivered_units(pump) - since == 6_000 * DAY
    assert records(pump, "BOLUS_COMPLETED", "BOLUS_ABORTED") == [("BOLUS_COMPLETED", 6_000, 0)]


def test_no_periodic_bolus_falls_due_under_a_bridge() -> None:
    """The train begins when the bridge has ended, so there is none to be shifted."""
    pump = running(BRIDGE)
    pump.settle(6 * HOUR)
    assert records(pump, "PERIODIC_BOLUS_SHIFTED") == []
    assert pump.status().next_periodic_at_ms == BEGINS_MS + LASTS_MS + 6 * HOUR


@pytest.mark.parametrize("first", [PRIMING, SINGLE, PATIENT, BRIDGE])
def test_a_bridge_does_not_begin_while_another_bolus_runs(first: BolusKind) -> None:
    """Its commit is refused: what runs is of the old drug, or is a bridge itself."""
    pump = running(first)
    old = pump.firmware.prescription
    concentration = 1_000_000
    new = bridged(continuous(400_000, concentration), old, 6_000)
    pump.firmware.stage(new)
    field = Field.BRIDGE if first is BRIDGE else Field.CONCENTRATION
    assert (RefusalCode.BOLUS_ACTIVE, field) in refused(pump.firmware.commit)
    assert pump.firmware.prescription == old


def test_a_bridge_ends_a_periodic_bolus_with_its_train() -> None:
    """REQ-07: what was delivered is on record; the old train is no longer prescribed."""
    pump = running(PERIODIC)
    pump.settle(MEETS_MS)
    new = bridged(continuous(400_000, 1_000_000), pump.firmware.prescription, 6_000)
    length = len(records(pump))
    program(pump, new)
    assert records(pump)[length:] == [
        ("STAGED", 400_000, 400_000),
        ("BOLUS_ABORTED", 7_500, 0),
        ("COMMITTED", train(0).rate_nl_per_day, 400_000),
        ("MODE_CHANGED", 4, 2),
        ("BRIDGE_STARTED", 6_000, 200_000),
    ]
    assert pump.firmware.prescription.bridge_decision is BridgeDecision.BRIDGE
    assert pump.status().infusing_nl_per_day == 200_000


# --- Never too fast ------------------------------------------------------------------------------


ACTS = ["single", "priming", "ask", "abort"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40 * MINUTE), st.sampled_from(ACTS)),
        max_size=15,
    ),
    st.integers(0, 12_000_000),
)
def test_all_flows_together_never_exceed_the_highest(
    acts: list[tuple[int, str]], basal: int
) -> None:
    """REQ-09: each bolus takes all that the basal rate leaves; whatever meets, the sum does not."""
    drug = replace(BACLOFEN, concentration_ng_per_ml=50_000)
    weak = replace(continuous(), drugs=(drug,))
    basal = max(basal, 48_000)
    volume_nl = (24_000_000 - basal) * 10 * MINUTE // DAY
    dose_ng = volume_nl * 50_000 // 1_000_000
    volume_nl = dose_ng * 20
    boluses = {"dose_ng": dose_ng, "duration_ms": 10 * MINUTE}
    base = periodic(
        weak,
        **boluses,
        interval_ms=DAY,
        basal_rate_nl_per_day=basal,
        first_after_ms=HOUR,
    )
    pump = implanted(
        with_patient_bolus(base, **boluses, lockout_ms=10 * MINUTE, allotted_per_day=2)
    )
    order = replace(
        bolus(duration_ms=10 * MINUTE),
        dose_ng=dose_ng,
        volume_nl=volume_nl,
        concentration_ng_per_ml=50_000,
    )
    since_ms, since = 0, 0
    for number, (pause_ms, act) in enumerate(acts, 1):
        until_ms = pump.at_ms + pause_ms
        while True:
            due_ms = pump.next_due_ms()
            stop_ms = until_ms if due_ms is None else min(due_ms, until_ms)
            pump.settle(stop_ms)
            units = delivered_units(pump)
            # The rounding of a bolus' last unit is all that there may be beyond the limit.
            assert units - since <= PROFILE.max_rate_nl_per_day * (stop_ms - since_ms) + 1
            assert pump.status().infusing_nl_per_day <= PROFILE.max_rate_nl_per_day
            since_ms, since = stop_ms, units
            if stop_ms == until_ms:
                break
        try:
            if act == "ask":
                pump.press_button()
            elif act == "abort":
                pump.firmware.abort_bolus()
            else:
                kind = SINGLE if act == "single" else PRIMING
                pump.firmware.order_bolus(replace(order, order_number=number, kind=kind))
        except Refused:
            continue
