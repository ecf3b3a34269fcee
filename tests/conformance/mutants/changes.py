"""Ways to make the pump of a test wrong in one way, for the mutants of several modules."""

from collections.abc import Callable
from dataclasses import replace
from struct import Struct
from typing import Any

import pytest

from pump_protocol import messages as m
from pump_protocol import pump_end
from pump_protocol.codes import (
    CRC_BYTES,
    ENVELOPE_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    SEALED_BIT,
    START,
    MessageType,
)
from pump_protocol.codes import RefusalCode as WireCode
from pump_protocol.crc import frame_check, header_check
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder
from pump_protocol.payloads import prescription_digest
from pump_protocol.pump_end import PumpEnd
from pump_sim import telemetry, wire_values
from pump_sim.model import prescription, rules
from pump_sim.model.firmware import prescribing
from pump_sim.model.prescription import DoseTotals, Prescription
from pump_sim.model.refusals import Field, Reason, RefusalCode
from pump_sim.telemetry import Telemetry
from tests.conformance.pumps import InProcessPump

_HEADER = Struct("<2sBBQIHH")
_U32 = Struct("<I")

Change = Callable[..., Any]
Reasons = tuple[Reason, ...]

# --- Methods, and functions of a module ----------------------------------------------------------


def around(patch: pytest.MonkeyPatch, owner: Any, name: str) -> Callable[[Change], Change]:
    """Put a function in the place of a method, or of a name of a module.

    It is given what was there before, and then what that would have been given.
    """
    before = getattr(owner, name)

    def put(change: Change) -> Change:
        patch.setattr(owner, name, lambda *given, **named: change(before, *given, **named))
        return change

    return put


# --- Answers -------------------------------------------------------------------------------------


def answering(
    patch: pytest.MonkeyPatch, request_class: type[m.Request[Any]]
) -> Callable[[Change], Change]:
    """Put a function in the place of what answers a request.

    It is given what answered before, and then what that would have been given: the telemetry, the
    request, and the event of its arrival.
    """
    before = telemetry._HANDLERS[request_class]

    def put(change: Change) -> Change:
        patch.setitem(telemetry._HANDLERS, request_class, lambda *given: change(before, *given))
        return change

    return put


def telling(patch: pytest.MonkeyPatch) -> Callable[[Change], Change]:
    """Put a function behind every interrogation, which alters what the pump tells."""

    def put(change: Callable[[Telemetry, m.StatusReport], m.StatusReport]) -> Change:
        @answering(patch, m.Interrogate)
        def interrogate(ordinary, pump, request, event):
            ordinary(pump, request, event)
            return change(pump, pump._status_report())

        return change

    return put


# --- Refusals ------------------------------------------------------------------------------------


def refuse_as(
    patch: pytest.MonkeyPatch, code: WireCode, change: Callable[[m.Reason], m.Reason]
) -> None:
    """Have what the link's end refuses with *code* refused with another reason."""

    @around(patch, PumpEnd, "_refuse")
    def refuse(ordinary, end, frame, reason):
        ordinary(end, frame, change(reason) if reason.code is code else reason)


def forget_request(patch: pytest.MonkeyPatch, message_type: MessageType) -> None:
    """Have a type of request unknown to the pump."""

    @around(patch, pump_end, "decode_request")
    def decode_request(ordinary, told, payload):
        return ordinary(0x7F if told == message_type else told, payload)

    refuse_as(patch, WireCode.UNKNOWN_MESSAGE, lambda reason: replace(reason, value=message_type))


def free_number_again(end: PumpEnd, before: int) -> None:
    """Forget that a number was used up, and by what."""
    end._sequence = before
    end._last = None


# --- Prescriptions -------------------------------------------------------------------------------


def without(reasons: Reasons, code: RefusalCode, field: Field) -> Reasons:
    """The reasons but for one."""
    return tuple(each for each in reasons if (each.code, each.field) != (code, field))


def pass_over(
    patch: pytest.MonkeyPatch, module: object, check: str, code: RefusalCode, field: Field
) -> None:
    """Have a check of prescriptions pass over one thing that is wrong."""

    @around(patch, module, check)
    def checked(ordinary, *given):
        return without(ordinary(*given), code, field)


def move_limits(
    patch: pytest.MonkeyPatch, field: Field, low: int, high: int, *, module: object = rules
) -> None:
    """Have the limits of a field of a prescription moved by so much, where *module* checks it."""

    @around(patch, module, "out_of_range")
    def out_of_range(ordinary, of, value, minimum, maximum):
        if of is field:
            minimum, maximum = minimum + low, maximum + high
        return ordinary(of, value, minimum, maximum)


def reckon_totals(
    patch: pytest.MonkeyPatch, reckon: Callable[[Prescription, DoseTotals], DoseTotals]
) -> None:
    """Have the dose totals reckoned otherwise, everywhere in the pump."""
    right = prescription.dose_totals
    for module in (rules, prescribing, wire_values):
        patch.setattr(module, "dose_totals", lambda plan: reckon(plan, right(plan)))


def digest_of_pending(pump: Telemetry) -> bytes:
    """The digest with which what is pending can be committed."""
    pending = pump._firmware.pending
    assert pending is not None
    version = pump._firmware.prescription_version + 1
    return prescription_digest(version, wire_values.prescription_out(pending))


def commit_as(patch: pytest.MonkeyPatch, wanted: Callable[[Telemetry, bytes], bytes]) -> None:
    """Have a commit carried out as if it had another digest."""

    @answering(patch, m.CommitPrescription)
    def commit(ordinary, pump, request, event):
        return ordinary(pump, replace(request, digest=wanted(pump, request.digest)), event)


# --- Frames --------------------------------------------------------------------------------------


class PartedDecoder(FrameDecoder):
    """Right as it stands; noise is dropped without being told.

    Its base holds back what is in ``_held``, and finds what a half frame had swallowed.
    """

    after_wrong_header = len(START)
    """How many bytes are dropped then."""

    def feed(self, data: bytes) -> list[Frame | CorruptFrame]:
        self._held += data
        found: list[Frame | CorruptFrame] = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def _next(self) -> Frame | None:
        while True:
            self._held = self.from_marker(self._held)
            held = self._held
            if len(held) < HEADER_BYTES:
                return None
            _, version, message_type, link_id, sequence, length, check = _HEADER.unpack_from(held)
            length = self.length(length)
            if length > self.longest(version) or not self.header_is_right(held[:18], check):
                self._held = held[self.after_wrong_header :]
                continue
            size = HEADER_BYTES + length + CRC_BYTES
            if len(held) < size:
                return None
            if not self.frame_is_right(held[: size - CRC_BYTES], held[size - CRC_BYTES : size]):
                self._held = held[self.after_wrong_frame(size) :]
                continue
            self._held = held[size:]
            payload = held[HEADER_BYTES : HEADER_BYTES + length]
            return Frame(message_type, link_id, sequence, payload, version)

    def from_marker(self, held: bytes) -> bytes:
        """What is held from the next marker on, or from a byte that may become one."""
        at = held.find(START)
        if at >= 0:
            return held[at:]
        return START[:1] if held[-1:] == START[:1] else b""

    def length(self, told: int) -> int:
        """The length that the header tells."""
        return told

    def longest(self, version: int) -> int:
        """The greatest length that a frame of that version may have."""
        return MAX_PAYLOAD_BYTES + (ENVELOPE_BYTES if version & SEALED_BIT else 0)

    def header_is_right(self, header: bytes, check: int) -> bool:
        """Whether the check of a header is right."""
        return header_check(header) == check

    def frame_is_right(self, body: bytes, check: bytes) -> bool:
        """Whether the check of a frame is right."""
        return _U32.pack(frame_check(body)) == check

    def after_wrong_frame(self, size: int) -> int:
        """How many bytes of a frame of that size are dropped if its check is wrong."""
        return len(START)


def decode_with(pump: InProcessPump, decoder: type[FrameDecoder]) -> None:
    """Have the pump look for frames in another way."""
    pump.alter(lambda endpoint: setattr(endpoint._session, "_decoder", decoder()))
