"""What a program that answers others says: lines that are written when somebody takes them.

A pump, or a server of pages, must not wait for whoever reads what it says. A reader that stops (a
full pipe, a terminal that was paused with Ctrl-S) would hold up every answer on the port; one that
went away would raise in the middle of a request. So lines go through a bounded queue to a thread
that may wait, and what nobody takes is dropped. It knows neither pumps nor pages, and both halves
use it.
"""

import contextlib
import errno
import io
import os
import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

MAX_LINES: Final = 10_000
"""Enough for every record of a seven-year life many times over; a bound on memory otherwise."""

FLUSH_S: Final = 1.0
"""How long the end of the program waits for a slow reader to take the last lines."""


class Announcer:
    """Says lines on a stream, standard output or standard error, without waiting for it.

    A context manager: what was said is written, or given up, when it ends.

    :param stream: None where it was closed before we began; its number is another file's then.
    :ivar on_loss: told, in another thread, if not even the first line can be written.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.on_loss: Callable[[OSError], None] | None = None
        self._descriptor: int | None = None
        # A stream that somebody put in the place of the process's own has no file.
        with contextlib.suppress(io.UnsupportedOperation):
            self._descriptor = None if stream is None else stream.fileno()
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_LINES)
        # A daemon: a reader that never reads cannot keep the process from ending.
        self._thread = threading.Thread(target=self._write, name="announcer", daemon=True)

    def say(self, line: str) -> None:
        """Have *line* written, or drop it if thousands are waiting already."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(line)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._thread.join(FLUSH_S)

    def _write(self) -> None:
        is_first = True
        while (line := self._lines.get()) is not None:
            try:
                self._put((line + "\n").encode(errors="replace"))
            except OSError as error:
                if is_first and self.on_loss is not None:
                    self.on_loss(error)
                return  # nobody is there any more, and nobody need be
            is_first = False

    def _put(self, data: bytes) -> None:
        if self._descriptor is None:
            raise OSError(errno.EIO, "it is closed")
        # Not through the stream: its lock, held by a thread that waits for a reader, would abort
        # the interpreter at its end.
        while data:
            data = data[os.write(self._descriptor, data) :]
