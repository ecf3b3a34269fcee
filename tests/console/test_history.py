"""The history of a room stays bounded, and keeps what people would ask for."""

import pytest

from pump_sim.console import history, marks
from pump_sim.console.room import Room
from pump_sim.control.errors import ControlError
from tests.console.rooms import DAY_MS, advance, in_room


def test_a_long_session_keeps_its_lines_and_thins_its_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One can still go back to before each deed, and to any moment."""
    monkeypatch.setattr(history, "MOST_HAPPENINGS", 200)
    monkeypatch.setattr(marks, "MOST_MARKS", 60)

    async def play(room: Room) -> None:
        volumes: list[int] = []
        for _ in range(6):
            await advance(room, 5 * DAY_MS)
            volumes.append(room.sight()["truth"]["actual_volume_nl"])
            await room.ask("fill", {"volume_nl": 10_000_000})
        assert len(room.history.happenings) <= 200
        assert len(room.history.charted.rows) <= 200
        deeds = [each for each in room.marks() if each["kind"] == "act"]
        assert len(deeds) == 6
        for deed, volume_nl in list(zip(deeds, volumes, strict=True))[::-1]:
            await room.rewind(mark=deed["mark"])
            assert room.sight()["truth"]["actual_volume_nl"] == volume_nl

    in_room(play)


def test_what_passed_on_links_long_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever knocks all day long does not push out what happened to the pump."""
    monkeypatch.setattr(history, "MOST_HAPPENINGS", 300)
    monkeypatch.setattr(history, "LINK_KEPT", 20)

    async def play(room: Room) -> None:
        await room.ask("fill_pocket", {"volume_nl": 1})
        await room.play_scenario("replay-and-forge", {})
        await advance(room, 365 * DAY_MS)
        assert len(room.history.happenings) <= 300
        assert room.session()["over"]

    in_room(play)


def test_the_clock_of_a_line_is_the_pumps_own() -> None:
    """Of lines that were told while time moved far, too."""

    async def play(room: Room) -> None:
        start = room.sight()["clock"]["clock_local_ms"]
        await advance(room, 60 * DAY_MS)
        assert room.events()
        for line in room.events():
            assert line["clock_local_ms"] - start == line["elapsed_ms"]

    in_room(play, "missed-refill", {"refill": "nobody-comes"})


def test_what_lasts_is_a_span_with_its_kind() -> None:
    """Alarms by their class, flags and faults; what still lasts has no end."""

    async def play(room: Room) -> None:
        await room.ask("inject", {"fault": "catheter_occlusion", "for_ms": 3 * DAY_MS})
        await room.ask("inject", {"fault": "motor_stall"})
        await advance(room, 5 * DAY_MS)
        spans = {(each["kind"], each["name"]): each for each in room.rows(100)["spans"]}
        assert spans["fault", "catheter occlusion"]["until_ms"] == 3 * DAY_MS
        assert spans["fault", "motor stall"]["until_ms"] is None
        assert spans["critical", "motor stall"]["from_ms"] > 0
        assert spans["flag", "withdrawal"]["until_ms"] is None

    in_room(play)


def test_rows_are_thinned_to_what_is_asked_for_and_keep_the_ends() -> None:
    """A chart of 50 points shows the first and the last moment."""

    async def play(room: Room) -> None:
        await advance(room, 30 * DAY_MS)
        every, few = room.rows(100_000)["rows"], room.rows(50)["rows"]
        assert len(few) <= 50 < len(every)
        assert (few[0], few[-1]) == (every[0], every[-1])

    in_room(play)


def test_no_deed_is_lost_however_many_marks_there_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two marks that are left only time passes."""
    monkeypatch.setattr(marks, "MOST_MARKS", 40)

    async def play(room: Room) -> None:
        seen: list[tuple[int, int]] = []
        for _ in range(8):
            await advance(room, 2 * DAY_MS)
            await room.ask("fill", {"volume_nl": 5_000_000})
            await advance(room, 60_000)
            seen.append((room.session()["elapsed_ms"], room.sight()["truth"]["actual_volume_nl"]))
        for elapsed_ms, volume_nl in seen[::-1]:
            await room.rewind(elapsed_ms=elapsed_ms)
            assert room.sight()["truth"]["actual_volume_nl"] == volume_nl

    in_room(play)


def test_what_is_forgotten_for_good_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is brought to another moment than the one that they asked for."""
    monkeypatch.setattr(marks, "MOST_MARKS", 20)

    async def play(room: Room) -> None:
        for _ in range(40):
            await advance(room, 60_000)
            await room.ask("fill_pocket", {"volume_nl": 1})
        earliest_ms = room.history.earliest_ms
        assert earliest_ms > 0
        with pytest.raises(ControlError) as caught:
            await room.rewind(elapsed_ms=earliest_ms - 1)
        assert caught.value.allowed == {
            "minimum": earliest_ms,
            "maximum": 40 * 60_000,
            "unit": "ms",
        }
        for each in room.marks():
            assert each["elapsed_ms"] >= earliest_ms
        await room.rewind(mark=room.marks()[0]["mark"])

    in_room(play)
