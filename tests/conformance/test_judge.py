"""Whatever a programmer does, ``pump-sim judge`` says why, goes on, and leaves nothing behind."""

import json
import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pump_protocol.codes import MessageType
from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.frames import frame_bytes
from pump_sim import cli

SHIPPED = shlex.join([sys.executable, "-m", "pump_programmer", "--port"]) + " {address} {task}"
FIRST, SECOND = "programmer-asking/nature-unknown", "programmer-asking/profile-unknown"
BOTH = ("--only", FIRST, "--only", SECOND)


class Judged(NamedTuple):
    """A run of the command: its exit code, the results in its report, and what it printed."""

    code: int
    results: list[dict[str, Any]]
    out: str
    err: str

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        return [(each["slug"], each["verdict"]) for each in self.results]

    @property
    def reasons(self) -> set[str]:
        return {each["reason"] for each in self.results}


Judge = Callable[..., Judged]


@pytest.fixture
def judge(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Judge:
    """Run ``pump-sim judge`` in this process; the programmers are real processes."""

    def run(command: str, *options: str) -> Judged:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        arguments = ["--command", command, "--report", str(report), *options]
        monkeypatch.setattr(sys, "argv", ["pump-sim", "judge", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        results = (
            json.loads(report.read_text("utf-8"))["report"]["results"] if report.exists() else []
        )
        assert isinstance(ended.value.code, int)
        return Judged(ended.value.code, results, told.out, told.err)

    return run


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """The command of a programmer that is a Python text; it does one thing."""

    def write(text: str) -> str:
        path = tmp_path / "programmer.py"
        path.write_text(textwrap.dedent(text), "utf-8")
        return shlex.join([sys.executable, str(path)]) + " {address}"

    return write


# --- Good programmers ----------------------------------------------------------------------------


def test_shipped_programmer_passes_over_a_pty(judge: Judge) -> None:
    """Cases that read, program, order and pair; in the order of cases."""
    wanted = [
        "programmer-asking/identifies-first",
        "programmer-answers/doubled",
        "programmer-answers/refused",
        "programmer-security/key-kept",
    ]
    given = [word for slug in reversed(wanted) for word in ("--only", slug)]
    judged = judge(SHIPPED, *given, "--jobs", "4")
    assert judged.code == 0
    assert judged.verdicts == [(slug, "PASS") for slug in wanted]


@pytest.mark.parametrize("port", ["tcp", "rfc2217"])
def test_shipped_programmer_passes_over_a_network_port(judge: Judge, port: str) -> None:
    """The same cases whatever the port is; here at a pump without keys."""
    judged = judge(SHIPPED, *BOTH, "--port", port, "--security", "legacy-insecure")
    assert judged.code == 0
    assert judged.verdicts == [(FIRST, "PASS"), (SECOND, "PASS")]


def test_report_tells_what_the_programmer_was_asked_and_what_it_printed(judge: Judge) -> None:
    """Whoever looks into a failure has no other way to see it."""
    (result,) = judge(SHIPPED, "--only", FIRST).results
    first, *_, end, printed = [each.get("note") for each in result["wire"]]
    assert first == "the programmer is started: interrogate"
    assert end == "the programmer has ended: exit code 9"
    assert printed.startswith("on standard error: Error: ")


# --- Wrong programmers ---------------------------------------------------------------------------

WRONG = """
    import os, sys, time
    from pump_protocol.events import ResponseReceived
    from pump_protocol.messages import CloseLink, Identify, Interrogate, OpenLink
    from pump_protocol.session import Role, Session

    port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
    session = Session(Role.PROGRAMMER, link_id=int.from_bytes(os.urandom(8), "little"))

    def ask(request):
        session.send_request(request, time.monotonic_ns() // 1_000_000)
        os.write(port, session.data_to_send())
        while True:
            session.receive_data(os.read(port, 4096), time.monotonic_ns() // 1_000_000)
            if (event := session.next_event()) is not None:
                return event.response if isinstance(event, ResponseReceived) else sys.exit(1)

    identity = ask(Identify())
    if CHECKED and identity.nature.name == "UNKNOWN":
        sys.exit(2)
    ask(OpenLink(1))
    print(ask(Interrogate()))
    ask(CloseLink())
"""


def test_wrong_programmer_fails_the_case_that_is_about_it(
    judge: Judge, program: Callable[[str], str]
) -> None:
    """It asks nobody whether an insecure pump is accepted; all else is right."""
    consent, other = (
        "programmer-asking/insecure-without-consent",
        "programmer-asking/closes-its-link",
    )
    judged = judge(
        program(WRONG.replace("CHECKED", "True")),
        *("--does", "interrogate", "--security", "legacy-insecure"),
        *("--only", consent, "--only", other),
    )
    assert judged.code == 1
    assert dict(judged.verdicts) == {consent: "FAIL", other: "PASS"}
    assert "although nobody has accepted an insecure pump" in judged.out


DAMAGED = bytes([*frame_bytes(MessageType.IDENTIFY, 1, 1, b"")[:-1], 0])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import sys; sys.exit(3)", "it ended without asking the pump for anything"),
        ("import os; os.kill(os.getpid(), 9)", "it was ended by signal 9"),
        ("import time; time.sleep(60)", "it has neither ended nor asked for anything within 0.5 s"),
        (
            "import sys\nport = open(sys.argv[1], 'wb', 0)\nwhile True: port.write(bytes(4096))",
            "it sent more than 262,144 bytes: a flood, and no conversation",
        ),
        (
            f"import sys\nopen(sys.argv[1], 'wb').write(bytes.fromhex('{DAMAGED.hex()}'))",
            "it sent 24 bytes that are no frame: frame check failed",
        ),
        (
            "import os, sys, time\nos.close(os.open(sys.argv[1], os.O_RDWR))\ntime.sleep(60)",
            "it has neither ended nor asked for anything within 0.5 s",
        ),
        (
            "while True: print('y' * 65536)",
            "it has neither ended nor asked for anything within 0.5 s",
        ),
    ],
    ids=["ends", "killed", "hangs", "floods", "garbage", "closes-the-port", "prints-for-ever"],
)
def test_bad_programmer_fails_with_the_reason(
    judge: Judge, program: Callable[[str], str], text: str, reason: str
) -> None:
    """FAIL for each case, none keeps the next one from being played, exit code 1."""
    judged = judge(program(text), *BOTH, "--does", "interrogate", "--patience", "0.5")
    assert judged.code == 1
    assert judged.verdicts == [(FIRST, "FAIL"), (SECOND, "FAIL")]
    assert judged.reasons == {reason}


def test_nothing_of_a_programmer_is_left_behind(
    judge: Judge, program: Callable[[str], str], tmp_path: Path
) -> None:
    """Neither one that ignores the request to end nor what it has started."""
    numbers = tmp_path / "numbers"
    text = f"""
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.fork()
        with open({str(numbers)!r}, "a") as file:
            print(os.getpid(), file=file)
        time.sleep(60)
    """
    judge(program(text), "--only", FIRST, "--does", "interrogate", "--patience", "0.5")
    left = [int(each) for each in numbers.read_text("utf-8").split()]
    assert len(left) == 2
    assert not [each for each in left if _runs(each)]


def _runs(number: int) -> bool:
    """Whether a process of that number does anything still; one that nobody reaped does not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_end_of_the_run_ends_a_programmer_that_hangs(
    judge: Judge, program: Callable[[str], str]
) -> None:
    """HARNESS-ERROR for what could not be judged in time, exit code 2."""
    began_s = time.monotonic()
    judged = judge(
        program("import time; time.sleep(60)"), *BOTH, "--does", "interrogate", "--timeout", "0.5"
    )
    assert time.monotonic() - began_s < 10
    assert judged.code == 2
    assert judged.verdicts == [(FIRST, "HARNESS-ERROR"), (SECOND, "HARNESS-ERROR")]
    assert judged.reasons == {"the time of the run was over before the case was"}


@pytest.mark.parametrize("kind", ["missing", "no-program", "directory"])
def test_what_cannot_be_started_is_not_judged(judge: Judge, tmp_path: Path, kind: str) -> None:
    """HARNESS-ERROR for every case, with the program and why, exit code 2."""
    path = tmp_path / "programmer"
    if kind == "no-program":
        path.write_bytes(b"\0\1\2\3")
        path.chmod(0o700)
    elif kind == "directory":
        path.mkdir()
    judged = judge(f"{path} {{address}} {{task}}", "--only", "programmer-asking", "--jobs", "2")
    assert judged.code == 2
    assert {verdict for _, verdict in judged.verdicts} <= {"HARNESS-ERROR", "UNSUPPORTED"}
    reasons = {each["reason"] for each in judged.results if each["verdict"] == "HARNESS-ERROR"}
    why = f"the programmer could not be started: {path}: Exec format error"
    if kind != "no-program":
        why = f"the programmer could not be started: there is no program {path}"
    assert reasons <= {why, f"not played: {why}"}
    assert f"not played: {why}" in reasons


def test_interrupted_run_ends_its_programmers_and_leaves_a_report(tmp_path: Path) -> None:
    """Ctrl-C is exit code 130; what was not judged is a HARNESS-ERROR."""
    started, report = tmp_path / "started", tmp_path / "report.json"
    path = tmp_path / "programmer.py"
    path.write_text(
        f"import os, time\nprint(os.getpid(), file=open({str(started)!r}, 'w'))\ntime.sleep(60)",
        "utf-8",
    )
    arguments = ["--command", shlex.join([sys.executable, str(path)]), "--does", "interrogate"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pump_sim", "judge", *arguments, *BOTH, "--report", str(report)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    give_up_at = time.monotonic() + 20
    while not (started.exists() and started.read_text("utf-8")):
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert errors == b""
    assert not _runs(int(started.read_text("utf-8")))
    results = json.loads(report.read_text("utf-8"))["report"]["results"]
    assert {each["reason"] for each in results} == {"not played: the run was interrupted"}


# --- The command line ----------------------------------------------------------------------------


def test_list_shows_every_case_and_plays_none(judge: Judge) -> None:
    """Also where no programmer is given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pump_sim.commands.judging.judge_programmer", None)
        judged = judge("", "--list")
    assert judged.code == 0
    shown = [line.split()[0] for line in judged.out.splitlines()]
    assert shown == [each.slug for each in cases_of(Side.PROGRAMMER)]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--port", "serial"), "--port = 'serial'"),
        (("--security", "none"), "--security = 'none'"),
        (("--patience", "0"), "--patience = 0: allowed 0.1 to 600 seconds"),
        (("--patience", "nan"), "--patience = nan: allowed 0.1 to 600 seconds"),
        (("--jobs", "0"), "--jobs = 0: allowed 1 to 64"),
        (("--does", "interogate"), "--does interogate: no such task. Did you mean interrogate?"),
        (("--tasks", "nothing.toml"), "--tasks = nothing.toml: it cannot be read"),
    ],
)
def test_wrong_option_is_refused_before_anything_is_played(
    judge: Judge, options: tuple[str, ...], complaint: str
) -> None:
    """Exit code 2, with the option, its value and what is allowed."""
    judged = judge(SHIPPED, *options)
    assert (judged.code, judged.results) == (2, [])
    assert complaint in " ".join(judged.err.split())
