"""Cases about sequence numbers: one answer to each request, and each is carried out once."""

from typing import Final

from pump_protocol.codes import (
    DIGEST_BYTES,
    Field,
    MessageType,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.by_hand import flipped
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import accepted, expect, expect_equal, refused
from pump_protocol.conformance.pump.common.frames import identify, plain, staging_anew
from pump_protocol.conformance.steps import Play, now, receive, send
from pump_protocol.conformance.tester import PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import on_therapy, other_dose
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.envelope import SEALED_VERSION
from pump_protocol.frames import Frame
from pump_protocol.messages import (
    CommitPrescription,
    Identify,
    Interrogate,
    OpenLink,
    PrescriptionReport,
    PrescriptionStaged,
    ReadAccessLog,
    ReadLog,
    ReadNote,
    ReadPrescription,
    Reason,
    Refusal,
    Request,
    Response,
    RollBackPrescription,
    StagePrescription,
    request_name,
)
from pump_protocol.payloads import encode

LAST_NUMBER: Final = 2**32 - 1

_NEVER_STAGED: Final = encode(CommitPrescription(bytes(DIGEST_BYTES)))
"""To commit this is refused, whatever is pending."""

_LATER_MS: Final = 5
"""Long enough for a status that is made anew to differ from the one before."""

_PROMPT_MS: Final = 500
"""After which a programmer sends a request again (SEQ-10)."""


def _opened_at(tester: Tester, sequence: int) -> Play[TesterLink]:
    """A link whose OpenLink has that number."""
    link = yield from tester.unopened()
    yield from link.ask(OpenLink(PROGRAMMER_ID), sequence=sequence)
    return link


def _misused(
    link: TesterLink, request: Request[Response], code: RefusalCode, sequence: int, last: int
) -> Play[None]:
    """See that *request* is refused for its number, and what may be used instead is told."""
    reason = yield from link.refused(request, code, Field.SEQUENCE, sequence=sequence)
    _names_the_next(reason, sequence, last)
    link.sequence = last


def _names_the_next(reason: Reason, sequence: int, last: int) -> None:
    limits = (None, None) if last == LAST_NUMBER else (last + 1, LAST_NUMBER)
    expect_equal("value of the reason", reason.value, sequence)
    expect_equal("minimum and maximum of the reason", (reason.minimum, reason.maximum), limits)


def _asked(link: TesterLink, request: Request[Response]) -> Play[tuple[bytes, Frame]]:
    """Send *request*, which is to be carried out; its bytes, and those that answered."""
    data = link.frame(request)
    frame = yield from link.tester.exchange(data)
    accepted(request, link.read(frame))
    return data, frame


# --- Numbers -------------------------------------------------------------------------------------


@pump_case(
    "sequence/gaps",
    Level.MUST,
    "SEQ-01 SEQ-02",
    expects="an answer to each, under its number",
)
def gaps(tester: Tester) -> Play[None]:
    """Requests with numbers that leave out more and more, up to the last one there is."""
    link = yield from tester.link()
    for number in (5, 6, 8, 300, 70_000, 2**31 - 1, 2**31, 2**32 - 2, LAST_NUMBER):
        yield from link.ask(Interrogate(), sequence=number)


@pump_case(
    "sequence/any-first-number",
    Level.MUST,
    "SEQ-01",
    expects="the link is opened, and the next number is good",
)
def any_first_number(tester: Tester) -> Play[None]:
    """OpenLink with the numbers 0, 1, 7, 2^31 and 2^32 - 2, each in a link of its own."""
    for number in (0, 1, 7, 2**31, LAST_NUMBER - 1):
        link = yield from _opened_at(tester, number)
        yield from link.ask(Interrogate(), sequence=number + 1)


@pump_case(
    "sequence/numbers-of-a-link",
    Level.MUST,
    "SEQ-01 SEQ-04 LINK-02",
    expects="numbers count in each link for themselves: the same request is answered anew",
)
def numbers_of_a_link(tester: Tester) -> Play[None]:
    """A link at a high number, new ones that begin lower, and one whose OpenLink differs from that
    before in its link id only."""
    link = yield from _opened_at(tester, 1_000)
    yield from link.ask(Interrogate(), sequence=1_001)
    for first in (1, 1, 1_000):
        link = yield from _opened_at(tester, first)
    yield from link.ask(Interrogate(), sequence=1_001)


@pump_case(
    "sequence/used-up",
    Level.MUST,
    "SEQ-01 SEQ-05 SEQ-06 REF-03",
    expects="the last number is good; then SEQUENCE_REUSED or SEQUENCE_STALE, without limits",
    changes_nothing=True,
)
def used_up(tester: Tester) -> Play[None]:
    """The number 2^32 - 1, and then that and lower ones again."""
    link = yield from tester.link()
    stage = yield from staging_anew(link)
    last = LAST_NUMBER
    yield from link.ask(Interrogate(), sequence=last)
    yield from _misused(link, stage, RefusalCode.SEQUENCE_REUSED, last, last)
    yield from _misused(link, stage, RefusalCode.SEQUENCE_STALE, last - 1, last)
    yield from _misused(link, stage, RefusalCode.SEQUENCE_STALE, 0, last)


@pump_case(
    "sequence/stale",
    Level.MUST,
    "SEQ-06 REF-03 SEQ-07",
    expects="SEQUENCE_STALE with the next number as the least; it is not carried out",
    changes_nothing=True,
)
def stale(tester: Tester) -> Play[None]:
    """Requests with numbers lower than the last, used before or not; then with the next."""
    link = yield from _opened_at(tester, 10)
    stage = yield from staging_anew(link)
    yield from link.ask(Interrogate(), sequence=20)
    for number in (0, 1, 9, 10, 11, 19):
        yield from _misused(link, stage, RefusalCode.SEQUENCE_STALE, number, 20)
    yield from link.ask(Interrogate(), sequence=21)


@pump_case(
    "sequence/replayed-request-is-stale",
    Level.MUST,
    "SEQ-04 SEQ-06",
    expects="SEQUENCE_STALE: only the last request is answered again",
    profile=Profile.LEGACY_INSECURE,
)
def replayed_request_is_stale(tester: Tester) -> Play[None]:
    """A prescription is staged and rolled back; then the identical bytes that staged it."""
    link = yield from tester.link()
    stage = yield from staging_anew(link)
    data = link.frame(stage)
    number = link.sequence
    accepted(stage, (yield from link.exchange(data)))
    yield from link.ask(RollBackPrescription())
    response = link.read((yield from tester.exchange(data)), sequence=number)
    reason = refused(response, stage.message_type, RefusalCode.SEQUENCE_STALE, Field.SEQUENCE)
    _names_the_next(reason, number, link.sequence)
    yield from link.refused(ReadPrescription(PrescriptionSlot.PENDING), RefusalCode.NOTHING_STAGED)


@pump_case(
    "sequence/reused",
    Level.MUST,
    "SEQ-05 REF-03",
    expects="SEQUENCE_REUSED with the next number as the least; it is not carried out",
    changes_nothing=True,
)
def reused(tester: Tester) -> Play[None]:
    """The number of the last request again, with another type and with another payload."""
    link = yield from tester.link()
    stage = yield from staging_anew(link)
    last = link.sequence
    yield from _misused(link, stage, RefusalCode.SEQUENCE_REUSED, last, last)
    yield from link.ask(ReadLog(1, 1))
    last = link.sequence
    yield from _misused(link, ReadLog(1, 2), RefusalCode.SEQUENCE_REUSED, last, last)
    yield from link.ask(Interrogate(), sequence=last + 1)


# --- Exactly one answer --------------------------------------------------------------------------


@pump_case(
    "sequence/exactly-one-answer",
    Level.MUST,
    "SEQ-02",
    expects="one frame to each, with its link id and number and of the type plus 0x80, or 0xFF",
)
def exactly_one_answer(tester: Tester) -> Play[None]:
    """Requests of several kinds, some to be refused, and a good one outside behind each."""
    link = yield from tester.link()
    requests: tuple[Request[Response], ...] = (
        Interrogate(),
        Identify(),
        ReadPrescription(PrescriptionSlot.CURRENT),
        ReadLog(1, 13),
        ReadAccessLog(1, 14),
        ReadNote(),
    )
    for request in requests:
        frame = yield from tester.exchange(link.frame(request))
        response = link.read(frame)
        if isinstance(response, Refusal):  # an answer, too; whether it is right, others judge
            expect_equal("request_type", response.request_type, request.message_type)
        else:
            expect_equal("message_type", frame.message_type, request.message_type | 0x80)
        yield from tester.alive()
    for message_type, payload in (
        (MessageType.READ_PRESCRIPTION, b"\xee"),
        (MessageType.INTERROGATE, b"?"),
        (MessageType.COMMIT_PRESCRIPTION, _NEVER_STAGED),
        (0x7F, b""),
    ):
        frame = yield from tester.exchange(link.raw(message_type, payload))
        expect(
            isinstance(link.read(frame), Refusal), f"{request_name(message_type)} is not refused"
        )
        yield from tester.alive()


@pump_case(
    "sequence/answered-in-order",
    Level.MUST,
    "SEQ-12 SEQ-02",
    expects="one answer to each in their order, and each sees what those before it did",
)
def answered_in_order(tester: Tester) -> Play[None]:
    """A prescription is staged and read, another one staged and read, rolled back and read: six
    requests of a link in one write."""
    link = yield from tester.link()
    first = yield from on_therapy(link)
    second = other_dose(tester.identity, first)
    read = ReadPrescription(PrescriptionSlot.PENDING)
    requests: tuple[Request[Response], ...] = (
        StagePrescription(first),
        read,
        StagePrescription(second),
        read,
        RollBackPrescription(),
        read,
    )
    begin = link.sequence + 1
    yield from send(b"".join(map(link.frame, requests)))
    found: list[Response] = []
    for number, request in enumerate(requests, begin):
        frame = yield from tester.frame()
        if frame is None:
            raise Unmet(f"{len(found)} answers came to {len(requests)} requests in one write")
        found.append(link.read(frame, sequence=number))
        if len(found) < len(requests):
            accepted(request, found[-1])
    for at in (0, 2):
        staged, report = found[at], found[at + 1]
        assert isinstance(staged, PrescriptionStaged)
        assert isinstance(report, PrescriptionReport)
        expect_equal("digest of what was staged before", report.digest, staged.digest)
    refused(found[-1], read.message_type, RefusalCode.NOTHING_STAGED)


@pump_case(
    "sequence/prompt-answers",
    Level.SHOULD,
    "SEQ-12 SEQ-10",
    expects="each answer begins within 500 ms, before a programmer asks again",
)
def prompt_answers(tester: Tester) -> Play[None]:
    """Ten requests of several kinds, one after the other."""
    link = yield from tester.link()
    for request in (Interrogate(), ReadLog(1, 13), ReadPrescription(PrescriptionSlot.CURRENT)) * 3:
        yield from send(link.frame(request))
        before_ms = yield from now()
        tester.take((yield from receive(tester.subject.patience_ms)))
        took_ms = (yield from now()) - before_ms  # to its beginning: the line may be slow (SEQ-10)
        frame = yield from tester.frame()
        name = type(request).__name__
        if frame is None:
            raise Unmet(f"{name} was not answered within {tester.subject.patience_ms} ms")
        accepted(request, link.read(frame))
        expect(took_ms < _PROMPT_MS, f"{name} was answered after {took_ms} ms")


# --- Repeats -------------------------------------------------------------------------------------


@pump_case(
    "sequence/repeat-of-a-response",
    Level.MUST,
    "SEQ-04 SEAL-05",
    expects="the identical bytes each time, although a new answer would differ",
)
def repeat_of_a_response(tester: Tester) -> Play[None]:
    """The identical bytes of Interrogate, three times, a little later each time."""
    link = yield from tester.link()
    data, frame = yield from _asked(link, Interrogate())
    for _ in range(3):
        yield from tester.wait(_LATER_MS)
        yield from link.repeated(data, frame)
    yield from link.ask(Interrogate())


@pump_case(
    "sequence/repeat-of-a-refusal",
    Level.MUST,
    "SEQ-04 SEQ-07 SEAL-05",
    expects="the identical bytes of the refusal, each time",
    changes_nothing=True,
)
def repeat_of_a_refusal(tester: Tester) -> Play[None]:
    """The identical bytes of requests that were refused: for what they ask, for a code, for their
    length, for their type; twice each."""
    link = yield from tester.link()
    for message_type, payload in (
        (MessageType.COMMIT_PRESCRIPTION, _NEVER_STAGED),
        (MessageType.READ_PRESCRIPTION, b"\xee"),
        (MessageType.INTERROGATE, b"?"),
        (0x7F, b""),
    ):
        data = link.raw(message_type, payload)
        frame = yield from tester.exchange(data)
        expect(
            isinstance(link.read(frame), Refusal), f"{request_name(message_type)} is not refused"
        )
        yield from link.repeated(data, frame)
        yield from link.repeated(data, frame)


@pump_case(
    "sequence/repeat-not-carried-out",
    Level.MUST,
    "SEQ-04 SEAL-05",
    expects="the identical bytes, and one version more, not two or three",
)
def repeat_not_carried_out(tester: Tester) -> Play[None]:
    """What cannot be done twice, twice: a commit and, of another prescription, a roll-back."""
    link = yield from tester.link()
    prescription = yield from on_therapy(link)
    staged = yield from link.ask(StagePrescription(prescription))
    before = (yield from link.ask(Interrogate())).prescription_version
    dose_ng = staged.totals.with_patient_ng if staged.must_confirm else None
    data, frame = yield from _asked(link, CommitPrescription(staged.digest, dose_ng))
    for _ in range(2):
        yield from link.repeated(data, frame)
    after = (yield from link.ask(Interrogate())).prescription_version
    expect_equal("prescription_version after one commit", after, before + 1)
    staged = yield from link.ask(StagePrescription(prescription))
    data, frame = yield from _asked(link, StagePrescription(prescription))
    yield from link.repeated(data, frame)
    data, frame = yield from _asked(link, RollBackPrescription())
    for _ in range(2):
        yield from link.repeated(data, frame)


@pump_case(
    "sequence/repeat-after-what-uses-no-number",
    Level.MUST,
    "SEQ-04 SEQ-05 SEQ-06 SEQ-07 LINK-07 LINK-12 LINK-14",
    expects="the identical bytes: none of it takes the place of the last request",
)
def repeat_after_what_uses_no_number(tester: Tester) -> Play[None]:
    """Between a request and its repeat: Identify outside, another version, noise; in a plain link
    also OpenLink under its own id, a reused and a stale number; in a sealed one also a plain frame
    and one that is not believed."""
    link = yield from tester.link()
    data, frame = yield from _asked(link, Interrogate())
    number, link_id = link.sequence, link.link_id
    kind = MessageType.INTERROGATE
    between = [
        identify(number),
        plain(kind, link_id, number + 1, b"", 2),
        b"noise" + identify(number + 1),
        plain(kind, tester.new_link_id(), number),
    ]
    if link.envelope is None:
        between += [
            plain(MessageType.OPEN_LINK, link_id, number + 1, bytes(8)),
            plain(MessageType.READ_NOTE, link_id, number),
            plain(kind, link_id, number, b"?"),
            plain(kind, link_id, 0),
        ]
    else:
        body = flipped(link.frame(ReadNote(), sequence=number + 1)[20:-4], 70)
        between += [
            plain(kind, link_id, number),
            plain(kind, link_id, number + 1, body, SEALED_VERSION),
        ]
    for other in between:
        yield from tester.exchange(other)
        yield from link.repeated(data, frame)
    yield from link.ask(Interrogate(), sequence=number + 1)


# --- What uses a number up -----------------------------------------------------------------------


def _uses_its_number_up(tester: Tester, message_type: int, payload: bytes) -> Play[None]:
    """See that a request that is refused cannot be corrected under its number.

    :raises Unmet: it can, or it is not refused.
    """
    link = yield from tester.link()
    stage = yield from staging_anew(link)
    response = yield from link.exchange(link.raw(message_type, payload))
    expect(isinstance(response, Refusal), f"{request_name(message_type)} is not refused")
    number = link.sequence
    yield from _misused(link, stage, RefusalCode.SEQUENCE_REUSED, number, number)
    yield from link.ask(Interrogate(), sequence=number + 1)


@pump_case(
    "sequence/number-used-by-a-refused-request",
    Level.MUST,
    "SEQ-07 SEQ-05",
    expects="SEQUENCE_REUSED to a good request of the same number, and the next number is good",
    changes_nothing=True,
)
def number_used_by_a_refused_request(tester: Tester) -> Play[None]:
    """A commit of what was never staged, and a good request with its number."""
    yield from _uses_its_number_up(tester, MessageType.COMMIT_PRESCRIPTION, _NEVER_STAGED)


@pump_case(
    "sequence/number-used-by-a-malformed-request",
    Level.MUST,
    "SEQ-07 SEQ-05",
    expects="SEQUENCE_REUSED to a good request of the same number, and the next number is good",
    changes_nothing=True,
)
def number_used_by_a_malformed_request(tester: Tester) -> Play[None]:
    """Interrogate with a payload, ReadPrescription with an unknown slot, and good requests."""
    yield from _uses_its_number_up(tester, MessageType.INTERROGATE, b"?")
    yield from _uses_its_number_up(tester, MessageType.READ_PRESCRIPTION, b"\xee")


@pump_case(
    "sequence/number-used-by-an-unknown-request",
    Level.MUST,
    "SEQ-07 SEQ-05",
    expects="SEQUENCE_REUSED to a good request of the same number, and the next number is good",
    changes_nothing=True,
)
def number_used_by_an_unknown_request(tester: Tester) -> Play[None]:
    """A message type that nobody knows, and a good request with its number."""
    yield from _uses_its_number_up(tester, 0x7F, b"")
