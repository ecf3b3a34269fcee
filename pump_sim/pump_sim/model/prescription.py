"""What a clinician prescribes, how dose, rate and volume follow from each other, and what is wrong.

A prescription knows the limits of a profile, never the state of a pump: whether it may be committed
now is the pump's affair.
"""

from dataclasses import dataclass
from enum import Enum

from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode, mismatch, out_of_range
from pump_sim.model.units import NL_PER_ML, nearest

MAX_DRUG_NAME_BYTES = 32


class Mode(Enum):
    """Infusion mode; the numbers are those of the log's parameters."""

    STOPPED = 0
    MINIMUM_RATE = 1
    SIMPLE_CONTINUOUS = 2


class MassUnit(Enum):
    """The unit in which clinicians read this drug's masses. The model always counts ng (REQ-06)."""

    MICROGRAM = 1
    MILLIGRAM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """All that programs an infusion: dose, concentration and rate together, so that they can be
    checked against each other (REQ-05).
    """

    mode: Mode
    drug_name: str
    mass_unit: MassUnit
    concentration_ng_per_ml: int
    daily_dose_ng: int
    rate_nl_per_day: int
    low_reservoir_threshold_nl: int


def volume_for_dose(dose_ng: int, concentration_ng_per_ml: int) -> int:
    """The nL that hold a dose: the nearest whole number, ties to even."""
    return nearest(dose_ng * NL_PER_ML, concentration_ng_per_ml)


def rate_for_dose(daily_dose_ng: int, concentration_ng_per_ml: int) -> int:
    """The nL/day that deliver a daily dose: the nearest whole number, ties to even (REQ-05)."""
    return volume_for_dose(daily_dose_ng, concentration_ng_per_ml)


def dose_for_rate(rate_nl_per_day: int, concentration_ng_per_ml: int) -> int:
    """The ng/day that a rate delivers: the nearest whole number, ties to even."""
    return nearest(rate_nl_per_day * concentration_ng_per_ml, NL_PER_ML)


def simple_continuous(
    *,
    drug_name: str,
    concentration_ng_per_ml: int,
    daily_dose_ng: int,
    low_reservoir_threshold_nl: int = 2_000_000,
    mass_unit: MassUnit = MassUnit.MICROGRAM,
) -> Prescription:
    """A constant infusion of a daily dose, at the rate that follows from it."""
    return Prescription(
        mode=Mode.SIMPLE_CONTINUOUS,
        drug_name=drug_name,
        mass_unit=mass_unit,
        concentration_ng_per_ml=concentration_ng_per_ml,
        daily_dose_ng=daily_dose_ng,
        rate_nl_per_day=rate_for_dose(daily_dose_ng, concentration_ng_per_ml),
        low_reservoir_threshold_nl=low_reservoir_threshold_nl,
    )


def minimum_rate(
    profile: Profile,
    *,
    drug_name: str,
    concentration_ng_per_ml: int,
    low_reservoir_threshold_nl: int = 2_000_000,
    mass_unit: MassUnit = MassUnit.MICROGRAM,
) -> Prescription:
    """The profile's lowest flow, which keeps the way open and treats nobody."""
    rate_nl_per_day = profile.minimum_rate_nl_per_day
    return Prescription(
        mode=Mode.MINIMUM_RATE,
        drug_name=drug_name,
        mass_unit=mass_unit,
        concentration_ng_per_ml=concentration_ng_per_ml,
        daily_dose_ng=dose_for_rate(rate_nl_per_day, concentration_ng_per_ml),
        rate_nl_per_day=rate_nl_per_day,
        low_reservoir_threshold_nl=low_reservoir_threshold_nl,
    )


def stopped(
    *,
    drug_name: str,
    concentration_ng_per_ml: int,
    low_reservoir_threshold_nl: int = 2_000_000,
    mass_unit: MassUnit = MassUnit.MICROGRAM,
) -> Prescription:
    """No flow at all."""
    return Prescription(
        mode=Mode.STOPPED,
        drug_name=drug_name,
        mass_unit=mass_unit,
        concentration_ng_per_ml=concentration_ng_per_ml,
        daily_dose_ng=0,
        rate_nl_per_day=0,
        low_reservoir_threshold_nl=low_reservoir_threshold_nl,
    )


def check_prescription(prescription: Prescription, profile: Profile) -> tuple[Reason, ...]:
    """Every reason why a pump of this profile refuses the prescription; none if it does not."""
    concentration = prescription.concentration_ng_per_ml
    reasons = _check_drug_name(prescription.drug_name)
    reasons += out_of_range(
        Field.CONCENTRATION,
        concentration,
        profile.min_concentration_ng_per_ml,
        profile.max_concentration_ng_per_ml,
    )
    reasons += out_of_range(
        Field.LOW_RESERVOIR_THRESHOLD,
        prescription.low_reservoir_threshold_nl,
        0,
        profile.max_low_reservoir_threshold_nl,
    )
    rate_nl_per_day, dose_ng = prescription.rate_nl_per_day, prescription.daily_dose_ng
    match prescription.mode:
        case Mode.STOPPED:
            reasons += mismatch(Field.RATE, rate_nl_per_day, 0)
            reasons += mismatch(Field.DAILY_DOSE, dose_ng, 0)
        case Mode.MINIMUM_RATE:
            lowest = profile.minimum_rate_nl_per_day
            reasons += mismatch(Field.RATE, rate_nl_per_day, lowest)
            reasons += mismatch(Field.DAILY_DOSE, dose_ng, dose_for_rate(lowest, concentration))
        case Mode.SIMPLE_CONTINUOUS:
            reasons += _check_continuous(prescription, profile)
    return reasons


def _check_continuous(prescription: Prescription, profile: Profile) -> tuple[Reason, ...]:
    # REQ-01 and REQ-03: the limits of flow and of dose stand each for itself. A slip of minutes for
    # hours can be far within what the drive is able to pump (domain.md 4.3, T6).
    reasons = out_of_range(
        Field.RATE,
        prescription.rate_nl_per_day,
        profile.min_therapeutic_rate_nl_per_day,
        profile.max_rate_nl_per_day,
    )
    reasons += out_of_range(
        Field.DAILY_DOSE, prescription.daily_dose_ng, 1, profile.max_daily_dose_ng
    )
    if prescription.concentration_ng_per_ml > 0:
        rate_nl_per_day = rate_for_dose(
            prescription.daily_dose_ng, prescription.concentration_ng_per_ml
        )
        reasons += mismatch(Field.RATE, prescription.rate_nl_per_day, rate_nl_per_day)
    return reasons


def _check_drug_name(drug_name: str) -> tuple[Reason, ...]:
    if not drug_name.isprintable():
        return (Reason(RefusalCode.UNKNOWN_VALUE, Field.DRUG_NAME),)
    return out_of_range(Field.DRUG_NAME, len(drug_name.encode()), 1, MAX_DRUG_NAME_BYTES)
