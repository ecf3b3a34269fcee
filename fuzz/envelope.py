"""The envelope, with frames changed, mended, repeated and turned back."""

from random import Random

from fuzz.mutations import mended, mutated
from pump_protocol.envelope import Envelope
from pump_protocol.errors import NotAuthentic
from pump_protocol.frames import Frame, FrameDecoder

_KEPT = 16


class EnvelopeFuzz:
    """One end that seals and one that opens.

    Only what was sealed, unchanged, and later than all that was opened before, may be opened; a
    frame that is not believed may change nothing, so the next good one is.
    """

    def __init__(self, random: Random) -> None:
        self.last = b""
        self._random = random
        keys = random.randbytes(32), random.randbytes(32)
        self._here = Envelope(sending=keys[0], receiving=keys[1])
        self._there = Envelope(sending=keys[1], receiving=keys[0])
        self._sealed: list[tuple[bytes, bytes]] = []  # frames and their payloads, not yet opened
        self._spent: list[bytes] = []  # frames that must not be believed any more
        self._link_id = random.getrandbits(64)
        self._sequence = 0

    def step(self) -> str:
        """Seal one frame, perhaps, and have one opened that deserves it or does not."""
        random = self._random
        if not self._sealed or random.randrange(2):
            self._seal()
        kind = random.randrange(8)
        if kind < 2:
            return self._open_good()
        if kind == 2 and self._spent:
            return self._refuse(random.choice(self._spent), "repeated")
        if kind == 3:
            theirs = self._there.seal(0x81, self._link_id, self._sequence, random.randbytes(4))
            return self._refuse(theirs, "turned back")
        frame, _ = random.choice(self._sealed)
        changed = mended(mutated(frame, random))
        if changed == frame:
            return "unchanged"
        return self._refuse(changed, "changed")

    def _seal(self) -> None:
        random = self._random
        self._sequence += 1
        payload = random.randbytes(random.choice((0, 0, 1, 8, 40, 611)))
        sealed = self._here.seal(random.randrange(1, 0x80), self._link_id, self._sequence, payload)
        self._sealed.append((sealed, payload))
        if len(self._sealed) > _KEPT:
            self._spent.append(self._sealed.pop(0)[0])  # nobody ever opened it
            self._there.open(_frame(self._sealed[0][0]))
            self._spent.append(self._sealed.pop(0)[0])
            del self._spent[:-_KEPT]

    def _open_good(self) -> str:
        at = self._random.randrange(len(self._sealed))
        self.last, payload = self._sealed[at]
        assert self._there.open(_frame(self.last)) == payload, "another text than was sealed"
        self._spent += [frame for frame, _ in self._sealed[: at + 1]]
        del self._sealed[: at + 1], self._spent[:-_KEPT]
        return "opened"

    def _refuse(self, data: bytes, what: str) -> str:
        self.last = data
        events = FrameDecoder().feed(data)
        for event in events:
            if not isinstance(event, Frame) or not event.sealed:
                continue
            try:
                self._there.open(event)
            except NotAuthentic:
                continue
            raise AssertionError(f"a frame that was {what} was believed")
        return f"{what}: refused"


def _frame(data: bytes) -> Frame:
    (event,) = FrameDecoder().feed(data)
    assert isinstance(event, Frame)
    return event
