"""Pumps that are wrong about periodic boluses that give way to others."""

from dataclasses import replace

import pytest

from pump_sim.model.course import BolusCurve
from pump_sim.model.firmware.delivery import Delivery
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.orders import BolusKind
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


@pump_mutant("periodic-left-out-for-another", caught_by="bolus/periodic-put-off-whole")
def periodic_left_out_for_another(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A periodic bolus that falls due while another runs is left out."""

    @around(patch, Infusion, "_put_off_next")
    def put_off_next(ordinary, firmware):
        running = firmware.delivery.bolus
        firmware.follow_prescription(from_ms=running.curve.ends_at_ms)


@pump_mutant("train-keeps-its-time", caught_by="bolus/periodic-put-off-whole")
def train_keeps_its_time(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """After one that was put off whole, the next begins where it would have begun."""

    @around(patch, Infusion, "_begin_put_off")
    def begin_put_off(ordinary, firmware):
        waiting = firmware.delivery.put_off
        if waiting is None or not waiting.whole:
            return ordinary(firmware)
        anchor_ms = waiting.curve.started_at_ms
        firmware.delivery = replace(
            firmware.delivery, put_off=replace(waiting, whole=False), periodic_anchor_ms=anchor_ms
        )
        return ordinary(firmware)


@pump_mutant("rest-delivered-whole", caught_by="bolus/periodic-put-off-for-its-rest")
def rest_delivered_whole(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A periodic bolus that was cut is delivered all over again."""

    @around(patch, BolusCurve, "rest_at")
    def rest_at(ordinary, curve, at_ms):
        return replace(curve, started_at_ms=at_ms)


@pump_mutant("rest-over-the-whole-duration", caught_by="bolus/periodic-put-off-for-its-rest")
def rest_over_the_whole_duration(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The rest of a periodic bolus flows over its whole duration."""

    @around(patch, BolusCurve, "rest_at")
    def rest_at(ordinary, curve, at_ms):
        return replace(ordinary(curve, at_ms), duration_ms=curve.duration_ms)


@pump_mutant("two-wait", caught_by="bolus/periodic-of-which-one-waits")
def two_wait(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A periodic bolus that falls due takes the place of the rest of another that waits."""

    @around(patch, Infusion, "_put_off")
    def put_off(ordinary, firmware, put_off, until_ms):
        ordinary(firmware, put_off, until_ms)
        if not put_off.whole:
            firmware.follow_prescription(from_ms=firmware.at_ms + 1)

    @around(patch, Infusion, "_put_off_next")
    def put_off_next(ordinary, firmware):
        firmware.delivery = replace(firmware.delivery, put_off=None)
        return ordinary(firmware)


@pump_mutant("next-in-place-of-the-rest", caught_by="bolus/periodic-waits-for-the-last")
def next_in_place_of_the_rest(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """When the bolus for whose end a rest waits is cut, the next whole one takes its place."""

    @around(patch, Infusion, "_put_off_next")
    def put_off_next(ordinary, firmware):
        firmware.delivery = replace(firmware.delivery, put_off=None)
        return ordinary(firmware)


@pump_mutant("abort-drops-what-waits", caught_by="bolus/periodic-after-an-abort")
def abort_drops_what_waits(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """With an abort, what was put off is dropped, too."""

    @around(patch, Firmware, "abort_bolus")
    def abort_bolus(ordinary, firmware, **named):
        firmware.delivery = replace(firmware.delivery, put_off=None)
        return ordinary(firmware, **named)


@pump_mutant("commit-keeps-what-waits", caught_by="bolus/periodic-dropped-by-a-commit")
def commit_keeps_what_waits(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A periodic bolus that was put off outlives its prescription."""

    @around(patch, Firmware, "commit")
    def commit(ordinary, firmware, **named):
        waiting = firmware.delivery.put_off
        version = ordinary(firmware, **named)
        firmware.delivery = replace(firmware.delivery, put_off=waiting)
        return version


@pump_mutant("abort-ends-the-train", caught_by="bolus/periodic-aborted")
def abort_ends_the_train(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An abort of a periodic bolus begins the interval anew."""

    @around(patch, Firmware, "abort_bolus")
    def abort_bolus(ordinary, firmware, **named):
        periodic = firmware.running_bolus()
        report = ordinary(firmware, **named)
        if periodic is not None and periodic.kind is BolusKind.PERIODIC:
            interval_ms = firmware.prescription.periodic.interval_ms
            anchor_ms = firmware.at_ms + interval_ms
            firmware.delivery = replace(firmware.delivery, periodic_anchor_ms=anchor_ms)
            firmware.follow_prescription()
            firmware.replan()
        return report


@pump_mutant("cut-drops-what-waits", caught_by="bolus/periodic-whole-waits-for-the-last")
def cut_drops_what_waits(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """With a bolus that is cut, the periodic one that waits for its end is dropped."""

    @around(patch, Infusion, "_begin")
    def begin(ordinary, firmware, bolus, *given):
        if firmware.delivery.bolus is not None:
            firmware.delivery = replace(firmware.delivery, put_off=None)
        ordinary(firmware, bolus, *given)


@pump_mutant("hold-keeps-what-waits", caught_by="bolus/periodic-dropped-by-a-hold")
def hold_keeps_what_waits(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What was put off when a hold began begins when that ends."""

    @around(patch, Delivery, "held")
    def held(ordinary, delivery, hold):
        return replace(ordinary(delivery, hold), put_off=delivery.put_off)

    @around(patch, Infusion, "release")
    def release(ordinary, firmware, hold):
        ordinary(firmware, hold)
        firmware._begin_put_off()


@pump_mutant("made-up-for-after-a-hold", caught_by="bolus/periodic-left-out-while-held")
def made_up_for_after_a_hold(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A periodic bolus that was left out during a hold begins when that ends."""

    @around(patch, Firmware, "release")
    def release(ordinary, firmware, hold):
        firmware.delivery = replace(firmware.delivery, periodic_anchor_ms=firmware.at_ms)
        return ordinary(firmware, hold)
