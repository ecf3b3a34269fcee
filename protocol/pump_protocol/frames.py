"""Frames: where a message starts and ends on a noisy line, and whether it arrived whole.

A frame is a 20-byte header with a check of its own, a payload, and a CRC-32C over both. The header
check is what makes resynchronisation quick: a length is believed only when the header is intact, so
a corrupted length cannot swallow the frames behind it. This module knows neither what a payload
means (:mod:`pump_protocol.layouts`) nor whose turn it is (:mod:`pump_protocol.session`), and it has
no clock: whoever feeds it says when a gap was too long.

The layout is declared in :data:`pump_protocol.layouts.FRAME`; packing by :mod:`struct` here is
tested to be equal to that declaration.
"""

from dataclasses import dataclass
from enum import Enum
from struct import Struct

from pump_protocol.codes import (
    CRC_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    PROTOCOL_VERSION,
    START,
)
from pump_protocol.crc import frame_check, header_check
from pump_protocol.errors import FrameTooLarge

_HEADER = Struct("<2sBBQIH")  # start, version, type, link id, sequence, payload length
_CHECKED_HEADER = Struct("<2xBBQIHH")  # the same without the marker that was found, and its check
_U16 = Struct("<H")
_U32 = Struct("<I")
_CHECK_AT = HEADER_BYTES - _U16.size


@dataclass(frozen=True, slots=True)
class Frame:
    """One intact frame.

    ``message_type`` is any u8 and ``version`` any u8: an intact frame of another version or of an
    unknown type is still a frame, and deserves an answer.
    """

    message_type: int
    link_id: int
    sequence: int
    payload: bytes = b""
    version: int = PROTOCOL_VERSION

    def to_bytes(self) -> bytes:
        """The frame as it goes over the wire.

        :raises FrameTooLarge: the payload is longer than ``MAX_PAYLOAD_BYTES``.
        """
        return frame_bytes(
            self.message_type, self.link_id, self.sequence, self.payload, self.version
        )


def frame_bytes(
    message_type: int, link_id: int, sequence: int, payload: bytes, version: int = PROTOCOL_VERSION
) -> bytes:
    """The bytes of the frame that these fields make.

    :raises FrameTooLarge: the payload is longer than ``MAX_PAYLOAD_BYTES``.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise FrameTooLarge(
            f"payload is {len(payload)} bytes; a frame carries 0 to {MAX_PAYLOAD_BYTES}"
        )
    header = _HEADER.pack(START, version, message_type, link_id, sequence, len(payload))
    body = header + _U16.pack(header_check(header)) + payload
    return body + _U32.pack(frame_check(body))


class Corruption(Enum):
    """Why bytes were thrown away."""

    NOISE = "no start marker"
    HEADER_CHECK = "header check failed"
    FRAME_CHECK = "frame check failed"
    TRUNCATED = "frame broken off"


@dataclass(frozen=True, slots=True)
class CorruptFrame:
    """A run of bytes between two good frames that were not a good frame.

    ``reason`` is the furthest that any of them got; ``size`` counts the bytes thrown away.
    """

    reason: Corruption
    size: int


_GRAVITY = {reason: gravity for gravity, reason in enumerate(Corruption)}


class FrameDecoder:
    """Finds the frames in a byte stream; any split of the stream gives the same events.

    Every byte fed ends up in exactly one event, a :class:`Frame` or a :class:`CorruptFrame`, or is
    still held back. Held back is at most one unfinished frame, so memory is bounded whatever
    arrives, and work is linear in what arrives.
    """

    def __init__(self) -> None:
        self._held = b""
        self._noise_bytes = 0
        self._noise_reason = Corruption.NOISE

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished frame are held back."""
        return len(self._held)

    @property
    def waiting(self) -> bool:
        """Whether a silence would have something to say: an unfinished frame, or untold noise."""
        return bool(self._held or self._noise_bytes)

    def feed(self, data: bytes) -> list[Frame | CorruptFrame]:
        """Take *data*; return what it completes, in order."""
        events: list[Frame | CorruptFrame] = []
        held = self._held
        stream = held + data if held else data
        end = len(stream)
        at = 0
        while True:
            start = stream.find(START, at)
            if start < 0:
                # A marker may be split between this chunk and the next.
                keep = 1 if end > at and stream[-1] == START[0] else 0
                self._discard(end - at - keep, Corruption.NOISE)
                at = end - keep
                break
            if start > at:
                self._discard(start - at, Corruption.NOISE)
                at = start
            body_at = at + HEADER_BYTES
            if body_at > end:
                break
            version, message_type, link_id, sequence, length, check = _CHECKED_HEADER.unpack_from(
                stream, at
            )
            # The length is looked at first only because it is the cheaper of the two.
            if length > MAX_PAYLOAD_BYTES or header_check(stream[at : at + _CHECK_AT]) != check:
                self._discard(len(START), Corruption.HEADER_CHECK)
                at += len(START)
                continue
            crc_at = body_at + length
            if crc_at + CRC_BYTES > end:
                break
            (crc,) = _U32.unpack_from(stream, crc_at)
            if frame_check(stream[at:crc_at]) != crc:
                # Search inside the frame too: where bytes were lost, the next one begins there.
                self._discard(len(START), Corruption.FRAME_CHECK)
                at += len(START)
                continue
            if self._noise_bytes:
                events.append(self._noise())
            events.append(Frame(message_type, link_id, sequence, stream[body_at:crc_at], version))
            at = crc_at + CRC_BYTES
        self._held = stream[at:]
        return events

    def expire(self) -> list[Frame | CorruptFrame]:
        """The line has been silent for too long: drop the unfinished frame.

        Good frames that a half frame had swallowed (a header that promised more than came) are
        found and returned.
        """
        events: list[Frame | CorruptFrame] = []
        while self._held:
            stale = self._held
            self._held = b""
            dropped = min(len(START), len(stale))
            self._discard(dropped, Corruption.TRUNCATED)
            events += self.feed(stale[dropped:])
        if self._noise_bytes:
            events.append(self._noise())
        return events

    def _discard(self, size: int, reason: Corruption) -> None:
        if size:
            self._noise_bytes += size
            if _GRAVITY[reason] > _GRAVITY[self._noise_reason]:
                self._noise_reason = reason

    def _noise(self) -> CorruptFrame:
        noise = CorruptFrame(self._noise_reason, self._noise_bytes)
        self._noise_bytes = 0
        self._noise_reason = Corruption.NOISE
        return noise
