"""Cases about what is said outside any link, or is none of a pump's business: Identify, frames of
other versions, responses; and that a pump speaks only when it is asked."""

from typing import Final

from pump_protocol.codes import (
    PROTOCOL_VERSION,
    RESPONSE_BIT,
    SEALED_BIT,
    Alarm,
    Field,
    MessageType,
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
from pump_protocol.conformance.hooks import advance
from pump_protocol.conformance.pump.common.frames import identify, plain, pour, staging_anew
from pump_protocol.conformance.pump.common.reading import listed
from pump_protocol.conformance.pump.common.ready import refill, settled
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.times import HOUR_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    CloseLink,
    Identify,
    Interrogate,
)
from pump_protocol.payloads import encode

_OTHER_VERSIONS: Final = (0, 2, 3, 64, SEALED_BIT - 1)
"""Without bit 7. This page of the specification is about version 1 alone."""


# --- Identify ------------------------------------------------------------------------------------


@pump_case(
    "link/identify-outside",
    Level.MUST,
    "LINK-14 SEQ-02",
    expects="Identity each time, under the link id and the number of the request; the link that is"
    " open goes on",
    changes_nothing=True,
)
def identify_outside(tester: Tester) -> Play[None]:
    """Identify under id 0, unknown and ended ids, with any number, the same one twice, while a link
    is open."""
    gone = yield from tester.link()
    yield from gone.ask(CloseLink())
    link = yield from tester.link()
    for link_id in (0, 1, tester.new_link_id(), 2**64 - 1, gone.link_id):
        for number in (7, 7, 0, 2**32 - 1, link.sequence, link.sequence + 1):
            frame = yield from tester.exchange(identify(number, link_id=link_id))
            accepted(Identify(), plain_response(frame, link_id, number))
        yield from link.ask(Interrogate())


@pump_case(
    "link/identify-in-a-link",
    Level.MUST,
    "LINK-14 SEQ-06 SEQ-07",
    expects="it is a request of the link like any other: it uses its number up, and a lower one is"
    " stale",
)
def identify_in_a_link(tester: Tester) -> Play[None]:
    """Identify under the id of the open link, sealed if the link is."""
    link = yield from tester.link()
    yield from link.ask(Identify())
    number = link.sequence
    yield from link.refused(
        Interrogate(), RefusalCode.SEQUENCE_REUSED, Field.SEQUENCE, sequence=number
    )
    yield from link.ask(Interrogate(), sequence=number + 1)
    yield from link.refused(Identify(), RefusalCode.SEQUENCE_STALE, Field.SEQUENCE, sequence=number)
    yield from link.ask(Interrogate(), sequence=number + 2)


@pump_case(
    "link/identify-plain-in-a-sealed-link",
    Level.MUST,
    "LINK-14 SEC-05",
    expects="it stands outside: it is answered in plain, and no number of the link is used up",
    profile=Profile.AUTHENTICATED,
)
def identify_plain_in_a_sealed_link(tester: Tester) -> Play[None]:
    """A plain Identify under the id of the open sealed link, with the number that is next."""
    link = yield from tester.link()
    number = link.sequence + 1
    for asked in (number, number, 0, 2**32 - 1):
        frame = yield from tester.exchange(identify(asked, link_id=link.link_id))
        accepted(Identify(), plain_response(frame, link.link_id, asked))
    yield from link.ask(Interrogate(), sequence=number)


# --- Other versions ------------------------------------------------------------------------------


@pump_case(
    "link/other-version",
    Level.MUST,
    "LINK-12 FRAME-04 MSG-09 REF-03",
    expects="UNSUPPORTED_VERSION / VERSION in a plain frame of version 1, with that version"
    " as value and limits that name version 1",
)
def other_version(tester: Tester) -> Play[None]:
    """Requests of versions 0, 2, 3, 64 and 127, with and without bit 7; several types and links."""
    link = yield from tester.link()
    types = (
        MessageType.IDENTIFY,
        MessageType.OPEN_LINK,
        MessageType.INTERROGATE,
        MessageType.AUTHENTICATE,
        MessageType.EMERGENCY_STOP,
        0x7F,
    )
    for version in _OTHER_VERSIONS:
        for place, message_type in enumerate(types):
            link_id = (0, link.link_id, tester.new_link_id())[place % 3]
            said = version | (SEALED_BIT if place % 2 else 0)
            data = plain(message_type, link_id, 5, bytes(24), said)
            response = plain_response((yield from tester.exchange(data)), link_id, 5)
            reason = refused(response, message_type, RefusalCode.UNSUPPORTED_VERSION, Field.VERSION)
            expect_equal("value of the reason", reason.value, version)
            expect_equal(
                "minimum and maximum of the reason",
                (reason.minimum, reason.maximum),
                (PROTOCOL_VERSION, PROTOCOL_VERSION),
            )
    yield from link.ask(Interrogate())


@pump_case(
    "link/other-version-not-carried-out",
    Level.MUST,
    "LINK-12 SEQ-07",
    expects="it is refused, stages nothing and uses no sequence number up",
    changes_nothing=True,
)
def other_version_not_carried_out(tester: Tester) -> Play[None]:
    """A StagePrescription that would be taken, in version 2, with the next number of the link."""
    link = yield from tester.link()
    request = yield from staging_anew(link)
    number = link.sequence + 1
    for version in (2, SEALED_BIT | 2):
        data = plain(request.message_type, link.link_id, number, encode(request), version)
        response = plain_response((yield from tester.exchange(data)), link.link_id, number)
        refused(response, request.message_type, RefusalCode.UNSUPPORTED_VERSION, Field.VERSION)
    yield from link.ask(Interrogate(), sequence=number)


# --- Only asked for ------------------------------------------------------------------------------


@pump_case(
    "link/responses-ignored",
    Level.MUST,
    "LINK-11 MSG-09",
    expects="silence, and no sequence number is used up",
    changes_nothing=True,
)
def responses_ignored(tester: Tester) -> Play[None]:
    """Every response and types above 0x80 that nobody knows, in and outside the open link, plain
    and sealed, in version 1 and another."""
    link = yield from tester.link()
    number = link.sequence + 1
    types = (*(each for each in MessageType if each >= RESPONSE_BIT), RESPONSE_BIT, 0xA0, 0xFE)
    sent_bytes = 0
    for message_type in types:
        sent_bytes += yield from pour(
            (
                plain(message_type, 0, 1),
                plain(message_type, link.link_id, number, b"payload"),
                plain(message_type, link.link_id, number, b"", 2),
                link.raw(message_type, b"payload", sequence=number),
            )
        )
    yield from tester.alive(behind=sent_bytes)
    yield from link.ask(Interrogate(), sequence=number)


@pump_case(
    "link/own-echo-ignored",
    Level.MUST,
    "LINK-11",
    expects="silence",
)
def own_echo_ignored(tester: Tester) -> Play[None]:
    """What the pump answered comes back to it: a response and a refusal, plain and of a link."""
    link = yield from tester.link()
    unknown_slot = link.raw(MessageType.READ_PRESCRIPTION, b"\xee", sequence=link.sequence + 1)
    for data in (identify(1), identify(2, b"?"), unknown_slot, link.frame(Interrogate())):
        answer = yield from tester.exchange(data)
        yield from tester.unanswered(answer.to_bytes())


@pump_case(
    "link/speaks-only-when-asked",
    Level.MUST,
    "LINK-01",
    expects="silence while nobody asks",
)
def speaks_only_when_asked(tester: Tester) -> Play[None]:
    """Nothing is sent for 240 ms, without a link and with one."""
    yield from tester.gap()
    yield from tester.alive()
    yield from tester.link()
    yield from tester.gap()
    yield from tester.alive()


@pump_case(
    "link/alarm-not-announced",
    Level.MUST,
    "LINK-01 ALARM-03",
    expects="silence until it is asked, and the alarm in its status then",
    hooks="advance",
)
def alarm_not_announced(tester: Tester) -> Play[None]:
    """The reservoir runs low in therapy time while a link is open."""
    link = yield from tester.link()
    status = yield from settled(link)
    used_in_an_hour_nl = status.infusing_nl_per_day // 24 + 1
    threshold_nl = status.prescription.low_reservoir_threshold_nl
    if not threshold_nl:
        raise Unsupported("the pump allows no low-reservoir threshold but 0")
    capacity_nl = tester.identity.reservoir_capacity_nl
    yield from refill(link, min(capacity_nl, threshold_nl + used_in_an_hour_nl))
    yield from advance(2 * HOUR_MS)
    yield from tester.wait(20)
    yield from tester.alive()
    status = yield from link.ask(Interrogate())
    expect(
        listed(status, Alarm.LOW_RESERVOIR) is not None,
        "LOW_RESERVOIR is not listed an hour after the threshold was reached",
    )
    yield from settled(link)
