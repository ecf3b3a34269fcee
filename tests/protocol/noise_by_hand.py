"""The handshake once more, written from the Noise specification (revision 34), without its library.

What the implementation under test shares with this is X25519, HMAC, SHA-256 and ChaCha20-Poly1305.
"""

import hmac
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

NAME = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"


def public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def shared(private: bytes, peers: bytes) -> bytes:
    ours = X25519PrivateKey.from_private_bytes(private)
    return ours.exchange(X25519PublicKey.from_public_bytes(peers))


def hkdf(chaining_key: bytes, material: bytes, outputs: int) -> list[bytes]:
    """Section 4.3."""
    temporary = hmac.digest(chaining_key, material, "sha256")
    found = [b""]
    for number in range(1, outputs + 1):
        found.append(hmac.digest(temporary, found[-1] + bytes((number,)), "sha256"))
    return found[1:]


def nonce(number: int) -> bytes:
    """Section 12.3: 32 bits of zeros and 64 bits, little-endian."""
    return bytes(4) + number.to_bytes(8, "little")


class SymmetricState:
    """Section 5.2, for handshakes that begin with a pre-shared key."""

    def __init__(self, prologue: bytes, psk: bytes) -> None:
        self.hash = sha256(NAME).digest()  # the name is longer than a hash
        self.chaining_key = self.hash
        self.key = b""
        self.number = 0
        self.mix_hash(prologue)
        self.chaining_key, hashed, self.key = hkdf(self.chaining_key, psk, 3)  # token "psk"
        self.mix_hash(hashed)

    def mix_hash(self, data: bytes) -> None:
        self.hash = sha256(self.hash + data).digest()

    def mix_key(self, material: bytes) -> None:
        self.chaining_key, self.key = hkdf(self.chaining_key, material, 2)
        self.number = 0

    def mix_ephemeral(self, their_or_our_public: bytes) -> None:
        """Token "e"; with a pre-shared key it is mixed into the key, too (section 9.2)."""
        self.mix_hash(their_or_our_public)
        self.mix_key(their_or_our_public)

    def encrypt(self, payload: bytes) -> bytes:
        sealed = ChaCha20Poly1305(self.key).encrypt(nonce(self.number), payload, self.hash)
        self.number += 1
        self.mix_hash(sealed)
        return sealed

    def now(self) -> dict[str, bytes]:
        return {"h": self.hash, "ck": self.chaining_key, "k": self.key}

    def split(self) -> tuple[bytes, bytes]:
        first, second = hkdf(self.chaining_key, b"", 2)
        return first, second


class Handshake:
    """Both ends at once: NNpsk0 is ``-> psk, e`` and ``<- e, ee``.

    ``steps`` has hash, chaining key and key as they are behind "psk", behind each other token, and
    behind each message.
    """

    def __init__(
        self,
        *,
        psk: bytes,
        prologue: bytes,
        initiators: bytes,
        responders: bytes,
        payloads: tuple[bytes, bytes] = (b"", b""),
    ) -> None:
        state = SymmetricState(prologue, psk)
        self.steps = [state.now()]
        state.mix_ephemeral(public(initiators))
        self.steps.append(state.now())
        self.first = public(initiators) + state.encrypt(payloads[0])
        self.steps.append(state.now())
        self.hash_behind_first = state.hash
        state.mix_ephemeral(public(responders))
        self.steps.append(state.now())
        state.mix_key(shared(responders, public(initiators)))
        self.steps.append(state.now())
        self.second = public(responders) + state.encrypt(payloads[1])
        self.steps.append(state.now())
        self.hash = state.hash
        self.to_responder, self.to_initiator = state.split()


def transport(key: bytes, number: int, payload: bytes, associated: bytes = b"") -> bytes:
    """A transport message: ciphertext and tag."""
    return ChaCha20Poly1305(key).encrypt(nonce(number), payload, associated)
