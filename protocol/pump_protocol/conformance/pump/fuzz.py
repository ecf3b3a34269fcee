"""Cases about bytes and requests drawn by lot.

None of them can be a request that a pump must carry out: their checks are wrong, no link is open
under their id, nobody could have sealed them, or their payload cannot be read. So whatever is
drawn, the pump is afterwards what it was.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Final

from pump_protocol.access import EMERGENCY
from pump_protocol.codes import (
    CRC_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    RESPONSE_BIT,
    START,
    Alarm,
    AlarmClass,
    Capability,
    Field,
    MessageType,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import (
    accepted,
    describe,
    expect_equal,
    plain_response,
    refused,
)
from pump_protocol.conformance.pump.common.frames import (
    BATCH,
    answers,
    how_many,
    identify,
    plain,
    pour,
    staging_anew,
)
from pump_protocol.conformance.steps import Play, send
from pump_protocol.conformance.tester import PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import a_bolus, a_drug, steady
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.envelope import SEALED_VERSION
from pump_protocol.errors import MalformedPayload
from pump_protocol.frames import Frame, FrameDecoder
from pump_protocol.messages import (
    AcknowledgeAlarm,
    CloseLink,
    CommitPrescription,
    Identify,
    Interrogate,
    OpenLink,
    ReadAccessLog,
    ReadLog,
    ReadNote,
    ReadPrescription,
    Refusal,
    Request,
    RequestPatientBolus,
    Response,
    RollBackPrescription,
    SetAlarmInterval,
    SetClock,
    SilenceAlarm,
    StagePrescription,
    TestAlarm,
    UpdateReservoir,
    WriteNote,
)
from pump_protocol.payloads import decode_request, encode

_MANY: Final = 400
"""Inputs of a family that nothing answers."""

_SOME: Final = 300
"""Inputs of a family each of which is answered; fewer where answers take long."""


# --- What is drawn -------------------------------------------------------------------------------


def _inverted(data: bytearray, at: int, random: Random) -> None:
    data[at] ^= 1 << random.randrange(8)


def _replaced(data: bytearray, at: int, random: Random) -> None:
    data[at] = random.choice((0x00, 0x01, 0x7F, 0x80, 0xFF, *START))


def _inserted(data: bytearray, at: int, random: Random) -> None:
    data[at:at] = random.randbytes(random.randint(1, 4))


def _removed(data: bytearray, at: int, random: Random) -> None:
    del data[at : at + random.randint(1, 4)]


def _cut_off(data: bytearray, at: int, _: Random) -> None:
    del data[at:]


def _doubled(data: bytearray, at: int, random: Random) -> None:
    data[at:at] = data[at : at + random.randint(1, 8)]


_CHANGES: Final[tuple[Callable[[bytearray, int, Random], None], ...]] = (
    _inverted,
    _replaced,
    _inserted,
    _removed,
    _cut_off,
    _doubled,
)


def _damaged(data: bytes, random: Random) -> bytes:
    """*data* with one to three changes; perhaps none, if one undoes another."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 3)):
        if changed:
            random.choice(_CHANGES)(changed, random.randrange(len(changed)), random)
    return bytes(changed)


def _requests(tester: Tester) -> tuple[Request[Response], ...]:
    """One request of each kind that a clinician may send in a link; none that the pump lacks the
    capability for, which it refuses in words of its own (MSG-11)."""
    identity = tester.identity
    can = identity.capabilities
    orders: list[Request[Response]] = []
    if Capability.SIMPLE_CONTINUOUS in can:
        orders.append(StagePrescription(steady(identity)))
    if Capability.SINGLE_BOLUS in can:
        orders.append(a_bolus(identity, 1, drug=a_drug(identity)))
    if Capability.PATIENT_BOLUS in can:
        orders.append(RequestPatientBolus(1))
    return (
        *orders,
        ReadPrescription(PrescriptionSlot.CURRENT),
        CommitPrescription(bytes(32), None),
        UpdateReservoir(1, identity.reservoir_capacity_nl),
        AcknowledgeAlarm(Alarm.LOW_RESERVOIR),
        SilenceAlarm(Alarm.LOW_RESERVOIR, identity.minimum_silence_ms),
        TestAlarm(AlarmClass.CRITICAL),
        ReadLog(1, 1),
        ReadAccessLog(1, 1),
        SetClock(0),
        SetAlarmInterval(AlarmClass.CRITICAL, identity.minimum_critical_interval_ms),
        WriteNote("a note"),
        Interrogate(),
        RollBackPrescription(),
        CloseLink(),
    )


def _holds_a_frame(data: bytes) -> bool:
    decoder = FrameDecoder()
    events = [*decoder.feed(data), *decoder.expire()]
    return any(isinstance(each, Frame) for each in events)


def _frameless(good: list[bytes], random: Random) -> list[bytes]:
    """Frames of *good*, damaged, none of which is one, nor becomes one by what stands beside it."""
    while True:
        drawn = (_damaged(random.choice(good), random) for _ in range(2 * _MANY))
        pieces = list(islice((each for each in drawn if not _holds_a_frame(each)), _MANY))
        if not _holds_a_frame(b"".join(pieces)):
            return pieces


# --- Families ------------------------------------------------------------------------------------


@pump_case(
    "fuzz/random-bytes",
    Level.MUST,
    "SEC-04 FRAME-12",
    expects="silence, and an answer to the good request behind them",
    changes_nothing=True,
    seeded=True,
)
def random_bytes(tester: Tester) -> Play[None]:
    """400 runs of random bytes, half of them behind a start marker."""
    random = tester.random
    sent_bytes = yield from pour(
        random.choice((b"", START)) + random.randbytes(random.randint(1, 120)) for _ in range(_MANY)
    )
    yield from tester.gap()
    yield from tester.alive(behind=sent_bytes)


@pump_case(
    "fuzz/damaged-frames",
    Level.MUST,
    "SEC-04 FRAME-08 FRAME-11 FRAME-12",
    expects="silence, and an answer to the good request behind them and a silence",
    changes_nothing=True,
    seeded=True,
)
def damaged_frames(tester: Tester) -> Play[None]:
    """400 good requests of the open link, each changed in one to three places, so that no part of
    it is a frame."""
    link = yield from tester.link()
    good = [link.frame(each) for each in _requests(tester)]
    sent_bytes = yield from pour(_frameless(good, tester.random))
    yield from tester.gap()
    yield from tester.alive(behind=sent_bytes)


@dataclass(frozen=True, slots=True)
class _Stray:
    """A frame that no pump may carry out; Identify it may answer."""

    message_type: int
    link_id: int
    sequence: int
    payload: bytes
    version: int

    @classmethod
    def drawn(cls, tester: Tester, ended: int) -> "_Stray":
        """Of any version, type, link, number and payload. No link is open, *ended* did end."""
        random = tester.random
        message_type = random.randrange(RESPONSE_BIT)
        link_id = random.choice((random.getrandbits(64) | 1, ended, 0))
        if link_id == 0 and message_type in EMERGENCY:
            link_id = 1
        size = random.choice((0, 1, random.randint(2, 80), random.randint(2, MAX_PAYLOAD_BYTES)))
        if message_type in (MessageType.OPEN_LINK, MessageType.AUTHENTICATE):
            size = min(size, 7)  # neither is so short
        version = random.choice((1, 1, 1, SEALED_VERSION, random.randrange(256)))
        sequence = random.choice((0, 1, random.getrandbits(32)))
        return cls(message_type, link_id, sequence, random.randbytes(size), version)

    @property
    def is_identify(self) -> bool:
        """Whether it is answered."""
        asked = self.message_type == MessageType.IDENTIFY and self.version == 1
        return asked and not self.payload

    @property
    def data(self) -> bytes:
        """The whole frame."""
        return plain(self.message_type, self.link_id, self.sequence, self.payload, self.version)


@pump_case(
    "fuzz/frames-outside",
    Level.MUST,
    "SEC-04 SEQ-02 LINK-04 LINK-06 MSG-09",
    expects="a refusal to each in a plain frame under its link id and number, or Identity",
    changes_nothing=True,
    seeded=True,
)
def frames_outside(tester: Tester) -> Play[None]:
    """300 frames with right checks, of any version, type below 0x80, link id, number and payload,
    while no link is open."""
    link = yield from tester.link()
    yield from link.ask(CloseLink())
    some = yield from how_many(tester, _SOME)
    strays = [_Stray.drawn(tester, link.link_id) for _ in range(some)]
    frames = yield from answers(tester, [each.data for each in strays])
    for stray, frame in zip(strays, frames, strict=True):
        response = plain_response(frame, stray.link_id, stray.sequence)
        if stray.is_identify:
            accepted(Identify(), response)
        elif not isinstance(response, Refusal):
            raise Unmet(f"a frame that no pump may carry out was answered with {describe(frame)}")
        else:
            expect_equal("request_type", response.request_type, stray.message_type)
    yield from tester.alive()


_MAY_BECOME: Final[Mapping[int, Capability]] = {
    MessageType.STAGE_PRESCRIPTION: Capability.MINIMUM_RATE
    | Capability.FLEX
    | Capability.PERIODIC_BOLUS
    | Capability.PATIENT_BOLUS
    | Capability.BRIDGE_BOLUS
    | Capability.MIXTURES,
    MessageType.ORDER_BOLUS: Capability.PRIMING_BOLUS,
}
"""What a damaged payload may ask for: a pump that lacks one of these may see that first, and refuse
it in words of its own (MSG-11)."""


@pump_case(
    "fuzz/unreadable-payloads",
    Level.MUST,
    "SEC-04 MSG-02 MSG-04 MSG-05 SEQ-02",
    expects="each is refused for the first fault of its payload",
    changes_nothing=True,
    seeded=True,
)
def unreadable_payloads(tester: Tester) -> Play[None]:
    """300 requests of the open link, in good frames, whose payload was changed so that it cannot be
    read."""
    link = yield from tester.link()
    faults = list(islice(_unreadable(tester), (yield from how_many(tester, _SOME))))
    begin = link.sequence + 1
    frames = yield from answers(
        tester, [link.raw(message_type, payload) for message_type, payload, _ in faults]
    )
    for number, (frame, fault) in enumerate(zip(frames, faults, strict=True), begin):
        message_type, payload, error = fault
        response = link.read(frame, sequence=number)
        try:
            reason = refused(response, message_type, error.code, error.field)
            expect_equal("value of the reason", reason.value, error.value)
        except Unmet as unmet:
            name = MessageType(message_type).name
            raise Unmet(f"{name} with payload {payload.hex(' ') or 'empty'}: {unmet}") from None
    yield from link.ask(Interrogate())


def _unreadable(tester: Tester) -> Iterator[tuple[int, bytes, MalformedPayload]]:
    """Payloads that cannot be read, of what message type, and what is wrong with each."""
    can = tester.identity.capabilities
    bases = [
        (each.message_type, encode(each))
        for each in _requests(tester)
        if _MAY_BECOME.get(each.message_type, can) in can
    ]
    while True:
        message_type, base = tester.random.choice(bases)
        payload = _damaged(base or bytes(2), tester.random)
        try:
            decode_request(message_type, payload)
        except MalformedPayload as error:
            yield message_type, payload, error


@pump_case(
    "fuzz/sealed-frames",
    Level.MUST,
    "SEC-04 SEAL-04 SEAL-06 SEQ-02",
    expects="each is refused in a plain frame, as nobody's, and the link goes on",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
    seeded=True,
)
def sealed_frames(tester: Tester) -> Play[None]:
    """300 times a sealed request that the pump would carry out, changed behind its version, with
    length and checks mended."""
    link = yield from tester.link()
    good = link.frame((yield from staging_anew(link)))
    forged = list(islice(_forged(tester.random, good), (yield from how_many(tester, _SOME))))
    frames = yield from answers(tester, [each.to_bytes() for each in forged])
    for sent, frame in zip(forged, frames, strict=True):
        response = plain_response(frame, sent.link_id, sent.sequence)
        ours = sent.link_id == link.link_id
        code = RefusalCode.NOT_AUTHENTIC if ours else RefusalCode.LINK_NOT_OPEN
        refused(response, sent.message_type, code)
    yield from link.ask(Interrogate())


def _forged(random: Random, good: bytes) -> Iterator[Frame]:
    """Frames like *good*, each with something else behind its version, none a response."""
    body = good[3:-CRC_BYTES]
    while True:
        changed = _damaged(body, random)
        head, payload = changed[: HEADER_BYTES - 3], changed[HEADER_BYTES - 3 :]
        frame = Frame(
            head[0] if head else 0,
            int.from_bytes(head[1:9], "little"),
            int.from_bytes(head[9:13], "little"),
            payload,
            SEALED_VERSION,
        )
        if frame.message_type < RESPONSE_BIT and frame.to_bytes() != good:
            yield frame


@pump_case(
    "fuzz/sequence-numbers",
    Level.MUST,
    "SEC-04 SEQ-01 SEQ-02 SEQ-05 SEQ-06 SEQ-07",
    expects="an answer, SEQUENCE_REUSED or SEQUENCE_STALE, as the number says",
    changes_nothing=True,
    seeded=True,
)
def sequence_numbers(tester: Tester) -> Play[None]:
    """300 reading requests of the open link with numbers below, at and above the last one."""
    random = tester.random
    link = yield from tester.link()
    last = link.sequence
    asked: list[tuple[int, Request[Response], RefusalCode | None]] = []
    previous: Request[Response] = Interrogate()
    for _ in range((yield from how_many(tester, _SOME))):
        number = max(0, last + random.choice((-1000, -2, -1, 0, 1, 1, 2, 1000)))
        choices = [
            each
            for each in (Interrogate(), ReadNote(), ReadLog(1, 1), Identify())
            if number != last or each != previous
        ]
        request = random.choice(choices)
        if number > last:
            asked.append((number, request, None))
            last, previous = number, request
        else:
            code = RefusalCode.SEQUENCE_REUSED if number == last else RefusalCode.SEQUENCE_STALE
            asked.append((number, request, code))
    yield from _judge_numbers(link, asked)


def _judge_numbers(
    link: TesterLink, asked: list[tuple[int, Request[Response], RefusalCode | None]]
) -> Play[None]:
    """Send requests with their numbers, and see that each is answered, or refused for that."""
    data = [link.frame(request, sequence=number) for number, request, _ in asked]
    frames = yield from answers(link.tester, data)
    for frame, (number, request, code) in zip(frames, asked, strict=True):
        _as_foretold(link.read(frame, sequence=number), request, code, Field.SEQUENCE)


def _as_foretold(
    response: Response, request: Request[Response], code: RefusalCode | None, about: Field
) -> None:
    """See that a request is refused with *code*; with none, that it is not refused for *about*.

    What else a pump refuses, other cases judge.
    """
    if code is not None:
        refused(response, request.message_type, code, about)
    elif isinstance(response, Refusal) and all(
        each.field is not about for each in response.reasons
    ):
        expect_equal("request_type of the refusal", response.request_type, request.message_type)
    else:
        accepted(request, response)


@dataclass(slots=True)
class _Links:
    """Which links a plain pump knows: the one that is open, and those that ended."""

    is_open: int | None = None
    gone: set[int] = field(default_factory=set)

    def refuse(self, link_id: int, request: Request[Response]) -> RefusalCode | None:
        """Why a request is refused; None of one that is carried out, which may open or end one."""
        opens = isinstance(request, OpenLink)
        if link_id in self.gone or (opens and link_id == self.is_open):
            return RefusalCode.LINK_ID_USED
        if not opens and link_id != self.is_open:
            return RefusalCode.LINK_NOT_OPEN
        if opens or isinstance(request, CloseLink):
            if self.is_open is not None:
                self.gone.add(self.is_open)
            self.is_open = link_id if opens else None
        return None


@pump_case(
    "fuzz/links",
    Level.MUST,
    "SEC-04 LINK-01 LINK-04 LINK-05 LINK-06 LINK-07",
    expects="an answer in the open link, LINK_ID_USED in one that ended, else LINK_NOT_OPEN",
    profile=Profile.LEGACY_INSECURE,
    changes_nothing=True,
    seeded=True,
)
def links(tester: Tester) -> Play[None]:
    """300 requests under twelve link ids: to open and to close a link, and to read."""
    random, known = tester.random, _Links()
    ids = [tester.new_link_id() for _ in range(12)]
    kinds = (OpenLink(PROGRAMMER_ID), CloseLink(), *[Interrogate()] * 6)
    some = yield from how_many(tester, _SOME)
    asked = [(random.choice(ids), number, random.choice(kinds)) for number in range(some)]
    codes = [known.refuse(link_id, request) for link_id, _, request in asked]
    data = [
        plain(each.message_type, link_id, number, encode(each)) for link_id, number, each in asked
    ]
    frames = yield from answers(tester, data)
    for frame, code, (link_id, number, request) in zip(frames, codes, asked, strict=True):
        response = plain_response(frame, link_id, number)
        _as_foretold(response, request, code, Field.LINK_ID)


@pump_case(
    "fuzz/splits",
    Level.MUST,
    "SEC-04 FRAME-01 FRAME-08 FRAME-12 SEQ-02",
    expects="one answer to each request, in their order",
    seeded=True,
)
def splits(tester: Tester) -> Play[None]:
    """160 requests with noise between them, in writes that begin and end anywhere."""
    random = tester.random
    for first in range(0, 160, BATCH):
        numbers = range(first, first + BATCH)
        stream = b"".join(
            random.randbytes(random.randrange(30)) + identify(each, bytes(each % 40 + 1))
            for each in numbers
        )
        cuts = sorted(random.sample(range(1, len(stream)), random.randint(1, 20)))
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            yield from send(stream[begin:end])
        for number in numbers:
            frame = yield from tester.frame()
            if frame is None:
                raise Unmet(f"request {number - first + 1} of {BATCH} was not answered")
            response = plain_response(frame, 0, number)
            refused(response, MessageType.IDENTIFY, RefusalCode.MALFORMED, Field.PAYLOAD)
    yield from tester.alive()
