"""Which key to use for which pump: the one given, that of the environment, or a stored one.

It opens no link, and no error of it holds a secret.
"""

import os
import re
from pathlib import Path
from typing import Final

from pump_programmer.errors import NoKey
from pump_programmer.files import read_private
from pump_programmer.keystore import KeyStore
from pump_programmer.words import name_of, roles_text
from pump_protocol.codes import UserRole
from pump_protocol.errors import BadKey
from pump_protocol.keys import Key

ENVIRONMENT: Final = "PUMP_KEY"
"""Names a key, or ``@FILE``, where none is given."""

_LARGEST_BYTES: Final = 4_096
"""More than a key and the space around it."""

_SECRET: Final = re.compile(r"[0-9A-Fa-f]{32}")
"""What a secret has in it, and the name of a key file has not: half of a secret, also mistyped."""

_PAIRING: Final = (
    "Pair with it: let it show a code, and type pump-programmer pair --code CODE. Or give a key "
    f"that you have, with --key or {ENVIRONMENT}"
)


def read_key(text: str, called: str) -> Key:
    """The key that *text* is, or that stands in the file which it names as ``@FILE``.

    :param called: what an error calls it, such as ``--key``.
    :raises BadKey: it is none, or the file cannot be read, or others can read it, too.
    """
    if not text.startswith("@"):
        try:
            return Key.from_text(text)
        except BadKey as error:
            raise BadKey(f"{called}: {error}; or @ and the name of a file that holds one") from None
    name = text[1:]
    if not name:
        raise BadKey(f"{called}: @ without the name of a file")
    if _SECRET.search(name):
        raise BadKey(f"{called}: a key is given without @; after it comes the name of a file")
    try:
        content = read_private(Path(name).expanduser(), _LARGEST_BYTES)
    except (OSError, ValueError, RuntimeError) as error:  # a name with a zero byte; no home
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise BadKey(f"{called}: key file {name!r}: {why}") from error
    try:
        return Key.from_text(content.decode("ascii"))
    except (BadKey, UnicodeDecodeError):
        raise BadKey(
            f"{called}: key file {name!r} holds no key on one line, as pump-sim run --key-file "
            "writes it"
        ) from None


def choose_key(serial_number: str, given: Key | None, role: UserRole | None) -> tuple[Key, str]:
    """The key for a pump, and what an error calls it.

    :param given: goes before the environment, and that before the key store.
    :param role: which of the stored keys; and what the role of another key must be.
    :raises NoKey: there is none, or several are stored and nobody chose.
    :raises BadKey: that of the environment is none.
    :raises KeyStoreUnusable: there is no other place to look.
    """
    key, called = given, "the key that was given"
    if key is None and (text := os.environ.get(ENVIRONMENT)):
        key, called = read_key(text, ENVIRONMENT), f"the key in {ENVIRONMENT}"
    if key is None:
        return _stored(serial_number, role), "the stored key"
    if role is not None and role is not key.role:
        raise NoKey(serial_number, f"{called} is of role {name_of(key.role)}, not {name_of(role)}")
    return key, called


def has_key(serial_number: str, given: Key | None) -> bool:
    """Whether there is any key for a pump: so that it cannot be one without security.

    :raises KeyStoreUnusable: nobody can tell.
    """
    if given is not None or os.environ.get(ENVIRONMENT):
        return True
    return bool(KeyStore().of(serial_number))


def _stored(serial_number: str, role: UserRole | None) -> Key:
    store = KeyStore()
    held = store.of(serial_number)
    if role is None and len(held) == 1:
        return next(iter(held.values()))
    if role is None and held:
        raise NoKey(
            serial_number,
            f"keys of several roles are stored: choose with --role {roles_text(sorted(held))}",
        )
    if role is not None and role in held:
        return held[role]
    wanted = "no key" if role is None else f"no key of role {name_of(role)}"
    others = f" (only of role {roles_text(sorted(held))})" if held else ""
    raise NoKey(serial_number, f"{wanted} is stored in {store.path}{others}. {_PAIRING}")
