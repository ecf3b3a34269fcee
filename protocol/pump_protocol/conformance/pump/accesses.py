"""Cases about the access log: who asked, what was refused, and how often."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pump_protocol.codes import (
    MAX_ACCESS_ENTRIES,
    RESPONSE_BIT,
    AccessEvent,
    BridgeDecision,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.reading import access_log
from pump_protocol.conformance.pump.common.reasons import expect_numbers, refusal, refused_for
from pump_protocol.conformance.pump.common.samples import stopped
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import a_drug
from pump_protocol.messages import (
    AccessEntry,
    CloseLink,
    Interrogate,
    LogRange,
    OpenLink,
    ReadAccessLog,
    ReadLog,
    ReadNote,
    StagePrescription,
    request_name,
)

_ACCESS_RECORDS: Final = 256
"""So many records an access log holds at the most (LOG-02)."""


@pump_case(
    "log/refusals-are-counted",
    Level.MUST,
    "LOG-01 LOG-02 REF-01",
    expects="nothing in the therapy log; in the access log one record that counts them all, with"
    " the time and the link of the last",
    changes_nothing=True,
)
def refusals_are_counted(tester: Tester) -> Play[None]:
    """The same refusal three times, in three links."""
    link = yield from tester.link()
    request = ReadLog(1, 0)
    yield from refusal(link, request)
    first = yield from _refusals(link, request.message_type)
    expect_equal("records of the refusal", len(first), 1)
    for _ in range(2):
        link = yield from tester.link()
        yield from refusal(link, request)
    status = yield from link.ask(Interrogate())
    last = yield from _refusals(link, request.message_type)
    expect_equal("records of three like refusals", len(last), 1)
    before, after = first[0], last[0]
    expect_equal("event", after.event, AccessEvent.REFUSED)
    expect_equal("count", after.count, before.count + 2)
    expect_equal("sequence", after.sequence, before.sequence)
    expect_equal("first_at_ms", after.first_at_ms, before.first_at_ms)
    expect_equal("link_id", after.link_id, link.link_id)
    expect(
        before.last_at_ms <= after.last_at_ms <= status.at_ms,
        f"last_at_ms is {after.last_at_ms} at {status.at_ms} ms, and was {before.last_at_ms}",
    )


def _refusals(link: TesterLink, request_type: int) -> Play[list[AccessEntry]]:
    """What is recorded of refusals of the size of a page."""
    entries = yield from access_log(link)
    wanted = (request_type, RefusalCode.OUT_OF_RANGE, Field.ENTRY_LIMIT)
    return [each for each in entries if (each.request_type, each.code, each.field) == wanted]


@pump_case(
    "log/first-reason",
    Level.MUST,
    "LOG-02",
    expects="one record, under the first reason of the refusal",
    changes_nothing=True,
)
def first_reason(tester: Tester) -> Play[None]:
    """A prescription that is refused for its rate and its threshold."""
    link = yield from tester.link()
    identity = tester.identity
    wrong = replace(
        stopped(a_drug(identity)),
        rate_nl_per_day=1,
        low_reservoir_threshold_nl=identity.maximum_low_reservoir_threshold_nl + 1,
    )
    # A name that no pump has in force: what becomes of its drug is decided.
    named = replace(a_drug(identity), name="of the conformance suite")
    request = StagePrescription(
        replace(wrong, drugs=(named,), bridge_decision=BridgeDecision.DECLINED)
    )
    before = yield from _counts(link)
    told = yield from refusal(link, request)
    expect(len(told.reasons) > 1, "it is refused for one reason only, of two")
    after = yield from _counts(link)
    first = told.reasons[0]
    grown = {kind for kind, count in after.items() if count != before.get(kind, 0)}
    wanted = {(AccessEvent.REFUSED, request.message_type, first.code, first.field)}
    expect_equal("event, request_type, code and field that were recorded", grown, wanted)


def _counts(link: TesterLink) -> Play[dict[tuple[int, int, int, int], int]]:
    """How often each kind of event is counted."""
    entries = yield from access_log(link)
    return {(each.event, each.request_type, each.code, each.field): each.count for each in entries}


@pump_case(
    "log/interrogated-once",
    Level.MUST,
    "LOG-02",
    expects="one record of the link, which the other interrogations do not touch",
)
def interrogated_once(tester: Tester) -> Play[None]:
    """Interrogate three times in each of two links."""
    for _ in range(2):
        link = yield from tester.link()
        yield from link.ask(Interrogate())
        once = yield from _interrogations(link)
        expect_equal("records INTERROGATED of this link", len(once), 1)
        for _ in range(2):
            yield from link.ask(Interrogate())
        expect_equal("records after two more", (yield from _interrogations(link)), once)


def _interrogations(link: TesterLink) -> Play[list[AccessEntry]]:
    entries = yield from access_log(link)
    return [
        each
        for each in entries
        if (each.event, each.link_id) == (AccessEvent.INTERROGATED, link.link_id)
    ]


@pump_case(
    "log/sequence-misused",
    Level.MUST,
    "LOG-02 SEQ-06",
    expects="one record more of SEQUENCE_MISUSED, and none of REFUSED",
    changes_nothing=True,
)
def sequence_misused(tester: Tester) -> Play[None]:
    """A request under a number that is lower than the last."""
    link = yield from tester.link()
    before = yield from _counts(link)
    latest = link.sequence
    yield from link.refused(ReadNote(), RefusalCode.SEQUENCE_STALE, sequence=0)
    link.sequence = latest + 10
    after = yield from _counts(link)
    grown = {kind for kind, count in after.items() if count != before.get(kind, 0)}
    wanted = {
        (
            AccessEvent.SEQUENCE_MISUSED,
            MessageType.READ_NOTE,
            RefusalCode.SEQUENCE_STALE,
            Field.SEQUENCE,
        )
    }
    expect_equal("event, request_type, code and field that were recorded", grown, wanted)


@pump_case(
    "log/link-id-used-again",
    Level.MUST,
    "LOG-02 LINK-06 LINK-07",
    expects="SEQUENCE_MISUSED of OpenLink, as a replay would cause it, and REFUSED of the other:"
    " programmers fall asleep",
    changes_nothing=True,
)
def link_id_used_again(tester: Tester) -> Play[None]:
    """OpenLink under the id of the open link, and an interrogation under one that ended."""
    link = yield from tester.link()
    before = yield from _counts(link)
    opening = OpenLink(PROGRAMMER_ID)
    yield from link.refused(opening, RefusalCode.LINK_ID_USED)
    link.sequence -= 1  # that number was not used up (SEQ-07)
    yield from link.ask(CloseLink())
    asking = Interrogate()
    yield from link.refused(asking, RefusalCode.LINK_ID_USED)
    after = yield from _counts((yield from tester.link()))
    used, field = RefusalCode.LINK_ID_USED, Field.LINK_ID
    for event, request in ((AccessEvent.SEQUENCE_MISUSED, opening), (AccessEvent.REFUSED, asking)):
        kind = (event, request.message_type, used, field)
        what = f"count of {event.name}, {request_name(request.message_type)}, LINK_ID_USED"
        expect_equal(what, after.get(kind, 0), before.get(kind, 0) + 1)


@pump_case(
    "log/link-with-a-key",
    Level.MUST,
    "LOG-02 SEC-07",
    expects="AUTHENTICATED with the role, counted, under the id of the link",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def link_with_a_key(tester: Tester) -> Play[None]:
    """Open two links with the same key, and look who is recorded."""
    link = yield from tester.link()
    role = tester.key().role
    before = yield from _opened_by(link, role)
    link = yield from tester.link()
    after = yield from _opened_by(link, role)
    expect_equal("count", after.count, before.count + 1)
    expect_equal("link_id", after.link_id, link.link_id)


def _opened_by(link: TesterLink, role: int) -> Play[AccessEntry]:
    entries = yield from access_log(link)
    found = [
        each for each in entries if (each.event, each.code) == (AccessEvent.AUTHENTICATED, role)
    ]
    expect_equal("records of links that were opened with this role's key", len(found), 1)
    return found[0]


@pump_case(
    "log/flood-keeps-other-kinds",
    Level.MUST,
    "LOG-02 LOG-01",
    expects="the one record of another refusal, and that of this link's interrogation, as before",
    changes_nothing=True,
)
def flood_keeps_other_kinds(tester: Tester) -> Play[None]:
    """More refusals of different kinds than the access log has room for, of three codes."""
    link = yield from tester.link()
    yield from link.ask(Interrogate())
    request = ReadLog(1, 0)
    yield from refusal(link, request)
    kept = yield from _refusals(link, request.message_type)
    kept += yield from _interrogations(link)
    expect_equal("records before the flood", len(kept), 2)
    known = frozenset(MessageType)
    for message_type in [each for each in range(RESPONSE_BIT) if each not in known]:
        yield from link.exchange(link.raw(message_type, b""))
        number = link.sequence
        yield from link.exchange(link.raw(message_type, b"\0", sequence=number))
        yield from link.exchange(link.raw(message_type, b"", sequence=0))
        link.sequence = number
    link.sequence += 1
    after = yield from _refusals(link, request.message_type)
    after += yield from _interrogations(link)
    expect_equal("these records after the flood", after, kept)
    held = (yield from link.ask(ReadAccessLog(1, 1))).range
    expect(
        held.next_sequence > _ACCESS_RECORDS,
        f"next_sequence of the access log is {held.next_sequence} after more kinds than that",
    )


@pump_case(
    "log/access-page-limits",
    Level.MUST,
    "LOG-03 REF-03",
    expects="1 to 14 records as asked for; otherwise OUT_OF_RANGE / ENTRY_LIMIT with these limits",
    changes_nothing=True,
)
def access_page_limits(tester: Tester) -> Play[None]:
    """Ask for pages of the access log of too few, too many, and allowed numbers of records."""
    link = yield from tester.link()
    # So many kinds of refusals that a whole page is there.
    for message_type in range(MAX_ACCESS_ENTRIES + 1):
        yield from link.exchange(link.raw(0x40 + message_type, b""))
    for limit in (0, MAX_ACCESS_ENTRIES + 1, 255):
        told = yield from refused_for(
            link, ReadAccessLog(1, limit), (RefusalCode.OUT_OF_RANGE, Field.ENTRY_LIMIT)
        )
        expect_numbers(told[0], value=limit, minimum=1, maximum=MAX_ACCESS_ENTRIES)
    for limit in (1, 2, MAX_ACCESS_ENTRIES):
        page = yield from link.ask(ReadAccessLog(1, limit))
        expect_equal(f"records of a page of {limit}", len(page.entries), limit)
        _expect_rising([each.sequence for each in page.entries], page.range)
    page = yield from link.ask(ReadAccessLog(page.range.next_sequence, MAX_ACCESS_ENTRIES))
    expect_equal("records beyond the end", len(page.entries), 0)


def _expect_rising(found: Sequence[int], held: LogRange) -> None:
    expect_equal("order of the records", list(found), sorted(set(found)))
    expect(
        held.first_sequence <= found[0] and found[-1] < held.next_sequence,
        f"records {found[0]} to {found[-1]} of a log of {held.first_sequence} to"
        f" {held.next_sequence - 1}",
    )
