"""The faults, as Markdown printed from what checks them."""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from functools import partial
from inspect import getdoc
from typing import Any

from markdown_table import summary, table
from pump_sim.model.hardware.faults import FAULTS, Fault, MriScan


def overview() -> str:
    """Every fault in a line."""
    return table(
        ("fault", "what goes wrong", "acts", "source"),
        (
            (f"[`{name}`](#{name})", _first_sentence(kind), _acts(kind), kind.source)
            for name, kind in FAULTS.items()
        ),
    )


def blocks() -> dict[str, Callable[[], str]]:
    """The description and parameters of each fault, under the name of its block."""
    return {f"fault-{name}": partial(_fault, kind) for name, kind in FAULTS.items()}


def _fault(kind: type[Fault]) -> str:
    text = f"`{kind.__name__}`. {_text(kind)} {_ends(kind)} Source: {kind.source}."
    rows = [_parameter(each) for each in fields(kind)]
    if not rows:
        return f"{text} No parameters."
    head = ("parameter", "meaning", "unit", "smallest", "largest", "default")
    return f"{text}\n\n{table(head, rows)}"


def _parameter(each: Field[Any]) -> tuple[str, ...]:
    about = each.metadata
    default = "must be given" if each.default is MISSING else _shown(each.default)
    limits = (_shown(about.get("minimum")), _shown(about.get("maximum")))
    return f"`{each.name}`", about["doc"], about["unit"] or "-", *limits, default


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else f"{value:,}"


def _first_sentence(kind: type[Fault]) -> str:
    return summary(kind).partition(". ")[0].rstrip(".")


def _text(kind: type[Fault]) -> str:
    return " ".join((getdoc(kind) or "").split())


def _acts(kind: type[Fault]) -> str:
    if kind is MriScan:
        return "for a time of its own"
    return "lasts" if kind.lasts else "strikes"


def _ends(kind: type[Fault]) -> str:
    if kind is MriScan:
        return "It lasts for scan and recovery together, or until it is cleared."
    if kind.lasts:
        return "It lasts for `for_ms`, or until it is cleared."
    return "It strikes at one moment and leaves nothing to clear."
