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
    BolusKind,
    BolusOutcome,
    BridgeDecision,
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
    UserRole,
    Weekday,
)
from pump_protocol.codes import MessageType as T

CODES: Final[dict[type[IntEnum] | type[IntFlag], dict[int, str]]] = {
    Nature: {Nature.SIMULATOR: "a simulator. No other nature exists, and none ever will"},
    SecurityProfile: {
        SecurityProfile.LEGACY_INSECURE: "plaintext with CRCs: no secrecy, no proof of origin",
        SecurityProfile.AUTHENTICATED: "sealed frames of links opened with a key (SEC-05)",
    },
    UserRole: {
        UserRole.OBSERVER: "reads",
        UserRole.PATIENT: "reads the status, and asks for the bolus that is prescribed",
        UserRole.CLINICIAN: "reads, and changes therapy",
        UserRole.SERVICE: "reads, and tests the pump; changes no therapy",
    },
    Capability: {
        Capability.SIMPLE_CONTINUOUS: "mode SIMPLE_CONTINUOUS can be prescribed",
        Capability.MINIMUM_RATE: "mode MINIMUM_RATE can be prescribed",
        Capability.SINGLE_BOLUS: "a single bolus can be ordered",
        Capability.FLEX: "mode FLEX can be prescribed",
        Capability.PERIODIC_BOLUS: "mode PERIODIC_BOLUS can be prescribed",
        Capability.PATIENT_BOLUS: "patient boluses can be prescribed and asked for",
        Capability.PRIMING_BOLUS: "a priming bolus can be ordered",
        Capability.BRIDGE_BOLUS: "a change of the drug can be bridged",
        Capability.MIXTURES: "more than one drug can be prescribed",
    },
    Mode: {
        Mode.STOPPED: "no flow",
        Mode.MINIMUM_RATE: "the pump's lowest flow, not therapeutic",
        Mode.SIMPLE_CONTINUOUS: "a constant flow",
        Mode.FLEX: "rates that follow the time of day and the day of the week (`days`)",
        Mode.PERIODIC_BOLUS: "a bolus at an interval, on a constant flow (`periodic_boluses`)",
    },
    Weekday: {
        Weekday.MONDAY: "Monday",
        Weekday.TUESDAY: "Tuesday",
        Weekday.WEDNESDAY: "Wednesday",
        Weekday.THURSDAY: "Thursday",
        Weekday.FRIDAY: "Friday",
        Weekday.SATURDAY: "Saturday",
        Weekday.SUNDAY: "Sunday",
    },
    BridgeDecision: {
        BridgeDecision.NOT_NEEDED: "no drug changes (PROG-27)",
        BridgeDecision.BRIDGE: "the old drug is cleared first, as `bridges` says (PROG-28)",
        BridgeDecision.DECLINED: "the new rate begins at once, by explicit decision (PROG-30)",
    },
    BolusKind: {
        BolusKind.PRIMING: "fills tubing and catheter; limited by its volume",
        BolusKind.BRIDGE: "clears the old drug, in place of the basal rate (PROG-29)",
        BolusKind.SINGLE: "ordered by a clinician, limited by its dose",
        BolusKind.PATIENT: "asked for by the patient, as prescribed (ORDER-15)",
        BolusKind.PERIODIC: "part of a prescription in mode PERIODIC_BOLUS",
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
        Alarm.MOTOR_STALL: "motor stall",
        Alarm.STOPPED_TOO_LONG: "stopped for 48 h",
        Alarm.CRITICAL_MEMORY_ERROR: "critical memory error: both copies of the prescription",
        Alarm.MEMORY_ERROR: "memory error: one copy of the prescription, or the note",
        Alarm.SAFE_STATE: "safe state after a reset: minimum rate, not what was prescribed",
        Alarm.UPDATE_INCOMPLETE: "update incomplete: a staged prescription was never committed",
        Alarm.REPLACEMENT_PLANNED: "the date for which replacement is planned has come",
        Alarm.EMERGENCY_ACTION: "emergency action: somebody without a key changed the therapy",
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
        Check.MEMORY: "both copies of the prescription and the note are as they were written",
        Check.MOTOR: "the motor takes the steps that it is told to",
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
        AccessEvent.AUTHENTICATED: "a link was opened with a key; `code` is that of its role",
        AccessEvent.AUTHENTICATION_FAILED: (
            "a refusal with AUTHENTICATION_FAILED or AUTHENTICATION_LOCKED"
        ),
        AccessEvent.NOT_AUTHENTIC: "a refusal with NOT_AUTHENTIC",
        AccessEvent.PAIRED: "a key was handed over by Paired; `code` is that of its role",
        AccessEvent.EMERGENCY_ASKED: "an emergency message was carried out: `request_type`",
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
    RefusalCode.AUTHENTICATION_REQUIRED: (
        "a plain request to a pump that takes it in sealed frames only (SEC-05)",
        "open a link with a key (AUTH-02); as an answer to a sealed request, a hint (SEAL-09)",
    ),
    RefusalCode.AUTHENTICATION_FAILED: (
        "no such key, or the handshake was not made with it, for this pump, link and role",
        "a hint (AUTH-12): show it, and ask the user whether key and pump belong together",
    ),
    RefusalCode.AUTHENTICATION_LOCKED: (
        "too many handshakes failed (AUTH-10); `value`: ms of link time that the lock still lasts",
        "a hint (AUTH-12): wait so long, but no longer than 60 s",
    ),
    RefusalCode.NOT_AUTHENTIC: (
        "the sealed frame is not believed: forged, altered, or its counter is not new (SEAL-06)",
        "ignore it and go on waiting (SEAL-09, with what it says to whoever writes a programmer)",
    ),
    RefusalCode.NOT_PERMITTED: (
        "the role of the link's key may not send this (ROLE-01); `value`: the message type",
        "ask somebody who has a key of another role",
    ),
    RefusalCode.NOT_NEAR: (
        "nobody is near the pump, and this needs it (PAIR-05, EMERG-03)",
        "lay the programming head on the pump",
    ),
    RefusalCode.NO_INTENT: (
        "the button was not pressed in the last 30 s (EMERG-03)",
        "have it pressed, then ask again",
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
    RefusalCode.NOT_CONFIRMED: (
        "the dose is above the soft limit, `maximum`, and the commit does not repeat it, `value`",
        "ask the user, then commit with `confirmed_dose_ng`; never repeat it unasked",
    ),
    RefusalCode.BRIDGE_UNDECIDED: (
        "a drug changes, and nothing was decided about the old one; `value` is absent",
        "ask the user: bridge or decline (PROG-26)",
    ),
    RefusalCode.NOT_PRESCRIBED: ("no patient bolus is prescribed", "tell the patient"),
    RefusalCode.LOCKED_OUT: (
        "the last patient bolus began too recently; `value`: when the lockout ends, pump time",
        "tell the patient",
    ),
    RefusalCode.ALLOTMENT_USED: (
        "all that are allotted began in the last 24 h; `value`: when one is free, pump time",
        "tell the patient",
    ),
    RefusalCode.INFUSION_HELD: (
        "a fault holds the infusion until the pump is interrogated (ALARM-16)",
        "interrogate",
    ),
    RefusalCode.NOT_COVERED: (
        "a schedule leaves time open; `value`: its first start in min, or missing weekdays as bits",
        "show it to the user",
    ),
    RefusalCode.DUPLICATE: (
        "a schedule has something twice; `value`: the weekdays that several patterns have, as bits",
        "show it to the user",
    ),
}

FIELDS: Final[dict[Field, tuple[str, str]]] = {
    Field.NONE: ("no single field: the request as a whole", "none"),
    Field.PAYLOAD: ("the payload as a whole", "bytes"),
    Field.MESSAGE_TYPE: ("message type in the frame header", "code"),
    Field.VERSION: ("protocol version in the frame header", "number"),
    Field.LINK_ID: ("link id in the frame header", "number"),
    Field.SEQUENCE: ("sequence number in the frame header", "number"),
    Field.KEY_ID: ("`key_id`; not refused by itself in this version", "number"),
    Field.ROLE: ("`role`", "code"),
    Field.COUNTER: ("`counter` of the sealed frame (SEAL-04)", "number"),
    Field.MODE: ("`prescription.mode`, or the mode in force", "code"),
    Field.DRUG_NAME: ("`name` of a drug", "bytes of UTF-8"),
    Field.MASS_UNIT: ("`mass_unit` of a drug", "code"),
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
    Field.BOLUS_RATE: ("highest basal rate plus rate of the bolus (ORDER-04)", "nL/day"),
    Field.RESERVOIR_VOLUME: ("`volume_nl` of a reservoir update", "nL"),
    Field.ALARM: ("`alarm`", "code"),
    Field.SILENCE_DURATION: ("`duration_ms` of a silence", "ms"),
    Field.ALARM_CLASS: ("`alarm_class`", "code"),
    Field.FIRST_SEQUENCE: ("`first_sequence`; not refused in this version", "number"),
    Field.ENTRY_LIMIT: ("`limit`", "records"),
    Field.CLOCK: ("`clock_ms`", "ms"),
    Field.PROGRAMMER_ID: ("programmer id of the link", "number"),
    Field.DRUGS: ("how many `drugs` there are", "drugs"),
    Field.HIGHEST_DAILY_DOSE: ("`with_patient_ng` of the dose totals (PROG-25)", "ng"),
    Field.SCHEDULE: ("how many steps `days` has, in all or in one pattern", "steps"),
    Field.WEEKDAYS: ("`weekdays` of the day patterns", "code"),
    Field.STEP_START: ("`starts_at_min` of a step", "min"),
    Field.STEP_RATE: ("`rate_nl_per_day` of a step", "nL/day"),
    Field.PERIODIC_DOSE: ("`dose_ng` of the periodic bolus", "ng"),
    Field.PERIODIC_VOLUME: ("`volume_nl` of the periodic bolus", "nL"),
    Field.PERIODIC_DURATION: ("`duration_ms` of the periodic bolus", "ms"),
    Field.PERIODIC_INTERVAL: ("`interval_ms` of the periodic bolus", "ms"),
    Field.PERIODIC_FIRST: ("`first_after_ms` of the periodic bolus", "ms"),
    Field.PERIODIC_BASAL_RATE: ("`basal_rate_nl_per_day` under the periodic bolus", "nL/day"),
    Field.PERIODIC_RATE: ("that rate plus the rate of the periodic bolus (PROG-21)", "nL/day"),
    Field.PATIENT_DOSE: ("`dose_ng` of the patient bolus", "ng"),
    Field.PATIENT_VOLUME: ("`volume_nl` of the patient bolus", "nL"),
    Field.PATIENT_DURATION: ("`duration_ms` of the patient bolus", "ms"),
    Field.PATIENT_LOCKOUT: ("`lockout_ms` of the patient bolus", "ms"),
    Field.PATIENT_ALLOTMENT: ("`allotted_per_day` of the patient bolus", "boluses"),
    Field.PATIENT_RATE: ("highest basal rate plus rate of the patient bolus (PROG-22)", "nL/day"),
    Field.BRIDGE: ("`bridge_decision`", "code"),
    Field.BRIDGE_VOLUME: ("`volume_nl` of the bridge", "nL"),
    Field.BRIDGE_RATE: ("`rate_nl_per_day` of the bridge", "nL/day"),
    Field.BRIDGE_DURATION: ("`duration_ms` of the bridge", "ms"),
    Field.BOLUS_KIND: ("`kind` of a bolus", "code"),
    Field.PRIMING_VOLUME: ("`volume_nl` of a priming bolus", "nL"),
    Field.ALARM_INTERVAL: ("`interval_ms` of a tone", "ms"),
    Field.NOTE: ("`text` of the note", "bytes of UTF-8"),
}

R, F = RefusalCode, Field

_ORDER: Final = (
    (R.OUT_OF_RANGE, F.ORDER_NUMBER, "outside ORDER-02"),
    (R.STALE_ORDER, F.ORDER_NUMBER, "ORDER-06"),
    (R.ORDER_REUSED, F.ORDER_NUMBER, "ORDER-06"),
    (R.TOO_MANY_PROGRAMMERS, F.PROGRAMMER_ID, "ORDER-08"),
    (R.END_OF_SERVICE, F.NONE, "ALARM-08"),
)

_BRIDGE: Final = (
    (R.BRIDGE_UNDECIDED, F.BRIDGE, "a drug changes (PROG-26)"),
    (R.MISMATCH, F.BRIDGE, "nothing changes (PROG-27), or decision and bridge disagree (PROG-28)"),
    (R.WRONG_MODE, F.BRIDGE, "there is nothing to bridge from or to (PROG-28)"),
    (R.OUT_OF_RANGE, F.BRIDGE_VOLUME, "PROG-28"),
    (R.MISMATCH, F.BRIDGE_RATE, "PROG-28"),
    (R.OUT_OF_RANGE, F.BRIDGE_RATE, "PROG-28"),
    (R.MISMATCH, F.BRIDGE_DURATION, "PROG-28"),
    (R.OUT_OF_RANGE, F.BRIDGE_DURATION, "PROG-28"),
)

_EMERGENCY: Final = (
    (R.OUT_OF_RANGE, F.LINK_ID, "it is not 0 (EMERG-02)"),
    (R.NOT_NEAR, F.NONE, "EMERG-03"),
    (R.NO_INTENT, F.NONE, "EMERG-03"),
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
        (R.WRONG_MODE, F.SCHEDULE, "steps in a mode without, or none in mode FLEX (PROG-18)"),
        (R.WRONG_MODE, F.PERIODIC_DOSE, "likewise of the periodic bolus (PROG-18)"),
        (R.WRONG_MODE, F.PATIENT_DOSE, "a mode that treats nobody (PROG-18)"),
        (R.DUPLICATE, F.PERIODIC_DOSE, "more than one periodic bolus (PROG-18)"),
        (R.DUPLICATE, F.PATIENT_DOSE, "more than one patient bolus (PROG-18)"),
        (R.OUT_OF_RANGE, F.DRUGS, "PROG-23; `value`: how many"),
        (R.UNKNOWN_VALUE, F.MASS_UNIT, "MSG-04"),
        (R.MALFORMED, F.DRUG_NAME, "not UTF-8"),
        (R.UNKNOWN_VALUE, F.DRUG_NAME, "an unprintable character (PROG-06)"),
        (R.OUT_OF_RANGE, F.DRUG_NAME, "not 1 to 32 bytes; `value`: its bytes"),
        (R.DUPLICATE, F.DRUG_NAME, "two drugs of one name (PROG-23)"),
        (R.OUT_OF_RANGE, F.CONCENTRATION, "PROG-07"),
        (R.OUT_OF_RANGE, F.LOW_RESERVOIR_THRESHOLD, "PROG-07"),
        (R.OUT_OF_RANGE, F.RATE, "PROG-05"),
        (R.OUT_OF_RANGE, F.DAILY_DOSE, "PROG-05, PROG-25"),
        (R.MISMATCH, F.RATE, "PROG-03 to PROG-05, PROG-19, PROG-21"),
        (R.MISMATCH, F.DAILY_DOSE, "PROG-03, PROG-04, PROG-19, PROG-21"),
        (R.OUT_OF_RANGE, F.HIGHEST_DAILY_DOSE, "PROG-25"),
        *(
            (code, field, "PROG-20")
            for code, field in (
                (R.OUT_OF_RANGE, F.SCHEDULE),
                (R.UNKNOWN_VALUE, F.WEEKDAYS),
                (R.NOT_COVERED, F.WEEKDAYS),
                (R.DUPLICATE, F.WEEKDAYS),
                (R.NOT_COVERED, F.STEP_START),
                (R.OUT_OF_RANGE, F.STEP_START),
                (R.OUT_OF_RANGE, F.STEP_RATE),
            )
        ),
        *(
            (code, field, "PROG-21")
            for code, field in (
                (R.OUT_OF_RANGE, F.PERIODIC_BASAL_RATE),
                (R.OUT_OF_RANGE, F.PERIODIC_DOSE),
                (R.MISMATCH, F.PERIODIC_VOLUME),
                (R.OUT_OF_RANGE, F.PERIODIC_VOLUME),
                (R.OUT_OF_RANGE, F.PERIODIC_DURATION),
                (R.OUT_OF_RANGE, F.PERIODIC_INTERVAL),
                (R.OUT_OF_RANGE, F.PERIODIC_FIRST),
                (R.OUT_OF_RANGE, F.PERIODIC_RATE),
            )
        ),
        *(
            (code, field, "PROG-22")
            for code, field in (
                (R.OUT_OF_RANGE, F.PATIENT_DOSE),
                (R.MISMATCH, F.PATIENT_VOLUME),
                (R.OUT_OF_RANGE, F.PATIENT_VOLUME),
                (R.OUT_OF_RANGE, F.PATIENT_DURATION),
                (R.OUT_OF_RANGE, F.PATIENT_LOCKOUT),
                (R.OUT_OF_RANGE, F.PATIENT_ALLOTMENT),
                (R.OUT_OF_RANGE, F.PATIENT_RATE),
            )
        ),
        (R.UNKNOWN_VALUE, F.BRIDGE, "MSG-04"),
        (R.DUPLICATE, F.BRIDGE, "more than one bridge (PROG-28)"),
        *_BRIDGE,
        (R.END_OF_SERVICE, F.NONE, "ALARM-08"),
    ),
    T.COMMIT_PRESCRIPTION: (
        (R.NOTHING_STAGED, F.NONE, "PROG-12"),
        (R.STALE_DIGEST, F.DIGEST, "PROG-12"),
        (R.NOT_CONFIRMED, F.HIGHEST_DAILY_DOSE, "PROG-24"),
        (R.BOLUS_ACTIVE, F.DRUG_NAME, "PROG-14"),
        (R.BOLUS_ACTIVE, F.CONCENTRATION, "PROG-14"),
        (R.BOLUS_ACTIVE, F.BRIDGE, "a bridge is running (PROG-14)"),
        (R.INFUSION_HELD, F.BRIDGE, "nothing flows now (PROG-29)"),
        (R.OUT_OF_RANGE, F.RATE, "too fast together with the running bolus (PROG-14)"),
        *_BRIDGE,
        (R.END_OF_SERVICE, F.NONE, "ALARM-08"),
    ),
    T.ROLL_BACK_PRESCRIPTION: ((R.NOTHING_STAGED, F.NONE, "PROG-15"),),
    T.ORDER_BOLUS: (
        (R.UNKNOWN_VALUE, F.BOLUS_KIND, "MSG-04; neither SINGLE nor PRIMING (ORDER-03)"),
        *_ORDER,
        (R.MISMATCH, F.CONCENTRATION, "not that of the prescription in force"),
        (R.MISMATCH, F.BOLUS_VOLUME, "ORDER-03"),
        (R.MISMATCH, F.BOLUS_DOSE, "kind PRIMING: ORDER-12"),
        (R.OUT_OF_RANGE, F.BOLUS_DOSE, "ORDER-04"),
        (R.OUT_OF_RANGE, F.BOLUS_VOLUME, "ORDER-04"),
        (R.OUT_OF_RANGE, F.PRIMING_VOLUME, "ORDER-12"),
        (R.OUT_OF_RANGE, F.BOLUS_DURATION, "ORDER-04"),
        (R.OUT_OF_RANGE, F.BOLUS_RATE, "ORDER-04"),
        (R.WRONG_MODE, F.MODE, "the mode in force is STOPPED, or a safe state (ALARM-13)"),
        (R.BOLUS_ACTIVE, F.NONE, "a bolus is running that goes before it (ORDER-13)"),
        (R.INFUSION_HELD, F.NONE, "ALARM-16"),
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
    T.REQUEST_PATIENT_BOLUS: (
        *_ORDER,
        (R.NOT_PRESCRIBED, F.NONE, "ORDER-16"),
        (R.LOCKED_OUT, F.NONE, "ORDER-16"),
        (R.ALLOTMENT_USED, F.NONE, "ORDER-16"),
        (R.BOLUS_ACTIVE, F.NONE, "any but a periodic one is running (ORDER-13)"),
        (R.INFUSION_HELD, F.NONE, "ALARM-16"),
        (R.RESERVOIR_EMPTY, F.NONE, "the believed volume is 0"),
        (R.OUT_OF_RANGE, F.BOLUS_VOLUME, "more than the believed volume"),
    ),
    T.SET_ALARM_INTERVAL: (
        (R.UNKNOWN_VALUE, F.ALARM_CLASS, "MSG-04"),
        (R.OUT_OF_RANGE, F.ALARM_INTERVAL, "ALARM-09"),
    ),
    T.READ_NOTE: (),
    T.WRITE_NOTE: (
        (R.MALFORMED, F.NOTE, "not UTF-8"),
        (R.OUT_OF_RANGE, F.NOTE, "more than 128 bytes; `value`: its bytes"),
        (R.UNKNOWN_VALUE, F.NOTE, "an unprintable character other than a line feed"),
    ),
    T.AUTHENTICATE: (
        (R.OUT_OF_RANGE, F.LINK_ID, "it is 0"),
        (R.LINK_ID_USED, F.LINK_ID, "LINK-06, LINK-07"),
        (R.UNKNOWN_VALUE, F.ROLE, "MSG-04"),
        (R.AUTHENTICATION_LOCKED, F.NONE, "AUTH-10"),
        (R.AUTHENTICATION_FAILED, F.NONE, "AUTH-07, SEC-01"),
    ),
    T.PAIR: ((R.NOT_NEAR, F.NONE, "PAIR-05"),),
    T.EMERGENCY_STATUS: _EMERGENCY,
    T.EMERGENCY_MINIMUM_RATE: (
        *_EMERGENCY,
        (R.WRONG_MODE, F.MODE, "nothing flows, or less is prescribed (EMERG-05)"),
        (R.END_OF_SERVICE, F.NONE, "ALARM-08"),
    ),
    T.EMERGENCY_STOP: (*_EMERGENCY, (R.END_OF_SERVICE, F.NONE, "ALARM-08")),
}
"""What each request may be refused for, beyond ANY_REQUEST."""

ANY_REQUEST: Final = (
    (R.UNSUPPORTED_VERSION, F.VERSION, "LINK-12"),
    (R.AUTHENTICATION_REQUIRED, F.NONE, "SEC-05; in a plain frame"),
    (R.NOT_AUTHENTIC, F.NONE, "SEAL-06; in a sealed frame"),
    (R.NOT_AUTHENTIC, F.COUNTER, "SEAL-06; in a sealed frame"),
    (R.NOT_PERMITTED, F.MESSAGE_TYPE, "ROLE-01"),
    (R.LINK_NOT_OPEN, F.LINK_ID, "LINK-04; not open_link, identify, authenticate, emergency"),
    (R.LINK_ID_USED, F.LINK_ID, "LINK-06; not identify, emergency"),
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
    "MAX_DRUGS": ("drugs", "most drugs in a mixture (PROG-23)"),
    "MAX_STEPS_PER_DAY": ("steps", "most steps in one day pattern (PROG-20)"),
    "MAX_STEPS": ("steps", "most steps in all day patterns together (PROG-20)"),
    "MAX_NOTE_BYTES": ("bytes", "longest note (CLOCK-05)"),
    "INTER_BYTE_TIMEOUT_MS": (
        "ms of link time",
        "gap that ends half a frame (FRAME-11)",
    ),
    "IDLE_LIMIT_MS": ("ms of link time", "a link without requests ends after it (LINK-08)"),
    "ABSOLUTE_LIMIT_MS": ("ms of link time", "any link ends after it (LINK-09)"),
    "STAGING_LIMIT_MS": ("ms of link time", "a staged prescription waits so long (PROG-11)"),
    "RETIRED_LINKS": ("link ids", "as many ids of ended links a pump remembers (LINK-06)"),
    "HANDSHAKE_LIMIT_MS": (
        "ms of link time",
        "a handshake that no OpenLink follows is forgotten after it (AUTH-08)",
    ),
    "FREE_FAILURES": ("handshakes", "as many may fail in a row before a lock (AUTH-10)"),
    "FIRST_LOCK_MS": ("ms of link time", "first lock after too many failures (AUTH-10)"),
    "LONGEST_LOCK_MS": ("ms of link time", "longest lock (AUTH-10)"),
    "PAIRING_CODE_BITS": ("bits", "random bits of a pairing code (PAIR-01)"),
    "PAIRING_LIMIT_MS": ("ms of link time", "a pairing code is void after it (PAIR-04)"),
    "PAIRING_ATTEMPTS": (
        "handshakes",
        "a pairing code is void after so many that failed (PAIR-04)",
    ),
    "INTENT_LIMIT_MS": ("ms of link time", "a press of the button counts so long (EMERG-03)"),
}
