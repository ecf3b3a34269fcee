"""Reads what somebody wrote of their programmer: the words of each task, and its exit codes.

A file of TOML. It judges nothing and starts nothing.
"""

import json
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pump_protocol.conformance.tasks import DEFAULT_EXITS, TASKS, Outcome
from pump_sim.judging.command import CommandError, check_task, read_line, values_of

_LARGEST_BYTES: Final = 100_000
_TOLD: Final = (Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN)
"""What exit codes can be given for; every other code says FAILED."""

_HIGHEST_CODE: Final = 255


class TasksFileError(Exception):
    """A file of tasks is wrong; the message says where and what is allowed."""


@dataclass(frozen=True, slots=True)
class TasksFile:
    """What a programmer can do, and how it tells what came of it.

    :ivar lines: by the name of the task, its words on the command line; what is missing here it
        cannot do. None: those of pump-programmer.
    """

    lines: Mapping[str, str] | None
    exits: Mapping[int, Outcome]


def read_tasks_file(path: Path) -> TasksFile:
    """What stands in the file.

    :raises TasksFileError: it cannot be read, or says what cannot be.
    """
    try:
        return _read(_content(path))
    except (_Wrong, CommandError) as error:
        raise TasksFileError(f"--tasks = {path}: {error}") from None


class _Wrong(Exception):
    """What is wrong, without the name of the file."""


def _content(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise _Wrong(f"it cannot be read: {error.strerror}") from None
    except ValueError:  # a zero byte in the name
        raise _Wrong("no file can have that name") from None
    if len(text) > _LARGEST_BYTES:
        raise _Wrong(f"it has more than {_LARGEST_BYTES:,} bytes")
    try:
        return tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise _Wrong(f"it is no TOML: {error}") from None


def _read(content: Mapping[str, Any]) -> TasksFile:
    _check_names(content, ("tasks", "exits"), "")
    lines = _table(content, "tasks")
    if not lines:
        raise _Wrong("[tasks] is missing: a line for each task that the programmer can do")
    exits = _table(content, "exits") if "exits" in content else None
    return TasksFile(_lines(lines), DEFAULT_EXITS if exits is None else _exits(exits))


def _table(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, Mapping):
        raise _Wrong(f"{name} = {table!r}: allowed is a table, [{name}]")
    return table


def _lines(given: Mapping[str, Any]) -> dict[str, str]:
    lines = {}
    for name, line in given.items():
        check_task(name, "[tasks]")
        if line is False:
            continue
        if not isinstance(line, str):
            raise _Wrong(f"tasks.{name} = {line!r}: allowed is text, or false: it cannot be done")
        read_line(name, line)
        lines[name] = line
    if not lines:
        raise _Wrong("[tasks]: every task is false: nothing is left to be judged")
    return lines


def _exits(given: Mapping[str, Any]) -> dict[int, Outcome]:
    _check_names(given, [each.value for each in _TOLD], "exits.")
    exits: dict[int, Outcome] = {}
    for outcome in _TOLD:
        codes = given.get(outcome.value, [])
        if not isinstance(codes, list):
            raise _Wrong(f"exits.{outcome} = {codes!r}: allowed is a list of exit codes")
        for code in codes:
            # A bool is an int to Python.
            if (
                not isinstance(code, int)
                or isinstance(code, bool)
                or not 0 <= code <= _HIGHEST_CODE
            ):
                raise _Wrong(f"exits.{outcome} = {code!r}: allowed are 0 to {_HIGHEST_CODE}")
            if code in exits:
                raise _Wrong(f"exits.{outcome} = {code}: it says {exits[code]} already")
            exits[code] = outcome
    if Outcome.DONE not in exits.values():
        raise _Wrong("exits.done: there must be one exit code that says done")
    return exits


def _check_names(given: Mapping[str, Any], allowed: "list[str] | tuple[str, ...]", of: str) -> None:
    for name in given:
        if name not in allowed:
            raise _Wrong(f"{of}{name}: no such key; allowed are {', '.join(allowed)}")


def example() -> str:
    """A file of tasks with the words of pump-programmer, to begin with."""
    lines = [
        "# What the programmer can do: the words that stand for {task} on its command line.",
        "# false, or no line at all: it cannot.",
        "[tasks]",
    ]
    for each in TASKS.values():
        values = "".join(f" {{{name}}}" for name in values_of(each.name))
        meaning = each.meaning + (f". Values:{values}" if values else "")
        lines += textwrap.wrap(meaning, 98, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"{each.name} = {json.dumps(each.line)}")
    lines += ["", "# What its exit codes say; any other says that the task failed.", "[exits]"]
    for outcome in _TOLD:
        codes = [code for code, said in DEFAULT_EXITS.items() if said is outcome]
        lines.append(f"{outcome} = {codes}")
    return "\n".join(lines) + "\n"
