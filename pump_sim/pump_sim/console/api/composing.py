"""The API as an application: every operation on its path, what it is given checked, errors said."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute, compile_path

from pump_protocol._version import __version__
from pump_protocol.web import problems
from pump_protocol.web.problems import Problem
from pump_sim.console.api import (
    acting,
    answers,
    breaking,
    debriefing,
    housing,
    keeping,
    moving,
    playing,
    reading,
    streaming,
)
from pump_sim.console.api.bodies import checked, read_body, read_query
from pump_sim.console.api.docs_page import docs_page
from pump_sim.console.api.document import document
from pump_sim.console.api.jsoning import Json
from pump_sim.console.api.operation import BASE, SMALL_BYTES, Asked, Operation
from pump_sim.console.api.refusing import problem_of
from pump_sim.console.house import House
from pump_sim.control.errors import ControlError
from pump_sim.control.refusing import refused
from pump_sim.model.refusals import Refused

OPERATIONS: Final[tuple[Operation, ...]] = (
    *housing.OPERATIONS,
    *reading.OPERATIONS,
    *moving.OPERATIONS,
    *breaking.OPERATIONS,
    *acting.OPERATIONS,
    *playing.OPERATIONS,
    *keeping.OPERATIONS,
    *streaming.OPERATIONS,
    *debriefing.OPERATIONS,
)
"""Every operation, in the order of the reference."""

_ANY_ACT: Final = Operation(
    name="act",
    method="post",
    path="/pumps/{pump}/acts/{act}",
    tag="acts",
    summary="Refuse an act that there is not.",
    answer=answers.answer("Never.", answers.ANYTHING),
    handle=acting.no_such_act,
)


def create_api(house: House) -> FastAPI:
    """The control API of the pumps in a house. Its document is at ``/api/v1/openapi.json``."""
    api = FastAPI(
        title="pump-sim control API",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(api)
    told = document(OPERATIONS)
    api.openapi = lambda: told  # type: ignore[method-assign]  # FastAPI's documented way
    for operation in (*OPERATIONS, _ANY_ACT):
        api.add_api_route(
            BASE + operation.path,
            _endpoint(house, operation),
            methods=[operation.method.upper()],
            response_model=None,
            include_in_schema=False,
        )

    notice = next(each for each in OPERATIONS if not each.path)
    # Whoever joins paths to the base address may come with a slash more.
    api.add_api_route(f"{BASE}/", _endpoint(house, notice), include_in_schema=False)

    async def openapi(request: Request) -> Response:
        del request
        return Json(told)

    async def docs(request: Request) -> Response:
        del request
        return docs_page(OPERATIONS)

    for base in (BASE, ""):  # tools look for both at the root
        api.add_api_route(f"{base}/openapi.json", openapi, include_in_schema=False)
        api.add_api_route(f"{base}/docs", docs, include_in_schema=False)
    api.router.routes.append(WebSocketRoute(f"{BASE}/pumps/{{pump}}/live", streaming.live(house)))
    return api


def longest_body(path: str) -> int:
    """How long a body may be that is sent to a path, in bytes: for the gate before the API."""
    return max(
        (length for pattern, length in _LONG_BODIES if pattern.fullmatch(path)), default=SMALL_BYTES
    )


_LONG_BODIES: Final = [
    (compile_path(BASE + each.path)[0], each.longest_body)
    for each in OPERATIONS
    if each.longest_body > SMALL_BYTES
]


def _endpoint(house: House, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            _check_role(request, operation)
            asked = await _asked(house, request, operation)
            told = await operation.handle(asked)
        except ControlError as error:
            raise problem_of(error) from None
        except Refused as error:
            raise problem_of(refused(error)) from None
        return told if isinstance(told, Response) else Json(told)

    return serve


async def _asked(house: House, request: Request, operation: Operation) -> Asked:
    query = read_query(request, operation)
    if operation.body is None:
        return Asked(house, request, {}, query)
    body = await read_body(request, operation)
    return Asked(house, request, body, {**query, **checked(body, operation)})


def _check_role(request: Request, operation: Operation) -> None:
    """Nothing if whoever asks may.

    :raises Problem: a trainee asks for what a trainee is not to know.
    """
    role = request.scope.get("state", {}).get("role", "instructor")
    if role == "instructor" or operation.trainee == "always":
        return
    if operation.trainee == "never":
        raise Problem(403, "forbidden", "a trainee may not ask that")
    if request.query_params.getlist("view") != ["trainee"]:
        raise Problem(403, "forbidden", "a trainee may only ask for view=trainee")
