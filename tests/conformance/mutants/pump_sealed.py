"""Pumps that are wrong about sealed frames: what they believe, and what they answer."""

from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from pump_protocol import guard
from pump_protocol.codes import Field, MessageType, RefusalCode
from pump_protocol.envelope import SEALED_VERSION, Envelope
from pump_protocol.errors import NotAuthentic
from pump_protocol.frames import Frame, closed, header_bytes
from pump_protocol.messages import OrderBolus, Reason
from pump_protocol.pump_end import PumpEnd
from pump_protocol.states import LinkState, LinkTrigger
from pump_sim.model.firmware.order_memory import OrderMemory
from tests.conformance.mutants.changes import answering, around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


class Sealing(Envelope):
    """An envelope made again, of which a mutant can alter each part."""

    def __init__(self, *, sending: bytes, receiving: bytes) -> None:
        super().__init__(sending=sending, receiving=receiving)
        self.sending_key, self.receiving_key = sending, receiving

    def nonce(self, counter: int) -> bytes:
        return bytes(4) + counter.to_bytes(8, "little")

    def associated(self, header: bytes, told: bytes) -> bytes:
        return header + told

    def sealed(
        self, counter: int, message_type: int, link_id: int, sequence: int, payload: bytes
    ) -> bytes:
        header = header_bytes(message_type, link_id, sequence, len(payload) + 24, SEALED_VERSION)
        told = counter.to_bytes(8, "little")
        cipher = ChaCha20Poly1305(self.sending_key)
        body = cipher.encrypt(self.nonce(counter), payload, self.associated(header, told))
        return closed(header, told + body)

    def seal(self, message_type: int, link_id: int, sequence: int, payload: bytes) -> bytes:
        counter = self._next_sent
        self._next_sent += 1
        return self.sealed(counter, message_type, link_id, sequence, payload)

    def open(self, frame: Frame) -> bytes:
        if len(frame.payload) < 24:
            raise NotAuthentic("too short to be sealed", None)
        told = frame.payload[:8]
        counter = int.from_bytes(told, "little")
        self.check(counter)
        header = header_bytes(
            frame.message_type, frame.link_id, frame.sequence, len(frame.payload), SEALED_VERSION
        )
        try:
            cipher = ChaCha20Poly1305(self.receiving_key)
            body = frame.payload[8:]
            payload = cipher.decrypt(self.nonce(counter), body, self.associated(header, told))
        except InvalidTag:
            payload = self.forged(counter, frame)
        self._next_received = max(self._next_received, counter + 1)
        return payload

    def check(self, counter: int) -> None:
        if counter < self._next_received:
            raise NotAuthentic("its counter was used before", counter)

    def forged(self, counter: int, frame: Frame) -> bytes:
        raise NotAuthentic("its tag is wrong", counter)


# --- How they are made -------------------------------------------------------------------------


@pump_mutant("associated-data-without-the-counter", caught_by="sealed/layout")
def associated_data_without_the_counter(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its associated data are the header, and not the counter behind it."""

    class Short(Sealing):
        def associated(self, header: bytes, told: bytes) -> bytes:
            return header

    patch.setattr(guard, "Envelope", Short)


@pump_mutant("nonce-big-endian", caught_by="sealed/layout")
def nonce_big_endian(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The counter in its nonce is big-endian, which nobody notices of the first frame."""

    class BigEndian(Sealing):
        def nonce(self, counter: int) -> bytes:
            return counter.to_bytes(12, "big")

    patch.setattr(guard, "Envelope", BigEndian)


@pump_mutant("answers-with-the-counter-of-the-request", caught_by="sealed/answers-counted-by-one")
def answers_with_the_counter_of_the_request(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It seals an answer with the counter of the request."""

    class Echoing(Sealing):
        def seal(self, message_type: int, link_id: int, sequence: int, payload: bytes) -> bytes:
            counter = self._next_received - 1
            return self.sealed(counter, message_type, link_id, sequence, payload)

    patch.setattr(guard, "Envelope", Echoing)


@pump_mutant("refusals-plain", caught_by="sealed/answers-are-sealed")
def refusals_plain(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It seals responses, and refuses in plain frames."""

    @around(patch, PumpEnd, "_framed")
    def answered(framed, self, message_type, to, payload, link_keys):
        keys = None if message_type == MessageType.REFUSAL else link_keys
        return framed(self, message_type, to, payload, keys)


@pump_mutant("version-judged-behind-the-tag", caught_by="sealed/other-version")
def version_judged_behind_the_tag(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It looks whether any sealed frame is believed before it looks at its version."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if frame.sealed and frame.version != SEALED_VERSION:
            end._link_keys = None
            end._refuse(frame, Reason(RefusalCode.NOT_AUTHENTIC, Field.NONE))
        else:
            good(end, frame)


# --- What is believed --------------------------------------------------------------------------


@pump_mutant("tag-not-checked", caught_by="sealed/altered")
def tag_not_checked(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It decrypts, and does not look at the tag."""

    class Trusting(Sealing):
        def forged(self, counter: int, frame: Frame) -> bytes:
            start = (1).to_bytes(4, "little") + self.nonce(counter)
            stream = Cipher(ChaCha20(self.receiving_key, start), mode=None).decryptor()
            return stream.update(frame.payload[8:-16])

    patch.setattr(guard, "Envelope", Trusting)


@pump_mutant("half-a-tag-checked", caught_by="sealed/altered")
def half_a_tag_checked(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It compares the first 8 bytes of the tag."""

    class Half(Sealing):
        def forged(self, counter: int, frame: Frame) -> bytes:
            told, body = frame.payload[:8], frame.payload[8:-16]
            header = header_bytes(
                frame.message_type, frame.link_id, frame.sequence, len(frame.payload), 0x81
            )
            start = (1).to_bytes(4, "little") + self.nonce(counter)
            stream = Cipher(ChaCha20(self.receiving_key, start), mode=None).decryptor()
            payload = stream.update(body)
            cipher = ChaCha20Poly1305(self.receiving_key)
            good = cipher.encrypt(self.nonce(counter), payload, header + told)
            if good[-16:-8] != frame.payload[-16:-8]:
                raise NotAuthentic("its tag is wrong", counter)
            return payload

    patch.setattr(guard, "Envelope", Half)


@pump_mutant("counter-remembered-before-the-tag", caught_by="sealed/forged-counter")
def counter_remembered_before_the_tag(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It remembers the counter of a frame before it looks at its tag: one forgery ends a link."""

    class Hasty(Sealing):
        def check(self, counter: int) -> None:
            super().check(counter)
            self._next_received = counter + 1

    patch.setattr(guard, "Envelope", Hasty)


@pump_mutant("replays-believed", caught_by="sealed/replayed")
def replays_believed(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It does not look at counters: a sequence number would do, it seems."""

    class Forgetful(Sealing):
        def check(self, counter: int) -> None:
            pass

    patch.setattr(guard, "Envelope", Forgetful)


@pump_mutant("replayed-orders-carried-out", caught_by="sealed/replayed-order")
def replayed_orders_carried_out(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It looks neither at counters nor at numbers, and carries replayed orders out as new ones."""

    class Forgetful(Sealing):
        def check(self, counter: int) -> None:
            pass

    def in_link(self: PumpEnd, frame: Frame) -> None:
        self._remember(frame)
        self._accept(frame)

    @answering(patch, OrderBolus)
    def ordered(order, self, request, event):
        self._firmware.orders = OrderMemory()
        return order(self, request, event)

    patch.setattr(guard, "Envelope", Forgetful)
    patch.setattr(PumpEnd, "_judge_in_link", in_link)


@pump_mutant("window-of-counters", caught_by="sealed/overtaken")
def window_of_counters(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It believes late frames with counters that it has not seen, as protocols of packets do."""

    class Window(Sealing):
        def __init__(self, *, sending: bytes, receiving: bytes) -> None:
            super().__init__(sending=sending, receiving=receiving)
            self.seen: set[int] = set()

        def check(self, counter: int) -> None:
            if counter in self.seen:
                super().check(counter)

        def open(self, frame: Frame) -> bytes:
            payload = super().open(frame)
            self.seen.add(int.from_bytes(frame.payload[:8], "little"))
            return payload

    patch.setattr(guard, "Envelope", Window)


@pump_mutant("no-gaps-between-counters", caught_by="sealed/gaps-between-counters")
def no_gaps_between_counters(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It believes the next counter and no other: a lost frame ends the link."""

    class Strict(Sealing):
        def check(self, counter: int) -> None:
            super().check(counter)
            if counter > self._next_received:
                raise NotAuthentic("its counter is not the next", counter)

    patch.setattr(guard, "Envelope", Strict)


@pump_mutant("counters-of-32-bits", caught_by="sealed/gaps-between-counters")
def counters_of_32_bits(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It keeps the last counter in 32 bits."""

    class Narrow(Sealing):
        def check(self, counter: int) -> None:
            self._next_received &= 2**32 - 1
            super().check(counter & (2**32 - 1))

    patch.setattr(guard, "Envelope", Narrow)


@pump_mutant("either-direction-believed", caught_by="sealed/other-keys")
def either_direction_believed(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It believes what is sealed with either key of the link."""

    class Both(Sealing):
        def open(self, frame: Frame) -> bytes:
            try:
                return super().open(frame)
            except NotAuthentic:
                keys = self.sending_key, self.receiving_key
                self.receiving_key = keys[0]
                try:
                    return super().open(frame)
                finally:
                    self.receiving_key = keys[1]

    patch.setattr(guard, "Envelope", Both)


@pump_mutant("reflections-answered", caught_by="sealed/reflected")
def reflections_answered(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It refuses sealed frames of response types instead of ignoring them."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if frame.sealed and frame.message_type >= 0x80:
            end._judge_sealed(frame)
        else:
            good(end, frame)


@pump_mutant("silent-to-what-is-too-short", caught_by="sealed/too-short")
def silent_to_what_is_too_short(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It takes frames that are too short to be sealed for noise."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if not (frame.sealed and len(frame.payload) < 24):
            good(end, frame)


@pump_mutant("forgeries-use-numbers-up", caught_by="sealed/refused-uses-nothing-up")
def forgeries_use_numbers_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It takes the sequence number of a frame in an open link before it looks at its tag."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        good(end, frame)
        if frame.sealed and end.link_id == frame.link_id:
            end._sequence = max(end._sequence, frame.sequence)


@pump_mutant("forgeries-end-the-link", caught_by="sealed/refused-uses-nothing-up")
def forgeries_end_the_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It ends a link in which it found a forgery, as TLS does."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        refuse(self, frame, reason)
        forged = reason.code is RefusalCode.NOT_AUTHENTIC and frame.link_id == self.link_id
        if forged and self.link_state is LinkState.OPEN:
            self._end_link(LinkTrigger.CLOSED)


@pump_mutant("plain-frames-opened-as-sealed", caught_by="sealed/unsealed-on-the-way")
def plain_frames_opened_as_sealed(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """In an open link it takes every frame for sealed, whatever its version says."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if not frame.sealed and frame.link_id == end.link_id and len(frame.payload) >= 24:
            end._judge_sealed(replace(frame, version=SEALED_VERSION))
        else:
            good(end, frame)
