"""Real processes of the two commands, which end whatever a test does."""

import contextlib
import io
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from unittest import mock

import pytest

from pump_programmer import cli

DEADLINE_S = 20.0


class RunningPump:
    """A ``pump-sim run --json`` process and what its first line said."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready
        self.address: str = ready["address"]
        self.key: str | None = ready["key"]

    def line(self) -> dict[str, Any]:
        """The next line of its standard output."""
        assert self.process.stdout is not None
        parsed: dict[str, Any] = json.loads(self.process.stdout.readline())
        return parsed


@contextmanager
def running_pump(*options: str) -> Iterator[RunningPump]:
    """A pump on a pty, unless the options say otherwise."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pump_sim", "run", "--json", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield RunningPump(process, json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(DEADLINE_S)
        process.stdout.close()


def pump_sim(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``pump-sim`` run to its end."""
    return _run("pump_sim", *arguments)


def programmer(*arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    """``pump-programmer`` run to its end; it has *key*, and nobody else's."""
    return _run("pump_programmer", *arguments, key=key)


def ask(at: RunningPump | str, *arguments: str, key: str | None = None) -> dict[str, Any]:
    """The JSON that ``pump-programmer`` prints; it must have succeeded.

    It runs in this process, which is much quicker than one of its own.

    :param at: the pump whose key it has, or an address and its *key*.
    """
    if isinstance(at, RunningPump):
        at, key = at.address, at.key
    written, complaints = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with (
        mock.patch.dict(os.environ, _environment(key)),
        mock.patch.object(sys, "argv", ["pump-programmer", "--port", at, *arguments, "--json"]),
        contextlib.redirect_stdout(written),
        contextlib.redirect_stderr(complaints),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main()
    written.seek(0)
    complaints.seek(0)
    assert ended.value.code == 0, complaints.read()
    answer: dict[str, Any] = json.load(written)
    return answer


def _environment(key: str | None) -> dict[str, str]:
    return {"COLUMNS": "200", "PUMP_PORT": "", "PUMP_KEY": key or ""}


def _run(module: str, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env={**os.environ, **_environment(key)},
    )


_IN_A_TERMINAL = """
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Makes the pty its controlling terminal, as a shell's is, and becomes the wanted module."""


class Terminal:
    """A command in a terminal of its own, as a person has it: keys in, screen out."""

    def __init__(self, *arguments: str) -> None:
        self._master, replica = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_A_TERMINAL, *arguments],
            stdin=replica,
            stdout=replica,
            stderr=replica,
            start_new_session=True,
        )
        os.close(replica)
        self._screen = ""

    def press(self, keys: str) -> None:
        """Type *keys*."""
        os.write(self._master, keys.encode())

    def cook(self) -> None:
        """Put the terminal into line mode, as a shell does while a program is stopped."""
        attributes = termios.tcgetattr(self._master)
        attributes[3] |= termios.ICANON | termios.ECHO
        termios.tcsetattr(self._master, termios.TCSANOW, attributes)

    def wait_for(self, text: str) -> str:
        """Everything on the screen up to and including *text*, which is taken off it."""
        until = time.monotonic() + DEADLINE_S
        while text not in self._screen:
            ready, _, _ = select.select([self._master], [], [], max(0, until - time.monotonic()))
            assert ready, f"{text!r} did not appear on {self._screen!r}"
            try:
                self._screen += os.read(self._master, 4096).decode()
            except OSError:
                raise AssertionError(f"{text!r} did not appear on {self._screen!r}") from None
        before, _, self._screen = self._screen.partition(text)
        return before + text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(DEADLINE_S)
        os.close(self._master)
