"""Cases about the boluses that a patient asks for."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import (
    BolusKind,
    BolusOutcome,
    Capability,
    Field,
    LogEvent,
    RefusalCode,
    UserRole,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.orders import (
    Bedside,
    answered_as_before,
    given_one,
    prescribed,
    with_patient_bolus,
)
from pump_protocol.conformance.pump.common.reading import (
    bolus_of,
    delivered_by,
    expect_records,
    flow_with,
    next_record,
)
from pump_protocol.conformance.pump.common.ready import at_bedside, may_ask, refill
from pump_protocol.conformance.pump.common.reasons import expect_numbers, refusal, refused_for
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import PROGRAMMER_ID, Tester
from pump_protocol.conformance.therapy import end_bolus, on_therapy, stopped
from pump_protocol.conformance.times import DAY_MS
from pump_protocol.messages import (
    RequestPatientBolus,
)

_NOT_PRESCRIBED: Final = (RefusalCode.NOT_PRESCRIBED, Field.NONE)
_ACTIVE: Final = (RefusalCode.BOLUS_ACTIVE, Field.NONE)


# --- What is given -----------------------------------------------------------------------------


@pump_case(
    "patient-bolus/given-as-prescribed",
    Level.MUST,
    "ORDER-15 ORDER-14 ORDER-19 MSG-10 MSG-13",
    expects="the bolus that is prescribed begins; answer, status and log tell volume, times, and"
    " when and how often the patient may ask again",
)
def given_as_prescribed(tester: Tester) -> Play[None]:
    """The patient asks for a bolus."""
    bed = yield from may_ask(tester)
    wanted = prescribed(bed)
    first = yield from next_record(bed.link)
    request = bed.ask_for_bolus()
    given = yield from bed.link.ask(request)
    status = yield from bed.status()
    bolus, left = bolus_of(status), wanted.allotted_per_day - 1
    # The last of the allotment waits for the first to be 24 h old.
    next_at_ms = given.started_at_ms + (
        wanted.lockout_ms if left else max(wanted.lockout_ms, DAY_MS)
    )
    for what, found, right in (
        ("order_number of the answer", given.order_number, request.order_number),
        ("volume_nl of the answer", given.volume_nl, wanted.volume_nl),
        ("ends_at_ms of the answer", given.ends_at_ms, given.started_at_ms + wanted.duration_ms),
        ("left of the answer", given.left, left),
        ("next_at_ms of the answer", given.next_at_ms, next_at_ms),
        ("kind of the bolus", bolus.kind.name, BolusKind.PATIENT.name),
        ("outcome of the bolus", bolus.outcome.name, BolusOutcome.RUNNING.name),
        ("order_number of the bolus", bolus.order_number, request.order_number),
        ("volume_nl of the bolus", bolus.volume_nl, wanted.volume_nl),
        ("duration_ms of the bolus", bolus.duration_ms, wanted.duration_ms),
        ("started_at_ms of the bolus", bolus.started_at_ms, given.started_at_ms),
        (
            "infusing_nl_per_day",
            status.infusing_nl_per_day,
            flow_with(bed.basal_nl_per_day, wanted.volume_nl, wanted.duration_ms),
        ),
        ("patient_boluses of the status", len(status.patient_boluses), 1),
        ("left of the status", status.patient_boluses[0].left, left),
        ("next_at_ms of the status", status.patient_boluses[0].next_at_ms, next_at_ms),
    ):
        expect_equal(what, found, right)
    yield from expect_records(
        bed.link,
        first,
        (LogEvent.PATIENT_BOLUS_STARTED, wanted.volume_nl, request.order_number),
        link_id=bed.link.link_id,
    )
    yield from bed.leave()


@pump_case(
    "patient-bolus/repeat",
    Level.MUST,
    "ORDER-05 ORDER-15",
    expects="the answer of the first time, and no second bolus",
)
def repeat(tester: Tester) -> Play[None]:
    """The patient asks, and the same request comes again, during the bolus and after it."""
    bed = yield from may_ask(tester)
    request = bed.ask_for_bolus()
    given = yield from bed.link.ask(request)
    for running in (True, False):
        again = yield from bed.reopened()
        before = yield from state_in(again.link)
        yield from answered_as_before(again.link, request, given)
        yield from expect_same(again.link, before)
        if running:
            yield from end_bolus(again.link)


@pump_case(
    "patient-bolus/from-a-handset",
    Level.MUST,
    "ORDER-15 ORDER-02 ROLE-03",
    expects="the bolus begins; a clinician sees it under another programmer id, and the clinician's"
    " numbers are as they were",
    profile=Profile.AUTHENTICATED,
)
def from_a_handset(tester: Tester) -> Play[None]:
    """A handset with a key of role PATIENT, and the programmer id of a programmer, asks."""
    tester.key(UserRole.PATIENT)
    bed = yield from may_ask(tester)
    taken = bed.link.opened.last_order_number
    handset = yield from tester.link(UserRole.PATIENT)
    request = RequestPatientBolus(handset.next_order)
    given = yield from handset.ask(request)
    yield from answered_as_before(handset, request, given)
    bed = yield from bed.reopened()
    expect_equal("last_order_number", bed.link.opened.last_order_number, taken)
    bolus = yield from bed.running()
    expect_equal("order_number of the bolus", bolus.order_number, request.order_number)
    expect(
        bolus.programmer_id not in (0, PROGRAMMER_ID),
        f"programmer_id of the bolus is {bolus.programmer_id:#x}, not that of a handset",
    )
    yield from bed.leave()


# --- What is refused ---------------------------------------------------------------------------


@pump_case(
    "patient-bolus/not-prescribed",
    Level.MUST,
    "ORDER-16 ORDER-17",
    expects="NOT_PRESCRIBED alone, and a record of the refusal",
)
def not_prescribed(tester: Tester) -> Play[None]:
    """The patient asks where no bolus is prescribed, and in mode STOPPED."""
    bed = yield from at_bedside(tester, needs=(Capability.PATIENT_BOLUS,))
    for prescription in (bed.prescription, stopped(bed.prescription)):
        yield from on_therapy(bed.link, prescription)
        first = yield from next_record(bed.link)
        request = bed.ask_for_bolus()
        yield from refused_for(bed.link, request, _NOT_PRESCRIBED)
        yield from _refusal_told(bed, first, request, RefusalCode.NOT_PRESCRIBED)
    status = yield from bed.status()
    expect_equal("patient_boluses of the status", status.patient_boluses, ())
    yield from on_therapy(bed.link)


def _refusal_told(
    bed: Bedside, first: int, request: RequestPatientBolus, code: RefusalCode
) -> Play[None]:
    yield from expect_records(
        bed.link,
        first,
        (LogEvent.PATIENT_BOLUS_REFUSED, int(code), request.order_number),
        link_id=bed.link.link_id,
    )


@pump_case(
    "patient-bolus/every-reason-in-order",
    Level.MUST,
    "ORDER-16 ORDER-17 ORDER-19",
    expects="LOCKED_OUT with its end, ALLOTMENT_USED with the time when one is free, BOLUS_ACTIVE,"
    " in this order",
)
def every_reason_in_order(tester: Tester) -> Play[None]:
    """The patient, who may ask once a day, asks again at once."""
    bed = yield from may_ask(tester, with_patient_bolus(tester.identity, allotted_per_day=1))
    given = yield from given_one(bed)
    first = yield from next_record(bed.link)
    request = bed.ask_for_bolus()
    refused = yield from refusal(bed.link, request)
    expect_equal(
        "reasons of the refusal",
        [(each.code.name, each.field.name, each.value) for each in refused.reasons],
        [
            ("LOCKED_OUT", "NONE", given.started_at_ms + prescribed(bed).lockout_ms),
            ("ALLOTMENT_USED", "NONE", given.started_at_ms + DAY_MS),
            ("BOLUS_ACTIVE", "NONE", None),
        ],
    )
    yield from _refusal_told(bed, first, request, RefusalCode.LOCKED_OUT)
    yield from bed.running()
    yield from bed.leave()


@pump_case(
    "patient-bolus/refusal-logged-once",
    Level.MUST,
    "ORDER-17 ORDER-09 ORDER-05",
    expects="the repeat is refused from memory and not logged; another request is logged again",
)
def refusal_logged_once(tester: Tester) -> Play[None]:
    """The patient asks in vain, the same request comes again when a bolus is prescribed, and
    then another one."""
    bed = yield from at_bedside(tester, needs=(Capability.PATIENT_BOLUS,))
    request = bed.ask_for_bolus()
    yield from refused_for(bed.link, request, _NOT_PRESCRIBED)
    yield from on_therapy(bed.link, with_patient_bolus(bed.identity))
    again = yield from bed.reopened()
    before = yield from state_in(again.link)
    yield from refused_for(again.link, request, _NOT_PRESCRIBED)
    yield from refused_for(again.link, request, _NOT_PRESCRIBED)
    yield from expect_same(again.link, before)
    yield from on_therapy(again.link, bed.prescription)
    first = yield from next_record(again.link)
    another = again.ask_for_bolus()
    yield from refused_for(again.link, another, _NOT_PRESCRIBED)
    yield from _refusal_told(again, first, another, RefusalCode.NOT_PRESCRIBED)


@pump_case(
    "patient-bolus/more-than-is-left",
    Level.MUST,
    "ORDER-16 ORDER-17 ORDER-19",
    expects="OUT_OF_RANGE / BOLUS_VOLUME with the believed volume as maximum; it does not count as"
    " given",
)
def more_than_is_left(tester: Tester) -> Play[None]:
    """The patient asks when less than the bolus is left, and again after a refill."""
    plain = with_patient_bolus(tester.identity, volume_nl=100_000)
    bed = yield from may_ask(tester, replace(plain, low_reservoir_threshold_nl=0))
    wanted = prescribed(bed)
    first = yield from next_record(bed.link)
    yield from refill(bed.link, wanted.volume_nl // 2)
    request = bed.ask_for_bolus()
    (reason,) = yield from refused_for(
        bed.link, request, (RefusalCode.OUT_OF_RANGE, Field.BOLUS_VOLUME)
    )
    expect_numbers(reason, value=wanted.volume_nl)
    least_nl = (yield from bed.status()).believed_volume_nl
    expect(
        reason.maximum is not None and least_nl <= reason.maximum <= wanted.volume_nl // 2,
        f"maximum of the reason is {reason.maximum}; expected: {least_nl}, the believed volume",
    )
    yield from _refusal_told(bed, first, request, RefusalCode.OUT_OF_RANGE)
    yield from refill(bed.link, bed.identity.reservoir_capacity_nl)
    given = yield from given_one(bed)
    expect_equal("left of the answer", given.left, wanted.allotted_per_day - 1)
    yield from bed.leave()


# --- Before and after other boluses ------------------------------------------------------------


@pump_case(
    "patient-bolus/during-another",
    Level.MUST,
    "ORDER-13 ORDER-16 ORDER-17",
    expects="BOLUS_ACTIVE alone, a record of the refusal, and the other bolus goes on",
)
def during_another(tester: Tester) -> Play[None]:
    """The patient asks while a single bolus runs, and a priming one."""
    bed = yield from may_ask(tester, needs=(Capability.SINGLE_BOLUS,))
    kinds = [BolusKind.SINGLE]
    if Capability.PRIMING_BOLUS in bed.identity.capabilities:
        kinds.append(BolusKind.PRIMING)
    for kind in kinds:
        yield from bed.link.ask(bed.bolus(kind=kind))
        first = yield from next_record(bed.link)
        request = bed.ask_for_bolus()
        yield from refused_for(bed.link, request, _ACTIVE)
        yield from _refusal_told(bed, first, request, RefusalCode.BOLUS_ACTIVE)
        aborted = yield from bed.abort()
        expect_equal("kind of what ran", aborted.kind.name, kind.name)


@pump_case(
    "patient-bolus/cut-by-a-clinician",
    Level.MUST,
    "ORDER-13 ORDER-18 ORDER-19",
    expects="it ends for good and counts as one of the allotment; the log tells what was delivered",
)
def cut_by_a_clinician(tester: Tester) -> Play[None]:
    """A single bolus is ordered while a patient bolus runs, and aborted."""
    bed = yield from may_ask(tester, needs=(Capability.SINGLE_BOLUS,))
    request = bed.ask_for_bolus()
    given = yield from bed.link.ask(request)
    first = yield from next_record(bed.link)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    bolus = yield from bed.running()
    expect_equal("kind of the bolus", bolus.kind.name, BolusKind.SINGLE.name)
    delivered_nl = delivered_by(
        given.volume_nl,
        given.ends_at_ms - given.started_at_ms,
        answer.started_at_ms - given.started_at_ms,
    )
    yield from expect_records(
        bed.link,
        first,
        (LogEvent.BOLUS_ABORTED, delivered_nl, request.order_number),
        (LogEvent.BOLUS_STARTED, order.volume_nl, order.order_number),
    )
    yield from bed.end()
    status = yield from bed.status()
    flow = status.infusing_nl_per_day
    expect_equal("infusing_nl_per_day after both", flow, bed.basal_nl_per_day)
    expect_equal("left of the status", status.patient_boluses[0].left, given.left)
