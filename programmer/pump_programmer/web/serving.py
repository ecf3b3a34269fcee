"""Serving the pages until somebody ends it: one event loop, one worker, and a clean end."""

import asyncio
import signal
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from pump_programmer.arguments import UsageError
from pump_programmer.errors import (
    AddressMalformed,
    AuthenticationFailed,
    NoKey,
    ProgrammerError,
)
from pump_programmer.web.access import Access
from pump_programmer.web.app import application, gated
from pump_programmer.web.office import NOTICE, Office
from pump_protocol.announcer import Announcer
from pump_protocol.errors import LocalError
from pump_protocol.jsonable import Json
from pump_protocol.web.address import AddressRefused, HttpAddress, parse_http
from pump_protocol.web.log import Log
from pump_protocol.web.problems import Problem
from pump_protocol.web.serving import Server, WebError
from pump_protocol.web.tokens import TokenRefused, new_token

Tell = Callable[[dict[str, Json], str], None]

_ENDINGS: Final = ("SIGINT", "SIGTERM", "SIGHUP")


@dataclass(frozen=True, slots=True)
class Serving:
    """What was said on the command line."""

    access: Access
    http: str
    token: str | None = None
    open_browser: bool = False


def serve(wanted: Serving, tell: Tell) -> None:
    """Serve until Ctrl-C or a signal; what is staged is rolled back then.

    Standard error has a line about each request that is turned away, and each look that fails; it
    may be left unread.

    :param tell: told once where the pages are, for a program and for a person.
    :raises UsageError: an address or a token makes no sense, or the address cannot be had.
    """
    try:
        address = parse_http(wanted.http)
    except AddressRefused as error:
        raise UsageError(f"--http: {error}") from error
    token = wanted.token
    if token is None and not address.is_loopback:
        token = new_token()
    asyncio.run(_serve(wanted, address, token, tell))


async def _serve(wanted: Serving, address: HttpAddress, token: str | None, tell: Tell) -> None:
    office = Office(wanted.access)
    with (
        Announcer(sys.stderr) as complaints,
        Log(complaints.say) as log,
        _ended_by_signals() as ended,
    ):
        try:
            gate = gated(
                application(office), address, {} if token is None else {token: "clinician"}, log
            )
            why_not = await _connected(office)
            async with Server(gate, address, log) as server:
                watching = asyncio.create_task(office.watch(log))
                path = "/" if token is None else f"/?token={token}"
                url = server.address.url(path)
                tell(*_said(office, url, why_not))
                if wanted.open_browser:
                    await asyncio.to_thread(webbrowser.open, url)
                await ended.wait()
                watching.cancel()
        except WebError as error:
            raise UsageError(f"{error}. Choose another one: --http 127.0.0.1:PORT") from error
        except TokenRefused as error:
            raise UsageError(str(error)) from error
        finally:
            await office.end()


async def _connected(office: Office) -> str | None:
    """Connect once, and tell why not; the page tries again.

    :raises UsageError: the address can be none.
    :raises AuthenticationFailed, NoKey: the key that was given is not this pump's.
    """
    try:
        await office.do("-", "connect", office.desk.connect)
    except AddressMalformed as malformed:
        raise UsageError(f"--port = {malformed.address!r}: {malformed.why}") from malformed
    except (AuthenticationFailed, NoKey) as error:
        if office.desk.access.key_was_given:
            raise  # as of every other command: no page can mend it
        return str(error)
    except (ProgrammerError, LocalError, Problem) as error:
        return str(error)
    return None


def _said(office: Office, url: str, why_not: str | None) -> tuple[dict[str, Json], str]:
    view = office.view()
    identity = office.desk.standing.identity
    if identity is None:
        pump = f"Not connected yet: {why_not}"
    else:
        pump = f"Connected to {identity.model}, serial number {identity.serial_number}."
    result: dict[str, Json] = {
        "url": url,
        "port": office.desk.access.address,
        "connection": view["connection"],
        "pump": view["pump"],
    }
    return result, f"{NOTICE}.\n{pump}\nOpen {url}\nCtrl-C ends it."


@contextmanager
def _ended_by_signals() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C and signals set, so that everything ends in order."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    added = []
    for name in _ENDINGS:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) is signal.SIG_IGN:
            continue
        with suppress(NotImplementedError):  # there, Ctrl-C cancels what runs, and ends it too
            loop.add_signal_handler(number, ended.set)
            added.append(number)
    try:
        yield ended
    finally:
        for number in added:
            loop.remove_signal_handler(number)
