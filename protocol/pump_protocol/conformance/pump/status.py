"""Cases about what an interrogation tells of now."""

from pump_protocol.codes import (
    BolusOutcome,
    Capability,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.hooks import advance
from pump_protocol.conformance.pump.common.orders import next_bolus
from pump_protocol.conformance.pump.common.ready import advance_to, refill, settled
from pump_protocol.conformance.state import ROUNDING_NL, expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    end_bolus,
    on_therapy,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS
from pump_protocol.messages import (
    CloseLink,
    Interrogate,
    Prescription,
    PrescriptionSummary,
    ReadAccessLog,
    ReadLog,
    ReadPrescription,
    RollBackPrescription,
    StagePrescription,
)
from pump_protocol.payloads import prescription_digest
from pump_protocol.units import nearest


@pump_case(
    "status/agrees-with-prescription",
    Level.MUST,
    "MSG-10 PROG-09",
    expects="version, summary, capacity and digest that agree",
)
def agrees_with_prescription(tester: Tester) -> Play[None]:
    """Compare an interrogation with the prescription in force and with what the pump is."""
    link = yield from tester.link()
    yield from settled(link)
    status = yield from link.ask(Interrogate())
    report = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    expect_equal("prescription_version", status.prescription_version, report.version)
    expect_equal("prescription", status.prescription, _summary(report.prescription))
    expect_equal("digest", report.digest, prescription_digest(report.version, report.prescription))
    capacity_nl = tester.identity.reservoir_capacity_nl
    expect_equal("reservoir_capacity_nl", status.reservoir_capacity_nl, capacity_nl)
    expect(
        status.believed_volume_nl <= capacity_nl,
        f"believed_volume_nl is {status.believed_volume_nl}; the reservoir holds {capacity_nl}",
    )


def _summary(prescription: Prescription) -> PrescriptionSummary:
    drug = prescription.drug
    assert drug is not None
    return PrescriptionSummary(
        prescription.mode,
        drug.mass_unit,
        drug.concentration_ng_per_ml,
        prescription.daily_dose_ng,
        prescription.rate_nl_per_day,
        prescription.low_reservoir_threshold_nl,
        len(prescription.drugs),
        drug.name,
    )


@pump_case(
    "status/has-pending",
    Level.MUST,
    "MSG-06 MSG-10 PROG-10",
    expects="has_pending as long as something is staged",
)
def has_pending(tester: Tester) -> Play[None]:
    """Interrogate before a prescription is staged, after it, in another link, and rolled back."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    yield from _expect_pending(link, False, "before anything is staged")
    yield from link.ask(StagePrescription(prescription))
    yield from _expect_pending(link, True, "after a prescription was staged")
    yield from link.ask(CloseLink())
    link = yield from tester.link()
    yield from _expect_pending(link, True, "in the next link")
    yield from link.ask(RollBackPrescription())
    yield from _expect_pending(link, False, "after it was rolled back")
    yield from link.refused(ReadPrescription(PrescriptionSlot.PENDING), RefusalCode.NOTHING_STAGED)


def _expect_pending(link: TesterLink, wanted: bool, when: str) -> Play[None]:
    status = yield from link.ask(Interrogate())
    expect_equal(f"has_pending {when}", status.has_pending, wanted)


@pump_case(
    "status/infusing",
    Level.MUST,
    "MSG-10 ORDER-10",
    expects="the prescribed rate; with a bolus the nearest whole number of both rates together",
)
def infusing(tester: Tester) -> Play[None]:
    """Read the flow on a common prescription, during a bolus, and after that was aborted."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    status = yield from settled(link)
    prescription = yield from on_therapy(link)
    rate = prescription.rate_nl_per_day
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, rate)
    bolus = next_bolus(link, prescription)
    yield from link.ask(bolus)
    status = yield from link.ask(Interrogate())
    both = nearest(rate * bolus.duration_ms + bolus.volume_nl * DAY_MS, bolus.duration_ms)
    expect_equal("infusing_nl_per_day during a bolus", status.infusing_nl_per_day, both)
    yield from end_bolus(link, must_run=True)
    status = yield from link.ask(Interrogate())
    expect_equal("infusing_nl_per_day after it", status.infusing_nl_per_day, rate)
    told = [each.outcome for each in status.boluses]
    expect_equal("outcomes of boluses", told, [BolusOutcome.ABORTED])


@pump_case(
    "status/time",
    Level.MUST,
    "TIME-01 TIME-02",
    expects="at_ms never lower than before, and clock_ms = implanted_clock_ms + at_ms",
)
def time(tester: Tester) -> Play[None]:
    """Interrogate again and again, with pauses, in two links."""
    latest_ms, implanted_ms = 0, None
    for _ in range(2):
        link = yield from tester.link()
        for pause_ms in (0, 0, 5):
            status = yield from link.ask(Interrogate())
            expect(
                status.at_ms >= latest_ms,
                f"at_ms is {status.at_ms}, and was {latest_ms} before: it went back",
            )
            latest_ms = status.at_ms
            shown_ms = status.implanted_clock_ms + status.at_ms
            expect_equal("clock_ms", status.clock_ms, shown_ms)
            if implanted_ms is not None:
                expect_equal("implanted_clock_ms", status.implanted_clock_ms, implanted_ms)
            implanted_ms = status.implanted_clock_ms
            yield from tester.wait(pause_ms)


@pump_case(
    "status/volumes",
    Level.MUST,
    "MSG-10 TIME-01",
    expects="what is delivered goes up, and what is believed down, by rate and time, to 1 nL",
    hooks="advance",
)
def volumes(tester: Tester) -> Play[None]:
    """Read the volumes, and again after more than an hour and after more than a day."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    first = yield from settled(link)
    for ms in (HOUR_MS + 1_234_567, DAY_MS):
        yield from advance(ms)
        status = yield from link.ask(Interrogate())
        expect(
            status.at_ms - first.at_ms >= ms,
            f"at_ms went on by {status.at_ms - first.at_ms} ms when {ms} ms were let pass",
        )
        passed_ms = status.at_ms - first.at_ms
        wanted_nl = prescription.rate_nl_per_day * passed_ms // DAY_MS
        delivered_nl = status.delivered_nl - first.delivered_nl
        used_nl = first.believed_volume_nl - status.believed_volume_nl
        for what, found_nl in (("delivered_nl", delivered_nl), ("believed_volume_nl", used_nl)):
            expect(
                abs(found_nl - wanted_nl) <= ROUNDING_NL,
                f"{what} moved by {found_nl} nL in {passed_ms} ms; expected: {wanted_nl}",
            )


@pump_case(
    "status/refill",
    Level.MUST,
    "MSG-10 ORDER-11",
    expects="the new volume, the time of the refill, and nothing delivered by it",
)
def refilled(tester: Tester) -> Play[None]:
    """Tell a pump of a refill, and read the volumes before and after."""
    link = yield from tester.link()
    before = yield from settled(link)
    half_nl = tester.identity.reservoir_capacity_nl // 2
    done = yield from refill(link, half_nl)
    after = yield from link.ask(Interrogate())
    expect_equal("after_nl", done.after_nl, half_nl)
    expect_equal("last_refill_at_ms", after.last_refill_at_ms, done.updated_at_ms)
    expect(
        before.at_ms <= done.updated_at_ms <= after.at_ms,
        f"updated_at_ms is {done.updated_at_ms}, between {before.at_ms} and {after.at_ms}",
    )
    for what, volume_nl, since_ms, told_nl in (
        ("before_nl", before.believed_volume_nl, done.updated_at_ms - before.at_ms, done.before_nl),
        ("believed_volume_nl", half_nl, after.at_ms - done.updated_at_ms, after.believed_volume_nl),
    ):
        used_nl = before.infusing_nl_per_day * since_ms // DAY_MS
        expect(
            0 <= volume_nl - told_nl <= used_nl + ROUNDING_NL,
            f"{what} is {told_nl}; expected: {volume_nl} less what flowed in {since_ms} ms",
        )
    delivered_nl = after.delivered_nl - before.delivered_nl
    most_nl = before.infusing_nl_per_day * (after.at_ms - before.at_ms) // DAY_MS + ROUNDING_NL
    expect(
        0 <= delivered_nl <= most_nl,
        f"delivered_nl moved by {delivered_nl} nL with a refill; the infusion gave {most_nl}",
    )
    yield from settled(link)


# --- Boluses and logs --------------------------------------------------------------------------


@pump_case(
    "status/last-bolus",
    Level.MUST,
    "MSG-10 ORDER-10",
    expects="the running bolus with what it gave so far; completed, all of its volume",
    hooks="advance",
)
def last_bolus(tester: Tester) -> Play[None]:
    """Read a bolus at its beginning, after half of it, and after its end."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    bolus = next_bolus(link, prescription)
    ordered = yield from link.ask(bolus)
    expect_equal("ends_at_ms", ordered.ends_at_ms, ordered.started_at_ms + bolus.duration_ms)
    for share_ms in (0, bolus.duration_ms // 2, bolus.duration_ms):
        status = yield from advance_to(link, ordered.started_at_ms + share_ms)
        expect_equal("number of boluses", len(status.boluses), 1)
        told = status.boluses[0]
        expect_equal("volume_nl of the bolus", told.volume_nl, bolus.volume_nl)
        expect_equal("started_at_ms of the bolus", told.started_at_ms, ordered.started_at_ms)
        expect_equal("order_number of the bolus", told.order_number, bolus.order_number)
        passed_ms = min(status.at_ms - ordered.started_at_ms, bolus.duration_ms)
        over = passed_ms == bolus.duration_ms
        wanted = BolusOutcome.COMPLETED if over else BolusOutcome.RUNNING
        expect_equal(f"outcome of the bolus after {passed_ms} ms", told.outcome, wanted)
        given_nl = bolus.volume_nl * passed_ms // bolus.duration_ms
        expect_equal(f"delivered_nl after {passed_ms} ms", told.delivered_nl, given_nl)


@pump_case(
    "status/log-ranges",
    Level.MUST,
    "MSG-10 LOG-03",
    expects="the same ranges as the logs themselves tell",
)
def log_ranges(tester: Tester) -> Play[None]:
    """Compare what an interrogation tells of both logs with the logs."""
    link = yield from tester.link()
    yield from link.ask(Interrogate())  # only the first one of a link is recorded
    status = yield from link.ask(Interrogate())
    therapy = yield from link.ask(ReadLog(1, 1))
    access = yield from link.ask(ReadAccessLog(1, 1))
    expect_equal("therapy_log", status.therapy_log, therapy.range)
    expect_equal("access_log", status.access_log, access.range)


@pump_case(
    "status/reading-changes-nothing",
    Level.MUST,
    "LOG-07 ROLE-04 MSG-10",
    expects="everything as it was, and no record",
)
def reading_changes_nothing(tester: Tester) -> Play[None]:
    """Interrogate ten times and read everything else in between."""
    link = yield from tester.link()
    yield from settled(link)
    before = yield from state_in(link)
    for _ in range(10):
        yield from link.ask(Interrogate())
        yield from link.ask(ReadLog(1, 1))
        yield from link.ask(ReadAccessLog(1, 1))
        yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    yield from expect_same(link, before)
