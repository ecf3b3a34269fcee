"""A session: what one end of a link does with bytes and time, for both roles, without I/O.

**Theory of operation.** Its owner moves bytes and tells the time; the session decides. Feed it
with :meth:`Session.receive_data`, drain :meth:`Session.next_event` until ``None``, write
:meth:`Session.data_to_send`, and call :meth:`Session.handle_timeout` at
:meth:`Session.next_timeout`.
Times are link time, in whole milliseconds from any origin, and never go back.

A pump answers each request once: it remembers its last answer under (link id, sequence, the request
itself), sends the same bytes again to a repeat, and refuses the same sequence with other content.
The request is short enough to be kept whole, which is cheaper than a digest of it and at least as
sure. A programmer has one request outstanding and repeats identical bytes until it is answered
or gives up. Which states allow what is in :mod:`pump_protocol.states`.

The session knows nothing of sockets, clocks, or what a pump does with a request. Frames reach it
through a decoder and leave it as bytes; an authenticated envelope would stand between the two.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pump_protocol import events as ev
from pump_protocol.codes import (
    ABSOLUTE_LIMIT_MS,
    IDLE_LIMIT_MS,
    INTER_BYTE_TIMEOUT_MS,
    PROTOCOL_VERSION,
    RESPONSE_BIT,
    RETIRED_LINKS,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.errors import MalformedPayload, OutOfTurn
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder, frame_bytes
from pump_protocol.messages import (
    LinkClosed,
    LinkOpened,
    OpenLink,
    Reason,
    Refusal,
    Request,
    Response,
)
from pump_protocol.payloads import EncodedResponse, decode_request, decode_response, encode
from pump_protocol.states import (
    ALLOWED_WHILE_CLOSED,
    EXCHANGE_TRANSITIONS,
    LINK_TRANSITIONS,
    ExchangeState,
    ExchangeTrigger,
    LinkState,
    LinkTrigger,
)


class Role(Enum):
    """Which end of the link a session is."""

    PROGRAMMER = "programmer"
    PUMP = "pump"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a programmer waits: ``attempts`` sendings, each given ``response_timeout_ms``."""

    response_timeout_ms: int = 500
    attempts: int = 4


MAX_SEQUENCE: Final = 2**32 - 1

_LOST_CODES: Final = frozenset({RefusalCode.LINK_NOT_OPEN, RefusalCode.LINK_ID_USED})


@dataclass(slots=True)
class _Exchange:
    """A programmer's outstanding request."""

    request: Request[Response]
    sequence: int
    data: bytes
    attempts: int
    answer_by_ms: int


class Session:
    """One end of a link.

    :param role: which end.
    :param link_id: programmer only: a fresh random u64; a pump takes what it is told.
    :param retry: programmer only.
    """

    def __init__(self, role: Role, *, link_id: int = 0, retry: RetryPolicy | None = None):
        self.role = role
        self.retry = retry or RetryPolicy()
        if role is Role.PROGRAMMER and not 0 < link_id < 2**64:
            raise OutOfTurn(f"link_id = {link_id}: a programmer opens with a random 1 to 2**64 - 1")
        self._link_id = link_id
        self._link_state = LinkState.CLOSED
        self._exchange_state = ExchangeState.READY
        self._decoder = FrameDecoder()
        self._frames: deque[Frame | CorruptFrame] = deque()
        self._events: deque[ev.Event] = deque()
        self._outgoing: list[bytes] = []
        self._now_ms = 0
        self._last_byte_ms = 0
        self._sequence = 0  # last used (programmer) or last accepted (pump)
        # Programmer
        self._exchange: _Exchange | None = None
        # Pump
        self._programmer_id = 0
        self._opened_ms = 0
        self._last_request_ms = 0
        self._last_request: ev.RequestReceived | None = None
        self._last_content: tuple[int, bytes] | None = None
        self._last_answer = b""
        self._retired: deque[int] = deque(maxlen=RETIRED_LINKS)

    @property
    def link_id(self) -> int:
        """The link id of the open or last link, or the one to be opened; 0 before any."""
        return self._link_id

    @property
    def link_state(self) -> LinkState:
        """Whether the link is open."""
        return self._link_state

    @property
    def exchange_state(self) -> ExchangeState:
        """Whether a request is outstanding (programmer)."""
        return self._exchange_state

    # --- Bytes and time --------------------------------------------------------------------------

    def receive_data(self, data: bytes, now_ms: int) -> None:
        """Take bytes that arrived; any split of the stream will do."""
        self._advance(now_ms)
        # The gap counts even if nobody called handle_timeout in it: a busy owner must not glue the
        # half frame of a program that went away to the first frame of the next one.
        if self._decoder.waiting and now_ms - self._last_byte_ms >= INTER_BYTE_TIMEOUT_MS:
            self._frames += self._decoder.expire()
        self._last_byte_ms = now_ms
        self._frames += self._decoder.feed(data)

    def connection_lost(self, now_ms: int) -> None:
        """The byte stream broke: drop a half frame. The link itself outlives its connection."""
        self._advance(now_ms)
        self._frames += self._decoder.expire()

    def next_event(self) -> ev.Event | None:
        """What happened next, or None. Frames are judged one at a time, in order."""
        while not self._events:
            if not self._frames:
                return None
            frame = self._frames.popleft()
            if isinstance(frame, CorruptFrame):
                return ev.NoiseReceived(frame)
            if self.role is Role.PUMP:
                self._judge_request(frame)
            else:
                self._judge_response(frame)
        return self._events.popleft()

    def data_to_send(self) -> bytes:
        """The bytes that are due, once."""
        if not self._outgoing:
            return b""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def next_timeout(self) -> int | None:
        """The link time in ms at which :meth:`handle_timeout` wants to be called, or None."""
        times = []
        if self._decoder.waiting:
            times.append(self._last_byte_ms + INTER_BYTE_TIMEOUT_MS)
        if self._exchange is not None:
            times.append(self._exchange.answer_by_ms)
        if self.role is Role.PUMP and self._link_state is LinkState.OPEN:
            times.append(self._last_request_ms + IDLE_LIMIT_MS)
            times.append(self._opened_ms + ABSOLUTE_LIMIT_MS)
        return min(times, default=None)

    def handle_timeout(self, now_ms: int) -> None:
        """Do what is due at *now_ms*; calling too early or too often does no harm."""
        self._advance(now_ms)
        if self._decoder.waiting and now_ms - self._last_byte_ms >= INTER_BYTE_TIMEOUT_MS:
            self._frames += self._decoder.expire()
        exchange = self._exchange
        if exchange is not None and now_ms >= exchange.answer_by_ms:
            self._repeat_or_give_up(exchange)

    # --- Programmer ------------------------------------------------------------------------------

    def send_request(self, request: Request[Response], now_ms: int) -> int:
        """Begin an exchange; returns the sequence number.

        :raises OutOfTurn: not a programmer, a request is outstanding, or the link is not open.
        :raises LocalError: the request cannot be put into bytes.
        """
        if self.role is not Role.PROGRAMMER:
            raise OutOfTurn("only a programmer sends requests")
        if self._exchange_state is not ExchangeState.READY:
            raise OutOfTurn("a request is outstanding; a link has one exchange at a time")
        if (
            self._link_state is LinkState.CLOSED
            and request.message_type not in ALLOWED_WHILE_CLOSED
        ):
            raise OutOfTurn(f"{type(request).__name__} needs an open link; send OpenLink first")
        payload = encode(request)
        self._advance(now_ms)
        self._sequence += 1
        data = frame_bytes(request.message_type, self._link_id, self._sequence, payload)
        self._move_exchange(ExchangeTrigger.SENT)
        self._exchange = _Exchange(
            request, self._sequence, data, 1, now_ms + self.retry.response_timeout_ms
        )
        self._outgoing.append(data)
        return self._sequence

    def _repeat_or_give_up(self, exchange: _Exchange) -> None:
        if exchange.attempts >= self.retry.attempts:
            self._exchange = None
            self._move_exchange(ExchangeTrigger.GIVEN_UP)
            self._events.append(ev.NoAnswer(exchange.attempts))
            return
        self._move_exchange(ExchangeTrigger.REPEATED)
        exchange.attempts += 1
        exchange.answer_by_ms = self._now_ms + self.retry.response_timeout_ms
        self._outgoing.append(exchange.data)

    def _judge_response(self, frame: Frame) -> None:
        exchange = self._exchange
        why = None
        if frame.message_type < RESPONSE_BIT:
            why = "a request, perhaps our own echoed back"
        elif exchange is None:
            why = "nothing is outstanding"
        elif frame.link_id != self._link_id or frame.sequence != exchange.sequence:
            why = "an answer to another request"
        if why is not None or exchange is None:
            self._events.append(ev.FrameIgnored(frame, why or ""))
            return
        self._exchange = None
        self._move_exchange(ExchangeTrigger.ANSWERED)
        self._events.append(self._read_response(frame, exchange))

    def _read_response(self, frame: Frame, exchange: _Exchange) -> ev.Event:
        if frame.version != PROTOCOL_VERSION:
            return ev.ResponseGarbled(f"answer in protocol version {frame.version}")
        try:
            response = decode_response(frame.message_type, frame.payload)
        except MalformedPayload as error:
            return ev.ResponseGarbled(str(error))
        if isinstance(response, Refusal):
            if response.request_type != exchange.request.message_type or not response.reasons:
                return ev.ResponseGarbled("a refusal of something else, or without a reason")
            lost = any(reason.code in _LOST_CODES for reason in response.reasons)
            if lost and self._link_state is LinkState.OPEN:
                self._end_link(LinkTrigger.LOST)
            return ev.RefusalReceived(response, exchange.attempts)
        if not isinstance(response, exchange.request.response_class):
            return ev.ResponseGarbled(
                f"{type(response).__name__} is no answer to {type(exchange.request).__name__}"
            )
        if isinstance(response, LinkOpened):
            self._move_link(LinkTrigger.OPENED)
        elif isinstance(response, LinkClosed):
            self._end_link(LinkTrigger.CLOSED)
        return ev.ResponseReceived(response, exchange.attempts)

    # --- Pump ------------------------------------------------------------------------------------

    def send_response(self, to: ev.RequestReceived, response: Response | EncodedResponse) -> None:
        """Answer a request that :meth:`next_event` gave.

        :raises OutOfTurn: not a pump, or *response* is not an answer to that request.
        """
        if self.role is not Role.PUMP:
            raise OutOfTurn("only a pump sends responses")
        if isinstance(response, EncodedResponse):
            response_class, payload = response.response_class, response.payload
        else:
            response_class, payload = type(response), encode(response)
        if response_class not in (to.request.response_class, Refusal):
            raise OutOfTurn(
                f"{response_class.__name__} is no answer to {type(to.request).__name__}"
            )
        data = frame_bytes(response_class.message_type, to.link_id, to.sequence, payload)
        # Not by number alone: identify outside a link may carry the number of the link's last
        # request, and must not become the answer to it.
        if to is self._last_request:
            self._last_answer = data
        self._outgoing.append(data)
        if response_class is LinkClosed and to.link_id == self._link_id:
            self._end_link(LinkTrigger.CLOSED)

    def _judge_request(self, frame: Frame) -> None:
        if frame.message_type >= RESPONSE_BIT:
            # Never answered: two pumps, or a pump and its echo, would talk to each other for ever.
            self._events.append(ev.FrameIgnored(frame, "a response, perhaps our own echoed back"))
        elif frame.version != PROTOCOL_VERSION:
            reason = Reason(
                RefusalCode.UNSUPPORTED_VERSION,
                Field.VERSION,
                frame.version,
                PROTOCOL_VERSION,
                PROTOCOL_VERSION,
            )
            self._refuse(frame, reason)
        elif self._is_remembered(frame):
            self._repeat_answer(frame)
        elif frame.link_id == self._link_id and self._link_state is LinkState.OPEN:
            self._judge_in_link(frame)
        elif frame.message_type == MessageType.IDENTIFY:
            self._accept(frame)
        elif frame.link_id in self._retired:
            self._refuse(frame, Reason(RefusalCode.LINK_ID_USED, Field.LINK_ID))
        elif frame.message_type == MessageType.OPEN_LINK:
            self._judge_opening(frame)
        else:
            self._refuse(frame, Reason(RefusalCode.LINK_NOT_OPEN, Field.LINK_ID))

    def _judge_opening(self, frame: Frame) -> None:
        if frame.link_id == 0:
            reason = Reason(RefusalCode.OUT_OF_RANGE, Field.LINK_ID, 0, 1)
            self._refuse(frame, reason)
            return
        request = self._decode(frame)
        if not isinstance(request, OpenLink):
            return
        if self._link_state is LinkState.OPEN:
            self._end_link(LinkTrigger.REPLACED)
        self._move_link(LinkTrigger.OPENED)
        self._link_id = frame.link_id
        self._programmer_id = request.programmer_id
        self._opened_ms = self._now_ms
        self._remember(frame)
        self._last_request = self._tell(frame, request)

    def _judge_in_link(self, frame: Frame) -> None:
        if frame.message_type == MessageType.OPEN_LINK:
            self._refuse(frame, Reason(RefusalCode.LINK_ID_USED, Field.LINK_ID))
        elif frame.sequence <= self._sequence:
            reused = frame.sequence == self._sequence
            code = RefusalCode.SEQUENCE_REUSED if reused else RefusalCode.SEQUENCE_STALE
            exhausted = self._sequence == MAX_SEQUENCE
            limits = (None, None) if exhausted else (self._sequence + 1, MAX_SEQUENCE)
            self._refuse(frame, Reason(code, Field.SEQUENCE, frame.sequence, *limits))
        else:
            self._remember(frame)
            self._last_request = self._accept(frame)

    def _accept(self, frame: Frame) -> ev.RequestReceived | None:
        request = self._decode(frame)
        return None if request is None else self._tell(frame, request)

    def _tell(self, frame: Frame, request: Request[Response]) -> ev.RequestReceived:
        event = ev.RequestReceived(request, frame.link_id, frame.sequence, self._programmer_id)
        self._events.append(event)
        return event

    def _decode(self, frame: Frame) -> Request[Response] | None:
        try:
            return decode_request(frame.message_type, frame.payload)
        except MalformedPayload as error:
            self._refuse(frame, Reason(error.code, error.field, error.value))
            return None

    def _remember(self, frame: Frame) -> None:
        self._sequence = frame.sequence
        self._last_content = (frame.message_type, frame.payload)
        self._last_answer = b""
        self._last_request_ms = self._now_ms

    def _is_remembered(self, frame: Frame) -> bool:
        """Whether this is the last request of the open link, or of the link that just ended."""
        return (
            frame.link_id == self._link_id
            and frame.sequence == self._sequence
            and (frame.message_type, frame.payload) == self._last_content
        )

    def _repeat_answer(self, frame: Frame) -> None:
        self._last_request_ms = self._now_ms
        self._outgoing.append(self._last_answer)
        self._events.append(ev.RequestRepeated(frame.link_id, frame.sequence, frame.message_type))

    def _refuse(self, frame: Frame, reason: Reason) -> None:
        refusal = Refusal(frame.message_type, (reason,))
        data = frame_bytes(MessageType.REFUSAL, frame.link_id, frame.sequence, encode(refusal))
        if self._is_remembered(frame):
            self._last_answer = data
        self._outgoing.append(data)
        self._events.append(ev.RequestRefused(refusal, frame.link_id, frame.sequence))

    def _enforce_limits(self) -> None:
        if self.role is not Role.PUMP or self._link_state is not LinkState.OPEN:
            return
        if self._now_ms - self._opened_ms >= ABSOLUTE_LIMIT_MS:
            self._end_link(LinkTrigger.ABSOLUTE_LIMIT)
        elif self._now_ms - self._last_request_ms >= IDLE_LIMIT_MS:
            self._end_link(LinkTrigger.IDLE_LIMIT)

    # --- Both ------------------------------------------------------------------------------------

    def _advance(self, now_ms: int) -> None:
        if now_ms < self._now_ms:
            raise OutOfTurn(f"link time went back from {self._now_ms} to {now_ms} ms")
        self._now_ms = now_ms
        self._enforce_limits()

    def _end_link(self, cause: LinkTrigger) -> None:
        self._move_link(cause)
        if self.role is Role.PUMP:
            self._retired.append(self._link_id)
        self._events.append(ev.LinkEnded(self._link_id, cause))

    def _move_link(self, trigger: LinkTrigger) -> None:
        self._link_state = LINK_TRANSITIONS[self._link_state, trigger]

    def _move_exchange(self, trigger: ExchangeTrigger) -> None:
        self._exchange_state = EXCHANGE_TRANSITIONS[self._exchange_state, trigger]
