"""Orders are executed once: never twice, never late, never for somebody else (REQ-07)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.model.firmware.order_memory import MAX_PROGRAMMERS
from pump_sim.model.orders import BolusOrder, BolusOutcome, ReservoirUpdate
from pump_sim.model.prescription import minimum_rate, stopped
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused

from .strategies import PROFILE, bolus, continuous


def refill(
    order_number: int, volume_nl: int = 20_000_000, programmer_id: int = 7
) -> ReservoirUpdate:
    return ReservoirUpdate(
        programmer_id=programmer_id, order_number=order_number, volume_nl=volume_nl
    )


def refused(pump: Pump, order: BolusOrder | ReservoirUpdate) -> set[tuple[RefusalCode, Field]]:
    with pytest.raises(Refused) as caught:
        _ = (
            pump.firmware.order_bolus(order)
            if isinstance(order, BolusOrder)
            else pump.firmware.update_reservoir(order)
        )
    return {(reason.code, reason.field) for reason in caught.value.reasons}


def new_pump(volume_nl: int | None = None) -> Pump:
    return Pump.implant(PROFILE, continuous(), volume_nl=volume_nl)


def test_a_repeated_order_is_answered_and_not_executed() -> None:
    """The reply was lost, the programmer asks again: same result, one bolus (REQ-07)."""
    pump = new_pump()
    result = pump.firmware.order_bolus(bolus())
    pump.settle(10_000)
    before = pump.state()
    assert pump.firmware.order_bolus(bolus()) == result
    assert pump.state() == before
    pump.settle(3_600_000)
    assert pump.firmware.order_bolus(bolus()) == result
    assert [entry.event.name for entry in pump.firmware.log.entries].count("BOLUS_STARTED") == 1


def test_a_refused_order_stays_refused() -> None:
    """Asked again when it would be possible, it is still the order that was refused."""
    pump = new_pump()
    pump.firmware.order_bolus(bolus(1))
    assert refused(pump, bolus(2)) == {(RefusalCode.BOLUS_ACTIVE, Field.NONE)}
    pump.firmware.abort_bolus()
    assert refused(pump, bolus(2)) == {(RefusalCode.BOLUS_ACTIVE, Field.NONE)}
    pump.firmware.order_bolus(bolus(3))


def test_a_number_is_used_once_for_one_content_and_numbers_only_rise() -> None:
    """Bolus and refill share the numbers of a programmer; other programmers have their own."""
    pump = new_pump()
    pump.firmware.update_reservoir(refill(5))
    assert pump.firmware.last_order_number(7) == 5
    assert refused(pump, refill(5, 19_000_000)) == {(RefusalCode.ORDER_REUSED, Field.ORDER_NUMBER)}
    assert refused(pump, bolus(5)) == {(RefusalCode.ORDER_REUSED, Field.ORDER_NUMBER)}
    assert refused(pump, bolus(4)) == {(RefusalCode.STALE_ORDER, Field.ORDER_NUMBER)}
    assert refused(pump, bolus(0)) == {(RefusalCode.OUT_OF_RANGE, Field.ORDER_NUMBER)}
    assert refused(pump, bolus(2**64)) == {(RefusalCode.OUT_OF_RANGE, Field.ORDER_NUMBER)}
    assert pump.firmware.last_order_number(8) == 0
    pump.firmware.update_reservoir(refill(1, programmer_id=8))
    assert (pump.firmware.last_order_number(7), pump.firmware.last_order_number(8)) == (5, 1)


def test_the_pump_forgets_no_programmer() -> None:
    """The table is bounded: a further programmer is refused, those it knows go on."""
    pump = new_pump()
    for programmer_id in range(MAX_PROGRAMMERS):
        pump.firmware.update_reservoir(refill(1, programmer_id=programmer_id))
    assert refused(pump, refill(1, programmer_id=1_000)) == {
        (RefusalCode.TOO_MANY_PROGRAMMERS, Field.PROGRAMMER_ID)
    }
    assert pump.firmware.last_order_number(1_000) == 0
    pump.firmware.update_reservoir(refill(2, programmer_id=0))


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 3)), max_size=40))
def test_no_order_is_ever_executed_twice(given_orders: list[tuple[int, int, int]]) -> None:
    """Whatever comes, in whatever order: a programmer's executed numbers strictly rise."""
    pump = new_pump()
    executed: list[tuple[int, int]] = []
    for programmer_id, number, volume in given_orders:
        length = len(pump.firmware.log.entries)
        try:
            pump.firmware.update_reservoir(refill(number, volume * 1_000_000, programmer_id))
        except Refused:
            assert len(pump.firmware.log.entries) == length
        if len(pump.firmware.log.entries) > length:
            executed.append((programmer_id, number))
    for programmer_id in range(1, 5):
        numbers = [number for programmer, number in executed if programmer == programmer_id]
        assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"dose_ng": 0, "volume_nl": 0},
            Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_DOSE, 0, 1, 500_000),
        ),
        (
            {"dose_ng": 500_001, "volume_nl": 250_000},
            Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_DOSE, 500_001, 1, 500_000),
        ),
        (
            {"volume_nl": 25_001},
            Reason(RefusalCode.MISMATCH, Field.BOLUS_VOLUME, 25_001, 25_000, 25_000),
        ),
        (
            {"concentration_ng_per_ml": 500_000, "volume_nl": 100_000},
            Reason(RefusalCode.MISMATCH, Field.CONCENTRATION, 500_000, 2_000_000, 2_000_000),
        ),
        (
            {"duration_ms": 59_999},
            Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_DURATION, 59_999, 60_000, 86_400_000),
        ),
        (
            {"duration_ms": 86_400_001},
            Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_DURATION, 86_400_001, 60_000, 86_400_000),
        ),
        (
            {"duration_ms": 60_000},
            Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_RATE, 36_400_000, 0, 24_000_000),
        ),
    ],
)
def test_a_bolus_out_of_range_is_refused_for_the_field_at_fault(
    change: dict[str, int], reason: Reason
) -> None:
    """REQ-03, REQ-05, REQ-09: and the pump goes on as it was, but for the order's number."""
    pump = new_pump()
    before = pump.state()
    with pytest.raises(Refused) as caught:
        pump.firmware.order_bolus(replace(bolus(), **change))
    assert reason in caught.value.reasons
    after = pump.state()
    assert replace(after.firmware, orders=before.firmware.orders) == before.firmware
    assert after.hardware == before.hardware


def test_the_highest_flow_is_allowed_and_one_ml_per_day_more_is_not() -> None:
    """REQ-09: basal rate and bolus together, exactly up to the limit."""
    # 1 mL/day of basal rate leaves 23; the bolus takes 0.24 nL/day more, or less.
    prescription = continuous(50_000, 50_000)
    order = replace(bolus(), concentration_ng_per_ml=50_000, dose_ng=500_000, volume_nl=10_000_000)
    just_too_fast = replace(order, duration_ms=37_565_217)
    pump = Pump.implant(PROFILE, prescription)
    assert refused(pump, just_too_fast) == {(RefusalCode.OUT_OF_RANGE, Field.BOLUS_RATE)}
    pump = Pump.implant(PROFILE, prescription)
    pump.firmware.order_bolus(replace(order, duration_ms=37_565_218))
    assert pump.status().infusing_nl_per_day == 24_000_000


def test_a_stopped_an_empty_and_a_busy_pump_refuse_a_bolus() -> None:
    """And so does one that holds less than was ordered."""
    off = Pump.implant(PROFILE, stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000))
    assert refused(off, bolus()) == {(RefusalCode.WRONG_MODE, Field.MODE)}
    assert refused(new_pump(volume_nl=0), bolus()) == {(RefusalCode.RESERVOIR_EMPTY, Field.NONE)}
    assert refused(new_pump(volume_nl=24_999), bolus()) == {
        (RefusalCode.OUT_OF_RANGE, Field.BOLUS_VOLUME)
    }
    new_pump(volume_nl=25_000).firmware.order_bolus(bolus())
    low = minimum_rate(PROFILE, drug_name="baclofen", concentration_ng_per_ml=2_000_000)
    Pump.implant(PROFILE, low).firmware.order_bolus(bolus())


def test_an_aborted_bolus_reports_the_part_that_was_delivered() -> None:
    """REQ-07: in whole nanoliters, never more than has flowed, and none of it comes back."""
    pump = new_pump()
    pump.firmware.order_bolus(bolus())
    pump.settle(123_457)
    report = pump.firmware.abort_bolus()
    assert report.outcome is BolusOutcome.ABORTED
    assert report.delivered_nl == 25_000 * 123_457 // 600_000
    assert report.ended_at_ms == 123_457
    assert pump.status().bolus is None
    assert pump.status().last_bolus == report
    assert pump.status().infusing_nl_per_day == 400_000
    with pytest.raises(Refused, match="NO_BOLUS"):
        pump.firmware.abort_bolus()


def test_a_reservoir_cut_short_aborts_the_bolus() -> None:
    """What the empty reservoir did not hold isn't reported as delivered."""
    pump = new_pump(volume_nl=25_000)
    pump.firmware.order_bolus(bolus())
    pump.settle(600_000)
    report = pump.status().last_bolus
    assert report is not None
    assert report.outcome is BolusOutcome.ABORTED
    assert report.delivered_nl < 25_000
    assert pump.truth().actual_volume_nl == 0
    assert report.delivered_nl <= pump.truth().actual_delivered_nl == 25_000


@pytest.mark.parametrize("volume_nl", [0, -1, 20_000_001])
def test_a_reservoir_holds_no_more_than_its_capacity(volume_nl: int) -> None:
    """And a refill of nothing is none."""
    pump = new_pump()
    pump.settle(1_000)
    assert refused(pump, refill(1, volume_nl)) == {
        (RefusalCode.OUT_OF_RANGE, Field.RESERVOIR_VOLUME)
    }
    assert pump.status().last_refill_at_ms == 0


def test_a_refill_sets_belief_and_tells_what_was_believed_before() -> None:
    """The difference from what came out of the needle is what a clinician looks at."""
    pump = new_pump()
    pump.settle(30 * 86_400_000)
    result = pump.firmware.update_reservoir(refill(1, 18_000_000))
    assert (result.updated_at_ms, result.believed_before_nl, result.believed_after_nl) == (
        30 * 86_400_000,
        8_000_000,
        18_000_000,
    )
    status = pump.status()
    assert status.believed_volume_nl == 18_000_000
    assert status.last_refill_at_ms == 30 * 86_400_000
    assert status.low_reservoir_at_ms == 70 * 86_400_000
    assert status.empty_reservoir_at_ms == 75 * 86_400_000
