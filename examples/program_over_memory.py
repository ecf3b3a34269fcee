"""A programmer and a pump in one process, over a memory port, in virtual time.

No event loop, no thread, no waiting: both ends of the protocol are sans-I/O. Useful where a test
wants a whole conversation, byte for byte, in microseconds. The pump has keys, so the programmer
proves that it holds one before it asks for anything, and all that follows is sealed.
Run it: python examples/program_over_memory.py
SIMULATOR: never for clinical use.
"""

from dataclasses import replace
from typing import TypeVar, cast

from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.events import ResponseReceived
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key
from pump_protocol.session import Role, Session
from pump_protocol.units import format_rate, format_volume, rate_for_dose
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.prescription import simple_continuous
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.ports.memory import MemoryPeer, MemoryPort
from pump_sim.simulation import Simulation

DAY_MS = 86_400_000

R = TypeVar("R", bound=m.Response)


class VirtualPump:
    """A pump that listens on a memory port. Link time is a number of ours, and stands still."""

    def __init__(self) -> None:
        prescription = simple_continuous(
            drug_name="baclofen",
            concentration_ng_per_ml=2_000_000,
            daily_dose_ng=300_000,
            low_reservoir_threshold_nl=2_000_000,
        )
        pump = Pump.implant(load_profile("pump-20ml"), prescription)
        self.guard = PumpGuard(new_keys())
        self.endpoint = PumpEndpoint(Simulation(pump), guard=self.guard)
        self.port = MemoryPort()
        self.port.open(self)

    def connected(self) -> None:
        pass

    def received(self, data: bytes) -> None:
        self.port.send(self.endpoint.receive_data(data, link_ns=0))

    def disconnected(self) -> None:
        self.endpoint.connection_lost(link_ns=0)


class VirtualProgrammer:
    """A programmer's session at the other end of that port, with a key of the pump."""

    def __init__(self, peer: MemoryPeer, key: Key) -> None:
        self.peer = peer
        self.session = Session(Role.PROGRAMMER, link_id=0x1234, key=key)

    def open(self) -> None:
        identity = self.ask(m.Identify())
        self.ask(self.session.authenticate(identity))
        self.ask(m.OpenLink(programmer_id=1))

    def ask(self, request: m.Request[R]) -> R:
        self.session.send_request(request, now_ms=0)
        self.peer.send(self.session.data_to_send())
        self.session.receive_data(self.peer.take(), now_ms=0)
        event = self.session.next_event()
        assert isinstance(event, ResponseReceived), event
        return cast("R", event.response)


def main() -> None:
    pump = VirtualPump()
    programmer = VirtualProgrammer(pump.port.peer, pump.guard.keys[codes.UserRole.CLINICIAN])
    programmer.open()

    current = programmer.ask(m.ReadPrescription(codes.PrescriptionSlot.CURRENT)).prescription
    print(f"rate {format_rate(current.rate_nl_per_day)}")

    rate_nl_per_day = rate_for_dose(330_000, current.drugs[0].concentration_ng_per_ml)
    wanted = replace(current, daily_dose_ng=330_000, rate_nl_per_day=rate_nl_per_day)
    staged = programmer.ask(m.StagePrescription(wanted))
    assert staged.prescription == wanted
    committed = programmer.ask(m.CommitPrescription(staged.digest))
    print(f"version {committed.version} is in force: {format_rate(rate_nl_per_day)}")

    pump.endpoint.jump_to(30 * DAY_MS, link_ns=0)
    status = programmer.ask(m.Interrogate())
    print(f"after 30 days it believes in {format_volume(status.believed_volume_nl)}")

    pump.endpoint.jump_to_next_event(link_ns=0)
    status = programmer.ask(m.Interrogate())
    alarms = ", ".join(record.alarm.name for record in status.alarms)
    print(f"day {status.at_ms / DAY_MS:.3f}: {alarms}")


if __name__ == "__main__":
    main()
