"""The patient against step by step integration, and against the figures of its page."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from itertools import pairwise
from math import log
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.course import BolusCurve, Course, Cycle, Segment
from pump_sim.model.hardware.catheter import Catheter
from pump_sim.model.hardware.crossing import above, below
from pump_sim.model.hardware.flow import (
    LOOK_BACK_MS,
    MEMORY_MS,
    FlowHistory,
    FlowPiece,
    Therapy,
)
from pump_sim.model.hardware.patient import (
    FIGURES,
    TEACHING_NOTICE,
    Patient,
    PatientFigures,
    PatientFlag,
    PatientView,
)
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.units import DAY_MS, HOUR_MS, MINUTE_MS, PPM, UNITS_PER_NL

CATHETER = Catheter()
FULL = 20_000_000 * FINE_UNITS_PER_NL
DRUG, WEAK = 2_000_000, 500_000


# --- Integration step by step, from the differential equations alone -----------------------------


@dataclass
class Phase:
    """A while of therapy: what is pumped, at which factor, after which refill."""

    long_ms: int
    course: Course
    factor_ppm: int = PPM
    refill: tuple[int, int] | None = None
    """Volume in nL and concentration in ng/mL."""


def constant_parts(phase: Phase, begin_ms: int) -> Iterator[tuple[float, float]]:
    """Durations in ms and flows in nL/ms, in order: every segment enumerated."""
    course, end_ms = phase.course, begin_ms + phase.long_ms
    edges = {begin_ms, end_ms, course.begins_at_ms}
    if course.bolus is not None:
        edges |= {course.bolus.started_at_ms, course.bolus.started_at_ms + course.bolus.duration_ms}
    cycle = course.cycle
    if cycle is not None:
        start_ms = cycle.anchor_ms
        while start_ms < end_ms:
            edges |= {start_ms + part.starts_at_ms for part in cycle.segments}
            start_ms += cycle.period_ms
    inside = sorted(edge for edge in edges if begin_ms <= edge <= end_ms)
    for left_ms, right_ms in pairwise(inside):
        basal = left_ms >= course.begins_at_ms
        rate = float(course.rate_nl_per_day if basal else 0)
        bolus = course.bolus
        if bolus and bolus.started_at_ms <= left_ms < bolus.started_at_ms + bolus.duration_ms:
            rate += bolus.volume_units / bolus.duration_ms
        if basal and cycle is not None and left_ms >= cycle.anchor_ms:
            offset_ms = (left_ms - cycle.anchor_ms) % cycle.period_ms
            part = [each for each in cycle.segments if each.starts_at_ms <= offset_ms][-1]
            rate += part.units / part.per_ms
        yield right_ms - left_ms, rate * phase.factor_ppm / PPM / DAY_MS


class StepByStep:
    """Reservoir, path and patient, moved forward in small steps."""

    def __init__(self, volume_nl: float, inside: int, figures: PatientFigures = FIGURES) -> None:
        self.now_ms = 0.0
        self.left_nl, self.concentration = volume_nl, DRUG
        self.path = deque([(float(CATHETER.path_nl), inside)])
        self.k = log(2) / figures.csf_half_life_h
        self.volume_ml = figures.csf_clearance_ml_per_h / self.k
        self.ke0 = figures.effect_rate_per_h
        self.csf = self.effect = 0.0

    def steady(self, ng_per_day: float) -> None:
        self.csf = self.effect = ng_per_day / 24 / (self.k * self.volume_ml)

    def live(self, phases: list[Phase]) -> None:
        begin_ms = 0
        for phase in phases:
            if phase.refill is not None:
                self.left_nl, self.concentration = float(phase.refill[0]), phase.refill[1]
            for long_ms, nl_per_ms in constant_parts(phase, begin_ms):
                self.flow(long_ms, nl_per_ms)
            begin_ms += phase.long_ms

    def flow(self, long_ms: float, nl_per_ms: float) -> None:
        """Let fluid flow, and drug come out as it lies in the path."""
        while long_ms > 1e-9:
            if nl_per_ms <= 0 or self.left_nl <= 1e-9:
                self.integrate(long_ms, 0.0)
                return
            first_nl, concentration = self.path.popleft()
            takes_ms = min(long_ms, first_nl / nl_per_ms, self.left_nl / nl_per_ms)
            moved_nl = takes_ms * nl_per_ms
            if first_nl - moved_nl > 1e-9:
                self.path.appendleft((first_nl - moved_nl, concentration))
            self.path.append((moved_nl, self.concentration))
            self.left_nl -= moved_nl
            self.integrate(takes_ms, nl_per_ms * concentration / 1e6)
            long_ms -= takes_ms

    def integrate(self, long_ms: float, ng_per_ms: float) -> None:
        """Runge-Kutta of the fourth order in steps of a minute at most."""
        steps = int(long_ms / 60_000) + 1
        h = long_ms / steps / HOUR_MS
        enters = ng_per_ms * HOUR_MS / self.volume_ml

        def slope(csf: float, effect: float) -> tuple[float, float]:
            return enters - self.k * csf, self.ke0 * (csf - effect)

        c, e = self.csf, self.effect
        for _ in range(steps):
            c1, e1 = slope(c, e)
            c2, e2 = slope(c + h / 2 * c1, e + h / 2 * e1)
            c3, e3 = slope(c + h / 2 * c2, e + h / 2 * e2)
            c4, e4 = slope(c + h * c3, e + h * e3)
            c += h / 6 * (c1 + 2 * c2 + 2 * c3 + c4)
            e += h / 6 * (e1 + 2 * e2 + 2 * e3 + e4)
        self.csf, self.effect = c, e


# --- The same therapy as a history ---------------------------------------------------------------


def history_of(
    phases: list[Phase],
    volume_nl: int = 20_000_000,
    *,
    primed: bool = True,
    steady: Therapy | None = None,
) -> FlowHistory:
    at_ms, left = 0, volume_nl * FINE_UNITS_PER_NL
    history: FlowHistory | None = None
    for phase in phases:
        if history is None:
            history = FlowHistory.starting(
                FlowPiece(0, phase.course, phase.factor_ppm, 0, left),
                slugs=CATHETER.slugs(DRUG, primed=primed),
                path_fine=CATHETER.path_fine,
                steady=steady,
            )
        entered, last = history.entered_at(at_ms), history.pieces[-1]
        left = last.left - last.drawn(at_ms)
        if phase.refill is not None:
            left = phase.refill[0] * FINE_UNITS_PER_NL
            history = history.entering(phase.refill[1], entered)
        history = history.begun(FlowPiece(at_ms, phase.course, phase.factor_ppm, entered, left))
        at_ms += phase.long_ms
    assert history is not None
    return history


rates = st.one_of(st.just(0), st.integers(6_000, 2_000_000))


@st.composite
def cycles(draw: st.DrawFn) -> Cycle:
    lengths = draw(st.lists(st.integers(MINUTE_MS, 12 * HOUR_MS), min_size=1, max_size=6))
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    parts = [
        Segment(start, draw(rates) * per_ms, per_ms)
        for start in starts
        for per_ms in [draw(st.sampled_from([1, 1, 7, 60_000]))]
    ]
    return Cycle.of(draw(st.integers(0, DAY_MS)), sum(lengths), parts)


@st.composite
def therapies(draw: st.DrawFn) -> list[Phase]:
    phases = []
    begin_ms = 0
    for _ in range(draw(st.integers(1, 6))):
        long_ms = draw(st.integers(1, 40 * HOUR_MS))
        bolus, instead = None, False
        if draw(st.booleans()):
            instead = draw(st.booleans())
            bolus = BolusCurve(
                draw(st.integers(1_000, 400_000)) * UNITS_PER_NL,
                draw(st.integers(MINUTE_MS, 10 * HOUR_MS)),
                begin_ms + draw(st.integers(-5 * HOUR_MS, 5 * HOUR_MS)),
            )
        refill = draw(
            st.none()
            | st.tuples(st.sampled_from([50_000, 400_000, 20_000_000]), st.sampled_from([WEAK, 0]))
        )
        basal_ms = bolus.ends_at_ms if bolus is not None and instead else 0
        course = Course(draw(rates), bolus, draw(st.none() | cycles()), max(0, basal_ms))
        factor = draw(st.sampled_from([PPM, PPM, 0, 1_250_000, 900_001]))
        phases.append(Phase(long_ms, course, factor, refill))
        begin_ms += long_ms
    return phases


@settings(deadline=None)
@given(therapies(), st.booleans(), st.sampled_from([100_000, 500_000, 20_000_000]), st.booleans())
def test_the_closed_form_is_what_integration_gives(
    phases: list[Phase], primed: bool, volume_nl: int, naive: bool
) -> None:
    """Whatever is pumped: to 1e-6, of itself or of what has been felt before."""
    brute = StepByStep(volume_nl, DRUG if primed else 0)
    if not naive:
        brute.steady(300_000)
    steady = None if naive else Therapy(Course(150_000), DRUG)
    brute.live(phases)
    history = history_of(phases, volume_nl, primed=primed, steady=steady)
    view = Patient().view(history, sum(phase.long_ms for phase in phases))
    noise = 1e-9 * max(1.0, brute.csf, brute.effect)
    assert view.csf_ng_per_ml == pytest.approx(brute.csf, rel=1e-6, abs=noise)
    assert view.effect_ng_per_ml == pytest.approx(brute.effect, rel=1e-6, abs=noise)


@pytest.mark.parametrize("apart", [0.0, 3e-6, -3e-6, 1.1e-5, 1e-3, 0.5, -0.5])
def test_two_equal_rates_are_no_special_case(apart: float) -> None:
    """The limit form where they are equal, and nothing but the general one beside it."""
    figures = PatientFigures(effect_rate_per_h=log(2) / 1.51 * (1 + apart))
    phases = [
        Phase(5 * HOUR_MS, Course(150_000, BolusCurve(25_000 * UNITS_PER_NL, 60_000, 0))),
        Phase(3 * HOUR_MS, Course()),
    ]
    brute = StepByStep(20_000_000, DRUG, figures)
    brute.live(phases)
    view = Patient(figures).view(history_of(phases), 8 * HOUR_MS)
    assert view.csf_ng_per_ml == pytest.approx(brute.csf, rel=1e-6)
    assert view.effect_ng_per_ml == pytest.approx(brute.effect, rel=1e-6)


WEEK = Cycle.of(
    0,
    7 * DAY_MS,
    [
        Segment(day * DAY_MS + step * 6_600_000, 48_000 + 20_000 * ((5 * step + day) % 13))
        for day in range(7)
        for step in range(13)
    ],
)
TRAIN = Cycle.of(HOUR_MS, DAY_MS, [Segment(0, 150_000 * UNITS_PER_NL, 60_000), Segment(60_000, 0)])


@pytest.mark.parametrize("cycle", [WEEK, TRAIN])
def test_a_long_course_comes_to_its_periodic_reference(cycle: Cycle) -> None:
    """Three weeks of the same, integrated, are steady state; years later nothing has changed."""
    course = Course(10_000, None, cycle)
    brute = StepByStep(20_000_000, DRUG)
    brute.live([Phase(21 * DAY_MS + 5 * HOUR_MS, course)])
    patient = Patient().prescribed(course, DRUG, 0)
    history = history_of([Phase(0, course)], 10**12)
    for years in (0, 7):
        at_ms = 21 * DAY_MS + 5 * HOUR_MS + years * 364 * DAY_MS
        view = patient.view(history, at_ms)
        assert view.csf_ng_per_ml == pytest.approx(brute.csf, rel=1e-6)
        assert view.effect_ng_per_ml == pytest.approx(brute.effect, rel=1e-6)
        assert view.reference_ng_per_ml == pytest.approx(brute.effect, rel=1e-6)
        assert view.effect_ppm == PPM


def test_equal_cycles_built_anew_and_at_another_anchor_are_one_flow() -> None:
    """An event that builds the same schedule again changes nothing that a patient feels."""
    again = Cycle.of(7 * DAY_MS, 7 * DAY_MS, list(WEEK.segments))
    at_ms = 9 * DAY_MS
    whole = history_of([Phase(0, Course(0, None, WEEK))])
    cut = history_of(
        [Phase(8 * DAY_MS, Course(0, None, WEEK)), Phase(DAY_MS, Course(0, None, again))]
    )
    one, two = Patient().view(whole, at_ms), Patient().view(cut, at_ms)
    assert two.effect_ng_per_ml == pytest.approx(one.effect_ng_per_ml, rel=1e-12)
    assert two.csf_ng_per_ml == pytest.approx(one.csf_ng_per_ml, rel=1e-12)


# --- The figures of the training scenarios -------------------------------------------------------


def treated(rate_nl_per_day: int, concentration: int = DRUG) -> tuple[Patient, Therapy]:
    """A patient long in steady state, and that therapy."""
    course = Course(rate_nl_per_day)
    return Patient().prescribed(course, concentration, 0), Therapy(course, concentration)


def hours(moment_ms: int | None) -> float:
    assert moment_ms is not None
    return moment_ms / HOUR_MS


def effects(
    patient: Patient, history: FlowHistory, from_h: float = 0, to_h: float = 72
) -> list[float]:
    """The effect of reference every minute, in percent."""
    values = []
    for minute in range(round(from_h * 60), round(to_h * 60)):
        ppm = patient.view(history, minute * MINUTE_MS).effect_ppm
        assert ppm is not None
        values.append(ppm / 10_000)
    return values


def first_up(
    patient: Patient, history: FlowHistory, flag: PatientFlag, from_ms: int, to_ms: int
) -> int | None:
    """The first moment from `from_ms` to `to_ms`, both included, at which a flag is up."""
    if from_ms > to_ms:
        return None
    at_ms, flags = from_ms, patient.view(history, from_ms).flags
    while flag not in flags:
        change = patient.next_flags(history, at_ms, to_ms)
        if change is None:
            return None
        at_ms, flags = change
    return at_ms


def test_missed_refill() -> None:
    """T1: the tip sees the stop at once, and the flags follow the effect."""
    patient, steady = treated(400_000)
    history = history_of([Phase(0, steady.course)], steady=steady)
    dry_ms = 50 * DAY_MS
    before = patient.view(history, dry_ms - 1)
    assert before.csf_ng_per_ml == pytest.approx(1_111, abs=0.5)
    assert before.tip_dose_ng_per_day == pytest.approx(800_000)
    assert before.effect_ppm == PPM
    for after_h, percent in ((3, 25), (6, 6)):
        view = patient.view(history, dry_ms + after_h * HOUR_MS)
        assert round(view.csf_ng_per_ml / before.csf_ng_per_ml * 100) == percent
        assert view.tip_dose_ng_per_day == 0
    for after_h, percent in ((6, 64), (12, 33), (24, 8)):
        view = patient.view(history, dry_ms + after_h * HOUR_MS)
        assert view.effect_ppm is not None
        assert round(view.effect_ppm / 10_000) == percent
    for flag, after in ((PatientFlag.UNDERDOSE, 8.3), (PatientFlag.WITHDRAWAL, 30.7)):
        moment_ms = first_up(patient, history, flag, 0, 60 * DAY_MS)
        assert moment_ms is not None
        assert round(hours(moment_ms - dry_ms), 1) == after
        assert flag not in patient.view(history, moment_ms - 1).flags
        assert flag in patient.view(history, moment_ms).flags
    assert first_up(patient, history, PatientFlag.OVERDOSE_WATCH, 0, 60 * DAY_MS) is None


@pytest.mark.parametrize(
    ("minutes", "missed_ng", "least_percent"), [(45, 9_375, 94.5), (60, 12_500, 92.7)]
)
def test_stall_in_a_scanner(minutes: int, missed_ng: int, least_percent: float) -> None:
    """T2: 9 to 12 mcg are missed, which nobody feels."""
    patient, steady = treated(150_000)
    stalled = [Phase(minutes * MINUTE_MS, steady.course, 0), Phase(0, steady.course)]
    history = history_of(stalled, steady=steady)
    undisturbed = history_of([Phase(0, steady.course)], steady=steady)
    missed = undisturbed.entered_at(DAY_MS) - history.entered_at(DAY_MS)
    assert missed * DRUG == missed_ng * FINE_UNITS_PER_NL * PPM
    assert min(effects(patient, history, 0, 24)) == pytest.approx(least_percent, abs=0.05)
    assert first_up(patient, history, PatientFlag.UNDERDOSE, 0, 10 * DAY_MS) is None


def test_slow_recovery_from_a_scanner() -> None:
    """T3: 75 mcg missed; 64 % when flow returns, and 59 % two hours later, for the delay."""
    patient, steady = treated(150_000)
    stalled = [Phase(6 * HOUR_MS, steady.course, 0), Phase(0, steady.course)]
    history = history_of(stalled, steady=steady)
    view = patient.view(history, 6 * HOUR_MS)
    assert view.effect_ppm == pytest.approx(643_344, abs=1)
    assert view.csf_ng_per_ml / 416.667 == pytest.approx(0.06, abs=0.005)
    course = effects(patient, history)
    assert min(course) == pytest.approx(59.2, abs=0.05)
    assert course.index(min(course)) / 60 == pytest.approx(7.8, abs=0.05)
    assert first_up(patient, history, PatientFlag.UNDERDOSE, 0, 10 * DAY_MS) is None


@pytest.mark.parametrize(
    ("filled", "csf", "flag", "begins_h"),
    [
        (2_000_000, 1_667, PatientFlag.OVERDOSE, 25.5),
        (125_000, 104, PatientFlag.UNDERDOSE, 25.5),
    ],
)
def test_wrong_concentration(filled: int, csf: float, flag: PatientFlag, begins_h: float) -> None:
    """T8: four times the dose, or a quarter; judged against what is prescribed."""
    patient, steady = treated(600_000, WEAK)
    history = history_of([Phase(0, steady.course)], steady=steady)
    history = replace(history, slugs=CATHETER.slugs(WEAK)).entering(filled, 0)
    view = patient.view(history, 20 * DAY_MS)
    assert view.csf_ng_per_ml == pytest.approx(csf, abs=0.5)
    assert view.reference_ng_per_ml == pytest.approx(416.667, abs=0.001)
    assert flag in view.flags
    begins = hours(first_up(patient, history, flag, 0, 20 * DAY_MS))
    assert begins == pytest.approx(begins_h, abs=0.05)
    watch = first_up(patient, history, PatientFlag.OVERDOSE_WATCH, 0, 20 * DAY_MS)
    assert (watch is None) is (flag is PatientFlag.UNDERDOSE)
    if watch is not None:
        assert hours(watch) == pytest.approx(17.0, abs=0.05)
    withdrawal = first_up(patient, history, PatientFlag.WITHDRAWAL, 0, 20 * DAY_MS)
    assert withdrawal is None


@pytest.mark.parametrize(
    ("old_rate", "old", "new_rate", "new", "lasts_h", "excess_ng"),
    [
        (150_000, 2_000_000, 600_000, 500_000, 13.6, 510_000),
        (600_000, 500_000, 150_000, 2_000_000, 54.4, -510_000),
    ],
)
def test_concentration_changed_without_a_bridge(
    old_rate: int, old: int, new_rate: int, new: int, lasts_h: float, excess_ng: int
) -> None:
    """T9, T10: the path is emptied at the new rate, four times too fast or too slowly."""
    patient, steady = treated(old_rate, old)
    history = history_of([Phase(0, Course(new_rate))], steady=steady)
    history = replace(history, slugs=CATHETER.slugs(old)).entering(new, 0)
    patient = patient.prescribed(Course(new_rate), new, 0)
    lasts_ms = round(lasts_h * HOUR_MS)
    dose = patient.view(history, lasts_ms - 1).tip_dose_ng_per_day
    assert dose == (1_200_000 if excess_ng > 0 else 75_000)
    assert (dose - 300_000) * lasts_h / 24 == pytest.approx(excess_ng)
    assert patient.view(history, lasts_ms).tip_dose_ng_per_day == pytest.approx(300_000)

    def begins(flag: PatientFlag) -> int | None:
        return first_up(patient, history, flag, 0, 10 * DAY_MS)

    if excess_ng > 0:
        assert hours(begins(PatientFlag.OVERDOSE_WATCH)) == pytest.approx(3.35, abs=0.005)
        assert hours(begins(PatientFlag.OVERDOSE)) == pytest.approx(11.87, abs=0.005)
        assert max(effects(patient, history)) == pytest.approx(321.1, abs=0.05)
    else:
        assert hours(begins(PatientFlag.UNDERDOSE)) == pytest.approx(11.87, abs=0.005)
        assert min(effects(patient, history)) == pytest.approx(25.2, abs=0.05)
        assert begins(PatientFlag.WITHDRAWAL) is None


@pytest.mark.parametrize("down", [True, False])
def test_a_bridge_makes_the_change_unfelt(down: bool) -> None:
    """T9, T10: the old rate until the old drug is out, then the new one."""
    rates_of = {2_000_000: 150_000, 500_000: 600_000}
    old, new = (2_000_000, 500_000) if down else (500_000, 2_000_000)
    patient, steady = treated(rates_of[old], old)
    bridge_ms = 340_000 * DAY_MS // rates_of[old]
    assert bridge_ms / HOUR_MS == (54.4 if down else 13.6)
    bridge = BolusCurve(340_000 * UNITS_PER_NL, bridge_ms, 0)
    phases = [Phase(bridge_ms, Course(0, bridge)), Phase(0, Course(rates_of[new]))]
    history = history_of(phases, steady=steady)
    history = replace(history, slugs=CATHETER.slugs(old)).entering(new, 0)
    assert {round(each, 3) for each in effects(patient, history, 0, 100)} == {100.0}


def test_priming_with_too_large_a_volume() -> None:
    """T11: 0.059 mL too many are 118 mcg at once, for which the bolus carries on for hours."""
    patient, steady = treated(150_000)
    excess = BolusCurve(59_000 * UNITS_PER_NL, 600_000, 0)
    assert excess.volume_units / UNITS_PER_NL * DRUG / 1e6 == 118_000
    phases = [Phase(600_000, replace(steady.course, bolus=excess)), Phase(0, steady.course)]
    history = history_of(phases, steady=steady)
    course = effects(patient, history)
    assert max(course) == pytest.approx(169.2, abs=0.05)
    assert course.index(max(course)) / 60 == pytest.approx(4.1, abs=0.05)
    watch = hours(first_up(patient, history, PatientFlag.OVERDOSE_WATCH, 0, 2 * DAY_MS))
    assert watch == pytest.approx(1.59, abs=0.005)


def test_low_battery_reset() -> None:
    """T14: 2 % of the dose at the minimum rate, and the reference is still the lost therapy."""
    patient, steady = treated(300_000)
    history = history_of([Phase(0, Course(6_000))], steady=steady)
    assert patient.view(history, 1).tip_dose_ng_per_day == pytest.approx(12_000)
    for flag, at_h in ((PatientFlag.UNDERDOSE, 8.5), (PatientFlag.WITHDRAWAL, 31.8)):
        begins = hours(first_up(patient, history, flag, 0, 5 * DAY_MS))
        assert begins == pytest.approx(at_h, abs=0.05)


def test_a_bolus_and_the_label() -> None:
    """It peaks at 4.0 h, as fitted; that 79 % are left at 8 h is the model's known misfit."""
    patient, _ = treated(150_000)
    bolus = BolusCurve(25_000 * UNITS_PER_NL, MINUTE_MS, 0)
    history = history_of([Phase(0, Course(0, bolus))])
    course = effects(patient, history, 0, 24)
    peak = max(course)
    assert course.index(peak) / 60 == pytest.approx(4.0, abs=0.05)
    assert round(course[30] / peak * 100) == 31
    assert round(course[60] / peak * 100) == 55
    assert round(course[8 * 60] / peak * 100) == 79
    assert round(course[12 * 60] / peak * 100) == 52


def test_an_infusion_and_the_label() -> None:
    """36, 48, 92 and 99.5 % of the effect after 6, 8, 24 and 48 hours, none of them fitted."""
    patient, steady = treated(150_000)
    history = history_of([Phase(0, steady.course)])
    for at_h, percent in ((6, 36), (8, 48), (24, 92), (48, 99.5)):
        ppm = patient.view(history, at_h * HOUR_MS).effect_ppm
        assert ppm is not None
        assert ppm / 10_000 == pytest.approx(percent, abs=0.5)


def test_daily_boluses_are_judged_against_their_own_swing() -> None:
    """From 24 % to 191 % of the mean, and no flag."""
    course = Course(0, None, TRAIN.anchored(0))
    patient = Patient().prescribed(course, DRUG, 0)
    history = history_of([Phase(0, course)], steady=Therapy(course, DRUG))
    swing = [patient.view(history, minute * MINUTE_MS) for minute in range(0, 1_440, 10)]
    mean = 300_000 / 24 / FIGURES.csf_clearance_ml_per_h
    assert round(min(view.effect_ng_per_ml for view in swing) / mean * 100) == 24
    assert round(max(view.effect_ng_per_ml for view in swing) / mean * 100) == 191
    assert {(view.effect_ppm, view.flags) for view in swing} == {(PPM, ())}


# --- Flags, thresholds and moments ---------------------------------------------------------------


def test_who_never_had_the_effect_cannot_miss_it() -> None:
    """A naive patient with an unprimed path: two days without drug are no withdrawal."""
    patient, steady = treated(150_000)
    history = history_of([Phase(0, steady.course)], primed=False)
    for flag in PatientFlag:
        assert first_up(patient, history, flag, 0, 20 * DAY_MS) is None
    assert patient.view(history, 50 * HOUR_MS).flags == ()
    assert patient.first_moment(history, below(150_000), 0, DAY_MS) == 0
    half = patient.first_moment(history, above(500_000), 0, 20 * DAY_MS)
    assert hours(half) == pytest.approx(54.4 + 8.31, abs=0.01)


def test_who_has_had_too_little_for_two_weeks_has_an_underdose() -> None:
    """A naive patient with a quarter of the dose: told when flow is no longer kept, not before."""
    patient, _ = treated(600_000, DRUG)
    history = history_of([Phase(0, Course(150_000))])
    begins_ms = first_up(patient, history, PatientFlag.UNDERDOSE, 0, 20 * DAY_MS)
    assert begins_ms == MEMORY_MS + LOOK_BACK_MS
    assert patient.view(history, begins_ms - 1).flags == ()
    assert patient.view(history, begins_ms).flags == (PatientFlag.UNDERDOSE,)
    assert first_up(patient, history, PatientFlag.UNDERDOSE, 0, 10 * DAY_MS) is None
    never = history_of([Phase(0, Course())])
    assert patient.view(never, 30 * DAY_MS).flags == ()


def test_who_has_had_the_effect_misses_it() -> None:
    """The same patient after a week of therapy that then stops; one day of it would do."""
    patient, steady = treated(150_000)
    for days in (1, 7):
        stop_ms = days * DAY_MS
        history = history_of([Phase(stop_ms, steady.course), Phase(0, Course())])
        underdose = first_up(patient, history, PatientFlag.UNDERDOSE, 0, 20 * DAY_MS)
        withdrawal = first_up(patient, history, PatientFlag.WITHDRAWAL, 0, 20 * DAY_MS)
        assert hours(underdose) - 24 * days == pytest.approx(8.3, abs=1)
        assert hours(withdrawal) - 24 * days == pytest.approx(30.7, abs=1)
        view = patient.view(history, stop_ms + 40 * HOUR_MS)
        assert view.flags == (PatientFlag.UNDERDOSE, PatientFlag.WITHDRAWAL)


def test_withdrawal_takes_twelve_hours_without_a_break() -> None:
    """A dose in the meantime begins them anew; a moment asked from later on finds the same."""
    patient, steady = treated(150_000)
    stops = [Phase(24 * HOUR_MS, Course())]
    bolus = Phase(12 * HOUR_MS, Course(0, BolusCurve(25_000 * UNITS_PER_NL, 60_000, DAY_MS)))
    history = history_of([*stops, bolus, Phase(0, Course())], steady=steady)
    low = patient.first_moment(history, below(150_000), 0, DAY_MS)
    again = patient.first_moment(history, below(150_000), 26 * HOUR_MS, 5 * DAY_MS)
    withdrawal = first_up(patient, history, PatientFlag.WITHDRAWAL, 0, 5 * DAY_MS)
    assert hours(low) == pytest.approx(18.7, abs=0.05)
    assert hours(withdrawal) == hours(again) + 12
    assert patient.view(history, 31 * HOUR_MS).flags == (PatientFlag.UNDERDOSE,)
    late = first_up(patient, history, PatientFlag.WITHDRAWAL, 4 * DAY_MS, 5 * DAY_MS)
    assert late == 4 * DAY_MS


@settings(deadline=None, max_examples=30)
@given(therapies(), st.sampled_from([150_000, 500_000, 1_500_000, 3_000_000]), st.booleans())
def test_a_moment_is_the_first_one(phases: list[Phase], ppm: int, upwards: bool) -> None:
    """Nothing before it is beyond the threshold; it is."""
    patient, steady = treated(150_000)
    history = history_of(phases, 1_000_000, steady=steady)
    to_ms = sum(phase.long_ms for phase in phases)
    condition = above(ppm) if upwards else below(ppm)
    found = patient.first_moment(history, condition, 0, to_ms)

    def share(at_ms: int) -> float:
        view = patient.view(history, at_ms)
        assert view.reference_ng_per_ml
        return view.effect_ng_per_ml / view.reference_ng_per_ml * PPM

    if found is not None:
        assert share(found) > ppm if upwards else share(found) < ppm
    end_ms = to_ms if found is None else found - 1
    for step in range(101 if end_ms >= 0 else 0):
        at_ms = end_ms * step // 100
        assert share(at_ms) <= ppm + 1e-5 if upwards else share(at_ms) >= ppm - 1e-5


HALVES = Cycle.of(0, DAY_MS, [Segment(0, 250_000), Segment(DAY_MS // 2, 50_000)])
periodic = st.sampled_from([WEEK, TRAIN, HALVES, None])


@st.composite
def undisturbed(draw: st.DrawFn) -> Course:
    """A course that goes round or on and on, at whatever moment it began."""
    cycle = draw(periodic)
    if cycle is None:
        return Course(draw(st.sampled_from([60_000, 150_000, 400_000])))
    rate = draw(st.sampled_from([0, 0, 20_000]))
    return Course(rate, None, cycle.anchored(-draw(st.sampled_from([0, DAY_MS, 31 * HOUR_MS]))))


@settings(deadline=None, max_examples=50)
@given(
    undisturbed(),
    st.none() | undisturbed(),
    st.sampled_from([PPM, 100_000, 450_000, 499_000, 510_000, 1_600_000, 2_900_000, 3_100_000]),
    therapies() | st.just([]),
)
def test_flags_change_when_it_is_foreseen_and_at_no_other_time(
    wanted: Course, given_course: Course | None, factor: int, before: list[Phase]
) -> None:
    """Flow and reference alike, of another share, or out of step: for days after any mishap."""
    patient = Patient().prescribed(wanted, DRUG, 0)
    phases = [*before, Phase(0, given_course or wanted, factor)]
    history = history_of(phases, 10**9, steady=Therapy(wanted, DRUG))
    at_ms = sum(phase.long_ms for phase in phases)
    end_ms = at_ms + 10 * DAY_MS
    flags = patient.view(history, at_ms).flags
    grid = iter(range(at_ms, end_ms, 97 * MINUTE_MS))
    while (change := patient.next_flags(history, at_ms, end_ms)) is not None:
        for moment_ms in grid:
            if moment_ms >= change[0]:
                break
            assert patient.view(history, moment_ms).flags == flags
        assert patient.view(history, change[0] - 1).flags == flags
        at_ms, flags = change
        assert patient.view(history, at_ms).flags == flags
    assert all(patient.view(history, moment_ms).flags == flags for moment_ms in grid)


def test_a_brief_peak_between_two_events_is_found() -> None:
    """An extremum inside a piece: the bolus peaks hours after its end and before the next event."""
    patient, steady = treated(150_000)
    excess = BolusCurve(59_000 * UNITS_PER_NL, 600_000, 0)
    phases = [Phase(600_000, replace(steady.course, bolus=excess)), Phase(0, steady.course)]
    history = history_of(phases, steady=steady)
    peak = hours(patient.first_moment(history, above(1_691_900), 0, 20 * DAY_MS))
    assert peak == pytest.approx(4.1, abs=0.1)
    assert patient.first_moment(history, above(1_692_000), 0, 20 * DAY_MS) is None


def test_a_changed_dose_raises_no_flag_by_itself() -> None:
    """The reference goes from the old level to the new as undisturbed therapy does."""
    patient, steady = treated(400_000)
    for rate in (100_000, 1_600_000):
        new = Course(rate)
        history = history_of([Phase(0, new)], steady=steady)
        changed = patient.prescribed(new, DRUG, 0)
        assert {round(each, 3) for each in effects(changed, history, 0, 48)} == {100.0}
        settled = changed.view(history, 20 * DAY_MS)
        assert settled.reference_ng_per_ml == pytest.approx(rate * 2 / 24 / 30)


def test_nothing_is_judged_before_anything_is_prescribed() -> None:
    history = history_of([Phase(0, Course(6_000))])
    view = Patient().view(history, DAY_MS)
    assert (view.reference_ng_per_ml, view.effect_ppm, view.flags) == (None, None, ())
    assert view.csf_ng_per_ml > 0
    assert first_up(Patient(), history, PatientFlag.UNDERDOSE, 0, DAY_MS) is None
    none = Patient().prescribed(Course(), DRUG, 0).view(history, DAY_MS)
    assert (none.effect_ppm, none.flags) == (None, ())


def test_no_moment_is_found_outside_the_time_asked_for() -> None:
    patient, steady = treated(150_000)
    history = history_of([Phase(0, Course())], steady=steady)
    flag = PatientFlag.UNDERDOSE
    begins_ms = first_up(patient, history, flag, 0, DAY_MS)
    assert begins_ms is not None
    assert first_up(patient, history, flag, 0, begins_ms - 1) is None
    assert first_up(patient, history, flag, 0, begins_ms) == begins_ms
    assert first_up(patient, history, flag, begins_ms + 7, DAY_MS) == begins_ms + 7
    assert first_up(patient, history, flag, DAY_MS, 0) is None


def test_an_undisturbed_effect_is_neither_above_nor_below_its_reference() -> None:
    """The noise of floats crosses nothing."""
    course = Course(0, None, WEEK)
    patient = Patient().prescribed(course, DRUG, 0)
    history = history_of([Phase(0, course)], steady=Therapy(course, DRUG))
    for condition in (above(PPM), below(PPM)):
        assert patient.first_moment(history, condition, 0, 7 * DAY_MS) is None


# --- Figures -------------------------------------------------------------------------------------


def test_every_figure_has_a_unit_and_a_source() -> None:
    """A believed figure says so."""
    rows = {row.name: row for row in FIGURES.rows()}
    assert set(rows) == {each.name for each in fields(PatientFigures)}
    assert all(row.unit and row.source for row in rows.values())
    for name in ("csf_half_life_h", "csf_clearance_ml_per_h"):
        assert rows[name].source.startswith("unverified")


def test_the_page_gives_the_figures_of_the_model() -> None:
    """Value, unit and source of each, and the notice that goes with them."""
    page = (Path(__file__).parents[3] / "docs/explanation/patient-model.md").read_text("utf-8")
    for row in FIGURES.rows():
        value = f"{row.value:,.3f}".rstrip("0").rstrip(".")
        assert f"| `{row.name}` | {value} | {row.unit} | {row.source} |" in page
    assert "no predictor" in page


def test_every_flag_has_its_threshold_and_source() -> None:
    """As the page tells them."""
    rows = {row.name: row for row in FIGURES.rows()}
    thresholds = [rows[f"{flag.name.lower()}_ppm"] for flag in PatientFlag]
    assert [row.value for row in thresholds] == [500_000, 150_000, 1_500_000, 3_000_000]
    assert all("teaching threshold" in row.source for row in thresholds)
    assert rows["withdrawal_after_ms"].value == 12 * HOUR_MS


@pytest.mark.parametrize(
    "wrong",
    [
        {"csf_half_life_h": 0.0},
        {"csf_clearance_ml_per_h": -1.0},
        {"effect_rate_per_h": 0.05},
        {"csf_half_life_h": 15.0},
        {"effect_rate_per_h": float("nan")},
        {"underdose_ppm": 100_000},
        {"overdose_ppm": 1_200_000},
        {"withdrawal_after_ms": 13 * HOUR_MS},
    ],
)
def test_figures_that_the_model_cannot_bear_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        replace(FIGURES, **wrong)  # type: ignore[arg-type]


def test_other_figures_make_another_patient() -> None:
    """Half the clearance doubles the level; an earlier threshold comes earlier."""
    _, steady = treated(150_000)
    figures = PatientFigures(csf_clearance_ml_per_h=15.0, underdose_ppm=900_000)
    patient = Patient(figures).prescribed(steady.course, DRUG, 0)
    history = history_of([Phase(0, Course())], steady=steady)
    assert patient.view(history, 0).csf_ng_per_ml == pytest.approx(833.333, abs=0.001)
    assert hours(first_up(patient, history, PatientFlag.UNDERDOSE, 0, DAY_MS)) < 3


def plain(value: object) -> bool:
    """Whether a value is made of nothing that could not be written down."""
    if isinstance(value, tuple):
        return all(plain(each) for each in value)
    if is_dataclass(value):
        return all(plain(getattr(value, each.name)) for each in fields(value))
    return value is None or isinstance(value, int | float | Enum)


def test_history_and_patient_are_plain_values_and_say_what_they_are_not() -> None:
    course = Course(150_000, BolusCurve(1, 1, 0), WEEK)
    patient = Patient().prescribed(Course(1), DRUG, 0).prescribed(course, DRUG, 5)
    history = history_of([Phase(5, Course(1)), Phase(0, course)], steady=Therapy(course, DRUG))
    view: PatientView = patient.view(history, DAY_MS)
    assert plain(patient)
    assert plain(history)
    assert plain(view)
    assert view.notice == TEACHING_NOTICE
    assert "no predictor" in view.notice
