"""A pump with keys as its users have it: what is told, what is written, how one pairs."""

import json
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pump_programmer.errors import AuthenticationFailed, InsecurePump, NotPermitted
from pump_programmer.programmer import Programmer
from pump_protocol.codes import UserRole
from pump_protocol.keys import Key
from pump_sim.cli import app
from pump_sim.commands import pairing
from pump_sim.pairing import code_lines
from tests.system.processes import RunningPump, Terminal, ask, programmer, pump_sim, running_pump

ROLES = {role.name.lower() for role in UserRole}
PAUSED = ("--speed", "0")


@pytest.fixture(scope="module")
def two() -> Iterator[RunningPump]:
    """A run of two pumps with a door, for all tests here."""
    with running_pump(*PAUSED, "--count", "2", "--port", "tcp", "--control", "0") as pumps:
        yield pumps


def complaint(*arguments: str) -> str:
    """What is said by a command that ends with 2 before there is a pump."""
    result = pump_sim(*arguments)
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.replace("│", " ").split())


# --- The first line ------------------------------------------------------------------------------


def test_every_run_and_every_pump_has_keys_of_its_own(two: RunningPump) -> None:
    """Random, and none of them in the next run; that of another pump opens nothing."""
    told = [each["key"] for each in two.ready["pumps"]]
    assert two.key == told[0]
    with (
        pytest.raises(AuthenticationFailed),
        Programmer(two.ready["pumps"][1]["address"], key=told[0]) as other,
    ):
        other.interrogate()
    historic = ("--updates", "historic")
    with running_pump(*PAUSED, "--count", "2", "--port", "tcp", *historic) as next_run:
        assert next_run.ready["warning"].startswith("HISTORIC UPDATES: staging stops")
        told += [each["key"] for each in next_run.ready["pumps"]]
        # Whoever reaches a door may do anything; whoever only has the port shall not.
        assert all("keys" not in each for each in (next_run.ready, *next_run.ready["pumps"]))
    keys = [Key.from_text(text) for text in told]
    assert {key.role for key in keys} == {UserRole.CLINICIAN}
    assert len({key.secret for key in keys}) == len({key.key_id for key in keys}) == 4


def test_keys_of_all_roles_are_told_where_there_is_a_door(two: RunningPump) -> None:
    keys = two.ready["keys"]
    assert keys.keys() == ROLES
    assert two.ready["pumps"][0]["keys"] == keys
    assert keys["clinician"] == two.key
    with Programmer(two.address, key=keys["observer"]) as observer:
        assert observer.interrogate().at_ms == 0
        with pytest.raises(NotPermitted):
            observer.write_note("I was here")


def test_pump_without_security_is_labelled_everywhere() -> None:
    """In the line for programs, on the screen for people, and nobody talks to it unawares."""
    warning = "LEGACY-INSECURE: no authentication, whoever reaches the port may program this pump"
    legacy = (*PAUSED, "--security", "legacy-insecure")
    with running_pump(*legacy, "--control", "0") as pump:
        assert pump.ready["security_profile"] == "legacy_insecure"
        assert pump.ready["warning"] == warning
        assert (pump.key, pump.ready["keys"]) == (None, {})
        with pytest.raises(InsecurePump), Programmer(pump.address) as unaware:
            unaware.interrogate()
        with Programmer(pump.address, insecure=True) as aware:
            assert aware.interrogate().at_ms == 0
    with Terminal("pump_sim", "run", *legacy) as terminal:
        screen = terminal.wait_for("q quit")
        assert warning in screen
        assert "--insecure interrogate" in screen
        terminal.press("h")
        terminal.wait_for("the programming head lies on the pump")
        terminal.press("p")
        terminal.wait_for("it takes no key, there is none to give")


# --- Files ---------------------------------------------------------------------------------------


def test_key_file_and_key_log_of_a_run(tmp_path: Path) -> None:
    """The key for a programmer, the links for whoever captures the wire; for their owner alone."""
    key, links = tmp_path / "pump.key", tmp_path / "links"
    options = (*PAUSED, "--port", "tcp", "--key-file", str(key), "--key-log", str(links))
    with running_pump(*options) as pump:
        assert key.read_text("ascii") == f"{pump.key}\n"
        with Programmer(pump.address, key=f"@{key}") as link:
            last = links.read_text("ascii").splitlines()[-1]
            assert int(last.split(" ")[0], 16) == link.link_id
        number = pump.address.rpartition(":")[2]
        # A pump that cannot have the port leaves the key of the one that has it.
        assert pump_sim("run", "--port", f"tcp:{number}", "--key-file", str(key)).returncode == 3
        assert key.read_text("ascii") == f"{pump.key}\n"
    assert [stat.S_IMODE(each.stat().st_mode) for each in (key, links)] == [0o600] * 2


@pytest.mark.parametrize("option", ["--key-file", "--key-log"])
def test_file_that_holds_something_else_is_left_alone(tmp_path: Path, option: str) -> None:
    """Exit code 2, and no pump was started."""
    path = tmp_path / "file"
    path.write_text("my thesis\n")
    said = complaint("run", option, str(path))
    assert f"{option} = {path}: the file holds something" in said
    assert path.read_text() == "my thesis\n"


def test_pump_without_keys_has_none_to_write(tmp_path: Path) -> None:
    path = tmp_path / "pump.key"
    said = complaint("run", "--security", "legacy-insecure", "--key-file", str(path))
    assert "a legacy-insecure pump has no key" in said
    assert not path.exists()


# --- Pairing -------------------------------------------------------------------------------------


def test_code_from_the_door_makes_a_programmer_that_needs_no_key(
    two: RunningPump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pump-sim pair`, then `pump-programmer pair`: from then on the key store has it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    whose = ("--pump", "SIM-0001-1", "--role", "patient")
    result = pump_sim("pair", "--control", two.ready["control"], *whose)
    assert result.returncode == 0, result.stderr
    code = result.stdout.strip()
    for line in code_lines(two.address, code, UserRole.PATIENT):
        assert line in result.stderr
    (use,) = re.findall(r"use it:  pump-programmer (.*)", result.stderr)
    paired = programmer(*use.split())
    assert paired.returncode == 0, paired.stderr
    assert ask(two.address, "interrogate")["at_ms"] == 0
    again = programmer(*use.split())
    assert again.returncode == 15  # it works once
    for told in (result, paired):
        for key in two.ready["keys"].values():
            assert Key.from_text(key).secret.hex() not in told.stdout + told.stderr


def test_code_is_json_for_programs_and_of_the_pump_that_is_meant(two: RunningPump) -> None:
    door, second = two.ready["control"], two.ready["pumps"][1]
    arguments = (
        "pair",
        "--control",
        door,
        "--role",
        "Service",
        "--pump",
        second["serial_number"],
        "--json",
    )
    told: dict[str, Any] = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert told.pop("code")
    assert told == {
        "role": "service",
        "serial_number": second["serial_number"],
        "expires_in_ms": 120_000,
        "address": second["address"],
    }
    said = complaint("pair", "--control", door)
    assert "--pump: say which one; this door has SIM-0001-1, SIM-0001-2" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--control", "nonsense"), "allowed are unix:PATH"),
        (
            ("--control", "unix:/nowhere/door"),
            "unix:/nowhere/door: there is no door at unix:/nowhere/door: No such file or directory",
        ),
        (("--control", "1", "--role", "doctor"), "observer, patient, clinician, service"),
    ],
)
def test_code_that_cannot_be_had_is_told(arguments: tuple[str, ...], words: str) -> None:
    result = CliRunner().invoke(app, ["pair", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in " ".join(result.stderr.replace("│", " ").split())


def test_something_else_that_listens_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pairing, "PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        number = silent.getsockname()[1]
        result = CliRunner().invoke(app, ["pair", "--control", str(number)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"pump-sim: --control = {number}: no answer within 0.05 s\n"


def test_trainer_pairs_with_keys_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head on, a code, how it is used and when it is void; head off, and it is."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with Terminal("pump_sim", "run", *PAUSED, "--port", "tcp") as terminal:
        screen = terminal.wait_for("p pairing code")
        assert "PUMP_KEY=clinician-" in screen
        terminal.press("p")
        terminal.wait_for("lay the programming head on the pump first: h")
        terminal.press("hp")
        terminal.wait_for("the programming head lies on the pump")
        told = terminal.wait_for("while the head lies there")
        assert "it works once, within 2 min" in told
        found = re.search(r"use it:  pump-programmer (.*?)\r?\n", told)
        assert found is not None
        use = found[1].split()
        terminal.press("hh")
        terminal.wait_for("the programming head is off the pump")
        terminal.wait_for("the programming head lies on the pump")
        assert programmer(*use).returncode != 0
        terminal.press("p")
        found = re.search(
            r"use it:  pump-programmer (.*?)\r?\n", terminal.wait_for("while the head lies there")
        )
        assert found is not None
        paired = programmer(*found[1].split())
        assert paired.returncode == 0, paired.stderr
        terminal.press("b")
        terminal.wait_for("it counts for 30 s")
        terminal.press("q")
        assert terminal.process.wait(10) == 0
