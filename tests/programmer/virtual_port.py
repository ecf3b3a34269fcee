"""A whole simulated pump at the other end of a port, in this process and in virtual time."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic_ns

import pytest

from pump_programmer.programmer import Programmer
from pump_sim.clock import ManualClock
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation


class VirtualPort:
    """What a programmer's transport is, with a pump behind it that answers at once."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.endpoint = PumpEndpoint(Simulation(pump), ManualClock(pump.at_ms))
        self.deaf = False
        self._answers = b""

    @property
    def firmware(self) -> Firmware:
        """What the pump believes and has been told."""
        return self.pump.firmware

    def read(self, timeout_s: float) -> bytes:
        """What the pump has answered, unless nobody is to hear it."""
        answers, self._answers = b"" if self.deaf else self._answers, b""
        return answers

    def write(self, data: bytes, timeout_s: float) -> None:
        """The pump hears it, and answers."""
        self._answers += self.endpoint.receive_data(data, monotonic_ns())

    def close(self) -> None:
        """Somebody else may have the port."""
        self.endpoint.connection_lost(monotonic_ns())

    def wait(self, duration_ms: int) -> None:
        """Let therapy time pass."""
        self.endpoint.jump_to(self.pump.at_ms + duration_ms, monotonic_ns())

    @contextmanager
    def programmer(self, **settings: float) -> Iterator[Programmer]:
        """A programmer with an open link to the pump."""
        with pytest.MonkeyPatch.context() as patch:
            self.plug_in(patch)
            with Programmer("virtual", programmer_id=7, **settings) as programmer:
                yield programmer

    def plug_in(self, patch: pytest.MonkeyPatch) -> None:
        """Whatever address a programmer opens from now on is this port."""
        patch.setattr("pump_programmer.conversation.open_transport", lambda address: self)
