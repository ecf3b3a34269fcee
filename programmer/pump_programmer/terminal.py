"""What a command says and asks: human or JSON, and how it ends; it talks to no pump."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import IntEnum
from io import TextIOWrapper
from textwrap import fill
from typing import TYPE_CHECKING, Final, TextIO

import typer

from pump_programmer.errors import (
    AddressMalformed,
    AuthenticationFailed,
    AuthenticationLocked,
    InsecurePump,
    KeyStoreUnusable,
    NoAnswerError,
    NoKey,
    NotConfirmed,
    OutcomeUnknown,
    PortUnavailable,
    ProgrammerError,
    PumpGone,
    PumpRefused,
    PumpUnproven,
    VerificationFailed,
    WrongPeer,
)
from pump_programmer.words import UNSAFE, is_unsafe, name_of, reason_text
from pump_protocol.jsonable import Json, fields_of
from pump_protocol.messages import Identity, StatusReport

if TYPE_CHECKING:
    from pump_programmer.printer import Printer
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
    OUTPUT_FAILED = 11
    SELF_TEST_FAILED = 12
    NO_KEY = 13
    KEY_STORE = 14
    AUTHENTICATION_FAILED = 15
    AUTHENTICATION_LOCKED = 16
    PUMP_UNPROVEN = 17
    INSECURE_PUMP = 18
    INTERNAL_ERROR = 70
    INTERRUPTED = 130


EXIT_MEANINGS: Final = {
    ExitCode.DONE: "done",
    ExitCode.REFUSED: "the pump refused; nothing was changed",
    ExitCode.USAGE: "the command line or the address is wrong; nothing was changed",
    ExitCode.PORT: "the port is missing, busy or no serial port",
    ExitCode.NO_ANSWER: "no answer; therapy is as it was",
    ExitCode.OUTCOME_UNKNOWN: "the outcome is UNKNOWN: interrogate the pump",
    ExitCode.VERIFICATION_FAILED: "the pump does not hold what was sent, or nobody could verify it",
    ExitCode.NOT_CONFIRMED: "not confirmed; therapy is as it was",
    ExitCode.PUMP_GONE: "the connection was lost; therapy is as it was",
    ExitCode.WRONG_PEER: "what answers speaks another protocol or version",
    ExitCode.NOT_DONE: "the answer was lost, and the request was NOT carried out",
    ExitCode.OUTPUT_FAILED: "done, but the output could not be written",
    ExitCode.SELF_TEST_FAILED: "the pump has tested itself, and a check FAILED",
    ExitCode.NO_KEY: "there is no key for this pump, or several: choose one with --role",
    ExitCode.KEY_STORE: "the file of the keys cannot be used; it is as it was",
    ExitCode.AUTHENTICATION_FAILED: "the pump does not take this key, or this pairing code",
    ExitCode.AUTHENTICATION_LOCKED: "the pump looks at no key for a while: too many were wrong",
    ExitCode.PUMP_UNPROVEN: "what answers could not prove that it is the pump",
    ExitCode.INSECURE_PUMP: "the pump has no security, and --insecure was not given",
    ExitCode.INTERNAL_ERROR: "a bug in pump-programmer: interrogate the pump",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C or a signal",
}

_EXITS: Final[tuple[tuple[type[ProgrammerError], ExitCode], ...]] = (
    (NoKey, ExitCode.NO_KEY),
    (KeyStoreUnusable, ExitCode.KEY_STORE),
    (AuthenticationLocked, ExitCode.AUTHENTICATION_LOCKED),
    (AuthenticationFailed, ExitCode.AUTHENTICATION_FAILED),
    (PumpUnproven, ExitCode.PUMP_UNPROVEN),
    (InsecurePump, ExitCode.INSECURE_PUMP),
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


def exit_code_of(error: Exception) -> ExitCode:
    """How a command ends because of an error; what broke no rule of the pump is a wrong use."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), ExitCode.USAGE)


_NARROWEST: Final = 20
"""Columns below which nobody reads sentences anyway."""


class OutputFailed(Exception):
    """What was asked for is done, and standard output took no word of it."""


class Terminal:
    """Standard output for results, standard error for questions and complaints."""

    def __init__(self, *, as_json: bool):
        self.as_json = as_json
        self._output_error: str | None = None
        self._screens: Screens | None = None

    def answer(
        self, identity: Identity, result: dict[str, Json], show: Callable[["Screens"], object]
    ) -> None:
        """Give the result: one JSON object, or what *show* prints for a person.

        :raises OutputFailed: it could not be written.
        """
        if self.as_json:
            pump: dict[str, Json] = {
                "nature": name_of(identity.nature),
                "model": identity.model,
                "serial_number": identity.serial_number,
            }
            if is_unsafe(identity):
                pump["unsafe"] = UNSAFE
            text = json.dumps({**result, "pump": pump}, ensure_ascii=not _is_unicode(sys.stdout))
            self._write(lambda: typer.echo(text))
        else:
            self._write(lambda: show(self._screens_for(identity)))
        if self._output_error is not None:
            raise OutputFailed(f"done, but the output could not be written: {self._output_error}")

    def tell(
        self,
        result: dict[str, Json],
        text: str,
        table: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None,
    ) -> None:
        """Give a result that is of no pump: one JSON object, or a table and a sentence.

        :param table: headings and rows.
        :raises OutputFailed: it could not be written.
        """

        def show() -> None:
            printer = _printer()
            if table is not None:
                printer.table(*table)
            printer.line(text)

        if self.as_json:
            printed = json.dumps(result, ensure_ascii=not _is_unicode(sys.stdout))
            self._write(lambda: typer.echo(printed))
        else:
            self._write(show)
        if self._output_error is not None:
            raise OutputFailed(f"done, but the output could not be written: {self._output_error}")

    def report_done(
        self,
        identity: Identity,
        result: dict[str, Json],
        status: StatusReport | None,
        show: Callable[["Screens"], object],
    ) -> None:
        """Give the result of an act; without *status* also say that it could not be read.

        :raises OutputFailed: it could not be written.
        """
        if status is not None:
            self.answer(identity, result, show)
            return
        self.answer(identity, {**result, "status": None}, show)
        if not self.as_json:
            note = "Note: done, but the status could not be read afterwards. Interrogate the pump."
            self._say(_wrapped(note, sys.stderr))

    def preview(self, identity: Identity, show: Callable[["Screens"], object]) -> None:
        """Show a person what is about to happen; programs are spared it."""
        if not self.as_json:
            self._write(lambda: show(self._screens_for(identity)))

    @property
    def shows(self) -> bool:
        """Whether previews are shown at all."""
        return not self.as_json

    def confirm(self, question: str) -> bool:
        """Ask a person.

        :raises NotConfirmed: there is none to ask, or nothing can be shown or asked.
        """
        answer = self._ask(f"{question} [y/N] ", "and --yes was not given")
        return answer.strip().lower() in {"y", "yes"}

    def retyped(self, question: str, otherwise: str) -> str:
        """What a person types to confirm a number by it.

        :param otherwise: what is to be done instead, if there is nobody to ask.
        :raises NotConfirmed: there is nobody, or nothing can be shown or asked.
        """
        return self._ask(f"{question} ", f"and {otherwise}").strip()

    def _ask(self, question: str, otherwise: str) -> str:
        if self._output_error is not None:
            raise NotConfirmed(
                f"not confirmed: what to confirm could not be shown: {self._output_error}; "
                "nothing was changed"
            )
        if self.as_json or not _is_terminal(sys.stdin):
            why = "--json asks nobody" if self.as_json else "standard input is no terminal"
            raise NotConfirmed(f"not confirmed: {why}, {otherwise}; nothing was changed")
        answer = ""
        try:
            typer.echo(question, err=True, nl=False)
            answer = sys.stdin.readline()
        except OSError as error:
            raise NotConfirmed(
                f"not confirmed: nobody could be asked: {error.strerror}; nothing was changed"
            ) from error
        finally:
            if not answer.endswith("\n"):  # Ctrl-C or Ctrl-D leaves the cursor behind the question
                self._say("")
        return answer

    def complain(self, error: Exception) -> ExitCode:
        """Say what went wrong, and how the command ends because of it."""
        code = exit_code_of(error)
        kind = error.kind if isinstance(error, ProgrammerError) else "usage"
        reasons: list[Json] = []
        if isinstance(error, PumpRefused):
            reasons = [
                {**fields_of(reason), "text": reason_text(reason)}
                for reason in error.refusal.reasons
            ]
        number = error.order_number if isinstance(error, OutcomeUnknown) else None
        self.complain_of(kind, str(error), reasons, number)
        return code

    def complain_of(
        self,
        kind: str,
        message: str,
        reasons: list[Json] | None = None,
        order_number: int | None = None,
    ) -> None:
        """Say what went wrong.

        :param order_number: of the order whose outcome is unknown.
        """
        if self.as_json:
            error: dict[str, Json] = {"kind": kind, "message": message, "reasons": reasons or []}
            if order_number is not None:
                error["order_number"] = order_number
            self._say(json.dumps({"error": error}, ensure_ascii=not _is_unicode(sys.stderr)))
        else:
            self._say(_wrapped(f"Error: {message}", sys.stderr))

    @staticmethod
    def _say(text: str) -> None:
        # Whoever cannot read it still has the exit code.
        with suppress(OSError):
            typer.echo(text, err=True)

    def _write(self, write: Callable[[], object]) -> None:
        """Write to standard output, and keep in mind if that fails: it decides no therapy."""
        if sys.stdout is None:
            self._output_error = "standard output is closed"
            return
        try:
            write()
            sys.stdout.flush()
        except OSError as error:
            self._output_error = error.strerror or str(error)
            abandon(sys.stdout)

    def _screens_for(self, identity: Identity) -> "Screens":
        if self._screens is None:
            # Rich costs start-up, and JSON never needs it.
            from pump_programmer.printer import PlainConsole  # noqa: PLC0415
            from pump_programmer.views import Screens  # noqa: PLC0415

            self._screens = Screens(PlainConsole(highlight=False), identity)
        return self._screens


def _printer() -> "Printer":
    # Rich costs start-up, and JSON never needs it.
    from pump_programmer.printer import PlainConsole, Printer  # noqa: PLC0415

    return Printer(PlainConsole(highlight=False))


def make_lenient() -> None:
    """Let no character that a stream cannot spell, or read, end the program."""
    for stream, errors in (
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
        (sys.stdin, "replace"),
    ):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=errors)


def abandon(stream: TextIO | None) -> None:
    """Let what *stream* still holds go nowhere; else Python complains of it when it ends."""
    if stream is None:
        return
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _wrapped(text: str, stream: TextIO | None) -> str:
    """*text* with its lines broken between words, where a person reads them on a terminal."""
    # A dumb one is a window of an editor, which breaks lines by itself, or a test.
    if stream is None or not _is_terminal(stream) or os.environ.get("TERM") == "dumb":
        return text
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return text
    if columns < _NARROWEST:  # also a terminal that does not know its size, which says 0
        return text
    return "\n".join(
        fill(line, columns, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


def _is_unicode(stream: TextIO | None) -> bool:
    """Whether JSON may hold any character as it is; else it escapes what is not ASCII."""
    encoding = getattr(stream, "encoding", None) or ""
    return encoding.lower().replace("-", "").startswith("utf")
