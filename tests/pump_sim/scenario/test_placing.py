"""Texts of a picture never cover each other, wherever their moments are."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.scenario.picture.placing import (
    MOST_LANES,
    MOST_TICKS,
    moment_text,
    place_bar_texts,
    place_labels,
    spread,
    time_scale,
    width_px,
)

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
LEFT, PLOT, RIGHT = -150, 940, 1_080

# Long texts at the right edge are what is hard: neither lengths nor places may all be small.
WORDS = st.integers(1, 90).map(lambda length: ("programmer: refill 20 mL - WM, " * 3)[:length])
TEXTS = (
    st.sampled_from([1, 3, 8, 20, 60])
    .flatmap(
        lambda count: st.lists(
            st.tuples(st.integers(0, PLOT).map(float), WORDS), min_size=count, max_size=count
        )
    )
    .map(lambda texts: sorted(texts, key=lambda each: each[0]))
)


@settings(max_examples=150)
@given(TEXTS)
def test_labels_do_not_cover_each_other(texts: list[tuple[float, str]]) -> None:
    """In one lane no two texts overlap, and the line down from a label meets no text below it."""
    placed = place_labels(texts, LEFT, RIGHT)
    for one, other in combinations(placed, 2):
        if one.lane == other.lane:
            assert one.until_px <= other.from_px or other.until_px <= one.from_px
    for label in placed:
        for below in placed:
            if below.lane < label.lane:
                assert not below.from_px < label.label.x_px < below.until_px


@settings(max_examples=150)
@given(TEXTS)
def test_labels_stay_within_the_picture_and_lose_nothing(texts: list[tuple[float, str]]) -> None:
    """However many there are: at most so many lanes, between the edges, each text in one label."""
    placed = place_labels(texts, LEFT, RIGHT)
    assert all(each.lane < MOST_LANES for each in placed)
    assert all(each.from_px >= LEFT and each.until_px <= RIGHT for each in placed)
    in_order = sorted(placed, key=lambda each: each.label.x_px)
    told = sorted(text for each in in_order for text in each.label.every)
    assert told == sorted(text for _, text in texts)


def test_labels_with_room_are_told_in_full() -> None:
    """What has room stands in the lowest lane, to the right of its moment, and is not cut."""
    placed = place_labels(
        [(10, "hands: fill 20 mL"), (500, "programmer: refill 20 mL")], LEFT, RIGHT
    )
    assert {(each.label.text, each.lane, each.leftwards) for each in placed} == {
        ("hands: fill 20 mL", 0, False),
        ("programmer: refill 20 mL", 0, False),
    }


def test_labels_of_one_moment_are_told_from_top_to_bottom() -> None:
    """Acts of one moment are read in the order in which they were done."""
    placed = place_labels([(10, "first"), (10, "second"), (10, "third")], LEFT, RIGHT)
    top_down = sorted(placed, key=lambda each: -each.lane)
    assert [each.label.text for each in top_down] == ["first", "second", "third"]


def test_a_crowd_is_told_as_one() -> None:
    """Twenty presses within a finger's breadth are one label that says how many."""
    (placed,) = place_labels([(100.0 + n / 10, "hands: press") for n in range(20)], LEFT, RIGHT)
    assert placed.label.text == "hands: press (x20)"
    assert len(placed.label.every) == 20


BARS = (
    st.sampled_from([1, 2, 5, 10])
    .flatmap(
        lambda count: st.lists(
            st.integers(0, PLOT).map(float), min_size=2 * count, max_size=2 * count, unique=True
        )
    )
    .map(sorted)
)


@settings(max_examples=150)
@given(BARS, WORDS)
def test_texts_of_bars_lie_on_their_bar_or_beside_all(edges: list[float], text: str) -> None:
    """A text covers neither another bar of its row nor another text, and ends in the picture."""
    bars = list(zip(edges[::2], edges[1::2], strict=False))
    placed = place_bar_texts(bars, [[text, "x"]] * len(bars), RIGHT, PLOT)
    taken = []
    for (from_px, until_px), found in zip(bars, placed, strict=True):
        if found is None:
            continue
        ends_px = found.from_px + width_px(found.text)
        taken.append((found.from_px, ends_px))
        assert ends_px <= RIGHT
        assert ends_px <= PLOT or found.from_px >= PLOT
        if found.inside:
            assert from_px <= found.from_px
            assert ends_px <= until_px
        else:
            assert all(ends_px <= low or high <= found.from_px for low, high in bars)
    assert all(one[1] <= other[0] for one, other in pairwise(taken))


@given(st.lists(st.floats(0, 150), min_size=1, max_size=8).map(sorted))
def test_names_of_bands_keep_their_distance(places: list[float]) -> None:
    """Names are so far apart that they can be read, and stay within the panel."""
    moved = spread(places, 12, 5, 145)
    assert all(b - a >= 12 - 1e-9 for a, b in pairwise(moved))
    assert moved[0] >= 5 - 1e-9
    assert moved[-1] <= 145


def test_names_with_room_are_not_moved() -> None:
    """Only what is too close is moved."""
    assert spread([20, 60, 100], 12, 5, 145) == [20, 60, 100]


@given(st.integers(1, 100 * 366 * DAY))
def test_an_axis_has_some_ticks_and_not_too_many(length_ms: int) -> None:
    """From a millisecond to a hundred years: ticks from 0 on, at most one more than allowed."""
    scale = time_scale(length_ms)
    assert scale.ticks[0] == 0
    assert len(scale.ticks) <= MOST_TICKS + 1
    assert scale.ticks[-1] * scale.unit_ms <= length_ms
    if length_ms >= 3 * SECOND:
        assert len(scale.ticks) >= 3


@pytest.mark.parametrize(
    ("length_ms", "unit"),
    [
        (60 * DAY, "days"),
        (3 * DAY + HOUR, "days"),
        (3 * DAY, "hours"),
        (48 * HOUR, "hours"),
        (90 * MINUTE, "minutes"),
        (5, "seconds"),
    ],
)
def test_time_is_counted_in_the_unit_that_fits(length_ms: int, unit: str) -> None:
    """The largest unit of which there are more than three."""
    assert time_scale(length_ms).unit == unit


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "0"),
        (45 * DAY, "45 d"),
        (50 * DAY + 3 * HOUR + 12 * MINUTE + 59 * SECOND, "50 d 3 h 12 min"),
        (61 * SECOND, "1 min 1 s"),
        (999, "0"),
    ],
)
def test_a_moment_is_told_as_finely_as_it_matters(at_ms: int, text: str) -> None:
    """To the minute, and to the second within the first hour."""
    assert moment_text(at_ms) == text
