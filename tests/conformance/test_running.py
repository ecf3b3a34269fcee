"""A run is shown, ends with an honest code, and leaves its reports however it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree as ET

import pytest
import typer
from typer.testing import CliRunner

from pump_protocol.conformance.cases import Level, Profile, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.command.options import (
    Chosen,
    Options,
    choose,
    read_options,
    takes_options,
)
from pump_protocol.conformance.command.running import run, show_list
from pump_protocol.conformance.reporting.document import from_json
from pump_protocol.conformance.trial import CaseResult
from pump_protocol.conformance.verdicts import Verdict
from tests.conformance.results import CASES, HOSTILE, a_case, a_result
from tests.conformance.runs import FAILING, PASSING, ran, reported

# --- Ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "options", "code"),
    [
        (PASSING, {}, 0),
        (FAILING, {}, 1),
        ([a_result("frame/noise", Verdict.NON_STRICT, "slow")], {}, 0),
        ([a_result("frame/noise", Verdict.NON_STRICT, "slow")], {"strict": True}, 1),
        ([a_result("frame/noise", Verdict.HARNESS_ERROR, "gone")], {}, 2),
    ],
)
def test_exit_code_is_that_of_the_report(
    results: list[CaseResult], options: dict[str, Any], code: int
) -> None:
    assert ran(results, cases=[each.case for each in results], **options)[0] == code


def test_all_reports_are_written(tmp_path: Path) -> None:
    files = {kind: tmp_path / f"report.{kind}" for kind in ("json", "xml", "html")}
    (tmp_path / "report.xml").write_text("of an earlier run")
    code, _ = ran(
        FAILING, report=files["json"], junit=files["xml"], html=files["html"], name="ours"
    )
    assert code == 1
    report = reported(files["json"])
    assert (report.subject, report.seed, report.profile) == ("ours", 1, Profile.AUTHENTICATED)
    assert report.started_at is not None
    assert report.started_at.endswith("+00:00")
    assert report.results[0].wire
    assert ET.parse(files["xml"]).getroot().get("failures") == "1"
    assert "3 came; expected: 2" in files["html"].read_text("utf-8")
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        each.name for each in files.values()
    ), "nothing is left beside them"


def breaking_off(error: BaseException) -> Iterator[CaseResult]:
    yield PASSING[0]
    raise error


def test_interrupted_run_ends_with_130_and_its_reports(tmp_path: Path) -> None:
    """What was not judged is no pass: it is a HARNESS-ERROR."""
    path = tmp_path / "report.json"
    code, _ = ran(breaking_off(KeyboardInterrupt()), report=path)
    assert code == 130
    verdicts = [each.verdict for each in reported(path).results]
    assert verdicts == [Verdict.PASS, *[Verdict.HARNESS_ERROR] * (len(CASES) - 1)]
    assert "interrupted" in reported(path).results[-1].reason


def test_bug_ends_the_run_with_its_reports_and_is_not_hidden(tmp_path: Path) -> None:
    files: dict[str, Any] = {"report": tmp_path / "report.json", "html": tmp_path / "report.html"}
    with pytest.raises(ZeroDivisionError):
        ran(breaking_off(ZeroDivisionError("by 0")), **files)
    last = reported(files["report"]).results[-1]
    assert (last.verdict, last.reason) == (
        Verdict.HARNESS_ERROR,
        "not played: the run broke off: ZeroDivisionError: by 0",
    )
    assert files["html"].exists()


def test_run_that_ends_too_early_has_not_passed(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert ran(PASSING[:2], report=path)[0] == 2
    assert len(reported(path).results) == len(CASES)


def ending_with_a_signal(number: int) -> Iterator[CaseResult]:
    yield PASSING[0]
    os.kill(os.getpid(), number)
    yield PASSING[1]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_whoever_ends_the_program_gets_the_reports(tmp_path: Path, name: str) -> None:
    """As a job that takes too long is ended, and one whose terminal goes; afterwards the signal
    does again what it did."""
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("this system has no such signal")
    path = tmp_path / "report.json"
    assert ran(ending_with_a_signal(number), report=path)[0] == 130
    assert len(reported(path).results) == len(CASES)
    assert signal.getsignal(number) is signal.SIG_DFL


def test_report_that_cannot_be_written_is_told_and_the_others_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was possible when the run began; a run that passed has not, for nobody can read it."""
    gone = tmp_path / "gone"
    gone.mkdir()
    options = read_options(report=gone / "report.json", html=tmp_path / "report.html")
    gone.rmdir()
    code = run(
        options,
        side=Side.PUMP,
        subject="x",
        profile=None,
        results=iter(PASSING),
        chosen=Chosen(CASES),
    )
    assert code == 2
    why = f"--report = {gone}/report.json: it cannot be written: No such file or directory"
    assert why in capsys.readouterr().err
    assert (tmp_path / "report.html").exists()


# --- Expected failures ---------------------------------------------------------------------------


def slugs_of_the_suite(count: int) -> list[str]:
    return [each.slug for each in cases_of(Side.PUMP)][:count]


def test_expected_failures_are_told_and_stale_ones_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing, passing, left_out = slugs_of_the_suite(3)
    path = tmp_path / "expected.txt"
    path.write_text(f"{failing}  # known\n{left_out}\n")
    results = [a_result(failing, Verdict.FAIL, "no"), a_result(passing)]
    played = [each.case for each in results]
    assert ran(results, cases=played, expected_failures=path)[0] == 0
    told = capsys.readouterr().out
    assert f"FAIL (expected)  {failing}  no\n" in told
    assert f"{left_out} is expected to fail, and was not judged\n" in told
    assert "PASSED: 1 failed as expected" in told

    path.write_text(f"{failing}\n{passing}\n")
    assert ran(results, cases=played, expected_failures=path)[0] == 1
    told = capsys.readouterr().out
    assert f"{passing} passed, and is expected to fail: take it off the list\n" in told
    assert "FAILED: 1 passed that should fail, 1 failed as expected" in told


def test_expected_failures_are_read_once(tmp_path: Path) -> None:
    """The run goes by what was checked, whatever becomes of the file."""
    failing = slugs_of_the_suite(1)[0]
    path = tmp_path / "expected.txt"
    path.write_text(f"\ufeff{failing}", "utf-8")  # as an editor of Windows begins a file
    options = read_options(expected_failures=path, only=[failing])
    chosen = choose(options, cases_of(Side.PUMP))
    assert ([each.slug for each in chosen.cases], chosen.expected) == ([failing], (failing,))
    path.unlink()
    results = iter([a_result(failing, Verdict.FAIL, "no")])
    assert (
        run(options, side=Side.PUMP, subject="x", profile=None, results=results, chosen=chosen) == 0
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\n\nframe/no-such-case\n", "line 3: 'frame/no-such-case' is no case."),
        (b"\xff\xfe", "that is no text file"),
        (None, "No such file or directory"),
    ],
)
def test_list_that_is_wrong_is_a_wrong_command_line(
    content: bytes | None, complaint: str, tmp_path: Path
) -> None:
    """Found before anything is played."""
    path = tmp_path / "expected.txt"
    if content is not None:
        path.write_bytes(content)
    options = read_options(expected_failures=path)
    with pytest.raises(typer.BadParameter, match="expected-failures") as refused:
        choose(options, cases_of(Side.PUMP))
    assert complaint in str(refused.value)


# --- What is shown -------------------------------------------------------------------------------


def test_without_a_terminal_a_line_for_each_failure_and_a_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No codes of a terminal, no progress, lines that are not broken."""
    reason = "x" * 300
    results = [a_result("frame/noise", Verdict.FAIL, reason), *PASSING[3:]]
    results.append(a_result("frame/two", Verdict.UNSUPPORTED, "it waits 30 s"))
    results.append(a_result("frame/three", Verdict.UNSUPPORTED, "it waits 120 s"))
    ran(results, cases=[each.case for each in results])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"FAIL  frame/noise  {reason}",
        "UNSUPPORTED  2 cases: it waits ... s",
        "group        cases  PASS  FAIL  UNSUPPORTED",
        "frame            3     .     1            2",
        "link             1     1     .            .",
        "performance      1     1     .            .",
        "all              5     2     1            2",
        "/dev/ttyS9: 5 cases: 2 PASS, 1 FAIL, 2 UNSUPPORTED. FAILED: 1 failed",
    ]


def test_quiet_tells_failures_and_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    results = [*FAILING[:2], a_result("frame/noise", Verdict.NON_STRICT, "slow")]
    ran(results, cases=[each.case for each in results], quiet=True)
    assert capsys.readouterr().out.splitlines() == [
        "FAIL  frame/crc-single-bit-flip  3 came; expected: 2",
        "/dev/ttyS9: 3 cases: 1 PASS, 1 FAIL, 1 NON-STRICT. FAILED: 1 failed",
    ]


def test_what_a_dead_subject_makes_of_every_case_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = [a_result(f"x/n{n}", Verdict.HARNESS_ERROR, "not played: gone") for n in range(9)]
    results[0] = a_result("x/n0", Verdict.HARNESS_ERROR, "the port is gone")
    ran(results, cases=[each.case for each in results], quiet=True)
    assert capsys.readouterr().out.splitlines() == [
        "HARNESS-ERROR  x/n0  the port is gone",
        "HARNESS-ERROR  x/n1  not played: gone",
        "HARNESS-ERROR  7 more cases: not played: gone",
        "/dev/ttyS9: 9 cases: 9 HARNESS-ERROR. NOT JUDGED: 9 HARNESS-ERROR",
    ]


def test_whatever_a_subject_sent_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    ran([a_result("x/one", Verdict.FAIL, HOSTILE)], cases=[a_case("x/one")], name=HOSTILE)
    told = capsys.readouterr().out
    assert not {"\x1b", "\x00", "\u202e"} & set(told)
    assert r"\x1b[2J\x00</script>" in told


def test_json_is_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """What is told to people goes to standard error."""
    code, _ = ran(FAILING, as_json=True)
    said = capsys.readouterr()
    assert (code, from_json(said.out).exit_code) == (1, 1)
    assert "FAIL  frame/crc-single-bit-flip" in said.err


def test_on_a_terminal_progress_and_failures_as_they_come(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The case that is played, how far the run has come, and the counts; gone at the end."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ran(FAILING)
    told = capsys.readouterr().out
    assert "1/5" in told
    assert "frame/crc-several-bits" in told, "the case behind the one that failed is played next"
    assert "FAIL 1" in told
    assert told.index("3 came; expected: 2") < told.index("5/5")
    assert "FAILED: 1 failed" in told.splitlines()[-1]


def test_reader_who_goes_away_does_not_change_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    path = tmp_path / "report.json"
    with os.fdopen(writer, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        assert ran(FAILING, report=path)[0] == 1
    assert reported(path).exit_code == 1


# --- Options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"report": Path("/no/such/folder/x")}, "--report = /no/such/folder/x: it cannot be"),
        ({"junit": Path("/tmp")}, "--junit = /tmp: it cannot be written: Is a directory"),
        ({"html": Path("x\0y")}, "--html = x"),
        ({"level": ["most"]}, "--level = most: allowed are must, should, may"),
        ({"timeout": 0.0}, "--timeout = 0: allowed 0.1 to 86400 seconds"),
        ({"timeout": float("nan")}, "--timeout = nan: allowed"),
        ({"longest_wait": -1.0}, "--longest-wait = -1: allowed 0 to 86400 seconds"),
    ],
)
def test_option_that_is_wrong_is_refused_before_the_run(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        read_options(**options)
    assert complaint in str(refused.value)


def test_two_reports_do_not_go_into_one_file(tmp_path: Path) -> None:
    """Also by another way to the same file; a device takes what comes."""
    (tmp_path / "link").symlink_to(tmp_path / "report")
    with pytest.raises(typer.BadParameter, match="that file is written by --report"):
        read_options(report=tmp_path / "report", html=tmp_path / "link")


def test_device_takes_a_report(tmp_path: Path) -> None:
    """It is written to, and not replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        small = [a_result("frame/noise", wire=())]
        assert ran(small, cases=[small[0].case], report=pipe)[0] == 0
        assert from_json(os.read(reader, 65_536).decode()).exit_code == 0
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    """A report that nobody else may read stays one, though it is another file."""
    path = tmp_path / "report.json"
    path.write_text("of an earlier run")
    path.chmod(0o600)
    before = path.stat().st_ino
    assert ran(PASSING, report=path)[0] == 0
    assert (path.stat().st_mode & 0o777, path.stat().st_ino == before) == (0o600, False)


@pytest.mark.parametrize("name", ["/dev/stdout", "out.txt"])
def test_file_behind_standard_output_is_not_replaced_under_the_shell(
    name: str, tmp_path: Path
) -> None:
    """What was printed before and after stands around the page in the file that the shell opened,
    by whichever name it was called."""
    with (tmp_path / "out.txt").open("w+b") as out:
        program = (
            "from pathlib import Path\n"
            "from pump_protocol.conformance.command.outputs import Output\n"
            "print('before', flush=True)\n"
            f"Output.ready('--html', Path({name!r})).write('the page\\n')\n"
            "print('after')\n"
        )
        subprocess.run([sys.executable, "-c", program], stdout=out, cwd=tmp_path, check=True)
        out.seek(0)
        assert out.read() == b"before\nthe page\nafter\n"
    assert [each.name for each in tmp_path.iterdir()] == ["out.txt"]


@takes_options
def judged(
    address: Annotated[str, typer.Argument()],
    patience: Annotated[float, typer.Option()] = 1.0,
    *,
    options: Options,
) -> None:
    """Judge."""
    chosen = choose(options, CASES)
    if options.listing:
        show_list(options, chosen.cases)
        return
    typer.echo(f"{address} {patience} {options}")


@pytest.fixture
def command() -> Any:
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(judged)
    return lambda *words: CliRunner().invoke(app, [*words], env={"TERM": "dumb"})


def test_command_has_its_own_options_and_the_shared_ones(command: Any) -> None:
    result = command(
        "/dev/x", "--patience", "2.5", "--only", "frame", "--only", "link", "--level", "Must", "-q"
    )
    assert result.exit_code == 0, result.output
    wanted = Options(only=("frame", "link"), levels=frozenset({Level.MUST}), quiet=True)
    assert result.output == f"/dev/x 2.5 {wanted}\n"
    told = command("--help").output
    for each in ("--patience", "--list", "--expected-failures FILE", "--longest-wait"):
        assert each in told


def test_list_shows_what_a_case_is_and_plays_none(command: Any) -> None:
    assert command("x", "--list", "--exclude", "frame/crc-*").output.splitlines() == [
        "frame/noise             SHOULD  FRAME-01,SEQ-02",
        "link/unknown-id         MUST    FRAME-01,SEQ-02",
        "performance/round-trip  MAY     FRAME-01,SEQ-02",
    ]
    shown = json.loads(command("x", "--list", "--json", "--only", "link").output)
    assert shown == [
        {
            "slug": "link/unknown-id",
            "level": "MUST",
            "clauses": ["FRAME-01", "SEQ-02"],
            "needs": [],
            "description": "Do link/unknown-id.",
            "expectation": "It does link/unknown-id.",
        }
    ]


def test_selection_of_nothing_is_a_wrong_command_line(command: Any) -> None:
    result = command("x", "--only", "frame/crc")
    assert result.exit_code == 2
    assert "no case fits" in result.output
