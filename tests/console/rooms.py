"""Rooms for tests: opened on a free port, closed at the end, asked from plain functions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pump_sim.console.house import House
from pump_sim.console.piece import Piece, practice_piece, scenario_piece
from pump_sim.console.room import Room
from pump_sim.notice import SIMULATOR_NOTICE

T = TypeVar("T")

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@asynccontextmanager
async def open_room(piece: Piece) -> AsyncIterator[Room]:
    """A room in which *piece* is played, with its pump on a free port."""
    house = House(SIMULATOR_NOTICE, lambda _: piece)
    try:
        yield await house.open("tcp:0")
    finally:
        await house.close_all()


def in_room(
    test: Callable[[Room], Awaitable[T]],
    scenario: str | None = None,
    picks: Mapping[str, str] | None = None,
    **practice: Any,
) -> T:
    """What *test* gives of a room in which a scenario is played, or a practice."""
    piece = practice_piece(practice) if scenario is None else scenario_piece(scenario, picks or {})

    async def run() -> T:
        async with open_room(piece) as room:
            return await test(room)

    return asyncio.run(run())


async def advance(room: Room, by_ms: int) -> None:
    """Move therapy time."""
    await room.ask("advance", {"by": by_ms})


def state_of(room: Room) -> dict[str, Any]:
    """What is so and what is believed, without what only people do."""
    seen = room.sight()
    return {
        name: seen[name] for name in ("belief", "truth", "patient", "faults", "alarms", "presence")
    }
