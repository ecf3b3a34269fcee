"""Cases about refills: what the pump believes to be in its reservoir from then on."""

from typing import Final

from pump_protocol.codes import Alarm, BolusOutcome, Field, LogEvent, RefusalCode, ServiceState
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.orders import Bedside, answered_as_before, take_order
from pump_protocol.conformance.pump.common.reading import (
    active,
    bolus_of,
    expect_records,
    for_an_hour,
    listed,
    next_record,
)
from pump_protocol.conformance.pump.common.ready import advance_to, at_bedside, refill, settled
from pump_protocol.conformance.pump.common.reasons import expect_numbers, refused_for
from pump_protocol.conformance.state import ROUNDING_NL, expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.times import DAY_MS, HOUR_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import Interrogate, OrderBolus, StatusReport, UpdateReservoir

_BY_EMPTY_RESERVOIR: Final = 2
"""What held the infusion, as INFUSION_STOPPED and INFUSION_RESUMED have it."""


def _used(bed: Bedside, since_ms: int, until_ms: int) -> int:
    """What the basal rate delivers in the meantime, in whole nL."""
    return bed.basal_nl_per_day * (until_ms - since_ms) // DAY_MS


def _expect_near(what: str, found_nl: int, wanted_nl: int) -> None:
    expect(
        abs(found_nl - wanted_nl) <= ROUNDING_NL,
        f"{what} is {found_nl} nL; expected: {wanted_nl} nL",
    )


@pump_case(
    "reservoir/volume-limits",
    Level.MUST,
    "ORDER-11 MSG-11",
    expects="1 to reservoir_capacity_nl is taken, anything else refused with OUT_OF_RANGE /"
    " RESERVOIR_VOLUME",
)
def volume_limits(tester: Tester) -> Play[None]:
    """Refills of 1 nL, of the whole capacity, of nothing, and of 1 nL more than the capacity."""
    link = yield from tester.link()
    if (yield from link.ask(Interrogate())).service_state is ServiceState.EOS:
        raise Unsupported("the pump is at its end of service")
    capacity_nl = tester.identity.reservoir_capacity_nl
    for volume_nl in (1, capacity_nl):
        done = yield from link.ask(UpdateReservoir(take_order(link), volume_nl))
        expect_equal("after_nl of the answer", done.after_nl, volume_nl)
    # With 1 nL in it the reservoir may have been found empty.
    yield from settled(link)
    before = yield from state_in(link)
    for volume_nl in (0, capacity_nl + 1, 2**32 - 1):
        order = UpdateReservoir(take_order(link), volume_nl)
        (reason,) = yield from refused_for(
            link, order, (RefusalCode.OUT_OF_RANGE, Field.RESERVOIR_VOLUME)
        )
        expect_numbers(reason, value=volume_nl, minimum=1, maximum=capacity_nl)
    yield from expect_same(link, before)


@pump_case(
    "reservoir/set-and-not-added",
    Level.MUST,
    "ORDER-11 LOG-05 LOG-06",
    expects="the believed volume is what was told, whatever it was before; the answer, the status"
    " and the log tell it, and delivered_nl does not move",
)
def set_and_not_added(tester: Tester) -> Play[None]:
    """A refill down to a half of the capacity, and one down to a third."""
    bed = yield from at_bedside(tester, needs=())
    capacity_nl = bed.identity.reservoir_capacity_nl
    for volume_nl in (capacity_nl // 2, capacity_nl // 3):
        first = yield from next_record(bed.link)
        before = yield from bed.status()
        order = UpdateReservoir(take_order(bed.link), volume_nl)
        done = yield from bed.link.ask(order)
        after = yield from bed.status()
        expect_equal("order_number of the answer", done.order_number, order.order_number)
        was_nl = before.believed_volume_nl - _used(bed, before.at_ms, done.updated_at_ms)
        _expect_near("before_nl of the answer", done.before_nl, was_nl)
        expect_equal("after_nl of the answer", done.after_nl, volume_nl)
        expect(
            before.at_ms <= done.updated_at_ms <= after.at_ms,
            f"updated_at_ms is {done.updated_at_ms}, and pump time was {before.at_ms} to"
            f" {after.at_ms}",
        )
        expect_equal("last_refill_at_ms", after.last_refill_at_ms, done.updated_at_ms)
        since_nl = _used(bed, done.updated_at_ms, after.at_ms)
        _expect_near("believed_volume_nl", after.believed_volume_nl, volume_nl - since_nl)
        meanwhile_nl = _used(bed, before.at_ms, after.at_ms)
        _expect_near("delivered_nl", after.delivered_nl, before.delivered_nl + meanwhile_nl)
        yield from expect_records(
            bed.link,
            first,
            (LogEvent.RESERVOIR_UPDATED, done.before_nl, volume_nl),
            events=(LogEvent.RESERVOIR_UPDATED,),
            link_id=bed.link.link_id,
        )


@pump_case(
    "reservoir/repeat-of-a-refill",
    Level.MUST,
    "ORDER-05 ORDER-11",
    expects="the answer of the first time; the believed volume is not set again, and nothing is"
    " logged",
)
def repeat_of_a_refill(tester: Tester) -> Play[None]:
    """A refill is told, and the same order given again in this link and in another."""
    bed = yield from at_bedside(tester, needs=())
    order = UpdateReservoir(take_order(bed.link), bed.identity.reservoir_capacity_nl)
    answer = yield from bed.link.ask(order)
    for in_another_link in (False, True):
        again = (yield from bed.reopened()) if in_another_link else bed
        before = yield from state_in(again.link)
        yield from answered_as_before(again.link, order, answer)
        yield from expect_same(again.link, before)


@pump_case(
    "reservoir/repeat-hours-later",
    Level.MUST,
    "ORDER-05 ORDER-11",
    expects="the answer of the first time; what has flowed meanwhile is not in the reservoir again",
    hooks="advance",
)
def repeat_hours_later(tester: Tester) -> Play[None]:
    """A refill is told, six hours pass, and the same order is given again."""
    bed = yield from at_bedside(tester, needs=())
    order = UpdateReservoir(take_order(bed.link), bed.identity.reservoir_capacity_nl)
    answer = yield from bed.link.ask(order)
    yield from advance_to(bed.link, answer.updated_at_ms + 6 * HOUR_MS)
    before = yield from state_in(bed.link)
    yield from answered_as_before(bed.link, order, answer)
    yield from expect_same(bed.link, before)


@pump_case(
    "reservoir/refill-under-a-bolus",
    Level.MUST,
    "ORDER-18",
    expects="the bolus goes on",
)
def refill_under_a_bolus(tester: Tester) -> Play[None]:
    """A refill is told while a bolus runs."""
    bed = yield from at_bedside(tester)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    yield from refill(bed.link, bed.identity.reservoir_capacity_nl)
    bolus = yield from bed.running()
    expect_equal("started_at_ms of the bolus", bolus.started_at_ms, answer.started_at_ms)
    yield from bed.leave()


# --- Empty -------------------------------------------------------------------------------------


def _run_dry(bed: Bedside) -> Play[tuple[OrderBolus, StatusReport]]:
    """Have the reservoir run empty under a bolus; the order, and the pump as it stands then."""
    yield from refill(bed.link, for_an_hour(bed.prescription))
    order = bed.bolus(volume_nl=100, duration_ms=2 * HOUR_MS)
    yield from bed.link.ask(order)
    status = yield from bed.status()
    empty_at_ms = status.empty_reservoir_at_ms
    expect(empty_at_ms is not None, "empty_reservoir_at_ms is never, with a volume for an hour")
    assert empty_at_ms is not None
    status = yield from advance_to(bed.link, empty_at_ms)
    active(status, Alarm.EMPTY_RESERVOIR)
    return order, status


@pump_case(
    "reservoir/empty",
    Level.MUST,
    "ORDER-04 ORDER-18 REF-02",
    expects="the infusion stops and the bolus is aborted; others are refused with RESERVOIR_EMPTY,"
    " which stands for the limit by what is left",
    hooks="advance",
)
def empty(tester: Tester) -> Play[None]:
    """The reservoir runs empty under a bolus, and another bolus is ordered."""
    bed = yield from at_bedside(tester)
    order, status = yield from _run_dry(bed)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, 0)
    expect_equal("believed_volume_nl", status.believed_volume_nl, 0)
    bolus = bolus_of(status)
    expect_equal("outcome of the bolus", bolus.outcome.name, BolusOutcome.ABORTED.name)
    expect_equal("order_number of the bolus", bolus.order_number, order.order_number)
    before = yield from state_in(bed.link)
    yield from refused_for(bed.link, bed.bolus(), (RefusalCode.RESERVOIR_EMPTY, Field.NONE))
    yield from expect_same(bed.link, before)
    yield from settled(bed.link)


@pump_case(
    "reservoir/refill-when-empty",
    Level.MUST,
    "ORDER-11 ORDER-18",
    expects="the infusion resumes as prescribed, EMPTY_RESERVOIR is active no longer, and the bolus"
    " stays lost",
    hooks="advance",
)
def refill_when_empty(tester: Tester) -> Play[None]:
    """The reservoir runs empty under a bolus; hours later a refill is told, and hours pass."""
    bed = yield from at_bedside(tester)
    yield from _run_dry(bed)
    status = yield from bed.status()
    status = yield from advance_to(bed.link, status.at_ms + HOUR_MS)
    first = yield from next_record(bed.link)
    done = yield from refill(bed.link, bed.identity.reservoir_capacity_nl)
    expect_equal("before_nl of the answer", done.before_nl, 0)
    after = yield from bed.status()
    flow = after.infusing_nl_per_day
    expect_equal("infusing_nl_per_day", flow, bed.basal_nl_per_day)
    record = listed(after, Alarm.EMPTY_RESERVOIR)
    expect(record is None or record.cleared_at_ms is not None, "EMPTY_RESERVOIR is active still")
    outcome = bolus_of(after).outcome.name
    expect_equal("outcome of the bolus", outcome, BolusOutcome.ABORTED.name)
    later = yield from advance_to(bed.link, after.at_ms + 3 * HOUR_MS)
    delivered_nl = later.delivered_nl - status.delivered_nl
    wanted_nl = _used(bed, done.updated_at_ms, later.at_ms)
    _expect_near("what was delivered since the reservoir was empty", delivered_nl, wanted_nl)
    yield from expect_records(
        bed.link,
        first,
        (LogEvent.RESERVOIR_UPDATED, 0, done.after_nl),
        (LogEvent.INFUSION_RESUMED, _BY_EMPTY_RESERVOIR, bed.basal_nl_per_day),
        events=(LogEvent.RESERVOIR_UPDATED, LogEvent.INFUSION_RESUMED, LogEvent.BOLUS_STARTED),
    )
    yield from settled(bed.link)
