"""The reader who follows the pages notices what is wrong with one, and leaves nothing running."""

from pathlib import Path

import pytest

from . import reader as reader_module
from .pages import Command, commands, steps
from .reader import DocumentationWrong, Reader


def follow(folder: Path, *lines: str) -> Reader:
    page = folder / "page.md"
    page.write_text("\n".join(lines) + "\n", "utf-8")
    place = folder / "place"
    place.mkdir()
    with Reader(page, place) as reader:
        reader.follow()
    return reader


def console(*lines: str) -> tuple[str, ...]:
    return ("```console", *lines, "```")


@pytest.mark.parametrize(
    "lines",
    [
        console("$ echo one two", "one two"),
        console("$ echo one two", "one ..."),
        console("$ printf 'a\\nb\\nc\\n'", "...", "c"),
        console("$ printf 'a\\nb\\n'"),
        console("$ false", "$ echo $?", "1"),
        console("$ export NAME=value", "$ echo $NAME", "value"),
        console("$ echo a \\", "    b", "a b"),
        ("```python", "# said.py", "print('said')", "```", *console("$ python said.py", "said")),
        ("```python", "assert True", "```"),
    ],
)
def test_a_page_that_is_true_passes(lines: tuple[str, ...], tmp_path: Path) -> None:
    follow(tmp_path, *lines)


@pytest.mark.parametrize(
    "lines",
    [
        console("$ echo one two", "one three"),
        console("$ echo one", "one", "two"),
        console("$ printf 'a\\nb\\n'", "a"),
        console("$ false"),
        console("$ false", "$ true"),
        console("$ false", "$ echo $?", "2"),
        console("output of nothing"),
        ("<!-- press: n -->",),
        ("```python", "assert False", "```"),
    ],
)
def test_a_page_that_is_not_true_fails(lines: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(DocumentationWrong):
        follow(tmp_path, *lines)


def test_a_program_that_never_says_what_the_page_shows_is_given_up_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "SECONDS", 1.0)
    with pytest.raises(DocumentationWrong, match="did not come"):
        follow(tmp_path, *console("$ pump-sim run --port pty:/tmp/pump --speed 0", "...", "Hello."))
    assert not (tmp_path / "place" / "pump").is_symlink()


def test_commands_and_their_output_are_told_apart(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("\n".join(console("$ one", "1", "$ two \\", "  more", "2", "3")), "utf-8")
    (block,) = steps(page)
    assert list(commands(block)) == [
        Command(2, "one", ("1",)),
        Command(4, "two more", ("2", "3")),
    ]
