"""The pump's codes in a clinician's words: refusals, log records, times; no screen, no port."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from pump_protocol import units
from pump_protocol.codes import (
    AccessEvent,
    Alarm,
    AlarmClass,
    Field,
    LogEvent,
    MessageType,
    Mode,
    RefusalCode,
    SecurityProfile,
    ServiceState,
)
from pump_protocol.errors import UnitError
from pump_protocol.messages import AccessEntry, LogEntry, Reason, Refusal

_SPOKEN: Final[dict[tuple[type[IntEnum], int], str]] = {
    (Alarm, Alarm.ERI): "ERI (replacement due)",
    (Alarm, Alarm.EOS): "EOS (end of service)",
    (AlarmClass, AlarmClass.NON_CRITICAL): "non-critical",
    (MessageType, MessageType.SELF_TEST): "self-test",
    (SecurityProfile, SecurityProfile.LEGACY_INSECURE): "legacy-insecure: no security",
    (ServiceState, ServiceState.ERI): "ERI (replacement due)",
    (ServiceState, ServiceState.EOS): "END OF SERVICE",
}
"""Codes whose names are not what a clinician would say. By class too: equal numbers are equal
keys, whatever they mean."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Origin of the pump's local clock. The zone only satisfies :mod:`datetime`; none is meant."""


def name_of(code: IntEnum) -> str:
    """A code's name as people and JSON read it: ``low_reservoir``."""
    return code.name.lower()


def spaced(code: IntEnum) -> str:
    """A code's name for a sentence: ``low reservoir``."""
    return _SPOKEN.get((type(code), int(code))) or code.name.lower().replace("_", " ")


ALARM_NAMES: Final = {name_of(alarm).replace("_", "-"): alarm for alarm in Alarm}
"""Alarms as they are typed on a command line: ``low-reservoir``."""


def _plain(value: int) -> str:
    return str(value)


def clock_text(clock_ms: int) -> str:
    """A reading of the pump's local clock, to the second."""
    try:
        return f"{EPOCH + timedelta(milliseconds=clock_ms):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return f"{clock_ms} ms"  # beyond the year 9999: wrong, but no reason to show nothing


def _code_name(codes: type[IntEnum]) -> Callable[[int], str]:
    known = {int(code): spaced(code) for code in codes}
    return lambda value: known.get(value, str(value))


_FIELDS: Final[dict[Field, tuple[str, Callable[[int], str]]]] = {
    Field.MODE: ("mode", _code_name(Mode)),
    Field.DRUG_NAME: ("drug name", lambda value: f"{value} bytes"),
    Field.MASS_UNIT: ("mass unit", _plain),
    Field.CONCENTRATION: ("concentration", units.format_concentration),
    Field.DAILY_DOSE: ("daily dose", units.format_daily_dose),
    Field.RATE: ("rate", units.format_rate),
    Field.LOW_RESERVOIR_THRESHOLD: ("low-reservoir threshold", units.format_volume),
    Field.ORDER_NUMBER: ("order number", _plain),
    Field.BOLUS_DOSE: ("bolus dose", units.format_dose),
    Field.BOLUS_VOLUME: ("bolus volume", units.format_volume),
    Field.BOLUS_DURATION: ("bolus duration", units.format_duration),
    Field.BOLUS_RATE: ("basal and bolus rate together", units.format_rate),
    Field.RESERVOIR_VOLUME: ("reservoir volume", units.format_volume),
    Field.ALARM: ("alarm", _code_name(Alarm)),
    Field.SILENCE_DURATION: ("silence", units.format_duration),
    Field.ALARM_CLASS: ("alarm class", _code_name(AlarmClass)),
    Field.CLOCK: ("clock", clock_text),
}
"""How a field is called, and how its values read."""

_REFUSALS: Final = {
    RefusalCode.MALFORMED: "the message is malformed",
    RefusalCode.UNKNOWN_MESSAGE: "the pump does not know this request",
    RefusalCode.UNKNOWN_VALUE: "the value has no meaning",
    RefusalCode.UNSUPPORTED_VERSION: "the pump speaks another version of the protocol",
    RefusalCode.LINK_NOT_OPEN: "the link is not open",
    RefusalCode.LINK_ID_USED: "the link id was used before",
    RefusalCode.SEQUENCE_REUSED: "the sequence number was used for another request",
    RefusalCode.SEQUENCE_STALE: "the sequence number is out of date",
    RefusalCode.OUT_OF_RANGE: "out of range",
    RefusalCode.MISMATCH: "disagrees with the other values",
    RefusalCode.NOTHING_STAGED: "nothing is staged (it may have expired)",
    RefusalCode.STALE_DIGEST: "what is staged is not what was reviewed",
    RefusalCode.STALE_ORDER: "a later order was given before",
    RefusalCode.ORDER_REUSED: "the order number was used for another order",
    RefusalCode.TOO_MANY_PROGRAMMERS: "the pump cannot remember another programmer's orders",
    RefusalCode.BOLUS_ACTIVE: "a bolus is running",
    RefusalCode.NO_BOLUS: "no bolus is running",
    RefusalCode.WRONG_MODE: "the present mode does not allow it",
    RefusalCode.RESERVOIR_EMPTY: "the reservoir is believed empty",
    RefusalCode.END_OF_SERVICE: "the pump has reached its end of service",
    RefusalCode.ALARM_NOT_LISTED: "the pump does not list this alarm now",
    RefusalCode.ALARM_NOT_ACTIVE: "this alarm is not active now",
}


def reason_text(reason: Reason) -> str:
    """One reason of a refusal: the field, what is wrong, and what would be allowed."""
    why = _REFUSALS[reason.code]
    if reason.field is Field.NONE:
        return why
    label, say = _FIELDS.get(reason.field, (spaced(reason.field), _plain))
    value = "" if reason.value is None else f" {say(reason.value)}"
    return f"{label}{value}: {why}{_allowed_text(reason.minimum, reason.maximum, say)}"


def _allowed_text(minimum: int | None, maximum: int | None, say: Callable[[int], str]) -> str:
    if minimum is None:
        return "" if maximum is None else f"; at most {say(maximum)}"
    if maximum is None:
        return f"; at least {say(minimum)}"
    if minimum == maximum:
        return f"; it must be {say(minimum)}"
    return f"; allowed {say(minimum)} to {say(maximum)}"


def request_name(request_type: int) -> str:
    """A request type in words, known or not."""
    try:
        return spaced(MessageType(request_type))
    except ValueError:
        return f"request 0x{request_type:02X}"


def refusal_text(refusal: Refusal) -> str:
    """A whole refusal: what was refused, and every reason; several stand on lines of their own."""
    reasons = [reason_text(reason) for reason in refusal.reasons]
    between = "\n  " if len(reasons) > 1 else ""
    listed = (between or " ") + between.join(reasons)
    return f"the pump refused to {request_name(refusal.request_type)}:{listed}"


# --- Times ---------------------------------------------------------------------------------------


_MS_PER_DAY: Final = 86_400_000
_MS_PER_H: Final = 3_600_000
_MS_PER_MIN: Final = 60_000
_MS_PER_MONTH: Final = _MS_PER_DAY * 36_525 // 1_200
"""A twelfth of a year of 365.25 days."""
_YEARS_FROM_MONTHS: Final = 24
"""A shorter distance is said in days, as a clinician reckons a refill."""


def parse_clock(text: str, now: datetime, field: str = "clock") -> int:
    """A local clock reading in ms since 1970-01-01 00:00: "now", or a date and a time.

    :param now: what the wall clock shows, for "now".
    :param field: how a message names it.
    :raises UnitError: neither, or a time with a zone: a pump's clock has none.
    """
    try:
        moment = now if text == "now" else datetime.fromisoformat(text)
    except ValueError:
        raise UnitError(
            field, text, 'a date and a time such as 2026-11-22T10:00 wanted, or "now"'
        ) from None
    if text != "now" and moment.tzinfo is not None:
        raise UnitError(field, text, "the pump's clock is local and knows no time zone")
    since_epoch = moment.replace(tzinfo=UTC) - EPOCH
    if since_epoch < timedelta(0):
        raise UnitError(field, text, "the pump's clock begins with 1970")
    return since_epoch // timedelta(milliseconds=1)


def distance_text(from_ms: int, to_ms: int) -> str:
    """How far away a moment is, in two neighboring units: "in 6 y 9 mo", "5 min 3 s ago"."""
    away_ms = abs(to_ms - from_ms)
    months = away_ms // _MS_PER_MONTH
    if away_ms < 1_000:
        return "now"
    if months >= _YEARS_FROM_MONTHS:
        shown = f"{months // 12} y" + (f" {months % 12} mo" if months % 12 else "")
    else:
        steps = ((_MS_PER_DAY, _MS_PER_H), (_MS_PER_H, _MS_PER_MIN), (0, 1_000))
        step_ms = next(step for above, step in steps if away_ms >= above)
        shown = units.format_duration(away_ms // step_ms * step_ms)
    return f"in {shown}" if to_ms > from_ms else f"{shown} ago"


# --- Logs ----------------------------------------------------------------------------------------

_alarm = _code_name(Alarm)
_alarm_class = _code_name(AlarmClass)
_mode = _code_name(Mode)
_rate = units.format_rate
_volume = units.format_volume

_LOG_SENTENCES: Final[dict[LogEvent, Callable[[int, int], str]]] = {
    LogEvent.IMPLANTED: lambda a, b: f"service began with {_volume(a)} at {_rate(b)}",
    LogEvent.STAGED: lambda a, b: f"staged {_rate(a)}, {units.format_daily_dose(b)}",
    LogEvent.COMMITTED: lambda a, b: f"committed: {_rate(a)} became {_rate(b)}",
    LogEvent.ROLLED_BACK: lambda a, b: (
        f"dropped what was staged: {_rate(a)}, {units.format_daily_dose(b)}"
    ),
    LogEvent.STAGING_EXPIRED: lambda a, b: (
        f"staged and never committed: {_rate(a)}, {units.format_daily_dose(b)}"
    ),
    LogEvent.MODE_CHANGED: lambda a, b: f"mode {_mode(a)} became {_mode(b)}",
    LogEvent.BOLUS_STARTED: lambda a, b: f"bolus of {_volume(a)} began (order {b})",
    LogEvent.BOLUS_COMPLETED: lambda a, b: f"bolus complete: {_volume(a)} (order {b})",
    LogEvent.BOLUS_ABORTED: lambda a, b: f"bolus ended early after {_volume(a)} (order {b})",
    LogEvent.RESERVOIR_UPDATED: lambda a, b: f"refill: believed {_volume(a)} became {_volume(b)}",
    LogEvent.INFUSION_STOPPED: lambda a, b: f"all flow stopped: {_alarm(a)} (was {_rate(b)})",
    LogEvent.INFUSION_RESUMED: lambda a, b: f"flow resumed at {_rate(b)} after {_alarm(a)}",
    LogEvent.ALARM_RAISED: lambda a, b: f"ALARM {_alarm(a)} ({_alarm_class(b)})",
    LogEvent.ALARM_CLEARED: lambda a, _: f"alarm {_alarm(a)} cleared",
    LogEvent.ALARM_ACKNOWLEDGED: lambda a, _: f"alarm {_alarm(a)} acknowledged",
    LogEvent.ALARM_SILENCED: lambda a, _: f"alarm {_alarm(a)} silenced for a time",
    LogEvent.ALARM_TESTED: lambda a, _: f"{_alarm_class(a)} tone tested",
    LogEvent.CLOCK_SET: lambda a, b: f"clock {clock_text(a)} became {clock_text(b)}",
    LogEvent.SELF_TESTED: lambda a, b: f"self-test: {a} passed, {b} failed",
}


def log_text(entry: LogEntry) -> str:
    """One record of the therapy log as a sentence."""
    return _LOG_SENTENCES[entry.event](entry.a, entry.b)


def link_text(link_id: int) -> str:
    """Enough of a random link id to tell neighboring records apart: its last four digits."""
    return f"{link_id & 0xFFFF:04x}" if link_id else "-"


def access_text(entry: AccessEntry) -> str:
    """One record of the access log as a sentence."""
    if entry.event is AccessEvent.INTERROGATED:
        return "interrogated"
    known = {int(code): text for code, text in _REFUSALS.items()}
    why = known.get(entry.code, f"code {entry.code}")
    return f"{spaced(entry.event)}: {request_name(entry.request_type)}: {why}"
