"""Pumps that are wrong about links."""

from collections import deque
from dataclasses import replace

import pytest

from pump_protocol import pump_end
from pump_protocol.codes import (
    PROTOCOL_VERSION,
    RESPONSE_BIT,
    SEALED_BIT,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.messages import CloseLink, LinkClosed, LinkOpened, Reason
from pump_protocol.pump_end import PumpEnd
from pump_protocol.session import Session
from pump_protocol.states import LinkState, LinkTrigger
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import answering, around, refuse_as
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

UNSUPPORTED = RefusalCode.UNSUPPORTED_VERSION


# --- How one begins ------------------------------------------------------------------------------


@pump_mutant("reads-without-a-link", caught_by="link/refused-without-one", authenticated=False)
def reads_without_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whoever only reads needs no link."""

    @around(patch, PumpEnd, "_judge_in_turn")
    def judged(in_turn, self, frame):
        if frame.message_type == MessageType.READ_NOTE and self.link_id != frame.link_id:
            self._accept(frame)
        else:
            in_turn(self, frame)


@pump_mutant("link-zero-can-be-opened", caught_by="link/id-zero", authenticated=False)
def link_zero_can_be_opened(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A link may have the id 0."""

    @around(patch, PumpEnd, "_judge_opening")
    def judged(opening, self, frame):
        if frame.link_id == 0:
            self._accept(frame)
        else:
            opening(self, frame)


@pump_mutant("limits-told-in-seconds", caught_by="link/opened-tells-its-limits")
def limits_told_in_seconds(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """LinkOpened tells its limits in seconds."""

    @around(patch, Telemetry, "answer")
    def answered(answer, self, event, link_ms):
        opened = answer(self, event, link_ms)
        if not isinstance(opened, LinkOpened):
            return opened
        return replace(opened, idle_limit_ms=120, absolute_limit_ms=1_800, staging_limit_ms=120)


@pump_mutant("replaced-links-are-not-remembered", caught_by="link/another-replaces-it")
def replaced_links_are_not_remembered(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only the ids of links that ended otherwise than by another are remembered."""

    @around(patch, PumpEnd, "_end_link")
    def ended(end_link, self, cause):
        end_link(self, cause)
        if cause is LinkTrigger.REPLACED:
            self._retired.pop()


@pump_mutant("refused-opening-ends-the-link", caught_by="link/refused-opening-ends-none")
def refused_opening_ends_the_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Any OpenLink ends the link that is open, before it is looked at further."""

    @around(patch, PumpEnd, "_judge_opening")
    def judged(opening, self, frame):
        if self.link_state is LinkState.OPEN:
            self._end_link(LinkTrigger.REPLACED)
        opening(self, frame)


@pump_mutant("own-id-misused-by-number", caught_by="link/own-id-opened-again")
def own_id_misused_by_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """OpenLink under the open link's id is judged by its number first."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(in_link, self, frame):
        if frame.message_type == MessageType.OPEN_LINK and frame.sequence < self._sequence:
            self._refuse(frame, Reason(RefusalCode.SEQUENCE_STALE, Field.SEQUENCE))
        else:
            in_link(self, frame)


@pump_mutant("own-id-uses-a-number-up", caught_by="link/own-id-opened-again")
def own_id_uses_a_number_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """OpenLink under the open link's id uses its number up."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(in_link, self, frame):
        in_link(self, frame)
        if frame.message_type == MessageType.OPEN_LINK:
            self._sequence = max(self._sequence, frame.sequence)


@pump_mutant("opening-is-not-repeated", caught_by="link/opening-repeated")
def opening_is_not_repeated(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The identical repeat of OpenLink is refused like any other under the link's id."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        if self._last is not None and frame.message_type == MessageType.OPEN_LINK:
            self._last = None
        judge(self, frame)


# --- How one ends --------------------------------------------------------------------------------


@pump_mutant("closed-link-can-be-opened", caught_by="link/closed", authenticated=False)
def closed_link_can_be_opened(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The id of the link that ended last is as good as a fresh one."""

    @around(patch, PumpEnd, "_judge_in_turn")
    def judged(in_turn, self, frame):
        if self._retired and self._retired[-1] == frame.link_id:
            self._retired.pop()
        in_turn(self, frame)


@pump_mutant("close-answered-once", caught_by="link/close-answered-again")
def close_answered_once(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """With the link, its last answer is forgotten."""

    @around(patch, PumpEnd, "_end_link")
    def ended(end_link, self, cause):
        end_link(self, cause)
        self._last = None


@pump_mutant("remembers-63-ids", caught_by="link/last-64-ids-remembered")
def remembers_63_ids(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The ids of 63 links that ended are remembered."""
    patch.setattr(pump_end, "RETIRED_LINKS", 63)
    pump.alter(lambda endpoint: setattr(_end(endpoint), "_retired", deque(maxlen=63)))


def _end(endpoint: PumpEndpoint) -> PumpEnd:
    end = endpoint._session._end
    assert isinstance(end, PumpEnd)
    return end


@pump_mutant("close-drops-what-is-staged", caught_by="link/end-leaves-therapy")
def close_drops_what_is_staged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """CloseLink rolls a staged prescription back."""

    @answering(patch, CloseLink)
    def closed(_, self, request, event):
        if self._firmware.pending is not None:
            self._firmware.roll_back()
        return LinkClosed()


@pump_mutant("close-aborts-the-bolus", caught_by="link/end-leaves-therapy")
def close_aborts_the_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """CloseLink ends a running bolus."""

    @answering(patch, CloseLink)
    def closed(_, self, request, event):
        self._firmware.abort_bolus()
        return LinkClosed()


@pump_mutant("link-ends-with-its-connection", caught_by="link/survives-its-connection")
def link_ends_with_its_connection(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Who loses the connection loses the link."""

    @around(patch, Session, "connection_lost")
    def ended(lost, self, now_ms):
        lost(self, now_ms)
        if self.link_state is LinkState.OPEN:
            self._end._end_link(LinkTrigger.IDLE_LIMIT)


@pump_mutant("link-survives-a-restart", caught_by="link/none-after-a-restart")
def link_survives_a_restart(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A pump that starts anew takes its link up again."""
    kept: list[Session] = []

    def keep(endpoint: PumpEndpoint) -> None:
        kept.append(endpoint._session)
        endpoint._session = kept[0]

    pump.alter(keep)


# --- Limits of time ------------------------------------------------------------------------------


@pump_mutant("idle-limit-early", caught_by="link/idle-limit-not-before")
def idle_limit_early(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A link without requests ends after 60 s."""
    patch.setattr(pump_end, "IDLE_LIMIT_MS", 60_000)


@pump_mutant("no-idle-limit", caught_by="link/idle-limit")
def no_idle_limit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A link without requests does not end."""
    patch.setattr(pump_end, "IDLE_LIMIT_MS", 10**9)


@pump_mutant("refused-requests-are-idle", caught_by="link/idle-limit-begins-anew")
def refused_requests_are_idle(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only requests that can be read begin the idle limit anew."""
    before: list[int] = [0]

    @around(patch, PumpEnd, "_remember")
    def remembered(remember, self, frame):
        before[0] = self._last_request_ms
        remember(self, frame)

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        if reason.code is not RefusalCode.LINK_ID_USED:
            self._last_request_ms = before[0]
        refuse(self, frame, reason)


@pump_mutant("any-frame-keeps-the-link", caught_by="link/idle-limit-not-put-off")
def any_frame_keeps_the_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whatever frame arrives begins the idle limit anew."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        judge(self, frame)
        self._last_request_ms = self._now_ms


@pump_mutant("recordings-keep-the-link", caught_by="link/idle-limit-not-put-off")
def recordings_keep_the_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The identical bytes of the last sealed request begin the idle limit anew."""

    @around(patch, PumpEnd, "_repeat_answer")
    def repeated(repeat, self, last):
        repeat(self, last)
        self._last_request_ms = self._now_ms


@pump_mutant("idle-limit-in-therapy-time", caught_by="link/idle-limit-in-link-time")
def idle_limit_in_therapy_time(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The idle limit counts in therapy time."""

    @around(patch, PumpEndpoint, "jump_to")
    def jumped(jump_to, self, therapy_ms, link_ns):
        _end(self)._last_request_ms -= therapy_ms - self.simulation.now_ms
        jump_to(self, therapy_ms, link_ns)


@pump_mutant("no-absolute-limit", caught_by="link/absolute-limit")
def no_absolute_limit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A link that is busy never ends."""
    patch.setattr(pump_end, "ABSOLUTE_LIMIT_MS", 10**9)


@pump_mutant("absolute-limit-early", caught_by="link/absolute-limit")
def absolute_limit_early(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Any link ends after 20 min."""
    patch.setattr(pump_end, "ABSOLUTE_LIMIT_MS", 20 * 60_000)


# --- Identify ------------------------------------------------------------------------------------


@pump_mutant(
    "no-identity-under-an-ended-id", caught_by="link/identify-outside", authenticated=False
)
def no_identity_under_an_ended_id(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Identify under the id of a link that ended is refused like any other request."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        if frame.message_type == MessageType.IDENTIFY and frame.link_id in self._retired:
            self._refuse(frame, Reason(RefusalCode.LINK_ID_USED, Field.LINK_ID))
        else:
            judge(self, frame)


@pump_mutant("identify-ends-the-link", caught_by="link/identify-outside")
def identify_ends_the_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Identify outside the link is taken for a new programmer."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        other = frame.message_type == MessageType.IDENTIFY and frame.link_id != self.link_id
        if other and self.link_state is LinkState.OPEN:
            self._end_link(LinkTrigger.REPLACED)
        judge(self, frame)


@pump_mutant(
    "identify-is-never-in-a-link", caught_by="link/identify-in-a-link", authenticated=False
)
def identify_is_never_in_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Identify stands outside under the id of the open link, too."""

    @around(patch, PumpEnd, "_judge_in_turn")
    def judged(in_turn, self, frame):
        if frame.message_type == MessageType.IDENTIFY:
            self._accept(frame)
        else:
            in_turn(self, frame)


@pump_mutant(
    "plain-identify-uses-a-sealed-number", caught_by="link/identify-plain-in-a-sealed-link"
)
def plain_identify_uses_a_sealed_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A plain Identify under the id of a sealed link uses its number up."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        judge(self, frame)
        if frame.link_id == self.link_id and frame.message_type == MessageType.IDENTIFY:
            self._sequence = max(self._sequence, frame.sequence)


# --- Other versions, responses -------------------------------------------------------------------


@pump_mutant("versions-from-zero", caught_by="link/other-version")
def versions_from_zero(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The refusal of a version names limits that the pump does not mean."""
    refuse_as(patch, UNSUPPORTED, lambda reason: replace(reason, minimum=0))


@pump_mutant("version-told-with-its-bit", caught_by="link/other-version")
def version_told_with_its_bit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The refusal of a sealed frame's version tells it with bit 7."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        patch.setattr(pump_end, "SEALED_BIT", 0)
        judge(self, frame)


@pump_mutant("refused-in-the-version-asked", caught_by="link/other-version")
def refused_in_the_version_asked(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A request of another version is refused in that version."""

    @around(patch, PumpEnd, "_framed")
    def framed_so(framed, self, kind, to, payload, keys):
        if isinstance(to, Frame) and to.version & ~SEALED_BIT != PROTOCOL_VERSION:
            return frame_bytes(kind, to.link_id, to.sequence, payload, to.version)
        return framed(self, kind, to, payload, keys)


@pump_mutant(
    "version-not-looked-at", caught_by="link/other-version-not-carried-out", authenticated=False
)
def version_not_looked_at(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A plain request of another version is carried out."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        judge(self, frame if frame.sealed else replace(frame, version=PROTOCOL_VERSION))


@pump_mutant("other-version-uses-a-number-up", caught_by="link/other-version-not-carried-out")
def other_version_uses_a_number_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A request of another version uses its number up."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        judge(self, frame)
        if frame.version & ~SEALED_BIT != PROTOCOL_VERSION and frame.link_id == self.link_id:
            self._sequence = max(self._sequence, frame.sequence)


@pump_mutant("refuses-responses", caught_by="link/responses-ignored")
def refuses_responses(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A response of a type that nobody knows is refused as an unknown request."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        known = frame.message_type in set(MessageType)
        if frame.message_type >= RESPONSE_BIT and not known:
            self._refuse(frame, Reason(RefusalCode.UNKNOWN_MESSAGE, Field.MESSAGE_TYPE))
        else:
            judge(self, frame)


@pump_mutant("answers-its-echo", caught_by="link/own-echo-ignored")
def answers_its_echo(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A refusal is refused."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        if frame.message_type == MessageType.REFUSAL:
            self._refuse(frame, Reason(RefusalCode.UNKNOWN_MESSAGE, Field.MESSAGE_TYPE))
        else:
            judge(self, frame)


# --- Speaking unasked ----------------------------------------------------------------------------


@pump_mutant("says-that-it-is-there", caught_by="link/speaks-only-when-asked")
def says_that_it_is_there(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """When nobody has asked for 100 ms the pump says that it is there."""
    heard_ns = [0]

    @around(patch, PumpEndpoint, "receive_data")
    def received(receive, self, data, link_ns):
        heard_ns[0] = link_ns
        return receive(self, data, link_ns)

    @around(patch, PumpEndpoint, "handle_timeout")
    def told(timeout, self, link_ns):
        data = timeout(self, link_ns)
        if link_ns - heard_ns[0] < 100 * NS_PER_MS:
            return data
        heard_ns[0] = link_ns
        return data + frame_bytes(MessageType.STATUS_REPORT, 0, 0, b"")


@pump_mutant("announces-alarms", caught_by="link/alarm-not-announced")
def announces_alarms(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An alarm is told to whoever is at the other end of the line."""
    seen = [0]

    @around(patch, PumpEndpoint, "handle_timeout")
    def told(timeout, self, link_ns):
        data = timeout(self, link_ns)
        alarms = sum(each.active for each in self.simulation.pump.firmware.alarms.records)
        raised = alarms > seen[0]
        seen[0] = alarms
        return data + (frame_bytes(MessageType.STATUS_REPORT, 0, 0, b"") if raised else b"")
