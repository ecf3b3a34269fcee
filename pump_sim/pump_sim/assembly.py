"""A pump with all that belongs to it except a port, from what ``pump-sim run`` was asked for.

Whoever serves a pump begins here: :mod:`pump_sim.app` on a port and in real time,
:mod:`pump_sim.testing.virtual` within a test and in virtual time. So an option means the same to
both. It opens nothing and asks no clock what time it is.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from pump_sim.clock import PacedClock
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.pump import Pump
from pump_sim.options import PumpStart, RunOptions
from pump_sim.simulation import Simulation

if TYPE_CHECKING:
    from pump_sim.ports.impairment import Impairment, Observer
    from pump_sim.scenario.playing.play import Play
    from pump_sim.scenario.reading.loading import Loaded


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

    :ivar endpoint: the pump's end of the link.
    :ivar play: the scenario, which is the endpoint's script; None without one.
    """

    def __init__(self, options: RunOptions, link_ns: int, index: int = 0) -> None:
        self._options = options
        self._link_ns = link_ns
        self._index = index
        self.play: Play | None = None
        if isinstance(options.start, PumpStart):
            self.endpoint = self._new_endpoint(options.start)
        else:
            self.play = self._new_play(options.start)
            self.endpoint = self.play.endpoint
        self.endpoint.jumping = options.speed is None

    @property
    def _speed(self) -> Fraction:
        return Fraction(0) if self._options.speed is None else self._options.speed

    def _new_endpoint(self, start: PumpStart) -> PumpEndpoint:
        number = "" if self._options.count == 1 else f"-{self._index + 1}"
        pump = Pump.implant(
            start.profile,
            start.prescription,
            serial_number=start.serial_number + number,
            volume_nl=start.reservoir_nl,
            clock_local_ms=start.clock_ms,
            battery_mode=start.battery,
            new_patient=start.new_patient,
        )
        clock = PacedClock(self._speed, therapy_ms=pump.at_ms, link_ns=self._link_ns)
        return PumpEndpoint(Simulation(pump), clock)

    def _new_play(self, loaded: "Loaded") -> "Play":
        from pump_sim.scenario.playing.play import Play  # noqa: PLC0415 - only scenarios need it

        return Play(
            loaded.scenario,
            self._options.picks,
            folder=loaded.path.parent,
            speed=self._speed,
            link_ns=self._link_ns,
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

    def hear(self, entry: LogEntry) -> None:
        """What hands do upon a record of the therapy log."""
        if entry.event is EventCode.RESERVOIR_UPDATED and self._options.hands_follow:
            # With the drug that is prescribed by now.
            self.endpoint.simulation.pump.fill_by_hand(entry.b)
