"""A line becomes a request: JSON first, then what the command takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pump_sim.control.command import Command
from pump_sim.control.commands import COMMANDS
from pump_sim.control.errors import ControlError, shown, unknown
from pump_sim.control.objects import NoObject, read_object
from pump_sim.control.parameters import read_fields

OWN_FIELDS: Final = ("id", "do", "pump")
"""What any request may have, whatever its command."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be carried out. `pump` is a serial number, None if none was named."""

    command: Command
    pump: str | None
    given: Mapping[str, Any]


def read_line(line: bytes | None) -> dict[str, Any]:
    """The object on a line, None being one that was too long.

    :raises ControlError: there is none.
    """
    if line is None:
        raise ControlError("line_too_long", "the line is longer than 8 MiB, and was skipped")
    try:
        return read_object(line)
    except NoObject as error:
        raise ControlError("bad_line", f"the line is {error}") from None


def read_request(content: Mapping[str, Any]) -> Request:
    """The request that an object makes.

    :raises ControlError: no command is named, or its fields are not what it takes.
    """
    name = content.get("do")
    if "do" not in content:
        message = "do is missing: it names the command"
        raise ControlError("missing_field", message, field="do", allowed=list(COMMANDS))
    command = COMMANDS.get(name) if isinstance(name, str) else None
    if command is None:
        raise unknown("unknown_command", "command", name, COMMANDS, "do")
    pump = content.get("pump")
    if pump is not None and not isinstance(pump, str):
        message = f"pump = {shown(pump)}: a serial number is wanted"
        raise ControlError("bad_value", message, field="pump", value=pump)
    own = {key: each for key, each in content.items() if key not in OWN_FIELDS}
    return Request(command, pump, read_fields(own, command.parameters, command.name))
