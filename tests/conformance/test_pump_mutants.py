"""Every mutant of a pump is caught, and by the case that is there for it."""

import pytest

from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.catalogue import cases_of
from tests.conformance.mutants.registry import Mutant, PumpChange, catches, load_pump_mutants
from tests.conformance.pumps import InProcessPump

CASES = {each.slug: each for each in cases_of(Side.PUMP)}
MUTANTS = load_pump_mutants()


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=lambda mutant: mutant.name)
def test_it_is_caught(mutant: Mutant[PumpChange], monkeypatch: pytest.MonkeyPatch) -> None:
    """The case fails on the mutant, by a verdict on the pump and not by a bug of its own."""
    pump = InProcessPump(authenticated=mutant.authenticated)
    mutant.change(pump, monkeypatch)
    result = pump.judge(CASES[mutant.caught_by])
    assert catches(result), (result.verdict, result.reason, result.state_reason)


def test_each_case_catches_one() -> None:
    """But for those that give figures, which are neither good nor bad."""
    judging = {slug for slug in CASES if not slug.startswith("performance/")}
    assert judging - {each.caught_by for each in MUTANTS.values()} == set()
