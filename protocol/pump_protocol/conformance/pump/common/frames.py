"""Frames as no programmer sends them, many of them at once, and what answers them.

What several modules of cases need beside :mod:`pump_protocol.conformance.tester`. It judges nothing
but that answers come.
"""

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Final

from pump_protocol.codes import (
    INTER_BYTE_TIMEOUT_MS,
    PROTOCOL_VERSION,
    Field,
    MessageType,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.expectations import accepted, expect_equal, plain_response, refused
from pump_protocol.conformance.steps import Play, now, send
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import steady, undecided
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.crc import header_check
from pump_protocol.frames import Frame, frame_bytes, header_bytes
from pump_protocol.messages import Identify, ReadPrescription, StagePrescription

_U16: Final = Struct("<H")

_WRITE_BYTES: Final = 2_048
"""So much is sent at once, at most, of what nothing may answer."""

BATCH: Final = 8
"""So many requests are sent at once, at most, before their answers are read: they fit the buffers
of every line, at the pump's end too."""

_HELD_MS: Final = INTER_BYTE_TIMEOUT_MS * 8 // 10
"""An answer that comes so much later than usual has waited for a silence."""

_ATTEMPTS: Final = 3
"""A computer that was busy is late once, a pump that waits for a silence each time."""


def promise(length: int, *, version: int = PROTOCOL_VERSION) -> bytes:
    """The header of an Identify, its check right, that promises *length* bytes of payload."""
    header = header_bytes(MessageType.IDENTIFY, 0, 0, length, version)
    return header + _U16.pack(header_check(header))


def pour(pieces: Iterable[bytes]) -> Play[int]:
    """Send many pieces, one behind the other, in few writes; how many bytes they were."""
    held, sent_bytes = b"", 0
    for piece in pieces:
        sent_bytes += len(piece)
        if held and len(held) + len(piece) > _WRITE_BYTES:
            yield from send(held)
            held = b""
        held += piece
    if held:
        yield from send(held)
    return sent_bytes


def answers(tester: Tester, requests: Sequence[bytes]) -> Play[list[Frame]]:
    """Send requests, each when the one before was answered, and read as many frames.

    :raises Unmet: one is not answered.
    """
    found: list[Frame] = []
    for number, request in enumerate(requests, 1):
        try:
            found.append((yield from tester.exchange(request)))
        except Unmet as unmet:
            raise Unmet(f"request {number} of {len(requests)}: {unmet}") from None
    return found


def answers_at_once(tester: Tester, requests: Sequence[bytes]) -> Play[list[Frame]]:
    """Send requests, a few in one write, and read as many frames.

    No programmer does so (SEQ-03). A pump has to bear it all the same (FRAME-01, SEQ-12), but only
    cases about that may ask it for it.

    :raises Unmet: fewer come.
    """
    found: list[Frame] = []
    for batch in _batches(requests):
        yield from send(b"".join(batch))
        for came in range(len(batch)):
            frame = yield from tester.frame()
            if frame is None:
                raise Unmet(
                    f"{len(batch)} requests were sent in one write, and only {came} answers came"
                    " to them"
                )
            found.append(frame)
    return found


def how_many(tester: Tester, wanted: int, within_ms: int = 10_000) -> Play[int]:
    """How many requests can be answered within about so long: *wanted*, unless the pump is slow."""
    began_ms = yield from now()
    yield from tester.alive()
    took_ms = (yield from now()) - began_ms
    return min(wanted, max(10, within_ms // max(1, took_ms)))


def said_to(tester: Tester, inputs: Sequence[bytes]) -> Play[list[Frame]]:
    """Send inputs that may be answered or not, a few at once; all that is answered.

    Behind each few comes a good request, and what was said before its answer was said to them.

    :raises Unmet: the good request is not answered.
    """
    said: list[Frame] = []
    for batch in _batches(inputs):
        link_id = tester.new_link_id()  # so that its answer is known among others
        yield from send(b"".join(batch) + tester.outside(Identify(), link_id=link_id))
        while True:
            frame = yield from tester.frame()
            if frame is None:
                raise Unmet("a good request behind bad ones was not answered")
            if frame.link_id == link_id:
                break
            said.append(frame)
    return said


def silent_to(tester: Tester, *pieces: bytes) -> Play[None]:
    """Send *pieces* that nothing may answer, and a good request right behind them: it is the next
    thing that the pump answers, and no silence is needed for that.

    A pump that takes them for the beginning of a frame would find the request only when it gives
    that up. How long line and pump need for so many bytes is found out with as many of noise.

    :raises Unmet: something else is answered, nothing, or, again and again, only after a silence.
    """
    took_ms = usual_ms = 0
    for _ in range(_ATTEMPTS):
        took_ms = yield from _answered_behind(tester, pieces)
        if took_ms < INTER_BYTE_TIMEOUT_MS:
            return
        usual_ms = yield from _answered_behind(tester, [bytes(len(each)) for each in pieces])
        if took_ms - usual_ms < _HELD_MS:
            return
    raise Unmet(
        f"a good request was answered after {took_ms} ms, and after {usual_ms} ms behind as many"
        " bytes of noise: what came before it was taken for the beginning of a frame"
    )


def alive_at_once(tester: Tester) -> Play[None]:
    """A good request is the next thing that the pump answers, and no silence is needed for that.

    :raises Unmet: as :func:`silent_to`.
    """
    yield from silent_to(tester)


def _answered_behind(tester: Tester, pieces: Iterable[bytes]) -> Play[int]:
    """After how many ms a good request right behind *pieces* is answered."""
    sent_bytes = yield from pour(pieces)
    began_ms = yield from now()
    yield from tester.alive(behind=sent_bytes)
    return (yield from now()) - began_ms


def _batches(requests: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for first in range(0, len(requests), BATCH):
        yield requests[first : first + BATCH]


def plain(
    message_type: int,
    link_id: int,
    sequence: int,
    payload: bytes = b"",
    version: int = PROTOCOL_VERSION,
) -> bytes:
    """A frame of anything that is not sealed, whatever its version says."""
    return frame_bytes(message_type, link_id, sequence, payload, version)


def identify(sequence: int, payload: bytes = b"", *, link_id: int = 0) -> bytes:
    """An Identify of that number; with a payload, it is to be refused."""
    return plain(MessageType.IDENTIFY, link_id, sequence, payload)


def staging_anew(link: TesterLink) -> Play[StagePrescription]:
    """A request that a pump takes and that changes it: to stage what is in force once more."""
    report = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    current = report.prescription
    if not current.drugs:
        return StagePrescription(steady(link.tester.identity))
    return StagePrescription(undecided(current))


def is_identity(frame: Frame, sequence: int, link_id: int = 0) -> None:
    """See that an Identify of that number was answered."""
    accepted(Identify(), plain_response(frame, link_id, sequence))


def is_too_long(frame: Frame, sequence: int, payload_bytes: int) -> None:
    """See that an Identify with a payload was refused as MSG-02 says: it arrived whole."""
    response = plain_response(frame, 0, sequence)
    reason = refused(response, MessageType.IDENTIFY, RefusalCode.MALFORMED, Field.PAYLOAD)
    expect_equal("value of the reason, the payload's length,", reason.value, payload_bytes)
