"""Prescriptions for the tests of this folder, each in agreement with itself."""

from dataclasses import replace

from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol import reckoning
from pump_protocol.units import rate_for_dose, volume_for_dose

MCG = 1_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
EVERY_DAY = c.Weekday(127)
BACLOFEN = m.Drug(c.MassUnit.MICROGRAM, 2_000_000, "baclofen")
MORPHINE = m.Drug(c.MassUnit.MILLIGRAM, 1_000_000, "morphine")


def simple(
    daily_dose_ng: int = 300 * MCG, *drugs: m.Drug, low_nl: int = 2_000_000
) -> m.Prescription:
    """Simple continuous; baclofen with 2,000 mcg/mL unless told otherwise."""
    mixture = drugs or (BACLOFEN,)
    rate = rate_for_dose(daily_dose_ng, mixture[0].concentration_ng_per_ml)
    return m.Prescription(c.Mode.SIMPLE_CONTINUOUS, mixture, daily_dose_ng, rate, low_nl)


def stopped(*drugs: m.Drug) -> m.Prescription:
    """No flow at all."""
    return m.Prescription(c.Mode.STOPPED, drugs or (BACLOFEN,), 0, 0, 2_000_000)


LOST = m.Prescription(c.Mode.MINIMUM_RATE, (), 0, 6_000, 2_000_000)
"""What a pump is left with that has lost both copies of its prescription."""


def flex(*days: tuple[int, tuple[tuple[int, int], ...]]) -> m.Prescription:
    """Baclofen by weekday masks and (minute, mcg/day) steps."""
    patterns = tuple(
        m.DayPattern(
            c.Weekday(mask),
            tuple(m.Step(at, rate_for_dose(dose * MCG, 2_000_000)) for at, dose in steps),
        )
        for mask, steps in days
    )
    return m.Prescription(
        c.Mode.FLEX,
        (BACLOFEN,),
        reckoning.flex_daily_dose_ng(patterns, 2_000_000),
        reckoning.flex_rate_nl_per_day(patterns),
        2_000_000,
        days=patterns,
    )


def periodic(
    dose_ng: int = 30 * MCG,
    interval_ms: int = 6 * HOUR_MS,
    basal_nl_per_day: int = 0,
    first_after_ms: int = 0,
) -> m.Prescription:
    """Baclofen boluses over 10 min."""
    bolus = m.PeriodicBolus(
        basal_nl_per_day,
        dose_ng,
        volume_for_dose(dose_ng, 2_000_000),
        10 * MINUTE_MS,
        interval_ms,
        first_after_ms,
    )
    return m.Prescription(
        c.Mode.PERIODIC_BOLUS,
        (BACLOFEN,),
        reckoning.periodic_daily_dose_ng(bolus, 2_000_000),
        reckoning.periodic_rate_nl_per_day(bolus),
        2_000_000,
        periodic_boluses=(bolus,),
    )


def with_patient(prescription: m.Prescription, dose_ng: int = 20 * MCG) -> m.Prescription:
    """The same with four patient boluses a day."""
    concentration = prescription.drugs[0].concentration_ng_per_ml
    bolus = m.PatientBolus(
        dose_ng, volume_for_dose(dose_ng, concentration), 5 * MINUTE_MS, 4 * HOUR_MS, 4
    )
    return replace(prescription, patient_boluses=(bolus,))


def in_force(prescription: m.Prescription) -> m.PrescriptionReport:
    """As a pump reports it."""
    totals = reckoning.dose_totals(prescription)
    return m.PrescriptionReport(c.PrescriptionSlot.CURRENT, 1, b"", totals, prescription)


def staged(prescription: m.Prescription, *, must_confirm: bool = False) -> m.PrescriptionStaged:
    """As a pump stages it."""
    totals = reckoning.dose_totals(prescription)
    return m.PrescriptionStaged(2, b"", 0, must_confirm, totals, prescription)
