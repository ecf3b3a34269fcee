"""A byte stream taken apart: which bytes make up each frame in it, and what its message is called.

Loses and changes nothing: the slices, one after the other, are the stream. What the frames say is
:mod:`pump_protocol.wiretap`'s business, and what is to become of them that of whoever asks.
"""

from collections.abc import Iterator
from typing import Final

from pump_protocol.codes import CRC_BYTES, HEADER_BYTES, INTER_BYTE_TIMEOUT_MS, MessageType
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder

NS_PER_MS: Final = 1_000_000

PATIENCE_NS: Final = INTER_BYTE_TIMEOUT_MS * NS_PER_MS
"""After such a silence a receiver does not take what comes for the rest of a frame any more."""


def message_name(message_type: int) -> str | None:
    """The name of a message, as ``open_link``; None for a type that the protocol does not know."""
    try:
        return MessageType(message_type).name.lower()
    except ValueError:
        return None


class FrameSlicer:
    """What a decoder finds in one direction of a link, each with the bytes that it is made of.

    Every byte is in exactly one slice, in order, once it is known what it is.
    """

    def __init__(self) -> None:
        self._decoder = FrameDecoder()
        self._stream = b""  # what was fed and not given out yet
        self._early = 0  # bytes given out as noise that the decoder has yet to report

    @property
    def holds(self) -> bool:
        """Whether anything is held: half a frame, or noise that may go on."""
        return bool(self._stream)

    def feed(self, data: bytes) -> Iterator[tuple[bytes, Frame | CorruptFrame]]:
        """Take the next bytes; give what they complete."""
        self._stream += data
        return self._slices(self._decoder.feed(data))

    def expire(self) -> Iterator[tuple[bytes, Frame | CorruptFrame]]:
        """Give what is held. Frames that a half one had swallowed are found in it."""
        return self._slices(self._decoder.expire())

    def take_noise(self) -> bytes:
        """Take at once what is no frame, before it is known where that ends and why."""
        noise = self._next(len(self._stream) - self._decoder.held_bytes)
        self._early += len(noise)
        return noise

    def _slices(
        self, events: list[Frame | CorruptFrame]
    ) -> Iterator[tuple[bytes, Frame | CorruptFrame]]:
        for event in events:
            if isinstance(event, Frame):
                size = HEADER_BYTES + len(event.payload) + CRC_BYTES
            else:
                size, self._early = event.size - self._early, 0
            yield self._next(size), event

    def _next(self, size: int) -> bytes:
        piece, self._stream = self._stream[:size], self._stream[size:]
        return piece
