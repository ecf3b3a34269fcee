"""A whole simulated pump at the other end of a port, in this process and in virtual time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pump_programmer.programmer import Programmer
from pump_protocol.codes import UserRole
from pump_protocol.frames import Frame, FrameDecoder
from pump_protocol.guard import PumpGuard
from pump_sim.clock import ManualClock
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation
from tests.pump_sim.virtual import PROFILE, baclofen


class VirtualPort:
    """What a programmer's transport is, with a pump behind it that answers at once.

    Link time is its own: it moves only while somebody waits for an answer that does not come.

    :param guard: the pump's keys; none means that it is LEGACY-INSECURE.

    :ivar deaf: whether all answers get lost.
    :ivar heard: every frame that a programmer has sent.
    :ivar on_write: answers in place of the pump, which does not hear it then; None lets it.
    """

    def __init__(self, pump: Pump, guard: PumpGuard | None = None) -> None:
        self.pump = pump
        self.guard = guard
        self.now_ns = NS_PER_MS
        self._begin()
        self.deaf = False
        self.heard: list[Frame] = []
        self.on_write: Callable[[bytes], bytes | None] = lambda data: None
        self._answers = b""

    def _begin(self) -> None:
        clock = ManualClock(self.pump.at_ms)
        self.endpoint = PumpEndpoint(Simulation(self.pump), clock, guard=self.guard)

    @property
    def firmware(self) -> Firmware:
        """What the pump believes and has been told."""
        return self.pump.firmware

    def read(self, timeout_s: float) -> bytes:
        """What the pump has answered, unless nobody is to hear it."""
        answers, self._answers = b"" if self.deaf else self._answers, b""
        if not answers:
            self.now_ns += max(1, round(timeout_s * 1e9))
        return answers

    def monotonic_ns(self) -> int:
        """The time by which a programmer waits."""
        return self.now_ns

    def wait_link(self, duration_ms: int) -> None:
        """Let link time pass, and nobody says anything."""
        self.now_ns += duration_ms * NS_PER_MS
        self.endpoint.handle_timeout(self.now_ns)

    def write(self, data: bytes, timeout_s: float) -> None:
        """The pump hears it, and answers, unless somebody in between answers for it."""
        self.heard += [each for each in FrameDecoder().feed(data) if isinstance(each, Frame)]
        instead = self.on_write(data)
        if instead is None:
            instead = self.endpoint.receive_data(data, self.now_ns)
        self._answers += instead

    def close(self) -> None:
        """Somebody else may have the port."""
        self.endpoint.connection_lost(self.now_ns)

    def restart(self) -> None:
        """The pump's process ends and another one goes on with the same pump and its keys."""
        now_ms = self.now_ns // NS_PER_MS
        if self.guard is not None:
            self.guard = PumpGuard.restore(self.guard.state(now_ms), now_ms)
        self._begin()

    def lose_memory(self) -> None:
        """The pump restarts, and what it kept is lost but for its keys."""
        self.pump = Pump.after_memory_loss(Pump.implant(PROFILE, baclofen()).state())
        self.restart()

    def be_at_the_patient(self) -> None:
        """Lay the programming head on the pump and press its button."""
        self.endpoint.presence.on_pump = True
        self.endpoint.press_button(self.now_ns)

    def wait(self, duration_ms: int) -> None:
        """Let therapy time pass."""
        self.endpoint.jump_to(self.pump.at_ms + duration_ms, self.now_ns)

    @contextmanager
    def programmer(
        self, role: UserRole = UserRole.CLINICIAN, **settings: Any
    ) -> Iterator[Programmer]:
        """A programmer with an open link to the pump, by its key of *role* if it has keys."""
        key = None if self.guard is None else self.guard.keys[role]
        accepted = {"programmer_id": 7, "key": key, "insecure": key is None}
        with pytest.MonkeyPatch.context() as patch:
            self.plug_in(patch)
            with Programmer("virtual", **{**accepted, **settings}) as programmer:
                yield programmer

    def plug_in(self, patch: pytest.MonkeyPatch) -> None:
        """Whatever address a programmer opens from now on is this port."""
        patch.setattr("pump_programmer.connection.open_transport", lambda address: self)
