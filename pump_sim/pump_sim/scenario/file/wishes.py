"""What a scenario file asks for, laid over the prescription in force: one whole prescription.

What is not given stays as it is, doses before rates: a new concentration keeps every dose and moves
the rates. Nothing is judged here: what makes no sense is left for the pump to refuse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pump_sim.model import dosing
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
    programmed_means,
)
from pump_sim.model.profile import Profile
from pump_sim.model.units import nearest
from pump_sim.scenario.file.quantities import Flow
from pump_sim.scenario.file.therapy import WEEKDAYS, DaySteps, Therapy

DEFAULT_DRUG: Final = Drug("baclofen", MassUnit.MICROGRAM, 2_000_000)
DEFAULT_DAILY_DOSE_NG: Final = 300_000

_MODES: Final[Mapping[str, Mode]] = {"minimum_rate": Mode.MINIMUM_RATE, "stopped": Mode.STOPPED}


def prescribed(therapy: Therapy, base: Prescription | None, profile: Profile) -> Prescription:
    """What *therapy* makes of *base*, the prescription in force; of the defaults if that is None.

    It carries no decision about a bridge, not even that of *base*: see :func:`with_bridge`.
    """
    if base is None:
        base = Prescription(
            mode=Mode.SIMPLE_CONTINUOUS,
            drugs=(DEFAULT_DRUG,),
            daily_dose_ng=DEFAULT_DAILY_DOSE_NG,
            rate_nl_per_day=0,  # follows from the dose
            low_reservoir_threshold_nl=profile.default_low_reservoir_threshold_nl,
        )
    return laid_over(therapy, base, profile.minimum_rate_nl_per_day)


def laid_over(
    therapy: Therapy,
    base: Prescription,
    minimum_rate_nl_per_day: int,
    next_periodic_in_ms: int | None = None,
) -> Prescription:
    """The same for whoever knows of a pump only what it says of itself.

    :param next_periodic_in_ms: when the next periodic bolus of *base* is due, if that is known: it
        stays due then. Else the boluses begin anew as they once began.
    """
    threshold_nl = therapy.low_reservoir_nl
    blank = Prescription(
        mode=_mode(therapy, base),
        drugs=_drugs(therapy, base),
        daily_dose_ng=0,
        rate_nl_per_day=0,
        low_reservoir_threshold_nl=(
            base.low_reservoir_threshold_nl if threshold_nl is None else threshold_nl
        ),
    )
    laying = _Laying(
        therapy,
        base,
        blank.concentration_ng_per_ml,
        minimum_rate_nl_per_day,
        next_periodic_in_ms,
    )
    return replace(laying.flowing(blank), patient=laying.patient_bolus(blank.mode))


def with_bridge(new: Prescription, old: Prescription, volume_nl: int | None) -> Prescription:
    """*new* with a bridge that clears *volume_nl* of the old drug, or with none by decision."""
    if volume_nl is None:
        return replace(new, bridge_decision=BridgeDecision.DECLINED, bridge=None)
    rate = volume_of(new.daily_dose_ng, old.concentration_ng_per_ml)
    duration_ms = dosing.bridge_duration_ms(volume_nl, rate) if rate else 0
    bridge = Bridge(volume_nl=volume_nl, rate_nl_per_day=rate, duration_ms=duration_ms)
    return replace(new, bridge_decision=BridgeDecision.BRIDGE, bridge=bridge)


def volume_of(dose_ng: int, concentration_ng_per_ml: int) -> int:
    """The volume of a dose, or the rate of a daily one; 0 where no concentration is known."""
    if concentration_ng_per_ml <= 0:
        return 0
    return dosing.volume_for_dose(dose_ng, concentration_ng_per_ml)


def _mode(therapy: Therapy, base: Prescription) -> Mode:
    if therapy.mode is not None:
        return _MODES[therapy.mode]
    if therapy.daily_dose_ng is not None or therapy.rate_nl_per_day is not None:
        return Mode.SIMPLE_CONTINUOUS
    if therapy.flex is not None:
        return Mode.FLEX
    if therapy.periodic is not None:
        return Mode.PERIODIC_BOLUS
    return base.mode


def _drugs(therapy: Therapy, base: Prescription) -> tuple[Drug, ...]:
    """The mixture, primary drug first. What a pump has lost and nobody gives stays empty."""
    name, concentration = therapy.drug, therapy.concentration_ng_per_ml
    if not base.drugs and name is None and concentration is None:
        return ()
    first = base.drugs[0] if base.drugs else Drug("", MassUnit.MICROGRAM, 0)
    if name is not None:
        first = replace(first, name=name)
    if concentration is not None:
        first = replace(first, concentration_ng_per_ml=concentration)
    return (first, *base.drugs[1:])


@dataclass(frozen=True, slots=True)
class _Laying:
    """A therapy over a base, and what turns doses into rates: the concentration from now on."""

    therapy: Therapy
    base: Prescription
    concentration_ng_per_ml: int
    minimum_rate_nl_per_day: int
    next_periodic_in_ms: int | None

    def flowing(self, blank: Prescription) -> Prescription:
        """*blank* with its schedule, and the daily dose and rate that follow from it."""
        match blank.mode:
            case Mode.STOPPED:
                return blank
            case Mode.MINIMUM_RATE:
                rate = self.minimum_rate_nl_per_day
                dose_ng = dosing.dose_for_rate(rate, self.concentration_ng_per_ml)
                return replace(blank, daily_dose_ng=dose_ng, rate_nl_per_day=rate)
            case Mode.SIMPLE_CONTINUOUS:
                dose_ng = self._daily_dose()
                rate = volume_of(dose_ng, self.concentration_ng_per_ml)
                return replace(blank, daily_dose_ng=dose_ng, rate_nl_per_day=rate)
            case Mode.FLEX:
                return _with_means(replace(blank, days=self._days()))
            case Mode.PERIODIC_BOLUS:
                return _with_means(replace(blank, periodic=self._periodic()))

    def patient_bolus(self, mode: Mode) -> PatientBolus | None:
        """What the patient may ask for; what was prescribed ends where the pump does not treat."""
        wish, kept = self.therapy.patient_bolus, self.base.patient
        if wish == "none":
            return None
        if wish is not None:
            return PatientBolus(
                dose_ng=wish.dose_ng,
                volume_nl=volume_of(wish.dose_ng, self.concentration_ng_per_ml),
                duration_ms=wish.duration_ms,
                lockout_ms=wish.lockout_ms,
                allotted_per_day=wish.allotted_per_day,
            )
        if kept is None or not mode.treats:
            return None
        return replace(kept, volume_nl=volume_of(kept.dose_ng, self.concentration_ng_per_ml))

    def _daily_dose(self) -> int:
        if self.therapy.daily_dose_ng is not None:
            return self.therapy.daily_dose_ng
        if self.therapy.rate_nl_per_day is not None:
            # A rate that no whole number of ng/day gives becomes the nearest one that does.
            return dosing.dose_for_rate(self.therapy.rate_nl_per_day, self.concentration_ng_per_ml)
        return self.base.daily_dose_ng

    def _days(self) -> tuple[DayPattern, ...]:
        if self.therapy.flex is not None:
            return tuple(map(self._day, self.therapy.flex))
        return tuple(
            replace(
                day,
                steps=tuple(
                    Step(each.starts_at_min, self._kept(each.rate_nl_per_day)) for each in day.steps
                ),
            )
            for day in self.base.days
        )

    def _day(self, wish: DaySteps) -> DayPattern:
        return DayPattern(
            frozenset(map(WEEKDAYS.index, wish.days)),
            tuple(Step(minute, self._rate(flow)) for minute, flow in sorted(wish.steps.items())),
        )

    def _periodic(self) -> PeriodicBolus:
        wish, old = self.therapy.periodic, self.base.periodic
        if wish is None:
            assert old is not None  # a mode PERIODIC_BOLUS that nobody asks for anew has one
            first_after_ms = old.first_after_ms
            if self.next_periodic_in_ms is not None:
                first_after_ms = min(old.interval_ms, max(0, self.next_periodic_in_ms))
            return replace(
                old,
                basal_rate_nl_per_day=self._kept(old.basal_rate_nl_per_day),
                volume_nl=volume_of(old.dose_ng, self.concentration_ng_per_ml),
                first_after_ms=first_after_ms,
            )
        return PeriodicBolus(
            basal_rate_nl_per_day=0 if wish.basal is None else self._rate(wish.basal),
            dose_ng=wish.dose_ng,
            volume_nl=volume_of(wish.dose_ng, self.concentration_ng_per_ml),
            duration_ms=wish.duration_ms,
            interval_ms=wish.interval_ms,
            first_after_ms=wish.first_after_ms,
        )

    def _rate(self, flow: Flow) -> int:
        if flow.rate_nl_per_day is not None:
            return flow.rate_nl_per_day
        return volume_of(flow.daily_dose_ng or 0, self.concentration_ng_per_ml)

    def _kept(self, rate_nl_per_day: int) -> int:
        """The rate that keeps the dose; the minimum rate is none that treats, and stays."""
        old, new = self.base.concentration_ng_per_ml, self.concentration_ng_per_ml
        if rate_nl_per_day == self.minimum_rate_nl_per_day or old == new or new <= 0:
            return rate_nl_per_day
        return nearest(rate_nl_per_day * old, new)


def _with_means(plan: Prescription) -> Prescription:
    if plan.periodic is not None and plan.periodic.interval_ms <= 0:
        return plan  # without a mean; no pump takes it
    dose_ng, rate_nl_per_day = programmed_means(plan)
    return replace(plan, daily_dose_ng=dose_ng, rate_nl_per_day=rate_nl_per_day)
