"""A port on which the link goes wrong: another port, with an impairment between it and the pump.

Keeps the timers. What goes wrong, and what frames are, is not known here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pump_sim.ports.impairment import Delivery, Impairment
from pump_sim.ports.port import Listener, Port


class ImpairedPort:
    """*port*, as it is behind *impairment*.

    :param impairment: None where nothing goes wrong.
    :param therapy_ms: what therapy time it is at a link time; asked before anything is sent, either
        way, so it may put faults on the link that are due by then.
    :param link_ns: the link time now.
    """

    def __init__(
        self,
        port: Port,
        impairment: Impairment | None,
        therapy_ms: Callable[[int], int],
        link_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.port = port
        self.impairment = impairment
        self._therapy_ms = therapy_ms
        self._link_ns = link_ns
        self._listener: Listener | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._handing_on = False

    @property
    def address(self) -> str:
        """The other port's."""
        return self.port.address

    @property
    def dropped_bytes(self) -> int:
        """How many bytes the other port dropped; what the faults lost is not counted."""
        return self.port.dropped_bytes

    async def start(self, listener: Listener) -> None:
        """Start the other port. Errors as it raises them."""
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        await self.port.start(self)

    def send(self, data: bytes) -> None:
        """Send to the programmer what the faults leave of it, when they let it go."""
        self._pass(False, data)

    def hang_up(self) -> bool:
        """End the connection, if the other port has one. What is under way is lost."""
        self._lose()
        return self.port.hang_up()

    async def close(self) -> None:
        """Close the other port. What is under way is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._loop = None
        self._lose()
        await self.port.close()

    # --- What the other port tells ---------------------------------------------------------------

    def connected(self) -> None:
        """A peer is there."""
        assert self._listener is not None
        self._listener.connected()

    def received(self, data: bytes) -> None:
        """Bytes from the programmer, which reach the pump as the faults let them."""
        self._pass(True, data)

    def disconnected(self) -> None:
        """The peer left; what is under way either way is lost."""
        self._lose()
        assert self._listener is not None
        self._listener.disconnected()

    def refit(self, impairment: Impairment | None, therapy_ms: Callable[[int], int]) -> None:
        """Have something else go wrong from now on, None for nothing. What is under way is lost."""
        self._lose()
        self.impairment = impairment
        self._therapy_ms = therapy_ms

    def _lose(self) -> None:
        if self.impairment is not None:
            self.impairment.connection_lost()

    # --- In between ------------------------------------------------------------------------------

    def _pass(self, to_pump: bool, data: bytes) -> None:
        if not data:
            return
        if self.impairment is None:
            self._deliver(Delivery(to_pump=to_pump, data=data))
            return
        link_ns = self._link_ns()
        therapy_ms = self._therapy_ms(link_ns)
        self.impairment.send(to_pump, data, link_ns=link_ns, therapy_ms=therapy_ms)
        self._hand_on()

    def _hand_on(self) -> None:
        """Deliver all that has arrived, and set the timer for the next."""
        if self._handing_on:  # the pump answers while it is being told: that comes next
            return
        self._handing_on = True
        try:
            while self.impairment is not None and (
                deliveries := self.impairment.take(self._link_ns())
            ):
                for delivery in deliveries:
                    self._deliver(delivery)
        finally:
            self._handing_on = False
        self._plan()

    def _deliver(self, delivery: Delivery) -> None:
        if delivery.data:
            if delivery.to_pump:
                assert self._listener is not None
                self._listener.received(delivery.data)
            else:
                self.port.send(delivery.data)
        if delivery.disconnect:
            self.port.hang_up()

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ns = None if self.impairment is None else self.impairment.due_ns()
        if due_ns is not None and self._loop is not None:
            delay_s = max(0, due_ns - self._link_ns()) / 1e9
            self._timer = self._loop.call_later(delay_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._hand_on()
