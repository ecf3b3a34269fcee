"""Where in the text of a TOML file each key begins; it does not know what any key means.

``tomllib`` tells no lines. But every statement of TOML, a header or a key with its value, is a
document of its own: the text is cut where the lines so far can be parsed, and what each piece says
is joined to the table that is open by then.
"""

import tomllib
from collections.abc import Iterator
from typing import Any, Final

from pump_sim.scenario.file.places import Place

MOST_PARSED: Final = 3_000_000
"""Characters that are parsed in all, some seconds' worth. A statement over many lines is parsed
again with each of them: beyond this, the lines of what follows are not looked for."""

DEEPEST: Final = 200
"""How deep keys lie at most of which the lines are known: a name with thousands of dots is none of
a scenario, and would cost a place for each of them."""

_ENDS: Final = ("]", "}", '"""', "'''")
"""What is on the last line of every statement that spans several."""


class Lines:
    """The line on which each key of a text begins, found when it is first asked for.

    The text must be valid TOML: where it is not, the lines of what follows the fault are missing.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[Place, int] | None = None

    def line_of(self, path: Place) -> int:
        """The line, from 1 on, on which *path* begins.

        Of what is not there, the line of the innermost table that would hold it.
        """
        if self._found is None:
            self._found = _found(self._text)
        while path and path not in self._found:
            path = path[:-1]
        return self._found.get(path, 1)


def _found(text: str) -> dict[Place, int]:
    lines: dict[Place, int] = {(): 1}
    elements: dict[Place, int] = {}
    table: Place = ()
    for line, said, header, grown in _statements(text):
        if header:
            table = _opened(said, lines, elements, line)
        else:
            _note(table, said, lines, line, grown)
    return lines


def _statements(text: str) -> Iterator[tuple[int, dict[str, Any], bool, list[int | None]]]:
    """Every statement: its line, what it says, whether it is a header, and how a list in it grew.

    `grown` has, of a list that spans lines, the number of elements after each of its lines; None
    where an element goes on.
    """
    piece: list[str] = []
    grown: list[int | None] = []
    begun, length, parsed = 1, 0, 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not piece:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            begun, length = number, 0
        piece.append(line)
        length += len(line)
        parsed += length
        if parsed > MOST_PARSED:
            return
        whole = len(piece) == 1 or any(each in line for each in _ENDS)
        said = _parsed("\n".join(piece)) if whole else None
        if said is None:
            so_far = _parsed("\n".join([*piece, "]"]))
            grown.append(None if so_far is None else len(_value(so_far)))
            continue
        yield begun, said, piece[0].lstrip().startswith("["), grown
        piece, grown = [], []


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _value(said: Any) -> Any:
    """The value of a statement, which may have a dotted key."""
    while isinstance(said, dict) and len(said) == 1:
        (said,) = said.values()
    return said if isinstance(said, list) else []


def _opened(
    said: dict[str, Any], lines: dict[Place, int], elements: dict[Place, int], line: int
) -> Place:
    """The table that a header opens; of an array of tables, its next element."""
    table: Place = ()
    inner: Any = said
    while isinstance(inner, dict) and inner and len(table) < DEEPEST:
        ((key, inner),) = inner.items()
        table = (*table, key)
        lines.setdefault(table, line)
        if isinstance(inner, list):
            elements[table] = elements.get(table, 0) + 1
        if table in elements:
            table = (*table, elements[table] - 1)
            lines.setdefault(table, line)
    return table


def _note(
    table: Place, said: dict[str, Any], lines: dict[Place, int], line: int, grown: list[int | None]
) -> None:
    """All paths of a statement are on its first line, but the elements of a list on their own."""
    waiting: list[tuple[Place, Any, int]] = [(table, said, line)]
    spread = _value(said) if any(grown) else None
    while waiting:
        path, value, at = waiting.pop()
        lines.setdefault(path, at)
        if len(path) >= DEEPEST:
            continue
        if isinstance(value, dict):
            waiting += [((*path, key), each, at) for key, each in value.items()]
        elif isinstance(value, list):
            waiting += [
                (
                    (*path, index),
                    each,
                    _line_of_element(index, grown, line) if spread is value else at,
                )
                for index, each in enumerate(value)
            ]


def _line_of_element(index: int, grown: list[int | None], line: int) -> int:
    """Where an element begins: it may end some lines later, which say nothing until then."""
    row = 0
    while row < len(grown) and (grown[row] or 0) <= index:
        row += 1
    while row and grown[row - 1] is None:
        row -= 1
    return line + row
