"""What the numbers of the wire mean, in the words of the specification; imports only the codes.

Each table has an entry for every code: the generator fails where one is missing.
"""

from enum import IntEnum, IntFlag
from typing import Final

from pump_protocol.codes import (
    AccessEvent,
    Alarm,
    AlarmClass,
    AlarmFlag,
    BolusOutcome,
    Capability,
    Check,
    Field,
    MassUnit,
    Mode,
    Nature,
    PrescriptionSlot,
    RefusalCode,
    SecurityProfile,
    ServiceState,
)
from pump_protocol.codes import MessageType as T

CODES: Final[dict[type[IntEnum] | type[IntFlag], dict[int, str]]] = {
    Nature: {Nature.SIMULATOR: "a simulator. No other nature exists, and none ever will"},
    SecurityProfile: {
        SecurityProfile.LEGACY_INSECURE: "plaintext with CRCs: no secrecy, no proof of origin",
    },
    Capability: {
        Capability.SIMPLE_CONTINUOUS: "mode SIMPLE_CONTINUOUS can be prescribed",
        Capability.MINIMUM_RATE: "mode MINIMUM_RATE can be prescribed",
        Capability.SINGLE_BOLUS: "a single bolus can be ordered",
    },
    Mode: {
        Mode.STOPPED: "no flow",
        Mode.MINIMUM_RATE: "the pump's lowest flow, not therapeutic",
        Mode.SIMPLE_CONTINUOUS: "a constant flow",
    },
    MassUnit: {
        MassUnit.MICROGRAM: "shown in micrograms (mcg)",
        MassUnit.MILLIGRAM: "shown in milligrams (mg)",
    },
    PrescriptionSlot: {
        PrescriptionSlot.CURRENT: "the prescription in force",
        PrescriptionSlot.PENDING: "the prescription that is staged",
    },
    ServiceState: {
        ServiceState.IN_SERVICE: "in service",
        ServiceState.ERI: "elective replacement indicator: replace before `eos_at_ms`",
        ServiceState.EOS: "end of service: no flow, for ever",
    },
    Alarm: {
        Alarm.LOW_RESERVOIR: "low reservoir",
        Alarm.EMPTY_RESERVOIR: "empty reservoir",
        Alarm.ERI: "elective replacement indicator",
        Alarm.EOS: "end of service",
        Alarm.STOPPED_TOO_LONG: "stopped for 48 h",
    },
    AlarmClass: {
        AlarmClass.NON_CRITICAL: "non-critical: single tone; therapy goes on",
        AlarmClass.CRITICAL: "critical: two-tone; drug may not be flowing",
    },
    AlarmFlag: {
        AlarmFlag.ACTIVE: "the condition holds now",
        AlarmFlag.LATCHED: "listed until somebody acknowledges it; the flag goes with that",
        AlarmFlag.ACKNOWLEDGED: "acknowledged since it was raised",
        AlarmFlag.SILENCED: "active, and its tone is held until `silenced_until_ms`",
    },
    Check: {
        Check.PRESCRIPTION: "the prescription in force agrees with itself and with the limits",
        Check.LEDGER: "believed volume within 0 and the capacity; filled = delivered + left",
        Check.LOG: "the therapy log is an unbroken sequence in order of time",
        Check.BATTERY: "the pump has not reached the end of its service",
    },
    BolusOutcome: {
        BolusOutcome.RUNNING: "being delivered",
        BolusOutcome.COMPLETED: "delivered in full",
        BolusOutcome.ABORTED: "ended early; `delivered_nl` says how much was delivered",
    },
    AccessEvent: {
        AccessEvent.INTERROGATED: (
            "the pump was interrogated: recorded once for each link; `request_type` says by what"
        ),
        AccessEvent.REFUSED: "a request was refused: `request_type`, `code` and `field`",
        AccessEvent.SEQUENCE_MISUSED: (
            "a refusal with SEQUENCE_REUSED or SEQUENCE_STALE, or of OpenLink with LINK_ID_USED, as"
            " a replay causes it"
        ),
    },
}

REFUSAL_CODES: Final[dict[RefusalCode, tuple[str, str]]] = {
    RefusalCode.MALFORMED: (
        "the payload does not fit the layout of its message; `value`: its length in bytes",
        "a fault of the programmer: do not repeat",
    ),
    RefusalCode.UNKNOWN_MESSAGE: (
        "no request has this message type; `value`: the type",
        "the pump cannot do this: do not repeat",
    ),
    RefusalCode.UNKNOWN_VALUE: (
        "a code, or a character of a text, that has no meaning here; `value`: the code",
        "do not repeat",
    ),
    RefusalCode.UNSUPPORTED_VERSION: (
        "the frame's version is not spoken; `minimum` and `maximum`: the versions that are",
        "speak one of those, or give up",
    ),
    RefusalCode.LINK_NOT_OPEN: (
        "the pump knows no link of this id (it may have restarted)",
        "open a new link (LINK-10)",
    ),
    RefusalCode.LINK_ID_USED: (
        "the link of this id is open already, or has ended",
        "open a new link under a fresh id (LINK-10)",
    ),
    RefusalCode.SEQUENCE_REUSED: (
        "the sequence number is that of another request; `minimum`: the next that is free, if any",
        "a fault of the programmer: open a new link",
    ),
    RefusalCode.SEQUENCE_STALE: (
        "the sequence number is lower than one already used; `minimum`: the next free one, if any",
        "a fault of the programmer: open a new link",
    ),
    RefusalCode.OUT_OF_RANGE: (
        "`value` lies outside `minimum` to `maximum`, in the field's unit",
        "show it to the user",
    ),
    RefusalCode.MISMATCH: (
        "`value` disagrees with the other values; `minimum` = `maximum` = what would agree",
        "show it to the user; never just send what would agree",
    ),
    RefusalCode.NOTHING_STAGED: (
        "no prescription is pending: none was staged, or it expired or was rolled back",
        "stage again, review again",
    ),
    RefusalCode.STALE_DIGEST: (
        "the digest is not that of the pending prescription",
        "read what is pending; stage again, review again",
    ),
    RefusalCode.STALE_ORDER: (
        "the order number is lower than this programmer's last; `minimum`: the next that is free",
        "ORDER-07",
    ),
    RefusalCode.ORDER_REUSED: (
        "the order number is that of another order; `minimum`: the next that is free",
        "ORDER-07",
    ),
    RefusalCode.TOO_MANY_PROGRAMMERS: (
        "the pump remembers the orders of 64 programmers and takes none from a further one",
        "order from a programmer that it knows",
    ),
    RefusalCode.BOLUS_ACTIVE: (
        "a bolus is running, and this would disturb it",
        "wait for it or abort it",
    ),
    RefusalCode.NO_BOLUS: ("no bolus is running", "interrogate"),
    RefusalCode.WRONG_MODE: (
        "the mode in force does not allow this; `value` is absent",
        "interrogate",
    ),
    RefusalCode.RESERVOIR_EMPTY: ("the pump believes its reservoir to be empty", "refill"),
    RefusalCode.END_OF_SERVICE: ("the pump is at its end of service, for ever", "replace the pump"),
    RefusalCode.ALARM_NOT_LISTED: ("the alarm is not listed (ALARM-02)", "interrogate"),
    RefusalCode.ALARM_NOT_ACTIVE: (
        "the alarm is listed, but its condition has gone: it sounds no tone",
        "nothing to silence",
    ),
}

FIELDS: Final[dict[Field, tuple[str, str]]] = {
    Field.NONE: ("no single field: the request as a whole", "none"),
    Field.PAYLOAD: ("the payload as a whole", "bytes"),
    Field.MESSAGE_TYPE: ("message type in the frame header", "code"),
    Field.VERSION: ("protocol version in the frame header", "number"),
    Field.LINK_ID: ("link id in the frame header", "number"),
    Field.SEQUENCE: ("sequence number in the frame header", "number"),
    Field.MODE: ("`prescription.mode`, or the mode in force", "code"),
    Field.DRUG_NAME: ("`prescription.drug_name`", "bytes of UTF-8"),
    Field.MASS_UNIT: ("`prescription.mass_unit`", "code"),
    Field.CONCENTRATION: ("`concentration_ng_per_ml`", "ng/mL"),
    Field.DAILY_DOSE: ("`prescription.daily_dose_ng`", "ng/day"),
    Field.RATE: ("`prescription.rate_nl_per_day`", "nL/day"),
    Field.LOW_RESERVOIR_THRESHOLD: ("`prescription.low_reservoir_threshold_nl`", "nL"),
    Field.DIGEST: ("`digest`", "none"),
    Field.SLOT: ("`slot`", "code"),
    Field.ORDER_NUMBER: ("`order_number`", "number"),
    Field.BOLUS_DOSE: ("`dose_ng`", "ng"),
    Field.BOLUS_VOLUME: ("`volume_nl` of a bolus", "nL"),
    Field.BOLUS_DURATION: ("`duration_ms` of a bolus", "ms"),
    Field.BOLUS_RATE: ("rate in force plus rate of the bolus (ORDER-04)", "nL/day"),
    Field.RESERVOIR_VOLUME: ("`volume_nl` of a reservoir update", "nL"),
    Field.ALARM: ("`alarm`", "code"),
    Field.SILENCE_DURATION: ("`duration_ms` of a silence", "ms"),
    Field.ALARM_CLASS: ("`alarm_class`", "code"),
    Field.FIRST_SEQUENCE: ("`first_sequence`; not refused in this version", "number"),
    Field.ENTRY_LIMIT: ("`limit`", "records"),
    Field.CLOCK: ("`clock_ms`", "ms"),
    Field.PROGRAMMER_ID: ("programmer id of the link", "number"),
}

R, F = RefusalCode, Field

_ORDER: Final = (
    (R.OUT_OF_RANGE, F.ORDER_NUMBER, "outside ORDER-02"),
    (R.STALE_ORDER, F.ORDER_NUMBER, "ORDER-06"),
    (R.ORDER_REUSED, F.ORDER_NUMBER, "ORDER-06"),
    (R.TOO_MANY_PROGRAMMERS, F.PROGRAMMER_ID, "ORDER-08"),
    (R.END_OF_SERVICE, F.NONE, "ALARM-08"),
)

REFUSALS: Final[dict[T, tuple[tuple[RefusalCode, Field, str], ...]]] = {
    T.OPEN_LINK: (
        (R.OUT_OF_RANGE, F.LINK_ID, "it is 0"),
        (R.LINK_ID_USED, F.LINK_ID, "LINK-06, LINK-07"),
    ),
    T.CLOSE_LINK: (),
    T.IDENTIFY: (),
    T.INTERROGATE: (),
    T.READ_PRESCRIPTION: (
        (R.UNKNOWN_VALUE, F.SLOT, "MSG-04"),
        (R.NOTHING_STAGED, F.NONE, "slot PENDING, and nothing is"),
    ),
    T.STAGE_PRESCRIPTION: (
        (R.UNKNOWN_VALUE, F.MODE, "MSG-04"),
        (R.UNKNOWN_VALUE, F.MASS_UNIT, "MSG-04"),
        (R.MALFORMED, F.DRUG_NAME, "not UTF-8"),
        (R.UNKNOWN_VALUE, F.DRUG_NAME, "an unprintable character (PROG-06)"),
        (R.OUT_OF_RANGE, F.DRUG_NAME, "not 1 to 32 bytes; `value`: its bytes"),
        (R.OUT_OF_RANGE, F.CONCENTRATION, "PROG-07"),
        (R.OUT_OF_RANGE, F.LOW_RESERVOIR_THRESHOLD, "PROG-07"),
        (R.OUT_OF_RANGE, F.RATE, "PROG-05"),
        (R.OUT_OF_RANGE, F.DAILY_DOSE, "PROG-05"),
        (R.MISMATCH, F.RATE, "PROG-03 to PROG-05"),
        (R.MISMATCH, F.DAILY_DOSE, "PROG-03, PROG-04"),
        (R.END_OF_SERVICE, F.NONE, "ALARM-08"),
    ),
    T.COMMIT_PRESCRIPTION: (
        (R.NOTHING_STAGED, F.NONE, "PROG-12"),
        (R.STALE_DIGEST, F.DIGEST, "PROG-12"),
        (R.BOLUS_ACTIVE, F.DRUG_NAME, "PROG-14"),
        (R.BOLUS_ACTIVE, F.CONCENTRATION, "PROG-14"),
        (R.OUT_OF_RANGE, F.RATE, "too fast together with the running bolus (PROG-14)"),
        (R.END_OF_SERVICE, F.NONE, "ALARM-08"),
    ),
    T.ROLL_BACK_PRESCRIPTION: ((R.NOTHING_STAGED, F.NONE, "PROG-15"),),
    T.ORDER_BOLUS: (
        *_ORDER,
        (R.MISMATCH, F.CONCENTRATION, "not that of the prescription in force"),
        (R.MISMATCH, F.BOLUS_VOLUME, "ORDER-03"),
        (R.OUT_OF_RANGE, F.BOLUS_DOSE, "ORDER-04"),
        (R.OUT_OF_RANGE, F.BOLUS_VOLUME, "ORDER-04"),
        (R.OUT_OF_RANGE, F.BOLUS_DURATION, "ORDER-04"),
        (R.OUT_OF_RANGE, F.BOLUS_RATE, "ORDER-04"),
        (R.WRONG_MODE, F.MODE, "the mode in force is STOPPED"),
        (R.BOLUS_ACTIVE, F.NONE, "a bolus is running"),
        (R.RESERVOIR_EMPTY, F.NONE, "the believed volume is 0"),
    ),
    T.ABORT_BOLUS: ((R.NO_BOLUS, F.NONE, "ORDER-10"),),
    T.UPDATE_RESERVOIR: (*_ORDER, (R.OUT_OF_RANGE, F.RESERVOIR_VOLUME, "ORDER-11")),
    T.ACKNOWLEDGE_ALARM: (
        (R.UNKNOWN_VALUE, F.ALARM, "MSG-04"),
        (R.ALARM_NOT_LISTED, F.ALARM, "ALARM-05"),
    ),
    T.SILENCE_ALARM: (
        (R.UNKNOWN_VALUE, F.ALARM, "MSG-04"),
        (R.ALARM_NOT_LISTED, F.ALARM, "ALARM-06"),
        (R.ALARM_NOT_ACTIVE, F.ALARM, "ALARM-06"),
        (R.OUT_OF_RANGE, F.SILENCE_DURATION, "ALARM-06"),
    ),
    T.TEST_ALARM: ((R.UNKNOWN_VALUE, F.ALARM_CLASS, "MSG-04"),),
    T.READ_LOG: ((R.OUT_OF_RANGE, F.ENTRY_LIMIT, "LOG-03"),),
    T.READ_ACCESS_LOG: ((R.OUT_OF_RANGE, F.ENTRY_LIMIT, "LOG-03"),),
    T.SET_CLOCK: ((R.OUT_OF_RANGE, F.CLOCK, "CLOCK-02"),),
    T.SELF_TEST: (),
}
"""What each request may be refused for, beyond ANY_REQUEST."""

ANY_REQUEST: Final = (
    (R.UNSUPPORTED_VERSION, F.VERSION, "LINK-12"),
    (R.LINK_NOT_OPEN, F.LINK_ID, "LINK-04; not open_link, not identify"),
    (R.LINK_ID_USED, F.LINK_ID, "LINK-06; not identify"),
    (R.SEQUENCE_REUSED, F.SEQUENCE, "SEQ-05"),
    (R.SEQUENCE_STALE, F.SEQUENCE, "SEQ-06"),
    (R.UNKNOWN_MESSAGE, F.MESSAGE_TYPE, "MSG-03; a type that no request has"),
    (R.MALFORMED, F.PAYLOAD, "MSG-02"),
)
"""What any request may be refused for."""

LIMITS: Final[dict[str, tuple[str, str]]] = {
    "MAX_FRAME_BYTES": ("bytes", "longest frame, with the room for an envelope (FRAME-14)"),
    "MAX_PAYLOAD_BYTES": ("bytes", "longest payload in this version"),
    "MAX_LOG_ENTRIES": ("records", "most therapy-log records in one page"),
    "MAX_ACCESS_ENTRIES": ("records", "most access-log records in one page"),
    "MAX_REASONS": ("reasons", "most reasons in one refusal"),
    "MAX_DRUG_NAME_BYTES": ("bytes", "longest drug name"),
    "INTER_BYTE_TIMEOUT_MS": (
        "ms of link time",
        "gap that ends half a frame (FRAME-11)",
    ),
    "IDLE_LIMIT_MS": ("ms of link time", "a link without requests ends after it (LINK-08)"),
    "ABSOLUTE_LIMIT_MS": ("ms of link time", "any link ends after it (LINK-09)"),
    "STAGING_LIMIT_MS": ("ms of link time", "a staged prescription waits so long (PROG-11)"),
    "RETIRED_LINKS": ("link ids", "as many ids of ended links a pump remembers (LINK-06)"),
}

ALARMS: Final[dict[Alarm, tuple[str, str, str]]] = {
    Alarm.LOW_RESERVOIR: (
        "believed volume ≤ `low_reservoir_threshold_nl` of the prescription in force",
        "goes on",
        "a reservoir update, or a commit with a lower threshold, that puts the volume above it",
    ),
    Alarm.EMPTY_RESERVOIR: (
        "believed volume = 0",
        "stops; a running bolus is aborted",
        "a reservoir update; the infusion then resumes as prescribed (not the bolus)",
    ),
    Alarm.ERI: (
        "predicted life left at the prescribed rate ≤ 90 days, or age ≥ 84 months less 90 days",
        "goes on",
        "never: only another pump ends it",
    ),
    Alarm.EOS: (
        "exactly 90 days after ERI was raised",
        "stops for ever; a running bolus is aborted",
        "never: only another pump ends it",
    ),
    Alarm.STOPPED_TOO_LONG: (
        "mode STOPPED for 48 h; one STOPPED prescription after another counts as one stop",
        "there is none",
        "a commit of another mode",
    ),
}
