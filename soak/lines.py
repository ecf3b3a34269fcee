"""A pump in this process, at the end of a line that loses, doubles, delays, cuts and spoils."""

from dataclasses import dataclass
from random import Random
from typing import Any, cast

import serial

from pump_protocol.codes import UserRole
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key
from pump_sim.assembly import Wire
from pump_sim.clock import ManualClock
from pump_sim.endpoint import PumpEndpoint
from pump_sim.frame_cutter import FrameCutter
from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.pump import Pump
from pump_sim.ports.impairment import Impairment, LinkFault, LinkFaultKind
from pump_sim.simulation import Simulation
from pump_sim.testing.line import VirtualLine
from soak.account import Account
from soak.bit_errors import BitErrors

_MS = 1_000_000
_PPM = 1_000_000
_URLS = "pump_sim.testing.urls"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong on a line: probabilities for each frame and each bit, either way."""

    name: str
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    split: float = 0.0
    bit_errors: float = 0.0

    def faults(self) -> list[LinkFault]:
        """The same as faults of a link."""
        kinds = (
            (LinkFaultKind.DUPLICATE, self.doubled, 30 * _MS),
            (LinkFaultKind.JITTER, self.late, 400 * _MS),
            (LinkFaultKind.SPLIT, self.split, 20 * _MS),
            (LinkFaultKind.DROP, self.lost, 0),
        )
        return [
            LinkFault(kind=kind, probability_ppm=round(often * _PPM), delay_ns=delay_ns)
            for kind, often, delay_ns in kinds
            if often
        ]


class PoorLine:
    """A pump with keys behind a line with troubles; link time passes as a programmer waits.

    :ivar address: where a programmer finds it.
    :ivar account: what the pump really did.
    """

    def __init__(self, pump: Pump, trouble: Trouble, seed: str) -> None:
        if _URLS not in serial.protocol_handler_packages:
            serial.protocol_handler_packages.append(_URLS)
        random = Random(seed)
        keys = new_keys(random.randbytes)
        self.pump = pump
        self.account = Account()
        self._keys = {key.role: key for key in keys}
        guard = PumpGuard(keys, random_bytes=random.randbytes)
        self.endpoint = PumpEndpoint(Simulation(pump), ManualClock(pump.at_ms), guard=guard)
        impairment = Impairment(f"{seed}:frames", FrameCutter)
        for fault in trouble.faults():
            impairment.add(fault)
        self.bits = BitErrors(trouble.bit_errors, random)
        wires = [Wire(cast("Any", each), lambda _: pump.at_ms) for each in (impairment, self.bits)]
        self._line = VirtualLine(self.endpoint, wires, self._recorded)
        self.address: str = self._line.port.address

    def _recorded(self, entry: LogEntry) -> None:
        self.account.note(entry)
        if entry.event is EventCode.RESERVOIR_UPDATED:
            self.pump.fill_by_hand(entry.b)  # whoever tells a volume has filled it in

    def key(self, role: UserRole) -> Key:
        """The pump's key of that role."""
        return self._keys[role]

    def wait(self, link_ms: int) -> None:
        """Let link time pass; what is under way arrives, timers are handled."""
        self._line.pass_time(link_ms * _MS)

    def advance(self, therapy_ms: int) -> None:
        """Let therapy time pass at once."""
        self._line.post(
            lambda endpoint, link_ns: endpoint.jump_to(self.pump.at_ms + therapy_ms, link_ns)
        )

    @property
    def link_s(self) -> float:
        """Link time since the line was made."""
        return self._line.link_ns / 1e9

    def end(self) -> None:
        """Pull the cable."""
        self._line.end()
