"""Runs of a command with results made up: nothing is played, and everything else is real."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pump_protocol.conformance.cases import Case, Profile, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.command.options import Chosen, Options, choose, read_options
from pump_protocol.conformance.command.running import run
from pump_protocol.conformance.report import Report
from pump_protocol.conformance.reporting.document import from_json
from pump_protocol.conformance.trial import CaseResult
from pump_protocol.conformance.verdicts import Verdict
from tests.conformance.results import CASES, a_result

PASSING = [a_result(each.slug) for each in CASES]
FAILING = [
    a_result("frame/crc-single-bit-flip", Verdict.FAIL, "3 came; expected: 2"),
    *PASSING[1:],
]


def ran(
    results: Iterable[CaseResult], *, cases: Iterable[Case] = CASES, **options: Any
) -> tuple[int, Options]:
    """The exit code of a run with these results, and with these options of the command line."""
    read = read_options(**options)
    code = run(
        read,
        side=Side.PUMP,
        subject="/dev/ttyS9",
        profile=Profile.AUTHENTICATED,
        results=iter(results),
        chosen=Chosen(tuple(cases), choose(read, cases_of(Side.PUMP)).expected),
    )
    return code, read


def reported(path: Path) -> Report:
    return from_json(path.read_text("utf-8"))
