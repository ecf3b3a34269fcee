"""Keys, as they are held and as people copy them; who holds them is not known here.

A secret is 32 random bytes, one for each pump and role. It is never derived from anything that can
be read off a pump. Randomness is a parameter, so that a simulation can be repeated.
"""

import re
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from pump_protocol.codes import PAIRING_CODE_BITS, PAIRING_KEY_ID, SECRET_BYTES, UserRole
from pump_protocol.errors import BadKey

RandomBytes = Callable[[int], bytes]
"""So many random bytes; :func:`secrets.token_bytes` wherever it matters."""

_TEXT: Final = re.compile(r"(observer|patient|clinician|service)-([0-9a-f]{16})-([0-9a-f]{64})")
_CODE_CHARACTERS: Final = PAIRING_CODE_BITS // 5
_CODE_GROUP: Final = 5
_CODE: Final = re.compile(rf"[A-Z2-7]{{{_CODE_CHARACTERS}}}")
_PAIRING_LABEL: Final = b"pump-sim pairing code 1\x00"


@dataclass(frozen=True, slots=True)
class Key:
    """A key: what it is called on the wire, what it allows, and its secret of 32 bytes."""

    key_id: int
    role: UserRole
    secret: bytes = field(repr=False)

    @classmethod
    def new(cls, role: UserRole, random_bytes: RandomBytes) -> "Key":
        """A fresh random key."""
        key_id = 0
        while key_id == PAIRING_KEY_ID:
            key_id = int.from_bytes(random_bytes(8), "little")
        return cls(key_id, role, random_bytes(SECRET_BYTES))

    @classmethod
    def from_text(cls, text: str) -> "Key":
        """The key that :meth:`to_text` wrote; space around it is ignored.

        :raises BadKey: it is none; the text is not repeated, because it may be a secret mistyped.
        """
        match = _TEXT.fullmatch(text.strip().lower())
        if match is None or int(match[2], 16) == PAIRING_KEY_ID:
            raise BadKey(
                "this is no key: wanted is its role (observer, patient, clinician, service), a "
                "hyphen, 16 hexadecimal digits, a hyphen and 64 hexadecimal digits"
            )
        return cls(int(match[2], 16), UserRole[match[1].upper()], bytes.fromhex(match[3]))

    def to_text(self) -> str:
        """The key on one line, for people and environment variables to carry."""
        return f"{self.role.name.lower()}-{self.key_id:016x}-{self.secret.hex()}"


def new_pairing_code(random_bytes: RandomBytes) -> str:
    """A one-time code of 130 random bits: 26 letters and digits (RFC 4648 base32) in groups."""
    text = b32encode(random_bytes(-(-PAIRING_CODE_BITS // 8))).decode()[:_CODE_CHARACTERS]
    groups = range(0, _CODE_CHARACTERS, _CODE_GROUP)
    return "-".join(text[at : at + _CODE_GROUP] for at in groups)


def pairing_key(code: str, role: UserRole) -> Key:
    """The key that a pairing code stands for; hyphens, space and case do not matter.

    :raises BadKey: it is no pairing code.
    """
    plain = re.sub(r"[\s-]", "", code).upper()
    if _CODE.fullmatch(plain) is None:
        raise BadKey(
            f"this is no pairing code: wanted are {_CODE_CHARACTERS} characters, letters A to Z "
            f"and digits 2 to 7; given are {len(plain)}"
        )
    return Key(PAIRING_KEY_ID, role, sha256(_PAIRING_LABEL + plain.encode()).digest())
