"""What will happen by itself, and when, if nobody interferes: exact moments, found without ticks.

A forecast holds as long as no command and none of its own moments has changed the plan; time that
passes does not age it.
"""

from enum import Enum, auto
from functools import cached_property

from pump_sim.model.course import Course
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.patient_boluses import eager, first_ms_reaching_if_eager
from pump_sim.model.firmware.service import ServiceState
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.orders import BolusKind
from pump_sim.model.profile import Profile
from pump_sim.model.units import UNITS_PER_NL


class Due(Enum):
    """What can fall due. Of what falls due in the same millisecond, the first happens first."""

    BOLUS_ENDS = auto()
    PERIODIC_PUT_OFF = auto()
    """A periodic bolus would begin while another one runs."""
    LOW_RESERVOIR = auto()
    EMPTY_RESERVOIR = auto()
    MOTOR_STALL = auto()
    STOPPED_TOO_LONG = auto()
    MEMORY_CHECK = auto()
    """A check of the memory that will find something; the others change nothing."""
    REPLACEMENT_PLANNED = auto()
    ERI = auto()
    EOS = auto()


class Forecast:
    """The next thing to fall due, and the moments that a clinician asks for.

    What has happened already has the moment at which it did. A volume that is not reached before
    the end of service is never reached: its moment is None. So are ERI, EOS and the replacement
    that is planned before them, in a pump whose service life is not limited.

    Most moments are worked out when they are first asked for. A life is mostly a chain of next
    dues, and for those it is enough to know that the far moments are far.
    """

    def __init__(self, profile: Profile, firmware: FirmwareState) -> None:
        self._profile = profile
        self._firmware = firmware
        threshold_nl = firmware.programming.current.low_reservoir_threshold_nl
        self._low_at_ms = _level_moment(firmware, Alarm.LOW_RESERVOIR, threshold_nl)
        self.next_due = self._next_due()
        """What falls due next, and when; None if nothing ever will."""

    # --- What is next ----------------------------------------------------------------------------

    def _next_due(self) -> tuple[int, Due] | None:
        first = self._next_of_therapy()
        service = self._firmware.service
        if service.state is ServiceState.EOS:
            return first
        in_service = service.state is ServiceState.IN_SERVICE
        if in_service and first is not None and self._in_service_beyond(first[0]):
            return first
        first = self._sooner(first, self.replacement_at_ms, Due.REPLACEMENT_PLANNED)
        if in_service:
            return self._sooner(first, self.eri_at_ms, Due.ERI)
        return self._sooner(first, self.eos_at_ms, Due.EOS)

    def _next_of_therapy(self) -> tuple[int, Due] | None:
        """The first that has nothing to do with the service life, in the order of `Due`."""
        profile, firmware = self._profile, self._firmware
        first = self._sooner(None, self._bolus_end(), Due.BOLUS_ENDS)
        first = self._sooner(first, _put_off(firmware), Due.PERIODIC_PUT_OFF)
        first = self._sooner(first, self._low_at_ms, Due.LOW_RESERVOIR)
        if self._empty_may_be_next:
            first = self._sooner(first, self._empty_at_ms, Due.EMPTY_RESERVOIR)
        first = self._sooner(first, _stall_noticed(profile, firmware), Due.MOTOR_STALL)
        first = self._sooner(first, _stopped_too_long(profile, firmware), Due.STOPPED_TOO_LONG)
        return self._sooner(first, _memory_check(profile, firmware), Due.MEMORY_CHECK)

    def _sooner(
        self, first: tuple[int, Due] | None, moment_ms: int | None, due: Due
    ) -> tuple[int, Due] | None:
        """The sooner of two; of equals the one that was there, of an active alarm nothing."""
        if moment_ms is None or (first is not None and moment_ms >= first[0]):
            return first
        alarm = _ALARMS.get(due)
        if alarm is not None and self._firmware.alarms.is_active(alarm):
            return first
        return moment_ms, due

    @property
    def _empty_may_be_next(self) -> bool:
        """Whether the reservoir may be empty before it is low."""
        threshold_nl = self._firmware.programming.current.low_reservoir_threshold_nl
        is_low = self._firmware.alarms.is_active(Alarm.LOW_RESERVOIR)
        return is_low or threshold_nl <= self._profile.empty_reservoir_threshold_nl

    def _in_service_beyond(self, moment_ms: int) -> bool:
        """Whether neither ERI nor the planned replacement can come by then."""
        profile, service = self._profile, self._firmware.service
        if service.replacement_planned_at_ms is not None:
            return False
        if not service.limited:
            return True
        ahead_ms = max(0, profile.replacement_lead_ms - profile.eri_before_eos_ms)
        return not service.eri_comes_by(profile, self._firmware.outlay, moment_ms + ahead_ms)

    # --- What a clinician asks for ---------------------------------------------------------------

    @property
    def low_reservoir_at_ms(self) -> int | None:
        """When the believed volume is at the threshold, if the patient asks for nothing."""
        return self.before_eos(self._low_at_ms)

    @property
    def empty_reservoir_at_ms(self) -> int | None:
        """When the believed volume is used up."""
        return self.before_eos(self._empty_at_ms)

    @cached_property
    def eri_at_ms(self) -> int | None:
        """When the replacement indicator falls due, or fell due."""
        service = self._firmware.service
        if not service.limited or (service.eri_at_ms is None and service.eos_at_ms is not None):
            return None  # a battery that failed leaves it out
        return self._firmware.service.first_eri_ms(self._profile, self._firmware.outlay)

    @property
    def eos_at_ms(self) -> int | None:
        """When the service ends, or ended."""
        eos_at_ms, eri_at_ms = self._firmware.service.eos_at_ms, self.eri_at_ms
        if eos_at_ms is None and eri_at_ms is not None:
            eos_at_ms = eri_at_ms + self._profile.eri_before_eos_ms
        return eos_at_ms

    @property
    def replacement_at_ms(self) -> int | None:
        """The date for which the replacement is planned, or was when it came."""
        stored_ms, eos_at_ms = self._firmware.service.replacement_planned_at_ms, self.eos_at_ms
        if stored_ms is not None or eos_at_ms is None:
            return stored_ms
        planned = self._firmware.alarms.get(Alarm.REPLACEMENT_PLANNED)
        if planned is not None:
            return planned.raised_at_ms
        if self._firmware.service.eos_at_ms is not None:
            return None  # the end came before anybody could plan for it
        return max(0, eos_at_ms - self._profile.replacement_lead_ms)

    @property
    def low_reservoir_if_eager_ms(self) -> int | None:
        """The low-reservoir moment if the patient asks for every bolus at once (REQ-19).

        The programmed infusion goes on undisturbed, and the patient's boluses come on top of it.
        """
        firmware = self._firmware
        prescribed, delivery = firmware.programming.current.patient, firmware.delivery
        active = firmware.alarms.is_active(Alarm.LOW_RESERVOIR)
        if prescribed is None or active or delivery.holds:
            return self.low_reservoir_at_ms
        bolus = delivery.bolus
        free_at_ms = firmware.at_ms
        if bolus is not None and bolus.kind is not BolusKind.PERIODIC:
            free_at_ms = bolus.curve.ends_at_ms
        latest_ms = self._low_at_ms
        assert latest_ms is not None, "a mode with patient boluses has a flow of its own"
        threshold_nl = firmware.programming.current.low_reservoir_threshold_nl
        moment_ms = first_ms_reaching_if_eager(
            firmware.ledger.left_units - threshold_nl * UNITS_PER_NL,
            course=delivery.course,
            from_ms=firmware.at_ms,
            latest_ms=latest_ms,
            asked=eager(firmware.patient_boluses, prescribed, free_at_ms),
        )
        return self.before_eos(moment_ms)

    def before_eos(self, moment_ms: int | None) -> int | None:
        """A moment, or None if the service will have ended by then."""
        eos_at_ms = self.eos_at_ms
        beyond = moment_ms is not None and eos_at_ms is not None and moment_ms > eos_at_ms
        return None if beyond else moment_ms

    # --- Volumes ---------------------------------------------------------------------------------

    @cached_property
    def _empty_at_ms(self) -> int | None:
        level_nl = self._profile.empty_reservoir_threshold_nl
        return _level_moment(self._firmware, Alarm.EMPTY_RESERVOIR, level_nl)

    def _bolus_end(self) -> int | None:
        """When the running bolus completes; None if there is none, or not enough for it.

        In the millisecond in which the reservoir runs dry less may be left than is asked for. A
        bolus that would end in it completes only if its last unit is there (REQ-07).
        """
        firmware = self._firmware
        course, left_units = firmware.delivery.course, firmware.ledger.left_units
        if course.bolus is None:
            return None
        ends_at_ms = course.bolus.ends_at_ms
        if course.units(firmware.at_ms, ends_at_ms) > left_units and not firmware.runs_dry:
            return None
        return ends_at_ms


_ALARMS = {
    Due.LOW_RESERVOIR: Alarm.LOW_RESERVOIR,
    Due.EMPTY_RESERVOIR: Alarm.EMPTY_RESERVOIR,
    Due.MOTOR_STALL: Alarm.MOTOR_STALL,
    Due.STOPPED_TOO_LONG: Alarm.STOPPED_TOO_LONG,
    Due.REPLACEMENT_PLANNED: Alarm.REPLACEMENT_PLANNED,
}
"""What is raised once and does not fall due again while it is active."""


def _level_moment(firmware: FirmwareState, alarm: Alarm, level_nl: int) -> int | None:
    """When the believed volume sinks to a level, or when the alarm for it was raised."""
    record = firmware.alarms.get(alarm)
    if record is not None and record.active:
        return record.raised_at_ms
    above_units = firmware.ledger.left_units - level_nl * UNITS_PER_NL
    return firmware.delivery.course.first_ms_reaching(above_units, from_ms=firmware.at_ms)


def _put_off(firmware: FirmwareState) -> int | None:
    """When a periodic bolus would begin under the bolus that runs."""
    course: Course = firmware.delivery.course
    if course.bolus is None or course.cycle is None:
        return None
    if firmware.programming.current.periodic is None:
        return None
    begins_at_ms = firmware.next_periodic_ms(firmware.at_ms)
    if begins_at_ms is None or begins_at_ms >= course.bolus.ends_at_ms:
        return None
    return begins_at_ms


def _stall_noticed(profile: Profile, firmware: FirmwareState) -> int | None:
    """When steps have been commanded in vain for long enough."""
    if firmware.motor_still_since_ms is None:
        return None
    since_ms = firmware.steps_missed_since_ms
    if since_ms is None:
        first_ms = firmware.delivery.course.first_ms_reaching(1, from_ms=firmware.at_ms)
        if first_ms is None:
            return None
        since_ms = first_ms - 1
    return since_ms + profile.stall_detect_ms


def _stopped_too_long(profile: Profile, firmware: FirmwareState) -> int | None:
    since_ms = firmware.programming.stopped_since_ms
    return None if since_ms is None else since_ms + profile.stopped_too_long_ms


def _memory_check(profile: Profile, firmware: FirmwareState) -> int | None:
    hit_at_ms = firmware.memory.hit_at_ms
    if hit_at_ms is None:
        return None
    interval_ms = profile.memory_check_interval_ms
    return (hit_at_ms // interval_ms + 1) * interval_ms
