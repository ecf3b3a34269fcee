"""Text, facts and tables on one console: laid out for a person who reads them on a terminal, one
line for each line where a program or a file does; it knows no pump."""

import errno
import os
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from pump_protocol.printable import printable

_UNBOUNDED_COLUMNS = 10_000
"""Wider than any line: what is not a terminal has no width at which to wrap."""


class PlainConsole(Console):
    """A console that leaves it to its owner what a reader means who has gone away."""

    def on_broken_pipe(self) -> None:
        """Rich itself would end the program here, as if the pump had refused."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class Printer:
    """Draws on *console*; lines that go elsewhere than to a terminal end where their text ends."""

    def __init__(self, console: Console):
        self._console = console
        if not console.is_terminal:
            console.width = _UNBOUNDED_COLUMNS

    @property
    def on_terminal(self) -> bool:
        """Whether a person looks at it."""
        return self._console.is_terminal

    def say(self, text: str | Text, style: str = "") -> None:
        """Sentences, taken literally."""
        self._print(_literal(text, style))

    def line(self, text: str) -> None:
        """A line that is not broken, because somebody will copy the path in it."""
        if self.on_terminal:
            self._console.print(_literal(text), soft_wrap=True)
        else:
            self.say(text)

    def facts(self, facts: Iterable[tuple[str, str | Text]]) -> None:
        """Labels, each with what there is to say."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column(overflow="fold")
        for label, value in facts:
            grid.add_row(label, _literal(value))
        self._print(grid)

    def table(self, headings: Iterable[str], rows: Iterable[Iterable[str | Text]]) -> None:
        """Rows of cells under their headings, taken literally."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*map(_literal, row))
        self._print(table)

    def _print(self, what: RenderableType) -> None:
        if self.on_terminal:
            self._console.print(what)
            return
        with self._console.capture() as drawn:
            self._console.print(what)
        for line in drawn.get().splitlines():
            self._console.out(line.rstrip(), highlight=False)


def _literal(text: str | Text, style: str = "") -> Text:
    """What is shown as it stands; a text may be a stranger's, such as a pump's note, and is shown
    without what could have a terminal do anything."""
    if isinstance(text, Text):
        return text
    return Text("\n".join(map(printable, text.split("\n"))), style=style)
