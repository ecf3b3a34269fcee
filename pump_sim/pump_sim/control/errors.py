"""How a request at the door fails: an error on one line, for programs and for people."""

from collections.abc import Iterable
from typing import Any, Final

from pump_sim.ports import PortError
from pump_sim.texts import did_you_mean, shortened

LONGEST_VALUE: Final = 200
"""Characters of a value that is given back in an error; a state may be megabytes long."""

LONGEST_IN_WORDS: Final = 60
"""Characters of a value in a message."""

CODES: Final = {
    "bad_line": "the line is no JSON object in UTF-8, is nested too deeply, has a key twice, or has"
    " more than 100,000 values; the connection lives on",
    "line_too_long": "the line is longer than 8 MiB; it was skipped",
    "too_many_clients": "the door serves no more clients; this connection is closed",
    "unknown_command": "`do` names no command",
    "unknown_field": "a field is none of this command's, or none of this fault's",
    "missing_field": "a field is missing",
    "bad_value": "a value is of the wrong type or out of range",
    "unknown_pump": "`pump` names no pump of this process, or is missing where there are several",
    "unknown_fault": "there is no fault of that name, or none of that number",
    "unknown_scenario": "there is no scenario of that name",
    "unknown_snapshot": "there is no snapshot of that id",
    "impossible": "nobody could do that now: the pump has been taken out, say",
    "refused": "the pump itself refuses; `reasons` has every reason",
    "bad_state": "a state cannot be loaded; `field` is the key that is wrong",
}
"""Every code of an error, and what it means."""


class DoorError(PortError):
    """A door cannot be opened; the message says which and why."""


class ControlError(Exception):
    """A request cannot be carried out; nothing has happened.

    `field` is the part of the request that is at fault, `value` what was given and `allowed` what
    would have been accepted: a list of names, or limits with their unit. `why` is the message, but
    for field and value where it begins with them.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        value: object = None,
        allowed: object = None,
        why: str | None = None,
    ) -> None:
        assert code in CODES, code
        super().__init__(message)
        self.code = code
        self.message = message
        self.why = message if why is None else why
        self.field = field
        self.value = value
        self.allowed = allowed
        self.reasons: list[dict[str, Any]] = []

    def as_json(self) -> dict[str, Any]:
        """The error of an answer."""
        told: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "field": self.field,
            "value": _short(self.value),
            "allowed": self.allowed,
        }
        return {**told, "reasons": self.reasons} if self.reasons else told


def unknown(code: str, kind: str, name: object, known: Iterable[str], field: str) -> ControlError:
    """The error of a name that does not exist: it tells those that do, and the nearest."""
    names = list(known)
    guess = did_you_mean(name, names)
    message = f"{kind} {shown(name)} is unknown. Known are {', '.join(names) or 'none'}.{guess}"
    return ControlError(code, message, field=field, value=name, allowed=names)


def bad_value(name: str, value: object, why: str, allowed: object = None) -> ControlError:
    """The error of a value that its field does not take."""
    message = f"{name} = {shown(value)}: {why}"
    return ControlError("bad_value", message, field=name, value=value, allowed=allowed, why=why)


def out_of_range(name: str, value: int, low: int, high: int, unit: str) -> ControlError:
    """The error of a number beyond its limits, both of which are allowed."""
    allowed = {"minimum": low, "maximum": high, "unit": unit}
    return bad_value(name, value, f"allowed are {low:,} to {high:,} {unit}".rstrip(), allowed)


def shown(value: object) -> str:
    """A value in a message: short, however long it is."""
    return shortened(value, LONGEST_IN_WORDS)


def _short(value: object) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    text = shortened(value, LONGEST_VALUE + 1)
    return value if len(text) <= LONGEST_VALUE else shortened(value, LONGEST_VALUE)
