"""Delivery as a function of time, its inverse, and the rounding under both."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pump_sim.model.course import BolusCurve, Course
from pump_sim.model.units import UNITS_PER_NL, ceil_div, nearest

from .reference import first

curves = st.builds(
    BolusCurve,
    volume_nl=st.integers(1, 1_000_000),
    duration_ms=st.integers(1, 86_400_000),
    started_at_ms=st.integers(0, 10**11),
)
rates = st.one_of(st.just(0), st.integers(1, 24_000_000))


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_nearest_rounds_ties_to_even(numerator: int, denominator: int) -> None:
    """REQ-05: as Python rounds fractions."""
    assert nearest(numerator, denominator) == round(Fraction(numerator, denominator))
    assert nearest(numerator * denominator * 2 + denominator, denominator * 2) % 2 == 0


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_ceil_div_is_the_least_whole_number_not_below(numerator: int, denominator: int) -> None:
    """Exact for numbers of any size, where floats are not."""
    result = ceil_div(numerator, denominator)
    assert result - 1 < Fraction(numerator, denominator) <= result


@given(rates, curves, st.lists(st.integers(0, 90_000_000), min_size=1, max_size=8))
def test_the_pieces_of_a_delivery_add_up(rate: int, curve: BolusCurve, offsets: list[int]) -> None:
    """However a span is cut, its parts deliver together what the whole delivers."""
    course = Course(rate, curve)
    moments = [curve.started_at_ms + offset for offset in sorted([0, *offsets, 90_000_000])]
    parts = sum(course.units(a, b) for a, b in pairwise(moments))
    assert parts == course.units(moments[0], moments[-1])
    assert parts == 90_000_000 * rate + curve.volume_nl * UNITS_PER_NL


@given(curves, st.integers(-5, 90_000_000))
def test_a_bolus_is_the_floor_of_its_straight_line(curve: BolusCurve, offset: int) -> None:
    """Nothing before its start, all of it from its end on (REQ-07)."""
    elapsed = min(max(offset, 0), curve.duration_ms)
    line = Fraction(curve.volume_nl * UNITS_PER_NL * elapsed, curve.duration_ms)
    assert 0 <= line - curve.units_at(curve.started_at_ms + offset) < 1
    for after in (curve.ends_at_ms, curve.ends_at_ms + 1, curve.ends_at_ms + 10**9):
        assert curve.units_at(after) == curve.volume_nl * UNITS_PER_NL


@given(
    rate=rates,
    curve=st.none() | curves,
    elapsed=st.integers(0, 10**8),
    target=st.integers(-5, 10**16),
    drain=st.just((0, 1)) | st.tuples(st.integers(0, 10**9), st.integers(1, 1_000)),
)
def test_the_inverse_finds_the_first_millisecond(
    rate: int, curve: BolusCurve | None, elapsed: int, target: int, drain: tuple[int, int]
) -> None:
    """A threshold fires at the first whole ms at or past equality; never means never."""
    course = Course(rate, curve)
    per_ms, per_unit = drain
    from_ms = elapsed if curve is None else curve.started_at_ms + elapsed

    def reached(at_ms: int) -> bool:
        grown = per_ms * (at_ms - from_ms) + per_unit * course.units(from_ms, at_ms)
        return grown >= target

    found = course.first_ms_reaching(target, from_ms=from_ms, per_ms=per_ms, per_unit=per_unit)
    if found is None:
        assert not reached(from_ms + 10**17)
    else:
        assert found == first(reached, from_ms, from_ms + 10**17)


@given(curves, st.integers(1, 10_000))
def test_the_inverse_agrees_with_a_walk(curve: BolusCurve, units: int) -> None:
    """Where a walk over every millisecond is short enough to be done."""
    course = Course(1, curve)
    found = course.first_ms_reaching(units, from_ms=curve.started_at_ms)
    walked = next(
        at_ms
        for at_ms in range(curve.started_at_ms, curve.started_at_ms + 10_001)
        if course.units(curve.started_at_ms, at_ms) >= units
    )
    assert found == walked
