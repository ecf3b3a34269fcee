"""The drive: it turns as far as it is told, and moves a little more or less than it should."""

from dataclasses import dataclass

from pump_sim.model.units import PPM


@dataclass(frozen=True, slots=True)
class Drive:
    """The pump mechanism: a flow factor that nobody can sense, and an odometer of its work.

    `unregistered` is how many interrogations it takes until the pump has noticed that its motor
    turns again after a stall (P10); 0 if there is nothing to notice.
    """

    flow_factor_ppm: int = PPM
    odometer_units: int = 0
    unregistered: int = 0

    def turned(self, commanded_units: int) -> "Drive":
        """The drive after it was told to deliver that many ledger units.

        Dry, blocked or stalled it works as much as otherwise.
        """
        odometer_units = self.odometer_units + commanded_units
        return Drive(self.flow_factor_ppm, odometer_units, self.unregistered)

    def unnoticed(self, interrogations: int) -> "Drive":
        """The drive, turning again, when so many interrogations will make the pump notice it."""
        return Drive(self.flow_factor_ppm, self.odometer_units, interrogations)
