"""How patient to be with whoever answers at a port; it knows no port and no request."""

from dataclasses import dataclass
from typing import Final

from pump_programmer.values import check_count, check_seconds
from pump_protocol.session import RetryPolicy


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for an answer, and how often to ask for it.

    :ivar response_timeout_ms: how long each sending of a request waits for its answer.
    :ivar attempts: how often a request is sent before giving up.
    :ivar deadline_s: when an exchange ends at the latest, whatever arrives.
    :raises ValueError, TypeError: a value out of its range, or no number.
    """

    response_timeout_ms: int = 500
    attempts: int = 4
    deadline_s: float = 10.0

    def __post_init__(self) -> None:
        check_count("response_timeout_ms", self.response_timeout_ms)
        check_count("attempts", self.attempts)
        check_seconds("deadline_s", self.deadline_s)

    @property
    def deadline_ms(self) -> int:
        """The deadline, to the millisecond."""
        return max(1, round(self.deadline_s * 1_000))

    @property
    def retry(self) -> RetryPolicy:
        """The part of it that a session keeps to."""
        return RetryPolicy(self.response_timeout_ms, self.attempts)


DEFAULT_PATIENCE: Final = Patience()
"""Enough for a pump on the same machine, and for most networks."""
