"""A pump's port within a test's process, under an address, in virtual link time.

Nothing waits here: a byte sent has arrived, and whoever would wait for a byte lets that link time
pass at once. What the bytes mean, and who asks the pump beside the line, it does not know.
"""

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from pump_protocol.slicing import PATIENCE_NS
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.model.events import LogEntry
from pump_sim.ports import Port, PortBusyError, PortError
from pump_sim.ports.memory import MemoryPort
from pump_sim.serve import Watcher

if TYPE_CHECKING:
    from pump_sim.assembly import Wire

SCHEME: Final = "virtualpump"
START_NS: Final = NS_PER_MS
"""The link time at which every line begins."""

POLL_NS: Final = NS_PER_MS
"""The link time that passes when somebody only looks whether bytes are there."""

_numbers: Final = itertools.count(1)
_lines: Final[WeakValueDictionary[str, "VirtualLine"]] = WeakValueDictionary()


class _AddressedPort(MemoryPort):
    """A memory port that pyserial finds by its address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    @property
    def address(self) -> str:
        """What ``serial.serial_for_url`` takes, in this process."""
        return self._address


class VirtualLine:
    """A pump that is served as :class:`pump_sim.control.desk.Host` says, and its line's other end.

    Safe from several threads, one at a time.

    :param wires: what goes wrong on the line, from the programmer to the pump.
    :param on_record: told of each record of the therapy log, before the watchers are.

    :ivar link_ns: the present on the link; it moves by :meth:`read`, :meth:`poll`, :meth:`wait` and
        :meth:`pass_time` only.
    """

    def __init__(
        self,
        endpoint: PumpEndpoint,
        wires: Sequence["Wire"] = (),
        on_record: Callable[[LogEntry], None] = lambda _: None,
    ) -> None:
        self.endpoint = endpoint
        self._memory = _AddressedPort(f"{SCHEME}://{next(_numbers)}")
        self.port: Port = self._memory
        self.link_ns = START_NS
        self._wires = tuple(wires)
        self._on_record = on_record
        self._watchers: list[Watcher] = []
        self._unread = bytearray()
        self._heard_ns = START_NS - PATIENCE_NS
        self._lock = threading.RLock()
        self._open = True
        self._memory.open(self)
        self._memory.peer.disconnect()
        self._memory.peer.on_received = self._unread.extend
        _lines[self.port.address] = self

    def end(self) -> None:
        """The pump is no longer there, as if its cable had been pulled; may be called twice."""
        with self._lock:
            self._open = False
            self._memory.shut()
            _lines.pop(self.port.address, None)

    # --- Whoever asks the pump beside the line ----------------------------------------------------

    def post(self, act: Callable[[PumpEndpoint, int], None]) -> None:
        """Have something done with the pump, at once."""
        with self._lock:
            self.endpoint.catch_up(self.link_ns)
            act(self.endpoint, self.link_ns)
            self._follow_up()

    def watch(self, watcher: Watcher) -> None:
        """Have *watcher* told of new records after whatever may have made some."""
        with self._lock:
            self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Tell *watcher* no more."""
        with self._lock:
            self._watchers.remove(watcher)

    def _follow_up(self) -> None:
        records: Sequence[LogEntry] = self.endpoint.new_records()
        for record in records:
            self._on_record(record)
        for watcher in tuple(self._watchers):
            watcher(records)

    # --- The programmer's end --------------------------------------------------------------------

    def connect(self) -> None:
        """Take the line.

        :raises PortBusyError: another client has it.
        :raises PortError: the pump is no longer there.
        """
        with self._lock:
            if not self._open:
                raise PortError(f"port {self.port.address}: the pump is no longer there")
            if self._memory.peer.is_connected:
                raise PortBusyError(f"port {self.port.address} is in use by another client")
            self._unread.clear()
            self._memory.peer.connect()

    def disconnect(self) -> None:
        """Leave the line; another client may take it."""
        with self._lock:
            self._memory.peer.disconnect()

    def write(self, data: bytes) -> None:
        """Send *data*; the pump has heard it, and perhaps answered, when this returns.

        :raises PortError: the connection is lost.
        """
        with self._lock:
            self._check_connected()
            self._carry(0, True, data)
            self._let_arrive()

    def read(self, size: int, timeout_ns: int) -> bytes:
        """Up to *size* bytes; while fewer are there, link time passes, up to *timeout_ns* of it.

        A timeout is at least ``POLL_NS`` long; with one of 0, any bytes that are there will do.

        :raises PortError: the connection is lost, and nothing of it is left to be read.
        """
        with self._lock:
            self._check_readable()
            wanted = size if timeout_ns else min(size, 1)
            until_ns = self.link_ns + max(timeout_ns, POLL_NS)
            self._pass_until(until_ns, lambda: len(self._unread) >= wanted)
            data = bytes(self._unread[:size])
            del self._unread[:size]
            return data

    def poll(self) -> int:
        """How many bytes can be read after ``POLL_NS``: whoever looks again finds what came.

        :raises PortError: the connection is lost, and nothing of it is left to be read.
        """
        with self._lock:
            self._check_readable()
            self._pass_until(self.link_ns + POLL_NS, lambda: False)
            return len(self._unread)

    def wait(self, size: int) -> int:
        """Let link time pass until *size* bytes are there; how many there are.

        There are fewer if nothing is under way any more, and a pump never speaks first.

        :raises PortError: the connection is lost before they came.
        """
        with self._lock:
            while len(self._unread) < size:
                self._check_connected()
                moments_ns = self._wires_due_ns()
                # The pump may hold half a frame, and find a whole one in it when it gives up.
                if self.link_ns < self._heard_ns + PATIENCE_NS:
                    moments_ns.append(self._heard_ns + PATIENCE_NS)
                if not moments_ns:
                    break
                self._pass_until(min(moments_ns), lambda: len(self._unread) >= size)
            return len(self._unread)

    def discard(self) -> None:
        """Throw away what was not read."""
        with self._lock:
            self._unread.clear()

    def _check_readable(self) -> None:
        if not self._unread:
            self._check_connected()

    def _check_connected(self) -> None:
        if not self._memory.peer.is_connected:
            raise PortError(f"port {self.port.address}: the connection is lost")

    # --- Link time -------------------------------------------------------------------------------

    def pass_time(self, span_ns: int, enough: Callable[[], bool] = lambda: False) -> None:
        """Let link time pass at once, with everything that falls due in it.

        :param enough: asked before anything passes and after each thing that falls due; no more
            time passes once it is true.
        """
        with self._lock:
            self._pass_until(self.link_ns + span_ns, enough)

    def _pass_until(self, until_ns: int, enough: Callable[[], bool]) -> None:
        while not enough():
            due_ns = min(self._due_ns(), default=until_ns)
            self.link_ns = max(self.link_ns, min(due_ns, until_ns))
            self._answer(self.endpoint.handle_timeout(self.link_ns))
            self._let_arrive()
            self._follow_up()
            if self.link_ns >= until_ns:
                return

    def _due_ns(self) -> list[int]:
        pump_ns = self.endpoint.next_timeout_ns()
        return [*self._wires_due_ns(), *(() if pump_ns is None else (pump_ns,))]

    def _wires_due_ns(self) -> list[int]:
        moments = (each.impairment.due_ns() for each in self._wires)
        return [each for each in moments if each is not None]

    # --- The wires -------------------------------------------------------------------------------

    def _answer(self, data: bytes) -> None:
        """Have the pump send *data*, if there is any."""
        if data:
            self._carry(len(self._wires) - 1, False, data)

    def _carry(self, place: int, to_pump: bool, data: bytes) -> None:
        """Put *data* on the wire of that place; beyond the last one it has arrived."""
        if 0 <= place < len(self._wires):
            wire = self._wires[place]
            therapy_ms = wire.therapy_ms(self.link_ns)
            wire.impairment.send(to_pump, data, link_ns=self.link_ns, therapy_ms=therapy_ms)
        elif not to_pump:
            self._memory.send(data)
        elif self._memory.peer.is_connected:
            self._memory.peer.send(data)

    def _let_arrive(self) -> None:
        """Let everything arrive that can arrive now, and its answers."""
        moved = True
        while moved:
            moved = False
            for place, wire in enumerate(self._wires):
                for delivery in wire.impairment.take(self.link_ns):
                    moved = True
                    if delivery.data:
                        onward = place + 1 if delivery.to_pump else place - 1
                        self._carry(onward, delivery.to_pump, delivery.data)
                    if delivery.disconnect:
                        self._memory.hang_up()

    # --- What the port tells ---------------------------------------------------------------------

    def connected(self) -> None:
        """A client is there; nothing to do until it speaks."""

    def received(self, data: bytes) -> None:
        """Bytes from the programmer."""
        self._heard_ns = self.link_ns
        self._answer(self.endpoint.receive_data(data, self.link_ns))
        self._follow_up()

    def disconnected(self) -> None:
        """The client left."""
        for wire in self._wires:
            wire.impairment.connection_lost()
        self.endpoint.connection_lost(self.link_ns)
        self._follow_up()


def line_at(address: str) -> VirtualLine:
    """The line of that address.

    :raises PortError: this process has none.
    """
    line = _lines.get(address)
    if line is None:
        raise PortError(f"port {address}: this process has no such virtual pump")
    return line
