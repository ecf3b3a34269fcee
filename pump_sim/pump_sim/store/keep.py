"""Keeping a running pump: what was done to it is in its file before anybody is told.

What a pump is at some moment follows from what it was after the last thing that was done to it. So
only that is written, and beside it the *horizon*: the latest pump time that anybody may have been
told. It is kept some seconds ahead, so that reading a pump costs no write each time; after the
process was killed, therapy time goes on from there, and never from before what was told.
"""

import sqlite3
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

from pump_protocol.guard import GuardState
from pump_sim.clock import NS_PER_MS
from pump_sim.keeping import Kept
from pump_sim.model.state import PumpState
from pump_sim.private_files import beside
from pump_sim.store.errors import StoreFailed, StoreRefused
from pump_sim.store.file import VERSION, StateFile
from pump_sim.store.mark import Mark
from pump_sim.store.parts import Shelf, text_of
from pump_sim.store.seal import Seal

HORIZON_MS: Final = 10_000
"""How far ahead of the present the horizon is put, in link time."""


class StateWriter:
    """Writes a pump into a file, each time what has changed.

    :param store: which file it is.
    :param touch: how often that was written.
    """

    def __init__(self, file: StateFile, *, store: str, touch: int = 0) -> None:
        self.file = file
        self.store = store
        self.touch = touch
        self._shelf = Shelf()
        self._guard: GuardState | None = None
        self._begun = False

    def write(
        self,
        state: PumpState,
        guard: GuardState | None,
        *,
        horizon_ms: int,
        speed: Fraction,
        wall_ms: int,
    ) -> None:
        """Write what has changed since the last time, at first all; raises `sqlite3.Error`."""
        changes = self._shelf.changes(state)
        if not self._begun or guard != self._guard:
            changes.put += _guard_parts(guard)
            self._guard, self._begun = guard, True
        self.touch += 1

        def seal(total: int) -> Seal:
            return Seal(VERSION, self.store, self.touch, horizon_ms, speed, wall_ms, total)

        self.file.write(changes.put, changes.put_elements, changes.gone, seal=seal)


def _guard_parts(guard: GuardState | None) -> list[tuple[str, str]]:
    if guard is None:
        return [("guard", text_of(None))]
    lock = {"failures": guard.failures, "locked_for_ms": guard.locked_for_ms}
    keys = [(f"key.{key.role.name.lower()}", text_of(key.to_text())) for key in guard.keys]
    return [("guard", text_of(lock)), *keys]


class StateKeeper:
    """Keeps the pump of one endpoint: the endpoint's keeper."""

    def __init__(
        self, writer: StateWriter, path: Path, mark: Mark, wall_ms: Callable[[], int]
    ) -> None:
        self._writer = writer
        self._path = path
        self._wall_ms = wall_ms
        self._mark = mark
        mark.own()
        self._first_touch = writer.touch + 1
        self._open = True
        self._horizon_ms = -1
        self._failed = ""

    def begin(self, endpoint: Kept, link_ns: int) -> None:
        """Keep a pump for the first time; whom that fails, abandons it.

        :raises StoreRefused: that cannot be.
        """
        try:
            self._writer.file.keep_a_log()
            self.keep(endpoint, link_ns)
        except StoreFailed as error:
            raise StoreRefused(str(error)) from None
        except sqlite3.Error as error:
            raise StoreRefused(f"the state file {self._path} cannot be used: {error}") from None

    def keep(self, endpoint: Kept, link_ns: int) -> None:
        """Have the pump in its file before this returns.

        :raises StoreFailed: that cannot be; and never again, so that nothing is told after it.
        """
        self._write(endpoint, link_ns, ahead_ms=HORIZON_MS)

    def tell(self, endpoint: Kept, link_ns: int) -> None:
        """Somebody is about to be told what time it is: see that it will never be earlier.

        :raises StoreFailed: as :meth:`keep`.
        """
        self._check()
        if endpoint.simulation.now_ms > self._horizon_ms:
            self.keep(endpoint, link_ns)

    def close(self, endpoint: Kept, link_ns: int) -> None:
        """The process ends: keep the pump exactly as it is, and give the file back.

        :raises StoreFailed: it cannot be kept.
        """
        try:
            if not self._failed:
                self._write(endpoint, link_ns, ahead_ms=0)
        finally:
            self._let_go()

    def abandon(self, *, remove: bool) -> None:
        """Give the file back as it is; or have it gone, unless more was kept than the beginning.

        Nothing after :meth:`close`.
        """
        if not self._open:
            return
        remove = remove and self._writer.touch <= self._first_touch
        if remove:
            self._path.unlink(missing_ok=True)
        self._let_go()
        if remove:
            beside(self._path, "-wal").unlink(missing_ok=True)

    def _let_go(self) -> None:
        self._open = False
        try:
            self._writer.file.close()
        finally:
            self._mark.close(remove=not self._failed)

    def _check(self) -> None:
        if self._failed:
            raise StoreFailed(self._failed)

    def _write(self, endpoint: Kept, link_ns: int, *, ahead_ms: int) -> None:
        """Write, with a horizon that lies *ahead_ms* of link time ahead."""
        self._check()
        guard, pump = endpoint.guard, endpoint.simulation.pump
        speed = endpoint.speed or Fraction(0)
        horizon_ms = endpoint.simulation.now_ms + int(ahead_ms * speed)
        try:
            self._writer.write(
                pump.state(),
                None if guard is None else guard.state(link_ns // NS_PER_MS),
                horizon_ms=horizon_ms,
                speed=speed,
                wall_ms=self._wall_ms(),
            )
            self._mark.set(self._writer.store, self._writer.touch)
        except (sqlite3.Error, OSError) as error:
            self._failed = (
                f"the state file {self._path} cannot be written: {error}. It holds all that the"
                " pump has acknowledged"
            )
            raise StoreFailed(self._failed) from None
        self._horizon_ms = horizon_ms
