"""The cases of the conformance suite and the clauses that they are about, as Markdown.

Read from the cases themselves and from the specification: nothing is written down twice.
"""

import ast
import re
from enum import Enum
from inspect import getsource
from itertools import pairwise
from textwrap import dedent
from typing import Final

from golden_files import ROOT
from markdown_table import table
from pump_protocol.conformance.cases import Case, Level, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.report import needs_of
from pump_protocol.conformance.steps import Hook
from pump_protocol.conformance.tasks import DEFAULT_EXITS, TASKS, Outcome

_SPECIFICATION: Final = ROOT / "docs" / "reference" / "wire-protocol.md"
_CLAUSE: Final = re.compile(r"^\*\*([A-Z]+-\d\d)\.\*\*", re.MULTILINE)
_MUST: Final = re.compile(r"\bMUST\b")
_SIDES: Final = {
    Side.PUMP: "Cases that judge a pump",
    Side.PROGRAMMER: "Cases that judge a programmer",
}


def clauses() -> dict[str, str]:
    """Every clause of the specification by its id, in order; its text, as far as the next one or
    the next heading."""
    text = _SPECIFICATION.read_text("utf-8")
    starts = [*_CLAUSE.finditer(text)]
    ends = [*(each.start() for each in starts[1:]), len(text)]
    return {
        each[1]: re.split(r"\n#+ ", text[each.start() : end])[0]
        for each, end in zip(starts, ends, strict=True)
    }


def obliging() -> list[str]:
    """The clauses that say MUST."""
    return [each for each, text in clauses().items() if _MUST.search(text)]


def every_case() -> list[Case]:
    """Both sides, in the order of the suite."""
    return [each for side in Side for each in cases_of(side)]


def by_clause() -> str:
    """Each clause with the cases about it."""
    cases = every_case()
    musts = set(obliging())
    rows = []
    for clause in clauses():
        about = [f"`{each.slug}`" for each in cases if clause in each.clauses]
        if about:
            rows.append((clause, "MUST" if clause in musts else "", "<br>".join(about)))
    return table(("clause", "says", "cases"), rows)


def by_group() -> str:
    """Each case, under its group, with what it needs."""
    parts = []
    for side, heading in _SIDES.items():
        parts.append(f"### {heading}")
        groups: dict[str, list[Case]] = {}
        for case in cases_of(side):
            groups.setdefault(case.group, []).append(case)
        for group, cases in groups.items():
            rows = [_row(each) for each in cases]
            parts.append(f"#### {group}")
            parts.append(
                table(("case", "level", "what is done, and what is expected", "needs"), rows)
            )
    return "\n\n".join(parts)


def _row(case: Case) -> tuple[str, str, str, str]:
    state = " The state must be the same afterwards." if case.changes_nothing else ""
    what = f"{case.description} *Expected:* {case.expectation}.{state}"
    return (f"`{case.slug}`", case.level.value, what, "<br>".join(needs_of(case)))


def counts() -> str:
    """How many cases there are, by level."""
    rows = []
    for side in Side:
        cases = cases_of(side)
        levels = [str(sum(each.level is level for each in cases)) for level in Level]
        stated = str(sum(each.changes_nothing for each in cases))
        rows.append((side.value, str(len(cases)), *levels, stated))
    heads = ("judges a", "cases", *(each.value for each in Level), "with a state verdict")
    return table(heads, rows)


def hooks() -> str:
    """What a harness may offer, and how many cases need it."""
    cases = cases_of(Side.PUMP)
    rows = [
        (
            f"`{each.value}`",
            documentation(Hook, each.name),
            sum(each in case.hooks for case in cases),
        )
        for each in Hook
    ]
    return table(("hook", "what it does", "cases that need it"), rows)


def tasks() -> str:
    """What a programmer may be asked to do, and the default line of each."""
    cases = cases_of(Side.PROGRAMMER)
    rows = [
        (
            f"`{each.name}`",
            each.meaning,
            f"`{each.line}`",
            sum(each.name in case.tasks for case in cases),
        )
        for each in TASKS.values()
    ]
    return table(("task", "what it is", "default line", "cases that need it"), rows)


def exits() -> str:
    """What a programmer says by its exit code."""
    by_outcome = {outcome: code for code, outcome in DEFAULT_EXITS.items()}
    rows = [
        (f"`{each.value}`", documentation(Outcome, each.name), by_outcome.get(each, "any other"))
        for each in Outcome
    ]
    return table(("outcome", "what it says", "default exit code"), rows)


def documentation(described: type[Enum], name: str) -> str:
    """The text below a member of an enumeration."""
    tree = ast.parse(dedent(getsource(described))).body[0]
    assert isinstance(tree, ast.ClassDef)
    for member, text in pairwise(tree.body):
        match member, text:
            case ast.Assign(targets=[ast.Name(id=found)]), ast.Expr(
                value=ast.Constant(value=str(doc))
            ):
                if found == name:
                    return " ".join(doc.split())
    raise LookupError(f"{described.__name__}.{name} has no text")
