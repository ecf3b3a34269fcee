"""Current and pending prescription side by side, with what changes by how much; pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pump_programmer import describe
from pump_programmer.cautions import Caution, cautions
from pump_programmer.published import Patient
from pump_programmer.words import spaced
from pump_protocol import units
from pump_protocol.codes import BridgeDecision, Weekday
from pump_protocol.messages import DoseTotals, Prescription, PrescriptionReport, PrescriptionStaged

_Say = Callable[[int], str]

_PPM: Final = 1_000_000
_ABSENT: Final = "none"


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One setting, as it is and as it would be.

    ``change_ppm`` is the change in parts per million of the current value, rounded to the nearest;
    None where there is no number, or the current one is zero. ``change`` is how people read it:
    "+33.3 %", "new", "removed", "changed", or "-".
    """

    setting: str
    label: str
    current: str
    pending: str
    changed: bool
    change_ppm: int | None
    change: str


@dataclass(frozen=True, slots=True)
class Review:
    """All settings of two prescriptions, and what a person should think of before committing.

    ``must_confirm`` is None where it is not known: the pump says it when it stages.
    """

    current: Prescription
    pending: Prescription
    current_totals: DoseTotals
    pending_totals: DoseTotals
    current_version: int
    pending_version: int
    must_confirm: bool | None
    rows: tuple[ReviewRow, ...]
    warnings: tuple[Caution, ...]

    @property
    def changed(self) -> bool:
        """Whether anything would change."""
        return any(row.changed for row in self.rows)


def says_nothing_new(row: ReviewRow, review: Review) -> bool:
    """Whether a total is the mean daily dose once more, before and after."""
    total = row.setting.removeprefix("totals.")
    if total == row.setting:
        return False
    return all(
        getattr(totals, total) == totals.mean_ng
        for totals in (review.current_totals, review.pending_totals)
    )


def percent_text(change_ppm: int) -> str:
    """Parts per million as signed per cent with one decimal, ties to even."""
    tenths = units.nearest(change_ppm, 1_000)
    if tenths == 0:
        return "+<0.1 %" if change_ppm > 0 else "-<0.1 %"
    return f"{'+' if tenths > 0 else '-'}{abs(tenths) // 10}.{abs(tenths) % 10} %"


def review(
    current: PrescriptionReport,
    staged: PrescriptionStaged | PrescriptionReport,
    patient: Patient | None = None,
    since_increase_ms: int | None = None,
) -> Review:
    """Put what is in force and what the pump has staged next to each other.

    :param patient: what is known of the patient, for the warnings.
    :param since_increase_ms: how long ago the dose was last increased, if that is known.
    """
    old, new = current.prescription, staged.prescription
    before, after = dict(_settings(current)), dict(_settings(staged))
    return Review(
        current=old,
        pending=new,
        current_totals=current.totals,
        pending_totals=staged.totals,
        current_version=current.version,
        pending_version=staged.version,
        must_confirm=staged.must_confirm if isinstance(staged, PrescriptionStaged) else None,
        rows=tuple(
            _row(key, before[key], after[key])
            for key in before
            if before[key].value is not None or after[key].value is not None
        ),
        warnings=cautions(current, staged, patient or Patient(), since_increase_ms),
    )


@dataclass(frozen=True, slots=True)
class _Setting:
    """A setting of one prescription; ``value`` is None where it has none, ``amount`` what a change
    in per cent is of."""

    label: str
    text: str
    value: object
    amount: int | None = None


def _row(key: str, old: _Setting, new: _Setting) -> ReviewRow:
    change_ppm = None
    if old.amount and new.amount is not None:
        change_ppm = units.nearest((new.amount - old.amount) * _PPM, old.amount)
    return ReviewRow(
        key,
        old.label,
        old.text,
        new.text,
        old.value != new.value,
        change_ppm,
        _change_text(old, new, change_ppm),
    )


def _change_text(old: _Setting, new: _Setting, change_ppm: int | None) -> str:
    if old.value == new.value:
        return "-"
    if new.value is None:
        return "removed"
    if old.value is None or old.amount == 0:
        return "new"
    if change_ppm is None or old.amount == new.amount:
        return "changed"  # the amount, too, may stay: a step that begins later, another earlier
    return percent_text(change_ppm)


def _number(label: str, amount: int, text: str) -> _Setting:
    return _Setting(label, text, amount, amount)


def _settings(
    report: PrescriptionReport | PrescriptionStaged,
) -> Iterator[tuple[str, _Setting]]:
    """Every setting that a prescription can have, whether it has it or not, in one order."""
    prescription = report.prescription
    yield "mode", _Setting("Mode", spaced(prescription.mode), prescription.mode)
    yield from _drugs(prescription)
    yield from _doses(prescription, report.totals)
    yield from _days(prescription)
    yield from _basal(prescription)
    yield from _periodic(prescription)
    yield from _patient(prescription)
    yield from _bridge(prescription)
    threshold = prescription.low_reservoir_threshold_nl
    yield (
        "low_reservoir_threshold_nl",
        _number("Low-reservoir alarm at", threshold, units.format_volume(threshold)),
    )


def _drugs(prescription: Prescription) -> Iterator[tuple[str, _Setting]]:
    for place in range(3):
        labels = ("Drug", "Mass unit", "Concentration")
        if place > 0:
            name = f"Drug {place + 1}"
            labels = (name, f"{name}: mass unit", f"{name}: concentration")
        keys = tuple(
            f"drugs.{place}.{each}" for each in ("name", "mass_unit", "concentration_ng_per_ml")
        )
        if place >= len(prescription.drugs):
            yield from (
                (key, _Setting(label, _ABSENT, None))
                for key, label in zip(keys, labels, strict=True)
            )
            continue
        drug = prescription.drugs[place]
        concentration = units.format_concentration(drug.concentration_ng_per_ml, drug.mass_unit)
        yield keys[0], _Setting(labels[0], drug.name, drug.name)
        yield keys[1], _Setting(labels[1], spaced(drug.mass_unit), drug.mass_unit)
        yield keys[2], _number(labels[2], drug.concentration_ng_per_ml, concentration)


def _doses(prescription: Prescription, totals: DoseTotals) -> Iterator[tuple[str, _Setting]]:
    unit = describe.mass_unit(prescription)

    def dose(label: str, amount_ng: int) -> _Setting:
        return _number(label, amount_ng, units.format_daily_dose(amount_ng, unit))

    yield "daily_dose_ng", dose("Total daily dose", prescription.daily_dose_ng)
    yield "totals.highest_ng", dose("On the day with most", totals.highest_ng)
    yield "totals.with_patient_ng", dose("With all patient boluses", totals.with_patient_ng)
    for place in (1, 2):
        key, label = f"drugs.{place}.daily_dose_ng", f"Drug {place + 1}: daily dose"
        if place >= len(prescription.drugs):
            yield key, _Setting(label, _ABSENT, None)
            continue
        drug = prescription.drugs[place]
        amount = describe.mean_dose_ng(prescription, drug.concentration_ng_per_ml)
        yield key, _number(label, amount, units.format_daily_dose(amount, drug.mass_unit))
    rate = prescription.rate_nl_per_day
    yield "rate_nl_per_day", _number("Rate", rate, units.format_rate(rate))


def _days(prescription: Prescription) -> Iterator[tuple[str, _Setting]]:
    for day in Weekday:
        name = (day.name or "").lower()
        pattern = describe.pattern_of(prescription, day)
        if pattern is None or not prescription.drugs:
            yield f"days.{name}", _Setting(name.capitalize(), _ABSENT, None)
            continue
        drug = prescription.drugs[0]
        yield (
            f"days.{name}",
            _Setting(
                name.capitalize(),
                describe.steps(pattern, drug),
                pattern.steps,
                describe.day_dose_ng(pattern, drug.concentration_ng_per_ml),
            ),
        )


def _basal(prescription: Prescription) -> Iterator[tuple[str, _Setting]]:
    key, label = "periodic_boluses.0.basal_rate_nl_per_day", "Basal between the boluses"
    if prescription.periodic is None or not prescription.drugs:
        yield key, _Setting(label, _ABSENT, None)
        return
    rate = prescription.periodic.basal_rate_nl_per_day
    drug = prescription.drugs[0]
    dose_ng = units.dose_for_rate(rate, drug.concentration_ng_per_ml)
    text = units.format_daily_dose(dose_ng, drug.mass_unit) if rate else _ABSENT
    yield key, _Setting(label, text, rate, dose_ng)


def _periodic(prescription: Prescription) -> Iterator[tuple[str, _Setting]]:
    unit = describe.mass_unit(prescription)
    bolus = prescription.periodic
    shown: dict[str, tuple[str, _Say]] = {
        "dose_ng": ("Periodic bolus: dose", lambda dose: units.format_dose(dose, unit)),
        "volume_nl": ("Periodic bolus: volume", units.format_volume),
        "duration_ms": ("Periodic bolus: duration", units.format_duration),
        "interval_ms": ("Periodic bolus: every", units.format_duration),
        "first_after_ms": ("Periodic bolus: first after", units.format_duration),
    }
    return _fields_of(bolus, "periodic_boluses.0", shown)


def _patient(prescription: Prescription) -> Iterator[tuple[str, _Setting]]:
    unit = describe.mass_unit(prescription)
    bolus = prescription.patient
    shown: dict[str, tuple[str, _Say]] = {
        "dose_ng": ("Patient bolus: dose", lambda dose: units.format_dose(dose, unit)),
        "volume_nl": ("Patient bolus: volume", units.format_volume),
        "duration_ms": ("Patient bolus: duration", units.format_duration),
        "lockout_ms": ("Patient bolus: lockout", units.format_duration),
        "allotted_per_day": ("Patient boluses a day", str),
    }
    return _fields_of(bolus, "patient_boluses.0", shown)


def _bridge(prescription: Prescription) -> Iterator[tuple[str, _Setting]]:
    decision = prescription.bridge_decision
    needed = None if decision is BridgeDecision.NOT_NEEDED else decision
    yield "bridge_decision", _Setting("Bridge", spaced(decision), needed)
    shown: dict[str, tuple[str, _Say]] = {
        "volume_nl": ("Bridge: volume of the old drug", units.format_volume),
        "rate_nl_per_day": ("Bridge: rate of the old drug", units.format_rate),
        "duration_ms": ("Bridge: duration", units.format_duration),
    }
    yield from _fields_of(prescription.bridge, "bridges.0", shown)


def _fields_of(
    part: object | None, path: str, shown: Mapping[str, tuple[str, _Say]]
) -> Iterator[tuple[str, _Setting]]:
    """The numbers of a part of a prescription that may be absent."""
    for field, (label, say) in shown.items():
        if part is None:
            yield f"{path}.{field}", _Setting(label, _ABSENT, None)
        else:
            amount = getattr(part, field)
            yield f"{path}.{field}", _number(label, amount, say(amount))
