"""The pump: hardware and firmware put together, commands in, status out.

A `Pump` is the only thing in the model that changes. Everything that it is made of is a frozen
value, and `state()` is all of them in one. It knows no message, no clock but its own and nobody who
waits: whoever moves time calls `settle`.
"""

from dataclasses import replace

from pump_sim.model.events import AccessEvent, AccessLog, EventCode, LogEntry, TherapyLog
from pump_sim.model.firmware.alarms import Alarm, AlarmClass, AlarmRecord, Tone
from pump_sim.model.firmware.forecast import Due, Forecast, forecast
from pump_sim.model.firmware.selftest import CheckResult, self_test
from pump_sim.model.firmware.service import Service, ServiceState, battery_remaining_ppm
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.orders import (
    BolusOrder,
    BolusOutcome,
    BolusReport,
    BolusResult,
    Order,
    ReservoirResult,
    ReservoirUpdate,
    check_bolus,
    check_reservoir_update,
)
from pump_sim.model.prescription import Mode, Prescription, check_prescription
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused, out_of_range
from pump_sim.model.state import PumpState, new_state
from pump_sim.model.status import Moment, Status, Truth
from pump_sim.model.units import PPM, UNITS_PER_NL, ceil_div, nearest

LATEST_LOCAL_MS = 253_402_300_799_999
"""The end of the year 9999 as a local clock counts, in ms since 1970: later dates don't print."""


class Pump:
    """One pump, at one moment.

    Commands happen at `at_ms`: bring the pump to the present with `settle` first. A command that
    the pump does not obey raises `Refused` with every reason and changes nothing, except that a
    refused order is remembered as refused. `link_id` says in the log on whose behalf it was given.
    """

    # --- Making one ------------------------------------------------------------------------------

    def __init__(self, state: PumpState) -> None:
        hardware, firmware = state.hardware, state.firmware
        self._profile = state.profile
        self._serial_number = state.serial_number
        self._at_ms = state.at_ms

        self._reservoir = hardware.reservoir
        self._drive = hardware.drive
        self._battery = hardware.battery

        self._programming = firmware.programming
        self._delivery = firmware.delivery
        self._ledger = firmware.ledger
        self._service = firmware.service
        self._alarms = firmware.alarms
        self._orders = firmware.orders
        self._log = firmware.log
        self._access_log = firmware.access_log
        self._clock_offset_ms = firmware.clock_offset_ms
        self._last_refill_at_ms = firmware.last_refill_at_ms

        self._forecast: Forecast | None = None  # derived; None when the plan has changed

    @classmethod
    def from_state(cls, state: PumpState) -> "Pump":
        """A pump that goes on exactly where the one of that state was."""
        return cls(state)

    @classmethod
    def implant(
        cls,
        profile: Profile,
        prescription: Prescription,
        *,
        serial_number: str = "SIM-000001",
        volume_nl: int | None = None,
        flow_factor_ppm: int = PPM,
        clock_local_ms: int = 0,
    ) -> "Pump":
        """A new pump at 0 ms, filled with `volume_nl` (all it holds, unless told otherwise).

        `flow_factor_ppm` is what the drive truly delivers of what it is told to; `clock_local_ms`
        (since 1970) is the local time of the implant. Raises `Refused` for a bad prescription,
        ValueError for any other figure out of range.
        """
        if reasons := check_prescription(prescription, profile):
            raise Refused(*reasons)
        volume_nl = profile.capacity_nl if volume_nl is None else volume_nl
        for name, value, maximum in (
            ("volume_nl", volume_nl, profile.capacity_nl),
            ("flow_factor_ppm", flow_factor_ppm, 10 * PPM),
            ("clock_local_ms", clock_local_ms, LATEST_LOCAL_MS),
        ):
            if not 0 <= value <= maximum:
                raise ValueError(f"{name} = {value}: allowed are 0..{maximum}")
        state = new_state(
            profile,
            prescription,
            serial_number=serial_number,
            volume_nl=volume_nl,
            flow_factor_ppm=flow_factor_ppm,
            clock_local_ms=clock_local_ms,
        )
        pump = cls(state)
        pump._record(EventCode.IMPLANTED, volume_nl, prescription.rate_nl_per_day)
        pump.settle(0)
        return pump

    def state(self) -> PumpState:
        """Everything that this pump is now."""
        return PumpState(
            profile=self._profile,
            serial_number=self._serial_number,
            at_ms=self._at_ms,
            hardware=HardwareState(
                reservoir=self._reservoir, drive=self._drive, battery=self._battery
            ),
            firmware=self._firmware(),
        )

    def _firmware(self) -> FirmwareState:
        return FirmwareState(
            programming=self._programming,
            delivery=self._delivery,
            ledger=self._ledger,
            service=self._service,
            alarms=self._alarms,
            orders=self._orders,
            log=self._log,
            access_log=self._access_log,
            clock_offset_ms=self._clock_offset_ms,
            last_refill_at_ms=self._last_refill_at_ms,
        )

    # --- Time ------------------------------------------------------------------------------------

    @property
    def at_ms(self) -> int:
        """The pump's present, in ms since its implant. It never stops or goes back (REQ-28)."""
        return self._at_ms

    def next_due_ms(self) -> int | None:
        """The next moment at which something observable changes by itself; None if never."""
        due = self._outlook().next_due
        return None if due is None else due[0]

    def settle(self, to_ms: int) -> None:
        """Bring the pump to `to_ms`: all that falls due until then happens, at its own moment.

        Raises ValueError if that lies in the past.
        """
        if to_ms < self._at_ms:
            raise ValueError(f"to_ms = {to_ms}: the pump is already at {self._at_ms}")
        while (due := self._outlook().next_due) is not None and due[0] <= to_ms:
            self._flow_to(due[0])
            self._happen(due[1])
            self._forecast = None
        if to_ms > self._at_ms:
            self._flow_to(to_ms)

    def _outlook(self) -> Forecast:
        if self._forecast is None:
            self._forecast = forecast(
                self._profile,
                self._firmware(),
                at_ms=self._at_ms,
                charge_used=self._charge_used(),
            )
        return self._forecast

    def _charge_used(self) -> int:
        return self._battery.charge_used(self._at_ms, self._drive.odometer_units)

    def _flow_to(self, to_ms: int) -> None:
        """Drug flows: the firmware commands, the drive turns, the reservoir gives what it can."""
        planned = self._delivery.course.units(self._at_ms, to_ms)
        # In the millisecond in which the ledger runs out, only what is left in it is asked for.
        commanded = min(planned, self._ledger.left_units)
        if commanded:
            self._ledger = self._ledger.spend(commanded)
            self._reservoir = self._reservoir.give(self._drive.drawn(commanded))
            self._drive = self._drive.turned(commanded)
        self._at_ms = to_ms

    def _happen(self, due: Due) -> None:
        match due:
            case Due.BOLUS_ENDS:
                self._end_bolus(BolusOutcome.COMPLETED)
            case Due.LOW_RESERVOIR:
                self._raise(Alarm.LOW_RESERVOIR)
            case Due.EMPTY_RESERVOIR:
                self._raise(Alarm.EMPTY_RESERVOIR)
                self._hold(Alarm.EMPTY_RESERVOIR)
            case Due.STOPPED_TOO_LONG:
                self._raise(Alarm.STOPPED_TOO_LONG)
            case Due.ERI:
                self._service = Service(eri_at_ms=self._at_ms)
                self._raise(Alarm.ERI)
            case Due.EOS:
                self._service = Service(self._service.eri_at_ms, eos_at_ms=self._at_ms)
                self._raise(Alarm.EOS)
                self._hold(Alarm.EOS)

    # --- Programming -----------------------------------------------------------------------------

    @property
    def profile(self) -> Profile:
        """What kind of pump it is."""
        return self._profile

    @property
    def serial_number(self) -> str:
        """Which pump it is."""
        return self._serial_number

    @property
    def prescription(self) -> Prescription:
        """The prescription in force."""
        return self._programming.current

    @property
    def pending(self) -> Prescription | None:
        """The prescription that is staged, None if there is none."""
        return self._programming.pending

    @property
    def prescription_version(self) -> int:
        """How often a prescription was put in force; 1 since the implant."""
        return self._programming.version

    @property
    def prescription_since_ms(self) -> int:
        """When the prescription in force was put in force."""
        return self._programming.since_ms

    def stage(self, prescription: Prescription, *, link_id: int = 0) -> None:
        """Make a prescription pending, in place of any other. Therapy goes on as it was."""
        reasons = self._end_of_service() + check_prescription(prescription, self._profile)
        if reasons:
            raise Refused(*reasons)
        if self._programming.pending is not None:
            self.roll_back(link_id=link_id)
        self._programming = self._programming.staged(prescription)
        rate, dose = prescription.rate_nl_per_day, prescription.daily_dose_ng
        self._record(EventCode.STAGED, rate, dose, link_id)

    def roll_back(self, *, expired: bool = False, link_id: int = 0) -> Prescription:
        """Drop the pending prescription and return it; `expired` if nobody asked for that."""
        pending = self._programming.pending
        if pending is None:
            raise Refused(Reason(RefusalCode.NOTHING_STAGED))
        self._programming = self._programming.rolled_back()
        event = EventCode.STAGING_EXPIRED if expired else EventCode.ROLLED_BACK
        self._record(event, pending.rate_nl_per_day, pending.daily_dose_ng, link_id)
        return pending

    def commit(self, *, link_id: int = 0) -> int:
        """Put the pending prescription in force, whole, and return its version.

        A running bolus goes on under another dose of the same drug. It ends with the infusion that
        it was added to, where the new mode treats nobody.
        """
        old, new = self._programming.current, self._programming.pending
        if new is None:
            raise Refused(Reason(RefusalCode.NOTHING_STAGED))
        if reasons := self._reasons_against_commit(new):
            raise Refused(*reasons)
        if new.mode is not Mode.SIMPLE_CONTINUOUS:
            self._end_bolus(BolusOutcome.ABORTED, link_id)
        self._programming = self._programming.committed(new, self._at_ms)
        self._delivery = self._delivery.at_basal_rate(new.rate_nl_per_day)
        self._record(EventCode.COMMITTED, old.rate_nl_per_day, new.rate_nl_per_day, link_id)
        if new.mode is not old.mode:
            self._record(EventCode.MODE_CHANGED, old.mode.value, new.mode.value, link_id)
        self._after_change()
        return self._programming.version

    def _reasons_against_commit(self, new: Prescription) -> tuple[Reason, ...]:
        reasons = self._end_of_service() + check_prescription(new, self._profile)
        bolus, old = self._delivery.course.bolus, self._programming.current
        if bolus is None or new.mode is not Mode.SIMPLE_CONTINUOUS:
            return reasons
        # What is being delivered was ordered as a dose of the old drug at the old concentration.
        if new.drug_name != old.drug_name:
            reasons += (Reason(RefusalCode.BOLUS_ACTIVE, Field.DRUG_NAME),)
        if new.concentration_ng_per_ml != old.concentration_ng_per_ml:
            reasons += (Reason(RefusalCode.BOLUS_ACTIVE, Field.CONCENTRATION),)
        bolus_rate = ceil_div(bolus.volume_units, bolus.duration_ms)
        highest = self._profile.max_rate_nl_per_day - bolus_rate  # REQ-09
        return reasons + out_of_range(Field.RATE, new.rate_nl_per_day, 0, highest)

    # --- Orders ----------------------------------------------------------------------------------

    def last_order_number(self, programmer_id: int) -> int:
        """The highest order number that this programmer has used; 0 if none."""
        return self._orders.last_number(programmer_id)

    def order_bolus(self, order: BolusOrder, *, link_id: int = 0) -> BolusResult:
        """Begin a bolus, once: a repeat of the order is answered, not executed (REQ-07)."""
        known = self._orders.recall(order)
        if known is not None:
            assert isinstance(known, BolusResult)
            return known
        self._refuse_order(order, self._reasons_against_bolus(order))
        self._delivery = self._delivery.with_bolus(order, self._at_ms)
        result = BolusResult(order, self._at_ms, self._at_ms + order.duration_ms)
        self._orders = self._orders.remembering(order, result)
        self._record(EventCode.BOLUS_STARTED, order.volume_nl, order.order_number, link_id)
        self._after_change()
        return result

    def _reasons_against_bolus(self, order: BolusOrder) -> tuple[Reason, ...]:
        current = self._programming.current
        reasons = self._end_of_service() + check_bolus(order, current, self._profile)
        if current.mode is Mode.STOPPED:
            reasons += (Reason(RefusalCode.WRONG_MODE, Field.MODE),)
        if self._delivery.course.bolus is not None:
            reasons += (Reason(RefusalCode.BOLUS_ACTIVE),)
        left_nl = self._ledger.left_nl
        if not self._ledger.left_units:
            reasons += (Reason(RefusalCode.RESERVOIR_EMPTY),)
        elif left_nl < order.volume_nl <= self._profile.capacity_nl:
            reasons += out_of_range(Field.BOLUS_VOLUME, order.volume_nl, 1, left_nl)
        return reasons

    def abort_bolus(self, *, link_id: int = 0) -> BolusReport:
        """End the running bolus now and tell how much of it was delivered (REQ-07)."""
        report = self._end_bolus(BolusOutcome.ABORTED, link_id)
        if report is None:
            raise Refused(Reason(RefusalCode.NO_BOLUS))
        self._after_change()
        return report

    def update_reservoir(self, update: ReservoirUpdate, *, link_id: int = 0) -> ReservoirResult:
        """Believe, once, that a refill has left `volume_nl`. An empty pump's infusion resumes."""
        known = self._orders.recall(update)
        if known is not None:
            assert isinstance(known, ReservoirResult)
            return known
        reasons = self._end_of_service() + check_reservoir_update(update, self._profile)
        self._refuse_order(update, reasons)
        result = ReservoirResult(self._at_ms, self._ledger.left_nl, update.volume_nl)
        self._ledger = self._ledger.refill(update.volume_nl)
        self._last_refill_at_ms = self._at_ms
        self._orders = self._orders.remembering(update, result)
        before, after = result.believed_before_nl, result.believed_after_nl
        self._record(EventCode.RESERVOIR_UPDATED, before, after, link_id)
        self._after_change()
        return result

    def _refuse_order(self, order: Order, reasons: tuple[Reason, ...]) -> None:
        if reasons:
            self._orders = self._orders.remembering(order, reasons)
            raise Refused(*reasons)

    # --- Alarms ----------------------------------------------------------------------------------

    def acknowledge(self, alarm: Alarm, *, link_id: int = 0) -> AlarmRecord:
        """Mark a listed alarm as seen, and return its record, which may be the last of it.

        An active alarm stays active and goes on sounding. To acknowledge twice changes nothing.
        """
        record = self._listed(alarm)
        if not record.acknowledged:
            record = replace(record, acknowledged=True)
            self._alarms = self._alarms.updated(record)
            self._record(EventCode.ALARM_ACKNOWLEDGED, alarm.value, record.raised_at_ms, link_id)
        return record

    def silence(self, alarm: Alarm, duration_ms: int, *, link_id: int = 0) -> AlarmRecord:
        """Hold back the tones of an active alarm for a time, and return its record (REQ-16)."""
        record = self._listed(alarm)
        if not record.active:
            raise Refused(Reason(RefusalCode.ALARM_NOT_ACTIVE, Field.ALARM, alarm.value))
        longest = self._profile.max_non_critical_silence_ms
        if record.alarm_class is AlarmClass.CRITICAL:
            longest = self._profile.max_critical_silence_ms
        shortest = self._profile.min_silence_ms
        if reasons := out_of_range(Field.SILENCE_DURATION, duration_ms, shortest, longest):
            raise Refused(*reasons)
        record = replace(record, silenced_until_ms=self._at_ms + duration_ms)
        self._alarms = self._alarms.updated(record)
        self._record(EventCode.ALARM_SILENCED, alarm.value, record.silenced_until_ms, link_id)
        return record

    def test_alarm(self, alarm_class: AlarmClass, *, link_id: int = 0) -> Tone:
        """Sound the tone of a class once, now, and return it."""
        self._alarms = self._alarms.tested(alarm_class, self._at_ms)
        tone = self._alarms.test
        assert tone is not None
        duration_ms = tone.ends_at_ms - tone.starts_at_ms
        self._record(EventCode.ALARM_TESTED, alarm_class.value, duration_ms, link_id)
        return tone

    def tone_at(self, at_ms: int) -> Tone | None:
        """What sounds at `at_ms`, now or later, if nothing changes until then."""
        return self._alarms.tone_at(at_ms)

    def next_tone(self, after_ms: int) -> Tone | None:
        """The first tone to begin after `after_ms`, if nothing changes until then."""
        return self._alarms.next_tone(after_ms)

    def _listed(self, alarm: Alarm) -> AlarmRecord:
        record = self._alarms.get(alarm)
        if record is None:
            raise Refused(Reason(RefusalCode.ALARM_NOT_LISTED, Field.ALARM, alarm.value))
        return record

    # --- Clock, self-test, access ----------------------------------------------------------------

    @property
    def implanted_at_local_ms(self) -> int:
        """The local clock's reading at 0 ms, as it is set now."""
        return self._clock_offset_ms

    def set_clock(self, local_ms: int, *, link_id: int = 0) -> tuple[int, int]:
        """Set the local clock, in ms since 1970, and return what it was and is.

        Only the display of times follows: timers, alarms and service life count on (REQ-28). The
        clock cannot be set so that the implant would lie before 1970.
        """
        if reasons := out_of_range(Field.CLOCK, local_ms, self._at_ms, LATEST_LOCAL_MS):
            raise Refused(*reasons)
        old_ms = self._at_ms + self._clock_offset_ms
        self._clock_offset_ms = local_ms - self._at_ms
        self._record(EventCode.CLOCK_SET, old_ms, local_ms, link_id)
        return old_ms, local_ms

    def self_test(self, *, link_id: int = 0) -> tuple[CheckResult, ...]:
        """Check what the pump is able to check of itself, and log how that went."""
        results = self_test(self._profile, self._firmware())
        passed = sum(each.passed for each in results)
        self._record(EventCode.SELF_TESTED, passed, len(results) - passed, link_id)
        return results

    @property
    def log(self) -> TherapyLog:
        """The therapy log."""
        return self._log

    @property
    def access_log(self) -> AccessLog:
        """The log of interrogations, refusals and misuse."""
        return self._access_log

    def record_interrogation(self, link_id: int, *, request: int = 0) -> None:
        """Note that the pump was read; `request` is the caller's own number, 0 if it has none."""
        self._access_log = self._access_log.noted(
            AccessEvent.INTERROGATED, at_ms=self._at_ms, link_id=link_id, request=request
        )

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
        self._access_log = self._access_log.noted(
            event, at_ms=self._at_ms, link_id=link_id, request=request, code=code, field=field
        )

    # --- Reading ---------------------------------------------------------------------------------

    def status(self) -> Status:
        """What the pump says of itself now."""
        outlook, programming, ledger = self._outlook(), self._programming, self._ledger
        return Status(
            at_ms=self._at_ms,
            clock_local_ms=self._at_ms + self._clock_offset_ms,
            implanted_at_local_ms=self._clock_offset_ms,
            infusing_nl_per_day=self._delivery.rate_nl_per_day(),
            prescription=programming.current,
            prescription_version=programming.version,
            pending=programming.pending,
            believed_volume_nl=ledger.left_nl,
            capacity_nl=self._profile.capacity_nl,
            delivered_nl=ledger.delivered_nl,
            low_reservoir_at_ms=outlook.low_reservoir_at_ms,
            empty_reservoir_at_ms=outlook.empty_reservoir_at_ms,
            last_refill_at_ms=self._last_refill_at_ms,
            service=self._service.state,
            battery_remaining_ppm=battery_remaining_ppm(self._profile, self._charge_used()),
            eri_at_ms=outlook.eri_at_ms,
            eos_at_ms=outlook.eos_at_ms,
            bolus=self._delivery.bolus_report(self._at_ms),
            last_bolus=self._delivery.last_bolus,
            alarms=self._alarms.records,
            next_tone=self._alarms.next_tone(self._at_ms),
            log=self._log.range,
            access_log=self._access_log.range,
        )

    def moment(self) -> Moment:
        """The part of the status that changes by itself while nothing happens."""
        at_ms = self._at_ms
        tone = self._alarms.next_tone(at_ms)
        return Moment(
            at_ms,
            at_ms + self._clock_offset_ms,
            self._ledger.left_nl,
            self._ledger.delivered_nl,
            battery_remaining_ppm(self._profile, self._charge_used()),
            None if tone is None else tone.starts_at_ms,
        )

    def standing(self) -> tuple[object, ...] | None:
        """What the rest of the status follows from: equal as long as it does not change.

        None while more than a `Moment` changes by itself: a bolus runs, or a silence runs out.
        """
        if self._delivery.course.bolus is not None or self._alarms.any_silenced(self._at_ms):
            return None
        return (
            self._programming,
            self._delivery,
            self._service,
            self._alarms,
            self._log,
            self._access_log,
            self._clock_offset_ms,
            self._last_refill_at_ms,
        )

    def truth(self) -> Truth:
        """What is physically so now. For the harness and the console, never for the wire."""
        reservoir, factor_ppm = self._reservoir, self._drive.flow_factor_ppm
        rate = nearest(self._delivery.rate_nl_per_day() * factor_ppm, PPM)
        return Truth(
            at_ms=self._at_ms,
            actual_volume_nl=reservoir.left // FINE_UNITS_PER_NL,
            actual_delivered_nl=reservoir.delivered // FINE_UNITS_PER_NL,
            actual_rate_nl_per_day=rate if reservoir.left else 0,
            flow_factor_ppm=factor_ppm,
            charge_used=self._charge_used(),
        )

    def fill_by_hand(self, volume_nl: int) -> None:
        """Empty the reservoir and fill it with a needle. The pump notices nothing: see
        `update_reservoir`. For the harness. Raises ValueError beyond the capacity.
        """
        if not 0 <= volume_nl <= self._profile.capacity_nl:
            raise ValueError(f"volume_nl = {volume_nl}: allowed 0..{self._profile.capacity_nl}")
        self._reservoir = self._reservoir.refill(volume_nl)

    # --- What commands and due moments have in common --------------------------------------------

    def _record(self, event: EventCode, a: int = 0, b: int = 0, link_id: int = 0) -> None:
        """Write one record; every change of state above does so, exactly once (REQ-27)."""
        version = self._programming.version
        entry = LogEntry(self._log.next_sequence, self._at_ms, event, a, b, link_id, version)
        self._log = self._log.appended(entry)

    def _end_of_service(self) -> tuple[Reason, ...]:
        if self._service.state is ServiceState.EOS:
            return (Reason(RefusalCode.END_OF_SERVICE),)
        return ()

    def _after_change(self) -> None:
        """What a change brings about at once: conditions end, flow resumes, moments fall due."""
        self._forecast = None
        for record in self._alarms.records:
            if record.active and self._condition_has_gone(record.alarm):
                self._alarms = self._alarms.updated(replace(record, cleared_at_ms=self._at_ms))
                self._record(EventCode.ALARM_CLEARED, record.alarm.value, record.raised_at_ms)
        held_by = self._delivery.held_by
        if held_by is not None and self._condition_has_gone(held_by):
            rate_nl_per_day = self._programming.current.rate_nl_per_day
            self._delivery = self._delivery.resumed(rate_nl_per_day)
            self._record(EventCode.INFUSION_RESUMED, held_by.value, rate_nl_per_day)
        self.settle(self._at_ms)

    def _condition_has_gone(self, alarm: Alarm) -> bool:
        left_units = self._ledger.left_units
        match alarm:
            case Alarm.LOW_RESERVOIR:
                threshold_nl = self._programming.current.low_reservoir_threshold_nl
                return left_units > threshold_nl * UNITS_PER_NL
            case Alarm.EMPTY_RESERVOIR:
                return left_units > 0
            case Alarm.STOPPED_TOO_LONG:
                return self._programming.stopped_since_ms is None
            case Alarm.ERI | Alarm.EOS:
                return False  # only another pump ends these (REQ-20)

    def _raise(self, alarm: Alarm) -> None:
        record = AlarmRecord(alarm, self._at_ms)
        self._alarms = self._alarms.updated(record)
        self._record(EventCode.ALARM_RAISED, alarm.value, record.alarm_class.value)

    def _hold(self, alarm: Alarm) -> None:
        """Stop all flow; what a bolus has delivered until now is all it will."""
        rate_nl_per_day = self._delivery.rate_nl_per_day()
        # In its last millisecond a reservoir may have held less than was asked for: that one does
        # not count towards the bolus, so that nothing is reported that was not delivered.
        unsure_ms = 1 if alarm is Alarm.EMPTY_RESERVOIR else 0
        self._end_bolus(BolusOutcome.ABORTED, unsure_ms=unsure_ms)
        flowing = self._delivery.held_by is None
        self._delivery = self._delivery.held(alarm)
        if flowing:
            self._record(EventCode.INFUSION_STOPPED, alarm.value, rate_nl_per_day)

    def _end_bolus(
        self, outcome: BolusOutcome, link_id: int = 0, *, unsure_ms: int = 0
    ) -> BolusReport | None:
        """End the bolus in progress, if there is one, and report it."""
        report = self._delivery.bolus_report(self._at_ms, outcome, unsure_ms=unsure_ms)
        if report is None:
            return None
        self._delivery = self._delivery.without_bolus(report)
        completed = outcome is BolusOutcome.COMPLETED
        event = EventCode.BOLUS_COMPLETED if completed else EventCode.BOLUS_ABORTED
        self._record(event, report.delivered_nl, report.order.order_number, link_id)
        return report
