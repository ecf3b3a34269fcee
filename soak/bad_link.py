"""``make soak``: 100,000 orders over lines that lose, double, delay, cut and spoil what they carry.

Each order must have been carried out exactly once, or refused, or not at all, and the programmer
must know which in the end. Prints a line for each kind of order over each line; exit code 1 where
one verdict is wrong, or one is missing.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from typing import Final

from fuzz.spread import spread
from soak.lines import Trouble
from soak.lots import EXECUTED, NOT_EXECUTED, REFUSED, Lot, run_lot

LOT_ORDERS: Final = 250
"""Orders to one pump: its batteries, its reservoir and its order numbers are not what is soaked."""
SHOWN: Final = 10

LOSS = Trouble("20 % lost", lost=0.2)
ECHOES = Trouble("20 % doubled, late, cut", doubled=0.2, late=0.2, split=0.3)
BITS = Trouble("bit errors 1e-4", bit_errors=1e-4)
MANY_BITS = Trouble("bit errors 1e-3", bit_errors=1e-3)
ALL = Trouble("all, bit errors 1e-4", 0.2, 0.1, 0.1, 0.2, 1e-4)
WORST = Trouble("all, bit errors 1e-3", 0.2, 0.1, 0.1, 0.2, 1e-3)

PLAN: Final = (
    (LOSS, "orders", 15),
    (ECHOES, "orders", 15),
    (BITS, "orders", 10),
    (MANY_BITS, "orders", 10),
    (ALL, "orders", 10),
    (WORST, "orders", 10),
    (LOSS, "patient", 8),
    (WORST, "patient", 8),
    (LOSS, "prescriptions", 4),
    (ECHOES, "prescriptions", 3),
    (BITS, "prescriptions", 3),
    (ALL, "prescriptions", 4),
)
"""What is ordered over which line, and how many of a hundred orders that are."""


def main(arguments: list[str]) -> int:
    """Give the orders as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m soak.bad_link", description="Orders over a bad link."
    )
    parser.add_argument("--orders", type=int, default=100_000, help="how many, at least")
    parser.add_argument("--seed", type=int, default=1, help="the same seed: the same troubles")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    began_s = time.perf_counter()
    rows = soak(options.orders, options.seed, options.processes)
    print(table(rows))
    seconds = time.perf_counter() - began_s
    orders, wrong = sum(each.orders for each in rows), [why for each in rows for why in each.wrong]
    unresolved = sum(each.unresolved for each in rows)
    for why in wrong[:SHOWN]:
        print(f"WRONG {why}")
    print(
        f"\n{orders:,} orders in {seconds:.0f} s, {sum(each.link_s for each in rows) / 3600:,.0f} h"
        f" of link time: {len(wrong)} wrong, {unresolved} unresolved"
    )
    return 1 if wrong or unresolved else 0


def soak(orders: int, seed: int, processes: int) -> list[Lot]:
    """Give at least *orders* orders by the plan; what came of each of its lines."""
    rows = [Lot(trouble.name, kind) for trouble, kind, _ in PLAN]
    pieces, row_of = [], []
    for row, (trouble, kind, percent) in enumerate(PLAN):
        for number, count in enumerate(_lots(-(-orders * percent // 100))):
            pieces.append((trouble, kind, count, f"{seed}:{row}:{number}"))
            row_of.append(row)
    for place, lot in spread(run_lot, pieces, processes):
        rows[row_of[place]].add(lot)
    return rows


def _lots(orders: int) -> Iterable[int]:
    for first in range(0, orders, LOT_ORDERS):
        yield min(LOT_ORDERS, orders - first)


def table(rows: Iterable[Lot]) -> str:
    """The rows as lines of text."""
    heads = ("line", "order", "orders", "executed", "refused", "not done", "UNKNOWN, asked")
    lines = ["{:24} {:14} {:>7} {:>9} {:>8} {:>9} {:>15}  wrong  unresolved".format(*heads)]
    for row in rows:
        verdicts = row.verdicts
        lines.append(
            f"{row.trouble:24} {row.kind:14} {row.orders:7,} {verdicts[EXECUTED]:9,} "
            f"{verdicts[REFUSED]:8,} {verdicts[NOT_EXECUTED]:9,} {row.asked:15,} "
            f"{len(row.wrong):6} {row.unresolved:11}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
