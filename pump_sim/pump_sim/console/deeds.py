"""What somebody does to a pump, in words for the log: ``fill: 20 mL, rinsed``."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pump_protocol import units
from pump_sim.control import acting, handling, presence
from pump_sim.control.faults import fault_parameters
from pump_sim.control.parameters import Choice, Flag, Parameter, Whole
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.texts import spaced

DEEDS: Final = {
    each.name: each
    for each in (*acting.COMMANDS, *presence.COMMANDS, *handling.COMMANDS)
    if each.name != "faults"
}
"""The door's commands with which somebody does something to a pump or its patient."""

_NAMES: Final = {
    "press": "patient's button pressed",
    "button": "head's button pressed",
    "proximity": "programming head",
    "pair": "pairing code shown",
    "fill_pocket": "filled into the pocket",
    "inject_catheter": "injected into the catheter",
}

_QUANTITIES: Final[Mapping[str, Callable[[int], str]]] = {
    "nL": units.format_volume,
    "ng/mL": units.format_concentration,
    "nL/day": units.format_rate,
    "ng": units.format_dose,
    "ms": units.format_duration,
}


def deed_text(name: str, given: Mapping[str, Any], faults: Mapping[int, str]) -> str:
    """A deed, with what was given for it.

    :param faults: the names of the faults that are there, by their numbers.
    """
    if name == "inject" and given["fault"] in FAULTS:
        fault = given["fault"]
        told = [*_told(fault_parameters(fault), given.get("parameters", {}))]
        if "for_ms" in given:
            told.append(f"for {units.format_duration(given['for_ms'])}")
        return _line(f"fault: {spaced(fault)}", told)
    if name == "clear":
        fault = given.get("fault") or faults.get(given.get("fault_id", -1), "unknown")
        return f"fault ended: {spaced(fault)}"
    if name not in DEEDS:
        return spaced(name)
    return _line(_NAMES.get(name, spaced(name)), _told(DEEDS[name].parameters, given))


def _line(what: str, told: Iterable[str]) -> str:
    how = ", ".join(told)
    return f"{what}: {how}" if how else what


def _told(parameters: Iterable[Parameter], given: Mapping[str, Any]) -> Iterable[str]:
    for each in parameters:
        if each.name in given:
            yield _value(each, given[each.name])


def _value(parameter: Parameter, value: Any) -> str:
    name = spaced(parameter.name)
    match parameter.kind:
        case Whole(unit="ppm"):
            share = units.decimal_text(value, 10_000)
            return f"{name.removesuffix(' ppm')} {share} %"
        case Whole(unit=unit) if unit in _QUANTITIES and isinstance(value, int):
            return _QUANTITIES[unit](value)
        case Flag():
            return name if value else f"not {name}"
        case Choice():
            return spaced(value)
        case _:
            return f"{name} {value}"
