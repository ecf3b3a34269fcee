"""All rooms of a process, by their ids: "1", "2" and so on."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pump_protocol.codes import UserRole
from pump_protocol.guard import PumpGuard
from pump_protocol.keys import Key
from pump_sim.console.piece import Piece
from pump_sim.console.room import Room
from pump_sim.control.errors import ControlError, unknown
from pump_sim.endpoint import PumpEndpoint
from pump_sim.ports import PortError, PortSpecError, open_port
from pump_sim.ports.impaired import ImpairedPort
from pump_sim.scenario.clinician.keyring import KeyRing

MOST_ROOMS: Final = 64
"""A bound on memory and ports."""

MOST_DRAWN: Final = 2
"""Debriefs that are drawn at once, each in a process of some 200 MB."""


class House:
    """The rooms, the first of which is always there.

    :param notice: what says that all this is a simulator.
    :param piece: makes what is played in a room that is opened, by the room's number.
    :ivar drawing: to be held by whoever draws a debrief.
    """

    def __init__(self, notice: str, piece: Callable[[int], Piece]) -> None:
        self._notice = notice
        self._piece = piece
        self._keys = KeyRing(secrets.token_bytes)
        self._rooms: dict[str, Room] = {}
        self._last = 0
        self._opening = 0
        self.drawing = asyncio.Semaphore(MOST_DRAWN)

    # --- The pumps of the process ----------------------------------------------------------------

    @property
    def notice(self) -> str:
        """What says that all this is a simulator."""
        return self._notice

    @property
    def ids(self) -> Sequence[str]:
        """What the rooms are called."""
        return list(self._rooms)

    @property
    def endpoints(self) -> Sequence[PumpEndpoint]:
        """All pumps."""
        return [each.host.endpoint for each in self._rooms.values()]

    @property
    def addresses(self) -> Sequence[str]:
        """Where a programmer finds each of them."""
        return [each.host.port.address for each in self._rooms.values()]

    def guard_for(self, serial_number: str) -> PumpGuard:
        """The keys that a pump of that number has had in any room, or new ones."""
        return self._keys.guard_for(serial_number)

    def watch(self, watching: bool) -> None:
        """Whoever wants to be told watches a room's feed."""
        raise ControlError("impossible", f"watch = {watching}: read the stream of a pump instead")

    def key(self, room: Room, role: UserRole) -> Key | None:
        """The key of a role for the pump that is in place; None for a pump that asks for none."""
        guard = room.host.endpoint.guard
        return None if guard is None else guard.keys.get(role)

    # --- Rooms -----------------------------------------------------------------------------------

    @property
    def rooms(self) -> Mapping[str, Room]:
        """The rooms by their ids."""
        return MappingProxyType(self._rooms)

    def room(self, room_id: str) -> Room:
        """The room of that id.

        :raises ControlError: there is none.
        """
        if room_id not in self._rooms:
            raise unknown("unknown_pump", "pump", room_id, self._rooms, "pump")
        return self._rooms[room_id]

    async def open(self, spec: str) -> Room:
        """Open one more room, with a pump on a port of its own.

        :param spec: the port, as the command line takes it.
        :raises ControlError: no such port can be had, or too many rooms are open.
        """
        if len(self._rooms) + self._opening >= MOST_ROOMS:
            raise ControlError("impossible", f"{MOST_ROOMS} pumps are open: close some")
        # Before anything is waited for: two may open a room at once.
        self._last += 1
        self._opening += 1
        try:
            room = await self._opened(self._last, spec)
        finally:
            self._opening -= 1
        self._rooms[room.id] = room
        return room

    async def _opened(self, number: int, spec: str) -> Room:
        try:
            port = ImpairedPort(open_port(spec), None, lambda _: 0)
        except PortSpecError as error:
            raise ControlError("bad_value", str(error), field="port", value=spec) from None
        room = Room(str(number), port, self._piece(number), self, self._keys)
        try:
            await room.open()
        except PortError as error:
            raise ControlError("impossible", str(error), field="port", value=spec) from None
        except BaseException:
            await room.close()
            raise
        return room

    async def close(self, room_id: str) -> None:
        """Close a room for ever.

        :raises ControlError: there is none, or it is the first one, which stays.
        """
        room = self.room(room_id)
        if room_id == next(iter(self._rooms)):
            raise ControlError("impossible", f"pump {room_id} is the first one: it stays")
        del self._rooms[room_id]
        await room.close()

    async def close_all(self) -> None:
        """Close every room."""
        for room in self._rooms.values():
            await room.close()
        self._rooms.clear()
