"""The command that draws a scenario: from its trace, or after playing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pump_sim.commands.files import check_outputs, files_of, loaded, picked, refuse, whole
from pump_sim.scenario.reading.catalogue import scenario_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pump_sim.scenario.reading.loading import Loaded
    from pump_sim.scenario.tracing.trace_lines import TracedPlay

_T = TypeVar("_T")


def plot(
    source: Annotated[
        str,
        typer.Argument(
            metavar="TRACE|NAME",
            help="A trace that 'pump-sim check --trace' wrote; or a scenario, by the name under"
            " which 'pump-sim scenarios' lists it or by its .toml file: it is played first.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="What to write: .html, .png or .svg.",
            show_default=False,
        ),
    ],
    pick: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHOICE=OPTION",
            help="Draw only the ways on which this was decided; may be given for several choices."
            " [default: all ways, one figure below the other]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw what happened in a scenario into one self-contained file.

    Exit codes: 0 drawn, whether or not the expectations were met; 2 nothing was written.
    """
    from pump_sim.scenario.file.branches import way_text  # noqa: PLC0415 - not needed for --help
    from pump_sim.scenario.picture.drawing import (  # noqa: PLC0415
        ENDINGS,
        NoDrawingLibrary,
        draw,
    )
    from pump_sim.scenario.picture.sheet import PictureError, gather  # noqa: PLC0415

    ending = output.suffix.lower()
    if ending not in ENDINGS:
        raise typer.BadParameter(f"-o = {output}: allowed endings are {', '.join(ENDINGS)}")
    check_outputs({scenario_path(source): "what is to be drawn"}, {"-o": output})
    picks = _picks(pick or ())
    write = whole("-o", output)
    try:
        sheets = [gather(each) for each in _plays(source, picks, output)]
        content = draw(sheets, ending)
    except PictureError as error:
        refuse(f"{source}: {error}")
    except NoDrawingLibrary as error:
        refuse(str(error))
    write(content)
    figures = "1 figure" if len(sheets) == 1 else f"{len(sheets)} figures"
    typer.echo(f"{output}: {figures}, {len(content) // 1000:,} kB")
    for sheet in sheets:
        if sheet.unmet:
            play = f"{sheet.start.scenario} ({way_text(sheet.branch)})"
            typer.echo(f"{play}: {len(sheet.unmet)} of {len(sheet.judged)} expectations UNMET")


def _picks(given: Sequence[str]) -> tuple[str, ...]:
    """Picks as a trace has them. Which choices there are, a trace does not tell."""
    from pump_sim.scenario.file.branches import PickError, Way, read_pick  # noqa: PLC0415

    try:
        return Way(map(read_pick, given)).texts
    except PickError as error:
        raise typer.BadParameter(f"--pick = {error}") from None


def _plays(source: str, picks: Sequence[str], output: Path) -> list[TracedPlay]:
    """The plays of a trace or of a scenario on whose way all of *picks* lie."""
    path = Path(source)
    if path.suffix != ".toml" and path.is_file():
        plays = _read(path)
        return _chosen(plays, [each.branch for each in plays], picks)
    scenario = loaded(source)
    check_outputs(files_of(scenario), {"-o": output})
    picked(picks, scenario)
    return _played(scenario, picks)


def _read(path: Path) -> list[TracedPlay]:
    from pump_sim.scenario.tracing.trace_lines import TraceError, read_trace  # noqa: PLC0415

    try:
        with path.open(encoding="utf-8") as lines:
            return read_trace(lines)
    except TraceError as error:
        refuse(f"{path}: {error}")
    except UnicodeDecodeError:
        refuse(f"{path}: it is no trace: a trace is JSON lines in UTF-8")
    except OSError as error:
        refuse(f"{path}: it cannot be read: {error.strerror}")


def _played(scenario: Loaded, picks: Sequence[str]) -> list[TracedPlay]:
    from pump_sim.scenario.checking import check, plan  # noqa: PLC0415
    from pump_sim.scenario.tracing.trace_lines import read_trace  # noqa: PLC0415

    planned = plan([scenario])
    ways = [each.way.texts for each in planned]
    lines: list[str] = []
    check(_chosen(planned, ways, picks), write_trace=lines.append)
    return read_trace(lines)


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
