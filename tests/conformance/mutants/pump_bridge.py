"""Pumps that are wrong about a change of drug, and the bridge to it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pump_sim.model import bridging, dosing, prescription
from pump_sim.model.events import EventCode
from pump_sim.model.firmware import prescribing
from pump_sim.model.firmware.delivery import RunningBolus
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.firmware.prescribing import Prescribing
from pump_sim.model.orders import BolusKind, BolusOutcome
from pump_sim.model.prescription import BridgeDecision, Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode
from tests.conformance.mutants.changes import around, move_limits, pass_over
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

Reasons = tuple[Reason, ...]


@pump_mutant("change-of-drug-undecided", caught_by="schedule/bridge-undecided")
def change_of_drug_undecided(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Another drug needs no decision about the old one."""
    pass_over(patch, prescribing, "check_bridge", RefusalCode.BRIDGE_UNDECIDED, Field.BRIDGE)


@pump_mutant("renamed-drug-is-the-same", caught_by="schedule/bridge-undecided")
def renamed_drug_is_the_same(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only another concentration is a change of drug."""

    def same(self: Prescription, other: Prescription) -> bool:
        mine = [each.concentration_ng_per_ml for each in self.drugs]
        return mine == [each.concentration_ng_per_ml for each in other.drugs]

    patch.setattr(Prescription, "same_drugs", same)


@pump_mutant("order-of-drugs-is-nothing", caught_by="schedule/bridge-undecided-mixture")
def order_of_drugs_is_nothing(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The same drugs in another order are no change."""

    def same(self: Prescription, other: Prescription) -> bool:
        mixtures = [prescription._mixture(each) for each in (self, other)]
        return sorted(mixtures[0]) == sorted(mixtures[1])

    patch.setattr(Prescription, "same_drugs", same)


def _other_bridge_rules(
    patch: pytest.MonkeyPatch, check: Callable[[Prescription, Prescription, Profile], Reasons]
) -> None:
    patch.setattr(prescribing, "check_bridge", check)


@pump_mutant("needless-bridge", caught_by="schedule/bridge-not-needed")
def needless_bridge(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Where no drug changes any decision is taken."""

    def check(new: Prescription, old: Prescription, profile: Profile) -> Reasons:
        if new.same_drugs(old):
            return ()
        return bridging.check_bridge(new, old, profile)

    _other_bridge_rules(patch, check)


@pump_mutant("declined-with-a-bridge", caught_by="schedule/bridge-decision-agrees")
def declined_with_a_bridge(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bridge that comes with DECLINED is passed over."""

    def check(new: Prescription, old: Prescription, profile: Profile) -> Reasons:
        if new.bridge_decision is BridgeDecision.DECLINED:
            new = replace(new, bridge=None)
        return bridging.check_bridge(new, old, profile)

    _other_bridge_rules(patch, check)


@pump_mutant("bridge-from-a-stop", caught_by="schedule/bridge-modes")
def bridge_from_a_stop(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bridge may begin where nothing flows."""
    pass_over(patch, prescribing, "check_bridge", RefusalCode.WRONG_MODE, Field.BRIDGE)


@pump_mutant("bridge-at-the-new-concentration", caught_by="schedule/bridge-numbers")
def bridge_at_the_new_concentration(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The rate of a bridge follows from the concentration of the new drug."""

    @around(patch, bridging, "_check_numbers")
    def numbers(check, bridge, new, old, profile):
        return check(bridge, new, replace(old, drugs=new.drugs), profile)


@pump_mutant("bridge-rounded-down", caught_by="schedule/bridge-numbers")
def bridge_rounded_down(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The duration of a bridge is rounded down."""
    down = staticmethod(lambda volume_nl, rate: volume_nl * 86_400_000 // rate)
    patch.setattr(dosing, "bridge_duration_ms", down)


@pump_mutant("bridge-above-its-volume", caught_by="schedule/bridge-volume")
def bridge_above_its_volume(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bridge may clear 1 nL more than the greatest priming volume."""
    move_limits(patch, Field.BRIDGE_VOLUME, 0, 1, module=bridging)


@pump_mutant("bridge-of-any-rate", caught_by="schedule/bridge-rate")
def bridge_of_any_rate(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bridge may be slower than any therapeutic rate."""
    pass_over(patch, bridging, "_check_numbers", RefusalCode.OUT_OF_RANGE, Field.BRIDGE_RATE)


@pump_mutant("bridge-on-top-of-the-rate", caught_by="schedule/bridge-begins")
def bridge_on_top_of_the_rate(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The basal rate flows under a bridge."""

    @around(patch, Infusion, "begin_bridge")
    def begun(begin, self, link_id=0):
        begin(self, link_id)
        course = replace(self.delivery.course, begins_at_ms=0)
        self.delivery = replace(self.delivery, course=course)


@pump_mutant("bridge-is-for-ever", caught_by="schedule/bridge-ends")
def bridge_is_for_ever(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """After a bridge nothing flows until somebody programs the pump."""

    @around(patch, Infusion, "_end_bolus")
    def ended(end, self, outcome, *args, **more):
        running: RunningBolus | None = self.delivery.bolus
        report = end(self, outcome, *args, **more)
        if running is not None and running.kind is BolusKind.BRIDGE:
            self._deliver(self.delivery.based(0, None))
        return report


@pump_mutant("first-counts-from-the-commit", caught_by="schedule/bridge-then-periodic")
def first_counts_from_the_commit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The first periodic bolus after a bridge is due as if there had been none."""
    around(patch, Infusion, "_anchor_periodic")(
        lambda anchor, self, _: anchor(self, self.programming.since_ms)
    )


@pump_mutant("aborted-bridge-stops", caught_by="schedule/bridge-aborted")
def aborted_bridge_stops(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The new rate waits until the bridge would have ended, though it was aborted."""

    @around(patch, Infusion, "_end_bolus")
    def ended(end, self, outcome, *args, **more):
        running: RunningBolus | None = self.delivery.bolus
        report = end(self, outcome, *args, **more)
        bridge = running is not None and running.kind is BolusKind.BRIDGE
        if bridge and outcome is BolusOutcome.ABORTED:
            self._deliver(self.delivery.based(0, None))
        return report


@pump_mutant("bridge-taken-up-again", caught_by="schedule/bridge-cut-by-hold")
def bridge_taken_up_again(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bridge that an empty reservoir cut short begins anew after the refill."""

    @around(patch, Infusion, "release")
    def released(release, self, hold):
        release(self, hold)
        if self.programming.current.bridge is not None:
            self.begin_bridge()


@pump_mutant("bridge-begins-while-held", caught_by="schedule/bridge-while-held")
def bridge_begins_while_held(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bridge is committed while the reservoir is empty, and never delivered."""
    pass_over(
        patch, Prescribing, "_reasons_against_commit", RefusalCode.INFUSION_HELD, Field.BRIDGE
    )


@pump_mutant("commit-ends-a-bridge", caught_by="schedule/bridge-in-the-way")
def commit_ends_a_bridge(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Another dose is committed while a bridge runs, which is cut short by it."""
    pass_over(patch, Prescribing, "_reasons_against_commit", RefusalCode.BOLUS_ACTIVE, Field.BRIDGE)


@pump_mutant("declining-not-logged", caught_by="schedule/bridge-declined")
def declining_not_logged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """That a bridge was declined leaves no record."""

    @around(patch, Prescribing, "record")
    def recorded(record, self, event, *args):
        if event is not EventCode.BRIDGE_DECLINED:
            record(self, event, *args)
