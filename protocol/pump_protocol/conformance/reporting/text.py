"""A report in words, line by line; where it is said is not known here."""

import re
from collections.abc import Sequence
from typing import Final

from pump_protocol.conformance.cases import Case
from pump_protocol.conformance.report import (
    ALL_PASSED,
    FAILED,
    NOT_JUDGED,
    CaseReport,
    Report,
    counted,
    needs_of,
)
from pump_protocol.conformance.verdicts import Verdict
from pump_protocol.printable import printable

_FIGURE: Final = re.compile(r"\d+(\.\d+)?")
_ENDS: Final = {ALL_PASSED: "PASSED", FAILED: "FAILED", NOT_JUDGED: "NOT JUDGED"}


def list_lines(cases: Sequence[Case]) -> list[str]:
    """One line for each case: slug, level, clauses, and what it needs."""
    rows = [
        (each.slug, each.level.value, ",".join(each.clauses), ", ".join(needs_of(each)))
        for each in cases
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return [
        "  ".join(
            (*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])
        ).rstrip()
        for row in rows
    ]


def case_line(report: Report, case: CaseReport) -> str:
    """A case that did not pass, and why, in one line."""
    known = " (expected)" if report.fails(case) and case.slug in report.expected else ""
    return f"{headline(case)}{known}  {case.slug}  {printable('; '.join(case.reasons))}".rstrip()


def headline(case: CaseReport) -> str:
    """The verdict of a case in a word; by the second one it may have failed all the same."""
    if case.counts_as is not case.verdict:
        return "FAIL state"
    return case.verdict.value


def summary_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: how many cases of each group count as which verdict, and of all of them.

    Verdicts that none has are left out. In a column of its own: how many of them changed the state.
    """
    verdicts = [each for each, count in report.counts.items() if count]
    heading = ["group", "cases", *(each.value for each in verdicts)]
    if report.changed:
        heading.append("state changed")
    rows = [_row(group, cases, verdicts, report) for group, cases in report.groups.items()]
    return heading, [*rows, _row("all", report.results, verdicts, report)]


def _row(
    name: str, cases: Sequence[CaseReport], verdicts: Sequence[Verdict], report: Report
) -> list[str]:
    found = counted(cases)
    counts = [found[verdict] for verdict in verdicts]
    if report.changed:
        counts.append(sum(each.changed for each in cases))
    return [name, str(len(cases)), *(str(count) if count else "." for count in counts)]


def unsupported_lines(report: Report) -> list[str]:
    """Why cases were not judged, the commonest reason first; which they are is in the report.

    Reasons that differ in a figure only are told as one.
    """
    reasons: dict[str, list[str]] = {}
    for each in report.results:
        if each.counts_as is Verdict.UNSUPPORTED:
            reasons.setdefault(_FIGURE.sub("...", each.reason), []).append(each.reason)
    return [
        f"{Verdict.UNSUPPORTED}  {plural(len(given), 'case')}: "
        + printable(given[0] if len({*given}) == 1 else alike)
        for alike, given in sorted(reasons.items(), key=lambda each: -len(each[1]))
    ]


def closing_lines(report: Report) -> list[str]:
    """What is to be said of the list of expected failures."""
    lines = [
        f"{slug} passed, and is expected to fail: take it off the list" for slug in report.stale
    ]
    return lines + [f"{slug} is expected to fail, and was not judged" for slug in report.untried]


def last_line(report: Report) -> str:
    """The whole run in a line: who, how many cases with which verdicts, how it ended."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items() if count)
    cases = plural(len(report.results), "case")
    return f"{printable(report.subject)}: {cases}: {counts}. {outcome(report)}"


def outcome(report: Report) -> str:
    """How a run ended, as its exit code says it, and why."""
    known = sum(report.fails(each) for each in report.results) - len(report.unexpected)
    broken = report.counts[Verdict.HARNESS_ERROR]
    counted = (
        (len(report.unexpected), "failed"),
        (len(report.changed), "changed the state"),
        (len(report.stale), "passed that should fail"),
        (known, "failed as expected"),
        (broken, Verdict.HARNESS_ERROR.value),
    )
    parts = [f"{count} {what}" for count, what in counted if count]
    if report.exit_code == NOT_JUDGED and not broken:
        parts.append("no case could be judged")
    return ": ".join(filter(None, (_ENDS[report.exit_code], ", ".join(parts))))


def plural(count: int, noun: str) -> str:
    """A number of things: ``1 case``, ``2 cases``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
