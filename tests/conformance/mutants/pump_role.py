"""Pumps that are wrong about what a role may send."""

from types import SimpleNamespace

import pytest

from pump_protocol import access, guard, pump_end
from pump_protocol.access import MAY_SEND
from pump_protocol.codes import Field, MessageType, RefusalCode, UserRole
from pump_protocol.errors import MalformedPayload
from pump_protocol.messages import Reason
from pump_protocol.payloads import decode_request
from pump_protocol.pump_end import PumpEnd
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


def allowing(patch: pytest.MonkeyPatch, role: UserRole, *more: MessageType) -> None:
    """Have the pump allow more to a role than it may."""
    table = {**MAY_SEND, role: MAY_SEND[role] | frozenset(more)}
    patch.setattr(guard, "access", SimpleNamespace(MAY_SEND=table, PAIRING=access.PAIRING))


@pump_mutant("role-not-checked", caught_by="role/observer")
def role_not_checked(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whoever has any key may send anything."""
    table = dict.fromkeys(UserRole, frozenset(MessageType))
    patch.setattr(guard, "access", SimpleNamespace(MAY_SEND=table, PAIRING=access.PAIRING))


@pump_mutant("observer-may-test-alarms", caught_by="role/observer")
def observer_may_test_alarms(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An observer's key is allowed one message too many: TestAlarm."""
    allowing(patch, UserRole.OBSERVER, MessageType.TEST_ALARM)


@pump_mutant("patient-may-read-the-log", caught_by="role/patient")
def patient_may_read_the_log(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A patient's key reads what an observer's reads."""
    allowing(patch, UserRole.PATIENT, MessageType.READ_LOG)


@pump_mutant("service-may-set-the-clock", caught_by="role/service")
def service_may_set_the_clock(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A service key sets the clock."""
    allowing(patch, UserRole.SERVICE, MessageType.SET_CLOCK)


@pump_mutant("clinician-stops-in-a-link", caught_by="role/clinician")
def clinician_stops_in_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A clinician's key sends the emergency messages sealed, without being near."""
    allowing(patch, UserRole.CLINICIAN, *access.EMERGENCY)


@pump_mutant("unknown-types-skip-the-role", caught_by="role/clinician")
def unknown_types_skip_the_role(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Of a sealed message type that nobody knows it says that before it asks for the role."""
    known = frozenset(MessageType)

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        if reason.code is RefusalCode.NOT_PERMITTED and frame.message_type not in known:
            reason = Reason(RefusalCode.UNKNOWN_MESSAGE, reason.field, reason.value)
        refuse(self, frame, reason)


@pump_mutant("not-permitted-without-the-type", caught_by="role/service")
def not_permitted_without_the_type(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It does not say which message type is not permitted."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        if reason.code is RefusalCode.NOT_PERMITTED:
            reason = Reason(reason.code, Field.MESSAGE_TYPE)
        refuse(self, frame, reason)


@pump_mutant("role-judged-behind-the-payload", caught_by="role/patient")
def role_judged_behind_the_payload(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It reads a payload, and says what is wrong with it, before it asks for the role."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        if reason.code is RefusalCode.NOT_PERMITTED:
            try:
                decode_request(frame.message_type, self._payload)
            except MalformedPayload as error:
                if error.code is not RefusalCode.UNKNOWN_MESSAGE:
                    reason = Reason(error.code, error.field, error.value)
        refuse(self, frame, reason)


@pump_mutant("observer-may-not-read-notes", caught_by="role/allowed-is-answered")
def observer_may_not_read_notes(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An observer's key is refused what it may read."""
    table = {**MAY_SEND, UserRole.OBSERVER: MAY_SEND[UserRole.OBSERVER] - {MessageType.READ_NOTE}}
    patch.setattr(guard, "access", SimpleNamespace(MAY_SEND=table, PAIRING=access.PAIRING))


@pump_mutant("not-permitted-uses-no-number", caught_by="role/number-is-used-up")
def not_permitted_uses_no_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is not permitted leaves its sequence number to the next request."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        refuse(self, frame, reason)
        if reason.code is RefusalCode.NOT_PERMITTED:
            self._sequence = frame.sequence - 1


@pump_mutant("orders-counted-together", caught_by="role/orders-counted-apart")
def orders_counted_together(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It counts orders under the programmer id alone, whatever the role."""
    patch.setattr(pump_end, "orderer_id", lambda _, programmer_id: programmer_id)
