"""What goes wrong on the wire of ``pump-sim run --faults FILE``: the file, and the wire.

What each fault does is :mod:`pump_sim.ports.impairment`'s business; this says from when on.
"""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field, StrictInt

from pump_sim.endpoint import PumpEndpoint
from pump_sim.frame_cutter import FrameCutter
from pump_sim.ports.impairment import Impairment, Observer
from pump_sim.scenario.file.link_rules import LinkRule
from pump_sim.scenario.file.quantities import TimeMs
from pump_sim.scenario.file.therapy import Strict
from pump_sim.scenario.reading.loading import read_as


class TimedRule(LinkRule):
    """A link fault and when it is put on the wire."""

    time_ms: TimeMs = Field(
        default=0,
        alias="time",
        description="When it is put on the wire: therapy time since the start. Default: at once.",
    )


class LinkFaults(Strict):
    """What a file of link faults says."""

    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] = Field(
        default=0, description="Where random numbers come from."
    )
    link: tuple[TimedRule, ...]


def read_link_faults(path: Path) -> LinkFaults:
    """What the file at *path* says.

    :raises ScenarioError: it has every problem of the file, with its line.
    """
    return read_as(path, LinkFaults)


def faulty_wire(
    faults: LinkFaults,
    endpoint: PumpEndpoint,
    link_ns: int,
    *,
    index: int = 0,
    observe: Observer = lambda *_: None,
) -> tuple[Impairment, Callable[[int], int]]:
    """What spoils the link from the therapy time on that it is now, and says what time it is.

    The second puts the faults that are due on the link, so ask it before anything is sent.

    :param endpoint: of the pump, which knows how far its therapy is.
    :param index: which of several pumps it is: each has random numbers of its own.
    """
    impairment = Impairment(f"{faults.seed}:{index}", FrameCutter, observe)
    return impairment, _Schedule(faults, impairment, endpoint, link_ns).therapy_ms


class _Schedule:
    """Puts faults on a link once therapy time has reached them."""

    def __init__(
        self,
        faults: LinkFaults,
        impairment: Impairment,
        endpoint: PumpEndpoint,
        link_ns: int,
    ) -> None:
        self._impairment = impairment
        self._endpoint = endpoint
        self._waiting = deque(sorted(faults.link, key=lambda rule: rule.time_ms))
        self.therapy_ms(link_ns)

    def therapy_ms(self, link_ns: int) -> int:
        """Therapy time since the start; what is due by then is on the link afterwards."""
        endpoint = self._endpoint
        now_ms = endpoint.elapsed_ms(link_ns)
        while self._waiting and self._waiting[0].time_ms <= now_ms:
            rule = self._waiting.popleft()
            # Nobody may have looked at the moment itself: the clock says when it was.
            was_ns = endpoint.clock.link_ns_at(endpoint.started_ms + rule.time_ms)
            at_ns = link_ns if was_ns is None else min(was_ns, link_ns)
            self._impairment.add(rule.fault(rule.time_ms, at_ns))
        return now_ms
