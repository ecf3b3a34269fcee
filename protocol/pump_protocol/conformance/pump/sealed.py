"""Cases about sealed frames: how they are made, which are believed, and what answers them."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import (
    MAX_PAYLOAD_BYTES,
    RESPONSE_BIT,
    Capability,
    Field,
    LogEvent,
    MessageType,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.by_hand import (
    COUNTER_AT,
    SEALED_VERSION,
    TYPE_AT,
    VERSION_AT,
    counter_of,
    mended,
    sealed,
    unsealed,
    with_bit_flipped,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import (
    accepted,
    expect,
    expect_equal,
    refused,
    response_of,
)
from pump_protocol.conformance.pump.common.orders import next_bolus
from pump_protocol.conformance.pump.common.reading import log_from, next_record
from pump_protocol.conformance.pump.common.ready import settled
from pump_protocol.conformance.pump.common.strangers import refused_plainly, sealed_as, secrets_of
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import PROGRAMMER_ID, Tester
from pump_protocol.conformance.therapy import end_bolus, on_therapy
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.messages import (
    CloseLink,
    Identify,
    Interrogate,
    OpenLink,
    ReadLog,
    ReadPrescription,
    Refusal,
)
from pump_protocol.payloads import encode

_LAST_COUNTER: Final = 2**64 - 2
_REFUSED: Final = (MessageType.PAIR, MessageType.READ_LOG)
"""Refused by its role, and as malformed, if it has no payload."""


# --- How they are made -------------------------------------------------------------------------


@pump_case(
    "sealed/layout",
    Level.MUST,
    "SEAL-01 SEAL-02 SEAL-07 FRAME-02",
    expects="answers that are sealed as the specification says, and say what was asked for",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def layout(tester: Tester) -> Play[None]:
    """Requests sealed by hand (nonce, 26 bytes of associated data), with no payload, a short one
    and the longest that a frame may carry; the answers are opened by hand."""
    link = yield from tester.link()
    secrets = secrets_of(link)
    longest = bytes(MAX_PAYLOAD_BYTES)
    for counter, (message_type, payload) in enumerate(
        (
            (MessageType.INTERROGATE, b""),
            (MessageType.READ_PRESCRIPTION, bytes((PrescriptionSlot.CURRENT,))),
            (MessageType.READ_LOG, encode(ReadLog(1, 2))),
            (MessageType.INTERROGATE, longest),
        ),
        start=1,
    ):
        number = link.sequence + counter
        data = sealed(secrets.to_pump, counter, message_type, link.link_id, number, payload)
        answer = yield from tester.exchange(data)
        expect_equal("sequence of the answer", answer.sequence, number)
        said = response_of(answer.message_type, unsealed(secrets.to_programmer, answer))
        if payload is longest:
            reason = refused(said, message_type, RefusalCode.MALFORMED, Field.PAYLOAD)
            expect_equal("value of the reason", reason.value, MAX_PAYLOAD_BYTES)
        else:
            expect_equal(
                "message type of the answer", answer.message_type, message_type + RESPONSE_BIT
            )
            expect(not isinstance(said, Refusal), f"a request sealed well was refused: {said}")


@pump_case(
    "sealed/answers-counted-by-one",
    Level.MUST,
    "SEAL-03",
    expects="counters 1, 2, 3 and so on in new answers; in repeated ones those of before",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def answers_counted_by_one(tester: Tester) -> Play[None]:
    """Responses, refusals, repeated answers and plain frames between them, in one link; the counter
    of its LinkOpened was 0."""
    link = yield from tester.link()
    kinds = (MessageType.INTERROGATE, *_REFUSED, MessageType.INTERROGATE)
    for expected, message_type in enumerate(kinds, start=1):
        # Not the counters of the pump: the two directions count apart.
        data = sealed_as(link, 10 * expected, message_type)
        answer = yield from tester.exchange(data)
        expect_equal("counter of the answer", counter_of(answer), expected)
        yield from link.repeated(data, answer)
        yield from tester.ask_outside(Identify())
        plain = tester.outside(Interrogate(), link_id=link.link_id)
        yield from refused_plainly(tester, plain, RefusalCode.AUTHENTICATION_REQUIRED)


@pump_case(
    "sealed/answers-are-sealed",
    Level.MUST,
    "SEAL-07",
    expects="every answer sealed, refusals too",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def answers_are_sealed(tester: Tester) -> Play[None]:
    """In an open link: what is answered, and what is refused by its number, its role, its type, its
    payload, its link id being used, and by what it asks for."""
    link = yield from tester.link()
    yield from link.ask(Identify())
    yield from link.refused(Interrogate(), RefusalCode.SEQUENCE_REUSED, sequence=link.sequence)
    number = link.sequence
    yield from link.refused(Interrogate(), RefusalCode.SEQUENCE_STALE, sequence=number - 1)
    link.sequence = number
    yield from link.refused_raw(MessageType.PAIR, b"", RefusalCode.NOT_PERMITTED)
    yield from link.refused_raw(0x7F, b"", RefusalCode.NOT_PERMITTED)
    yield from link.refused_raw(MessageType.READ_LOG, b"", RefusalCode.MALFORMED)
    yield from link.refused(ReadLog(1, 0), RefusalCode.OUT_OF_RANGE)
    opening = OpenLink(PROGRAMMER_ID)
    yield from link.refused(opening, RefusalCode.LINK_ID_USED, sequence=link.sequence + 1)
    yield from link.ask(CloseLink(), sequence=link.sequence)  # that number was not used up


@pump_case(
    "sealed/other-version",
    Level.MUST,
    "LINK-12 MSG-09",
    expects="UNSUPPORTED_VERSION / VERSION with the version without bit 7, in a plain frame",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def other_version(tester: Tester) -> Play[None]:
    """A sealed request of a protocol version higher than the pump speaks and of 0, in an open link;
    then a good one with its number and counter."""
    link = yield from tester.link()
    good = link.frame(Interrogate())
    highest = tester.identity.protocol_version
    for version in (highest + 1, 0):
        data = bytearray(good)
        data[VERSION_AT] = 0x80 | version
        code = RefusalCode.UNSUPPORTED_VERSION
        reason = yield from refused_plainly(tester, mended(bytes(data)), code, Field.VERSION)
        numbers = (reason.value, reason.maximum)
        expect_equal("value and maximum of the reason", numbers, (version, highest))
    yield from link.exchange(good)


# --- Which are believed ------------------------------------------------------------------------


@pump_case(
    "sealed/gaps-between-counters",
    Level.MUST,
    "SEAL-04 SEAL-03",
    expects="each is answered, the last counter of all too; the next link begins at 0",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def gaps_between_counters(tester: Tester) -> Play[None]:
    """Good frames with the counters 5, 6, 1,000, 2^32, 2^63 and 2^64 - 2, and then another link."""
    link = yield from tester.link()
    for counter in (5, 6, 1_000, 2**32, 2**63, _LAST_COUNTER):
        response = yield from link.exchange(sealed_as(link, counter, MessageType.INTERROGATE))
        accepted(Interrogate(), response)
    yield from tester.link()


@pump_case(
    "sealed/replayed",
    Level.MUST,
    "SEAL-04 SEAL-06",
    expects="NOT_AUTHENTIC / COUNTER in plain frames, under the number of the frame",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def replayed(tester: Tester) -> Play[None]:
    """The identical bytes of earlier requests of an open link, OpenLink among them, when a later
    one was answered: all of them, in both orders; and a frame that overtook nothing."""
    link = yield from tester.handshake(tester.key())
    recorded = []
    for request in (OpenLink(PROGRAMMER_ID), Interrogate(), ReadLog(1, 1), Identify()):
        data = link.frame(request)
        accepted(request, (yield from link.exchange(data)))
        recorded += [data]
    for data in (*recorded[:-1], *reversed(recorded[:-1])):
        yield from refused_plainly(tester, data, RefusalCode.NOT_AUTHENTIC, Field.COUNTER)
    yield from link.ask(Interrogate())


@pump_case(
    "sealed/overtaken",
    Level.MUST,
    "SEAL-04 SEAL-06",
    expects="NOT_AUTHENTIC / COUNTER, and the link goes on",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def overtaken(tester: Tester) -> Play[None]:
    """A good frame that was never sent before, with a new sequence number, and a counter below, and
    equal to, that of the last frame that was believed."""
    link = yield from tester.link()
    response = yield from link.exchange(sealed_as(link, 10, MessageType.INTERROGATE))
    accepted(Interrogate(), response)
    for counter in (9, 10, 0):
        late = sealed_as(link, counter, MessageType.INTERROGATE)
        yield from refused_plainly(tester, late, RefusalCode.NOT_AUTHENTIC, Field.COUNTER)
    response = yield from link.exchange(sealed_as(link, 11, MessageType.INTERROGATE))
    accepted(Interrogate(), response)


@pump_case(
    "sealed/replayed-order",
    Level.MUST,
    "SEAL-04 SEAL-06 SEC-07",
    expects="NOT_AUTHENTIC / COUNTER, and one bolus in the log",
    profile=Profile.AUTHENTICATED,
)
def replayed_order(tester: Tester) -> Play[None]:
    """A bolus is ordered and aborted, and the identical bytes of the order come again."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    first = yield from next_record(link)
    order = next_bolus(link, prescription)
    data = link.frame(order)
    accepted(order, (yield from link.exchange(data)))
    yield from end_bolus(link, must_run=True)
    for _ in range(2):
        yield from refused_plainly(tester, data, RefusalCode.NOT_AUTHENTIC, Field.COUNTER)
    records = yield from log_from(link, first)
    begun = [each for each in records if each.event is LogEvent.BOLUS_STARTED]
    expect_equal("records BOLUS_STARTED of one order", len(begun), 1)


@pump_case(
    "sealed/altered",
    Level.MUST,
    "SEAL-02 SEAL-04 SEAL-06",
    expects="refused in plain frames, or silence where it became a response; then the good frame is"
    " answered",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def altered(tester: Tester) -> Play[None]:
    """A sealed request with each bit flipped of its message type, sequence number, counter,
    ciphertext and tag, and some of its link id, one at a time and with both checks mended; and then
    the request itself."""
    link = yield from tester.link()
    # A counter in the middle, so that a flipped one may be greater or less.
    good = sealed_as(link, 3, MessageType.READ_PRESCRIPTION, bytes((PrescriptionSlot.CURRENT,)))
    link_id_bits = range(8 * 4, 8 * 12, 7)
    bits = [*range(8 * TYPE_AT, 8 * TYPE_AT + 7), *link_id_bits]
    bits += [*range(8 * 12, 8 * 16), *range(8 * COUNTER_AT, 8 * (len(good) - 4))]
    for bit in bits:
        known = bit not in link_id_bits
        code = RefusalCode.NOT_AUTHENTIC if known else RefusalCode.LINK_NOT_OPEN
        yield from refused_plainly(tester, with_bit_flipped(good, bit), code)
    yield from tester.unanswered(with_bit_flipped(good, 8 * TYPE_AT + 7))
    response = yield from link.exchange(good)
    accepted(ReadPrescription(PrescriptionSlot.CURRENT), response)


@pump_case(
    "sealed/unsealed-on-the-way",
    Level.MUST,
    "SEC-05 SEAL-02",
    expects="AUTHENTICATION_REQUIRED, in a plain frame",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def unsealed_on_the_way(tester: Tester) -> Play[None]:
    """A good sealed request whose version is altered to that of a plain frame; and the request."""
    link = yield from tester.link()
    good = link.frame(Interrogate())
    plain = with_bit_flipped(good, 8 * VERSION_AT + 7)
    yield from refused_plainly(tester, plain, RefusalCode.AUTHENTICATION_REQUIRED, Field.NONE)
    accepted(Interrogate(), (yield from link.exchange(good)))


@pump_case(
    "sealed/other-keys",
    Level.MUST,
    "SEAL-06 AUTH-06 KEY-05",
    expects="NOT_AUTHENTIC / NONE in plain frames; then a good request is answered",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def other_keys(tester: Tester) -> Play[None]:
    """Requests in an open link that are sealed with the key of the other direction, with keys of
    the link before, with the secret of the key itself, and with zeros."""
    before = yield from tester.link()
    link = yield from tester.link()
    ours, theirs = secrets_of(link), secrets_of(before)
    keys = (ours.to_programmer, theirs.to_pump, theirs.to_programmer, tester.key().secret)
    number = link.sequence + 1
    for key in (*keys, bytes(32)):
        for counter in (1, 7):
            data = sealed(key, counter, MessageType.INTERROGATE, link.link_id, number)
            yield from refused_plainly(tester, data, RefusalCode.NOT_AUTHENTIC, Field.NONE)
    yield from link.ask(Interrogate())


@pump_case(
    "sealed/reflected",
    Level.MUST,
    "SEAL-06 LINK-11",
    expects="silence to the answers as they are; NOT_AUTHENTIC to those made into requests",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def reflected(tester: Tester) -> Play[None]:
    """The pump's own sealed answers are sent back to it, as they are, and with message type, and
    with type and counter, altered so that they could be its next request."""
    link = yield from tester.link()
    answers: list[Frame] = []
    for request in (Interrogate(), ReadLog(1, 1)):
        answers += [(yield from tester.exchange(link.frame(request)))]
        link.read(answers[-1])
    for answer in answers:
        yield from tester.unanswered(answer.to_bytes())
        request_type = answer.message_type & ~RESPONSE_BIT
        turned = replace(answer, message_type=request_type)
        yield from refused_plainly(tester, turned.to_bytes(), RefusalCode.NOT_AUTHENTIC)
        later = (99).to_bytes(8, "little") + answer.payload[8:]
        turned = replace(turned, sequence=link.sequence + 1, payload=later)
        code = RefusalCode.NOT_AUTHENTIC
        yield from refused_plainly(tester, turned.to_bytes(), code, Field.NONE)
    yield from link.ask(Interrogate())


@pump_case(
    "sealed/too-short",
    Level.MUST,
    "SEAL-06",
    expects="NOT_AUTHENTIC / NONE in plain frames",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def too_short(tester: Tester) -> Play[None]:
    """Frames of an open link that are marked as sealed, and have 0 to 23 bytes of payload."""
    link = yield from tester.link()
    for length in range(24):
        payload = b"\xff" * length
        number = link.sequence + 1
        data = Frame(MessageType.INTERROGATE, link.link_id, number, payload, SEALED_VERSION)
        code = RefusalCode.NOT_AUTHENTIC
        yield from refused_plainly(tester, data.to_bytes(), code, Field.NONE)
    yield from link.ask(Interrogate())


@pump_case(
    "sealed/forged-counter",
    Level.MUST,
    "SEAL-04 SEAL-06",
    expects="NOT_AUTHENTIC / NONE of the forged ones; the good ones are answered",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def forged_counter(tester: Tester) -> Play[None]:
    """Forged frames with counters as great as they come, in an open link and through a handshake,
    each before a good frame with the next counter."""
    link = yield from tester.handshake(tester.key())
    for request in (OpenLink(PROGRAMMER_ID), Interrogate(), ReadLog(1, 1)):
        for counter in (100, _LAST_COUNTER, 2**64 - 1):
            kind = request.message_type
            data = sealed(bytes(32), counter, kind, link.link_id, link.sequence + 1, bytes(8))
            yield from refused_plainly(tester, data, RefusalCode.NOT_AUTHENTIC, Field.NONE)
        yield from link.ask(request)


@pump_case(
    "sealed/refused-uses-nothing-up",
    Level.MUST,
    "SEAL-06 SEQ-07 SEC-07",
    expects="the next number and counter are good, and the last request is still known",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def refused_uses_nothing_up(tester: Tester) -> Play[None]:
    """Frames that are not believed, with the next number and greater ones; then the identical bytes
    of the last good request, and the next one."""
    link = yield from tester.link()
    last = link.frame(Interrogate())
    answer = yield from tester.exchange(last)
    link.read(answer)
    for number in (link.sequence, link.sequence + 1, 2**32 - 1):
        forged = sealed(bytes(32), 2, MessageType.CLOSE_LINK, link.link_id, number)
        yield from refused_plainly(tester, forged, RefusalCode.NOT_AUTHENTIC, Field.NONE)
        plain = frame_bytes(MessageType.CLOSE_LINK, link.link_id, number, b"")
        yield from refused_plainly(tester, plain, RefusalCode.AUTHENTICATION_REQUIRED)
    yield from link.repeated(last, answer)
    yield from link.ask(Interrogate())
