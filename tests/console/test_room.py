"""A room: what is played in it, going back in it, and what is kept of it."""

import asyncio
import contextlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_programmer import Programmer
from pump_protocol.codes import UserRole
from pump_sim.console.room import MOST_TAKES, Room
from pump_sim.control.errors import ControlError
from pump_sim.model.refusals import Refused
from pump_sim.scenario.happenings import Ended, Intervened, Look
from pump_sim.scenario.picture.sheet import gather
from pump_sim.scenario.tracing.trace_lines import ActedLine, ExpectationLine, read_trace
from tests.console.rooms import DAY_MS, HOUR_MS, advance, in_room, state_of

# --- Playing -------------------------------------------------------------------------------------


def test_a_scenario_is_played_to_its_end_and_judged() -> None:
    """Time stops at the choice and at the end, and goes no further by itself."""

    async def play(room: Room) -> None:
        await advance(room, 90 * DAY_MS)
        session = room.session()
        assert session["elapsed_ms"] == 46 * DAY_MS
        assert session["decision"]["name"] == "refill"
        await room.ask("decide", {"option": "nobody-comes"})
        await advance(room, 90 * DAY_MS)
        session = room.session()
        assert session["elapsed_ms"] == session["length_ms"] == 53 * DAY_MS
        assert session["over"]
        assert session["verdicts"] == {"met": 14, "total": 14, "unmet": []}
        assert [each["title"] for each in session["chosen"]] == ["Appointment next week"]
        assert "underdose: " in room.sight()["patient_text"]

    in_room(play, "missed-refill")


def test_the_pump_goes_on_after_the_end_for_whoever_lets_time_run() -> None:
    """What was judged stays as it was judged at the end."""

    async def play(room: Room) -> None:
        await advance(room, 60 * DAY_MS)
        before = room.session()["verdicts"]
        await advance(room, DAY_MS)
        assert room.session()["elapsed_ms"] == 54 * DAY_MS
        assert room.session()["verdicts"] == before
        assert before["met"] == before["total"]

    in_room(play, "missed-refill", {"refill": "nobody-comes"})


def test_a_time_that_runs_stops_at_the_end() -> None:
    """At the very moment, at whatever speed."""

    async def play(room: Room) -> None:
        await advance(room, 53 * DAY_MS - HOUR_MS)
        await room.ask("speed", {"speed": 86_400 * 3})
        ended = asyncio.Event()
        room.play.watch(lambda each: ended.set() if isinstance(each, Ended) else None)
        await ended.wait()
        await room.ask("time", {})
        assert room.session()["elapsed_ms"] == 53 * DAY_MS
        assert room.sight()["clock"]["paused"]

    in_room(play, "missed-refill", {"refill": "nobody-comes"})


def test_a_practice_has_no_end_and_looks_often_enough() -> None:
    """Curves are smooth in the first days, and the rows of seven years are few."""

    async def play(room: Room) -> None:
        await advance(room, 2 * DAY_MS)
        times = [row[0] for row in room.history.charted.rows]
        assert max(later - earlier for earlier, later in pairwise(times)) <= 15 * 60_000
        await advance(room, 2_500 * DAY_MS)
        assert len(room.history.charted.rows) < 5_000
        session = room.session()
        assert (session["length_ms"], session["over"], session["verdicts"]) == (None, False, None)

    in_room(play)


def test_what_an_instructor_does_is_told_with_what_came_of_it() -> None:
    """A deed that the pump refuses is told, too."""

    async def play(room: Room) -> None:
        await room.ask("inject", {"fault": "motor_stall"})
        with pytest.raises(Refused):
            await room.ask("press", {})
        told = [each for each in room.history.happenings if isinstance(each, Intervened)]
        assert [(each.act, each.text) for each in told] == [
            ("inject", "fault: motor stall"),
            ("press", "patient's button pressed"),
        ]
        assert told[1].refused
        texts = [each["text"] for each in room.events()]
        assert "motor stall begins" in texts
        assert any(each.startswith("patient's button pressed - refused: ") for each in texts)

    in_room(play)


def test_reading_and_moving_time_are_no_deeds() -> None:
    """The log of a room has what was done to the pump."""

    async def play(room: Room) -> None:
        for command in ("truth", "faults", "time", "log"):
            await room.ask(command, {})
        await advance(room, HOUR_MS)
        assert not [each for each in room.history.happenings if isinstance(each, Intervened)]

    in_room(play)


@pytest.mark.parametrize(
    ("command", "given", "code"),
    [
        ("no_such", {}, "unknown_command"),
        ("inject", {"fault": "no_such"}, "unknown_fault"),
        ("advance", {"by": -1}, "bad_value"),
        ("fill", {}, "missing_field"),
    ],
)
def test_a_wrong_command_changes_nothing(command: str, given: dict[str, Any], code: str) -> None:
    """It names what is wrong, and no line of the log tells of it."""

    async def play(room: Room) -> None:
        before = state_of(room), room.events()
        with pytest.raises(ControlError) as caught:
            await room.ask(command, given)
        assert caught.value.code == code
        assert (state_of(room), room.events()) == before

    in_room(play)


def test_a_wrong_piece_leaves_what_is_played() -> None:
    """Scenario, picks and wishes of a practice are checked before anything changes."""

    async def play(room: Room) -> None:
        await advance(room, HOUR_MS)
        before = room.session()
        with pytest.raises(ControlError, match="missed-refill"):
            await room.play_scenario("mised-refill", {})
        with pytest.raises(ControlError, match="refilled-in-time"):
            await room.play_scenario("missed-refill", {"refill": "never"})
        for wishes in (
            {"pumps": {}},
            {"pump": {"volume": "400 mL"}},
            {"pump": {"profile": "no-such"}},
            {"pump": {"no_such": 1}},
            {"pump": {"state": "x.json"}},
            {"prescription": {"dose": "1 kg/day"}},
        ):
            with pytest.raises(ControlError) as caught:
                await room.practise(wishes)
            assert caught.value.field
        assert room.session() == before

    in_room(play)


# --- Going back ----------------------------------------------------------------------------------

DEEDS = st.one_of(
    st.tuples(st.just("advance"), st.integers(0, 3 * DAY_MS).map(lambda by: {"by": by})),
    st.sampled_from(
        [
            ("inject", {"fault": "motor_stall"}),
            ("inject", {"fault": "catheter_occlusion", "for_ms": 2 * HOUR_MS}),
            ("clear", {"fault": "motor_stall"}),
            ("reset", {"cause": "watchdog"}),
            ("fill", {"volume_nl": 5_000_000}),
            ("fill_pocket", {"volume_nl": 1_000_000}),
            ("proximity", {"on_pump": True}),
            ("explant", {}),
            ("implant", {"serial_number": "SIM-0002"}),
        ]
    ),
)


async def _try(room: Room, command: str, given: dict[str, Any]) -> None:
    with contextlib.suppress(ControlError, Refused):  # nobody can do that now
        await room.ask(command, given)


@settings(max_examples=25)
@given(deeds=st.lists(DEEDS, min_size=1, max_size=8), back=st.data())
def test_going_back_is_as_if_nothing_had_happened_since(
    deeds: list[tuple[str, dict[str, Any]]], back: st.DataObject
) -> None:
    """Truth, belief, patient, faults and alarms are what they were at that moment; what is done
    then once more leads to the same."""

    async def play(room: Room) -> None:
        states = {0: state_of(room)}
        places = {0: 0}
        for place, (command, given_) in enumerate(deeds, 1):
            await _try(room, command, given_)
            elapsed_ms = room.session()["elapsed_ms"]
            states[elapsed_ms], places[elapsed_ms] = state_of(room), place
        last = state_of(room)
        moment_ms = back.draw(st.sampled_from(sorted(states)))
        await room.rewind(elapsed_ms=moment_ms)
        assert room.session()["elapsed_ms"] == moment_ms
        assert state_of(room) == states[moment_ms]
        for command, given_ in deeds[places[moment_ms] :]:
            await _try(room, command, given_)
        assert state_of(room) == last

    in_room(play)


def test_going_back_before_a_choice_asks_it_again() -> None:
    """The other branch can be shown, and the first one once more, the same in every look."""

    async def play(room: Room) -> None:
        def looks() -> list[Look]:
            return [each for each in room.history.happenings if isinstance(each, Look)]

        async def on(option: str) -> list[Look]:
            await room.ask("decide", {"option": option})
            await advance(room, 90 * DAY_MS)
            assert room.session()["verdicts"]["unmet"] == []
            return looks()

        await advance(room, 90 * DAY_MS)
        first = await on("refilled-in-time")
        asked = next(each for each in room.marks() if each["kind"] == "choice")
        session = await room.rewind(mark=asked["mark"])
        assert session["elapsed_ms"] == 46 * DAY_MS
        assert session["decision"]["name"] == "refill"
        assert session["verdicts"] is None
        await on("nobody-comes")
        await room.rewind(mark=asked["mark"])
        assert await on("refilled-in-time") == first
        assert [each["branch"][0]["option"] for each in room.takes()] == [
            "refilled-in-time",
            "nobody-comes",
            "refilled-in-time",
        ]

    in_room(play, "missed-refill")


def test_going_back_before_a_deed_undoes_it() -> None:
    """Also of two that were done at one moment, while time stood still."""

    async def play(room: Room) -> None:
        await advance(room, HOUR_MS)
        await room.ask("fill", {"volume_nl": 7_000_000})
        between = state_of(room)
        await room.ask("fill", {"volume_nl": 3_000_000})
        deeds = [each for each in room.marks() if each["kind"] == "act"]
        await room.rewind(mark=deeds[1]["mark"])
        assert state_of(room) == between
        await room.rewind(mark=deeds[0]["mark"])
        assert room.sight()["truth"]["actual_volume_nl"] > 19_000_000

    in_room(play)


def test_going_back_before_an_alarm_is_before_it() -> None:
    """A moment before, so that the room can hear it begin."""

    async def play(room: Room) -> None:
        await advance(room, 60 * DAY_MS)
        alarm = next(each for each in room.marks() if "ALARM" in each["text"])
        await room.rewind(mark=alarm["mark"])
        assert not room.sight()["alarms"]
        await advance(room, 1)
        assert [each["alarm"] for each in room.sight()["alarms"]] == ["low_reservoir"]

    in_room(play, "missed-refill", {"refill": "nobody-comes"})


@pytest.mark.parametrize(
    "where",
    [{}, {"mark": 1, "elapsed_ms": 1}, {"mark": 10**9}, {"elapsed_ms": -1}, {"elapsed_ms": 10**12}],
)
def test_nobody_goes_back_to_nowhere(where: dict[str, int]) -> None:
    """Nothing has changed then, and no take was left."""

    async def play(room: Room) -> None:
        await advance(room, HOUR_MS)
        before = room.session()
        with pytest.raises(ControlError):
            await room.rewind(**where)
        assert room.session() == before

    in_room(play)


def test_the_history_after_going_back_is_that_of_before() -> None:
    """Lines, rows and spans of the future are gone."""

    async def play(room: Room) -> None:
        await advance(room, 10 * DAY_MS)
        before = room.events(), room.rows(10_000)
        await room.ask("inject", {"fault": "motor_stall"})
        await advance(room, DAY_MS)
        assert {"fault", "critical"} <= {each["kind"] for each in room.rows(9)["spans"]}
        await room.rewind(elapsed_ms=10 * DAY_MS - 1)
        assert room.events() == before[0]
        assert room.rows(10_000)["spans"] == before[1]["spans"] == []
        assert all(row[0] < 10 * DAY_MS for row in room.rows(10_000)["rows"])

    in_room(play)


def test_takes_are_kept_for_the_debrief_up_to_a_limit() -> None:
    """Each is a trace that can be read, judged and drawn; what was never played is no take."""

    async def play(room: Room) -> None:
        await room.reset()
        assert len(room.takes_for_debrief()) == 0
        for _ in range(MOST_TAKES + 3):
            await advance(room, HOUR_MS)
            await room.ask("fill_pocket", {"volume_nl": 1_000})
            await room.reset()
        takes = room.takes_for_debrief()
        assert len(takes) == MOST_TAKES
        assert [each.number for each in takes] == list(range(4, MOST_TAKES + 4))
        (traced,) = read_trace(takes[0].trace())
        sheet = gather(traced)
        assert sheet.length_ms == HOUR_MS
        deeds = [each for each in traced.of(ActedLine) if each.family == "instructor"]
        assert [each.act for each in deeds] == ["fill_pocket"]

    in_room(play)


def test_the_trace_of_a_scenario_has_its_verdicts_with_their_lines() -> None:
    """As `pump-sim check --trace` has them."""

    async def play(room: Room) -> None:
        await advance(room, 60 * DAY_MS)
        (traced,) = read_trace(room.takes_for_debrief()[0].trace())
        judged = traced.of(ExpectationLine)
        assert len(judged) == 14
        assert all(each.met and each.line for each in judged)
        assert traced.branch == ("refill=nobody-comes",)

    in_room(play, "missed-refill", {"refill": "nobody-comes"})


# --- Snapshots -----------------------------------------------------------------------------------


def test_a_snapshot_brings_back_pump_and_scenario() -> None:
    """Also from within another session."""

    async def play(room: Room) -> None:
        await advance(room, 46 * DAY_MS)
        kept, session = state_of(room), room.session()
        saved = await room.save("before the call")
        await room.ask("decide", {"option": "nobody-comes"})
        await room.practise({})
        again = await room.restore(saved["id"])
        assert state_of(room) == kept
        assert {**again, "take": 1} == {**session, "take": 1}
        await room.ask("decide", {"option": "refilled-in-time"})
        await advance(room, 90 * DAY_MS)
        assert room.session()["verdicts"]["unmet"] == []

    in_room(play, "missed-refill")


def test_a_state_from_outside_begins_a_practice() -> None:
    """With that pump as it was."""

    async def play(room: Room) -> None:
        await advance(room, 3 * DAY_MS)
        kept = state_of(room)
        state = room.snapshot((await room.save("here"))["id"])["state"]
        saved = await room.save("elsewhere", state)
        await room.reset()
        session = await room.restore(saved["id"])
        assert (session["kind"], session["elapsed_ms"]) == ("practice", 0)
        for name in ("belief", "truth", "patient"):
            assert state_of(room)[name] == kept[name]

    in_room(play)


def test_snapshots_are_listed_and_discarded() -> None:
    """An id that is gone is an error, and no other one gets it."""

    async def play(room: Room) -> None:
        first = await room.save("one")
        second = await room.save("two")
        assert [each["name"] for each in room.snapshots()] == ["one", "two"]
        room.discard(first["id"])
        with pytest.raises(ControlError, match="snapshot"):
            await room.restore(first["id"])
        with pytest.raises(ControlError, match="snapshot"):
            room.discard(first["id"])
        assert (await room.save("three"))["id"] not in (first["id"], second["id"])
        with pytest.raises(ControlError) as caught:
            await room.save("broken", {"format": "pump-sim-state"})
        assert caught.value.code == "bad_state"

    in_room(play)


# --- The wire ------------------------------------------------------------------------------------


def test_a_programmer_works_on_through_sessions_and_going_back() -> None:
    """The pump of a number has the keys that it had; a link that was open is opened anew."""

    async def play(room: Room) -> None:
        guard = room.host.endpoint.guard
        assert guard is not None
        key = guard.keys[UserRole.CLINICIAN].to_text()
        address = room.host.port.address

        def ask() -> int:
            with Programmer(address, key=key) as programmer:
                return programmer.interrogate().at_ms

        await advance(room, 5 * HOUR_MS)
        assert await asyncio.to_thread(ask) == 5 * HOUR_MS
        await room.rewind(elapsed_ms=HOUR_MS)
        assert await asyncio.to_thread(ask) == HOUR_MS
        await room.play_scenario("noisy-link", {})
        await room.practise({})
        assert await asyncio.to_thread(ask) == 0

    in_room(play)


def test_the_wire_is_as_bad_as_the_scenario_says_and_good_again_afterwards() -> None:
    """A scenario that disturbs the wire disturbs it for everybody."""

    async def play(room: Room) -> None:
        assert room.host.port.impairment is None  # type: ignore[attr-defined]
        await room.play_scenario("noisy-link", {})
        assert room.host.port.impairment is not None  # type: ignore[attr-defined]
        await room.practise({})
        assert room.host.port.impairment is None  # type: ignore[attr-defined]

    in_room(play)


# --- What a trainee sees -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "given_"),
    [
        ("inject", {"fault": "flow_error", "parameters": {"factor_ppm": 1_250_000}}),
        ("inject", {"fault": "motor_stall"}),
        ("inject", {"fault": "catheter_disconnection"}),
        ("fill_pocket", {"volume_nl": 5_000_000}),
        ("fill", {"volume_nl": 1_000_000}),
    ],
)
def test_a_trainee_sees_nothing_that_pump_and_bedside_do_not_show(
    command: str, given_: dict[str, Any]
) -> None:
    """What has just happened in secret changes nothing of what they are shown."""

    async def play(room: Room) -> None:
        await advance(room, HOUR_MS)
        before = room.observed(), room.events(trainee=True)
        truth = room.sight()["truth"], room.sight()["faults"]
        await room.ask(command, given_)
        assert (room.sight()["truth"], room.sight()["faults"]) != truth
        assert (room.observed(), room.events(trainee=True)) == before

    in_room(play)


def test_a_trainee_sees_the_signs_of_the_patient() -> None:
    """As somebody at the bedside would describe them."""

    async def play(room: Room) -> None:
        assert room.observed()["signs"] == []
        await advance(room, 60 * DAY_MS)
        signs = [each["sign"] for each in room.observed()["signs"]]
        assert signs == ["spasticity returns", "signs of withdrawal"]
        assert [e for e in room.history.happenings if isinstance(e, Ended)]

    in_room(play, "missed-refill", {"refill": "nobody-comes"})


def test_a_room_that_waits_says_whether_time_will_run_afterwards() -> None:
    """Time stands still either way; the button that starts or stops it must not lie."""

    async def play(room: Room) -> None:
        def clock() -> tuple[Any, ...]:
            seen = room.sight()["clock"]
            return seen["speed"], seen["paused"], seen["held"], seen["waits_for"]

        await advance(room, 90 * DAY_MS)
        assert clock() == (0, True, True, "decision")
        await room.ask("speed", {"speed": 60})
        assert clock() == (0, False, True, "decision")
        await room.ask("decide", {"option": "nobody-comes"})
        assert clock() == (60, False, False, None)

    in_room(play, "missed-refill")


def test_what_was_not_due_yet_when_a_take_was_left_is_not_unmet() -> None:
    """A debrief reproaches nobody with what never came."""

    async def play(room: Room) -> None:
        await advance(room, 49 * DAY_MS)
        (traced,) = read_trace(room.takes_for_debrief()[0].trace())
        judged = traced.of(ExpectationLine)
        assert len(judged) == 3  # the alarm, the level in the fluid, the tone
        assert all(each.met for each in judged)

    in_room(play, "missed-refill", {"refill": "nobody-comes"})


# --- What a reader of the code found -------------------------------------------------------------


def test_going_back_before_what_a_programmer_did_keeps_what_was_done_before_it() -> None:
    """Also at one moment, while time stands still, as it does when people act."""

    async def play(room: Room) -> None:
        await advance(room, HOUR_MS)
        await room.ask("fill", {"volume_nl": 5_000_000})
        await room.ask("proximity", {"on_pump": True})
        before = state_of(room)
        guard = room.host.endpoint.guard
        assert guard is not None
        key, address = guard.keys[UserRole.CLINICIAN].to_text(), room.host.port.address

        def refill() -> None:
            with Programmer(address, key=key) as programmer:
                programmer.refill(5_000_000)

        await asyncio.to_thread(refill)
        line = next(each for each in room.marks() if "reservoir updated" in each["text"])
        await room.rewind(mark=line["mark"])
        assert state_of(room) == before

    in_room(play)


def test_going_back_to_the_end_of_a_scenario_keeps_the_end() -> None:
    """It is over once, and looks go on."""

    async def play(room: Room) -> None:
        await advance(room, 60 * DAY_MS)
        await advance(room, DAY_MS)
        await room.ask("fill", {"volume_nl": 5_000_000})
        deed = [each for each in room.marks() if each["kind"] == "act"][-1]
        for where in ({"mark": deed["mark"]}, {"elapsed_ms": 53 * DAY_MS}):
            await room.rewind(**where)
            assert room.session()["over"]
            assert [each["kind"] for each in room.events()].count("end") == 1
            assert room.takes_for_debrief()[-1].over
            rows = len(room.history.charted.rows)
            await advance(room, DAY_MS)
            assert len(room.history.charted.rows) > rows

    in_room(play, "missed-refill", {"refill": "nobody-comes"})


def test_what_is_read_is_the_present_also_while_nobody_watches() -> None:
    """A test that asks over HTTP has no page that keeps the room awake."""

    async def play(room: Room) -> None:
        await room.ask("speed", {"speed": 1_000_000})
        reads = (
            lambda: room.sight()["clock"]["elapsed_ms"],
            lambda: room.observed()["clock"]["elapsed_ms"],
            lambda: room.session()["elapsed_ms"],
            lambda: room.sight()["truth"]["at_ms"],
        )
        times = [read() for read in reads]
        assert times == sorted(set(times))

    in_room(play)


def test_a_choice_that_waits_holds_time_whoever_goes_back_to_it() -> None:
    """Also where the end was reached in the same breath."""

    async def play(room: Room) -> None:
        await advance(room, 46 * DAY_MS)
        asked = next(each for each in room.marks() if each["kind"] == "choice")
        await room.ask("decide", {"option": "nobody-comes"})
        await asyncio.gather(
            room.ask("advance", {"by": 90 * DAY_MS}), room.rewind(mark=asked["mark"])
        )
        await room.ask("time", {})
        await advance(room, 10 * DAY_MS)
        assert room.session()["elapsed_ms"] == 46 * DAY_MS
        assert room.session()["decision"]

    in_room(play, "missed-refill")


def test_lines_keep_their_clocks_when_one_goes_back() -> None:
    """Whatever the pump's clock does."""

    async def play(room: Room) -> None:
        await room.ask("inject", {"fault": "clock_drift", "parameters": {"drift_ppm": 50_000}})
        for _ in range(3):
            await advance(room, 100 * HOUR_MS)
            await room.ask("fill_pocket", {"volume_nl": 1})
        before = room.events()
        await room.rewind(elapsed_ms=300 * HOUR_MS)
        assert room.events() == before
        await room.rewind(elapsed_ms=300 * HOUR_MS - 1)
        assert room.events() == before[: len(room.events())]

    in_room(play)


def test_looking_for_a_moment_pushes_no_take_out_of_the_debrief() -> None:
    """Who goes back again and again has played nothing."""

    async def play(room: Room) -> None:
        await advance(room, 5 * DAY_MS)
        for hours in range(3 * MOST_TAKES):
            await room.rewind(elapsed_ms=4 * DAY_MS - hours * HOUR_MS)
        lengths = [each.length_ms for each in room.takes_for_debrief()]
        assert lengths[0] == 5 * DAY_MS
        assert len(lengths) == 2

    in_room(play)


def test_one_can_go_back_from_a_snapshot_to_before_it_was_taken() -> None:
    """The history comes back with the pump."""

    async def play(room: Room) -> None:
        await advance(room, HOUR_MS)
        before = state_of(room)
        await room.ask("fill", {"volume_nl": 3_000_000})
        await advance(room, HOUR_MS)
        saved = await room.save("later")
        await room.play_scenario("missed-refill", {})
        await room.restore(saved["id"])
        (deed,) = [each for each in room.marks() if each["kind"] == "act"]
        await room.rewind(mark=deed["mark"])
        assert state_of(room) == before

    in_room(play)


def test_a_pump_that_was_implanted_has_its_keys_for_good() -> None:
    """As every pump of a number in this room."""

    async def play(room: Room) -> None:
        def keys() -> Any:
            guard = room.host.endpoint.guard
            assert guard is not None
            return guard.keys

        await room.ask("implant", {"serial_number": "NEW-1"})
        first = keys()
        await room.reset()
        assert keys() != first
        await room.ask("implant", {"serial_number": "NEW-1"})
        assert keys() == first

    in_room(play)


def test_a_state_from_outside_is_the_start_of_its_session() -> None:
    """Also at a reset, and of a pump that was taken out."""

    async def play(room: Room) -> None:
        await room.ask("implant", {"serial_number": "Ward_7-B"})
        await room.ask("explant", {})
        state = room.snapshot((await room.save("out"))["id"])["state"]
        await room.restore((await room.save("from outside", state))["id"])
        for _ in range(2):
            seen = room.sight()
            assert seen["identity"]["serial_number"] == "Ward_7-B"
            assert not seen["truth"]["implanted"]
            assert not seen["presence"]["in_reach"]
            await room.reset()

    in_room(play)


def test_deeds_are_told_in_the_words_of_people() -> None:
    """With units, and names as they were written."""

    async def play(room: Room) -> None:
        deeds: list[tuple[str, dict[str, Any]]] = [
            ("fill", {"volume_nl": "5 mL", "rinsed": False}),
            ("inject", {"fault": "flow_error", "parameters": {"factor_ppm": 1_250_000}}),
            ("inject", {"fault": "motor_stall", "for_ms": 7_200_000}),
            ("clear", {"fault": "motor_stall"}),
            ("clear", {"fault_id": 1}),
            ("proximity", {"on_pump": True}),
            ("implant", {"serial_number": "Ward_7-B"}),
        ]
        for command, given_ in deeds:
            await room.ask(command, given_)
        texts = [each["text"] for each in room.events() if each["by"] == "instructor"]
        assert texts == [
            "fill: 5 mL, not rinsed",
            "fault: flow error: factor 125 %",
            "fault: motor stall: for 2 h",
            "fault ended: motor stall",
            "fault ended: flow error",
            "programming head: on pump",
            "implant: serial number Ward_7-B",
        ]

    in_room(play)


def test_a_long_way_is_gone_in_strides_between_which_others_are_served() -> None:
    """And whoever goes back meanwhile is where they wanted to be."""

    async def play(room: Room) -> None:
        moments: list[int] = []

        async def look() -> None:
            while room.session()["elapsed_ms"] < 2_000 * DAY_MS:
                moments.append((await room.ask("time", {}))["therapy_ms"])

        looking = asyncio.create_task(look())
        await advance(room, 2_000 * DAY_MS)
        await looking
        assert room.session()["elapsed_ms"] == 2_000 * DAY_MS
        assert len({each // (30 * DAY_MS) for each in moments}) > 30
        _, session = await asyncio.gather(
            advance(room, 2_000 * DAY_MS), room.rewind(elapsed_ms=DAY_MS)
        )
        assert session["elapsed_ms"] == DAY_MS
        assert room.session()["elapsed_ms"] == DAY_MS

    in_room(play)


def test_what_comes_next_is_named() -> None:
    """The pump's own event, the patient's state, or the scenario, whichever is first."""

    async def play(room: Room) -> None:
        def coming() -> tuple[str, int]:
            told = room.sight()["clock"]["next_event"]
            return told["text"], room.session()["elapsed_ms"] + told["in_ms"]

        assert coming() == ("low reservoir", 45 * DAY_MS)
        await advance(room, 45 * DAY_MS)
        assert coming() == ("the scenario goes on", 46 * DAY_MS)
        await advance(room, 5 * DAY_MS)
        text, at_ms = coming()
        assert text == "the patient's state changes"
        await room.ask("next_event", {})
        assert room.session()["elapsed_ms"] == at_ms
        assert room.sight()["patient"]["flags"] == ["underdose"]
        await advance(room, 2 * DAY_MS)
        assert coming() == ("the scenario ends", 53 * DAY_MS)
        await room.ask("next_event", {})
        assert room.session()["elapsed_ms"] == 53 * DAY_MS
        assert room.session()["over"]
        assert coming()[0] == "replacement planned"

    in_room(play, "missed-refill", {"refill": "nobody-comes"})
