"""The frame decoder, fed with streams of good, changed and mended frames and of noise."""

from random import Random

from fuzz.mutations import mended, mutated, split
from pump_protocol.codes import ENVELOPE_BYTES, MAX_FRAME_BYTES, MAX_PAYLOAD_BYTES, SEALED_BIT
from pump_protocol.frames import CorruptFrame, Frame, FrameDecoder


class DecoderFuzz:
    """One decoder for whole streams and one for the same in pieces.

    Each input must give the same events in whatever pieces it comes; every byte must be in one
    event or held; every frame must stand in the stream as the decoder tells it; what is held must
    be less than the longest frame.
    """

    def __init__(self, random: Random) -> None:
        self.last = b""
        self._random = random
        self._whole, self._pieces = FrameDecoder(), FrameDecoder()
        self._told: list[Frame | CorruptFrame] = []
        self._stream = b""

    def step(self) -> str:
        """Feed one stream of one to three frames or runs of noise."""
        random = self._random
        self.last = data = b"".join(_part(random) for _ in range(random.choice((1, 1, 2, 3))))
        events = self._whole.feed(data)
        in_pieces = [event for piece in split(data, random) for event in self._pieces.feed(piece)]
        self._stream += data
        if not random.randrange(8):
            events += self._whole.expire()
            in_pieces += self._pieces.expire()
            assert not self._whole.held_bytes, "a silence leaves nothing held"
        assert events == in_pieces, "the same bytes in other pieces gave other events"
        assert self._whole.held_bytes <= MAX_FRAME_BYTES, "more is held than the longest frame"
        self._told += events
        if not self._whole.waiting:
            self._account()
        frames = sum(isinstance(event, Frame) for event in events)
        return f"{min(frames, 3)} frames"

    def _account(self) -> None:
        """Nothing is held: all bytes since the last time are in the events, in their order."""
        at = 0
        for event in self._told:
            if isinstance(event, CorruptFrame):
                at += event.size
                continue
            frame = event.to_bytes()
            assert self._stream.startswith(frame, at), "a frame that is not in the stream"
            at += len(frame)
        assert at == len(self._stream), "bytes that no event tells of"
        self._told.clear()
        self._stream = b""


def _part(random: Random) -> bytes:
    kind = random.randrange(8)
    if kind == 0:
        return random.randbytes(random.randrange(1, 40))
    sealed = SEALED_BIT * random.randrange(2)
    longest = MAX_PAYLOAD_BYTES + (ENVELOPE_BYTES if sealed else 0)
    size = random.choice((0, 1, 8, 24, 60, random.randrange(longest + 1), longest))
    frame = Frame(
        random.randrange(256),
        random.getrandbits(64),
        random.getrandbits(32),
        random.randbytes(size),
        1 | sealed if random.randrange(8) else random.randrange(256) & 0x7F | sealed,
    ).to_bytes()
    if kind < 4:
        return frame
    return mutated(frame, random) if kind < 7 else mended(mutated(frame, random))
