"""A pump in a process of its own, on a real port, and a client at its door; it always ends.

However a test ends, and whatever became of the pump, its process is told to end, then killed. If
the test's own process is killed, the pump ends by itself.
"""

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from pump_sim.control.asker import ConnectionEnded, ControlFailed
from pump_sim.control.client import ControlClient
from pump_sim.testing.errors import NoSuchPump, PumpFailed, PumpNotStarted
from pump_sim.testing.options import PumpOptions, read_options

END_S: Final = 5.0
"""How long a pump that is told to end may take before it is killed."""

_SHOWN_BYTES: Final = 4_000
"""How much of what a pump wrote to stderr stands in an error: the end of it tells why."""


class PumpProcess(ControlClient):
    """A client at the door of a pump in another process; make one with :func:`pump_process`.

    :ivar address: where a programmer finds the pump: a device path, or a URL for pyserial.
    :ivar key: a clinician's key of the pump, as a programmer takes it; None of one that has no
        keys, or has had its own for longer (``state_file=``).
    :ivar keys: the keys of all roles, by their names; none where `key` is None. A pump that is
        implanted later has others.
    :ivar control: where its door is, for further clients.
    :ivar process: the pump's process, for tests that kill or stop it.
    """

    def __init__(self, child: "_Child", ready: Mapping[str, Any], timeout_s: float) -> None:
        super().__init__(ready["control"], timeout_s=timeout_s)
        self._child = child
        self.process: subprocess.Popen[bytes] = child.process
        self.address: str = ready["address"]
        self.key: str | None = ready["key"]
        self.keys: dict[str, str] = ready["keys"]
        self.control: str = ready["control"]

    def end(self) -> None:
        """Be gone, for tests and programmers alike; may be called twice."""
        self.close()
        self._child.end()


@contextmanager
def pump_process(port: str = "pty", **options: object) -> Iterator[PumpProcess]:
    """A pump on *port* for as long as the context lasts.

    :param port: as ``pump-sim run --port`` takes it.
    :param options: those of ``pump-sim run``, by their names in Python; ``state``: what the pump's
        state is, or a file with it; ``deadline_s``: how long it may take to start, and to answer.
    :raises NoSuchPump: there can be no such pump.
    :raises PumpNotStarted: it ended, or was not ready in time.
    :raises PumpFailed: at the end: it had broken down.
    """
    wanted = read_options(options)
    began_s = time.monotonic()
    with _child(port, wanted) as child:
        ready = child.ready(wanted.deadline_s)
        left_s = max(0.1, began_s + wanted.deadline_s - time.monotonic())
        with _client(child, ready, left_s) as pump:
            if wanted.state is not None:
                _load(pump, wanted.state)
            pump.timeout_s = wanted.deadline_s
            yield pump


def _client(child: "_Child", ready: Mapping[str, Any], timeout_s: float) -> PumpProcess:
    try:
        return PumpProcess(child, ready, timeout_s)
    except ConnectionEnded as error:
        raise PumpNotStarted(child.told(str(error))) from error


def _load(pump: PumpProcess, state: Mapping[str, Any]) -> None:
    try:
        pump.load(dict(state))
    except ControlFailed as error:
        raise NoSuchPump(f"state: {error}") from error


@contextmanager
def _child(port: str, wanted: PumpOptions) -> Iterator["_Child"]:
    child = _Child(["run", "--json", "--port", port, "--control", "0", *wanted.arguments])
    try:
        yield child
        child.end()
        child.check()
    finally:
        child.end()
        child.close()


class _Child:
    """The process, and what it writes."""

    def __init__(self, arguments: list[str]) -> None:
        self._command = " ".join(["pump-sim", *arguments])
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        try:
            self.process = self._start(arguments)
        except (OSError, ValueError) as error:
            self.close()
            raise PumpNotStarted(f"{self._command}: could not be started: {error}") from error
        self._reader = threading.Thread(target=self._read, name="pump-sim", daemon=True)
        self._reader.start()

    def _start(self, arguments: list[str]) -> "subprocess.Popen[bytes]":
        # -P: a test's folder may hold anything, a `serial.py` as well. A session of its own: Ctrl-C
        # in a debugger is not for the pump.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "pump_sim.testing.child", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )

    def _read(self) -> None:
        """Take all that it says, so that it never waits; only the first line is of interest."""
        assert self.process.stdout is not None
        self._lines.put(self.process.stdout.readline())
        while self.process.stdout.read(65536):
            pass

    def ready(self, deadline_s: float) -> dict[str, Any]:
        """What its first line says.

        :raises PumpNotStarted: there was none in time.
        """
        try:
            line = self._lines.get(timeout=deadline_s)
        except queue.Empty:
            why = f"was not ready within {deadline_s:g} s, and was ended"
            raise PumpNotStarted(self.told(why)) from None
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            code = self._wait(END_S)
            ended = f"ended with exit code {code} before it was ready"
            raise PumpNotStarted(
                self.told(f"said {line!r} first" if code is None else ended)
            ) from None
        return told

    def told(self, why: str) -> str:
        """What happened, with the command and what it wrote to stderr."""
        size = self._errors.seek(0, 2)
        self._errors.seek(max(0, size - _SHOWN_BYTES))
        written = self._errors.read().decode(errors="replace").strip()
        return f"{self._command}: {why}\n{written or '(it wrote nothing to stderr)'}"

    def check(self) -> None:
        """Complain about a process that had ended with an error, once it has ended.

        One that a test has killed is as the test wants it.
        """
        code = self.process.returncode
        if code is not None and code > 0:
            raise PumpFailed(self.told(f"ended with exit code {code}"))

    def _wait(self, seconds: float) -> int | None:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """Have it end, by force if it must be; may be called twice."""
        try:
            self.process.terminate()
            self._wait(END_S)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(END_S)
            self._reader.join(END_S)
            for stream in (self.process.stdin, self.process.stdout):
                assert stream is not None
                stream.close()

    def close(self) -> None:
        """Forget what it wrote."""
        self._errors.close()
