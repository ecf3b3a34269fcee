"""The handshake, with its messages, keys and prologue changed."""

from random import Random

from fuzz.mutations import mutated
from pump_protocol.codes import HANDSHAKE_BYTES, UserRole
from pump_protocol.envelope import Envelope
from pump_protocol.errors import HandshakeFailed
from pump_protocol.frames import Frame, FrameDecoder
from pump_protocol.handshake import Initiator, prologue, respond
from pump_protocol.keys import Key

_POINTS = (
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    b"\xff" * 32,
)
"""Public keys of small order, and beyond the field: what gives no secret, or everybody's."""


class HandshakeFuzz:
    """Both ends of a handshake under one key.

    Only unchanged messages, under the same key and prologue, may end in keys; both ends then have
    the same ones, and no two handshakes have.
    """

    def __init__(self, random: Random) -> None:
        self.last = b""
        self._random = random
        self._key = Key.new(UserRole.CLINICIAN, random.randbytes)
        self._seen: set[bytes] = set()

    def step(self) -> str:
        """One handshake, of which perhaps one thing is changed."""
        random = self._random
        link_id, digest = random.getrandbits(64), random.randbytes(32)
        ours = prologue(link_id, self._key.key_id, self._key.role, digest)
        initiator = Initiator(self._key, ours, random.randbytes)
        key, theirs, first = self._key, ours, initiator.message
        kind = random.randrange(8)
        match kind:
            case 0:
                key = Key(key.key_id, key.role, _flipped(key.secret, random))
            case 1:
                theirs = _flipped(ours, random)
            case 2 | 3:
                first = _changed(first, random)
        self.last = first
        same = (key, theirs, first) == (self._key, ours, initiator.message)
        try:
            reply, secrets = respond(key, theirs, first, random.randbytes)
        except HandshakeFailed:
            assert not same, "an unchanged first message was refused"
            return "first refused"
        assert same, "a changed first message was taken"
        self.last = changed = _changed(reply, random) if kind in (4, 5) else reply
        try:
            ended = initiator.finish(changed)
        except HandshakeFailed:
            assert changed != reply, "an unchanged second message was refused"
            return "second refused"
        assert changed == reply, "a changed second message was taken"
        assert ended == secrets, "both ends have keys, and not the same"
        assert len(reply) == HANDSHAKE_BYTES
        for each in (secrets.to_pump, secrets.to_programmer):
            assert each not in self._seen, "two handshakes ended in the same key"
            self._seen.add(each)
        _use(ended.to_pump, ended.to_programmer)
        return "agreed"


def _use(to_pump: bytes, to_programmer: bytes) -> None:
    programmer = Envelope(sending=to_pump, receiving=to_programmer)
    pump = Envelope(sending=to_programmer, receiving=to_pump)
    (frame,) = FrameDecoder().feed(programmer.seal(1, 2, 3, b"text"))
    assert isinstance(frame, Frame)
    assert pump.open(frame) == b"text"


def _changed(message: bytes, random: Random) -> bytes:
    kind = random.randrange(4)
    if kind == 0:
        return random.choice(_POINTS) + message[32:]
    if kind == 1:
        return mutated(message, random)  # of any length
    return _flipped(message, random)


def _flipped(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)
