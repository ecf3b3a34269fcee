"""The feed of a room: who is told what, and how often."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pump_sim.console import feed as feeds
from pump_sim.console.feed import MOST_WAITING, Feed, Message, Subscription, View
from pump_sim.console.room import Room
from tests.console.rooms import DAY_MS, advance, in_room


class Pictures:
    """Counts how often a picture was made, and of what."""

    def __init__(self) -> None:
        self.made: list[View] = []
        self.running = False
        self.feed = Feed(self.make, lambda: self.running)

    def make(self, view: View) -> Message:
        self.made.append(view)
        return {"type": feeds.PICTURES[view], "made": len(self.made)}


def played(test: Callable[[Pictures], Awaitable[None]]) -> None:
    asyncio.run(test(Pictures()))


async def next_of(subscription: Subscription, kind: str) -> Message:
    """The next message of a kind; those before it are dropped."""
    async with asyncio.timeout(10):
        async for message in subscription:
            if message["type"] == kind:
                return message
    raise AssertionError("the feed has ended")


def test_whoever_begins_to_watch_gets_the_picture_at_once() -> None:
    """Also while nothing happens."""

    async def test(pictures: Pictures) -> None:
        with pictures.feed.subscribe("trainee") as watcher:
            assert (await next_of(watcher, "observed"))["made"] == 1

    played(test)


def test_one_picture_is_made_for_all_who_watch_in_one_way() -> None:
    """Ten instructors and ten trainees cost two pictures."""

    async def test(pictures: Pictures) -> None:
        views: list[View] = ["instructor", "trainee"] * 10
        watchers = [pictures.feed.subscribe(view) for view in views]
        for each in watchers:
            each.__enter__()
        for each in watchers:
            await next_of(each, feeds.PICTURES[each.view])
        assert sorted(pictures.made) == ["instructor", "trainee"]
        assert (pictures.feed.count("instructor"), pictures.feed.count("trainee")) == (10, 10)

    played(test)


def test_nobody_watches_and_no_picture_is_made() -> None:
    """A room that is empty costs nothing, however much happens in it."""

    async def test(pictures: Pictures) -> None:
        pictures.running = True
        pictures.feed.stir()
        with pictures.feed.subscribe("instructor") as watcher:
            await next_of(watcher, "sight")
        made = len(pictures.made)
        for _ in range(10):
            pictures.feed.stir()
            pictures.feed.tell({"type": "event"})
            await asyncio.sleep(0)
        assert len(pictures.made) == made

    played(test)


def test_much_that_happens_at_once_is_one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one, which has all of it; and every line of the log."""
    monkeypatch.setattr(feeds, "SOONEST_S", 0.02)

    async def test(pictures: Pictures) -> None:
        with pictures.feed.subscribe("instructor") as watcher:
            await next_of(watcher, "sight")
            for index in range(100):
                pictures.feed.tell({"type": "event", "index": index})
                pictures.feed.stir()
            told: list[Message] = []
            async for message in watcher:
                told.append(message)
                if message["type"] == "sight":
                    break
            assert [each.get("index") for each in told] == [*range(100), None]
            assert pictures.made == ["instructor"] * 2

    played(test)


def test_pictures_come_by_themselves_only_while_time_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else there is a sign of life, so that a page can tell a quiet room from a lost one."""
    monkeypatch.setattr(feeds, "RUNNING_S", 0.01)
    monkeypatch.setattr(feeds, "BEAT_S", 0.03)

    async def test(pictures: Pictures) -> None:
        pictures.running = True
        with pictures.feed.subscribe("instructor") as watcher:
            for _ in range(3):
                await next_of(watcher, "sight")
            pictures.running = False
            await next_of(watcher, "beat")
            made = len(pictures.made)
            await next_of(watcher, "beat")
            assert len(pictures.made) == made

    played(test)


def test_numbers_of_messages_rise() -> None:
    """So whoever reads can tell which came first."""

    async def test(pictures: Pictures) -> None:
        with pictures.feed.subscribe("instructor") as watcher:
            for _ in range(3):
                pictures.feed.tell({"type": "event"})
            numbers = [(await next_of(watcher, kind))["n"] for kind in ("event",) * 3 + ("sight",)]
            assert numbers == sorted(set(numbers))

    played(test)


def test_whoever_sleeps_too_long_is_told_to_read_all_anew() -> None:
    """Nothing grows without bound for a page that hangs."""

    async def test(pictures: Pictures) -> None:
        with pictures.feed.subscribe("instructor") as watcher:
            for index in range(MOST_WAITING + 5):
                pictures.feed.tell({"type": "event", "index": index})
            told: list[Any] = []
            async for message in watcher:
                told.append(message.get("index", message["type"]))
                if message["type"] == "sight":
                    break
            first = MOST_WAITING + 1
            assert told == ["session", *range(first, MOST_WAITING + 5), "sight"]

    played(test)


def test_a_closed_feed_ends_for_all() -> None:
    """At once, also for whoever waits."""

    async def test(pictures: Pictures) -> None:
        async def watch() -> int:
            with pictures.feed.subscribe("instructor") as watcher:
                return len([each async for each in watcher])

        tasks = [asyncio.create_task(watch()) for _ in range(3)]
        await asyncio.sleep(0)
        pictures.feed.close()
        async with asyncio.timeout(1):
            await asyncio.gather(*tasks)

    played(test)


# --- Of a room -----------------------------------------------------------------------------------


def test_an_alarm_is_told_as_a_line_and_is_in_the_picture() -> None:
    """To instructors and trainees alike."""

    async def play(room: Room) -> None:
        for view in ("instructor", "trainee"):
            await room.rewind(elapsed_ms=0)
            with room.feed.subscribe(view) as watcher:  # type: ignore[arg-type]
                kind = feeds.PICTURES[view]
                assert not (await next_of(watcher, kind))["alarms"]
                await advance(room, 46 * DAY_MS)
                line = await next_of(watcher, "event")
                while line["kind"] != "alarm":
                    line = await next_of(watcher, "event")
                assert (line["text"], line["severity"]) == (
                    "ALARM low reservoir (single-tone)",
                    "non_critical",
                )
                picture = await next_of(watcher, kind)
                while not picture["alarms"]:  # one of before was on its way
                    picture = await next_of(watcher, kind)
                assert [each["alarm"] for each in picture["alarms"]] == ["low_reservoir"]

    in_room(play, "missed-refill", {"refill": "nobody-comes"})


def test_trainees_are_told_no_line_that_tells_the_truth() -> None:
    """Neither of faults nor of flags nor of what an instructor does."""

    async def play(room: Room) -> None:
        with room.feed.subscribe("trainee") as watcher:
            await next_of(watcher, "observed")
            await room.ask("inject", {"fault": "motor_stall"})
            await advance(room, 3 * DAY_MS)
            told: list[str] = []
            async for message in watcher:
                if message["type"] == "event":
                    told.append(message["kind"])
                elif message["type"] == "observed" and message["alarms"]:
                    break
            assert told
            assert set(told) <= {"alarm", "log"}

    in_room(play)


def test_another_session_is_told_and_rows_begin_anew() -> None:
    """Pages forget what they have, and read all anew."""

    async def play(room: Room) -> None:
        with room.feed.subscribe("instructor") as watcher:
            await advance(room, DAY_MS)
            rows = (await next_of(watcher, "rows"))["rows"]
            assert rows[-1][0] == DAY_MS
            await room.practise({})
            await next_of(watcher, "session")
            await advance(room, DAY_MS // 2)
            rows = (await next_of(watcher, "rows"))["rows"]
            assert rows[-1][0] == DAY_MS // 2

    in_room(play)
