"""What a clinician prescribes: whole prescriptions as values, and the usual ones made from less.

Which numbers follow from which is `dosing.py`'s business, what is wrong with a prescription that
of `rules.py`, how it flows that of `schedule.py`.
"""

from dataclasses import dataclass, replace
from enum import Enum

from pump_sim.model import dosing
from pump_sim.model.profile import Profile
from pump_sim.model.units import DAY_MS, MINUTE_MS, UNITS_PER_NL, WEEK_MS

MAX_DRUGS = 3
MAX_DRUG_NAME_BYTES = 32
MAX_STEPS_PER_DAY = 13
"""Published for pumps of this kind (domain.md 2, P9)."""
MAX_STEPS = 52
"""Steps of all day patterns together: four full days of 13, as many as an answer has room for."""

DEFAULT_THRESHOLD_NL = 2_000_000


class Mode(Enum):
    """Infusion mode; the numbers are those of the log's parameters."""

    STOPPED = 0
    MINIMUM_RATE = 1
    SIMPLE_CONTINUOUS = 2
    FLEX = 3
    PERIODIC_BOLUS = 4

    @property
    def treats(self) -> bool:
        """Whether it gives anybody a therapeutic dose."""
        return self not in {Mode.STOPPED, Mode.MINIMUM_RATE}


class MassUnit(Enum):
    """The unit in which clinicians read a drug's masses. The model always counts ng (REQ-06)."""

    MICROGRAM = 1
    MILLIGRAM = 2


class BridgeDecision(Enum):
    """What was decided about the old drug in tubing and catheter (REQ-11)."""

    NOT_NEEDED = 0
    """The drug does not change."""
    BRIDGE = 1
    """It is infused at a rate that suits it until it is used up."""
    DECLINED = 2
    """The new rate begins at once."""


@dataclass(frozen=True, slots=True)
class Drug:
    """One drug of the mixture in the reservoir."""

    name: str
    mass_unit: MassUnit
    concentration_ng_per_ml: int


@dataclass(frozen=True, slots=True)
class Step:
    """A rate from a local time of day, in minutes after midnight, until the next step."""

    starts_at_min: int
    rate_nl_per_day: int


@dataclass(frozen=True, slots=True)
class DayPattern:
    """The steps of the weekdays that share them; Monday is 0."""

    weekdays: frozenset[int]
    steps: tuple[Step, ...]

    @property
    def units_per_day(self) -> int:
        """What flows on such a day, in ledger units."""
        ends = [*(step.starts_at_min for step in self.steps[1:]), DAY_MS // MINUTE_MS]
        return sum(
            step.rate_nl_per_day * (end - step.starts_at_min) * MINUTE_MS
            for step, end in zip(self.steps, ends, strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicBolus:
    """A bolus that repeats at an interval, on top of a basal rate, which may be 0."""

    basal_rate_nl_per_day: int
    dose_ng: int
    volume_nl: int
    duration_ms: int
    interval_ms: int
    first_after_ms: int = 0
    """From the commit to the start of the first."""

    @property
    def units_per_interval(self) -> int:
        """What flows in one interval, in ledger units."""
        return self.basal_rate_nl_per_day * self.interval_ms + self.volume_nl * UNITS_PER_NL


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientBolus:
    """What the patient may ask for: how much, how soon after the last, how often in any 24 h."""

    dose_ng: int
    volume_nl: int
    duration_ms: int
    lockout_ms: int
    """From the start of one until another may begin."""
    allotted_per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """How the old drug is cleared from tubing and catheter before the new rate begins."""

    volume_nl: int
    rate_nl_per_day: int
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """All that programs an infusion: doses, concentrations and rates together, so that they can be
    checked against each other (REQ-05).

    `daily_dose_ng`, of the first drug, and `rate_nl_per_day` are those of all that is programmed,
    patient boluses apart; for a schedule that varies they are its means. A pump that lost its
    prescription to a memory error has one without drugs until it is programmed anew.
    """

    mode: Mode
    drugs: tuple[Drug, ...]
    daily_dose_ng: int
    rate_nl_per_day: int
    low_reservoir_threshold_nl: int
    days: tuple[DayPattern, ...] = ()
    periodic: PeriodicBolus | None = None
    patient: PatientBolus | None = None
    bridge_decision: BridgeDecision = BridgeDecision.NOT_NEEDED
    bridge: Bridge | None = None

    @property
    def drug_name(self) -> str:
        """The primary drug, the one that sets the rate; empty if there is none."""
        return self.drugs[0].name if self.drugs else ""

    @property
    def concentration_ng_per_ml(self) -> int:
        """The concentration of the primary drug; 0 if there is none."""
        return self.drugs[0].concentration_ng_per_ml if self.drugs else 0

    @property
    def highest_basal_rate_nl_per_day(self) -> int:
        """The highest rate of the whole schedule without any bolus (REQ-09)."""
        if self.periodic is not None:
            return self.periodic.basal_rate_nl_per_day
        rates = [step.rate_nl_per_day for day in self.days for step in day.steps]
        return max(rates, default=self.rate_nl_per_day)

    def same_drugs(self, other: "Prescription") -> bool:
        """Whether both are of the same mixture, whatever unit it is read in."""
        return _mixture(self) == _mixture(other)


def _mixture(prescription: Prescription) -> list[tuple[str, int]]:
    return [(drug.name, drug.concentration_ng_per_ml) for drug in prescription.drugs]


@dataclass(frozen=True, slots=True)
class DoseTotals:
    """Doses of the primary drug over the whole schedule (REQ-04), in ng.

    `highest_ng` is that of the day with most; `with_patient_ng` adds every patient bolus that may
    be asked for on it, and is what the limits of the dose are held against.
    """

    mean_ng: int
    highest_ng: int
    with_patient_ng: int


def dose_totals(prescription: Prescription) -> DoseTotals:
    """The doses of a prescription whose own numbers agree."""
    concentration = prescription.concentration_ng_per_ml
    highest_ng = prescription.daily_dose_ng
    if prescription.days:
        units = max(day.units_per_day for day in prescription.days)
        highest_ng = dosing.dose_of_units(units, DAY_MS, concentration)
    elif (periodic := prescription.periodic) is not None:
        boluses = -(-DAY_MS // periodic.interval_ms)
        units = (
            periodic.basal_rate_nl_per_day * DAY_MS + boluses * periodic.volume_nl * UNITS_PER_NL
        )
        highest_ng = dosing.dose_of_units(units, DAY_MS, concentration)
    patient = prescription.patient
    extra_ng = 0 if patient is None else patient.allotted_per_day * patient.dose_ng
    return DoseTotals(prescription.daily_dose_ng, highest_ng, highest_ng + extra_ng)


def programmed_means(prescription: Prescription) -> tuple[int, int]:
    """The daily dose and the rate that follow from a schedule or a periodic bolus (REQ-05)."""
    if (periodic := prescription.periodic) is not None:
        units, span_ms = periodic.units_per_interval, periodic.interval_ms
    else:
        units = sum(len(day.weekdays) * day.units_per_day for day in prescription.days)
        span_ms = WEEK_MS
    dose_ng = dosing.dose_of_units(units, span_ms, prescription.concentration_ng_per_ml)
    return dose_ng, dosing.rate_of_units(units, span_ms)


# --- The usual ones, from what a person would say -----------------------------------------------


def simple_continuous(
    *,
    drug_name: str,
    concentration_ng_per_ml: int,
    daily_dose_ng: int,
    low_reservoir_threshold_nl: int = DEFAULT_THRESHOLD_NL,
    mass_unit: MassUnit = MassUnit.MICROGRAM,
) -> Prescription:
    """A constant infusion of a daily dose, at the rate that follows from it."""
    return Prescription(
        mode=Mode.SIMPLE_CONTINUOUS,
        drugs=(Drug(drug_name, mass_unit, concentration_ng_per_ml),),
        daily_dose_ng=daily_dose_ng,
        rate_nl_per_day=dosing.rate_for_dose(daily_dose_ng, concentration_ng_per_ml),
        low_reservoir_threshold_nl=low_reservoir_threshold_nl,
    )


def flex(base: Prescription, *days: DayPattern) -> Prescription:
    """`base` with a schedule in place of its rate."""
    plan = replace(base, mode=Mode.FLEX, days=days, periodic=None)
    dose_ng, rate_nl_per_day = programmed_means(plan)
    return replace(plan, daily_dose_ng=dose_ng, rate_nl_per_day=rate_nl_per_day)


def periodic(
    base: Prescription,
    *,
    dose_ng: int,
    duration_ms: int,
    interval_ms: int,
    basal_rate_nl_per_day: int = 0,
    first_after_ms: int = 0,
) -> Prescription:
    """`base` with a bolus that repeats in place of its rate."""
    bolus = PeriodicBolus(
        basal_rate_nl_per_day=basal_rate_nl_per_day,
        dose_ng=dose_ng,
        volume_nl=dosing.volume_for_dose(dose_ng, base.concentration_ng_per_ml),
        duration_ms=duration_ms,
        interval_ms=interval_ms,
        first_after_ms=first_after_ms,
    )
    plan = replace(base, mode=Mode.PERIODIC_BOLUS, days=(), periodic=bolus)
    daily_dose_ng, rate_nl_per_day = programmed_means(plan)
    return replace(plan, daily_dose_ng=daily_dose_ng, rate_nl_per_day=rate_nl_per_day)


def with_patient_bolus(
    base: Prescription, *, dose_ng: int, duration_ms: int, lockout_ms: int, allotted_per_day: int
) -> Prescription:
    """`base` with a bolus that the patient may ask for."""
    bolus = PatientBolus(
        dose_ng=dose_ng,
        volume_nl=dosing.volume_for_dose(dose_ng, base.concentration_ng_per_ml),
        duration_ms=duration_ms,
        lockout_ms=lockout_ms,
        allotted_per_day=allotted_per_day,
    )
    return replace(base, patient=bolus)


def bridged(new: Prescription, old: Prescription, volume_nl: int) -> Prescription:
    """`new` with a bridge that clears `volume_nl` of the old drug at the new daily dose."""
    rate = dosing.rate_for_dose(new.daily_dose_ng, old.concentration_ng_per_ml)
    duration_ms = dosing.bridge_duration_ms(volume_nl, rate)
    bridge = Bridge(volume_nl=volume_nl, rate_nl_per_day=rate, duration_ms=duration_ms)
    return replace(new, bridge_decision=BridgeDecision.BRIDGE, bridge=bridge)


def minimum_rate(
    profile: Profile,
    *,
    drug_name: str,
    concentration_ng_per_ml: int,
    low_reservoir_threshold_nl: int = DEFAULT_THRESHOLD_NL,
    mass_unit: MassUnit = MassUnit.MICROGRAM,
) -> Prescription:
    """The profile's lowest flow, which keeps the way open and treats nobody."""
    drugs = (Drug(drug_name, mass_unit, concentration_ng_per_ml),)
    return minimum_rate_of(profile, drugs, low_reservoir_threshold_nl)


def minimum_rate_of(
    profile: Profile, drugs: tuple[Drug, ...], low_reservoir_threshold_nl: int
) -> Prescription:
    """The same for a mixture, or for a pump that has lost its drugs."""
    rate_nl_per_day = profile.minimum_rate_nl_per_day
    concentration = drugs[0].concentration_ng_per_ml if drugs else 0
    return Prescription(
        mode=Mode.MINIMUM_RATE,
        drugs=drugs,
        daily_dose_ng=dosing.dose_for_rate(rate_nl_per_day, concentration),
        rate_nl_per_day=rate_nl_per_day,
        low_reservoir_threshold_nl=low_reservoir_threshold_nl,
    )


def stopped(
    *,
    drug_name: str,
    concentration_ng_per_ml: int,
    low_reservoir_threshold_nl: int = DEFAULT_THRESHOLD_NL,
    mass_unit: MassUnit = MassUnit.MICROGRAM,
) -> Prescription:
    """No flow at all."""
    drugs = (Drug(drug_name, mass_unit, concentration_ng_per_ml),)
    return stopped_of(drugs, low_reservoir_threshold_nl)


def stopped_of(drugs: tuple[Drug, ...], low_reservoir_threshold_nl: int) -> Prescription:
    """The same for a mixture, or for a pump that has lost its drugs."""
    return Prescription(
        mode=Mode.STOPPED,
        drugs=drugs,
        daily_dose_ng=0,
        rate_nl_per_day=0,
        low_reservoir_threshold_nl=low_reservoir_threshold_nl,
    )
