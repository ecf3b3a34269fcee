"""One pump on one port: where bytes, link time and therapy time meet.

A :class:`PumpHost` owns a simulation, its clock, a session and a port. It runs on one event loop
and everything that touches the pump happens there, one thing after the other; whoever else wants
something (the keyboard, a signal, another thread) posts a callable. It sleeps until bytes arrive
or something is due, so a pump that nobody talks to costs nothing.

It moves bytes and time and knows no message: what a request means to the pump is
:mod:`pump_sim.telemetry`.
"""

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction

from pump_protocol.events import RequestReceived
from pump_protocol.session import Role, Session
from pump_sim.clock import PacedClock
from pump_sim.ports import Port
from pump_sim.simulation import Simulation
from pump_sim.telemetry import Telemetry

NS_PER_MS = 1_000_000
QUIET_BEFORE_JUMP_MS = 250
"""How long a link must be quiet before a jumping clock goes on to the next event."""


class PumpHost:
    """A pump that is served on a port.

    :param simulation: the pump and its therapy time.
    :param clock: how therapy time follows real time.
    :param port: not yet started.
    :param jumping: jump to the pump's next event once the link has been quiet for
        ``QUIET_BEFORE_JUMP_MS``; then wait for the programmer to speak again.
    """

    def __init__(
        self,
        simulation: Simulation,
        clock: PacedClock,
        port: Port,
        *,
        telemetry: Telemetry | None = None,
        jumping: bool = False,
    ) -> None:
        self.simulation = simulation
        self.clock = clock
        self.port = port
        self.telemetry = telemetry or Telemetry(simulation.pump)
        self.jumping = jumping
        self._session = Session(Role.PUMP)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._last_heard_ms = 0
        self._jump_due = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Open the port and begin to listen.

        :raises PortError: the port cannot be had.
        """
        self._loop = asyncio.get_running_loop()
        self._last_heard_ms = time.monotonic_ns() // NS_PER_MS
        await self.port.start(self)
        self._plan()

    async def close(self) -> None:
        """Stop listening and give the port back; the pump keeps its state."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self.port.close()

    # --- What the port tells ---------------------------------------------------------------------

    def connected(self) -> None:
        """A peer is there; nothing to do until it speaks."""

    def received(self, data: bytes) -> None:
        """Bytes from the programmer: let the pump catch up, then answer."""
        now_ns = self._catch_up()
        self._last_heard_ms = now_ns // NS_PER_MS
        self._jump_due = self.jumping
        self._session.receive_data(data, self._last_heard_ms)
        self._answer()
        self._plan()

    def disconnected(self) -> None:
        """The peer left; a half frame of it must not be the beginning of the next one's."""
        self._session.connection_lost(self._catch_up() // NS_PER_MS)
        self._answer()
        self._plan()

    # --- What everybody else may ask -------------------------------------------------------------

    def post(self, act: Callable[["PumpHost"], None]) -> None:
        """Have *act* done on the event loop, with the pump brought to the present.

        Safe from any thread once the host is started.
        """
        assert self._loop is not None, "start the host first"
        self._loop.call_soon_threadsafe(self._do, act)

    def _do(self, act: Callable[["PumpHost"], None]) -> None:
        self._catch_up()
        act(self)
        self._plan()

    def set_speed(self, speed: Fraction) -> None:
        """Change how fast therapy time runs, 0 to pause. For use by a posted act."""
        self.clock.set_speed(speed, time.monotonic_ns())

    def jump_to_next_event(self) -> None:
        """Move therapy time to the pump's next event. For use by a posted act."""
        due_ms = self.simulation.next_event_ms()
        if due_ms is not None:
            self.clock.jump(due_ms, time.monotonic_ns())
            self.simulation.advance(due_ms)

    # --- Time ------------------------------------------------------------------------------------

    def _catch_up(self) -> int:
        """Bring the pump to the present; returns link time in ns."""
        now_ns = time.monotonic_ns()
        self.simulation.advance(self.clock.therapy_ms(now_ns))
        return now_ns

    def _answer(self) -> None:
        session = self._session
        while (event := session.next_event()) is not None:
            if isinstance(event, RequestReceived):
                session.send_response(event, self.telemetry.answer(event, self._last_heard_ms))
            else:
                self.telemetry.observe(event)
        data = session.data_to_send()
        if data:
            self.port.send(data)

    def _plan(self) -> None:
        """Set the timer for whatever comes first.

        A timer that is set too early costs one idle wake-up, a new one for every request would cost
        each of them some microseconds: so only an earlier need replaces it.
        """
        due_ns = self._next_due_ns()
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
        now_ms = self._catch_up() // NS_PER_MS
        self._session.handle_timeout(now_ms)
        self.telemetry.handle_timeout(now_ms)
        self._answer()
        if self._jump_due and now_ms >= self._last_heard_ms + QUIET_BEFORE_JUMP_MS:
            self._jump_due = False
            self.jump_to_next_event()
        self._plan()

    def _next_due_ns(self) -> int | None:
        link_times = (self._session.next_timeout(), self.telemetry.next_timeout())
        due = [link_ms * NS_PER_MS for link_ms in link_times if link_ms is not None]
        if self._jump_due:
            due.append((self._last_heard_ms + QUIET_BEFORE_JUMP_MS) * NS_PER_MS)
        next_event_ms = self.simulation.next_event_ms()
        if next_event_ms is not None:
            event_ns = self.clock.link_ns_at(next_event_ms)
            if event_ns is not None:
                due.append(event_ns)
        return min(due, default=None)
