"""What a person asks for, before it is reckoned with what is in force; values only.

Doses stay doses here: what rate or volume they make depends on the concentration.
"""

from dataclasses import dataclass

from pump_protocol.codes import BridgeDecision, MassUnit, Mode, Weekday
from pump_protocol.messages import Drug


@dataclass(frozen=True, slots=True)
class Flow:
    """What is to flow: a rate, or the daily dose that gives it; the minimum rate if neither."""

    daily_dose_ng: int | None = None
    rate_nl_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class StepWish:
    """What is to flow from a time of day on."""

    starts_at_min: int
    flow: Flow


@dataclass(frozen=True, slots=True)
class DayWish:
    """The steps of the days that share them."""

    weekdays: Weekday
    steps: tuple[StepWish, ...]


@dataclass(frozen=True, slots=True)
class PeriodicWish:
    """A bolus that repeats."""

    dose_ng: int
    interval_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class PatientWish:
    """A bolus that the patient may ask for."""

    dose_ng: int
    duration_ms: int
    lockout_ms: int
    allotted_per_day: int


@dataclass(frozen=True, slots=True)
class Bridging:
    """What was decided about the old drug in tubing and catheter (REQ-11)."""

    decision: BridgeDecision | None = None
    catheter_volume_nl: int | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asks for; None where it is to stay.

    At most one of dose, rate, mode, flex and periodic. ``patient_boluses`` and ``other_drugs`` are
    empty where they are to be removed.
    """

    daily_dose_ng: int | None = None
    rate_nl_per_day: int | None = None
    mode: Mode | None = None
    flex: tuple[DayWish, ...] | None = None
    periodic: PeriodicWish | None = None
    basal: Flow | None = None
    first_after_ms: int | None = None
    patient_boluses: tuple[PatientWish, ...] | None = None
    concentration_ng_per_ml: int | None = None
    drug_name: str | None = None
    mass_unit: MassUnit | None = None
    other_drugs: tuple[Drug, ...] | None = None
    low_reservoir_threshold_nl: int | None = None
    bridging: Bridging = Bridging()

    @property
    def empty(self) -> bool:
        """Whether nothing was asked for: a decision about a bridge alone asks for nothing."""
        return self == Wishes(bridging=self.bridging)
