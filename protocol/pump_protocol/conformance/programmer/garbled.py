"""Answers that break the protocol: a programmer uses no part of them."""

from collections.abc import Callable
from dataclasses import replace

from pump_protocol.codes import PROTOCOL_VERSION
from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    boluses,
    expect_boluses,
    expect_said,
    expect_truth,
)
from pump_protocol.conformance.programmer.scenes import (
    T,
    at_first,
    attend,
    bolus_with,
    ordered,
    out_of_range,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Ended, Play, send
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import Refusal
from pump_protocol.payloads import encode


def _garbled(
    standin: StandIn, garble: Callable[[Heard], bytes], *, carried_out: bool
) -> Play[Ended]:
    """Somebody orders a bolus; the first exchange of the order ends with what *garble* makes."""

    def reply(heard: Heard) -> Play[None]:
        if carried_out:
            yield from standin.good_answer(heard)
        yield from send(garble(heard))

    return (yield from bolus_with(standin, at_first(standin, reply)))


def _expect_not_used(standin: StandIn, ended: Ended) -> None:
    """Nothing of a garbled answer was used: the truth came from elsewhere, if it is known."""
    expect_boluses(standin, 0, 1)
    expect_truth(standin, ended, done=bool(boluses(standin)), what="the bolus")


@programmer_case(
    "programmer-answers/garbled-length",
    Level.MUST,
    "SEQ-09 SEQ-11 MSG-02",
    expects="no part of it used: the bolus is not said to have begun",
    tasks="bolus",
)
def garbled_length(standin: StandIn) -> Play[None]:
    """An order is not carried out, and answered as if it were, with a byte too many or too few."""
    for change in (lambda payload: payload + b"\0", lambda payload: payload[:-1]):

        def garble(heard: Heard, change: Callable[[bytes], bytes] = change) -> bytes:
            return standin.say_raw(heard, T.BOLUS_ORDERED, change(encode(ordered(heard))))

        standin.carried_out.clear()
        ended = yield from _garbled(standin, garble, carried_out=False)
        _expect_not_used(standin, ended)


@programmer_case(
    "programmer-answers/garbled-type",
    Level.MUST,
    "SEQ-09 SEQ-11",
    expects="no part of it used: the bolus is not said to have begun",
    tasks="bolus",
)
def garbled_type(standin: StandIn) -> Play[None]:
    """An order is not carried out, and answered with what answers a patient's request."""

    def garble(heard: Heard) -> bytes:
        payload = encode(ordered(heard))
        return standin.say_raw(heard, T.PATIENT_BOLUS_STARTED, payload + bytes(9))

    ended = yield from _garbled(standin, garble, carried_out=False)
    _expect_not_used(standin, ended)


@programmer_case(
    "programmer-answers/refusal-without-reasons",
    Level.MUST,
    "SEQ-09 SEQ-11 REF-02",
    expects="no part of it used: the bolus is not said to have been refused",
    tasks="bolus",
)
def refusal_without_reasons(standin: StandIn) -> Play[None]:
    """An order is carried out, and answered with a refusal that gives no reason."""

    def garble(heard: Heard) -> bytes:
        return standin.say(heard, Refusal(T.ORDER_BOLUS, ()))

    ended = yield from _garbled(standin, garble, carried_out=True)
    _expect_not_used(standin, ended)


@programmer_case(
    "programmer-answers/refusal-of-another",
    Level.MUST,
    "SEQ-09 SEQ-11 REF-02",
    expects="no part of it used: the bolus is not said to have been refused",
    tasks="bolus",
)
def refusal_of_another(standin: StandIn) -> Play[None]:
    """An order is carried out, and answered with a refusal of a request of another type."""

    def garble(heard: Heard) -> bytes:
        return standin.say(heard, replace(out_of_range(heard), request_type=T.ABORT_BOLUS))

    ended = yield from _garbled(standin, garble, carried_out=True)
    _expect_not_used(standin, ended)


@programmer_case(
    "programmer-answers/refusal-with-unknown-code",
    Level.MUST,
    "SEQ-09 SEQ-11",
    expects="no part of it used: the bolus is not said to have been refused",
    tasks="bolus",
)
def refusal_with_unknown_code(standin: StandIn) -> Play[None]:
    """An order is carried out, and answered with a refusal for a reason that nobody knows."""

    def garble(heard: Heard) -> bytes:
        payload = bytearray(encode(out_of_range(heard)))
        payload[2] = 200  # behind the type of the request and the count of reasons
        return standin.say_raw(heard, T.REFUSAL, bytes(payload))

    ended = yield from _garbled(standin, garble, carried_out=True)
    _expect_not_used(standin, ended)


@programmer_case(
    "programmer-answers/garbled-status",
    Level.MUST,
    "SEQ-09",
    expects="no part of it used: the interrogation is not said to be done",
    tasks="interrogate",
)
def garbled_status(standin: StandIn) -> Play[None]:
    """Every StatusReport has a mode that nobody knows."""

    def unknown_mode(heard: Heard) -> Play[None]:
        status = standin.said(heard, (yield from standin.good_answer(heard)))
        payload = bytearray(encode(status))
        payload[28] = 99  # behind three times and a version
        yield from send(standin.say_raw(heard, T.STATUS_REPORT, bytes(payload)))

    yield from standin.start("interrogate")
    ended = yield from attend(standin, {T.INTERROGATE: unknown_mode})
    expect_said(standin, ended, NOT_DONE, "every status was garbled")


@programmer_case(
    "programmer-answers/answer-of-another-version",
    Level.MUST,
    "SEQ-09 LINK-12",
    expects="no part of it used: the pump is not said to have told who it is",
    tasks="identify",
)
def answer_of_another_version(standin: StandIn) -> Play[None]:
    """Identify in a plain frame is answered in a frame of version 2."""

    def identify(heard: Heard) -> Play[None]:
        frame = heard.frame
        answer = yield from standin.good_answer(heard)
        if not frame.sealed:
            payload, version = encode(standin.said(heard, answer)), PROTOCOL_VERSION + 1
            answer = frame_bytes(T.IDENTITY, frame.link_id, frame.sequence, payload, version)
        yield from send(answer)

    yield from standin.start("identify")
    ended = yield from attend(standin, {T.IDENTIFY: identify})
    expect_said(standin, ended, NOT_DONE, "every Identity came in a version that nobody speaks")


@programmer_case(
    "programmer-answers/survives-anything",
    Level.SHOULD,
    "SEC-04",
    expects="it ends by itself each time, and does not say that it is done",
    tasks="interrogate",
    seeded=True,
)
def survives_anything(standin: StandIn) -> Play[None]:
    """Interrogate is answered, four times, with random bytes in a good frame."""
    for _ in range(4):
        size = standin.random.randrange(240)
        payload = standin.random.randbytes(size)

        def anything(heard: Heard, payload: bytes = payload) -> Play[None]:
            yield from send(standin.say_raw(heard, T.STATUS_REPORT, payload))

        yield from standin.start("interrogate")
        ended = yield from attend(standin, {T.INTERROGATE: anything})
        expect_said(standin, ended, NOT_DONE, f"the status was {size} random bytes")
