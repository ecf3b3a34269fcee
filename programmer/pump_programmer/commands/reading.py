"""Commands that read and change nothing."""

from typing import Annotated

import typer

from pump_programmer import arguments
from pump_programmer.commands.common import AsJson, conversation
from pump_programmer.interrogation import interrogate as interrogate_pump
from pump_programmer.terminal import ExitCode
from pump_protocol.jsonable import Json, fields_of, jsonable


def identify(context: typer.Context, as_json: AsJson = False) -> None:
    """Show who answers, what it can do, and its limits."""
    with conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
    terminal.answer(identity, fields_of(identity), lambda screens: screens.identity())


def interrogate(context: typer.Context, as_json: AsJson = False) -> None:
    """Show everything that a clinician sees.

    That is how the pump stands, the whole prescription in force, and whether another is staged. A
    patient's key reads how the pump stands, and a summary of the prescription.
    """
    with conversation(context, as_json) as (programmer, terminal):
        found = interrogate_pump(programmer)
    result: dict[str, Json] = {
        **fields_of(found.status),
        "current": jsonable(found.current),
        "pending": jsonable(found.pending),
    }
    terminal.answer(
        found.identity,
        result,
        lambda screens: screens.status(found.status, found.current, found.pending),
    )


def log(
    context: typer.Context,
    access: Annotated[bool, typer.Option("--access", help="The access log instead.")] = False,
    since: Annotated[
        str, typer.Option(metavar="NUMBER", help="First record wanted, from 1.")
    ] = "1",
    limit: Annotated[
        str | None, typer.Option(metavar="COUNT", help="At most so many records.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the therapy log, oldest record first."""
    first = arguments.counted("--since", since)
    count = None if limit is None else arguments.counted("--limit", limit)
    with conversation(context, as_json) as (programmer, terminal):
        identity, status = programmer.identify(), programmer.interrogate()
        if access:
            accesses = list(programmer.read_access_log(first, count))
        else:
            entries = list(programmer.read_log(first, count))
    if access:
        result: dict[str, Json] = {
            "range": jsonable(status.access_log),
            "entries": jsonable(accesses),
        }
        terminal.answer(identity, result, lambda screens: screens.access_log(status, accesses))
    else:
        result = {"range": jsonable(status.therapy_log), "entries": jsonable(entries)}
        terminal.answer(identity, result, lambda screens: screens.log(status, entries))


def self_test(context: typer.Context, as_json: AsJson = False) -> None:
    """Let the pump check itself. A check that FAILED has an exit code of its own."""
    with conversation(context, as_json) as (programmer, terminal):
        identity, report = programmer.identify(), programmer.self_test()
    terminal.answer(identity, fields_of(report), lambda screens: screens.self_test(report))
    if not all(result.passed for result in report.results):
        raise typer.Exit(ExitCode.SELF_TEST_FAILED)
