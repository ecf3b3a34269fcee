"""Cases about what else a prescription holds: the patient's bolus, and mixtures of drugs."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import Capability, Field, RefusalCode
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.orders import rate_of
from pump_protocol.conformance.pump.common.ready import on_the_bench, tidy
from pump_protocol.conformance.pump.common.staging import (
    above_soft,
    commit_of,
    is_in_force,
    limited,
    mismatched,
    no_other_bolus,
    taken,
    turned_down,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    a_drug,
    a_patient_bolus,
    a_periodic_bolus,
    all_week,
    at_dose,
    bolus_dose,
    declining,
    doubled,
    flex,
    other_dose,
    periodic,
    simple,
    steady,
    stopped,
    within,
)
from pump_protocol.conformance.times import DAY_MS, MINUTE_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    CommitPrescription,
    Drug,
    Identity,
    PatientBolus,
    Prescription,
    StagePrescription,
    Step,
)
from pump_protocol.reckoning import dose_totals
from pump_protocol.units import U32, rate_for_dose, volume_for_dose

U8: Final = 2**8 - 1
_SMALL_VOLUME_NL: Final = 100


# --- The patient's bolus -------------------------------------------------------------------------


def _with_patient(tester: Tester) -> Play[tuple[TesterLink, Prescription, PatientBolus]]:
    """An open link, what is in force, and a patient bolus so small that its rate is nothing."""
    tester.needs(Capability.PATIENT_BOLUS)
    link, old = yield from on_the_bench(tester)
    assert old.drug is not None
    identity = tester.identity
    short_ms = max(MINUTE_MS, identity.minimum_bolus_duration_ms)
    bolus = a_patient_bolus(identity, old.drug)
    dose_ng = bolus_dose(identity, old.drug, _SMALL_VOLUME_NL, short_ms, old.rate_nl_per_day)
    volume_nl = volume_for_dose(dose_ng, old.drug.concentration_ng_per_ml)
    return link, old, replace(bolus, dose_ng=dose_ng, volume_nl=volume_nl)


@pump_case(
    "schedule/patient-bolus-limits",
    Level.MUST,
    "PROG-22 PROG-21 REF-03",
    expects="the limits of Identity, to the unit; the lockout is no shorter than the bolus",
)
def patient_bolus_limits(tester: Tester) -> Play[None]:
    """Durations, lockouts and allotments of a patient bolus inside and outside their limits."""
    link, old, bolus = yield from _with_patient(tester)
    identity = tester.identity
    shortest, longest = identity.minimum_bolus_duration_ms, identity.maximum_bolus_duration_ms

    def lasting(duration_ms: int) -> Prescription:
        lockout_ms = max(duration_ms, identity.minimum_lockout_ms)
        return _asking(old, replace(bolus, duration_ms=duration_ms, lockout_ms=lockout_ms))

    def locked(lockout_ms: int) -> Prescription:
        return _asking(old, replace(bolus, duration_ms=shortest, lockout_ms=lockout_ms))

    def allotted(count: int) -> Prescription:
        return _asking(old, replace(bolus, allotted_per_day=count))

    longest = min(longest, identity.maximum_lockout_ms)
    if longest == identity.maximum_bolus_duration_ms:
        yield from limited(link, Field.PATIENT_DURATION, (shortest, longest), lasting)
    lockouts = (max(shortest, identity.minimum_lockout_ms), identity.maximum_lockout_ms)
    yield from limited(link, Field.PATIENT_LOCKOUT, lockouts, locked)
    most = identity.maximum_patient_boluses_per_day
    yield from limited(link, Field.PATIENT_ALLOTMENT, (1, most), allotted, most=U8)
    if bolus.duration_ms > identity.minimum_lockout_ms:
        wrong = _asking(old, replace(bolus, lockout_ms=bolus.duration_ms - 1))
        code, field = RefusalCode.OUT_OF_RANGE, Field.PATIENT_LOCKOUT
        yield from turned_down(link, wrong, code, field, "a lockout shorter than the bolus")
    yield from tidy(link)


def _asking(old: Prescription, bolus: PatientBolus) -> Prescription:
    return replace(old, patient_boluses=(bolus,))


@pump_case(
    "schedule/patient-bolus-dose",
    Level.MUST,
    "PROG-22 PROG-21 PROG-02 REF-03",
    expects="1 to maximum_bolus_dose_ng, and the volume that follows from it only",
)
def patient_bolus_dose(tester: Tester) -> Play[None]:
    """Doses of a patient bolus inside and outside their limits, and volumes beside the right
    one."""
    link, old, bolus = yield from _with_patient(tester)
    identity = tester.identity
    assert old.drug is not None
    concentration = old.drug.concentration_ng_per_ml
    longest_ms = min(identity.maximum_bolus_duration_ms, identity.maximum_lockout_ms)
    slow = replace(
        bolus,
        duration_ms=longest_ms,
        lockout_ms=max(identity.minimum_lockout_ms, longest_ms),
        allotted_per_day=1,
    )

    def dosed(dose_ng: int) -> Prescription:
        volume_nl = min(volume_for_dose(dose_ng, concentration), U32)
        return _asking(old, replace(slow, dose_ng=dose_ng, volume_nl=volume_nl))

    def filled(volume_nl: int) -> Prescription:
        return _asking(old, replace(slow, volume_nl=volume_nl))

    fields = (Field.PATIENT_DOSE, Field.PATIENT_VOLUME)
    yield from no_other_bolus(link, fields, dosed, filled, bolus.volume_nl)
    yield from tidy(link)


@pump_case(
    "schedule/patient-bolus-rate",
    Level.MUST,
    "PROG-22",
    expects="refused with OUT_OF_RANGE / PATIENT_RATE above maximum_rate_nl_per_day",
)
def patient_bolus_rate(tester: Tester) -> Play[None]:
    """Patient boluses that are just slow enough, and too fast, on the highest basal rate."""
    link, old, bolus = yield from _with_patient(tester)
    identity = tester.identity
    assert old.drug is not None
    bases = [(old, old.rate_nl_per_day)]
    if Capability.FLEX in identity.capabilities:
        low = identity.minimum_therapeutic_rate_nl_per_day
        steps = all_week(Step(0, low), Step(720, old.rate_nl_per_day), Step(780, low))
        bases.append((flex(old, steps), old.rate_nl_per_day))
    if Capability.PERIODIC_BOLUS in identity.capabilities:
        train = a_periodic_bolus(identity, old.drug)
        bases.append((periodic(old, train), train.basal_rate_nl_per_day))
    most = identity.maximum_rate_nl_per_day
    short = replace(bolus, duration_ms=identity.minimum_bolus_duration_ms)
    for base, basal in bases:
        fits, fast = _around(identity, old.drug, short, most - basal)
        what = f"a patient bolus in mode {base.mode.name}"
        yield from taken(link, _asking(base, fits), f"{what} that is just slow enough")
        wrong = _asking(base, fast)
        code, field = RefusalCode.OUT_OF_RANGE, Field.PATIENT_RATE
        reason = yield from turned_down(link, wrong, code, field, f"{what} that is too fast")
        value = basal + rate_of(fast)
        found = (reason.value, reason.maximum)
        expect_equal("value and maximum of the reason", found, (value, most))
    yield from tidy(link)


def _around(
    identity: Identity, drug: Drug, bolus: PatientBolus, room_nl_per_day: int
) -> tuple[PatientBolus, PatientBolus]:
    """*bolus* at the greatest dose whose rate there is room for, and at the next one.

    :raises Unsupported: that is more than a bolus may be.
    """
    concentration = drug.concentration_ng_per_ml
    dose_ng = room_nl_per_day * bolus.duration_ms * concentration // (DAY_MS * 1_000_000) + 2

    def at(ng: int) -> PatientBolus:
        return replace(bolus, dose_ng=ng, volume_nl=volume_for_dose(ng, concentration))

    while rate_of(at(dose_ng)) > room_nl_per_day:
        dose_ng -= 1
    more_ng = dose_ng + 1
    while at(more_ng).volume_nl == at(dose_ng).volume_nl:
        more_ng += 1
    if more_ng > identity.maximum_bolus_dose_ng or dose_ng < 1:
        raise Unsupported("no patient bolus of an allowed dose is too fast for the pump")
    return at(dose_ng), at(more_ng)


@pump_case(
    "schedule/patient-bolus-total",
    Level.MUST,
    "PROG-25",
    expects="refused with OUT_OF_RANGE / HIGHEST_DAILY_DOSE above maximum_daily_dose_ng",
)
def patient_bolus_total(tester: Tester) -> Play[None]:
    """All patient boluses of a day together bring the dose to the hard limit, and 1 ng above."""
    link, old, _ = yield from _with_patient(tester)
    highest = tester.identity.maximum_daily_dose_ng
    for over_ng in (0, 1):
        good = _together(tester.identity, highest + over_ng)
        expect_equal("the reckoned total", dose_totals(good).with_patient_ng, highest + over_ng)
        prescription, what = declining(good, old), f"{highest + over_ng} ng with the patient's"
        if not over_ng:
            staged = yield from taken(link, prescription, what)
            expect_equal("totals with patient boluses", staged.totals, dose_totals(good))
            continue
        code, field = RefusalCode.OUT_OF_RANGE, Field.HIGHEST_DAILY_DOSE
        reason = yield from turned_down(link, prescription, code, field, what)
        found = (reason.value, reason.maximum)
        expect_equal("value and maximum of the reason", found, (highest + 1, highest))
    yield from tidy(link)


def _together(identity: Identity, with_patient_ng: int) -> Prescription:
    """One whose dose and patient boluses are that much together."""

    def make(drug: Drug) -> Prescription:
        bolus = a_patient_bolus(identity, drug)
        dose_ng = within(bolus.dose_ng, 1, with_patient_ng // (4 * bolus.allotted_per_day))
        volume_nl = volume_for_dose(dose_ng, drug.concentration_ng_per_ml)
        bolus = replace(bolus, dose_ng=dose_ng, volume_nl=volume_nl)
        daily_ng = with_patient_ng - bolus.allotted_per_day * dose_ng
        return _asking(at_dose(steady(identity, drug=drug), daily_ng), bolus)

    def fits(one: Prescription) -> bool:
        (bolus,) = one.patient_boluses
        together = one.rate_nl_per_day + rate_of(bolus)
        slowest = identity.minimum_therapeutic_rate_nl_per_day
        allowed = slowest <= one.rate_nl_per_day and together <= identity.maximum_rate_nl_per_day
        return allowed and bolus.volume_nl > 0

    return simple(identity, make, fits, f"{with_patient_ng} ng a day with patient boluses")


@pump_case(
    "schedule/patient-bolus-confirmed",
    Level.MUST,
    "PROG-24 PROG-25",
    expects="must_confirm is 1, and the total with the patient's boluses is what confirms it",
)
def patient_bolus_confirmed(tester: Tester) -> Play[None]:
    """The daily dose is below the soft limit, but not with all patient boluses of a day."""
    link, old, _ = yield from _with_patient(tester)
    total_ng = above_soft(tester.identity)
    prescription = declining(_together(tester.identity, total_ng), old)
    staged = yield from link.ask(StagePrescription(prescription))
    expect(staged.must_confirm, f"must_confirm is 0 although the total is {total_ng} ng")
    mean = CommitPrescription(staged.digest, prescription.daily_dose_ng)
    code, field = RefusalCode.NOT_CONFIRMED, Field.HIGHEST_DAILY_DOSE
    reason = yield from link.refused(mean, code, field)
    expect_equal("value of NOT_CONFIRMED", reason.value, total_ng)
    done = yield from link.ask(commit_of(staged))
    yield from is_in_force(link, prescription, done.version)
    yield from tidy(link)


# --- Mixtures ------------------------------------------------------------------------------------


def _mixed(tester: Tester) -> Play[tuple[TesterLink, Prescription, tuple[Drug, ...]]]:
    """An open link, what is in force, and three drugs, the first of which is in force."""
    tester.needs(Capability.MIXTURES)
    link, old = yield from on_the_bench(tester)
    assert old.drug is not None
    second = a_drug(tester.identity, "clonidine")
    other = doubled(tester.identity, old).drug
    assert other is not None
    return link, old, (old.drug, second, replace(other, name="morphine"))


@pump_case(
    "schedule/mixture",
    Level.MUST,
    "PROG-23 PROG-25",
    expects="1 to 3 drugs; rates, doses and totals are those of the first",
)
def mixture(tester: Tester) -> Play[None]:
    """Two and three drugs in both orders, and numbers that follow from another than the first."""
    link, old, drugs = yield from _mixed(tester)
    for mixed in (drugs[:2], drugs, drugs[::-1]):
        primary = mixed[0]
        base = declining(replace(old, drugs=mixed), old)
        good = at_dose(base, old.daily_dose_ng)
        staged = yield from taken(link, good, f"{len(mixed)} drugs, {primary.name} first")
        expect_equal("the echo of a stage", staged.prescription, good)
        expect_equal("totals of a mixture", staged.totals, dose_totals(good))
    third = drugs[2].concentration_ng_per_ml
    wrong = rate_for_dose(old.daily_dose_ng, third)
    base = declining(replace(old, drugs=drugs, rate_nl_per_day=wrong), old)
    yield from mismatched(link, base, Field.RATE, wrong, old.rate_nl_per_day)
    yield from tidy(link)


@pump_case(
    "schedule/mixture-count",
    Level.MUST,
    "PROG-23",
    expects="refused with OUT_OF_RANGE / DRUGS; only a stop may be without any",
)
def mixture_count(tester: Tester) -> Play[None]:
    """Four drugs, and none."""
    link, old, drugs = yield from _mixed(tester)
    four = (*drugs, a_drug(tester.identity, "ziconotide"))
    for wrong in (four, ()):
        prescription = declining(replace(old, drugs=wrong), old)
        code, field, what = RefusalCode.OUT_OF_RANGE, Field.DRUGS, f"{len(wrong)} drugs"
        reason = yield from turned_down(link, prescription, code, field, what)
        found = (reason.value, reason.minimum, reason.maximum)
        expect_equal(f"{what}: value, minimum and maximum", found, (len(wrong), 1, 3))
    unknown = declining(replace(stopped(old), drugs=()), old)
    staged = yield from taken(link, unknown, "a stop without any drug")
    expect_equal("totals without a drug", staged.totals, dose_totals(unknown))
    yield from tidy(link)


@pump_case(
    "schedule/mixture-drugs",
    Level.MUST,
    "PROG-23 PROG-06 PROG-07",
    expects="each drug is judged like the first, and has a name of its own",
)
def mixture_drugs(tester: Tester) -> Play[None]:
    """A second and a third drug with the name of another, a wrong one, and no concentration."""
    link, old, drugs = yield from _mixed(tester)
    code, field = RefusalCode.DUPLICATE, Field.DRUG_NAME
    for place in (1, 2):
        for same in range(place):
            mixed = _replaced(drugs, place, name=drugs[same].name)
            what = f"drugs {same + 1} and {place + 1} of one name"
            yield from turned_down(link, _of(old, mixed), code, field, what)
        mixed = _replaced(drugs, place, name="tab\t")
        what = f"a control character in the name of drug {place + 1}"
        yield from turned_down(link, _of(old, mixed), RefusalCode.UNKNOWN_VALUE, field, what)
        too_much = tester.identity.maximum_concentration_ng_per_ml + 1
        mixed = _replaced(drugs, place, concentration_ng_per_ml=too_much)
        what = f"a concentration of {too_much} ng/mL of drug {place + 1}"
        beyond, concentration = RefusalCode.OUT_OF_RANGE, Field.CONCENTRATION
        yield from turned_down(link, _of(old, mixed), beyond, concentration, what)


def _replaced(drugs: tuple[Drug, ...], place: int, **changes: object) -> tuple[Drug, ...]:
    changed = replace(drugs[place], **changes)  # type: ignore[arg-type]
    return (*drugs[:place], changed, *drugs[place + 1 :])


def _of(old: Prescription, drugs: tuple[Drug, ...]) -> Prescription:
    return declining(replace(old, drugs=drugs), old)


@pump_case(
    "schedule/mixture-in-force",
    Level.MUST,
    "PROG-23 PROG-16 MSG-10",
    expects="all drugs in force, in their order, and the first in the status",
)
def mixture_in_force(tester: Tester) -> Play[None]:
    """A mixture is committed."""
    link, old, drugs = yield from _mixed(tester)
    base = _of(other_dose(tester.identity, old), drugs)
    staged = yield from link.ask(StagePrescription(base))
    done = yield from link.ask(commit_of(staged))
    status = yield from is_in_force(link, base, done.version)
    summary = status.prescription
    found = (summary.drug_count, summary.drug_name, summary.concentration_ng_per_ml)
    wanted = (3, drugs[0].name, drugs[0].concentration_ng_per_ml)
    expect_equal("drugs, name and concentration of the status", found, wanted)
    yield from tidy(link)
