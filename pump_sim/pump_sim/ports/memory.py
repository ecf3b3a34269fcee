"""A port whose other end is in the same process, for tests in virtual time.

Uses no file, socket, thread or event loop: a byte sent has arrived when the call returns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pump_sim.ports.port import Listener, PortError


class MemoryPort:
    """The pump's end; `peer` is the other one.

    What either side's callback sends is queued and delivered in order before the outermost
    `send` returns, so two sides that answer each other for ever do not exhaust the stack.
    """

    def __init__(self) -> None:
        self.peer = MemoryPeer(self)
        self._listener: Listener | None = None
        self._dropped_bytes = 0
        self._due: deque[Callable[[], None]] = deque()
        self._delivering = False

    @property
    def address(self) -> str:
        """A name for messages; unlike other addresses it cannot be opened."""
        return "memory"

    @property
    def dropped_bytes(self) -> int:
        """How many bytes were sent while there was no peer."""
        return self._dropped_bytes

    def open(self, listener: Listener) -> None:
        """`start` for those who have no event loop. The peer is connected from here on."""
        if self._listener is not None:
            raise PortError("the memory port is already started")
        self._listener = listener
        self.peer.connect()

    async def start(self, listener: Listener) -> None:
        """Begin to listen; the peer is connected at once."""
        self.open(listener)

    def send(self, data: bytes) -> None:
        """Deliver `data` to the peer, or drop it when there is none."""
        if not data:
            return
        if not self.peer.is_connected:
            self._dropped_bytes += len(data)
            return
        self._deliver(lambda: self.peer._take(data))

    def hang_up(self) -> bool:
        """Disconnect the peer, which may connect again."""
        was_there = self.peer.is_connected
        self.peer.disconnect()
        return was_there

    def shut(self) -> None:
        """`close` for those who have no event loop."""
        self.peer.disconnect()
        self._listener = None

    async def close(self) -> None:
        """Disconnect the peer. May be called twice, or without `start`."""
        self.shut()

    def _deliver(self, step: Callable[[], None]) -> None:
        self._due.append(step)
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._due:
                self._due.popleft()()
        finally:
            self._delivering = False


class MemoryPeer:
    """The programmer's end of a memory port.

    `received` collects what the pump sent; with `on_received` set, that is called with each
    chunk instead.
    """

    def __init__(self, port: MemoryPort) -> None:
        self._port = port
        self.is_connected = False
        self.received = bytearray()
        self.on_received: Callable[[bytes], None] | None = None

    def connect(self) -> None:
        """Come (back) to the port. Raises PortError when the port is not started."""
        listener = self._port._listener
        if listener is None:
            raise PortError("the memory port is not started")
        if not self.is_connected:
            self.is_connected = True
            self._port._deliver(listener.connected)

    def disconnect(self) -> None:
        """Leave the port; `connect` comes back."""
        listener = self._port._listener
        if self.is_connected and listener is not None:
            self.is_connected = False
            self._port._deliver(listener.disconnected)

    def send(self, data: bytes) -> None:
        """Deliver `data` to the port's listener as one chunk.

        Raises PortError when the peer is not connected.
        """
        listener = self._port._listener
        if not self.is_connected or listener is None:
            raise PortError("the memory port's peer is not connected")
        if data:
            self._port._deliver(lambda: listener.received(data))

    def take(self) -> bytes:
        """Return what was received since the last call, and forget it."""
        data = bytes(self.received)
        self.received.clear()
        return data

    def _take(self, data: bytes) -> None:
        if self.on_received is not None:
            self.on_received(data)
        else:
            self.received += data
