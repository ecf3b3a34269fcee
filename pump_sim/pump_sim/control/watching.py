"""Who watches a pump is told of each record of its log, and of faults that begin and end."""

from collections.abc import Callable, Sequence
from typing import Any

from pump_sim.control.faults import fault_view
from pump_sim.control.views import record
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.events import LogEntry
from pump_sim.model.hardware.faults import FAULTS

Told = dict[str, Any]


class Watch:
    """One client's eye on one pump.

    Faults tell nobody that they begin or end, so they are compared with what they were. Each is
    told with its own moment, however far time has moved since.
    """

    def __init__(self, endpoint: PumpEndpoint, tell: Callable[[Told], None]) -> None:
        self._endpoint = endpoint
        self._tell = tell
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._pump = self._endpoint.simulation.pump
        self._faults = self._injected()
        self._begun = {key for key, each in self._faults.items() if self._has_begun(each)}

    def look(self, records: Sequence[LogEntry]) -> None:
        """Tell what is new, in order of time: faults, and these records of the log."""
        if self._pump is not self._endpoint.simulation.pump:
            self._begin_anew()  # another state was loaded: what it brings along is not news
        told = self._news()
        told += [(each.at_ms, {"event": "record", "record": record(each)}) for each in records]
        told.sort(key=lambda each: each[0])
        for _, event in told:
            self._tell({**event, "pump": self._pump.serial_number})

    def _news(self) -> list[tuple[int, Told]]:
        before, now = self._faults, self._injected()
        if not before and not now:
            return []
        told: list[tuple[int, Told]] = []
        for key, fault in {**before, **now}.items():
            if key not in self._begun and self._has_begun(fault):
                self._begun.add(key)
                told.append((fault["begins_at_ms"], {"event": "fault_began", "fault": fault}))
            if key not in now and key in self._begun:
                ended_at_ms = self._ended_at_ms(fault)
                ended = {**fault, "ends_at_ms": ended_at_ms}
                told.append((ended_at_ms, {"event": "fault_ended", "fault": ended}))
        self._faults = now
        self._begun &= now.keys()
        return told

    def _injected(self) -> dict[int, Told]:
        return {each["fault_id"]: each for each in map(fault_view, self._pump.faults)}

    def _has_begun(self, fault: Told) -> bool:
        began: bool = fault["begins_at_ms"] <= self._pump.at_ms
        return began

    def _ended_at_ms(self, fault: Told) -> int:
        """When it ended: with its strike, as planned, or now, because it was cleared."""
        if not FAULTS[fault["fault"]].lasts:
            struck_at_ms: int = fault["begins_at_ms"]
            return struck_at_ms
        planned_ms: int | None = fault["ends_at_ms"]
        return self._pump.at_ms if planned_ms is None else min(planned_ms, self._pump.at_ms)
