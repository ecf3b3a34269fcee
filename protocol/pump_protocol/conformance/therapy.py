"""Prescriptions and orders that a pump must take, made from the limits that it tells of itself.

A case alters one number of them and knows then what must be refused. It knows no link's rules.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

from pump_protocol.codes import (
    BolusKind,
    BolusOutcome,
    BridgeDecision,
    Capability,
    MassUnit,
    Mode,
    PrescriptionSlot,
    RefusalCode,
    Weekday,
)
from pump_protocol.conformance.allowed import allowed, check_allowed
from pump_protocol.conformance.expectations import accepted, reason_text
from pump_protocol.conformance.hooks import stop_time
from pump_protocol.conformance.steps import Hook, Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.times import DAY_MS, HOUR_MS
from pump_protocol.conformance.verdicts import Unmet, Unsupported
from pump_protocol.messages import (
    AbortBolus,
    Bridge,
    CommitPrescription,
    DayPattern,
    Drug,
    Identity,
    Interrogate,
    OrderBolus,
    PatientBolus,
    PeriodicBolus,
    Prescription,
    PrescriptionCommitted,
    PrescriptionStaged,
    ReadPrescription,
    Refusal,
    Request,
    Response,
    StagePrescription,
    StatusReport,
    Step,
)
from pump_protocol.reckoning import (
    bridge_duration_ms,
    flex_daily_dose_ng,
    flex_rate_nl_per_day,
    periodic_daily_dose_ng,
    periodic_rate_nl_per_day,
)
from pump_protocol.units import dose_for_rate, rate_for_dose, volume_for_dose

R = TypeVar("R", bound=Response)

_CONCENTRATION_NG_PER_ML: Final = 500_000
_RATE_NL_PER_DAY: Final = 240_000
_BOLUS_VOLUME_NL: Final = 10_000
_PATIENT_VOLUME_NL: Final = 5_000
_PATIENT_ALLOTMENT: Final = 4
_LATER_DAYS: Final = Weekday(0x7E)  # Tuesday to Sunday
_EVERY_DAY: Final = Weekday(0x7F)
_NL_PER_ML: Final = 1_000_000
_CLEARED_NL: Final = (100_000, 1_000_000)
"""Of a bridge that lasts for hours, and not for weeks."""


def within(value: int, least: int, most: int) -> int:
    """*value*, or the nearest that is allowed."""
    return max(least, min(value, most))


# --- A constant rate -----------------------------------------------------------------------------


def a_rate(identity: Identity) -> int:
    """A common rate that leaves room for a bolus."""
    return within(
        min(_RATE_NL_PER_DAY, identity.maximum_rate_nl_per_day // 2),
        identity.minimum_therapeutic_rate_nl_per_day,
        identity.maximum_rate_nl_per_day,
    )


def a_drug(identity: Identity, name: str = "baclofen") -> Drug:
    """A drug that the pump must take: where it can be so weak, a common rate is half of a usual
    dose."""
    usual_ng = min(identity.maximum_daily_dose_ng, identity.soft_daily_dose_ng)
    concentration = within(
        min(_CONCENTRATION_NG_PER_ML, usual_ng * _NL_PER_ML // (2 * a_rate(identity))),
        identity.minimum_concentration_ng_per_ml,
        identity.maximum_concentration_ng_per_ml,
    )
    return Drug(MassUnit.MICROGRAM, concentration, name)


def steady(
    identity: Identity, *, rate_nl_per_day: int | None = None, drug: Drug | None = None
) -> Prescription:
    """A prescription of mode SIMPLE_CONTINUOUS at about that rate, below the soft limit.

    :raises Unsupported: the limits of the pump leave no room for one.
    """
    if Capability.SIMPLE_CONTINUOUS not in identity.capabilities:
        raise Unsupported("the pump has no capability SIMPLE_CONTINUOUS")
    wanted = drug or a_drug(identity)
    concentration = wanted.concentration_ng_per_ml
    least, most = identity.minimum_therapeutic_rate_nl_per_day, identity.maximum_rate_nl_per_day
    about = a_rate(identity) if rate_nl_per_day is None else within(rate_nl_per_day, least, most)
    most_ng = min(identity.maximum_daily_dose_ng, identity.soft_daily_dose_ng)
    common_ng = within(dose_for_rate(about, concentration), 1, most_ng)
    for dose_ng in (common_ng, common_ng - 1, common_ng + 1):  # the dose is a whole number
        rate = rate_for_dose(dose_ng, concentration)
        if least <= rate <= most and 1 <= dose_ng <= most_ng:
            break
    else:
        raise Unsupported("the limits of the pump leave no room for a common prescription")
    threshold_nl = min(2_000_000, identity.reservoir_capacity_nl // 4)
    return Prescription(
        Mode.SIMPLE_CONTINUOUS,
        (wanted,),
        dose_ng,
        rate,
        within(threshold_nl, 0, identity.maximum_low_reservoir_threshold_nl),
    )


def at_dose(prescription: Prescription, daily_dose_ng: int) -> Prescription:
    """The same at another daily dose, with the rate that follows from it."""
    drug = prescription.drug
    assert drug is not None
    rate = rate_for_dose(daily_dose_ng, drug.concentration_ng_per_ml)
    return replace(prescription, daily_dose_ng=daily_dose_ng, rate_nl_per_day=rate)


def other_dose(identity: Identity, prescription: Prescription) -> Prescription:
    """The same at a daily dose that differs by about a tenth, and is allowed as well."""
    dose_ng = prescription.daily_dose_ng
    for other_ng in (dose_ng - dose_ng // 10, dose_ng - 1, dose_ng + 1):
        other = at_dose(prescription, other_ng)
        least = identity.minimum_therapeutic_rate_nl_per_day
        changes = other.rate_nl_per_day != prescription.rate_nl_per_day
        if changes and least <= other.rate_nl_per_day <= identity.maximum_rate_nl_per_day:
            return other
    raise Unsupported("the limits of the pump leave no room for a second prescription")


def of_dose(identity: Identity, daily_dose_ng: int) -> Prescription:
    """One of exactly that daily dose, allowed or not, at a rate that is allowed.

    :raises Unsupported: no concentration gives such a rate.
    """

    def fits(one: Prescription) -> bool:
        least = identity.minimum_therapeutic_rate_nl_per_day
        return least <= one.rate_nl_per_day <= identity.maximum_rate_nl_per_day

    return simple(
        identity,
        lambda drug: at_dose(steady(identity, drug=drug), daily_dose_ng),
        fits,
        f"a daily dose of {daily_dose_ng} ng",
    )


def of_rate(identity: Identity, rate_nl_per_day: int) -> Prescription:
    """One of exactly that rate, allowed or not, at a dose that is allowed.

    :raises Unsupported: no concentration gives such a dose.
    """

    def at_rate(drug: Drug) -> Prescription:
        dose_ng = dose_for_rate(rate_nl_per_day, drug.concentration_ng_per_ml)
        return at_dose(steady(identity, drug=drug), dose_ng)

    def fits(one: Prescription) -> bool:
        exact = one.rate_nl_per_day == rate_nl_per_day
        return exact and 1 <= one.daily_dose_ng <= identity.maximum_daily_dose_ng

    return simple(identity, at_rate, fits, f"a rate of {rate_nl_per_day} nL/day")


def simple(
    identity: Identity,
    make: Callable[[Drug], Prescription],
    fits: Callable[[Prescription], bool],
    what: str,
) -> Prescription:
    """The first that fits, of any concentration.

    :param make: one of that drug.
    :param what: what is wanted, for the reason.
    :raises Unsupported: none fits.
    """
    for concentration in concentrations(identity):
        drug = replace(a_drug(identity), concentration_ng_per_ml=concentration)
        try:
            prescription = make(drug)
        except Unsupported:
            continue
        if fits(prescription):
            return prescription
    raise Unsupported(f"the limits of the pump leave no room for {what}")


def concentrations(identity: Identity) -> Iterator[int]:
    """Round ones that the pump allows, the common one first, then from low to high."""
    least = identity.minimum_concentration_ng_per_ml
    most = identity.maximum_concentration_ng_per_ml
    yield a_drug(identity).concentration_ng_per_ml
    for exponent in range(10):
        for digit in (1, 2, 5):
            if least <= digit * 10**exponent <= most:
                yield digit * 10**exponent


def stopped(prescription: Prescription) -> Prescription:
    """The same drugs in mode STOPPED."""
    return replace(
        prescription,
        mode=Mode.STOPPED,
        daily_dose_ng=0,
        rate_nl_per_day=0,
        days=(),
        periodic_boluses=(),
        patient_boluses=(),
        bridge_decision=BridgeDecision.NOT_NEEDED,
        bridges=(),
    )


def at_minimum(identity: Identity, prescription: Prescription) -> Prescription:
    """The same drugs in mode MINIMUM_RATE."""
    drug = prescription.drug
    assert drug is not None
    rate = identity.minimum_rate_nl_per_day
    dose_ng = dose_for_rate(rate, drug.concentration_ng_per_ml)
    lowest = replace(stopped(prescription), mode=Mode.MINIMUM_RATE)
    return replace(lowest, daily_dose_ng=dose_ng, rate_nl_per_day=rate)


# --- Schedules and boluses -----------------------------------------------------------------------


def flex(base: Prescription, *days: DayPattern) -> Prescription:
    """*base* with these days in place of its rate, and the means that follow from them."""
    assert base.drug is not None
    return replace(
        base,
        mode=Mode.FLEX,
        days=days,
        rate_nl_per_day=flex_rate_nl_per_day(days),
        daily_dose_ng=flex_daily_dose_ng(days, base.drug.concentration_ng_per_ml),
    )


def all_week(*steps: Step) -> DayPattern:
    """The same steps every day."""
    return DayPattern(_EVERY_DAY, steps)


def since_tuesday(*steps: Step) -> DayPattern:
    """The same steps from Tuesday to Sunday."""
    return DayPattern(_LATER_DAYS, steps)


def periodic(base: Prescription, bolus: PeriodicBolus) -> Prescription:
    """*base* with a periodic bolus in place of its rate, and the means that follow from it."""
    assert base.drug is not None
    return replace(
        base,
        mode=Mode.PERIODIC_BOLUS,
        periodic_boluses=(bolus,),
        rate_nl_per_day=periodic_rate_nl_per_day(bolus),
        daily_dose_ng=periodic_daily_dose_ng(bolus, base.drug.concentration_ng_per_ml),
    )


def a_periodic_bolus(
    identity: Identity,
    drug: Drug,
    *,
    interval_ms: int = 6 * HOUR_MS,
    first_after_ms: int = HOUR_MS,
) -> PeriodicBolus:
    """One that the pump must take, over half an hour if it may, on its lowest therapeutic rate."""
    interval = within(
        interval_ms, identity.minimum_bolus_interval_ms, identity.maximum_bolus_interval_ms
    )
    duration_ms = within(
        HOUR_MS // 2, identity.minimum_bolus_duration_ms, identity.maximum_bolus_duration_ms
    )
    if duration_ms > interval:
        raise Unsupported("the limits of the pump leave no room for a common periodic bolus")
    basal = identity.minimum_therapeutic_rate_nl_per_day
    dose_ng = bolus_dose(identity, drug, _BOLUS_VOLUME_NL, duration_ms, basal)
    return PeriodicBolus(
        basal_rate_nl_per_day=basal,
        dose_ng=dose_ng,
        volume_nl=volume_for_dose(dose_ng, drug.concentration_ng_per_ml),
        duration_ms=duration_ms,
        interval_ms=interval,
        first_after_ms=min(first_after_ms, interval),
    )


def a_patient_bolus(identity: Identity, drug: Drug) -> PatientBolus:
    """One that the pump must take in a prescription at a common rate."""
    duration_ms = within(
        min(HOUR_MS, identity.maximum_lockout_ms),
        identity.minimum_bolus_duration_ms,
        identity.maximum_bolus_duration_ms,
    )
    dose_ng = bolus_dose(identity, drug, _PATIENT_VOLUME_NL, duration_ms, a_rate(identity))
    lockout_ms = max(
        duration_ms, within(HOUR_MS, identity.minimum_lockout_ms, identity.maximum_lockout_ms)
    )
    return PatientBolus(
        dose_ng=dose_ng,
        volume_nl=volume_for_dose(dose_ng, drug.concentration_ng_per_ml),
        duration_ms=duration_ms,
        lockout_ms=lockout_ms,
        allotted_per_day=min(_PATIENT_ALLOTMENT, identity.maximum_patient_boluses_per_day),
    )


def a_bolus(
    identity: Identity,
    order_number: int,
    *,
    drug: Drug,
    duration_ms: int | None = None,
    volume_nl: int = _BOLUS_VOLUME_NL,
    basal_nl_per_day: int | None = None,
) -> OrderBolus:
    """A single bolus that the pump must take on top of :func:`steady`.

    :param duration_ms: as short as may be if none is given.
    :param basal_nl_per_day: the highest basal rate, if it is another.
    """
    concentration = drug.concentration_ng_per_ml
    basal = a_rate(identity) if basal_nl_per_day is None else basal_nl_per_day
    shortest_ms = identity.minimum_bolus_duration_ms
    if duration_ms is None:
        room = max(1, identity.maximum_rate_nl_per_day - basal)
        duration_ms = max(shortest_ms, -(-volume_nl * DAY_MS // room))
    duration_ms = within(duration_ms, shortest_ms, identity.maximum_bolus_duration_ms)
    dose_ng = bolus_dose(identity, drug, volume_nl, duration_ms, basal)
    return OrderBolus(
        order_number,
        BolusKind.SINGLE,
        dose_ng,
        concentration,
        volume_for_dose(dose_ng, concentration),
        duration_ms,
    )


def bolus_dose(
    identity: Identity, drug: Drug, volume_nl: int, duration_ms: int, basal_nl_per_day: int
) -> int:
    """The dose of about that volume, or of as much as the pump allows over that time.

    :raises Unsupported: it allows none.
    """
    concentration = drug.concentration_ng_per_ml
    room = max(0, identity.maximum_rate_nl_per_day - basal_nl_per_day)
    most_nl = min(room * duration_ms // DAY_MS, identity.reservoir_capacity_nl // 4)
    dose_ng = within(
        dose_for_rate(min(volume_nl, most_nl), concentration), 1, identity.maximum_bolus_dose_ng
    )
    while dose_ng > 1 and volume_for_dose(dose_ng, concentration) > most_nl:
        dose_ng -= 1
    if not 1 <= volume_for_dose(dose_ng, concentration) <= most_nl:
        raise Unsupported(
            f"the limits of the pump leave no room for a bolus over {duration_ms} ms on top of"
            f" {basal_nl_per_day} nL/day"
        )
    return dose_ng


# --- A change of drug ----------------------------------------------------------------------------


def doubled(identity: Identity, prescription: Prescription) -> Prescription:
    """The same daily dose of a drug twice as concentrated, or half, with no bridge so far.

    :raises Unsupported: the limits of the pump leave no room for it.
    """
    drug = prescription.drug
    assert drug is not None
    least, most = identity.minimum_concentration_ng_per_ml, identity.maximum_concentration_ng_per_ml
    for concentration in (
        2 * drug.concentration_ng_per_ml,
        drug.concentration_ng_per_ml // 2,
    ):
        other = replace(drug, concentration_ng_per_ml=concentration)
        if least <= concentration <= most:
            changed = at_dose(replace(prescription, drugs=(other,)), prescription.daily_dose_ng)
            if allowed(identity, changed):
                return changed
    raise Unsupported("the limits of the pump leave no room for another concentration")


def cleared_nl(identity: Identity) -> int:
    """A volume that a bridge may clear, that of the tubing if it is neither tiny nor huge."""
    least, most = _CLEARED_NL
    wanted = within(identity.internal_tubing_volume_nl, least, most)
    return within(wanted, 1, identity.maximum_priming_volume_nl)


def bridged(new: Prescription, old: Prescription, volume_nl: int) -> Prescription:
    """*new* with a bridge from *old* that clears so much."""
    assert old.drug is not None
    rate = rate_for_dose(new.daily_dose_ng, old.drug.concentration_ng_per_ml)
    bridge = Bridge(volume_nl, rate, bridge_duration_ms(volume_nl, rate))
    return replace(new, bridge_decision=BridgeDecision.BRIDGE, bridges=(bridge,))


def declining(new: Prescription, old: Prescription) -> Prescription:
    """*new* as it may follow *old* at once: without a bridge, by decision if the drug changes."""
    changes = _contents(old) not in ((), _contents(new))
    decision = BridgeDecision.DECLINED if changes else BridgeDecision.NOT_NEEDED
    return replace(new, bridge_decision=decision, bridges=())


def undecided(prescription: Prescription) -> Prescription:
    """The same with nothing decided about a bridge."""
    return replace(prescription, bridge_decision=BridgeDecision.NOT_NEEDED, bridges=())


def _contents(prescription: Prescription) -> tuple[tuple[str, int], ...]:
    return tuple((each.name, each.concentration_ng_per_ml) for each in prescription.drugs)


# --- A pump made ready ---------------------------------------------------------------------------


def granted(link: TesterLink, request: Request[R]) -> Play[R]:
    """The response to what makes a pump ready for a case, and is not what the case is about.

    :raises Unsupported: it is refused. Whether that is right, other cases judge.
    """
    response = yield from link.exchange(link.frame(request))
    if isinstance(response, Refusal):
        raise _unready(request, response)
    return accepted(request, response)


def end_bolus(link: TesterLink, *, must_run: bool = False) -> Play[None]:
    """Have no bolus running.

    :param must_run: one is running; otherwise one that has ended by itself is no fault.
    :raises Unmet: none is although one must be.
    :raises Unsupported: AbortBolus is refused otherwise.
    """
    request = AbortBolus()
    response = yield from link.exchange(link.frame(request))
    if not isinstance(response, Refusal):
        accepted(request, response)
    elif RefusalCode.NO_BOLUS not in response.codes:
        raise _unready(request, response)
    elif must_run:
        raise Unmet("AbortBolus was refused with NO_BOLUS, although a bolus should be running")


def quiet(link: TesterLink) -> Play[StatusReport]:
    """Have no bolus running: one that was left running is aborted. How the pump stood before.

    :raises Unsupported: AbortBolus is refused.
    """
    status = yield from link.ask(Interrogate())
    if any(each.outcome is BolusOutcome.RUNNING for each in status.boluses):
        yield from end_bolus(link)
    return status


def _unready(request: Request[Response], response: Refusal) -> Unsupported:
    told = ", ".join(map(reason_text, response.reasons)) or "no reason"
    name = type(request).__name__
    return Unsupported(f"the pump could not be made ready: {name} was refused: {told}")


# --- Programming ---------------------------------------------------------------------------------


def stand_still(tester: Tester) -> Play[None]:
    """Stop therapy time where that can be had, and is set back before the next case.

    Where it cannot, time goes on while a case asks, and nothing may depend on it.
    """
    if {Hook.SPEED, Hook.RENEW} <= tester.subject.hooks:
        yield from stop_time()


def committed(
    link: TesterLink, prescription: Prescription
) -> Play[tuple[PrescriptionStaged, PrescriptionCommitted]]:
    """Have *prescription* staged and committed; what the pump said to both.

    :raises Unsupported: the limits of the pump leave no room for it.
    """
    check_allowed(link.tester.identity, prescription)
    staged = yield from link.ask(StagePrescription(prescription))
    dose_ng = staged.totals.with_patient_ng if staged.must_confirm else None
    done = yield from link.ask(CommitPrescription(staged.digest, dose_ng))
    return staged, done


def on_therapy(link: TesterLink, wanted: Prescription | None = None) -> Play[Prescription]:
    """Have *wanted*, or a common prescription, in force; it is what the pump is left with.

    Where it is in force already nothing is programmed. Another drug begins without a bridge, and
    no bolus of the drug before it goes on.

    :raises Unsupported: the limits of the pump leave no room for it, or it is refused.
    """
    prescription = wanted or steady(link.tester.identity)
    report = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    if undecided(report.prescription) == prescription:
        return prescription
    yield from quiet(link)
    yield from put_in_force(link, declining(prescription, report.prescription))
    return undecided(prescription)


def put_in_force(link: TesterLink, prescription: Prescription) -> Play[None]:
    """As :func:`committed`, where it only makes the pump ready.

    :raises Unsupported: the limits of the pump leave no room for it, or it is refused.
    """
    check_allowed(link.tester.identity, prescription)
    staged = yield from granted(link, StagePrescription(prescription))
    dose_ng = staged.totals.with_patient_ng if staged.must_confirm else None
    yield from granted(link, CommitPrescription(staged.digest, dose_ng))
