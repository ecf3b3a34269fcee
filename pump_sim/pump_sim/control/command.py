"""What a command is, and what its handler is given; which commands there are is in `commands`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pump_protocol.guard import PumpGuard
from pump_sim.control.parameters import Parameter
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.pump import Pump

Result = dict[str, Any]


class Fleet(Protocol):
    """What a command may want beyond its own pump."""

    @property
    def notice(self) -> str:
        """What says that all this is a simulator."""

    @property
    def endpoints(self) -> Sequence[PumpEndpoint]:
        """All pumps of the process."""

    @property
    def addresses(self) -> Sequence[str]:
        """Where a programmer finds each of them."""

    def guard_for(self, serial_number: str) -> PumpGuard:
        """What guards a pump of that number that is put in place: its keys."""

    def watch(self, watching: bool) -> None:
        """Tell the client who asks, from now on, of what happens to all pumps; or no more."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked, at the moment when it is carried out; the pump is at the present."""

    endpoint: PumpEndpoint
    link_ns: int
    given: Mapping[str, Any]
    fleet: Fleet

    @property
    def pump(self) -> Pump:
        """The pump that is meant."""
        return self.endpoint.simulation.pump


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing that a door can do.

    `doc` is what it does and `answers` what is in its result, both for people. `handle` returns
    the result; it raises `ControlError` or the model's `Refused`, and has done nothing then.
    """

    name: str
    doc: str
    answers: str
    handle: Callable[[Call], Result]
    parameters: tuple[Parameter, ...] = ()
    of_one_pump: bool = True
