"""Pumps that are wrong about their logs."""

from dataclasses import replace

import pytest

from pump_protocol import codes
from pump_protocol import messages as m
from pump_sim import telemetry
from pump_sim.model.events import AccessEvent, AccessLog, EventCode, TherapyLog
from pump_sim.model.firmware.core import Core
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import answering, around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


@pump_mutant("skips-a-number", caught_by="log/numbers")
def skips_a_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """After each tenth record a number is left out."""

    @around(patch, TherapyLog, "appended")
    def appended(ordinary, log, entry):
        after = ordinary(log, entry)
        skipped = after.next_sequence + (entry.sequence % 10 == 0)
        return replace(after, next_sequence=skipped)


@pump_mutant("page-of-one-more", caught_by="log/page-limits")
def page_of_one_more(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A page of 14 therapy-log records may be asked for."""
    patch.setattr(
        telemetry, "_check_limit", _checking(codes.MAX_LOG_ENTRIES, codes.MAX_LOG_ENTRIES + 1)
    )


@pump_mutant("page-of-none", caught_by="log/access-page-limits")
def page_of_none(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A page of no access-log records may be asked for."""

    @around(patch, telemetry, "_check_limit")
    def check_limit(ordinary, limit, maximum):
        if limit or maximum != codes.MAX_ACCESS_ENTRIES:
            ordinary(limit, maximum)


def _checking(instead_of: int, highest: int):
    before = telemetry._check_limit
    return lambda limit, maximum: before(limit, highest if maximum == instead_of else maximum)


@pump_mutant("page-begins-behind", caught_by="log/pages")
def page_begins_behind(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A page begins with the record behind the one that was asked for."""

    @around(patch, TherapyLog, "page")
    def page(ordinary, log, first_sequence, limit):
        return ordinary(log, first_sequence + (first_sequence > 1), limit)


@pump_mutant("records-of-no-link", caught_by="log/acts")
def records_of_no_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Records do not tell the link whose request did it."""

    @around(patch, Core, "record")
    def record(ordinary, firmware, event, a=0, b=0, link_id=0):
        ordinary(firmware, event, a, b)


@pump_mutant("note-not-recorded", caught_by="log/acts")
def note_not_recorded(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A note leaves no record."""

    @around(patch, Core, "record")
    def record(ordinary, firmware, event, *given):
        if event is not EventCode.NOTE_WRITTEN:
            ordinary(firmware, event, *given)


@pump_mutant("aborted-bolus-logged-whole", caught_by="log/bolus")
def aborted_bolus_logged_whole(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The record of a bolus that was aborted tells its whole volume."""
    volume_nl = 0

    @around(patch, Core, "record")
    def record(ordinary, firmware, event, a=0, b=0, link_id=0):
        nonlocal volume_nl
        if event is EventCode.BOLUS_STARTED:
            volume_nl = a
        ordinary(firmware, event, volume_nl if event is EventCode.BOLUS_ABORTED else a, b, link_id)


@pump_mutant("version-before-the-commit", caught_by="log/commit")
def version_before_the_commit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The record of a commit tells the version that was in force before it."""

    @around(patch, TherapyLog, "appended")
    def appended(ordinary, log, entry):
        if entry.event is EventCode.COMMITTED:
            entry = replace(entry, prescription_version=entry.prescription_version - 1)
        return ordinary(log, entry)


@pump_mutant("alarms-by-request", caught_by="log/by-itself")
def alarms_by_request(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What follows by itself from a request is recorded under its link."""
    latest = 0

    @around(patch, Core, "record")
    def record(ordinary, firmware, event, a=0, b=0, link_id=0):
        nonlocal latest
        latest = link_id or latest
        ordinary(firmware, event, a, b, latest)


@pump_mutant("refusals-in-the-therapy-log", caught_by="log/refusals-are-counted")
def refusals_in_the_therapy_log(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A refusal leaves a record in the therapy log."""

    @around(patch, Telemetry, "_record_refusal")
    def record_refusal(ordinary, told, refusal, link_id):
        ordinary(told, refusal, link_id)
        told._firmware.record(EventCode.SELF_TESTED, 0, 0, link_id)


@pump_mutant("repeats-are-not-counted", caught_by="log/refusals-are-counted")
def repeats_are_not_counted(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A like event leaves the record of the access log as it was."""

    @around(patch, AccessLog, "noted")
    def noted(ordinary, log, event, **named):
        after = ordinary(log, event, **named)
        return log if after.next_sequence == log.next_sequence else after


@pump_mutant("recorded-under-the-last-reason", caught_by="log/first-reason")
def recorded_under_the_last_reason(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A refusal with several reasons is recorded under the last of them."""

    @around(patch, Telemetry, "_record_refusal")
    def record_refusal(ordinary, told, refusal, link_id):
        ordinary(told, replace(refusal, reasons=refusal.reasons[::-1]), link_id)


@pump_mutant("every-interrogation-recorded", caught_by="log/interrogated-once")
def every_interrogation_recorded(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Each interrogation of a link is counted."""

    @answering(patch, m.Interrogate)
    def interrogate(ordinary, told, request, event):
        told._interrogated_by = 0
        return ordinary(told, request, event)


@pump_mutant("replays-are-ordinary", caught_by="log/sequence-misused")
def replays_are_ordinary(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A stale sequence number is recorded like any other refusal."""
    patch.delitem(telemetry._SECURITY_EVENTS, codes.RefusalCode.SEQUENCE_STALE)


@pump_mutant("keys-are-not-recorded", caught_by="log/link-with-a-key")
def keys_are_not_recorded(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A link that was opened with a key is recorded under no role."""

    @around(patch, Core, "record_access")
    def record_access(ordinary, firmware, event, *given, **named):
        if event is AccessEvent.AUTHENTICATED:
            named["code"] = 0
        ordinary(firmware, event, *given, **named)


@pump_mutant("flood-wipes-out-the-rest", caught_by="log/flood-keeps-other-kinds")
def flood_wipes_out_the_rest(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A full access log drops whatever was repeated longest ago, of whatever kind."""
    patch.setattr(AccessLog, "_least_wanted", lambda log, newcomer: next(iter(log.entries)))


@pump_mutant("old-records-uncounted", caught_by="log/oldest-gives-way")
def old_records_uncounted(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The therapy log says that no record was ever overwritten."""
    ordinary = TherapyLog.range.fget
    assert ordinary is not None
    patch.setattr(TherapyLog, "range", property(lambda log: replace(ordinary(log), overwritten=0)))


@pump_mutant("sleepers-are-misusers", caught_by="log/link-id-used-again")
def sleepers_are_misusers(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Any request under the id of a link that ended is recorded as SEQUENCE_MISUSED."""
    patch.setitem(
        telemetry._SECURITY_EVENTS,
        codes.RefusalCode.LINK_ID_USED,
        AccessEvent.SEQUENCE_MISUSED,
    )
