"""What the therapy log tells of the past: read newest page first, and no more than it must be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from pump_programmer.phrases import log_range
from pump_protocol import messages as m
from pump_protocol.codes import MAX_LOG_ENTRIES, LogEvent

R = TypeVar("R", bound=m.Response)

_PAGES_OF_A_DAY: Final = 10
"""A log that is fuller than that of one day says nothing here: warnings are not worth a minute."""

_PAGES_OF_A_LOG: Final = 100
"""More than a log of 1,000 records has: whatever range a pump claims, reading it ends."""

_OTHER_DRUG: Final = frozenset({LogEvent.BRIDGE_STARTED, LogEvent.BRIDGE_DECLINED})
"""Records of a version that changed the drug: the rates of its commit tell nothing of doses."""


@dataclass(frozen=True, slots=True)
class LastFill:
    """What the pump believed right after the last refill, or when service began.

    ``volume_nl`` is None where the log does not tell, and ``why_unknown`` says why.
    """

    volume_nl: int | None
    why_unknown: str = ""


class Asker(Protocol):
    """What this module needs of a programmer."""

    def exchange(self, request: m.Request[R]) -> R:
        """Ask one thing."""
        ...


def last_increase_ms(programmer: Asker, status: m.StatusReport, within_ms: int) -> int | None:
    """The pump time of the last commit within *within_ms* that raised the rate of the same drug.

    None if there was none, or if the log does not tell.
    """
    since_ms = status.at_ms - within_ms
    recent = [
        entry
        for entry in _newest_first(programmer, status.therapy_log, since_ms, _PAGES_OF_A_DAY)
        if entry.at_ms > since_ms
    ]
    of_another_drug = {each.prescription_version for each in recent if each.event in _OTHER_DRUG}
    for entry in recent:
        # A pump that starts again, from 0, does not increase.
        rises = entry.event is LogEvent.COMMITTED and entry.b > entry.a > 0
        if rises and entry.prescription_version not in of_another_drug:
            return entry.at_ms
    return None


def last_fill(programmer: Asker, status: m.StatusReport) -> LastFill:
    """What the pump believed right after the last refill, from its therapy log."""
    held = status.therapy_log
    # Records of the same millisecond may stand on the page before.
    since_ms = status.last_refill_at_ms - 1
    for entry in _newest_first(programmer, held, since_ms, _PAGES_OF_A_LOG):
        if entry.event is LogEvent.RESERVOIR_UPDATED:
            return LastFill(entry.b)
        if entry.event is LogEvent.IMPLANTED:
            return LastFill(entry.a)
    if held.overwritten:
        why = f"the therapy log no longer holds the last refill: {log_range(held)}"
    else:
        why = "the therapy log holds no refill"
    return LastFill(None, why)


def entries_since(programmer: Asker, status: m.StatusReport, since_ms: int) -> list[m.LogEntry]:
    """The records of the therapy log from pump time *since_ms* on, oldest first."""
    newest_first = _newest_first(programmer, status.therapy_log, since_ms - 1, _PAGES_OF_A_LOG)
    return [entry for entry in newest_first if entry.at_ms >= since_ms][::-1]


def _newest_first(
    programmer: Asker, held: m.LogRange, since_ms: int, max_pages: int
) -> Iterator[m.LogEntry]:
    """Page by page, and no page beyond the one that reaches back to *since_ms*."""
    end = held.next_sequence
    for _ in range(max_pages):
        if end <= held.first_sequence:
            return
        first = max(held.first_sequence, end - MAX_LOG_ENTRIES)
        page = programmer.exchange(m.ReadLog(first, end - first)).entries
        yield from reversed(page)
        if not page or page[0].at_ms <= since_ms:
            return
        end = first
