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
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from pump_protocol._version import __version__
from pump_sim import keyboard
from pump_sim.announcer import Announcer
from pump_sim.clock import PacedClock
from pump_sim.endpoint import PumpEndpoint
from pump_sim.keys import KEYS_HELP, Keys
from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.hardware.battery import BatteryMode
from pump_sim.model.prescription import Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.pump import Pump
from pump_sim.narration import clock_text, describe
from pump_sim.ports import Port, open_port
from pump_sim.serve import PumpHost
from pump_sim.simulation import Simulation

if TYPE_CHECKING:
    from pump_sim.control.door import Door

SIMULATOR_NOTICE: Final = "SIMULATOR - never for clinical use"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What ``pump-sim run`` was asked for.

    ``speed`` is therapy seconds per real second, None to jump to the next event whenever the link
    has been quiet. ``hands_follow``: simulated hands fill the reservoir to whatever volume a
    programmer reports at a refill. ``battery`` names a `BatteryMode`, with hyphens. ``control`` is
    the address of the harness's door, None for none.
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
    battery: str = "drain-and-fail"
    new_patient: bool = False
    as_json: bool = False
    events: bool = False
    control: str | None = None


def run(options: RunOptions) -> None:
    """Serve the pumps until SIGINT, SIGTERM or SIGHUP.

    :raises PortError: a port cannot be had.
    """
    asyncio.run(_run(options))


async def _run(options: RunOptions) -> None:
    stop = asyncio.Event()
    failures: list[BaseException] = []
    _stop_on_signals(stop)
    _stop_on_failure(stop, failures)
    hosts: list[PumpHost] = []
    door: Door | None = None
    with Announcer() as announcer:
        try:
            for index in range(options.count):
                host = _make_host(options, index, announcer)
                hosts.append(host)
                await host.start()
            if options.control is not None:
                door = await _open_door(options.control, hosts)
            # What start-up made lives as long as the process: the collector need not look at it
            # again, which is most of what the slowest one in a hundred answers would wait for.
            gc.freeze()
            keys = Keys(hosts, stop, announcer.say)
            with contextlib.nullcontext() if options.as_json else keyboard.keys(keys.press):
                _say_ready(options, hosts, door, announcer)
                await stop.wait()
        finally:
            if door is not None:
                await door.close()
            for host in hosts:
                await host.close()
    if failures:
        raise failures[0]


def _make_host(options: RunOptions, index: int, announcer: Announcer) -> PumpHost:
    pump = Pump.implant(
        options.profile,
        options.prescription,
        serial_number=_numbered(options.serial_number, index, options.count),
        volume_nl=options.reservoir_nl,
        clock_local_ms=options.clock_ms,
        battery_mode=BatteryMode[options.battery.replace("-", "_").upper()],
        new_patient=options.new_patient,
    )
    speed = Fraction(0) if options.speed is None else options.speed
    endpoint = PumpEndpoint(
        Simulation(pump),
        PacedClock(speed, link_ns=time.monotonic_ns(), therapy_ms=pump.at_ms),
        jumping=options.speed is None,
    )
    port = _make_port(options.port, index, options.count)
    return PumpHost(endpoint, port, _Reporter(options, endpoint, announcer).hear)


async def _open_door(address: str, hosts: list[PumpHost]) -> "Door":
    from pump_sim.control.door import Door  # noqa: PLC0415 - a pump without a door need not load it

    door = Door(address, hosts, SIMULATOR_NOTICE)
    await door.open()
    return door


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
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last when a terminal is closed
        number = getattr(signal, name, None)
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises instead
            if number is not None:
                loop.add_signal_handler(number, stop.set)


def _stop_on_failure(stop: asyncio.Event, failures: list[BaseException]) -> None:
    """The last resort: a bug ends the process with its traceback.

    A pump that went on half alive would answer some requests and not others, and whoever tests
    against it would look for the fault in their own program.
    """

    def fail(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failures.append(context.get("exception") or RuntimeError(context["message"]))
        stop.set()

    asyncio.get_running_loop().set_exception_handler(fail)


# --- What people and programs read on standard output --------------------------------------------


def _say_ready(
    options: RunOptions, hosts: list[PumpHost], door: "Door | None", announcer: Announcer
) -> None:
    pumps = [
        {"address": host.port.address, "serial_number": host.endpoint.simulation.pump.serial_number}
        for host in hosts
    ]
    if options.as_json:
        ready: dict[str, Any] = {
            "event": "ready",
            "address": pumps[0]["address"],
            "simulator": True,
            "security_profile": "legacy_insecure",
            "version": __version__,
            "pid": os.getpid(),
            "pumps": pumps,
            "control": None if door is None else door.address,
        }
        announcer.say(json.dumps(ready))
        return
    announcer.say(f"pump-sim {__version__}   {SIMULATOR_NOTICE}")
    for pump in pumps:
        announcer.say(
            f"pump {pump['serial_number']} ({options.profile.model}) is at {pump['address']}"
        )
    if door is not None:
        announcer.say(f"its door for tests is at {door.address}")
    announcer.say(f"try:  pump-programmer --port {pumps[0]['address']} interrogate")
    announcer.say(KEYS_HELP if keyboard.is_available() else "Ctrl-C ends it")


class _Reporter:
    """Says what one pump records, and lets simulated hands do what a programmer reported."""

    def __init__(self, options: RunOptions, endpoint: PumpEndpoint, announcer: Announcer) -> None:
        self._options = options
        self._endpoint = endpoint
        self._announcer = announcer

    @property
    def _pump(self) -> Pump:
        return self._endpoint.simulation.pump  # a door may have put another one there

    def hear(self, entry: LogEntry) -> None:
        """Take one record of the pump's therapy log."""
        if entry.event is EventCode.RESERVOIR_UPDATED and self._options.hands_follow:
            self._pump.fill_by_hand(entry.b)  # with the drug that is prescribed by now
        if not self._options.as_json:
            clock = clock_text(entry.at_ms + self._pump.firmware.implanted_at_local_ms)
            self._announcer.say(f"{clock}  {self._pump.serial_number}  {describe(entry)}")
        elif self._options.events:
            self._announcer.say(json.dumps(self._as_json(entry)))

    def _as_json(self, entry: LogEntry) -> dict[str, Any]:
        return {
            "event": entry.event.name.lower(),
            "serial_number": self._pump.serial_number,
            "sequence": entry.sequence,
            "at_ms": entry.at_ms,
            "a": entry.a,
            "b": entry.b,
            "text": describe(entry),
        }
