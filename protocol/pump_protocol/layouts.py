"""Byte layouts of the frame and of every payload, declared with construct.

The declarations are the one source: the byte tables of the specification are printed from them, and
:mod:`pump_protocol.payloads` derives its fast packing from them. This is the only module that
imports construct. It knows numbers and bytes, not what they mean.

Everything is little-endian and unaligned. A text is a u8 count of bytes and that many bytes of
UTF-8; a list is a u8 count and that many elements.
"""

from typing import Any, Final

from construct import (
    Bytes,
    Const,
    Int8ul,
    Int16ul,
    Int32ul,
    Int64sl,
    Int64ul,
    PascalString,
    PrefixedArray,
    Struct,
    this,
)

from pump_protocol import messages as m
from pump_protocol.codes import (
    DIGEST_BYTES,
    ENVELOPE_BYTES,
    HANDSHAKE_BYTES,
    SECRET_BYTES,
    START,
    TAG_BYTES,
)

# construct ships no types, so its objects are Any; nothing outside this module handles them but to
# read names, sizes and docs.
Layout = Any

Text: Final[Layout] = PascalString(Int8ul, "utf8")
Digest: Final[Layout] = Bytes(DIGEST_BYTES)
Secret: Final[Layout] = Bytes(SECRET_BYTES)
Handshake: Final[Layout] = Bytes(HANDSHAKE_BYTES)


def _list_of(layout: Layout) -> Layout:
    return PrefixedArray(Int8ul, layout)


FRAME: Final[Layout] = Struct(
    "start" / Const(START) * "start marker `A5 5A`",
    "version" / Int8ul * "protocol version, 1; of a sealed frame 129, which is 1 with bit 7 set",
    "message_type" / Int8ul * "message type",
    "link_id" / Int64ul * "link id",
    "sequence" / Int32ul * "sequence number",
    "length" / Int16ul * "payload length in bytes, 0 to 611; of a sealed frame 24 to 635",
    "header_check" / Int16ul * "CRC-16 over bytes 0 to 17",
    "payload" / Bytes(this.length) * "payload, as its message type says; of a sealed frame SEALED",
    "frame_check" / Int32ul * "CRC-32C over every byte before it",
)

SEALED: Final[Layout] = Struct(
    "counter" / Int64ul * "counter of this direction of the link, from 0",
    "ciphertext" / Bytes(this._.length - ENVELOPE_BYTES) * "the payload, encrypted",
    "tag" / Bytes(TAG_BYTES) * "Poly1305 tag over header, counter and ciphertext",
)

DRUG: Final[Layout] = Struct(
    "mass_unit" / Int8ul * "code MassUnit: the unit a clinician sees for this drug",
    "concentration_ng_per_ml" / Int32ul * "ng/mL",
    "name" / Text * "text, 1 to 32 bytes",
)

STEP: Final[Layout] = Struct(
    "starts_at_min" / Int16ul * "minutes after local midnight, 0 to 1439",
    "rate_nl_per_day" / Int32ul * "nL/day until the next step",
)

DAY_PATTERN: Final[Layout] = Struct(
    "weekdays" / Int8ul * "code Weekday: the days that have these steps",
    "steps" / _list_of(STEP) * "1 to 13 steps, in order of time; the first starts at 0",
)

PERIODIC_BOLUS: Final[Layout] = Struct(
    "basal_rate_nl_per_day" / Int32ul * "nL/day between and under the boluses; may be 0",
    "dose_ng" / Int64ul * "ng of one bolus",
    "volume_nl" / Int32ul * "nL, the nearest whole nL of dose / concentration, ties to even",
    "duration_ms" / Int32ul * "ms",
    "interval_ms" / Int32ul * "ms from the start of one to the start of the next",
    "first_after_ms"
    / Int32ul
    * "ms from the commit, or the end of its bridge, to the start of the first",
)

PATIENT_BOLUS: Final[Layout] = Struct(
    "dose_ng" / Int64ul * "ng of one bolus",
    "volume_nl" / Int32ul * "nL, the nearest whole nL of dose / concentration, ties to even",
    "duration_ms" / Int32ul * "ms",
    "lockout_ms" / Int32ul * "ms from the start of one until another may be asked for",
    "allotted_per_day" / Int8ul * "boluses that may begin in any 24 h",
)

BRIDGE: Final[Layout] = Struct(
    "volume_nl" / Int32ul * "nL of tubing and catheter",
    "rate_nl_per_day" / Int32ul * "nL/day, that of the new daily dose at the old concentration",
    "duration_ms" / Int32ul * "ms, volume / rate rounded up",
)

PRESCRIPTION: Final[Layout] = Struct(
    "mode" / Int8ul * "code Mode",
    "drugs" / _list_of(DRUG) * "1 to 3 drugs, the primary one first; none where it is lost",
    "daily_dose_ng" / Int64ul * "ng/day of the primary drug: what is programmed, on average",
    "rate_nl_per_day" / Int32ul * "nL/day: what is programmed, on average",
    "low_reservoir_threshold_nl" / Int32ul * "nL; the low-reservoir alarm is raised at or below it",
    "days" / _list_of(DAY_PATTERN) * "mode FLEX: every weekday in exactly one; else none",
    "periodic_boluses" / _list_of(PERIODIC_BOLUS) * "mode PERIODIC_BOLUS: one; else none",
    "patient_boluses" / _list_of(PATIENT_BOLUS) * "what the patient may ask for: none or one",
    "bridge_decision" / Int8ul * "code BridgeDecision",
    "bridges" / _list_of(BRIDGE) * "one where the decision is BRIDGE; else none",
)

PRESCRIPTION_SUMMARY: Final[Layout] = Struct(
    "mode" / Int8ul * "code Mode",
    "mass_unit" / Int8ul * "code MassUnit of the primary drug",
    "concentration_ng_per_ml" / Int32ul * "ng/mL of the primary drug, 0 if there is none",
    "daily_dose_ng" / Int64ul * "ng/day",
    "rate_nl_per_day" / Int32ul * "nL/day",
    "low_reservoir_threshold_nl" / Int32ul * "nL",
    "drug_count" / Int8ul * "drugs in the mixture",
    "drug_name" / Text * "name of the primary drug, empty if there is none",
)

DOSE_TOTALS: Final[Layout] = Struct(
    "mean_ng" / Int64ul * "ng/day over the whole schedule",
    "highest_ng" / Int64ul * "ng on the day with most",
    "with_patient_ng" / Int64ul * "ng on it with every patient bolus that may be asked for",
)

PATIENT_BOLUS_STATE: Final[Layout] = Struct(
    "allotted_per_day" / Int8ul * "boluses that may begin in any 24 h",
    "left" / Int8ul * "how many more may begin now or before the oldest is 24 h old",
    "next_at_ms" / Int64ul * "pump time from which lockout and allotment allow another, ms",
)

BOLUS_REPORT: Final[Layout] = Struct(
    "kind" / Int8ul * "code BolusKind",
    "outcome" / Int8ul * "code BolusOutcome",
    "programmer_id" / Int64ul * "who ordered it, 0 if nobody did by a message",
    "order_number" / Int64ul * "its order number, 0 if it has none",
    "volume_nl" / Int32ul * "nL ordered",
    "delivered_nl" / Int32ul * "nL delivered so far, rounded down",
    "duration_ms" / Int32ul * "ms ordered",
    "started_at_ms" / Int64ul * "pump time, ms",
)

ALARM_RECORD: Final[Layout] = Struct(
    "alarm" / Int8ul * "code Alarm",
    "flags" / Int8ul * "code AlarmFlag",
    "raised_at_ms" / Int64ul * "pump time, ms",
    "cleared_at_ms" / Int64ul * "pump time, ms, or never",
    "silenced_until_ms" / Int64ul * "pump time, ms, or never",
)

LOG_RANGE: Final[Layout] = Struct(
    "first_sequence" / Int64ul * "oldest record still held",
    "next_sequence" / Int64ul * "number that the next record will get",
    "overwritten" / Int64ul * "records lost because newer ones took their place",
)

REASON: Final[Layout] = Struct(
    "code" / Int8ul * "code RefusalCode",
    "field" / Int8ul * "code Field",
    "value" / Int64sl * "what was asked for, in the field's unit, or absent",
    "minimum" / Int64sl * "smallest allowed value, or absent",
    "maximum" / Int64sl * "largest allowed value, or absent",
)

LOG_ENTRY: Final[Layout] = Struct(
    "sequence" / Int64ul * "permanent number of the record, from 1",
    "at_ms" / Int64ul * "pump time, ms",
    "event" / Int8ul * "code LogEvent",
    "a" / Int64sl * "first parameter, as the event says",
    "b" / Int64sl * "second parameter, as the event says",
    "link_id" / Int64ul * "link that caused it, 0 if none did",
    "prescription_version" / Int32ul * "version in force after it",
)

ACCESS_ENTRY: Final[Layout] = Struct(
    "sequence" / Int64ul * "permanent number of the record, from 1",
    "first_at_ms" / Int64ul * "pump time of the first of these events, ms",
    "last_at_ms" / Int64ul * "pump time of the last, ms",
    "count" / Int32ul * "how many like events this record stands for",
    "event" / Int8ul * "code AccessEvent",
    "request_type" / Int8ul * "message type of the request, 0 if not known",
    "code" / Int8ul * "code RefusalCode of a refusal, else 0",
    "field" / Int8ul * "code Field of a refusal, else 0",
    "link_id" / Int64ul * "link of the last of these events",
)

CHECK_RESULT: Final[Layout] = Struct(
    "check" / Int8ul * "code Check",
    "passed" / Int8ul * "1 passed, 0 failed",
)

PARTS: Final[dict[type, Layout]] = {
    m.Drug: DRUG,
    m.Step: STEP,
    m.DayPattern: DAY_PATTERN,
    m.PeriodicBolus: PERIODIC_BOLUS,
    m.PatientBolus: PATIENT_BOLUS,
    m.Bridge: BRIDGE,
    m.Prescription: PRESCRIPTION,
    m.PrescriptionSummary: PRESCRIPTION_SUMMARY,
    m.DoseTotals: DOSE_TOTALS,
    m.PatientBolusState: PATIENT_BOLUS_STATE,
    m.BolusReport: BOLUS_REPORT,
    m.AlarmRecord: ALARM_RECORD,
    m.LogRange: LOG_RANGE,
    m.Reason: REASON,
    m.LogEntry: LOG_ENTRY,
    m.AccessEntry: ACCESS_ENTRY,
    m.CheckResult: CHECK_RESULT,
}
"""Layouts that stand inside payloads."""

PAYLOADS: Final[dict[type[m.Message], Layout]] = {
    m.OpenLink: Struct(
        "programmer_id" / Int64ul * "stable identity of the programmer, for its order numbers",
    ),
    m.LinkOpened: Struct(
        "idle_limit_ms" / Int32ul * "link time without a request after which the link closes, ms",
        "absolute_limit_ms" / Int32ul * "link time after which the link closes anyway, ms",
        "staging_limit_ms" / Int32ul * "link time for which a staged prescription waits, ms",
        "last_order_number" / Int64ul * "highest order number used by this programmer, 0 if none",
    ),
    m.CloseLink: Struct(),
    m.LinkClosed: Struct(),
    m.Identify: Struct(),
    m.Identity: Struct(
        "nature" / Int8ul * "code Nature: always SIMULATOR",
        "protocol_version" / Int8ul * "highest protocol version spoken",
        "security_profile" / Int8ul * "code SecurityProfile",
        "capabilities" / Int32ul * "code Capability",
        "reservoir_capacity_nl" / Int32ul * "usable reservoir volume, nL",
        "minimum_rate_nl_per_day" / Int32ul * "rate of mode MINIMUM_RATE, nL/day",
        "minimum_therapeutic_rate_nl_per_day" / Int32ul * "smallest other rate, nL/day",
        "maximum_rate_nl_per_day" / Int32ul * "largest flow, basal and bolus together, nL/day",
        "maximum_daily_dose_ng" / Int64ul * "hard limit of the daily dose, ng/day",
        "maximum_bolus_dose_ng" / Int64ul * "hard limit of one bolus, ng",
        "minimum_bolus_duration_ms" / Int32ul * "ms",
        "maximum_bolus_duration_ms" / Int32ul * "ms",
        "minimum_concentration_ng_per_ml" / Int32ul * "ng/mL",
        "maximum_concentration_ng_per_ml" / Int32ul * "ng/mL",
        "maximum_low_reservoir_threshold_nl" / Int32ul * "nL",
        "minimum_silence_ms" / Int32ul * "shortest silence of any alarm, ms",
        "maximum_silence_non_critical_ms" / Int32ul * "longest silence of a non-critical alarm, ms",
        "maximum_silence_critical_ms" / Int32ul * "longest silence of a critical alarm, ms",
        "soft_daily_dose_ng" / Int64ul * "daily dose above which a commit must confirm it, ng/day",
        "internal_tubing_volume_nl" / Int32ul * "volume between reservoir and catheter, nL",
        "maximum_priming_volume_nl" / Int32ul * "largest priming bolus, nL",
        "minimum_bolus_interval_ms" / Int32ul * "shortest interval of periodic boluses, ms",
        "maximum_bolus_interval_ms" / Int32ul * "longest interval of periodic boluses, ms",
        "minimum_lockout_ms" / Int32ul * "shortest lockout of patient boluses, ms",
        "maximum_lockout_ms" / Int32ul * "longest lockout of patient boluses, ms",
        "maximum_patient_boluses_per_day" / Int8ul * "largest allotment of patient boluses",
        "minimum_critical_interval_ms" / Int32ul * "shortest interval of the critical tone, ms",
        "maximum_critical_interval_ms" / Int32ul * "longest interval of the critical tone, ms",
        "product" / Text * "name of the product that answers",
        "model" / Text * "model of the pump",
        "serial_number" / Text * "serial number of the pump",
        "firmware_version" / Text * "version of the pump's firmware",
    ),
    m.Interrogate: Struct(),
    m.StatusReport: Struct(
        "at_ms" / Int64ul * "pump time now, ms since implantation",
        "clock_ms" / Int64ul * "local clock now, ms since 1970-01-01 00:00 local",
        "implanted_clock_ms" / Int64ul * "local clock at pump time 0, as set now",
        "prescription_version" / Int32ul * "version in force",
        "prescription" / PRESCRIPTION_SUMMARY * "prescription in force",
        "has_pending" / Int8ul * "1 if a prescription is staged, else 0",
        "infusing_nl_per_day" / Int32ul * "flow commanded now with any bolus, nearest nL/day",
        "believed_volume_nl" / Int32ul * "usable volume that the pump believes is left, nL",
        "reservoir_capacity_nl" / Int32ul * "nL",
        "delivered_nl" / Int64ul * "volume that the pump believes it delivered since pump time 0",
        "low_reservoir_at_ms" / Int64ul * "pump time of the low-reservoir alarm, past or expected:"
        " at the earliest, if the patient asks for every bolus as soon as it is allowed; or never",
        "empty_reservoir_at_ms" / Int64ul * "pump time at which the reservoir is empty, or never",
        "last_refill_at_ms" / Int64ul * "pump time of the last reservoir update, ms",
        "service_state" / Int8ul * "code ServiceState",
        "battery_remaining_ppm" / Int32ul * "charge left, parts per million",
        "eri_at_ms" / Int64ul * "pump time of the replacement indicator, past or expected",
        "eos_at_ms" / Int64ul * "pump time of the end of service, past or expected",
        "replacement_planned_at_ms" / Int64ul * "pump time for which replacement is planned",
        "next_periodic_bolus_at_ms" / Int64ul * "pump time of the next periodic bolus, or never",
        "critical_interval_ms" / Int32ul * "interval of the critical tone, ms",
        "next_tone_at_ms" / Int64ul * "pump time of the next alarm tone, or never",
        "therapy_log" / LOG_RANGE * "what the therapy log holds",
        "access_log" / LOG_RANGE * "what the access log holds",
        "patient_boluses" / _list_of(PATIENT_BOLUS_STATE) * "one if patient boluses are prescribed",
        "boluses" / _list_of(BOLUS_REPORT) * "the running or else the last bolus, 0 or 1",
        "alarms" / _list_of(ALARM_RECORD) * "alarms that are active or still latched",
    ),
    m.ReadPrescription: Struct("slot" / Int8ul * "code PrescriptionSlot"),
    m.PrescriptionReport: Struct(
        "slot" / Int8ul * "code PrescriptionSlot",
        "version" / Int32ul * "version it has, or would get at commit",
        "digest" / Digest * "SHA-256 over that version (u32) and the prescription as below",
        "totals" / DOSE_TOTALS * "its doses, as the pump reckons them",
        "prescription" / PRESCRIPTION * "the prescription",
    ),
    m.StagePrescription: Struct("prescription" / PRESCRIPTION * "the prescription"),
    m.PrescriptionStaged: Struct(
        "version" / Int32ul * "version it would get at commit",
        "digest" / Digest * "SHA-256 over that version (u32) and the prescription as below",
        "expires_in_ms" / Int32ul * "link time until it is rolled back, ms",
        "must_confirm" / Int8ul * "1 if the commit has to confirm the dose, else 0",
        "totals" / DOSE_TOTALS * "its doses, as the pump reckons them",
        "prescription" / PRESCRIPTION * "the pump's own copy",
    ),
    m.CommitPrescription: Struct(
        "digest" / Digest * "digest of what was reviewed",
        "confirmed_dose_ng" / Int64ul * "`with_patient_ng` where it must be confirmed, or never",
    ),
    m.PrescriptionCommitted: Struct(
        "version" / Int32ul * "version now in force",
        "committed_at_ms" / Int64ul * "pump time of the commit, ms",
        "digest" / Digest * "its digest",
    ),
    m.RollBackPrescription: Struct(),
    m.PrescriptionRolledBack: Struct("version" / Int32ul * "version in force, as before"),
    m.OrderBolus: Struct(
        "order_number" / Int64ul * "this programmer's next order number",
        "kind" / Int8ul * "code BolusKind: SINGLE or PRIMING",
        "dose_ng" / Int64ul * "ng",
        "concentration_ng_per_ml" / Int32ul * "ng/mL, that of the prescription in force",
        "volume_nl" / Int32ul * "nL; SINGLE: the nearest whole nL of dose / concentration; PRIMING:"
        " what is wanted, and the dose is the nearest whole ng of it",
        "duration_ms" / Int32ul * "ms",
    ),
    m.BolusOrdered: Struct(
        "order_number" / Int64ul * "the order",
        "volume_nl" / Int32ul * "nL",
        "started_at_ms" / Int64ul * "pump time, ms",
        "ends_at_ms" / Int64ul * "pump time, ms",
    ),
    m.RequestPatientBolus: Struct(
        "order_number" / Int64ul * "this handset's next order number",
    ),
    m.PatientBolusStarted: Struct(
        "order_number" / Int64ul * "the order",
        "volume_nl" / Int32ul * "nL",
        "started_at_ms" / Int64ul * "pump time, ms",
        "ends_at_ms" / Int64ul * "pump time, ms",
        "left" / Int8ul * "how many more may begin before the oldest is 24 h old",
        "next_at_ms" / Int64ul * "pump time from which lockout and allotment allow another, ms",
    ),
    m.AbortBolus: Struct(),
    m.BolusAborted: Struct(
        "kind" / Int8ul * "code BolusKind",
        "order_number" / Int64ul * "the order that ended, 0 if it had none",
        "delivered_nl" / Int32ul * "nL of it that were delivered, rounded down",
    ),
    m.UpdateReservoir: Struct(
        "order_number" / Int64ul * "this programmer's next order number",
        "volume_nl" / Int32ul * "usable volume after the refill, nL",
    ),
    m.ReservoirUpdated: Struct(
        "order_number" / Int64ul * "the order",
        "updated_at_ms" / Int64ul * "pump time, ms",
        "before_nl" / Int32ul * "believed volume before, nL",
        "after_nl" / Int32ul * "believed volume after, nL",
    ),
    m.AcknowledgeAlarm: Struct("alarm" / Int8ul * "code Alarm"),
    m.AlarmAcknowledged: Struct("record" / ALARM_RECORD * "the alarm as it stands"),
    m.SilenceAlarm: Struct(
        "alarm" / Int8ul * "code Alarm",
        "duration_ms" / Int32ul * "therapy time for which the tone is held, ms",
    ),
    m.AlarmSilenced: Struct("record" / ALARM_RECORD * "the alarm as it stands"),
    m.TestAlarm: Struct("alarm_class" / Int8ul * "code AlarmClass"),
    m.AlarmTested: Struct(
        "alarm_class" / Int8ul * "code AlarmClass",
        "duration_ms" / Int32ul * "how long the tone sounds, ms",
    ),
    m.ReadLog: Struct(
        "first_sequence" / Int64ul * "first record wanted",
        "limit" / Int8ul * "at most so many records, 1 to 13",
    ),
    m.LogPage: Struct(
        "range" / LOG_RANGE * "what the log holds",
        "entries" / _list_of(LOG_ENTRY) * "records, oldest first",
    ),
    m.ReadAccessLog: Struct(
        "first_sequence" / Int64ul * "first record wanted",
        "limit" / Int8ul * "at most so many records, 1 to 14",
    ),
    m.AccessLogPage: Struct(
        "range" / LOG_RANGE * "what the log holds",
        "entries" / _list_of(ACCESS_ENTRY) * "records, oldest first",
    ),
    m.SetClock: Struct("clock_ms" / Int64ul * "new local clock, ms since 1970-01-01 00:00 local"),
    m.ClockSet: Struct(
        "old_clock_ms" / Int64ul * "what the clock showed, ms",
        "new_clock_ms" / Int64ul * "what it shows now, ms",
    ),
    m.SelfTest: Struct(),
    m.SelfTestReport: Struct("results" / _list_of(CHECK_RESULT) * "one element a check"),
    m.SetAlarmInterval: Struct(
        "alarm_class" / Int8ul * "code AlarmClass: CRITICAL",
        "interval_ms" / Int32ul * "therapy time from the start of one tone to the next, ms",
    ),
    m.AlarmIntervalSet: Struct(
        "alarm_class" / Int8ul * "code AlarmClass",
        "interval_ms" / Int32ul * "ms",
    ),
    m.ReadNote: Struct(),
    m.NoteReport: Struct(
        "intact" / Int8ul * "1 if the note is as it was written, 0 if its memory has failed",
        "text" / Text * "the note, 0 to 128 bytes; empty if it is not intact",
    ),
    m.WriteNote: Struct("text" / Text * "the note, 0 to 128 bytes"),
    m.NoteWritten: Struct(),
    m.Authenticate: Struct(
        "key_id" / Int64ul * "the key; 0: a one-time pairing code",
        "role" / Int8ul * "code UserRole: that of the key, or that a pairing code was shown for",
        "handshake" / Handshake * "first message of the handshake (AUTH-03)",
    ),
    m.Authenticated: Struct(
        "handshake" / Handshake * "second message of the handshake (AUTH-03)",
    ),
    m.Pair: Struct(),
    m.Paired: Struct(
        "key_id" / Int64ul * "the key's id, not 0",
        "role" / Int8ul * "code UserRole",
        "secret" / Secret * "the key's secret",
    ),
    m.EmergencyStatus: Struct(),
    m.EmergencyStatusReport: Struct(
        "at_ms" / Int64ul * "pump time now, ms since implantation",
        "clock_ms" / Int64ul * "local clock now, ms since 1970-01-01 00:00 local",
        "prescription" / PRESCRIPTION_SUMMARY * "prescription in force",
        "infusing_nl_per_day" / Int32ul * "flow commanded now with any bolus, nearest nL/day",
        "believed_volume_nl" / Int32ul * "usable volume that the pump believes is left, nL",
        "service_state" / Int8ul * "code ServiceState",
        "stopped_alarm_at_ms"
        / Int64ul
        * "pump time at which a stopped pump raises STOPPED_TOO_LONG, or never",
        "alarms" / _list_of(ALARM_RECORD) * "alarms that are active or still latched",
    ),
    m.EmergencyMinimumRate: Struct(),
    m.EmergencyMinimumRateSet: Struct(
        "at_ms" / Int64ul * "pump time since which it is so, ms",
        "version" / Int32ul * "version now in force",
        "rate_nl_per_day" / Int32ul * "nL/day",
    ),
    m.EmergencyStop: Struct(),
    m.EmergencyStopped: Struct(
        "at_ms" / Int64ul * "pump time since which it is so, ms",
        "version" / Int32ul * "version now in force",
        "stopped_alarm_at_ms" / Int64ul * "pump time at which STOPPED_TOO_LONG is raised",
    ),
    m.Refusal: Struct(
        "request_type" / Int8ul * "message type of the refused request",
        "reasons" / _list_of(REASON) * "every reason, at least one",
    ),
}
"""The payload of every message."""


def struct_format(field: Layout) -> str | None:
    """The :mod:`struct` format of a fixed-size field without its byte order, else None."""
    while hasattr(field, "subcon"):
        field = field.subcon
    for fixed, size in (
        (Digest, DIGEST_BYTES),
        (Secret, SECRET_BYTES),
        (Handshake, HANDSHAKE_BYTES),
    ):
        if field is fixed:
            return f"{size}s"
    return field.fmtstr.removeprefix("<") if hasattr(field, "fmtstr") else None
