"""Pumps that tell of themselves what is not so."""

from dataclasses import replace

import pytest

from pump_protocol import messages as m
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.firmware.forecast import Forecast
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.orders import BolusOutcome
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import answering, around, telling
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


@pump_mutant("threshold-told-in-ml", caught_by="status/agrees-with-prescription")
def threshold_told_in_ml(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The threshold in the status is told in mL."""

    @telling(patch)
    def tell(telemetry, status):
        told = status.prescription
        threshold = told.low_reservoir_threshold_nl // 1_000_000
        return replace(status, prescription=replace(told, low_reservoir_threshold_nl=threshold))


@pump_mutant("pending-belongs-to-a-link", caught_by="status/has-pending")
def pending_belongs_to_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What was staged is told only in the link in which it was."""
    staged_by = 0

    @answering(patch, m.StagePrescription)
    def stage(ordinary, telemetry, request, event):
        nonlocal staged_by
        staged_by = event.link_id
        return ordinary(telemetry, request, event)

    @answering(patch, m.Interrogate)
    def interrogate(ordinary, telemetry, request, event):
        ordinary(telemetry, request, event)
        told = telemetry._status_report()
        return replace(told, has_pending=told.has_pending and event.link_id == staged_by)


@pump_mutant("bolus-left-out-of-the-flow", caught_by="status/infusing")
def bolus_left_out_of_the_flow(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The flow is told without the bolus that runs."""

    @around(patch, Infusion, "infusing_nl_per_day")
    def infusing_nl_per_day(ordinary, firmware):
        return min(ordinary(firmware), firmware.programming.current.rate_nl_per_day)


@pump_mutant("time-of-the-last-change", caught_by="status/volumes")
def time_of_the_last_change(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Volumes are told as they were at the last whole hour."""

    @telling(patch)
    def tell(telemetry, status):
        late_nl = status.infusing_nl_per_day * (status.at_ms % _HOUR_MS) // _DAY_MS
        return replace(status, believed_volume_nl=status.believed_volume_nl + late_nl)


@pump_mutant("time-goes-back", caught_by="status/time")
def time_goes_back(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The clock is told with the time of the interrogation before."""
    before_ms = 0

    @telling(patch)
    def tell(telemetry, status):
        nonlocal before_ms
        told_ms, before_ms = before_ms, status.clock_ms
        return replace(status, clock_ms=told_ms or status.clock_ms)


@pump_mutant("withdrawn-counts-as-delivered", caught_by="status/refill")
def withdrawn_counts_as_delivered(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What a refill takes out of the reservoir counts as delivered."""

    @around(patch, Ledger, "refill")
    def refill(ordinary, ledger, volume_nl):
        after = ordinary(ledger, volume_nl)
        return replace(
            after,
            delivered_units=ledger.delivered_units + ledger.left_units,
            withdrawn_units=ledger.withdrawn_units,
        )


@pump_mutant("low-reservoir-foretold-early", caught_by="status/predictions")
def low_reservoir_foretold_early(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The date of the low reservoir is told an hour too early."""

    @telling(patch)
    def tell(telemetry, status):
        at_ms = status.low_reservoir_at_ms
        return replace(status, low_reservoir_at_ms=at_ms and max(status.at_ms, at_ms - _HOUR_MS))


@pump_mutant("low-reservoir-by-yesterday", caught_by="status/predictions")
def low_reservoir_by_yesterday(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The dates of the reservoir follow from what was believed at the last commit."""
    told: dict[int, tuple[int | None, int | None]] = {}

    @telling(patch)
    def tell(telemetry, status):
        now = (status.low_reservoir_at_ms, status.empty_reservoir_at_ms)
        low_ms, empty_ms = told.setdefault(status.prescription_version, now)
        return replace(status, low_reservoir_at_ms=low_ms, empty_reservoir_at_ms=empty_ms)


@pump_mutant("staged-rate-foretold", caught_by="status/predictions-follow-a-commit")
def staged_rate_foretold(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The date of the empty reservoir follows the staged rate already."""

    @telling(patch)
    def tell(telemetry, status):
        pending = telemetry._firmware.pending
        if pending is None:
            return status
        lasts_ms = status.believed_volume_nl * _DAY_MS // pending.rate_nl_per_day
        return replace(status, empty_reservoir_at_ms=status.at_ms + lasts_ms)


@pump_mutant("never-is-zero", caught_by="status/never")
def never_is_zero(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A date that does not exist is told as 0."""

    @telling(patch)
    def tell(telemetry, status):
        return replace(status, empty_reservoir_at_ms=status.empty_reservoir_at_ms or 0)


@pump_mutant("bolus-not-foretold", caught_by="status/predictions-count-a-bolus")
def bolus_not_foretold(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The running bolus is left out of the date of the empty reservoir."""

    @telling(patch)
    def tell(telemetry, status):
        rate = status.prescription.rate_nl_per_day
        lasts_ms = status.believed_volume_nl * _DAY_MS // rate
        return replace(status, empty_reservoir_at_ms=status.at_ms + lasts_ms)


@pump_mutant("patient-not-foretold", caught_by="status/earliest-low-reservoir")
def patient_not_foretold(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The date of the low reservoir leaves the patient's boluses out."""
    patch.setattr(Forecast, "low_reservoir_if_eager_ms", Forecast.low_reservoir_at_ms)


@pump_mutant("replacement-planned-at-eri", caught_by="status/service-dates")
def replacement_planned_at_eri(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The replacement is planned for the date of ERI."""
    patch.setattr(Forecast, "replacement_at_ms", Forecast.eri_at_ms)


@pump_mutant("last-bolus-never-over", caught_by="status/last-bolus")
def last_bolus_never_over(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus that was completed is told as aborted."""

    @around(patch, Infusion, "_end_bolus")
    def end_bolus(ordinary, firmware, outcome, *given, **named):
        return ordinary(firmware, BolusOutcome.ABORTED, *given, **named)


@pump_mutant("log-range-one-late", caught_by="status/log-ranges")
def log_range_one_late(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The status tells the last record of the therapy log in place of the next."""

    @telling(patch)
    def tell(telemetry, status):
        held = status.therapy_log
        return replace(status, therapy_log=replace(held, next_sequence=held.next_sequence - 1))


@pump_mutant("reading-tests-the-pump", caught_by="status/reading-changes-nothing")
def reading_tests_the_pump(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Every interrogation has the pump look at its memory, and writes that down."""

    @around(patch, Telemetry, "_status_report")
    def status_report(ordinary, telemetry):
        telemetry._firmware.self_test()
        return ordinary(telemetry)

    patch.setattr(Firmware, "standing", lambda _: None)
