"""Bytes on the wire as people and scripts read them: frames, their messages and their fields.

Knows the protocol and nothing of pumps, plays or cases. Fields have the names and forms that
``pump-programmer --json`` gives them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pump_protocol.codes import COUNTER_BYTES, ENVELOPE_BYTES, PROTOCOL_VERSION
from pump_protocol.envelope import SEALED_VERSION, Envelope
from pump_protocol.errors import MalformedPayload, NotAuthentic
from pump_protocol.frames import CorruptFrame, Frame
from pump_protocol.handshake import LinkSecrets
from pump_protocol.jsonable import Json, fields_of
from pump_protocol.messages import Paired
from pump_protocol.payloads import decode_request, decode_response
from pump_protocol.slicing import PATIENCE_NS, FrameSlicer, message_name


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
    sealed: bool = False
    counter: int | None = None


class SecretsHeard:
    """The keys of links, as far as whoever reads a trace holds them."""

    def __init__(self) -> None:
        self._of: dict[int, list[LinkSecrets]] = {}

    def add(self, link_id: int, secrets: LinkSecrets) -> None:
        """Hold the keys of one more link, or of one more handshake under its id."""
        self._of.setdefault(link_id, []).append(secrets)

    def open(self, frame: Frame, *, to_pump: bool) -> bytes:
        """What a sealed frame says, whether or not its counter is new.

        :raises NotAuthentic: it was not sealed with any key that is held.
        """
        for secrets in reversed(self._of.get(frame.link_id, [])):
            key = secrets.to_pump if to_pump else secrets.to_programmer
            try:
                return Envelope(sending=key, receiving=key).open(frame)
            except NotAuthentic as error:
                wrong = error
        if frame.link_id not in self._of:
            raise NotAuthentic("no key of its link is known", None)
        raise wrong


class Wiretap:
    """Listens to one direction of a wire and tells frame by frame what was on it.

    Every byte heard is in exactly one view, in order, once its frame is whole or given up: as a
    session does it, after a silence of ``PATIENCE_NS``.

    :param secrets: with what sealed frames are read.
    """

    def __init__(self, *, to_pump: bool, secrets: SecretsHeard | None = None) -> None:
        self._to_pump = to_pump
        self._secrets = secrets or SecretsHeard()
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
                yield view(event, data, to_pump=self._to_pump, secrets=self._secrets)


def view(frame: Frame, data: bytes, *, to_pump: bool, secrets: SecretsHeard) -> FrameView:
    """An intact frame, opened and decoded as far as it can be; *data* is its bytes."""
    decoded, reason, counter = None, None, None
    if frame.sealed and len(frame.payload) >= ENVELOPE_BYTES:
        counter = int.from_bytes(frame.payload[:COUNTER_BYTES], "little")
    if frame.version in (PROTOCOL_VERSION, SEALED_VERSION):
        try:
            decoded = _decoded(frame, to_pump, secrets)
        except (MalformedPayload, NotAuthentic) as error:
            reason = str(error)
    else:
        reason = f"protocol version {frame.version}"
    return FrameView(
        data=data,
        message=message_name(frame.message_type),
        link_id=frame.link_id,
        sequence=frame.sequence,
        fields=decoded,
        reason=reason,
        sealed=frame.sealed,
        counter=counter,
    )


def _decoded(frame: Frame, to_pump: bool, secrets: SecretsHeard) -> dict[str, Json]:
    """The fields of a frame's message.

    :raises MalformedPayload: it cannot be decoded.
    :raises NotAuthentic: it cannot be opened.
    """
    payload = secrets.open(frame, to_pump=to_pump) if frame.sealed else frame.payload
    decode = decode_request if to_pump else decode_response
    message = decode(frame.message_type, payload)
    decoded = fields_of(message)
    if isinstance(message, Paired):
        decoded["secret"] = None  # a trace is shown around; who has it needs no key to read it
    return decoded
