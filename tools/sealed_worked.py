"""The worked authenticated link of the wire's specification, as Markdown."""

import hashlib
from collections.abc import Iterator
from typing import Final

from noise.backends.default.keypairs import KeyPair25519
from noise.connection import NoiseConnection
from noise.state import SymmetricState

import sealed_examples as examples
from markdown_table import table
from pump_protocol.codes import COUNTER_BYTES, HEADER_BYTES, PROTOCOL_VERSION
from pump_protocol.handshake import PROTOCOL_NAME
from pump_protocol.keys import pairing_key
from pump_protocol.payloads import encode
from wire_worked import hexed, spelled_message, wrapped

_PROLOGUE: Final = (
    ("label", 8, "the ASCII bytes `pump-sim`"),
    ("version", 1, "protocol version, 1"),
    ("link_id", 8, "link id of the frame, u64"),
    ("key_id", 8, "`key_id` of Authenticate, u64"),
    ("role", 1, "`role` of Authenticate, code [UserRole](#code-userrole)"),
    ("identity", 32, "SHA-256 of the payload of Identity"),
)


def prologue_table() -> str:
    """The byte table of the prologue."""
    rows = []
    at = 0
    for name, size, meaning in _PROLOGUE:
        rows.append((at, size, f"`{name}`", meaning))
        at += size
    assert at == len(examples.CLINICIANS_LINK.prologue)
    return table(("offset", "size", "part", "meaning"), rows)


def _listed(rows: list[tuple[str, bytes]], width: int = 32) -> str:
    """Names and bytes under each other."""
    indent = max(len(name) for name, _ in rows) + 2
    lines = []
    for name, data in rows:
        for at in range(0, len(data), width):
            head = name if at == 0 else ""
            lines.append(f"{head:<{indent}}{hexed(data[at : at + width])}")
    return "```text\n" + "\n".join(lines) + "\n```"


def inputs() -> str:
    """What the worked link begins with."""
    key = examples.KEY
    return (
        f"the key, as people carry it (KEY-04):\n\n```text\n{key.to_text()}\n```\n\n"
        + _listed(
            [
                ("key id", key.key_id.to_bytes(8, "little")),
                ("secret", key.secret),
                ("programmer's e", examples.PROGRAMMERS_EPHEMERAL),
                ("pump's e", examples.PUMPS_EPHEMERAL),
                ("link id", examples.LINK_ID.to_bytes(8, "little")),
            ]
        )
        + "\n\n(`e` is the private half of an ephemeral pair, before X25519 clamps it.)"
    )


def handshake() -> str:
    """Prologue, messages and keys."""
    link = examples.CLINICIANS_LINK
    identity = encode(examples.IDENTITY)
    return _listed(
        [
            ("SHA-256 of Identity", hashlib.sha256(identity).digest()),
            ("prologue", link.prologue),
            ("protocol name", PROTOCOL_NAME),
            ("message 1", link.first),
            ("message 2", link.second),
            ("key to the pump", link.secrets.to_pump),
            ("key to the programmer", link.secrets.to_programmer),
        ]
    )


def steps() -> str:
    """What each step of the handshake changes."""
    rows: list[tuple[str, bytes]] = []
    before = {"h": b"", "ck": b"", "k": b""}
    for number, (result, dh) in enumerate(_states(), start=1):
        if dh:
            rows.append((f"{number} dh", dh))
        rows += [
            (f"{number} {name}", data) for name, data in result.items() if data != before[name]
        ]
        before = result
    return _listed(rows)


def _states() -> Iterator[tuple[dict[str, bytes], bytes]]:
    """``h``, ``ck`` and ``k`` after each step but Split, as the library of the handshake reckons
    them, and the result of X25519 where there is one.
    """
    link = examples.CLINICIANS_LINK
    noise = NoiseConnection.from_name(PROTOCOL_NAME).noise_protocol
    state = SymmetricState.initialize_symmetric(noise)
    ours = KeyPair25519.from_private_bytes(examples.PROGRAMMERS_EPHEMERAL)
    theirs = KeyPair25519.from_private_bytes(examples.PUMPS_EPHEMERAL)

    def now(dh: bytes = b"") -> tuple[dict[str, bytes], bytes]:
        k = state.cipher_state.k if state.cipher_state.has_key() else b""
        return {"h": state.h, "ck": state.ck, "k": k}, dh

    yield now()
    state.mix_hash(link.prologue)
    yield now()
    state.mix_key_and_hash(link.key.secret)
    yield now()
    state.mix_hash(ours.public_bytes)
    state.mix_key(ours.public_bytes)
    yield now()
    assert link.first == ours.public_bytes + state.encrypt_and_hash(b"")
    yield now()
    state.mix_hash(theirs.public_bytes)
    state.mix_key(theirs.public_bytes)
    yield now()
    shared = noise.dh_fn.dh(ours.private, theirs.public)
    state.mix_key(shared)
    yield now(shared)
    assert link.second == theirs.public_bytes + state.encrypt_and_hash(b"")
    yield now()


def sealing() -> str:
    """How the first sealed frame comes about."""
    opening = next(each for each in examples.CLINICIANS_STORY if each.counter is not None)
    frame = opening.frame
    assert opening.counter is not None
    counter = opening.counter.to_bytes(COUNTER_BYTES, "little")
    behind = HEADER_BYTES + COUNTER_BYTES
    assert frame[HEADER_BYTES:behind] == counter
    return _listed(
        [
            ("key to the pump", examples.CLINICIANS_LINK.secrets.to_pump),
            ("nonce", bytes(4) + counter),
            ("associated data", frame[: HEADER_BYTES - 2] + counter),
            ("payload", encode(opening.message)),
            ("ciphertext", frame[behind:-20]),
            ("tag", frame[-20:-4]),
            ("frame", frame),
        ]
    )


def link() -> str:
    """The whole link, frame by frame."""
    return _told(examples.CLINICIANS_STORY)


def pairing() -> str:
    """From a code to a key."""
    key = pairing_key(examples.PAIRING_CODE, examples.PATIENTS_KEY.role)
    plain = examples.PAIRING_CODE.replace("-", "")
    assert examples.PAIRING_LINK.prologue[8] == PROTOCOL_VERSION
    listed = _listed(
        [
            ("hashed", b"pump-sim pairing code 1\x00" + plain.encode()),
            ("secret", key.secret),
            ("prologue", examples.PAIRING_LINK.prologue),
        ]
    )
    return f"code `{examples.PAIRING_CODE}`:\n\n{listed}\n\n{_told(examples.PAIRING_STORY)}"


def _told(story: tuple[examples.Said, ...]) -> str:
    parts = []
    for each in story:
        who = "programmer → pump" if each.to_pump else "pump → programmer"
        how = "plain" if each.counter is None else f"sealed with counter {each.counter}"
        remark = f" ({each.remark})" if each.remark else ""
        parts += [
            f"{who}: **{type(each.message).__name__}**, sequence {each.sequence}, {how}{remark}",
            f"```text\n{wrapped(each.frame)}\n```",
        ]
        if not each.remark:
            parts.append(spelled_message(each.message))
    return "\n\n".join(parts)
