"""The command that prints a session as a report: text, JSON, or a page of HTML."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pump_programmer import arguments
from pump_programmer.arguments import UsageError
from pump_programmer.commands.common import AsJson, conversation
from pump_programmer.drawn_page import NO_CHARTS, can_draw, drawn_page
from pump_programmer.files import WholeFile
from pump_programmer.report import read_report
from pump_programmer.sections import sections
from pump_programmer.terminal import OutputFailed
from pump_programmer.times import parse_clock
from pump_protocol.jsonable import Json, fields_of


def report(
    context: typer.Context,
    html: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write one self-contained HTML page; FILE is overwritten."
        ),
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="DAYS", help="Days of the therapy log that are wanted, from 1.")
    ] = "30",
    as_json: AsJson = False,
) -> None:
    """Print the session: prescription, reservoir, alarms, battery, note and therapy log.

    Without --html it is text. Charts of the schedule and of the reservoir are in the page, which
    needs the extra pump-sim[plot]. It reads, and changes nothing.
    """
    days = arguments.counted("--since", since)
    now = datetime.now(tz=UTC).astimezone()
    with ExitStack() as stack:
        # Before the pump is asked: nobody should have to ask it twice for a wrong name.
        page = None if html is None else stack.enter_context(_page_file(html))
        with conversation(context, as_json) as (programmer, terminal):
            found = read_report(programmer, printed_clock_ms=parse_clock("now", now), log_days=days)
        result: dict[str, Json] = {**fields_of(found), "html_file": html}
        if page is None:
            shown = sections(found)
            terminal.answer(
                found.identity, result, lambda screens: screens.report(found.warnings, shown)
            )
            return
        try:
            page.write(drawn_page(found).encode())
            page.put_in_place()
        except OSError as error:
            raise OutputFailed(
                f"{html!r} could not be written: {error.strerror or error}"
            ) from error
        terminal.answer(
            found.identity, result, lambda screens: screens.line(f"The report is in {html}.")
        )


def _page_file(html: str) -> WholeFile:
    """Where the page is to go.

    :raises UsageError: nothing can be written there, or no chart can be drawn.
    """
    if not can_draw():
        raise UsageError(f"--html {NO_CHARTS}")
    try:
        return WholeFile(Path(html))
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise UsageError(f"--html = {html!r}: cannot be written: {why}") from error
