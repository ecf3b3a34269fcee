"""Cases about programming in two steps: what a stage says and replaces, what a commit does."""

from dataclasses import replace

from pump_protocol.codes import STAGING_LIMIT_MS, Field, LogEvent, RefusalCode
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.layout_by_hand import digest_of
from pump_protocol.conformance.pump.common.reading import log_from, the_record
from pump_protocol.conformance.pump.common.ready import at_rest, on_the_bench, tidy
from pump_protocol.conformance.pump.common.staging import (
    commit_of,
    confirmation,
    current,
    follow,
    is_in_force,
    is_pending,
    nothing_pending,
    pending,
    stage_other,
)
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import (
    at_dose,
    committed,
    other_dose,
    steady,
    stopped,
)
from pump_protocol.messages import (
    CommitPrescription,
    Interrogate,
    RollBackPrescription,
    StagePrescription,
)
from pump_protocol.reckoning import dose_totals

# --- Staging -------------------------------------------------------------------------------------


@pump_case(
    "program/within-the-limits",
    Level.MUST,
    "PROG-02 PROG-08 PROG-12 MSG-11",
    expects="both are taken, staged and committed",
)
def within_the_limits(tester: Tester) -> Play[None]:
    """A common prescription, made of the limits that the pump tells, and one of another dose."""
    link = yield from at_rest(tester)
    prescription = steady(tester.identity)
    for wanted in (other_dose(tester.identity, prescription), prescription):
        yield from follow(link, wanted)
    yield from tidy(link)


@pump_case(
    "program/stage-changes-no-therapy",
    Level.MUST,
    "PROG-08 PROG-34",
    expects="the same prescription, version, flow and alarms as before; has_pending is 1",
)
def stage_changes_no_therapy(tester: Tester) -> Play[None]:
    """A prescription of another dose is staged, and nothing more."""
    link, prescription = yield from on_the_bench(tester)
    before = yield from state_in(link)
    yield from stage_other(link, prescription)
    after = yield from state_in(link)
    expect(after.status.has_pending, "has_pending is 0 although a prescription is pending")
    expect_equal("prescription in force after a stage", after.current, before.current)
    for name in (
        "prescription_version",
        "prescription",
        "infusing_nl_per_day",
        "boluses",
        "alarms",
        "last_refill_at_ms",
    ):
        was, became = getattr(before.status, name), getattr(after.status, name)
        expect_equal(f"{name} after a stage", became, was)
    yield from tidy(link)


@pump_case(
    "program/stage-echo",
    Level.MUST,
    "PROG-01 PROG-08 PROG-11",
    expects="exactly what was sent, the next version, and 120 s until it is rolled back",
)
def stage_echo(tester: Tester) -> Play[None]:
    """Another dose, one without a threshold, and a stop are staged, each in place of the last."""
    link, prescription = yield from on_the_bench(tester)
    version = (yield from current(link)).version
    expect_equal("staging_limit_ms of LinkOpened", link.opened.staging_limit_ms, STAGING_LIMIT_MS)
    other = other_dose(tester.identity, prescription)
    for sent in (other, replace(other, low_reservoir_threshold_nl=0), stopped(prescription)):
        staged = yield from link.ask(StagePrescription(sent))
        expect_equal("the echo of a stage", staged.prescription, sent)
        expect_equal("version that it would get", staged.version, version + 1)
        expect_equal("expires_in_ms", staged.expires_in_ms, STAGING_LIMIT_MS)
        report = yield from pending(link)
        expect_equal("what is read as pending", report.prescription, sent)
        expect_equal("version of what is pending", report.version, version + 1)
        expect_equal("digest of what is pending", report.digest, staged.digest)
        expect_equal("totals of what is pending", report.totals, staged.totals)
    yield from tidy(link)


@pump_case(
    "program/digest",
    Level.MUST,
    "PROG-09",
    expects="SHA-256 over the version, u32 little-endian, and the bytes of the prescription",
)
def digest(tester: Tester) -> Play[None]:
    """The digests of what is in force, staged, read as pending, and committed."""
    link, prescription = yield from on_the_bench(tester, plainly=True)
    report = yield from current(link)
    expect_equal(
        "digest of what is in force", report.digest, digest_of(report.version, prescription)
    )
    other = other_dose(tester.identity, prescription)
    right = digest_of(report.version + 1, other)
    staged = yield from link.ask(StagePrescription(other))
    expect_equal("digest of PrescriptionStaged", staged.digest, right)
    expect_equal("digest of what is pending", (yield from pending(link)).digest, right)
    done = yield from link.ask(commit_of(staged))
    expect_equal("digest of PrescriptionCommitted", done.digest, right)
    expect_equal("digest of what was committed", (yield from current(link)).digest, right)


@pump_case(
    "program/totals",
    Level.MUST,
    "PROG-25",
    expects="the daily dose in all three numbers, and no confirmation below the soft limit",
)
def totals(tester: Tester) -> Play[None]:
    """The totals of a constant rate and of a stop."""
    link, prescription = yield from on_the_bench(tester)
    for sent in (other_dose(tester.identity, prescription), stopped(prescription)):
        staged = yield from link.ask(StagePrescription(sent))
        expect_equal(f"totals in mode {sent.mode.name}", staged.totals, dose_totals(sent))
        expect(not staged.must_confirm, f"must_confirm is 1 for {sent.daily_dose_ng} ng/day")
    yield from tidy(link)


@pump_case(
    "program/stage-replaces",
    Level.MUST,
    "PROG-10",
    expects="the second is pending; the first is rolled back, and its digest is stale",
)
def stage_replaces(tester: Tester) -> Play[None]:
    """Two prescriptions are staged, one after the other; the first is then committed."""
    link, prescription = yield from on_the_bench(tester)
    first = yield from stage_other(link, prescription)
    log = (yield from link.ask(Interrogate())).therapy_log
    second = yield from link.ask(StagePrescription(stopped(prescription)))
    yield from is_pending(link, second)
    yield from link.refused(commit_of(first), RefusalCode.STALE_DIGEST, Field.DIGEST)
    yield from is_pending(link, second)
    entries = yield from log_from(link, log.next_sequence)
    the_record(entries, LogEvent.ROLLED_BACK, first.prescription.rate_nl_per_day)
    yield from link.ask(RollBackPrescription())
    yield from nothing_pending(link)


@pump_case(
    "program/refused-stage-keeps-pending",
    Level.MUST,
    "PROG-10 REF-01",
    expects="what was pending is pending still, and can be committed",
)
def refused_stage_keeps_pending(tester: Tester) -> Play[None]:
    """A prescription is staged, then another one that must be refused."""
    link, prescription = yield from on_the_bench(tester)
    staged = yield from stage_other(link, prescription)
    before = yield from state_in(link)
    wrong = replace(prescription, rate_nl_per_day=prescription.rate_nl_per_day + 1)
    yield from link.refused(StagePrescription(wrong), RefusalCode.MISMATCH, Field.RATE)
    yield from expect_same(link, before, "a stage that was refused")
    yield from link.ask(commit_of(staged))


@pump_case(
    "program/refused-stage-changes-nothing",
    Level.MUST,
    "PROG-02 PROG-07 REF-01 REF-02",
    expects="refused, and nothing is pending",
    changes_nothing=True,
)
def refused_stage_changes_nothing(tester: Tester) -> Play[None]:
    """Prescriptions with a wrong rate, no dose and too high a concentration."""
    link = yield from tester.link()
    good = steady(tester.identity)
    assert good.drug is not None
    strong = replace(
        good.drug,
        concentration_ng_per_ml=tester.identity.maximum_concentration_ng_per_ml + 1,
    )
    for wrong, code, field in (
        (
            replace(good, rate_nl_per_day=good.rate_nl_per_day + 1),
            RefusalCode.MISMATCH,
            Field.RATE,
        ),
        (at_dose(good, 0), RefusalCode.OUT_OF_RANGE, Field.DAILY_DOSE),
        (replace(good, drugs=(strong,)), RefusalCode.OUT_OF_RANGE, Field.CONCENTRATION),
        (replace(good, drugs=()), RefusalCode.OUT_OF_RANGE, Field.DRUGS),
    ):
        yield from link.refused(StagePrescription(wrong), code, field)


# --- Commit --------------------------------------------------------------------------------------


@pump_case(
    "program/commit",
    Level.MUST,
    "PROG-12 PROG-16",
    expects="the whole prescription is in force from that moment, as the next version",
)
def commit(tester: Tester) -> Play[None]:
    """A prescription of another dose and threshold is staged and committed."""
    link, prescription = yield from on_the_bench(tester)
    other = replace(other_dose(tester.identity, prescription), low_reservoir_threshold_nl=0)
    before = yield from link.ask(Interrogate())
    staged, done = yield from committed(link, other)
    expect_equal("version of the commit", done.version, before.prescription_version + 1)
    expect_equal("digest of the commit", done.digest, staged.digest)
    status = yield from is_in_force(link, other, done.version)
    expect(
        before.at_ms <= done.committed_at_ms <= status.at_ms,
        f"committed_at_ms is {done.committed_at_ms}, asked for between {before.at_ms} and"
        f" {status.at_ms}",
    )
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, other.rate_nl_per_day)
    expect_equal(
        "low_reservoir_threshold_nl of the status",
        status.prescription.low_reservoir_threshold_nl,
        0,
    )
    yield from nothing_pending(link)


@pump_case(
    "program/versions",
    Level.MUST,
    "PROG-16",
    expects="each commit counts one more, and nothing else counts",
)
def versions(tester: Tester) -> Play[None]:
    """Commits, with a roll-back, a replaced and a refused stage between them."""
    link, prescription = yield from on_the_bench(tester)
    other = other_dose(tester.identity, prescription)
    version = (yield from link.ask(Interrogate())).prescription_version
    yield from link.ask(StagePrescription(other))
    rolled_back = yield from link.ask(RollBackPrescription())
    expect_equal("version after a roll-back", rolled_back.version, version)
    yield from link.ask(StagePrescription(stopped(prescription)))
    wrong = replace(other, rate_nl_per_day=other.rate_nl_per_day + 1)
    yield from link.refused(StagePrescription(wrong), RefusalCode.MISMATCH, Field.RATE)
    for count, sent in enumerate((other, prescription, other), 1):
        staged, done = yield from committed(link, sent)
        expect_equal(f"version of stage {count}", staged.version, version + count)
        expect_equal(f"version of commit {count}", done.version, version + count)
        yield from is_in_force(link, sent, version + count)


@pump_case(
    "program/stale-digest",
    Level.MUST,
    "PROG-12 PROG-09",
    expects="refused with STALE_DIGEST; in force and pending are as they were",
)
def stale_digest(tester: Tester) -> Play[None]:
    """Commits with digests that are not that of what is pending."""
    link, prescription = yield from on_the_bench(tester)
    staged = yield from stage_other(link, prescription)
    before = yield from state_in(link)
    other, version = staged.prescription, staged.version
    for what, wrong in (
        ("one bit changed", staged.digest[:-1] + bytes([staged.digest[-1] ^ 1])),
        ("all zero", bytes(32)),
        ("of the version in force", digest_of(version - 1, other)),
        ("of the version after the next", digest_of(version + 1, other)),
        ("of another prescription", digest_of(version, stopped(other))),
    ):
        request = CommitPrescription(wrong, confirmation(staged))
        reason = yield from link.refused(request, RefusalCode.STALE_DIGEST, Field.DIGEST)
        expect_equal("value of STALE_DIGEST", reason.value, None)
        yield from expect_same(link, before, f"a commit with a digest {what}")
    yield from tidy(link)


@pump_case(
    "program/commit-nothing-staged",
    Level.MUST,
    "PROG-12",
    expects="refused with NOTHING_STAGED",
)
def commit_nothing_staged(tester: Tester) -> Play[None]:
    """A commit while nothing is pending."""
    link, _ = yield from on_the_bench(tester)
    before = yield from state_in(link)
    request = CommitPrescription(bytes(32))
    yield from link.refused(request, RefusalCode.NOTHING_STAGED, Field.NONE)
    yield from expect_same(link, before, "a commit while nothing was pending")
