"""A program in a terminal of its own, as a reader of the documentation would run it.

Everything that is waited for has a deadline, and every process ends with its terminal. What a page
means by its commands is :mod:`tests.docs.reader`'s business.
"""

import fcntl
import os
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Self

ROWS, COLUMNS = 40, 100


class Terminal:
    """A shell command in a new terminal, until `close`."""

    def __init__(self, command: str, *, cwd: Path, env: Mapping[str, str]) -> None:
        self._master, replica = os.openpty()
        attributes = termios.tcgetattr(replica)
        attributes[1] &= ~termios.ONLCR  # what a program writes is what we read
        termios.tcsetattr(replica, termios.TCSANOW, attributes)
        fcntl.ioctl(replica, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._output = bytearray()
        self._changed = threading.Condition()
        self._ended = False
        try:
            self._process = subprocess.Popen(
                ["bash", "-c", command],
                stdin=replica,
                stdout=replica,
                stderr=replica,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
            )
        finally:
            os.close(replica)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @contextmanager
    def closing(self) -> Iterator[Self]:
        """Close it in the end, whatever happens."""
        try:
            yield self
        finally:
            self.close()

    @property
    def output(self) -> str:
        """Everything written so far."""
        return self._output.decode(errors="replace")

    def type(self, text: str) -> None:
        """Type *text* at the terminal."""
        os.write(self._master, text.encode())

    def wait_until(self, found: Callable[[str], bool], seconds: float) -> bool:
        """Wait until *found* likes the output; False if the output ended, or time ran out, first.

        A program that ends without it is not waited for.
        """
        give_up_at = monotonic() + seconds
        with self._changed:
            while not found(self.output):
                left = give_up_at - monotonic()
                if self._ended or left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def wait(self, seconds: float) -> int | None:
        """The exit code; None if the program still runs after *seconds*."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(seconds)
        return code

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.killpg(self._process.pid, signal.SIGINT)

    def close(self) -> None:
        """End the program and everything that it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                try:
                    os.killpg(self._process.pid, number)
                except ProcessLookupError:
                    break
                self.wait(5)
        self._process.wait(5)
        self._reader.join(5)
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the last program of this terminal has ended
                data = b""
            with self._changed:
                self._output += data
                self._ended = not data
                self._changed.notify_all()
            if not data:
                return
