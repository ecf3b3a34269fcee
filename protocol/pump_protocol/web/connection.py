"""One connection of a browser or a program, and how long it may take to ask.

uvicorn has limits for what is asked, but none for those who never finish asking: whoever opens a
thousand connections and says nothing would have every file that the system gives to a process.
What is answered, streams and WebSockets among it, may take as long as it takes.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

MOST_CONNECTIONS: Final = 256
"""How many may be open at once, WebSockets among them."""

HEAD_S: Final = 10.0
"""How long the head of a request may take, from the connection or from its first byte."""

BODY_S: Final = 60.0
"""How long the body of a request may take."""

IDLE_S: Final = 60
"""How long a connection may stay open between two requests."""


class Connection(H11Protocol):
    """Closes itself if its peer takes too long, or if there are too many."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        log: Callable[[str], None],
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._log = log
        # What is waited for, the request before it, and until when.
        self._waits: tuple[str, object] | None = None
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._give_up(f"closed at once: {MOST_CONNECTIONS} connections are open")
            return
        self._wait("head", HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and see what is still to come."""
        super().data_received(data)
        self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave it to the WebSocket, whose head is whole."""
        self._wait(None)
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """See what comes after the answer; some of it may have come before."""
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        if self.transport.is_closing() or self not in self.connections:
            self._wait(None)
        elif self.conn.their_state is h11.SEND_BODY:
            self._wait("body", BODY_S)
        elif self.conn.their_state is not h11.IDLE:
            self._wait(None)  # until there is an answer
        elif self.cycle is None or self.conn.trailing_data[0]:
            self._wait("head", HEAD_S)
        else:
            # uvicorn limits that too, but not where the answer came before the end of the body.
            self._wait("next request", IDLE_S)

    def _wait(self, what: str | None, seconds: float = 0) -> None:
        waits = None if what is None else (what, self.cycle)
        if waits == self._waits:
            return  # a peer who sends a byte now and then gets no more time
        self._waits = waits
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        if what is not None:
            self._limit = self.loop.call_later(seconds, self._too_slow, what, seconds)

    def _too_slow(self, what: str, seconds: float) -> None:
        self._limit = None
        if what != "body" and not self.conn.trailing_data[0]:
            self.transport.close()  # browsers open one or two in advance: not worth a line
        else:
            self._give_up(f"closed: the {what} of a request took more than {seconds:g} s")

    def _give_up(self, why: str) -> None:
        host, port = self.client or ("somebody", 0)
        self._log(f"{host}:{port} {why}")
        self.transport.abort()
