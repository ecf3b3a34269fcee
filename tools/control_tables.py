"""The door's commands, faults and errors, as Markdown printed from what checks the requests."""

from collections.abc import Iterable

from markdown_table import table
from pump_sim.control.commands import COMMANDS
from pump_sim.control.errors import CODES
from pump_sim.control.faults import fault_doc, fault_duration, fault_parameters
from pump_sim.control.parameters import Parameter
from pump_sim.model.hardware.faults import FAULTS


def commands() -> str:
    """Every command: what it does, what it takes, what it answers."""
    return "\n\n".join(
        f"### {command.name}\n\n{command.doc}\n\n{_parameters(command.parameters)}"
        f"Answers {command.answers}."
        for command in COMMANDS.values()
    )


def faults() -> str:
    """Every fault: what it does and what it takes."""
    return "\n\n".join(
        f"### {name}\n\n{fault_doc(name)} Source: {kind.source}.\n\n"
        f"{_parameters(fault_parameters(name))}{fault_duration(name)}"
        for name, kind in FAULTS.items()
    )


def errors() -> str:
    """Every code of an error."""
    return table(("code", "meaning"), ((f"`{code}`", text) for code, text in CODES.items()))


def _parameters(parameters: Iterable[Parameter]) -> str:
    rows = [
        (
            f"`{each.name}`",
            each.kind.words,
            each.doc,
            "must be given" if each.required else each.default,
        )
        for each in parameters
    ]
    return table(("field", "takes", "meaning", "default"), rows) + "\n\n" if rows else ""
