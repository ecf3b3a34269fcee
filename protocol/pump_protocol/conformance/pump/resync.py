"""Cases about how a pump finds its way back to frames: noise, markers, lost bytes, half frames."""

from typing import Final

from pump_protocol.codes import (
    HEADER_BYTES,
    INTER_BYTE_TIMEOUT_MS,
    MAX_PAYLOAD_BYTES,
    SEALED_BIT,
    START,
    MessageType,
    RefusalCode,
)
from pump_protocol.conformance.by_hand import CHECK_AT
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import plain_response, refused
from pump_protocol.conformance.pump.common.frames import (
    alive_at_once,
    answers_at_once,
    identify,
    is_identity,
    is_too_long,
    plain,
    promise,
    silent_to,
)
from pump_protocol.conformance.steps import Play, now, reconnect, send
from pump_protocol.conformance.tester import GAP_MS, Tester
from pump_protocol.conformance.verdicts import Unmet, Unsupported

_PAUSE_MS: Final = INTER_BYTE_TIMEOUT_MS * 45 // 100
"""Well below the gap that ends half a frame, and three of them are longer than it."""

_SILENCE_MS: Final = INTER_BYTE_TIMEOUT_MS * 14 // 10
"""The gap that ends half a frame, what a slow line needs for the half that was just written, and a
pump until its timer comes round."""

# --- Noise and markers ---------------------------------------------------------------------------

_NOISE: Final = (
    b"\x00",
    b"\xff" * 7,
    START[:1],
    START[:1] * 9,
    START[1:],
    START,
    START * 3,
    START + START[:1],
    START + bytes(HEADER_BYTES - 3),
    START + bytes(HEADER_BYTES - 2),
    b"login: root\r\n",
    bytes(range(256)) * 3,
)


@pump_case(
    "frame/noise-before-a-frame",
    Level.MUST,
    "FRAME-08 FRAME-09 FRAME-12",
    expects="the request is answered, at once and once, and the noise is not",
    changes_nothing=True,
)
def noise_before_a_frame(tester: Tester) -> Play[None]:
    """Noise of several kinds and a request right behind it, in one write and in two."""
    for number, noise in enumerate(_NOISE, 1):
        yield from silent_to(tester, noise)
        is_identity((yield from tester.exchange(noise + identify(number))), number)
        yield from alive_at_once(tester)


@pump_case(
    "frame/noise-between-frames",
    Level.MUST,
    "FRAME-01 FRAME-08 FRAME-12",
    expects="one answer to each request, in their order",
)
def noise_between_frames(tester: Tester) -> Play[None]:
    """Requests in one write, with noise of another kind behind each."""
    requests = [identify(number) + noise for number, noise in enumerate(_NOISE, 1)]
    for number, frame in enumerate((yield from answers_at_once(tester, requests)), 1):
        is_identity(frame, number)
    yield from alive_at_once(tester)


@pump_case(
    "frame/marker-split-behind-noise",
    Level.MUST,
    "FRAME-01 FRAME-08",
    expects="the request is answered",
)
def marker_split_behind_noise(tester: Tester) -> Play[None]:
    """Noise that ends with the first byte of a start marker; the rest of the frame follows."""
    for number, noise in enumerate(_NOISE, 1):
        request = identify(number)
        yield from send(noise + request[:1])
        is_identity((yield from tester.exchange(request[1:])), number)


@pump_case(
    "frame/marker-inside-a-frame",
    Level.MUST,
    "FRAME-03 FRAME-08",
    expects="each frame is taken whole, and what it holds is not answered",
)
def marker_inside_a_frame(tester: Tester) -> Play[None]:
    """Start markers in link id, sequence number and payload; whole requests within a payload."""
    link_id, number = int.from_bytes(START * 4, "little"), int.from_bytes(START * 2, "little")
    frame = yield from tester.exchange(identify(number, link_id=link_id))
    is_identity(frame, number, link_id)
    inner = identify(5)
    for payload in (
        START,
        START * 20,
        b"x" + START[:1],
        inner,
        inner * 5,
        promise(600),
        inner[:20],
    ):
        is_too_long((yield from tester.exchange(identify(6, payload))), 6, len(payload))
        yield from alive_at_once(tester)


@pump_case(
    "frame/taken-whole-whatever-it-says",
    Level.MUST,
    "FRAME-04 LINK-11",
    expects="a frame of another version is refused once, a response is ignored, and the requests"
    " within them are not answered",
)
def taken_whole_whatever_it_says(tester: Tester) -> Play[None]:
    """Intact frames of other versions, and responses, whose payload holds a good request."""
    inner = identify(5)
    for version in (0, 2, SEALED_BIT | 2):
        outer = plain(MessageType.IDENTIFY, 0, 6, inner, version)
        response = plain_response((yield from tester.exchange(outer)), 0, 6)
        refused(response, MessageType.IDENTIFY, RefusalCode.UNSUPPORTED_VERSION)
        yield from alive_at_once(tester)
    for message_type in (MessageType.IDENTITY, MessageType.REFUSAL, 0xFE):
        yield from silent_to(tester, plain(message_type, 0, 6, inner))


# --- Lost bytes ----------------------------------------------------------------------------------


@pump_case(
    "frame/lost-header-bytes",
    Level.MUST,
    "FRAME-09 FRAME-12",
    expects="the good request is found inside what looked like a header, and answered at once",
)
def lost_header_bytes(tester: Tester) -> Play[None]:
    """The first bytes of a header, from 1 to 19 of them, and a good request right behind them."""
    for at in range(1, HEADER_BYTES):
        yield from silent_to(tester, identify(1)[:at])
    yield from silent_to(tester, identify(1)[:CHECK_AT] + b"\x00\x00")


@pump_case(
    "frame/lost-payload",
    Level.MUST,
    "FRAME-10 FRAME-12",
    expects="the good requests are found inside what looked like a frame, and answered at once",
)
def lost_payload(tester: Tester) -> Play[None]:
    """A header that promises 100 bytes, of which 30 come; good requests right behind them."""
    yield from send(promise(100) + bytes(30))
    requests = [*map(identify, range(8))]  # they fill up what was promised
    for number, frame in enumerate((yield from answers_at_once(tester, requests))):
        is_identity(frame, number)


@pump_case(
    "frame/half-frame-and-silence",
    Level.MUST,
    "FRAME-11 TIME-03",
    expects="the half frame is given up, and the request behind the silence is answered",
    changes_nothing=True,
)
def half_frame_and_silence(tester: Tester) -> Play[None]:
    """A header that promises 611 bytes, none of them, a silence of 140 ms, and a good request."""
    yield from send(promise(MAX_PAYLOAD_BYTES))
    yield from tester.wait(_SILENCE_MS)
    yield from alive_at_once(tester)


@pump_case(
    "frame/rest-after-silence",
    Level.MUST,
    "FRAME-11 FRAME-12",
    expects="silence to both halves",
)
def rest_after_silence(tester: Tester) -> Play[None]:
    """A request in two halves with a silence of 140 ms between them, longer than a sender may."""
    for at in (1, HEADER_BYTES + 2):
        request = identify(1)
        yield from send(request[:at])
        yield from tester.wait(_SILENCE_MS)
        yield from silent_to(tester, request[at:])


@pump_case(
    "frame/pauses-below-the-limit",
    Level.MUST,
    "FRAME-01 FRAME-11",
    expects="the request is answered: no pause within it is as long as 100 ms",
)
def pauses_below_the_limit(tester: Tester) -> Play[None]:
    """A request in four pieces, 45 ms apart: together more than 100 ms."""
    request = identify(1)
    longest_ms = 0
    for at in (0, 6, 12):
        yield from send(request[at : at + 6])
        sent_ms = yield from now()
        yield from tester.wait(_PAUSE_MS)
        longest_ms = max(longest_ms, (yield from now()) - sent_ms)
    yield from send(request[18:])
    if longest_ms >= INTER_BYTE_TIMEOUT_MS * 8 // 10:
        raise Unsupported(f"pauses of {_PAUSE_MS} ms took {longest_ms} ms here: too long to judge")
    frame = yield from tester.frame()
    if frame is None:
        raise Unmet(
            f"no answer to a request in four pieces with pauses of {longest_ms} ms at the longest"
            " between them"
        )
    is_identity(frame, 1)


@pump_case(
    "frame/swallowed-frames-come-to-light",
    Level.MUST,
    "FRAME-11",
    expects="after the silence both good requests are answered, in their order",
    changes_nothing=True,
)
def swallowed_frames_come_to_light(tester: Tester) -> Play[None]:
    """Half a frame, a good request, half a frame, and another good request; then silence."""
    yield from send(promise(600) + identify(1) + promise(300) + identify(2))
    for number in (1, 2):
        frame = yield from tester.frame()
        if frame is None:
            raise Unmet(f"good request {number} of 2 behind half a frame never came to light")
        is_identity(frame, number)
    yield from tester.alive()


@pump_case(
    "frame/half-frame-and-reconnect",
    Level.MUST,
    "FRAME-11 LINK-15",
    expects="the request of the new connection is answered, at the latest after a silence",
    changes_nothing=True,
)
def half_frame_and_reconnect(tester: Tester) -> Play[None]:
    """Half a frame, a connection closed and opened again, and a good request."""
    yield from send(promise(MAX_PAYLOAD_BYTES))
    yield from reconnect()
    yield from tester.alive()


@pump_case(
    "frame/half-frame-forgotten-with-its-connection",
    Level.SHOULD,
    "FRAME-11",
    expects="silence to the second half: it is not glued to what another connection sent",
)
def half_frame_forgotten_with_its_connection(tester: Tester) -> Play[None]:
    """The first half of a request, a connection closed and opened again, and the second half."""
    if not tester.subject.told_of_leaving:
        raise Unsupported("this line does not tell the pump that its programmer has left")
    request = identify(1)
    yield from send(request[: HEADER_BYTES + 2])
    began_ms = yield from now()
    yield from reconnect()
    took_ms = (yield from now()) - began_ms
    if took_ms >= GAP_MS:
        raise Unsupported(f"to open the connection again took {took_ms} ms: longer than the gap")
    yield from silent_to(tester, request[HEADER_BYTES + 2 :])
