"""The patient: what the drug that came out at the tip does, as a function of time in closed form.

A TEACHING AID, NO PREDICTOR (`TEACHING_NOTICE`): it gives the time course that a label describes,
for one made-up patient. docs/explanation/patient-model.md has the figures, their sources, and what
the model does not fit.

Its arithmetic is in `kinetics.py`, and the search for a moment in `crossing.py`. No event is
scheduled for a patient: everything is worked out when somebody asks.
"""

import math
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from pump_sim.model.course import Course
from pump_sim.model.hardware.crossing import Threshold, above, below, first_moment
from pump_sim.model.hardware.flow import LOOK_BACK_MS, MEMORY_MS, FlowHistory
from pump_sim.model.hardware.kinetics import (
    NG_PER_FINE,
    Kinetics,
    Reference,
    amounts,
    kinetics_of,
    referred,
)
from pump_sim.model.units import DAY_MS, HOUR_MS, PPM

TEACHING_NOTICE: Final = (
    "A teaching aid and no predictor: in patients the level in the cerebrospinal fluid does not"
    " correlate with the dose (P52)."
)


class PatientFlag(Enum):
    """What a teacher would point at. Thresholds of the effect, not diagnoses."""

    UNDERDOSE = "underdose"
    WITHDRAWAL = "withdrawal"
    OVERDOSE_WATCH = "overdose watch"
    OVERDOSE = "overdose"


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


FIGURES: Final = PatientFigures()


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
            old_fast, old_slow = referred(kinetics, self.reference, at_ms)
            fast, slow = referred(kinetics, new, at_ms)
            new = replace(new, excess_fast_ng=old_fast - fast, excess_slow_ng=old_slow - slow)
        return replace(self, reference=new)

    def moved(self, by_ms: int) -> "Patient":
        """The same patient, by a clock that is so far ahead."""
        reference = None if self.reference is None else self.reference.moved(by_ms)
        return replace(self, reference=reference)

    def view(self, history: FlowHistory, at_ms: int) -> PatientView:
        """Everything that is to be told at `at_ms`, which is not before the latest piece."""
        kinetics = _kinetics(self.figures)
        csf, effect = kinetics.levels(*amounts(kinetics, history, at_ms))
        tip = history.tip_at(at_ms)
        reference = effect_ppm = None
        flags: tuple[PatientFlag, ...] = ()
        if self.reference is not None:
            _, reference = kinetics.levels(*referred(kinetics, self.reference, at_ms))
            if reference > 0:
                effect_ppm = round(effect / reference * PPM)
                flags = self._flags(history, at_ms, effect, reference)
        return PatientView(
            at_ms=at_ms,
            csf_ng_per_ml=csf,
            effect_ng_per_ml=effect,
            reference_ng_per_ml=reference,
            effect_ppm=effect_ppm,
            tip_dose_ng_per_day=(
                tip.fine_per_ms * tip.concentration_ng_per_ml * NG_PER_FINE * DAY_MS
            ),
            tip_concentration_ng_per_ml=tip.concentration_ng_per_ml,
            flags=flags,
        )

    def next_flags(
        self, history: FlowHistory, from_ms: int, to_ms: int
    ) -> tuple[int, tuple[PatientFlag, ...]] | None:
        """The first moment after `from_ms`, up to `to_ms`, at which the flags change, and to what.

        None if they do not. The flow goes on as the latest piece says, so this foresees.
        """
        shown, at_ms = self.view(history, from_ms).flags, from_ms
        while (moment_ms := self._next_crossing(history, at_ms, to_ms)) is not None:
            flags = self.view(history, moment_ms).flags
            if flags != shown:
                return moment_ms, flags
            at_ms = moment_ms
        return None

    def first_moment(
        self, history: FlowHistory, threshold: Threshold, from_ms: int, to_ms: int
    ) -> int | None:
        """The first millisecond from `from_ms` to `to_ms`, both included, beyond a threshold.

        The flow goes on as the latest piece says. Without a reference nothing is beyond anything.
        """
        if self.reference is None:
            return None
        kinetics = _kinetics(self.figures)
        return first_moment(kinetics, self.reference, history, threshold, from_ms, to_ms)

    def _flags(
        self, history: FlowHistory, at_ms: int, effect: float, reference: float
    ) -> tuple[PatientFlag, ...]:
        lines = _lines(self.figures)
        level = _level(lines, effect, reference)
        if level < _ENOUGH:
            return (PatientFlag.OVERDOSE_WATCH, PatientFlag.OVERDOSE)[: _ENOUGH - level]
        if level == _ENOUGH or self._judged_from(history, at_ms, at_ms) is None:
            return ()
        if level > _LITTLE:
            since_ms = at_ms - self.figures.withdrawal_after_ms
            if self.first_moment(history, lines[_LITTLE], since_ms, at_ms) is None:
                return (PatientFlag.UNDERDOSE, PatientFlag.WITHDRAWAL)
        return (PatientFlag.UNDERDOSE,)

    def _next_crossing(self, history: FlowHistory, from_ms: int, to_ms: int) -> int | None:
        """A moment after `from_ms` before which the flags do not change; None if they do not."""
        if self.reference is None:
            return None
        kinetics, lines = _kinetics(self.figures), _lines(self.figures)
        _, effect = kinetics.levels(*amounts(kinetics, history, from_ms))
        _, wanted = kinetics.levels(*referred(kinetics, self.reference, from_ms))
        if wanted <= 0:
            return None
        level = _level(lines, effect, wanted)
        # From here an effect can only rise beyond one line or fall back behind another.
        ways = [*lines[max(0, level - 1) : level], *(x.back for x in lines[level : level + 1])]
        moments: list[int | None] = []
        until_ms = to_ms
        for way in ways:
            found_ms = self.first_moment(history, way, from_ms, until_ms)
            if found_ms is not None:
                moments.append(found_ms)
                until_ms = found_ms
        if level >= _LITTLE:
            moments.append(self._judged_from(history, from_ms, until_ms))
        if level > _LITTLE:
            moments.append(self._lasting_from(history, from_ms, until_ms))
        later = (each for each in moments if each is not None and each > from_ms)
        return min(later, default=None)

    def _judged_from(self, history: FlowHistory, from_ms: int, to_ms: int) -> int | None:
        """From when on, not before `from_ms`, too little can be told; None if not by `to_ms`.

        A patient who has never had half of the effect does not miss it. Who had therapy before
        the pump, or was first given drug longer ago than flow is kept, counts as having had it.
        """
        if history.steady is not None or history.tally.drug_before:
            return from_ms
        given_ms = history.first_drug_ms(to_ms)
        if given_ms is None:
            return None
        enough = _lines(self.figures)[_ENOUGH]
        latest_ms = given_ms + MEMORY_MS + LOOK_BACK_MS
        had_ms = self.first_moment(history, enough, given_ms, min(to_ms, latest_ms))
        if had_ms is None:
            if latest_ms > to_ms:
                return None
            had_ms = latest_ms
        return max(from_ms, had_ms)

    def _lasting_from(self, history: FlowHistory, from_ms: int, to_ms: int) -> int | None:
        """When the effect, too low at `from_ms` for withdrawal, has been so for long enough.

        It stays so low up to `to_ms`; None if that is too soon.
        """
        again, after_ms = _lines(self.figures)[_LITTLE], self.figures.withdrawal_after_ms
        begin_ms, low_ms = from_ms - after_ms, None
        while low_ms is None:
            low_ms = self.first_moment(history, again.back, begin_ms, from_ms)
            assert low_ms is not None, "it is too low at from_ms"
            ended_ms = self.first_moment(history, again, low_ms, from_ms)
            if ended_ms is not None:
                begin_ms, low_ms = ended_ms, None
        return low_ms + after_ms if low_ms + after_ms <= to_ms else None


# --- Levels of the effect ------------------------------------------------------------------------

_ENOUGH: Final = 2
"""The level with which nothing is wrong: those before it are too much."""

_LITTLE: Final = 3
"""The level of an underdose; what is less still may come to a withdrawal."""


@lru_cache(maxsize=16)
def _lines(figures: PatientFigures) -> tuple[Threshold, ...]:
    """What parts the levels, from the top down."""
    return (
        above(figures.overdose_ppm),
        above(figures.overdose_watch_ppm),
        below(figures.underdose_ppm).back,
        below(figures.withdrawal_ppm).back,
    )


def _level(lines: tuple[Threshold, ...], effect: float, reference: float) -> int:
    """Which line is the first that an effect is beyond; one more than there are if none."""
    for level, line in enumerate(lines):
        if line.passed(line.margin(effect, reference)):
            return level
    return len(lines)


@lru_cache(maxsize=16)
def _kinetics(figures: PatientFigures) -> Kinetics:
    return kinetics_of(
        figures.csf_half_life_h, figures.csf_clearance_ml_per_h, figures.effect_rate_per_h
    )
