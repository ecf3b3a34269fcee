"""A scenario from its file, or everything that is wrong with the file, with lines.

What makes no sense although every key is well written is :mod:`.sense`'s business.
"""

import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from pump_protocol.printable import printable
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.file.kinds import FOLDER
from pump_sim.scenario.file.places import Place
from pump_sim.scenario.reading import sense
from pump_sim.scenario.reading.catalogue import scenario_names, scenario_path
from pump_sim.scenario.reading.complaints import Complaint, complaints
from pump_sim.scenario.reading.lines import Lines
from pump_sim.texts import did_you_mean

LARGEST_BYTES: Final = 1_000_000
"""No scenario is that long; a recording or a device that was named by mistake is longer."""

LONGEST_LINE: Final = 10_000
"""Characters."""

_TOO_DEEP: Final = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""", re.ASCII
)
"""A key of more parts than any table of a scenario is deep: the parser takes the square of their
number."""

MOST_PROBLEMS: Final = 100
"""Nobody reads more of them."""

LONGEST_VALUE: Final = 60
LONGEST_TEXT: Final = 1_200

_AT_LINE: Final = re.compile(
    r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", re.DOTALL
)
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file. `line` counts from 1; None where it is not about any line.

    `key` is the place in the file, as at[2].volume, elements counted from 0; `text` is a sentence
    that names key, value and what is allowed.
    """

    file: str
    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.text}"


class ScenarioError(Exception):
    """A file is no scenario that could be played; nothing of it was. One line for each problem."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario that can be played, and where it came from.

    `name` is the file's, without the ending. Other files that it names lie in the folder of `path`.
    """

    name: str
    path: Path
    scenario: Scenario
    lines: Lines = field(repr=False, compare=False)

    def line_of(self, path: Place) -> int:
        """The line, from 1 on, on which the key begins: ("at", 2, "volume"), elements from 0 on."""
        return self.lines.line_of(path)


def load(name_or_path: str | Path) -> Loaded:
    """Load a scenario that comes with the package by its name, or any other by its path.

    :raises ScenarioError: there is none, or it cannot be played; it has every problem of the file.
    """
    path = scenario_path(name_or_path)
    file = _parsed(path, f"there is no such file, {_no_such_name(str(name_or_path))}")
    scenario = _typed(file, Scenario)
    found = sense.problems(scenario, path.parent)
    if found:
        raise _error(file, found)
    return Loaded(path.stem, path, scenario, file.lines)


def read_as(path: Path, model: type[M]) -> M:
    """Any TOML file as the class of what is in it.

    :raises ScenarioError: it has every problem of the file.
    """
    return _typed(_parsed(path, "there is no such file"), model)


# --- From bytes to types -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is TOML, whatever else it is."""

    path: Path
    document: dict[str, Any]
    lines: Lines


def _parsed(path: Path, if_missing: str) -> _File:
    text = _text(path, if_missing)
    return _File(path, _document(path, text), Lines(text))


def _typed(file: _File, model: type[M]) -> M:
    try:
        return model.model_validate(file.document, context={FOLDER: file.path.parent})
    except ValidationError as error:
        errors = error.errors(include_url=False)
        raise _error(file, complaints(errors, file.document, model)) from None


def _text(path: Path, if_missing: str) -> str:
    """The text of a file; a byte order mark is no part of it."""
    try:
        if not path.is_file() and path.exists():
            what = "is a folder: give its files" if path.is_dir() else "is no file"
            raise _refused(path, f"it {what}")
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise _refused(path, if_missing) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _refused(path, f"it cannot be read: {why}") from None
    if len(content) > LARGEST_BYTES:
        raise _refused(path, f"it is too long: allowed are {LARGEST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise _refused(
            path, f"byte 0x{byte:02x} is no UTF-8, in which TOML is written", line
        ) from None


def _no_such_name(given: str) -> str:
    names = scenario_names()
    return (
        f"and no scenario of that name comes with the package.{did_you_mean(given, names)}"
        f" Known are {', '.join(names) or 'none'}"
    )


def _document(path: Path, text: str) -> dict[str, Any]:
    for number, row in enumerate(text.split("\n"), 1):
        if len(row) > LONGEST_LINE:
            raise _refused(path, f"it is too long: allowed are {LONGEST_LINE:,} characters", number)
        if _TOO_DEEP.search(row):
            raise _refused(path, "a key of more than 100 parts lies too deep", number)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _refused(path, "its values lie too deep in each other") from None
    except ValueError as error:  # also of whole numbers with thousands of digits
        found = _AT_LINE.fullmatch(str(error))
        if found is None:
            line = text.rstrip("\n").count("\n") + 1
            raise _refused(path, f"it is no TOML: {_lower(str(error))}", line) from None
        what = f"column {found['column']}: it is no TOML: {_lower(found['what'])}"
        raise _refused(path, what, int(found["line"])) from None


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _refused(path: Path, text: str, line: int | None = None) -> ScenarioError:
    return ScenarioError((Problem(printable(str(path)), line, "", _sentence(text)),))


def _error(file: _File, found: list[Complaint]) -> ScenarioError:
    """Every complaint with its line, in the order of lines; of too many, the first."""
    placed = sorted(
        ((file.lines.line_of(place), place, reason) for place, reason in found),
        key=lambda each: each[0],
    )
    name = printable(str(file.path))
    problems = [
        Problem(
            name,
            line,
            _key(place),
            _sentence(f"{_said(place, file.document)}: {reason}"),
        )
        for line, place, reason in placed[:MOST_PROBLEMS]
    ]
    more = len(placed) - MOST_PROBLEMS
    if more > 0:
        problems.append(Problem(name, None, "", _sentence(f"{more:,} more problems")))
    return ScenarioError(tuple(problems))


# --- How it is said ------------------------------------------------------------------------------


def _key(place: Place) -> str:
    """A place as people write it: at[2].volume, elements counted from 0."""
    key = ""
    for part in place:
        if isinstance(part, int):
            key += f"[{part}]"
        else:
            key += f".{part}" if _BARE.fullmatch(part) else f".{json.dumps(part)}"
    return printable(key.removeprefix("."))


def _said(place: Place, document: Any) -> str:
    """The key, and its value if it has a single one."""
    value = document
    for part in place:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part] if part < len(value) else None
        # One value may stand for a list of two: it is shown itself.
    key = _key(place)
    if value is None or isinstance(value, dict | list):
        return key or "the file"
    return f"{key} = {_shown(value)}"


def _shown(value: object) -> str:
    """A value as TOML has it, but short."""
    if isinstance(value, str):
        text = json.dumps(value[: 2 * LONGEST_VALUE], ensure_ascii=False)
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, datetime | date | time):
        text = value.isoformat()
    elif isinstance(value, int) and value.bit_length() > 256:  # may be too long to be written
        text = "a huge number"
    else:
        text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def _sentence(text: str) -> str:
    text = printable(text)
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT - 3]}..."
    return text if text.endswith((".", "?")) else f"{text}."
