"""Two ends of a link without a wire between them: what session tests share."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from random import Random
from typing import Any

from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import PROTOCOL_VERSION, MassUnit, MessageType, Mode, UserRole
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.handshake import identity_digest
from pump_protocol.keys import Key
from pump_protocol.payloads import decode_response, encode
from pump_protocol.session import RetryPolicy, Role, Session

LINK = 0x0123456789ABCDEF
PROGRAMMER = 0x1122334455667788

Answer = Callable[[ev.RequestReceived], m.Response]


def drain(session: Session) -> list[ev.Event]:
    """Every event that a session has to tell."""
    return list(iter(session.next_event, None))


IDENTITY = m.Identity(
    *[1] * sum(each.type is not str for each in fields(m.Identity)),
    *("simulator", "model", "serial", "version"),
)

_SCRIPT: dict[type[m.Message], Callable[[Any], m.Response]] = {
    m.OpenLink: lambda request: m.LinkOpened(1, 2, 3, request.programmer_id % 1000),
    m.CloseLink: lambda _: m.LinkClosed(),
    m.Identify: lambda _: IDENTITY,
    m.SetClock: lambda request: m.ClockSet(0, request.clock_ms),
    m.OrderBolus: lambda request: m.BolusOrdered(request.order_number, request.volume_nl, 0, 0),
    m.RequestPatientBolus: lambda request: m.PatientBolusStarted(
        request.order_number, 1, 0, 0, left=1, next_at_ms=0
    ),
    m.UpdateReservoir: lambda request: m.ReservoirUpdated(
        request.order_number, 0, 0, request.volume_nl
    ),
    m.RollBackPrescription: lambda _: m.PrescriptionRolledBack(1),
    m.SelfTest: lambda _: m.SelfTestReport(()),
}


def answer(event: ev.RequestReceived) -> m.Response:
    """What a pump without any therapy would answer; it echoes what identifies the request."""
    return _SCRIPT[type(event.request)](event.request)


class Pump:
    """A pump's session with an owner that answers at once and notes what it carried out."""

    def __init__(self, answer: Answer = answer, guard: PumpGuard | None = None) -> None:
        self.session = Session(Role.PUMP, guard=guard)
        self.executed: list[ev.RequestReceived] = []
        self.events: list[ev.Event] = []
        self.now_ms = 0
        self._answer = answer

    def receive(self, data: bytes, now_ms: int | None = None) -> bytes:
        """Take bytes, carry out what they ask for, return the answer's bytes."""
        self.now_ms = self.now_ms if now_ms is None else now_ms
        self.session.receive_data(data, self.now_ms)
        return self.settle()

    def settle(self) -> bytes:
        for event in iter(self.session.next_event, None):
            self.events.append(event)
            if isinstance(event, ev.RequestReceived):
                self.executed.append(event)
                self.session.send_response(event, self._answer(event))
        return self.session.data_to_send()

    def ask(self, request: m.Message, sequence: int, link_id: int = LINK) -> m.Response | None:
        """The response to a request sent as one frame, or None if there is none."""
        return only_response(self.receive(framed(request, sequence, link_id)))

    def opened(self) -> "Pump":
        """This pump, with the link LINK opened by sequence number 1."""
        assert isinstance(self.ask(m.OpenLink(PROGRAMMER), 1), m.LinkOpened)
        return self


def framed(
    request: m.Message, sequence: int, link_id: int = LINK, version: int = PROTOCOL_VERSION
) -> bytes:
    return Frame(request.message_type, link_id, sequence, encode(request), version).to_bytes()


def only_response(data: bytes) -> m.Response | None:
    responses = [decode_response(each.message_type, each.payload) for each in frames_in(data)]
    assert len(responses) <= 1
    return responses[0] if responses else None


def frames_in(data: bytes) -> list[Frame]:
    """The frames of a stream that holds nothing else."""
    decoder = FrameDecoder()
    found: Iterable[Frame | CorruptFrame] = decoder.feed(data)
    frames = [each for each in found if isinstance(each, Frame)]
    assert not decoder.waiting
    return frames


def programmer(
    link_id: int = LINK,
    *,
    response_timeout_ms: int = 500,
    attempts: int = 4,
    key: Key | None = None,
) -> Session:
    return Session(
        Role.PROGRAMMER,
        link_id=link_id,
        retry=RetryPolicy(response_timeout_ms, attempts),
        key=key,
        random_bytes=Random(link_id).randbytes,
    )


def guarded(seed: int = 0) -> PumpGuard:
    """The guard of a pump that says what IDENTITY says, with keys by the seed."""
    random_bytes = Random(seed).randbytes
    guard = PumpGuard(new_keys(random_bytes), random_bytes=random_bytes)
    guard.identity_digest = identity_digest(IDENTITY)
    return guard


def authenticated(
    pump: Pump, guard: PumpGuard, role: UserRole = UserRole.CLINICIAN, link_id: int = LINK
) -> Session:
    """A programmer with a link to *pump*, opened with the key of a role."""
    session = programmer(link_id, key=guard.keys[role])
    for request in (session.authenticate(IDENTITY), m.OpenLink(PROGRAMMER)):
        (event,) = exchange(session, pump, request)
        assert isinstance(event, ev.ResponseReceived)
    return session


def exchange(session: Session, pump: Pump, request: m.Request[m.Response]) -> list[ev.Event]:
    """Send a request over a perfect wire that takes no time; what the programmer hears."""
    session.send_request(request, pump.now_ms)
    session.receive_data(pump.receive(session.data_to_send()), pump.now_ms)
    return drain(session)


PRESCRIPTION = m.Prescription(
    mode=Mode.SIMPLE_CONTINUOUS,
    drugs=(m.Drug(MassUnit.MICROGRAM, 500_000, "baclofen"),),
    daily_dose_ng=100_000,
    rate_nl_per_day=200_000,
    low_reservoir_threshold_nl=2_000_000,
)

UNKNOWN_REQUEST_TYPES = [each for each in range(0x80) if each not in set(map(int, MessageType))]
