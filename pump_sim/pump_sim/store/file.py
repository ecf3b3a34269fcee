"""The state file: rows with a check each in an SQLite database, written in whole transactions.

Two tables: ``part`` has a row for each part by its name, ``element`` one for each element of what
grows, under numbers that rise over all of them: what is new is at the end, on a page or two. Each
row has the SHA-256 of its key and content, and the part ``seal`` has the sum of all the others', so
that neither a row that was altered nor one that is missing, or is an old one, goes unnoticed.
SQLite itself checks none of that.

It knows no pump: names and texts in, names and texts out.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from pump_sim.private_files import create
from pump_sim.store.errors import StoreRefused
from pump_sim.store.seal import Seal

APPLICATION_ID: Final = 0x70756D70
"""What marks an SQLite database as a state file: "pump" in ASCII."""

VERSION: Final = 1
"""The version of the format, SQLite's ``user_version``; another one is refused."""

SEAL: Final = "seal"

_MAGIC: Final = b"SQLite format 3\x00"
_HEADER: Final = 100
"""Bytes; SQLite's own, with the version at 60 and the application at 68."""

_SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE part (
    name TEXT PRIMARY KEY, content TEXT NOT NULL, digest BLOB NOT NULL
);
CREATE TABLE element (
    number INTEGER PRIMARY KEY, part TEXT NOT NULL, content TEXT NOT NULL, digest BLOB NOT NULL
);
"""

_PUT: Final = """
INSERT INTO part VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET content = excluded.content, digest = excluded.digest
"""
_PUT_ELEMENT: Final = """
INSERT INTO element VALUES (?, ?, ?, ?)
ON CONFLICT (number) DO UPDATE SET content = excluded.content, digest = excluded.digest
"""
_DROP_ELEMENT: Final = "DELETE FROM element WHERE number = ?"


class Damaged(Exception):
    """A file is no state file, or is one no more; the message says what is wrong with it."""


class OtherVersion(StoreRefused):
    """A state file of another version of pump-sim."""


@dataclass(slots=True)
class Content:
    """What a state file holds: of rows whose check holds, the contents; of the others, the names.

    `elements` are in the order of their numbers. `seal` is None where there is none that is good,
    and `total` is the sum of the checks of the rows that are.
    """

    parts: dict[str, str] = field(default_factory=dict)
    elements: dict[str, list[str]] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    seal: Seal | None = None
    total: int = 0

    @property
    def whole(self) -> bool:
        """Whether the rows that are good are those that the seal was written for, and no others."""
        return self.seal is not None and self.seal.sum == self.total


def digest(*key_and_content: object) -> int:
    """The check of a row, as a number; the sum of several is their exclusive or."""
    text = "\x00".join(map(str, key_and_content))
    return int.from_bytes(sha256(text.encode()).digest())


def check_kind(path: Path, begin: bytes) -> None:
    """Nothing if a file that begins so may be ours; a database of something else is not touched.

    Asked before SQLite opens the file, which may well write to it: to finish what a process left
    that was killed.

    :raises OtherVersion: it is a state file of another version.
    :raises StoreRefused: it is a database of another program.
    :raises Damaged: it is ours by its rows, and not by its header; or there is nothing in it.
    """
    if not begin:
        raise Damaged("it is empty")
    if len(begin) < _HEADER or not begin.startswith(_MAGIC):
        return  # no database, or one no more
    version, application = (int.from_bytes(begin[at : at + 4]) for at in (60, 68))
    if (application, version) == (APPLICATION_ID, VERSION):
        return
    if _seal_says(path) == VERSION:
        raise Damaged("its header is damaged")
    if application != APPLICATION_ID:
        raise StoreRefused(
            f"the state file {path} cannot be used: it is a database of another program"
        )
    raise OtherVersion(
        f"the state file {path} cannot be used: it is of version {version}, and this pump-sim"
        f" keeps version {VERSION}"
    )


def _seal_says(path: Path) -> int | None:
    """The version in the seal of a file that is only looked at; None without a good seal."""
    with suppress(sqlite3.Error):
        # Immutable: SQLite writes nothing, locks nothing and leaves the log beside it alone.
        with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            seal = _read(connection, (), ()).seal
        return None if seal is None else seal.version
    return None


class StateFile:
    """An open state file; nobody else can open it meanwhile.

    Every method may raise :class:`sqlite3.Error`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Transactions are begun and ended here, and by nobody else.
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            self._set_up()
        except BaseException:
            self._connection.close()
            raise
        self._sum = 0
        self._digests: dict[object, int] = {}

    def _set_up(self) -> None:
        ask = self._connection.execute
        # Before anything is read: so that no other process comes in, and no memory is shared.
        ask("PRAGMA locking_mode = EXCLUSIVE")
        ask("PRAGMA trusted_schema = OFF")
        ask("PRAGMA cell_size_check = ON")
        ask("PRAGMA synchronous = FULL")

    def keep_a_log(self) -> None:
        """Write changes to a log beside the file first: one ``fsync`` for each transaction."""
        self._connection.execute("PRAGMA journal_mode = WAL")

    @classmethod
    def new(cls, path: Path) -> Self:
        """An empty file at *path*, where there is none; it is complete once it is closed."""
        create(path)
        file = cls(path)
        file._connection.execute("PRAGMA journal_mode = MEMORY")  # nobody has it yet
        file._connection.executescript(_SCHEMA)
        return file

    def close(self) -> None:
        """Bring everything into the one file and let others open it."""
        self._connection.close()

    def read(self, names: Iterable[str], growing: Iterable[str]) -> Content:
        """All that can be read, row by row where it must be."""
        return _read(self._connection, names, growing)

    # --- Writing ---------------------------------------------------------------------------------

    def write(
        self,
        parts: Iterable[tuple[str, str]],
        elements: Iterable[tuple[int, str, str]] = (),
        gone: Iterable[int] = (),
        *,
        seal: Callable[[int], Seal],
    ) -> None:
        """One transaction; what is written is on the disk when this returns.

        The first one replaces all that was in the file.

        :param elements: each with its number, the part that it is of and its content.
        :param gone: the numbers of elements.
        :param seal: makes the seal, given the sum.
        """
        connection, digests = self._connection, self._digests
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not digests:
                connection.execute("DELETE FROM part")
                connection.execute("DELETE FROM element")
            put = [(name, text, self._counted(name, (name, text))) for name, text in parts]
            connection.executemany(_DROP_ELEMENT, [(self._dropped(each),) for each in gone])
            connection.executemany(
                _PUT_ELEMENT, [(*row, self._counted(row[0], row)) for row in elements]
            )
            text = seal(self._sum).to_text()
            put.append((SEAL, text, digest(SEAL, text).to_bytes(32)))
            connection.executemany(_PUT, put)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _counted(self, key: object, row: Iterable[object]) -> bytes:
        """The check of a row, counted in the sum in place of the row's last one."""
        check = digest(*row)
        self._sum ^= check ^ self._digests.get(key, 0)
        self._digests[key] = check
        return check.to_bytes(32)

    def _dropped(self, number: int) -> int:
        self._sum ^= self._digests.pop(number)
        return number


def _read(connection: sqlite3.Connection, names: Iterable[str], growing: Iterable[str]) -> Content:
    content = Content()
    for name in (SEAL, *names):
        with _unreadable(content, name):
            rows = connection.execute(
                "SELECT content, digest FROM part WHERE name = ?", (name,)
            ).fetchall()
            for text, check in rows:
                if not _holds(check, name, text):
                    content.bad.add(name)
                elif name == SEAL:
                    content.seal = Seal.from_text(text)
                else:
                    content.parts[name] = text
                    content.total ^= digest(name, text)
    for name in growing:
        content.elements[name] = elements = []
        with _unreadable(content, name):
            for number, text, check in connection.execute(
                "SELECT number, content, digest FROM element WHERE part = ? ORDER BY number",
                (name,),
            ):
                if not _holds(check, number, name, text):
                    content.bad.add(name)
                    continue
                elements.append(text)
                content.total ^= digest(number, name, text)
    return content


def _holds(check: object, *row: object) -> bool:
    return isinstance(row[-1], str) and check == digest(*row).to_bytes(32)


@contextmanager
def _unreadable(content: Content, name: str) -> Iterator[None]:
    """What cannot be read is bad, and no reason not to read on."""
    try:
        yield
    except (sqlite3.DatabaseError, ValueError, OverflowError):
        content.bad.add(name)
