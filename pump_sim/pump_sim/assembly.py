"""A pump with all that belongs to it except a port, from what ``pump-sim run`` was asked for.

Whoever serves a pump begins here: :mod:`pump_sim.app` on a port and in real time,
:mod:`pump_sim.testing.virtual` within a test and in virtual time. So an option means the same to
both. It opens nothing but the file that keeps the pump, and asks no clock what time it is.
"""

import secrets
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pump_protocol.codes import UserRole
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key
from pump_sim.clock import PacedClock
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.pump import Pump
from pump_sim.options import FileRefused, PumpStart, RunOptions
from pump_sim.simulation import Simulation
from pump_sim.store.resuming import Resume

if TYPE_CHECKING:
    from pump_sim.ports.impairment import Impairment, Observer
    from pump_sim.scenario.playing.play import Play
    from pump_sim.scenario.reading.loading import Loaded
    from pump_sim.store.opening import Opened


class Wire(NamedTuple):
    """A part of a line on which things go wrong.

    `therapy_ms` says what therapy time it is at a link time; asked before anything is sent, it may
    put faults on the wire that are due by then.
    """

    impairment: "Impairment"
    therapy_ms: Callable[[int], int]


class Assembly:
    """A pump at its endpoint, and the scenario that is played on it.

    :param link_ns: the present link time.
    :param index: which of several pumps it is, from 0.
    :raises FileRefused: the file that is to keep the pump cannot be used.

    :ivar endpoint: the pump's end of the link.
    :ivar new_keys: the keys that were made for this pump now, by role; none of a pump that has
        none, or has had its own for longer.
    :ivar kept: the file that keeps the pump, and what was found there; None without one.
    :ivar play: the scenario, which is the endpoint's script; None without one.
    """

    def __init__(self, options: RunOptions, link_ns: int, index: int = 0) -> None:
        self._options = options
        self._link_ns = link_ns
        self._index = index
        self.play: Play | None = None
        self.kept: Opened | None = None
        if isinstance(options.start, PumpStart):
            self.endpoint = self._new_endpoint(options.start)
        else:
            self.play = self._new_play(options.start)
            self.endpoint = self.play.endpoint
        self.endpoint.jumping = options.speed is None
        if self.play is None and options.hands_follow:
            self.endpoint.hands = self._follow
        guard = self.endpoint.guard
        has_new = guard is not None and (self.kept is None or self.kept.new_keys)
        self.new_keys: Mapping[UserRole, Key] = dict(guard.keys) if guard and has_new else {}

    @property
    def _speed(self) -> Fraction:
        return Fraction(0) if self._options.speed is None else self._options.speed

    def _new_endpoint(self, start: PumpStart) -> PumpEndpoint:
        if self._options.state_file is not None:
            return self._kept_endpoint(start, self._options.state_file)
        keys = new_keys() if self._options.authenticated else None

        def renewal() -> tuple[Pump, PumpGuard | None]:
            return self._new_pump(start), None if keys is None else PumpGuard(keys)

        endpoint = self._endpoint(*renewal())
        endpoint.renewal = renewal
        return endpoint

    def _new_pump(self, start: PumpStart) -> Pump:
        number = "" if self._options.count == 1 else f"-{self._index + 1}"
        return Pump.implant(
            start.profile,
            start.prescription,
            serial_number=start.serial_number + number,
            volume_nl=start.reservoir_nl,
            clock_local_ms=start.clock_ms,
            battery_mode=start.battery,
            new_patient=start.new_patient,
            historic_updates=self._options.historic_updates,
        )

    def _endpoint(self, pump: Pump, guard: PumpGuard | None) -> PumpEndpoint:
        clock = PacedClock(self._speed, therapy_ms=pump.at_ms, link_ns=self._link_ns)
        return PumpEndpoint(Simulation(pump), clock, guard=guard)

    def _kept_endpoint(self, start: PumpStart, path: Path) -> PumpEndpoint:
        # SQLite and cattrs, only if wanted.
        from pump_sim.store.errors import StoreRefused  # noqa: PLC0415
        from pump_sim.store.opening import Opening  # noqa: PLC0415

        opening = Opening(
            path, lambda: self._new_pump(start), authenticated=self._options.authenticated
        )
        try:
            opened = self.kept = opening.open(self._options.resume)
        except StoreRefused as error:
            raise FileRefused(str(error)) from None
        try:
            guard = None
            if opened.guard is not None:
                guard = PumpGuard.restore(opened.guard, self._link_ns // NS_PER_MS)
            endpoint = self._endpoint(opened.pump, guard)
            if self._options.resume is Resume.STAY:
                endpoint.set_speed(Fraction(0), self._link_ns)
            endpoint.keep_with(opened.keeper)
            opened.keeper.begin(endpoint, self._link_ns)
        except StoreRefused as error:
            opened.abandon()
            raise FileRefused(str(error)) from None
        return endpoint

    def _new_play(self, loaded: "Loaded") -> "Play":
        from pump_sim.scenario.clinician.keyring import KeyRing  # noqa: PLC0415 - only scenarios
        from pump_sim.scenario.playing.play import Extent, Play  # noqa: PLC0415 - as above

        return Play(
            loaded.scenario,
            self._options.picks,
            folder=loaded.path.parent,
            speed=self._speed,
            link_ns=self._link_ns,
            keys=KeyRing(secrets.token_bytes),  # others can reach it
            extent=Extent.BEYOND_ITS_END,
        )

    def wires(self, observe: "Observer") -> list[Wire]:
        """What goes wrong on the line, from the programmer to the pump; none costs nothing.

        :param observe: told of what a link fault that was asked for did to a frame.
        """
        wires: list[Wire] = []
        if self._options.faults is not None:
            from pump_sim.link_faults import faulty_wire  # noqa: PLC0415 - only if wanted

            faults, index = self._options.faults, self._index
            wires.append(
                Wire(
                    *faulty_wire(faults, self.endpoint, self._link_ns, index=index, observe=observe)
                )
            )
        noise = None if self.play is None else self.play.noise()
        if noise is not None:
            wires.append(Wire(noise, self.endpoint.elapsed_ms))
        return wires

    def _follow(self, entry: LogEntry) -> None:
        """What hands do upon a record of the therapy log: they fill, with the drug that is
        prescribed by now."""
        if entry.event is EventCode.RESERVOIR_UPDATED:
            self.endpoint.simulation.pump.fill_by_hand(entry.b)

    def abandon(self) -> None:
        """The pump is never served: a state file that is new goes again."""
        if self.kept is not None:
            self.kept.abandon()

    def close(self, link_ns: int) -> None:
        """The pump is served no more: what is kept of it is brought up to date.

        :raises StoreFailed: that cannot be.
        """
        if self.kept is not None:
            self.endpoint.catch_up(link_ns)
            self.kept.keeper.close(self.endpoint, link_ns)
