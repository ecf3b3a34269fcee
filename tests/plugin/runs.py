"""Real runs of pytest, each in a process and a repository of its own, as other people have them."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SECONDS = 60.0
"""How long a run may take that does not hang."""

ALWAYS = ("-p", "no:cacheprovider", "-W", "error", "--strict-markers", "--strict-config")


def repository(folder: Path, test: str, **files: str) -> Path:
    """A repository with one file of tests, and others, whose names have __ for a folder."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(test)
    for name, text in files.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def environment() -> dict[str, str]:
    """That of a person who has typed nothing into it yet."""
    unwanted = ("PYTEST", "PUMP_", "PYTHONPATH")
    return {key: each for key, each in os.environ.items() if not key.startswith(unwanted)}


def pytest_run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``python -m pytest`` in that folder, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *ALWAYS, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Waiting:
    """A run of pytest whose test has said a line of JSON and waits; and a line to its pump's door.

    The door's connection ends when the pump does, so nothing has to ask over and over.
    """

    def __init__(self, process: "subprocess.Popen[str]", told: dict[str, Any]) -> None:
        self.process = process
        self.told = told
        number = int(told["control"].rpartition(":")[2])
        self._door = socket.create_connection(("127.0.0.1", number), 10)

    def pump_ends(self, seconds: float) -> bool:
        """Whether the pump ends within so long."""
        self._door.settimeout(seconds)
        try:
            return self._door.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:  # it went in the middle of something
            return True

    def close(self) -> None:
        """Hang up."""
        self._door.close()


@contextlib.contextmanager
def waiting(folder: Path, *arguments: str) -> Iterator[Waiting]:
    """A run of a test that prints ``{"control": ...}`` and then waits for ever."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *ALWAYS, "-q", "-s", *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    run = None
    try:
        line = next((each for each in process.stdout if each.startswith("{")), "")
        assert line, "the test never came to its pump"
        run = Waiting(process, json.loads(line))
        yield run
    finally:
        process.kill()
        process.wait(SECONDS)
        process.stdin.close()
        process.stdout.close()
        if run is not None:
            run.close()
