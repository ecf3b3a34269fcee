"""How drug flows without ticks: delivery as an exact function of time, and that function's inverse.

A course says what a drive is told to deliver from now on if nobody interferes. It knows neither
how much there is to deliver nor who gave the order.
"""

from dataclasses import dataclass

from pump_sim.model.units import UNITS_PER_NL, ceil_div


@dataclass(frozen=True, slots=True)
class BolusCurve:
    """A volume spread evenly over a duration, to the last unit.

    The cumulative volume at *t* is ``floor(p (t - t0) / q)`` units with ``p`` the whole volume and
    ``q`` the duration. The floor keeps its own remainder: whatever moments it is asked at, the
    pieces add up to the volume (REQ-07).
    """

    volume_nl: int
    duration_ms: int
    started_at_ms: int

    @property
    def volume_units(self) -> int:
        """The whole volume in ledger units."""
        return self.volume_nl * UNITS_PER_NL

    @property
    def ends_at_ms(self) -> int:
        """The first moment at which the whole volume has been delivered."""
        return self.started_at_ms + self.duration_ms

    def units_at(self, at_ms: int) -> int:
        """Ledger units delivered from the start of the bolus up to `at_ms`."""
        elapsed_ms = at_ms - self.started_at_ms
        if elapsed_ms <= 0:
            return 0
        if elapsed_ms >= self.duration_ms:
            return self.volume_units
        return self.volume_units * elapsed_ms // self.duration_ms


@dataclass(frozen=True, slots=True)
class Course:
    """A basal rate with at most one bolus on top of it."""

    rate_nl_per_day: int = 0
    bolus: BolusCurve | None = None

    def units(self, from_ms: int, to_ms: int) -> int:
        """Ledger units delivered in between. Never negative: drug does not flow back (REQ-08)."""
        units = self.rate_nl_per_day * (to_ms - from_ms)
        if self.bolus is not None:
            units += self.bolus.units_at(to_ms) - self.bolus.units_at(from_ms)
        return units

    def first_ms_reaching(
        self, target: int, *, from_ms: int, per_ms: int = 0, per_unit: int = 1
    ) -> int | None:
        """The first whole millisecond, not before `from_ms`, at which `target` has been reached.

        What is to reach it grows by `per_ms` every millisecond and by `per_unit` with every ledger
        unit delivered since `from_ms`. The defaults ask when a volume has flowed; a battery, which
        drains with time and with work, asks with both. Returns None if it never gets there.
        """
        if target <= 0:
            return from_ms
        slope = per_ms + per_unit * self.rate_nl_per_day
        bolus = self.bolus
        if bolus is not None and from_ms < bolus.ends_at_ms:
            before = bolus.units_at(from_ms)
            # Solve slope (t - from) + per_unit (p (t - t0) / q - before) >= target for t ...
            p, q = bolus.volume_units, bolus.duration_ms
            offset = target + slope * from_ms + per_unit * before
            at_ms = ceil_div(
                q * offset + per_unit * p * bolus.started_at_ms, q * slope + per_unit * p
            )
            # ... without the floor. A whole number of units is reached with it or without it at the
            # same moment; several per unit may be held back by the floor, by less than one unit.
            while at_ms < bolus.ends_at_ms:
                done = bolus.units_at(at_ms) - before
                if slope * (at_ms - from_ms) + per_unit * done >= target:
                    return at_ms
                at_ms += 1
            rest = target - slope * (bolus.ends_at_ms - from_ms)
            rest -= per_unit * (bolus.volume_units - before)
            if rest <= 0:
                return bolus.ends_at_ms
            from_ms, target = bolus.ends_at_ms, rest
        return from_ms + ceil_div(target, slope) if slope > 0 else None
