"""The handshake: right by published vectors and by a second implementation, and bound to all that
both ends must agree on (REQ-30, REQ-31).
"""

import secrets
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noise.backends.default.keypairs import KeyPair25519
from noise.connection import NoiseConnection

from pump_protocol import messages as m
from pump_protocol.codes import HANDSHAKE_BYTES, Capability, SecurityProfile, UserRole
from pump_protocol.errors import HandshakeFailed
from pump_protocol.handshake import (
    PROTOCOL_NAME,
    Initiator,
    LinkSecrets,
    identity_digest,
    prologue,
    respond,
)
from pump_protocol.keys import Key, RandomBytes

from . import noise_by_hand as by_hand
from .links import IDENTITY
from .strategies import parts
from .test_vectors import read

LINK_ID = 0x0123456789ABCDEF
KEY = Key(7, UserRole.CLINICIAN, bytes(range(32)))
DIGEST = identity_digest(IDENTITY)
BOUND = prologue(LINK_ID, KEY.key_id, KEY.role, DIGEST)
QUICK = settings(max_examples=40, deadline=None)

bytes_32 = st.binary(min_size=32, max_size=32)
(PUBLISHED,) = read("noise.json")["vectors"]


def always(data: bytes) -> RandomBytes:
    return lambda _: data


# --- Published vectors ---------------------------------------------------------------------------


def published(name: str) -> bytes:
    value = PUBLISHED[name]
    return bytes.fromhex(value if isinstance(value, str) else value[0])


def published_end(which: str, *, initiating: bool) -> Any:
    """An end of the published handshake, made by the library as our module makes it."""
    end = NoiseConnection.from_name(PROTOCOL_NAME)
    end.set_psks(published(f"{which}_psks"))
    end.set_prologue(published(f"{which}_prologue"))
    (end.set_as_initiator if initiating else end.set_as_responder)()
    end.start_handshake()
    ephemeral = KeyPair25519.from_private_bytes(published(f"{which}_ephemeral"))
    end.noise_protocol.handshake_state.e = ephemeral
    return end


def test_the_library_reproduces_the_published_vectors_byte_for_byte() -> None:
    """Handshake messages with payloads, handshake hash, and transport messages both ways."""
    assert PUBLISHED["protocol_name"].encode() == PROTOCOL_NAME
    initiator = published_end("init", initiating=True)
    responder = published_end("resp", initiating=False)
    sides = [(initiator, responder), (responder, initiator)]
    said = [
        (bytes.fromhex(each["payload"]), bytes.fromhex(each["ciphertext"]))
        for each in PUBLISHED["messages"]
    ]
    for (payload, ciphertext), (sender, receiver) in zip(said[:2], sides, strict=True):
        assert sender.write_message(payload) == ciphertext
        assert receiver.read_message(ciphertext) == payload
    assert initiator.get_handshake_hash() == published("handshake_hash")
    assert responder.get_handshake_hash() == published("handshake_hash")
    for number, (payload, ciphertext) in enumerate(said[2:]):
        sender, receiver = sides[number % 2]
        assert sender.encrypt(payload) == ciphertext
        assert receiver.decrypt(ciphertext) == payload


def test_the_handshake_by_hand_reproduces_the_published_vectors_byte_for_byte() -> None:
    """So what the other tests hold our module against is itself right."""
    said = [
        (bytes.fromhex(each["payload"]), bytes.fromhex(each["ciphertext"]))
        for each in PUBLISHED["messages"]
    ]
    shaken = by_hand.Handshake(
        psk=published("init_psks"),
        prologue=published("init_prologue"),
        initiators=published("init_ephemeral"),
        responders=published("resp_ephemeral"),
        payloads=(said[0][0], said[1][0]),
    )
    assert (shaken.first, shaken.second) == (said[0][1], said[1][1])
    assert shaken.hash_behind_first == published("hash_behind_message_1")
    assert shaken.hash == published("handshake_hash")
    for number, (payload, ciphertext) in enumerate(said[2:]):
        key = shaken.to_initiator if number % 2 else shaken.to_responder
        assert by_hand.transport(key, number // 2, payload) == ciphertext


@QUICK
@given(secret=bytes_32, bound=st.binary(max_size=80), ours=bytes_32, theirs=bytes_32)
def test_our_handshake_is_the_one_by_hand(
    secret: bytes, bound: bytes, ours: bytes, theirs: bytes
) -> None:
    """AUTH-03 and AUTH-06, for any secret, prologue and ephemeral keys."""
    key = replace(KEY, secret=secret)
    shaken = by_hand.Handshake(psk=secret, prologue=bound, initiators=ours, responders=theirs)
    initiator = Initiator(key, bound, always(ours))
    assert initiator.message == shaken.first
    second, pumps = respond(key, bound, initiator.message, always(theirs))
    assert second == shaken.second
    assert pumps == LinkSecrets(to_pump=shaken.to_responder, to_programmer=shaken.to_initiator)
    assert initiator.finish(second) == pumps


# --- What both ends must agree on ----------------------------------------------------------------


def test_both_messages_are_48_bytes_and_nothing_of_them_repeats() -> None:
    """AUTH-09: the same key and prologue give other messages and other keys every time."""
    first, second = (Initiator(KEY, BOUND, secrets.token_bytes) for _ in range(2))
    answers = [respond(KEY, BOUND, each.message, secrets.token_bytes) for each in (first, second)]
    again = respond(KEY, BOUND, first.message, secrets.token_bytes)
    messages = {first.message, second.message, answers[0][0], answers[1][0], again[0]}
    assert len(messages) == 5
    assert {len(each) for each in messages} == {HANDSHAKE_BYTES}
    keys = [each[1] for each in (*answers, again)]
    assert len({*(each.to_pump for each in keys), *(each.to_programmer for each in keys)}) == 6


OTHERS = (
    prologue(LINK_ID + 1, KEY.key_id, KEY.role, DIGEST),
    prologue(LINK_ID, KEY.key_id + 1, KEY.role, DIGEST),
    prologue(LINK_ID, KEY.key_id, UserRole.SERVICE, DIGEST),
    prologue(LINK_ID, KEY.key_id, KEY.role, bytes(32)),
    BOUND[:8] + b"\x02" + BOUND[9:],
)


@pytest.mark.parametrize("other", OTHERS, ids=["link", "key id", "role", "identity", "version"])
def test_a_handshake_for_anything_else_fails_at_the_pump(other: bytes) -> None:
    """AUTH-04: no downgrade, no change of role, no other pump (REQ-31)."""
    assert other != BOUND
    message = Initiator(KEY, other, secrets.token_bytes).message
    with pytest.raises(HandshakeFailed):
        respond(KEY, BOUND, message, secrets.token_bytes)


@pytest.mark.parametrize("other", OTHERS, ids=["link", "key id", "role", "identity", "version"])
def test_a_pump_that_means_anything_else_fails_at_the_programmer(other: bytes) -> None:
    """A second message that was made for another prologue is not believed."""
    initiator = Initiator(KEY, BOUND, secrets.token_bytes)
    elsewhere = Initiator(KEY, other, secrets.token_bytes)
    reply, _ = respond(KEY, other, elsewhere.message, secrets.token_bytes)
    with pytest.raises(HandshakeFailed):
        initiator.finish(reply)


@QUICK
@given(identity=parts(m.Identity), other=parts(m.Identity))
def test_whatever_the_pump_says_of_itself_is_in_the_prologue(
    identity: m.Identity, other: m.Identity
) -> None:
    """So a capability, a limit or the profile cannot be altered on the way (SEC-06)."""
    assert (identity_digest(identity) == identity_digest(other)) is (identity == other)


def test_profile_and_capabilities_are_in_the_digest() -> None:
    legacy = replace(IDENTITY, security_profile=SecurityProfile.LEGACY_INSECURE)
    secure = replace(IDENTITY, security_profile=SecurityProfile.AUTHENTICATED)
    fewer = replace(secure, capabilities=Capability(0))
    assert len({identity_digest(each) for each in (legacy, secure, fewer)}) == 3


@QUICK
@given(secret=bytes_32.filter(lambda secret: secret != KEY.secret))
def test_another_secret_fails_at_either_end(secret: bytes) -> None:
    other = replace(KEY, secret=secret)
    initiator = Initiator(KEY, BOUND, secrets.token_bytes)
    with pytest.raises(HandshakeFailed):
        respond(other, BOUND, initiator.message, secrets.token_bytes)
    own = Initiator(other, BOUND, secrets.token_bytes)
    reply, _ = respond(other, BOUND, own.message, secrets.token_bytes)
    with pytest.raises(HandshakeFailed):
        initiator.finish(reply)


# --- Bytes that are no handshake -----------------------------------------------------------------


@QUICK
@given(at=st.integers(0, HANDSHAKE_BYTES * 8 - 1))
def test_no_bit_of_either_message_may_change(at: int) -> None:
    """Bit 7 of byte 31 is the exception of X25519 itself, and is found by the hash of Noise."""

    def flipped(message: bytes) -> bytes:
        changed = bytearray(message)
        changed[at // 8] ^= 1 << at % 8
        return bytes(changed)

    initiator = Initiator(KEY, BOUND, secrets.token_bytes)
    with pytest.raises(HandshakeFailed):
        respond(KEY, BOUND, flipped(initiator.message), secrets.token_bytes)
    reply, _ = respond(KEY, BOUND, initiator.message, secrets.token_bytes)
    with pytest.raises(HandshakeFailed):
        initiator.finish(flipped(reply))


@settings(max_examples=100, deadline=None)
@given(message=st.binary(max_size=120))
def test_any_bytes_fail_as_a_handshake_and_as_nothing_else(message: bytes) -> None:
    """REQ-26: there is one error, whatever comes."""
    with pytest.raises(HandshakeFailed):
        respond(KEY, BOUND, message, secrets.token_bytes)
    with pytest.raises(HandshakeFailed):
        Initiator(KEY, BOUND, secrets.token_bytes).finish(message)


# Points of small order: each gives a shared secret of zeros, which must not become a key.
SMALL_ORDER = (
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
)


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_public_key_that_gives_no_secret_fails_even_with_the_right_secret(point: bytes) -> None:
    """Somebody with the key could otherwise make the keys of the link known to everybody."""
    state = by_hand.SymmetricState(BOUND, KEY.secret)
    state.mix_ephemeral(point)
    message = point + state.encrypt(b"")
    with pytest.raises(HandshakeFailed):
        respond(KEY, BOUND, message, secrets.token_bytes)


def test_secrets_are_not_in_the_repr_of_link_secrets() -> None:
    text = repr(LinkSecrets(b"\x11" * 32, b"\x22" * 32))
    assert "x11" not in text
    assert "x22" not in text
    assert "17, 17" not in text


def test_the_error_says_nothing_of_the_key() -> None:
    initiator = Initiator(KEY, BOUND, secrets.token_bytes)
    with pytest.raises(HandshakeFailed) as raised:
        initiator.finish(bytes(48))
    assert KEY.secret.hex() not in str(raised.value)
    assert KEY.secret.hex() not in repr(raised.value.__cause__)
