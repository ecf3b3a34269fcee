"""The command that puts the reports of several conformance runs side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pump_protocol.conformance.command.outputs import outputs
from pump_protocol.conformance.report import Report
from pump_protocol.conformance.reporting.document import BadReport, from_json
from pump_protocol.conformance.reporting.html import html_page
from pump_protocol.conformance.reporting.text import last_line
from pump_sim.commands.files import check_outputs, refuse


def matrix(
    reports: Annotated[
        list[Path],
        typer.Argument(
            metavar="REPORT...",
            help="Reports of conformance runs, as --report FILE writes them: of pumps, of"
            " programmers, or both.",
            show_default=False,
        ),
    ],
    html: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Write the page here.", show_default=False),
    ],
) -> None:
    """Join reports of conformance runs into one HTML page: subjects by cases.

    Exit codes: 0 the page is written, 2 a file or an option is wrong.
    """
    check_outputs(dict.fromkeys(reports, "a report to be read"), {"--html": html})
    (page,) = outputs({"--html": html})
    joined = _read(reports)
    complaint = page.write(html_page(joined))
    if complaint is not None:
        refuse(f"{html}: {complaint}")
    for each in joined:
        typer.echo(last_line(each))


def _read(paths: Sequence[Path]) -> list[Report]:
    """Every report, in the order given; ends the program with 2 at the first that is none."""
    found = []
    for path in paths:
        try:
            found.append(from_json(path.read_text("utf-8")))
        except BadReport as error:
            refuse(f"{path}: {error}")
        except OSError as error:
            refuse(f"{path}: {error.strerror or error}")
        except ValueError:  # UnicodeDecodeError, or a zero byte in the name
            refuse(f"{path}: that is no text file")
    return found
