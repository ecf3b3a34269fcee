"""What looks at the pages for a long time or for the documentation: it runs, and judges rightly.

In processes of their own: a second Playwright cannot live beside that of the tests.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from soak.console import ALLOWED_KB_PER_H, slope_of

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A module of this repository, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    ("kb_per_h", "noise_kb", "verdict"),
    [
        (0, 100, "flat"),
        (ALLOWED_KB_PER_H / 2, 100, "flat"),
        (-10 * ALLOWED_KB_PER_H, 100, "flat"),
        (2 * ALLOWED_KB_PER_H, 100, "GROWS"),
        (0, 100_000, "too short to tell"),
    ],
)
def test_a_slope_is_judged_with_its_confidence(
    kb_per_h: float, noise_kb: float, verdict: str
) -> None:
    """An hour of samples that go up and down: only what surely grows too much is said to grow."""
    hours = [sample / 360 for sample in range(360)]
    kilobytes = [kb_per_h * each + noise_kb * (-1) ** at for at, each in enumerate(hours)]
    slope = slope_of(hours, kilobytes)
    assert slope.verdict == verdict
    assert abs(slope.kb_per_h - kb_per_h) <= slope.give_or_take


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("browser")
def test_a_soak_of_seconds_runs_to_its_verdicts() -> None:
    """Of the console and of both pages; so short that it may say what it likes."""
    done = run("soak.console", "--minutes", "0.05", "--every", "0.3")
    assert done.returncode in {0, 1}, done.stderr
    for name in ("console's process", "instructor's page", "trainee's page"):
        assert name in done.stdout


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("browser")
def test_pictures_are_taken_of_the_running_pages(tmp_path: Path) -> None:
    """Into the file that is named."""
    name = "clinician-review.png"
    done = run("tools.take_pictures", name, "--into", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
