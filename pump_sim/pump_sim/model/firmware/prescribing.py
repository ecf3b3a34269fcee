"""Prescriptions: how one is staged, put in force, dropped, and what an emergency does to them.

A clinician's prescription comes in two steps, and the first never disturbs therapy (REQ-24); with
*historic updates*, for training, it stops the infusion, as in real pumps that were left stopped
(P23b). In an emergency the pump itself writes the prescription, in one step: the minimum rate or
none at all, of the drugs that it holds. Who may do what is not known here.
"""

from dataclasses import replace

from pump_sim.model.bridging import check_bridge
from pump_sim.model.emergency import MinimumRateResult, StopResult
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.delivery import Hold
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.orders import BolusKind
from pump_sim.model.prescription import (
    BridgeDecision,
    Mode,
    Prescription,
    dose_totals,
    minimum_rate_of,
    stopped_of,
)
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused, out_of_range
from pump_sim.model.rules import check_prescription, needs_confirmation
from pump_sim.model.units import ceil_div


class Prescribing(Infusion):
    """What a pump is programmed to do."""

    @property
    def prescription(self) -> Prescription:
        """The prescription in force."""
        return self.programming.current

    @property
    def pending(self) -> Prescription | None:
        """The prescription that is staged, None if there is none."""
        return self.programming.pending

    @property
    def prescription_version(self) -> int:
        """How often a prescription was put in force; 1 since the implant."""
        return self.programming.version

    @property
    def prescription_since_ms(self) -> int:
        """When the prescription in force was put in force."""
        return self.programming.since_ms

    @property
    def stopped_alarm_at_ms(self) -> int | None:
        """When a pump that is stopped calls for help, or did; None if drug is to flow."""
        since_ms = self.programming.stopped_since_ms
        return None if since_ms is None else since_ms + self.profile.stopped_too_long_ms

    # --- In two steps ----------------------------------------------------------------------------

    def stage(self, prescription: Prescription, *, link_id: int = 0) -> None:
        """Make a prescription pending, in place of any other. Therapy goes on as it was.

        Only with historic updates it does not: nothing flows until a commit or a roll-back.
        """
        reasons = self.end_of_service() + check_prescription(prescription, self.profile)
        reasons += check_bridge(prescription, self.prescription, self.profile)
        if reasons:
            raise Refused(*reasons)
        if self.pending is not None:
            self.drop_pending(EventCode.ROLLED_BACK, link_id)
        self.programming = self.programming.staged(prescription)
        rate, dose = prescription.rate_nl_per_day, prescription.daily_dose_ng
        self.record(EventCode.STAGED, rate, dose, link_id)
        if self.historic_updates:
            self.programming = self.programming.halted(self.at_ms)
            self.hold(Hold.UPDATE)
            self.after_change()

    def roll_back(self, *, link_id: int = 0) -> None:
        """Drop the pending prescription.

        An update that had expired before is settled by this as well (A11 of domain.md 3.2).
        """
        if self.pending is None and not self.programming.incomplete:
            raise Refused(Reason(RefusalCode.NOTHING_STAGED))
        self.drop_pending(EventCode.ROLLED_BACK, link_id)
        self.programming = self.programming.rolled_back()
        self.end_halt()
        self.after_change()

    def staging_expired(self) -> None:
        """Drop a pending prescription that nobody committed or rolled back in time, if any.

        A pump with historic updates stays halted by that, and says nothing.
        """
        if self.pending is None:
            return
        self.drop_pending(EventCode.STAGING_EXPIRED)
        if not self.historic_updates:
            self.programming = self.programming.rolled_back(incomplete=True)
            self.raise_alarm(Alarm.UPDATE_INCOMPLETE)
        self.after_change()

    def drop_pending(self, event: EventCode, link_id: int = 0) -> None:
        """Forget what is staged, if anything is; that was no decision about an update left open."""
        pending, incomplete = self.pending, self.programming.incomplete
        if pending is not None:
            self.programming = self.programming.rolled_back(incomplete=incomplete)
            self.record(event, pending.rate_nl_per_day, pending.daily_dose_ng, link_id)

    def end_halt(self) -> None:
        """Let the prescription in force flow again after a historic update that came to nothing."""
        if Hold.UPDATE in self.delivery.holds:
            self.programming = self.programming.resumed()
            self.release(Hold.UPDATE)

    def commit(self, *, confirmed_dose_ng: int | None = None, link_id: int = 0) -> int:
        """Put the pending prescription in force, whole, and return its version.

        A running bolus goes on under another dose of the same drug. It ends with the infusion that
        it was added to, where the new mode treats nobody. A dose above the soft limit has to be
        repeated in `confirmed_dose_ng`, as `dose_totals` reckons it with the patient's boluses.
        """
        new = self.pending
        if new is None:
            raise Refused(Reason(RefusalCode.NOTHING_STAGED))
        if reasons := self._reasons_against_commit(new, confirmed_dose_ng):
            raise Refused(*reasons)
        running = self.running_bolus()
        if running is not None and (running.kind is BolusKind.PERIODIC or not new.mode.treats):
            self.end_any_bolus(link_id)
        self._put_in_force(self.programming.committed(new, self.at_ms), link_id)
        self.after_change()
        return self.prescription_version

    def _reasons_against_commit(
        self, new: Prescription, confirmed_dose_ng: int | None
    ) -> tuple[Reason, ...]:
        old, running = self.prescription, self.delivery.bolus
        reasons = self.end_of_service() + check_prescription(new, self.profile)
        reasons += check_bridge(new, old, self.profile)
        # A halt for the update itself ends with the commit.
        if new.bridge is not None and any(each is not Hold.UPDATE for each in self.delivery.holds):
            reasons += (Reason(RefusalCode.INFUSION_HELD, Field.BRIDGE),)
        highest_ng = dose_totals(new).with_patient_ng
        if needs_confirmation(new, self.profile) and confirmed_dose_ng != highest_ng:
            field, limit_ng = Field.HIGHEST_DAILY_DOSE, self.profile.soft_daily_dose_ng
            reasons += (Reason(RefusalCode.NOT_CONFIRMED, field, highest_ng, maximum=limit_ng),)
        if running is None or running.kind is BolusKind.PERIODIC or not new.mode.treats:
            return reasons
        if running.kind is BolusKind.BRIDGE:
            return (*reasons, Reason(RefusalCode.BOLUS_ACTIVE, Field.BRIDGE))
        # What is being delivered was ordered as a dose of the old drug at the old concentration.
        if [each.name for each in new.drugs] != [each.name for each in old.drugs]:
            reasons += (Reason(RefusalCode.BOLUS_ACTIVE, Field.DRUG_NAME),)
        elif not new.same_drugs(old):
            reasons += (Reason(RefusalCode.BOLUS_ACTIVE, Field.CONCENTRATION),)
        bolus_rate = ceil_div(running.curve.volume_units, running.curve.duration_ms)
        highest = self.profile.max_rate_nl_per_day - bolus_rate  # REQ-09
        basal = new.highest_basal_rate_nl_per_day
        return reasons + out_of_range(Field.RATE, basal, 0, highest)

    def _put_in_force(
        self, programming: Programming, link_id: int = 0, because: EventCode | None = None
    ) -> None:
        """Let the prescription of `programming` flow, write it down twice and into the log."""
        old, new = self.prescription, programming.current
        halted = Hold.UPDATE in self.delivery.holds
        self.programming = programming
        self.memory = self.memory.with_prescription(new)
        self.delivery = replace(self.delivery.released(Hold.UPDATE), put_off=None)
        if because is not None:
            self.record(because, old.rate_nl_per_day, new.rate_nl_per_day, link_id)
        self._record_commit(old, new, link_id)
        if new.bridge is not None:
            self.begin_bridge(link_id)
        else:
            self.begin_infusion()
        if halted and not self.delivery.holds:
            rate_nl_per_day = self.delivery.course.rate_at(self.at_ms)
            self.record(EventCode.INFUSION_RESUMED, Hold.UPDATE.value, rate_nl_per_day, link_id)

    def _record_commit(self, old: Prescription, new: Prescription, link_id: int) -> None:
        self.record(EventCode.COMMITTED, old.rate_nl_per_day, new.rate_nl_per_day, link_id)
        if needs_confirmation(new, self.profile) and not self.programming.emergency:
            highest_ng = dose_totals(new).with_patient_ng
            limit_ng = self.profile.soft_daily_dose_ng
            self.record(EventCode.SOFT_LIMIT_CONFIRMED, highest_ng, limit_ng, link_id)
        if new.mode is not old.mode:
            self.record(EventCode.MODE_CHANGED, old.mode.value, new.mode.value, link_id)
        if new.bridge_decision is BridgeDecision.DECLINED:
            before, after = old.concentration_ng_per_ml, new.concentration_ng_per_ml
            self.record(EventCode.BRIDGE_DECLINED, before, after, link_id)

    # --- In an emergency -------------------------------------------------------------------------

    def emergency_minimum_rate(self) -> MinimumRateResult:
        """Go down to the minimum rate of the same drugs; never up to it.

        A pump that is stopped or halted does not begin to flow, and one that is prescribed less in
        a day goes on as it is. To ask again changes nothing and gives the same answer (REQ-30).
        """
        reasons, old = self.end_of_service(), self.prescription
        lowest = minimum_rate_of(self.profile, old.drugs, old.low_reservoir_threshold_nl)
        halted = old.mode is Mode.STOPPED or Hold.UPDATE in self.delivery.holds
        if halted or old.rate_nl_per_day < lowest.rate_nl_per_day:
            reasons += (Reason(RefusalCode.WRONG_MODE, Field.MODE),)
        if reasons:
            raise Refused(*reasons)
        self._in_emergency(lowest, EventCode.EMERGENCY_MINIMUM_RATE)
        return MinimumRateResult(
            self.prescription_since_ms, self.prescription_version, self.prescription.rate_nl_per_day
        )

    def emergency_stop(self) -> StopResult:
        """Stop the infusion; the alarm of a pump that is stopped for too long is counted down to.

        To ask again changes nothing and gives the same answer (REQ-30).
        """
        if reasons := self.end_of_service():
            raise Refused(*reasons)
        old = self.prescription
        none = stopped_of(old.drugs, old.low_reservoir_threshold_nl)
        self._in_emergency(none, EventCode.EMERGENCY_STOPPED)
        alarm_at_ms = self.stopped_alarm_at_ms
        assert alarm_at_ms is not None
        return StopResult(self.prescription_since_ms, self.prescription_version, alarm_at_ms)

    def _in_emergency(self, new: Prescription, event: EventCode) -> None:
        """Put that mode in force, unless it is; whatever is staged or adds to it ends anyway."""
        self.drop_pending(EventCode.ROLLED_BACK)
        if self.prescription.mode is new.mode and self.running_bolus() is None:
            self.end_halt()
        else:
            self.end_any_bolus()
            self._put_in_force(self.programming.in_emergency(new, self.at_ms), because=event)
            self.raise_alarm(Alarm.EMERGENCY_ACTION)
        self.after_change()
