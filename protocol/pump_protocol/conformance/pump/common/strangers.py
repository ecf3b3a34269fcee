"""What somebody tries who has no key, or another one, and how it must be refused.

It knows frames and handshakes, and not what any request means to a pump.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final

from pump_protocol.codes import (
    FIRST_LOCK_MS,
    FREE_FAILURES,
    AccessEvent,
    Field,
    RefusalCode,
)
from pump_protocol.conformance.by_hand import Bound, HandshakeByHand, authenticate, sealed
from pump_protocol.conformance.expectations import (
    accepted,
    expect,
    expect_equal,
    plain_response,
    refused,
)
from pump_protocol.conformance.steps import Play, now
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import Handshake, TesterLink
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.envelope import Envelope
from pump_protocol.frames import Frame
from pump_protocol.handshake import LinkSecrets
from pump_protocol.keys import Key
from pump_protocol.messages import (
    AccessEntry,
    Authenticate,
    Reason,
    request_name,
)
from pump_protocol.payloads import decode_request, encode

_FREE_AT_ONCE: Final = 4
"""So many handshakes fail one after the other in a case: one less than cost nothing (AUTH-10)."""

_HEADER: Final = Struct("<3xBQI")

_QUICK_MS: Final = FIRST_LOCK_MS // 10
"""A pump that takes no longer for an answer can be asked several times within the first lock."""


def refused_plainly(
    tester: Tester, data: bytes, code: RefusalCode, field: Field | None = None
) -> Play[Reason]:
    """The reason for which a frame is refused in a plain one, under its link id and number.

    :raises Unmet: it is not refused, or sealed, or for another reason.
    """
    message_type, link_id, sequence = _HEADER.unpack_from(data)
    answer = yield from tester.exchange(data)
    return refused(plain_response(answer, link_id, sequence), message_type, code, field)


def fails(tester: Tester, data: bytes) -> Play[None]:
    """A handshake that the pump must find to have failed.

    :raises Unmet: it does not.
    """
    code = RefusalCode.AUTHENTICATION_FAILED
    yield from refused_plainly(tester, data, code, Field.NONE)


def key_fails(tester: Tester, key: Key) -> Play[None]:
    """A handshake with a key that the pump does not have.

    :raises Unmet: it does not fail.
    """
    yield from fails(tester, Handshake(tester, key, tester.new_link_id()).frame)


def all_fail(tester: Tester, frames: Iterable[bytes]) -> Play[None]:
    """Many handshakes that must fail; links that are opened between them keep a lock away."""
    for number, data in enumerate(frames, start=1):
        yield from fails(tester, data)
        if number % _FREE_AT_ONCE == 0:
            yield from tester.link()


def wrong(key: Key) -> Key:
    """A key of the same id and role, and with another secret."""
    return Key(key.key_id, key.role, sha256(key.secret).digest())


def secrets_of(link: TesterLink) -> LinkSecrets:
    """The two keys of a link."""
    return link.tester.secrets[link.link_id][-1]


def sealed_as(link: TesterLink, counter: int, message_type: int, payload: bytes = b"") -> bytes:
    """The next frame of a link, with that counter."""
    link.sequence += 1
    key = secrets_of(link).to_pump
    return sealed(key, counter, message_type, link.link_id, link.sequence, payload)


@dataclass(frozen=True, slots=True)
class Happened:
    """What an access-log record tells of; None stands for anything."""

    event: AccessEvent
    code: int
    request_type: int | None = None
    field: int | None = None

    def __str__(self) -> str:
        text = f"{self.event.name} with code {self.code}"
        if self.request_type is not None:
            text += f", {request_name(self.request_type)}"
        return text if self.field is None else f"{text}, field {self.field}"

    def in_log(self, entries: Iterable[AccessEntry]) -> AccessEntry | None:
        """The record of such events, if there is one."""
        for each in entries:
            if (
                (each.event, each.code) == (self.event, self.code)
                and self.request_type in (None, each.request_type)
                and self.field in (None, each.field)
            ):
                return each
        return None

    def counted(
        self,
        before: Iterable[AccessEntry],
        after: Iterable[AccessEntry],
        link_id: int,
        *,
        times: int = 1,
    ) -> None:
        """See that the access log tells of it so many times more, last under *link_id*.

        :raises Unmet: it does not.
        """
        old, new = self.in_log(before), self.in_log(after)
        expect(new is not None, f"the access log has no record {self}")
        assert new is not None
        expect_equal(f"count of {self}", new.count, times + (0 if old is None else old.count))
        expect_equal(f"link_id of {self}", f"{new.link_id:#x}", f"{link_id:#x}")


class Attempt:
    """A handshake made by hand, of which each part can be another one.

    :param bound: what it is bound to; what a good programmer takes unless told otherwise.
    :param told: what the frame says in clear of link id, key id and role; the same unless told.
    :param public: what is sent as ephemeral public key, if it is another one.
    """

    def __init__(
        self,
        tester: Tester,
        key: Key,
        *,
        bound: Bound | None = None,
        told: Bound | None = None,
        sequence: int = 1,
        public: bytes | None = None,
    ) -> None:
        self._tester = tester
        self.key = key
        self.bound = self.good(tester, key) if bound is None else bound
        self.told = self.bound if told is None else told
        self.sequence = sequence
        self._by_hand = HandshakeByHand(
            key.secret, self.bound.prologue, tester.entropy(32), public=public
        )
        self.frame = authenticate(
            self.told.link_id, sequence, self.told.key_id, self.told.role, self._by_hand.message
        )

    @staticmethod
    def good(tester: Tester, key: Key) -> Bound:
        """What a good programmer binds a handshake to, under a fresh link id."""
        digest = sha256(encode(tester.identity)).digest()
        return Bound(tester.new_link_id(), key.key_id, key.role, digest)

    def finish(self, answer: Frame) -> LinkSecrets:
        """The keys of the link, from what the pump answered.

        :raises Unmet: it is another answer, or no proof.
        """
        response = plain_response(answer, self.told.link_id, self.sequence)
        request = decode_request(Authenticate.message_type, self.frame[20:-4])
        assert isinstance(request, Authenticate)
        secrets = self._by_hand.finish(accepted(request, response).handshake)
        self._tester.secrets.setdefault(self.told.link_id, []).append(secrets)
        return secrets

    def link(self, secrets: LinkSecrets, *, sequence: int | None = None) -> TesterLink:
        """The link that can be opened with these keys."""
        envelope = Envelope(sending=secrets.to_pump, receiving=secrets.to_programmer)
        last = self.sequence if sequence is None else sequence
        return TesterLink(self._tester, self.told.link_id, self.key, envelope, sequence=last)


# --- Locks ----------------------------------------------------------------------------------------


def quick_enough(handshakes: int, took_ms: int) -> None:
    """Whether the pump answers fast enough to be asked several times within the first lock.

    :raises Unsupported: it does not.
    """
    if took_ms > handshakes * _QUICK_MS:
        raise Unsupported(
            f"{handshakes} handshakes took {took_ms} ms: the pump answers too slowly to be asked"
            f" within a lock of {FIRST_LOCK_MS} ms"
        )


def refused_by_lock(tester: Tester, key: Key, longest_ms: int, least_ms: int = 1) -> Play[Reason]:
    """A handshake that a lock refuses.

    :raises Unmet: it does not, or says another time than is left of a lock of *longest_ms*.
    """
    data = Handshake(tester, key, tester.new_link_id()).frame
    code = RefusalCode.AUTHENTICATION_LOCKED
    reason = yield from refused_plainly(tester, data, code, Field.NONE)
    expect(
        reason.value is not None and least_ms <= reason.value <= longest_ms,
        f"value of AUTHENTICATION_LOCKED is {reason.value};"
        f" expected: {least_ms} to {longest_ms} ms",
    )
    return reason


def locked_out(tester: Tester) -> Play[None]:
    """As many handshakes fail as are free, and one more.

    :raises Unsupported: that takes so long that the lock might be over before it is looked at.
    """
    began_ms = yield from now()
    for _ in range(FREE_FAILURES + 1):
        yield from key_fails(tester, wrong(tester.key()))
    quick_enough(FREE_FAILURES + 1, (yield from now()) - began_ms)
