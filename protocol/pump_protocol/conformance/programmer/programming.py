"""Programming in two steps, with a pump that alters, refuses or forgets what it was told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pump_protocol.codes import BridgeDecision, MassUnit, PrescriptionSlot
from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.expectations import expect_equal
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    asked,
    committed,
    expect_no,
    expect_said,
    staged,
)
from pump_protocol.conformance.programmer.scenes import (
    DAILY_MCG,
    T,
    attend,
    in_silence,
    program,
    reporting,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Play, send
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.messages import (
    CommitPrescription,
    DoseTotals,
    Drug,
    PatientBolus,
    Prescription,
    PrescriptionReport,
    PrescriptionStaged,
    ReadPrescription,
    Response,
)
from pump_protocol.payloads import prescription_digest
from pump_protocol.reckoning import dose_totals

_NG_PER_MCG: Final = 1_000


# --- The good way --------------------------------------------------------------------------------


@programmer_case(
    "programmer-programming/two-steps",
    Level.MUST,
    "PROG-02 PROG-08 PROG-12 PROG-24",
    expects="the dose with the rate that follows from it; a commit with the digest that was told,"
    " and no confirmed dose; done",
    tasks="program",
)
def two_steps(standin: StandIn) -> Play[None]:
    """Another daily dose, below the soft limit, and everything answered well."""
    yield from program(standin)
    outcome = yield from standin.serve_to_end()
    expect_equal("what it says", outcome, Outcome.DONE)
    digest = None
    for heard, response in standin.carried_out:
        if isinstance(response, PrescriptionStaged):
            digest = response.digest
        if isinstance(heard.request, CommitPrescription):
            expect_equal("digest of the commit", heard.request.digest, digest)
            expect_equal("confirmed_dose_ng", heard.request.confirmed_dose_ng, None)
    for prescription in staged(standin):
        expect_equal("daily_dose_ng", prescription.daily_dose_ng, DAILY_MCG * _NG_PER_MCG)
    if not committed(standin):
        raise Unmet("it says that it is done, and has put nothing in force")


@programmer_case(
    "programmer-programming/decision-of-the-copy",
    Level.MUST,
    "PROG-27",
    expects="decision NOT_NEEDED and no bridge in what it stages",
    tasks="program",
)
def decision_of_the_copy(standin: StandIn) -> Play[None]:
    """The prescription in force tells that a bridge was declined when it began."""

    def read(heard: Heard) -> Play[None]:
        def declined(report: PrescriptionReport) -> PrescriptionReport:
            decision = BridgeDecision.DECLINED
            return reporting(report, replace(report.prescription, bridge_decision=decision))

        if heard.request == ReadPrescription(PrescriptionSlot.CURRENT) and not committed(standin):
            yield from send((yield from standin.lie(heard, PrescriptionReport, declined)))
        else:
            yield from standin.answer(heard)

    yield from program(standin)
    ended = yield from attend(standin, {T.READ_PRESCRIPTION: read})
    for each in staged(standin):
        expect_equal("bridge_decision", each.bridge_decision, BridgeDecision.NOT_NEEDED)
        expect_equal("bridges", each.bridges, ())
    expect_said(standin, ended, (Outcome.DONE,), "the drug does not change")


# --- The pump's own copy -------------------------------------------------------------------------


def _program_with_lies(
    standin: StandIn, lie: Callable[[PrescriptionStaged], Response], what: str
) -> Play[None]:
    """Programming, where the pump lies about what it staged: it must be rolled back."""
    standin.heard.clear()
    standin.carried_out.clear()

    def stage(heard: Heard) -> Play[None]:
        yield from send((yield from standin.lie(heard, PrescriptionStaged, lie)))

    def read(heard: Heard) -> Play[None]:
        if heard.request == ReadPrescription(PrescriptionSlot.PENDING):
            return  # what the pump really holds is not told
        yield from standin.answer(heard)

    yield from program(standin)
    ended = yield from attend(standin, {T.STAGE_PRESCRIPTION: stage, T.READ_PRESCRIPTION: read})
    expect_no(standin, T.COMMIT_PRESCRIPTION, what)
    if not asked(standin, T.ROLL_BACK_PRESCRIPTION):
        raise Unmet(f"it did not roll back, although {what}")
    expect_said(standin, ended, NOT_DONE, what)


def _consistent(staged: PrescriptionStaged, prescription: Prescription) -> PrescriptionStaged:
    """The same about another prescription, in which everything agrees."""
    return replace(
        staged,
        prescription=prescription,
        digest=prescription_digest(staged.version, prescription),
        totals=dose_totals(prescription),
    )


def _drug(prescription: Prescription, change: Callable[[Drug], Drug]) -> Prescription:
    first, *others = prescription.drugs
    return replace(prescription, drugs=(change(first), *others))


_PATIENT: Final = PatientBolus(1_000, 500, 60_000, 3_600_000, 1)
_ALTERATIONS: Final[dict[str, Callable[[Prescription], Prescription]]] = {
    "name": lambda it: _drug(it, lambda drug: replace(drug, name="morphine")),
    "mass_unit": lambda it: _drug(it, lambda drug: replace(drug, mass_unit=MassUnit.MILLIGRAM)),
    "concentration_ng_per_ml": lambda it: _drug(
        it,
        lambda drug: replace(drug, concentration_ng_per_ml=drug.concentration_ng_per_ml + 1),
    ),
    "a second drug": lambda it: replace(it, drugs=(*it.drugs, replace(it.drugs[0], name="other"))),
    "daily_dose_ng": lambda it: replace(it, daily_dose_ng=it.daily_dose_ng + 1),
    "rate_nl_per_day": lambda it: replace(it, rate_nl_per_day=it.rate_nl_per_day + 1),
    "low_reservoir_threshold_nl": lambda it: replace(
        it, low_reservoir_threshold_nl=it.low_reservoir_threshold_nl - 1
    ),
    "patient_boluses": lambda it: replace(it, patient_boluses=(_PATIENT,)),
    "bridge_decision": lambda it: replace(it, bridge_decision=BridgeDecision.DECLINED),
}


@programmer_case(
    "programmer-programming/copy-altered",
    Level.MUST,
    "PROG-08",
    expects="a roll-back and no commit, each time",
    tasks="program",
)
def copy_altered(standin: StandIn) -> Play[None]:
    """The pump's copy of what was staged differs in one field, each in turn; digest and totals are
    those of the copy."""
    for what, alter in _ALTERATIONS.items():

        def lie(
            staged: PrescriptionStaged, alter: Callable[[Prescription], Prescription] = alter
        ) -> PrescriptionStaged:
            return _consistent(staged, alter(staged.prescription))

        yield from _program_with_lies(standin, lie, f"{what} of the pump's copy was altered")


@programmer_case(
    "programmer-programming/digest-altered",
    Level.MUST,
    "PROG-08 PROG-09",
    expects="a roll-back and no commit, each time",
    tasks="program",
)
def digest_altered(standin: StandIn) -> Play[None]:
    """The digest of what was staged is another one; then that of another version."""

    def other(staged: PrescriptionStaged) -> PrescriptionStaged:
        return replace(staged, digest=bytes((staged.digest[0] ^ 1, *staged.digest[1:])))

    def other_version(staged: PrescriptionStaged) -> PrescriptionStaged:
        digest = prescription_digest(staged.version + 1, staged.prescription)
        return replace(staged, digest=digest)

    yield from _program_with_lies(standin, other, "the digest is not that of the prescription")
    yield from _program_with_lies(standin, other_version, "the digest is that of another version")


@programmer_case(
    "programmer-programming/totals-altered",
    Level.MUST,
    "PROG-25",
    expects="a roll-back and no commit, each time",
    tasks="program",
)
def totals_altered(standin: StandIn) -> Play[None]:
    """One of the dose totals is 1 ng less than it should be, each in turn."""
    for name in ("mean_ng", "highest_ng", "with_patient_ng"):

        def lie(staged: PrescriptionStaged, name: str = name) -> PrescriptionStaged:
            totals: DoseTotals = staged.totals
            return replace(staged, totals=replace(totals, **{name: getattr(totals, name) - 1}))

        yield from _program_with_lies(standin, lie, f"{name} is not what follows")


@programmer_case(
    "programmer-programming/not-before-the-copy",
    Level.MUST,
    "PROG-08",
    expects="no commit of what the pump has not told its copy of",
    tasks="program",
)
def not_before_the_copy(standin: StandIn) -> Play[None]:
    """The answer to the staging gets lost, and after that every other."""
    yield from program(standin)
    heard = yield from standin.serve_until(T.STAGE_PRESCRIPTION)
    yield from standin.good_answer(heard)
    ended = yield from in_silence(standin)
    expect_no(standin, T.COMMIT_PRESCRIPTION, "it knows nothing of the pump's copy")
    expect_said(standin, ended, NOT_DONE, "nothing was committed")


@programmer_case(
    "programmer-programming/read-back-differs",
    Level.SHOULD,
    "PROG-17",
    expects="it reads the prescription in force after the commit, and does not say that it is done",
    tasks="program",
)
def read_back_differs(standin: StandIn) -> Play[None]:
    """After a commit that was answered well, the pump tells the old prescription again."""
    before: list[PrescriptionReport] = []

    def read(heard: Heard) -> Play[None]:
        if heard.request != ReadPrescription(PrescriptionSlot.CURRENT):
            yield from standin.answer(heard)
        elif committed(standin):

            def old(report: PrescriptionReport) -> PrescriptionReport:
                return before[0] if before else report

            yield from send((yield from standin.lie(heard, PrescriptionReport, old)))
        else:
            report = standin.said(heard, (yield from standin.good_answer(heard)))
            if isinstance(report, PrescriptionReport):
                before.append(report)
            yield from standin.answer(heard)

    yield from program(standin)
    ended = yield from attend(standin, {T.READ_PRESCRIPTION: read})
    allowed = (Outcome.UNKNOWN, Outcome.FAILED)
    expect_said(standin, ended, allowed, "the pump tells that the old prescription is in force")
