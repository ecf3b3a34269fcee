"""Pumps that are wrong about their security profile, about keys and about what they record."""

from dataclasses import replace

import pytest

from pump_protocol import events as ev
from pump_protocol.codes import Field, MessageType, RefusalCode
from pump_protocol.envelope import SEALED_VERSION
from pump_protocol.frames import Frame
from pump_protocol.guard import Denied, PumpGuard
from pump_protocol.keys import Key
from pump_protocol.messages import CloseLink, Reason
from pump_protocol.pump_end import PumpEnd
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import answering, around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


@pump_mutant("takes-plain-reading", caught_by="security/plain-requests-refused")
def takes_plain_reading(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It has keys, and answers a plain Interrogate all the same: only reading, after all."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if frame.message_type == MessageType.INTERROGATE and not frame.sealed:
            end._link_keys, end._payload = None, frame.payload
            end._accept(frame)
        else:
            good(end, frame)


@pump_mutant("refuses-unknown-plain-types-otherwise", caught_by="security/plain-requests-refused")
def refuses_unknown_plain_types_otherwise(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Of a plain frame it looks at the message type before it asks for authentication."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if frame.message_type == 0x7F and not frame.sealed:
            end._link_keys = None
            end._refuse(frame, Reason(RefusalCode.UNKNOWN_MESSAGE, Field.MESSAGE_TYPE, 0x7F))
        else:
            good(end, frame)


@pump_mutant("falls-back-after-a-failure", caught_by="security/no-fall-back")
def falls_back_after_a_failure(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Once a handshake has failed it takes plain links, so that nobody is shut out."""
    failed: list[bool] = []

    @around(patch, PumpGuard, "answer")
    def noted(answer, self, frame, request, now_ms):
        try:
            return answer(self, frame, request, now_ms)
        except Denied:
            failed.append(True)
            raise

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if failed and frame.message_type == MessageType.OPEN_LINK and not frame.sealed:
            end._link_keys, end._payload = None, frame.payload
            end._judge_in_turn(frame)
        else:
            good(end, frame)


@pump_mutant("says-insecure-without-a-link", caught_by="security/no-fall-back")
def says_insecure_without_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What it says of itself changes when a link is closed."""
    closed: list[bool] = []

    @answering(patch, CloseLink)
    def noting(close, self, request, event):
        closed.append(True)
        return close(self, request, event)

    @around(patch, Telemetry, "identity")
    def told(identity, self):
        good = identity(self)
        return replace(good, firmware_version="closed") if closed else good


@pump_mutant(
    "insecure-looks-at-handshakes",
    caught_by="security/insecure-refuses-handshakes",
    authenticated=False,
)
def insecure_looks_at_handshakes(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Without keys, it reads Authenticate before it refuses it: MALFORMED where it is too short."""

    @around(patch, PumpEnd, "_judge_handshake")
    def judged(judge_handshake, self, frame):
        if self._decode(frame) is not None:
            judge_handshake(self, frame)


@pump_mutant(
    "insecure-knows-no-pairing",
    caught_by="security/insecure-has-no-keys-to-give",
    authenticated=False,
)
def insecure_knows_no_pairing(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Without keys, it refuses Pair as a message that it does not know."""

    def refused(self: PumpEnd, frame: Frame) -> None:
        number = frame.message_type
        self._refuse(frame, Reason(RefusalCode.UNKNOWN_MESSAGE, Field.MESSAGE_TYPE, number))

    patch.setattr(PumpEnd, "_hand_over_key", refused)


@pump_mutant(
    "insecure-silent-to-sealed",
    caught_by="security/insecure-refuses-sealed",
    authenticated=False,
)
def insecure_silent_to_sealed(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Without keys, it takes sealed frames for noise."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if frame.version != SEALED_VERSION:
            good(end, frame)


@pump_mutant("forgeries-not-recorded", caught_by="security/refusals-are-recorded")
def forgeries_not_recorded(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its access log tells nothing of sealed frames that were not believed."""

    @around(patch, Telemetry, "_record_refusal")
    def recorded(record, self, refusal, link_id):
        if RefusalCode.NOT_AUTHENTIC not in refusal.codes:
            record(self, refusal, link_id)


@pump_mutant("refusals-recorded-without-their-link", caught_by="security/refusals-are-recorded")
def refusals_recorded_without_their_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its access log tells of refusals without the link id under which they came."""
    around(patch, Telemetry, "_record_refusal")(
        lambda record, self, refusal, link_id: record(self, refusal, 0)
    )


@pump_mutant("opened-links-not-recorded", caught_by="security/opened-links-are-recorded")
def opened_links_not_recorded(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its access log does not tell with which keys links were opened."""

    @around(patch, Telemetry, "observe")
    def observed(observe, self, event):
        if not isinstance(event, ev.LinkAuthenticated):
            observe(self, event)


@pump_mutant("links-recorded-at-the-handshake", caught_by="security/opened-links-are-recorded")
def links_recorded_at_the_handshake(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its access log says that a link was opened when a handshake was answered: anybody's
    recording may have been."""

    @around(patch, Telemetry, "observe")
    def observed(observe, self, event):
        if isinstance(event, ev.HandshakeAnswered):
            event = ev.LinkAuthenticated(event.link_id, event.key_id, event.role)
            observe(self, event)
        elif not isinstance(event, ev.LinkAuthenticated):
            observe(self, event)


@pump_mutant("one-secret-for-all-roles", caught_by="key/no-two-alike")
def one_secret_for_all_roles(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """All its keys have one secret, and differ in id and role only."""
    keys = pump.subject.keys
    secret = pump.key.secret
    same = {role: Key(key.key_id, role, secret) for role, key in keys.items()}
    pump.subject = replace(pump.subject, keys=same)
    pump.alter(lambda endpoint: patch.setattr(endpoint.guard, "_keys", same))


@pump_mutant("default-key", caught_by="key/no-two-alike")
def default_key(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its clinician's key is the one that the specification prints as an example."""
    printed = {**pump.subject.keys, pump.key.role: replace(pump.key, secret=bytes(range(32)))}
    pump.subject = replace(pump.subject, keys=printed)
    pump.alter(lambda endpoint: patch.setattr(endpoint.guard, "_keys", printed))


@pump_mutant("tells-of-the-secret", caught_by="key/secrets-told-nowhere")
def tells_of_the_secret(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Where a handshake fails it tells, for whoever looks for the fault, how the secret begins."""

    @around(patch, PumpGuard, "answer")
    def answered(answer, self, frame, request, now_ms):
        try:
            return answer(self, frame, request, now_ms)
        except Denied as denied:
            start = int.from_bytes(self.keys[request.role].secret[:7], "big")
            raise Denied(replace(denied.reason, value=start)) from None
