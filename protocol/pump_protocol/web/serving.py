"""Serves an ASGI application on the event loop that runs, beside whatever else runs there.

Signals, the end of the process and what is printed are others' business: a server says nothing
but what went wrong in the application.
"""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState

from pump_protocol.web.address import HttpAddress
from pump_protocol.web.connection import IDLE_S, Connection
from pump_protocol.web.log import is_ours

MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""The longest message that a page may send on a WebSocket."""

_LEAVE_S: Final = 0.2
"""How long whoever is connected at the end may take to hear it, and again to be cancelled."""


class WebError(Exception):
    """Pages cannot be served at an address; the message says where and why."""


class Server:
    """Answers at an address while it is open; an asynchronous context manager.

    :param address: port 0 is any free one; :attr:`address` then tells which.
    :param log: is told one line about each connection that is closed on its peer.
    """

    def __init__(
        self, app: ASGIApp, address: HttpAddress, log: Callable[[str], None] = lambda _: None
    ) -> None:
        self._app = app
        self._address = address
        self._log = log
        self._state = ServerState()
        self._listening: asyncio.Server | None = None

    @property
    def address(self) -> HttpAddress:
        """Where it is reached; a free port has its number once the server is open."""
        return self._address

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Answer from now on.

        :raises WebError: somebody has the address, or it cannot be had.
        """
        assert self._listening is None, "a server is opened once"
        sock = await _listen(self._address)
        self._address = HttpAddress(self._address.host, sock.getsockname()[1])
        config = _config(self._serve)

        def connection() -> asyncio.Protocol:
            return Connection(config, self._state, {}, log=self._log)

        self._listening = await asyncio.get_running_loop().create_server(connection, sock=sock)

    async def close(self) -> None:
        """Answer nobody any more; streams and WebSockets end, even if their readers are asleep."""
        listening, self._listening = self._listening, None
        if listening is None:
            return
        listening.close()
        for connection in tuple(self._state.connections):
            connection.shutdown()
            connection.transport.close()
        await self._wait_for_requests()
        for connection in tuple(self._state.connections):
            connection.transport.abort()
        for task in self._requests():
            task.cancel()
        await self._wait_for_requests()
        await asyncio.sleep(0)  # the transports' last callbacks

    def _requests(self) -> "list[asyncio.Task[None]]":
        # Whoever closes the server from within a request does not wait for itself.
        return [each for each in self._state.tasks if each is not asyncio.current_task()]

    async def _wait_for_requests(self) -> None:
        if tasks := self._requests():
            await asyncio.wait(tasks, timeout=_LEAVE_S)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        # That somebody has gone is no error of the application; nor is the end of the server.
        gone = (ClientDisconnect, WebSocketDisconnect)
        denied = False

        async def watched(message: Message) -> None:
            nonlocal denied
            await send(message)
            denied = denied or message["type"] == "websocket.http.response.body"

        with contextlib.suppress(*gone):
            try:
                is_socket = scope["type"] == "websocket"
                await self._app(scope, receive, watched if is_socket else send)
            except asyncio.CancelledError:
                if self._listening is not None:
                    raise
        if denied:
            # uvicorn takes a WebSocket that was denied with an answer for one that was forgotten,
            # and would log an error; this is how it is told that all is over.
            raise ClientDisconnected


def _config(app: ASGIApp) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="websockets-sansio",  # the other one uses what websockets calls legacy
        ws_max_size=MAX_MESSAGE_BYTES,
        # Ten pages get ten states a second each: to deflate them costs the pump its time.
        ws_per_message_deflate=False,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        # Below that are lines for each connection, with what was asked: tokens, too.
        log_level="error",
        access_log=False,
        # Whoever asks is who the connection says, whatever the request says.
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=IDLE_S,
    )
    config.load()
    # What anybody can cause as often as they like is worth no line, and no traceback.
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(is_ours)
    return config


# --- Listening -----------------------------------------------------------------------------------


async def _listen(address: HttpAddress) -> socket.socket:
    family, where = await _resolve(address)
    # asyncio sends at once (TCP_NODELAY) only on sockets that say that they are TCP; otherwise an
    # answer waits some 40 ms for the acknowledgement of its own head.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        # A second bind may succeed where a listen fails.
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise _cannot(address, error) from error
    listening.setblocking(False)
    return listening


async def _resolve(address: HttpAddress) -> tuple[int, tuple[Any, ...]]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise WebError(f"http {address}: there is no host of that name") from error
    family, _, _, _, where = found[0]
    return family, where


def _cannot(address: HttpAddress, error: OSError) -> WebError:
    match error.errno:
        case errno.EADDRINUSE:
            return WebError(f"http {address}: the address is in use by another program")
        case errno.EADDRNOTAVAIL:
            return WebError(f"http {address}: this machine does not have that address")
    reason = os.strerror(error.errno) if error.errno else str(error)
    return WebError(f"http {address}: cannot listen there: {reason}")
