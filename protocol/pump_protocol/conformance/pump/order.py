"""Cases about orders: each takes effect once, whatever happens to line, link and numbers."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import Capability, Field, LogEvent, RefusalCode
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import accepted, expect_equal, reason_text
from pump_protocol.conformance.hooks import advance, break_it, reset
from pump_protocol.conformance.pump.common.orders import (
    Bedside,
    answered_as_before,
    take_order,
    with_patient_bolus,
)
from pump_protocol.conformance.pump.common.reading import bolus_of, expect_records, next_record
from pump_protocol.conformance.pump.common.ready import advance_to, at_bedside, refill
from pump_protocol.conformance.pump.common.reasons import refusal, refused_for
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play, reconnect
from pump_protocol.conformance.tester import OTHER_PROGRAMMER_ID, Tester
from pump_protocol.conformance.times import HOUR_MS
from pump_protocol.conformance.verdicts import Unmet, Unsupported
from pump_protocol.messages import (
    CloseLink,
    Interrogate,
    OrderBolus,
    Refusal,
    Request,
    Response,
    UpdateReservoir,
)

_BY_INTERFERENCE: Final = 12
"""What held the infusion, as INFUSION_RESUMED has it."""

_REUSED: Final = (RefusalCode.ORDER_REUSED, Field.ORDER_NUMBER)


def _began_once(bed: Bedside, first: int, order: OrderBolus) -> Play[None]:
    """Of all that was told about boluses since *first*, one bolus has begun, and it is running."""
    started = (LogEvent.BOLUS_STARTED, order.volume_nl, order.order_number)
    yield from expect_records(bed.link, first, started)
    bolus = yield from bed.running()
    expect_equal("order_number of the bolus", bolus.order_number, order.order_number)


# --- Exactly once ------------------------------------------------------------------------------


@pump_case(
    "order/identical-frame",
    Level.MUST,
    "ORDER-05 SEQ-04",
    expects="the identical answer, and one bolus",
)
def identical_frame(tester: Tester) -> Play[None]:
    """A bolus is ordered, and the bytes of that frame are sent again, twice."""
    bed = yield from at_bedside(tester)
    first = yield from next_record(bed.link)
    order = bed.bolus()
    data = bed.link.frame(order)
    answer = yield from tester.exchange(data)
    accepted(order, bed.link.read(answer))
    yield from bed.link.repeated(data, answer)
    yield from bed.link.repeated(data, answer)
    yield from _began_once(bed, first, order)
    yield from bed.leave()


@pump_case(
    "order/repeat-in-the-link",
    Level.MUST,
    "ORDER-05 SEQ-11",
    expects="the answer of the first time, and one bolus",
)
def repeat_in_the_link(tester: Tester) -> Play[None]:
    """A bolus is ordered, and the same order is given again as new requests of the same link."""
    bed = yield from at_bedside(tester)
    first = yield from next_record(bed.link)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    yield from answered_as_before(bed.link, order, answer)
    yield from bed.link.ask(Interrogate())
    yield from answered_as_before(bed.link, order, answer)
    yield from _began_once(bed, first, order)
    yield from bed.leave()


@pump_case(
    "order/repeat-in-another-link",
    Level.MUST,
    "ORDER-05 SEQ-11 LINK-13",
    expects="the answer of the first time, and one bolus, which the end of the link does not touch",
)
def repeat_in_another_link(tester: Tester) -> Play[None]:
    """A bolus is ordered, the link closed, and the same order given again in a new link."""
    bed = yield from at_bedside(tester)
    first = yield from next_record(bed.link)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    yield from bed.link.ask(CloseLink())
    again = yield from bed.reopened()
    expect_equal("last_order_number", again.link.opened.last_order_number, order.order_number)
    yield from answered_as_before(again.link, order, answer)
    yield from _began_once(again, first, order)
    yield from again.leave()


@pump_case(
    "order/repeat-after-a-reconnect",
    Level.MUST,
    "ORDER-05",
    expects="the answer of the first time, and one bolus",
)
def repeat_after_a_reconnect(tester: Tester) -> Play[None]:
    """A bolus is ordered, the port closed and opened again, and the order given again."""
    bed = yield from at_bedside(tester)
    first = yield from next_record(bed.link)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    yield from reconnect()
    again = yield from bed.reopened()
    yield from answered_as_before(again.link, order, answer)
    yield from _began_once(again, first, order)
    yield from again.leave()


@pump_case(
    "order/repeat-after-an-abort",
    Level.MUST,
    "ORDER-05",
    expects="the answer of the first time, and no second bolus",
)
def repeat_after_an_abort(tester: Tester) -> Play[None]:
    """A bolus is ordered and aborted, and the same order is given again."""
    bed = yield from at_bedside(tester)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    yield from bed.end()
    before = yield from state_in(bed.link)
    yield from answered_as_before(bed.link, order, answer)
    yield from expect_same(bed.link, before)


@pump_case(
    "order/repeat-after-its-end",
    Level.MUST,
    "ORDER-05",
    expects="the answer of the first time, and no second bolus",
    hooks="advance",
)
def repeat_after_its_end(tester: Tester) -> Play[None]:
    """A bolus is ordered and delivered, and a day later the same order is given again."""
    bed = yield from at_bedside(tester)
    order = bed.bolus(duration_ms=HOUR_MS)
    answer = yield from bed.link.ask(order)
    status = yield from advance_to(bed.link, answer.ends_at_ms + 24 * HOUR_MS)
    expect_equal("delivered_nl of the bolus", bolus_of(status).delivered_nl, order.volume_nl)
    again = yield from bed.reopened()
    before = yield from state_in(again.link)
    yield from answered_as_before(again.link, order, answer)
    yield from expect_same(again.link, before)


@pump_case(
    "order/repeat-after-a-reset",
    Level.MUST,
    "ORDER-05 ALARM-13 ORDER-18",
    expects="the bolus is aborted by the reset; the order is answered as the first time, and"
    " nothing begins",
    hooks="reset",
    fresh=True,
)
def repeat_after_a_reset(tester: Tester) -> Play[None]:
    """A bolus is ordered, the pump starts anew, and the same order is given again."""
    bed = yield from at_bedside(tester)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    yield from reset("commanded")
    again = yield from bed.reopened()
    expect_equal("last_order_number", again.link.opened.last_order_number, order.order_number)
    status = yield from again.status()
    expect_equal("outcome of the bolus", bolus_of(status).outcome.name, "ABORTED")
    before = yield from state_in(again.link)
    yield from answered_as_before(again.link, order, answer)
    yield from expect_same(again.link, before)


@pump_case(
    "order/of-another-programmer",
    Level.MUST,
    "ORDER-01 ORDER-05 ORDER-13",
    expects="it is an order of its own: refused while the first bolus runs, carried out afterwards;"
    " the first programmer is still answered as before",
)
def of_another_programmer(tester: Tester) -> Play[None]:
    """The order of one programmer is given by another, under the same number."""
    theirs = yield from tester.link(programmer_id=OTHER_PROGRAMMER_ID)
    bed = yield from at_bedside(tester)
    number = max(theirs.next_order, bed.bolus().order_number)
    order = replace(bed.bolus(), order_number=number)
    answer = yield from bed.link.ask(order)
    theirs = yield from tester.link(programmer_id=OTHER_PROGRAMMER_ID)
    yield from refused_for(theirs, order, (RefusalCode.BOLUS_ACTIVE, Field.NONE))
    yield from replace(bed, link=theirs).end()
    second = yield from theirs.ask(replace(order, order_number=number + 1))
    expect_equal("order_number of the answer", second.order_number, number + 1)
    bolus = yield from replace(bed, link=theirs).running()
    expect_equal("programmer_id of the bolus", bolus.programmer_id, OTHER_PROGRAMMER_ID)
    again = yield from bed.reopened()
    yield from answered_as_before(again.link, order, answer)
    yield from again.leave()


# --- Orders that are refused -------------------------------------------------------------------


@pump_case(
    "order/refused-for-good",
    Level.MUST,
    "ORDER-09",
    expects="its repeat is refused with the same reasons, although they hold no longer; the next"
    " number is free",
)
def refused_for_good(tester: Tester) -> Play[None]:
    """An order is refused because a bolus runs, and given again when that has been aborted."""
    bed = yield from at_bedside(tester)
    yield from bed.link.ask(bed.bolus())
    order = bed.bolus()
    first = yield from refusal(bed.link, order)
    expect_equal("reasons of the refusal", _reasons(first), "BOLUS_ACTIVE / NONE")
    yield from bed.end()
    again = yield from bed.reopened()
    before = yield from state_in(again.link)
    for link in (again.link, again.link):
        repeat = yield from refusal(link, order)
        expect_equal("reasons of the repeat", _reasons(repeat), _reasons(first))
    yield from expect_same(again.link, before)
    other = replace(order, duration_ms=order.duration_ms - 1)
    yield from refused_for(again.link, other, _REUSED)
    yield from again.link.ask(again.bolus())
    yield from again.leave()


def _reasons(refused: Refusal) -> str:
    return ", ".join(sorted(map(reason_text, refused.reasons)))


# --- Times at which nothing may begin ----------------------------------------------------------


@pump_case(
    "order/at-the-end-of-service",
    Level.MUST,
    "ALARM-08 ORDER-05 ORDER-16 ORDER-18",
    expects="the running bolus is aborted, the repeat of its order answered as the first time, and"
    " new orders of all kinds are refused with END_OF_SERVICE",
    hooks="inject advance",
    fresh=True,
)
def at_the_end_of_service(tester: Tester) -> Play[None]:
    """The battery fails while a bolus runs; its order is given again, then orders of all kinds."""
    bed = yield from at_bedside(tester)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    yield from break_it("battery_failure")
    yield from advance(1_000)
    status = yield from bed.status()
    expect_equal("outcome of the bolus", bolus_of(status).outcome.name, "ABORTED")
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, 0)
    before = yield from state_in(bed.link)
    yield from answered_as_before(bed.link, order, answer)
    orders: list[Request[Response]] = [
        bed.bolus(),
        UpdateReservoir(take_order(bed.link), bed.identity.reservoir_capacity_nl),
    ]
    for each in orders:
        yield from bed.link.refused(each, RefusalCode.END_OF_SERVICE, Field.NONE)
    yield from expect_same(bed.link, before)
    if Capability.PATIENT_BOLUS in bed.identity.capabilities:
        refused = yield from refusal(bed.link, bed.ask_for_bolus())
        code = refused.reasons[0].code if refused.reasons else None
        if code is not RefusalCode.END_OF_SERVICE:
            raise Unmet(
                f"a patient's request was refused with {_reasons(refused)};"
                " expected: END_OF_SERVICE first"
            )


@pump_case(
    "order/while-interference-holds-the-infusion",
    Level.MUST,
    "ALARM-16 ORDER-04 ORDER-16 ORDER-18",
    expects="the running bolus is aborted, orders for boluses are refused with INFUSION_HELD until"
    " somebody interrogates, and flow resumes then without the bolus",
    hooks="inject advance",
    fresh=True,
)
def while_interference_holds_the_infusion(tester: Tester) -> Play[None]:
    """Strong interference while an alarm sounds and a bolus runs; orders; an interrogation."""
    identity = tester.identity
    patient = Capability.PATIENT_BOLUS in identity.capabilities
    bed = yield from at_bedside(tester, with_patient_bolus(identity) if patient else None)
    link, threshold_nl = bed.link, bed.prescription.low_reservoir_threshold_nl
    if not threshold_nl:
        raise Unsupported("the pump allows no low-reservoir threshold but 0")
    yield from refill(link, threshold_nl)
    order = bed.bolus()
    yield from link.ask(order)
    first = yield from next_record(link)
    yield from break_it("mri_scan", field_ms=1_000, latches_telemetry=True)
    yield from advance(HOUR_MS)
    held = (RefusalCode.INFUSION_HELD, Field.NONE)
    yield from refused_for(link, bed.bolus(), held)
    if patient:
        yield from refused_for(link, bed.ask_for_bolus(), held)
    status = yield from bed.status()
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, bed.basal_nl_per_day)
    bolus = bolus_of(status)
    expect_equal("outcome of the bolus", bolus.outcome.name, "ABORTED")
    yield from expect_records(
        link,
        first,
        (LogEvent.BOLUS_ABORTED, bolus.delivered_nl, order.order_number),
        (LogEvent.INFUSION_RESUMED, _BY_INTERFERENCE, bed.basal_nl_per_day),
        events=(LogEvent.BOLUS_ABORTED, LogEvent.INFUSION_RESUMED, LogEvent.BOLUS_STARTED),
    )
    yield from link.ask(bed.bolus())
    yield from bed.leave()
