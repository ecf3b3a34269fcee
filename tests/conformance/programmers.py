"""The shipped programmer under conformance within a test: no process, no port, no real time.

The programmer runs as it does from the command line, in this thread, and only its transport is
another: when it waits for bytes, the case goes on until it has sent some, or until both of them
wait; then link time passes, up to the first of the two timeouts.
"""

import io
import os
import sys
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from pump_programmer import cli
from pump_programmer.errors import PortMissing, PumpGone
from pump_protocol.conformance.cases import Case, Profile
from pump_protocol.conformance.steps import (
    AwaitEnd,
    Elapse,
    Ended,
    Now,
    Receive,
    Reconnect,
    Send,
    Start,
    Step,
)
from pump_protocol.conformance.tasks import ProgrammerSubject
from pump_protocol.conformance.trial import CaseResult, Trial, programmer_trial
from pump_protocol.conformance.verdicts import Broken, Finding
from pump_sim.endpoint import NS_PER_MS
from pump_sim.judging.command import Command
from pump_sim.judging.good_pump import GoodPump, good_start
from pump_sim.judging.home import Home
from pump_sim.judging.surroundings import Surroundings

_COMMAND = Command.read("pump-programmer --port {address} {task}")


class _CaseOver(BaseException):
    """The case is over: the programmer is ended, as a process is that gets killed."""


class InProcessProgrammer:
    """``pump-programmer`` as it is called in this process: so a test may patch it to be wrong.

    :param authenticated: whether the pump that is played has keys.
    :param seed: of all that is drawn by lot at the pump's end.
    """

    def __init__(self, *, authenticated: bool = True, seed: int = 1) -> None:
        self.subject = ProgrammerSubject(authenticated=authenticated)
        self.seed = seed

    @property
    def profile(self) -> Profile:
        """Of the pump that is played."""
        return self.subject.profile

    def judge(self, case: Case, seed: int = 1) -> CaseResult:
        """Play one case, with a pump and a home directory of its own."""
        random = Random(f"{self.seed}/{case.slug}")
        with TemporaryDirectory() as folder:
            return _Playing(case, self.subject, seed, random, Path(folder)).result()

    def judge_all(self, cases: Iterable[Case], seed: int = 1) -> list[CaseResult]:
        """Play many."""
        return [self.judge(case, seed) for case in cases]


class _Playing:
    """One case, and the transport of the programmer that it starts."""

    def __init__(
        self, case: Case, subject: ProgrammerSubject, seed: int, random: Random, folder: Path
    ) -> None:
        self._now_ns = NS_PER_MS
        pump = GoodPump(
            good_start("2026-03-02T08:00"),
            lambda: self._now_ns,
            authenticated=subject.authenticated,
            random_bytes=random.randbytes,
        )
        self._beside = Surroundings(pump, Home(folder), _COMMAND)
        self._to_pump = bytearray()
        self._to_programmer = bytearray()
        self._ports = 1
        self._there = False  # whether the running programmer's port is still there
        self._begun: Start | None = None  # what is to be started
        self._running = False
        self._ended: Ended | None = None
        self._since_ns = self._now_ns  # when the present step began
        self._trial: Trial = programmer_trial(case, subject, seed)

    def result(self) -> CaseResult:
        """Play it to its end."""
        while True:
            self._go_on()
            if self._trial.result is not None:
                return self._trial.result
            if self._begun is None:
                self._now_ns = self._due_ns()
                continue
            begun, self._begun = self._begun, None
            self._running = True
            self._ended = self._run(begun)
            self._running = self._there = False

    # --- The case --------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Let the case go on until it is over, or waits for the programmer or for time to pass."""
        trial = self._trial
        while trial.step is not None and self._begun is None:
            try:
                done, result = self._do()
            except Finding as error:
                trial.fail(error, self._now_ns // NS_PER_MS)
            else:
                if not done:
                    return
                trial.answer(result, self._now_ns // NS_PER_MS)
            self._since_ns = self._now_ns

    def _do(self) -> tuple[bool, object]:
        """Carry out the present step: whether that was possible yet, and its result."""
        match self._trial.step:
            case Receive() | Elapse() as step:
                waits = isinstance(step, Elapse) or not (self._to_pump or self._ended)
                if waits and not self._is_due():
                    return False, None
                data = bytes(self._to_pump)
                self._to_pump.clear()
                return True, data
            case AwaitEnd():
                return self._ended is not None or self._is_due(), self._ended
            case Now():
                return True, self._now_ns // NS_PER_MS
            case step:
                return True, self._do_at_once(step)

    def _do_at_once(self, step: Step | None) -> object:
        match step:
            case Send(data=data):
                self._to_programmer += data if self._there else b""
            case Reconnect():
                self._there = False
                self._beside.pump.left()
            case Start() as begun:
                self._begin(begun)
            case _:
                return self._beside.do(step)
        return None

    def _due_ns(self) -> int:
        """When the present step ends whatever happens."""
        match self._trial.step:
            case Receive(within_ms=ms) | AwaitEnd(within_ms=ms) | Elapse(ms=ms):
                return self._since_ns + ms * NS_PER_MS
            case _:
                return self._now_ns

    def _is_due(self) -> bool:
        return self._now_ns >= self._due_ns()

    # --- The programmer --------------------------------------------------------------------------

    def _begin(self, begun: Start) -> None:
        if self._running:
            raise Broken("the programmer is to be started while it still runs")
        self._to_pump.clear()
        self._to_programmer.clear()
        self._ended, self._begun, self._there = None, begun, True
        self._ports += 1

    @property
    def _address(self) -> str:
        return f"standin://{self._ports}"

    def _run(self, begun: Start) -> Ended | None:
        """Call the command line; None if the case is over before it is."""
        call = self._beside.call(begun, self._address, {"COLUMNS": "120"})
        out, errors = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
            patch.setattr(sys, "argv", list(call.words))
            patch.setattr(sys, "stdin", io.StringIO())
            for name in os.environ:
                patch.delenv(name)
            for name, value in call.environment.items():
                patch.setenv(name, value)
            patch.setattr("pump_programmer.connection.open_transport", self._open)
            try:
                cli.main()
            except SystemExit as end:
                return Ended(int(end.code or 0), out.getvalue(), errors.getvalue())
            except _CaseOver:
                return None
        raise AssertionError("main never returns")

    def _open(self, address: str) -> "_Playing":
        if address != self._address or not self._there:
            raise PortMissing(f"port {address}: no such device; is the pump running?")
        return self

    def monotonic_ns(self) -> int:
        """The link time: a programmer keeps time by its transport where that tells it."""
        return self._now_ns

    def write(self, data: bytes, timeout_s: float) -> None:
        """The programmer says something."""
        self._check()
        self._to_pump += data

    def read(self, timeout_s: float) -> bytes:
        """The programmer waits: it is the case's turn."""
        until_ns = self._now_ns + max(1, round(timeout_s * 1e9))
        while not self._to_programmer:
            self._go_on()
            self._check()
            if self._to_programmer:
                break
            if self._now_ns >= until_ns:
                return b""
            self._now_ns = min(until_ns, max(self._due_ns(), self._now_ns))
        data = bytes(self._to_programmer)
        self._to_programmer.clear()
        return data

    def close(self) -> None:
        """It gives its port back."""

    def _check(self) -> None:
        if self._trial.step is None:
            raise _CaseOver
        if not self._there:
            raise PumpGone(f"port {self._address} was lost")
