"""Errors of an HTTP API as problem details (RFC 9457), whoever raises them.

What a problem's code means is the API's own; here is only how one is said.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount

MEDIA_TYPE: Final = "application/problem+json"

LONGEST_VALUE: Final = 200
"""Characters of a value that is given back; a body may be megabytes long."""

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_OWN: Final = frozenset({"type", "title", "status", "detail", "instance", "code"})
_CODES: Final = {"missing": "missing_field", "extra_forbidden": "unknown_field"}
_LIMITS: Final = {
    "ge": "minimum",
    "le": "maximum",
    "gt": "above",
    "lt": "below",
    "min_length": "minimum_length",
    "max_length": "maximum_length",
    "pattern": "pattern",
    "expected": "expected",
}


class Problem(Exception):
    """A request that cannot be carried out.

    :param status: of HTTP, 400 to 599.
    :param code: which kind of problem it is, for programs: lower case with underscores.
    :param detail: what is wrong this time, for people.
    :param headers: of the answer, beside its own.
    :param members: more for programs, beside those that every problem has.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        assert 400 <= status < 600, status
        assert not _OWN & members.keys(), members
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def as_json(self, instance: str) -> dict[str, Any]:
        """The document; *instance* is the path of the request."""
        return {
            "type": f"urn:pump-sim:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            **{name: _jsonable(value) for name, value in self.members.items()},
        }

    def response(self, instance: str) -> Response:
        """The answer that says it."""
        # ASCII only: half a surrogate pair, which JSON can spell, has no UTF-8.
        text = json.dumps(self.as_json(instance), allow_nan=False)
        return Response(text, self.status, self.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have *app* answer with a problem whatever goes wrong in it.

    A bug is answered without a word of what it was, and raised again for the server to log.
    """

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response(request.url.path)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _of_http(request, error, app.routes).response(request.url.path)

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return _of_validation(request, error.errors()).response(request.url.path)

    async def bug(request: Request, error: Exception) -> Response:
        del error  # the server that logs it is told by the raise that follows
        return internal_error().response(request.url.path)

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(Exception, bug)


def internal_error() -> Problem:
    """A bug of the program's; of what it was, nothing is said."""
    detail = "an error of the program, not of the request; its log says more"
    return Problem(500, "internal_error", detail)


# --- What the frameworks raise -------------------------------------------------------------------


def _of_http(request: Request, error: HTTPException, routes: Iterable[BaseRoute]) -> Problem:
    headers = dict(error.headers or {})
    path = request.url.path
    if error.status_code == HTTPStatus.NOT_FOUND and error.detail == HTTPStatus.NOT_FOUND.phrase:
        return Problem(404, "unknown_route", f"there is nothing at {path}", headers=headers)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = _allowed(request, routes) | set(headers.get("Allow", "").split(", ")) - {""}
        text = ", ".join(sorted(allowed))
        detail = f"{path} does not take {request.method}; allowed are {text}"
        return Problem(
            405, "method_not_allowed", detail, headers={"Allow": text}, allowed=sorted(allowed)
        )
    code = HTTPStatus(error.status_code).name.lower()
    return Problem(error.status_code, code, str(error.detail), headers=headers)


def _allowed(request: Request, routes: Iterable[BaseRoute]) -> set[str]:
    """The methods of every route of that path: the framework tells those of the first only."""
    mine = [each for each in routes if not isinstance(each, Mount)]
    # What is mounted has been told its own part of the path only.
    root = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    whole = {**request.scope, "root_path": root}
    return {
        method
        for method in _METHODS
        if any(each.matches({**whole, "method": method})[0] is Match.FULL for each in mine)
    }


def _of_validation(request: Request, errors: Sequence[Any]) -> Problem:
    if any(isinstance(each.get("input"), bytes) for each in errors):
        # The framework reads as JSON only what says that it is.
        sent = request.headers.get("content-type", "of no type")
        detail = f"the body is {sent}; allowed is application/json"
        return Problem(415, "unsupported_media_type", detail, allowed=["application/json"])
    if any(each["type"] == "json_invalid" for each in errors):
        return Problem(400, "bad_json", f"the body is no JSON: {errors[0]['ctx']['error']}")
    told = [_of_field(each) for each in errors]
    first = told[0]
    detail = "; ".join(each["message"] for each in told)
    code = _CODES.get(errors[0]["type"], "bad_value")
    return Problem(
        422,
        code,
        detail,
        field=first["field"],
        value=first["value"],
        allowed=first["allowed"],
        errors=told,
    )


def _of_field(error: Mapping[str, Any]) -> dict[str, Any]:
    place = [str(each) for each in error["loc"]]
    field = ".".join(place[1:]) or (place[0] if place else "request")
    missing = error["type"] == "missing"
    value = None if missing else _short(error.get("input"))
    limits = {
        _LIMITS[name]: _jsonable(limit)
        for name, limit in error.get("ctx", {}).items()
        if name in _LIMITS
    }
    why = "is missing" if missing else f"= {value!r}: {error['msg']}"
    return {"field": field, "value": value, "allowed": limits or None, "message": f"{field} {why}"}


# --- Values in JSON ------------------------------------------------------------------------------


def _jsonable(value: Any) -> Any:
    """The value if JSON has it, its parts one by one; otherwise what Python calls it."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else repr(value)
        case Mapping():
            return {str(name): _jsonable(each) for name, each in value.items()}
        case list() | tuple():
            return [_jsonable(each) for each in value]
        case _:
            return repr(value)


def _short(value: Any) -> Any:
    """A value that is given back: short, however long it is."""
    text = repr(value)
    return _jsonable(value) if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
