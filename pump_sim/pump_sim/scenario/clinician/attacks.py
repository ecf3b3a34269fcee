"""What somebody who listens at the wire can send: captured frames, as they were or altered.

Who listens has no key. A CRC proves nothing about who sent a frame, and whoever alters one mends
it; what the pump makes of such a frame is what an attack in a scenario shows.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from pump_protocol.codes import (
    COUNTER_BYTES,
    ENVELOPE_BYTES,
    INTER_BYTE_TIMEOUT_MS,
    RESPONSE_BIT,
    MessageType,
)
from pump_protocol.errors import MalformedPayload
from pump_protocol.frames import Frame, FrameDecoder
from pump_protocol.messages import Refusal
from pump_protocol.payloads import decode_response
from pump_sim.scenario.clinician.visits import Inject, Result, Steps, Unanswered, refused_result
from pump_sim.scenario.file.acts import Attack
from pump_sim.scenario.happenings import Outcome
from pump_sim.texts import spaced

_BEGINS: Final = frozenset({MessageType.OPEN_LINK, MessageType.AUTHENTICATE})
"""With what a link begins: sent anew, it is under a link id of its own."""


class AttackError(Exception):
    """An attack that cannot begin as the file says; nothing was sent."""


class NothingCaptured(AttackError):
    """No frame of that name was sent so far, or there is no such request."""


class NoSuchBit(AttackError):
    """The message has no bit of that number."""


@dataclass(slots=True)
class Capture:
    """One frame that the programmer sent, the first answer to it, if any was heard, and the frame
    of that name before it."""

    frame: Frame
    before: Frame | None = None
    answer: Frame | None = None


def is_answer(frame: Frame, to: Frame) -> bool:
    """Whether *frame* can be an answer to another one."""
    same = (frame.link_id, frame.sequence) == (to.link_id, to.sequence)
    return same and frame.message_type >= RESPONSE_BIT


class Tap:
    """Hears everything on the programmer's end of the wire and keeps the latest of each type.

    :ivar last: the latest frame to the pump in the latest link, whoever sent it.
    """

    def __init__(self) -> None:
        self._captures: dict[str, Capture] = {}
        self._decoder = FrameDecoder()
        self._last_byte_ms = 0
        self.last: Frame | None = None

    def sent(self, data: bytes) -> None:
        """Keep a whole frame that the programmer sends for the first time."""
        for frame in FrameDecoder().feed(data):
            if isinstance(frame, Frame):
                name = MessageType(frame.message_type).name.lower()
                known = self._captures.get(name)
                self._captures[name] = Capture(frame, None if known is None else known.frame)
                self.passed(frame)

    def passed(self, frame: Frame) -> None:
        """Take note of a frame to the pump, whoever sent it: it may be the next one of its link."""
        begins = frame.message_type in _BEGINS or self.last is None
        if begins or (self.last is not None and frame.link_id == self.last.link_id):
            self.last = frame

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

    def capture(self, message: str) -> Capture:
        """The latest frame of that name.

        :raises NothingCaptured: there is none.
        """
        capture = self._captures.get(message)
        if capture is not None:
            return capture
        known = {each.name.lower() for each in MessageType if each < RESPONSE_BIT}
        why = "was not sent before" if message in known else "is no request"
        captured = ", ".join(self._captures) or "nothing"
        raise NothingCaptured(f"message = {message!r}: it {why}; captured so far: {captured}")


def attack(act: Attack, tap: Tap, random: Random) -> Steps[Result]:
    """The steps of an attack with what was captured.

    :param random: link ids of an attacker's own are drawn from it.
    :raises AttackError: there is no such frame, or no such bit in it.
    """
    capture = tap.capture(act.message)
    frame, how = _taken(act, capture)
    if act.programmer == "forge":
        frame, how = forged(frame, act.bit, act.message), f"forged in bit {act.bit}"
    if act.fresh:
        frame, how = _renewed(frame, tap.last, random), f"{how}, with a header made anew"
    return _inject(capture, frame, how)


def _taken(act: Attack, capture: Capture) -> tuple[Frame, str]:
    """Which frame is sent, and how that is said."""
    match act.programmer:
        case "reflect":
            if capture.answer is None:
                raise NothingCaptured(f"message = {act.message!r}: no answer to it was heard")
            # As an answer no pump would look at it.
            reflected = replace(capture.answer, message_type=capture.frame.message_type)
            return reflected, "answer sent back"
        case "reorder":
            if capture.before is None:
                raise NothingCaptured(f"message = {act.message!r}: it was sent only once")
            return capture.before, "of before sent after the later one"
        case _:
            return capture.frame, "sent again"


def forged(frame: Frame, bit: int, message: str) -> Frame:
    """The frame with one bit flipped of what it says; as bytes it gets a CRC that is right.

    :raises NoSuchBit: it says less than that.
    """
    start = COUNTER_BYTES if frame.sealed else 0
    bits = 8 * (len(frame.payload) - start)
    if bit >= bits:
        allowed = f"allowed 0 to {bits - 1}" if bits else "it has no payload"
        raise NoSuchBit(f"bit = {bit}: of {message}, {allowed}")
    payload = bytearray(frame.payload)
    payload[start + bit // 8] ^= 1 << bit % 8
    return replace(frame, payload=bytes(payload))


def _renewed(frame: Frame, last: Frame | None, random: Random) -> Frame:
    """The frame as the next one of the latest link; a first one, of a link of its own.

    Everything in a header, and the counter, can be read and reckoned by whoever listens.
    """
    if frame.message_type in _BEGINS:
        return replace(frame, link_id=random.randrange(1, 2**64), sequence=1)
    assert last is not None  # something was captured
    payload = frame.payload
    if frame.sealed and last.sealed and len(last.payload) >= ENVELOPE_BYTES:
        counter = int.from_bytes(last.payload[:COUNTER_BYTES], "little") + 1
        payload = (counter % 2**64).to_bytes(COUNTER_BYTES, "little") + payload[COUNTER_BYTES:]
    sequence = min(last.sequence + 1, 2**32 - 1)
    return replace(frame, link_id=last.link_id, sequence=sequence, payload=payload)


def _inject(capture: Capture, frame: Frame, how: str) -> Steps[Result]:
    name = MessageType(frame.message_type).name
    what = f"{spaced(name)} {how}"
    before = capture.answer
    try:
        answer: Frame = yield Inject(frame)
    except Unanswered:
        return Result(Outcome.NO_ANSWER, text=f"{what}: no answer")
    if answer == before:
        return Result(Outcome.DONE, text=f"{what}: answered from memory, as before")
    if answer.sealed:
        return Result(Outcome.DONE, text=f"{what}: answered with a sealed frame")
    try:
        response = decode_response(answer.message_type, answer.payload)
    except MalformedPayload as error:
        return Result(Outcome.UNKNOWN, text=f"{what}: the answer breaks the protocol: {error}")
    if isinstance(response, Refusal):
        result = refused_result(response)
        return Result(Outcome.REFUSED, result.refused, f"{what}: {result.text}")
    return Result(Outcome.DONE, text=f"{what}: answered with {spaced(response.message_type.name)}")
