"""Every command of the door, by name, in the order of the reference."""

from typing import Any, Final

from pump_protocol._version import __version__
from pump_protocol.codes import PROTOCOL_VERSION
from pump_sim.control import acting, handling, moving, playing, presence, reading, states
from pump_sim.control.command import Call, Command, Result
from pump_sim.control.parameters import Flag, Parameter, described
from pump_sim.notice import security_profile


def _hello(call: Call) -> Result:
    fleet = call.fleet
    return {
        "simulator": True,
        "notice": fleet.notice,
        "version": __version__,
        "protocol_version": PROTOCOL_VERSION,
        "pumps": [
            {
                "serial_number": endpoint.simulation.pump.serial_number,
                "model": endpoint.simulation.pump.profile.model,
                "address": address,
                "security_profile": security_profile(endpoint.guard is not None),
            }
            for endpoint, address in zip(fleet.endpoints, fleet.addresses, strict=True)
        ],
        "commands": {each.name: _described(each) for each in COMMANDS.values()},
    }


def _described(command: Command) -> dict[str, Any]:
    return {
        "doc": command.doc,
        "answers": command.answers,
        "parameters": {each.name: described(each) for each in command.parameters},
    }


def _watch(call: Call) -> Result:
    watching = call.given.get("on", True)
    call.fleet.watch(watching)
    return {"on": watching}


_HELLO: Final = Command(
    name="hello",
    doc="Learn which pumps there are and what the door can do.",
    answers="`simulator` (always true), `notice`, `version`, `protocol_version`, `pumps` with their"
    " `serial_number`, `model`, `address` and `security_profile`, and `commands`",
    handle=_hello,
    of_one_pump=False,
)
_WATCH: Final = Command(
    name="watch",
    doc="Be told, on this connection, of what happens to all pumps from now on; see"
    " [Events](#events).",
    answers="`on`, as it is now",
    handle=_watch,
    parameters=(Parameter(name="on", kind=Flag(), doc="false: be told no more", default="true"),),
    of_one_pump=False,
)

COMMANDS: Final[dict[str, Command]] = {
    each.name: each
    for each in (
        _HELLO,
        *moving.COMMANDS,
        *reading.COMMANDS,
        *acting.COMMANDS,
        *presence.COMMANDS,
        *handling.COMMANDS,
        *states.COMMANDS,
        *playing.COMMANDS,
        _WATCH,
    )
}
"""Every command, by name."""
