"""Work in a thread, while the pump's link is heard; where none can be had, that is told."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from pump_sim.console.api.refusing import unavailable

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work gives.

    :raises Problem: the machine has no thread to spare.
    """
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except RuntimeError as error:
        if "new thread" not in str(error):  # Python has no other mark of it
            raise
        raise unavailable("no thread can be had") from None
