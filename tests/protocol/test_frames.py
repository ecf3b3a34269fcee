"""Frames survive any splitting of the stream; nothing that is not a frame is taken for one."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol.codes import (
    CRC_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    PROTOCOL_VERSION,
    START,
    MessageType,
)
from pump_protocol.crc import header_check
from pump_protocol.errors import FrameTooLarge
from pump_protocol.frames import CorruptFrame, Corruption, Frame, FrameDecoder
from pump_protocol.layouts import FRAME

from .strategies import frames, splits

Event = Frame | CorruptFrame

LARGEST_UNFINISHED = HEADER_BYTES + MAX_PAYLOAD_BYTES + CRC_BYTES - 1
FRAME_A = Frame(MessageType.INTERROGATE, 0x0123456789ABCDEF, 7)
FRAME_B = Frame(MessageType.ORDER_BOLUS, 0x0123456789ABCDEF, 8, bytes(range(32)))


def decode(*chunks: bytes) -> list[Event]:
    """Everything the chunks hold, when silence follows them."""
    decoder = FrameDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.expire()


def good(events: list[Event]) -> list[Frame]:
    return [event for event in events if isinstance(event, Frame)]


def size(event: Event) -> int:
    return event.size if isinstance(event, CorruptFrame) else len(event.to_bytes())


def header(length: int, *, version: int = PROTOCOL_VERSION, message_type: int = 4) -> bytes:
    """An intact header that promises *length* bytes of payload, whether allowed or not."""
    head = START + bytes((version, message_type)) + bytes(12) + length.to_bytes(2, "little")
    return head + header_check(head).to_bytes(2, "little")


def flipped(data: bytes, bits: set[int]) -> bytes:
    changed = bytearray(data)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# Noise as a line makes it, and as an enemy would: pieces of frames, intact headers, markers.
NOISE = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from([START, START[:1], START[1:], b"\x00"]), max_size=30).map(b"".join),
    st.integers(0, MAX_PAYLOAD_BYTES + 5).map(header),
    st.builds(lambda frame, cut: frame.to_bytes()[:cut], frames(), st.integers(0, 30)),
)
STREAMS = st.lists(NOISE | frames().map(Frame.to_bytes), max_size=6).map(b"".join)


# --- One frame -----------------------------------------------------------------------------------


@given(frame=frames())
def test_packing_equals_the_declaration(frame: Frame) -> None:
    data = frame.to_bytes()
    container = FRAME.parse(data)
    assert data == FRAME.build(
        {
            "version": frame.version,
            "message_type": frame.message_type,
            "link_id": frame.link_id,
            "sequence": frame.sequence,
            "length": len(frame.payload),
            "header_check": container.header_check,
            "payload": frame.payload,
            "frame_check": container.frame_check,
        }
    )
    assert len(data) == HEADER_BYTES + len(frame.payload) + CRC_BYTES
    assert container.header_check == header_check(data[:18])


@given(frame=frames())
def test_a_frame_is_found_again(frame: Frame) -> None:
    assert decode(frame.to_bytes()) == [frame]


def test_a_payload_that_no_frame_carries_is_not_packed() -> None:
    Frame(1, 1, 1, bytes(MAX_PAYLOAD_BYTES)).to_bytes()
    with pytest.raises(FrameTooLarge, match=f"{MAX_PAYLOAD_BYTES + 1} bytes"):
        Frame(1, 1, 1, bytes(MAX_PAYLOAD_BYTES + 1)).to_bytes()


# --- Streams -------------------------------------------------------------------------------------


@given(stream=STREAMS, data=st.data())
def test_any_split_of_a_stream_gives_the_same_events(stream: bytes, data: st.DataObject) -> None:
    pieces = data.draw(splits(stream))
    assert decode(*pieces) == decode(stream)


@settings(max_examples=30)
@given(stream=STREAMS)
def test_a_stream_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    assert decode(*(stream[at : at + 1] for at in range(len(stream)))) == decode(stream)


@given(stream=STREAMS, data=st.data())
def test_every_byte_is_accounted_for_once_and_in_order(stream: bytes, data: st.DataObject) -> None:
    events = decode(*data.draw(splits(stream)))
    assert sum(map(size, events)) == len(stream)
    at = 0
    for event in events:
        if isinstance(event, Frame):
            assert stream[at : at + size(event)] == event.to_bytes()
        at += size(event)


@given(stream=STREAMS)
def test_noise_between_two_frames_is_told_once(stream: bytes) -> None:
    for first, second in pairwise(decode(stream)):
        assert not (isinstance(first, CorruptFrame) and isinstance(second, CorruptFrame))


@given(stream=STREAMS, data=st.data())
def test_what_is_held_back_is_bounded_and_accounted_for(stream: bytes, data: st.DataObject) -> None:
    decoder = FrameDecoder()
    for piece in data.draw(splits(stream)):
        decoder.feed(piece)
        assert decoder.held_bytes <= LARGEST_UNFINISHED
        assert decoder.waiting or not decoder.held_bytes
    decoder.expire()
    assert (decoder.held_bytes, decoder.waiting) == (0, False)


@given(garbage=st.binary(max_size=300).filter(lambda data: START[0] not in data), frame=frames())
def test_a_frame_behind_garbage_is_found_without_any_silence(garbage: bytes, frame: Frame) -> None:
    decoder = FrameDecoder()
    noise = [CorruptFrame(Corruption.NOISE, len(garbage))] if garbage else []
    assert decoder.feed(garbage + frame.to_bytes()) == [*noise, frame]


@given(noise=NOISE, frame=frames())
def test_a_frame_behind_any_noise_is_found_when_silence_follows(noise: bytes, frame: Frame) -> None:
    """Even if the noise ended in an intact header that promised more than came."""
    assert good(decode(noise, frame.to_bytes()))[-1] == frame


@given(cut=st.integers(1, len(FRAME_B.to_bytes()) - 1), frame=frames())
def test_a_frame_behind_a_broken_off_one_is_found_after_the_gap(cut: int, frame: Frame) -> None:
    decoder = FrameDecoder()
    assert decoder.feed(FRAME_B.to_bytes()[:cut]) == []
    assert decoder.expire() == [CorruptFrame(Corruption.TRUNCATED, cut)]
    assert decoder.feed(frame.to_bytes()) == [frame]


def test_frames_swallowed_by_the_promise_of_a_half_frame_are_found_on_expiry() -> None:
    decoder = FrameDecoder()
    half = header(MAX_PAYLOAD_BYTES)
    assert decoder.feed(half + FRAME_A.to_bytes() + FRAME_B.to_bytes()) == []
    assert decoder.expire() == [CorruptFrame(Corruption.TRUNCATED, len(half)), FRAME_A, FRAME_B]
    assert not decoder.waiting


def test_a_corrupted_length_does_not_swallow_the_next_frame() -> None:
    """The header has a check of its own: a length is believed only when the header is intact."""
    corrupted = bytearray(FRAME_A.to_bytes())
    corrupted[17] ^= 0x02
    events = FrameDecoder().feed(bytes(corrupted) + FRAME_B.to_bytes())
    assert events == [CorruptFrame(Corruption.HEADER_CHECK, len(corrupted)), FRAME_B]


@pytest.mark.parametrize("length", [MAX_PAYLOAD_BYTES + 1, 0xFFFF])
def test_an_intact_header_with_a_length_that_no_frame_has_is_noise(length: int) -> None:
    events = FrameDecoder().feed(header(length) + FRAME_A.to_bytes())
    assert events == [CorruptFrame(Corruption.HEADER_CHECK, HEADER_BYTES), FRAME_A]


def test_where_bytes_were_lost_inside_a_payload_the_next_frame_is_still_found() -> None:
    lossy = FRAME_B.to_bytes()
    lossy = lossy[:30] + lossy[33:]
    events = decode(lossy + FRAME_A.to_bytes())
    assert events == [CorruptFrame(Corruption.FRAME_CHECK, len(lossy)), FRAME_A]


@pytest.mark.parametrize("version", [0, 2, 255])
@pytest.mark.parametrize("message_type", [0, 0x7F, 0xFE])
def test_an_intact_frame_of_another_version_or_unknown_type_is_a_frame(
    version: int, message_type: int
) -> None:
    """It deserves an answer, so it is not noise."""
    frame = Frame(message_type, 1, 2, b"?", version)
    assert decode(frame.to_bytes()) == [frame]


# --- Flipped bits --------------------------------------------------------------------------------

BITS_OF_B = len(FRAME_B.to_bytes()) * 8


@pytest.mark.parametrize("bit", range(BITS_OF_B))
def test_a_frame_with_any_one_bit_flipped_is_no_frame(bit: int) -> None:
    data = flipped(FRAME_B.to_bytes(), {bit})
    events = decode(data)
    assert good(events) == []
    assert sum(map(size, events)) == len(data)


@settings(max_examples=300)
@given(frame=frames(), data=st.data(), next_frame=frames())
def test_a_frame_with_two_to_five_bits_flipped_is_no_frame_and_the_next_is_found(
    frame: Frame, data: st.DataObject, next_frame: Frame
) -> None:
    sent = frame.to_bytes()
    bits = data.draw(st.sets(st.integers(0, len(sent) * 8 - 1), min_size=2, max_size=5))
    damaged = flipped(sent, bits)
    assert frame not in good(decode(damaged))
    if not any(START in sent[at:] for at in (1, 2)):  # or it might carry a frame inside
        assert good(decode(damaged, next_frame.to_bytes())) == [next_frame]


def test_no_two_or_three_flipped_bits_of_a_whole_frame_pass_for_a_frame() -> None:
    """A sample of 20,000 patterns with a fixed seed, in the largest frame there is."""
    random = Random(659)
    sent = Frame(MessageType.LOG_PAGE, 1, 1, random.randbytes(MAX_PAYLOAD_BYTES)).to_bytes()
    decoder = FrameDecoder()
    for _ in range(20_000):
        bits = set(random.sample(range(len(sent) * 8), random.randint(2, 3)))
        assert good(decoder.feed(flipped(sent, bits)) + decoder.expire()) == []
