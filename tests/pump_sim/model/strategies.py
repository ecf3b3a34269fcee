"""Pumps and the things that happen to them, for the property tests."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from hypothesis import assume
from hypothesis import strategies as st

from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.hardware.faults import (
    CatheterDisconnection,
    CatheterOcclusion,
    DryRun,
    Fault,
    FlowError,
    MotorStall,
)
from pump_sim.model.orders import BolusKind, BolusOrder, PatientRequest, ReservoirUpdate
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
)
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Refused

from .reference import concentration, highest_basal, highest_dose, mean_rate

PROFILE = load_profile("pump-20ml")
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONTH = 2_629_800_000
NL_PER_ML = 1_000_000

SHORT_LIVED = replace(
    PROFILE,
    service_life_ms=7 * MONTH,
    eri_before_eos_ms=20 * DAY,
    replacement_lead_ms=2 * MONTH,
    battery_charge_drain_months=PROFILE.battery_charge_drain_months // 12,
)
"""A pump whose whole service passes in months, so that a slow reference can walk through it."""

BACLOFEN = Drug("baclofen", MassUnit.MICROGRAM, 2_000_000)
STRONG_MIXTURE = (BACLOFEN, Drug("morphine", MassUnit.MILLIGRAM, 10_000_000))
MIXTURES = (
    (BACLOFEN,),
    (Drug("baclofen", MassUnit.MICROGRAM, 500_000),),
    (Drug("ziconotide", MassUnit.MICROGRAM, 25_000),),
    STRONG_MIXTURE,
    (Drug("ziconotide", MassUnit.MICROGRAM, 77_777), *STRONG_MIXTURE),
)


# --- Prescriptions, built from the definitions rather than by the model ---------------------------


def prescribed(
    mode: Mode,
    *,
    drugs: tuple[Drug, ...] = (BACLOFEN,),
    low_reservoir_threshold_nl: int = 2_000_000,
    daily_dose_ng: int | None = None,
    basal_nl_per_day: int = 0,
    days: tuple[DayPattern, ...] = (),
    periodic: PeriodicBolus | None = None,
    patient: PatientBolus | None = None,
) -> Prescription:
    """A prescription with the mean dose and rate that follow from what it programs."""
    ng_per_nl = Fraction(drugs[0].concentration_ng_per_ml, NL_PER_ML)
    if daily_dose_ng is not None:
        basal_nl_per_day = round(daily_dose_ng / ng_per_nl)
    draft = Prescription(
        mode=mode,
        drugs=drugs,
        daily_dose_ng=0,
        rate_nl_per_day=basal_nl_per_day,
        low_reservoir_threshold_nl=low_reservoir_threshold_nl,
        days=days,
        periodic=periodic,
        patient=patient,
    )
    mean = mean_rate(draft)
    dose_ng = round(mean * ng_per_nl) if daily_dose_ng is None else daily_dose_ng
    return replace(draft, daily_dose_ng=dose_ng, rate_nl_per_day=round(mean))


def continuous(
    daily_dose_ng: int = 800_000,
    concentration_ng_per_ml: int = 2_000_000,
    low_reservoir_threshold_nl: int = 2_000_000,
    patient: PatientBolus | None = None,
) -> Prescription:
    """800 mcg/day of 2,000 mcg/mL, 0.4 mL/day, unless told otherwise."""
    return prescribed(
        Mode.SIMPLE_CONTINUOUS,
        drugs=(Drug("baclofen", MassUnit.MICROGRAM, concentration_ng_per_ml),),
        daily_dose_ng=daily_dose_ng,
        low_reservoir_threshold_nl=low_reservoir_threshold_nl,
        patient=patient,
    )


def decided(
    new: Prescription, old: Prescription, bridge_volume_nl: int | None = None
) -> Prescription:
    """With the bridge decision that goes with a change from `old`: a bridge of that volume where
    one is wanted and possible, otherwise declined where the drugs change.
    """
    if new.same_drugs(old):
        return replace(new, bridge_decision=BridgeDecision.NOT_NEEDED, bridge=None)
    declined = replace(new, bridge_decision=BridgeDecision.DECLINED, bridge=None)
    treats = new.mode not in {Mode.STOPPED, Mode.MINIMUM_RATE}
    if bridge_volume_nl is None or not treats or old.mode is Mode.STOPPED or not old.drugs:
        return declined
    rate = round(Fraction(new.daily_dose_ng * NL_PER_ML, concentration(old)))
    limits = PROFILE.min_therapeutic_rate_nl_per_day, PROFILE.max_rate_nl_per_day
    if not limits[0] <= rate <= limits[1]:
        return declined
    duration_ms = ceil(Fraction(bridge_volume_nl * DAY, rate))
    if duration_ms > 30 * DAY:
        return declined
    bridge = Bridge(volume_nl=bridge_volume_nl, rate_nl_per_day=rate, duration_ms=duration_ms)
    return replace(new, bridge_decision=BridgeDecision.BRIDGE, bridge=bridge)


thresholds = st.integers(0, PROFILE.max_low_reservoir_threshold_nl)
mixtures = st.one_of(st.just(MIXTURES[0]), st.just(MIXTURES[0]), st.sampled_from(MIXTURES))


def basal_limit(drugs: tuple[Drug, ...]) -> int:
    """Half of what dose and flow allow, in nL/day: the rest is for boluses."""
    by_dose = PROFILE.max_daily_dose_ng * NL_PER_ML // drugs[0].concentration_ng_per_ml
    return min(by_dose, PROFILE.max_rate_nl_per_day) // 2


def rates(drugs: tuple[Drug, ...]) -> st.SearchStrategy[int]:
    lowest, highest = PROFILE.min_therapeutic_rate_nl_per_day, basal_limit(drugs)
    return st.one_of(
        st.integers(lowest, highest),
        st.integers(lowest, min(highest, 20 * lowest)),
        st.just(PROFILE.minimum_rate_nl_per_day),
    )


@st.composite
def weeks(draw: st.DrawFn, drugs: tuple[Drug, ...]) -> tuple[DayPattern, ...]:
    """Every weekday in one of one to four patterns, each of up to 13 steps."""
    group_of = draw(st.lists(st.integers(0, 3), min_size=7, max_size=7))
    patterns = []
    for group in sorted(set(group_of)):
        more = st.lists(st.integers(1, 1_439), max_size=draw(st.sampled_from([0, 1, 3, 12])))
        starts = [0, *sorted(set(draw(more)))]
        steps = tuple(Step(start, draw(rates(drugs))) for start in starts)
        weekdays = frozenset(day for day in range(7) if group_of[day] == group)
        patterns.append(DayPattern(weekdays, steps))
    return tuple(patterns)


@st.composite
def _boluses(
    draw: st.DrawFn, drugs: tuple[Drug, ...], basal_nl_per_day: int, dose_ng: int, longest_ms: int
) -> tuple[int, int, int] | None:
    """Dose, volume and duration of a bolus of at most that dose on top of a basal rate."""
    ng_per_nl = Fraction(drugs[0].concentration_ng_per_ml, NL_PER_ML)
    duration_ms = draw(
        st.integers(PROFILE.min_bolus_duration_ms, longest_ms)
        | st.integers(PROFILE.min_bolus_duration_ms, min(longest_ms, HOUR))
    )
    flow = PROFILE.max_rate_nl_per_day - basal_nl_per_day
    # Half a nanoliter less, so that the volume that follows from the dose is within it.
    most_nl = Fraction(flow * duration_ms, DAY) - Fraction(1, 2)
    highest = min(dose_ng, PROFILE.max_bolus_dose_ng, floor(most_nl * ng_per_nl))
    if highest < ceil(ng_per_nl):
        return None
    dose_ng = draw(st.integers(ceil(ng_per_nl), highest) | st.just(highest))
    return dose_ng, round(dose_ng / ng_per_nl), duration_ms


@st.composite
def patient_boluses(
    draw: st.DrawFn, drugs: tuple[Drug, ...], basal_nl_per_day: int, dose_ng: int
) -> PatientBolus | None:
    """Within what dose is left for a day; None where nothing is."""
    allotted = draw(st.integers(1, 6) | st.integers(1, PROFILE.max_patient_boluses_per_day))
    one = draw(_boluses(drugs, basal_nl_per_day, dose_ng // allotted, 4 * HOUR))
    if one is None:
        return None
    lockout_ms = draw(st.integers(one[2], one[2] + HOUR) | st.integers(one[2], 2 * DAY))
    return PatientBolus(
        dose_ng=one[0],
        volume_nl=one[1],
        duration_ms=one[2],
        lockout_ms=max(lockout_ms, PROFILE.min_lockout_ms),
        allotted_per_day=allotted,
    )


@st.composite
def periodic_boluses(draw: st.DrawFn, drugs: tuple[Drug, ...]) -> PeriodicBolus | None:
    """At intervals of whole hours or odd milliseconds."""
    basal = draw(st.just(0) | rates(drugs))
    interval_ms = draw(
        st.integers(1, 48).map(lambda hours: hours * HOUR)
        | st.integers(20 * MINUTE, 3 * DAY)
        | st.integers(2 * HOUR, 12 * HOUR)
    )
    ng_per_nl = Fraction(drugs[0].concentration_ng_per_ml, NL_PER_ML)
    left_ng = PROFILE.max_daily_dose_ng - ceil(basal * ng_per_nl)
    dose_ng = floor(Fraction(left_ng, ceil(Fraction(DAY, interval_ms)) + 1))
    one = draw(_boluses(drugs, basal, dose_ng, min(interval_ms, PROFILE.max_bolus_duration_ms)))
    if one is None:
        return None
    return PeriodicBolus(
        basal_rate_nl_per_day=basal,
        dose_ng=one[0],
        volume_nl=one[1],
        duration_ms=one[2],
        interval_ms=interval_ms,
        first_after_ms=draw(st.sampled_from([0, 1, interval_ms]) | st.integers(0, interval_ms)),
    )


@st.composite
def _with_patient(draw: st.DrawFn, plain: Prescription) -> Prescription:
    if draw(st.booleans()):
        return plain
    dose_ng = PROFILE.max_daily_dose_ng - highest_dose(plain)
    patient = draw(patient_boluses(plain.drugs, highest_basal(plain), dose_ng))
    return replace(plain, patient=patient)


@st.composite
def in_continuous_mode(draw: st.DrawFn) -> Prescription:
    drugs = draw(mixtures)
    ng_per_nl = Fraction(drugs[0].concentration_ng_per_ml, NL_PER_ML)
    limits = PROFILE.min_therapeutic_rate_nl_per_day, basal_limit(drugs)
    dose_ng = draw(st.integers(ceil(limits[0] * ng_per_nl), floor(limits[1] * ng_per_nl)))
    plain = prescribed(
        Mode.SIMPLE_CONTINUOUS,
        drugs=drugs,
        daily_dose_ng=dose_ng,
        low_reservoir_threshold_nl=draw(thresholds),
    )
    return draw(_with_patient(plain))


@st.composite
def in_flex_mode(draw: st.DrawFn) -> Prescription:
    drugs = draw(mixtures)
    plain = prescribed(
        Mode.FLEX,
        drugs=drugs,
        days=draw(weeks(drugs)),
        low_reservoir_threshold_nl=draw(thresholds),
    )
    return draw(_with_patient(plain))


@st.composite
def in_periodic_mode(draw: st.DrawFn) -> Prescription:
    drugs = draw(mixtures)
    plain = prescribed(
        Mode.PERIODIC_BOLUS,
        drugs=drugs,
        periodic=draw(periodic_boluses(drugs).filter(lambda one: one is not None)),
        low_reservoir_threshold_nl=draw(thresholds),
    )
    assume(plain.daily_dose_ng > 0)  # a nanoliter every other day may hold less than half of one
    return draw(_with_patient(plain))


def _without_therapy(mode: Mode, rate: int) -> st.SearchStrategy[Prescription]:
    return st.builds(
        lambda drugs, threshold: prescribed(
            mode, drugs=drugs, basal_nl_per_day=rate, low_reservoir_threshold_nl=threshold
        ),
        mixtures,
        thresholds,
    )


at_minimum_rate = _without_therapy(Mode.MINIMUM_RATE, PROFILE.minimum_rate_nl_per_day)
in_stopped_mode = _without_therapy(Mode.STOPPED, 0)
treatments = st.one_of(in_continuous_mode(), in_flex_mode(), in_periodic_mode())
prescriptions = st.one_of(
    in_continuous_mode(), in_flex_mode(), in_periodic_mode(), at_minimum_rate, in_stopped_mode
)
volumes = st.one_of(
    st.integers(1, 20_000),
    st.integers(1_000_000, PROFILE.capacity_nl),
    st.integers(1_000_000, PROFILE.capacity_nl),
)
clocks = st.integers(10**12, 2 * 10**12)
"""What a local clock may show, after any pump time of these tests."""


# --- What happens to a pump ----------------------------------------------------------------------


@dataclass(frozen=True)
class Prescribe:
    """Stage and commit it, with a bridge of that volume if the drugs change and it is possible."""

    prescription: Prescription
    bridge_volume_nl: int | None = None


@dataclass(frozen=True)
class StageInVain:
    """Stage it, and let it expire."""

    prescription: Prescription


@dataclass(frozen=True)
class GiveBolus:
    dose_ng: int
    duration_ms: int


@dataclass(frozen=True)
class Prime:
    volume_nl: int
    duration_ms: int


@dataclass(frozen=True)
class AskForBolus:
    """The patient presses the button."""


@dataclass(frozen=True)
class AbortBolus:
    pass


@dataclass(frozen=True)
class Refill:
    volume_nl: int


@dataclass(frozen=True)
class SetClock:
    local_ms: int


@dataclass(frozen=True)
class Reset:
    cause: int


@dataclass(frozen=True)
class EmergencyAction:
    """Somebody without a key stops the pump, or sets it to its minimum rate."""

    stops: bool


@dataclass(frozen=True)
class Break:
    """A fault begins, and may end by itself. One of each kind at a time: another does nothing."""

    fault: Fault
    for_ms: int | None


@dataclass(frozen=True)
class Mend:
    """The fault that came first ends, if there is any."""


@dataclass(frozen=True)
class Interrogate:
    pass


Action = (
    Prescribe
    | StageInVain
    | GiveBolus
    | Prime
    | AskForBolus
    | AbortBolus
    | Refill
    | SetClock
    | Reset
    | EmergencyAction
    | Break
    | Mend
    | Interrogate
)

bridge_volumes = st.none() | st.just(340_000) | st.integers(1, PROFILE.max_priming_volume_nl)
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Prescribe, prescriptions, bridge_volumes),
    st.builds(Prescribe, treatments, bridge_volumes),
    st.builds(StageInVain, treatments),
    st.builds(GiveBolus, st.integers(1, 2_000), st.integers(MINUTE, HOUR)),
    st.builds(GiveBolus, st.integers(1, 500_000), st.integers(HOUR, DAY)),
    st.builds(
        Prime,
        st.just(140_000) | st.integers(1, PROFILE.max_priming_volume_nl),
        st.integers(MINUTE, DAY),
    ),
    st.builds(AskForBolus),
    st.builds(AskForBolus),
    st.builds(AbortBolus),
    st.builds(Refill, volumes),
    st.builds(SetClock, clocks),
    st.builds(Reset, st.integers(1, 4)),
    st.builds(EmergencyAction, st.booleans()),
)
pauses = st.one_of(
    st.integers(0, 1_000),
    st.integers(0, HOUR),
    st.integers(0, DAY // 2),
    st.integers(0, 3 * DAY),
    st.integers(0, 100 * DAY),
)
lives = st.lists(st.tuples(pauses, actions), max_size=30)
"""What happens to a pump: pauses in ms, each with what is done after it."""

faults = st.one_of(
    st.builds(FlowError, factor_ppm=st.integers(0, 3_000_000)),
    st.builds(MotorStall, registered_after=st.integers(0, 2)),
    st.builds(MotorStall, registered_after=st.integers(0, 2)),
    st.builds(CatheterOcclusion),
    st.builds(CatheterDisconnection),
    st.builds(DryRun),
)
mishaps: st.SearchStrategy[Action] = st.one_of(
    st.builds(Break, faults, st.none() | st.integers(1, HOUR) | st.integers(1, 5 * DAY)),
    st.builds(Break, faults, st.integers(1, 2 * DAY)),
    st.builds(Mend),
    st.builds(Interrogate),
    actions,
)
troubled_lives = st.lists(st.tuples(pauses, mishaps), max_size=30)
"""Lives in which things go wrong, too."""


def bolus(order_number: int = 1, dose_ng: int = 50_000, duration_ms: int = 600_000) -> BolusOrder:
    """50 mcg of 2,000 mcg/mL in ten minutes, unless told otherwise."""
    return BolusOrder(
        programmer_id=7,
        order_number=order_number,
        dose_ng=dose_ng,
        concentration_ng_per_ml=2_000_000,
        volume_nl=round(Fraction(dose_ng, 2)),
        duration_ms=duration_ms,
    )


def order_for(pump: Pump, action: GiveBolus | Prime, number: int) -> BolusOrder:
    """The order of a bolus of the drug that the pump holds."""
    strength = concentration(pump.firmware.prescription)
    ng_per_nl = Fraction(strength, NL_PER_ML)
    match action:
        case GiveBolus(dose_ng, _):
            kind, volume_nl = BolusKind.SINGLE, round(dose_ng / ng_per_nl)
        case Prime(volume_nl, _):
            kind, dose_ng = BolusKind.PRIMING, round(volume_nl * ng_per_nl)
    return BolusOrder(
        programmer_id=7,
        order_number=number,
        kind=kind,
        dose_ng=dose_ng,
        concentration_ng_per_ml=strength,
        volume_nl=volume_nl,
        duration_ms=action.duration_ms,
    )


def attempt(pump: Pump, action: Action, number: int) -> object:
    """Do it to a pump, as order `number`. Returns what was done; raises Refused."""
    match action:
        case Prescribe() | StageInVain():
            return program(pump, action)
        case GiveBolus() | Prime() | AskForBolus() | AbortBolus() | Refill():
            return order(pump, action, number)
        case _:
            return meddle(pump, action)


def program(pump: Pump, action: Prescribe | StageInVain) -> Prescription:
    firmware = pump.firmware
    bridge_volume_nl = action.bridge_volume_nl if isinstance(action, Prescribe) else None
    new = decided(action.prescription, firmware.prescription, bridge_volume_nl)
    firmware.stage(new)
    if isinstance(action, StageInVain):
        firmware.staging_expired()
        return new
    try:
        firmware.commit(confirmed_dose_ng=highest_dose(new))
    except Refused:
        firmware.roll_back()
        raise
    return new


def order(
    pump: Pump, action: GiveBolus | Prime | AskForBolus | AbortBolus | Refill, number: int
) -> object:
    firmware = pump.firmware
    done: object
    match action:
        case GiveBolus() | Prime():
            done = bolus_order = order_for(pump, action, number)
            firmware.order_bolus(bolus_order)
        case AskForBolus():
            request = PatientRequest(programmer_id=9, order_number=number)
            done = firmware.request_patient_bolus(request)
        case AbortBolus():
            done = firmware.abort_bolus()
        case Refill(volume_nl):
            update = ReservoirUpdate(programmer_id=7, order_number=number, volume_nl=volume_nl)
            done = firmware.update_reservoir(update)
            pump.fill_by_hand(volume_nl)
    return done


def meddle(
    pump: Pump, action: SetClock | Reset | EmergencyAction | Break | Mend | Interrogate
) -> object:
    done: object = None
    match action:
        case EmergencyAction(stops):
            firmware = pump.firmware
            done = firmware.emergency_stop() if stops else firmware.emergency_minimum_rate()
        case SetClock(local_ms):
            done = pump.firmware.set_clock(local_ms)
        case Reset(cause):
            done = ResetCause(cause)
            pump.reset(done)
        case Break(fault, for_ms):
            if fault.name not in {injected.fault.name for injected in pump.faults}:
                done = pump.inject(fault, for_ms=for_ms)
        case Mend() if pump.faults:
            done = pump.faults[0].fault
            pump.clear(pump.faults[0].fault_id)
        case Interrogate():
            pump.interrogated()
    return done


def perform(pump: Pump, action: Action, number: int) -> object | None:
    """Do it to a pump, as order `number`. Returns what was done, None if it was refused."""
    try:
        return attempt(pump, action, number)
    except Refused:
        return None
