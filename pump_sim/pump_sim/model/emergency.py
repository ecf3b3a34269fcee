"""What comes of emergency actions, which need no key; why they may be done is not known here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MinimumRateResult:
    """The pump runs at its minimum rate: since when, by which version of the prescription."""

    at_ms: int
    version: int
    rate_nl_per_day: int


@dataclass(frozen=True, slots=True)
class StopResult:
    """The pump is stopped, and calls for help at `stopped_alarm_at_ms` if nobody programs it."""

    at_ms: int
    version: int
    stopped_alarm_at_ms: int
