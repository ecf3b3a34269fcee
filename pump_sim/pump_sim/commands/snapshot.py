"""The command ``pump-sim snapshot``: a pump's whole state, from where it is, as a valid start."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pump_sim.commands.exits import REFUSED
from pump_sim.commands.files import check_outputs, files_of, loaded, picked, whole
from pump_sim.scenario.reading.catalogue import scenario_names, scenario_path
from pump_sim.texts import did_you_mean

if TYPE_CHECKING:
    from pump_sim.scenario.reading.loading import Loaded


def snapshot(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="The door of a running pump, a scenario by its name or file, or a state file.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there. [default: stdout]"),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help='Of a scenario: when, as "45 d". [default: its start]'),
    ] = None,
    pick: Annotated[
        list[str] | None,
        typer.Option(metavar="CHOICE=OPTION", help="Of a scenario: what to decide; once for each."),
    ] = None,
    pump: Annotated[
        str | None,
        typer.Option(metavar="SERIAL", help="Of a door with several pumps: which one."),
    ] = None,
) -> None:
    """Write down everything that a pump is: truth, belief, logs and faults.

    What is written is a start: give it to a scenario as the state of its pump, or to the door's
    command load.
    """
    of_scenario = source in scenario_names() or source.endswith(".toml")
    if not of_scenario and (at is not None or pick):
        given = " and ".join(
            option for option, there in (("--at", at is not None), ("--pick", pick)) if there
        )
        raise typer.BadParameter(f"{given}: only of a scenario, and {source} is none")
    if of_scenario:
        check_outputs({scenario_path(source): "the scenario"}, {"--output": output})
    write = sys.stdout.write if output is None else whole("--output", output)
    if of_scenario:
        scenario = loaded(source)
        check_outputs(files_of(scenario), {"--output": output})
        state = _of_scenario(scenario, at, pick or [])
    elif source.endswith(".json"):
        state = _of_file(Path(source))
    else:
        state = _of_door(source, pump)
    write(json.dumps(state, indent=1) + "\n")


def _of_scenario(scenario: Loaded, at: str | None, pick: list[str]) -> dict[str, Any]:
    from pump_sim import snapshot as states  # noqa: PLC0415 - loads cattrs
    from pump_sim.scenario.playing.play import (  # noqa: PLC0415 - loads pydantic
        Play,
        Undecided,
        run,
    )

    play = Play(scenario.scenario, picked(pick, scenario), folder=scenario.path.parent)
    if at is not None:
        at_ms = _time(at)
        if at_ms > scenario.scenario.length_ms:
            raise typer.BadParameter(f"--at = {at}: the scenario is over by then")
        try:
            run(play, until_ms=at_ms)
        except Undecided as error:
            raise typer.BadParameter(f"{error}; decide it with --pick") from None
    return states.dump(play.pump.state())


def _time(text: str) -> int:
    from pump_protocol.errors import UnitError  # noqa: PLC0415 - not needed for --help
    from pump_sim.scenario.file.quantities import parse_time  # noqa: PLC0415 - loads pydantic

    try:
        return parse_time(text, "--at")
    except UnitError as error:
        raise typer.BadParameter(str(error)) from None


def _of_file(path: Path) -> dict[str, Any]:
    from pump_sim import snapshot as states  # noqa: PLC0415 - loads cattrs

    try:
        return states.dump(states.load(json.loads(path.read_bytes())))
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{path}: {error}") from None


def _of_door(address: str, pump: str | None) -> dict[str, Any]:
    from pump_sim.control.address import AddressError  # noqa: PLC0415 - as above
    from pump_sim.control.client import (  # noqa: PLC0415 - as above
        ConnectionEnded,
        ControlClient,
        ControlFailed,
    )

    try:
        with ControlClient(address, pump=pump) as door:
            return door.state()
    except AddressError as error:
        near = did_you_mean(address, scenario_names())
        typer.echo(f"{address}: there is no such scenario.{near}", err=True)
        typer.echo(f"Nor is it the address of a door: {error}", err=True)
        raise typer.Exit(REFUSED) from None
    except (ConnectionEnded, ControlFailed) as error:
        typer.echo(f"{address}: {error}", err=True)
        raise typer.Exit(REFUSED) from None
