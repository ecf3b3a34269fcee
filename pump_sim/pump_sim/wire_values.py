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
from pump_sim.model.orders import BolusOutcome, BolusReport
from pump_sim.model.prescription import MassUnit, Mode, Prescription
from pump_sim.model.refusals import Field, Reason, RefusalCode

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


def prescription_in(sent: m.Prescription) -> Prescription:
    return Prescription(
        mode=MODES_IN[sent.mode],
        drug_name=sent.drug_name,
        mass_unit=MASS_UNITS_IN[sent.mass_unit],
        concentration_ng_per_ml=sent.concentration_ng_per_ml,
        daily_dose_ng=sent.daily_dose_ng,
        rate_nl_per_day=sent.rate_nl_per_day,
        low_reservoir_threshold_nl=sent.low_reservoir_threshold_nl,
    )


def prescription_out(prescription: Prescription) -> m.Prescription:
    return m.Prescription(
        mode=MODES[prescription.mode],
        mass_unit=MASS_UNITS[prescription.mass_unit],
        concentration_ng_per_ml=prescription.concentration_ng_per_ml,
        daily_dose_ng=prescription.daily_dose_ng,
        rate_nl_per_day=prescription.rate_nl_per_day,
        low_reservoir_threshold_nl=prescription.low_reservoir_threshold_nl,
        drug_name=prescription.drug_name,
    )


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
        BOLUS_OUTCOMES[report.outcome],
        report.order.programmer_id,
        report.order.order_number,
        report.order.volume_nl,
        report.delivered_nl,
        report.order.duration_ms,
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
