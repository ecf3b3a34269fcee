"""Everything that a pump is at one moment, as one frozen value; it does nothing.

A pump made from such a value goes on exactly as the one it was taken from. Durable state, snapshots
and forks of a scenario need nothing else.
"""

from dataclasses import dataclass

from pump_sim.model.course import Course
from pump_sim.model.events import AccessLog, TherapyLog
from pump_sim.model.firmware.alarms import Alarms, Signals
from pump_sim.model.firmware.delivery import Delivery
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.firmware.service import Service
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.hardware.battery import Battery
from pump_sim.model.hardware.drive import Drive
from pump_sim.model.hardware.reservoir import Reservoir
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.prescription import Mode, Prescription
from pump_sim.model.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpState:
    """A pump at `at_ms`, in ms since its implant."""

    profile: Profile
    serial_number: str
    at_ms: int
    hardware: HardwareState
    firmware: FirmwareState


def new_state(
    profile: Profile,
    prescription: Prescription,
    *,
    serial_number: str,
    volume_nl: int,
    flow_factor_ppm: int,
    clock_local_ms: int,
) -> PumpState:
    """A pump at the moment of its implant: filled, running, and with nothing in its logs yet.

    The figures are those of `Pump.implant`, which checks them.
    """
    idle, working = profile.battery_idle_drain_per_ms, profile.battery_drain_per_ledger_unit
    stopped_since_ms = 0 if prescription.mode is Mode.STOPPED else None
    return PumpState(
        profile=profile,
        serial_number=serial_number,
        at_ms=0,
        hardware=HardwareState(
            reservoir=Reservoir().refill(volume_nl),
            drive=Drive(flow_factor_ppm),
            battery=Battery(idle, working),
        ),
        firmware=FirmwareState(
            programming=Programming(prescription, stopped_since_ms=stopped_since_ms),
            delivery=Delivery(Course(prescription.rate_nl_per_day)),
            ledger=Ledger().refill(volume_nl),
            service=Service(),
            alarms=Alarms(Signals.of(profile)),
            orders=OrderMemory(),
            log=TherapyLog(),
            access_log=AccessLog(),
            clock_offset_ms=clock_local_ms,
            last_refill_at_ms=0,
        ),
    )
