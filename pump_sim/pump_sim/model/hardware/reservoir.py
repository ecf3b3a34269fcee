"""The reservoir as it physically is; the pump has no sensor for any of this."""

from dataclasses import dataclass, replace

from pump_sim.model.units import PPM, UNITS_PER_NL, nearest

FINE_UNITS_PER_NL = UNITS_PER_NL * PPM
"""Ledger units in millionths, so that a flow factor in whole ppm multiplies without rounding."""


@dataclass(frozen=True, slots=True)
class Reservoir:
    """Usable drug, in fine units: filled = delivered + lost + withdrawn + left, exactly.

    *Lost* is what left the pump and did not get into the catheter. The residual volume below the
    usable one cannot be drawn out or delivered, and mixes with the next fill unless rinsed.
    """

    concentration_ng_per_ml: int
    residual_nl: int
    filled: int = 0
    delivered: int = 0
    lost: int = 0
    withdrawn: int = 0
    left: int = 0

    def give(self, volume: int, *, lost: bool = False) -> "Reservoir":
        """The reservoir after the drive has drawn that much, which is in it (REQ-08)."""
        return Reservoir(
            self.concentration_ng_per_ml,
            self.residual_nl,
            self.filled,
            self.delivered + (0 if lost else volume),
            self.lost + (volume if lost else 0),
            self.withdrawn,
            self.left - volume,
        )

    def refill(
        self, volume_nl: int, concentration_ng_per_ml: int, *, rinsed: bool = True
    ) -> "Reservoir":
        """The reservoir after what was left has been withdrawn and `volume_nl` filled in.

        Not rinsed, the residual mixes with the new drug: the concentration of the mixture is
        rounded to the nearest ng/mL.
        """
        volume = volume_nl * FINE_UNITS_PER_NL
        concentration = concentration_ng_per_ml
        mixed_nl = volume_nl + self.residual_nl
        if not rinsed and mixed_nl:
            mass = volume_nl * concentration + self.residual_nl * self.concentration_ng_per_ml
            concentration = nearest(mass, mixed_nl)
        return replace(
            self,
            concentration_ng_per_ml=concentration,
            filled=self.filled + volume,
            withdrawn=self.withdrawn + self.left,
            left=volume,
        )
