"""A check as a person sees it: a line for each play, and on a terminal how far it has come.

What the lines say is :mod:`.wording`'s business.
"""

from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from pump_protocol.printable import printable
from pump_sim.scenario.checking import CheckedPlay, Report
from pump_sim.scenario.reporting.wording import result, summary, title, unmet_lines


class _SteadyConsole(Console):
    """A console whose reader may go away: the check goes on, and its exit code still tells."""

    def on_broken_pipe(self) -> None:
        """Write no more, which Rich would follow with the end of the program."""
        with suppress(SystemExit):
            super().on_broken_pipe()


class CheckPrinter:
    """Prints a check on standard output while it runs; a context manager, which shows progress.

    :param total: how many plays there will be.
    :param quiet: leave out what is as expected, but for the last line.
    """

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        console = self._console = _SteadyConsole(highlight=False)
        self._quiet = quiet
        self._progress = Progress(
            TextColumn("checking"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal or console.is_dumb_terminal,
        )
        self._task = self._progress.add_task("checking", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def play(self, play: CheckedPlay) -> None:
        """Tell of a play that has been judged."""
        self._progress.advance(self._task)
        if play.met and self._quiet:
            return
        word, style = ("ok", "green") if play.met else ("FAILED", "bold red")
        self._say(
            Text.assemble((f"{word:<6}", style), f"  {printable(title(play))}: {result(play)}")
        )
        for each in play.unmet:
            for line in unmet_lines(play, each):
                self._say(Text(f"    {line}"))

    def end(self, report: Report) -> None:
        """Print the last line."""
        self._say(Text(summary(report), style="" if report.met else "bold"))

    def _say(self, line: Text) -> None:
        # Whole lines, however wide the terminal: places in files are to be found by programs, too.
        self._console.print(line, soft_wrap=True)
