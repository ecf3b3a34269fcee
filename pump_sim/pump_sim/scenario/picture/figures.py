"""The figures of a play: where each value began, its extremes, and where it ended."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pump_protocol import units
from pump_sim.scenario.tracing.trace_lines import LookLine


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, and when it was seen first."""

    value: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One value over a whole play. `key` is its name with its unit, as in a trace."""

    key: str
    name: str
    text: Callable[[int], str]
    first: Reading
    lowest: Reading
    highest: Reading
    last: Reading


def percent(share_ppm: int) -> str:
    """A share with one decimal: the patient is made up."""
    return f"{units.decimal_text(round(share_ppm / 1_000), 10)} %"


_MEASURES: Final[tuple[tuple[str, str, Callable[[int], str]], ...]] = (
    ("actual_volume_nl", "Actual volume", units.format_volume),
    ("believed_volume_nl", "Believed volume", units.format_volume),
    ("actual_rate_nl_per_day", "Actual rate", units.format_rate),
    ("believed_rate_nl_per_day", "Believed rate", units.format_rate),
    ("effect_ppm", "Drug effect", percent),
)


def figures(looks: Sequence[LookLine]) -> Iterator[Figure]:
    """The figures that were seen at all."""
    for key, name, text in _MEASURES:
        seen = [
            Reading(value, each.therapy_ms)
            for each in looks
            if (value := getattr(each, key)) is not None
        ]
        if seen:
            yield Figure(
                key=key,
                name=name,
                text=text,
                first=seen[0],
                lowest=min(seen, key=lambda each: each.value),
                highest=max(seen, key=lambda each: each.value),
                last=seen[-1],
            )
