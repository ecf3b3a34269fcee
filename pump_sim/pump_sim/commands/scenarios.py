"""The commands that tell of scenarios: which ones there are, and how a file of one is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pump_sim.scenario.reading.loading import Loaded

_HEAD = ("NAME", "LENGTH", "WAYS", "FOR", "TITLE")


def scenarios(
    as_json: Annotated[
        bool,
        typer.Option("--json", help="A JSON list, with summaries, sources and choices."),
    ] = False,
) -> None:
    """List the scenarios that come with the package: whom they are for, how long they last.

    WAYS is how many ways there are through a scenario's choices.
    """
    from pump_sim.commands.files import loaded  # noqa: PLC0415 - not needed for --help
    from pump_sim.scenario.reading.catalogue import scenario_names  # noqa: PLC0415

    shipped = [loaded(name) for name in scenario_names()]
    if as_json:
        _print_json([_view(each) for each in shipped])
        return
    for line in _columns([_HEAD, *map(_row, shipped)]):
        typer.echo(line)


def scenario_schema() -> None:
    """Print the JSON Schema of a scenario file, by which editors help to write one."""
    from pump_sim.scenario.reading.schema import scenario_schema as schema  # noqa: PLC0415

    _print_json(schema())


def _print_json(document: Any) -> None:
    import json  # noqa: PLC0415 - not needed for --help

    typer.echo(json.dumps(document, indent=2))


def _row(loaded: Loaded) -> tuple[str, ...]:
    from pump_protocol.units import format_duration  # noqa: PLC0415
    from pump_sim.scenario.file.branches import count_branches  # noqa: PLC0415

    scenario = loaded.scenario
    return (
        loaded.name,
        format_duration(scenario.length_ms),
        str(count_branches(scenario)),
        ", ".join(scenario.users),
        scenario.title,
    )


def _columns(rows: list[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _view(loaded: Loaded) -> dict[str, Any]:
    from pump_sim.scenario.reading.overview import overview  # noqa: PLC0415

    return {**overview(loaded), "file": str(loaded.path)}
