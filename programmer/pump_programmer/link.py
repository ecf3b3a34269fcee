"""One link over one transport: sends a request and blocks until it is answered, or until its
deadline; it knows no meaning of any message.

The decisions are those of :class:`pump_protocol.session.Session`. This driver adds what a session
has not: a clock, a port, and a deadline that holds whatever arrives, even noise without end.
"""

import secrets
from time import monotonic_ns
from typing import Final, TypeVar, cast

from pump_programmer.errors import NoAnswerError, PumpRefused, WrongPeer
from pump_programmer.patience import Patience
from pump_programmer.transport import Transport
from pump_protocol import events as ev
from pump_protocol.codes import RESPONSE_BIT
from pump_protocol.frames import Frame
from pump_protocol.keys import Key
from pump_protocol.messages import Identity, Request, Response
from pump_protocol.session import RetryPolicy, Role, Session
from pump_protocol.states import LinkState

R = TypeVar("R", bound=Response)

_NS_PER_MS: Final = 1_000_000


class Link:
    """A programmer's session with a fresh random link id.

    :param patience: with whoever answers.
    :param key: with which it is opened; :meth:`authenticate` comes first then.
    """

    def __init__(self, transport: Transport, patience: Patience, key: Key | None = None):
        self._transport = transport
        self._deadline_ms = patience.deadline_ms
        self._session = Session(
            Role.PROGRAMMER,
            link_id=secrets.randbelow(2**64 - 1) + 1,
            retry=patience.retry,
            key=key,
        )
        # A port may have time of its own, as one within a test's process has.
        self._monotonic_ns = getattr(transport, "monotonic_ns", monotonic_ns)
        self._origin_ns = self._monotonic_ns()
        self._broken = False
        self._received_bytes = 0
        self._echoed = False

    @property
    def link_id(self) -> int:
        """The random id under which this link opens."""
        return self._session.link_id

    @property
    def is_open(self) -> bool:
        """Whether requests other than the opening ones may be sent."""
        return self._session.link_state is LinkState.OPEN and not self._broken

    def authenticate(self, identity: Identity) -> None:
        """Let the pump prove that it holds the key, and show that we do; the link can then be
        opened.

        :param identity: what the pump said of itself; the proof covers it.
        :raises PumpRefused: the pump does not take the key.
        :raises WrongPeer: the pump does not hold it.
        :raises NoAnswerError, PumpGone: as :meth:`exchange`.
        """
        self.exchange(self._session.authenticate(identity))

    def exchange(self, request: Request[R], *, attempts: int | None = None) -> R:
        """Send *request* and wait for its answer.

        :param attempts: send at most so often, instead of what the retry policy says.
        :raises PumpRefused: the pump refused it.
        :raises NoAnswerError: no answer to any attempt, or none before the deadline.
        :raises WrongPeer: an answer that this protocol does not allow.
        :raises PumpGone: the port was lost.
        :raises pump_protocol.errors.LocalError: the request cannot be sent at all.
        """
        session, policy = self._session, self._session.retry
        self._received_bytes, self._echoed = 0, False
        began_ms = self._now_ms()
        session.send_request(request, began_ms)
        if attempts is not None:
            session.retry = RetryPolicy(policy.response_timeout_ms, attempts)
        # Until the exchange has ended well, this link is unfit for another one.
        self._broken = True
        try:
            event = self._run_exchange(began_ms + self._deadline_ms)
        finally:
            session.retry = policy
        self._broken = event is None
        if isinstance(event, ev.ResponseReceived):
            return cast("R", event.response)
        if isinstance(event, ev.RefusalReceived):
            raise PumpRefused(event.refusal, event.attempts, authentic=event.authentic)
        if isinstance(event, ev.ResponseGarbled):
            raise WrongPeer(f"the answer breaks the protocol: {event.why}")
        if self._echoed:
            raise WrongPeer("the port echoes what it is sent: a loop-back or a terminal, no pump")
        tries = None if event is None else event.attempts
        raise NoAnswerError(self._silence(self._now_ms() - began_ms, tries))

    def _run_exchange(
        self, deadline_ms: int
    ) -> ev.ResponseReceived | ev.RefusalReceived | ev.ResponseGarbled | ev.NoAnswer | None:
        """Move bytes until the exchange has ended; None at the deadline."""
        session, transport = self._session, self._transport
        while True:
            # All events before any timeout: an answer that is here already is not late.
            while (event := session.next_event()) is not None:
                if isinstance(
                    event,
                    (ev.ResponseReceived, ev.RefusalReceived, ev.ResponseGarbled, ev.NoAnswer),
                ):
                    return event
                if isinstance(event, ev.FrameIgnored):
                    self._note(event.frame)
            now_ms = self._now_ms()
            due_ms = session.next_timeout()
            if due_ms is not None and due_ms <= now_ms:
                session.handle_timeout(now_ms)
                continue
            if now_ms >= deadline_ms:
                return None
            wake_ms = deadline_ms if due_ms is None else min(due_ms, deadline_ms)
            data = session.data_to_send()
            if data:
                transport.write(data, (wake_ms - now_ms) / 1_000)
            received = transport.read(self._wait_s(wake_ms))
            if received:
                self._received_bytes += len(received)
                session.receive_data(received, self._now_ms())

    def _note(self, ignored: Frame) -> None:
        if ignored.link_id == self.link_id and ignored.message_type < RESPONSE_BIT:
            self._echoed = True

    def _silence(self, waited_ms: int, attempts: int | None = None) -> str:
        tries = "" if attempts is None else f" to {attempts} attempts"
        text = f"no answer{tries} within {waited_ms / 1_000:.1f} s"
        if self._received_bytes:
            text += (
                f"; {self._received_bytes} bytes arrived, and the answer was not among them"
                " (a noisy line, or another device)"
            )
        return text

    def _now_ms(self) -> int:
        return (self._monotonic_ns() - self._origin_ns) // _NS_PER_MS

    def _wait_s(self, until_ms: int) -> float:
        """Seconds until link time *until_ms*, to the nanosecond, so that no wait ends too early."""
        return max(0, self._origin_ns + until_ms * _NS_PER_MS - self._monotonic_ns()) / 1e9
