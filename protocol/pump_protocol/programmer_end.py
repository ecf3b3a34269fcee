"""The programmer's end of a link: one request at a time, repeated until it is answered.

With a key, it has the pump prove that it holds the key, too, seals what it sends, and believes only
what comes sealed: a plain refusal that its link is not known ends the link, and tells nothing of
what became of the request. It knows no port and no meaning of any answer.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pump_protocol import events as ev
from pump_protocol.access import EMERGENCY, PLAIN
from pump_protocol.codes import (
    PROTOCOL_VERSION,
    RESPONSE_BIT,
    SEALED_BIT,
    MessageType,
    RefusalCode,
)
from pump_protocol.envelope import Envelope
from pump_protocol.errors import HandshakeFailed, MalformedPayload, NotAuthentic, OutOfTurn
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.handshake import Initiator, LinkSecrets, identity_digest, prologue
from pump_protocol.keys import Key, RandomBytes
from pump_protocol.link_end import LinkEnd
from pump_protocol.messages import (
    Authenticate,
    Authenticated,
    Identity,
    LinkClosed,
    LinkOpened,
    Refusal,
    Request,
    Response,
)
from pump_protocol.payloads import decode_response, encode
from pump_protocol.states import (
    ALLOWED_WHILE_CLOSED,
    EXCHANGE_TRANSITIONS,
    ExchangeState,
    ExchangeTrigger,
    LinkState,
    LinkTrigger,
)

_LOST_CODES: Final = frozenset({RefusalCode.LINK_NOT_OPEN, RefusalCode.LINK_ID_USED})

_HINTS: Final = _LOST_CODES | {RefusalCode.AUTHENTICATION_REQUIRED}
"""Plain refusals of a sealed request that say, if they are true, that its link is no more."""

_ALWAYS_PLAIN: Final = PLAIN - {MessageType.IDENTIFY}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a programmer waits: ``attempts`` sendings, each given ``response_timeout_ms``."""

    response_timeout_ms: int = 500
    attempts: int = 4


@dataclass(slots=True)
class _Exchange:
    """The outstanding request."""

    request: Request[Response]
    link_id: int
    sequence: int
    sealed: bool
    data: bytes
    attempts: int
    answer_by_ms: int


class ProgrammerEnd(LinkEnd):
    """The end that asks; see :class:`pump_protocol.session.Session` for the parameters.

    :ivar retry: how it waits.
    :ivar exchange_state: whether a request is outstanding.
    :ivar secrets: the keys of the link, once the pump has proved that it holds the key.
    """

    def __init__(
        self,
        link_id: int,
        retry: RetryPolicy,
        key: Key | None,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        if not 0 < link_id < 2**64:
            raise OutOfTurn(f"link_id = {link_id}: a programmer opens with a random 1 to 2**64 - 1")
        super().__init__(link_id)
        self.retry = retry
        self.exchange_state = ExchangeState.READY
        self.secrets: LinkSecrets | None = None
        self._key = key
        self._random_bytes = random_bytes
        self._sequence = 0
        self._exchange: _Exchange | None = None
        self._handshake: Initiator | None = None
        self._envelope: Envelope | None = None

    def next_timeout(self) -> int | None:
        """When the outstanding request is to be repeated, or given up."""
        return None if self._exchange is None else self._exchange.answer_by_ms

    def handle_timeout(self) -> None:
        """Repeat the outstanding request, or give it up, if that is due."""
        exchange = self._exchange
        if exchange is not None and self._now_ms >= exchange.answer_by_ms:
            self._repeat_or_give_up(exchange)

    # --- Asking ----------------------------------------------------------------------------------

    def send_request(self, request: Request[Response]) -> int:
        """See :meth:`pump_protocol.session.Session.send_request`."""
        if self.exchange_state is not ExchangeState.READY:
            raise OutOfTurn("a request is outstanding; a link has one exchange at a time")
        message_type = request.message_type
        if self.link_state is LinkState.CLOSED and message_type not in ALLOWED_WHILE_CLOSED:
            raise OutOfTurn(f"{type(request).__name__} needs an open link; send OpenLink first")
        if self.link_state is LinkState.OPEN and message_type == MessageType.OPEN_LINK:
            raise OutOfTurn("the link is open; another one begins under an id of its own")
        envelope = self._envelope_for(message_type)
        payload = encode(request)
        self._sequence += 1
        sequence = self._sequence
        link_id = 0 if message_type in EMERGENCY else self.link_id
        if envelope is None:
            data = frame_bytes(message_type, link_id, sequence, payload)
        else:
            data = envelope.seal(message_type, link_id, sequence, payload)
        self._move_exchange(ExchangeTrigger.SENT)
        answer_by_ms = self._now_ms + self.retry.response_timeout_ms
        self._exchange = _Exchange(
            request, link_id, sequence, envelope is not None, data, 1, answer_by_ms
        )
        self.outgoing.append(data)
        return sequence

    def authenticate(self, identity: Identity) -> Authenticate:
        """See :meth:`pump_protocol.session.Session.authenticate`."""
        key = self._key
        if key is None:
            raise OutOfTurn("a handshake needs a key")
        bound = prologue(self.link_id, key.key_id, key.role, identity_digest(identity))
        self._handshake = Initiator(key, bound, self._random_bytes)
        return Authenticate(key.key_id, key.role, self._handshake.message)

    def _envelope_for(self, message_type: MessageType) -> Envelope | None:
        """What seals a request; None for what is said in plain."""
        if self._key is None or message_type in _ALWAYS_PLAIN:
            return None
        if message_type is MessageType.IDENTIFY and self.link_state is LinkState.CLOSED:
            return None
        if self._envelope is None:
            raise OutOfTurn("there is a key, so the pump must prove to hold it: authenticate first")
        return self._envelope

    def _repeat_or_give_up(self, exchange: _Exchange) -> None:
        if exchange.attempts >= self.retry.attempts:
            self._exchange = None
            self._move_exchange(ExchangeTrigger.GIVEN_UP)
            self.events.append(ev.NoAnswer(exchange.attempts))
            return
        self._move_exchange(ExchangeTrigger.REPEATED)
        exchange.attempts += 1
        exchange.answer_by_ms = self._now_ms + self.retry.response_timeout_ms
        self.outgoing.append(exchange.data)

    # --- Answers ---------------------------------------------------------------------------------

    def judge(self, frame: Frame) -> None:
        """Take a frame: the answer to the outstanding request, or none of this end's business."""
        exchange = self._exchange
        if frame.message_type < RESPONSE_BIT:
            self._ignore(frame, "a request, perhaps our own echoed back")
        elif exchange is None:
            self._ignore(frame, "nothing is outstanding")
        elif frame.link_id != exchange.link_id or frame.sequence != exchange.sequence:
            self._ignore(frame, "an answer to another request")
        elif exchange.sealed:
            self._judge_sealed_response(frame, exchange)
        elif frame.sealed:
            self._ignore(frame, "a sealed answer to what was not sealed")
        else:
            self._end_exchange(self._read_response(frame, exchange))

    def _judge_sealed_response(self, frame: Frame, exchange: _Exchange) -> None:
        assert self._envelope is not None
        if not frame.sealed:
            self._judge_hint(frame, exchange)
            return
        try:
            payload = self._envelope.open(frame)
        except NotAuthentic as error:
            self._ignore(frame, f"not authentic: {error}")
            return
        version = frame.version & ~SEALED_BIT
        inner = Frame(frame.message_type, frame.link_id, frame.sequence, payload, version)
        self._end_exchange(self._read_response(inner, exchange))

    def _judge_hint(self, frame: Frame, exchange: _Exchange) -> None:
        """A plain answer to a sealed request: anybody may have sent it."""
        refusal = None
        if frame.message_type == MessageType.REFUSAL and frame.version == PROTOCOL_VERSION:
            with suppress(MalformedPayload):
                refusal = decode_response(frame.message_type, frame.payload)
        if isinstance(refusal, Refusal) and _is_hint(refusal, exchange.request):
            if self.link_state is LinkState.OPEN:
                self._end_link(LinkTrigger.LOST)
            event = ev.RefusalReceived(refusal, exchange.attempts, authentic=False)
            self._end_exchange(event)
        else:
            self._ignore(frame, "a plain answer to a sealed request: anybody may have sent it")

    def _end_exchange(self, event: ev.Event) -> None:
        self._exchange = None
        self._move_exchange(ExchangeTrigger.ANSWERED)
        self.events.append(event)

    def _read_response(self, frame: Frame, exchange: _Exchange) -> ev.Event:
        if frame.version != PROTOCOL_VERSION:
            return ev.ResponseGarbled(f"answer in protocol version {frame.version}")
        try:
            response = decode_response(frame.message_type, frame.payload)
        except MalformedPayload as error:
            return ev.ResponseGarbled(str(error))
        if isinstance(response, Refusal):
            return self._read_refusal(response, exchange)
        if not isinstance(response, exchange.request.response_class):
            return ev.ResponseGarbled(
                f"{type(response).__name__} is no answer to {type(exchange.request).__name__}"
            )
        if isinstance(response, LinkOpened):
            self._move_link(LinkTrigger.OPENED)
        elif isinstance(response, LinkClosed):
            self._end_link(LinkTrigger.CLOSED)
        elif isinstance(response, Authenticated) and not self._take_proof(response):
            return ev.ResponseGarbled("the pump did not prove that it holds this key")
        return ev.ResponseReceived(response, exchange.attempts)

    def _read_refusal(self, refusal: Refusal, exchange: _Exchange) -> ev.Event:
        if refusal.request_type != exchange.request.message_type or not refusal.reasons:
            return ev.ResponseGarbled("a refusal of something else, or without a reason")
        if refusal.codes & _LOST_CODES and self.link_state is LinkState.OPEN:
            self._end_link(LinkTrigger.LOST)
        return ev.RefusalReceived(refusal, exchange.attempts)

    def _take_proof(self, response: Authenticated) -> bool:
        """Whether the pump has proved to hold the key; if so, this link can be opened with it."""
        handshake, self._handshake = self._handshake, None
        if handshake is None:
            return False
        try:
            self.secrets = handshake.finish(response.handshake)
        except HandshakeFailed:
            return False
        self._envelope = Envelope(
            sending=self.secrets.to_pump, receiving=self.secrets.to_programmer
        )
        return True

    def _move_exchange(self, trigger: ExchangeTrigger) -> None:
        self.exchange_state = EXCHANGE_TRANSITIONS[self.exchange_state, trigger]


def _is_hint(refusal: Refusal, request: Request[Response]) -> bool:
    fits = refusal.request_type == request.message_type
    return fits and bool(refusal.reasons) and refusal.codes <= _HINTS
