"""``pump-sim run`` as its users have it: real processes, real ports, real signals."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pump_programmer.programmer import Programmer
from pump_protocol.codes import MessageType
from pump_protocol.frames import Frame
from pump_sim import app as application
from pump_sim.cli import app
from pump_sim.options import RunOptions
from pump_sim.telemetry import Telemetry
from tests.pump_sim.virtual import start
from tests.system.processes import Terminal, ask, programmer, pump_sim, running_pump


def test_first_line_has_the_address_that_a_programmer_takes() -> None:
    """Two commands, two processes: the printed address works as it is."""
    with running_pump("--reservoir-ml", "12.5") as pump:
        assert pump.ready["simulator"] is True
        assert pump.ready["security_profile"] == "authenticated"
        said = {"address": pump.address, "serial_number": "SIM-0001", "model": "VP-20"}
        assert pump.ready["pumps"] == [{**said, "key": pump.key}]
        asked = programmer("--port", pump.address, "interrogate", "--json", key=pump.key)
        status = json.loads(asked.stdout)
    assert status["reservoir_capacity_nl"] == 20_000_000
    assert 12_499_000 <= status["believed_volume_nl"] <= 12_500_000


@pytest.mark.parametrize("port", ["pty", "tcp", "rfc2217"])
def test_every_port_is_usable_by_the_programmer(port: str) -> None:
    """The address of each kind of port is one that pyserial opens."""
    with running_pump("--port", port) as pump:
        told = programmer("--port", pump.address, "identify", "--json", key=pump.key)
        assert json.loads(told.stdout)["nature"] == "simulator"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly_and_remove_the_link(tmp_path: Path, number: int) -> None:
    """Ctrl-C and SIGTERM: exit code 0, and no stale name is left behind."""
    link = tmp_path / "pump"
    with running_pump("--port", f"pty:{link}") as pump:
        assert pump.address == str(link)
        assert link.is_symlink()
        pump.process.send_signal(number)
        assert pump.process.wait(10) == 0
    assert not link.is_symlink()


def test_several_pumps_in_one_process_are_several_pumps() -> None:
    """Each has its own port, serial number and therapy."""
    with running_pump("--count", "3", "--port", "tcp") as pump:
        pumps = pump.ready["pumps"]
        assert pump.address == pumps[0]["address"]
        for each in pumps:
            identity = ask(each["address"], "identify", key=each["key"])
            assert identity["serial_number"] == each["serial_number"]
        serials = [each["serial_number"] for each in pumps]
        assert len(set(serials)) == 3
        ask(pumps[1]["address"], "program", "--dose", "330 mcg/day", "--yes", key=pumps[1]["key"])
        told = [ask(each["address"], "interrogate", key=each["key"]) for each in pumps]
        assert [each["prescription_version"] for each in told] == [1, 2, 1]


def test_numbered_and_named_ports_are_counted_up(tmp_path: Path) -> None:
    """A link given for several pumps becomes one name for each."""
    with running_pump("--count", "2", "--port", f"pty:{tmp_path / 'pump'}") as pump:
        addresses = [each["address"] for each in pump.ready["pumps"]]
    assert addresses == [str(tmp_path / "pump-1"), str(tmp_path / "pump-2")]


def test_events_are_json_lines_at_their_exact_time() -> None:
    """At a hundred days a second, the alarm of day 45 is told as of day 45 to the millisecond."""
    options = ("--speed", "10000000", "--dose-mcg-per-day", "800", "--events")
    with running_pump(*options) as pump:
        event = pump.line()
    assert (event["event"], event["at_ms"]) == ("alarm_raised", 45 * 86_400_000)
    assert "low reservoir" in event["text"]


def test_speed_jump_goes_to_the_next_event_when_the_link_is_quiet() -> None:
    """A test suite asks, and the next time it asks the next thing has happened."""
    with running_pump("--speed", "jump", "--dose-mcg-per-day", "800", "--events") as pump:
        assert ask(pump, "interrogate")["at_ms"] == 0
        assert pump.line()["event"] == "alarm_raised"
        assert ask(pump, "interrogate")["at_ms"] == 45 * 86_400_000


def test_start_sets_the_pumps_clock() -> None:
    """A fixed start makes every date of an output reproducible."""
    with running_pump("--start", "2026-01-31T08:00", "--speed", "0") as pump:
        status = ask(pump, "interrogate")
    assert status["clock_ms"] == status["implanted_clock_ms"] == 1_769_846_400_000


def test_keys_pause_jump_fill_and_quit() -> None:
    """A running pump is steered from its terminal with single keys, which are told on request."""
    command = ("pump_sim", "run", "--dose-mcg-per-day", "800", "--start", "2026-01-01T00:00")
    with Terminal(*command) as terminal:
        screen = terminal.wait_for("q quit")
        assert "never for clinical use" in screen
        terminal.press(" ")
        terminal.wait_for("paused")
        terminal.press("+")
        terminal.wait_for("speed: 10 times")
        terminal.press("n")
        assert "2026-02-15 00:00:00" in terminal.wait_for("ALARM low reservoir")
        terminal.press("n")
        terminal.wait_for("INFUSION STOPPED by empty reservoir")
        terminal.press("f")
        terminal.wait_for("filled by hand")
        terminal.press("s")
        terminal.wait_for("alarms: low reservoir, empty reservoir")
        terminal.wait_for("believed 0 mL, actual 20 mL")
        terminal.press("?")
        terminal.wait_for("n next event")
        terminal.press("q")
        assert terminal.process.wait(10) == 0


@pytest.mark.parametrize(("hands", "actual"), [("follow", "20"), ("off", "0")])
def test_hands_follow_a_refill_or_do_not(hands: str, actual: str) -> None:
    """A refill typed into a programmer and drug in the reservoir are two things (domain 1.4)."""
    options = ("--reservoir-ml", "0", "--speed", "0", "--hands", hands, "--port", "tcp")
    with Terminal("pump_sim", "run", *options) as terminal:
        screen = terminal.wait_for("q quit")
        address = re.search(r"is at (\S+)", screen)
        key = re.search(r"key of this run \(clinician\): (\S+)", screen)
        assert address is not None
        assert key is not None
        arguments = ("--port", address[1], "refill", "--volume", "20 mL", "--yes")
        done = programmer(*arguments, key=key[1])
        assert done.returncode == 0, done.stderr
        terminal.wait_for("reservoir updated")
        terminal.press("s")
        terminal.wait_for(f"believed 20 mL, actual {actual} mL")


def test_miniterm_on_the_port_does_not_disturb_the_pump() -> None:
    """A curious person opens the port with a terminal program, types, and leaves."""
    with running_pump("--speed", "0") as pump:
        before = ask(pump, "interrogate")
        with Terminal("serial.tools.miniterm", pump.address, "9600") as terminal:
            terminal.wait_for("Miniterm on")
            terminal.press("hello pump\r\n\x00\xff")
            terminal.press("\x1d")
            terminal.process.wait(10)
        after = ask(pump, "interrogate")
    for status in (before, after):
        del status["access_log"]
    assert after == before


def test_busy_port_says_so() -> None:
    """Exit code 3 and the address that somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        result = pump_sim("run", "--port", f"tcp:{number}")
    assert result.returncode == 3
    assert str(number) in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--speed", "-1"), ("--speed = -1", "0 to 10,000,000")),
        (("--speed", "fast"), ("--speed = fast", "jump")),
        (("--speed", "1e999999999"), ("--speed",)),
        (("--speed", "1e-99999999"), ("--speed",)),
        (("--speed", "0.0001"), ("--speed = 0.0001", "0, or 0.001 to 10,000,000")),
        (("--reservoir-ml", "5 mL"), ("--reservoir-ml = 5 mL", "a number from 0 to 20 (mL)")),
        (("--reservoir-ml", "10.0000000000000000000000001"), ("--reservoir-ml",)),
        (("--serial-number", "x" * 31, "--count", "20"), ("--serial-number", "1 to 29 bytes")),
        (("--serial-number", "\udcff"), ("--serial-number", "printable")),
        (("--reservoir-ml", "20.1"), ("reservoir-ml = 20.1", "0 to 20 (mL)")),
        (("--reservoir-ml", "nan"), ("reservoir-ml = nan", "0 to 20 (mL)")),
        (("--reservoir-ml", "1.0000001"), ("reservoir-ml = 1.0000001", "1/1,000,000 mL")),
        (("--count", "0"), ("count = 0", "1 to 256")),
        (("--profile", "nothing"), ("nothing", "pump-20ml", "pump-40ml")),
        (("--dose-mcg-per-day", "50"), ("0.025 mL/day", "0.048", "24 mL/day")),
        (("--dose-mcg-per-day", "2001"), ("dose-mcg-per-day = 2001", "2,000 (mcg/day)")),
        (("--concentration-mcg-per-ml", "0"), ("--concentration-mcg-per-ml = 0", "mcg/mL")),
        (("--drug", ""), ("drug", "1 to 32 bytes")),
        (("--start", "yesterday"), ("start = 'yesterday'", "2026-01-31T08:00")),
        (("--start", "2026-01-31T08:00+01:00"), ("without a zone",)),
        (("--serial-number", ""), ("serial-number", "1 to 32 bytes")),
        (("--hands", "busy"), ("hands = 'busy'", "follow, off")),
        (("--battery", "full"), ("battery = 'full'", "drain-and-fail, drain-only, no-drain")),
        (("--patient", "ill"), ("patient = 'ill'", "treated, new")),
        (("--events",), ("--events needs --json",)),
    ],
    ids=lambda value: "-".join(value)[:40] if isinstance(value, tuple) else value,
)
def test_bad_option_names_field_value_and_range(
    arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    """Exit code 2, one clear sentence with the unit, never a traceback."""
    result = CliRunner().invoke(app, ["run", *arguments])
    assert result.exit_code == 2, result.stderr
    told = " ".join(result.stderr.split())
    for words in said:
        assert words in told


def test_bad_port_is_named_with_what_is_allowed() -> None:
    """As a process: what is wrong with a port is found out as late as when it is opened."""
    result = pump_sim("run", "--port", "usb")
    assert result.returncode == 2
    for words in ("--port", "usb", "pty", "tcp"):
        assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_profiles_shows_figures_with_their_sources() -> None:
    """What is unverified says so."""
    assert "pump-40ml" in pump_sim("profiles").stdout
    figures = pump_sim("profiles", "pump-20ml").stdout
    assert re.search(r"capacity_nl +20,000,000\n +P1", figures)
    assert "unverified" in figures


def test_commands_tell_their_version() -> None:
    """Both commands, one version."""
    versions = {
        result.stdout.split()[-1] for result in (pump_sim("--version"), programmer("--version"))
    }
    assert len(versions) == 1


def test_demo_ends_well_and_its_alarm_is_exact() -> None:
    """The first thing that a newcomer runs."""
    result = pump_sim("demo")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "to the millisecond what was expected" in result.stdout
    assert "never for clinical use" in result.stdout


def test_unread_output_holds_nothing_up() -> None:
    """A test suite that reads the first line and no more: the pump answers, and can be ended."""
    with (
        running_pump("--speed", "0", "--events") as pump,
        Programmer(pump.address, key=pump.key) as programmer,
    ):
        for _ in range(1500):  # 180 bytes each, many times what a pipe holds
            programmer.self_test()
        assert programmer.identify().nature == 1
        pump.process.terminate()
        assert pump.process.wait(10) == 0


def test_clock_near_the_end_of_time_harms_nothing() -> None:
    """What a date cannot be printed of is still a clock that can be set right again."""
    options = ("--start", "9999-12-31T23:59:58", "--speed", "1000", "--events")
    with running_pump(*options) as pump:
        ask(pump, "self-test")
        ask(pump, "clock", "--set", "2026-01-01T08:00")
        assert ask(pump, "interrogate")["clock_ms"] < 1_800_000_000_000


@pytest.mark.parametrize("streams", ["<&-", ">&-", "<&- >&-", "> /dev/full"])
def test_closed_standard_streams_do_no_harm(streams: str, tmp_path: Path) -> None:
    """As a service manager starts it: no keyboard, nobody who reads, and still a pump."""
    link, key = tmp_path / "pump", tmp_path / "key"
    options = f"--port pty:{link} --key-file {key}"
    command = f"exec {sys.executable} -m pump_sim run {options} {streams}"
    with subprocess.Popen(["/bin/sh", "-c", command], stderr=subprocess.PIPE) as process:
        try:
            until = time.monotonic() + 10
            while not key.exists():
                assert time.monotonic() < until
            assert ask(str(link), "self-test", key=f"@{key}")
        finally:
            process.terminate()
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_ready_line_for_programs_that_cannot_be_written_ends_it(tmp_path: Path) -> None:
    """Whoever waits for it would wait for ever."""
    link = tmp_path / "pump"
    command = [sys.executable, "-m", "pump_sim", "run", "--json", "--port", f"pty:{link}"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=20, check=False
        )
    told = "pump-sim: standard output: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (74, told)
    assert not link.is_symlink()


def test_closing_the_terminal_removes_the_link(tmp_path: Path) -> None:
    """SIGHUP is an end like any other."""
    link = tmp_path / "pump"
    with running_pump("--port", f"pty:{link}") as pump:
        pump.process.send_signal(signal.SIGHUP)
        assert pump.process.wait(10) == 0
    assert not link.is_symlink()


def test_keys_work_again_after_the_program_was_stopped_and_resumed() -> None:
    """Ctrl-Z and fg leave the terminal in line mode; the pump takes it back."""
    with Terminal("pump_sim", "run", "--speed", "0") as terminal:
        terminal.wait_for("q quit")
        terminal.cook()
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.press("s")
        terminal.wait_for("alarms: none")
        terminal.press("q")
        assert terminal.process.wait(10) == 0


def test_bug_in_the_pump_ends_the_process_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The last resort: no pump goes on half alive, and nobody mistakes that for success."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Telemetry, "answer", broken)
    options = RunOptions(port="tcp", start=start(), as_json=True)
    address: list[str] = []

    def speak() -> None:
        while not address:
            if line := capfd.readouterr().out:
                address.append(json.loads(line)["address"])
        host, port = address[0].removeprefix("socket://").split(":")
        with socket.create_connection((host, int(port))) as line_:
            line_.sendall(Frame(MessageType.IDENTIFY, 1, 1).to_bytes())
            line_.recv(1)

    speaker = threading.Thread(target=speak)
    speaker.start()
    with pytest.raises(ZeroDivisionError, match="a bug"):
        application.run(options)
    speaker.join()


def test_pump_outlives_whoever_started_it_reading_no_further() -> None:
    """A test suite that reads the first line and no more must not block the pump, nor kill it."""
    with running_pump("--speed", "864000") as pump:
        assert pump.process.stdout is not None
        pump.process.stdout.close()
        assert ask(pump, "identify")["nature"] == "simulator"
        assert pump.process.poll() is None
        os.kill(pump.process.pid, signal.SIGTERM)
        assert pump.process.wait(10) == 0
