"""The battery: its charge follows from its age and from the work of the drive, so it has no state.

Proposal of domain.md 1.3, in whole numbers; not a manufacturer's table.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery that drains with every millisecond and with every ledger unit that is pumped."""

    idle_drain_per_ms: int
    drain_per_ledger_unit: int

    def charge_used(self, age_ms: int, odometer_units: int) -> int:
        """What the gauge reads: charge used since new, in the unit of the drains."""
        return self.idle_drain_per_ms * age_ms + self.drain_per_ledger_unit * odometer_units
