"""The command that judges anybody's programmer by the specification."""

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.command.options import (
    LONGEST_PATIENCE_S,
    Options,
    choose,
    seconds,
    takes_options,
)
from pump_protocol.conformance.command.running import run, show_list
from pump_protocol.conformance.suite import CASE_MS, Bounds
from pump_protocol.conformance.tasks import DEFAULT_EXITS, ProgrammerSubject
from pump_sim.judging.command import Command, CommandError
from pump_sim.judging.driver import now_ms
from pump_sim.judging.run import Judging, judge_programmer
from pump_sim.judging.tasks_file import TasksFile, TasksFileError, example, read_tasks_file
from pump_sim.options import SECURITY, OptionError, check_choice
from pump_sim.ports import default_spec

_PORTS: Final = ("pty", "tcp", "rfc2217")
_DEFAULT_PATIENCE_S: Final = 20.0
_MOST_JOBS: Final = 64
_DEFAULT_JOBS: Final = 4
_MS_PER_S: Final = 1_000


@takes_options
def judge(  # noqa: PLR0913 - one parameter for each option, given by name
    *,
    command: Annotated[
        str,
        typer.Option(
            metavar="COMMAND",
            help="How the programmer is called, with {address} for its port, {key} for the pump's"
            " key and {task} for the words of a task. No shell reads it. Port and key stand in"
            " PUMP_PORT and PUMP_KEY as well.",
            show_default=False,
        ),
    ] = "",
    tasks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What the programmer can do, by which words, and what its exit codes say: TOML,"
            " see --example-tasks. Default: as pump-programmer.",
            show_default=False,
        ),
    ] = None,
    does: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK",
            help="Judge it by this task only; may be given several times. A COMMAND without {task}"
            " does one.",
            show_default=False,
        ),
    ] = None,
    security: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="The pump that is played: 'authenticated', or 'legacy-insecure', which has no"
            " keys.",
        ),
    ] = SECURITY[0],
    port: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What the programmer finds at {address}: pty, tcp or rfc2217, a fresh one each"
            " time. [default: pty, on Windows tcp]",
            show_default=False,
        ),
    ] = "",
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long the programmer may take for a task.")
    ] = _DEFAULT_PATIENCE_S,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help="How many cases to play at once: they often wait. [default: 2 for each processor,"
            f" up to {_DEFAULT_JOBS}]",
            show_default=False,
        ),
    ] = None,
    example_tasks: Annotated[
        bool,
        typer.Option(
            "--example-tasks", help="Show a file for --tasks, with every task, and judge nobody."
        ),
    ] = False,
    options: Options,
) -> None:
    """Judge a programmer by the specification of the protocol.

    The suite plays the pump, and misbehaves on purpose; the programmer is started anew for each
    case. Exit codes of this command: 0 no case failed; 1 a case failed, or an expected failure is
    stale; 2 something could not be judged, or the command line is wrong.
    """
    if example_tasks:
        typer.echo(example(), nl=False)
        return
    chosen = choose(options, cases_of(Side.PROGRAMMER))
    if options.listing:
        show_list(options, chosen.cases)
        return
    try:
        judging = _judging(options, command, tasks, does, security, port, patience, jobs)
    except (CommandError, TasksFileError, OptionError) as error:
        raise typer.BadParameter(str(error)) from None
    with closing(judge_programmer(chosen.cases, judging)) as results:
        code = run(
            options,
            side=Side.PROGRAMMER,
            subject=command,
            profile=judging.subject.profile,
            results=results,
            chosen=chosen,
        )
    raise typer.Exit(code)


def _judging(  # noqa: PLR0913, PLR0917 - one parameter for each option
    options: Options,
    command: str,
    tasks: Path | None,
    does: list[str] | None,
    security: str,
    port: str,
    patience_s: float,
    jobs: int | None,
) -> Judging:
    """What is typed, read.

    :raises CommandError, TasksFileError, OptionError: it cannot be meant.
    """
    check_choice("--security", security, SECURITY)
    check_choice("--port", port or _PORTS[0], _PORTS)
    seconds("--patience", patience_s, at_least=0.1, at_most=LONGEST_PATIENCE_S)
    if jobs is not None and not 1 <= jobs <= _MOST_JOBS:
        raise OptionError(f"--jobs = {jobs}: allowed 1 to {_MOST_JOBS}")
    told = TasksFile(None, DEFAULT_EXITS) if tasks is None else read_tasks_file(tasks)
    called = Command.read(command, told.lines, does or ())
    patience_ms = round(patience_s * _MS_PER_S)
    return Judging(
        command=called,
        subject=ProgrammerSubject(
            authenticated=security == SECURITY[0],
            tasks=called.tasks,
            exits=told.exits,
            patience_ms=patience_ms,
        ),
        port=port or default_spec(),
        seed=options.seed,
        bounds=_bounds(options, patience_ms),
        jobs=min(2 * (os.cpu_count() or 1), _DEFAULT_JOBS) if jobs is None else jobs,
    )


def _bounds(options: Options, patience_ms: int) -> Bounds:
    return replace(options.bounds(now_ms()), case_ms=CASE_MS + patience_ms)
