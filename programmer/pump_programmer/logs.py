"""Records of both logs as sentences; pure text."""

from collections.abc import Callable
from typing import Final

from pump_programmer.times import clock_text
from pump_programmer.words import naming, request_name, why_refused
from pump_protocol import units
from pump_protocol.codes import (
    AccessEvent,
    Alarm,
    AlarmClass,
    LogEvent,
    Mode,
    RefusalCode,
    UserRole,
)
from pump_protocol.messages import AccessEntry, LogEntry

_TELEMETRY_LATCH: Final = 12
"""Number in the alarm table of a state that is no alarm: no flow until somebody interrogates."""

_RESETS: Final = {1: "watchdog", 2: "low battery", 3: "memory", 4: "on command"}
_REGIONS: Final = {1: "first copy of the prescription", 2: "second copy of the prescription"}
_NOTE_REGION: Final = 3

_alarm_name = naming(Alarm)
_alarm_class = naming(AlarmClass)
_mode = naming(Mode)
_role = naming(UserRole)
_rate = units.format_rate
_volume = units.format_volume
_dose = units.format_daily_dose


def _alarm(number: int) -> str:
    return "telemetry latch" if number == _TELEMETRY_LATCH else _alarm_name(number)


def _order(number: int) -> str:
    """Who asked for it, if anybody did by a message."""
    return f" (order {number})" if number else ""


def _region(number: int) -> str:
    regions = {**_REGIONS, _NOTE_REGION: "note"}
    return regions.get(number, f"region {number}")


_LOG_SENTENCES: Final[dict[LogEvent, Callable[[int, int], str]]] = {
    LogEvent.IMPLANTED: lambda a, b: f"service began with {_volume(a)} at {_rate(b)}",
    LogEvent.STAGED: lambda a, b: f"staged {_rate(a)}, {_dose(b)}",
    LogEvent.COMMITTED: lambda a, b: f"committed: {_rate(a)} became {_rate(b)}",
    LogEvent.ROLLED_BACK: lambda a, b: f"dropped what was staged: {_rate(a)}, {_dose(b)}",
    LogEvent.STAGING_EXPIRED: lambda a, b: f"staged and never committed: {_rate(a)}, {_dose(b)}",
    LogEvent.MODE_CHANGED: lambda a, b: f"mode {_mode(a)} became {_mode(b)}",
    LogEvent.BRIDGE_DECLINED: lambda a, b: (
        f"bridge declined: {units.format_concentration(a)} became {units.format_concentration(b)}"
    ),
    LogEvent.SOFT_LIMIT_CONFIRMED: lambda a, b: (
        f"{_dose(a)} confirmed, above the soft limit of {_dose(b)}"
    ),
    LogEvent.BOLUS_STARTED: lambda a, b: f"bolus of {_volume(a)} began{_order(b)}",
    LogEvent.BOLUS_COMPLETED: lambda a, b: f"bolus complete: {_volume(a)}{_order(b)}",
    LogEvent.BOLUS_ABORTED: lambda a, b: f"bolus ended early after {_volume(a)}{_order(b)}",
    LogEvent.PRIMING_STARTED: lambda a, b: f"priming bolus of {_volume(a)} began{_order(b)}",
    LogEvent.BRIDGE_STARTED: lambda a, b: f"bridge of {_volume(a)} at {_rate(b)} began",
    LogEvent.PATIENT_BOLUS_STARTED: lambda a, b: f"patient bolus of {_volume(a)} began{_order(b)}",
    LogEvent.PATIENT_BOLUS_REFUSED: lambda a, b: (
        f"patient bolus refused: {why_refused(a)}" + _order(b)
    ),
    LogEvent.PERIODIC_BOLUS_SHIFTED: lambda a, _: (
        f"periodic bolus: {_volume(a)} put off until another bolus has ended"
    ),
    LogEvent.PERIODIC_BOLUS_STARTED: lambda a, _: (
        f"periodic bolus that was put off began: {_volume(a)}"
    ),
    LogEvent.RESERVOIR_UPDATED: lambda a, b: f"refill: believed {_volume(a)} became {_volume(b)}",
    LogEvent.INFUSION_STOPPED: lambda a, b: f"all flow stopped: {_alarm(a)} (was {_rate(b)})",
    LogEvent.INFUSION_RESUMED: lambda a, b: f"flow resumed at {_rate(b)} after {_alarm(a)}",
    LogEvent.MOTOR_RECOVERED: lambda a, b: (
        f"motor turns again, known {units.format_duration(max(0, b - a))} after it stalled"
    ),
    LogEvent.ALARM_RAISED: lambda a, b: f"ALARM {_alarm(a)} ({_alarm_class(b)})",
    LogEvent.ALARM_CLEARED: lambda a, _: f"alarm {_alarm(a)} cleared",
    LogEvent.ALARM_ACKNOWLEDGED: lambda a, _: f"alarm {_alarm(a)} acknowledged",
    LogEvent.ALARM_SILENCED: lambda a, _: f"alarm {_alarm(a)} silenced for a time",
    LogEvent.ALARM_TESTED: lambda a, _: f"{_alarm_class(a)} tone tested",
    LogEvent.ALARM_INTERVAL_SET: lambda a, b: (
        f"{_alarm_class(a)} tone repeats every {units.format_duration(b)} from now on"
    ),
    LogEvent.CLOCK_SET: lambda a, b: f"clock {clock_text(a)} became {clock_text(b)}",
    LogEvent.SELF_TESTED: lambda a, b: f"self-test: {a} passed, {b} failed",
    LogEvent.RESET: lambda a, _: f"RESET: {_RESETS.get(a, f'cause {a}')}",
    LogEvent.MEMORY_ERROR_FOUND: lambda a, b: (
        f"memory error in the {_region(a)}: {'repaired' if b else 'not repaired'}"
    ),
    LogEvent.NOTE_WRITTEN: lambda a, _: f"note of {a} bytes written",
    LogEvent.EMERGENCY_MINIMUM_RATE: lambda a, b: (
        f"EMERGENCY: {_rate(a)} became {_rate(b)}, the minimum rate, without a key"
    ),
    LogEvent.EMERGENCY_STOPPED: lambda a, _: f"EMERGENCY: STOPPED without a key (was {_rate(a)})",
}


_REFUSED: Final = {
    AccessEvent.REFUSED: "refused",
    AccessEvent.SEQUENCE_MISUSED: "sequence misused",
    AccessEvent.AUTHENTICATION_FAILED: "WRONG KEY",
    AccessEvent.NOT_AUTHENTIC: "NOT AUTHENTIC",
}
"""What was refused, and how much that should worry a person."""


def log_text(entry: LogEntry) -> str:
    """One record of the therapy log as a sentence."""
    return _LOG_SENTENCES[entry.event](entry.a, entry.b)


def link_text(link_id: int) -> str:
    """Enough of a random link id to tell neighboring records apart: its last four digits."""
    return f"{link_id & 0xFFFF:04x}" if link_id else "-"


def access_text(entry: AccessEntry) -> str:
    """One record of the access log as a sentence."""
    match entry.event:
        case AccessEvent.INTERROGATED:
            return "interrogated"
        case AccessEvent.AUTHENTICATED:
            return f"link opened with a key of role {_role(entry.code)}"
        case AccessEvent.PAIRED:
            return f"PAIRED: key of role {_role(entry.code)} handed over"
        case AccessEvent.EMERGENCY_ASKED:
            return f"EMERGENCY without a key: {request_name(entry.request_type)}"
        case _:
            request = request_name(entry.request_type)
            locked = entry.code == RefusalCode.AUTHENTICATION_LOCKED  # and no key was looked at
            refused = "LOCKED" if locked else _REFUSED[entry.event]
            return f"{refused}: {request}: {why_refused(entry.code)}"
