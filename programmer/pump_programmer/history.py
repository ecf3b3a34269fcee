"""What the therapy log tells of the past of a prescription; it reads no more of it than it must."""

from collections.abc import Iterator
from typing import Final, Protocol, TypeVar

from pump_protocol import messages as m
from pump_protocol.codes import MAX_LOG_ENTRIES, LogEvent

R = TypeVar("R", bound=m.Response)

_MAX_PAGES: Final = 10
"""A log that is fuller than that of one day says nothing here: warnings are not worth a minute."""

_OTHER_DRUG: Final = frozenset({LogEvent.BRIDGE_STARTED, LogEvent.BRIDGE_DECLINED})
"""Records of a version that changed the drug: the rates of its commit tell nothing of doses."""


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
        for entry in _newest_first(programmer, status.therapy_log, since_ms)
        if entry.at_ms > since_ms
    ]
    of_another_drug = {each.prescription_version for each in recent if each.event in _OTHER_DRUG}
    for entry in recent:
        # A pump that starts again, from 0, does not increase.
        rises = entry.event is LogEvent.COMMITTED and entry.b > entry.a > 0
        if rises and entry.prescription_version not in of_another_drug:
            return entry.at_ms
    return None


def _newest_first(programmer: Asker, held: m.LogRange, since_ms: int) -> Iterator[m.LogEntry]:
    """Page by page, and no page beyond the one that reaches back to *since_ms*."""
    end = held.next_sequence
    for _ in range(_MAX_PAGES):
        if end <= held.first_sequence:
            return
        first = max(held.first_sequence, end - MAX_LOG_ENTRIES)
        page = programmer.exchange(m.ReadLog(first, end - first)).entries
        yield from reversed(page)
        if not page or page[0].at_ms <= since_ms:
            return
        end = first
