"""A pump's state as JSON and back: all of it, exactly, and nothing else.

The shape follows from the state's own types, so that a field that the model gains is in the file
without a word here: a dataclass is an object with exactly its fields, an enum its name, one
of a union has its class as ``class`` (which no field can be called), and a mapping whose keys are
no text is a list of pairs. A state that was read is complete and of the right types; whether a pump
can be in it is :mod:`pump_sim.soundness`'s question, which :func:`load` asks, too.

It reads no files and knows no door. Importing it loads cattrs, so whoever wants it imports it late.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from itertools import islice
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin

import cattrs
from cattrs.gen import make_dict_structure_fn

from pump_sim.model.state import PumpState
from pump_sim.soundness import UnsoundState, check_state
from pump_sim.texts import shortened

FORMAT: Final = "pump-sim-state"
VERSION: Final = 2
HIGHEST: Final = 2**127
"""No figure of a pump comes near: what is larger is a mistake, or meant to cost time."""

LONGEST_TEXT: Final = 4_096

MOST_TOLD: Final = 10
"""Keys that no state has, of those that an error names."""

T = TypeVar("T")


class SnapshotError(ValueError):
    """A document is no state of a pump.

    :ivar path: the key that is wrong, such as ``state.firmware.ledger.left_units``.
    :ivar problem: what is wrong with it.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


def dump(state: PumpState) -> dict[str, Any]:
    """The state as a document that ``json`` can write and :func:`load` takes."""
    return {"format": FORMAT, "version": VERSION, "state": _converter().unstructure(state)}


def load(document: object) -> PumpState:
    """The state of a document that ``json`` has read.

    :raises SnapshotError: it is of another format or version, a key is missing, unknown or of the
        wrong type, or no pump can be in that state; nothing half read is ever returned.
    """
    if not isinstance(document, dict):
        raise SnapshotError("$", f"an object is wanted, not {_shown(document)}")
    for key, wanted in (("format", FORMAT), ("version", VERSION)):
        given = document.get(key)
        # True is 1 to Python, and no version to anybody.
        if given != wanted or isinstance(given, bool):
            raise SnapshotError(key, f"{_shown(given)}: wanted is {wanted!r}")
    _check_keys(document, {"format", "version", "state"}, "$")
    try:
        state = _converter().structure(document["state"], PumpState)
    except (cattrs.BaseValidationError, _Wrong) as error:
        raise _told(error, "state") from None
    try:
        check_state(state)
    except UnsoundState as error:
        raise SnapshotError(f"state.{error.path}".rstrip("."), error.problem) from None
    return state


def part_dumper(kind: Any) -> Callable[[Any], Any]:
    """What makes something that ``json`` can write of parts of a state, of the type *kind*."""
    return _converter().get_unstructure_hook(kind)


def load_part(document: object, kind: Any, path: str = "part") -> Any:
    """The part that :func:`part_dumper` wrote, complete and of the right types.

    Whether a pump can be in a state with it is asked of the whole state.

    :raises SnapshotError: it is none, or none of that type; *path* is how it is called then.
    """
    try:
        return _converter().structure(document, kind)
    except (cattrs.BaseValidationError, _Wrong) as error:
        raise _told(error, path) from None


# --- What is wrong -------------------------------------------------------------------------------


class _Wrong(ValueError):
    """A value is not of the type that its place wants."""


def _told(error: Exception, path: str) -> SnapshotError:
    # One at a time: a missing object is the reason for everything else that is missing.
    first = cattrs.transform_error(error, path=path, format_exception=_described)[0]
    problem, _, place = first.rpartition(" @ ")
    return SnapshotError(place, problem)


def _described(error: BaseException, _: type | None) -> str:
    return str(error) if isinstance(error, _Wrong) else f"cannot be read ({error})"


def _shown(value: object) -> str:
    """A value in a message: short, however long it is."""
    return shortened(value, 60)


def _check_keys(given: Mapping[str, Any], wanted: set[str], path: str = "") -> None:
    problems = [f"{key} is missing" for key in sorted(wanted - given.keys())]
    strangers = list(islice((key for key in given if key not in wanted), MOST_TOLD))
    problems += [f"{_shown(key)} is unknown" for key in strangers]
    if problems and path:
        raise SnapshotError(path, "; ".join(problems))
    if problems:
        raise _Wrong("; ".join(problems))


# --- How each type is read and written -----------------------------------------------------------


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    for kind, read in (
        (int, _read_int),
        (float, _read_float),
        (bool, _read_bool),
        (str, _read_str),
    ):
        converter.register_structure_hook(kind, read)
    converter.register_structure_hook_factory(_is_enum, _enum_reader)
    converter.register_unstructure_hook_factory(_is_enum, lambda _: _enum_name)
    converter.register_structure_hook_factory(_is_tuple, lambda t: _tuple_reader(t, converter))
    converter.register_unstructure_hook_factory(_is_tuple, lambda t: _tuple_writer(t, converter))
    converter.register_structure_hook_factory(_is_mapping, lambda t: _pairs_reader(t, converter))
    converter.register_unstructure_hook_factory(_is_mapping, lambda t: _pairs_writer(t, converter))
    converter.register_structure_hook_factory(_is_union, lambda t: _union_reader(t, converter))
    converter.register_unstructure_hook_factory(_is_union, lambda t: _union_writer(t, converter))
    converter.register_structure_hook_factory(_is_set, lambda t: _set_reader(t, converter))
    converter.register_unstructure_hook_factory(_is_set, lambda _: sorted)
    converter.register_structure_hook_factory(_is_object, lambda t: _object_reader(t, converter))
    # After the others: a class with subclasses is read and written as one of them.
    converter.register_structure_hook_factory(_is_family, lambda t: _union_reader(t, converter))
    converter.register_unstructure_hook_factory(_is_family, lambda t: _union_writer(t, converter))
    return converter


def _read_int(value: object, _: type) -> int:
    if type(value) is not int:
        raise _Wrong(f"{_shown(value)}: a whole number is wanted")
    if abs(value) > HIGHEST:
        raise _Wrong("a number of that size is none of a pump's")
    return value


def _read_float(value: object, _: type) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= HIGHEST:
        raise _Wrong(f"{_shown(value)}: a number is wanted")
    return float(value)


def _read_bool(value: object, _: type) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"{_shown(value)}: true or false is wanted")
    return value


def _read_str(value: object, _: type) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise _Wrong(f"{_shown(value)}: a text of at most {LONGEST_TEXT:,} characters is wanted")
    if any("\ud800" <= each <= "\udfff" for each in value):
        raise _Wrong("a text with half a character in it")
    return value


def _is_enum(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, Enum)


def _enum_reader(wanted: type[Enum]) -> Callable[[object, Any], Enum]:
    def read(value: object, _: Any) -> Enum:
        if not isinstance(value, str) or value not in wanted.__members__:
            names = ", ".join(wanted.__members__)
            raise _Wrong(f"{_shown(value)}: allowed are {names}")
        return wanted[value]

    return read


def _enum_name(value: Enum) -> str:
    return value.name


def _is_tuple(wanted: Any) -> bool:
    return get_origin(wanted) is tuple


def _elements(wanted: Any, count: int) -> list[Any]:
    """The type of each element of a tuple type."""
    arguments = get_args(wanted)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return [arguments[0]] * count
    return list(arguments)


def _tuple_reader(wanted: Any, converter: cattrs.Converter) -> Callable[[object, Any], Any]:
    def read(value: object, _: Any) -> tuple[Any, ...]:
        given = _list_of(value)
        types = _elements(wanted, len(given))
        if len(types) != len(given):
            raise _Wrong(f"{len(given)} elements: {len(types)} are wanted")
        return tuple(_read_each(given, types, converter))

    return read


def _list_of(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _Wrong(f"{_shown(value)}: a list is wanted")
    return value


def _read_each(given: list[Any], types: list[Any], converter: cattrs.Converter) -> list[Any]:
    """Read every element; an error says at which index it is."""
    read = []
    for index, (value, wanted) in enumerate(zip(given, types, strict=True)):
        try:
            read.append(converter.structure(value, wanted))
        except (cattrs.BaseValidationError, _Wrong) as error:
            place = cattrs.IterableValidationNote(f"index {index}", index, wanted)
            error.__notes__ = [place]
            raise cattrs.IterableValidationError("", [error], list) from None
    return read


def _tuple_writer(wanted: Any, converter: cattrs.Converter) -> Callable[[Any], list[Any]]:
    @cache
    def writers(count: int) -> list[Callable[[Any], Any]]:
        return [converter.get_unstructure_hook(kind) for kind in _elements(wanted, count)]

    def write(value: tuple[Any, ...]) -> list[Any]:
        return [dump(each) for dump, each in zip(writers(len(value)), value, strict=True)]

    return write


def _is_set(wanted: Any) -> bool:
    return get_origin(wanted) is frozenset


def _set_reader(wanted: Any, converter: cattrs.Converter) -> Callable[[object, Any], Any]:
    (kind,) = get_args(wanted)

    def read(value: object, _: Any) -> frozenset[Any]:
        given = _list_of(value)
        members = _read_each(given, [kind] * len(given), converter)
        if members != sorted(set(members)):
            raise _Wrong("each member once is wanted, in order")
        return frozenset(members)

    return read


def _is_mapping(wanted: Any) -> bool:
    origin = get_origin(wanted)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _pairs_reader(wanted: Any, converter: cattrs.Converter) -> Callable[[object, Any], Any]:
    key_type, value_type = get_args(wanted)

    def read(value: object, _: Any) -> dict[Any, Any]:
        if key_type is not str:
            given = _list_of(value)
            kind = tuple[key_type, value_type]  # type: ignore[valid-type]
            pairs = dict(_read_each(given, [kind] * len(given), converter))
            if len(pairs) != len(given):
                raise _Wrong("a key stands there twice")
            return pairs
        if not isinstance(value, dict):
            raise _Wrong(f"{_shown(value)}: an object is wanted")
        return {
            converter.structure(key, str): converter.structure(each, value_type)
            for key, each in value.items()
        }

    return read


def _pairs_writer(wanted: Any, converter: cattrs.Converter) -> Callable[[Any], Any]:
    key_type, value_type = get_args(wanted)

    def write(value: Mapping[Any, Any]) -> Any:
        if key_type is not str:
            return [
                [converter.unstructure(key, key_type), converter.unstructure(each, value_type)]
                for key, each in value.items()
            ]
        return {key: converter.unstructure(each, value_type) for key, each in value.items()}

    return write


def _is_union(wanted: Any) -> bool:
    return get_origin(wanted) in {Union, UnionType}


def _is_object(wanted: Any) -> bool:
    return is_dataclass(get_origin(wanted) or wanted)


def _is_family(wanted: Any) -> bool:
    return isinstance(wanted, type) and is_dataclass(wanted) and bool(_heirs(wanted))


def _heirs(wanted: type) -> list[type]:
    # A dataclass with slots is a copy of the class that was written, which may still be around.
    heirs: list[type] = wanted.__subclasses__()
    return [each for each in heirs if "__slots__" in vars(each)]


def _kind(of_class: type) -> str:
    """What a class is called in a file: as the model calls it, if it has a name for it."""
    name = getattr(of_class, "name", None)
    return name if isinstance(name, str) else of_class.__name__


def _members(wanted: Any) -> tuple[dict[str, type], list[Any], bool]:
    """A union's dataclasses by name, its other members, and whether it may be nothing at all."""
    members = _heirs(wanted) if _is_family(wanted) else get_args(wanted)
    named = {_kind(each): each for each in members if is_dataclass(each)}
    others = [each for each in members if each is not NoneType and not is_dataclass(each)]
    assert len(others) <= 1, f"{wanted}: only one member without a kind can be told apart"
    return named, others, NoneType in members


def _union_reader(wanted: Any, converter: cattrs.Converter) -> Callable[[object, Any], Any]:
    named, others, optional = _members(wanted)
    tagged = len(named) > 1

    def read(value: object, _: Any) -> Any:
        if value is None and optional:
            return None
        if named and (isinstance(value, dict) or not others):
            if not tagged:
                return converter.structure(value, next(iter(named.values())))
            if not isinstance(value, dict) or not isinstance(value.get("class"), str):
                raise _Wrong(f"{_shown(value)}: an object with a 'class' is wanted")
            content = {key: each for key, each in value.items() if key != "class"}
            if value["class"] not in named:
                raise _Wrong(f"class = {_shown(value['class'])}: allowed are {', '.join(named)}")
            return converter.structure(content, named[value["class"]])
        return converter.structure(value, others[0])

    return read


def _union_writer(wanted: Any, converter: cattrs.Converter) -> Callable[[Any], Any]:
    named, others, _ = _members(wanted)
    tagged = len(named) > 1

    @cache  # a pump that is kept writes the same few kinds with each order
    def writer(kind: type[Any]) -> tuple[Callable[[Any], Any], str]:
        if hasattr(kind, "__dataclass_fields__"):
            return converter.get_unstructure_hook(kind), _kind(kind) if tagged else ""
        return converter.get_unstructure_hook(others[0]), ""

    def write(value: Any) -> Any:
        if value is None:
            return None
        dump, name = writer(value.__class__)
        return {"class": name, **dump(value)} if name else dump(value)

    return write


def _object_reader(wanted: type[T], converter: cattrs.Converter) -> Callable[[object, Any], T]:
    build = make_dict_structure_fn(wanted, converter)
    declared = fields(get_origin(wanted) or wanted)  # type: ignore[arg-type]
    keys = {each.name for each in declared}
    limits = {
        each.name: (each.metadata["minimum"], each.metadata["maximum"])
        for each in declared
        if each.metadata.keys() >= {"minimum", "maximum"}
    }

    def read(value: object, _: Any) -> T:
        if not isinstance(value, dict):
            raise _Wrong(f"{_shown(value)}: an object is wanted")
        _check_keys(value, keys)
        built = build(value, wanted)
        for name, (low, high) in limits.items():
            figure = getattr(built, name)
            if isinstance(figure, int | float) and not low <= figure <= high:
                raise _Wrong(f"{name} = {figure}: allowed are {low}..{high}")
        return built

    return read
