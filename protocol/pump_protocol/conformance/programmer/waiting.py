"""How a programmer waits: repeats of the identical bytes, and deadlines that nothing puts off."""

from itertools import pairwise
from typing import Final

from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.expectations import describe
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    OUTSIDE,
    boluses,
    expect_boluses,
    expect_said,
    expect_truth,
)
from pump_protocol.conformance.programmer.scenes import (
    T,
    attend,
    in_silence,
    order_bolus,
    say_nothing,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Ended, Play, await_end, elapse, now, send
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.frames import frame_bytes

_TRICKLE_MS: Final = 100
_LEAST_WAIT_MS: Final = 400
"""Of the 500 ms that a programmer is to wait, so much at least: its clock is another one."""
_MOST_SENDINGS: Final = 4


@programmer_case(
    "programmer-asking/identical-bytes",
    Level.MUST,
    "SEQ-04 SEAL-05",
    expects="the identical bytes again, or nothing under that sequence number any more",
    tasks="bolus",
)
def identical_bytes(standin: StandIn) -> Play[None]:
    """The first answer to each request of a link gets lost."""
    seen: set[bytes] = set()

    def forgetful(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        if heard.data in seen or heard.frame.message_type in OUTSIDE:
            yield from send(answer)
        seen.add(heard.data)

    yield from order_bolus(standin)
    ended = yield from attend(standin, {}, otherwise=forgetful)
    sent: dict[tuple[int, int], Heard] = {}
    for each in standin.heard:
        frame = each.frame
        if frame.message_type in OUTSIDE:
            continue
        first = sent.setdefault((frame.link_id, frame.sequence), each)
        if first.data != each.data:
            raise Unmet(
                f"it sent two different frames under sequence number {frame.sequence}:"
                f" {first.data.hex(' ')}, and {each.data.hex(' ')}"
            )
    expect_boluses(standin, 0, 1)
    expect_truth(standin, ended, done=bool(boluses(standin)), what="the bolus")


@programmer_case(
    "programmer-asking/at-most-four-times",
    Level.SHOULD,
    "SEQ-10",
    expects="the same request 2 to 4 times, 500 ms apart",
    tasks="interrogate",
)
def at_most_four_times(standin: StandIn) -> Play[None]:
    """No answer to Interrogate, however often it is asked."""
    times_ms: list[int] = []
    yield from standin.start("interrogate")
    first = yield from standin.serve_until(T.INTERROGATE)
    heard: Heard | None = first
    while heard is not None:
        if heard.data == first.data:
            times_ms.append((yield from now()))
        heard = yield from standin.hear()
    yield from standin.end()
    if not 2 <= len(times_ms) <= _MOST_SENDINGS:
        raise Unmet(f"it asked {len(times_ms)} times; expected: 2 to {_MOST_SENDINGS}")
    for one, next_one in pairwise(times_ms):
        if next_one - one < _LEAST_WAIT_MS:
            raise Unmet(f"it waited for {next_one - one} ms; expected: 500 ms")


@programmer_case(
    "programmer-asking/ends-in-silence",
    Level.MUST,
    "SEQ-10",
    expects="it ends by itself, and does not say that it is done",
    tasks="interrogate",
)
def ends_in_silence(standin: StandIn) -> Play[None]:
    """A port at which nobody answers, and then a pump that answers until it is interrogated."""
    yield from standin.start("interrogate")
    ended = yield from in_silence(standin)
    expect_said(standin, ended, NOT_DONE, "nothing was answered")
    yield from standin.start("interrogate")
    ended = yield from attend(standin, {T.INTERROGATE: say_nothing})
    expect_said(standin, ended, NOT_DONE, "the pump did not tell how it stands")


def _while_it_waits(standin: StandIn, heard: Heard, trickle: bytes) -> Play[Ended]:
    """Send *trickle* again and again until the programmer ends; answer nothing else."""
    until_ms = (yield from now()) + standin.subject.patience_ms
    while (yield from now()) < until_ms:
        yield from send(trickle)
        standin.take((yield from elapse(_TRICKLE_MS)))
        ended = yield from await_end(0)
        if ended is not None:
            return ended
    raise Unmet(
        f"it still waited after {standin.subject.patience_ms / 1_000:g} s for the answer to"
        f" {describe(heard.frame)}, while something else arrived every {_TRICKLE_MS} ms"
    )


@programmer_case(
    "programmer-asking/deadline-in-noise",
    Level.MUST,
    "SEQ-10 FRAME-12",
    expects="it ends all the same, and does not say that it is done",
    tasks="interrogate",
    seeded=True,
)
def deadline_in_noise(standin: StandIn) -> Play[None]:
    """In place of an answer to Interrogate, noise that trickles in for ever."""
    yield from standin.start("interrogate")
    heard = yield from standin.serve_until(T.INTERROGATE)
    noise = b"\xa5" + standin.random.randbytes(7).replace(b"\x5a", b"\x00")
    ended = yield from _while_it_waits(standin, heard, noise)
    expect_said(standin, ended, NOT_DONE, "nothing but noise arrived")


@programmer_case(
    "programmer-asking/deadline-among-other-answers",
    Level.MUST,
    "SEQ-10 SEQ-08",
    expects="it ends all the same, and does not say that it is done",
    tasks="interrogate",
)
def deadline_among_other_answers(standin: StandIn) -> Play[None]:
    """In place of an answer to Interrogate, good frames for ever that answer other requests."""
    yield from standin.start("interrogate")
    heard = yield from standin.serve_until(T.INTERROGATE)
    other = frame_bytes(T.LINK_CLOSED, heard.frame.link_id, heard.frame.sequence + 1_000, b"")
    ended = yield from _while_it_waits(standin, heard, other)
    expect_said(standin, ended, NOT_DONE, "only answers to other requests arrived")
