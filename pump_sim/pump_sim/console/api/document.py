"""The OpenAPI document of the API, made from its operations: nothing is said there by hand."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from pump_protocol._version import __version__
from pump_sim.console.api.answers import COMPONENTS, PROBLEM, PROBLEM_TYPE
from pump_sim.console.api.operation import BASE, Operation
from pump_sim.console.api.refusing import MEANINGS, STATUS
from pump_sim.console.api.schemas import Schema, body_of, schema_of
from pump_sim.notice import SIMULATOR_NOTICE

Document = dict[str, Any]

_PATH_PARAMETERS: Final = {
    "pump": ("The id of a pump.", "1"),
    "fault_id": ("The number of a fault.", "1"),
    "id": ("The id of a snapshot.", "1"),
    "name": ("The name of a scenario.", "missed-refill"),
}
"""What each part of a path is, and an example of it."""

_ANY: Final = (
    "no_token",
    "forbidden",
    "foreign_origin",
    "wrong_host",
    "unknown_field",
)
_WITH_PUMP: Final = ("unknown_pump",)
_WITH_BODY: Final = ("bad_json", "body_too_large", "bad_media_type", "unavailable")


def problems_of(operation: Operation) -> dict[int, list[str]]:
    """The codes that an operation may be refused with, by their status."""
    codes = [*_ANY, *operation.problems]
    if "{pump}" in operation.path:
        codes += _WITH_PUMP
    fields = (*operation.query, *(operation.body or ()))
    if fields:
        codes.append("bad_value")
    if any(each.required for each in fields):
        codes.append("missing_field")
    if operation.body is not None:
        codes += _WITH_BODY
    by_status: defaultdict[int, list[str]] = defaultdict(list)
    for code in sorted(set(codes)):
        by_status[STATUS[code]].append(code)
    return dict(sorted(by_status.items()))


def document(operations: Iterable[Operation]) -> Document:
    """The whole document."""
    paths: defaultdict[str, Document] = defaultdict(dict)
    for each in operations:
        paths[BASE + each.path][each.method] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pump-sim control API",
            "version": __version__,
            "summary": SIMULATOR_NOTICE,
            "description": "Drives the simulated pumps of a training room. Whoever may use it may"
            " do anything to them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(paths),
        "components": {
            "schemas": dict(sorted(COMPONENTS.schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def path_parameters(operation: Operation) -> list[str]:
    """The names in an operation's path."""
    return [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]


def _operation(operation: Operation) -> Document:
    told: Document = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [*map(_of_path, path_parameters(operation)), *_query(operation)],
        "responses": {str(operation.answer.status): _answer(operation), **_problems(operation)},
    }
    if operation.doc:
        told["description"] = operation.doc
    if operation.body is not None:
        needed = any(each.required for each in operation.body)
        schema = body_of(operation.body)
        told["requestBody"] = {
            "required": needed,
            "content": {"application/json": {"schema": schema}},
        }
    return told


def _of_path(name: str) -> Document:
    about, example = _PATH_PARAMETERS[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": about,
        "schema": {"type": "string", "examples": [example]},
    }


def _query(operation: Operation) -> Iterable[Document]:
    for each in operation.query:
        schema: Schema = schema_of(each, may_be_null=False)
        about = schema.pop("description")
        yield {
            "name": each.name,
            "in": "query",
            "required": each.required,
            "description": about,
            "schema": schema,
        }


def _answer(operation: Operation) -> Document:
    answer = operation.answer
    told: Document = {"description": answer.doc}
    if answer.schema is not None:
        told["content"] = {answer.media_type: {"schema": answer.schema}}
    elif answer.status != 204:
        told["content"] = {answer.media_type: {"schema": {"type": "string"}}}
    if answer.headers:
        told["headers"] = {
            name: {"description": about, "schema": {"type": "string"}}
            for name, about in answer.headers.items()
        }
    return told


def _problems(operation: Operation) -> Document:
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {MEANINGS[code]}" for code in codes),
            "content": {PROBLEM_TYPE: {"schema": PROBLEM}},
        }
        for status, codes in problems_of(operation).items()
    }
