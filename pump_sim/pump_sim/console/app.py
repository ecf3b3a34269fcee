"""The composition root of the training room: pumps, API and pages on one event loop.

How options are typed is :mod:`pump_sim.commands.consoling`'s business.
"""

import asyncio
import gc
import json
import os
import socket
import sys
import webbrowser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pump_protocol._version import __version__
from pump_protocol.announcer import Announcer
from pump_protocol.codes import UserRole
from pump_protocol.web.address import HttpAddress
from pump_protocol.web.gate import Gate
from pump_protocol.web.log import Log
from pump_protocol.web.serving import Server
from pump_sim.console.api.composing import create_api, longest_body
from pump_sim.console.house import House
from pump_sim.console.page_routes import OPEN_PATHS, add_pages
from pump_sim.console.piece import Piece, practice_piece
from pump_sim.control.errors import ControlError
from pump_sim.key_files import check_key_file, write_key_file
from pump_sim.notice import SIMULATOR_NOTICE, security_profile
from pump_sim.options import OptionError
from pump_sim.ports import PortError
from pump_sim.stopping import Stopping

INSTRUCTOR: Final = "instructor"
TRAINEE: Final = "trainee"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleOptions:
    """What ``pump-sim console`` was asked for.

    `pieces` is what is played at first, one for each pump. `tokens` has the role of each token;
    none where everybody who reaches the address may do everything. `key_file` is written: the
    clinician's key of the first pump.
    """

    ports: tuple[str, ...]
    http: HttpAddress
    pieces: tuple[Piece, ...]
    tokens: Mapping[str, str]
    key_file: Path | None = None
    as_json: bool = False
    open_browser: bool = False


def run(options: ConsoleOptions) -> None:
    """Serve the training room until SIGINT, SIGTERM or SIGHUP.

    :raises PortError: a port cannot be had.
    :raises WebError: the address of the pages cannot be had.
    :raises OptionError: a file that is to be written cannot be, or no pump begins so.
    """
    asyncio.run(_run(options))


async def _run(options: ConsoleOptions) -> None:
    stopping = Stopping()
    stopping.on_signals()
    if options.key_file is not None:
        check_key_file(options.key_file)
    house = House(SIMULATOR_NOTICE, lambda number: _piece(options, number))
    app = create_api(house)
    add_pages(app)
    with (
        Announcer(sys.stderr) as complaints,
        Announcer(sys.stdout) as announcer,
        Log(complaints.say, "pump-sim: ") as log,
    ):
        stopping.on_failure(complaints.say)
        if options.as_json:
            announcer.on_loss = stopping.on_loss()
        try:
            for port in options.ports:
                await _open(house, port)
            gate = Gate(
                app,
                address=options.http,
                tokens=options.tokens,
                log=log,
                open_paths=OPEN_PATHS,
                body_limit=longest_body,
                notice=SIMULATOR_NOTICE,
            )
            async with Server(gate, options.http, log) as server:
                if options.key_file is not None:
                    _write_key(options.key_file, house)
                gc.freeze()  # as a served pump does: see pump_sim.app
                if options.as_json:
                    announcer.say(json.dumps(_ready_line(house, server.address, options)))
                else:
                    for line in _ready_text(house, server.address, options):
                        announcer.say(line)
                if options.open_browser:
                    await asyncio.to_thread(
                        webbrowser.open, _pages(server.address, options)["instructor"]
                    )
                await stopping.wait()
                for room in house.rooms.values():
                    room.feed.close()
        finally:
            await house.close_all()
    stopping.check()


def _piece(options: ConsoleOptions, number: int) -> Piece:
    """What is played at first in the room of that number; in one that is opened later, a practice
    with a pump of its own."""
    if number <= len(options.pieces):
        return options.pieces[number - 1]
    return practice_piece({"pump": {"serial_number": f"SIM-{number:04}"}})


async def _open(house: House, port: str) -> None:
    try:
        await house.open(port)
    except ControlError as error:
        if isinstance(error.__context__, PortError):
            raise error.__context__ from None
        raise OptionError(error.message) from None


def _write_key(path: Path, house: House) -> None:
    key = house.key(next(iter(house.rooms.values())), UserRole.CLINICIAN)
    if key is None:
        raise OptionError(f"--key-file = {path}: a legacy-insecure pump has no key")
    write_key_file(path, key)


# --- What is told when it is ready ---------------------------------------------------------------


def _pages(address: HttpAddress, options: ConsoleOptions) -> dict[str, str]:
    """Where each page is, with the token that opens it."""
    by_role = {role: token for token, role in options.tokens.items()}

    def url(path: str, role: str) -> str:
        return address.url(path) + (f"?token={by_role[role]}" if role in by_role else "")

    return {"instructor": url("/", INSTRUCTOR), "trainee": url("/trainee", TRAINEE)}


def _ready_line(house: House, address: HttpAddress, options: ConsoleOptions) -> dict[str, Any]:
    pumps = []
    for room in house.rooms.values():
        endpoint = room.host.endpoint
        key = house.key(room, UserRole.CLINICIAN)
        pumps.append(
            {
                "id": room.id,
                "serial_number": endpoint.simulation.pump.serial_number,
                "model": endpoint.simulation.pump.profile.model,
                "address": room.host.port.address,
                "security_profile": security_profile(endpoint.guard is not None),
                "key": None if key is None else key.to_text(),
            }
        )
    return {
        "event": "ready",
        "simulator": True,
        "version": __version__,
        "pid": os.getpid(),
        "http": address.url(""),
        "api": address.url("/api/v1"),
        **_pages(address, options),
        "tokens": {role: token for token, role in options.tokens.items()},
        "address": pumps[0]["address"],
        "key": pumps[0]["key"],
        "pumps": pumps,
    }


def _ready_text(house: House, address: HttpAddress, options: ConsoleOptions) -> Iterator[str]:
    pages = _pages(address, options)
    yield f"pump-sim {__version__}   {SIMULATOR_NOTICE}"
    yield f"the instructor's page is  {pages['instructor']}"
    yield f"the trainees' page is     {pages['trainee']}"
    if options.http.is_wildcard:
        named = HttpAddress(socket.gethostname(), address.port)
        for page, url in _pages(named, options).items():
            yield f"from other machines       {url}  ({page})"
    yield f"the control API is at     {address.url('/api/v1')}"
    for room in house.rooms.values():
        pump = room.host.endpoint.simulation.pump
        yield f"pump {pump.serial_number} ({pump.profile.model}) is at {room.host.port.address}"
    if options.key_file is not None:
        yield f"the clinician's key is in {options.key_file}"
    else:
        key = house.key(next(iter(house.rooms.values())), UserRole.CLINICIAN)
        if key is not None:
            yield f"the clinician's key is    {key.to_text()}"
    yield "Ctrl-C ends it"
