"""Cases about what a single or priming bolus may be: its numbers, and their limits."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import BolusKind, Capability, Field, Mode, RefusalCode, Weekday
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal, reason_text
from pump_protocol.conformance.pump.common.orders import (
    STRONG_NG_PER_ML,
    WEAK_NG_PER_ML,
    Bedside,
    as_fast_as_may_be,
    carried_out,
    of_concentration,
    order_of_dose,
    rate_of,
    take_order,
)
from pump_protocol.conformance.pump.common.ready import at_bedside, refill
from pump_protocol.conformance.pump.common.reasons import expect_numbers, refusal, refused_for
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import bolus_dose, end_bolus, on_therapy
from pump_protocol.conformance.times import DAY_MS, MINUTE_MS
from pump_protocol.conformance.verdicts import Unmet, Unsupported
from pump_protocol.messages import (
    BolusOrdered,
    DayPattern,
    OrderBolus,
    Prescription,
    Reason,
    Refusal,
    StatusReport,
    Step,
)
from pump_protocol.payloads import encode
from pump_protocol.reckoning import flex_daily_dose_ng, flex_rate_nl_per_day
from pump_protocol.units import volume_for_dose

_KIND_OFFSET: Final = 8

_TRIES: Final = 5

_BAD_DOSE: Final = (RefusalCode.OUT_OF_RANGE, Field.BOLUS_DOSE)
_BAD_DURATION: Final = (RefusalCode.OUT_OF_RANGE, Field.BOLUS_DURATION)
_BAD_VOLUME: Final = (RefusalCode.OUT_OF_RANGE, Field.BOLUS_VOLUME)
_BAD_RATE: Final = (RefusalCode.OUT_OF_RANGE, Field.BOLUS_RATE)
_BAD_PRIMING: Final = (RefusalCode.OUT_OF_RANGE, Field.PRIMING_VOLUME)
_OTHER_VOLUME: Final = (RefusalCode.MISMATCH, Field.BOLUS_VOLUME)
_OTHER_DOSE: Final = (RefusalCode.MISMATCH, Field.BOLUS_DOSE)


# --- What may be ordered -----------------------------------------------------------------------


@pump_case(
    "bolus/kind-that-cannot-be-ordered",
    Level.MUST,
    "ORDER-03 MSG-04",
    expects="each is refused with UNKNOWN_VALUE / BOLUS_KIND and the kind as value",
    changes_nothing=True,
)
def kind_that_cannot_be_ordered(tester: Tester) -> Play[None]:
    """Orders for boluses of kind BRIDGE, PATIENT and PERIODIC, and of kinds that nobody knows."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    for kind in (BolusKind.BRIDGE, BolusKind.PATIENT, BolusKind.PERIODIC, 0, 6, 255):
        order = OrderBolus(take_order(link), BolusKind.SINGLE, 1_000, 500_000, 2, 3_600_000)
        payload = bytearray(encode(order))
        payload[_KIND_OFFSET] = kind
        reason = yield from link.refused_raw(
            order.message_type, bytes(payload), RefusalCode.UNKNOWN_VALUE, Field.BOLUS_KIND
        )
        expect_numbers(reason, value=int(kind))


@pump_case(
    "bolus/concentration-of-the-prescription",
    Level.MUST,
    "ORDER-03 PROG-02",
    expects="any other is refused with MISMATCH / CONCENTRATION and the one that agrees",
)
def concentration_of_the_prescription(tester: Tester) -> Play[None]:
    """Orders with a concentration a little above and below that of the prescription, and 0."""
    bed = yield from at_bedside(tester)
    before = yield from state_in(bed.link)
    right = bed.drug.concentration_ng_per_ml
    for wrong in (right - 1, right + 1):
        order = bed.bolus()
        volume_nl = volume_for_dose(order.dose_ng, wrong)
        order = replace(order, concentration_ng_per_ml=wrong, volume_nl=volume_nl)
        (reason,) = yield from refused_for(
            bed.link, order, (RefusalCode.MISMATCH, Field.CONCENTRATION)
        )
        expect_numbers(reason, value=wrong, minimum=right, maximum=right)
    # From a concentration of 0 no volume follows that could disagree (REF-02).
    nothing = replace(bed.bolus(), concentration_ng_per_ml=0)
    yield from refused_for(bed.link, nothing, (RefusalCode.MISMATCH, Field.CONCENTRATION))
    yield from expect_same(bed.link, before)


@pump_case(
    "bolus/volume-of-the-dose",
    Level.MUST,
    "ORDER-03 PROG-02",
    expects="any volume but the nearest, ties to even, is refused with MISMATCH / BOLUS_VOLUME and"
    " the one that agrees; it follows from the concentration of the order itself",
    changes_nothing=True,
)
def volume_of_the_dose(tester: Tester) -> Play[None]:
    """Orders whose dose and concentration give whole volumes, halves, and thirds."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    for dose_ng, concentration, right in (
        (5_000, 500_000, 10_000),
        (100_001, 2_000_000, 50_000),
        (100_003, 2_000_000, 50_002),
        (100_000, 300_000, 333_333),
        (200_000, 300_000, 666_667),
    ):
        for volume_nl in (right - 1, right + 1):
            order = OrderBolus(
                take_order(link), BolusKind.SINGLE, dose_ng, concentration, volume_nl, DAY_MS
            )
            reason = yield from link.refused(order, *_OTHER_VOLUME)
            expect_numbers(reason, value=volume_nl, minimum=right, maximum=right)
        # Other reasons there may be, for it is not the drug of this pump; but not this one.
        order = OrderBolus(take_order(link), BolusKind.SINGLE, dose_ng, concentration, right, 0)
        refused = yield from refusal(link, order)
        expect(
            _OTHER_VOLUME not in _codes(refused),
            f"{right} nL was refused as not the volume of {dose_ng} ng at {concentration} ng/mL",
        )


def _codes(refused: Refusal) -> set[tuple[RefusalCode, Field]]:
    return {(each.code, each.field) for each in refused.reasons}


@pump_case(
    "bolus/dose-limits",
    Level.MUST,
    "ORDER-04 MSG-11",
    expects="1 to maximum_bolus_dose_ng is taken, anything else refused with OUT_OF_RANGE /"
    " BOLUS_DOSE",
)
def dose_limits(tester: Tester) -> Play[None]:
    """Single boluses of the smallest and the greatest dose, and just outside."""
    bed = yield from at_bedside(tester, of_concentration(tester, STRONG_NG_PER_ML))
    most_ng = bed.identity.maximum_bolus_dose_ng
    yield from refill(bed.link, bed.identity.reservoir_capacity_nl)
    least, most, above = (
        order_of_dose(bed, 1),
        order_of_dose(bed, most_ng),
        order_of_dose(bed, most_ng + 1),
    )
    too_much = 2 * above.volume_nl > bed.identity.reservoir_capacity_nl
    if not least.volume_nl or too_much or _too_fast(bed, above):
        raise Unsupported("another limit of the pump stands in the way of its greatest bolus")
    yield from carried_out(bed, least)
    yield from carried_out(bed, most)
    before = yield from state_in(bed.link)
    (reason,) = yield from refused_for(bed.link, order_of_dose(bed, most_ng + 1), _BAD_DOSE)
    expect_numbers(reason, value=most_ng + 1, minimum=1, maximum=most_ng)
    dose, volume = yield from refused_for(bed.link, order_of_dose(bed, 0), _BAD_DOSE, _BAD_VOLUME)
    expect_numbers(dose, value=0, minimum=1, maximum=most_ng)
    expect_numbers(volume, value=0, minimum=1)
    yield from expect_same(bed.link, before)


@pump_case(
    "bolus/duration-limits",
    Level.MUST,
    "ORDER-04 MSG-11 REF-02",
    expects="minimum_bolus_duration_ms to maximum_bolus_duration_ms is taken, anything else refused"
    " with OUT_OF_RANGE / BOLUS_DURATION; no rate follows from a duration of 0",
)
def duration_limits(tester: Tester) -> Play[None]:
    """Small single boluses of the shortest and the longest duration, and just outside."""
    bed = yield from at_bedside(tester)
    least_ms = bed.identity.minimum_bolus_duration_ms
    most_ms = bed.identity.maximum_bolus_duration_ms
    short_ms = max(least_ms, MINUTE_MS) - 1
    small = order_of_dose(
        bed, bolus_dose(bed.identity, bed.drug, 100, short_ms, bed.basal_nl_per_day)
    )
    for duration_ms in (least_ms, most_ms):
        order = _lasting(bed, small, duration_ms)
        if not _too_fast(bed, order):
            yield from carried_out(bed, order)
    before = yield from state_in(bed.link)
    for duration_ms in (least_ms - 1, most_ms + 1):
        order = _lasting(bed, small, duration_ms)
        also = [_BAD_RATE] if duration_ms and _too_fast(bed, order) else []
        reason, *_ = yield from refused_for(bed.link, order, _BAD_DURATION, *also)
        expect_numbers(reason, value=duration_ms, minimum=least_ms, maximum=most_ms)
    yield from refused_for(bed.link, _lasting(bed, small, 0), _BAD_DURATION)
    yield from expect_same(bed.link, before)


def _too_fast(bed: Bedside, order: OrderBolus) -> bool:
    return bed.basal_nl_per_day + rate_of(order) > bed.identity.maximum_rate_nl_per_day


def _lasting(bed: Bedside, order: OrderBolus, duration_ms: int) -> OrderBolus:
    return replace(order, order_number=take_order(bed.link), duration_ms=duration_ms)


@pump_case(
    "bolus/volume-above-the-capacity",
    Level.MUST,
    "ORDER-04 REF-02",
    expects="a volume above reservoir_capacity_nl is refused with that as maximum, and not compared"
    " with what is left; up to the capacity, what is left is the maximum",
    changes_nothing=True,
)
def volume_above_the_capacity(tester: Tester) -> Play[None]:
    """Orders for the whole capacity, and for 1 nL more."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    capacity_nl = tester.identity.reservoir_capacity_nl
    above = OrderBolus(take_order(link), BolusKind.SINGLE, 1, 1, capacity_nl + 1, DAY_MS)
    refused = yield from refusal(link, above)
    found = _volumes(refused)
    expect_equal("reasons against 1 nL more than the capacity", len(found), 1)
    expect_numbers(found[0], value=capacity_nl + 1, minimum=1, maximum=capacity_nl)
    whole = replace(above, order_number=take_order(link), volume_nl=capacity_nl)
    refused = yield from refusal(link, whole)
    for reason in _volumes(refused):
        maximum_nl = capacity_nl if reason.maximum is None else reason.maximum
        expect(
            maximum_nl < capacity_nl,
            f"{capacity_nl} nL, the capacity, was refused with the maximum {reason.maximum} nL",
        )


def _volumes(refused: Refusal) -> list[Reason]:
    return [each for each in refused.reasons if (each.code, each.field) == _BAD_VOLUME]


@pump_case(
    "bolus/more-than-is-left",
    Level.MUST,
    "ORDER-04 REF-02",
    expects="more than the believed volume is refused with that as maximum, and just as much taken",
)
def more_than_is_left(tester: Tester) -> Play[None]:
    """Little is filled in, and then a little more, and just as much, is ordered."""
    bed = yield from at_bedside(tester, of_concentration(tester, STRONG_NG_PER_ML))
    yield from refill(bed.link, min(50_000, bed.room_nl(bed.identity.maximum_bolus_duration_ms)))
    left_nl = (yield from bed.status()).believed_volume_nl
    before = yield from state_in(bed.link)
    (reason,) = yield from refused_for(bed.link, _above(bed, left_nl), _BAD_VOLUME)
    later_nl = (yield from bed.status()).believed_volume_nl
    expect(
        reason.maximum is not None and later_nl <= reason.maximum <= left_nl,
        f"maximum of the reason is {reason.maximum}; expected: the believed volume, {later_nl} nL",
    )
    yield from expect_same(bed.link, before)
    yield from _all_that_is_left(bed)
    yield from refill(bed.link, bed.identity.reservoir_capacity_nl)


def _above(bed: Bedside, volume_nl: int) -> OrderBolus:
    """The smallest bolus above a volume."""
    order = bed.bolus(volume_nl=volume_nl)
    while order.volume_nl <= volume_nl:
        order = order_of_dose(bed, order.dose_ng + 1)
    return order


def _all_that_is_left(bed: Bedside) -> Play[None]:
    """A bolus of all that is left is taken.

    Where time goes on, some of it flows meanwhile: then of a little less, and less again.
    """
    spare_nl = 0
    for _ in range(_TRIES):
        left_nl = (yield from bed.status()).believed_volume_nl
        order = bed.bolus(volume_nl=left_nl - spare_nl)
        if order.volume_nl > left_nl - spare_nl:
            order = order_of_dose(bed, order.dose_ng - 1)
        response = yield from bed.link.exchange(bed.link.frame(order))
        if isinstance(response, BolusOrdered):
            yield from end_bolus(bed.link)
            return
        reasons = response.reasons if isinstance(response, Refusal) else ()
        most_nl = reasons[0].maximum if len(reasons) == 1 else None
        later_nl = (yield from bed.status()).believed_volume_nl
        if most_nl is None or not later_nl <= most_nl < order.volume_nl:
            break
        spare_nl = 4 * (left_nl - most_nl)
    told = ", ".join(map(reason_text, reasons)) or type(response).__name__
    raise Unmet(
        f"{order.volume_nl} nL were ordered when {left_nl} nL were left, and refused: {told}"
    )


@pump_case(
    "bolus/rate-limit",
    Level.MUST,
    "ORDER-04 MSG-11",
    expects="basal rate and rate of the bolus, rounded up, may reach maximum_rate_nl_per_day"
    " together and not exceed it",
)
def rate_limit(tester: Tester) -> Play[None]:
    """A bolus as fast as the basal rate allows, and one that is 1 ms shorter."""
    bed = yield from at_bedside(tester, of_concentration(tester, WEAK_NG_PER_ML))
    yield from refill(bed.link, bed.identity.reservoir_capacity_nl)
    order = as_fast_as_may_be(bed, bed.basal_nl_per_day)
    yield from carried_out(bed, order)
    before = yield from state_in(bed.link)
    shorter = _lasting(bed, order, order.duration_ms - 1)
    (reason,) = yield from refused_for(bed.link, shorter, _BAD_RATE)
    total = bed.basal_nl_per_day + rate_of(shorter)
    expect_numbers(reason, value=total, maximum=bed.identity.maximum_rate_nl_per_day)
    yield from expect_same(bed.link, before)


@pump_case(
    "bolus/rate-limit-of-a-schedule",
    Level.MUST,
    "ORDER-04 PROG-22",
    expects="the highest step counts, also while a lower one is in force",
)
def rate_limit_of_a_schedule(tester: Tester) -> Play[None]:
    """In a low step of mode FLEX, boluses as fast as the highest step allows, and 1 ms shorter."""
    tester.needs(Capability.FLEX)
    bed = yield from at_bedside(tester, of_concentration(tester, WEAK_NG_PER_ML))
    yield from refill(bed.link, bed.identity.reservoir_capacity_nl)
    status = yield from bed.status()
    low = bed.basal_nl_per_day
    high = min(4 * low, (low + bed.identity.maximum_rate_nl_per_day) // 2)
    flex = _low_now(bed.prescription, status, low, high)
    bed = replace(bed, prescription=(yield from on_therapy(bed.link, flex)))
    order = as_fast_as_may_be(bed, high)
    yield from carried_out(bed, order)
    shorter = _lasting(bed, order, order.duration_ms - 1)
    (reason,) = yield from refused_for(bed.link, shorter, _BAD_RATE)
    expect_numbers(reason, value=high + rate_of(shorter))


def _low_now(plain: Prescription, status: StatusReport, low: int, high: int) -> Prescription:
    """Two steps a day, of which the lower one is in force now and for some hours."""
    minute = status.clock_ms % DAY_MS // 60_000
    steps = (Step(0, low), Step(1_380, high)) if minute < 720 else (Step(0, high), Step(60, low))
    assert plain.drug is not None
    days = (DayPattern(Weekday(0x7F), steps),)
    return replace(
        plain,
        mode=Mode.FLEX,
        days=days,
        rate_nl_per_day=flex_rate_nl_per_day(days),
        daily_dose_ng=flex_daily_dose_ng(days, plain.drug.concentration_ng_per_ml),
    )


@pump_case(
    "bolus/priming-limits",
    Level.MUST,
    "ORDER-12 MSG-11",
    expects="1 to maximum_priming_volume_nl is taken, whatever dose that is; other volumes are"
    " refused with OUT_OF_RANGE / PRIMING_VOLUME, and other doses with MISMATCH / BOLUS_DOSE",
)
def priming_limits(tester: Tester) -> Play[None]:
    """Priming boluses of the smallest and greatest volume, just outside, and of other doses."""
    needs = (Capability.SINGLE_BOLUS, Capability.PRIMING_BOLUS)
    strong = of_concentration(tester, STRONG_NG_PER_ML)
    bed = yield from at_bedside(tester, strong, needs=needs)
    most_nl = bed.identity.maximum_priming_volume_nl
    if most_nl > bed.identity.reservoir_capacity_nl // 2:
        raise Unsupported("a priming bolus may be more than half of what the reservoir holds")
    yield from refill(bed.link, bed.identity.reservoir_capacity_nl)
    for volume_nl in (1, most_nl):
        yield from carried_out(bed, bed.bolus(volume_nl=volume_nl, kind=BolusKind.PRIMING))
    before = yield from state_in(bed.link)
    order = replace(bed.bolus(volume_nl=0, kind=BolusKind.PRIMING), dose_ng=0)
    (reason,) = yield from refused_for(bed.link, order, _BAD_PRIMING)
    expect_numbers(reason, value=0, minimum=1, maximum=most_nl)
    order = bed.bolus(volume_nl=most_nl + 1, kind=BolusKind.PRIMING)
    (reason,) = yield from refused_for(bed.link, order, _BAD_PRIMING)
    expect_numbers(reason, value=most_nl + 1, minimum=1, maximum=most_nl)
    for more_ng in (-1, 1):
        order = bed.bolus(kind=BolusKind.PRIMING)
        wrong = replace(order, dose_ng=max(0, order.dose_ng + more_ng))
        if wrong.dose_ng == order.dose_ng:
            continue
        (reason,) = yield from refused_for(bed.link, wrong, _OTHER_DOSE)
        expect_numbers(reason, value=wrong.dose_ng, minimum=order.dose_ng, maximum=order.dose_ng)
    yield from expect_same(bed.link, before)
