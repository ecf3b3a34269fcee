"""The demo: a pump in one process, programmers in others, and a real port between them.

It starts the two commands as a person would in two terminals and tells what is seen. The key of the
pump is made at its start, and handed to the programmers in their environment. It imports nothing of
the programmer: what it knows of the pump, it was told over the port.
"""

import json
import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import serial

from pump_protocol.codes import RefusalCode
from pump_protocol.events import RefusalReceived
from pump_protocol.messages import OpenLink
from pump_protocol.session import Role, Session
from pump_sim.narration import clock_text
from pump_sim.ports import default_spec

SPEED: Final = 86_400  # a day of therapy in a second
RESERVOIR_ML: Final = 5
START: Final = "2026-01-05T08:00"
PUMP: Final = (
    *("run", "--port", default_spec(), "--speed", str(SPEED), "--reservoir-ml", str(RESERVOIR_ML)),
    *("--dose-mcg-per-day", "800", "--start", START, "--json"),
)
NEW_DOSE: Final = "880 mcg/day"
MAX_LOOKS: Final = 200
"""More than the ten days to the alarm can take, so that a demo of a broken pump ends too."""


STRANGER_S: Final = 5.0
"""How long somebody without a key waits for an answer."""


class Pump(NamedTuple):
    """Where the pump is, and a clinician's key of it."""

    address: str
    key: str


class DemoFailed(Exception):
    """The demo did not show what it should; the message says where."""


def say(line: str) -> None:
    """Print a line now: whoever watches through a pipe wants to see it happen."""
    print(line, flush=True)  # noqa: T201 - a demo talks


def play() -> int:
    """Play the demo on standard output; returns an exit code, 0 if all went as it should."""
    say("SIMULATOR - never for clinical use. Two processes, one virtual serial port.\n")
    try:
        with _pump() as pump:
            _show(pump)
    except DemoFailed as error:
        say(f"\nThe demo failed: {error}")
        return 1
    return 0


def _show(pump: Pump) -> None:
    say(f"[1] A pump runs in a process of its own, at {pump.address}: {RESERVOIR_ML} mL in the")
    say(f"    reservoir, {SPEED:,} times real time, so a day of therapy takes a second.")
    say("    It made a clinician's key at its start. Whoever has none gets nothing from it:\n")
    say(f"    {_without_a_key(pump.address)}")
    say("\n[2] A programmer, another process, has the key. Each of its sessions is authenticated,")
    say("    and encrypted on the port. It interrogates the pump:\n")
    _tell(pump, "interrogate")

    say(f"\n[3] The clinician programs {NEW_DOSE}; the pump echoes it, the review shows both:\n")
    _tell(pump, "program", "--dose", NEW_DOSE, "--yes")
    status = _ask(pump, "interrogate")
    expected_ms = status["low_reservoir_at_ms"]
    say("\n    The low-reservoir alarm follows from rate and volume. The pump now expects it at")
    say(f"    {_moment(status, expected_ms)} (pump time {expected_ms:,} ms).")

    say("\n[4] Days pass. The believed volume falls:\n")
    status = _watch(pump)
    raised_ms = status["alarms"][0]["raised_at_ms"]
    if raised_ms != expected_ms:
        raise DemoFailed(f"the alarm was raised at {raised_ms} ms, not at {expected_ms} ms")
    say(f"\n    ALARM low reservoir, raised at {_moment(status, raised_ms)}")
    say(f"    (pump time {raised_ms:,} ms): to the millisecond what was expected.")

    say("\n[5] A refill ends it:\n")
    _tell(pump, "refill", "--volume", "20 mL", "--yes")
    if _ask(pump, "interrogate")["alarms"]:
        raise DemoFailed("an alarm is still listed after the refill")
    say("\nDone. Now try it yourself in two terminals:")
    say("    pump-sim run --speed 3600 --key-file pump.key")
    say("    PUMP_KEY=@pump.key pump-programmer --port ADDRESS interrogate")


def _watch(pump: Pump) -> dict[str, Any]:
    """Interrogate until the low-reservoir alarm is there, drawing the volume at each look."""
    for _ in range(MAX_LOOKS):
        status = _ask(pump, "interrogate")
        volume_nl = status["believed_volume_nl"]
        bar = "#" * round(40 * volume_nl / (RESERVOIR_ML * 1_000_000))
        say(f"    {_moment(status, status['at_ms'])}  {volume_nl / 1e6:6.3f} mL  {bar}")
        if status["alarms"]:
            return status
    raise DemoFailed("no alarm came")


def _without_a_key(address: str) -> str:
    """What the pump answers somebody who asks for a link as every pump once granted it."""
    stranger = Session(Role.PROGRAMMER, link_id=1 + secrets.randbits(32))
    stranger.send_request(OpenLink(1), 0)
    with serial.serial_for_url(address, timeout=STRANGER_S) as line:
        line.write(stranger.data_to_send())
        while byte := line.read(1):
            stranger.receive_data(byte, 0)
            event = stranger.next_event()
            if isinstance(event, RefusalReceived):
                codes = [reason.code for reason in event.refusal.reasons]
                if codes != [RefusalCode.AUTHENTICATION_REQUIRED]:
                    raise DemoFailed(f"who has no key was answered {codes}")
                return "open_link without a key -> refused: AUTHENTICATION_REQUIRED, and logged"
    raise DemoFailed("who has no key was not refused")


def _moment(status: dict[str, Any], at_ms: int) -> str:
    return clock_text(status["implanted_clock_ms"] + at_ms)


# --- Processes -----------------------------------------------------------------------------------


@contextmanager
def _pump() -> Iterator[Pump]:
    """A pump in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pump_sim", *PUMP], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise DemoFailed("the pump did not start")
        ready = json.loads(line)
        yield Pump(ready["address"], ready["key"])
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def _programmer(pump: Pump, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a programmer to its end; nobody finds the key in a list of processes."""
    return subprocess.run(
        [sys.executable, "-m", "pump_programmer", "--port", pump.address, *arguments],
        env={**os.environ, "PUMP_KEY": pump.key},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def _tell(pump: Pump, *arguments: str) -> None:
    """Run the programmer for a person to read."""
    say(f"    $ pump-programmer --port ADDRESS {shlex.join(arguments)}\n")
    result = _programmer(pump, *arguments)
    for line in result.stdout.splitlines():
        say(f"    {line}".rstrip())
    if result.returncode:
        raise DemoFailed(f"'pump-programmer {arguments[0]}' ended with {result.returncode}")


def _ask(pump: Pump, command: str) -> dict[str, Any]:
    """Run the programmer and read its JSON."""
    result = _programmer(pump, command, "--json")
    if result.returncode:
        raise DemoFailed(f"'pump-programmer {command} --json' ended with {result.returncode}")
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer
