"""The derived payload codecs equal the construct declarations, for every message, both ways; and
the fullest of every message fits into a frame.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_origin, get_type_hints

import pytest
from construct import ConstructError, Struct, Terminated
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol import messages as m
from pump_protocol.codes import (
    ABSENT,
    CRC_BYTES,
    ENVELOPE_BYTES,
    HEADER_BYTES,
    MAX_ACCESS_ENTRIES,
    MAX_DRUG_NAME_BYTES,
    MAX_DRUGS,
    MAX_FRAME_BYTES,
    MAX_LOG_ENTRIES,
    MAX_NOTE_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_REASONS,
    MAX_STEPS,
    MAX_STEPS_PER_DAY,
    NEVER,
    AccessEvent,
    Alarm,
    AlarmFlag,
    BolusKind,
    BolusOutcome,
    BridgeDecision,
    Capability,
    Field,
    LogEvent,
    MassUnit,
    MessageType,
    Mode,
    Nature,
    PrescriptionSlot,
    RefusalCode,
    SecurityProfile,
    ServiceState,
    Weekday,
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


@pytest.mark.parametrize("message_type", [0x00, 0x1C, 0x7F, 0x80, 0x9C, 0xFE])
def test_an_unknown_type_is_neither_request_nor_response(message_type: int) -> None:
    for read in (decode_request, decode_response):
        with pytest.raises(MalformedPayload) as caught:
            read(message_type, b"")
        assert caught.value.code is RefusalCode.UNKNOWN_MESSAGE
        assert (caught.value.field, caught.value.value) == (Field.MESSAGE_TYPE, message_type)


DRUG = m.Drug(MassUnit.MICROGRAM, 500_000, "baclofen")
PRESCRIPTION = m.Prescription(Mode.FLEX, (DRUG,), 100_000, 200_000, 2_000_000)
FLEX = replace(PRESCRIPTION, days=(m.DayPattern(Weekday(127), (m.Step(0, 200_000),)),))
AFTER_DRUG = 2 + len(encode(m.StagePrescription(PRESCRIPTION))[2:].partition(b"baclofen")[0]) + 8
"""Where the daily dose stands."""
WEEKDAYS_AT = AFTER_DRUG + 16 + 1
DECISION_AT = AFTER_DRUG + 16 + 3


@pytest.mark.parametrize(
    ("request_", "at", "field"),
    [
        (m.StagePrescription(PRESCRIPTION), 0, Field.MODE),
        (m.StagePrescription(PRESCRIPTION), 2, Field.MASS_UNIT),
        (m.StagePrescription(FLEX), WEEKDAYS_AT, Field.WEEKDAYS),
        (m.StagePrescription(PRESCRIPTION), DECISION_AT, Field.BRIDGE),
        (m.OrderBolus(1, BolusKind.SINGLE, 1, 1, 1, 1), 8, Field.BOLUS_KIND),
        (m.SetAlarmInterval(1, 1), 0, Field.ALARM_CLASS),  # type: ignore[arg-type]
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
    payload[at] = 199
    with pytest.raises(MalformedPayload) as caught:
        decode_request(request_.message_type, bytes(payload))
    assert (caught.value.code, caught.value.field) == (RefusalCode.UNKNOWN_VALUE, field)
    assert caught.value.value == 199


def test_a_day_that_no_week_has_is_refused_though_the_other_days_are_known() -> None:
    """A weekday that a pump does not know must not fall out of a schedule unseen."""
    payload = bytearray(encode(m.StagePrescription(FLEX)))
    assert payload[WEEKDAYS_AT] == 0b111_1111
    payload[WEEKDAYS_AT] |= 0b1000_0000
    with pytest.raises(MalformedPayload) as caught:
        decode_request(MessageType.STAGE_PRESCRIPTION, bytes(payload))
    assert (caught.value.code, caught.value.field) == (RefusalCode.UNKNOWN_VALUE, Field.WEEKDAYS)
    assert caught.value.value == 0b1111_1111


def test_what_is_a_list_of_at_most_one_reads_as_that_or_none() -> None:
    periodic = m.PeriodicBolus(1, 2, 3, 4, 5, 6)
    patient = m.PatientBolus(1, 2, 3, 4, 5)
    bridge = m.Bridge(1, 2, 3)
    full = replace(
        PRESCRIPTION, periodic_boluses=(periodic,), patient_boluses=(patient,), bridges=(bridge,)
    )
    assert (full.drug, full.periodic, full.patient, full.bridge) == (
        DRUG,
        periodic,
        patient,
        bridge,
    )
    empty = replace(PRESCRIPTION, drugs=())
    assert (empty.drug, empty.periodic, empty.patient, empty.bridge) == (None,) * 4


def test_a_text_that_is_no_utf_8_is_malformed_under_the_name_of_its_field() -> None:
    stage = encode(m.StagePrescription(PRESCRIPTION)).replace(b"baclofen", b"baclof\xffn")
    note = encode(m.WriteNote("note"))[:-1] + b"\xff"
    for message_type, payload, field in (
        (MessageType.STAGE_PRESCRIPTION, stage, Field.DRUG_NAME),
        (MessageType.WRITE_NOTE, note, Field.NOTE),
    ):
        with pytest.raises(MalformedPayload) as caught:
            decode_request(message_type, payload)
        assert (caught.value.code, caught.value.field) == (RefusalCode.MALFORMED, field)


IDENTITY_NUMBERS = [1] * sum(each.type is not str for each in fields(m.Identity))


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (m.OpenLink(2**64), "OpenLink.programmer_id"),
        (m.OpenLink(-1), "OpenLink.programmer_id"),
        (m.OpenLink(0.5), "OpenLink.programmer_id"),  # type: ignore[arg-type]
        (m.OrderBolus(1, BolusKind.SINGLE, 1, 2**32, 1, 1), "OrderBolus.concentration_ng_per_ml"),
        (m.CommitPrescription(bytes(31)), "CommitPrescription.digest"),
        (m.CommitPrescription(bytes(33)), "CommitPrescription.digest"),
        (m.WriteNote("x" * 256), "WriteNote.text"),
        (m.StagePrescription(replace(PRESCRIPTION, drugs=(DRUG,) * 256)), "StagePrescription."),
        (
            m.StagePrescription(
                replace(FLEX, days=(m.DayPattern(Weekday(0), (m.Step(2**16, 1),)),))
            ),
            "Step.starts_at_min",
        ),
        (m.Refusal(256, ()), "Refusal.request_type"),
        (m.Identity(*IDENTITY_NUMBERS, "x" * 256, "", "", ""), "Identity.product"),  # type: ignore[arg-type]
        (m.Identity(*IDENTITY_NUMBERS, "\ud800", "", "", ""), "Identity.product"),  # type: ignore[arg-type]
        (m.SelfTestReport((m.CheckResult(1, True),) * 256), "SelfTestReport."),  # type: ignore[arg-type]
    ],
)
def test_what_a_field_cannot_hold_is_never_sent(message: m.Message, named: str) -> None:
    """A value is neither cut nor padded to fit: a digest of 31 bytes is no digest."""
    with pytest.raises(UnsendableMessage) as caught:
        encode(message)
    assert any(
        name in str(caught.value) for name in (type(message).__name__, "Prescription", "Step")
    )


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


# The numbers of these do not matter, only how many there are and how long the texts.
LONGEST_NAME = "x" * MAX_DRUG_NAME_BYTES
LONGEST_TEXT = "x" * 64
TOTALS = m.DoseTotals(1, 2, 3)
DIGEST = bytes(32)


def fullest_days() -> tuple[m.DayPattern, ...]:
    """A pattern for each weekday, and as many steps as all of them together may have."""
    steps = [MAX_STEPS // 7 + (index < MAX_STEPS % 7) for index in range(7)]
    assert sum(steps) == MAX_STEPS
    assert max(steps) <= MAX_STEPS_PER_DAY
    return tuple(
        m.DayPattern(day, (m.Step(1, 2),) * count)
        for day, count in zip(Weekday, steps, strict=True)
    )


def fullest_prescription() -> m.Prescription:
    """Everything at once, though no mode has a schedule and periodic boluses together."""
    return m.Prescription(
        *(Mode.FLEX, (m.Drug(MassUnit.MILLIGRAM, 1, LONGEST_NAME),) * MAX_DRUGS, 1, 2, 3),
        days=fullest_days(),
        periodic_boluses=(m.PeriodicBolus(1, 2, 3, 4, 5, 6),),
        patient_boluses=(m.PatientBolus(1, 2, 3, 4, 5),),
        bridge_decision=BridgeDecision.BRIDGE,
        bridges=(m.Bridge(1, 2, 3),),
    )


def fullest_status() -> m.StatusReport:
    """The longest drug name, a bolus, a patient's boluses and every alarm there is."""
    summary = m.PrescriptionSummary(Mode.FLEX, MassUnit.MILLIGRAM, 1, 2, 3, 4, 3, LONGEST_NAME)
    bolus = m.BolusReport(BolusKind.SINGLE, BolusOutcome.RUNNING, 1, 2, 3, 4, 5, 6)
    alarms = tuple(m.AlarmRecord(each, AlarmFlag.ACTIVE, 1, None, None) for each in Alarm)
    return m.StatusReport(
        *(1, 2, 3, 4, summary, True, 5, 6, 7, 8, None, None, 9),
        *(ServiceState.EOS, 10, None, None, None, None, 11, None, RANGE, RANGE),
        *((m.PatientBolusState(1, 2, 3),), (bolus,), alarms),
    )


def fullest_emergency_status() -> m.EmergencyStatusReport:
    """The longest drug name and every alarm there is."""
    full = fullest_status()
    return m.EmergencyStatusReport(
        1, 2, full.prescription, 3, 4, ServiceState.EOS, None, full.alarms
    )


def fullest_identity() -> m.Identity:
    """Every text as long as MSG-11 allows it to be."""
    texts = ("product", "model", "serial_number", "firmware_version")
    numbers = {each.name: 1 for each in fields(m.Identity) if each.name not in texts}
    return m.Identity(
        **{
            **numbers,
            "nature": Nature.SIMULATOR,
            "security_profile": SecurityProfile.LEGACY_INSECURE,
            "capabilities": Capability(0),
            "product": LONGEST_TEXT,
            "model": LONGEST_NAME,
            "serial_number": LONGEST_NAME,
            "firmware_version": LONGEST_NAME,
        }
    )


FULLEST = {
    "StagePrescription": (lambda: m.StagePrescription(fullest_prescription()), 524),
    "PrescriptionStaged": (
        lambda: m.PrescriptionStaged(1, DIGEST, 2, True, TOTALS, fullest_prescription()),
        589,
    ),
    "PrescriptionReport": (
        lambda: m.PrescriptionReport(
            PrescriptionSlot.PENDING, 1, DIGEST, TOTALS, fullest_prescription()
        ),
        585,
    ),
    "StatusReport": (fullest_status, 589),
    "EmergencyStatusReport": (fullest_emergency_status, 402),
    "Identity": (fullest_identity, 276),
    "WriteNote": (lambda: m.WriteNote("x" * MAX_NOTE_BYTES), 129),
    "NoteReport": (lambda: m.NoteReport(True, "x" * MAX_NOTE_BYTES), 130),
}
"""The fullest of the messages whose size varies, and how many bytes it takes; pages are below."""


@pytest.mark.parametrize(("fullest", "size"), FULLEST.values(), ids=FULLEST)
def test_the_fullest_of_a_message_fits_into_a_frame(
    fullest: Callable[[], m.Message], size: int
) -> None:
    """Whoever adds a field sees here what room there is left."""
    assert len(encode(fullest())) == size <= MAX_PAYLOAD_BYTES


def test_only_the_messages_that_are_measured_vary_in_size() -> None:
    def varies(message_class: type) -> bool:
        hints = get_type_hints(message_class)
        return any(
            hint is str
            or get_origin(hint) is tuple
            or (isinstance(hint, type) and is_dataclass(hint) and varies(hint))
            for hint in hints.values()
        )

    varying = {each.__name__ for each in MESSAGE_CLASSES if varies(each)}
    lists_with_a_limit = {"LogPage", "AccessLogPage", "Refusal"}
    one_for_each_check = {"SelfTestReport"}
    assert varying == {*FULLEST} | lists_with_a_limit | one_for_each_check


def test_the_largest_frame_and_the_room_for_an_envelope_end_at_659_bytes() -> None:
    """Behind 655 bytes CRC-32C no longer finds every pattern of five flipped bits."""
    largest = Frame(MessageType.LOG_PAGE, 1, 1, bytes(MAX_PAYLOAD_BYTES)).to_bytes()
    envelope = ENVELOPE_BYTES
    assert len(largest) == HEADER_BYTES + MAX_PAYLOAD_BYTES + CRC_BYTES
    assert len(largest) + envelope == MAX_FRAME_BYTES == 659
    assert (MAX_FRAME_BYTES - CRC_BYTES) * 8 <= 5243


@given(message=messages())
def test_a_message_that_fits_travels_in_a_frame(message: m.Message) -> None:
    frame = Frame(message.message_type, 1, 1, encode(message))
    assert len(frame.to_bytes()) <= MAX_FRAME_BYTES
