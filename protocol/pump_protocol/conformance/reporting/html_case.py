"""One case on the page: a line with the verdict of each subject, and behind it all that is known.

Which cases there are, and what is around them, is :mod:`.html`'s business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pump_protocol.conformance.report import CaseReport, Report
from pump_protocol.conformance.reporting.markup import Markup, element, joined
from pump_protocol.conformance.reporting.text import headline
from pump_protocol.conformance.reporting.wire import (
    FramesTold,
    hex_text,
    name_text,
    when,
)
from pump_protocol.conformance.verdicts import Verdict
from pump_protocol.conformance.wire_log import FrameLine, WireLine

_SYMBOLS: Final[Mapping[Verdict, str]] = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.NON_STRICT: "!",
    Verdict.INFO: "i",
    Verdict.UNSUPPORTED: "–",  # noqa: RUF001 - a dash that stands for nothing to be seen
    Verdict.HARNESS_ERROR: "?",
}
_NEEDS_NO_REASON: Final = (Verdict.PASS, Verdict.UNSUPPORTED)
_WAYS: Final = {"to_pump": "→ pump", "to_programmer": "← pump", None: "note"}
_HEADS: Final = {"to_pump": "b", "to_programmer": "em", None: "i"}


@dataclass(frozen=True, slots=True)
class Row:
    """A case, and what came of it with each subject; None with one that it was not chosen for."""

    about: CaseReport
    found: tuple[CaseReport | None, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """What stands below one subject.

    :ivar told: long texts of its wire logs, each with the case where it is to be read.
    """

    report: Report
    told: dict[str, str] = field(default_factory=dict)


def verdict_class(verdict: Verdict) -> str:
    """The name of a verdict in the style sheet and the filter."""
    return verdict.value.lower()


def verdict_element(verdict: Verdict, text: str) -> Markup:
    """A verdict by symbol, words and colour."""
    symbol = element("b", _SYMBOLS[verdict], aria_hidden="true")
    return element("span", symbol, text, class_=f"verdict {verdict_class(verdict)}")


def case_element(row: Row, columns: Sequence[Column]) -> Markup:
    """The line of a case, with what is behind it."""
    about, found = row.about, [each for each in row.found if each is not None]
    reports = [each.report for each in columns]
    results = [
        _result(column, case)
        for column, case in zip(columns, row.found, strict=True)
        if case is not None
    ]
    return element(
        "details",
        element(
            "summary",
            element(
                "div",
                element("span", about.slug, class_="slug"),
                element("span", about.level.value, class_="level"),
                *map(_cell, reports, row.found),
                _why(row) if len(reports) == 1 else None,
                class_="line",
            ),
        ),
        element("div", _about(about), *results, class_="body"),
        class_="case",
        id=about.slug,
        data_verdicts=" ".join(sorted({verdict_class(each.counts_as) for each in found})),
    )


def _cell(report: Report, case: CaseReport | None) -> Markup:
    who = element("span", f"{report.subject}: ", class_="unseen")
    if case is None:
        nothing = element("b", "·", aria_hidden="true")
        said = element("span", nothing, "not chosen", class_="verdict absent")
    else:
        said = verdict_element(case.counts_as, _word(report, case))
    return element("span", who, said, class_="cell")


def _why(row: Row) -> Markup | None:
    """Of one subject alone: what is wrong, without a click."""
    (case,) = row.found
    if case is None or case.counts_as in _NEEDS_NO_REASON or not case.reasons:
        return None
    return element("span", "; ".join(case.reasons), class_="why")


def _word(report: Report, case: CaseReport) -> str:
    if case.slug not in report.expected:
        return headline(case)
    if case.slug in report.stale:
        return f"{headline(case)} (stale)"
    return f"{headline(case)} (expected)" if report.fails(case) else headline(case)


def _about(case: CaseReport) -> Markup:
    clauses = joined(
        [
            joined([", " if n else None, element("code", each)])
            for n, each in enumerate(case.clauses)
        ]
    )
    facts: dict[str, str | Markup] = {
        "What is done": case.description,
        "Expected": case.expectation,
        "Clauses": clauses,
    }
    if case.needs:
        facts["Needs"] = ", ".join(case.needs)
    return element(
        "dl",
        *(joined([element("dt", name), element("dd", fact)]) for name, fact in facts.items()),
    )


def _result(column: Column, case: CaseReport) -> Markup:
    """What came of it with one subject."""
    report = column.report
    took = None if case.duration_ms is None else f"{case.duration_ms} ms"
    state = None
    if case.state is not None:
        because = f": {case.state_reason}" if case.state_reason else ""
        state = element("p", element("span", "State: ", class_="soft"), f"{case.state}{because}")
    return element(
        "section",
        element(
            "header",
            element("h4", report.subject),
            verdict_element(case.counts_as, _word(report, case)),
            element("span", took, class_="took") if took else None,
        ),
        element("p", case.reason, class_="reason") if case.reason else None,
        state,
        _wire(case.wire, FramesTold(case.slug, column.told)),
        class_=f"result {verdict_class(case.counts_as)}",
    )


# --- Wire ----------------------------------------------------------------------------------------


def _wire(wire: Sequence[WireLine], said: FramesTold) -> Markup:
    if not wire:
        return element("p", "Nothing passed on the line.", class_="soft")
    shown = sum(each.direction is not None for each in wire)
    hidden = sum(each.left_out for each in wire)
    told = f"Wire log, {shown + hidden} lines" + (f", {hidden} left out" if hidden else "")
    return element(
        "details",
        element("summary", told),
        element("ol", *(_wire_line(each, said) for each in wire)),
        class_="wire",
    )


def _wire_line(line: WireLine, said: FramesTold) -> Markup:
    # As little markup as will do: a full run has twenty thousand of these.
    return element(
        "li",
        element(_HEADS[line.direction], f"{when(line)} {_WAYS[line.direction]}".strip()),
        *(_frame(each, said) for each in line.frames),
        hex_text(line) if line.direction is not None else None,
        element("i", line.note) if line.note else None,
    )


def _frame(frame: FrameLine, said: FramesTold) -> Markup:
    address = said.address(frame)
    return element(
        "p",
        element("b", name_text(frame)),
        " ",
        element("i", address) if address else None,
        said.fields(frame),
    )
