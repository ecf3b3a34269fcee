"""The model's values on the wire and back; the enums of the two sides are mapped by name.

A test holds the maps total both ways. What a message asks of a pump is :mod:`pump_sim.telemetry`'s.
"""

from enum import Enum, IntEnum
from typing import Final, TypeVar

from pump_protocol import codes
from pump_protocol import messages as m
from pump_sim.model.events import AccessEvent, EventCode, LogRange
from pump_sim.model.firmware.alarms import Alarm, AlarmClass, AlarmRecord
from pump_sim.model.firmware.selftest import Check
from pump_sim.model.firmware.service import ServiceState
from pump_sim.model.orders import BolusKind, BolusOutcome, BolusReport
from pump_sim.model.prescription import (
    Bridge,
    BridgeDecision,
    DayPattern,
    Drug,
    MassUnit,
    Mode,
    PatientBolus,
    PeriodicBolus,
    Prescription,
    Step,
    dose_totals,
)
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused
from pump_sim.model.status import PatientBolusState

M = TypeVar("M", bound=Enum)
W = TypeVar("W", bound=IntEnum)


def _by_name(model: type[M], wire: type[W]) -> dict[M, W]:
    return {member: wire[member.name] for member in model}


def _inverse(mapping: dict[M, W]) -> dict[W, M]:
    return {wire: member for member, wire in mapping.items()}


# The model's enums to the wire's. A code the wire has beyond these is the session's own.
MODES: Final = _by_name(Mode, codes.Mode)
MASS_UNITS: Final = _by_name(MassUnit, codes.MassUnit)
ALARMS: Final = _by_name(Alarm, codes.Alarm)
ALARM_CLASSES: Final = _by_name(AlarmClass, codes.AlarmClass)
SERVICE_STATES: Final = _by_name(ServiceState, codes.ServiceState)
BRIDGE_DECISIONS: Final = _by_name(BridgeDecision, codes.BridgeDecision)
BOLUS_KINDS: Final = _by_name(BolusKind, codes.BolusKind)
BOLUS_OUTCOMES: Final = _by_name(BolusOutcome, codes.BolusOutcome)
CHECKS: Final = _by_name(Check, codes.Check)
REFUSAL_CODES: Final = _by_name(RefusalCode, codes.RefusalCode)
FIELDS: Final = _by_name(Field, codes.Field)
LOG_EVENTS: Final = _by_name(EventCode, codes.LogEvent)
ACCESS_EVENTS: Final = _by_name(AccessEvent, codes.AccessEvent)

MODES_IN: Final = _inverse(MODES)
MASS_UNITS_IN: Final = _inverse(MASS_UNITS)
ALARMS_IN: Final = _inverse(ALARMS)
ALARM_CLASSES_IN: Final = _inverse(ALARM_CLASSES)
BRIDGE_DECISIONS_IN: Final = _inverse(BRIDGE_DECISIONS)
BOLUS_KINDS_IN: Final = _inverse(BOLUS_KINDS)


def prescription_in(sent: m.Prescription) -> Prescription:
    """The prescription that was sent; `Refused` where a list has more than it may hold."""
    lists = (
        (sent.periodic_boluses, Field.PERIODIC_DOSE),
        (sent.patient_boluses, Field.PATIENT_DOSE),
        (sent.bridges, Field.BRIDGE),
    )
    if twice := [Reason(RefusalCode.DUPLICATE, field) for each, field in lists if len(each) > 1]:
        raise Refused(*twice)
    return Prescription(
        mode=MODES_IN[sent.mode],
        drugs=tuple(
            Drug(each.name, MASS_UNITS_IN[each.mass_unit], each.concentration_ng_per_ml)
            for each in sent.drugs
        ),
        daily_dose_ng=sent.daily_dose_ng,
        rate_nl_per_day=sent.rate_nl_per_day,
        low_reservoir_threshold_nl=sent.low_reservoir_threshold_nl,
        days=tuple(_day_in(each) for each in sent.days),
        periodic=None if sent.periodic is None else _periodic_in(sent.periodic),
        patient=None if sent.patient is None else _patient_in(sent.patient),
        bridge_decision=BRIDGE_DECISIONS_IN[sent.bridge_decision],
        bridge=None if sent.bridge is None else _bridge_in(sent.bridge),
    )


def _day_in(sent: m.DayPattern) -> DayPattern:
    weekdays = frozenset(day for day in range(7) if sent.weekdays >> day & 1)
    steps = (Step(each.starts_at_min, each.rate_nl_per_day) for each in sent.steps)
    return DayPattern(weekdays, tuple(steps))


def _periodic_in(sent: m.PeriodicBolus) -> PeriodicBolus:
    return PeriodicBolus(
        basal_rate_nl_per_day=sent.basal_rate_nl_per_day,
        dose_ng=sent.dose_ng,
        volume_nl=sent.volume_nl,
        duration_ms=sent.duration_ms,
        interval_ms=sent.interval_ms,
        first_after_ms=sent.first_after_ms,
    )


def _patient_in(sent: m.PatientBolus) -> PatientBolus:
    return PatientBolus(
        dose_ng=sent.dose_ng,
        volume_nl=sent.volume_nl,
        duration_ms=sent.duration_ms,
        lockout_ms=sent.lockout_ms,
        allotted_per_day=sent.allotted_per_day,
    )


def _bridge_in(sent: m.Bridge) -> Bridge:
    return Bridge(
        volume_nl=sent.volume_nl,
        rate_nl_per_day=sent.rate_nl_per_day,
        duration_ms=sent.duration_ms,
    )


def prescription_out(prescription: Prescription) -> m.Prescription:
    periodic, patient, bridge = prescription.periodic, prescription.patient, prescription.bridge
    return m.Prescription(
        mode=MODES[prescription.mode],
        drugs=tuple(
            m.Drug(MASS_UNITS[each.mass_unit], each.concentration_ng_per_ml, each.name)
            for each in prescription.drugs
        ),
        daily_dose_ng=prescription.daily_dose_ng,
        rate_nl_per_day=prescription.rate_nl_per_day,
        low_reservoir_threshold_nl=prescription.low_reservoir_threshold_nl,
        days=tuple(_day_out(each) for each in prescription.days),
        periodic_boluses=() if periodic is None else (_periodic_out(periodic),),
        patient_boluses=() if patient is None else (_patient_out(patient),),
        bridge_decision=BRIDGE_DECISIONS[prescription.bridge_decision],
        bridges=() if bridge is None else (_bridge_out(bridge),),
    )


def _day_out(pattern: DayPattern) -> m.DayPattern:
    weekdays = codes.Weekday(sum(1 << day for day in pattern.weekdays))
    steps = (m.Step(each.starts_at_min, each.rate_nl_per_day) for each in pattern.steps)
    return m.DayPattern(weekdays, tuple(steps))


def _periodic_out(bolus: PeriodicBolus) -> m.PeriodicBolus:
    return m.PeriodicBolus(
        bolus.basal_rate_nl_per_day,
        bolus.dose_ng,
        bolus.volume_nl,
        bolus.duration_ms,
        bolus.interval_ms,
        bolus.first_after_ms,
    )


def _patient_out(bolus: PatientBolus) -> m.PatientBolus:
    return m.PatientBolus(
        bolus.dose_ng,
        bolus.volume_nl,
        bolus.duration_ms,
        bolus.lockout_ms,
        bolus.allotted_per_day,
    )


def _bridge_out(bridge: Bridge) -> m.Bridge:
    return m.Bridge(bridge.volume_nl, bridge.rate_nl_per_day, bridge.duration_ms)


def summary_out(prescription: Prescription) -> m.PrescriptionSummary:
    drugs = prescription.drugs
    unit = MASS_UNITS[drugs[0].mass_unit] if drugs else codes.MassUnit.MICROGRAM
    return m.PrescriptionSummary(
        MODES[prescription.mode],
        unit,
        prescription.concentration_ng_per_ml,
        prescription.daily_dose_ng,
        prescription.rate_nl_per_day,
        prescription.low_reservoir_threshold_nl,
        len(drugs),
        prescription.drug_name,
    )


def totals_out(prescription: Prescription) -> m.DoseTotals:
    totals = dose_totals(prescription)
    return m.DoseTotals(totals.mean_ng, totals.highest_ng, totals.with_patient_ng)


def patient_boluses_out(state: PatientBolusState | None) -> tuple[m.PatientBolusState, ...]:
    if state is None:
        return ()
    return (m.PatientBolusState(state.allotted_per_day, state.left, state.next_at_ms),)


def alarm_out(record: AlarmRecord, at_ms: int) -> m.AlarmRecord:
    silenced = record.active and record.silenced_at(at_ms)
    flags = codes.AlarmFlag(0)
    if record.active:
        flags |= codes.AlarmFlag.ACTIVE
    if record.latches and not record.acknowledged:
        flags |= codes.AlarmFlag.LATCHED
    if record.acknowledged:
        flags |= codes.AlarmFlag.ACKNOWLEDGED
    if silenced:
        flags |= codes.AlarmFlag.SILENCED
    return m.AlarmRecord(
        ALARMS[record.alarm],
        flags,
        record.raised_at_ms,
        record.cleared_at_ms,
        record.silenced_until_ms if silenced else None,
    )


def bolus_out(report: BolusReport) -> m.BolusReport:
    return m.BolusReport(
        BOLUS_KINDS[report.kind],
        BOLUS_OUTCOMES[report.outcome],
        report.programmer_id,
        report.order_number,
        report.volume_nl,
        report.delivered_nl,
        report.duration_ms,
        report.started_at_ms,
    )


def range_out(held: LogRange) -> m.LogRange:
    return m.LogRange(held.first, held.next, held.overwritten)


def reason_out(reason: Reason) -> m.Reason:
    return m.Reason(
        REFUSAL_CODES[reason.code],
        FIELDS[reason.field],
        _i64(reason.value),
        _i64(reason.minimum),
        _i64(reason.maximum),
    )


def _i64(value: int | None) -> int | None:
    """Refusals carry signed numbers; an unsigned one beyond them is left out rather than bent."""
    return value if value is not None and value < 2**63 else None
