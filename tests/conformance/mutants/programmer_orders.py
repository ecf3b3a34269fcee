"""Programmers that order in a wrong way: under which number, how often, and what they say of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pump_programmer import outcome, terminal
from pump_programmer.conversation import Conversation
from pump_programmer.errors import OutcomeUnknown, PumpGone, PumpRefused
from pump_programmer.outcome import Resolution
from pump_programmer.terminal import ExitCode
from pump_programmer.told import Known
from pump_protocol.codes import RefusalCode
from pump_protocol.messages import (
    AbortBolus,
    AcknowledgeAlarm,
    BolusOrdered,
    OrderBolus,
    SilenceAlarm,
    UpdateReservoir,
    WriteNote,
)
from pump_protocol.session import RetryPolicy
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.programmer_programming import without_effect
from tests.conformance.mutants.registry import programmer_mutant

Make = Callable[[int], Any]


def _opening(patch: pytest.MonkeyPatch, last: Callable[[int], int]) -> None:
    """Have the last order number that the pump tells taken for another one."""

    @around(patch, Conversation, "_open_link")
    def opened(opening, self):
        answer = opening(self)
        self._last_order = last(self._last_order)
        return answer


@programmer_mutant("counts-from-one", caught_by="programmer-orders/number-grows")
def counts_from_one(patch: pytest.MonkeyPatch) -> None:
    """It counts its orders from 1 at each start."""
    _opening(patch, lambda last: 0)


@programmer_mutant("skips-a-number", caught_by="programmer-orders/number-follows")
def skips_a_number(patch: pytest.MonkeyPatch) -> None:
    """It leaves out an order number, to be sure."""
    _opening(patch, lambda last: last + 1)


def _ordering(patch: pytest.MonkeyPatch, again: Callable[[Exception, Conversation], bool]) -> None:
    """Have an order given again, under the next number, where *again* says so."""

    @around(patch, Conversation, "_order")
    def ordering(order, self, make, repeated):
        try:
            return order(self, make, repeated)
        except (PumpRefused, OutcomeUnknown) as error:
            if not again(error, self):
                raise
            return order(self, make, None)


def _refused_for(error: Exception, code: RefusalCode) -> bool:
    return isinstance(error, PumpRefused) and code in error.refusal.codes


@programmer_mutant("catches-up", caught_by="programmer-orders/stale")
def catches_up(patch: pytest.MonkeyPatch) -> None:
    """An order whose number is stale is given under the next one."""
    _ordering(patch, lambda error, self: _refused_for(error, RefusalCode.STALE_ORDER))


@programmer_mutant("takes-another-number", caught_by="programmer-orders/reused")
def takes_another_number(patch: pytest.MonkeyPatch) -> None:
    """An order whose number was used is given under the next one."""
    _ordering(patch, lambda error, self: _refused_for(error, RefusalCode.ORDER_REUSED))


@programmer_mutant("repeats-under-a-new-number", caught_by="programmer-orders/answer-lost")
def repeats_under_a_new_number(patch: pytest.MonkeyPatch) -> None:
    """An order that was not answered is given under the next number."""
    _ordering(patch, lambda error, self: isinstance(error, OutcomeUnknown))


@programmer_mutant("new-number-for-each-sending", caught_by="programmer-orders/answer-lost-once")
def new_number_for_each_sending(patch: pytest.MonkeyPatch) -> None:
    """An order is sent once, and then given under the next number."""

    @around(patch, Conversation, "_send")
    def sending(send, self, request):
        assert self._link is not None
        if isinstance(request, OrderBolus):
            policy = self._link._session.retry
            self._link._session.retry = RetryPolicy(500, 1)
            try:
                return send(self, request)
            finally:
                if self._link is not None:
                    self._link._session.retry = policy
        return send(self, request)

    repeats_under_a_new_number(patch)


@programmer_mutant("unanswered-is-failed", caught_by="programmer-orders/in-silence")
def unanswered_is_failed(patch: pytest.MonkeyPatch) -> None:
    """An order that nobody answers has failed."""
    without_effect(patch, OrderBolus)


@programmer_mutant("unknown-is-done", caught_by="programmer-orders/in-silence")
def unknown_is_done(patch: pytest.MonkeyPatch) -> None:
    """It ends as if all was done where the outcome is unknown."""
    exits = [
        (kind, ExitCode.DONE if kind is OutcomeUnknown else code) for kind, code in terminal._EXITS
    ]
    patch.setattr(terminal, "_EXITS", tuple(exits))


@programmer_mutant("a-lost-port-is-failure", caught_by="programmer-orders/line-cut")
def a_lost_port_is_failure(patch: pytest.MonkeyPatch) -> None:
    """An order whose line was cut has failed."""

    @around(patch, Conversation, "_raise_if_unknown")
    def unless_gone(raising, self, request, error):
        if not isinstance(error, PumpGone):
            raising(self, request, error)


@programmer_mutant("never-arrived-is-done", caught_by="programmer-orders/never-arrived")
def never_arrived_is_done(patch: pytest.MonkeyPatch) -> None:
    """An order that the pump does not remember was carried out long ago."""
    patch.setattr(outcome, "_resolve_unremembered", lambda *_: Resolution(True, "so it is"))


@programmer_mutant("new-number-for-a-repeat", caught_by="programmer-orders/same-number-again")
def new_number_for_a_repeat(patch: pytest.MonkeyPatch) -> None:
    """An order that is given again gets the next number, whatever its user says."""
    around(patch, Conversation, "_order")(
        lambda order, self, make, repeated: order(self, make, None)
    )


@programmer_mutant("takes-repeats-for-done", caught_by="programmer-orders/same-number-at-last")
def takes_repeats_for_done(patch: pytest.MonkeyPatch) -> None:
    """An order that is given again is not sent: it was given before."""

    @around(patch, Conversation, "_order")
    def ordering(order, self, make, repeated):
        if repeated is None:
            return order(self, make, repeated)
        request = make(repeated)
        answer = BolusOrdered(repeated, request.volume_nl, 0, request.duration_ms)
        return answer, repeated


# --- A pump that has lost its memory -------------------------------------------------------------


@programmer_mutant("trusts-what-is-remembered", caught_by="programmer-orders/memory-lost")
def trusts_what_is_remembered(patch: pytest.MonkeyPatch) -> None:
    """An order that the pump does not remember never arrived, though others are forgotten, too."""
    patch.setattr(Known, "memory_lost", lambda self, *_: None)
    patch.setattr(
        outcome, "_resolve_unremembered", lambda *_: Resolution(False, "it never arrived")
    )


@programmer_mutant("looks-at-no-alarm", caught_by="programmer-orders/critical-memory-error")
def looks_at_no_alarm(patch: pytest.MonkeyPatch) -> None:
    """What the pump lists about its memory tells nothing of what it remembers."""

    @around(patch, Known, "memory_lost")
    def memory_lost(lost, self, last, status):
        return lost(self, last, replace(status, alarms=()))


# --- Other changes -------------------------------------------------------------------------------


@programmer_mutant("refills-are-known", caught_by="programmer-orders/refill-in-silence")
def refills_are_known(patch: pytest.MonkeyPatch) -> None:
    """A refill that nobody answers has failed."""
    without_effect(patch, UpdateReservoir)


@programmer_mutant("notes-are-nothing", caught_by="programmer-orders/note-in-silence")
def notes_are_nothing(patch: pytest.MonkeyPatch) -> None:
    """A note that nobody answers is not written."""
    without_effect(patch, WriteNote)


@programmer_mutant(
    "acknowledgements-are-nothing", caught_by="programmer-orders/acknowledgement-in-silence"
)
def acknowledgements_are_nothing(patch: pytest.MonkeyPatch) -> None:
    """An acknowledgement that nobody answers was not given."""
    without_effect(patch, AcknowledgeAlarm)


@programmer_mutant("silencings-are-nothing", caught_by="programmer-orders/silencing-in-silence")
def silencings_are_nothing(patch: pytest.MonkeyPatch) -> None:
    """A tone goes on where nobody answers that it is held."""
    without_effect(patch, SilenceAlarm)


@programmer_mutant("aborts-are-nothing", caught_by="programmer-orders/abort-in-silence")
def aborts_are_nothing(patch: pytest.MonkeyPatch) -> None:
    """A bolus goes on where nobody answers that it was ended."""
    without_effect(patch, AbortBolus)


def _resolving_changes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outcome, "_resolve_change", lambda *_: Resolution(False, "it is not so"))


@programmer_mutant("lost-notes-are-none", caught_by="programmer-orders/note-answer-lost")
def lost_notes_are_none(patch: pytest.MonkeyPatch) -> None:
    """A note that was not answered was not written, it says, and does not look."""
    _resolving_changes(patch)


@programmer_mutant("lost-aborts-are-none", caught_by="programmer-orders/abort-answer-lost")
def lost_aborts_are_none(patch: pytest.MonkeyPatch) -> None:
    """A bolus whose end was not answered runs on, it says, and does not look."""
    _resolving_changes(patch)
