"""Pumps that are wrong about emergency access."""

from dataclasses import replace
from typing import Any

import pytest

from pump_protocol import messages as m
from pump_protocol.access import EMERGENCY
from pump_protocol.codes import Field, RefusalCode
from pump_protocol.frames import Frame
from pump_protocol.messages import Reason
from pump_protocol.pump_end import PumpEnd
from pump_protocol.states import LinkState, LinkTrigger
from pump_sim import presence, telemetry
from pump_sim.model.emergency import MinimumRateResult
from pump_sim.model.events import AccessEvent, EventCode
from pump_sim.model.firmware import prescribing
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.firmware.programming import Programming
from pump_sim.presence import Presence
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import answering, around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


@pump_mutant("emergency-in-any-link-id", caught_by="emergency/link-id-not-zero")
def emergency_in_any_link_id(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It does not look at the link id of an emergency message."""
    patch.setattr(PumpEnd, "_judge_emergency", PumpEnd._accept)


@pump_mutant(
    "emergency-in-the-open-link", caught_by="emergency/link-id-not-zero", authenticated=False
)
def emergency_in_the_open_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Without keys, it takes emergency messages as requests of the open link, too."""

    def judged(self: PumpEnd, frame: Frame) -> None:
        if frame.link_id == self.link_id and self.link_state is LinkState.OPEN:
            self._judge_in_link(frame)
        elif frame.link_id:
            self._refuse(frame, Reason(RefusalCode.OUT_OF_RANGE, Field.LINK_ID, None, 0, 0))
        else:
            self._accept(frame)

    patch.setattr(PumpEnd, "_judge_emergency", judged)


@pump_mutant("emergency-without-proximity", caught_by="emergency/nobody-near")
def emergency_without_proximity(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A press of the button is enough, wherever the programming head is."""

    def press(self: Presence, link_ms: int) -> None:
        self._pressed = 0, link_ms + presence.INTENT_LIMIT_MS

    def intends(self: Presence, link_ms: int) -> bool:
        return self._pressed is not None and link_ms < self._pressed[1]

    def check(self: Telemetry) -> None:
        if not self._presence.intends(self._link_ms):
            raise telemetry._RefusedByTelemetry(Reason(RefusalCode.NOT_NEAR, Field.NONE))

    patch.setattr(Presence, "press", press)
    patch.setattr(Presence, "intends", intends)
    patch.setattr(Telemetry, "_check_emergency", check)


@pump_mutant("emergency-without-intent", caught_by="emergency/no-intent")
def emergency_without_intent(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Proximity is enough: nobody has to press the button."""
    patch.setattr(Presence, "intends", lambda *_: True)


@pump_mutant("status-without-intent", caught_by="emergency/no-intent")
def status_without_intent(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Proximity is enough to read: that changes nothing, after all."""

    @answering(patch, m.EmergencyStatus)
    def status(good, self, request, event):
        if self._presence.on_pump:
            self._presence.press(self._link_ms)
        return good(self, request, event)


@pump_mutant("press-away-from-the-pump-counts", caught_by="emergency/no-intent")
def press_away_from_the_pump_counts(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A press of the button counts for the next visit, too."""

    def press(self: Presence, link_ms: int) -> None:
        visit = self._visits if self._on_pump else self._visits + 1
        self._pressed = visit, link_ms + presence.INTENT_LIMIT_MS

    patch.setattr(Presence, "press", press)


@pump_mutant("intent-outlives-proximity", caught_by="emergency/intent-ends-with-proximity")
def intent_outlives_proximity(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A press counts for 30 s, also if the head was lifted off and laid on again meanwhile."""

    def intends(self: Presence, link_ms: int) -> bool:
        return self._pressed is not None and link_ms < self._pressed[1]

    patch.setattr(Presence, "intends", intends)


@pump_mutant("emergency-answered-from-memory", caught_by="emergency/intent-ends-with-proximity")
def emergency_answered_from_memory(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It answers the identical bytes of an emergency message with the answer of before."""
    kept: dict[bytes, bytes] = {}

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        data = frame.to_bytes()
        if frame.message_type in EMERGENCY and data in kept:
            end.outgoing.append(kept[data])
        else:
            good(end, frame)

    @around(patch, PumpEnd, "send_response")
    def noted(send, self, to, response):
        send(self, to, response)
        if to.request.message_type in EMERGENCY:
            asked = Frame(to.request.message_type, to.link_id, to.sequence, b"")
            kept[asked.to_bytes()] = self.outgoing[-1]


@pump_mutant("intent-for-a-minute", caught_by="emergency/thirty-seconds")
def intent_for_a_minute(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A press counts for 60 s."""
    patch.setattr(presence, "INTENT_LIMIT_MS", 60_000)


@pump_mutant("answer-renews-the-intent", caught_by="emergency/thirty-seconds")
def answer_renews_the_intent(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Every emergency message that is answered begins the 30 s anew."""

    @answering(patch, m.EmergencyStatus)
    def status(good, self, request, event):
        answer = good(self, request, event)
        self._presence.press(self._link_ms)
        return answer


# --- What they do ------------------------------------------------------------------------------


@pump_mutant("status-without-the-drug", caught_by="emergency/status")
def status_without_the_drug(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """EmergencyStatus tells nobody who has no key which drug it is."""

    @answering(patch, m.EmergencyStatus)
    def status(good, self, request, event):
        answer = good(self, request, event)
        return replace(answer, prescription=replace(answer.prescription, drug_name=""))


@pump_mutant("status-without-the-alarms", caught_by="emergency/stop")
def status_without_the_alarms(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """EmergencyStatus tells of no alarm."""

    @answering(patch, m.EmergencyStatus)
    def status(good, self, request, event):
        return replace(good(self, request, event), alarms=())


@pump_mutant("status-is-an-interrogation", caught_by="emergency/in-the-access-log")
def status_is_an_interrogation(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """EmergencyStatus is recorded as an interrogation."""

    def recorded(self: Telemetry, request: m.Request[m.Response]) -> None:
        self._firmware.record_interrogation(0, request=request.message_type)

    patch.setattr(Telemetry, "_record_emergency", recorded)


@pump_mutant("emergency-raises-a-small-dose", caught_by="emergency/never-up")
def emergency_raises_a_small_dose(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """EmergencyMinimumRate sets the minimum rate, also where less is prescribed."""

    @around(patch, Firmware, "emergency_minimum_rate")
    def set_it(good, self):
        old = self.prescription
        lowest = prescribing.minimum_rate_of(
            self.profile, old.drugs, old.low_reservoir_threshold_nl
        )
        if 0 < old.rate_nl_per_day < lowest.rate_nl_per_day:
            self._in_emergency(lowest, EventCode.EMERGENCY_MINIMUM_RATE)
            return MinimumRateResult(
                self.prescription_since_ms, self.prescription_version, lowest.rate_nl_per_day
            )
        return good(self)


@pump_mutant("emergency-starts-a-stopped-pump", caught_by="emergency/never-up")
def emergency_starts_a_stopped_pump(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """EmergencyMinimumRate lets a pump flow that is stopped."""

    def set_it(self: Firmware) -> MinimumRateResult:
        old = self.prescription
        lowest = prescribing.minimum_rate_of(
            self.profile, old.drugs, old.low_reservoir_threshold_nl
        )
        self._in_emergency(lowest, EventCode.EMERGENCY_MINIMUM_RATE)
        return MinimumRateResult(
            self.prescription_since_ms, self.prescription_version, lowest.rate_nl_per_day
        )

    patch.setattr(Firmware, "emergency_minimum_rate", set_it)


@pump_mutant("minimum-rate-forgets-the-threshold", caught_by="emergency/minimum-rate")
def minimum_rate_forgets_the_threshold(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """EmergencyMinimumRate sets the low-reservoir threshold back to 0."""
    around(patch, prescribing, "minimum_rate_of")(
        lambda good, profile, drugs, _: good(profile, drugs, 0)
    )


@pump_mutant("minimum-rate-only-said", caught_by="emergency/minimum-rate")
def minimum_rate_only_said(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """EmergencyMinimumRate answers that it is done, and the rate goes on as prescribed."""

    @answering(patch, m.EmergencyMinimumRate)
    def lowered(_, self, request, event):
        self._check_emergency()
        own = self._firmware
        rate = self._pump.profile.minimum_rate_nl_per_day
        return m.EmergencyMinimumRateSet(own.at_ms, own.prescription_version + 1, rate)


@pump_mutant("stop-goes-to-the-minimum-rate", caught_by="emergency/stop")
def stop_goes_to_the_minimum_rate(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """EmergencyStop goes down to the minimum rate, so that nobody is in withdrawal."""

    @answering(patch, m.EmergencyStop)
    def stopped(_, self, request, event):
        self._check_emergency()
        done = self._firmware.emergency_minimum_rate()
        return m.EmergencyStopped(done.at_ms, done.version, done.at_ms + 172_800_000)


@pump_mutant("stop-without-a-countdown", caught_by="emergency/stop")
def stop_without_a_countdown(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """EmergencyStop tells when the pump was stopped in place of when it will call for help."""

    @answering(patch, m.EmergencyStop)
    def stopped(good, self, request, event):
        done = good(self, request, event)
        return replace(done, stopped_alarm_at_ms=done.at_ms)


@pump_mutant("emergency-after-the-end", caught_by="emergency/at-the-end-of-service")
def emergency_after_the_end(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """At the end of service it takes an emergency message all the same."""
    asking: list[bool] = []

    @around(patch, Firmware, "end_of_service")
    def judged(good, self):
        return () if asking else good(self)

    def carried_out(good, self, request, event):
        asking.append(True)
        try:
            return good(self, request, event)
        finally:
            asking.clear()

    for asked in (m.EmergencyMinimumRate, m.EmergencyStop):
        answering(patch, asked)(carried_out)


@pump_mutant("emergency-leaves-what-is-staged", caught_by="emergency/drops-what-is-staged")
def emergency_leaves_what_is_staged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What was staged before an emergency can be committed after it."""

    @around(patch, Firmware, "_in_emergency")
    def kept(good, self, new, event):
        pending = self.programming.pending
        good(self, new, event)
        self.programming = replace(self.programming, pending=pending)


@pump_mutant(
    "emergency-drops-staged-only-if-it-changes", caught_by="emergency/drops-what-is-staged"
)
def emergency_drops_staged_only_if_it_changes(
    pump: InProcessPump, patch: pytest.MonkeyPatch
) -> None:
    """Where the mode is that already, it leaves what is staged."""

    @around(patch, Firmware, "_in_emergency")
    def kept(good, self, new, event):
        if self.prescription.mode is not new.mode:
            good(self, new, event)


@pump_mutant("bolus-outlives-an-emergency", caught_by="emergency/ends-a-bolus")
def bolus_outlives_an_emergency(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A bolus that runs goes on when the minimum rate is set, and nobody is told."""

    @around(patch, Firmware, "_in_emergency")
    def unaborted(good, self, new, event):
        record = self.record

        def quiet(code: EventCode, *numbers: int) -> None:
            if code is not EventCode.BOLUS_ABORTED:
                record(code, *numbers)

        self.record = quiet
        try:
            good(self, new, event)
        finally:
            del self.record


@pump_mutant("emergency-not-in-the-log", caught_by="emergency/in-the-therapy-log")
def emergency_not_in_the_log(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its log shows an emergency as a commit like any other."""

    @around(patch, Firmware, "_put_in_force")
    def unsaid(good, self, programming, link_id=0, because=None):
        good(self, programming, link_id)


@pump_mutant("emergency-log-with-rates-swapped", caught_by="emergency/in-the-therapy-log")
def emergency_log_with_rates_swapped(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its record of an emergency has the new rate first."""

    @around(patch, Firmware, "record")
    def swapped(record, self, code, a=0, b=0, link_id=0):
        if code in (EventCode.EMERGENCY_MINIMUM_RATE, EventCode.EMERGENCY_STOPPED):
            a, b = b, a
        record(self, code, a, b, link_id)


@pump_mutant("emergency-without-an-alarm", caught_by="emergency/alarm")
def emergency_without_an_alarm(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It raises no alarm: who was there knows."""

    @around(patch, Firmware, "raise_alarm")
    def quiet(raise_alarm, self, alarm):
        if alarm.name != "EMERGENCY_ACTION":
            raise_alarm(self, alarm)


@pump_mutant("emergency-alarm-for-ever", caught_by="emergency/alarm")
def emergency_alarm_for_ever(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its alarm is active until it is acknowledged, whatever is committed."""
    around(patch, Firmware, "condition_has_gone")(
        lambda gone, self, alarm: alarm.name != "EMERGENCY_ACTION" and gone(self, alarm)
    )


@pump_mutant("emergency-twice-is-twice", caught_by="emergency/twice-is-once")
def emergency_twice_is_twice(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """To ask again is another change, with a version of its own."""

    def again(self: Firmware, new: Any, event: EventCode) -> None:
        self._put_in_force(self.programming.in_emergency(new, self.at_ms), because=event)
        self.after_change()

    patch.setattr(Firmware, "_in_emergency", again)


@pump_mutant("emergency-not-recorded", caught_by="emergency/in-the-access-log")
def emergency_not_recorded(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its access log tells of emergency messages that were refused, and of no other."""
    patch.setattr(Telemetry, "_record_emergency", lambda *_: None)


@pump_mutant("emergency-recorded-with-the-open-link", caught_by="emergency/in-the-access-log")
def emergency_recorded_with_the_open_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Its access log says that an emergency message came in the link that was open."""

    def recorded(self: Telemetry, request: m.Request[m.Response]) -> None:
        event = AccessEvent.EMERGENCY_ASKED
        self._firmware.record_access(
            event, self._interrogated_by or 7, request=request.message_type
        )

    patch.setattr(Telemetry, "_record_emergency", recorded)


# --- What hinders them -------------------------------------------------------------------------


@pump_mutant("lock-refuses-emergency", caught_by="emergency/while-locked")
def lock_refuses_emergency(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A lock after failed handshakes refuses emergency messages, too."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        guard = end._guard
        locked = guard is not None and end._now_ms < guard._locked_until_ms
        if locked and frame.message_type in EMERGENCY:
            end._link_keys = None
            end._refuse(frame, Reason(RefusalCode.AUTHENTICATION_LOCKED, Field.NONE, 1))
        else:
            good(end, frame)


@pump_mutant("emergency-ends-the-open-link", caught_by="emergency/in-any-link")
def emergency_ends_the_open_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An emergency message ends the link that is open: whoever is there goes first."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if frame.message_type in EMERGENCY and end.link_state is LinkState.OPEN:
            end._end_link(LinkTrigger.REPLACED)
        good(end, frame)


@pump_mutant("busy-link-before-emergency", caught_by="emergency/in-any-link")
def busy_link_before_emergency(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """While a link is open it gives nobody emergency access."""

    @around(patch, PumpEnd, "judge")
    def judge(good, end, frame):
        if frame.message_type in EMERGENCY and end.link_state is LinkState.OPEN:
            end._link_keys = None
            end._refuse(frame, Reason(RefusalCode.LINK_NOT_OPEN, Field.LINK_ID))
        else:
            good(end, frame)


@pump_mutant("stop-settles-the-safe-state", caught_by="emergency/settles-nothing-else")
def stop_settles_the_safe_state(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An emergency message ends all that a commit ends, the safe state after a reset too."""

    @around(patch, Programming, "in_emergency")
    def in_emergency(ordinary, programming, prescription, at_ms):
        return replace(programming.committed(prescription, at_ms), emergency=True)
