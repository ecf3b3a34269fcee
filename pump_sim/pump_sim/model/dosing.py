"""The arithmetic of dose, rate, volume and concentration; exact, to the nearest, ties to even."""

from pump_sim.model.units import NL_PER_ML, UNITS_PER_NL, ceil_div, nearest


def volume_for_dose(dose_ng: int, concentration_ng_per_ml: int) -> int:
    """The nL that hold a dose."""
    return nearest(dose_ng * NL_PER_ML, concentration_ng_per_ml)


def rate_for_dose(daily_dose_ng: int, concentration_ng_per_ml: int) -> int:
    """The nL/day that deliver a daily dose (REQ-05)."""
    return volume_for_dose(daily_dose_ng, concentration_ng_per_ml)


def dose_for_rate(rate_nl_per_day: int, concentration_ng_per_ml: int) -> int:
    """The ng/day that a rate delivers, or the ng that a volume holds."""
    return nearest(rate_nl_per_day * concentration_ng_per_ml, NL_PER_ML)


def dose_of_units(units: int, span_ms: int, concentration_ng_per_ml: int) -> int:
    """The ng/day of so many ledger units in every `span_ms`."""
    return nearest(units * concentration_ng_per_ml, span_ms * NL_PER_ML)


def rate_of_units(units: int, span_ms: int) -> int:
    """The nL/day of so many ledger units in every `span_ms`."""
    return nearest(units, span_ms)


def bridge_duration_ms(volume_nl: int, rate_nl_per_day: int) -> int:
    """How long a volume takes at a rate, rounded up."""
    return ceil_div(volume_nl * UNITS_PER_NL, rate_nl_per_day)


def bolus_rate_nl_per_day(volume_nl: int, duration_ms: int) -> int:
    """The rate of a bolus, rounded up: one within a limit is then within it exactly (REQ-09)."""
    return ceil_div(volume_nl * UNITS_PER_NL, duration_ms)
