"""Who is believed at the pump's end: keys, handshakes, pairing, and the lock after failures.

**Theory of operation.** A handshake (:mod:`pump_protocol.handshake`) makes the keys of one link. It
opens nothing, because its first message may be a recording: the keys are a candidate until an
``open_link`` comes that was sealed with them. Then they take the place of those before. The keys of
a link that has ended are kept until then, so that the pump's refusals can be believed. One
candidate at a time is kept, so whatever arrives, memory is bounded.

It knows no therapy, no order of exchanges (:mod:`pump_protocol.session`) and no clock. How a
pump notices proximity is the business of whoever tells it.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pump_protocol import access
from pump_protocol.codes import (
    FIRST_LOCK_MS,
    FREE_FAILURES,
    HANDSHAKE_LIMIT_MS,
    LONGEST_LOCK_MS,
    PAIRING_ATTEMPTS,
    PAIRING_KEY_ID,
    PAIRING_LIMIT_MS,
    Field,
    MessageType,
    RefusalCode,
    UserRole,
)
from pump_protocol.envelope import Envelope
from pump_protocol.errors import HandshakeFailed, OutOfTurn
from pump_protocol.frames import Frame
from pump_protocol.handshake import LinkSecrets, prologue, respond
from pump_protocol.keys import Key, RandomBytes, new_pairing_code, pairing_key
from pump_protocol.messages import Authenticate, Reason

_DOUBLINGS: Final = (LONGEST_LOCK_MS // FIRST_LOCK_MS).bit_length()


def new_keys(random_bytes: RandomBytes = secrets.token_bytes) -> tuple[Key, ...]:
    """The keys of a new pump: one for each role, all random."""
    return tuple(Key.new(role, random_bytes) for role in UserRole)


@dataclass(frozen=True, slots=True)
class GuardState:
    """What of a guard outlives the pump's process; locks are told as what is left of them."""

    keys: tuple[Key, ...]
    failures: int = 0
    locked_for_ms: int = 0


@dataclass(slots=True, eq=False)
class _Offer:
    """A pairing code that was shown, in a visit of somebody to the pump."""

    key: Key
    visit: int
    until_ms: int
    attempts_left: int = PAIRING_ATTEMPTS
    used: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class LinkKeys:
    """The keys of one link, whose they are, and the requests that are allowed in it."""

    link_id: int
    key_id: int
    role: UserRole
    allowed: frozenset[MessageType]
    envelope: Envelope
    secrets: LinkSecrets
    offer: _Offer | None = None

    @property
    def pairs(self) -> bool:
        """Whether it was opened with a pairing code, and is good for nothing but a key."""
        return self.offer is not None


class Denied(Exception):
    """A handshake is refused, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A handshake that was answered, and nothing has come through it yet."""

    request: Frame
    reply: bytes
    link_keys: LinkKeys
    until_ms: int


class PumpGuard:
    """The pump's keys and whoever has proved to hold one.

    Times are link time, in ms.

    :param keys: at most one for each role.
    :param random_bytes: where keys of links and pairing codes come from.
    :ivar identity_digest: of what the pump says of itself at present
        (:func:`pump_protocol.handshake.identity_digest`); to be set before any handshake.
    :ivar visit: asked who is as near to the pump as its patient lets them come: the number of
        their visit, None for nobody. It is to be set, or nobody ever is.
    """

    def __init__(
        self, keys: Iterable[Key], *, random_bytes: RandomBytes = secrets.token_bytes
    ) -> None:
        self._keys = {key.role: key for key in keys}
        self._random_bytes = random_bytes
        self.identity_digest = bytes(32)
        self.visit: Callable[[], int | None] = lambda: None
        self._failures = 0
        self._locked_until_ms = 0
        self._candidate: _Candidate | None = None
        self._link_keys: LinkKeys | None = None
        self._offer: _Offer | None = None

    @classmethod
    def restore(
        cls, state: GuardState, now_ms: int, *, random_bytes: RandomBytes = secrets.token_bytes
    ) -> "PumpGuard":
        """A guard as it was, at link time *now_ms*: nobody has a link, a lock goes on."""
        guard = cls(state.keys, random_bytes=random_bytes)
        guard._failures = state.failures
        guard._locked_until_ms = now_ms + min(state.locked_for_ms, LONGEST_LOCK_MS)
        return guard

    def renewed(self) -> "PumpGuard":
        """A guard with the same keys that knows of no link, no failure and no code."""
        return PumpGuard(self._keys.values(), random_bytes=self._random_bytes)

    def state(self, now_ms: int) -> GuardState:
        """What is to outlive this process."""
        left_ms = max(0, self._locked_until_ms - now_ms)
        return GuardState(tuple(self._keys.values()), self._failures, left_ms)

    @property
    def keys(self) -> Mapping[UserRole, Key]:
        """The pump's keys by their roles."""
        return self._keys

    @property
    def failures(self) -> int:
        """How many handshakes there were since a link was opened with one."""
        return self._failures

    # --- Proximity and pairing -------------------------------------------------------------------

    @property
    def proximity(self) -> bool:
        """Whether somebody is as near to the pump as its patient lets them come."""
        return self.visit() is not None

    def offer_pairing(self, role: UserRole, now_ms: int) -> str:
        """A one-time code for the key of *role*, while this visit lasts; one that was shown before
        is void.

        :raises OutOfTurn: nobody is near, or there is no such key.
        """
        if role not in self._keys:
            raise OutOfTurn(f"this pump has no {role.name.lower()}'s key to give")
        visit = self.visit()
        if visit is None:
            raise OutOfTurn("pairing needs proximity: lay the programming head on the pump first")
        code = new_pairing_code(self._random_bytes)
        self._offer = _Offer(pairing_key(code, role), visit, now_ms + PAIRING_LIMIT_MS)
        return code

    def _offered_key(self, now_ms: int) -> Key | None:
        offer = self._offer
        if offer is None or offer.used or not offer.attempts_left or now_ms >= offer.until_ms:
            return None
        return offer.key if self._stands(offer) else None

    def _stands(self, offer: _Offer) -> bool:
        """Whether a code was the last that was shown, and its visit has lasted since."""
        return offer is self._offer and offer.visit == self.visit()

    def may_pair(self, link_keys: LinkKeys) -> bool:
        """Whether a link was opened with a code that, but for its being used, holds still."""
        return link_keys.offer is not None and self._stands(link_keys.offer)

    # --- Handshakes ------------------------------------------------------------------------------

    def next_timeout(self) -> int | None:
        """When :meth:`handle_timeout` wants to be called, or None."""
        return None if self._candidate is None else self._candidate.until_ms

    def handle_timeout(self, now_ms: int) -> None:
        """Forget keys that can open nothing any more (AUTH-06)."""
        if self._candidate is not None and not self._waits(self._candidate, now_ms):
            self._candidate = None

    def answer(self, frame: Frame, request: Authenticate, now_ms: int) -> tuple[bytes, LinkKeys]:
        """The pump's half of a handshake, and the keys that it makes.

        :raises Denied: it failed, or too many have.
        """
        candidate = self._candidate
        if candidate is not None and frame == candidate.request and self._waits(candidate, now_ms):
            return candidate.reply, candidate.link_keys
        left_ms = self._locked_until_ms - now_ms
        if left_ms > 0:
            raise Denied(Reason(RefusalCode.AUTHENTICATION_LOCKED, Field.NONE, left_ms))
        # It counts as failed until a link is opened with it: it may be a recording.
        self._count(now_ms)
        try:
            reply, link_secrets = self._respond(frame, request, now_ms)
        except HandshakeFailed:  # and whoever is in the middle of a handshake goes on with it
            raise Denied(Reason(RefusalCode.AUTHENTICATION_FAILED, Field.NONE)) from None
        envelope = Envelope(sending=link_secrets.to_programmer, receiving=link_secrets.to_pump)
        pairing = request.key_id == PAIRING_KEY_ID
        allowed = access.PAIRING if pairing else access.MAY_SEND[request.role]
        link_keys = LinkKeys(
            frame.link_id,
            request.key_id,
            request.role,
            allowed,
            envelope,
            link_secrets,
            self._offer if pairing else None,
        )
        self._candidate = _Candidate(frame, reply, link_keys, now_ms + HANDSHAKE_LIMIT_MS)
        return reply, link_keys

    def _respond(
        self, frame: Frame, request: Authenticate, now_ms: int
    ) -> tuple[bytes, LinkSecrets]:
        pairing = request.key_id == PAIRING_KEY_ID
        key = self._offered_key(now_ms) if pairing else self._keys.get(request.role)
        if key is None or (key.key_id, key.role) != (request.key_id, request.role):
            raise HandshakeFailed("no such key")
        bound = prologue(frame.link_id, key.key_id, key.role, self.identity_digest)
        try:
            return respond(key, bound, request.handshake, self._random_bytes)
        except HandshakeFailed:
            if self._offer is not None and pairing:
                self._offer.attempts_left -= 1
            raise

    def _count(self, now_ms: int) -> None:
        self._failures += 1
        beyond = self._failures - FREE_FAILURES
        if beyond > 0:
            lock_ms = FIRST_LOCK_MS << min(beyond - 1, _DOUBLINGS)
            self._locked_until_ms = now_ms + min(lock_ms, LONGEST_LOCK_MS)

    # --- Keys of links ---------------------------------------------------------------------------

    def keys_of(self, link_id: int, now_ms: int) -> LinkKeys | None:
        """The keys for the frames of a link, if there are any."""
        if self._link_keys is not None and self._link_keys.link_id == link_id:
            return self._link_keys
        candidate = self._candidate
        if candidate is None or candidate.link_keys.link_id != link_id:
            return None
        return candidate.link_keys if self._waits(candidate, now_ms) else None

    def _waits(self, candidate: _Candidate, now_ms: int) -> bool:
        """Whether a handshake can still become a link."""
        pairing = candidate.link_keys.pairs
        return now_ms < candidate.until_ms and (not pairing or self.may_pair(candidate.link_keys))

    def is_candidate(self, link_keys: LinkKeys) -> bool:
        """Whether nothing has come yet that was sealed with them and would have opened the link."""
        return link_keys is not self._link_keys

    def opened(self, link_keys: LinkKeys) -> None:
        """An ``open_link`` has come through a candidate: somebody is there and holds the key."""
        self._link_keys, self._candidate = link_keys, None
        self._failures = self._locked_until_ms = 0
        if link_keys.offer is not None:
            link_keys.offer.used = True
