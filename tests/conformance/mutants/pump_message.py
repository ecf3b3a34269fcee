"""Pumps that are wrong about what a request may look like, and about refusals."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pump_protocol import codes, pump_end
from pump_protocol import messages as m
from pump_protocol.codes import Field, MessageType, RefusalCode
from pump_protocol.errors import MalformedPayload
from pump_protocol.pump_end import PumpEnd
from pump_sim import wire_values
from pump_sim.model.events import EventCode
from pump_sim.model.refusals import Refused
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import answering, around, forget_request
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


def _mending(
    patch: pytest.MonkeyPatch, code: RefusalCode, field: Field
) -> Callable[[Callable[[bytes, int | None], bytes]], None]:
    """Have payloads with a certain fault read all the same, after a function has mended them.

    It is given the payload and the value at fault.
    """

    def put(mend: Callable[[bytes, int | None], bytes]) -> None:
        @around(patch, pump_end, "decode_request")
        def decode_request(ordinary, message_type, payload):
            try:
                return ordinary(message_type, payload)
            except MalformedPayload as error:
                if (error.code, error.field) != (code, field):
                    raise
                return ordinary(message_type, mend(payload, error.value))

    return put


# --- Types -------------------------------------------------------------------------------------


@pump_mutant("knows-no-abort", caught_by="message/every-request-known")
def knows_no_abort(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """AbortBolus is a type that nobody knows."""
    forget_request(patch, MessageType.ABORT_BOLUS)


@pump_mutant(
    "knows-no-request-of-patients", caught_by="message/every-request-known", authenticated=False
)
def knows_no_request_of_patients(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """RequestPatientBolus is read, and then said to be unknown."""

    @answering(patch, m.RequestPatientBolus)
    def answer(ordinary, telemetry, request, event):
        kind = request.message_type
        reason = m.Reason(RefusalCode.UNKNOWN_MESSAGE, Field.MESSAGE_TYPE, kind)
        return m.Refusal(kind, (reason,))


# --- Payloads ----------------------------------------------------------------------------------


@pump_mutant("passes-over-what-is-left", caught_by="message/payload-too-long")
def passes_over_what_is_left(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A byte behind the last field is passed over."""
    _mending(patch, RefusalCode.MALFORMED, Field.PAYLOAD)(lambda payload, _: payload[:-1])


@pump_mutant("fills-up-with-zeros", caught_by="message/payload-too-short")
def fills_up_with_zeros(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A payload that is a byte too short is read as if a zero followed."""
    _mending(patch, RefusalCode.MALFORMED, Field.PAYLOAD)(lambda payload, _: payload + b"\0")


@pump_mutant("tells-no-length", caught_by="message/prescription-cut")
def tells_no_length(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The refusal of a payload of the wrong length does not tell its length."""

    @around(patch, pump_end, "Reason")
    def reason(ordinary, code, field, *numbers):
        return ordinary(code, field) if field is Field.PAYLOAD else ordinary(code, field, *numbers)


@pump_mutant("handshake-of-any-role", caught_by="message/handshake-payload")
def handshake_of_any_role(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A role that does not exist counts as the lowest in a handshake."""

    @_mending(patch, RefusalCode.UNKNOWN_VALUE, Field.ROLE)
    def mend(payload: bytes, _: int | None) -> bytes:
        return payload[:8] + b"\x01" + payload[9:]


@pump_mutant("guesses-the-mass-unit", caught_by="message/unknown-mass-unit")
def guesses_the_mass_unit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A mass unit that nobody knows is taken for micrograms."""

    @_mending(patch, RefusalCode.UNKNOWN_VALUE, Field.MASS_UNIT)
    def mend(payload: bytes, _: int | None) -> bytes:
        return payload[:2] + b"\x01" + payload[3:]


@pump_mutant("guesses-the-class", caught_by="message/unknown-code")
def guesses_the_class(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A class of alarms that nobody knows is taken for the critical one."""

    @_mending(patch, RefusalCode.UNKNOWN_VALUE, Field.ALARM_CLASS)
    def mend(payload: bytes, _: int | None) -> bytes:
        return b"\x02" + payload[1:]


@pump_mutant("drops-the-eighth-weekday", caught_by="message/eighth-weekday")
def drops_the_eighth_weekday(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bit that no weekday has is passed over, as in other sets of flags."""

    @_mending(patch, RefusalCode.UNKNOWN_VALUE, Field.WEEKDAYS)
    def mend(payload: bytes, value: int | None) -> bytes:
        assert value is not None
        return payload.replace(bytes((value, 1)), bytes((value & 0x7F, 1)))


@pump_mutant("reads-any-text", caught_by="message/text-not-utf8")
def reads_any_text(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is no UTF-8 in a note is kept as question marks."""

    @_mending(patch, RefusalCode.MALFORMED, Field.NOTE)
    def mend(payload: bytes, _: int | None) -> bytes:
        return payload[:1] + b"?" * payload[0]


@pump_mutant("reads-as-much-as-there-is", caught_by="message/count-too-great")
def reads_as_much_as_there_is(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A note whose count promises more bytes than there are ends where they end."""

    @around(patch, pump_end, "decode_request")
    def decode_request(ordinary, message_type, payload):
        if message_type == MessageType.WRITE_NOTE and payload:
            payload = bytes((min(payload[0], len(payload) - 1),)) + payload[1:]
        return ordinary(message_type, payload)


@pump_mutant("silent-to-unknown-types", caught_by="message/unknown-type", authenticated=False)
def silent_to_unknown_types(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A request of an unknown type is not answered."""

    @around(patch, PumpEnd, "_refuse")
    def refuse(ordinary, end, frame, reason):
        if reason.code is not RefusalCode.UNKNOWN_MESSAGE:
            ordinary(end, frame, reason)


@pump_mutant("measures-before-it-reads", caught_by="message/first-fault")
def measures_before_it_reads(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A byte too many is seen before the codes of the fields."""

    @around(patch, pump_end, "decode_request")
    def decode_request(ordinary, message_type, payload):
        if message_type == MessageType.SET_ALARM_INTERVAL and len(payload) > 5:
            raise MalformedPayload("too long", RefusalCode.MALFORMED, Field.PAYLOAD, len(payload))
        return ordinary(message_type, payload)


@pump_mutant("reads-before-it-counts", caught_by="message/order-of-checks")
def reads_before_it_counts(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The payload is judged before the sequence number."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judge_in_link(ordinary, end, frame):
        known = frame.message_type in m.REQUESTS
        if not known or end._decode(frame) is not None:
            ordinary(end, frame)


# --- Refusals ----------------------------------------------------------------------------------


@pump_mutant("first-reason-only", caught_by="refusal/every-reason")
def first_reason_only(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A refusal gives the first reason and no other."""
    patch.setattr(codes, "MAX_REASONS", 1)


@pump_mutant("measures-what-it-cannot-print", caught_by="refusal/meaningless-reasons")
def measures_what_it_cannot_print(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The length of a drug's name is judged though the name is unprintable."""

    @around(patch, Telemetry, "answer")
    def answer(ordinary, telemetry, *given):
        told = ordinary(telemetry, *given)
        unprintable = m.Reason(RefusalCode.UNKNOWN_VALUE, Field.DRUG_NAME)
        if isinstance(told, m.Refusal) and unprintable in told.reasons:
            length = m.Reason(RefusalCode.OUT_OF_RANGE, Field.DRUG_NAME, 33, 1, 32)
            told = replace(told, reasons=(*told.reasons, length))
        return told


@pump_mutant("keeps-what-would-agree", caught_by="refusal/numbers")
def keeps_what_would_agree(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A MISMATCH does not tell what would agree."""

    @around(patch, wire_values, "reason_out")
    def reason_out(ordinary, reason):
        told = ordinary(reason)
        if told.code is RefusalCode.MISMATCH:
            return replace(told, minimum=None, maximum=None)
        return told


@pump_mutant("saturates-numbers", caught_by="refusal/numbers")
def saturates_numbers(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A number that fits no i64 is told as the greatest that does."""

    @around(patch, wire_values, "_i64")
    def i64(ordinary, value):
        return ordinary(value if value is None else min(value, 2**63 - 1))


@pump_mutant("refused-stage-drops-the-pending", caught_by="refusal/changes-nothing")
def refused_stage_drops_the_pending(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A prescription that is refused takes the place of the pending one first."""

    @answering(patch, m.StagePrescription)
    def stage(ordinary, telemetry, request, event):
        try:
            return ordinary(telemetry, request, event)
        except Refused:
            telemetry._firmware.drop_pending(EventCode.ROLLED_BACK)
            raise


@pump_mutant("tells-the-digest", caught_by="refusal/stale-digest")
def tells_the_digest(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The refusal of a stale digest tells the beginning of it as a value."""

    @around(patch, Telemetry, "answer")
    def answer(ordinary, telemetry, *given):
        told = ordinary(telemetry, *given)
        if isinstance(told, m.Refusal) and RefusalCode.STALE_DIGEST in told.codes:
            told = replace(told, reasons=(replace(told.reasons[0], value=0),))
        return told
