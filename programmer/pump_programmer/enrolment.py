"""A key by a pairing code, and into the key store: a code is good for one key, which must not get
lost."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pump_programmer.arguments import UsageError
from pump_programmer.key_choice import ENVIRONMENT
from pump_programmer.keystore import KeyStore
from pump_programmer.pairing import pair
from pump_programmer.patience import Patience
from pump_programmer.words import name_of
from pump_protocol.codes import UserRole
from pump_protocol.errors import BadKey
from pump_protocol.jsonable import Json
from pump_protocol.keys import Key, pairing_key
from pump_protocol.messages import Identity

_MISREAD: Final = frozenset("01")
"""What a code has not, and people hear or read for letters that it has."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The key that a pump handed over, and where it is; ``replaced`` was there before."""

    identity: Identity
    key: Key
    path: Path
    replaced: Key | None

    @property
    def result(self) -> dict[str, Json]:
        """What a program is told of it."""
        return {
            **public(self.key.role, self.key.key_id),
            "stored_in": str(self.path),
            "replaced_key_id": None if self.replaced is None else f"{self.replaced.key_id:016x}",
        }

    @property
    def text(self) -> str:
        """What a person is told of it."""
        instead = "" if self.replaced is None else f", in place of key {self.replaced.key_id:016x}"
        return (
            f"Paired: key {self.key.key_id:016x} of role {name_of(self.key.role)} is stored in "
            f"{self.path}{instead}.{_unused_note()}"
        )


def check_code(code: str, role: UserRole, option: str = "--code") -> None:
    """Refuse what is no pairing code; it is not repeated.

    :raises UsageError: it is none.
    """
    try:
        pairing_key(code, role)
    except BadKey as error:
        misread = set(code) & _MISREAD
        hint = ". For 0 it is the letter O, and for 1 the letter I" if misread else ""
        raise UsageError(f"{option}: {error}{hint}") from None


def enrol(
    address: str,
    code: str,
    role: UserRole,
    *,
    store: KeyStore,
    programmer_id: int | None,
    patience: Patience,
) -> Enrolled:
    """Get the key of a role for the code that the pump shows, and store it.

    :raises KeyStoreUnusable: it could not be stored; the pump was not asked.
    :raises ProgrammerError: as :func:`pump_programmer.pairing.pair`.
    """
    store.check_writable()
    pairing = pair(address, code, role, programmer_id=programmer_id, patience=patience)
    before = store.keep(pairing.identity.serial_number, pairing.key)
    replaced = None if before in {None, pairing.key} else before
    return Enrolled(pairing.identity, pairing.key, store.path, replaced)


def public(role: UserRole, key_id: int) -> dict[str, Json]:
    """What may be said of a key."""
    return {"role": name_of(role), "key_id": f"{key_id:016x}"}


def _unused_note() -> str:
    """What stands in the way of a stored key."""
    if not os.environ.get(ENVIRONMENT):
        return ""
    return f" {ENVIRONMENT} is set, and goes before it: unset it to use the stored key."
