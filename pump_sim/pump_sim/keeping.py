"""When what a pump is must be kept: before anybody is told, and not more often than that needs.

Where it is kept is a keeper's business; this decides when, so that neither a program that polls nor
a flood of forged frames costs a durable write each.
"""

from fractions import Fraction
from typing import Final, Protocol

from pump_protocol.codes import FREE_FAILURES
from pump_protocol.guard import PumpGuard
from pump_sim.simulation import Simulation

ACCESS_RECORDS_APART_NS: Final = 1_000_000_000
"""Records of the access log alone are kept at most so often, in link time: who is without a key can
cause them at will."""


class Kept(Protocol):
    """A pump's end of a link, as far as it is kept."""

    @property
    def simulation(self) -> Simulation:
        """The pump and its therapy time."""

    @property
    def guard(self) -> PumpGuard | None:
        """The pump's keys."""

    @property
    def speed(self) -> Fraction | None:
        """How fast therapy time runs, None of a clock without a speed."""


class Keeper(Protocol):
    """Keeps what a pump is where it outlives this process."""

    def keep(self, endpoint: Kept, link_ns: int) -> None:
        """Something was done to the pump: keep it before anybody is told.

        :raises Exception: it cannot be kept; then nobody must be told, now or later.
        """

    def tell(self, endpoint: Kept, link_ns: int) -> None:
        """Somebody is about to be told what time it is, and nothing was done."""


class Keeping:
    """What of a pump was kept so far, as far as that decides whether it must be kept again."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._kept: tuple[int, int] | None = None
        self._access = 0
        self._access_due_ns = 0

    def keep(self, endpoint: Kept, link_ns: int) -> None:
        """Keep it now."""
        self._keeper.keep(endpoint, link_ns)
        self._kept = _decisive(endpoint)
        self._access = endpoint.simulation.pump.firmware.access_log.next_sequence
        self._access_due_ns = link_ns + ACCESS_RECORDS_APART_NS

    def before_telling(self, endpoint: Kept, link_ns: int, *, changed: bool) -> None:
        """Keep it if what somebody is about to be told could be forgotten.

        :param changed: whether what was asked may have changed the pump.
        """
        access = endpoint.simulation.pump.firmware.access_log.next_sequence
        if (
            changed
            or _decisive(endpoint) != self._kept
            or (access != self._access and link_ns >= self._access_due_ns)
        ):
            self.keep(endpoint, link_ns)
        else:
            self._keeper.tell(endpoint, link_ns)


def _decisive(endpoint: Kept) -> tuple[int, int]:
    """The end of the therapy log, and how long handshakes are locked; a failure is not worth it."""
    guard = endpoint.guard
    locks = 0 if guard is None else max(0, guard.failures - FREE_FAILURES)
    return endpoint.simulation.pump.firmware.log.next_sequence, locks
