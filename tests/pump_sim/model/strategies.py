"""Pumps and the things that happen to them, for the property tests."""

from dataclasses import dataclass

from hypothesis import strategies as st

from pump_sim.model.orders import BolusOrder, ReservoirUpdate
from pump_sim.model.prescription import (
    Prescription,
    minimum_rate,
    simple_continuous,
    stopped,
    volume_for_dose,
)
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Refused

PROFILE = load_profile("pump-20ml")
DAY = 86_400_000


def continuous(
    daily_dose_ng: int = 800_000,
    concentration_ng_per_ml: int = 2_000_000,
    low_reservoir_threshold_nl: int = 2_000_000,
) -> Prescription:
    """800 mcg/day of 2,000 mcg/mL, 0.4 mL/day, unless told otherwise."""
    return simple_continuous(
        drug_name="baclofen",
        concentration_ng_per_ml=concentration_ng_per_ml,
        daily_dose_ng=daily_dose_ng,
        low_reservoir_threshold_nl=low_reservoir_threshold_nl,
    )


def bolus(order_number: int = 1, dose_ng: int = 50_000, duration_ms: int = 600_000) -> BolusOrder:
    """50 mcg of 2,000 mcg/mL in ten minutes, unless told otherwise."""
    return BolusOrder(
        programmer_id=7,
        order_number=order_number,
        dose_ng=dose_ng,
        concentration_ng_per_ml=2_000_000,
        volume_nl=volume_for_dose(dose_ng, 2_000_000),
        duration_ms=duration_ms,
    )


@dataclass(frozen=True)
class Prescribe:
    prescription: Prescription


@dataclass(frozen=True)
class GiveBolus:
    dose_ng: int
    duration_ms: int


@dataclass(frozen=True)
class AbortBolus:
    pass


@dataclass(frozen=True)
class Refill:
    volume_nl: int


Action = Prescribe | GiveBolus | AbortBolus | Refill

thresholds = st.integers(0, PROFILE.max_low_reservoir_threshold_nl)
concentrations = st.sampled_from([100_000, 500_000, 2_000_000, 777_777])
in_continuous_mode = st.builds(
    continuous,
    daily_dose_ng=st.integers(96_000, 2_000_000),
    concentration_ng_per_ml=concentrations,
    low_reservoir_threshold_nl=thresholds,
)
at_minimum_rate = st.builds(
    lambda **figures: minimum_rate(PROFILE, drug_name="baclofen", **figures),
    concentration_ng_per_ml=concentrations,
    low_reservoir_threshold_nl=thresholds,
)
in_stopped_mode = st.builds(
    lambda **figures: stopped(drug_name="baclofen", **figures),
    concentration_ng_per_ml=concentrations,
    low_reservoir_threshold_nl=thresholds,
)
prescriptions = st.one_of(
    in_continuous_mode, in_continuous_mode, in_continuous_mode, at_minimum_rate, in_stopped_mode
)
volumes = st.one_of(
    st.integers(1, 20_000),
    st.integers(1_000_000, PROFILE.capacity_nl),
    st.integers(1_000_000, PROFILE.capacity_nl),
)
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Prescribe, prescriptions),
    st.builds(GiveBolus, st.integers(1, 2_000), st.integers(60_000, 3_600_000)),
    st.builds(GiveBolus, st.integers(1, 500_000), st.integers(3_600_000, DAY)),
    st.builds(AbortBolus),
    st.builds(Refill, volumes),
)
pauses = st.one_of(
    st.integers(0, 1_000),
    st.integers(0, DAY // 24),
    st.integers(0, DAY // 2),
    st.integers(0, 3 * DAY),
    st.integers(0, 100 * DAY),
)
lives = st.lists(st.tuples(pauses, actions), max_size=30)
"""What happens to a pump: pauses in ms, each with what is done after it."""


def perform(pump: Pump, action: Action, number: int) -> object | None:
    """Do it to a pump, as order `number`. Returns what was ordered, None if it was refused."""
    try:
        match action:
            case Prescribe(prescription):
                pump.stage(prescription)
                try:
                    pump.commit()
                except Refused:
                    pump.roll_back()
                    raise
                return prescription
            case GiveBolus(dose_ng, duration_ms):
                concentration = pump.prescription.concentration_ng_per_ml
                order = BolusOrder(
                    programmer_id=7,
                    order_number=number,
                    dose_ng=dose_ng,
                    concentration_ng_per_ml=concentration,
                    volume_nl=volume_for_dose(dose_ng, concentration),
                    duration_ms=duration_ms,
                )
                pump.order_bolus(order)
                return order
            case AbortBolus():
                return pump.abort_bolus()
            case Refill(volume_nl):
                update = ReservoirUpdate(programmer_id=7, order_number=number, volume_nl=volume_nl)
                pump.fill_by_hand(volume_nl)
                pump.update_reservoir(update)
                return update
    except Refused:
        return None
