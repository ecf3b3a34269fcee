"""How therapy time goes on when a pump comes out of its file; it opens none, and moves no pump.

A pump without its process does not exist: that time passes for it only if somebody says so.
"""

import time
from enum import Enum
from typing import TYPE_CHECKING, Final

from pump_protocol.units import format_duration
from pump_sim.model.units import DAY_MS, SECOND_MS

if TYPE_CHECKING:
    from pump_sim.store.seal import Seal

LONGEST_CATCH_UP_MS: Final = 3_660 * DAY_MS
"""Ten years: no pump serves longer, and a computer's clock that says more is wrong."""


class Resume(Enum):
    """How therapy time goes on."""

    GO_ON = "go-on"
    """From where it was, as if nothing had been in between."""
    CATCH_UP = "catch-up"
    """As if the process had run on, at the speed that it had."""
    STAY = "stay"
    """Not at all, until somebody lets it."""


def wall_clock_ms() -> int:
    """What the computer's clock says, in ms since 1970; it may be set back."""
    return time.time_ns() // 1_000_000


def resumed_at(
    at_ms: int, was_ms: int, seal: "Seal", resume: Resume, wall_ms: int
) -> tuple[int, list[str]]:
    """The therapy time at which a pump goes on, and what is to be told of it.

    :param at_ms: where it is; it never goes back.
    :param was_ms: where it was when the seal was written.
    """
    to_ms, notes = max(at_ms, seal.horizon_ms), []
    if resume is Resume.CATCH_UP:
        passed_ms = wall_ms - seal.wall_ms
        if passed_ms < 0:
            notes.append(
                f"the computer's clock is {_told(-passed_ms)} behind what it was when the"
                " state file was written: no time is caught up"
            )
        ahead_ms = int(max(0, passed_ms) * seal.speed)
        if ahead_ms > LONGEST_CATCH_UP_MS:
            notes.append(
                f"{_told(ahead_ms)} have passed:"
                f" only {_told(LONGEST_CATCH_UP_MS)} of them are caught up"
            )
            ahead_ms = LONGEST_CATCH_UP_MS
        to_ms = max(to_ms, was_ms + ahead_ms)
        if passed_ms >= 0:
            notes.append(f"caught up: {_told(to_ms - was_ms)}")
    return to_ms, notes


def _told(duration_ms: int) -> str:
    """In whole seconds."""
    return format_duration(duration_ms - duration_ms % SECOND_MS)
