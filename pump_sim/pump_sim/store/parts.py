"""A pump's state as rows, and what has to be written when it has changed.

Each field of the state's classes is a part with a row of its own, and so is each element of what
grows: the logs, the orders that are remembered, the history of the flow. Parts that nearly every
touch changes share one row. Which parts there are follows from the classes, so a field that the
model gains is kept without a word here.

All of a state are frozen values. So what is the same object as last time need not be written, and
a touch costs what it changed. It writes nothing itself.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from itertools import count
from operator import attrgetter
from types import GenericAlias
from typing import Any, Final, get_args, get_type_hints

from pump_sim import snapshot
from pump_sim.model.events import AccessLog, TherapyLog
from pump_sim.model.firmware.memory import Memory
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.hardware.flow import FlowHistory
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.state import PumpState

_OPENED: Final = frozenset(
    {PumpState, HardwareState, FirmwareState, Memory, FlowHistory, TherapyLog, AccessLog}
    | {OrderMemory}
)
"""Classes whose fields are parts of their own."""

_GROWING: Final = frozenset(
    {
        "hardware.flow.pieces",
        "firmware.log.entries",
        "firmware.access_log.entries",
        "firmware.orders.last",
    }
)
"""Parts whose elements have rows of their own."""

PRESENT: Final = "present"
"""The row of the parts that change together: an object that has them by their paths."""

_TOGETHER: Final = frozenset(
    {"at_ms", "hardware.reservoir", "hardware.drive"}
    | {"firmware.at_ms", "firmware.delivery", "firmware.ledger", "firmware.gauge"}
    | {"firmware.log.next_sequence"}
)

_UNORDERED: Final = frozenset({"firmware.orders.last"})
"""Mappings whose order means nothing, and in which one value takes the place of another."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a state: its path, such as ``firmware.ledger``, and the type of its value.

    Of a growing part `kind` is that of one element; an element of a mapping is its pair. `row` is
    the name of the row that it is in, or of its elements'. `dump` makes something of a value that
    ``json`` can write, and `whole` a growing part of its elements.
    """

    path: str
    kind: Any
    growing: bool
    row: str
    dump: Callable[[Any], Any] = field(compare=False)
    whole: Callable[[Iterable[Any]], Any] = field(compare=False, default=tuple)


@cache
def parts() -> tuple[Part, ...]:
    """All the parts of which a state consists."""
    return tuple(_parts(PumpState, ""))


@cache
def _values() -> Callable[[PumpState], tuple[Any, ...]]:
    """What gets the values of all the parts, in their order."""
    return attrgetter(*(part.path for part in parts()))


def _parts(of_class: Any, prefix: str) -> Iterator[Part]:
    hints = get_type_hints(of_class)
    for each in fields(of_class):
        kind, path = hints[each.name], prefix + each.name
        if kind in _OPENED:
            yield from _parts(kind, f"{path}.")
            continue
        growing = path in _GROWING
        whole: Callable[[Iterable[Any]], Any] = tuple
        if growing:
            (*keys, kind) = [each for each in get_args(kind) if each is not Ellipsis]
            if keys:
                kind, whole = GenericAlias(tuple, (*keys, kind)), dict
        row = PRESENT if path in _TOGETHER else path
        yield Part(path, kind, growing, row, snapshot.part_dumper(kind), whole)


def is_opened(kind: object) -> bool:
    """Whether the fields of that class are parts of their own."""
    return kind in _OPENED


# --- What has to be written ----------------------------------------------------------------------


@dataclass(slots=True)
class Changes:
    """What has to be written so that the rows are those of another state.

    Contents are texts: of `put` by the name of the row, of `put_elements` by number and part.
    `gone` are numbers of elements.
    """

    put: list[tuple[str, str]] = field(default_factory=list)
    put_elements: list[tuple[int, str, str]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


class Shelf:
    """What of a state has been written; at first nothing."""

    def __init__(self) -> None:
        self._values: tuple[Any, ...] = (_NEVER,) * len(parts())
        numbers = count(1)
        self._growing = {
            part.path: (_Pairs if part.path in _UNORDERED else _Elements)(part, numbers)
            for part in parts()
            if part.growing
        }

    def changes(self, state: PumpState) -> Changes:
        """What has to be written now; it counts as written from then on."""
        changes, values = Changes(), _values()(state)
        moved_on = False
        for part, value, known in zip(parts(), values, self._values, strict=True):
            # Numbers are made anew where nothing has changed, values are not.
            if value is known or (type(value) is int and value == known):
                continue
            if part.growing:
                self._growing[part.path].take(value, changes)
            elif part.row == PRESENT:
                moved_on = True
            else:
                changes.put.append((part.row, text_of(part.dump(value))))
        self._values = values
        if moved_on:
            present = {
                part.path: part.dump(value)
                for part, value in zip(parts(), values, strict=True)
                if part.row == PRESENT
            }
            changes.put.append((PRESENT, text_of(present)))
        return changes


_NEVER: Final = object()


class _Elements:
    """The elements of a growing part that are written, each under a number that only rises."""

    def __init__(self, part: Part, numbers: Iterator[int]) -> None:
        self._part = part
        self._next = numbers
        self._values: tuple[Any, ...] = ()
        self._numbers: list[int] = []

    def take(self, whole: Any, changes: Changes) -> None:
        """Note what has to be written so that the elements are those of *whole*."""
        part, pairs = self._part, isinstance(whole, Mapping)
        given = tuple(whole.values()) if pairs else whole
        elements = tuple(whole.items()) if pairs else given
        dropped = self._dropped(given)
        if dropped is not None:
            changes.gone += self._numbers[:dropped]
            del self._numbers[:dropped]
        else:
            number_of = dict(zip(map(id, self._values), self._numbers, strict=True))
            kept = _rising(number_of.get(id(each), 0) for each in given)
            changes.gone += sorted(set(self._numbers).difference(kept))
            self._numbers = kept
        for element in elements[len(self._numbers) :]:
            number = next(self._next)
            changes.put_elements.append((number, part.path, text_of(part.dump(element))))
            self._numbers.append(number)
        self._values = given

    def _dropped(self, given: tuple[Any, ...]) -> int | None:
        """How many of the oldest are gone, if otherwise some have only come; else None.

        So it nearly always is, and it is quickly found out.
        """
        values = self._values
        if not given or not values:
            return len(values)
        first = given[0]
        dropped = next((at for at, each in enumerate(values) if each is first), len(values))
        common = values[dropped:] if dropped else values
        # What is the same object is not looked into.
        return dropped if given[: len(common)] == common else None


def _rising(numbers: Iterable[int]) -> list[int]:
    """The first of *numbers*, as long as each is greater than the one before."""
    rising = [0]
    for number in numbers:
        if number <= rising[-1]:
            break
        rising.append(number)
    return rising[1:]


class _Pairs:
    """The pairs of a mapping whose order means nothing, each in its place."""

    def __init__(self, part: Part, numbers: Iterator[int]) -> None:
        self._part = part
        self._next = numbers
        self._values: Mapping[Any, Any] = {}
        self._numbers: dict[Any, int] = {}

    def take(self, whole: Mapping[Any, Any], changes: Changes) -> None:
        """Note what has to be written so that the pairs are those of *whole*."""
        changes.gone += [self._numbers.pop(key) for key in self._values.keys() - whole.keys()]
        for pair in whole.items():
            key, value = pair
            if self._values.get(key) is value:
                continue
            number = self._numbers.get(key) or next(self._next)
            self._numbers[key] = number
            changes.put_elements.append((number, self._part.path, text_of(self._part.dump(pair))))
        self._values = whole


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def text_of(document: object) -> str:
    """A value as it stands in a row, of what ``json`` can write."""
    return str(document) if type(document) is int else _ENCODER.encode(document)


# --- Back ----------------------------------------------------------------------------------------


def documents(rows: Mapping[str, str]) -> dict[str, Any]:
    """What the rows of a file say, by the paths of the parts and the names of other rows.

    :raises ValueError: that is no JSON.
    """
    found: dict[str, Any] = {}
    for name, text in rows.items():
        document = json.loads(text)
        if name == PRESENT and isinstance(document, dict):
            found |= document
        else:
            found[name] = document
    return found


def to_state(rows: Mapping[str, Any], elements: Mapping[str, Iterable[str]]) -> PumpState:
    """The state of which these are the parts, and the elements of the growing ones.

    :param rows: what :func:`documents` read.
    :raises SnapshotError: they are none of a pump, or no pump can be in that state.
    """
    document: dict[str, Any] = {}
    for part in parts():
        *folders, name = part.path.split(".")
        place = document
        for folder in folders:
            place = place.setdefault(folder, {})
        if part.growing:
            place[name] = [json.loads(each) for each in elements.get(part.path, ())]
        elif part.path in rows:
            place[name] = rows[part.path]
    return snapshot.load(
        {"format": snapshot.FORMAT, "version": snapshot.VERSION, "state": document}
    )
