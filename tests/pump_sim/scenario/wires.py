"""A scenario's programmer at a pump in virtual time, with a wire that loses what it is told to."""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from pydantic import TypeAdapter

from pump_protocol.codes import MessageType, UserRole
from pump_protocol.frames import Frame, FrameDecoder
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.model.events import EventCode
from pump_sim.model.pump import Pump
from pump_sim.scenario.clinician.clinician import Clinician, Result
from pump_sim.scenario.clinician.keyring import KeyRing
from pump_sim.scenario.file.acts import AnyAct, ByProgrammer, Pair
from pump_sim.simulation import Simulation

_ACT: TypeAdapter[AnyAct] = TypeAdapter(AnyAct)

Fate = Callable[[bool, int], int]
"""How many copies arrive of a frame: given whether it goes to the pump, and its number that way."""


def by_programmer(kind: str, **given: Any) -> ByProgrammer:
    """An act as a file has it; `for_` is the key `for`."""
    told = {"time": "0 min", "programmer": kind}
    told |= {key.rstrip("_"): each for key, each in given.items()}
    act = _ACT.validate_python(told)
    assert isinstance(act, ByProgrammer)
    return act


def arrives(to_pump: bool, number: int) -> int:
    """The fate of every frame on a good wire."""
    return 1


def losing(frames: Iterable[tuple[bool, int]]) -> Fate:
    """A wire that loses these frames, by direction and number, and no others."""
    lost = frozenset(frames)
    return lambda to_pump, number: 0 if (to_pump, number) in lost else 1


class Wire:
    """One clinician and one pump; link time moves only to what is waited for.

    :param legacy: a pump without keys.
    :ivar sent: the frames that the clinician sent in the last act, by name, lost ones too.
    """

    def __init__(self, pump: Pump, seed: int = 1, *, legacy: bool = False) -> None:
        self.pump = pump
        self.keys = None if legacy else KeyRing(Random(f"{seed}:keys").randbytes)
        guard = None if self.keys is None else self.keys.guard_for(pump.serial_number)
        self.endpoint = PumpEndpoint(Simulation(pump), guard=guard)
        self.clinician = Clinician(Random(seed), keys=self.keys)
        self.link_ms = 1
        self.fate: Fate = arrives
        self.sent: list[str] = []
        self._numbers = {True: 0, False: 0}

    def do(self, kind: str, **given: Any) -> Result:
        """Have an act carried out to its end."""
        return self.carry_out(by_programmer(kind, **given))

    def carry_out(self, act: ByProgrammer) -> Result:
        """The same, of an act that is made already."""
        self.sent, self._numbers = [], {True: 0, False: 0}
        code = ""
        if isinstance(act, Pair) and act.code == "shown":
            self.endpoint.presence.on_pump = True
            code = self.endpoint.offer_pairing(UserRole[act.role.upper()], self._link_ns)
        self.clinician.begin(act, self.link_ms, code)
        while True:
            data = self.clinician.data_to_send()
            if data:
                self._to_pump(data)
            elif self.clinician.busy:
                self._wait()
            else:
                break
        result = self.clinician.take_result()
        assert result is not None, "an act that is over has a result"
        self.link_ms += 1_000
        return result

    def wait_therapy(self, duration_ms: int) -> None:
        """Let therapy time pass at once."""
        self.endpoint.jump_to(self.pump.at_ms + duration_ms, self.link_ms * NS_PER_MS)

    def records(self, *events: EventCode) -> list[EventCode]:
        """Which of these events the pump has logged so far, in order."""
        return [each.event for each in self.pump.firmware.log.entries if each.event in events]

    def _to_pump(self, data: bytes) -> None:
        for name, frame in _frames(data):
            self.sent.append(name)
            for _ in range(self._copies(True)):
                for _, answer in _frames(self.endpoint.receive_data(frame, self._link_ns)):
                    for _ in range(self._copies(False)):
                        self.clinician.receive_data(answer, self.link_ms)

    def _copies(self, to_pump: bool) -> int:
        number = self._numbers[to_pump]
        self._numbers[to_pump] += 1
        return self.fate(to_pump, number)

    def _wait(self) -> None:
        due_ms = self.clinician.next_timeout()
        assert due_ms is not None, "a clinician that is busy waits for bytes or a moment"
        self.link_ms = max(self.link_ms, due_ms)
        self.endpoint.handle_timeout(self._link_ns)
        self.clinician.handle_timeout(self.link_ms)

    @property
    def _link_ns(self) -> int:
        return self.link_ms * NS_PER_MS


def _frames(data: bytes) -> list[tuple[str, bytes]]:
    """Whole frames, with their names."""
    found = FrameDecoder().feed(data)
    frames = [each for each in found if isinstance(each, Frame)]
    assert b"".join(each.to_bytes() for each in frames) == data, "nothing but whole frames"
    return [(MessageType(each.message_type).name.lower(), each.to_bytes()) for each in frames]
