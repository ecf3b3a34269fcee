"""Cases about roles: what each key allows, and what is refused to it."""

from hashlib import sha256
from typing import Final

from pump_protocol.access import MAY_SEND
from pump_protocol.codes import (
    MAX_ACCESS_ENTRIES,
    MAX_LOG_ENTRIES,
    AlarmClass,
    Capability,
    Field,
    MessageType,
    PrescriptionSlot,
    RefusalCode,
    UserRole,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import accepted, expect_equal, refused
from pump_protocol.conformance.pump.common.roles import judge_table
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import end_bolus
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    CloseLink,
    Identify,
    Interrogate,
    ReadAccessLog,
    ReadLog,
    ReadNote,
    ReadPrescription,
    Refusal,
    Request,
    RequestPatientBolus,
    Response,
    SelfTest,
    TestAlarm,
    WriteNote,
)

_HANDSETS: Final = 0x5EED_0000_C0F0_0030
"""A programmer id of these cases alone, under which both a clinician and a patient come."""


def _table_of(tester: Tester, role: UserRole) -> Play[None]:
    link = yield from tester.link(role)
    yield from judge_table(link, MAY_SEND[role])
    yield from link.ask(Interrogate())


@pump_case(
    "role/observer",
    Level.MUST,
    "ROLE-01 ROLE-02 SEC-05 EMERG-02 AUTH-05",
    expects="NOT_PERMITTED / MESSAGE_TYPE with the type, but for what the table allows",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def observer(tester: Tester) -> Play[None]:
    """Every message type, known or not, in a link of an OBSERVER's key, with a payload that cannot
    be read: it is not looked at where the type is not allowed."""
    yield from _table_of(tester, UserRole.OBSERVER)


@pump_case(
    "role/patient",
    Level.MUST,
    "ROLE-01 ROLE-02 SEC-05 EMERG-02 AUTH-05",
    expects="NOT_PERMITTED / MESSAGE_TYPE with the type, but for what the table allows",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def patient(tester: Tester) -> Play[None]:
    """Every message type, known or not, in a link of a PATIENT's key, with a payload that cannot be
    read: it is not looked at where the type is not allowed."""
    yield from _table_of(tester, UserRole.PATIENT)


@pump_case(
    "role/clinician",
    Level.MUST,
    "ROLE-01 ROLE-02 SEC-05 EMERG-02 AUTH-05 MSG-03",
    expects="NOT_PERMITTED / MESSAGE_TYPE with the type, but for what the table allows",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def clinician(tester: Tester) -> Play[None]:
    """Every message type, known or not, in a link of a CLINICIAN's key, with a payload that cannot
    be read: Authenticate, Pair, the emergency messages and what nobody knows are not allowed."""
    yield from _table_of(tester, UserRole.CLINICIAN)


@pump_case(
    "role/service",
    Level.MUST,
    "ROLE-01 ROLE-02 SEC-05 EMERG-02 AUTH-05",
    expects="NOT_PERMITTED / MESSAGE_TYPE with the type, but for what the table allows",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def service(tester: Tester) -> Play[None]:
    """Every message type, known or not, in a link of a SERVICE key, with a payload that cannot be
    read: it is not looked at where the type is not allowed."""
    yield from _table_of(tester, UserRole.SERVICE)


@pump_case(
    "role/allowed-is-answered",
    Level.MUST,
    "ROLE-01",
    expects="what the table allows is answered, and the rest refused with NOT_PERMITTED",
    profile=Profile.AUTHENTICATED,
)
def allowed_is_answered(tester: Tester) -> Play[None]:
    """All that reads or tests, well made, and a note, in a link of each key that was given."""
    requests: tuple[Request[Response], ...] = (
        Identify(),
        Interrogate(),
        ReadPrescription(PrescriptionSlot.CURRENT),
        ReadLog(1, MAX_LOG_ENTRIES),
        ReadAccessLog(1, MAX_ACCESS_ENTRIES),
        ReadNote(),
        SelfTest(),
        TestAlarm(AlarmClass.NON_CRITICAL),
        WriteNote("conformance"),
        CloseLink(),
    )
    for role in tester.subject.keys:
        link = yield from tester.link(role)
        for request in requests:
            response = yield from link.exchange(link.frame(request))
            if request.message_type in MAY_SEND[role]:
                accepted(request, response)
            else:
                refused(
                    response, request.message_type, RefusalCode.NOT_PERMITTED, Field.MESSAGE_TYPE
                )


@pump_case(
    "role/number-is-used-up",
    Level.MUST,
    "ROLE-02 SEQ-07 MSG-09 SEAL-05",
    expects="NOT_PERMITTED, its repeat answered identically, SEQUENCE_REUSED of another request;"
    " a used number is refused before the role is asked",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def number_is_used_up(tester: Tester) -> Play[None]:
    """A request that is not permitted, its identical bytes, another request under its number, and
    one that is not permitted under numbers that were used."""
    link = yield from tester.link()
    data = link.raw(MessageType.PAIR, b"")
    answer = yield from tester.exchange(data)
    refused(link.read(answer), MessageType.PAIR, RefusalCode.NOT_PERMITTED, Field.MESSAGE_TYPE)
    yield from link.repeated(data, answer)
    number = link.sequence
    yield from link.refused(Interrogate(), RefusalCode.SEQUENCE_REUSED, sequence=number)
    for used, code in (
        (number, RefusalCode.SEQUENCE_REUSED),
        (number - 1, RefusalCode.SEQUENCE_STALE),
    ):
        late = link.raw(MessageType.PAIR, b"", sequence=used)
        refused((yield from link.exchange(late)), MessageType.PAIR, code, Field.SEQUENCE)
    yield from link.ask(Interrogate(), sequence=number + 1)


@pump_case(
    "role/orders-counted-apart",
    Level.MUST,
    "ROLE-03 ORDER-02 ORDER-09",
    expects="the patient's number is last_order_number of the patient's id, and of nobody else's",
    profile=Profile.AUTHENTICATED,
)
def orders_counted_apart(tester: Tester) -> Play[None]:
    """A patient's handset asks for a bolus under the programmer id of a clinician's programmer and
    a great number; then a clinician's links open under that id, and under the one of ROLE-03."""
    tester.needs(Capability.PATIENT_BOLUS)
    patients = yield from tester.link(UserRole.PATIENT, programmer_id=_HANDSETS)
    before = yield from tester.link(programmer_id=_HANDSETS)
    patients = yield from tester.link(UserRole.PATIENT, programmer_id=_HANDSETS)
    number = patients.opened.last_order_number + 1_000
    ask = RequestPatientBolus(number)
    response = yield from patients.exchange(patients.frame(ask))
    if isinstance(response, Refusal):
        if RefusalCode.TOO_MANY_PROGRAMMERS in response.codes:
            raise Unsupported("the pump remembers the orders of as many programmers as it can")
        if response.codes & {RefusalCode.MALFORMED, RefusalCode.STALE_ORDER}:
            accepted(ask, response)
    else:
        accepted(ask, response)
        clinicians = yield from tester.link()
        yield from end_bolus(clinicians, must_run=True)
    again = yield from tester.link(UserRole.PATIENT, programmer_id=_HANDSETS)
    what = "last_order_number of the patient's handset"
    expect_equal(what, again.opened.last_order_number, number)
    after = yield from tester.link(programmer_id=_HANDSETS)
    what = "last_order_number of the clinician's programmer under the same id"
    expect_equal(what, after.opened.last_order_number, before.opened.last_order_number)
    content = bytes((UserRole.PATIENT,)) + _HANDSETS.to_bytes(8, "little")
    counted_as = int.from_bytes(sha256(content).digest()[:8], "little")
    derived = yield from tester.link(programmer_id=counted_as)
    expect_equal(f"last_order_number of {counted_as:#x}", derived.opened.last_order_number, number)
