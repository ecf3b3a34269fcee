"""Starting the processes that are measured, as a user's machine would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pump_protocol.keys import Key


class RunningPump(NamedTuple):
    """A pump that is served on a port.

    :ivar key: a clinician's; None of a pump that has no keys.
    """

    process: subprocess.Popen[str]
    address: str
    key: Key | None


def environment() -> dict[str, str]:
    """Ours, but with bytecode caching as an installed package has it."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run Python with *arguments*; gives the process and its first line of output."""
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env=environment()
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def running_pump(*options: str) -> Iterator[RunningPump]:
    """Run a pump."""
    command = ("-m", "pump_sim", "run", "--port", "pty", "--json", *options)
    with running(*command) as (process, line):
        ready = json.loads(line)
        key = ready["key"]
        yield RunningPump(process, ready["address"], key and Key.from_text(key))
