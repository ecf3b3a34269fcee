"""A debrief is drawn by a child of its own: few at a time, and none for those who have gone."""

import asyncio
import contextlib
import errno
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pump_sim.console.api import debriefing
from pump_sim.console.piece import scenario_piece
from pump_sim.scenario.reading.catalogue import scenario_path

from .asking import BASE, Asking, asking, checked, run
from .served import Served, served

DAY_MS = 86_400_000
DEBRIEF = f"{BASE}/pumps/1/debrief.json"

Children = list[asyncio.subprocess.Process]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    """The children that draw, none of which ever ends by itself."""
    started: Children = []
    start = asyncio.create_subprocess_exec

    async def endless(*_: str, **pipes: Any) -> asyncio.subprocess.Process:
        child = await start(sys.executable, "-c", "import time; time.sleep(60)", **pipes)
        started.append(child)
        return child

    monkeypatch.setattr(debriefing.asyncio, "create_subprocess_exec", endless)
    return started


async def until(children: Children, count: int) -> None:
    """Wait until so many were started."""
    while len(children) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)  # a child tells nobody that it was started


@contextlib.asynccontextmanager
async def asked_by(it: Served, count: int) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """So many who ask for a debrief, one after the other, each on a connection of its own."""
    await it.post("/pumps/1/clock/advance", {"by": DAY_MS})
    host, _, port = str(it.address).rpartition(":")
    writers = []
    for _ in range(count):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {DEBRIEF} HTTP/1.1\r\nHost: {it.address}\r\n\r\n".encode())
        await writer.drain()
        writers.append(writer)
    try:
        yield writers
    finally:
        for writer in writers:
            writer.close()


def test_a_child_is_killed_when_whoever_asked_has_gone(children: Children) -> None:
    """At once, and not after the minute that it may take."""

    async def work() -> None:
        async with served() as it, asked_by(it, 1) as (writer,):
            await until(children, 1)
            writer.close()
            assert await children[0].wait() == -signal.SIGKILL

    run(work())


def test_two_are_drawn_at_once_and_the_next_has_its_turn_when_one_has_gone(
    children: Children,
) -> None:
    """Whoever goes before the turn comes has no child at all."""

    async def work() -> None:
        async with served() as it, asked_by(it, 4) as writers:
            await until(children, 2)
            assert it.house.drawing.locked()
            writers[2].close()
            await it.get("/pumps")  # the server has seen it go
            writers[0].close()
            await until(children, 3)
            assert it.house.drawing.locked()
            assert len(children) == 3

    run(work())
    assert len(children) == 3


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EAGAIN, errno.ENOMEM])
def test_a_machine_without_a_process_to_spare_is_told(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 503 and when to ask again, not as an error of the program."""

    async def none(*_: str, **__: Any) -> None:
        raise OSError(number, "nothing to be had")

    async def work() -> None:
        async with asking() as it:
            await it.post("/pumps/1/clock/advance", {"by": DAY_MS})
            monkeypatch.setattr(debriefing.asyncio, "create_subprocess_exec", none)
            response = await it.client.get(DEBRIEF)
            assert response.status_code == 503
            assert checked(response)["code"] == "unavailable"
            assert "nothing to be had" in response.json()["detail"]
            assert response.headers["retry-after"] == "10"

    run(work())


def test_another_sites_page_has_nothing_drawn(children: Children) -> None:
    """An image there may have that address; a browser says where it is."""

    async def work() -> None:
        async with served() as it:
            await it.post("/pumps/1/clock/advance", {"by": DAY_MS})
            headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
            response = await it.client.get(DEBRIEF, headers=headers)
            assert (response.status_code, response.json()["code"]) == (403, "foreign_origin")

    run(work())
    assert not children


@pytest.mark.parametrize(
    ("name", "plain", "whole"),
    [
        ("refill", "refill", None),
        ("refill\u2013\xfc", "refill_", "refill%E2%80%93%C3%BC"),
        ('a"b;c', "a_b_c", "a%22b%3Bc"),
        ("a\nb", "a_b", "a_b"),
        ("a\\b", "a_b", "a_b"),
        ("a\udcffb", "a_b", "a%3Fb"),
    ],
)
def test_a_file_is_saved_under_the_name_of_its_scenario(
    name: str, plain: str, whole: str | None, tmp_path: Path
) -> None:
    """Whatever is in it: in ASCII, and as it is for those who can read that (RFC 6266)."""
    file = tmp_path / f"{name}.toml"
    shutil.copy(scenario_path("missed-refill"), file)

    async def work() -> None:
        async with asking() as it:
            headers = await _trace_headers(it, file)
            first, _, second = headers["content-disposition"].partition("; filename*=")
            assert first == f'attachment; filename="trace-pump-1-{plain}.jsonl"'
            assert second == ("" if whole is None else f"UTF-8''trace-pump-1-{whole}.jsonl")

    run(work())


async def _trace_headers(it: Asking, file: Path) -> Any:
    await it.house.room("1").begin(scenario_piece(file, {}))
    await it.post("/pumps/1/clock/advance", {"by": DAY_MS})
    response = await it.client.get(f"{BASE}/pumps/1/trace")
    assert response.status_code == 200
    return response.headers
