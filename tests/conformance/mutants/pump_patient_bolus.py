"""Pumps that are wrong about the boluses that a patient asks for."""

from dataclasses import replace

import pytest

from pump_sim.model.events import EventCode
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.patient_boluses import PatientBoluses
from pump_sim.model.orders import BolusKind, PatientRequest
from pump_sim.model.refusals import Reason, RefusalCode, Refused
from pump_sim.model.units import DAY_MS
from tests.conformance.mutants.changes import around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


def _reasons(patch: pytest.MonkeyPatch, change) -> None:
    """Change the reasons against a patient bolus."""

    @around(patch, Infusion, "_reasons_against_patient")
    def reasons(ordinary, firmware):
        return change(ordinary(firmware))


# --- What is given -----------------------------------------------------------------------------


@pump_mutant("left-without-this-one", caught_by="patient-bolus/given-as-prescribed")
def left_without_this_one(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The answer counts what was left before the bolus."""

    @around(patch, Infusion, "_grant")
    def grant(ordinary, firmware, *given):
        result = ordinary(firmware, *given)
        return replace(result, left=result.left + 1)


@pump_mutant("request-judged-anew", caught_by="patient-bolus/repeat")
def request_judged_anew(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A patient's request is no order: its repeat is judged anew."""

    @around(patch, OrderMemory, "recall")
    def recall(ordinary, memory, order):
        known = memory.last.get(order.programmer_id)
        if isinstance(order, PatientRequest) and known is not None and order == known.order:
            return None
        return ordinary(memory, order)


@pump_mutant("handset-told-as-a-programmer", caught_by="patient-bolus/from-a-handset")
def handset_told_as_a_programmer(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A handset's orders are counted under the programmer id that it gives."""
    from pump_protocol import pump_end

    patch.setattr(pump_end, "orderer_id", lambda _role, programmer_id: programmer_id)


# --- What is refused ---------------------------------------------------------------------------


@pump_mutant("patient-refused-silently", caught_by="patient-bolus/not-prescribed")
def patient_refused_silently(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The therapy log has nothing of a patient who is refused."""

    @around(patch, Infusion, "record")
    def record(ordinary, firmware, event, *given):
        if event is not EventCode.PATIENT_BOLUS_REFUSED:
            ordinary(firmware, event, *given)


@pump_mutant("refusal-logged-with-its-last-reason", caught_by="patient-bolus/every-reason-in-order")
def refusal_logged_with_its_last_reason(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The reasons are found from the last to the first, and logged and told so."""
    _reasons(patch, lambda reasons: reasons[::-1])


@pump_mutant("patient-told-one-reason", caught_by="patient-bolus/every-reason-in-order")
def patient_told_one_reason(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The pump stops looking at the first reason."""
    _reasons(patch, lambda reasons: reasons[:1])


@pump_mutant("repeated-refusal-logged", caught_by="patient-bolus/refusal-logged-once")
def repeated_refusal_logged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The repeat of a request that was refused is refused from memory, and logged again."""

    @around(patch, Firmware, "request_patient_bolus")
    def request_patient_bolus(ordinary, firmware, request, **named):
        known = firmware.last_order_number(request.programmer_id) == request.order_number
        try:
            return ordinary(firmware, request, **named)
        except Refused as refused:
            if known:
                code = refused.reasons[0].code.value
                number, link_id = request.order_number, named["link_id"]
                firmware.record(EventCode.PATIENT_BOLUS_REFUSED, code, number, link_id)
            raise


@pump_mutant("patient-given-more-than-is-left", caught_by="patient-bolus/more-than-is-left")
def patient_given_more_than_is_left(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A patient bolus begins, however little is left."""
    _reasons(
        patch,
        lambda reasons: tuple(
            each for each in reasons if each.code is not RefusalCode.OUT_OF_RANGE
        ),
    )


# --- Before and after other boluses ------------------------------------------------------------


@pump_mutant("patient-cuts-a-single-bolus", caught_by="patient-bolus/during-another")
def patient_cuts_a_single_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A patient bolus takes the place of the one that runs."""

    @around(patch, Firmware, "request_patient_bolus")
    def request_patient_bolus(ordinary, firmware, request, **named):
        running = firmware.delivery.bolus
        if running is not None and running.kind is BolusKind.SINGLE:
            firmware.end_any_bolus()
        return ordinary(firmware, request, **named)


@pump_mutant("patient-bolus-not-cut", caught_by="patient-bolus/cut-by-a-clinician")
def patient_bolus_not_cut(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A clinician has to wait for the end of a patient bolus."""

    @around(patch, Infusion, "_reasons_against_bolus")
    def reasons(ordinary, firmware, order):
        found, running = ordinary(firmware, order), firmware.delivery.bolus
        if running is not None and running.kind is BolusKind.PATIENT:
            found += (Reason(RefusalCode.BOLUS_ACTIVE),)
        return found


@pump_mutant("cut-bolus-given-back", caught_by="patient-bolus/cut-by-a-clinician")
def cut_bolus_given_back(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A patient bolus that was cut does not count as one of the allotment."""

    @around(patch, Infusion, "_begin")
    def begin(ordinary, firmware, bolus, *given):
        running = firmware.delivery.bolus
        if running is not None and running.kind is BolusKind.PATIENT:
            kept = firmware.patient_boluses.granted_at_ms[:-1]
            firmware.patient_boluses = PatientBoluses(kept)
        ordinary(firmware, bolus, *given)


@pump_mutant("patient-bolus-drops-a-periodic", caught_by="patient-bolus/puts-off-a-periodic-one")
def patient_bolus_drops_a_periodic(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A patient bolus ends a periodic one, instead of putting off its rest."""

    @around(patch, Infusion, "_begin")
    def begin(ordinary, firmware, bolus, *given):
        if bolus.kind is BolusKind.PATIENT:
            firmware.end_any_bolus()
        ordinary(firmware, bolus, *given)


# --- Lockout and allotment ---------------------------------------------------------------------


@pump_mutant("lockout-from-the-end", caught_by="patient-bolus/lockout")
def lockout_from_the_end(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The lockout counts from the end of a bolus."""

    @around(patch, PatientBoluses, "locked_until_ms")
    def locked_until_ms(ordinary, boluses, prescribed):
        until_ms = ordinary(boluses, prescribed)
        return until_ms + prescribed.duration_ms if until_ms else 0


@pump_mutant("lockout-a-millisecond-short", caught_by="patient-bolus/lockout")
def lockout_a_millisecond_short(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """In the last millisecond of the lockout a bolus is given."""

    @around(patch, Infusion, "_reasons_against_patient")
    def reasons(ordinary, firmware):
        return tuple(
            each
            for each in ordinary(firmware)
            if each.code is not RefusalCode.LOCKED_OUT or each.value > firmware.at_ms + 1
        )


@pump_mutant("allotment-by-calendar-day", caught_by="patient-bolus/allotment")
def allotment_by_calendar_day(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The allotment is whole again at midnight."""

    @around(patch, PatientBoluses, "allotted_from_ms")
    def allotted_from_ms(ordinary, boluses, prescribed):
        if not ordinary(boluses, prescribed):
            return 0
        # The local clock of the test's pump began at midnight.
        first_ms = boluses.granted_at_ms[-prescribed.allotted_per_day]
        return (first_ms // DAY_MS + 1) * DAY_MS


@pump_mutant("allotment-from-the-last", caught_by="patient-bolus/allotment")
def allotment_from_the_last(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """When the allotment is used up, 24 h begin with the last bolus, not with the first."""

    @around(patch, Infusion, "_reasons_against_patient")
    def reasons(ordinary, firmware):
        found, prescribed = ordinary(firmware), firmware.prescription.patient
        given = firmware.patient_boluses.granted_at_ms
        if prescribed is None or len(given) < prescribed.allotted_per_day:
            return found
        used = RefusalCode.ALLOTMENT_USED
        found = tuple(each for each in found if each.code is not used)
        free_at_ms = given[-1] + DAY_MS
        return (*found, Reason(used, value=free_at_ms)) if firmware.at_ms < free_at_ms else found


@pump_mutant("bolus-of-24-h-ago-counts", caught_by="patient-bolus/left-and-next")
def bolus_of_24_h_ago_counts(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus that began just 24 h ago is not yet given back."""

    @around(patch, PatientBoluses, "left")
    def left(ordinary, boluses, prescribed, at_ms):
        return ordinary(boluses, prescribed, at_ms - 1)


@pump_mutant(
    "lockout-ends-with-its-prescription", caught_by="patient-bolus/lockout-outlives-a-commit"
)
def lockout_ends_with_its_prescription(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A commit forgets which boluses were given."""

    @around(patch, Firmware, "commit")
    def commit(ordinary, firmware, **named):
        version = ordinary(firmware, **named)
        firmware.patient_boluses = PatientBoluses()
        return version


@pump_mutant("lockout-ends-with-a-reset", caught_by="patient-bolus/lockout-outlives-a-reset")
def lockout_ends_with_a_reset(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Which boluses were given is kept in a memory that a reset clears."""

    @around(patch, Firmware, "reset")
    def reset(ordinary, firmware, cause):
        ordinary(firmware, cause)
        firmware.patient_boluses = PatientBoluses()


@pump_mutant("lockout-by-the-local-clock", caught_by="patient-bolus/lockout-and-the-clock")
def lockout_by_the_local_clock(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whoever sets the clock on ends the lockout."""

    @around(patch, Firmware, "set_clock")
    def set_clock(ordinary, firmware, local_ms, **named):
        old_ms, new_ms = ordinary(firmware, local_ms, **named)
        moved = [each + old_ms - new_ms for each in firmware.patient_boluses.granted_at_ms]
        firmware.patient_boluses = PatientBoluses(tuple(moved))
        return old_ms, new_ms
