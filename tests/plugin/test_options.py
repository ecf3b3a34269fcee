"""What a test may ask for, before there is any pump."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from pump_sim.commands.run_options import read_run_options
from pump_sim.options import DECIDED_BY, OF_START, RunOptions, read_start
from pump_sim.testing.errors import NoSuchPump
from pump_sim.testing.options import read_options, run_defaults, run_options


def test_options_are_those_of_the_command_line() -> None:
    """All but those that the fixture needs for itself; none is written down twice."""
    options = run_options()
    assert options["dose_mcg_per_day"] == "--dose-mcg-per-day"
    assert options["reservoir_ml"] == "--reservoir-ml"
    assert not {"port", "control", "count", "key_file", "as_json", "events"} & options.keys()


def test_time_stands_still_and_the_clock_is_the_same_in_every_run() -> None:
    """Unless a test says otherwise."""
    assert read_options({}).arguments == ["--speed", "0", "--start", "2026-01-05T08:00"]
    given = read_options({"speed": 60, "start": "2026-02-01T00:00", "dose_mcg_per_day": 0.5})
    assert given.arguments == [
        "--speed", "60", "--start", "2026-02-01T00:00", "--dose-mcg-per-day", "0.5"
    ]  # fmt: skip


def test_option_of_several_values_is_typed_several_times() -> None:
    """A mapping is what a choice is written as."""
    options = {"scenario": "missed-refill", "pick": {"a": "b", "c": "d"}}
    expected = ["--speed", "0", "--scenario", "missed-refill", "--pick", "a=b", "--pick", "c=d"]
    assert read_options(options).arguments == expected
    assert read_options({**options, "pick": ["a=b", "c=d"]}).arguments == expected


def test_scenario_decides_more_than_a_state() -> None:
    """Hands do what the file says."""
    with pytest.raises(NoSuchPump, match="hands: scenario decides that already"):
        read_options({"scenario": "missed-refill", "hands": "off"})


OTHERS: dict[str, str | tuple[str, ...]] = {
    "speed": "7",
    "profile": "pump-40ml",
    "reservoir_ml": "3",
    "dose_mcg_per_day": "301",
    "concentration_mcg_per_ml": "1999",
    "drug": "morphine",
    "start": "2026-01-05T08:01",
    "serial_number": "OTHER",
    "hands": "off",
    "battery": "no-drain",
    "patient": "new",
    "scenario": "missed-refill",
    "pick": ("refill=refilled-in-time",),
    "faults": "faults.toml",
    "security": "legacy-insecure",
    "updates": "historic",
    "state_file": "pump.state",
    "resume": "catch-up",
    "key_log": "links",
}
"""Of each option something that nobody gets who does not ask for it."""


def test_no_option_is_accepted_and_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each makes another pump of it, in process as on a port: both are made of what is read here.

    Whoever adds an option to `pump-sim run` adds it to the list above, too.
    """
    assert OTHERS.keys() == run_options().keys()
    (tmp_path / "faults.toml").write_text('[[link]]\nlink = "drop"\n')
    monkeypatch.chdir(tmp_path)

    def read(names: set[str]) -> RunOptions:
        typed = {"start": "2026-01-05T08:00"} if "scenario" not in names else {}
        typed |= {name: OTHERS[name] for name in names}
        return read_run_options(typed, **{**run_defaults(), **typed})

    for name in OTHERS:
        before = {"pick": {"scenario"}, "resume": {"state_file"}}.get(name, set())
        assert read({name, *before}) != read(before), name


def test_what_a_scenario_decides_is_what_makes_a_start() -> None:
    """An option that is new there is decided, too; hands do what the file says."""
    parameters = inspect.signature(read_start).parameters
    assert parameters.keys() - {"count"} == OF_START
    assert DECIDED_BY["scenario"] == OF_START | {"hands", "security", "updates"}
    assert DECIDED_BY["state"] == OF_START | {"scenario"}
    assert DECIDED_BY["state_file"] == OF_START | {"security", "updates"}


def test_option_that_is_none_or_false_is_not_given() -> None:
    """So that a marker may be computed."""
    assert read_options({"drug": None, "reservoir_ml": False}).run == read_options({}).run


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reservior_ml": 5}, "Did you mean reservoir_ml?"),
        ({"dose": 5}, "Did you mean dose_mcg_per_day?"),
        ({"zzz": 5}, r"There are speed, profile, .*deadline_s\.$"),
        ({"port": "pty"}, "the fixture sees to that itself"),
        ({"key_file": "pump.key"}, "the fixture sees to that itself"),
        ({"deadline_s": 0}, "deadline_s = 0: allowed is a number above 0, up to 3,600 s"),
        ({"deadline_s": "1"}, "deadline_s = '1'"),
        ({"deadline_s": True}, "deadline_s = True"),
        ({"state": {}, "drug": "morphine"}, "drug: state decides that already"),
        ({"state": 5}, "allowed are a path, or what state"),
        ({"state": "/nonexistent"}, "No such file"),
        ({"state": __file__}, "it is no JSON: "),
    ],
)
def test_wrong_option_is_refused_with_what_is_allowed(options: dict[str, Any], words: str) -> None:
    """Before anything is started."""
    with pytest.raises(NoSuchPump, match=words):
        read_options(options)


def test_state_file_that_holds_no_object_is_refused(tmp_path: Path) -> None:
    """A list is JSON and no state."""
    path = tmp_path / "state.json"
    path.write_text("[]")
    with pytest.raises(NoSuchPump, match="no JSON object"):
        read_options({"state": path})


def test_state_stands_alone() -> None:
    """It has a clock of its own; only how the pump is served is left to be said."""
    given = read_options({"state": {"a": 1}, "speed": 60})
    assert (given.run, given.state) == ({"speed": "60"}, {"a": 1})


def test_pump_that_is_kept_already_goes_on_with_its_own_clock(tmp_path: Path) -> None:
    """A state file that is there decides the start; one that is to be made does not."""
    path = tmp_path / "pump.state"
    new = read_options({"state_file": path}).arguments
    assert new == ["--speed", "0", "--start", "2026-01-05T08:00", "--state", str(path)]
    path.touch()
    assert read_options({"state_file": path}).arguments == ["--speed", "0", "--state", str(path)]
