"""Cases about what is pending and what was committed: repeats, lost frames, roll-back, expiry."""

from typing import Final

from pump_protocol.codes import (
    STAGING_LIMIT_MS,
    Alarm,
    Field,
    LogEvent,
    MessageType,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.reading import log_from, the_record
from pump_protocol.conformance.pump.common.ready import on_the_bench, tidy
from pump_protocol.conformance.pump.common.staging import (
    commit_of,
    current,
    is_in_force,
    is_pending,
    nothing_pending,
    stage_other,
)
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play, reconnect, send
from pump_protocol.conformance.tester import OTHER_PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    committed,
    other_dose,
    stopped,
)
from pump_protocol.conformance.verdicts import Unmet, Unsupported
from pump_protocol.messages import (
    CloseLink,
    CommitPrescription,
    Identify,
    Interrogate,
    PrescriptionCommitted,
    PrescriptionStaged,
    RollBackPrescription,
    StagePrescription,
)

_MARGIN_MS: Final = 10_000
"""For a pump that takes up to a second for each answer."""

_NEARLY_MS: Final = STAGING_LIMIT_MS - _MARGIN_MS


_SEQUENCE: Final = slice(12, 16)
"""Where a frame has its sequence number (FRAME-02)."""


# --- A commit again ------------------------------------------------------------------------------


@pump_case(
    "program/commit-repeated",
    Level.MUST,
    "PROG-13",
    expects="the answer of the first time, with its time, and nothing changes",
)
def commit_repeated(tester: Tester) -> Play[None]:
    """A commit that was carried out, again as new requests: in the same link and in another."""
    link, prescription = yield from on_the_bench(tester)
    staged, done = yield from committed(link, other_dose(tester.identity, prescription))
    before = yield from state_in(link)
    for _ in range(2):
        yield from _committed_again(link, staged, done)
    yield from expect_same(link, before, "a commit that was repeated")
    link = yield from tester.link(programmer_id=OTHER_PROGRAMMER_ID)
    yield from _committed_again(link, staged, done)
    yield from expect_same(link, before, "a commit that was repeated in another link")


@pump_case(
    "program/commit-repeated-while-pending",
    Level.MUST,
    "PROG-13",
    expects="the answer of the first time; what is pending is pending still",
)
def commit_repeated_while_pending(tester: Tester) -> Play[None]:
    """A commit that was carried out is repeated while another prescription is pending."""
    link, prescription = yield from on_the_bench(tester)
    first, done = yield from committed(link, other_dose(tester.identity, prescription))
    second = yield from link.ask(StagePrescription(prescription))
    before = yield from state_in(link)
    yield from _committed_again(link, first, done)
    yield from expect_same(link, before, "a commit that was repeated while another was pending")
    yield from is_pending(link, second)
    yield from link.ask(commit_of(second))
    yield from is_in_force(link, prescription, done.version + 1)


def _committed_again(
    link: TesterLink, staged: PrescriptionStaged, done: PrescriptionCommitted
) -> Play[None]:
    again = yield from link.ask(commit_of(staged))
    expect_equal("the answer to a commit that was repeated", again, done)


@pump_case(
    "program/commit-of-version-one",
    Level.MUST,
    "PROG-13 PROG-16",
    expects="answered with committed_at_ms 0, and nothing changes",
    changes_nothing=True,
    fresh=True,
)
def commit_of_version_one(tester: Tester) -> Play[None]:
    """A commit with the digest of what a new pump has in force."""
    link = yield from tester.link()
    report = yield from current(link)
    if report.version != 1:
        raise Unsupported(f"version {report.version} is in force: something was committed before")
    done = yield from link.ask(CommitPrescription(report.digest))
    wanted = PrescriptionCommitted(1, 0, report.digest)
    expect_equal("the answer to a commit of version 1", done, wanted)


@pump_case(
    "program/old-commit",
    Level.MUST,
    "PROG-13 PROG-09 PROG-12",
    expects="refused; what is in force stays, also when the old prescription is pending again",
)
def old_commit(tester: Tester) -> Play[None]:
    """A commit that was carried out, but whose prescription was replaced since, is repeated."""
    link, prescription = yield from on_the_bench(tester)
    other = other_dose(tester.identity, prescription)
    old, _ = yield from committed(link, other)
    yield from committed(link, prescription)
    link = yield from tester.link()
    before = yield from state_in(link)
    yield from link.refused(commit_of(old), RefusalCode.NOTHING_STAGED, Field.NONE)
    yield from expect_same(link, before, "an old commit")
    staged = yield from link.ask(StagePrescription(other))
    before = yield from state_in(link)
    yield from link.refused(commit_of(old), RefusalCode.STALE_DIGEST, Field.DIGEST)
    yield from expect_same(link, before, "an old commit")
    yield from is_pending(link, staged)
    yield from tidy(link)


# --- Links and lost frames -----------------------------------------------------------------------


@pump_case(
    "program/pending-outlives-link",
    Level.MUST,
    "PROG-10",
    expects="it is pending still, and the commit of another programmer puts it in force",
)
def pending_outlives_link(tester: Tester) -> Play[None]:
    """A prescription is staged in a link that is closed; another link commits it."""
    link, prescription = yield from on_the_bench(tester)
    staged = yield from stage_other(link, prescription)
    yield from link.ask(CloseLink())
    link = yield from tester.link(programmer_id=OTHER_PROGRAMMER_ID)
    yield from is_pending(link, staged)
    done = yield from link.ask(commit_of(staged))
    yield from is_in_force(link, staged.prescription, done.version)


@pump_case(
    "program/commit-cut",
    Level.MUST,
    "PROG-12",
    expects="the old prescription is in force, whole, and the new one is pending",
)
def commit_cut(tester: Tester) -> Play[None]:
    """All but the last byte of a commit, then the port is closed and opened again."""
    link, prescription = yield from on_the_bench(tester)
    staged = yield from stage_other(link, prescription)
    before = yield from state_in(link)
    yield from send(link.frame(commit_of(staged))[:-1])
    yield from reconnect()
    yield from caught_up(tester)
    link = yield from tester.link()
    yield from expect_same(link, before, "a commit that was cut")
    yield from link.ask(commit_of(staged))
    yield from is_in_force(link, staged.prescription, staged.version)


@pump_case(
    "program/commit-answer-lost",
    Level.MUST,
    "PROG-12 PROG-13",
    expects="the old or the new one is in force, whole; the repeat puts it in force once",
)
def commit_answer_lost(tester: Tester) -> Play[None]:
    """A commit is sent, and the port closed before it is answered; another link repeats it."""
    link, prescription = yield from on_the_bench(tester, plainly=True)
    staged = yield from stage_other(link, prescription)
    yield from send(link.frame(commit_of(staged)))
    yield from reconnect()
    yield from caught_up(tester)
    link = yield from tester.link()
    report = yield from current(link)
    old, new = staged.version - 1, staged.version
    expect(
        (report.version, report.prescription) in ((old, prescription), (new, staged.prescription)),
        f"neither the old nor the new prescription is in force: {report}",
    )
    done = yield from link.ask(commit_of(staged))
    expect_equal("version of the commit that was repeated", done.version, new)
    yield from is_in_force(link, staged.prescription, new)
    yield from nothing_pending(link)


# --- Roll-back and expiry ------------------------------------------------------------------------


@pump_case(
    "program/rollback",
    Level.MUST,
    "PROG-15",
    expects="therapy goes on as it was, nothing is pending, and its commit is refused",
)
def rollback(tester: Tester) -> Play[None]:
    """A prescription is staged, rolled back, and then committed."""
    link, prescription = yield from on_the_bench(tester, plainly=True)
    version = (yield from link.ask(Interrogate())).prescription_version
    staged = yield from stage_other(link, prescription)
    log = (yield from link.ask(Interrogate())).therapy_log
    answer = yield from link.ask(RollBackPrescription())
    expect_equal("version of the roll-back", answer.version, version)
    yield from nothing_pending(link)
    yield from link.refused(commit_of(staged), RefusalCode.NOTHING_STAGED, Field.NONE)
    status = yield from is_in_force(link, prescription, version)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, prescription.rate_nl_per_day)
    record = the_record((yield from log_from(link, log.next_sequence)), LogEvent.ROLLED_BACK)
    sent = staged.prescription
    wanted = (sent.rate_nl_per_day, sent.daily_dose_ng)
    expect_equal("a and b of ROLLED_BACK", (record.a, record.b), wanted)


@pump_case(
    "program/rollback-nothing-staged",
    Level.MUST,
    "PROG-15",
    expects="refused with NOTHING_STAGED",
)
def rollback_nothing_staged(tester: Tester) -> Play[None]:
    """A roll-back while nothing is pending."""
    link, _ = yield from on_the_bench(tester)
    before = yield from state_in(link)
    yield from link.refused(RollBackPrescription(), RefusalCode.NOTHING_STAGED, Field.NONE)
    yield from expect_same(link, before, "a roll-back while nothing was pending")


@pump_case(
    "program/expiry",
    Level.MUST,
    "PROG-11 ALARM-14",
    expects="pending until 120 s after the staging, and rolled back by the pump then",
    waits_ms=STAGING_LIMIT_MS + _MARGIN_MS,
)
def expiry(tester: Tester) -> Play[None]:
    """A staged prescription is left alone; the pump is asked after 110 s, and after 130 s."""
    link, prescription = yield from on_the_bench(tester, plainly=True)
    staged = yield from stage_other(link, prescription)
    log = (yield from link.ask(Interrogate())).therapy_log
    yield from tester.wait(_NEARLY_MS)
    yield from is_pending(link, staged)
    yield from tester.wait(2 * (STAGING_LIMIT_MS - _NEARLY_MS))
    yield from nothing_pending(link)
    yield from link.refused(commit_of(staged), RefusalCode.NOTHING_STAGED, Field.NONE)
    yield from is_in_force(link, prescription, staged.version - 1)
    entries = yield from log_from(link, log.next_sequence)
    the_record(entries, LogEvent.STAGING_EXPIRED, staged.prescription.rate_nl_per_day)
    the_record(entries, LogEvent.ALARM_RAISED, Alarm.UPDATE_INCOMPLETE.value)
    yield from link.ask(RollBackPrescription())  # which settles an update that was left open
    yield from tidy(link)


@pump_case(
    "program/expiry-of-the-last-staged",
    Level.MUST,
    "PROG-10 PROG-11",
    expects="the 120 s count from the last staging",
    waits_ms=STAGING_LIMIT_MS // 2 + _NEARLY_MS,
)
def expiry_of_the_last_staged(tester: Tester) -> Play[None]:
    """A prescription is staged in place of another, 60 s after it, and committed 110 s later."""
    link, prescription = yield from on_the_bench(tester)
    yield from link.ask(StagePrescription(stopped(prescription)))
    yield from tester.wait(STAGING_LIMIT_MS // 2)
    staged = yield from stage_other(link, prescription)
    yield from tester.wait(STAGING_LIMIT_MS // 2)
    yield from is_pending(link, staged)
    yield from tester.wait(_NEARLY_MS - STAGING_LIMIT_MS // 2)
    done = yield from link.ask(commit_of(staged))
    yield from is_in_force(link, staged.prescription, done.version)


@pump_case(
    "program/repeat-does-not-prolong",
    Level.MUST,
    "PROG-11 SEQ-04",
    expects="the identical answer, and rolled back 120 s after the first staging",
    waits_ms=STAGING_LIMIT_MS + 1_000,
)
def repeat_does_not_prolong(tester: Tester) -> Play[None]:
    """The frame of a stage is sent again, identical, 60 s after it was answered."""
    link, prescription = yield from on_the_bench(tester)
    request = StagePrescription(other_dose(tester.identity, prescription))
    frame = link.frame(request)
    answer = yield from tester.exchange(frame)
    link.read(answer)
    yield from tester.wait(STAGING_LIMIT_MS // 2)
    yield from link.repeated(frame, answer)
    yield from link.ask(Interrogate())  # so that the link does not end meanwhile
    yield from tester.wait(STAGING_LIMIT_MS // 2 + 1_000)
    yield from nothing_pending(link)
    yield from link.ask(RollBackPrescription())  # which settles an update that was left open
    yield from tidy(link)


def caught_up(tester: Tester) -> Play[None]:
    """Let the pump answer what was sent before the port was opened again, and take no notice.

    It carries requests out in the order in which they came (SEQ-12).
    """
    yield from tester.calm()
    request = tester.outside(Identify())
    yield from send(request)
    answered = None
    while answered != (MessageType.IDENTITY, int.from_bytes(request[_SEQUENCE], "little")):
        frame = yield from tester.frame()
        if frame is None:
            raise Unmet("no answer to Identify after the port was opened again")
        answered = (frame.message_type, frame.sequence)
