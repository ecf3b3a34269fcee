"""What the connected pump allows in the fields of a page, with units; and what the fields are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pump_programmer import schedules
from pump_programmer.arguments import ALARM_CLASSES, UsageError
from pump_programmer.web.wording import LABELS, label_of
from pump_programmer.words import ALARM_NAMES, name_of
from pump_protocol import units
from pump_protocol.codes import MAX_DRUG_NAME_BYTES, MAX_NOTE_BYTES, UserRole
from pump_protocol.jsonable import Json
from pump_protocol.messages import Identity
from pump_protocol.units import Quantity


@dataclass(frozen=True, slots=True)
class Range:
    """What a quantity may be on a pump."""

    quantity: Quantity
    say: Callable[[int], str]
    minimum: int
    maximum: int

    @property
    def text(self) -> str:
        """In a sentence."""
        return f"{self.say(self.minimum)} to {self.say(self.maximum)}"


def ranges_of(pump: Identity) -> dict[str, Range]:
    """What this pump allows."""
    dose, daily = units.format_dose, units.format_daily_dose
    volume, duration = units.format_volume, units.format_duration
    bolus_ms = pump.minimum_bolus_duration_ms, pump.maximum_bolus_duration_ms
    return {
        "daily_dose": Range(units.DAILY_DOSE, daily, 1, pump.maximum_daily_dose_ng),
        "rate": Range(
            units.RATE,
            units.format_rate,
            pump.minimum_therapeutic_rate_nl_per_day,
            pump.maximum_rate_nl_per_day,
        ),
        "concentration": Range(
            units.CONCENTRATION,
            units.format_concentration,
            pump.minimum_concentration_ng_per_ml,
            pump.maximum_concentration_ng_per_ml,
        ),
        "low_reservoir": Range(units.VOLUME, volume, 0, pump.maximum_low_reservoir_threshold_nl),
        "bolus_dose": Range(units.DOSE, dose, 1, pump.maximum_bolus_dose_ng),
        "bolus_duration": Range(units.DURATION, duration, *bolus_ms),
        "priming_volume": Range(units.VOLUME, volume, 1, pump.maximum_priming_volume_nl),
        "reservoir": Range(units.VOLUME, volume, 1, pump.reservoir_capacity_nl),
        "aspirated": Range(units.VOLUME, volume, 0, pump.reservoir_capacity_nl),
        "silence": Range(
            units.DURATION, duration, pump.minimum_silence_ms, pump.maximum_silence_non_critical_ms
        ),
        "alarm_interval": Range(
            units.DURATION,
            duration,
            pump.minimum_critical_interval_ms,
            pump.maximum_critical_interval_ms,
        ),
        "bolus_interval": Range(
            units.DURATION,
            duration,
            pump.minimum_bolus_interval_ms,
            pump.maximum_bolus_interval_ms,
        ),
    }


def within(pump: Identity, limit: str, text: str, called: str) -> int:
    """The quantity that *text* means, if the pump allows it.

    :raises LocalError: it cannot be read, or is out of the range.
    """
    allowed = ranges_of(pump)[limit]
    value = allowed.quantity.parse(text, called)
    if not allowed.minimum <= value <= allowed.maximum:
        raise UsageError(f"{called} = {text!r}: allowed {allowed.text}")
    return value


# --- The fields of the page ----------------------------------------------------------------------

_PROGRAM: Final = (
    ("dose", "daily_dose", "300 mcg/day"),
    ("rate", "rate", "0.15 mL/day"),
    ("flex", None, schedules.FLEX_EXAMPLE),
    ("day_night", None, schedules.DAY_NIGHT_EXAMPLE),
    ("periodic", None, schedules.PERIODIC_EXAMPLE),
    ("basal", None, "100 mcg/day"),
    ("first_in", None, "2 h"),
    ("patient_bolus", None, schedules.PATIENT_EXAMPLE),
    ("concentration", "concentration", "2000 mcg/mL"),
    ("drug", None, "baclofen"),
    ("other_drug", None, schedules.OTHER_DRUG_EXAMPLE),
    ("catheter", None, "0.2 mL"),
    ("low_reservoir", "low_reservoir", "2 mL"),
    ("age", None, "54"),
    ("aetiology", None, "spinal"),
)
_BOLUS: Final = (
    ("dose", "bolus_dose", "50 mcg"),
    ("volume", "priming_volume", "0.34 mL"),
    ("duration", "bolus_duration", "10 min"),
)
_REFILL: Final = (("volume", "reservoir", "20 mL"), ("aspirated", "aspirated", "5 mL"))
_SILENCE: Final = (("for", "silence", "1 h"),)
_INTERVAL: Final = (("interval", "alarm_interval", "20 min"),)

_Fields = tuple[tuple[str, str | None, str], ...]


def form_view(pump: Identity) -> dict[str, Json]:
    """Every field of the page: its name and label, an example, and what this pump allows."""
    ranges = ranges_of(pump)
    return {
        "program": _fields(_PROGRAM, ranges, _help(pump, ranges)),
        "bolus": _fields(_BOLUS, ranges, {"dose": "", "volume": "of a priming bolus"}),
        "refill": _fields(
            _REFILL, ranges, {"aspirated": "drawn out before the refill, if it was measured"}
        ),
        "silence": _fields(_SILENCE, ranges, {"for": _critical(pump)}),
        "alarm_interval": _fields(_INTERVAL, ranges, {}),
        "note": [_text("text", f"0 to {MAX_NOTE_BYTES} bytes of printable text in UTF-8")],
        "alarms": list(ALARM_NAMES),
        "alarm_classes": list(ALARM_CLASSES),
        "roles": [name_of(role) for role in UserRole],
        "labels": dict(LABELS),
    }


def _help(pump: Identity, ranges: dict[str, Range]) -> dict[str, str]:
    lockout = units.format_duration(pump.minimum_lockout_ms)
    longest = units.format_duration(pump.maximum_lockout_ms)
    return {
        "dose": f"to be confirmed above {units.format_daily_dose(pump.soft_daily_dose_ng)}",
        "drug": f"1 to {MAX_DRUG_NAME_BYTES} bytes of printable text in UTF-8",
        "periodic": f"every {ranges['bolus_interval'].text}, over {ranges['bolus_duration'].text}",
        "patient_bolus": f"lockout {lockout} to {longest}, at most "
        f"{pump.maximum_patient_boluses_per_day} a day",
        "basal": 'a daily dose, a rate, "minimum" or "none"',
        "first_in": "one interval, if nothing is entered",
        "age": "0 to 120, in whole years; for warnings only",
        "aetiology": "spinal or cerebral; for warnings only",
    }


def _critical(pump: Identity) -> str:
    longest = units.format_duration(pump.maximum_silence_critical_ms)
    return f"a critical alarm at most {longest}"


def _fields(fields: _Fields, ranges: dict[str, Range], helps: dict[str, str]) -> list[Json]:
    return [
        _field(name, None if limit is None else ranges[limit], example, helps.get(name, ""))
        for name, limit, example in fields
    ]


def _field(name: str, allowed: Range | None, example: str, more: str) -> dict[str, Json]:
    found: dict[str, Json] = {"name": name, "label": label_of(name), "example": example}
    found["help"] = more
    if allowed is None:
        return {**found, "units": [], "minimum": None, "maximum": None, "allowed": None}
    return {
        **found,
        "units": list(allowed.quantity.units),
        "minimum": allowed.say(allowed.minimum),
        "maximum": allowed.say(allowed.maximum),
        "allowed": allowed.text,
    }


def _text(name: str, more: str) -> dict[str, Json]:
    return {"name": name, "label": label_of(name), "example": "", "help": more, "allowed": more}
