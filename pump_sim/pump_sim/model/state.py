"""Everything that a pump is at one moment, as one frozen value; it does nothing.

A pump made from such a value goes on exactly as the one it was taken from. Durable state, snapshots
and forks of a scenario need nothing else.
"""

from dataclasses import dataclass

from pump_sim.model.events import AccessLog, TherapyLog
from pump_sim.model.firmware.alarms import Alarms
from pump_sim.model.firmware.delivery import Delivery
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.firmware.service import Service
from pump_sim.model.hardware.battery import Battery
from pump_sim.model.hardware.drive import Drive
from pump_sim.model.hardware.reservoir import Reservoir
from pump_sim.model.profile import Profile


@dataclass(frozen=True, slots=True)
class HardwareState:
    """What is physically true."""

    reservoir: Reservoir
    drive: Drive
    battery: Battery


@dataclass(frozen=True, slots=True)
class FirmwareState:
    """What the pump believes, and has decided."""

    programming: Programming
    delivery: Delivery
    ledger: Ledger
    service: Service
    alarms: Alarms
    orders: OrderMemory
    log: TherapyLog
    access_log: AccessLog
    clock_offset_ms: int
    last_refill_at_ms: int


@dataclass(frozen=True, slots=True)
class PumpState:
    """A pump at `at_ms`, in ms since its implant."""

    profile: Profile
    serial_number: str
    at_ms: int
    hardware: HardwareState
    firmware: FirmwareState
