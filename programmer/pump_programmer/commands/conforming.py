"""The command that judges anyone's pump by the specification."""

import os
from typing import Annotated

import typer

from pump_programmer.arguments import UsageError
from pump_programmer.commands.common import Settings, naming_port
from pump_programmer.conforming.bench import Bench
from pump_programmer.key_choice import ENVIRONMENT, read_key
from pump_protocol.codes import UserRole
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
from pump_protocol.conformance.tester import PATIENCE_MS, PumpSubject
from pump_protocol.keys import Key


@takes_options
def conform(
    context: typer.Context,
    address: Annotated[
        str | None,
        typer.Argument(
            metavar="ADDRESS",
            help="Where the pump is: device path, socket://HOST:PORT or rfc2217://HOST:PORT."
            " Default: --port.",
            show_default=False,
        ),
    ] = None,
    *,
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY|@FILE",
            help="A key of the pump, or @ and the name of a file that holds one. Once for each"
            " role. Default: --key before the command, PUMP_KEY, or what a harness pairs.",
            show_default=False,
        ),
    ] = None,
    harness: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            envvar="PUMP_HARNESS",
            help="Who moves the pump's time and breaks it: unix:PATH, a path, or tcp:HOST:PORT,"
            " such as the --control of pump-sim run. Default: nobody.",
            show_default=False,
        ),
    ] = None,
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long the pump may take to answer.")
    ] = PATIENCE_MS / 1_000,
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="How long to wait until port and harness are there."),
    ] = 0.0,
    options: Options,
) -> None:
    """Judge a pump by the specification of the protocol.

    The suite plays the programmer, and knows nothing but the port. It programs the pump, orders
    boluses and refills: NEVER on a pump that somebody carries. Exit codes of this command: 0 no
    case failed; 1 a case failed, or an expected failure is stale; 2 something could not be judged,
    or the command line is wrong.
    """
    settings: Settings = context.obj
    chosen = choose(options, cases_of(Side.PUMP))
    if options.listing:
        show_list(options, chosen.cases)
        return
    port = address or settings.address
    patience_ms = round(
        1_000 * seconds("--patience", patience, at_least=0.01, at_most=LONGEST_PATIENCE_S)
    )
    wait_s = seconds("--wait", wait, at_least=0, at_most=LONGEST_PATIENCE_S)
    subject = PumpSubject(
        keys=_keys(key or _default_keys(settings)),
        patience_ms=patience_ms,
    )
    with Bench(port, harness, subject) as bench:
        with naming_port():
            bench.open(wait_s, options.timeout_s)
        code = run(
            options,
            side=Side.PUMP,
            subject=port,
            profile=bench.profile,
            chosen=chosen,
            results=bench.judge(chosen.cases, options.seed, options.bounds),
        )
    raise typer.Exit(code)


def _default_keys(settings: Settings) -> list[str]:
    text = settings.key or os.environ.get(ENVIRONMENT)
    return [text] if text else []


def _keys(texts: list[str]) -> dict[UserRole, Key]:
    keys: dict[UserRole, Key] = {}
    for text in texts:
        key = read_key(text, "--key")
        if key.role in keys:
            raise UsageError(f"--key: two keys of role {key.role.name.lower()} are given")
        keys[key.role] = key
    return keys
