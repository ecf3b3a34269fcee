"""Pumps that are wrong about staging, reading and committing a prescription."""

from dataclasses import replace

import pytest

from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.codes import Field
from pump_protocol.codes import RefusalCode as WireCode
from pump_protocol.payloads import prescription_digest
from pump_sim import telemetry, wire_values
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.prescribing import Prescribing
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.refusals import RefusalCode, Refused
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import answering, around, commit_as, digest_of_pending
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

# --- Staging -------------------------------------------------------------------------------------


@pump_mutant("takes-less-than-it-tells", caught_by="program/within-the-limits")
def takes_less_than_it_tells(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whatever flows faster than a thousandth of what Identity allows is refused."""

    @answering(patch, m.StagePrescription)
    def stage(ordinary, telemetry, request, event):
        rate = request.prescription.rate_nl_per_day
        most = telemetry.identity().maximum_rate_nl_per_day // 1_000
        if rate <= most:
            return ordinary(telemetry, request, event)
        reason = m.Reason(WireCode.OUT_OF_RANGE, Field.RATE, rate, 1, most)
        return m.Refusal(request.message_type, (reason,))


@pump_mutant("stage-flows-at-once", caught_by="program/stage-changes-no-therapy")
def stage_flows_at_once(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is staged flows at once."""

    @around(patch, Prescribing, "stage")
    def staged(stage, self, prescription, *, link_id=0):
        stage(self, prescription, link_id=link_id)
        in_force = self.programming
        self.programming = replace(in_force, current=prescription)
        self.begin_infusion()
        self.programming = in_force
        self.after_change()


@pump_mutant("pauses-for-an-update", caught_by="program/stage-changes-no-therapy")
def pauses_for_an_update(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The infusion is held from the staging to the commit, as old pumps did."""

    def historic(endpoint: PumpEndpoint) -> None:
        endpoint.simulation.pump.firmware.historic_updates = True

    pump.alter(historic)


@pump_mutant("echoes-without-threshold", caught_by="program/stage-echo")
def echoes_without_threshold(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The echo of a stage has the threshold of what is in force."""

    @answering(patch, m.StagePrescription)
    def answer(stage, self, request, event):
        staged = stage(self, request, event)
        old_nl = self._firmware.prescription.low_reservoir_threshold_nl
        echo = replace(staged.prescription, low_reservoir_threshold_nl=old_nl)
        return replace(staged, prescription=echo)


@pump_mutant("digest-without-version", caught_by="program/digest")
def digest_without_version(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The digest is over the prescription alone."""
    patch.setattr(telemetry, "prescription_digest", lambda _, sent: prescription_digest(0, sent))


@pump_mutant("digest-big-endian", caught_by="program/digest")
def digest_big_endian(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The version within the digest is big-endian."""

    def digest(version: int, sent: m.Prescription) -> bytes:
        return prescription_digest(int.from_bytes(version.to_bytes(4, "big"), "little"), sent)

    patch.setattr(telemetry, "prescription_digest", digest)


@pump_mutant("totals-of-the-old-dose", caught_by="program/totals")
def totals_of_the_old_dose(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The totals of a stage are those of what is in force."""

    @answering(patch, m.StagePrescription)
    def answer(stage, self, request, event):
        staged = stage(self, request, event)
        return replace(staged, totals=wire_values.totals_out(self._firmware.prescription))


@pump_mutant("keeps-the-first-staged", caught_by="program/stage-replaces")
def keeps_the_first_staged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A second stage is answered, and does not replace the first."""

    @around(patch, Programming, "staged")
    def keep(staged, self, prescription):
        return staged(self, prescription) if self.pending is None else self

    patch.setattr(Prescribing, "drop_pending", lambda *_: None)


@pump_mutant("replaces-in-silence", caught_by="program/stage-replaces")
def replaces_in_silence(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What a second stage replaces is not logged as rolled back."""

    @around(patch, Prescribing, "drop_pending")
    def drop_pending(drop, self, event, link_id=0):
        log = self.log
        drop(self, event, link_id)
        self.log = log


@pump_mutant("refused-stage-drops-pending", caught_by="program/refused-stage-keeps-pending")
def refused_stage_drops_pending(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A stage that is refused drops what was pending."""

    @around(patch, Prescribing, "stage")
    def staged(stage, self, prescription, *, link_id=0):
        try:
            stage(self, prescription, link_id=link_id)
        except Refused:
            self.drop_pending(EventCode.ROLLED_BACK, link_id)
            raise


@pump_mutant("logs-refused-stages", caught_by="program/refused-stage-changes-nothing")
def logs_refused_stages(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A stage that is refused is in the therapy log as rolled back."""

    @around(patch, Prescribing, "stage")
    def staged(stage, self, prescription, *, link_id=0):
        try:
            stage(self, prescription, link_id=link_id)
        except Refused:
            self.record(EventCode.ROLLED_BACK, prescription.rate_nl_per_day, 0, link_id)
            raise


# --- Commit --------------------------------------------------------------------------------------


@pump_mutant("accepts-any-digest", caught_by="program/stale-digest")
def accepts_any_digest(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit puts in force what is pending, whatever was reviewed."""

    def wanted(self: Telemetry, digest: bytes) -> bytes:
        return digest if self._firmware.pending is None else digest_of_pending(self)

    commit_as(patch, wanted)


@pump_mutant("compares-half-the-digest", caught_by="program/stale-digest")
def compares_half_the_digest(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only the first half of the digest is compared."""

    def wanted(self: Telemetry, digest: bytes) -> bytes:
        right = digest if self._firmware.pending is None else digest_of_pending(self)
        return right if right[:16] == digest[:16] else digest

    commit_as(patch, wanted)


@pump_mutant("stale-commit-drops-pending", caught_by="program/stale-digest")
def stale_commit_drops_pending(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit with a stale digest rolls back what is pending."""

    @answering(patch, m.CommitPrescription)
    def answer(commit, self, request, event):
        try:
            return commit(self, request, event)
        except telemetry._RefusedByTelemetry:
            self._firmware.drop_pending(EventCode.ROLLED_BACK, event.link_id)
            raise


@pump_mutant("nothing-staged-is-stale", caught_by="program/commit-nothing-staged")
def nothing_staged_is_stale(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit while nothing is pending is refused with STALE_DIGEST."""

    @answering(patch, m.CommitPrescription)
    def answer(commit, self, request, event):
        try:
            return commit(self, request, event)
        except Refused as refused:
            if refused.reasons[0].code is RefusalCode.NOTHING_STAGED:
                reason = m.Reason(codes.RefusalCode.STALE_DIGEST, codes.Field.DIGEST)
                raise telemetry._RefusedByTelemetry(reason) from None
            raise


@pump_mutant("commits-half", caught_by="program/commit")
def commits_half(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit leaves the threshold as it was."""

    @around(patch, Programming, "committed")
    def half(committed, self, prescription, at_ms):
        old_nl = self.current.low_reservoir_threshold_nl
        return committed(self, replace(prescription, low_reservoir_threshold_nl=old_nl), at_ms)


@pump_mutant("rollback-counts", caught_by="program/versions")
def rollback_counts(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A roll-back uses a version up."""

    @around(patch, Programming, "rolled_back")
    def counted(rolled_back, self, *, incomplete=False):
        after = rolled_back(self, incomplete=incomplete)
        return replace(after, version=after.version + 1)
