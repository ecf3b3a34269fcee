"""Why the pump says no: every refusal has a code and the field at fault; it knows no message."""

from dataclasses import dataclass
from enum import Enum, auto


class RefusalCode(Enum):
    """The kinds of refusal."""

    OUT_OF_RANGE = auto()
    """The value lies outside the limits that the reason names."""
    MISMATCH = auto()
    """The value disagrees with others of the same command, or with the pump's own (REQ-05)."""
    UNKNOWN_VALUE = auto()
    """The value has no meaning here, whatever its size."""
    NOTHING_STAGED = auto()
    """There is no pending prescription to commit or roll back."""
    BOLUS_ACTIVE = auto()
    """A bolus runs, and the command would disturb it."""
    NO_BOLUS = auto()
    """No bolus runs."""
    WRONG_MODE = auto()
    """The current infusion mode does not allow the command."""
    RESERVOIR_EMPTY = auto()
    """The pump believes its reservoir empty."""
    END_OF_SERVICE = auto()
    """The pump has ended its service: nothing starts it again (REQ-20)."""
    STALE_ORDER = auto()
    """The programmer has already given an order with a higher number."""
    ORDER_REUSED = auto()
    """The number was used before, by an order of other content."""
    TOO_MANY_PROGRAMMERS = auto()
    """The pump remembers as many programmers as it can; to forget one might execute twice."""
    ALARM_NOT_LISTED = auto()
    """The alarm is neither active nor waiting for an acknowledgement."""
    ALARM_NOT_ACTIVE = auto()
    """The alarm is listed, but its condition has gone: it sounds no tone."""


class Field(Enum):
    """The part of a command that is at fault."""

    NONE = auto()
    """No single part: the command as a whole cannot be obeyed now."""
    MODE = auto()
    DRUG_NAME = auto()
    CONCENTRATION = auto()
    DAILY_DOSE = auto()
    RATE = auto()
    LOW_RESERVOIR_THRESHOLD = auto()
    BOLUS_DOSE = auto()
    BOLUS_VOLUME = auto()
    BOLUS_DURATION = auto()
    BOLUS_RATE = auto()
    """Basal rate and bolus rate together."""
    RESERVOIR_VOLUME = auto()
    PROGRAMMER_ID = auto()
    ORDER_NUMBER = auto()
    ALARM = auto()
    SILENCE_DURATION = auto()
    CLOCK = auto()


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing wrong with a command: the value given, and what would have been accepted.

    `minimum` and `maximum` are inclusive and in the unit of the field; None where there is no such
    bound. A MISMATCH gives the one acceptable value as both.
    """

    code: RefusalCode
    field: Field = Field.NONE
    value: int | None = None
    minimum: int | None = None
    maximum: int | None = None

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.code.name} ({self.field.name})"
        low = "" if self.minimum is None else self.minimum
        high = "" if self.maximum is None else self.maximum
        return f"{self.code.name} ({self.field.name} = {self.value}, allowed {low}..{high})"


class Refused(Exception):
    """The pump refuses a command, for every reason listed; its therapy goes on unchanged."""

    def __init__(self, *reasons: Reason) -> None:
        super().__init__(", ".join(map(str, reasons)))
        self.reasons = reasons


def out_of_range(field: Field, value: int, minimum: int, maximum: int) -> tuple[Reason, ...]:
    """No reason if the value lies within the limits, otherwise the one that says so."""
    if minimum <= value <= maximum:
        return ()
    return (Reason(RefusalCode.OUT_OF_RANGE, field, value, minimum, maximum),)


def mismatch(field: Field, value: int, expected: int) -> tuple[Reason, ...]:
    """No reason if the value is the expected one, otherwise the one that says so (REQ-05)."""
    if value == expected:
        return ()
    return (Reason(RefusalCode.MISMATCH, field, value, expected, expected),)
