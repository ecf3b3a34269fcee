"""What a programmer believes while it has a key: what comes sealed, once, and nothing else."""

from struct import Struct
from typing import Final

from pump_protocol.codes import COUNTER_BYTES, CRC_BYTES, HEADER_BYTES, RefusalCode
from pump_protocol.conformance.by_hand import sealed
from pump_protocol.conformance.cases import Level, Profile, programmer_case
from pump_protocol.conformance.expectations import describe, expect_equal
from pump_protocol.conformance.programmer.findings import (
    PERHAPS_DONE,
    boluses,
    expect_begun,
    expect_boluses,
    expect_nothing_plain,
    expect_said,
    expect_truth,
    first_asked,
)
from pump_protocol.conformance.programmer.scenes import (
    T,
    at_first,
    attend,
    bolus_with,
    in_plain,
    ordered,
    out_of_range,
    preceded,
    program,
    refusal,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Play, send
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.frames import closed
from pump_protocol.messages import Refusal
from pump_protocol.payloads import encode

_COUNTER: Final = Struct("<Q")
_DONE: Final = frozenset({Outcome.DONE})


def _key_of(standin: StandIn, heard: Heard) -> bytes:
    found = standin.secrets.get(heard.frame.link_id)
    if not found or not heard.frame.sealed:
        raise Unmet(f"{describe(heard.frame)} is not sealed with the keys of a handshake")
    return found[-1].to_programmer


@programmer_case(
    "programmer-security/forged-answer",
    Level.MUST,
    "SEAL-04 SEAL-09",
    expects="they are ignored, their counters too, and the true answer behind them believed",
    tasks="bolus",
    profile=Profile.AUTHENTICATED,
)
def forged_answer(standin: StandIn) -> Play[None]:
    """Before the answer to an order come sealed refusals with wrong tags: under another key, and
    with one bit altered; their counters are far ahead."""

    def forged(heard: Heard) -> bytes:
        frame, payload = heard.frame, encode(out_of_range(heard))
        told = (T.REFUSAL, frame.link_id, frame.sequence, payload)
        one = sealed(standin.random.randbytes(32), 10_000, *told)
        two = sealed(_key_of(standin, heard), 20_000, *told)
        return one + _with_tag_altered(two)

    ended = yield from bolus_with(standin, preceded(standin, forged))
    expect_begun(standin, ended, "only forgeries came before the answer")


def _with_tag_altered(data: bytes) -> bytes:
    """A sealed frame with a bit of its tag altered, and its checks mended."""
    tag_end = len(data) - CRC_BYTES
    altered = bytearray(data[:tag_end])
    altered[-1] ^= 1
    return closed(bytes(altered[: HEADER_BYTES - 2]), bytes(altered[HEADER_BYTES:]))


@programmer_case(
    "programmer-security/old-counter",
    Level.MUST,
    "SEAL-04 SEAL-09",
    expects="it is ignored, and the true answer behind it believed",
    tasks="bolus",
    profile=Profile.AUTHENTICATED,
)
def old_counter(standin: StandIn) -> Play[None]:
    """Before the answer to an order comes a sealed refusal with a right tag, under the counter that
    LinkOpened had."""

    def old(heard: Heard) -> bytes:
        frame, payload, key = heard.frame, encode(out_of_range(heard)), _key_of(standin, heard)
        return sealed(key, 0, T.REFUSAL, frame.link_id, frame.sequence, payload)

    ended = yield from bolus_with(standin, preceded(standin, old))
    expect_begun(standin, ended, "only a frame with an old counter came before the answer")


@programmer_case(
    "programmer-security/replayed-answers",
    Level.MUST,
    "SEAL-04 SEQ-08",
    expects="they are ignored, and the true answers behind them believed",
    tasks="program",
    profile=Profile.AUTHENTICATED,
)
def replayed_answers(standin: StandIn) -> Play[None]:
    """Before each answer come all that were sent before it, as somebody has recorded them."""
    recorded: list[bytes] = []

    def replaying(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        yield from send(b"".join(recorded) + answer)
        recorded.append(answer)

    yield from program(standin)
    ended = yield from attend(standin, {}, otherwise=replaying)
    expect_said(standin, ended, _DONE, "each answer came, behind those of before")


@programmer_case(
    "programmer-security/plain-refusals",
    Level.MUST,
    "SEAL-09",
    expects="they are ignored, and the sealed answer behind them believed",
    tasks="bolus",
    profile=Profile.AUTHENTICATED,
)
def plain_refusals(standin: StandIn) -> Play[None]:
    """Before the sealed answer to an order come plain refusals of it, NOT_AUTHENTIC among them, and
    one that has a reason beside LINK_NOT_OPEN."""

    def plain(heard: Heard) -> bytes:
        return b"".join(
            in_plain(heard, each)
            for each in (
                out_of_range(heard),
                refusal(heard, RefusalCode.NOT_AUTHENTIC),
                refusal(heard, RefusalCode.LINK_NOT_OPEN, RefusalCode.OUT_OF_RANGE),
                Refusal(T.INTERROGATE, refusal(heard, RefusalCode.LINK_NOT_OPEN).reasons),
            )
        )

    ended = yield from bolus_with(standin, preceded(standin, plain))
    expect_begun(standin, ended, "only plain frames came before the answer")


@programmer_case(
    "programmer-security/plain-answer",
    Level.MUST,
    "SEAL-09 SEQ-11",
    expects="the bolus is not said to have begun",
    tasks="bolus",
    profile=Profile.AUTHENTICATED,
)
def plain_answer(standin: StandIn) -> Play[None]:
    """An order never reaches the pump; somebody answers it in a plain frame, as if it had."""

    def pretend(heard: Heard) -> Play[None]:
        yield from send(in_plain(heard, ordered(heard)))

    ended = yield from bolus_with(standin, at_first(standin, pretend))
    expect_boluses(standin, 0, 1)
    expect_truth(standin, ended, done=bool(boluses(standin)), what="the bolus")


def _hinted(standin: StandIn, code: RefusalCode) -> Play[None]:
    """An order is carried out, and somebody says in a plain frame that its link is no more."""

    def hint(heard: Heard) -> Play[None]:
        yield from standin.good_answer(heard)
        yield from send(in_plain(heard, refusal(heard, code)))

    standin.heard.clear()
    standin.carried_out.clear()
    ended = yield from bolus_with(standin, at_first(standin, hint))
    order = first_asked(standin, T.ORDER_BOLUS)
    for each in standin.heard[standin.heard.index(order) + 1 :]:
        same = each.frame.link_id == order.frame.link_id
        if same and each.frame.message_type != T.IDENTIFY:
            raise Unmet(f"it sent {describe(each.frame)} in a link that was said to have ended")
    expect_nothing_plain(standin)
    expect_boluses(standin, 1)
    expect_said(
        standin, ended, PERHAPS_DONE, "the bolus was begun, and a plain frame proves nothing"
    )


@programmer_case(
    "programmer-security/hint",
    Level.MUST,
    "LINK-10 SEAL-09 SEQ-11",
    expects="the link given up, and the outcome unknown until the pump was asked; one bolus",
    tasks="bolus",
    profile=Profile.AUTHENTICATED,
)
def hint(standin: StandIn) -> Play[None]:
    """An order that was sent once is carried out, and answered with LINK_NOT_OPEN in a plain
    frame."""
    yield from _hinted(standin, RefusalCode.LINK_NOT_OPEN)


@programmer_case(
    "programmer-security/hint-to-authenticate",
    Level.MUST,
    "LINK-10 SEAL-09 SEC-06",
    expects="the link given up, and the outcome unknown until the pump was asked; one bolus",
    tasks="bolus",
    profile=Profile.AUTHENTICATED,
)
def hint_to_authenticate(standin: StandIn) -> Play[None]:
    """An order that was sent once is carried out, and answered with AUTHENTICATION_REQUIRED in a
    plain frame."""
    yield from _hinted(standin, RefusalCode.AUTHENTICATION_REQUIRED)


@programmer_case(
    "programmer-security/counters",
    Level.MUST,
    "SEAL-03 SEAL-05",
    expects="counters from 0, each greater by 1, none for two frames; repeats with their own",
    tasks="program",
    profile=Profile.AUTHENTICATED,
)
def counters(standin: StandIn) -> Play[None]:
    """A prescription is programmed, and the first answer to each sealed request gets lost."""
    seen: set[bytes] = set()

    def forgetful(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        if heard.data in seen or not heard.frame.sealed:
            yield from send(answer)
        seen.add(heard.data)

    yield from program(standin)
    yield from attend(standin, {}, otherwise=forgetful)
    links: dict[int, list[int]] = {}
    told: set[bytes] = set()
    for each in standin.heard:
        if each.frame.sealed and each.data not in told:
            told.add(each.data)
            (counter,) = _COUNTER.unpack(each.frame.payload[:COUNTER_BYTES])
            links.setdefault(each.frame.link_id, []).append(counter)
    for found in links.values():
        expect_equal("counters of its sealed frames", found, list(range(len(found))))
