"""What it costs to ask how the patient is, and to tell the flow history of an event."""

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from benchmarks.figures import Figure
from pump_sim.model.course import BolusCurve, Course, Cycle, Segment
from pump_sim.model.hardware.catheter import Catheter
from pump_sim.model.hardware.crossing import below
from pump_sim.model.hardware.flow import FlowHistory, FlowPiece, Therapy
from pump_sim.model.hardware.patient import Patient
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.units import DAY_MS, HOUR_MS, PPM, UNITS_PER_NL, WEEK_MS

REPEATS = 31
ROUNDS = 200

YEAR_MS = 365 * DAY_MS
CONCENTRATION = 2_000_000
CATHETER = Catheter()

WEEK = Course(
    cycle=Cycle.of(
        0,
        WEEK_MS,
        [
            Segment(day * DAY_MS + step * 6_600_000, 100_000 + 10_000 * ((5 * step + day) % 13))
            for day in range(7)
            for step in range(13)
        ],
    )
)
"""Every weekday another pattern of 13 steps."""


def in_long_steady_state() -> FlowHistory:
    """A year of the same week, undisturbed."""
    plenty = 10**9 * FINE_UNITS_PER_NL
    return FlowHistory.starting(
        FlowPiece(0, WEEK, PPM, 0, plenty),
        slugs=CATHETER.slugs(CONCENTRATION),
        path_fine=CATHETER.path_fine,
        steady=Therapy(WEEK, CONCENTRATION),
    )


def bolus_at(history: FlowHistory, at_ms: int) -> FlowHistory:
    """The history after 50 mcg in ten minutes."""
    bolus = BolusCurve(25_000 * UNITS_PER_NL, 600_000, at_ms)
    for from_ms, course in ((at_ms, replace(WEEK, bolus=bolus)), (bolus.ends_at_ms, WEEK)):
        history = begun(history, from_ms, course)
    return history


def begun(history: FlowHistory, from_ms: int, course: Course) -> FlowHistory:
    """The history after another course has begun."""
    return history.begun(next_piece(history, from_ms, course))


def next_piece(history: FlowHistory, from_ms: int, course: Course) -> FlowPiece:
    """The piece with which a course goes on where the latest one is."""
    last = history.pieces[-1]
    drawn = last.drawn(from_ms)
    return FlowPiece(from_ms, course, last.factor_ppm, last.entered + drawn, last.left - drawn)


def microseconds(ask: Callable[[], object]) -> float:
    """The median time of one call."""
    samples = []
    for _ in range(REPEATS):
        begin = time.perf_counter_ns()
        for _ in range(ROUNDS):
            ask()
        samples.append((time.perf_counter_ns() - begin) / 1e3 / ROUNDS)
    return median(samples)


def appended(pieces: list[FlowPiece], history: FlowHistory) -> FlowHistory:
    """The history after all of these."""
    for piece in pieces:
        history = history.begun(piece)
    return history


def run() -> list[Figure]:
    """Ask in long steady state, after five boluses, and for a moment to come."""
    steady = in_long_steady_state()
    disturbed = steady
    for days in (13, 11, 6, 3, 1):
        disturbed = bolus_at(disturbed, YEAR_MS - days * DAY_MS)
    patient = Patient().prescribed(WEEK, CONCENTRATION, 0)
    at_ms = YEAR_MS + 5 * HOUR_MS
    assert patient.view(steady, at_ms).effect_ppm == PPM
    stop = begun(disturbed, at_ms, Course())
    little = below(150_000)
    assert patient.first_moment(stop, little, at_ms, at_ms + DAY_MS) is not None

    events = [next_piece(steady, YEAR_MS + day * DAY_MS, WEEK) for day in range(500)]
    recording = microseconds(lambda: appended(events, steady)) / len(events)
    return [
        Figure(
            "a patient in a 13-step week, steady",
            microseconds(lambda: patient.view(steady, at_ms)),
            "us",
            50,
        ),
        Figure(
            "the same, five boluses in two weeks",
            microseconds(lambda: patient.view(disturbed, at_ms)),
            "us",
            50,
        ),
        Figure(
            "the moment at which an effect is lost",
            microseconds(lambda: patient.first_moment(stop, little, at_ms, at_ms + DAY_MS)),
            "us",
        ),
        Figure("an event, told to the flow history", recording, "us", 1),
    ]
