"""What several commands show of plays: those of a trace, or of a scenario that is played first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from pump_sim.commands.files import check_outputs, files_of, loaded, picked, refuse
from pump_sim.scenario.reading.catalogue import scenario_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pump_sim.scenario.reading.loading import Loaded
    from pump_sim.scenario.tracing.trace_lines import TracedPlay

_T = TypeVar("_T")

STANDARD_INPUT = "-"


def plays_of(
    source: str, given_picks: Sequence[str] | None, output: Path | None, shown: str
) -> list[TracedPlay]:
    """The plays of a trace or of a scenario on whose way all picks lie.

    Ends the program with 2 where there are none.

    :param source: a trace, ``-`` for one on standard input; or a scenario's name or file.
    :param output: the file to be written, which must be none of those that are read.
    :param shown: what is to be done with *source*, in words: ``is to be drawn``.
    """
    picks = _picks(given_picks or ())
    outputs = {"-o": output}
    if source == STANDARD_INPUT:
        return _chosen_of(_read_lines("standard input", sys.stdin.buffer), picks)
    check_outputs({scenario_path(source): f"what {shown}"}, outputs)
    path = Path(source)
    if path.suffix != ".toml" and path.is_file():
        return _chosen_of(_read(path), picks)
    scenario = loaded(source)
    check_outputs(files_of(scenario), outputs)
    picked(picks, scenario)
    return _played(scenario, picks)


def _picks(given: Sequence[str]) -> tuple[str, ...]:
    """Picks as a trace has them. Which choices there are, a trace does not tell."""
    from pump_sim.scenario.file.branches import PickError, Way, read_pick  # noqa: PLC0415

    try:
        return Way(map(read_pick, given)).texts
    except PickError as error:
        raise typer.BadParameter(f"--pick = {error}") from None


def _read(path: Path) -> list[TracedPlay]:
    try:
        with path.open("rb") as lines:
            return _read_lines(str(path), lines)
    except OSError as error:
        refuse(f"{path}: it cannot be read: {error.strerror}")


def _read_lines(name: str, lines: Iterable[bytes]) -> list[TracedPlay]:
    from pump_sim.scenario.tracing.trace_lines import TraceError, read_trace  # noqa: PLC0415

    try:
        return read_trace(line.decode("utf-8") for line in lines)
    except TraceError as error:
        refuse(f"{name}: {error}")
    except UnicodeDecodeError:
        refuse(f"{name}: it is no trace: a trace is JSON lines in UTF-8")


def _played(scenario: Loaded, picks: Sequence[str]) -> list[TracedPlay]:
    from pump_sim.scenario.checking import check, plan  # noqa: PLC0415
    from pump_sim.scenario.tracing.trace_lines import read_trace  # noqa: PLC0415

    planned = plan([scenario])
    ways = [each.way.texts for each in planned]
    lines: list[str] = []
    check(_chosen(planned, ways, picks), write_trace=lines.append)
    return read_trace(lines)


def _chosen_of(plays: list[TracedPlay], picks: Sequence[str]) -> list[TracedPlay]:
    return _chosen(plays, [each.branch for each in plays], picks)


def _chosen(every: Sequence[_T], ways: Sequence[tuple[str, ...]], picks: Sequence[str]) -> list[_T]:
    """Those on whose way all of *picks* lie."""
    from pump_sim.scenario.file.branches import way_text  # noqa: PLC0415

    chosen = [each for each, way in zip(every, ways, strict=True) if set(picks) <= set(way)]
    if not chosen:
        known = "; ".join(dict.fromkeys(map(way_text, ways)))
        raise typer.BadParameter(
            f"--pick = {', '.join(picks)}: no way is like that; there are {known}"
        )
    return chosen
