"""Runs of a pump that is kept in a file, in virtual time, for the tests of this folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.guard import PumpGuard
from pump_sim.clock import PacedClock
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.simulation import Simulation
from pump_sim.store.opening import Opened, Opening
from pump_sim.store.resuming import Resume
from tests.pump_sim.virtual import VirtualLink, implanted

SUFFIXES = ("", "-wal", "-mark")
"""The files that a run has while it goes on."""

NOW_MS = 1_790_000_000_000


class KeptPump(VirtualLink):
    """A programmer at a pump that is kept; one with keys is not talked to.

    Link time moves only when told to.
    """

    def __init__(self, opened: Opened, speed: Fraction) -> None:
        # Not that of the base, which makes an endpoint that nobody keeps.
        self.opened = opened
        self.pump = opened.pump
        self.link_ms = 1
        guard = None if opened.guard is None else PumpGuard.restore(opened.guard, self.link_ms)
        clock = PacedClock(speed, therapy_ms=opened.pump.at_ms, link_ns=NS_PER_MS)
        self.endpoint = PumpEndpoint(
            Simulation(opened.pump), clock, guard=guard, keeper=opened.keeper
        )
        opened.keeper.begin(self.endpoint, NS_PER_MS)
        self._next_link_id = 0x1000
        if guard is None:
            self.reconnect()

    def order(self, number: int, volume_nl: int = 25_000) -> m.Response:
        """Order a small single bolus."""
        return self.ask(
            m.OrderBolus(
                number, codes.BolusKind.SINGLE, volume_nl * 2, 2_000_000, volume_nl, 300_000
            )
        )

    def end(self) -> None:
        """A clean end."""
        self.endpoint.catch_up(self.link_ms * NS_PER_MS)
        self.opened.keeper.close(self.endpoint, self.link_ms * NS_PER_MS)


def opened(
    path: Path,
    *,
    resume: str = "go-on",
    wall_ms: int = NOW_MS,
    authenticated: bool = False,
    speed: Fraction = Fraction(1),
) -> KeptPump:
    """The pump of the file at *path*; a new one has 800 mcg/day."""
    opening = Opening(path, implanted, authenticated=authenticated, wall_ms=lambda: wall_ms)
    return KeptPump(opening.open(Resume(resume)), speed)


@contextmanager
def running(path: Path, **more: object) -> Iterator[KeptPump]:
    """As :func:`opened`; ended at the end, whatever happens."""
    pump = opened(path, **more)  # type: ignore[arg-type]
    try:
        yield pump
    finally:
        with suppress(Exception):
            pump.opened.keeper.close(pump.endpoint, pump.link_ms * NS_PER_MS)


def kill(path: Path, to: Path) -> Path:
    """What a process that is killed at this moment leaves behind, at another place."""
    for suffix in SUFFIXES:
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            shutil.copy(beside, to.with_name(to.name + suffix))
    return to
