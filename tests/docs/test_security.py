"""The attack matrix on the security page and the tests that try the attacks name each other."""

import ast
import re

import pytest

from .pages import ROOT

PAGE = (ROOT / "docs" / "explanation" / "security.md").read_text("utf-8")
MATRIX = ROOT / "tests" / "security" / "test_attack_matrix.py"

ATTACKS = (
    "replay",
    "reflection",
    "reorder",
    "cross-pump",
    "downgrade",
    "bit flip",
    "role escalation",
    "session hijack",
    "pairing without proximity",
    "brute force of the code",
    "battery drain",
    "flood",
)
"""What must be tried, whatever else is."""


def rows() -> dict[str, list[str]]:
    """Each attack of the table with the tests that it names."""
    table = PAGE.split("## The attack matrix", 1)[1]
    found = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    return {
        attack: re.findall(r"`(test_\w+)`", tests)
        for attack, _, tests in found
        if attack != "attack"
    }


def attacks_that_are_tried() -> set[str]:
    module = ast.parse(MATRIX.read_text("utf-8"))
    return {
        each.name
        for each in module.body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    }


def test_every_row_names_a_test_that_exists() -> None:
    """A row without a test is a promise that nobody keeps."""
    known = attacks_that_are_tried()
    assert {attack for attack, tests in rows().items() if not tests} == set()
    named = {test for tests in rows().values() for test in tests}
    assert named - known == set(), "renamed or removed"


def test_every_test_of_the_matrix_has_a_row() -> None:
    named = [test for tests in rows().values() for test in tests]
    assert attacks_that_are_tried() - set(named) == set(), "write its row on the page"
    assert len(named) == len(set(named)), "a test belongs to one row"


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_that_must_be_tried_has_a_row_of_its_name(attack: str) -> None:
    assert any(f"**{attack}" in row.lower() for row in rows()), attack


def test_the_page_says_what_is_not_defended() -> None:
    section = PAGE.split("## What is not defended", 1)[1].split("\n## ", 1)[0]
    assert len(re.findall(r"^- \*\*", section, re.MULTILINE)) >= 8
