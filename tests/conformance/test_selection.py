"""Cases are chosen by slug, group, pattern and level; what means nothing is refused."""

import pytest

from pump_protocol.conformance.cases import Level
from pump_protocol.conformance.selection import BadSelection, select
from tests.conformance.results import CASES

FRAME = ["frame/crc-single-bit-flip", "frame/crc-several-bits", "frame/noise"]


@pytest.mark.parametrize(
    ("only", "slugs"),
    [
        (["frame/noise"], ["frame/noise"]),
        (["frame"], FRAME),
        (["frame/"], FRAME),
        (["frame/*"], FRAME),
        (["f*"], FRAME),
        (["*bit*"], FRAME[:2]),
        (["link", "frame/noise"], ["frame/noise", "link/unknown-id"]),
    ],
)
def test_only_takes_slugs_groups_and_patterns(only: list[str], slugs: list[str]) -> None:
    """In the order of the cases, whatever the order of the options."""
    assert [each.slug for each in select(CASES, only=only)] == slugs


def test_nothing_wanted_in_particular_is_everything() -> None:
    assert select(CASES) == list(CASES)


def test_exclude_is_stronger_than_only() -> None:
    chosen = select(CASES, only=["frame"], exclude=["frame/crc-*", "link"])
    assert [each.slug for each in chosen] == ["frame/noise"]


def test_only_cases_of_these_levels() -> None:
    chosen = select(CASES, levels={Level.SHOULD, Level.MAY})
    assert [each.slug for each in chosen] == ["frame/noise", "performance/round-trip"]


@pytest.mark.parametrize("option", ["only", "exclude"])
@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("frame/crc-single-bitflip", "Did you mean frame/crc-single-bit-flip"),
        ("fram", "Did you mean frame"),
        ("several", "Did you mean frame/crc-several-bits"),
        ("xyzzy", "no case fits. --list"),
        ("x" * 10_000, "no case fits. --list"),
        ("", "no case fits. --list"),
    ],
)
def test_pattern_that_fits_nothing_is_refused(option: str, pattern: str, meant: str) -> None:
    """With what may have been meant: a job that judges nothing must not pass."""
    with pytest.raises(BadSelection) as refused:
        select(CASES, **{option: [pattern]})  # type: ignore[arg-type]  # only and exclude
    assert f"--{option} = {pattern}: no case fits." in str(refused.value)
    assert meant in str(refused.value)


def test_choice_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(BadSelection, match="no case is left"):
        select(CASES, only=["link"], levels={Level.MAY})
