"""The harness of a pump that is judged: whoever can do beside the line what a case cannot wait for.

One JSON object a line there, one back, as docs/reference/conformance.md describes it; the door for
tests of a simulated pump is one. It knows no case.
"""

import json
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from pump_protocol.conformance.steps import Hook
from pump_protocol.conformance.verdicts import Broken

PATIENCE_S: Final = 20.0
"""How long it may take with one thing, unless the whole run is shorter."""
_CHUNK_BYTES: Final = 65_536
_LONGEST_BYTES: Final = 1 << 24


class HarnessMissing(Exception):
    """There is no harness at the address; the message says why."""


class Harness:
    """A connection to a harness.

    :param address: ``unix:PATH``, a path, ``tcp:HOST:PORT``, ``tcp:PORT`` or a port of the
        loopback.
    :param patience_s: how long it may take with one thing.
    :raises HarnessMissing: none is there, or it speaks otherwise.

    :ivar hooks: what it offers.
    """

    def __init__(self, address: str, patience_s: float = PATIENCE_S) -> None:
        self._address = address
        self._patience_s = patience_s
        self._unread = b""
        self._last_id = 0
        self._socket = _connected(address, patience_s)
        try:
            answer = self._ask("hello", {})
        except Broken as error:
            self.close()
            raise HarnessMissing(str(error)) from error
        offered = answer.get("commands")
        if not isinstance(offered, dict):
            self.close()
            raise HarnessMissing(f"harness {address}: its hello tells no commands")
        self.hooks = frozenset(each for each in Hook if each.value in offered)

    def close(self) -> None:
        """Leave. May be called again."""
        with suppress(OSError):
            self._socket.close()

    def do(self, hook: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Have it do something, and wait until it is done.

        :raises Broken: it cannot, or does not answer.
        """
        return self._ask(hook, fields)

    def _ask(self, hook: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        self._last_id += 1
        line = json.dumps({"id": self._last_id, "do": str(hook), **fields})
        try:
            self._socket.settimeout(self._patience_s)
            self._socket.sendall(line.encode() + b"\n")
            answer = self._answer()
        except (OSError, ValueError, RecursionError) as error:
            raise Broken(f"harness {self._address}: hook {hook}: {error or 'no answer'}") from error
        if not isinstance(answer, dict) or not isinstance(answer.get("result", {}), dict):
            raise Broken(f"harness {self._address}: hook {hook}: it answers with no JSON object")
        if answer.get("ok") is not True:
            error_told = answer.get("error")
            why = error_told.get("message") if isinstance(error_told, dict) else error_told
            raise Broken(f"harness {self._address}: hook {hook}: {why}")
        result: dict[str, Any] = answer.get("result", {})
        return result

    def _answer(self) -> object:
        """What is answered to the last request; what came too late for another is passed over, as
        are events, of which nobody asked to be told."""
        until_s = time.monotonic() + self._patience_s
        while True:
            answer = json.loads(self._read_line(until_s))
            if not isinstance(answer, dict):
                return answer
            if "ok" in answer and answer.get("id", self._last_id) == self._last_id:
                return answer

    def _read_line(self, until_s: float) -> bytes:
        while (end := self._unread.find(b"\n")) < 0:
            self._socket.settimeout(max(0.001, until_s - time.monotonic()))
            data = self._socket.recv(_CHUNK_BYTES)
            if not data or len(self._unread) > _LONGEST_BYTES:
                raise OSError("it hung up" if not data else "it sends no end of a line")
            self._unread += data
        line, self._unread = self._unread[:end], self._unread[end + 1 :]
        return line


def _connected(address: str, patience_s: float) -> socket.socket:
    try:
        if address.startswith("unix:") or "/" in address:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(address.removeprefix("unix:"))
            except OSError:
                connection.close()
                raise
            return connection
        host, _, port = address.removeprefix("tcp:").rpartition(":")
        connection = socket.create_connection((host or "127.0.0.1", int(port)), patience_s)
    except (OSError, ValueError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise HarnessMissing(f"harness {address}: {why}") from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
