"""The messages that the golden vectors and the worked examples of the specification show.

Figures are those of a 20 mL pump on the tenth day of 100 mcg/day at 500 mcg/mL; they agree with
each other (the dates follow from the volumes, the digests from the prescriptions).
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum, IntFlag
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from pump_protocol import layouts
from pump_protocol import messages as m
from pump_protocol.codes import (
    ABSENT,
    MAX_ACCESS_ENTRIES,
    MAX_DRUG_NAME_BYTES,
    MAX_DRUGS,
    MAX_LOG_ENTRIES,
    MAX_NOTE_BYTES,
    MAX_REASONS,
    MAX_STEPS,
    MAX_STEPS_PER_DAY,
    NEVER,
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
    Weekday,
)
from pump_protocol.payloads import prescription_digest

LINK_ID: Final = 0x0123456789ABCDEF
SCHEDULES_LINK_ID: Final = 0x0FEDCBA987654321
PAIRING_LINK_ID: Final = 0x00C0FFEE00C0FFEE
PROGRAMMER_ID: Final = 0x1122334455667788

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
NOW_MS: Final = 10 * DAY_MS
IMPLANTED_CLOCK_MS: Final = 1_788_249_600_000  # 2026-09-01 08:00
ERI_AT_MS: Final = 213_127_200_000
EOS_AT_MS: Final = ERI_AT_MS + 90 * DAY_MS
REPLACEMENT_AT_MS: Final = 205_124_400_000


@dataclass(frozen=True, slots=True)
class Example:
    """One named message as it travels in a frame."""

    name: str
    message: m.Message
    sequence: int = 1
    link_id: int = LINK_ID


BACLOFEN: Final = m.Drug(MassUnit.MICROGRAM, 500_000, "baclofen")
CURRENT: Final = m.Prescription(
    mode=Mode.SIMPLE_CONTINUOUS,
    drugs=(BACLOFEN,),
    daily_dose_ng=100_000,
    rate_nl_per_day=200_000,
    low_reservoir_threshold_nl=2_000_000,
)
RAISED: Final = replace(CURRENT, daily_dose_ng=120_000, rate_nl_per_day=240_000)
FLEX: Final = replace(
    CURRENT,
    mode=Mode.FLEX,
    daily_dose_ng=87_667,
    rate_nl_per_day=175_333,
    days=(
        m.DayPattern(
            Weekday.MONDAY
            | Weekday.TUESDAY
            | Weekday.WEDNESDAY
            | Weekday.THURSDAY
            | Weekday.FRIDAY,
            (m.Step(0, 100_000), m.Step(8 * 60, 300_000), m.Step(22 * 60, 100_000)),
        ),
        m.DayPattern(Weekday.SATURDAY | Weekday.SUNDAY, (m.Step(0, 72_000),)),
    ),
)
PERIODIC: Final = replace(
    CURRENT,
    mode=Mode.PERIODIC_BOLUS,
    daily_dose_ng=50_667,
    rate_nl_per_day=101_333,
    periodic_boluses=(m.PeriodicBolus(48_000, 10_000, 20_000, 600_000, 9 * HOUR_MS, HOUR_MS),),
)
PATIENT: Final = replace(
    CURRENT, patient_boluses=(m.PatientBolus(5_000, 10_000, 300_000, 2 * HOUR_MS, 4),)
)
MIXTURE: Final = replace(
    CURRENT,
    drugs=(BACLOFEN, m.Drug(MassUnit.MICROGRAM, 50_000, "clonidine")),
    bridge_decision=BridgeDecision.DECLINED,
)
BRIDGE: Final = replace(
    CURRENT,
    drugs=(replace(BACLOFEN, concentration_ng_per_ml=2_000_000),),
    daily_dose_ng=120_000,
    rate_nl_per_day=60_000,
    bridge_decision=BridgeDecision.BRIDGE,
    bridges=(m.Bridge(340_000, 240_000, 34 * HOUR_MS),),
)
CURRENT_DIGEST: Final = prescription_digest(1, CURRENT)
RAISED_DIGEST: Final = prescription_digest(2, RAISED)
PATIENT_DIGEST: Final = prescription_digest(2, PATIENT)
BRIDGE_DIGEST: Final = prescription_digest(3, BRIDGE)

_LOW_RESERVOIR: Final = m.AlarmRecord(
    Alarm.LOW_RESERVOIR,
    AlarmFlag.ACTIVE | AlarmFlag.ACKNOWLEDGED,
    raised_at_ms=90 * DAY_MS,
    cleared_at_ms=None,
    silenced_until_ms=None,
)

IDENTITY: Final = m.Identity(
    nature=Nature.SIMULATOR,
    protocol_version=1,
    security_profile=SecurityProfile.LEGACY_INSECURE,
    capabilities=Capability(sum(Capability)),
    reservoir_capacity_nl=20_000_000,
    minimum_rate_nl_per_day=6_000,
    minimum_therapeutic_rate_nl_per_day=48_000,
    maximum_rate_nl_per_day=24_000_000,
    maximum_daily_dose_ng=2_000_000,
    maximum_bolus_dose_ng=500_000,
    minimum_bolus_duration_ms=60_000,
    maximum_bolus_duration_ms=DAY_MS,
    minimum_concentration_ng_per_ml=1_000,
    maximum_concentration_ng_per_ml=100_000_000,
    maximum_low_reservoir_threshold_nl=10_000_000,
    minimum_silence_ms=60_000,
    maximum_silence_non_critical_ms=DAY_MS,
    maximum_silence_critical_ms=2 * HOUR_MS,
    soft_daily_dose_ng=1_000_000,
    internal_tubing_volume_nl=140_000,
    maximum_priming_volume_nl=1_000_000,
    minimum_bolus_interval_ms=60_000,
    maximum_bolus_interval_ms=7 * DAY_MS,
    minimum_lockout_ms=60_000,
    maximum_lockout_ms=7 * DAY_MS,
    maximum_patient_boluses_per_day=24,
    minimum_critical_interval_ms=600_000,
    maximum_critical_interval_ms=2 * HOUR_MS,
    product="pump-sim (simulator, not for clinical use)",
    model="VP-20",
    serial_number="SIM-000001",
    firmware_version="0.1.0",
)

STATUS: Final = m.StatusReport(
    at_ms=NOW_MS,
    clock_ms=IMPLANTED_CLOCK_MS + NOW_MS,
    implanted_clock_ms=IMPLANTED_CLOCK_MS,
    prescription_version=1,
    prescription=m.PrescriptionSummary(
        mode=Mode.SIMPLE_CONTINUOUS,
        mass_unit=MassUnit.MICROGRAM,
        concentration_ng_per_ml=500_000,
        daily_dose_ng=100_000,
        rate_nl_per_day=200_000,
        low_reservoir_threshold_nl=2_000_000,
        drug_count=1,
        drug_name="baclofen",
    ),
    has_pending=False,
    infusing_nl_per_day=200_000,
    believed_volume_nl=18_000_000,
    reservoir_capacity_nl=20_000_000,
    delivered_nl=2_000_000,
    low_reservoir_at_ms=90 * DAY_MS,
    empty_reservoir_at_ms=100 * DAY_MS,
    last_refill_at_ms=0,
    service_state=ServiceState.IN_SERVICE,
    battery_remaining_ppm=996_222,
    eri_at_ms=ERI_AT_MS,
    eos_at_ms=EOS_AT_MS,
    replacement_planned_at_ms=REPLACEMENT_AT_MS,
    next_periodic_bolus_at_ms=None,
    critical_interval_ms=600_000,
    next_tone_at_ms=None,
    therapy_log=m.LogRange(1, 2, 0),
    access_log=m.LogRange(1, 2, 0),
    patient_boluses=(),
    boluses=(),
    alarms=(),
)

# The rate of 120 mcg/day would be 240,000 nL/day; nor does the pump have a rate as high as this.
_BAD: Final = replace(RAISED, rate_nl_per_day=24_000_001)


def _staged(
    prescription: m.Prescription, highest_ng: int, patient_ng: int = 0, version: int = 2
) -> m.PrescriptionStaged:
    """The pump's echo of a prescription whose dose needs no confirmation."""
    return m.PrescriptionStaged(
        version=version,
        digest=prescription_digest(version, prescription),
        expires_in_ms=120_000,
        must_confirm=False,
        totals=m.DoseTotals(prescription.daily_dose_ng, highest_ng, highest_ng + patient_ng),
        prescription=prescription,
    )


def _exchange(
    sequence: int, request: tuple[str, m.Message], response: tuple[str, m.Message]
) -> tuple[Example, Example]:
    """A request and its answer in the link of the schedules."""
    return (
        Example(*request, sequence, SCHEDULES_LINK_ID),
        Example(*response, sequence, SCHEDULES_LINK_ID),
    )


STORY: Final = (
    Example("open_link", m.OpenLink(PROGRAMMER_ID), 1),
    Example("link_opened", m.LinkOpened(120_000, 1_800_000, 120_000, 0), 1),
    Example("identify", m.Identify(), 2),
    Example("identity", IDENTITY, 2),
    Example("interrogate", m.Interrogate(), 3),
    Example("status_report", STATUS, 3),
    Example("stage_prescription", m.StagePrescription(RAISED), 4),
    Example("prescription_staged", _staged(RAISED, 120_000), 4),
    Example("commit_prescription", m.CommitPrescription(RAISED_DIGEST), 5),
    Example("prescription_committed", m.PrescriptionCommitted(2, NOW_MS, RAISED_DIGEST), 5),
    Example("order_bolus", m.OrderBolus(1, BolusKind.SINGLE, 50_000, 500_000, 100_000, 600_000), 6),
    Example("bolus_ordered", m.BolusOrdered(1, 100_000, NOW_MS, NOW_MS + 600_000), 6),
    Example("stage_prescription_wrong", m.StagePrescription(_BAD), 7),
    Example(
        "refusal",
        m.Refusal(
            int(MessageType.STAGE_PRESCRIPTION),
            (
                m.Reason(RefusalCode.OUT_OF_RANGE, Field.RATE, 24_000_001, 48_000, 24_000_000),
                m.Reason(RefusalCode.MISMATCH, Field.RATE, 24_000_001, 240_000, 240_000),
            ),
        ),
        7,
    ),
    Example("close_link", m.CloseLink(), 8),
    Example("link_closed", m.LinkClosed(), 8),
)
"""One link from its opening to its end, told by the worked examples."""

SCHEDULES: Final = (
    *_exchange(
        1,
        ("open_link_for_schedules", m.OpenLink(PROGRAMMER_ID)),
        ("link_opened_for_schedules", m.LinkOpened(120_000, 1_800_000, 120_000, 0)),
    ),
    *_exchange(
        2, ("stage_flex", m.StagePrescription(FLEX)), ("flex_staged", _staged(FLEX, 108_333))
    ),
    *_exchange(
        3,
        ("stage_periodic_bolus", m.StagePrescription(PERIODIC)),
        ("periodic_bolus_staged", _staged(PERIODIC, 54_000)),
    ),
    *_exchange(
        4,
        ("stage_mixture", m.StagePrescription(MIXTURE)),
        ("mixture_staged", _staged(MIXTURE, 100_000)),
    ),
    *_exchange(
        5,
        ("stage_patient_bolus", m.StagePrescription(PATIENT)),
        ("patient_bolus_staged", _staged(PATIENT, 100_000, 20_000)),
    ),
    *_exchange(
        6,
        ("commit_patient_bolus", m.CommitPrescription(PATIENT_DIGEST)),
        ("patient_bolus_committed", m.PrescriptionCommitted(2, NOW_MS, PATIENT_DIGEST)),
    ),
    *_exchange(
        7,
        ("request_patient_bolus", m.RequestPatientBolus(1)),
        (
            "patient_bolus_started",
            m.PatientBolusStarted(
                1, 10_000, NOW_MS, NOW_MS + 300_000, left=3, next_at_ms=NOW_MS + 2 * HOUR_MS
            ),
        ),
    ),
    *_exchange(
        8,
        ("abort_patient_bolus", m.AbortBolus()),
        ("patient_bolus_aborted", m.BolusAborted(BolusKind.PATIENT, 1, 0)),
    ),
    *_exchange(
        9,
        ("request_patient_bolus_too_soon", m.RequestPatientBolus(2)),
        (
            "patient_bolus_locked_out",
            m.Refusal(
                int(MessageType.REQUEST_PATIENT_BOLUS),
                (m.Reason(RefusalCode.LOCKED_OUT, Field.NONE, NOW_MS + 2 * HOUR_MS),),
            ),
        ),
    ),
    *_exchange(
        10,
        ("stage_bridge", m.StagePrescription(BRIDGE)),
        ("bridge_staged", _staged(BRIDGE, 120_000, version=3)),
    ),
    *_exchange(
        11,
        ("commit_bridge", m.CommitPrescription(BRIDGE_DIGEST)),
        ("bridge_committed", m.PrescriptionCommitted(3, NOW_MS, BRIDGE_DIGEST)),
    ),
    *_exchange(
        12,
        ("abort_bridge", m.AbortBolus()),
        ("bridge_aborted", m.BolusAborted(BolusKind.BRIDGE, 0, 0)),
    ),
)
"""Another link to the same pump in the same millisecond: every kind of schedule is staged."""

_ABOVE_SOFT_LIMIT: Final = replace(CURRENT, daily_dose_ng=1_200_000, rate_nl_per_day=2_400_000)
# Both copies of the prescription were lost.
_SAFE_STATE: Final = m.Prescription(Mode.MINIMUM_RATE, (), 0, 6_000, 2_000_000)

_MORE: Final = (
    Example("read_prescription", m.ReadPrescription(PrescriptionSlot.CURRENT)),
    Example(
        "prescription_report",
        m.PrescriptionReport(
            PrescriptionSlot.CURRENT,
            1,
            CURRENT_DIGEST,
            m.DoseTotals(100_000, 100_000, 100_000),
            CURRENT,
        ),
    ),
    Example("roll_back_prescription", m.RollBackPrescription()),
    Example("prescription_rolled_back", m.PrescriptionRolledBack(1)),
    Example("abort_bolus", m.AbortBolus()),
    Example("bolus_aborted", m.BolusAborted(BolusKind.SINGLE, 1, 33_333)),
    Example("update_reservoir", m.UpdateReservoir(2, 20_000_000)),
    Example("reservoir_updated", m.ReservoirUpdated(2, NOW_MS, 18_000_000, 20_000_000)),
    Example("acknowledge_alarm", m.AcknowledgeAlarm(Alarm.LOW_RESERVOIR)),
    Example("alarm_acknowledged", m.AlarmAcknowledged(_LOW_RESERVOIR)),
    Example("silence_alarm", m.SilenceAlarm(Alarm.LOW_RESERVOIR, HOUR_MS)),
    Example(
        "alarm_silenced",
        m.AlarmSilenced(
            replace(
                _LOW_RESERVOIR,
                flags=AlarmFlag.ACTIVE | AlarmFlag.SILENCED,
                silenced_until_ms=90 * DAY_MS + HOUR_MS,
            )
        ),
    ),
    Example("test_alarm", m.TestAlarm(AlarmClass.CRITICAL)),
    Example("alarm_tested", m.AlarmTested(AlarmClass.CRITICAL, 3_000)),
    Example("read_log", m.ReadLog(1, MAX_LOG_ENTRIES)),
    Example(
        "log_page",
        m.LogPage(
            m.LogRange(1, 4, 0),
            (
                m.LogEntry(1, 0, LogEvent.IMPLANTED, 20_000_000, 200_000, 0, 1),
                m.LogEntry(2, NOW_MS, LogEvent.STAGED, 240_000, 120_000, LINK_ID, 1),
                m.LogEntry(3, NOW_MS, LogEvent.COMMITTED, 200_000, 240_000, LINK_ID, 2),
            ),
        ),
    ),
    Example("read_access_log", m.ReadAccessLog(1, MAX_ACCESS_ENTRIES)),
    Example(
        "access_log_page",
        m.AccessLogPage(
            m.LogRange(1, 3, 0),
            (
                m.AccessEntry(1, NOW_MS, NOW_MS, 1, AccessEvent.INTERROGATED, 4, 0, 0, LINK_ID),
                m.AccessEntry(
                    2,
                    NOW_MS,
                    NOW_MS + 5_000,
                    3,
                    AccessEvent.REFUSED,
                    int(MessageType.STAGE_PRESCRIPTION),
                    int(RefusalCode.OUT_OF_RANGE),
                    int(Field.RATE),
                    LINK_ID,
                ),
            ),
        ),
    ),
    Example("set_clock", m.SetClock(IMPLANTED_CLOCK_MS + NOW_MS + HOUR_MS)),
    Example(
        "clock_set",
        m.ClockSet(IMPLANTED_CLOCK_MS + NOW_MS, IMPLANTED_CLOCK_MS + NOW_MS + HOUR_MS),
    ),
    Example("self_test", m.SelfTest()),
    Example(
        "self_test_report", m.SelfTestReport(tuple(m.CheckResult(each, True) for each in Check))
    ),
    Example(
        "status_report_with_bolus_and_alarms",
        replace(
            STATUS,
            has_pending=True,
            infusing_nl_per_day=14_600_000,
            next_periodic_bolus_at_ms=NOW_MS + HOUR_MS,
            patient_boluses=(m.PatientBolusState(4, 3, NOW_MS + HOUR_MS),),
            boluses=(
                m.BolusReport(
                    BolusKind.SINGLE,
                    BolusOutcome.RUNNING,
                    PROGRAMMER_ID,
                    1,
                    100_000,
                    33_333,
                    600_000,
                    NOW_MS - 200_000,
                ),
            ),
            alarms=(
                _LOW_RESERVOIR,
                m.AlarmRecord(
                    Alarm.EMPTY_RESERVOIR, AlarmFlag.LATCHED, 80 * DAY_MS, 81 * DAY_MS, None
                ),
            ),
        ),
    ),
    Example(
        "refusal_without_numbers",
        m.Refusal(int(MessageType.ABORT_BOLUS), (m.Reason(RefusalCode.NO_BOLUS, Field.NONE),)),
    ),
    Example(
        "stage_prescription_in_milligrams",
        m.StagePrescription(
            replace(
                CURRENT,
                mode=Mode.STOPPED,
                drugs=(m.Drug(MassUnit.MILLIGRAM, 500_000, "drug ΑΒΓ €"),),
            )
        ),
    ),
    Example(
        "prescription_staged_that_must_be_confirmed",
        replace(_staged(_ABOVE_SOFT_LIMIT, 1_200_000), must_confirm=True),
    ),
    Example(
        "commit_prescription_confirmed",
        m.CommitPrescription(prescription_digest(2, _ABOVE_SOFT_LIMIT), 1_200_000),
    ),
    Example(
        "refusal_not_confirmed",
        m.Refusal(
            int(MessageType.COMMIT_PRESCRIPTION),
            (
                m.Reason(
                    RefusalCode.NOT_CONFIRMED,
                    Field.HIGHEST_DAILY_DOSE,
                    1_200_000,
                    maximum=1_000_000,
                ),
            ),
        ),
    ),
    Example(
        "order_priming_bolus",
        m.OrderBolus(3, BolusKind.PRIMING, 170_000, 500_000, 340_000, 600_000),
    ),
    Example("set_alarm_interval", m.SetAlarmInterval(AlarmClass.CRITICAL, 2 * HOUR_MS)),
    Example("alarm_interval_set", m.AlarmIntervalSet(AlarmClass.CRITICAL, 2 * HOUR_MS)),
    Example("read_note", m.ReadNote()),
    Example("note_report", m.NoteReport(True, "Next refill: 2026-11-30")),
    Example("note_report_damaged", m.NoteReport(False, "")),
    Example("write_note", m.WriteNote("Next refill: 2026-11-30")),
    Example("note_written", m.NoteWritten()),
    Example("pair", m.Pair(), 3, PAIRING_LINK_ID),
    Example("emergency_status", m.EmergencyStatus(), 1, 0),
    Example(
        "emergency_status_report",
        m.EmergencyStatusReport(
            at_ms=NOW_MS,
            clock_ms=IMPLANTED_CLOCK_MS + NOW_MS,
            prescription=STATUS.prescription,
            infusing_nl_per_day=200_000,
            believed_volume_nl=18_000_000,
            service_state=ServiceState.IN_SERVICE,
            stopped_alarm_at_ms=None,
            alarms=(_LOW_RESERVOIR,),
        ),
        1,
        0,
    ),
    Example("emergency_minimum_rate", m.EmergencyMinimumRate(), 2, 0),
    Example("emergency_minimum_rate_set", m.EmergencyMinimumRateSet(NOW_MS, 2, 6_000), 2, 0),
    Example("emergency_stop", m.EmergencyStop(), 3, 0),
    Example("emergency_stopped", m.EmergencyStopped(NOW_MS, 3, NOW_MS + 48 * HOUR_MS), 3, 0),
    Example(
        "emergency_stop_without_intent",
        m.Refusal(int(MessageType.EMERGENCY_STOP), (m.Reason(RefusalCode.NO_INTENT, Field.NONE),)),
        4,
        0,
    ),
    Example(
        "authentication_locked",
        m.Refusal(
            int(MessageType.AUTHENTICATE),
            (m.Reason(RefusalCode.AUTHENTICATION_LOCKED, Field.NONE, 2_000),),
        ),
    ),
    Example(
        "prescription_report_of_a_safe_state",
        m.PrescriptionReport(
            PrescriptionSlot.CURRENT,
            2,
            prescription_digest(2, _SAFE_STATE),
            m.DoseTotals(0, 0, 0),
            _SAFE_STATE,
        ),
    ),
)

# --- Edges ---------------------------------------------------------------------------------------

_BITS: Final = {"B": 8, "H": 16, "L": 32, "I": 32, "Q": 64, "q": 63}
_EDGES: Final[dict[Any, tuple[Any, Any]]] = {
    str: ("", "é" * (MAX_DRUG_NAME_BYTES // 2)),
    bool: (False, True),
}
_LONGEST_LIST: Final[dict[type, int]] = {
    m.LogEntry: MAX_LOG_ENTRIES,
    m.AccessEntry: MAX_ACCESS_ENTRIES,
    m.Reason: MAX_REASONS,
    m.AlarmRecord: len(Alarm),
    m.CheckResult: len(Check),
    m.BolusReport: 1,
    m.Drug: MAX_DRUGS,
    m.DayPattern: MAX_STEPS // MAX_STEPS_PER_DAY,
    m.Step: MAX_STEPS_PER_DAY,
    m.PeriodicBolus: 1,
    m.PatientBolus: 1,
    m.Bridge: 1,
    m.PatientBolusState: 1,
}
_LONGEST_TEXT: Final = {"text": "é" * (MAX_NOTE_BYTES // 2)}


def edge(message_class: type[Any], *, largest: bool) -> Any:
    """The message of a class whose every field is as small, or as large, as it can be."""
    layout = layouts.PARTS.get(message_class) or layouts.PAYLOADS[message_class]
    declared = {each.name: each for each in layout.subcons}
    hints = get_type_hints(message_class)
    return message_class(
        **{
            each.name: _LONGEST_TEXT[each.name]
            if largest and each.name in _LONGEST_TEXT
            else _edge_value(hints[each.name], declared[each.name], largest)
            for each in fields(message_class)
        }
    )


def _edge_value(hint: Any, layout: layouts.Layout, largest: bool) -> Any:
    format_ = layouts.struct_format(layout)
    if get_origin(hint) is tuple:
        element = get_args(hint)[0]
        return (edge(element, largest=True),) * _LONGEST_LIST[element] if largest else ()
    if hint in _EDGES:
        return _EDGES[hint][largest]
    if hint is bytes and format_ is not None:
        return (b"\xff" if largest else b"\x00") * int(format_.removesuffix("s"))
    if isinstance(hint, type) and issubclass(hint, IntFlag):
        return hint(sum(int(each) for each in hint)) if largest else hint(0)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return max(hint) if largest else min(hint)
    return edge(hint, largest=largest) if format_ is None else _edge_number(hint, format_, largest)


def _edge_number(hint: Any, format_: str, largest: bool) -> int | None:
    highest: int = 2 ** _BITS[format_] - 1
    lowest = -(2**63) if format_ == "q" else 0
    if isinstance(hint, UnionType):
        # Next to the number that stands for None; and None itself where nothing is smaller.
        assert NEVER == 2**64 - 1
        assert ABSENT == -(2**63)
        if format_ == "q":
            return highest if largest else None
        return highest - 1 if largest else None
    return highest if largest else lowest


def all_examples() -> tuple[Example, ...]:
    """Everything that the golden vectors hold: the story, the other messages, and the edges."""
    classes = [*m.REQUESTS.values(), *m.RESPONSES.values()]
    edges = []
    for message_class in classes:
        if not fields(message_class):
            continue
        name = message_class.message_type.name.lower()
        edges.append(Example(f"{name}_smallest", edge(message_class, largest=False), 0, 1))
        largest = edge(message_class, largest=True)
        edges.append(Example(f"{name}_largest", largest, 2**32 - 1, 2**64 - 1))
    return (*STORY, *SCHEDULES, *_MORE, *edges)
