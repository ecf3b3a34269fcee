"""``make bench``: every figure with its target and whether it was met.

Figures of a busy machine are no verdict, so the exit code is 0 whatever they are; with ``--strict``
it is 1 where one falls short.
"""

import sys

from benchmarks import (
    conformance,
    console,
    decoder,
    life,
    patient,
    roundtrip,
    scenarios,
    startup,
    state,
)
from benchmarks.figures import Figure, table


def main(strict: bool = False) -> int:
    """Measure everything; 1 if *strict* and a target was missed, else 0."""
    figures: list[Figure] = []
    for module in (
        roundtrip,
        startup,
        state,
        life,
        patient,
        decoder,
        scenarios,
        conformance,
        console,
    ):
        figures += module.run()
    print(table(figures))
    short = [each.name for each in figures if each.verdict == "FALL SHORT"]
    print(f"\n{len(figures)} figures, {len(short)} fall short" + "".join(f"\n  {n}" for n in short))
    return 1 if strict and short else 0


if __name__ == "__main__":
    sys.exit(main(strict="--strict" in sys.argv[1:]))
