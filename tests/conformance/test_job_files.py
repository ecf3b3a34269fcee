"""The job files that come with the package are those of the how-to pages, and run the same."""

import re
import shlex
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, commands, steps

PAGES = [
    ROOT / "docs" / "how-to" / f"put-your-{subject}-under-conformance.md"
    for subject in ("pump", "programmer")
]
_JUDGES = re.compile(r"pump-programmer conform |pump-sim judge ")
_BESIDE = re.compile(r" --(?:wait|junit|html|only) (?:'[^']*'|\S+)")
FILES = sorted((ROOT / "examples" / "conformance").glob("*.yml"))


def blocks(page: Path, language: str) -> list[Block]:
    found = [each for each in steps(page) if isinstance(each, Block)]
    return [each for each in found if each.language == language]


def test_there_is_one_for_each_of_two_services() -> None:
    """Whoever follows a page has one of them."""
    assert [each.name for each in FILES] == ["github-actions.yml", "gitlab-ci.yml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_job_is_shown_on_its_page(path: Path) -> None:
    """Line by line, and with the place of the file."""
    lines = path.read_text("utf-8").splitlines()
    for page in PAGES:
        shown = [list(each.lines) for each in blocks(page, "yaml")]
        assert any(_within(each, lines) for each in shown), page
        assert f"examples/conformance/{path.name}" in page.read_text("utf-8")


def _within(part: list[str], whole: list[str]) -> bool:
    return any(whole[at : at + len(part)] == part for at in range(len(whole)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_jobs_run_what_the_pages_run(path: Path) -> None:
    """What passes at the reader's desk is what CI runs, option by option, but for its waiting for
    the pump and the names of its reports; a page may choose a few of the cases."""
    ran = [
        _judged(each.text)
        for page in PAGES
        for block in blocks(page, "console")
        for each in commands(block)
    ]
    jobs = [_judged(each) for each in _scripts(path) if _JUDGES.match(each)]
    assert [each[:2] for each in jobs] == [["pump-programmer", "conform"], ["pump-sim", "judge"]]
    assert [each for each in jobs if each not in ran] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_jobs_keep_what_they_find(path: Path) -> None:
    """Both reports of both jobs are written where the job picks them up."""
    lines = path.read_text("utf-8")
    for job in filter(_JUDGES.match, _scripts(path)):
        words = shlex.split(job)
        for option, kind in (("--junit", "xml"), ("--html", "html")):
            name = words[words.index(option) + 1]
            kept = name, f"{name.removesuffix(kind)}*ml"
            assert any(f": {each}" in lines or f"- {each}" in lines for each in kept), name


def _scripts(path: Path) -> list[str]:
    """The commands of a job file."""
    found = re.findall(r"^ *- (?:run: )?(.+)$", path.read_text("utf-8"), re.MULTILINE)
    return [each for each in found if not each.startswith(("uses:", "image:"))]


def _judged(command: str) -> list[str]:
    """The words of a command, without options that do not matter to what is judged."""
    return shlex.split(_BESIDE.sub("", command))
