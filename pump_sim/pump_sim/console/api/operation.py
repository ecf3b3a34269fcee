"""What an operation of the API is, and what its handler is given; which there are is elsewhere."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from pump_sim.console.api.schemas import Schema
from pump_sim.console.house import House
from pump_sim.console.room import Room
from pump_sim.control.parameters import Parameter

BASE: Final = "/api/v1"
"""Where this version of the API is."""

Method = Literal["get", "post", "put", "patch", "delete"]

SMALL_BYTES: Final = 1024 * 1024
"""How long a body may be, but for a state."""

FEW_VALUES: Final = 10_000
"""How many values a body may have, but for a state."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: whom it is for, and what it says.

    `body` is as it came; `given` are its fields and those of the query, checked.
    """

    house: House
    request: Request
    body: Mapping[str, Any]
    given: Mapping[str, Any]

    def path(self, name: str) -> str:
        """A part of the path."""
        part: str = self.request.path_params[name]
        return part

    @property
    def room(self) -> Room:
        """The pump that is meant.

        :raises ControlError: there is none of that id.
        """
        return self.house.room(self.path("pump"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation answers when all is well. Without a schema it is not JSON, or nothing."""

    doc: str
    schema: Schema | None = None
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked over HTTP.

    `path` is below :data:`BASE`. `body` are the fields of the request's object, None where none is
    taken. `problems` are the codes of what may go wrong beyond what may with any operation.
    `trainee` says whether a trainee may ask: with "as_trainee" only with ``view=trainee``.
    """

    name: str
    method: Method
    path: str
    tag: str
    summary: str
    doc: str = ""
    query: tuple[Parameter, ...] = ()
    body: tuple[Parameter, ...] | None = None
    longest_body: int = SMALL_BYTES
    most_values: int = FEW_VALUES
    answer: Answer
    problems: tuple[str, ...] = ()
    trainee: Literal["never", "as_trainee", "always"] = "never"
    handle: Callable[[Asked], Awaitable[Response | Mapping[str, Any]]]
