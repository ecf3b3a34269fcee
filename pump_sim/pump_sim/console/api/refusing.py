"""How a request at the API fails: the door's errors as problems, and the status of each code."""

from typing import Any, Final

from pump_protocol.web.problems import Problem
from pump_sim.control.errors import CODES, ControlError

STATUS: Final = {
    "bad_json": 400,
    "no_token": 401,
    "forbidden": 403,
    "foreign_origin": 403,
    "unknown_command": 404,
    "unknown_fault": 404,
    "unknown_pump": 404,
    "unknown_route": 404,
    "unknown_scenario": 404,
    "unknown_snapshot": 404,
    "method_not_allowed": 405,
    "impossible": 409,
    "refused": 409,
    "body_too_large": 413,
    "bad_media_type": 415,
    "wrong_host": 421,
    "bad_state": 422,
    "bad_value": 422,
    "missing_field": 422,
    "unknown_field": 422,
    "internal_error": 500,
    "unavailable": 503,
}
"""The status of every code of a problem."""

MEANINGS: Final = {
    **{code: text for code, text in CODES.items() if code in STATUS},
    "bad_json": "the body is no JSON object in UTF-8, is nested too deeply, has a key twice, or has"
    " more than 10,000 values; 100,000 where a state is given",
    "no_token": "a token is needed, or the one that was given is wrong",
    "forbidden": "a trainee may not ask that",
    "foreign_origin": "the page that asks is another server's",
    "unknown_command": "there is no such act",
    "unknown_pump": "there is no pump of that id",
    "unknown_route": "there is nothing at that path",
    "unknown_scenario": "no scenario of that name comes with the package",
    "unknown_snapshot": "there is no snapshot of that id",
    "unknown_field": "a field of the query or the body is none of this operation's",
    "method_not_allowed": "the path does not take that method; `allowed` are those that it takes",
    "body_too_large": "the body is longer than 1 MiB; 8 MiB where a state is given",
    "wrong_host": "the Host header names another server",
    "bad_media_type": "the body is not said to be application/json",
    "internal_error": "an error of the program, not of the request; its log says more",
    "unavailable": "the machine has no process, thread or descriptor to spare; ask again later",
}
"""Every code that a problem may have, and what it means."""


def unavailable(what: str) -> Problem:
    """The problem of a machine that has nothing to spare at the moment."""
    headers = {"Retry-After": "10"}
    return Problem(503, "unavailable", f"{what}; ask again later", headers=headers)


def problem_of(error: ControlError) -> Problem:
    """The problem that says what the door would have said."""
    told: dict[str, Any] = error.as_json()
    code, message = told.pop("code"), told.pop("message")
    return Problem(STATUS[code], code, message, **told)
