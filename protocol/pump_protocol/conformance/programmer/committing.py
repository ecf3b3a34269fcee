"""Commits whose answers are lost, garbled or refused: what a programmer says of them."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import Alarm, AlarmFlag, Field, PrescriptionSlot, RefusalCode
from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    UNSAID,
    committed,
    expect_said,
    expect_truth,
)
from pump_protocol.conformance.programmer.scenes import (
    DAILY_MCG,
    Reply,
    T,
    at_first,
    attend,
    in_silence,
    lost,
    program,
    read,
    refusal,
    say_nothing,
    saying,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Ended, Play, reconnect, send
from pump_protocol.messages import (
    AlarmRecord,
    CommitPrescription,
    PrescriptionCommitted,
    ReadPrescription,
    Refusal,
    StatusReport,
)
from pump_protocol.payloads import encode

_CUTS: Final = 4


def _commit(standin: StandIn, reply: Reply) -> Play[Ended]:
    """A prescription is programmed; *reply* sees to the first exchange of the commit."""
    yield from program(standin)
    return (yield from attend(standin, {T.COMMIT_PRESCRIPTION: at_first(standin, reply)}))


@programmer_case(
    "programmer-programming/commit-in-silence",
    Level.MUST,
    "SEQ-11",
    expects="it says that the outcome is unknown",
    tasks="program",
)
def commit_in_silence(standin: StandIn) -> Play[None]:
    """A commit is carried out; its answer and everything after it gets lost."""
    yield from program(standin)
    heard = yield from standin.serve_until(T.COMMIT_PRESCRIPTION)
    yield from standin.good_answer(heard)
    ended = yield from in_silence(standin)
    expect_said(standin, ended, UNSAID, "nothing was heard since the commit")


@programmer_case(
    "programmer-programming/commit-line-cut",
    Level.MUST,
    "SEQ-11",
    expects="it says that the outcome is unknown, wherever the answer was cut",
    tasks="program",
    seeded=True,
)
def commit_line_cut(standin: StandIn) -> Play[None]:
    """Commits are carried out; the line is cut after some bytes of the answer, which are drawn by
    lot: none, all but one, and others."""
    for place in range(_CUTS):
        yield from program(standin, DAILY_MCG + place)
        heard = yield from standin.serve_until(T.COMMIT_PRESCRIPTION)
        answer = yield from standin.good_answer(heard)
        sizes = (0, len(answer) - 1, standin.random.randrange(1, len(answer) - 1))
        size = sizes[min(place, 2)]
        yield from send(answer[:size])
        yield from reconnect()
        ended = yield from standin.end()
        although = f"the line was cut after {size} of {len(answer)} bytes of the answer"
        expect_said(standin, ended, UNSAID, although)


@programmer_case(
    "programmer-programming/commit-answer-lost",
    Level.MUST,
    "SEQ-11",
    expects="it finds out that the prescription is in force, or says that this is unknown",
    tasks="program",
)
def commit_answer_lost(standin: StandIn) -> Play[None]:
    """A commit is carried out, and no sending of it answered; after that all is answered well."""
    ended = yield from _commit(standin, lost(standin, carried_out=True))
    expect_truth(standin, ended, done=True, what="the commit")


@programmer_case(
    "programmer-programming/commit-never-arrived",
    Level.MUST,
    "SEQ-11",
    expects="it does not say that the prescription is in force, unless it commits it once more",
    tasks="program",
)
def commit_never_arrived(standin: StandIn) -> Play[None]:
    """No sending of a commit reaches the pump; after that all is answered well."""
    ended = yield from _commit(standin, say_nothing)
    expect_truth(standin, ended, done=committed(standin), what="the commit")


@programmer_case(
    "programmer-programming/commit-garbled",
    Level.MUST,
    "SEQ-09 SEQ-11",
    expects="it does not say that the prescription is in force, unless it commits it once more",
    tasks="program",
)
def commit_garbled(standin: StandIn) -> Play[None]:
    """A commit is not carried out, and answered as if it were, with a byte too many."""

    def garbled(heard: Heard) -> Play[None]:
        digest = read(heard, CommitPrescription).digest
        payload = encode(PrescriptionCommitted(2, 864_000_000, digest)) + b"\0"
        yield from send(standin.say_raw(heard, T.PRESCRIPTION_COMMITTED, payload))

    ended = yield from _commit(standin, garbled)
    expect_truth(standin, ended, done=committed(standin), what="the commit")


@programmer_case(
    "programmer-programming/commit-memory-lost",
    Level.MUST,
    "SEQ-13",
    expects="it says that the outcome is unknown: such a pump cannot tell",
    tasks="program",
)
def commit_memory_lost(standin: StandIn) -> Play[None]:
    """A commit is not answered; after it the pump has the old prescription, with nothing pending,
    and lists CRITICAL_MEMORY_ERROR."""
    failed = False

    def commit(_: Heard) -> Play[None]:
        nonlocal failed
        failed = True
        yield from ()

    def interrogate(heard: Heard) -> Play[None]:
        def forgetful(status: StatusReport) -> StatusReport:
            code = Alarm.CRITICAL_MEMORY_ERROR
            alarm = AlarmRecord(code, AlarmFlag.ACTIVE, status.at_ms, None, None)
            return replace(status, alarms=(alarm,), has_pending=False)

        if failed:
            yield from send((yield from standin.lie(heard, StatusReport, forgetful)))
        else:
            yield from standin.answer(heard)

    def read_prescription(heard: Heard) -> Play[None]:
        if failed and heard.request == ReadPrescription(PrescriptionSlot.PENDING):
            yield from send(standin.say(heard, refusal(heard, RefusalCode.NOTHING_STAGED)))
        else:
            yield from standin.answer(heard)

    yield from program(standin)
    ended = yield from attend(
        standin,
        {
            T.COMMIT_PRESCRIPTION: commit,
            T.INTERROGATE: interrogate,
            T.READ_PRESCRIPTION: read_prescription,
        },
    )
    expect_said(standin, ended, UNSAID, "the pump has lost its memory")


@programmer_case(
    "programmer-programming/commit-refused",
    Level.MUST,
    "PROG-12 REF-01",
    expects="it does not say that the prescription is in force",
    tasks="program",
)
def commit_refused(standin: StandIn) -> Play[None]:
    """A commit is refused with STALE_DIGEST: somebody else has staged something meanwhile."""

    def stale(heard: Heard) -> Refusal:
        return refusal(heard, RefusalCode.STALE_DIGEST, field=Field.DIGEST)

    yield from program(standin)
    ended = yield from attend(standin, {T.COMMIT_PRESCRIPTION: saying(standin, stale)})
    expect_said(standin, ended, NOT_DONE, "every commit was refused")
