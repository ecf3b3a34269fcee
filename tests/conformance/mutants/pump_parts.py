"""Pumps that are wrong about the parts of a prescription: patient boluses and mixtures."""

from dataclasses import replace

import pytest

from pump_sim import telemetry
from pump_sim.model import rules
from pump_sim.model.firmware import prescribing
from pump_sim.model.firmware.prescribing import Prescribing
from pump_sim.model.prescription import Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode
from tests.conformance.mutants.changes import around, move_limits, pass_over
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

Reasons = tuple[Reason, ...]


@pump_mutant("lockout-shorter-than-the-bolus", caught_by="schedule/patient-bolus-limits")
def lockout_shorter_than_the_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A lockout may end before its bolus does."""
    move_limits(patch, Field.PATIENT_LOCKOUT, -600_000, 0)


@pump_mutant("one-bolus-too-many-allotted", caught_by="schedule/patient-bolus-limits")
def one_bolus_too_many_allotted(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """One patient bolus more than the limit may be allotted."""
    move_limits(patch, Field.PATIENT_ALLOTMENT, 0, 1)


@pump_mutant("any-volume-of-a-dose", caught_by="schedule/patient-bolus-dose")
def any_volume_of_a_dose(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The volume of a patient bolus need not follow from its dose."""
    pass_over(patch, rules, "_check_patient", RefusalCode.MISMATCH, Field.PATIENT_VOLUME)


@pump_mutant("patient-dose-without-limit", caught_by="schedule/patient-bolus-dose")
def patient_dose_without_limit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A patient bolus may be 1 ng more than the hard limit."""
    move_limits(patch, Field.PATIENT_DOSE, 0, 1)


@pump_mutant("patient-bolus-on-the-mean-rate", caught_by="schedule/patient-bolus-rate")
def patient_bolus_on_the_mean_rate(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The rate of a patient bolus is held against the mean rate, not the highest one."""
    mean = property(lambda self: self.rate_nl_per_day)
    patch.setattr(Prescription, "highest_basal_rate_nl_per_day", mean)


@pump_mutant("total-without-the-patient", caught_by="schedule/patient-bolus-total")
def total_without_the_patient(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The hard limit of a day does not count what the patient may ask for."""
    pass_over(patch, rules, "_check_totals", RefusalCode.OUT_OF_RANGE, Field.HIGHEST_DAILY_DOSE)


@pump_mutant("soft-limit-without-the-patient", caught_by="schedule/patient-bolus-confirmed")
def soft_limit_without_the_patient(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The soft limit does not count what the patient may ask for."""

    def needed(plan: Prescription, profile: Profile) -> bool:
        return plan.daily_dose_ng > profile.soft_daily_dose_ng

    for module in (telemetry, prescribing):
        patch.setattr(module, "needs_confirmation", needed)


@pump_mutant("last-drug-is-primary", caught_by="schedule/mixture")
def last_drug_is_primary(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Rates follow from the concentration of the last drug of a mixture."""
    last = property(lambda self: self.drugs[-1].concentration_ng_per_ml if self.drugs else 0)
    patch.setattr(Prescription, "concentration_ng_per_ml", last)


@pump_mutant("four-drugs", caught_by="schedule/mixture-count")
def four_drugs(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A mixture may hold four drugs."""
    patch.setattr(rules, "MAX_DRUGS", 4)


@pump_mutant("no-stop-without-a-drug", caught_by="schedule/mixture-count")
def no_stop_without_a_drug(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A pump that has lost its drugs cannot be stopped."""

    def check(plan: Prescription, profile: Profile) -> Reasons:
        reasons = rules.check_prescription(plan, profile)
        if not plan.drugs:
            reasons += rules.out_of_range(Field.DRUGS, 0, 1, 3)
        return reasons

    patch.setattr(prescribing, "check_prescription", check)


@pump_mutant("only-the-first-drug-judged", caught_by="schedule/mixture-drugs")
def only_the_first_drug_judged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Name and concentration of the other drugs are taken as they are."""
    around(patch, rules, "_check_drugs")(lambda check, drugs, profile: check(drugs[:1], profile))


@pump_mutant("keeps-one-drug", caught_by="schedule/mixture-in-force")
def keeps_one_drug(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is in force holds only the first drug of a mixture."""

    @around(patch, Prescribing, "_put_in_force")
    def first(put, self, programming, *args, **more):
        new = replace(programming.current, drugs=programming.current.drugs[:1])
        put(self, replace(programming, current=new), *args, **more)
