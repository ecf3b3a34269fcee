"""What a command says and asks: human or JSON, and how it ends; it talks to no pump."""

import json
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import typer

from pump_programmer.errors import (
    NoAnswerError,
    NotConfirmed,
    OutcomeUnknown,
    PortUnavailable,
    ProgrammerError,
    PumpGone,
    PumpRefused,
    VerificationFailed,
    WrongPeer,
)
from pump_programmer.jsonable import Json, fields_of
from pump_programmer.words import name_of, reason_text
from pump_protocol.messages import Identity

if TYPE_CHECKING:
    from pump_programmer.views import Screens


class ExitCode(IntEnum):
    """How ``pump-programmer`` ends."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    PORT = 3
    NO_ANSWER = 4
    OUTCOME_UNKNOWN = 5
    VERIFICATION_FAILED = 6
    NOT_CONFIRMED = 7
    INTERRUPTED = 130


EXIT_MEANINGS: Final = {
    ExitCode.DONE: "done",
    ExitCode.REFUSED: "the pump refused; nothing was changed",
    ExitCode.USAGE: "the command line is wrong; nothing was sent",
    ExitCode.PORT: "the port is missing, busy or unusable",
    ExitCode.NO_ANSWER: "no answer, no pump, or the pump has gone",
    ExitCode.OUTCOME_UNKNOWN: "the outcome is UNKNOWN: interrogate the pump",
    ExitCode.VERIFICATION_FAILED: "the pump does not hold what was sent",
    ExitCode.NOT_CONFIRMED: "not confirmed; nothing was changed",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}

_EXITS: Final[tuple[tuple[type[ProgrammerError], ExitCode], ...]] = (
    (PumpRefused, ExitCode.REFUSED),
    (PortUnavailable, ExitCode.PORT),
    (NoAnswerError, ExitCode.NO_ANSWER),
    (PumpGone, ExitCode.NO_ANSWER),
    (WrongPeer, ExitCode.NO_ANSWER),
    (OutcomeUnknown, ExitCode.OUTCOME_UNKNOWN),
    (VerificationFailed, ExitCode.VERIFICATION_FAILED),
    (NotConfirmed, ExitCode.NOT_CONFIRMED),
)


class Terminal:
    """Standard output for results, standard error for questions and complaints."""

    def __init__(self, *, as_json: bool):
        self.as_json = as_json
        self._screens: Screens | None = None

    def answer(
        self, identity: Identity, result: dict[str, Json], show: Callable[["Screens"], object]
    ) -> None:
        """Give the result: one JSON object, or what *show* prints for a person."""
        if self.as_json:
            pump: dict[str, Json] = {
                "nature": name_of(identity.nature),
                "model": identity.model,
                "serial_number": identity.serial_number,
            }
            typer.echo(json.dumps({**result, "pump": pump}, ensure_ascii=False))
        else:
            show(self._screens_for(identity))

    def preview(self, identity: Identity, show: Callable[["Screens"], object]) -> None:
        """Show a person what is about to happen; beside the result if that is JSON."""
        show(self._screens_for(identity))

    def confirm(self, question: str) -> bool:
        """Ask a person.

        :raises NotConfirmed: there is none to ask.
        """
        if not sys.stdin.isatty():
            raise NotConfirmed(
                "not confirmed: standard input is no terminal, and --yes was not given; "
                "nothing was changed"
            )
        typer.echo(f"{question} [y/N] ", err=True, nl=False)
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def complain(self, error: Exception) -> ExitCode:
        """Say what went wrong, and how the command ends because of it."""
        code = next((code for kind, code in _EXITS if isinstance(error, kind)), ExitCode.USAGE)
        kind = error.kind if isinstance(error, ProgrammerError) else "usage"
        reasons: list[Json] = []
        if isinstance(error, PumpRefused):
            reasons = [
                {**fields_of(reason), "text": reason_text(reason)}
                for reason in error.refusal.reasons
            ]
        self.complain_of(kind, str(error), reasons)
        return code

    def complain_of(self, kind: str, message: str, reasons: list[Json] | None = None) -> None:
        """Say what went wrong."""
        if self.as_json:
            error: dict[str, Json] = {"kind": kind, "message": message, "reasons": reasons or []}
            typer.echo(json.dumps({"error": error}, ensure_ascii=False), err=True)
        else:
            typer.echo(f"Error: {message}", err=True)

    def _screens_for(self, identity: Identity) -> "Screens":
        if self._screens is None:
            # Rich costs start-up, and JSON never needs it.
            from rich.console import Console  # noqa: PLC0415

            from pump_programmer.views import Screens  # noqa: PLC0415

            self._screens = Screens(Console(stderr=self.as_json, highlight=False), identity)
        return self._screens
