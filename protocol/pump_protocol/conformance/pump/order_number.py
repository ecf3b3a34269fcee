"""Cases about the numbers of orders: which are free, which are used up, and by whom."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import BolusKind, Capability, Field, RefusalCode
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect_equal
from pump_protocol.conformance.pump.common.orders import answered_as_before, take_order
from pump_protocol.conformance.pump.common.ready import at_bedside
from pump_protocol.conformance.pump.common.reasons import expect_numbers, named, refused_for
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import OTHER_PROGRAMMER_ID, Tester
from pump_protocol.messages import (
    Interrogate,
    OrderBolus,
    Request,
    RequestPatientBolus,
    Response,
    UpdateReservoir,
)
from pump_protocol.payloads import encode

_LAST_NUMBER: Final = 2**63 - 1
_PROGRAMMERS: Final = 64
_MANY: Final = 0x5EED_0000_C0F0_1000
"""Programmer ids from here on are those of one case that needs more than a pump remembers."""

_REUSED: Final = (RefusalCode.ORDER_REUSED, Field.ORDER_NUMBER)
_STALE: Final = (RefusalCode.STALE_ORDER, Field.ORDER_NUMBER)
_NO_NUMBER: Final = (RefusalCode.OUT_OF_RANGE, Field.ORDER_NUMBER)
_NO_VOLUME: Final = (RefusalCode.OUT_OF_RANGE, Field.RESERVOIR_VOLUME)

_KIND_OFFSET: Final = 8


def _no_refill(order_number: int) -> UpdateReservoir:
    """An order that every pump refuses for what it asks."""
    return UpdateReservoir(order_number, 0)


def _orders(tester: Tester, number: int) -> tuple[Request[Response], ...]:
    """An order of each kind that the pump can carry out, under that number."""
    capabilities = tester.identity.capabilities
    orders: list[Request[Response]] = [UpdateReservoir(number, 1)]
    if Capability.SINGLE_BOLUS in capabilities:
        orders.append(OrderBolus(number, BolusKind.SINGLE, 0, 0, 0, 0))
    if Capability.PATIENT_BOLUS in capabilities:
        orders.append(RequestPatientBolus(number))
    return tuple(orders)


@pump_case(
    "order/number-out-of-range",
    Level.MUST,
    "ORDER-02 ORDER-09 REF-02 REF-03",
    expects="each is refused with OUT_OF_RANGE / ORDER_NUMBER alone, and uses nothing up",
    changes_nothing=True,
)
def number_out_of_range(tester: Tester) -> Play[None]:
    """Orders of all kinds with the numbers 0, 2⁶³ and 2⁶⁴ - 1."""
    link = yield from tester.link()
    for number in (0, _LAST_NUMBER + 1, 2**64 - 1):
        for order in _orders(tester, number):
            (reason,) = yield from refused_for(link, order, _NO_NUMBER)
            # A number that does not fit an i64 is absent.
            value = number if number <= _LAST_NUMBER else None
            expect_numbers(reason, value=value, minimum=1, maximum=_LAST_NUMBER)
    again = yield from tester.link()
    last = again.opened.last_order_number
    expect_equal("last_order_number", last, link.opened.last_order_number)


@pump_case(
    "order/greatest-number",
    Level.MUST,
    "ORDER-02 ORDER-06 REF-03",
    expects="2⁶³ - 1 is taken; no order is free after it, and no refusal tells a next number",
    fresh=True,
)
def greatest_number(tester: Tester) -> Play[None]:
    """An order under 2⁶³ - 1, other content under that number, and lower numbers."""
    bed = yield from at_bedside(tester)
    order = replace(bed.bolus(), order_number=_LAST_NUMBER)
    answer = yield from bed.link.ask(order)
    yield from answered_as_before(bed.link, order, answer)
    again = yield from bed.reopened()
    expect_equal("last_order_number", again.link.opened.last_order_number, _LAST_NUMBER)
    other = replace(order, duration_ms=order.duration_ms - 1)
    (reason,) = yield from refused_for(again.link, other, _REUSED)
    expect_numbers(reason, minimum=None)
    lower = replace(order, order_number=_LAST_NUMBER - 1)
    (reason,) = yield from refused_for(again.link, lower, _STALE)
    expect_numbers(reason, minimum=None)
    yield from refused_for(again.link, replace(order, order_number=2**63), _NO_NUMBER)
    yield from again.leave()


@pump_case(
    "order/gaps",
    Level.MUST,
    "ORDER-02",
    expects="every number that is greater than the last is taken",
)
def gaps(tester: Tester) -> Play[None]:
    """Refills under numbers that are not the next ones."""
    bed = yield from at_bedside(tester, needs=())
    number, capacity_nl = bed.link.next_order, bed.identity.reservoir_capacity_nl
    for each in (number, number + 2, number + 1_000):
        order = UpdateReservoir(each, capacity_nl)
        what = f"a refill under {each}, after an order under {bed.link.opened.last_order_number}"
        yield from named(what, bed.link.ask(order))
        take_order(bed.link, each)
    again = yield from bed.reopened()
    expect_equal("last_order_number", again.link.opened.last_order_number, number + 1_000)


@pump_case(
    "order/number-of-another-order",
    Level.MUST,
    "ORDER-06 ORDER-09 REF-02",
    expects="ORDER_REUSED alone, with the next number; nothing changes or is used up, and the true"
    " repeat is answered still",
)
def number_of_another_order(tester: Tester) -> Play[None]:
    """The number of a bolus that was ordered, with each of its other fields altered."""
    bed = yield from at_bedside(tester)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    before = yield from state_in(bed.link)
    others = []
    if Capability.PRIMING_BOLUS in bed.identity.capabilities:
        others.append(replace(order, kind=BolusKind.PRIMING))
    for other in (
        *others,
        replace(order, dose_ng=order.dose_ng + 1),
        replace(order, concentration_ng_per_ml=order.concentration_ng_per_ml + 1),
        replace(order, volume_nl=order.volume_nl + 1),
        replace(order, duration_ms=order.duration_ms - 1),
    ):
        (reason,) = yield from refused_for(bed.link, other, _REUSED)
        expect_numbers(reason, minimum=order.order_number + 1)
    yield from answered_as_before(bed.link, order, answer)
    yield from expect_same(bed.link, before)
    again = yield from bed.reopened()
    expect_equal("last_order_number", again.link.opened.last_order_number, order.order_number)
    yield from again.leave()


@pump_case(
    "order/kinds-share-the-numbers",
    Level.MUST,
    "ORDER-02 ORDER-05 ORDER-06",
    expects="a number that any order has used is refused to all other kinds",
)
def kinds_share_the_numbers(tester: Tester) -> Play[None]:
    """A refill, then a bolus and a patient's request under its number; a bolus, then a refill."""
    bed = yield from at_bedside(tester)
    number, capacity_nl = take_order(bed.link), bed.identity.reservoir_capacity_nl
    yield from bed.link.ask(UpdateReservoir(number, capacity_nl))
    before = yield from state_in(bed.link)
    yield from refused_for(bed.link, replace(bed.bolus(), order_number=number), _REUSED)
    if Capability.PATIENT_BOLUS in bed.identity.capabilities:
        yield from refused_for(bed.link, RequestPatientBolus(number), _REUSED)
    yield from expect_same(bed.link, before)
    order = bed.bolus()
    yield from bed.link.ask(order)
    before = yield from state_in(bed.link)
    yield from refused_for(bed.link, UpdateReservoir(order.order_number, capacity_nl), _REUSED)
    yield from refused_for(bed.link, UpdateReservoir(number, capacity_nl), _STALE)
    yield from expect_same(bed.link, before)
    yield from bed.leave()


@pump_case(
    "order/lower-number",
    Level.MUST,
    "ORDER-06 ORDER-09 REF-02",
    expects="STALE_ORDER alone, with the next number; nothing changes or is used up",
)
def lower_number(tester: Tester) -> Play[None]:
    """Numbers below the last: one that was never used, one of an order of before, and 1."""
    bed = yield from at_bedside(tester)
    number, capacity_nl = bed.link.next_order, bed.identity.reservoir_capacity_nl
    earlier = UpdateReservoir(number, capacity_nl)
    yield from bed.link.ask(earlier)
    order = replace(bed.bolus(), order_number=number + 5)
    yield from bed.link.ask(order)
    before = yield from state_in(bed.link)
    unused = replace(order, order_number=number + 4)
    for lower in (unused, earlier, UpdateReservoir(number + 2, 1), *_orders(tester, 1)):
        (reason,) = yield from refused_for(bed.link, lower, _STALE)
        expect_numbers(reason, minimum=number + 6)
    yield from expect_same(bed.link, before)
    again = yield from bed.reopened()
    expect_equal("last_order_number", again.link.opened.last_order_number, number + 5)
    yield from again.leave()


@pump_case(
    "order/last-number-told",
    Level.MUST,
    "ORDER-02 ORDER-09",
    expects="0 to a programmer that never ordered, and otherwise the highest that it used, in"
    " every link",
    changes_nothing=True,
)
def last_number_told(tester: Tester) -> Play[None]:
    """Links are opened before and after orders that are refused, by two programmers."""
    stranger = yield from tester.link(programmer_id=tester.new_link_id())
    expect_equal("last_order_number of a stranger", stranger.opened.last_order_number, 0)
    theirs = yield from tester.link(programmer_id=OTHER_PROGRAMMER_ID)
    number = theirs.next_order
    for each in (number, number + 7):
        yield from theirs.refused(_no_refill(each), *_NO_VOLUME)
        theirs = yield from tester.link(programmer_id=OTHER_PROGRAMMER_ID)
        expect_equal("last_order_number", theirs.opened.last_order_number, each)
    ours = yield from tester.link()
    yield from ours.refused(_no_refill(ours.next_order), *_NO_VOLUME)
    theirs = yield from tester.link(programmer_id=OTHER_PROGRAMMER_ID)
    expect_equal("last_order_number", theirs.opened.last_order_number, number + 7)


@pump_case(
    "order/malformed",
    Level.MUST,
    "ORDER-09 MSG-02",
    expects="MALFORMED, and nothing is used up: the number is free still",
    changes_nothing=True,
)
def malformed(tester: Tester) -> Play[None]:
    """Orders of all kinds that are a byte too short or too long, then an order of that number."""
    link = yield from tester.link()
    number = take_order(link)
    for order in _orders(tester, number):
        payload = encode(order)
        for wrong in (payload[:-1], payload + b"\0"):
            reason = yield from link.refused_raw(
                order.message_type, wrong, RefusalCode.MALFORMED, Field.PAYLOAD
            )
            expect_numbers(reason, value=len(wrong))
    again = yield from tester.link()
    expect_equal("last_order_number", again.opened.last_order_number, number - 1)
    yield from again.refused(_no_refill(number), *_NO_VOLUME)


@pump_case(
    "order/kind-that-nobody-knows",
    Level.MUST,
    "ORDER-09 ORDER-03 MSG-04",
    expects="an unknown kind is a fault of the payload and uses nothing up; a known one that cannot"
    " be ordered is refused for what it asks, and uses its number up",
    changes_nothing=True,
)
def kind_that_nobody_knows(tester: Tester) -> Play[None]:
    """Orders for boluses of kinds that nobody knows, then one of kind PERIODIC."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    number = take_order(link)
    order = OrderBolus(number, BolusKind.PERIODIC, 1_000, 500_000, 2, 3_600_000)
    wrong = (RefusalCode.UNKNOWN_VALUE, Field.BOLUS_KIND)
    for kind, used in ((0, number - 1), (6, number - 1), (BolusKind.PERIODIC, number)):
        payload = bytearray(encode(order))
        payload[_KIND_OFFSET] = kind
        yield from link.refused_raw(order.message_type, bytes(payload), *wrong)
        link = yield from tester.link()
        last = link.opened.last_order_number
        expect_equal(f"last_order_number after a bolus of kind {int(kind)}", last, used)


@pump_case(
    "order/sixty-five-programmers",
    Level.MUST,
    "ORDER-08 ORDER-09",
    expects="orders of 64 programmers are remembered, refused ones too; those of a further one are"
    " refused with TOO_MANY_PROGRAMMERS, its other requests answered, and nobody is forgotten",
    fresh=True,
    changes_nothing=True,
)
def sixty_five_programmers(tester: Tester) -> Play[None]:
    """Refills of nothing, of 65 programmers one after the other."""
    for each in range(_PROGRAMMERS):
        link = yield from tester.link(programmer_id=_MANY + each)
        yield from link.refused(_no_refill(1), *_NO_VOLUME)
    link = yield from tester.link(programmer_id=_MANY + _PROGRAMMERS)
    too_many = (RefusalCode.TOO_MANY_PROGRAMMERS, Field.PROGRAMMER_ID)
    for order in (_no_refill(1), _no_refill(1), *_orders(tester, 2)):
        yield from refused_for(link, order, too_many)
    yield from link.ask(Interrogate())
    for each in (0, _PROGRAMMERS - 1):
        link = yield from tester.link(programmer_id=_MANY + each)
        expect_equal("last_order_number", link.opened.last_order_number, 1)
        yield from refused_for(link, UpdateReservoir(1, 1), _REUSED)
        yield from link.refused(_no_refill(2), *_NO_VOLUME)
