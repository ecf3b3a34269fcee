"""Sessions with keys: only what was sealed with them is believed, and each frame only once."""

from collections.abc import Iterator
from dataclasses import replace
from secrets import token_bytes

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from pump_protocol import access
from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import (
    ENVELOPE_BYTES,
    FIRST_LOCK_MS,
    FREE_FAILURES,
    HANDSHAKE_LIMIT_MS,
    IDLE_LIMIT_MS,
    LONGEST_LOCK_MS,
    PAIRING_ATTEMPTS,
    PAIRING_LIMIT_MS,
    SEALED_BIT,
    Field,
    MessageType,
    RefusalCode,
    UserRole,
)
from pump_protocol.errors import OutOfTurn
from pump_protocol.frames import Frame, FrameDecoder, frame_bytes
from pump_protocol.guard import PumpGuard
from pump_protocol.keys import Key, pairing_key
from pump_protocol.session import Session
from pump_protocol.states import LinkState, LinkTrigger

from .links import (
    IDENTITY,
    LINK,
    PROGRAMMER,
    Pump,
    authenticated,
    drain,
    exchange,
    framed,
    frames_in,
    guarded,
    only_response,
    programmer,
)
from .test_session_wire import Client, WorstWire

CLOCK = m.SetClock(5)


def secured(role: UserRole = UserRole.CLINICIAN) -> tuple[Session, Pump]:
    """A programmer with an open link to a pump."""
    guard = guarded()
    pump = Pump(guard=guard)
    return authenticated(pump, guard, role), pump


def refusal_of(data: bytes) -> m.Reason:
    """The one reason of the one plain refusal in *data*."""
    response = only_response(data)
    assert isinstance(response, m.Refusal)
    (reason,) = response.reasons
    return reason


def reason_in(events: list[ev.Event]) -> m.Reason:
    (event,) = [each for each in events if isinstance(each, ev.RefusalReceived)]
    (reason,) = event.refusal.reasons
    return reason


# --- The ordinary course --------------------------------------------------------------------------


def test_a_link_that_was_opened_with_a_key_carries_sealed_frames_only() -> None:
    """Nothing of a request or an answer can be read, and what came out is what was put in."""
    session, pump = secured()
    session.send_request(CLOCK, 0)
    sent = session.data_to_send()
    answered = pump.receive(sent)
    for data in (sent, answered):
        (frame,) = frames_in(data)
        assert frame.sealed
        assert (5).to_bytes(8, "little") not in frame.payload
    session.receive_data(answered, 0)
    assert drain(session) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]
    used = pump.executed[-1].link_keys
    assert used is not None
    assert used.role is UserRole.CLINICIAN


def test_a_programmer_with_a_key_opens_nothing_before_the_pump_has_proved_to_hold_it() -> None:
    session = programmer(key=guarded().keys[UserRole.CLINICIAN])
    with pytest.raises(OutOfTurn, match="authenticate first"):
        session.send_request(m.OpenLink(PROGRAMMER), 0)
    assert session.data_to_send() == b""


def test_a_handshake_needs_a_key() -> None:
    with pytest.raises(OutOfTurn, match="needs a key"):
        programmer().authenticate(IDENTITY)


def test_an_impostor_that_does_not_hold_the_key_is_found_out() -> None:
    """Whoever answers must have the key as well: another pump's answer proves nothing."""
    guard = guarded()
    key = guard.keys[UserRole.CLINICIAN]
    session, another = programmer(key=key), programmer(key=replace(key, secret=bytes(32)))
    impostor = PumpGuard([replace(key, secret=bytes(32))])
    impostor.identity_digest = guard.identity_digest
    another.send_request(another.authenticate(IDENTITY), 0)
    session.send_request(session.authenticate(IDENTITY), 0)
    session.receive_data(Pump(guard=impostor).receive(another.data_to_send()), 0)
    (event,) = drain(session)
    assert isinstance(event, ev.ResponseGarbled)
    assert "did not prove" in event.why
    assert session.secrets is None


def test_a_link_outlives_its_connection() -> None:
    """A programmer that connects again goes on under the same keys (LINK-15)."""
    session, pump = secured()
    pump.session.connection_lost(0)
    session.connection_lost(0)
    assert exchange(session, pump, CLOCK) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]


def test_the_refusal_of_a_link_that_has_ended_is_sealed_and_believed() -> None:
    """So the outcome of a request that came too late is known: it was not carried out."""
    session, pump = secured()
    pump.now_ms = IDLE_LIMIT_MS
    heard = exchange(session, pump, CLOCK)
    (event,) = [each for each in heard if isinstance(each, ev.RefusalReceived)]
    assert event.refusal.reasons[0].code is RefusalCode.LINK_ID_USED
    assert event.authentic
    assert CLOCK not in [each.request for each in pump.executed]


# --- Repeats --------------------------------------------------------------------------------------


def test_an_identical_repeat_gets_the_identical_answer_and_is_carried_out_once() -> None:
    session, pump = secured()
    session.send_request(CLOCK, 0)
    sent = session.data_to_send()
    first = pump.receive(sent)
    assert [pump.receive(sent) for _ in range(3)] == [first] * 3
    assert [each.request for each in pump.executed].count(CLOCK) == 1


def test_a_refused_request_that_is_repeated_gets_the_identical_refusal() -> None:
    """A lost refusal can be had again, although its counter was used."""
    session, pump = secured(UserRole.OBSERVER)
    session.send_request(CLOCK, 0)
    sent = session.data_to_send()
    assert pump.receive(sent) == pump.receive(sent)


def test_a_request_that_is_sealed_anew_has_used_its_number_already() -> None:
    """A repeat is the identical bytes; anything else needs a number of its own (SEAL-05)."""
    session, pump = secured()
    session.send_request(CLOCK, 0)
    (first,) = frames_in(session.data_to_send())
    answer = pump.receive(first.to_bytes())
    envelope = session._end._envelope  # type: ignore[union-attr]
    assert envelope is not None
    anew = envelope.seal(first.message_type, LINK, first.sequence, (5).to_bytes(8, "little"))
    (refused,) = frames_in(pump.receive(anew))
    session.receive_data(refused.to_bytes(), 0)
    assert reason_in(drain(session)).code is RefusalCode.SEQUENCE_REUSED
    assert answer
    assert [each.request for each in pump.executed].count(CLOCK) == 1


def test_a_forged_plain_repeat_does_not_become_the_answer_to_the_true_one() -> None:
    session, pump = secured()
    session.send_request(m.SelfTest(), 0)
    sent = session.data_to_send()
    (frame,) = frames_in(sent)
    answer = pump.receive(sent)
    pump.receive(frame_bytes(frame.message_type, LINK, frame.sequence, b""))
    assert pump.receive(sent) == answer


def test_an_answer_that_comes_late_does_not_become_the_answer_to_another_request() -> None:
    """The owner may take all events first and answer then."""
    session, pump = secured()
    envelope = session._end._envelope  # type: ignore[union-attr]
    assert envelope is not None
    note = envelope.seal(MessageType.SELF_TEST, LINK, 10, b"")
    refused = envelope.seal(MessageType.SET_CLOCK, LINK, 11, b"short")
    pump.session.receive_data(note + refused, 0)
    events = drain(pump.session)
    (asked,) = [each for each in events if isinstance(each, ev.RequestReceived)]
    pump.session.send_response(asked, m.SelfTestReport(()))
    first, second = frames_in(pump.session.data_to_send())
    assert {first.sequence, second.sequence} == {10, 11}
    (again,) = frames_in(pump.receive(refused))
    assert again.sequence == 11


def test_a_lost_answer_to_the_handshake_is_had_again_by_the_identical_bytes() -> None:
    guard = guarded()
    pump = Pump(guard=guard)
    session = programmer(key=guard.keys[UserRole.CLINICIAN])
    session.send_request(session.authenticate(IDENTITY), 0)
    sent = session.data_to_send()
    assert pump.receive(sent) == pump.receive(sent)
    session.receive_data(pump.receive(sent), 0)
    assert isinstance(drain(session)[0], ev.ResponseReceived)
    assert isinstance(exchange(session, pump, m.OpenLink(1))[0], ev.ResponseReceived)


def test_repeats_do_not_keep_a_link_alive() -> None:
    """Anybody may have recorded them (LINK-08)."""
    session, pump = secured()
    session.send_request(CLOCK, 0)
    sent = session.data_to_send()
    pump.receive(sent, 0)
    pump.receive(sent, IDLE_LIMIT_MS - 1)
    pump.session.handle_timeout(IDLE_LIMIT_MS)
    pump.settle()
    assert ev.LinkEnded(LINK, LinkTrigger.IDLE_LIMIT) in pump.events


# --- What is not believed -------------------------------------------------------------------------


def test_nothing_but_the_listed_messages_is_taken_in_plain() -> None:
    """No downgrade: any other request without an envelope is refused, link or not (REQ-30)."""
    _, pump = secured()
    done = len(pump.executed)
    for request_type in m.REQUESTS:
        if request_type in access.PLAIN:
            continue
        for link_id in (LINK, 99):
            data = frame_bytes(request_type, link_id, 50, b"")
            assert refusal_of(pump.receive(data)).code is RefusalCode.AUTHENTICATION_REQUIRED
    assert len(pump.executed) == done


@pytest.mark.parametrize("bit", range(0, 8 * ENVELOPE_BYTES, 7))
def test_an_altered_frame_is_refused_although_its_checks_are_right(bit: int) -> None:
    """A CRC finds noise and proves nothing (REQ-31); the true frame is believed afterwards."""
    session, pump = secured()
    session.send_request(CLOCK, 0)
    sent = session.data_to_send()
    (frame,) = frames_in(sent)
    payload = bytearray(frame.payload)
    payload[bit // 8] ^= 1 << bit % 8
    forged = replace(frame, payload=bytes(payload)).to_bytes()
    assert refusal_of(pump.receive(forged)).code is RefusalCode.NOT_AUTHENTIC
    session.receive_data(pump.receive(sent), 0)
    assert drain(session) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]


@pytest.mark.parametrize("field", ["message_type", "sequence", "link_id"])
def test_the_header_is_sealed_too(field: str) -> None:
    """What stands in plain in the header cannot be changed either."""
    session, pump = secured()
    done = len(pump.executed)
    session.send_request(CLOCK, 0)
    (frame,) = frames_in(session.data_to_send())
    changed = {"message_type": MessageType.SELF_TEST, "sequence": 77, "link_id": LINK + 1}[field]
    forged = Frame(**{**_fields(frame), field: changed}).to_bytes()
    assert refusal_of(pump.receive(forged)).code in {
        RefusalCode.NOT_AUTHENTIC,
        RefusalCode.LINK_NOT_OPEN,
    }
    assert len(pump.executed) == done


def _fields(frame: Frame) -> dict[str, object]:
    return {name: getattr(frame, name) for name in Frame.__slots__}


def test_an_old_frame_is_refused_as_not_authentic() -> None:
    session, pump = secured()
    session.send_request(CLOCK, 0)
    old = session.data_to_send()
    session.receive_data(pump.receive(old), 0)
    drain(session)
    exchange(session, pump, m.SelfTest())
    reason = refusal_of(pump.receive(old))
    assert (reason.code, reason.field) == (RefusalCode.NOT_AUTHENTIC, Field.COUNTER)


def test_a_sealed_frame_means_nothing_to_a_pump_without_keys() -> None:
    session, _ = secured()
    session.send_request(CLOCK, 0)
    plain = Pump().opened()
    assert refusal_of(plain.receive(session.data_to_send())).code is RefusalCode.NOT_AUTHENTIC
    asked = framed(m.Authenticate(1, UserRole.CLINICIAN, bytes(48)), 1, link_id=3)
    assert refusal_of(plain.receive(asked)).code is RefusalCode.AUTHENTICATION_FAILED


def test_a_frame_too_short_to_be_sealed_is_refused() -> None:
    _, pump = secured()
    data = frame_bytes(MessageType.SET_CLOCK, LINK, 9, bytes(23), 1 | SEALED_BIT)
    assert refusal_of(pump.receive(data)).code is RefusalCode.NOT_AUTHENTIC


# --- What a programmer does not believe -----------------------------------------------------------


def test_a_plain_answer_to_a_sealed_request_is_ignored() -> None:
    """Nobody can make a programmer believe that an order was carried out, or refused."""
    session, pump = secured()
    session.send_request(CLOCK, 0)
    (frame,) = frames_in(session.data_to_send())
    reason = m.Reason(RefusalCode.OUT_OF_RANGE, Field.CLOCK)
    for lie in (m.ClockSet(0, 5), m.Refusal(MessageType.SET_CLOCK, (reason,))):
        session.receive_data(framed(lie, frame.sequence), 0)
        (event,) = drain(session)
        assert isinstance(event, ev.FrameIgnored)
    session.receive_data(pump.receive(frame.to_bytes()), 0)
    assert drain(session) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]


@pytest.mark.parametrize(
    "code",
    [
        RefusalCode.LINK_NOT_OPEN,
        RefusalCode.LINK_ID_USED,
        RefusalCode.AUTHENTICATION_REQUIRED,
    ],
)
def test_a_plain_refusal_that_the_link_is_lost_ends_it_and_proves_nothing(
    code: RefusalCode,
) -> None:
    """A pump that has started anew can say no more; so the outcome is unknown, even at once."""
    session, _ = secured()
    session.send_request(CLOCK, 0)
    (frame,) = frames_in(session.data_to_send())
    hint = m.Refusal(MessageType.SET_CLOCK, (m.Reason(code, Field.LINK_ID),))
    session.receive_data(framed(hint, frame.sequence), 0)
    ended, event = drain(session)
    assert ended == ev.LinkEnded(LINK, LinkTrigger.LOST)
    assert event == ev.RefusalReceived(hint, 1, authentic=False)
    assert session.link_state is LinkState.CLOSED


def test_an_altered_answer_is_ignored_and_the_true_one_believed() -> None:
    session, pump = secured()
    session.send_request(CLOCK, 0)
    answer = pump.receive(session.data_to_send())
    (frame,) = frames_in(answer)
    forged = replace(frame, payload=frame.payload[:-1] + bytes((frame.payload[-1] ^ 1,)))
    session.receive_data(forged.to_bytes(), 0)
    (event,) = drain(session)
    assert isinstance(event, ev.FrameIgnored)
    assert "tag" in event.why
    session.receive_data(answer, 0)
    assert drain(session) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]


# --- Handshakes that fail -------------------------------------------------------------------------


def test_a_handshake_ends_nothing_and_opens_nothing() -> None:
    """Its first message may be a recording; only what comes through it proves that one is there."""
    guard = guarded()
    pump = Pump(guard=guard)
    recorded = programmer(5, key=guard.keys[UserRole.CLINICIAN])
    recorded.send_request(recorded.authenticate(IDENTITY), 0)
    session = authenticated(pump, guard)
    assert isinstance(only_response(pump.receive(recorded.data_to_send())), m.Authenticated)
    assert exchange(session, pump, CLOCK) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]
    sealed = frame_bytes(MessageType.OPEN_LINK, 5, 2, bytes(32), 1 | SEALED_BIT)
    assert refusal_of(pump.receive(sealed)).code is RefusalCode.NOT_AUTHENTIC
    assert exchange(session, pump, CLOCK) == [ev.ResponseReceived(m.ClockSet(0, 5), 1)]


def test_a_candidate_is_good_for_opening_its_link_and_for_nothing_else() -> None:
    guard = guarded()
    pump = Pump(guard=guard)
    session = programmer(key=guard.keys[UserRole.CLINICIAN])
    exchange(session, pump, session.authenticate(IDENTITY))
    assert session.secrets is not None
    session._end.link_state = LinkState.OPEN  # a programmer that breaks the rule
    assert reason_in(exchange(session, pump, CLOCK)).code is RefusalCode.LINK_NOT_OPEN
    assert pump.executed == []


def test_somebody_elses_failure_does_not_disturb_a_handshake() -> None:
    guard = guarded()
    pump = Pump(guard=guard)
    session = programmer(key=guard.keys[UserRole.CLINICIAN])
    exchange(session, pump, session.authenticate(IDENTITY))
    failing(pump, guard, 100, 0)
    assert isinstance(exchange(session, pump, m.OpenLink(1))[0], ev.ResponseReceived)


def test_a_handshake_that_nobody_goes_on_with_is_forgotten() -> None:
    guard = guarded()
    pump = Pump(guard=guard)
    session = programmer(key=guard.keys[UserRole.CLINICIAN])
    exchange(session, pump, session.authenticate(IDENTITY))
    assert pump.session.next_timeout() == HANDSHAKE_LIMIT_MS
    pump.now_ms = HANDSHAKE_LIMIT_MS
    (event,) = exchange(session, pump, m.OpenLink(1))
    assert isinstance(event, ev.RefusalReceived)
    assert not event.authentic
    pump.session.handle_timeout(HANDSHAKE_LIMIT_MS)
    assert guard._candidate is None, "keys that can serve no more are not kept (AUTH-06)"
    assert pump.session.next_timeout() is None


def failing(pump: Pump, guard: PumpGuard, link_id: int, now_ms: int) -> m.Reason:
    """Try a key that the pump does not have."""
    true = guard.keys[UserRole.CLINICIAN]
    session = programmer(link_id, key=Key(true.key_id, true.role, bytes(32)))
    session.send_request(session.authenticate(IDENTITY), now_ms)
    return refusal_of(pump.receive(session.data_to_send(), now_ms))


def test_failures_are_free_at_first_then_lock_for_longer_and_longer() -> None:
    """REQ-32; an open link goes on, and the lock is never longer than a minute."""
    guard = guarded()
    pump = Pump(guard=guard)
    session = authenticated(pump, guard)
    now_ms = 0
    for count in range(FREE_FAILURES + 1):
        assert failing(pump, guard, 100 + count, 0).code is RefusalCode.AUTHENTICATION_FAILED
    locks = []
    for count in range(12):
        reason = failing(pump, guard, 200 + count, now_ms)
        assert reason.code is RefusalCode.AUTHENTICATION_LOCKED
        assert reason.value is not None
        locks.append(reason.value)
        now_ms += reason.value
        failed = failing(pump, guard, 300 + count, now_ms)
        assert failed.code is RefusalCode.AUTHENTICATION_FAILED
        pump.now_ms = now_ms
        if now_ms < IDLE_LIMIT_MS - LONGEST_LOCK_MS:
            heard = exchange(session, pump, CLOCK)
            assert isinstance(heard[-1], ev.ResponseReceived)
    assert locks[:3] == [FIRST_LOCK_MS, 2 * FIRST_LOCK_MS, 4 * FIRST_LOCK_MS]
    assert locks[-1] == LONGEST_LOCK_MS


def test_success_makes_failures_forgotten() -> None:
    guard = guarded()
    pump = Pump(guard=guard)
    for count in range(FREE_FAILURES):
        failing(pump, guard, 100 + count, 0)
    authenticated(pump, guard)
    assert guard.failures == 0


@pytest.mark.parametrize("wrong", ["key_id", "role", "secret", "identity", "link_id"])
def test_a_handshake_with_anything_wrong_fails_in_the_same_way(wrong: str) -> None:
    """Nobody learns which part of a guess was right."""
    guard = guarded()
    key = guard.keys[UserRole.OBSERVER]
    given = {
        "key_id": Key(key.key_id ^ 1, key.role, key.secret),
        "role": Key(key.key_id, UserRole.CLINICIAN, key.secret),
        "secret": Key(key.key_id, key.role, bytes(32)),
    }.get(wrong, key)
    session = programmer(key=given)
    identity = replace(IDENTITY, model="another") if wrong == "identity" else IDENTITY
    session.send_request(session.authenticate(identity), 0)
    (frame,) = frames_in(session.data_to_send())
    if wrong == "link_id":
        frame = replace(frame, link_id=LINK + 1)
    reason = refusal_of(Pump(guard=guard).receive(frame.to_bytes()))
    assert reason == m.Reason(RefusalCode.AUTHENTICATION_FAILED, Field.NONE)


def test_a_lock_outlives_the_pumps_process() -> None:
    guard = guarded()
    pump = Pump(guard=guard)
    for count in range(FREE_FAILURES + 3):
        failing(pump, guard, 100 + count, count * LONGEST_LOCK_MS)
    at_ms = (FREE_FAILURES + 2) * LONGEST_LOCK_MS
    state = guard.state(at_ms)
    assert (state.failures, state.locked_for_ms) == (FREE_FAILURES + 3, 4 * FIRST_LOCK_MS)
    again = PumpGuard.restore(state, 50)
    assert again.state(50) == state
    assert dict(again.keys) == dict(guard.keys)


# --- Roles and pairing ----------------------------------------------------------------------------


@pytest.mark.parametrize("role", UserRole)
def test_a_role_may_send_what_the_table_says_and_nothing_else(role: UserRole) -> None:
    """Deny by default; the refusal is sealed, and the link goes on."""
    for request_type in m.REQUESTS:
        if request_type in access.PLAIN | access.MAY_SEND[role]:
            continue
        session, pump = secured(role)
        done = len(pump.executed)
        request = object.__new__(m.REQUESTS[request_type])
        for name in m.REQUESTS[request_type].__slots__:
            object.__setattr__(request, name, _SOMETHING.get(name, 1))
        reason = reason_in(exchange(session, pump, request))
        assert (reason.code, reason.field) == (RefusalCode.NOT_PERMITTED, Field.MESSAGE_TYPE)
        assert len(pump.executed) == done


_SOMETHING = {
    "prescription": m.Prescription(1, (), 1, 1, 1),  # type: ignore[arg-type]
    "digest": bytes(32),
    "text": "",
    "confirmed_dose_ng": None,
}


def pairing(guard: PumpGuard, code: str, role: UserRole = UserRole.CLINICIAN) -> Session:
    return programmer(9, key=pairing_key(code, role))


def test_a_pairing_code_gives_the_key_of_its_role_once() -> None:
    guard = guarded()
    pump = Pump(guard=guard)
    guard.visit = lambda: 1
    code = guard.offer_pairing(UserRole.PATIENT, 0)
    session = pairing(guard, code, UserRole.PATIENT)
    exchange(session, pump, session.authenticate(IDENTITY))
    exchange(session, pump, m.OpenLink(PROGRAMMER))
    (event,) = exchange(session, pump, m.Pair())
    assert isinstance(event, ev.ResponseReceived)
    key = guard.keys[UserRole.PATIENT]
    assert event.response == m.Paired(key.key_id, key.role, key.secret)
    assert reason_in(exchange(session, pump, CLOCK)).code is RefusalCode.NOT_PERMITTED
    again = programmer(10, key=pairing_key(code, UserRole.PATIENT))
    again.send_request(again.authenticate(IDENTITY), 0)
    failed = refusal_of(pump.receive(again.data_to_send()))
    assert failed.code is RefusalCode.AUTHENTICATION_FAILED


def test_a_pairing_code_needs_proximity_from_beginning_to_end() -> None:
    guard = guarded()
    pump = Pump(guard=guard)
    with pytest.raises(OutOfTurn, match="proximity"):
        guard.offer_pairing(UserRole.CLINICIAN, 0)
    guard.visit = lambda: 1
    code = guard.offer_pairing(UserRole.CLINICIAN, 0)
    guard.visit = lambda: 2  # the head was taken off and laid again
    session = pairing(guard, code)
    session.send_request(session.authenticate(IDENTITY), 0)
    assert (
        refusal_of(pump.receive(session.data_to_send())).code is RefusalCode.AUTHENTICATION_FAILED
    )
    code = guard.offer_pairing(UserRole.CLINICIAN, 0)
    session = programmer(11, key=pairing_key(code, UserRole.CLINICIAN))
    exchange(session, pump, session.authenticate(IDENTITY))
    exchange(session, pump, m.OpenLink(PROGRAMMER))
    guard.visit = lambda: None
    assert reason_in(exchange(session, pump, m.Pair())).code is RefusalCode.NOT_NEAR


def test_a_pump_shows_no_code_for_a_role_that_has_no_key() -> None:
    guard = PumpGuard([Key.new(UserRole.CLINICIAN, token_bytes)])
    guard.visit = lambda: 1
    with pytest.raises(OutOfTurn, match="no patient's key"):
        guard.offer_pairing(UserRole.PATIENT, 0)
    assert guard.offer_pairing(UserRole.CLINICIAN, 0)


@pytest.mark.parametrize("event", ["the head was laid on anew", "another code was shown"])
def test_a_handshake_with_a_code_opens_nothing_once_the_code_is_void(event: str) -> None:
    """Nor is it repeated; and the code that holds now is not used up by it."""
    guard = guarded()
    pump = Pump(guard=guard)
    guard.visit = lambda: 1
    session = pairing(guard, guard.offer_pairing(UserRole.CLINICIAN, 0))
    session.send_request(session.authenticate(IDENTITY), 0)
    begun = session.data_to_send()
    session.receive_data(pump.receive(begun), 0)
    drain(session)
    if event == "the head was laid on anew":
        guard.visit = lambda: 2
    code = guard.offer_pairing(UserRole.PATIENT, 0)
    assert refusal_of(pump.receive(begun)).code is RefusalCode.AUTHENTICATION_FAILED
    session.send_request(m.OpenLink(PROGRAMMER), 0)
    assert refusal_of(pump.receive(session.data_to_send())).code is RefusalCode.LINK_NOT_OPEN
    session = programmer(11, key=pairing_key(code, UserRole.PATIENT))
    exchange(session, pump, session.authenticate(IDENTITY))
    exchange(session, pump, m.OpenLink(PROGRAMMER))
    (paired,) = exchange(session, pump, m.Pair())
    assert isinstance(paired, ev.ResponseReceived)


@pytest.mark.parametrize("event", ["the head was laid on anew", "another code was shown"])
def test_a_link_that_was_opened_with_a_code_gives_no_key_once_the_code_is_void(event: str) -> None:
    """PAIR-05: and never again, whoever comes to the pump for something else."""
    guard = guarded()
    pump = Pump(guard=guard)
    guard.visit = lambda: 1
    session = pairing(guard, guard.offer_pairing(UserRole.CLINICIAN, 0))
    exchange(session, pump, session.authenticate(IDENTITY))
    exchange(session, pump, m.OpenLink(PROGRAMMER))
    if event == "the head was laid on anew":
        guard.visit = lambda: 2
    else:
        guard.offer_pairing(UserRole.PATIENT, 0)
    assert reason_in(exchange(session, pump, m.Pair())).code is RefusalCode.NOT_NEAR


def test_a_link_that_was_opened_with_a_code_outlasts_failures_with_the_code() -> None:
    """The code is used up, so what others do under key id 0 is nothing to its one link."""
    guard = guarded()
    pump = Pump(guard=guard)
    guard.visit = lambda: 1
    session = pairing(guard, guard.offer_pairing(UserRole.CLINICIAN, 0))
    exchange(session, pump, session.authenticate(IDENTITY))
    exchange(session, pump, m.OpenLink(PROGRAMMER))
    for count in range(PAIRING_ATTEMPTS):
        wrong = programmer(20 + count, key=pairing_key("A" * 26, UserRole.CLINICIAN))
        wrong.send_request(wrong.authenticate(IDENTITY), 0)
        pump.receive(wrong.data_to_send())
    (event,) = exchange(session, pump, m.Pair())
    assert isinstance(event, ev.ResponseReceived)


def test_a_pairing_code_is_void_after_its_time_and_after_failures() -> None:
    guard = guarded()
    pump = Pump(guard=guard)
    guard.visit = lambda: 1
    code = guard.offer_pairing(UserRole.CLINICIAN, 0)
    session = pairing(guard, code)
    session.send_request(session.authenticate(IDENTITY), PAIRING_LIMIT_MS)
    late = refusal_of(pump.receive(session.data_to_send(), PAIRING_LIMIT_MS))
    assert late.code is RefusalCode.AUTHENTICATION_FAILED
    code = guard.offer_pairing(UserRole.CLINICIAN, PAIRING_LIMIT_MS)
    for count in range(PAIRING_ATTEMPTS):
        wrong = programmer(20 + count, key=pairing_key("A" * 26, UserRole.CLINICIAN))
        wrong.send_request(wrong.authenticate(IDENTITY), PAIRING_LIMIT_MS)
        pump.receive(wrong.data_to_send())
    session = programmer(30, key=pairing_key(code, UserRole.CLINICIAN))
    session.send_request(session.authenticate(IDENTITY), PAIRING_LIMIT_MS)
    void = refusal_of(pump.receive(session.data_to_send()))
    assert void.code is RefusalCode.AUTHENTICATION_FAILED


# --- The worst wire, and somebody on it -----------------------------------------------------------


class WorstSealedWire(WorstWire):
    """The worst wire with somebody on it who mends every check after a change."""

    def new_pump(self) -> Pump:
        self.guard = guarded()
        return Pump(guard=self.guard)

    def new_client(self) -> Client:
        self.tokens += 1
        key = self.guard.keys[UserRole.CLINICIAN]
        return Client(programmer(link_id=self.tokens << 32 | 0xA55A, key=key))

    def opening(self) -> m.Request[m.Response]:
        session = self.client.session
        if session.secrets is None:
            return session.authenticate(IDENTITY)
        return m.OpenLink(self.tokens)

    def first_requests(self) -> Iterator[m.Request[m.Response]]:
        yield self.client.session.authenticate(IDENTITY)
        yield from super().first_requests()

    def note_garbled(self, event: ev.Event) -> None:
        """Only what is said in plain can be made to look wrong by somebody else."""
        if isinstance(event, ev.ResponseGarbled):
            request = self.client.sent[len(self.client.sent)]
            assert isinstance(request, m.Identify | m.Authenticate)

    @rule(down=st.booleans(), bit=st.integers(0, 8 * 700), also_header=st.booleans())
    def forge(self, down: bool, bit: int, also_header: bool) -> None:
        """A bit of a frame is flipped, and its checks are made right again."""
        queue = self.queues[down]
        frames = [each for each in FrameDecoder().feed(b"".join(queue)) if isinstance(each, Frame)]
        if not frames:
            return
        queue.clear()
        frame = frames[0]
        if frame.message_type in {MessageType.IDENTITY, MessageType.AUTHENTICATED}:
            return  # lost instead: plain answers can be forged, and are tested by themselves
        if also_header or not frame.payload:
            frame = replace(frame, sequence=frame.sequence ^ 1 << bit % 8)
        else:
            payload = bytearray(frame.payload)
            payload[bit // 8 % len(payload)] ^= 1 << bit % 8
            frame = replace(frame, payload=bytes(payload))
        if frame.sealed or frame.message_type == MessageType.AUTHENTICATE:
            queue.append(frame.to_bytes())

    def teardown(self) -> None:
        self.now_ms += LONGEST_LOCK_MS
        super().teardown()


TestWorstSealedWire = WorstSealedWire.TestCase
TestWorstSealedWire.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
