"""The command ``pump-sim run``: what people type, checked and handed to :mod:`pump_sim.app`.

Modules that cost time to import are imported where they are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from pump_sim import options
from pump_sim.commands.exits import NO_OUTPUT, NO_PORT, REFUSED
from pump_sim.commands.run_options import MAX_COUNT, read_run_options


def run(  # noqa: PLR0913, PLR0917 - one parameter for each option, given by name
    context: typer.Context,
    port: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="pty, pty:LINK, tcp, tcp:PORT, tcp:HOST:PORT, rfc2217, rfc2217:PORT or"
            " rfc2217:HOST:PORT. Without a host it listens on the loopback only."
            " [default: pty, on Windows tcp]",
            show_default=False,
        ),
    ] = "",
    speed: Annotated[
        str,
        typer.Option(
            metavar="FACTOR",
            help="Therapy time per real time, 0 (paused) or 0.001 to"
            f" {options.MAX_SPEED:,}; 86400 is a day"
            " a second."
            " 'jump' goes to the next event whenever the link has been quiet after an exchange.",
        ),
    ] = "1",
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="Kind of pump: see 'pump-sim profiles', or a file.")
    ] = "pump-20ml",
    reservoir_ml: Annotated[
        str | None,
        typer.Option(
            metavar="ML", help="Volume at the start, 0 to the capacity, mL. [default: full]"
        ),
    ] = None,
    dose_mcg_per_day: Annotated[
        str, typer.Option(metavar="MCG", help="Daily dose at the start, mcg/day.")
    ] = "300",
    concentration_mcg_per_ml: Annotated[
        str, typer.Option(metavar="MCG", help="Concentration at the start, mcg/mL.")
    ] = "2000",
    drug: Annotated[str, typer.Option(metavar="NAME", help="Drug at the start.")] = "baclofen",
    start: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="The pump's local clock at the start, ISO 8601. [default: now]"
        ),
    ] = None,
    serial_number: Annotated[
        str, typer.Option(metavar="TEXT", help="Serial number, 1 to 32 bytes.")
    ] = "SIM-0001",
    count: Annotated[
        int,
        typer.Option(metavar="N", help=f"How many pumps, each on its own port: 1 to {MAX_COUNT}."),
    ] = 1,
    hands: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="'follow': simulated hands fill the reservoir to what a programmer reports at a"
            " refill; 'off': a refill tells the pump only, and the truth stays as it is.",
        ),
    ] = "follow",
    battery: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="'drain-and-fail': it drains, up to the end of service; 'drain-only': it drains,"
            " and no end comes; 'no-drain': it stays new.",
        ),
    ] = "drain-and-fail",
    patient: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="'treated': the made-up patient has long been treated as prescribed; 'new': there"
            " is no drug in patient or catheter.",
        ),
    ] = "treated",
    control: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Open a door for tests, which move time, inject faults and read the truth through"
            " it: unix:PATH, a path, tcp:PORT, tcp:HOST:PORT or PORT, 0 for a free one, on the"
            " loopback only. [default: none]",
        ),
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Play a scenario, by its name or its file, with its own pump and start: see"
            " 'pump-sim scenarios'.",
        ),
    ] = None,
    pick: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHOICE=OPTION",
            help="What to decide in a choice of the scenario; once for each. Otherwise it waits to"
            " be decided.",
        ),
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What goes wrong on the wire: frames dropped, delayed, damaged and more, as a file"
            " of link faults says. [default: nothing]",
        ),
    ] = None,
    security: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="'authenticated': whoever programs the pump needs a key of it; 'legacy-insecure':"
            " whoever reaches the port may program it, as on the devices that were recalled.",
        ),
    ] = "authenticated",
    updates: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="'safe': the old prescription runs until the new one is committed; 'historic':"
            " staging stops the infusion, and a cut session leaves it stopped. For training only.",
        ),
    ] = "safe",
    state_file: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="Keep the pump in this file, and go on with the pump in it if it exists."
            " [default: the pump is gone at the end]",
        ),
    ] = None,
    resume: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="How therapy time goes on with --state: 'go-on' from where it was; 'catch-up':"
            " the time in between has passed for the pump, too; 'stay': paused.",
        ),
    ] = "go-on",
    key_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the clinician's key of the first pump to this file, which only you can"
            " read; a programmer takes it as --key @FILE.",
        ),
    ] = None,
    key_log: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the secrets of every link to this file, a line each, for whoever captures"
            " the wire: link id and the keys of both directions.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="First line of stdout: one JSON object with address and key."),
    ] = False,
    events: Annotated[
        bool,
        typer.Option("--events", help="With --json: every log record as a further JSON line."),
    ] = False,
) -> None:
    """Run a pump on a port until Ctrl-C, SIGTERM or SIGHUP."""
    from pump_sim import app as application  # noqa: PLC0415 - not needed for --help
    from pump_sim.ports import PortError, PortSpecError  # noqa: PLC0415
    from pump_sim.store.errors import StoreFailed  # noqa: PLC0415

    with options_named():
        wanted = read_run_options(
            _typed(context),
            port=port,
            speed=speed,
            profile=profile,
            reservoir_ml=reservoir_ml,
            dose_mcg_per_day=dose_mcg_per_day,
            concentration_mcg_per_ml=concentration_mcg_per_ml,
            drug=drug,
            start=start,
            serial_number=serial_number,
            count=count,
            hands=hands,
            battery=battery,
            patient=patient,
            control=control,
            scenario=scenario,
            pick=pick,
            faults=faults,
            security=security,
            updates=updates,
            state_file=state_file,
            resume=resume,
            key_file=key_file,
            key_log=key_log,
            as_json=as_json,
            events=events,
        )
    try:
        with options_named("pump-sim: "):
            application.run(wanted)
    except PortSpecError as error:
        raise typer.BadParameter(f"--port: {error}") from None
    except PortError as error:
        typer.echo(f"pump-sim: {error}", err=True)
        raise typer.Exit(NO_PORT) from None
    except StoreFailed as error:
        typer.echo(f"pump-sim: {error}", err=True)
        raise typer.Exit(NO_OUTPUT) from None


def _typed(context: typer.Context) -> list[str]:
    """The names of the options that stand on the command line."""
    sources = ((name, context.get_parameter_source(name)) for name in context.params)
    return [name for name, source in sources if source and source.name == "COMMANDLINE"]


@contextmanager
def options_named(who: str = "") -> Iterator[None]:
    """Complaints about options as the command line tells them.

    :param who: with what those about files begin.
    """
    try:
        yield
    except options.FileRefused as error:
        typer.echo(f"{who}{error}", err=True)
        raise typer.Exit(REFUSED) from None
    except options.OptionError as error:
        raise typer.BadParameter(str(error)) from None
