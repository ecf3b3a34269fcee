"""What a programmer does with keys: pairing, keeping them, and keeping them to itself."""

from typing import Final

from pump_protocol.codes import UserRole
from pump_protocol.conformance.cases import Level, Profile, programmer_case
from pump_protocol.conformance.expectations import expect_equal
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    expect_nothing_plain,
    expect_said,
    first_asked,
)
from pump_protocol.conformance.programmer.keyring import handshakes, paired, refusing
from pump_protocol.conformance.programmer.scenes import Reply, T, attend
from pump_protocol.conformance.standin import StandIn
from pump_protocol.conformance.steps import Play, find_traces
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.verdicts import Unmet

_OTHERS_MAY_READ: Final = 0o077


@programmer_case(
    "programmer-security/pairing",
    Level.MUST,
    "PAIR-02 PAIR-03 AUTH-02",
    expects="a handshake under key id 0 with the secret of the code, Pair, and done",
    tasks="pair",
    profile=Profile.AUTHENTICATED,
)
def pairing(standin: StandIn) -> Play[None]:
    """The pump shows a code, which its user types."""
    yield from paired(standin)
    expect_nothing_plain(standin)
    for each in handshakes(standin):
        expect_equal("key id of the handshake", each.key_id, 0)
        expect_equal("role of the handshake", each.role, UserRole.CLINICIAN)


@programmer_case(
    "programmer-security/pairing-then-closes",
    Level.SHOULD,
    "PAIR-06 LINK-13",
    expects="CloseLink, and nothing else in that link",
    tasks="pair",
    profile=Profile.AUTHENTICATED,
)
def pairing_then_closes(standin: StandIn) -> Play[None]:
    """The pump shows a code, which its user types."""
    yield from paired(standin)
    pair = first_asked(standin, T.PAIR)
    later = [each.frame for each in standin.heard[standin.heard.index(pair) + 1 :]]
    in_link = [each.message_type for each in later if each.link_id == pair.frame.link_id]
    expect_equal("what it sent in that link after Pair", in_link, [int(T.CLOSE_LINK)])


@programmer_case(
    "programmer-security/key-kept",
    Level.MUST,
    "PAIR-06 KEY-05",
    expects="done, with the key that it kept by the serial number of the pump",
    tasks="pair interrogate",
    profile=Profile.AUTHENTICATED,
)
def key_kept(standin: StandIn) -> Play[None]:
    """The programmer is paired, and then started anew without being given a key."""
    _, told = yield from paired(standin)
    standin.heard.clear()
    yield from standin.start("interrogate", keyed=False)
    outcome = yield from standin.serve_to_end()
    expect_equal("what it says", outcome, Outcome.DONE)
    for each in handshakes(standin):
        expect_equal("key id of the handshake", each.key_id, told.key_id)


@programmer_case(
    "programmer-security/key-outlives-a-refusal",
    Level.MUST,
    "AUTH-12 KEY-05",
    expects="the key kept: what is refused in a plain frame proves nothing about it",
    tasks="pair interrogate",
    profile=Profile.AUTHENTICATED,
)
def key_outlives_a_refusal(standin: StandIn) -> Play[None]:
    """The programmer is paired; the handshake with the key that it kept is refused by somebody with
    AUTHENTICATION_FAILED, and later answered."""
    yield from paired(standin)
    yield from standin.start("interrogate", keyed=False)
    ended = yield from attend(standin, {T.AUTHENTICATE: refusing()})
    expect_said(standin, ended, NOT_DONE, "the handshake was refused")
    yield from standin.start("interrogate", keyed=False)
    outcome = yield from standin.serve_to_end()
    expect_equal("what it says later", outcome, Outcome.DONE)


@programmer_case(
    "programmer-security/secret-kept-private",
    Level.MUST,
    "KEY-05",
    expects="the secret in no file that others may read",
    tasks="pair",
    profile=Profile.AUTHENTICATED,
)
def secret_kept_private(standin: StandIn) -> Play[None]:
    """The programmer is paired; its files are looked through for the secret."""
    _, told = yield from paired(standin)
    for trace in (yield from find_traces(told.secret)):
        if trace.mode & _OTHERS_MAY_READ:
            raise Unmet(f"the secret is in {trace.path}, of mode {trace.mode:04o}; expected: 0600")


@programmer_case(
    "programmer-security/secret-not-printed",
    Level.MUST,
    "KEY-05",
    expects="the secret in nothing that it prints",
    tasks="pair interrogate",
    profile=Profile.AUTHENTICATED,
)
def secret_not_printed(standin: StandIn) -> Play[None]:
    """The programmer is paired; then it interrogates with the key that it kept, once well and once
    refused with AUTHENTICATION_FAILED, and what it prints is looked through for the secret."""
    ended, told = yield from paired(standin)
    ends = [ended]
    failing: dict[int, Reply] = {T.AUTHENTICATE: refusing()}
    for replies in ({}, failing):
        yield from standin.start("interrogate", keyed=False)
        ends.append((yield from attend(standin, replies)))
    digits = told.secret.hex()
    for each in ends:
        if digits in (each.output + each.errors).lower():
            raise Unmet("it printed the secret of a key")


@programmer_case(
    "programmer-security/key-in-capitals",
    Level.MUST,
    "KEY-04",
    expects="the key taken all the same",
    tasks="interrogate",
    profile=Profile.AUTHENTICATED,
)
def key_in_capitals(standin: StandIn) -> Play[None]:
    """Its user gives the key's text in capitals, with white space around it."""
    yield from standin.start("interrogate", capitals=True)
    outcome = yield from standin.serve_to_end()
    expect_equal("what it says", outcome, Outcome.DONE)
