"""Changes that are no orders, and refills: a truthful end whatever is lost."""

from pump_protocol.codes import Alarm, MessageType
from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.programmer.findings import (
    PERHAPS_DONE,
    UNSAID,
    expect_said,
    expect_truth,
)
from pump_protocol.conformance.programmer.scenes import (
    T,
    alarmed,
    at_first,
    attend,
    in_silence,
    lost,
    order_bolus,
    up_to,
)
from pump_protocol.conformance.standin import StandIn
from pump_protocol.conformance.steps import Play


def _in_silence(standin: StandIn, message_type: MessageType) -> Play[None]:
    """The request of that type is carried out, if it can be, and nothing is heard any more."""
    low = alarmed(standin, Alarm.LOW_RESERVOIR)
    heard = yield from up_to(standin, message_type, {T.INTERROGATE: low})
    yield from standin.good_answer(heard)
    ended = yield from in_silence(standin)
    expect_said(standin, ended, UNSAID, f"nothing was heard since {message_type.name}")


@programmer_case(
    "programmer-orders/refill-in-silence",
    Level.MUST,
    "SEQ-11",
    expects="it says that the outcome is unknown",
    tasks="refill",
)
def refill_in_silence(standin: StandIn) -> Play[None]:
    """The volume after a refill is taken; its answer and everything after it gets lost."""
    yield from standin.start("refill", volume_ml=18)
    yield from _in_silence(standin, T.UPDATE_RESERVOIR)


@programmer_case(
    "programmer-orders/note-in-silence",
    Level.MUST,
    "SEQ-11",
    expects="it says that the outcome is unknown",
    tasks="write-note",
)
def note_in_silence(standin: StandIn) -> Play[None]:
    """A note is written; its answer and everything after it gets lost."""
    yield from standin.start("write-note", text="seen")
    yield from _in_silence(standin, T.WRITE_NOTE)


@programmer_case(
    "programmer-orders/note-answer-lost",
    Level.MUST,
    "SEQ-11",
    expects="it finds out that the note is written, or says that this is unknown",
    tasks="write-note",
)
def note_answer_lost(standin: StandIn) -> Play[None]:
    """A note is written, and no sending of it answered; after that all is answered well."""
    yield from standin.start("write-note", text="seen")
    reply = at_first(standin, lost(standin, carried_out=True))
    ended = yield from attend(standin, {T.WRITE_NOTE: reply})
    expect_truth(standin, ended, done=True, what="the note")


@programmer_case(
    "programmer-orders/acknowledgement-in-silence",
    Level.MUST,
    "SEQ-11",
    expects="it says that the outcome is unknown",
    tasks="acknowledge",
)
def acknowledgement_in_silence(standin: StandIn) -> Play[None]:
    """An alarm is to be acknowledged; no answer comes, nor any after it."""
    yield from standin.start("acknowledge")
    yield from _in_silence(standin, T.ACKNOWLEDGE_ALARM)


@programmer_case(
    "programmer-orders/silencing-in-silence",
    Level.MUST,
    "SEQ-11",
    expects="it says that the outcome is unknown",
    tasks="silence",
)
def silencing_in_silence(standin: StandIn) -> Play[None]:
    """The tone of an alarm is to be held; no answer comes, nor any after it."""
    yield from standin.start("silence")
    yield from _in_silence(standin, T.SILENCE_ALARM)


@programmer_case(
    "programmer-orders/abort-in-silence",
    Level.MUST,
    "SEQ-11",
    expects="it says that the outcome is unknown",
    tasks="bolus abort-bolus",
)
def abort_in_silence(standin: StandIn) -> Play[None]:
    """A bolus is begun, and then ended; the answer to that and everything after it gets lost."""
    yield from order_bolus(standin)
    yield from standin.serve_to_end()
    yield from standin.start("abort-bolus")
    yield from _in_silence(standin, T.ABORT_BOLUS)


@programmer_case(
    "programmer-orders/abort-answer-lost",
    Level.MUST,
    "SEQ-11",
    expects="it does not say that the bolus still runs",
    tasks="bolus abort-bolus",
)
def abort_answer_lost(standin: StandIn) -> Play[None]:
    """A bolus is ended, and no sending of that answered; after that all is answered well."""
    yield from order_bolus(standin)
    yield from standin.serve_to_end()
    yield from standin.start("abort-bolus")
    reply = at_first(standin, lost(standin, carried_out=True))
    ended = yield from attend(standin, {T.ABORT_BOLUS: reply})
    expect_said(standin, ended, PERHAPS_DONE, "the bolus was ended")
