"""The path to the tip, and the history of what flowed through it."""

from collections import deque
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.model.course import BolusCurve, Course, Cycle, Segment
from pump_sim.model.hardware.catheter import (
    Catheter,
    Slug,
    concentration_at,
    mass_between,
    merged,
    spliced,
)
from pump_sim.model.hardware.flow import LOOK_BACK_MS, MEMORY_MS, FlowHistory, FlowPiece
from pump_sim.model.hardware.patient import Patient
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.units import DAY_MS, HOUR_MS, PPM, UNITS_PER_NL

CATHETER = Catheter()
PATH = CATHETER.path_fine
FULL = 20_000_000 * FINE_UNITS_PER_NL
SLOW, FAST = Course(150_000), Course(600_000)


def begun(history: FlowHistory, at_ms: int, course: Course, factor_ppm: int = PPM) -> FlowHistory:
    """The history after another course has begun, with what the reservoir still holds."""
    last = history.pieces[-1]
    drawn = last.drawn(at_ms)
    return history.begun(
        FlowPiece(at_ms, course, factor_ppm, last.entered + drawn, last.left - drawn)
    )


def implanted(
    course: Course, concentration: int = 2_000_000, *, primed: bool = True, left: int = FULL
) -> FlowHistory:
    return FlowHistory.starting(
        FlowPiece(0, course, PPM, 0, left),
        slugs=CATHETER.slugs(concentration, primed=primed),
        path_fine=PATH,
    )


# --- The path ------------------------------------------------------------------------------------


def arrival_ms(course: Course) -> float | None:
    """When drug that enters at 0 ms comes out, within a month."""
    spans = implanted(course).entering(500_000, 0).spans(0, 30 * DAY_MS)
    arrived = [span.begins_ms for span in spans if span.concentration_ng_per_ml == 500_000]
    return min(arrived, default=None)


@pytest.mark.parametrize(
    ("rate_nl_per_day", "hours"),
    [(48_000, 170), (100_000, 81.6), (200_000, 40.8), (400_000, 20.4), (600_000, 13.6)],
)
def test_drug_needs_a_path_volume_to_arrive(rate_nl_per_day: int, hours: float) -> None:
    """0.34 mL divided by the flow."""
    assert arrival_ms(Course(rate_nl_per_day)) == pytest.approx(hours * HOUR_MS)


def test_a_bolus_brings_it_sooner_and_a_stop_never() -> None:
    """Half of the path by a bolus leaves half of the time."""
    bolus = BolusCurve(170_000 * UNITS_PER_NL, 600_000, 0)
    assert arrival_ms(replace(SLOW, bolus=bolus)) == pytest.approx(27.2 * HOUR_MS)
    assert arrival_ms(Course()) is None


def test_a_primed_path_is_full_of_drug_and_an_unprimed_one_of_none() -> None:
    for primed, inside in ((True, 2_000_000), (False, 0)):
        slugs = CATHETER.slugs(2_000_000, primed=primed)
        assert mass_between(slugs, -PATH, 0) == PATH * inside
        assert concentration_at(slugs, -PATH) == inside
        assert concentration_at(slugs, 0) == 2_000_000
        assert concentration_at(slugs, -1) == inside


refills = st.lists(
    st.tuples(st.integers(0, 2 * 340_000), st.sampled_from([0, 500_000, 2_000_000])), max_size=8
)


@given(refills)
def test_the_path_is_a_queue(refills: list[tuple[int, int]]) -> None:
    """What entered first leaves first, and the path is always exactly full."""
    queue = deque([(340_000, 2_000_000)])
    history, entered = implanted(SLOW), 0
    for volume_nl, concentration in refills:
        history = history.entering(concentration, entered)
        entered += volume_nl * FINE_UNITS_PER_NL
        queue.append((volume_nl, concentration))
        leaving_nl = volume_nl
        while leaving_nl:
            first_nl, first_concentration = queue.popleft()
            if first_nl > leaving_nl:
                queue.appendleft((first_nl - leaving_nl, first_concentration))
            leaving_nl -= min(leaving_nl, first_nl)

    place, mass = entered - PATH, 0
    for volume_nl, concentration in queue:
        volume = volume_nl * FINE_UNITS_PER_NL
        if volume:
            assert concentration_at(history.slugs, place) == concentration
            assert concentration_at(history.slugs, place + volume - 1) == concentration
        place += volume
        mass += volume * concentration
    assert place == entered
    assert mass_between(history.slugs, entered - PATH, entered) == mass


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=6),
    st.integers(0, 30),
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=3),
)
def test_a_splice_is_what_it_would_be_unit_by_unit(
    volumes: list[tuple[int, int]], one: int, other: int, layers: list[tuple[int, int]]
) -> None:
    """As if the queue were a list with one drug for each unit."""
    units = [drug for volume, drug in volumes for _ in range(volume)] + [volumes[-1][1]] * 100
    begins = [sum(volume for volume, _ in volumes[:index]) for index in range(len(volumes))]
    slugs = merged(Slug(at, drug) for at, (_, drug) in zip(begins, volumes, strict=True))
    first, last = sorted((one, other))
    got = spliced(slugs, first, last, layers)
    new = [drug for volume, drug in layers for _ in range(volume)]
    expected = units[:first] + new + units[last:]
    assert [concentration_at(got, at) for at in range(60)] == expected[:60]
    assert mass_between(got, 3, 50) == sum(expected[3:50])
    assert all(
        before.concentration_ng_per_ml != after.concentration_ng_per_ml
        and before.from_fine < after.from_fine
        for before, after in pairwise(got)
    )


# --- The history of the flow ---------------------------------------------------------------------


def test_flow_is_at_the_tip_at_once_and_concentration_one_path_volume_later() -> None:
    """The fact that is easily got wrong: a stall stops the tip, whatever is in the path."""
    history = begun(implanted(SLOW, 2_000_000).entering(500_000, 0), 0, FAST)
    arrives_ms = 13.6 * HOUR_MS
    before, after = history.tip_at(int(arrives_ms) - 1), history.tip_at(int(arrives_ms))
    assert before == (600_000 * PPM, 2_000_000)
    assert after == (600_000 * PPM, 500_000)
    stalled = begun(history, HOUR_MS, FAST, 0)
    assert stalled.tip_at(HOUR_MS) == (0, 2_000_000)
    assert stalled.entered_at(DAY_MS) == history.entered_at(HOUR_MS)


def test_a_dry_reservoir_stops_the_tip_in_the_middle_of_a_piece() -> None:
    history = implanted(FAST, left=25_000 * FINE_UNITS_PER_NL)
    assert history.tip_at(HOUR_MS - 1).fine_per_ms == 600_000 * PPM
    assert history.tip_at(HOUR_MS).fine_per_ms == 0
    (span,) = history.spans(0, DAY_MS)
    assert (span.begins_ms, span.ends_ms) == (0, HOUR_MS)
    assert history.entered_at(DAY_MS) == 25_000 * FINE_UNITS_PER_NL


def test_the_tip_tells_of_cycles_and_boluses() -> None:
    """Exact rates, those of a bolus and of a segment that does not divide evenly included."""
    cycle = Cycle.of(HOUR_MS, DAY_MS, [Segment(0, 1_000, 7), Segment(DAY_MS // 2, 300_000)])
    bolus = BolusCurve(2_000, 3, 2 * HOUR_MS)
    history = implanted(Course(100, bolus, cycle))
    assert history.tip_at(0).fine_per_ms == 100 * PPM
    assert history.tip_at(HOUR_MS).fine_per_ms == pytest.approx((100 + 1_000 / 7) * PPM)
    assert history.tip_at(2 * HOUR_MS).fine_per_ms == pytest.approx(
        (100 + 1_000 / 7 + 2_000 / 3) * PPM
    )
    assert history.tip_at(13 * HOUR_MS).fine_per_ms == 300_100 * PPM


def test_a_piece_of_the_same_millisecond_is_replaced() -> None:
    history = begun(implanted(SLOW), HOUR_MS, FAST)
    again = begun(history, HOUR_MS, Course())
    assert [piece.from_ms for piece in again.pieces] == [0, HOUR_MS]
    assert again.pieces[-1].course == Course()


def test_drug_that_never_entered_is_forgotten() -> None:
    """Two fillings of which the first has not flowed yet, and one of the same drug."""
    history = implanted(SLOW).entering(500_000, 7).entering(1_000_000, 7)
    assert history.slugs[1:] == (Slug(7, 1_000_000),)
    assert history.entering(1_000_000, 9) == history
    assert history.entering(2_000_000, 7).slugs == implanted(SLOW).slugs


@given(
    st.lists(st.tuples(st.integers(1, 3 * DAY_MS), st.sampled_from([0, 1, PPM, 1_250_000]))),
    refills,
    st.integers(0, 3 * DAY_MS),
)
def test_spans_hold_all_that_entered(
    changes: list[tuple[int, int]], refills: list[tuple[int, int]], rest_ms: int
) -> None:
    """However they are cut, and each at the concentration that a path volume ago had."""
    history, at_ms = implanted(SLOW, left=600_000 * FINE_UNITS_PER_NL), 0
    for (gap_ms, factor), (_, concentration) in zip(changes, refills, strict=False):
        at_ms += gap_ms
        history = begun(history, at_ms, FAST, factor)
        history = history.entering(concentration, history.entered_at(at_ms))
    at_ms += rest_ms
    spans = history.spans(0, at_ms)
    volume = sum(
        (span.ends_ms - span.begins_ms) * span.course.rate_nl_per_day * span.factor_ppm
        for span in spans
    )
    assert volume == pytest.approx(history.entered_at(at_ms), rel=1e-9, abs=PPM)
    for span in spans:
        middle_ms = int((span.begins_ms + span.ends_ms) / 2)
        if span.ends_ms - span.begins_ms > 2:
            tip = history.tip_at(middle_ms)
            assert tip.concentration_ng_per_ml == span.concentration_ng_per_ml


def test_what_is_older_than_memory_is_forgotten_and_nobody_notices() -> None:
    """Of a long life only two weeks are kept, with the same answer for the patient."""
    history = implanted(SLOW)
    everything = history
    patient = Patient().prescribed(SLOW, 2_000_000, 0)
    for day in range(1, 400):
        at_ms = day * DAY_MS // 2
        history = history.entering(2_000_000 if day % 3 else 500_000, history.entered_at(at_ms))
        history = begun(history, at_ms, FAST if day % 2 else SLOW)
        piece = history.pieces[-1]
        everything = replace(
            everything,
            pieces=(*everything.pieces, piece),
            slugs=tuple(sorted({*everything.slugs, *history.slugs}, key=lambda s: s.from_fine)),
        )
        assert patient.view(history, at_ms) == patient.view(everything, at_ms)
    assert len(history.pieces) < 128
    assert len(history.slugs) < 128
    assert history.started_ms <= 200 * DAY_MS - MEMORY_MS - LOOK_BACK_MS
    assert history.tally.drug_before
    assert not everything.tally.drug_before


def test_a_pump_that_gave_nothing_is_not_remembered_as_therapy() -> None:
    """Neither a stopped one nor one that pushed fluid without drug."""
    for course, primed in ((Course(), True), (Course(60), False)):
        history = implanted(course, primed=primed)
        for day in range(1, 200):
            history = begun(history, day * DAY_MS, course)
        assert history.started_ms > 0
        assert not history.tally.drug_before
