"""JUnit XML of a check: what continuous integration shows of it, under names that stay the same."""

from xml.etree import ElementTree as ET

from junitparser import JUnitXml

from pump_sim.scenario.checking import CheckedPlay, Judged, Report
from pump_sim.scenario.file.branches import Way
from pump_sim.scenario.judging.judge import Verdict
from pump_sim.scenario.reporting.junit import junit_xml

from .happened import expecting

MOTOR = expecting(alarm="motor_stall", at="1 d", because="the field \a stops it <sooner>")
FLEX = expecting(mode="flex", at="2 d")


def play(name: str, *verdicts: Verdict, picks: tuple[tuple[str, str], ...] = ()) -> CheckedPlay:
    """A play that took 250 ms, with its verdicts on lines 10, 11 and so on."""
    judged = tuple(Judged(each, 10 + index) for index, each in enumerate(verdicts))
    return CheckedPlay(
        name=name, file=f"shipped/{name}.toml", way=Way(picks), judged=judged, elapsed_ms=250
    )


MET = Verdict(FLEX, True, "mode flex at 2 d", "flex", 0)
LATE = Verdict(MOTOR, False, "alarm motor_stall raised at 1 d (within 1 s)", "not raised", 0)
STOPPED = Verdict(FLEX, False, "mode flex at 2 d", "stopped", 0)

REPORT = Report(
    (
        play("mri", MET, LATE, STOPPED, picks=(("answer", "stay"), ("dose", "half"))),
        play("mri", MET, picks=(("answer", "go"),)),
        play("calm", MET),
    )
)


def written(report: Report) -> ET.Element:
    """The XML, parsed by a reader that knows nothing of JUnit."""
    return ET.fromstring(junit_xml(report).decode("utf-8"))


def test_a_scenario_is_a_suite_and_a_way_through_it_a_test_case() -> None:
    """The names are those of the scenario, its choices and its options, and nothing else."""
    cases = [
        (suite.get("name"), case.get("classname"), case.get("name"))
        for suite in written(REPORT)
        for case in suite
    ]
    assert cases == [
        ("mri", "mri", "answer=stay, dose=half"),
        ("mri", "mri", "answer=go"),
        ("calm", "calm", "only way"),
    ]


def test_totals_are_those_of_the_test_cases() -> None:
    root = written(REPORT)
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "0")
    assert float(root.get("time", "")) == 0.75
    assert [(suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("2", "1"),
        ("1", "0"),
    ]


def test_one_failure_tells_all_that_is_unmet() -> None:
    """Most readers show the first failure of a test case only."""
    (case, *_), *_ = written(REPORT)
    (failure,) = case
    assert failure.tag == "failure"
    assert failure.get("message") == (
        "2 of 3 expectations unmet: alarm motor_stall raised at 1 d (within 1 s): not raised"
    )
    assert (failure.text or "").splitlines() == [
        "shipped/mri.toml:11: expected: alarm motor_stall raised at 1 d (within 1 s)",
        "  happened: not raised",
        "  because: the field \\x07 stops it <sooner>",
        "shipped/mri.toml:12: expected: mode flex at 2 d",
        "  happened: stopped",
    ]


def test_a_test_case_names_the_file_of_its_scenario() -> None:
    (case, *_), *_ = written(REPORT)
    assert (case.get("file"), case.get("time")) == ("shipped/mri.toml", "0.25")


def test_a_reader_of_junit_xml_finds_it_sound() -> None:
    xml = JUnitXml.fromstring(junit_xml(REPORT))
    assert [(suite.name, suite.tests) for suite in xml] == [("mri", 2), ("calm", 1)]
    assert [case.is_passed for suite in xml for case in suite] == [False, True, True]


def test_two_files_of_one_name_are_two_suites_told_apart_by_their_paths() -> None:
    """Even one after the other: no two test cases have one id, and a third scenario keeps its."""
    other = CheckedPlay(
        name="mri", file="own/mri.toml", way=Way((("answer", "go"),)), judged=(), elapsed_ms=1
    )
    root = written(Report((*REPORT.plays[:2], other, REPORT.plays[2])))
    ids = [
        (suite.get("name"), case.get("classname"), case.get("name"), case.get("file"))
        for suite in root
        for case in suite
    ]
    mri, own = "shipped/mri.toml", "own/mri.toml"
    assert ids == [
        (mri, mri, "answer=stay, dose=half", mri),
        (mri, mri, "answer=go", mri),
        (own, own, "answer=go", own),
        ("calm", "calm", "only way", "shipped/calm.toml"),
    ]
    assert root.get("tests") == "4"


def test_nothing_checked_is_an_empty_file_that_can_be_read() -> None:
    assert len(written(Report(()))) == 0
