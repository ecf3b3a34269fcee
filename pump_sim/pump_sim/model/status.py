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
    """What flows now, basal rate and bolus together; 0 while an alarm holds the infusion."""
    prescription: Prescription
    prescription_version: int
    pending: Prescription | None

    believed_volume_nl: int
    capacity_nl: int
    delivered_nl: int
    """Believed to be delivered since implant."""
    low_reservoir_at_ms: int | None
    """When the low-reservoir alarm is due, or was raised if it is active (REQ-19)."""
    empty_reservoir_at_ms: int | None
    """When the reservoir will be believed empty if nothing changes, or since when it is."""
    last_refill_at_ms: int

    service: ServiceState
    battery_remaining_ppm: int
    eri_at_ms: int
    """When the replacement indicator is due if nothing changes, or was raised."""
    eos_at_ms: int

    bolus: BolusReport | None
    last_bolus: BolusReport | None

    alarms: tuple[AlarmRecord, ...]
    next_tone: Tone | None

    log: LogRange
    access_log: LogRange


class Moment(NamedTuple):
    """What of the status changes by itself while nothing happens; the names are those of Status."""

    at_ms: int
    clock_local_ms: int
    believed_volume_nl: int
    delivered_nl: int
    battery_remaining_ppm: int
    next_tone_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is physically so at `at_ms`. Never for the wire."""

    at_ms: int
    actual_volume_nl: int
    actual_delivered_nl: int
    actual_rate_nl_per_day: int
    """What flows now, to the nearest nL/day; 0 from a dry reservoir."""
    flow_factor_ppm: int
    charge_used: int
