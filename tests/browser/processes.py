"""The console and the clinician's programmer as processes, as a user starts them.

What a page shows of them is no business of this module.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

START_S: Final = 40.0
END_S: Final = 15.0


class ServedPages:
    """A process that serves pages.

    :ivar url: of its first page, without a slash at the end.
    :ivar ready: its first line, which says where everything is.
    """

    URL = "url"
    """What its first line calls the address of the pages."""

    def __init__(self, module: str, arguments: tuple[str, ...], errors: Path) -> None:
        self._errors = errors
        # What it keeps of its own, such as keys, goes where its errors go.
        own = {"HOME": str(errors.parent), "XDG_CONFIG_HOME": str(errors.parent), "PUMP_KEY": ""}
        with errors.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **own},
            )
        try:
            self.ready: Mapping[str, Any] = json.loads(self._first_line())
            self.url = str(self.ready[self.URL]).rstrip("/")
        except BaseException:
            self.kill()
            raise

    def _first_line(self) -> bytes:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], START_S)
        line = self.process.stdout.readline() if readable else b""
        assert line, f"it did not start within {START_S:g} s: {self.errors()}"
        return line

    def errors(self) -> str:
        """What it has written to stderr."""
        return self._errors.read_text("utf-8", "replace")

    def end(self) -> None:
        """End it as a user does; it must say nothing of mistakes of its own.

        :raises AssertionError: it did not end well.
        """
        if self.process.poll() is None:
            self.process.terminate()
        code = self._reap()
        assert "Traceback" not in self.errors(), self.errors()
        assert code == 0, f"exit code {code}: {self.errors()}"

    def kill(self) -> None:
        """End it without a word, as a crash does."""
        self.process.kill()
        self._reap()

    def _reap(self) -> int:
        assert self.process.stdout is not None
        try:
            return self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()


class Console(ServedPages):
    """A `pump-sim console`.

    :ivar address: of its pump's port, as the programmer takes it.
    :ivar key: the clinician's.
    """

    URL = "http"

    def __init__(self, *options: str, http: str = "127.0.0.1:0", errors: Path) -> None:
        given = ("console", "--http", http, "--port", "tcp:0", "--json", *options)
        super().__init__("pump_sim", given, errors)
        self.address = str(self.ready["address"])
        self.key = str(self.ready["key"])


@contextmanager
def running_console(*options: str, http: str = "127.0.0.1:0") -> Iterator[Console]:
    """A console, for as long as it is needed."""
    with TemporaryDirectory(prefix="pump-sim-browser-") as folder:
        console = Console(*options, http=http, errors=Path(folder) / "stderr")
        ended = False
        try:
            yield console
            ended = console.process.poll() is not None
        except BaseException:
            ended = True
            if console.process.poll() is None:
                console.kill()
            raise
        finally:
            if not ended:
                console.end()


@contextmanager
def running_programmer(address: str, *options: str) -> Iterator[ServedPages]:
    """The clinician's programmer in the browser, at the pump of this address."""
    given = ("--port", address, *options, "web", "--http", "127.0.0.1:0", "--json")
    with TemporaryDirectory(prefix="pump-sim-browser-") as folder:
        programmer = ServedPages("pump_programmer", given, Path(folder) / "stderr")
        try:
            yield programmer
        except BaseException:
            programmer.kill()
            raise
        else:
            programmer.end()
