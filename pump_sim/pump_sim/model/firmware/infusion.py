"""The infusion: drug flows by the course, boluses begin and end, and moments fall due.

It knows nothing of clinicians' sessions with the pump, only what they ordered to flow.
"""

from abc import ABC, abstractmethod
from dataclasses import replace

from pump_sim.model.course import BolusCurve
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.core import Core
from pump_sim.model.firmware.delivery import Delivery, Hold, PutOff, RunningBolus
from pump_sim.model.firmware.forecast import Due, Forecast
from pump_sim.model.firmware.service import ServiceState
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.orders import (
    BolusKind,
    BolusOrder,
    BolusOutcome,
    BolusReport,
    BolusResult,
    Order,
    PatientBolusResult,
    PatientRequest,
    check_bolus,
)
from pump_sim.model.prescription import Mode
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused, out_of_range
from pump_sim.model.schedule import infusion
from pump_sim.model.units import UNITS_PER_NL

_STARTED = {
    BolusKind.PRIMING: EventCode.PRIMING_STARTED,
    BolusKind.SINGLE: EventCode.BOLUS_STARTED,
    BolusKind.PATIENT: EventCode.PATIENT_BOLUS_STARTED,
    BolusKind.PERIODIC: EventCode.PERIODIC_BOLUS_STARTED,
}


class Infusion(Core, ABC):
    """What flows, and what becomes of it as time passes."""

    def __init__(self, profile: Profile, state: FirmwareState) -> None:
        super().__init__(profile, state)
        self._outlook: Forecast | None = None  # derived; None when the plan has changed

    # --- Time ------------------------------------------------------------------------------------

    def outlook(self) -> Forecast:
        """What will happen by itself."""
        if self._outlook is None:
            self._outlook = Forecast(self.profile, self.state())
        return self._outlook

    def replan(self) -> None:
        """Look ahead anew: something that the plan follows from has changed."""
        self._outlook = None

    def flow(self, to_ms: int) -> int:
        """Command the drive up to `to_ms`, and return how many ledger units that were.

        In the millisecond in which the ledger runs out, only what is left in it is asked for.
        """
        commanded = self.delivery.course.units(self.at_ms, to_ms)
        if self.motor_still_since_ms is not None:
            self._miss_steps(commanded)
        self.at_ms = to_ms
        left_units = self.ledger.left_units
        if commanded > left_units:
            self.ledger = self.ledger.spend(left_units)
            return commanded if self.runs_dry else left_units
        if commanded:
            self.ledger = self.ledger.spend(commanded)
        return commanded

    def _miss_steps(self, commanded: int) -> None:
        """Notice from when on the motor has not followed."""
        if commanded and self.steps_missed_since_ms is None:
            first_ms = self.delivery.course.first_ms_reaching(1, from_ms=self.at_ms)
            assert first_ms is not None
            self.steps_missed_since_ms = first_ms - 1

    def happen_now(self) -> None:
        """Let everything happen that is due by now."""
        while (due := self.outlook().next_due) is not None and due[0] <= self.at_ms:
            self._happen(due[1])
            self.replan()

    def _happen(self, due: Due) -> None:  # noqa: C901 - a line for each
        match due:
            case Due.BOLUS_ENDS:
                self._end_bolus(BolusOutcome.COMPLETED)
                self._begin_put_off()
            case Due.PERIODIC_PUT_OFF:
                self._put_off_next()
            case Due.LOW_RESERVOIR:
                self.raise_alarm(Alarm.LOW_RESERVOIR)
            case Due.EMPTY_RESERVOIR:
                self.raise_alarm(Alarm.EMPTY_RESERVOIR)
                if not self.runs_dry:
                    self.hold(Hold.EMPTY_RESERVOIR)
            case Due.MOTOR_STALL:
                self.raise_alarm(Alarm.MOTOR_STALL)
            case Due.STOPPED_TOO_LONG:
                self.raise_alarm(Alarm.STOPPED_TOO_LONG)
            case Due.MEMORY_CHECK:
                self.look_at_memory()
            case Due.REPLACEMENT_PLANNED:
                self.raise_alarm(Alarm.REPLACEMENT_PLANNED)
            case Due.ERI:
                self.service = self.service.at_eri(self.at_ms)
                self.raise_alarm(Alarm.ERI)
            case Due.EOS:
                self.end_service()

    def end_service(self) -> None:
        """No flow from now on, for ever."""
        if self.service.state is ServiceState.EOS:
            return
        self.service = self.service.at_eos(self.at_ms)
        self.raise_alarm(Alarm.EOS)
        self.hold(Hold.EOS)

    def look_at_memory(self) -> None:
        """Check the memory, and do what follows from what is found."""
        if not self.check_memory():
            self.prescription_lost()

    @abstractmethod
    def prescription_lost(self) -> None:
        """Both copies are damaged: what then, is for the layer above to say."""

    def after_change(self) -> None:
        """What a change brings about at once: conditions end, flow resumes, moments fall due."""
        self.replan()
        self.clear_alarms()
        held = Hold.EMPTY_RESERVOIR in self.delivery.holds
        ought = self.alarms.is_active(Alarm.EMPTY_RESERVOIR) and not self.runs_dry
        if held and not ought:
            self.release(Hold.EMPTY_RESERVOIR)
        elif ought and not held:
            self.hold(Hold.EMPTY_RESERVOIR)
        self.happen_now()

    # --- What flows ------------------------------------------------------------------------------

    def infusing_nl_per_day(self) -> int:
        """What flows now as far as the pump knows: nothing while it knows that the motor stands."""
        if self.alarms.is_active(Alarm.MOTOR_STALL):
            return 0
        return self.delivery.course.rate_at(self.at_ms)

    def follow_prescription(self, *, from_ms: int | None = None) -> None:
        """Let the prescription in force flow, from `from_ms` on, under any bolus that runs."""
        rate_nl_per_day, cycle = infusion(
            self.programming.current,
            at_ms=self.at_ms if from_ms is None else from_ms,
            clock_offset_ms=self.clock_offset_ms,
            periodic_anchor_ms=self.delivery.periodic_anchor_ms,
        )
        self._deliver(self.delivery.based(rate_nl_per_day, cycle))

    def begin_infusion(self) -> None:
        """Let a prescription that was just put in force flow, a train from its first bolus."""
        self._anchor_periodic(self.at_ms)
        self.follow_prescription()

    def _deliver(self, delivery: Delivery) -> None:
        self.delivery = delivery
        if not delivery.course.flows:
            self.steps_missed_since_ms = None

    def hold(self, hold: Hold) -> None:
        """Stop all flow; what a bolus has delivered until now is all it will."""
        if hold in self.delivery.holds:
            return
        rate_nl_per_day = self.delivery.course.rate_at(self.at_ms)
        # In its last millisecond a reservoir may have held less than was asked for: that one does
        # not count towards the bolus, so that nothing is reported that was not delivered.
        unsure_ms = 1 if hold is Hold.EMPTY_RESERVOIR else 0
        self.end_any_bolus(unsure_ms=unsure_ms)
        flowing = not self.delivery.holds
        self._deliver(self.delivery.held(hold))
        if flowing:
            self.record(EventCode.INFUSION_STOPPED, hold.value, rate_nl_per_day)

    def release(self, hold: Hold) -> None:
        """End a hold; drug flows as prescribed if it was the last one."""
        self.delivery = self.delivery.released(hold)
        if not self.delivery.holds:
            self.follow_prescription()
            rate_nl_per_day = self.delivery.course.rate_at(self.at_ms)
            self.record(EventCode.INFUSION_RESUMED, hold.value, rate_nl_per_day)

    # --- Boluses begin ---------------------------------------------------------------------------

    def order_bolus(self, order: BolusOrder, *, link_id: int = 0) -> BolusResult:
        """Begin a bolus, once: a repeat of the order is answered, not executed (REQ-07)."""
        known = self.orders.recall(order)
        if known is not None:
            assert isinstance(known, BolusResult)
            return known
        self.refuse_order(order, self._reasons_against_bolus(order))
        curve = BolusCurve(order.volume_nl * UNITS_PER_NL, order.duration_ms, self.at_ms)
        bolus = RunningBolus(order.kind, curve, order.programmer_id, order.order_number)
        result = BolusResult(order, self.at_ms, curve.ends_at_ms)
        self.orders = self.orders.remembering(order, result)
        self._begin(bolus, link_id)
        self.after_change()
        return result

    def _reasons_against_bolus(self, order: BolusOrder) -> tuple[Reason, ...]:
        current, running = self.programming.current, self.delivery.bolus
        reasons = self.end_of_service() + check_bolus(order, current, self.profile)
        if current.mode is Mode.STOPPED or self.programming.safe:
            reasons += (Reason(RefusalCode.WRONG_MODE, Field.MODE),)
        if running is not None and running.kind.value <= BolusKind.SINGLE.value:
            reasons += (Reason(RefusalCode.BOLUS_ACTIVE),)
        return reasons + self._reasons_of_supply(Field.BOLUS_VOLUME, order.volume_nl)

    def _reasons_of_supply(self, field: Field, volume_nl: int) -> tuple[Reason, ...]:
        """Why a bolus of that volume would not come out of this reservoir now."""
        if not self.ledger.left_nl or Hold.EMPTY_RESERVOIR in self.delivery.holds:
            return (Reason(RefusalCode.RESERVOIR_EMPTY),)
        reasons: tuple[Reason, ...] = ()
        if self.delivery.holds:
            reasons += (Reason(RefusalCode.INFUSION_HELD),)
        left_nl = self.ledger.left_nl
        if left_nl < volume_nl <= self.profile.capacity_nl:
            reasons += out_of_range(field, volume_nl, 1, left_nl)
        return reasons

    def request_patient_bolus(
        self, request: PatientRequest, *, link_id: int = 0
    ) -> PatientBolusResult:
        """Begin the bolus that the patient may have, once for each request (REQ-12, REQ-13)."""
        known = self.orders.recall(request)
        if known is not None:
            assert isinstance(known, PatientBolusResult)
            return known
        number = request.order_number
        try:
            result = self._grant(request.programmer_id, number, link_id)
        except Refused as refused:
            self.orders = self.orders.remembering(request, refused.reasons)
            raise
        self.orders = self.orders.remembering(request, result)
        self.after_change()
        return result

    def press_button(self) -> PatientBolusResult:
        """The patient presses the button: a request that no message carries."""
        result = self._grant(0, 0, 0)
        self.after_change()
        return result

    def _grant(self, programmer_id: int, order_number: int, link_id: int) -> PatientBolusResult:
        if reasons := self._reasons_against_patient():
            code = reasons[0].code.value
            self.record(EventCode.PATIENT_BOLUS_REFUSED, code, order_number, link_id)
            raise Refused(*reasons)
        prescribed = self.programming.current.patient
        assert prescribed is not None
        volume_units = prescribed.volume_nl * UNITS_PER_NL
        curve = BolusCurve(volume_units, prescribed.duration_ms, self.at_ms)
        self.patient_boluses = self.patient_boluses.granted(self.at_ms)
        self._begin(RunningBolus(BolusKind.PATIENT, curve, programmer_id, order_number), link_id)
        return PatientBolusResult(
            prescribed.volume_nl,
            self.at_ms,
            curve.ends_at_ms,
            self.patient_boluses.left(prescribed, self.at_ms),
            self.patient_boluses.next_ms(prescribed),
        )

    def _reasons_against_patient(self) -> tuple[Reason, ...]:
        prescribed, running = self.programming.current.patient, self.delivery.bolus
        reasons = self.end_of_service()
        if prescribed is None:
            return (*reasons, Reason(RefusalCode.NOT_PRESCRIBED))
        waits = (
            (RefusalCode.LOCKED_OUT, self.patient_boluses.locked_until_ms(prescribed)),
            (RefusalCode.ALLOTMENT_USED, self.patient_boluses.allotted_from_ms(prescribed)),
        )
        for code, from_ms in waits:
            if self.at_ms < from_ms:
                reasons += (Reason(code, value=from_ms),)
        if running is not None and running.kind is not BolusKind.PERIODIC:
            reasons += (Reason(RefusalCode.BOLUS_ACTIVE),)
        return reasons + self._reasons_of_supply(Field.BOLUS_VOLUME, prescribed.volume_nl)

    def refuse_order(self, order: Order, reasons: tuple[Reason, ...]) -> None:
        """Refuse and remember it, if there are reasons to."""
        if reasons:
            self.orders = self.orders.remembering(order, reasons)
            raise Refused(*reasons)

    def _begin(self, bolus: RunningBolus, link_id: int = 0) -> None:
        """Begin a bolus, out of whose way a lower one goes (REQ-09)."""
        lower = self.running_bolus()
        if lower is not None and lower.kind is BolusKind.PATIENT:
            self._end_bolus(BolusOutcome.ABORTED, link_id)
        elif lower is not None and lower.kind is BolusKind.PERIODIC:
            rest = lower.curve.rest_at(self.at_ms)
            in_cycle = self.delivery.bolus is None
            whole = in_cycle and lower.curve.started_at_ms == self.at_ms
            self._put_off(PutOff(rest, whole), bolus.curve.ends_at_ms)
        self._deliver(self.delivery.with_bolus(bolus))
        volume_nl = bolus.curve.volume_units // UNITS_PER_NL
        self.record(_STARTED[bolus.kind], volume_nl, bolus.order_number, link_id)

    def begin_bridge(self, link_id: int = 0) -> None:
        """Begin the bridge of the prescription in force, which follows it (REQ-11)."""
        bridge = self.programming.current.bridge
        assert bridge is not None
        volume_units = bridge.volume_nl * UNITS_PER_NL
        curve = BolusCurve(volume_units, bridge.duration_ms, self.at_ms)
        self._anchor_periodic(curve.ends_at_ms)
        self.follow_prescription(from_ms=curve.ends_at_ms)
        self._deliver(self.delivery.with_bolus(RunningBolus(BolusKind.BRIDGE, curve)))
        rate_nl_per_day = bridge.rate_nl_per_day
        self.record(EventCode.BRIDGE_STARTED, bridge.volume_nl, rate_nl_per_day, link_id)

    # --- Boluses end -----------------------------------------------------------------------------

    def running_bolus(self) -> RunningBolus | None:
        """The bolus in progress, ordered or periodic."""
        if self.delivery.bolus is not None:
            return self.delivery.bolus
        course = self.delivery.course
        if course.cycle is None or self.programming.current.periodic is None:
            return None
        part, begun_at_ms, _ = course.cycle.segment_at(self.at_ms)
        if part is None or not part.units:
            return None
        return RunningBolus(BolusKind.PERIODIC, BolusCurve(part.units, part.per_ms, begun_at_ms))

    def abort_bolus(self, *, link_id: int = 0) -> BolusReport:
        """End the running bolus now and tell how much of it was delivered (REQ-07)."""
        report = self.end_any_bolus(link_id)
        if report is None:
            raise Refused(Reason(RefusalCode.NO_BOLUS))
        self._begin_put_off()
        self.after_change()
        return report

    def end_any_bolus(self, link_id: int = 0, *, unsure_ms: int = 0) -> BolusReport | None:
        """End the bolus in progress, if there is one, before it is complete."""
        if self.delivery.bolus is not None:
            return self._end_bolus(BolusOutcome.ABORTED, link_id, unsure_ms=unsure_ms)
        running = self.running_bolus()
        if running is None:
            return None
        report = running.report(self.at_ms, BolusOutcome.ABORTED, unsure_ms=unsure_ms)
        self.follow_prescription(from_ms=self.at_ms + 1)
        self.delivery = self.delivery.without_bolus(report)
        self.record(EventCode.BOLUS_ABORTED, report.delivered_nl, 0, link_id)
        return report

    def _end_bolus(
        self, outcome: BolusOutcome, link_id: int = 0, *, unsure_ms: int = 0
    ) -> BolusReport | None:
        running = self.delivery.bolus
        if running is None:
            return None
        report = running.report(self.at_ms, outcome, unsure_ms=unsure_ms)
        self.delivery = self.delivery.without_bolus(report)
        completed = outcome is BolusOutcome.COMPLETED
        event = EventCode.BOLUS_COMPLETED if completed else EventCode.BOLUS_ABORTED
        self.record(event, report.delivered_nl, report.order_number, link_id)
        if running.kind is BolusKind.BRIDGE:
            self._anchor_periodic(self.at_ms)
            self.follow_prescription()
        return report

    # --- Periodic boluses make way ---------------------------------------------------------------

    def _anchor_periodic(self, from_ms: int) -> None:
        """Begin a new train of periodic boluses, if they are prescribed."""
        periodic = self.programming.current.periodic
        if periodic is not None:
            anchor_ms = from_ms + periodic.first_after_ms
            self.delivery = replace(self.delivery, periodic_anchor_ms=anchor_ms)

    def _put_off_next(self) -> None:
        """The periodic bolus that would begin now waits for the one that runs."""
        periodic, running = self.programming.current.periodic, self.delivery.bolus
        assert periodic is not None
        assert running is not None
        until_ms, waiting = running.curve.ends_at_ms, self.delivery.put_off
        if waiting is not None and not waiting.whole:
            self.follow_prescription(from_ms=until_ms)  # at most one waits
            return
        whole = BolusCurve(periodic.volume_nl * UNITS_PER_NL, periodic.duration_ms, self.at_ms)
        self._put_off(PutOff(whole, whole=True), until_ms)

    def _put_off(self, put_off: PutOff, until_ms: int) -> None:
        """Let a periodic bolus, or the rest of one, wait for the end of the bolus that runs.

        A whole one takes the train with it, which goes on at its interval from there.
        """
        anchor_ms = until_ms if put_off.whole else self.delivery.periodic_anchor_ms
        self.delivery = replace(self.delivery, put_off=put_off, periodic_anchor_ms=anchor_ms)
        self.follow_prescription(from_ms=until_ms)
        volume_nl = put_off.curve.volume_units // UNITS_PER_NL
        self.record(EventCode.PERIODIC_BOLUS_SHIFTED, volume_nl, until_ms)

    def _begin_put_off(self) -> None:
        """Deliver what was put off; after a whole bolus the train goes on at its interval."""
        waiting = self.delivery.put_off
        if waiting is None:
            return
        anchor_ms = self.at_ms if waiting.whole else self.delivery.periodic_anchor_ms
        self.delivery = replace(self.delivery, put_off=None, periodic_anchor_ms=anchor_ms)
        self.follow_prescription(from_ms=self.at_ms + waiting.whole)
        curve = replace(waiting.curve, started_at_ms=self.at_ms)
        self._deliver(self.delivery.with_bolus(RunningBolus(BolusKind.PERIODIC, curve)))
        self.record(EventCode.PERIODIC_BOLUS_STARTED, curve.volume_units // UNITS_PER_NL)
