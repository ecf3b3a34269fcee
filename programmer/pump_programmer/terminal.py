"""What a command says and asks: human or JSON, and how it ends; it talks to no pump."""

import json
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import typer

from pump_programmer.errors import (
    AddressMalformed,
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
    """How ``pump-programmer`` ends: one code for each cause, so that a script can tell them apart.

    What each one means to a person is in ``EXIT_MEANINGS``.
    """

    DONE = 0
    REFUSED = 1
    USAGE = 2
    PORT = 3
    NO_ANSWER = 4
    OUTCOME_UNKNOWN = 5
    VERIFICATION_FAILED = 6
    NOT_CONFIRMED = 7
    PUMP_GONE = 8
    WRONG_PEER = 9
    NOT_DONE = 10
    INTERRUPTED = 130


EXIT_MEANINGS: Final = {
    ExitCode.DONE: "done",
    ExitCode.REFUSED: "the pump refused; nothing was changed",
    ExitCode.USAGE: "the command line or the address is wrong; nothing was changed",
    ExitCode.PORT: "the port is missing, busy or no serial port",
    ExitCode.NO_ANSWER: "no answer; therapy is as it was",
    ExitCode.OUTCOME_UNKNOWN: "the outcome is UNKNOWN: interrogate the pump",
    ExitCode.VERIFICATION_FAILED: "the pump does not hold what was sent",
    ExitCode.NOT_CONFIRMED: "not confirmed; therapy is as it was",
    ExitCode.PUMP_GONE: "the connection was lost; therapy is as it was",
    ExitCode.WRONG_PEER: "what answers speaks another protocol or version",
    ExitCode.NOT_DONE: "the answer was lost, and the request was NOT carried out",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}

_EXITS: Final[tuple[tuple[type[ProgrammerError], ExitCode], ...]] = (
    (PumpRefused, ExitCode.REFUSED),
    (AddressMalformed, ExitCode.USAGE),
    (PortUnavailable, ExitCode.PORT),
    (NoAnswerError, ExitCode.NO_ANSWER),
    (PumpGone, ExitCode.PUMP_GONE),
    (WrongPeer, ExitCode.WRONG_PEER),
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
        """Show a person what is about to happen; programs are spared it."""
        if not self.as_json:
            show(self._screens_for(identity))

    def confirm(self, question: str) -> bool:
        """Ask a person.

        :raises NotConfirmed: there is none to ask.
        """
        if self.as_json or not sys.stdin.isatty():
            why = "--json asks nobody" if self.as_json else "standard input is no terminal"
            raise NotConfirmed(
                f"not confirmed: {why}, and --yes was not given; nothing was changed"
            )
        typer.echo(f"{question} [y/N] ", err=True, nl=False)
        answer = ""
        try:
            answer = sys.stdin.readline()
        finally:
            if not answer.endswith("\n"):  # Ctrl-C or Ctrl-D leaves the cursor behind the question
                typer.echo(err=True)
        return answer.strip().lower() in {"y", "yes"}

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

            self._screens = Screens(Console(highlight=False), identity)
        return self._screens
