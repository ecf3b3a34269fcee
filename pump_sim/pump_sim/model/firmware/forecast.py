"""What will happen by itself, and when, if nobody interferes: exact moments, found without ticks.

A forecast holds as long as no command and none of its own moments has changed the plan; time that
passes does not age it.
"""

from dataclasses import dataclass
from enum import Enum, auto

from pump_sim.model.firmware.alarms import Alarm, Alarms
from pump_sim.model.firmware.delivery import Delivery
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.firmware.service import Service
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

    `low_reservoir_at_ms` is None if the volume never sinks so far before the end of service.
    """

    next_due: tuple[int, Due] | None
    low_reservoir_at_ms: int | None
    eri_at_ms: int
    eos_at_ms: int


def forecast(
    profile: Profile,
    *,
    at_ms: int,
    charge_used: int,
    programming: Programming,
    delivery: Delivery,
    ledger: Ledger,
    service: Service,
    alarms: Alarms,
) -> Forecast:
    """Look ahead from `at_ms`, the moment at which all that is given was so."""
    dues: list[tuple[int, int, Due]] = []

    def due(at: int | None, what: Due) -> None:
        if at is not None:
            dues.append((max(at, at_ms), what.value, what))

    course, current = delivery.course, programming.current
    threshold_units = current.low_reservoir_threshold_nl * UNITS_PER_NL
    low_at_ms = course.first_ms_reaching(ledger.left_units - threshold_units, from_ms=at_ms)
    empty_at_ms = course.first_ms_reaching(ledger.left_units, from_ms=at_ms)
    low = alarms.get(Alarm.LOW_RESERVOIR)
    if low is not None and low.active:
        low_at_ms = low.raised_at_ms
    else:
        due(low_at_ms, Due.LOW_RESERVOIR)
    if not alarms.is_active(Alarm.EMPTY_RESERVOIR):
        due(empty_at_ms, Due.EMPTY_RESERVOIR)

    if course.bolus is not None:
        ends_at_ms = course.bolus.ends_at_ms
        # In the millisecond in which the reservoir runs dry less may be left than is asked for. A
        # bolus that would end in it ends complete only if its last unit is there (REQ-07).
        if ends_at_ms != empty_at_ms or course.units(at_ms, ends_at_ms) <= ledger.left_units:
            due(ends_at_ms, Due.BOLUS_ENDS)

    stopped_since_ms = programming.stopped_since_ms
    if stopped_since_ms is not None and not alarms.is_active(Alarm.STOPPED_TOO_LONG):
        due(stopped_since_ms + profile.stopped_too_long_ms, Due.STOPPED_TOO_LONG)

    eri_at_ms = service.first_eri_ms(
        profile,
        at_ms=at_ms,
        charge_used=charge_used,
        course=course,
        basal_rate_nl_per_day=current.rate_nl_per_day,
    )
    eos_at_ms = eri_at_ms + profile.eri_before_eos_ms
    if service.eri_at_ms is None:
        due(eri_at_ms, Due.ERI)
    elif service.eos_at_ms is None:
        due(eos_at_ms, Due.EOS)
    if low_at_ms is not None and low_at_ms > eos_at_ms:
        low_at_ms = None

    first = min(dues, default=None, key=lambda each: each[:2])
    next_due = None if first is None else (first[0], first[2])
    return Forecast(next_due, low_at_ms, eri_at_ms, eos_at_ms)
