"""Pumps that are wrong about handshakes and about the lock after too many."""

import hmac
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from pump_protocol import guard, pump_end
from pump_protocol.codes import RefusalCode
from pump_protocol.errors import HandshakeFailed
from pump_protocol.frames import Frame
from pump_protocol.guard import Denied, LinkKeys, PumpGuard
from pump_protocol.handshake import LinkSecrets, prologue, respond
from pump_protocol.keys import Key, RandomBytes
from pump_protocol.messages import Authenticate, Reason
from pump_protocol.pump_end import PumpEnd
from pump_protocol.states import LinkState, LinkTrigger
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


@pump_mutant("handshake-opens-the-link", caught_by="handshake/opens-nothing")
def handshake_opens_the_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whoever has come through a handshake needs no OpenLink to be answered."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        keys = self._link_keys
        waits = keys is not None and self._guard.is_candidate(keys)
        if waits and reason.code is RefusalCode.LINK_NOT_OPEN:
            self._accept(frame)
        else:
            refuse(self, frame, reason)


@pump_mutant("handshake-ends-the-open-link", caught_by="handshake/ends-nothing")
def handshake_ends_the_open_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A handshake that is answered ends the link that is open."""

    @around(patch, PumpEnd, "_answer_handshake")
    def answered(answer, self, own, frame, request):
        answer(self, own, frame, request)
        if own._candidate is not None and self.link_state is LinkState.OPEN:
            self._end_link(LinkTrigger.REPLACED)


@pump_mutant(
    "forged-opening-ends-the-open-link", caught_by="handshake/open-link-ends-the-link-before"
)
def forged_opening_ends_the_open_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An OpenLink through a handshake ends the open link before anybody has looked at its tag."""

    @around(patch, PumpEnd, "_judge_sealed")
    def judged(judge, self, frame):
        opening = frame.message_type == 0x01 and frame.link_id != self.link_id
        if opening and self.link_state is LinkState.OPEN:
            self._end_link(LinkTrigger.REPLACED)
        judge(self, frame)


@pump_mutant("prologue-without-identity", caught_by="handshake/as-specified")
def prologue_without_identity(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its prologue ends with the role: what it says of itself is not covered."""
    patch.setattr(guard, "prologue", lambda *parts: prologue(*parts)[:26])


@pump_mutant("handshake-bound-to-no-identity", caught_by="handshake/other-prologue")
def handshake_bound_to_no_identity(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It takes handshakes of programmers, too, that did not ask who it is."""

    def lenient(
        key: Key, bound: bytes, message: bytes, random_bytes: RandomBytes
    ) -> tuple[bytes, LinkSecrets]:
        try:
            return respond(key, bound, message, random_bytes)
        except HandshakeFailed:
            return respond(key, bound[:26] + bytes(32), message, random_bytes)

    patch.setattr(guard, "respond", lenient)


@pump_mutant("key-id-not-looked-at", caught_by="handshake/no-such-key")
def key_id_not_looked_at(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It takes the key of the role, whatever key id is told."""

    def responded(
        self: PumpGuard, frame: Frame, request: Authenticate, now_ms: int
    ) -> tuple[bytes, LinkSecrets]:
        key = self.keys[request.role]
        bound = prologue(frame.link_id, request.key_id, key.role, self.identity_digest)
        return respond(key, bound, request.handshake, self._random_bytes)

    patch.setattr(PumpGuard, "_respond", responded)


@pump_mutant("any-key-for-any-role", caught_by="handshake/no-such-key")
def any_key_for_any_role(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It finds the key by its id, and takes the role that is told."""

    def responded(
        self: PumpGuard, frame: Frame, request: Authenticate, now_ms: int
    ) -> tuple[bytes, LinkSecrets]:
        for key in self.keys.values():
            if key.key_id == request.key_id:
                bound = prologue(frame.link_id, key.key_id, request.role, self.identity_digest)
                return respond(key, bound, request.handshake, self._random_bytes)
        raise HandshakeFailed("no such key")

    patch.setattr(PumpGuard, "_respond", responded)


@pump_mutant("any-secret-of-the-pump", caught_by="handshake/wrong-secret")
def any_secret_of_the_pump(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It tries all its secrets, and gives the role that was asked for."""

    def responded(
        self: PumpGuard, frame: Frame, request: Authenticate, now_ms: int
    ) -> tuple[bytes, LinkSecrets]:
        asked = self.keys[request.role]
        if asked.key_id != request.key_id:
            raise HandshakeFailed("no such key")
        bound = prologue(frame.link_id, asked.key_id, asked.role, self.identity_digest)
        for key in self.keys.values():
            try:
                return respond(key, bound, request.handshake, self._random_bytes)
            except HandshakeFailed:
                continue
        raise HandshakeFailed("no such secret")

    patch.setattr(PumpGuard, "_respond", responded)


@pump_mutant("tag-of-the-handshake-not-looked-at", caught_by="handshake/altered-message")
def tag_of_the_handshake_not_looked_at(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It does the arithmetic of a handshake whatever the tag of its first message is."""

    def responded(
        key: Key, bound: bytes, message: bytes, random_bytes: RandomBytes
    ) -> tuple[bytes, LinkSecrets]:
        try:
            return respond(key, bound, message, random_bytes)
        except HandshakeFailed:
            return _respond_to_all(key, bound, message, random_bytes)

    patch.setattr(guard, "respond", responded)


@pump_mutant("public-key-of-low-order-taken", caught_by="handshake/public-key-of-low-order")
def public_key_of_low_order_taken(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A shared secret of nothing but zeros is as good to it as any other."""

    def responded(
        key: Key, bound: bytes, message: bytes, random_bytes: RandomBytes
    ) -> tuple[bytes, LinkSecrets]:
        if int.from_bytes(message[:32], "little") == 0:
            return _respond_to_all(key, bound, message, random_bytes)
        return respond(key, bound, message, random_bytes)

    patch.setattr(guard, "respond", responded)


def _respond_to_all(
    key: Key, bound: bytes, message: bytes, random_bytes: RandomBytes
) -> tuple[bytes, LinkSecrets]:
    """The pump's half of a handshake by hand, without a look at the first message."""
    chain = digest = sha256(b"Noise_NNpsk0_25519_ChaChaPoly_SHA256").digest()
    aead = b""

    def mix_hash(data: bytes) -> None:
        nonlocal digest
        digest = sha256(digest + data).digest()

    def mix_key(material: bytes, *, psk: bool = False) -> tuple[bytes, bytes]:
        nonlocal chain, aead
        temporary = hmac.digest(chain, material, "sha256")
        first = hmac.digest(temporary, b"\x01", "sha256")
        second = hmac.digest(temporary, first + b"\x02", "sha256")
        chain, aead = first, second
        if psk:
            mix_hash(second)
            aead = hmac.digest(temporary, second + b"\x03", "sha256")
        return first, second

    mix_hash(bound)
    mix_key(key.secret, psk=True)
    mix_hash(message[:32])
    mix_key(message[:32])
    mix_hash(message[32:])
    own = X25519PrivateKey.from_private_bytes(random_bytes(32)).public_key().public_bytes_raw()
    mix_hash(own)
    mix_key(own)
    mix_key(bytes(32))
    tag = ChaCha20Poly1305(aead).encrypt(bytes(12), b"", digest)
    mix_hash(tag)
    return own + tag, LinkSecrets(*mix_key(b""))


@pump_mutant("ephemeral-key-reused", caught_by="handshake/fresh-ephemeral-keys")
def ephemeral_key_reused(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It makes one ephemeral pair when it starts, and uses that for every handshake."""
    once = pump.random.randbytes(32)
    patch.setattr(
        guard,
        "respond",
        lambda key, bound, message, _: respond(key, bound, message, lambda _: once),
    )


@pump_mutant("sequence-of-handshakes-is-one", caught_by="handshake/any-sequence-number")
def sequence_of_handshakes_is_one(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It answers every Authenticate under the number 1, which it always has."""

    @around(patch, pump_end, "frame_bytes")
    def framed(good, message_type, link_id, sequence, payload):
        return good(message_type, link_id, 1 if message_type == 0x97 else sequence, payload)


@pump_mutant("handshake-under-link-id-zero", caught_by="handshake/link-id-zero")
def handshake_under_link_id_zero(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It judges a handshake under link id 0 like any other."""

    @around(patch, PumpEnd, "_judge_handshake")
    def judged(judge, self, frame):
        own, request = self._guard, self._decode(frame) if frame.link_id == 0 else None
        if own is not None and isinstance(request, Authenticate):
            self._answer_handshake(own, frame, request)
        else:
            judge(self, frame)


@pump_mutant("handshake-under-ended-link-id", caught_by="handshake/link-id-used")
def handshake_under_ended_link_id(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It does not look whether the link id of a handshake was used before."""

    def judged(self: PumpEnd, frame: Frame) -> None:
        own, request = self._guard, self._decode(frame)
        if own is not None and isinstance(request, Authenticate):
            self._answer_handshake(own, frame, request)

    patch.setattr(PumpEnd, "_judge_handshake", judged)


@pump_mutant("malformed-handshake-fails", caught_by="handshake/fault-of-the-payload")
def malformed_handshake_fails(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It says of a role that nobody knows what it says of a key that it does not have."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        if frame.message_type == 0x17 and reason.code.name == "UNKNOWN_VALUE":
            reason = Reason(guard.RefusalCode.AUTHENTICATION_FAILED, guard.Field.NONE)
        refuse(self, frame, reason)


@pump_mutant("malformed-handshakes-count", caught_by="handshake/fault-of-the-payload")
def malformed_handshakes_count(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It counts a handshake as failed before it has read it: so anybody locks it by noise."""

    @around(patch, PumpEnd, "_judge_handshake")
    def judged(judge, self, frame):
        assert self._guard is not None
        self._guard._count(self._now_ms)
        judge(self, frame)


# --- The handshake that waits ------------------------------------------------------------------


@pump_mutant("repeated-handshake-answered-anew", caught_by="handshake/identical-repeat")
def repeated_handshake_answered_anew(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It does not know the identical bytes of the handshake that waits, and begins another."""

    @around(patch, PumpGuard, "answer")
    def answered(answer, self, frame, request, now_ms):
        if self._candidate is not None:
            self._candidate = replace(self._candidate, request=Frame(0, 0, 0))
        return answer(self, frame, request, now_ms)


@pump_mutant("failed-handshake-drops-another", caught_by="handshake/failed-one-leaves-it")
def failed_handshake_drops_another(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A handshake that fails makes it forget the one that waits: anybody keeps everybody out."""

    @around(patch, PumpGuard, "answer")
    def answered(answer, self, frame, request, now_ms):
        try:
            return answer(self, frame, request, now_ms)
        except Denied:
            self._candidate = None
            raise


@pump_mutant("first-handshake-stays", caught_by="handshake/another-takes-its-place")
def first_handshake_stays(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It keeps the keys of every handshake that was answered, for whoever may come."""
    kept: dict[int, LinkKeys] = {}

    @around(patch, PumpGuard, "answer")
    def answered(answer, self, frame, request, now_ms):
        reply, keys = answer(self, frame, request, now_ms)
        kept[frame.link_id] = keys
        return reply, keys

    around(patch, PumpGuard, "keys_of")(
        lambda keys_of, self, link_id, now_ms: keys_of(self, link_id, now_ms) or kept.get(link_id)
    )


@pump_mutant("handshake-waits-for-ever", caught_by="handshake/waits-ten-seconds")
def handshake_waits_for_ever(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A handshake that nobody goes on with can be gone on with at any time."""
    patch.setattr(guard, "HANDSHAKE_LIMIT_MS", 10**9)


@pump_mutant("repeat-makes-a-handshake-young", caught_by="handshake/waits-ten-seconds")
def repeat_makes_a_handshake_young(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The repeat of a handshake begins its 10 s anew, so that a recording keeps it."""

    @around(patch, PumpGuard, "answer")
    def answered(answer, self, frame, request, now_ms):
        result = answer(self, frame, request, now_ms)
        assert self._candidate is not None
        self._candidate = replace(self._candidate, until_ms=now_ms + guard.HANDSHAKE_LIMIT_MS)
        return result


# --- The lock ----------------------------------------------------------------------------------


@pump_mutant("never-locks", caught_by="handshake/lock-after-five")
def never_locks(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Handshakes may fail as often as anybody likes."""
    patch.setattr(guard, "FREE_FAILURES", 10**9)


@pump_mutant("locks-one-late", caught_by="handshake/lock-after-five")
def locks_one_late(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Six failures are free."""
    patch.setattr(guard, "FREE_FAILURES", 6)


@pump_mutant("locks-one-early", caught_by="handshake/lock-ended-by-a-link")
def locks_one_early(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Four failures are free: the fifth locks."""
    patch.setattr(guard, "FREE_FAILURES", 4)


@pump_mutant("lock-counts-what-it-refuses", caught_by="handshake/lock-ends")
def lock_counts_what_it_refuses(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What a lock refuses counts as failed, too: whoever goes on trying shuts out everybody."""

    @around(patch, PumpGuard, "answer")
    def answered(answer, self, frame, request, now_ms):
        if now_ms < self._locked_until_ms:
            self._failures += 1
        return answer(self, frame, request, now_ms)


@pump_mutant("lock-does-not-double", caught_by="handshake/lock-ends")
def lock_does_not_double(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Every lock lasts 1 s."""
    patch.setattr(guard, "LONGEST_LOCK_MS", guard.FIRST_LOCK_MS)


@pump_mutant("lock-grows-for-ever", caught_by="handshake/lock-doubles")
def lock_grows_for_ever(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Locks double beyond 60 s."""
    patch.setattr(guard, "LONGEST_LOCK_MS", 10**9)


@pump_mutant("answered-handshakes-are-free", caught_by="handshake/lock-counts-answered-ones")
def answered_handshakes_are_free(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A handshake that is answered sets the count to 0: it may be a recording."""

    @around(patch, PumpGuard, "answer")
    def answered(answer, self, frame, request, now_ms):
        result = answer(self, frame, request, now_ms)
        self._failures = self._locked_until_ms = 0
        return result


@pump_mutant("lock-outlives-a-link", caught_by="handshake/lock-ended-by-a-link")
def lock_outlives_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whoever proves to hold a key does not end a lock, nor the count."""

    @around(patch, PumpGuard, "opened")
    def stubborn(opened, self, link_keys):
        kept = self._failures, self._locked_until_ms
        opened(self, link_keys)
        self._failures, self._locked_until_ms = kept


@pump_mutant("lock-ends-the-open-link", caught_by="handshake/lock-leaves-the-open-link")
def lock_ends_the_open_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """When a lock begins, whatever link is open ends: somebody seems to attack."""

    @around(patch, PumpEnd, "_answer_handshake")
    def answered(answer, self, own, frame, request):
        answer(self, own, frame, request)
        if self._now_ms < own._locked_until_ms and self.link_state is LinkState.OPEN:
            self._end_link(LinkTrigger.REPLACED)


@pump_mutant("lock-drops-the-handshake-that-waits", caught_by="handshake/lock-ended-by-a-link")
def lock_drops_the_handshake_that_waits(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A lock refuses the identical bytes of the handshake that waits, too."""

    @around(patch, PumpGuard, "answer")
    def answered(answer, self, frame, request, now_ms):
        if now_ms < self._locked_until_ms:
            self._candidate = None
        return answer(self, frame, request, now_ms)
