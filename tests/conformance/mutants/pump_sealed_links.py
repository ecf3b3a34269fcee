"""Pumps that are wrong about sealed links: repeats, other links, ends and keys."""

import pytest

from pump_protocol.codes import Field, MessageType, RefusalCode
from pump_protocol.guard import LinkKeys, PumpGuard
from pump_protocol.messages import Reason
from pump_protocol.pump_end import PumpEnd, _Last
from pump_protocol.states import LinkState
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

# --- What is sent again ------------------------------------------------------------------------


@pump_mutant("repeat-judged-by-its-counter", caught_by="sealed/repeat-known-by-its-bytes")
def repeat_judged_by_its_counter(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It judges the identical bytes of the last request by their counter, which was used."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if frame.sealed:
            end._link_keys = None
            end._judge_sealed(frame)
        else:
            good(end, frame)


@pump_mutant("refusals-not-repeated", caught_by="sealed/repeat-known-by-its-bytes")
def refusals_not_repeated(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It keeps the last answer only if it was a response."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        refuse(self, frame, reason)
        if self._last is not None and self._last.frame is frame:
            self._last = None


@pump_mutant("opening-not-repeated", caught_by="sealed/repeat-of-the-opening")
def opening_not_repeated(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It refuses the identical bytes of OpenLink: that link is open."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        last = end._last
        if frame.message_type == MessageType.OPEN_LINK and last and frame == last.frame:
            end._link_keys = None
            end._refuse(frame, Reason(RefusalCode.LINK_ID_USED, Field.LINK_ID))
        else:
            good(end, frame)


@pump_mutant("last-answer-forgotten-with-its-link", caught_by="sealed/repeat-after-the-end")
def last_answer_forgotten_with_its_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """When a link is closed it forgets the last request and its answer."""

    @around(patch, PumpEnd, "_end_link")
    def forgotten(ended, self, cause):
        ended(self, cause)
        self._last = None


@pump_mutant("repeat-known-by-its-number", caught_by="sealed/resealed-under-one-number")
def repeat_known_by_its_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It takes a request that is sealed anew under the last number for its repeat."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(in_link, self, frame):
        last: _Last | None = kept[0] if kept else None
        if last is not None and (last.frame.sequence, last.frame.message_type) == (
            frame.sequence,
            frame.message_type,
        ):
            self.outgoing.append(last.answer)
        else:
            in_link(self, frame)
            kept[:] = [self._last] if self._last is not None else []

    kept: list[_Last] = []


# --- Links and their ends ----------------------------------------------------------------------


@pump_mutant("plain-identify-takes-the-number", caught_by="sealed/plain-in-an-open-link")
def plain_identify_takes_the_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A plain Identify under the id of an open link is a request of that link to it."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        good(end, frame)
        plain = frame.message_type == MessageType.IDENTIFY and not frame.sealed
        if plain and frame.link_id == end.link_id and end.link_state is LinkState.OPEN:
            end._sequence = max(end._sequence, frame.sequence)


@pump_mutant("sealed-identify-stands-outside", caught_by="sealed/identify-is-of-its-link")
def sealed_identify_stands_outside(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A sealed Identify uses no number of its link up."""

    @around(patch, PumpEnd, "_judge_in_link")
    def judged(in_link, self, frame):
        if frame.message_type == MessageType.IDENTIFY:
            self._accept(frame)
        else:
            in_link(self, frame)


@pump_mutant("unknown-links-not-authentic", caught_by="sealed/unknown-link")
def unknown_links_not_authentic(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It says of a frame for which it has no keys that it is not authentic."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        if reason.code is RefusalCode.LINK_NOT_OPEN and self._link_keys is None:
            reason = Reason(RefusalCode.NOT_AUTHENTIC, Field.NONE)
        refuse(self, frame, reason)


@pump_mutant("keys-forgotten-with-the-link", caught_by="sealed/ended-link")
def keys_forgotten_with_the_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It forgets the keys of a link as soon as that ends: nobody can believe that it has."""

    @around(patch, PumpEnd, "_end_link")
    def forgotten(ended, self, cause):
        ended(self, cause)
        assert self._guard is not None
        self._guard._link_keys = None


@pump_mutant("keys-not-forgotten", caught_by="sealed/keys-forgotten")
def keys_not_forgotten(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It keeps the keys of every link that was ever open."""
    kept: dict[int, LinkKeys] = {}

    @around(patch, PumpGuard, "opened")
    def noted(opened, self, link_keys):
        kept[link_keys.link_id] = link_keys
        opened(self, link_keys)

    around(patch, PumpGuard, "keys_of")(
        lambda keys_of, self, link_id, now_ms: keys_of(self, link_id, now_ms) or kept.get(link_id)
    )


@pump_mutant("anything-keeps-a-link", caught_by="sealed/what-keeps-a-link")
def anything_keeps_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Every frame under the id of a link keeps it from ending, believed or not."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        good(end, frame)
        if frame.link_id == end.link_id:
            end._last_request_ms = end._now_ms


@pump_mutant("repeats-keep-a-link", caught_by="sealed/what-keeps-a-link")
def repeats_keep_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The identical bytes of the last request keep a link from ending, as in a plain one."""

    @around(patch, PumpEnd, "_repeat_answer")
    def repeated(repeat, self, last):
        repeat(self, last)
        self._last_request_ms = self._now_ms


@pump_mutant("answers-plain-requests-sealed", caught_by="sealed/plain-in-an-open-link")
def answers_plain_requests_sealed(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It seals what it says under the id of an open link, whatever came."""

    @around(patch, PumpEnd, "_refuse")
    def refused(refuse, self, frame, reason):
        assert self._guard is not None
        if self._link_keys is None:
            self._link_keys = self._guard.keys_of(frame.link_id, self._now_ms)
        refuse(self, frame, reason)
