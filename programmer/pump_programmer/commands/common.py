"""What every command does: hold one conversation, and end in order where it breaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final, NoReturn

import typer

from pump_programmer.arguments import UsageError
from pump_programmer.errors import (
    AddressMalformed,
    OutcomeUnknown,
    ProgrammerError,
    VerificationFailed,
)
from pump_programmer.key_choice import read_key
from pump_programmer.patience import Patience
from pump_programmer.programmer import Programmer
from pump_programmer.settling import settle
from pump_programmer.terminal import ExitCode, Terminal
from pump_protocol.codes import UserRole
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
    key: str | None = field(default=None, repr=False)
    role: UserRole | None = None
    insecure: bool = False

    @property
    def address(self) -> str:
        """The port that was given.

        :raises UsageError: none was.
        """
        if not self.port:
            raise UsageError("no port: give --port ADDRESS before the command, or set PUMP_PORT")
        return self.port

    @property
    def patience(self) -> Patience:
        """How long to wait for whoever answers."""
        return Patience(round(self.timeout_s * 1_000 / _ATTEMPTS), _ATTEMPTS, self.timeout_s)


def terminal_of(context: typer.Context, as_json: bool) -> Terminal:
    """The terminal of a command: JSON may be asked for before the command or behind it."""
    settings: Settings = context.obj
    return Terminal(as_json=settings.as_json or as_json)


@contextmanager
def conversation(context: typer.Context, as_json: bool) -> Iterator[tuple[Programmer, Terminal]]:
    """A programmer at the port, and the terminal. Ends the command where an outcome is unknown."""
    settings: Settings = context.obj
    terminal = terminal_of(context, as_json)
    programmer = Programmer(
        settings.address,
        # Here and not with the other options: emergency access must not fail for a wrong key.
        key=None if settings.key is None else read_key(settings.key, "--key"),
        role=settings.role,
        insecure=settings.insecure,
        programmer_id=settings.programmer_id,
        patience=settings.patience,
    )
    with naming_port():
        programmer.open()
    with programmer:
        try:
            yield programmer, terminal
        except OutcomeUnknown as unknown:
            _settle(programmer, terminal, unknown)
        except KeyboardInterrupt as interrupt:
            raise _meaning_of(interrupt, programmer) from interrupt


@contextmanager
def naming_port() -> Iterator[None]:
    """Let a malformed address be a wrong use of its option."""
    try:
        yield
    except AddressMalformed as malformed:
        raise UsageError(f"--port = {malformed.address!r}: {malformed.why}") from malformed


def _meaning_of(interrupt: KeyboardInterrupt, programmer: Programmer) -> BaseException:
    """What a person must know who interrupts an act, instead of only that it was interrupted."""
    notes = getattr(interrupt, "__notes__", ())
    if notes:
        return VerificationFailed("; ".join(notes), committed=True)
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
    settled = settle(programmer, unknown)
    if not settled.resolution.done:
        terminal.complain_of("not_done", settled.text)
        raise typer.Exit(ExitCode.NOT_DONE)
    terminal.answer(
        settled.identity,
        {"resolved": {"done": True, "text": settled.resolution.text}},
        lambda screens: screens.say(settled.text),
    )
    raise typer.Exit(ExitCode.DONE)
