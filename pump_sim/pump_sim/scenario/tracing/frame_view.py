"""Bytes on the wire as people and scripts read them: frames, their messages and their fields.

Knows the protocol and nothing of pumps or plays. Fields have the names and forms that
``pump-programmer --json`` gives them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pump_protocol.codes import PROTOCOL_VERSION
from pump_protocol.errors import MalformedPayload
from pump_protocol.frames import CorruptFrame, Frame
from pump_protocol.jsonable import Json, fields_of
from pump_protocol.payloads import decode_request, decode_response
from pump_sim.frame_cutter import PATIENCE_NS, FrameSlicer, message_name


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameView:
    """A frame, or a run of bytes that is none: then only `data` and `reason` are given.

    `message` is the name of the frame's type; `fields` is None, and `reason` says why, where its
    payload cannot be decoded.
    """

    data: bytes
    message: str | None = None
    link_id: int | None = None
    sequence: int | None = None
    fields: dict[str, Json] | None = None
    reason: str | None = None


class Wiretap:
    """Listens to one direction of a wire and tells frame by frame what was on it.

    Every byte heard is in exactly one view, in order, once its frame is whole or given up: as a
    session does it, after a silence of ``PATIENCE_NS``.
    """

    def __init__(self, *, to_pump: bool) -> None:
        self._to_pump = to_pump
        self._slicer = FrameSlicer()
        self._last_ns = 0

    def hear(self, data: bytes, link_ns: int) -> Iterator[FrameView]:
        """Take what passed at *link_ns*; give what it completes."""
        if link_ns - self._last_ns >= PATIENCE_NS:
            yield from self.give_up()
        self._last_ns = link_ns
        yield from self._views(self._slicer.feed(data))

    def give_up(self) -> Iterator[FrameView]:
        """Tell what is left of unfinished frames: nothing more will come."""
        yield from self._views(self._slicer.expire())

    def _views(self, slices: Iterator[tuple[bytes, Frame | CorruptFrame]]) -> Iterator[FrameView]:
        for data, event in slices:
            if isinstance(event, CorruptFrame):
                yield FrameView(data=data, reason=event.reason.value)
            else:
                yield view(event, data, to_pump=self._to_pump)


def view(frame: Frame, data: bytes, *, to_pump: bool) -> FrameView:
    """An intact frame, decoded as far as it can be; *data* is its bytes."""
    decoded, reason = None, None
    if frame.version != PROTOCOL_VERSION:
        reason = f"protocol version {frame.version}"
    else:
        decode = decode_request if to_pump else decode_response
        try:
            decoded = fields_of(decode(frame.message_type, frame.payload))
        except MalformedPayload as error:
            reason = str(error)
    return FrameView(
        data=data,
        message=message_name(frame.message_type),
        link_id=frame.link_id,
        sequence=frame.sequence,
        fields=decoded,
        reason=reason,
    )
