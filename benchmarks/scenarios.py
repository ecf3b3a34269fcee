"""How long a check of all shipped scenarios takes, each way through each, and what a trace adds."""

import io
import time
from statistics import median

from benchmarks.figures import Figure
from benchmarks.processes import running
from pump_sim.scenario.checking import check, plan
from pump_sim.scenario.reading.catalogue import scenario_names
from pump_sim.scenario.reading.loading import load

ROUNDS = 3
NAMES = scenario_names()


def run() -> list[Figure]:
    """The command as CI runs it, and its parts in this process."""
    whole = median(_command_s() for _ in range(ROUNDS))
    before = time.perf_counter()
    planned = plan([load(name) for name in NAMES])
    loaded_s = time.perf_counter() - before
    check(planned)  # the first one fills caches
    played_s = median(_play_s(None) for _ in range(ROUNDS))
    traced = io.StringIO()
    traced_s = _play_s(traced)
    note = f"{len(NAMES)} scenarios, {len(planned)} ways"
    return [
        Figure("'pump-sim check' of all shipped scenarios", whole, "s", at_most=5, note=note),
        Figure("  reading their files", loaded_s, "s"),
        Figure("  playing and judging", played_s, "s"),
        Figure("  with a trace", traced_s, "s", note=f"{len(traced.getvalue()) / 1e6:.1f} MB"),
    ]


def _command_s() -> float:
    before = time.perf_counter()
    with running("-m", "pump_sim", "check", *NAMES) as (process, _):
        assert process.stdout is not None
        process.stdout.read()
        assert process.wait() == 0
    return time.perf_counter() - before


def _play_s(trace: io.StringIO | None) -> float:
    planned = plan([load(name) for name in NAMES])
    before = time.perf_counter()
    check(planned, write_trace=None if trace is None else trace.write)
    return time.perf_counter() - before
