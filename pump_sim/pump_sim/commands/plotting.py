"""The command that draws a scenario: from its trace, or after playing it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pump_sim.commands.files import refuse, whole
from pump_sim.commands.plays import plays_of


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
    write = whole("-o", output)
    plays = plays_of(source, pick, output, "is to be drawn")
    try:
        sheets = [gather(each) for each in plays]
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
