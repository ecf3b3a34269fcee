"""The demo: a pump in one process, programmers in others, and a real port between them.

It starts the two commands as a person would in two terminals and tells what is seen. It imports
nothing of the programmer: what it knows of the pump, it was told over the port.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

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


class DemoFailed(Exception):
    """The demo did not show what it should; the message says where."""


def say(line: str) -> None:
    """Print a line now: whoever watches through a pipe wants to see it happen."""
    print(line, flush=True)  # noqa: T201 - a demo talks


def play() -> int:
    """Play the demo on standard output; returns an exit code, 0 if all went as it should."""
    say("SIMULATOR - never for clinical use. Two processes, one virtual serial port.\n")
    try:
        with _pump() as address:
            _show(address)
    except DemoFailed as error:
        say(f"\nThe demo failed: {error}")
        return 1
    return 0


def _show(address: str) -> None:
    say(f"[1] A pump runs in a process of its own, at {address}: {RESERVOIR_ML} mL in the")
    say(f"    reservoir, {SPEED:,} times real time, so a day of therapy takes a second.")
    say("\n[2] A programmer, another process, interrogates it over the port:\n")
    _tell(address, "interrogate")

    say(f"\n[3] The clinician programs {NEW_DOSE}; the pump echoes it, the review shows both:\n")
    _tell(address, "program", "--dose", NEW_DOSE, "--yes")
    status = _ask(address, "interrogate")
    expected_ms = status["low_reservoir_at_ms"]
    say("\n    The low-reservoir alarm follows from rate and volume. The pump now expects it at")
    say(f"    {_moment(status, expected_ms)} (pump time {expected_ms:,} ms).")

    say("\n[4] Days pass. The believed volume falls:\n")
    status = _watch(address)
    raised_ms = status["alarms"][0]["raised_at_ms"]
    if raised_ms != expected_ms:
        raise DemoFailed(f"the alarm was raised at {raised_ms} ms, not at {expected_ms} ms")
    say(f"\n    ALARM low reservoir, raised at {_moment(status, raised_ms)}")
    say(f"    (pump time {raised_ms:,} ms): to the millisecond what was expected.")

    say("\n[5] A refill ends it:\n")
    _tell(address, "refill", "--volume", "20 mL", "--yes")
    if _ask(address, "interrogate")["alarms"]:
        raise DemoFailed("an alarm is still listed after the refill")
    say("\nDone. Now try it yourself in two terminals:")
    say("    pump-sim run --speed 3600")
    say("    pump-programmer --port ADDRESS interrogate")


def _watch(address: str) -> dict[str, Any]:
    """Interrogate until the low-reservoir alarm is there, drawing the volume at each look."""
    for _ in range(MAX_LOOKS):
        status = _ask(address, "interrogate")
        volume_nl = status["believed_volume_nl"]
        bar = "#" * round(40 * volume_nl / (RESERVOIR_ML * 1_000_000))
        say(f"    {_moment(status, status['at_ms'])}  {volume_nl / 1e6:6.3f} mL  {bar}")
        if status["alarms"]:
            return status
    raise DemoFailed("no alarm came")


def _moment(status: dict[str, Any], at_ms: int) -> str:
    return clock_text(status["implanted_clock_ms"] + at_ms)


# --- Processes -----------------------------------------------------------------------------------


@contextmanager
def _pump() -> Iterator[str]:
    """A pump in a process of its own; gives the address of its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pump_sim", *PUMP], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise DemoFailed("the pump did not start")
        yield json.loads(line)["address"]
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def _programmer(address: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pump_programmer", "--port", address, *arguments]


def _tell(address: str, *arguments: str) -> None:
    """Run the programmer for a person to read."""
    say("    $ pump-programmer --port ADDRESS " + " ".join(arguments) + "\n")
    result = subprocess.run(
        _programmer(address, *arguments), stdout=subprocess.PIPE, text=True, check=False
    )
    for line in result.stdout.splitlines():
        say(f"    {line}".rstrip())
    if result.returncode:
        raise DemoFailed(f"'pump-programmer {arguments[0]}' ended with {result.returncode}")


def _ask(address: str, command: str) -> dict[str, Any]:
    """Run the programmer and read its JSON."""
    result = subprocess.run(
        _programmer(address, command, "--json"), stdout=subprocess.PIPE, text=True, check=False
    )
    if result.returncode:
        raise DemoFailed(f"'pump-programmer {command} --json' ended with {result.returncode}")
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer
