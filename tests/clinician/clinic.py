"""The programmer's pages on a real port, before a whole simulated pump in this process."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

import httpx

from pump_programmer.errors import PortMissing, PumpGone
from pump_programmer.patience import Patience
from pump_programmer.web.access import Access
from pump_programmer.web.app import application, gated
from pump_programmer.web.office import Office
from pump_protocol.frames import Frame, FrameDecoder
from pump_protocol.messages import Request, Response
from pump_protocol.payloads import encode
from pump_protocol.web.address import HttpAddress
from pump_protocol.web.serving import Server
from tests.programmer.virtual_port import VirtualPort

PATIENCE = Patience(100, 2, 5.0)
TOKEN = "a-token-of-the-clinic-0123456789"


class PluggablePort(VirtualPort):
    """A pump's port, which somebody may pull out, and whose answers may get lost one by one."""

    unplugged = False

    def plug_in(self, patch: Any) -> None:
        """Whatever address a programmer opens from now on is this port."""

        def opened(address: str) -> Self:
            if self.unplugged:
                raise PortMissing(f"port {address}: no such device; is the pump running?")
            return self

        patch.setattr("pump_programmer.connection.open_transport", opened)

    def read(self, timeout_s: float) -> bytes:
        self._check()
        return super().read(timeout_s)

    def write(self, data: bytes, timeout_s: float) -> None:
        self._check()
        super().write(data, timeout_s)

    def _check(self) -> None:
        if self.unplugged:
            raise PumpGone("port virtual was lost: it was closed at the other end")

    def lose_answers_to(
        self, kind: type[Request[Response]], times: int = PATIENCE.attempts, *, deaf: bool = False
    ) -> None:
        """Lose the answers to the next sendings of a request to a pump without keys.

        :param deaf: the pump does not hear them, either.
        """
        left = times

        def instead(data: bytes) -> bytes | None:
            nonlocal left
            kinds = [f.message_type for f in FrameDecoder().feed(data) if isinstance(f, Frame)]
            if not left or kind.message_type not in kinds:
                return None
            left -= 1
            if not deaf:
                self.endpoint.receive_data(data, self.now_ns)
            return b""

        self.on_write = instead

    def answer_instead(self, kind: type[Request[Response]], answer: Response) -> None:
        """Have a pump without keys answer a request so, which it never hears."""

        def instead(data: bytes) -> bytes | None:
            for asked in FrameDecoder().feed(data):
                if isinstance(asked, Frame) and asked.message_type == kind.message_type:
                    told = replace(asked, message_type=answer.message_type, payload=encode(answer))
                    return told.to_bytes()
            return None

        self.on_write = instead


class Page:
    """One page: what it asks, and what it is answered."""

    def __init__(self, url: str, name: str, headers: Mapping[str, str]) -> None:
        self.name = name
        # To read the certificates of this machine for nothing takes longer than most tests.
        self.http = httpx.Client(
            base_url=url, headers={"Pump-Page": name, **headers}, timeout=20, verify=False
        )

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """What a GET is answered; it must have this status."""
        return _json(self.http.get(f"/api/v1{path}", params=query), status)

    def post(self, path: str, status: int | None = None, **body: Any) -> Any:
        """What a POST is answered; it must have succeeded, or have this status."""
        return _json(self.http.post(f"/api/v1{path}", json=body), status)

    def put(self, path: str, status: int | None = None, **body: Any) -> Any:
        """What a PUT is answered."""
        return _json(self.http.put(f"/api/v1{path}", json=body), status)

    @property
    def state(self) -> Any:
        """How things stand."""
        return self.get("/state")

    def program(self, **fields: Any) -> Any:
        """Review and commit."""
        reviewed = self.post("/program/review", 201, **fields)
        return self.post("/program/commit", review_id=reviewed["review_id"])


def _json(response: httpx.Response, status: int | None) -> Any:
    expected = {status} if status is not None else {200, 201}
    assert response.status_code in expected, f"{response.status_code}: {response.text}"
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["status"] == response.status_code
        assert problem["type"] == f"urn:pump-sim:problem:{problem['code']}"
    return response.json()


class Clinic:
    """The application and its server, on an event loop in a thread of its own."""

    def __init__(
        self, access: Access, *, tokens: Mapping[str, str] | None = None, **office: Any
    ) -> None:
        self._access = access
        self._tokens = tokens or {}
        self._settings = office
        self._pages: list[Page] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.log: list[str] = []
        self.url = ""
        self.office: Office
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        for page in self._pages:
            page.http.close()
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def page(self, name: str = "one", *, token: str | None = None) -> Page:
        """Another page."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        page = Page(self.url, name, headers)
        self._pages.append(page)
        return page

    def connected(self, name: str = "one") -> Page:
        """A page that has connected."""
        page = self.page(name)
        assert page.post("/connect")["connection"] == "open"
        return page

    def look(self) -> None:
        """What the programmer does by itself, now and then: look after the port."""
        self.run(self.office.worker.aside(self.office.desk.look))

    def watch(self) -> Any:
        """Let the programmer look by itself; what is returned can be cancelled."""
        return self.start(self.office.watch(self.log.append))

    def start(self, work: Any) -> Any:
        """Begin something on the event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Any) -> Any:
        """Do something on the event loop."""
        return self.start(work).result(20)

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Within it the pump is busy with somebody's request."""
        going, begun = threading.Event(), threading.Event()

        def wait() -> None:
            begun.set()
            going.wait(20)

        task = asyncio.run_coroutine_threadsafe(
            self.office.do("someone", "interrogate", wait), self._loop
        )
        assert begun.wait(10)
        try:
            yield
        finally:
            going.set()
            task.result(20)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self.office = Office(self._access, **self._settings)
        address = HttpAddress("127.0.0.1", 0)
        app = gated(application(self.office), address, self._tokens, self.log.append)
        async with Server(app, address) as server:
            self.url = server.address.url("")
            self._ready.set()
            await self._ended.wait()
        await self.office.end()


def states(page: Page, until: Callable[[Any], bool]) -> list[Any]:
    """What a page is told on its stream, up to the first state of which that is so."""
    found = []
    with page.http.stream("GET", "/api/v1/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            if line.startswith("data: ") and line != "data: {}":
                found.append(json.loads(line.removeprefix("data: ")))
                if until(found[-1]):
                    return found
    raise AssertionError(f"the stream ended: {found}")
