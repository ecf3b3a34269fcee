"""The programmer's end of a link, fed with answers that a pump gave, changed, or never gave."""

from random import Random
from typing import Final

from fuzz.mutations import mended, mutated, split
from fuzz.requests import REQUEST_CLASSES
from fuzz.values import any_message, any_payload
from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import MAX_PAYLOAD_BYTES, Field, MessageType, RefusalCode, UserRole
from pump_protocol.envelope import Envelope
from pump_protocol.errors import MalformedPayload, UnsendableMessage
from pump_protocol.frames import Frame
from pump_protocol.handshake import identity_digest, prologue, respond
from pump_protocol.keys import Key
from pump_protocol.payloads import decode_request, encode
from pump_protocol.session import RetryPolicy, Role, Session
from pump_protocol.states import LinkState

_ENDS: Final = (ev.ResponseReceived, ev.RefusalReceived, ev.ResponseGarbled, ev.NoAnswer)
_RESPONSE_CLASSES: Final = tuple(m.RESPONSES.values())
_PATIENT: Final = RetryPolicy(response_timeout_ms=500, attempts=2)
_HINTS: Final = {
    RefusalCode.LINK_NOT_OPEN,
    RefusalCode.LINK_ID_USED,
    RefusalCode.AUTHENTICATION_REQUIRED,
}


_UNASKED: Final = (
    m.OpenLink,
    m.Authenticate,
    m.EmergencyStatus,
    m.EmergencyMinimumRate,
    m.EmergencyStop,
)


class ProgrammerFuzz:
    """A session in an authenticated link, and a pump's end made by hand.

    Only what the pump sealed as the answer to the outstanding request may be believed; of a plain
    answer no more than that the link may be lost. Every exchange ends.
    """

    def __init__(self, random: Random) -> None:
        self.last = b""
        self._random = random
        self._now_ms = 0
        self._heard: list[bytes] = []
        self._begin()

    def step(self) -> str:
        """Ask one thing and give one answer, good or bad."""
        random = self._random
        if self._session.link_state is LinkState.CLOSED:
            self._begin()
        request = self._ask()
        asked = self._take_frame()
        answer, payload = self._answer(request, asked)
        good = answer
        kind = random.randrange(8)
        if kind == 0:
            answer = mutated(answer, random)
        elif kind < 3:
            answer = mended(mutated(answer, random))
        elif kind == 3:
            answer = random.choice(self._heard) if self._heard else asked
        elif kind == 4:
            answer = self._plain(asked)
        self.last = answer
        events = self._hear(answer)
        ended: list[ev.Event] = [each for each in events if isinstance(each, _ENDS)]
        assert len(ended) <= 1, "one exchange ended twice"
        self._heard = [*self._heard, good][-8:]
        if not ended:
            assert good not in answer, "a good answer was not heard"
            ended = self._wait_for_end()
        else:
            self._check(ended[0], request, answer, good, payload)
        return type(ended[0]).__name__

    def _begin(self) -> None:
        random = self._random
        key = Key.new(UserRole.CLINICIAN, random.randbytes)
        link_id = random.getrandbits(64) or 1
        self._session = Session(
            Role.PROGRAMMER,
            link_id=link_id,
            retry=_PATIENT,
            key=key,
            random_bytes=random.randbytes,
        )
        identity = any_message(m.Identity, random)
        assert isinstance(identity, m.Identity)
        first = self._session.authenticate(identity)
        self._session.send_request(first, self._now_ms)
        asked = self._take_frame()
        bound = prologue(link_id, key.key_id, key.role, identity_digest(identity))
        reply, secrets = respond(key, bound, first.handshake, random.randbytes)
        proof = Frame(MessageType.AUTHENTICATED, link_id, 1, encode(m.Authenticated(reply)))
        (done,) = self._hear(proof.to_bytes())
        assert isinstance(done, ev.ResponseReceived), f"{done} for {asked.hex()}"
        self._envelope = Envelope(sending=secrets.to_programmer, receiving=secrets.to_pump)
        self._session.send_request(m.OpenLink(1), self._now_ms)
        self._take_frame()
        opened = encode(m.LinkOpened(1, 2, 3, 4))
        (done,) = self._hear(self._envelope.seal(MessageType.LINK_OPENED, link_id, 2, opened))
        assert isinstance(done, ev.ResponseReceived), f"{done} for a good answer"
        self._sequence = 2

    def _ask(self) -> m.Request[m.Response]:
        """Send any request that is sealed and can be sent."""
        random = self._random
        while True:
            request_class = random.choice(REQUEST_CLASSES)
            if request_class in _UNASKED:
                continue
            payload = any_payload(request_class, random)
            try:
                request = decode_request(request_class.message_type, payload)
            except MalformedPayload:
                continue
            if len(payload) <= MAX_PAYLOAD_BYTES:
                break
        self._session.send_request(request, self._now_ms)
        self._sequence += 1
        return request

    def _take_frame(self) -> bytes:
        data = self._session.data_to_send()
        assert data, "a request was not sent"
        return data

    def _answer(self, request: m.Request[m.Response], asked: bytes) -> tuple[bytes, bytes]:
        """A sealed answer, of the right class or of any."""
        random = self._random
        response_class: type[m.Response] = request.response_class
        if not random.randrange(4):
            response_class = random.choice(_RESPONSE_CLASSES)
        payload = any_payload(response_class, random)[:MAX_PAYLOAD_BYTES]
        if response_class is m.Refusal or not random.randrange(8):
            response_class, payload = m.Refusal, encode(_refusal(request.message_type, random))
        if not random.randrange(8):
            payload = mutated(payload, random)[:MAX_PAYLOAD_BYTES]
        number = response_class.message_type
        sequence = int.from_bytes(asked[12:16], "little")
        link_id = self._session.link_id
        return self._envelope.seal(number, link_id, sequence, payload), payload

    def _plain(self, asked: bytes) -> bytes:
        """What somebody without keys might answer."""
        random = self._random
        sequence = int.from_bytes(asked[12:16], "little")
        answer: m.Message = _refusal(asked[3], random)
        if not random.randrange(3):
            answer = any_message(random.choice(_RESPONSE_CLASSES), random)
        try:
            payload = encode(answer)[:MAX_PAYLOAD_BYTES]
        except UnsendableMessage:
            payload = b""
        return Frame(answer.message_type, self._session.link_id, sequence, payload).to_bytes()

    def _hear(self, data: bytes) -> list[ev.Event]:
        events: list[ev.Event] = []
        for piece in split(data, self._random):
            self._session.receive_data(piece, self._now_ms)
            events += iter(self._session.next_event, None)
        return events

    def _wait_for_end(self) -> list[ev.Event]:
        """Nothing came that counts: it gives up, in time."""
        for _ in range(20):
            due_ms = self._session.next_timeout()
            assert due_ms is not None, "a request waits for ever"
            self._now_ms = max(self._now_ms, due_ms)
            self._session.handle_timeout(self._now_ms)
            self._session.data_to_send()
            for event in iter(self._session.next_event, None):
                if isinstance(event, _ENDS):
                    assert not isinstance(event, ev.ResponseReceived), "believed after a silence"
                    return [event]
        raise AssertionError("an exchange does not end")

    def _check(
        self,
        ended: ev.Event,
        request: m.Request[m.Response],
        answer: bytes,
        good: bytes,
        payload: bytes,
    ) -> None:
        if isinstance(ended, ev.RefusalReceived) and not ended.authentic:
            codes = {reason.code for reason in ended.refusal.reasons}
            assert codes <= _HINTS, f"a plain refusal was believed: {ended.refusal}"
            assert self._session.link_state is LinkState.CLOSED
            return
        assert good in answer, f"what the pump did not seal was believed: {ended}"
        if isinstance(ended, ev.ResponseReceived):
            assert isinstance(ended.response, request.response_class)
            assert encode(ended.response) == payload, "another response than was sealed"


def _refusal(request_type: int, random: Random) -> m.Refusal:
    return m.Refusal(request_type, (m.Reason(random.choice(tuple(RefusalCode)), Field.NONE),))
