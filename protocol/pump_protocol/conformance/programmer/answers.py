"""What a programmer does with answers: late, doubled, to somebody else, in parts, or damaged."""

from itertools import pairwise
from typing import Final

from pump_protocol.codes import MAX_PAYLOAD_BYTES, PROTOCOL_VERSION
from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.programmer.findings import (
    boluses,
    expect_begun,
    expect_boluses,
    expect_one_order,
    expect_said,
    expect_truth,
)
from pump_protocol.conformance.programmer.scenes import (
    T,
    attend,
    bolus_with,
    order_bolus,
    out_of_range,
    preceded,
    program,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Play, elapse, send
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import Interrogate
from pump_protocol.payloads import encode

_GAVE_UP_MS: Final = 150
"""After so long a silence a receiver has given up half a frame (FRAME-11)."""
_DONE: Final = frozenset({Outcome.DONE})
_SINGLE: Final = 32
"""More bytes than a header has."""
_PIECE: Final = 20


# --- More than the answer ------------------------------------------------------------------------


@programmer_case(
    "programmer-answers/late",
    Level.MUST,
    "SEQ-04 SEQ-08",
    expects="one bolus, whichever of both answers it takes, and the other one ignored",
    tasks="bolus",
)
def late(standin: StandIn) -> Play[None]:
    """Every answer comes after 600 ms, and then again to the repeat that was sent meanwhile."""
    answered: set[bytes] = set()

    def late_answer(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        if heard.data not in answered:
            standin.take((yield from elapse(600)))
        yield from send(answer)
        answered.add(heard.data)

    yield from order_bolus(standin)
    ended = yield from attend(standin, {}, otherwise=late_answer)
    if boluses(standin):
        expect_one_order(standin)
    expect_truth(standin, ended, done=bool(boluses(standin)), what="the bolus")


@programmer_case(
    "programmer-answers/doubled",
    Level.MUST,
    "SEQ-08",
    expects="the second of two answers ignored, and the prescription in force",
    tasks="program",
)
def doubled(standin: StandIn) -> Play[None]:
    """Each answer comes twice, the second time after the next request was sent."""
    before: list[bytes] = [b""]

    def twice(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        yield from send(before[0] + answer)
        before[0] = answer

    yield from program(standin)
    ended = yield from attend(standin, {}, otherwise=twice)
    expect_said(standin, ended, _DONE, "each answer was there, and then came once more")


@programmer_case(
    "programmer-answers/other-link",
    Level.MUST,
    "SEQ-08 LINK-02",
    expects="it is ignored, and the next one believed",
    tasks="bolus",
)
def other_link(standin: StandIn) -> Play[None]:
    """Before the answer to an order comes a refusal under another link id."""

    def elsewhere(heard: Heard) -> bytes:
        payload = encode(out_of_range(heard))
        return standin.say_raw(heard, T.REFUSAL, payload, link_id=heard.frame.link_id ^ 1)

    ended = yield from bolus_with(standin, preceded(standin, elsewhere))
    expect_begun(standin, ended, "only a refusal of another link came before the answer")


@programmer_case(
    "programmer-answers/other-sequence",
    Level.MUST,
    "SEQ-08",
    expects="they are ignored, and the next one believed",
    tasks="bolus",
)
def other_sequence(standin: StandIn) -> Play[None]:
    """Before the answer to an order come refusals under the numbers before and behind its own."""

    def before_and_behind(heard: Heard) -> bytes:
        payload, number = encode(out_of_range(heard)), heard.frame.sequence
        return b"".join(
            standin.say_raw(heard, T.REFUSAL, payload, sequence=each)
            for each in (number - 1, number + 1)
        )

    ended = yield from bolus_with(standin, preceded(standin, before_and_behind))
    expect_begun(standin, ended, "only refusals of other requests came before the answer")


@programmer_case(
    "programmer-answers/echo",
    Level.MUST,
    "LINK-11",
    expects="its own requests ignored, and their answers believed",
    tasks="bolus",
)
def echo(standin: StandIn) -> Play[None]:
    """Whatever the programmer sends comes back before the answer does."""

    def echoed(heard: Heard) -> Play[None]:
        yield from send(heard.data + (yield from standin.good_answer(heard)))

    yield from order_bolus(standin)
    ended = yield from attend(standin, {}, otherwise=echoed)
    expect_begun(standin, ended, "each request came back and was answered then")


@programmer_case(
    "programmer-answers/requests-of-a-pump",
    Level.MUST,
    "LINK-11",
    expects="requests neither answered nor minded",
    tasks="bolus",
)
def requests_of_a_pump(standin: StandIn) -> Play[None]:
    """Before the answer to an order come requests, under its number and under the next one."""

    def requests(heard: Heard) -> bytes:
        payload, number = encode(Interrogate()), heard.frame.sequence
        return b"".join(
            standin.say_raw(heard, T.INTERROGATE, payload, sequence=each)
            for each in (number, number + 1)
        )

    ended = yield from bolus_with(standin, preceded(standin, requests))
    expect_begun(standin, ended, "only requests came before the answer")


@programmer_case(
    "programmer-answers/sealed-to-plain",
    Level.MUST,
    "SEAL-09",
    expects="the sealed frame ignored, and the plain answer believed",
    tasks="interrogate",
)
def sealed_to_plain(standin: StandIn) -> Play[None]:
    """Before the answer to a plain Identify comes a sealed frame of the same number."""

    def identify(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        frame = heard.frame
        if not frame.sealed:
            noise = standin.random.randbytes(40)
            version = PROTOCOL_VERSION | 0x80
            answer = frame_bytes(T.IDENTITY, frame.link_id, frame.sequence, noise, version) + answer
        yield from send(answer)

    yield from standin.start("interrogate")
    ended = yield from attend(standin, {T.IDENTIFY: identify})
    expect_said(standin, ended, _DONE, "only a sealed frame came before a plain answer")


@programmer_case(
    "programmer-answers/noise-before",
    Level.MUST,
    "FRAME-08 FRAME-09 FRAME-10 FRAME-12",
    expects="noise ignored, and the answers behind it believed",
    tasks="bolus",
    seeded=True,
)
def noise_before(standin: StandIn) -> Play[None]:
    """Noise goes before every answer: markers, headers that are wrong, frames with a wrong end."""
    random = standin.random

    def noisy(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        broken = bytearray(answer)
        broken[random.randrange(20, len(broken))] ^= 1 << random.randrange(8)
        header = bytearray(answer[:20])
        header[random.randrange(2, 20)] ^= 1 << random.randrange(8)
        noise = random.choice((b"\xa5\x5a", b"\xa5", bytes(header), bytes(broken)))
        yield from send(random.randbytes(random.randrange(9)) + noise + answer)

    yield from order_bolus(standin)
    ended = yield from attend(standin, {}, otherwise=noisy)
    expect_begun(standin, ended, "every answer was whole, with noise before it")


# --- Parts of the answer -------------------------------------------------------------------------


@programmer_case(
    "programmer-answers/byte-by-byte",
    Level.MUST,
    "FRAME-01",
    expects="the answers believed as if they had come at one stroke",
    tasks="interrogate",
)
def byte_by_byte(standin: StandIn) -> Play[None]:
    """The first bytes of every answer come one by one, and the others in small pieces."""

    def slowly(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        ends = [*range(1, _SINGLE), *range(_SINGLE, len(answer), _PIECE), len(answer)]
        for start, end in pairwise((0, *ends)):
            yield from send(answer[start:end])
            standin.take((yield from elapse(1)))

    yield from standin.start("interrogate")
    ended = yield from attend(standin, {}, otherwise=slowly)
    expect_said(standin, ended, _DONE, "every answer came whole")


@programmer_case(
    "programmer-answers/half-a-frame-before",
    Level.MUST,
    "FRAME-11",
    expects="half a frame given up after 100 ms, and the answer behind it believed",
    tasks="bolus",
)
def half_a_frame_before(standin: StandIn) -> Play[None]:
    """Before each answer the beginning of the longest frame, and a silence of 150 ms."""

    def halting(heard: Heard) -> Play[None]:
        frame = heard.frame
        answer = yield from standin.good_answer(heard)
        longest = frame_bytes(T.REFUSAL, frame.link_id, frame.sequence, bytes(MAX_PAYLOAD_BYTES))
        yield from send(longest[:30])
        yield from elapse(_GAVE_UP_MS)
        yield from send(answer)

    yield from order_bolus(standin)
    ended = yield from attend(standin, {}, otherwise=halting)
    expect_begun(standin, ended, "every answer came whole, 150 ms after half a frame")


@programmer_case(
    "programmer-answers/half-then-whole",
    Level.MUST,
    "FRAME-11 SEQ-04",
    expects="one bolus, and the half of an answer not taken for one",
    tasks="bolus",
)
def half_then_whole(standin: StandIn) -> Play[None]:
    """The first answer to an order breaks off; a repeat of the order is answered whole."""
    sent: list[bytes] = []

    def half(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        yield from send(answer if heard.data in sent else answer[: len(answer) // 2])
        sent.append(heard.data)

    ended = yield from bolus_with(standin, half)
    expect_boluses(standin, 1)
    expect_truth(standin, ended, done=True, what="the bolus")


@programmer_case(
    "programmer-answers/damaged",
    Level.MUST,
    "FRAME-07 FRAME-10 SEQ-04",
    expects="a frame with a wrong check not believed, whatever it says, and one bolus",
    tasks="bolus",
)
def damaged(standin: StandIn) -> Play[None]:
    """The first answer to an order is a refusal with a wrong check; its repeat is answered well."""
    sent: list[bytes] = []

    def damage(heard: Heard) -> Play[None]:
        wrong = bytearray(standin.say(heard, out_of_range(heard)))
        wrong[-1] ^= 0x10
        answer = yield from standin.good_answer(heard)
        yield from send(answer if heard.data in sent else bytes(wrong))
        sent.append(heard.data)

    ended = yield from bolus_with(standin, damage)
    expect_boluses(standin, 1)
    expect_truth(standin, ended, done=True, what="the bolus")
