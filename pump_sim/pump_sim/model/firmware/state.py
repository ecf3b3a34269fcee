"""Everything that a pump believes and has decided at one moment, as one frozen value."""

from dataclasses import dataclass

from pump_sim.model.events import AccessLog, TherapyLog
from pump_sim.model.firmware.alarms import Alarms
from pump_sim.model.firmware.delivery import Delivery
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.firmware.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareState:
    """What the pump believes. `clock_offset_ms` is local time at the implant, as it is set now."""

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
