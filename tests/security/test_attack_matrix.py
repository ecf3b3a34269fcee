"""The attack matrix of docs/explanation/security.md: a test for each row.

Every attack leaves prescriptions, volumes, alarms and the therapy log as they were, and the access
log tells of it. The attacker reaches the port, has recorded all that ever crossed it, and knows the
protocol; what else each one has is said in its test.
"""

import tracemalloc
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import cycle, pairwise
from typing import Any

import pytest

from fuzz.judging import CHANGES, MAY_READ
from fuzz.mutations import mended
from fuzz.values import PRESCRIPTIONS, any_message
from pump_protocol import access, guard
from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import (
    ABSOLUTE_LIMIT_MS,
    ENVELOPE_BYTES,
    FREE_FAILURES,
    HEADER_BYTES,
    IDLE_LIMIT_MS,
    INTENT_LIMIT_MS,
    INTER_BYTE_TIMEOUT_MS,
    LONGEST_LOCK_MS,
    PAIRING_ATTEMPTS,
    PAIRING_LIMIT_MS,
    RESPONSE_BIT,
    RETIRED_LINKS,
    SEALED_BIT,
    MessageType,
    RefusalCode,
    UserRole,
)
from pump_protocol.crc import header_check
from pump_protocol.errors import OutOfTurn
from pump_protocol.frames import Frame
from pump_protocol.handshake import identity_digest
from pump_protocol.keys import Key, new_pairing_code, pairing_key
from pump_protocol.payloads import encode
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.events import AccessEvent, EventCode
from pump_sim.model.pump import Pump
from pump_sim.wire_values import prescription_in
from tests.pump_sim.virtual import PROFILE
from tests.security.world import BOLUS, MORE, Caller, World, code_of, plain

CLINICIAN = UserRole.CLINICIAN
VERSION_AT, TYPE_AT, SEQUENCE_AT = 2, 3, 12
LENGTH, CHECKS = range(16, 18), range(18, HEADER_BYTES)
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
EMERGENCY = (m.EmergencyStatus(), m.EmergencyMinimumRate(), m.EmergencyStop())
"""What needs no key; :data:`pump_protocol.access.EMERGENCY` must be these and no others."""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def clinician(world: World) -> Caller:
    """A clinician with an open link."""
    return Caller(world, world.keys[CLINICIAN]).opened()


def with_byte(data: bytes, at: int, value: int) -> bytes:
    """A frame with one byte of it set, and its checks mended."""
    return mended(data[:at] + bytes([value]) + data[at + 1 :])


def boluses_begun(world: World) -> int:
    return sum(each.event is EventCode.BOLUS_STARTED for each in world.pump.firmware.log.entries)


def still_works(caller: Caller) -> bool:
    return isinstance(caller.ask(m.Interrogate()), m.StatusReport)


# --- Replay, reflection, reorder -----------------------------------------------------------------


def test_a_recorded_order_sent_again_delivers_nothing_more(world: World, clinician: Caller) -> None:
    """Right behind the order it is taken for a retry and answered with the same bytes; after
    another request it is refused (REQ-31). This is how a recorded remote control gave insulin."""
    assert isinstance(clinician.ask(BOLUS), m.BolusOrdered)
    order, answer, before = world.to_pump[-1], world.to_programmer[-1], world.therapy
    assert [each.to_bytes() for each in world.say(order)] == [answer]
    assert world.therapy == before
    assert still_works(clinician)
    assert world.refusal(order).code is RefusalCode.NOT_AUTHENTIC
    assert world.therapy == before
    assert boluses_begun(world) == 1
    assert world.told(AccessEvent.NOT_AUTHENTIC) == 1


@pytest.mark.parametrize("links_since", [0, RETIRED_LINKS + 1])
def test_a_whole_recorded_session_sent_again_opens_nothing(world: World, links_since: int) -> None:
    """Also when the pump has forgotten the id of that link: the pump's half of the handshake is
    another one each time."""
    clinician = Caller(world, world.keys[CLINICIAN]).opened()
    first = len(world.to_pump) - 2
    clinician.ask(BOLUS)
    clinician.ask(m.CloseLink())
    recording, last_answer = world.to_pump[first:], world.to_programmer[-1]
    for _ in range(links_since):
        Caller(world, world.keys[UserRole.OBSERVER]).opened()
    before, opened = world.therapy, world.told(AccessEvent.AUTHENTICATED)
    for data in recording * 2:
        (answer,) = world.say(data)
        if answer.message_type == MessageType.AUTHENTICATED:
            assert links_since  # a candidate, of which nothing can come
        elif answer.sealed:
            assert answer.to_bytes() == last_answer  # as to a retry of the last request
        else:
            assert answer.message_type == MessageType.REFUSAL
    assert world.therapy == before
    assert world.told(AccessEvent.AUTHENTICATED) == opened
    assert world.told(AccessEvent.REFUSED) + world.told(AccessEvent.NOT_AUTHENTIC) >= 6
    assert boluses_begun(world) == 1


def test_a_recorded_handshake_sent_again_does_not_end_the_open_link(world: World) -> None:
    """The recording is of somebody who began and never went on, so the pump must take it."""
    left = Caller(world, world.keys[CLINICIAN])
    recorded = left.frame(left.session.authenticate(world.identity))
    clinician = Caller(world, world.keys[CLINICIAN]).opened()
    before = world.therapy
    for _ in range(3):
        (answer,) = world.say(recorded)
        assert answer.message_type == MessageType.AUTHENTICATED
        assert still_works(clinician)
    forged = Frame(MessageType.OPEN_LINK, left.link_id, 2, bytes(32), SEALED_BIT | 1)
    assert world.refusal(forged.to_bytes()).code is RefusalCode.NOT_AUTHENTIC
    assert still_works(clinician)
    assert world.therapy == before
    assert world.told(AccessEvent.NOT_AUTHENTIC) == 1


def test_frames_of_the_pump_sent_back_to_it_are_not_believed(
    world: World, clinician: Caller
) -> None:
    """As they are, they are no requests; made into requests, they were sealed with another key
    (REQ-31)."""
    clinician.ask(m.StagePrescription(MORE))
    before = world.therapy
    recording = list(world.to_programmer)
    for data in recording:
        assert world.say(data) == []
    sealed = [data for data in recording if data[VERSION_AT] & SEALED_BIT]
    for data in sealed:
        request = with_byte(data, TYPE_AT, data[TYPE_AT] & ~RESPONSE_BIT)
        assert world.refusal(request).code is RefusalCode.NOT_AUTHENTIC
    assert world.therapy == before
    assert world.told(AccessEvent.NOT_AUTHENTIC) == len(sealed) > 1
    assert still_works(clinician)


def test_frames_of_the_programmer_sent_back_to_it_are_not_believed(
    world: World, clinician: Caller
) -> None:
    """Neither as an echo nor made into an answer; it waits on, and hears the pump's."""
    asked = clinician.frame(m.Interrogate())
    turned = with_byte(asked, TYPE_AT, asked[TYPE_AT] | RESPONSE_BIT)
    refusal = with_byte(asked, TYPE_AT, MessageType.REFUSAL)
    for data in (asked, turned, refusal):
        (event,) = clinician.hear(data)
        assert isinstance(event, ev.FrameIgnored)
    (answer,) = world.say(asked)
    (event,) = clinician.hear(answer.to_bytes())
    assert isinstance(event, ev.ResponseReceived)


def test_a_frame_held_back_until_a_later_one_was_believed_is_refused(
    world: World, clinician: Caller
) -> None:
    """REQ-31: order is kept by the counters, whatever the sequence numbers say."""
    held = clinician.frame(BOLUS)
    clinician.give_up()
    assert still_works(clinician)
    before = world.therapy
    reason = world.refusal(held)
    assert (reason.code, reason.field) == (RefusalCode.NOT_AUTHENTIC, m.Field.COUNTER)
    assert world.therapy == before
    assert boluses_begun(world) == 0
    assert world.told(AccessEvent.NOT_AUTHENTIC) == 1


def test_a_recorded_frame_with_a_new_sequence_number_is_not_believed(
    world: World, clinician: Caller
) -> None:
    """So that it would be neither a retry nor stale; nor with a new counter."""
    clinician.ask(BOLUS)
    order, before = world.to_pump[-1], world.therapy
    fresh = with_byte(order, SEQUENCE_AT, 200)
    newer = with_byte(order, HEADER_BYTES, 200)
    for data in (fresh, newer, with_byte(fresh, HEADER_BYTES, 200)):
        assert world.refusal(data).code is RefusalCode.NOT_AUTHENTIC
    assert world.therapy == before
    assert boluses_begun(world) == 1
    assert world.told(AccessEvent.NOT_AUTHENTIC) == 3
    assert still_works(clinician)


# --- Another pump --------------------------------------------------------------------------------


def test_a_frame_of_another_pumps_link_is_not_believed(world: World, clinician: Caller) -> None:
    """REQ-31: the other pump has the same serial number, and a link of the same id, as far on."""
    other = World(seed=2)
    theirs = Caller(other, other.keys[CLINICIAN], link_id=clinician.link_id).opened()
    order = clinician.frame(BOLUS)
    before = other.therapy
    assert other.refusal(order).code is RefusalCode.NOT_AUTHENTIC
    assert other.therapy == before
    assert other.told(AccessEvent.NOT_AUTHENTIC) == 1
    assert still_works(theirs)


def test_the_key_of_another_pump_opens_nothing(world: World) -> None:
    """Neither as it is nor under the id of this pump's key."""
    before = world.therapy
    theirs, ours = World(seed=2).keys[CLINICIAN], world.keys[CLINICIAN]
    for key in (theirs, Key(ours.key_id, CLINICIAN, theirs.secret)):
        caller = Caller(world, key)
        refused = caller.ask(caller.session.authenticate(world.identity))
        assert code_of(refused) is RefusalCode.AUTHENTICATION_FAILED
    assert world.therapy == before
    assert world.told(AccessEvent.AUTHENTICATION_FAILED) == 2
    assert not world.told(AccessEvent.AUTHENTICATED)


# --- Downgrade -----------------------------------------------------------------------------------


def test_a_pump_with_keys_takes_no_plain_request_that_needs_one(
    world: World, clinician: Caller
) -> None:
    """REQ-30: under no link, and under the id of an open one with its next sequence number."""
    before = world.therapy
    refused = 0
    for number, request_class in m.REQUESTS.items():
        if number in access.EMERGENCY | {MessageType.IDENTIFY, MessageType.AUTHENTICATE}:
            continue
        payload = encode(any_message(request_class, world.random))
        for link_id, sequence in ((0, 1), (77, 1), (clinician.link_id, 3)):
            frame = Frame(number, link_id, sequence, payload)
            code = world.refusal(frame.to_bytes()).code
            assert code is RefusalCode.AUTHENTICATION_REQUIRED
            refused += 1
    assert refused == 3 * (len(m.REQUESTS) - 5)
    assert world.therapy == before
    assert world.told(AccessEvent.REFUSED, RefusalCode.AUTHENTICATION_REQUIRED) == refused
    assert still_works(clinician)


@pytest.mark.parametrize("field", [each.name for each in fields(m.Identity)])
def test_an_identity_altered_on_the_way_ends_the_handshake(world: World, field: str) -> None:
    """Whoever changes what the pump said of itself (its profile, its limits, its serial number)
    keeps the programmer from the pump, and no more."""
    value = getattr(world.identity, field)
    altered = replace(world.identity, **{field: value + "x" if isinstance(value, str) else 2})
    if altered == world.identity:
        altered = replace(world.identity, **{field: 1})
    assert identity_digest(altered) != identity_digest(world.identity)
    before = world.therapy
    caller = Caller(world, world.keys[CLINICIAN])
    refused = caller.ask(caller.session.authenticate(altered))
    assert code_of(refused) is RefusalCode.AUTHENTICATION_FAILED
    with pytest.raises(OutOfTurn, match="prove"):
        caller.frame(m.OpenLink(1))
    assert world.therapy == before
    assert world.told(AccessEvent.AUTHENTICATION_FAILED) == 1


def test_a_sealed_frame_without_its_sealed_bit_is_refused(world: World, clinician: Caller) -> None:
    order = clinician.frame(BOLUS)
    before = world.therapy
    bare = with_byte(order, VERSION_AT, order[VERSION_AT] & ~SEALED_BIT)
    assert world.refusal(bare).code is RefusalCode.AUTHENTICATION_REQUIRED
    assert world.therapy == before
    assert world.told(AccessEvent.REFUSED, RefusalCode.AUTHENTICATION_REQUIRED) == 1
    assert isinstance(clinician.hear(world.say(order)[0].to_bytes())[0], ev.ResponseReceived)


@pytest.mark.parametrize("version", [0, 2, 127, 128, 130, 255])
def test_another_protocol_version_is_refused_in_plain_and_sealed_frames(
    world: World, clinician: Caller, version: int
) -> None:
    order, before = clinician.frame(BOLUS), world.therapy
    reason = world.refusal(with_byte(order, VERSION_AT, version))
    assert reason.code is RefusalCode.UNSUPPORTED_VERSION
    assert world.therapy == before
    assert world.told(AccessEvent.REFUSED, RefusalCode.UNSUPPORTED_VERSION) == 1


# --- Altered frames ------------------------------------------------------------------------------


def test_no_bit_of_a_sealed_commit_can_be_flipped_with_its_checks_mended(
    world: World, clinician: Caller
) -> None:
    """Every bit of the frame: a right CRC never suffices (REQ-31). Then the frame as it was is
    still believed: no attempt has used anything up."""
    staged = clinician.ask(m.StagePrescription(MORE))
    assert isinstance(staged, m.PrescriptionStaged)
    commit, before = clinician.frame(m.CommitPrescription(staged.digest)), world.therapy
    unread = 0
    for bit in range(8 * len(commit)):
        answers = world.say(with_bit_flipped(commit, bit)) + world.wait(INTER_BYTE_TIMEOUT_MS)
        assert not any(each.sealed for each in answers), bit
        assert {each.message_type for each in answers} <= {MessageType.REFUSAL}, bit
        assert world.therapy == before, bit
        unread += not answers
    # Those of the marker and of the checks, of the length where less came than it says, and the one
    # that makes a request a response.
    assert unread <= 8 * (2 + 2 + 4) + 16 + 1
    assert world.told(AccessEvent.NOT_AUTHENTIC) >= 8 * (len(commit) - HEADER_BYTES - 4)
    (answer,) = world.say(commit)
    (event,) = clinician.hear(answer.to_bytes())
    assert isinstance(event, ev.ResponseReceived)
    assert isinstance(event.response, m.PrescriptionCommitted)


def with_bit_flipped(data: bytes, bit: int) -> bytes:
    """A frame with one bit of it flipped, and then its checks made right again as far as can be."""
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    if bit // 8 in CHECKS or bit // 8 >= len(data) - 4:
        return bytes(flipped)  # made right again it would be the frame as it was
    if bit // 8 not in LENGTH:
        return mended(bytes(flipped))
    size = HEADER_BYTES + int.from_bytes(flipped[LENGTH.start : LENGTH.stop], "little")
    if size + 4 <= len(data):
        return mended(bytes(flipped[: size + 4])) + bytes(flipped[size + 4 :])
    check = header_check(bytes(flipped[: CHECKS.start]))
    flipped[CHECKS.start : CHECKS.stop] = check.to_bytes(2, "little")
    return bytes(flipped)


def test_a_sealed_frame_cut_to_any_length_with_its_checks_mended_is_not_believed(
    world: World, clinician: Caller
) -> None:
    order, before = clinician.frame(BOLUS), world.therapy
    sealed_bytes = len(order) - HEADER_BYTES - 4
    for kept in range(sealed_bytes):
        cut = mended(order[: HEADER_BYTES + kept] + bytes(4))
        assert world.refusal(cut).code is RefusalCode.NOT_AUTHENTIC, kept
    assert world.therapy == before
    assert world.told(AccessEvent.NOT_AUTHENTIC) == sealed_bytes > ENVELOPE_BYTES
    assert isinstance(clinician.hear(world.say(order)[0].to_bytes())[0], ev.ResponseReceived)


# --- Role escalation -----------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(UserRole), ids=lambda role: role.name.lower())
def test_a_role_may_send_what_the_table_says_and_nothing_else(role: UserRole) -> None:
    """REQ-30: every message, sealed with the key of every role. The table is the test's own."""
    may = CHANGES[role] | MAY_READ[role]
    assert access.MAY_SEND[role] == may
    for number, request_class in m.REQUESTS.items():
        world = World()
        link = world.link(world.keys[role])
        before = world.therapy
        request = LIKELY.get(request_class) or any_message(request_class, world.random)
        (answer,) = world.say(link.frame(number, encode(request)))
        response = link.read(answer)
        assert response is not None
        if number in may:
            code = code_of(response) if isinstance(response, m.Refusal) else None
            assert code is not RefusalCode.NOT_PERMITTED, request
            continue
        assert code_of(response) is RefusalCode.NOT_PERMITTED, request
        assert world.therapy == before
        assert world.told(AccessEvent.REFUSED, RefusalCode.NOT_PERMITTED) == 1


LIKELY: dict[type[m.Message], m.Message] = {
    m.OrderBolus: BOLUS,
    m.StagePrescription: m.StagePrescription(MORE),
    m.UpdateReservoir: m.UpdateReservoir(1, 20_000_000),
    m.RequestPatientBolus: m.RequestPatientBolus(1),
}
"""Requests that a pump would carry out at once if it were only permitted."""


def test_a_key_opens_no_link_for_another_role(world: World) -> None:
    """A patient who knows the clinician's key id, and has the secret of the patient's own."""
    patients, clinicians = world.keys[UserRole.PATIENT], world.keys[CLINICIAN]
    before = world.therapy
    for key in (
        Key(patients.key_id, CLINICIAN, patients.secret),
        Key(clinicians.key_id, CLINICIAN, patients.secret),
        Key(clinicians.key_id, UserRole.PATIENT, patients.secret),
    ):
        caller = Caller(world, key)
        refused = caller.ask(caller.session.authenticate(world.identity))
        assert code_of(refused) is RefusalCode.AUTHENTICATION_FAILED
    begun = Caller(world, patients)
    asked = begun.frame(begun.session.authenticate(world.identity))
    role_at = HEADER_BYTES + 8
    assert asked[role_at] == UserRole.PATIENT
    altered = with_byte(asked, role_at, CLINICIAN)
    assert world.refusal(altered).code is RefusalCode.AUTHENTICATION_FAILED
    assert world.therapy == before
    assert world.told(AccessEvent.AUTHENTICATION_FAILED) == 4


def test_a_patients_handset_cannot_use_up_the_clinicians_order_numbers() -> None:
    """It opens its link under the clinician's programmer id, and takes the highest number there
    is; the clinician's next order has number 1 all the same."""
    world = World(pump=Pump.implant(PROFILE, prescription_in(PRESCRIPTIONS[3])))
    handset = Caller(world, world.keys[UserRole.PATIENT]).opened(programmer_id=7)
    used_up = handset.ask(m.RequestPatientBolus(2**63 - 1))
    assert isinstance(used_up, m.PatientBolusStarted)
    world.endpoint.jump_to(world.pump.at_ms + HOUR_MS, world.link_ns)
    clinician = Caller(world, world.keys[CLINICIAN])
    clinician.ask(clinician.session.authenticate(world.identity))
    opened = clinician.ask(m.OpenLink(7))
    assert isinstance(opened, m.LinkOpened)
    assert opened.last_order_number == 0
    assert isinstance(clinician.ask(BOLUS), m.BolusOrdered)


# --- Session hijack ------------------------------------------------------------------------------


def test_nobody_goes_on_with_a_link_from_another_connection(
    world: World, clinician: Caller
) -> None:
    """The connection breaks and an attacker takes the port: link id and next sequence number are
    known, the keys are not. The clinician comes back and goes on."""
    clinician.ask(BOLUS)
    recording, before = world.to_pump[-1], world.therapy
    world.endpoint.connection_lost(world.link_ns)
    forged = Frame(MessageType.ABORT_BOLUS, clinician.link_id, 4, bytes(24), SEALED_BIT | 1)
    bare = Frame(MessageType.ABORT_BOLUS, clinician.link_id, 4)
    bent = with_byte(recording, TYPE_AT, MessageType.ABORT_BOLUS)
    assert world.refusal(forged.to_bytes()).code is RefusalCode.NOT_AUTHENTIC
    assert world.refusal(bare.to_bytes()).code is RefusalCode.AUTHENTICATION_REQUIRED
    assert world.refusal(bent).code is RefusalCode.NOT_AUTHENTIC
    world.endpoint.connection_lost(world.link_ns)
    assert world.therapy == before
    assert world.told(AccessEvent.NOT_AUTHENTIC) == 2
    assert still_works(clinician)


def test_frames_of_the_old_link_are_refused_after_a_new_one_was_opened(
    world: World, clinician: Caller
) -> None:
    """Kept back by an attacker until the clinician has a new link, and thinks the order lost."""
    held = clinician.frame(BOLUS)
    again = Caller(world, world.keys[CLINICIAN]).opened()
    before = world.therapy
    assert world.refusal(held).code is RefusalCode.LINK_ID_USED
    assert world.therapy == before
    assert boluses_begun(world) == 0
    assert world.told(AccessEvent.REFUSED, RefusalCode.LINK_ID_USED) == 1
    assert still_works(again)


@pytest.mark.parametrize("limit_ms", [IDLE_LIMIT_MS, ABSOLUTE_LIMIT_MS])
def test_a_link_that_ended_idle_cannot_be_gone_on_with(
    world: World, clinician: Caller, limit_ms: int
) -> None:
    """REQ-32: somebody finds the clinician's programmer, left alone, and takes up its link; nor can
    a link be kept open for longer than the absolute limit by being busy."""
    ends_at_ms = world.link_ms + limit_ms
    while limit_ms == ABSOLUTE_LIMIT_MS and world.link_ms + MINUTE_MS < ends_at_ms:
        world.wait(MINUTE_MS)
        assert still_works(clinician)
    world.wait(ends_at_ms - world.link_ms)
    before = world.therapy
    assert code_of(clinician.ask(BOLUS)) is RefusalCode.LINK_ID_USED
    assert world.therapy == before
    assert boluses_begun(world) == 0
    assert world.told(AccessEvent.REFUSED, RefusalCode.LINK_ID_USED) == 1


# --- Pairing -------------------------------------------------------------------------------------


def test_without_proximity_there_is_no_pairing(world: World) -> None:
    """Not before somebody is near, and not after: neither before the handshake nor after it."""
    before = world.therapy
    with pytest.raises(OutOfTurn, match="proximity"):
        world.endpoint.offer_pairing(CLINICIAN, world.link_ns)
    world.come_near()
    code = world.endpoint.offer_pairing(CLINICIAN, world.link_ns)
    world.endpoint.presence.on_pump = False
    assert not paired_with(world, code)
    world.come_near()
    assert not paired_with(world, code), "void once and for all"
    assert world.told(AccessEvent.AUTHENTICATION_FAILED) == 2
    code = world.endpoint.offer_pairing(CLINICIAN, world.link_ns)
    link = world.link(pairing_key(code, CLINICIAN))
    world.endpoint.presence.on_pump = False
    (answer,) = world.say(link.frame(MessageType.PAIR, b""))
    response = link.read(answer)
    assert response is not None
    assert code_of(response) is RefusalCode.NOT_NEAR
    assert world.therapy == before
    assert not world.told(AccessEvent.PAIRED)


def paired_with(world: World, code: str, role: UserRole = CLINICIAN) -> m.Paired | None:
    """What somebody gets who has this code; None if the handshake is refused."""
    caller = Caller(world, pairing_key(code, role))
    begun = caller.ask(caller.session.authenticate(world.identity))
    if isinstance(begun, m.Refusal):
        return None
    assert isinstance(caller.ask(m.OpenLink(7)), m.LinkOpened)
    paired = caller.ask(m.Pair())
    assert isinstance(paired, m.Paired)
    assert code_of(caller.ask(m.Interrogate())) is RefusalCode.NOT_PERMITTED
    return paired


def test_a_pairing_code_is_good_once_and_not_for_long(world: World) -> None:
    """And for its own role; it gives a key, and lets nobody do anything else."""
    before = world.therapy
    world.come_near()
    code = world.endpoint.offer_pairing(UserRole.PATIENT, world.link_ns)
    assert paired_with(world, code, CLINICIAN) is None
    paired = paired_with(world, code, UserRole.PATIENT)
    assert paired is not None
    ours = world.keys[UserRole.PATIENT]
    assert (paired.key_id, paired.role, paired.secret) == (ours.key_id, ours.role, ours.secret)
    assert paired_with(world, code, UserRole.PATIENT) is None
    late = world.endpoint.offer_pairing(UserRole.PATIENT, world.link_ns)
    world.wait(PAIRING_LIMIT_MS)
    assert paired_with(world, late, UserRole.PATIENT) is None
    assert world.therapy == before
    assert world.told(AccessEvent.PAIRED) == 1
    assert world.told(AccessEvent.AUTHENTICATION_FAILED) == 3


def test_a_pairing_code_is_void_after_three_wrong_guesses(world: World) -> None:
    """Of 130 bits; and what was overheard of a pairing is no help (the handshake's own keys)."""
    before = world.therapy
    world.come_near()
    code = world.endpoint.offer_pairing(CLINICIAN, world.link_ns)
    for _ in range(PAIRING_ATTEMPTS):
        assert paired_with(world, new_pairing_code(world.random.randbytes)) is None
    assert paired_with(world, code) is None
    assert world.therapy == before
    assert not world.told(AccessEvent.PAIRED)
    assert world.told(AccessEvent.AUTHENTICATION_FAILED) == PAIRING_ATTEMPTS + 1


# --- Brute force ---------------------------------------------------------------------------------


def guess(world: World, role: UserRole = CLINICIAN) -> m.Reason:
    """One wrong secret under the right key id."""
    key = Key(world.keys[role].key_id, role, world.random.randbytes(32))
    begun = Caller(world, key)
    return world.refusal(begun.frame(begun.session.authenticate(world.identity)))


def test_guessing_keys_is_locked_for_longer_and_longer_and_therapy_goes_on(world: World) -> None:
    """REQ-32: in an hour an attacker who never rests tries some 70 of 2**256 secrets."""
    before = world.therapy
    tried_at_ms = []
    while world.link_ms < HOUR_MS:
        reason = guess(world)
        if reason.code is RefusalCode.AUTHENTICATION_LOCKED:
            assert reason.value is not None
            assert 0 < reason.value <= LONGEST_LOCK_MS
            world.wait(reason.value)
        else:
            tried_at_ms.append(world.link_ms)
    waits_ms = [later - earlier for earlier, later in pairwise(tried_at_ms)]
    assert waits_ms[:FREE_FAILURES] == [0] * FREE_FAILURES
    growing = waits_ms[FREE_FAILURES : FREE_FAILURES + 6]
    assert growing == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000]
    assert set(waits_ms[FREE_FAILURES + 6 :]) == {LONGEST_LOCK_MS}
    assert len(tried_at_ms) < 75
    assert world.therapy == before
    assert world.told(AccessEvent.AUTHENTICATION_FAILED) > len(tried_at_ms)


def test_failed_handshakes_end_no_open_link_and_do_not_lock_for_more_than_a_minute(
    world: World, clinician: Caller
) -> None:
    """Whoever fails on purpose keeps others waiting for a minute at most, and a holder of a key who
    is let in at last makes the pump forget the failures."""
    before = world.therapy
    for role in cycle(UserRole):
        guess(world, role)
        assert still_works(clinician)
        if world.told(AccessEvent.AUTHENTICATION_FAILED) > 50:
            break
        world.wait(MINUTE_MS // 2)
    assert world.therapy == before
    world.wait(LONGEST_LOCK_MS)
    assert still_works(Caller(world, world.keys[UserRole.OBSERVER]).opened())
    for _ in range(FREE_FAILURES):
        assert guess(world).code is RefusalCode.AUTHENTICATION_FAILED


def test_handshakes_sent_again_without_end_cost_a_bounded_number_of_key_agreements(
    world: World, clinician: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would be a wake-up of the radio and of the arithmetic, which empties a battery; the
    recordings are good ones, of links that were never opened."""
    agreements = []
    answer = guard.respond

    def counted(*arguments: Any) -> Any:
        agreements.append(world.link_ms)
        return answer(*arguments)

    recordings = []
    for _ in range(3):
        left = Caller(world, world.keys[CLINICIAN])
        recordings.append(left.frame(left.session.authenticate(world.identity)))
    before = world.therapy
    monkeypatch.setattr(guard, "respond", counted)
    began_ms = world.link_ms
    for data in cycle(recordings):
        world.say(data)
        world.wait(500)
        if world.link_ms - began_ms > 10 * MINUTE_MS:
            break
        if world.link_ms % (MINUTE_MS // 2) < 500:
            assert still_works(clinician)
    assert len(agreements) <= FREE_FAILURES + 1 + 6 + 10
    assert world.therapy == before
    assert world.told(AccessEvent.AUTHENTICATION_FAILED) > 1_000
    assert still_works(clinician)


# --- Flood ---------------------------------------------------------------------------------------


class CountingKeeper:
    """Counts what would be written where it outlives the pump's process."""

    def __init__(self) -> None:
        self.kept = 0

    def keep(self, endpoint: PumpEndpoint, link_ns: int) -> None:
        self.kept += 1

    def tell(self, endpoint: PumpEndpoint, link_ns: int) -> None:
        """Nothing was done."""


def forged(world: World, clinician: Caller) -> list[Callable[[], bytes]]:
    """Frames of everybody who has no key, each another one every time."""
    random = world.random
    recording = list(world.to_pump)
    # Each of these is a record of its own in the access log, and there are more than it has room
    # for: what was noted once is new again when its turn comes.
    records = cycle([(number, version) for version in (1, 129, 2) for number in range(0x80)])
    return [
        lambda: Frame(
            (each := next(records))[0], 5, 1, random.randbytes(30), version=each[1]
        ).to_bytes(),
        lambda: Frame(
            random.randrange(0x20), clinician.link_id, random.getrandbits(32),
            random.randbytes(60), SEALED_BIT | 1,
        ).to_bytes(),
        lambda: Frame(
            random.randrange(0x20), random.getrandbits(64), 1, random.randbytes(60), SEALED_BIT | 1
        ).to_bytes(),
        lambda: Frame(0x09, random.getrandbits(64), 1, random.randbytes(random.randrange(600)))
        .to_bytes(),
        lambda: plain(
            m.Authenticate(random.getrandbits(64), CLINICIAN, random.randbytes(48)),
            link_id=random.getrandbits(63) + 1,
        ),
        lambda: plain(random.choice(EMERGENCY), sequence=random.getrandbits(32)),
        lambda: plain(m.Identify(), sequence=random.getrandbits(32)),
        lambda: random.choice(recording),
        lambda: random.randbytes(40),
    ]  # fmt: skip


def test_a_flood_of_forged_frames_costs_no_write_and_no_memory() -> None:
    """Neither disk nor memory of the pump is filled by what it does not believe: what the access
    log has new to tell is kept now and then, not for each frame."""
    keeper = CountingKeeper()
    world = World(keeper=keeper)
    clinician = Caller(world, world.keys[CLINICIAN]).opened()
    makers = forged(world, clinician)
    before, kept = world.therapy, keeper.kept
    sizes = []
    tracemalloc.start()
    try:
        for number in range(4_500):
            world.endpoint.receive_data(makers[number % len(makers)](), world.link_ns)
            world.link_ms += 1
            if number % 1_000 == 499:
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert keeper.kept - kept <= 20
    assert sizes[-1] - sizes[2] < 10_000  # until then the access log fills up
    assert world.therapy == before
    assert world.told(AccessEvent.NOT_AUTHENTIC) >= 500
    assert world.told(AccessEvent.AUTHENTICATION_FAILED) >= 500


def test_in_a_flood_the_open_link_goes_on_and_emergency_access_is_answered(
    world: World, clinician: Caller
) -> None:
    makers = forged(world, clinician)
    for number in range(400):
        world.endpoint.receive_data(makers[number % len(makers)](), world.link_ns)
        world.wait(INTER_BYTE_TIMEOUT_MS)
        if number % 40 == 0:
            assert still_works(clinician)
    world.come_near()
    world.press()
    (answer,) = world.say(plain(m.EmergencyMinimumRate()))
    assert answer.message_type == MessageType.EMERGENCY_MINIMUM_RATE_SET
    assert world.told(AccessEvent.EMERGENCY_ASKED) == 1
    assert still_works(clinician)


# --- Impersonation of the pump, eavesdropping ----------------------------------------------------


def test_a_programmer_does_not_believe_a_refusal_that_is_not_sealed(
    world: World, clinician: Caller
) -> None:
    """Of a plain answer to a sealed request it takes no more than that its link may be lost, and
    says that nobody vouches for it; any other one it does not hear at all."""
    asked = clinician.frame(BOLUS)
    sequence = int.from_bytes(asked[SEQUENCE_AT : SEQUENCE_AT + 4], "little")

    def refused(code: RefusalCode) -> list[ev.Event]:
        said = m.Refusal(m.OrderBolus.message_type, (m.Reason(code, m.Field.NONE),))
        return clinician.hear(plain(said, link_id=clinician.link_id, sequence=sequence))

    done = m.BolusOrdered(1, 50_000, 1, 2)
    for event in (
        *clinician.hear(plain(done, link_id=clinician.link_id, sequence=sequence)),
        *[event for code in (RefusalCode.OUT_OF_RANGE, RefusalCode.NOT_PERMITTED,
                             RefusalCode.NOT_AUTHENTIC) for event in refused(code)],
    ):  # fmt: skip
        assert isinstance(event, ev.FrameIgnored)
    hints = refused(RefusalCode.LINK_NOT_OPEN)
    (hint,) = [each for each in hints if isinstance(each, ev.RefusalReceived)]
    assert not hint.authentic


def test_a_programmer_does_not_believe_a_pump_without_the_key(world: World) -> None:
    """Somebody who answers in the pump's place, with its identity, but without its keys."""
    caller = Caller(world, world.keys[CLINICIAN])
    caller.frame(caller.session.authenticate(world.identity))
    answer = m.Authenticated(world.random.randbytes(48))
    (event,) = caller.hear(plain(answer, link_id=caller.link_id))
    assert isinstance(event, ev.ResponseGarbled)
    assert caller.session.secrets is None
    with pytest.raises(OutOfTurn, match="prove"):
        caller.frame(m.OpenLink(7))


def test_what_is_overheard_shows_neither_therapy_nor_keys(world: World) -> None:
    """Of a pairing, a programming and an order: no name, no dose, no digest, no secret; and whoever
    learns the key of the handshake later cannot read what was said before, because each link has
    keys of its own."""
    world.come_near()
    code = world.endpoint.offer_pairing(CLINICIAN, world.link_ns)
    assert paired_with(world, code)
    clinician = Caller(world, world.keys[CLINICIAN]).opened()
    staged = clinician.ask(m.StagePrescription(MORE))
    assert isinstance(staged, m.PrescriptionStaged)
    clinician.ask(m.CommitPrescription(staged.digest))
    clinician.ask(BOLUS)
    overheard = b"".join(world.to_pump + world.to_programmer)
    for hidden in (
        b"baclofen",
        MORE.daily_dose_ng.to_bytes(8, "little"),
        BOLUS.dose_ng.to_bytes(8, "little"),
        staged.digest,
        world.keys[CLINICIAN].secret,
        code.encode(),
        pairing_key(code, CLINICIAN).secret,
    ):
        assert hidden not in overheard
    first = clinician.session.secrets
    second = Caller(world, world.keys[CLINICIAN]).opened().session.secrets
    assert first is not None
    assert second is not None
    assert len({first.to_pump, first.to_programmer, second.to_pump, second.to_programmer}) == 4


# --- Emergency access ----------------------------------------------------------------------------


@pytest.mark.parametrize("request_", EMERGENCY, ids=lambda each: type(each).__name__)
def test_emergency_access_needs_proximity(world: World, request_: m.Request[m.Response]) -> None:
    """REQ-30: the button alone is not enough; nor is it that somebody was near before."""
    assert {each.message_type for each in EMERGENCY} == access.EMERGENCY
    before = world.therapy
    world.press()
    assert world.refusal(plain(request_)).code is RefusalCode.NOT_NEAR
    world.come_near()
    assert world.refusal(plain(request_)).code is RefusalCode.NO_INTENT  # pressed from afar
    world.press()
    world.endpoint.presence.on_pump = False
    assert world.refusal(plain(request_)).code is RefusalCode.NOT_NEAR
    world.come_near()
    assert world.refusal(plain(request_)).code is RefusalCode.NO_INTENT  # that was another visit
    assert world.therapy == before
    assert world.told(AccessEvent.REFUSED, RefusalCode.NOT_NEAR) == 2


@pytest.mark.parametrize("request_", EMERGENCY, ids=lambda each: type(each).__name__)
def test_emergency_access_needs_a_press_of_the_button_not_long_ago(
    world: World, request_: m.Request[m.Response]
) -> None:
    before = world.therapy
    world.come_near()
    assert world.refusal(plain(request_)).code is RefusalCode.NO_INTENT
    world.press()
    world.wait(INTENT_LIMIT_MS)
    assert world.refusal(plain(request_)).code is RefusalCode.NO_INTENT
    assert world.therapy == before
    assert world.told(AccessEvent.REFUSED, RefusalCode.NO_INTENT) == 2
    world.press()
    world.wait(INTENT_LIMIT_MS - 1)
    (answer,) = world.say(plain(request_))
    assert answer.message_type == request_.response_class.message_type
    assert world.told(AccessEvent.EMERGENCY_ASKED) == 1


@pytest.mark.parametrize("role", list(UserRole), ids=lambda role: role.name.lower())
def test_no_key_makes_more_of_emergency_access(world: World, role: UserRole) -> None:
    """Sealed they are refused, near and with the button pressed; and in plain they need both, for
    whoever has a link open, too."""
    link = world.link(world.keys[role])
    before = world.therapy
    for request in EMERGENCY:
        assert world.refusal(plain(request)).code is RefusalCode.NOT_NEAR
    world.come_near()
    world.press()
    for request in EMERGENCY:
        (answer,) = world.say(link.frame(request.message_type, b""))
        response = link.read(answer)
        assert response is not None
        assert code_of(response) is RefusalCode.NOT_PERMITTED
    assert world.therapy == before
    assert world.told(AccessEvent.REFUSED, RefusalCode.NOT_PERMITTED) == len(EMERGENCY)
    assert not world.told(AccessEvent.EMERGENCY_ASKED)


def test_nothing_else_comes_through_emergency_access(world: World) -> None:
    """Near and with the button pressed, every other plain request is refused as ever; and those
    three bring a dose down and never up, whatever their frames carry."""
    world.come_near()
    world.press()
    before = world.therapy
    for number, request_class in m.REQUESTS.items():
        if number in access.PLAIN:
            continue
        payload = encode(any_message(request_class, world.random))
        frame = Frame(number, 0, 1, payload).to_bytes()
        assert world.refusal(frame).code is RefusalCode.AUTHENTICATION_REQUIRED
    for request in EMERGENCY:
        longer = Frame(request.message_type, 0, 1, b"\x01").to_bytes()
        assert world.refusal(longer).code is RefusalCode.MALFORMED
        elsewhere = plain(request, link_id=2**64 - 1)
        assert world.refusal(elsewhere).code is RefusalCode.OUT_OF_RANGE
    assert world.therapy == before
    rates = [world.pump.firmware.prescription.rate_nl_per_day]
    for request in (m.EmergencyMinimumRate(), m.EmergencyStop(), m.EmergencyMinimumRate()):
        world.say(plain(request))
        rates.append(world.pump.firmware.prescription.rate_nl_per_day)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0
