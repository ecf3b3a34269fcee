"""What several commands do with files: scenarios that are read, and outputs that are written."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from pump_protocol.conformance.command.outputs import Output, cannot_be_written
from pump_sim.commands.exits import REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pump_sim.scenario.reading.loading import Loaded

    Write = Callable[[str | bytes], None]


def refuse(why: str) -> NoReturn:
    """End the program with 2, and say why."""
    typer.echo(f"pump-sim: {why}", err=True)
    raise typer.Exit(REFUSED)


# --- Scenarios -----------------------------------------------------------------------------------


def loaded(name: str) -> Loaded:
    """The scenario of that name or file; ends the program with 2 and all complaints otherwise."""
    from pump_sim.scenario.reading.loading import ScenarioError, load  # noqa: PLC0415 - pydantic

    try:
        return load(name)
    except ScenarioError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(REFUSED) from None


def picked(given: Iterable[str], of: Loaded) -> dict[str, str]:
    """Options by the name of their choice, from texts such as ``refill=nobody-comes``.

    :raises typer.BadParameter: there is no such choice, or it has no such option.
    """
    from pump_sim.scenario.file.branches import PickError, read_picks  # noqa: PLC0415 - as above

    try:
        return read_picks(given, of.scenario)
    except PickError as error:
        raise typer.BadParameter(f"--pick = {error}") from None


# --- Files that are written ----------------------------------------------------------------------


def files_of(loaded: Loaded) -> dict[Path, str]:
    """What each file is that a scenario names: of a state, of profiles."""
    from pump_sim.model.profile import profile_names  # noqa: PLC0415 - not needed for --help
    from pump_sim.scenario.file.acts import Implant  # noqa: PLC0415 - loads pydantic
    from pump_sim.scenario.file.branches import acts_of  # noqa: PLC0415 - as above

    scenario, by = loaded.scenario, f"scenario {loaded.name}"
    found: dict[Path, str] = {}
    if scenario.pump.state is not None:
        found[loaded.path.parent / scenario.pump.state] = f"the state of the pump of {by}"
    acts = (each for each in acts_of(scenario) if isinstance(each, Implant))
    for profile in (scenario.pump.profile, *(each.profile for each in acts)):
        if profile is not None and profile not in profile_names():
            found[Path(profile)] = f"a profile of {by}"
    return found


def check_outputs(sources: Mapping[Path, str], outputs: Mapping[str, Path | None]) -> None:
    """Refuse to write over what is read, or two things into one file.

    :param sources: what each file is that is read.
    :param outputs: the files that are written, by their options.
    """
    taken = [(path, f"is {what}") for path, what in sources.items()]
    for option, path in outputs.items():
        if path is None:
            continue
        why = next((what for other, what in taken if _same(path, other)), None)
        if why is not None:
            raise typer.BadParameter(f"{option} = {path}: that file {why}")
        taken.append((path, f"is written by {option}"))


def _same(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file; of a file that is not there yet, by its name."""
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        pass
    try:  # not Path.resolve, which makes an error of its own of a loop of links
        return os.path.realpath(path) == os.path.realpath(other)
    except (OSError, ValueError):
        return False


def whole(option: str, path: Path, *, afresh: bool = False) -> Write:
    """What writes a file at the end of the work, all of it at once.

    Whether it can be written is found out now. Where the work is broken off the file stays as it
    was: what is written goes beside it first. A device or a pipe is written directly.

    :param afresh: rather remove it now: what is in it is of an earlier run.
    """
    output = Output.ready(option, path)
    try:
        if afresh:
            output.discard()
    except OSError as error:
        raise typer.BadParameter(f"{option} = {path}: {cannot_be_written(error)}") from None

    def write(content: str | bytes) -> None:
        complaint = output.write(content)
        if complaint is not None:
            refuse(f"{path}: {complaint}")

    return write


@contextmanager
def stream(option: str, path: Path) -> Iterator[Write]:
    """What writes to a file bit by bit; it is opened, and emptied, at once: before the work."""
    try:
        file = path.open("wb")
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{option} = {path}: {cannot_be_written(error)}") from None

    def write(content: str | bytes) -> None:
        try:
            file.write(content.encode() if isinstance(content, str) else content)
        except OSError as error:
            refuse(f"{path}: {cannot_be_written(error)}")

    try:
        yield write
        try:
            file.close()
        except OSError as error:
            refuse(f"{path}: {cannot_be_written(error)}")
    finally:
        with suppress(OSError):
            file.close()
