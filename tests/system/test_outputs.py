"""What ``plot`` and ``snapshot`` write: opened before the work, and kept where nothing is made."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.processes import pump_sim

BROKEN = 'title = "t"\nlength = "1 d"\nlenght = 1\n'


def complaint(*arguments: str | Path) -> str:
    """What is said on stderr, in one line, by a command that ends with 2 and prints nothing."""
    result = pump_sim(*map(str, arguments))
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.replace("│", " ").split())


COMMANDS = [("plot", "-o", "out.svg"), ("snapshot", "--output", "out.json")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a file that is no scenario."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.toml").write_text(BROKEN, "utf-8")
    return tmp_path


@pytest.mark.parametrize(("command", "option", "name"), COMMANDS)
def test_an_output_that_cannot_be_written_is_told_before_the_work(
    command: str, option: str, name: str
) -> None:
    """Even of a source that is wrong as well: nothing was read or played."""
    said = complaint(command, "broken.toml", option, Path("nowhere") / name)
    assert f"{option} = nowhere/{name}: it cannot be written: No such file or directory" in said


@pytest.mark.parametrize(("command", "option", "name"), COMMANDS)
def test_where_nothing_comes_of_it_the_output_stays_as_it_was(
    folder: Path, command: str, option: str, name: str
) -> None:
    """A file of an earlier run is kept, and none is made where none was."""
    complaint(command, "broken.toml", option, name)
    assert not (folder / name).exists()
    (folder / name).write_text("before", "utf-8")
    complaint(command, "broken.toml", option, name)
    assert (folder / name).read_text("utf-8") == "before"


@pytest.mark.parametrize(("command", "option", "name"), COMMANDS)
def test_a_longer_file_of_an_earlier_run_is_written_over_as_a_whole(
    folder: Path, command: str, option: str, name: str
) -> None:
    """Nothing of it is left behind the new content."""
    assert pump_sim(command, "missed-refill", option, name).returncode == 0
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content + b"x" * 1_000)
    assert pump_sim(command, "missed-refill", option, name).returncode == 0
    assert (folder / name).read_bytes() == content


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told(folder: Path) -> None:
    """As `check` does it: the file, and why."""
    (folder / "full.svg").symlink_to("/dev/full")
    for arguments in (("plot", "-o", "full.svg"), ("snapshot", "--output", "/dev/full")):
        command, option, path = arguments
        said = complaint(command, "missed-refill", option, path)
        assert said == f"pump-sim: {path}: it cannot be written: No space left on device"


def test_a_snapshot_is_not_written_over_its_scenario(folder: Path) -> None:
    """Whoever mistypes does not lose it."""
    path = folder / "mine.toml"
    path.write_text('title = "t"\nlength = "1 d"\n', "utf-8")
    said = complaint("snapshot", "mine.toml", "-o", "./mine.toml")
    assert "--output = mine.toml: that file is the scenario" in said
    assert path.read_text("utf-8").startswith("title")


def test_a_state_may_be_written_over_itself(folder: Path) -> None:
    """It is the same state, as this version writes it."""
    assert pump_sim("snapshot", "missed-refill", "-o", "s.json").returncode == 0
    before = (folder / "s.json").read_bytes()
    assert pump_sim("snapshot", "s.json", "-o", "s.json").returncode == 0
    assert (folder / "s.json").read_bytes() == before


def test_a_scenario_that_is_named_twice_is_checked_once(folder: Path) -> None:
    """By whatever path: otherwise two test cases of JUnit XML would have one id."""
    (folder / "mine.toml").write_text('title = "t"\nlength = "1 d"\n', "utf-8")
    result = pump_sim("check", "mine.toml", str(folder / "mine.toml"), "--junit", "report.xml")
    assert result.stdout.splitlines()[-1].startswith("1 scenario, 1 play: ")
    assert (folder / "report.xml").read_text("utf-8").count("<testcase ") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", ["check mri-normal", "scenarios --json", "profiles"])
def test_a_standard_output_that_is_full_is_no_verdict(arguments: str) -> None:
    """Exit 74 and the reason: 1 would be an expectation that was not met."""
    command = [sys.executable, "-m", "pump_sim", *arguments.split()]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False
        )
    assert (ended.returncode, ended.stderr) == (
        74,
        "pump-sim: standard output: No space left on device\n",
    )


def test_a_bug_is_no_verdict_either() -> None:
    """A traceback ends with 70, not with 1."""
    program = (
        "import sys; from pump_sim import cli; from pump_sim.scenario.playing import hands;"
        "hands._do = lambda *_: 1 / 0; sys.argv = ['pump-sim', 'check', 'pocket-fill']; cli.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 70
    assert "ZeroDivisionError" in ended.stderr
