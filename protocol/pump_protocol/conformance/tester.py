"""The programmer's end of the line in the hands of a case: it keeps to no rule that it is not told.

A :class:`Tester` sends any bytes and reads whole frames; the links that it opens are
:mod:`.tester_link`'s. Whatever the pump sends that was not asked for ends the case as unmet.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar

from pump_protocol.codes import (
    INTER_BYTE_TIMEOUT_MS,
    Capability,
    Field,
    MessageType,
    RefusalCode,
    SecurityProfile,
    UserRole,
)
from pump_protocol.conformance import hooks
from pump_protocol.conformance.expectations import (
    accepted,
    describe,
    expect,
    plain_response,
    refused,
)
from pump_protocol.conformance.steps import Hook, Play, elapse, now, receive, send
from pump_protocol.conformance.tester_link import Handshake, TesterLink
from pump_protocol.conformance.verdicts import Broken, Unmet, Unsupported
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder, frame_bytes
from pump_protocol.handshake import LinkSecrets
from pump_protocol.keys import Key, RandomBytes
from pump_protocol.messages import (
    Identify,
    Identity,
    OpenLink,
    Reason,
    Request,
    Response,
)
from pump_protocol.payloads import encode

R = TypeVar("R", bound=Response)

PATIENCE_MS: Final = 1_000
"""How long a pump may take to answer. Nothing is sent twice: the line is taken to be good."""

_MOST_BYTES: Final = 1 << 20
"""More than any pump has to say to one request."""

GAP_MS: Final = INTER_BYTE_TIMEOUT_MS + 20
"""A silence after which a receiver has given up half a frame (FRAME-11)."""

PROGRAMMER_ID: Final = 0x5EED_0000_C0F0_0001
"""Under which the suite gives orders, always the same (ORDER-01)."""

OTHER_PROGRAMMER_ID: Final = PROGRAMMER_ID + 1
"""A second programmer; always the same one, for a pump remembers the orders of 64 only."""


@dataclass(frozen=True, slots=True)
class PumpSubject:
    """What is known of the pump that is judged before it is asked.

    :ivar keys: by role; none of a LEGACY_INSECURE pump.
    :ivar wrong_keys: why a key that was given opens no link, by its role: who gave it is to be
        told, and not the pump blamed.
    :ivar unknown_requests: types of requests that it says it does not know.
    :ivar hooks: what its harness offers.
    :ivar patience_ms: how long it may take to answer. Where bytes are under way to it, it has as
        long once more for each 10,000: a line of 115,200 baud needs 0.9 s for them.
    :ivar told_of_leaving: whether its line tells it that its programmer has left: a TCP connection
        does, a serial line does not.
    """

    keys: Mapping[UserRole, Key] = field(default_factory=dict)
    wrong_keys: Mapping[UserRole, str] = field(default_factory=dict)
    unknown_requests: frozenset[int] = frozenset()
    hooks: frozenset[Hook] = frozenset()
    patience_ms: int = PATIENCE_MS
    told_of_leaving: bool = False

    def patience_behind(self, sent_bytes: int) -> int:
        """How many ms it may take to answer behind so many bytes."""
        return self.patience_ms + self.patience_ms * sent_bytes // 10_000


class Tester:
    """Somebody at the programmer's end of a line.

    :param random: what a case sends that is drawn by lot.
    :param entropy: where link ids and the keys of handshakes come from.
    :param outside: where the numbers of its requests outside any link begin: not where those of
        another case do, so that a late answer to that one is known.

    :ivar identity: what the pump said of itself when :meth:`identify` was played last.
    :ivar secrets: the keys of the links that were given, for whoever reads the wire.
    """

    def __init__(
        self, subject: PumpSubject, random: Random, entropy: RandomBytes, *, outside: int = 0
    ) -> None:
        self.subject = subject
        self.random = random
        self.entropy = entropy
        self.secrets: dict[int, list[LinkSecrets]] = {}
        self._identity: Identity | None = None
        self._decoder = FrameDecoder()
        self._frames: deque[Frame] = deque()
        self._outside = outside  # sequence number of the last request outside any link

    @property
    def identity(self) -> Identity:
        """What the pump said of itself."""
        assert self._identity is not None, "identify comes first"
        return self._identity

    @property
    def authenticated(self) -> bool:
        """Whether the pump takes sealed requests only."""
        return self.identity.security_profile is SecurityProfile.AUTHENTICATED

    def needs(self, *capabilities: Capability) -> None:
        """End the case as unsupported if the pump lacks one of these.

        :raises Unsupported: it does.
        """
        for each in capabilities:
            if each not in self.identity.capabilities:
                raise Unsupported(f"the pump has no capability {each.name}")

    def key(self, role: UserRole = UserRole.CLINICIAN) -> Key:
        """A key of that role.

        :raises Unsupported: none was given.
        :raises Broken: the one that was given is not of this pump.
        """
        if role in self.subject.wrong_keys:
            raise Broken(self.subject.wrong_keys[role])
        if role not in self.subject.keys:
            raise Unsupported(f"no key of role {role.name} was given")
        return self.subject.keys[role]

    def new_link_id(self) -> int:
        """A fresh random one."""
        return int.from_bytes(self.entropy(8), "little") or 1

    # --- Bytes and frames ------------------------------------------------------------------------

    def frame(self, within_ms: int | None = None) -> Play[Frame | None]:
        """The next frame from the pump; None if none comes in time.

        One that has begun to arrive in time is waited for as long once more: a slow line needs
        0.7 s for the longest.

        :raises Unmet: the pump sent something that is no frame.
        """
        patience_ms = self.subject.patience_ms if within_ms is None else within_ms
        until_ms = (yield from now()) + patience_ms
        left_ms = patience_ms
        heard_bytes = 0
        while not self._frames and left_ms > 0:
            data = yield from receive(left_ms)
            self.take(data)
            at_ms = yield from now()
            if data and heard_bytes == 0:
                until_ms = at_ms + patience_ms
            heard_bytes += len(data)
            if heard_bytes > _MOST_BYTES:
                raise Unmet(f"the pump sent {heard_bytes:,} bytes without a frame in them")
            left_ms = until_ms - at_ms
        return self._frames.popleft() if self._frames else None

    def take(self, data: bytes) -> None:
        """Look at bytes that a case received by itself.

        :raises Unmet: they hold something that is no frame.
        """
        for event in self._decoder.feed(data):
            if isinstance(event, CorruptFrame):
                raise Unmet(
                    f"the pump sent {event.size} bytes that are no frame: {event.reason.value}"
                )
            self._frames.append(event)

    def wait(self, ms: int) -> Play[None]:
        """Let link time pass; what the pump says meanwhile is read next."""
        self.take((yield from elapse(ms)))

    def gap(self) -> Play[None]:
        """A silence after which the pump must have given up half a frame."""
        yield from self.wait(GAP_MS)

    def calm(self) -> Play[None]:
        """Let a silence pass, and forget all that was not read."""
        yield from elapse(GAP_MS)
        self.forget()

    def forget(self) -> None:
        """Forget what was received and not read."""
        self._decoder = FrameDecoder()
        self._frames.clear()

    def exchange(self, data: bytes, *, within_ms: int | None = None) -> Play[Frame]:
        """Send *data*, which holds one request, and read the one frame that answers it.

        :raises Unmet: nothing answers.
        """
        yield from send(data)
        patience_ms = self.subject.patience_behind(len(data)) if within_ms is None else within_ms
        frame = yield from self.frame(patience_ms)
        if frame is None:
            raise Unmet(f"no answer within {patience_ms} ms")
        return frame

    def unanswered(self, data: bytes, *, gap: bool = False) -> Play[None]:
        """Send *data* that nothing may answer, and then a good request: only that is answered.

        :param gap: leave a silence between them, for *data* may swallow what comes behind it.
        :raises Unmet: something answers *data*, or nothing answers the good request.
        """
        yield from send(data)
        if gap:
            yield from self.gap()
        yield from self.alive(behind=len(data))

    def alive(self, *, behind: int = 0) -> Play[None]:
        """A good request (Identify, outside any link) is the next thing that the pump answers.

        :param behind: as many bytes, just sent, may be under way to it still.
        """
        request = self.outside(Identify())
        within_ms = self.subject.patience_behind(behind + len(request)) if behind else None
        frame = yield from self.exchange(request, within_ms=within_ms)
        if (frame.message_type, frame.sequence) != (MessageType.IDENTITY, self._outside):
            raise Unmet(
                f"a good request was to be answered next, and {describe(frame)} came instead"
            )

    def meet(self) -> Play[None]:
        """Begin a case: ask who answers. The pump has nothing else left to say.

        :raises Unmet: it has.
        """
        request = self.outside(Identify())
        frame = yield from self.exchange(request)
        if (frame.link_id, frame.sequence) != (0, self._outside):
            raise Unmet(
                f"before this case asked for anything the pump sent {describe(frame)}: an answer"
                " that is late, or came twice"
            )
        self._identity = accepted(Identify(), plain_response(frame, 0, self._outside))

    def part(self) -> Play[None]:
        """End a case: behind what was read the pump has nothing more to say.

        :raises Unmet: it has.
        """
        try:
            yield from self.alive()
        except Unmet as unmet:
            raise Unmet(f"when all was done: {unmet}") from None
        more = [describe(each) for each in self._frames]
        expect(not more, f"when all was done, the pump sent {', '.join(more)} unasked")
        expect(
            not self._decoder.waiting,
            "when all was done, the pump sent something unasked that is no frame",
        )

    def catch_up(self) -> Play[None]:
        """Read and forget all that the pump still has to say: it answers in order (SEQ-12), so
        that ends with the answer to a request under an id and a number of its own.

        :raises Unmet: no frame comes at all.
        """
        self.forget()
        link_id = self.new_link_id()
        yield from send(self.outside(Identify(), link_id=link_id))
        patience_ms = self.subject.patience_ms
        until_ms = (yield from now()) + patience_ms
        left_ms = patience_ms
        heard = False
        while left_ms > 0:
            for event in self._decoder.feed((yield from receive(left_ms))):
                if not isinstance(event, Frame):
                    continue
                heard = True
                # Either will do: how a pump answers Identify, other cases judge.
                if event.link_id == link_id or event.sequence == self._outside:
                    self.forget()
                    return
            left_ms = until_ms - (yield from now())
        self.forget()
        expect(heard, f"no answer within {patience_ms} ms")

    # --- Outside any link ------------------------------------------------------------------------

    def outside(self, request: Request[Response], *, link_id: int = 0) -> bytes:
        """A plain frame outside any link, with a number of its own."""
        self._outside += 1
        return frame_bytes(request.message_type, link_id, self._outside, encode(request))

    def ask_outside(self, request: Request[R], *, link_id: int = 0) -> Play[R]:
        """The response to a plain request outside any link.

        :raises Unmet: it is refused, or answered otherwise.
        """
        frame = yield from self.exchange(self.outside(request, link_id=link_id))
        return accepted(request, plain_response(frame, link_id, self._outside))

    def refused_outside(
        self,
        request: Request[Response],
        code: RefusalCode,
        field: Field | None = None,
        *,
        link_id: int = 0,
    ) -> Play[Reason]:
        """The reason for which a plain request outside any link is refused.

        :raises Unmet: it is not, or for another one.
        """
        frame = yield from self.exchange(self.outside(request, link_id=link_id))
        response = plain_response(frame, link_id, self._outside)
        return refused(response, request.message_type, code, field)

    def identify(self) -> Play[Identity]:
        """Ask who answers, and keep it."""
        self._identity = yield from self.ask_outside(Identify())
        return self._identity

    # --- Links -----------------------------------------------------------------------------------

    def handshake(self, key: Key, *, link_id: int | None = None) -> Play[TesterLink]:
        """A link that can be opened with *key*, and is not open yet.

        :raises Unmet: the pump refuses, or does not prove that it holds the key.
        """
        wanted = self.new_link_id() if link_id is None else link_id
        begun = Handshake(self, key, wanted)
        frame = yield from self.exchange(begun.frame)
        return begun.finish(frame)

    def unopened(
        self, role: UserRole = UserRole.CLINICIAN, *, link_id: int | None = None
    ) -> Play[TesterLink]:
        """A link that OpenLink can open: without a handshake if the pump wants none.

        :raises Unsupported: no key of that role was given, and the pump wants one.
        """
        if self.authenticated:
            return (yield from self.handshake(self.key(role), link_id=link_id))
        return TesterLink(self, self.new_link_id() if link_id is None else link_id)

    def link(
        self,
        role: UserRole = UserRole.CLINICIAN,
        *,
        programmer_id: int = PROGRAMMER_ID,
        link_id: int | None = None,
    ) -> Play[TesterLink]:
        """An open link; sealed, with the key of *role*, if the pump wants one.

        :raises Unsupported: no key of that role was given.
        """
        link = yield from self.unopened(role, link_id=link_id)
        link.opened = yield from link.ask(OpenLink(programmer_id))
        return link

    def renew(self) -> Play[None]:
        """Put the pump back to how it was when it was started, as the harness offers it."""
        yield from hooks.renew()
        self.forget()
