"""The pump's own clock, which may run a little fast or slow; nobody in the pump can tell."""

from dataclasses import dataclass

from pump_sim.model.units import PPM, ceil_div


@dataclass(frozen=True, slots=True)
class Oscillator:
    """How the pump's own time follows therapy time: with a drift, from a moment known in both."""

    drift_ppm: int = 0
    therapy_origin_ms: int = 0
    pump_origin_ms: int = 0

    def pump_ms(self, therapy_ms: int) -> int:
        """The pump's own time at a moment of therapy time, in whole ms, rounded down."""
        elapsed_ms = therapy_ms - self.therapy_origin_ms
        if not self.drift_ppm:
            return self.pump_origin_ms + elapsed_ms
        return self.pump_origin_ms + elapsed_ms * (PPM + self.drift_ppm) // PPM

    def therapy_ms(self, pump_ms: int) -> int:
        """The first millisecond of therapy time at which the pump's own has come to `pump_ms`."""
        elapsed_ms = pump_ms - self.pump_origin_ms
        if not self.drift_ppm:
            return self.therapy_origin_ms + elapsed_ms
        return self.therapy_origin_ms + ceil_div(elapsed_ms * PPM, PPM + self.drift_ppm)

    def drifting(self, drift_ppm: int, therapy_ms: int) -> "Oscillator":
        """With another drift from now on."""
        return Oscillator(drift_ppm, therapy_ms, self.pump_ms(therapy_ms))
