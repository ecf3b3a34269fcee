"""``make bench``: every figure with its target and whether it was met."""

import sys

from benchmarks import decoder, life, roundtrip, startup
from benchmarks.figures import Figure, table


def main() -> int:
    """Measure everything; 0 if every target was met, else 1."""
    figures: list[Figure] = []
    for module in (roundtrip, startup, life, decoder):
        figures += module.run()
    print(table(figures))
    short = [each.name for each in figures if each.verdict == "FALL SHORT"]
    print(f"\n{len(figures)} figures, {len(short)} fall short" + "".join(f"\n  {n}" for n in short))
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
