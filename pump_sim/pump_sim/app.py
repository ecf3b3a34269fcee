"""The composition root: options in, running pumps out.

The only place that decides which clock, which port and which pump belong together. How options are
typed is :mod:`pump_sim.cli`.
"""

import asyncio
import contextlib
import gc
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from pump_protocol._version import __version__
from pump_sim import keyboard
from pump_sim.clock import PacedClock
from pump_sim.endpoint import PumpEndpoint
from pump_sim.keys import KEYS_HELP, Keys
from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.prescription import Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.pump import Pump
from pump_sim.narration import clock_text, describe, say
from pump_sim.ports import Port, open_port
from pump_sim.serve import PumpHost
from pump_sim.simulation import Simulation

SIMULATOR_NOTICE: Final = "SIMULATOR - never for clinical use"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What ``pump-sim run`` was asked for.

    ``speed`` is therapy seconds per real second, None to jump to the next event whenever the link
    has been quiet. ``hands_follow``: simulated hands fill the reservoir to whatever volume a
    programmer reports at a refill.
    """

    port: str
    profile: Profile
    prescription: Prescription
    reservoir_nl: int
    clock_ms: int
    speed: Fraction | None = Fraction(1)
    count: int = 1
    serial_number: str = "SIM-0001"
    hands_follow: bool = True
    as_json: bool = False
    events: bool = False


def run(options: RunOptions) -> None:
    """Serve the pumps until SIGINT or SIGTERM.

    :raises PortError: a port cannot be had.
    """
    asyncio.run(_run(options))


async def _run(options: RunOptions) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    hosts: list[PumpHost] = []
    try:
        for index in range(options.count):
            host = _make_host(options, index)
            hosts.append(host)
            await host.start()
        # What start-up made lives as long as the process: the collector need not look at it again,
        # which is most of what the slowest one in a hundred answers would wait for.
        gc.freeze()
        keys = Keys(options.speed, hosts, stop)
        with contextlib.nullcontext() if options.as_json else keyboard.keys(keys.press):
            _say_ready(options, hosts)
            await stop.wait()
    finally:
        for host in hosts:
            await host.close()


def _make_host(options: RunOptions, index: int) -> PumpHost:
    pump = Pump.implant(
        options.profile,
        options.prescription,
        serial_number=_numbered(options.serial_number, index, options.count),
        volume_nl=options.reservoir_nl,
        clock_local_ms=options.clock_ms,
    )
    speed = Fraction(0) if options.speed is None else options.speed
    endpoint = PumpEndpoint(
        Simulation(pump),
        PacedClock(speed, link_ns=time.monotonic_ns(), therapy_ms=pump.at_ms),
        jumping=options.speed is None,
    )
    host = PumpHost(endpoint, _make_port(options.port, index, options.count))
    pump.listen(_listener(options, host))
    return host


def _make_port(spec: str, index: int, count: int) -> Port:
    """The port of one of several pumps: a name or a number given for the first is counted up."""
    kind, _, rest = spec.partition(":")
    if count > 1 and rest:
        if kind == "pty":
            return open_port(f"pty:{rest}-{index + 1}")
        host, colon, number = rest.rpartition(":")
        if number.isdecimal() and int(number) > 0:
            return open_port(f"{kind}:{host}{colon}{int(number) + index}")
    return open_port(spec)


def _numbered(serial_number: str, index: int, count: int) -> str:
    return serial_number if count == 1 else f"{serial_number}-{index + 1}"


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises instead
            loop.add_signal_handler(number, stop.set)


# --- What people and programs read on standard output --------------------------------------------


def _say_ready(options: RunOptions, hosts: list[PumpHost]) -> None:
    pumps = [
        {"address": host.port.address, "serial_number": host.endpoint.simulation.pump.serial_number}
        for host in hosts
    ]
    if options.as_json:
        ready: dict[str, Any] = {
            "event": "ready",
            "address": pumps[0]["address"],
            "simulator": True,
            "security_profile": "legacy-insecure",
            "version": __version__,
            "pid": os.getpid(),
            "pumps": pumps,
        }
        say(json.dumps(ready))
        return
    say(f"pump-sim {__version__}   {SIMULATOR_NOTICE}")
    for pump in pumps:
        say(f"pump {pump['serial_number']} ({options.profile.model}) is at {pump['address']}")
    say(f"try:  pump-programmer --port {pumps[0]['address']} interrogate")
    say(KEYS_HELP if keyboard.is_available() else "Ctrl-C ends it")


def _listener(options: RunOptions, host: PumpHost) -> Callable[[LogEntry], None]:
    pump = host.endpoint.simulation.pump

    def hear(entry: LogEntry) -> None:
        if entry.event is EventCode.RESERVOIR_UPDATED and options.hands_follow:
            host.post(lambda *_: pump.fill_by_hand(entry.b))
        if options.as_json and options.events:
            say(
                json.dumps(
                    {
                        "event": entry.event.name.lower(),
                        "serial_number": pump.serial_number,
                        "sequence": entry.sequence,
                        "at_ms": entry.at_ms,
                        "a": entry.a,
                        "b": entry.b,
                        "text": describe(entry),
                    }
                )
            )
        elif not options.as_json:
            clock = clock_text(entry.at_ms + pump.implanted_at_local_ms)
            say(f"{clock}  {pump.serial_number}  {describe(entry)}")

    return hear
