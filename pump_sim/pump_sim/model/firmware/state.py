"""Everything that a pump believes and has decided at one moment, as one frozen value."""

from dataclasses import dataclass

from pump_sim.model.events import AccessLog, TherapyLog
from pump_sim.model.firmware.alarms import Alarms
from pump_sim.model.firmware.delivery import Delivery
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.memory import Memory
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.patient_boluses import PatientBoluses
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.firmware.service import Outlay, Service
from pump_sim.model.units import ceil_div


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareState:
    """What the pump believes.

    `at_ms` is the pump's own time since its implant, and `clock_offset_ms` the local time of the
    implant, as the clock is set now. `gauge` is what the battery's gauge read last,
    `motor_still_since_ms` since when the motor stands still, `steps_missed_since_ms` since when it
    has not followed a command, and `runs_dry` a pump that does not stop where it ought to.
    `historic_updates` is how pumps of this kind are updated in reality, and how they have been left
    stopped (P23b): nothing flows while a prescription is staged. For training only.
    """

    at_ms: int
    programming: Programming
    delivery: Delivery
    ledger: Ledger
    service: Service
    alarms: Alarms
    memory: Memory
    orders: OrderMemory
    patient_boluses: PatientBoluses
    log: TherapyLog
    access_log: AccessLog
    clock_offset_ms: int
    last_refill_at_ms: int
    gauge: int
    motor_still_since_ms: int | None = None
    steps_missed_since_ms: int | None = None
    runs_dry: bool = False
    historic_updates: bool = False

    @property
    def outlay(self) -> Outlay:
        """What the service life follows from."""
        mean_rate_nl_per_day = self.programming.current.rate_nl_per_day
        return Outlay(self.at_ms, self.gauge, self.delivery.course, mean_rate_nl_per_day)

    def next_periodic_ms(self, from_ms: int) -> int | None:
        """When the first periodic bolus begins that does so not before `from_ms`; None if none."""
        cycle, periodic = self.delivery.course.cycle, self.programming.current.periodic
        if cycle is None or periodic is None:
            return None
        rounds = max(0, ceil_div(from_ms - cycle.anchor_ms, cycle.period_ms))
        return cycle.anchor_ms + rounds * cycle.period_ms
