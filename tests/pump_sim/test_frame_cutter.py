"""A stream is cut into its frames, and nothing of it is lost, changed or held for ever."""

from hypothesis import given
from hypothesis import strategies as st

from pump_protocol.codes import INTER_BYTE_TIMEOUT_MS, MessageType
from pump_protocol.frames import Frame
from pump_protocol.slicing import message_name
from pump_sim.frame_cutter import FrameCutter, name_of

INTERROGATE = Frame(MessageType.INTERROGATE, 7, 1).to_bytes()
REPORT = Frame(MessageType.STATUS_REPORT, 7, 1, b"some payload").to_bytes()
UNKNOWN = Frame(0x7E, 7, 1).to_bytes()


def test_frames_are_cut_apart_and_named() -> None:
    """Several frames in one chunk are several pieces; a frame of an unknown type has no name."""
    assert FrameCutter().feed(INTERROGATE + REPORT + UNKNOWN) == [
        (INTERROGATE, "interrogate"),
        (REPORT, "status_report"),
        (UNKNOWN, None),
    ]


def test_what_is_no_frame_passes_at_once_as_one_piece() -> None:
    """Before, between and behind frames; also a frame whose check is wrong."""
    cutter = FrameCutter()
    assert cutter.feed(b"noise") == [(b"noise", None)]
    assert not cutter.holds
    damaged = REPORT[:25] + b"!" + REPORT[26:]
    assert cutter.feed(b"x" + INTERROGATE + damaged + REPORT + b"yz") == [
        (b"x", None),
        (INTERROGATE, "interrogate"),
        (damaged, None),
        (REPORT, "status_report"),
        (b"yz", None),
    ]


def test_half_a_frame_is_held_until_its_rest_comes() -> None:
    """One piece, as if it had come at once."""
    cutter = FrameCutter()
    assert cutter.feed(REPORT[:9]) == []
    assert cutter.holds
    assert cutter.feed(REPORT[9:]) == [(REPORT, "status_report")]
    assert not cutter.holds


def test_half_a_frame_whose_rest_does_not_come_is_given_out() -> None:
    """The rest is then no frame any more, as it is none for a receiver."""
    cutter = FrameCutter()
    assert cutter.feed(REPORT[:9]) == []
    assert cutter.flush() == [(REPORT[:9], None)]
    assert not cutter.holds
    assert cutter.flush() == []
    assert cutter.feed(REPORT[9:]) == [(REPORT[9:], None)]


def test_frames_that_a_half_one_swallowed_are_found() -> None:
    """A header that promised more than came does not hide the frame behind it."""
    cutter = FrameCutter()
    assert cutter.feed(REPORT[:-10] + INTERROGATE[:5]) == []
    assert cutter.flush() == [(REPORT[:-10] + INTERROGATE[:5], None)]
    long = Frame(MessageType.WRITE_NOTE, 7, 2, bytes(200)).to_bytes()
    assert cutter.feed(long[:30] + INTERROGATE) == []
    assert cutter.flush() == [(long[:30], None), (INTERROGATE, "interrogate")]


def test_patience_is_the_inter_byte_timeout() -> None:
    """As long as a receiver would wait for the rest."""
    assert FrameCutter.patience_ns == INTER_BYTE_TIMEOUT_MS * 1_000_000


def test_every_message_has_a_name() -> None:
    """Requests, responses and the refusal, in lower case."""
    names = {message_name(each) for each in MessageType}
    assert names == {each.name.lower() for each in MessageType}
    assert {"commit_prescription", "prescription_committed", "refusal"} <= names
    assert message_name(0x7E) is None


def test_the_name_of_a_frame_by_itself() -> None:
    """Of exactly one frame of a known type, and of nothing else."""
    assert name_of(REPORT) == "status_report"
    for other in (UNKNOWN, b"noise", REPORT[:-1], REPORT + b"x", b"x" + REPORT, b""):
        assert name_of(other) is None


_PARTS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([INTERROGATE, REPORT, UNKNOWN, b"\xa5", b"\xa5\x5a", REPORT[:15]]),
    st.builds(
        lambda kind, payload: Frame(kind, 1, 2, payload).to_bytes(),
        st.sampled_from(MessageType),
        st.binary(max_size=60),
    ),
)


@given(parts=st.lists(_PARTS, max_size=12), cuts=st.lists(st.integers(1, 90)), data=st.data())
def test_the_pieces_are_the_stream(
    parts: list[bytes], cuts: list[int], data: st.DataObject
) -> None:
    """However it is fed and flushed; no piece is empty, and what has a name is a frame."""
    stream = b"".join(parts)
    cutter = FrameCutter()
    pieces = []
    rest = stream
    for size in cuts:
        pieces += cutter.feed(rest[:size])
        rest = rest[size:]
        if data.draw(st.booleans()):
            pieces += cutter.flush()
            assert not cutter.holds
    pieces += cutter.feed(rest) + cutter.flush()
    assert b"".join(piece for piece, _ in pieces) == stream
    for piece, name in pieces:
        assert piece
        if name is not None:
            assert FrameCutter().feed(piece) == [(piece, name)]


@given(parts=st.lists(_PARTS, max_size=12), cuts=st.lists(st.integers(1, 90)))
def test_frames_are_found_however_the_stream_is_split(parts: list[bytes], cuts: list[int]) -> None:
    """The same named pieces in the same order."""
    stream = b"".join(parts)
    whole = FrameCutter()
    at_once = whole.feed(stream) + whole.flush()
    cutter = FrameCutter()
    in_bits = []
    for size in cuts:
        in_bits += cutter.feed(stream[:size])
        stream = stream[size:]
    in_bits += cutter.feed(stream) + cutter.flush()
    assert [each for each in in_bits if each[1]] == [each for each in at_once if each[1]]
