"""A session: what one end of a link does with bytes and time, for both roles, without I/O.

**Theory of operation.** Its owner moves bytes and tells the time; the session decides. Feed it
with :meth:`Session.receive_data`, drain :meth:`Session.next_event` until ``None``, write
:meth:`Session.data_to_send`, and call :meth:`Session.handle_timeout` at
:meth:`Session.next_timeout`.
Times are link time, in whole milliseconds from any origin, and never go back.

What either end decides is in :mod:`pump_protocol.programmer_end` and :mod:`pump_protocol.pump_end`;
which states allow what, in :mod:`pump_protocol.states`.

The session knows nothing of sockets, clocks, or what a pump does with a request.
"""

import secrets
from collections import deque
from enum import Enum

from pump_protocol import events as ev
from pump_protocol.codes import INTER_BYTE_TIMEOUT_MS
from pump_protocol.errors import OutOfTurn
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder
from pump_protocol.guard import PumpGuard
from pump_protocol.handshake import LinkSecrets
from pump_protocol.keys import Key, RandomBytes
from pump_protocol.messages import Authenticate, Identity, Request, Response
from pump_protocol.payloads import EncodedResponse
from pump_protocol.programmer_end import ProgrammerEnd, RetryPolicy
from pump_protocol.pump_end import PumpEnd
from pump_protocol.states import ExchangeState, LinkState

__all__ = ["RetryPolicy", "Role", "Session"]


class Role(Enum):
    """Which end of the link a session is."""

    PROGRAMMER = "programmer"
    PUMP = "pump"


class Session:
    """One end of a link.

    :param role: which end.
    :param link_id: programmer only: a fresh random u64; a pump takes what it is told.
    :param retry: programmer only.
    :param guard: pump only: its keys; none means the profile LEGACY_INSECURE, where anybody is
        believed.
    :param key: programmer only: with which its link is opened; none for a LEGACY_INSECURE pump.
    :param random_bytes: programmer only: where the keys of the link come from.
    :raises OutOfTurn: a programmer without a link id of 1 to 2**64 - 1.
    """

    def __init__(
        self,
        role: Role,
        *,
        link_id: int = 0,
        retry: RetryPolicy | None = None,
        guard: PumpGuard | None = None,
        key: Key | None = None,
        random_bytes: RandomBytes = secrets.token_bytes,
    ):
        self.role = role
        self._end: PumpEnd | ProgrammerEnd
        if role is Role.PUMP:
            self._end = PumpEnd(guard)
        else:
            self._end = ProgrammerEnd(link_id, retry or RetryPolicy(), key, random_bytes)
        self._decoder = FrameDecoder()
        self._frames: deque[Frame | CorruptFrame] = deque()
        self._now_ms = 0
        self._last_byte_ms = 0

    @property
    def link_id(self) -> int:
        """The link id of the open or last link, or the one to be opened; 0 before any."""
        return self._end.link_id

    @property
    def link_state(self) -> LinkState:
        """Whether the link is open."""
        return self._end.link_state

    # --- Bytes and time --------------------------------------------------------------------------

    def receive_data(self, data: bytes, now_ms: int) -> None:
        """Take bytes that arrived; any split of the stream will do."""
        # A gap counts even if nobody called handle_timeout in it: a busy owner must not glue the
        # half frame of a program that went away to the first frame of the next one.
        self._advance(now_ms)
        if data:  # who polls a port gives nothing, too, and that is silence
            self._last_byte_ms = now_ms
            self._frames += self._decoder.feed(data)

    def connection_lost(self, now_ms: int) -> None:
        """The byte stream broke: drop a half frame. The link itself outlives its connection."""
        self._advance(now_ms)
        self._frames += self._decoder.expire()

    def next_event(self) -> ev.Event | None:
        """What happened next, or None. Frames are judged one at a time, in order."""
        events = self._end.events
        while not events:
            if not self._frames:
                return None
            frame = self._frames.popleft()
            if isinstance(frame, CorruptFrame):
                return ev.NoiseReceived(frame)
            self._end.judge(frame)
        return events.popleft()

    def data_to_send(self) -> bytes:
        """The bytes that are due, once."""
        outgoing = self._end.outgoing
        if not outgoing:
            return b""
        data = b"".join(outgoing)
        outgoing.clear()
        return data

    def next_timeout(self) -> int | None:
        """The link time in ms at which :meth:`handle_timeout` wants to be called, or None."""
        due_ms = self._end.next_timeout()
        if self._decoder.waiting:
            gap_ms = self._last_byte_ms + INTER_BYTE_TIMEOUT_MS
            return gap_ms if due_ms is None else min(gap_ms, due_ms)
        return due_ms

    def handle_timeout(self, now_ms: int) -> None:
        """Do what is due at *now_ms*; calling too early or too often does no harm."""
        self._advance(now_ms)
        self._end.handle_timeout()

    def _advance(self, now_ms: int) -> None:
        if now_ms < self._now_ms:
            raise OutOfTurn(f"link time went back from {self._now_ms} to {now_ms} ms")
        self._now_ms = now_ms
        self._end.advance(now_ms)
        if self._decoder.waiting and now_ms - self._last_byte_ms >= INTER_BYTE_TIMEOUT_MS:
            self._frames += self._decoder.expire()

    # --- Programmer ------------------------------------------------------------------------------

    @property
    def _asking(self) -> ProgrammerEnd:
        if isinstance(self._end, PumpEnd):
            raise OutOfTurn("only a programmer sends requests")
        return self._end

    @property
    def retry(self) -> RetryPolicy:
        """How a programmer waits; may be changed between exchanges."""
        return self._asking.retry

    @retry.setter
    def retry(self, policy: RetryPolicy) -> None:
        self._asking.retry = policy

    @property
    def exchange_state(self) -> ExchangeState:
        """Whether a programmer's request is outstanding."""
        return self._asking.exchange_state

    @property
    def secrets(self) -> LinkSecrets | None:
        """The keys of a programmer's link, once the pump has proved that it holds the key."""
        return self._asking.secrets

    def send_request(self, request: Request[Response], now_ms: int) -> int:
        """Begin an exchange; returns the sequence number.

        :raises OutOfTurn: not a programmer, a request is outstanding, the link is not open, or
            there is a key and no handshake was made with it.
        :raises LocalError: the request cannot be put into bytes.
        """
        end = self._asking
        self._advance(now_ms)
        return end.send_request(request)

    def authenticate(self, identity: Identity) -> Authenticate:
        """The request that begins a handshake; when it is answered, the link can be opened.

        :param identity: what the pump said of itself. If it did not say so, the handshake fails.
        :raises OutOfTurn: not a programmer, or there is no key.
        """
        return self._asking.authenticate(identity)

    # --- Pump ------------------------------------------------------------------------------------

    def send_response(self, to: ev.RequestReceived, response: Response | EncodedResponse) -> None:
        """Answer a request that :meth:`next_event` gave.

        :raises OutOfTurn: not a pump, or *response* is not an answer to that request.
        """
        if isinstance(self._end, ProgrammerEnd):
            raise OutOfTurn("only a pump sends responses")
        self._end.send_response(to, response)
