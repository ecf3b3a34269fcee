"""Cases about security profiles, about keys, and about what a pump says of both."""

import re
from collections.abc import Iterable
from hashlib import sha256
from itertools import combinations
from typing import Final

from pump_protocol.access import PLAIN
from pump_protocol.codes import (
    RESPONSE_BIT,
    AccessEvent,
    Field,
    MessageType,
    PrescriptionSlot,
    RefusalCode,
    UserRole,
)
from pump_protocol.conformance.by_hand import TYPE_AT, sealed, with_bit_flipped
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal, shown
from pump_protocol.conformance.pump.common.reading import access_log, log_from
from pump_protocol.conformance.pump.common.strangers import (
    Attempt,
    Happened,
    key_fails,
    refused_plainly,
    wrong,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import Handshake, TesterLink
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.keys import Key
from pump_protocol.messages import (
    CloseLink,
    Identify,
    Interrogate,
    OpenLink,
    Pair,
    ReadNote,
    ReadPrescription,
    SelfTest,
)
from pump_protocol.payloads import encode

_EXAMPLE_SECRETS: Final = tuple(bytes(range(start, start + 32)) for start in (0x00, 0x20, 0x40))
"""What section 18 of the specification prints for everybody."""

_TOLD_BYTES: Final = 6
"""So many bytes of a secret in a row are no chance."""

_KNOWN_TYPES: Final = frozenset(MessageType)


# --- What a pump with keys takes in plain frames -----------------------------------------------


@pump_case(
    "security/plain-requests-refused",
    Level.MUST,
    "SEC-05 SEC-06 LINK-04 MSG-03 MSG-09",
    expects="AUTHENTICATION_REQUIRED / NONE for each, in plain frames, and the open link goes on",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def plain_requests_refused(tester: Tester) -> Play[None]:
    """Plain requests of every type but Identify, Authenticate and the emergency messages, and of
    types that nobody knows: under no link, a fresh link id, and that of an open sealed link."""
    link = yield from tester.link()
    types = [each for each in range(RESPONSE_BIT) if each not in PLAIN]
    for message_type in types:
        # Types that nobody knows have one rule; one link id is enough for most of them.
        known = message_type in _KNOWN_TYPES or message_type == types[-1]
        for link_id in (link.link_id, 0, tester.new_link_id()) if known else (link.link_id,):
            data = frame_bytes(message_type, link_id, link.sequence + 1, b"\x01")
            code = RefusalCode.AUTHENTICATION_REQUIRED
            yield from refused_plainly(tester, data, code, Field.NONE)
    yield from link.ask(Interrogate())


@pump_case(
    "security/no-fall-back",
    Level.MUST,
    "SEC-06 AUTH-07",
    expects="AUTHENTICATION_REQUIRED each time, and the same Identity as before",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def no_fall_back(tester: Tester) -> Play[None]:
    """A plain OpenLink after a handshake that failed, after one that nobody went on with, after a
    forged sealed frame and after the link was closed; and Identify."""
    before = tester.identity
    key = tester.key()
    yield from key_fails(tester, wrong(key))
    yield from _no_plain_link(tester)
    yield from tester.handshake(key)
    yield from _no_plain_link(tester)
    link = yield from tester.link()
    forged = with_bit_flipped(link.frame(Interrogate()), 8 * 40)
    yield from refused_plainly(tester, forged, RefusalCode.NOT_AUTHENTIC)
    yield from _no_plain_link(tester)
    yield from link.ask(CloseLink())
    yield from _no_plain_link(tester)
    again = yield from tester.identify()
    expect_equal("what the pump says of itself", again, before)


def _no_plain_link(tester: Tester) -> Play[None]:
    link_id = tester.new_link_id()
    opening = tester.outside(OpenLink(1), link_id=link_id)
    code = RefusalCode.AUTHENTICATION_REQUIRED
    yield from refused_plainly(tester, opening, code, Field.NONE)
    asking = tester.outside(Interrogate(), link_id=link_id)
    yield from refused_plainly(tester, asking, code, Field.NONE)


# --- A pump without security -------------------------------------------------------------------


@pump_case(
    "security/insecure-refuses-handshakes",
    Level.MUST,
    "SEC-01",
    expects="AUTHENTICATION_FAILED, and the open link goes on",
    profile=Profile.LEGACY_INSECURE,
    changes_nothing=True,
)
def insecure_refuses_handshakes(tester: Tester) -> Play[None]:
    """Authenticate to a LEGACY_INSECURE pump, well made, too short, empty and with an unknown role,
    under a fresh link id, under 0 and under that of the open link."""
    ended = yield from tester.link()
    yield from ended.ask(CloseLink())
    link = yield from tester.link()
    key = Key(1, UserRole.CLINICIAN, tester.entropy(32))
    good = Attempt(tester, key).frame[20:-4]
    unknown_role = good[:8] + b"\x09" + good[9:]
    for link_id in (tester.new_link_id(), 0, link.link_id, ended.link_id):
        for payload in (good, good[:-1], b"", unknown_role):
            data = frame_bytes(MessageType.AUTHENTICATE, link_id, link.sequence + 1, payload)
            yield from refused_plainly(tester, data, RefusalCode.AUTHENTICATION_FAILED)
    yield from link.ask(Interrogate())


@pump_case(
    "security/insecure-has-no-keys-to-give",
    Level.MUST,
    "SEC-01",
    expects="NOT_PERMITTED",
    profile=Profile.LEGACY_INSECURE,
    changes_nothing=True,
)
def insecure_has_no_keys_to_give(tester: Tester) -> Play[None]:
    """Pair in an open link of a LEGACY_INSECURE pump."""
    link = yield from tester.link()
    yield from link.refused(Pair(), RefusalCode.NOT_PERMITTED)
    yield from link.ask(Interrogate())


@pump_case(
    "security/insecure-refuses-sealed",
    Level.MUST,
    "SEC-01 SEAL-06",
    expects="NOT_AUTHENTIC / NONE in plain frames, whatever the link; the open link goes on",
    profile=Profile.LEGACY_INSECURE,
    changes_nothing=True,
)
def insecure_refuses_sealed(tester: Tester) -> Play[None]:
    """Sealed requests to a LEGACY_INSECURE pump: under the id of the open link, of one that ended,
    and of none, and one that is too short to be sealed."""
    ended = yield from tester.link()
    yield from ended.ask(CloseLink())
    link = yield from tester.link()
    number = link.sequence + 1
    for link_id in (link.link_id, ended.link_id, tester.new_link_id(), 0):
        for message_type in (MessageType.INTERROGATE, MessageType.OPEN_LINK, MessageType.IDENTIFY):
            data = sealed(bytes(32), 0, message_type, link_id, number, encode(OpenLink(1)))
            code = RefusalCode.NOT_AUTHENTIC
            yield from refused_plainly(tester, data, code, Field.NONE)
    short = Frame(MessageType.INTERROGATE, link.link_id, number, b"", 0x81).to_bytes()
    yield from refused_plainly(tester, short, RefusalCode.NOT_AUTHENTIC, Field.NONE)
    yield from link.ask(Interrogate(), sequence=number)


# --- What is recorded --------------------------------------------------------------------------


@pump_case(
    "security/refusals-are-recorded",
    Level.MUST,
    "SEC-07 LOG-02 REF-01",
    expects="one more in the access log of each, with its link id; request_type 0 of NOT_AUTHENTIC",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def refusals_are_recorded(tester: Tester) -> Play[None]:
    """A plain request, a handshake that fails, a forged and a replayed sealed frame, and a request
    that no role may send; the access log before and after."""
    link = yield from tester.link()
    before = yield from access_log(link)
    plain = tester.outside(Interrogate(), link_id=tester.new_link_id())
    yield from refused_plainly(tester, plain, RefusalCode.AUTHENTICATION_REQUIRED)
    begun = Handshake(tester, wrong(tester.key()), tester.new_link_id())
    yield from refused_plainly(tester, begun.frame, RefusalCode.AUTHENTICATION_FAILED)
    good = link.frame(Interrogate())
    yield from refused_plainly(tester, with_bit_flipped(good, 8 * 40), RefusalCode.NOT_AUTHENTIC)
    yield from link.exchange(good)
    yield from link.ask(Identify())
    yield from refused_plainly(tester, good, RefusalCode.NOT_AUTHENTIC, Field.COUNTER)
    yield from link.refused(Pair(), RefusalCode.NOT_PERMITTED)
    after = yield from access_log(link)
    failed, forged = AccessEvent.AUTHENTICATION_FAILED, AccessEvent.NOT_AUTHENTIC
    plain_id = int.from_bytes(plain[4:12], "little")
    for event, request_type, code, field, link_id in (
        (AccessEvent.REFUSED, 0x04, RefusalCode.AUTHENTICATION_REQUIRED, Field.NONE, plain_id),
        (failed, 0x17, RefusalCode.AUTHENTICATION_FAILED, Field.NONE, begun.link_id),
        (forged, 0, RefusalCode.NOT_AUTHENTIC, Field.NONE, link.link_id),
        (forged, 0, RefusalCode.NOT_AUTHENTIC, Field.COUNTER, link.link_id),
        (AccessEvent.REFUSED, 0x18, RefusalCode.NOT_PERMITTED, Field.MESSAGE_TYPE, link.link_id),
    ):
        Happened(event, code, request_type, field).counted(before, after, link_id)


@pump_case(
    "security/opened-links-are-recorded",
    Level.MUST,
    "SEC-07 LOG-02",
    expects="AUTHENTICATED in the access log, with the role as `code`, for each link",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def opened_links_are_recorded(tester: Tester) -> Play[None]:
    """Links that are opened with each key that was given, and a handshake that none follows."""
    first = yield from tester.link()
    before = yield from access_log(first)
    links: list[TesterLink] = []
    for role in tester.subject.keys:
        links += [(yield from tester.link(role))]
    yield from tester.handshake(tester.key())
    last = yield from tester.link()
    links.append(last)
    after = yield from access_log(last)
    for role in tester.subject.keys:
        opened = [each for each in links if each.key is not None and each.key.role is role]
        happened = Happened(AccessEvent.AUTHENTICATED, role)
        happened.counted(before, after, opened[-1].link_id, times=len(opened))


# --- Keys --------------------------------------------------------------------------------------


@pump_case(
    "key/no-two-alike",
    Level.MUST,
    "KEY-01 KEY-02",
    expects="ids other than 0, no id or secret twice, and none of the specification's examples",
    profile=Profile.AUTHENTICATED,
)
def no_two_alike(tester: Tester) -> Play[None]:
    """The keys that were given, each of which must open a link of its role first."""
    keys = [tester.key(role) for role in tester.subject.keys]
    for key in keys:
        yield from tester.link(key.role)
        expect(key.key_id != 0, f"the key of {key.role.name} has the id 0")
        expect(
            key.secret not in _EXAMPLE_SECRETS,
            f"the secret of {key.role.name} is printed in the specification",
        )
        expect(
            len(set(key.secret)) > 8,
            f"the secret of {key.role.name} is not random: few bytes differ",
        )
        serial_number = tester.identity.serial_number.encode()
        expect(
            key.secret != sha256(serial_number).digest(),
            f"the secret of {key.role.name} is made of the serial number",
        )
    for one, other in combinations(keys, 2):
        names = f"{one.role.name} and {other.role.name}"
        expect(one.key_id != other.key_id, f"the keys of {names} have one id")
        expect(one.secret != other.secret, f"the keys of {names} have one secret")


@pump_case(
    "key/secrets-told-nowhere",
    Level.MUST,
    "KEY-03 SEC-07",
    expects="no part of a key's secret, or of the keys of the link, in anything that is answered",
    profile=Profile.AUTHENTICATED,
)
def secrets_told_nowhere(tester: Tester) -> Play[None]:
    """Everything that can be read, both logs, refusals of each kind, and a handshake's answers."""
    said: list[tuple[str, bytes]] = []
    key = tester.key()
    for data in (
        tester.outside(Identify()),
        tester.outside(Interrogate()),
        Handshake(tester, wrong(key), tester.new_link_id()).frame,
        Handshake(tester, Key(key.key_id ^ 1, key.role, key.secret), tester.new_link_id()).frame,
        sealed(key.secret, 0, MessageType.OPEN_LINK, tester.new_link_id(), 1, bytes(8)),
    ):
        answer = yield from tester.exchange(data)
        said.append((f"the answer to a frame of type 0x{data[TYPE_AT]:02X}", answer.payload))
    link = yield from tester.link()
    for request in (
        Interrogate(),
        ReadPrescription(PrescriptionSlot.CURRENT),
        ReadNote(),
        SelfTest(),
        Pair(),
    ):
        response = yield from link.exchange(link.frame(request))
        said.append((f"the answer to {type(request).__name__}", encode(response)))
    for entry in (yield from log_from(link, 1)):
        numbers = (entry.a, entry.b, entry.link_id)
        said.append((f"record {entry.sequence} of the therapy log", _told(*numbers)))
    for record in (yield from access_log(link)):
        numbers = (record.first_at_ms, record.last_at_ms, record.link_id)
        said.append((f"record {record.sequence} of the access log", _told(*numbers)))
    for role in tester.subject.keys:
        _not_told(f"the secret of {role.name}", tester.key(role).secret, said)
    for secrets in tester.secrets[link.link_id]:
        _not_told("a key of the link", secrets.to_pump, said)
        _not_told("a key of the link", secrets.to_programmer, said)


def _told(*numbers: int) -> bytes:
    """Numbers of a record as bytes."""
    return b"".join(each.to_bytes(16, "little", signed=True) for each in numbers)


def _not_told(what: str, secret: bytes, said: Iterable[tuple[str, bytes]]) -> None:
    parts = [secret[at : at + _TOLD_BYTES] for at in range(len(secret) - _TOLD_BYTES + 1)]
    texts = re.compile("|".join(part.hex() for part in parts).encode())
    for where, data in said:
        backwards = data[::-1]  # as a number is written
        told = any(part in data or part in backwards for part in parts)
        if told or texts.search(data.lower()):
            expect(met=False, otherwise=f"{where} tells a part of {what}: {shown(data)}")
