"""Two runs with one seed give the same report, apart from times and from what ends draw by lot."""

from functools import partial
from random import Random
from types import SimpleNamespace

import pytest

from pump_programmer import link
from pump_protocol.conformance.cases import Profile, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.report import CaseReport, case_report
from pump_protocol.conformance.verdicts import Verdict
from pump_protocol.session import Session
from tests.conformance.programmers import InProcessProgrammer
from tests.conformance.pumps import InProcessPump

Run = tuple[CaseReport, ...]


def of_pump(seed: int) -> Run:
    """What is drawn by lot, on pumps that draw the same each time."""
    cases = [each for each in cases_of(Side.PUMP) if each.seeded]
    plain = [each for each in cases if each.profile is Profile.LEGACY_INSECURE]
    rest = [each for each in cases if each not in plain]
    results = InProcessPump().judge_all(rest, seed)
    results += InProcessPump(authenticated=False).judge_all(plain, seed)
    return tuple(map(case_report, results))


def of_programmer(seed: int) -> Run:
    """The same, of a programmer whose link ids and keys are the same each time."""
    cases = [each for each in cases_of(Side.PROGRAMMER) if each.seeded]
    drawn = Random(7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link, "secrets", SimpleNamespace(randbelow=drawn.randrange))
        patch.setattr(link, "Session", partial(Session, random_bytes=drawn.randbytes))
        return tuple(map(case_report, InProcessProgrammer().judge_all(cases, seed)))


@pytest.fixture(scope="module", params=[of_pump, of_programmer])
def runs(request: pytest.FixtureRequest) -> tuple[Run, Run, Run]:
    """Two with seed 1, and one with seed 2."""
    run = request.param
    return run(1), run(1), run(2)


def test_one_seed_one_report(runs: tuple[Run, Run, Run]) -> None:
    """Byte for byte, the wire included, where both ends draw their keys from a seed, too."""
    first, again, _ = runs
    assert first
    assert first == again


def test_another_seed_sends_something_else(runs: tuple[Run, Run, Run]) -> None:
    """In each case that is said to draw by lot: otherwise the seed would mean nothing there."""
    first, _, other = runs
    assert {each.verdict for each in first} == {Verdict.PASS}
    same = [one.slug for one, two in zip(first, other, strict=True) if one.wire == two.wire]
    assert same == []
