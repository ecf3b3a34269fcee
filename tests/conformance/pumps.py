"""A pump of pump_sim under conformance within a test: no port, no waiting, no real time."""

import json
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from pump_protocol.codes import UserRole
from pump_protocol.conformance.cases import Case
from pump_protocol.conformance.steps import (
    Elapse,
    Hook,
    Now,
    Receive,
    Reconnect,
    Send,
    Step,
    Use,
)
from pump_protocol.conformance.suite import Bounds, judge_pump, play
from pump_protocol.conformance.tester import PumpSubject
from pump_protocol.conformance.trial import CaseResult, pump_trial
from pump_protocol.conformance.verdicts import Broken
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key
from pump_sim.clock import PacedClock
from pump_sim.control.desk import Desk
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation
from pump_sim.testing.line import VirtualLine
from tests.pump_sim.virtual import start

FOREVER = Bounds(longest_wait_ms=10**9)


class InProcessPump:
    """A pump, its door and its line, as the driver of a run.

    :param seed: of all that is drawn by lot on either side.
    :param hooks: which hooks are offered; all of them unless told otherwise.
    """

    def __init__(
        self, *, authenticated: bool = True, seed: int = 1, hooks: Iterable[Hook] = tuple(Hook)
    ) -> None:
        self.random = Random(seed)
        keys = new_keys(self.random.randbytes) if authenticated else ()
        self.subject = PumpSubject(
            keys={each.role: each for each in keys}, hooks=frozenset(hooks), told_of_leaving=True
        )
        self._alterations: list[Callable[[PumpEndpoint], None]] = []
        self.endpoint = self._new_endpoint(keys)
        self._line = VirtualLine(self.endpoint)
        self._desk = Desk([self._line], "a simulator", lambda _: None)
        self._line.connect()

    def _new_endpoint(self, keys: tuple[Key, ...]) -> PumpEndpoint:
        begin = start()

        def renewal() -> tuple[Pump, PumpGuard | None]:
            pump = Pump.implant(
                begin.profile,
                begin.prescription,
                serial_number=begin.serial_number,
                volume_nl=begin.reservoir_nl,
                clock_local_ms=begin.clock_ms,
                battery_mode=begin.battery,
            )
            return pump, PumpGuard(keys, random_bytes=self.random.randbytes) if keys else None

        pump, guard = renewal()
        clock = PacedClock(1, therapy_ms=pump.at_ms, link_ns=NS_PER_MS)
        endpoint = PumpEndpoint(Simulation(pump), clock, guard=guard)
        endpoint.renewal = renewal
        return endpoint

    @property
    def key(self) -> Key:
        """The clinician's key."""
        return self.subject.keys[UserRole.CLINICIAN]

    def alter(self, change: Callable[[PumpEndpoint], None]) -> None:
        """Have the pump changed, now and whenever it is renewed: a mutant's way in."""
        self._alterations.append(change)
        change(self.endpoint)

    def now_ms(self) -> int:
        return self._line.link_ns // NS_PER_MS

    def do(self, step: Step) -> object:
        line = self._line
        match step:
            case Send(data=data):
                return line.write(data)
            case Receive(within_ms=within_ms):
                # A first byte, and whatever came with it.
                first = line.read(1, within_ms * NS_PER_MS)
                return first + line.read(65_536, 0) if first else first
            case Elapse(ms=ms):
                line.pass_time(ms * NS_PER_MS)
                return line.read(65_536, 0)
            case Now():
                return self.now_ms()
            case Reconnect():
                line.disconnect()
                line.connect()
                return None
            case Use(hook=hook, fields=fields):
                return self._ask({"do": str(hook), **fields})
            case _:
                raise Broken(f"a pump takes no step {type(step).__name__}")

    def _ask(self, request: dict[str, Any]) -> object:
        answers: list[dict[str, Any]] = []
        self._desk.serve(json.dumps(request).encode(), answers.append)
        answer = json.loads(json.dumps(answers.pop()))
        if not answer["ok"]:
            raise Broken(f"hook {request['do']}: {answer['error']['message']}")
        if request["do"] == Hook.RENEW:
            for change in self._alterations:
                change(self.endpoint)
        return answer["result"]

    def judge(self, case: Case, seed: int = 1) -> CaseResult:
        """Play one case."""
        entropy = self.random.randbytes
        return play(pump_trial(case, self.subject, seed, entropy), self, FOREVER)

    def judge_all(self, cases: Iterable[Case], seed: int = 1) -> list[CaseResult]:
        """Play many, as a run does."""
        entropy = self.random.randbytes
        return list(
            judge_pump(cases, self.subject, self, seed=seed, entropy=entropy, bounds=FOREVER)
        )
