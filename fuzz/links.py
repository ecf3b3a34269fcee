"""The programmer's end of links, by hand: keys, frames and counters, and no rules.

What :class:`pump_protocol.session.Session` would never send can be sent with this.
"""

from dataclasses import dataclass, field
from random import Random

from pump_protocol import messages as m
from pump_protocol.codes import RESPONSE_BIT, MessageType
from pump_protocol.envelope import Envelope
from pump_protocol.errors import NotAuthentic
from pump_protocol.frames import Frame, FrameDecoder
from pump_protocol.handshake import Initiator, prologue
from pump_protocol.keys import Key
from pump_protocol.payloads import decode_response, encode


@dataclass(slots=True)
class Link:
    """One link: sealed if it has an envelope.

    :ivar key: whose link it is; None of a plain one.
    :ivar programmer_id: under which it was opened.
    """

    link_id: int
    key: Key | None = None
    envelope: Envelope | None = None
    sequence: int = 1
    programmer_id: int = 0
    seen: set[bytes] = field(default_factory=set)

    def frame(self, message_type: int, payload: bytes, *, step: int = 1) -> bytes:
        """The next frame of this link."""
        self.sequence = (self.sequence + step) & 0xFFFFFFFF
        if self.envelope is None:
            return Frame(message_type, self.link_id, self.sequence, payload).to_bytes()
        return self.envelope.seal(message_type, self.link_id, self.sequence, payload)

    def read(self, answer: Frame) -> m.Response | None:
        """What the pump said in this link; None where it is no new sealed answer of it."""
        payload = answer.payload
        if self.envelope is not None:
            if not answer.sealed:
                return None
            try:
                payload = self.envelope.open(answer)
            except NotAuthentic:
                return None
        return decode_response(answer.message_type, payload)


class Handshaking:
    """A handshake under a key that waits for the pump's half."""

    def __init__(self, key: Key, digest: bytes, random: Random) -> None:
        self.link_id = random.getrandbits(64) or 1
        self._key = key
        bound = prologue(self.link_id, key.key_id, key.role, digest)
        self._initiator = Initiator(key, bound, random.randbytes)
        request = m.Authenticate(key.key_id, key.role, self._initiator.message)
        self.frame = Frame(MessageType.AUTHENTICATE, self.link_id, 1, encode(request)).to_bytes()

    def finish(self, answer: m.Authenticated) -> Link:
        """The link, of which nothing is open yet.

        :raises HandshakeFailed: the pump did not prove to hold the key.
        """
        secrets = self._initiator.finish(answer.handshake)
        envelope = Envelope(sending=secrets.to_pump, receiving=secrets.to_programmer)
        return Link(self.link_id, self._key, envelope)


def frames_in(data: bytes) -> list[Frame]:
    """The frames of what a pump sent.

    :raises AssertionError: it sent something else as well.
    """
    decoder = FrameDecoder()
    frames = []
    for event in decoder.feed(data):
        assert isinstance(event, Frame), f"the pump sent noise: {event}"
        assert event.message_type & RESPONSE_BIT, "the pump sent a request"
        frames.append(event)
    assert not decoder.waiting, "the pump sent half a frame"
    return frames
