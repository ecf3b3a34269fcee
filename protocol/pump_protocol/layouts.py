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
from pump_protocol.codes import DIGEST_BYTES, START

# construct ships no types, so its objects are Any; nothing outside this module handles them but to
# read names, sizes and docs.
Layout = Any

Text: Final[Layout] = PascalString(Int8ul, "utf8")
Digest: Final[Layout] = Bytes(DIGEST_BYTES)


def _list_of(layout: Layout) -> Layout:
    return PrefixedArray(Int8ul, layout)


FRAME: Final[Layout] = Struct(
    "start" / Const(START) * "start marker `A5 5A`",
    "version" / Int8ul * "protocol version, 1",
    "message_type" / Int8ul * "message type",
    "link_id" / Int64ul * "link id",
    "sequence" / Int32ul * "sequence number",
    "length" / Int16ul * "payload length in bytes, 0 to 611",
    "header_check" / Int16ul * "CRC-16 over bytes 0 to 17",
    "payload" / Bytes(this.length) * "payload, as its message type says",
    "frame_check" / Int32ul * "CRC-32C over every byte before it",
)

PRESCRIPTION: Final[Layout] = Struct(
    "mode" / Int8ul * "code Mode",
    "mass_unit" / Int8ul * "code MassUnit: the unit a clinician sees for this drug",
    "concentration_ng_per_ml" / Int32ul * "ng/mL",
    "daily_dose_ng" / Int64ul * "ng/day",
    "rate_nl_per_day" / Int32ul * "nL/day",
    "low_reservoir_threshold_nl" / Int32ul * "nL; the low-reservoir alarm is raised at or below it",
    "drug_name" / Text * "text, 1 to 32 bytes",
)

BOLUS_REPORT: Final[Layout] = Struct(
    "outcome" / Int8ul * "code BolusOutcome",
    "programmer_id" / Int64ul * "who ordered it",
    "order_number" / Int64ul * "its order number",
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
    m.Prescription: PRESCRIPTION,
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
        "prescription" / PRESCRIPTION * "prescription in force",
        "has_pending" / Int8ul * "1 if a prescription is staged, else 0",
        "infusing_nl_per_day" / Int32ul * "flow commanded now with any bolus, nearest nL/day",
        "believed_volume_nl" / Int32ul * "usable volume that the pump believes is left, nL",
        "reservoir_capacity_nl" / Int32ul * "nL",
        "delivered_nl" / Int64ul * "volume that the pump believes it delivered since pump time 0",
        "low_reservoir_at_ms" / Int64ul * "pump time of the low-reservoir alarm, or never",
        "empty_reservoir_at_ms" / Int64ul * "pump time at which the reservoir is empty, or never",
        "last_refill_at_ms" / Int64ul * "pump time of the last reservoir update, ms",
        "service_state" / Int8ul * "code ServiceState",
        "battery_remaining_ppm" / Int32ul * "charge left, parts per million",
        "eri_at_ms" / Int64ul * "pump time of the replacement indicator, past or expected",
        "eos_at_ms" / Int64ul * "pump time of the end of service, past or expected",
        "next_tone_at_ms" / Int64ul * "pump time of the next alarm tone, or never",
        "therapy_log" / LOG_RANGE * "what the therapy log holds",
        "access_log" / LOG_RANGE * "what the access log holds",
        "boluses" / _list_of(BOLUS_REPORT) * "the running or else the last bolus, 0 or 1",
        "alarms" / _list_of(ALARM_RECORD) * "alarms that are active or still latched",
    ),
    m.ReadPrescription: Struct("slot" / Int8ul * "code PrescriptionSlot"),
    m.PrescriptionReport: Struct(
        "slot" / Int8ul * "code PrescriptionSlot",
        "version" / Int32ul * "version it has, or would get at commit",
        "digest" / Digest * "SHA-256 over that version (u32) and the prescription as below",
        "prescription" / PRESCRIPTION * "the prescription",
    ),
    m.StagePrescription: Struct("prescription" / PRESCRIPTION * "the prescription"),
    m.PrescriptionStaged: Struct(
        "version" / Int32ul * "version it would get at commit",
        "digest" / Digest * "SHA-256 over that version (u32) and the prescription as below",
        "expires_in_ms" / Int32ul * "link time until it is rolled back, ms",
        "prescription" / PRESCRIPTION * "the pump's own copy",
    ),
    m.CommitPrescription: Struct("digest" / Digest * "digest of what was reviewed"),
    m.PrescriptionCommitted: Struct(
        "version" / Int32ul * "version now in force",
        "committed_at_ms" / Int64ul * "pump time of the commit, ms",
        "digest" / Digest * "its digest",
    ),
    m.RollBackPrescription: Struct(),
    m.PrescriptionRolledBack: Struct("version" / Int32ul * "version in force, as before"),
    m.OrderBolus: Struct(
        "order_number" / Int64ul * "this programmer's next order number",
        "dose_ng" / Int64ul * "ng",
        "concentration_ng_per_ml" / Int32ul * "ng/mL, that of the prescription in force",
        "volume_nl" / Int32ul * "nL, the nearest whole nL of dose / concentration, ties to even",
        "duration_ms" / Int32ul * "ms",
    ),
    m.BolusOrdered: Struct(
        "order_number" / Int64ul * "the order",
        "volume_nl" / Int32ul * "nL",
        "started_at_ms" / Int64ul * "pump time, ms",
        "ends_at_ms" / Int64ul * "pump time, ms",
    ),
    m.AbortBolus: Struct(),
    m.BolusAborted: Struct(
        "order_number" / Int64ul * "the order that ended",
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
    if field is Digest:
        return f"{DIGEST_BYTES}s"
    return field.fmtstr.removeprefix("<") if hasattr(field, "fmtstr") else None
