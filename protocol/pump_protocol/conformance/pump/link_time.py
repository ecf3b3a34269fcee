"""Cases about how long a link lasts, in link time."""

from typing import Final

from pump_protocol.codes import (
    ABSOLUTE_LIMIT_MS,
    CRC_BYTES,
    HEADER_BYTES,
    IDLE_LIMIT_MS,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.conformance.by_hand import flipped
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.hooks import advance
from pump_protocol.conformance.pump.common.frames import identify, plain, said_to
from pump_protocol.conformance.steps import Play, now
from pump_protocol.conformance.tester import OTHER_PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.envelope import SEALED_VERSION
from pump_protocol.messages import Interrogate, OpenLink, ReadNote

_AGAIN_MS: Final = 70_000
"""More than half the idle limit: twice of it is over."""

_BUSY_MS: Final = 100_000
"""Less than the idle limit, and a part of the absolute one."""


def _has_ended(link: TesterLink) -> Play[None]:
    yield from link.refused(Interrogate(), RefusalCode.LINK_ID_USED, Field.LINK_ID)


@pump_case(
    "link/idle-limit-not-before",
    Level.MUST,
    "LINK-08 TIME-03",
    expects="the link is open",
    waits_ms=IDLE_LIMIT_MS - 1_000,
)
def idle_limit_not_before(tester: Tester) -> Play[None]:
    """No request of the link for 119 s."""
    link = yield from tester.link()
    yield from tester.wait(IDLE_LIMIT_MS - 1_000)
    yield from link.ask(Interrogate())


@pump_case(
    "link/idle-limit",
    Level.MUST,
    "LINK-08 LINK-09 LINK-01 TIME-03",
    expects="the link has ended, unannounced, and its next request is refused with LINK_ID_USED",
    changes_nothing=True,
    waits_ms=IDLE_LIMIT_MS,
)
def idle_limit(tester: Tester) -> Play[None]:
    """No request of the link for 120 s."""
    link = yield from tester.link()
    yield from tester.wait(IDLE_LIMIT_MS)
    yield from tester.alive()
    yield from _has_ended(link)


@pump_case(
    "link/idle-limit-begins-anew",
    Level.MUST,
    "LINK-08 SEQ-07",
    expects="the link is open: each of them begins the time anew",
    waits_ms=6 * _AGAIN_MS,
)
def idle_limit_begins_anew(tester: Tester) -> Play[None]:
    """Every 70 s a request: one that is answered, one refused, one malformed, one of unknown type;
    and in a plain link the repeat of the last one."""
    link = yield from tester.link()
    for message_type, payload in (
        (MessageType.INTERROGATE, b""),
        (MessageType.READ_PRESCRIPTION, b"\xee"),
        (MessageType.ORDER_BOLUS, b""),
        (0x7F, b""),
    ):
        yield from tester.wait(_AGAIN_MS)
        data = link.raw(message_type, payload)
        frame = yield from tester.exchange(data)
        link.read(frame)
    if not tester.authenticated:
        yield from tester.wait(_AGAIN_MS)
        yield from link.repeated(data, frame)
    yield from tester.wait(_AGAIN_MS)
    yield from link.ask(Interrogate())


def _of_no_account(link: TesterLink, last: bytes) -> list[bytes]:
    """Frames that do not begin the idle limit of *link* anew, *last* being its last request."""
    number, link_id = link.sequence, link.link_id
    request = MessageType.INTERROGATE, link_id, number + 1
    found = [
        b"\x00noise\xff",
        identify(number + 1),
        identify(number + 1, link_id=link.tester.new_link_id()),
        plain(MessageType.INTERROGATE, link.tester.new_link_id(), number + 1),
        plain(*request, b"", 2),
        plain(MessageType.STATUS_REPORT, link_id, number + 1),
    ]
    if link.envelope is not None:
        body = link.frame(Interrogate(), sequence=number + 1)[HEADER_BYTES:-CRC_BYTES]
        found += [last, plain(*request), plain(*request, flipped(body, 70), SEALED_VERSION)]
    found += [
        link.frame(OpenLink(OTHER_PROGRAMMER_ID), sequence=number + 1),
        link.frame(ReadNote(), sequence=0),
        link.frame(ReadNote(), sequence=number),
    ]
    link.sequence = number
    return found


@pump_case(
    "link/idle-limit-not-put-off",
    Level.MUST,
    "LINK-08 SEAL-06",
    expects="the link has ended: nothing of that begins the time anew",
    waits_ms=IDLE_LIMIT_MS,
)
def idle_limit_not_put_off(tester: Tester) -> Play[None]:
    """70 s after the last request: noise, refused sequence numbers, OpenLink under the link's own
    id, frames of another version and of other links; in a sealed link also plain frames, frames
    that are not believed, and the identical bytes of the last request. 50 s later a request."""
    link = yield from tester.link()
    last = link.frame(Interrogate())
    link.read((yield from tester.exchange(last)))
    yield from tester.wait(_AGAIN_MS)
    yield from said_to(tester, _of_no_account(link, last))
    yield from tester.wait(IDLE_LIMIT_MS - _AGAIN_MS)
    yield from _has_ended(link)


@pump_case(
    "link/idle-limit-in-link-time",
    Level.MUST,
    "LINK-08 TIME-01 TIME-03",
    expects="the link is open: therapy time does not count",
    hooks="advance",
)
def idle_limit_in_link_time(tester: Tester) -> Play[None]:
    """Therapy time goes on by an hour at once while a link is open."""
    link = yield from tester.link()
    yield from advance(2 * ABSOLUTE_LIMIT_MS)
    yield from link.ask(Interrogate())


@pump_case(
    "link/absolute-limit",
    Level.MUST,
    "LINK-09 TIME-03",
    expects="the link is open for 30 min less 10 s, and has ended after 30 min",
    waits_ms=ABSOLUTE_LIMIT_MS,
)
def absolute_limit(tester: Tester) -> Play[None]:
    """A request every 100 s, so that the link is never idle, for 30 min."""
    link = yield from tester.link()
    opened_ms = yield from now()
    for spent_ms in (*range(_BUSY_MS, ABSOLUTE_LIMIT_MS, _BUSY_MS), ABSOLUTE_LIMIT_MS - 10_000):
        yield from tester.wait(opened_ms + spent_ms - (yield from now()))
        try:
            yield from link.ask(Interrogate())
        except Unmet as unmet:
            raise Unmet(f"{spent_ms // 1_000} s after the link was opened: {unmet}") from None
    yield from tester.wait(opened_ms + ABSOLUTE_LIMIT_MS - (yield from now()))
    yield from _has_ended(link)
