"""Therapy time against link time: paced, paused, sped up, jumped; never back and never adrift."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.clock import Clock, ManualClock, PacedClock

NS_PER_MS = 1_000_000
speeds = st.one_of(
    st.integers(0, 1_000_000), st.fractions(0, 1_000_000), st.floats(0, 1_000_000, width=32)
)


@given(speeds, st.integers(0, 10**12), st.integers(0, 10**18), st.integers(0, 10**18))
def test_a_steady_clock_is_exact_for_ever(
    speed: Fraction | float, therapy_ms: int, link_ns: int, elapsed_ns: int
) -> None:
    """Thirty years on, to the millisecond, at any speed."""
    clock = PacedClock(speed, therapy_ms=therapy_ms, link_ns=link_ns)
    exact = therapy_ms + Fraction(speed) * elapsed_ns / NS_PER_MS
    assert clock.therapy_ms(link_ns + elapsed_ns) == exact // 1


steps = st.lists(
    st.tuples(st.integers(0, 10**12), speeds | st.none(), st.integers(0, 10**6)), max_size=20
)


@given(speeds, steps)
def test_a_clock_never_goes_back_and_changes_of_speed_make_no_jump(
    speed: Fraction | float, changes: list[tuple[int, Fraction | float | None, int]]
) -> None:
    """Each change costs less than a nanosecond of therapy time; a jump is the whole jump."""
    clock = PacedClock(speed)
    link_ns, exact_ns = 0, Fraction(0)
    for pause_ns, new_speed, jump_ms in changes:
        link_ns += pause_ns
        exact_ns += pause_ns * Fraction(speed)
        before = clock.therapy_ms(link_ns)
        assert 0 <= exact_ns / NS_PER_MS - before < 1 + Fraction(len(changes), NS_PER_MS)
        if new_speed is None:
            clock.jump(before + jump_ms, link_ns)
            assert clock.therapy_ms(link_ns) == before + jump_ms
            exact_ns = max(exact_ns, Fraction((before + jump_ms) * NS_PER_MS))
        else:
            clock.set_speed(new_speed, link_ns)
            assert clock.therapy_ms(link_ns) == before
            speed = new_speed


@given(speeds, st.integers(0, 10**9), st.integers(0, 10**15), st.integers(0, 10**12))
def test_the_moment_at_which_it_will_be_is_the_first(
    speed: Fraction | float, therapy_ms: int, link_ns: int, ahead_ms: int
) -> None:
    """So that a server which sleeps until then wakes neither early nor late."""
    clock = PacedClock(speed, therapy_ms=therapy_ms, link_ns=link_ns)
    found = clock.link_ns_at(therapy_ms + ahead_ms)
    if found is None:
        assert speed == 0
        assert ahead_ms > 0
    else:
        assert clock.therapy_ms(found) >= therapy_ms + ahead_ms
        assert found == link_ns or clock.therapy_ms(found - 1) < therapy_ms + ahead_ms


def test_a_pause_is_a_speed_of_nothing() -> None:
    """Time stands, nothing is ever due, and it goes on from where it stood."""
    clock = PacedClock(60)
    clock.set_speed(0, 1_000 * NS_PER_MS)
    assert clock.therapy_ms(9_000 * NS_PER_MS) == 60_000
    assert clock.link_ns_at(60_001) is None
    assert clock.speed == (0, 1)
    clock.set_speed(1, 9_000 * NS_PER_MS)
    assert clock.therapy_ms(9_001 * NS_PER_MS) == 60_001


def test_link_time_before_the_last_change_shows_the_time_of_the_change() -> None:
    """A late reader never sees time go back."""
    clock = PacedClock(1_000, link_ns=500)
    clock.set_speed(1, 10**9)
    assert clock.therapy_ms(0) == clock.therapy_ms(10**9) == 999_999
    assert clock.link_ns_at(3) == 10**9
    clock.set_speed(2, 0)
    assert clock.therapy_ms(10**9) == 999_999


@pytest.mark.parametrize("clock", [ManualClock(100), PacedClock(1, therapy_ms=100)])
def test_a_clock_jumps_forward_only(clock: Clock) -> None:
    """Drug that was delivered stays delivered."""
    clock.jump(100, 0)
    clock.jump(250, 0)
    assert clock.therapy_ms(0) == 250
    with pytest.raises(ValueError, match="therapy_ms = 249: it is already 250"):
        clock.jump(249, 0)


def test_a_manual_clock_is_moved_by_hand_only() -> None:
    """Link time passes it by."""
    clock = ManualClock(5)
    assert clock.therapy_ms(10**18) == 5
    assert clock.link_ns_at(6) is None


def test_a_negative_speed_is_refused_and_leaves_the_clock_as_it_was() -> None:
    """Time does not go back at any speed."""
    with pytest.raises(ValueError, match="speed = -1: allowed are 0"):
        PacedClock(-1)
    clock = PacedClock(2)
    with pytest.raises(ValueError, match="speed"):
        clock.set_speed(Fraction(-1, 2), 10**6)
    assert clock.speed == (2, 1)
