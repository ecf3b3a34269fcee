"""A run over a programmer: several cases at once, and their results in the order of the cases.

What is made of the results is not known here.
"""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pump_protocol.conformance.cases import Case
from pump_protocol.conformance.suite import Bounds, end_ms, stopped, unplayed
from pump_protocol.conformance.tasks import ProgrammerSubject
from pump_protocol.conformance.trial import CaseResult, programmer_trial
from pump_protocol.conformance.verdicts import Broken, Finding, Verdict
from pump_sim.endpoint import NS_PER_MS
from pump_sim.judging.command import Command
from pump_sim.judging.driver import Driver, NotStarted, now_ms
from pump_sim.judging.good_pump import GoodPump, good_start
from pump_sim.judging.home import Home
from pump_sim.judging.surroundings import Surroundings

_MS_PER_S: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What is to be judged, and how.

    :ivar port: the kind of port: ``pty``, ``tcp`` or ``rfc2217``.
    :ivar jobs: how many cases are played at once.
    """

    command: Command
    subject: ProgrammerSubject
    port: str
    seed: int
    bounds: Bounds
    jobs: int


def judge_programmer(cases: Sequence[Case], judging: Judging) -> Generator[CaseResult, None, None]:
    """Play *cases*; one result for each, in their order, as soon as it is there.

    Close the iterator where it is not read to its end: then no programmer is left behind.
    """
    with asyncio.Runner() as runner:
        run = _Run(judging)
        try:
            tasks = runner.run(run.begin(cases))
            for task in tasks:
                yield runner.run(_finished(task))
        finally:
            runner.run(run.end())


async def _finished(task: "asyncio.Task[CaseResult]") -> CaseResult:
    return await task


class _Run:
    def __init__(self, judging: Judging) -> None:
        self._judging = judging
        self._free = asyncio.Semaphore(judging.jobs)
        self._dead: str | None = None
        self._tasks: list[asyncio.Task[CaseResult]] = []

    async def begin(self, cases: Sequence[Case]) -> "list[asyncio.Task[CaseResult]]":
        """Begin with all of them; each waits until there is room."""
        program = self._judging.command.program
        if program is not None and shutil.which(program) is None:
            self._dead = f"the programmer could not be started: there is no program {program}"
        self._tasks = [asyncio.create_task(self._result_of(case)) for case in cases]
        return self._tasks

    async def end(self) -> None:
        """End what is under way, and its programmers with it.

        Only cases are cancelled: what asyncio does for them has to come to its end.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _result_of(self, case: Case) -> CaseResult:
        async with self._free:
            if self._dead is not None:
                return CaseResult(case, Verdict.HARNESS_ERROR, f"not played: {self._dead}")
            result = unplayed(case, now_ms(), self._judging.bounds)
            return result or await self._played(case)

    async def _played(self, case: Case) -> CaseResult:
        judging = self._judging
        # What a killed programmer left open, or is still writing, must not disturb the run.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            pump = GoodPump(
                good_start(),
                lambda: now_ms() * NS_PER_MS,
                authenticated=judging.subject.authenticated,
                random_bytes=secrets.token_bytes,
            )
            beside = Surroundings(pump, Home(Path(folder)), judging.command)
            driver = Driver(beside, judging.port)
            try:
                return await self._play(case, driver)
            finally:
                await driver.close()

    async def _play(self, case: Case, driver: Driver) -> CaseResult:
        bounds = self._judging.bounds
        trial = programmer_trial(case, self._judging.subject, self._judging.seed)
        began_ms = now_ms()
        until_ms = end_ms(case, began_ms, bounds)
        while trial.step is not None and not stopped(trial, began_ms, now_ms(), bounds):
            try:
                async with asyncio.timeout((until_ms - now_ms()) / _MS_PER_S):
                    result = await driver.do(trial.step)
            except TimeoutError:
                continue
            except NotStarted as error:
                self._dead = str(error)
                trial.fail(Broken(str(error)), now_ms())
            except Finding as error:
                trial.fail(error, now_ms())
            else:
                trial.answer(result, now_ms())
        assert trial.result is not None
        return trial.result
