"""A real ``pump-sim run --state FILE`` in a process of its own, to be killed and started again."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final, Self

SPEED: Final = 3_600
"""Therapy time per real time: a bolus of a minute is over in 17 ms."""

_READY_S: Final = 30.0


class NotStarted(Exception):
    """The pump ended before it was ready."""


class KeptPump:
    """One run of a pump that is kept in a folder; the address is the same in every run.

    It ends with this process, however that ends.
    """

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "port")
        # Left behind by the one that was killed, it may lead to a terminal that is somebody else's
        # by now; and what may be a running pump's is not taken from it.
        Path(self.address).unlink(missing_ok=True)
        self._errors = (folder / "stderr").open("wb")
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(
            [
                sys.executable, "-P", "-m", "pump_sim.testing.child", "run", "--json",
                "--port", f"pty:{self.address}", "--state", str(folder / "pump.state"),
                "--speed", str(SPEED), "--resume", "go-on",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
        )  # fmt: skip
        self._folder = folder
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Killed at the latest now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        self.kill()
        self.process.wait(_READY_S)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self._errors.close()

    def ready(self) -> dict[str, Any]:
        """What it says once it is ready.

        :raises NotStarted: it ended instead.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            said = (self._folder / "stderr").read_text(errors="replace").strip().splitlines()
            code = self.process.wait(_READY_S)
            raise NotStarted(f"exit code {code}: {said[-1] if said else 'it said nothing'}")
        told: dict[str, Any] = json.loads(line)
        return told

    def kill_in(self, seconds: float) -> None:
        """SIGKILL it after so long, whatever it does then."""
        self._timer = threading.Timer(seconds, self.kill)
        self._timer.daemon = True
        self._timer.start()

    def kill(self) -> None:
        """SIGKILL it now."""
        self.process.kill()
