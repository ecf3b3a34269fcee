"""The door from a test's side: a blocking client, one method for each command.

Small and without threads: a method sends one line and reads until its answer is there. It knows no
model; what comes back is JSON as the pump wrote it.
"""

import json
import socket
import time
from types import TracebackType
from typing import Any, Final, Self

from pump_sim.control.address import UnixAddress, parse_address
from pump_sim.control.asker import Asker, ConnectionEnded, ControlFailed, Object
from pump_sim.control.lines import MAX_LINE_BYTES

__all__ = ["ConnectionEnded", "ControlClient", "ControlFailed"]

DEADLINE_S: Final = 20.0
_CHUNK_BYTES: Final = 65536


class ControlClient(Asker):
    """A client of the door at *address*; a context manager.

    :param address: as the running pump prints it, and as the ``control`` key of its ``ready`` line.
    :param pump: the serial number of the pump that is meant where a method is given none; needed
        only where a process has several.
    :param timeout_s: how long an answer may take.

    :ivar timeout_s: the same, from the next question on.

    :raises AddressError: no door can be there.
    :raises ConnectionEnded: none is.
    """

    def __init__(
        self, address: str, *, pump: str | None = None, timeout_s: float = DEADLINE_S
    ) -> None:
        super().__init__()
        self._pump = pump
        self.timeout_s = timeout_s
        self._socket = _connected(address, timeout_s)
        self._unread = bytearray()
        self._last_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave; may be called twice."""
        self._socket.close()

    # --- One line there and one back -------------------------------------------------------------

    def ask(self, do: str, *, pump: str | None = None, **fields: Any) -> Object:
        """See :meth:`Asker.ask`."""
        self._last_id += 1
        request = {"id": self._last_id, "do": do, "pump": pump or self._pump, **fields}
        line = json.dumps({key: each for key, each in request.items() if each is not None})
        try:
            self._socket.settimeout(self.timeout_s)
            self._socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise ConnectionEnded(_gone(error)) from error
        until_s = time.monotonic() + self.timeout_s
        while True:
            answer = self._read_line(until_s)
            if "event" in answer:
                self._events.append(answer)
            elif answer["id"] not in {self._last_id, None}:
                continue  # the answer to a request that was given up
            elif answer["ok"]:
                result: Object = answer["result"]
                return result
            else:
                raise ControlFailed(answer["error"])

    def _read_line(self, until_s: float) -> Object:
        searched = 0
        while (end := self._unread.find(b"\n", searched)) < 0:
            searched = len(self._unread)
            self._unread += self._received(until_s)
            if len(self._unread) > 2 * MAX_LINE_BYTES:
                raise ConnectionEnded("the door sends no end of a line")
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        parsed: Object = json.loads(line)
        return parsed

    def _received(self, until_s: float) -> bytes:
        try:
            self._socket.settimeout(max(0.001, until_s - time.monotonic()))
            data = self._socket.recv(_CHUNK_BYTES)
        except TimeoutError:
            raise ConnectionEnded(f"no answer within {self.timeout_s:g} s") from None
        except OSError as error:
            raise ConnectionEnded(_gone(error)) from error
        if not data:
            raise ConnectionEnded("the door is gone")
        return data

    def wait_for(self, event: str, timeout_s: float | None = None) -> Object:
        """See :meth:`Asker.wait_for`; it waits as long as for an answer unless told otherwise."""
        until_s = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        while True:
            told = self._events.popleft() if self._events else self._read_line(until_s)
            if event in {told["event"], told.get("record", {}).get("event")}:
                return told


def _gone(error: OSError) -> str:
    return f"the door is gone: {_why(error)}"


def _why(error: OSError) -> str:
    """What the system says, without its number and without the path, which is told already."""
    return error.strerror or str(error) or type(error).__name__


def _connected(address: str, timeout_s: float) -> socket.socket:
    wanted = parse_address(address)
    try:
        if isinstance(wanted, UnixAddress):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.settimeout(timeout_s)
                connection.connect(wanted.path)
            except OSError:
                connection.close()
                raise
            return connection
        connection = socket.create_connection((wanted.host, wanted.port), timeout_s)
    except OSError as error:
        raise ConnectionEnded(f"there is no door at {wanted}: {_why(error)}") from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
