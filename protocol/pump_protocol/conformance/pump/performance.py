"""Cases about how fast a pump is: figures, which are neither good nor bad.

Times are whole ms, and many answers take less: what is told is the mean of many. A pump that takes
long is asked less often.
"""

from typing import Final

from pump_protocol.codes import MAX_LOG_ENTRIES
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.pump.common.frames import BATCH, answers_at_once, identify
from pump_protocol.conformance.steps import Play, now
from pump_protocol.conformance.tester import Tester
from pump_protocol.messages import CloseLink, Interrogate, LogPage, ReadLog

_MOST: Final = 200
"""So many exchanges are enough for a mean."""

_MOST_LINKS: Final = 50

_LONG_MS: Final = 100
"""No more is begun after it."""


def _each(took_ms: int, count: int, what: str) -> str:
    """The mean of *count* that took so long together."""
    if took_ms == 0:  # in virtual time
        return f"{count} {what} took less than 1 ms together"
    return f"{took_ms * 1_000 / count:.0f} us each of {count} {what}"


@pump_case(
    "performance/interrogation",
    Level.MAY,
    "SEQ-12",
    expects="how long an answer takes, on average",
)
def interrogation(tester: Tester) -> Play[str]:
    """Interrogations of one link, one after the other, for 100 ms or 200 times."""
    link = yield from tester.link()
    began_ms = yield from now()
    count = took_ms = 0
    while count < _MOST and took_ms < _LONG_MS:
        yield from link.ask(Interrogate())
        count += 1
        took_ms = (yield from now()) - began_ms
    return _each(took_ms, count, "interrogations")


@pump_case(
    "performance/opening-a-link",
    Level.MAY,
    "SEQ-12 AUTH-02",
    expects="how long it takes until a link is open and closed again, on average",
)
def opening_a_link(tester: Tester) -> Play[str]:
    """Links are opened and closed, with a handshake each if the pump wants one, for 100 ms or 50
    times."""
    began_ms = yield from now()
    count = took_ms = 0
    while count < _MOST_LINKS and took_ms < _LONG_MS:
        link = yield from tester.link()
        yield from link.ask(CloseLink())
        count += 1
        took_ms = (yield from now()) - began_ms
    return _each(took_ms, count, "links")


@pump_case(
    "performance/reading-the-log",
    Level.MAY,
    "LOG-03 SEQ-12",
    expects="how long a page of the therapy log takes, on average, and how many bytes a second",
)
def reading_the_log(tester: Tester) -> Play[str]:
    """The therapy log, page by page from its beginning, over and over, for 100 ms or 200 pages."""
    link = yield from tester.link()
    answered_bytes = records = count = took_ms = 0
    sequence = 1
    began_ms = yield from now()
    while count < _MOST and took_ms < _LONG_MS:
        frame = yield from tester.exchange(link.frame(ReadLog(sequence, MAX_LOG_ENTRIES)))
        page = link.read(frame)
        answered_bytes += len(frame.to_bytes())
        entries = page.entries if isinstance(page, LogPage) else ()
        records += len(entries)
        sequence = entries[-1].sequence + 1 if len(entries) == MAX_LOG_ENTRIES else 1
        count += 1
        took_ms = (yield from now()) - began_ms
    rate = f", {answered_bytes * 1_000 // took_ms:,} bytes/s" if took_ms else ""
    return f"{_each(took_ms, count, 'pages')}{rate}, {records / count:.1f} records in a page"


@pump_case(
    "performance/requests-in-one-write",
    Level.MAY,
    "SEQ-12 FRAME-01",
    expects="how long an answer takes, on average, when no request waits for the one before",
)
def requests_in_one_write(tester: Tester) -> Play[str]:
    """Identify outside any link, eight in a write, for 100 ms or 200 times."""
    began_ms = yield from now()
    count = took_ms = 0
    while count < _MOST and took_ms < _LONG_MS:
        yield from answers_at_once(tester, [identify(count + each) for each in range(BATCH)])
        count += BATCH
        took_ms = (yield from now()) - began_ms
    return _each(took_ms, count, "answers")
