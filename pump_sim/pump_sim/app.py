"""The composition root: options in, running pumps out.

The only place that decides which port, which pump and which door belong together. How options are
typed is :mod:`pump_sim.cli`; what a pump is made of, :mod:`pump_sim.assembly`.
"""

import asyncio
import contextlib
import gc
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from pump_protocol._version import __version__
from pump_sim import keyboard
from pump_sim.announcer import Announcer
from pump_sim.assembly import Assembly
from pump_sim.keys import KEYS_HELP, Keys
from pump_sim.model.events import LogEntry
from pump_sim.model.pump import Pump
from pump_sim.notice import SIMULATOR_NOTICE
from pump_sim.options import RunOptions
from pump_sim.ports import Port, open_port
from pump_sim.reporter import Reporter, Style
from pump_sim.serve import PumpHost

if TYPE_CHECKING:
    from pump_sim.control.door import Door
    from pump_sim.scenario.stage import Stage


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
    stage: Stage | None = None
    with Announcer() as announcer:
        try:
            for index in range(options.count):
                host, stage = _make_host(options, index, announcer)
                hosts.append(host)
                await host.start()
            if options.control is not None:
                door = await _open_door(options.control, hosts)
            # What start-up made lives as long as the process: the collector need not look at it
            # again, which is most of what the slowest one in a hundred answers would wait for.
            gc.freeze()
            keys = Keys(hosts, stop, announcer.say, None if stage is None else stage.choose_number)
            with contextlib.nullcontext() if options.as_json else keyboard.keys(keys.press):
                _say_ready(options, hosts, door, announcer)
                if stage is not None:
                    hosts[0].post(stage.begin)
                await stop.wait()
        finally:
            if door is not None:
                await door.close()
            for host in hosts:
                await host.close()
    if failures:
        raise failures[0]


def _style(options: RunOptions) -> Style:
    if not options.as_json:
        return Style.PEOPLE
    return Style.JSON if options.events else Style.SILENT


def _make_host(
    options: RunOptions, index: int, announcer: Announcer
) -> "tuple[PumpHost, Stage | None]":
    """One of the pumps on its port, and the scenario that is played on it, if one is."""
    link_ns = time.monotonic_ns()
    assembly = Assembly(options, link_ns, index)
    reporter = Reporter(assembly.endpoint, announcer.say, _style(options))
    port = _make_port(options.port, index, options.count)
    for wire in assembly.wires(reporter.tell_link_fault):
        from pump_sim.ports.impaired import ImpairedPort  # noqa: PLC0415 - only if wanted

        port = ImpairedPort(port, wire.impairment, wire.therapy_ms)
    if assembly.play is not None:
        from pump_sim.scenario.stage import Stage  # noqa: PLC0415 - only scenarios need it

        keys = keyboard.is_available() and not options.as_json
        stage = Stage(assembly.play, reporter, link_ns, keys=keys)
        host = PumpHost(assembly.endpoint, port)  # the stage tells the records itself
        host.watch(lambda _: stage.look())
        return host, stage

    def hear(entry: LogEntry) -> None:
        assembly.hear(entry)
        reporter.tell_record(entry)

    return PumpHost(assembly.endpoint, port, hear), None


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
    pumps = [_told(host.port.address, host.endpoint.simulation.pump) for host in hosts]
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
        announcer.say(f"pump {pump['serial_number']} ({pump['model']}) is at {pump['address']}")
    if door is not None:
        announcer.say(f"its door for tests is at {door.address}")
    announcer.say(f"try:  pump-programmer --port {pumps[0]['address']} interrogate")
    announcer.say(KEYS_HELP if keyboard.is_available() else "Ctrl-C ends it")


def _told(address: str, pump: Pump) -> dict[str, str]:
    """What is said of one of the pumps: a scenario brings its own, of any kind."""
    return {
        "address": address,
        "serial_number": pump.serial_number,
        "model": pump.profile.model,
    }
