"""The firmware: what a pump believes, and how it obeys clinicians. It never sees the hardware.

Commands happen at `at_ms`, the pump's own time: bring the pump to the present first. A command that
is not obeyed raises `Refused` with every reason and changes nothing, except that a refused order is
remembered as refused and a refused patient is logged. `link_id` says in the log on whose behalf a
command was given.
"""

from dataclasses import replace
from enum import Enum

from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import Alarm, AlarmClass, AlarmRecord, Tone
from pump_sim.model.firmware.delivery import Hold
from pump_sim.model.firmware.forecast import Forecast
from pump_sim.model.firmware.memory import Region, check_note
from pump_sim.model.firmware.prescribing import Prescribing
from pump_sim.model.firmware.selftest import CheckResult, self_test
from pump_sim.model.firmware.service import ServiceState, battery_remaining_ppm
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.orders import (
    ReservoirResult,
    ReservoirUpdate,
    check_reservoir_update,
)
from pump_sim.model.prescription import Mode, minimum_rate_of
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused, out_of_range
from pump_sim.model.status import Moment, PatientBolusState, Status

LATEST_LOCAL_MS = 253_402_300_799_999
"""The end of the year 9999 as a local clock counts, in ms since 1970: later dates don't print."""


class ResetCause(Enum):
    """Why a pump started anew; the numbers are those of the log's parameters."""

    WATCHDOG = 1
    BROWN_OUT = 2
    MEMORY = 3
    COMMANDED = 4


class Firmware(Prescribing):
    """A pump's beliefs and decisions."""

    def implanted(self, volume_nl: int) -> None:
        """Begin service, with the prescription and the volume that the state was made with."""
        self.record(EventCode.IMPLANTED, volume_nl, self.prescription.rate_nl_per_day)
        self.happen_now()

    # --- Refill ----------------------------------------------------------------------------------

    def last_order_number(self, programmer_id: int) -> int:
        """The highest order number that this programmer has used; 0 if none."""
        return self.orders.last_number(programmer_id)

    def update_reservoir(self, update: ReservoirUpdate, *, link_id: int = 0) -> ReservoirResult:
        """Believe, once, that a refill has left `volume_nl`. An empty pump's infusion resumes."""
        known = self.orders.recall(update)
        if known is not None:
            assert isinstance(known, ReservoirResult)
            return known
        reasons = self.end_of_service() + check_reservoir_update(update, self.profile)
        self.refuse_order(update, reasons)
        result = ReservoirResult(self.at_ms, self.ledger.left_nl, update.volume_nl)
        self.ledger = self.ledger.refill(update.volume_nl)
        self.last_refill_at_ms = self.at_ms
        self.orders = self.orders.remembering(update, result)
        before, after = result.believed_before_nl, result.believed_after_nl
        self.record(EventCode.RESERVOIR_UPDATED, before, after, link_id)
        self.after_change()
        return result

    # --- Alarms ----------------------------------------------------------------------------------

    def acknowledge(self, alarm: Alarm, *, link_id: int = 0) -> AlarmRecord:
        """Mark a listed alarm as seen, and return its record, which may be the last of it.

        An active alarm stays active and goes on sounding. To acknowledge twice changes nothing.
        """
        listed = self._listed(alarm)
        if not listed.acknowledged:
            listed = replace(listed, acknowledged=True)
            self.alarms = self.alarms.updated(listed)
            self.record(EventCode.ALARM_ACKNOWLEDGED, alarm.value, listed.raised_at_ms, link_id)
        return listed

    def silence(self, alarm: Alarm, duration_ms: int, *, link_id: int = 0) -> AlarmRecord:
        """Hold back the tones of an active alarm for a time, and return its record (REQ-16)."""
        listed = self._listed(alarm)
        if not listed.active:
            raise Refused(Reason(RefusalCode.ALARM_NOT_ACTIVE, Field.ALARM, alarm.value))
        longest = self.profile.max_non_critical_silence_ms
        if listed.alarm_class is AlarmClass.CRITICAL:
            longest = self.profile.max_critical_silence_ms
        shortest = self.profile.min_silence_ms
        if reasons := out_of_range(Field.SILENCE_DURATION, duration_ms, shortest, longest):
            raise Refused(*reasons)
        listed = replace(listed, silenced_until_ms=self.at_ms + duration_ms)
        self.alarms = self.alarms.updated(listed)
        self.record(EventCode.ALARM_SILENCED, alarm.value, listed.silenced_until_ms, link_id)
        return listed

    def test_alarm(self, alarm_class: AlarmClass, *, link_id: int = 0) -> Tone:
        """Sound the tone of a class once, now, and return it."""
        self.alarms = self.alarms.tested(alarm_class, self.at_ms)
        tone = self.alarms.test
        assert tone is not None
        duration_ms = tone.ends_at_ms - tone.starts_at_ms
        self.record(EventCode.ALARM_TESTED, alarm_class.value, duration_ms, link_id)
        return tone

    def set_alarm_interval(
        self, alarm_class: AlarmClass, interval_ms: int, *, link_id: int = 0
    ) -> None:
        """Change how often the critical tone repeats (P16b); that of the others is fixed."""
        shortest = longest = self.profile.non_critical_interval_ms
        if alarm_class is AlarmClass.CRITICAL:
            shortest = self.profile.min_critical_interval_ms
            longest = self.profile.max_critical_interval_ms
        if reasons := out_of_range(Field.ALARM_INTERVAL, interval_ms, shortest, longest):
            raise Refused(*reasons)
        if alarm_class is AlarmClass.CRITICAL:
            self.alarms = self.alarms.with_critical_interval(interval_ms)
        self.record(EventCode.ALARM_INTERVAL_SET, alarm_class.value, interval_ms, link_id)

    def tone_at(self, at_ms: int) -> Tone | None:
        """What sounds at `at_ms`, now or later, if nothing changes until then."""
        return self.alarms.tone_at(at_ms)

    def next_tone(self, after_ms: int) -> Tone | None:
        """The first tone to begin after `after_ms`, if nothing changes until then."""
        return self.alarms.next_tone(after_ms)

    def _listed(self, alarm: Alarm) -> AlarmRecord:
        listed = self.alarms.get(alarm)
        if listed is None:
            raise Refused(Reason(RefusalCode.ALARM_NOT_LISTED, Field.ALARM, alarm.value))
        return listed

    # --- Clock, note, self-test ------------------------------------------------------------------

    @property
    def implanted_at_local_ms(self) -> int:
        """The local clock's reading at 0 ms, as it is set now."""
        return self.clock_offset_ms

    def set_clock(self, local_ms: int, *, link_id: int = 0) -> tuple[int, int]:
        """Set the local clock, in ms since 1970, and return what it was and is.

        The steps of a flex schedule follow, and the display of times; timers, lockouts, alarms and
        service life count on (REQ-28). The clock cannot be set so that the implant would lie
        before 1970.
        """
        if reasons := out_of_range(Field.CLOCK, local_ms, self.at_ms, LATEST_LOCAL_MS):
            raise Refused(*reasons)
        old_ms = self.at_ms + self.clock_offset_ms
        self.clock_offset_ms = local_ms - self.at_ms
        self.record(EventCode.CLOCK_SET, old_ms, local_ms, link_id)
        if self.prescription.mode is Mode.FLEX:
            self.follow_prescription(from_ms=max(self.at_ms, self.delivery.course.begins_at_ms))
            self.after_change()
        return old_ms, local_ms

    def read_note(self) -> str | None:
        """The clinician's note; None if its memory is damaged."""
        if not self.memory.note.intact:
            self.look_at_memory()
            self.after_change()
        return None if Region.NOTE in self.memory.worn else self.memory.note.value

    def write_note(self, text: str, *, link_id: int = 0) -> None:
        """Keep a note in place of the one before."""
        if reasons := check_note(text):
            raise Refused(*reasons)
        self.memory = self.memory.with_note(text)
        self.record(EventCode.NOTE_WRITTEN, len(text.encode()), 0, link_id)
        self.after_change()

    def self_test(self, *, link_id: int = 0) -> tuple[CheckResult, ...]:
        """Check what the pump is able to check of itself, and log how that went (REQ-21)."""
        known = self.check_memory()
        results = self_test(self.profile, self.state())
        passed = sum(each.passed for each in results)
        self.record(EventCode.SELF_TESTED, passed, len(results) - passed, link_id)
        if not known:
            self.prescription_lost()
        self.replan()
        return results

    # --- Reset and safe state --------------------------------------------------------------------

    def reset(self, cause: ResetCause) -> None:
        """Start anew, into the safe state: never into a prescription that was not confirmed since.

        Orders, lockouts, alarms, ledger and logs outlive it (REQ-12, REQ-17, REQ-22).
        """
        self.record(EventCode.RESET, cause.value)
        self._start_anew(known=self.check_memory())

    def prescription_lost(self) -> None:
        """Both copies are damaged: start anew, and do not guess (REQ-21)."""
        self.record(EventCode.RESET, ResetCause.MEMORY.value)
        self._start_anew(known=False)

    def _start_anew(self, *, known: bool) -> None:
        self.end_any_bolus()
        self.drop_pending(EventCode.ROLLED_BACK)
        self.delivery = replace(self.delivery, put_off=None)
        if Hold.TELEMETRY_LATCH in self.delivery.holds:
            self.release(Hold.TELEMETRY_LATCH)
        self.end_halt()
        if known and self.service.state is ServiceState.EOS:
            self.memory = self.memory.with_prescription(self.prescription)  # it treats nobody
        else:
            self._enter_safe_state(known=known)
        self.after_change()

    def _enter_safe_state(self, *, known: bool) -> None:
        old = self.prescription
        threshold_nl = self.profile.default_low_reservoir_threshold_nl
        if known:
            threshold_nl = old.low_reservoir_threshold_nl
        safe = minimum_rate_of(self.profile, old.drugs if known else (), threshold_nl)
        self.programming = self.programming.in_safe_state(safe, self.at_ms)
        self.memory = self.memory.with_prescription(safe)
        self.begin_infusion()
        if old.mode is not safe.mode:
            self.record(EventCode.MODE_CHANGED, old.mode.value, safe.mode.value)
        if not known:
            self.raise_alarm(Alarm.CRITICAL_MEMORY_ERROR)
        self.raise_alarm(Alarm.SAFE_STATE)

    # --- What the hardware lets it feel ----------------------------------------------------------

    def motor_stopped(self) -> None:
        """From now on the motor does not follow the commands."""
        if self.motor_still_since_ms is None:
            self.motor_still_since_ms = self.at_ms
            self.steps_missed_since_ms = None
            self.replan()

    def motor_turns(self) -> None:
        """The motor follows again."""
        since_ms = self.motor_still_since_ms
        if since_ms is None:
            return
        if self.alarms.is_active(Alarm.MOTOR_STALL):
            self.record(EventCode.MOTOR_RECOVERED, since_ms, self.at_ms)
        self.motor_still_since_ms = self.steps_missed_since_ms = None
        self.after_change()

    def latch_telemetry(self) -> None:
        """Interference: a pump whose alarm sounds waits for a programmer from now on (P28)."""
        if any(each.sounds for each in self.alarms.records):
            self.hold(Hold.TELEMETRY_LATCH)
            self.replan()

    def interrogated(self) -> None:
        """A programmer reads the pump: what waited for one goes on."""
        if Hold.TELEMETRY_LATCH in self.delivery.holds:
            self.release(Hold.TELEMETRY_LATCH)
            self.after_change()

    def battery_failed(self) -> None:
        """The battery gives way: the end of service comes at once (P16)."""
        self.end_service()
        self.after_change()

    def memory_hit(self, region: Region, seed: int) -> None:
        """A bit of the memory flips; the pump does not notice until it looks."""
        self.memory = self.memory.hit(region, seed, self.at_ms)
        self.replan()

    def plan_replacement(self, at_ms: int) -> None:
        """Believe that the pump is to be replaced at a date, right or wrong (P29)."""
        self.service = replace(self.service, replacement_planned_at_ms=at_ms)
        self.after_change()

    # --- Reading ---------------------------------------------------------------------------------

    def status(self) -> Status:
        """What the pump says of itself now."""
        outlook, programming, ledger = self.outlook(), self.programming, self.ledger
        running, state = self.running_bolus(), self.state()
        if self.prescription.patient is not None:
            # What a patient could still ask for depends on from when on: such a view does age.
            outlook = Forecast(self.profile, state)
        return Status(
            at_ms=self.at_ms,
            clock_local_ms=self.at_ms + self.clock_offset_ms,
            implanted_at_local_ms=self.clock_offset_ms,
            infusing_nl_per_day=self.infusing_nl_per_day(),
            prescription=programming.current,
            prescription_version=programming.version,
            pending=programming.pending,
            believed_volume_nl=ledger.left_nl,
            capacity_nl=self.profile.capacity_nl,
            delivered_nl=ledger.delivered_nl,
            low_reservoir_at_ms=outlook.low_reservoir_if_eager_ms,
            empty_reservoir_at_ms=outlook.empty_reservoir_at_ms,
            last_refill_at_ms=self.last_refill_at_ms,
            service=self.service.state,
            battery_remaining_ppm=battery_remaining_ppm(self.profile, self.gauge),
            eri_at_ms=outlook.eri_at_ms,
            eos_at_ms=outlook.eos_at_ms,
            replacement_planned_at_ms=outlook.replacement_at_ms,
            bolus=None if running is None else running.report(self.at_ms),
            last_bolus=self.delivery.last_bolus,
            next_periodic_at_ms=outlook.before_eos(self._next_periodic_ms(state)),
            patient=self._patient_boluses_left(),
            alarms=self.alarms.records,
            critical_interval_ms=self.alarms.signals.critical.interval_ms,
            next_tone=self.alarms.next_tone(self.at_ms),
            log=self.log.range,
            access_log=self.access_log.range,
        )

    def _next_periodic_ms(self, state: FirmwareState) -> int | None:
        """When the next periodic bolus begins, or what is put off of one."""
        if self.delivery.put_off is not None and self.delivery.bolus is not None:
            return self.delivery.bolus.curve.ends_at_ms
        return state.next_periodic_ms(self.at_ms + 1)

    def _patient_boluses_left(self) -> PatientBolusState | None:
        prescribed, boluses = self.prescription.patient, self.patient_boluses
        if prescribed is None:
            return None
        return PatientBolusState(
            prescribed.allotted_per_day,
            boluses.left(prescribed, self.at_ms),
            max(self.at_ms, boluses.next_ms(prescribed)),
        )

    def moment(self) -> Moment:
        """The part of the status that changes by itself while nothing happens."""
        at_ms = self.at_ms
        tone = self.alarms.next_tone(at_ms)
        return Moment(
            at_ms,
            at_ms + self.clock_offset_ms,
            self.infusing_nl_per_day(),
            self.ledger.left_nl,
            self.ledger.delivered_nl,
            battery_remaining_ppm(self.profile, self.gauge),
            None if tone is None else tone.starts_at_ms,
        )

    def standing(self) -> tuple[object, ...] | None:
        """What the rest of the status follows from: equal as long as it does not change.

        None while more than a `Moment` changes by itself: a bolus runs or will, or a silence runs
        out.
        """
        current = self.prescription
        if self.delivery.bolus is not None or current.periodic is not None:
            return None
        if current.patient is not None or self.alarms.any_silenced(self.at_ms):
            return None
        return (
            self.outlook(),  # another one whenever the plan has changed, for whatever reason
            self.programming,
            self.alarms,
            self.log,
            self.access_log,
            self.clock_offset_ms,
        )
