"""The reference says what the code does: generated parts are current, hand-written ones checked.

What only the specification of the wire says is in :mod:`tests.protocol.test_specification`.
"""

import asyncio
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from benchmarks.life import live
from pump_programmer import errors
from pump_programmer.programmer import Programmed, Staged
from pump_programmer.report import Report
from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.catalogue import cases_of
from pump_sim.control.client import ControlClient
from pump_sim.model.firmware.alarms import RULES, Alarm
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.model.orders import BolusKind
from pump_sim.model.prescription import Mode
from pump_sim.model.profile import load_profile, profile_names
from pump_sim.ports.link_fault import LinkFaultKind
from pump_sim.scenario.reading.catalogue import scenario_names
from pump_sim.terminal_keys import KEYS_HELP, Keys
from tests.conformance.mutants.registry import load_programmer_mutants, load_pump_mutants

from .pages import ROOT

REFERENCE = ROOT / "docs" / "reference"


def text_of(page: str) -> str:
    return (REFERENCE / page).read_text("utf-8")


def sources(*folders: str) -> Iterator[str]:
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            yield path.read_text("utf-8")


def test_generated_parts_and_golden_vectors_are_what_the_code_gives_now() -> None:
    """Whoever changes the wire or an option changes what is written of it with it: make docs."""
    result = subprocess.run(
        [sys.executable, "tools/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stderr


# --- JSON ----------------------------------------------------------------------------------------

PATIENT_BOLUS = "20 mcg over 5 min lockout 4 h 4 a day"
COMMANDS: list[tuple[str, type, set[str]]] = [
    ("identify", m.Identity, set()),
    ("interrogate", m.StatusReport, {"current", "pending"}),
    (f"program --dose '330 mcg/day' --patient-bolus '{PATIENT_BOLUS}' --yes", Programmed, set()),
    ("staged", Staged, set()),
    ("patient-bolus", m.PatientBolusStarted, set()),
    ("bolus --dose '10 mcg' --duration '10 min' --yes", m.BolusOrdered, set()),
    ("bolus --abort", m.BolusAborted, set()),
    ("silence low-reservoir --for '1 h'", m.AlarmSilenced, set()),
    ("acknowledge low-reservoir", m.AlarmAcknowledged, set()),
    ("refill --volume '20 mL' --yes", m.ReservoirUpdated, {"low_reservoir_at_ms", "residual"}),
    ("report", Report, {"html_file"}),
    ("log", m.LogPage, set()),
    ("log --access", m.AccessLogPage, set()),
    ("alarm-test critical", m.AlarmTested, set()),
    ("alarm-interval '20 min'", m.AlarmIntervalSet, set()),
    ("note", m.NoteReport, set()),
    ("clock --set 2026-01-06T10:00", m.ClockSet, set()),
    ("self-test", m.SelfTestReport, set()),
]
"""In an order in which all of them succeed, with each answer's class and its further keys."""


@contextmanager
def first_line(*options: str) -> Iterator[dict[str, Any]]:
    """The first line of a pump, which runs meanwhile."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pump_sim", "run", "--json", "--speed", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The first line of a pump whose reservoir is low, with a door and a state file."""
    folder = tmp_path_factory.mktemp("pump")
    door, state = f"unix:{folder / 'door'}", str(folder / "pump.state")
    with first_line("--reservoir-ml", "2", "--control", door, "--state", state) as line:
        yield line


def keys_in_table(page: str, heading: str) -> set[str]:
    """The keys of the first table after a heading or sentence of a page."""
    rest = text_of(page).split(heading, 1)[1] + "\n\n"
    table = rest[rest.index("|---") : rest.index("\n\n", rest.index("|---"))]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    return set(re.findall(r"`([\w.]+)`", " ".join(rows)))


def test_json_of_each_command_has_the_keys_that_the_page_names(ready: dict[str, Any]) -> None:
    """One test, because the commands need one another: what is aborted must have begun."""
    for command, answer, more in COMMANDS:
        result = programmer(ready, *shlex.split(command), "--json")
        assert result.returncode == 0, f"{command}: {result.stderr}"
        expected = {each.name for each in fields(answer)} | more
        found = json.loads(result.stdout)
        assert set(found["pump"]) == {"nature", "model", "serial_number"}, command
        assert set(found) == expected | {"pump"}, command
        assert keys_in_table("json-output.md", heading_of(command)) == expected - more, command
    headings = re.findall(r"^### (.*)$", text_of("json-output.md"), re.MULTILINE)
    answers = headings[: headings.index("Objects inside the answers")]
    done = {heading_of(command).removeprefix("### ") for command, _, _ in COMMANDS}
    assert done == set(answers), "every answer on the page is that of a command here"


def heading_of(command: str) -> str:
    """The heading of the page under which a command's answer stands."""
    flags = [word for word in command.split() if word in {"--abort", "--access", "--set"}]
    name = " ".join([command.split(maxsplit=1)[0], *flags])
    page = text_of("json-output.md")
    headed = re.search(rf"^### (?:.*, )?{name}(?:, .*)?$", page, re.MULTILINE)
    assert headed, name
    return headed.group()


def programmer(
    pump: dict[str, Any], *arguments: str, settings: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The programmer with a pump's address and key; or, with a settings folder, without a key."""
    given = {"PUMP_KEY": pump["key"]} if settings is None else {"XDG_CONFIG_HOME": str(settings)}
    return subprocess.run(
        [sys.executable, "-m", "pump_programmer", "--port", pump["address"], *arguments],
        env={**os.environ, "PUMP_KEY": "", **given},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_first_line_of_a_pump_has_the_keys_that_the_page_names(
    ready: dict[str, Any],
) -> None:
    documented = keys_in_table("json-output.md", "once every port is open:")
    assert set(ready) == documented - {"warning"}
    with first_line("--security", "legacy-insecure") as insecure:
        assert set(insecure) == documented - {"keys", "state"}
    row = re.search(r"^\| `pumps` .*$", text_of("json-output.md"), re.MULTILINE)
    assert row is not None
    assert {"pumps", *ready["pumps"][0]} == set(re.findall(r"`(\w+)`", row.group()))


@contextmanager
def first_line_of(*command: str) -> Iterator[dict[str, Any]]:
    """The first line of a program that serves pages, which runs meanwhile."""
    command = (sys.executable, "-m", *command, "--json", "--http", "127.0.0.1:0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def test_first_lines_of_what_serves_pages_have_the_keys_that_the_page_names() -> None:
    page = text_of("json-output.md")
    room, web = page.split("## pump-sim console --json")[1].split("## pump-programmer web --json")
    with first_line_of("pump_sim", "console", "--port", "tcp:0") as ready:
        row = re.search(r"^\| `pumps` .*$", room, re.MULTILINE)
        assert row is not None
        assert {"pumps", *ready["pumps"][0]} == set(re.findall(r"`(\w+)`", row.group()))
        assert set(ready) == _first_cells(room)
        at = ("--port", ready["address"], "--key", ready["key"])
        with first_line_of("pump_programmer", *at, "web") as shown:
            assert set(shown) == _first_cells(web)


def _first_cells(part: str) -> set[str]:
    """The keys of a table."""
    rows = re.findall(r"^\| (`[^|]*) \|", part, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", " ".join(rows)))


KEYS_AND_EMERGENCY = [
    "pair --code",
    "keys",
    "keys forget",
    "emergency status",
    "emergency minimum-rate --yes",
    "emergency stop --yes",
]


def test_json_of_keys_and_emergency_access_has_the_keys_that_the_page_names(
    ready: dict[str, Any], tmp_path: Path
) -> None:
    """One test, because a key that is forgotten must have been paired."""
    documented = keys_by(r"`([\w -]+)`", text_of("json-output.md").split("### Keys and emer", 1)[1])
    with ControlClient(ready["control"]) as door:
        door.proximity(on_pump=True)
        code = door.pair()["code"]
        door.button()
    for command in KEYS_AND_EMERGENCY:
        name = command.partition(" --")[0]
        arguments = [*shlex.split(command), *([code] if name == "pair" else [])]
        if name == "keys forget":
            arguments.append(ready["pumps"][0]["serial_number"])
        result = programmer(ready, *arguments, "--json", settings=tmp_path)
        assert result.returncode == 0, f"{command}: {result.stderr}"
        asked = set() if name.startswith("keys") else {"pump"}
        assert set(json.loads(result.stdout)) == documented[name] | asked, command
    assert set(documented) == {each.partition(" --")[0] for each in KEYS_AND_EMERGENCY}


def test_event_lines_of_a_pump_have_the_keys_that_the_page_names() -> None:
    command = [sys.executable, "-m", "pump_sim", "run", "--json", "--events", "--reservoir-ml", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        result = programmer(ready, "refill", "--volume", "20 mL", "--yes")
        assert result.returncode == 0, result.stderr
        record = json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert set(record) == keys_in_table("json-output.md", "soon after it was written:")


def keys_by(name: str, section: str) -> dict[str, set[str]]:
    """The keys in the first table of a section, by what stands before them in its first column.

    :param name: pattern of that; where the column is empty, the name above holds on.
    """
    table = section[section.index("|---") :].split("\n\n", 1)[0]
    found: dict[str, set[str]] = {}
    current = ""
    for given, keys in re.findall(rf"^\| (?:{name})? *\| (`[^|]*) \|", table, re.MULTILINE):
        current = given or current
        found.setdefault(current, set()).update(re.findall(r"`(\w+)`", keys))
    return found


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            "over-infusion --pick refill=wait",
            {"scenario", "said", "chosen", "flags", "fault", "ended"},
        ),
        ("pump-replaced", {"scenario", "acted", "replaced", "ended"}),
        ("missed-refill", {"scenario", "said", "choice"}),
    ],
)
def test_lines_of_a_scenario_have_the_keys_that_the_page_names(
    arguments: str, told: set[str]
) -> None:
    """Each kind of line comes in one of these, and has just the keys of its row."""
    options = f"--scenario {arguments} --speed 10000000 --json --events"
    command = [sys.executable, "-m", "pump_sim", "run", *shlex.split(options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    section = text_of("json-output.md").split("### With a scenario", 1)[1]
    documented, heard = keys_by(r"`(\w+)`", section), set()
    try:
        process.stdout.readline()
        for line in process.stdout:
            said = json.loads(line)
            event = said["event"]
            if event in documented:
                heard.add(event)
                assert set(said) == documented[event] | {"event", "at_ms"}
            if event in ("ended", "choice"):
                break
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert heard >= told


def test_kinds_of_complaint_on_the_page_are_those_of_the_code() -> None:
    row = re.search(r"^\| `error.kind` .*$", text_of("json-output.md"), re.MULTILINE)
    assert row is not None
    on_page = set(re.findall(r"`(\w+)`", row.group())) - {"error"}
    raised = {
        kind.kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ProgrammerError)
    } - {errors.ProgrammerError.kind}
    said = {
        kind
        for text in sources("programmer")
        for kind in re.findall(r'complain_of\(\s*"(\w+)"', text)
    }
    assert on_page == raised | said | {"usage"}


# --- Command line --------------------------------------------------------------------------------


def test_keys_on_the_page_are_those_of_the_running_pump() -> None:
    section = text_of("command-line.md").split("### Keys", 1)[1].split("###", 1)[0]
    on_page = set(re.findall(r"`(.)`", section)) | ({" "} if "| space |" in section else set())
    assert "?" in on_page, "the page says how to be shown the keys"
    said: list[str] = []
    keys = Keys([], asyncio.Event(), said.append)
    keys.press("?")
    assert said == [KEYS_HELP]
    assert on_page - {"?"} == set(keys._acts)


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("daily dose", units.DAILY_DOSE),
        ("dose", units.DOSE),
        ("rate", units.RATE),
        ("concentration", units.CONCENTRATION),
        ("volume", units.VOLUME),
        ("duration", units.DURATION),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_units_and_examples_on_the_page_are_understood(name: str, quantity: units.Quantity) -> None:
    row = re.search(rf"^\| {name} \| (.*) \| (.*) \|$", text_of("command-line.md"), re.MULTILINE)
    assert row is not None
    assert set(re.findall(r"`([^`]+)`", row.group(2))) == set(quantity.units)
    for example in re.findall(r'"([^"]+)"', row.group(1)):
        assert quantity.parse(example) > 0


# --- Domain facts --------------------------------------------------------------------------------


def test_sections_that_the_code_cites_are_on_the_page() -> None:
    cited = {
        each
        for text in sources("pump_sim", "protocol", "programmer", "tools", "tests")
        for each in re.findall(r"domain\.md,? (?:section )?(\d(?:\.\d)?)", text)
    }
    headings = set(re.findall(r"^## (\d(?:\.\d)?) ", text_of("domain.md"), re.MULTILINE))
    assert {"2", "3.2"} <= cited
    assert cited <= headings


def cited_sources(texts: Iterator[str]) -> set[str]:
    return {each for text in texts for each in re.findall(r"\bP\d+b?\b", text)}


def all_texts() -> Iterator[str]:
    """Code, profiles and pages, without the list of sources itself."""
    yield from sources("pump_sim", "programmer", "protocol", "tools")
    for path in (ROOT / "pump_sim").rglob("*.toml"):
        yield path.read_text("utf-8")
    for path in (ROOT / "docs").rglob("*.md"):
        yield path.read_text("utf-8").split("## Sources")[0]


def test_sources_that_are_cited_anywhere_are_in_the_list_and_no_others() -> None:
    rows = re.findall(r"^\| (P[^|]*) \|", text_of("domain.md").split("## Sources")[1], re.MULTILINE)
    listed = [each for row in rows for each in row.split(", ")]
    assert sorted(listed, key=lambda each: (int(each.strip("Pb")), each)) == listed
    assert cited_sources(all_texts()) == set(listed)


def test_source_of_every_figure_is_a_published_one_or_says_that_there_is_none() -> None:
    for name in profile_names():
        for figure, source in load_profile(name).sources.items():
            assert re.match(r"P\d|unverified|derived", source), f"{name}: {figure}: {source}"


# --- Requirements --------------------------------------------------------------------------------


def requirement_rows() -> dict[str, tuple[str, int]]:
    """Each requirement on the page: what of it is here, and how many tests name it."""
    rows = re.findall(
        r"^\| \[(REQ-\d\d)\]\(.*?\| ([^|]*) \| (\d+) \|$", text_of("requirements.md"), re.MULTILINE
    )
    return {name: (here, int(tests)) for name, here, tests in rows}


def test_requirements_are_numbered_from_1_to_32_and_all_that_are_cited_are_there() -> None:
    rows = requirement_rows()
    assert list(rows) == [f"REQ-{number:02}" for number in range(1, 33)]
    folders = ("pump_sim", "protocol", "programmer", "tests")
    cited = {each for text in sources(*folders) for each in re.findall(r"REQ-\d\d", text)}
    assert cited - set(rows) <= {"REQ-77"}, "REQ-77 is the example of the test below"


def test_every_requirement_on_delivery_alarms_and_fail_safe_is_named_by_a_test() -> None:
    """The security ones, REQ-30 on, are partly later; whatever is here has its test as well."""
    for number, (name, (here, tests)) in enumerate(requirement_rows().items(), start=1):
        assert tests or number >= 30, name
        assert tests or not here.startswith("yes"), name
        assert number >= 30 or here.startswith("yes"), f"{name}: {here}"


def test_requirements_are_found_in_docstrings_comments_and_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    tables = importlib.import_module("requirement_tables")
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    page = tmp_path / "test_page.py"
    page.write_text(
        '''"""Nothing."""
def test_by_docstring():
    """REQ-01."""
def test_by_comment():
    nothing = "REQ-05 is in a string"  # REQ-02
def test_req_03_by_name():
    pass
class TestAll:
    """REQ-77."""
    def test_by_class(self):
        pass
def helper():
    """REQ-04: no test."""
''',
        "utf-8",
    )
    assert [(name, test.name) for name, test in tables.tests_of(page)] == [
        ("REQ-01", "test_by_docstring"),
        ("REQ-02", "test_by_comment"),
        ("REQ-03", "test_req_03_by_name"),
        ("REQ-77", "test_by_class"),
    ]


# --- Modes, alarms, faults -----------------------------------------------------------------------


def test_every_mode_and_kind_of_bolus_is_on_the_page() -> None:
    page = text_of("modes.md")
    assert {mode.name for mode in Mode if f"`{mode.name}`" not in page} == set()
    assert {kind.name for kind in BolusKind if kind.name.lower() not in page.lower()} == set()


def test_every_number_of_the_domain_facts_is_an_alarm_or_said_to_be_none() -> None:
    page = text_of("alarms.md")
    none = {int(each) for each in re.findall(r"^\| A(\d\d) \|", page, re.MULTILINE)}
    assert {alarm.value for alarm in Alarm} | none == set(range(1, 19))
    assert not {alarm.value for alarm in Alarm} & none


def test_every_fault_has_its_section_with_truth_and_belief() -> None:
    sections = re.split(r"^### ", text_of("faults.md"), flags=re.MULTILINE)[1:]
    by_name = {section.split("\n", 1)[0]: section for section in sections}
    assert set(by_name) == set(FAULTS)
    for name, section in by_name.items():
        told = re.search(r"\*\*True|As `", section)
        assert told, name


def test_counts_in_the_readme_and_the_changelog_are_true() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    records = [*(ROOT / "docs" / "explanation" / "decisions").glob("0*.md")]
    assert (len(RULES), len(FAULTS), len(records)) == (12, 14, 28)
    assert "**Alarms**: [twelve]" in readme
    assert "twelve alarms" in changelog
    assert "**Faults**: [fourteen]" in readme
    assert "fourteen faults" in changelog
    assert len(scenario_names()) == 26
    assert "twenty-six come along" in readme
    assert "Twenty-six come along" in " ".join(changelog.split())
    assert len(LinkFaultKind) == 11
    assert "[eleven on the wire]" in readme
    assert sum(len(cases_of(side)) for side in Side) > 500
    assert "[more than five hundred cases]" in readme
    assert len(load_pump_mutants()) + len(load_programmer_mutants()) > 600
    assert "More than six hundred mutants" in " ".join(readme.split())
    assert "twenty-eight decision records" in " ".join(changelog.split())


def test_glossary_is_in_order() -> None:
    terms = re.findall(r"^\*\*(.+?)\*\*", text_of("glossary.md"), re.MULTILINE)
    assert terms == sorted(terms, key=str.lower)
    assert len(set(terms)) == len(terms) > 50


# --- Architecture --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contracts() -> list[dict[str, Any]]:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    found: list[dict[str, Any]] = tools["importlinter"]["contracts"]
    return found


@pytest.fixture(scope="module")
def architecture() -> str:
    return (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")


def test_import_contracts_on_the_architecture_page_are_those_of_the_linter(
    contracts: list[dict[str, Any]], architecture: str
) -> None:
    names = {each["name"] for each in contracts}
    assert set(re.findall(r"^- \*(.+)\*$", architecture, re.MULTILINE)) == names


def test_layers_in_the_picture_are_those_of_the_linter(
    contracts: list[dict[str, Any]], architecture: str
) -> None:
    (layers,) = (each["layers"] for each in contracts if each["id"] == "layers")
    picture = architecture.split("inside pump_sim:", 1)[1].split("```", 1)[0]
    shown = [line.split(":")[0].split(", ") for line in picture.strip().splitlines()]
    assert [sorted(name.strip() for name in line) for line in shown] == [
        sorted(name.strip().removeprefix("pump_sim.") for name in layer.split("|"))
        for layer in layers
    ]


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "explanation").rglob("*.md")), ids=lambda path: path.stem
)
def test_modules_that_the_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"`([\w/]+\.py)`", page.read_text("utf-8")))
    files = [path.as_posix() for path in ROOT.glob("*/*/**/*.py") if ".venv" not in path.parts]
    assert {name for name in named if not any(path.endswith(f"/{name}") for path in files)} == set()


def test_symbols_of_the_reading_path_are_in_the_module_before_them(architecture: str) -> None:
    path = architecture.split("## The first fifteen minutes", 1)[1].split("The other half", 1)[0]
    module, checked = "", 0
    for link, symbol in re.findall(r"\]\(([\w./]+\.py)\)|(?<!\[)`([\w.]+)`", path):
        if link:
            module = (ROOT / "docs" / "explanation" / link).read_text("utf-8")
        for name in symbol.split(".") if symbol else ():
            assert re.search(rf"^ *(?:def|class) {name}\b|^{name}: ", module, re.MULTILINE), symbol
            checked += 1
    assert checked > 15


def test_events_of_a_life_on_the_page_are_as_many_as_the_benchmark_counts() -> None:
    page = ROOT / "docs" / "explanation" / "decisions" / "0005-one-process-per-pump.md"
    found = re.search(r"costs (\d+) SimPy events", " ".join(page.read_text("utf-8").split()))
    assert found is not None
    assert int(found.group(1)) == live(load_profile("pump-40ml")).simpy_events
