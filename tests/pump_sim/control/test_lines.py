"""Bytes become lines however they are cut, and no client can fill the memory."""

from hypothesis import given
from hypothesis import strategies as st

from pump_sim.control.lines import LineDecoder


@given(st.lists(st.binary(max_size=8)), st.lists(st.integers(0, 60)))
def test_lines_do_not_depend_on_how_they_arrive(parts: list[bytes], cuts: list[int]) -> None:
    """A stream has no packets."""
    data = b"\n".join(parts)
    whole = list(LineDecoder(6).feed(data))
    decoder, begin = LineDecoder(6), 0
    found: list[bytes | None] = []
    for end in [*sorted(cuts), len(data)]:
        found += decoder.feed(data[begin:end])
        begin = max(begin, end)
    assert found == whole


def test_ends_of_lines_are_no_part_of_them_and_empty_ones_are_none() -> None:
    """Both ends that people type."""
    assert list(LineDecoder().feed(b"a\r\n\n  \nb\nc")) == [b"a", b"b"]


@given(st.integers(0, 20))
def test_line_that_is_too_long_is_told_once_and_skipped(more: int) -> None:
    """What comes after it is heard."""
    decoder = LineDecoder(10)
    found = [each for _ in range(11 + more) for each in decoder.feed(b"x")]
    found += decoder.feed(b"\nnext\n")
    assert found == [None, b"next"]
    assert list(decoder.feed(b"0123456789\n")) == [b"0123456789"]


def test_line_that_is_too_long_is_not_kept() -> None:
    """However long it goes on, only its length is known."""
    decoder = LineDecoder(1_000)
    for _ in range(1_000):
        assert list(decoder.feed(b"x" * 1_000)) == []
    assert sum(map(len, decoder._parts)) <= 1_000
