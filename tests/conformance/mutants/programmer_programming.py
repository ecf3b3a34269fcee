"""Programmers that program in a wrong way: what they compare, what they decide, what they say."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pump_programmer import conversation, outcome, programmer
from pump_programmer import planning as planning_of_wishes
from pump_programmer.errors import (
    NoAnswerError,
    OutcomeUnknown,
    PumpGone,
    PumpRefused,
    VerificationFailed,
)
from pump_programmer.outcome import Resolution
from pump_programmer.plan import planned
from pump_programmer.programmer import Programmer
from pump_programmer.reader import check_copy
from pump_programmer.told import Known
from pump_protocol.codes import BridgeDecision, PrescriptionSlot, RefusalCode
from pump_protocol.messages import (
    CommitPrescription,
    Prescription,
    PrescriptionCommitted,
    PrescriptionReport,
    PrescriptionStaged,
    StagePrescription,
)
from pump_protocol.payloads import prescription_digest
from pump_protocol.reckoning import dose_totals
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import programmer_mutant

# --- The pump's own copy -------------------------------------------------------------------------


@programmer_mutant("compares-no-copy", caught_by="programmer-programming/copy-altered")
def compares_no_copy(patch: pytest.MonkeyPatch) -> None:
    """It holds the digest and the doses of the pump's copy together, and not the copy itself."""
    patch.setattr(programmer, "_check_echo", lambda staged, sent: check_copy(staged))


@programmer_mutant("compares-doses-only", caught_by="programmer-programming/copy-altered")
def compares_doses_only(patch: pytest.MonkeyPatch) -> None:
    """Of the pump's copy it compares drugs, dose and rate."""

    def check(staged: PrescriptionStaged, sent: Prescription) -> None:
        found = staged.prescription
        if (found.drugs, found.daily_dose_ng, found.rate_nl_per_day) != (
            sent.drugs,
            sent.daily_dose_ng,
            sent.rate_nl_per_day,
        ):
            raise VerificationFailed("the pump staged something else")

    patch.setattr(programmer, "_check_echo", check)


@programmer_mutant("leaves-it-staged", caught_by="programmer-programming/copy-altered")
def leaves_it_staged(patch: pytest.MonkeyPatch) -> None:
    """What the pump got wrong is left to expire."""
    patch.setattr(Programmer, "_try_roll_back", lambda self: True)


def _checking(patch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    """Have the pump's copy checked after it was made to fit."""
    patch.setattr(programmer, "check_copy", lambda report: check_copy(change(report)))


@programmer_mutant("believes-the-digest", caught_by="programmer-programming/digest-altered")
def believes_the_digest(patch: pytest.MonkeyPatch) -> None:
    """It does not reckon the digest itself."""
    _checking(
        patch,
        lambda report: replace(
            report, digest=prescription_digest(report.version, report.prescription)
        ),
    )


@programmer_mutant("believes-the-totals", caught_by="programmer-programming/totals-altered")
def believes_the_totals(patch: pytest.MonkeyPatch) -> None:
    """It does not reckon the dose totals itself."""
    _checking(patch, lambda report: replace(report, totals=dose_totals(report.prescription)))


@programmer_mutant("looks-at-the-mean-only", caught_by="programmer-programming/totals-altered")
def looks_at_the_mean_only(patch: pytest.MonkeyPatch) -> None:
    """Of the dose totals it compares the mean."""

    def with_mean(report: PrescriptionStaged) -> PrescriptionStaged:
        totals = dose_totals(report.prescription)
        return replace(report, totals=replace(totals, mean_ng=report.totals.mean_ng))

    _checking(patch, with_mean)


@programmer_mutant("commits-unseen", caught_by="programmer-programming/not-before-the-copy")
def commits_unseen(patch: pytest.MonkeyPatch) -> None:
    """Where the answer to the staging is lost it commits what it has sent."""
    version = 1

    @around(patch, Programmer, "read_prescription")
    def reading(read, self, slot=PrescriptionSlot.CURRENT):
        nonlocal version
        report = read(self, slot)
        version = report.version + 1
        return report

    @around(patch, Programmer, "_stage")
    def staging(stage, self, prescription):
        try:
            return stage(self, prescription)
        except NoAnswerError:
            self.reopen_link = lambda: None  # type: ignore[method-assign,assignment,return-value]
            assert self._link is not None
            self._link._broken = False
            digest = prescription_digest(version, prescription)
            totals = dose_totals(prescription)
            return PrescriptionStaged(version, digest, 0, False, totals, prescription)


@programmer_mutant("reads-nothing-back", caught_by="programmer-programming/read-back-differs")
def reads_nothing_back(patch: pytest.MonkeyPatch) -> None:
    """A commit that was answered is in force."""
    last: list[PrescriptionStaged] = []

    @around(patch, Programmer, "_stage")
    def staging(stage, self, prescription):
        last.append(stage(self, prescription))
        return last[-1]

    def read_back(self: Programmer, committed: PrescriptionCommitted) -> PrescriptionReport:
        staged = last[-1]
        return PrescriptionReport(
            PrescriptionSlot.CURRENT,
            committed.version,
            committed.digest,
            staged.totals,
            staged.prescription,
        )

    patch.setattr(Programmer, "_read_back", read_back)


# --- What its user has to decide -----------------------------------------------------------------


@programmer_mutant("keeps-the-decision", caught_by="programmer-programming/decision-of-the-copy")
def keeps_the_decision(patch: pytest.MonkeyPatch) -> None:
    """What was decided about the bridge of before stays in the copy that it changes."""

    def planning(wishes: Any, current: Prescription, *more: Any) -> Prescription:
        plan = planned(wishes, current, *more)
        return replace(plan, bridge_decision=current.bridge_decision, bridges=current.bridges)

    patch.setattr(planning_of_wishes, "planned", planning)


@programmer_mutant("confirms-by-itself", caught_by="programmer-programming/soft-limit-unconfirmed")
def confirms_by_itself(patch: pytest.MonkeyPatch) -> None:
    """Who has said yes has confirmed the dose as well."""

    def agreed(compared: Any, confirm: Any, confirm_dose: Any) -> int | None:
        if confirm is not None:
            confirm(compared)
        return compared.pending_totals.with_patient_ng if compared.must_confirm else None

    patch.setattr(programmer, "_agreed", agreed)


@programmer_mutant("any-number-confirms", caught_by="programmer-programming/another-dose-confirmed")
def any_number_confirms(patch: pytest.MonkeyPatch) -> None:
    """Whatever dose is confirmed, the one that was staged is."""

    def agreed(compared: Any, confirm: Any, confirm_dose: Any) -> int | None:
        if compared.must_confirm and confirm_dose(compared) is None:
            return None
        return compared.pending_totals.with_patient_ng if compared.must_confirm else None

    patch.setattr(programmer, "_agreed", agreed)


def _committing(patch: pytest.MonkeyPatch, change: Callable[[Any, int | None], int | None]) -> None:

    @around(patch, Programmer, "commit")
    def committing_it(commit, self, digest, *, confirmed_dose_ng=None):
        return commit(self, digest, confirmed_dose_ng=change(self, confirmed_dose_ng))


@programmer_mutant("confirms-always", caught_by="programmer-programming/two-steps")
def confirms_always(patch: pytest.MonkeyPatch) -> None:
    """Each commit carries a confirmed dose, whether it has to be confirmed or not."""
    _committing(patch, lambda self, dose_ng: dose_ng or 1_000)


@programmer_mutant("confirms-less", caught_by="programmer-programming/soft-limit-confirmed")
def confirms_less(patch: pytest.MonkeyPatch) -> None:
    """A dose that was confirmed does not reach the pump."""
    _committing(patch, lambda self, dose_ng: None)


@programmer_mutant(
    "confirms-when-told-to", caught_by="programmer-programming/confirmation-asked-by-the-pump"
)
def confirms_when_told_to(patch: pytest.MonkeyPatch) -> None:
    """A commit that was not confirmed is sent again with the dose that the pump names."""

    @around(patch, Programmer, "commit")
    def committing_it(commit, self, digest, *, confirmed_dose_ng=None):
        try:
            return commit(self, digest, confirmed_dose_ng=confirmed_dose_ng)
        except PumpRefused as refused:
            return commit(self, digest, confirmed_dose_ng=refused.refusal.reasons[0].value)


@programmer_mutant("declines-bridges", caught_by="programmer-programming/bridge-undecided")
def declines_bridges(patch: pytest.MonkeyPatch) -> None:
    """Where nothing was decided about a bridge there is to be none."""

    def planning(wishes: Any, *more: Any) -> Prescription:
        bridging = wishes.bridging
        if bridging.decision is None:
            bridging = replace(bridging, decision=BridgeDecision.DECLINED)
        return planned(replace(wishes, bridging=bridging), *more)

    patch.setattr(planning_of_wishes, "planned", planning)


def _staging_again(
    patch: pytest.MonkeyPatch, code: RefusalCode, change: Callable[[Any, Prescription], Any]
) -> None:
    """Have a prescription that is refused for *code* changed, and staged again."""

    @around(patch, Programmer, "_stage")
    def staging(stage, self, prescription):
        try:
            return stage(self, prescription)
        except PumpRefused as refused:
            if code not in refused.refusal.codes:
                raise
            changed = change(refused.refusal.reasons[0], prescription)
            return self.exchange(StagePrescription(changed))


@programmer_mutant(
    "declines-when-asked", caught_by="programmer-programming/bridge-asked-by-the-pump"
)
def declines_when_asked(patch: pytest.MonkeyPatch) -> None:
    """It declines a bridge where the pump wants a decision."""
    _staging_again(
        patch,
        RefusalCode.BRIDGE_UNDECIDED,
        lambda reason, it: replace(it, bridge_decision=BridgeDecision.DECLINED),
    )


@programmer_mutant("sends-what-fits", caught_by="programmer-programming/mismatch")
def sends_what_fits(patch: pytest.MonkeyPatch) -> None:
    """It sends the rate that the pump has reckoned."""
    _staging_again(
        patch,
        RefusalCode.MISMATCH,
        lambda reason, it: replace(it, rate_nl_per_day=reason.minimum),
    )


# --- Commits whose outcome is unknown ------------------------------------------------------------


def without_effect(patch: pytest.MonkeyPatch, *requests: type[Any]) -> None:
    """Have requests taken for such that change nothing."""
    for each in requests:
        patch.delitem(conversation._EFFECTS, each)


@programmer_mutant("silence-is-failure", caught_by="programmer-programming/commit-in-silence")
def silence_is_failure(patch: pytest.MonkeyPatch) -> None:
    """A commit that nobody answers has failed."""
    without_effect(patch, CommitPrescription)


@programmer_mutant("a-cut-line-is-failure", caught_by="programmer-programming/commit-line-cut")
def a_cut_line_is_failure(patch: pytest.MonkeyPatch) -> None:
    """A commit whose line was cut has failed."""

    @around(patch, conversation.Conversation, "_raise_if_unknown")
    def raising(unknown, self, request, error):
        if not isinstance(error, PumpGone):
            unknown(self, request, error)


def _resolving_commits(patch: pytest.MonkeyPatch, done: bool) -> None:
    patch.setattr(outcome, "_resolve_commit", lambda *_: Resolution(done, "so it is"))


@programmer_mutant("lost-is-not-done", caught_by="programmer-programming/commit-answer-lost")
def lost_is_not_done(patch: pytest.MonkeyPatch) -> None:
    """A commit that was not answered was not carried out, it says, and does not look."""
    _resolving_commits(patch, False)


@programmer_mutant("lost-is-done", caught_by="programmer-programming/commit-never-arrived")
def lost_is_done(patch: pytest.MonkeyPatch) -> None:
    """A commit that was not answered was carried out, it says, and does not look."""
    _resolving_commits(patch, True)


@programmer_mutant("takes-garbled-commits", caught_by="programmer-programming/commit-garbled")
def takes_garbled_commits(patch: pytest.MonkeyPatch) -> None:
    """Whatever answers a commit, it was carried out, and nothing is to be read back."""
    _committed_whatever(patch, OutcomeUnknown)


def _committed_whatever(patch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    """Have a commit taken for carried out although it ended with an error."""

    @around(patch, Programmer, "commit")
    def committing_it(commit, self, digest, *, confirmed_dose_ng=None):
        try:
            return commit(self, digest, confirmed_dose_ng=confirmed_dose_ng)
        except error:
            return PrescriptionCommitted(2, 0, digest)

    reads_nothing_back(patch)


@programmer_mutant("trusts-any-memory", caught_by="programmer-programming/commit-memory-lost")
def trusts_any_memory(patch: pytest.MonkeyPatch) -> None:
    """What a pump does not know was never done, whatever has become of its memory."""
    patch.setattr(Known, "memory_lost", lambda self, *_: None)


@programmer_mutant("minds-no-refusal", caught_by="programmer-programming/commit-refused")
def minds_no_refusal(patch: pytest.MonkeyPatch) -> None:
    """A commit that was refused is done, for what was staged is reviewed."""
    _committed_whatever(patch, PumpRefused)
