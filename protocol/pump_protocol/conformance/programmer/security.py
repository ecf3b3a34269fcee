"""What a programmer proves, believes and keeps to itself: handshakes, sealed frames, keys."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pump_protocol.codes import MessageType, RefusalCode, SecurityProfile
from pump_protocol.conformance.cases import Level, Profile, programmer_case
from pump_protocol.conformance.expectations import describe, expect_equal
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    asked,
    expect_nothing_plain,
    expect_said,
)
from pump_protocol.conformance.programmer.keyring import handshakes, paired, pairing_code, refusing
from pump_protocol.conformance.programmer.scenes import (
    Reply,
    T,
    at_first,
    attend,
    order_bolus,
    refusal,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Play, send
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.messages import Authenticated, Identity, OpenLink

_PUBLIC_BYTES: Final = 32
_LOCKED_MS: Final = 1_500


# --- Handshakes ----------------------------------------------------------------------------------


@programmer_case(
    "programmer-security/handshake",
    Level.MUST,
    "AUTH-01 AUTH-02 AUTH-03 AUTH-04 SEAL-01 SEAL-02 LINK-03",
    expects="Identify, Authenticate under the id of the link, OpenLink sealed, then everything"
    " sealed; and done",
    tasks="interrogate",
    profile=Profile.AUTHENTICATED,
)
def handshake(standin: StandIn) -> Play[None]:
    """An interrogation, and everything answered well: a good pump takes the handshake."""
    yield from standin.start("interrogate")
    outcome = yield from standin.serve_to_end()
    expect_nothing_plain(standin)
    opening = asked(standin, T.OPEN_LINK)
    if not opening:
        raise Unmet("it opened no link")
    before = standin.heard[: standin.heard.index(opening[0])]
    order = [each.frame.message_type for each in before]
    if order[:1] != [T.IDENTIFY] or T.AUTHENTICATE not in order:
        names = ", ".join(MessageType(each).name for each in order)
        raise Unmet(
            f"it opened a link after {names or 'nothing'}; expected: IDENTIFY, AUTHENTICATE"
        )
    link_id = asked(standin, T.AUTHENTICATE)[-1].frame.link_id
    expect_equal("link id of OpenLink", opening[-1].frame.link_id, link_id)
    if not isinstance(opening[-1].request, OpenLink):
        raise Unmet("its OpenLink is not sealed with the key of AUTH-06 for the pump's direction")
    expect_equal("what it says", outcome, Outcome.DONE)


@programmer_case(
    "programmer-security/fresh-ephemeral-keys",
    Level.MUST,
    "AUTH-09",
    expects="another ephemeral public key in each handshake",
    tasks="interrogate",
    profile=Profile.AUTHENTICATED,
)
def fresh_ephemeral_keys(standin: StandIn) -> Play[None]:
    """An interrogation, twice, each by a programmer that was started anew."""
    for _ in range(2):
        yield from standin.start("interrogate")
        yield from standin.serve_to_end()
    public = [each.handshake[:_PUBLIC_BYTES] for each in handshakes(standin)]
    if len(set(public)) < len(public):
        raise Unmet("it used the same ephemeral public key in two handshakes")


@programmer_case(
    "programmer-security/wrong-proof",
    Level.MUST,
    "AUTH-11 SEC-06",
    expects="nothing more in that link, nothing plain, and not done",
    tasks="interrogate",
    profile=Profile.AUTHENTICATED,
)
def wrong_proof(standin: StandIn) -> Play[None]:
    """The second message of every handshake has a wrong tag, or another public key."""
    for at in (-1, 0):
        standin.heard.clear()

        def unproven(heard: Heard, at: int = at) -> Play[None]:
            def spoilt(response: Authenticated) -> Authenticated:
                data = bytearray(response.handshake)
                data[at] ^= 1
                return Authenticated(bytes(data))

            yield from send((yield from standin.lie(heard, Authenticated, spoilt)))

        yield from standin.start("interrogate")
        ended = yield from attend(standin, {T.AUTHENTICATE: unproven})
        expect_nothing_plain(standin)
        sealed = [each.frame for each in standin.heard if each.frame.sealed]
        if sealed:
            raise Unmet(f"it went on with {describe(sealed[0])}, although the proof was wrong")
        expect_said(standin, ended, NOT_DONE, "the pump proved nothing")


def _expect_key_kept(standin: StandIn) -> Play[None]:
    """The key is what it was: next time it opens a link."""
    yield from standin.start("interrogate")
    outcome = yield from standin.serve_to_end()
    if outcome is not Outcome.DONE:
        raise Unmet(
            f"later, with everything answered well, it says {outcome}; expected: done, for what was"
            " refused before proves nothing about its key"
        )


@programmer_case(
    "programmer-security/authentication-failed",
    Level.MUST,
    "AUTH-12 SEC-06",
    expects="nothing plain, not done, and later the same key",
    tasks="interrogate",
    profile=Profile.AUTHENTICATED,
)
def authentication_failed(standin: StandIn) -> Play[None]:
    """Somebody refuses every handshake with AUTHENTICATION_FAILED; later the pump answers."""
    yield from standin.start("interrogate")
    ended = yield from attend(standin, {T.AUTHENTICATE: refusing()})
    expect_nothing_plain(standin)
    expect_said(standin, ended, NOT_DONE, "every handshake was refused")
    yield from _expect_key_kept(standin)


@programmer_case(
    "programmer-security/authentication-locked",
    Level.MUST,
    "AUTH-12 SEC-06",
    expects="nothing plain; an end within its time; later the same key",
    tasks="interrogate",
    profile=Profile.AUTHENTICATED,
)
def authentication_locked(standin: StandIn) -> Play[None]:
    """Somebody refuses a handshake with AUTHENTICATION_LOCKED for 1.5 s; then the pump answers."""
    locked = refusing(RefusalCode.AUTHENTICATION_LOCKED, _LOCKED_MS)
    yield from standin.start("interrogate")
    yield from attend(standin, {T.AUTHENTICATE: at_first(standin, locked)})
    expect_nothing_plain(standin)
    yield from _expect_key_kept(standin)


@programmer_case(
    "programmer-security/pairing-code-refused",
    Level.MUST,
    "AUTH-12 SEC-06",
    expects="nothing plain, not done, and no key",
    tasks="pair",
    profile=Profile.AUTHENTICATED,
)
def pairing_code_refused(standin: StandIn) -> Play[None]:
    """A handshake with a pairing code is refused with AUTHENTICATION_FAILED."""
    code = yield from pairing_code()
    yield from standin.start("pair", keyed=False, code=code)
    ended = yield from attend(standin, {T.AUTHENTICATE: refusing()})
    expect_nothing_plain(standin)
    expect_said(standin, ended, NOT_DONE, "the code was refused")


# --- No downgrade --------------------------------------------------------------------------------


def _altered(change: Callable[[Identity], Identity], standin: StandIn) -> Reply:
    """Somebody on the line alters what the pump says of itself."""

    def identify(heard: Heard) -> Play[None]:
        yield from send((yield from standin.lie(heard, Identity, change)))

    return identify


def _insecure(identity: Identity) -> Identity:
    return replace(identity, security_profile=SecurityProfile.LEGACY_INSECURE)


@programmer_case(
    "programmer-security/identity-altered",
    Level.MUST,
    "AUTH-04 SEC-06",
    expects="a handshake that fails, nothing plain, and not done",
    tasks="interrogate",
    profile=Profile.AUTHENTICATED,
)
def identity_altered(standin: StandIn) -> Play[None]:
    """Somebody on the line alters a limit of the pump, and then its firmware's version."""

    def limit(identity: Identity) -> Identity:
        return replace(identity, maximum_bolus_dose_ng=identity.maximum_bolus_dose_ng * 2)

    def firmware(identity: Identity) -> Identity:
        return replace(identity, firmware_version=identity.firmware_version + "x")

    for change in (limit, firmware):
        standin.heard.clear()
        yield from standin.start("interrogate")
        ended = yield from attend(standin, {T.IDENTIFY: _altered(change, standin)})
        expect_nothing_plain(standin)
        if any(each.frame.sealed for each in standin.heard):
            raise Unmet(
                "its handshake succeeded, although what the pump says of itself was altered on the"
                " way: its prologue does not cover the bytes that it received"
            )
        expect_said(standin, ended, NOT_DONE, "the handshake failed")


@programmer_case(
    "programmer-security/downgrade",
    Level.MUST,
    "SEC-06 SEC-03",
    expects="nothing plain but who it is, and not done",
    tasks="interrogate",
    profile=Profile.AUTHENTICATED,
)
def downgrade(standin: StandIn) -> Play[None]:
    """Somebody on the line makes the pump look LEGACY_INSECURE, to a programmer that was given a
    key, and whose user has said that an insecure pump will do."""
    yield from standin.start("interrogate", consent=True)
    ended = yield from attend(standin, {T.IDENTIFY: _altered(_insecure, standin)})
    expect_nothing_plain(standin)
    expect_said(standin, ended, NOT_DONE, "the pump looked insecure, and there is a key for it")


@programmer_case(
    "programmer-security/downgrade-with-a-kept-key",
    Level.MUST,
    "SEC-06 KEY-05",
    expects="nothing plain but who it is, and not done",
    tasks="pair interrogate",
    profile=Profile.AUTHENTICATED,
)
def downgrade_with_a_kept_key(standin: StandIn) -> Play[None]:
    """The same to a programmer that keeps a key of the pump's serial number, and was given none."""
    yield from paired(standin)
    standin.heard.clear()
    yield from standin.start("interrogate", keyed=False, consent=True)
    ended = yield from attend(standin, {T.IDENTIFY: _altered(_insecure, standin)})
    expect_nothing_plain(standin)
    expect_said(standin, ended, NOT_DONE, "the pump looked insecure, and there is a key for it")


@programmer_case(
    "programmer-security/downgrade-on-the-way",
    Level.MUST,
    "SEC-06 LINK-10",
    expects="nothing plain but who it is",
    tasks="bolus",
    profile=Profile.AUTHENTICATED,
)
def downgrade_on_the_way(standin: StandIn) -> Play[None]:
    """An order is refused, sealed, with LINK_NOT_OPEN; from then on somebody on the line makes the
    pump look LEGACY_INSECURE, to a user who has said that an insecure pump will do."""
    gone: list[Heard] = []

    def order(heard: Heard) -> Play[None]:
        gone.append(heard)
        yield from send(standin.say(heard, refusal(heard, RefusalCode.LINK_NOT_OPEN)))

    def identify(heard: Heard) -> Play[None]:
        yield from (_altered(_insecure, standin) if gone else standin.answer)(heard)

    yield from order_bolus(standin, consent=True)
    ended = yield from attend(standin, {T.ORDER_BOLUS: order, T.IDENTIFY: identify})
    expect_nothing_plain(standin)
    expect_said(standin, ended, NOT_DONE, "no order was carried out")
