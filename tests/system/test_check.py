"""``pump-sim check`` as continuous integration and people have it: real processes, real files."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pump_sim.scenario.tracing.trace_lines import read_trace

from .processes import DEADLINE_S, Terminal, pump_sim

MET = """\
title = "Nothing happens"
length = "1 d"

[[expect]]
flags = []
at = "1 d"
"""

UNMET = """\
title = "Too much is expected"
length = "50 d"

[prescription]
dose = "800 mcg/day"

[[expect]]
alarm = "low_reservoir"
at = "44 d"
because = "18 mL last 45 days"

[[choice]]
time = "46 d"
name = "refill"
ask = "Does anybody come?"

[[choice.option]]
name = "come"
title = "Somebody comes"

[[choice.option]]
name = "stay"
title = "Nobody comes"

[[choice.option.expect]]
alarm = "empty_reservoir"
never = true
"""

BAD = 'title = "Bad"\nlength = "1 day and a bit"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a scenario that is met, one that is not, and one that is none."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("met", MET), ("unmet", UNMET), ("bad", BAD)):
        (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    return tmp_path


# --- Verdicts ------------------------------------------------------------------------------------


def test_it_exits_0_where_everything_is_as_expected() -> None:
    result = pump_sim("check", "met.toml")
    assert (result.returncode, result.stderr) == (0, "")
    play, last = result.stdout.splitlines()
    assert play == "ok      met: 1 expectation"
    assert last.startswith("1 scenario, 1 play: 1 expectation, all met, in ")


def test_it_exits_1_and_says_where_what_was_expected_what_happened_and_when() -> None:
    """For each way through a scenario by itself."""
    result = pump_sim("check", "met.toml", "unmet.toml")
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.splitlines()[:-1] == [
        "ok      met: 1 expectation",
        "FAILED  unmet (refill=come): 1 of 1 expectation unmet",
        "    unmet.toml:7: expected: alarm low_reservoir raised at 44 d (within 1 s)",
        "      happened: raised at 45 d",
        "      because: 18 mL last 45 days",
        "FAILED  unmet (refill=stay): 2 of 2 expectations unmet",
        "    unmet.toml:7: expected: alarm low_reservoir raised at 44 d (within 1 s)",
        "      happened: raised at 45 d",
        "      because: 18 mL last 45 days",
        "    unmet.toml:25: expected: alarm empty_reservoir never raised",
        "      happened: raised at 50 d",
    ]
    assert "3 of 4 expectations unmet, in 2 plays" in result.stdout.splitlines()[-1]


def test_quiet_tells_what_is_unmet_and_the_last_line() -> None:
    lines = pump_sim("check", "met.toml", "unmet.toml", "--quiet").stdout.splitlines()
    assert lines[0].startswith("FAILED  unmet (refill=come)")
    assert pump_sim("check", "-q", "met.toml").stdout.count("\n") == 1


def test_json_is_one_object_with_every_verdict() -> None:
    result = pump_sim("check", "met.toml", "unmet.toml", "--json")
    assert result.returncode == 1
    report = json.loads(result.stdout)
    assert report["met"] is False
    assert [(each["scenario"], each["met"]) for each in report["plays"]] == [
        ("met", True),
        ("unmet", False),
        ("unmet", False),
    ]
    assert report["plays"][1]["expectations"][0]["happened"] == "raised at 45 d"


def test_without_names_all_scenarios_that_come_with_the_package_are_checked() -> None:
    """And all they expect is so."""
    result = pump_sim("check", "--json")
    report = json.loads(result.stdout)
    unmet = [
        (play["scenario"], play["branch"], each)
        for play in report["plays"]
        for each in play["expectations"]
        if not each["met"]
    ]
    assert unmet == []
    assert result.returncode == 0
    assert len({each["scenario"] for each in report["plays"]}) >= 17


# --- Files that are written ----------------------------------------------------------------------


def test_junit_is_written_whatever_was_met(folder: Path) -> None:
    assert pump_sim("check", "met.toml", "unmet.toml", "--junit", "report.xml").returncode == 1
    root = ET.parse(folder / "report.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("3", "2")
    names = [(case.get("classname"), case.get("name")) for suite in root for case in suite]
    assert names == [("met", "only way"), ("unmet", "refill=come"), ("unmet", "refill=stay")]


def test_a_trace_is_the_same_byte_for_byte_from_run_to_run(folder: Path) -> None:
    """In another process, with other hashes."""
    for name in ("first", "second"):
        assert pump_sim("check", "noisy-link", "unmet.toml", "--trace", name).returncode == 1
    first = (folder / "first").read_bytes()
    assert first == (folder / "second").read_bytes()
    assert len(read_trace(first.decode().splitlines())) == 3


@pytest.mark.parametrize("option", ["--junit", "--trace"])
@pytest.mark.parametrize("path", ["nowhere/report", "."])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_played(
    option: str, path: str
) -> None:
    result = pump_sim("check", "met.toml", option, path)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"{option} = {path}: it cannot be written: " in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("option", ["--junit", "--trace"])
def test_a_full_disk_is_told_and_is_no_verdict(option: str) -> None:
    result = pump_sim("check", "met.toml", option, "/dev/full")
    assert result.returncode == 2
    assert result.stderr == "pump-sim: /dev/full: it cannot be written: No space left on device\n"


def test_nothing_is_written_over_a_scenario_or_over_each_other(folder: Path) -> None:
    over = pump_sim("check", "met.toml", "--trace", "./met.toml")
    assert (over.returncode, over.stdout) == (2, "")
    assert "--trace = met.toml: that file is a scenario to be checked" in over.stderr
    assert (folder / "met.toml").read_text("utf-8") == MET
    both = pump_sim("check", "met.toml", "--junit", "out", "--trace", "out")
    assert both.returncode == 2
    assert "--trace = out: that file is written by --junit" in both.stderr
    assert not (folder / "out").exists()


# --- What cannot be checked ----------------------------------------------------------------------


def test_bad_files_are_refused_all_before_anything_is_played(folder: Path) -> None:
    """And before any file is written."""
    (folder / "worse.toml").write_text('title = "Worse"\nlength = "1 d"\nlenght = 3\n', "utf-8")
    names = ("met.toml", "bad.toml", "worse.toml", "mri-norml")
    result = pump_sim("check", *names, "--junit", "report.xml", "--trace", "trace.jsonl")
    assert (result.returncode, result.stdout) == (2, "")
    assert "bad.toml:2: " in result.stderr
    assert "worse.toml:3: " in result.stderr
    assert "Did you mean mri-normal?" in result.stderr
    assert not (folder / "report.xml").exists()
    assert not (folder / "trace.jsonl").exists()


# --- Where it is shown ---------------------------------------------------------------------------


def test_on_a_terminal_the_lines_are_whole_and_nothing_of_the_progress_is_left() -> None:
    """However narrow it is: places are to be found by programs that read the screen."""
    with Terminal("pump_sim", "check", "met.toml", "unmet.toml") as terminal:
        screen = terminal.wait_for("expectations unmet, in 2 plays")
        assert "unmet.toml:7: expected: alarm low_reservoir raised at 44 d (within 1 s)" in screen
        assert terminal.process.wait(DEADLINE_S) == 1


def test_a_reader_that_goes_away_changes_no_verdict() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pump_sim", "check", "met.toml", "unmet.toml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        process.stdout.close()
        assert process.wait(DEADLINE_S) == 1
        assert process.stderr.read() == ""


def test_ctrl_c_ends_it_as_an_interrupt_not_as_a_verdict(folder: Path) -> None:
    """In the middle of a play: its trace goes to a pipe that nobody empties."""
    os.mkfifo(folder / "trace")
    process = subprocess.Popen(
        [sys.executable, "-m", "pump_sim", "check", "met.toml", "--trace", "trace"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        with (folder / "trace").open() as trace:
            assert '"kind":"start"' in trace.readline()
            process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 130
        assert process.stderr.read() == ""
