"""The pump's end of a link: what it carries out, repeats, refuses, ignores and forgets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import (
    ABSOLUTE_LIMIT_MS,
    IDLE_LIMIT_MS,
    INTER_BYTE_TIMEOUT_MS,
    MAX_PAYLOAD_BYTES,
    PROTOCOL_VERSION,
    RETIRED_LINKS,
    SEALED_BIT,
    BolusKind,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.errors import OutOfTurn
from pump_protocol.frames import CorruptFrame, Corruption, Frame
from pump_protocol.payloads import encode
from pump_protocol.session import Role, Session
from pump_protocol.states import LinkState, LinkTrigger

from .links import LINK, PROGRAMMER, UNKNOWN_REQUEST_TYPES, Pump, answer, drain, framed, frames_in
from .strategies import MESSAGE_CLASSES, messages

OTHER_LINK = 0xFEDCBA9876543210
RESPONSES = tuple(each for each in MESSAGE_CLASSES if each.message_type >= 0x80)


def reason(response: m.Response | None) -> m.Reason:
    """The only reason of a refusal."""
    assert isinstance(response, m.Refusal), response
    (only,) = response.reasons
    return only


def executed(pump: Pump) -> list[m.Request[m.Response]]:
    return [event.request for event in pump.executed]


def refuse_orders(event: ev.RequestReceived) -> m.Response:
    if isinstance(event.request, m.OrderBolus):
        return m.Refusal(
            event.request.message_type, (m.Reason(RefusalCode.WRONG_MODE, Field.NONE),)
        )
    return answer(event)


# --- Opening -------------------------------------------------------------------------------------


def test_a_link_opens_under_the_id_that_the_programmer_chose() -> None:
    pump = Pump()
    assert pump.session.link_state is LinkState.CLOSED
    assert isinstance(pump.ask(m.OpenLink(PROGRAMMER), 1), m.LinkOpened)
    assert pump.session.link_state is LinkState.OPEN
    assert pump.session.link_id == LINK


def test_requests_of_a_link_carry_the_programmer_that_opened_it() -> None:
    pump = Pump().opened()
    pump.ask(m.SelfTest(), 2)
    assert [event.programmer_id for event in pump.executed] == [PROGRAMMER, PROGRAMMER]


def test_link_id_zero_is_refused() -> None:
    refused = reason(Pump().ask(m.OpenLink(PROGRAMMER), 1, link_id=0))
    assert refused == m.Reason(RefusalCode.OUT_OF_RANGE, Field.LINK_ID, 0, 1)


@pytest.mark.parametrize(
    "request_", [m.Interrogate(), m.CloseLink(), m.SetClock(1), m.AbortBolus()], ids=repr
)
def test_only_opening_and_identifying_are_allowed_without_a_link(
    request_: m.Request[m.Response],
) -> None:
    pump = Pump()
    assert reason(pump.ask(request_, 1)) == m.Reason(RefusalCode.LINK_NOT_OPEN, Field.LINK_ID)
    assert pump.executed == []


def test_identify_is_answered_without_a_link_as_often_as_it_is_asked() -> None:
    pump = Pump()
    for _ in range(3):
        assert isinstance(pump.ask(m.Identify(), 1), m.Identity)
    assert pump.session.link_state is LinkState.CLOSED


def test_identify_under_another_id_does_not_disturb_the_open_link() -> None:
    pump = Pump().opened()
    assert isinstance(pump.ask(m.Identify(), 1, OTHER_LINK), m.Identity)
    assert isinstance(pump.ask(m.SelfTest(), 2), m.SelfTestReport)


def test_opening_ends_the_link_that_was_open_and_retires_its_id() -> None:
    pump = Pump().opened()
    assert isinstance(pump.ask(m.OpenLink(PROGRAMMER + 1), 1, OTHER_LINK), m.LinkOpened)
    assert ev.LinkEnded(LINK, LinkTrigger.REPLACED) in pump.events
    assert reason(pump.ask(m.SelfTest(), 2)).code is RefusalCode.LINK_ID_USED
    assert isinstance(pump.ask(m.SelfTest(), 2, OTHER_LINK), m.SelfTestReport)


def test_an_opening_that_cannot_be_read_does_not_end_the_open_link() -> None:
    pump = Pump().opened()
    frame = Frame(MessageType.OPEN_LINK, OTHER_LINK, 1, b"short")
    assert isinstance(frames_in(pump.receive(frame.to_bytes()))[0], Frame)
    assert isinstance(pump.ask(m.SelfTest(), 2), m.SelfTestReport)


def test_an_open_link_cannot_be_opened_again() -> None:
    pump = Pump().opened()
    refused = reason(pump.ask(m.OpenLink(PROGRAMMER), 2))
    assert refused == m.Reason(RefusalCode.LINK_ID_USED, Field.LINK_ID)
    assert isinstance(pump.ask(m.SelfTest(), 2), m.SelfTestReport)


# --- Once ----------------------------------------------------------------------------------------


def test_a_repeat_is_answered_with_the_same_bytes_and_not_carried_out_again() -> None:
    pump = Pump().opened()
    order = framed(m.OrderBolus(1, BolusKind.SINGLE, 2, 3, 4, 5), 2)
    first = pump.receive(order)
    assert [pump.receive(order) for _ in range(5)] == [first] * 5
    assert len(pump.executed) == 2
    assert pump.events.count(ev.RequestRepeated(LINK, 2, MessageType.ORDER_BOLUS)) == 5


def test_a_refusal_is_repeated_too() -> None:
    pump = Pump(refuse_orders).opened()
    order = framed(m.OrderBolus(1, BolusKind.SINGLE, 2, 3, 4, 5), 2)
    assert pump.receive(order) == pump.receive(order) != b""
    assert len(pump.executed) == 2


def test_a_repeat_of_what_is_still_being_carried_out_gets_one_answer() -> None:
    session = Session(Role.PUMP)
    session.receive_data(framed(m.OpenLink(PROGRAMMER), 1) * 3, 0)
    received, *repeats = drain(session)
    assert isinstance(received, ev.RequestReceived)
    assert [type(each) for each in repeats] == [ev.RequestRepeated] * 2
    assert session.data_to_send() == b""
    session.send_response(received, m.LinkOpened(1, 2, 3, 4))
    assert len(frames_in(session.data_to_send())) == 1


def test_the_same_sequence_number_with_other_content_is_refused() -> None:
    pump = Pump().opened()
    pump.ask(m.SetClock(1), 2)
    refused = reason(pump.ask(m.SetClock(2), 2))
    assert refused == m.Reason(RefusalCode.SEQUENCE_REUSED, Field.SEQUENCE, 2, 3, 2**32 - 1)
    assert executed(pump)[1:] == [m.SetClock(1)]
    assert pump.ask(m.SetClock(1), 2) == m.ClockSet(0, 1), "the true repeat is still answered"


def test_after_the_last_sequence_number_a_refusal_names_no_other() -> None:
    """There is none that would be accepted: the link has to be opened anew."""
    pump = Pump().opened()
    pump.ask(m.SetClock(1), 2**32 - 1)
    refused = reason(pump.ask(m.SetClock(2), 2**32 - 1))
    assert refused == m.Reason(RefusalCode.SEQUENCE_REUSED, Field.SEQUENCE, 2**32 - 1)


def test_the_same_sequence_number_and_payload_under_another_type_is_refused() -> None:
    pump = Pump().opened()
    pump.ask(m.SelfTest(), 2)
    assert reason(pump.ask(m.RollBackPrescription(), 2)).code is RefusalCode.SEQUENCE_REUSED


def test_a_lower_sequence_number_is_refused_as_stale() -> None:
    pump = Pump().opened()
    late = framed(m.SetClock(1), 2)
    pump.receive(late)
    pump.ask(m.SetClock(2), 5)
    (frame,) = frames_in(pump.receive(late))
    assert frame.sequence == 2
    assert executed(pump)[1:] == [m.SetClock(1), m.SetClock(2)]
    assert (
        ev.RequestRefused(
            m.Refusal(
                MessageType.SET_CLOCK,
                (m.Reason(RefusalCode.SEQUENCE_STALE, Field.SEQUENCE, 2, 6, 2**32 - 1),),
            ),
            LINK,
            2,
        )
        in pump.events
    )


def test_sequence_numbers_may_skip_and_reach_the_last_there_is() -> None:
    pump = Pump().opened()
    assert isinstance(pump.ask(m.SelfTest(), 1000), m.SelfTestReport)
    assert isinstance(pump.ask(m.SelfTest(), 2**32 - 1), m.SelfTestReport)


def test_a_request_that_could_not_be_read_has_used_up_its_sequence_number() -> None:
    pump = Pump().opened()
    bad = Frame(MessageType.SET_CLOCK, LINK, 2, b"short").to_bytes()
    assert pump.receive(bad) == pump.receive(bad) != b""
    assert reason(pump.ask(m.SetClock(1), 2)).code is RefusalCode.SEQUENCE_REUSED


def test_a_restarted_programmer_that_counts_from_1_again_never_gets_an_old_answer() -> None:
    """It opens with a fresh link id, so nothing it sends looks like a repeat."""
    pump = Pump().opened()
    pump.ask(m.SetClock(111), 2)
    assert isinstance(pump.ask(m.OpenLink(PROGRAMMER), 1, OTHER_LINK), m.LinkOpened)
    assert pump.ask(m.SetClock(111), 2, OTHER_LINK) == m.ClockSet(0, 111)
    assert executed(pump).count(m.SetClock(111)) == 2, "carried out, not answered from memory"


def test_an_answer_never_goes_to_another_request_of_the_same_number() -> None:
    """Identify under the id and last number of an ended link must not become its last answer."""
    pump = Pump().opened()
    closing = framed(m.CloseLink(), 2)
    closed = pump.receive(closing)
    assert isinstance(pump.ask(m.Identify(), 2), m.Identity)
    assert pump.receive(closing) == closed


# --- Ending --------------------------------------------------------------------------------------


def test_a_closed_link_stays_closed() -> None:
    pump = Pump().opened()
    assert pump.ask(m.CloseLink(), 2) == m.LinkClosed()
    assert pump.session.link_state is LinkState.CLOSED
    for request in (m.OpenLink(PROGRAMMER), m.SelfTest()):
        assert reason(pump.ask(request, 3)) == m.Reason(RefusalCode.LINK_ID_USED, Field.LINK_ID)


def test_the_answer_to_closing_can_be_repeated() -> None:
    pump = Pump().opened()
    closing = framed(m.CloseLink(), 2)
    assert pump.receive(closing) == pump.receive(closing) != b""


def test_a_link_without_requests_ends_at_the_idle_limit() -> None:
    pump = Pump().opened()
    assert pump.session.next_timeout() == IDLE_LIMIT_MS
    pump.session.handle_timeout(IDLE_LIMIT_MS - 1)
    assert pump.session.link_state is LinkState.OPEN
    pump.session.handle_timeout(IDLE_LIMIT_MS)
    assert drain(pump.session) == [ev.LinkEnded(LINK, LinkTrigger.IDLE_LIMIT)]
    assert pump.session.next_timeout() is None


def test_requests_and_repeats_but_not_noise_put_the_idle_limit_off() -> None:
    pump = Pump().opened()
    pump.receive(framed(m.SelfTest(), 2), 100_000)
    pump.receive(framed(m.SelfTest(), 2), 200_000)
    pump.receive(b"noise", 300_000)
    assert pump.session.next_timeout() == 300_000 + INTER_BYTE_TIMEOUT_MS
    pump.session.handle_timeout(300_000 + INTER_BYTE_TIMEOUT_MS)
    assert pump.session.next_timeout() == 200_000 + IDLE_LIMIT_MS


def test_the_busiest_link_ends_at_the_absolute_limit() -> None:
    pump = Pump().opened()
    times = range(60_000, ABSOLUTE_LIMIT_MS, 60_000)
    for sequence, at_ms in enumerate(times, start=2):
        assert isinstance(pump.receive(framed(m.SelfTest(), sequence), at_ms), bytes)
    assert pump.session.next_timeout() == ABSOLUTE_LIMIT_MS
    pump.now_ms = ABSOLUTE_LIMIT_MS
    assert reason(pump.ask(m.SelfTest(), 99)).code is RefusalCode.LINK_ID_USED
    assert ev.LinkEnded(LINK, LinkTrigger.ABSOLUTE_LIMIT) in pump.events


def test_a_request_that_arrives_at_the_limit_itself_comes_too_late() -> None:
    """Even if nobody called handle_timeout in between."""
    pump = Pump().opened()
    pump.now_ms = IDLE_LIMIT_MS
    assert reason(pump.ask(m.SetClock(1), 2)).code is RefusalCode.LINK_ID_USED
    assert executed(pump) == [m.OpenLink(PROGRAMMER)]


def test_the_memory_of_ended_links_is_bounded_and_keeps_the_latest() -> None:
    pump = Pump()
    for link_id in range(1, RETIRED_LINKS + 3):
        assert isinstance(pump.ask(m.OpenLink(PROGRAMMER), 1, link_id), m.LinkOpened)
    remembered = range(2, RETIRED_LINKS + 2)
    for link_id in remembered:
        assert reason(pump.ask(m.OpenLink(PROGRAMMER), 9, link_id)).code is RefusalCode.LINK_ID_USED
    assert isinstance(pump.ask(m.OpenLink(PROGRAMMER), 9, 1), m.LinkOpened), (
        "the oldest is forgotten"
    )


def test_a_link_outlives_its_connection_but_half_a_frame_does_not() -> None:
    pump = Pump().opened()
    pump.receive(framed(m.SelfTest(), 2)[:11])
    pump.session.connection_lost(0)
    assert drain(pump.session) == [ev.NoiseReceived(CorruptFrame(Corruption.TRUNCATED, 11))]
    assert isinstance(pump.ask(m.SelfTest(), 2), m.SelfTestReport)


# --- Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("message_type", UNKNOWN_REQUEST_TYPES)
def test_an_unknown_request_is_refused(message_type: int) -> None:
    pump = Pump().opened()
    (frame,) = frames_in(pump.receive(Frame(message_type, LINK, 2).to_bytes()))
    expected = m.Reason(RefusalCode.UNKNOWN_MESSAGE, Field.MESSAGE_TYPE, message_type)
    assert frame == Frame(
        MessageType.REFUSAL, LINK, 2, encode(m.Refusal(message_type, (expected,)))
    )


@pytest.mark.parametrize("size", [0, 7, 9, MAX_PAYLOAD_BYTES])
def test_a_truncated_or_oversize_request_is_refused(size: int) -> None:
    pump = Pump().opened()
    pump.receive(Frame(MessageType.SET_CLOCK, LINK, 2, bytes(size)).to_bytes())
    refusal = pump.events[-1]
    assert isinstance(refusal, ev.RequestRefused)
    assert reason(refusal.refusal) == m.Reason(RefusalCode.MALFORMED, Field.PAYLOAD, size)
    assert executed(pump) == [m.OpenLink(PROGRAMMER)]


def test_an_unknown_code_is_refused_with_its_field_and_value() -> None:
    pump = Pump().opened()
    pump.receive(Frame(MessageType.ACKNOWLEDGE_ALARM, LINK, 2, b"\x63").to_bytes())
    refusal = pump.events[-1]
    assert isinstance(refusal, ev.RequestRefused)
    assert reason(refusal.refusal) == m.Reason(RefusalCode.UNKNOWN_VALUE, Field.ALARM, 0x63)


@pytest.mark.parametrize("version", [0, 2, 127])
@pytest.mark.parametrize("message", [m.OpenLink(PROGRAMMER), m.Identify(), m.SetClock(1)], ids=repr)
def test_another_protocol_version_is_refused_and_not_spoken(
    version: int, message: m.Message
) -> None:
    """REQ-29: no silent downgrade; the refusal says which version is spoken."""
    pump = Pump()
    (frame,) = frames_in(pump.receive(framed(message, 1, version=version)))
    assert frame.version == 1
    refusal = pump.events[-1]
    assert isinstance(refusal, ev.RequestRefused)
    expected = m.Reason(RefusalCode.UNSUPPORTED_VERSION, Field.VERSION, version, 1, 1)
    assert reason(refusal.refusal) == expected
    assert pump.executed == []


@given(response=messages(RESPONSES))
def test_responses_sent_to_a_pump_are_never_answered(response: m.Message) -> None:
    """Or two pumps, or a pump and its own echo, would talk to each other for ever."""
    pump = Pump().opened()
    assert pump.receive(framed(response, 2)) == b""
    assert isinstance(pump.events[-1], ev.FrameIgnored)
    assert isinstance(pump.ask(m.SelfTest(), 2), m.SelfTestReport)


@given(noise=st.binary(max_size=200))
def test_noise_is_told_and_never_answered(noise: bytes) -> None:
    pump = Pump().opened()
    assert pump.receive(noise) == b""
    pump.session.handle_timeout(INTER_BYTE_TIMEOUT_MS)
    expected = [len(noise)] if noise else []
    told = [each.noise.size for each in drain(pump.session) if isinstance(each, ev.NoiseReceived)]
    assert told == expected
    pump.now_ms = INTER_BYTE_TIMEOUT_MS
    assert isinstance(pump.ask(m.SelfTest(), 2), m.SelfTestReport)


def test_half_a_frame_is_dropped_after_the_inter_byte_timeout() -> None:
    pump = Pump().opened()
    half = framed(m.SetClock(1), 2)[:-1]
    pump.receive(half, 1000)
    assert pump.session.next_timeout() == 1000 + INTER_BYTE_TIMEOUT_MS
    pump.receive(framed(m.SetClock(2), 2), 1000 + INTER_BYTE_TIMEOUT_MS)
    assert executed(pump)[1:] == [m.SetClock(2)]


def test_nothing_that_arrives_is_silence() -> None:
    """Whoever polls a port hands over nothing again and again: the half frame goes all the same."""
    pump = Pump().opened()
    pump.receive(framed(m.SetClock(1), 2)[:-1], 1000)
    for at_ms in range(1010, 1000 + INTER_BYTE_TIMEOUT_MS, 10):
        pump.receive(b"", at_ms)
    pump.receive(framed(m.SetClock(2), 2), 1000 + INTER_BYTE_TIMEOUT_MS)
    assert executed(pump)[1:] == [m.SetClock(2)]


def test_the_gap_counts_from_the_last_byte() -> None:
    pump = Pump().opened()
    frame = framed(m.SetClock(1), 2)
    for at, byte in enumerate(frame):
        pump.receive(bytes((byte,)), at * (INTER_BYTE_TIMEOUT_MS - 1))
    assert executed(pump)[1:] == [m.SetClock(1)]


# --- Out of turn ---------------------------------------------------------------------------------


def test_only_a_programmer_sends_requests() -> None:
    with pytest.raises(OutOfTurn):
        Session(Role.PUMP).send_request(m.OpenLink(1), 0)


def test_a_response_must_answer_its_request() -> None:
    session = Session(Role.PUMP)
    session.receive_data(framed(m.OpenLink(PROGRAMMER), 1), 0)
    (received,) = drain(session)
    assert isinstance(received, ev.RequestReceived)
    with pytest.raises(OutOfTurn, match="LinkClosed is no answer to OpenLink"):
        session.send_response(received, m.LinkClosed())
    assert session.data_to_send() == b""


def test_link_time_never_goes_back() -> None:
    session = Session(Role.PUMP)
    session.handle_timeout(10)
    with pytest.raises(OutOfTurn, match="from 10 to 9"):
        session.receive_data(b"", 9)


@pytest.mark.parametrize("version", [2, PROTOCOL_VERSION | SEALED_BIT])
def test_a_frame_of_another_kind_does_not_become_the_answer_to_the_last_request(
    version: int,
) -> None:
    """SEQ-04: the identical bytes get the identical answer, whatever came in between (LINK-12)."""
    pump = Pump().opened()
    true = framed(m.SetClock(5), 2)
    answer = pump.receive(true)
    pump.receive(framed(m.SetClock(5), 2, version=version))
    assert pump.receive(true) == answer
