"""Cases about frames: what is one, however it arrives, how long it may be, and its two checks.

What they send is Identify outside any link, which every pump answers, unless a link is the point.
"""

import zlib
from binascii import crc_hqx
from collections.abc import Callable, Iterable, Mapping
from struct import Struct
from typing import Final

from pump_protocol.codes import (
    CRC_BYTES,
    ENVELOPE_BYTES,
    HEADER_BYTES,
    INTER_BYTE_TIMEOUT_MS,
    MAX_FRAME_BYTES,
    MAX_PAYLOAD_BYTES,
    SEALED_BIT,
    MessageType,
    RefusalCode,
)
from pump_protocol.conformance.by_hand import CHECK_AT, flipped
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import (
    accepted,
    expect,
    expect_equal,
    plain_response,
    refused,
)
from pump_protocol.conformance.pump.common.frames import (
    answers,
    answers_at_once,
    identify,
    is_identity,
    is_too_long,
    plain,
    promise,
    silent_to,
)
from pump_protocol.conformance.steps import Play, now, receive, send
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.crc import frame_check, header_check
from pump_protocol.envelope import SEALED_VERSION
from pump_protocol.frames import (
    CorruptFrame,
    Frame,
    FrameDecoder,
    closed,
    header_bytes,
)
from pump_protocol.messages import Identify, ReadLog

_U16: Final = Struct("<H")
_U32: Final = Struct("<I")


# --- Borders of reads ----------------------------------------------------------------------------


@pump_case(
    "frame/split-at-every-byte",
    Level.MUST,
    "FRAME-01 FRAME-02 FRAME-08",
    expects="one answer to each request",
)
def split_at_every_byte(tester: Tester) -> Play[None]:
    """A request in two writes, split behind each of its bytes; then each byte in its own."""
    for at in range(1, HEADER_BYTES + CRC_BYTES):
        request = identify(at)
        yield from send(request[:at])
        is_identity((yield from tester.exchange(request[at:])), at)
    request = identify(77)
    for at in range(len(request) - 1):
        yield from send(request[at : at + 1])
    is_identity((yield from tester.exchange(request[-1:])), 77)


@pump_case(
    "frame/split-in-a-link",
    Level.MUST,
    "FRAME-01 FRAME-08 SEAL-01",
    expects="one answer to each request, sealed as the link is",
)
def split_in_a_link(tester: Tester) -> Play[None]:
    """A request of a link with a payload in two writes, split behind each of its bytes."""
    link = yield from tester.link()
    request = ReadLog(1, 1)
    at = 1
    while at < len(data := link.frame(request)):
        yield from send(data[:at])
        accepted(request, (yield from link.exchange(data[at:])))
        at += 1


@pump_case(
    "frame/several-in-one-write",
    Level.MUST,
    "FRAME-01 FRAME-08 SEQ-02",
    expects="one answer to each of them, in their order",
)
def several_in_one_write(tester: Tester) -> Play[None]:
    """Eight requests in one write; and one and a half, and the other half."""
    numbers = range(11, 19)
    for frame, number in zip(
        (yield from answers_at_once(tester, [identify(each) for each in numbers])),
        numbers,
        strict=True,
    ):
        is_identity(frame, number)
    second = identify(20)
    # Not to wait for the first answer in between: a sender may not pause within a frame (FRAME-11).
    yield from send(identify(19) + second[:13])
    is_identity((yield from tester.exchange(second[13:])), 19)
    late = yield from tester.frame()
    if late is None:
        raise Unmet("the request that came in two writes was not answered")
    is_identity(late, 20)


@pump_case(
    "frame/answers-are-whole-frames",
    Level.MUST,
    "FRAME-03 FRAME-11 FRAME-13 FRAME-14",
    expects="whole frames, one behind the other, none longer than 659 bytes and no pause of 100 ms"
    " within one",
)
def answers_are_whole_frames(tester: Tester) -> Play[None]:
    """Four requests in one write; every byte that comes back is looked at, and when it comes."""
    decoder = FrameDecoder()
    raw, found = b"", list[Frame]()
    yield from send(b"".join(map(identify, range(4))))
    last_ms = yield from now()
    while len(found) < 4:
        data = yield from receive(tester.subject.patience_ms)
        at_ms = yield from now()
        expect(bool(data), f"the pump stopped after {len(found)} of 4 answers and {len(raw)} bytes")
        paused_ms = at_ms - last_ms
        expect(
            not decoder.held_bytes or paused_ms < INTER_BYTE_TIMEOUT_MS,
            f"the pump paused for {paused_ms} ms within a frame",
        )
        raw, last_ms = raw + data, at_ms
        for event in decoder.feed(data):
            if isinstance(event, CorruptFrame):
                raise Unmet(f"the pump sent {event.size} bytes that are no frame")
            found.append(event)
    whole = [each.to_bytes() for each in found]
    expect_equal("what the pump sent", raw, b"".join(whole))
    expect(max(map(len, whole)) <= MAX_FRAME_BYTES, "an answer is longer than a frame may be")


# --- Lengths -------------------------------------------------------------------------------------


@pump_case(
    "frame/payload-lengths",
    Level.MUST,
    "FRAME-02 FRAME-05 FRAME-07 FRAME-14 MSG-02",
    expects="each frame is taken whole: Identify with a payload is refused with MALFORMED and the"
    " payload's length",
)
def payload_lengths(tester: Tester) -> Play[None]:
    """Frames with payloads of 0 to 611 bytes, the longest and those around powers of two."""
    lengths = (1, 2, 3, 4, 5, 127, 128, 129, 255, 256, 257, 511, 512, 513, 609, 610, 611)
    requests = [identify(each, tester.random.randbytes(each)) for each in lengths]
    is_identity((yield from tester.exchange(identify(0))), 0)
    for frame, length in zip((yield from answers(tester, requests)), lengths, strict=True):
        is_too_long(frame, length, length)


@pump_case(
    "frame/longest-sealed-frame",
    Level.MUST,
    "FRAME-04 FRAME-05 FRAME-14",
    expects="each is taken for a frame: it is refused",
)
def longest_sealed_frame(tester: Tester) -> Play[None]:
    """Sealed frames with 612 to 635 bytes behind the header, under an id that nobody opened."""
    link_id = tester.new_link_id()
    lengths = (612, 613, 634, MAX_PAYLOAD_BYTES + ENVELOPE_BYTES)
    requests = [
        plain(MessageType.INTERROGATE, link_id, each, bytes(each), SEALED_VERSION)
        for each in lengths
    ]
    known = RefusalCode.LINK_NOT_OPEN if tester.authenticated else RefusalCode.NOT_AUTHENTIC
    for frame, length in zip((yield from answers(tester, requests)), lengths, strict=True):
        refused(plain_response(frame, link_id, length), MessageType.INTERROGATE, known)
    other = plain(MessageType.INTERROGATE, link_id, 1, bytes(635), SEALED_BIT | 2)
    response = plain_response((yield from tester.exchange(other)), link_id, 1)
    refused(response, MessageType.INTERROGATE, RefusalCode.UNSUPPORTED_VERSION)


@pump_case(
    "frame/longer-than-allowed",
    Level.MUST,
    "FRAME-05 FRAME-09 FRAME-12",
    expects="silence, and at once an answer to the good request behind it",
)
def longer_than_allowed(tester: Tester) -> Play[None]:
    """A header whose check is right and whose length is over the limit; a good frame follows."""
    for length in (612, 613, 635, 636, 659, 660, 0x7FFF, 0x8000, 0xFFFF):
        yield from silent_to(tester, promise(length))
    for length in (636, 637, 659, 660, 0xFFFF):
        yield from silent_to(tester, promise(length, version=SEALED_VERSION))
        yield from silent_to(tester, promise(length, version=0xFF))


@pump_case(
    "frame/longer-than-allowed-and-whole",
    Level.MUST,
    "FRAME-05 FRAME-09 FRAME-12 FRAME-14",
    expects="silence: such a header is like one whose check fails",
)
def longer_than_allowed_and_whole(tester: Tester) -> Play[None]:
    """Frames that are longer than a frame may be, whole and with right checks."""
    for length, version in ((612, 1), (635, 1), (1024, 1), (636, SEALED_VERSION)):
        header = header_bytes(MessageType.IDENTIFY, 0, 1, length, version)
        yield from silent_to(tester, closed(header, bytes(length)))


@pump_case(
    "frame/length-in-wrong-byte-order",
    Level.MUST,
    "FRAME-02 FRAME-12",
    expects="silence",
)
def length_in_wrong_byte_order(tester: Tester) -> Play[None]:
    """A frame whose length has its most significant byte first, with right checks."""
    payload = bytes(MAX_PAYLOAD_BYTES)
    swapped = int.from_bytes(_U16.pack(len(payload)), "big")
    header = header_bytes(MessageType.IDENTIFY, 0, 1, swapped)
    yield from silent_to(tester, closed(header, payload))


# --- Checks --------------------------------------------------------------------------------------


@pump_case(
    "frame/crc-single-bit-flip",
    Level.MUST,
    "FRAME-06 FRAME-07 FRAME-09 FRAME-10 FRAME-12",
    expects="silence, and at once an answer to the good request behind them",
    changes_nothing=True,
)
def crc_single_bit_flip(tester: Tester) -> Play[None]:
    """A request with each of its bits flipped, one at a time, and no silence anywhere."""
    good = tester.outside(Identify())
    yield from silent_to(tester, *(flipped(good, bit) for bit in range(8 * len(good))))


@pump_case(
    "frame/corrupt-length",
    Level.MUST,
    "FRAME-06 FRAME-09 FRAME-12",
    expects="at once an answer to the good request: a corrupt length swallows nothing",
)
def corrupt_length(tester: Tester) -> Play[None]:
    """A request with each bit of its length and of its header check flipped, one at a time, and a
    good one right behind each."""
    first, last = 8 * (CHECK_AT - _U16.size), 8 * HEADER_BYTES
    for bit in range(first, last):
        yield from silent_to(tester, flipped(identify(1), bit))


@pump_case(
    "frame/crc-single-bit-flip-in-a-link",
    Level.MUST,
    "FRAME-06 FRAME-07 FRAME-10 FRAME-12",
    expects="silence, an answer to the good request behind them, and an answer to the true one",
)
def crc_single_bit_flip_in_a_link(tester: Tester) -> Play[None]:
    """A request of a link with a payload, with each of its bits flipped, one at a time."""
    link = yield from tester.link()
    request = ReadLog(1, 1)
    good = link.frame(request)
    yield from silent_to(tester, *(flipped(good, bit) for bit in range(8 * len(good))))
    accepted(request, (yield from link.exchange(good)))


@pump_case(
    "frame/crc-several-bit-flips",
    Level.MUST,
    "FRAME-07 FRAME-12 FRAME-14",
    expects="silence: the frame check finds every pattern of up to five flipped bits",
    seeded=True,
)
def crc_several_bit_flips(tester: Tester) -> Play[None]:
    """A frame of 80 bytes with two to five bits flipped, drawn by lot, 300 times."""
    good = identify(1, bytes(56))
    first = 8 * HEADER_BYTES  # of the header, the other check decides
    bits = range(first, 8 * len(good))
    drawn = (tester.random.sample(bits, tester.random.randint(2, 5)) for _ in range(300))
    yield from silent_to(tester, *(flipped(good, *each) for each in drawn))


_WRONG_FRAME_CHECKS: Final[Mapping[str, Callable[[bytes], int]]] = {
    "all but the start marker": lambda body: frame_check(body[2:]),
    "the payload only": lambda body: frame_check(body[HEADER_BYTES:]),
    "the header only": lambda body: frame_check(body[:HEADER_BYTES]),
    "all but the header check": lambda body: frame_check(body[:CHECK_AT] + body[HEADER_BYTES:]),
    "all but the last byte": lambda body: frame_check(body[:-1]),
    "all, without the final xor": lambda body: frame_check(body) ^ 0xFFFFFFFF,
    "all, most significant byte first": lambda body: int.from_bytes(
        _U32.pack(frame_check(body)), "big"
    ),
    "all, with the polynomial of Ethernet": zlib.crc32,
    "all, the lower half of it only": lambda body: frame_check(body) & 0xFFFF,
    "all, the upper half of it only": lambda body: frame_check(body) & 0xFFFF0000,
    "nothing": lambda _: 0,
}

_WRONG_HEADER_CHECKS: Final[Mapping[str, Callable[[bytes], int]]] = {
    "all but the start marker": lambda header: header_check(header[2:]),
    "all but the length": lambda header: header_check(header[:-2]),
    "all, with the initial value 0": lambda header: crc_hqx(header, 0),
    "all, with a final xor": lambda header: header_check(header) ^ 0xFFFF,
    "all, most significant byte first": lambda header: int.from_bytes(
        _U16.pack(header_check(header)), "big"
    ),
    "all, the lower half of it only": lambda header: header_check(header) & 0x00FF,
    "all, the upper half of it only": lambda header: header_check(header) & 0xFF00,
    "nothing": lambda _: 0xFFFF,
}


def _silent_to_each(tester: Tester, frames: Iterable[tuple[str, bytes]], check: str) -> Play[None]:
    for over, data in frames:
        try:
            yield from silent_to(tester, data)
        except Unmet as unmet:
            raise Unmet(f"a {check} over {over}: {unmet}") from None


@pump_case(
    "frame/wrong-frame-check",
    Level.MUST,
    "FRAME-07 FRAME-10 FRAME-12",
    expects="silence to each",
)
def wrong_frame_check(tester: Tester) -> Play[None]:
    """Frames whose frame check was computed over too little, or otherwise than FRAME-06 says."""
    body = identify(1, b"payload of a frame")[:-CRC_BYTES]
    frames = ((over, body + _U32.pack(of(body))) for over, of in _WRONG_FRAME_CHECKS.items())
    yield from _silent_to_each(tester, frames, "frame check")


@pump_case(
    "frame/wrong-header-check",
    Level.MUST,
    "FRAME-06 FRAME-09 FRAME-12",
    expects="silence to each",
)
def wrong_header_check(tester: Tester) -> Play[None]:
    """Frames whose header check was computed over too little, or otherwise than FRAME-06 says; the
    frame check is right of what they are."""
    header = identify(1)[:CHECK_AT]
    headers = ((over, header + _U16.pack(of(header))) for over, of in _WRONG_HEADER_CHECKS.items())
    frames = ((over, each + _U32.pack(frame_check(each))) for over, each in headers)
    yield from _silent_to_each(tester, frames, "header check")
