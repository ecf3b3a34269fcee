"""The schema lets an editor say what the reading of files says, and the commands print it."""

import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from typer.testing import CliRunner

from pump_sim.commands import scenarios as commands
from pump_sim.scenario.file.branches import branches
from pump_sim.scenario.reading.catalogue import SHIPPED, scenario_names
from pump_sim.scenario.reading.complaints import keys_of
from pump_sim.scenario.reading.loading import load
from pump_sim.scenario.reading.meanings import meaning
from pump_sim.scenario.reading.schema import scenario_schema, tables

FILES = sorted([*Path(__file__).with_name("data").glob("*.toml"), *SHIPPED.glob("*.toml")])

HEAD = 'title = "t"\nlength = "10 d"\n'


def plain(value: Any) -> Any:
    """A document of TOML as an editor shows it to a schema: times are texts."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value


VALIDATORS = [
    kind(scenario_schema())
    for kind in (
        jsonschema.Draft4Validator,
        jsonschema.Draft7Validator,
        jsonschema.Draft202012Validator,
    )
]


def accepted(text: str) -> bool:
    """Whether the schema has nothing against a file; editors of any age must agree."""
    document = plain(tomllib.loads(text))
    (verdict,) = {bool(each.is_valid(document)) for each in VALIDATORS}
    return verdict


def test_the_schema_is_one() -> None:
    """It says its dialect, and is a schema of that dialect."""
    schema = scenario_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for each in VALIDATORS:
        each.check_schema(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_good_files_have_nothing_underlined(path: Path) -> None:
    """What can be played is valid."""
    assert accepted(path.read_text("utf-8"))


ACT = HEAD + '[[at]]\ntime = "1 d"\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        'title = "t"',
        HEAD + "lenght = 3",
        HEAD + "seed = -1",
        HEAD + "seed = 'x'",
        HEAD + "users = ['nobody']",
        HEAD + "pump = { volum = '3 mL' }",
        HEAD + "pump = { volume = 3 }",
        HEAD + "pump = { clock = '08:00' }",
        HEAD + "prescription = { mode = 'fast' }",
        HEAD + "prescription = { flex = [{ days = ['sun'] }] }",
        ACT,
        ACT + 'hands = "fil"\nvolume = "20 mL"',
        ACT + 'hands = "fill"',
        ACT + 'hands = "fill"\nvolume = "20 mL"\nrinse = true',
        ACT + 'hands = "press"\nprogrammer = "stop"',
        ACT + 'programmer = "stop"\nrefused = "no"',
        ACT + 'programmer = "replay"\nmessage = "bolus_ordered"',
        ACT + 'fault = "motor_stal"',
        ACT + 'fault = "motor_stall"\nfactor_ppm = 3',
        ACT + 'fault = "flow_error"',
        ACT + 'fault = "flow_error"\nfactor_ppm = -1',
        ACT + 'fault = "brown_out"\nfor = "1 h"',
        ACT + 'clear = "brown_out"',
        ACT + 'link = "drop"\nmessage = ["hello"]',
        HEAD + '[[expect]]\nalarm = "low"\nat = "1 d"',
        HEAD + '[[expect]]\nlog = "reseted"\nat = "1 d"',
        HEAD + '[[expect]]\nactual_volume = 3\nat = "1 d"',
        HEAD + '[[expect]]\nactual_volume = ["3 mL"]\nat = "1 d"',
        HEAD + '[[expect]]\nalarm = "eri"\nflag = "overdose"\nat = "1 d"',
    ],
    ids=lambda text: text.removeprefix(HEAD)[-50:],
)
def test_bad_files_have_something_underlined(text: str) -> None:
    """Unknown keys and words, wrong types, missing keys, keys that exclude each other."""
    assert not accepted(text)


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD + "pump = { clock = 2026-01-05T08:00:00 }",
        ACT + 'fault = "flow_error"\nfactor_ppm = 3\nfor = "1 h"\nnote = "x"',
        ACT + 'fault = "intermittent_stall"\nmean_gap_ms = "1 d"\nmean_stall_ms = 60000',
        ACT + 'link = "clear"',
        ACT + 'programmer = "program"\nbridge = "none"\npatient_bolus = "none"',
        ACT + 'hands = "replace"\nserial_number = "X"\nprescription = { dose = "1 mg/day" }',
        HEAD + '[[expect]]\nactual_volume = "3 mL"\nat = "1 d"',
        HEAD + '[[expect]]\nactual_volume = ["3 mL", "4 mL"]\nat = "1 d"',
    ],
    ids=lambda text: text.removeprefix(HEAD)[-50:],
)
def test_good_entries_have_nothing_underlined(text: str) -> None:
    """What the types of Python alone would not say: one value for a range, parameters of faults."""
    assert accepted(text)


def test_every_key_has_a_meaning() -> None:
    """An editor shows what each key means, and the reference does."""
    unsaid = [
        f"{each.__name__}.{key}"
        for each in tables()
        for key in keys_of(each)
        if len(meaning(each, key)) < 5
    ]
    assert unsaid == []


def test_no_value_is_null() -> None:
    """TOML has no null: an editor must not offer it."""
    assert "null" not in json.dumps(scenario_schema())


# --- The commands --------------------------------------------------------------------------------


@pytest.fixture
def program() -> typer.Typer:
    """A program with nothing but these commands."""
    app = typer.Typer()
    app.command()(commands.scenarios)
    app.command()(commands.scenario_schema)
    return app


def test_the_schema_is_printed(program: typer.Typer) -> None:
    """As JSON, ready to be saved beside the files."""
    result = CliRunner().invoke(program, ["scenario-schema"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == scenario_schema()


def test_every_shipped_scenario_is_in_a_line(program: typer.Typer) -> None:
    """Name first, title last, in columns."""
    result = CliRunner().invoke(program, ["scenarios"])
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["NAME", "LENGTH", "WAYS", "FOR", "TITLE"]
    assert [line.split()[0] for line in lines] == list(scenario_names())
    for name, line in zip(scenario_names(), lines, strict=True):
        assert line.endswith(load(name).scenario.title)
        assert line.index(load(name).scenario.title) == head.index("TITLE")


def test_programs_are_told_all_of_a_scenario(program: typer.Typer) -> None:
    """What it is about, where it is, and what may be decided in it."""
    result = CliRunner().invoke(program, ["scenarios", "--json"])
    views = {each["name"]: each for each in json.loads(result.stdout)}
    assert list(views) == list(scenario_names())
    view, loaded = views["end-of-service"], load("end-of-service")
    assert view["title"] == loaded.scenario.title
    assert view["length_ms"] == loaded.scenario.length_ms
    assert view["branches"] == len(branches(loaded.scenario))
    assert Path(view["file"]).read_text("utf-8")
    (choice, *_) = view["choices"]
    assert choice["name"] == loaded.scenario.choice[0].name
    assert [each["name"] for each in choice["options"]] == [
        each.name for each in loaded.scenario.choice[0].option
    ]


def test_a_bad_scenario_in_the_package_ends_the_list(
    program: typer.Typer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the code of a bad file, and what is wrong with it."""
    (tmp_path / "bad.toml").write_text("titel = 1\n")
    monkeypatch.setattr("pump_sim.scenario.reading.catalogue.SHIPPED", tmp_path)
    result = CliRunner().invoke(program, ["scenarios"])
    assert result.exit_code == 2
    assert "bad.toml:1: titel = 1: no such key here." in result.stderr
