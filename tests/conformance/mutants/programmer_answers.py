"""Programmers that take answers in a wrong way: whose they are, whether they are whole, what they
say."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from pump_programmer import link, reader
from pump_programmer.conversation import Conversation
from pump_programmer.errors import OutcomeUnknown, PumpRefused, WrongPeer
from pump_programmer.link import Link
from pump_programmer.reader import Reader
from pump_protocol import events as ev
from pump_protocol import programmer_end
from pump_protocol.codes import (
    HEADER_BYTES,
    PROTOCOL_VERSION,
    RESPONSE_BIT,
    START,
    AlarmFlag,
    MessageType,
)
from pump_protocol.errors import MalformedPayload
from pump_protocol.frames import CorruptFrame, Corruption, Frame, FrameDecoder, closed, frame_bytes
from pump_protocol.messages import OrderBolus, Refusal, Request, Response, StatusReport
from pump_protocol.payloads import decode_response
from pump_protocol.programmer_end import ProgrammerEnd, _Exchange
from pump_protocol.session import Session
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import programmer_mutant


def judging(
    patch: pytest.MonkeyPatch,
    before: Callable[[ProgrammerEnd, Frame, _Exchange], Frame | None],
) -> None:
    """Have each frame looked at while an answer is waited for; None if that is all about it."""

    @around(patch, ProgrammerEnd, "judge")
    def judged(judge, self, frame):
        exchange = self._exchange
        taken = frame if exchange is None else before(self, frame, exchange)
        if taken is not None:
            judge(self, taken)


def decoding(patch: pytest.MonkeyPatch, decode: Callable[[int, bytes], Response]) -> None:
    """Have payloads of answers read in another way."""
    patch.setattr(programmer_end, "decode_response", decode)


def finding_frames(patch: pytest.MonkeyPatch, decoder: type[FrameDecoder]) -> None:
    """Have frames found in another way."""

    class Finding(Session):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self._decoder = decoder()

    patch.setattr(link, "Session", Finding)


# --- Whose answer it is --------------------------------------------------------------------------


@programmer_mutant("any-link", caught_by="programmer-answers/other-link", authenticated=False)
def any_link(patch: pytest.MonkeyPatch) -> None:
    """It does not look at the link id of an answer."""
    judging(patch, lambda end, frame, exchange: replace(frame, link_id=exchange.link_id))


@programmer_mutant(
    "any-sequence", caught_by="programmer-answers/other-sequence", authenticated=False
)
def any_sequence(patch: pytest.MonkeyPatch) -> None:
    """It does not look at the sequence number of an answer."""
    judging(patch, lambda end, frame, exchange: replace(frame, sequence=exchange.sequence))


@programmer_mutant(
    "any-earlier-sequence", caught_by="programmer-answers/doubled", authenticated=False
)
def any_earlier_sequence(patch: pytest.MonkeyPatch) -> None:
    """An answer under the number of the request before will do as well."""

    def near(end: ProgrammerEnd, frame: Frame, exchange: _Exchange) -> Frame:
        last = frame.sequence == exchange.sequence - 1
        return replace(frame, sequence=exchange.sequence) if last else frame

    judging(patch, near)


@programmer_mutant("orders-anew-when-late", caught_by="programmer-answers/late")
def orders_anew_when_late(patch: pytest.MonkeyPatch) -> None:
    """What is not answered in half a second is ordered anew, under the next number."""

    @around(patch, Link, "exchange")
    def asking(exchange, self, request, *, attempts=None):
        once = 1 if isinstance(request, OrderBolus) else attempts
        return exchange(self, request, attempts=once)

    @around(patch, Conversation, "_order")
    def ordering(order, self, make, repeated):
        try:
            return order(self, make, repeated)
        except OutcomeUnknown:
            return order(self, make, repeated)


@programmer_mutant("minds-its-echo", caught_by="programmer-answers/echo")
def minds_its_echo(patch: pytest.MonkeyPatch) -> None:
    """Its own request that comes back ends the exchange."""

    def stop(end: ProgrammerEnd, frame: Frame, exchange: _Exchange) -> Frame | None:
        if frame.message_type >= RESPONSE_BIT:
            return frame
        end._end_exchange(ev.ResponseGarbled("a request came"))
        return None

    judging(patch, stop)


@programmer_mutant("answers-requests", caught_by="programmer-answers/requests-of-a-pump")
def answers_requests(patch: pytest.MonkeyPatch) -> None:
    """A request is refused: this end carries out none."""

    def refuse(end: ProgrammerEnd, frame: Frame, exchange: _Exchange) -> Frame | None:
        if frame.message_type < RESPONSE_BIT:
            end.outgoing.append(
                frame_bytes(MessageType.REFUSAL, frame.link_id, frame.sequence, b"")
            )
        return frame

    judging(patch, refuse)


@programmer_mutant("minds-sealed-frames", caught_by="programmer-answers/sealed-to-plain")
def minds_sealed_frames(patch: pytest.MonkeyPatch) -> None:
    """A sealed frame ends an exchange that was plain."""

    def stop(end: ProgrammerEnd, frame: Frame, exchange: _Exchange) -> Frame | None:
        if exchange.sealed or not frame.sealed:
            return frame
        end._end_exchange(ev.ResponseGarbled("a sealed answer"))
        return None

    judging(patch, stop)


# --- Where frames are ----------------------------------------------------------------------------


class _WholeReads(FrameDecoder):
    """Takes the borders of its reads for those of frames."""

    def feed(self, data: bytes) -> list[Frame | CorruptFrame]:
        found = FrameDecoder().feed(data)
        return found or [CorruptFrame(Corruption.TRUNCATED, len(data))]


@programmer_mutant("a-read-is-a-frame", caught_by="programmer-answers/byte-by-byte")
def a_read_is_a_frame(patch: pytest.MonkeyPatch) -> None:
    """What one read gives is a frame, or nothing."""
    finding_frames(patch, _WholeReads)


class _FirstMarker(FrameDecoder):
    """Gives up where the first bytes are no good frame."""

    def feed(self, data: bytes) -> list[Frame | CorruptFrame]:
        found = FrameDecoder().feed(data)
        return found if found and isinstance(found[0], Frame) else found[:1]


@programmer_mutant("gives-up-after-noise", caught_by="programmer-answers/noise-before")
def gives_up_after_noise(patch: pytest.MonkeyPatch) -> None:
    """What comes behind noise in the same read is noise as well."""
    finding_frames(patch, _FirstMarker)


class _Patient(FrameDecoder):
    """Waits for the rest of a frame for ever."""

    @property
    def waiting(self) -> bool:
        return False

    def expire(self) -> list[Frame | CorruptFrame]:
        return []


@programmer_mutant("waits-for-the-rest", caught_by="programmer-answers/half-a-frame-before")
def waits_for_the_rest(patch: pytest.MonkeyPatch) -> None:
    """Half a frame is never given up."""
    finding_frames(patch, _Patient)


class _Trusting(FrameDecoder):
    """Believes the check of every frame."""

    def feed(self, data: bytes) -> list[Frame | CorruptFrame]:
        if data.startswith(START) and len(data) > HEADER_BYTES:
            data = closed(data[: HEADER_BYTES - 2], data[HEADER_BYTES:-4])
        return super().feed(data)


@programmer_mutant(
    "believes-any-check", caught_by="programmer-answers/damaged", authenticated=False
)
def believes_any_check(patch: pytest.MonkeyPatch) -> None:
    """It does not look at the check of a frame."""
    finding_frames(patch, _Trusting)


class _Hasty(FrameDecoder):
    """Makes a frame of half of one."""

    def feed(self, data: bytes) -> list[Frame | CorruptFrame]:
        found = super().feed(data)
        if not found and len(data) > HEADER_BYTES and data.startswith(START):
            header = FrameDecoder().feed(closed(data[: HEADER_BYTES - 4] + b"\0\0", b""))
            return found + header
        return found


@programmer_mutant(
    "takes-the-half", caught_by="programmer-answers/half-then-whole", authenticated=False
)
def takes_the_half(patch: pytest.MonkeyPatch) -> None:
    """A header is enough of an answer to say that it was a refusal."""
    finding_frames(patch, _Hasty)

    @around(patch, ProgrammerEnd, "_read_response")
    def reading(read, self, frame, exchange):
        if frame.payload:
            return read(self, frame, exchange)
        return ev.RefusalReceived(Refusal(exchange.request.message_type, ()), 1)


# --- What it says --------------------------------------------------------------------------------


@programmer_mutant("any-length", caught_by="programmer-answers/garbled-length")
def any_length(patch: pytest.MonkeyPatch) -> None:
    """Bytes behind an answer do not matter."""

    def decode(message_type: int, payload: bytes) -> Response:
        try:
            return decode_response(message_type, payload)
        except MalformedPayload:
            return decode_response(message_type, payload[:-1])

    decoding(patch, decode)


@programmer_mutant("any-type", caught_by="programmer-answers/garbled-type")
def any_type(patch: pytest.MonkeyPatch) -> None:
    """What is no refusal is the answer to what was asked."""

    def decode(message_type: int, payload: bytes) -> Response:
        if message_type == MessageType.PATIENT_BOLUS_STARTED:
            return decode_response(MessageType.BOLUS_ORDERED, payload[:-9])
        return decode_response(message_type, payload)

    decoding(patch, decode)


def _reading_refusals(
    patch: pytest.MonkeyPatch, fits: Callable[[Refusal, Request[Response]], bool]
) -> None:

    @around(patch, ProgrammerEnd, "_read_refusal")
    def reading(read, self, refusal, exchange):
        if fits(refusal, exchange.request):
            return ev.RefusalReceived(refusal, exchange.attempts)
        return read(self, refusal, exchange)


@programmer_mutant("no-reason-needed", caught_by="programmer-answers/refusal-without-reasons")
def no_reason_needed(patch: pytest.MonkeyPatch) -> None:
    """A refusal without a reason is one."""
    _reading_refusals(patch, lambda refusal, request: not refusal.reasons)


@programmer_mutant("refusal-of-anything", caught_by="programmer-answers/refusal-of-another")
def refusal_of_anything(patch: pytest.MonkeyPatch) -> None:
    """It does not look at what was refused."""
    _reading_refusals(patch, lambda refusal, request: refusal.request_type != request.message_type)


@programmer_mutant("guesses-codes", caught_by="programmer-answers/refusal-with-unknown-code")
def guesses_codes(patch: pytest.MonkeyPatch) -> None:
    """A reason that it does not know is that something is out of range."""

    def decode(message_type: int, payload: bytes) -> Response:
        if message_type == MessageType.REFUSAL:
            payload = payload.replace(b"\xc8", b"\x10")
        return decode_response(message_type, payload)

    decoding(patch, decode)


@programmer_mutant("guesses-the-mode", caught_by="programmer-answers/garbled-status")
def guesses_the_mode(patch: pytest.MonkeyPatch) -> None:
    """A mode that it does not know is the usual one."""

    def decode(message_type: int, payload: bytes) -> Response:
        if message_type == MessageType.STATUS_REPORT and payload[28] > 4:
            payload = payload[:28] + b"\x02" + payload[29:]
        return decode_response(message_type, payload)

    decoding(patch, decode)


@programmer_mutant(
    "any-version-of-answers", caught_by="programmer-answers/answer-of-another-version"
)
def any_version_of_answers(patch: pytest.MonkeyPatch) -> None:
    """It does not look at the version of an answer."""
    judging(
        patch,
        lambda end, frame, exchange: (
            frame if frame.sealed else replace(frame, version=PROTOCOL_VERSION)
        ),
    )


@programmer_mutant("asks-until-it-fits", caught_by="programmer-answers/survives-anything")
def asks_until_it_fits(patch: pytest.MonkeyPatch) -> None:
    """Who gives a garbled answer is asked again, until it is none."""

    @around(patch, Link, "exchange")
    def asking(exchange, self, request, *, attempts=None):
        while True:
            try:
                return exchange(self, request, attempts=attempts)
            except WrongPeer:
                continue


@programmer_mutant("knows-all-flags", caught_by="programmer-answers/unknown-flags")
def knows_all_flags(patch: pytest.MonkeyPatch) -> None:
    """A flag that it does not know makes an answer garbled."""

    def decode(message_type: int, payload: bytes) -> Response:
        response = decode_response(message_type, payload)
        if isinstance(response, StatusReport):
            for record in response.alarms:
                if int(record.flags) & ~sum(AlarmFlag):
                    raise MalformedPayload("unknown flag", 0, 0)  # type: ignore[arg-type]
        return response

    decoding(patch, decode)


# --- Refusals, links, time and logs --------------------------------------------------------------


@programmer_mutant("tries-again", caught_by="programmer-answers/refused")
def tries_again(patch: pytest.MonkeyPatch) -> None:
    """An order that was refused is given once more, under the next number."""

    @around(patch, Conversation, "_order")
    def ordering(order, self, make, repeated):
        try:
            return order(self, make, repeated)
        except PumpRefused:
            return order(self, make, repeated)


@programmer_mutant("unsure-of-refusals", caught_by="programmer-answers/says-refused")
def unsure_of_refusals(patch: pytest.MonkeyPatch) -> None:
    """Of an order that was refused it says that something went wrong."""

    @around(patch, Conversation, "_order")
    def ordering(order, self, make, repeated):
        try:
            return order(self, make, repeated)
        except PumpRefused as refused:
            raise WrongPeer("something went wrong") from refused


@programmer_mutant("stays-in-its-link", caught_by="programmer-answers/link-not-open")
def stays_in_its_link(patch: pytest.MonkeyPatch) -> None:
    """A link that the pump does not know is good for the next request."""
    patch.setattr(programmer_end, "_LOST_CODES", frozenset())


@programmer_mutant("reopens-for-ever", caught_by="programmer-answers/link-not-open-again")
def reopens_for_ever(patch: pytest.MonkeyPatch) -> None:
    """It opens another link as often as the last one was lost."""

    @around(patch, Conversation, "_exchange")
    def asking(exchange, self, make):
        for _ in range(4):
            try:
                return exchange(self, make)
            except PumpRefused:
                continue
        return exchange(self, make)


@programmer_mutant("sure-after-a-repeat", caught_by="programmer-answers/link-not-open-to-a-repeat")
def sure_after_a_repeat(patch: pytest.MonkeyPatch) -> None:
    """An order whose repeat found no link is given again, as if it had been sent once."""

    @around(patch, Link, "exchange")
    def asking(exchange, self, request, *, attempts=None):
        try:
            return exchange(self, request, attempts=attempts)
        except PumpRefused as refused:
            refused.attempts = 1
            raise


@programmer_mutant("one-clock-for-all", caught_by="programmer-answers/hours-between")
def one_clock_for_all(patch: pytest.MonkeyPatch) -> None:
    """A pump whose time runs faster than that of the line is none."""
    seen: list[int] = []

    @around(patch, Reader, "interrogate")
    def interrogating(interrogate, self):
        status = interrogate(self)
        seen.append(status.at_ms)
        if status.at_ms - seen[0] > 60_000:
            raise WrongPeer("the time of the pump has jumped")
        return status


def _paging(patch: pytest.MonkeyPatch, step: int, pages: int) -> None:
    def paged(
        page: Callable[[int, int], Any], first: int, limit: int | None, page_size: int
    ) -> Iterator[Any]:
        at = first
        for _ in range(pages):
            held, entries = page(at, page_size)
            yield from entries
            at += page_size + step
            if not entries or at >= held.next_sequence:
                return

    patch.setattr(reader, "_pages", paged)


@programmer_mutant("first-page-only", caught_by="programmer-answers/whole-log")
def first_page_only(patch: pytest.MonkeyPatch) -> None:
    """One page is the log."""
    _paging(patch, 0, 1)


@programmer_mutant("skips-records", caught_by="programmer-answers/whole-log")
def skips_records(patch: pytest.MonkeyPatch) -> None:
    """A record is left out between two pages."""
    _paging(patch, 1, 100)
