"""A check's report as JUnit XML, which continuous integration shows; the only user of junitparser.

A scenario is a suite and a way through it a test case, whose names do not change from run to run:
the scenario's name, or the path of its file where another file gives the same name.
"""

from collections import Counter
from io import BytesIO
from itertools import groupby
from typing import Final

from junitparser import Attr, Failure, JUnitXml, TestCase, TestSuite

from pump_protocol.printable import printable
from pump_sim.scenario.checking import CheckedPlay, Report
from pump_sim.scenario.reporting.wording import plural, unmet_lines

NAME: Final = "pump-sim check"


class _Case(TestCase):
    """A test case that names its file, as several readers of JUnit XML want it."""

    file = Attr()


def junit_xml(report: Report) -> bytes:
    """The report as the bytes of an XML file, in UTF-8."""
    xml = JUnitXml(NAME)
    files = {(each.name, each.file) for each in report.plays}
    named = Counter(name for name, _ in files)
    for (name, file), plays in groupby(report.plays, key=lambda play: (play.name, play.file)):
        suite_name = printable(name if named[name] == 1 else file)
        suite = TestSuite(suite_name)
        suite.add_testcases([_case(each, suite_name) for each in plays])
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]  # junitparser types only arguments
    out = BytesIO()
    xml.write(out, pretty=True)
    return out.getvalue()


def _case(play: CheckedPlay, suite_name: str) -> TestCase:
    case = _Case(str(play.way), classname=suite_name, time=play.elapsed_ms / 1_000)
    case.file = printable(play.file)
    if play.unmet:
        # One failure: readers of JUnit XML show the first of a test case and no other.
        first, count = play.unmet[0].verdict, len(play.unmet)
        of = f"{count} of {plural(len(play.judged), 'expectation')} unmet"
        failure = Failure(printable(f"{of}: {first.expected}: {first.happened}"), "unmet")
        failure.text = "\n".join(line for each in play.unmet for line in unmet_lines(play, each))
        case.result = failure
    return case
