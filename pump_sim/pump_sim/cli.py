"""The command line ``pump-sim``: which commands there are.

Modules that cost time to import are imported by the command that needs them.
"""

from __future__ import annotations

import errno
import sys
import traceback
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import typer

from pump_protocol._version import __version__
from pump_protocol.conformance.command.late import LateGroup
from pump_sim import options
from pump_sim.commands import exits
from pump_sim.commands.checking import check
from pump_sim.commands.pairing import pair
from pump_sim.commands.plotting import plot
from pump_sim.commands.running import options_named, run
from pump_sim.commands.scenarios import scenario_schema, scenarios
from pump_sim.commands.snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

NL_PER_ML: Final = 1_000_000

_LOST_OUTPUT: Final = (errno.ENOSPC, errno.EPIPE, errno.EIO)


class _Commands(LateGroup):
    late: ClassVar[Mapping[str, str]] = {
        "console": "pump_sim.commands.consoling:console",
        "debrief": "pump_sim.commands.debriefing:debrief",
        "judge": "pump_sim.commands.judging:judge",
        "matrix": "pump_sim.commands.matrix:matrix",
    }


app = typer.Typer(
    name="pump-sim",
    cls=_Commands,
    help="A virtual intrathecal pump on a virtual serial port. SIMULATOR: never for clinical use.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pump-sim {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


app.command()(run)
app.command()(pair)


@app.command()
def demo() -> None:
    """Watch a programmer meet a pump over a real port, in under 20 seconds."""
    from pump_sim.demo import play  # noqa: PLC0415 - not needed for --help

    raise typer.Exit(play())


@app.command()
def profiles(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show the figures of one, with sources.")
    ] = None,
) -> None:
    """List the kinds of pump, or one's figures with sources."""
    from dataclasses import asdict  # noqa: PLC0415

    from pump_sim.model.profile import profile_names  # noqa: PLC0415

    if name is None:
        for each in profile_names():
            figures = options.read_profile(each)
            typer.echo(f"{each}   {figures.model}, {figures.capacity_nl / NL_PER_ML:g} mL")
        return
    with options_named():
        shown = options.read_profile(name)
    typer.echo(f"{name}   {shown.model}")
    for key, source in shown.sources.items():
        typer.echo(f"  {key:38} {asdict(shown)[key]:>18,}\n      {source}")


app.command()(scenarios)
app.command()(check)
app.command()(plot)
app.command()(snapshot)
app.command()(scenario_schema)


def main() -> None:
    """Entry point of ``pump-sim``."""
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if error.errno not in _LOST_OUTPUT:
            raise
        sys.stdout = None  # the interpreter would try once more at its end
        if error.errno != errno.EPIPE:  # a reader who has seen enough needs no word
            sys.stderr.write(f"pump-sim: standard output: {error.strerror}\n")
        sys.exit(exits.NO_OUTPUT)
    except Exception:  # noqa: BLE001 - the last resort: a bug must not end with 1, a verdict's code
        traceback.print_exc()
        sys.exit(exits.BUG)
