"""Protocol messages to pump calls and back: where the two sides meet.

Each request becomes one call of the model, each result one response, each refusal of the model one
refusal on the wire; how a single value looks on either side is :mod:`pump_sim.wire_values`. What
lives in link time and belongs to neither side lives here too: how long a staged prescription waits
for its commit. It knows neither bytes nor where they come from.
"""

from collections.abc import Callable
from typing import Any, Final

from pump_protocol import codes, events
from pump_protocol import messages as m
from pump_protocol._version import __version__
from pump_protocol.payloads import EncodedResponse, Template, prescription_digest
from pump_sim import wire_values as values
from pump_sim.model.events import AccessEvent
from pump_sim.model.orders import BolusOrder, PatientRequest, ReservoirUpdate
from pump_sim.model.prescription import Prescription
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Reason, RefusalCode, Refused
from pump_sim.model.rules import needs_confirmation
from pump_sim.presence import Presence

PRODUCT: Final = "pump-sim (simulator, not for clinical use)"


_SECURITY_EVENTS: Final = {
    codes.RefusalCode.AUTHENTICATION_FAILED: AccessEvent.AUTHENTICATION_FAILED,
    codes.RefusalCode.AUTHENTICATION_LOCKED: AccessEvent.AUTHENTICATION_FAILED,
    codes.RefusalCode.NOT_AUTHENTIC: AccessEvent.NOT_AUTHENTIC,
    codes.RefusalCode.SEQUENCE_REUSED: AccessEvent.SEQUENCE_MISUSED,
    codes.RefusalCode.SEQUENCE_STALE: AccessEvent.SEQUENCE_MISUSED,
}
"""Refusals that the access log has under a name of their own; any other is a REFUSED."""


class _RefusedByTelemetry(Exception):
    """A refusal in the wire's own terms, of things that the model does not know."""

    def __init__(self, reason: m.Reason) -> None:
        super().__init__(reason)
        self.reason = reason


# The order of pump_sim.model.status.Moment.
_MOMENT_FIELDS: Final = (
    "at_ms",
    "clock_ms",
    "infusing_nl_per_day",
    "believed_volume_nl",
    "delivered_nl",
    "battery_remaining_ppm",
    "next_tone_at_ms",
)

Handler = Callable[["Telemetry", Any, events.RequestReceived], m.Response | EncodedResponse]


class Telemetry:
    """Answers the requests of one link for one pump.

    The caller has brought the pump to the present before each call.

    :param presence: what the pump senses of whoever is at its patient.
    :param authenticated: whether the pump has keys; it says so when it is asked who it is.
    """

    def __init__(
        self, pump: Pump, presence: Presence | None = None, *, authenticated: bool = False
    ) -> None:
        self._pump = pump
        self._presence = presence or Presence()
        self._authenticated = authenticated
        self._firmware = pump.firmware
        self._link_ms = 0
        self._staged_until_ms: int | None = None
        self._interrogated_by = 0  # the last link that was recorded as reading the status
        # The last status report, and what it followed from: true again while that stands.
        self._report: Template | None = None
        self._reported_standing: tuple[object, ...] | None = None

    def answer(self, event: events.RequestReceived, link_ms: int) -> m.Response | EncodedResponse:
        """Carry out a request at link time *link_ms*; a refusal has changed nothing."""
        self._link_ms = link_ms
        # A timer may be late; a commit that comes after the staging limit is late all the same.
        self.handle_timeout(link_ms)
        try:
            return _HANDLERS[type(event.request)](self, event.request, event)
        except Refused as refused:
            reasons = tuple(map(values.reason_out, refused.reasons))[: codes.MAX_REASONS]
        except _RefusedByTelemetry as refused:
            reasons = (refused.reason,)
        refusal = m.Refusal(event.request.message_type, reasons)
        self._record_refusal(refusal, event.link_id)
        return refusal

    def observe(self, event: events.Event) -> None:
        """Take note of what the session decided by itself."""
        if isinstance(event, events.RequestRefused):
            self._record_refusal(event.refusal, event.link_id)
        elif isinstance(event, events.LinkAuthenticated):
            self._firmware.record_access(
                AccessEvent.AUTHENTICATED, event.link_id, code=event.role.value
            )
        elif isinstance(event, events.KeyHandedOver):
            self._firmware.record_access(AccessEvent.PAIRED, event.link_id, code=event.role.value)

    def next_timeout(self) -> int | None:
        """The link time in ms at which :meth:`handle_timeout` wants to be called, or None."""
        return self._staged_until_ms

    def handle_timeout(self, link_ms: int) -> bool:
        """Roll back a staged prescription that nobody committed in time; tells whether it was."""
        if self._staged_until_ms is None and self._firmware.pending is not None:
            # Staged before this end of the link was made, by a pump whose state was restored.
            self._staged_until_ms = link_ms + codes.STAGING_LIMIT_MS
        if self._staged_until_ms is not None and link_ms >= self._staged_until_ms:
            self._staged_until_ms = None
            self._firmware.staging_expired()
            return True
        return False

    def _record_refusal(self, refusal: m.Refusal, link_id: int) -> None:
        reason = refusal.reasons[0]
        # A link that was closed while its programmer slept is an ordinary thing; opening one again
        # under an id that was used is what a recording would do.
        reopening = (
            reason.code is codes.RefusalCode.LINK_ID_USED
            and refusal.request_type == codes.MessageType.OPEN_LINK
        )
        event = _SECURITY_EVENTS.get(reason.code, AccessEvent.REFUSED)
        self._firmware.record_refusal(
            link_id=link_id,
            request=refusal.request_type,
            code=reason.code,
            field=reason.field,
            event=AccessEvent.SEQUENCE_MISUSED if reopening else event,
        )

    # --- Link ------------------------------------------------------------------------------------

    def _open_link(self, _: m.OpenLink, event: events.RequestReceived) -> m.LinkOpened:
        return m.LinkOpened(
            codes.IDLE_LIMIT_MS,
            codes.ABSOLUTE_LIMIT_MS,
            codes.STAGING_LIMIT_MS,
            self._firmware.last_order_number(event.programmer_id),
        )

    def _close_link(self, _: m.CloseLink, __: events.RequestReceived) -> m.LinkClosed:
        return m.LinkClosed()

    # --- Reading ---------------------------------------------------------------------------------

    def _identify(self, _: m.Identify, __: events.RequestReceived) -> m.Identity:
        return self.identity()

    def identity(self) -> m.Identity:
        """What the pump says of itself to anybody."""
        profile = self._pump.profile
        return m.Identity(
            nature=codes.Nature.SIMULATOR,
            protocol_version=codes.PROTOCOL_VERSION,
            security_profile=codes.SecurityProfile.AUTHENTICATED
            if self._authenticated
            else codes.SecurityProfile.LEGACY_INSECURE,
            capabilities=codes.Capability.SIMPLE_CONTINUOUS
            | codes.Capability.MINIMUM_RATE
            | codes.Capability.SINGLE_BOLUS
            | codes.Capability.FLEX
            | codes.Capability.PERIODIC_BOLUS
            | codes.Capability.PATIENT_BOLUS
            | codes.Capability.PRIMING_BOLUS
            | codes.Capability.BRIDGE_BOLUS
            | codes.Capability.MIXTURES,
            reservoir_capacity_nl=profile.capacity_nl,
            minimum_rate_nl_per_day=profile.minimum_rate_nl_per_day,
            minimum_therapeutic_rate_nl_per_day=profile.min_therapeutic_rate_nl_per_day,
            maximum_rate_nl_per_day=profile.max_rate_nl_per_day,
            maximum_daily_dose_ng=profile.max_daily_dose_ng,
            maximum_bolus_dose_ng=profile.max_bolus_dose_ng,
            minimum_bolus_duration_ms=profile.min_bolus_duration_ms,
            maximum_bolus_duration_ms=profile.max_bolus_duration_ms,
            minimum_concentration_ng_per_ml=profile.min_concentration_ng_per_ml,
            maximum_concentration_ng_per_ml=profile.max_concentration_ng_per_ml,
            maximum_low_reservoir_threshold_nl=profile.max_low_reservoir_threshold_nl,
            minimum_silence_ms=profile.min_silence_ms,
            maximum_silence_non_critical_ms=profile.max_non_critical_silence_ms,
            maximum_silence_critical_ms=profile.max_critical_silence_ms,
            soft_daily_dose_ng=profile.soft_daily_dose_ng,
            internal_tubing_volume_nl=profile.internal_tubing_volume_nl,
            maximum_priming_volume_nl=profile.max_priming_volume_nl,
            minimum_bolus_interval_ms=profile.min_bolus_interval_ms,
            maximum_bolus_interval_ms=profile.max_bolus_interval_ms,
            minimum_lockout_ms=profile.min_lockout_ms,
            maximum_lockout_ms=profile.max_lockout_ms,
            maximum_patient_boluses_per_day=profile.max_patient_boluses_per_day,
            minimum_critical_interval_ms=profile.min_critical_interval_ms,
            maximum_critical_interval_ms=profile.max_critical_interval_ms,
            product=PRODUCT,
            model=profile.model,
            serial_number=self._pump.serial_number,
            firmware_version=__version__,
        )

    def _interrogate(
        self, _: m.Interrogate, event: events.RequestReceived
    ) -> m.StatusReport | EncodedResponse:
        self._pump.interrogated()
        if event.link_id != self._interrogated_by:
            self._interrogated_by = event.link_id
            self._firmware.record_interrogation(event.link_id, request=event.request.message_type)
        standing = self._firmware.standing()
        if standing is None:
            return self._status_report()
        if self._report is None or standing != self._reported_standing:
            self._reported_standing = standing
            self._report = Template(self._status_report(), _MOMENT_FIELDS)
        *rest, tone = self._firmware.moment()
        return self._report.fill((*rest, codes.NEVER if tone is None else tone))

    def _status_report(self) -> m.StatusReport:
        status = self._firmware.status()
        bolus = status.bolus or status.last_bolus
        tone = status.next_tone
        return m.StatusReport(
            status.at_ms,
            status.clock_local_ms,
            status.implanted_at_local_ms,
            status.prescription_version,
            values.summary_out(status.prescription),
            status.pending is not None,
            status.infusing_nl_per_day,
            status.believed_volume_nl,
            status.capacity_nl,
            status.delivered_nl,
            status.low_reservoir_at_ms,
            status.empty_reservoir_at_ms,
            status.last_refill_at_ms,
            values.SERVICE_STATES[status.service],
            status.battery_remaining_ppm,
            status.eri_at_ms,
            status.eos_at_ms,
            status.replacement_planned_at_ms,
            status.next_periodic_at_ms,
            status.critical_interval_ms,
            None if tone is None else tone.starts_at_ms,
            values.range_out(status.log),
            values.range_out(status.access_log),
            values.patient_boluses_out(status.patient),
            () if bolus is None else (values.bolus_out(bolus),),
            tuple([values.alarm_out(record, status.at_ms) for record in status.alarms]),
        )

    def _read_prescription(
        self, request: m.ReadPrescription, _: events.RequestReceived
    ) -> m.PrescriptionReport:
        version = self._firmware.prescription_version
        prescription: Prescription | None = self._firmware.prescription
        if request.slot is codes.PrescriptionSlot.PENDING:
            version += 1
            prescription = self._firmware.pending
        if prescription is None:
            raise Refused(Reason(RefusalCode.NOTHING_STAGED))
        sent = values.prescription_out(prescription)
        digest = prescription_digest(version, sent)
        totals = values.totals_out(prescription)
        return m.PrescriptionReport(request.slot, version, digest, totals, sent)

    # --- Programming in two steps ----------------------------------------------------------------

    def _stage(
        self, request: m.StagePrescription, event: events.RequestReceived
    ) -> m.PrescriptionStaged:
        self._firmware.stage(values.prescription_in(request.prescription), link_id=event.link_id)
        self._staged_until_ms = self._link_ms + codes.STAGING_LIMIT_MS
        version = self._firmware.prescription_version + 1
        # What the pump holds, not what was sent: the echo is there to be compared (REQ-24).
        pending = self._firmware.pending
        assert pending is not None
        echo = values.prescription_out(pending)
        return m.PrescriptionStaged(
            version,
            prescription_digest(version, echo),
            codes.STAGING_LIMIT_MS,
            needs_confirmation(pending, self._pump.profile),
            values.totals_out(pending),
            echo,
        )

    def _commit(
        self, request: m.CommitPrescription, event: events.RequestReceived
    ) -> m.PrescriptionCommitted:
        pending = self._firmware.pending
        version = self._firmware.prescription_version
        current = prescription_digest(version, values.prescription_out(self._firmware.prescription))
        if request.digest == current:
            # A repeated commit, from a link that never heard the answer (REQ-25).
            return m.PrescriptionCommitted(version, self._firmware.prescription_since_ms, current)
        if reasons := self._firmware.end_of_service():
            raise Refused(*reasons)
        if pending is None:
            raise Refused(Reason(RefusalCode.NOTHING_STAGED))
        if request.digest != prescription_digest(version + 1, values.prescription_out(pending)):
            reason = m.Reason(codes.RefusalCode.STALE_DIGEST, codes.Field.DIGEST)
            raise _RefusedByTelemetry(reason)
        confirmed_ng = request.confirmed_dose_ng
        version = self._firmware.commit(confirmed_dose_ng=confirmed_ng, link_id=event.link_id)
        self._staged_until_ms = None
        return m.PrescriptionCommitted(
            version, self._firmware.prescription_since_ms, request.digest
        )

    def _roll_back(
        self, _: m.RollBackPrescription, event: events.RequestReceived
    ) -> m.PrescriptionRolledBack:
        self._firmware.roll_back(link_id=event.link_id)
        self._staged_until_ms = None
        return m.PrescriptionRolledBack(self._firmware.prescription_version)

    # --- Orders ----------------------------------------------------------------------------------

    def _order_bolus(self, request: m.OrderBolus, event: events.RequestReceived) -> m.BolusOrdered:
        order = BolusOrder(
            programmer_id=event.programmer_id,
            order_number=request.order_number,
            dose_ng=request.dose_ng,
            concentration_ng_per_ml=request.concentration_ng_per_ml,
            volume_nl=request.volume_nl,
            duration_ms=request.duration_ms,
            kind=values.BOLUS_KINDS_IN[request.kind],
        )
        result = self._firmware.order_bolus(order, link_id=event.link_id)
        return m.BolusOrdered(
            request.order_number, request.volume_nl, result.started_at_ms, result.ends_at_ms
        )

    def _abort_bolus(self, _: m.AbortBolus, event: events.RequestReceived) -> m.BolusAborted:
        report = self._firmware.abort_bolus(link_id=event.link_id)
        kind = values.BOLUS_KINDS[report.kind]
        return m.BolusAborted(kind, report.order_number, report.delivered_nl)

    def _request_patient_bolus(
        self, request: m.RequestPatientBolus, event: events.RequestReceived
    ) -> m.PatientBolusStarted:
        asked = PatientRequest(programmer_id=event.programmer_id, order_number=request.order_number)
        result = self._firmware.request_patient_bolus(asked, link_id=event.link_id)
        return m.PatientBolusStarted(
            request.order_number,
            result.volume_nl,
            result.started_at_ms,
            result.ends_at_ms,
            result.left,
            result.next_at_ms,
        )

    def _update_reservoir(
        self, request: m.UpdateReservoir, event: events.RequestReceived
    ) -> m.ReservoirUpdated:
        update = ReservoirUpdate(
            programmer_id=event.programmer_id,
            order_number=request.order_number,
            volume_nl=request.volume_nl,
        )
        result = self._firmware.update_reservoir(update, link_id=event.link_id)
        return m.ReservoirUpdated(
            request.order_number,
            result.updated_at_ms,
            result.believed_before_nl,
            result.believed_after_nl,
        )

    # --- Alarms ----------------------------------------------------------------------------------

    def _acknowledge(
        self, request: m.AcknowledgeAlarm, event: events.RequestReceived
    ) -> m.AlarmAcknowledged:
        record = self._firmware.acknowledge(values.ALARMS_IN[request.alarm], link_id=event.link_id)
        return m.AlarmAcknowledged(values.alarm_out(record, self._firmware.at_ms))

    def _silence(self, request: m.SilenceAlarm, event: events.RequestReceived) -> m.AlarmSilenced:
        record = self._firmware.silence(
            values.ALARMS_IN[request.alarm], request.duration_ms, link_id=event.link_id
        )
        return m.AlarmSilenced(values.alarm_out(record, self._firmware.at_ms))

    def _test_alarm(self, request: m.TestAlarm, event: events.RequestReceived) -> m.AlarmTested:
        alarm_class = values.ALARM_CLASSES_IN[request.alarm_class]
        tone = self._firmware.test_alarm(alarm_class, link_id=event.link_id)
        return m.AlarmTested(request.alarm_class, tone.ends_at_ms - tone.starts_at_ms)

    def _set_alarm_interval(
        self, request: m.SetAlarmInterval, event: events.RequestReceived
    ) -> m.AlarmIntervalSet:
        alarm_class = values.ALARM_CLASSES_IN[request.alarm_class]
        self._firmware.set_alarm_interval(alarm_class, request.interval_ms, link_id=event.link_id)
        return m.AlarmIntervalSet(request.alarm_class, request.interval_ms)

    # --- Emergency access ------------------------------------------------------------------------

    def _check_emergency(self) -> None:
        """Whoever has no key must be at the patient, and mean it."""
        if not self._presence.on_pump:
            raise _RefusedByTelemetry(m.Reason(codes.RefusalCode.NOT_NEAR, codes.Field.NONE))
        if not self._presence.intends(self._link_ms):
            raise _RefusedByTelemetry(m.Reason(codes.RefusalCode.NO_INTENT, codes.Field.NONE))

    def _record_emergency(self, request: m.Request[m.Response]) -> None:
        self._firmware.record_access(AccessEvent.EMERGENCY_ASKED, request=request.message_type)

    def _emergency_status(
        self, request: m.EmergencyStatus, _: events.RequestReceived
    ) -> m.EmergencyStatusReport:
        self._check_emergency()
        status = self._firmware.status()
        self._record_emergency(request)
        return m.EmergencyStatusReport(
            status.at_ms,
            status.clock_local_ms,
            values.summary_out(status.prescription),
            status.infusing_nl_per_day,
            status.believed_volume_nl,
            values.SERVICE_STATES[status.service],
            self._firmware.stopped_alarm_at_ms,
            tuple([values.alarm_out(record, status.at_ms) for record in status.alarms]),
        )

    def _emergency_minimum_rate(
        self, request: m.EmergencyMinimumRate, _: events.RequestReceived
    ) -> m.EmergencyMinimumRateSet:
        self._check_emergency()
        result = self._firmware.emergency_minimum_rate()
        self._staged_until_ms = None
        self._record_emergency(request)
        return m.EmergencyMinimumRateSet(result.at_ms, result.version, result.rate_nl_per_day)

    def _emergency_stop(
        self, request: m.EmergencyStop, _: events.RequestReceived
    ) -> m.EmergencyStopped:
        self._check_emergency()
        result = self._firmware.emergency_stop()
        self._staged_until_ms = None
        self._record_emergency(request)
        return m.EmergencyStopped(result.at_ms, result.version, result.stopped_alarm_at_ms)

    # --- Note, logs, clock, self-test ------------------------------------------------------------

    def _read_note(self, _: m.ReadNote, __: events.RequestReceived) -> m.NoteReport:
        text = self._firmware.read_note()
        return m.NoteReport(text is not None, text or "")

    def _write_note(self, request: m.WriteNote, event: events.RequestReceived) -> m.NoteWritten:
        self._firmware.write_note(request.text, link_id=event.link_id)
        return m.NoteWritten()

    def _read_log(self, request: m.ReadLog, _: events.RequestReceived) -> m.LogPage:
        _check_limit(request.limit, codes.MAX_LOG_ENTRIES)
        log = self._firmware.log
        return m.LogPage(
            values.range_out(log.range),
            tuple(
                m.LogEntry(
                    entry.sequence,
                    entry.at_ms,
                    values.LOG_EVENTS[entry.event],
                    entry.a,
                    entry.b,
                    entry.link_id,
                    entry.prescription_version,
                )
                for entry in log.page(request.first_sequence, request.limit)
            ),
        )

    def _read_access_log(
        self, request: m.ReadAccessLog, _: events.RequestReceived
    ) -> m.AccessLogPage:
        _check_limit(request.limit, codes.MAX_ACCESS_ENTRIES)
        log = self._firmware.access_log
        return m.AccessLogPage(
            values.range_out(log.range),
            tuple(
                m.AccessEntry(
                    entry.sequence,
                    entry.first_at_ms,
                    entry.last_at_ms,
                    min(entry.count, 2**32 - 1),
                    values.ACCESS_EVENTS[entry.event],
                    entry.request,
                    entry.code,
                    entry.field,
                    entry.last_link_id,
                )
                for entry in log.page(request.first_sequence, request.limit)
            ),
        )

    def _set_clock(self, request: m.SetClock, event: events.RequestReceived) -> m.ClockSet:
        old_ms, new_ms = self._firmware.set_clock(request.clock_ms, link_id=event.link_id)
        return m.ClockSet(old_ms, new_ms)

    def _self_test(self, _: m.SelfTest, event: events.RequestReceived) -> m.SelfTestReport:
        results = self._firmware.self_test(link_id=event.link_id)
        return m.SelfTestReport(
            tuple(m.CheckResult(values.CHECKS[result.check], result.passed) for result in results)
        )


_HANDLERS: Final[dict[type[m.Request[Any]], Handler]] = {
    m.OpenLink: Telemetry._open_link,
    m.CloseLink: Telemetry._close_link,
    m.Identify: Telemetry._identify,
    m.Interrogate: Telemetry._interrogate,
    m.ReadPrescription: Telemetry._read_prescription,
    m.StagePrescription: Telemetry._stage,
    m.CommitPrescription: Telemetry._commit,
    m.RollBackPrescription: Telemetry._roll_back,
    m.OrderBolus: Telemetry._order_bolus,
    m.AbortBolus: Telemetry._abort_bolus,
    m.UpdateReservoir: Telemetry._update_reservoir,
    m.AcknowledgeAlarm: Telemetry._acknowledge,
    m.SilenceAlarm: Telemetry._silence,
    m.TestAlarm: Telemetry._test_alarm,
    m.ReadLog: Telemetry._read_log,
    m.ReadAccessLog: Telemetry._read_access_log,
    m.SetClock: Telemetry._set_clock,
    m.SelfTest: Telemetry._self_test,
    m.RequestPatientBolus: Telemetry._request_patient_bolus,
    m.SetAlarmInterval: Telemetry._set_alarm_interval,
    m.ReadNote: Telemetry._read_note,
    m.WriteNote: Telemetry._write_note,
    m.EmergencyStatus: Telemetry._emergency_status,
    m.EmergencyMinimumRate: Telemetry._emergency_minimum_rate,
    m.EmergencyStop: Telemetry._emergency_stop,
}


def _check_limit(limit: int, maximum: int) -> None:
    if not 1 <= limit <= maximum:
        raise _RefusedByTelemetry(
            m.Reason(codes.RefusalCode.OUT_OF_RANGE, codes.Field.ENTRY_LIMIT, limit, 1, maximum)
        )
