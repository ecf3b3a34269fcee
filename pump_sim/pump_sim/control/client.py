"""The door from a test's side: a blocking client, one method for each command.

Small and without threads: a method sends one line and reads until its answer is there. It knows no
model; what comes back is JSON as the pump wrote it.
"""

import json
import socket
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from pump_sim.control.address import UnixAddress, parse_address
from pump_sim.control.lines import MAX_LINE_BYTES

DEADLINE_S: Final = 20.0
_CHUNK_BYTES: Final = 65536
_MS: Final = {"days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000}

Object = dict[str, Any]


class ControlFailed(Exception):
    """The door answered with an error.

    :ivar code: what kind, such as ``bad_value``; see docs/reference/control-door.md.
    :ivar error: all that the answer told: message, field, value, allowed, and perhaps reasons.
    """

    def __init__(self, error: Object) -> None:
        super().__init__(error["message"])
        self.code: str = error["code"]
        self.error = error


class ConnectionEnded(Exception):
    """The door is not there, went away, or did not answer in time."""


class ControlClient:
    """A client of the door at *address*; a context manager.

    :param address: as the running pump prints it, and as the ``control`` key of its ``ready`` line.
    :param pump: the serial number of the pump that is meant where a method is given none; needed
        only where a process has several.
    :param timeout_s: how long an answer may take.

    :raises AddressError: no door can be there.
    :raises ConnectionEnded: none is.
    """

    def __init__(
        self, address: str, *, pump: str | None = None, timeout_s: float = DEADLINE_S
    ) -> None:
        self._pump = pump
        self._timeout_s = timeout_s
        self._socket = _connected(address, timeout_s)
        self._unread = bytearray()
        self._last_id = 0
        self._events: deque[Object] = deque()

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
        """Have any command carried out and return its result; fields that are None are not sent.

        :raises ControlFailed: the door answered with an error; nothing has happened.
        :raises ConnectionEnded: there was no answer.
        """
        self._last_id += 1
        request = {"id": self._last_id, "do": do, "pump": pump or self._pump, **fields}
        line = json.dumps({key: each for key, each in request.items() if each is not None})
        try:
            self._socket.settimeout(self._timeout_s)
            self._socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise ConnectionEnded(f"the door is gone: {error}") from error
        until_s = time.monotonic() + self._timeout_s
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
            raise ConnectionEnded(f"no answer within {self._timeout_s} s") from None
        except OSError as error:
            raise ConnectionEnded(f"the door is gone: {error}") from error
        if not data:
            raise ConnectionEnded("the door is gone")
        return data

    # --- Time ------------------------------------------------------------------------------------

    def hello(self) -> Object:
        """Which pumps there are, and what the door can do."""
        return self.ask("hello")

    def time(self) -> Object:
        """What time it is, for the therapy and for the pump."""
        return self.ask("time")

    def speed(self, speed: float | str) -> Object:
        """Run *speed* times as fast as real time; 0 pauses, ``jump`` jumps after each exchange."""
        return self.ask("speed", speed=speed)

    def pause(self) -> Object:
        """Stop therapy time."""
        return self.ask("pause")

    def resume(self) -> Object:
        """Let therapy time run again."""
        return self.ask("resume")

    def advance(
        self, by: int | str | None = None, *, to_ms: int | str | None = None, **span: float
    ) -> Object:
        """Move therapy time at once: by ms or a text (``36 h``), or by ``days=``, ``hours=``,
        ``minutes=``, ``seconds=`` added up, or to ``to_ms`` since the implant.

        :raises TypeError: an unknown unit of a span, or more than one way to say how far.
        :raises ValueError: a span is no whole number of ms.
        """
        if span:
            if by is not None:
                raise TypeError("advance: give either by or a span in words, not both")
            by = _milliseconds(span)
        return self.ask("advance", by=by, to_ms=to_ms)

    def next_event(self) -> Object:
        """Move therapy time to the next moment at which something happens by itself."""
        return self.ask("next_event")

    # --- Doing -----------------------------------------------------------------------------------

    def inject(
        self,
        fault: str,
        *,
        at_ms: int | str | None = None,
        for_ms: int | str | None = None,
        parameters: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> int:
        """Break something, now or at a therapy time, and return the number of the fault.

        What the fault takes is given as keywords, or as *parameters* where a name is taken here.
        """
        given = {**(parameters or {}), **more}
        result = self.ask("inject", fault=fault, parameters=given, at_ms=at_ms, for_ms=for_ms)
        number: int = result["fault_id"]
        return number

    def clear(self, fault: int | str) -> Object:
        """End a fault by its number, or all of a name."""
        if isinstance(fault, str):
            return self.ask("clear", fault=fault)
        return self.ask("clear", fault_id=fault)

    def faults(self) -> Object:
        """Which faults are active and scheduled, and which kinds there are."""
        return self.ask("faults")

    def proximity(self, near: bool) -> Object:
        """Lay the telemetry head on the patient, or lift it off."""
        return self.ask("proximity", near=near)

    def fill(
        self,
        volume_nl: int | str,
        *,
        concentration_ng_per_ml: int | str | None = None,
        rinsed: bool | None = None,
    ) -> Object:
        """Fill the reservoir with a needle; the pump does not notice."""
        return self.ask(
            "fill",
            volume_nl=volume_nl,
            concentration_ng_per_ml=concentration_ng_per_ml,
            rinsed=rinsed,
        )

    def press(self) -> Object:
        """Press the patient's button."""
        return self.ask("press")

    def reset(self, cause: str) -> Object:
        """Have the pump's processor start anew."""
        return self.ask("reset", cause=cause)

    # --- Reading ---------------------------------------------------------------------------------

    def truth(self) -> Object:
        """What is physically so."""
        return self.ask("truth")

    def belief(self) -> Object:
        """What the pump says of itself."""
        return self.ask("belief")

    def both(self) -> Object:
        """Belief and truth side by side."""
        return self.ask("both")

    def patient(self) -> Object:
        """How the patient is."""
        return self.ask("patient")

    def log(self, first: int | None = None, limit: int | None = None) -> Object:
        """The therapy log from a sequence number on."""
        fields: dict[str, Any] = {"from": first, "limit": limit}
        return self.ask("log", **fields)

    def tones(self) -> Object:
        """What sounds now, and what will next."""
        return self.ask("tones")

    def state(self) -> Object:
        """Everything that the pump is, as :meth:`load` takes it."""
        return self.ask("state")

    def load(self, state: Object) -> Object:
        """Replace the pump by one in that state."""
        return self.ask("load", state=state)

    # --- Watching --------------------------------------------------------------------------------

    def watch(self, on: bool = True) -> Object:
        """Be told of records and faults from now on; see :meth:`events` and :meth:`wait_for`."""
        return self.ask("watch", on=on)

    def events(self) -> list[Object]:
        """What came unasked until the last answer, and was not given out yet."""
        told = list(self._events)
        self._events.clear()
        return told

    def wait_for(self, event: str, timeout_s: float | None = None) -> Object:
        """The next event of that name: ``fault_began``, ``fault_ended``, or the name of a record's
        event. Others that come before it are dropped.

        :raises ConnectionEnded: it did not come in time.
        """
        until_s = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        while True:
            told = self._events.popleft() if self._events else self._read_line(until_s)
            if event in {told["event"], told.get("record", {}).get("event")}:
                return told


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
        raise ConnectionEnded(f"there is no door at {wanted}: {error}") from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _milliseconds(span: Mapping[str, float]) -> int:
    total = 0
    for unit, count in span.items():
        if unit not in _MS:
            raise TypeError(f"advance: {unit} is unknown; known are {', '.join(_MS)}")
        ms = count * _MS[unit]
        if ms != int(ms):
            raise ValueError(f"{unit} = {count}: that is no whole number of ms")
        total += int(ms)
    return total
