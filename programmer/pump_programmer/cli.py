"""The command line ``pump-programmer``: global options, exit codes, and no traceback.

What the commands do is in :mod:`pump_programmer.commands`.
"""

import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Annotated, Any, ClassVar, Final, NoReturn

import typer
from typer.core import TyperCommand

from pump_programmer import arguments
from pump_programmer.arguments import UsageError
from pump_programmer.commands import (
    alarms,
    emergency,
    keys,
    notes,
    orders,
    programming,
    reading,
    reporting,
)
from pump_programmer.commands.common import AsJson, Settings
from pump_programmer.errors import ProgrammerError
from pump_programmer.terminal import (
    EXIT_MEANINGS,
    ExitCode,
    OutputFailed,
    Terminal,
    abandon,
    make_lenient,
)
from pump_protocol._version import __version__
from pump_protocol.conformance.command.late import LateGroup
from pump_protocol.errors import LocalError


class _Command(TyperCommand):
    """A command whose help shows an argument by its bare name.

    Some versions of Typer put braces around it, and its Python type behind it.
    """

    def get_usage(self, ctx: Any) -> str:
        return _bare(super().get_usage(ctx))

    def get_help(self, ctx: Any) -> str:
        return _bare(super().get_help(ctx))


def _bare(text: str) -> str:
    text = re.sub(r"\{([A-Z]+)\}", r"\1", text)
    return re.sub(r"(?<=[A-Z]) <\w+>", lambda kind: " " * len(kind.group()), text)


class _Commands(LateGroup):
    late: ClassVar[Mapping[str, str]] = {
        "conform": "pump_programmer.commands.conforming:conform",
        "web": "pump_programmer.commands.web:web",
    }
    late_class: ClassVar[type[TyperCommand]] = _Command


app = typer.Typer(
    name="pump-programmer",
    cls=_Commands,
    help="Program a pump over a serial port. SIMULATOR: never for clinical use.",
    epilog="\b\nExit codes:\n"
    + "\n".join(f"  {int(code):3}  {meaning}" for code, meaning in EXIT_MEANINGS.items()),
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


_COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "identify": reading.identify,
    "interrogate": reading.interrogate,
    "log": reading.log,
    "report": reporting.report,
    "self-test": reading.self_test,
    "program": programming.program,
    "staged": programming.staged,
    "stop": programming.stop,
    "bolus": orders.bolus,
    "patient-bolus": orders.patient_bolus,
    "refill": orders.refill,
    "silence": alarms.silence,
    "acknowledge": alarms.acknowledge,
    "alarm-test": alarms.alarm_test,
    "alarm-interval": alarms.alarm_interval,
    "clock": notes.clock,
    "note": notes.note,
    "pair": keys.pair,
}
for _name, _command in _COMMANDS.items():
    app.command(_name, cls=_Command)(_command)

_keys = typer.Typer(rich_markup_mode=None)
_keys.callback(invoke_without_command=True)(keys.keys)
_keys.command("forget", cls=_Command)(keys.forget)
app.add_typer(_keys, name="keys")

_emergency = typer.Typer(
    help="Read, slow down or stop a pump without a key. Somebody must be at the patient."
    " --key, --role and --insecure have no part in it.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
_EMERGENCY: Final[dict[str, Callable[..., None]]] = {
    "status": emergency.status,
    "minimum-rate": emergency.minimum_rate,
    "stop": emergency.stop,
}
for _name, _command in _EMERGENCY.items():
    _emergency.command(_name, cls=_Command)(_command)
app.add_typer(_emergency, name="emergency")

# Typer brings its own copy of Click or imports it, depending on its version; what it exports in
# every version is a grandchild of the class of all complaints about a command line.
_GLOBAL_OPTIONS: Final = frozenset(
    {
        "--port",
        "--timeout",
        "--programmer-id",
        "--key",
        "--role",
        "--insecure",
        "--version",
    }
)
_ONLY_SHOWN: Final = frozenset({"--help", "--version"})
_Complaint: Any = typer.BadParameter.__mro__[2]


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    make_lenient()
    with _ending_like_control_c():
        code = _run(Terminal(as_json="--json" in sys.argv[1:]))
    if not _flushed():
        code = ExitCode.OUTPUT_FAILED if code == ExitCode.DONE else code
    sys.exit(int(code))


def _run(terminal: Terminal) -> int:
    code: int
    try:
        code = app(standalone_mode=False) or ExitCode.DONE
        if code == ExitCode.INTERRUPTED:  # how some versions of Typer report Ctrl-C
            terminal.complain_of("interrupted", "interrupted")
    except _Complaint as complaint:
        code = ExitCode.USAGE
        _complain_of_usage(terminal, complaint)
    except (typer.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
        terminal.complain_of("interrupted", "interrupted")
    except (ProgrammerError, LocalError) as error:
        code = terminal.complain(error)
    except OutputFailed as error:
        code = ExitCode.OUTPUT_FAILED
        terminal.complain_of("output_failed", str(error))
    except SystemExit:  # how Typer reports that nobody reads the help
        code = ExitCode.OUTPUT_FAILED
        terminal.complain_of("output_failed", "the output could not be written: broken pipe")
    # The last resort: a traceback tells a clinician nothing, and its exit code 1 would say that
    # the pump refused.
    except Exception as error:  # noqa: BLE001
        code = _complain_of_bug(terminal, error)
    return code


def _complain_of_usage(terminal: Terminal, complaint: Any) -> None:
    misplaced = getattr(complaint, "option_name", None)
    if misplaced in _GLOBAL_OPTIONS:
        terminal.complain_of(
            "usage",
            f"give {misplaced} before the command: pump-programmer {misplaced} ... COMMAND",
        )
    elif terminal.as_json:
        terminal.complain_of("usage", complaint.format_message())
    else:
        with suppress(OSError):
            complaint.show()


def _complain_of_bug(terminal: Terminal, error: Exception) -> ExitCode:
    if isinstance(error, OSError) and _ONLY_SHOWN & {*sys.argv}:  # the help, on a full disk
        terminal.complain_of("output_failed", f"the output could not be written: {error}")
        return ExitCode.OUTPUT_FAILED
    what = " ".join(f"unexpected {type(error).__name__}: {error}".split())
    terminal.complain_of(
        "internal_error",
        f"{what}. This is a bug in pump-programmer: please report it. Interrogate the pump before"
        " you go on; what was asked may have been done.",
    )
    return ExitCode.INTERNAL_ERROR


def _flushed() -> bool:
    """Whether everything is written; what cannot be is dropped, lest Python complain of it."""
    written = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except OSError:
            abandon(stream)
            written = written and stream is not sys.stdout
    return written


@contextmanager
def _ending_like_control_c() -> Iterator[None]:
    """Whoever ends the program or its terminal ends it in order: what is staged is rolled back."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    # Whoever has told the system to ignore one, as nohup does, is obeyed.
    replaced = [
        number
        for number in numbers
        if number is not None and signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in replaced:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pump-programmer {__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def _root(  # noqa: PLR0913, PLR0917 - one parameter for each option, given by name
    context: typer.Context,
    port: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            envvar="PUMP_PORT",
            help="Device path, socket://HOST:PORT or rfc2217://HOST:PORT.",
        ),
    ] = None,
    timeout: Annotated[
        str,
        typer.Option(
            metavar="SECONDS", help="How long to wait for each answer, in all: 0.1 to 600."
        ),
    ] = "2",
    programmer_id: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            envvar="PUMP_PROGRAMMER_ID",
            help="Identity under which the pump counts orders, 1 to 2**64 - 1, decimal or 0x..."
            " Default: derived from user and host.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY|@FILE",
            help="A key of the pump, or @ and the name of a file that holds one."
            " Default: the environment variable PUMP_KEY, else the stored key.",
        ),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE",
            help="Which of the pump's stored keys: observer, patient, clinician or service.",
        ),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            envvar="PUMP_INSECURE",
            help="UNSAFE: also talk to a LEGACY-INSECURE pump, which anybody may program.",
        ),
    ] = False,
    as_json: AsJson = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    number = None if programmer_id is None else _programmer_id(programmer_id)
    context.obj = Settings(
        port,
        _seconds(timeout),
        number,
        as_json,
        key,
        None if role is None else arguments.role(role, "--role"),
        insecure,
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 600:
        raise UsageError(f"--timeout = {text!r}: allowed 0.1 to 600 seconds")
    return seconds


def _programmer_id(text: str) -> int:
    try:
        number = int(text, 16) if text.lower().startswith("0x") else int(text)
    except ValueError:
        number = 0
    if not 0 < number < 2**64:
        raise UsageError(
            f"--programmer-id = {text!r}: allowed 1 to 2**64 - 1, decimal or hexadecimal with 0x"
        )
    return number
