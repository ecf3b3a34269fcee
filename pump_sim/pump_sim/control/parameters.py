"""What a command takes, as data: the name, the type, the unit and the limits of each field.

Requests are checked against it and the reference is generated from it, so that neither can say
what the other does not. What people write with a unit is read exactly, or refused
(:mod:`pump_protocol.units`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, Protocol

from pump_protocol import units
from pump_protocol.errors import UnitError
from pump_sim.control.errors import ControlError, bad_value, out_of_range, unknown

DAY_MS: Final = 86_400_000
LATEST_MS: Final = 400 * 366 * DAY_MS
"""How far times and durations go; some lifetimes of a person."""

_TIME: Final = replace(units.DURATION, maximum=LATEST_MS)

QUANTITIES: Final = {
    "nL": units.VOLUME,
    "ms": _TIME,
    "ng/mL": units.CONCENTRATION,
    "nL/day": units.RATE,
    "ng": units.DOSE,
}
"""The units in which a number may come as a text with a unit of people's."""


class Kind(Protocol):
    """A type of value: reads what JSON gives, and says what it takes."""

    @property
    def words(self) -> str:
        """What it takes, for the reference."""

    def read(self, name: str, value: object) -> Any:
        """The value of the field *name*.

        :raises ControlError: it is none.
        """


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of a unit; or, of a quantity, a text with a unit such as "18 mL"."""

    unit: str
    minimum: int
    maximum: int

    @property
    def words(self) -> str:
        """What it takes."""
        quantity = QUANTITIES.get(self.unit)
        with_unit = f", or a text with a unit ({', '.join(quantity.units)})" if quantity else ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.minimum:,} to {self.maximum:,}{unit}{with_unit}"

    def read(self, name: str, value: object) -> int:
        """The number; a text is read by the quantity that the unit is of."""
        quantity = QUANTITIES.get(self.unit)
        number = value
        if isinstance(value, str) and quantity is not None:
            try:
                number = quantity.parse(value, name)
            except UnitError as error:
                raise bad_value(name, value, error.why, list(error.allowed)) from None
        if not isinstance(number, int) or isinstance(number, bool):
            wanted = f"a whole number{f' of {self.unit}' if self.unit else ''} is wanted"
            also = ", or a text with a unit" if quantity else ""
            raise bad_value(name, value, f"{wanted}{also}")
        if not self.minimum <= number <= self.maximum:
            raise out_of_range(name, number, self.minimum, self.maximum, self.unit)
        return number


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    words = "true or false"

    def read(self, name: str, value: object) -> bool:
        """The truth value; neither 0 nor "no" is one."""
        if isinstance(value, bool):
            return value
        raise bad_value(name, value, "true or false is wanted", [True, False])


@dataclass(frozen=True, slots=True)
class Name:
    """A text; which ones exist is only known when the command is carried out."""

    words: str = "a text"
    shortest: int = 0
    longest: int = 1_000

    def read(self, name: str, value: object) -> str:
        """The text."""
        if not isinstance(value, str):
            raise bad_value(name, value, "a text is wanted")
        if not self.shortest <= len(value) <= self.longest:
            allowed = {"minimum": self.shortest, "maximum": self.longest, "unit": "characters"}
            why = f"allowed are {self.shortest:,} to {self.longest:,} characters"
            raise bad_value(name, value, why, allowed)
        if any("\ud800" <= each <= "\udfff" for each in value):
            raise bad_value(name, value, "half of a character is in it, which UTF-8 cannot carry")
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some names."""

    names: tuple[str, ...]

    @property
    def words(self) -> str:
        """What it takes."""
        return ", ".join(f"`{each}`" for each in self.names)

    def read(self, name: str, value: object) -> str:
        """The name."""
        if isinstance(value, str) and value in self.names:
            return value
        raise unknown("bad_value", name, value, self.names, name)


@dataclass(frozen=True, slots=True)
class Speed:
    """Therapy time per real time, or ``jump``."""

    minimum: Fraction = Fraction(1, 1000)
    maximum: int = 10_000_000

    @property
    def words(self) -> str:
        """What it takes."""
        return f"0, or {float(self.minimum):g} to {self.maximum:,}, or `jump`"

    def read(self, name: str, value: object) -> Fraction | str:
        """The speed, as exactly as it was written."""
        if value == "jump":
            return "jump"
        if isinstance(value, int | float) and not isinstance(value, bool) and value <= self.maximum:
            speed = Fraction(str(value))
            if speed == 0 or self.minimum <= speed:
                return speed
        raise bad_value(name, value, f"allowed are {self.words} (times real time)")


@dataclass(frozen=True, slots=True)
class Content:
    """A JSON object; what is in it is the command's affair."""

    words: str = "an object"

    def read(self, name: str, value: object) -> dict[str, Any]:
        """The object."""
        if isinstance(value, dict):
            return value
        raise bad_value(name, value, "an object is wanted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One field of a request. `default` says in words what holds where it is not given."""

    name: str
    kind: Kind
    doc: str
    default: str = ""
    required: bool = False


def described(parameter: Parameter) -> dict[str, Any]:
    """A parameter as data, for programs that would like to know."""
    return {
        "doc": parameter.doc,
        "takes": parameter.kind.words,
        "required": parameter.required,
        "default": parameter.default or None,
    }


def read_fields(
    given: Mapping[str, Any], parameters: Iterable[Parameter], of: str, others: Iterable[str] = ()
) -> dict[str, Any]:
    """The checked values of a request; those that were not given are missing.

    :param of: what the fields belong to, for a message.
    :param others: names that are allowed and checked elsewhere.
    :raises ControlError: a field is unknown, missing or wrong. The first of them.
    """
    known = {each.name: each for each in parameters}
    passed = set(others)
    for name in given:
        if name not in known and name not in passed:
            raise unknown("unknown_field", f"{of}: field", name, [*known, *passed], name)
    for name, parameter in known.items():
        if parameter.required and name not in given:
            message = f"{of}: {name} is missing ({parameter.doc})"
            raise ControlError("missing_field", message, field=name, allowed=parameter.kind.words)
    return {
        name: parameter.kind.read(name, given[name])
        for name, parameter in known.items()
        if given.get(name) is not None or (name in given and parameter.required)
    }
