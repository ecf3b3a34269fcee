"""The self-test: what the pump is able to check of itself; it looks and repairs nothing."""

from dataclasses import dataclass
from enum import Enum

from pump_sim.model.events import TherapyLog
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.service import ServiceState
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.profile import Profile
from pump_sim.model.rules import check_prescription
from pump_sim.model.units import UNITS_PER_NL


class Check(Enum):
    """What is checked."""

    PRESCRIPTION = 1
    """The prescription in force agrees with itself and with the limits of the profile."""
    LEDGER = 2
    """The believed volume lies between nothing and the capacity, and not a unit is missing."""
    LOG = 3
    """The therapy log is an unbroken sequence in order of time."""
    BATTERY = 4
    """The pump has not reached the end of its service."""
    MEMORY = 5
    """Both copies of the prescription and the note are as they were written."""
    MOTOR = 6
    """No stall is known."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check and how it went."""

    check: Check
    passed: bool


def self_test(profile: Profile, firmware: FirmwareState) -> tuple[CheckResult, ...]:
    """Check everything; one result for each check, in order of their numbers."""
    prescription = firmware.programming.current
    return (
        CheckResult(Check.PRESCRIPTION, not check_prescription(prescription, profile)),
        CheckResult(Check.LEDGER, _ledger_is_sound(firmware.ledger, profile)),
        CheckResult(Check.LOG, _log_is_unbroken(firmware.log)),
        CheckResult(Check.BATTERY, firmware.service.state is not ServiceState.EOS),
        CheckResult(Check.MEMORY, not firmware.memory.worn),
        CheckResult(Check.MOTOR, not firmware.alarms.is_active(Alarm.MOTOR_STALL)),
    )


def _ledger_is_sound(ledger: Ledger, profile: Profile) -> bool:
    spent = ledger.delivered_units + ledger.withdrawn_units
    in_range = 0 <= ledger.left_units <= profile.capacity_nl * UNITS_PER_NL
    return in_range and spent >= 0 and ledger.filled_units == spent + ledger.left_units


def _log_is_unbroken(log: TherapyLog) -> bool:
    first = log.range.first
    in_sequence = all(entry.sequence == first + index for index, entry in enumerate(log.entries))
    times = [entry.at_ms for entry in log.entries]
    return in_sequence and times == sorted(times) and len(log.entries) <= log.capacity
