"""From bytes that somebody sent to one JSON object; what the object is for is not known here."""

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any, Final

from pump_sim.control.errors import shown

MOST_LEVELS: Final = 100
"""How deep values may lie in each other; a state needs a tenth of it."""

MOST_VALUES: Final = 100_000
"""How many values there may be, unless somebody says otherwise; a state with a full log and a
hundred faults has a tenth of it."""

_TOO_DEEP: Final = "nested too deeply"


class NoObject(ValueError):
    """The bytes are no JSON object; the message says what they are."""


def read_object(content: bytes, most_values: int = MOST_VALUES) -> dict[str, Any]:
    """The JSON object that these bytes are.

    Keys that come twice are refused: one of the two would be passed over in silence.

    :param most_values: how many values there may be, and with them how long it takes to read them.
    :raises NoObject: they are none.
    """
    try:
        _check_count(content, most_values)
        found = json.loads(
            content.decode("utf-8"),
            parse_constant=_no_number,
            parse_float=_finite,
            object_pairs_hook=_object,
        )
        _check_depth(found)
    except (ValueError, RecursionError) as error:
        # Not JSON, not UTF-8, a number of thousands of digits, or thousands of brackets.
        reason = _TOO_DEEP if isinstance(error, RecursionError) else str(error)
        raise NoObject(f"no JSON object: {reason}") from None
    if not isinstance(found, dict):
        raise NoObject(f"no JSON object: it is {shown(found)}")
    return found


def _check_count(content: bytes, most_values: int) -> None:
    """Refuse more values than are allowed before the first of them is made.

    Each one comes after a comma or an opening bracket; those within texts are counted as well.
    """
    if sum(map(content.count, (b",", b"[", b"{"))) > most_values:
        raise ValueError(f"too many values: allowed are {most_values:,} commas and brackets")


def _check_depth(found: Any) -> None:
    """Refuse what lies so deep that a later look at it, from further down the stack, would fail."""
    level = [found]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise ValueError(f"{_TOO_DEEP}: allowed are {MOST_LEVELS} levels")


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {shown(key)} comes twice")
        found[key] = value
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is beyond all numbers")
    return number


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number in JSON")
