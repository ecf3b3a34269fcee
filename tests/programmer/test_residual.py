"""Expected and actual residual: the delivered ratio is reckoned exactly, and flagged both ways."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_programmer import published
from pump_programmer.residual import (
    RatioFlag,
    ResidualError,
    compare_residual,
    flag_text,
    ratio_text,
    residual_caution,
)

ML = 1_000_000
CAPACITY_NL = 20 * ML

volumes = st.integers(0, CAPACITY_NL)


def compare(fill_nl, expected_nl, actual_nl):
    return compare_residual(expected_nl, actual_nl, fill_nl, CAPACITY_NL)


def test_a_pump_that_delivers_a_quarter_too_much_is_flagged():
    """T12: 8 mL expected on day 30, 5 mL found: 15 mL of 12 mL delivered."""
    found = compare(20 * ML, 8 * ML, 5 * ML)
    assert (found.should_have_delivered_nl, found.delivered_nl) == (12 * ML, 15 * ML)
    assert (found.delivered_ratio_ppm, ratio_text(found)) == (1_250_000, "125.0 %")
    assert (found.ratio_judged, found.ratio_flag) == (True, RatioFlag.OVER_INFUSION)
    caution = residual_caution(found)
    assert caution is not None
    assert "125.0 %" in caution.text
    assert caution.source.startswith("P2")
    assert "P4" in caution.source


@pytest.mark.parametrize(
    ("delivered_nl", "flag"),
    [
        (2_290_000, None),
        (2_290_001, RatioFlag.OVER_INFUSION),
        (1_710_000, None),
        (1_709_999, RatioFlag.UNDER_INFUSION),
    ],
)
def test_the_limit_itself_is_within_and_one_nanoliter_beyond_it_is_not(delivered_nl, flag):
    """14.5 % of 2 mL, either way."""
    found = compare(20 * ML, 18 * ML, 20 * ML - delivered_nl)
    assert (found.ratio_judged, found.ratio_flag) == (True, flag)


def test_less_than_two_milliliters_are_not_judged_and_two_are():
    """However wrong the ratio: what cannot be drawn out would decide."""
    below = compare(20 * ML, 18 * ML + 1, 10 * ML)
    assert (below.ratio_judged, below.ratio_flag) == (False, None)
    assert below.delivered_ratio_ppm == 5_000_003
    assert "not judged below 2 mL" in below.why_not
    assert residual_caution(below) is None
    assert compare(20 * ML, 18 * ML, 10 * ML).ratio_flag is RatioFlag.OVER_INFUSION


@pytest.mark.parametrize(
    ("delivered_nl", "text"),
    [
        (0, "0.0 %"),
        (2_001_000, "100.0 %"),  # a tie: 100.05 goes to the even digit
        (2_003_000, "100.2 %"),  # 100.15
        (2_000_999, "100.0 %"),
        (2_001_001, "100.1 %"),
        (20_000_000, "1000.0 %"),
        (2_290_000, "114.5 %"),
        (1_710_000, "85.5 %"),
    ],
)
def test_percent_has_one_decimal_rounded_once_from_the_exact_ratio_ties_to_even(delivered_nl, text):
    assert ratio_text(compare(20 * ML, 18 * ML, 20 * ML - delivered_nl)) == text


@pytest.mark.parametrize(
    ("delivered_nl", "text"),
    [
        (11_450_001, "114.50001 %"),
        (11_449_999, "114.49999 %"),
        (11_446_000, "114.46 %"),
        (8_549_999, "85.49999 %"),
        (8_550_400, "85.504 %"),
    ],
)
def test_a_ratio_that_would_read_as_the_limit_shows_on_which_side_it_is(delivered_nl, text):
    """Of 10 mL: nobody should read that 114.5 % is more than 14.5 % too much."""
    assert ratio_text(compare(20 * ML, 10 * ML, 20 * ML - delivered_nl)) == text


def test_a_volume_that_would_read_as_the_least_that_is_judged_is_shown_exactly():
    """Not: 2 mL should have been delivered, not judged below 2 mL."""
    found = compare(20 * ML, 18 * ML + 1, 18 * ML)
    assert found.why_not == "1.999999 mL should have been delivered: not judged below 2 mL"
    found = compare(20 * ML, 18 * ML + 1_001, 18 * ML)
    assert found.why_not == "1.999 mL should have been delivered: not judged below 2 mL"


def test_flags_are_words_with_a_hyphen():
    assert flag_text(RatioFlag.OVER_INFUSION) == "over-infusion"
    assert flag_text(RatioFlag.UNDER_INFUSION) == "under-infusion"


def test_a_ratio_of_nothing_is_no_ratio():
    found = compare(20 * ML, 20 * ML, 19 * ML)
    assert (found.ratio, found.delivered_ratio_ppm, ratio_text(found)) == (None, None, "")
    assert "nothing should have been delivered" in found.why_not


def test_without_what_was_drawn_out_the_danger_of_not_comparing_is_said():
    found = compare(20 * ML, 8 * ML, None)
    assert (found.should_have_delivered_nl, found.delivered_nl) == (12 * ML, None)
    assert (found.ratio_judged, found.delivered_ratio_ppm) == (False, None)
    caution = residual_caution(found)
    assert caution is not None
    assert "not compared (--aspirated VOLUME)" in caution.text


def test_without_the_last_fill_the_reason_is_kept():
    found = compare_residual(8 * ML, 5 * ML, None, CAPACITY_NL, why_no_fill="gone")
    assert (found.fill_nl, found.delivered_nl, found.ratio_judged) == (None, None, False)
    assert found.why_not == "gone"
    assert residual_caution(found) is None


@pytest.mark.parametrize(
    ("fill_nl", "actual_nl", "words"),
    [
        (18 * ML, 18 * ML + 1, "allowed 0 mL to 18 mL, what the pump was told at the last refill"),
        (None, 20 * ML + 1, "allowed 0 mL to 20 mL, the capacity of the reservoir"),
        (20 * ML, 21 * ML, "actual residual = 21 mL: allowed 0 mL to 20 mL, the capacity"),
        (18 * ML, -1, "allowed 0 mL"),
    ],
)
def test_more_than_there_can_have_been_is_refused_with_its_limit(fill_nl, actual_nl, words):
    with pytest.raises(ResidualError, match=words):
        compare_residual(8 * ML, actual_nl, fill_nl, CAPACITY_NL)


@given(fill=volumes, expected=volumes, actual=volumes)
def test_the_flag_follows_from_the_definition_for_any_volumes(fill, expected, actual):
    """(fill - actual) / (fill - expected), beyond 1 +- 0.145, from 2 mL on."""
    expected, actual = min(expected, fill), min(actual, fill)
    found = compare(fill, expected, actual)
    if fill == expected:
        assert found.ratio is None
        return
    ratio = Fraction(fill - actual, fill - expected)
    assert found.ratio == ratio
    assert found.ratio_judged is (fill - expected >= 2 * ML)
    over, under = ratio > Fraction("1.145"), ratio < Fraction("0.855")
    wanted = RatioFlag.OVER_INFUSION if over else RatioFlag.UNDER_INFUSION if under else None
    assert found.ratio_flag is (wanted if found.ratio_judged else None)
    assert abs(Fraction(found.delivered_ratio_ppm, 1_000_000) - ratio) <= Fraction(1, 2_000_000)
    shown = Fraction(ratio_text(found).removesuffix(" %")) / 100
    assert (shown > Fraction("1.145"), shown < Fraction("0.855")) == (over, under)


def test_figures_are_those_that_are_published():
    assert (published.FLOW_ERROR_PPM, published.LEAST_JUDGED_NL) == (145_000, 2 * ML)
