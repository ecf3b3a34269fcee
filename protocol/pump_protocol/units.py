"""Wire scale and human units: exact, or refused.

The wire counts whole nL/day, nL, ng, ng/mL and ms; people write "0.4 mL/day" or "300 mcg/day". What
a person wrote is either exactly a whole number of wire units or it is refused, and what is shown is
exactly what is meant; no binary fraction is ever involved. This module knows no messages, and no
limits of a pump: only those of a field on the wire.

Numbers are written as safe medication practice wants them: no naked decimal point (".5" is read as
5), no trailing zero ("5.0" is read as 50) in what is shown, no comma (a decimal mark to some, a
grouping mark to others), and "mcg", not the Greek letter, in what is shown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from pump_protocol.codes import MassUnit
from pump_protocol.errors import UnitError

U32: Final = 2**32 - 1
U64: Final = 2**64 - 1

_NL_PER_ML: Final = 1_000_000
_NG_PER_MCG: Final = 1_000
_NG_PER_MG: Final = 1_000_000
_MS_PER_S: Final = 1_000
_MS_PER_MIN: Final = 60 * _MS_PER_S
_MS_PER_H: Final = 60 * _MS_PER_MIN
_MS_PER_DAY: Final = 24 * _MS_PER_H

_NUMBER: Final = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?")
_EXPONENT: Final = re.compile(r"[0-9.]+[eE][+-]?[0-9]")
_TERM: Final = re.compile(rf"{_NUMBER.pattern}\s*([^\s0-9.,]+)\s*")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One kind of quantity: its unit on the wire, and the units in which people write it.

    ``units`` are shown in messages; ``spellings`` are understood too. Both give the number of wire
    units in one such unit. Upper and lower case differ: "Mg" is not a milligram.
    """

    name: str
    wire_unit: str
    maximum: int
    units: Mapping[str, int]
    spellings: Mapping[str, int] = field(default_factory=dict)
    compound: bool = False

    def parse(self, text: str, field: str = "") -> int:
        """The number of wire units that *text* means, exactly.

        :param field: how a message names the quantity; the kind of quantity if empty.
        :raises UnitError: not a number and a unit, an unknown unit, not a whole number of wire
            units, or more than the field on the wire holds.
        """
        label = field or self.name
        total, rest, last = Fraction(0), text.strip(), None
        while rest:
            term = None if _EXPONENT.match(rest) else _TERM.match(rest)
            if term is None:
                raise UnitError(label, text, self._why_unreadable(rest), tuple(self.units))
            whole, decimals, unit = term.groups()
            scale = self._scale(unit)
            if scale is None:
                raise UnitError(
                    label, text, f"{unit!r} is no unit of {self.name}", tuple(self.units)
                )
            if last is not None and (scale >= last or not self.compound):
                raise UnitError(label, text, "one number and one unit wanted", tuple(self.units))
            total += Fraction(int(whole + (decimals or "")), 10 ** len(decimals or "")) * scale
            last, rest = scale, rest[term.end() :]
        if last is None:
            raise UnitError(label, text, "a number and a unit wanted", tuple(self.units))
        return self._on_wire(total, label, text)

    def format(self, value: int, unit: str) -> str:
        """*value* wire units in *unit*, exactly: all decimals that it has, and no trailing zero."""
        return f"{decimal_text(value, self.units[unit])} {unit}"

    def _scale(self, unit: str) -> int | None:
        scale = self.units.get(unit)
        return self.spellings.get(unit) if scale is None else scale

    def _why_unreadable(self, text: str) -> str:
        number = _NUMBER.match(text)
        if _EXPONENT.match(text):
            return "write the number out, as 500 or 0.005, without an exponent"
        if "," in text:
            return "a comma may mean two things; write the number as 1500 or 0.15"
        if number is None:
            return "it should begin with a number such as 300 or 0.15"
        if number.end() == len(text):
            return "the unit is missing"
        return "a number and a unit wanted"

    def _on_wire(self, total: Fraction, label: str, text: str) -> int:
        if total.denominator != 1:
            raise UnitError(
                label, text, f"it is not a whole number of {self.wire_unit}", tuple(self.units)
            )
        if total > self.maximum:
            largest = self.format(self.maximum, next(iter(self.units)))
            raise UnitError(label, text, f"the wire carries at most {largest}", tuple(self.units))
        return total.numerator


RATE: Final = Quantity(
    "rate",
    "nL/day",
    U32,
    {"mL/day": _NL_PER_ML, "uL/day": 1_000, "uL/h": 24_000, "nL/day": 1},
    {
        "mL/d": _NL_PER_ML,
        "ml/day": _NL_PER_ML,
        "ml/d": _NL_PER_ML,
        "mL/h": 24 * _NL_PER_ML,
        "ml/h": 24 * _NL_PER_ML,
        "ul/day": 1_000,
        "ul/h": 24_000,
    },
)

DAILY_DOSE: Final = Quantity(
    "daily dose",
    "ng/day",
    U64,
    {"mcg/day": _NG_PER_MCG, "mg/day": _NG_PER_MG, "ng/day": 1},
    {
        "mcg/d": _NG_PER_MCG,
        "ug/day": _NG_PER_MCG,
        "ug/d": _NG_PER_MCG,
        "\u00b5g/day": _NG_PER_MCG,  # micro sign
        "\u03bcg/day": _NG_PER_MCG,  # Greek mu
        "mg/d": _NG_PER_MG,
    },
)

DOSE: Final = Quantity(
    "dose",
    "ng",
    U64,
    {"mcg": _NG_PER_MCG, "mg": _NG_PER_MG, "ng": 1},
    {"ug": _NG_PER_MCG, "\u00b5g": _NG_PER_MCG, "\u03bcg": _NG_PER_MCG},
)

CONCENTRATION: Final = Quantity(
    "concentration",
    "ng/mL",
    U32,
    {"mcg/mL": _NG_PER_MCG, "mg/mL": _NG_PER_MG, "ng/mL": 1},
    {
        "mcg/ml": _NG_PER_MCG,
        "ug/mL": _NG_PER_MCG,
        "ug/ml": _NG_PER_MCG,
        "\u00b5g/mL": _NG_PER_MCG,
        "\u03bcg/mL": _NG_PER_MCG,
        "\u00b5g/ml": _NG_PER_MCG,
        "\u03bcg/ml": _NG_PER_MCG,
        "mg/ml": _NG_PER_MG,
        "ng/ml": 1,
    },
)

VOLUME: Final = Quantity(
    "volume",
    "nL",
    U32,
    {"mL": _NL_PER_ML, "uL": 1_000, "nL": 1},
    {"ml": _NL_PER_ML, "ul": 1_000, "nl": 1},
)

DURATION: Final = Quantity(
    "duration",
    "ms",
    U32,
    {"min": _MS_PER_MIN, "h": _MS_PER_H, "d": _MS_PER_DAY, "s": _MS_PER_S, "ms": 1},
    {"day": _MS_PER_DAY, "days": _MS_PER_DAY},
    compound=True,
)
"""May be compound, largest unit first: "1 h 30 min"."""

_MASS_NAMES: Final = {MassUnit.MICROGRAM: "mcg", MassUnit.MILLIGRAM: "mg"}
_DURATION_STEPS: Final = (
    ("d", _MS_PER_DAY),
    ("h", _MS_PER_H),
    ("min", _MS_PER_MIN),
    ("s", _MS_PER_S),
    ("ms", 1),
)


def decimal_text(value: int, scale: int) -> str:
    """*value* / *scale* as a decimal number with all its digits.

    :raises ValueError: the quotient has no finite decimal form.
    """
    sign, magnitude = ("-", -value) if value < 0 else ("", value)
    whole, rest = divmod(magnitude, scale)
    decimals = ""
    for _ in range(20):
        if not rest:
            break
        digit, rest = divmod(rest * 10, scale)
        decimals += str(digit)
    if rest:
        raise ValueError(f"{value} / {scale} has no finite decimal form")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def format_rate(rate_nl_per_day: int) -> str:
    """A rate in mL/day."""
    return RATE.format(rate_nl_per_day, "mL/day")


def format_volume(volume_nl: int) -> str:
    """A volume in mL."""
    return VOLUME.format(volume_nl, "mL")


def format_dose(dose_ng: int, mass_unit: MassUnit = MassUnit.MICROGRAM) -> str:
    """A dose in the mass unit that a clinician reads for the drug."""
    return DOSE.format(dose_ng, _MASS_NAMES[mass_unit])


def format_daily_dose(daily_dose_ng: int, mass_unit: MassUnit = MassUnit.MICROGRAM) -> str:
    """A daily dose in the mass unit that a clinician reads for the drug."""
    return DAILY_DOSE.format(daily_dose_ng, f"{_MASS_NAMES[mass_unit]}/day")


def format_concentration(
    concentration_ng_per_ml: int, mass_unit: MassUnit = MassUnit.MICROGRAM
) -> str:
    """A concentration in the mass unit that a clinician reads for the drug."""
    return CONCENTRATION.format(concentration_ng_per_ml, f"{_MASS_NAMES[mass_unit]}/mL")


def format_duration(duration_ms: int) -> str:
    """A duration from days down to milliseconds, leaving out what is zero: "1 h 30 min"."""
    parts, rest = [], duration_ms
    for unit, scale in _DURATION_STEPS:
        count, rest = divmod(rest, scale)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 min"


def nearest(numerator: int, denominator: int) -> int:
    """The whole number nearest to a fraction of two whole numbers, ties to even (REQ-05)."""
    return round(Fraction(numerator, denominator))


def volume_for_dose(dose_ng: int, concentration_ng_per_ml: int) -> int:
    """The volume in nL that holds a dose: nearest whole number, ties to even (REQ-05).

    :raises UnitError: the concentration is not positive.
    """
    _check_concentration(concentration_ng_per_ml)
    return nearest(dose_ng * _NL_PER_ML, concentration_ng_per_ml)


def rate_for_dose(daily_dose_ng: int, concentration_ng_per_ml: int) -> int:
    """The rate in nL/day for a daily dose: nearest whole number, ties to even (REQ-05).

    :raises UnitError: the concentration is not positive.
    """
    return volume_for_dose(daily_dose_ng, concentration_ng_per_ml)


def dose_for_rate(rate_nl_per_day: int, concentration_ng_per_ml: int) -> int:
    """The daily dose in ng that a rate delivers: nearest whole number, ties to even.

    :raises UnitError: the concentration is not positive.
    """
    _check_concentration(concentration_ng_per_ml)
    return nearest(rate_nl_per_day * concentration_ng_per_ml, _NL_PER_ML)


def _check_concentration(concentration_ng_per_ml: int) -> None:
    if concentration_ng_per_ml <= 0:
        raise UnitError(
            "concentration", f"{concentration_ng_per_ml} ng/mL", "it must be more than zero"
        )
