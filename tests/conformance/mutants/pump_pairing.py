"""Pumps that are wrong about pairing codes."""

from hashlib import sha256
from types import SimpleNamespace

import pytest

from pump_protocol import access, guard
from pump_protocol import events as ev
from pump_protocol.access import MAY_SEND
from pump_protocol.codes import UserRole
from pump_protocol.errors import HandshakeFailed
from pump_protocol.guard import LinkKeys, PumpGuard, _Offer
from pump_protocol.keys import Key, RandomBytes, new_pairing_code
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


@pump_mutant("code-in-small-letters", caught_by="pairing/code")
def code_in_small_letters(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It shows its codes in small letters."""
    patch.setattr(guard, "new_pairing_code", lambda given: new_pairing_code(given).lower())


@pump_mutant("code-of-40-bits", caught_by="pairing/code")
def code_of_40_bits(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its codes have 8 characters, as somebody can type: whoever overhears one can search it."""
    patch.setattr(guard, "new_pairing_code", lambda given: new_pairing_code(given)[:9])
    patch.setattr(guard, "pairing_key", lambda code, role: Key(0, role, bytes(32)))


@pump_mutant("code-made-of-its-role", caught_by="pairing/code")
def code_made_of_its_role(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only the end of its codes is random."""

    def code(random_bytes: RandomBytes) -> str:
        return "AAAAA-BBBBB" + new_pairing_code(random_bytes)[11:]

    patch.setattr(guard, "new_pairing_code", code)


@pump_mutant("code-hashed-with-hyphens", caught_by="pairing/gives-the-key")
def code_hashed_with_hyphens(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It makes the secret of the code as it is shown, hyphens included."""
    label = b"pump-sim pairing code 1\x00"
    patch.setattr(
        guard,
        "pairing_key",
        lambda code, role: Key(0, role, sha256(label + code.encode()).digest()),
    )


@pump_mutant("always-the-clinicians-key", caught_by="pairing/gives-the-key")
def always_the_clinicians_key(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It hands the clinician's key over, whatever role the code was shown for."""
    keys = pump.subject.keys

    class Generous(dict[UserRole, Key]):
        def __getitem__(self, role: UserRole) -> Key:
            return keys[UserRole.CLINICIAN]

    patch.setattr(PumpGuard, "keys", property(lambda _: Generous(keys)))


@pump_mutant("paired-once", caught_by="pairing/gives-the-key")
def paired_once(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It hands a key over once: whose answer was lost has to begin again."""
    done: list[LinkKeys] = []

    @around(patch, PumpGuard, "may_pair")
    def once(may, self, link_keys):
        new = may(self, link_keys) and link_keys not in done
        done.append(link_keys)
        return new


@pump_mutant("code-opens-all-of-its-role", caught_by="pairing/nothing-else")
def code_opens_all_of_its_role(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """In a link that was opened with a code, whatever its role allows is allowed, too."""
    everything = access.PAIRING | MAY_SEND[UserRole.CLINICIAN]
    table = SimpleNamespace(MAY_SEND=MAY_SEND, PAIRING=everything)
    patch.setattr(guard, "access", table)


@pump_mutant("code-used-again", caught_by="pairing/used-once")
def code_used_again(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A code is good until its time is over, as often as it is used."""

    @around(patch, PumpGuard, "opened")
    def noted(opened, self, link_keys):
        opened(self, link_keys)
        if link_keys.offer is not None:
            link_keys.offer.used = False


@pump_mutant("code-used-by-a-handshake", caught_by="pairing/used-once")
def code_used_by_a_handshake(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A handshake is a use of the code, though nobody may go on with it."""

    @around(patch, PumpGuard, "_respond")
    def responded(respond, self, frame, request, now_ms):
        result = respond(self, frame, request, now_ms)
        if request.key_id == 0 and self._offer is not None:
            self._offer.used = True
        return result


@pump_mutant("other-roles-cost-attempts", caught_by="pairing/role-and-id")
def other_roles_cost_attempts(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Every handshake that fails costs an attempt of the code, whatever key it is about."""

    @around(patch, PumpGuard, "_respond")
    def responded(respond, self, frame, request, now_ms):
        try:
            return respond(self, frame, request, now_ms)
        except HandshakeFailed:
            if self._offer is not None:
                self._offer.attempts_left = max(0, self._offer.attempts_left - 1)
            raise


@pump_mutant("fourth-attempt", caught_by="pairing/three-failures")
def fourth_attempt(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A code is void after four handshakes that failed."""
    patch.setattr(
        guard, "_Offer", lambda key, visit, until_ms: _Offer(key, visit, until_ms, attempts_left=4)
    )


@pump_mutant("two-attempts", caught_by="pairing/three-failures")
def two_attempts(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A code is void after two handshakes that failed."""
    patch.setattr(
        guard, "_Offer", lambda key, visit, until_ms: _Offer(key, visit, until_ms, attempts_left=2)
    )


@pump_mutant("code-before-still-good", caught_by="pairing/next-code")
def code_before_still_good(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A code can still be gone on with when another was shown in its place."""
    patch.setattr(
        PumpGuard,
        "_stands",
        lambda self, offer: offer.visit == self.visit(),
    )


@pump_mutant("code-outlives-proximity", caught_by="pairing/proximity-ends")
def code_outlives_proximity(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A code is good until its time is over, wherever the programming head is."""
    patch.setattr(PumpGuard, "_stands", lambda self, offer: offer is self._offer)


@pump_mutant("code-good-again-with-proximity", caught_by="pairing/proximity-ends")
def code_good_again_with_proximity(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A code needs proximity when it is used, and it does not matter whose."""
    patch.setattr(PumpGuard, "_stands", lambda self, offer: offer is self._offer and self.proximity)


@pump_mutant("code-does-not-expire", caught_by="pairing/two-minutes")
def code_does_not_expire(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A code has no time."""
    patch.setattr(guard, "PAIRING_LIMIT_MS", 10**9)


@pump_mutant("pairing-ends-with-the-codes-time", caught_by="pairing/two-minutes")
def pairing_ends_with_the_codes_time(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Pair is refused once the time of the code is over, though its link was opened in time."""
    now: list[int] = [0]

    @around(patch, PumpGuard, "keys_of")
    def looked(keys_of, self, link_id, now_ms):
        now[0] = now_ms
        return keys_of(self, link_id, now_ms)

    @around(patch, PumpGuard, "may_pair")
    def in_time(may, self, link_keys):
        offer = link_keys.offer
        return may(self, link_keys) and offer is not None and now[0] < offer.until_ms


@pump_mutant("pairing-not-recorded", caught_by="pairing/recorded")
def pairing_not_recorded(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its access log does not tell that a key was handed over."""

    @around(patch, Telemetry, "observe")
    def observed(observe, self, event):
        if not isinstance(event, ev.KeyHandedOver):
            observe(self, event)
