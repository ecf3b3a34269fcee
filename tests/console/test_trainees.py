"""What trainees are told of the scenarios that come with the package: nothing of the truth."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pump_sim.console.piece import Piece, scenario_piece
from pump_sim.console.room import Room
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.scenario.file.acts import Act, Attack, Break, Fill, OnLink
from pump_sim.scenario.file.branches import Way, acts_of, branches, choices_of, walk
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.happenings import Asked, Said
from pump_sim.scenario.reading.catalogue import scenario_names
from pump_sim.scenario.reading.loading import load
from pump_sim.texts import spaced
from tests.console.rooms import DAY_MS, HOUR_MS, advance, open_room

WAYS = [
    pytest.param(name, way, id=f"{name}: {way}")
    for name in scenario_names()
    for way in branches(load(name).scenario)
]
ALARMS = {spaced(each.name) for each in Alarm}
"""What a pump and a fault call the same."""

LONG = 12
"""A word that is no longer may be in a text by chance."""


def texts_in(value: Any) -> Iterator[str]:
    """Every text in what JSON has, the keys, too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield key
            yield from texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)


def secrets_of(scenario: Scenario) -> set[str]:
    """All words of a scenario that are not for trainees."""
    secret = {scenario.title, " ".join(scenario.summary.split())}
    for _, block in walk(scenario):
        secret |= {each.text for each in block.say if not each.aloud}
    for choice in choices_of(scenario):
        if not choice.aloud:
            secret |= {choice.ask} | {each.title for each in choice.option}
            secret |= {f"decided: {each.title}" for each in choice.option}
    for act in acts_of(scenario):
        secret |= {act.note} if act.note else set()
        if isinstance(act, Break):
            secret |= {act.fault, spaced(act.fault)} - ALARMS
        if isinstance(act, Attack):
            secret.add(f"{act.programmer}: ")
    return secret


def moments_of(scenario: Scenario) -> list[int]:
    """All moments at which the file brings anything, and the end."""
    blocks = [block for _, block in walk(scenario)]
    timed = [each for block in blocks for each in (*block.say, *block.at, *block.choice)]
    return sorted({scenario.length_ms, *(each.time_ms for each in timed)})


def told_in(told: set[str], secret: str) -> bool:
    """Whether a text says it; of a short one, whether it is one or begins one."""
    if len(secret) > LONG:
        return any(secret in each for each in told)
    return secret in told or (secret.endswith(": ") and any(e.startswith(secret) for e in told))


def changed(scenario: Scenario, change: Callable[[Act], Act | None]) -> Scenario:
    """The same scenario with its acts changed; those of None are left out."""

    def block(each: Any) -> Any:
        at = tuple(new for act in each.at if (new := change(act)) is not None)
        choice = tuple(
            one.model_copy(update={"option": tuple(map(block, one.option))}) for one in each.choice
        )
        return each.model_copy(update={"at": at, "choice": choice})

    new: Scenario = block(scenario)
    return new


def on_a_quiet_link(act: Act) -> Act | None:
    """Nothing goes wrong on the wire."""
    return None if isinstance(act, OnLink) else act


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_trainees_are_told_nothing_that_is_not_for_them(name: str, way: Way) -> None:
    """Not the title, the summary, a fault, an attack or a word that is not aloud, at any moment;
    and all that is aloud. Instructors are told all of it."""
    piece = scenario_piece(name, {})
    # On a quiet link, where nobody waits for an answer in real time.
    scenario = changed(piece.scenario, on_a_quiet_link).model_copy(update={"link": ()})
    secrets = secrets_of(scenario)
    choices = {each.name: each for each in choices_of(scenario)}

    async def play(room: Room) -> None:
        options = dict(way)
        for moment_ms in moments_of(scenario):
            while True:
                await advance(room, moment_ms - room.session()["elapsed_ms"])
                told = set(texts_in([room.observed(), room.events(0, 10_000, trainee=True)]))
                assert not [each for each in secrets if told_in(told, each)]
                decision = room.session()["decision"]
                if decision is None:
                    break
                asked = choices[decision["name"]]
                titles = [{"title": each.title} for each in asked.option]
                shown = {"ask": asked.ask, "options": titles}  # names would tell which is right
                assert room.observed()["session"]["decision"] == (shown if asked.aloud else None)
                await room.ask("decide", {"option": options[decision["name"]]})
        session = room.session()
        assert session["over"]
        assert session["title"] == scenario.title
        said = [each for each in room.history.happenings if isinstance(each, Said)]
        assert [each["text"] for each in session["said"]] == [each.text for each in said]
        assert [each["aloud"] for each in session["said"]] == [each.aloud for each in said]
        heard = [each["text"] for each in room.observed()["session"]["said"]]
        assert heard == [each.text for each in said if each.aloud]
        lines = {each["text"] for each in room.events(0, 10_000)}
        assert {each.text for each in said} <= lines
        assert {e.choice.ask for e in room.history.happenings if isinstance(e, Asked)} <= lines

    async def run() -> None:
        async with open_room(replace(piece, scenario=scenario)) as room:
            await play(room)

    asyncio.run(run())


@pytest.mark.parametrize(
    "name", [each for each in scenario_names() if "trainer" in load(each).scenario.users]
)
def test_a_class_can_follow_what_is_for_trainers(name: str) -> None:
    """Trainees are told how it begins before anything is asked, and are asked something: by a
    choice, or in words."""
    scenario = load(name).scenario
    aloud = [each for _, block in walk(scenario) for each in block.say if each.aloud]
    asked = [each for each in choices_of(scenario) if each.aloud]
    opening_ms = min(each.time_ms for each in scenario.say if each.aloud)
    assert all(opening_ms <= each.time_ms for each in choices_of(scenario))
    assert asked or any(each.text.endswith("?") for each in aloud) or name in NO_QUESTION


NO_QUESTION = {"mri-normal", "mri-slow-recovery"}
"""Nothing is to be decided in these: what is to be done is done, and seen."""


# --- The same without what the pump cannot know --------------------------------------------------


def without_faults(act: Act) -> Act | None:
    """Nothing breaks."""
    return None if isinstance(act, Break) else act


def without_pocket(act: Act) -> Act | None:
    """No needle misses."""
    return None if getattr(act, "hands", None) in ("fill_pocket", "inject_catheter") else act


def as_entered(act: Act) -> Act | None:
    """The syringe has what the pump is told that it has."""
    if not isinstance(act, Fill):
        return act
    return act.model_copy(update={"concentration_ng_per_ml": 2_000_000})


@pytest.mark.parametrize(
    ("name", "picks", "change", "until_ms"),
    [
        ("over-infusion", {"refill": "wait"}, without_faults, 40 * DAY_MS),
        ("pocket-fill", {"check": "trust-the-pump"}, without_pocket, 16 * DAY_MS),
        ("catheter-port-injection", {}, without_pocket, HOUR_MS + 60_000),
        ("wrong-concentration", {"error": "entered-2000-filled-500"}, as_entered, 2 * DAY_MS),
    ],
)
def test_until_it_shows_at_the_bedside_trainees_see_the_same_as_without_it(
    name: str, picks: dict[str, str], change: Callable[[Act], Act | None], until_ms: int
) -> None:
    """A hidden mistake or fault changes nothing in all that they are shown, to the last key."""
    piece = scenario_piece(name, picks)
    without = replace(piece, scenario=changed(piece.scenario, change))
    seen, truth = asyncio.run(looks(piece, until_ms))
    other, other_truth = asyncio.run(looks(without, until_ms))
    assert seen == other
    assert truth != other_truth


async def looks(piece: Piece, until_ms: int) -> tuple[list[Any], Any]:
    """What trainees are shown on the way, and the truth in the end."""
    seen = []
    async with open_room(piece) as room:
        for _ in range(8):
            await advance(room, until_ms // 8)
            observed = room.observed()
            del observed["identity"]["address"]
            lines = room.events(0, 10_000, trainee=True)
            for each in lines:
                del each["index"]  # it counts what they are not shown, too
            seen.append((observed, lines))
        return seen, room.sight()["truth"]
