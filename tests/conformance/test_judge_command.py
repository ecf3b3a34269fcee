"""What a programmer is called with, as it is typed and as it is written in a file."""

from pathlib import Path
from random import Random

import pytest

from pump_protocol.conformance.steps import Start, Trace
from pump_protocol.conformance.tasks import DEFAULT_EXITS, TASKS, Outcome
from pump_sim.judging.command import Command, CommandError
from pump_sim.judging.good_pump import GoodPump, good_start
from pump_sim.judging.home import Home
from pump_sim.judging.surroundings import Call, Surroundings
from pump_sim.judging.tasks_file import TasksFile, TasksFileError, example, read_tasks_file
from tests.docs.pages import ROOT, Block, steps

PAGE = ROOT / "docs" / "how-to" / "put-your-programmer-under-conformance.md"


# --- The command ---------------------------------------------------------------------------------


def words(command: Command, task: str, **values: str | int) -> list[str]:
    return command.words(Start(task, values), address="/dev/pts/7", key="KEY")


def test_task_stands_for_several_words_and_a_value_for_none_of_its_own() -> None:
    """What is put in is never split, quoted or read as a place, whatever is in it."""
    command = Command.read("prog --at={address} '{key} x' {task} last")
    nasty = "a b'; rm -rf \" $(x) {address} --help"
    assert words(command, "write-note", text=nasty) == [
        *("prog", "--at=/dev/pts/7", "KEY x", "note", "--set", nasty, "last")
    ]


def test_command_without_task_is_the_line_of_its_only_one() -> None:
    """It may have the values of that task in it."""
    command = Command.read("give {address} {dose_mcg} {duration_min}", does=["bolus"])
    assert command.tasks == {"bolus"}
    assert command.program == "give"
    assert words(command, "bolus", dose_mcg=20, duration_min=10) == [
        *("give", "/dev/pts/7", "20", "10")
    ]


def test_judged_by_some_tasks_only() -> None:
    """``--does`` leaves out the others."""
    assert Command.read("prog {task}").tasks == TASKS.keys()
    assert Command.read("prog {task}", does=["log", "pair"]).tasks == {"log", "pair"}


def test_program_is_not_known_before_where_a_task_names_it() -> None:
    """So nobody can look for it in advance."""
    command = Command.read("{task}", lines={"log": "show-log {address}", "identify": "who"})
    assert command.program is None
    assert words(command, "log") == ["show-log", "/dev/pts/7"]


@pytest.mark.parametrize(
    ("text", "lines", "does", "complaint"),
    [
        ("", None, (), "--command: it is empty"),
        ("prog 'x {task}", None, (), '--command = "prog \'x {task}": no closing quotation'),
        ("prog \0 {task}", None, (), "no command line can have a zero byte"),
        ("prog --do={task}", None, (), "{task} stands for several words"),
        ("prog {task} x{task}", None, (), "{task} stands for several words"),
        (
            "prog {addres} {task}",
            None,
            (),
            "{addres} means nothing here; allowed are {address}, {key}",
        ),
        ("prog {address}", None, (), "it does one thing only: say with one --does which"),
        ("prog {address}", None, ("log", "pair"), "say with one --does which"),
        ("prog {address}", {"log": "log"}, ("log",), "give no tasks file"),
        ("prog {dose_mcg}", None, ("log",), "{dose_mcg} means nothing here"),
        ("prog {task}", None, ("bollus",), "--does bollus: no such task. Did you mean bolus?"),
        ("prog {task}", {"log": "log"}, ("bolus",), "--does bolus: the tasks file has no line"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    text: str, lines: dict[str, str] | None, does: tuple[str, ...], complaint: str
) -> None:
    """With what is wrong, and what is allowed."""
    with pytest.raises(CommandError) as error:
        Command.read(text, lines, does)
    assert complaint in str(error.value)


# --- The file of tasks ---------------------------------------------------------------------------


def read(folder: Path, text: str) -> TasksFile:
    path = folder / "tasks.toml"
    path.write_text(text, "utf-8")
    return read_tasks_file(path)


def test_example_is_what_pump_programmer_does(tmp_path: Path) -> None:
    """Whoever begins with it has every task."""
    given = read(tmp_path, example())
    assert given.lines == {name: each.line for name, each in TASKS.items()}
    assert given.exits == DEFAULT_EXITS


def test_file_of_the_page_is_accepted(tmp_path: Path) -> None:
    """A reader copies it."""
    (block,) = [each for each in steps(PAGE) if isinstance(each, Block) and each.language == "toml"]
    given = read(tmp_path, "\n".join(block.lines))
    command = Command.read("our-programmer --serial {address} {task}", given.lines)
    assert command.tasks == {"interrogate", "program", "bolus"}
    assert words(command, "bolus", dose_mcg=20, duration_min=10)[3:] == [
        *("give", "20", "mcg", "--minutes", "10")
    ]
    assert given.exits == {
        0: Outcome.DONE,
        10: Outcome.REFUSED,
        11: Outcome.REFUSED,
        12: Outcome.UNKNOWN,
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tasks", "it is no TOML: "),
        ("", "[tasks] is missing"),
        ("[task]\nlog = 'log'", "task: no such key; allowed are tasks, exits"),
        ("tasks = 3", "tasks = 3: allowed is a table, [tasks]"),
        ("[tasks]\nlogg = 'log'", "[tasks] logg: no such task. Did you mean log?"),
        ("[tasks]\nlog = true", "tasks.log = True: allowed is text, or false"),
        ("[tasks]\nlog = false", "every task is false: nothing is left to be judged"),
        (
            "[tasks]\nlog = 'log {dose_mcg}'",
            "tasks.log: {dose_mcg} means nothing here; allowed are",
        ),
        ('[tasks]\nlog = "log \'"', 'tasks.log = "log \'": no closing quotation'),
        ("[tasks]\nlog = 'log'\n[exits]\ndone = 0", "exits.done = 0: allowed is a list"),
        ("[tasks]\nlog = 'log'\n[exits]\ndone = [256]", "exits.done = 256: allowed are 0 to 255"),
        ("[tasks]\nlog = 'log'\n[exits]\ndone = [true]", "exits.done = True: allowed are 0 to 255"),
        ("[tasks]\nlog = 'log'\n[exits]\ndone = [0]\nunknown = [0]", "it says done already"),
        ("[tasks]\nlog = 'log'\n[exits]\nrefused = [1]", "one exit code that says done"),
        ("[tasks]\nlog = 'log'\n[exits]\ngood = [0]", "exits.good: no such key; allowed are done,"),
        ("#" * 100_001, "it has more than 100,000 bytes"),
    ],
)
def test_wrong_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    """With the file, the key, the value and what is allowed."""
    with pytest.raises(TasksFileError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"--tasks = {tmp_path / 'tasks.toml'}: ")
    assert complaint in str(error.value)


# --- What it finds -------------------------------------------------------------------------------


def call(folder: Path, begun: Start, *, authenticated: bool) -> tuple[Call, str]:
    """How it is started, and the key of the pump."""
    pump = GoodPump(
        good_start("2026-03-02T08:00"),
        lambda: 0,
        authenticated=authenticated,
        random_bytes=Random(1).randbytes,
    )
    beside = Surroundings(pump, Home(folder), Command.read("prog --key={key} {task}"))
    inherited = {"PATH": "/bin", "HOME": "/home/x", "PUMP_KEY": "mine", "PUMP_INSECURE": "1"}
    key = pump.key.to_text() if pump.key is not None else ""
    return beside.call(begun, "/dev/pts/7", inherited), key


def test_environment_has_port_key_and_folders_of_the_case_and_nothing_of_the_users_pumps(
    tmp_path: Path,
) -> None:
    """A key or a consent of whoever runs the suite would change the verdicts."""
    called, key = call(tmp_path, Start("identify"), authenticated=True)
    environment = called.environment
    assert called.words == ("prog", f"--key={key}", "identify")
    assert environment["PUMP_KEY"] == key
    assert environment["PUMP_PORT"] == "/dev/pts/7"
    assert environment["PATH"] == "/bin"
    assert "PUMP_INSECURE" not in environment
    assert environment["HOME"] == str(tmp_path)
    assert Path(environment["XDG_CONFIG_HOME"]).parent == tmp_path
    assert Path(environment["XDG_CONFIG_HOME"]).is_dir()


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("authenticated", [True, False])
def test_key_is_given_where_there_is_one_and_the_case_gives_it(
    tmp_path: Path, authenticated: bool, keyed: bool
) -> None:
    """Else it is an empty text on the command line, and not in the environment."""
    begun = Start("identify", keyed=keyed)
    called, key = call(tmp_path, begun, authenticated=authenticated)
    given = key if keyed else ""
    assert called.words[1] == f"--key={given}"
    assert called.environment.get("PUMP_KEY", "") == given


@pytest.mark.parametrize(
    ("authenticated", "consent", "consents"),
    [(True, None, False), (False, None, True), (True, True, True), (False, False, False)],
)
def test_consent_to_an_insecure_pump_is_given_as_the_case_says(
    tmp_path: Path, authenticated: bool, consent: bool | None, consents: bool
) -> None:
    """And where it says nothing, if the pump is one."""
    begun = Start("identify", consent=consent)
    called, _ = call(tmp_path, begun, authenticated=authenticated)
    assert called.environment.get("PUMP_INSECURE") == ("1" if consents else None)


def test_traces_of_a_secret_are_found_with_the_mode_of_their_file(tmp_path: Path) -> None:
    """As bytes and as digits of either case; not behind links, which lead out of the case."""
    home, secret = Home(tmp_path), bytes(range(200, 232))
    outside = tmp_path.parent / "outside"
    outside.write_bytes(secret)
    (tmp_path / "link").symlink_to(outside)
    (tmp_path / "harmless").write_bytes(secret[:-1])
    for name, content, mode in (
        ("configuration/keys", b"x" + secret, 0o600),
        (".digits", secret.hex().upper().encode(), 0o644),
    ):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(mode)
    assert home.traces(secret) == (Trace(".digits", 0o644), Trace("configuration/keys", 0o600))
