"""The job files that come with the package are those of the tutorial, and run what it runs."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, commands, steps

TUTORIAL = ROOT / "docs" / "tutorials" / "a-failing-pump-in-ci.md"
FILES = sorted((ROOT / "examples" / "ci").glob("*.yml"))


def blocks(language: str) -> list[Block]:
    found = [each for each in steps(TUTORIAL) if isinstance(each, Block)]
    return [each for each in found if each.language == language]


def test_there_is_one_for_each_of_two_services() -> None:
    """Whoever follows the tutorial has one of them."""
    assert [each.name for each in FILES] == ["github-actions.yml", "gitlab-ci.yml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_tutorial_shows_the_file_and_names_its_place(path: Path) -> None:
    """Line by line: what a reader copies from the page is what the package has."""
    text = path.read_text("utf-8")
    assert text.splitlines() in [list(each.lines) for each in blocks("yaml")]
    page = TUTORIAL.read_text("utf-8")
    assert f"examples/ci/{path.name}" in page
    first = re.match(r"# (\S+):", text)
    assert first is not None
    assert f"`{first[1]}`" in page


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_job_runs_the_command_that_the_tutorial_runs(path: Path) -> None:
    """What passes at the reader's desk is what CI runs, and its report is kept."""
    ran = [each.text for block in blocks("console") for each in commands(block)]
    text = path.read_text("utf-8")
    job = re.findall(r"(?:run: |- )(python -m pytest .*)", text)
    assert len(job) == 1
    assert job[0] in ran
    assert "-r requirements-test.txt" in text
    report = job[0].partition("--junit-xml=")[2]
    assert re.search(rf"(path|junit): {re.escape(report)}$", text, re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_job_file_is_plain_yaml(path: Path) -> None:
    """Spaces, two a level, no tab, and every line a key, an item, or a comment."""
    for line in path.read_text("utf-8").splitlines():
        assert re.fullmatch(r"(  )*(- )?([\w-]+:( .+)?|- .+|python .+)|# .+", line), line
        assert "\t" not in line
