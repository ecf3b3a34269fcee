"""Cases about handshakes: who proves to hold a key, and what a handshake may bring about."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pump_protocol.codes import (
    FREE_FAILURES,
    HANDSHAKE_LIMIT_MS,
    PAIRING_KEY_ID,
    Field,
    MessageType,
    RefusalCode,
    UserRole,
)
from pump_protocol.conformance.by_hand import (
    Bound,
    authenticate,
    counter_of,
    flipped,
    sealed,
    unsealed,
    with_bit_flipped,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import check_address, expect, expect_equal, response_of
from pump_protocol.conformance.pump.common.strangers import (
    Attempt,
    all_fail,
    fails,
    key_fails,
    refused_plainly,
    wrong,
)
from pump_protocol.conformance.steps import Play, now
from pump_protocol.conformance.tester import PROGRAMMER_ID, Tester
from pump_protocol.conformance.tester_link import Handshake
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.messages import CloseLink, Identify, Interrogate, LinkOpened, OpenLink
from pump_protocol.payloads import encode

_PAYLOAD_AT: Final = 20
_ROLE_AT: Final = _PAYLOAD_AT + 8
_MESSAGE_AT: Final = _ROLE_AT + 1

_MARGIN_MS: Final = 1_200
"""So long before a limit of link time a pump is asked: over a port time passes by itself, and a
pump may take its time to look."""

_PRIME: Final = 2**255 - 19
_LOW_ORDER: Final = (
    0,
    1,
    0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
    0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    _PRIME - 1,
    _PRIME,
    _PRIME + 1,
)
"""Public keys with which X25519 gives nothing but zeros (RFC 7748, section 6.1)."""


# --- A link is opened --------------------------------------------------------------------------


@pump_case(
    "handshake/as-specified",
    Level.MUST,
    "AUTH-01 AUTH-02 AUTH-03 AUTH-04 AUTH-06 SEAL-01 SEAL-02 SEAL-03",
    expects="LinkOpened, sealed with the pump's key of the link, counter 0",
    profile=Profile.AUTHENTICATED,
)
def as_specified(tester: Tester) -> Play[None]:
    """A link opened with each key that was given, all of it made by hand from the specification:
    the prologue, the nine steps of AUTH-06, the sealed OpenLink and the reading of its answer."""
    for role in tester.subject.keys:
        attempt = Attempt(tester, tester.key(role))
        link_id = attempt.told.link_id
        secrets = attempt.finish((yield from tester.exchange(attempt.frame)))
        payload = encode(OpenLink(PROGRAMMER_ID))
        request = sealed(secrets.to_pump, 0, MessageType.OPEN_LINK, link_id, 2, payload)
        answer = yield from tester.exchange(request)
        check_address(answer, link_id, 2)
        expect_equal("counter of the pump's first sealed frame", counter_of(answer), 0)
        said = response_of(answer.message_type, unsealed(secrets.to_programmer, answer))
        expect(isinstance(said, LinkOpened), f"OpenLink was answered with {type(said).__name__}")


@pump_case(
    "handshake/any-sequence-number",
    Level.MUST,
    "AUTH-02 SEQ-02",
    expects="the number is echoed, and OpenLink may have any number of its own",
    profile=Profile.AUTHENTICATED,
)
def any_sequence_number(tester: Tester) -> Play[None]:
    """Authenticate under the numbers 0, 7 and 2^32 - 1, each with an OpenLink of a lower, the same
    or a higher number behind it."""
    for number, opening in ((0, 0), (7, 3), (2**32 - 1, 5), (3, 2**32 - 1)):
        attempt = Attempt(tester, tester.key(), sequence=number)
        secrets = attempt.finish((yield from tester.exchange(attempt.frame)))
        yield from attempt.link(secrets).ask(OpenLink(PROGRAMMER_ID), sequence=opening)


@pump_case(
    "handshake/fresh-ephemeral-keys",
    Level.MUST,
    "AUTH-09",
    expects="another ephemeral public key each time, and other keys of the link",
    profile=Profile.AUTHENTICATED,
)
def fresh_ephemeral_keys(tester: Tester) -> Play[None]:
    """Several handshakes, the first of them sent again after another had taken its place."""
    yield from tester.link()
    first, second = (Attempt(tester, tester.key()) for _ in range(2))
    answers: list[Frame] = []
    for attempt in (first, second, first):
        answers += [(yield from tester.exchange(attempt.frame))]
    publics = {each.payload[:32] for each in answers}
    expect_equal("different ephemeral public keys in 3 handshakes", len(publics), len(answers))
    yield from tester.link()  # which sets the count of AUTH-10 to 0


# --- Handshakes that fail ----------------------------------------------------------------------


@pump_case(
    "handshake/no-such-key",
    Level.MUST,
    "AUTH-07 KEY-01",
    expects="AUTHENTICATION_FAILED / NONE",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def no_such_key(tester: Tester) -> Play[None]:
    """Handshakes made well with the right secret, but with a key id that differs in one bit, with
    the id 0 of pairing codes, and for each other role."""
    key = tester.key()
    for bit in (0, 31, 63):
        yield from key_fails(tester, replace(key, key_id=key.key_id ^ 1 << bit))
    yield from key_fails(tester, replace(key, key_id=PAIRING_KEY_ID))
    yield from tester.link()
    for role in UserRole:
        if role is not key.role:
            yield from key_fails(tester, replace(key, role=role))
    yield from tester.link()


@pump_case(
    "handshake/wrong-secret",
    Level.MUST,
    "AUTH-07 SEC-05",
    expects="AUTHENTICATION_FAILED / NONE",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def wrong_secret(tester: Tester) -> Play[None]:
    """Handshakes with the id and role of a key, and a secret that differs in one bit, is all
    zeros, or is that of another role."""
    key = tester.key()
    secrets = [flipped(key.secret, bit) for bit in (0, 127, 255)] + [bytes(32)]
    others = [tester.key(role) for role in tester.subject.keys if role is not key.role]
    secrets += [each.secret for each in others]
    keys = [replace(key, secret=each) for each in secrets]
    yield from all_fail(tester, [Attempt(tester, each).frame for each in keys])
    yield from tester.link()


@pump_case(
    "handshake/other-prologue",
    Level.MUST,
    "AUTH-04 AUTH-07 SEC-06",
    expects="AUTHENTICATION_FAILED / NONE for each part",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def other_prologue(tester: Tester) -> Play[None]:
    """Handshakes with the right key, bound to another label, version, link id, key id, role or
    Identity than those of this pump and this frame: one part at a time, by one bit; and to none."""
    key = tester.key()
    frames: list[bytes] = []
    for altered in (
        {"label": b"pump-siM"},
        {"version": 2},
        {"link_id": 1 << 63},
        {"key_id": 1 << 63},
        {"role": 1},
        {"identity": flipped(bytes(32), 0)},
        {"identity": flipped(bytes(32), 255)},
    ):
        told = Attempt.good(tester, key)
        frames += [Attempt(tester, key, told=told, bound=_altered(told, altered)).frame]
    for part, value in (("link_id", 0), ("identity", bytes(32))):  # as if it did not matter
        told = Attempt.good(tester, key)
        frames += [Attempt(tester, key, told=told, bound=_with(told, part, value)).frame]
    yield from all_fail(tester, frames)
    yield from tester.link()


def _altered(bound: Bound, altered: Mapping[str, Any]) -> Bound:
    """With other bits in one part; the label and the version are replaced."""
    ((part, value),) = altered.items()
    old = getattr(bound, part)
    if part in ("link_id", "key_id", "role"):
        value ^= old
    elif part == "identity":
        value = bytes(one ^ other for one, other in zip(old, value, strict=True))
    return _with(bound, part, value)


def _with(bound: Bound, part: str, value: object) -> Bound:
    changes: dict[str, Any] = {part: value}
    return replace(bound, **changes)


@pump_case(
    "handshake/altered-message",
    Level.MUST,
    "AUTH-03 AUTH-07",
    expects="AUTHENTICATION_FAILED / NONE, whichever bit it is",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def altered_message(tester: Tester) -> Play[None]:
    """First messages of which one bit is flipped: of the public key, its topmost bit included, and
    of the tag."""
    key = tester.key()
    bits = (0, 100, 254, 255, 256, 300, 383)
    frames = [with_bit_flipped(Attempt(tester, key).frame, 8 * _MESSAGE_AT + each) for each in bits]
    yield from all_fail(tester, frames)
    yield from tester.link()


@pump_case(
    "handshake/public-key-of-low-order",
    Level.MUST,
    "AUTH-09 AUTH-07",
    expects="AUTHENTICATION_FAILED / NONE",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def public_key_of_low_order(tester: Tester) -> Play[None]:
    """First messages with the right tag, and an ephemeral public key with which X25519 gives
    nothing but zeros."""
    publics = [each.to_bytes(32, "little") for each in _LOW_ORDER]
    key = tester.key()
    yield from all_fail(tester, [Attempt(tester, key, public=each).frame for each in publics])
    yield from tester.link()


# --- Authenticate that is refused before any arithmetic ----------------------------------------


@pump_case(
    "handshake/link-id-zero",
    Level.MUST,
    "AUTH-05 LINK-02",
    expects="OUT_OF_RANGE / LINK_ID, whatever the payload",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def link_id_zero(tester: Tester) -> Play[None]:
    """Authenticate under link id 0, well made, and with a payload that is too short."""
    bound = replace(Attempt.good(tester, tester.key()), link_id=0)
    good = Attempt(tester, tester.key(), bound=bound).frame
    short = frame_bytes(MessageType.AUTHENTICATE, 0, 1, good[_PAYLOAD_AT:-5])
    for data in (good, short):
        yield from refused_plainly(tester, data, RefusalCode.OUT_OF_RANGE, Field.LINK_ID)


@pump_case(
    "handshake/link-id-used",
    Level.MUST,
    "AUTH-05 LINK-06 LINK-07",
    expects="LINK_ID_USED / LINK_ID, whatever the payload, and the open link goes on",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def link_id_used(tester: Tester) -> Play[None]:
    """Authenticate under the id of the open link and of links that ended: well made, with a wrong
    key, cut short, and as the identical bytes with which that link began."""
    key = tester.key()
    begun = Handshake(tester, key, tester.new_link_id())
    ended = begun.finish((yield from tester.exchange(begun.frame)))
    yield from ended.ask(OpenLink(PROGRAMMER_ID))
    yield from ended.ask(CloseLink())
    replaced = yield from tester.link()
    link = yield from tester.link()
    frames = [begun.frame]
    for link_id in (ended.link_id, replaced.link_id, link.link_id):
        good = Handshake(tester, key, link_id).frame
        short = frame_bytes(MessageType.AUTHENTICATE, link_id, 1, good[_PAYLOAD_AT:-5])
        frames += [good, short, Handshake(tester, wrong(key), link_id).frame]
    for data in frames:
        yield from refused_plainly(tester, data, RefusalCode.LINK_ID_USED, Field.LINK_ID)
    yield from link.ask(Interrogate())


@pump_case(
    "handshake/fault-of-the-payload",
    Level.MUST,
    "AUTH-05 MSG-02 MSG-04",
    expects="MALFORMED / PAYLOAD with the length, UNKNOWN_VALUE / ROLE with the code",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def fault_of_the_payload(tester: Tester) -> Play[None]:
    """Authenticate that is too short by one byte, too long by one, empty, or names a role that
    nobody knows; more of them than may fail, and then a good one."""
    key = tester.key()
    good = Attempt(tester, key).frame[_PAYLOAD_AT:-4]
    for payload in (good[:-1], good + b"\x00", b""):
        data = frame_bytes(MessageType.AUTHENTICATE, tester.new_link_id(), 1, payload)
        reason = yield from refused_plainly(tester, data, RefusalCode.MALFORMED, Field.PAYLOAD)
        expect_equal("value of the reason", reason.value, len(payload))
    for code in (0, 5, 0x83, 0xFF):
        data = authenticate(tester.new_link_id(), 1, key.key_id, code, good[9:])
        reason = yield from refused_plainly(tester, data, RefusalCode.UNKNOWN_VALUE, Field.ROLE)
        expect_equal("value of the reason", reason.value, code)
    yield from tester.handshake(key)


# --- The handshake that waits ------------------------------------------------------------------


@pump_case(
    "handshake/ends-nothing",
    Level.MUST,
    "AUTH-08 LINK-05",
    expects="the open link goes on, sealed with its own keys",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def ends_nothing(tester: Tester) -> Play[None]:
    """Handshakes while a link is open: one that is answered, one that fails, and sealed requests
    that come through the one that was answered; after each, a request in the open link."""
    link = yield from tester.link()
    waiting = yield from tester.handshake(tester.key())
    yield from link.ask(Interrogate())
    yield from key_fails(tester, wrong(tester.key()))
    yield from link.ask(Interrogate())
    yield from waiting.refused(Interrogate(), RefusalCode.LINK_NOT_OPEN)
    yield from link.ask(Interrogate())


@pump_case(
    "handshake/opens-nothing",
    Level.MUST,
    "AUTH-08 SEAL-07",
    expects="LINK_NOT_OPEN / LINK_ID, sealed, and LinkOpened in the end",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def opens_nothing(tester: Tester) -> Play[None]:
    """Sealed requests under the keys of a handshake without an OpenLink, Identify among them, and
    then the OpenLink."""
    waiting = yield from tester.handshake(tester.key())
    for request in (Interrogate(), Identify(), CloseLink()):
        code = RefusalCode.LINK_NOT_OPEN
        yield from waiting.refused(request, code, Field.LINK_ID)
    yield from waiting.ask(OpenLink(PROGRAMMER_ID))
    yield from waiting.ask(Interrogate())


@pump_case(
    "handshake/open-link-ends-the-link-before",
    Level.MUST,
    "AUTH-08 LINK-05 AUTH-06",
    expects="the link before ends with the sealed OpenLink and not sooner",
    profile=Profile.AUTHENTICATED,
    changes_nothing=True,
)
def open_link_ends_the_link_before(tester: Tester) -> Play[None]:
    """A forged OpenLink through a handshake while a link is open, and then the true one."""
    link = yield from tester.link()
    waiting = yield from tester.handshake(tester.key())
    forged = with_bit_flipped(waiting.frame(OpenLink(PROGRAMMER_ID)), 8 * 40)
    yield from refused_plainly(tester, forged, RefusalCode.NOT_AUTHENTIC, Field.NONE)
    yield from link.ask(Interrogate())
    yield from waiting.ask(OpenLink(PROGRAMMER_ID))
    late = link.frame(Interrogate())
    yield from refused_plainly(tester, late, RefusalCode.LINK_ID_USED, Field.LINK_ID)


@pump_case(
    "handshake/identical-repeat",
    Level.MUST,
    "AUTH-08",
    expects="the identical bytes of the first answer, and the link can be opened",
    profile=Profile.AUTHENTICATED,
)
def identical_repeat(tester: Tester) -> Play[None]:
    """The identical bytes of a handshake that waits, again and again, also after one that failed,
    and then OpenLink."""
    begun = Handshake(tester, tester.key(), tester.new_link_id())
    answer = yield from tester.exchange(begun.frame)
    link = begun.finish(answer)
    for _ in range(FREE_FAILURES + 2):  # they cost nothing: they are the same handshake
        yield from link.repeated(begun.frame, answer)
    yield from key_fails(tester, wrong(tester.key()))
    yield from link.repeated(begun.frame, answer)
    yield from link.ask(OpenLink(PROGRAMMER_ID))


@pump_case(
    "handshake/another-takes-its-place",
    Level.MUST,
    "AUTH-08 SEAL-06",
    expects="LINK_NOT_OPEN / LINK_ID of the first, plain, and LinkOpened of the second",
    profile=Profile.AUTHENTICATED,
)
def another_takes_its_place(tester: Tester) -> Play[None]:
    """Two handshakes, under two link ids, and then OpenLink through the first, and through the
    second; the same with both under one link id."""
    key = tester.key()
    first = yield from tester.handshake(key)
    second = yield from tester.handshake(key)
    late = first.frame(OpenLink(PROGRAMMER_ID))
    yield from refused_plainly(tester, late, RefusalCode.LINK_NOT_OPEN, Field.LINK_ID)
    yield from second.ask(OpenLink(PROGRAMMER_ID))
    link_id = tester.new_link_id()
    first = yield from tester.handshake(key, link_id=link_id)
    second = yield from tester.handshake(key, link_id=link_id)
    late = first.frame(OpenLink(PROGRAMMER_ID))
    yield from refused_plainly(tester, late, RefusalCode.NOT_AUTHENTIC, Field.NONE)
    yield from second.ask(OpenLink(PROGRAMMER_ID))


@pump_case(
    "handshake/failed-one-leaves-it",
    Level.MUST,
    "AUTH-08",
    expects="LinkOpened",
    profile=Profile.AUTHENTICATED,
)
def failed_one_leaves_it(tester: Tester) -> Play[None]:
    """A handshake that is answered, then one with a wrong key under the same link id and one under
    another, and then OpenLink through the first."""
    key = tester.key()
    waiting = yield from tester.handshake(key)
    yield from fails(tester, Handshake(tester, wrong(key), waiting.link_id).frame)
    yield from key_fails(tester, wrong(key))
    yield from waiting.ask(OpenLink(PROGRAMMER_ID))


@pump_case(
    "handshake/waits-ten-seconds",
    Level.MUST,
    "AUTH-08 TIME-03 SEAL-06",
    expects="LinkOpened shortly before the limit; LINK_NOT_OPEN / LINK_ID, plain, at it",
    profile=Profile.AUTHENTICATED,
    waits_ms=2 * HANDSHAKE_LIMIT_MS,
)
def waits_ten_seconds(tester: Tester) -> Play[None]:
    """OpenLink shortly before 10 s of link time have passed since the handshake, and at 10 s;
    a request that came meanwhile does not begin the time anew."""
    asked_ms = yield from now()
    waiting = yield from tester.handshake(tester.key())
    took_ms = (yield from now()) - asked_ms  # the pump counts from somewhere in it
    yield from tester.wait(HANDSHAKE_LIMIT_MS - took_ms - _MARGIN_MS)
    yield from waiting.ask(OpenLink(PROGRAMMER_ID))
    begun = Handshake(tester, tester.key(), tester.new_link_id())
    answer = yield from tester.exchange(begun.frame)
    waiting = begun.finish(answer)
    yield from tester.wait(HANDSHAKE_LIMIT_MS // 2)
    yield from waiting.repeated(begun.frame, answer)
    yield from waiting.refused(Interrogate(), RefusalCode.LINK_NOT_OPEN)
    yield from tester.wait(HANDSHAKE_LIMIT_MS // 2)
    late = waiting.frame(OpenLink(PROGRAMMER_ID))
    yield from refused_plainly(tester, late, RefusalCode.LINK_NOT_OPEN, Field.LINK_ID)
