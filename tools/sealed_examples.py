"""The authenticated links that the golden vectors and the specification show, byte for byte.

Every secret here is an example, written down for everybody: no pump may have such a key. What is
random in a real link is fixed here, so that any implementation can come to the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import wire_examples as plain
from pump_protocol import messages as m
from pump_protocol.codes import (
    CRC_BYTES,
    HEADER_BYTES,
    RESPONSE_BIT,
    Field,
    RefusalCode,
    SecurityProfile,
    UserRole,
)
from pump_protocol.crc import frame_check, header_check
from pump_protocol.envelope import Envelope
from pump_protocol.frames import Frame
from pump_protocol.handshake import Initiator, identity_digest, prologue, respond
from pump_protocol.keys import Key, pairing_key
from pump_protocol.payloads import encode

LINK_ID: Final = 0x5566778899AABBCC
KEY: Final = Key(0x0102030405060708, UserRole.CLINICIAN, bytes(range(32)))
"""An example, for nothing but this page and the tests."""
PATIENTS_KEY: Final = Key(0x1112131415161718, UserRole.PATIENT, bytes(range(0x60, 0x80)))
PROGRAMMERS_EPHEMERAL: Final = bytes(range(0x20, 0x40))
PUMPS_EPHEMERAL: Final = bytes(range(0x40, 0x60))
PAIRING_CODE: Final = "ABCDE-FGHIJ-KLMNO-PQRST-UVWXY-Z"

IDENTITY: Final = replace(plain.IDENTITY, security_profile=SecurityProfile.AUTHENTICATED)
DIGEST: Final = identity_digest(IDENTITY)

STATUS: Final = replace(plain.STATUS, access_log=m.LogRange(1, 3, 0))
"""As in the plain link, but that a link was opened with a key is a record of its own."""


@dataclass(frozen=True, slots=True)
class Said:
    """One frame of a link: what it means, and its bytes; ``counter`` is None of a plain frame.

    ``remark`` says what is not said by the frame itself.
    """

    name: str
    message: m.Message
    link_id: int
    sequence: int
    frame: bytes
    counter: int | None = None
    remark: str = ""

    @property
    def to_pump(self) -> bool:
        """Whether it is a request."""
        return self.message.message_type < RESPONSE_BIT


class Link:
    """A link as both ends would make it, with what is random fixed."""

    def __init__(self, key: Key, link_id: int) -> None:
        self.key, self.link_id = key, link_id
        self.prologue = prologue(link_id, key.key_id, key.role, DIGEST)
        initiator = Initiator(key, self.prologue, lambda _: PROGRAMMERS_EPHEMERAL)
        self.first = initiator.message
        self.second, self.secrets = respond(
            key, self.prologue, self.first, lambda _: PUMPS_EPHEMERAL
        )
        assert initiator.finish(self.second) == self.secrets
        self._programmer = Envelope(
            sending=self.secrets.to_pump, receiving=self.secrets.to_programmer
        )
        self._pump = Envelope(sending=self.secrets.to_programmer, receiving=self.secrets.to_pump)
        self._counters = {True: 0, False: 0}

    def plain(
        self, name: str, message: m.Message, sequence: int, link_id: int | None = None
    ) -> Said:
        """A frame that is not sealed."""
        link_id = self.link_id if link_id is None else link_id
        frame = Frame(message.message_type, link_id, sequence, encode(message)).to_bytes()
        return Said(name, message, link_id, sequence, frame)

    def sealed(self, name: str, message: m.Message, sequence: int) -> Said:
        """A sealed frame, with the next counter of its direction."""
        to_pump = message.message_type < RESPONSE_BIT
        envelope = self._programmer if to_pump else self._pump
        frame = envelope.seal(message.message_type, self.link_id, sequence, encode(message))
        counter = self._counters[to_pump]
        self._counters[to_pump] += 1
        return Said(name, message, self.link_id, sequence, frame, counter)

    def handshake(self) -> Iterator[Said]:
        """Both messages of the handshake."""
        begin = m.Authenticate(self.key.key_id, self.key.role, self.first)
        yield self.plain("authenticate", begin, 1)
        yield self.plain("authenticated", m.Authenticated(self.second), 1)


def mended(frame: bytes) -> bytes:
    """A frame that was changed, with both checks made right again."""
    head = frame[: HEADER_BYTES - 2]
    body = head + header_check(head).to_bytes(2, "little") + frame[HEADER_BYTES:-CRC_BYTES]
    return body + frame_check(body).to_bytes(4, "little")


def with_byte(frame: bytes, at: int, value: int) -> bytes:
    """A frame with one byte replaced, and its checks mended."""
    return mended(frame[:at] + bytes((value,)) + frame[at + 1 :])


def _refusal(request: m.Message, code: RefusalCode, field: Field = Field.NONE) -> m.Refusal:
    return m.Refusal(int(request.message_type), (m.Reason(code, field),))


def _clinicians_link() -> tuple[Link, tuple[Said, ...]]:
    link = Link(KEY, LINK_ID)

    def told() -> Iterator[Said]:
        yield link.plain("identify", m.Identify(), 1, 0)
        yield link.plain("identity", IDENTITY, 1, 0)
        yield from link.handshake()
        opening = link.sealed("open_link", m.OpenLink(plain.PROGRAMMER_ID), 2)
        yield opening
        yield link.sealed("link_opened", m.LinkOpened(120_000, 1_800_000, 120_000, 0), 2)
        yield link.sealed("interrogate", m.Interrogate(), 3)
        yield link.sealed("status_report", STATUS, 3)
        remark = "the OpenLink from above, recorded and sent again; not what the programmer sends"
        yield replace(opening, name="open_link_replayed", remark=remark)
        replayed = _refusal(m.OpenLink(0), RefusalCode.NOT_AUTHENTIC, Field.COUNTER)
        yield link.plain("open_link_replayed_refused", replayed, 2)
        closing = link.sealed("close_link", m.CloseLink(), 4)
        abort = m.AbortBolus()
        yield replace(
            closing,
            name="close_link_altered",
            message=abort,
            frame=with_byte(closing.frame, 3, abort.message_type),
            remark="the CloseLink from below, made an AbortBolus on its way, its checks mended",
        )
        yield link.plain(
            "close_link_altered_refused", _refusal(abort, RefusalCode.NOT_AUTHENTIC), 4
        )
        stop = m.EmergencyStop()
        yield link.plain("emergency_stop", stop, 1, 0)
        yield link.plain("emergency_stop_refused", _refusal(stop, RefusalCode.NOT_NEAR), 1, 0)
        yield link.plain("plain_interrogate", m.Interrogate(), 5)
        yield link.plain(
            "plain_interrogate_refused",
            _refusal(m.Interrogate(), RefusalCode.AUTHENTICATION_REQUIRED),
            5,
        )
        yield closing
        yield link.sealed("link_closed", m.LinkClosed(), 4)

    return link, tuple(told())


def _pairing_link() -> tuple[Link, tuple[Said, ...]]:
    link = Link(pairing_key(PAIRING_CODE, UserRole.PATIENT), plain.PAIRING_LINK_ID)
    paired = m.Paired(PATIENTS_KEY.key_id, PATIENTS_KEY.role, PATIENTS_KEY.secret)

    def told() -> Iterator[Said]:
        yield from link.handshake()
        yield link.sealed("open_link", m.OpenLink(plain.PROGRAMMER_ID), 2)
        yield link.sealed("link_opened", m.LinkOpened(120_000, 1_800_000, 120_000, 0), 2)
        yield link.sealed("pair", m.Pair(), 3)
        yield link.sealed("paired", paired, 3)
        yield link.sealed("interrogate", m.Interrogate(), 4)
        reason = m.Reason(
            RefusalCode.NOT_PERMITTED, Field.MESSAGE_TYPE, int(m.Interrogate.message_type)
        )
        refusal = m.Refusal(int(m.Interrogate.message_type), (reason,))
        yield link.sealed("interrogate_refused", refusal, 4)

    return link, tuple(told())


CLINICIANS_LINK, CLINICIANS_STORY = _clinicians_link()
"""A whole link with a clinician's key, from Identify to LinkClosed, with four that are refused."""
PAIRING_LINK, PAIRING_STORY = _pairing_link()
"""A link with a pairing code, which is good for a key and nothing else."""


def messages() -> tuple[plain.Example, ...]:
    """The messages of handshake and pairing, for the vectors of all messages."""
    wanted = {"authenticate", "authenticated", "paired"}
    stories = (*CLINICIANS_STORY[:4], *PAIRING_STORY[4:6])
    return tuple(
        plain.Example(each.name, each.message, each.sequence, each.link_id)
        for each in stories
        if each.name in wanted
    )


# --- What is not believed ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doubted:
    """A frame that a pump must not believe, after it believed others, and what it answers."""

    name: str
    clause: str
    receives_with: bytes
    before: tuple[bytes, ...]
    frame: bytes
    field: Field
    code: RefusalCode = RefusalCode.NOT_AUTHENTIC


def doubted() -> Iterator[Doubted]:
    """Every way in which a sealed frame to the pump of the clinician's link can be wrong."""
    link = Link(KEY, LINK_ID)
    first = link.sealed("", m.OpenLink(plain.PROGRAMMER_ID), 2).frame
    skipped = link.sealed("", m.SelfTest(), 3).frame
    frame = link.sealed("", m.SetClock(0), 4).frame
    answer = link.sealed("", m.ClockSet(0, 0), 4).frame
    key = link.secrets.to_pump
    counter_at, text_at, tag_at = HEADER_BYTES, HEADER_BYTES + 8, len(frame) - CRC_BYTES - 16

    def flip(at: int) -> bytes:
        return with_byte(frame, at, frame[at] ^ 1)

    yield Doubted("replayed", "SEAL-04", key, (first, skipped), first, Field.COUNTER)
    yield Doubted(
        "overtaken by a later one", "SEAL-04", key, (first, frame), skipped, Field.COUNTER
    )
    for name, at in (
        ("message type", 3),
        ("sequence number", 12),
        ("counter", counter_at),
        ("ciphertext", text_at),
        ("tag", tag_at),
    ):
        yield Doubted(
            f"one bit of the {name} flipped, checks mended",
            "SEAL-06",
            key,
            (first,),
            flip(at),
            Field.NONE,
        )
    other_link = "one bit of the link id flipped, checks mended"
    yield Doubted(
        other_link,
        "SEAL-06",
        key,
        (first,),
        flip(4),
        Field.LINK_ID,
        RefusalCode.LINK_NOT_OPEN,
    )
    reflected = with_byte(answer, 3, m.SetClock.message_type)
    yield Doubted("the pump's own answer, reflected", "SEAL-02", key, (), reflected, Field.NONE)
    other = Link(replace(KEY, secret=bytes(32)), LINK_ID)
    foreign = other.sealed("", m.OpenLink(plain.PROGRAMMER_ID), 2).frame
    yield Doubted("sealed with another key", "SEAL-06", key, (), foreign, Field.NONE)
    short = Frame(m.SetClock.message_type, LINK_ID, 4, bytes(23), 0x81).to_bytes()
    yield Doubted("too short for counter and tag", "SEAL-01", key, (), short, Field.NONE)
