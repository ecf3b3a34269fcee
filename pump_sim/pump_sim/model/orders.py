"""Orders: commands that must be executed once and never twice, however often they arrive.

An order carries who gave it and a number that only rises; what the pump remembers of them is in
`firmware/order_memory.py`.
"""

from dataclasses import dataclass
from enum import Enum

from pump_sim.model.prescription import Prescription, volume_for_dose
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, mismatch, out_of_range
from pump_sim.model.units import UNITS_PER_NL, ceil_div


@dataclass(frozen=True, slots=True, kw_only=True)
class BolusOrder:
    """Deliver a volume once, evenly over a duration, on top of the basal rate.

    Dose, concentration and volume are all given, so that they can be checked against each other.
    """

    programmer_id: int
    order_number: int
    dose_ng: int
    concentration_ng_per_ml: int
    volume_nl: int
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservoirUpdate:
    """Tell the pump what its reservoir holds after a refill: usable volume, belief only."""

    programmer_id: int
    order_number: int
    volume_nl: int


@dataclass(frozen=True, slots=True)
class BolusResult:
    """An accepted bolus: when it began, and when it will end if nothing interrupts it."""

    order: BolusOrder
    started_at_ms: int
    ends_at_ms: int


@dataclass(frozen=True, slots=True)
class ReservoirResult:
    """An accepted reservoir update: when, and the believed volume just before and after."""

    updated_at_ms: int
    believed_before_nl: int
    believed_after_nl: int


Order = BolusOrder | ReservoirUpdate
OrderResult = BolusResult | ReservoirResult


class BolusOutcome(Enum):
    """How a bolus stands."""

    RUNNING = 1
    COMPLETED = 2
    ABORTED = 3


@dataclass(frozen=True, slots=True)
class BolusReport:
    """How far a bolus has come. `ended_at_ms` is None while it runs.

    `delivered_nl` counts whole nanoliters only: a part is never reported before it is delivered.
    """

    order: BolusOrder
    outcome: BolusOutcome
    started_at_ms: int
    ended_at_ms: int | None
    delivered_nl: int


def check_bolus(
    order: BolusOrder, prescription: Prescription, profile: Profile
) -> tuple[Reason, ...]:
    """Every reason why the order disagrees with itself, the prescription in force or the limits."""
    concentration = prescription.concentration_ng_per_ml
    reasons = mismatch(Field.CONCENTRATION, order.concentration_ng_per_ml, concentration)
    reasons += out_of_range(Field.BOLUS_DOSE, order.dose_ng, 1, profile.max_bolus_dose_ng)
    reasons += out_of_range(Field.BOLUS_VOLUME, order.volume_nl, 1, profile.capacity_nl)
    reasons += out_of_range(
        Field.BOLUS_DURATION,
        order.duration_ms,
        profile.min_bolus_duration_ms,
        profile.max_bolus_duration_ms,
    )
    if order.concentration_ng_per_ml > 0:
        volume_nl = volume_for_dose(order.dose_ng, order.concentration_ng_per_ml)
        reasons += mismatch(Field.BOLUS_VOLUME, order.volume_nl, volume_nl)
    if order.duration_ms > 0:
        # Rounded up, so that a rate within the limit is within it exactly (REQ-09).
        bolus_rate = ceil_div(order.volume_nl * UNITS_PER_NL, order.duration_ms)
        total = prescription.rate_nl_per_day + bolus_rate
        reasons += out_of_range(Field.BOLUS_RATE, total, 0, profile.max_rate_nl_per_day)
    return reasons


def check_reservoir_update(update: ReservoirUpdate, profile: Profile) -> tuple[Reason, ...]:
    """Every reason why a reservoir of this profile cannot hold that volume."""
    return out_of_range(Field.RESERVOIR_VOLUME, update.volume_nl, 1, profile.capacity_nl)
