"""Pumps that are wrong about alarms, their tones, and what raises them."""

from dataclasses import replace
from typing import Any

import pytest

from pump_protocol import messages as m
from pump_sim import wire_values
from pump_sim.model.firmware import firmware as firmware_module
from pump_sim.model.firmware import forecast
from pump_sim.model.firmware.alarms import Alarm, AlarmRecord, Alarms
from pump_sim.model.firmware.core import Core
from pump_sim.model.firmware.delivery import Hold
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.memory import Memory, Region
from pump_sim.model.firmware.prescribing import Prescribing
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.firmware.service import Service
from tests.conformance.mutants.changes import answering, around, telling
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

_HOUR_MS = 3_600_000


def _built(pump: InProcessPump, **changes: Any) -> None:
    """Have the firmware keep to another profile than the pump tells of itself."""

    def change(endpoint):
        firmware = endpoint.simulation.pump.firmware
        firmware.profile = replace(firmware.profile, **changes)

    pump.alter(change)


# --- Raised and cleared ------------------------------------------------------------------------


@pump_mutant("low-reservoir-an-hour-early", caught_by="alarm/low-reservoir-on-time")
def low_reservoir_an_hour_early(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """LOW_RESERVOIR is raised an hour before the threshold is reached."""

    @around(patch, forecast, "_level_moment")
    def level_moment(ordinary, state, alarm, level_nl):
        at_ms = ordinary(state, alarm, level_nl)
        if alarm is not Alarm.LOW_RESERVOIR or at_ms is None or state.alarms.is_active(alarm):
            return at_ms
        return max(state.at_ms, at_ms - _HOUR_MS)


@pump_mutant("low-reservoir-below-the-threshold", caught_by="alarm/low-reservoir-at-threshold")
def low_reservoir_below_the_threshold(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """LOW_RESERVOIR is raised below the threshold, and not at it."""

    @around(patch, forecast, "_level_moment")
    def level_moment(ordinary, state, alarm, level_nl):
        return ordinary(state, alarm, max(0, level_nl - 1))


@pump_mutant("bolus-not-reckoned-with", caught_by="alarm/low-reservoir-after-a-bolus")
def bolus_not_reckoned_with(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What a bolus gives is left out of what the pump believes."""

    @around(patch, Ledger, "spend")
    def spend(ordinary, ledger, units):
        running = pump.endpoint.simulation.pump.firmware.delivery.bolus
        return ordinary(ledger, units if running is None else 0)


@pump_mutant("threshold-of-the-raising", caught_by="alarm/threshold-lowered")
def threshold_of_the_raising(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """LOW_RESERVOIR clears above the threshold at which it was raised, whatever it is now."""
    raised_nl = 0

    @around(patch, Core, "raise_alarm")
    def raise_alarm(ordinary, firmware, alarm):
        nonlocal raised_nl
        raised_nl = firmware.programming.current.low_reservoir_threshold_nl
        ordinary(firmware, alarm)

    @around(patch, Core, "condition_has_gone")
    def condition_has_gone(ordinary, firmware, alarm):
        if alarm is Alarm.LOW_RESERVOIR:
            return firmware.ledger.left_nl > raised_nl
        return ordinary(firmware, alarm)


@pump_mutant("runs-on-when-empty", caught_by="alarm/empty-reservoir")
def runs_on_when_empty(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An empty reservoir raises its alarm, and the infusion goes on."""

    @around(patch, Infusion, "hold")
    def hold(ordinary, firmware, reason):
        if reason is not Hold.EMPTY_RESERVOIR:
            ordinary(firmware, reason)


@pump_mutant("forgets-the-latch", caught_by="alarm/latched")
def forgets_the_latch(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An alarm is listed no longer when its condition has gone, acknowledged or not."""
    patch.setattr(AlarmRecord, "listed", AlarmRecord.active)


@pump_mutant("silences-what-is-not-active", caught_by="alarm/latched")
def silences_what_is_not_active(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An alarm that is listed, but not active, can be silenced."""

    @around(patch, Firmware, "silence")
    def silence(ordinary, firmware, alarm, duration_ms, **named):
        listed = firmware.alarms.get(alarm)
        if listed is not None and not listed.active:
            return listed
        return ordinary(firmware, alarm, duration_ms, **named)


@pump_mutant("silence-carries-over", caught_by="alarm/raised-anew")
def silence_carries_over(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An alarm that is raised anew is silenced still."""
    silenced: dict[Alarm, int] = {}

    @around(patch, Firmware, "silence")
    def silence(ordinary, firmware, alarm, *given, **named):
        record = ordinary(firmware, alarm, *given, **named)
        silenced[alarm] = record.silenced_until_ms
        return record

    @around(patch, Core, "raise_alarm")
    def raise_alarm(ordinary, firmware, alarm):
        ordinary(firmware, alarm)
        record = firmware.alarms.get(alarm)
        if record is not None:
            anew = replace(record, silenced_until_ms=silenced.get(alarm, 0))
            firmware.alarms = firmware.alarms.updated(anew)


@pump_mutant("alarms-begin-with-the-link", caught_by="alarm/same-after-reconnection")
def alarms_begin_with_the_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Who acknowledged an alarm is forgotten with the link."""

    @answering(patch, m.OpenLink)
    def open_link(ordinary, telemetry, request, event):
        firmware = telemetry._firmware
        for each in firmware.alarms.records:
            firmware.alarms = firmware.alarms.updated(replace(each, acknowledged=False))
        return ordinary(telemetry, request, event)


@pump_mutant("acknowledging-clears", caught_by="alarm/acknowledge-active")
def acknowledging_clears(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An active alarm that was acknowledged is listed no longer."""

    @telling(patch)
    def tell(telemetry, status):
        left = [each for each in status.alarms if not each.flags & m.AlarmFlag.ACKNOWLEDGED]
        return replace(status, alarms=tuple(left))


@pump_mutant("acknowledges-whatever", caught_by="alarm/not-listed")
def acknowledges_whatever(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """To acknowledge an alarm that is not listed is answered as if it were."""

    @around(patch, Firmware, "_listed")
    def listed(ordinary, firmware, alarm):
        return firmware.alarms.get(alarm) or AlarmRecord(alarm, 0, 0, acknowledged=True)


# --- Silence and tones -------------------------------------------------------------------------


@pump_mutant("silence-hides", caught_by="alarm/silence")
def silence_hides(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A silenced alarm is not told in the status."""

    @telling(patch)
    def tell(telemetry, status):
        left = [each for each in status.alarms if not each.flags & m.AlarmFlag.SILENCED]
        return replace(status, alarms=tuple(left))


@pump_mutant("silence-never-shortened", caught_by="alarm/silence")
def silence_never_shortened(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A shorter silence leaves the longer one before it in force."""

    @around(patch, Firmware, "silence")
    def silence(ordinary, firmware, alarm, *given, **named):
        before = firmware.alarms.get(alarm)
        record = ordinary(firmware, alarm, *given, **named)
        if before is not None and before.silenced_until_ms > record.silenced_until_ms:
            firmware.alarms = firmware.alarms.updated(before)
            return before
        return record


@pump_mutant("silence-clears", caught_by="alarm/silence-over")
def silence_clears(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A silenced alarm sounds never again, and is not active when its silence is over."""

    @around(patch, AlarmRecord, "silenced_at")
    def silenced_at(ordinary, record, at_ms):
        return bool(record.silenced_until_ms)


@pump_mutant("no-least-silence", caught_by="alarm/silence-limits")
def no_least_silence(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The shortest silence is 1 ms shorter than the pump tells."""
    shortest_ms = pump.endpoint.simulation.pump.profile.min_silence_ms
    _built(pump, min_silence_ms=shortest_ms - 1)


@pump_mutant("one-silence-for-all", caught_by="alarm/silence-limits-critical")
def one_silence_for_all(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Critical alarms can be silenced for as long as the others."""
    longest_ms = pump.endpoint.simulation.pump.profile.max_non_critical_silence_ms
    _built(pump, max_critical_silence_ms=longest_ms)


@pump_mutant("tone-interval-without-end", caught_by="alarm/tone-interval-limits")
def tone_interval_without_end(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The interval of the critical tone has no upper limit."""
    _built(pump, max_critical_interval_ms=2**32)


@pump_mutant("all-alarms-sound", caught_by="alarm/tone-priority")
def all_alarms_sound(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Non-critical alarms sound under a critical one."""
    patch.setattr(Alarms, "_critical_from", lambda _: None)


@pump_mutant("test-lists-an-alarm", caught_by="alarm/tone-test")
def test_lists_an_alarm(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The test of a tone lists an alarm of its class."""

    @around(patch, Firmware, "test_alarm")
    def test_alarm(ordinary, firmware, *given, **named):
        tone = ordinary(firmware, *given, **named)
        firmware.alarms = firmware.alarms.updated(
            AlarmRecord(Alarm.REPLACEMENT_PLANNED, firmware.at_ms)
        )
        return tone


# --- Faults ------------------------------------------------------------------------------------


@pump_mutant("stall-noticed-early", caught_by="alarm/motor-stall")
def stall_noticed_early(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """MOTOR_STALL is raised after 10 min."""
    _built(pump, stall_detect_ms=600_000)


@pump_mutant("stall-shown-as-flow", caught_by="alarm/motor-stall")
def stall_shown_as_flow(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The flow is told as it is commanded while the pump knows that nothing flows."""

    @telling(patch)
    def tell(telemetry, status):
        rate = status.prescription.rate_nl_per_day
        return replace(status, infusing_nl_per_day=rate)


@pump_mutant("stalls-add-up", caught_by="alarm/short-stall")
def stalls_add_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A stall goes on counting from the one before it."""
    patch.setattr(Infusion, "motor_turns", lambda _: None, raising=False)
    patch.setattr(Firmware, "motor_turns", lambda _: None)


@pump_mutant("released-by-any-request", caught_by="alarm/held-by-interference")
def released_by_any_request(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An order releases the infusion that waits for an interrogation."""

    @answering(patch, m.OrderBolus)
    def order_bolus(ordinary, telemetry, request, event):
        telemetry._pump.interrogated()
        return ordinary(telemetry, request, event)


@pump_mutant("stop-begins-anew", caught_by="alarm/stopped-too-long")
def stop_begins_anew(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The 48 h begin anew with a second prescription of mode STOPPED."""

    @around(patch, Programming, "committed")
    def committed(ordinary, programming, *given):
        return ordinary(replace(programming, stopped_since_ms=None), *given)


@pump_mutant("expires-in-silence", caught_by="alarm/update-incomplete")
def expires_in_silence(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What nobody committed in time is dropped without an alarm."""

    @around(patch, Prescribing, "raise_alarm")
    def raise_alarm(ordinary, firmware, alarm):
        if alarm is not Alarm.UPDATE_INCOMPLETE:
            ordinary(firmware, alarm)


# --- Memory, reset, end of service -------------------------------------------------------------


@pump_mutant("second-copy-mended-in-silence", caught_by="alarm/memory-repaired")
def second_copy_mended_in_silence(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Damage of the second copy of the prescription is mended from the first, and not told."""

    @around(patch, Memory, "checked")
    def checked(ordinary, memory):
        return ordinary(replace(memory, second=memory.first) if memory.first.intact else memory)


@pump_mutant("memory-looked-at-daily", caught_by="alarm/memory-looked-at-hourly")
def memory_looked_at_daily(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The pump looks at its memory once a day."""
    _built(pump, memory_check_interval_ms=24 * _HOUR_MS)


@pump_mutant("damaged-note-shown", caught_by="alarm/note-damaged")
def damaged_note_shown(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A damaged note is shown as it is."""
    patch.setattr(Firmware, "read_note", lambda firmware: firmware.memory.note.value)


@pump_mutant("lost-prescription-guessed", caught_by="alarm/memory-lost")
def lost_prescription_guessed(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """With both copies damaged the pump goes on with what it last read."""

    @around(patch, Memory, "hit")
    def hit(ordinary, memory, region, *given):
        if region is Region.SECOND_COPY and not memory.first.intact:
            return memory
        return ordinary(memory, region, *given)


@pump_mutant("resumes-after-a-reset", caught_by="alarm/safe-state")
def resumes_after_a_reset(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A reset raises SAFE_STATE, and therapy goes on as prescribed."""

    @around(patch, firmware_module, "minimum_rate_of")
    def minimum_rate_of(ordinary, profile, drugs, threshold_nl):
        return pump.endpoint.simulation.pump.firmware.prescription


@pump_mutant("reset-ends-the-end-of-service", caught_by="alarm/end-of-service")
def reset_ends_the_end_of_service(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A reset clears EOS, and the pump infuses again."""

    @around(patch, Firmware, "reset")
    def reset(ordinary, firmware, cause):
        firmware.service = Service()
        record = firmware.alarms.get(Alarm.EOS)
        if record is not None:
            gone = replace(record, cleared_at_ms=firmware.at_ms, acknowledged=True)
            firmware.alarms = firmware.alarms.updated(gone)
        if Hold.EOS in firmware.delivery.holds:
            firmware.release(Hold.EOS)
        ordinary(firmware, cause)


@pump_mutant("refills-at-the-end-of-service", caught_by="alarm/end-of-service")
def refills_at_the_end_of_service(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A reservoir update is accepted at the end of service."""

    @around(patch, Firmware, "update_reservoir")
    def update_reservoir(ordinary, firmware, *given, **named):
        firmware.end_of_service = lambda: ()
        try:
            return ordinary(firmware, *given, **named)
        finally:
            del firmware.end_of_service


@pump_mutant("emergency-at-the-end-of-service", caught_by="alarm/end-of-service-emergency")
def emergency_at_the_end_of_service(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An emergency stop is carried out at the end of service, as it always is."""

    @around(patch, Prescribing, "emergency_stop")
    def emergency_stop(ordinary, firmware):
        firmware.end_of_service = lambda: ()
        try:
            return ordinary(firmware)
        finally:
            del firmware.end_of_service


@pump_mutant("eri-a-day-late", caught_by="alarm/service-life")
def eri_a_day_late(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The replacement indicator comes a day later than it was foretold."""

    @telling(patch)
    def tell(telemetry, status):
        early_ms = status.eri_at_ms and status.eri_at_ms - 24 * _HOUR_MS
        return replace(status, eri_at_ms=early_ms)


@pump_mutant("planned-replacement-sounds", caught_by="alarm/replacement-planned-is-silent")
def planned_replacement_sounds(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """REPLACEMENT_PLANNED sounds like any non-critical alarm."""
    patch.setattr(AlarmRecord, "sounds", AlarmRecord.active)


@pump_mutant("alarm-flags-of-the-raising", caught_by="alarm/acknowledge-active")
def alarm_flags_of_the_raising(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An alarm that was acknowledged does not say so."""

    @around(patch, wire_values, "alarm_out")
    def alarm_out(ordinary, record, at_ms):
        return ordinary(replace(record, acknowledged=False), at_ms)
