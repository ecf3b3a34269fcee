"""A parameter as a field of a form: what a page needs to ask people for it, in their units."""

import re
from typing import Any, Final

from pump_sim.control.parameters import (
    QUANTITIES,
    Choice,
    Content,
    Flag,
    Parameter,
    Speed,
    Whole,
)
from pump_sim.texts import spaced

Form = dict[str, Any]

_PPM: Final = {"%": 10_000, "ppm": 1}
"""A share is written in per cent; the door takes no text of it."""

_UNIT_IN_NAME: Final = re.compile(r"_(?:nl|ms|ng|ppm|ng_per_ml|nl_per_day)$")
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def form_of(parameter: Parameter) -> Form:
    """A field of a form. `units` are those that people write in, the usual one first."""
    kind = parameter.kind
    whole = kind if isinstance(kind, Whole) else None
    speed = kind if isinstance(kind, Speed) else None
    return {
        "name": parameter.name,
        "label": label(_UNIT_IN_NAME.sub("", parameter.name)),
        "doc": words(parameter.doc),
        "kind": _kind(parameter),
        "unit": None if whole is None else whole.unit,
        "units": [] if whole is None else units(whole.unit),
        "takes_text": whole is not None and whole.unit in QUANTITIES,
        "minimum": whole.minimum if whole else float(speed.minimum) if speed else None,
        "maximum": whole.maximum if whole else speed.maximum if speed else None,
        "choices": list(kind.names) if isinstance(kind, Choice) else None,
        "required": parameter.required,
        "default": words(parameter.default) or None,
    }


def label(name: str) -> str:
    """A name as the beginning of a line: "MRI scan", "Flow error"."""
    text = spaced(name)
    return text[:1].upper() + text[1:]


def words(markdown: str) -> str:
    """A description without its links and marks of code."""
    return _LINK.sub(r"\1", markdown).replace("`", "")


def units(unit: str) -> list[Form]:
    """The units in which people write a number of *unit*, each with how many of *unit* it is."""
    quantity = QUANTITIES.get(unit)
    usual = _PPM if unit == "ppm" else {unit: 1}
    scales = usual if quantity is None else quantity.units
    return [{"unit": name, "scale": scale} for name, scale in scales.items()]


def _kind(parameter: Parameter) -> str:
    kind = parameter.kind
    if isinstance(kind, Whole):
        return "whole"
    if isinstance(kind, Flag):
        return "flag"
    if isinstance(kind, Choice):
        return "choice"
    if isinstance(kind, Speed):
        return "speed"
    return "object" if isinstance(kind, Content) else "text"
