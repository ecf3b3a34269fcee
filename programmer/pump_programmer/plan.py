"""From what a person asks for and what is in force to one whole prescription; pure.

What the person leaves open stays as it is, doses before rates: a new concentration keeps every dose
and moves the rates. Doses, concentrations, rates and volumes always leave here in agreement
(REQ-05), and the pump reckons them again.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pump_programmer.bridging import TREATING, PlanError, bridged
from pump_programmer.wishes import DayWish, Flow, PatientWish, PeriodicWish, Wishes
from pump_protocol.codes import BridgeDecision, MassUnit, Mode
from pump_protocol.messages import (
    DayPattern,
    Drug,
    Identity,
    PatientBolus,
    PeriodicBolus,
    Prescription,
    Step,
)
from pump_protocol.reckoning import (
    flex_daily_dose_ng,
    flex_rate_nl_per_day,
    periodic_daily_dose_ng,
    periodic_rate_nl_per_day,
)
from pump_protocol.units import dose_for_rate, nearest, rate_for_dose, volume_for_dose

__all__ = ["PlanError", "Wishes", "planned"]

T = TypeVar("T")

_LOST: Final = (
    "the pump has lost its drug and takes only a whole prescription: program it with --drug, "
    "--concentration, and --dose, --rate, --flex, --day-night, --periodic or --minimum-rate"
)


@dataclass(frozen=True, slots=True)
class _Reckoning:
    """What turns doses into rates and volumes: the old and the new concentration, and the pump."""

    old_ng_per_ml: int
    new_ng_per_ml: int
    identity: Identity
    next_periodic_in_ms: int | None

    def rate(self, flow: Flow) -> int:
        """The rate that a flow asks for."""
        if flow.rate_nl_per_day is not None:
            return flow.rate_nl_per_day
        if flow.daily_dose_ng is not None:
            return rate_for_dose(flow.daily_dose_ng, self.new_ng_per_ml)
        return self.identity.minimum_rate_nl_per_day

    def kept(self, rate_nl_per_day: int) -> int:
        """The rate that keeps the dose; the minimum rate is none that treats, and stays."""
        if self.old_ng_per_ml == self.new_ng_per_ml or rate_nl_per_day == (
            self.identity.minimum_rate_nl_per_day
        ):
            return rate_nl_per_day
        return nearest(rate_nl_per_day * self.old_ng_per_ml, self.new_ng_per_ml)


def planned(
    wishes: Wishes,
    current: Prescription,
    identity: Identity,
    next_periodic_in_ms: int | None = None,
) -> Prescription:
    """The whole prescription that *wishes* make of *current*.

    A rate that no whole number of ng/day gives becomes the nearest one that does. A decision about
    a bridge is that of *wishes*: none is carried over from *current*.

    :param next_periodic_in_ms: when the next periodic bolus of *current* is due, if that is known:
        it stays due then. Else the boluses begin anew as they once began.
    :raises PlanError: the wishes do not make one whole prescription.
    :raises pump_protocol.UnitError: the concentration is not positive.
    """
    mode = _mode(wishes, current)
    if not current.drugs and wishes == Wishes(mode=Mode.STOPPED):
        # What it is that must not flow need not be known.
        return replace(current, mode=mode, daily_dose_ng=0, rate_nl_per_day=0)
    threshold = wishes.low_reservoir_threshold_nl
    blank = replace(
        current,
        mode=mode,
        drugs=_drugs(wishes, current),
        low_reservoir_threshold_nl=_or(threshold, current.low_reservoir_threshold_nl),
        days=(),
        periodic_boluses=(),
        patient_boluses=(),
        bridge_decision=BridgeDecision.NOT_NEEDED,
        bridges=(),
    )
    new = blank.drugs[0].concentration_ng_per_ml
    old = current.drugs[0].concentration_ng_per_ml if current.drugs else new
    reckoning = _Reckoning(old, new, identity, next_periodic_in_ms)
    _check_options(wishes, mode)
    flowing = _flowing(blank, wishes, current, reckoning)
    whole = replace(flowing, patient_boluses=_patient_boluses(wishes, current, flowing))
    return bridged(whole, current, wishes.bridging, identity)


def _mode(wishes: Wishes, current: Prescription) -> Mode:
    if wishes.daily_dose_ng is not None or wishes.rate_nl_per_day is not None:
        return Mode.SIMPLE_CONTINUOUS
    if wishes.flex is not None:
        return Mode.FLEX
    if wishes.periodic is not None:
        return Mode.PERIODIC_BOLUS
    if wishes.mode is None and not current.drugs:
        raise PlanError(_LOST)
    return _or(wishes.mode, current.mode)


def _drugs(wishes: Wishes, current: Prescription) -> tuple[Drug, ...]:
    """The mixture, primary drug first."""
    others = _or(wishes.other_drugs, current.drugs[1:])
    if current.drugs:
        first = current.drugs[0]
        primary = Drug(
            _or(wishes.mass_unit, first.mass_unit),
            _or(wishes.concentration_ng_per_ml, first.concentration_ng_per_ml),
            _or(wishes.drug_name, first.name),
        )
        return (primary, *others)
    if wishes.drug_name is None or wishes.concentration_ng_per_ml is None:
        raise PlanError(_LOST)
    unit = _or(wishes.mass_unit, MassUnit.MICROGRAM)
    return (Drug(unit, wishes.concentration_ng_per_ml, wishes.drug_name), *others)


def _check_options(wishes: Wishes, mode: Mode) -> None:
    periodic = mode is Mode.PERIODIC_BOLUS
    for option, given in (("--basal", wishes.basal), ("--first-in", wishes.first_after_ms)):
        if given is not None and not periodic:
            raise PlanError(f"{option} goes with --periodic, and no periodic bolus is prescribed")
    if wishes.patient_boluses and mode not in TREATING:
        raise PlanError(
            "--patient-bolus needs a prescription that treats; a pump that is stopped or at the "
            "minimum rate gives none"
        )


# --- What flows ----------------------------------------------------------------------------------


def _flowing(
    blank: Prescription, wishes: Wishes, current: Prescription, reckoning: _Reckoning
) -> Prescription:
    """*blank* with its schedule, and the daily dose and mean rate that follow from it."""
    concentration = reckoning.new_ng_per_ml
    match blank.mode:
        case Mode.STOPPED:
            return replace(blank, daily_dose_ng=0, rate_nl_per_day=0)
        case Mode.MINIMUM_RATE:
            rate = reckoning.identity.minimum_rate_nl_per_day
            dose = dose_for_rate(rate, concentration)
            return replace(blank, daily_dose_ng=dose, rate_nl_per_day=rate)
        case Mode.SIMPLE_CONTINUOUS:
            dose = _or(wishes.daily_dose_ng, current.daily_dose_ng)
            if wishes.rate_nl_per_day is not None:
                dose = dose_for_rate(wishes.rate_nl_per_day, concentration)
            rate = rate_for_dose(dose, concentration)
            return replace(blank, daily_dose_ng=dose, rate_nl_per_day=rate)
        case Mode.FLEX:
            days = _days(wishes.flex, current, reckoning)
            return replace(
                blank,
                days=days,
                daily_dose_ng=flex_daily_dose_ng(days, concentration),
                rate_nl_per_day=flex_rate_nl_per_day(days),
            )
        case Mode.PERIODIC_BOLUS:
            periodic = _periodic(wishes, current, reckoning)
            return replace(
                blank,
                periodic_boluses=(periodic,),
                daily_dose_ng=periodic_daily_dose_ng(periodic, concentration),
                rate_nl_per_day=periodic_rate_nl_per_day(periodic),
            )


def _days(
    wished: tuple[DayWish, ...] | None, current: Prescription, reckoning: _Reckoning
) -> tuple[DayPattern, ...]:
    if wished is not None:
        return tuple(
            DayPattern(
                day.weekdays,
                tuple(Step(each.starts_at_min, reckoning.rate(each.flow)) for each in day.steps),
            )
            for day in wished
        )
    return tuple(
        replace(
            day,
            steps=tuple(
                replace(step, rate_nl_per_day=reckoning.kept(step.rate_nl_per_day))
                for step in day.steps
            ),
        )
        for day in current.days
    )


def _periodic(wishes: Wishes, current: Prescription, reckoning: _Reckoning) -> PeriodicBolus:
    old = current.periodic
    wish = wishes.periodic
    if wish is None:
        assert old is not None  # a mode PERIODIC_BOLUS that nobody asks for anew has one
        wish = PeriodicWish(old.dose_ng, old.interval_ms, old.duration_ms)
    if wishes.basal is not None:
        basal = reckoning.rate(wishes.basal)
    elif old is not None:
        basal = reckoning.kept(old.basal_rate_nl_per_day)
    else:
        raise PlanError(
            'give --basal with --periodic: what flows between the boluses, as "100 mcg/day", or '
            '"none"'
        )
    # A commit starts the boluses anew. One that is there already stays due when it was, a new one
    # waits for its interval: by default none comes sooner after another than was prescribed.
    kept = wish.interval_ms
    if old is not None and wishes.periodic is None:
        kept = min(kept, max(0, _or(reckoning.next_periodic_in_ms, old.first_after_ms)))
    return PeriodicBolus(
        basal_rate_nl_per_day=basal,
        dose_ng=wish.dose_ng,
        volume_nl=volume_for_dose(wish.dose_ng, reckoning.new_ng_per_ml),
        duration_ms=wish.duration_ms,
        interval_ms=wish.interval_ms,
        first_after_ms=_or(wishes.first_after_ms, kept),
    )


def _patient_boluses(
    wishes: Wishes, current: Prescription, pending: Prescription
) -> tuple[PatientBolus, ...]:
    """What the patient may ask for; nothing where the pump does not treat."""
    if pending.mode not in TREATING:
        return ()
    kept = tuple(
        PatientWish(each.dose_ng, each.duration_ms, each.lockout_ms, each.allotted_per_day)
        for each in current.patient_boluses
    )
    return tuple(
        PatientBolus(
            dose_ng=each.dose_ng,
            volume_nl=volume_for_dose(each.dose_ng, pending.drugs[0].concentration_ng_per_ml),
            duration_ms=each.duration_ms,
            lockout_ms=each.lockout_ms,
            allotted_per_day=each.allotted_per_day,
        )
        for each in _or(wishes.patient_boluses, kept)
    )


def _or(wish: T | None, otherwise: T) -> T:
    return otherwise if wish is None else wish
