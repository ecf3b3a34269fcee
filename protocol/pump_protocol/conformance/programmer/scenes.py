"""What cases that judge a programmer have in common: its usual tasks, and answers that go wrong.

It knows no command line, and judges nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias, TypeVar

from pump_protocol.codes import Alarm, AlarmFlag, Field, MessageType, RefusalCode
from pump_protocol.conformance.expectations import describe
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Ended, Play, send
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import (
    AlarmRecord,
    BolusOrdered,
    OrderBolus,
    Prescription,
    PrescriptionReport,
    Reason,
    Refusal,
    Request,
    Response,
    StatusReport,
)
from pump_protocol.payloads import encode, prescription_digest
from pump_protocol.reckoning import dose_totals

Q = TypeVar("Q", bound=Request[Response])

Reply: TypeAlias = Callable[[Heard], Play[None]]
"""What is done about a request."""

T: Final = MessageType

DAILY_MCG: Final = 330
"""Another daily dose than that in force, and below the soft limit of the good pump."""
HIGH_MCG: Final = 1_200
"""A daily dose between its soft and its hard limit."""


# --- Tasks ---------------------------------------------------------------------------------------


def order_bolus(
    standin: StandIn, *, again: int | None = None, consent: bool | None = None
) -> Play[None]:
    """Have the programmer order a bolus: 20 mcg in 10 min.

    :param again: the number that it had; None for a new order.
    :param consent: as of :meth:`StandIn.start`.
    """
    if again is None:
        yield from standin.start("bolus", consent=consent, dose_mcg=20, duration_min=10)
    else:
        yield from standin.start("repeat-bolus", dose_mcg=20, duration_min=10, order_number=again)


def bolus_with(standin: StandIn, reply: Reply) -> Play[Ended]:
    """The programmer orders a bolus; *reply* sees to the order, and all else is answered well."""
    yield from order_bolus(standin)
    return (yield from attend(standin, {T.ORDER_BOLUS: reply}))


def program(standin: StandIn, daily_dose_mcg: int = DAILY_MCG) -> Play[None]:
    """Have the programmer put another daily dose in force."""
    yield from standin.start("program", daily_dose_mcg=daily_dose_mcg)


# --- Answers -------------------------------------------------------------------------------------


def attend(
    standin: StandIn, replies: Mapping[int, Reply], *, otherwise: Reply | None = None
) -> Play[Ended]:
    """See to each request until the programmer ends: by *replies* for these types, and otherwise
    as a good pump."""
    usual = otherwise or standin.answer
    while (heard := (yield from standin.hear())) is not None:
        yield from replies.get(heard.frame.message_type, usual)(heard)
    return (yield from standin.end())


def say_nothing(_: Heard) -> Play[None]:
    """No answer."""
    yield from ()


def in_silence(standin: StandIn) -> Play[Ended]:
    """Nothing is heard from the pump any more, until the programmer ends."""
    return (yield from attend(standin, {}, otherwise=say_nothing))


def saying(standin: StandIn, response: Callable[[Heard], Response]) -> Reply:
    """A reply that says something made up; the good pump is not asked."""

    def reply(heard: Heard) -> Play[None]:
        yield from send(standin.say(heard, response(heard)))

    return reply


def at_first(standin: StandIn, reply: Reply, then: Reply | None = None) -> Reply:
    """*reply* to the first exchange of its type, repeats included; later ones are answered well."""
    first: list[tuple[int, int]] = []

    def either(heard: Heard) -> Play[None]:
        number = heard.frame.link_id, heard.frame.sequence
        first.append(number)
        yield from (reply if number == first[0] else then or standin.answer)(heard)

    return either


def lost(standin: StandIn, *, carried_out: bool) -> Reply:
    """A reply that gets lost, after the request was carried out or before."""

    def reply(heard: Heard) -> Play[None]:
        if carried_out:
            yield from standin.good_answer(heard)

    return reply


def preceded(standin: StandIn, before: Callable[[Heard], bytes]) -> Reply:
    """The good answer, and right before it what *before* makes, in one stream."""

    def reply(heard: Heard) -> Play[None]:
        first = before(heard)  # sealed first, so that its counter is the lower one
        yield from send(first + (yield from standin.good_answer(heard)))

    return reply


def in_plain(heard: Heard, response: Response) -> bytes:
    """*response* in a plain frame, which anybody may have sent."""
    frame = heard.frame
    return frame_bytes(response.message_type, frame.link_id, frame.sequence, encode(response))


def refusal(
    heard: Heard, *codes: RefusalCode, field: Field = Field.NONE, value: int | None = None
) -> Refusal:
    """A refusal of what was heard for these reasons."""
    reasons = tuple(Reason(code, field, value) for code in codes)
    return Refusal(heard.frame.message_type, reasons)


def out_of_range(heard: Heard) -> Refusal:
    """A refusal that any request may get, and that settles an order or a commit."""
    reason = Reason(RefusalCode.OUT_OF_RANGE, Field.BOLUS_DOSE, 20_000, 1, 10)
    return Refusal(heard.frame.message_type, (reason,))


def ordered(heard: Heard) -> BolusOrdered:
    """What a pump says that has carried out the order."""
    order = read(heard, OrderBolus)
    start_ms = 864_000_000
    return BolusOrdered(order.order_number, order.volume_nl, start_ms, start_ms + order.duration_ms)


def reporting(report: PrescriptionReport, prescription: Prescription) -> PrescriptionReport:
    """The same report of another prescription, in which everything agrees."""
    return replace(
        report,
        prescription=prescription,
        digest=prescription_digest(report.version, prescription),
        totals=dose_totals(prescription),
    )


def read(heard: Heard, request_class: type[Q]) -> Q:
    """What a request says.

    :raises Unmet: it cannot be read.
    """
    request = heard.request
    if not isinstance(request, request_class):
        raise Unmet(f"{describe(heard.frame)} cannot be read")
    return request


def alarmed(standin: StandIn, alarm: Alarm) -> Reply:
    """A status in which an alarm is active."""

    def interrogate(heard: Heard) -> Play[None]:
        def active(status: StatusReport) -> StatusReport:
            record = AlarmRecord(alarm, AlarmFlag.ACTIVE, status.at_ms, None, None)
            return replace(status, alarms=(record,))

        yield from send((yield from standin.lie(heard, StatusReport, active)))

    return interrogate


def up_to(standin: StandIn, message_type: MessageType, replies: Mapping[int, Reply]) -> Play[Heard]:
    """Answer by *replies*, and otherwise well, until the programmer sends that request.

    :raises Unmet: it ends before.
    """
    while (heard := (yield from standin.hear())) is not None:
        if heard.frame.message_type == message_type:
            return heard
        yield from replies.get(heard.frame.message_type, standin.answer)(heard)
    raise Unmet(f"it ended before it sent {message_type.name}")
