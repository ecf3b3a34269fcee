"""The decoder that mutants get one part of wrong is right as it stands."""

import pytest

from pump_protocol.conformance.cases import Case, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.verdicts import Verdict
from tests.conformance.mutants.changes import PartedDecoder, decode_with
from tests.conformance.pumps import InProcessPump

CASES = tuple(each for each in cases_of(Side.PUMP) if each.group == "frame")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)
def test_it_passes(case: Case) -> None:
    """A pump with it passes every case about frames: so a mutant fails for its one fault."""
    pump = InProcessPump()
    decode_with(pump, PartedDecoder)
    result = pump.judge(case)
    assert result.verdict is Verdict.PASS, result.reason
