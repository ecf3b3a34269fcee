"""What is left of a pump's state where the rest was lost, made into a whole one again.

For whoever keeps states and finds one damaged. Nothing is guessed of the therapy: what comes of
this has to be given to `Pump.after_memory_loss`, which knows that the prescription is gone. It does
not know how a state is kept, nor whether what was left is sound.
"""

from dataclasses import replace

from pump_sim.model.course import Course
from pump_sim.model.events import AccessLog, TherapyLog
from pump_sim.model.firmware.alarms import Alarm, AlarmRecord, Alarms
from pump_sim.model.firmware.delivery import Delivery, Hold
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.memory import Memory
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.patient_boluses import PatientBoluses
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.firmware.service import Service, ServiceState
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.hardware.battery import BatteryMode
from pump_sim.model.hardware.faults import effects
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.prescription import Prescription, minimum_rate_of
from pump_sim.model.profile import Profile
from pump_sim.model.state import PumpState, new_state
from pump_sim.model.units import PPM


def unknown_prescription(profile: Profile) -> Prescription:
    """What stands for a prescription that is not known: the lowest flow of no known drug."""
    return minimum_rate_of(profile, (), profile.default_low_reservoir_threshold_nl)


def remaining_state(  # noqa: PLR0913 - each may be lost, and none belongs to another
    profile: Profile,
    *,
    serial_number: str,
    volume_nl: int,
    clock_offset_ms: int,
    at_ms: int = 0,
    version: int = 1,
    historic_updates: bool = False,
    hardware: HardwareState | None = None,
    ledger: Ledger | None = None,
    service: Service | None = None,
    alarms: Alarms | None = None,
    note: str = "",
    orders: OrderMemory | None = None,
    patient_boluses: PatientBoluses | None = None,
    log: TherapyLog | None = None,
    access_log: AccessLog | None = None,
    last_refill_at_ms: int | None = None,
) -> PumpState:
    """A state at `at_ms` made of what is left; what is None is as in a new pump.

    `volume_nl` is what the reservoir holds, in truth and in belief, unless `hardware` and `ledger`
    know better; `version` is the last that is known of the prescription. Parts that are at odds
    with each other or with `at_ms` make an unsound state.
    """
    pump_ms = at_ms if hardware is None else hardware.oscillator.pump_ms(at_ms)
    new = new_state(
        profile,
        unknown_prescription(profile),
        serial_number=serial_number,
        volume_nl=volume_nl,
        flow_factor_ppm=PPM,
        clock_local_ms=clock_offset_ms,
        battery_mode=BatteryMode.DRAIN_AND_FAIL,
        new_patient=True,
        historic_updates=historic_updates,
        at_ms=pump_ms,
    )
    firmware = new.firmware
    firmware = replace(
        firmware,
        programming=Programming(firmware.programming.current, version, since_ms=pump_ms),
        ledger=firmware.ledger if ledger is None else ledger,
        memory=Memory.of(firmware.programming.current, note),
        orders=OrderMemory() if orders is None else orders,
        patient_boluses=PatientBoluses() if patient_boluses is None else patient_boluses,
        log=TherapyLog() if log is None else log,
        access_log=AccessLog() if access_log is None else access_log,
        last_refill_at_ms=pump_ms if last_refill_at_ms is None else last_refill_at_ms,
    )
    hardware = new.hardware if hardware is None else hardware
    firmware = _in_its_service(_feeling(firmware, hardware), service, alarms)
    return replace(new, at_ms=at_ms, hardware=hardware, firmware=firmware)


def _feeling(firmware: FirmwareState, hardware: HardwareState) -> FirmwareState:
    """With what the firmware feels of that hardware."""
    acting = effects(hardware.faults.working())
    now_ms = firmware.at_ms
    stands = acting.stalled or hardware.drive.unregistered > 0
    limited = hardware.battery.mode is BatteryMode.DRAIN_AND_FAIL
    return replace(
        firmware,
        service=replace(firmware.service, limited=limited),
        gauge=hardware.battery.charge_used(now_ms, hardware.drive.odometer_units),
        motor_still_since_ms=now_ms if stands else None,
        runs_dry=acting.runs_dry,
    )


def _in_its_service(
    firmware: FirmwareState, service: Service | None, alarms: Alarms | None
) -> FirmwareState:
    """With what is known of the service life: nothing brings back what has ended (REQ-20)."""
    service = firmware.service if service is None else service
    delivery = firmware.delivery
    if service.state is ServiceState.EOS:
        delivery = Delivery(Course(), holds=(Hold.EOS,))
    if alarms is None:
        alarms = firmware.alarms
        reached = ((Alarm.ERI, service.eri_at_ms), (Alarm.EOS, service.eos_at_ms))
        for alarm, raised_at_ms in reached:
            if raised_at_ms is not None:
                alarms = alarms.updated(AlarmRecord(alarm, raised_at_ms))
    return replace(firmware, service=service, delivery=delivery, alarms=alarms)
