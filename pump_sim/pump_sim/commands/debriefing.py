"""The command that tells what happened in a training session: as a page, JSON, or CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, get_args

import typer

from pump_sim.commands.files import refuse, whole
from pump_sim.commands.plays import plays_of
from pump_sim.scenario.debrief.documents import FORMS, Form, document
from pump_sim.scenario.picture.drawing import NoDrawingLibrary
from pump_sim.scenario.picture.sheet import PictureError

STANDARD_OUTPUT: Final = Path("-")


def debrief(
    source: Annotated[
        str,
        typer.Argument(
            metavar="TRACE|NAME",
            help="A trace that 'pump-sim check --trace' wrote, '-' for one on standard input; or a"
            " scenario, by its name or its .toml file: it is played first.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="What to write: .html, .json or .csv; '-' for standard output.",
            show_default=False,
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORM",
            help="html, json or csv. [default: what the ending of the file says]",
            show_default=False,
        ),
    ] = None,
    pick: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHOICE=OPTION",
            help="Tell only of the ways on which this was decided; may be given for several"
            " choices. [default: of all ways, one after the other]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Tell what happened in a session: acts, alarms, doses, the patient, expectations, figures.

    Exit codes: 0 written, whether or not the expectations were met; 2 nothing was written.
    """
    wanted = _form(form, output)
    to_stdout = output == STANDARD_OUTPUT
    write = None if to_stdout else whole("-o", output)
    plays = plays_of(source, pick, None if to_stdout else output, "is to be told")
    try:
        content = document(plays, wanted)
    except PictureError as error:
        refuse(f"{source}: {error}")
    except NoDrawingLibrary as error:
        refuse(f"{error}; .json and .csv need none")
    if write is None:
        typer.echo(content, nl=False)
        return
    write(content)
    takes = "1 take" if len(plays) == 1 else f"{len(plays)} takes"
    typer.echo(f"{output}: {takes}, {len(content) // 1000:,} kB")


def _form(form: str | None, output: Path) -> Form:
    """What is to be written: what is said, or what the ending of the file says."""
    allowed = ", ".join(FORMS)
    if form is not None:
        found = next((each for each in FORMS if each == form.lower()), None)
        if found is None:
            raise typer.BadParameter(f"--format = {form}: allowed are {allowed}")
        return found
    ending = output.suffix.lower().removeprefix(".")
    by_ending = next((each for each in FORMS if each == ending), None)
    if by_ending is not None:
        return by_ending
    if output == STANDARD_OUTPUT:
        raise typer.BadParameter(f"-o = -: --format is wanted, too: {allowed}")
    raise typer.BadParameter(
        f"-o = {output}: allowed endings are .{', .'.join(get_args(Form))}, or --format"
    )
