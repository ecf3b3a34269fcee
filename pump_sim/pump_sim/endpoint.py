"""The pump's end of a link, without I/O: bytes and link time in, bytes out.

Here link time and therapy time meet: the pump is brought to the present before it hears anything.
Sockets, event loops and real clocks are :mod:`pump_sim.serve`'s business, so a test can drive a
pump in virtual time through the same code that serves a real port. What a request means to the
pump is :mod:`pump_sim.telemetry`'s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from pump_protocol.access import EMERGENCY, MAY_SEND
from pump_protocol.codes import UserRole
from pump_protocol.errors import OutOfTurn
from pump_protocol.events import Event, RequestReceived
from pump_protocol.guard import PumpGuard
from pump_protocol.handshake import identity_digest
from pump_protocol.session import Role, Session
from pump_sim.clock import Clock, ManualClock, PacedClock
from pump_sim.keeping import Keeper, Keeping
from pump_sim.model.events import LogEntry
from pump_sim.model.pump import Pump
from pump_sim.presence import Presence
from pump_sim.simulation import Simulation
from pump_sim.telemetry import Telemetry

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What a script waits for somebody to decide: the names of the options, each with a title."""

    name: str
    ask: str
    options: Mapping[str, str]


class Script(Protocol):
    """What is to happen to a pump at moments of therapy time, beside what happens by itself.

    It may send bytes to the pump as a programmer does, with :meth:`PumpEndpoint.hear`, and put
    another pump in its place.
    """

    def next_ms(self) -> int | None:
        """When the script wants to act next, in the therapy time of the pump in place.

        None while it has nothing to do, or waits for a decision.
        """

    def next_event_ms(self) -> int | None:
        """As :meth:`next_ms`, but when people would say that something happens."""

    @property
    def title(self) -> str:
        """What the script is called."""

    @property
    def elapsed_ms(self) -> int:
        """Therapy time since it began."""

    @property
    def over(self) -> bool:
        """Whether it has nothing more to do."""

    @property
    def busy(self) -> bool:
        """Whether it waits for link time to pass; therapy time does not jump meanwhile."""

    @property
    def decision(self) -> Decision | None:
        """What it waits for; it holds therapy time meanwhile."""

    def decide(self, option: str, link_ns: int) -> None:
        """Take an option of the decision that it waits for, and go on.

        :raises ValueError: it waits for none, or that has no such option.
        """

    def act(self, link_ns: int) -> None:
        """Do all that is due at the present moment of therapy time, at which the pump is."""

    def next_link_ns(self) -> int | None:
        """The link time at which :meth:`handle_link` wants to be called, or None."""

    def handle_link(self, link_ns: int) -> None:
        """Do what is due in link time; calling too early or too often does no harm."""

    def observe(self) -> None:
        """Something may have happened on the link, or because of it."""

    def pump_handled(self) -> None:
        """Somebody may have done something to the pump, which need not have recorded it."""

    def pump_replaced(self) -> None:
        """Another pump is in place, at its own time."""


READING = MAY_SEND[UserRole.OBSERVER] | EMERGENCY
"""Requests that leave a pump as it is, unless they leave a record in its therapy log; so nobody
without a key can cause a durable write with each."""

QUIET_BEFORE_JUMP_MS = 250
"""How long a link must be quiet before a jumping pump goes on to its next event."""


Listener = Callable[[Event, int], None]
"""Told of an event of the link, and when it happened, in ns of link time."""


class PumpEndpoint:
    """A pump that can be talked to.

    Link time is in ns from any origin and never goes back.

    :param simulation: the pump and its therapy time.
    :param clock: how therapy time follows link time; none means that it does not, and only
        :meth:`jump_to` moves it.
    :param jumping: jump to the pump's next event once the link has been quiet for
        ``QUIET_BEFORE_JUMP_MS`` after an exchange; then wait for the programmer to speak again.
    :param guard: the pump's keys; none means the profile LEGACY_INSECURE: whoever reaches the port
        is believed.
    :param keeper: keeps what the pump is; none means that it is forgotten with this process.

    :ivar presence: whoever is at the patient. While the programming head is out of reach, pump and
        programmer do not hear each other.
    :ivar started_ms: when this endpoint was made, in the therapy time of the pump in place.
    :ivar hands: told of each record of the therapy log, None for nobody. What simulated hands do
        upon an order is kept in one write with it, before it is acknowledged.
    :ivar renewal: makes the pump that this one was at its start, and its guard; None where nobody
        can.
    :ivar script: what else is to happen, None for nothing. Therapy time never passes over a moment
        at which it wants to act.
    """

    def __init__(
        self,
        simulation: Simulation,
        clock: Clock | None = None,
        *,
        jumping: bool = False,
        guard: PumpGuard | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.simulation = simulation
        self.clock = clock if clock is not None else ManualClock(simulation.now_ms)
        self._keeping: Keeping | None = None
        if keeper is not None:
            self.keep_with(keeper)
        self._listeners: list[Listener] = []
        self.presence = Presence()
        self._take_guard(guard)
        self.telemetry = self._new_telemetry(simulation.pump)
        self.jumping = jumping
        self.started_ms = simulation.now_ms
        self.hands: Callable[[LogEntry], None] | None = None
        self.script: Script | None = None
        self.renewal: Callable[[], tuple[Pump, PumpGuard | None]] | None = None
        self._session = Session(Role.PUMP, guard=guard)
        self._exchanges = 0  # requests that were carried out; noise and forgeries are none
        self._jump_at_ns: int | None = None
        self._held_at_speed: Fraction | None = None
        self._first_speed = self.speed
        self._pace = self._first_speed or Fraction(1)  # how fast it goes on after a pause
        self._told = simulation.pump.firmware.log.next_sequence
        self._followed = self._told

    # --- The link --------------------------------------------------------------------------------

    def receive_data(self, data: bytes, link_ns: int) -> bytes:
        """Bytes from the programmer; returns the pump's answer, if there is one to give."""
        self.catch_up(link_ns)
        exchanges = self._exchanges
        answer = self.hear(data, link_ns)
        if self.jumping and self._exchanges > exchanges:
            self._jump_at_ns = link_ns + QUIET_BEFORE_JUMP_MS * NS_PER_MS
        if self.script is not None:
            self.script.observe()
        return answer

    def hear(self, data: bytes, link_ns: int) -> bytes:
        """As :meth:`receive_data`, for a script that acts: the pump is at the present already."""
        if not self.presence.in_reach:
            return b""
        link_ms = link_ns // NS_PER_MS
        self._session.receive_data(data, link_ms)
        return self._answer(link_ns)

    def connection_lost(self, link_ns: int) -> None:
        """The peer left: a half frame of it must not be the beginning of the next one's."""
        self.catch_up(link_ns)
        self.peer_left(link_ns)

    def peer_left(self, link_ns: int) -> None:
        """As :meth:`connection_lost`, for a script that acts: the pump is at the present."""
        link_ms = link_ns // NS_PER_MS
        self._session.connection_lost(link_ms)
        self._answer(link_ns)

    def next_timeout_ns(self) -> int | None:
        """The link time at which :meth:`handle_timeout` wants to be called, or None."""
        link_times = (self._session.next_timeout(), self.telemetry.next_timeout())
        due = [link_ms * NS_PER_MS for link_ms in link_times if link_ms is not None]
        if self._jump_at_ns is not None:
            due.append(self._jump_at_ns)
        script_ms = None if self.script is None else self.script.next_ms()
        next_ms = _first(self.simulation.next_event_ms(), script_ms)
        if next_ms is not None:
            event_ns = self.clock.link_ns_at(next_ms)
            if event_ns is not None:
                due.append(event_ns)
        if self.script is not None:
            script_ns = self.script.next_link_ns()
            if script_ns is not None:
                due.append(script_ns)
        return min(due, default=None)

    def handle_timeout(self, link_ns: int) -> bytes:
        """Do what is due; calling too early or too often does no harm."""
        self.catch_up(link_ns)
        link_ms = link_ns // NS_PER_MS
        self._session.handle_timeout(link_ms)
        if self.telemetry.handle_timeout(link_ms):
            self.keep(link_ns)
        if self._jump_at_ns is not None and link_ns >= self._jump_at_ns:
            self._jump_at_ns = None
            self.jump_to_next_event(link_ns)
        answer = self._answer(link_ns)
        if self.script is not None:
            self.script.observe()
            self.script.handle_link(link_ns)
        return answer

    def _answer(self, link_ns: int) -> bytes:
        session = self._session
        changed = False
        while (event := session.next_event()) is not None:
            if isinstance(event, RequestReceived):
                response = self.telemetry.answer(event, link_ns // NS_PER_MS)
                session.send_response(event, response)
                self._exchanges += 1
                changed = changed or event.request.message_type not in READING
            else:
                self.telemetry.observe(event)
                for listener in self._listeners:
                    listener(event, link_ns)
        self._let_hands_follow()
        data = session.data_to_send()
        if self._keeping is not None and data:
            # What is acknowledged must be kept first.
            self._keeping.before_telling(self, link_ns, changed=changed)
        return data if self.presence.in_reach else b""

    def _let_hands_follow(self) -> None:
        log = self.simulation.pump.firmware.log
        first, self._followed = self._followed, log.next_sequence
        if self.hands is not None and first != log.next_sequence:
            for record in log.page(first, log.next_sequence):
                self.hands(record)

    def listen(self, listener: Listener) -> None:
        """Have *listener* told of all that happens on the link, but the requests that are carried
        out. A handshake has the keys of its link, for whoever is to read what passes on the wire.
        """
        self._listeners.append(listener)

    def keep_with(self, keeper: Keeper) -> None:
        """Have what the pump is kept from now on."""
        self._keeping = Keeping(keeper)

    def keep(self, link_ns: int) -> None:
        """Keep what the pump is, if it has a keeper."""
        if self._keeping is not None:
            self._keeping.keep(self, link_ns)

    def _take_guard(self, guard: PumpGuard | None) -> None:
        """Have these keys decide, by what the pump senses of whoever is at its patient."""
        self.guard = guard
        if guard is not None:
            guard.visit = self.presence.visit

    def _new_telemetry(self, pump: Pump) -> Telemetry:
        telemetry = Telemetry(pump, self.presence, authenticated=self.guard is not None)
        if self.guard is not None:
            self.guard.identity_digest = identity_digest(telemetry.identity())
        return telemetry

    # --- Who is at the patient -------------------------------------------------------------------

    def press_button(self, link_ns: int) -> None:
        """Press the button that says that somebody at the patient means it."""
        self.presence.press(link_ns // NS_PER_MS)

    def offer_pairing(self, role: UserRole, link_ns: int) -> str:
        """A one-time code for the key of *role*.

        :raises OutOfTurn: nobody is near, or the pump has no keys.
        """
        if self.guard is None:
            raise OutOfTurn("a LEGACY_INSECURE pump has no keys to give")
        return self.guard.offer_pairing(role, link_ns // NS_PER_MS)

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

    def handled(self, link_ns: int) -> None:
        """Somebody may have done something to the pump past the link, at link time *link_ns*: it is
        kept, and a script wants to know."""
        self._let_hands_follow()
        self.keep(link_ns)
        if self.script is not None:
            self.script.pump_handled()

    # --- Therapy time ----------------------------------------------------------------------------

    def elapsed_ms(self, link_ns: int) -> int:
        """Therapy time since this endpoint was made, whichever pumps were in place meanwhile."""
        return self.clock.therapy_ms(link_ns) - self.started_ms

    def catch_up(self, link_ns: int) -> None:
        """Bring the pump to the present."""
        if self.script is not None:
            while (due_ms := self._script_due_ms(self.clock.therapy_ms(link_ns))) is not None:
                self._let_script_act(due_ms, link_ns)
        self.simulation.advance(self.clock.therapy_ms(link_ns))

    def jump_to(self, therapy_ms: int, link_ns: int) -> None:
        """Move therapy time to *therapy_ms* at once, or to where a script waits for something.

        :raises ValueError: that lies in the past.
        """
        self.catch_up(link_ns)
        if self._is_kept():
            return
        left_ms = therapy_ms - self.simulation.now_ms
        while (due_ms := self._script_due_ms(self.simulation.now_ms + left_ms)) is not None:
            left_ms -= due_ms - self.simulation.now_ms
            self.clock.jump(due_ms, link_ns)
            self._let_script_act(due_ms, link_ns)
            if self._is_kept():
                return
        to_ms = self.simulation.now_ms + left_ms
        self.clock.jump(to_ms, link_ns)
        self.simulation.advance(to_ms)

    def jump_to_next_event(self, link_ns: int) -> None:
        """Move therapy time to the next event; does nothing if there will be none."""
        self.catch_up(link_ns)
        next_ms = self.next_event_ms()
        if next_ms is not None:
            self.jump_to(next_ms, link_ns)

    def next_event_ms(self) -> int | None:
        """When something happens next, by itself or by a script; None if never."""
        script_ms = None if self.script is None else self.script.next_event_ms()
        return _first(self.simulation.next_event_ms(), script_ms)

    def _is_kept(self) -> bool:
        """Whether therapy time must not jump now: something waits for a person, or for the link."""
        return self.held or (self.script is not None and self.script.busy)

    def _script_due_ms(self, by_ms: int) -> int | None:
        """When the script acts next, now at the earliest; None if not until then."""
        due_ms = None if self.script is None or self.held else self.script.next_ms()
        return None if due_ms is None or due_ms > by_ms else max(due_ms, self.simulation.now_ms)

    def _let_script_act(self, due_ms: int, link_ns: int) -> None:
        """Bring the pump to the moment at which the script wants to act, and let it."""
        assert self.script is not None
        self.simulation.advance(due_ms)
        self.script.act(link_ns)

    @property
    def held(self) -> bool:
        """Whether therapy time stands still until :meth:`release`, at whatever speed it ran."""
        return self._held_at_speed is not None

    def hold(self, link_ns: int) -> None:
        """Keep therapy time where the pump is; for a script that waits for a decision."""
        if not self.held:
            self._held_at_speed = self.speed if self.speed is not None else Fraction(0)
        self._set_clock(self.simulation.now_ms, Fraction(0), link_ns)

    def release(self, link_ns: int) -> None:
        """Let therapy time go on as before :meth:`hold`."""
        speed, self._held_at_speed = self._held_at_speed, None
        if speed is not None:
            self._set_clock(self.simulation.now_ms, speed, link_ns)

    def _set_clock(self, therapy_ms: int, speed: Fraction, link_ns: int) -> None:
        if isinstance(self.clock, PacedClock):
            self.clock = PacedClock(speed, therapy_ms=therapy_ms, link_ns=link_ns)
        else:
            self.clock = ManualClock(therapy_ms)

    @property
    def speed(self) -> Fraction | None:
        """How fast therapy time runs; 0 while it is paused, None of a clock without a speed."""
        return Fraction(*self.clock.speed) if isinstance(self.clock, PacedClock) else None

    @property
    def paused(self) -> bool:
        """Whether therapy time stands still until somebody sets a speed, also after a hold."""
        return not (self._held_at_speed if self._held_at_speed is not None else self.speed)

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
        if self.held:
            self._held_at_speed = Fraction(speed)  # from when it goes on
        else:
            self.clock.set_speed(speed, link_ns)
        self._pace = speed or self._pace

    # --- Another state ---------------------------------------------------------------------------

    def put_in_place(self, pump: Pump, guard: PumpGuard | None, link_ns: int) -> None:
        """Have another pump with its keys behind the same port from now on: it knows of no link.

        Therapy time is its own and goes on at the speed at which it ran.
        """
        self._take_guard(guard)
        self._session = Session(Role.PUMP, guard=guard)
        self.replace_pump(pump, link_ns)

    def replace_pump(self, pump: Pump, link_ns: int) -> None:
        """Have this pump in another state from now on; its keys and its link stay as they are.

        Therapy time is that of the state and goes on at the speed at which it ran.
        """
        old = self.simulation.pump
        self.started_ms += pump.at_ms - old.at_ms
        self.simulation = Simulation(pump)
        self._set_clock(pump.at_ms, self.speed or Fraction(0), link_ns)
        self.telemetry = self._new_telemetry(pump)
        self._jump_at_ns = None
        self._told = self._followed = pump.firmware.log.next_sequence
        if self.script is not None:
            self.script.pump_replaced()

    def renew(self, link_ns: int) -> None:
        """Put everything back to how it was at the start, but the keys and what link time it is:
        therapy begins anew, no link is known, nobody is locked out or near.

        :raises OutOfTurn: nobody can; a scenario is played, say.
        """
        if self.renewal is None:
            raise OutOfTurn("a scenario, or a state file, has made this pump what it is")
        pump, guard = self.renewal()
        self.presence = Presence()
        self.put_in_place(pump, guard, link_ns)
        self.started_ms = pump.at_ms
        if self._first_speed is not None:
            self.set_speed(self._first_speed, link_ns)


def _first(*moments: int | None) -> int | None:
    return min((each for each in moments if each is not None), default=None)
