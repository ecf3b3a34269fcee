"""How a programmer asks: links, sequence numbers, one request at a time, and who is asked."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Final

from pump_protocol.codes import (
    INTER_BYTE_TIMEOUT_MS,
    PROTOCOL_VERSION,
    SEALED_BIT,
    Field,
    Nature,
    RefusalCode,
    SecurityProfile,
)
from pump_protocol.conformance.cases import Level, Profile, programmer_case
from pump_protocol.conformance.expectations import describe, expect_equal
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    OUTSIDE,
    asked,
    expect_said,
    within_links,
)
from pump_protocol.conformance.programmer.scenes import T, attend, program
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Ended, Play, elapse, send
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import Identity, OpenLink, Reason, Refusal
from pump_protocol.payloads import encode

_FAR_APART: Final = 2**40
"""Random link ids lie further apart but once in millions of runs; counters and times do not."""


# --- Links and numbers ---------------------------------------------------------------------------


def _two_runs(standin: StandIn) -> Play[tuple[list[Heard], list[Heard]]]:
    """The task twice, each time by a programmer that is started anew; what opened links in each."""
    opening = (T.AUTHENTICATE, T.OPEN_LINK)
    runs: list[list[Heard]] = []
    for _ in range(2):
        standin.heard.clear()
        yield from standin.start("interrogate")
        yield from standin.serve_to_end()
        runs.append([each for each in standin.heard if each.frame.message_type in opening])
        if not runs[-1]:
            raise Unmet("it opened no link")
    return runs[0], runs[1]


@programmer_case(
    "programmer-asking/fresh-link-ids",
    Level.MUST,
    "LINK-02",
    expects="random link ids of 64 bits, none of them 0, none near another",
    tasks="interrogate",
)
def fresh_link_ids(standin: StandIn) -> Play[None]:
    """An interrogation, twice, each by a programmer that was started anew."""
    runs = yield from _two_runs(standin)
    one, two = ({each.frame.link_id for each in run} for run in runs)
    if 0 in one | two:
        raise Unmet("its link id is 0")
    if one & two:
        raise Unmet(f"it used link id 0x{min(one & two):016x} in both runs")
    link_ids = sorted(one | two)
    for low, high in pairwise(link_ids):
        if high - low < _FAR_APART or high < _FAR_APART:
            raise Unmet(f"link ids 0x{low:016x} and 0x{high:016x} are not random 64 bits")


def _programmer_ids(runs: Iterable[list[Heard]]) -> list[int]:
    requests = [each.request for run in runs for each in run]
    found = [each.programmer_id for each in requests if isinstance(each, OpenLink)]
    if not found:
        raise Unmet("it opened no link that a good pump could read")
    return found


@programmer_case(
    "programmer-asking/same-programmer-id",
    Level.MUST,
    "ORDER-01",
    expects="the same programmer id in both runs",
    tasks="interrogate",
)
def same_programmer_id(standin: StandIn) -> Play[None]:
    """An interrogation, twice, each by a programmer that was started anew."""
    first, *others = _programmer_ids((yield from _two_runs(standin)))
    for each in others:
        expect_equal("programmer_id of the second run", each, first)


@programmer_case(
    "programmer-asking/programmer-id-not-zero",
    Level.SHOULD,
    "ORDER-01",
    expects="a programmer id that is not 0",
    tasks="interrogate",
)
def programmer_id_not_zero(standin: StandIn) -> Play[None]:
    """An interrogation, twice, each by a programmer that was started anew."""
    if 0 in _programmer_ids((yield from _two_runs(standin))):
        raise Unmet("programmer_id is 0")


@programmer_case(
    "programmer-asking/sequence-grows",
    Level.MUST,
    "SEQ-01 LINK-02 LINK-03",
    expects="OpenLink first, and each request of the link under a greater number than the one"
    " before",
    tasks="program",
)
def sequence_grows(standin: StandIn) -> Play[None]:
    """A prescription is programmed, and everything answered well."""
    yield from program(standin)
    yield from standin.serve_to_end()
    links = within_links(standin)
    for each in standin.heard:
        frame = each.frame
        if frame.link_id not in links and frame.message_type not in OUTSIDE:
            raise Unmet(f"it sent {describe(frame)} under an id that it opened no link with")
    for requests in links.values():
        for one, next_one in pairwise(requests):
            if next_one.frame.sequence <= one.frame.sequence:
                raise Unmet(
                    f"{describe(next_one.frame)} comes after sequence number {one.frame.sequence}"
                )


@programmer_case(
    "programmer-asking/sequence-by-one",
    Level.SHOULD,
    "SEQ-01 AUTH-02",
    expects="sequence numbers from 1 on, each greater by 1",
    tasks="program",
)
def sequence_by_one(standin: StandIn) -> Play[None]:
    """A prescription is programmed, and everything answered well."""
    yield from program(standin)
    yield from standin.serve_to_end()
    for link_id in within_links(standin):
        numbers = [each.frame.sequence for each in standin.heard if each.frame.link_id == link_id]
        expect_equal("sequence numbers", numbers, list(range(1, len(numbers) + 1)))


@programmer_case(
    "programmer-asking/closes-its-link",
    Level.SHOULD,
    "LINK-13",
    expects="CloseLink as its last request",
    tasks="interrogate",
)
def closes_its_link(standin: StandIn) -> Play[None]:
    """An interrogation, and everything answered well."""
    yield from standin.start("interrogate")
    yield from standin.serve_to_end()
    if not standin.heard or standin.heard[-1].frame.message_type != T.CLOSE_LINK:
        last = describe(standin.heard[-1].frame) if standin.heard else "nothing"
        raise Unmet(f"it ended after {last}; expected: CLOSE_LINK")


@programmer_case(
    "programmer-asking/one-request-at-a-time",
    Level.MUST,
    "SEQ-03",
    expects="no other request while one waits for its answer",
    tasks="program",
)
def one_request_at_a_time(standin: StandIn) -> Play[None]:
    """Every answer comes 200 ms late."""
    answered: set[bytes] = set()

    def late(heard: Heard) -> Play[None]:
        answer = yield from standin.good_answer(heard)
        if heard.data not in answered:  # a repeat may have crossed its answer
            standin.take((yield from elapse(200)))
            for frame in standin.unheard:
                if frame.to_bytes() != heard.data:
                    raise Unmet(
                        f"it sent {describe(frame)} while {describe(heard.frame)} waited for its"
                        " answer"
                    )
        yield from send(answer)
        answered.add(heard.data)

    yield from program(standin)
    yield from attend(standin, {}, otherwise=late)


@programmer_case(
    "programmer-asking/no-pause-within-a-frame",
    Level.MUST,
    "FRAME-03 FRAME-11 FRAME-13",
    expects="whole frames and nothing else, without a silence of 100 ms within one",
    tasks="program",
)
def no_pause_within_a_frame(standin: StandIn) -> Play[None]:
    """A prescription is programmed, and everything answered well."""
    yield from program(standin)
    yield from standin.serve_to_end()
    if standin.longest_pause_ms >= INTER_BYTE_TIMEOUT_MS:
        raise Unmet(
            f"it paused for {standin.longest_pause_ms} ms within a frame; allowed is less than"
            f" {INTER_BYTE_TIMEOUT_MS} ms"
        )


# --- Who answers ---------------------------------------------------------------------------------


@programmer_case(
    "programmer-asking/identifies-first",
    Level.SHOULD,
    "SEC-03",
    expects="Identify before anything else",
    tasks="interrogate",
)
def identifies_first(standin: StandIn) -> Play[None]:
    """An interrogation, and everything answered well."""
    yield from standin.start("interrogate")
    yield from standin.serve_to_end()
    if not standin.heard or standin.heard[0].frame.message_type != T.IDENTIFY:
        first = describe(standin.heard[0].frame) if standin.heard else "nothing"
        raise Unmet(f"it began with {first}; expected: IDENTIFY")


def _identified_as(standin: StandIn, at: int, code: int) -> Play[Ended]:
    """The task, on a pump whose Identity has another code at a place; how it ends."""

    def identify(heard: Heard) -> Play[None]:
        identity = standin.said(heard, (yield from standin.good_answer(heard)))
        payload = bytearray(encode(identity))
        payload[at] = code
        yield from send(standin.say_raw(heard, T.IDENTITY, bytes(payload)))

    yield from standin.start("interrogate")
    return (yield from attend(standin, {T.IDENTIFY: identify}))


def _expect_stopped(standin: StandIn, ended: Ended, why: str) -> None:
    for each in standin.heard:
        if each.frame.message_type != T.IDENTIFY:
            raise Unmet(f"it went on with {describe(each.frame)}, although {why}")
    expect_said(standin, ended, NOT_DONE, why)


@programmer_case(
    "programmer-asking/nature-unknown",
    Level.MUST,
    "SEC-02 SEC-03",
    expects="it asks for nothing but who it is, and does not say that it is done",
    tasks="interrogate",
)
def nature_unknown(standin: StandIn) -> Play[None]:
    """A pump says that it is no simulator."""
    code = max(Nature) + 1
    ended = yield from _identified_as(standin, 0, code)
    _expect_stopped(standin, ended, f"nature is {code}, and not SIMULATOR")


@programmer_case(
    "programmer-asking/profile-unknown",
    Level.MUST,
    "SEC-03",
    expects="it asks for nothing but who it is, and does not say that it is done",
    tasks="interrogate",
)
def profile_unknown(standin: StandIn) -> Play[None]:
    """A pump has a security profile that nobody knows."""
    code = max(SecurityProfile) + 1
    ended = yield from _identified_as(standin, 2, code)
    _expect_stopped(standin, ended, f"security_profile is {code}, which nobody knows")


@programmer_case(
    "programmer-asking/insecure-without-consent",
    Level.MUST,
    "SEC-03",
    expects="it asks for nothing but who it is, and does not say that it is done",
    tasks="interrogate",
    profile=Profile.LEGACY_INSECURE,
)
def insecure_without_consent(standin: StandIn) -> Play[None]:
    """A pump is LEGACY_INSECURE, and the user has not said that such a one will do."""
    yield from standin.start("interrogate", consent=False)
    yield from standin.serve()
    ended = yield from standin.end()
    _expect_stopped(standin, ended, "nobody has accepted an insecure pump")


@programmer_case(
    "programmer-asking/other-version",
    Level.MUST,
    "LINK-12",
    expects="it does not go on in a version that it was not told",
    tasks="interrogate",
)
def other_version(standin: StandIn) -> Play[None]:
    """A pump speaks versions 2 and 3 only, and says so to whatever it is asked."""
    least, most = PROTOCOL_VERSION + 1, PROTOCOL_VERSION + 2
    told = False
    yield from standin.start("interrogate")
    while (heard := (yield from standin.hear())) is not None:
        frame = heard.frame
        version = frame.version & ~SEALED_BIT
        if told and frame.message_type != T.IDENTIFY and not least <= version <= most:
            raise Unmet(
                f"it went on with {describe(frame)} in version {version}, although the pump speaks"
                f" {least} to {most}"
            )
        told = True
        reason = Reason(RefusalCode.UNSUPPORTED_VERSION, Field.VERSION, version, least, most)
        payload = encode(Refusal(frame.message_type, (reason,)))
        yield from send(frame_bytes(T.REFUSAL, frame.link_id, frame.sequence, payload))
    ended = yield from standin.end()
    expect_said(standin, ended, NOT_DONE, "the pump refused the version of every request")


@programmer_case(
    "programmer-asking/limits-of-the-pump",
    Level.MUST,
    "MSG-11",
    expects="the order, which this pump allows: there are no limits but those of Identity",
    tasks="bolus",
    profile=Profile.LEGACY_INSECURE,
)
def limits_of_the_pump(standin: StandIn) -> Play[None]:
    """A pump allows a bolus ten times as great as others do, and somebody orders one."""
    times = 10

    def identify(heard: Heard) -> Play[None]:
        def wide(identity: Identity) -> Identity:
            return replace(
                identity,
                maximum_bolus_dose_ng=identity.maximum_bolus_dose_ng * times,
                maximum_rate_nl_per_day=identity.maximum_rate_nl_per_day * times,
            )

        yield from send((yield from standin.lie(heard, Identity, wide)))

    yield from standin.start("bolus", dose_mcg=800, duration_min=120)
    ended = yield from attend(standin, {T.IDENTIFY: identify})
    if not asked(standin, T.ORDER_BOLUS):
        raise Unmet(
            f"it ended (exit code {ended.code}) without ordering 0.8 mg, although"
            f" maximum_bolus_dose of the pump is {times} times that of others"
        )
