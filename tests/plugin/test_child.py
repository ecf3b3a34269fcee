"""A pump's process outlives nobody: what it does when the one that started it is gone."""

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pump_sim.testing.process import PumpProcess, pump_process
from tests.plugin.runs import repository, waiting

WAITS_ON_A_STABLE_NAME = """
import json, os, signal
from pump_sim.testing.process import pump_process


def test_waits():
    with pump_process("pty:PATH") as pump:
        pid = pump.process.pid
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED)
        print()
        print(json.dumps({"control": pump.control, "pid": pid}), flush=True)
        signal.pause()
"""


@contextmanager
def handle_of(pid: int) -> Iterator[int]:
    """What becomes readable when that process ends; it is killed if it has not ended by then."""
    handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing wakes a stopped process")
def test_stopped_pump_ends_when_pytest_is_killed(tmp_path: Path) -> None:
    """It is woken, and ends as it should: the name of its port goes with it."""
    name = tmp_path / "pump"
    test = WAITS_ON_A_STABLE_NAME.replace("PATH", str(name))
    with waiting(repository(tmp_path, test)) as run, handle_of(run.told["pid"]) as pump:
        assert name.is_symlink()
        run.process.send_signal(signal.SIGKILL)
        run.process.wait(10)
        ended, _, _ = select.select([pump], [], [], 10)
    assert ended
    assert not name.is_symlink()


def test_pump_outlives_the_thread_that_started_it() -> None:
    """A test may start its pumps in threads, which end before the pumps do."""
    context = pump_process("tcp")
    pumps: list[PumpProcess] = []
    starter = threading.Thread(target=lambda: pumps.append(context.__enter__()))
    starter.start()
    starter.join()
    try:
        assert pumps[0].advance(hours=1) is not None
        assert pumps[0].process.poll() is None
    finally:
        context.__exit__(None, None, None)
