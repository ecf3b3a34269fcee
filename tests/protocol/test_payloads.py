"""The derived payload codecs equal the construct declarations, for every message, both ways."""

from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from construct import ConstructError, Struct, Terminated
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol import messages as m
from pump_protocol.codes import (
    ABSENT,
    CRC_BYTES,
    ENVELOPE_COUNTER_BYTES,
    ENVELOPE_TAG_BYTES,
    HEADER_BYTES,
    MAX_ACCESS_ENTRIES,
    MAX_DRUG_NAME_BYTES,
    MAX_FRAME_BYTES,
    MAX_LOG_ENTRIES,
    MAX_PAYLOAD_BYTES,
    MAX_REASONS,
    NEVER,
    AccessEvent,
    Alarm,
    AlarmFlag,
    BolusOutcome,
    Field,
    LogEvent,
    MassUnit,
    MessageType,
    Mode,
    RefusalCode,
    ServiceState,
)
from pump_protocol.errors import FrameTooLarge, MalformedPayload, UnsendableMessage
from pump_protocol.frames import Frame
from pump_protocol.payloads import decode_request, decode_response, encode

from .strategies import MESSAGE_CLASSES, layout_of, messages, parts

every_message = pytest.mark.parametrize(
    "message_class", MESSAGE_CLASSES, ids=lambda each: each.__name__
)


few = settings(max_examples=15)  # for each of the messages


def decode(message_type: int, payload: bytes) -> m.Message:
    return (decode_request if message_type < 0x80 else decode_response)(message_type, payload)


def plain(value: Any, *, absent: int = NEVER) -> Any:
    """A message as construct takes it: enums are numbers, None is the field's sentinel."""
    if is_dataclass(value):
        absent = ABSENT if isinstance(value, m.Reason) else NEVER
        names = [each.name for each in fields(value)]
        return {name: plain(getattr(value, name), absent=absent) for name in names}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if value is None:
        return absent
    return value if isinstance(value, (str, bytes)) else int(value)


def parsed(container: Any) -> Any:
    """What construct parsed, as plain values."""
    if isinstance(container, dict):
        return {key: parsed(value) for key, value in container.items() if not key.startswith("_")}
    return [parsed(each) for each in container] if isinstance(container, list) else container


def whole(message_class: type[m.Message]) -> Any:
    """The declaration of a payload that must fill its frame exactly."""
    return Struct("body" / layout_of(message_class), Terminated)


def test_every_message_type_has_exactly_one_message() -> None:
    assert {int(each) for each in MessageType} == set(m.REQUESTS) | set(m.RESPONSES)
    assert len(MESSAGE_CLASSES) == len(MessageType)


def test_a_response_has_the_type_of_its_request_plus_0x80() -> None:
    for message_type, request in m.REQUESTS.items():
        assert request.response_class.message_type == message_type + 0x80


@every_message
def test_every_field_is_declared_with_words_for_the_specification(
    message_class: type[m.Message],
) -> None:
    for field in layout_of(message_class).subcons:
        assert field.docs, f"{message_class.__name__}.{field.name} is not described"


@every_message
@few
@given(data=st.data())
def test_packing_equals_the_declaration(
    message_class: type[m.Message], data: st.DataObject
) -> None:
    message = data.draw(parts(message_class))
    assert encode(message) == layout_of(message_class).build(plain(message))


@every_message
@few
@given(data=st.data())
def test_unpacking_equals_the_declaration(
    message_class: type[m.Message], data: st.DataObject
) -> None:
    message = data.draw(parts(message_class))
    payload = encode(message)
    assert decode(message_class.message_type, payload) == message
    assert parsed(layout_of(message_class).parse(payload)) == plain(message)


@every_message
@few
@given(data=st.data())
def test_a_truncated_payload_is_refused_as_malformed(
    message_class: type[m.Message], data: st.DataObject
) -> None:
    payload = encode(data.draw(parts(message_class)))
    if not payload:
        return
    short = payload[: data.draw(st.integers(0, len(payload) - 1))]
    with pytest.raises(MalformedPayload) as caught:
        decode(message_class.message_type, short)
    assert (caught.value.code, caught.value.field) == (RefusalCode.MALFORMED, Field.PAYLOAD)
    with pytest.raises(ConstructError):
        whole(message_class).parse(short)


@every_message
@few
@given(data=st.data(), tail=st.binary(min_size=1, max_size=9))
def test_a_payload_with_bytes_behind_it_is_refused_as_malformed(
    message_class: type[m.Message], data: st.DataObject, tail: bytes
) -> None:
    payload = encode(data.draw(parts(message_class))) + tail
    with pytest.raises(MalformedPayload) as caught:
        decode(message_class.message_type, payload)
    assert caught.value.code is RefusalCode.MALFORMED
    assert caught.value.value == len(payload)
    with pytest.raises(ConstructError):
        whole(message_class).parse(payload)


@every_message
@few
@given(data=st.data())
def test_any_bytes_are_a_message_or_malformed_and_the_declaration_agrees(
    message_class: type[m.Message], data: st.DataObject
) -> None:
    """What unpacks packs to the same bytes; only unknown codes are refused beyond the layout."""
    payload = bytearray(encode(data.draw(parts(message_class))))
    for _ in range(data.draw(st.integers(0, 3)) if payload else 0):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = decode(message_class.message_type, bytes(payload))
    except MalformedPayload as error:
        if error.code is RefusalCode.MALFORMED:
            with pytest.raises(ConstructError):
                whole(message_class).parse(bytes(payload))
        return
    assert encode(message) == payload
    assert parsed(whole(message_class).parse(bytes(payload))["body"]) == plain(message)


@pytest.mark.parametrize("message_type", [0x00, 0x13, 0x7F, 0x80, 0x93, 0xFE])
def test_an_unknown_type_is_neither_request_nor_response(message_type: int) -> None:
    for read in (decode_request, decode_response):
        with pytest.raises(MalformedPayload) as caught:
            read(message_type, b"")
        assert caught.value.code is RefusalCode.UNKNOWN_MESSAGE
        assert (caught.value.field, caught.value.value) == (Field.MESSAGE_TYPE, message_type)


PRESCRIPTION = m.Prescription(
    Mode.SIMPLE_CONTINUOUS, MassUnit.MICROGRAM, 500_000, 100_000, 200_000, 2_000_000, "baclofen"
)


@pytest.mark.parametrize(
    ("request_", "at", "field"),
    [
        (m.StagePrescription(PRESCRIPTION), 0, Field.MODE),
        (m.StagePrescription(PRESCRIPTION), 1, Field.MASS_UNIT),
        (m.ReadPrescription(1), 0, Field.SLOT),  # type: ignore[arg-type]
        (m.AcknowledgeAlarm(Alarm.ERI), 0, Field.ALARM),
        (m.SilenceAlarm(Alarm.ERI, 1), 0, Field.ALARM),
        (m.TestAlarm(1), 0, Field.ALARM_CLASS),  # type: ignore[arg-type]
    ],
)
def test_an_unknown_code_in_a_request_is_refused_under_the_name_of_its_field(
    request_: m.Request[m.Response], at: int, field: Field
) -> None:
    """REQ-06: an unknown unit code, like any other unknown code, is rejected."""
    payload = bytearray(encode(request_))
    payload[at] = 99
    with pytest.raises(MalformedPayload) as caught:
        decode_request(request_.message_type, bytes(payload))
    assert (caught.value.code, caught.value.field) == (RefusalCode.UNKNOWN_VALUE, field)
    assert caught.value.value == 99


def test_a_drug_name_that_is_no_utf_8_is_malformed() -> None:
    payload = encode(m.StagePrescription(PRESCRIPTION))
    with pytest.raises(MalformedPayload) as caught:
        decode_request(MessageType.STAGE_PRESCRIPTION, payload[:-1] + b"\xff")
    assert (caught.value.code, caught.value.field) == (RefusalCode.MALFORMED, Field.DRUG_NAME)


IDENTITY_NUMBERS = [1] * sum(each.type is not str for each in fields(m.Identity))


@pytest.mark.parametrize(
    "message",
    [
        m.OpenLink(2**64),
        m.OpenLink(-1),
        m.OpenLink(0.5),  # type: ignore[arg-type]
        m.OrderBolus(1, 1, 2**32, 1, 1),
        m.CommitPrescription(bytes(31)),
        m.CommitPrescription(bytes(33)),
        m.Refusal(256, ()),
        m.Identity(*IDENTITY_NUMBERS, "x" * 256, "", "", ""),  # type: ignore[arg-type]
        m.Identity(*IDENTITY_NUMBERS, "\ud800", "", "", ""),  # type: ignore[arg-type]
        m.SelfTestReport((m.CheckResult(1, True),) * 256),  # type: ignore[arg-type]
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_a_field_cannot_hold_is_never_sent(message: m.Message) -> None:
    """A value is neither cut nor padded to fit: a digest of 31 bytes is no digest."""
    with pytest.raises(UnsendableMessage) as caught:
        encode(message)
    assert type(message).__name__ in str(caught.value)


def test_something_that_is_no_message_is_never_sent() -> None:
    with pytest.raises(UnsendableMessage):
        encode(object())  # type: ignore[arg-type]


# --- Sizes ---------------------------------------------------------------------------------------

RANGE = m.LogRange(1, 2, 3)
LOG_ENTRY = m.LogEntry(1, 2, LogEvent.STAGED, 3, 4, 5, 6)
ACCESS_ENTRY = m.AccessEntry(1, 2, 3, 4, AccessEvent.REFUSED, 5, 6, 7, 8)
REASON = m.Reason(RefusalCode.OUT_OF_RANGE, Field.RATE)


@pytest.mark.parametrize(
    ("page", "entry", "limit"),
    [
        (lambda entries: m.LogPage(RANGE, entries), LOG_ENTRY, MAX_LOG_ENTRIES),
        (lambda entries: m.AccessLogPage(RANGE, entries), ACCESS_ENTRY, MAX_ACCESS_ENTRIES),
        (lambda entries: m.Refusal(1, entries), REASON, MAX_REASONS),
    ],
    ids=["log page", "access-log page", "refusal"],
)
def test_the_limit_of_a_list_is_what_just_fits_into_a_frame(
    page: Any, entry: object, limit: int
) -> None:
    def frame(count: int) -> Frame:
        message = page((entry,) * count)
        return Frame(message.message_type, 1, 1, encode(message))

    assert len(frame(limit).to_bytes()) <= MAX_FRAME_BYTES
    with pytest.raises(FrameTooLarge):
        frame(limit + 1).to_bytes()


def test_the_fullest_status_report_fits_into_a_frame() -> None:
    """The longest drug name, a bolus and every alarm there is."""
    longest = m.Prescription(
        Mode.STOPPED, MassUnit.MILLIGRAM, 0, 0, 0, 0, "x" * MAX_DRUG_NAME_BYTES
    )
    bolus = m.BolusReport(BolusOutcome.RUNNING, 1, 2, 3, 4, 5, 6)
    alarms = tuple(m.AlarmRecord(each, AlarmFlag.ACTIVE, 1, None, None) for each in Alarm)
    report = m.StatusReport(
        *(1, 2, 3, 4, longest, True, 5, 6, 7, 8, 9, 10, 11),
        *(ServiceState.EOS, 12, 13, 14, 15, RANGE, RANGE, (bolus,), alarms),
    )
    assert len(encode(report)) <= MAX_PAYLOAD_BYTES


def test_the_largest_frame_and_the_room_for_an_envelope_end_at_659_bytes() -> None:
    """Behind 655 bytes CRC-32C no longer finds every pattern of five flipped bits."""
    largest = Frame(MessageType.LOG_PAGE, 1, 1, bytes(MAX_PAYLOAD_BYTES)).to_bytes()
    envelope = ENVELOPE_COUNTER_BYTES + ENVELOPE_TAG_BYTES
    assert len(largest) == HEADER_BYTES + MAX_PAYLOAD_BYTES + CRC_BYTES
    assert len(largest) + envelope == MAX_FRAME_BYTES == 659
    assert (MAX_FRAME_BYTES - CRC_BYTES) * 8 <= 5243


@given(message=messages())
def test_a_message_that_fits_travels_in_a_frame(message: m.Message) -> None:
    frame = Frame(message.message_type, 1, 1, encode(message))
    assert len(frame.to_bytes()) <= MAX_FRAME_BYTES
