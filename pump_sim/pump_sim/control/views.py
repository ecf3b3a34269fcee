"""The model's values as JSON for reading: names in lower case, as all other JSON of pump-sim.

Not for coming back: :mod:`pump_sim.snapshot` writes what can be read again.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

from pump_sim.model.events import LogEntry
from pump_sim.model.firmware.alarms import AlarmRecord
from pump_sim.narration import describe


def plain(value: Any) -> Any:
    """A value of the model as JSON knows it: objects, lists, numbers, texts."""
    if isinstance(value, AlarmRecord):
        return {**_fields(value), **_alarm_state(value)}
    if isinstance(value, Enum):
        return value.name.lower()
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [plain(each) for each in (sorted(value) if isinstance(value, frozenset) else value)]
    return value.hex() if isinstance(value, bytes) else value


def record(entry: LogEntry) -> dict[str, Any]:
    """A record of the therapy log, with what it tells in words."""
    return {**_fields(entry), "text": describe(entry)}


def number(value: Fraction) -> int | float:
    """A speed as a JSON number."""
    return value.numerator if value.denominator == 1 else float(value)


def _fields(value: Any) -> dict[str, Any]:
    return {each.name: plain(getattr(value, each.name)) for each in fields(value)}


def _alarm_state(alarm: AlarmRecord) -> dict[str, Any]:
    """What a record of an alarm means, so that no test has to know the rules."""
    return {
        "class": alarm.alarm_class.name.lower(),
        "active": alarm.active,
        "latches": alarm.latches,
    }
