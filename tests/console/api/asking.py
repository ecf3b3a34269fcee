"""A house with its API, and a client that holds every answer against the API's own document."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from pump_protocol.web.problems import MEDIA_TYPE as PROBLEM_TYPE
from pump_sim.console.api.composing import OPERATIONS, create_api
from pump_sim.console.api.document import document
from pump_sim.console.api.operation import Operation
from pump_sim.console.house import House
from pump_sim.console.piece import Piece, practice_piece
from pump_sim.notice import SIMULATOR_NOTICE

BASE = "/api/v1"
DOCUMENT = document(OPERATIONS)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Do the work on an event loop of its own, within twenty seconds."""

    async def limited() -> None:
        async with asyncio.timeout(20):
            await work

    asyncio.run(limited())


def usual(number: int) -> Piece:
    """A practice with a pump of its own serial number."""
    return practice_piece({"pump": {"serial_number": f"SIM-{number:04}"}})


@contextlib.asynccontextmanager
async def house(pumps: int = 1) -> AsyncIterator[House]:
    """A house with so many pumps, paused at their start, on real ports."""
    opened = House(SIMULATOR_NOTICE, usual)
    try:
        for _ in range(pumps):
            await opened.open("tcp")
        yield opened
    finally:
        await opened.close_all()


class Asking:
    """Asks the API, and checks each answer: its status, its type and its content are documented."""

    def __init__(self, client: httpx.AsyncClient, of: House) -> None:
        self.client = client
        self.house = of

    async def get(self, path: str, status: int = 200) -> Any:
        """What a GET is answered with."""
        return await self.ask("GET", path, status=status)

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """What a POST is answered with."""
        return await self.ask("POST", path, body, status=status)

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The content of an answer of that status; None of one without any."""
        response = await self.client.request(method, BASE + path, json=body)
        assert response.status_code == status, response.text
        return checked(response)

    async def refused(
        self, method: str, path: str, body: Any = None, *, status: int, code: str
    ) -> Any:
        """The problem that a request is refused with."""
        problem = await self.ask(method, path, body, status=status)
        assert problem["code"] == code, problem
        assert problem["detail"]
        assert problem["instance"] == (BASE + path).partition("?")[0]
        return problem


@contextlib.asynccontextmanager
async def asking(pumps: int = 1) -> AsyncIterator[Asking]:
    """A house, and who asks it."""
    async with house(pumps) as opened:
        transport = httpx.ASGITransport(create_api(opened))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield Asking(client, opened)


def checked(response: httpx.Response) -> Any:
    """The content of an answer that is as the document says it."""
    media_type = response.headers.get("content-type", "").partition(";")[0]
    found = _operation(response.request)
    if found is None:
        assert media_type == PROBLEM_TYPE, response.text
        return _valid(response, _validator("Problem", "", ""))
    told = DOCUMENT["paths"][BASE + found.path][found.method]["responses"]
    status = str(response.status_code)
    assert status in told, f"{found.name}: {status} is not documented: {response.text}"
    assert told[status].get("headers", {}).keys() <= {each.title() for each in response.headers}
    if "content" not in told[status]:
        assert not response.content
        return None
    assert media_type in told[status]["content"], f"{found.name}: {media_type}"
    if not media_type.endswith(("/json", "+json")):
        return response.text
    return _valid(response, _validator(found.name, status, media_type))


def _valid(response: httpx.Response, validator: Draft202012Validator) -> Any:
    answer = response.json()
    errors = [f"{each.json_path}: {each.message}"[:300] for each in validator.iter_errors(answer)]
    assert not errors, errors
    return answer


def _operation(request: httpx.Request) -> Operation | None:
    parts = request.url.path.removeprefix(BASE).split("/")
    for each in OPERATIONS:
        pattern = each.path.split("/")
        if each.method.upper() != request.method or len(pattern) != len(parts):
            continue
        if all(p.startswith("{") or p == part for p, part in zip(pattern, parts, strict=True)):
            return each
    return None


@cache
def _validator(name: str, status: str, media_type: str) -> Draft202012Validator:
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{name}"}
    for each in OPERATIONS:
        if each.name == name:
            told = DOCUMENT["paths"][BASE + each.path][each.method]["responses"][status]
            schema = told["content"][media_type]["schema"]
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})
