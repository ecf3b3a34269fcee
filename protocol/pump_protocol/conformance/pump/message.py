"""Cases about what a request may look like."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import (
    Alarm,
    AlarmClass,
    BolusKind,
    Capability,
    Field,
    MessageType,
    Mode,
    PrescriptionSlot,
    RefusalCode,
    Weekday,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import (
    expect_equal,
    plain_response,
    reason_text,
    refused,
)
from pump_protocol.conformance.pump.common.reasons import refusal_raw, refused_raw_for
from pump_protocol.conformance.pump.common.samples import OPEN_LINK, in_a_link, stopped
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import a_drug
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import (
    AcknowledgeAlarm,
    Authenticate,
    DayPattern,
    EmergencyMinimumRate,
    EmergencyStatus,
    EmergencyStop,
    Identify,
    OrderBolus,
    ReadNote,
    ReadPrescription,
    Reason,
    Request,
    Response,
    SetAlarmInterval,
    SilenceAlarm,
    StagePrescription,
    Step,
    TestAlarm,
    request_name,
)
from pump_protocol.payloads import encode

_UNIT_AT: Final = 2
"""Where the mass unit of the first drug stands in a prescription: behind mode and count."""

_NAME_AT: Final = 7
"""Where the count of its name stands."""

_NOT_UTF8: Final = (
    b"\xff",
    b"\x80",  # the middle of a character
    b"\xc3",  # the beginning of one
    b"a\xe2\x82",
    b"\xc0\xaf",  # a longer form than needed
    b"\xed\xa0\x80",  # half of a surrogate pair
    b"\xf5\x80\x80\x80",  # beyond Unicode
)


def _with(payload: bytes, at: int, code: int) -> bytes:
    """*payload* with another byte at *at*, from its end if that is negative."""
    altered = bytearray(payload)
    altered[at] = code
    return bytes(altered)


# --- Length ------------------------------------------------------------------------------------


@pump_case(
    "message/payload-too-long",
    Level.MUST,
    "MSG-02",
    expects="MALFORMED / PAYLOAD with the length of the payload",
    changes_nothing=True,
)
def payload_too_long(tester: Tester) -> Play[None]:
    """Requests of each type with one byte more than their fields take."""
    link = yield from tester.link()
    for request in in_a_link(tester.identity):
        yield from _misfit(link, request.message_type, encode(request) + b"\0")
    yield from _misfit((yield from tester.unopened()), OPEN_LINK.message_type, bytes(9))
    for outside in (Identify(), EmergencyStatus(), EmergencyMinimumRate(), EmergencyStop()):
        yield from _misfit_outside(tester, outside.message_type, 0, b"\0")


@pump_case(
    "message/payload-too-short",
    Level.MUST,
    "MSG-02",
    expects="MALFORMED / PAYLOAD with the length of the payload",
    changes_nothing=True,
)
def payload_too_short(tester: Tester) -> Play[None]:
    """Requests of each type that has fields, without their last byte, and without any."""
    link = yield from tester.link()
    for request in in_a_link(tester.identity):
        payload = encode(request)
        if payload:
            yield from _misfit(link, request.message_type, payload[:-1])
            yield from _misfit(link, request.message_type, b"")
    yield from _misfit((yield from tester.unopened()), OPEN_LINK.message_type, bytes(7))


@pump_case(
    "message/prescription-cut",
    Level.MUST,
    "MSG-02 MSG-05",
    expects="MALFORMED / PAYLOAD with what is left of the payload's length",
    changes_nothing=True,
)
def prescription_cut(tester: Tester) -> Play[None]:
    """A prescription that is cut off behind each of its bytes, in texts, lists and numbers."""
    link = yield from tester.link()
    second = replace(a_drug(tester.identity), name="b")
    payload = encode(StagePrescription(stopped(a_drug(tester.identity, "a"), second)))
    for size in range(len(payload)):
        yield from _misfit(link, MessageType.STAGE_PRESCRIPTION, payload[:size])


@pump_case(
    "message/handshake-payload",
    Level.MUST,
    "MSG-02 MSG-04 AUTH-05",
    expects="MALFORMED / PAYLOAD with its length; UNKNOWN_VALUE / ROLE with the code",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def handshake_payload(tester: Tester) -> Play[None]:
    """Authenticate with a byte too few and one too many, and for roles that do not exist."""
    key = tester.key()
    good = encode(Authenticate(key.key_id, key.role, tester.entropy(48)))
    for payload in (good[:-1], good + b"\0", b""):
        link_id = tester.new_link_id()
        yield from _misfit_outside(tester, MessageType.AUTHENTICATE, link_id, payload)
    for role in (0, 5, 255):
        link_id = tester.new_link_id()
        payload = _with(good, 8, role)
        frame = yield from tester.exchange(
            frame_bytes(MessageType.AUTHENTICATE, link_id, 1, payload)
        )
        reason = refused(
            plain_response(frame, link_id, 1),
            MessageType.AUTHENTICATE,
            RefusalCode.UNKNOWN_VALUE,
            Field.ROLE,
        )
        expect_equal("value of the reason", reason.value, role)


def _misfit(link: TesterLink, message_type: int, payload: bytes) -> Play[None]:
    told = yield from refusal_raw(link, message_type, payload)
    _expect_misfit(told.reasons, message_type, payload)


def _misfit_outside(tester: Tester, message_type: int, link_id: int, payload: bytes) -> Play[None]:
    frame = yield from tester.exchange(frame_bytes(message_type, link_id, 1, payload))
    response = plain_response(frame, link_id, 1)
    reason = refused(response, message_type, RefusalCode.MALFORMED, Field.PAYLOAD)
    _expect_misfit((reason,), message_type, payload)


def _expect_misfit(reasons: tuple[Reason, ...], message_type: int, payload: bytes) -> None:
    what = f"{request_name(message_type)} with a payload of {len(payload)} bytes"
    told = ", ".join(map(reason_text, reasons)) or "no reason"
    expect_equal(f"refusal of {what}", told, f"MALFORMED / PAYLOAD, value {len(payload)}")


# --- Codes -----------------------------------------------------------------------------------


@pump_case(
    "message/unknown-code",
    Level.MUST,
    "MSG-04 ORDER-03",
    expects="UNKNOWN_VALUE with the field and the code",
    changes_nothing=True,
)
def unknown_code(tester: Tester) -> Play[None]:
    """Codes that nobody knows, in each field of a request that holds one."""
    link = yield from tester.link()
    alarms = [code for code in (0, 6, 12, 13, 14, 16, 17, 19, 255) if code not in set(Alarm)]
    staged = StagePrescription(stopped(a_drug(tester.identity)))
    low = Alarm.LOW_RESERVOIR
    for request, at, field, codes in (
        (ReadPrescription(PrescriptionSlot.CURRENT), 0, Field.SLOT, [0, 3, 255]),
        (AcknowledgeAlarm(low), 0, Field.ALARM, alarms),
        (SilenceAlarm(low, tester.identity.minimum_silence_ms), 0, Field.ALARM, alarms),
        (TestAlarm(AlarmClass.CRITICAL), 0, Field.ALARM_CLASS, [0, 3, 255]),
        (SetAlarmInterval(AlarmClass.CRITICAL, 1), 0, Field.ALARM_CLASS, [0, 3, 255]),
        (OrderBolus(0, BolusKind.SINGLE, 1, 1, 1, 1), 8, Field.BOLUS_KIND, [0, 6, 255]),
        (staged, 0, Field.MODE, [5, 255]),
        # The decision stands before the count of bridges, which is the last byte.
        (staged, -2, Field.BRIDGE, [3, 255]),
    ):
        for code in codes:
            yield from _unknown(link, request, at, field, code)


@pump_case(
    "message/unknown-mass-unit",
    Level.MUST,
    "MSG-04",
    expects="UNKNOWN_VALUE / MASS_UNIT with the code: a unit is never guessed",
    changes_nothing=True,
)
def unknown_mass_unit(tester: Tester) -> Play[None]:
    """Drugs in mass units that nobody knows, the first of a mixture and the second."""
    link = yield from tester.link()
    drug = a_drug(tester.identity, "a")
    one = StagePrescription(stopped(drug))
    two = StagePrescription(stopped(drug, replace(drug, name="b")))
    second_at = _NAME_AT + 2  # behind the count and the one byte of the first name
    for code in (0, 3, 4, 255):
        yield from _unknown(link, one, _UNIT_AT, Field.MASS_UNIT, code)
        yield from _unknown(link, two, second_at, Field.MASS_UNIT, code)


@pump_case(
    "message/eighth-weekday",
    Level.MUST,
    "MSG-08 MSG-12",
    expects="UNKNOWN_VALUE / WEEKDAYS with the whole byte",
    changes_nothing=True,
)
def eighth_weekday(tester: Tester) -> Play[None]:
    """Day patterns with a bit that no weekday has, beside all days and beside none."""
    tester.needs(Capability.FLEX)
    link = yield from tester.link()
    rate = tester.identity.minimum_therapeutic_rate_nl_per_day
    days = (DayPattern(Weekday(0x7F), (Step(0, rate),)),)
    prescription = replace(stopped(a_drug(tester.identity)), mode=Mode.FLEX, days=days)
    request = StagePrescription(prescription)
    # Behind the weekdays: a count, a step, the counts of both boluses, the decision, a count.
    at = -(1 + 1 + 6 + 1 + 1 + 1 + 1)
    for weekdays in (0xFF, 0x80, 0x81):
        yield from _unknown(link, request, at, Field.WEEKDAYS, weekdays)


def _unknown(
    link: TesterLink, request: Request[Response], at: int, field: Field, code: int
) -> Play[None]:
    told = yield from refused_raw_for(
        link,
        request.message_type,
        _with(encode(request), at, code),
        (RefusalCode.UNKNOWN_VALUE, field),
    )
    expect_equal(f"value of UNKNOWN_VALUE / {field.name}", told[0].value, code)


# --- Texts and lists ---------------------------------------------------------------------------


@pump_case(
    "message/text-not-utf8",
    Level.MUST,
    "MSG-05 REF-03",
    expects="MALFORMED with the field of the text, and no value",
    changes_nothing=True,
)
def text_not_utf8(tester: Tester) -> Play[None]:
    """A note, and the name of a drug, that are no UTF-8."""
    link = yield from tester.link()
    payload = encode(StagePrescription(stopped(a_drug(tester.identity, ""))))
    for raw in _NOT_UTF8:
        text = bytes((len(raw),)) + raw
        named = payload[:_NAME_AT] + text + payload[_NAME_AT + 1 :]
        for message_type, sent, field in (
            (MessageType.WRITE_NOTE, text, Field.NOTE),
            (MessageType.STAGE_PRESCRIPTION, named, Field.DRUG_NAME),
        ):
            told = yield from refused_raw_for(
                link, message_type, sent, (RefusalCode.MALFORMED, field)
            )
            what = f"value of the reason for the bytes {raw.hex(' ')}"
            expect_equal(what, told[0].value, None)


@pump_case(
    "message/count-too-great",
    Level.MUST,
    "MSG-05 MSG-02",
    expects="MALFORMED / PAYLOAD with the length of the payload",
    changes_nothing=True,
)
def count_too_great(tester: Tester) -> Play[None]:
    """Counts that promise more bytes of text, or more elements of a list, than there are."""
    link = yield from tester.link()
    for text in (b"\x01", b"\x05four", b"\xffshort"):
        yield from _misfit(link, MessageType.WRITE_NOTE, text)
    payload = encode(StagePrescription(stopped(a_drug(tester.identity))))
    yield from _misfit(link, MessageType.STAGE_PRESCRIPTION, _with(payload, _NAME_AT, 255))
    yield from _misfit(link, MessageType.STAGE_PRESCRIPTION, _with(payload, -1, 255))


# --- Order of checks ---------------------------------------------------------------------------


@pump_case(
    "message/first-fault",
    Level.MUST,
    "MSG-02 MSG-04 MSG-05",
    expects="the first fault from the beginning of the payload, and no other",
    changes_nothing=True,
)
def first_fault(tester: Tester) -> Play[None]:
    """Payloads with two faults each."""
    link = yield from tester.link()
    prescription = encode(StagePrescription(stopped(a_drug(tester.identity, "ab"))))
    spoilt = _with(prescription, _NAME_AT + 1, 0xFF)
    stage, silence = MessageType.STAGE_PRESCRIPTION, MessageType.SILENCE_ALARM
    interval, note = MessageType.SET_ALARM_INTERVAL, MessageType.WRITE_NOTE
    for what, message_type, payload, code, field in (
        (
            "unknown mode and unknown mass unit",
            stage,
            _with(_with(prescription, 0, 9), _UNIT_AT, 9),
            RefusalCode.UNKNOWN_VALUE,
            Field.MODE,
        ),
        (
            "unknown mass unit and a name that is no UTF-8",
            stage,
            _with(spoilt, _UNIT_AT, 9),
            RefusalCode.UNKNOWN_VALUE,
            Field.MASS_UNIT,
        ),
        (
            "a name that is no UTF-8, and then too short",
            stage,
            spoilt[:-1],
            RefusalCode.MALFORMED,
            Field.DRUG_NAME,
        ),
        (
            "an unknown alarm, in a run of fields that is too short",
            silence,
            bytes(4),
            RefusalCode.MALFORMED,
            Field.PAYLOAD,
        ),
        (
            "an unknown class, and a byte too many",
            interval,
            b"\x09" + bytes(5),
            RefusalCode.UNKNOWN_VALUE,
            Field.ALARM_CLASS,
        ),
        (
            "no UTF-8, and a byte too many",
            note,
            b"\x01\xff\x00",
            RefusalCode.MALFORMED,
            Field.NOTE,
        ),
    ):
        told = yield from refusal_raw(link, message_type, payload)
        found = ", ".join(f"{each.code.name} / {each.field.name}" for each in told.reasons)
        name = request_name(message_type)
        expect_equal(f"refusal of {name}: {what}", found, f"{code.name} / {field.name}")


@pump_case(
    "message/order-of-checks",
    Level.MUST,
    "MSG-09",
    expects="whether the frame is believed, link, sequence number, message type, payload, meaning:"
    " the first that fails",
    changes_nothing=True,
)
def order_of_checks(tester: Tester) -> Play[None]:
    """Requests with two faults of different kinds each."""
    link = yield from tester.link()
    link.sequence = 9
    yield from link.ask(ReadNote())  # its number is 10
    bad = bytes(4)  # too short for any request that it is sent as
    reused, stale = RefusalCode.SEQUENCE_REUSED, RefusalCode.SEQUENCE_STALE
    for message_type in (MessageType.SET_CLOCK, 0x7E):  # of a known type, and of none
        for sequence, code in ((10, reused), (3, stale)):
            response = yield from link.exchange(link.raw(message_type, bad, sequence=sequence))
            refused(response, message_type, code, Field.SEQUENCE)
    link.sequence = 10
    # Payload before meaning: the alarm is not listed, and the doses do not agree.
    yield from refused_raw_for(
        link,
        MessageType.SILENCE_ALARM,
        bytes((Alarm.EOS, 1)),
        (RefusalCode.MALFORMED, Field.PAYLOAD),
    )
    wrong = replace(stopped(a_drug(tester.identity)), daily_dose_ng=5, rate_nl_per_day=7)
    payload = _with(encode(StagePrescription(wrong)), _UNIT_AT, 9)
    yield from refused_raw_for(
        link, MessageType.STAGE_PRESCRIPTION, payload, (RefusalCode.UNKNOWN_VALUE, Field.MASS_UNIT)
    )
    # Belief before link, link before number, type and payload.
    code, field = RefusalCode.LINK_NOT_OPEN, Field.LINK_ID
    if tester.authenticated:
        code, field = RefusalCode.AUTHENTICATION_REQUIRED, Field.NONE
    elsewhere = tester.new_link_id()
    for message_type in (MessageType.SET_CLOCK, 0x7E):
        frame = yield from tester.exchange(frame_bytes(message_type, elsewhere, 0, bad))
        refused(plain_response(frame, elsewhere, 0), message_type, code, field)
