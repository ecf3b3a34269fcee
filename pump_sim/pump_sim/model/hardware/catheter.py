"""The way from the reservoir to the tip: a queue of drug, in the order in which it entered.

The path is the pump's inner tubing and the catheter. It is rigid and always full: what the pump
drives into it drives out as much at the tip, at the same moment. So the *flow* at the tip is the
pump's flow at once, and only the *concentration* comes later, after one volume of the path. Drug
does not mix on its way: a boundary between two concentrations stays one (docs/explanation/
patient-model.md says what that leaves out).

Volumes are fine units (hardware/reservoir.py), counted from when the path was joined to the pump:
the drug at the tip is what entered when one path volume less had entered than by now. What is
injected through the access port, between tubing and catheter, counts as having entered there.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL


@dataclass(frozen=True, slots=True)
class Slug:
    """Drug of one concentration, which began to enter when `from_fine` had entered.

    It goes on up to where the next slug begins. 0 ng/mL is fluid without drug.
    """

    from_fine: int
    concentration_ng_per_ml: int


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
    def tubing_fine(self) -> int:
        """What lies between the reservoir and the access port, in fine units."""
        return self.tubing_nl * FINE_UNITS_PER_NL

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


def mass_between(slugs: tuple[Slug, ...], from_fine: int, to_fine: int) -> int:
    """The drug that entered between two positions, in fine units times ng/mL, exactly."""
    mass, end_fine = 0, to_fine
    for index in range(slug_index(slugs, to_fine), slug_index(slugs, from_fine) - 1, -1):
        slug = slugs[index]
        begin_fine = max(from_fine, slug.from_fine) if index else from_fine
        mass += (end_fine - begin_fine) * slug.concentration_ng_per_ml
        end_fine = begin_fine
    return mass


def spliced(
    slugs: tuple[Slug, ...], from_fine: int, to_fine: int, layers: Iterable[tuple[int, int]]
) -> tuple[Slug, ...]:
    """The queue with other drug in place of what lies between two positions.

    `layers` are volumes in fine units with their concentrations, the first one nearest to the tip.
    What entered after `to_fine` makes room, or closes up.
    """
    follows = concentration_at(slugs, to_fine)
    queue = [each for each in slugs if each.from_fine < from_fine]
    place_fine = from_fine
    for volume_fine, concentration_ng_per_ml in layers:
        if volume_fine:
            queue.append(Slug(place_fine, concentration_ng_per_ml))
        place_fine += volume_fine
    queue.append(Slug(place_fine, follows))
    moved_fine = place_fine - to_fine
    queue += [
        Slug(each.from_fine + moved_fine, each.concentration_ng_per_ml)
        for each in slugs
        if each.from_fine > to_fine
    ]
    return merged(queue)


def merged(queue: Iterable[Slug]) -> tuple[Slug, ...]:
    """Slugs in order, each of another concentration than the one before; of one place the last."""
    slugs: list[Slug] = []
    for each in queue:
        if slugs and slugs[-1].from_fine == each.from_fine:
            slugs.pop()
        if not slugs or slugs[-1].concentration_ng_per_ml != each.concentration_ng_per_ml:
            slugs.append(each)
    return tuple(slugs)


def _from_fine(slug: Slug) -> int:
    return slug.from_fine
