"""Whatever arrives, a pump answers as the specification says and its therapy is not harmed."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.access import MAY_SEND
from pump_protocol.codes import INTER_BYTE_TIMEOUT_MS, MAX_PAYLOAD_BYTES, MessageType, UserRole
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.payloads import decode_response, encode
from pump_sim.clock import ManualClock, PacedClock
from pump_sim.endpoint import NS_PER_MS, QUIET_BEFORE_JUMP_MS, PumpEndpoint
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation
from pump_sim.wire_values import prescription_out
from tests.protocol.strategies import messages
from tests.pump_sim.model.strategies import treatments
from tests.pump_sim.virtual import DAY_MS, VirtualLink, implanted, therapy_of

LINK = 0xABCDEF
REQUESTS = messages(tuple(m.REQUESTS.values()))
PLAUSIBLE = st.one_of(
    st.builds(m.StagePrescription, treatments.map(prescription_out)),
    st.builds(m.RequestPatientBolus, st.integers(0, 5)),
    st.builds(m.SetAlarmInterval, st.sampled_from(list(m.AlarmClass)), st.integers(0, 10**7)),
    st.builds(m.WriteNote, st.text(max_size=130)),
    st.builds(m.SilenceAlarm, st.sampled_from(list(m.Alarm)), st.integers(0, 2**32 - 1)),
    st.builds(m.UpdateReservoir, st.integers(1, 5), st.integers(0, 30_000_000)),
    st.builds(
        m.OrderBolus,
        st.integers(1, 5),
        st.sampled_from(m.BolusKind),
        st.integers(0, 600_000),
        st.just(2_000_000),
        st.integers(0, 300_000),
        st.integers(0, 100_000_000),
    ),
)


class Wire:
    """Frames to a pump's endpoint and its responses back, each with the next sequence number."""

    def __init__(self, pump: Pump | None = None) -> None:
        self.pump = pump or implanted()
        self.endpoint = PumpEndpoint(Simulation(self.pump))
        self.sequence = 0
        self.ask(MessageType.OPEN_LINK, encode(m.OpenLink(7)))

    def ask(self, message_type: int, payload: bytes = b"") -> list[m.Response]:
        self.sequence += 1
        frame = Frame(message_type, LINK, self.sequence, payload)
        return self.send(frame.to_bytes())

    def send(self, data: bytes, link_ms: int = 0) -> list[m.Response]:
        answer = self.endpoint.receive_data(data, link_ms * NS_PER_MS)
        return self.read(answer)

    @staticmethod
    def read(answer: bytes) -> list[m.Response]:
        responses = []
        for frame in FrameDecoder().feed(answer):
            assert isinstance(frame, Frame)
            responses.append(decode_response(frame.message_type, frame.payload))
        return responses


@given(st.lists(REQUESTS | PLAUSIBLE, max_size=20))
@settings(max_examples=150, deadline=None)
def test_any_sequence_of_requests_is_answered_once_each_and_a_refusal_changes_no_therapy(
    requests: list[m.Request[m.Response]],
) -> None:
    """REQ-26, and each response is the one that its request names, or a refusal with a reason."""
    wire = Wire()
    for request in requests:
        if isinstance(request, m.OpenLink | m.CloseLink):
            continue
        before = therapy_of(wire.pump)
        (response,) = wire.ask(request.message_type, encode(request))
        if isinstance(response, m.Refusal):
            assert response.request_type == request.message_type
            assert response.reasons
            told = wire.endpoint.new_records()
            if told and isinstance(request, m.RequestPatientBolus):
                # REQ-13: what a patient was refused is part of the therapy's record, once.
                assert [(each.event.name, each.a) for each in told] == [
                    ("PATIENT_BOLUS_REFUSED", response.reasons[0].code)
                ]
                assert therapy_of(wire.pump)[:4] == before[:4]
                assert therapy_of(wire.pump)[5:] == before[5:]
            else:
                assert told == ()
                assert therapy_of(wire.pump) == before
        else:
            assert isinstance(response, request.response_class)
            wire.endpoint.new_records()


PERMITTED = MAY_SEND[UserRole.CLINICIAN] - {MessageType.OPEN_LINK, MessageType.CLOSE_LINK}


def told(answer: m.Response) -> m.Response:
    """An answer without what a pump with keys says of its keys."""
    if isinstance(answer, m.Identity):
        return replace(answer, security_profile=codes.SecurityProfile.LEGACY_INSECURE)
    if isinstance(answer, m.StatusReport):
        return replace(answer, access_log=m.LogRange(0, 0, 0))
    return answer


@given(st.lists(REQUESTS | PLAUSIBLE, max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_clinician_with_a_key_is_answered_as_anybody_is_by_a_pump_without_keys(
    requests: list[m.Request[m.Response]],
) -> None:
    """What is sealed changes who is believed, and nothing of what a request does."""
    sealed, plain = VirtualLink(implanted(), guard=PumpGuard(new_keys())), VirtualLink(implanted())
    for request in requests:
        if request.message_type in PERMITTED and not isinstance(request, m.ReadAccessLog):
            assert told(sealed.ask(request)) == told(plain.ask(request))
            assert therapy_of(sealed.pump) == therapy_of(plain.pump)


READINGS = [
    m.Identify(),
    m.Interrogate(),
    m.ReadPrescription(m.PrescriptionSlot.CURRENT),
    m.ReadLog(1, 13),
    m.ReadLog(10, 13),
    m.ReadAccessLog(1, 14),
    m.ReadNote(),
    m.SelfTest(),
]


@given(st.lists(REQUESTS | PLAUSIBLE, max_size=12))
@settings(max_examples=100, deadline=None)
def test_whatever_was_accepted_everything_can_still_be_read(
    requests: list[m.Request[m.Response]],
) -> None:
    """No value that a pump takes may be one that it cannot tell."""
    wire = Wire()
    for request in requests:
        if not isinstance(request, m.OpenLink | m.CloseLink):
            wire.ask(request.message_type, encode(request))
    pending = wire.pump.firmware.pending is not None
    for reading in READINGS + [m.ReadPrescription(m.PrescriptionSlot.PENDING)] * pending:
        (response,) = wire.ask(reading.message_type, encode(reading))
        assert isinstance(response, reading.response_class)


def test_records_are_told_once_each_after_the_command_that_made_them() -> None:
    """Whoever listens gets every record, in order, and is never in the middle of a command."""
    wire = Wire()
    assert wire.endpoint.new_records() == ()
    wire.ask(MessageType.SELF_TEST)
    wire.ask(MessageType.SELF_TEST)
    wire.endpoint.jump_to(50 * DAY_MS, 0)
    told = [record.event.name for record in wire.endpoint.new_records()]
    assert told == [*["SELF_TESTED"] * 2, *["ALARM_RAISED"] * 2, "INFUSION_STOPPED"]
    assert wire.endpoint.new_records() == ()


@given(st.integers(0, 255), st.binary(max_size=MAX_PAYLOAD_BYTES))
@settings(max_examples=300, deadline=None)
def test_any_payload_of_any_type_is_refused_or_obeyed_and_never_crashes(
    message_type: int, payload: bytes
) -> None:
    """Unknown, truncated and oversize messages get one refusal; responses get no answer at all."""
    wire = Wire()
    before = therapy_of(wire.pump)
    responses = wire.ask(message_type, payload)
    assert len(responses) == (0 if message_type >= 0x80 else 1)
    if not responses or isinstance(responses[0], m.Refusal):
        assert therapy_of(wire.pump) == before


@given(st.lists(st.binary(max_size=80) | st.just(b"\xa5\x5a"), max_size=20), st.data())
@settings(max_examples=100, deadline=None)
def test_noise_on_the_line_changes_no_therapy_and_the_next_request_is_answered(
    noise: list[bytes], data: st.DataObject
) -> None:
    """REQ-26: after any garbage and one gap, a good frame gets its answer."""
    wire = Wire()
    before = therapy_of(wire.pump)
    for chunk in noise:
        wire.send(chunk)
    assert therapy_of(wire.pump) == before
    request = Frame(MessageType.INTERROGATE, LINK, 2).to_bytes()
    responses = wire.send(request, INTER_BYTE_TIMEOUT_MS)
    assert isinstance(responses[-1], m.StatusReport)


@given(st.integers(1, 30))
def test_half_frame_of_a_program_that_went_away_does_not_swallow_the_next_request(
    cut: int,
) -> None:
    """Even without a gap: the half frame is dropped with the connection, or after the gap."""
    wire = Wire()
    half = Frame(MessageType.STAGE_PRESCRIPTION, LINK, 2, bytes(40)).to_bytes()[:cut]
    wire.send(half)
    wire.endpoint.connection_lost(0)
    responses = wire.send(Frame(MessageType.INTERROGATE, LINK, 3).to_bytes())
    assert isinstance(responses[-1], m.StatusReport)


def test_half_frame_and_the_next_request_in_one_breath_are_parted_by_the_gap() -> None:
    """The swallowed request is found when the half frame times out, without being sent again."""
    wire = Wire()
    half = Frame(MessageType.STAGE_PRESCRIPTION, LINK, 2, bytes(300)).to_bytes()[:30]
    assert wire.send(half + Frame(MessageType.INTERROGATE, LINK, 3).to_bytes()) == []
    answer = wire.endpoint.handle_timeout(INTER_BYTE_TIMEOUT_MS * NS_PER_MS)
    assert isinstance(wire.read(answer)[-1], m.StatusReport)


def test_corrupt_frame_is_not_answered_and_not_obeyed() -> None:
    """Every single flipped bit of a commit: no answer but to a frame that is whole."""
    wire = Wire()
    before = therapy_of(wire.pump)
    frame = Frame(MessageType.TEST_ALARM, LINK, 2, b"\x02").to_bytes()
    for bit in range(len(frame) * 8):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        events = FrameDecoder().feed(bytes(flipped))
        assert not any(isinstance(event, Frame) for event in events)
        assert wire.send(bytes(flipped), bit * INTER_BYTE_TIMEOUT_MS) == []
    wire.endpoint.handle_timeout(len(frame) * 9 * INTER_BYTE_TIMEOUT_MS * NS_PER_MS)
    assert therapy_of(wire.pump) == before


def test_corrupt_frames_are_events_with_a_reason() -> None:
    """The decoder tells what it threw away; nothing is lost without a word."""
    decoder = FrameDecoder()
    frame = Frame(MessageType.INTERROGATE, LINK, 2).to_bytes()
    noise, good = decoder.feed(b"noise" + frame)
    assert isinstance(noise, CorruptFrame)
    assert noise.size == 5
    assert isinstance(good, Frame)


# --- Time ----------------------------------------------------------------------------------------


def test_pump_without_a_clock_stands_still_until_it_is_moved() -> None:
    """Link time alone moves no therapy."""
    link = VirtualLink(implanted())
    link.wait_link(3_600_000)
    assert link.pump.at_ms == 0


def test_paced_pump_is_brought_to_the_present_before_it_answers() -> None:
    """At a day a second, one second of link time later the status is of a day later."""
    link = VirtualLink(implanted(), PacedClock(86_400))
    start = link.status().at_ms
    link.link_ms += 1000
    assert link.status().at_ms - start == DAY_MS


def test_jumping_pump_goes_to_its_next_event_once_the_link_is_quiet_after_an_exchange() -> None:
    """One event for each quiet spell after an exchange, so that a programmer misses none."""
    pump = implanted()
    endpoint = PumpEndpoint(Simulation(pump), ManualClock(), jumping=True)
    assert endpoint.next_timeout_ns() is None
    endpoint.receive_data(Frame(MessageType.IDENTIFY, 1, 1).to_bytes(), 0)
    due_ns = endpoint.next_timeout_ns()
    assert due_ns == QUIET_BEFORE_JUMP_MS * NS_PER_MS
    endpoint.handle_timeout(due_ns - 1)
    assert pump.at_ms == 0
    endpoint.handle_timeout(due_ns)
    assert pump.at_ms == 45 * DAY_MS
    endpoint.handle_timeout(due_ns * 100)
    assert pump.at_ms == 45 * DAY_MS


def test_next_timeout_is_the_next_event_on_the_pumps_clock() -> None:
    """A host that sleeps until then misses nothing and wakes for nothing."""
    endpoint = PumpEndpoint(Simulation(implanted()), PacedClock(86_400))
    assert endpoint.next_timeout_ns() == 45_000 * 1_000_000
    paused = PumpEndpoint(Simulation(implanted()), PacedClock(0))
    assert paused.next_timeout_ns() is None
