"""What is new is told as it comes, over server-sent events and over a WebSocket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from pump_sim.console.api import streaming

from .asking import BASE, run
from .served import INSTRUCTOR, TRAINEE, Served, events, served

STREAM = f"{BASE}/pumps/1/stream"


@contextlib.asynccontextmanager
async def stream(
    it: Served, query: str = "", last: str | None = None
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The events of the stream."""
    headers = {} if last is None else {"Last-Event-ID": last}
    async with it.client.stream("GET", STREAM + query, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield events(response)


async def next_of(told: AsyncIterator[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The next event of that kind."""
    async for each in told:
        if each["event"] == kind:
            return each
    raise AssertionError(f"the stream has ended before a {kind}")


def test_the_whole_state_is_told_at_once() -> None:
    """Then each line of the event log, with an id, and the state after it."""

    async def work() -> None:
        async with served() as it, stream(it) as told:
            first = await next_of(told, "sight")
            assert first["data"]["truth"]["stalled"] is False
            await it.post("/pumps/1/faults", {"fault": "motor_stall"}, 201)
            line = await next_of(told, "event")
            assert line["data"]["text"]
            assert line["id"].endswith(f"-{line['data']['index']}")
            seen = await next_of(told, "sight")
            assert seen["data"]["truth"]["stalled"] is True

    run(work())


def test_a_trainee_is_told_no_truth() -> None:
    """Neither in the state nor by a line."""

    async def work() -> None:
        async with served() as it, stream(it, "?view=trainee") as told:
            first = await anext(told)
            assert first["event"] == "observed"
            assert not {"truth", "patient", "faults"} & first["data"].keys()
            await it.post("/pumps/1/faults", {"fault": "motor_stall"}, 201)
            await it.post("/pumps/1/acts/reset", {"cause": "memory"})
            line = await next_of(told, "event")
            assert "stall" not in line["data"]["text"]
            assert line["data"]["kind"] in {"log", "alarm"}

    run(work())


def test_a_lost_stream_goes_on_where_it_was() -> None:
    """What was missed is told, and nothing twice."""

    async def work() -> None:
        async with served() as it:
            async with stream(it) as told:
                await it.post("/pumps/1/acts/reset", {"cause": "memory"})
                known = await next_of(told, "event")
            await it.post("/pumps/1/acts/reset", {"cause": "watchdog"})
            wanted = [
                each["index"]
                for each in (await it.get("/pumps/1/events"))["events"]
                if each["index"] > known["data"]["index"]
            ]
            assert wanted
            async with stream(it, last=known["id"]) as told:
                missed = [(await next_of(told, "event"))["data"]["index"] for _ in wanted]
                assert missed == wanted
                await it.post("/pumps/1/acts/reset", {"cause": "brown_out"})
                later = await next_of(told, "event")
                assert later["data"]["index"] > wanted[-1]

    run(work())


def test_whoever_comes_back_to_another_take_is_told_to_read_anew() -> None:
    """After another session, after a rewind beyond what was told, and with an id of nobody's."""

    async def work() -> None:
        async with served() as it:
            await it.post("/pumps/1/clock/advance", {"by": "1 d"})
            async with stream(it) as told:
                await it.post("/pumps/1/acts/reset", {"cause": "memory"})
                known = (await next_of(told, "event"))["id"]
            await it.post("/pumps/1/session/rewind", {"elapsed_ms": 0})
            for last in (known, "nonsense", "1-", f"{2**70}-1"):
                async with stream(it, last=last) as told:
                    assert (await anext(told))["event"] == "session", last
            await it.post("/pumps/1/session/reset")
            await it.post("/pumps/1/acts/reset", {"cause": "memory"})
            async with stream(it, last=known) as told:
                assert (await anext(told))["event"] == "session"

    run(work())


def test_a_line_has_the_id_of_its_own_session() -> None:
    """Also where that was left before the line was sent: who comes back with it reads anew."""

    async def work() -> None:
        async with served() as it:
            told = streaming.told(it.house.room("1"), "instructor", None)
            assert (await anext(told)).startswith("retry:")
            assert (await anext(told)).startswith("event: sight")
            await it.post("/pumps/1/acts/reset", {"cause": "memory"})
            await it.post("/pumps/1/session/reset")
            await it.post("/pumps/1/acts/reset", {"cause": "memory"})  # of the same number
            line = await anext(told)
            assert line.startswith("event: event")
            name = next(each for each in line.splitlines() if each.startswith("id: "))
            await told.aclose()
            async with stream(it, last=name.removeprefix("id: ")) as again:
                assert (await anext(again))["event"] == "session"

    run(work())


def test_who_missed_too_much_is_told_to_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest part of it alone would be a gap that nobody sees."""

    async def work() -> None:
        async with served() as it:
            async with stream(it) as told:
                await it.post("/pumps/1/acts/reset", {"cause": "memory"})
                known = (await next_of(told, "event"))["id"]
            for _ in range(3):
                await it.post("/pumps/1/acts/reset", {"cause": "watchdog"})
            index = int(known.partition("-")[2])
            missed = (await it.get(f"/pumps/1/events?after={index}"))["events"]
            monkeypatch.setattr(streaming, "MOST_RESUMED", len(missed) - 1)
            async with stream(it, last=known) as told:
                assert (await anext(told))["event"] == "session"
                assert (await anext(told))["event"] == "sight", "and no event that is known then"
            monkeypatch.setattr(streaming, "MOST_RESUMED", len(missed) + 1)
            async with stream(it, last=known) as told:
                assert (await anext(told))["data"]["index"] == missed[0]["index"]

    run(work())


def test_another_session_is_told() -> None:
    """And the state that follows is of it."""

    async def work() -> None:
        async with served() as it, stream(it) as told:
            await anext(told)
            await it.ask("PUT", "/pumps/1/session", {"scenario": "over-infusion"})
            await next_of(told, "session")
            seen = await next_of(told, "sight")
            assert seen["data"]["session"]["name"] == "over-infusion"

    run(work())


def test_a_client_that_has_gone_is_told_no_more() -> None:
    """Its subscription is given up, whether it was reading or not."""

    async def work() -> None:
        async with served() as it:
            async with stream(it) as told:
                await anext(told)
                assert it.house.room("1").feed.count("instructor") == 1
            await it.until_nobody_watches()
            async with connect(it.socket("/pumps/1/live")) as socket:
                await socket.recv()
            await it.until_nobody_watches()

    run(work())


def test_a_client_that_does_not_read_costs_a_bounded_number_of_messages() -> None:
    """While others are told at once."""

    async def work() -> None:
        async with served() as it:
            feed = it.house.room("1").feed
            async with stream(it) as idle, stream(it) as told:
                await anext(idle)
                await anext(told)
                for _ in range(10):
                    await it.post("/pumps/1/acts/reset", {"cause": "memory"})
                seen = [await next_of(told, "event") for _ in range(10)]
                assert len({each["id"] for each in seen}) == 10
                assert feed.count("instructor") == 2
            await it.until_nobody_watches()

    run(work())


def test_a_pump_that_is_closed_ends_its_stream_and_its_sockets() -> None:
    """Nobody waits for a pump that is gone."""

    async def work() -> None:
        async with served(2) as it:
            address = f"{BASE}/pumps/2/stream"
            async with (
                it.client.stream("GET", address) as response,
                connect(it.socket("/pumps/2/live")) as socket,
            ):
                told = events(response)
                await anext(told)
                await socket.recv()
                await it.ask("DELETE", "/pumps/2", status=204)
                async for _ in told:
                    pass
                async for _ in socket:
                    pass
                assert socket.close_code == 1001

    run(work())


def test_a_page_is_told_over_a_websocket() -> None:
    """The same messages as the stream's, each a text in JSON; what a page says is passed over."""

    async def work() -> None:
        async with served() as it, connect(it.socket("/pumps/1/live")) as socket:
            await socket.send("hello")
            await socket.send(b"\x00")
            await it.post("/pumps/1/acts/reset", {"cause": "memory"})
            kinds = set()
            while not {"event", "sight"} <= kinds:
                kinds.add(json.loads(await socket.recv())["type"])

    run(work())


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/pumps/9/live", 404, "unknown_pump"),
        ("/pumps/1/live?view=all", 422, "bad_value"),
        ("/pumps/1/alive", 403, None),
    ],
)
def test_a_websocket_of_nothing_is_refused(path: str, status: int, code: str | None) -> None:
    """With a problem, before it is opened."""

    async def work() -> None:
        async with served() as it:
            with pytest.raises(InvalidStatus) as refused:
                await connect(it.socket(path)).__aenter__()
            response = refused.value.response
            assert response.status_code == status
            if code is not None:
                assert json.loads(response.body or b"")["code"] == code

    run(work())


def test_a_trainee_sees_what_a_trainee_may_see_and_nothing_else() -> None:
    """The observed state, the trainee's events, stream and socket; the rest is forbidden."""

    async def work() -> None:
        async with served(token=TRAINEE) as it:
            assert (await it.get("/pumps/1/observed"))["type"] == "observed"
            await it.get("/pumps/1/events?view=trainee")
            for path in ("", "/pumps", "/pumps/1/state", "/pumps/1/truth", "/pumps/1/events"):
                await it.refused("GET", path, status=403, code="forbidden")
            for path in ("events?view=instructor", "events?view=trainee&view=instructor"):
                await it.refused("GET", f"/pumps/1/{path}", status=403, code="forbidden")
            await it.refused(
                "POST", "/pumps/1/clock/advance", {"by": 1}, status=403, code="forbidden"
            )
            headers = {"Authorization": f"Bearer {TRAINEE}"}
            mine = it.socket("/pumps/1/live?view=trainee")
            async with connect(mine, additional_headers=headers) as socket:
                assert json.loads(await socket.recv())["type"] == "observed"
            with pytest.raises(InvalidStatus) as refused:
                await connect(it.socket("/pumps/1/live"), additional_headers=headers).__aenter__()
            assert refused.value.response.status_code == 403
            with pytest.raises(InvalidStatus):
                await connect(mine).__aenter__()

    run(work())


def test_nothing_is_told_without_a_token() -> None:
    """Where tokens are wanted; the instructor's opens everything."""

    async def work() -> None:
        async with served(token=INSTRUCTOR) as it:
            await it.get("/pumps/1/truth")
            await it.get("/pumps/1/observed")
            async with httpx.AsyncClient(base_url=it.address.url("")) as stranger:
                response = await stranger.get(f"{BASE}/pumps")
                assert response.status_code == 401
                assert response.json()["code"] == "no_token"

    run(work())


def test_a_snapshot_of_megabytes_passes_the_gate() -> None:
    """Another body of that size does not."""

    async def work() -> None:
        async with served() as it:
            big = {"name": "big", "state": {"format": "x" * 3_000_000}}
            await it.refused("POST", "/pumps/1/snapshots", big, status=422, code="bad_state")
            await it.refused("POST", "/pumps/1/acts/fill", big, status=413, code="body_too_large")

    run(work())


def test_a_stream_says_when_it_is_asked_for_again() -> None:
    """So that a browser comes back soon after the console was started anew."""

    async def work() -> None:
        async with served() as it, it.client.stream("GET", STREAM) as response:
            lines = response.aiter_lines()
            async with asyncio.timeout(5):
                assert await anext(lines) == "retry: 1000"

    run(work())
