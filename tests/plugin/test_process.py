"""The pump in a process of its own, without pytest's fixtures around it."""

import json
import os
import signal
from pathlib import Path

import pytest

from pump_sim.control.asker import ConnectionEnded
from pump_sim.control.client import ControlClient
from pump_sim.testing import process
from pump_sim.testing.errors import NoSuchPump, PumpNotStarted
from pump_sim.testing.process import PumpProcess, pump_process


def test_pump_that_hangs_fails_the_test_in_time(pump_on_tcp: PumpProcess) -> None:
    """Each answer has a deadline, which a test may change; afterwards the pump goes on."""
    os.kill(pump_on_tcp.process.pid, signal.SIGSTOP)
    pump_on_tcp.timeout_s = 0.1
    with pytest.raises(ConnectionEnded, match=r"no answer within 0\.1 s"):
        pump_on_tcp.truth()
    os.kill(pump_on_tcp.process.pid, signal.SIGCONT)
    pump_on_tcp.timeout_s = 20
    assert pump_on_tcp.time()["therapy_ms"] == 0


def test_pump_that_is_ended_is_gone(pump_on_tcp: PumpProcess) -> None:
    """Before its test is over, for those who ask it; and no trouble comes of it."""
    pump_on_tcp.end()
    assert pump_on_tcp.process.returncode == 0
    with pytest.raises(ConnectionEnded):
        pump_on_tcp.truth()
    pump_on_tcp.end()


def test_pump_goes_on_when_its_test_leaves_the_door(pump_on_tcp: PumpProcess) -> None:
    """Another client can come."""
    pump_on_tcp.close()
    with pytest.raises(ConnectionEnded):
        pump_on_tcp.truth()
    with ControlClient(pump_on_tcp.control) as client:
        assert client.time()["therapy_ms"] == 0


def test_pump_begins_in_the_state_of_another_one(tmp_path: Path, pump_on_tcp: PumpProcess) -> None:
    """From a file; one that no pump can be in is refused with its key, and nothing is left over."""
    pump_on_tcp.advance(days=100)
    state = pump_on_tcp.state()
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state))
    with pump_process("tcp", state=path) as pump:
        assert pump.state() == state
        assert pump.time()["speed"] == 0
    state["state"]["at_ms"] = -1
    with pytest.raises(NoSuchPump, match=r"state: .*at_ms"), pump_process("tcp", state=state):
        pass
    assert pump.process.returncode == 0


def test_door_that_does_not_open_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command, so that it can be tried by hand."""

    def fail(*_: object) -> None:
        raise ConnectionEnded("there is no door")

    monkeypatch.setattr(process, "PumpProcess", fail)
    with (
        pytest.raises(PumpNotStarted, match=r"(?s)pump-sim run .*--port tcp.*there is no door"),
        pump_process("tcp"),
    ):
        pass


def test_program_that_is_no_pump_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says something, but not that it is ready; it is ended."""
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho hello\nexec sleep 60\n")
    other.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(other))
    monkeypatch.setattr(process, "END_S", 0.1)
    with pytest.raises(PumpNotStarted, match=r"said b'hello.*first"), pump_process("tcp"):
        pass


def test_port_is_any_that_the_command_line_takes(tmp_path: Path) -> None:
    """A stable name, for instance, which goes when the pump does."""
    link = tmp_path / "pump"
    with pump_process(f"pty:{link}") as pump:
        assert pump.address == str(link)
        assert link.exists()
    assert not link.is_symlink()
