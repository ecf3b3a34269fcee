"""What hands do outside the wire, carried out on a pump; when they do it is the play's business.

Hands know what they did, and can read what the pump believes as a clinician beside them would.
They hold the programming head, too.
"""

from dataclasses import dataclass
from typing import Final

from pump_sim.model.hardware.faults import MriScan
from pump_sim.model.orders import PatientBolusResult
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Refused
from pump_sim.model.units import PPM, nearest
from pump_sim.narration import clock_text, head_text, mcg, ml
from pump_sim.presence import Presence
from pump_sim.scenario.file.acts import (
    Button,
    Explant,
    Fill,
    FillPocket,
    Hands,
    Head,
    Implant,
    InjectCatheter,
    Mri,
    Press,
    Proximity,
)
from pump_sim.scenario.file.wishes import prescribed

JUDGED_FROM_NL: Final = 2_000_000
"""Where less than this should have been delivered, a ratio says nothing (domain.md 4.3, T12)."""


IMPOSSIBLE: Final = "impossible"
"""Why hands could not do something, where no pump had to refuse it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What hands did. `pump` is another one that is in place now; `ratio_ppm` is what was delivered
    of what should have been, where a fill could tell.
    """

    text: str
    refused: tuple[str, ...] = ()
    pump: Pump | None = None
    ratio_ppm: int | None = None


def do(act: Hands, pump: Pump, presence: Presence, *, link_ms: int, filled_nl: int) -> Deed:
    """Carry out an act on the pump in place. What cannot be done is refused, and changes nothing.

    :param presence: what the pump senses of the programming head.
    :param filled_nl: what the pump believed to hold right after the last refill.
    """
    try:
        deed = _do_with_head(act, presence, link_ms) or _do(act, pump, filled_nl)
    except Refused as refused:
        codes = tuple(reason.code.name.lower() for reason in refused.reasons)
        return Deed(text=f"no pump takes that prescription: {refused}", refused=codes)
    except ValueError as error:  # of the model: out of range, or not of a pump in this state
        return Deed(text=f"it cannot be done: {error}", refused=(IMPOSSIBLE,))
    if isinstance(act, Explant | Implant):
        # A pump that was taken out hears nobody; one that was put in is beside its programmer.
        presence.in_reach = isinstance(act, Implant)
    return deed


def _do_with_head(act: Hands, presence: Presence, link_ms: int) -> Deed | None:
    """What is done with the programming head; None if it is something else."""
    match act:
        case Button():
            presence.press(link_ms)
            nothing = "" if presence.on_pump else "; it does nothing off the pump"
            return Deed(text=f"the button of the programming head was pressed{nothing}")
        case Proximity():
            if act.in_reach is not None:
                presence.in_reach = act.in_reach
            if act.on_pump is not None:
                presence.on_pump = act.on_pump
        case Head() if act.hands == "lay_head":
            presence.on_pump = True
        case Head():
            presence.in_reach = False
        case _:
            return None
    return Deed(text=f"the programming head {head_text(presence)}")


def _do(act: Hands, pump: Pump, filled_nl: int) -> Deed:  # noqa: PLR0911 - one for each act
    match act:
        case Fill():
            return _fill(act, pump, filled_nl)
        case FillPocket():
            pump.fill_into_pocket(act.volume_nl)
            return Deed(text=f"{ml(act.volume_nl)} mL went beside the pump, into the pocket")
        case InjectCatheter():
            return _inject(act, pump)
        case Mri():
            pump.inject(
                MriScan(
                    field_ms=act.field_ms,
                    recovery_ms=act.recovery_ms,
                    registered_after=act.registered_after,
                    latches_telemetry=act.latches_telemetry,
                )
            )
            return Deed(text="the patient is in the scanner")
        case Press():
            return _press(pump)
        case Explant():
            pump.explant()
            return Deed(text=f"pump {pump.serial_number} was taken out")
        case Implant():
            return _implant(act, pump)
    raise TypeError(f"hands cannot {type(act).__name__}")


def _fill(act: Fill, pump: Pump, filled_nl: int) -> Deed:
    expected_nl = pump.firmware.moment().believed_volume_nl
    drawn_nl = pump.fill_by_hand(
        act.volume_nl,
        concentration_ng_per_ml=act.concentration_ng_per_ml,
        rinsed=act.rinsed,
    )
    should_nl = filled_nl - expected_nl
    ratio_ppm = None
    told = "too little to tell"
    if should_nl >= JUDGED_FROM_NL:
        ratio_ppm = nearest(PPM * (filled_nl - drawn_nl), should_nl)
        told = f"{ratio_ppm / 10_000:.1f} % of what should have been delivered"
    text = (
        f"{ml(drawn_nl)} mL drawn out, {ml(expected_nl)} mL expected ({told});"
        f" filled with {ml(act.volume_nl)} mL"
    )
    return Deed(text=text, ratio_ppm=ratio_ppm)


def _inject(act: InjectCatheter, pump: Pump) -> Deed:
    got_nl = pump.inject_catheter(
        act.volume_nl, act.concentration_ng_per_ml, act.duration_ms, aspirated=act.aspirated
    )
    if not got_nl:
        return Deed(text="nothing gets through the catheter access port into the catheter")
    dose_ng = nearest(got_nl * act.concentration_ng_per_ml, 10**6)
    where = "through the catheter access port"
    return Deed(text=f"{ml(got_nl)} mL, {mcg(dose_ng)} mcg, are injected {where}")


def _press(pump: Pump) -> Deed:
    try:
        begun: PatientBolusResult = pump.press_button()
    except Refused as refused:
        codes = tuple(reason.code.name.lower() for reason in refused.reasons)
        return Deed(text=f"the button was pressed: refused ({', '.join(codes)})", refused=codes)
    return Deed(text=f"the button was pressed: a bolus of {ml(begun.volume_nl)} mL began")


def _implant(act: Implant, old: Pump) -> Deed:
    if old.implanted:
        old.explant()
    profile = old.profile if act.profile is None else load_profile(act.profile)
    before = old.firmware.prescription
    wanted = act.prescription
    prescription = before if wanted == "as_before" else prescribed(wanted, before, profile)
    status = old.status()
    pump = Pump.implant(
        profile,
        prescription,
        serial_number=act.serial_number,
        volume_nl=act.volume_nl,
        flow_factor_ppm=act.flow_factor_ppm,
        clock_local_ms=status.clock_local_ms,
        battery_mode=old.state().hardware.battery.mode,
        historic_updates=old.firmware.historic_updates,
        into=old,
    )
    text = f"pump {pump.serial_number} was implanted at {clock_text(status.clock_local_ms)}"
    return Deed(text=text, pump=pump)
