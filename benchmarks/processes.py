"""Starting the processes that are measured, as a user's machine would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
def running_pump(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a pump; gives the process and the address of its port."""
    command = ("-m", "pump_sim", "run", "--port", "pty", "--json", *options)
    with running(*command) as (process, line):
        yield process, json.loads(line)["address"]
