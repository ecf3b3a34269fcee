"""``make fuzz``: a million inputs, seeded, in two processes; exit code 1 if one of them fails.

What fails is printed as bytes, with the command that does its round again.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from fuzz.spread import spread
from fuzz.targets import ROUND_INPUTS, TARGETS, Tally, run_rounds

SHOWN_FAILURES = 10
PIECE_ROUNDS = 20


def main(arguments: list[str]) -> int:
    """Fuzz as the command line says."""
    options = _parser().parse_args(arguments)
    names = [options.only] if options.only else list(TARGETS)
    if options.round is not None:
        if not options.only:
            print("--round needs --only: rounds are counted for each target", file=sys.stderr)
            return 2
        tallies = [run_rounds(options.only, options.seed, range(options.round, options.round + 1))]
        return _report(tallies, tallies[0].seconds)
    began_s = time.perf_counter()
    tallies = fuzz(names, options.inputs, options.seed, options.processes)
    return _report(tallies, time.perf_counter() - began_s)


def fuzz(names: Sequence[str], inputs: int, seed: int, processes: int) -> list[Tally]:
    """Feed at least *inputs* inputs to these targets, by their shares."""
    tallies = {name: Tally(name) for name in names}
    for _, tally in spread(run_rounds, list(_pieces(list(names), inputs, seed)), processes):
        tallies[tally.target].add(tally)
    return list(tallies.values())


def _pieces(names: list[str], inputs: int, seed: int) -> Iterator[tuple[str, int, range]]:
    whole = sum(TARGETS[name].percent for name in names)
    for name in names:
        rounds = -(-inputs * TARGETS[name].percent // (whole * ROUND_INPUTS))
        for first in range(0, rounds, PIECE_ROUNDS):
            yield name, seed, range(first, min(first + PIECE_ROUNDS, rounds))


def _report(tallies: list[Tally], seconds: float) -> int:
    print(f"{'target':12} {'inputs':>9} {'per s':>7}  what came of them")
    for tally in tallies:
        outcomes = ", ".join(f"{name} {count:,}" for name, count in tally.outcomes.most_common())
        rate = tally.inputs / tally.seconds if tally.seconds else 0
        print(f"{tally.target:12} {tally.inputs:9,} {rate:7,.0f}  {outcomes}")
    failures = [failure for tally in tallies for failure in tally.failures]
    for failure in failures[:SHOWN_FAILURES]:
        print(f"\n{failure}")
    if len(failures) > SHOWN_FAILURES:
        print(f"\n... and {len(failures) - SHOWN_FAILURES} more")
    inputs = sum(tally.inputs for tally in tallies)
    print(
        f"\n{inputs:,} inputs in {seconds:.0f} s, {inputs / max(seconds, 1e-9):,.0f} a second: "
        f"{len(failures)} failures"
    )
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Fuzz the telemetry.")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many, at least")
    parser.add_argument("--seed", type=int, default=1, help="the same seed: the same inputs")
    parser.add_argument("--only", choices=TARGETS, help="this target alone")
    parser.add_argument("--round", type=int, help="only this round of it, as a failure names it")
    parser.add_argument("--processes", type=int, default=2)
    return parser


if __name__ == "__main__":
    if not __debug__:
        sys.exit("the checks are assert statements: run Python without -O")
    sys.exit(main(sys.argv[1:]))
