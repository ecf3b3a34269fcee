"""Sealed frames: what was sealed is believed once, in order, and nothing else ever (REQ-31)."""

from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pump_protocol import envelope as module
from pump_protocol import layouts
from pump_protocol.codes import (
    CRC_BYTES,
    ENVELOPE_BYTES,
    HEADER_BYTES,
    MAX_FRAME_BYTES,
    MAX_PAYLOAD_BYTES,
    PROTOCOL_VERSION,
    SEALED_BIT,
)
from pump_protocol.crc import frame_check, header_check
from pump_protocol.envelope import Envelope
from pump_protocol.errors import FrameTooLarge, NotAuthentic, OutOfTurn
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder, frame_bytes

from .links import frames_in
from .strategies import U8, U32, U64
from .test_vectors import cases, read

TO_PUMP = bytes(range(32))
TO_PROGRAMMER = bytes(range(32, 64))
LINK_ID = 0x0123456789ABCDEF
QUICK = settings(max_examples=60, deadline=None)

payloads = st.binary(max_size=40) | st.binary(
    min_size=MAX_PAYLOAD_BYTES - 1, max_size=MAX_PAYLOAD_BYTES
)


def ends() -> tuple[Envelope, Envelope]:
    """Of a programmer and of its pump."""
    return (
        Envelope(sending=TO_PUMP, receiving=TO_PROGRAMMER),
        Envelope(sending=TO_PROGRAMMER, receiving=TO_PUMP),
    )


def only(data: bytes) -> Frame:
    (frame,) = frames_in(data)
    return frame


# --- What is sealed ------------------------------------------------------------------------------


@QUICK
@given(message_type=U8, link_id=U64, sequence=U32, payload=payloads)
def test_what_one_end_seals_the_other_opens(
    message_type: int, link_id: int, sequence: int, payload: bytes
) -> None:
    programmer, pump = ends()
    frame = only(programmer.seal(message_type, link_id, sequence, payload))
    assert frame.sealed
    assert (frame.message_type, frame.link_id, frame.sequence) == (message_type, link_id, sequence)
    assert len(frame.payload) == len(payload) + ENVELOPE_BYTES
    assert pump.open(frame) == payload


@QUICK
@given(payloads=st.lists(payloads, min_size=1, max_size=4), sequence=U32)
def test_a_sealed_frame_is_what_the_specification_says(
    payloads: list[bytes], sequence: int
) -> None:
    """SEAL-01 to SEAL-03, taken apart by hand with nothing but the cipher."""
    programmer, _ = ends()
    for counter, payload in enumerate(payloads):
        data = programmer.seal(9, LINK_ID, sequence, payload)
        assert data[2] == PROTOCOL_VERSION | SEALED_BIT == 0x81
        assert int.from_bytes(data[16:18], "little") == len(payload) + 24
        counter_bytes = data[HEADER_BYTES : HEADER_BYTES + 8]
        assert int.from_bytes(counter_bytes, "little") == counter
        opened = ChaCha20Poly1305(TO_PUMP).decrypt(
            bytes(4) + counter_bytes,
            data[HEADER_BYTES + 8 : -CRC_BYTES],
            data[: HEADER_BYTES - 2] + counter_bytes,
        )
        assert opened == payload


@QUICK
@given(payload=payloads)
def test_the_declared_layout_is_that_of_a_sealed_frame(payload: bytes) -> None:
    programmer, _ = ends()
    data = programmer.seal(9, LINK_ID, 1, payload)
    parsed = layouts.FRAME.parse(data)
    inner = layouts.SEALED._compile if False else layouts.SEALED
    sealed = inner.parse(parsed.payload, length=parsed.length)
    assert sealed.counter == 0
    assert len(sealed.ciphertext) == len(payload)
    assert len(sealed.tag) == 16
    assert payload not in data or len(payload) < 8, "nothing of the payload is in the clear"


def test_the_longest_sealed_frame_is_as_long_as_the_crc_allows() -> None:
    """FRAME-14; one byte more is refused before anything is used up."""
    programmer, pump = ends()
    data = programmer.seal(1, 1, 1, bytes(MAX_PAYLOAD_BYTES))
    assert len(data) == MAX_FRAME_BYTES
    with pytest.raises(FrameTooLarge, match="0 to 611"):
        programmer.seal(1, 1, 2, bytes(MAX_PAYLOAD_BYTES + 1))
    assert pump.open(only(data)) == bytes(MAX_PAYLOAD_BYTES)
    following = only(programmer.seal(1, 1, 2, b""))
    assert following.payload[:8] == (1).to_bytes(8, "little"), "no counter was lost or used twice"


def test_a_plain_frame_is_still_limited_to_its_own_length() -> None:
    frame_bytes(1, 1, 1, bytes(MAX_PAYLOAD_BYTES))
    with pytest.raises(FrameTooLarge, match="0 to 611"):
        frame_bytes(1, 1, 1, bytes(MAX_PAYLOAD_BYTES + 1))
    sealed = Frame(1, 1, 1, bytes(MAX_PAYLOAD_BYTES + ENVELOPE_BYTES), module.SEALED_VERSION)
    assert only(sealed.to_bytes()) == sealed


@QUICK
@given(version=U8, size=st.integers(MAX_PAYLOAD_BYTES - 1, MAX_PAYLOAD_BYTES + ENVELOPE_BYTES + 1))
def test_the_decoder_takes_a_length_by_what_the_version_allows(version: int, size: int) -> None:
    """FRAME-05, and a frame too long for its version swallows nothing that follows it."""
    good = frame_bytes(4, 1, 1, b"")
    longest = MAX_PAYLOAD_BYTES + (ENVELOPE_BYTES if version & SEALED_BIT else 0)
    whole = layouts.FRAME.build(
        {
            "version": version,
            "message_type": 1,
            "link_id": 2,
            "sequence": 3,
            "length": size,
            "header_check": 0,
            "payload": bytes(size),
            "frame_check": 0,
        }
    )
    checked = _with_checks(whole)
    events = FrameDecoder().feed(checked + good)
    if size <= longest:
        assert events == [Frame(1, 2, 3, bytes(size), version), only(good)]
    else:
        assert isinstance(events[0], CorruptFrame)
        assert events[1:] == [only(good)]


def _with_checks(frame: bytes) -> bytes:
    """Any changed frame with both checks right: the CRC stops noise, not people."""
    body = frame[:18] + header_check(frame[:18]).to_bytes(2, "little") + frame[20:-CRC_BYTES]
    return body + frame_check(body).to_bytes(4, "little")


# --- What is not believed ------------------------------------------------------------------------


@QUICK
@given(bit=st.integers(0), payload=st.binary(max_size=30), size=st.integers(0, 20))
def test_no_bit_of_a_sealed_frame_may_change_whatever_its_checks_say(
    bit: int, payload: bytes, size: int
) -> None:
    """SEAL-06: header, counter, ciphertext and tag; and the true frame is believed afterwards."""
    programmer, pump = ends()
    for _ in range(size):
        pump.open(only(programmer.seal(1, LINK_ID, 1, b"")))
    data = programmer.seal(9, LINK_ID, 7, payload)
    changed = bytearray(data)
    places = [*range(3, 16), *range(HEADER_BYTES, len(data) - CRC_BYTES)]
    at = places[bit // 8 % len(places)]
    changed[at] ^= 1 << bit % 8
    forged = only(_with_checks(bytes(changed)))
    before = pump.next_received
    with pytest.raises(NotAuthentic):
        pump.open(forged)
    assert pump.next_received == before, "state moves only after the tag verified"
    assert pump.open(only(data)) == payload


@pytest.mark.parametrize("version", [0x80, 0x82, 0xFF, 0x01])
def test_another_version_byte_is_not_believed(version: int) -> None:
    """The version is authenticated as it came: no downgrade within a link."""
    programmer, pump = ends()
    frame = replace(only(programmer.seal(9, LINK_ID, 1, b"payload")), version=version)
    with pytest.raises(NotAuthentic):
        pump.open(frame)


@QUICK
@given(size=st.integers(0, ENVELOPE_BYTES - 1))
def test_what_is_too_short_to_be_sealed_is_not_believed(size: int) -> None:
    _, pump = ends()
    with pytest.raises(NotAuthentic, match="too short") as raised:
        pump.open(Frame(9, LINK_ID, 1, bytes(size), module.SEALED_VERSION))
    assert raised.value.counter is None


@QUICK
@given(payload=st.binary(max_size=MAX_PAYLOAD_BYTES + ENVELOPE_BYTES), version=U8, link_id=U64)
def test_any_bytes_are_not_believed_and_are_no_other_error(
    payload: bytes, version: int, link_id: int
) -> None:
    _, pump = ends()
    with pytest.raises(NotAuthentic):
        pump.open(Frame(9, link_id, 1, payload, version))
    assert pump.next_received == 0


def test_what_an_end_sent_is_not_believed_by_it_when_it_is_reflected() -> None:
    """Each direction has a key of its own, so the type of the message need not tell them apart."""
    programmer, pump = ends()
    frame = only(programmer.seal(9, LINK_ID, 1, b"payload"))
    with pytest.raises(NotAuthentic):
        programmer.open(frame)
    answer = only(pump.seal(9, LINK_ID, 1, b"payload"))
    with pytest.raises(NotAuthentic):
        pump.open(answer)
    assert pump.open(frame) == programmer.open(answer) == b"payload"


def test_both_directions_count_for_themselves() -> None:
    programmer, pump = ends()
    for _ in range(3):
        pump.open(only(programmer.seal(9, LINK_ID, 1, b"")))
    assert only(pump.seal(9, LINK_ID, 1, b"")).payload[:8] == bytes(8)


@cases(read("authenticated.json")["doubted"])
def test_a_golden_doubted_frame_is_not_believed(case: dict[str, str]) -> None:
    receiver = Envelope(sending=bytes(32), receiving=bytes.fromhex(case["receiving_key"]))
    for before in case["before"]:
        receiver.open(only(bytes.fromhex(before)))
    believed = receiver.next_received
    with pytest.raises(NotAuthentic) as raised:
        receiver.open(only(bytes.fromhex(case["frame"])))
    reused = raised.value.counter is not None and raised.value.counter < believed
    assert reused is (case["field"] == "COUNTER")
    assert receiver.next_received == believed


# --- The order of counters -----------------------------------------------------------------------


class Wire(RuleBasedStateMachine):
    """A wire that loses, repeats, holds back and forges frames: each is believed once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.programmer, self.pump = ends()
        self.recorded: list[bytes] = []
        self.believed: list[int] = []

    @rule()
    def send(self) -> None:
        number = len(self.recorded)
        self.recorded.append(self.programmer.seal(9, LINK_ID, number, number.to_bytes(4)))

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        if not self.recorded:
            return
        number = data.draw(st.integers(0, len(self.recorded) - 1))
        frame = only(self.recorded[number])
        if self.believed and number <= self.believed[-1]:
            with pytest.raises(NotAuthentic, match="counter"):
                self.pump.open(frame)
        else:
            assert self.pump.open(frame) == number.to_bytes(4)
            self.believed.append(number)

    @rule(counter=st.integers(0, 2**64 - 1), ciphertext=st.binary(max_size=20))
    def forge(self, counter: int, ciphertext: bytes) -> None:
        body = counter.to_bytes(8, "little") + ciphertext + bytes(16)
        with pytest.raises(NotAuthentic):
            self.pump.open(Frame(9, LINK_ID, 1, body, module.SEALED_VERSION))

    @invariant()
    def nothing_is_believed_twice_or_out_of_order(self) -> None:
        assert self.believed == sorted(set(self.believed))


TestWire = Wire.TestCase
TestWire.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


def test_the_counters_of_a_link_end_before_the_one_that_noise_keeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SEAL-03: no nonce twice, even if somebody could send for five hundred thousand years."""
    monkeypatch.setattr(module, "_LAST_COUNTER", 1)
    programmer, _ = ends()
    programmer.seal(9, LINK_ID, 1, b"")
    programmer.seal(9, LINK_ID, 2, b"")
    with pytest.raises(OutOfTurn, match="used up"):
        programmer.seal(9, LINK_ID, 3, b"")


def test_the_last_counter_is_the_one_before_the_last_number() -> None:
    assert module._LAST_COUNTER == 2**64 - 2


# --- Cost of a forged frame ----------------------------------------------------------------------


def test_a_replayed_frame_costs_no_decryption(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter is looked at first: a flood of recorded frames is cheap to refuse."""
    programmer, pump = ends()
    frame = only(programmer.seal(9, LINK_ID, 1, b""))
    pump.open(frame)

    class Forbidden:
        def decrypt(self, *_: object) -> bytes:
            raise AssertionError("decrypted")

    monkeypatch.setattr(pump, "_receiving", Forbidden())
    with pytest.raises(NotAuthentic, match="counter"):
        pump.open(frame)


def test_the_cipher_is_the_one_of_rfc_8439() -> None:
    """Section 2.8.2 of the RFC: so the library's name means what the specification says."""
    key = bytes(range(0x80, 0xA0))
    nonce = bytes.fromhex("070000004041424344454647")
    associated = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the"
        b" future, sunscreen would be it."
    )
    sealed = ChaCha20Poly1305(key).encrypt(nonce, text, associated)
    assert sealed[:16].hex() == "d31a8d34648e60db7b86afbc53ef7ec2"
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"
    with pytest.raises(InvalidTag):
        ChaCha20Poly1305(key).decrypt(nonce, sealed, associated[:-1])
