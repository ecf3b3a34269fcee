"""What every command does: hold one conversation, and end in order where it breaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final, NoReturn

import typer

from pump_programmer.arguments import UsageError
from pump_programmer.errors import (
    AddressMalformed,
    OutcomeUnknown,
    ProgrammerError,
    VerificationFailed,
)
from pump_programmer.programmer import Programmer
from pump_programmer.terminal import ExitCode, Terminal
from pump_protocol.messages import StatusReport

_ATTEMPTS: Final = 4

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
QUANTITY: Final = "QUANTITY"


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that stand before the command."""

    port: str | None
    timeout_s: float
    programmer_id: int | None
    as_json: bool


@contextmanager
def conversation(context: typer.Context, as_json: bool) -> Iterator[tuple[Programmer, Terminal]]:
    """A programmer at the port, and the terminal. Ends the command where an outcome is unknown."""
    settings: Settings = context.obj
    terminal = Terminal(as_json=settings.as_json or as_json)
    if not settings.port:
        raise UsageError("no port: give --port ADDRESS before the command, or set PUMP_PORT")
    programmer = Programmer(
        settings.port,
        programmer_id=settings.programmer_id,
        response_timeout_ms=round(settings.timeout_s * 1_000 / _ATTEMPTS),
        attempts=_ATTEMPTS,
        deadline_s=settings.timeout_s,
    )
    try:
        programmer.open()
    except AddressMalformed as malformed:
        raise UsageError(f"--port = {malformed.address!r}: {malformed.why}") from malformed
    with programmer:
        try:
            yield programmer, terminal
        except OutcomeUnknown as unknown:
            _settle(programmer, terminal, unknown)
        except KeyboardInterrupt as interrupt:
            raise _meaning_of(interrupt, programmer) from interrupt


def _meaning_of(interrupt: KeyboardInterrupt, programmer: Programmer) -> BaseException:
    """What a person must know who interrupts an act, instead of only that it was interrupted."""
    notes = getattr(interrupt, "__notes__", ())
    if notes:
        return VerificationFailed("; ".join(notes))
    return programmer.in_doubt or KeyboardInterrupt()


def status_after(programmer: Programmer) -> StatusReport | None:
    """What follows from an act that is done; None where nobody can read it, or wants to wait.

    The act stays done: its success is to be told all the same.
    """
    try:
        return programmer.interrogate()
    except (ProgrammerError, KeyboardInterrupt):
        return None


def _settle(programmer: Programmer, terminal: Terminal, unknown: OutcomeUnknown) -> NoReturn:
    """Ask the pump what became of it; if it tells, say so instead of leaving a person in doubt."""
    try:
        identity = programmer.identify()  # first, because what is known then is not to be lost
        resolution = programmer.resolve()
    except (ProgrammerError, KeyboardInterrupt):
        raise unknown from None
    if resolution.done is None:
        raise unknown
    if not resolution.done:
        terminal.complain_of("not_done", f"the request was NOT carried out: {resolution.text}")
        raise typer.Exit(ExitCode.NOT_DONE)
    text = resolution.text
    terminal.answer(
        identity,
        {"resolved": {"done": True, "text": text}},
        lambda screens: screens.say(f"The answer was lost, but it was done: {text}."),
    )
    raise typer.Exit(ExitCode.DONE)
