"""A pump with keys, programmers who hold some of them, and a wire that others reach, too.

All in one process and in virtual time; what crosses the wire is recorded as an eavesdropper would.
"""

from random import Random

from fuzz.links import Handshaking, Link, frames_in
from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import MessageType, RefusalCode, UserRole
from pump_protocol.frames import Frame
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key
from pump_protocol.payloads import decode_response, encode
from pump_protocol.session import Role, Session
from pump_sim.endpoint import NS_PER_MS, Keeper, PumpEndpoint
from pump_sim.model.events import AccessEvent
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation
from pump_sim.wire_values import prescription_out
from tests.pump_sim.virtual import PROGRAMMER, baclofen, implanted, therapy_of

PATIENTS_BOLUS = m.PatientBolus(
    dose_ng=20_000, volume_nl=10_000, duration_ms=600_000, lockout_ms=3_600_000, allotted_per_day=4
)
BOLUS = m.OrderBolus(1, m.BolusKind.SINGLE, 100_000, 2_000_000, 50_000, 600_000)
MORE = prescription_out(baclofen(900_000))
"""What an attacker would like to see in force, and a clinician may put there."""


class World:
    """A pump with a key for each role, its port, and link time, which moves only when told to."""

    def __init__(
        self, *, seed: int = 1, pump: Pump | None = None, keeper: Keeper | None = None
    ) -> None:
        self.random = Random(seed)
        self.keys = {key.role: key for key in new_keys(self.random.randbytes)}
        self.guard = PumpGuard(self.keys.values(), random_bytes=self.random.randbytes)
        self.pump = pump or implanted()
        simulation = Simulation(self.pump)
        self.endpoint = PumpEndpoint(simulation, guard=self.guard, keeper=keeper)
        self.link_ms = 1
        self.to_pump: list[bytes] = []
        self.to_programmer: list[bytes] = []
        answer = decode_response(*_content(self.say(plain(m.Identify()))[0]))
        assert isinstance(answer, m.Identity)
        self.identity = answer

    @property
    def link_ns(self) -> int:
        """The present on the link, as the endpoint counts."""
        return self.link_ms * NS_PER_MS

    @property
    def therapy(self) -> tuple[object, ...]:
        """Prescriptions, volumes, alarms, the therapy log: what no attack may change."""
        return therapy_of(self.pump)

    def say(self, data: bytes) -> list[Frame]:
        """Somebody sends *data*; the frames that the pump answers with."""
        self.to_pump.append(data)
        answers = frames_in(self.endpoint.receive_data(data, self.link_ns))
        self.to_programmer += [each.to_bytes() for each in answers]
        return answers

    def refusal(self, data: bytes) -> m.Reason:
        """Somebody sends *data*, and the pump refuses it in plain: why."""
        (answer,) = self.say(data)
        assert not answer.sealed
        response = decode_response(*_content(answer))
        assert isinstance(response, m.Refusal), response
        (reason,) = response.reasons
        return reason

    def wait(self, duration_ms: int) -> list[Frame]:
        """Let link time pass, with every timer of the pump handled when it is due."""
        answers, until_ms = [], self.link_ms + duration_ms
        while True:
            due_ns = self.endpoint.next_timeout_ns()
            if due_ns is None or due_ns > until_ms * NS_PER_MS:
                break
            self.link_ms = max(self.link_ms, -(-due_ns // NS_PER_MS))
            answers += frames_in(self.endpoint.handle_timeout(self.link_ns))
        self.link_ms = until_ms
        return answers + frames_in(self.endpoint.handle_timeout(self.link_ns))

    def told(self, event: AccessEvent, code: RefusalCode | UserRole | None = None) -> int:
        """How many such events the access log tells of."""
        entries = self.pump.firmware.access_log.entries.values()
        return sum(
            each.count for each in entries if each.event is event and code in (None, each.code)
        )

    def come_near(self) -> None:
        """Lay the programming head on the pump."""
        self.endpoint.presence.on_pump = True

    def press(self) -> None:
        """Press the button at the patient."""
        self.endpoint.press_button(self.link_ns)

    def link(self, key: Key, programmer_id: int = PROGRAMMER) -> Link:
        """An open link in which anything can be sealed, whether a programmer would or not."""
        link = self.unopened(key)
        (opened,) = self.say(link.frame(MessageType.OPEN_LINK, encode(m.OpenLink(programmer_id))))
        assert isinstance(link.read(opened), m.LinkOpened)
        return link

    def unopened(self, key: Key) -> Link:
        """As :meth:`link`, after the handshake."""
        begun = Handshaking(key, self.guard.identity_digest, self.random)
        (answer,) = self.say(begun.frame)
        response = decode_response(*_content(answer))
        assert isinstance(response, m.Authenticated), response
        return begun.finish(response)


class Caller:
    """A programmer: a session that sends what a programmer may, and believes what it may."""

    def __init__(self, world: World, key: Key, *, link_id: int | None = None) -> None:
        self.world = world
        random = world.random
        self.link_id = link_id or random.getrandbits(63) + 1
        self.session = Session(
            Role.PROGRAMMER, link_id=self.link_id, key=key, random_bytes=random.randbytes
        )

    def opened(self, programmer_id: int = PROGRAMMER) -> "Caller":
        """This caller, with its link open."""
        authenticated = self.ask(self.session.authenticate(self.world.identity))
        assert isinstance(authenticated, m.Authenticated), authenticated
        assert isinstance(self.ask(m.OpenLink(programmer_id)), m.LinkOpened)
        return self

    def frame(self, request: m.Request[m.Response]) -> bytes:
        """The frame of a request, which is outstanding from now on and does not arrive."""
        self.session.send_request(request, self.world.link_ms)
        return self.session.data_to_send()

    def hear(self, data: bytes) -> list[ev.Event]:
        """Bytes arrive at this programmer."""
        self.session.receive_data(data, self.world.link_ms)
        return list(iter(self.session.next_event, None))

    def give_up(self) -> None:
        """Wait for the answer until there is no more hope of one; nothing arrives meanwhile."""
        while (due_ms := self.session.next_timeout()) is not None:
            self.world.wait(max(0, due_ms - self.world.link_ms))
            self.session.handle_timeout(self.world.link_ms)
            self.session.data_to_send()
        assert isinstance(self.session.next_event(), ev.NoAnswer)

    def ask(self, request: m.Request[m.Response]) -> m.Response:
        """The pump's answer or its refusal, which must be one to be believed."""
        for answer in self.world.say(self.frame(request)):
            for event in self.hear(answer.to_bytes()):
                if isinstance(event, ev.ResponseReceived):
                    return event.response
                if isinstance(event, ev.RefusalReceived):
                    assert event.authentic, event
                    return event.refusal
        raise AssertionError(f"no answer to {request}")


def plain(request: m.Message, *, link_id: int = 0, sequence: int = 1) -> bytes:
    """A request without a seal."""
    return Frame(request.message_type, link_id, sequence, encode(request)).to_bytes()


def code_of(response: m.Response) -> RefusalCode:
    """Why it was refused."""
    assert isinstance(response, m.Refusal), response
    return response.reasons[0].code


def _content(frame: Frame) -> tuple[int, bytes]:
    return frame.message_type, frame.payload
