"""The command ``pump-sim pair``: a one-time code of a running pump, through its door."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer

from pump_sim.commands.exits import REFUSED

PATIENCE_S: Final = 5.0
"""How long a door may take to answer: one that is there needs some ms."""


def pair(
    control: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="The door of a running pump: what it was given as --control, or has printed.",
            show_default=False,
        ),
    ],
    role: Annotated[
        str,
        typer.Option(metavar="ROLE", help="Whose key: observer, patient, clinician or service."),
    ] = "clinician",
    pump: Annotated[
        str | None,
        typer.Option(metavar="SERIAL", help="Of a door with several pumps: which one."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object instead of text.")
    ] = False,
) -> None:
    """Lay the programming head on a pump, and show a one-time code for a key of it.

    The code goes to standard output, and what to do with it to standard error.
    """
    from pump_protocol.codes import UserRole  # noqa: PLC0415 - not needed for --help
    from pump_sim.pairing import code_lines  # noqa: PLC0415 - as above

    role = role.lower()
    roles = tuple(each.name.lower() for each in UserRole)
    if role not in roles:
        raise typer.BadParameter(f"--role = {role!r}: allowed are {', '.join(roles)}")
    address, told = _asked(control, role, pump)
    if as_json:
        typer.echo(json.dumps({**told, "address": address}))
        return
    typer.echo(told["code"])
    typer.echo(f"That is for the {told['role']} key of pump {told['serial_number']}.", err=True)
    for line in code_lines(address, told["code"], UserRole[told["role"].upper()]):
        typer.echo(line, err=True)


def _asked(control: str, role: str, pump: str | None) -> tuple[str, dict[str, Any]]:
    """Where the pump is for a programmer, and what its door answered."""
    from pump_sim.control.address import AddressError  # noqa: PLC0415 - as above
    from pump_sim.control.client import (  # noqa: PLC0415 - as above
        ConnectionEnded,
        ControlClient,
        ControlFailed,
    )

    try:
        with ControlClient(control, pump=pump, timeout_s=PATIENCE_S) as door:
            pumps = door.hello()["pumps"]
            if pump is None and len(pumps) > 1:
                known = ", ".join(each["serial_number"] for each in pumps)
                raise typer.BadParameter(f"--pump: say which one; this door has {known}")
            door.proximity(on_pump=True)
            told = door.pair(role)
    except AddressError as error:
        raise typer.BadParameter(f"--control: {error}") from None
    except (ConnectionEnded, ControlFailed) as error:
        typer.echo(f"pump-sim: --control = {control}: {error}", err=True)
        raise typer.Exit(REFUSED) from None
    (address,) = (
        each["address"] for each in pumps if each["serial_number"] == told["serial_number"]
    )
    return address, told
