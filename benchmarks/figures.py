"""What a measurement gives: a figure, its target, and whether it was met."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. ``at_most`` or ``at_least`` is its target; neither is information."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """``pass``, ``FALL SHORT``, or nothing where there is no target."""
        if self.at_most is None and self.at_least is None:
            return ""
        low = self.at_least is None or self.value >= self.at_least
        high = self.at_most is None or self.value <= self.at_most
        return "pass" if low and high else "FALL SHORT"

    @property
    def target(self) -> str:
        """The target in words."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return "" if self.at_least is None else f"at least {self.at_least:g}"


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text."""
    heading = f"{'figure':54} {'measured':>12}  {'unit':10} {'target':14} verdict"
    return "\n".join([heading, *map(_line, figures)])


def _line(figure: Figure) -> str:
    return (
        f"{figure.name:54} {figure.value:12.3f}  {figure.unit:10} {figure.target:14}"
        f" {figure.verdict:10} {figure.note}"
    ).rstrip()


def percentile(samples: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
