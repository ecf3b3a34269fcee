"""Pumps that are wrong about single and priming boluses."""

from dataclasses import replace

import pytest

from pump_sim.model import dosing
from pump_sim.model.course import BolusCurve, Course
from pump_sim.model.events import EventCode
from pump_sim.model.firmware import infusion
from pump_sim.model.firmware.delivery import Delivery, RunningBolus
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.orders import BolusKind, BolusOutcome
from pump_sim.model.prescription import Mode, Prescription
from pump_sim.model.refusals import Field, Reason, RefusalCode, out_of_range
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

# --- What may be ordered -----------------------------------------------------------------------


@pump_mutant("any-kind-is-single", caught_by="bolus/kind-that-cannot-be-ordered")
def any_kind_is_single(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus of a kind that cannot be ordered is taken for a single one."""

    @around(patch, infusion, "check_bolus")
    def check(ordinary, order, prescription, profile):
        ordered = order.kind in (BolusKind.SINGLE, BolusKind.PRIMING)
        single = order if ordered else replace(order, kind=BolusKind.SINGLE)
        return ordinary(single, prescription, profile)


def _without(patch: pytest.MonkeyPatch, code: RefusalCode, field: Field, when=None) -> None:
    """Leave out one reason against a bolus."""

    @around(patch, Infusion, "_reasons_against_bolus")
    def reasons(ordinary, firmware, order):
        found = ordinary(firmware, order)
        if when is not None and not when(firmware, order):
            return found
        return tuple(each for each in found if (each.code, each.field) != (code, field))


@pump_mutant("concentration-not-compared", caught_by="bolus/concentration-of-the-prescription")
def concentration_not_compared(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An order that agrees with itself is taken, whatever is in the pump."""
    _without(patch, RefusalCode.MISMATCH, Field.CONCENTRATION)


@pump_mutant("halves-rounded-up", caught_by="bolus/volume-of-the-dose")
def halves_rounded_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Where two volumes are equally near, the greater is taken."""

    @around(patch, dosing, "volume_for_dose")
    def volume_for_dose(ordinary, dose_ng, concentration):
        return (2 * dose_ng * 1_000_000 + concentration) // (2 * concentration)


@pump_mutant("volume-of-the-pumps-concentration", caught_by="bolus/volume-of-the-dose")
def volume_of_the_pumps_concentration(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The volume is held against the concentration in force, not that of the order."""

    @around(patch, infusion, "check_bolus")
    def check(ordinary, order, prescription, profile):
        own = replace(order, concentration_ng_per_ml=prescription.concentration_ng_per_ml)
        return ordinary(own, prescription, profile)


def _limits(patch: pytest.MonkeyPatch, **more: int) -> None:
    """Hold boluses against limits that are so much greater."""

    @around(patch, infusion, "check_bolus")
    def check(ordinary, order, prescription, profile):
        changed = {name: getattr(profile, name) + by for name, by in more.items()}
        return ordinary(order, prescription, replace(profile, **changed))


@pump_mutant("dose-limit-off-by-one", caught_by="bolus/dose-limits")
def dose_limit_off_by_one(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The greatest dose is refused."""
    _limits(patch, max_bolus_dose_ng=-1)


@pump_mutant("duration-limit-off-by-one", caught_by="bolus/duration-limits")
def duration_limit_off_by_one(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus may be 1 ms shorter than the limit."""
    _limits(patch, min_bolus_duration_ms=-1)


@pump_mutant("longest-duration-not-judged", caught_by="bolus/duration-limits")
def longest_duration_not_judged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus may be as long as one likes."""
    _limits(patch, max_bolus_duration_ms=2**31)


@pump_mutant("capacity-limit-off-by-one", caught_by="bolus/volume-above-the-capacity")
def capacity_limit_off_by_one(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus of just the capacity is above it."""
    _limits(patch, capacity_nl=-1)


@pump_mutant("more-than-is-left-taken", caught_by="bolus/more-than-is-left")
def more_than_is_left_taken(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What is left is not looked at, as long as anything is."""

    @around(patch, Infusion, "_reasons_of_supply")
    def reasons_of_supply(ordinary, firmware, field, volume_nl):
        return ordinary(firmware, field, 0)


@pump_mutant("all-that-is-left-refused", caught_by="bolus/more-than-is-left")
def all_that_is_left_refused(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus of just what is left is too much."""

    @around(patch, Infusion, "_reasons_of_supply")
    def reasons_of_supply(ordinary, firmware, field, volume_nl):
        left_nl = firmware.ledger.left_nl
        reasons = ordinary(firmware, field, volume_nl)
        return reasons or out_of_range(field, volume_nl, 1, left_nl - 1)


@pump_mutant("rate-limit-without-the-basal-rate", caught_by="bolus/rate-limit")
def rate_limit_without_the_basal_rate(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The rate of the bolus alone is held against the limit of the flow."""

    @around(patch, infusion, "check_bolus")
    def check(ordinary, order, prescription, profile):
        most = profile.max_rate_nl_per_day + prescription.highest_basal_rate_nl_per_day
        return ordinary(order, prescription, replace(profile, max_rate_nl_per_day=most))


@pump_mutant("rate-of-a-bolus-rounded-down", caught_by="bolus/rate-limit")
def rate_of_a_bolus_rounded_down(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The rate of a bolus is rounded down, and so the limit exceeded by a part of a nL."""

    @around(patch, dosing, "bolus_rate_nl_per_day")
    def bolus_rate(ordinary, volume_nl, duration_ms):
        return volume_nl * 86_400_000 // duration_ms


@pump_mutant("mean-rate-counts", caught_by="bolus/rate-limit-of-a-schedule")
def mean_rate_counts(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus is held against the mean rate of a schedule, not its highest step."""
    mean = property(lambda self: self.rate_nl_per_day)
    patch.setattr(Prescription, "highest_basal_rate_nl_per_day", mean)


@pump_mutant("priming-limited-by-dose", caught_by="bolus/priming-limits")
def priming_limited_by_dose(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A priming bolus is held against the limit of a dose as well."""

    @around(patch, infusion, "check_bolus")
    def check(ordinary, order, prescription, profile):
        reasons = ordinary(order, prescription, profile)
        if order.kind is BolusKind.PRIMING:
            most_ng = profile.max_bolus_dose_ng
            reasons += out_of_range(Field.BOLUS_DOSE, order.dose_ng, 1, most_ng)
        return reasons


@pump_mutant("priming-dose-not-compared", caught_by="bolus/priming-limits")
def priming_dose_not_compared(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The dose of a priming bolus may be anything."""
    _without(patch, RefusalCode.MISMATCH, Field.BOLUS_DOSE)


# --- When one may begin ------------------------------------------------------------------------


@pump_mutant("priming-cuts-a-single-bolus", caught_by="bolus/one-at-a-time")
def priming_cuts_a_single_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A priming bolus, which goes before a single one, takes its place."""

    @around(patch, Firmware, "order_bolus")
    def order_bolus(ordinary, firmware, order, **named):
        running = firmware.delivery.bolus
        if running is not None and order.kind.value < running.kind.value:
            firmware.end_any_bolus()
        return ordinary(firmware, order, **named)


@pump_mutant("bolus-in-mode-stopped", caught_by="bolus/in-mode-stopped")
def bolus_in_mode_stopped(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus is taken in mode STOPPED."""
    wrong_mode = (RefusalCode.WRONG_MODE, Field.MODE)
    _without(patch, *wrong_mode, lambda firmware, _: not firmware.programming.safe)


@pump_mutant("bolus-in-the-safe-state", caught_by="bolus/in-the-safe-state")
def bolus_in_the_safe_state(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus is taken in a safe state, which is no mode of its own."""
    wrong_mode = (RefusalCode.WRONG_MODE, Field.MODE)
    _without(patch, *wrong_mode, lambda firmware, _: firmware.programming.safe)


@pump_mutant("no-bolus-at-the-minimum-rate", caught_by="bolus/at-the-minimum-rate")
def no_bolus_at_the_minimum_rate(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus is refused in every mode that treats nobody."""

    @around(patch, Infusion, "_reasons_against_bolus")
    def reasons(ordinary, firmware, order):
        found = ordinary(firmware, order)
        if firmware.prescription.mode is Mode.MINIMUM_RATE:
            found += (Reason(RefusalCode.WRONG_MODE, Field.MODE),)
        return found


@pump_mutant("bolus-cuts-a-bridge", caught_by="bolus/during-a-bridge")
def bolus_cuts_a_bridge(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An order ends a bridge, as it would a patient bolus."""

    @around(patch, Firmware, "order_bolus")
    def order_bolus(ordinary, firmware, order, **named):
        if firmware.delivery.bridging:
            firmware.end_any_bolus()
        return ordinary(firmware, order, **named)


# --- How it flows ------------------------------------------------------------------------------


@pump_mutant("bolus-in-place-of-the-basal-rate", caught_by="bolus/on-top-of-the-basal-rate")
def bolus_in_place_of_the_basal_rate(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """While a bolus runs nothing else flows."""

    @around(patch, Delivery, "with_bolus")
    def with_bolus(ordinary, delivery, bolus):
        flowing = ordinary(delivery, bolus)
        return replace(flowing, course=Course(0, flowing.course.bolus))

    @around(patch, Firmware, "_end_bolus")
    def end_bolus(ordinary, firmware, *given, **named):
        report = ordinary(firmware, *given, **named)
        firmware.follow_prescription()
        return report


@pump_mutant("aborted-bolus-flows-on", caught_by="bolus/on-top-of-the-basal-rate")
def aborted_bolus_flows_on(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An abort is told, and the bolus goes on flowing."""

    @around(patch, Delivery, "without_bolus")
    def without_bolus(ordinary, delivery, report):
        ended = ordinary(delivery, report)
        return replace(ended, course=delivery.course)


@pump_mutant("status-has-no-order-number", caught_by="bolus/as-the-status-tells-it")
def status_has_no_order_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The number of a bolus is told while it runs, and forgotten with it."""

    @around(patch, RunningBolus, "report")
    def report(ordinary, bolus, at_ms, outcome=BolusOutcome.RUNNING, **named):
        told = ordinary(bolus, at_ms, outcome, **named)
        return told if outcome is BolusOutcome.RUNNING else replace(told, order_number=0)


@pump_mutant("rate-of-a-bolus-in-whole-numbers", caught_by="bolus/delivered-evenly")
def rate_of_a_bolus_in_whole_numbers(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus flows at a whole number of nL/day, and delivers a little less than was ordered."""

    @around(patch, BolusCurve, "units_at")
    def units_at(ordinary, curve, at_ms):
        elapsed_ms = min(max(at_ms - curve.started_at_ms, 0), curve.duration_ms)
        return curve.volume_units // curve.duration_ms * elapsed_ms


@pump_mutant("delivered-told-as-ordered", caught_by="bolus/delivered-evenly")
def delivered_told_as_ordered(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The status tells a running bolus as delivered."""

    @around(patch, RunningBolus, "report")
    def report(ordinary, bolus, at_ms, outcome=BolusOutcome.RUNNING, **named):
        told = ordinary(bolus, at_ms, outcome, **named)
        running = outcome is BolusOutcome.RUNNING
        return replace(told, delivered_nl=told.volume_nl) if running else told


@pump_mutant("abort-tells-what-was-ordered", caught_by="bolus/abort-tells-what-was-delivered")
def abort_tells_what_was_ordered(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The answer to an abort tells the whole bolus as delivered."""

    @around(patch, Firmware, "abort_bolus")
    def abort_bolus(ordinary, firmware, **named):
        report = ordinary(firmware, **named)
        return replace(report, delivered_nl=report.volume_nl)


@pump_mutant("abort-of-the-last-bolus", caught_by="bolus/abort-of-nothing")
def abort_of_the_last_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An abort of nothing is answered with the bolus that ended last."""

    @around(patch, Firmware, "abort_bolus")
    def abort_bolus(ordinary, firmware, **named):
        last = firmware.delivery.last_bolus
        if firmware.running_bolus() is None and last is not None:
            return last
        return ordinary(firmware, **named)


@pump_mutant("priming-logged-as-a-bolus", caught_by="bolus/log-records")
def priming_logged_as_a_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A priming bolus is logged as one that reaches the patient."""
    patch.setitem(infusion._STARTED, BolusKind.PRIMING, EventCode.BOLUS_STARTED)


@pump_mutant("abort-logged-without-its-link", caught_by="bolus/log-records")
def abort_logged_without_its_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An abort is logged as if the pump had done it by itself."""

    @around(patch, Firmware, "abort_bolus")
    def abort_bolus(ordinary, firmware, **_):
        return ordinary(firmware)
