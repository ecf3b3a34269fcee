"""Documentation pages as data: their fenced blocks, directives, links and headings. Runs nothing.

What the tests understand in a page:

- ``console`` blocks. A line that begins with ``$ `` is a command, the lines after it are what it
  prints. A block without any command is further output of the program that still runs.
- ``python`` blocks. One whose first line is ``# name.py`` is a file of that name; any other is run.
  Blocks of ``toml`` and ``json`` may be files in the same way.
- ``<!-- press: KEYS -->`` is what the text tells the reader to press in the running program,
  ``<!-- ctrl-c -->`` is its end by Ctrl-C.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
_DIRECTIVE = re.compile(r"^<!-- (press: (?P<keys>.+?)|(?P<end>ctrl-c)) -->$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.*)$")
_FILE_NAME = re.compile(r"^# ([\w.-]+\.(?:py|toml|json))$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``line`` is that of its first line of content."""

    language: str
    line: int
    lines: tuple[str, ...]

    @property
    def file_name(self) -> str | None:
        """The file that the block is, None if it is none."""
        found = _FILE_NAME.match(self.lines[0]) if self.lines else None
        return found.group(1) if found else None


@dataclass(frozen=True, slots=True)
class Press:
    """Keys to be pressed in the running program."""

    line: int
    keys: str


@dataclass(frozen=True, slots=True)
class End:
    """Ctrl-C in the running program."""

    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed, and what the page says is printed. ``text`` is empty in a block of output."""

    line: int
    text: str
    expected: tuple[str, ...]


def all_pages() -> list[Path]:
    """Every Markdown page of the repository that is written for readers."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def page_name(page: Path) -> str:
    """The name of a page in test reports."""
    return page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name


def steps(page: Path) -> Iterator[Block | Press | End]:
    """The blocks and directives of a page, in order."""
    fence: tuple[str, str, int] | None = None
    content: list[str] = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        found = _FENCE.match(line)
        if fence is None:
            directive = _DIRECTIVE.match(line.strip())
            if directive and directive["keys"]:
                yield Press(number, directive["keys"])
            elif directive:
                yield End(number)
            elif found:
                fence, content = (found.group(1), found.group(2), number + 1), []
        elif found and not found.group(2):
            indent, language, first = fence
            yield Block(language, first, tuple(each.removeprefix(indent) for each in content))
            fence = None
        else:
            content.append(line)
    assert fence is None, f"{page_name(page)}:{fence and fence[2]}: a fence is never closed"


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block, lines continued by a backslash joined."""
    text, first, expected = "", block.line, list[str]()
    continued = False
    for number, line in enumerate(block.lines, start=block.line):
        if continued or line.startswith("$ "):
            if not continued:
                if text or expected:
                    yield Command(first, text, tuple(expected))
                text, first, expected = "", number, []
            part = line if continued else line.removeprefix("$ ")
            continued = part.endswith("\\")
            text += part.removesuffix("\\").strip() + (" " if continued else "")
        else:
            expected.append(line)
    yield Command(first, text, tuple(expected))


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """The lines of a page outside its fenced blocks, with their numbers."""
    inside = False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside:
            yield number, line


def links(page: Path) -> Iterator[tuple[int, str]]:
    """The links of a page, with their line numbers."""
    for number, line in prose(page):
        for target in _LINK.findall(re.sub(r"`[^`]*`", "", line)):
            yield number, target


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page have on a rendered page."""
    found: set[str] = set()
    for _, line in prose(page):
        heading = _HEADING.match(line)
        if heading:
            text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            count, unique = 0, slug
            while unique in found:
                count += 1
                unique = f"{slug}-{count}"
            found.add(unique)
        found.update(re.findall(r'<a id="([^"]+)"', line))
    return found
