"""Values that a caller hands over, refused by name with what is allowed before anything is sent;
only what the fields of the wire hold counts here, the limits of therapy are the pump's own."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from math import isfinite
from typing import Final

from pump_programmer.times import MINUTES_PER_DAY, time_of_day
from pump_protocol import units
from pump_protocol.codes import MAX_NOTE_BYTES
from pump_protocol.errors import UnsendableMessage
from pump_protocol.keys import Key
from pump_protocol.messages import Prescription

_U8_MAX: Final = 2**8 - 1
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
    "interval_ms": (0, _U32_MAX, units.format_duration),
    "first_after_ms": (0, _U32_MAX, units.format_duration),
    "lockout_ms": (0, _U32_MAX, units.format_duration),
    "basal_rate_nl_per_day": (0, _U32_MAX, units.format_rate),
    "starts_at_min": (0, MINUTES_PER_DAY - 1, time_of_day),
    "allotted_per_day": (0, _U8_MAX, str),
    "confirmed_dose_ng": (0, _U64_MAX, units.format_dose),
    "clock_ms": (0, _U64_MAX, str),
}
"""What a field holds: from, to, and how a person reads it."""


class ValueOutOfRange(UnsendableMessage, ValueError):
    """A number that its field on the wire cannot hold; nothing was sent."""


class OrderNumberOutOfRange(ValueOutOfRange):
    """The pump does not know of so many orders; nothing was sent."""


class DrugUnknown(UnsendableMessage, ValueError):
    """The pump has lost its drug, and with it what a dose is; nothing was sent."""


def concentration_in_force(prescription: Prescription) -> int:
    """The concentration of the primary drug, with which doses are reckoned.

    :raises DrugUnknown: there is none: safe state after a memory error.
    """
    if prescription.drug is None:
        raise DrugUnknown(
            "the pump has lost its drug after a memory error: program a whole prescription first"
        )
    return prescription.drug.concentration_ng_per_ml


def check_field(
    name: str, value: object, *, minimum: int | None = None, called: str | None = None
) -> None:
    """Refuse what the field *name* cannot hold.

    :param minimum: of what is allowed, if that is not what the field holds.
    :param called: what a message calls the field, if not by its bare name.
    :raises TypeError: no whole number; a truth value is none.
    :raises ValueOutOfRange: too small or too large.
    """
    smallest, largest, in_units = _FIELDS[name]
    smallest = smallest if minimum is None else minimum
    allowed = f"{in_units(smallest)} to {in_units(largest)}"
    _check(called or name, value, (smallest, largest), allowed)


def check_sequence(name: str, value: object) -> None:
    """Refuse what is no number of a record."""
    _check(name, value, (1, _U64_MAX), f"1 to {_U64_MAX}")


def check_programmer_id(value: object) -> None:
    """Refuse what is no identity of a programmer."""
    _check("programmer_id", value, (1, _U64_MAX), "1 to 2**64 - 1")


def check_order_number(value: object, last: int) -> None:
    """Refuse what is no number of an order given before, or of the next one.

    :param last: that of the last order which the pump remembers of this programmer.
    :raises OrderNumberOutOfRange: the pump cannot tell such an order from one that it forgot.
    """
    allowed = f"1 to {last + 1}; the pump remembers this programmer's orders up to {last}"
    try:
        _check("order_number", value, (1, last + 1), allowed)
    except ValueOutOfRange as error:
        raise OrderNumberOutOfRange(str(error)) from None


def check_key(value: object) -> None:
    """Refuse what is neither a key nor its text; it is not repeated, because it may be one."""
    if not (value is None or isinstance(value, (Key, str))):
        raise TypeError(f"key: a Key, its text or @FILE wanted, not {type(value).__name__}")


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
    _check_numbers(value, "")


def check_note(value: object) -> None:
    """Refuse a note that no pump can hold."""
    if not isinstance(value, str):
        raise TypeError(f"text = {value!r}: a text wanted")
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        raise ValueOutOfRange(f"text = {value!r}: it cannot be written in UTF-8") from None
    if length > MAX_NOTE_BYTES:
        raise ValueOutOfRange(
            f"text = {value!r}: {length} bytes; allowed 0 to {MAX_NOTE_BYTES} bytes in UTF-8"
        )


def _check_numbers(value: object, path: str) -> None:
    """Refuse a number anywhere inside that its field cannot hold, under its full name."""
    if isinstance(value, tuple):
        for place, element in enumerate(value):
            _check_numbers(element, f"{path}[{place}]")
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            name = f"{path}.{each.name}" if path else each.name
            inside = getattr(value, each.name)
            if each.name in _FIELDS:
                check_field(each.name, inside, called=name)
            elif not isinstance(inside, (str, Enum)):
                _check_numbers(inside, name)


def _check(name: str, value: object, bounds: tuple[int, int | None], allowed: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} = {value!r}: a whole number wanted, allowed {allowed}")
    smallest, largest = bounds
    if value < smallest or (largest is not None and value > largest):
        raise ValueOutOfRange(f"{name} = {value}: allowed {allowed}")
