"""At which moments a play looks at the pump, beside those at which something happens."""

from typing import Final

from pump_sim.model.units import DAY_MS, MINUTE_MS
from pump_sim.scenario.file.branches import walk
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.file.expectations import Csf, Effect, Event, Received, TipDose, Value

LOOKS: Final = 400
"""How many evenly spaced looks a play takes: enough for a smooth curve on a screen."""

STEPPED_MS: Final = 60 * DAY_MS
"""In a play of at most this length each step of a schedule is looked at: in a longer one there
would be more of them than a picture has pixels."""

SMOOTH_MS: Final = 15 * MINUTE_MS
"""How often what changes over hours is looked at where it is expected to stay within limits; less
often in a span of more than four days."""

_SPARSER: Final = 200
"""Of a play without an end: a look comes after this part of what has been played so far."""


def moments_of(scenario: Scenario) -> set[int]:
    """The moments to look at: of expectations of options that are not taken, too."""
    length_ms = scenario.length_ms
    moments = {length_ms * index // LOOKS for index in range(LOOKS + 1)}
    for _, block in walk(scenario):
        for expectation in block.expect:
            moments.update(_moments(expectation))
    return {min(each, length_ms) for each in moments}


def next_look_ms(elapsed_ms: int) -> int:
    """When to look next where there is no end by which looks could be spaced.

    Looks get sparser as the play grows: some hundred are enough for the first days, and the seven
    years of a pump's life take 1,500.
    """
    return elapsed_ms + min(max(elapsed_ms // _SPARSER, SMOOTH_MS), DAY_MS)


def _moments(expectation: object) -> tuple[int, ...]:
    """At which moments an expectation wants to be looked at."""
    match expectation:
        case Effect() | Csf() | TipDose() if expectation.from_ms is not None:
            # These change between events, too, over hours.
            begins_ms, ends_ms = expectation.from_ms, expectation.until_ms or 0
            step_ms = max(SMOOTH_MS, (ends_ms - begins_ms) // LOOKS)
            return (*range(begins_ms, ends_ms, step_ms), ends_ms)
        case Value(at_ms=at_ms, from_ms=from_ms, until_ms=until_ms):
            given = (at_ms, from_ms, until_ms)
        case Received(from_ms=from_ms, until_ms=until_ms):
            given = (from_ms, until_ms, None)
        case Event(by_ms=by_ms, until_ms=until_ms):
            given = (by_ms, until_ms, None)
        case _:
            given = (None, None, None)
    return tuple(each for each in given if each is not None)
