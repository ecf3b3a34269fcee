"""``pump-sim run --scenario`` as trainers and developers have it: real processes and real ports."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pump_sim.cli import app
from pump_sim.control.client import ControlClient, ControlFailed
from tests.system.processes import Terminal, ask, programmer, pump_sim, running_pump

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def test_a_scenario_is_played_with_its_narration_after_the_ready_line() -> None:
    """The first line says where the pump is; then comes what happens, in order, to the verdict."""
    options = ("--scenario", "mri-normal", "--speed", "86400", "--port", "tcp", "--events")
    with running_pump(*options) as pump:
        told = [pump.line()]
        while told[-1]["event"] != "ended":
            told.append(pump.line())
        events = [each["event"] for each in told]
        assert events.index("alarm_raised") < events.index("motor_recovered")
        said = [each["text"] for each in told if each["event"] == "said"]
        assert said[0] == "Into the scanner, for 45 minutes."
        assert told[-1]["unmet"] == []
        assert told[-1]["expectations"] >= 10


def test_the_ready_line_names_the_kind_of_pump_that_the_scenario_brings(tmp_path: Path) -> None:
    """Not that of a pump that nobody asked for: to programs and to people."""
    path = tmp_path / "large.toml"
    path.write_text('title = "Large"\nlength = "1 d"\n[pump]\nprofile = "pump-40ml"\n')
    options = ("--scenario", str(path), "--speed", "0", "--port", "tcp")
    with running_pump(*options) as pump:
        assert [each["model"] for each in pump.ready["pumps"]] == ["VP-40"]
    with Terminal("pump_sim", "run", *options) as terminal:
        assert "(VP-40) is at " in terminal.wait_for("q quit")


def test_a_real_programmer_meets_the_pump_of_a_scenario() -> None:
    """It is the same pump on the port: what its script has done is what is interrogated."""
    with (
        running_pump(
            "--scenario", "over-infusion", "--speed", "0", "--port", "tcp", "--control", "0"
        ) as pump,
        ControlClient(pump.ready["control"]) as door,
    ):
        door.advance(days=20)
        assert ask(pump, "interrogate")["believed_volume_nl"] == 12_000_000
        assert door.truth()["actual_volume_nl"] == 10_000_000


def test_a_key_is_made_for_the_run_and_none_comes_from_the_seed() -> None:
    """Others can reach a pump on a port: what opens it is in the ready line, and new each time."""
    options = ("--scenario", "emergency-stop", "--speed", "0", "--port", "tcp")
    with running_pump(*options) as first, running_pump(*options) as second:
        assert first.ready["security_profile"] == "authenticated"
        assert first.key != second.key
        assert ask(first, "interrogate")["infusing_nl_per_day"] == 75_000


@pytest.mark.parametrize(
    ("name", "profile", "updates", "warning"),
    [
        ("old-attacks", "legacy_insecure", "safe", "LEGACY-INSECURE: no authentication"),
        ("incomplete-update-historic", "authenticated", "historic", "HISTORIC UPDATES: staging"),
    ],
)
def test_what_is_unsafe_on_purpose_is_told(
    name: str, profile: str, updates: str, warning: str
) -> None:
    """To programs with the title, to people under it, and in the list."""
    options = ("--scenario", name, "--speed", "0", "--port", "tcp")
    with running_pump(*options, "--events") as pump:
        assert pump.ready["security_profile"] == profile
        assert (pump.key is None) == (profile == "legacy_insecure")
        told = pump.line()
        assert (told["security_profile"], told["updates"]) == (profile, updates)
    with Terminal("pump_sim", "run", *options) as terminal:
        terminal.wait_for("q quit")
        assert warning in terminal.wait_for(warning)
    listed = json.loads(pump_sim("scenarios", "--json").stdout)
    (entry,) = [each for each in listed if each["name"] == name]
    assert (entry["security_profile"], entry["updates"]) == (profile, updates)


def test_a_choice_is_decided_at_the_door() -> None:
    """Time stands at the very moment of the choice, for an advance too, until it is decided."""
    with (
        running_pump(
            "--scenario", "over-infusion", "--speed", "0", "--port", "tcp", "--control", "0"
        ) as pump,
        ControlClient(pump.ready["control"]) as door,
    ):
        assert door.ask("scenario")["scenario"]["decision"] is None
        assert door.advance(days=45)["therapy_ms"] == 30 * DAY_MS
        waits = door.ask("scenario")["scenario"]
        assert (waits["elapsed_ms"], waits["over"]) == (30 * DAY_MS, False)
        assert list(waits["decision"]["options"]) == ["compare", "wait"]
        with pytest.raises(ControlFailed, match="allowed are compare, wait"):
            door.ask("decide", option="pray")
        door.ask("decide", option="wait")
        assert door.advance(days=30)["therapy_ms"] == 60 * DAY_MS
        assert door.ask("scenario")["scenario"]["over"] is True
        with pytest.raises(ControlFailed, match="nothing waits"):
            door.ask("decide", option="wait")


def test_a_choice_is_decided_with_a_key() -> None:
    """The options are shown with numbers, and a number takes one; another one is told so."""
    arguments = ("pump_sim", "run", "--scenario", "over-infusion", "--speed", "jump")
    with Terminal(*arguments, "--port", "tcp") as terminal:
        terminal.wait_for("q quit")
        terminal.press("n")
        terminal.press("+")
        terminal.press("n" * 30)
        terminal.wait_for("2  No: the alarm will tell")
        terminal.press("7")
        terminal.wait_for("there is no option 7: press 1 to 2")
        terminal.press("2")
        terminal.wait_for("-> No: the alarm will tell")
        terminal.press("q")
        assert terminal.process.wait(10) == 0


def test_a_picked_choice_does_not_wait() -> None:
    """What is picked on the command line is taken when its moment comes."""
    options = ("--scenario", "over-infusion", "--pick", "refill=wait", "--speed", "8640000")
    with running_pump(*options, "--port", "tcp", "--events") as pump:
        told = [pump.line()]
        while told[-1]["event"] != "ended":
            told.append(pump.line())
        assert "choice" not in [each["event"] for each in told]
        assert {"choice": "refill", "option": "wait"}.items() <= next(
            each for each in told if each["event"] == "chosen"
        ).items()


def test_the_noise_of_a_scenario_is_on_the_real_port_too(tmp_path: Path) -> None:
    """A developer's own programmer meets what goes wrong on the link of the scenario."""
    path = tmp_path / "deaf.toml"
    path.write_text(
        'title = "Deaf"\nlength = "1 d"\n[[link]]\nlink = "drop"\ndirection = "to_programmer"\n'
    )
    with running_pump("--scenario", str(path), "--port", "tcp") as pump:
        result = programmer("--port", pump.address, "--timeout", "1", "interrogate", "--json")
    assert result.returncode not in {0, 2}
    assert "no answer" in result.stderr.lower()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--scenario", "mised-refill"), "Did you mean missed-refill?"),
        (
            ("--scenario", "missed-refill", "--reservoir-ml", "5"),
            "--reservoir-ml: a scenario brings",
        ),
        (("--scenario", "missed-refill", "--count", "2"), "--count = 2: a scenario is of one pump"),
        (("--scenario", "missed-refill", "--pick", "refill"), "write it as CHOICE=OPTION"),
        (
            ("--scenario", "missed-refill", "--pick", "fill=now"),
            "no choice 'fill'; there are refill",
        ),
        (
            ("--scenario", "missed-refill", "--pick", "refill=now"),
            "refill has nobody-comes, refilled",
        ),
        (("--pick", "refill=now"), "--pick goes with --scenario"),
    ],
)
def test_bad_options_are_refused_by_name(arguments: tuple[str, ...], complaint: str) -> None:
    """Nothing runs, the exit code is 2, and the message says what is allowed."""
    result = CliRunner().invoke(app, ["run", *arguments])
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.replace("│", " ").split())


# --- Snapshots -----------------------------------------------------------------------------------


def test_a_snapshot_of_a_running_pump_is_a_start(tmp_path: Path) -> None:
    """What the door of one pump gave is the state with which a scenario begins."""
    state = tmp_path / "state.json"
    with (
        running_pump("--speed", "0", "--port", "tcp", "--control", "0") as pump,
        ControlClient(pump.ready["control"]) as door,
    ):
        door.advance(days=10)
        door.fill("7 mL")
        result = pump_sim("snapshot", pump.ready["control"], "--output", str(state))
        assert result.returncode == 0, result.stderr
    path = tmp_path / "later.toml"
    path.write_text(
        'title = "Later"\nlength = "1 h"\n[pump]\nstate = "state.json"\n'
        '[[expect]]\nactual_volume = "7 mL"\nat = "0 h"\n'
        '[[expect]]\nbelieved_volume = "18.5 mL"\nat = "0 h"\n'
    )
    checked = pump_sim("check", str(path))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_snapshot_of_a_scenario_is_its_state_at_a_time(tmp_path: Path) -> None:
    """By name, at a time, through a choice; and the file of it is a source, too."""
    state = tmp_path / "day-48.json"
    options = ("--at", "48 d", "--pick", "refill=nobody-comes", "--output", str(state))
    assert pump_sim("snapshot", "missed-refill", *options).returncode == 0
    document = json.loads(state.read_text())
    assert document["format"] == "pump-sim-state"
    assert document["state"]["at_ms"] == 48 * DAY_MS
    again = pump_sim("snapshot", str(state))
    assert json.loads(again.stdout) == document


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("missed-refill", "--at", "48 d"), "choice refill: no option was picked"),
        (("missed-refill", "--at", "90 d"), "the scenario is over by then"),
        (("missed-refill", "--at", "soon"), "it should begin with a number"),
        (("nowhere.json",), "No such file"),
        (("unix:/nowhere/at/all",), "there is no door at"),
        (("missed-refill", "--output", "/nowhere/at/all.json"), "No such file or directory"),
        (("nowhere.json", "--at", "1 d"), "--at: only of a scenario, and nowhere.json is none"),
    ],
)
def test_a_snapshot_of_nothing_is_refused(arguments: tuple[str, ...], complaint: str) -> None:
    """Exit 2, and what is wrong."""
    result = pump_sim("snapshot", *arguments)
    assert result.returncode == 2
    assert complaint in " ".join(result.stderr.replace("│", " ").split())
