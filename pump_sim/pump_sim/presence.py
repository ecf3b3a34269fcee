"""What a pump senses of whoever is at its patient: how near, and whether they mean it.

A simulated programming head is within reach of the pump or not, and lies on it or not; its button
is pressed while it lies there, and counts as physical intent for a while of link time. It knows
neither keys nor what any of that is needed for.
"""

from pump_protocol.codes import INTENT_LIMIT_MS


class Presence:
    """The programming head and its button; set by the harness, read by the pump.

    What lies on the pump is within reach, and what is out of reach does not lie on it.
    """

    def __init__(self) -> None:
        self._in_reach = True
        self._on_pump = False
        self._visits = 0
        self._pressed: tuple[int, int] | None = None  # in which visit, and until when it counts

    @property
    def in_reach(self) -> bool:
        """Whether the head is so near that pump and programmer hear each other."""
        return self._in_reach

    @in_reach.setter
    def in_reach(self, in_reach: bool) -> None:
        self._in_reach = in_reach
        self._on_pump = self._on_pump and in_reach

    @property
    def on_pump(self) -> bool:
        """Whether the head lies on the pump: this is proximity."""
        return self._on_pump

    @on_pump.setter
    def on_pump(self, on_pump: bool) -> None:
        if on_pump:
            self._in_reach = True
            self._visits += not self._on_pump
        self._on_pump = on_pump

    def visit(self) -> int | None:
        """The number of times that the head was laid on the pump; None while it is off."""
        return self._visits if self._on_pump else None

    def press(self, link_ms: int) -> None:
        """Somebody presses the button at link time *link_ms*: nothing, unless the head lies on the
        pump."""
        if self._on_pump:
            self._pressed = self._visits, link_ms + INTENT_LIMIT_MS

    def intends(self, link_ms: int) -> bool:
        """Whether the button was pressed in this visit, and so recently that it counts."""
        if self._pressed is None:
            return False
        visit, until_ms = self._pressed
        return visit == self.visit() and link_ms < until_ms
