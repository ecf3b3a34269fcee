"""The command that serves the programmer's pages to a browser."""

import os
from typing import Annotated

import typer

from pump_programmer.arguments import UsageError
from pump_programmer.commands.common import AsJson, Settings, terminal_of
from pump_programmer.key_choice import ENVIRONMENT, read_key


def web(
    context: typer.Context,
    http: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where the pages are served: PORT, HOST:PORT or [IPV6]:PORT; port 0 is any free"
            " one.",
        ),
    ] = "127.0.0.1:8018",
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            envvar="PUMP_WEB_TOKEN",
            help="What a browser must have to come in. Default: nothing on this machine alone,"
            " else a new one, which is shown.",
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Program the pump from a browser, until Ctrl-C.

    Interrogation, programming with a review, boluses, refills, alarms, log, report and emergency
    access, over the same port and with the same keys as every other command. Whoever can open the
    page can program the pump. Ctrl-C rolls back what is staged. Needs the extra pump-sim[web].
    """
    settings: Settings = context.obj
    terminal = terminal_of(context, as_json)
    address = settings.address
    try:
        from pump_programmer.web.access import Access  # noqa: PLC0415 - large, and an extra
        from pump_programmer.web.serving import Serving, serve  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"web needs an extra ({error.name} is missing): pip install 'pump-sim[web]'"
        ) from error
    given = os.environ.get(ENVIRONMENT)
    if settings.key is None and given:
        read_key(given, ENVIRONMENT)  # a page could not say it before there is a pump
    access = Access(
        address,
        key=None if settings.key is None else read_key(settings.key, "--key"),
        role=settings.role,
        insecure=settings.insecure,
        programmer_id=settings.programmer_id,
        patience=settings.patience,
    )
    serve(Serving(access, http, token, open_browser), terminal.tell)
