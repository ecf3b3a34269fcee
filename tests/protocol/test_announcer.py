"""What is said is written when somebody takes it, and nobody waits for that."""

import errno
import os
from pathlib import Path

import pytest

from pump_protocol.announcer import Announcer


def test_a_line_is_written_by_the_end() -> None:
    """In the order in which they were said."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, Announcer(stream) as announcer:
        announcer.say("one")
        announcer.say("two")
    with os.fdopen(reading) as told:
        assert told.read() == "one\ntwo\n"


def test_nobody_waits_for_a_reader_that_does_not_read() -> None:
    """A pipe holds some 64 KiB; more is dropped at last, and said without waiting."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        with Announcer(stream) as announcer:
            for _ in range(20_000):
                announcer.say("x" * 100)
            os.close(reading)  # whoever waits for it in the thread hears it
        assert not announcer._thread.is_alive()


@pytest.mark.parametrize("where", ["closed", "full"])
def test_a_first_line_that_cannot_be_written_is_a_loss(where: str) -> None:
    """Of standard output, say, that was closed before the program began."""
    losses: list[OSError] = []
    if where == "full" and not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    stream = Path("/dev/full").open("w") if where == "full" else None  # noqa: SIM115
    with Announcer(stream) as announcer:
        announcer.on_loss = losses.append
        announcer.say("ready")
    assert [each.errno for each in losses] == [errno.ENOSPC if where == "full" else errno.EIO]
    if stream is not None:
        stream.close()
