"""One direction of a link: what is held, what is under way in order, and until when it is occupied.

Knows no faults: what is to become of a frame it is told as a :class:`.passage.Copy`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from pump_sim.ports.passage import Copy

NS_PER_BYTE_AT_1_BIT_PER_S: Final = 10 * 1_000_000_000
"""A byte is ten bits long: one to start, eight of data, one to stop."""

Piece = tuple[bytes, str | None]
"""A frame with the name of its message, or bytes that are no frame, without a name."""


class Cutter(Protocol):
    """Cuts a stream into frames. All pieces together are the stream."""

    @property
    def patience_ns(self) -> int:
        """How long a half frame may wait for its next byte."""

    @property
    def holds(self) -> bool:
        """Whether a half frame is held."""

    def feed(self, data: bytes) -> list[Piece]:
        """Take the next bytes; return what they complete."""

    def flush(self) -> list[Piece]:
        """Give out what is held: its rest did not come."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A piece, and when the first byte of it was sent."""

    data: bytes
    message: str | None
    began_ns: int


class _Chunk:
    """Bytes that arrive together, or one after the other where they are paced."""

    __slots__ = ("_taken", "bits_per_s", "data", "ends", "merges", "start_ns")

    def __init__(self, data: bytes, start_ns: int, bits_per_s: int | None) -> None:
        self.data = data
        self.start_ns = start_ns
        self.bits_per_s = bits_per_s
        self.ends = False
        self.merges = False
        self._taken = 0

    def _arrives_ns(self, count: int) -> int:
        """When its first *count* bytes have arrived."""
        if self.bits_per_s is None:
            return self.start_ns
        return self.start_ns - (-count * NS_PER_BYTE_AT_1_BIT_PER_S // self.bits_per_s)

    def due_ns(self) -> int:
        """When the next of it arrives."""
        return self._arrives_ns(min(self._taken + 1, len(self.data)))

    def end_ns(self) -> int:
        """When all of it has arrived."""
        return self._arrives_ns(len(self.data))

    def take(self, link_ns: int) -> bytes:
        """What has arrived by *link_ns* and was not taken yet."""
        begin, end = self._taken, len(self.data)
        if self.bits_per_s is not None:
            passed = (link_ns - self.start_ns) * self.bits_per_s // NS_PER_BYTE_AT_1_BIT_PER_S
            end = min(end, passed)
        self._taken = end
        return self.data[begin:end]

    def is_empty(self) -> bool:
        """Whether all of it was taken."""
        return self._taken >= len(self.data)


class Lane:
    """One direction. A serial line: nothing overtakes.

    :ivar patience_ends_ns: when half a frame is held no more, None while none is held.
    :ivar silent_until_ns: before this moment nothing passes.
    :ivar therapy_ms: therapy time when something was last sent.
    """

    def __init__(self, cutter: Cutter) -> None:
        self.patience_ends_ns: int | None = None
        self.silent_until_ns = 0
        self.therapy_ms = 0
        self._cutter = cutter
        self._held: deque[tuple[int, int]] = deque()  # of each chunk: when it was sent, its bytes
        self._chunks: deque[_Chunk] = deque()
        self._free_ns = 0
        self._lag_ns = 0

    # --- Cutting ---------------------------------------------------------------------------------

    def cut(self, data: bytes, link_ns: int) -> list[Sent]:
        """The frames that *data* completes; a half one waits for the rest of it."""
        self._held.append((link_ns, len(data)))
        pieces = self._sent(self._cutter.feed(data))
        held = self._cutter.holds
        self.patience_ends_ns = link_ns + self._cutter.patience_ns if held else None
        return pieces

    def uncut(self) -> list[Sent]:
        """What is held, for there is no reason to hold it any more."""
        self.patience_ends_ns = None
        return self._sent(self._cutter.flush())

    def give_up(self) -> list[Sent]:
        """What is held, for its rest did not come in time."""
        self._lag_ns = self._cutter.patience_ns
        return self.uncut()

    def keep_distance(self, link_ns: int) -> None:
        """Have what is sent now arrive as long after a half frame as it was sent after it.

        The half frame was held for as long as a pause may be that a receiver takes for the end of
        it: unless what follows is as late, the receiver would not notice that pause.
        """
        if self._lag_ns:
            self._free_ns = max(self._free_ns, link_ns + self._lag_ns)
            self._lag_ns = 0

    def _sent(self, pieces: Iterable[Piece]) -> list[Sent]:
        return [Sent(data, message, self._give_out(len(data))) for data, message in pieces]

    def _give_out(self, size: int) -> int:
        """Hold so many bytes no more; when the first of them was sent."""
        began_ns = self._held[0][0]
        while size:
            sent_ns, count = self._held.popleft()
            if count > size:
                self._held.appendleft((sent_ns, count - size))
            size -= min(count, size)
        return began_ns

    # --- Queueing --------------------------------------------------------------------------------

    def queue(self, copies: Iterable[Copy], link_ns: int) -> None:
        """Put what a frame has become behind all that is under way."""
        first_ns = None
        for copy in copies:
            at_ns = link_ns + copy.wait_ns
            if first_ns is not None:
                at_ns = max(at_ns, first_ns + copy.distance_ns)
            self._queue(copy, max(at_ns, self._free_ns))
            first_ns = self._free_ns if first_ns is None else first_ns

    def _queue(self, copy: Copy, at_ns: int) -> None:
        parts = deque(copy.parts())
        last = self._chunks[-1] if self._chunks else None
        completes = False
        if last is not None and last.merges:
            last.merges = False
            completes = at_ns <= last.start_ns
            if completes:
                last.data += parts.popleft()[1]
                last.start_ns = at_ns
                last.bits_per_s = copy.bits_per_s or last.bits_per_s
            at_ns = max(at_ns, last.end_ns())
        for pause_ns, data in parts:
            last = _Chunk(data, at_ns + pause_ns, copy.bits_per_s)
            at_ns = last.end_ns()
            self._chunks.append(last)
        self._free_ns = at_ns
        assert last is not None
        last.ends = copy.ends
        # One that has met another waits for no third: frames that keep coming would never arrive.
        if copy.merge_ns is not None and not copy.ends and not completes:
            last.merges = True
            last.start_ns += copy.merge_ns

    def due_ns(self) -> int | None:
        """When something of this lane is due."""
        arrival_ns = self._chunks[0].due_ns() if self._chunks else None
        if arrival_ns is None or self.patience_ends_ns is None:
            return self.patience_ends_ns if arrival_ns is None else arrival_ns
        return min(arrival_ns, self.patience_ends_ns)

    def take(self, link_ns: int) -> tuple[bytes, bool]:
        """What of the first chunk has arrived, and whether the connection ends after it."""
        chunk = self._chunks[0]
        data = chunk.take(link_ns)
        if not chunk.is_empty():
            return data, False
        self._chunks.popleft()
        return data, chunk.ends

    def lose(self, cutter: Cutter) -> None:
        """Forget all that is under way."""
        self._cutter = cutter
        self._held.clear()
        self._chunks.clear()
        self.patience_ends_ns = None
        self._free_ns = self._lag_ns = 0
