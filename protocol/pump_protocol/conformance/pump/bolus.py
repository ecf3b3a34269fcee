"""Cases about single and priming boluses: when one may begin, and how it is delivered."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import (
    BolusKind,
    BolusOutcome,
    Capability,
    Field,
    LogEvent,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.hooks import reset
from pump_protocol.conformance.pump.common.orders import Bedside, carried_out, with_patient_bolus
from pump_protocol.conformance.pump.common.reading import (
    bolus_of,
    delivered_by,
    expect_records,
    flow_with,
    next_record,
)
from pump_protocol.conformance.pump.common.ready import advance_to, at_bedside
from pump_protocol.conformance.pump.common.reasons import refused_for
from pump_protocol.conformance.state import ROUNDING_NL, expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import (
    at_minimum,
    bridged,
    cleared_nl,
    committed,
    doubled,
    on_therapy,
    stopped,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import AbortBolus, Prescription, StatusReport
from pump_protocol.units import volume_for_dose

_ACTIVE: Final = (RefusalCode.BOLUS_ACTIVE, Field.NONE)
_WRONG_MODE: Final = (RefusalCode.WRONG_MODE, Field.MODE)


# --- When one may begin ------------------------------------------------------------------------


@pump_case(
    "bolus/one-at-a-time",
    Level.MUST,
    "ORDER-04 ORDER-13",
    expects="single and priming boluses are refused with BOLUS_ACTIVE while either runs, which goes"
    " on; afterwards they are taken",
)
def one_at_a_time(tester: Tester) -> Play[None]:
    """A bolus of each kind is ordered while one of each kind runs."""
    bed = yield from at_bedside(tester)
    kinds = [BolusKind.SINGLE]
    if Capability.PRIMING_BOLUS in bed.identity.capabilities:
        kinds.append(BolusKind.PRIMING)
    for kind in kinds:
        order = bed.bolus(kind=kind)
        yield from bed.link.ask(order)
        before = yield from state_in(bed.link)
        for another in kinds:
            yield from refused_for(bed.link, bed.bolus(kind=another), _ACTIVE)
        yield from expect_same(bed.link, before)
        aborted = yield from bed.abort()
        expect_equal("kind of the bolus", aborted.kind.name, kind.name)


@pump_case(
    "bolus/in-mode-stopped",
    Level.MUST,
    "ORDER-04",
    expects="it is refused with WRONG_MODE",
)
def in_mode_stopped(tester: Tester) -> Play[None]:
    """A bolus is ordered in mode STOPPED."""
    bed = yield from at_bedside(tester)
    yield from committed(bed.link, stopped(bed.prescription))
    before = yield from state_in(bed.link)
    yield from refused_for(bed.link, bed.bolus(), _WRONG_MODE)
    yield from expect_same(bed.link, before)
    yield from on_therapy(bed.link)


@pump_case(
    "bolus/at-the-minimum-rate",
    Level.MUST,
    "ORDER-04",
    expects="it is taken, on top of the minimum rate",
)
def at_the_minimum_rate(tester: Tester) -> Play[None]:
    """A bolus is ordered in mode MINIMUM_RATE."""
    bed = yield from at_bedside(tester, needs=(Capability.SINGLE_BOLUS, Capability.MINIMUM_RATE))
    yield from committed(bed.link, at_minimum(bed.identity, bed.prescription))
    order = bed.bolus()
    yield from bed.link.ask(order)
    status = yield from bed.status()
    flow = flow_with(bed.identity.minimum_rate_nl_per_day, order.volume_nl, order.duration_ms)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, flow)
    yield from bed.end()
    yield from on_therapy(bed.link)


@pump_case(
    "bolus/in-the-safe-state",
    Level.MUST,
    "ORDER-04 ALARM-13",
    expects="it is refused with WRONG_MODE until a prescription is committed, and taken then",
    hooks="reset",
    fresh=True,
)
def in_the_safe_state(tester: Tester) -> Play[None]:
    """The pump starts anew; a bolus is ordered before and after a commit."""
    bed = yield from at_bedside(tester)
    yield from reset("watchdog")
    bed = yield from bed.reopened()
    before = yield from state_in(bed.link)
    yield from refused_for(bed.link, bed.bolus(), _WRONG_MODE)
    yield from expect_same(bed.link, before)
    yield from committed(bed.link, bed.prescription)
    yield from carried_out(bed, bed.bolus())


# --- How it flows ------------------------------------------------------------------------------


@pump_case(
    "bolus/on-top-of-the-basal-rate",
    Level.MUST,
    "ORDER-10 MSG-10",
    expects="infusing_nl_per_day is the sum of both while it runs, and the basal rate after it",
)
def on_top_of_the_basal_rate(tester: Tester) -> Play[None]:
    """A bolus is ordered and aborted; the status before, meanwhile and afterwards."""
    bed = yield from at_bedside(tester)
    order = bed.bolus()
    yield from bed.link.ask(order)
    status = yield from bed.status()
    flow = flow_with(bed.basal_nl_per_day, order.volume_nl, order.duration_ms)
    expect_equal("infusing_nl_per_day while it runs", status.infusing_nl_per_day, flow)
    yield from bed.abort()
    status = yield from bed.status()
    after = status.infusing_nl_per_day
    expect_equal("infusing_nl_per_day afterwards", after, bed.basal_nl_per_day)


@pump_case(
    "bolus/as-the-status-tells-it",
    Level.MUST,
    "MSG-10 ORDER-10",
    expects="the status has the order as it was given, with the start of the answer; RUNNING, and"
    " ABORTED after the abort",
)
def as_the_status_tells_it(tester: Tester) -> Play[None]:
    """A bolus is ordered, read, aborted, and read again."""
    bed = yield from at_bedside(tester)
    order = bed.bolus()
    answer = yield from bed.link.ask(order)
    expect_equal("order_number of the answer", answer.order_number, order.order_number)
    for outcome in (BolusOutcome.RUNNING, BolusOutcome.ABORTED):
        bolus = bolus_of((yield from bed.status()))
        for what, found, wanted in (
            ("kind", bolus.kind.name, order.kind.name),
            ("outcome", bolus.outcome.name, outcome.name),
            ("order_number", bolus.order_number, order.order_number),
            ("volume_nl", bolus.volume_nl, order.volume_nl),
            ("duration_ms", bolus.duration_ms, order.duration_ms),
            ("started_at_ms", bolus.started_at_ms, answer.started_at_ms),
        ):
            expect_equal(f"{what} of the bolus", found, wanted)
        if outcome is BolusOutcome.RUNNING:
            yield from bed.end()


@pump_case(
    "bolus/delivered-evenly",
    Level.MUST,
    "ORDER-10 MSG-10",
    expects="half of it after half of the time, exactly volume_nl at the end, on top of the basal"
    " rate all the time",
    hooks="advance",
)
def delivered_evenly(tester: Tester) -> Play[None]:
    """A bolus is looked at after half of its duration and after its end."""
    bed = yield from at_bedside(tester)
    before = yield from bed.status()
    # No whole number of nL a day, nor of nL in half of the time.
    lasts_ms = 2 * HOUR_MS + 7
    order = bed.bolus(volume_nl=min(120_002, bed.room_nl(lasts_ms)), duration_ms=lasts_ms)
    answer = yield from bed.link.ask(order)
    for part in (1, 2, 3):
        at_ms = answer.started_at_ms + part * order.duration_ms // 2
        status = yield from advance_to(bed.link, at_ms)
        after_ms = status.at_ms - answer.started_at_ms
        delivered_nl = delivered_by(order.volume_nl, order.duration_ms, after_ms)
        expect_equal(
            f"delivered_nl of the bolus after {after_ms} of {order.duration_ms} ms",
            bolus_of(status).delivered_nl,
            delivered_nl,
        )
        basal_nl = bed.basal_nl_per_day * (status.at_ms - before.at_ms) // DAY_MS
        _flowed(before, status, basal_nl + delivered_nl)
    outcome = bolus_of(status).outcome
    expect_equal("outcome of the bolus", outcome.name, BolusOutcome.COMPLETED.name)


def _flowed(before: StatusReport, after: StatusReport, wanted_nl: int) -> None:
    """Just so much must have been delivered between two readings, and be missing from what is
    left."""
    delivered_nl = after.delivered_nl - before.delivered_nl
    used_nl = before.believed_volume_nl - after.believed_volume_nl
    for what, found in (("delivered", delivered_nl), ("taken from the believed volume", used_nl)):
        expect(
            abs(found - wanted_nl) <= ROUNDING_NL,
            f"{found} nL were {what} in {after.at_ms - before.at_ms} ms; expected: {wanted_nl} nL",
        )


@pump_case(
    "bolus/abort-tells-what-was-delivered",
    Level.MUST,
    "ORDER-10 ORDER-14 ORDER-18",
    expects="the answer, the status and the log tell what was delivered, and the rest never is",
    hooks="advance",
)
def abort_tells_what_was_delivered(tester: Tester) -> Play[None]:
    """A bolus is aborted after a third of its duration, and hours pass."""
    bed = yield from at_bedside(tester)
    first = yield from next_record(bed.link)
    lasts_ms = 3 * HOUR_MS
    order = bed.bolus(volume_nl=min(90_000, bed.room_nl(lasts_ms)), duration_ms=lasts_ms)
    answer = yield from bed.link.ask(order)
    early = yield from advance_to(bed.link, answer.started_at_ms + HOUR_MS)
    aborted = yield from bed.abort()
    late = yield from bed.status()
    for what, found, wanted in (
        ("kind", aborted.kind.name, BolusKind.SINGLE.name),
        ("order_number", aborted.order_number, order.order_number),
    ):
        expect_equal(f"{what} of what was aborted", found, wanted)
    least_nl, most_nl = (
        delivered_by(order.volume_nl, order.duration_ms, each.at_ms - answer.started_at_ms)
        for each in (early, late)
    )
    expect(
        least_nl <= aborted.delivered_nl <= most_nl,
        f"delivered_nl of what was aborted is {aborted.delivered_nl}; expected: {least_nl} nL",
    )
    expect_equal("delivered_nl of the status", bolus_of(late).delivered_nl, aborted.delivered_nl)
    yield from expect_records(
        bed.link,
        first,
        (LogEvent.BOLUS_STARTED, order.volume_nl, order.order_number),
        (LogEvent.BOLUS_ABORTED, aborted.delivered_nl, order.order_number),
    )
    after = yield from advance_to(bed.link, answer.ends_at_ms + HOUR_MS)
    _flowed(late, after, bed.basal_nl_per_day * (after.at_ms - late.at_ms) // DAY_MS)


@pump_case(
    "bolus/abort-of-nothing",
    Level.MUST,
    "ORDER-10",
    expects="it is refused with NO_BOLUS, and so is a second abort",
)
def abort_of_nothing(tester: Tester) -> Play[None]:
    """AbortBolus without a bolus, and again after one was aborted."""
    bed = yield from at_bedside(tester)
    before = yield from state_in(bed.link)
    yield from refused_for(bed.link, AbortBolus(), (RefusalCode.NO_BOLUS, Field.NONE))
    yield from expect_same(bed.link, before)
    yield from bed.link.ask(bed.bolus())
    yield from bed.abort()
    before = yield from state_in(bed.link)
    yield from refused_for(bed.link, AbortBolus(), (RefusalCode.NO_BOLUS, Field.NONE))
    yield from expect_same(bed.link, before)


@pump_case(
    "bolus/log-records",
    Level.MUST,
    "ORDER-14 LOG-05 LOG-06 LOG-07",
    expects="one record for each beginning and each end, under the link of the request, with volume"
    " and order number",
)
def log_records(tester: Tester) -> Play[None]:
    """A single and a priming bolus are ordered and aborted."""
    bed = yield from at_bedside(tester)
    kinds = {BolusKind.SINGLE: LogEvent.BOLUS_STARTED}
    if Capability.PRIMING_BOLUS in bed.identity.capabilities:
        kinds[BolusKind.PRIMING] = LogEvent.PRIMING_STARTED
    for kind, began in kinds.items():
        first = yield from next_record(bed.link)
        order = bed.bolus(kind=kind)
        yield from bed.link.ask(order)
        aborted = yield from bed.abort()
        yield from expect_records(
            bed.link,
            first,
            (began, order.volume_nl, order.order_number),
            (LogEvent.BOLUS_ABORTED, aborted.delivered_nl, order.order_number),
            link_id=bed.link.link_id,
        )


# --- Bridges -----------------------------------------------------------------------------------


@pump_case(
    "bolus/during-a-bridge",
    Level.MUST,
    "ORDER-13 ORDER-16 ORDER-10",
    expects="orders and patients are refused with BOLUS_ACTIVE; AbortBolus ends the bridge, and the"
    " new prescription flows",
)
def during_a_bridge(tester: Tester) -> Play[None]:
    """The drug is changed with a bridge; then a bolus is ordered, and the bridge aborted."""
    bed = yield from at_bedside(tester, needs=(Capability.SINGLE_BOLUS, Capability.BRIDGE_BOLUS))
    new = _bridged(bed)
    yield from committed(bed.link, new)
    bolus = yield from bed.running()
    expect_equal("kind of the bolus", bolus.kind.name, BolusKind.BRIDGE.name)
    bed = replace(bed, prescription=new)
    before = yield from state_in(bed.link)
    yield from refused_for(bed.link, bed.bolus(), _ACTIVE)
    if Capability.PRIMING_BOLUS in bed.identity.capabilities:
        yield from refused_for(bed.link, bed.bolus(kind=BolusKind.PRIMING), _ACTIVE)
    yield from expect_same(bed.link, before)
    if new.patient_boluses:
        yield from bed.link.refused(bed.ask_for_bolus(), *_ACTIVE)
    aborted = yield from bed.abort()
    expect_equal("kind of what was aborted", aborted.kind.name, BolusKind.BRIDGE.name)
    expect_equal("order_number of what was aborted", aborted.order_number, 0)
    status = yield from bed.status()
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, new.rate_nl_per_day)
    yield from carried_out(bed, bed.bolus())


def _bridged(bed: Bedside) -> Prescription:
    """A change to another concentration, with a bridge and a patient bolus (PROG-28)."""
    identity = bed.identity
    new = doubled(identity, bed.prescription)
    assert new.drug is not None
    if Capability.PATIENT_BOLUS in identity.capabilities:
        (patient,) = with_patient_bolus(identity).patient_boluses
        volume_nl = volume_for_dose(patient.dose_ng, new.drug.concentration_ng_per_ml)
        new = replace(new, patient_boluses=(replace(patient, volume_nl=volume_nl),))
    new = bridged(new, bed.prescription, cleared_nl(identity))
    if new.bridges[0].duration_ms < MINUTE_MS:
        raise Unsupported("the limits of the pump allow no bridge that lasts for a minute")
    return new
