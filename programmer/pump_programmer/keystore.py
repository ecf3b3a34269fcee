"""The programmer's keys, in a file of its own that nobody else can read; it opens no link.

The file is JSON, by serial number and role. It is replaced whole, and whoever changes it holds a
lock meanwhile, so two programmers that pair at the same time lose nothing. A file that others can
read, or that is damaged, is neither used nor overwritten: the keys in it may be the only ones.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_config_path

from pump_programmer.errors import KeyStoreUnusable
from pump_programmer.files import TooLong, WholeFile, locked, read_private
from pump_protocol.codes import UserRole
from pump_protocol.errors import BadKey
from pump_protocol.keys import Key

_FORMAT: Final = 1
_LARGEST_BYTES: Final = 1_048_576
"""More than anybody's keys; what is longer is no key store."""
_LOCK_PATIENCE_S: Final = 5.0
_LOCK_SUFFIX: Final = ".lock"

_Keys = dict[str, dict[UserRole, Key]]


class _Damaged(Exception):
    """What is wrong with the content of a file."""


class _OtherVersion(Exception):
    """Perhaps the file is good, and this program does not know its format."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key, and the serial number of the pump that it is for."""

    serial_number: str
    key: Key


def default_path() -> Path:
    """Where the key store is, in the platform's folder for configuration."""
    return user_config_path("pump-programmer") / "keys.json"


class KeyStore:
    """The keys of one person's programmer.

    :param path: the file; by default :func:`default_path`. It need not exist.
    """

    def __init__(self, path: Path | None = None):
        # The file itself, lest a link to it be replaced by a file.
        self.path = Path(os.path.realpath(default_path() if path is None else path))

    def stored(self) -> tuple[StoredKey, ...]:
        """All keys, by serial number and role.

        :raises KeyStoreUnusable: others can read the file, or it is damaged.
        """
        return tuple(
            StoredKey(serial_number, key)
            for serial_number, held in sorted(self._read().items())
            for _, key in sorted(held.items())
        )

    def of(self, serial_number: str) -> dict[UserRole, Key]:
        """The keys for one pump, by their roles.

        :raises KeyStoreUnusable: as :meth:`stored`.
        """
        return self._read().get(serial_number, {})

    def keep(self, serial_number: str, key: Key) -> Key | None:
        """Store a key in place of the one that was kept for that pump and role; tells which.

        :raises KeyStoreUnusable: it is not stored; what was kept before still is.
        """
        with self._locked() as keys:
            before = keys.get(serial_number, {}).get(key.role)
            if before != key:
                keys.setdefault(serial_number, {})[key.role] = key
                self._replace(keys)
        return before

    def forget(self, serial_number: str, role: UserRole | None = None) -> tuple[StoredKey, ...]:
        """Drop the key for a pump and a role, or all keys for a pump; tells which those were.

        :raises KeyStoreUnusable: nothing is dropped.
        """
        if not _of_role(self._read(), serial_number, role):
            return ()  # and no lock is left where there is nothing to lock
        with self._locked() as keys:
            dropped = _of_role(keys, serial_number, role)
            for key in dropped:
                del keys[serial_number][key.role]
            if dropped:
                self._replace({each: held for each, held in keys.items() if held})
        return tuple(StoredKey(serial_number, key) for key in dropped)

    def check_writable(self) -> None:
        """Find out whether a key could be stored, before one is asked for that is given once.

        :raises KeyStoreUnusable: it could not.
        """
        with self._locked() as keys, WholeFile(self.path, private=True) as file:
            file.write(_text_of(keys).encode())  # and it is not put in place

    # --- Inside ----------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[_Keys]:
        """All keys, which nobody else changes meanwhile."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self.path.with_name(self.path.name + _LOCK_SUFFIX)
            with locked(lock, _LOCK_PATIENCE_S):
                yield self._read()
        except OSError as error:
            raise KeyStoreUnusable(
                self.path, f"it cannot be written: {error.strerror or error}; it is as it was"
            ) from error

    def _replace(self, keys: _Keys) -> None:
        with WholeFile(self.path, private=True) as file:
            file.write(_text_of(keys).encode())
            file.put_in_place()

    def _read(self) -> _Keys:
        if self.path.is_fifo():  # to open it would wait for whoever writes to it
            raise KeyStoreUnusable(self.path, "it is no ordinary file")
        try:
            return _keys_in(read_private(self.path, _LARGEST_BYTES))
        except FileNotFoundError:
            return {}
        except _OtherVersion:
            raise KeyStoreUnusable(
                self.path,
                "it was written by another version of this program; it was left as it was",
            ) from None
        except (TooLong, _Damaged, BadKey, RecursionError) as error:
            why = error.strerror if isinstance(error, TooLong) else error
            # Without its cause, which may hold the text of the file.
            raise KeyStoreUnusable(
                self.path,
                f"it is damaged ({why}). It was left as it was: mend it, or move it away and "
                "pair again",
            ) from None
        except OSError as error:
            raise KeyStoreUnusable(self.path, error.strerror or str(error)) from error


def _of_role(keys: _Keys, serial_number: str, role: UserRole | None) -> list[Key]:
    """The keys for a pump: the one of *role*, or all, in the order of their roles."""
    held = keys.get(serial_number, {})
    return [key for each, key in sorted(held.items()) if role in {None, each}]


def _text_of(keys: _Keys) -> str:
    held = {
        serial_number: {role.name.lower(): key.to_text() for role, key in sorted(of_pump.items())}
        for serial_number, of_pump in sorted(keys.items())
    }
    return json.dumps({"format": _FORMAT, "keys": held}, indent=2) + "\n"


def _keys_in(content: bytes) -> _Keys:
    """What a file says.

    :raises _Damaged, BadKey: it is no key store; no text of it is repeated.
    :raises _OtherVersion: it is none that this program knows.
    """
    try:
        read = json.loads(content, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        raise _Damaged(f"no JSON in line {error.lineno}") from None
    except UnicodeDecodeError:
        raise _Damaged("no text in UTF-8") from None
    except ValueError:  # how Python says that a number has too many digits
        raise _Damaged("no key store") from None
    if not isinstance(read, dict) or "format" not in read:
        raise _Damaged("no key store")
    if type(read["format"]) is not int or read["format"] != _FORMAT:  # 1.0 and true are equal to 1
        raise _OtherVersion
    if not isinstance(read.get("keys"), dict):
        raise _Damaged("no keys")
    return {serial: _keys_of(serial, of_pump) for serial, of_pump in read["keys"].items()}


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON, in which nothing stands twice: who knows which was meant?"""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Damaged("something stands in it twice")
    return found


def _keys_of(serial_number: str, of_pump: object) -> dict[UserRole, Key]:
    if not isinstance(of_pump, dict):
        raise _Damaged(f"pump {serial_number!r} has no keys")
    found = {}
    for name, text in of_pump.items():
        if not isinstance(text, str):
            raise _Damaged(f"a key of pump {serial_number!r} is no text")
        key = Key.from_text(text)
        if key.role.name.lower() != name:
            raise _Damaged(
                f"a key of pump {serial_number!r} is not of the role under which it stands"
            )
        found[key.role] = key
    return found
