"""Handshakes and sealed frames made by hand, from the specification alone, to be right or wrong.

What a pump is judged by here shares with the code of the product the primitives and the layout of
a frame's header, and nothing else. It knows neither links nor what a pump answers.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from pump_protocol.codes import CRC_BYTES, HEADER_BYTES, MessageType
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.crc import frame_check, header_check
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.handshake import LinkSecrets

VERSION_AT: Final = 2
TYPE_AT: Final = 3
COUNTER_AT: Final = HEADER_BYTES
SEALED_VERSION: Final = 0x81

_NAME: Final = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"
_PROLOGUE: Final = Struct("<8sBQQB32s")
_AUTHENTICATE: Final = Struct("<QB48s")
_SEALED_HEADER: Final = Struct("<2sBBQIH")
_U16: Final = Struct("<H")
_U32: Final = Struct("<I")
_COUNTER: Final = Struct("<Q")
CHECK_AT: Final = HEADER_BYTES - _U16.size
_TAG_BYTES: Final = 16


def mended(data: bytes) -> bytes:
    """A frame whose checks are right, whatever else it says."""
    frame = bytearray(data)
    _U16.pack_into(frame, CHECK_AT, header_check(bytes(frame[:CHECK_AT])))
    _U32.pack_into(frame, len(frame) - CRC_BYTES, frame_check(bytes(frame[:-CRC_BYTES])))
    return bytes(frame)


def flipped(data: bytes, *bits: int) -> bytes:
    """*data* with these bits turned over; bit 0 is the lowest of the first byte."""
    changed = bytearray(data)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def with_bit_flipped(data: bytes, bit: int) -> bytes:
    """A frame with one bit of it flipped, and its checks mended."""
    return mended(flipped(data, bit))


# --- Sealed frames (SEAL-01, SEAL-02) ------------------------------------------------------------


def sealed(
    key: bytes, counter: int, message_type: int, link_id: int, sequence: int, payload: bytes = b""
) -> bytes:
    """A sealed frame."""
    length = _COUNTER.size + len(payload) + _TAG_BYTES
    header = _SEALED_HEADER.pack(
        b"\xa5\x5a", SEALED_VERSION, message_type, link_id, sequence, length
    )
    told = _COUNTER.pack(counter)
    body = ChaCha20Poly1305(key).encrypt(bytes(4) + told, payload, header + told)
    return mended(header + bytes(_U16.size) + told + body + bytes(_U32.size))


def counter_of(frame: Frame) -> int:
    """The counter that stands in a sealed frame.

    :raises Unmet: it is none, or too short for one.
    """
    if frame.version != SEALED_VERSION or len(frame.payload) < _COUNTER.size + _TAG_BYTES:
        raise Unmet(
            f"a frame of version {frame.version} with {len(frame.payload)} bytes came; expected:"
            f" a sealed one, version {SEALED_VERSION} with 24 bytes or more"
        )
    counter: int = _COUNTER.unpack_from(frame.payload)[0]
    return counter


def unsealed(key: bytes, frame: Frame) -> bytes:
    """What a sealed frame says.

    :raises Unmet: it is none, or its tag is wrong.
    """
    told = _COUNTER.pack(counter_of(frame))
    header = _SEALED_HEADER.pack(
        b"\xa5\x5a",
        SEALED_VERSION,
        frame.message_type,
        frame.link_id,
        frame.sequence,
        len(frame.payload),
    )
    try:
        body = frame.payload[_COUNTER.size :]
        return ChaCha20Poly1305(key).decrypt(bytes(4) + told, body, header + told)
    except InvalidTag:
        raise Unmet(
            "the tag of the sealed answer is not that of SEAL-02 under the key of the pump's"
            f" direction: counter {counter_of(frame)}, sequence {frame.sequence}"
        ) from None


# --- Handshakes (AUTH-02 to AUTH-06) -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bound:
    """What a handshake is bound to: the parts of the prologue."""

    link_id: int
    key_id: int
    role: int
    identity: bytes
    """SHA-256 of the payload of Identity."""
    label: bytes = b"pump-sim"
    version: int = 1

    @property
    def prologue(self) -> bytes:
        """The 58 bytes."""
        return _PROLOGUE.pack(
            self.label, self.version, self.link_id, self.key_id, self.role, self.identity
        )


class HandshakeByHand:
    """The nine steps of AUTH-06, at the programmer's end.

    :param secret: of the key.
    :param private: the private half of the ephemeral pair, 32 bytes.
    :param public: what is sent as the public half, if it is another one.

    :ivar message: the first message.
    """

    def __init__(
        self, secret: bytes, prologue: bytes, private: bytes, *, public: bytes | None = None
    ) -> None:
        self._private = X25519PrivateKey.from_private_bytes(private)
        self._hash = self._chain = sha256(_NAME).digest()
        self._mix_hash(prologue)
        self._chain, mixed, self._key = self._hkdf(secret)
        self._mix_hash(mixed)
        sent = self._private.public_key().public_bytes_raw() if public is None else public
        self._mix_ephemeral(sent)
        tag = self._tag()
        self._mix_hash(tag)
        self.message = sent + tag

    def finish(self, message: bytes) -> LinkSecrets:
        """The keys of the link, from the second message.

        :raises Unmet: its tag is wrong, or its public key gives no secret (AUTH-09).
        """
        public, tag = message[:32], message[32:]
        self._mix_ephemeral(public)
        try:
            self._mix_key(self._private.exchange(X25519PublicKey.from_public_bytes(public)))
        except ValueError:
            raise Unmet("the public key in the second message gives no secret") from None
        if not hmac.compare_digest(self._tag(), tag):
            raise Unmet("the tag of the second message of the handshake is not that of AUTH-06")
        self._mix_hash(tag)
        to_pump, to_programmer, _ = self._hkdf(b"")
        return LinkSecrets(to_pump, to_programmer)

    def _mix_hash(self, data: bytes) -> None:
        self._hash = sha256(self._hash + data).digest()

    def _mix_key(self, material: bytes) -> None:
        self._chain, self._key, _ = self._hkdf(material)

    def _mix_ephemeral(self, public: bytes) -> None:
        self._mix_hash(public)
        self._mix_key(public)

    def _hkdf(self, material: bytes) -> tuple[bytes, bytes, bytes]:
        temporary = hmac.digest(self._chain, material, "sha256")
        first = hmac.digest(temporary, b"\x01", "sha256")
        second = hmac.digest(temporary, first + b"\x02", "sha256")
        return first, second, hmac.digest(temporary, second + b"\x03", "sha256")

    def _tag(self) -> bytes:
        return ChaCha20Poly1305(self._key).encrypt(bytes(12), b"", self._hash)


def authenticate(link_id: int, sequence: int, key_id: int, role: int, message: bytes) -> bytes:
    """The frame that carries a first message, whatever it names."""
    payload = _AUTHENTICATE.pack(key_id, role, message)
    return frame_bytes(MessageType.AUTHENTICATE, link_id, sequence, payload)
