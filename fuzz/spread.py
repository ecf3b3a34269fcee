"""The same work on many pieces, in several processes or in this one."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

R = TypeVar("R")


def spread(
    work: Callable[..., R], pieces: Sequence[tuple[Any, ...]], processes: int
) -> Iterator[tuple[int, R]]:
    """What *work* gives for each of *pieces*, with its place among them, as it gets done.

    On a terminal it shows how far it is.
    """
    if processes == 1:
        yield from ((place, work(*piece)) for place, piece in enumerate(pieces))
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(work, *piece): place for place, piece in enumerate(pieces)}
        for done, future in enumerate(as_completed(pending), 1):
            yield pending[future], future.result()
            if sys.stderr.isatty():
                end = "\n" if done == len(pending) else ""
                print(f"\r{done}/{len(pending)}", end=end, file=sys.stderr)
