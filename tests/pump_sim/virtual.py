"""A pump and a programmer in one process and in virtual time, for the tests of this folder."""

from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import UserRole
from pump_protocol.guard import PumpGuard
from pump_protocol.session import Role, Session
from pump_sim.clock import Clock
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.model.hardware.battery import BatteryMode
from pump_sim.model.prescription import Prescription, simple_continuous
from pump_sim.model.profile import Profile, load_profile
from pump_sim.model.pump import Pump
from pump_sim.options import PumpStart
from pump_sim.simulation import Simulation

PROFILE: Profile = load_profile("pump-20ml")
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
PROGRAMMER = 7


def baclofen(daily_dose_ng: int = 800_000) -> Prescription:
    """800 mcg/day at 2,000 mcg/mL, which is 0.400 mL/day, unless told otherwise."""
    return simple_continuous(
        drug_name="baclofen", concentration_ng_per_ml=2_000_000, daily_dose_ng=daily_dose_ng
    )


def implanted(volume_nl: int | None = None, daily_dose_ng: int = 800_000) -> Pump:
    """A new pump, full unless told otherwise."""
    return Pump.implant(PROFILE, baclofen(daily_dose_ng), volume_nl=volume_nl)


def start() -> PumpStart:
    """The same pump, as ``pump-sim run`` is asked for it."""
    return PumpStart(
        profile=PROFILE,
        prescription=baclofen(),
        reservoir_nl=PROFILE.capacity_nl,
        clock_ms=20_000 * DAY_MS,
        serial_number="SIM-0001",
        battery=BatteryMode.DRAIN_AND_FAIL,
        new_patient=False,
    )


class VirtualLink:
    """A programmer's session joined to a pump's endpoint; link time moves only when told to.

    :param guard: the pump's keys, of which the programmer has the clinician's.
    """

    def __init__(
        self, pump: Pump, clock: Clock | None = None, guard: PumpGuard | None = None
    ) -> None:
        self.pump = pump
        self.endpoint = PumpEndpoint(Simulation(pump), clock, guard=guard)
        self.link_ms = 1
        self._next_link_id = 0x1000
        self._session = Session(Role.PROGRAMMER, link_id=1)
        self.reconnect()

    def reconnect(self, programmer_id: int = PROGRAMMER) -> m.LinkOpened:
        """A programmer that starts anew: a fresh link id, counting from 1 again."""
        self._next_link_id += 1
        guard = self.endpoint.guard
        key = None if guard is None else guard.keys[UserRole.CLINICIAN]
        self._session = Session(Role.PROGRAMMER, link_id=self._next_link_id, key=key)
        if key is not None:
            identity = self.ask(m.Identify())
            assert isinstance(identity, m.Identity)
            self.ask(self._session.authenticate(identity))
        opened = self.ask(m.OpenLink(programmer_id))
        assert isinstance(opened, m.LinkOpened)
        return opened

    @property
    def link_id(self) -> int:
        """The id of the present link."""
        return self._session.link_id

    def ask(self, request: m.Request[m.Response]) -> m.Response:
        """The pump's response, or its refusal."""
        self._session.send_request(request, self.link_ms)
        self.say(self._session.data_to_send())
        while (event := self._session.next_event()) is not None:
            if isinstance(event, ev.ResponseReceived):
                return event.response
            if isinstance(event, ev.RefusalReceived):
                return event.refusal
        raise AssertionError(f"no answer to {request}")

    def say(self, data: bytes) -> None:
        """Send raw bytes; what the pump answers reaches the programmer's session."""
        answer = self.endpoint.receive_data(data, self.link_ms * NS_PER_MS)
        self._session.receive_data(answer, self.link_ms)

    def last_order_number(self) -> int:
        """The highest order number that the pump knows of this programmer."""
        return self.pump.firmware.last_order_number(PROGRAMMER)

    def status(self) -> m.StatusReport:
        """Interrogate."""
        report = self.ask(m.Interrogate())
        assert isinstance(report, m.StatusReport)
        return report

    def wait_link(self, duration_ms: int) -> None:
        """Let link time pass, with every timer of the pump's end handled when it is due."""
        until_ms = self.link_ms + duration_ms
        while True:
            due_ns = self.endpoint.next_timeout_ns()
            if due_ns is None or due_ns > until_ms * NS_PER_MS:
                break
            self.link_ms = max(self.link_ms, -(-due_ns // NS_PER_MS))
            self.endpoint.handle_timeout(self.link_ms * NS_PER_MS)
        self.link_ms = until_ms
        self.endpoint.handle_timeout(self.link_ms * NS_PER_MS)

    def wait_therapy(self, duration_ms: int) -> None:
        """Let therapy time pass at once."""
        self.endpoint.jump_to(self.pump.at_ms + duration_ms, self.link_ms * NS_PER_MS)


def therapy_of(pump: Pump) -> tuple[object, ...]:
    """All of a pump that a refused request must leave alone: everything but who asked for what."""
    return (
        pump.at_ms,
        pump.firmware.prescription,
        pump.firmware.pending,
        pump.firmware.prescription_version,
        pump.firmware.log,
        pump.truth(),
        pump.status().believed_volume_nl,
        pump.status().bolus,
        pump.status().alarms,
    )
