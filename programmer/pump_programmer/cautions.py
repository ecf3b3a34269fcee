"""What a person should think of before a commit, each with its source; pure. Nothing here blocks.

The figures are published ones (docs/reference/domain.md, section 5 and its list of sources), or
they say that they are not verified. What a source says of baclofen is said of baclofen only. They
are for teaching: this is a simulator.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from pump_programmer import describe, published
from pump_programmer.bridging import TREATING, contents
from pump_programmer.published import Patient
from pump_protocol import units
from pump_protocol.codes import BridgeDecision, Mode
from pump_protocol.messages import (
    DoseTotals,
    Drug,
    Prescription,
    PrescriptionReport,
    PrescriptionStaged,
)

_MCG: Final = 1_000
_PER_CENT: Final = 10_000
_PPM: Final = 1_000_000
_MS_PER_MIN: Final = 60_000
_MS_PER_H: Final = 60 * _MS_PER_MIN

SINCE_INCREASE_MS: Final = 24 * _MS_PER_H
"""A dose is increased at most once in this time."""


class Severity(IntEnum):
    """How much there is to think of; the most severe is the smallest."""

    WARNING = 1
    CAUTION = 2


@dataclass(frozen=True, slots=True)
class Caution:
    """What to think of, and who says so."""

    text: str
    source: str
    severity: Severity = Severity.CAUTION

    def __str__(self) -> str:
        return f"{self.text} [{self.source}]"


@dataclass(frozen=True, slots=True)
class _Dose:
    """One drug of a prescription, and its doses of a day."""

    drug: Drug
    mean_ng: int
    highest_ng: int

    @classmethod
    def of(cls, drug: Drug, prescription: Prescription, totals: DoseTotals) -> "_Dose":
        """The doses of any drug follow from those of the primary one."""
        primary = prescription.drugs[0].concentration_ng_per_ml
        if drug is prescription.drugs[0]:
            return cls(drug, totals.mean_ng, totals.with_patient_ng)
        own = drug.concentration_ng_per_ml
        return cls(
            drug,
            describe.mean_dose_ng(prescription, own),
            units.nearest(totals.with_patient_ng * own, primary) if primary else 0,
        )


@dataclass(frozen=True, slots=True)
class _Change:
    """What is about to change, and what is known besides."""

    old: Prescription
    new: Prescription
    old_baclofen: _Dose | None
    new_baclofen: _Dose | None
    patient: Patient
    since_increase_ms: int | None

    @property
    def mean_ppm(self) -> int | None:
        """The change of baclofen's mean daily dose; None where there is none to compare."""
        old, new = self.old_baclofen, self.new_baclofen
        if old is None or new is None or not old.mean_ng or self.old.mode not in TREATING:
            return None
        return units.nearest((new.mean_ng - old.mean_ng) * _PPM, old.mean_ng)


def cautions(
    current: PrescriptionReport | PrescriptionStaged,
    pending: PrescriptionReport | PrescriptionStaged,
    patient: Patient,
    since_increase_ms: int | None,
) -> tuple[Caution, ...]:
    """Everything to think of before *pending* replaces *current*."""
    change = _Change(
        current.prescription,
        pending.prescription,
        _baclofen(current.prescription, current.totals),
        _baclofen(pending.prescription, pending.totals),
        patient,
        since_increase_ms,
    )
    return most_severe_first(caution for rule in _RULES for caution in rule(change))


def bolus_cautions(
    current: PrescriptionReport, dose_ng: int, duration_ms: int
) -> tuple[Caution, ...]:
    """Everything to think of before a single bolus is ordered.

    :param current: what is in force; the bolus is of its primary drug.
    """
    prescription = current.prescription
    primary = _Dose.of(prescription.drugs[0], prescription, current.totals)
    baclofen = _baclofen(prescription, current.totals)
    watched = baclofen or primary
    bolus_ng = units.nearest(
        dose_ng * watched.drug.concentration_ng_per_ml, primary.drug.concentration_ng_per_ml
    )
    bolus = _Bolus(watched, bolus_ng, duration_ms, treating=prescription.mode in TREATING)
    rules = (_screening, _share, _at_once) if baclofen else (_share,)
    return most_severe_first(caution for rule in rules for caution in rule(bolus))


def most_severe_first(found: Iterable[Caution]) -> tuple[Caution, ...]:
    """In the order in which they are shown: else as they were found."""
    return tuple(sorted(found, key=lambda each: each.severity))


def is_baclofen(drug: Drug) -> bool:
    """Whether what is published about baclofen counts for a drug."""
    return "baclofen" in drug.name.lower()


def _baclofen(prescription: Prescription, totals: DoseTotals) -> _Dose | None:
    return next(
        (_Dose.of(drug, prescription, totals) for drug in prescription.drugs if is_baclofen(drug)),
        None,
    )


# --- Less -----------------------------------------------------------------------------------------


def _stops(change: _Change) -> Iterator[Caution]:
    if change.new.mode is Mode.STOPPED and change.old.mode is not Mode.STOPPED:
        withdrawal = (
            "Abrupt withdrawal of intrathecal baclofen has led to high fever, rebound spasticity, "
            "organ failure and death. "
            if change.old_baclofen
            else ""
        )
        yield Caution(
            f"All infusion will stop. {withdrawal}The pump raises a critical alarm when it has "
            "been stopped for 48 h.",
            f"{published.BOXED_WARNING}; P23: discharge information"
            if withdrawal
            else "P23: discharge information",
            Severity.WARNING,
        )


def _minimum_rate(change: _Change) -> Iterator[Caution]:
    if change.new.mode is Mode.MINIMUM_RATE and change.old.mode in TREATING:
        yield Caution(
            "The minimum rate treats nobody: for the patient it is an abrupt withdrawal.",
            "derived: 0.006 mL/day is at most an eighth of any therapeutic rate",
            Severity.WARNING,
        )


def _big_decrease(change: _Change) -> Iterator[Caution]:
    gone = change.old_baclofen is not None and change.new_baclofen is None
    if change.old.mode not in TREATING or change.new.mode not in TREATING:
        return
    ppm = change.mean_ppm
    if gone or (ppm is not None and ppm < published.BIG_DECREASE_PPM):
        less = "no baclofen" if gone or ppm is None else f"{-ppm // _PER_CENT} % less baclofen"
        yield Caution(
            f"{less[0].upper()}{less[1:]}: watch for withdrawal (spasticity, itching, fever). "
            "Decreases for side effects are 10 to 20 %.",
            f"{published.BOXED_WARNING}; the 20 % are unverified",
            _severity(gone or ppm is None or ppm < published.HALF_LESS_PPM),
        )


# --- More -----------------------------------------------------------------------------------------


def _titration_step(change: _Change) -> Iterator[Caution]:
    ppm = change.mean_ppm
    if ppm is None or change.new.mode not in TREATING:
        return
    patient = change.patient
    usual = (
        published.TITRATION_OF_CHILDREN
        if patient.is_child
        else published.TITRATION[patient.aetiology]
    )
    if ppm > usual.limit_per_cent * _PER_CENT:
        yield Caution(
            f"The daily dose of baclofen rises by {_percent(ppm)} %. {usual.words}",
            published.LABEL,
            _severity(ppm > usual.greatest_per_cent * _PER_CENT),
        )


def _too_soon(change: _Change) -> Iterator[Caution]:
    since, ppm = change.since_increase_ms, change.mean_ppm
    if since is not None and since < SINCE_INCREASE_MS and ppm is not None and ppm > 0:
        ago = units.format_duration(since // _MS_PER_MIN * _MS_PER_MIN)
        yield Caution(
            f"The last increase was {ago if since >= _MS_PER_MIN else 'less than 1 min'} ago; a "
            "dose of baclofen is increased at most once in 24 h.",
            published.LABEL,
        )


def _maintenance(change: _Change) -> Iterator[Caution]:
    dose = change.new_baclofen
    if dose is None or change.new.mode not in TREATING:
        return
    patient = change.patient
    usual = (
        published.MAINTENANCE_OF_CHILDREN
        if patient.is_child
        else published.MAINTENANCE[patient.aetiology]
    )
    shown = f"Up to {units.format_daily_dose(dose.highest_ng)} of baclofen: "
    if dose.highest_ng > usual.most * _MCG:
        beyond = dose.highest_ng > published.EXPERIENCE_MCG * _MCG
        yield Caution(f"{shown}{usual.above}.", usual.source_above, _severity(beyond))
    elif dose.highest_ng < usual.least * _MCG:
        yield Caution(f"{shown}{usual.below}.", usual.source_below)


# --- The patient, the drug and the form -----------------------------------------------------------


def _age(change: _Change) -> Iterator[Caution]:
    age = change.patient.age_years
    if change.new_baclofen and age is not None and age < published.MINIMUM_AGE_YEARS:
        yield Caution(
            f"The patient is {age} years old; intrathecal baclofen is for adults and for children "
            "from 4 years.",
            "public patient page about intrathecal baclofen",
            Severity.WARNING,
        )


def _strength(change: _Change) -> Iterator[Caution]:
    dose = change.new_baclofen
    if dose is None or dose.drug.concentration_ng_per_ml in published.STRENGTHS_NG_PER_ML:
        return
    concentration = dose.drug.concentration_ng_per_ml
    if concentration == published.SCREENING_NG_PER_ML:
        text = "50 mcg/mL is the strength for a screening dose, not for a pump"
    else:
        shown = units.format_concentration(concentration)
        text = f"baclofen for pumps is marketed with 500, 1,000 and 2,000 mcg/mL, not with {shown}"
    yield Caution(
        f"{text[0].upper()}{text[1:]}: check what was entered against what is in the reservoir.",
        f"{published.MONOGRAPH}; P49: second monograph",
    )


def _minutes_for_hours(change: _Change) -> Iterator[Caution]:
    for bolus in change.new.periodic_boluses:
        if bolus.interval_ms < _MS_PER_H:
            yield Caution(
                f"A bolus every {units.format_duration(bolus.interval_ms)}: were hours meant? "
                "Minutes entered for hours have injured and killed patients.",
                "P20: recall of 2004",
                Severity.WARNING,
            )


def _old_drug(change: _Change) -> Iterator[Caution]:
    if not change.old.drugs or contents(change.new) == contents(change.old):
        return
    text = (
        "Drug or concentration changes. What is in the reservoir stays the old drug until it is "
        "refilled."
    )
    if change.new.bridge_decision is BridgeDecision.BRIDGE:
        text += (
            " What is then still in the tubing and the catheter is bridged: the new rate begins "
            "when it is used up."
        )
    else:
        text += (
            " What is then still in the tubing and the catheter is the old one too, and it will "
            "be delivered at the new rate until it is used up."
        )
    bridged = change.new.bridge_decision is BridgeDecision.BRIDGE
    yield Caution(text, "derived: T9 and T10 of the training scenarios", _severity(not bridged))


_RULES: Final[tuple[Callable[[_Change], Iterator[Caution]], ...]] = (
    _stops,
    _minimum_rate,
    _old_drug,
    _minutes_for_hours,
    _titration_step,
    _too_soon,
    _big_decrease,
    _maintenance,
    _age,
    _strength,
)


# --- A bolus -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bolus:
    """How much of one drug a bolus brings, how fast, and what the patient has of it every day."""

    daily: _Dose
    dose_ng: int
    duration_ms: int
    treating: bool

    @property
    def amount(self) -> str:
        """How much it is, in words."""
        return units.format_dose(self.dose_ng, self.daily.drug.mass_unit)


def _screening(bolus: _Bolus) -> Iterator[Caution]:
    if bolus.dose_ng < published.LEAST_SCREENING_MCG * _MCG:
        return
    more = bolus.dose_ng > published.MOST_SCREENING_MCG * _MCG
    held = "more than any screening dose" if more else "as much as a screening dose"
    yield Caution(
        f"{bolus.amount} of baclofen are {held} (50, then 75, then 100 mcg, a day apart). "
        "Overdoses (drowsiness, weak breathing, coma) are reported after boluses of 50 and 280 "
        "mcg.",
        f"{published.SCREENING}; {published.OVERDOSES}",
        _severity(more),
    )


def _share(bolus: _Bolus) -> Iterator[Caution]:
    mean_ng = bolus.daily.mean_ng
    if not bolus.treating or not mean_ng:
        return
    ppm = units.nearest(bolus.dose_ng * _PPM, mean_ng)
    limit = published.TITRATION[published.Aetiology.SPINAL].limit_per_cent
    if bolus.dose_ng * 100 <= mean_ng * limit:
        return
    drug = bolus.daily.drug
    daily = units.format_daily_dose(mean_ng, drug.mass_unit)
    text = (
        f"{bolus.amount} are {_percent(ppm)} % of the daily dose of {drug.name} ({daily}), on top "
        "of it."
    )
    source = "derived: bolus / daily dose"
    if is_baclofen(drug):
        text += f" While titrating, the label raises a daily dose by {limit} % at most."
        source = f"{published.LABEL}; {source}"
    yield Caution(text, source, _severity(bolus.dose_ng >= mean_ng))


def _at_once(bolus: _Bolus) -> Iterator[Caution]:
    few = bolus.dose_ng < published.LEAST_SCREENING_MCG * _MCG
    if few or bolus.duration_ms >= published.ONSET_MS:
        return
    yield Caution(
        f"All of it is in within {units.format_duration(bolus.duration_ms)}, before anything is to "
        "be seen of it: a bolus acts after 0.5 to 1 h, and most after about 4 h. What is in cannot "
        "be taken back.",
        published.ONSET,
    )


# --- Inside --------------------------------------------------------------------------------------


def _severity(severe: bool) -> Severity:
    return Severity.WARNING if severe else Severity.CAUTION


def _percent(ppm: int) -> str:
    """Per cent with one decimal at most."""
    return units.decimal_text(units.nearest(ppm, 1_000), 10)
