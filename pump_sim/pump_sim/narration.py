"""What a pump does, in words: one line of English for each record of its therapy log.

For people who watch a running pump. It decides nothing and knows no port.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.firmware.alarms import Alarm, AlarmClass
from pump_sim.model.prescription import Mode

DAY_MS: Final = 86_400_000
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


def _decimal(value: int, places: int) -> str:
    whole, rest = divmod(value, 10**places)
    return f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")


def describe(entry: LogEntry) -> str:
    """What a record tells, in words."""
    return _SENTENCES[entry.event](entry.a, entry.b)


def alarm_text(alarm: Alarm) -> str:
    """An alarm in words."""
    return _ALARMS.get(alarm) or alarm.name.replace("_", " ").lower()


_ALARMS: Final = {Alarm.ERI: "ERI (replacement due)", Alarm.EOS: "EOS (end of service)"}


def _alarm(number: int) -> str:
    return alarm_text(Alarm(number))


def _mode(number: int) -> str:
    return Mode(number).name.replace("_", " ").lower()


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
    EventCode.BOLUS_STARTED: lambda a, b: f"bolus {b} began: {ml(a)} mL",
    EventCode.BOLUS_COMPLETED: lambda a, b: f"bolus {b} delivered: {ml(a)} mL",
    EventCode.BOLUS_ABORTED: lambda a, b: f"bolus {b} ended early: {ml(a)} mL delivered",
    EventCode.RESERVOIR_UPDATED: lambda a, b: f"reservoir updated: {ml(a)} -> {ml(b)} mL",
    EventCode.INFUSION_STOPPED: lambda a, b: (
        f"INFUSION STOPPED by {_alarm(a)} (was {ml(b)} mL/day)"
    ),
    EventCode.INFUSION_RESUMED: lambda _, b: f"infusion resumed: {ml(b)} mL/day",
    EventCode.ALARM_RAISED: lambda a, b: f"ALARM {_alarm(a)} ({_tone(b)})",
    EventCode.ALARM_CLEARED: lambda a, _: f"alarm over: {_alarm(a)}",
    EventCode.ALARM_ACKNOWLEDGED: lambda a, _: f"alarm acknowledged: {_alarm(a)}",
    EventCode.ALARM_SILENCED: lambda a, _: f"alarm silenced: {_alarm(a)}",
    EventCode.ALARM_TESTED: lambda a, _: f"alarm test: {_tone(a)}",
    EventCode.CLOCK_SET: lambda a, b: f"clock set: {clock_text(a)} -> {clock_text(b)}",
    EventCode.SELF_TESTED: lambda a, b: f"self-test: {a} passed, {b} failed",
}
