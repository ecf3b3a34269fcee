"""Cases about sealed links: what is sent again in them, and how they end."""

from pump_protocol.codes import (
    IDLE_LIMIT_MS,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.conformance.by_hand import (
    SEALED_VERSION,
    sealed,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import accepted, expect, expect_equal, refused
from pump_protocol.conformance.pump.common.strangers import refused_plainly, secrets_of
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.messages import (
    CloseLink,
    Identify,
    Interrogate,
    OpenLink,
    ReadLog,
)
from pump_protocol.payloads import encode

# --- What is sent again ------------------------------------------------------------------------


@pump_case(
    "sealed/repeat-known-by-its-bytes",
    Level.MUST,
    "SEAL-05 SEQ-04",
    expects="the identical bytes of the answer, and the next counter in the next answer",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def repeat_known_by_its_bytes(tester: Tester) -> Play[None]:
    """The identical bytes of the last request, each several times: of one that was answered, of
    some that were refused, by their content, payload and role, and of Identify."""
    link = yield from tester.link()
    for message_type, payload in (
        (MessageType.INTERROGATE, b""),
        (MessageType.READ_LOG, encode(ReadLog(1, 0))),
        (MessageType.READ_LOG, b""),
        (MessageType.PAIR, b""),
        (MessageType.IDENTIFY, b""),
    ):
        data = link.raw(message_type, payload)
        answer = yield from tester.exchange(data)
        link.read(answer)
        for _ in range(3):
            yield from link.repeated(data, answer)
    yield from link.ask(Interrogate())


@pump_case(
    "sealed/repeat-of-the-opening",
    Level.MUST,
    "SEAL-05 LINK-07",
    expects="the identical bytes of LinkOpened",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def repeat_of_the_opening(tester: Tester) -> Play[None]:
    """The identical bytes of OpenLink, twice, and then a request."""
    link = yield from tester.handshake(tester.key())
    data = link.frame(OpenLink(PROGRAMMER_ID))
    answer = yield from tester.exchange(data)
    link.read(answer)
    yield from link.repeated(data, answer)
    yield from link.repeated(data, answer)
    yield from link.ask(Interrogate())


@pump_case(
    "sealed/repeat-after-the-end",
    Level.MUST,
    "SEAL-05 LINK-06",
    expects="the identical bytes of LinkClosed, until another link is opened; then LINK_ID_USED",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def repeat_after_the_end(tester: Tester) -> Play[None]:
    """The identical bytes of CloseLink when the link has ended, also after a handshake, and when
    another link was opened."""
    link = yield from tester.link()
    data = link.frame(CloseLink())
    answer = yield from tester.exchange(data)
    link.read(answer)
    yield from link.repeated(data, answer)
    waiting = yield from tester.handshake(tester.key())
    yield from link.repeated(data, answer)
    yield from waiting.ask(OpenLink(PROGRAMMER_ID))
    yield from refused_plainly(tester, data, RefusalCode.LINK_ID_USED, Field.LINK_ID)


@pump_case(
    "sealed/resealed-under-one-number",
    Level.MUST,
    "SEAL-05 SEQ-05",
    expects="SEQUENCE_REUSED, sealed, and that is the last frame from then on",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def resealed_under_one_number(tester: Tester) -> Play[None]:
    """The last request, sealed anew under its number; then the identical bytes of that, and of the
    first one."""
    link = yield from tester.link()
    first = link.frame(Interrogate())
    accepted(Interrogate(), (yield from link.exchange(first)))
    anew = link.frame(Interrogate(), sequence=link.sequence)
    answer = yield from tester.exchange(anew)
    response = link.read(answer)
    reason = refused(response, MessageType.INTERROGATE, RefusalCode.SEQUENCE_REUSED, Field.SEQUENCE)
    expect_equal("value of the reason", reason.value, link.sequence)
    expect_equal("minimum of the reason", reason.minimum, link.sequence + 1)
    yield from link.repeated(anew, answer)
    yield from refused_plainly(tester, first, RefusalCode.NOT_AUTHENTIC, Field.COUNTER)
    yield from link.ask(Interrogate())


# --- Links and their ends ----------------------------------------------------------------------


@pump_case(
    "sealed/plain-in-an-open-link",
    Level.MUST,
    "SEC-05 LINK-14 SEQ-07",
    expects="AUTHENTICATION_REQUIRED, plain; Identify is answered; the number is not used up",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def plain_in_an_open_link(tester: Tester) -> Play[None]:
    """Plain requests under the id of an open link and with its next number, CloseLink and Identify
    among them; then a sealed request with that number, and its identical bytes."""
    link = yield from tester.link()
    number = link.sequence + 1
    for request in (Interrogate(), CloseLink(), OpenLink(PROGRAMMER_ID)):
        data = frame_bytes(request.message_type, link.link_id, number, encode(request))
        code = RefusalCode.AUTHENTICATION_REQUIRED
        yield from refused_plainly(tester, data, code, Field.NONE)
    identify = frame_bytes(MessageType.IDENTIFY, link.link_id, number, b"")
    outside = yield from tester.exchange(identify)
    expect_equal("message type of the answer", outside.message_type, MessageType.IDENTITY)
    expect(not outside.sealed, "a plain Identify was answered in a sealed frame")
    good = link.frame(Interrogate())
    answer = yield from tester.exchange(good)
    accepted(Interrogate(), link.read(answer))
    again = yield from tester.exchange(identify)
    expect_equal("payload of the plain answer", again.payload, outside.payload)
    yield from link.repeated(good, answer)


@pump_case(
    "sealed/identify-is-of-its-link",
    Level.MUST,
    "LINK-14 SEAL-08",
    expects="Identity, sealed; its number is used up; also when the link has ended",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def identify_is_of_its_link(tester: Tester) -> Play[None]:
    """A sealed Identify in an open link, another request under its number, and Identify under the
    keys of the link when it was closed."""
    link = yield from tester.link()
    found = yield from link.ask(Identify())
    expect_equal("what the pump says of itself", found, tester.identity)
    yield from link.refused(Interrogate(), RefusalCode.SEQUENCE_REUSED, sequence=link.sequence)
    yield from link.ask(CloseLink())
    found = yield from link.ask(Identify())
    expect_equal("what the pump says of itself", found, tester.identity)


@pump_case(
    "sealed/unknown-link",
    Level.MUST,
    "SEAL-06 LINK-04 LINK-15",
    expects="LINK_NOT_OPEN / LINK_ID in plain frames",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def unknown_link(tester: Tester) -> Play[None]:
    """Sealed requests under link ids that the pump does not know: a fresh one, 0, and one that the
    id of the open link is altered to; Identify, too short frames and OpenLink among them."""
    link = yield from tester.link()
    key = secrets_of(link).to_pump
    for link_id in (tester.new_link_id(), 0, link.link_id ^ 1):
        for kind in (MessageType.INTERROGATE, MessageType.IDENTIFY, MessageType.OPEN_LINK):
            data = sealed(key, 9, kind, link_id, link.sequence + 1, bytes(8))
            yield from refused_plainly(tester, data, RefusalCode.LINK_NOT_OPEN, Field.LINK_ID)
        short = Frame(MessageType.INTERROGATE, link_id, 9, b"", SEALED_VERSION).to_bytes()
        yield from refused_plainly(tester, short, RefusalCode.LINK_NOT_OPEN, Field.LINK_ID)
    yield from link.ask(Interrogate())


@pump_case(
    "sealed/ended-link",
    Level.MUST,
    "SEAL-08 LINK-06 SEAL-07",
    expects="LINK_ID_USED / LINK_ID, sealed, as long as no other link was opened",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def ended_link(tester: Tester) -> Play[None]:
    """Requests under the keys of the link that ended last, OpenLink among them, also while another
    handshake waits."""
    link = yield from tester.link()
    yield from link.ask(CloseLink())
    for request in (Interrogate(), OpenLink(PROGRAMMER_ID), CloseLink()):
        yield from link.refused(request, RefusalCode.LINK_ID_USED, Field.LINK_ID)
    yield from tester.handshake(tester.key())
    yield from link.refused(Interrogate(), RefusalCode.LINK_ID_USED, Field.LINK_ID)


@pump_case(
    "sealed/keys-forgotten",
    Level.MUST,
    "AUTH-06 SEAL-06 SEAL-08",
    expects="LINK_ID_USED / LINK_ID in a plain frame: the keys of that link are gone",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def keys_forgotten(tester: Tester) -> Play[None]:
    """Requests under the keys of the last three links, one of which was closed, when another link
    was opened; Identify among them."""
    links: list[TesterLink] = []
    for _ in range(3):
        links += [(yield from tester.link())]
    yield from links[-1].ask(CloseLink())
    open_link = yield from tester.link()
    for link in links:
        for request in (Interrogate(), Identify(), OpenLink(PROGRAMMER_ID)):
            late = link.frame(request)
            yield from refused_plainly(tester, late, RefusalCode.LINK_ID_USED, Field.LINK_ID)
    yield from open_link.ask(Interrogate())


@pump_case(
    "sealed/what-keeps-a-link",
    Level.MUST,
    "LINK-08 TIME-03",
    expects="LINK_ID_USED, sealed, at the idle limit after the last new sealed request",
    profile=Profile.AUTHENTICATED,
    waits_ms=2 * IDLE_LIMIT_MS,
    changes_nothing=True,
)
def what_keeps_a_link(tester: Tester) -> Play[None]:
    """Half the idle limit, what anybody may send (the identical bytes of the last request, a forged
    frame, a plain one) and a used number; the other half, and a request. The same with a good
    request in the middle."""
    for kept in (True, False):
        link = yield from tester.link()
        half_ms = link.opened.idle_limit_ms // 2
        last = link.frame(Interrogate())
        answer = yield from tester.exchange(last)
        link.read(answer)
        yield from tester.wait(half_ms)
        if kept:
            yield from link.ask(Identify())
        else:
            yield from _worthless(link, last, answer)
        yield from tester.wait(half_ms)
        if kept:
            yield from link.ask(Interrogate())
        else:
            yield from link.refused(Interrogate(), RefusalCode.LINK_ID_USED, Field.LINK_ID)


def _worthless(link: TesterLink, last: bytes, answer: Frame) -> Play[None]:
    """All that does not keep a link from ending."""
    tester = link.tester
    yield from link.repeated(last, answer)
    number = link.sequence + 1
    forged = sealed(bytes(32), 50, MessageType.INTERROGATE, link.link_id, number)
    yield from refused_plainly(tester, forged, RefusalCode.NOT_AUTHENTIC)
    plain = frame_bytes(MessageType.INTERROGATE, link.link_id, number, b"")
    yield from refused_plainly(tester, plain, RefusalCode.AUTHENTICATION_REQUIRED)
    identify = frame_bytes(MessageType.IDENTIFY, link.link_id, number, b"")
    yield from tester.exchange(identify)
    yield from link.refused(Interrogate(), RefusalCode.SEQUENCE_REUSED, sequence=link.sequence)
