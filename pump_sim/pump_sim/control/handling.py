"""The commands that hands carry out: fill, inject, take a pump out, put another in its place."""

from typing import Final

from pump_sim.control.command import Call, Command, Result
from pump_sim.control.errors import ControlError, out_of_range, shown
from pump_sim.control.moving import time_of
from pump_sim.control.parameters import DAY_MS, Flag, Name, Parameter, Whole
from pump_sim.control.views import plain
from pump_sim.model.pump import Pump
from pump_sim.model.units import MINUTE_MS, PPM, SECOND_MS


def _fill(call: Call) -> Result:
    volume_nl = call.given["volume_nl"]
    _check_volume(call, volume_nl)
    concentration = call.given.get("concentration_ng_per_ml")
    if concentration is not None:
        _check_concentration(call, concentration)
    call.pump.fill_by_hand(
        volume_nl,
        concentration_ng_per_ml=concentration,
        rinsed=call.given.get("rinsed", True),
    )
    return _truth(call)


def _fill_pocket(call: Call) -> Result:
    _check_implanted(call)
    volume_nl = call.given["volume_nl"]
    _check_volume(call, volume_nl)
    call.pump.fill_into_pocket(volume_nl)
    return _truth(call)


def _inject_catheter(call: Call) -> Result:
    _check_implanted(call)
    volume_nl, concentration = call.given["volume_nl"], call.given["concentration_ng_per_ml"]
    _check_volume(call, volume_nl)
    _check_concentration(call, concentration)
    if call.pump.injecting_until_ms is not None:
        message = f"an injection goes on until {call.pump.injecting_until_ms} ms"
        raise ControlError("impossible", message)
    injected_nl = call.pump.inject_catheter(
        volume_nl,
        concentration,
        call.given.get("duration_ms", MINUTE_MS),
        aspirated=call.given.get("aspirated", False),
    )
    return {"injected_nl": injected_nl}


def _explant(call: Call) -> Result:
    _check_implanted(call)
    call.pump.explant()
    call.endpoint.presence.in_reach = False
    return _truth(call)


def _implant(call: Call) -> Result:
    old, given = call.pump, call.given
    serial_number = given["serial_number"]
    if not serial_number.isprintable() or not 1 <= len(serial_number.encode()) <= 32:
        message = f"serial_number = {shown(serial_number)}: 1 to 32 bytes of printable text"
        raise ControlError("bad_value", message, field="serial_number", value=serial_number)
    if serial_number in {each.simulation.pump.serial_number for each in call.fleet.endpoints}:
        message = f"serial_number = {serial_number}: there is a pump of that number"
        raise ControlError("bad_value", message, field="serial_number", value=serial_number)
    volume_nl = given.get("volume_nl")
    if volume_nl is not None:
        _check_volume(call, volume_nl)
    pump = Pump.implant(
        old.profile,
        old.firmware.prescription,
        serial_number=serial_number,
        volume_nl=volume_nl,
        flow_factor_ppm=given.get("flow_factor_ppm", PPM),
        clock_local_ms=old.status().clock_local_ms,
        battery_mode=old.state().hardware.battery.mode,
        historic_updates=old.firmware.historic_updates,
        into=old,
        primed=given.get("primed", True),
    )
    guard = None if call.endpoint.guard is None else call.fleet.guard_for(serial_number)
    call.endpoint.put_in_place(pump, guard, call.link_ns)
    call.endpoint.presence.in_reach = True
    return time_of(call)


def _check_implanted(call: Call) -> None:
    if not call.pump.implanted:
        raise ControlError("impossible", f"pump {call.pump.serial_number} has been explanted")


def _check_volume(call: Call, volume_nl: int) -> None:
    capacity_nl = call.pump.profile.capacity_nl
    if volume_nl > capacity_nl:
        raise out_of_range("volume_nl", volume_nl, 0, capacity_nl, "nL")


def _check_concentration(call: Call, concentration: int) -> None:
    strongest = call.pump.profile.max_concentration_ng_per_ml
    if concentration > strongest:
        raise out_of_range("concentration_ng_per_ml", concentration, 0, strongest, "ng/mL")


def _truth(call: Call) -> Result:
    told = plain(call.pump.truth())
    assert isinstance(told, dict)
    return told


COMMANDS: Final = (
    Command(
        name="fill",
        doc="Empty the reservoir and fill it with a needle. The pump does not notice: what it"
        " believes is changed by a programmer's refill.",
        answers="as `truth`",
        handle=_fill,
        parameters=(
            Parameter(
                name="volume_nl",
                kind=Whole("nL", 0, 100_000_000),
                doc="usable volume afterwards, at most the capacity",
                required=True,
            ),
            Parameter(
                name="concentration_ng_per_ml",
                kind=Whole("ng/mL", 0, 4_000_000_000),
                doc="of the primary drug in the syringe; 0 is saline",
                default="that of the prescription in force",
            ),
            Parameter(
                name="rinsed",
                kind=Flag(),
                doc="whether the residual volume is rinsed out first; otherwise it mixes in",
                default="true",
            ),
        ),
    ),
    Command(
        name="fill_pocket",
        doc="Miss the port: the syringe is emptied beside the pump, into its pocket, and stays"
        " there. The reservoir is as it was.",
        answers="as `truth`",
        handle=_fill_pocket,
        parameters=(
            Parameter(
                name="volume_nl",
                kind=Whole("nL", 0, 100_000_000),
                doc="what is in the syringe, at most the capacity of the reservoir",
                required=True,
            ),
        ),
    ),
    Command(
        name="inject_catheter",
        doc="Inject through the catheter access port, past the pump: what lies in the catheter"
        " comes out at its tip first.",
        answers="`injected_nl`, what gets into the catheter: 0 where it is occluded or"
        " disconnected",
        handle=_inject_catheter,
        parameters=(
            Parameter(
                name="volume_nl",
                kind=Whole("nL", 0, 100_000_000),
                doc="at most the capacity of the reservoir",
                required=True,
            ),
            Parameter(
                name="concentration_ng_per_ml",
                kind=Whole("ng/mL", 0, 4_000_000_000),
                doc="of the primary drug in the syringe; 0 is saline",
                required=True,
            ),
            Parameter(
                name="duration_ms",
                kind=Whole("ms", SECOND_MS, DAY_MS),
                doc="how long it takes, in therapy time",
                default="1 min",
            ),
            Parameter(
                name="aspirated",
                kind=Flag(),
                doc="whether the drug in the catheter was drawn out first",
                default="false",
            ),
        ),
    ),
    Command(
        name="explant",
        doc="Take the pump out. Catheter and patient stay, and nothing reaches them any more; the"
        " pump notices nothing and goes on.",
        answers="as `truth`",
        handle=_explant,
    ),
    Command(
        name="implant",
        doc="Put a new pump of the same profile in place of the one that is there, which is taken"
        " out. It is filled with its drug, and runs what the old one had in force, by the same"
        " local clock. Patient and catheter go on; therapy time begins anew at 0, at the speed"
        " as it is. It has keys of its own, which `pair` gives, and knows nothing of a link that is"
        " open.",
        answers="as `time`",
        handle=_implant,
        parameters=(
            Parameter(
                name="serial_number",
                kind=Name("1 to 32 bytes of printable text"),
                doc="of the new pump; no other pump of this process has it",
                required=True,
            ),
            Parameter(
                name="volume_nl",
                kind=Whole("nL", 0, 100_000_000),
                doc="usable volume in it, at most the capacity",
                default="the capacity",
            ),
            Parameter(
                name="flow_factor_ppm",
                kind=Whole("ppm", 0, 10 * PPM),
                doc="what its drive truly delivers of what it is told to",
                default="1000000",
            ),
            Parameter(
                name="primed",
                kind=Flag(),
                doc="whether its tubing is full of its drug; otherwise of fluid without any",
                default="true",
            ),
        ),
    ),
)
