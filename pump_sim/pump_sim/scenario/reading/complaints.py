"""What pydantic finds wrong in a scenario, in the words of a scenario file; it knows no lines.

pydantic's places have names of classes among the keys, and its words are about Python. Here the
places are walked through what the file really says, and the words tell what may stand there.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from pump_sim.scenario.file.acts import FAMILIES, KINDS
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.file.expectations import EXPECTATIONS
from pump_sim.scenario.file.places import Place
from pump_sim.texts import did_you_mean

Complaint = tuple[Place, str]
"""The key that is wrong, and what is wrong with it or its value."""

_TAGGED: Final = ("at", "expect")
"""The lists whose elements are of many classes; pydantic puts the class after the number."""


@dataclass(frozen=True, slots=True)
class _Wrong:
    """An error at its place. `model` is the class of the table that holds the key, or is it."""

    path: Place
    value: object
    model: type[BaseModel]
    error: ErrorDetails
    alternative: bool
    """It says that the value is none of some words that may stand in place of something else."""


def complaints(
    errors: Iterable[ErrorDetails], document: Mapping[str, Any], root: type[BaseModel]
) -> list[Complaint]:
    """All that is wrong with a document of the class *root*, each fault once."""
    wrongs = [_placed(each, document, root) for each in errors]
    words: dict[Place, _Wrong] = {}
    others: set[Place] = set()
    for wrong in wrongs:
        if wrong.alternative:
            words.setdefault(wrong.path, wrong)
        else:
            others |= {wrong.path[:length] for length in range(len(wrong.path) + 1)}
    found: dict[Complaint, None] = {}
    for wrong in wrongs:
        if wrong.alternative and wrong.path in others:
            continue
        path, reason = _complaint(wrong)
        if wrong.path in words and not wrong.alternative:
            also = " or ".join(f'"{each}"' for each in _words(words[wrong.path].error))
            reason = f"{reason.rstrip('.')}, or {also}"
        found.setdefault((path, reason))
    return list(found)


def listed(names: Iterable[str]) -> str:
    """Names in a row, with commas."""
    return ", ".join(names)


# --- Places --------------------------------------------------------------------------------------


def _placed(error: ErrorDetails, document: Mapping[str, Any], root: type[BaseModel]) -> _Wrong:
    """Walk the document along an error's place, leaving out what is no key of it."""
    path: Place = ()
    value: Any = document
    model = root
    inner: type[BaseModel] | None = root
    alternative = False
    for position, part in enumerate(error["loc"]):
        last = position == len(error["loc"]) - 1
        is_tag = len(path) > 1 and path[-2] in _TAGGED and isinstance(path[-1], int)
        if is_tag and inner is None and part in _models():
            inner = _models()[str(part)]
        elif isinstance(value, dict) and part in value:
            model = inner or model
            path, value, inner = (*path, part), value[str(part)], _model_of(model, str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path, value = (*path, part), value[part]
        elif last and error["type"] == "missing" and isinstance(part, str):
            model = inner or model
            path, value = (*path, part), None
        elif str(part).startswith("literal["):
            alternative = True
    return _Wrong(path, value, model, error, alternative)


@cache
def _models() -> Mapping[str, type[BaseModel]]:
    """The classes of acts and expectations by name."""
    return {
        each.__name__: each
        for key in _TAGGED
        for each in tables_in(Scenario.model_fields[key].annotation)
    }


def _model_of(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The class of the tables of a key; none where it has none, or several."""
    for name, field in model.model_fields.items():
        if key == (field.alias or name):
            classes = tables_in(field.annotation)
            return classes[0] if len(classes) == 1 else None
    return None


def tables_in(annotation: Any) -> list[type[BaseModel]]:
    """The classes of the tables that a type allows."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for inner in get_args(annotation) for each in tables_in(inner)]


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a table, as they are written."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


# --- Words ---------------------------------------------------------------------------------------

_WANTED: Final = {
    "string_type": "a text is wanted",
    "int_type": "a whole number is wanted",
    "bool_type": "true or false is wanted",
    "dict_type": "a table is wanted",
    "model_type": "a table is wanted",
    "union_tag_invalid": "a table is wanted",
    "recursion_loop": "it lies too deep",
    "string_pattern_mismatch": "lower-case letters, digits and single hyphens are allowed,"
    " as in wrong-volume",
}

_LIMITS: Final = frozenset(
    {
        "greater_than_equal", "greater_than", "less_than_equal", "less_than", "too_short",
        "too_long", "string_too_short", "string_too_long",
    }
)  # fmt: skip


def _complaint(wrong: _Wrong) -> Complaint:
    """The key that is wrong, and what is wrong with it."""
    error, path = wrong.error, wrong.path
    if error["type"] not in _PYDANTIC:  # our own types', in the right words
        about = error.get("ctx", {})
        return ((*path, about["key"]), about["why"]) if "key" in about else (path, error["msg"])
    if error["type"] == "union_tag_not_found":
        return _no_kind(wrong)
    if error["type"] == "missing" and isinstance(error["loc"][-1], int):
        return path, _PAIR
    return path, _reason(wrong)


_PYDANTIC: Final = frozenset(get_args(ErrorType))


def _reason(wrong: _Wrong) -> str:
    """What is wrong, and what is allowed."""
    kind = wrong.error["type"]
    if kind in _LIMITS:
        return _limits(wrong)
    say = _SAID.get(kind)
    return say(wrong) if say else _WANTED.get(kind, "this cannot stand here")


def _unknown(wrong: _Wrong) -> str:
    allowed = keys_of(wrong.model)
    key = wrong.path[-1]
    if wrong.model is not Scenario and key in _OF_THE_WHOLE - set(allowed):
        return "no such key here: it belongs above the first table of the file"
    near = did_you_mean(key, allowed)
    return f"no such key here. Allowed are {listed(allowed)}.{near}"


_OF_THE_WHOLE: Final = frozenset({"title", "summary", "users", "source", "length", "seed"})
"""What is said of a whole scenario, before all of its tables."""


def _no_such_word(wrong: _Wrong) -> str:
    allowed = _words(wrong.error)
    if wrong.value is False and allowed == ("true",):
        return "allowed is true; otherwise leave it out"
    if wrong.path[0] != "link" and wrong.path[-1] == "link":
        allowed = (*allowed, "clear")  # which is a class of its own
    return f"allowed are {listed(allowed)}.{did_you_mean(wrong.value, allowed)}"


def _no_list(wrong: _Wrong) -> str:
    key = wrong.path[-1]
    tables = isinstance(key, str) and _model_of(wrong.model, key) is not None
    if not tables and key not in _TAGGED:
        return "a list is wanted"
    header = ".".join(each for each in wrong.path if isinstance(each, str))
    return f"a list of tables is wanted: write [[{header}]]"


def _words(error: ErrorDetails) -> tuple[str, ...]:
    expected = str(error.get("ctx", {}).get("expected", ""))
    return tuple(re.findall(r"'([^']*)'", expected)) or (expected.lower(),)


def _missing(wrong: _Wrong) -> str:
    """That a key is missing, and what it might be."""
    example = _schema(wrong.model, str(wrong.path[-1])).get("examples", [None])[0]
    return "it is missing" + (f'; it is written as "{example}"' if example else "")


_PAIR: Final = "one value is wanted, or a list of two, the least and the most"


def _no_kind(wrong: _Wrong) -> Complaint:
    """Why an act or an expectation is of no known kind."""
    given: Mapping[str, Any] = wrong.value if isinstance(wrong.value, dict) else {}
    is_act = wrong.path[-2] == "at"
    names = FAMILIES if is_act else tuple(EXPECTATIONS)
    what = "says who acts" if is_act else "says what is expected"
    known = [each for each in names if each in given]
    if len(known) > 1:
        return wrong.path, f"{listed(known)} exclude each other: exactly one key {what}"
    if known:
        kinds = tuple(KINDS[known[0]])
        near = did_you_mean(given[known[0]], kinds)
        return (*wrong.path, known[0]), f"allowed are {listed(kinds)}.{near}"
    guesses = filter(None, (did_you_mean(key, names) for key in given))
    return wrong.path, f"no key {what}. One of {listed(names)} is wanted.{next(guesses, '')}"


def _limits(wrong: _Wrong) -> str:
    about = _schema(wrong.model, str(wrong.path[-1]))
    if wrong.error["type"] in {"too_short", "too_long"}:
        if "maxItems" not in about or about["maxItems"] == about.get("minItems"):
            return _PAIR
        return f"{about['minItems']} to {about['maxItems']} of them are allowed"
    if wrong.error["type"].startswith("string"):
        return f"{about['minLength']} to {about['maxLength']} characters are allowed"
    least, most = about.get("minimum"), about.get("maximum", about.get("exclusiveMaximum", 0) - 1)
    if most < 0:
        return f"allowed are {least:,} and more"
    return f"allowed are {least:,} to {most:,}"


@cache
def _schema(model: type[BaseModel], key: str) -> dict[str, Any]:
    """What the JSON Schema says of a key that is given, whether or not it may be left out."""
    about = model.model_json_schema(by_alias=True)
    properties = about.get("properties") or about["$defs"][model.__name__]["properties"]
    schema: dict[str, Any] = properties.get(key, {})
    return {**schema, **schema.get("anyOf", [{}])[0]}


_SAID: Final[Mapping[str, Callable[[_Wrong], str]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _no_such_word,
    "tuple_type": _no_list,
}
