"""The one thread in which a pump is talked to: what is asked waits its turn, one at a time.

What has begun is never given up: it ends by the programmer's own deadlines. What has waited too
long is not begun any more. It knows no pump.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pump_protocol.web.problems import Problem

T = TypeVar("T")

LONGEST_WAIT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Task:
    """What is being done, and for which page."""

    doing: str
    page: str


class Worker:
    """A thread that does one thing after the other, for whoever asks on the event loop.

    :param changed: called on the event loop whenever it does another thing, or nothing.
    :param longest_wait_s: how long somebody waits for a turn.
    """

    def __init__(self, changed: Callable[[], None], longest_wait_s: float = LONGEST_WAIT_S) -> None:
        self._changed = changed
        self._longest_wait_s = longest_wait_s
        self._executor = ThreadPoolExecutor(1, "pump-programmer")
        self._tasks: list[tuple[Task, Future[Any]]] = []
        self._closing = False

    @property
    def busy(self) -> Task | None:
        """What is done now."""
        return self._tasks[0][0] if self._tasks else None

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return max(0, len(self._tasks) - 1)

    async def do(self, task: Task, job: Callable[[], T]) -> T:
        """Do a job when it is its turn, and return what it returns.

        :raises Problem: its turn did not come in time, or never will; nothing was done.
        """
        if self._closing:
            raise Problem(503, "busy", "the programmer is about to end; nothing was done")
        future = self._executor.submit(job)
        entry = task, future
        self._tasks.append(entry)
        self._changed()
        told = asyncio.wrap_future(future)
        told.add_done_callback(lambda _: self._forget(entry))
        done, _ = await asyncio.wait([told], timeout=self._longest_wait_s)
        if not done and future.cancel():
            raise Problem(
                503,
                "busy",
                f"the pump is busy: {self._running()} has not ended yet; nothing was done",
                headers={"Retry-After": "5"},
            )
        try:
            # What has begun goes on, whoever leaves.
            return await asyncio.shield(told)
        except asyncio.CancelledError:
            if not future.cancelled():
                raise
            raise Problem(503, "busy", "the programmer has ended; nothing was done") from None

    async def aside(self, job: Callable[[], None]) -> None:
        """Do a short job that nobody asked for, if there is nothing else to do."""
        if not self._tasks and not self._closing:
            await asyncio.wrap_future(self._executor.submit(job))

    async def finish(self, job: Callable[[], None]) -> None:
        """Do a last job after what is being done; what still waits is never begun."""
        if self._closing:
            return
        self._closing = True
        for _, future in self._tasks:
            future.cancel()
        try:
            await asyncio.wrap_future(self._executor.submit(job))
        finally:
            self._executor.shutdown(wait=False)

    def _running(self) -> str:
        """What the thread does now; where that is nobody's request, it is a look."""
        doing = (task.doing for task, future in self._tasks if future.running())
        return next(doing, "a look at the port")

    def _forget(self, entry: tuple[Task, Future[Any]]) -> None:
        _, future = entry
        if not future.cancelled():
            future.exception()  # looked at, also where nobody waits for it any more
        self._tasks.remove(entry)
        self._changed()
