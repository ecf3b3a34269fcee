"""The composition root: options in, running pumps out.

The only place that decides which port, which pump and which door belong together. How options are
typed is :mod:`pump_sim.cli`; what a pump is made of, :mod:`pump_sim.assembly`.
"""

import asyncio
import contextlib
import gc
import json
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pump_protocol.announcer import Announcer
from pump_protocol.codes import UserRole
from pump_protocol.keys import Key
from pump_sim import keyboard
from pump_sim.assembly import Assembly
from pump_sim.key_files import KeyLog, check_key_file, write_key_file
from pump_sim.notice import SIMULATOR_NOTICE
from pump_sim.options import OptionError, RunOptions, port_of_several
from pump_sim.ports import open_port
from pump_sim.ready import Served, ready_line, ready_text
from pump_sim.reporter import Reporter, Style
from pump_sim.serve import PumpHost
from pump_sim.stopping import Stopping
from pump_sim.terminal_keys import KEYS_HELP, Keys

if TYPE_CHECKING:
    from pump_sim.control.door import Door

REHEARSAL_S: Final = 0.05
"""How long after it is ready a pump loads what only a handshake needs: whoever asks who it is at
once is answered first, and a programmer that was not running yet comes later."""


def run(options: RunOptions) -> None:
    """Serve the pumps until SIGINT, SIGTERM or SIGHUP.

    :raises PortError: a port cannot be had.
    :raises OptionError: a file that is to be written cannot be.
    :raises StoreFailed: the pump can no longer be kept, so it no longer answers.
    """
    asyncio.run(_run(options))


async def _run(options: RunOptions) -> None:
    stopping = Stopping()
    stopping.on_signals()
    if options.key_file is not None:
        check_key_file(options.key_file)
    served: list[Served] = []
    ready = False
    door: Door | None = None
    with (
        Announcer(sys.stderr) as complaints,
        Announcer(sys.stdout) as announcer,
        _key_log(options.key_log) as key_log,
    ):
        stopping.on_failure(complaints.say)
        if options.as_json:
            # A program that is told neither address nor key has no pump.
            announcer.on_loss = stopping.on_loss()
        try:
            for index in range(options.count):
                served.append(_serve(options, index, announcer))
                if key_log is not None:
                    key_log.listen_to(served[-1].host.endpoint)
                await served[-1].host.start()
            hosts = [each.host for each in served]
            if options.control is not None:
                door = await _open_door(options.control, hosts)
            if options.key_file is not None:
                _write_key(options.key_file, hosts[0])
            # What start-up made lives as long as the process: the collector need not look at it
            # again, which is most of what the slowest one in a hundred answers would wait for.
            gc.freeze()
            stage = served[0].stage
            keys = Keys(
                hosts, stopping.event, announcer.say, None if stage is None else stage.choose_number
            )
            with contextlib.nullcontext() if options.as_json else keyboard.keys(keys.press):
                _tell_ready(options, served, None if door is None else door.address, announcer)
                ready = True
                _begin(served[0])
                await stopping.wait()
        finally:
            if door is not None:
                await door.close()
            for each in served:
                await _end(each, ready=ready)
    stopping.check()


async def _end(served: Served, *, ready: bool) -> None:
    """Serve it no more; of a pump that was not ready there is nothing to keep."""
    await served.host.close()
    if ready:
        served.assembly.close(time.monotonic_ns())
    else:
        served.assembly.abandon()


def _begin(first: Served) -> None:
    """What can wait until everybody knows where the pumps are."""
    if first.stage is not None:
        first.host.post(first.stage.begin)
    if first.guarded:
        asyncio.get_running_loop().call_later(REHEARSAL_S, _rehearse)


def _rehearse() -> None:
    """Have a handshake with oneself, so that the libraries are there when a programmer comes."""
    from pump_protocol.envelope import Envelope  # noqa: PLC0415 - as late as it may be
    from pump_protocol.handshake import Initiator, respond  # noqa: PLC0415

    key = Key.new(UserRole.OBSERVER, secrets.token_bytes)
    initiator = Initiator(key, b"", secrets.token_bytes)
    reply, _ = respond(key, b"", initiator.message, secrets.token_bytes)
    link = initiator.finish(reply)
    Envelope(sending=link.to_programmer, receiving=link.to_pump)
    gc.freeze()


@contextlib.contextmanager
def _key_log(path: Path | None) -> Iterator[KeyLog | None]:
    if path is None:
        yield None
        return
    with contextlib.closing(KeyLog(path)) as key_log:
        yield key_log


def _write_key(path: Path, host: PumpHost) -> None:
    """Write the clinician's key of a pump, wherever it has it from."""
    guard = host.endpoint.guard
    if guard is None:
        raise OptionError(f"--key-file = {path}: a legacy-insecure pump has no key")
    write_key_file(path, guard.keys[UserRole.CLINICIAN])


def _style(options: RunOptions) -> Style:
    if not options.as_json:
        return Style.PEOPLE
    return Style.JSON if options.events else Style.SILENT


def _serve(options: RunOptions, index: int, announcer: Announcer) -> Served:
    """One of the pumps, made; its port is still to be opened."""
    port = open_port(port_of_several(options.port, index, options.count))
    link_ns = time.monotonic_ns()
    assembly = Assembly(options, link_ns, index)
    reporter = Reporter(assembly.endpoint, announcer.say, _style(options))
    for wire in assembly.wires(reporter.tell_link_fault):
        from pump_sim.ports.impaired import ImpairedPort  # noqa: PLC0415 - only if wanted

        port = ImpairedPort(port, wire.impairment, wire.therapy_ms)
    if assembly.play is not None:
        from pump_sim.scenario.stage import Stage  # noqa: PLC0415 - only scenarios need it

        keys = keyboard.is_available() and not options.as_json
        stage = Stage(assembly.play, reporter, link_ns, keys=keys)
        host = PumpHost(assembly.endpoint, port)  # the stage tells the records itself
        host.watch(lambda _: stage.look())
        return Served(host, assembly, stage)

    return Served(PumpHost(assembly.endpoint, port, reporter.tell_record), assembly, None)


async def _open_door(address: str, hosts: list[PumpHost]) -> "Door":
    from pump_sim.control.door import Door  # noqa: PLC0415 - a pump without a door need not load it

    door = Door(address, hosts, SIMULATOR_NOTICE)
    await door.open()
    return door


def _tell_ready(
    options: RunOptions, served: Sequence[Served], door: str | None, announcer: Announcer
) -> None:
    kept = served[0].assembly.kept
    for note in () if kept is None else kept.notes:
        sys.stderr.write(f"pump-sim: {note}\n")
    if options.as_json:
        announcer.say(json.dumps(ready_line(served, door)))
        return
    for line in ready_text(options, served, door):
        announcer.say(line)
    announcer.say(KEYS_HELP if keyboard.is_available() else "Ctrl-C ends it")
