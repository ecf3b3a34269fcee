"""Orders of boluses: once, under one number, and with a truthful end whatever is lost."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pump_protocol.codes import Alarm, Field, RefusalCode
from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.expectations import expect_equal
from pump_protocol.conformance.hooks import advance
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    UNSAID,
    asked,
    boluses,
    expect_boluses,
    expect_one_order,
    expect_said,
    expect_truth,
    first_asked,
    orders,
)
from pump_protocol.conformance.programmer.scenes import (
    Reply,
    T,
    alarmed,
    at_first,
    attend,
    bolus_with,
    in_silence,
    lost,
    order_bolus,
    read,
    refusal,
    say_nothing,
    saying,
    up_to,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Play, reconnect, send
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.times import HOUR_MS
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.messages import LinkOpened, OrderBolus, Reason, Refusal

_CUTS: Final = 4
_EARLIER_ORDER: Final = 41
"""The last order of this programmer, as a pump tells that has forgotten, or not, later."""


def _first_order(standin: StandIn) -> OrderBolus:
    return read(first_asked(standin, T.ORDER_BOLUS), OrderBolus)


def _remembering(standin: StandIn, number: int) -> Reply:
    """A pump that remembers orders of this programmer up to *number*."""

    def open_link(heard: Heard) -> Play[None]:
        yield from send(
            (
                yield from standin.lie(
                    heard, LinkOpened, lambda opened: replace(opened, last_order_number=number)
                )
            )
        )

    return open_link


# --- Order numbers -------------------------------------------------------------------------------


@programmer_case(
    "programmer-orders/number-grows",
    Level.MUST,
    "ORDER-02",
    expects="a number greater than that",
    tasks="bolus",
)
def number_grows(standin: StandIn) -> Play[None]:
    """The pump tells that it has had orders of this programmer, up to number 41."""
    number = yield from _first_number(standin)
    if number <= _EARLIER_ORDER:
        raise Unmet(f"order_number is {number}; expected: more than {_EARLIER_ORDER}")


@programmer_case(
    "programmer-orders/number-follows",
    Level.SHOULD,
    "ORDER-02",
    expects="number 42",
    tasks="bolus",
)
def number_follows(standin: StandIn) -> Play[None]:
    """The pump tells that it has had orders of this programmer, up to number 41."""
    number = yield from _first_number(standin)
    expect_equal("order_number", number, _EARLIER_ORDER + 1)


def _first_number(standin: StandIn) -> Play[int]:
    yield from order_bolus(standin)
    yield from attend(standin, {T.OPEN_LINK: _remembering(standin, _EARLIER_ORDER)})
    return _first_order(standin).order_number


def _not_again(standin: StandIn, code: RefusalCode) -> Play[None]:
    def used(heard: Heard) -> Refusal:
        number = read(heard, OrderBolus).order_number
        reason = Reason(code, Field.ORDER_NUMBER, number, number + 5, 2**63 - 1)
        return Refusal(heard.frame.message_type, (reason,))

    ended = yield from bolus_with(standin, at_first(standin, saying(standin, used)))
    numbers = [each.order_number for each in orders(standin)]
    if len(set(numbers)) > 1:
        raise Unmet(f"it gave the order again by itself, under numbers {numbers}")
    expect_said(standin, ended, NOT_DONE, f"the order was refused with {code.name}")


@programmer_case(
    "programmer-orders/stale",
    Level.MUST,
    "ORDER-07",
    expects="the order not given again under another number, nor said to be done",
    tasks="bolus",
)
def stale(standin: StandIn) -> Play[None]:
    """An order is refused with STALE_ORDER, with the number that is free; any other is taken."""
    yield from _not_again(standin, RefusalCode.STALE_ORDER)


@programmer_case(
    "programmer-orders/reused",
    Level.MUST,
    "ORDER-07",
    expects="the order not given again under another number, nor said to be done",
    tasks="bolus",
)
def reused(standin: StandIn) -> Play[None]:
    """An order is refused with ORDER_REUSED, with the number that is free; any other is taken."""
    yield from _not_again(standin, RefusalCode.ORDER_REUSED)


# --- Answers that get lost -----------------------------------------------------------------------


@programmer_case(
    "programmer-orders/answer-lost-once",
    Level.MUST,
    "SEQ-04 ORDER-05 SEQ-11",
    expects="one bolus, and one order",
    tasks="bolus",
)
def answer_lost_once(standin: StandIn) -> Play[None]:
    """A bolus is begun; the answer to the first sending of the order gets lost."""
    sent: list[bytes] = []

    def reply(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        if heard.data in sent:
            yield from send(answer)
        sent.append(heard.data)

    ended = yield from bolus_with(standin, at_first(standin, reply))
    expect_boluses(standin, 1)
    expect_one_order(standin)
    expect_truth(standin, ended, done=True, what="the bolus")


@programmer_case(
    "programmer-orders/in-silence",
    Level.MUST,
    "SEQ-11",
    expects="it says that the outcome is unknown, and has given one order",
    tasks="bolus",
)
def order_in_silence(standin: StandIn) -> Play[None]:
    """A bolus is begun; the answer to the order and everything after it gets lost."""
    yield from order_bolus(standin)
    heard = yield from standin.serve_until(T.ORDER_BOLUS)
    yield from standin.good_answer(heard)
    ended = yield from in_silence(standin)
    expect_one_order(standin)
    expect_said(standin, ended, UNSAID, "nothing was heard since the order")


@programmer_case(
    "programmer-orders/line-cut",
    Level.MUST,
    "SEQ-11",
    expects="it says that the outcome is unknown, wherever the answer was cut",
    tasks="bolus",
    seeded=True,
)
def line_cut(standin: StandIn) -> Play[None]:
    """Boluses are ordered; the line is cut after some bytes of the answer, which are drawn by lot:
    none, all but one, and others."""
    for place in range(_CUTS):
        yield from advance(HOUR_MS)  # the bolus of before has ended
        yield from order_bolus(standin)
        heard = yield from standin.serve_until(T.ORDER_BOLUS)
        answer = yield from standin.good_answer(heard)
        sizes = (0, len(answer) - 1, standin.random.randrange(1, len(answer) - 1))
        size = sizes[min(place, 2)]
        yield from send(answer[:size])
        yield from reconnect()
        ended = yield from standin.end()
        although = f"the line was cut after {size} of {len(answer)} bytes of the answer"
        expect_said(standin, ended, UNSAID, although)


@programmer_case(
    "programmer-orders/answer-lost",
    Level.MUST,
    "SEQ-11 ORDER-05",
    expects="one bolus, and the truth about it, or that it is unknown",
    tasks="bolus",
)
def answer_lost(standin: StandIn) -> Play[None]:
    """A bolus is begun, and no sending of the order answered; after that all is answered well."""
    ended = yield from bolus_with(standin, at_first(standin, lost(standin, carried_out=True)))
    expect_boluses(standin, 1)
    expect_one_order(standin)
    expect_truth(standin, ended, done=True, what="the bolus")


@programmer_case(
    "programmer-orders/never-arrived",
    Level.MUST,
    "SEQ-11 ORDER-05",
    expects="one bolus or none, and the truth about it, or that it is unknown",
    tasks="bolus",
)
def never_arrived(standin: StandIn) -> Play[None]:
    """No sending of an order reaches the pump; after that all is answered well."""
    ended = yield from bolus_with(standin, at_first(standin, say_nothing))
    expect_boluses(standin, 0, 1)
    expect_truth(standin, ended, done=bool(boluses(standin)), what="the bolus")


@programmer_case(
    "programmer-orders/same-number-again",
    Level.MUST,
    "ORDER-05",
    expects="the very same order, under the same number; one bolus; done",
    tasks="bolus repeat-bolus",
)
def same_number_again(standin: StandIn) -> Play[None]:
    """A bolus is begun, and nothing is heard any more; later its user has the programmer, which was
    started anew, give the very same order again."""
    yield from order_bolus(standin)
    heard = yield from standin.serve_until(T.ORDER_BOLUS)
    yield from standin.good_answer(heard)
    yield from in_silence(standin)
    yield from _give_again(standin)


@programmer_case(
    "programmer-orders/same-number-at-last",
    Level.MUST,
    "ORDER-05",
    expects="the very same order, under the same number; one bolus; done",
    tasks="bolus repeat-bolus",
)
def same_number_at_last(standin: StandIn) -> Play[None]:
    """An order never arrives, and nothing is heard any more; later its user has the programmer,
    which was started anew, give the very same order again."""
    yield from order_bolus(standin)
    yield from standin.serve_until(T.ORDER_BOLUS)
    yield from in_silence(standin)
    yield from _give_again(standin)


def _give_again(standin: StandIn) -> Play[None]:
    first = _first_order(standin)
    yield from order_bolus(standin, again=first.order_number)
    outcome = yield from standin.serve_to_end()
    for each in orders(standin)[1:]:
        expect_equal("the order that was given again", each, first)
    expect_boluses(standin, 1)
    expect_equal("what it says of the order given again", outcome, Outcome.DONE)


# --- A pump that has lost its memory -------------------------------------------------------------


def _after_restart(standin: StandIn, first: Heard, replies: Mapping[int, Reply]) -> Play[None]:
    """The order *first* was not answered, and its link is known no more: whoever opens another one
    is answered by *replies*, and finds a pump that has lost memory."""

    def reply(heard: Heard) -> Play[None]:
        frame = heard.frame
        if heard.data == first.data or frame.message_type == T.ORDER_BOLUS:
            return
        if frame.link_id == first.frame.link_id and frame.message_type != T.IDENTIFY:
            yield from send(standin.say(heard, refusal(heard, RefusalCode.LINK_NOT_OPEN)))
        else:
            yield from replies.get(frame.message_type, standin.answer)(heard)

    ended = yield from attend(standin, {}, otherwise=reply)
    for each in asked(standin, T.ORDER_BOLUS):
        if each.frame.link_id != first.frame.link_id:
            raise Unmet("it gave the order again by itself, to a pump that has lost memory")
    expect_said(standin, ended, UNSAID, "the pump has lost memory, and cannot tell")


@programmer_case(
    "programmer-orders/memory-lost",
    Level.MUST,
    "SEQ-13",
    expects="it says that the outcome is unknown, and does not give the order again by itself",
    tasks="bolus",
)
def memory_lost(standin: StandIn) -> Play[None]:
    """A pump that remembered order 41 gets another one, restarts without an answer, and remembers
    no order any more."""
    yield from order_bolus(standin)
    first = yield from up_to(
        standin, T.ORDER_BOLUS, {T.OPEN_LINK: _remembering(standin, _EARLIER_ORDER)}
    )
    yield from _after_restart(standin, first, {T.OPEN_LINK: _remembering(standin, 0)})


@programmer_case(
    "programmer-orders/critical-memory-error",
    Level.MUST,
    "SEQ-13",
    expects="it says that the outcome is unknown, and does not give the order again by itself",
    tasks="bolus",
)
def critical_memory_error(standin: StandIn) -> Play[None]:
    """A pump restarts without an answer to an order, lists CRITICAL_MEMORY_ERROR then, and
    remembers nothing of the order."""
    yield from order_bolus(standin)
    first = yield from standin.serve_until(T.ORDER_BOLUS)
    memory = alarmed(standin, Alarm.CRITICAL_MEMORY_ERROR)
    yield from _after_restart(standin, first, {T.INTERROGATE: memory})
