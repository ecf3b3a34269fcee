"""The drive: it turns as far as it is told, and moves a little more or less than it should."""

from dataclasses import dataclass

from pump_sim.model.units import PPM


@dataclass(frozen=True, slots=True)
class Drive:
    """The pump mechanism: a flow factor that nobody can sense, and an odometer of its work."""

    flow_factor_ppm: int = PPM
    odometer_units: int = 0

    def turned(self, commanded_units: int) -> "Drive":
        """The drive after it was told to deliver that many ledger units; dry, it turns as well."""
        return Drive(self.flow_factor_ppm, self.odometer_units + commanded_units)

    def drawn(self, commanded_units: int) -> int:
        """The fine units that such a turn draws from a reservoir that holds enough."""
        return commanded_units * self.flow_factor_ppm
