"""The parts of a prescription in words, as reviews and screens show them; pure text."""

from pump_programmer.times import time_of_day
from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.codes import BridgeDecision, MassUnit, Mode, Weekday
from pump_protocol.reckoning import flex_daily_dose_ng, periodic_daily_dose_ng

_MICROGRAM = MassUnit.MICROGRAM


def mass_unit(prescription: m.Prescription) -> MassUnit:
    """The unit in which doses of the primary drug are read."""
    return prescription.drugs[0].mass_unit if prescription.drugs else _MICROGRAM


def drug_text(each: m.Drug) -> str:
    """A drug and its concentration."""
    return (
        f"{each.name}, {units.format_concentration(each.concentration_ng_per_ml, each.mass_unit)}"
    )


def rate_as_dose(rate_nl_per_day: int, prescription: m.Prescription) -> str:
    """A rate as the daily dose that a clinician thinks of, with the rate itself."""
    rate = units.format_rate(rate_nl_per_day)
    if not prescription.drugs:
        return rate
    primary = prescription.drugs[0]
    dose = units.dose_for_rate(rate_nl_per_day, primary.concentration_ng_per_ml)
    return f"{units.format_daily_dose(dose, primary.mass_unit)} ({rate})"


def step(each: m.Step, prescription: m.Prescription) -> str:
    """One step: from when on, and what flows then."""
    return f"{time_of_day(each.starts_at_min)} {rate_as_dose(each.rate_nl_per_day, prescription)}"


def steps(pattern: m.DayPattern, drug: m.Drug) -> str:
    """The steps of a day in brief, in order: times and daily doses."""
    doses = (
        units.dose_for_rate(each.rate_nl_per_day, drug.concentration_ng_per_ml)
        for each in pattern.steps
    )
    return ", ".join(
        f"{time_of_day(each.starts_at_min)} {units.format_daily_dose(dose, drug.mass_unit)}"
        for each, dose in zip(pattern.steps, doses, strict=True)
    )


def pattern_of(prescription: m.Prescription, day: Weekday) -> m.DayPattern | None:
    """The pattern of one weekday."""
    return next((each for each in prescription.days if day in each.weekdays), None)


def day_dose_ng(pattern: m.DayPattern, concentration_ng_per_ml: int) -> int:
    """What a day of this pattern delivers."""
    week = (m.DayPattern(Weekday(127), pattern.steps),)
    return flex_daily_dose_ng(week, concentration_ng_per_ml)


def weekday_names(weekdays: Weekday) -> str:
    """Days as a clinician writes them: "Mon-Fri", "Sat, Sun", "every day"."""
    names = [(day.name or "")[:3].capitalize() for day in Weekday]
    runs: list[list[int]] = []
    for place, day in enumerate(Weekday):
        if day in weekdays:
            if runs and runs[-1][-1] == place - 1:
                runs[-1].append(place)
            else:
                runs.append([place])
    if sum(map(len, runs)) == len(names):
        return "every day"
    shown = [
        f"{names[run[0]]}-{names[run[-1]]}"
        if len(run) > 2
        else ", ".join(names[place] for place in run)
        for run in runs
    ]
    return ", ".join(shown)


def periodic(each: m.PeriodicBolus, unit: MassUnit) -> str:
    """A bolus that repeats."""
    return (
        f"{units.format_dose(each.dose_ng, unit)} every {units.format_duration(each.interval_ms)} "
        f"over {units.format_duration(each.duration_ms)}"
    )


def patient(each: m.PatientBolus, unit: MassUnit) -> str:
    """What a patient may ask for."""
    return (
        f"{units.format_dose(each.dose_ng, unit)} over {units.format_duration(each.duration_ms)}, "
        f"lockout {units.format_duration(each.lockout_ms)}, {each.allotted_per_day} a day"
    )


def bridge(prescription: m.Prescription) -> str:
    """What was decided about the old drug in tubing and catheter."""
    match prescription.bridge_decision:
        case BridgeDecision.NOT_NEEDED:
            return "not needed"
        case BridgeDecision.DECLINED:
            return "declined: the new rate at once"
        case BridgeDecision.BRIDGE:
            return " + ".join(
                f"{units.format_volume(each.volume_nl)} of the old drug at "
                f"{units.format_rate(each.rate_nl_per_day)}, "
                f"{units.format_duration(each.duration_ms)}"
                for each in prescription.bridges
            )


def mean_dose_ng(prescription: m.Prescription, concentration_ng_per_ml: int) -> int:
    """What is programmed of one of the drugs, in ng/day on average."""
    if prescription.mode is Mode.FLEX:
        return flex_daily_dose_ng(prescription.days, concentration_ng_per_ml)
    if prescription.mode is Mode.PERIODIC_BOLUS and prescription.periodic is not None:
        return periodic_daily_dose_ng(prescription.periodic, concentration_ng_per_ml)
    return units.dose_for_rate(prescription.rate_nl_per_day, concentration_ng_per_ml)
