"""What ends a program that runs until somebody stops it: a signal, a failure, a lost output."""

import asyncio
import contextlib
import errno
import signal
from collections.abc import Callable
from typing import Any, Final

SHORTAGE_EVERY_S: Final = 5.0
"""How often it is told, at most, that connections cannot be taken."""

_SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Stopping:
    """Whether the program is to end, and why; made on the event loop that it ends."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._failures: list[BaseException] = []
        self._say: Callable[[str], None] | None = None
        self._tell_again_s = 0.0

    def on_signals(self) -> None:
        """End in order at SIGINT, SIGTERM, and SIGHUP when a terminal is closed."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises instead
                if number is not None:
                    self._loop.add_signal_handler(number, self._stop.set)

    def on_failure(self, say: Callable[[str], None]) -> None:
        """The last resort: a bug ends the process with its traceback.

        A pump that went on half alive would answer some requests and not others, and whoever tests
        against it would look for the fault in their own program. That more peers connect than the
        system has files for is no bug, and passes.

        :param say: is told a line about what passes.
        """
        self._say = say
        self._loop.set_exception_handler(self._fail)

    def on_loss(self) -> Callable[[OSError], None]:
        """What ends the program with a failure, from any thread."""

        def end(error: OSError) -> None:
            self._failures.append(error)
            self._loop.call_soon_threadsafe(self._stop.set)

        return end

    @property
    def event(self) -> asyncio.Event:
        """Set when the program is to end."""
        return self._stop

    async def wait(self) -> None:
        """Until the program is to end."""
        await self._stop.wait()

    def check(self) -> None:
        """Nothing if the end was in order; else what was wrong first is raised."""
        if self._failures:
            raise self._failures[0]

    def _fail(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if _is_shortage(context):
            self._tell_shortage(error)
        else:
            self._failures.append(error or RuntimeError(context["message"]))
            self._stop.set()

    def _tell_shortage(self, error: BaseException | None) -> None:
        now_s = self._loop.time()
        if not isinstance(error, OSError) or now_s < self._tell_again_s or self._say is None:
            return
        self._tell_again_s = now_s + SHORTAGE_EVERY_S
        self._say(f"pump-sim: a connection has to wait: {error.strerror}")


def _is_shortage(context: dict[str, Any]) -> bool:
    """Whether a listening socket could take nobody just now; asyncio tries again in a second."""
    error, message = context.get("exception"), context["message"]
    if message == "socket.accept() out of system resource":
        return isinstance(error, OSError) and error.errno in _SHORTAGES
    # It tries even if the socket was closed in that second.
    return isinstance(error, ValueError) and "._start_serving(" in message
