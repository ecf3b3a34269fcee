"""From what a person asks for and what is in force to one whole prescription; pure.

What the person leaves open stays as it is. Dose, concentration and rate always leave here in
agreement (REQ-05), and the pump reckons them again.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

from pump_protocol.codes import Mode
from pump_protocol.messages import Identity, Prescription
from pump_protocol.units import dose_for_rate, rate_for_dose

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asks for; None where it is to stay. At most one of dose, rate and mode."""

    daily_dose_ng: int | None = None
    rate_nl_per_day: int | None = None
    mode: Mode | None = None
    concentration_ng_per_ml: int | None = None
    drug_name: str | None = None
    low_reservoir_threshold_nl: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was asked for."""
        return self == Wishes()


def planned(wishes: Wishes, current: Prescription, identity: Identity) -> Prescription:
    """The whole prescription that *wishes* make of *current*.

    A rate that no whole number of ng/day gives becomes the nearest one that does. A new
    concentration alone keeps the daily dose and moves the rate.

    :raises pump_protocol.UnitError: the concentration is not positive.
    """
    kept = replace(
        current,
        concentration_ng_per_ml=_or(
            wishes.concentration_ng_per_ml, current.concentration_ng_per_ml
        ),
        drug_name=_or(wishes.drug_name, current.drug_name),
        low_reservoir_threshold_nl=_or(
            wishes.low_reservoir_threshold_nl, current.low_reservoir_threshold_nl
        ),
    )
    concentration = kept.concentration_ng_per_ml
    asks_dose = wishes.daily_dose_ng is not None or wishes.rate_nl_per_day is not None
    mode = Mode.SIMPLE_CONTINUOUS if asks_dose else _or(wishes.mode, current.mode)
    if mode is Mode.STOPPED:
        return replace(kept, mode=mode, daily_dose_ng=0, rate_nl_per_day=0)
    if mode is Mode.MINIMUM_RATE:
        rate = identity.minimum_rate_nl_per_day
        return replace(
            kept,
            mode=mode,
            daily_dose_ng=dose_for_rate(rate, concentration),
            rate_nl_per_day=rate,
        )
    dose = _or(wishes.daily_dose_ng, current.daily_dose_ng)
    if wishes.rate_nl_per_day is not None:
        dose = dose_for_rate(wishes.rate_nl_per_day, concentration)
    return replace(
        kept, mode=mode, daily_dose_ng=dose, rate_nl_per_day=rate_for_dose(dose, concentration)
    )


def _or(wish: T | None, otherwise: T) -> T:
    return otherwise if wish is None else wish
