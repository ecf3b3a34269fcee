"""The battery: its charge follows from its age and from the work of the drive.

Proposal of domain.md 1.3, in whole numbers; not a manufacturer's table.
"""

from dataclasses import dataclass
from enum import Enum


class BatteryMode(Enum):
    """How much of a battery's life is simulated."""

    DRAIN_AND_FAIL = 1
    """It drains, and the pump comes to ERI and EOS."""
    DRAIN_ONLY = 2
    """It drains, and the pump never comes to ERI or EOS: for experiments that outlast one."""
    NO_DRAIN = 3
    """It stays new."""


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery that drains with every millisecond and with every ledger unit that is pumped."""

    idle_drain_per_ms: int
    drain_per_ledger_unit: int
    mode: BatteryMode = BatteryMode.DRAIN_AND_FAIL

    def charge_used(self, age_ms: int, odometer_units: int) -> int:
        """Charge used since new, in the unit of the drains."""
        if self.mode is BatteryMode.NO_DRAIN:
            return 0
        return self.idle_drain_per_ms * age_ms + self.drain_per_ledger_unit * odometer_units
