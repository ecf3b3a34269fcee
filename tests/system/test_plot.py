"""``pump-sim plot`` as people run it: from a trace or a name to one file, or a reason why not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pump_sim.scenario.tracing.trace_lines import to_text
from tests.pump_sim.scenario.traces import missed_refill
from tests.system.processes import pump_sim

UNMET = """
title = "An alarm that cannot come"
length = "4 h"

[[expect]]
alarm = "low_reservoir"
by = "3 h"
"""


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A trace of one play, whose lines are the file's."""
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(f"{to_text(each)}\n" for each in missed_refill().lines), "utf-8")
    return path


def refusal(*arguments: str | Path) -> str:
    """What ``pump-sim plot`` says when it refuses with 2, in one line."""
    result = pump_sim("plot", *map(str, arguments))
    assert result.returncode == 2, result.stdout + result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("ending", "begins"), [("html", b"<!doctype html>"), ("png", b"\x89PNG"), ("svg", b"<svg")]
)
def test_a_trace_becomes_one_file(trace: Path, ending: str, begins: bytes) -> None:
    """Of each kind that is promised; the line printed names it, and what was unmet."""
    output = trace.with_name(f"out.{ending}")
    result = pump_sim("plot", str(trace), "-o", str(output))
    assert (result.returncode, result.stderr) == (0, "")
    content = output.read_bytes()
    assert content.startswith(begins)
    assert result.stdout.splitlines() == [
        f"{output}: 1 figure, {len(content) // 1000:,} kB",
        "missed-refill (only way): 1 of 2 expectations UNMET",
    ]


def test_a_name_gives_the_picture_of_its_trace(tmp_path: Path) -> None:
    """To play a scenario and draw it is to trace it and draw the trace, byte for byte."""
    traced, played, trace = (tmp_path / name for name in ("a.svg", "b.svg", "t.jsonl"))
    assert pump_sim("check", "mri-normal", "--trace", str(trace)).returncode == 0
    assert pump_sim("plot", str(trace), "-o", str(traced)).returncode == 0
    assert pump_sim("plot", "mri-normal", "-o", str(played)).returncode == 0
    assert traced.read_bytes() == played.read_bytes()


def test_only_the_ways_that_are_picked_are_drawn(trace: Path) -> None:
    """All ways without a pick; a pick that no way has is refused with those there are."""
    one = trace.read_text("utf-8")
    both = one.replace('"branch":[]', '"branch":["call=a"]')
    both += one.replace('"branch":[]', '"branch":["call=b","then=c"]')
    trace.write_text(both, "utf-8")
    output = trace.with_name("out.svg")
    picked = pump_sim("plot", str(trace), "-o", str(output), "--pick", "call=b")
    assert "1 figure," in picked.stdout
    assert "Branch call=b, then=c" in output.read_text("utf-8")
    assert "2 figures," in pump_sim("plot", str(trace), "-o", str(output)).stdout
    said = refusal(trace, "-o", output, "--pick", "call=z")
    assert "call=z: no way is like that; there are call=a; call=b, then=c" in said


def test_ways_that_are_not_picked_are_not_played(tmp_path: Path) -> None:
    """Of a scenario by its name the same holds."""
    output = tmp_path / "out.svg"
    said = refusal("missed-refill", "-o", output, "--pick", "refill=never-heard-of")
    assert "refill has " in said
    picked = "refill=" + said.partition("refill has ")[2].partition(",")[0]
    drawn = pump_sim("plot", "missed-refill", "-o", str(output), "--pick", picked).stdout
    assert "1 figure," in drawn


def test_a_file_of_ones_own_is_played_and_unmet_expectations_do_not_hinder(tmp_path: Path) -> None:
    """A picture is most wanted of what went wrong."""
    scenario, output = tmp_path / "mine.toml", tmp_path / "out.svg"
    scenario.write_text(UNMET, "utf-8")
    result = pump_sim("plot", str(scenario), "-o", str(output))
    assert result.returncode == 0
    assert "mine (only way): 1 of 1 expectations UNMET" in result.stdout
    assert "An alarm that cannot come" in output.read_text("utf-8")


@pytest.mark.parametrize("name", ["out.pdf", "out", "out.html.gz"])
def test_other_endings_are_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    """The message names those that are allowed."""
    said = refusal("no-such-scenario", "-o", tmp_path / name)
    assert "allowed endings are .html, .png, .svg" in said
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written_is_refused(trace: Path) -> None:
    """A folder that is not there, and a folder in place of a file."""
    missing = trace.parent / "nowhere" / "out.svg"
    assert "it cannot be written: No such file" in refusal(trace, "-o", missing)
    folder = trace.with_name("folder.svg")
    folder.mkdir()
    assert "it cannot be written: Is a directory" in refusal(trace, "-o", folder)


def test_a_picture_is_not_written_over_what_it_shows(trace: Path) -> None:
    """Whoever mistypes does not lose the trace."""
    trace = trace.rename(trace.with_suffix(".html"))
    before = trace.read_bytes()
    assert "that file is what is to be drawn" in refusal(trace, "-o", trace)
    assert trace.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "bad", "why"),
    [
        (3, "not JSON", "line 3: "),
        (3, '{"kind": "guess"}', "line 3: "),
        (1, "", "line 1: kind = "),
    ],
)
def test_a_bad_trace_is_refused_by_its_line(trace: Path, line: int, bad: str, why: str) -> None:
    """No JSON, a line of no known kind, or lines before any start."""
    lines = trace.read_text("utf-8").splitlines()
    lines[line - 1 : line] = [bad] if bad else []
    trace.write_text("\n".join(lines), "utf-8")
    assert why in refusal(trace, "-o", trace.with_name("out.svg"))
    assert not trace.with_name("out.svg").exists()


@pytest.mark.parametrize(
    ("odd", "ending"),
    [
        ("\\u0000", "svg"),
        ("\\u0001", "svg"),
        ("\\u001b", "svg"),
        ("\\ufffe", "svg"),
        ("\\u0000", "png"),
        ("\\u0000", "html"),
    ],
)
def test_texts_that_no_xml_can_hold_are_drawn(trace: Path, odd: str, ending: str) -> None:
    """A character that ends the drawing library's process is replaced by one that can be seen."""
    lines = trace.read_text("utf-8")
    texts = ("A refill", "read", "alarm eri", "it was not", "Nobody calls", "The clinic")
    for each in texts:
        assert each in lines
        lines = lines.replace(each, f"{odd}{each}")
    trace.write_text(lines, "utf-8")
    output = trace.with_name(f"out.{ending}")
    result = pump_sim("plot", str(trace), "-o", str(output))
    assert result.returncode == 0, result.stderr
    if ending != "png":
        assert "\ufffdNobody calls" in output.read_text("utf-8")


def test_figures_that_nobody_can_draw_are_refused(trace: Path) -> None:
    """A number beyond 64 bits names its line and its key."""
    lines = trace.read_text("utf-8").splitlines(keepends=True)
    lines[4] = lines[4].replace('"therapy_ms":', f'"therapy_ms":{"9" * 30}')
    trace.write_text("".join(lines), "utf-8")
    assert "line 5: therapy_ms: " in refusal(trace, "-o", trace.with_name("out.png"))


def test_a_trace_that_ends_within_a_line_is_drawn(trace: Path) -> None:
    """A program that was killed while it wrote leaves such a file; the picture says so."""
    trace.write_text(trace.read_text("utf-8")[:-30], "utf-8")
    output = trace.with_name("out.svg")
    assert pump_sim("plot", str(trace), "-o", str(output)).returncode == 0
    assert "INCOMPLETE: the trace was not written to its end" in output.read_text("utf-8")


def test_a_trace_without_looks_is_refused(trace: Path) -> None:
    """There is nothing to draw."""
    first = trace.read_text("utf-8").splitlines()[0]
    trace.write_text(first + "\n", "utf-8")
    assert "a picture needs looks" in refusal(trace, "-o", trace.with_name("out.svg"))


def test_what_is_no_trace_is_refused(trace: Path) -> None:
    """A recording of bytes, and an empty file."""
    output = trace.with_name("out.svg")
    trace.write_bytes(b"\xff\xfe\x00")
    assert "a trace is JSON lines in UTF-8" in refusal(trace, "-o", output)
    trace.write_bytes(b"")
    assert "the trace is empty" in refusal(trace, "-o", output)


def test_a_name_that_is_not_known_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """As `check` does it."""
    said = refusal("mised-refill", "-o", tmp_path / "out.svg")
    assert "Did you mean missed-refill?" in said


def test_a_pick_that_is_no_pick_is_refused(trace: Path) -> None:
    """The message says how it is written."""
    said = refusal(trace, "-o", trace.with_name("out.svg"), "--pick", "stay")
    assert "write it as CHOICE=OPTION" in said


def test_without_the_extra_it_says_what_to_install(trace: Path) -> None:
    """Whoever has only the simulator is told how to get pictures, and loses nothing."""
    code = "import sys; sys.modules['vl_convert'] = None; from pump_sim.cli import main; main()"
    output = trace.with_name("out.html")
    result = subprocess.run(
        [sys.executable, "-c", code, "plot", str(trace), "-o", str(output)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert result.returncode == 2
    assert "pip install 'pump-sim[plot]'" in result.stderr
    assert not output.exists()
