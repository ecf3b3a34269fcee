"""What drug that came out at the tip adds up to: two exponentials, in closed form, without ticks.

Two compartments: drug enters the cerebrospinal fluid (CSF) at the tip and leaves it at the rate k;
the effect follows the concentration there with the delay 1/ke0. Both are sums of two integrals

    y(t) = integral of exp(-rate (t - s)) dose(s) ds,    rate = k and rate = ke0,

and dose(s) is constant, a bolus or a cycle, piece by piece (hardware/flow.py). So each piece is a
few exponentials, however long it is; of a cycle one period is tabulated, and the rest is a
geometric series. Floats begin here, and nothing exact depends on them. What an effect means for a
patient is not known here.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from pump_sim.model.course import Course, Cycle, Segment
from pump_sim.model.hardware.flow import MEMORY_MS, FlowHistory, Span
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.units import HOUR_MS, NL_PER_ML, PPM

NG_PER_FINE: Final = 1 / (FINE_UNITS_PER_NL * NL_PER_ML)
"""Nanograms in one fine unit of 1 ng/mL."""

_CLOSE: Final = 1e-5
"""Two rates as close as this, relatively, count as equal."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The prescription against which an effect is judged: its course, as if undisturbed.

    The course is the prescribed one without any patient or single bolus, the concentration what
    the prescription says. By default it has gone on for ever: the reference is constant for a
    constant rate, and the periodic steady state for a cycle. `Patient.prescribed` makes one that
    leads there from what was prescribed before; `excess_*` is how far off that was at `since_ms`.
    """

    course: Course
    concentration_ng_per_ml: int
    since_ms: int = 0
    excess_fast_ng: float = 0.0
    excess_slow_ng: float = 0.0

    def moved(self, by_ms: int) -> "Reference":
        """The same, as if that much later."""
        since_ms = self.since_ms + by_ms
        return replace(self, course=self.course.moved(by_ms), since_ms=since_ms)


class Kinetics(NamedTuple):
    """The two rates per ms, and how the concentrations are put together from their integrals."""

    fast: float
    slow: float
    csf_of_fast: float
    csf_of_slow: float
    effect_of_both: float

    def levels(self, fast_ng: float, slow_ng: float) -> tuple[float, float]:
        """The concentrations in the CSF and at the site of effect, in ng/mL."""
        csf = self.csf_of_fast * fast_ng + self.csf_of_slow * slow_ng
        return csf, self.effect_of_both * (slow_ng - fast_ng)


@lru_cache(maxsize=16)
def kinetics_of(
    half_life_h: float, clearance_ml_per_h: float, effect_rate_per_h: float
) -> Kinetics:
    """The exponentials of a patient.

    The effect is a difference quotient of the integral by the rate. Where both rates are equal its
    limit is the derivative, taken here over a span of twice `_CLOSE`: 1e-10 off, and of one form
    with the general case.
    """
    leaving = math.log(2) / (half_life_h * HOUR_MS)
    following = effect_rate_per_h / HOUR_MS
    volume_ml = clearance_ml_per_h / (leaving * HOUR_MS)
    fast, slow, weight = leaving, following, 1.0
    if abs(leaving - following) <= _CLOSE * leaving:
        middle = (leaving + following) / 2
        fast, slow = middle * (1 + _CLOSE), middle * (1 - _CLOSE)
        weight = (leaving - slow) / (fast - slow)
    return Kinetics(
        fast,
        slow,
        csf_of_fast=weight / volume_ml,
        csf_of_slow=(1 - weight) / volume_ml,
        effect_of_both=following / (volume_ml * (fast - slow)),
    )


class _Period:
    """What one period of a cycle adds to both integrals, at the start of every segment.

    For a flow in ledger units per ms, of 1 ng a unit.
    """

    __slots__ = ("_lowest", "before", "carry", "kinetics", "period_ms", "settling", "starts")

    def __init__(self, segments: tuple[Segment, ...], period_ms: int, kinetics: Kinetics) -> None:
        self._lowest: float | None = None
        self.kinetics = kinetics
        self.period_ms = period_ms
        self.starts = tuple(part.starts_at_ms for part in segments)
        settling, before = [], []
        y_fast = y_slow = 0.0
        for part, end_ms in zip(segments, (*self.starts[1:], period_ms), strict=True):
            rate = part.units / part.per_ms
            limit_fast, limit_slow = rate / kinetics.fast, rate / kinetics.slow
            before.append((y_fast, y_slow))
            settling.append((limit_fast, limit_slow))
            long_ms = end_ms - part.starts_at_ms
            y_fast += (limit_fast - y_fast) * -math.expm1(-kinetics.fast * long_ms)
            y_slow += (limit_slow - y_slow) * -math.expm1(-kinetics.slow * long_ms)
        self.before = tuple(before)
        self.settling = tuple(settling)
        # The whole periods are a geometric series.
        self.carry = (
            y_fast / -math.expm1(-kinetics.fast * period_ms),
            y_slow / -math.expm1(-kinetics.slow * period_ms),
        )

    @property
    def lowest(self) -> float:
        """Below this the effect never falls that the cycle has if it goes on for ever."""
        if self._lowest is None:
            ends = (*self.starts[1:], self.period_ms)
            self._lowest = min(
                self._lowest_in(index, end_ms - start_ms)
                for index, (start_ms, end_ms) in enumerate(zip(self.starts, ends, strict=True))
            )
        return self._lowest

    def _lowest_in(self, index: int, long_ms: int) -> float:
        """The effect falls no faster than it would without any drug, nor below what it follows."""
        kinetics = self.kinetics
        csf, effect = kinetics.levels(*self.grown(self.starts[index], settled=True))
        limit, _ = kinetics.levels(*self.settling[index])
        # A hair faster: where both rates are almost equal, `slow` is a little less than its own.
        alone = effect * math.exp(-(1 + 2 * _CLOSE) * kinetics.slow * long_ms)
        return max(alone, min(effect, csf, limit))

    def grown(self, elapsed_ms: float, *, settled: bool = False) -> tuple[float, float]:
        """Both integrals after the cycle has gone on for so long, or (settled) for ever."""
        rounds, offset_ms = divmod(elapsed_ms, self.period_ms)
        index = bisect_right(self.starts, offset_ms) - 1
        y_fast, y_slow = self.before[index]
        limit_fast, limit_slow = self.settling[index]
        fast, slow = self.kinetics.fast, self.kinetics.slow
        inside_ms = offset_ms - self.starts[index]
        y_fast += (limit_fast - y_fast) * -math.expm1(-fast * inside_ms)
        y_slow += (limit_slow - y_slow) * -math.expm1(-slow * inside_ms)
        if rounds or settled:
            carry_fast, carry_slow = self.carry
            past_ms = math.inf if settled else rounds * self.period_ms
            y_fast -= math.exp(-fast * offset_ms) * carry_fast * math.expm1(-fast * past_ms)
            y_slow -= math.exp(-slow * offset_ms) * carry_slow * math.expm1(-slow * past_ms)
        return y_fast, y_slow


_recent: dict[tuple[int, Kinetics], tuple[tuple[Segment, ...], int, _Period]] = {}
"""Periods by the identity of their segments: hashing 91 segments takes longer than a query."""


def _period(cycle: Cycle, kinetics: Kinetics) -> _Period:
    key = (id(cycle.segments), kinetics)
    found = _recent.get(key)
    if found is not None and found[0] is cycle.segments and found[1] == cycle.period_ms:
        return found[2]
    if len(_recent) >= 64:
        _recent.clear()
    period = _period_by_value(cycle.segments, cycle.period_ms, kinetics)
    _recent[key] = (cycle.segments, cycle.period_ms, period)
    return period


@lru_cache(maxsize=64)
def _period_by_value(segments: tuple[Segment, ...], period_ms: int, kinetics: Kinetics) -> _Period:
    return _Period(segments, period_ms, kinetics)


def settled(
    kinetics: Kinetics, course: Course, concentration_ng_per_ml: int, at_ms: int
) -> tuple[float, float]:
    """Both integrals in ng where a course has gone on undisturbed for ever; boluses do not."""
    fast_ng = course.rate_nl_per_day / kinetics.fast
    slow_ng = course.rate_nl_per_day / kinetics.slow
    cycle = course.cycle
    if cycle is not None:
        elapsed_ms = (at_ms - cycle.anchor_ms) % cycle.period_ms
        more_fast, more_slow = _period(cycle, kinetics).grown(elapsed_ms, settled=True)
        fast_ng += more_fast
        slow_ng += more_slow
    scale = PPM * concentration_ng_per_ml * NG_PER_FINE
    return fast_ng * scale, slow_ng * scale


def referred(kinetics: Kinetics, reference: Reference, at_ms: int) -> tuple[float, float]:
    """Both integrals in ng of undisturbed therapy."""
    concentration = reference.concentration_ng_per_ml
    fast_ng, slow_ng = settled(kinetics, reference.course, concentration, at_ms)
    if reference.excess_fast_ng or reference.excess_slow_ng:
        since_ms = max(0, at_ms - reference.since_ms)
        fast_ng += reference.excess_fast_ng * math.exp(-kinetics.fast * since_ms)
        slow_ng += reference.excess_slow_ng * math.exp(-kinetics.slow * since_ms)
    return fast_ng, slow_ng


def lowest(kinetics: Kinetics, reference: Reference) -> float:
    """Below this no effect of undisturbed therapy ever falls, in ng/mL."""
    course = reference.course
    rate = course.rate_nl_per_day
    _, lowest = kinetics.levels(rate / kinetics.fast, rate / kinetics.slow)
    if course.cycle is not None:
        lowest += _period(course.cycle, kinetics).lowest
    return lowest * PPM * reference.concentration_ng_per_ml * NG_PER_FINE


class _Run(NamedTuple):
    """One basal flow at one factor and concentration, from `begins_ms` on.

    Boluses that come and go over it leave it one run.
    """

    begins_ms: float
    rate_nl_per_day: int
    period: _Period | None
    anchor_ms: int
    scale: float


def amounts(kinetics: Kinetics, history: FlowHistory, at_ms: int) -> tuple[float, float]:
    """Both integrals in ng of what has come out at the tip by `at_ms`."""
    fast_ng, slow_ng = _from_before(kinetics, history, at_ms)
    run: _Run | None = None
    ends_ms = 0.0
    for span in history.spans(at_ms - MEMORY_MS, at_ms):
        if not span.concentration_ng_per_ml:
            continue
        following = _run(kinetics, span)
        # A run that has not begun by the end of its span is none that could go on.
        goes_on = run is not None and run.begins_ms <= ends_ms == following.begins_ms
        if run is None or not goes_on or run[1:] != following[1:]:
            if run is not None:
                more_fast, more_slow = _basal(kinetics, run, ends_ms, at_ms)
                fast_ng += more_fast
                slow_ng += more_slow
            run = following
        ends_ms = span.ends_ms
        bolus = span.course.bolus
        if bolus is not None:
            begins_ms = max(span.begins_ms, bolus.started_at_ms)
            until_ms = min(span.ends_ms, bolus.ends_at_ms)
            if until_ms > begins_ms:
                rate = bolus.volume_units / bolus.duration_ms
                more_fast, more_slow = _constant(
                    kinetics, rate * following.scale, at_ms - begins_ms, at_ms - until_ms
                )
                fast_ng += more_fast
                slow_ng += more_slow
    if run is not None:
        more_fast, more_slow = _basal(kinetics, run, ends_ms, at_ms)
        fast_ng += more_fast
        slow_ng += more_slow
    return fast_ng, slow_ng


def _from_before(kinetics: Kinetics, history: FlowHistory, at_ms: int) -> tuple[float, float]:
    """What is left of the therapy before the first piece."""
    steady, since_ms = history.steady, at_ms - history.started_ms
    if steady is None or since_ms >= MEMORY_MS:
        return 0.0, 0.0
    until_ms = min(at_ms, history.started_ms)
    fast_ng, slow_ng = settled(kinetics, steady.course, steady.concentration_ng_per_ml, until_ms)
    since_ms = max(0, since_ms)
    return fast_ng * math.exp(-kinetics.fast * since_ms), slow_ng * math.exp(
        -kinetics.slow * since_ms
    )


def _run(kinetics: Kinetics, span: Span) -> _Run:
    course = span.course
    cycle, begins_ms = course.cycle, max(span.begins_ms, course.begins_at_ms)
    scale = span.factor_ppm * span.concentration_ng_per_ml * NG_PER_FINE
    if cycle is None:
        return _Run(begins_ms, course.rate_nl_per_day, None, 0, scale)
    period = _period(cycle, kinetics)
    return _Run(begins_ms, course.rate_nl_per_day, period, cycle.anchor_ms, scale)


def _basal(kinetics: Kinetics, run: _Run, ends_ms: float, at_ms: int) -> tuple[float, float]:
    """What a run that ended at `ends_ms` comes to at `at_ms`."""
    fast_ng = slow_ng = 0.0
    if ends_ms <= run.begins_ms:
        return fast_ng, slow_ng
    if run.rate_nl_per_day:
        fast_ng, slow_ng = _constant(
            kinetics, run.rate_nl_per_day * run.scale, at_ms - run.begins_ms, at_ms - ends_ms
        )
    period = run.period
    if period is not None and ends_ms > run.anchor_ms:
        begins_ms = max(run.begins_ms, run.anchor_ms)
        fast_then, slow_then = period.grown(begins_ms - run.anchor_ms)
        fast_now, slow_now = period.grown(ends_ms - run.anchor_ms)
        age_ms, long_ms = at_ms - ends_ms, at_ms - begins_ms
        fast_ng += run.scale * (
            fast_now * math.exp(-kinetics.fast * age_ms)
            - fast_then * math.exp(-kinetics.fast * long_ms)
        )
        slow_ng += run.scale * (
            slow_now * math.exp(-kinetics.slow * age_ms)
            - slow_then * math.exp(-kinetics.slow * long_ms)
        )
    return fast_ng, slow_ng


def _constant(
    kinetics: Kinetics, ng_per_ms: float, from_age_ms: float, to_age_ms: float
) -> tuple[float, float]:
    """What a constant dose rate comes to that began and ended so long ago."""
    fast, slow = kinetics.fast, kinetics.slow
    return (
        ng_per_ms / fast * (math.exp(-fast * to_age_ms) - math.exp(-fast * from_age_ms)),
        ng_per_ms / slow * (math.exp(-slow * to_age_ms) - math.exp(-slow * from_age_ms)),
    )
