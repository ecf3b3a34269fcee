"""What is said to people: names of codes, the name that may have been meant, no control codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol.codes import Alarm, RefusalCode
from pump_protocol.printable import printable
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.texts import LONGEST_NAME, did_you_mean, nearest, spaced

KNOWN = ("low_reservoir", "empty_reservoir", "motor_stall")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LOW_RESERVOIR", "low reservoir"),
        ("no_answer", "no answer"),
        ("mri_scan", "MRI scan"),
        ("ERI", "ERI"),
        ("csf", "CSF"),
        ("", ""),
    ],
)
def test_a_name_is_written_in_lower_case_but_for_abbreviations(name: str, text: str) -> None:
    """Whether it is a code's, in upper case, or a key of a file."""
    assert spaced(name) == text


def test_no_name_keeps_its_underscores() -> None:
    """Of no fault, alarm or refusal; and each stays one of a kind."""
    names = [*FAULTS, *Alarm.__members__, *RefusalCode.__members__]
    texts = [spaced(each) for each in names]
    assert not any("_" in each for each in texts)
    assert len(set(texts)) == len({each.lower() for each in names})


def test_the_nearest_name_is_asked_after() -> None:
    assert nearest("low_resevoir", KNOWN) == "low_reservoir"
    assert did_you_mean("moter_stall", iter(KNOWN)) == " Did you mean motor_stall?"


@pytest.mark.parametrize("name", ["", "x", None, 7, ["low_reservoir"]])
def test_what_resembles_nothing_is_not_guessed(name: object) -> None:
    """Nor what is no name at all."""
    assert nearest(name, KNOWN) is None
    assert did_you_mean(name, KNOWN) == ""


def test_a_name_without_end_is_not_compared() -> None:
    """Comparing takes long: a megabyte in a request must not hold up what serves it."""
    longest = "x" * LONGEST_NAME
    assert nearest(longest, [longest]) == longest
    assert nearest(f"{longest}x", [f"{longest}x"]) is None


@given(st.text())
def test_what_is_printable_stays_and_all_else_becomes_so(text: str) -> None:
    """And can be written as UTF-8, halves of a pair too."""
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()
    if text.isprintable():
        assert shown == text


def test_a_bell_is_written_not_rung() -> None:
    assert printable("a\a\x1b[2J\udc80") == "a\\x07\\x1b[2J\\udc80"
