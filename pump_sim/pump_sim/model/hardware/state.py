"""Everything that is physically true of a pump at one moment, as one frozen value."""

from dataclasses import dataclass

from pump_sim.model.hardware.battery import Battery
from pump_sim.model.hardware.catheter import Catheter
from pump_sim.model.hardware.clock import Oscillator
from pump_sim.model.hardware.drive import Drive
from pump_sim.model.hardware.faults import FaultBoard
from pump_sim.model.hardware.flow import FlowHistory
from pump_sim.model.hardware.patient import Patient
from pump_sim.model.hardware.reservoir import Reservoir


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareState:
    """What is physically true, the patient included.

    `judged_version` is the last version of the prescription that was looked at to judge the
    patient, with the clock as it was set then, and `judged_dose_ng` the daily dose by which the
    patient is judged. An explanted pump is no longer at the catheter. `pocket_nl` went beside it.
    """

    reservoir: Reservoir
    drive: Drive
    battery: Battery
    catheter: Catheter
    oscillator: Oscillator
    faults: FaultBoard
    flow: FlowHistory
    patient: Patient
    judged_version: int = 1
    judged_dose_ng: int = 0
    judged_offset_ms: int = 0
    implanted: bool = True
    pocket_nl: int = 0
