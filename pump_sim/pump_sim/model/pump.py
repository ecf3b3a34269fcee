"""The pump: firmware in its hardware. It moves both through time, and is the one place they meet.

`pump.firmware` is what the pump believes and every command that it obeys; what is physically true
is here. Commands go to the firmware once the pump has been brought to the present with `settle`.
The pump knows no message, no wall clock and nobody who waits.

Times here are therapy time, in ms since the implant. The firmware has a time of its own, which
differs from it only while the pump's clock drifts.
"""

from dataclasses import replace
from typing import Final

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.firmware import LATEST_LOCAL_MS, Firmware, ResetCause
from pump_sim.model.firmware.memory import COPIES, Region
from pump_sim.model.hardware.battery import BatteryMode
from pump_sim.model.hardware.faults import (
    BatteryFailure,
    BitFlip,
    BrownOut,
    Effects,
    Fault,
    FaultError,
    Injected,
    MriScan,
    ReplacementDate,
    WatchdogReset,
    effects,
)
from pump_sim.model.hardware.flow import FlowHistory, FlowPiece
from pump_sim.model.hardware.patient import Patient, PatientFlag, PatientView
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.orders import PatientBolusResult
from pump_sim.model.prescription import BridgeDecision, Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Refused
from pump_sim.model.rules import check_prescription
from pump_sim.model.schedule import undisturbed
from pump_sim.model.state import PumpState, new_state
from pump_sim.model.status import Status, Truth
from pump_sim.model.units import DAY_MS, PPM, SECOND_MS, UNITS_PER_NL, nearest

FAMILIAR_PPM: Final = (500_000, 1_500_000)
"""A new dose within this of the old one is what the patient gets used to: the thresholds of
underdose and overdose watch (decision 0017)."""


class Pump:
    """One pump, at one moment: the only thing in the model that changes."""

    # --- Making one ------------------------------------------------------------------------------

    def __init__(self, state: PumpState) -> None:
        hardware = state.hardware
        self.profile = state.profile
        self.serial_number = state.serial_number
        self.firmware = Firmware(state.profile, state.firmware)
        self._at_ms = state.at_ms
        self._reservoir = hardware.reservoir
        self._drive = hardware.drive
        self._battery = hardware.battery
        self._catheter = hardware.catheter
        self._oscillator = hardware.oscillator
        self._faults = hardware.faults
        self._flow = hardware.flow
        self._patient = hardware.patient
        self._judged_version = hardware.judged_version
        self._judged_dose_ng = hardware.judged_dose_ng
        self._judged_offset_ms = hardware.judged_offset_ms
        self._implanted = hardware.implanted
        self._pocket_nl = hardware.pocket_nl
        self._effects: Effects = effects(self._faults.working())  # derived

    @classmethod
    def from_state(cls, state: PumpState) -> "Pump":
        """A pump that goes on exactly where the one of that state was."""
        return cls(state)

    @classmethod
    def implant(  # noqa: PLR0913 - each may be left out, and none belongs to another
        cls,
        profile: Profile,
        prescription: Prescription,
        *,
        serial_number: str = "SIM-000001",
        volume_nl: int | None = None,
        flow_factor_ppm: int = PPM,
        clock_local_ms: int = 0,
        battery_mode: BatteryMode = BatteryMode.DRAIN_AND_FAIL,
        new_patient: bool = False,
        into: "Pump | None" = None,
        primed: bool = True,
        historic_updates: bool = False,
    ) -> "Pump":
        """A new pump at 0 ms, filled with `volume_nl` (all it holds, unless told otherwise).

        `flow_factor_ppm` is what the drive truly delivers of what it is told to; `clock_local_ms`
        (since 1970) is the local time of the implant. The patient has long been treated as
        prescribed, through the catheter that stays, unless it is a new one: then there is no drug
        in patient or catheter. With `historic_updates` nothing flows while a prescription is staged
        (`Prescribing.stage`). Raises `Refused` for a bad prescription, ValueError for any other
        figure out of range.

        With `into` it takes the place of another pump, at the present of that one, which stays as
        it is. The catheter goes on with what is in it and what occludes it, and so does the
        patient. The new pump's tubing is `primed` with its drug, or holds fluid without any.
        """
        if into is not None:
            if new_patient:
                raise ValueError("new_patient: that of another pump is not new")
            # A bridge is for what the old pump held.
            not_needed = BridgeDecision.NOT_NEEDED
            prescription = replace(prescription, bridge_decision=not_needed, bridge=None)
        if reasons := check_prescription(prescription, profile):
            raise Refused(*reasons)
        volume_nl = profile.capacity_nl if volume_nl is None else volume_nl
        for name, value, maximum in (
            ("volume_nl", volume_nl, profile.capacity_nl),
            ("flow_factor_ppm", flow_factor_ppm, 10 * PPM),
            ("clock_local_ms", clock_local_ms, LATEST_LOCAL_MS),
        ):
            if not 0 <= value <= maximum:
                raise ValueError(f"{name} = {value}: allowed are 0..{maximum}")
        state = new_state(
            profile,
            prescription,
            serial_number=serial_number,
            volume_nl=volume_nl,
            flow_factor_ppm=flow_factor_ppm,
            clock_local_ms=clock_local_ms,
            battery_mode=battery_mode,
            new_patient=new_patient,
            before=None if into is None else into.state(),
            primed=primed,
            historic_updates=historic_updates,
        )
        pump = cls(state)
        if into is not None:
            pump._judge()  # by its prescription, if it is near the one that the patient is used to
        pump.firmware.implanted(volume_nl)
        return pump

    @classmethod
    def after_memory_loss(cls, state: PumpState, *lost: Region) -> "Pump":
        """The pump of that state, which has lost regions of its memory, and looks at once.

        One copy of the prescription is mended from the other. Both are lost unless told otherwise:
        then the pump starts anew, into its safe state, whatever `state` has in them (REQ-21).
        """
        firmware = state.firmware
        memory = firmware.memory.lost(*(lost or COPIES), at_ms=firmware.at_ms)
        pump = cls(replace(state, firmware=replace(firmware, memory=memory)))
        pump.firmware.look_at_memory()
        return pump

    def state(self) -> PumpState:
        """Everything that this pump is now."""
        return PumpState(
            profile=self.profile,
            serial_number=self.serial_number,
            at_ms=self._at_ms,
            hardware=HardwareState(
                reservoir=self._reservoir,
                drive=self._drive,
                battery=self._battery,
                catheter=self._catheter,
                oscillator=self._oscillator,
                faults=self._faults,
                flow=self._flow,
                patient=self._patient,
                judged_version=self._judged_version,
                judged_dose_ng=self._judged_dose_ng,
                judged_offset_ms=self._judged_offset_ms,
                implanted=self._implanted,
                pocket_nl=self._pocket_nl,
            ),
            firmware=self.firmware.state(),
        )

    # --- Time ------------------------------------------------------------------------------------

    @property
    def at_ms(self) -> int:
        """The present in therapy time. It never stops or goes back."""
        return self._at_ms

    def next_due_ms(self) -> int | None:
        """The next moment at which something observable changes by itself; None if never."""
        firmware_ms, fault_ms = self._next_firmware_ms(), self._faults.next_ms()
        if firmware_ms is None or fault_ms is None:
            return fault_ms if firmware_ms is None else firmware_ms
        return min(firmware_ms, fault_ms)

    def next_step_ms(self) -> int | None:
        """When the flow goes on at another rate of its schedule next; None if it never does."""
        pump_ms = self.firmware.delivery.course.next_change_ms(self.firmware.at_ms)
        return None if pump_ms is None else self._oscillator.therapy_ms(pump_ms)

    def _next_firmware_ms(self) -> int | None:
        due = self.firmware.outlook().next_due
        return None if due is None else max(self._at_ms, self._oscillator.therapy_ms(due[0]))

    def settle(self, to_ms: int) -> None:
        """Bring the pump to `to_ms`: all that falls due until then happens, at its own moment.

        Where the firmware and a fault act in the same millisecond, the firmware is first. Raises
        ValueError if `to_ms` lies in the past.
        """
        if to_ms < self._at_ms:
            raise ValueError(f"to_ms = {to_ms}: the pump is already at {self._at_ms}")
        while True:
            firmware_ms, fault_ms = self._next_firmware_ms(), self._faults.next_ms()
            if fault_ms is not None and fault_ms <= to_ms:
                if firmware_ms is None or fault_ms < firmware_ms:
                    self._flow_to(self._oscillator.pump_ms(fault_ms))
                    self._at_ms = fault_ms
                    self._change_faults()
                    continue
            elif firmware_ms is None or firmware_ms > to_ms:
                break
            due = self.firmware.outlook().next_due
            assert firmware_ms is not None
            assert due is not None
            self._flow_to(due[0])
            self._at_ms = firmware_ms
            self.firmware.happen_now()
        self._flow_to(self._oscillator.pump_ms(to_ms))
        self._at_ms = to_ms

    def _flow_to(self, pump_ms: int) -> None:
        """Drug flows: the firmware commands, the drive turns, the reservoir gives what it can."""
        firmware = self.firmware
        if pump_ms <= firmware.at_ms:
            return
        self._judge_anew()
        self._note_flow()
        commanded = firmware.flow(pump_ms)
        if commanded:
            drawn = min(self._reservoir.left, commanded * self._factor_ppm())
            if drawn:
                self._reservoir = self._reservoir.give(drawn, lost=self._off_catheter)
            self._drive = self._drive.turned(commanded)
        firmware.gauge = self._gauge()

    def _factor_ppm(self) -> int:
        """What leaves the reservoir of what is commanded."""
        acting = self._effects
        if acting.stalled or (acting.occluded and self._implanted):
            return 0
        return self._drive.flow_factor_ppm if acting.factor_ppm is None else acting.factor_ppm

    @property
    def _off_catheter(self) -> bool:
        """Whether what leaves the pump misses the catheter."""
        return self._effects.disconnected or not self._implanted

    def _path_factor_ppm(self) -> int:
        """What gets into the catheter of what is commanded."""
        return 0 if self._off_catheter else self._factor_ppm()

    def _gauge(self) -> int:
        used = self._battery.charge_used(self.firmware.at_ms, self._drive.odometer_units)
        if self._effects.gauge_loss_ppm:
            used += self.profile.battery_capacity * self._effects.gauge_loss_ppm // PPM
        return used

    def _note_flow(self) -> None:
        """Begin a new piece of the flow's history if it is another flow than before."""
        self._flow = self._noted()

    def _noted(self) -> FlowHistory:
        """The flow's history with what flows from now on; nothing changes by asking."""
        flow = self._flow
        course, last = self.firmware.delivery.flowing, flow.pieces[-1]
        factor_ppm = self._path_factor_ppm()
        if factor_ppm == last.factor_ppm and (course is last.course or course == last.course):
            return flow
        return flow.begun(self._piece())

    def _judge_anew(self) -> None:
        """Judge the patient by another prescription, once time passes under it."""
        if self._judgement_is_due:
            self._judge()

    @property
    def _judgement_is_due(self) -> bool:
        firmware = self.firmware
        return not firmware.delivery.bridging and (
            firmware.programming.version != self._judged_version
            or firmware.clock_offset_ms != self._judged_offset_ms
        )

    def _judge(self) -> None:
        """Judge the patient by the prescription in force, if it is one to be used to."""
        self._patient, self._judged_dose_ng = self._judged_patient()
        self._judged_version = self.firmware.programming.version
        self._judged_offset_ms = self.firmware.clock_offset_ms

    def _judged_patient(self) -> tuple[Patient, int]:
        """The patient by the prescription in force, and its daily dose.

        Not by a stop or a safe state, and not by a dose so far from the one before that the change
        itself is what the patient is to show.
        """
        firmware = self.firmware
        prescription, used_to_ng = firmware.programming.current, self._judged_dose_ng
        dose_ng = prescription.daily_dose_ng
        lowest, highest = FAMILIAR_PPM
        familiar = not used_to_ng or lowest * used_to_ng <= PPM * dose_ng <= highest * used_to_ng
        if not prescription.mode.treats or not familiar:
            return self._patient, used_to_ng
        course = undisturbed(
            prescription, at_ms=firmware.at_ms, clock_offset_ms=firmware.clock_offset_ms
        )
        concentration = prescription.concentration_ng_per_ml
        return self._patient.prescribed(course, concentration, firmware.at_ms), dose_ng

    def _piece(self) -> FlowPiece:
        """What flows from now on."""
        flow, reservoir, at_ms = self._flow, self._reservoir, self.firmware.at_ms
        return FlowPiece(
            at_ms,
            self.firmware.delivery.flowing,
            self._path_factor_ppm(),
            reservoir.delivered + flow.injected_by(at_ms),
            reservoir.left,
            flow.injection_at(at_ms),
        )

    # --- Faults ----------------------------------------------------------------------------------

    @property
    def faults(self) -> tuple[Injected, ...]:
        """The faults that are scheduled or at work."""
        return self._faults.injected

    def inject(self, fault: Fault, *, at_ms: int | None = None, for_ms: int | None = None) -> int:
        """Let something go wrong, now or at `at_ms`, for a time or until it is cleared.

        Returns the id by which it can be cleared. Raises `FaultError` for a moment in the past and
        for a duration of a fault that strikes at one moment or has a duration of its own.
        """
        begins_at_ms = self._at_ms if at_ms is None else at_ms
        if begins_at_ms < self._at_ms:
            raise FaultError(f"at_ms = {at_ms}: it is already {self._at_ms}")
        if for_ms is not None and (not fault.lasts or isinstance(fault, MriScan)):
            why = "it has its own duration" if fault.lasts else "it strikes at one moment"
            raise FaultError(f"{fault.name} takes no for_ms: {why}")
        if for_ms is not None and for_ms < 1:
            raise FaultError(f"for_ms = {for_ms}: at least 1 ms")
        if isinstance(fault, MriScan):
            for_ms = fault.stall_ms
        fault_id = self._faults.next_id
        ends_at_ms = None if for_ms is None else begins_at_ms + for_ms
        self._faults = self._faults.added(fault, begins_at_ms, ends_at_ms)
        self.settle(self._at_ms)
        return fault_id

    def clear(self, fault_id: int) -> None:
        """End a fault, or drop one that is scheduled. Raises `FaultError` if there is none."""
        if self._faults.get(fault_id) is None:
            known = ", ".join(str(each.fault_id) for each in self._faults.injected) or "none"
            raise FaultError(f"no fault {fault_id}: there are {known}")
        self._faults = self._faults.over(fault_id, self._at_ms)
        self._apply()

    def clear_all(self, name: str) -> list[int]:
        """End, or drop, all faults of a name; return their ids."""
        cleared = [each.fault_id for each in self._faults.injected if each.fault.name == name]
        for fault_id in cleared:
            self.clear(fault_id)
        return cleared

    def _change_faults(self) -> None:
        """Let the fault begin, strike or end whose moment has come."""
        change = self._faults.next_change()
        assert change is not None
        if change.begun:
            self._faults = self._faults.over(change.fault_id, self._at_ms)
        else:
            self._faults = self._faults.at_work(change.fault_id)
        self._apply()
        if not change.begun:
            self._strike(change.fault)

    def _strike(self, fault: Fault) -> None:
        """What a fault does at the moment when it begins."""
        match fault:
            case BrownOut():
                self.reset(ResetCause.BROWN_OUT)
            case WatchdogReset():
                self.reset(ResetCause.WATCHDOG)
            case BatteryFailure():
                self.firmware.battery_failed()
            case BitFlip():
                self.firmware.memory_hit(Region(fault.region), fault.seed)
            case ReplacementDate():
                self.firmware.plan_replacement(fault.planned_at_ms)
            case MriScan() if fault.latches_telemetry:
                self.firmware.latch_telemetry()
            case _:
                pass

    def _apply(self) -> None:
        """Let the faults that are at work act, and no others."""
        before, now = self._effects, effects(self._faults.working())
        self._effects = now
        if now.drift_ppm != before.drift_ppm:
            self._oscillator = self._oscillator.drifting(now.drift_ppm, self._at_ms)
        firmware = self.firmware
        if now.occluded or now.disconnected:
            self._flow = self._flow.injection_stopped(firmware.at_ms)
        firmware.runs_dry = now.runs_dry
        firmware.gauge = self._gauge()
        if now.stalled and not before.stalled:
            self._drive = self._drive.unnoticed(0)
            firmware.motor_stopped()
        elif before.stalled and not now.stalled:
            known = firmware.alarms.is_active(Alarm.MOTOR_STALL)
            self._drive = self._drive.unnoticed(before.registered_after if known else 0)
            if not self._drive.unregistered:
                firmware.motor_turns()
        firmware.after_change()

    def interrogated(self) -> None:
        """A programmer reads the pump, which may make it notice what it had not (P10, P28)."""
        if self._drive.unregistered:
            self._drive = self._drive.unnoticed(self._drive.unregistered - 1)
            if not self._drive.unregistered:
                self.firmware.motor_turns()
        self.firmware.interrogated()

    # --- What hands do ---------------------------------------------------------------------------

    def fill_by_hand(
        self,
        volume_nl: int,
        *,
        concentration_ng_per_ml: int | None = None,
        rinsed: bool = True,
    ) -> int:
        """Empty the reservoir with a needle and fill it; return the nL that were drawn out.

        With the drug as it is prescribed, unless told otherwise; what was in the residual volume
        mixes with it unless the reservoir is rinsed. The pump notices nothing: see
        `Firmware.update_reservoir`. Raises ValueError beyond the capacity.
        """
        if not 0 <= volume_nl <= self.profile.capacity_nl:
            raise ValueError(f"volume_nl = {volume_nl}: allowed 0..{self.profile.capacity_nl}")
        highest = self.profile.max_concentration_ng_per_ml
        if concentration_ng_per_ml is None:
            concentration_ng_per_ml = (
                self.firmware.prescription.concentration_ng_per_ml
                or self._reservoir.concentration_ng_per_ml
            )
        elif not 0 <= concentration_ng_per_ml <= highest:
            raise ValueError(
                f"concentration_ng_per_ml = {concentration_ng_per_ml}: allowed 0..{highest}"
            )
        drawn_nl = self._reservoir.left // FINE_UNITS_PER_NL
        self._reservoir = self._reservoir.refill(volume_nl, concentration_ng_per_ml, rinsed=rinsed)
        self._flow = self._flow.begun(self._piece()).entering(
            self._reservoir.concentration_ng_per_ml, self._reservoir.delivered
        )
        return drawn_nl

    def fill_into_pocket(self, volume_nl: int) -> None:
        """Empty a syringe beside the pump instead: the reservoir stays as it is.

        What lies in the pocket stays there: neither its absorption nor what it would do to a
        patient is modelled. Raises ValueError beyond the capacity, and of an explanted pump.
        """
        if not 0 <= volume_nl <= self.profile.capacity_nl:
            raise ValueError(f"volume_nl = {volume_nl}: allowed 0..{self.profile.capacity_nl}")
        self._check_implanted()
        self._pocket_nl += volume_nl

    def inject_catheter(
        self,
        volume_nl: int,
        concentration_ng_per_ml: int,
        duration_ms: int,
        *,
        aspirated: bool = False,
    ) -> int:
        """Inject through the catheter access port, past the pump; return the nL that get in.

        It drives out at the tip what lies in the catheter, and lies there itself then. Aspirated
        before, the catheter is full of cerebrospinal fluid, counted as without drug. The pump goes
        on as it does, and what it drives past the port meanwhile comes behind what is injected.
        Nothing gets into an occluded catheter; from a disconnected one it goes into the pocket.

        Raises ValueError out of range, of an explanted pump, and while another injection goes on.
        """
        for name, value, lowest, highest in (
            ("volume_nl", volume_nl, 0, self.profile.capacity_nl),
            (
                "concentration_ng_per_ml",
                concentration_ng_per_ml,
                0,
                self.profile.max_concentration_ng_per_ml,
            ),
            ("duration_ms", duration_ms, SECOND_MS, DAY_MS),
        ):
            if not lowest <= value <= highest:
                raise ValueError(f"{name} = {value}: allowed {lowest}..{highest}")
        self._check_implanted()
        if self.injecting_until_ms is not None:
            raise ValueError(f"an injection goes on until {self.injecting_until_ms} ms")
        if self._effects.disconnected:
            self._pocket_nl += volume_nl
        if self._off_catheter or self._effects.occluded:
            return 0
        self._flow = self._flow.begun(self._piece()).injecting(
            volume_nl,
            concentration_ng_per_ml,
            duration_ms,
            catheter_fine=self._catheter.path_fine - self._catheter.tubing_fine,
            aspirated=aspirated,
        )
        return volume_nl

    @property
    def injecting_until_ms(self) -> int | None:
        """When an injection through the access port will be over; None if none goes on."""
        running = self._flow.injection_at(self.firmware.at_ms)
        return None if running is None else self._oscillator.therapy_ms(running.curve.ends_at_ms)

    @property
    def implanted(self) -> bool:
        """Whether the pump is at its catheter, in the body."""
        return self._implanted

    def explant(self) -> None:
        """Take the pump out: catheter and patient stay behind, and nothing reaches them any more.

        The pump notices nothing and goes on; what it pumps is lost. It can not be put back:
        another takes its place (`implant`, `into`). Raises ValueError if it is out already.
        """
        self._check_implanted()
        self._flow = self._flow.injection_stopped(self.firmware.at_ms)
        self._implanted = False
        self._note_flow()

    def _check_implanted(self) -> None:
        if not self._implanted:
            raise ValueError(f"pump {self.serial_number} has been explanted")

    def press_button(self) -> PatientBolusResult:
        """The patient asks for a bolus. Raises `Refused`, which the pump has logged (REQ-13)."""
        return self.firmware.press_button()

    def reset(self, cause: ResetCause = ResetCause.COMMANDED) -> None:
        """Start the pump anew, as a brown-out or a watchdog does."""
        self.firmware.reset(cause)

    # --- Reading ---------------------------------------------------------------------------------

    def status(self) -> Status:
        """What the pump says of itself now."""
        return self.firmware.status()

    def truth(self) -> Truth:
        """What is physically so now. For the harness and the console, never for the wire."""
        firmware, reservoir, acting = self.firmware, self._reservoir, self._effects
        factor_ppm = self._factor_ppm()
        commanded = firmware.delivery.course.rate_at(firmware.at_ms)
        rate = nearest(commanded * factor_ppm * (PPM + acting.drift_ppm), PPM * PPM)
        flow = self._noted()
        tip = flow.tip_at(firmware.at_ms)
        return Truth(
            at_ms=self._at_ms,
            pump_ms=firmware.at_ms,
            drift_ppm=acting.drift_ppm,
            actual_volume_nl=reservoir.left // FINE_UNITS_PER_NL,
            actual_delivered_nl=reservoir.delivered // FINE_UNITS_PER_NL,
            actual_lost_nl=reservoir.lost // FINE_UNITS_PER_NL,
            actual_withdrawn_nl=reservoir.withdrawn // FINE_UNITS_PER_NL,
            commanded_nl=self._drive.odometer_units // UNITS_PER_NL,
            actual_rate_nl_per_day=rate if reservoir.left else 0,
            flow_factor_ppm=factor_ppm,
            reservoir_concentration_ng_per_ml=reservoir.concentration_ng_per_ml,
            tip_concentration_ng_per_ml=tip.concentration_ng_per_ml,
            received_ng=flow.received_ng(firmware.at_ms),
            pocket_nl=self._pocket_nl,
            implanted=self._implanted,
            stalled=acting.stalled,
            occluded=acting.occluded,
            disconnected=acting.disconnected,
            runs_dry=acting.runs_dry,
            charge_used=self._battery.charge_used(firmware.at_ms, self._drive.odometer_units),
        )

    def patient(self) -> PatientView:
        """The made-up patient now: a teaching aid, no predictor. Reckoned when asked."""
        return self._patient.view(self._noted(), self.firmware.at_ms)

    def next_flags(self, to_ms: int) -> tuple[int, tuple[PatientFlag, ...]] | None:
        """When the patient's flags change next, after now and by `to_ms`, and to what.

        None if they do not. This foresees what the pump does by itself and which faults will come,
        on a copy of the pump from its next due moment on; it is much cheaper up to there. Nothing
        changes by asking.
        """
        pump = self
        shown: tuple[PatientFlag, ...] = ()
        while True:
            due_ms = pump.next_due_ms()
            until_ms = to_ms if due_ms is None else min(to_ms, due_ms)
            found = pump._next_flags_undisturbed(until_ms)
            if found is not None or due_ms is None or due_ms >= to_ms:
                return found
            if pump is self:
                pump, shown = Pump(self.state()), self.patient().flags
            pump.settle(due_ms)
            flags = pump.patient().flags
            if flags != shown and due_ms > self._at_ms:
                return due_ms, flags

    def _next_flags_undisturbed(self, to_ms: int) -> tuple[int, tuple[PatientFlag, ...]] | None:
        """The same up to the next due moment."""
        patient = self._patient
        if self._judgement_is_due:
            patient, _ = self._judged_patient()
        oscillator, now_ms = self._oscillator, self.firmware.at_ms
        found = patient.next_flags(self._noted(), now_ms, oscillator.pump_ms(to_ms))
        if found is None:
            return None
        pump_ms, flags = found
        return oscillator.therapy_ms(pump_ms), flags
