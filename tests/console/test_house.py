"""The rooms of a process: several pumps, each with its own port, history and keys."""

import asyncio
import time

import pytest

from pump_sim.console.house import MOST_ROOMS, House
from pump_sim.console.piece import practice_piece, scenario_piece
from pump_sim.control.errors import ControlError
from tests.console.rooms import DAY_MS, advance


def house() -> House:
    return House(
        "a simulator", lambda number: practice_piece({"pump": {"serial_number": f"P{number}"}})
    )


def test_rooms_know_nothing_of_each_other() -> None:
    """Time, faults and sessions are of one pump."""

    async def run() -> None:
        rooms = house()
        first, second = await rooms.open("tcp:0"), await rooms.open("tcp:0")
        await advance(first, DAY_MS)
        await first.ask("inject", {"fault": "motor_stall"})
        assert second.session()["elapsed_ms"] == 0
        assert second.sight()["faults"] == []
        assert first.host.port.address != second.host.port.address
        assert [each.summary()["serial_number"] for each in rooms.rooms.values()] == ["P1", "P2"]
        await rooms.close_all()

    asyncio.run(run())


def test_rooms_that_are_opened_at_once_are_two() -> None:
    """Each has an id of its own, and no id is given twice."""

    async def run() -> None:
        rooms = house()
        await asyncio.gather(*(rooms.open("tcp:0") for _ in range(4)))
        await rooms.close("3")
        await rooms.open("tcp:0")
        assert sorted(rooms.ids) == ["1", "2", "4", "5"]
        await rooms.close_all()

    asyncio.run(run())


def test_the_first_room_stays_and_an_unknown_one_is_an_error() -> None:
    """A page that is open has always a pump to show."""

    async def run() -> None:
        rooms = house()
        await rooms.open("tcp:0")
        with pytest.raises(ControlError, match="stays"):
            await rooms.close("1")
        for wrong in ("2", "", "P1"):
            with pytest.raises(ControlError, match="Known are 1"):
                rooms.room(wrong)
        await rooms.close_all()

    asyncio.run(run())


def test_a_port_that_cannot_be_had_opens_no_room() -> None:
    """It says which port and why, and the others go on."""

    async def run() -> None:
        rooms = house()
        first = await rooms.open("tcp:0")
        taken = first.host.port.address.rpartition(":")[2]
        for spec in (f"tcp:{taken}", "nonsense:1"):
            with pytest.raises(ControlError) as caught:
                await rooms.open(spec)
            assert caught.value.field == "port"
        assert rooms.ids == ["1"]
        await rooms.close_all()

    asyncio.run(run())


def test_rooms_are_bounded() -> None:
    """Nobody fills the memory by asking for pumps."""

    async def run() -> None:
        rooms = house()
        for _ in range(MOST_ROOMS):
            await rooms.open("tcp:0")
        with pytest.raises(ControlError, match="64 pumps are open"):
            await rooms.open("tcp:0")
        await rooms.close_all()

    asyncio.run(run())


def test_a_room_that_was_closed_grows_no_older_and_answers_nobody() -> None:
    """Also where a programmer was connected, and time ran."""

    async def run() -> None:
        rooms = house()
        await rooms.open("tcp:0")
        second = await rooms.open("tcp:0")
        await second.ask("speed", {"speed": 3600})
        host, port = second.host.port.address.removeprefix("socket://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        await second.ask("time", {})
        await rooms.close("2")
        writer.close()
        await asyncio.sleep(0)
        assert second.host._timer is None
        with pytest.raises(ControlError, match="closed"):
            await second.ask("time", {})
        with second.feed.subscribe("instructor") as watcher:
            assert [each async for each in watcher] == []
        await rooms.close_all()

    asyncio.run(run())


def test_a_scenario_may_come_to_its_end_in_a_room_that_was_closed() -> None:
    """Whoever asked last is answered with the pump at the present, whatever that brings."""

    async def run() -> None:
        rooms = House(
            "a simulator", lambda _: scenario_piece("missed-refill", {"refill": "nobody-comes"})
        )
        await rooms.open("tcp:0")
        second = await rooms.open("tcp:0")
        await rooms.close("2")
        endpoint = second.play.endpoint
        endpoint.jump_to(endpoint.simulation.now_ms + 400 * DAY_MS, time.monotonic_ns())
        assert second.session()
        await rooms.close_all()

    asyncio.run(run())
