"""One pump on one port: the event loop, real time, and nothing else.

A :class:`PumpHost` joins an endpoint to a port. It runs on one event loop and everything that
touches the pump happens there, one thing after the other; whoever else wants something (the
keyboard, a signal, another thread) posts a callable. It sleeps until bytes arrive or something is
due, so a pump that nobody talks to costs nothing.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.events import LogEntry
from pump_sim.ports import Port

Watcher = Callable[[Sequence[LogEntry]], None]
"""Told of new log records, if any, whenever something may have happened."""


class PumpHost:
    """A pump that is served on a port.

    :param endpoint: the pump's end of the link; its link time is ``time.monotonic_ns``.
    :param port: not yet started.
    :param on_record: told of each record of the therapy log, once the answer is on its way.
    """

    def __init__(
        self,
        endpoint: PumpEndpoint,
        port: Port,
        on_record: Callable[[LogEntry], None] = lambda _: None,
    ) -> None:
        self.endpoint = endpoint
        self.port = port
        self._on_record = on_record
        self._watchers: list[Watcher] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0

    async def start(self) -> None:
        """Open the port and begin to listen.

        :raises PortError: the port cannot be had.
        """
        self._loop = asyncio.get_running_loop()
        await self.port.start(self)
        self._wake()

    async def close(self) -> None:
        """Stop listening and give the port back; the pump keeps its state, and grows no older."""
        self._loop = None  # nothing is planned any more, whatever the port still tells
        await self.port.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def seat(self, endpoint: PumpEndpoint) -> None:
        """Serve another endpoint from now on; whoever is connected is told nothing."""
        self.endpoint = endpoint
        self._plan()

    def post(self, act: Callable[[PumpEndpoint, int], None]) -> None:
        """Have *act* done on the event loop, with the link time in ns as its second argument.

        Safe from any thread once the host is started.
        """
        assert self._loop is not None, "start the host first"
        self._loop.call_soon_threadsafe(self._do, act)

    def watch(self, watcher: Watcher) -> None:
        """Have *watcher* told, after each thing that was done and after each wake-up."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Tell *watcher* no more."""
        self._watchers.remove(watcher)

    def _do(self, act: Callable[[PumpEndpoint, int], None]) -> None:
        now_ns = time.monotonic_ns()
        self.endpoint.catch_up(now_ns)
        act(self.endpoint, now_ns)
        self._follow_up()

    # --- What the port tells ---------------------------------------------------------------------

    def connected(self) -> None:
        """A peer is there; nothing to do until it speaks."""

    def received(self, data: bytes) -> None:
        """Bytes from the programmer."""
        self._send(self.endpoint.receive_data(data, time.monotonic_ns()))
        self._follow_up()

    def disconnected(self) -> None:
        """The peer left."""
        self.endpoint.connection_lost(time.monotonic_ns())
        self._follow_up()

    def _send(self, data: bytes) -> None:
        if data:
            self.port.send(data)

    # --- Afterwards ------------------------------------------------------------------------------

    def _follow_up(self) -> None:
        """What can wait until the answer is out."""
        records = self.endpoint.new_records()
        for record in records:
            self._on_record(record)
        for watcher in tuple(self._watchers):
            watcher(records)
        self._plan()

    def _plan(self) -> None:
        """Set the timer for whatever comes first.

        A timer that is set too early costs one idle wake-up, a new one for every request would cost
        each of them some microseconds: so only an earlier need replaces it.
        """
        due_ns = self.endpoint.next_timeout_ns()
        if due_ns is None or self._loop is None:
            return
        if self._timer is not None:
            if self._timer_ns <= due_ns:
                return
            self._timer.cancel()
        self._timer_ns = due_ns
        delay_s = max(0, due_ns - time.monotonic_ns()) / 1e9
        self._timer = self._loop.call_later(delay_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._send(self.endpoint.handle_timeout(time.monotonic_ns()))
        self._follow_up()
