"""What is said of those who ask: not too much of it, nothing of their errors, all of our own."""

import asyncio
import logging

import pytest

from pump_protocol.web import log as module
from pump_protocol.web.log import MOST_PER_SECOND, Log, is_ours

from .served import run


def test_of_many_lines_only_how_many_they_were() -> None:
    """So that somebody who tries tokens fills no disk."""
    said: list[str] = []

    async def work() -> None:
        with Log(said.append, "pump: ") as log:
            for number in range(MOST_PER_SECOND + 1_312):
                log(str(number))

    run(work())
    assert said[0] == "pump: 0"
    assert said[MOST_PER_SECOND:] == ["pump: and 1,312 more like it"]


def test_the_number_is_said_when_the_second_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a further line; and then lines are said again."""
    monkeypatch.setattr(module, "MOST_PER_SECOND", 1)
    said: list[str] = []
    told = asyncio.Event()

    def say(line: str) -> None:
        said.append(line)
        told.set()

    async def work() -> None:
        loop = asyncio.get_running_loop()
        later = loop.call_later
        monkeypatch.setattr(loop, "call_later", lambda _, *rest: later(0, *rest))
        with Log(say) as log:
            log("one")
            log("two")
            told.clear()
            await told.wait()
            log("three")

    run(work())
    assert said == ["one", "and 1 more like it", "three"]


def test_what_libraries_log_is_said_too(caplog: pytest.LogCaptureFixture) -> None:
    """A bug with its traceback, by the same way: nothing else writes to a stream."""
    said: list[str] = []

    async def work() -> None:
        with Log(said.append):
            error = ZeroDivisionError("a bug")
            logging.getLogger("uvicorn.error").error("Exception in ASGI\n", exc_info=error)
            logging.getLogger("asyncio").info("nothing of importance")
        logging.getLogger("asyncio").error("said by somebody else")

    run(work())
    assert len(said) == 1
    assert said[0].startswith("Exception in ASGI")
    assert said[0].endswith("ZeroDivisionError: a bug")
    assert "said by somebody else" in caplog.text


def test_a_shortage_has_no_traceback() -> None:
    """asyncio logs one a second while it cannot take a connection."""
    said: list[str] = []

    async def work() -> None:
        with Log(said.append):
            asyncio.get_running_loop().call_exception_handler(
                {
                    "message": "socket.accept() out of system resource",
                    "exception": OSError(24, "Too many open files"),
                }
            )

    run(work())
    assert said == ["socket.accept() out of system resource"]


@pytest.mark.parametrize(
    ("message", "ours"),
    [
        ("Invalid UTF-8 sequence received from client.", False),
        ("socket.send() raised exception.", False),
        ("Exception in ASGI application\n", True),
    ],
)
def test_what_a_peer_can_cause_is_not_logged(message: str, ours: bool) -> None:
    """As often as they like, that is."""
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, message, None, None)
    assert is_ours(record) is ours
