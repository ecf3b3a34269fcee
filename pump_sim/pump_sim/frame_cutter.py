"""Cuts a byte stream into whole frames, each with the name of its message.

Loses and changes nothing: the pieces, one after the other, are the stream. What the frames say, and
what is to become of them, is not known here.
"""

from collections.abc import Iterator
from typing import Final

from pump_protocol.frames import CorruptFrame, Frame
from pump_protocol.slicing import PATIENCE_NS, FrameSlicer, message_name
from pump_sim.ports.impairment import Piece


def name_of(data: bytes) -> str | None:
    """The name of the message of a whole frame; None for bytes that are not exactly one."""
    pieces = FrameCutter().feed(data)
    return pieces[0][1] if pieces and pieces[0][0] == data else None


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
