"""The scenarios that come with the package: each way through each, with the numbers of its file."""

from dataclasses import replace

import pytest

from pump_sim.scenario.checking import check, plan
from pump_sim.scenario.file.branches import walk
from pump_sim.scenario.reading.catalogue import scenario_names
from pump_sim.scenario.reading.loading import load

THE_SEVENTEEN = {
    "missed-refill", "mri-normal", "mri-slow-recovery", "mri-telemetry-latch", "incomplete-update",
    "minutes-for-hours", "daily-for-hourly", "wrong-concentration", "concentration-down",
    "concentration-up", "priming-volume", "over-infusion", "end-of-service", "low-battery-reset",
    "patient-bolus-abuse", "replay-and-forge", "pocket-fill",
}  # fmt: skip
FOR_DEVELOPERS = {"noisy-link", "slow-pump", "lost-commit-reply", "pump-replaced"}


def test_the_seventeen_and_those_for_developers_are_there() -> None:
    """Each training scenario of the domain's table is shipped, and a few for developers."""
    assert set(scenario_names()) >= THE_SEVENTEEN | FOR_DEVELOPERS


@pytest.mark.parametrize("name", scenario_names())
def test_every_expectation_of_a_shipped_scenario_is_met(name: str) -> None:
    """Whatever way an instructor takes, the pump does what the file says, to its tolerance."""
    report = check(plan([load(name)]))
    unmet = [
        f"{play.way}, line {each.line}: {each.verdict.expected}: {each.verdict.happened}"
        for play in report.plays
        for each in play.unmet
    ]
    assert not unmet
    assert all(play.judged for play in report.plays)


@pytest.mark.parametrize("name", ["noisy-link", "end-of-service", "patient-bolus-abuse"])
def test_the_same_seed_gives_the_same_trace(name: str) -> None:
    """Byte for byte: two checks of one file write the same lines."""
    traces: list[list[str]] = [[], []]
    for lines in traces:
        check(plan([load(name)]), write_trace=lines.append)
    assert traces[0] == traces[1]
    assert len(traces[0]) > 400


def test_another_seed_is_another_noise() -> None:
    """A seed is not for nothing: the frames that are lost differ with it."""
    loaded = load("noisy-link")
    seeds = (7, 8)
    traces = []
    for seed in seeds:
        lines: list[str] = []
        scenario = loaded.scenario.model_copy(update={"seed": seed})
        check(plan([replace(loaded, scenario=scenario)]), write_trace=lines.append)
        traces.append([line for line in lines if '"impaired"' in line])
    assert traces[0] != traces[1]


@pytest.mark.parametrize("name", scenario_names())
def test_what_is_for_trainers_is_narrated_and_has_a_summary(name: str) -> None:
    """People who watch are told what they see; every file says what it is about."""
    scenario = load(name).scenario
    assert len(scenario.summary.split()) > 15
    if "trainer" in scenario.users:
        assert [say for _, block in walk(scenario) for say in block.say]
