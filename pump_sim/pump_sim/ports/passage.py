"""What one frame becomes under one link fault; knows neither other frames nor the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from pump_sim.ports.link_fault import LinkFault, LinkFaultKind

NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Copy:
    """Bytes that go over the wire together, as a frame does, or a copy of it.

    ``wait_ns`` is how long they wait before the first of them goes, and ``distance_ns`` how long
    after the last byte of the first copy that is, whenever that may be; at each of ``gaps``, which
    are (byte, ns) in order, they are cut and pause. With ``bits_per_s`` they are paced. With
    ``merge_ns`` they wait so long for what comes next. With ``ends`` the connection ends after the
    last byte.
    """

    data: bytes
    wait_ns: int = 0
    distance_ns: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    bits_per_s: int | None = None
    merge_ns: int | None = None
    ends: bool = False

    def parts(self) -> list[tuple[int, bytes]]:
        """The chunks, each with the pause before it."""
        places = [0, *(place for place, _ in self.gaps), len(self.data)]
        pauses = [0, *(pause_ns for _, pause_ns in self.gaps)]
        chunks = [self.data[places[n] : places[n + 1]] for n in range(len(pauses))]
        return list(zip(pauses, chunks, strict=True))

    def shortened(self, size: int) -> Copy:
        """Only the first *size* bytes."""
        gaps = tuple((place, pause_ns) for place, pause_ns in self.gaps if place < size)
        return replace(self, data=self.data[:size], gaps=gaps)


Changed = tuple[Copy, str]
"""A copy, and in words what was done to it."""


def apply(fault: LinkFault, copies: list[Copy], random: Random) -> tuple[list[Copy], str]:
    """What *fault* makes of the copies of a frame, and in words what it did.

    Of a frame that does not arrive nothing is left but the end of the connection, if it is to end.
    """
    kind = fault.kind
    if kind is LinkFaultKind.DROP:
        return _ends_of(copies), "drop"
    if kind is LinkFaultKind.SILENCE:
        return _ends_of(copies), f"silence for {_ms(fault.length_ns)}"
    if kind is LinkFaultKind.DUPLICATE:
        wait_ns = copies[0].wait_ns + fault.delay_ns
        later = replace(copies[0], wait_ns=wait_ns, distance_ns=fault.delay_ns)
        return [*copies, later], f"duplicate, {_ms(fault.delay_ns)} later"
    changed = [_CHANGES[kind](copy, fault, random) for copy in copies]
    # Each copy is changed by draws of its own.
    return [copy for copy, _ in changed], "; ".join(dict.fromkeys(what for _, what in changed))


def _ends_of(copies: list[Copy]) -> list[Copy]:
    return [copy.shortened(0) for copy in copies if copy.ends]


def _delay(copy: Copy, fault: LinkFault, _: Random) -> Changed:
    return replace(copy, wait_ns=copy.wait_ns + fault.delay_ns), f"delay by {_ms(fault.delay_ns)}"


def _jitter(copy: Copy, fault: LinkFault, random: Random) -> Changed:
    wait_ns = random.randint(0, fault.delay_ns)
    return replace(copy, wait_ns=copy.wait_ns + wait_ns), f"jitter by {_ms(wait_ns)}"


def _split(copy: Copy, fault: LinkFault, random: Random) -> Changed:
    size = len(copy.data)
    place = fault.at_byte if fault.at_byte is not None else random.randrange(1, max(2, size))
    if not 0 < place < size:
        return copy, "split: too short by now"
    gaps = dict(copy.gaps)
    gaps[place] = gaps.get(place, 0) + fault.delay_ns
    text = f"split at byte {place}, {_ms(fault.delay_ns)} apart"
    return replace(copy, gaps=tuple(sorted(gaps.items()))), text


def _merge(copy: Copy, fault: LinkFault, _: Random) -> Changed:
    return replace(copy, merge_ns=fault.delay_ns), "merge with the next"


def _flip(copy: Copy, fault: LinkFault, random: Random) -> Changed:
    size = len(copy.data)
    if fault.at_byte is None:
        bits = sorted(random.sample(range(8 * size), min(fault.bits, 8 * size)))
    else:
        bits = [8 * fault.at_byte] if fault.at_byte < size else []
    data = bytearray(copy.data)
    for bit in bits:
        data[bit // 8] ^= 1 << bit % 8
    where = ", ".join(f"bit {bit % 8} of byte {bit // 8}" for bit in bits)
    return replace(copy, data=bytes(data)), f"flip {where or 'nothing: too short by now'}"


def _truncate(copy: Copy, fault: LinkFault, random: Random) -> Changed:
    size = len(copy.data)
    kept = fault.at_byte if fault.at_byte is not None else random.randrange(1, max(2, size))
    return copy.shortened(kept), f"truncate to {min(kept, size)} bytes"


def _disconnect(copy: Copy, fault: LinkFault, _: Random) -> Changed:
    kept = min(fault.at_byte or 0, len(copy.data))
    return replace(copy.shortened(kept), ends=True), f"disconnect after {kept} bytes"


def _baud(copy: Copy, fault: LinkFault, _: Random) -> Changed:
    return replace(copy, bits_per_s=fault.bits_per_s), f"baud {fault.bits_per_s}"


_CHANGES: Final[dict[LinkFaultKind, Callable[[Copy, LinkFault, Random], Changed]]] = {
    LinkFaultKind.DELAY: _delay,
    LinkFaultKind.JITTER: _jitter,
    LinkFaultKind.SPLIT: _split,
    LinkFaultKind.MERGE: _merge,
    LinkFaultKind.FLIP: _flip,
    LinkFaultKind.TRUNCATE: _truncate,
    LinkFaultKind.DISCONNECT: _disconnect,
    LinkFaultKind.BAUD: _baud,
}


def _ms(duration_ns: int) -> str:
    whole, rest = divmod(duration_ns, NS_PER_MS)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".") + " ms"
