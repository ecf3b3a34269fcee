"""Everything that a pump is at one moment, as one frozen value; it does nothing.

A pump made from such a value goes on exactly as the one it was taken from. Durable state, snapshots
and forks of a scenario need nothing else.
"""

from dataclasses import dataclass

from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpState:
    """A pump at `at_ms`, in ms since its implant."""

    profile: Profile
    serial_number: str
    at_ms: int
    hardware: HardwareState
    firmware: FirmwareState
