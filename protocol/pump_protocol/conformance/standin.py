"""The pump's end of the line in the hands of a case: it answers well, until it is told otherwise.

Behind a :class:`StandIn` a good pump carries out what it is asked, and is asked only what the case
lets through. The stand-in has the keys of every link, so it can read what is sealed, and lie in
sealed frames, too. Each answer has a counter of the stand-in's own, and the identical repeat of a
request gets the identical bytes again.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Final, TypeVar

from pump_protocol.codes import RESPONSE_BIT, MessageType
from pump_protocol.conformance.expectations import describe
from pump_protocol.conformance.steps import (
    Ended,
    Play,
    await_end,
    consult,
    now,
    receive,
    send,
    start,
)
from pump_protocol.conformance.tasks import Outcome, ProgrammerSubject
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.envelope import Envelope
from pump_protocol.errors import MalformedPayload, NotAuthentic
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder, frame_bytes
from pump_protocol.handshake import LinkSecrets
from pump_protocol.messages import Refusal, Request, Response
from pump_protocol.payloads import decode_request, decode_response, encode

S = TypeVar("S", bound=Response)

_MOST_FRAMES: Final = 1_000
"""More than any task needs; in virtual time a programmer can go on for ever at once."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A frame of the programmer, and what it asks for.

    :ivar data: the bytes of the frame.
    :ivar request: None where they mean nothing, or are sealed with keys that are not known.
    """

    frame: Frame
    data: bytes
    request: Request[Response] | None


class StandIn:
    """Somebody at the pump's end of a line.

    :param random: what a case does that is drawn by lot.

    :ivar secrets: the keys of the links that were given, for whoever reads the wire.
    :ivar heard: every frame of the programmer so far.
    :ivar carried_out: what the good pump has done so far, with what it answered; no refusals.
    :ivar longest_pause_ms: the longest silence in the middle of a frame of the programmer.
    """

    def __init__(self, subject: ProgrammerSubject, random: Random) -> None:
        self.subject = subject
        self.random = random
        self.secrets: dict[int, list[LinkSecrets]] = {}
        self.heard: list[Heard] = []
        self.carried_out: list[tuple[Heard, Response]] = []
        self.longest_pause_ms = 0
        self._decoder = FrameDecoder()
        self._frames: deque[Frame] = deque()
        self._pumps: dict[int, Envelope] = {}  # opens what the pump says, seals what it is to say
        self._answered: tuple[bytes, bytes] | None = None
        self._until_ms = 0
        self._heard_ms = 0  # when the last bytes came

    # --- The programmer --------------------------------------------------------------------------

    def start(
        self,
        task: str,
        *,
        keyed: bool = True,
        consent: bool | None = None,
        capitals: bool = False,
        **values: str | int,
    ) -> Play[None]:
        """Have the programmer begin with *task*; it has its patience from now on.

        :param keyed: give it the pump's key, if that has keys.
        :param consent: whether its user accepts a pump without keys; None: if it is one.
        :param capitals: the key's text in capitals, with white space around it.
        """
        self._decoder = FrameDecoder()
        self._frames.clear()
        self._until_ms = (yield from now()) + self.subject.patience_ms
        yield from start(task, keyed=keyed, consent=consent, capitals=capitals, **values)

    def hear(self) -> Play[Heard | None]:
        """The next frame of the programmer; None if it ends first.

        :raises Unmet: it sends something that is no request, or goes on for too long in silence.
        """
        while not self._frames:
            left_ms = self._until_ms - (yield from now())
            data = (yield from receive(left_ms)) if left_ms > 0 else b""
            if not data:
                ended = yield from await_end(0)
                if left_ms <= 0 or (ended is not None and ended.code >= 0):
                    self._read(self._decoder.expire())  # nothing follows what it has begun
                    if self._frames:
                        break
                if ended is not None:
                    return None
                if left_ms <= 0:
                    raise Unmet(
                        f"it has neither ended nor asked for anything within"
                        f" {self.subject.patience_ms / 1_000:g} s"
                    )
            at_ms = yield from now()
            if self._decoder.waiting and data:
                self.longest_pause_ms = max(self.longest_pause_ms, at_ms - self._heard_ms)
            self._heard_ms = at_ms
            self.take(data)
        frame = self._frames.popleft()
        heard = Heard(frame, frame.to_bytes(), self._request(frame))
        self.heard.append(heard)
        if len(self.heard) > _MOST_FRAMES:
            raise Unmet(f"it has sent {_MOST_FRAMES} frames, and does not end")
        return heard

    @property
    def unheard(self) -> tuple[Frame, ...]:
        """Frames of the programmer that have come, and were not looked at yet."""
        return tuple(self._frames)

    def take(self, data: bytes) -> None:
        """Take bytes that a case received by itself; :meth:`hear` tells what they were.

        :raises Unmet: they hold something that is no request.
        """
        self._read(self._decoder.feed(data))

    def _read(self, events: Iterable[Frame | CorruptFrame]) -> None:
        for event in events:
            if isinstance(event, CorruptFrame):
                raise Unmet(f"it sent {event.size} bytes that are no frame: {event.reason.value}")
            if event.message_type >= RESPONSE_BIT:
                raise Unmet(f"it sent a response: {describe(event)}")
            self._frames.append(event)

    def _request(self, frame: Frame) -> Request[Response] | None:
        payload = frame.payload
        if frame.sealed:
            for secrets in reversed(self.secrets.get(frame.link_id, [])):
                try:
                    key = secrets.to_pump
                    payload = Envelope(sending=key, receiving=key).open(frame)
                    break
                except NotAuthentic:
                    continue
            else:
                return None
        try:
            return decode_request(frame.message_type, payload)
        except MalformedPayload:
            return None

    def end(self) -> Play[Ended]:
        """How the programmer ends; nothing that it still asks is answered.

        :raises Unmet: it does not, or not by itself.
        """
        left_ms = max(0, self._until_ms - (yield from now()))
        ended = yield from await_end(left_ms)
        if ended is None:
            raise Unmet(f"it had not ended after {self.subject.patience_ms / 1_000:g} s")
        if ended.code < 0:  # says nothing of the task, not even that it failed
            raise Unmet(f"it was ended by signal {-ended.code}")
        return ended

    # --- Answers ---------------------------------------------------------------------------------

    def good_answer(self, heard: Heard) -> Play[bytes]:
        """What a good pump answers, which has carried it out; nothing is sent.

        A request that was heard before has been carried out and gets the same bytes again.
        """
        if self._answered is not None and self._answered[0] == heard.data:
            return self._answered[1]
        consulted = yield from consult(heard.data)
        for link_id, secrets in consulted.secrets.items():
            if secrets not in self.secrets.setdefault(link_id, []):
                self.secrets[link_id].append(secrets)
                self._pumps[link_id] = Envelope(
                    sending=secrets.to_programmer, receiving=secrets.to_programmer
                )
        answer = self._resealed(consulted.answer)
        self._answered = (heard.data, answer)
        if answer:
            response = self.said(heard, answer)
            if not isinstance(response, Refusal):
                self.carried_out.append((heard, response))
        return answer

    def _resealed(self, data: bytes) -> bytes:
        """An answer of the good pump under the stand-in's own counter, if it is sealed."""
        frame = _only_frame(data)
        if frame is None or not frame.sealed:
            return data
        # A repeat of an older request is answered with bytes that were opened before.
        key = self.secrets[frame.link_id][-1].to_programmer
        payload = Envelope(sending=key, receiving=key).open(frame)
        return self._pumps[frame.link_id].seal(
            frame.message_type, frame.link_id, frame.sequence, payload
        )

    def answer(self, heard: Heard) -> Play[None]:
        """Answer as a good pump does."""
        yield from send((yield from self.good_answer(heard)))

    def say(self, heard: Heard, response: Response) -> bytes:
        """*response* as the answer to a request: sealed if that was."""
        return self.say_raw(heard, response.message_type, encode(response))

    def say_raw(
        self,
        heard: Heard,
        message_type: int,
        payload: bytes,
        *,
        link_id: int | None = None,
        sequence: int | None = None,
    ) -> bytes:
        """A frame as the answer to a request, sealed if that was, whatever it says.

        :param link_id: another one in its header.
        :param sequence: another one in its header.
        """
        frame = heard.frame
        under = frame.link_id if link_id is None else link_id
        number = frame.sequence if sequence is None else sequence
        if not frame.sealed:
            return frame_bytes(message_type, under, number, payload)
        envelope = self._pumps.get(frame.link_id)
        if envelope is None:
            raise Unmet(f"{describe(frame)} belongs to no handshake")
        return envelope.seal(message_type, under, number, payload)

    def lie(
        self, heard: Heard, response_class: type[S], change: Callable[[S], Response]
    ) -> Play[bytes]:
        """What a good pump answers, which has carried it out, with something *changed*.

        :raises Unmet: it answers otherwise; then the programmer has asked for something else.
        """
        truth = self.said(heard, (yield from self.good_answer(heard)))
        if not isinstance(truth, response_class):
            raise Unmet(f"it asked for something that a good pump answers with {truth}")
        return self.say(heard, change(truth))

    def said(self, heard: Heard, answer: bytes) -> Response:
        """What an answer to *heard* says, that this stand-in made."""
        frame = _only_frame(answer)
        assert frame is not None
        payload = frame.payload
        if heard.frame.sealed and frame.sealed:
            key = self.secrets[frame.link_id][-1].to_programmer
            payload = Envelope(sending=key, receiving=key).open(frame)
        return decode_response(frame.message_type, payload)

    # --- Serving ---------------------------------------------------------------------------------

    def serve(self, until: Iterable[MessageType] = ()) -> Play[Heard | None]:
        """Answer well until the programmer sends a request of one of these types, which is not
        answered; None if it ends before."""
        wanted = frozenset(until)
        while True:
            heard = yield from self.hear()
            if heard is None or heard.frame.message_type in wanted:
                return heard
            yield from self.answer(heard)

    def serve_until(self, *until: MessageType) -> Play[Heard]:
        """As :meth:`serve`; the programmer must come to it.

        :raises Unmet: it ends before.
        """
        heard = yield from self.serve(until)
        if heard is None:
            ended = yield from self.end()
            names = " or ".join(each.name for each in until)
            raise Unmet(
                f"it ended with {self.subject.outcome(ended.code)} (exit code {ended.code}) before"
                f" it sent {names}"
            )
        return heard

    def serve_to_end(self) -> Play[Outcome]:
        """Answer well until the programmer ends; what it says then."""
        yield from self.serve()
        ended = yield from self.end()
        return self.subject.outcome(ended.code)


def _only_frame(data: bytes) -> Frame | None:
    events = FrameDecoder().feed(data)
    return events[0] if len(events) == 1 and isinstance(events[0], Frame) else None
