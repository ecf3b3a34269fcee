"""What time it is for the therapy, given the time on the link; it moves nothing, it never sleeps.

Link time, in ns, is always an argument: monotonic in `serve`, a number of the test's own elsewhere.
Everything is whole-number arithmetic, so a clock at a steady speed does not drift, ever.
"""

from typing import Protocol

NS_PER_MS = 1_000_000


class Ratio(Protocol):
    """A speed: an int, a Fraction, a float."""

    def as_integer_ratio(self) -> tuple[int, int]:
        """The same number as numerator and positive denominator."""
        ...


class Clock(Protocol):
    """Therapy time as a function of link time."""

    def therapy_ms(self, link_ns: int) -> int:
        """Therapy time at a moment of link time, in whole ms, rounded down."""
        ...

    def link_ns_at(self, therapy_ms: int) -> int | None:
        """The first moment of link time at which it will be `therapy_ms`; None if never."""
        ...

    def jump(self, therapy_ms: int, link_ns: int) -> None:
        """Make it `therapy_ms` at once. Raises ValueError if that lies in the past."""
        ...


class ManualClock:
    """A clock that stands still until somebody moves it: for tests and for playing scenarios."""

    def __init__(self, therapy_ms: int = 0) -> None:
        self._therapy_ms = therapy_ms

    def therapy_ms(self, link_ns: int) -> int:  # noqa: ARG002 - link time does not move this clock
        """Where the clock was last put."""
        return self._therapy_ms

    def link_ns_at(self, therapy_ms: int) -> int | None:  # noqa: ARG002
        """None: link time never moves this clock."""
        return None

    def jump(self, therapy_ms: int, link_ns: int = 0) -> None:  # noqa: ARG002
        """Make it `therapy_ms`. Raises ValueError if that lies in the past."""
        if therapy_ms < self._therapy_ms:
            raise ValueError(f"therapy_ms = {therapy_ms}: it is already {self._therapy_ms}")
        self._therapy_ms = therapy_ms


class PacedClock:
    """A clock that runs `speed` times as fast as link time; 0 pauses it.

    A change of speed leaves the time as it is. It costs less than one nanosecond of therapy time,
    the part that does not make a whole one; between changes nothing is lost.
    """

    def __init__(self, speed: Ratio = 1, *, therapy_ms: int = 0, link_ns: int = 0) -> None:
        self._base_therapy_ns = therapy_ms * NS_PER_MS
        self._base_link_ns = link_ns
        self._numerator, self._denominator = _checked(speed)

    @property
    def speed(self) -> tuple[int, int]:
        """Therapy time per link time, as numerator and denominator."""
        return self._numerator, self._denominator

    def _therapy_ns(self, link_ns: int) -> int:
        # Link time before the last change would show a speed that was not in force then.
        elapsed_ns = max(0, link_ns - self._base_link_ns)
        return self._base_therapy_ns + elapsed_ns * self._numerator // self._denominator

    def therapy_ms(self, link_ns: int) -> int:
        """Therapy time at a moment of link time, in whole ms, rounded down."""
        return self._therapy_ns(link_ns) // NS_PER_MS

    def link_ns_at(self, therapy_ms: int) -> int | None:
        """The first moment of link time at which it will be `therapy_ms`, or the last change of
        the clock if it was so already; None if the clock is paused before that.
        """
        ahead_ns = therapy_ms * NS_PER_MS - self._base_therapy_ns
        if ahead_ns <= 0:
            return self._base_link_ns
        if self._numerator == 0:
            return None
        return self._base_link_ns - (-ahead_ns * self._denominator // self._numerator)

    def set_speed(self, speed: Ratio, link_ns: int) -> None:
        """Run at another speed from now on. Raises ValueError for a negative one."""
        numerator, denominator = _checked(speed)
        self._rebase(self._therapy_ns(link_ns), link_ns)
        self._numerator, self._denominator = numerator, denominator

    def jump(self, therapy_ms: int, link_ns: int) -> None:
        """Make it `therapy_ms` now. Raises ValueError if that lies in the past."""
        now_ms = self.therapy_ms(link_ns)
        if therapy_ms < now_ms:
            raise ValueError(f"therapy_ms = {therapy_ms}: it is already {now_ms}")
        # A jump to the present must not take back the part of a millisecond that has passed.
        self._rebase(max(therapy_ms * NS_PER_MS, self._therapy_ns(link_ns)), link_ns)

    def _rebase(self, therapy_ns: int, link_ns: int) -> None:
        self._base_therapy_ns = therapy_ns
        self._base_link_ns = max(link_ns, self._base_link_ns)


def _checked(speed: Ratio) -> tuple[int, int]:
    numerator, denominator = speed.as_integer_ratio()
    if numerator < 0:
        raise ValueError(f"speed = {speed}: allowed are 0 (paused) and above")
    return numerator, denominator
