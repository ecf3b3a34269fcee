"""The patient: what the drug that came out at the tip does, as a function of time in closed form.

A TEACHING AID, NO PREDICTOR (`TEACHING_NOTICE`): it gives the time course that a label describes,
for one made-up patient. docs/explanation/patient-model.md has the figures, their sources, and what
the model does not fit.

Two compartments: drug enters the cerebrospinal fluid (CSF) at the tip and leaves it at the rate k;
the effect follows the concentration there with the delay 1/ke0. Both are sums of two integrals

    y(t) = integral of exp(-rate (t - s)) dose(s) ds,    rate = k and rate = ke0,

and dose(s) is constant, a bolus or a cycle, piece by piece (hardware/flow.py). So each piece is a
few exponentials, however long it is; of a cycle one period is tabulated, and the rest is a
geometric series. Nothing is integrated step by step, and no event is scheduled for a patient:
everything is worked out when somebody asks. Floats begin here, and nothing exact depends on them.
"""

import heapq
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from pump_sim.model.course import Course, Cycle, Segment
from pump_sim.model.hardware.flow import LOOK_BACK_MS, MEMORY_MS, FlowHistory, Span
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.units import DAY_MS, HOUR_MS, NL_PER_ML, PPM

TEACHING_NOTICE: Final = (
    "A teaching aid and no predictor: in patients the level in the cerebrospinal fluid does not"
    " correlate with the dose (P52)."
)

_NG_PER_FINE: Final = 1 / (FINE_UNITS_PER_NL * NL_PER_ML)
"""Nanograms in one fine unit of 1 ng/mL."""

_CLOSE: Final = 1e-5
"""Two rates as close as this, relatively, count as equal."""


_NOISE: Final = 1e-12
"""What floats may add to an effect, relatively."""


class PatientFlag(Enum):
    """What a teacher would point at. Thresholds of the effect, not diagnoses."""

    UNDERDOSE = "underdose"
    WITHDRAWAL = "withdrawal"
    OVERDOSE_WATCH = "overdose watch"
    OVERDOSE = "overdose"


class FlagRule(NamedTuple):
    """When a flag is up: the effect is beyond `ppm` of the reference, and has been for `for_ms`."""

    flag: PatientFlag
    ppm: int
    above: bool
    for_ms: int
    source: str


class FigureRow(NamedTuple):
    """One figure of the model with its unit and source, for a page or a reader."""

    name: str
    value: float
    unit: str
    source: str


def _figure(default: float, unit: str, source: str) -> float:
    return field(default=default, metadata={"unit": unit, "source": source})


def _count(default: int, unit: str, source: str) -> int:
    return field(default=default, metadata={"unit": unit, "source": source})


_TEACHING = "assumed for this simulator: a teaching threshold, in no source"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFigures:
    """The figures of the model. `rows()` gives each with its unit and its source."""

    csf_half_life_h: float = _figure(
        1.51, "h", "unverified: over the first 4 h after 50 or 100 mcg; 0.9 to 5 h in P54"
    )
    csf_clearance_ml_per_h: float = _figure(
        30.0, "mL/h", "unverified: bolus and infusion; 13 to 80 mL/h in P54"
    )
    effect_rate_per_h: float = _figure(
        0.117, "1/h", "derived: fitted so that a bolus peaks at 4.0 h (P53); form after P55"
    )
    underdose_ppm: int = _count(500_000, "ppm of reference", _TEACHING)
    withdrawal_ppm: int = _count(150_000, "ppm of reference", _TEACHING)
    withdrawal_after_ms: int = _count(12 * HOUR_MS, "ms", _TEACHING)
    overdose_watch_ppm: int = _count(1_500_000, "ppm of reference", _TEACHING)
    overdose_ppm: int = _count(3_000_000, "ppm of reference", _TEACHING)

    def __post_init__(self) -> None:
        """Refuse what the closed form, the memory of the flow or the flags could not bear."""
        rates = (self.csf_half_life_h, self.csf_clearance_ml_per_h, self.effect_rate_per_h)
        if not all(0 < each < math.inf for each in rates):
            raise ValueError("half-life, clearance and effect rate must be positive")
        slowest_per_h = min(math.log(2) / self.csf_half_life_h, self.effect_rate_per_h)
        if not slowest_per_h * MEMORY_MS >= 20 * HOUR_MS:
            raise ValueError("the slowest rate must be at least 0.06/h: only 14 days are kept")
        thresholds = (0, self.withdrawal_ppm, self.underdose_ppm, PPM)
        if not (
            thresholds == tuple(sorted(thresholds))
            and PPM <= self.overdose_watch_ppm <= self.overdose_ppm
        ):
            raise ValueError("thresholds must rise from withdrawal to overdose, around 1,000,000")
        if not 0 <= self.withdrawal_after_ms <= LOOK_BACK_MS:
            raise ValueError("withdrawal_after_ms must be 0 to 12 h: no more flow is kept")

    def rows(self) -> tuple[FigureRow, ...]:
        """Every figure with its unit and source."""
        return tuple(
            FigureRow(each.name, getattr(self, each.name), **each.metadata) for each in fields(self)
        )

    def rule(self, flag: PatientFlag) -> FlagRule:
        """When a flag is up, and where that threshold comes from."""
        above = flag in {PatientFlag.OVERDOSE_WATCH, PatientFlag.OVERDOSE}
        name = f"{flag.name.lower()}_ppm"
        source = next(row.source for row in self.rows() if row.name == name)
        for_ms = self.withdrawal_after_ms if flag is PatientFlag.WITHDRAWAL else 0
        return FlagRule(flag, getattr(self, name), above, for_ms, source)


FIGURES: Final = PatientFigures()


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


@dataclass(frozen=True, slots=True)
class EffectBelow:
    """The effect is below so many ppm of the reference; also in a patient who never had any."""

    ppm: int


@dataclass(frozen=True, slots=True)
class EffectAbove:
    """The effect is above so many ppm of the reference."""

    ppm: int


Condition = PatientFlag | EffectBelow | EffectAbove


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientView:
    """The patient at one moment. See `notice`.

    Without a reference, because nothing has ever been prescribed, there is nothing to judge.
    """

    at_ms: int
    csf_ng_per_ml: float
    effect_ng_per_ml: float
    reference_ng_per_ml: float | None
    effect_ppm: int | None
    tip_dose_ng_per_day: float
    tip_concentration_ng_per_ml: int
    flags: tuple[PatientFlag, ...]

    @property
    def notice(self) -> str:
        """What must be read with these numbers."""
        return TEACHING_NOTICE


@dataclass(frozen=True, slots=True)
class Patient:
    """One made-up patient: figures, and the therapy against which the effect is judged."""

    figures: PatientFigures = FIGURES
    reference: Reference | None = None

    def prescribed(self, course: Course, concentration_ng_per_ml: int, at_ms: int) -> "Patient":
        """The patient after a prescription that treats has been put in force at `at_ms`.

        The first one is the reference as it is. A later one leads from the old level to its own,
        as undisturbed therapy does: such a change by itself raises no flag. Not for a stop, nor
        for a fall to the minimum rate: those are what the reference is to show.
        """
        new = Reference(course, concentration_ng_per_ml, at_ms)
        if self.reference is not None:
            kinetics = _kinetics(self.figures)
            old_fast, old_slow = _referred(kinetics, self.reference, at_ms)
            fast, slow = _referred(kinetics, new, at_ms)
            new = replace(new, excess_fast_ng=old_fast - fast, excess_slow_ng=old_slow - slow)
        return replace(self, reference=new)

    def view(self, history: FlowHistory, at_ms: int) -> PatientView:
        """Everything that is to be told at `at_ms`, which is not before the latest piece."""
        kinetics = _kinetics(self.figures)
        csf, effect = kinetics.levels(*_amounts(kinetics, history, at_ms))
        tip = history.tip_at(at_ms)
        reference = effect_ppm = None
        flags: tuple[PatientFlag, ...] = ()
        if self.reference is not None:
            _, reference = kinetics.levels(*_referred(kinetics, self.reference, at_ms))
            if reference > 0:
                effect_ppm = round(effect / reference * PPM)
                flags = self._flags(history, at_ms, effect / reference * PPM)
        return PatientView(
            at_ms=at_ms,
            csf_ng_per_ml=csf,
            effect_ng_per_ml=effect,
            reference_ng_per_ml=reference,
            effect_ppm=effect_ppm,
            tip_dose_ng_per_day=(
                tip.fine_per_ms * tip.concentration_ng_per_ml * _NG_PER_FINE * DAY_MS
            ),
            tip_concentration_ng_per_ml=tip.concentration_ng_per_ml,
            flags=flags,
        )

    def first_moment(
        self, history: FlowHistory, condition: Condition, from_ms: int, to_ms: int
    ) -> int | None:
        """The first millisecond from `from_ms` to `to_ms`, both included, at which it holds.

        The flow goes on as the latest piece says, so this also foresees. Without a reference
        nothing ever holds. The search goes from one change of a rate to the next: a cycle of many
        steps costs time in proportion to what it has to look through.
        """
        if self.reference is None or from_ms > to_ms:
            return None
        if isinstance(condition, EffectBelow):
            return self._first(history, _below(condition.ppm), from_ms, to_ms)
        if isinstance(condition, EffectAbove):
            return self._first(history, _above(condition.ppm), from_ms, to_ms)
        rule = self.figures.rule(condition)
        if rule.above:
            return self._first(history, _above(rule.ppm), from_ms, to_ms)
        judged_ms = self._judged_from(history, from_ms - rule.for_ms, to_ms)
        if judged_ms is None:
            return None
        return self._first_lasting(history, rule, judged_ms, to_ms)

    def _flags(
        self, history: FlowHistory, at_ms: int, effect_ppm: float
    ) -> tuple[PatientFlag, ...]:
        figures = self.figures
        if effect_ppm > figures.overdose_ppm:
            return (PatientFlag.OVERDOSE_WATCH, PatientFlag.OVERDOSE)
        if effect_ppm > figures.overdose_watch_ppm:
            return (PatientFlag.OVERDOSE_WATCH,)
        if effect_ppm >= figures.underdose_ppm:
            return ()
        if self._judged_from(history, at_ms, at_ms) is None:
            return ()
        if effect_ppm < figures.withdrawal_ppm:
            again = _not_below(figures.withdrawal_ppm)
            since_ms = at_ms - figures.withdrawal_after_ms
            if self._first(history, again, since_ms, at_ms) is None:
                return (PatientFlag.UNDERDOSE, PatientFlag.WITHDRAWAL)
        return (PatientFlag.UNDERDOSE,)

    def _judged_from(self, history: FlowHistory, from_ms: int, to_ms: int) -> int | None:
        """From when on, not before `from_ms`, too little can be told; None if not by `to_ms`.

        A patient who has never had half of the effect does not miss it. Who had therapy before
        the pump, or was first given drug longer ago than flow is kept, counts as having had it.
        """
        if history.steady is not None or history.drug_before:
            return from_ms
        given_ms = history.first_drug_ms(to_ms)
        if given_ms is None:
            return None
        enough = _not_below(self.figures.underdose_ppm)
        latest_ms = given_ms + MEMORY_MS + LOOK_BACK_MS
        had_ms = self._first(history, enough, given_ms, min(to_ms, latest_ms))
        if had_ms is None:
            if latest_ms > to_ms:
                return None
            had_ms = latest_ms
        return max(from_ms, had_ms)

    def _first_lasting(
        self, history: FlowHistory, rule: FlagRule, from_ms: int, to_ms: int
    ) -> int | None:
        """The first moment at which the effect has been below a threshold for long enough."""
        begin_ms: int | None = from_ms
        while begin_ms is not None:
            begin_ms = self._first(history, _below(rule.ppm), begin_ms, to_ms)
            if begin_ms is None or begin_ms + rule.for_ms > to_ms:
                return None
            lasts_ms = begin_ms + rule.for_ms
            ended_ms = self._first(history, _not_below(rule.ppm), begin_ms, lasts_ms)
            if ended_ms is None:
                return lasts_ms
            begin_ms = ended_ms
        return None

    def _first(
        self, history: FlowHistory, threshold: "_Threshold", from_ms: int, to_ms: int
    ) -> int | None:
        """The first moment beyond a threshold.

        Where no rate changes, the margin to the threshold is a constant and two exponentials, so
        it has at most one extremum, and its slope at most one change of sign.
        """
        reference = self.reference
        assert reference is not None
        kinetics = _kinetics(self.figures)
        share = threshold.ppm / PPM
        sign = threshold.sign

        def margin(at_ms: int) -> tuple[float, float]:
            csf, effect = kinetics.levels(*_amounts(kinetics, history, at_ms))
            wanted_csf, wanted = kinetics.levels(*_referred(kinetics, reference, at_ms))
            slope = (csf - effect) - share * (wanted_csf - wanted)
            return sign * (effect - share * wanted) - threshold.noise * wanted, sign * slope

        def beyond(at_ms: int) -> bool:
            return margin(at_ms)[0] >= 0

        def falls(at_ms: int) -> bool:
            return margin(at_ms)[1] <= 0

        if beyond(from_ms):
            return from_ms
        begin_ms, (_, slope) = from_ms, margin(from_ms)
        for end_ms in _breaks(history, reference, from_ms, to_ms):
            value, slope_then = margin(end_ms)
            until_ms = end_ms
            if value < 0 and slope > 0 > slope_then:
                until_ms = _first_true(falls, begin_ms, end_ms)
                value, _ = margin(until_ms)
            if value >= 0:
                return _first_true(beyond, begin_ms, until_ms)
            # Beyond a break the slope goes on: the effect follows a level that does not jump.
            begin_ms, slope = end_ms, slope_then
        return None


def _first_true(holds: Callable[[int], bool], from_ms: int, to_ms: int) -> int:
    """The first moment in between, which may lie before the implant, from which on it holds."""
    return from_ms + bisect_left(range(to_ms - from_ms), True, key=lambda ms: holds(from_ms + ms))


# --- Thresholds ----------------------------------------------------------------------------------


class _Threshold(NamedTuple):
    """A share of the reference, the direction in which to cross it, and how far at least.

    So much of the reference is the noise of floats in an effect that does not change.
    """

    ppm: int
    sign: int
    noise: float


def _above(ppm: int) -> _Threshold:
    return _Threshold(ppm, 1, _NOISE)


def _below(ppm: int) -> _Threshold:
    return _Threshold(ppm, -1, _NOISE)


def _not_below(ppm: int) -> _Threshold:
    return _Threshold(ppm, 1, -_NOISE)


def _breaks(history: FlowHistory, reference: Reference, from_ms: int, to_ms: int) -> Iterator[int]:
    """The moments in between at which a rate changes, rising; the last one is `to_ms`."""
    moments = {to_ms, reference.since_ms, history.started_ms}
    sources: list[Iterator[int]] = []
    for span in history.spans(from_ms, to_ms):
        course = span.course
        begins_ms, ends_ms = math.floor(span.begins_ms), math.ceil(span.ends_ms)
        moments |= {math.ceil(span.begins_ms), ends_ms, course.begins_at_ms}
        if course.bolus is not None:
            moments |= {course.bolus.started_at_ms, course.bolus.ends_at_ms}
        if course.cycle is not None:
            sources.append(_steps(course.cycle, begins_ms, ends_ms))
    if reference.course.cycle is not None:
        sources.append(_steps(_extended(reference.course.cycle, from_ms), from_ms, to_ms))
    if history.steady is not None and history.steady.course.cycle is not None:
        cycle = _extended(history.steady.course.cycle, from_ms)
        sources.append(_steps(cycle, from_ms, min(to_ms, history.started_ms)))
    latest_ms = from_ms
    for moment_ms in heapq.merge(sorted(moments), *sources):
        if latest_ms < moment_ms <= to_ms:
            # After many days a slope is nothing but noise: do not look for its sign there only.
            for days in (1, 2, 4, 8):
                if latest_ms + days * DAY_MS < moment_ms:
                    yield latest_ms + days * DAY_MS
            latest_ms = moment_ms
            yield moment_ms


def _steps(cycle: Cycle, from_ms: int, to_ms: int) -> Iterator[int]:
    _, _, moment_ms = cycle.segment_at(from_ms)
    while moment_ms < to_ms:
        yield moment_ms
        _, _, moment_ms = cycle.segment_at(moment_ms)


def _extended(cycle: Cycle, from_ms: int) -> Cycle:
    """The same flow, already going on at `from_ms`."""
    periods = max(0, -((from_ms - cycle.anchor_ms) // cycle.period_ms))
    return cycle.anchored(cycle.anchor_ms - periods * cycle.period_ms)


# --- Two exponentials ----------------------------------------------------------------------------


class _Kinetics(NamedTuple):
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
def _kinetics(figures: PatientFigures) -> _Kinetics:
    """The exponentials of a patient.

    The effect is a difference quotient of the integral by the rate. Where both rates are equal its
    limit is the derivative, taken here over a span of twice `_CLOSE`: 1e-10 off, and of one form
    with the general case.
    """
    leaving = math.log(2) / (figures.csf_half_life_h * HOUR_MS)
    following = figures.effect_rate_per_h / HOUR_MS
    volume_ml = figures.csf_clearance_ml_per_h / (leaving * HOUR_MS)
    fast, slow, weight = leaving, following, 1.0
    if abs(leaving - following) <= _CLOSE * leaving:
        middle = (leaving + following) / 2
        fast, slow = middle * (1 + _CLOSE), middle * (1 - _CLOSE)
        weight = (leaving - slow) / (fast - slow)
    return _Kinetics(
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

    __slots__ = ("before", "carry", "kinetics", "period_ms", "settling", "starts")

    def __init__(self, segments: tuple[Segment, ...], period_ms: int, kinetics: _Kinetics) -> None:
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


_recent: dict[tuple[int, _Kinetics], tuple[tuple[Segment, ...], int, _Period]] = {}
"""Periods by the identity of their segments: hashing 91 segments takes longer than a query."""


def _period(cycle: Cycle, kinetics: _Kinetics) -> _Period:
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
def _period_by_value(segments: tuple[Segment, ...], period_ms: int, kinetics: _Kinetics) -> _Period:
    return _Period(segments, period_ms, kinetics)


def _settled(
    kinetics: _Kinetics, course: Course, concentration_ng_per_ml: int, at_ms: int
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
    scale = PPM * concentration_ng_per_ml * _NG_PER_FINE
    return fast_ng * scale, slow_ng * scale


def _referred(kinetics: _Kinetics, reference: Reference, at_ms: int) -> tuple[float, float]:
    """Both integrals in ng of undisturbed therapy."""
    concentration = reference.concentration_ng_per_ml
    fast_ng, slow_ng = _settled(kinetics, reference.course, concentration, at_ms)
    if reference.excess_fast_ng or reference.excess_slow_ng:
        since_ms = max(0, at_ms - reference.since_ms)
        fast_ng += reference.excess_fast_ng * math.exp(-kinetics.fast * since_ms)
        slow_ng += reference.excess_slow_ng * math.exp(-kinetics.slow * since_ms)
    return fast_ng, slow_ng


class _Run(NamedTuple):
    """One basal flow at one factor and concentration, from `begins_ms` on.

    Boluses that come and go over it leave it one run.
    """

    begins_ms: float
    rate_nl_per_day: int
    period: _Period | None
    anchor_ms: int
    scale: float


def _amounts(kinetics: _Kinetics, history: FlowHistory, at_ms: int) -> tuple[float, float]:
    """Both integrals in ng of what has come out at the tip by `at_ms`."""
    fast_ng, slow_ng = _from_before(kinetics, history, at_ms)
    run: _Run | None = None
    ends_ms = 0.0
    for span in history.spans(at_ms - MEMORY_MS, at_ms):
        if not span.concentration_ng_per_ml:
            continue
        following = _run(kinetics, span)
        if run is None or following.begins_ms != ends_ms or run[1:] != following[1:]:
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


def _from_before(kinetics: _Kinetics, history: FlowHistory, at_ms: int) -> tuple[float, float]:
    """What is left of the therapy before the first piece."""
    steady, since_ms = history.steady, at_ms - history.started_ms
    if steady is None or since_ms >= MEMORY_MS:
        return 0.0, 0.0
    until_ms = min(at_ms, history.started_ms)
    fast_ng, slow_ng = _settled(kinetics, steady.course, steady.concentration_ng_per_ml, until_ms)
    since_ms = max(0, since_ms)
    return fast_ng * math.exp(-kinetics.fast * since_ms), slow_ng * math.exp(
        -kinetics.slow * since_ms
    )


def _run(kinetics: _Kinetics, span: Span) -> _Run:
    course = span.course
    cycle, begins_ms = course.cycle, max(span.begins_ms, course.begins_at_ms)
    scale = span.factor_ppm * span.concentration_ng_per_ml * _NG_PER_FINE
    if cycle is None:
        return _Run(begins_ms, course.rate_nl_per_day, None, 0, scale)
    period = _period(cycle, kinetics)
    return _Run(begins_ms, course.rate_nl_per_day, period, cycle.anchor_ms, scale)


def _basal(kinetics: _Kinetics, run: _Run, ends_ms: float, at_ms: int) -> tuple[float, float]:
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
    kinetics: _Kinetics, ng_per_ms: float, from_age_ms: float, to_age_ms: float
) -> tuple[float, float]:
    """What a constant dose rate comes to that began and ended so long ago."""
    fast, slow = kinetics.fast, kinetics.slow
    return (
        ng_per_ms / fast * (math.exp(-fast * to_age_ms) - math.exp(-fast * from_age_ms)),
        ng_per_ms / slow * (math.exp(-slow * to_age_ms) - math.exp(-slow * from_age_ms)),
    )
