"""Snapshots that are kept in a room, by their ids; it takes none and restores none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pump_sim import snapshot
from pump_sim.console.history import Recording
from pump_sim.console.piece import Piece
from pump_sim.control.errors import ControlError, unknown
from pump_sim.model.pump import Pump
from pump_sim.scenario.playing.bookmark import Bookmark

MOST: Final = 100
"""A bound on memory: nobody keeps as many on purpose."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Another one, of all states in a room, as JSON."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a session stood: its piece, its play, and what had happened by then."""

    piece: Piece
    bookmark: Bookmark
    recording: Recording
    first_serial_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepsake:
    """A moment that is kept. `moment` is None of a state that came from outside.

    `content` is the state as JSON: as objects it would take ten times the memory.
    """

    name: str
    content: bytes
    clock_local_ms: int
    serial_number: str
    moment: Moment | None = None

    @classmethod
    def of_session(cls, name: str, pump: Pump, moment: Moment) -> "Keepsake":
        """The present of a session: the pump in place, and where its play stands."""
        return cls(
            name=name,
            content=_written(snapshot.dump(moment.bookmark.pump)),
            clock_local_ms=pump.firmware.moment().clock_local_ms,
            serial_number=pump.serial_number,
            moment=moment,
        )

    @classmethod
    def of_state(cls, name: str, document: Mapping[str, Any]) -> "Keepsake":
        """A state that was read from a pump before, as :mod:`pump_sim.snapshot` writes it.

        :raises ControlError: no pump can be in it.
        """
        try:
            state = snapshot.load(dict(document))
        except snapshot.SnapshotError as error:
            raise ControlError("bad_state", str(error), field=error.path) from None
        pump = Pump.from_state(state)
        return cls(
            name=name,
            content=_written(document),
            clock_local_ms=pump.firmware.moment().clock_local_ms,
            serial_number=pump.serial_number,
        )

    @property
    def state(self) -> Any:
        """The state, as :mod:`pump_sim.snapshot` reads it."""
        return json.loads(self.content)

    def as_json(self) -> dict[str, Any]:
        """What is told of it."""
        return {
            "name": self.name,
            "elapsed_ms": None if self.moment is None else self.moment.bookmark.at_ms,
            "clock_local_ms": self.clock_local_ms,
            "serial_number": self.serial_number,
            "session": None if self.moment is None else self.moment.piece.scenario.title,
        }


def _written(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii")


class Keepsakes:
    """The snapshots of one room."""

    def __init__(self) -> None:
        self._kept: dict[str, Keepsake] = {}
        self._last = 0

    def add(self, keepsake: Keepsake) -> dict[str, Any]:
        """Keep one more.

        :raises ControlError: too many are kept, or too much.
        """
        if len(self._kept) >= MOST:
            message = f"{MOST} snapshots are kept: delete some"
            raise ControlError("impossible", message)
        kept_bytes = sum(len(each.content) for each in self._kept.values())
        new_bytes = len(keepsake.content)
        if kept_bytes + new_bytes > MOST_BYTES:
            message = (
                f"snapshots of {kept_bytes:,} bytes are kept, and this one has {new_bytes:,};"
                f" allowed are {MOST_BYTES:,} bytes in all: delete some"
            )
            raise ControlError("impossible", message)
        self._last += 1
        self._kept[str(self._last)] = keepsake
        return {"id": str(self._last), **keepsake.as_json()}

    def listed(self) -> list[dict[str, Any]]:
        """What is kept, the oldest first."""
        return [{"id": each, **kept.as_json()} for each, kept in self._kept.items()]

    def found(self, snapshot_id: str) -> Keepsake:
        """The snapshot of that id.

        :raises ControlError: there is none.
        """
        if snapshot_id not in self._kept:
            raise unknown("unknown_snapshot", "snapshot", snapshot_id, self._kept, "id")
        return self._kept[snapshot_id]

    def shown(self, snapshot_id: str) -> dict[str, Any]:
        """A snapshot with its state."""
        kept = self.found(snapshot_id)
        return {"id": snapshot_id, **kept.as_json(), "state": kept.state}

    def discard(self, snapshot_id: str) -> None:
        """Keep it no longer."""
        self.found(snapshot_id)
        del self._kept[snapshot_id]
