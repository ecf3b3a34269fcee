"""A link that goes wrong, without I/O: bytes and link time in, what arrives and when out.

Knows no frames: a cutter, which it is given, cuts the stream into them and names their messages.
The timers and the port are :mod:`.impaired`'s.

Theory of operation. Each direction is a *lane*. What is sent into it is cut into whole frames, and
each frame meets the faults in the order in which they were added; each fault that strikes changes
what becomes of it. Then it queues: a lane is a serial line, nothing overtakes. Bytes that are no
frame pass like one, without a name; a half frame is held until its rest comes, or until the cutter
has lost patience with it.

A lane on which there is no fault does not cut at all: bytes pass as they come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from pump_sim.ports.lane import Cutter, Lane, Piece, Sent
from pump_sim.ports.link_fault import Direction, LinkFault, LinkFaultKind
from pump_sim.ports.passage import Copy, apply

__all__ = [
    "Cutter",
    "Delivery",
    "Direction",
    "Impairment",
    "LinkFault",
    "LinkFaultKind",
    "Observer",
    "Piece",
]

_TAKING_ALL: Final = frozenset({LinkFaultKind.DROP, LinkFaultKind.SILENCE})
"""No byte of the frame is left behind these."""

Observer = Callable[[bool, str, bytes], None]
"""Told whether it went to the pump, what a fault did, and to which bytes, as they were sent."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What arrives as one chunk; with ``disconnect`` the connection ends after it.

    ``data`` may be empty only then.
    """

    to_pump: bool
    data: bytes
    disconnect: bool = False


class Impairment:
    """The faults of one link, and what is under way on it.

    Link time is in ns from any origin and never goes back. Therapy time is only looked at.

    :param seed: each fault has random numbers of its own, which follow from this and from what the
        fault is: other faults change nothing about them.
    :param cutter_factory: makes the cutter of one direction.
    :param observe: told of everything that a fault does, at the moment of sending.
    """

    def __init__(
        self,
        seed: int | str,
        cutter_factory: Callable[[], Cutter],
        observe: Observer = lambda *_: None,
    ) -> None:
        self._seed = seed
        self._cutter_factory = cutter_factory
        self._observe = observe
        self._acting: list[_Acting] = []
        self._twins: dict[str, int] = {}
        self._lanes = {each: Lane(cutter_factory()) for each in Direction}

    @property
    def faults(self) -> tuple[LinkFault, ...]:
        """The faults on the link, in the order in which they act."""
        return tuple(acting.fault for acting in self._acting)

    def add(self, fault: LinkFault) -> None:
        """Put a fault on the link, behind those that are there."""
        identity = fault.identity
        twin = self._twins[identity] = self._twins.get(identity, -1) + 1
        self._acting.append(_Acting(fault, Random(f"{self._seed}:{identity}:{twin}")))  # noqa: S311

    def clear(self) -> None:
        """Take all faults off the link. What is under way arrives as it would have."""
        self._acting.clear()
        for lane in self._lanes.values():
            lane.silent_until_ns = 0

    def connection_lost(self) -> None:
        """The connection is gone, and with it all that is under way. The faults stay."""
        for lane in self._lanes.values():
            lane.lose(self._cutter_factory())

    def send(self, to_pump: bool, data: bytes, *, link_ns: int, therapy_ms: int) -> None:
        """Bytes that one side sends now, at least one; :meth:`take` says what of them arrives."""
        direction = Direction.TO_PUMP if to_pump else Direction.TO_PROGRAMMER
        lane = self._lanes[direction]
        if lane.patience_ends_ns is not None and lane.patience_ends_ns <= link_ns:
            self._lose_patience(direction)
        lane.therapy_ms = therapy_ms
        lane.keep_distance(link_ns)
        if any(acting.fault.goes(direction) for acting in self._acting):
            pieces = lane.cut(data, link_ns)
        else:
            pieces = [*lane.uncut(), Sent(data, None, link_ns)]
        for piece in pieces:
            self._pass(direction, piece, link_ns)

    def due_ns(self) -> int | None:
        """When :meth:`take` has something next, None if nothing is under way."""
        dues = (lane.due_ns() for lane in self._lanes.values())
        return min((due_ns for due_ns in dues if due_ns is not None), default=None)

    def take(self, link_ns: int) -> list[Delivery]:
        """All that arrives until *link_ns* and was not taken yet, in order of time."""
        taken: list[Delivery] = []
        while (direction := self._next_until(link_ns)) is not None:
            lane = self._lanes[direction]
            if lane.patience_ends_ns is not None and lane.patience_ends_ns == lane.due_ns():
                self._lose_patience(direction)
                continue
            data, ends = lane.take(link_ns)
            taken.append(Delivery(direction is Direction.TO_PUMP, data, ends))
            if ends:
                self.connection_lost()
        return taken

    def _next_until(self, link_ns: int) -> Direction | None:
        due = [
            (due_ns, direction)
            for direction, lane in self._lanes.items()
            if (due_ns := lane.due_ns()) is not None and due_ns <= link_ns
        ]
        return min(due, key=lambda each: each[0])[1] if due else None

    def _lose_patience(self, direction: Direction) -> None:
        lane = self._lanes[direction]
        at_ns = lane.patience_ends_ns
        assert at_ns is not None
        for piece in lane.give_up():
            self._pass(direction, piece, at_ns)

    def _pass(self, direction: Direction, piece: Sent, link_ns: int) -> None:
        """Let one frame meet the faults, and queue what becomes of it."""
        lane = self._lanes[direction]
        to_pump = direction is Direction.TO_PUMP
        data = piece.data
        if piece.began_ns < lane.silent_until_ns:
            self._observe(to_pump, "silence", data)
            return
        copies = [Copy(data)]
        for acting in self._acting:
            fault = acting.fault
            if not (fault.goes(direction) and fault.is_about(piece.message, len(data))):
                continue
            if not (fault.is_on(link_ns, lane.therapy_ms) and acting.strikes()):
                continue
            copies, what = apply(fault, copies, acting.random)
            copies = [copy for copy in copies if copy.data or copy.ends]
            self._observe(to_pump, what, data)
            if fault.kind is LinkFaultKind.SILENCE:
                lane.silent_until_ns = link_ns + fault.length_ns
            if not copies or fault.kind in _TAKING_ALL:
                break
        lane.queue(copies, link_ns)


class _Acting:
    """A fault on a link: how often it struck, and its random numbers."""

    __slots__ = ("_left", "_spared", "fault", "random")

    def __init__(self, fault: LinkFault, random: Random) -> None:
        self.fault = fault
        self.random = random
        self._left = fault.count
        self._spared = fault.skip

    def strikes(self) -> bool:
        """Whether it strikes a frame that it is about; each call is one such frame."""
        if self._left == 0 or not self.random.randrange(1_000_000) < self.fault.probability_ppm:
            return False
        if self._spared:
            self._spared -= 1
            return False
        if self._left is not None:
            self._left -= 1
        return True
