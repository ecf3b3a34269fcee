"""Why a pump refuses, in one plain sentence and in the units that clinicians write."""

from collections.abc import Callable
from typing import Final, TypeAlias

from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.codes import Field, RefusalCode
from pump_sim.texts import spaced

Say: TypeAlias = Callable[[int], str]

_MEASURES: Final[dict[Field, Say]] = {
    Field.CONCENTRATION: units.format_concentration,
    Field.DAILY_DOSE: units.format_daily_dose,
    Field.HIGHEST_DAILY_DOSE: units.format_daily_dose,
    **dict.fromkeys((Field.BOLUS_DOSE, Field.PERIODIC_DOSE, Field.PATIENT_DOSE), units.format_dose),
    **dict.fromkeys(
        (
            Field.RATE,
            Field.BOLUS_RATE,
            Field.STEP_RATE,
            Field.PERIODIC_BASAL_RATE,
            Field.PERIODIC_RATE,
            Field.PATIENT_RATE,
            Field.BRIDGE_RATE,
        ),
        units.format_rate,
    ),
    **dict.fromkeys(
        (
            Field.LOW_RESERVOIR_THRESHOLD,
            Field.BOLUS_VOLUME,
            Field.RESERVOIR_VOLUME,
            Field.PERIODIC_VOLUME,
            Field.PATIENT_VOLUME,
            Field.BRIDGE_VOLUME,
            Field.PRIMING_VOLUME,
        ),
        units.format_volume,
    ),
    **dict.fromkeys(
        (
            Field.BOLUS_DURATION,
            Field.SILENCE_DURATION,
            Field.PERIODIC_DURATION,
            Field.PERIODIC_INTERVAL,
            Field.PERIODIC_FIRST,
            Field.PATIENT_DURATION,
            Field.PATIENT_LOCKOUT,
            Field.BRIDGE_DURATION,
        ),
        units.format_duration,
    ),
}
"""How the values of a field are written; the others are plain numbers."""

_OF_A_FIELD: Final = frozenset(
    {
        RefusalCode.UNKNOWN_VALUE,
        RefusalCode.OUT_OF_RANGE,
        RefusalCode.MISMATCH,
        RefusalCode.WRONG_MODE,
        RefusalCode.NOT_CONFIRMED,
        RefusalCode.NOT_COVERED,
        RefusalCode.DUPLICATE,
    }
)
"""Reasons that mean little without their field; the others say everything by their name."""


# --- Refusals ------------------------------------------------------------------------------------


def refusal_text(reasons: tuple[m.Reason, ...]) -> str:
    """All reasons: ``daily dose 5000 mcg/day out of range, allowed up to 2000 mcg/day``."""
    return "; ".join(map(_reason_text, reasons))


def _reason_text(reason: m.Reason) -> str:
    why = spaced(reason.code.name)
    if reason.field is Field.NONE or reason.code not in _OF_A_FIELD:
        return why
    say = _MEASURES.get(reason.field, str)
    value = "" if reason.value is None else f" {say(reason.value)}"
    return f"{spaced(reason.field.name)}{value} {why}{_allowed_text(reason, say)}"


def _allowed_text(reason: m.Reason, say: Say) -> str:
    low, high = reason.minimum, reason.maximum
    if low is None:
        return "" if high is None else f", allowed up to {say(high)}"
    if high is None:
        return f", allowed from {say(low)}"
    return f", allowed {say(low)}" if low == high else f", allowed {say(low)} to {say(high)}"


# --- Prescriptions -------------------------------------------------------------------------------
