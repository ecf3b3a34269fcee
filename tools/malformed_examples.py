"""Bytes that are no good message, and by hand what the specification says must become of them."""

from dataclasses import dataclass
from typing import Any, Final

from pump_protocol import messages as m
from pump_protocol.codes import (
    MAX_PAYLOAD_BYTES,
    START,
    BolusKind,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.crc import header_check
from pump_protocol.frames import Frame
from pump_protocol.payloads import encode
from wire_examples import CURRENT, FLEX, LINK_ID, PROGRAMMER_ID

OTHER_LINK_ID: Final = 0xFEDCBA9876543210


def framed(message: m.Message, sequence: int, link_id: int = LINK_ID, version: int = 1) -> bytes:
    return Frame(message.message_type, link_id, sequence, encode(message), version).to_bytes()


def raw(message_type: int, sequence: int, payload: bytes, link_id: int = LINK_ID) -> bytes:
    return Frame(message_type, link_id, sequence, payload).to_bytes()


def flipped(data: bytes, *bits: int) -> bytes:
    changed = bytearray(data)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# --- Streams: what a decoder makes of them -------------------------------------------------------

SILENCE: Final = None
"""In a stream: a gap of 100 ms or more."""


@dataclass(frozen=True, slots=True)
class StreamCase:
    """Pieces of a stream and the events that they give; an event is a frame or (reason, size)."""

    name: str
    clause: str
    pieces: tuple[bytes | None, ...]
    events: tuple[bytes | tuple[str, int], ...]


A: Final = framed(m.Interrogate(), 3)
B: Final = framed(m.OrderBolus(1, BolusKind.SINGLE, 50_000, 500_000, 100_000, 600_000), 6)
_PROMISE_HEAD: Final = START + bytes((1, 4)) + bytes(12) + MAX_PAYLOAD_BYTES.to_bytes(2, "little")
PROMISE: Final = _PROMISE_HEAD + header_check(_PROMISE_HEAD).to_bytes(2, "little")
"""An intact header that promises the longest payload."""
_TOO_LONG_HEAD: Final = (
    START + bytes((1, 4)) + bytes(12) + (MAX_PAYLOAD_BYTES + 1).to_bytes(2, "little")
)
TOO_LONG: Final = _TOO_LONG_HEAD + header_check(_TOO_LONG_HEAD).to_bytes(2, "little")

STREAMS: Final = (
    StreamCase("one frame", "FRAME-02", (A,), (A,)),
    StreamCase("two frames in one piece", "FRAME-01", (A + B,), (A, B)),
    StreamCase("one frame in many pieces", "FRAME-01", (B[:1], B[1:2], B[2:30], B[30:]), (B,)),
    StreamCase("noise before a frame", "FRAME-08", (b"\x00\xff\x13" + A,), (("NOISE", 3), A)),
    StreamCase("a start marker twice", "FRAME-09", (START + A,), (("HEADER_CHECK", 2), A)),
    StreamCase(
        "half a start marker before a frame", "FRAME-08", (START[:1] + A,), (("NOISE", 1), A)
    ),
    StreamCase(
        "a flipped bit in the start marker", "FRAME-08", (flipped(A, 0) + B,), (("NOISE", 24), B)
    ),
    StreamCase(
        "a flipped bit in the length",
        "FRAME-06",
        (flipped(A, 8 * 17 + 1) + B,),
        (("HEADER_CHECK", 24), B),
    ),
    StreamCase(
        "a flipped bit in the payload",
        "FRAME-10",
        (flipped(B, 8 * 25) + A,),
        (("FRAME_CHECK", len(B)), A),
    ),
    StreamCase(
        "a flipped bit in the frame check",
        "FRAME-10",
        (flipped(A, 8 * 23) + B,),
        (("FRAME_CHECK", 24), B),
    ),
    StreamCase(
        "five flipped bits",
        "FRAME-10",
        (flipped(B, 170, 201, 260, 333, 400) + A,),
        (("FRAME_CHECK", len(B)), A),
    ),
    StreamCase(
        "a length that no frame has", "FRAME-05", (TOO_LONG + A,), (("HEADER_CHECK", 20), A)
    ),
    StreamCase(
        "half a frame, then silence", "FRAME-11", (B[:40], SILENCE, A), (("TRUNCATED", 40), A)
    ),
    StreamCase(
        "bytes lost inside a frame, then silence",
        "FRAME-11",
        (B[:30] + B[33:], SILENCE, A),
        (("TRUNCATED", len(B) - 3), A),
    ),
    StreamCase(
        "bytes lost inside a frame, the next one follows at once",
        "FRAME-10",
        (B[:30] + B[33:] + A,),
        (("FRAME_CHECK", len(B) - 3), A),
    ),
    StreamCase(
        "frames swallowed by the promise of a half frame, then silence",
        "FRAME-11",
        (PROMISE + A + B, SILENCE),
        (("TRUNCATED", 20), A, B),
    ),
    StreamCase(
        "another version is still a frame",
        "FRAME-04",
        (framed(m.Interrogate(), 3, version=2),),
        (framed(m.Interrogate(), 3, version=2),),
    ),
    StreamCase(
        "an unknown type is still a frame", "FRAME-04", (raw(0x7F, 3, b"?"),), (raw(0x7F, 3, b"?"),)
    ),
)


def as_json(case: StreamCase) -> dict[str, Any]:
    """A stream case as JSON."""
    return {
        "name": case.name,
        "clause": case.clause,
        "pieces": [
            {"silence_ms": 100} if piece is SILENCE else {"bytes": piece.hex()}
            for piece in case.pieces
        ],
        "events": [
            {"frame": event.hex()}
            if isinstance(event, bytes)
            else {"noise": event[0], "size": event[1]}
            for event in case.events
        ],
    }


# --- Requests: what a pump answers ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PumpCase:
    """What a pump that was sent `before` answers to `send`; None if nothing."""

    name: str
    clause: str
    before: tuple[bytes, ...]
    send: bytes
    refusal: m.Refusal | None

    def refusal_frame(self) -> bytes:
        """The refusal as the pump sends it: under the link id and number of the request."""
        assert self.refusal is not None
        link_id = int.from_bytes(self.send[4:12], "little")
        return framed(self.refusal, int.from_bytes(self.send[12:16], "little"), link_id)


def _case(
    name: str,
    clause: str,
    before: tuple[bytes, ...],
    send: bytes,
    code: RefusalCode,
    field: Field,
    *numbers: int | None,
) -> PumpCase:
    return PumpCase(
        name, clause, before, send, m.Refusal(send[3], (m.Reason(code, field, *numbers),))
    )


OPEN: Final = framed(m.OpenLink(PROGRAMMER_ID), 1)
LATEST: Final = 2**32 - 1
_STAGE: Final = encode(m.StagePrescription(CURRENT))
_STAGE_FLEX: Final = encode(m.StagePrescription(FLEX))
_NAME_AT: Final = 7  # behind mode, number of drugs, mass unit and concentration
_DAYS_AT: Final = _NAME_AT + 1 + len("baclofen") + 16  # behind dose, rate and threshold


def _stage_with(at: int, *values: int, payload: bytes = _STAGE) -> bytes:
    changed = payload[:at] + bytes(values) + payload[at + len(values) :]
    return raw(MessageType.STAGE_PRESCRIPTION, 2, changed)


PUMP_CASES: Final = (
    _case(
        "no link is open",
        "LINK-04",
        (),
        framed(m.Interrogate(), 1),
        RefusalCode.LINK_NOT_OPEN,
        Field.LINK_ID,
    ),
    _case(
        "link id zero",
        "LINK-02",
        (),
        framed(m.OpenLink(PROGRAMMER_ID), 1, 0),
        RefusalCode.OUT_OF_RANGE,
        Field.LINK_ID,
        0,
        1,
    ),
    _case(
        "an open link opened again",
        "LINK-07",
        (OPEN,),
        framed(m.OpenLink(PROGRAMMER_ID), 2),
        RefusalCode.LINK_ID_USED,
        Field.LINK_ID,
    ),
    _case(
        "a closed link used again",
        "LINK-06",
        (OPEN, framed(m.CloseLink(), 2)),
        framed(m.Interrogate(), 3),
        RefusalCode.LINK_ID_USED,
        Field.LINK_ID,
    ),
    _case(
        "a closed link opened again",
        "LINK-06",
        (OPEN, framed(m.CloseLink(), 2)),
        framed(m.OpenLink(PROGRAMMER_ID), 3),
        RefusalCode.LINK_ID_USED,
        Field.LINK_ID,
    ),
    _case(
        "a link that another one has replaced",
        "LINK-05",
        (OPEN, framed(m.OpenLink(PROGRAMMER_ID), 1, OTHER_LINK_ID)),
        framed(m.Interrogate(), 2),
        RefusalCode.LINK_ID_USED,
        Field.LINK_ID,
    ),
    _case(
        "another protocol version",
        "LINK-12",
        (),
        framed(m.Identify(), 1, version=2),
        RefusalCode.UNSUPPORTED_VERSION,
        Field.VERSION,
        2,
        1,
        1,
    ),
    _case(
        "a sequence number with other content",
        "SEQ-05",
        (OPEN, framed(m.SetClock(1), 2)),
        framed(m.SetClock(2), 2),
        RefusalCode.SEQUENCE_REUSED,
        Field.SEQUENCE,
        2,
        3,
        LATEST,
    ),
    _case(
        "an old sequence number",
        "SEQ-06",
        (OPEN, framed(m.SelfTest(), 2), framed(m.SelfTest(), 7)),
        framed(m.SelfTest(), 2),
        RefusalCode.SEQUENCE_STALE,
        Field.SEQUENCE,
        2,
        8,
        LATEST,
    ),
    _case(
        "a sequence number used up by what could not be read",
        "SEQ-07",
        (OPEN, raw(MessageType.SET_CLOCK, 2, b"")),
        framed(m.SetClock(1), 2),
        RefusalCode.SEQUENCE_REUSED,
        Field.SEQUENCE,
        2,
        3,
        LATEST,
    ),
    _case(
        "an unknown message",
        "MSG-03",
        (OPEN,),
        raw(0x55, 2, b""),
        RefusalCode.UNKNOWN_MESSAGE,
        Field.MESSAGE_TYPE,
        0x55,
    ),
    _case(
        "a payload too short",
        "MSG-02",
        (OPEN,),
        raw(MessageType.SET_CLOCK, 2, bytes(7)),
        RefusalCode.MALFORMED,
        Field.PAYLOAD,
        7,
    ),
    _case(
        "a payload too long",
        "MSG-02",
        (OPEN,),
        raw(MessageType.SET_CLOCK, 2, bytes(9)),
        RefusalCode.MALFORMED,
        Field.PAYLOAD,
        9,
    ),
    _case(
        "a payload where none belongs",
        "MSG-02",
        (OPEN,),
        raw(MessageType.INTERROGATE, 2, bytes(MAX_PAYLOAD_BYTES)),
        RefusalCode.MALFORMED,
        Field.PAYLOAD,
        MAX_PAYLOAD_BYTES,
    ),
    _case(
        "a text that promises more than there is",
        "MSG-05",
        (OPEN,),
        _stage_with(_NAME_AT, 200),
        RefusalCode.MALFORMED,
        Field.PAYLOAD,
        len(_STAGE),
    ),
    _case(
        "a drug name that is not UTF-8",
        "MSG-05",
        (OPEN,),
        _stage_with(_NAME_AT + 1, 0xFF),
        RefusalCode.MALFORMED,
        Field.DRUG_NAME,
    ),
    _case(
        "an unknown mode",
        "MSG-04",
        (OPEN,),
        _stage_with(0, 9),
        RefusalCode.UNKNOWN_VALUE,
        Field.MODE,
        9,
    ),
    _case(
        "an unknown mass unit",
        "MSG-04",
        (OPEN,),
        _stage_with(2, 0),
        RefusalCode.UNKNOWN_VALUE,
        Field.MASS_UNIT,
        0,
    ),
    _case(
        "a list that promises a bridge which is not there",
        "MSG-05",
        (OPEN,),
        _stage_with(len(_STAGE) - 1, 1),
        RefusalCode.MALFORMED,
        Field.PAYLOAD,
        len(_STAGE),
    ),
    _case(
        "an eighth day of the week",
        "MSG-12",
        (OPEN,),
        _stage_with(_DAYS_AT + 1, 0x9F, payload=_STAGE_FLEX),
        RefusalCode.UNKNOWN_VALUE,
        Field.WEEKDAYS,
        0x9F,
    ),
    _case(
        "an unknown decision about the bridge",
        "MSG-04",
        (OPEN,),
        _stage_with(_DAYS_AT + 3, 3),
        RefusalCode.UNKNOWN_VALUE,
        Field.BRIDGE,
        3,
    ),
    _case(
        "a bolus of an unknown kind",
        "MSG-04",
        (OPEN,),
        raw(MessageType.ORDER_BOLUS, 2, bytes(8) + b"\x06" + bytes(20)),
        RefusalCode.UNKNOWN_VALUE,
        Field.BOLUS_KIND,
        6,
    ),
    _case(
        "a note that is not UTF-8",
        "MSG-05",
        (OPEN,),
        raw(MessageType.WRITE_NOTE, 2, b"\x01\xff"),
        RefusalCode.MALFORMED,
        Field.NOTE,
    ),
    _case(
        "an alarm that only the log knows",
        "MSG-04",
        (OPEN,),
        raw(MessageType.SILENCE_ALARM, 2, b"\x0c" + bytes(4)),
        RefusalCode.UNKNOWN_VALUE,
        Field.ALARM,
        12,
    ),
    _case(
        "an unknown alarm",
        "MSG-04",
        (OPEN,),
        raw(MessageType.ACKNOWLEDGE_ALARM, 2, b"\x06"),
        RefusalCode.UNKNOWN_VALUE,
        Field.ALARM,
        6,
    ),
    _case(
        "an unknown slot",
        "MSG-04",
        (OPEN,),
        raw(MessageType.READ_PRESCRIPTION, 2, b"\x03"),
        RefusalCode.UNKNOWN_VALUE,
        Field.SLOT,
        3,
    ),
    _case(
        "an unknown alarm class",
        "MSG-04",
        (OPEN,),
        raw(MessageType.TEST_ALARM, 2, b"\x00"),
        RefusalCode.UNKNOWN_VALUE,
        Field.ALARM_CLASS,
        0,
    ),
    PumpCase("a response sent to a pump", "LINK-11", (OPEN,), framed(m.LinkClosed(), 2), None),
    PumpCase("a refusal sent to a pump", "LINK-11", (OPEN,), raw(0xFF, 2, b""), None),
    PumpCase("a frame with a flipped bit", "FRAME-12", (OPEN,), flipped(A, 100), None),
)


# --- Responses: what a programmer makes of them --------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProgrammerCase:
    """What a programmer that waits for the answer to `request` makes of `receive`."""

    name: str
    clause: str
    request: bytes
    receive: bytes
    verdict: str


ANSWERED: Final = "answered"
REFUSED: Final = "refused"
IGNORED: Final = "ignored: go on waiting"
GARBLED: Final = "garbled: the exchange ends, its outcome is unknown"

_ASKED: Final = framed(m.SetClock(5), 2)
_ANSWER: Final = m.ClockSet(0, 5)


def _refusal(request_type: MessageType, *reasons: m.Reason) -> bytes:
    return framed(m.Refusal(request_type, reasons), 2)


PROGRAMMER_CASES: Final = tuple(
    ProgrammerCase(name, clause, _ASKED, receive, verdict)
    for name, clause, receive, verdict in (
        ("the answer", "SEQ-02", framed(_ANSWER, 2), ANSWERED),
        ("a frame with a flipped bit", "FRAME-12", flipped(framed(_ANSWER, 2), 99), IGNORED),
        ("our own request", "LINK-11", _ASKED, IGNORED),
        ("the answer to an earlier request", "SEQ-08", framed(_ANSWER, 1), IGNORED),
        ("the answer to a later request", "SEQ-08", framed(_ANSWER, 3), IGNORED),
        ("the answer in another link", "SEQ-08", framed(_ANSWER, 2, OTHER_LINK_ID), IGNORED),
        ("an answer in another version", "SEQ-09", framed(_ANSWER, 2, version=2), GARBLED),
        ("an answer too short", "SEQ-09", raw(MessageType.CLOCK_SET, 2, bytes(15)), GARBLED),
        ("an answer too long", "SEQ-09", raw(MessageType.CLOCK_SET, 2, bytes(17)), GARBLED),
        ("an answer of an unknown type", "SEQ-09", raw(0xFE, 2, b""), GARBLED),
        ("the answer to another kind of request", "SEQ-09", framed(m.LinkClosed(), 2), GARBLED),
        ("a refusal without a reason", "REF-02", _refusal(MessageType.SET_CLOCK), GARBLED),
        (
            "a refusal of another kind of request",
            "REF-02",
            _refusal(MessageType.ABORT_BOLUS, m.Reason(RefusalCode.NO_BOLUS, Field.NONE)),
            GARBLED,
        ),
        (
            "a refusal",
            "REF-01",
            _refusal(
                MessageType.SET_CLOCK,
                m.Reason(RefusalCode.OUT_OF_RANGE, Field.CLOCK, 5, 864_000_000),
            ),
            REFUSED,
        ),
    )
)
