"""What can be read from a pump: `Status` is what it says of itself, `Truth` what only we know.

A programmer sees the one, the harness and the console both, side by side. Nothing is computed here.
"""

from dataclasses import dataclass
from typing import NamedTuple

from pump_sim.model.events import LogRange
from pump_sim.model.firmware.alarms import AlarmRecord, Tone
from pump_sim.model.firmware.service import ServiceState
from pump_sim.model.orders import BolusReport
from pump_sim.model.prescription import Prescription


@dataclass(frozen=True, slots=True)
class PatientBolusState:
    """How many patient boluses are left of a day's, and from when on the next may be asked for."""

    allotted_per_day: int
    left: int
    next_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything a clinician sees: the pump's belief at `at_ms`.

    Times ending in `_at_ms` are ms since implant; add `implanted_at_local_ms` for the pump's local
    clock. None means never.
    """

    at_ms: int
    clock_local_ms: int
    implanted_at_local_ms: int

    infusing_nl_per_day: int
    """What flows now, basal rate and bolus together; 0 while anything holds the infusion."""
    prescription: Prescription
    prescription_version: int
    pending: Prescription | None

    believed_volume_nl: int
    capacity_nl: int
    delivered_nl: int
    """Believed to be delivered since implant."""
    low_reservoir_at_ms: int | None
    """When the low-reservoir alarm is due at the earliest, which is if the patient asks for every
    bolus as soon as it is allowed; or was raised if it is active (REQ-19)."""
    empty_reservoir_at_ms: int | None
    """When the reservoir will be believed empty if nothing changes, or since when it is."""
    last_refill_at_ms: int

    service: ServiceState
    battery_remaining_ppm: int
    eri_at_ms: int | None
    """When the replacement indicator is due if nothing changes, or was raised."""
    eos_at_ms: int | None
    replacement_planned_at_ms: int | None

    bolus: BolusReport | None
    last_bolus: BolusReport | None
    next_periodic_at_ms: int | None
    patient: PatientBolusState | None
    """None where no patient boluses are prescribed."""

    alarms: tuple[AlarmRecord, ...]
    critical_interval_ms: int
    next_tone: Tone | None

    log: LogRange
    access_log: LogRange


class Moment(NamedTuple):
    """What of the status changes by itself while nothing happens; the names are those of Status."""

    at_ms: int
    clock_local_ms: int
    infusing_nl_per_day: int
    believed_volume_nl: int
    delivered_nl: int
    battery_remaining_ppm: int
    next_tone_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is physically so at `at_ms` of therapy time. Never for the wire.

    filled = delivered + lost + withdrawn + left: *lost* left the pump and missed the catheter.
    """

    at_ms: int
    pump_ms: int
    """What the pump's own clock counts, which differs where it drifts."""
    drift_ppm: int
    actual_volume_nl: int
    actual_delivered_nl: int
    actual_lost_nl: int
    actual_withdrawn_nl: int
    commanded_nl: int
    """What the drive was told to deliver, since the implant."""
    actual_rate_nl_per_day: int
    """What leaves the reservoir now, to the nearest nL/day; 0 from a dry one."""
    flow_factor_ppm: int
    """What leaves the reservoir of what is commanded; 0 while it is stalled or occluded."""
    reservoir_concentration_ng_per_ml: int
    tip_concentration_ng_per_ml: int
    """Of the primary drug where the catheter ends: what entered the path one path volume ago."""
    received_ng: int
    """What of the primary drug has come out there since the implant, injections included."""
    pocket_nl: int
    """What has been injected beside the pump; it stays there."""
    implanted: bool
    """False of a pump that was taken out: what it still pumps is lost."""
    stalled: bool
    occluded: bool
    disconnected: bool
    runs_dry: bool
    charge_used: int
