"""The sockets of the door: clients come and go, send lines and are answered, each in its own order.

What a line means is the desk's (:mod:`pump_sim.control.desk`). Everything happens on the event
loop of the pumps; there is no thread.
"""

import asyncio
import contextlib
import errno
import json
import os
import re
import socket
import stat
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pump_sim.control.address import Address, TcpAddress, UnixAddress, parse_address
from pump_sim.control.desk import Desk, Host
from pump_sim.control.errors import CODES, DoorError
from pump_sim.control.lines import LineDecoder

MAX_CLIENTS: Final = 64
MAX_WAITING: Final = 64
"""Lines of one client that wait their turn before no more of its bytes are read."""

MAX_UNREAD_BYTES: Final = 1024 * 1024
"""What a client has not read when it is told no more of what it watches, until it has."""

_HTTP: Final = re.compile(rb"[A-Z]+ \S+ HTTP/[0-9.]+")


class Door:
    """Lets clients in at an address.

    :param address: as :func:`pump_sim.control.address.parse_address` takes it.
    :param notice: what says that all this is a simulator.
    """

    def __init__(self, address: str, hosts: Sequence[Host], notice: str) -> None:
        self._wanted = parse_address(address)
        self._hosts = hosts
        self._notice = notice
        self._address: Address = self._wanted
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()
        self._socket_file: tuple[int, int] | None = None

    @property
    def address(self) -> str:
        """What a client takes; a free port has its number once the door is open."""
        return str(self._address)

    async def open(self) -> None:
        """Let clients in from now on.

        :raises DoorError: somebody has the address, or it cannot be had.
        """
        loop = asyncio.get_running_loop()
        wanted = self._wanted
        if isinstance(wanted, UnixAddress):
            listening = _listen_on_path(wanted)
            found = os.stat(wanted.path)  # noqa: PTH116 - the path is text
            self._socket_file = (found.st_dev, found.st_ino)
            self._server = await loop.create_unix_server(self._client, sock=listening)
        else:
            listening = _listen_on_loopback(wanted)
            self._address = TcpAddress(wanted.host, listening.getsockname()[1])
            self._server = await loop.create_server(self._client, sock=listening)

    async def close(self) -> None:
        """Let nobody in any more, and send the clients away."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for client in tuple(self._clients):
            client.transport.abort()
        self._remove_socket_file()
        await asyncio.sleep(0)

    def _remove_socket_file(self) -> None:
        if not isinstance(self._wanted, UnixAddress):
            return
        path = Path(self._wanted.path)
        with contextlib.suppress(OSError):
            found = path.stat()
            # Somebody may have put another one there meanwhile.
            if (found.st_dev, found.st_ino) == self._socket_file:
                path.unlink()

    def _client(self) -> "_Client":
        return _Client(self._clients, self._hosts, self._notice)


class _Client(asyncio.Protocol):
    """One connection: its lines, one at a time, and their answers."""

    transport: asyncio.Transport

    def __init__(self, clients: "set[_Client]", hosts: Sequence[Host], notice: str) -> None:
        self._clients = clients
        self._desk = Desk(hosts, notice, self._tell)
        self._decoder = LineDecoder()
        self._waiting: deque[bytes | None] = deque()
        self._busy = False
        self._slow = False
        self._ended = False
        self._missed = 0

    # --- What the transport tells ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if len(self._clients) >= MAX_CLIENTS:
            self._refuse("too_many_clients")
            return
        self._clients.add(self)

    def data_received(self, data: bytes) -> None:
        self._waiting.extend(self._decoder.feed(data))
        self._read_as_fits()
        self._go_on()

    def eof_received(self) -> bool:
        # What was asked is still answered (`echo ... | nc`); half a line is nothing.
        self._ended = True
        self._go_on()
        return True

    def pause_writing(self) -> None:
        self._slow = True
        self._read_as_fits()

    def resume_writing(self) -> None:
        self._slow = False
        self._read_as_fits()
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # whoever goes, for whatever reason, has nothing more to be told
        self._waiting.clear()
        self._clients.discard(self)
        self._desk.close()

    # --- Lines -----------------------------------------------------------------------------------

    def _read_as_fits(self) -> None:
        """Take no more bytes from a client whose lines wait, or who does not read its answers."""
        if self.transport.is_closing() or self._ended:
            return
        if self._slow or len(self._waiting) > MAX_WAITING:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _go_on(self) -> None:
        """Serve the next line, unless one is being served or the client has answers to read."""
        if self._busy or self._slow or self.transport.is_closing():
            return
        if not self._waiting:
            if self._ended:
                self.transport.close()
            return
        line = self._waiting.popleft()
        self._read_as_fits()
        if line is not None and _HTTP.fullmatch(line):
            # A page in somebody's browser may send lines to a port of the loopback. Its first line
            # is this one, and there shall be no second.
            self._refuse("bad_line")
            return
        self._busy = True
        self._desk.serve(line, self._answer)

    def _answer(self, answer: dict[str, Any]) -> None:
        # On the next turn of the loop: by then, whoever watches has been told of what happened.
        asyncio.get_running_loop().call_soon(self._finish, answer)

    def _finish(self, answer: dict[str, Any]) -> None:
        self._busy = False
        self._write(answer)
        self._go_on()

    def _tell(self, event: dict[str, Any]) -> None:
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self._missed += 1
            return
        missed, self._missed = self._missed, 0
        self._write({**event, "missed": missed} if missed else event)

    def _write(self, line: dict[str, Any]) -> None:
        if not self.transport.is_closing():
            self.transport.write(json.dumps(line).encode() + b"\n")

    def _refuse(self, code: str) -> None:
        error = {
            "code": code,
            "message": CODES[code],
            "field": None,
            "value": None,
            "allowed": None,
        }
        self._write({"id": None, "ok": False, "error": error})
        self.leave()

    def leave(self) -> None:
        """Send the client away, with what it has been answered."""
        self._waiting.clear()
        self.transport.close()


# --- Listening -----------------------------------------------------------------------------------


def _listen_on_loopback(address: TcpAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
        listening.listen(8)
    except OSError as error:
        listening.close()
        raise _cannot(address, error) from error
    return listening


def _listen_on_path(address: UnixAddress) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise DoorError(f"control {address}: this system has no such sockets; use tcp:PORT")
    try:
        _make_room(address)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError as error:
        raise _cannot(address, error) from error
    # The socket is made by the bind; at no moment may others open it.
    before = os.umask(0o177)
    try:
        listening.bind(address.path)
        listening.listen(8)
    except OSError as error:
        listening.close()
        raise _cannot(address, error) from error
    finally:
        os.umask(before)
    return listening


def _make_room(address: UnixAddress) -> None:
    """Remove the socket that an ended pump left; leave alone whatever else is there."""
    path = Path(address.path)
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise DoorError(f"control {address}: there is something else of that name")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.settimeout(1)  # a full backlog answers nobody, but somebody listens
            probe.connect(address.path)
        except ConnectionRefusedError:
            path.unlink()
            return
        except (TimeoutError, BlockingIOError):
            pass
    raise DoorError(f"control {address}: a running program listens there")


def _cannot(address: Address, error: OSError) -> DoorError:
    if error.errno == errno.EADDRINUSE:
        return DoorError(f"control {address}: the address is in use by another program")
    reason = os.strerror(error.errno) if error.errno else str(error)
    return DoorError(f"control {address}: cannot listen there: {reason}")
