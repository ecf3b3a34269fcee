"""What somebody who listens at the wire can send: captured frames, as they were or forged.

Nothing is secret on this wire, and a CRC proves nothing about who sent a frame; what the pump makes
of such a frame is what an attack in a scenario shows.
"""

from dataclasses import dataclass, replace

from pump_protocol.codes import INTER_BYTE_TIMEOUT_MS, RESPONSE_BIT, MessageType
from pump_protocol.errors import MalformedPayload
from pump_protocol.frames import Frame, FrameDecoder
from pump_protocol.messages import Refusal
from pump_protocol.payloads import decode_response
from pump_sim.scenario.clinician.visits import Inject, Result, Steps, Unanswered, refused_result
from pump_sim.scenario.file.acts import Attack
from pump_sim.scenario.happenings import Outcome
from pump_sim.texts import spaced


class AttackError(Exception):
    """An attack that cannot begin as the file says; nothing was sent."""


class NothingCaptured(AttackError):
    """No frame of that name was sent so far, or there is no such request."""


class NoSuchBit(AttackError):
    """The payload has no bit of that number."""


@dataclass(slots=True)
class Capture:
    """One frame that the programmer sent, and the first answer to it, if any was heard."""

    frame: Frame
    answer: Frame | None = None


def is_answer(frame: Frame, to: Frame) -> bool:
    """Whether *frame* can be an answer to another one."""
    same = (frame.link_id, frame.sequence) == (to.link_id, to.sequence)
    return same and frame.message_type >= RESPONSE_BIT


class Tap:
    """Hears everything on the programmer's end of the wire and keeps the latest of each type."""

    def __init__(self) -> None:
        self._captures: dict[str, Capture] = {}
        self._decoder = FrameDecoder()
        self._last_byte_ms = 0

    def sent(self, data: bytes) -> None:
        """Keep a whole frame that the programmer sends for the first time."""
        for frame in FrameDecoder().feed(data):
            if isinstance(frame, Frame):
                name = MessageType(frame.message_type).name.lower()
                self._captures[name] = Capture(frame)

    def received(self, data: bytes, link_ms: int) -> list[Frame]:
        """Take what the pump sent, in any pieces; returns the frames that it completes."""
        found = []
        if link_ms - self._last_byte_ms >= INTER_BYTE_TIMEOUT_MS:
            found += self._decoder.expire()
        self._last_byte_ms = link_ms
        found += self._decoder.feed(data)
        frames = [each for each in found if isinstance(each, Frame)]
        for frame in frames:
            for capture in self._captures.values():
                if capture.answer is None and is_answer(frame, capture.frame):
                    capture.answer = frame
        return frames

    def port_lost(self) -> None:
        """The stream broke: drop half a frame."""
        self._decoder.expire()

    def capture(self, act: Attack) -> Capture:
        """The latest frame that an attack names.

        :raises NothingCaptured: there is none.
        """
        capture = self._captures.get(act.message)
        if capture is not None:
            return capture
        known = {each.name.lower() for each in MessageType if each < RESPONSE_BIT}
        why = "was not sent before" if act.message in known else "is no request"
        captured = ", ".join(self._captures) or "nothing"
        raise NothingCaptured(f"message = {act.message!r}: it {why}; captured so far: {captured}")


def attack(act: Attack, capture: Capture) -> Steps[Result]:
    """The steps of an attack with a captured frame.

    :raises NoSuchBit: the payload has no such bit to flip.
    """
    frame = capture.frame
    if act.programmer == "replay":
        return _inject(capture, frame, "sent again")
    bits = 8 * len(frame.payload)
    if act.bit >= bits:
        allowed = f"allowed 0 to {bits - 1}" if bits else "it has no payload"
        raise NoSuchBit(f"bit = {act.bit}: of {act.message}, {allowed}")
    return _inject(capture, forged(frame, act.bit), f"forged in bit {act.bit}")


def forged(frame: Frame, bit: int) -> Frame:
    """The frame with one bit of its payload flipped; as bytes it gets a CRC that is right."""
    payload = bytearray(frame.payload)
    payload[bit // 8] ^= 1 << bit % 8
    return replace(frame, payload=bytes(payload))


def _inject(capture: Capture, frame: Frame, how: str) -> Steps[Result]:
    name = MessageType(frame.message_type).name
    what = f"{spaced(name)} {how}"
    before = capture.answer
    try:
        answer: Frame = yield Inject(frame)
    except Unanswered:
        return Result(Outcome.NO_ANSWER, text=f"{what}: no answer")
    try:
        response = decode_response(answer.message_type, answer.payload)
    except MalformedPayload as error:
        return Result(Outcome.UNKNOWN, text=f"{what}: the answer breaks the protocol: {error}")
    if isinstance(response, Refusal):
        result = refused_result(response)
        return Result(Outcome.REFUSED, result.refused, f"{what}: {result.text}")
    if answer == before:
        return Result(Outcome.DONE, text=f"{what}: answered from memory, as before")
    return Result(Outcome.DONE, text=f"{what}: answered with {spaced(response.message_type.name)}")
