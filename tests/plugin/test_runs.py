"""The plugin in repositories of other people: real runs of pytest, with what they bring along."""

import signal
import time
from pathlib import Path

import pytest

from tests.plugin.runs import pytest_run, repository, waiting

A_TEST_OF_EACH = """
import serial


def test_virtual(virtual_pump):
    virtual_pump.advance(hours=36)
    assert virtual_pump.time()["therapy_ms"] == 36 * 3_600_000
    with serial.serial_for_url(virtual_pump.address, timeout=1) as port:
        assert port.read(1) == b""


def test_pty(pump_on_pty):
    number = pump_on_pty.inject("motor_stall", at_ms="1 h")
    pump_on_pty.advance(hours=36)
    assert pump_on_pty.truth()["stalled"]
    assert pump_on_pty.clear(number)
    with serial.serial_for_url(pump_on_pty.address, timeout=0) as port:
        assert port.read(1) == b""


def test_tcp(pump_on_tcp):
    pump_on_tcp.advance(hours=36)
    assert pump_on_tcp.belief()["at_ms"] == 36 * 3_600_000
    with serial.serial_for_url(pump_on_tcp.address, timeout=0) as port:
        assert port.is_open
"""

WAITS = """
import json, signal
from pump_sim.testing import process


def test_waits(pump_on_tcp):
    address = pump_on_tcp.hello()["pumps"][0]["address"]
    print()
    print(json.dumps({"control": pump_on_tcp.control, "address": address}), flush=True)
    FIRST
    signal.pause()
"""


def test_nothing_of_ours_is_imported_until_a_fixture_is_used(tmp_path: Path) -> None:
    """Whoever has pump-sim installed pays for it in those tests that use a pump."""
    test = """
import sys

OURS = ("pump_sim", "pump_programmer", "pump_protocol")
LIBRARIES = {"simpy", "serial", "pydantic", "typer", "construct", "cattrs", "rich"}


def loaded():
    return {name for name in sys.modules if name.split(".")[0] in OURS}


def test_before():
    assert loaded() == {"pump_sim", "pump_sim.pytest_plugin"}
    assert not LIBRARIES & set(sys.modules)


def test_with_a_pump(virtual_pump):
    assert "pump_sim.model.pump" in loaded()
"""
    result = pytest_run(repository(tmp_path, test), "-p", "no:hypothesispytest", "-p", "no:xdist")
    assert "2 passed" in result.stdout, result.stdout


@pytest.mark.parametrize(
    "options", [(), ("-p", "xdist", "-n", "2"), ("--import-mode=importlib",)], ids=" ".join
)
def test_fixtures_work_where_folders_have_the_names_of_ours(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """The people who test programmers are those who have a `protocol` and a `programmer`."""
    theirs = "raise AssertionError('theirs')"
    folder = repository(
        tmp_path,
        A_TEST_OF_EACH,
        protocol____init__=theirs,
        programmer____init__=theirs,
        pump_sim__nothing=theirs,
    )
    result = pytest_run(folder, *options)
    assert "3 passed" in result.stdout, result.stdout + result.stderr


def test_process_of_a_pump_sees_nothing_of_the_folder_it_is_started_in(tmp_path: Path) -> None:
    """Whatever file of the tests' folder has the name of a library that the pump needs."""
    test = "def test_starts(pump_on_tcp): assert pump_on_tcp.time()['therapy_ms'] == 0"
    theirs = "raise AssertionError('theirs')"
    result = pytest_run(repository(tmp_path, test, simpy=theirs, asyncio____init__=""))
    assert "1 passed" in result.stdout, result.stdout


def test_marker_is_known_and_explained(tmp_path: Path) -> None:
    """Strict markers refuse an unknown one; `--markers` tells what this one takes."""
    folder = repository(tmp_path, "def test_nothing(): pass")
    assert "@pytest.mark.pump(**options)" in pytest_run(folder, "--markers").stdout


def test_wrong_options_fail_the_test_with_a_sentence(tmp_path: Path) -> None:
    """The name that is wrong, the nearest that is right, and no traceback of ours."""
    test = """
import pytest


@pytest.mark.pump(dose_mcg_per_dya=800)
def test_unknown(virtual_pump): pass


@pytest.mark.pump(reservoir_ml=99)
def test_out_of_range(virtual_pump): pass


@pytest.mark.pump(reservoir_ml=99)
def test_out_of_range_in_a_process(pump_on_tcp): pass


@pytest.mark.pump(800)
def test_without_a_name(virtual_pump): pass
"""
    result = pytest_run(repository(tmp_path, test))
    assert "4 errors" in result.stdout
    assert "Did you mean dose_mcg_per_day?" in result.stdout
    told = "--reservoir-ml = 99: allowed is a number from 0 to 20"
    # Once each, and once more in the summary where CI is set, which pytest then does not shorten.
    assert result.stdout.count(told) in {2, 4}
    assert "ended with exit code 2 before it was ready" in result.stdout
    assert "give each option by its name" in result.stdout
    assert "pytest_plugin.py" not in result.stdout


def test_pump_ends_when_the_test_fails_or_hangs_it(tmp_path: Path) -> None:
    """A failing test, a pump that was stopped and cannot be told to end, one that was killed."""
    test = """
import os
import signal

import pytest
from pump_sim.testing import process

process.END_S = 0.5
processes = []


@pytest.fixture(autouse=True)
def remember(monkeypatch, pump_on_tcp):
    processes.append(pump_on_tcp.process)


def test_fails():
    assert 0


def test_hangs_it():
    os.kill(processes[-1].pid, signal.SIGSTOP)


def test_kills_it(pump_on_tcp):
    processes[-1].kill()
    processes[-1].wait(10)
"""
    after = """
import os


def pytest_sessionfinish(session):
    import test_it
    codes = [each.returncode for each in test_it.processes]
    print("ended with", codes)
"""
    result = pytest_run(repository(tmp_path, test, conftest=after), "-s")
    assert "1 failed, 2 passed" in result.stdout, result.stdout
    assert "ended with [0, -9, -9]" in result.stdout


def test_pump_that_breaks_down_is_told(tmp_path: Path) -> None:
    """Even if the test did not notice: its stderr is the reason."""
    test = """
import pytest
from pump_sim.testing import process


class Broken(process._Child):
    def check(self):
        self.process.returncode = 70
        super().check()


def test_did_not_notice(monkeypatch, request):
    monkeypatch.setattr(process, "_Child", Broken)
    request.getfixturevalue("pump_on_tcp")
"""
    result = pytest_run(repository(tmp_path, test))
    assert "1 passed, 1 error" in result.stdout, result.stdout
    assert "ended with exit code 70" in result.stdout
    assert "(it wrote nothing to stderr)" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_pump_ends_when_pytest_does(tmp_path: Path, number: signal.Signals) -> None:
    """Interrupted by a person, cancelled by CI, killed for want of memory."""
    with waiting(repository(tmp_path, WAITS.replace("FIRST", "pass"))) as run:
        run.process.send_signal(number)
        began_s = time.monotonic()
        assert run.pump_ends(10)
        run.process.wait(10)
        assert time.monotonic() - began_s < 10


def test_interrupted_pytest_ends_a_pump_that_hangs(tmp_path: Path) -> None:
    """Ctrl-C comes back within the pump's deadline, whatever the pump does."""
    first = "import os; os.kill(pump_on_tcp.process.pid, signal.SIGSTOP); process.END_S = 0.5"
    with waiting(repository(tmp_path, WAITS.replace("FIRST", first))) as run:
        run.process.send_signal(signal.SIGINT)
        run.process.wait(15)
        assert run.process.returncode == 2
        assert run.pump_ends(1)


def test_pump_that_does_not_start_in_time_is_ended(tmp_path: Path) -> None:
    """A clear error, with what it wrote, within the deadline that the test gave."""
    test = """
import os
import sys

import pytest


@pytest.mark.pump(deadline_s=0.01)
def test_late(pump_on_tcp): pass


def test_broken_installation(monkeypatch, request):
    monkeypatch.setattr(sys, "executable", "FALSE")
    request.getfixturevalue("pump_on_tcp")
"""
    broken = tmp_path / "broken-python"
    broken.write_text("#!/bin/sh\necho 'no such module' >&2\nexit 3\n")
    broken.chmod(0o755)
    result = pytest_run(repository(tmp_path, test.replace("FALSE", str(broken))))
    assert "1 failed, 1 error" in result.stdout, result.stdout
    assert "was not ready within 0.01 s, and was ended" in result.stdout
    assert "ended with exit code 3 before it was ready" in result.stdout
    assert "no such module" in result.stdout


def test_doctests_and_other_items_do_not_mind(tmp_path: Path) -> None:
    """The plugin asks nothing of those who do not use it."""
    folder = repository(tmp_path, '"""\n>>> 1 + 1\n2\n"""\n')
    assert "1 passed" in pytest_run(folder, "--doctest-modules").stdout
