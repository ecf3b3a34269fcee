"""Pumps that are wrong about what stands against a commit, and what it does to a bolus."""

from dataclasses import replace

import pytest

from pump_protocol import messages as m
from pump_sim import telemetry
from pump_sim.model import rules
from pump_sim.model.events import EventCode
from pump_sim.model.firmware import prescribing
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.firmware.prescribing import Prescribing
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.prescription import Mode, Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused
from tests.conformance.mutants.changes import answering, around, pass_over
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

# --- The soft limit ------------------------------------------------------------------------------


@pump_mutant("soft-limit-inclusive", caught_by="program/soft-limit")
def soft_limit_inclusive(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A dose at the soft limit has to be confirmed already."""

    def needed(prescription: Prescription, profile: Profile) -> bool:
        return rules.dose_totals(prescription).with_patient_ng >= profile.soft_daily_dose_ng

    patch.setattr(telemetry, "needs_confirmation", needed)


@pump_mutant("soft-limit-not-asked", caught_by="program/soft-limit-not-confirmed")
def soft_limit_not_asked(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit is carried out without the confirmation that the stage asked for."""
    patch.setattr(prescribing, "needs_confirmation", lambda *_: False)


@pump_mutant("any-confirmation", caught_by="program/soft-limit-not-confirmed")
def any_confirmation(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Any number confirms a dose."""

    @answering(patch, m.CommitPrescription)
    def answer(commit, self, request, event):
        pending = self._firmware.pending
        if request.confirmed_dose_ng is not None and pending is not None:
            right_ng = rules.dose_totals(pending).with_patient_ng
            request = replace(request, confirmed_dose_ng=right_ng)
        return commit(self, request, event)


@pump_mutant("confirmation-not-logged", caught_by="program/soft-limit-confirmed")
def confirmation_not_logged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A confirmed dose leaves no record of it."""

    @around(patch, Prescribing, "record")
    def recorded(record, self, event, *args):
        if event is not EventCode.SOFT_LIMIT_CONFIRMED:
            record(self, event, *args)


@pump_mutant("needless-confirmation-refused", caught_by="program/needless-confirmation")
def needless_confirmation_refused(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A confirmation where none was asked for is refused."""

    @answering(patch, m.CommitPrescription)
    def answer(commit, self, request, event):
        pending = self._firmware.pending
        profile = self._pump.profile
        asked = pending is not None and rules.needs_confirmation(pending, profile)
        if request.confirmed_dose_ng is not None and not asked:
            raise Refused(Reason(RefusalCode.NOT_CONFIRMED, Field.HIGHEST_DAILY_DOSE))
        return commit(self, request, event)


# --- A bolus, a reset ----------------------------------------------------------------------------


@pump_mutant("commit-aborts-bolus", caught_by="program/bolus-goes-on")
def commit_aborts_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Every commit ends the bolus that runs."""

    @around(patch, Infusion, "begin_infusion")
    def begun(begin, self):
        self.end_any_bolus()
        begin(self)


def _against_commit(patch: pytest.MonkeyPatch, code: RefusalCode, field: Field) -> None:
    """Have a commit carried out in spite of one reason."""
    pass_over(patch, Prescribing, "_reasons_against_commit", code, field)


@pump_mutant("new-drug-under-a-bolus", caught_by="program/bolus-drug-change")
def new_drug_under_a_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Another concentration is committed while a bolus of the old one runs."""
    _against_commit(patch, RefusalCode.BOLUS_ACTIVE, Field.CONCENTRATION)


@pump_mutant("too-fast-with-a-bolus", caught_by="program/bolus-rate-limit")
def too_fast_with_a_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit may bring rate and bolus together above what the pump can."""
    _against_commit(patch, RefusalCode.OUT_OF_RANGE, Field.RATE)


def _spares_bolus(patch: pytest.MonkeyPatch, mode: Mode) -> None:

    @around(patch, Infusion, "end_any_bolus")
    def ended(end, self, link_id=0, *, unsure_ms=0):
        pending = self.programming.pending
        if pending is not None and pending.mode is mode:
            return None
        return end(self, link_id, unsure_ms=unsure_ms)


@pump_mutant("bolus-goes-on-when-stopped", caught_by="program/stop-aborts-bolus")
def bolus_goes_on_when_stopped(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """STOPPED ends the rate, and the bolus goes on."""
    _spares_bolus(patch, Mode.STOPPED)


@pump_mutant("bolus-goes-on-at-minimum-rate", caught_by="program/minimum-rate-aborts-bolus")
def bolus_goes_on_at_minimum_rate(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """MINIMUM_RATE takes the rate down, and the bolus goes on."""
    _spares_bolus(patch, Mode.MINIMUM_RATE)


@pump_mutant("reset-keeps-pending", caught_by="program/reset-drops-pending")
def reset_keeps_pending(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is pending outlives a reset."""

    @around(patch, Programming, "in_safe_state")
    def kept(in_safe_state, self, prescription, at_ms):
        return replace(in_safe_state(self, prescription, at_ms), pending=self.pending)

    patch.setattr(Prescribing, "drop_pending", lambda *_: None)


@pump_mutant("safe-state-is-no-version", caught_by="program/safe-state")
def safe_state_is_no_version(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What the pump itself puts in force has the version of what was in force before."""

    @around(patch, Programming, "in_safe_state")
    def same(in_safe_state, self, prescription, at_ms):
        return replace(in_safe_state(self, prescription, at_ms), version=self.version)


# --- The bridge ----------------------------------------------------------------------------------


@pump_mutant("guesses-lost-drugs", caught_by="program/lost-drugs")
def guesses_lost_drugs(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bridge from drugs that were lost is taken."""
    pass_over(patch, prescribing, "check_bridge", RefusalCode.WRONG_MODE, Field.BRIDGE)
