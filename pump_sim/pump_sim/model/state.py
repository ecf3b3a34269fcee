"""Everything that a pump is at one moment, as one frozen value; it does nothing.

A pump made from such a value goes on exactly as the one it was taken from. Durable state, snapshots
and forks of a scenario need nothing else.
"""

from dataclasses import dataclass, replace

from pump_sim.model.course import Course
from pump_sim.model.events import AccessLog, TherapyLog
from pump_sim.model.firmware.alarms import Alarms, Signals
from pump_sim.model.firmware.delivery import Delivery
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.memory import Memory
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.patient_boluses import PatientBoluses
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.firmware.service import Service
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.hardware.battery import Battery, BatteryMode
from pump_sim.model.hardware.catheter import Catheter
from pump_sim.model.hardware.clock import Oscillator
from pump_sim.model.hardware.drive import Drive
from pump_sim.model.hardware.faults import FaultBoard
from pump_sim.model.hardware.flow import FlowHistory, FlowPiece, Therapy
from pump_sim.model.hardware.patient import Patient
from pump_sim.model.hardware.reservoir import Reservoir
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.prescription import Mode, Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.schedule import undisturbed


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpState:
    """A pump at `at_ms`, in ms since its implant."""

    profile: Profile
    serial_number: str
    at_ms: int
    hardware: HardwareState
    firmware: FirmwareState


def new_state(  # noqa: PLR0913 - those of `Pump.implant`
    profile: Profile,
    prescription: Prescription,
    *,
    serial_number: str,
    volume_nl: int,
    flow_factor_ppm: int,
    clock_local_ms: int,
    battery_mode: BatteryMode,
    new_patient: bool,
    before: PumpState | None = None,
    primed: bool = True,
    historic_updates: bool = False,
    at_ms: int = 0,
) -> PumpState:
    """A pump at the moment of its implant: filled, running, and with nothing in its logs yet.

    The figures are those of `Pump.implant`, which checks them; `before` is the pump whose place it
    takes, at the catheter and in the patient. One that only seems new has its age in `at_ms`.
    """
    course = undisturbed(prescription, at_ms=at_ms, clock_offset_ms=clock_local_ms)
    concentration = prescription.concentration_ng_per_ml
    reservoir = Reservoir(concentration, profile.residual_nl).refill(volume_nl, concentration)
    hardware = _new_hardware(
        profile,
        reservoir,
        Drive(flow_factor_ppm),
        Therapy(course, concentration),
        battery_mode=battery_mode,
        new_patient=new_patient,
        judged_dose_ng=prescription.daily_dose_ng if prescription.mode.treats else 0,
        clock_offset_ms=clock_local_ms,
        at_ms=at_ms,
    )
    if before is not None:
        hardware = _in_place_of(before, hardware, concentration, primed=primed)
    return PumpState(
        profile=profile,
        serial_number=serial_number,
        at_ms=at_ms,
        hardware=hardware,
        firmware=_new_firmware(
            profile,
            prescription,
            course,
            volume_nl=volume_nl,
            clock_local_ms=clock_local_ms,
            limited=battery_mode is BatteryMode.DRAIN_AND_FAIL,
            historic_updates=historic_updates,
            at_ms=at_ms,
        ),
    )


def _new_hardware(  # noqa: PLR0913 - what `new_state` was given
    profile: Profile,
    reservoir: Reservoir,
    drive: Drive,
    therapy: Therapy,
    *,
    battery_mode: BatteryMode,
    new_patient: bool,
    judged_dose_ng: int,
    clock_offset_ms: int,
    at_ms: int,
) -> HardwareState:
    catheter = Catheter(
        tubing_nl=profile.internal_tubing_volume_nl, catheter_nl=profile.catheter_volume_nl
    )
    piece = FlowPiece(at_ms, therapy.course, drive.flow_factor_ppm, 0, reservoir.left)
    patient = Patient()
    if judged_dose_ng:
        patient = patient.prescribed(therapy.course, therapy.concentration_ng_per_ml, at_ms)
    return HardwareState(
        reservoir=reservoir,
        drive=drive,
        battery=Battery(
            profile.battery_idle_drain_per_ms, profile.battery_drain_per_ledger_unit, battery_mode
        ),
        catheter=catheter,
        oscillator=Oscillator(),
        faults=FaultBoard(),
        flow=FlowHistory.starting(
            piece,
            slugs=catheter.slugs(therapy.concentration_ng_per_ml, primed=not new_patient),
            path_fine=catheter.path_fine,
            steady=None if new_patient else therapy,
        ),
        patient=patient,
        judged_dose_ng=judged_dose_ng,
        judged_offset_ms=clock_offset_ms,
    )


def _in_place_of(
    before: PumpState, new: HardwareState, concentration: int, *, primed: bool
) -> HardwareState:
    """A new pump at the catheter of another: catheter and patient go on, by the new pump's time."""
    old, old_ms = before.hardware, before.firmware.at_ms
    catheter = replace(new.catheter, catheter_nl=old.catheter.catheter_nl)
    (piece,) = new.flow.pieces
    return replace(
        new,
        catheter=catheter,
        faults=old.faults.of_catheter(-before.at_ms),
        flow=old.flow.at_another_pump(
            old_ms,
            piece,
            catheter,
            concentration if primed else 0,
            new.reservoir.concentration_ng_per_ml,
        ),
        patient=old.patient.moved(-old_ms),
        judged_dose_ng=old.judged_dose_ng,
    )


def _new_firmware(  # noqa: PLR0913 - what `new_state` was given
    profile: Profile,
    prescription: Prescription,
    course: Course,
    *,
    volume_nl: int,
    clock_local_ms: int,
    limited: bool,
    historic_updates: bool,
    at_ms: int,
) -> FirmwareState:
    stopped_since_ms = at_ms if prescription.mode is Mode.STOPPED else None
    periodic = prescription.periodic
    anchor_ms = 0 if periodic is None else at_ms + periodic.first_after_ms
    return FirmwareState(
        at_ms=at_ms,
        programming=Programming(prescription, since_ms=at_ms, stopped_since_ms=stopped_since_ms),
        delivery=Delivery(course, periodic_anchor_ms=anchor_ms),
        ledger=Ledger().refill(volume_nl),
        service=Service(limited=limited),
        alarms=Alarms(Signals.of(profile)),
        memory=Memory.of(prescription),
        orders=OrderMemory(),
        patient_boluses=PatientBoluses(),
        log=TherapyLog(),
        access_log=AccessLog(),
        clock_offset_ms=clock_local_ms,
        last_refill_at_ms=at_ms,
        gauge=0,
        historic_updates=historic_updates,
    )
