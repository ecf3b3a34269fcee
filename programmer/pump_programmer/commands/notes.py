"""Commands about the pump's clock and the clinician's note."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from pump_programmer import arguments, sentences
from pump_programmer.commands.common import AsJson, conversation
from pump_programmer.times import parse_clock
from pump_protocol.jsonable import Json, fields_of


def clock(
    context: typer.Context,
    new: Annotated[
        str | None,
        typer.Option("--set", metavar="TIME", help='As 2026-11-22T10:00, or "now".'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show or set the pump's local clock. No timer, alarm or service date moves."""
    now = datetime.now(tz=UTC).astimezone()
    clock_ms = None if new is None else parse_clock(new, now, "--set")
    with conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
        if clock_ms is None:
            status = programmer.interrogate()
            result: dict[str, Json] = {"clock_ms": status.clock_ms, "at_ms": status.at_ms}
            text = sentences.clock_shows(status)
        else:
            was_set = programmer.set_clock(clock_ms)
            result = fields_of(was_set)
            text = sentences.clock_was_set(was_set)
        terminal.answer(identity, result, lambda screens: screens.say(text))


def note(
    context: typer.Context,
    new: Annotated[
        str | None,
        typer.Option("--set", metavar="TEXT", help="At most 128 bytes; nothing in it clears it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show or write the note of the clinicians on the pump. Never asks."""
    arguments.check_note(new)
    with conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
        if new is not None:
            programmer.write_note(new)
        found = programmer.read_note()
        terminal.answer(identity, fields_of(found), lambda screens: screens.note(found))
