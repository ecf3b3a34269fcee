"""A run of either command: results are shown as they come, and every report is written at the end.

Whoever calls it plays the cases. Where the run breaks off, what was not judged is a HARNESS-ERROR,
and the reports are written all the same.
"""

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NoReturn

import typer

from pump_protocol.conformance.cases import Case, Profile, Side
from pump_protocol.conformance.command.console import RunConsole
from pump_protocol.conformance.command.options import Chosen, Options
from pump_protocol.conformance.command.outputs import Output
from pump_protocol.conformance.report import (
    ALL_PASSED,
    NOT_JUDGED,
    CaseReport,
    Report,
    case_report,
    needs_of,
    not_played,
)
from pump_protocol.conformance.reporting.document import to_json
from pump_protocol.conformance.reporting.text import list_lines
from pump_protocol.conformance.trial import CaseResult

INTERRUPTED: Final = 130
"""Ended by Ctrl-C, or by a signal that asks for it."""


def show_list(options: Options, cases: Sequence[Case]) -> None:
    """What ``--list`` shows: a line for each case, or one JSON array."""
    if not options.json:
        for line in list_lines(cases):
            typer.echo(line)
        return
    shown = [
        {
            "slug": each.slug,
            "level": each.level.value,
            "clauses": each.clauses,
            "needs": needs_of(each),
            "description": each.description,
            "expectation": each.expectation,
        }
        for each in cases
    ]
    typer.echo(json.dumps(shown, indent=1))


def run(
    options: Options,
    *,
    side: Side,
    subject: str,
    profile: Profile | None,
    results: Iterator[CaseResult],
    chosen: Chosen,
) -> int:
    """Take the results of the *chosen* cases as they come, show them, and write what is asked for.

    :param subject: how it is called, if ``--name`` does not say.
    :param profile: its security profile, where that is known.
    :returns: the exit code.
    """
    blank = Report(
        side=side,
        subject=options.name or subject,
        profile=profile,
        seed=options.seed,
        results=(),
        expected=chosen.expected,
        strict=options.strict,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    course = _Course(options, blank, chosen.cases)
    interrupted = False
    try:
        with _ending_in_order():
            course.follow(results)
        course.break_off("the run ended without a word of it")
    except KeyboardInterrupt:
        course.break_off("the run was interrupted")
        interrupted = True
    except BaseException as error:
        course.break_off(f"the run broke off: {type(error).__name__}: {error}")
        course.finish()
        raise
    code = course.finish()
    return INTERRUPTED if interrupted else code


class _Course:
    """A run, as far as it has come."""

    def __init__(self, options: Options, blank: Report, cases: Sequence[Case]) -> None:
        self._options = options
        self._report = blank
        self._cases = cases
        self._console = RunConsole(blank, cases, quiet=options.quiet, stderr=options.json)

    def follow(self, results: Iterator[CaseResult]) -> None:
        with self._console:
            for result in results:
                self._add(case_report(result, wire=self._options.reporting))

    def break_off(self, reason: str) -> None:
        """Give up every case that has no result yet."""
        judged = {each.slug for each in self._report.results}
        for case in self._cases:
            if case.slug not in judged:
                self._add(not_played(case, reason))

    def finish(self) -> int:
        """Say and write all; the exit code."""
        # The files first: whoever reads the output may be gone, or its disk full.
        complaints = list(_written(self._options, self._report))
        try:
            self._console.end(self._report)
            if self._options.json:
                typer.echo(to_json(self._report), nl=False)
            sys.stdout.flush()
        except OSError as error:
            complaints.append(f"standard output: {error.strerror}")
        with suppress(OSError):
            for each in complaints:
                typer.echo(each, err=True)
        code = self._report.exit_code
        return NOT_JUDGED if complaints and code == ALL_PASSED else code

    def _add(self, case: CaseReport) -> None:
        self._report = replace(self._report, results=(*self._report.results, case))
        self._console.tell(case)


def _written(options: Options, report: Report) -> Iterator[str]:
    """Write every file that is wanted; why one could not be."""
    wanted: Sequence[tuple[Output | None, Callable[[Report], str]]] = (
        (options.report, to_json),
        (options.junit, _junit),
        (options.html, _html),
    )
    for output, text_of in wanted:
        if output is None:
            continue
        complaint = output.write(text_of(report))
        if complaint is not None:
            yield f"{output.option} = {output.path}: {complaint}"


def _junit(report: Report) -> str:
    from pump_protocol.conformance.reporting.junit import junit_xml  # noqa: PLC0415 - if wanted

    return junit_xml(report)


def _html(report: Report) -> str:
    from pump_protocol.conformance.reporting.html import html_page  # noqa: PLC0415 - if wanted

    return html_page([report])


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Whoever ends the program gets its reports, as after Ctrl-C."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    ending = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    own = threading.current_thread() is threading.main_thread()
    replaced = [each for each in ending if own and signal.getsignal(each) is signal.SIG_DFL]
    for each in replaced:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in replaced:
            signal.signal(each, signal.SIG_DFL)
