"""Reports as one HTML page: subjects by cases, and what passed on the wire in each of them.

One file without anything outside of it, that can be read, searched and printed without a script.
Whatever a subject sent is text in it and nothing else (:mod:`.markup`).
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Final

from pump_protocol._version import __version__
from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.report import (
    ALL_PASSED,
    FAILED,
    NOT_JUDGED,
    CaseReport,
    Report,
    counted,
)
from pump_protocol.conformance.reporting.html_case import (
    Column,
    Row,
    case_element,
    verdict_class,
    verdict_element,
)
from pump_protocol.conformance.reporting.markup import Markup, element
from pump_protocol.conformance.reporting.text import closing_lines, outcome, plural
from pump_protocol.conformance.verdicts import Verdict

NOTICE: Final = "SIMULATOR - never for clinical use"
_FEW: Final = 4
"""More subjects take all the width that there is."""

_TONES: Final = {ALL_PASSED: "pass", FAILED: "fail", NOT_JUDGED: "harness-error"}

_PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
$title
<style>
$style</style>
</head>
<body>
<div class="banner">$notice</div>
$main
<script>$script</script>
</body>
</html>
""")


def html_page(reports: Sequence[Report]) -> str:
    """The whole page, of the reports of one subject or of several."""
    sides = [(side, of) for side in Side if (of := _of(side, reports))]
    script = _file("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    what = "Conformance report" if len(reports) == 1 else "Conformance matrix"
    title = f"{what}: {', '.join(each.subject for each in reports)}"
    return _PAGE.substitute(
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        title=element("title", title),
        style=_file("page.css"),
        notice=NOTICE,
        script=script,
        main=element(
            "main",
            element("h1", what),
            element("p", _lead(reports), class_="lead"),
            element("div", *map(_subject, reports), class_="subjects"),
            *(_overview(*each) for each in sides),
            _filter(),
            *(_matrix(*each) for each in sides),
            _footer(),
            class_="wide" if len(reports) > _FEW else None,
        ),
    )


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _of(side: Side, reports: Sequence[Report]) -> list[Report]:
    return [each for each in reports if each.side is side]


def _lead(reports: Sequence[Report]) -> str:
    cases = {each.slug for report in reports for each in report.results}
    return (
        f"{plural(len(cases), 'case')} on {plural(len(reports), 'subject')}. Behind each case: what"
        " is done, what is expected, what came of it, and the bytes that passed."
    )


# --- Subjects ------------------------------------------------------------------------------------


def _subject(report: Report) -> Markup:
    """A card: who, how it ended, how many of each verdict, under which conditions."""
    facts = {
        "judged as": report.side.value,
        "security": "unknown" if report.profile is None else report.profile.value,
        "seed": str(report.seed),
        "suite": f"pump-sim {report.version}",
        "began": (report.started_at or "not told").replace("T", " ").replace("+00:00", " UTC"),
    }
    if report.strict:
        facts["strict"] = "NON-STRICT fails the run"
    notes = closing_lines(report)
    return element(
        "section",
        element("h3", report.subject),
        element("p", outcome(report), class_="outcome"),
        _chips(report.results),
        element(
            "dl",
            *(
                element("div", element("dt", key), element("dd", value))
                for key, value in facts.items()
            ),
            class_="facts",
        ),
        element("ul", *(element("li", each) for each in notes), class_="notes") if notes else None,
        class_=f"subject {_TONES[report.exit_code]}",
    )


def _chips(cases: Sequence[CaseReport]) -> Markup:
    """How many cases count as each verdict."""
    counts = counted(cases)
    return element(
        "ul",
        *(
            element("li", verdict_element(each, f"{counts[each]} {each}"))
            for each in Verdict
            if counts[each]
        ),
        class_="chips",
    )


# --- Overview ------------------------------------------------------------------------------------


def _overview(side: Side, reports: Sequence[Report]) -> Markup:
    """A table of groups and subjects."""
    groups = _groups(reports)
    return element(
        "section",
        element("h2", f"Groups of cases for a {side.value}"),
        element(
            "div",
            element(
                "table",
                element("thead", _heading(reports)),
                element("tbody", *(_group_row(side, each, reports) for each in groups)),
                class_="overview",
            ),
            class_="scroll",
            style=f"--subjects: {len(reports)}",
            tabindex="0",
            role="region",
            aria_label=f"Groups of cases for a {side.value}",
        ),
    )


def _heading(reports: Sequence[Report]) -> Markup:
    return element(
        "tr",
        element("th", "group", scope="col"),
        *(element("th", each.subject, scope="col") for each in reports),
    )


def _group_row(side: Side, group: str, reports: Sequence[Report]) -> Markup:
    link = element("a", group, href=f"#{side.value}-{group}")
    return element(
        "tr",
        element("th", link, scope="row"),
        *(element("td", _chips(each.groups.get(group, ()))) for each in reports),
    )


def _groups(reports: Sequence[Report]) -> dict[str, list[Row]]:
    """Every case of every report, by group, in the order in which they were played."""
    found = [{case.slug: case for case in each.results} for each in reports]
    groups: dict[str, list[Row]] = {}
    for slug in dict.fromkeys(slug for each in found for slug in each):
        cases = tuple(each.get(slug) for each in found)
        about = next(each for each in cases if each is not None)
        groups.setdefault(about.group, []).append(Row(about, cases))
    return groups


# --- Cases ---------------------------------------------------------------------------------------


def _filter() -> Markup:
    """Hidden until the script is there that does it."""
    boxes = [
        element(
            "label",
            element("input", type="checkbox", value=verdict_class(each), checked=True),
            verdict_element(each, each.value),
        )
        for each in Verdict
    ]
    return element(
        "form",
        element(
            "input", type="search", placeholder="slug, clause or word", aria_label="Find cases"
        ),
        element("fieldset", element("legend", "Verdicts", class_="unseen"), *boxes),
        element("button", "Only what failed", type="button", value="failed"),
        element("button", "All", type="button", value="all"),
        element("output", aria_live="polite"),
        class_="filter",
        id="filter",
        hidden=True,
    )


def _matrix(side: Side, reports: Sequence[Report]) -> Markup:
    """All cases of one side, group by group."""
    columns = [Column(each) for each in reports]
    return element(
        "section",
        element("h2", f"Cases for a {side.value}"),
        element(
            "div",
            *(_group(side, name, rows, columns) for name, rows in _groups(reports).items()),
            class_=f"matrix {'several' if len(reports) > 1 else 'single'}",
            style=f"--subjects: {len(reports)}",
        ),
    )


def _group(side: Side, name: str, rows: Sequence[Row], columns: Sequence[Column]) -> Markup:
    head = element(
        "div",
        element("h3", name),
        element("span", "level", class_="level", aria_hidden="true"),
        *(
            element("span", each.report.subject, class_="who", aria_hidden="true")
            for each in columns
        ),
        class_="head",
    )
    return element(
        "section",
        head,
        *(case_element(each, columns) for each in rows),
        class_="group",
        id=f"{side.value}-{name}",
    )


def _footer() -> Markup:
    return element(
        "footer",
        f"Printed by the conformance suite of pump-sim {__version__}. {NOTICE}. That a case passed"
        " says that the subject did what that case expects, and nothing of its safety.",
    )
