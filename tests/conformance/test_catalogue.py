"""The catalogue names every module of cases: one that it forgot would never be played."""

from importlib import import_module
from pathlib import Path

import pytest

from pump_protocol.conformance import catalogue
from pump_protocol.conformance.cases import CASES, Side
from pump_protocol.conformance.catalogue import cases_of


def declaring(side: Side) -> set[str]:
    """The modules of a side that declare a case, with their path below it."""
    package = import_module(f"pump_protocol.conformance.{side}")
    (home,) = (Path(each) for each in package.__path__)
    decorator = f"@{side}_case("
    return {
        ".".join(path.relative_to(home).with_suffix("").parts)
        for path in home.rglob("*.py")
        if decorator in path.read_text("utf-8")
    }


@pytest.mark.parametrize("side", Side, ids=str)
def test_it_names_every_module_of_cases(side: Side) -> None:
    """None is left out or named twice, and none stands among what the modules share."""
    named = catalogue._MODULES[side]
    assert set(named) == declaring(side)
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("side", Side, ids=str)
def test_each_module_declares_some(side: Side) -> None:
    """Each module that is named has cases, and all of them are listed."""
    home = f"pump_protocol.conformance.{side}."
    listed = {each.play.__module__ for each in cases_of(side)}
    assert listed == {home + name for name in catalogue._MODULES[side]}
    assert {each for each in CASES.values() if each.side is side} == set(cases_of(side))
