"""Pumps that are wrong about sequence numbers."""

from collections import deque
from dataclasses import replace

import pytest

from pump_protocol import pump_end
from pump_protocol.codes import Field, MessageType, RefusalCode
from pump_protocol.messages import Reason, Refusal
from pump_protocol.pump_end import PumpEnd, _Last
from pump_protocol.session import Session
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from tests.conformance.mutants.changes import around, free_number_again, refuse_as
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

STALE = RefusalCode.SEQUENCE_STALE
REUSED = RefusalCode.SEQUENCE_REUSED


# --- Numbers -------------------------------------------------------------------------------------


@pump_mutant("wants-the-very-next-number", caught_by="sequence/gaps")
def wants_the_very_next_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A gap between numbers is taken for a fault."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(judge, self, frame):
        if frame.sequence > self._sequence + 1:
            self._refuse(frame, Reason(STALE, Field.SEQUENCE, frame.sequence))
        else:
            judge(self, frame)


@pump_mutant("signed-numbers", caught_by="sequence/gaps")
def signed_numbers(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Numbers are compared as signed ones of 32 bits."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(judge, self, frame):
        if frame.sequence >= 2**31 > self._sequence:
            self._refuse(frame, Reason(STALE, Field.SEQUENCE, frame.sequence))
        else:
            judge(self, frame)


@pump_mutant("first-number-is-not-zero", caught_by="sequence/any-first-number")
def first_number_is_not_zero(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """OpenLink with number 0 is refused."""

    @around(patch, PumpEnd, "_judge_opening")
    def judged(opening, self, frame):
        if frame.sequence == 0:
            self._refuse(frame, Reason(STALE, Field.SEQUENCE, 0, 1))
        else:
            opening(self, frame)


@pump_mutant("numbers-outlive-their-link", caught_by="sequence/numbers-of-a-link")
def numbers_outlive_their_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A new link must go on with higher numbers than the one before."""

    @around(patch, PumpEnd, "_judge_opening")
    def judged(opening, self, frame):
        if 500 < self._sequence > frame.sequence:
            self._refuse(frame, Reason(STALE, Field.SEQUENCE, frame.sequence))
        else:
            opening(self, frame)


@pump_mutant("links-share-an-answer", caught_by="sequence/numbers-of-a-link", authenticated=False)
def links_share_an_answer(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A repeat is known by number, type and payload, whatever its link."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        last = self._last
        if last is not None and replace(frame, link_id=last.frame.link_id) == last.frame:
            self._repeat_answer(last)
        else:
            judge(self, frame)


@pump_mutant("limits-beyond-the-last-number", caught_by="sequence/used-up")
def limits_beyond_the_last_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """When the numbers are used up, a next one is named all the same."""
    patch.setattr(pump_end, "MAX_SEQUENCE", 2**32)


@pump_mutant("stale-accepted", caught_by="sequence/stale")
def stale_accepted(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A number is refused only if it was the last one."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(judge, self, frame):
        if frame.sequence < self._sequence:
            self._sequence = -1
        judge(self, frame)


@pump_mutant("limits-from-the-number-asked", caught_by="sequence/stale")
def limits_from_the_number_asked(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The refusal names the number behind the one that was asked for, and not the next free one."""
    refuse_as(patch, STALE, lambda reason: replace(reason, minimum=(reason.value or 0) + 1))


@pump_mutant(
    "answers-older-requests-again",
    caught_by="sequence/replayed-request-is-stale",
    authenticated=False,
)
def answers_older_requests_again(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The last four answers are kept, and each is sent again."""
    kept: deque[_Last] = deque(maxlen=4)

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        for last in kept:
            if last.frame == frame and frame.link_id == self.link_id:
                self._repeat_answer(last)
                return
        judge(self, frame)
        if self._last is not None and self._last not in kept:
            kept.append(self._last)


@pump_mutant("reused-accepted", caught_by="sequence/reused")
def reused_accepted(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The number of the last request is good once more for another one."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(judge, self, frame):
        if frame.sequence == self._sequence:
            self._sequence -= 1
        judge(self, frame)


@pump_mutant("same-number-same-answer", caught_by="sequence/reused", authenticated=False)
def same_number_same_answer(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whatever has the number of the last request is answered as that was."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(judge, self, frame):
        last = self._last
        if last is not None and frame.sequence == self._sequence:
            self._repeat_answer(last)
        else:
            judge(self, frame)


# --- Exactly one answer --------------------------------------------------------------------------


@pump_mutant("two-answers", caught_by="sequence/exactly-one-answer")
def two_answers(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whatever answers a log page is sent twice."""

    @around(patch, PumpEnd, "send_response")
    def responded(respond, self, to, response):
        respond(self, to, response)
        if to.request.message_type == MessageType.READ_LOG:
            self.outgoing.append(self.outgoing[-1])


@pump_mutant("silent-to-what-it-cannot-read", caught_by="sequence/exactly-one-answer")
def silent_to_what_it_cannot_read(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A request whose payload cannot be read is not answered."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        if reason.code is not RefusalCode.MALFORMED:
            refuse(self, frame, reason)


@pump_mutant("last-come-first-served", caught_by="sequence/answered-in-order")
def last_come_first_served(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Of several requests in one write the last is carried out first."""

    @around(patch, Session, "receive_data")
    def received(receive, self, data, now_ms):
        receive(self, data, now_ms)
        self._frames = deque(reversed(self._frames))


@pump_mutant("takes-its-time", caught_by="sequence/prompt-answers")
def takes_its_time(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Every answer comes 600 ms after its request was carried out."""
    late: deque[tuple[int, bytes]] = deque()

    @around(patch, PumpEndpoint, "receive_data")
    def received(receive, self, data, link_ns):
        answer = receive(self, data, link_ns)
        if answer:
            late.append((link_ns + 600 * NS_PER_MS, answer))
        return b""

    @around(patch, PumpEndpoint, "handle_timeout")
    def timed_out(timeout, self, link_ns):
        answer = timeout(self, link_ns)
        while late and late[0][0] <= link_ns:
            answer += late.popleft()[1]
        return answer

    @around(patch, PumpEndpoint, "next_timeout_ns")
    def next_ns(next_timeout, self):
        due = [each for each in (next_timeout(self), late[0][0] if late else None) if each]
        return min(due, default=None)


# --- Repeats -------------------------------------------------------------------------------------


@pump_mutant("repeat-answered-anew", caught_by="sequence/repeat-of-a-response", authenticated=False)
def repeat_answered_anew(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is sent again is carried out again, and answered as things are then."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        if self._last is not None and frame == self._last.frame:
            free_number_again(self, self._sequence - 1)
        judge(self, frame)


@pump_mutant("repeat-of-sealed-frames-unknown", caught_by="sequence/repeat-of-a-response")
def repeat_of_sealed_frames_unknown(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The counter of a sealed frame is judged before it is known for a repeat."""

    @around(patch, PumpEnd, "judge")
    def judged(judge, self, frame):
        if frame.sealed:
            self._last = None
        judge(self, frame)


@pump_mutant("repeat-carried-out-unseen", caught_by="sequence/repeat-not-carried-out")
def repeat_carried_out_unseen(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is sent again is answered with the same bytes, but carried out once more."""

    @around(patch, PumpEnd, "_repeat_answer")
    def repeated(repeat, self, last):
        repeat(self, last)
        request = last.request
        if request is not None and request.request.message_type == MessageType.STAGE_PRESCRIPTION:
            pump.endpoint.telemetry.answer(request, self._now_ms)
            pump.endpoint.simulation.pump.firmware.roll_back()


@pump_mutant("refusals-are-not-kept", caught_by="sequence/repeat-of-a-refusal")
def refusals_are_not_kept(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only responses are kept to be sent again."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        refuse(self, frame, reason)
        if self._last is not None and frame is self._last.frame:
            self._last = None


@pump_mutant(
    "stale-takes-the-place-of-the-last",
    caught_by="sequence/repeat-after-what-uses-no-number",
    authenticated=False,
)
def stale_takes_the_place_of_the_last(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A request that is refused for its number is the last one from then on."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        if reason.code is STALE:
            self._last = _Last(frame)
        refuse(self, frame, reason)


@pump_mutant(
    "unbelieved-takes-the-place-of-the-last",
    caught_by="sequence/repeat-after-what-uses-no-number",
)
def unbelieved_takes_the_place_of_the_last(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A sealed frame that is not believed is the last one from then on."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        if reason.code is RefusalCode.NOT_AUTHENTIC:
            self._last = _Last(frame)
        refuse(self, frame, reason)


# --- What uses a number up -----------------------------------------------------------------------


@pump_mutant("refusal-gives-its-number-back", caught_by="sequence/number-used-by-a-refused-request")
def refusal_gives_its_number_back(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A request that was not carried out may be corrected under its number."""

    @around(patch, PumpEnd, "send_response")
    def responded(respond, self, to, response):
        respond(self, to, response)
        if isinstance(response, Refusal):
            free_number_again(self, to.sequence - 1)


def _gives_back(patch: pytest.MonkeyPatch, *codes: RefusalCode) -> None:
    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        refuse(self, frame, reason)
        if reason.code in codes:
            free_number_again(self, frame.sequence - 1)


@pump_mutant(
    "unreadable-gives-its-number-back", caught_by="sequence/number-used-by-a-malformed-request"
)
def unreadable_gives_its_number_back(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A request that could not be read may be corrected under its number."""
    _gives_back(patch, RefusalCode.MALFORMED, RefusalCode.UNKNOWN_VALUE)


@pump_mutant(
    "unknown-gives-its-number-back", caught_by="sequence/number-used-by-an-unknown-request"
)
def unknown_gives_its_number_back(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A request that nobody knows, or may not send, does not use its number up."""
    _gives_back(patch, RefusalCode.UNKNOWN_MESSAGE, RefusalCode.NOT_PERMITTED)
