"""What makes no sense in a scenario although every key is well written; nothing is run for it.

Here is what can be said of each entry alone. What follows from the order of acts along one way
through the choices is :mod:`.order_sense`'s business.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pump_protocol.units import format_duration
from pump_sim.model.profile import Profile, ProfileError, load_profile
from pump_sim.model.pump import Pump
from pump_sim.model.rules import check_prescription
from pump_sim.refusal_words import refusal_text
from pump_sim.scenario.file.acts import Act
from pump_sim.scenario.file.branches import (
    MOST_COUNTED,
    acts_of,
    choices_of,
    count_branches,
    walk,
)
from pump_sim.scenario.file.document import Block, Choice, Say, Scenario, Start
from pump_sim.scenario.file.places import Place
from pump_sim.scenario.file.wishes import prescribed
from pump_sim.scenario.playing.start import StartError, first_pump, start_errors
from pump_sim.scenario.reading import act_sense, expectation_sense, order_sense
from pump_sim.scenario.reading.complaints import Complaint
from pump_sim.wire_values import reason_out

MOST_BRANCHES: Final = 256
"""As many ways through the choices can be tried by a check in seconds."""

MOST_ACTS: Final = 200_000
"""As many acts, those of all ways together, can be looked through in seconds."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A block, where it is, and since when it can happen: an option not before its choice."""

    path: Place
    block: Block
    from_ms: int = 0
    choice: str = ""


def problems(scenario: Scenario, folder: Path) -> list[Complaint]:
    """Everything senseless: the key, and why.

    :param folder: where the scenario's file lies, and a state file that it names.
    """
    parts = _parts(scenario)
    profile, pump, wrong_at_start = _start(scenario, folder)
    found = [
        *_whole(scenario),
        *wrong_at_start,
        *_names(parts),
        *(each for part in parts for each in _entries(part, scenario.length_ms)),
    ]
    too_much = _too_much(scenario)
    if too_much is not None:
        found.append(too_much)
    elif not any(path[-1:] == ("name",) for path, _ in found):
        found += order_sense.problems(scenario, profile, pump)
    return list(dict.fromkeys(found))


def _too_much(scenario: Scenario) -> Complaint | None:
    """That nobody could walk all ways through a scenario in good time."""
    ways = count_branches(scenario)
    if ways > MOST_BRANCHES:
        many = f"more than {MOST_COUNTED:,}" if ways == MOST_COUNTED else f"{ways:,}"
        return ("choice",), f"{many} ways through the choices: allowed are {MOST_BRANCHES}"
    acts = sum(1 for _ in acts_of(scenario))
    if ways * acts > MOST_ACTS:
        told = f"{acts:,} acts with {ways:,} ways through the choices"
        return ("at",), f"{told}: their product may be at most {MOST_ACTS:,}"
    return None


def _parts(scenario: Scenario) -> list[_Part]:
    """The scenario itself, and every option of its choices."""
    of = {id(option): choice for choice in choices_of(scenario) for option in choice.option}
    return [
        _Part(place, block, of[id(block)].time_ms, of[id(block)].name)
        if id(block) in of
        else _Part(place, block)
        for place, block in walk(scenario)
    ]


# --- The whole -----------------------------------------------------------------------------------


def _whole(scenario: Scenario) -> Iterator[Complaint]:
    if scenario.length_ms == 0:
        yield ("length",), "nothing can happen in no time"
    yield from _twice(("users",), scenario.users)


def _twice(path: Place, names: Sequence[str]) -> Iterator[Complaint]:
    there: set[str] = set()
    for index, name in enumerate(names):
        if name in there:
            yield (*path, index), "it is there already"
        there.add(name)


def _names(parts: list[_Part]) -> Iterator[Complaint]:
    """Choices are told apart by their names, and so are options; in the whole file."""
    choices: set[str] = set()
    options: set[str] = set()
    for part in parts:
        for number, choice in enumerate(part.block.choice):
            path = (*part.path, "choice", number)
            if choice.name in choices:
                yield (*path, "name"), "another choice of the file has this name"
            choices.add(choice.name)
            for index, option in enumerate(choice.option):
                if option.name in options:
                    yield (*path, "option", index, "name"), "another option has this name"
                options.add(option.name)


# --- The start -----------------------------------------------------------------------------------


def _start(scenario: Scenario, folder: Path) -> tuple[Profile | None, Pump | None, list[Complaint]]:
    """The kind of pump that it begins with, if that can be told, and what is wrong with it.

    Of a state file, the pump itself, too.
    """
    start = scenario.pump
    if start.state is not None:
        return _from_state(scenario, folder)
    found = list(act_sense.serial_number(("pump", "serial_number"), start.serial_number))
    profile = None
    try:
        profile = load_profile(start.profile)
    except ProfileError as error:
        found.append((("pump", "profile"), str(error)))
    found += [(("pump", error.key), error.why) for error in start_errors(start, profile)]
    if profile is None:
        return None, None, found
    wanted = prescribed(scenario.prescription, None, profile)
    reasons = tuple(map(reason_out, check_prescription(wanted, profile)))
    if reasons:
        found.append((("prescription",), f"the pump refuses it: {refusal_text(reasons)}"))
    return profile, None, found


def _from_state(
    scenario: Scenario, folder: Path
) -> tuple[Profile | None, Pump | None, list[Complaint]]:
    found: list[Complaint] = []
    state = scenario.pump.state
    assert state is not None
    for name in sorted(scenario.pump.model_fields_set - {"state", "implanted", "security"}):
        key = Start.model_fields[name].alias or name
        found.append((("pump", key), "state excludes it: the file of the state says how it is"))
    if "prescription" in scenario.model_fields_set:
        found.append((("prescription",), "pump.state excludes it: the state has one in force"))
    if "\0" in state or not (folder / state).is_file():
        why = "there is no such file in the folder of the scenario"
        return None, None, [*found, (("pump", "state"), why)]
    try:
        pump = first_pump(scenario, folder)
    except StartError as error:
        return None, None, [*found, (("pump", error.key), error.why)]
    return pump.profile, pump, found


# --- Each entry ----------------------------------------------------------------------------------


def _entries(part: _Part, length_ms: int) -> Iterator[Complaint]:
    """What is told, done, decided and expected in one block, each by itself."""
    block, path = part.block, part.path
    timed: tuple[tuple[str, Sequence[Say | Act | Choice]], ...] = (
        ("say", block.say),
        ("at", block.at),
        ("choice", block.choice),
    )
    for key, entries in timed:
        for index, entry in enumerate(entries):
            yield from _time((*path, key, index, "time"), entry.time_ms, part, length_ms)
    for index, act in enumerate(block.at):
        yield from _within((*path, "at", index), act_sense.problems(act))
    for index, expectation in enumerate(block.expect):
        found = expectation_sense.problems(expectation, length_ms, part.from_ms, part.choice)
        yield from _within((*path, "expect", index), found)


def _within(path: Place, found: Iterator[Complaint]) -> Iterator[Complaint]:
    return (((*path, *inner), why) for inner, why in found)


def _time(path: Place, time_ms: int, part: _Part, length_ms: int) -> Iterator[Complaint]:
    if time_ms > length_ms:
        yield path, f"the scenario ends at {format_duration(length_ms)}"
    if time_ms < part.from_ms:
        yield path, f"in the past: {part.choice} is decided at {format_duration(part.from_ms)}"
