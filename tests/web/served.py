"""An application with a little of everything, behind a gate on a real port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Mapping
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, FastAPI, HTTPException, Request, WebSocket
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from pump_protocol.web.address import HttpAddress
from pump_protocol.web.gate import Gate
from pump_protocol.web.problems import Problem, install
from pump_protocol.web.serving import Server

LOOPBACK = HttpAddress("127.0.0.1", 0)
INSTRUCTOR = "an-instructors-token-0123456789"
TRAINEE = "a-trainees-token-0123456789"
TOKENS = {INSTRUCTOR: "instructor", TRAINEE: "trainee"}


def run(work: Coroutine[Any, Any, None]) -> None:
    """Do the work on an event loop of its own, within ten seconds."""

    async def limited() -> None:
        async with asyncio.timeout(10):
            await work

    asyncio.run(limited())


class Lasting:
    """How many requests that go on until somebody leaves have begun, and ended."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self._changed = asyncio.Event()

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """What one of them does meanwhile."""
        self.begun += 1
        self._changed.set()
        try:
            yield
        finally:
            self.ended += 1
            self._changed.set()

    async def until(self, *, begun: int = 0, ended: int = 0) -> None:
        """Wait until there have been so many."""
        while self.begun < begun or self.ended < ended:
            await self._changed.wait()
            self._changed.clear()


class Dose(BaseModel):
    """A body with limits."""

    model_config = ConfigDict(extra="forbid")

    percent: Annotated[int, Field(ge=1, le=100)]
    name: Annotated[str, Field(max_length=20)] = "usual"


def application() -> FastAPI:
    """Routes of every kind, with the problems of the kit."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    install(app)
    app.state.lasting = Lasting()
    app.state.received_bytes = 0

    @app.get("/role")
    async def role(request: Request) -> dict[str, str | None]:
        return {"role": request.state.role}

    @app.get("/own-policy")
    async def own_policy() -> Response:
        return Response("", headers={"Content-Security-Policy": "sandbox"})

    app.include_router(_short(app))
    app.include_router(_lasting(app.state.lasting))
    return app


def _short(app: FastAPI) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/doses")
    async def doses(limit: Annotated[int, Field(ge=1, le=500)] = 10) -> list[int]:
        return [limit]

    @router.post("/doses", status_code=201)
    async def add(dose: Dose) -> Dose:
        return dose

    @router.delete("/doses/{number}")
    async def remove(number: int) -> None:
        raise Problem(409, "impossible", f"dose {number} was given", number=number, at=float("inf"))

    @router.put("/body")
    async def body(request: Request) -> dict[str, int]:
        app.state.received_bytes = len(await request.body())
        return {"bytes": app.state.received_bytes}

    @router.get("/gone")
    async def gone() -> None:
        raise HTTPException(410, "it was here", {"X-Since": "yesterday"})

    @router.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError("what nobody shall read")

    return router


def _lasting(lasting: Lasting) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            with lasting.counted():
                while True:
                    yield b"x" * 60_000
                    await asyncio.sleep(0)

        return StreamingResponse(lines(), media_type="text/event-stream")

    @router.get("/wait")
    async def wait() -> None:
        with lasting.counted():
            await asyncio.Event().wait()

    @router.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        with lasting.counted():
            await socket.send_text(str(socket.state.role))
            while True:
                await socket.receive_text()

    @router.websocket("/flood")
    async def flood(socket: WebSocket) -> None:
        await socket.accept()
        with lasting.counted():
            while True:
                await socket.send_text("x" * 60_000)

    return router


class Served:
    """What a test asks, and what the gate and the server have logged."""

    def __init__(self, server: Server, client: httpx.AsyncClient, log: list[str]) -> None:
        self.server = server
        self.client = client
        self.log = log

    @property
    def host(self) -> str:
        """What a browser says in the Host header."""
        return str(self.server.address)

    def socket_url(self, path: str = "/api/live") -> str:
        """A WebSocket."""
        return f"ws://{self.host}{path}"


@contextlib.asynccontextmanager
async def served(
    app: ASGIApp | None = None,
    *,
    address: HttpAddress = LOOPBACK,
    tokens: Mapping[str, str] | None = None,
    open_paths: Collection[str] = (),
    notice: str = "",
) -> AsyncIterator[Served]:
    """The application behind a gate; what it serves is asked on the loopback."""
    log: list[str] = []
    gate = Gate(
        app or application(),
        address=address,
        tokens=tokens or {},
        log=log.append,
        open_paths=open_paths,
        notice=notice,
        body_limit=lambda path: 5_000 if path == "/api/body" else 1_000,
    )
    async with (
        Server(gate, address, log.append) as server,
        httpx.AsyncClient(base_url=server.address.url(""), verify=False) as client,
    ):
        yield Served(server, client, log)
