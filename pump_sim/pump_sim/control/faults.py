"""The faults that can be injected, as data: read from the model's own classes."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from inspect import getdoc
from types import MappingProxyType
from typing import Any

from pump_sim.control.errors import unknown
from pump_sim.control.parameters import Flag, Kind, Parameter, Whole, described, read_fields
from pump_sim.control.views import plain
from pump_sim.model.hardware.faults import FAULTS, Fault, Injected, MriScan


def read_fault(name: str, given: Mapping[str, Any]) -> Fault:
    """The fault of that name with these parameters.

    :raises ControlError: there is no such fault, or its parameters are not what it takes.
    """
    check_fault_name(name)
    return FAULTS[name](**read_fields(given, fault_parameters(name), name))


def check_fault_name(name: str) -> None:
    """Nothing if there is a fault of that name.

    :raises ControlError: there is none; it names those that exist, and the nearest.
    """
    if name not in FAULTS:
        raise unknown("unknown_fault", "fault", name, FAULTS, "fault")


def fault_view(injected: Injected) -> dict[str, Any]:
    """A fault that was injected, as JSON."""
    return {
        "fault_id": injected.fault_id,
        "fault": injected.fault.name,
        "begins_at_ms": injected.begins_at_ms,
        "ends_at_ms": injected.ends_at_ms,
        "part_of": injected.part_of,
        "parameters": plain(injected.fault),
    }


@cache
def fault_kinds() -> Mapping[str, Any]:
    """Every fault by name: what it does and what it takes."""
    kinds = {
        name: {
            "doc": fault_doc(name),
            "duration": fault_duration(name),
            "source": kind.source,
            "parameters": {each.name: described(each) for each in fault_parameters(name)},
        }
        for name, kind in FAULTS.items()
    }
    return MappingProxyType(kinds)


def fault_doc(name: str) -> str:
    """What a fault does: the first paragraph of its class's docstring."""
    return (getdoc(FAULTS[name]) or "").split("\n\n")[0].replace("\n", " ")


def fault_duration(name: str) -> str:
    """How long a fault lasts, in words."""
    kind = FAULTS[name]
    if not kind.lasts:
        return "It strikes at one moment."
    if kind is MriScan:
        return "It lasts for as long as its parameters say."
    return "It lasts for `for_ms`, or until it is cleared."


def fault_parameters(name: str) -> tuple[Parameter, ...]:
    """What a fault takes, from the fields of its class."""
    return tuple(_parameter(each) for each in fields(FAULTS[name]))


def _parameter(of_class: Field[Any]) -> Parameter:
    required = of_class.default is MISSING
    return Parameter(
        name=of_class.name,
        kind=_kind(of_class.metadata),
        doc=of_class.metadata["doc"],
        required=required,
        default="" if required else str(plain(of_class.default)).lower(),
    )


def _kind(about: Mapping[str, Any]) -> Kind:
    if about["unit"] == "yes or no":
        return Flag()
    return Whole(about["unit"], about["minimum"], about["maximum"])
