"""``make soak-console``: the training room for an hour at x3600 with two browsers: is memory flat?

Samples what the console's process holds (resident) and what the scripts of each page hold (after a
collection), and prints the slope of each with its 95 % confidence. Exit code 1 where one grows by
more than is allowed. A short run tells a wide slope: it is then too short to say.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from statistics import linear_regression
from typing import Final

import httpx
from playwright.sync_api import BrowserContext, CDPSession, Page

from benchmarks.chromium import NoChromium, chromium
from benchmarks.processes import running

SPEED: Final = 3_600
ALLOWED_KB_PER_H: Final = 2_048
"""What may come on top in an hour: less than a hundredth of what a browser's page takes at all."""
WARM_UP: Final = 0.25
"""The first part is not judged: whatever is made once is made then."""
STUDENT_95: Final = 1.96

INSTRUCTOR: Final = "instructor's page"
VIEWS: Final = {INSTRUCTOR: "/", "trainee's page": "/trainee"}


@dataclass(slots=True)
class Series:
    """What something held, and when.

    :ivar hours: since the start.
    """

    name: str
    hours: list[float] = field(default_factory=list)
    kilobytes: list[float] = field(default_factory=list)

    def add(self, hours: float, kilobytes: float) -> None:
        """One more sample."""
        self.hours.append(hours)
        self.kilobytes.append(kilobytes)


@dataclass(frozen=True, slots=True)
class Slope:
    """How something grows, in kB an hour, give or take."""

    kb_per_h: float
    give_or_take: float

    @property
    def verdict(self) -> str:
        """``flat``, ``GROWS``, or that more time is needed to tell."""
        if self.kb_per_h - self.give_or_take > ALLOWED_KB_PER_H:
            return "GROWS"
        if self.kb_per_h + self.give_or_take > ALLOWED_KB_PER_H:
            return "too short to tell"
        return "flat"


def slope_of(hours: Sequence[float], kilobytes: Sequence[float]) -> Slope:
    """The least-squares slope of three samples or more, with its 95 % confidence."""
    slope, intercept = linear_regression(hours, kilobytes)
    mean = sum(hours) / len(hours)
    spread = sum((each - mean) ** 2 for each in hours)
    left = sum(
        (value - slope * at - intercept) ** 2 for at, value in zip(hours, kilobytes, strict=True)
    )
    return Slope(slope, STUDENT_95 * sqrt(left / (len(hours) - 2) / spread))


def main(arguments: list[str]) -> int:
    """Let it run as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m soak.console", description="The training room's memory over an hour."
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between samples")
    options = parser.parse_args(arguments)
    try:
        series = soak(options.minutes * 60, options.every)
    except NoChromium as error:
        print(error, file=sys.stderr)
        return 2
    return report(series)


def soak(seconds: float, every_s: float) -> list[Series]:
    """Let the console run so long, and sample it."""
    with (
        running("-m", "pump_sim", "console", "--http", "127.0.0.1:0", "--port", "tcp:0", "--json")
        as (process, line),
        # The heap of a page is told in whole bytes only to whoever asks for that.
        chromium("--enable-precise-memory-info") as browser,
    ):  # fmt: skip
        url = json.loads(line)["http"].rstrip("/")
        paced = httpx.patch(f"{url}/api/v1/pumps/1/clock", json={"speed": SPEED}, timeout=10)
        paced.raise_for_status()
        opened = {name: _open(browser.new_context(), url + path) for name, path in VIEWS.items()}
        series = [Series("console's process"), *map(Series, opened)]
        began_s = time.monotonic()
        while (elapsed_s := time.monotonic() - began_s) < seconds:
            hours = elapsed_s / 3600
            series[0].add(hours, _resident_kb(process.pid))
            for each, (_, devtools) in zip(series[1:], opened.values(), strict=True):
                each.add(hours, _heap_kb(devtools))
            page, _ = opened[INSTRUCTOR]
            page.wait_for_timeout(every_s * 1000)  # not a sleep: it takes what browsers tell
        return series


def report(series: Sequence[Series]) -> int:
    """Print the slopes; 1 if one of them is too steep."""
    print(f"{'held by':20} {'at first':>12} {'at last':>12}   slope (95 %)")
    verdicts = []
    for each in series:
        first = int(len(each.hours) * WARM_UP)
        slope = slope_of(each.hours[first:], each.kilobytes[first:])
        verdicts.append(slope.verdict)
        print(
            f"{each.name:20} {each.kilobytes[first]:9,.0f} kB {each.kilobytes[-1]:9,.0f} kB"
            f"   {slope.kb_per_h:+,.0f} +- {slope.give_or_take:,.0f} kB/h: {slope.verdict}"
        )
    return 1 if "GROWS" in verdicts else 0


def _open(context: BrowserContext, url: str) -> tuple[Page, CDPSession]:
    page = context.new_page()
    page.goto(url)
    return page, context.new_cdp_session(page)


def _resident_kb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return float(next(each.split()[1] for each in status.splitlines() if "VmRSS" in each))


def _heap_kb(devtools: CDPSession) -> float:
    devtools.send("HeapProfiler.collectGarbage")
    return float(devtools.send("Runtime.getHeapUsage")["usedSize"]) / 1000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
