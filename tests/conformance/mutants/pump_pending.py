"""Pumps that are wrong about what is pending: commits that get lost, roll-backs, its end."""

from dataclasses import replace

import pytest

from pump_protocol import messages as m
from pump_protocol.codes import STAGING_LIMIT_MS
from pump_protocol.payloads import prescription_digest
from pump_sim import wire_values
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.prescribing import Prescribing
from pump_sim.model.refusals import Reason, RefusalCode, Refused
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import answering, around, commit_as, digest_of_pending
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

# --- Staging -------------------------------------------------------------------------------------


@pump_mutant("pending-dies-with-its-link", caught_by="program/pending-outlives-link")
def pending_dies_with_its_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """CloseLink rolls back what is pending."""

    @answering(patch, m.CloseLink)
    def answer(close, self, request, event):
        self._firmware.drop_pending(EventCode.ROLLED_BACK, event.link_id)
        return close(self, request, event)


# --- Commit --------------------------------------------------------------------------------------


@pump_mutant("accepts-digest-of-old-version", caught_by="program/old-commit")
def accepts_digest_of_old_version(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit of the same prescription under an earlier version is good enough."""

    def wanted(self: Telemetry, digest: bytes) -> bytes:
        pending, version = self._firmware.pending, self._firmware.prescription_version
        if pending is None:
            return digest
        sent = wire_values.prescription_out(pending)
        old = {prescription_digest(each, sent) for each in range(1, version)}
        return digest_of_pending(self) if digest in old else digest

    commit_as(patch, wanted)


@pump_mutant("repeated-commit-counts", caught_by="program/commit-repeated")
def repeated_commit_counts(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit that is repeated is answered as before, and writes a record each time."""

    @answering(patch, m.CommitPrescription)
    def answer(commit, self, request, event):
        version = self._firmware.prescription_version
        done = commit(self, request, event)
        if done.version == version:
            self._firmware.record(EventCode.COMMITTED, 0, 0, event.link_id)
        return done


@pump_mutant("repeated-commit-of-now", caught_by="program/commit-repeated")
def repeated_commit_of_now(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit that is repeated is answered with the time of the repeat."""

    @answering(patch, m.CommitPrescription)
    def answer(commit, self, request, event):
        version = self._firmware.prescription_version
        done = commit(self, request, event)
        if done.version > version:
            return done
        # It is later by less than a ms where time stands still.
        return replace(done, committed_at_ms=self._firmware.at_ms + 1)


@pump_mutant("repeated-commit-drops-pending", caught_by="program/commit-repeated-while-pending")
def repeated_commit_drops_pending(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whatever is pending is dropped when a commit is answered, a repeated one too."""

    @answering(patch, m.CommitPrescription)
    def answer(commit, self, request, event):
        done = commit(self, request, event)
        self._firmware.drop_pending(EventCode.ROLLED_BACK, event.link_id)
        return done


@pump_mutant("version-one-needs-a-stage", caught_by="program/commit-of-version-one")
def version_one_needs_a_stage(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The digest of version 1 is none that was committed, and is refused."""

    @answering(patch, m.CommitPrescription)
    def answer(commit, self, request, event):
        if self._firmware.prescription_version == 1 and self._firmware.pending is None:
            raise Refused(Reason(RefusalCode.NOTHING_STAGED))
        return commit(self, request, event)


@pump_mutant("commits-when-the-line-breaks", caught_by="program/commit-cut")
def commits_when_the_line_breaks(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is pending when a link is opened is taken to have been committed."""

    @answering(patch, m.OpenLink)
    def answer(opened, self, request, event):
        if self._firmware.pending is not None:
            self._firmware.commit(link_id=event.link_id)
        return opened(self, request, event)


@pump_mutant("commit-answers-once", caught_by="program/commit-answer-lost")
def commit_answers_once(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit that was carried out is not known any more in another link."""
    by = dict[int, int]()

    @answering(patch, m.CommitPrescription)
    def answer(commit, self, request, event):
        version = self._firmware.prescription_version
        done = commit(self, request, event)
        if done.version == version and by.get(version) != event.link_id:
            raise Refused(Reason(RefusalCode.NOTHING_STAGED))
        by[done.version] = event.link_id
        return done


# --- Roll-back and expiry ------------------------------------------------------------------------


@pump_mutant("rollback-does-nothing", caught_by="program/rollback")
def rollback_does_nothing(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A roll-back is answered, and what is pending stays."""

    def roll_back(self: Prescribing, *, link_id: int = 0) -> None:
        if self.pending is None:
            raise Refused(Reason(RefusalCode.NOTHING_STAGED))

    patch.setattr(Prescribing, "roll_back", roll_back)


@pump_mutant("rolls-back-nothing", caught_by="program/rollback-nothing-staged")
def rolls_back_nothing(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A roll-back while nothing is pending is answered as if there had been something."""

    @around(patch, Prescribing, "roll_back")
    def always(roll_back, self, *, link_id=0):
        if self.pending is not None:
            roll_back(self, link_id=link_id)


@pump_mutant("staging-never-expires", caught_by="program/expiry")
def staging_never_expires(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is pending stays until somebody commits it."""
    patch.setattr(Telemetry, "handle_timeout", lambda *_: False)
    patch.setattr(Telemetry, "next_timeout", lambda _: None)


@pump_mutant("staging-expires-early", caught_by="program/expiry")
def staging_expires_early(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is pending is rolled back after 100 s."""
    around(patch, Telemetry, "handle_timeout")(lambda handle, self, ms: handle(self, ms + 20000))


@pump_mutant("expiry-raises-no-alarm", caught_by="program/expiry")
def expiry_raises_no_alarm(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is pending is dropped after its time, and nobody is told."""

    def expired(self: Prescribing) -> None:
        self.drop_pending(EventCode.STAGING_EXPIRED)
        self.after_change()

    patch.setattr(Prescribing, "staging_expired", expired)


@pump_mutant("expiry-counts-from-the-first", caught_by="program/expiry-of-the-last-staged")
def expiry_counts_from_the_first(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What replaces another has only the time that was left of that."""

    @answering(patch, m.StagePrescription)
    def answer(stage, self, request, event):
        until_ms = self._staged_until_ms
        staged = stage(self, request, event)
        if until_ms is not None:
            self._staged_until_ms = until_ms
        return staged


@pump_mutant("any-request-prolongs-staging", caught_by="program/repeat-does-not-prolong")
def any_request_prolongs_staging(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The time of what is pending begins anew with every request, like that of the link."""

    @around(patch, Telemetry, "answer")
    def prolonging(answer, self, event, link_ms):
        said = answer(self, event, link_ms)
        if self._staged_until_ms is not None:
            self._staged_until_ms = link_ms + STAGING_LIMIT_MS
        return said
