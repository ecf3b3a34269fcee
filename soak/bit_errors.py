"""A wire on which every single bit may arrive wrong, at a rate; it knows no frames.

It has the shape of :class:`pump_sim.ports.impairment.Impairment`, so that it can stand on a line
beside one: that loses, doubles and delays frames, and this one spoils bits.
"""

from collections import deque
from math import log, log1p
from random import Random

from pump_sim.ports.impairment import Delivery


class BitErrors:
    """Spoils each bit with the same probability, and delays nothing.

    :ivar spoilt: how many bits were, so far.
    """

    def __init__(self, rate: float, random: Random) -> None:
        self._log_right = log1p(-rate) if rate else 0.0
        self._random = random
        self._passing: deque[Delivery] = deque()
        self.spoilt = 0
        self._next = self._gap()

    def send(self, to_pump: bool, data: bytes, *, link_ns: int, **_: int) -> None:
        """Bytes that one side sends now; they arrive at once."""
        bits = 8 * len(data)
        if self._next < bits:
            spoilt = bytearray(data)
            while self._next < bits:
                spoilt[self._next // 8] ^= 1 << self._next % 8
                self.spoilt += 1
                self._next += 1 + self._gap()
            data = bytes(spoilt)
        self._next -= bits
        self._passing.append(Delivery(to_pump, data))
        self._due_ns = link_ns

    def due_ns(self) -> int | None:
        """When there is something to take."""
        return self._due_ns if self._passing else None

    def take(self, link_ns: int) -> list[Delivery]:  # noqa: ARG002 - it is all here already
        """All that arrives."""
        taken = list(self._passing)
        self._passing.clear()
        return taken

    def connection_lost(self) -> None:
        """What is under way is lost."""
        self._passing.clear()

    def _gap(self) -> int:
        """How many bits arrive right before the next one that does not."""
        if not self._log_right:
            return 1 << 62
        return int(log(1.0 - self._random.random()) / self._log_right)
