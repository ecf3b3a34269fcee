"""Programmers that ask in a wrong way: links, numbers, repeats, deadlines, whom they ask."""

import itertools
from types import SimpleNamespace

import pytest

from pump_programmer import arguments, conversation, link, opening
from pump_programmer.arguments import UsageError
from pump_programmer.commands.common import Settings
from pump_programmer.conversation import Conversation
from pump_programmer.errors import WrongPeer
from pump_programmer.opening import Credentials
from pump_programmer.patience import Patience
from pump_protocol import programmer_end
from pump_protocol.codes import MessageType, Nature, SecurityProfile
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.messages import Identity, Response
from pump_protocol.payloads import decode_response, encode
from pump_protocol.programmer_end import ProgrammerEnd
from pump_protocol.session import Session
from pump_sim.presence import Presence
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import programmer_mutant
from tests.pump_sim.virtual import implanted

A_PUMP = Telemetry(implanted(), Presence(), authenticated=False).identity()
"""What a programmer takes for granted that asks nobody."""


def patient(patch: pytest.MonkeyPatch, patience: Patience) -> None:
    """Have the programmer wait in another way."""
    patch.setattr(Settings, "patience", property(lambda self: patience))


# --- Links and numbers ---------------------------------------------------------------------------


@programmer_mutant("constant-link-id", caught_by="programmer-asking/fresh-link-ids")
def constant_link_id(patch: pytest.MonkeyPatch) -> None:
    """Every link has the same id."""
    patch.setattr(link, "secrets", SimpleNamespace(randbelow=lambda limit: 0x1234_5678_9ABC_DEF0))


@programmer_mutant("counts-link-ids", caught_by="programmer-asking/fresh-link-ids")
def counts_link_ids(patch: pytest.MonkeyPatch) -> None:
    """Link ids are counted."""
    numbers = itertools.count(2**63)
    patch.setattr(link, "secrets", SimpleNamespace(randbelow=lambda limit: next(numbers)))


@programmer_mutant("new-programmer-each-time", caught_by="programmer-asking/same-programmer-id")
def new_programmer_each_time(patch: pytest.MonkeyPatch) -> None:
    """The programmer id is another one at each start."""
    numbers = itertools.count(7)
    patch.setattr(conversation, "default_programmer_id", lambda: next(numbers))


@programmer_mutant("programmer-zero", caught_by="programmer-asking/programmer-id-not-zero")
def programmer_zero(patch: pytest.MonkeyPatch) -> None:
    """The programmer id is 0."""
    patch.setattr(conversation, "default_programmer_id", lambda: 0)
    patch.setattr(conversation, "check_programmer_id", lambda number: None)


@programmer_mutant("same-number-for-all", caught_by="programmer-asking/sequence-grows")
def same_number_for_all(patch: pytest.MonkeyPatch) -> None:
    """All requests of a link have the same sequence number."""

    @around(patch, ProgrammerEnd, "send_request")
    def send_request(original, self, request):
        self._sequence = min(self._sequence, 1)
        return original(self, request)


@programmer_mutant("every-other-number", caught_by="programmer-asking/sequence-by-one")
def every_other_number(patch: pytest.MonkeyPatch) -> None:
    """Sequence numbers are counted in steps of two."""

    @around(patch, ProgrammerEnd, "send_request")
    def send_request(original, self, request):
        self._sequence += 1
        return original(self, request)


@programmer_mutant("leaves-its-link", caught_by="programmer-asking/closes-its-link")
def leaves_its_link(patch: pytest.MonkeyPatch) -> None:
    """It never closes a link."""
    patch.setattr(Conversation, "close", Conversation._drop_port)


@programmer_mutant("two-at-once", caught_by="programmer-asking/one-request-at-a-time")
def two_at_once(patch: pytest.MonkeyPatch) -> None:
    """With every request goes another one, to see whether the pump is still there."""

    class Pipelining(Session):
        def data_to_send(self) -> bytes:
            data = super().data_to_send()
            return data + frame_bytes(MessageType.IDENTIFY, 1, 1, b"") if data else data

    patch.setattr(link, "Session", Pipelining)


@programmer_mutant("halts-in-a-frame", caught_by="programmer-asking/no-pause-within-a-frame")
def halts_in_a_frame(patch: pytest.MonkeyPatch) -> None:
    """The second half of each frame is sent when the first one was not answered."""

    class Halting(Session):
        rest = b""

        def data_to_send(self) -> bytes:
            data = super().data_to_send()
            if self.rest:
                held, self.rest = self.rest, b""
                return held
            half = len(data) // 2
            self.rest = data[half:]
            return data[:half]

    patch.setattr(link, "Session", Halting)
    patient(patch, Patience(400, 4, 2.0))


@programmer_mutant("wakes-the-line", caught_by="programmer-asking/no-pause-within-a-frame")
def wakes_the_line(patch: pytest.MonkeyPatch) -> None:
    """A byte goes before each frame, to wake whoever sleeps."""

    class Waking(Session):
        def data_to_send(self) -> bytes:
            data = super().data_to_send()
            return b"\0" + data if data else data

    patch.setattr(link, "Session", Waking)


# --- Whom it asks --------------------------------------------------------------------------------


@programmer_mutant(
    "knows-who-it-is", caught_by="programmer-asking/identifies-first", authenticated=False
)
def knows_who_it_is(patch: pytest.MonkeyPatch) -> None:
    """It asks nobody who they are."""
    patch.setattr(opening, "greet", lambda link: A_PUMP)


def _reading_identity(patch: pytest.MonkeyPatch, at: int, code: int) -> None:
    """Have a byte of every Identity read as that code."""

    def decode(message_type: int, payload: bytes) -> Response:
        if message_type == MessageType.IDENTITY:
            payload = payload[:at] + bytes((code,)) + payload[at + 1 :]
        return decode_response(message_type, payload)

    patch.setattr(programmer_end, "decode_response", decode)


@programmer_mutant(
    "takes-any-nature", caught_by="programmer-asking/nature-unknown", authenticated=False
)
def takes_any_nature(patch: pytest.MonkeyPatch) -> None:
    """It does not look at the nature of what answers."""
    _reading_identity(patch, 0, Nature.SIMULATOR)


@programmer_mutant(
    "takes-any-profile", caught_by="programmer-asking/profile-unknown", authenticated=False
)
def takes_any_profile(patch: pytest.MonkeyPatch) -> None:
    """What is not known to be secure is taken for insecure, and used."""
    _reading_identity(patch, 2, SecurityProfile.LEGACY_INSECURE)


@programmer_mutant(
    "asks-no-consent", caught_by="programmer-asking/insecure-without-consent", authenticated=False
)
def asks_no_consent(patch: pytest.MonkeyPatch) -> None:
    """Every insecure pump will do."""

    def accepting(given: object, role: object, insecure: bool) -> Credentials:
        return Credentials(insecure=True)

    patch.setattr(conversation, "Credentials", accepting)


@programmer_mutant("any-version", caught_by="programmer-asking/other-version", authenticated=False)
def any_version(patch: pytest.MonkeyPatch) -> None:
    """It goes on in its own version where that was refused."""

    @around(patch, opening, "greet")
    def greeted(greet, link):
        try:
            return greet(link)
        except WrongPeer:
            return A_PUMP


@programmer_mutant(
    "limits-of-its-own", caught_by="programmer-asking/limits-of-the-pump", authenticated=False
)
def limits_of_its_own(patch: pytest.MonkeyPatch) -> None:
    """It knows by heart what the greatest bolus is."""

    def check_bolus(text: str, volume_nl: int, identity: Identity) -> None:
        if volume_nl > 250_000:
            raise UsageError(f"--dose = {text!r}: allowed at most 500 mcg")

    patch.setattr(arguments, "check_bolus", check_bolus)


# --- Repeats and deadlines -----------------------------------------------------------------------


@programmer_mutant("seals-repeats-anew", caught_by="programmer-asking/identical-bytes")
def seals_repeats_anew(patch: pytest.MonkeyPatch) -> None:
    """A repeat is sealed again, under the same sequence number."""

    @around(patch, ProgrammerEnd, "_repeat_or_give_up")
    def again(original, self, exchange):
        if exchange.sealed and self._envelope is not None:
            payload = encode(exchange.request)
            exchange.data = self._envelope.seal(
                exchange.request.message_type, exchange.link_id, exchange.sequence, payload
            )
        original(self, exchange)


@programmer_mutant("asks-ten-times", caught_by="programmer-asking/at-most-four-times")
def asks_ten_times(patch: pytest.MonkeyPatch) -> None:
    """It asks up to ten times."""
    patient(patch, Patience(500, 10, 6.0))


@programmer_mutant("hardly-waits", caught_by="programmer-asking/at-most-four-times")
def hardly_waits(patch: pytest.MonkeyPatch) -> None:
    """It waits for 100 ms before it asks again."""
    patient(patch, Patience(100, 4, 2.0))


@programmer_mutant("waits-for-ever", caught_by="programmer-asking/ends-in-silence")
def waits_for_ever(patch: pytest.MonkeyPatch) -> None:
    """It asks until somebody answers."""
    patient(patch, Patience(500, 1_000, 600.0))


@programmer_mutant("noise-gives-hope", caught_by="programmer-asking/deadline-in-noise")
def noise_gives_hope(patch: pytest.MonkeyPatch) -> None:
    """Whatever arrives begins its waiting anew."""

    class Hopeful(Session):
        def receive_data(self, data: bytes, now_ms: int) -> None:
            super().receive_data(data, now_ms)
            exchange = self._asking._exchange
            if exchange is not None:
                exchange.answer_by_ms = now_ms + self.retry.response_timeout_ms

    patch.setattr(link, "Session", Hopeful)
    patient(patch, Patience(500, 4, 600.0))


@programmer_mutant(
    "other-answers-give-hope", caught_by="programmer-asking/deadline-among-other-answers"
)
def other_answers_give_hope(patch: pytest.MonkeyPatch) -> None:
    """Each answer to somebody else begins its waiting anew."""

    def ignore(self: ProgrammerEnd, frame: Frame, why: str) -> None:
        if self._exchange is not None:
            self._exchange.answer_by_ms = self._now_ms + self.retry.response_timeout_ms

    patch.setattr(ProgrammerEnd, "_ignore", ignore)
    patient(patch, Patience(500, 4, 600.0))
