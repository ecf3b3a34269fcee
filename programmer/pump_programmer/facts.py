"""What a pump is, how it stands and what it is programmed to do, as labels and texts; pure."""

from dataclasses import dataclass

from pump_programmer import describe
from pump_programmer.bridging import TREATING
from pump_programmer.phrases import (
    bolus_line,
    grouped,
    log_range,
    patient_boluses_line,
    service,
    volume,
    when,
)
from pump_programmer.residual import Residual, ratio_text
from pump_programmer.times import clock_text
from pump_programmer.words import spaced
from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.codes import BridgeDecision

Facts = list[tuple[str, str]]


def _range(least: str, most: str) -> str:
    return f"{least} to {most}"


def _durations(least_ms: int, most_ms: int) -> str:
    return _range(units.format_duration(least_ms), units.format_duration(most_ms))


# --- Who answers ---------------------------------------------------------------------------------


def identity_facts(pump: m.Identity) -> Facts:
    """Who answers, what it can do, and its limits."""
    capabilities = ", ".join(
        (flag.name or "?").lower().replace("_", " ")
        for flag in type(pump.capabilities)
        if flag in pump.capabilities
    )
    return [
        ("Nature", spaced(pump.nature)),
        ("Product", pump.product),
        ("Model", pump.model),
        ("Serial number", pump.serial_number),
        ("Firmware", pump.firmware_version),
        ("Protocol version", str(pump.protocol_version)),
        ("Security", spaced(pump.security_profile)),
        ("Capabilities", capabilities),
        ("Reservoir", units.format_volume(pump.reservoir_capacity_nl)),
        ("Internal tubing", units.format_volume(pump.internal_tubing_volume_nl)),
        *_dose_limits(pump),
        *_bolus_limits(pump),
        *_alarm_limits(pump),
    ]


def _dose_limits(pump: m.Identity) -> Facts:
    therapeutic = _range(
        units.format_rate(pump.minimum_therapeutic_rate_nl_per_day),
        units.format_rate(pump.maximum_rate_nl_per_day),
    )
    concentration = _range(
        units.format_concentration(pump.minimum_concentration_ng_per_ml),
        units.format_concentration(pump.maximum_concentration_ng_per_ml),
    )
    return [
        ("Minimum rate", units.format_rate(pump.minimum_rate_nl_per_day)),
        ("Therapeutic rate", therapeutic),
        (
            "Daily dose",
            grouped(
                f"at most {units.format_daily_dose(pump.maximum_daily_dose_ng)}, to be confirmed "
                f"above {units.format_daily_dose(pump.soft_daily_dose_ng)}"
            ),
        ),
        ("Concentration", grouped(concentration)),
    ]


def _bolus_limits(pump: m.Identity) -> Facts:
    lasts = _durations(pump.minimum_bolus_duration_ms, pump.maximum_bolus_duration_ms)
    lockout = _durations(pump.minimum_lockout_ms, pump.maximum_lockout_ms)
    return [
        ("Bolus", f"at most {grouped(units.format_dose(pump.maximum_bolus_dose_ng))} in {lasts}"),
        ("Priming bolus", f"at most {units.format_volume(pump.maximum_priming_volume_nl)}"),
        (
            "Periodic bolus",
            f"every {_durations(pump.minimum_bolus_interval_ms, pump.maximum_bolus_interval_ms)}",
        ),
        (
            "Patient bolus",
            f"lockout {lockout}, at most {pump.maximum_patient_boluses_per_day} a day",
        ),
    ]


def _alarm_limits(pump: m.Identity) -> Facts:
    threshold = units.format_volume(pump.maximum_low_reservoir_threshold_nl)
    critical = _durations(pump.minimum_silence_ms, pump.maximum_silence_critical_ms)
    others = units.format_duration(pump.maximum_silence_non_critical_ms)
    interval = _durations(pump.minimum_critical_interval_ms, pump.maximum_critical_interval_ms)
    return [
        ("Low-reservoir alarm", f"set to at most {threshold}"),
        (
            "Silence",
            f"{critical} for critical alarms, at most {others} for non-critical ones",
        ),
        ("Critical tone", f"every {interval}"),
    ]


# --- How it stands -------------------------------------------------------------------------------


def clinical_facts(status: m.StatusReport, current: m.PrescriptionReport | None) -> Facts:
    """Everything that a clinician sees but the alarms.

    :param current: None where the whole prescription may not be read; then its summary is shown.
    """
    clock = ("Pump clock", clock_text(status.clock_ms))
    if current is None:
        prescribed = summary_facts(status.prescription)
    else:
        prescribed = prescription_facts(current)
    return [clock, *prescribed, *status_facts(status)]


def status_facts(status: m.StatusReport) -> Facts:
    """What happens now and what is to be expected."""
    return [
        *infusion_facts(status),
        *reservoir_facts(status),
        *service_facts(status),
        ("Therapy log", log_range(status.therapy_log)),
    ]


def infusion_facts(status: m.StatusReport) -> Facts:
    """What flows now, boluses with it."""
    facts = [
        ("Infusing now", units.format_rate(status.infusing_nl_per_day)),
        *(("Bolus", bolus_line(status, bolus)) for bolus in status.boluses),
        *(("Patient boluses", patient_boluses_line(status, s)) for s in status.patient_boluses),
    ]
    if status.next_periodic_bolus_at_ms is not None:
        facts.append(("Next periodic bolus", when(status, status.next_periodic_bolus_at_ms)))
    return facts


def reservoir_facts(status: m.StatusReport) -> Facts:
    """What the pump believes to hold, and until when."""
    believed = volume(status.believed_volume_nl)
    capacity = units.format_volume(status.reservoir_capacity_nl)
    threshold = units.format_volume(status.prescription.low_reservoir_threshold_nl)
    return [
        ("Reservoir", f"{believed} of {capacity}, as the pump believes"),
        ("Low-reservoir alarm", f"{when(status, status.low_reservoir_at_ms)}, at {threshold}"),
        ("Empty", when(status, status.empty_reservoir_at_ms)),
        ("Last refill", when(status, status.last_refill_at_ms)),
    ]


def service_facts(status: m.StatusReport) -> Facts:
    """What is left of the battery and of the pump's life, and how often it calls."""
    battery = units.decimal_text(units.nearest(status.battery_remaining_ppm, 1_000), 10)
    return [
        ("Battery", f"{battery} %, {service(status.service_state)}"),
        ("Replacement planned", when(status, status.replacement_planned_at_ms)),
        ("Replacement due (ERI)", when(status, status.eri_at_ms)),
        ("End of service", when(status, status.eos_at_ms)),
        ("Critical tone", f"every {units.format_duration(status.critical_interval_ms)}"),
    ]


# --- What it is programmed to do -----------------------------------------------------------------


def prescription_facts(report: m.PrescriptionReport) -> Facts:
    """A whole prescription: every drug, step and bolus, and the doses that follow."""
    prescription = report.prescription
    unit = describe.mass_unit(prescription)
    facts = [("Mode", spaced(prescription.mode))]
    if prescription.drugs:
        facts.append(("Drug", describe.drug_text(prescription.drugs[0])))
        facts.append(("Daily dose", units.format_daily_dose(prescription.daily_dose_ng, unit)))
    else:
        facts.append(("Drug", "UNKNOWN: the pump has lost it"))
    rate = units.format_rate(prescription.rate_nl_per_day)
    facts.append(("Rate", f"{rate} (prescription version {report.version})"))
    facts += _schedule(prescription)
    facts += _totals(report)
    for drug in prescription.drugs[1:]:
        amount = describe.mean_dose_ng(prescription, drug.concentration_ng_per_ml)
        dose = units.format_daily_dose(amount, drug.mass_unit)
        facts.append(("Other drug", f"{describe.drug_text(drug)}: {dose}"))
    if prescription.bridge_decision is not BridgeDecision.NOT_NEEDED:
        facts.append(("Bridge", describe.bridge(prescription)))
    return facts


def summary_facts(prescribed: m.PrescriptionSummary) -> Facts:
    """What of a prescription stands in a status."""
    facts: Facts = [("Mode", spaced(prescribed.mode))]
    if prescribed.drug_count:
        unit = prescribed.mass_unit
        strength = units.format_concentration(prescribed.concentration_ng_per_ml, unit)
        others = prescribed.drug_count - 1
        more = f", and {others} other{'s' if others > 1 else ''} in a mixture" if others else ""
        facts.append(("Drug", f"{prescribed.drug_name}, {strength}{more}"))
        facts.append(("Daily dose", units.format_daily_dose(prescribed.daily_dose_ng, unit)))
    else:
        facts.append(("Drug", "UNKNOWN: the pump has lost it"))
    return [*facts, ("Rate", units.format_rate(prescribed.rate_nl_per_day))]


def _schedule(prescription: m.Prescription) -> Facts:
    unit = describe.mass_unit(prescription)
    facts: Facts = []
    for pattern in prescription.days:
        days = describe.weekday_names(pattern.weekdays)
        for number, step in enumerate(pattern.steps):
            label = f"Steps {days}" if number == 0 else ""
            facts.append((label, describe.step(step, prescription)))
    for periodic in prescription.periodic_boluses:
        facts.append(("Periodic bolus", describe.periodic(periodic, unit)))
        basal = describe.rate_as_dose(periodic.basal_rate_nl_per_day, prescription)
        facts.append(("Basal", basal if periodic.basal_rate_nl_per_day else "none"))
    facts += [
        ("Patient bolus", describe.patient(each, unit)) for each in prescription.patient_boluses
    ]
    return facts


def _totals(report: m.PrescriptionReport) -> Facts:
    """The doses of a day, where they differ from the mean."""
    totals, unit = report.totals, describe.mass_unit(report.prescription)
    facts: Facts = []
    if totals.highest_ng != totals.mean_ng:
        facts.append(("On the day with most", units.format_daily_dose(totals.highest_ng, unit)))
    if totals.with_patient_ng != totals.highest_ng:
        amount = units.format_daily_dose(totals.with_patient_ng, unit)
        facts.append(("With all patient boluses", amount))
    return facts


# --- A refill ------------------------------------------------------------------------------------


def residual_facts(residual: Residual, volume_nl: int) -> Facts:
    """What was expected in the reservoir and what was found, and what it is filled to."""
    facts = [("Expected residual", f"{volume(residual.expected_nl)}, as the pump believes")]
    if residual.actual_nl is None:
        facts.append(("Actual residual", "NOT COMPARED"))
    else:
        facts.append(("Actual residual", f"{volume(residual.actual_nl)}, as drawn out"))
        facts.append(("Delivered ratio", _delivered(residual)))
    return [*facts, ("Believed after", units.format_volume(volume_nl))]


def _delivered(residual: Residual) -> str:
    """The ratio with what it is made of, and why it is not judged where it is not."""
    ratio = ratio_text(residual)
    if not ratio:
        return f"cannot be told: {residual.why_not}"
    assert residual.delivered_nl is not None
    assert residual.should_have_delivered_nl is not None
    return (
        f"{ratio} ({volume(residual.delivered_nl)} of {volume(residual.should_have_delivered_nl)} "
        "since the last refill)" + (residual.why_not and f"; {residual.why_not}")
    )


# --- A bolus to be ordered -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BolusPreview:
    """A bolus that is about to be ordered."""

    primes: bool
    drug: m.Drug
    dose_ng: int
    volume_nl: int
    duration_ms: int


def bolus_facts(bolus: BolusPreview, status: m.StatusReport) -> Facts:
    """What it would deliver, and on top of what."""
    drug = bolus.drug
    dose = units.format_dose(bolus.dose_ng, drug.mass_unit)
    concentration = units.format_concentration(drug.concentration_ng_per_ml, drug.mass_unit)
    return [
        (
            "Priming bolus" if bolus.primes else "Bolus",
            f"{dose} of {drug.name} in {units.format_duration(bolus.duration_ms)}",
        ),
        ("Volume", f"{units.format_volume(bolus.volume_nl)} at {concentration}"),
        *_share_facts(bolus, status),
        ("Infusing now", units.format_rate(status.infusing_nl_per_day)),
    ]


def _share_facts(bolus: BolusPreview, status: m.StatusReport) -> Facts:
    """How much of a day's dose it is, where there is one to compare with."""
    daily_ng = status.prescription.daily_dose_ng
    if bolus.primes or status.prescription.mode not in TREATING or not daily_ng:
        return []
    tenths = units.nearest(bolus.dose_ng * 1_000, daily_ng)
    daily = units.format_daily_dose(daily_ng, bolus.drug.mass_unit)
    return [("Of the daily dose", f"{units.decimal_text(tenths, 10)} % of {daily}")]
