"""What can go wrong on a link, as data; what then becomes of a frame is :mod:`.passage`'s."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Direction(Enum):
    """Which way bytes go."""

    TO_PUMP = "to_pump"
    TO_PROGRAMMER = "to_programmer"


class LinkFaultKind(Enum):
    """What happens to a frame."""

    DROP = "drop"
    """It does not arrive."""
    DUPLICATE = "duplicate"
    """It arrives twice."""
    DELAY = "delay"
    """It arrives later, and what comes after it waits behind it."""
    JITTER = "jitter"
    """It arrives later by a random time, and what comes after it waits behind it."""
    SPLIT = "split"
    """It arrives in two chunks."""
    MERGE = "merge"
    """It waits for the next one, and both arrive as one chunk."""
    FLIP = "flip"
    """It arrives with bits flipped."""
    TRUNCATE = "truncate"
    """Only its first bytes arrive."""
    SILENCE = "silence"
    """From this frame on nothing arrives for a time."""
    DISCONNECT = "disconnect"
    """The connection ends in the middle of it."""
    BAUD = "baud"
    """Its bytes arrive one after the other, as slowly as a serial line carries them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFault:
    """One thing that goes wrong: what, to which frames, how often, and when.

    ``direction``: None is both. ``messages``: names of messages, none is every frame, and also what
    is no frame. ``count``: to at most so many frames, None is all. ``skip``: spare the first so
    many frames that it would have acted upon. Windows begin at `from` and end before `until`; None
    is no limit.

    What the kinds take: ``delay_ns`` of duplicate, delay, jitter, split and merge; ``at_byte`` of
    split, flip, truncate and disconnect, None is by the seed (of disconnect: 0); ``bits`` of flip;
    ``length_ns`` of silence; ``bits_per_s`` of baud.
    """

    kind: LinkFaultKind
    direction: Direction | None = None
    messages: frozenset[str] = frozenset()
    probability_ppm: int = 1_000_000
    count: int | None = None
    skip: int = 0
    therapy_from_ms: int | None = None
    therapy_until_ms: int | None = None
    link_from_ns: int | None = None
    link_until_ns: int | None = None
    delay_ns: int = 0
    at_byte: int | None = None
    bits: int = 1
    length_ns: int = 0
    bits_per_s: int = 0

    @property
    def identity(self) -> str:
        """What sets it apart from other faults, its times aside: random numbers follow from it."""
        direction = "both" if self.direction is None else self.direction.value
        often = (self.probability_ppm, self.count, self.skip)
        how = (self.delay_ns, self.at_byte, self.bits, self.length_ns, self.bits_per_s)
        parts = (self.kind.value, direction, *sorted(self.messages), *often, *how)
        return ":".join(map(str, parts))

    def goes(self, direction: Direction) -> bool:
        """Whether it concerns what goes that way."""
        return self.direction in (None, direction)

    def is_about(self, message: str | None, size: int) -> bool:
        """Whether it concerns a frame of that message and of *size* bytes.

        A frame that is too short for ``at_byte`` is left alone, and not counted.
        """
        if self.messages and message not in self.messages:
            return False
        match self.kind:
            case LinkFaultKind.SPLIT:
                return size > (1 if self.at_byte is None else max(1, self.at_byte))
            case LinkFaultKind.FLIP | LinkFaultKind.TRUNCATE:
                return size > (self.at_byte or 0)
            case _:
                return True

    def is_on(self, link_ns: int, therapy_ms: int) -> bool:
        """Whether this moment is in its windows."""
        return _within(self.link_from_ns, link_ns, self.link_until_ns) and _within(
            self.therapy_from_ms, therapy_ms, self.therapy_until_ms
        )


def _within(begin: int | None, at: int, end: int | None) -> bool:
    return (begin is None or begin <= at) and (end is None or at < end)
