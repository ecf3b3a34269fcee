"""The pump's end of a link, without I/O: bytes and link time in, bytes out.

Here link time and therapy time meet: the pump is brought to the present before it hears anything.
Sockets, event loops and real clocks are :mod:`pump_sim.serve`'s business, so a test can drive a
pump in virtual time through the same code that serves a real port. What a request means to the
pump is :mod:`pump_sim.telemetry`'s.
"""

from fractions import Fraction

from pump_protocol.events import RequestReceived
from pump_protocol.session import Role, Session
from pump_sim.clock import Clock, ManualClock, PacedClock
from pump_sim.model.events import LogEntry
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation
from pump_sim.telemetry import Telemetry

NS_PER_MS = 1_000_000
QUIET_BEFORE_JUMP_MS = 250
"""How long a link must be quiet before a jumping pump goes on to its next event."""


class PumpEndpoint:
    """A pump that can be talked to.

    Link time is in ns from any origin and never goes back.

    :param simulation: the pump and its therapy time.
    :param clock: how therapy time follows link time; none means that it does not, and only
        :meth:`jump_to` moves it.
    :param jumping: jump to the pump's next event once the link has been quiet for
        ``QUIET_BEFORE_JUMP_MS`` after an exchange; then wait for the programmer to speak again.

    :ivar near: whether the programmer's telemetry head lies on the patient. While it does not,
        neither hears the other.
    """

    def __init__(
        self, simulation: Simulation, clock: Clock | None = None, *, jumping: bool = False
    ) -> None:
        self.simulation = simulation
        self.clock = clock if clock is not None else ManualClock(simulation.now_ms)
        self.telemetry = Telemetry(simulation.pump)
        self.jumping = jumping
        self.near = True
        self._session = Session(Role.PUMP)
        self._jump_at_ns: int | None = None
        self._pace = Fraction(1)  # how fast it goes on after a pause
        if isinstance(self.clock, PacedClock) and self.clock.speed[0]:
            self._pace = Fraction(*self.clock.speed)
        self._told = simulation.pump.firmware.log.next_sequence

    # --- The link --------------------------------------------------------------------------------

    def receive_data(self, data: bytes, link_ns: int) -> bytes:
        """Bytes from the programmer; returns the pump's answer, if there is one to give."""
        self.catch_up(link_ns)
        if not self.near:
            return b""
        if self.jumping:
            self._jump_at_ns = link_ns + QUIET_BEFORE_JUMP_MS * NS_PER_MS
        link_ms = link_ns // NS_PER_MS
        self._session.receive_data(data, link_ms)
        return self._answer(link_ms)

    def connection_lost(self, link_ns: int) -> None:
        """The peer left: a half frame of it must not be the beginning of the next one's."""
        self.catch_up(link_ns)
        link_ms = link_ns // NS_PER_MS
        self._session.connection_lost(link_ms)
        self._answer(link_ms)

    def next_timeout_ns(self) -> int | None:
        """The link time at which :meth:`handle_timeout` wants to be called, or None."""
        link_times = (self._session.next_timeout(), self.telemetry.next_timeout())
        due = [link_ms * NS_PER_MS for link_ms in link_times if link_ms is not None]
        if self._jump_at_ns is not None:
            due.append(self._jump_at_ns)
        next_event_ms = self.simulation.next_event_ms()
        if next_event_ms is not None:
            event_ns = self.clock.link_ns_at(next_event_ms)
            if event_ns is not None:
                due.append(event_ns)
        return min(due, default=None)

    def handle_timeout(self, link_ns: int) -> bytes:
        """Do what is due; calling too early or too often does no harm."""
        self.catch_up(link_ns)
        link_ms = link_ns // NS_PER_MS
        self._session.handle_timeout(link_ms)
        self.telemetry.handle_timeout(link_ms)
        if self._jump_at_ns is not None and link_ns >= self._jump_at_ns:
            self._jump_at_ns = None
            self.jump_to_next_event(link_ns)
        return self._answer(link_ms)

    def _answer(self, link_ms: int) -> bytes:
        session = self._session
        while (event := session.next_event()) is not None:
            if isinstance(event, RequestReceived):
                session.send_response(event, self.telemetry.answer(event, link_ms))
            else:
                self.telemetry.observe(event)
        data = session.data_to_send()
        return data if self.near else b""

    # --- What was recorded -----------------------------------------------------------------------

    def new_records(self) -> tuple[LogEntry, ...]:
        """The therapy-log records since the last call, or since this endpoint was made.

        Asked for from outside, never told from inside: whoever wants them cannot disturb a command
        that is being carried out.
        """
        log = self.simulation.pump.firmware.log
        if log.next_sequence == self._told:
            return ()
        records = log.page(self._told, log.next_sequence)
        self._told = log.next_sequence
        return records

    # --- Therapy time ----------------------------------------------------------------------------

    def catch_up(self, link_ns: int) -> None:
        """Bring the pump to the present."""
        self.simulation.advance(self.clock.therapy_ms(link_ns))

    def jump_to(self, therapy_ms: int, link_ns: int) -> None:
        """Move therapy time to *therapy_ms* at once.

        :raises ValueError: that lies in the past.
        """
        self.catch_up(link_ns)
        self.clock.jump(therapy_ms, link_ns)
        self.simulation.advance(therapy_ms)

    def jump_to_next_event(self, link_ns: int) -> None:
        """Move therapy time to the pump's next event; does nothing if there will be none."""
        self.catch_up(link_ns)
        next_event_ms = self.simulation.next_event_ms()
        if next_event_ms is not None:
            self.jump_to(next_event_ms, link_ns)

    @property
    def speed(self) -> Fraction | None:
        """How fast therapy time runs; 0 while it is paused, None of a clock without a speed."""
        return Fraction(*self.clock.speed) if isinstance(self.clock, PacedClock) else None

    @property
    def pace(self) -> Fraction:
        """How fast therapy time ran before a pause, and will after it."""
        return self._pace

    def set_speed(self, speed: Fraction, link_ns: int) -> None:
        """Change how fast therapy time runs from now on; 0 pauses it.

        :raises TypeError: the clock of this pump has no speed.
        """
        if not isinstance(self.clock, PacedClock):
            raise TypeError(f"a {type(self.clock).__name__} has no speed")
        self.catch_up(link_ns)
        self.clock.set_speed(speed, link_ns)
        self._pace = speed or self._pace

    # --- Another state ---------------------------------------------------------------------------

    def replace_pump(self, pump: Pump, link_ns: int) -> None:
        """Have another pump, or this one in another state, behind the same link from now on.

        The link is told nothing and stays as it is. Therapy time is the new pump's own and goes on
        at the speed at which it ran.
        """
        self.simulation = Simulation(pump)
        if isinstance(self.clock, PacedClock):
            speed = Fraction(*self.clock.speed)
            self.clock = PacedClock(speed, therapy_ms=pump.at_ms, link_ns=link_ns)
        else:
            self.clock = ManualClock(pump.at_ms)
        self.telemetry = Telemetry(pump)
        self._jump_at_ns = None
        self._told = pump.firmware.log.next_sequence
