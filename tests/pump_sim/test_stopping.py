"""What ends a program, and what does not: more peers than the system has files for."""

import asyncio
import errno
import os

import pytest

from pump_sim.stopping import Stopping

OUT = "socket.accept() out of system resource"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_a_connection_that_cannot_be_taken_ends_nothing(number: int) -> None:
    """asyncio tries again each second; it is told, and not each time."""

    async def work() -> None:
        said: list[str] = []
        stopping = Stopping()
        stopping.on_failure(said.append)
        for _ in range(100):
            context = {"message": OUT, "exception": OSError(number, os.strerror(number))}
            asyncio.get_running_loop().call_exception_handler(context)
        retried = "Exception in callback BaseSelectorEventLoop._start_serving(<function>)"
        error = ValueError("Invalid file descriptor: -1")
        asyncio.get_running_loop().call_exception_handler({"message": retried, "exception": error})
        assert said == [f"pump-sim: a connection has to wait: {os.strerror(number)}"]
        assert not stopping.event.is_set()
        stopping.check()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (OUT, OSError(errno.EBADF, "x")),
        ("Exception in callback f()", ValueError("x")),
        ("Task exception was never retrieved", OSError(errno.EMFILE, "x")),
    ],
)
def test_anything_else_is_a_bug(message: str, error: Exception) -> None:
    """It ends the program, and is raised."""

    async def work() -> None:
        stopping = Stopping()
        stopping.on_failure(lambda _: None)
        asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})
        assert stopping.event.is_set()
        with pytest.raises(type(error)):
            stopping.check()

    asyncio.run(work())
