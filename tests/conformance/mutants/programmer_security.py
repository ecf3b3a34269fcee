"""Programmers that prove, believe or keep something in a wrong way: handshakes, seals, keys."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import typer

from pump_programmer import enrolment, key_choice, link, opening, pairing, printer
from pump_programmer.connection import Connection
from pump_programmer.errors import AuthenticationFailed, NoAnswerError, PumpRefused
from pump_programmer.keystore import KeyStore
from pump_programmer.link import Link
from pump_programmer.pairing import Pairing
from pump_protocol import events as ev
from pump_protocol import programmer_end
from pump_protocol.codes import MessageType, UserRole
from pump_protocol.envelope import Envelope
from pump_protocol.errors import BadKey, NotAuthentic
from pump_protocol.frames import Frame
from pump_protocol.keys import Key
from pump_protocol.messages import CloseLink, Identity, Refusal
from pump_protocol.programmer_end import ProgrammerEnd
from pump_protocol.session import Session
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import programmer_mutant

# --- Handshakes ----------------------------------------------------------------------------------


@programmer_mutant("seals-nothing", caught_by="programmer-security/handshake")
def seals_nothing(patch: pytest.MonkeyPatch) -> None:
    """It makes the handshake, and goes on plain."""
    patch.setattr(ProgrammerEnd, "_envelope_for", lambda self, message_type: None)


@programmer_mutant("binds-no-identity", caught_by="programmer-security/handshake")
def binds_no_identity(patch: pytest.MonkeyPatch) -> None:
    """The prologue of its handshake leaves out what the pump says of itself."""
    patch.setattr(programmer_end, "identity_digest", lambda identity: bytes(32))


@programmer_mutant("handshake-of-its-own", caught_by="programmer-security/handshake")
def handshake_of_its_own(patch: pytest.MonkeyPatch) -> None:
    """The prologue has the link id in the wrong order of bytes."""

    @around(patch, programmer_end, "prologue")
    def swapped(prologue, link_id, key_id, role, digest):
        other = int.from_bytes(link_id.to_bytes(8, "little"), "big")
        return bytes(prologue(other, key_id, role, digest))


@programmer_mutant("same-ephemeral-key", caught_by="programmer-security/fresh-ephemeral-keys")
def same_ephemeral_key(patch: pytest.MonkeyPatch) -> None:
    """Its ephemeral key pair is always the same."""

    class Fixed(Session):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more, random_bytes=lambda size: b"\x42" * size)

    patch.setattr(link, "Session", Fixed)


@programmer_mutant("believes-any-proof", caught_by="programmer-security/wrong-proof")
def believes_any_proof(patch: pytest.MonkeyPatch) -> None:
    """Whatever answers its handshake, it goes on."""

    @around(patch, ProgrammerEnd, "_take_proof")
    def taken(take, self, response):
        if not take(self, response):
            self._envelope = Envelope(sending=bytes(32), receiving=bytes(32))
        return True


def _falling_back(
    patch: pytest.MonkeyPatch, errors: tuple[type[Exception], ...], *, only: bool = False
) -> None:
    """Have a link without a key in place of one whose handshake failed."""
    authenticated = opening.authenticated

    def authenticating(connection: Connection, key: Key, identity: Identity, *called: str) -> Link:
        try:
            return authenticated(connection, key, identity, *called)
        except errors as error:
            if only and isinstance(error, AuthenticationFailed):
                raise
            return connection.link()

    patch.setattr(opening, "authenticated", authenticating)
    patch.setattr(pairing, "authenticated", authenticating)


@programmer_mutant("plain-if-refused", caught_by="programmer-security/authentication-failed")
def plain_if_refused(patch: pytest.MonkeyPatch) -> None:
    """Where its key is refused it goes on without."""
    _falling_back(patch, (AuthenticationFailed,))


@programmer_mutant("plain-if-locked", caught_by="programmer-security/authentication-locked")
def plain_if_locked(patch: pytest.MonkeyPatch) -> None:
    """Where the pump looks at no key it goes on without."""
    _falling_back(patch, (PumpRefused,), only=True)


@programmer_mutant("pairs-in-plain", caught_by="programmer-security/pairing-code-refused")
def pairs_in_plain(patch: pytest.MonkeyPatch) -> None:
    """Where its code is refused it asks for the key in plain frames."""
    _falling_back(patch, (PumpRefused,))


@programmer_mutant("plain-if-altered", caught_by="programmer-security/identity-altered")
def plain_if_altered(patch: pytest.MonkeyPatch) -> None:
    """Where the handshake fails, for whatever reason, it goes on without."""
    _falling_back(patch, (Exception,))


# --- No downgrade --------------------------------------------------------------------------------


@programmer_mutant("whatever-it-says", caught_by="programmer-security/downgrade")
def whatever_it_says(patch: pytest.MonkeyPatch) -> None:
    """A pump that says that it is insecure is insecure, though there is a key for it."""
    patch.setattr(opening, "has_key", lambda serial_number, given: False)


@programmer_mutant(
    "forgets-what-it-keeps", caught_by="programmer-security/downgrade-with-a-kept-key"
)
def forgets_what_it_keeps(patch: pytest.MonkeyPatch) -> None:
    """It remembers keys that it was given, and not those that it keeps."""
    patch.setattr(opening, "has_key", lambda serial_number, given: given is not None)


@programmer_mutant("careful-once", caught_by="programmer-security/downgrade-on-the-way")
def careful_once(patch: pytest.MonkeyPatch) -> None:
    """Whoever opens another link looks no more at whether there is a key."""

    @around(patch, opening, "_open")
    def opened(original, connection, programmer_id, credentials, expected):
        with pytest.MonkeyPatch.context() as inner:
            if expected is not None:
                inner.setattr(opening, "has_key", lambda serial_number, given: False)
            return original(connection, programmer_id, credentials, expected)


# --- What is believed ----------------------------------------------------------------------------


def _sealing(patch: pytest.MonkeyPatch, envelope: type[Envelope]) -> None:
    """Have a programmer's links sealed in another way."""
    patch.setattr(programmer_end, "Envelope", envelope)


class _Hasty(Envelope):
    """Remembers a counter before it looks at the tag."""

    def open(self, frame: Frame) -> bytes:
        counter = int.from_bytes(frame.payload[:8], "little")
        try:
            return super().open(frame)
        except NotAuthentic:
            self._next_received = max(self._next_received, counter + 1)
            raise


@programmer_mutant("counts-forgeries", caught_by="programmer-security/forged-answer")
def counts_forgeries(patch: pytest.MonkeyPatch) -> None:
    """The counter of a frame that is not believed is remembered."""
    _sealing(patch, _Hasty)


@programmer_mutant("minds-forgeries", caught_by="programmer-security/forged-answer")
def minds_forgeries(patch: pytest.MonkeyPatch) -> None:
    """A frame with a wrong tag ends the exchange: the order is said to have been refused."""
    patch.setattr(ProgrammerEnd, "_ignore", _stopping)


def _stopping(self: ProgrammerEnd, frame: Frame, why: str) -> None:
    exchange = self._exchange
    if exchange is not None and why.startswith("not authentic"):
        refusal = Refusal(exchange.request.message_type, ())
        self._end_exchange(ev.RefusalReceived(refusal, exchange.attempts))


class _Forgetful(Envelope):
    """Believes a counter again and again."""

    def open(self, frame: Frame) -> bytes:
        self._next_received = 0
        return super().open(frame)


@programmer_mutant("believes-old-counters", caught_by="programmer-security/old-counter")
def believes_old_counters(patch: pytest.MonkeyPatch) -> None:
    """A counter need not be greater than the last one."""
    _sealing(patch, _Forgetful)


@programmer_mutant("minds-replays", caught_by="programmer-security/replayed-answers")
def minds_replays(patch: pytest.MonkeyPatch) -> None:
    """A sealed frame of before ends the exchange: somebody is on the line."""

    @around(patch, ProgrammerEnd, "judge")
    def judged(judge, self, frame):
        if self._exchange is not None and frame.sequence < self._exchange.sequence:
            self._end_exchange(ev.ResponseGarbled("a replay"))
        else:
            judge(self, frame)


def _judging_plain(patch: pytest.MonkeyPatch, believes: Callable[[Frame], bool]) -> None:
    """Have some plain answers to sealed requests believed."""

    @around(patch, ProgrammerEnd, "_judge_hint")
    def judged(hint, self, frame, exchange):
        if believes(frame):
            self._end_exchange(self._read_response(frame, exchange))
        else:
            hint(self, frame, exchange)


@programmer_mutant("believes-plain-refusals", caught_by="programmer-security/plain-refusals")
def believes_plain_refusals(patch: pytest.MonkeyPatch) -> None:
    """A refusal need not be sealed."""
    _judging_plain(patch, lambda frame: frame.message_type == MessageType.REFUSAL)


@programmer_mutant("believes-plain-answers", caught_by="programmer-security/plain-answer")
def believes_plain_answers(patch: pytest.MonkeyPatch) -> None:
    """An answer need not be sealed, if it is no refusal."""
    _judging_plain(patch, lambda frame: frame.message_type != MessageType.REFUSAL)


@programmer_mutant("believes-hints", caught_by="programmer-security/hint")
def believes_hints(patch: pytest.MonkeyPatch) -> None:
    """A plain refusal that its link is not open is the word of the pump: the order is given again,
    under the next number."""
    _judging_plain(patch, lambda frame: frame.message_type == MessageType.REFUSAL)


@programmer_mutant("hears-no-hint", caught_by="programmer-security/hint-to-authenticate")
def hears_no_hint(patch: pytest.MonkeyPatch) -> None:
    """That the pump wants a handshake is ignored, and the order repeated."""
    patch.setattr(programmer_end, "_HINTS", frozenset())


class _FromOne(Envelope):
    """Counts from 1."""

    def __init__(self, *, sending: bytes, receiving: bytes) -> None:
        super().__init__(sending=sending, receiving=receiving)
        self._next_sent = 1


@programmer_mutant("counts-frames-from-one", caught_by="programmer-security/counters")
def counts_frames_from_one(patch: pytest.MonkeyPatch) -> None:
    """The counter of its first sealed frame is 1."""
    _sealing(patch, _FromOne)


class _SameCounter(Envelope):
    """Uses a counter for two frames each."""

    def seal(self, message_type: int, link_id: int, sequence: int, payload: bytes) -> bytes:
        self._next_sent = sequence // 2
        return super().seal(message_type, link_id, sequence, payload)


@programmer_mutant("counter-for-two", caught_by="programmer-security/counters")
def counter_for_two(patch: pytest.MonkeyPatch) -> None:
    """Two frames have the same counter."""
    _sealing(patch, _SameCounter)


# --- Keys ----------------------------------------------------------------------------------------


@programmer_mutant("hashes-the-hyphens", caught_by="programmer-security/pairing")
def hashes_the_hyphens(patch: pytest.MonkeyPatch) -> None:
    """The secret of a pairing code is made of its text as it was typed."""

    def pairing_key(code: str, role: UserRole) -> Key:
        secret = sha256(b"pump-sim pairing code 1\x00" + code.encode()).digest()
        return Key(0, role, secret)

    patch.setattr(pairing, "pairing_key", pairing_key)


@programmer_mutant("leaves-the-pairing", caught_by="programmer-security/pairing-then-closes")
def leaves_the_pairing(patch: pytest.MonkeyPatch) -> None:
    """It leaves the link of a pairing open."""

    @around(patch, Link, "exchange")
    def asking(exchange, self, request, *, attempts=None):
        if isinstance(request, CloseLink):
            raise NoAnswerError("not asked")
        return exchange(self, request, attempts=attempts)


@programmer_mutant("keeps-no-key", caught_by="programmer-security/key-kept")
def keeps_no_key(patch: pytest.MonkeyPatch) -> None:
    """A key that it was told is gone when it ends."""
    patch.setattr(KeyStore, "keep", lambda self, serial_number, key: None)


@programmer_mutant("throws-keys-away", caught_by="programmer-security/key-outlives-a-refusal")
def throws_keys_away(patch: pytest.MonkeyPatch) -> None:
    """A key that somebody refuses is wrong, and forgotten."""

    @around(patch, opening, "_why_not")
    def forgetting(why_not, refused, key, identity, called):
        KeyStore().forget(identity.serial_number)
        return why_not(refused, key, identity, called)


@programmer_mutant("shares-its-keys", caught_by="programmer-security/secret-kept-private")
def shares_its_keys(patch: pytest.MonkeyPatch) -> None:
    """Anybody may read its file of keys."""

    @around(patch, KeyStore, "keep")
    def keeping(keep, self, serial_number, key):
        before = keep(self, serial_number, key)
        Path(self.path).chmod(0o644)
        return before


@programmer_mutant("shows-the-key", caught_by="programmer-security/secret-not-printed")
def shows_the_key(patch: pytest.MonkeyPatch) -> None:
    """After a pairing it shows the key, to be written down."""

    @around(patch, enrolment, "pair")
    def pairing_with(pair, *args, **more):
        made: Pairing = pair(*args, **more)
        typer.echo(f"Your key: {made.key.to_text()}")
        return made


@programmer_mutant("complains-with-the-key", caught_by="programmer-security/secret-not-printed")
def complains_with_the_key(patch: pytest.MonkeyPatch) -> None:
    """Where a key is refused it says which one that was, with its secret."""

    @around(patch, opening, "_why_not")
    def telling(why_not, refused, key, identity, called):
        return why_not(refused, key, identity, f"{called} {key.to_text()}")


@programmer_mutant("small-letters-only", caught_by="programmer-security/key-in-capitals")
def small_letters_only(patch: pytest.MonkeyPatch) -> None:
    """A key's text is taken in small letters only."""

    class Strict(Key):
        @classmethod
        def from_text(cls, text: str) -> Key:
            if text != text.strip().lower():
                raise BadKey("this is no key")
            return Key.from_text(text)

    patch.setattr(key_choice, "Key", Strict)


@programmer_mutant("shows-any-note", caught_by="programmer-answers/note-of-a-stranger")
def shows_any_note(patch: pytest.MonkeyPatch) -> None:
    """What stands in a note is shown as it stands there."""
    patch.setattr(printer, "printable", str)
