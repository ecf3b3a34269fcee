"""What happens to a pump, in words: each record of its therapy log, the head that lies on it.

For people who watch a running pump. It decides nothing and knows no port.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.firmware.alarms import Alarm, AlarmClass
from pump_sim.model.firmware.delivery import Hold
from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.firmware.memory import Region
from pump_sim.model.prescription import Mode
from pump_sim.model.refusals import RefusalCode
from pump_sim.model.units import DAY_MS, MINUTE_MS
from pump_sim.presence import Presence

EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a pump's clock has no zone


def clock_text(clock_ms: int) -> str:
    """A pump's local clock, to the second: ``2026-01-31 08:00:00``."""
    try:
        return str(EPOCH + timedelta(seconds=clock_ms // 1000))
    except OverflowError:
        return f"day {clock_ms // DAY_MS} after 1970"  # a clock that was set near the year 9999


def ml(volume_nl: int) -> str:
    """A volume or a rate of nanoliters in milliliters, exact: ``0.15``."""
    return _decimal(volume_nl, 6)


def mcg(mass_ng: int) -> str:
    """A dose of nanograms in micrograms, exact: ``1234.567``."""
    return _decimal(mass_ng, 3)


def head_text(presence: Presence) -> str:
    """Where the programming head is: ``lies on the pump``."""
    if presence.on_pump:
        return "lies on the pump"
    return "is off the pump, within reach" if presence.in_reach else "is out of reach"


def _decimal(value: int, places: int) -> str:
    whole, rest = divmod(value, 10**places)
    return f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")


def describe(entry: LogEntry) -> str:
    """What a record tells, in words."""
    return _SENTENCES[entry.event](entry.a, entry.b)


def alarm_text(alarm: Alarm) -> str:
    """An alarm in words."""
    return _ALARMS.get(alarm) or alarm.name.replace("_", " ").lower()


_ALARMS: Final = {
    Alarm.ERI: "ERI (replacement due)",
    Alarm.EOS: "EOS (end of service)",
    Alarm.STOPPED_TOO_LONG: "stopped for 48 h",
    Alarm.SAFE_STATE: "safe state after a reset",
    Alarm.EMERGENCY_ACTION: "emergency action without a key",
}
# Logs may hold numbers that this version has no name for: they are shown as they are.
_ALARM_NUMBERS: Final = {alarm.value: alarm for alarm in Alarm}
_HOLDS: Final = {
    Hold.UPDATE.value: "an update, until it is committed",
    Hold.TELEMETRY_LATCH.value: "interference: waits for an interrogation",
}
_MODES: Final = {mode.value: mode.name.replace("_", " ").lower() for mode in Mode}
_REFUSALS: Final = {code.value: code.name.replace("_", " ").lower() for code in RefusalCode}
_RESETS: Final = {cause.value: cause.name.replace("_", " ").lower() for cause in ResetCause}
_REGIONS: Final = {
    Region.FIRST_COPY.value: "first copy of the prescription",
    Region.SECOND_COPY.value: "second copy of the prescription",
    Region.NOTE.value: "note",
}


def _alarm(number: int) -> str:
    known = _ALARM_NUMBERS.get(number)
    return str(number) if known is None else alarm_text(known)


def _hold(number: int) -> str:
    return _HOLDS.get(number) or _alarm(number)


def _bolus(number: int) -> str:
    return f"bolus {number}" if number else "bolus"


def _refusal(number: int) -> str:
    return _REFUSALS.get(number, str(number))


def _mode(number: int) -> str:
    return _MODES.get(number, str(number))


def _tone(number: int) -> str:
    return "two-tone" if number == AlarmClass.CRITICAL.value else "single-tone"


_SENTENCES: Final[dict[EventCode, Callable[[int, int], str]]] = {
    EventCode.IMPLANTED: lambda a, b: f"implanted: {ml(a)} mL, {ml(b)} mL/day",
    EventCode.STAGED: lambda a, b: f"prescription staged: {ml(a)} mL/day, {mcg(b)} mcg/day",
    EventCode.COMMITTED: lambda a, b: f"prescription committed: {ml(a)} -> {ml(b)} mL/day",
    EventCode.ROLLED_BACK: lambda a, _: f"staged prescription dropped: {ml(a)} mL/day",
    EventCode.STAGING_EXPIRED: lambda a, _: (
        f"staged prescription expired uncommitted: {ml(a)} mL/day"
    ),
    EventCode.MODE_CHANGED: lambda a, b: f"mode: {_mode(a)} -> {_mode(b)}",
    EventCode.BRIDGE_DECLINED: lambda a, b: f"no bridge, by decision: {mcg(a)} -> {mcg(b)} mcg/mL",
    EventCode.SOFT_LIMIT_CONFIRMED: lambda a, b: (
        f"dose confirmed: up to {mcg(a)} mcg a day, above the soft limit of {mcg(b)}"
    ),
    EventCode.BOLUS_STARTED: lambda a, b: f"bolus {b} began: {ml(a)} mL",
    EventCode.BOLUS_COMPLETED: lambda a, b: f"{_bolus(b)} delivered: {ml(a)} mL",
    EventCode.BOLUS_ABORTED: lambda a, b: f"{_bolus(b)} ended early: {ml(a)} mL delivered",
    EventCode.PRIMING_STARTED: lambda a, b: f"priming bolus {b} began: {ml(a)} mL",
    EventCode.BRIDGE_STARTED: lambda a, b: f"bridge began: {ml(a)} mL at {ml(b)} mL/day",
    EventCode.PATIENT_BOLUS_STARTED: lambda a, _: f"patient bolus began: {ml(a)} mL",
    EventCode.PATIENT_BOLUS_REFUSED: lambda a, _: f"patient bolus refused: {_refusal(a)}",
    EventCode.PERIODIC_BOLUS_SHIFTED: lambda a, _: f"periodic bolus put off: {ml(a)} mL",
    EventCode.PERIODIC_BOLUS_STARTED: lambda a, _: (
        f"periodic bolus that was put off began: {ml(a)} mL"
    ),
    EventCode.RESERVOIR_UPDATED: lambda a, b: f"reservoir updated: {ml(a)} -> {ml(b)} mL",
    EventCode.INFUSION_STOPPED: lambda a, b: f"INFUSION STOPPED by {_hold(a)} (was {ml(b)} mL/day)",
    EventCode.INFUSION_RESUMED: lambda _, b: f"infusion resumed: {ml(b)} mL/day",
    EventCode.MOTOR_RECOVERED: lambda a, b: (
        f"motor turns again, noticed {(b - a) // MINUTE_MS} min after it stalled"
    ),
    EventCode.ALARM_RAISED: lambda a, b: f"ALARM {_alarm(a)} ({_tone(b)})",
    EventCode.ALARM_CLEARED: lambda a, _: f"alarm over: {_alarm(a)}",
    EventCode.ALARM_ACKNOWLEDGED: lambda a, _: f"alarm acknowledged: {_alarm(a)}",
    EventCode.ALARM_SILENCED: lambda a, _: f"alarm silenced: {_alarm(a)}",
    EventCode.ALARM_TESTED: lambda a, _: f"alarm test: {_tone(a)}",
    EventCode.ALARM_INTERVAL_SET: lambda a, b: f"{_tone(a)} alarm every {b // MINUTE_MS} min",
    EventCode.CLOCK_SET: lambda a, b: f"clock set: {clock_text(a)} -> {clock_text(b)}",
    EventCode.SELF_TESTED: lambda a, b: f"self-test: {a} passed, {b} failed",
    EventCode.RESET: lambda a, _: f"RESET: {_RESETS.get(a, str(a))}",
    EventCode.MEMORY_ERROR_FOUND: lambda a, b: (
        f"memory error: {_REGIONS.get(a, str(a))}, {'mended' if b else 'not to be mended'}"
    ),
    EventCode.NOTE_WRITTEN: lambda a, _: f"note written: {a} bytes",
    EventCode.EMERGENCY_MINIMUM_RATE: lambda a, b: (
        f"EMERGENCY: minimum rate without a key, {ml(a)} -> {ml(b)} mL/day"
    ),
    EventCode.EMERGENCY_STOPPED: lambda a, _: (
        f"EMERGENCY: stopped without a key (was {ml(a)} mL/day)"
    ),
}
