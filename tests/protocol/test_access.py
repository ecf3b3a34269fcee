"""Who may send what: the table denies by default, and no role has more than it needs (REQ-30)."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol import messages as m
from pump_protocol.access import EMERGENCY, MAY_SEND, PAIRING, PLAIN, orderer_id
from pump_protocol.codes import RESPONSE_BIT, MessageType, UserRole

CHANGES_THERAPY: Final = {
    MessageType.STAGE_PRESCRIPTION,
    MessageType.COMMIT_PRESCRIPTION,
    MessageType.ROLL_BACK_PRESCRIPTION,
    MessageType.ORDER_BOLUS,
    MessageType.ABORT_BOLUS,
    MessageType.UPDATE_RESERVOIR,
    MessageType.SET_CLOCK,
    MessageType.ACKNOWLEDGE_ALARM,
    MessageType.SILENCE_ALARM,
    MessageType.SET_ALARM_INTERVAL,
    MessageType.WRITE_NOTE,
}
"""What touches the infusion, or what a clinician relies on. Written down here by hand on purpose:
who gives one of these to another role has to change this test, too."""

USER_IDS = st.integers(0, 2**64 - 1)


def test_every_role_has_its_row_and_every_row_names_requests_only() -> None:
    assert set(MAY_SEND) == set(UserRole)
    for allowed in (*MAY_SEND.values(), PLAIN, PAIRING, EMERGENCY):
        assert allowed <= set(m.REQUESTS)
        assert all(each < RESPONSE_BIT for each in allowed)


@pytest.mark.parametrize("role", set(UserRole) - {UserRole.CLINICIAN})
def test_only_a_clinician_changes_therapy(role: UserRole) -> None:
    assert MAY_SEND[role] & CHANGES_THERAPY == set()
    assert MAY_SEND[UserRole.CLINICIAN] >= CHANGES_THERAPY


def test_a_patient_can_ask_for_the_prescribed_bolus_and_change_nothing_else() -> None:
    changing = CHANGES_THERAPY | {MessageType.REQUEST_PATIENT_BOLUS}
    assert MAY_SEND[UserRole.PATIENT] & changing == {MessageType.REQUEST_PATIENT_BOLUS}
    holders = {role for role in UserRole if MessageType.REQUEST_PATIENT_BOLUS in MAY_SEND[role]}
    assert holders == {UserRole.PATIENT, UserRole.CLINICIAN}


def test_the_emergency_messages_are_three_and_no_key_widens_or_narrows_them() -> None:
    assert {
        MessageType.EMERGENCY_STATUS,
        MessageType.EMERGENCY_MINIMUM_RATE,
        MessageType.EMERGENCY_STOP,
    } == EMERGENCY
    assert EMERGENCY <= PLAIN
    for allowed in (*MAY_SEND.values(), PAIRING):
        assert not allowed & EMERGENCY


def test_plain_frames_are_for_the_beginning_of_a_link_and_for_emergencies() -> None:
    assert {MessageType.IDENTIFY, MessageType.AUTHENTICATE} == PLAIN - EMERGENCY
    assert not PLAIN & CHANGES_THERAPY


def test_a_pairing_code_is_good_for_a_key_and_nothing_else() -> None:
    link = {MessageType.OPEN_LINK, MessageType.CLOSE_LINK, MessageType.IDENTIFY}
    assert PAIRING - link == {MessageType.PAIR}
    assert not any(MessageType.PAIR in allowed for allowed in MAY_SEND.values())


def test_every_request_can_be_sent_somehow() -> None:
    assert set().union(*MAY_SEND.values(), PLAIN, PAIRING) == set(m.REQUESTS)


def test_observer_and_service_read_alike_and_service_tests() -> None:
    assert MAY_SEND[UserRole.SERVICE] - MAY_SEND[UserRole.OBSERVER] == {
        MessageType.SELF_TEST,
        MessageType.TEST_ALARM,
    }
    assert MAY_SEND[UserRole.OBSERVER] <= MAY_SEND[UserRole.CLINICIAN]


# --- Under which id orders are counted -----------------------------------------------------------


@given(programmer=USER_IDS)
def test_a_clinicians_orders_are_counted_under_the_programmer_id(programmer: int) -> None:
    """ROLE-03; in a plain link of a LEGACY_INSECURE pump, too."""
    assert orderer_id(UserRole.CLINICIAN, programmer) == programmer
    assert orderer_id(None, programmer) == programmer


@given(mine=USER_IDS, theirs=USER_IDS)
def test_a_patient_cannot_use_up_the_numbers_of_a_clinician(mine: int, theirs: int) -> None:
    """Whatever id a handset gives, its orders are counted apart from that programmer's."""
    patients = orderer_id(UserRole.PATIENT, mine)
    assert patients != orderer_id(UserRole.CLINICIAN, mine)
    assert (patients == orderer_id(UserRole.PATIENT, theirs)) is (mine == theirs)
    assert 0 <= patients < 2**64


def test_the_derived_id_is_the_one_of_the_specification() -> None:
    """The first 8 bytes of SHA-256 over the role (u8) and the programmer id (u64), as a u64."""
    assert orderer_id(UserRole.PATIENT, 0x1122334455667788) == 0x8AAA4F415AB619B0
