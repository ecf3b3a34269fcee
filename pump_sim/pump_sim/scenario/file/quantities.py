"""Quantities in a scenario file: texts with a unit, read exactly into the model's whole numbers.

How they are written is :mod:`pump_protocol.units`'s business; this makes types of them that
pydantic reads and that a JSON Schema tells to editors.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from pump_protocol import units
from pump_protocol.errors import UnitError

LONGEST_MS: Final = 100 * 366 * 86_400_000
"""How far a scenario may reach: longer than any pump lasts."""

TIME: Final = replace(units.DURATION, name="time", maximum=LONGEST_MS)
_PERCENT: Final = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,4}))?\s*%")
_NEGATIVE: Final = re.compile(r"\s*[-\u2212]\s*[0-9]")
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class Flow(NamedTuple):
    """What is to flow: a daily dose or a rate; exactly one of them is given."""

    daily_dose_ng: int | None = None
    rate_nl_per_day: int | None = None


def parse_time(text: str, field: str = "") -> int:
    """A time since the start of a scenario, in ms.

    :param field: how a message names it.
    :raises UnitError: it is none, or too long for a scenario.
    """
    return _parse(TIME, text, field)


def _parse(quantity: units.Quantity, text: str, field: str = "") -> int:
    """The same as the quantity's own, but in the words of a file, which knows no wire."""
    try:
        return quantity.parse(text, field)
    except UnitError as error:
        why = _why(quantity, text, error.why)
        if why is None:
            raise
        raise UnitError(field or quantity.name, text, why) from None


def _why(quantity: units.Quantity, text: str, why: str) -> str | None:
    """What is wrong, where the quantity itself says it with the wire in mind, or not clearly."""
    if _NEGATIVE.match(text):
        return "it may not be negative"
    if "the wire carries at most" in why:
        unit = "d" if quantity is TIME else next(iter(quantity.units))
        return f"at most {quantity.format(quantity.maximum, unit)}"
    if quantity.compound and "one number and one unit wanted" in why:
        return "the largest unit comes first, each unit once, as 1 d 36 h"
    return None


def _reader(quantity: units.Quantity, example: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, str):
            allowed = ", ".join(quantity.units)
            raise PydanticCustomError(
                "quantity",
                'a text with a unit is wanted, as "{example}"; units: {allowed}',
                {"example": example, "allowed": allowed},
            )
        try:
            return _parse(quantity, value)
        except UnitError as error:
            # Not the whole message: the place in the file names quantity and value already.
            raise PydanticCustomError("quantity", "{why}", {"why": error.why}) from None

    return read


def _schema(examples: list[str], description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": examples, "description": description})


def _read_flow(value: object) -> Flow:
    if isinstance(value, str):
        text = value.strip()
        for quantity, kind in (
            (units.DAILY_DOSE, "daily_dose_ng"),
            (units.RATE, "rate_nl_per_day"),
        ):
            try:
                return Flow(**{kind: quantity.parse(text)})
            except UnitError:
                continue
    raise PydanticCustomError(
        "quantity", 'a daily dose or a rate is wanted, as "300 mcg/day" or "0.15 mL/day"'
    )


def _read_percent(value: object) -> int:
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("quantity", 'a percentage is wanted, as "64 %"')
    whole, decimals = match.groups()
    return int(whole) * 10_000 + int((decimals or "").ljust(4, "0"))


def _read_clock(value: object) -> int:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("quantity", 'a time of day is wanted, as "08:00"')
    return int(match[1]) * 60 + int(match[2])


def _read_local(value: object) -> int:
    if not isinstance(value, datetime) or value.tzinfo is not None or value.year < 1970:
        raise PydanticCustomError(
            "local_time",
            "a local date and time without a zone is wanted, from 1970 on, as 2026-01-05T08:00:00",
        )
    return (value - datetime(1970, 1, 1)) // timedelta(milliseconds=1)  # noqa: DTZ001


TimeMs = Annotated[
    int,
    BeforeValidator(_reader(TIME, "36 h")),
    _schema(["36 h", "45 d", "1 d 30 min"], "Time since the start of the scenario."),
]
DurationMs = Annotated[
    int,
    BeforeValidator(_reader(TIME, "30 min")),
    _schema(["30 min", "6 h"], "How long something takes."),
]
VolumeNl = Annotated[
    int,
    BeforeValidator(_reader(units.VOLUME, "20 mL")),
    _schema(["20 mL", "340 uL"], "A volume."),
]
RateNlPerDay = Annotated[
    int,
    BeforeValidator(_reader(units.RATE, "0.4 mL/day")),
    _schema(["0.4 mL/day"], "A rate of flow."),
]
DoseNg = Annotated[
    int, BeforeValidator(_reader(units.DOSE, "50 mcg")), _schema(["50 mcg"], "A dose.")
]
DailyDoseNg = Annotated[
    int,
    BeforeValidator(_reader(units.DAILY_DOSE, "300 mcg/day")),
    _schema(["300 mcg/day"], "A dose a day."),
]
ConcentrationNgPerMl = Annotated[
    int,
    BeforeValidator(_reader(units.CONCENTRATION, "2000 mcg/mL")),
    _schema(["2000 mcg/mL", "500 mcg/mL"], "A concentration."),
]
AnyFlow = Annotated[
    Flow,
    BeforeValidator(_read_flow),
    _schema(["300 mcg/day", "0.15 mL/day"], "A dose a day, or a rate of flow."),
]
SharePpm = Annotated[int, BeforeValidator(_read_percent), _schema(["64 %"], "A share, in percent.")]
MinuteOfDay = Annotated[
    int, BeforeValidator(_read_clock), _schema(["08:00"], "A local time of day.")
]
LocalMs = Annotated[
    int,
    BeforeValidator(_read_local),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-05T08:00:00"]}),
]


def as_range(value: Any) -> Any:
    """One value is the range from it to itself; anything else is left to its type."""
    return [value, value] if isinstance(value, str | int) else value
