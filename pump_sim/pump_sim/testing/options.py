"""How a test says which pump it wants: the options of ``pump-sim run``, and a few more.

The names and meanings of the options are the command line's own, read from it, so none is written
down twice. It starts nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any, Final

import typer

from pump_sim.cli import app
from pump_sim.options import DECIDED_BY
from pump_sim.testing.errors import NoSuchPump

DEADLINE_S: Final = 20.0
"""How long a pump may take to start, and to answer, unless a test says otherwise."""

LONGEST_DEADLINE_S: Final = 3_600

DEFAULTS: Final = {"speed": "0", "start": "2026-01-05T08:00"}
"""Where a test's pump differs from that of the command line: its time moves only when it is told
to, and its clock shows the same in every run."""

_OURS: Final = frozenset({"port", "control", "count", "key_file", "as_json", "events"})
"""Options of the command line that are not for a test to choose: the fixture needs them."""

Typed = str | tuple[str, ...]
"""An option's value as it is typed; several are typed one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpOptions:
    """Which pump a test wants.

    `run` are options of ``pump-sim run`` by their names in Python, as they would be typed. `state`
    is what a door's ``load`` takes, None for none.
    """

    run: Mapping[str, Typed]
    state: Mapping[str, Any] | None
    deadline_s: float

    @property
    def arguments(self) -> list[str]:
        """The options as they are typed."""
        typed: list[str] = []
        for name, value in self.run.items():
            for each in value if isinstance(value, tuple) else (value,):
                typed += [run_options()[name], each]
        return typed


@cache
def run_options() -> Mapping[str, str]:
    """The options of ``pump-sim run`` that a test may choose: as typed, by their name in Python."""
    found = {each.name: max(each.opts, key=len) for each in _parameters() if each.name}
    return {name: option for name, option in found.items() if name not in _OURS}


@cache
def _several() -> frozenset[str]:
    """The options that may be given several times, by their names in Python."""
    return frozenset(each.name for each in _parameters() if each.multiple)


def run_defaults() -> dict[str, Any]:
    """What ``pump-sim run`` takes where nothing is typed, of each option by its name in Python."""
    return {each.name: each.default for each in _parameters() if each.name}


def _parameters() -> Sequence[Any]:
    return typer.main.get_group(app).commands["run"].params


def read_options(given: Mapping[str, object]) -> PumpOptions:
    """What a test has asked for, checked as far as that can be done without a pump.

    :raises NoSuchPump: an option is unknown, its value cannot be typed, or two exclude each other.
    """
    known = [*run_options(), "state", "deadline_s"]
    for name in given:
        if name not in known:
            raise NoSuchPump(_unknown(name, known))
    wanted = {name: each for name, each in given.items() if each is not None and each is not False}
    deadline_s = _deadline(wanted.pop("deadline_s", DEADLINE_S))
    state = wanted.pop("state", None)
    if state is not None:
        _check_alone("state", wanted)
    elif "scenario" in wanted:
        _check_alone("scenario", wanted)
    run = {name: _typed(name, value) for name, value in wanted.items()}
    begins = state is None and "scenario" not in wanted and not _is_kept(run)
    defaults = DEFAULTS if begins else {"speed": DEFAULTS["speed"]}
    if run.get("resume") == "stay":  # that is a speed already
        defaults = {name: each for name, each in defaults.items() if name != "speed"}
    run = {**defaults, **run}
    return PumpOptions(
        run=run, state=None if state is None else _state(state), deadline_s=deadline_s
    )


def _is_kept(run: Mapping[str, Typed]) -> bool:
    """Whether there is a pump in the state file already, which goes on with its own clock."""
    path = run.get("state_file")
    try:
        return isinstance(path, str) and Path(path).exists()
    except OSError:  # such as a name that is too long; whoever opens it says so
        return False


def _unknown(name: str, known: Iterable[str]) -> str:
    if name in _OURS:
        return f"{name}: the fixture sees to that itself"
    near = get_close_matches(name, known, n=1) or [each for each in known if name in each]
    guess = f" Did you mean {near[0]}?" if near else ""
    return f"{name}: a pump has no such option. There are {', '.join(known)}.{guess}"


def _check_alone(decider: str, wanted: Mapping[str, object]) -> None:
    for name in wanted:
        if name in DECIDED_BY[decider]:
            raise NoSuchPump(f"{name}: {decider} decides that already; leave one of them out")


def _typed(name: str, value: object) -> Typed:
    if name not in _several():
        if isinstance(value, Iterable) and not isinstance(value, str):
            raise NoSuchPump(f"{name} = {value!r}: allowed is one value")
        return _text(name, value)
    if isinstance(value, Mapping):
        value = [f"{key}={each}" for key, each in value.items()]
    return tuple(
        _text(name, each) for each in (value if isinstance(value, list | tuple) else [value])
    )


def _text(name: str, value: object) -> str:
    text = str(value)
    if "\0" in text:  # no command line can have it
        raise NoSuchPump(f"{name} = {text!r}: allowed is text without a zero byte")
    return text


def _deadline(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= LONGEST_DEADLINE_S:  # type: ignore[operator]
        raise NoSuchPump(
            f"deadline_s = {value!r}: allowed is a number above 0, up to {LONGEST_DEADLINE_S:,} s"
        )
    return float(value)  # type: ignore[arg-type]


def _state(given: object) -> Mapping[str, Any]:
    """A state as it is, or as it stands in a file."""
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, str | PathLike):
        raise NoSuchPump(f"state = {given!r}: allowed are a path, or what state() gave")
    try:
        content = json.loads(Path(given).read_bytes())
    except OSError as error:
        raise NoSuchPump(f"state = {str(given)!r}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise NoSuchPump(f"state = {str(given)!r}: it is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise NoSuchPump(f"state = {str(given)!r}: it is no JSON object")
    return content
