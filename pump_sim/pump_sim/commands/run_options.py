"""All that is typed after ``pump-sim run``, read into one value.

Who asks for a pump within a test is read here, too. It starts nothing. Modules that cost time to
import are imported where they are needed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from pump_sim import options
from pump_sim.options import FileRefused, OptionError, RunOptions

if TYPE_CHECKING:
    from pump_sim.link_faults import LinkFaults
    from pump_sim.scenario.reading.loading import Loaded

MAX_COUNT: Final = 256


def read_run_options(  # noqa: PLR0913 - one parameter for each option, given by name
    typed: Collection[str],
    *,
    port: str,
    speed: str,
    profile: str,
    reservoir_ml: str | None,
    dose_mcg_per_day: str,
    concentration_mcg_per_ml: str,
    drug: str,
    start: str | None,
    serial_number: str,
    count: int,
    hands: str,
    battery: str,
    patient: str,
    control: str | None,
    scenario: str | None,
    pick: Sequence[str] | None,
    faults: str | None,
    security: str,
    updates: str,
    state_file: str | None,
    resume: str,
    key_file: str | None,
    key_log: str | None,
    as_json: bool,
    events: bool,
) -> RunOptions:
    """What is wanted, each value as it is typed.

    :param typed: the names of those that somebody typed; the others are defaults.
    :raises OptionError: an option is not what is allowed.
    :raises FileRefused: a file that is named is wrong.
    """
    from pump_sim.ports import default_spec  # noqa: PLC0415 - not needed for --help

    if not 1 <= count <= MAX_COUNT:
        raise OptionError(f"--count = {count}: allowed are 1 to {MAX_COUNT} pumps")
    if events and not as_json:
        raise OptionError("--events needs --json; people are told of every record anyway")
    options.check_choice("--hands", hands, options.HANDS)
    options.check_choice("--security", security, options.SECURITY)
    options.check_choice("--updates", updates, options.UPDATES)
    options.check_control(control)
    how_resumed = options.read_resume(resume)
    loaded = _scenario(scenario, typed, count)
    how_fast = options.read_speed(speed)
    files = {"--state": state_file, "--key-file": key_file, "--key-log": key_log}
    options.check_different(files)
    return RunOptions(
        port=port or default_spec(),
        start=loaded
        or options.read_start(
            profile=profile,
            drug=drug,
            dose_mcg_per_day=dose_mcg_per_day,
            concentration_mcg_per_ml=concentration_mcg_per_ml,
            reservoir_ml=reservoir_ml,
            start=start,
            serial_number=serial_number,
            battery=battery,
            patient=patient,
            count=count,
        ),
        speed=how_fast,
        count=count,
        hands_follow=loaded is None and hands == "follow",
        as_json=as_json,
        events=events,
        control=control,
        picks=_picks(pick, loaded),
        faults=_faults(faults),
        authenticated=security == "authenticated",
        historic_updates=updates == "historic",
        state_file=options.read_state_file(
            state_file,
            how_resumed,
            typed if how_fast != 0 else {*typed} - {"speed"},
            scenario=loaded is not None,
            count=count,
        ),
        resume=how_resumed,
        key_file=None if key_file is None else options.read_file("--key-file", key_file),
        key_log=None if key_log is None else options.read_file("--key-log", key_log),
    )


def _scenario(name: str | None, typed: Collection[str], count: int) -> Loaded | None:
    if name is None:
        return None
    from pump_sim.scenario.reading.loading import ScenarioError, load  # noqa: PLC0415

    for option in sorted(options.DECIDED_BY["scenario"].intersection(typed)):
        words = option.replace("_", "-")
        raise OptionError(f"--{words}: a scenario brings its own pump and start")
    if count != 1:
        raise OptionError(f"--count = {count}: a scenario is of one pump")
    try:
        return load(name)
    except ScenarioError as error:
        raise FileRefused(str(error)) from None


def _picks(given: Sequence[str] | None, scenario: Loaded | None) -> dict[str, str]:
    if not given:
        return {}
    if scenario is None:
        raise OptionError("--pick goes with --scenario")
    from pump_sim.commands.files import picked  # noqa: PLC0415 - not needed without a scenario

    try:
        return picked(given, scenario)
    except typer.BadParameter as error:
        raise OptionError(error.message) from None


def _faults(path: str | None) -> LinkFaults | None:
    if path is None:
        return None
    from pump_sim.link_faults import read_link_faults  # noqa: PLC0415 - only if wanted
    from pump_sim.scenario.reading.loading import ScenarioError  # noqa: PLC0415

    try:
        return read_link_faults(Path(path))
    except ScenarioError as error:
        raise FileRefused(str(error)) from None
