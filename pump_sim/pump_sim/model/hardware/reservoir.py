"""The reservoir as it physically is; the pump has no sensor for any of this."""

from dataclasses import dataclass, replace

from pump_sim.model.units import PPM, UNITS_PER_NL

FINE_UNITS_PER_NL = UNITS_PER_NL * PPM
"""Ledger units in millionths, so that a flow factor in whole ppm multiplies without rounding."""


@dataclass(frozen=True, slots=True)
class Reservoir:
    """Usable drug, in fine units: filled = delivered + withdrawn + left, always and exactly."""

    filled: int = 0
    delivered: int = 0
    withdrawn: int = 0
    left: int = 0

    def give(self, wanted: int) -> "Reservoir":
        """The reservoir after the drive has drawn on it. A dry one gives nothing (REQ-08)."""
        given = min(wanted, self.left)
        return replace(self, delivered=self.delivered + given, left=self.left - given)

    def refill(self, volume_nl: int) -> "Reservoir":
        """The reservoir after what was left has been withdrawn and `volume_nl` filled in."""
        volume = volume_nl * FINE_UNITS_PER_NL
        return Reservoir(
            filled=self.filled + volume,
            delivered=self.delivered,
            withdrawn=self.withdrawn + self.left,
            left=volume,
        )
