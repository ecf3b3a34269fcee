"""Pumps that are wrong about periodic boluses."""

from dataclasses import replace

import pytest

from pump_sim.model import dosing, rules, schedule
from pump_sim.model.firmware import infusion
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.prescription import DoseTotals, Prescription
from pump_sim.model.refusals import Field, RefusalCode
from tests.conformance.mutants.changes import around, move_limits, pass_over, reckon_totals
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


@pump_mutant("interval-shorter-than-the-bolus", caught_by="schedule/periodic-limits")
def interval_shorter_than_the_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The next periodic bolus may begin a little before the last has ended."""
    move_limits(patch, Field.PERIODIC_INTERVAL, -1, 0)


@pump_mutant("first-after-more-than-the-interval", caught_by="schedule/periodic-limits")
def first_after_more_than_the_interval(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The first bolus may begin later than an interval after the commit."""
    move_limits(patch, Field.PERIODIC_FIRST, 0, 1)


@pump_mutant("periodic-dose-limit-exclusive", caught_by="schedule/periodic-dose")
def periodic_dose_limit_exclusive(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A periodic bolus of just the hard limit is refused."""
    move_limits(patch, Field.PERIODIC_DOSE, 0, -1)


@pump_mutant("no-zero-under-boluses", caught_by="schedule/periodic-basal-rate")
def no_zero_under_boluses(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Nothing but boluses cannot be prescribed."""

    @around(patch, rules, "_check_periodic")
    def checked(check, plan, bolus, profile):
        basal = bolus.basal_rate_nl_per_day
        least, most = profile.minimum_rate_nl_per_day, profile.max_rate_nl_per_day
        zero = rules.out_of_range(Field.PERIODIC_BASAL_RATE, basal, least, most)
        return check(plan, bolus, profile) + (zero if not basal else ())


@pump_mutant("periodic-rate-of-the-bolus-alone", caught_by="schedule/periodic-basal-rate")
def periodic_rate_of_the_bolus_alone(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Basal rate and periodic bolus together may be faster than the pump."""
    pass_over(patch, rules, "_check_periodic", RefusalCode.OUT_OF_RANGE, Field.PERIODIC_RATE)


@pump_mutant("begun-interval-does-not-count", caught_by="schedule/periodic-means")
def begun_interval_does_not_count(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The day with most has as many boluses as whole intervals."""

    def reckon(plan: Prescription, right: DoseTotals) -> DoseTotals:
        bolus = plan.periodic
        if bolus is None:
            return right
        count = 86_400_000 // bolus.interval_ms
        volume_nl = bolus.basal_rate_nl_per_day + count * bolus.volume_nl
        highest_ng = dosing.dose_for_rate(volume_nl, plan.concentration_ng_per_ml)
        return DoseTotals(right.mean_ng, highest_ng, highest_ng)

    reckon_totals(patch, reckon)


@pump_mutant("periodic-begins-at-once", caught_by="schedule/periodic-begins")
def periodic_begins_at_once(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The first periodic bolus begins at the commit, whatever was prescribed."""

    def anchored(self: Infusion, from_ms: int) -> None:
        self.delivery = replace(self.delivery, periodic_anchor_ms=from_ms)

    patch.setattr(Infusion, "_anchor_periodic", anchored)


@pump_mutant("interval-from-end-to-start", caught_by="schedule/periodic-begins")
def interval_from_end_to_start(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The interval counts from the end of a periodic bolus to the start of the next."""

    @around(patch, infusion, "infusion")
    def slower(flows, plan, **more):
        if plan.periodic is not None:
            bolus = plan.periodic
            longer = replace(bolus, interval_ms=bolus.interval_ms + bolus.duration_ms)
            plan = replace(plan, periodic=longer)
        return flows(plan, **more)


@pump_mutant("first-periodic-never-at-once", caught_by="schedule/periodic-at-once")
def first_periodic_never_at_once(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Where the first is to begin at once it begins after an interval."""

    def anchored(self: Infusion, from_ms: int) -> None:
        bolus = self.programming.current.periodic
        if bolus is not None:
            anchor_ms = from_ms + (bolus.first_after_ms or bolus.interval_ms)
            self.delivery = replace(self.delivery, periodic_anchor_ms=anchor_ms)

    patch.setattr(Infusion, "_anchor_periodic", anchored)


@pump_mutant("half-of-each-bolus", caught_by="schedule/periodic-delivered")
def half_of_each_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Half of a periodic bolus is delivered, though all of it is told."""

    @around(patch, schedule, "Segment")
    def halved(segment, starts_at_ms, units, per_ms=1):
        return segment(starts_at_ms, units // 2 if per_ms > 1 else units, per_ms)


@pump_mutant("clock-moves-boluses", caught_by="schedule/periodic-by-pump-time")
def clock_moves_boluses(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Periodic boluses follow the local clock."""

    @around(patch, Firmware, "set_clock")
    def moved(set_clock, self, local_ms, *, link_id=0):
        old_ms, new_ms = set_clock(self, local_ms, link_id=link_id)
        anchor_ms = self.delivery.periodic_anchor_ms - (new_ms - old_ms)
        self.delivery = replace(self.delivery, periodic_anchor_ms=anchor_ms)
        self.follow_prescription()
        self.after_change()
        return old_ms, new_ms


@pump_mutant("boluses-go-on-in-step", caught_by="schedule/periodic-ends-with-prescription")
def boluses_go_on_in_step(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """New periodic boluses keep the step of those that they replace."""

    @around(patch, Infusion, "_anchor_periodic")
    def anchored(anchor, self, from_ms):
        if not self.delivery.periodic_anchor_ms:
            anchor(self, from_ms)
