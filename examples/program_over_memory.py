"""A programmer and a pump in one process, over a memory port, in virtual time.

No event loop, no thread, no waiting: both ends of the protocol are sans-I/O. Useful where a test
wants a whole conversation, byte for byte, in microseconds.
Run it: python examples/program_over_memory.py
SIMULATOR: never for clinical use.
"""

from dataclasses import replace

from pump_protocol.events import RefusalReceived, RequestReceived, ResponseReceived
from pump_protocol.messages import (
    CommitPrescription,
    Interrogate,
    OpenLink,
    Request,
    Response,
    StagePrescription,
)
from pump_protocol.session import Role, Session
from pump_protocol.units import format_rate, format_volume, rate_for_dose
from pump_sim.model.prescription import simple_continuous
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.ports.memory import MemoryPort
from pump_sim.simulation import Simulation
from pump_sim.telemetry import Telemetry

DAY_MS = 86_400_000


class PumpEnd:
    """What serve.py is for real ports: bytes to a session, requests to the telemetry."""

    def __init__(self, simulation: Simulation, port: MemoryPort) -> None:
        self.session = Session(Role.PUMP)
        self.telemetry = Telemetry(simulation.pump)
        self.port = port
        self.link_ms = 0  # link time, which is ours to move

    def connected(self) -> None:
        pass

    def disconnected(self) -> None:
        self.session.connection_lost(self.link_ms)

    def received(self, data: bytes) -> None:
        self.session.receive_data(data, self.link_ms)
        while (event := self.session.next_event()) is not None:
            if isinstance(event, RequestReceived):
                answer = self.telemetry.answer(event, self.link_ms)
                self.session.send_response(event, answer)
            else:
                self.telemetry.observe(event)
        self.port.send(self.session.data_to_send())


def make_pump() -> Simulation:
    prescription = simple_continuous(
        drug_name="baclofen",
        concentration_ng_per_ml=2_000_000,
        daily_dose_ng=300_000,
        low_reservoir_threshold_nl=2_000_000,
    )
    return Simulation(Pump.implant(load_profile("pump-20ml"), prescription))


def main() -> None:
    simulation, port = make_pump(), MemoryPort()
    port.open(PumpEnd(simulation, port))
    programmer = Session(Role.PROGRAMMER, link_id=0x1234)

    def ask(request: Request[Response]) -> Response:
        programmer.send_request(request, 0)
        port.peer.send(programmer.data_to_send())
        programmer.receive_data(port.peer.take(), 0)
        event = programmer.next_event()
        if isinstance(event, RefusalReceived):
            raise SystemExit(f"refused: {event.refusal.reasons}")
        assert isinstance(event, ResponseReceived), event
        return event.response

    ask(OpenLink(programmer_id=1))
    status = ask(Interrogate())
    print(f"rate {format_rate(status.prescription.rate_nl_per_day)}")

    staged = ask(
        StagePrescription(
            replace(
                status.prescription,
                daily_dose_ng=330_000,
                rate_nl_per_day=rate_for_dose(330_000, 2_000_000),
            )
        )
    )
    print(f"staged {format_rate(staged.prescription.rate_nl_per_day)}")
    committed = ask(CommitPrescription(staged.digest))
    print(f"version {committed.version} is in force")

    simulation.advance(30 * DAY_MS)
    status = ask(Interrogate())
    print(f"after 30 days {format_volume(status.believed_volume_nl)} are believed to be left")
    print(f"low reservoir on day {status.low_reservoir_at_ms / DAY_MS:.3f}")


if __name__ == "__main__":
    main()
