"""Orders: commands that must be executed once and never twice, however often they arrive.

An order carries who gave it and a number that only rises; what the pump remembers of them is in
`firmware/order_memory.py`.
"""

from dataclasses import dataclass
from enum import Enum

from pump_sim.model import dosing
from pump_sim.model.prescription import Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode, mismatch, out_of_range


class BolusKind(Enum):
    """What a bolus is for. A smaller number goes before a greater one (REQ-09)."""

    PRIMING = 1
    """Fills tubing and catheter."""
    BRIDGE = 2
    """Clears the old drug from them, in place of the basal rate."""
    SINGLE = 3
    """Ordered by a clinician, once."""
    PATIENT = 4
    """Asked for by the patient, within what is prescribed."""
    PERIODIC = 5
    """Part of the prescription."""


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
    kind: BolusKind = BolusKind.SINGLE


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRequest:
    """The patient asks for the bolus that is prescribed. `programmer_id` is that of the handset."""

    programmer_id: int
    order_number: int


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
class PatientBolusResult:
    """A patient bolus that began, how many are left, and when the next may be asked for."""

    volume_nl: int
    started_at_ms: int
    ends_at_ms: int
    left: int
    next_at_ms: int


@dataclass(frozen=True, slots=True)
class ReservoirResult:
    """An accepted reservoir update: when, and the believed volume just before and after."""

    updated_at_ms: int
    believed_before_nl: int
    believed_after_nl: int


Order = BolusOrder | PatientRequest | ReservoirUpdate
OrderResult = BolusResult | PatientBolusResult | ReservoirResult


class BolusOutcome(Enum):
    """How a bolus stands."""

    RUNNING = 1
    COMPLETED = 2
    ABORTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BolusReport:
    """How far a bolus has come. `ended_at_ms` is None while it runs.

    `delivered_nl` counts whole nanoliters only: a part is never reported before it is delivered.
    Who ordered it, and the number of the order, are 0 where nobody did by a message.
    """

    kind: BolusKind
    outcome: BolusOutcome
    volume_nl: int
    delivered_nl: int
    duration_ms: int
    started_at_ms: int
    ended_at_ms: int | None = None
    programmer_id: int = 0
    order_number: int = 0


def check_bolus(
    order: BolusOrder, prescription: Prescription, profile: Profile
) -> tuple[Reason, ...]:
    """Every reason why the order disagrees with itself, the prescription in force or the limits."""
    concentration = prescription.concentration_ng_per_ml
    reasons = mismatch(Field.CONCENTRATION, order.concentration_ng_per_ml, concentration)
    match order.kind:
        case BolusKind.SINGLE:
            reasons += out_of_range(Field.BOLUS_DOSE, order.dose_ng, 1, profile.max_bolus_dose_ng)
            reasons += out_of_range(Field.BOLUS_VOLUME, order.volume_nl, 1, profile.capacity_nl)
        case BolusKind.PRIMING:
            # What fills an empty catheter reaches nobody: its volume counts, not its dose.
            most_nl = profile.max_priming_volume_nl
            reasons += out_of_range(Field.PRIMING_VOLUME, order.volume_nl, 1, most_nl)
        case kind:
            reasons += (Reason(RefusalCode.UNKNOWN_VALUE, Field.BOLUS_KIND, kind.value),)
    reasons += out_of_range(
        Field.BOLUS_DURATION,
        order.duration_ms,
        profile.min_bolus_duration_ms,
        profile.max_bolus_duration_ms,
    )
    if order.concentration_ng_per_ml > 0:
        reasons += _check_agreement(order)
    if order.duration_ms > 0:
        rate = dosing.bolus_rate_nl_per_day(order.volume_nl, order.duration_ms)
        total = prescription.highest_basal_rate_nl_per_day + rate
        reasons += out_of_range(Field.BOLUS_RATE, total, 0, profile.max_rate_nl_per_day)
    return reasons


def _check_agreement(order: BolusOrder) -> tuple[Reason, ...]:
    """A single bolus is ordered by its dose, a priming bolus by its volume (REQ-05)."""
    concentration = order.concentration_ng_per_ml
    if order.kind is BolusKind.PRIMING:
        dose_ng = dosing.dose_for_rate(order.volume_nl, concentration)
        return mismatch(Field.BOLUS_DOSE, order.dose_ng, dose_ng)
    volume_nl = dosing.volume_for_dose(order.dose_ng, concentration)
    return mismatch(Field.BOLUS_VOLUME, order.volume_nl, volume_nl)


def check_reservoir_update(update: ReservoirUpdate, profile: Profile) -> tuple[Reason, ...]:
    """Every reason why a reservoir of this profile cannot hold that volume."""
    return out_of_range(Field.RESERVOIR_VOLUME, update.volume_nl, 1, profile.capacity_nl)
