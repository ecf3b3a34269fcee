"""Every page does what it says: its commands are typed, its programs run, its links followed."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from .pages import ROOT, Block, all_pages, anchors, links, page_name, prose, steps
from .reader import Reader

PAGES = all_pages()


def has_something_to_do(page: Path) -> bool:
    return any(
        isinstance(step, Block) and (step.language in {"console", "python"}) for step in steps(page)
    )


@pytest.mark.parametrize(
    "page", [page for page in PAGES if has_something_to_do(page)], ids=page_name
)
def test_what_the_page_says_happens_when_it_is_followed_literally(
    page: Path, tmp_path: Path
) -> None:
    with Reader(page, tmp_path) as reader:
        reader.follow()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_of_the_page_lead_somewhere(page: Path) -> None:
    broken = []
    for number, link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            broken.append(f"{number}: {link}: no such file")
        elif anchor and anchor not in anchors(target):
            broken.append(f"{number}: {link}: no such heading")
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_rows_of_every_table_have_as_many_cells_as_its_head(page: Path) -> None:
    rows: list[tuple[int, int]] = []
    for number, line in [*prose(page), (0, "")]:
        if line.startswith("|"):
            rows.append((number, len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", line)))))
            continue
        assert all(cells == rows[0][1] for _, cells in rows), rows
        assert len(rows) != 1, f"line {rows[0][0]}: a table without rows"
        rows = []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_make_targets_that_the_page_names_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = set(re.findall(r"`?\bmake ([a-z]+)`", page.read_text("utf-8")))
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


def test_every_page_is_reached_from_the_readme_or_the_index() -> None:
    reached = {ROOT / "README.md"}
    to_visit = [ROOT / "README.md"]
    while to_visit:
        page = to_visit.pop()
        for _, link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target not in reached and target.exists():
                reached.add(target)
                to_visit.append(target)
    assert set(PAGES) - reached == set()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_no_absolute_path_of_somebodys_machine_is_on_the_page(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"/(?:work|root|home|Users)/[\w./-]*", text) == []
