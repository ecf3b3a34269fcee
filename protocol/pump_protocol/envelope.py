"""The envelope of a frame in an authenticated link: encrypted, and believed only once.

Each direction has a key and a counter of its own. The counter stands in the frame, because frames
get lost; it must be greater than that of every frame believed before. Nothing is remembered of a
frame before its tag was found right. Who repeats a frame sends the identical bytes, so no counter
is ever used for two texts. But for the suite that judges others, which seals by hand, this is the
only module that imports the cipher, and not before there are keys.
"""

from struct import Struct
from typing import Final

from pump_protocol.codes import (
    COUNTER_BYTES,
    ENVELOPE_BYTES,
    MAX_PAYLOAD_BYTES,
    PROTOCOL_VERSION,
    SEALED_BIT,
)
from pump_protocol.errors import FrameTooLarge, NotAuthentic, OutOfTurn
from pump_protocol.frames import Frame, closed, header_bytes

SEALED_VERSION: Final = PROTOCOL_VERSION | SEALED_BIT

_COUNTER: Final = Struct("<Q")
_NONCE_START: Final = bytes(4)  # a nonce is these and the counter, as in Noise
_LAST_COUNTER: Final = 2**64 - 2  # Noise keeps the last one for itself


class Envelope:
    """Seals what one end of a link sends, opens what it receives."""

    def __init__(self, *, sending: bytes, receiving: bytes) -> None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see the module
        from cryptography.hazmat.primitives.ciphers.aead import (  # noqa: PLC0415
            ChaCha20Poly1305,
        )

        self._wrong_tag: type[Exception] = InvalidTag
        self._sending = ChaCha20Poly1305(sending)
        self._receiving = ChaCha20Poly1305(receiving)
        self._next_sent = 0
        self._next_received = 0

    @property
    def next_received(self) -> int:
        """The smallest counter that would be believed."""
        return self._next_received

    def seal(self, message_type: int, link_id: int, sequence: int, payload: bytes) -> bytes:
        """A whole frame, with the next counter.

        :raises FrameTooLarge: the payload is longer than a frame may carry.
        :raises OutOfTurn: the counters are used up.
        """
        counter = self._next_sent
        if counter > _LAST_COUNTER:
            raise OutOfTurn("the counters of this link are used up; open another one")
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise FrameTooLarge(
                f"payload is {len(payload)} bytes; a frame carries 0 to {MAX_PAYLOAD_BYTES}"
            )
        length = len(payload) + ENVELOPE_BYTES
        header = header_bytes(message_type, link_id, sequence, length, SEALED_VERSION)
        told = _COUNTER.pack(counter)
        sealed = self._sending.encrypt(_NONCE_START + told, payload, header + told)
        self._next_sent = counter + 1
        return closed(header, told + sealed)

    def open(self, frame: Frame) -> bytes:
        """The payload of a sealed frame, which is believed from now on and never again.

        :raises NotAuthentic: it was forged or altered, or its counter is not new.
        """
        body = frame.payload
        if len(body) < ENVELOPE_BYTES:
            raise NotAuthentic("too short to be sealed", None)
        (counter,) = _COUNTER.unpack_from(body)
        if counter < self._next_received:
            raise NotAuthentic("its counter was used before", counter)
        told = body[:COUNTER_BYTES]
        header = header_bytes(
            frame.message_type, frame.link_id, frame.sequence, len(body), frame.version
        )
        try:
            payload = self._receiving.decrypt(
                _NONCE_START + told, body[COUNTER_BYTES:], header + told
            )
        except self._wrong_tag:
            raise NotAuthentic("its tag is wrong", counter) from None
        self._next_received = counter + 1
        return payload
