"""The core of the firmware: what it remembers, its log, its alarms. It decides on no flow.

Four layers make the firmware, each knowing only those below: `Core` keeps, `Infusion` lets drug
flow and boluses end, `Prescribing` puts prescriptions in force, `Firmware` obeys clinicians in all
the rest. They own all that is believed, and nothing of it is changed from elsewhere.
"""

from dataclasses import replace

from pump_sim.model.events import AccessEvent, EventCode, LogEntry
from pump_sim.model.firmware.alarms import Alarm, AlarmRecord
from pump_sim.model.firmware.memory import Region
from pump_sim.model.firmware.service import ServiceState
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Reason, RefusalCode
from pump_sim.model.units import UNITS_PER_NL


class Core:
    """The parts of which the firmware's memory consists. Each is a frozen value."""

    def __init__(self, profile: Profile, state: FirmwareState) -> None:
        self.profile = profile
        self.at_ms = state.at_ms
        self.programming = state.programming
        self.delivery = state.delivery
        self.ledger = state.ledger
        self.service = state.service
        self.alarms = state.alarms
        self.memory = state.memory
        self.orders = state.orders
        self.patient_boluses = state.patient_boluses
        self.log = state.log
        self.access_log = state.access_log
        self.clock_offset_ms = state.clock_offset_ms
        self.last_refill_at_ms = state.last_refill_at_ms
        self.gauge = state.gauge
        self.motor_still_since_ms = state.motor_still_since_ms
        self.steps_missed_since_ms = state.steps_missed_since_ms
        self.runs_dry = state.runs_dry
        self.historic_updates = state.historic_updates

    def state(self) -> FirmwareState:
        """All that the firmware believes now."""
        return FirmwareState(
            at_ms=self.at_ms,
            programming=self.programming,
            delivery=self.delivery,
            ledger=self.ledger,
            service=self.service,
            alarms=self.alarms,
            memory=self.memory,
            orders=self.orders,
            patient_boluses=self.patient_boluses,
            log=self.log,
            access_log=self.access_log,
            clock_offset_ms=self.clock_offset_ms,
            last_refill_at_ms=self.last_refill_at_ms,
            gauge=self.gauge,
            motor_still_since_ms=self.motor_still_since_ms,
            steps_missed_since_ms=self.steps_missed_since_ms,
            runs_dry=self.runs_dry,
            historic_updates=self.historic_updates,
        )

    # --- Logs ------------------------------------------------------------------------------------

    def record(self, event: EventCode, a: int = 0, b: int = 0, link_id: int = 0) -> None:
        """Write one record; every change of what is believed does so, exactly once (REQ-27)."""
        version = self.programming.version
        entry = LogEntry(self.log.next_sequence, self.at_ms, event, a, b, link_id, version)
        self.log = self.log.appended(entry)

    def record_access(
        self,
        event: AccessEvent,
        link_id: int = 0,
        *,
        request: int = 0,
        code: int = 0,
        field: int = 0,
    ) -> None:
        """Note who came; `request`, `code` and `field` are the caller's own numbers."""
        self.access_log = self.access_log.noted(
            event, at_ms=self.at_ms, link_id=link_id, request=request, code=code, field=field
        )

    def record_interrogation(self, link_id: int, *, request: int = 0) -> None:
        """Note that the pump was read; `request` is the caller's own number, 0 if it has none."""
        self.record_access(AccessEvent.INTERROGATED, link_id, request=request)

    def record_refusal(
        self,
        *,
        request: int,
        code: int,
        field: int,
        link_id: int = 0,
        event: AccessEvent = AccessEvent.REFUSED,
    ) -> None:
        """Note a refusal or misuse; `request`, `code` and `field` are the caller's own numbers."""
        self.record_access(event, link_id, request=request, code=code, field=field)

    # --- Alarms ----------------------------------------------------------------------------------

    def raise_alarm(self, alarm: Alarm) -> None:
        """Raise an alarm, from the beginning; one that is active already goes on as it is."""
        if self.alarms.is_active(alarm):
            return
        raised = AlarmRecord(alarm, self.at_ms)
        self.alarms = self.alarms.updated(raised)
        self.record(EventCode.ALARM_RAISED, alarm.value, raised.alarm_class.value)

    def clear_alarms(self) -> None:
        """Clear every active alarm whose condition has gone."""
        for listed in self.alarms.records:
            if listed.active and self.condition_has_gone(listed.alarm):
                self.alarms = self.alarms.updated(replace(listed, cleared_at_ms=self.at_ms))
                self.record(EventCode.ALARM_CLEARED, listed.alarm.value, listed.raised_at_ms)

    def condition_has_gone(self, alarm: Alarm) -> bool:  # noqa: C901, PLR0911 - a line each
        """Whether nothing is left of what raises an alarm."""
        match alarm:
            case Alarm.LOW_RESERVOIR:
                return self._believes_more_than(self.programming.current.low_reservoir_threshold_nl)
            case Alarm.EMPTY_RESERVOIR:
                return self._believes_more_than(self.profile.empty_reservoir_threshold_nl)
            case Alarm.STOPPED_TOO_LONG:
                return self.programming.stopped_since_ms is None
            case Alarm.MOTOR_STALL:
                return self.motor_still_since_ms is None
            case Alarm.CRITICAL_MEMORY_ERROR:
                return not self.programming.safe
            case Alarm.SAFE_STATE:
                return not self.programming.safe
            case Alarm.MEMORY_ERROR:
                return not self.memory.worn
            case Alarm.UPDATE_INCOMPLETE:
                return not self.programming.incomplete
            case Alarm.EMERGENCY_ACTION:
                return not self.programming.emergency
            case Alarm.REPLACEMENT_PLANNED | Alarm.ERI | Alarm.EOS:
                return False  # only another pump ends these (REQ-20)

    def _believes_more_than(self, volume_nl: int) -> bool:
        return self.ledger.left_units > volume_nl * UNITS_PER_NL

    def end_of_service(self) -> tuple[Reason, ...]:
        """The reason why a pump that has ended its service obeys no more."""
        if self.service.state is ServiceState.EOS:
            return (Reason(RefusalCode.END_OF_SERVICE),)
        return ()

    # --- Memory ----------------------------------------------------------------------------------

    def check_memory(self) -> bool:
        """Look for damage, mend what can be, and tell whether the prescription is still known."""
        self.memory, found = self.memory.checked()
        for region, mended in found:
            self.record(EventCode.MEMORY_ERROR_FOUND, region.value, int(mended))
        lost = sum(region is not Region.NOTE and not mended for region, mended in found) > 1
        if any(region is Region.NOTE or mended for region, mended in found):
            self.raise_alarm(Alarm.MEMORY_ERROR)
        return not lost
