"""Values that a caller hands over, refused by name with what is allowed before anything is sent;
only what the fields of the wire hold counts here, the limits of therapy are the pump's own."""

from collections.abc import Callable
from math import isfinite
from typing import Final

from pump_protocol import units
from pump_protocol.errors import UnsendableMessage
from pump_protocol.messages import Prescription

_U32_MAX: Final = 2**32 - 1
_U64_MAX: Final = 2**64 - 1

_FIELDS: Final[dict[str, tuple[int, int, Callable[[int], str]]]] = {
    "rate_nl_per_day": (0, _U32_MAX, units.format_rate),
    "daily_dose_ng": (0, _U64_MAX, units.format_daily_dose),
    "low_reservoir_threshold_nl": (0, _U32_MAX, units.format_volume),
    "concentration_ng_per_ml": (0, _U32_MAX, units.format_concentration),
    "volume_nl": (0, _U32_MAX, units.format_volume),
    "dose_ng": (0, _U64_MAX, units.format_dose),
    "duration_ms": (0, _U32_MAX, units.format_duration),
    "clock_ms": (0, _U64_MAX, str),
}
"""What a field holds: from, to, and how a person reads it."""


class ValueOutOfRange(UnsendableMessage, ValueError):
    """A number that its field on the wire cannot hold; nothing was sent."""


def check_field(name: str, value: object, *, minimum: int | None = None) -> None:
    """Refuse what the field *name* cannot hold.

    :param minimum: of what is allowed, if that is not what the field holds.
    :raises TypeError: no whole number; a truth value is none.
    :raises ValueOutOfRange: too small or too large.
    """
    smallest, largest, in_units = _FIELDS[name]
    smallest = smallest if minimum is None else minimum
    _check(name, value, (smallest, largest), f"{in_units(smallest)} to {in_units(largest)}")


def check_sequence(name: str, value: object) -> None:
    """Refuse what is no number of a record."""
    _check(name, value, (1, _U64_MAX), f"1 to {_U64_MAX}")


def check_programmer_id(value: object) -> None:
    """Refuse what is no identity of a programmer."""
    _check("programmer_id", value, (1, _U64_MAX), "1 to 2**64 - 1")


def check_count(name: str, value: object) -> None:
    """Refuse what is no whole number from 1 on."""
    _check(name, value, (1, None), "1 or more")


def check_seconds(name: str, value: object) -> None:
    """Refuse what is no time that passes and ends.

    :raises TypeError: no number.
    :raises ValueError: nothing, less, or for ever.
    """
    allowed = "allowed more than 0 seconds, and not for ever"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} = {value!r}: a number wanted, {allowed}")
    if not (isfinite(value) and value > 0):
        raise ValueError(f"{name} = {value!r}: {allowed}")


def check_prescription(value: object) -> None:
    """Refuse what is no prescription, or one with a number that its field cannot hold."""
    if not isinstance(value, Prescription):
        raise TypeError(f"prescription = {value!r}: a Prescription wanted")
    for name in (
        "concentration_ng_per_ml",
        "daily_dose_ng",
        "rate_nl_per_day",
        "low_reservoir_threshold_nl",
    ):
        check_field(name, getattr(value, name))


def _check(name: str, value: object, bounds: tuple[int, int | None], allowed: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} = {value!r}: a whole number wanted, allowed {allowed}")
    smallest, largest = bounds
    if value < smallest or (largest is not None and value > largest):
        raise ValueOutOfRange(f"{name} = {value}: allowed {allowed}")
