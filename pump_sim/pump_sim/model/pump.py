"""The pump: firmware in its hardware. It moves both through time, and is the one place they meet.

`pump.firmware` is what the pump believes and every command that it obeys; what is physically true
is here. Commands go to the firmware once the pump has been brought to the present with `settle`.
The pump knows no message, no wall clock and nobody who waits.

Times here are therapy time, in ms since the implant. The firmware has a time of its own, which
differs from it only while the pump's clock drifts.
"""

from typing import Final

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.firmware import LATEST_LOCAL_MS, Firmware, ResetCause
from pump_sim.model.firmware.memory import Region
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
from pump_sim.model.hardware.flow import FlowPiece
from pump_sim.model.hardware.patient import PatientView
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.orders import PatientBolusResult
from pump_sim.model.prescription import Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Refused
from pump_sim.model.rules import check_prescription
from pump_sim.model.schedule import undisturbed
from pump_sim.model.state import PumpState, new_state
from pump_sim.model.status import Status, Truth
from pump_sim.model.units import PPM, UNITS_PER_NL, nearest

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
    ) -> "Pump":
        """A new pump at 0 ms, filled with `volume_nl` (all it holds, unless told otherwise).

        `flow_factor_ppm` is what the drive truly delivers of what it is told to; `clock_local_ms`
        (since 1970) is the local time of the implant. The patient has long been treated as
        prescribed, through the catheter that stays, unless it is a new one: then there is no drug
        in patient or catheter. Raises `Refused` for a bad prescription, ValueError for any other
        figure out of range.
        """
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
        )
        pump = cls(state)
        pump.firmware.implanted(volume_nl)
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
                self._reservoir = self._reservoir.give(drawn, lost=self._effects.disconnected)
            self._drive = self._drive.turned(commanded)
        firmware.gauge = self._gauge()

    def _factor_ppm(self) -> int:
        """What leaves the reservoir of what is commanded."""
        acting = self._effects
        if acting.stalled or acting.occluded:
            return 0
        return self._drive.flow_factor_ppm if acting.factor_ppm is None else acting.factor_ppm

    def _gauge(self) -> int:
        used = self._battery.charge_used(self.firmware.at_ms, self._drive.odometer_units)
        if self._effects.gauge_loss_ppm:
            used += self.profile.battery_capacity * self._effects.gauge_loss_ppm // PPM
        return used

    def _note_flow(self) -> None:
        """Begin a new piece of the flow's history if it is another flow than before."""
        course, last = self.firmware.delivery.flowing, self._flow.pieces[-1]
        factor_ppm = 0 if self._effects.disconnected else self._factor_ppm()
        if factor_ppm == last.factor_ppm and (course is last.course or course == last.course):
            return
        self._begin_piece(factor_ppm)

    def _judge_anew(self) -> None:
        """Judge the patient by another prescription, once time passes under it."""
        firmware = self.firmware
        if not firmware.delivery.bridging and (
            firmware.programming.version != self._judged_version
            or firmware.clock_offset_ms != self._judged_offset_ms
        ):
            self._judge()

    def _judge(self) -> None:
        """Judge the patient by the prescription in force, if it is one to be used to.

        Not by a stop or a safe state, and not by a dose so far from the one before that the change
        itself is what the patient is to show.
        """
        firmware, programming = self.firmware, self.firmware.programming
        self._judged_version = programming.version
        self._judged_offset_ms = firmware.clock_offset_ms
        prescription, used_to_ng = programming.current, self._judged_dose_ng
        dose_ng = prescription.daily_dose_ng
        lowest, highest = FAMILIAR_PPM
        familiar = not used_to_ng or lowest * used_to_ng <= PPM * dose_ng <= highest * used_to_ng
        if prescription.mode.treats and familiar:
            course = undisturbed(
                prescription, at_ms=firmware.at_ms, clock_offset_ms=firmware.clock_offset_ms
            )
            concentration = prescription.concentration_ng_per_ml
            self._patient = self._patient.prescribed(course, concentration, firmware.at_ms)
            self._judged_dose_ng = dose_ng

    def _begin_piece(self, factor_ppm: int) -> None:
        course, reservoir = self.firmware.delivery.flowing, self._reservoir
        at_ms = self.firmware.at_ms
        piece = FlowPiece(at_ms, course, factor_ppm, reservoir.delivered, reservoir.left)
        self._flow = self._flow.begun(piece)

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
        self._begin_piece(0 if self._effects.disconnected else self._factor_ppm())
        self._flow = self._flow.entering(
            self._reservoir.concentration_ng_per_ml, self._reservoir.delivered
        )
        return drawn_nl

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
        self._note_flow()
        firmware, reservoir, acting = self.firmware, self._reservoir, self._effects
        factor_ppm = self._factor_ppm()
        commanded = firmware.delivery.course.rate_at(firmware.at_ms)
        rate = nearest(commanded * factor_ppm * (PPM + acting.drift_ppm), PPM * PPM)
        tip = self._flow.tip_at(firmware.at_ms)
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
            stalled=acting.stalled,
            occluded=acting.occluded,
            disconnected=acting.disconnected,
            runs_dry=acting.runs_dry,
            charge_used=self._battery.charge_used(firmware.at_ms, self._drive.odometer_units),
        )

    def patient(self) -> PatientView:
        """The made-up patient now: a teaching aid, no predictor. Reckoned when asked."""
        self._note_flow()
        return self._patient.view(self._flow, self.firmware.at_ms)
