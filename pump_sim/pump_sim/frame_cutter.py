"""Cuts a byte stream into whole frames, each with the name of its message.

Loses and changes nothing: the pieces, one after the other, are the stream. What the frames say, and
what is to become of them, is not known here.
"""

from collections.abc import Iterator
from typing import Final

from pump_protocol.codes import CRC_BYTES, HEADER_BYTES, INTER_BYTE_TIMEOUT_MS, MessageType
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder
from pump_sim.ports.impairment import Piece

NS_PER_MS: Final = 1_000_000

PATIENCE_NS: Final = INTER_BYTE_TIMEOUT_MS * NS_PER_MS
"""After such a silence a receiver does not take what comes for the rest of a frame any more."""


def message_name(message_type: int) -> str | None:
    """The name of a message, as ``open_link``; None for a type that the protocol does not know."""
    try:
        return MessageType(message_type).name.lower()
    except ValueError:
        return None


def name_of(data: bytes) -> str | None:
    """The name of the message of a whole frame; None for bytes that are not exactly one."""
    pieces = FrameCutter().feed(data)
    return pieces[0][1] if pieces and pieces[0][0] == data else None


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


class FrameCutter:
    """One direction of a link. Bytes that are no frame pass at once, as a piece without a name.

    Held is at most one unfinished frame. Whoever feeds this calls :meth:`flush` when nothing more
    came for ``patience_ns``.
    """

    patience_ns: Final = PATIENCE_NS

    def __init__(self) -> None:
        self._slicer = FrameSlicer()

    @property
    def holds(self) -> bool:
        """Whether half a frame is held."""
        return self._slicer.holds

    def feed(self, data: bytes) -> list[Piece]:
        """Take the next bytes; return the frames that they complete, and what is no frame."""
        return self._pieces(self._slicer.feed(data))

    def flush(self) -> list[Piece]:
        """Give out what is held. Frames that a half one had swallowed are found in it."""
        return self._pieces(self._slicer.expire())

    def _pieces(self, slices: Iterator[tuple[bytes, Frame | CorruptFrame]]) -> list[Piece]:
        pieces: list[Piece] = [
            (data, message_name(event.message_type) if isinstance(event, Frame) else None)
            for data, event in slices
            if data  # noise that was taken at once is told again without its bytes
        ]
        noise = self._slicer.take_noise()
        return [*pieces, (noise, None)] if noise else pieces
