"""Where a play stood at one moment: enough to go on from there once more."""

from dataclasses import dataclass

from pump_protocol.guard import PumpGuard
from pump_sim.model.state import PumpState
from pump_sim.ports.link_fault import LinkFault
from pump_sim.scenario.file.acts import AnyAct
from pump_sim.scenario.file.document import Choice, Say
from pump_sim.scenario.playing.observing import Observation


class LookOn:
    """The entry of a play that has no end: look now, and enter the next look."""


Entry = Say | AnyAct | Choice | LookOn | None
"""What a play does at one moment; None is a look."""

Entries = tuple[tuple[int, int, int, Entry], ...]
"""Entries with their time, their rank at that time and their place in the file, as a heap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """The state of a play between two things that it does. `at_ms` is since its start."""

    at_ms: int
    pump: PumpState
    guard: PumpGuard | None
    in_reach: bool
    on_pump: bool
    entries: Entries
    waiting_for: Choice | None
    over: bool
    seen: Observation
    link_faults: tuple[LinkFault, ...]
