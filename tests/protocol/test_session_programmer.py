"""The programmer's end: one request at a time, identical repeats, nothing believed twice."""

import pytest
from hypothesis import given

from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import PROTOCOL_VERSION, Field, MessageType, RefusalCode
from pump_protocol.errors import OutOfTurn, UnsendableMessage
from pump_protocol.frames import Frame
from pump_protocol.payloads import encode
from pump_protocol.session import Role, Session
from pump_protocol.states import ALLOWED_WHILE_CLOSED, ExchangeState, LinkState, LinkTrigger

from .links import (
    IDENTITY,
    LINK,
    PROGRAMMER,
    Pump,
    drain,
    exchange,
    framed,
    programmer,
)
from .strategies import MESSAGE_CLASSES, messages

REQUESTS = tuple(each for each in MESSAGE_CLASSES if each.message_type < 0x80)
OPENED = m.LinkOpened(1, 2, 3, PROGRAMMER % 1000)


def opened() -> tuple[Session, Pump]:
    session, pump = programmer(), Pump()
    assert exchange(session, pump, m.OpenLink(PROGRAMMER)) == [ev.ResponseReceived(OPENED, 1)]
    return session, pump


def waiting() -> Session:
    """A programmer that has sent SetClock(5) under sequence number 2 and hears nothing."""
    session, _ = opened()
    session.send_request(m.SetClock(5), 0)
    session.data_to_send()
    return session


def test_an_exchange_over_a_perfect_wire() -> None:
    session, pump = opened()
    assert session.link_state is LinkState.OPEN
    assert exchange(session, pump, m.SetClock(5)) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]
    assert exchange(session, pump, m.CloseLink()) == [
        ev.LinkEnded(LINK, LinkTrigger.CLOSED),
        ev.ResponseReceived(m.LinkClosed(), 1),
    ]
    assert session.link_state is LinkState.CLOSED


def test_a_request_is_repeated_in_identical_bytes_and_then_given_up() -> None:
    session = programmer(response_timeout_ms=100, attempts=3)
    session.send_request(m.OpenLink(PROGRAMMER), 1000)
    sent = [session.data_to_send()]
    for at_ms in (1100, 1200):
        assert session.next_timeout() == at_ms
        session.handle_timeout(at_ms - 1)
        assert session.data_to_send() == b""
        session.handle_timeout(at_ms)
        sent.append(session.data_to_send())
    assert sent == [framed(m.OpenLink(PROGRAMMER), 1)] * 3
    session.handle_timeout(1300)
    assert session.data_to_send() == b""
    assert drain(session) == [ev.NoAnswer(3)]
    assert (session.exchange_state, session.next_timeout()) == (ExchangeState.READY, None)


def test_the_answer_to_a_repeat_says_how_often_it_was_asked() -> None:
    session, pump = programmer(response_timeout_ms=100), Pump()
    session.send_request(m.OpenLink(PROGRAMMER), 0)
    session.data_to_send()
    session.handle_timeout(100)
    session.receive_data(pump.receive(session.data_to_send()), 100)
    assert drain(session) == [ev.ResponseReceived(OPENED, 2)]


def test_a_second_answer_to_the_same_request_is_ignored() -> None:
    session = waiting()
    answer = framed(m.ClockSet(0, 5), 2)
    session.receive_data(answer + answer, 0)
    first, second = drain(session)
    assert first == ev.ResponseReceived(m.ClockSet(0, 5), 1)
    assert isinstance(second, ev.FrameIgnored)


@pytest.mark.parametrize(
    ("link_id", "sequence"), [(LINK, 1), (LINK, 3), (LINK + 1, 2)], ids=["late", "early", "other"]
)
def test_an_answer_to_another_request_is_ignored(link_id: int, sequence: int) -> None:
    session = waiting()
    session.receive_data(framed(m.ClockSet(0, 99), sequence, link_id), 0)
    (event,) = drain(session)
    assert isinstance(event, ev.FrameIgnored)
    assert session.exchange_state is ExchangeState.AWAITING


def test_an_answer_to_a_request_that_was_given_up_is_ignored() -> None:
    session, _ = opened()
    session.send_request(m.SetClock(5), 0)
    for at_ms in range(500, 2001, 500):
        session.handle_timeout(at_ms)
    assert drain(session) == [ev.NoAnswer(4)]
    session.receive_data(framed(m.ClockSet(0, 5), 2), 2000)
    (event,) = drain(session)
    assert isinstance(event, ev.FrameIgnored)


@given(request=messages(REQUESTS))
def test_a_request_is_never_taken_for_an_answer(request: m.Message) -> None:
    """An echo on the line brings our own requests back."""
    session = waiting()
    session.receive_data(framed(request, 2), 0)
    (event,) = drain(session)
    assert isinstance(event, ev.FrameIgnored)


def test_a_refusal_ends_the_exchange() -> None:
    session = waiting()
    refusal = m.Refusal(MessageType.SET_CLOCK, (m.Reason(RefusalCode.OUT_OF_RANGE, Field.CLOCK),))
    session.receive_data(framed(refusal, 2), 0)
    assert drain(session) == [ev.RefusalReceived(refusal, 1)]
    assert session.exchange_state is ExchangeState.READY
    assert session.link_state is LinkState.OPEN


@pytest.mark.parametrize("code", [RefusalCode.LINK_NOT_OPEN, RefusalCode.LINK_ID_USED])
def test_a_refusal_because_of_the_link_ends_the_link(code: RefusalCode) -> None:
    session = waiting()
    refusal = m.Refusal(MessageType.SET_CLOCK, (m.Reason(code, Field.LINK_ID),))
    session.receive_data(framed(refusal, 2), 0)
    assert drain(session) == [
        ev.LinkEnded(LINK, LinkTrigger.LOST),
        ev.RefusalReceived(refusal, 1),
    ]
    assert session.link_state is LinkState.CLOSED
    with pytest.raises(OutOfTurn):
        session.send_request(m.SetClock(6), 0)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(MessageType.CLOCK_SET, LINK, 2, encode(m.ClockSet(0, 5)), PROTOCOL_VERSION + 1),
        Frame(MessageType.CLOCK_SET, LINK, 2, b"short"),
        Frame(0xFE, LINK, 2),
        Frame(MessageType.LINK_CLOSED, LINK, 2),
        Frame(MessageType.REFUSAL, LINK, 2, encode(m.Refusal(MessageType.SET_CLOCK, ()))),
        Frame(
            MessageType.REFUSAL,
            LINK,
            2,
            encode(
                m.Refusal(MessageType.ABORT_BOLUS, (m.Reason(RefusalCode.NO_BOLUS, Field.NONE),))
            ),
        ),
    ],
    ids=["version", "short", "unknown type", "other answer", "no reason", "refusal of another"],
)
def test_an_answer_that_breaks_the_protocol_leaves_the_outcome_unknown(frame: Frame) -> None:
    session = waiting()
    session.receive_data(frame.to_bytes(), 0)
    (event,) = drain(session)
    assert isinstance(event, ev.ResponseGarbled)
    assert (session.exchange_state, session.link_state) == (ExchangeState.READY, LinkState.OPEN)


def test_noise_between_two_halves_of_waiting_is_told_and_harmless() -> None:
    session = waiting()
    session.receive_data(b"\xff\xff" + framed(m.ClockSet(0, 5), 2), 0)
    noise, received = drain(session)
    assert isinstance(noise, ev.NoiseReceived)
    assert received == ev.ResponseReceived(m.ClockSet(0, 5), 1)


def test_a_frame_broken_off_is_dropped_while_waiting() -> None:
    session = waiting()
    answer = framed(m.ClockSet(0, 5), 2)
    session.receive_data(answer[:-1], 10)
    session.handle_timeout(110)
    assert [type(each) for each in drain(session)] == [ev.NoiseReceived]
    session.receive_data(answer, 120)
    assert drain(session) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]


# --- Out of turn ---------------------------------------------------------------------------------


@pytest.mark.parametrize("link_id", [0, -1, 2**64])
def test_a_programmer_needs_a_link_id_that_the_wire_can_hold(link_id: int) -> None:
    with pytest.raises(OutOfTurn, match="link_id"):
        Session(Role.PROGRAMMER, link_id=link_id)


def test_identify_may_be_sent_before_the_link_is_open() -> None:
    session, pump = programmer(), Pump()
    assert exchange(session, pump, m.Identify()) == [ev.ResponseReceived(IDENTITY, 1)]
    assert session.link_state is LinkState.CLOSED


@pytest.mark.parametrize(
    "request_class", [each for each in REQUESTS if each.message_type not in ALLOWED_WHILE_CLOSED]
)
def test_anything_else_before_the_link_is_open_is_out_of_turn(
    request_class: type[m.Request[m.Response]],
) -> None:
    session = programmer()
    with pytest.raises(OutOfTurn, match="needs an open link"):
        session.send_request(request_class.__new__(request_class), 0)
    assert session.data_to_send() == b""


def test_a_second_request_before_the_answer_is_out_of_turn() -> None:
    session = waiting()
    with pytest.raises(OutOfTurn, match="outstanding"):
        session.send_request(m.SetClock(6), 0)
    assert session.data_to_send() == b""


def test_only_a_pump_sends_responses() -> None:
    with pytest.raises(OutOfTurn, match="only a pump"):
        programmer().send_response(
            ev.RequestReceived(m.SelfTest(), LINK, 1, PROGRAMMER), m.SelfTestReport(())
        )


def test_a_request_that_no_field_can_hold_takes_no_sequence_number() -> None:
    session, pump = opened()
    with pytest.raises(UnsendableMessage):
        session.send_request(m.SetClock(-1), 0)
    assert exchange(session, pump, m.SetClock(5)) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]
    assert pump.executed[-1].sequence == 2


def test_a_link_that_is_open_is_not_opened_again() -> None:
    """Another one begins under an id of its own (LINK-07)."""
    session, pump = programmer(), Pump()
    exchange(session, pump, m.OpenLink(1))
    with pytest.raises(OutOfTurn, match="is open"):
        session.send_request(m.OpenLink(1), 0)
