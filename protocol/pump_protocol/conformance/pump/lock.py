"""Cases about the lock after too many handshakes, and what it must leave alone."""

from typing import Final

from pump_protocol.codes import (
    FIRST_LOCK_MS,
    FREE_FAILURES,
    LONGEST_LOCK_MS,
    Field,
    MessageType,
    RefusalCode,
    UserRole,
)
from pump_protocol.conformance.by_hand import (
    authenticate,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.pump.common.strangers import (
    key_fails,
    locked_out,
    quick_enough,
    refused_by_lock,
    refused_plainly,
    wrong,
)
from pump_protocol.conformance.steps import Play, now
from pump_protocol.conformance.tester import PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import Handshake, TesterLink
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import CloseLink, Identify, Interrogate, OpenLink

_LOCKS_MS: Final = 63 * FIRST_LOCK_MS
"""All locks together that are shorter than the longest."""


_MARGIN_MS: Final = 300
"""How much of a lock may be over when the pump is asked how long it lasts still."""


@pump_case(
    "handshake/lock-after-five",
    Level.MUST,
    "AUTH-10 AUTH-05",
    expects="five are free; the sixth locks for 1 s, for good keys too; `value` is what is left",
    profile=Profile.AUTHENTICATED,
    fresh=True,
)
def lock_after_five(tester: Tester) -> Play[None]:
    """Six handshakes with a wrong key, then a good one, and what is judged before a lock: link id 0
    and a fault of the payload."""
    yield from locked_out(tester)
    yield from refused_by_lock(tester, tester.key(), FIRST_LOCK_MS)
    yield from refused_by_lock(tester, wrong(tester.key()), FIRST_LOCK_MS)
    zero = authenticate(0, 1, 1, UserRole.CLINICIAN, bytes(48))
    yield from refused_plainly(tester, zero, RefusalCode.OUT_OF_RANGE, Field.LINK_ID)
    short = frame_bytes(MessageType.AUTHENTICATE, tester.new_link_id(), 1, bytes(56))
    yield from refused_plainly(tester, short, RefusalCode.MALFORMED, Field.PAYLOAD)


@pump_case(
    "handshake/lock-ends",
    Level.MUST,
    "AUTH-10 TIME-03",
    expects="AUTHENTICATION_FAILED and a lock of 2 s: what a lock refuses counts for nothing",
    profile=Profile.AUTHENTICATED,
    fresh=True,
    waits_ms=FIRST_LOCK_MS,
)
def lock_ends(tester: Tester) -> Play[None]:
    """A lock, five handshakes that it refuses, its time, and then a seventh that fails."""
    yield from locked_out(tester)
    for _ in range(FREE_FAILURES):
        yield from refused_by_lock(tester, wrong(tester.key()), FIRST_LOCK_MS)
    yield from tester.wait(FIRST_LOCK_MS)
    yield from key_fails(tester, wrong(tester.key()))
    yield from refused_by_lock(tester, tester.key(), 2 * FIRST_LOCK_MS, FIRST_LOCK_MS + 1)


@pump_case(
    "handshake/lock-doubles",
    Level.MUST,
    "AUTH-10",
    expects="1 s, 2 s, 4 s and so on, and 60 s from the seventh on",
    profile=Profile.AUTHENTICATED,
    fresh=True,
    waits_ms=_LOCKS_MS,
)
def lock_doubles(tester: Tester) -> Play[None]:
    """Six handshakes more that fail, each as soon as the lock before is over, and not sooner; the
    lock of 60 s is only looked at."""
    yield from locked_out(tester)
    lock_ms = FIRST_LOCK_MS
    while lock_ms < LONGEST_LOCK_MS:
        yield from refused_by_lock(tester, tester.key(), lock_ms, lock_ms - _MARGIN_MS)
        yield from tester.wait(lock_ms // 2)
        reason = yield from refused_by_lock(tester, tester.key(), lock_ms - lock_ms // 2)
        assert reason.value is not None
        yield from tester.wait(reason.value)
        yield from key_fails(tester, wrong(tester.key()))
        lock_ms *= 2
    longest_ms = LONGEST_LOCK_MS
    yield from refused_by_lock(tester, tester.key(), longest_ms, longest_ms - _MARGIN_MS)


@pump_case(
    "handshake/lock-counts-answered-ones",
    Level.MUST,
    "AUTH-10",
    expects="AUTHENTICATION_LOCKED after the sixth",
    profile=Profile.AUTHENTICATED,
    fresh=True,
)
def lock_counts_answered_ones(tester: Tester) -> Play[None]:
    """Six handshakes that are answered, and none of which is gone on with."""
    began_ms = yield from now()
    for _ in range(FREE_FAILURES + 1):
        yield from tester.handshake(tester.key())
    quick_enough(FREE_FAILURES + 1, (yield from now()) - began_ms)
    yield from refused_by_lock(tester, tester.key(), FIRST_LOCK_MS)


@pump_case(
    "handshake/lock-ended-by-a-link",
    Level.MUST,
    "AUTH-10 AUTH-08",
    expects="LinkOpened in spite of the lock; then five failures are free again",
    profile=Profile.AUTHENTICATED,
    fresh=True,
)
def lock_ended_by_a_link(tester: Tester) -> Play[None]:
    """A handshake that is answered, failures until there is a lock, the identical bytes of the
    handshake, OpenLink through it, and five failures more with a good handshake behind them."""
    begun = Handshake(tester, tester.key(), tester.new_link_id())
    answer = yield from tester.exchange(begun.frame)
    waiting = begun.finish(answer)
    began_ms = yield from now()
    for _ in range(FREE_FAILURES):
        yield from key_fails(tester, wrong(tester.key()))
    quick_enough(FREE_FAILURES, (yield from now()) - began_ms)
    yield from refused_by_lock(tester, tester.key(), FIRST_LOCK_MS)
    yield from waiting.repeated(begun.frame, answer)
    yield from waiting.ask(OpenLink(PROGRAMMER_ID))
    for _ in range(FREE_FAILURES):
        yield from key_fails(tester, wrong(tester.key()))
    yield from tester.link()


@pump_case(
    "handshake/lock-leaves-the-open-link",
    Level.MUST,
    "AUTH-10",
    expects="both are answered",
    profile=Profile.AUTHENTICATED,
    fresh=True,
)
def lock_leaves_the_open_link(tester: Tester) -> Play[None]:
    """A request in a link that was open before a lock began, and a plain Identify."""
    link: TesterLink = yield from tester.link()
    yield from locked_out(tester)
    yield from refused_by_lock(tester, tester.key(), FIRST_LOCK_MS)
    yield from link.ask(Interrogate())
    yield from tester.ask_outside(Identify())
    yield from link.ask(CloseLink())
    yield from refused_by_lock(tester, tester.key(), FIRST_LOCK_MS)
