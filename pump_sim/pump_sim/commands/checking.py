"""The command that checks scenarios, for people and for continuous integration."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pump_sim.commands.exits import INTERRUPTED, REFUSED, UNMET
from pump_sim.commands.files import check_outputs, files_of, stream, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pump_sim.scenario.checking import Planned, Report
    from pump_sim.scenario.reading.loading import Loaded


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|FILE]...",
            help="Scenarios that come with the package, see 'pump-sim scenarios', or files."
            " [default: all that come with it]",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the result as JUnit XML.", show_default=False),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write everything that happens, as JSON lines.",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Tell only what is unmet, and the last line.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object with every verdict, on stdout.")
    ] = False,
) -> None:
    """Play scenarios as fast as possible, every way through each, and check what they expect.

    Exit codes: 0 all expectations were met, 1 one was not, 2 a file or an option is wrong and
    nothing was played.
    """
    try:
        met = _check(names, junit, trace, quiet=quiet, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(0 if met else UNMET)


def _check(
    names: Sequence[str] | None,
    junit: Path | None,
    trace: Path | None,
    *,
    quiet: bool,
    as_json: bool,
) -> bool:
    """Refuse, or play and report; whether everything was as expected."""
    from pump_sim.scenario.checking import plan  # noqa: PLC0415 - not needed for --help

    scenarios = _load(names)
    sources = {each.path: "a scenario to be checked" for each in scenarios}
    for each in scenarios:
        sources |= files_of(each)
    check_outputs(sources, {"--junit": junit, "--trace": trace})
    write_junit = None if junit is None else whole("--junit", junit, afresh=True)
    with nullcontext() if trace is None else stream("--trace", trace) as write_trace:
        report = _run(plan(scenarios), write_trace, quiet=quiet, as_json=as_json)
    if write_junit is not None:
        from pump_sim.scenario.reporting.junit import junit_xml  # noqa: PLC0415 - if wanted

        write_junit(junit_xml(report))
    return report.met


def _load(names: Sequence[str] | None) -> list[Loaded]:
    """All scenarios that are asked for, each once, or all that come with the package.

    Of several bad files, all are told.
    """
    from pump_sim.scenario.reading.catalogue import scenario_names  # noqa: PLC0415
    from pump_sim.scenario.reading.loading import ScenarioError, load  # noqa: PLC0415

    loaded: dict[Path, Loaded] = {}
    bad = False
    for name in names or scenario_names():
        try:
            each = load(name)
            loaded.setdefault(Path(os.path.realpath(each.path)), each)
        except ScenarioError as error:
            bad = True
            for problem in error.problems:
                typer.echo(str(problem), err=True)
    if bad:
        raise typer.Exit(REFUSED)
    return list(loaded.values())


def _run(
    planned: Sequence[Planned],
    write_trace: Callable[[str], None] | None,
    *,
    quiet: bool,
    as_json: bool,
) -> Report:
    import json  # noqa: PLC0415 - not needed for --help

    from pump_sim.scenario.checking import check as check_planned  # noqa: PLC0415
    from pump_sim.scenario.reporting.report import CheckPrinter  # noqa: PLC0415
    from pump_sim.scenario.reporting.wording import as_json as json_of  # noqa: PLC0415

    if as_json:
        report = check_planned(planned, write_trace=write_trace)
        typer.echo(json.dumps(json_of(report)))
        return report
    with CheckPrinter(len(planned), quiet=quiet) as printer:
        report = check_planned(planned, printer.play, write_trace)
    printer.end(report)
    return report
