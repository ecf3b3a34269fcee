"""The way from the reservoir to the tip: a queue of drug, in the order in which it entered.

The path is the pump's inner tubing and the catheter. It is rigid and always full: what the pump
drives into it drives out as much at the tip, at the same moment. So the *flow* at the tip is the
pump's flow at once, and only the *concentration* comes later, after one volume of the path. Drug
does not mix on its way: a boundary between two concentrations stays one (docs/explanation/
patient-model.md says what that leaves out).

Volumes are fine units (hardware/reservoir.py), counted from when the path was joined to the pump:
the drug at the tip is what entered when one path volume less had entered than by now.
"""

from bisect import bisect_right
from dataclasses import dataclass

from pump_sim.model.course import Course
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.units import ceil_div, nearest


@dataclass(frozen=True, slots=True)
class Slug:
    """Drug of one concentration, which began to enter when `from_fine` had entered.

    It goes on up to where the next slug begins. 0 ng/mL is fluid without drug.
    """

    from_fine: int
    concentration_ng_per_ml: int


@dataclass(frozen=True, slots=True)
class Layer:
    """A volume of one concentration that lies in the path."""

    volume_fine: int
    concentration_ng_per_ml: int

    @property
    def volume_nl(self) -> int:
        """Its volume to the nearest nL."""
        return nearest(self.volume_fine, FINE_UNITS_PER_NL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catheter:
    """How much the path holds.

    Whether drug gets through it is the faults' business (`faults.py`). Occluded, nothing leaves the
    reservoir. Disconnected, drug leaves the reservoir and is lost beside the path, whose content
    stands still. Either way nothing enters: the flow history has a piece with the factor 0.
    """

    tubing_nl: int = 140_000
    catheter_nl: int = 200_000

    @property
    def path_nl(self) -> int:
        """What the path holds."""
        return self.tubing_nl + self.catheter_nl

    @property
    def path_fine(self) -> int:
        """What the path holds, in fine units."""
        return self.path_nl * FINE_UNITS_PER_NL

    def slugs(self, concentration_ng_per_ml: int, *, primed: bool = True) -> tuple[Slug, ...]:
        """The queue at the moment when the path is joined to a pump, before anything has entered.

        A primed path is full of the drug; an unprimed one holds fluid without drug.
        """
        content = Slug(-self.path_fine, concentration_ng_per_ml if primed else 0)
        return (content,) if primed else (content, Slug(0, concentration_ng_per_ml))


def concentration_at(slugs: tuple[Slug, ...], position_fine: int) -> int:
    """The concentration of what entered when `position_fine` had entered.

    The first slug reaches back for ever.
    """
    return slugs[slug_index(slugs, position_fine)].concentration_ng_per_ml


def slug_index(slugs: tuple[Slug, ...], position_fine: int) -> int:
    """Which slug entered when `position_fine` had entered."""
    if len(slugs) == 1:
        return 0
    return max(0, bisect_right(slugs, position_fine, key=_from_fine) - 1)


def contents(slugs: tuple[Slug, ...], *, entered_fine: int, path_fine: int) -> tuple[Layer, ...]:
    """What lies in the path when that much has entered: from the tip to the pump, exactly."""
    tip_fine = entered_fine - path_fine
    first = slug_index(slugs, tip_fine)
    layers = []
    for index in range(first, len(slugs)):
        begins = max(tip_fine, slugs[index].from_fine) if index > first else tip_fine
        following = slugs[index + 1].from_fine if index + 1 < len(slugs) else entered_fine
        ends = min(entered_fine, following)
        if ends > begins:
            layers.append(Layer(ends - begins, slugs[index].concentration_ng_per_ml))
    return tuple(layers)


def arrival_ms(course: Course, *, factor_ppm: int, path_fine: int, from_ms: int) -> int | None:
    """When what enters at `from_ms` reaches the tip, if this course goes on undisturbed.

    None if it never does.
    """
    if factor_ppm <= 0:
        return None if path_fine > 0 else from_ms
    return course.first_ms_reaching(ceil_div(path_fine, factor_ppm), from_ms=from_ms)


def _from_fine(slug: Slug) -> int:
    return slug.from_fine
