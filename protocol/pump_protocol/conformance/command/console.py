"""A run as a person sees it: on a terminal how far it has come, and what failed as it comes.

Where there is no terminal it is quiet: one line for each case that failed, and a table at the end.
What the lines say is :mod:`pump_protocol.conformance.reporting.text`'s business.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from pump_protocol.conformance.cases import Case
from pump_protocol.conformance.report import CaseReport, Report
from pump_protocol.conformance.reporting.text import (
    case_line,
    closing_lines,
    headline,
    last_line,
    plural,
    summary_rows,
    unsupported_lines,
)
from pump_protocol.conformance.verdicts import Verdict
from pump_protocol.printable import printable

_WIDE: Final = 200
"""Columns of what is no terminal: no table is wider, so none is broken."""

STYLES: Final = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.NON_STRICT: "yellow",
    Verdict.INFO: "cyan",
    Verdict.UNSUPPORTED: "dim",
    Verdict.HARNESS_ERROR: "bold magenta",
}


_WORTH_A_LINE: Final = (Verdict.NON_STRICT, Verdict.INFO)
"""Verdicts that fail nothing, and say something all the same."""


class _SteadyConsole(Console):
    """A console whose reader may go away: the run goes on, and its exit code still tells."""

    def on_broken_pipe(self) -> None:
        """Write no more, which Rich would follow with the end of the program."""
        with suppress(SystemExit):
            super().on_broken_pipe()


class RunConsole:
    """Shows a run while it goes on; a context manager.

    :param blank: the report without any results: what is expected of them.
    :param cases: those that will be played, in their order.
    :param quiet: leave out what is as it should be, but for the last line.
    :param stderr: show it there: standard output is for something else.
    """

    def __init__(
        self, blank: Report, cases: Sequence[Case], *, quiet: bool = False, stderr: bool = False
    ) -> None:
        self._console = _SteadyConsole(highlight=False, stderr=stderr)
        if not self._console.is_terminal:
            self._console.width = _WIDE
        self._blank = blank
        self._cases = cases
        self._quiet = quiet
        self._alone = stderr  # then somebody else reads the results
        self._counts: Counter[Verdict] = Counter()
        self._told = 0
        self._unplayed: tuple[str, int] = ("", 0)  # the last reason, and how often it was hidden
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._task = self._progress.add_task(printable(blank.subject), total=len(cases))
        self._live: Live | None = None
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, transient=True, get_renderable=self._picture)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, case: CaseReport) -> None:
        """Tell of a case that is over, if it is not as it should be."""
        self._counts[case.counts_as] += 1
        self._told += 1
        self._progress.advance(self._task)
        if not self._is_worth_a_line(case):
            return
        line, word = case_line(self._blank, case), headline(case)
        style = STYLES[case.counts_as]
        self._say(Text.assemble((word, style), line.removeprefix(word)))
        if self._live is not None and self._live.is_started:
            self._live.refresh()  # by itself it is drawn four times a second, and not for a line

    def _is_worth_a_line(self, case: CaseReport) -> bool:
        if case.counts_as is Verdict.HARNESS_ERROR:
            reason, hidden = self._unplayed
            if case.reason == reason:  # of a subject that is dead every case tells the same
                self._unplayed = (reason, hidden + 1)
                return False
            self._end_of_unplayed()
            self._unplayed = (case.reason, 0)
            return True
        if self._blank.fails(case):
            return not (self._quiet and case.slug in self._blank.expected)
        return not self._quiet and case.counts_as in _WORTH_A_LINE

    def end(self, report: Report) -> None:
        """Show the table, unless that is too much, and the last lines."""
        self._end_of_unplayed()
        if not (self._quiet or self._alone):
            for line in unsupported_lines(report):
                self._say(Text(line, style=STYLES[Verdict.UNSUPPORTED]))
            self._table(report)
        for line in closing_lines(report):
            self._say(Text(line))
        self._say(Text(last_line(report), style="bold red" if report.exit_code else "bold green"))

    def _end_of_unplayed(self) -> None:
        reason, hidden = self._unplayed
        if hidden:
            self._say(
                Text(f"{Verdict.HARNESS_ERROR}  {plural(hidden, 'more case')}: {printable(reason)}")
            )
        self._unplayed = ("", 0)

    def _table(self, report: Report) -> None:
        heading, rows = summary_rows(report)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column(heading[0], no_wrap=True)
        for name in heading[1:]:
            table.add_column(name, justify="right", no_wrap=True)
        for number, row in enumerate(rows, start=1):
            table.add_row(*map(Text, row), style="bold" if number == len(rows) else "")
        self._console.print(table)

    def _picture(self) -> Group:
        """What stands at the bottom of a terminal while cases are played."""
        counts = Text("  ").join(
            Text(f"{verdict} {count}", STYLES[verdict])
            for verdict in Verdict
            if (count := self._counts[verdict])
        )
        current = self._cases[self._told].slug if self._told < len(self._cases) else ""
        return Group(self._progress, Text.assemble(counts, "  ", (current, "dim")))

    def _say(self, line: Text) -> None:
        # Whole lines, however wide the terminal: programs look for slugs in them, too.
        self._console.print(line, soft_wrap=True)
