"""What is in force, as somebody would type it: the page's fields begin with it; pure text."""

from pump_programmer import describe
from pump_programmer.times import time_of_day
from pump_protocol import units
from pump_protocol.codes import Mode, Weekday
from pump_protocol.jsonable import Json
from pump_protocol.messages import DayPattern, PatientBolus, PeriodicBolus, Prescription
from pump_protocol.units import dose_for_rate, rate_for_dose


def typed_of(prescription: Prescription) -> dict[str, Json]:
    """The fields of a form for a prescription; those that have nothing to say are left out.

    A rate is typed as the daily dose that makes it, where one does.
    """
    found: dict[str, Json] = {
        "low_reservoir": units.format_volume(prescription.low_reservoir_threshold_nl)
    }
    if not prescription.drugs:
        return found
    primary, *others = prescription.drugs
    unit = primary.mass_unit
    found["drug"] = primary.name
    found["concentration"] = units.format_concentration(primary.concentration_ng_per_ml, unit)
    found["other_drug"] = [
        f"{each.name} {units.format_concentration(each.concentration_ng_per_ml, each.mass_unit)}"
        for each in others
    ]
    match prescription.mode:
        case Mode.SIMPLE_CONTINUOUS:
            found["dose"] = units.format_daily_dose(prescription.daily_dose_ng, unit)
            found["rate"] = units.format_rate(prescription.rate_nl_per_day)
        case Mode.FLEX:
            found["flex"] = [_day(each, prescription) for each in prescription.days]
        case Mode.MINIMUM_RATE:
            found["minimum_rate"] = True
        case Mode.STOPPED:
            found["stop"] = True
    for periodic in prescription.periodic_boluses:
        found |= _periodic(periodic, prescription)
    for patient in prescription.patient_boluses:
        found["patient_bolus"] = _patient(patient, prescription)
    return found


def _flow(rate_nl_per_day: int, prescription: Prescription) -> str:
    primary = prescription.drugs[0]
    dose_ng = dose_for_rate(rate_nl_per_day, primary.concentration_ng_per_ml)
    if rate_for_dose(dose_ng, primary.concentration_ng_per_ml) != rate_nl_per_day:
        return units.format_rate(rate_nl_per_day)
    return units.format_daily_dose(dose_ng, primary.mass_unit)


def _day(pattern: DayPattern, prescription: Prescription) -> str:
    days = ",".join((day.name or "")[:3].lower() for day in Weekday if day in pattern.weekdays)
    steps = " ".join(
        f"{time_of_day(each.starts_at_min)}={_flow(each.rate_nl_per_day, prescription)}"
        for each in pattern.steps
    )
    return f"{days} {steps}"


def _periodic(bolus: PeriodicBolus, prescription: Prescription) -> dict[str, Json]:
    basal = bolus.basal_rate_nl_per_day
    return {
        "periodic": describe.periodic(bolus, describe.mass_unit(prescription)),
        "basal": _flow(basal, prescription) if basal else "none",
    }


def _patient(bolus: PatientBolus, prescription: Prescription) -> str:
    return describe.patient(bolus, describe.mass_unit(prescription)).replace(",", "")
