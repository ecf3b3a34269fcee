"""Refusals, and links that have ended: what was not done, and what nobody knows."""

from collections.abc import Callable

from pump_protocol.codes import Field, RefusalCode
from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.expectations import describe, expect_equal
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    PERHAPS_DONE,
    asked,
    boluses,
    expect_boluses,
    expect_said,
    expect_truth,
    first_asked,
)
from pump_protocol.conformance.programmer.scenes import (
    T,
    at_first,
    attend,
    bolus_with,
    refusal,
    saying,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Ended, Play, send
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.messages import Reason, Refusal


@programmer_case(
    "programmer-answers/refused",
    Level.MUST,
    "REF-01",
    expects="the order is not said to have been carried out, and not given again",
    tasks="bolus",
)
def refused(standin: StandIn) -> Play[None]:
    """An order is refused for three reasons."""
    ended = yield from _refused(standin)
    expect_said(standin, ended, NOT_DONE, "the order was refused")
    numbers = {each.frame.sequence for each in asked(standin, T.ORDER_BOLUS)}
    expect_equal("how often the order was given", len(numbers), 1)


@programmer_case(
    "programmer-answers/says-refused",
    Level.SHOULD,
    "REF-01 REF-04",
    expects="it says that the pump refused, and prints why",
    tasks="bolus",
)
def says_refused(standin: StandIn) -> Play[None]:
    """An order is refused for three reasons."""
    ended = yield from _refused(standin)
    expect_said(standin, ended, (Outcome.REFUSED,), "the order was refused")
    if not (ended.output + ended.errors).strip():
        raise Unmet("it printed nothing; expected: every reason")


def _refused(standin: StandIn) -> Play[Ended]:
    def three_reasons(heard: Heard) -> Refusal:
        return Refusal(
            heard.frame.message_type,
            (
                Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_DOSE, 20_000, 1, 10),
                Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_DURATION, 600_000, 1, 10),
                Reason(RefusalCode.BOLUS_ACTIVE, Field.NONE),
            ),
        )

    return (yield from bolus_with(standin, saying(standin, three_reasons)))


def _link_lost(code: RefusalCode) -> Callable[[Heard], Refusal]:
    return lambda heard: refusal(heard, code, field=Field.LINK_ID)


@programmer_case(
    "programmer-answers/link-not-open",
    Level.MUST,
    "LINK-10",
    expects="nothing more under that link id; if it goes on, under a fresh one",
    tasks="bolus",
)
def link_not_open(standin: StandIn) -> Play[None]:
    """An order is refused, with LINK_NOT_OPEN and with LINK_ID_USED; nothing is carried out."""
    for code in (RefusalCode.LINK_NOT_OPEN, RefusalCode.LINK_ID_USED):
        standin.carried_out.clear()
        standin.heard.clear()
        reply = at_first(standin, saying(standin, _link_lost(code)))
        ended = yield from bolus_with(standin, reply)
        ordering = first_asked(standin, T.ORDER_BOLUS)
        later = standin.heard[standin.heard.index(ordering) + 1 :]
        for each in later:
            same = each.frame.link_id == ordering.frame.link_id and each.data != ordering.data
            if same and each.frame.message_type != T.IDENTIFY:
                raise Unmet(f"it sent {describe(each.frame)} in a link that had ended: {code.name}")
        expect_boluses(standin, 0, 1)
        expect_truth(standin, ended, done=bool(boluses(standin)), what="the bolus")


@programmer_case(
    "programmer-answers/link-not-open-again",
    Level.SHOULD,
    "LINK-10",
    expects="one new link for the same request, and no more",
    tasks="interrogate",
)
def link_not_open_again(standin: StandIn) -> Play[None]:
    """Interrogate is refused with LINK_NOT_OPEN, in whatever link it comes."""
    gone = saying(standin, _link_lost(RefusalCode.LINK_NOT_OPEN))
    yield from standin.start("interrogate")
    ended = yield from attend(standin, {T.INTERROGATE: gone})
    expect_said(standin, ended, NOT_DONE, "the pump did not tell how it stands")
    links = {each.frame.link_id for each in asked(standin, T.INTERROGATE)}
    if len(links) > 2:
        raise Unmet(f"it sent the same request in {len(links)} links; expected: 1 or 2")


@programmer_case(
    "programmer-answers/link-not-open-to-a-repeat",
    Level.MUST,
    "LINK-10 SEQ-11",
    expects="the outcome unknown until the pump was asked; one bolus",
    tasks="bolus",
)
def link_not_open_to_a_repeat(standin: StandIn) -> Play[None]:
    """An order is carried out and its answer lost; its repeat is refused with LINK_NOT_OPEN."""
    sent: list[bytes] = []

    def reply(heard: Heard) -> Play[None]:
        yield from standin.good_answer(heard)
        if heard.data in sent:
            yield from send(standin.say(heard, _link_lost(RefusalCode.LINK_NOT_OPEN)(heard)))
        sent.append(heard.data)

    ended = yield from bolus_with(standin, at_first(standin, reply))
    expect_boluses(standin, 1)
    expect_said(standin, ended, PERHAPS_DONE, "the bolus was begun before the link ended")
