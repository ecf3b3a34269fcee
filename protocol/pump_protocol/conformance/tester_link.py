"""One link in the hands of a case, plain or sealed, and the handshake that may come before it.

Each request has the next number unless the case wants another. What is sent, and how long is waited
for an answer, is its tester's business.
"""

from typing import TYPE_CHECKING, TypeVar

from pump_protocol.codes import (
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.conformance.expectations import (
    accepted,
    check_address,
    describe,
    expect,
    plain_response,
    refused,
    response_of,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.envelope import Envelope
from pump_protocol.errors import HandshakeFailed, NotAuthentic
from pump_protocol.frames import Frame, frame_bytes
from pump_protocol.handshake import Initiator, identity_digest, prologue
from pump_protocol.keys import Key
from pump_protocol.messages import (
    Authenticate,
    Authenticated,
    LinkOpened,
    Reason,
    Request,
    Response,
)
from pump_protocol.payloads import encode

if TYPE_CHECKING:
    from pump_protocol.conformance.tester import Tester

R = TypeVar("R", bound=Response)


class Handshake:
    """One handshake, as far as the frame that begins it."""

    def __init__(self, tester: "Tester", key: Key, link_id: int, *, sequence: int = 1) -> None:
        self._tester = tester
        self._key = key
        self.link_id = link_id
        self.sequence = sequence
        bound = prologue(link_id, key.key_id, key.role, identity_digest(tester.identity))
        self._initiator = Initiator(key, bound, tester.entropy)
        self.request = Authenticate(key.key_id, key.role, self._initiator.message)

    @property
    def frame(self) -> bytes:
        """The frame that begins it."""
        return frame_bytes(
            MessageType.AUTHENTICATE, self.link_id, self.sequence, encode(self.request)
        )

    def finish(self, answer: Frame) -> "TesterLink":
        """The link that can be opened now.

        :raises Unmet: the answer is another one, or no proof.
        """
        response = plain_response(answer, self.link_id, self.sequence)
        authenticated = accepted(self.request, response)
        assert isinstance(authenticated, Authenticated)
        try:
            secrets = self._initiator.finish(authenticated.handshake)
        except HandshakeFailed:
            raise Unmet("the pump did not prove in the handshake that it holds the key") from None
        self._tester.secrets.setdefault(self.link_id, []).append(secrets)
        envelope = Envelope(sending=secrets.to_pump, receiving=secrets.to_programmer)
        return TesterLink(self._tester, self.link_id, self._key, envelope, sequence=self.sequence)


class TesterLink:
    """One link of a tester.

    :ivar sequence: the number of the last request.
    :ivar opened: how the pump opened it.
    """

    def __init__(
        self,
        tester: "Tester",
        link_id: int,
        key: Key | None = None,
        envelope: Envelope | None = None,
        *,
        sequence: int = 0,
    ) -> None:
        self.tester = tester
        self.link_id = link_id
        self.key = key
        self.envelope = envelope
        self.sequence = sequence
        self.opened = LinkOpened(0, 0, 0, 0)

    @property
    def next_order(self) -> int:
        """The first order number that is free, as of the opening of the link."""
        return self.opened.last_order_number + 1

    def frame(self, request: Request[Response], *, sequence: int | None = None) -> bytes:
        """The frame of *request*, under the next number if no other is wanted."""
        return self.raw(request.message_type, encode(request), sequence=sequence)

    def raw(self, message_type: int, payload: bytes, *, sequence: int | None = None) -> bytes:
        """A frame of any type with any payload, as :meth:`frame`."""
        self.sequence = self.sequence + 1 if sequence is None else sequence
        if self.envelope is None:
            return frame_bytes(message_type, self.link_id, self.sequence, payload)
        return self.envelope.seal(message_type, self.link_id, self.sequence, payload)

    def exchange(self, data: bytes) -> Play[Response]:
        """Send a frame that :meth:`frame` or :meth:`raw` made last; what the pump says to it.

        :raises Unmet: nothing, something that is no answer to it, or not sealed as it was.
        """
        frame = yield from self.tester.exchange(data)
        return self.read(frame)

    def read(self, frame: Frame, *, sequence: int | None = None) -> Response:
        """What a frame says, which answers the request of that number, the last one if none is
        given.

        :raises Unmet: it is no such answer, or not sealed as the request was.
        """
        expected = self.sequence if sequence is None else sequence
        if self.envelope is None:
            return plain_response(frame, self.link_id, expected)
        if not frame.sealed:
            raise Unmet(f"a sealed request was answered in plain: {describe(frame)}")
        check_address(frame, self.link_id, expected)
        try:
            payload = self.envelope.open(frame)
        except NotAuthentic as error:
            raise Unmet(f"the sealed answer cannot be believed: {error}") from None
        return response_of(frame.message_type, payload)

    def ask(self, request: Request[R], *, sequence: int | None = None) -> Play[R]:
        """The response to *request*.

        :raises Unmet: it is refused, or answered otherwise.
        """
        response = yield from self.exchange(self.frame(request, sequence=sequence))
        return accepted(request, response)

    def refused(
        self,
        request: Request[Response],
        code: RefusalCode,
        field: Field | None = None,
        *,
        sequence: int | None = None,
    ) -> Play[Reason]:
        """The reason for which *request* is refused; there may be others beside it.

        :raises Unmet: it is not refused, or not for that.
        """
        response = yield from self.exchange(self.frame(request, sequence=sequence))
        return refused(response, request.message_type, code, field)

    def refused_raw(
        self, message_type: int, payload: bytes, code: RefusalCode, field: Field | None = None
    ) -> Play[Reason]:
        """As :meth:`refused`, of any type and payload."""
        response = yield from self.exchange(self.raw(message_type, payload))
        return refused(response, message_type, code, field)

    def repeated(self, data: bytes, answer: Frame) -> Play[None]:
        """Send the identical bytes of the last request again: the identical bytes answer.

        :raises Unmet: others do.
        """
        again = yield from self.tester.exchange(data)
        expect(again == answer, f"the repeat was answered otherwise, with {describe(again)}")
