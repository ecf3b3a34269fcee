"""What the port tests share: a listener that remembers, and clients with deadlines."""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self

import pytest

from pump_sim.ports import Port

DEADLINE_SECONDS = 10.0


class Recorder:
    """A listener that keeps what it was told; with `answer` set, it sends that back."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.events: list[str] = []
        self.answer: Callable[[bytes], bytes] | None = None
        self.port: Port | None = None
        self._changed = asyncio.Event()

    def connected(self) -> None:
        self.events.append("connected")
        self._changed.set()

    def received(self, data: bytes) -> None:
        assert data, "a port must not report an empty chunk"
        self.data += data
        if self.answer is not None and self.port is not None:
            self.port.send(self.answer(data))
        self._changed.set()

    def disconnected(self) -> None:
        self.events.append("disconnected")
        self._changed.set()

    async def until(self, condition: Callable[[Recorder], bool]) -> None:
        """Return once `condition` holds; it is asked again after each callback."""
        while not condition(self):
            self._changed.clear()
            await self._changed.wait()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, None]], None]:
    """Run one coroutine on a new event loop, with a deadline; no callback may have failed."""

    def run_it(work: Coroutine[Any, Any, None]) -> None:
        failures: list[dict[str, Any]] = []

        async def limited() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: failures.append(context))
            async with asyncio.timeout(DEADLINE_SECONDS):
                await work

        asyncio.run(limited())
        assert failures == []

    return run_it


class RawClient:
    """A client that opens the device plainly: it sets nothing and flushes nothing."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def write(self, data: bytes) -> None:
        while data:
            select.select([], [self.descriptor], [], DEADLINE_SECONDS)
            data = data[os.write(self.descriptor, data) :]

    def read(self, count: int) -> bytes:
        """Wait for `count` bytes; less when the deadline passes first."""
        data = b""
        end = time.monotonic() + DEADLINE_SECONDS
        while len(data) < count and select.select(
            [self.descriptor], [], [], max(0.0, end - time.monotonic())
        ) != ([], [], []):
            data += os.read(self.descriptor, count - len(data))
        return data

    def read_now(self) -> bytes:
        """What is there at this moment, without waiting."""
        try:
            return os.read(self.descriptor, 65536)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def raw_client() -> type[RawClient]:
    return RawClient
