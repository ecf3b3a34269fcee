"""Cases about links: how one begins, who has it, and how it ends."""

from typing import Final

from pump_protocol.access import EMERGENCY
from pump_protocol.codes import (
    ABSOLUTE_LIMIT_MS,
    IDLE_LIMIT_MS,
    RESPONSE_BIT,
    RETIRED_LINKS,
    STAGING_LIMIT_MS,
    Field,
    MessageType,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import (
    accepted,
    expect,
    expect_equal,
    plain_response,
    refused,
)
from pump_protocol.conformance.pump.common.frames import answers, plain, staging_anew
from pump_protocol.conformance.pump.common.ready import at_bedside
from pump_protocol.conformance.pump.common.strangers import refused_plainly
from pump_protocol.conformance.steps import Play, reconnect
from pump_protocol.conformance.tester import OTHER_PROGRAMMER_ID, PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import Handshake, TesterLink
from pump_protocol.messages import (
    AbortBolus,
    CloseLink,
    Identify,
    Interrogate,
    OpenLink,
    ReadPrescription,
    RollBackPrescription,
    StagePrescription,
)
from pump_protocol.payloads import encode

_NEED_NO_LINK: Final = EMERGENCY | {
    MessageType.OPEN_LINK,
    MessageType.IDENTIFY,
    MessageType.AUTHENTICATE,
}
_NEED_A_LINK: Final = (
    *sorted(each for each in MessageType if each < RESPONSE_BIT and each not in _NEED_NO_LINK),
    0x00,
    0x7F,
)
"""The types of requests that need one, and two that nobody knows."""


# --- How one begins ------------------------------------------------------------------------------


@pump_case(
    "link/refused-without-one",
    Level.MUST,
    "LINK-04 MSG-09",
    expects="LINK_NOT_OPEN / LINK_ID to each, whatever its payload",
    changes_nothing=True,
)
def refused_without_one(tester: Tester) -> Play[None]:
    """Every request that needs a link, under an id that no OpenLink has opened."""
    link = yield from tester.unopened()
    for message_type in _NEED_A_LINK:
        yield from link.refused_raw(message_type, b"", RefusalCode.LINK_NOT_OPEN, Field.LINK_ID)


@pump_case(
    "link/id-zero",
    Level.MUST,
    "LINK-02 LINK-03 REF-03",
    expects="OUT_OF_RANGE / LINK_ID, minimum 1",
    profile=Profile.LEGACY_INSECURE,
)
def id_zero(tester: Tester) -> Play[None]:
    """OpenLink under link id 0."""
    link = TesterLink(tester, 0)
    reason = yield from link.refused(
        OpenLink(PROGRAMMER_ID), RefusalCode.OUT_OF_RANGE, Field.LINK_ID
    )
    expect_equal("minimum of the reason", reason.minimum, 1)
    yield from link.refused(Interrogate(), RefusalCode.LINK_NOT_OPEN, Field.LINK_ID)


@pump_case(
    "link/opened-tells-its-limits",
    Level.MUST,
    "LINK-03 LINK-08 LINK-09 PROG-11",
    expects="the limits of the specification: 120 s, 30 min, 120 s",
)
def opened_tells_its_limits(tester: Tester) -> Play[None]:
    """A link is opened under the smallest, the greatest and a random id; LinkOpened is read."""
    for link_id in (tester.new_link_id(), tester.new_link_id() | 1 << 63):
        link = yield from tester.link(link_id=link_id)
        opened = link.opened
        expect_equal("idle_limit_ms", opened.idle_limit_ms, IDLE_LIMIT_MS)
        expect_equal("absolute_limit_ms", opened.absolute_limit_ms, ABSOLUTE_LIMIT_MS)
        expect_equal("staging_limit_ms", opened.staging_limit_ms, STAGING_LIMIT_MS)
        yield from link.ask(Interrogate())


@pump_case(
    "link/another-replaces-it",
    Level.MUST,
    "LINK-01 LINK-05 LINK-06",
    expects="the second link works, whoever opened the first, and the first is refused with"
    " LINK_ID_USED",
    changes_nothing=True,
)
def another_replaces_it(tester: Tester) -> Play[None]:
    """A link is opened, then another one under another programmer id; the first asks again."""
    first = yield from tester.link()
    stage = yield from staging_anew(first)
    second = yield from tester.link(programmer_id=OTHER_PROGRAMMER_ID)
    for request in (Interrogate(), stage, CloseLink()):
        yield from refused_plainly(
            first.tester, first.frame(request), RefusalCode.LINK_ID_USED, Field.LINK_ID
        )
    yield from second.ask(Interrogate())


@pump_case(
    "link/refused-opening-ends-none",
    Level.MUST,
    "LINK-05 LINK-06",
    expects="the link that is open goes on",
)
def refused_opening_ends_none(tester: Tester) -> Play[None]:
    """OpenLink without a payload, with half of one and one too long, and under an id that was used,
    while another link is open."""
    used = yield from tester.link()
    link = yield from tester.link()
    other = yield from tester.unopened()
    for payload in (b"", bytes(4), bytes(9)):
        yield from other.refused_raw(
            MessageType.OPEN_LINK, payload, RefusalCode.MALFORMED, Field.PAYLOAD
        )
        yield from link.ask(Interrogate())
    yield from refused_plainly(
        used.tester, used.frame(OpenLink(PROGRAMMER_ID)), RefusalCode.LINK_ID_USED, Field.LINK_ID
    )
    yield from link.ask(Interrogate())


@pump_case(
    "link/own-id-opened-again",
    Level.MUST,
    "LINK-07 SEQ-07 AUTH-05",
    expects="LINK_ID_USED each time; the link stays open and no sequence number is used up",
)
def own_id_opened_again(tester: Tester) -> Play[None]:
    """OpenLink, and Authenticate, under the id of the open link, with any number and content."""
    link = yield from tester.link()
    yield from link.ask(Interrogate())
    number = link.sequence
    for sequence in (0, 1, number, number + 1, 2**32 - 1):
        for payload in (encode(OpenLink(OTHER_PROGRAMMER_ID)), b""):
            data = link.raw(MessageType.OPEN_LINK, payload, sequence=sequence)
            response = yield from link.exchange(data)
            refused(response, MessageType.OPEN_LINK, RefusalCode.LINK_ID_USED, Field.LINK_ID)
    if tester.authenticated:
        begun = Handshake(tester, tester.key(), link.link_id, sequence=number + 1)
        yield from tester.refused_outside(
            begun.request, RefusalCode.LINK_ID_USED, Field.LINK_ID, link_id=link.link_id
        )
    yield from link.ask(Interrogate(), sequence=number + 1)


@pump_case(
    "link/opening-repeated",
    Level.MUST,
    "LINK-07 SEQ-04",
    expects="the identical bytes of LinkOpened, and the link goes on",
)
def opening_repeated(tester: Tester) -> Play[None]:
    """The identical bytes of OpenLink again, before the next request."""
    link = yield from tester.unopened()
    data = link.frame(OpenLink(PROGRAMMER_ID))
    frame = yield from tester.exchange(data)
    accepted(OpenLink(PROGRAMMER_ID), link.read(frame))
    yield from link.repeated(data, frame)
    yield from link.ask(Interrogate())


# --- How one ends --------------------------------------------------------------------------------


@pump_case(
    "link/closed",
    Level.MUST,
    "LINK-06 LINK-13 SEAL-08",
    expects="LINK_ID_USED to every request of it, OpenLink too; Identify is answered",
    changes_nothing=True,
)
def closed(tester: Tester) -> Play[None]:
    """A link is closed; then every request under its id."""
    link = yield from tester.link()
    yield from link.ask(CloseLink())
    for message_type in (*_NEED_A_LINK, MessageType.OPEN_LINK):
        payload = encode(OpenLink(PROGRAMMER_ID))
        yield from link.refused_raw(message_type, payload, RefusalCode.LINK_ID_USED, Field.LINK_ID)
    yield from link.ask(Identify())
    yield from tester.ask_outside(Identify(), link_id=link.link_id)


@pump_case(
    "link/close-answered-again",
    Level.MUST,
    "LINK-06 SEQ-04 SEAL-05",
    expects="the identical bytes of LinkClosed until another link is opened, then LINK_ID_USED",
)
def close_answered_again(tester: Tester) -> Play[None]:
    """The identical bytes of CloseLink again, twice; and once more when another link is open."""
    link = yield from tester.link()
    data = link.frame(CloseLink())
    frame = yield from tester.exchange(data)
    accepted(CloseLink(), link.read(frame))
    yield from link.repeated(data, frame)
    yield from tester.alive()
    yield from link.repeated(data, frame)
    yield from tester.link()
    response = plain_response((yield from tester.exchange(data)), link.link_id, link.sequence)
    refused(response, MessageType.CLOSE_LINK, RefusalCode.LINK_ID_USED, Field.LINK_ID)


@pump_case(
    "link/last-64-ids-remembered",
    Level.MUST,
    "LINK-06",
    expects="LINK_ID_USED under each of them, and the open link goes on",
)
def last_64_ids_remembered(tester: Tester) -> Play[None]:
    """65 links are opened, each in place of the one before; then each id that ended once more."""
    gone: list[TesterLink] = []
    last = yield from tester.link()
    for _ in range(RETIRED_LINKS):
        gone.append(last)
        last = yield from tester.link()
    # A pump with keys takes OpenLink in sealed frames only; of Authenticate it looks at the id
    # before the payload.
    kind = MessageType.AUTHENTICATE if tester.authenticated else MessageType.OPEN_LINK
    payload = b"" if tester.authenticated else encode(OpenLink(PROGRAMMER_ID))
    requests = [plain(kind, each.link_id, 1, payload) for each in gone]
    for age, frame in enumerate((yield from answers(tester, requests))):
        code = RefusalCode.LINK_ID_USED
        link_id = gone[age].link_id
        what = f"the id of the link that ended {RETIRED_LINKS - age} links ago"
        response = plain_response(frame, link_id, 1)
        expect(code in getattr(response, "codes", ()), f"{what} is not refused with {code.name}")
    yield from last.ask(Interrogate())


@pump_case(
    "link/end-leaves-therapy",
    Level.MUST,
    "LINK-13 LINK-05",
    expects="the staged prescription and the running bolus are there in the next link",
)
def end_leaves_therapy(tester: Tester) -> Play[None]:
    """A bolus and a staged prescription; the link is closed, and another one replaced."""
    bed = yield from at_bedside(tester)
    order = bed.bolus()
    yield from bed.link.ask(order)
    staged = yield from bed.link.ask(StagePrescription(bed.prescription))
    yield from bed.link.ask(CloseLink())
    for ending in ("closed", "replaced"):
        link = yield from tester.link()
        status = yield from link.ask(Interrogate())
        boluses = [(each.order_number, each.outcome.name) for each in status.boluses]
        expect_equal(
            f"the bolus after the link was {ending}",
            boluses,
            [(order.order_number, "RUNNING")],
        )
        pending = yield from link.ask(ReadPrescription(PrescriptionSlot.PENDING))
        expect_equal(
            f"digest of what was staged before the link was {ending}",
            pending.digest,
            staged.digest,
        )
    yield from link.ask(RollBackPrescription())
    yield from link.ask(AbortBolus())


@pump_case(
    "link/survives-its-connection",
    Level.MUST,
    "LINK-15 SEQ-04",
    expects="the same link goes on, its last answer can be had again, and numbers go on",
)
def survives_its_connection(tester: Tester) -> Play[None]:
    """The connection is closed and opened again between two requests of a link."""
    link = yield from tester.link()
    data = link.frame(Interrogate())
    frame = yield from tester.exchange(data)
    yield from reconnect()
    yield from link.repeated(data, frame)
    yield from link.ask(Interrogate())


@pump_case(
    "link/none-after-a-restart",
    Level.MUST,
    "LINK-15 LINK-04",
    expects="LINK_NOT_OPEN / LINK_ID, in a plain frame",
    hooks="renew",
)
def none_after_a_restart(tester: Tester) -> Play[None]:
    """The pump is put back to how it was when it was started, while a link is open."""
    link = yield from tester.link()
    yield from link.ask(Interrogate())
    yield from tester.renew()
    yield from refused_plainly(
        link.tester, link.frame(Interrogate()), RefusalCode.LINK_NOT_OPEN, Field.LINK_ID
    )
