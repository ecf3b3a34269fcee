"""What a check says to people, line by line; where it is said is not known here."""

from typing import Any

from pump_protocol.printable import printable
from pump_sim.scenario.checking import CheckedPlay, Judged, Report


def plural(count: int, noun: str) -> str:
    """A number of things: ``1 expectation``, ``2 expectations``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def title(play: CheckedPlay) -> str:
    """The scenario, and the way through it if there is more than one."""
    return f"{play.name} ({play.way})" if play.way else play.name


def result(play: CheckedPlay) -> str:
    """How many expectations there were, and how many of them were not met."""
    of = plural(len(play.judged), "expectation")
    return of if play.met else f"{len(play.unmet)} of {of} unmet"


def unmet_lines(play: CheckedPlay, judged: Judged) -> list[str]:
    """Where an unmet expectation stands, what it is, and what happened instead."""
    verdict = judged.verdict
    because = getattr(verdict.expectation, "because", "")
    lines = [
        f"{play.file}:{judged.line}: expected: {verdict.expected}",
        f"  happened: {verdict.happened}",
    ]
    return [printable(each) for each in (*lines, *([f"  because: {because}"] if because else []))]


def summary(report: Report) -> str:
    """The last line."""
    scenarios = plural(len({(each.name, each.file) for each in report.plays}), "scenario")
    plays = plural(len(report.plays), "play")
    seconds = f"{report.elapsed_ms / 1_000:.1f} s"
    judged = sum(len(each.judged) for each in report.plays)
    if report.met:
        return f"{scenarios}, {plays}: {plural(judged, 'expectation')}, all met, in {seconds}"
    unmet = sum(len(each.unmet) for each in report.plays)
    failed = sum(not each.met for each in report.plays)
    of = f"{unmet} of {plural(judged, 'expectation')} unmet, in {plural(failed, 'play')}"
    return f"{scenarios}, {plays}: {of}, in {seconds}"


def as_json(report: Report) -> dict[str, Any]:
    """The report for programs, with every verdict."""
    return {
        "met": report.met,
        "elapsed_ms": report.elapsed_ms,
        "plays": [_play_json(each) for each in report.plays],
    }


def _play_json(play: CheckedPlay) -> dict[str, Any]:
    return {
        "scenario": play.name,
        "file": play.file,
        "branch": list(play.way.texts),
        "met": play.met,
        "elapsed_ms": play.elapsed_ms,
        "expectations": [
            {
                "line": each.line,
                "expected": each.verdict.expected,
                "met": each.verdict.met,
                "happened": each.verdict.happened,
                "at_ms": each.verdict.at_ms,
                "because": getattr(each.verdict.expectation, "because", ""),
            }
            for each in play.judged
        ],
    }
