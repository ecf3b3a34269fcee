"""The memory that a pump checks: its prescription kept twice, and the clinician's note (REQ-21).

Each is kept with a CRC over what was written. A pump finds damage when it looks, not before: every
so often, at a reset, and when it is asked to test itself.
"""

import random
import zlib
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Generic, TypeVar

from pump_sim.model.prescription import Mode, Prescription
from pump_sim.model.refusals import Field, Reason, RefusalCode, out_of_range

MAX_NOTE_BYTES = 128

T = TypeVar("T", Prescription, str)

_BLANK = Prescription(
    mode=Mode.STOPPED, drugs=(), daily_dose_ng=0, rate_nl_per_day=0, low_reservoir_threshold_nl=0
)
"""As which a copy reads that is not there."""


class Region(Enum):
    """What can be damaged; the numbers are those of the log's parameters."""

    FIRST_COPY = 1
    SECOND_COPY = 2
    NOTE = 3


COPIES = (Region.FIRST_COPY, Region.SECOND_COPY)
"""The two copies of the prescription."""


@dataclass(frozen=True, slots=True)
class Checked(Generic[T]):
    """A value as it is read, and the check that was written with it."""

    value: T
    check: int

    @classmethod
    def of(cls, value: T) -> "Checked[T]":
        """A value as it is written."""
        return cls(value, _check(value))

    @classmethod
    def lost(cls, blank: T) -> "Checked[T]":
        """What is read where nothing can be: no check fits it."""
        return cls(blank, _check(blank) ^ 1)

    @property
    def intact(self) -> bool:
        """Whether it is what was written."""
        return _check(self.value) == self.check


def _check(value: Prescription | str) -> int:
    return zlib.crc32(repr(value).encode())


@dataclass(frozen=True, slots=True)
class Memory:
    """Two copies of the prescription in force and one of the note.

    `hit_at_ms` is when something was damaged since the last check; it spares the checks that would
    find nothing, and is no knowledge of the firmware's. `worn` are the regions in which
    damage was found, until they are written anew.
    """

    first: Checked[Prescription]
    second: Checked[Prescription]
    note: Checked[str]
    worn: tuple[Region, ...] = ()
    hit_at_ms: int | None = None

    @classmethod
    def of(cls, prescription: Prescription, note: str = "") -> "Memory":
        """The memory of a new pump."""
        copy = Checked.of(prescription)
        return cls(copy, copy, Checked.of(note))

    def with_prescription(self, prescription: Prescription) -> "Memory":
        """With a prescription written anew, twice."""
        copy = Checked.of(prescription)
        worn = tuple(each for each in self.worn if each is Region.NOTE)
        return replace(self, first=copy, second=copy, worn=worn)

    def with_note(self, text: str) -> "Memory":
        """With a note written anew."""
        worn = tuple(each for each in self.worn if each is not Region.NOTE)
        return replace(self, note=Checked.of(text), worn=worn)

    @property
    def damaged(self) -> tuple[Region, ...]:
        """The regions that are not as they were written."""
        kept = (self.first.intact, self.second.intact, self.note.intact)
        return tuple(region for region, intact in zip(Region, kept, strict=True) if not intact)

    def checked(self) -> tuple["Memory", tuple[tuple[Region, bool], ...]]:
        """The memory after a check, one copy mended from the other.

        With it what was found, and whether it was mended; a note that was found damaged before and
        has not been written since is not found again.
        """
        damaged = self.damaged
        lost = Region.FIRST_COPY in damaged and Region.SECOND_COPY in damaged
        found = tuple(
            (region, region is not Region.NOTE and not lost)
            for region in damaged
            if region is not Region.NOTE or region not in self.worn
        )
        worn = tuple(each for each in Region if each in self.worn or each in damaged)
        memory = replace(self, hit_at_ms=None, worn=worn)
        if lost or not found:
            return memory, found
        whole = self.second if Region.FIRST_COPY in damaged else self.first
        return replace(memory, first=whole, second=whole), found

    def lost(self, *regions: Region, at_ms: int) -> "Memory":
        """Without what was in these regions; the next check will find that."""
        first = Checked.lost(_BLANK) if Region.FIRST_COPY in regions else self.first
        second = Checked.lost(_BLANK) if Region.SECOND_COPY in regions else self.second
        note = Checked.lost("") if Region.NOTE in regions else self.note
        hit_at_ms = at_ms if self.hit_at_ms is None else self.hit_at_ms
        return replace(self, first=first, second=second, note=note, hit_at_ms=hit_at_ms)

    def hit(self, region: Region, seed: int, at_ms: int) -> "Memory":
        """With one bit of a region flipped, as a fault does it; the next check will find it."""
        if self.hit_at_ms is not None:
            at_ms = self.hit_at_ms
        generator = random.Random(seed)  # noqa: S311 - faults are to be repeatable
        match region:
            case Region.FIRST_COPY:
                return replace(self, first=_flipped(self.first, generator), hit_at_ms=at_ms)
            case Region.SECOND_COPY:
                return replace(self, second=_flipped(self.second, generator), hit_at_ms=at_ms)
            case Region.NOTE:
                text = self.note.value
                spoilt = chr(ord(text[0]) ^ 1) + text[1:] if text else "\x01"
                return replace(self, note=Checked(spoilt, self.note.check), hit_at_ms=at_ms)


def _flipped(copy: Checked[Prescription], generator: random.Random) -> Checked[Prescription]:
    names = [
        each.name for each in fields(copy.value) if type(getattr(copy.value, each.name)) is int
    ]
    name = generator.choice(names)
    value: int = getattr(copy.value, name) ^ (1 << generator.randrange(32))
    return Checked(replace(copy.value, **{name: value}), copy.check)  # type: ignore[arg-type]


def check_note(text: str) -> tuple[Reason, ...]:
    """Every reason why a note cannot be kept; lines are all the layout that it may have."""
    length = len(text.encode(errors="replace"))
    reasons = out_of_range(Field.NOTE, length, 0, MAX_NOTE_BYTES)
    if not text.replace("\n", "").isprintable():
        reasons += (Reason(RefusalCode.UNKNOWN_VALUE, Field.NOTE),)
    return reasons
