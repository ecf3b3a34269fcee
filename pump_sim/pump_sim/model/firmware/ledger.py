"""The believed volume: what was entered at refills less what was commanded since, never measured.

That is why a pump that delivers too much stays silent (domain.md 1.4).
"""

from dataclasses import dataclass

from pump_sim.model.units import UNITS_PER_NL


@dataclass(frozen=True, slots=True)
class Ledger:
    """Believed usable drug in ledger units: filled = delivered + withdrawn + left, exactly."""

    filled_units: int = 0
    delivered_units: int = 0
    withdrawn_units: int = 0
    left_units: int = 0

    @property
    def left_nl(self) -> int:
        """Believed volume in whole nL, rounded down."""
        return self.left_units // UNITS_PER_NL

    @property
    def delivered_nl(self) -> int:
        """Volume believed to be delivered since implant, in whole nL, rounded down."""
        return self.delivered_units // UNITS_PER_NL

    def spend(self, units: int) -> "Ledger":
        """The ledger after `units`, at most what is left, were commanded."""
        return Ledger(
            self.filled_units,
            self.delivered_units + units,
            self.withdrawn_units,
            self.left_units - units,
        )

    def refill(self, volume_nl: int) -> "Ledger":
        """The ledger after what was left has been withdrawn and `volume_nl` filled in."""
        units = volume_nl * UNITS_PER_NL
        return Ledger(
            self.filled_units + units,
            self.delivered_units,
            self.withdrawn_units + self.left_units,
            units,
        )
