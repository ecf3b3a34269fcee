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
    ENVELOPE_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    PROTOCOL_VERSION,
    SEALED_BIT,
    START,
)
from pump_protocol.crc import frame_check, header_check
from pump_protocol.errors import FrameTooLarge

_HEADER = Struct("<2sBBQIH")  # start, version, type, link id, sequence, payload length
_WHOLE_HEADER = Struct("<2sBBQIHH")  # the same, and its check
_CHECKED_HEADER = Struct("<2xBBQIHH")  # that without the marker, which was found already
_U16 = Struct("<H")
_U32 = Struct("<I")
_CHECK_AT = HEADER_BYTES - _U16.size


@dataclass(frozen=True, slots=True)
class Frame:
    """One intact frame.

    ``message_type`` is any u8 and ``version`` any u8: an intact frame of another version or of an
    unknown type is still a frame, and deserves an answer. The payload of a sealed frame is a
    counter, a ciphertext and a tag (:mod:`pump_protocol.envelope`).
    """

    message_type: int
    link_id: int
    sequence: int
    payload: bytes = b""
    version: int = PROTOCOL_VERSION

    @property
    def sealed(self) -> bool:
        """Whether the payload is sealed."""
        return bool(self.version & SEALED_BIT)

    def to_bytes(self) -> bytes:
        """The frame as it goes over the wire.

        :raises FrameTooLarge: the payload is longer than a frame may carry.
        """
        return frame_bytes(
            self.message_type, self.link_id, self.sequence, self.payload, self.version
        )


def frame_bytes(
    message_type: int, link_id: int, sequence: int, payload: bytes, version: int = PROTOCOL_VERSION
) -> bytes:
    """The bytes of the frame that these fields make.

    :raises FrameTooLarge: the payload is longer than ``MAX_PAYLOAD_BYTES``, or with an envelope
        longer than that and ``ENVELOPE_BYTES``.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        longest = _longest_payload(version)
        if len(payload) > longest:
            raise FrameTooLarge(f"payload is {len(payload)} bytes; a frame carries 0 to {longest}")
    return closed(
        _HEADER.pack(START, version, message_type, link_id, sequence, len(payload)), payload
    )


def header_bytes(
    message_type: int, link_id: int, sequence: int, length: int, version: int = PROTOCOL_VERSION
) -> bytes:
    """The header of a frame as far as its own check, which :func:`closed` adds."""
    return _HEADER.pack(START, version, message_type, link_id, sequence, length)


def closed(header: bytes, payload: bytes) -> bytes:
    """A whole frame: header, its check, payload, and the check of it all."""
    body = header + _U16.pack(header_check(header)) + payload
    return body + _U32.pack(frame_check(body))


def _longest_payload(version: int) -> int:
    return MAX_PAYLOAD_BYTES + ENVELOPE_BYTES if version & SEALED_BIT else MAX_PAYLOAD_BYTES


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


def _only_frame(data: bytes) -> Frame | None:
    """The frame that *data* is, from its first byte to its last; None if it is anything else."""
    crc_at = len(data) - CRC_BYTES
    if crc_at < HEADER_BYTES:
        return None
    start, version, message_type, link_id, sequence, length, check = _WHOLE_HEADER.unpack_from(data)
    if (
        start != START
        or length != crc_at - HEADER_BYTES
        or (length > MAX_PAYLOAD_BYTES and length > _longest_payload(version))
        or header_check(data[:_CHECK_AT]) != check
        or frame_check(data[:crc_at]) != _U32.unpack_from(data, crc_at)[0]
    ):
        return None
    return Frame(message_type, link_id, sequence, data[HEADER_BYTES:crc_at], version)


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
        if not (self._held or self._noise_bytes):
            only = _only_frame(data)  # as nearly always
            if only is not None:
                return [only]
        return self._search(self._held + data)

    def _search(self, stream: bytes) -> list[Frame | CorruptFrame]:
        """Look for frames from the first byte on; what may yet become one is held back."""
        events: list[Frame | CorruptFrame] = []
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
            if (length > MAX_PAYLOAD_BYTES and length > _longest_payload(version)) or header_check(
                stream[at : at + _CHECK_AT]
            ) != check:
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
