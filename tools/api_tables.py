"""The control API's operations, problems and answers, as Markdown from what serves them."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from markdown_table import table
from pump_sim.console.api.answers import COMPONENTS
from pump_sim.console.api.composing import OPERATIONS
from pump_sim.console.api.document import problems_of
from pump_sim.console.api.operation import Operation
from pump_sim.console.api.refusing import MEANINGS, STATUS
from pump_sim.console.api.schemas import REFERENCE
from pump_sim.control.commands import COMMANDS
from pump_sim.control.parameters import Parameter

Schema = dict[str, Any]

SHOWN = ("Pump", "Session", "Sight", "Observed", "Event", "History", "Snapshot", "FormField")
"""The answers of which every key is listed; the others are the door's, or small."""

_ANY = {400, 401, 403, 413, 415, 421}
"""Statuses of problems that the page tells of once: of any request, or of any body."""


def overview() -> str:
    """Every operation in a line."""
    rows = (
        (f"[`{each.name}`](#{each.name})", f"`{each.method.upper()} {_path(each)}`", each.summary)
        for each in OPERATIONS
    )
    return table(("operation", "request", "what it does"), rows)


def operations() -> str:
    """Every operation in full, by what it is about."""
    return "\n\n".join(
        f"### {tag.capitalize()}\n\n" + "\n\n".join(map(_operation, group))
        for tag, group in groupby(OPERATIONS, key=lambda each: each.tag)
    )


def problems() -> str:
    """Every code of a problem."""
    rows = sorted((STATUS[code], f"`{code}`", text) for code, text in MEANINGS.items())
    return table(("status", "code", "meaning"), rows)


def answers() -> str:
    """Every key of what pages are shown."""
    return "\n\n".join(
        f"### {name}\n\n{_introduced(name)}"
        f"{table(('key', 'type', 'meaning'), _keys(COMPONENTS.schemas[name]))}"
        for name in SHOWN
    )


# --- Operations ----------------------------------------------------------------------------------


def _path(operation: Operation) -> str:
    return operation.path or "/"


def _operation(operation: Operation) -> str:
    parts = [
        f"#### {operation.name}",
        f"`{operation.method.upper()} {_path(operation)}`",
        _said(operation),
        _fields("query", operation.query),
        _fields("body", operation.body or ()),
        _answers(operation),
    ]
    return "\n\n".join(filter(None, parts))


def _said(operation: Operation) -> str:
    """What it does. What a command of the door does needs no summary before it."""
    of_the_door = operation.doc in {each.doc for each in COMMANDS.values()}
    return operation.doc if of_the_door else f"{operation.summary} {operation.doc}".strip()


def _fields(where: str, parameters: Iterable[Parameter]) -> str:
    rows = [
        (
            f"`{each.name}`",
            each.kind.words,
            each.doc.replace("](#", "](control-door.md#"),
            "must be given" if each.required else each.default,
        )
        for each in parameters
    ]
    return table((f"{where} field", "takes", "meaning", "default"), rows) if rows else ""


def _answers(operation: Operation) -> str:
    answer = operation.answer
    about = f"{answer.doc[:1].lower()}{answer.doc[1:]}".rstrip(".")
    own = sorted(
        code
        for status, codes in problems_of(operation).items()
        if status not in _ANY
        for code in codes
        if code != "unknown_field"
    )
    kind = "" if answer.media_type == "application/json" else f" ({answer.media_type})"
    refused = f" Problems: {', '.join(f'`{each}`' for each in own)}." if own else ""
    return f"Answers {answer.status}{kind}: {about}.{refused}"


# --- Answers -------------------------------------------------------------------------------------


def _introduced(name: str) -> str:
    about = COMPONENTS.schemas[name].get("description")
    return f"{about}\n\n" if about else ""


def _keys(schema: Schema, before: str = "") -> Iterator[tuple[str, str, str]]:
    for key, each in schema["properties"].items():
        yield f"`{before}{key}`", _type(each), each.get("description", "")
        inner = _inner(each)
        if inner is not None:
            yield from _keys(inner, f"{before}{key}{'[]' if _is_list(each) else ''}.")


def _inner(schema: Schema) -> Schema | None:
    """The object in a value, or in the elements of a list, if its keys are said here."""
    schema = schema.get("items", schema)
    for each in (schema, *schema.get("anyOf", ())):
        if "properties" in each:
            found: Schema = each
            return found
    return None


def _is_list(schema: Schema) -> bool:
    return "items" in schema


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return _referred(schema["$ref"].removeprefix(REFERENCE))
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join("null" if each is None else f"`{each}`" for each in schema["enum"])
    if _is_list(schema) and schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    kinds = schema.get("type", "anything")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _referred(name: str) -> str:
    schema = COMPONENTS.schemas[name]
    if "enum" in schema:
        return _type(schema)
    if name in SHOWN:
        return f"[{name}](#{name.lower()})"
    return {
        "Status": "as [`belief`](control-door.md#belief)",
        "Truth": "as [`truth`](control-door.md#truth)",
        "PatientView": "as [`patient`](control-door.md#patient)",
    }.get(name, name)
