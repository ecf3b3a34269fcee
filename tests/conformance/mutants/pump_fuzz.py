"""Pumps that give way to what nobody would send on purpose."""

from collections import deque

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from pump_protocol import guard, pump_end
from pump_protocol.codes import COUNTER_BYTES, TAG_BYTES, MessageType
from pump_protocol.envelope import Envelope
from pump_protocol.errors import MalformedPayload, NotAuthentic
from pump_protocol.frames import Frame
from pump_protocol.messages import Request, Response
from pump_protocol.payloads import decode_request
from pump_protocol.pump_end import PumpEnd
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


@pump_mutant("reads-as-much-as-it-knows", caught_by="fuzz/unreadable-payloads")
def reads_as_much_as_it_knows(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is left over at the end of a payload is ignored."""

    def decoded(message_type: int, payload: bytes) -> Request[Response]:
        for size in range(len(payload), 0, -1):
            try:
                return decode_request(message_type, payload[:size])
            except MalformedPayload:
                continue
        return decode_request(message_type, payload)

    patch.setattr(pump_end, "decode_request", decoded)


@pump_mutant("takes-missing-bytes-for-zero", caught_by="fuzz/unreadable-payloads")
def takes_missing_bytes_for_zero(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A payload that is a little too short is read as if zeros followed."""

    def decoded(message_type: int, payload: bytes) -> Request[Response]:
        for missing in range(4):
            try:
                return decode_request(message_type, payload + bytes(missing))
            except MalformedPayload:
                continue
        return decode_request(message_type, payload)

    patch.setattr(pump_end, "decode_request", decoded)


class _Trusting(Envelope):
    """Opens whatever has a new counter."""

    def __init__(self, *, sending: bytes, receiving: bytes) -> None:
        super().__init__(sending=sending, receiving=receiving)
        self._key = receiving

    def open(self, frame: Frame) -> bytes:
        try:
            return super().open(frame)
        except NotAuthentic as error:
            if error.counter is None or error.counter < self.next_received:
                raise
            self._next_received = error.counter + 1
            counter = frame.payload[:COUNTER_BYTES]
            nonce = (1).to_bytes(4, "little") + bytes(4) + counter
            cipher = Cipher(algorithms.ChaCha20(self._key, nonce), mode=None)
            return cipher.decryptor().update(frame.payload[COUNTER_BYTES:-TAG_BYTES])


@pump_mutant("tag-not-looked-at", caught_by="fuzz/sealed-frames")
def tag_not_looked_at(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Sealed frames are decrypted; whether their tag is right is not looked at."""
    patch.setattr(guard, "Envelope", _Trusting)


@pump_mutant("remembers-counters-it-did-not-believe", caught_by="fuzz/sealed-frames")
def remembers_counters_it_did_not_believe(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The counter of a forged frame is kept, so that good ones are too old behind it."""

    class Remembering(Envelope):
        def open(self, frame: Frame) -> bytes:
            try:
                return super().open(frame)
            except NotAuthentic as error:
                self._next_received = max(self._next_received, (error.counter or 0) + 1)
                raise

    patch.setattr(guard, "Envelope", Remembering)


@pump_mutant("silent-to-strangers", caught_by="fuzz/frames-outside")
def silent_to_strangers(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A request of a type that nobody knows, outside any link, is not answered."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        known = frame.message_type in set(MessageType)
        if known or frame.link_id == self.link_id:
            judge(self, frame)


@pump_mutant("stops-after-many-refusals", caught_by="fuzz/frames-outside")
def stops_after_many_refusals(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """After 200 refusals nothing is refused any more: a list is full."""
    count = [0]

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        count[0] += 1
        if count[0] <= 200:
            refuse(self, frame, reason)


@pump_mutant("old-numbers-are-new-again", caught_by="fuzz/sequence-numbers")
def old_numbers_are_new_again(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A number that lies far below the last one is taken for a new beginning."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(in_link, self, frame):
        if frame.sequence < self._sequence - 500:
            self._sequence = -1
        in_link(self, frame)


@pump_mutant("remembers-two-links", caught_by="fuzz/links", authenticated=False)
def remembers_two_links(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The ids of two links that ended are remembered."""
    pump.alter(lambda endpoint: setattr(endpoint._session._end, "_retired", deque(maxlen=2)))


@pump_mutant("refuses-what-it-cannot-name", caught_by="fuzz/frames-outside", authenticated=False)
def refuses_what_it_cannot_name(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A refusal names the type of the request, or 0 where that is none that it knows."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        known = frame.message_type in set(MessageType)
        refuse(self, frame if known else _unnamed(frame), reason)


def _unnamed(frame: Frame) -> Frame:
    return Frame(0, frame.link_id, frame.sequence, frame.payload, frame.version)
