"""The requirements and the tests that name them, as Markdown: the texts here, the tests by reading.

A test names a requirement by ``REQ-nn`` in its docstring or a comment, or by its own name. One that
a class or a module names in its docstring counts for each of their tests.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from golden_files import ROOT
from markdown_table import table

_TESTS: Final = ROOT / "tests"
_NAMED: Final = re.compile(r"REQ[-_](\d\d)")


class Requirement(NamedTuple):
    """What must hold, and what of it is here; `group` is the heading under which it stands."""

    group: str
    text: str
    here: str = "yes"


_DELIVERY: Final = "Delivery"
_PATIENT_BOLUSES: Final = "Patient boluses"
_ALARMS: Final = "Alarms"
_FAIL_SAFE: Final = "Fail-safe"
_SECURITY: Final = "Security"
_GROUPS: Final = (_DELIVERY, _PATIENT_BOLUSES, _ALARMS, _FAIL_SAFE, _SECURITY)

REQUIREMENTS: Final = {
    "REQ-01": Requirement(
        _DELIVERY,
        "A prescription below the minimum or above the maximum flow is refused with a "
        "reason; nothing changes",
    ),
    "REQ-02": Requirement(
        _DELIVERY,
        "What is delivered in 24 h or more stays within 14.5 % of what was programmed (the "
        "undisturbed model: 0.1 %)",
        "yes, exactly",
    ),
    "REQ-03": Requirement(
        _DELIVERY,
        "A hard limit of the dose, for a day and for a bolus, apart from the limit of the "
        "flow; a soft one has to be confirmed, which is logged",
    ),
    "REQ-04": Requirement(
        _DELIVERY,
        "The total dose of a day is computed over the whole schedule, with every patient "
        "bolus, checked, and returned before the commit",
    ),
    "REQ-05": Requirement(
        _DELIVERY,
        "Rate, dose and concentration of a command must agree, to the nearest nL/day, ties to even",
    ),
    "REQ-06": Requirement(
        _DELIVERY,
        "The mass unit is explicit; an unknown one is refused",
    ),
    "REQ-07": Requirement(
        _DELIVERY,
        "A bolus delivers its volume once; an interrupted one reports what it delivered and"
        " never goes on by itself",
        "yes; the rest of a periodic bolus that makes way for another is put off, not lost",
    ),
    "REQ-08": Requirement(
        _DELIVERY,
        "No flow back; delivered volumes never shrink",
    ),
    "REQ-09": Requirement(
        _DELIVERY,
        "Boluses have an order of precedence, and never overlap to exceed the maximum flow",
    ),
    "REQ-10": Requirement(
        _DELIVERY,
        "Steps of a schedule are sorted, do not overlap, are 13 a day at most, and cover "
        "the week; an interval is no shorter than its bolus",
    ),
    "REQ-11": Requirement(
        _DELIVERY,
        "A change of drug or concentration needs an explicit decision about the bridge, "
        "which is logged",
    ),
    "REQ-12": Requirement(
        _PATIENT_BOLUSES,
        "Lockout and quota of patient boluses hold across resets and clock changes",
    ),
    "REQ-13": Requirement(
        _PATIENT_BOLUSES,
        "Every refused request of a patient is logged with its reason",
    ),
    "REQ-14": Requirement(
        _ALARMS,
        "Class, tone, interval and effect of each alarm are as the table says",
    ),
    "REQ-15": Requirement(
        _ALARMS,
        "The highest class has the tone; a lower one is heard again after it",
    ),
    "REQ-16": Requirement(
        _ALARMS,
        "Silence is limited, hides neither status nor log, and a new alarm sounds",
    ),
    "REQ-17": Requirement(
        _ALARMS,
        "Latched alarms survive a reset and need to be acknowledged",
    ),
    "REQ-18": Requirement(
        _ALARMS,
        "No alarm without its condition",
    ),
    "REQ-19": Requirement(
        _ALARMS,
        "The low-reservoir date is computed anew with every change of rate or volume; it "
        "assumes that the patient uses every bolus",
    ),
    "REQ-20": Requirement(
        _ALARMS,
        "Stopped for 48 h raises an alarm; ERI comes 90 days before EOS; nothing ends EOS",
    ),
    "REQ-21": Requirement(
        _FAIL_SAFE,
        "Self-test at a reset; two checked copies of the prescription; never a guess",
    ),
    "REQ-22": Requirement(
        _FAIL_SAFE,
        "A brown-out or the watchdog leads to a defined safe rate, with its cause in the log",
    ),
    "REQ-23": Requirement(
        _FAIL_SAFE,
        "A link that is lost at any byte of an update leaves the old prescription or the "
        "new one, whole",
    ),
    "REQ-24": Requirement(
        _FAIL_SAFE,
        "Two-step commit: stage, echo with a digest, commit with the digest; staging expires",
    ),
    "REQ-25": Requirement(
        _FAIL_SAFE,
        "A repeated commit changes nothing",
    ),
    "REQ-26": Requirement(
        _FAIL_SAFE,
        "Malformed, truncated, oversize or unknown frames change nothing and crash nothing",
    ),
    "REQ-27": Requirement(
        _FAIL_SAFE,
        "Every change of state has exactly one record in the log, in order; overwritten "
        "ones are counted",
    ),
    "REQ-28": Requirement(
        _FAIL_SAFE,
        "Setting the clock moves no lockout, timer, alarm or service date",
    ),
    "REQ-29": Requirement(
        _FAIL_SAFE,
        "Version, model and serial number can be read; another protocol version is refused",
    ),
    "REQ-30": Requirement(
        _SECURITY,
        "No command that changes therapy without an authenticated session and the right role, but "
        "for emergency access, which needs proximity and intent and is logged",
        "yes, but for the profile *legacy-insecure*",
    ),
    "REQ-31": Requirement(
        _SECURITY,
        "Replayed, reordered or reflected frames are refused and logged; a CRC never suffices",
        "yes, but for the profile *legacy-insecure*",
    ),
    "REQ-32": Requirement(
        _SECURITY,
        "Idle links end; failed authentications are rate-limited, and hinder neither therapy nor "
        "emergency access",
    ),
}


class Test(NamedTuple):
    """A test function: its file in the repository, and its name.

    `whole_file` if the docstring of its module says that all of its tests are about it.
    """

    file: str
    name: str
    whole_file: bool = False


def tests_by_requirement() -> dict[str, list[Test]]:
    """Every requirement with the tests that name it, in the order of their files."""
    found: dict[str, list[Test]] = {name: [] for name in REQUIREMENTS}
    for path in sorted(_TESTS.rglob("test_*.py")):
        for name, test in tests_of(path):
            if name in found:
                found[name].append(test)
    return found


def tests_of(path: Path) -> Iterator[tuple[str, Test]]:
    """Every naming of a requirement by a test of a file."""
    text = path.read_text("utf-8")
    module = ast.parse(text)
    file = path.relative_to(ROOT).as_posix()
    comments = _comments(text)
    by_file = _named(ast.get_docstring(module))

    def visit(node: ast.Module | ast.ClassDef, inherited: set[str]) -> Iterator[tuple[str, Test]]:
        for each in node.body:
            if isinstance(each, ast.ClassDef):
                yield from visit(each, inherited | _named(ast.get_docstring(each)))
            elif isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
                first = min([each.lineno, *(one.lineno for one in each.decorator_list)])
                said = [comments.get(at, "") for at in range(first, (each.end_lineno or first) + 1)]
                own = _named(" ".join([each.name.upper(), ast.get_docstring(each) or "", *said]))
                for name in sorted(own | inherited):
                    yield name, Test(file, each.name, name in by_file)

    yield from visit(module, by_file)


def _named(text: str | None) -> set[str]:
    return {f"REQ-{number}" for number in _NAMED.findall(text or "")}


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def overview() -> str:
    """Every requirement with its state and how many tests name it."""
    tests = tests_by_requirement()
    parts = []
    for group in _GROUPS:
        rows = (
            (f"[{name}](#{name.lower()})", each.text, each.here, len(tests[name]))
            for name, each in REQUIREMENTS.items()
            if each.group == group
        )
        parts.append(f"**{group}**\n\n{table(('id', 'requirement', 'here', 'tests'), rows)}")
    return "\n\n".join(parts)


def tests_of_each() -> str:
    """The tests that name each requirement, by file."""
    parts = []
    for name, tests in tests_by_requirement().items():
        lines = [
            f"- [{file.removeprefix('tests/')}](../../{file}): {_listed(file, tests)}"
            for file in dict.fromkeys(test.file for test in tests)
        ]
        text = REQUIREMENTS[name].text
        parts.append(f"### {name}\n\n{text}.\n\n" + ("\n".join(lines) or "No test names it."))
    return "\n\n".join(parts)


def _listed(file: str, tests: list[Test]) -> str:
    of_file = [test for test in tests if test.file == file]
    if all(test.whole_file for test in of_file):
        return f"all of its tests ({len(of_file)})"
    return ", ".join(f"`{test.name}`" for test in of_file)
