"""Delivery as a function of time, its inverse, and the rounding under both."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pump_sim.model.course import BolusCurve, Course, Cycle, Segment
from pump_sim.model.units import UNITS_PER_NL, ceil_div, nearest

from .reference import first

curves = st.builds(
    BolusCurve,
    # Whole nanoliters as they are ordered, and any number of units as the rest of a bolus has.
    volume_units=st.integers(1, 1_000_000).map(lambda nl: nl * UNITS_PER_NL)
    | st.integers(1, 10**14),
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
    assert parts == 90_000_000 * rate + curve.volume_units


@given(curves, st.integers(-5, 90_000_000))
def test_a_bolus_is_the_floor_of_its_straight_line(curve: BolusCurve, offset: int) -> None:
    """Nothing before its start, all of it from its end on (REQ-07)."""
    elapsed = min(max(offset, 0), curve.duration_ms)
    line = Fraction(curve.volume_units * elapsed, curve.duration_ms)
    assert 0 <= line - curve.units_at(curve.started_at_ms + offset) < 1
    for after in (curve.ends_at_ms, curve.ends_at_ms + 1, curve.ends_at_ms + 10**9):
        assert curve.units_at(after) == curve.volume_units


@given(curves, st.integers(0, 90_000_000))
def test_the_rest_of_a_bolus_is_all_that_has_not_come_yet(curve: BolusCurve, elapsed: int) -> None:
    """REQ-07: cut anywhere, the two parts are the whole to the last unit."""
    at_ms = curve.started_at_ms + min(elapsed, curve.duration_ms)
    rest = curve.rest_at(at_ms)
    assert curve.units_at(at_ms) + rest.volume_units == curve.volume_units
    assert rest.started_at_ms == at_ms
    assert rest.ends_at_ms == max(curve.ends_at_ms, at_ms + 1)


# --- Cycles --------------------------------------------------------------------------------------


@st.composite
def cycles(draw: st.DrawFn, longest_ms: int = 10**9, latest_ms: int = 10**11) -> Cycle:
    """Any steps and boluses: whole rates, and volumes that do not divide by their durations."""
    period_ms = draw(st.integers(1, longest_ms) | st.integers(1, min(longest_ms, 20)))
    more = draw(st.sets(st.integers(1, period_ms - 1), max_size=5)) if period_ms > 1 else set()
    starts = [0, *sorted(more)]
    segments = []
    for begin, end in pairwise([*starts, period_ms]):
        per_ms = draw(st.just(1) | st.just(end - begin) | st.integers(1, 10**6))
        segments.append(Segment(begin, draw(st.just(0) | st.integers(0, 10**9)), per_ms))
    return Cycle.of(draw(st.integers(0, latest_ms)), period_ms, segments)


def line(part: Segment, elapsed_ms: int) -> int:
    return part.units * elapsed_ms // part.per_ms


def naive_cycle_units(cycle: Cycle, at_ms: int) -> int:
    """Segment after segment, each floored by itself, up to a moment."""
    units, round_ms = 0, cycle.anchor_ms
    while round_ms < at_ms:
        ends = [*(part.starts_at_ms for part in cycle.segments[1:]), cycle.period_ms]
        for part, end in zip(cycle.segments, ends, strict=True):
            begun_ms = round_ms + part.starts_at_ms
            if begun_ms < at_ms:
                units += line(part, min(at_ms, round_ms + end) - begun_ms)
        round_ms += cycle.period_ms
    return units


@given(cycles(longest_ms=1_000, latest_ms=1_000), st.integers(0, 6_000))
def test_a_cycle_is_its_segments_one_after_the_other(cycle: Cycle, at_ms: int) -> None:
    """Nothing before the anchor, then period after period, none of them different."""
    assert cycle.units_at(at_ms) == naive_cycle_units(cycle, at_ms)
    assert cycle.units_at(cycle.anchor_ms) == 0
    assert cycle.units_at(at_ms) <= cycle.units_at(at_ms + 1)


@given(cycles(), st.integers(0, 10**12))
def test_a_cycle_tells_the_segment_in_force(cycle: Cycle, elapsed: int) -> None:
    """With the moments at which it began and ends, which are the next one's beginning."""
    at_ms = cycle.anchor_ms + elapsed
    part, begun_ms, ends_ms = cycle.segment_at(at_ms)
    assert part is not None
    assert begun_ms <= at_ms < ends_ms
    assert (begun_ms - cycle.anchor_ms) % cycle.period_ms == part.starts_at_ms
    grown = cycle.units_at(at_ms) - cycle.units_at(begun_ms)
    assert grown == line(part, at_ms - begun_ms)
    following, next_begun_ms, _ = cycle.segment_at(ends_ms)
    assert following is not None
    assert next_begun_ms == ends_ms


@given(cycles(), st.integers(1, 10**11))
def test_before_its_anchor_a_cycle_has_no_segment(cycle: Cycle, early: int) -> None:
    """It flows nothing until then, and says when it will begin."""
    at_ms = cycle.anchor_ms - early
    assert cycle.segment_at(at_ms) == (None, at_ms, cycle.anchor_ms)
    assert cycle.units_at(at_ms) == 0


# --- The inverse ---------------------------------------------------------------------------------


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """A rate, a cycle, a bolus, or a bolus in place of the others until it ends, as a bridge."""
    curve = draw(st.none() | curves)
    cycle = draw(st.none() | cycles())
    begins_at_ms = curve.ends_at_ms if curve is not None and draw(st.booleans()) else 0
    return Course(draw(rates), curve, cycle, begins_at_ms)


@given(courses(), st.lists(st.integers(0, 2 * 10**11), min_size=2, max_size=6))
def test_the_pieces_of_any_course_add_up(course: Course, moments: list[int]) -> None:
    """REQ-08: and none of them is negative."""
    moments.sort()
    parts = [course.units(a, b) for a, b in pairwise(moments)]
    assert all(part >= 0 for part in parts)
    assert sum(parts) == course.units(moments[0], moments[-1])


@given(courses(), st.integers(0, 2 * 10**11))
def test_before_it_begins_a_course_is_its_bolus_alone(course: Course, at_ms: int) -> None:
    """That is how a bridge takes the place of the infusion (REQ-11)."""
    bolus = course.bolus
    if at_ms < course.begins_at_ms:
        assert course.basal_rate_at(at_ms) == 0
        alone = 0 if bolus is None else bolus.units_at(at_ms + 1) - bolus.units_at(at_ms)
        assert course.units(at_ms, at_ms + 1) == alone
    elif course.cycle is None:
        assert course.basal_rate_at(at_ms) == course.rate_nl_per_day
    else:
        part, _, _ = course.cycle.segment_at(at_ms)
        flow = Fraction(0) if part is None else Fraction(part.units, part.per_ms)
        assert course.basal_rate_at(at_ms) == course.rate_nl_per_day + round(flow)


@given(
    course=courses(),
    elapsed=st.integers(0, 2 * 10**11),
    target=st.integers(-5, 10**6) | st.integers(-5, 10**16),
    drain=st.just((0, 1)) | st.tuples(st.integers(0, 10**9), st.integers(1, 1_000)),
)
def test_the_inverse_of_any_course_finds_the_first_millisecond(
    course: Course, elapsed: int, target: int, drain: tuple[int, int]
) -> None:
    """With steps and boluses that repeat, from before or after their anchor, as without them."""
    per_ms, per_unit = drain

    def reached(at_ms: int) -> bool:
        return per_ms * (at_ms - elapsed) + per_unit * course.units(elapsed, at_ms) >= target

    found = course.first_ms_reaching(target, from_ms=elapsed, per_ms=per_ms, per_unit=per_unit)
    if found is None:
        assert not reached(elapsed + 10**30)
    else:
        assert found == first(reached, elapsed, elapsed + 10**30)


@given(cycles(longest_ms=50, latest_ms=60), st.integers(0, 120), st.integers(1, 3_000), rates)
def test_the_inverse_of_a_cycle_agrees_with_a_walk(
    cycle: Cycle, from_ms: int, units: int, rate: int
) -> None:
    """Millisecond after millisecond, over several periods."""
    course = Course(rate % 3, None, cycle)
    found = course.first_ms_reaching(units, from_ms=from_ms)
    if found is None:
        assert not course.flows
    elif found <= from_ms + 400:
        walk = range(from_ms, from_ms + 401)
        assert found == next(at for at in walk if course.units(from_ms, at) >= units)
    else:
        assert course.units(from_ms, from_ms + 400) < units


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


@given(courses(), st.integers(0, 2 * 10**11), st.floats(0, 1, exclude_max=True))
def test_between_two_changes_the_rate_stays(course: Course, at_ms: int, share: float) -> None:
    """The next change lies ahead, and up to it what flows at a moment flows all along."""
    change_ms = course.next_change_ms(at_ms)
    assert change_ms is None or change_ms > at_ms
    later_ms = at_ms + int(share * ((change_ms or at_ms + 10**10) - at_ms))
    assert course.rate_at(later_ms) == course.rate_at(at_ms)
