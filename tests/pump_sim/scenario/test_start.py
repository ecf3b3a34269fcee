"""The pump with which a scenario begins: where its files are looked for, and why there is none."""

from pathlib import Path

import pytest

from pump_sim.model import profile as profiles
from pump_sim.scenario.file.branches import branches
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.playing.play import Play, run
from pump_sim.scenario.playing.start import StartError, first_pump
from pump_sim.scenario.reading.loading import ScenarioError, load

OWN = (Path(profiles.__file__).parent / "profiles" / "pump-40ml.toml").read_text("utf-8")
HEAD = 'title = "t"\nlength = "2 d"\n'
AT_START = '[pump]\nprofile = "kinds/own.toml"\n'
LATER = """\
[[choice]]
name = "way"
time = "1 h"
ask = "Which?"
[[choice.option]]
name = "new"
title = "A new one"
[[choice.option.at]]
time = "1 d"
hands = "replace"
serial_number = "NEW"
profile = "kinds/own.toml"
[[choice.option]]
name = "old"
title = "None"
"""


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a kind of pump beside it, seen from another folder that has a bad one."""
    for folder, text in (("clinic", OWN), ("elsewhere", 'model = "Not this one"')):
        (tmp_path / folder / "kinds").mkdir(parents=True)
        (tmp_path / folder / "kinds" / "own.toml").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "clinic"


def test_a_profile_lies_beside_the_scenario_that_names_it(clinic: Path) -> None:
    """Wherever the process runs, and however the scenario's own path is given."""
    (clinic / "a.toml").write_text(HEAD + AT_START, "utf-8")
    for path in (clinic / "a.toml", Path("..") / "clinic" / "a.toml"):
        loaded = load(path)
        pump = first_pump(loaded.scenario, loaded.path.parent)
        assert pump.profile.capacity_nl == 40_000_000


def test_so_does_that_of_a_pump_that_is_put_in_later(clinic: Path) -> None:
    """In an option of a choice, too; the play itself needs to know nothing of folders."""
    (clinic / "a.toml").write_text(HEAD + LATER, "utf-8")
    loaded = load(clinic / "a.toml")
    play = Play(loaded.scenario, dict(branches(loaded.scenario)[0]))
    run(play)
    assert (play.pump.serial_number, play.pump.profile.capacity_nl) == ("NEW", 40_000_000)


@pytest.mark.parametrize(
    ("text", "where"), [(AT_START, "pump.profile"), (LATER, "choice[0].option[0].at[0].profile")]
)
def test_a_profile_in_the_folder_of_the_process_is_none_of_the_scenarios(
    clinic: Path, text: str, where: str
) -> None:
    """It is refused with its line before anything runs, whatever lies where the process runs."""
    (clinic.parent / "elsewhere" / "a.toml").write_text(HEAD + text, "utf-8")
    (clinic / "kinds" / "own.toml").rename(clinic.parent / "elsewhere" / "kinds" / "own.toml")
    (clinic / "a.toml").write_text(HEAD + text, "utf-8")
    load("a.toml")
    with pytest.raises(ScenarioError) as caught:
        load(clinic / "a.toml")
    (problem,) = caught.value.problems
    assert problem.key == where
    assert problem.text.startswith(f'{where} = "kinds/own.toml": no profile ')


@pytest.mark.parametrize("name", ["a\\u0000b", "deep.toml", "huge.toml"])
def test_whatever_is_wrong_with_a_profile_it_is_told_as_one_thing(clinic: Path, name: str) -> None:
    """A name that no file can have, lists without end, and a number with thousands of digits."""
    (clinic / "deep.toml").write_text(f"a = {'[' * 5_000}", "utf-8")
    (clinic / "huge.toml").write_text(f"a = {'9' * 5_000}", "utf-8")
    (clinic / "a.toml").write_text(f'{HEAD}[pump]\nprofile = "{name}"\n', "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(clinic / "a.toml")
    (problem,) = caught.value.problems
    assert problem.key == "pump.profile"


@pytest.mark.parametrize(
    ("pump", "key", "why"),
    [
        ({"volume": "41 mL"}, "pump.volume = 41 mL", "the pump holds at most 20 mL"),
        (
            {"age": "2000 d", "clock": "1971"},
            "pump.age = 2000 d",
            "it would have been implanted before 1970",
        ),
        ({"state": "none.json"}, "pump.state = none.json", "No such file or directory"),
    ],
)
def test_a_start_that_cannot_be_says_why_beside_key_and_value(
    tmp_path: Path, pump: dict[str, object], key: str, why: str
) -> None:
    """Whoever shows key and value in its own way takes the reason alone."""
    if "clock" in pump:
        from datetime import datetime

        pump = {**pump, "clock": datetime(1971, 1, 1)}  # noqa: DTZ001 - a pump's clock has no zone
    scenario = Scenario.model_validate({"title": "t", "length": "1 d", "pump": pump})
    with pytest.raises(StartError) as caught:
        first_pump(scenario, tmp_path)
    assert caught.value.why == why
    assert str(caught.value) == f"{key}: {why}"


@pytest.mark.parametrize("age", ["30 d", "2600 d"])
def test_any_age_is_reached(age: str) -> None:
    """Also of a pump whose fill lasts less than a week, and of one that has ended its service."""
    document = Scenario.model_validate(
        {
            "title": "Aged",
            "length": "1 d",
            "pump": {"age": age, "volume": "15 mL"},
            "prescription": {"concentration": "10 mcg/mL", "rate": "3 mL/day"},
        }
    )
    pump = first_pump(document, Path())
    assert pump.at_ms == document.pump.age_ms
    assert pump.truth().actual_volume_nl == 15_000_000
