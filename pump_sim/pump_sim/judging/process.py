"""The process of a programmer that is judged: started, listened to, and ended whatever it does.

It and what it starts are a process group of their own, so that nothing of it is left behind. What
the process is for, and what its exit code says, is not known here.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pump_protocol.conformance.steps import Ended
from pump_sim.judging.surroundings import Call

END_S: Final = 1.0
"""How long a process that is told to end may take before it is killed."""

_LAST_WORDS_S: Final = 0.2
"""How long to wait, once it has ended, for the rest of what it printed: a process that it left
behind may hold its output open for ever."""

_KEPT_BYTES: Final = 256 * 1024
"""How much of what it prints is kept, of either output; the rest is read and thrown away."""

_OUTPUT: Final = 1
_ERRORS: Final = 2


class ProgrammerProcess(asyncio.SubprocessProtocol):
    """A process that runs, or has run; make one with :meth:`start`.

    :param on_end: called when it has ended.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._transport: asyncio.SubprocessTransport | None = None
        self._printed = {_OUTPUT: bytearray(), _ERRORS: bytearray()}
        self._exited = asyncio.Event()
        self._silent = asyncio.Event()

    @classmethod
    async def start(cls, call: Call, on_end: Callable[[], None]) -> "ProgrammerProcess":
        """Start it, with nothing to read on its standard input.

        :raises OSError, ValueError: the system cannot start such a process.
        """
        starting = asyncio.ensure_future(
            asyncio.get_running_loop().subprocess_exec(
                lambda: cls(on_end),
                *call.words,
                stdin=asyncio.subprocess.DEVNULL,
                env=dict(call.environment),
                start_new_session=True,
            )
        )
        try:
            _, process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # asyncio that is cancelled between fork and pipes may wait for that process for ever.
            _, process = await starting
            await process.end()
            raise
        return process

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._exited.is_set()

    async def how_it_ended(self) -> Ended:
        """How it ended, once it has."""
        assert self._transport is not None
        with suppress(TimeoutError):
            await asyncio.wait_for(self._silent.wait(), _LAST_WORDS_S)
        code = self._transport.get_returncode()
        assert code is not None
        return Ended(code, self._text(_OUTPUT), self._text(_ERRORS))

    def _text(self, descriptor: int) -> str:
        return self._printed[descriptor].decode(errors="replace")

    async def end(self) -> None:
        """Have it and all that it started end, by force if it must be; may be called twice."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        try:
            if not self.ended:
                self._signal(transport, signal.SIGTERM)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._exited.wait(), END_S)
        finally:
            # Also when it has ended: what it started may be there still.
            self._signal(transport, getattr(signal, "SIGKILL", signal.SIGTERM))
            await self._exited.wait()  # closing sooner would take its exit code from who awaits it
            transport.close()

    def _signal(self, transport: asyncio.SubprocessTransport, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(transport.get_pid(), number)
            elif not self.ended:
                transport.kill()

    # --- What the event loop tells ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It runs."""
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """It printed something."""
        kept = self._printed[fd]
        kept += data[: _KEPT_BYTES - len(kept)]

    def process_exited(self) -> None:
        """It ended; what it printed last may still be on the way."""
        self._exited.set()
        self._on_end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - there is none
        """It ended, and nobody holds its outputs any more."""
        self._silent.set()
