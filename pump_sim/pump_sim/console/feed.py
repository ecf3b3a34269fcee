"""Tells those who watch a room what is new: one message is made for all of them.

It paces: while much happens a watcher gets the whole picture a few times a second, and each line of
the log; whoever takes too long gets the latest picture, and none of those in between. What is in a
message is not known here.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Final, Literal, Self

Message = dict[str, Any]
View = Literal["instructor", "trainee"]

SOONEST_S: Final = 0.1
"""Between two pictures, however much happens."""

WANTED_S: Final = 0.02
"""Between two pictures where a person has pressed something and waits to see what comes of it."""

RUNNING_S: Final = 0.2
"""Between two pictures while therapy time runs and nothing happens."""

BEAT_S: Final = 2.0
"""Between two signs of life where nothing is new."""

MOST_WAITING: Final = 1_000
"""Lines that wait for a watcher; beyond it the watcher is told to read all anew."""

PICTURES: Final = {"instructor": "sight", "trainee": "observed"}


class Subscription:
    """What one watcher is told: to be used with ``with``, and iterated over.

    The iteration ends when the feed is closed.
    """

    def __init__(self, feed: "Feed", view: View) -> None:
        self.view = view
        self._feed = feed
        self._ready = asyncio.Event()
        self._picture: Message | None = None
        self._others: deque[Message] = deque()
        self._closed = False

    def __enter__(self) -> Self:
        self._feed.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._feed.remove(self)

    def put(self, message: Message) -> None:
        """Have a message told; a picture takes the place of one that was not told yet."""
        if message["type"] in PICTURES.values():
            self._picture = message
        elif len(self._others) < MOST_WAITING:
            self._others.append(message)
        else:
            self._others.clear()
            self._others.append({"type": "session", "n": message["n"]})
        self._ready.set()

    def close(self) -> None:
        """There is nothing more to come."""
        self._closed = True
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[Message]:
        while not self._closed:
            if self._others:
                yield self._others.popleft()
            elif self._picture is not None:
                picture, self._picture = self._picture, None
                yield picture
            else:
                self._ready.clear()
                try:
                    async with asyncio.timeout(BEAT_S):
                        await self._ready.wait()
                except TimeoutError:
                    yield self._feed.beat()


class Feed:
    """All who watch one room.

    :param picture: makes the picture for a view; called only while somebody watches.
    :param running: whether therapy time runs.
    :param on_first: told when somebody begins to watch so, and nobody else does.
    """

    def __init__(
        self,
        picture: Callable[[View], Message],
        running: Callable[[], bool],
        on_first: Callable[[View], None] = lambda _: None,
    ) -> None:
        self._make_picture = picture
        self._running = running
        self._on_first = on_first
        self._closed = False
        self._watchers: list[Subscription] = []
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._shown_s = 0.0

    def subscribe(self, view: View) -> Subscription:
        """Begin to watch; the whole picture comes at once, after what it tells news of."""
        return Subscription(self, view)

    def count(self, view: View) -> int:
        """How many watch so."""
        return sum(each.view == view for each in self._watchers)

    def add(self, watcher: Subscription) -> None:
        """Tell *watcher* from now on, and all others that there is one more."""
        if self._closed:
            watcher.close()
            return
        if not self.count(watcher.view):
            self._on_first(watcher.view)
        self._watchers.append(watcher)
        self.stir()

    def remove(self, watcher: Subscription) -> None:
        """Tell *watcher* no more."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)
            self.stir()

    def close(self) -> None:
        """Tell nobody any more, and nobody who comes."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for watcher in self._watchers:
            watcher.close()

    def tell(self, message: Message, *views: View) -> None:
        """Tell all who watch so, in all ways unless some are named, of something new."""
        told = self._numbered(message)
        for watcher in self._watchers:
            if not views or watcher.view in views:
                watcher.put(told)

    def beat(self) -> Message:
        """A sign of life."""
        return {"type": "beat", "n": self._number}

    def stir(self, *, wanted: bool = False) -> None:
        """Something may be new: show a picture soon, at once if the last one is old enough.

        :param wanted: somebody has asked for what happened, and waits to see it.
        """
        if self._watchers:
            self._plan(WANTED_S if wanted else SOONEST_S)

    def _plan(self, after_s: float) -> None:
        now_s = time.monotonic()
        due_s = max(now_s, self._shown_s + after_s)
        if self._timer is not None:
            if self._due_s <= due_s:
                return
            self._timer.cancel()
        self._due_s = due_s
        self._timer = asyncio.get_running_loop().call_later(due_s - now_s, self._show)

    def _show(self) -> None:
        self._timer = None
        self._shown_s = time.monotonic()
        pictures: dict[View, Message] = {}
        for watcher in tuple(self._watchers):
            if watcher.view not in pictures:
                pictures[watcher.view] = self._numbered(self._make_picture(watcher.view))
            watcher.put(pictures[watcher.view])
        if self._watchers and self._running():
            self._plan(RUNNING_S)

    def _numbered(self, message: Message) -> Message:
        self._number += 1
        return {**message, "n": self._number}
