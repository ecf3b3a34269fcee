"""Carries out the steps of one case on a programmer in a process of its own, over a real port.

What a step means to the case, and what is made of its result, is not known here.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pump_protocol.conformance.steps import (
    AwaitEnd,
    Elapse,
    Now,
    Receive,
    Reconnect,
    Send,
    Start,
    Step,
)
from pump_protocol.conformance.verdicts import Broken, Finding
from pump_sim.endpoint import NS_PER_MS
from pump_sim.judging.line import Line
from pump_sim.judging.process import ProgrammerProcess
from pump_sim.judging.surroundings import Surroundings

_MS_PER_S: Final = 1_000
_UNDER_WAY_S: Final = 0.02
"""How long the last bytes of a process may be on their way through the system once it has ended."""


class NotStarted(Finding):
    """The programmer cannot be started, now or ever; the message says why."""


def now_ms() -> int:
    """The link time of all drivers."""
    return time.monotonic_ns() // NS_PER_MS


class Driver:
    """One case's programmer and its port: each start has a port of its own.

    :param kind: of port: ``pty``, ``tcp`` or ``rfc2217``.
    """

    def __init__(self, beside: Surroundings, kind: str) -> None:
        self._beside = beside
        self._kind = kind
        self._line: Line | None = None
        self._process: ProgrammerProcess | None = None
        self._changed = asyncio.Event()

    async def do(self, step: Step) -> object:
        """Carry out *step*; the result is what :mod:`pump_protocol.conformance.steps` says.

        :raises NotStarted: there is no programmer to be judged.
        :raises Finding: the programmer, or the system, does not let it be done.
        """
        match step:
            case Receive(within_ms=within_ms):
                return await self._receive(within_ms)
            case Elapse(ms=ms):
                await asyncio.sleep(ms / _MS_PER_S)
                return self._taken()
            case AwaitEnd(within_ms=within_ms):
                process = self._started()
                await self._wait(lambda: process.ended, within_ms)
                return await process.how_it_ended() if process.ended else None
            case Send(data=data):
                if self._line is not None:
                    self._line.send(data)
            case Now():
                return now_ms()
            case Start():
                await self._start(step)
            case Reconnect():
                await self._leave()
            case _:
                return self._beside.do(step)
        return None

    async def close(self) -> None:
        """End the programmer and give back the port, whatever became of them."""
        try:
            await self._leave()
        finally:
            if self._process is not None:
                await self._process.end()

    # --- The programmer --------------------------------------------------------------------------

    async def _start(self, begun: Start) -> None:
        if self._process is not None:
            if not self._process.ended:
                raise Broken("the programmer is to be started while it still runs")
            await self._process.end()
        await self._leave()
        self._line = await Line.open(self._kind, self._changed.set)
        call = self._beside.call(begun, self._line.address, os.environ)
        try:
            self._process = await ProgrammerProcess.start(call, self._changed.set)
        except (OSError, ValueError) as error:  # a zero byte in a word, say
            why = (error.strerror if isinstance(error, OSError) else None) or error
            raise NotStarted(
                f"the programmer could not be started: {call.words[0]}: {why}"
            ) from None

    def _started(self) -> ProgrammerProcess:
        if self._process is None:
            raise Broken("the case waits for a programmer that was never started")
        return self._process

    # --- The line --------------------------------------------------------------------------------

    async def _leave(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()
            self._beside.pump.left()

    async def _receive(self, within_ms: int) -> bytes:
        process = self._started()
        await self._wait(lambda: self._has_data() or process.ended, within_ms)
        if process.ended and not self._has_data():
            await asyncio.sleep(_UNDER_WAY_S)
        return self._taken()

    def _has_data(self) -> bool:
        return self._line is not None and self._line.has_data

    def _taken(self) -> bytes:
        return b"" if self._line is None else self._line.take()

    async def _wait(self, done: Callable[[], bool], within_ms: int) -> None:
        """Wait until something has made *done* true, *within_ms* at the longest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_ms / _MS_PER_S):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()
