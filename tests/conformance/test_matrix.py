"""Reports of several runs become one page, and a report is the run that it was written of."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pump_sim.cli import app as pump_sim
from tests.conformance.results import a_report
from tests.conformance.runs import FAILING, PASSING, ran, reported


def matrix(*words: Path | str) -> Any:
    return CliRunner().invoke(pump_sim, ["matrix", *map(str, words)], env={"TERM": "dumb"})


@pytest.fixture
def report_files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.json" for name in ("one", "two")]
    for path, results in zip(paths, (PASSING, FAILING), strict=True):
        ran(results, report=path, name=f"pump {path.stem}")
    return paths


def test_matrix_joins_reports_into_one_page(report_files: list[Path], tmp_path: Path) -> None:
    result = matrix(*report_files, "--html", tmp_path / "matrix.html")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "pump one: 5 cases: 5 PASS. PASSED",
        "pump two: 5 cases: 4 PASS, 1 FAIL. FAILED: 1 failed",
    ]
    page = (tmp_path / "matrix.html").read_text("utf-8")
    assert "Conformance matrix: pump one, pump two" in page
    assert "3 came; expected: 2" in page


@pytest.mark.parametrize("content", [None, b"\xff\x00", b"{}", b"<html>"])
def test_matrix_refuses_what_is_no_report(
    content: bytes | None, report_files: list[Path], tmp_path: Path
) -> None:
    """It names the file, and writes nothing."""
    bad = tmp_path / "bad.json"
    if content is not None:
        bad.write_bytes(content)
    result = matrix(*report_files, bad, "--html", tmp_path / "matrix.html")
    assert result.exit_code == 2
    assert f"{bad}: " in result.output
    assert not (tmp_path / "matrix.html").exists()


def test_matrix_does_not_write_over_a_report(report_files: list[Path]) -> None:
    before = report_files[0].read_bytes()
    result = matrix(*report_files, "--html", report_files[0])
    assert result.exit_code == 2
    assert report_files[0].read_bytes() == before


def test_report_is_the_one_that_was_run(report_files: list[Path]) -> None:
    """What a file holds is the report of those results, and nothing of the run is lost."""
    report = reported(report_files[1])
    wanted = a_report(FAILING, seed=1, subject="pump two", started_at=report.started_at)
    assert report == wanted
