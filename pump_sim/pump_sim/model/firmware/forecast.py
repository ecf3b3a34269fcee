"""What will happen by itself, and when, if nobody interferes: exact moments, found without ticks.

A forecast holds as long as no command and none of its own moments has changed the plan; time that
passes does not age it.
"""

from dataclasses import dataclass
from enum import Enum, auto

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.service import ServiceState
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.profile import Profile
from pump_sim.model.units import UNITS_PER_NL


class Due(Enum):
    """What can fall due. Of what falls due in the same millisecond, the first happens first."""

    BOLUS_ENDS = auto()
    LOW_RESERVOIR = auto()
    EMPTY_RESERVOIR = auto()
    STOPPED_TOO_LONG = auto()
    ERI = auto()
    EOS = auto()


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next thing to fall due, and the moments that a clinician asks for.

    What has happened already has the moment at which it did. A volume that is not reached before
    the end of service is never reached: its moment is None.
    """

    next_due: tuple[int, Due] | None
    low_reservoir_at_ms: int | None
    empty_reservoir_at_ms: int | None
    eri_at_ms: int
    eos_at_ms: int


def forecast(
    profile: Profile, firmware: FirmwareState, *, at_ms: int, charge_used: int
) -> Forecast:
    """Look ahead from `at_ms`, the moment at which the firmware and the gauge were so."""
    alarms, service = firmware.alarms, firmware.service
    threshold_nl = firmware.programming.current.low_reservoir_threshold_nl
    low_at_ms = _level_moment(firmware, at_ms, Alarm.LOW_RESERVOIR, threshold_nl)
    empty_at_ms = _level_moment(firmware, at_ms, Alarm.EMPTY_RESERVOIR, 0)
    eri_at_ms = service.first_eri_ms(
        profile,
        at_ms=at_ms,
        charge_used=charge_used,
        course=firmware.delivery.course,
        basal_rate_nl_per_day=firmware.programming.current.rate_nl_per_day,
    )
    eos_at_ms = eri_at_ms + profile.eri_before_eos_ms
    stopped_at_ms = firmware.programming.stopped_since_ms
    too_long_at_ms = None if stopped_at_ms is None else stopped_at_ms + profile.stopped_too_long_ms

    def unless_active(alarm: Alarm, moment_ms: int | None) -> int | None:
        return None if alarms.is_active(alarm) else moment_ms

    moments = {
        Due.BOLUS_ENDS: _bolus_end(firmware, at_ms, empty_at_ms),
        Due.LOW_RESERVOIR: unless_active(Alarm.LOW_RESERVOIR, low_at_ms),
        Due.EMPTY_RESERVOIR: unless_active(Alarm.EMPTY_RESERVOIR, empty_at_ms),
        Due.STOPPED_TOO_LONG: unless_active(Alarm.STOPPED_TOO_LONG, too_long_at_ms),
        Due.ERI: eri_at_ms if service.state is ServiceState.IN_SERVICE else None,
        Due.EOS: eos_at_ms if service.state is ServiceState.ERI else None,
    }
    # min() takes the first of equals, and the moments stand in the order of `Due`.
    first = min(
        ((moment, due) for due, moment in moments.items() if moment is not None),
        key=lambda each: each[0],
        default=None,
    )

    def before_eos(moment_ms: int | None) -> int | None:
        return None if moment_ms is None or moment_ms > eos_at_ms else moment_ms

    return Forecast(first, before_eos(low_at_ms), before_eos(empty_at_ms), eri_at_ms, eos_at_ms)


def _level_moment(firmware: FirmwareState, at_ms: int, alarm: Alarm, level_nl: int) -> int | None:
    """When the believed volume sinks to a level, or when the alarm for it was raised (REQ-19)."""
    record = firmware.alarms.get(alarm)
    if record is not None and record.active:
        return record.raised_at_ms
    above_units = firmware.ledger.left_units - level_nl * UNITS_PER_NL
    return firmware.delivery.course.first_ms_reaching(above_units, from_ms=at_ms)


def _bolus_end(firmware: FirmwareState, at_ms: int, empty_at_ms: int | None) -> int | None:
    """When the running bolus completes; None if there is none, or if there isn't enough for it.

    In the millisecond in which the reservoir runs dry less may be left than is asked for. A bolus
    that would end in it completes only if its last unit is there (REQ-07).
    """
    course, left_units = firmware.delivery.course, firmware.ledger.left_units
    if course.bolus is None:
        return None
    ends_at_ms = course.bolus.ends_at_ms
    if ends_at_ms == empty_at_ms and course.units(at_ms, ends_at_ms) > left_units:
        return None
    return ends_at_ms
