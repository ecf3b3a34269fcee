"""The redundant numbers of a prescription: what must follow from its other numbers, exactly.

A prescription says the same thing more than once, so that a slip shows. A programmer reckons here
what it is to send and holds the pump's echo against it; a pump has its own arithmetic, because two
halves that share one would agree on its mistakes. Section 8 of the specification defines every
number. This module judges nothing: whether a rate is allowed is the pump's business.
"""

from collections.abc import Sequence
from typing import Final

from pump_protocol.codes import Mode, Weekday
from pump_protocol.errors import UnitError
from pump_protocol.messages import DayPattern, DoseTotals, PeriodicBolus, Prescription
from pump_protocol.units import nearest

_NL_PER_ML: Final = 1_000_000
_MS_PER_MIN: Final = 60_000
_MIN_PER_DAY: Final = 1_440
_MS_PER_DAY: Final = _MIN_PER_DAY * _MS_PER_MIN
_DAYS_PER_WEEK: Final = 7


def flex_rate_nl_per_day(days: Sequence[DayPattern]) -> int:
    """The mean rate of a week in nL/day: nearest whole number, ties to even."""
    return nearest(_units_of_week(days), _DAYS_PER_WEEK * _MS_PER_DAY)


def flex_daily_dose_ng(days: Sequence[DayPattern], concentration_ng_per_ml: int) -> int:
    """The mean daily dose of a week in ng: nearest whole number, ties to even.

    It follows from the steps themselves, not from their mean rate, which is rounded already.
    """
    return nearest(
        _units_of_week(days) * concentration_ng_per_ml, _DAYS_PER_WEEK * _MS_PER_DAY * _NL_PER_ML
    )


def periodic_rate_nl_per_day(periodic: PeriodicBolus) -> int:
    """The mean rate in nL/day, basal and boluses together: nearest whole number, ties to even.

    :raises UnitError: the interval is not positive.
    """
    _check_interval(periodic)
    return nearest(_periodic_numerator(periodic), periodic.interval_ms)


def periodic_daily_dose_ng(periodic: PeriodicBolus, concentration_ng_per_ml: int) -> int:
    """The mean daily dose in ng, basal and boluses together: nearest whole number, ties to even.

    It follows from the volumes that are delivered, not from the dose that a bolus is ordered as.

    :raises UnitError: the interval is not positive.
    """
    _check_interval(periodic)
    return nearest(
        _periodic_numerator(periodic) * concentration_ng_per_ml, periodic.interval_ms * _NL_PER_ML
    )


def bridge_duration_ms(volume_nl: int, rate_nl_per_day: int) -> int:
    """How long the old drug lasts at that rate, in ms, rounded up: none of it may be left.

    :raises UnitError: the rate is not positive.
    """
    if rate_nl_per_day <= 0:
        raise UnitError("bridge rate", f"{rate_nl_per_day} nL/day", "it must be more than zero")
    return -(-volume_nl * _MS_PER_DAY // rate_nl_per_day)


def dose_totals(prescription: Prescription) -> DoseTotals:
    """Doses over the whole schedule in ng, which the limits of a pump are held against (REQ-04).

    ``daily_dose_ng`` is taken as it stands. All are 0 where there is no drug.

    :raises UnitError: a periodic interval is not positive.
    """
    drug = prescription.drug
    if drug is None:
        return DoseTotals(mean_ng=0, highest_ng=0, with_patient_ng=0)
    highest_ng = _highest_ng(prescription, drug.concentration_ng_per_ml)
    patient = prescription.patient
    patient_ng = patient.allotted_per_day * patient.dose_ng if patient else 0
    return DoseTotals(
        mean_ng=prescription.daily_dose_ng,
        highest_ng=highest_ng,
        with_patient_ng=highest_ng + patient_ng,
    )


def _highest_ng(prescription: Prescription, concentration_ng_per_ml: int) -> int:
    if prescription.mode is Mode.FLEX:
        most = max(map(_units_of_day, prescription.days), default=0)
        return nearest(most * concentration_ng_per_ml, _MS_PER_DAY * _NL_PER_ML)
    periodic = prescription.periodic
    if prescription.mode is Mode.PERIODIC_BOLUS and periodic is not None:
        _check_interval(periodic)
        most_boluses = -(-_MS_PER_DAY // periodic.interval_ms)
        volume_nl = periodic.basal_rate_nl_per_day + most_boluses * periodic.volume_nl
        return nearest(volume_nl * concentration_ng_per_ml, _NL_PER_ML)
    return prescription.daily_dose_ng


def _units_of_week(days: Sequence[DayPattern]) -> int:
    """What all seven days deliver, in units of 1 nL/day for 1 ms."""
    return sum(
        sum(day in pattern.weekdays for day in Weekday) * _units_of_day(pattern) for pattern in days
    )


def _units_of_day(pattern: DayPattern) -> int:
    """What one day of the pattern delivers, in units of 1 nL/day for 1 ms."""
    starts = [step.starts_at_min for step in pattern.steps]
    ends = [*starts[1:], _MIN_PER_DAY]
    return sum(
        step.rate_nl_per_day * (end - start) * _MS_PER_MIN
        for step, start, end in zip(pattern.steps, starts, ends, strict=False)
    )


def _periodic_numerator(periodic: PeriodicBolus) -> int:
    """What a day delivers, in nL, times the interval in ms: a whole number."""
    basal_nl = periodic.basal_rate_nl_per_day * periodic.interval_ms
    return basal_nl + periodic.volume_nl * _MS_PER_DAY


def _check_interval(periodic: PeriodicBolus) -> None:
    if periodic.interval_ms <= 0:
        raise UnitError("interval", f"{periodic.interval_ms} ms", "it must be more than zero")
