"""A door's desk in one process and in virtual time: no sockets, no event loop."""

import json
from collections.abc import Callable
from typing import Any

from pump_protocol.guard import PumpGuard
from pump_sim.clock import PacedClock
from pump_sim.control.desk import Desk
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.model.pump import Pump
from pump_sim.ports import Port
from pump_sim.serve import Watcher
from pump_sim.simulation import Simulation
from tests.pump_sim.virtual import implanted

NOTICE = "SIMULATOR - for tests"


class NoPort:
    """A port that has an address and nothing else."""

    address = "nowhere"
    dropped_bytes = 0

    async def start(self, listener: object) -> None:
        raise AssertionError("not a port that is started")

    def send(self, data: bytes) -> None:
        raise AssertionError("not a port that is spoken to")

    async def close(self) -> None:
        raise AssertionError("not a port that is closed")


class VirtualHost:
    """Does at once what is posted, at a link time that a test moves."""

    def __init__(self, pump: Pump, speed: int = 0, guard: PumpGuard | None = None) -> None:
        self.endpoint = PumpEndpoint(Simulation(pump), PacedClock(speed), guard=guard)
        self.port: Port = NoPort()
        self.link_ms = 0
        self._watchers: list[Watcher] = []

    @property
    def pump(self) -> Pump:
        return self.endpoint.simulation.pump

    def post(self, act: Callable[[PumpEndpoint, int], None]) -> None:
        link_ns = self.link_ms * NS_PER_MS
        self.endpoint.catch_up(link_ns)
        act(self.endpoint, link_ns)
        self._follow_up()

    def wait(self, duration_ms: int) -> None:
        """Let link time pass."""
        self.link_ms += duration_ms
        self.endpoint.handle_timeout(self.link_ms * NS_PER_MS)
        self._follow_up()

    def _follow_up(self) -> None:
        records = self.endpoint.new_records()
        for watcher in tuple(self._watchers):
            watcher(records)

    def watch(self, watcher: Watcher) -> None:
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        self._watchers.remove(watcher)


class Visitor:
    """A client at the desk of some pumps; every line goes through JSON both ways."""

    def __init__(self, *pumps: Pump, speed: int = 0, hosts: tuple[VirtualHost, ...] = ()) -> None:
        self.hosts = hosts or tuple(VirtualHost(each, speed) for each in pumps or (implanted(),))
        self.told: list[dict[str, Any]] = []
        self.desk = Desk(self.hosts, NOTICE, lambda event: self.told.append(_as_sent(event)))

    @property
    def host(self) -> VirtualHost:
        return self.hosts[0]

    @property
    def pump(self) -> Pump:
        return self.host.pump

    def say(self, line: bytes | None) -> dict[str, Any]:
        """The answer to a line."""
        answers: list[dict[str, Any]] = []
        self.desk.serve(line, lambda answer: answers.append(_as_sent(answer)))
        (answer,) = answers
        return answer

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """The result of a request, which must have one."""
        answer = self.say(json.dumps({"id": 1, "do": do, **fields}).encode())
        assert answer["ok"], answer
        assert answer["id"] == 1
        result: dict[str, Any] = answer["result"]
        return result

    def fail(self, do: str, **fields: Any) -> dict[str, Any]:
        """The error of a request, which must have one."""
        answer = self.say(json.dumps({"id": 1, "do": do, **fields}).encode())
        assert not answer["ok"], answer
        error: dict[str, Any] = answer["error"]
        assert error.keys() - {"reasons"} == {"code", "message", "field", "value", "allowed"}
        return error


def _as_sent(line: dict[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(json.dumps(line, allow_nan=False))
    return sent
