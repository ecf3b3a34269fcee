"""JSON schemas: of what a request takes, and of what :func:`pump_sim.control.views.plain` shows.

Both are read from what checks and shows the values, so that the OpenAPI document cannot say
anything else. It knows no operation of the API.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from inspect import getdoc
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from pump_sim.console.api.forms import words
from pump_sim.control.parameters import (
    QUANTITIES,
    Choice,
    Content,
    Flag,
    Name,
    Parameter,
    Speed,
    Whole,
)
from pump_sim.model.firmware.alarms import AlarmClass, AlarmRecord

Schema = dict[str, Any]

REFERENCE: Final = "#/components/schemas/"
_SIMPLE: Final = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    bytes: "string",
    NoneType: "null",
}


_UNBOUNDED: Final[dict[type[Any], str]] = {Flag: "boolean", Content: "object"}


@dataclass(frozen=True, slots=True)
class Described:
    """An object of which somebody else checks what is in it, and a schema says it."""

    schema: Schema
    words: str = "an object"

    def read(self, name: str, value: object) -> dict[str, Any]:
        """The object."""
        return Content().read(name, value)


# --- Requests ------------------------------------------------------------------------------------


def schema_of(parameter: Parameter, *, may_be_null: bool = True) -> Schema:
    """What a field of a request takes. In a body, one that may be left out may be null, too."""
    schema = _taken(parameter)
    if may_be_null and not parameter.required:
        schema = nullable(schema)
    default = f" If it is not given: {parameter.default}." if parameter.default else ""
    return {**schema, "description": words(f"{_sentence(parameter.doc)}{default}")}


def body_of(parameters: Iterable[Parameter]) -> Schema:
    """The object that has these fields, and no other."""
    listed = tuple(parameters)
    return record(
        {each.name: schema_of(each) for each in listed},
        required=[each.name for each in listed if each.required],
    )


def _taken(parameter: Parameter) -> Schema:
    match parameter.kind:
        case Whole() as kind:
            return _whole(kind)
        case Speed() as kind:
            paced = {"type": "number", "minimum": float(kind.minimum), "maximum": kind.maximum}
            return {"anyOf": [paced, {"enum": [0, "jump"]}]}
        case Choice(names):
            return {"type": "string", "enum": list(names)}
        case Name() as kind:
            return {"type": "string", "minLength": kind.shortest, "maxLength": kind.longest}
        case Described(schema):
            return schema
        case kind if type(kind) in _UNBOUNDED:
            return {"type": _UNBOUNDED[type(kind)]}
        case kind:
            raise TypeError(f"{parameter.name}: no schema is known of a {type(kind).__name__}")


def _whole(kind: Whole) -> Schema:
    number: Schema = {"type": "integer", "minimum": kind.minimum, "maximum": kind.maximum}
    if kind.unit:
        number["x-unit"] = kind.unit
    quantity = QUANTITIES.get(kind.unit)
    if quantity is None:
        return number
    units = [*quantity.units, *quantity.spellings]
    term = rf"[0-9]{{1,20}}(\.[0-9]{{1,20}})?\s*({'|'.join(units)})\s*"
    pattern = rf"^\s*({term})+$" if quantity.compound else rf"^\s*{term}$"
    return {"anyOf": [number, {"type": "string", "pattern": pattern}]}


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."


# --- Building blocks -----------------------------------------------------------------------------


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "$ref" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def record(
    properties: Mapping[str, Schema], *, required: Iterable[str] | None = None, more: bool = False
) -> Schema:
    """An object of these keys.

    :param required: the keys that must be there; all of them if None.
    :param more: whether there may be others.
    """
    schema: Schema = {"type": "object", "properties": dict(properties)}
    needed = list(properties if required is None else required)
    if needed:
        schema["required"] = needed
    return schema if more else {**schema, "additionalProperties": False}


def listed(items: Schema) -> Schema:
    """A list of them."""
    return {"type": "array", "items": items}


def referred(name: str) -> Schema:
    """The schema of that name among the document's components."""
    return {"$ref": f"{REFERENCE}{name}"}


# --- Answers -------------------------------------------------------------------------------------


class Components:
    """The named schemas of a document: those of the model's classes, as they are asked for."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def shown(self, kind: Any) -> Schema:
        """The schema of what ``plain`` makes of a value of this type.

        :raises TypeError: nobody has said yet what JSON makes of such a value.
        """
        origin, arguments = get_origin(kind), get_args(kind)
        if kind in _SIMPLE:
            return {"type": _SIMPLE[kind]}
        if origin in {Union, UnionType}:
            return self._union(arguments)
        if origin in {tuple, list, frozenset}:
            inner = [each for each in arguments if each is not Ellipsis]
            if len(inner) == 1:
                return listed(self.shown(inner[0]))
        if isinstance(kind, type) and (issubclass(kind, Enum) or is_dataclass(kind)):
            return self._named(kind)
        raise TypeError(f"no schema is known of {kind!r}")

    def add(self, name: str, schema: Schema) -> Schema:
        """Keep a schema under a name; returns what refers to it."""
        self.schemas[name] = schema
        return referred(name)

    def _union(self, kinds: tuple[Any, ...]) -> Schema:
        others = [each for each in kinds if each is not NoneType]
        if len(others) != 1:
            raise TypeError(f"no schema is known of one of {kinds!r}")
        return nullable(self.shown(others[0]))

    def _named(self, kind: type[Any]) -> Schema:
        name = kind.__name__
        if name not in self.schemas:
            self.schemas[name] = {}  # a class that has one of its own kind finds this one
            self.schemas[name] = self._enum(kind) if issubclass(kind, Enum) else self._fields(kind)
        return referred(name)

    def _enum(self, kind: type[Enum]) -> Schema:
        return {"type": "string", "enum": [each.name.lower() for each in kind]}

    def _fields(self, kind: type[Any]) -> Schema:
        hints = get_type_hints(kind)
        properties = {each.name: self.shown(hints[each.name]) for each in fields(kind)}
        if kind is AlarmRecord:  # `plain` adds what a record of an alarm means
            properties |= {
                "class": self.shown(AlarmClass),
                "active": {"type": "boolean"},
                "latches": {"type": "boolean"},
            }
        about = (getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
        return {"description": about, **record(properties)}
