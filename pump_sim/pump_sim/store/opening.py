"""Where a run with a state file begins: a new pump, the pump in the file, or what is left of it.

**Theory of operation.** A file is refused, and left as it is, where somebody may only have taken
the wrong one, or has it in use. It is damaged where it is not what was written: then it is set
aside under another name, with all its bytes, and the pump begins in its safe state. A file comes
into its place whole: it is written under another name first. All of it happens under the lock that
is on the mark.
"""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Final

from pump_protocol.guard import GuardState, new_keys
from pump_protocol.keys import RandomBytes
from pump_sim.model.pump import Pump
from pump_sim.private_files import beside, put_in_place
from pump_sim.simulation import Simulation
from pump_sim.snapshot import SnapshotError
from pump_sim.store.disk import bytes_of, keep_private, set_aside
from pump_sim.store.errors import StoreRefused
from pump_sim.store.file import Content, Damaged, StateFile, check_kind
from pump_sim.store.keep import StateKeeper, StateWriter
from pump_sim.store.mark import Mark, Taken
from pump_sim.store.parts import documents, parts, to_state
from pump_sim.store.rescue import KEYS, guard_of, mend_copy, rescued, rescued_guard
from pump_sim.store.resuming import Resume, resumed_at, wall_clock_ms

_TEXTS: Final = (*{part.row: None for part in parts() if not part.growing}, "guard", *KEYS)
_GROWING: Final = tuple(part.path for part in parts() if part.growing)

_TAKEN: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_OF_THE_SYSTEM: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
    | {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}
)


class Origin(Enum):
    """What a pump that is kept comes from."""

    NEW = "new"
    FILE = "file"
    DAMAGED_FILE = "damaged-file"


@dataclass(slots=True)
class Opened:
    """A pump that is to be kept in the file at `path` from now on, by `keeper`.

    `guard` is None for a pump without keys; `new_keys` says whether keys were made now. `notes` are
    for people: what was found, and what came of it.
    """

    path: Path
    pump: Pump
    guard: GuardState | None
    keeper: StateKeeper
    origin: Origin
    new_keys: bool
    notes: tuple[str, ...]

    def abandon(self) -> None:
        """Nobody was ever told of this pump: give the file back, and leave none that is new."""
        self.keeper.abandon(remove=self.origin is Origin.NEW)


class Opening:
    """Opens the state file at a path.

    :param start: makes the pump to begin with; *authenticated*, whether that has keys.
    """

    def __init__(
        self,
        path: Path,
        start: Callable[[], Pump],
        *,
        authenticated: bool,
        wall_ms: Callable[[], int] = wall_clock_ms,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._path = path
        self._start = start
        self._authenticated = authenticated
        self._wall_ms = wall_ms
        self._random_bytes = random_bytes
        self._notes: list[str] = []

    def open(self, resume: Resume) -> Opened:
        """The pump in the file, or a new one.

        :raises StoreRefused: the file cannot be used, and is as it was.
        """
        try:
            self._path = self._path.resolve()
        except RuntimeError:  # so Python tells it
            raise self._refused("its name is a link that leads to itself") from None
        try:
            mark = Mark(self._path)
            try:
                if _is_something(self._path):
                    return self._open_existing(mark, resume)
                return self._open_new(mark)
            except BaseException:
                mark.leave()
                raise
        except Taken:
            raise self._refused("another process is using it") from None
        except sqlite3.Error as error:
            raise self._refused(str(error)) from None
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from None

    def _refused(self, reason: str) -> StoreRefused:
        return StoreRefused(f"the state file {self._path} cannot be used: {reason}")

    # --- A new pump ------------------------------------------------------------------------------

    def _open_new(self, mark: Mark) -> Opened:
        log = beside(self._path, "-wal")
        if log.exists() and log.stat().st_size:
            raise self._refused(
                f"it is gone, and {log.name}, which is a part of it, is still there. Bring the file"
                " back, or for a new pump move that away, too"
            )
        guard = GuardState(new_keys(self._random_bytes)) if self._authenticated else None
        return self._placed(self._start(), guard, mark, Origin.NEW, new_keys=guard is not None)

    def _placed(
        self, pump: Pump, guard: GuardState | None, mark: Mark, origin: Origin, *, new_keys: bool
    ) -> Opened:
        """Write a pump to a file that comes into its place whole, and open that."""
        store = secrets.token_hex(8)
        path, written = self._path, beside(self._path, f"-new-{store}")
        try:
            writer = StateWriter(StateFile.new(written), store=store)
            try:
                writer.write(
                    pump.state(),
                    guard,
                    horizon_ms=pump.at_ms,
                    speed=Fraction(0),
                    wall_ms=self._wall_ms(),
                )
            finally:
                writer.file.close()
            beside(path, "-wal").unlink(missing_ok=True)
            put_in_place(written, path)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
        writer = StateWriter(StateFile(path), store=store, touch=writer.touch)
        return self._opened(pump, guard, writer, mark, origin, new_keys=new_keys)

    def _opened(
        self,
        pump: Pump,
        guard: GuardState | None,
        writer: StateWriter,
        mark: Mark,
        origin: Origin,
        *,
        new_keys: bool,
    ) -> Opened:
        keeper = StateKeeper(writer, self._path, mark, self._wall_ms)
        return Opened(self._path, pump, guard, keeper, origin, new_keys, tuple(self._notes))

    # --- The pump in the file --------------------------------------------------------------------

    def _open_existing(self, mark: Mark, resume: Resume) -> Opened:
        files = {suffix: bytes_of(beside(self._path, suffix)) for suffix in ("", "-wal")}
        content = Content()
        try:
            check_kind(self._path, files[""])
            for suffix in files:
                keep_private(beside(self._path, suffix))
            file = StateFile(self._path)
            try:
                content = file.read(_TEXTS, _GROWING)
                return self._resumed(file, content, mark, resume)
            except BaseException:
                file.close()
                raise
        except Damaged as damage:
            return self._open_damaged(files, content, mark, str(damage))
        except sqlite3.Error as error:
            self._check_damage(error)
            return self._open_damaged(files, content, mark, f"SQLite says: {error}")
        except UnicodeError:
            return self._open_damaged(files, content, mark, "SQLite complains in no text")

    def _check_damage(self, error: sqlite3.Error) -> None:
        """Nothing if an error means that the file is damaged; else raises StoreRefused."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _TAKEN:
            raise self._refused("another process is using it") from None
        if code in _OF_THE_SYSTEM:
            raise self._refused(str(error)) from None

    def _resumed(self, file: StateFile, content: Content, mark: Mark, resume: Resume) -> Opened:
        """The pump of a file that is what was written; raises Damaged if it is not."""
        mended = mend_copy(content)
        seal = content.seal
        if seal is None:
            raise Damaged("its seal is missing, or not what was written")
        if content.bad:
            raise Damaged(f"what it has of {_listed(content.bad)} is not what was written")
        if not content.whole:
            raise Damaged("rows are missing, or older than others")
        lost = mark.said(seal.store) - seal.touch
        if lost > 0:
            raise Damaged(f"its last {lost} writes are missing")
        try:
            pump = Pump(to_state(documents(content.parts), content.elements))
            guard = guard_of(content)
        except (SnapshotError, ValueError) as error:
            raise Damaged(f"no pump can be in that state: {error}") from None
        was_ms = pump.at_ms
        if mended is not None:
            pump = Pump.after_memory_loss(pump.state(), mended)
            self._notes.append(
                "one of the two copies of the prescription was damaged; it was mended from the"
                " other, and the pump has an alarm for it"
            )
        to_ms, notes = resumed_at(pump.at_ms, was_ms, seal, resume, self._wall_ms())
        Simulation(pump).advance(to_ms)
        self._notes += notes
        writer = StateWriter(file, store=seal.store, touch=seal.touch)
        return self._opened(pump, guard, writer, mark, Origin.FILE, new_keys=False)

    # --- What is left of it ----------------------------------------------------------------------

    def _open_damaged(
        self, files: dict[str, bytes], content: Content, mark: Mark, damage: str
    ) -> Opened:
        at_ms = 0 if content.seal is None else content.seal.horizon_ms
        pump = rescued(content, self._start().state(), at_ms)
        Simulation(pump).advance(max(pump.at_ms, at_ms))  # what anybody may have been told
        guard, lost = rescued_guard(content, self._random_bytes, authenticated=self._authenticated)
        kept = set_aside(self._path, files)
        self._notes += [
            f"the state file {self._path} is damaged: {damage}. It is kept as {kept}",
            "the pump is in its safe state, with a critical alarm: program it anew, and refill it",
        ]
        if lost:
            names = ", ".join(role.name.lower() for role in lost)
            self._notes.append(f"its keys were lost, too, and are new: {names}")
        return self._placed(pump, guard, mark, Origin.DAMAGED_FILE, new_keys=bool(lost))


def _is_something(path: Path) -> bool:
    """Whether there is more than an empty file, such as one that keeps a name free."""
    return path.exists() and (
        not path.is_file() or path.stat().st_size > 0 or beside(path, "-wal").exists()
    )


def _listed(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
