"""A report as JUnit XML: suites are groups, cases keep their names, and verdicts are not lost."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from junitparser import JUnitXml

from pump_protocol.conformance.reporting.junit import junit_xml
from pump_protocol.conformance.trial import CaseResult
from pump_protocol.conformance.verdicts import StateVerdict, Verdict
from tests.conformance.results import HOSTILE, IDENTIFY, a_report, a_result

SLUG = "frame/noise"


def element_of(result: CaseResult, **more: object) -> ET.Element:
    (case,) = ET.fromstring(junit_xml(a_report([result], **more))).iter("testcase")
    return case


def outcome(case: ET.Element) -> tuple[str, str | None] | None:
    for kind in ("failure", "error", "skipped"):
        found = case.find(kind)
        if found is not None:
            return kind, found.get("type")
    return None


CHANGED: dict[str, Any] = {"state": StateVerdict.CHANGED, "state_reason": "the log changed"}


@pytest.mark.parametrize(
    ("result", "more", "expected"),
    [
        (a_result(SLUG), {}, None),
        (a_result(SLUG, Verdict.FAIL, "no"), {}, ("failure", "FAIL")),
        (a_result(SLUG, **CHANGED), {}, ("failure", "FAIL state")),
        (a_result(SLUG, Verdict.UNSUPPORTED, "no", **CHANGED), {}, ("failure", "FAIL state")),
        (a_result(SLUG, Verdict.HARNESS_ERROR, "gone"), {}, ("error", "HARNESS-ERROR")),
        (a_result(SLUG, Verdict.UNSUPPORTED, "no hook"), {}, ("skipped", "unsupported")),
        (a_result(SLUG, Verdict.NON_STRICT, "slow"), {}, None),
        (a_result(SLUG, Verdict.NON_STRICT, "slow"), {"strict": True}, ("failure", "NON-STRICT")),
        (a_result(SLUG, Verdict.INFO, "1 ms"), {}, None),
        (a_result(SLUG, Verdict.FAIL, "no"), {"expected": (SLUG,)}, ("skipped", "expected")),
        (a_result(SLUG), {"expected": (SLUG,)}, ("failure", "stale")),
        (
            a_result(SLUG, Verdict.HARNESS_ERROR, "x"),
            {"expected": (SLUG,)},
            ("error", "HARNESS-ERROR"),
        ),
    ],
)
def test_what_a_verdict_becomes(
    result: CaseResult, more: dict[str, object], expected: tuple[str, str] | None
) -> None:
    """As the exit code has it: a failure here fails the run, and nothing else does."""
    assert outcome(element_of(result, **more)) == expected


def test_failure_says_all_that_is_needed_to_look_for_it() -> None:
    """Reasons of both verdicts, clauses, what was expected, and the wire in both forms."""
    failure = element_of(a_result(SLUG, Verdict.FAIL, "3 came", **CHANGED)).find("failure")
    assert failure is not None
    assert failure.get("message") == "3 came; state CHANGED: the log changed"
    text = failure.text or ""
    for wanted in ("3 came", "FRAME-01 SEQ-02", f"It does {SLUG}.", IDENTIFY[:4].hex(), "identify"):
        assert wanted in text


def test_verdict_that_fails_nothing_is_told_all_the_same() -> None:
    for verdict in (Verdict.NON_STRICT, Verdict.INFO):
        told = element_of(a_result(SLUG, verdict, "the median is 3 ms")).find("system-out")
        assert told is not None
        assert "the median is 3 ms" in (told.text or "")
    assert element_of(a_result(SLUG)).find("system-out") is None


def test_names_properties_and_counts() -> None:
    """As every reader of JUnit XML shows them; a group that is taken up again is one suite."""
    report = a_report(
        [
            a_result("frame/noise", Verdict.FAIL, "no"),
            a_result("link/unknown-id", Verdict.UNSUPPORTED, "no hook"),
            a_result("frame/crc-several-bits", Verdict.HARNESS_ERROR, "gone"),
        ]
    )
    xml = JUnitXml.fromstring(junit_xml(report).encode())
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (3, 1, 1, 1)
    assert [suite.name for suite in xml] == ["frame", "link"]
    frame, _ = xml
    assert [case.name for case in frame] == ["frame/noise", "frame/crc-several-bits"]
    assert {case.classname for case in frame} == {"some pump"}
    assert [case.time for case in frame] == [0.009, 0.009]
    first = ET.fromstring(junit_xml(report)).find("testsuite/testcase/properties")
    assert first is not None
    assert {each.get("name"): each.get("value") for each in first} == {
        "level": "SHOULD",
        "clauses": "FRAME-01 SEQ-02",
        "verdict": "FAIL",
    }


def test_whatever_a_subject_sent_the_file_is_xml() -> None:
    """And nothing in it moves the cursor of whoever shows it."""
    results = [a_result(f"x/{each.lower()}", each, HOSTILE + "\ud800") for each in Verdict]
    text = junit_xml(a_report(results, subject=HOSTILE))
    assert len(list(ET.fromstring(text).iter("testcase"))) == len(Verdict)
    assert not {"\x1b", "\x00", "\u202e"} & set(text)


def test_without_times_there_are_none() -> None:
    report = a_report([a_result(SLUG, Verdict.FAIL, "no")]).without_times()
    (case,) = ET.fromstring(junit_xml(report)).iter("testcase")
    assert case.get("time") is None
    assert " ms" not in (case.findtext("failure") or "")
