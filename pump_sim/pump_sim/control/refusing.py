"""What the pump itself refuses, as an error: every reason for programs, and in words with units."""

from typing import Any

from pump_sim.control.errors import ControlError
from pump_sim.model.refusals import Reason, Refused
from pump_sim.refusal_words import refusal_text
from pump_sim.wire_values import reason_out


def refused(error: Refused) -> ControlError:
    """The error of a request that the pump does not obey."""
    told = ControlError("refused", f"the pump refuses: {reasons_text(error)}")
    told.reasons = reasons_of(error)
    return told


def reasons_text(error: Refused) -> str:
    """All reasons in the units that people write: ``rate 25 mL/day out of range, allowed ...``."""
    return refusal_text(tuple(map(reason_out, error.reasons)))


def reasons_of(error: Refused) -> list[dict[str, Any]]:
    """All reasons, as an error has them."""
    return [_reason(each) for each in error.reasons]


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code.name.lower(),
        "field": reason.field.name.lower(),
        "value": reason.value,
        "minimum": reason.minimum,
        "maximum": reason.maximum,
        "text": refusal_text((reason_out(reason),)),
    }
