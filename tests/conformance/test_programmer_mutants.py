"""Every mutant of a programmer is caught, and by the case that is there for it."""

import pytest

from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.catalogue import cases_of
from tests.conformance.mutants.registry import (
    Mutant,
    ProgrammerChange,
    catches,
    load_programmer_mutants,
)
from tests.conformance.programmers import InProcessProgrammer

CASES = {each.slug: each for each in cases_of(Side.PROGRAMMER)}
MUTANTS = load_programmer_mutants()


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=lambda mutant: mutant.name)
def test_it_is_caught(mutant: Mutant[ProgrammerChange], monkeypatch: pytest.MonkeyPatch) -> None:
    """The case fails on the mutant, by a verdict on the programmer and not by a bug of its own."""
    mutant.change(monkeypatch)
    result = InProcessProgrammer(authenticated=mutant.authenticated).judge(CASES[mutant.caught_by])
    assert catches(result), (result.verdict, result.reason)


def test_each_case_catches_one() -> None:
    """Otherwise nobody knows whether it can fail."""
    assert set(CASES) - {each.caught_by for each in MUTANTS.values()} == set()
