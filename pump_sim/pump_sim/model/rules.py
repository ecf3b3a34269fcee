"""What is wrong with a prescription: every reason for which a pump of a profile refuses it.

It knows the limits of a profile, never the state of a pump: whether a prescription may be committed
now is the pump's affair.
"""

from pump_sim.model import dosing
from pump_sim.model.prescription import (
    MAX_DRUG_NAME_BYTES,
    MAX_DRUGS,
    MAX_STEPS,
    MAX_STEPS_PER_DAY,
    DayPattern,
    Drug,
    Mode,
    PatientBolus,
    PeriodicBolus,
    Prescription,
    dose_totals,
    programmed_means,
)
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode, mismatch, out_of_range
from pump_sim.model.units import DAY_MS, MINUTE_MS

_LAST_MINUTE = DAY_MS // MINUTE_MS - 1

Reasons = tuple[Reason, ...]


def check_prescription(prescription: Prescription, profile: Profile) -> Reasons:
    """Every reason why a pump of this profile refuses the prescription; none if it does not."""
    # A pump that has lost its drug can still be stopped.
    fewest = 0 if prescription.mode is Mode.STOPPED else 1
    reasons = out_of_range(Field.DRUGS, len(prescription.drugs), fewest, MAX_DRUGS)
    reasons += _check_drugs(prescription.drugs, profile)
    reasons += out_of_range(
        Field.LOW_RESERVOIR_THRESHOLD,
        prescription.low_reservoir_threshold_nl,
        0,
        profile.max_low_reservoir_threshold_nl,
    )
    reasons += _check_shape(prescription)
    match prescription.mode:
        case Mode.STOPPED:
            return reasons + _check_programmed(prescription, 0, 0)
        case Mode.MINIMUM_RATE:
            rate = profile.minimum_rate_nl_per_day
            dose_ng = dosing.dose_for_rate(rate, prescription.concentration_ng_per_ml)
            return reasons + _check_programmed(prescription, dose_ng, rate)
        case Mode.SIMPLE_CONTINUOUS:
            reasons += _check_continuous(prescription, profile)
        case Mode.FLEX | Mode.PERIODIC_BOLUS:
            reasons += _check_daily_dose(prescription, profile)
    parts: Reasons = ()
    if prescription.days:
        parts += _check_week(prescription.days, profile)
    if prescription.periodic is not None:
        parts += _check_periodic(prescription, prescription.periodic, profile)
    if prescription.patient is not None:
        parts += _check_patient(prescription, prescription.patient, profile)
    if parts or prescription.concentration_ng_per_ml <= 0:
        return reasons + parts
    return reasons + _check_totals(prescription, profile)


def _check_drugs(drugs: tuple[Drug, ...], profile: Profile) -> Reasons:
    reasons: Reasons = ()
    names = [drug.name for drug in drugs]
    if len(set(names)) < len(names):
        reasons += (Reason(RefusalCode.DUPLICATE, Field.DRUG_NAME),)
    for drug in drugs:
        if drug.name.isprintable():
            length = len(drug.name.encode())
            reasons += out_of_range(Field.DRUG_NAME, length, 1, MAX_DRUG_NAME_BYTES)
        else:
            reasons += (Reason(RefusalCode.UNKNOWN_VALUE, Field.DRUG_NAME),)
        reasons += out_of_range(
            Field.CONCENTRATION,
            drug.concentration_ng_per_ml,
            profile.min_concentration_ng_per_ml,
            profile.max_concentration_ng_per_ml,
        )
    return reasons


def _check_shape(prescription: Prescription) -> Reasons:
    """Whether it has the parts that its mode needs, and no others."""
    mode = prescription.mode
    reasons: Reasons = ()
    parts = (
        (bool(prescription.days), mode is Mode.FLEX, Field.SCHEDULE),
        (prescription.periodic is not None, mode is Mode.PERIODIC_BOLUS, Field.PERIODIC_DOSE),
        (prescription.patient is not None and not mode.treats, False, Field.PATIENT_DOSE),
    )
    for present, wanted, field in parts:
        if present is not wanted:
            reasons += (Reason(RefusalCode.WRONG_MODE, field),)
    return reasons


def _check_programmed(prescription: Prescription, dose_ng: int, rate_nl_per_day: int) -> Reasons:
    reasons = mismatch(Field.RATE, prescription.rate_nl_per_day, rate_nl_per_day)
    return reasons + mismatch(Field.DAILY_DOSE, prescription.daily_dose_ng, dose_ng)


def _check_continuous(prescription: Prescription, profile: Profile) -> Reasons:
    # REQ-01: the limit of the flow stands for itself, apart from that of the dose.
    reasons = out_of_range(
        Field.RATE,
        prescription.rate_nl_per_day,
        profile.min_therapeutic_rate_nl_per_day,
        profile.max_rate_nl_per_day,
    )
    reasons += _check_daily_dose(prescription, profile)
    concentration = prescription.concentration_ng_per_ml
    if concentration <= 0:
        return reasons
    rate_nl_per_day = dosing.rate_for_dose(prescription.daily_dose_ng, concentration)
    return reasons + mismatch(Field.RATE, prescription.rate_nl_per_day, rate_nl_per_day)


def _check_daily_dose(prescription: Prescription, profile: Profile) -> Reasons:
    # REQ-03: a slip of minutes for hours can be far within what the drive is able to pump
    # (domain.md 4.3, T6).
    return out_of_range(Field.DAILY_DOSE, prescription.daily_dose_ng, 1, profile.max_daily_dose_ng)


# --- Flex ---------------------------------------------------------------------------------------


def _check_week(days: tuple[DayPattern, ...], profile: Profile) -> Reasons:
    """Steps sorted, not overlapping, at most 13, covering every day of the week (REQ-10)."""
    reasons: Reasons = ()
    seen: set[int] = set()
    for day in days:
        if twice := seen & day.weekdays:
            reasons += (Reason(RefusalCode.DUPLICATE, Field.WEEKDAYS, _bits(twice)),)
        seen |= day.weekdays
        reasons += _check_steps(day, profile)
    every_day = set(range(7))
    if wrong := seen - every_day:
        reasons += (Reason(RefusalCode.UNKNOWN_VALUE, Field.WEEKDAYS, min(wrong)),)
    if missing := every_day - seen:
        reasons += (Reason(RefusalCode.NOT_COVERED, Field.WEEKDAYS, _bits(missing)),)
    if any(not day.weekdays for day in days):
        reasons += (Reason(RefusalCode.NOT_COVERED, Field.WEEKDAYS, 0),)
    steps = sum(len(day.steps) for day in days)
    return reasons + out_of_range(Field.SCHEDULE, steps, 1, MAX_STEPS)


def _check_steps(day: DayPattern, profile: Profile) -> Reasons:
    reasons = out_of_range(Field.SCHEDULE, len(day.steps), 1, MAX_STEPS_PER_DAY)
    earliest = 0
    for step in day.steps:
        start = step.starts_at_min
        if step is day.steps[0] and start != 0:
            reasons += (Reason(RefusalCode.NOT_COVERED, Field.STEP_START, start, 0, 0),)
        else:
            reasons += out_of_range(Field.STEP_START, start, earliest, _LAST_MINUTE)
        earliest = max(earliest, start) + 1
        reasons += _check_basal(Field.STEP_RATE, step.rate_nl_per_day, profile)
    return reasons


def _check_basal(field: Field, rate_nl_per_day: int, profile: Profile) -> Reasons:
    """The minimum rate, or within the therapeutic range."""
    if rate_nl_per_day == profile.minimum_rate_nl_per_day:
        return ()
    lowest, highest = profile.min_therapeutic_rate_nl_per_day, profile.max_rate_nl_per_day
    return out_of_range(field, rate_nl_per_day, lowest, highest)


def _bits(weekdays: set[int] | frozenset[int]) -> int:
    return sum(1 << weekday for weekday in weekdays)


# --- Boluses ------------------------------------------------------------------------------------


def _check_periodic(prescription: Prescription, bolus: PeriodicBolus, profile: Profile) -> Reasons:
    reasons: Reasons = ()
    if bolus.basal_rate_nl_per_day:
        basal = bolus.basal_rate_nl_per_day
        reasons += _check_basal(Field.PERIODIC_BASAL_RATE, basal, profile)
    reasons += out_of_range(Field.PERIODIC_DOSE, bolus.dose_ng, 1, profile.max_bolus_dose_ng)
    reasons += _check_volume(Field.PERIODIC_VOLUME, bolus, prescription, profile)
    reasons += _check_duration(Field.PERIODIC_DURATION, bolus.duration_ms, profile)
    # REQ-10: one bolus has ended before the next begins.
    shortest = max(profile.min_bolus_interval_ms, bolus.duration_ms)
    longest = profile.max_bolus_interval_ms
    reasons += out_of_range(Field.PERIODIC_INTERVAL, bolus.interval_ms, shortest, longest)
    reasons += out_of_range(Field.PERIODIC_FIRST, bolus.first_after_ms, 0, bolus.interval_ms)
    if reasons:
        return reasons
    total = bolus.basal_rate_nl_per_day
    total += dosing.bolus_rate_nl_per_day(bolus.volume_nl, bolus.duration_ms)
    return out_of_range(Field.PERIODIC_RATE, total, 0, profile.max_rate_nl_per_day)


def _check_patient(prescription: Prescription, bolus: PatientBolus, profile: Profile) -> Reasons:
    reasons = out_of_range(Field.PATIENT_DOSE, bolus.dose_ng, 1, profile.max_bolus_dose_ng)
    reasons += _check_volume(Field.PATIENT_VOLUME, bolus, prescription, profile)
    reasons += _check_duration(Field.PATIENT_DURATION, bolus.duration_ms, profile)
    shortest = max(profile.min_lockout_ms, bolus.duration_ms)
    longest = profile.max_lockout_ms
    reasons += out_of_range(Field.PATIENT_LOCKOUT, bolus.lockout_ms, shortest, longest)
    most = profile.max_patient_boluses_per_day
    reasons += out_of_range(Field.PATIENT_ALLOTMENT, bolus.allotted_per_day, 1, most)
    if reasons:
        return reasons
    total = prescription.highest_basal_rate_nl_per_day
    total += dosing.bolus_rate_nl_per_day(bolus.volume_nl, bolus.duration_ms)
    return out_of_range(Field.PATIENT_RATE, total, 0, profile.max_rate_nl_per_day)


def _check_volume(
    field: Field,
    bolus: PeriodicBolus | PatientBolus,
    prescription: Prescription,
    profile: Profile,
) -> Reasons:
    reasons = out_of_range(field, bolus.volume_nl, 1, profile.capacity_nl)
    concentration = prescription.concentration_ng_per_ml
    if concentration <= 0:
        return reasons
    volume_nl = dosing.volume_for_dose(bolus.dose_ng, concentration)
    return reasons + mismatch(field, bolus.volume_nl, volume_nl)


def _check_duration(field: Field, duration_ms: int, profile: Profile) -> Reasons:
    lowest, highest = profile.min_bolus_duration_ms, profile.max_bolus_duration_ms
    return out_of_range(field, duration_ms, lowest, highest)


def _check_totals(prescription: Prescription, profile: Profile) -> Reasons:
    """The doses of the whole schedule, where its parts can be reckoned with (REQ-04)."""
    reasons: Reasons = ()
    if prescription.days or prescription.periodic is not None:
        reasons += _check_programmed(prescription, *programmed_means(prescription))
    highest_ng = dose_totals(prescription).with_patient_ng
    if highest_ng == prescription.daily_dose_ng:
        return reasons
    limit = profile.max_daily_dose_ng
    return reasons + out_of_range(Field.HIGHEST_DAILY_DOSE, highest_ng, 1, limit)


def needs_confirmation(prescription: Prescription, profile: Profile) -> bool:
    """Whether the dose is above the soft limit, so that the commit must repeat it (REQ-03)."""
    return dose_totals(prescription).with_patient_ng > profile.soft_daily_dose_ng
