"""Times in words: the pump's local clock, distances between moments, times of day; pure text."""

from datetime import UTC, datetime, timedelta
from typing import Final

from pump_protocol import units
from pump_protocol.errors import UnitError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Origin of the pump's local clock. The zone only satisfies :mod:`datetime`; none is meant."""

MINUTES_PER_DAY: Final = 1_440

_MS_PER_DAY: Final = 86_400_000
_MS_PER_H: Final = 3_600_000
_MS_PER_MIN: Final = 60_000
_MS_PER_MONTH: Final = _MS_PER_DAY * 36_525 // 1_200
"""A twelfth of a year of 365.25 days."""
_YEARS_FROM_MONTHS: Final = 24
"""A shorter distance is said in days, as a clinician reckons a refill."""


def clock_text(clock_ms: int) -> str:
    """A reading of the pump's local clock, to the second."""
    try:
        return f"{EPOCH + timedelta(milliseconds=clock_ms):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return f"{clock_ms} ms"  # beyond the year 9999: wrong, but no reason to show nothing


def time_of_day(minutes: int) -> str:
    """Minutes after midnight as a clock shows them: ``08:00``."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


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


def difference_text(clock_ms: int, now_ms: int) -> str:
    """How far a clock is from another one: "322 d 2 h behind", "5 min 3 s ahead", "the same"."""
    said = distance_text(clock_ms, now_ms)
    if said == "now":
        return "the same"
    if now_ms > clock_ms:
        return f"{said.removeprefix('in ')} behind"
    return f"{said.removesuffix(' ago')} ahead"


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
