"""What a command writes to never is what it reads, and is whole or not there."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.system.processes import DEADLINE_S, pump_sim

CHECK = [sys.executable, "-m", "pump_sim", "check"]
CALM = 'title = "t"\nlength = "1 d"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a scenario that begins from a state file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calm.toml").write_text(CALM, "utf-8")
    assert pump_sim("snapshot", "calm.toml", "-o", "mid.json").returncode == 0
    text = CALM + '[pump]\nstate = "mid.json"\n'
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    return tmp_path


def complaint(*arguments: str) -> str:
    """What is said on stderr, in one line, by a command that ends with 2."""
    result = pump_sim(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("command", "option"), [("check", "--trace"), ("check", "--junit"), ("snapshot", "--output")]
)
def test_the_state_that_a_scenario_begins_from_is_not_written_over(
    folder: Path, command: str, option: str
) -> None:
    before = (folder / "mid.json").read_bytes()
    said = complaint(command, "mine.toml", option, "mid.json")
    assert f"{option} = mid.json: that file is the state of the pump of scenario mine" in said
    assert (folder / "mid.json").read_bytes() == before


def test_a_profile_of_a_scenario_is_not_written_over(folder: Path) -> None:
    """Of its pump, and of one that is implanted later."""
    from pump_sim.model import profile

    shipped = Path(profile.__file__).with_name("profiles") / "pump-40ml.toml"
    for name, text in (
        ("first", '[pump]\nprofile = "p.toml"\n'),
        (
            "later",
            '[[at]]\ntime = "1 h"\nhands = "replace"\nserial_number = "N"\nprofile = "p.toml"\n',
        ),
    ):
        (folder / "p.toml").write_bytes(shipped.read_bytes())
        (folder / f"{name}.toml").write_text(CALM + text, "utf-8")
        said = complaint("check", f"{name}.toml", "--trace", "p.toml")
        assert f"that file is a profile of scenario {name}" in said
        assert (folder / "p.toml").read_bytes() == shipped.read_bytes()


def test_one_file_of_two_names_is_one_file(folder: Path) -> None:
    """Hard links, of what is read as well as of what is written."""
    (folder / "one").write_text("")
    (folder / "two").hardlink_to(folder / "one")
    said = complaint("check", "calm.toml", "--junit", "one", "--trace", "two")
    assert "--trace = two: that file is written by --junit" in said
    (folder / "state").hardlink_to(folder / "mid.json")
    assert "that file is the state" in complaint("check", "mine.toml", "--trace", "state")


@pytest.mark.parametrize("before", [None, "<earlier/>"])
def test_ctrl_c_leaves_no_junit_that_is_not_whole(folder: Path, before: str | None) -> None:
    """Nor that of an earlier run, which might pass for one of this."""
    if before is not None:
        (folder / "report.xml").write_text(before, "utf-8")
    os.mkfifo(folder / "trace")
    process = subprocess.Popen(
        [*CHECK, "calm.toml", "--junit", "report.xml", "--trace", "trace"],
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
    assert {each.name for each in folder.iterdir()} == {
        "calm.toml", "mine.toml", "mid.json", "trace"
    }  # fmt: skip


def test_junit_goes_through_a_link_and_into_a_pipe(folder: Path) -> None:
    """The link stays one; a reader of the pipe gets all of it."""
    (folder / "real.xml").write_text("before", "utf-8")
    (folder / "real.xml").chmod(0o640)
    (folder / "link.xml").symlink_to("real.xml")
    assert pump_sim("check", "calm.toml", "--junit", "link.xml").returncode == 0
    assert (folder / "link.xml").is_symlink()
    assert ET.parse(folder / "real.xml").getroot().get("tests") == "1"
    assert pump_sim("snapshot", "calm.toml", "-o", "link.xml").returncode == 0
    assert (folder / "real.xml").read_text("utf-8").startswith("{")
    piped = pump_sim("check", "calm.toml", "--json", "--junit", "/dev/stderr")
    assert ET.fromstring(piped.stderr).get("tests") == "1"


def test_a_file_name_that_is_no_utf_8_stands_in_junit(folder: Path) -> None:
    """In a form that XML can have."""
    name = os.fsdecode(b"caf\xe9.toml")
    (folder / name).write_text(CALM, "utf-8")
    result = pump_sim("check", name, "--junit", "report.xml")
    assert (result.returncode, result.stderr) == (0, "")
    assert ET.parse(folder / "report.xml").getroot()[0].get("name") == "caf\\udce9"


def test_links_in_a_loop_are_told(folder: Path) -> None:
    """Read or written, with the reason."""
    for name in ("loop", "loop.svg", "loop.json", "loop.toml"):
        (folder / name).symlink_to(name)
    for arguments in (
        ("check", "calm.toml", "--trace", "loop"),
        ("check", "calm.toml", "--junit", "loop"),
        ("check", "loop.toml"),
        ("plot", "loop", "-o", "out.svg"),
        ("plot", "calm.toml", "-o", "loop.svg"),
        ("snapshot", "calm.toml", "-o", "loop.json"),
    ):
        assert "Too many levels of symbolic links" in complaint(*arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "."), ".: it is a folder: give its files."),
        (("plot", "missed-refill", "-o", "a.svg", "--pick", "refil=wait"), "Did you mean refill?"),
        (("snapshot", "missed-refil"), "no such scenario. Did you mean missed-refill?"),
        (("snapshot", "mid.json", "--at", "1 d"), "--at: only of a scenario, and mid.json is none"),
        (("snapshot", "calm.toml", "--at", "40000 d"), "at most 36600 d"),
    ],
)
def test_a_mistake_is_answered_with_what_may_have_been_meant(
    arguments: tuple[str, ...], told: str
) -> None:
    """On every command in the same way."""
    assert told in complaint(*arguments)
