"""The handshake, Noise_NNpsk0_25519_ChaChaPoly_SHA256: both ends show that they hold a key.

It gives each direction a key of its own, which nobody can reckon from what was overheard, not even
with the key of the handshake later. The prologue ties it to one link, one key, one role and all
that the pump said of itself, so none of these can be altered on the way. This is the only module
that imports the Noise library, and not before a handshake: a pump is ready sooner, and a command
that asks for its help. It knows neither frames nor who is locked out.
"""

from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from struct import Struct
from typing import Any, Final

from pump_protocol.codes import PROTOCOL_VERSION, UserRole
from pump_protocol.errors import HandshakeFailed
from pump_protocol.keys import Key, RandomBytes
from pump_protocol.messages import Identity
from pump_protocol.payloads import encode

PROTOCOL_NAME: Final = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"

_PROLOGUE: Final = Struct("<8sBQQB32s")  # label, version, link id, key id, role, identity digest
_LABEL: Final = b"pump-sim"


@dataclass(frozen=True, slots=True)
class LinkSecrets:
    """The two keys of a link, 32 bytes each; whoever holds them can read what was said in it."""

    to_pump: bytes = field(repr=False)
    to_programmer: bytes = field(repr=False)


def identity_digest(identity: Identity) -> bytes:
    """SHA-256 over all that a pump says of itself, capabilities and security profile included."""
    return sha256(encode(identity)).digest()


def prologue(link_id: int, key_id: int, role: UserRole, digest: bytes) -> bytes:
    """What both ends must agree on without saying it in the handshake: 58 bytes."""
    return _PROLOGUE.pack(_LABEL, PROTOCOL_VERSION, link_id, key_id, role, digest)


class Initiator:
    """The programmer's end of one handshake.

    :ivar message: the first message, 48 bytes.
    """

    def __init__(self, key: Key, prologue: bytes, random_bytes: RandomBytes) -> None:
        self._noise = _begun(key.secret, prologue, random_bytes, initiating=True)
        self.message = bytes(self._noise.write_message())

    def finish(self, reply: bytes) -> LinkSecrets:
        """Take the second message.

        :raises HandshakeFailed: it was not made with this key, for this handshake.
        """
        try:
            self._noise.read_message(reply)
        except _failures() as error:
            raise HandshakeFailed("the pump did not prove that it holds this key") from error
        state = self._noise.noise_protocol
        return LinkSecrets(bytes(state.cipher_state_encrypt.k), bytes(state.cipher_state_decrypt.k))


def respond(
    key: Key, prologue: bytes, message: bytes, random_bytes: RandomBytes
) -> tuple[bytes, LinkSecrets]:
    """The pump's end: the second message, 48 bytes, and the keys of the link.

    The first message may have been recorded long ago: only what comes sealed with the new keys
    proves that somebody is there.

    :raises HandshakeFailed: *message* was not made with this key, for this prologue.
    """
    noise = _begun(key.secret, prologue, random_bytes, initiating=False)
    try:
        noise.read_message(message)
        reply = bytes(noise.write_message())
    except _failures() as error:
        raise HandshakeFailed(
            "not made with this key, or for another pump, link or role"
        ) from error
    state = noise.noise_protocol
    secrets = LinkSecrets(bytes(state.cipher_state_decrypt.k), bytes(state.cipher_state_encrypt.k))
    return reply, secrets


@cache
def _failures() -> tuple[type[Exception], ...]:
    """How the library says that a message was not made with this key, for this handshake."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see the module
    from noise.exceptions import (  # noqa: PLC0415
        NoiseHandshakeError,
        NoiseInvalidMessage,
        NoiseValueError,
    )

    return (
        InvalidTag,  # another key, another prologue, or bytes that were altered
        ValueError,  # a public key that gives no secret
        NoiseHandshakeError,
        NoiseInvalidMessage,
        NoiseValueError,
    )


def _begun(secret: bytes, prologue: bytes, random_bytes: RandomBytes, *, initiating: bool) -> Any:
    from noise.backends.default.keypairs import KeyPair25519  # noqa: PLC0415 - see the module
    from noise.connection import NoiseConnection  # noqa: PLC0415

    noise = NoiseConnection.from_name(PROTOCOL_NAME)
    noise.set_psks(secret)
    noise.set_prologue(prologue)
    if initiating:
        noise.set_as_initiator()
    else:
        noise.set_as_responder()
    noise.start_handshake()
    # Where the library makes its own pair if it finds none.
    ephemeral = KeyPair25519.from_private_bytes(random_bytes(32))
    noise.noise_protocol.handshake_state.e = ephemeral
    return noise
