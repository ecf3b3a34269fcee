"""All pages at one programmer: requests in their order, and what every page is told.

It lives on an event loop; what blocks is done in the worker's thread.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final, TypeVar

from pump_programmer.web.access import Access
from pump_programmer.web.desk import Desk
from pump_programmer.web.ordering import Orders
from pump_programmer.web.standing import standing_view
from pump_programmer.web.worker import LONGEST_WAIT_S, Task, Worker
from pump_protocol._version import __version__
from pump_protocol.jsonable import Json

T = TypeVar("T")

NOTICE: Final = "SIMULATOR: never for clinical use"
BEAT_S: Final = 2.0
LOOK_S: Final = 0.5
"""How often it is looked whether the port is still there, while nothing else is done."""


class Office:
    """What all pages share.

    :param longest_wait_s: how long a request waits for its turn.
    """

    def __init__(self, access: Access, *, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        self._loop = asyncio.get_running_loop()
        self._listeners: set[asyncio.Event] = set()
        self.worker = Worker(self._tell, longest_wait_s)
        self.desk = Desk(access, self._tell_from_worker)
        self.orders = Orders()
        self.drawing = asyncio.Lock()

    async def do(self, page: str, doing: str, job: Callable[[], T]) -> T:
        """Do what a page asks for, when it is its turn.

        :raises Problem, ProgrammerError, LocalError: as *job*, or it is not its turn in time.
        """
        return await self.worker.do(Task(doing, page), job)

    def view(self) -> dict[str, Json]:
        """How things stand, for every page."""
        busy = self.worker.busy
        return {
            "notice": NOTICE,
            "product": "pump-programmer",
            "version": __version__,
            "address": self.desk.access.address,
            **standing_view(self.desk.standing),
            "busy": None if busy is None else {"doing": busy.doing, "page": busy.page},
            "waiting": self.worker.waiting,
        }

    async def states(self) -> AsyncIterator[dict[str, Json] | None]:
        """How things stand, each time anything of it changes; None where nothing did for a beat."""
        changed = asyncio.Event()
        self._listeners.add(changed)
        told: dict[str, Json] | None = None
        try:
            while True:
                changed.clear()
                view = self.view()
                if _lasting(view) != told:
                    told = _lasting(view)
                    yield view
                try:
                    async with asyncio.timeout(BEAT_S):
                        await changed.wait()
                except TimeoutError:
                    yield None
        finally:
            self._listeners.discard(changed)

    async def watch(self, log: Callable[[str], None]) -> None:
        """Look after the port and the review while nobody asks for anything; never returns.

        :param log: told a line about a look that fails; about others that fail alike, no more.
        """
        told = None
        while True:
            await asyncio.sleep(LOOK_S)
            look = asyncio.create_task(self.worker.aside(self.desk.look))
            await asyncio.wait([look])
            error = look.exception()  # whatever it is: the next look may succeed
            if error is not None and repr(error) != told:
                log(f"a look at the port failed: {error!r}")
            told = None if error is None else repr(error)

    async def end(self) -> None:
        """Leave nothing staged, and give the port back, after what is being done."""
        await self.worker.finish(self.desk.end)

    def _tell(self) -> None:
        for each in self._listeners:
            each.set()

    def _tell_from_worker(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: there are no pages any more
            self._loop.call_soon_threadsafe(self._tell)


def _lasting(view: dict[str, Json]) -> dict[str, Json]:
    """What of it is worth telling again: time goes by without it."""
    review = view["review"]
    if not isinstance(review, dict):
        return view
    return {**view, "review": {**review, "expires_in_ms": None}}
