"""Everything that is physically true of a pump at one moment, as one frozen value."""

from dataclasses import dataclass

from pump_sim.model.hardware.battery import Battery
from pump_sim.model.hardware.drive import Drive
from pump_sim.model.hardware.reservoir import Reservoir


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareState:
    """What is physically true."""

    reservoir: Reservoir
    drive: Drive
    battery: Battery
