"""The command ``pump-sim console``: what people type, checked and handed to the training room.

The web libraries are an extra, and cost time to import: both only when the command is run.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pump_sim import options
from pump_sim.commands.exits import NO_PORT
from pump_sim.commands.files import refuse
from pump_sim.commands.running import options_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pump_protocol.web.address import HttpAddress
    from pump_sim.console.piece import Piece

MOST_PUMPS: Final = 16

_MISSING: Final = (
    "the training room needs libraries that are not installed: pip install 'pump-sim[console]'"
)


def console(  # noqa: PLR0913, PLR0917 - one parameter for each option, given by name
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Begin with a scenario, by its name or its file; the page can choose another."
            " [default: free practice]",
            show_default=False,
        ),
    ] = None,
    pick: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHOICE=OPTION",
            help="What to decide in a choice of the scenario; otherwise the page asks.",
        ),
    ] = None,
    port: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="Where programmers find the pump, as for 'pump-sim run'."
            " [default: pty, on Windows tcp]",
            show_default=False,
        ),
    ] = "",
    http: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            help="Where browsers find the pages; port 0 is any free one. Beyond the loopback they"
            " need a token, which is told when it starts.",
        ),
    ] = "127.0.0.1:8017",
    pumps: Annotated[
        int,
        typer.Option(metavar="N", help=f"How many pumps, each on its own port: 1 to {MOST_PUMPS}."),
    ] = 1,
    key_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the clinician's key of the first pump to this file, which only you can"
            " read; a programmer takes it as --key @FILE.",
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the instructor's page in a browser.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="First line of stdout: one JSON object with all addresses."),
    ] = False,
) -> None:
    """Open a training room: pages for instructors and trainees, and an HTTP API.

    It runs until Ctrl-C, SIGTERM or SIGHUP. Tokens for an address beyond the loopback are drawn by
    lot, or taken from the environment: PUMP_CONSOLE_TOKEN and PUMP_TRAINEE_TOKEN.
    """
    try:
        from pump_protocol.web.serving import WebError  # noqa: PLC0415 - an extra
        from pump_sim.console import app as room  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pump_"):
            raise
        refuse(_MISSING)
    from pump_sim.ports import PortError, PortSpecError, default_spec  # noqa: PLC0415

    with options_named():
        if not 1 <= pumps <= MOST_PUMPS:
            raise options.OptionError(f"--pumps = {pumps}: allowed are 1 to {MOST_PUMPS} pumps")
        address = _address(http)
        wanted = room.ConsoleOptions(
            ports=tuple(
                options.port_of_several(port or default_spec(), index, pumps)
                for index in range(pumps)
            ),
            http=address,
            pieces=_pieces(scenario, pick or (), pumps),
            tokens=_tokens(address),
            key_file=None if key_file is None else options.read_file("--key-file", key_file),
            as_json=as_json,
            open_browser=open_browser,
        )
    try:
        with options_named("pump-sim: "):
            room.run(wanted)
    except PortSpecError as error:
        raise typer.BadParameter(f"--port: {error}") from None
    except (PortError, WebError) as error:
        typer.echo(f"pump-sim: {error}", err=True)
        raise typer.Exit(NO_PORT) from None


def _address(text: str) -> HttpAddress:
    from pump_protocol.web.address import AddressRefused, parse_http  # noqa: PLC0415 - as above

    try:
        return parse_http(text)
    except AddressRefused as error:
        raise options.OptionError(f"--http: {error}") from None


def _tokens(address: HttpAddress) -> dict[str, str]:
    """The role of each token; none where only this machine can reach the pages and none is set."""
    from pump_protocol.web.tokens import TokenRefused, Tokens, new_token  # noqa: PLC0415

    named = {
        "PUMP_CONSOLE_TOKEN": os.environ.get("PUMP_CONSOLE_TOKEN", ""),
        "PUMP_TRAINEE_TOKEN": os.environ.get("PUMP_TRAINEE_TOKEN", ""),
    }
    if address.is_loopback and not any(named.values()):
        return {}
    instructor, trainee = (each or new_token() for each in named.values())
    if instructor == trainee:
        message = "PUMP_CONSOLE_TOKEN and PUMP_TRAINEE_TOKEN are the same: trainees would see all"
        raise options.OptionError(message)
    tokens = {instructor: "instructor", trainee: "trainee"}
    try:
        Tokens(address, tokens)
    except TokenRefused as error:
        raise options.OptionError(f"{' or '.join(named)}: {error}") from None
    return tokens


def _pieces(scenario: str | None, picks: Sequence[str], pumps: int) -> tuple[Piece, ...]:
    from pump_sim.console.piece import practice_piece, scenario_piece  # noqa: PLC0415 - as above
    from pump_sim.control.errors import ControlError  # noqa: PLC0415
    from pump_sim.scenario.file.branches import PickError, read_pick  # noqa: PLC0415

    if scenario is None:
        if picks:
            raise options.OptionError("--pick goes with --scenario")
        serial_numbers = [f"SIM-{number:04}" for number in range(1, pumps + 1)]
        return tuple(practice_piece({"pump": {"serial_number": each}}) for each in serial_numbers)
    if pumps != 1:
        raise options.OptionError(f"--pumps = {pumps}: a scenario is of one pump")
    try:
        picked = dict(map(read_pick, picks))
        return (scenario_piece(scenario, picked),)
    except PickError as error:
        raise options.OptionError(f"--pick = {error}") from None
    except ControlError as error:
        option = "pick" if error.field == "picks" else "scenario"
        raise options.FileRefused(f"--{option}: {error.message}") from None
