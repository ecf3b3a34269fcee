"""``pump-sim debrief`` as people and the console run it: from a trace to one file, or a reason."""

import csv
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from pump_sim.scenario.tracing.trace_lines import to_text
from tests.pump_sim.scenario.traces import missed_refill
from tests.system.processes import pump_sim

TRACE = "".join(f"{to_text(each)}\n" for each in missed_refill().lines)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A trace of one play, whose lines are the file's."""
    path = tmp_path / "trace.jsonl"
    path.write_text(TRACE, "utf-8")
    return path


def piped(content: str | bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    """A trace through standard input, as the console sends it."""
    data = content.encode() if isinstance(content, str) else content
    command = [sys.executable, "-m", "pump_sim", "debrief", "-", *options]
    return subprocess.run(command, input=data, capture_output=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("ending", "begins"), [("html", b"<!doctype html>"), ("json", b"{\n"), ("csv", b"take,")]
)
def test_a_trace_becomes_one_file(trace: Path, ending: str, begins: bytes) -> None:
    """Of each kind that is promised; the line printed names it. Unmet is no failure."""
    output = trace.with_name(f"out.{ending}")
    result = pump_sim("debrief", str(trace), "-o", str(output))
    assert (result.returncode, result.stderr) == (0, "")
    content = output.read_bytes()
    assert content.startswith(begins)
    assert result.stdout == f"{output}: 1 take, {len(content) // 1000:,} kB\n"


def test_a_pipe_gives_the_same_as_files(trace: Path) -> None:
    """From standard input to standard output, byte for byte, and nothing else on either stream."""
    for form in ("html", "json", "csv"):
        output = trace.with_name(f"out.{form}")
        assert pump_sim("debrief", str(trace), "-o", str(output)).returncode == 0
        result = piped(TRACE, "--format", form, "-o", "-")
        assert (result.returncode, result.stderr) == (0, b"")
        assert result.stdout == output.read_bytes()


def test_a_scenario_is_played_and_told(tmp_path: Path) -> None:
    """Every way through it as a take, with the pump's clock; or the one that is picked."""
    output = tmp_path / "out.json"
    assert pump_sim("debrief", "missed-refill", "-o", str(output)).returncode == 0
    takes = json.loads(output.read_bytes())["takes"]
    assert [each["decided"] for each in takes] == [["Appointment next week"], ["Come today"]]
    assert [each["facts"]["reaction_ms"] for each in takes] == [None, 100_800_000]
    assert takes[0]["summary"][0] == (
        "It lasted 53 d, from 2026-01-05 08:00:00 to 2026-02-27 08:00:00 by the pump's clock."
    )
    table = tmp_path / "out.csv"
    picked = ("--pick", "refill=nobody-comes")
    assert pump_sim("debrief", "missed-refill", "-o", str(table), *picked).returncode == 0
    rows = list(csv.DictReader(StringIO(table.read_text("utf-8"))))
    stop = next(each for each in rows if each["kind"] == "infusion")
    assert (stop["clock"], stop["severity"]) == ("2026-02-24 08:00:00", "critical")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "standard input: the trace is empty: a 'start' line is wanted"),
        (b"\xff\xfe", "standard input: it is no trace: a trace is JSON lines in UTF-8"),
        ("{}\n", "standard input: line 1: "),
        ("# A title\n", "standard input: it is no trace: line 1: Invalid JSON"),
        (TRACE + "nothing\n", "standard input: line"),
        (TRACE.replace('"low_reservoir"', '"no_such"'), "this version knows no alarm 'no_such'"),
    ],
    ids=["empty", "bytes", "no line", "no trace", "no json", "unknown alarm"],
)
def test_what_is_no_trace_is_refused(content: str | bytes, says: str) -> None:
    """With 2, one line that says why, and nothing on standard output."""
    result = piped(content, "--format", "json", "-o", "-")
    assert (result.returncode, result.stdout) == (2, b"")
    assert says in result.stderr.decode()
    assert "Traceback" not in result.stderr.decode()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("-o", "out.pdf"), "-o = out.pdf: allowed endings are .html, .json, .csv, or --format"),
        (("-o", "-"), "-o = -: --format is wanted, too: html, json, csv"),
        (("-o", "-", "--format", "xml"), "--format = xml: allowed are html, json, csv"),
        (("-o", "no/such/out.html"), "-o = no/such/out.html: "),
    ],
)
def test_a_wrong_option_is_refused(options: tuple[str, ...], says: str) -> None:
    """With 2 and what is allowed, before anything is read."""
    result = piped(TRACE, *options)
    assert (result.returncode, result.stdout) == (2, b"")
    assert says in " ".join(result.stderr.decode().replace("│", " ").split())


def test_a_trace_is_not_written_over(trace: Path) -> None:
    """Whoever mistypes keeps the session."""
    result = pump_sim("debrief", str(trace), "-o", str(trace), "--format", "csv")
    assert result.returncode == 2
    assert trace.read_text("utf-8") == TRACE
