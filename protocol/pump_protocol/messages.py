"""What can be said: every message as a frozen value, each request naming its response.

A message is its meaning, not its bytes (those are declared in :mod:`pump_protocol.layouts`) and not
its moment (that is :mod:`pump_protocol.session`). Units are in the names: rates in nL/day, volumes
in nL, doses in ng, concentrations in ng/mL, times in ms. ``*_at_ms`` is *pump time*: monotonic
milliseconds since implantation, which no clock setting moves; add ``implanted_clock_ms`` of the
status report to get a date on the local clock as it is set now. ``clock_ms`` is the pump's
*local clock*: milliseconds since 1970-01-01 00:00 on the wall clock of the place, without zone or
daylight saving. ``None`` for a time means never.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from pump_protocol.codes import (
    AccessEvent,
    Alarm,
    AlarmClass,
    AlarmFlag,
    BolusKind,
    BolusOutcome,
    BridgeDecision,
    Capability,
    Check,
    Field,
    LogEvent,
    MassUnit,
    MessageType,
    Mode,
    Nature,
    PrescriptionSlot,
    RefusalCode,
    SecurityProfile,
    ServiceState,
    UserRole,
    Weekday,
)


@dataclass(frozen=True, slots=True)
class Message:
    """Anything that a frame may carry."""

    message_type: ClassVar[MessageType]


@dataclass(frozen=True, slots=True)
class Response(Message):
    """What a pump sends, always as the answer to one request."""


R_co = TypeVar("R_co", bound=Response, covariant=True)


@dataclass(frozen=True, slots=True)
class Request(Message, Generic[R_co]):
    """What a programmer sends; ``response_class`` is what an accepting pump answers with."""

    response_class: ClassVar[type[Response]]


# --- Parts that several messages share -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drug:
    """One drug of the mixture in the reservoir."""

    mass_unit: MassUnit
    concentration_ng_per_ml: int
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """A rate that is in force from a time of day until the next step, or until midnight."""

    starts_at_min: int
    rate_nl_per_day: int


@dataclass(frozen=True, slots=True)
class DayPattern:
    """The steps of the days that share them; the first one starts at midnight."""

    weekdays: Weekday
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PeriodicBolus:
    """A bolus that repeats at an interval, on top of a basal rate, which may be 0."""

    basal_rate_nl_per_day: int
    dose_ng: int
    volume_nl: int
    duration_ms: int
    interval_ms: int
    first_after_ms: int


@dataclass(frozen=True, slots=True)
class PatientBolus:
    """What a patient may ask for, how soon after the last time, and how often in any 24 h."""

    dose_ng: int
    volume_nl: int
    duration_ms: int
    lockout_ms: int
    allotted_per_day: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """How the old drug is cleared from tubing and catheter when the concentration changes."""

    volume_nl: int
    rate_nl_per_day: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Prescription:
    """A whole prescription. Doses, concentrations and rates travel together and must agree.

    ``daily_dose_ng`` and ``rate_nl_per_day`` are those of all that is programmed, without patient
    boluses: in modes FLEX and PERIODIC_BOLUS their means. The first drug, the primary one, is what
    all doses are of. A list that holds at most one element is empty where nothing is prescribed.
    """

    mode: Mode
    drugs: tuple[Drug, ...]
    daily_dose_ng: int
    rate_nl_per_day: int
    low_reservoir_threshold_nl: int
    days: tuple[DayPattern, ...] = ()
    periodic_boluses: tuple[PeriodicBolus, ...] = ()
    patient_boluses: tuple[PatientBolus, ...] = ()
    bridge_decision: BridgeDecision = BridgeDecision.NOT_NEEDED
    bridges: tuple[Bridge, ...] = ()

    @property
    def drug(self) -> Drug | None:
        """The primary drug; None where the pump has lost it (safe state after a memory error)."""
        return self.drugs[0] if self.drugs else None

    @property
    def periodic(self) -> PeriodicBolus | None:
        """The periodic bolus, if there is one."""
        return self.periodic_boluses[0] if self.periodic_boluses else None

    @property
    def patient(self) -> PatientBolus | None:
        """The patient bolus, if there is one."""
        return self.patient_boluses[0] if self.patient_boluses else None

    @property
    def bridge(self) -> Bridge | None:
        """The bridge, if one was decided on."""
        return self.bridges[0] if self.bridges else None


@dataclass(frozen=True, slots=True)
class PrescriptionSummary:
    """What of a prescription is read at every interrogation, of the primary drug.

    ``drug_count`` is 0 where the pump has lost its drug: safe state after a memory error.
    """

    mode: Mode
    mass_unit: MassUnit
    concentration_ng_per_ml: int
    daily_dose_ng: int
    rate_nl_per_day: int
    low_reservoir_threshold_nl: int
    drug_count: int
    drug_name: str


@dataclass(frozen=True, slots=True)
class DoseTotals:
    """Doses of the primary drug over the whole schedule, as the pump reckons them (REQ-04).

    ``highest_ng`` is that of the day with most, ``with_patient_ng`` adds every patient bolus that
    could be asked for on it: what the pump's limits are held against.
    """

    mean_ng: int
    highest_ng: int
    with_patient_ng: int


@dataclass(frozen=True, slots=True)
class PatientBolusState:
    """How many patient boluses are left, and from when on the next one may be asked for."""

    allotted_per_day: int
    left: int
    next_at_ms: int


@dataclass(frozen=True, slots=True)
class BolusReport:
    """A bolus as the pump knows it: running, or the last one.

    ``programmer_id`` and ``order_number`` are 0 where nobody ordered it by a message.
    """

    kind: BolusKind
    outcome: BolusOutcome
    programmer_id: int
    order_number: int
    volume_nl: int
    delivered_nl: int
    duration_ms: int
    started_at_ms: int


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """One listed alarm: active, or latched until somebody acknowledges it."""

    alarm: Alarm
    flags: AlarmFlag
    raised_at_ms: int
    cleared_at_ms: int | None
    silenced_until_ms: int | None


@dataclass(frozen=True, slots=True)
class LogRange:
    """What a log holds: sequence numbers first to next - 1, and how many records it lost."""

    first_sequence: int
    next_sequence: int
    overwritten: int


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a refusal: the value that was asked for and what would have been allowed."""

    code: RefusalCode
    field: Field
    value: int | None = None
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One record of the therapy log; what ``a`` and ``b`` mean depends on ``event``."""

    sequence: int
    at_ms: int
    event: LogEvent
    a: int
    b: int
    link_id: int
    prescription_version: int


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One record of the access log: ``count`` like events between two moments."""

    sequence: int
    first_at_ms: int
    last_at_ms: int
    count: int
    event: AccessEvent
    request_type: int
    code: int
    field: int
    link_id: int


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One part of a self-test."""

    check: Check
    passed: bool


# --- Link ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkOpened(Response):
    """The link is open; limits are in link time."""

    message_type = MessageType.LINK_OPENED
    idle_limit_ms: int
    absolute_limit_ms: int
    staging_limit_ms: int
    last_order_number: int


@dataclass(frozen=True, slots=True)
class OpenLink(Request[LinkOpened]):
    """Begin a link under a fresh random link id; ends whatever link was open."""

    message_type = MessageType.OPEN_LINK
    response_class = LinkOpened
    programmer_id: int


@dataclass(frozen=True, slots=True)
class LinkClosed(Response):
    """The link is closed; its id will not be accepted again."""

    message_type = MessageType.LINK_CLOSED


@dataclass(frozen=True, slots=True)
class CloseLink(Request[LinkClosed]):
    """End the link. Therapy and a staged prescription are not touched."""

    message_type = MessageType.CLOSE_LINK
    response_class = LinkClosed


# --- Keys ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authenticated(Response):
    """The pump's half of the handshake: it has the key, too. Nothing is open yet."""

    message_type = MessageType.AUTHENTICATED
    handshake: bytes


@dataclass(frozen=True, slots=True)
class Authenticate(Request[Authenticated]):
    """Begin a handshake with a key, under the link id that is to be opened."""

    message_type = MessageType.AUTHENTICATE
    response_class = Authenticated
    key_id: int
    role: UserRole
    handshake: bytes


@dataclass(frozen=True, slots=True)
class Paired(Response):
    """A key of this pump. It goes over the wire sealed, in a link that a pairing code opened."""

    message_type = MessageType.PAIRED
    key_id: int
    role: UserRole
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pair(Request[Paired]):
    """Ask for the key of the role that a pairing code was shown for, in a link opened with it."""

    message_type = MessageType.PAIR
    response_class = Paired


# --- Reading -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity(Response):
    """Who answers, what it can do, and the limits it enforces."""

    message_type = MessageType.IDENTITY
    nature: Nature
    protocol_version: int
    security_profile: SecurityProfile
    capabilities: Capability
    reservoir_capacity_nl: int
    minimum_rate_nl_per_day: int
    minimum_therapeutic_rate_nl_per_day: int
    maximum_rate_nl_per_day: int
    maximum_daily_dose_ng: int
    maximum_bolus_dose_ng: int
    minimum_bolus_duration_ms: int
    maximum_bolus_duration_ms: int
    minimum_concentration_ng_per_ml: int
    maximum_concentration_ng_per_ml: int
    maximum_low_reservoir_threshold_nl: int
    minimum_silence_ms: int
    maximum_silence_non_critical_ms: int
    maximum_silence_critical_ms: int
    soft_daily_dose_ng: int
    internal_tubing_volume_nl: int
    maximum_priming_volume_nl: int
    minimum_bolus_interval_ms: int
    maximum_bolus_interval_ms: int
    minimum_lockout_ms: int
    maximum_lockout_ms: int
    maximum_patient_boluses_per_day: int
    minimum_critical_interval_ms: int
    maximum_critical_interval_ms: int
    product: str
    model: str
    serial_number: str
    firmware_version: str


@dataclass(frozen=True, slots=True)
class Identify(Request[Identity]):
    """Ask who answers; allowed without an open link."""

    message_type = MessageType.IDENTIFY
    response_class = Identity


@dataclass(frozen=True, slots=True)
class StatusReport(Response):
    """Everything that a clinician sees. Volumes are what the pump *believes*."""

    message_type = MessageType.STATUS_REPORT
    at_ms: int
    clock_ms: int
    implanted_clock_ms: int
    prescription_version: int
    prescription: PrescriptionSummary
    has_pending: bool
    infusing_nl_per_day: int
    believed_volume_nl: int
    reservoir_capacity_nl: int
    delivered_nl: int
    low_reservoir_at_ms: int | None
    empty_reservoir_at_ms: int | None
    last_refill_at_ms: int
    service_state: ServiceState
    battery_remaining_ppm: int
    eri_at_ms: int | None
    eos_at_ms: int | None
    replacement_planned_at_ms: int | None
    next_periodic_bolus_at_ms: int | None
    critical_interval_ms: int
    next_tone_at_ms: int | None
    therapy_log: LogRange
    access_log: LogRange
    patient_boluses: tuple[PatientBolusState, ...]
    boluses: tuple[BolusReport, ...]
    alarms: tuple[AlarmRecord, ...]


@dataclass(frozen=True, slots=True)
class Interrogate(Request[StatusReport]):
    """Ask for everything that a clinician sees."""

    message_type = MessageType.INTERROGATE
    response_class = StatusReport


@dataclass(frozen=True, slots=True)
class PrescriptionReport(Response):
    """One prescription, the version it has (or would get), and its digest."""

    message_type = MessageType.PRESCRIPTION_REPORT
    slot: PrescriptionSlot
    version: int
    digest: bytes
    totals: DoseTotals
    prescription: Prescription


@dataclass(frozen=True, slots=True)
class ReadPrescription(Request[PrescriptionReport]):
    """Ask for the current or the pending prescription."""

    message_type = MessageType.READ_PRESCRIPTION
    response_class = PrescriptionReport
    slot: PrescriptionSlot


# --- Programming in two steps --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrescriptionStaged(Response):
    """The pump's own copy of what would be committed. Therapy goes on unchanged.

    Where ``must_confirm`` the dose is above the soft limit, and the commit has to repeat
    ``totals.with_patient_ng`` (REQ-03).
    """

    message_type = MessageType.PRESCRIPTION_STAGED
    version: int
    digest: bytes
    expires_in_ms: int
    must_confirm: bool
    totals: DoseTotals
    prescription: Prescription


@dataclass(frozen=True, slots=True)
class StagePrescription(Request[PrescriptionStaged]):
    """Hand over a pending prescription; replaces one staged before."""

    message_type = MessageType.STAGE_PRESCRIPTION
    response_class = PrescriptionStaged
    prescription: Prescription


@dataclass(frozen=True, slots=True)
class PrescriptionCommitted(Response):
    """The prescription that is in force from ``committed_at_ms``."""

    message_type = MessageType.PRESCRIPTION_COMMITTED
    version: int
    committed_at_ms: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class CommitPrescription(Request[PrescriptionCommitted]):
    """Put the pending prescription in force; the digest says which one was reviewed.

    ``confirmed_dose_ng`` repeats the highest dose of a day where it is above the soft limit.
    """

    message_type = MessageType.COMMIT_PRESCRIPTION
    response_class = PrescriptionCommitted
    digest: bytes
    confirmed_dose_ng: int | None = None


@dataclass(frozen=True, slots=True)
class PrescriptionRolledBack(Response):
    """Nothing is pending; ``version`` is in force as before."""

    message_type = MessageType.PRESCRIPTION_ROLLED_BACK
    version: int


@dataclass(frozen=True, slots=True)
class RollBackPrescription(Request[PrescriptionRolledBack]):
    """Drop the pending prescription."""

    message_type = MessageType.ROLL_BACK_PRESCRIPTION
    response_class = PrescriptionRolledBack


# --- Orders --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BolusOrdered(Response):
    """The bolus of this order began at ``started_at_ms``, whether now or at an earlier telling."""

    message_type = MessageType.BOLUS_ORDERED
    order_number: int
    volume_nl: int
    started_at_ms: int
    ends_at_ms: int


@dataclass(frozen=True, slots=True)
class OrderBolus(Request[BolusOrdered]):
    """Deliver a bolus on top of the basal rate, once for each order number.

    ``kind`` is SINGLE or PRIMING; a priming bolus is limited by its volume, not by its dose.
    """

    message_type = MessageType.ORDER_BOLUS
    response_class = BolusOrdered
    order_number: int
    kind: BolusKind
    dose_ng: int
    concentration_ng_per_ml: int
    volume_nl: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class PatientBolusStarted(Response):
    """The bolus of this request began, and when the patient may ask again."""

    message_type = MessageType.PATIENT_BOLUS_STARTED
    order_number: int
    volume_nl: int
    started_at_ms: int
    ends_at_ms: int
    left: int
    next_at_ms: int


@dataclass(frozen=True, slots=True)
class RequestPatientBolus(Request[PatientBolusStarted]):
    """The patient asks for the bolus that is prescribed, once for each order number."""

    message_type = MessageType.REQUEST_PATIENT_BOLUS
    response_class = PatientBolusStarted
    order_number: int


@dataclass(frozen=True, slots=True)
class BolusAborted(Response):
    """The running bolus has ended; ``delivered_nl`` of it was delivered."""

    message_type = MessageType.BOLUS_ABORTED
    kind: BolusKind
    order_number: int
    delivered_nl: int


@dataclass(frozen=True, slots=True)
class AbortBolus(Request[BolusAborted]):
    """End the running bolus, of whatever kind; the basal rate goes on."""

    message_type = MessageType.ABORT_BOLUS
    response_class = BolusAborted


@dataclass(frozen=True, slots=True)
class ReservoirUpdated(Response):
    """What the pump believed before and believes now."""

    message_type = MessageType.RESERVOIR_UPDATED
    order_number: int
    updated_at_ms: int
    before_nl: int
    after_nl: int


@dataclass(frozen=True, slots=True)
class UpdateReservoir(Request[ReservoirUpdated]):
    """Tell the pump the usable volume after a refill. It measures nothing: it believes this."""

    message_type = MessageType.UPDATE_RESERVOIR
    response_class = ReservoirUpdated
    order_number: int
    volume_nl: int


# --- Alarms --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AlarmAcknowledged(Response):
    """The alarm as it stands after it was acknowledged."""

    message_type = MessageType.ALARM_ACKNOWLEDGED
    record: AlarmRecord


@dataclass(frozen=True, slots=True)
class AcknowledgeAlarm(Request[AlarmAcknowledged]):
    """Say that a person has seen the alarm."""

    message_type = MessageType.ACKNOWLEDGE_ALARM
    response_class = AlarmAcknowledged
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class AlarmSilenced(Response):
    """The alarm as it stands after it was silenced."""

    message_type = MessageType.ALARM_SILENCED
    record: AlarmRecord


@dataclass(frozen=True, slots=True)
class SilenceAlarm(Request[AlarmSilenced]):
    """Hold the tone of an active alarm for a limited time; status and log are not touched."""

    message_type = MessageType.SILENCE_ALARM
    response_class = AlarmSilenced
    alarm: Alarm
    duration_ms: int


@dataclass(frozen=True, slots=True)
class AlarmTested(Response):
    """The tone that sounds now."""

    message_type = MessageType.ALARM_TESTED
    alarm_class: AlarmClass
    duration_ms: int


@dataclass(frozen=True, slots=True)
class TestAlarm(Request[AlarmTested]):
    """Sound the tone of a class once, so that the patient knows it."""

    message_type = MessageType.TEST_ALARM
    response_class = AlarmTested
    alarm_class: AlarmClass


# --- Log, clock, self-test -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogPage(Response):
    """A page of the therapy log, oldest first."""

    message_type = MessageType.LOG_PAGE
    range: LogRange
    entries: tuple[LogEntry, ...]


@dataclass(frozen=True, slots=True)
class ReadLog(Request[LogPage]):
    """Ask for therapy-log records from a sequence number on."""

    message_type = MessageType.READ_LOG
    response_class = LogPage
    first_sequence: int
    limit: int


@dataclass(frozen=True, slots=True)
class AccessLogPage(Response):
    """A page of the access log, oldest first."""

    message_type = MessageType.ACCESS_LOG_PAGE
    range: LogRange
    entries: tuple[AccessEntry, ...]


@dataclass(frozen=True, slots=True)
class ReadAccessLog(Request[AccessLogPage]):
    """Ask for access-log records from a sequence number on."""

    message_type = MessageType.READ_ACCESS_LOG
    response_class = AccessLogPage
    first_sequence: int
    limit: int


@dataclass(frozen=True, slots=True)
class ClockSet(Response):
    """What the clock showed and what it shows now."""

    message_type = MessageType.CLOCK_SET
    old_clock_ms: int
    new_clock_ms: int


@dataclass(frozen=True, slots=True)
class SetClock(Request[ClockSet]):
    """Set the pump's local clock. No timer, alarm or service date moves."""

    message_type = MessageType.SET_CLOCK
    response_class = ClockSet
    clock_ms: int


@dataclass(frozen=True, slots=True)
class SelfTestReport(Response):
    """What each check found."""

    message_type = MessageType.SELF_TEST_REPORT
    results: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class SelfTest(Request[SelfTestReport]):
    """Ask the pump to check itself."""

    message_type = MessageType.SELF_TEST
    response_class = SelfTestReport


@dataclass(frozen=True, slots=True)
class AlarmIntervalSet(Response):
    """How often the tone of a class repeats from now on."""

    message_type = MessageType.ALARM_INTERVAL_SET
    alarm_class: AlarmClass
    interval_ms: int


@dataclass(frozen=True, slots=True)
class SetAlarmInterval(Request[AlarmIntervalSet]):
    """Change how often the tone of critical alarms repeats; that of the others is fixed."""

    message_type = MessageType.SET_ALARM_INTERVAL
    response_class = AlarmIntervalSet
    alarm_class: AlarmClass
    interval_ms: int


@dataclass(frozen=True, slots=True)
class NoteReport(Response):
    """The clinician's note; ``intact`` is false where its memory has failed."""

    message_type = MessageType.NOTE_REPORT
    intact: bool
    text: str


@dataclass(frozen=True, slots=True)
class ReadNote(Request[NoteReport]):
    """Ask for the clinician's note."""

    message_type = MessageType.READ_NOTE
    response_class = NoteReport


@dataclass(frozen=True, slots=True)
class NoteWritten(Response):
    """The note is kept."""

    message_type = MessageType.NOTE_WRITTEN


@dataclass(frozen=True, slots=True)
class WriteNote(Request[NoteWritten]):
    """Keep a note on the pump, in place of the one before."""

    message_type = MessageType.WRITE_NOTE
    response_class = NoteWritten
    text: str


# --- Emergency access ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EmergencyStatusReport(Response):
    """What somebody who has no key must know: which drug, how strong, how much, what alarms.

    ``stopped_alarm_at_ms`` is when a pump that is stopped calls for help, if nobody programs it.
    """

    message_type = MessageType.EMERGENCY_STATUS_REPORT
    at_ms: int
    clock_ms: int
    prescription: PrescriptionSummary
    infusing_nl_per_day: int
    believed_volume_nl: int
    service_state: ServiceState
    stopped_alarm_at_ms: int | None
    alarms: tuple[AlarmRecord, ...]


@dataclass(frozen=True, slots=True)
class EmergencyStatus(Request[EmergencyStatusReport]):
    """Read drug, rate and alarms without a key; needs proximity and physical intent."""

    message_type = MessageType.EMERGENCY_STATUS
    response_class = EmergencyStatusReport


@dataclass(frozen=True, slots=True)
class EmergencyMinimumRateSet(Response):
    """The pump runs at its minimum rate, until a clinician programs it."""

    message_type = MessageType.EMERGENCY_MINIMUM_RATE_SET
    at_ms: int
    version: int
    rate_nl_per_day: int


@dataclass(frozen=True, slots=True)
class EmergencyMinimumRate(Request[EmergencyMinimumRateSet]):
    """Go down to the minimum rate without a key; needs proximity and physical intent."""

    message_type = MessageType.EMERGENCY_MINIMUM_RATE
    response_class = EmergencyMinimumRateSet


@dataclass(frozen=True, slots=True)
class EmergencyStopped(Response):
    """Nothing flows, until a clinician programs the pump; withdrawal may follow.

    ``stopped_alarm_at_ms`` is the end of the countdown: the alarm of a pump stopped for too long.
    """

    message_type = MessageType.EMERGENCY_STOPPED
    at_ms: int
    version: int
    stopped_alarm_at_ms: int


@dataclass(frozen=True, slots=True)
class EmergencyStop(Request[EmergencyStopped]):
    """Stop the infusion without a key; needs proximity and physical intent."""

    message_type = MessageType.EMERGENCY_STOP
    response_class = EmergencyStopped


# --- Refusal -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal(Response):
    """Nothing was done, and every reason why."""

    message_type = MessageType.REFUSAL
    request_type: int
    reasons: tuple[Reason, ...]

    @property
    def codes(self) -> frozenset[RefusalCode]:
        """Why, in codes alone."""
        return frozenset(reason.code for reason in self.reasons)


REQUESTS: dict[int, type[Request[Response]]] = {
    cls.message_type: cls
    for cls in (
        OpenLink,
        CloseLink,
        Identify,
        Interrogate,
        ReadPrescription,
        StagePrescription,
        CommitPrescription,
        RollBackPrescription,
        OrderBolus,
        AbortBolus,
        UpdateReservoir,
        AcknowledgeAlarm,
        SilenceAlarm,
        TestAlarm,
        ReadLog,
        ReadAccessLog,
        SetClock,
        SelfTest,
        RequestPatientBolus,
        SetAlarmInterval,
        ReadNote,
        WriteNote,
        Authenticate,
        Pair,
        EmergencyStatus,
        EmergencyMinimumRate,
        EmergencyStop,
    )
}
"""Every request by its type on the wire."""

RESPONSES: dict[int, type[Response]] = {
    **{cls.response_class.message_type: cls.response_class for cls in REQUESTS.values()},
    Refusal.message_type: Refusal,
}
"""Every response by its type on the wire."""


def request_name(message_type: int) -> str:
    """What a request of that type is called; of a type that no request has, the type."""
    known = REQUESTS.get(message_type)
    return f"type 0x{message_type:02X}" if known is None else known.__name__
