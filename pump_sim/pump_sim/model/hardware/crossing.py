"""When an effect crosses a share of its reference: the first millisecond, found without ticks.

It looks into the future as far as the flow's history and its latest piece tell it, and no further.
"""

import heapq
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from pump_sim.model.course import Cycle
from pump_sim.model.hardware.flow import FlowHistory, Span, Therapy
from pump_sim.model.hardware.kinetics import Kinetics, Reference, amounts, lowest, referred, settled
from pump_sim.model.units import DAY_MS, PPM

_NOISE: Final = 1e-12
"""What floats may add to an effect, relatively."""


class Threshold(NamedTuple):
    """A share of the reference, and the side of it on which the effect has to be.

    `sign` is 1 for above and -1 for below; `noise` is how far at least, as a share of the
    reference: what floats add to an effect that does not change crosses nothing.
    """

    ppm: int
    sign: int
    noise: float = _NOISE
    strictly: bool = False

    def margin(self, effect: float, reference: float) -> float:
        """How far beyond the threshold an effect is."""
        return self.sign * (effect - self.ppm / PPM * reference) - self.noise * reference

    def passed(self, margin: float) -> bool:
        """Whether that is far enough."""
        return margin > 0 or (margin == 0 and not self.strictly)

    @property
    def back(self) -> "Threshold":
        """What holds where this one does not."""
        return Threshold(self.ppm, -self.sign, -self.noise, not self.strictly)


def above(ppm: int) -> Threshold:
    """The effect is above so many ppm of the reference."""
    return Threshold(ppm, 1)


def below(ppm: int) -> Threshold:
    """The effect is below so many ppm of the reference; also in a patient who never had any."""
    return Threshold(ppm, -1)


def first_moment(
    kinetics: Kinetics,
    reference: Reference,
    history: FlowHistory,
    threshold: Threshold,
    from_ms: int,
    to_ms: int,
) -> int | None:
    """The first millisecond from `from_ms` to `to_ms`, both included, beyond a threshold.

    Where no rate changes, the margin to the threshold is a constant and two exponentials, so it has
    at most one extremum, and its slope at most one change of sign: the search goes from one change
    of a rate to the next. Where flow and reference go round in the same cycle, it ends as soon as
    what is left of anything else is too little to bring the effect there.
    """
    if from_ms > to_ms:
        return None
    search = _Search(kinetics, reference, history, threshold)
    last = search.look(from_ms)
    if threshold.passed(last.margin):
        return from_ms
    for stretch in _stretches(history, reference, from_ms, to_ms):
        share = stretch.share()
        for break_ms in stretch.breaks():
            never = share is not None and search.never(share, last)
            now = search.look(stretch.ends_ms if never else break_ms)
            found_ms = search.between(last, now)
            if found_ms is not None:
                return found_ms
            # Beyond a break the slope goes on: the effect follows a level that does not jump.
            last = now
            if never:
                break
    return None


class _Look(NamedTuple):
    """One moment of a search: the margin to the threshold, its slope, and both integrals in ng."""

    at_ms: int
    margin: float
    slope: float
    amounts: tuple[float, float]
    referred: tuple[float, float]


class _Search(NamedTuple):
    """A question to a flow."""

    kinetics: Kinetics
    reference: Reference
    history: FlowHistory
    threshold: Threshold

    def look(self, at_ms: int) -> _Look:
        """How far it is to the threshold at one moment."""
        kinetics, threshold = self.kinetics, self.threshold
        given = amounts(kinetics, self.history, at_ms)
        wanted = referred(kinetics, self.reference, at_ms)
        csf, effect = kinetics.levels(*given)
        wanted_csf, wanted_effect = kinetics.levels(*wanted)
        slope = (csf - effect) - threshold.ppm / PPM * (wanted_csf - wanted_effect)
        margin = threshold.margin(effect, wanted_effect)
        return _Look(at_ms, margin, threshold.sign * slope, given, wanted)

    def between(self, last: _Look, now: _Look) -> int | None:
        """The first moment beyond the threshold after `last`, up to `now`; no rate changes."""
        until, passed = now, self.threshold.passed
        if last.slope > 0 > now.slope and not passed(now.margin):
            peak_ms = _first_true(lambda ms: self.look(ms).slope <= 0, last.at_ms, now.at_ms)
            until = self.look(peak_ms)
        if not passed(until.margin):
            return None
        return _first_true(lambda ms: passed(self.look(ms).margin), last.at_ms, until.at_ms)

    def never(self, share: float, last: _Look) -> bool:
        """Whether the threshold is out of reach, if that share of the reference goes on to flow.

        The effect goes to that share of what the reference goes to, and what both are off by now
        dies away: even if all of it counted, it would not do where the reference is at its lowest.
        """
        kinetics, reference, threshold = self.kinetics, self.reference, self.threshold
        wanted_share = threshold.ppm / PPM
        gap = threshold.sign * (wanted_share - share) + threshold.noise
        if gap <= 0:
            return False
        concentration = reference.concentration_ng_per_ml
        goals = settled(kinetics, reference.course, concentration, last.at_ms)
        off = 0.0
        for given, wanted, goal in zip(last.amounts, last.referred, goals, strict=True):
            excess = wanted - goal
            off += abs(given - share * goal - wanted_share * excess)
            off += abs(threshold.noise * excess)
        return gap * lowest(kinetics, reference) > abs(kinetics.effect_of_both) * off


class _Stretch(NamedTuple):
    """A time in which a rate changes only as cycles go round.

    `spans` are those that flow in it. `steady` is the therapy of a stretch before the history.
    """

    begins_ms: int
    ends_ms: int
    reference: Reference
    spans: list[Span]
    steady: Therapy | None

    def breaks(self) -> Iterator[int]:
        """The moments at which a rate changes, rising; the last one is the end."""
        begins_ms, ends_ms = self.begins_ms, self.ends_ms
        old = None if self.steady is None else self.steady.course.cycle
        cycles = [span.course.cycle for span in self.spans]
        endless = [each for each in (self.reference.course.cycle, old) if each is not None]
        cycles += [_extended(each, begins_ms) for each in endless]
        sources = [_steps(each, begins_ms, ends_ms) for each in cycles if each is not None]
        latest_ms = begins_ms
        for moment_ms in heapq.merge(*sources, (ends_ms,)):
            if latest_ms < moment_ms <= ends_ms:
                # After many days a slope is nothing but noise: look for its sign before, too.
                for days in (1, 2, 4, 8):
                    if latest_ms + days * DAY_MS < moment_ms:
                        yield latest_ms + days * DAY_MS
                latest_ms = moment_ms
                yield moment_ms

    def share(self) -> float | None:
        """How much of undisturbed therapy flows, all the time; None if one is no share of it."""
        if self.steady is not None or len(self.spans) > 1:
            return None
        if not self.spans:
            return 0.0
        span, wanted = self.spans[0], self.reference.course
        course, bolus = span.course, span.course.bolus
        begins_ms, ends_ms = self.begins_ms, self.ends_ms
        if span.begins_ms > begins_ms or span.ends_ms < ends_ms or course.begins_at_ms > begins_ms:
            return None
        if bolus is not None and bolus.started_at_ms < ends_ms and bolus.ends_at_ms > begins_ms:
            return None
        full = PPM * self.reference.concentration_ng_per_ml
        part = span.factor_ppm * span.concentration_ng_per_ml
        if course.cycle is None and wanted.cycle is None:
            full, part = full * wanted.rate_nl_per_day, part * course.rate_nl_per_day
        elif not self._in_step():
            return None
        return part / full if full else None

    def _in_step(self) -> bool:
        """Whether flow and reference have the same rate and go round in the same cycle."""
        course, wanted = self.spans[0].course, self.reference.course
        one, other = course.cycle, wanted.cycle
        if one is None or other is None or course.rate_nl_per_day != wanted.rate_nl_per_day:
            return False
        return (
            one.anchor_ms <= self.begins_ms
            and one.period_ms == other.period_ms
            and (one.anchor_ms - other.anchor_ms) % one.period_ms == 0
            and one.segments == other.segments
        )


def _stretches(
    history: FlowHistory, reference: Reference, from_ms: int, to_ms: int
) -> Iterator[_Stretch]:
    """The stretches of a time, in order."""
    spans = history.spans(from_ms, to_ms)
    moments = {to_ms, reference.since_ms, history.started_ms}
    for span in spans:
        for moment_ms in (span.begins_ms, span.ends_ms):
            moments |= {math.floor(moment_ms), math.ceil(moment_ms)}
        moments.add(span.course.begins_at_ms)
        if (bolus := span.course.bolus) is not None:
            moments |= {bolus.started_at_ms, bolus.ends_at_ms}
    begins_ms, first = from_ms, 0
    for ends_ms in sorted(each for each in moments if from_ms < each <= to_ms):
        while first < len(spans) and spans[first].ends_ms <= begins_ms:
            first += 1
        flowing = []
        for span in islice(spans, first, None):
            if span.begins_ms >= ends_ms:
                break
            if span.ends_ms > begins_ms:
                flowing.append(span)
        steady = history.steady if ends_ms <= history.started_ms else None
        yield _Stretch(begins_ms, ends_ms, reference, flowing, steady)
        begins_ms = ends_ms


def _steps(cycle: Cycle, from_ms: int, to_ms: int) -> Iterator[int]:
    _, _, moment_ms = cycle.segment_at(from_ms)
    while moment_ms < to_ms:
        yield moment_ms
        _, _, moment_ms = cycle.segment_at(moment_ms)


def _extended(cycle: Cycle, from_ms: int) -> Cycle:
    """The same flow, already going on at `from_ms`."""
    periods = max(0, -((from_ms - cycle.anchor_ms) // cycle.period_ms))
    return cycle.anchored(cycle.anchor_ms - periods * cycle.period_ms)


def _first_true(holds: Callable[[int], bool], from_ms: int, to_ms: int) -> int:
    """The first moment in between from which on it holds."""
    return from_ms + bisect_left(range(from_ms, to_ms), True, key=holds)
