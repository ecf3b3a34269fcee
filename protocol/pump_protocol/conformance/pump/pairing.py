"""Cases about pairing: what a one-time code opens, and for how long it is good."""

import re
from dataclasses import replace
from hashlib import sha256
from typing import Final

from pump_protocol.access import PAIRING
from pump_protocol.codes import (
    PAIRING_ATTEMPTS,
    PAIRING_KEY_ID,
    PAIRING_LIMIT_MS,
    AccessEvent,
    Field,
    RefusalCode,
    UserRole,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import (
    check_address,
    expect,
    expect_equal,
    plain_response,
    refused,
)
from pump_protocol.conformance.hooks import lay_on, lift_off, shown_code
from pump_protocol.conformance.pump.common.reading import access_log
from pump_protocol.conformance.pump.common.roles import judge_table
from pump_protocol.conformance.pump.common.strangers import Happened, key_fails, wrong
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.keys import Key
from pump_protocol.messages import CloseLink, Identify, OpenLink, Pair

_SHOWN: Final = re.compile(r"[A-Z2-7]{5}(-[A-Z2-7]{5}){4}-[A-Z2-7]")
_LABEL: Final = b"pump-sim pairing code 1\x00"
_MARGIN_MS: Final = 2_200
"""So long before a limit a pump is asked: it may take a second for each of two answers."""


def _key_of(code: str, role: UserRole) -> Key:
    """What a code stands for (PAIR-02)."""
    plain = code.replace("-", "").encode()
    return Key(PAIRING_KEY_ID, role, sha256(_LABEL + plain).digest())


def _new_code(role: UserRole = UserRole.CLINICIAN) -> Play[Key]:
    return _key_of((yield from shown_code(role)), role)


def _opened(tester: Tester, key: Key) -> Play[TesterLink]:
    """A link that is opened with the key of a code."""
    link = yield from tester.handshake(key)
    link.opened = yield from link.ask(OpenLink(PROGRAMMER_ID))
    return link


def _opens_no_link(link: TesterLink) -> Play[None]:
    """OpenLink through a handshake that is void is refused with LINK_NOT_OPEN."""
    request = OpenLink(PROGRAMMER_ID)
    answer = yield from link.tester.exchange(link.frame(request))
    check_address(answer, link.link_id, link.sequence)
    if answer.sealed:
        response = link.read(answer)
    else:
        response = plain_response(answer, link.link_id, link.sequence)
    refused(response, request.message_type, RefusalCode.LINK_NOT_OPEN, Field.LINK_ID)


@pump_case(
    "pairing/code",
    Level.MUST,
    "PAIR-01",
    expects="26 characters A to Z and 2 to 7, in groups of five, another code each time",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    changes_nothing=True,
)
def code(tester: Tester) -> Play[None]:
    """Several codes are shown, one after the other."""
    yield from lay_on()
    codes: list[str] = []
    for role in (UserRole.CLINICIAN, UserRole.CLINICIAN, UserRole.PATIENT, UserRole.PATIENT):
        codes += [(yield from shown_code(role))]
    yield from lift_off()
    for each in codes:
        expect(_SHOWN.fullmatch(each) is not None, f"the code {each!r} is not as PAIR-01 says")
    starts = {each[:11] for each in codes}
    expect(len(starts) == len(codes), "codes begin alike: they are not random")
    yield from tester.alive()


@pump_case(
    "pairing/gives-the-key",
    Level.MUST,
    "PAIR-02 PAIR-03 PAIR-05 KEY-01 PAIR-06",
    expects="Paired with the pump's key of that role, as often as it is asked in that link, and the"
    " key opens a link",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    changes_nothing=True,
)
def gives_the_key(tester: Tester) -> Play[None]:
    """A code for each role, a link opened with it, Pair twice, CloseLink; and a link opened with
    the key that was told."""
    yield from lay_on()
    told: list[Key] = []
    for role in UserRole:
        link = yield from _opened(tester, (yield from _new_code(role)))
        paired = yield from link.ask(Pair())
        again = yield from link.ask(Pair())
        expect_equal("the second Paired of a link", again, paired)
        expect_equal("role of Paired", paired.role, role)
        key = Key(paired.key_id, paired.role, paired.secret)
        if role in tester.subject.keys:
            given = tester.key(role)
            expect(key == given, f"Paired told another key of {role.name} than was given")
        told += [key]
        yield from link.ask(CloseLink())
        yield from _opened(tester, key)
    yield from lift_off()
    expect_equal("different secrets of the roles", len({each.secret for each in told}), len(told))


@pump_case(
    "pairing/nothing-else",
    Level.MUST,
    "PAIR-03 ROLE-01 ROLE-02",
    expects="NOT_PERMITTED / MESSAGE_TYPE for all but OpenLink, CloseLink, Identify and Pair",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    changes_nothing=True,
)
def nothing_else(tester: Tester) -> Play[None]:
    """Every message type, known or not, in a link opened with a code for CLINICIAN, and in one for
    PATIENT."""
    yield from lay_on()
    for role in (UserRole.CLINICIAN, UserRole.PATIENT):
        link = yield from _opened(tester, (yield from _new_code(role)))
        yield from judge_table(link, PAIRING)
        yield from link.ask(Identify())
    yield from lift_off()


@pump_case(
    "pairing/used-once",
    Level.MUST,
    "PAIR-04 PAIR-05",
    expects="AUTHENTICATION_FAILED once a link was opened with it; a handshake alone is no use",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    changes_nothing=True,
)
def used_once(tester: Tester) -> Play[None]:
    """Handshakes with a code before a link was opened with it, when it was opened, when the key was
    told, and when that link was closed."""
    yield from lay_on()
    key = yield from _new_code()
    yield from tester.handshake(key)
    link = yield from _opened(tester, key)
    yield from key_fails(tester, key)
    yield from link.ask(Pair())
    yield from key_fails(tester, key)
    yield from link.ask(CloseLink())
    yield from key_fails(tester, key)
    yield from lift_off()


@pump_case(
    "pairing/role-and-id",
    Level.MUST,
    "PAIR-02 AUTH-07",
    expects="AUTHENTICATION_FAILED; the code is good all the same for its role",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    changes_nothing=True,
)
def role_and_id(tester: Tester) -> Play[None]:
    """Handshakes with the secret of a code for PATIENT, under the other roles and under the id of
    the pump's key; none of them is under key id 0 and the role of the code."""
    yield from lay_on()
    key = yield from _new_code(UserRole.PATIENT)
    for role in (UserRole.OBSERVER, UserRole.CLINICIAN, UserRole.SERVICE):
        yield from key_fails(tester, replace(key, role=role))
    key_id = tester.key().key_id
    yield from key_fails(tester, replace(key, role=UserRole.CLINICIAN, key_id=key_id))
    yield from _opened(tester, key)
    yield from lift_off()


@pump_case(
    "pairing/three-failures",
    Level.MUST,
    "PAIR-04",
    expects="two failures leave the code good; the third makes it void",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    changes_nothing=True,
)
def three_failures(tester: Tester) -> Play[None]:
    """Two handshakes with a wrong code and the right one; three with a wrong one and the right
    one."""
    yield from lay_on()
    key = yield from _new_code()
    for _ in range(PAIRING_ATTEMPTS - 1):
        yield from key_fails(tester, wrong(key))
    yield from _opened(tester, key)
    key = yield from _new_code()
    for _ in range(PAIRING_ATTEMPTS):
        yield from key_fails(tester, wrong(key))
    yield from key_fails(tester, key)
    yield from lift_off()
    yield from tester.link()


@pump_case(
    "pairing/next-code",
    Level.MUST,
    "PAIR-04 PAIR-05",
    expects="the code before is void, its handshake opens nothing, and Pair is refused: NOT_NEAR",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    changes_nothing=True,
)
def next_code(tester: Tester) -> Play[None]:
    """Another code is shown: before a handshake with the first, between that and OpenLink, and when
    a link was opened with the first."""
    yield from lay_on()
    first = yield from _new_code()
    second = yield from _new_code()
    yield from key_fails(tester, first)
    waiting = yield from tester.handshake(second)
    yield from _new_code(UserRole.PATIENT)
    yield from _opens_no_link(waiting)
    third = yield from _new_code()
    link = yield from _opened(tester, third)
    yield from _new_code()
    yield from link.refused(Pair(), RefusalCode.NOT_NEAR, Field.NONE)
    yield from link.ask(Identify())
    yield from lift_off()


@pump_case(
    "pairing/proximity-ends",
    Level.MUST,
    "PAIR-04 PAIR-05",
    expects="the code is void, also when proximity has begun again; its handshake opens nothing,"
    " and Pair is refused: NOT_NEAR",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    changes_nothing=True,
)
def proximity_ends(tester: Tester) -> Play[None]:
    """The head is lifted off, and laid on again: before a handshake with the code, between that and
    OpenLink, and when a link was opened with it."""
    yield from lay_on()
    key = yield from _new_code()
    yield from lift_off()
    yield from key_fails(tester, key)
    yield from lay_on()
    yield from key_fails(tester, key)
    key = yield from _new_code()
    waiting = yield from tester.handshake(key)
    yield from lift_off()
    yield from lay_on()
    yield from _opens_no_link(waiting)
    key = yield from _new_code()
    link = yield from _opened(tester, key)
    yield from lift_off()
    yield from link.refused(Pair(), RefusalCode.NOT_NEAR, Field.NONE)
    yield from lay_on()
    yield from link.refused(Pair(), RefusalCode.NOT_NEAR, Field.NONE)
    yield from lift_off()


@pump_case(
    "pairing/two-minutes",
    Level.MUST,
    "PAIR-04 PAIR-05 TIME-03",
    expects="the code is good shortly before the limit and void at it; a link that was opened with"
    " it goes on to be paired",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    waits_ms=2 * (PAIRING_LIMIT_MS + _MARGIN_MS),
    changes_nothing=True,
)
def two_minutes(tester: Tester) -> Play[None]:
    """Handshakes with a code shortly before 120 s of link time, and at 120 s; Pair after them in a
    link that was opened before."""
    yield from lay_on()
    key = yield from _new_code()
    yield from tester.wait(PAIRING_LIMIT_MS - _MARGIN_MS)
    link = yield from _opened(tester, key)
    yield from tester.wait(2 * _MARGIN_MS)
    yield from link.ask(Pair())
    key = yield from _new_code()
    yield from tester.wait(PAIRING_LIMIT_MS)
    yield from key_fails(tester, key)
    yield from lift_off()


@pump_case(
    "pairing/recorded",
    Level.MUST,
    "SEC-07 LOG-02",
    expects="PAIRED with the role as `code` and the link id; one more for each Paired",
    profile=Profile.AUTHENTICATED,
    hooks="proximity pair",
    changes_nothing=True,
)
def paired_is_recorded(tester: Tester) -> Play[None]:
    """A key is handed over, and a Pair is refused; the access log before and after."""
    role = UserRole.PATIENT
    before = yield from access_log((yield from tester.link()))
    yield from lay_on()
    link = yield from _opened(tester, (yield from _new_code(role)))
    yield from link.ask(Pair())
    yield from lift_off()
    yield from link.refused(Pair(), RefusalCode.NOT_NEAR)
    after = yield from access_log((yield from tester.link()))
    Happened(AccessEvent.PAIRED, role).counted(before, after, link.link_id)
    refusal = Happened(AccessEvent.REFUSED, RefusalCode.NOT_NEAR, Pair.message_type)
    refusal.counted(before, after, link.link_id)
