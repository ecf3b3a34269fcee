"""Checks scenarios: plays every way through each, as fast as possible, and judges it.

It prints nothing and opens no file; what is traced and told goes to whoever asks for it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from pump_sim.scenario.file.branches import Way, branches, walk
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.file.places import Place
from pump_sim.scenario.judging.judge import Judge, Verdict
from pump_sim.scenario.playing.play import Play, Watcher, run
from pump_sim.scenario.reading.loading import Loaded
from pump_sim.scenario.tracing.trace import Tracer

Write = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and the line of the file on which the expectation or the act stands."""

    verdict: Verdict
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPlay:
    """One way through one scenario, and what came of it. `elapsed_ms` is real time."""

    name: str
    file: str
    way: Way
    judged: tuple[Judged, ...]
    elapsed_ms: int

    @property
    def unmet(self) -> tuple[Judged, ...]:
        """What was expected and did not happen."""
        return tuple(each for each in self.judged if not each.verdict.met)

    @property
    def met(self) -> bool:
        """Whether everything was as expected."""
        return not self.unmet


@dataclass(frozen=True, slots=True)
class Report:
    """All plays of a check, in their order."""

    plays: tuple[CheckedPlay, ...]

    @property
    def met(self) -> bool:
        """Whether everything was as expected in every play."""
        return all(each.met for each in self.plays)

    @property
    def elapsed_ms(self) -> int:
        """How long all plays took, in real time."""
        return sum(each.elapsed_ms for each in self.plays)


@dataclass(frozen=True, slots=True)
class Planned:
    """One way through one scenario that is to be played."""

    loaded: Loaded
    way: Way


def plan(scenarios: Sequence[Loaded]) -> tuple[Planned, ...]:
    """Every way through every scenario."""
    return tuple(Planned(loaded, way) for loaded in scenarios for way in branches(loaded.scenario))


def check(
    planned: Sequence[Planned],
    on_play: Callable[[CheckedPlay], None] | None = None,
    write_trace: Write | None = None,
) -> Report:
    """Play and judge what is planned, one after the other.

    A bug in a play is no verdict: it is raised.

    :param on_play: told of each play when it has been judged.
    :param write_trace: takes the lines of the trace.
    """
    plays = []
    for each in planned:
        checked = _check(each, write_trace)
        plays.append(checked)
        if on_play is not None:
            on_play(checked)
    return Report(tuple(plays))


def _check(planned: Planned, write_trace: Write | None) -> CheckedPlay:
    loaded, way = planned.loaded, planned.way
    scenario = loaded.scenario
    began = perf_counter()
    play = Play(scenario, dict(way), folder=loaded.path.parent)
    judge = Judge(scenario.expect, scenario.length_ms)
    watchers: list[Watcher] = [judge.hear]
    tracer = None if write_trace is None else Tracer(loaded.name, way, write_trace)
    if tracer is not None:
        tracer.begin(scenario, play.pump.serial_number)
        watchers.append(tracer.hear)
    for watcher in watchers:
        play.watch(watcher)
    run(play)
    judged = located(judge.verdicts(), loaded)
    if tracer is not None:
        tracer.close((each.verdict, each.line) for each in judged)
    return CheckedPlay(
        name=loaded.name,
        file=str(loaded.path),
        way=way,
        judged=judged,
        elapsed_ms=round(1_000 * (perf_counter() - began)),
    )


def located(verdicts: Sequence[Verdict], loaded: Loaded) -> tuple[Judged, ...]:
    """Verdicts on a play of a loaded scenario, with the lines of its file."""
    places = _places(loaded.scenario)
    return tuple(Judged(each, loaded.line_of(places[id(each.expectation)])) for each in verdicts)


def _places(scenario: Scenario) -> Mapping[int, Place]:
    """Where in the file each expectation and act stands, by identity: two of them may be equal."""
    return {
        id(each): (*place, key, index)
        for place, block in walk(scenario)
        for key, entries in (("expect", block.expect), ("at", block.at))
        for index, each in enumerate(entries)
    }
