"""The pump's end of a link: each request is answered once, and whoever asks must prove it.

A pump remembers the last request that it believed as it came, sends its answer again to the
identical frame, and refuses the same sequence with other content. A frame is short enough to be
kept whole, which is cheaper than a digest of it and at least as sure; a sealed one need not be
opened again. With a guard, it takes requests only from sealed frames, but for the few that need no
key. It does not know what a request means to a pump.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from pump_protocol import events as ev
from pump_protocol.access import EMERGENCY, orderer_id
from pump_protocol.codes import (
    ABSOLUTE_LIMIT_MS,
    IDLE_LIMIT_MS,
    PROTOCOL_VERSION,
    RESPONSE_BIT,
    RETIRED_LINKS,
    SEALED_BIT,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.envelope import SEALED_VERSION
from pump_protocol.errors import MalformedPayload, NotAuthentic, OutOfTurn
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.guard import Denied, LinkKeys, PumpGuard
from pump_protocol.link_end import LinkEnd
from pump_protocol.messages import (
    Authenticate,
    Authenticated,
    LinkClosed,
    OpenLink,
    Pair,
    Paired,
    Reason,
    Refusal,
    Request,
    Response,
)
from pump_protocol.payloads import EncodedResponse, decode_request, encode
from pump_protocol.states import LinkState, LinkTrigger

MAX_SEQUENCE: Final = 2**32 - 1


@dataclass(slots=True)
class _Last:
    """The last request that was believed, and what was answered: nothing as long as it is not."""

    frame: Frame
    request: ev.RequestReceived | None = None
    answer: bytes = b""


class PumpEnd(LinkEnd):
    """The end that answers; see :class:`pump_protocol.session.Session` for the parameter."""

    def __init__(self, guard: PumpGuard | None) -> None:
        super().__init__()
        self._guard = guard
        self._link_keys: LinkKeys | None = None  # of the frame that is judged now, if it was sealed
        self._payload = b""  # of that frame, opened if it was sealed
        self._last: _Last | None = None
        self._sequence = 0  # the last that was accepted
        self._programmer_id = 0
        self._opened_ms = 0
        self._last_request_ms = 0
        self._retired: deque[int] = deque(maxlen=RETIRED_LINKS)

    def advance(self, now_ms: int) -> None:
        """It is *now_ms* by now; a link that has been open or idle for too long ends."""
        self._now_ms = now_ms
        if self.link_state is not LinkState.OPEN:
            return
        if now_ms - self._opened_ms >= ABSOLUTE_LIMIT_MS:
            self._end_link(LinkTrigger.ABSOLUTE_LIMIT)
        elif now_ms - self._last_request_ms >= IDLE_LIMIT_MS:
            self._end_link(LinkTrigger.IDLE_LIMIT)

    def next_timeout(self) -> int | None:
        """When the open link ends, if nobody asks anything, or a handshake is forgotten."""
        forgotten_ms = None if self._guard is None else self._guard.next_timeout()
        if self.link_state is not LinkState.OPEN:
            return forgotten_ms
        ends_ms = min(self._last_request_ms + IDLE_LIMIT_MS, self._opened_ms + ABSOLUTE_LIMIT_MS)
        return ends_ms if forgotten_ms is None else min(ends_ms, forgotten_ms)

    def handle_timeout(self) -> None:
        """Forget a handshake that nobody went on with in time."""
        if self._guard is not None:
            self._guard.handle_timeout(self._now_ms)

    def _end_link(self, cause: LinkTrigger) -> None:
        self._retired.append(self.link_id)
        super()._end_link(cause)

    # --- Answering -------------------------------------------------------------------------------

    def send_response(self, to: ev.RequestReceived, response: Response | EncodedResponse) -> None:
        """See :meth:`pump_protocol.session.Session.send_response`."""
        if isinstance(response, EncodedResponse):
            response_class, payload = response.response_class, response.payload
        else:
            response_class, payload = type(response), encode(response)
        if response_class not in (to.request.response_class, Refusal):
            raise OutOfTurn(
                f"{response_class.__name__} is no answer to {type(to.request).__name__}"
            )
        data = self._framed(response_class.message_type, to, payload, to.link_keys)
        # Not by number alone: identify outside a link may carry the number of the link's last
        # request, and must not become the answer to it.
        if self._last is not None and to is self._last.request:
            self._last.answer = data
        self.outgoing.append(data)
        if response_class is LinkClosed and to.link_id == self.link_id:
            self._end_link(LinkTrigger.CLOSED)

    def _framed(
        self,
        message_type: int,
        to: ev.RequestReceived | Frame,
        payload: bytes,
        link_keys: LinkKeys | None,
    ) -> bytes:
        """An answer as bytes, sealed if what it answers was."""
        if link_keys is None:
            return frame_bytes(message_type, to.link_id, to.sequence, payload)
        return link_keys.envelope.seal(message_type, to.link_id, to.sequence, payload)

    # --- Requests --------------------------------------------------------------------------------

    def judge(self, frame: Frame) -> None:
        """Take a frame: what it asks for, who asks, and whether it is their turn."""
        self._link_keys = None
        self._payload = frame.payload
        last = self._last
        # The number first: to compare whole frames costs more, and most are new.
        if last is not None and frame.sequence == last.frame.sequence and frame == last.frame:
            self._repeat_answer(last)
        elif frame.message_type >= RESPONSE_BIT:
            # Never answered: two pumps, or a pump and its echo, would talk to each other for ever.
            self._ignore(frame, "a response, perhaps our own echoed back")
        elif frame.version == SEALED_VERSION:
            self._judge_sealed(frame)
        elif frame.version != PROTOCOL_VERSION:
            version = frame.version & ~SEALED_BIT
            only = PROTOCOL_VERSION
            reason = Reason(RefusalCode.UNSUPPORTED_VERSION, Field.VERSION, version, only, only)
            self._refuse(frame, reason)
        elif frame.message_type in EMERGENCY:
            self._judge_emergency(frame)
        elif frame.message_type == MessageType.AUTHENTICATE:
            self._judge_handshake(frame)
        elif self._guard is None:
            self._judge_in_turn(frame)
        elif frame.message_type == MessageType.IDENTIFY:
            self._accept(frame)
        else:
            self._refuse(frame, Reason(RefusalCode.AUTHENTICATION_REQUIRED, Field.NONE))

    def _judge_in_turn(self, frame: Frame) -> None:
        """Judge a request by its link and its number; who sent it is settled."""
        if frame.link_id == self.link_id and self.link_state is LinkState.OPEN:
            self._judge_in_link(frame)
        elif frame.message_type == MessageType.IDENTIFY:
            self._accept(frame)
        elif frame.link_id in self._retired:
            self._refuse(frame, Reason(RefusalCode.LINK_ID_USED, Field.LINK_ID))
        elif frame.message_type == MessageType.OPEN_LINK:
            self._judge_opening(frame)
        else:
            self._refuse(frame, Reason(RefusalCode.LINK_NOT_OPEN, Field.LINK_ID))

    def _judge_emergency(self, frame: Frame) -> None:
        if frame.link_id != 0:
            # It belongs to no link, so that nothing of a link can stand in its way.
            self._refuse(frame, Reason(RefusalCode.OUT_OF_RANGE, Field.LINK_ID, None, 0, 0))
        else:
            self._accept(frame)

    def _judge_opening(self, frame: Frame) -> None:
        if frame.link_id == 0:
            reason = Reason(RefusalCode.OUT_OF_RANGE, Field.LINK_ID, 0, 1)
            self._refuse(frame, reason)
            return
        request = self._decode(frame)
        if not isinstance(request, OpenLink):
            return
        if self.link_state is LinkState.OPEN:
            self._end_link(LinkTrigger.REPLACED)
        self._move_link(LinkTrigger.OPENED)
        self.link_id = frame.link_id
        link_keys = self._link_keys
        self._programmer_id = orderer_id(
            None if link_keys is None else link_keys.role, request.programmer_id
        )
        if link_keys is not None:
            assert self._guard is not None
            self._guard.opened(link_keys)
            self.events.append(
                ev.LinkAuthenticated(frame.link_id, link_keys.key_id, link_keys.role)
            )
        self._opened_ms = self._now_ms
        self._remember(frame)
        self._tell(frame, request)

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
            link_keys = self._link_keys
            if link_keys is not None and frame.message_type not in link_keys.allowed:
                reason = Reason(RefusalCode.NOT_PERMITTED, Field.MESSAGE_TYPE, frame.message_type)
                self._refuse(frame, reason)
            elif frame.message_type == MessageType.PAIR:
                self._hand_over_key(frame)
            else:
                self._accept(frame)

    def _accept(self, frame: Frame) -> None:
        request = self._decode(frame)
        if request is not None:
            self._tell(frame, request)

    def _tell(self, frame: Frame, request: Request[Response]) -> None:
        event = ev.RequestReceived(
            request, frame.link_id, frame.sequence, self._programmer_id, self._link_keys
        )
        self.events.append(event)
        if self._last is not None and self._last.frame is frame:
            self._last.request = event

    def _decode(self, frame: Frame) -> Request[Response] | None:
        try:
            return decode_request(frame.message_type, self._payload)
        except MalformedPayload as error:
            self._refuse(frame, Reason(error.code, error.field, error.value))
            return None

    def _remember(self, frame: Frame) -> None:
        self._sequence = frame.sequence
        self._last = _Last(frame)
        self._last_request_ms = self._now_ms

    def _repeat_answer(self, last: _Last) -> None:
        """Send the identical bytes again; nothing is opened, or carried out, twice.

        A sealed request may have been recorded by anybody, so it does not keep its link alive.
        """
        frame = last.frame
        if not frame.sealed:
            self._last_request_ms = self._now_ms
        self.outgoing.append(last.answer)
        self.events.append(ev.RequestRepeated(frame.link_id, frame.sequence, frame.message_type))

    def _refuse(self, frame: Frame, reason: Reason) -> None:
        refusal = Refusal(frame.message_type, (reason,))
        data = self._framed(MessageType.REFUSAL, frame, encode(refusal), self._link_keys)
        if self._last is not None and frame is self._last.frame:
            self._last.answer = data
        self.outgoing.append(data)
        self.events.append(ev.RequestRefused(refusal, frame.link_id, frame.sequence))

    # --- Handshakes and pairing ------------------------------------------------------------------

    def _judge_handshake(self, frame: Frame) -> None:
        guard = self._guard
        used = frame.link_id in self._retired or (
            frame.link_id == self.link_id and self.link_state is LinkState.OPEN
        )
        if guard is None:
            self._refuse(frame, Reason(RefusalCode.AUTHENTICATION_FAILED, Field.NONE))
        elif frame.link_id == 0:
            self._refuse(frame, Reason(RefusalCode.OUT_OF_RANGE, Field.LINK_ID, 0, 1))
        elif used:
            self._refuse(frame, Reason(RefusalCode.LINK_ID_USED, Field.LINK_ID))
        else:
            request = self._decode(frame)
            if isinstance(request, Authenticate):
                self._answer_handshake(guard, frame, request)

    def _answer_handshake(self, guard: PumpGuard, frame: Frame, request: Authenticate) -> None:
        try:
            reply, link_keys = guard.answer(frame, request, self._now_ms)
        except Denied as denied:
            self._refuse(frame, denied.reason)
            return
        payload = encode(Authenticated(reply))
        self.outgoing.append(
            frame_bytes(MessageType.AUTHENTICATED, frame.link_id, frame.sequence, payload)
        )
        self.events.append(
            ev.HandshakeAnswered(frame.link_id, link_keys.key_id, link_keys.role, link_keys.secrets)
        )

    def _hand_over_key(self, frame: Frame) -> None:
        """Answer Pair, which only somebody who had the pairing code can have sent."""
        link_keys, guard = self._link_keys, self._guard
        if guard is None or link_keys is None:
            self._refuse(
                frame, Reason(RefusalCode.NOT_PERMITTED, Field.MESSAGE_TYPE, frame.message_type)
            )
            return
        request = self._decode(frame)
        if not isinstance(request, Pair):
            return
        if not guard.may_pair(link_keys):
            self._refuse(frame, Reason(RefusalCode.NOT_NEAR, Field.NONE))
        else:
            key = guard.keys[link_keys.role]
            paired = encode(Paired(key.key_id, key.role, key.secret))
            data = self._framed(MessageType.PAIRED, frame, paired, link_keys)
            if self._last is not None:
                self._last.answer = data
            self.outgoing.append(data)
            self.events.append(ev.KeyHandedOver(frame.link_id, key.key_id, key.role))

    # --- Sealed frames ---------------------------------------------------------------------------

    def _judge_sealed(self, frame: Frame) -> None:
        if self._guard is None:
            self._refuse(frame, Reason(RefusalCode.NOT_AUTHENTIC, Field.NONE))
            return
        link_keys = self._guard.keys_of(frame.link_id, self._now_ms)
        if link_keys is None:
            used = frame.link_id in self._retired
            code = RefusalCode.LINK_ID_USED if used else RefusalCode.LINK_NOT_OPEN
            self._refuse(frame, Reason(code, Field.LINK_ID))
            return
        try:
            payload = link_keys.envelope.open(frame)
        except NotAuthentic as error:
            reused = error.counter is not None and error.counter < link_keys.envelope.next_received
            field = Field.COUNTER if reused else Field.NONE
            self._refuse(frame, Reason(RefusalCode.NOT_AUTHENTIC, field))
            return
        # Whatever comes of it: its counter is used up, so a repeat can only be answered from here.
        self._last = _Last(frame)
        self._link_keys, self._payload = link_keys, payload
        if self._guard.is_candidate(link_keys) and frame.message_type != MessageType.OPEN_LINK:
            self._refuse(frame, Reason(RefusalCode.LINK_NOT_OPEN, Field.LINK_ID))
        else:
            self._judge_in_turn(frame)
