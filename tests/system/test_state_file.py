"""``pump-sim run --state`` as its users have it: real processes, real kills, a real full disk."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pump_programmer.errors import OutcomeUnknown
from pump_programmer.programmer import Programmer
from pump_protocol import messages as m
from pump_protocol.codes import BolusKind
from pump_sim.commands.run_options import read_run_options
from pump_sim.control.client import ControlClient
from pump_sim.options import OptionError
from pump_sim.testing.options import run_defaults
from pump_sim.testing.virtual import virtual_pump
from soak.kills import run_kills
from tests.memory_folder import memory_folder
from tests.system.processes import DEADLINE_S, ask, programmer, pump_sim

KILLS = 5


class Kept:
    """A pump process with a state file, which a test may kill.

    :param measured: whether coverage is taken, which wants to write a file, too, at the end.
    """

    def __init__(self, file: Path, *options: str, measured: bool = True) -> None:
        self.file = file
        env = {
            name: value
            for name, value in os.environ.items()
            if measured or not name.startswith("COVERAGE_")
        }
        command = [sys.executable, "-m", "pump_sim", "run", "--json", "--state", str(file)]
        self.process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.ready: dict[str, Any] = json.loads(line)
        self.address: str = self.ready["address"]

    def kill(self) -> None:
        """The power goes."""
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code, and what it said on standard error."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, said


@contextmanager
def kept(file: Path, *options: str, measured: bool = True) -> Iterator[Kept]:
    """A pump that is gone at the end, whatever a test does."""
    pump = Kept(file, *options, measured=measured)
    try:
        yield pump
    finally:
        pump.kill()


@pytest.fixture(name="file")
def _file() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder / "pump.db"


def test_kept_pump_goes_on_after_a_restart(file: Path) -> None:
    """Its prescription, its keys and its time; the ready line says where it comes from."""
    with kept(file, "--reservoir-ml", "12.5") as pump:
        assert pump.ready["state"] == {"file": str(file), "origin": "new", "notes": []}
        key = pump.ready["key"]
        done = programmer(
            "--port", pump.address, "program", "--dose", "330 mcg/day", "--yes", key=key
        )
        assert done.returncode == 0, done.stderr
        before = ask(pump.address, "interrogate", key=key)
        assert pump.end() == (0, "")
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    with kept(file, "--speed", "0") as pump:
        assert pump.ready["state"]["origin"] == "file"
        assert pump.ready["key"] is None  # it is known already, and need not be shown again
        after = ask(pump.address, "interrogate", key=key)
    assert after["prescription_version"] == 2
    assert after["prescription"] == before["prescription"]
    assert 12_000_000 < after["believed_volume_nl"] <= before["believed_volume_nl"]
    assert after["at_ms"] >= before["at_ms"]


def test_nothing_acknowledged_is_lost_by_kills() -> None:
    """SIGKILL at random moments while orders and prescriptions are given: what was acknowledged is
    there once and whole, and what became of the others can be found out (REQ-23, REQ-25). A
    thousand of them are ``make kills``."""
    tally = run_kills(KILLS, "system")
    assert tally.wrong == []
    assert tally.counts["kills"] + tally.counts["kills at the start"] == KILLS
    assert tally.counts["acknowledged"] > KILLS


def _order(number: int) -> m.OrderBolus:
    return m.OrderBolus(number, BolusKind.SINGLE, 5_000, 2_000_000, 2_500, 3_600_000)


def _order_until_it_fails(link: Programmer) -> None:
    for number in range(2, 100):
        link.abort_bolus()
        link.exchange(_order(number))


# --- What goes wrong -----------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="Linux only")
@pytest.mark.parametrize("port", ["pty", "tcp"])
def test_full_disk_ends_the_pump_before_it_answers(file: Path, port: str) -> None:
    """Exit code 74 and the reason; the file holds what was acknowledged, and nothing else was."""
    with kept(file, "--port", port, measured=False) as pump:
        key = pump.ready["key"]
        with Programmer(pump.address, key=key) as link:
            link.exchange(_order(1))
        # From now on no file of this process grows: as on a disk that has no room left.
        size = Path(f"{file}-wal").stat().st_size
        resource.prlimit(pump.process.pid, resource.RLIMIT_FSIZE, (size, size))
        with Programmer(pump.address, key=key) as link:
            with pytest.raises(OutcomeUnknown):
                _order_until_it_fails(link)
            number = link.last_order_number
        code, said = pump.process.wait(DEADLINE_S), pump.end()[1]
    assert code == 74
    assert f"pump-sim: the state file {file} cannot be written" in said
    assert "Traceback" not in said
    with kept(file) as pump, Programmer(pump.address, key=key) as link:
        assert pump.ready["state"]["origin"] == "file"
        assert link.last_order_number in {number - 1, number}


def test_damaged_file_is_told_and_kept(file: Path) -> None:
    """On standard error and in the ready line; the pump is there, in its safe state."""
    file.write_bytes(b"hello")
    with kept(file) as pump:
        state = pump.ready["state"]
        assert state["origin"] == "damaged-file"
        status = ask(pump.address, "interrogate", key=pump.ready["key"])
        alarms = {each["alarm"] for each in status["alarms"]}
        assert {"critical_memory_error", "safe_state"} <= alarms
        assert status["prescription"]["mode"] == "minimum_rate"
        said = pump.end()[1]
    assert said.splitlines() == [f"pump-sim: {note}" for note in state["notes"]]
    assert Path(f"{file}.damaged-1").read_bytes() == b"hello"


def test_file_that_a_running_pump_has_is_refused(file: Path) -> None:
    """Exit code 2, and the first pump goes on."""
    with kept(file) as pump:
        second = pump_sim("run", "--state", str(file))
        assert second.returncode == 2
        assert "another process is using it" in second.stderr
        ask(pump.address, "interrogate", key=pump.ready["key"])


@pytest.mark.parametrize("what", ["read-only file", "unreadable file", "read-only folder"])
def test_file_that_cannot_be_written_is_refused(file: Path, what: str) -> None:
    """At the start, exit code 2, in the system's words: not at the first order."""
    with virtual_pump(state_file=str(file)):
        pass  # the pump of a test's own process is kept just so
    found = file.read_bytes()
    file.chmod({"read-only file": 0o444, "unreadable file": 0o000}.get(what, 0o600))
    file.parent.chmod(0o555 if what == "read-only folder" else 0o755)
    result = _as_somebody_else(file)
    file.parent.chmod(0o755)
    assert result.returncode == 2, result.stderr
    assert "cannot be used" in result.stderr
    assert "Traceback" not in result.stderr
    assert file.read_bytes() == found


def _as_somebody_else(file: Path) -> subprocess.CompletedProcess[str]:
    """A run that the permissions of files bind; root's are bound by none."""
    command = [sys.executable, "-m", "pump_sim", "run", "--json", "--state", str(file)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if os.getuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("nothing binds root here")
        # To the same effect as another user, who might not be allowed to read the interpreter.
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE_S, check=False, env=environment
    )


OF_A_START = (
    ("--profile", "pump-40ml"),
    ("--drug", "morphine"),
    ("--dose-mcg-per-day", "200"),
    ("--concentration-mcg-per-ml", "500"),
    ("--reservoir-ml", "5"),
    ("--start", "2026-01-31T08:00"),
    ("--serial-number", "OTHER"),
    ("--battery", "no-drain"),
    ("--patient", "new"),
    ("--security", "legacy-insecure"),
    ("--updates", "historic"),
)


@pytest.mark.parametrize("option", OF_A_START, ids=lambda option: option[0])
def test_start_of_another_pump_is_refused_beside_a_file(
    file: Path, option: tuple[str, str]
) -> None:
    """By its name, and before the file is opened: what it has is not what was asked for."""
    file.write_bytes(b"whatever")
    wanted = {name.removeprefix("--").replace("-", "_"): value for name, value in [option]}
    with pytest.raises(OptionError, match=f"^{option[0]}: the state file .* has its own"):
        read_run_options(wanted, **{**run_defaults(), **wanted, "state_file": str(file)})
    assert file.read_bytes() == b"whatever"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"count": 2}, "a state file is of one pump"),
        ({"scenario": "missed-refill"}, "a scenario brings its own pump"),
        ({"resume": "stay", "speed": "2"}, "--resume stay pauses the pump"),
        ({"resume": "later"}, "--resume = 'later': allowed are go-on, catch-up, stay"),
        ({"state_file": "/nowhere/pump.db"}, "--state = /nowhere/pump.db: there is no folder"),
        ({"state_file": "/"}, "--state = /: that is a folder"),
        ({"state_file": ""}, "--state = '': allowed is the path of a file"),
        (
            {"state_file": "same", "key_file": "same"},
            "--key-file = same: that is the file of --state",
        ),
        ({"state_file": None, "resume": "stay"}, "--resume goes with --state"),
    ],
    ids=str,
)
def test_options_that_cannot_go_together_are_refused(
    file: Path, options: dict[str, object], words: str
) -> None:
    """In one sentence that names the option."""
    wanted = {"state_file": str(file), **options}
    with pytest.raises(OptionError) as refused:
        read_run_options(wanted, **{**run_defaults(), **wanted})
    assert words in str(refused.value)


def test_resume_stay_waits_until_it_is_told(file: Path) -> None:
    """Therapy time stands still, and goes on at the speed of a new run when somebody lets it."""
    with virtual_pump(state_file=str(file)) as virtual:
        key = virtual.key
    with kept(file, "--resume", "stay", "--control", "tcp:0") as pump:
        first = ask(pump.address, "interrogate", key=key)
        assert ask(pump.address, "interrogate", key=key)["at_ms"] == first["at_ms"]
        with ControlClient(pump.ready["control"]) as door:
            door.ask("speed", speed=1)
            while ask(pump.address, "interrogate", key=key)["at_ms"] == first["at_ms"]:
                pass
