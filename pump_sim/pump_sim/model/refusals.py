"""Why the pump says no: every refusal has a code and the field at fault; it knows no message."""

from dataclasses import dataclass
from enum import Enum


class RefusalCode(Enum):
    """The kinds of refusal; the numbers are those of the log's parameters."""

    OUT_OF_RANGE = 16
    """The value lies outside the limits that the reason names."""
    MISMATCH = 17
    """The value disagrees with others of the same command, or with the pump's own (REQ-05)."""
    UNKNOWN_VALUE = 3
    """The value has no meaning here, whatever its size."""
    NOTHING_STAGED = 18
    """There is no pending prescription to commit or roll back."""
    BOLUS_ACTIVE = 23
    """A bolus runs, and the command would disturb it."""
    NO_BOLUS = 24
    """No bolus runs."""
    WRONG_MODE = 25
    """The current infusion mode does not allow the command."""
    RESERVOIR_EMPTY = 26
    """The pump believes its reservoir empty."""
    END_OF_SERVICE = 27
    """The pump has ended its service: nothing starts it again (REQ-20)."""
    STALE_ORDER = 20
    """The programmer has already given an order with a higher number."""
    ORDER_REUSED = 21
    """The number was used before, by an order of other content."""
    TOO_MANY_PROGRAMMERS = 22
    """The pump remembers as many programmers as it can; to forget one might execute twice."""
    ALARM_NOT_LISTED = 28
    """The alarm is neither active nor waiting for an acknowledgement."""
    ALARM_NOT_ACTIVE = 29
    """The alarm is listed, but its condition has gone: it sounds no tone."""
    NOT_CONFIRMED = 30
    """The dose is above the soft limit, and the command does not repeat it (REQ-03)."""
    BRIDGE_UNDECIDED = 31
    """The drug changes, and nothing was decided about the old one in the catheter (REQ-11)."""
    NOT_PRESCRIBED = 32
    """The prescription in force has no patient bolus."""
    LOCKED_OUT = 33
    """The last patient bolus began too short a time ago (REQ-12)."""
    ALLOTMENT_USED = 34
    """As many patient boluses as are allotted have begun in the last 24 h (REQ-12)."""
    INFUSION_HELD = 35
    """An alarm or a fault holds the infusion."""
    NOT_COVERED = 36
    """A schedule leaves a part of the day or of the week open (REQ-10)."""
    DUPLICATE = 37
    """The same thing is given twice."""


class Field(Enum):
    """The part of a command that is at fault."""

    NONE = 0
    """No single part: the command as a whole cannot be obeyed now."""
    MODE = 16
    DRUG_NAME = 17
    CONCENTRATION = 19
    DAILY_DOSE = 20
    RATE = 21
    LOW_RESERVOIR_THRESHOLD = 22
    BOLUS_DOSE = 26
    BOLUS_VOLUME = 27
    BOLUS_DURATION = 28
    BOLUS_RATE = 29
    """Basal rate and bolus rate together."""
    RESERVOIR_VOLUME = 30
    PROGRAMMER_ID = 37
    ORDER_NUMBER = 25
    ALARM = 31
    SILENCE_DURATION = 32
    CLOCK = 36
    DRUGS = 38
    """How many drugs there are."""
    HIGHEST_DAILY_DOSE = 39
    """The dose of the day with most, with every patient bolus that may be asked for (REQ-04)."""
    SCHEDULE = 40
    """How many steps there are."""
    WEEKDAYS = 41
    """Days of the week as bits, Monday being 1."""
    STEP_START = 42
    STEP_RATE = 43
    PERIODIC_DOSE = 44
    PERIODIC_VOLUME = 45
    PERIODIC_DURATION = 46
    PERIODIC_INTERVAL = 47
    PERIODIC_FIRST = 48
    PERIODIC_BASAL_RATE = 49
    PERIODIC_RATE = 50
    """Basal rate and periodic bolus together."""
    PATIENT_DOSE = 51
    PATIENT_VOLUME = 52
    PATIENT_DURATION = 53
    PATIENT_LOCKOUT = 54
    PATIENT_ALLOTMENT = 55
    PATIENT_RATE = 56
    """Highest basal rate and patient bolus together."""
    BRIDGE = 57
    BRIDGE_VOLUME = 58
    BRIDGE_RATE = 59
    BRIDGE_DURATION = 60
    BOLUS_KIND = 61
    PRIMING_VOLUME = 62
    ALARM_INTERVAL = 63
    NOTE = 64


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
