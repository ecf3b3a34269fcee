"""A run over a programmer that is broken off: what it ends, and what it has to leave alone."""

import asyncio
import os
import shlex
from contextlib import suppress
from pathlib import Path

import pytest

from pump_protocol.conformance.suite import Bounds
from pump_protocol.conformance.tasks import ProgrammerSubject
from pump_sim.judging.command import Command
from pump_sim.judging.process import ProgrammerProcess
from pump_sim.judging.run import Judging, _Run
from pump_sim.judging.surroundings import Call

JUDGING = Judging(
    command=Command.read("true {task}"),
    subject=ProgrammerSubject(),
    port="tcp",
    seed=1,
    bounds=Bounds(),
    jobs=1,
)


def test_run_that_is_broken_off_cancels_nothing_of_asyncio() -> None:
    """A task that connects the pipes of a process must not be cancelled: whoever waits for that
    process would wait until its case is out of time."""

    async def broken_off() -> None:
        run = _Run(JUDGING)
        await run.begin([])
        connecting = asyncio.create_task(asyncio.sleep(0, "connected"))
        await run.end()
        assert await connecting == "connected"

    asyncio.run(broken_off())


@pytest.mark.parametrize("turns", range(8))
def test_start_that_is_cancelled_leaves_no_process(turns: int, tmp_path: Path) -> None:
    """At whatever turn of the event loop: it ends at once, and so does what was started."""
    started = tmp_path / "pid"
    words = ("sh", "-c", f"echo $$ > {shlex.quote(str(started))}; exec sleep 60")

    async def cancelled() -> None:
        call = Call(words, dict(os.environ))
        starting = asyncio.ensure_future(ProgrammerProcess.start(call, lambda: None))
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await (await asyncio.wait_for(starting, 10)).end()

    asyncio.run(cancelled())
    if started.exists() and started.read_text("utf-8"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(started.read_text("utf-8")), 0)
