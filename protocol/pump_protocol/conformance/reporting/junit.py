"""A report as JUnit XML, which continuous integration shows, by junitparser.

A group is a suite and a case a test case, whose names do not change from run to run. Readers of
JUnit XML know passed, failed, skipped and broken: what a verdict becomes is decided here.
"""

from io import BytesIO
from typing import Final, TypeVar

from junitparser import (
    Error,
    Failure,
    JUnitXml,
    Properties,
    Property,
    Skipped,
    TestCase,
    TestSuite,
)

from pump_protocol.conformance.report import CaseReport, Report
from pump_protocol.conformance.reporting.text import headline
from pump_protocol.conformance.reporting.wire import wire_text
from pump_protocol.conformance.verdicts import Verdict
from pump_protocol.printable import printable

R = TypeVar("R", Failure, Error, Skipped)

_MS_PER_S: Final = 1_000


def junit_xml(report: Report) -> str:
    """The report as the text of an XML file."""
    xml = JUnitXml(f"conformance of {printable(report.subject)}")
    for group, cases in report.groups.items():
        suite = TestSuite(group)
        for name, value in _about(report):
            suite.add_property(name, value)
        suite.add_testcases([_case(report, each) for each in cases])
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]  # junitparser types only arguments
    out = BytesIO()
    xml.write(out, pretty=True)
    return out.getvalue().decode("utf-8")


def _about(report: Report) -> list[tuple[str, str]]:
    """What is said once: under which conditions it was judged."""
    return [
        ("side", report.side.value),
        ("profile", "unknown" if report.profile is None else report.profile.value),
        ("seed", str(report.seed)),
        ("suite_version", report.version),
    ]


def _case(report: Report, case: CaseReport) -> TestCase:
    seconds = None if case.duration_ms is None else case.duration_ms / _MS_PER_S
    made = TestCase(case.slug, classname=printable(report.subject), time=seconds)
    properties = Properties()  # type: ignore[no-untyped-call]  # as below
    properties.add_property(Property("level", case.level.value))
    properties.add_property(Property("clauses", " ".join(case.clauses)))
    properties.add_property(Property("verdict", headline(case)))
    made.append(properties)  # type: ignore[no-untyped-call]
    result = _result(report, case)
    if result is not None:
        made.result = result
    elif case.reasons:
        made.system_out = "\n".join(_lines(case))
    return made


def _result(report: Report, case: CaseReport) -> Failure | Error | Skipped | None:
    why = printable("; ".join(case.reasons))
    if case.slug in report.expected and case.slug in report.stale:
        return Failure("it passed, and is expected to fail: take it off the list", "stale")
    if case.counts_as is Verdict.HARNESS_ERROR:
        return _told(Error(why, headline(case)), case)
    if case.counts_as is Verdict.UNSUPPORTED:
        return Skipped(why, "unsupported")
    if not report.fails(case):
        return None
    if case.slug in report.expected:
        return _told(Skipped(f"expected to fail: {why}", "expected"), case)
    return _told(Failure(why, headline(case)), case)


def _told(result: R, case: CaseReport) -> R:
    result.text = "\n".join([*_lines(case), "", wire_text(case.wire)])
    return result


def _lines(case: CaseReport) -> list[str]:
    """A case and what came of it, for whoever has this file and nothing else."""
    told = [*map(printable, case.reasons)]
    return [*told, f"clauses: {' '.join(case.clauses)}", f"expected: {case.expectation}"]
