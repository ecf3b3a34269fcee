"""What cases about programming share: what a pump takes, what it turns down, and what is pending.

It knows no mode: what is prescribed, the cases make.
"""

from collections.abc import Callable
from dataclasses import replace

from pump_protocol.codes import (
    Field,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.allowed import allowed, check_allowed
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.reasons import named
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    bridged,
    cleared_nl,
    committed,
    declining,
    other_dose,
)
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    CommitPrescription,
    Identity,
    Interrogate,
    Prescription,
    PrescriptionCommitted,
    PrescriptionReport,
    PrescriptionStaged,
    ReadPrescription,
    Reason,
    StagePrescription,
    StatusReport,
)
from pump_protocol.units import U32, U64, dose_for_rate

# --- What a pump takes, and what it turns down ----------------------------------------------------


def taken(link: TesterLink, prescription: Prescription, what: str) -> Play[PrescriptionStaged]:
    """Have *prescription* staged, which must be possible.

    :param what: what is special about it, for the verdict.
    :raises Unsupported: the limits of the pump leave no room for it.
    """
    check_allowed(link.tester.identity, prescription)
    return (yield from named(what, link.ask(StagePrescription(prescription))))


def stage_other(link: TesterLink, prescription: Prescription) -> Play[PrescriptionStaged]:
    """Have *prescription* staged at another dose."""
    other = other_dose(link.tester.identity, prescription)
    return (yield from link.ask(StagePrescription(other)))


def turned_down(
    link: TesterLink,
    prescription: Prescription,
    code: RefusalCode,
    field: Field,
    what: str,
) -> Play[Reason]:
    """The reason for which *prescription* cannot be staged."""
    return (yield from named(what, link.refused(StagePrescription(prescription), code, field)))


def mismatched(
    link: TesterLink,
    prescription: Prescription,
    field: Field,
    value: int,
    agrees: int,
) -> Play[None]:
    """*prescription* is turned down because *value* disagrees; what would agree is told."""
    what = f"{field.name} {value} where {agrees} would agree"
    reason = yield from turned_down(link, prescription, RefusalCode.MISMATCH, field, what)
    expect_equal(f"{what}: the value of the reason", reason.value, value)
    expect_equal(f"{what}: the minimum of the reason", reason.minimum, agrees)
    expect_equal(f"{what}: the maximum of the reason", reason.maximum, agrees)


def limited(
    link: TesterLink,
    field: Field,
    limits: tuple[int, int],
    make: Callable[[int], Prescription],
    *,
    most: int = U32,
    inside: bool = True,
) -> Play[None]:
    """Both limits of a number hold, to the unit: what is just outside is refused, and told.

    :param make: the prescription with that number.
    :param most: the greatest number that its field on the wire holds.
    :param inside: whether what is just inside can be taken as a whole, and must be where no other
        limit stands in the way.
    """
    lowest, highest = limits
    for value in sorted({lowest, highest}) if inside else ():
        good = make(value)
        if allowed(link.tester.identity, good):
            yield from taken(link, good, f"{field.name} {value}, which is within the limits")
    if lowest > 0:
        reason = yield from _outside(link, field, lowest - 1, limits, make)
        expect_equal(f"minimum of {field.name}, refused", reason.minimum, lowest)
    if highest < most:
        reason = yield from _outside(link, field, highest + 1, limits, make)
        expect_equal(f"maximum of {field.name}, refused", reason.maximum, highest)


def no_other_means(link: TesterLink, good: Prescription) -> Play[None]:
    """Rates and doses beside those of *good* are turned down, and the dose of the rounded rate."""
    rate, dose_ng = good.rate_nl_per_day, good.daily_dose_ng
    for value in (rate - 1, rate + 1):
        wrong = replace(good, rate_nl_per_day=value)
        yield from mismatched(link, wrong, Field.RATE, value, rate)
    assert good.drug is not None
    from_rate_ng = dose_for_rate(rate, good.drug.concentration_ng_per_ml)
    for value in sorted({max(0, dose_ng - 1), dose_ng + 1, from_rate_ng} - {dose_ng}):
        wrong = replace(good, daily_dose_ng=value)
        yield from mismatched(link, wrong, Field.DAILY_DOSE, value, dose_ng)


def no_other_bolus(
    link: TesterLink,
    fields: tuple[Field, Field],
    of_dose: Callable[[int], Prescription],
    of_volume: Callable[[int], Prescription],
    agrees_nl: int,
) -> Play[None]:
    """The dose of a prescribed bolus is within its limits, and its volume follows from it.

    :param fields: as a refusal names dose and volume.
    :param of_volume: the bolus of which *agrees_nl* is the right volume, with another one.
    """
    dose, volume = fields
    identity = link.tester.identity
    highest_ng = identity.maximum_bolus_dose_ng
    if allowed(identity, of_dose(highest_ng)):
        yield from taken(link, of_dose(highest_ng), f"a bolus of {highest_ng} ng, the greatest")
    yield from limited(link, dose, (1, highest_ng), of_dose, most=U64, inside=False)
    capacity_nl = identity.reservoir_capacity_nl
    yield from limited(link, volume, (1, capacity_nl), of_volume, inside=False)
    for value in (agrees_nl - 1, agrees_nl + 1):
        yield from mismatched(link, of_volume(value), volume, value, agrees_nl)


def _outside(
    link: TesterLink,
    field: Field,
    value: int,
    limits: tuple[int, int],
    make: Callable[[int], Prescription],
) -> Play[Reason]:
    what = f"{field.name} {value}, outside {limits[0]} to {limits[1]}"
    reason = yield from turned_down(link, make(value), RefusalCode.OUT_OF_RANGE, field, what)
    expect_equal(f"{what}: the value of the reason", reason.value, value)
    return reason


def above_soft(identity: Identity) -> int:
    """A daily dose just above the soft limit.

    :raises Unsupported: none is allowed.
    """
    if identity.soft_daily_dose_ng >= identity.maximum_daily_dose_ng:
        raise Unsupported("the pump allows no dose above its soft limit")
    return identity.soft_daily_dose_ng + 1


# --- What is in force, and what is pending --------------------------------------------------------


def current(link: TesterLink) -> Play[PrescriptionReport]:
    """What is in force."""
    return (yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT)))


def pending(link: TesterLink) -> Play[PrescriptionReport]:
    """What is staged."""
    return (yield from link.ask(ReadPrescription(PrescriptionSlot.PENDING)))


def nothing_pending(link: TesterLink) -> Play[None]:
    """Nothing is staged, by every way in which a pump tells it."""
    request = ReadPrescription(PrescriptionSlot.PENDING)
    yield from link.refused(request, RefusalCode.NOTHING_STAGED)
    status = yield from link.ask(Interrogate())
    expect(not status.has_pending, "has_pending is 1 although nothing is pending")


def is_pending(link: TesterLink, staged: PrescriptionStaged) -> Play[None]:
    """What was answered to a stage is what is pending."""
    report = yield from pending(link)
    expect_equal("digest of what is pending", report.digest, staged.digest)
    expect_equal("what is pending", report.prescription, staged.prescription)


def is_in_force(link: TesterLink, prescription: Prescription, version: int) -> Play[StatusReport]:
    """*prescription* is in force, whole, as that version; how the pump stands."""
    report = yield from current(link)
    expect_equal("prescription in force", report.prescription, prescription)
    expect_equal("version in force", report.version, version)
    status = yield from link.ask(Interrogate())
    expect_equal("prescription_version of the status", status.prescription_version, version)
    return status


def confirmation(staged: PrescriptionStaged) -> int | None:
    """The dose that a commit has to confirm, if any."""
    return staged.totals.with_patient_ng if staged.must_confirm else None


def commit_of(staged: PrescriptionStaged) -> CommitPrescription:
    """A commit of what was answered to a stage."""
    return CommitPrescription(staged.digest, confirmation(staged))


def with_bridge(tester: Tester, new: Prescription, old: Prescription) -> Prescription:
    """*new* with a bridge from *old* that lasts for hours, if the pump allows that."""
    return bridged(new, old, cleared_nl(tester.identity))


def follow(
    link: TesterLink, prescription: Prescription
) -> Play[tuple[PrescriptionStaged, PrescriptionCommitted]]:
    """Put *prescription* in force after whatever is, without a bridge."""
    report = yield from current(link)
    return (yield from committed(link, declining(prescription, report.prescription)))
