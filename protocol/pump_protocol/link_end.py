"""What both ends of a link have: a state, an id, events to tell and bytes to send.

It knows neither frames' meanings nor whose turn it is.
"""

from abc import ABC, abstractmethod
from collections import deque

from pump_protocol import events as ev
from pump_protocol.frames import Frame
from pump_protocol.states import LINK_TRANSITIONS, LinkState, LinkTrigger


class LinkEnd(ABC):
    """One end of a link.

    :ivar link_id: the link id of the open or last link, or the one to be opened; 0 before any.
    :ivar link_state: whether the link is open.
    :ivar events: what the owner is to be told, in order.
    :ivar outgoing: frames that are due.
    """

    def __init__(self, link_id: int = 0) -> None:
        self.link_id = link_id
        self.link_state = LinkState.CLOSED
        self.events: deque[ev.Event] = deque()
        self.outgoing: list[bytes] = []
        self._now_ms = 0

    def advance(self, now_ms: int) -> None:
        """It is *now_ms* by now, and never earlier again."""
        self._now_ms = now_ms

    @abstractmethod
    def judge(self, frame: Frame) -> None:
        """Take a frame that arrived whole."""

    @abstractmethod
    def next_timeout(self) -> int | None:
        """When :meth:`handle_timeout` wants to be called, in ms of link time, or None."""

    @abstractmethod
    def handle_timeout(self) -> None:
        """Do what is due by now."""

    def _ignore(self, frame: Frame, why: str) -> None:
        self.events.append(ev.FrameIgnored(frame, why))

    def _end_link(self, cause: LinkTrigger) -> None:
        self._move_link(cause)
        self.events.append(ev.LinkEnded(self.link_id, cause))

    def _move_link(self, trigger: LinkTrigger) -> None:
        self.link_state = LINK_TRANSITIONS[self.link_state, trigger]
