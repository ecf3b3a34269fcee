"""A port on a TCP socket, for one client at a time.

Adds no framing and no telnet: the bytes of the stream are the bytes of the link.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import sys

from pump_sim.ports.port import LOOPBACK, Listener, PortBusyError, PortError

# More than a hundred of the largest frames: a client that far behind does not read at all.
UNSENT_LIMIT_BYTES = 65536


class TcpPort:
    """Listens on `host` and `port`; 0 is any free port.

    The first client has the port until it leaves; a second is closed at once and the first
    does not notice. `scheme` is the address' URL scheme.
    """

    def __init__(self, host: str = LOOPBACK, port: int = 0, *, scheme: str = "socket") -> None:
        self._host = host
        self._port = port
        self._scheme = scheme
        self._address = ""
        self._server: asyncio.Server | None = None
        self._listener: Listener | None = None
        self._client: _Client | None = None
        self._next: _Client | None = None
        self._dropped_bytes = 0

    @property
    def address(self) -> str:
        """``socket://HOST:PORT``; for a port on all interfaces, the loopback's."""
        if not self._address:
            raise PortError(f"the {self._scheme} port is not started: it has no address yet")
        return self._address

    @property
    def dropped_bytes(self) -> int:
        """How many bytes were sent with no client there, or with one that did not read."""
        return self._dropped_bytes

    async def start(self, listener: Listener) -> None:
        """Bind and listen.

        Raises PortBusyError when the address is in use, PortError when it cannot be bound.
        """
        if self._address:
            raise PortError(f"the {self._scheme} port is already started")
        self._listener = listener
        loop = asyncio.get_running_loop()
        sock = await self._bind(loop)
        number = sock.getsockname()[1]
        self._server = await loop.create_server(lambda: _Client(self), sock=sock)
        host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(self._host, self._host)  # noqa: S104 - asked for
        self._address = f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{number}"

    def send(self, data: bytes) -> None:
        """Write at once; drop all of `data` when there is no client or it is 64 KiB behind.

        Whole chunks are dropped, so that a client that falls behind misses frames rather
        than parts of them.
        """
        client = self._client
        if client is None or not client.listens():
            self._dropped_bytes += len(data)
            return
        client.transport.write(data)

    def drop_client(self) -> None:
        """Close the client's connection without sending what is left; the next is welcome."""
        if self._client is not None:
            self._client.transport.abort()

    def hang_up(self) -> bool:
        """Close the client's connection once what was sent is out; the next is welcome."""
        if self._client is None:
            return False
        self._client.transport.close()
        return True

    async def close(self) -> None:
        """Stop listening and drop the client."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for client in (self._next, self._client):
            if client is not None:
                client.transport.abort()
                self._left(client)
        await server.wait_closed()
        # The aborted sockets are closed on the loop's next turn (wait_closed sees to that
        # from Python 3.12 on).
        await asyncio.sleep(0)

    async def _bind(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        where = f"port {self._host}:{self._port}"
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise PortError(f"{where}: no such host: {error.strerror}") from error
        except UnicodeError as error:
            raise PortError(f"{where}: that is no host name") from error
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
        try:
            if sys.platform == "win32":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                # A pump that is started again need not wait for its last connection to age.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            # Here and not in create_server: a second bind may succeed where a listen fails.
            sock.listen(8)
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE:
                raise PortBusyError(f"{where}: the address is in use by another program") from error
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise PortError(f"{where}: cannot listen there: {reason}") from error
        return sock

    # -- what the clients' connections report ----------------------------------------------

    def _arrived(self, client: _Client) -> None:
        if self._server is None:
            client.transport.abort()
        elif self._client is None:
            self._welcome(client)
        elif self._next is None and self._client.is_leaving():
            # It closed, and the system told us of its successor first. What it still sent is
            # heard, then the successor has its turn.
            self._next = client
            client.transport.pause_reading()
            if self._client.transport.is_closing():
                self._client.transport.abort()
        else:
            client.transport.abort()

    def _welcome(self, client: _Client) -> None:
        self._client = client
        assert self._listener is not None
        self._listener.connected()

    def _left(self, client: _Client) -> None:
        assert self._listener is not None
        if client is self._next:
            self._next = None
        elif client is self._client:
            self._client = None
            self._listener.disconnected()
            if self._next is not None:
                successor, self._next = self._next, None
                successor.transport.resume_reading()
                self._welcome(successor)


class _Client(asyncio.Protocol):
    """One connection, accepted or not."""

    transport: asyncio.Transport

    def __init__(self, port: TcpPort) -> None:
        self._port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        sock: socket.socket = transport.get_extra_info("socket")
        # A reply is one write: waiting to fill a segment would only delay it.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client whose machine vanished must not keep the port for ever.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._descriptor = sock.fileno()
        self._port._arrived(self)

    def data_received(self, data: bytes) -> None:
        # Only the client whose turn it is gets here: others are aborted, or paused.
        assert self._port._listener is not None
        self._port._listener.received(data)

    def eof_received(self) -> bool:
        # What was answered is still sent (`printf ... | nc`), unless a successor waits.
        if self._port._next is not None:
            self.transport.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # why a client went makes no difference to a serial line
        self._port._left(self)

    def unsent_bytes(self) -> int:
        return self.transport.get_write_buffer_size()

    def listens(self) -> bool:
        """Whether it takes what is sent to it."""
        return self.unsent_bytes() <= UNSENT_LIMIT_BYTES and not self.transport.is_closing()

    def is_leaving(self) -> bool:
        """Whether the client has closed its end, even if its last bytes are still unread."""
        if self.transport.is_closing():
            return True
        if sys.platform == "win32":
            return False
        poll = select.poll()
        # Linux reports a closed end even before its last bytes are read, as POLLRDHUP.
        closed = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
        poll.register(self._descriptor, closed)
        return any(mask & closed for _, mask in poll.poll(0))
