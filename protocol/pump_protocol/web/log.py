"""What a server says about those who ask it: so many lines a second, and never a wait.

It does not write: who says the lines is somebody else, a queue to a thread for both programs.
"""

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

MOST_PER_SECOND: Final = 20
"""Enough for a classroom that opens an old link; more is somebody who tries."""

_PEERS: Final = (
    "Invalid UTF-8 sequence received from client.",
    "socket.send() raised exception.",
)
"""How what a library says of a peer's errors begins: the peer has its answer, or is gone."""

_SHORTAGE: Final = "socket.accept() out of system resource"


class Log:
    """Says lines, and of more than so many in a second only how many they were.

    A context manager, on an event loop: meanwhile, it also has what libraries log.

    :param say: neither waits nor raises.
    :param prefix: of each line.
    """

    def __init__(self, say: Callable[[str], None], prefix: str = "") -> None:
        self._say = say
        self._prefix = prefix
        self._loop = asyncio.get_running_loop()
        self._turn: asyncio.TimerHandle | None = None
        self._said = 0
        self._more = 0
        self._handler = _Handler(self)

    def __call__(self, line: str) -> None:
        """Say a line, or count it."""
        if self._turn is None:
            self._turn = self._loop.call_later(1.0, self._count)
        if self._said < MOST_PER_SECOND:
            self._said += 1
            self._say(f"{self._prefix}{line}")
        else:
            self._more += 1

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self._handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        logging.getLogger().removeHandler(self._handler)
        if self._turn is not None:
            self._turn.cancel()
        self._count()

    def _count(self) -> None:
        """Begin a new second."""
        if self._more:
            self._say(f"{self._prefix}and {self._more:,} more like it")
        self._turn, self._said, self._more = None, 0, 0


class _Handler(logging.Handler):
    """Hands on what the libraries that serve pages complain of: a bug of ours, as a rule."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record).strip()
        # asyncio tries again in a second: no bug, and nothing that a traceback explains
        self._log(text.partition("\n")[0] if text.startswith(_SHORTAGE) else text)


def is_ours(record: logging.LogRecord) -> bool:
    """Whether a record tells more than that somebody else erred, or has gone; a logging filter."""
    return not record.getMessage().startswith(_PEERS)
