"""The good pump behind a case that judges a programmer: it answers whatever the case asks it.

It has keys, if it is to have some, and a door for tests, which the case may use. It knows neither
ports nor what the case tells the programmer.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pump_protocol.codes import UserRole
from pump_protocol.conformance.steps import Consulted
from pump_protocol.conformance.verdicts import Broken
from pump_protocol.events import Event, HandshakeAnswered
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.handshake import LinkSecrets
from pump_protocol.keys import Key, RandomBytes
from pump_sim.clock import PacedClock
from pump_sim.control.desk import Desk
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.pump import Pump
from pump_sim.notice import SIMULATOR_NOTICE
from pump_sim.options import PumpStart, read_start
from pump_sim.ports import Port
from pump_sim.ports.memory import MemoryPort
from pump_sim.serve import Watcher
from pump_sim.simulation import Simulation


def good_start(clock: str | None = None) -> PumpStart:
    """The pump that cases count on: that of ``pump-sim run`` without any options.

    :param clock: its local clock, ISO 8601; None for now.
    """
    return read_start(
        profile="pump-20ml",
        drug="baclofen",
        dose_mcg_per_day="300",
        concentration_mcg_per_ml="2000",
        reservoir_ml=None,
        start=clock,
        serial_number="SIM-0001",
        battery="drain-and-fail",
        patient="treated",
        count=1,
    )


class GoodPump:
    """A pump that does what it is asked, by link time that somebody else tells.

    :param now_ns: the link time, in ns from any origin.
    :param random_bytes: where its keys, and those of its links, come from.

    :ivar key: the clinician's key of it; None of a pump without keys.
    :ivar port: nobody's: only its door's desk asks for one.
    """

    def __init__(
        self,
        start: PumpStart,
        now_ns: Callable[[], int],
        *,
        authenticated: bool,
        random_bytes: RandomBytes,
    ) -> None:
        keys = new_keys(random_bytes) if authenticated else ()
        self.key: Key | None = next(
            (each for each in keys if each.role is UserRole.CLINICIAN), None
        )
        self._now_ns = now_ns
        self._secrets: dict[int, LinkSecrets] = {}
        pump = Pump.implant(
            start.profile,
            start.prescription,
            serial_number=start.serial_number,
            volume_nl=start.reservoir_nl,
            clock_local_ms=start.clock_ms,
            battery_mode=start.battery,
            new_patient=start.new_patient,
        )
        self.endpoint = PumpEndpoint(
            Simulation(pump),
            PacedClock(1, therapy_ms=pump.at_ms, link_ns=now_ns()),
            guard=PumpGuard(keys, random_bytes=random_bytes) if keys else None,
        )
        self.endpoint.listen(self._hear)
        self.port: Port = MemoryPort()
        self._desk = Desk([self], SIMULATOR_NOTICE, lambda _: None)

    def consult(self, data: bytes) -> Consulted:
        """What it answers to *data*, which it carries out."""
        answer = self.endpoint.receive_data(data, self._at_present())
        return Consulted(answer, dict(self._secrets))

    def use(self, hook: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have something done at its door for tests; what that answers.

        :raises Broken: it refuses.
        """
        answers: list[dict[str, Any]] = []
        self._desk.serve(json.dumps({"do": hook, **fields}).encode(), answers.append)
        answer = json.loads(json.dumps(answers.pop()))
        if not answer["ok"]:
            raise Broken(f"hook {hook}: {answer['error']['message']}")
        result: Mapping[str, Any] = answer["result"]
        return result

    def left(self) -> None:
        """The line is gone: half a frame is not the beginning of the next one's."""
        self.endpoint.connection_lost(self._at_present())

    def _at_present(self) -> int:
        """Let happen what was due by now; what time it is."""
        now_ns = self._now_ns()
        self.endpoint.handle_timeout(now_ns)
        return now_ns

    def _hear(self, event: Event, _: int) -> None:
        if isinstance(event, HandshakeAnswered):
            self._secrets[event.link_id] = event.secrets

    # --- What its desk asks for ------------------------------------------------------------------

    def post(self, act: Callable[[PumpEndpoint, int], None]) -> None:
        """Have something done with it at once."""
        act(self.endpoint, self._at_present())

    def watch(self, watcher: Watcher) -> None:
        """Nobody is told: a case reads what it wants to know."""

    def unwatch(self, watcher: Watcher) -> None:
        """Nobody was."""
