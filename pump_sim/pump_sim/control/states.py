"""The commands that take a pump's whole state out and put one in."""

from typing import Final

from pump_protocol.errors import OutOfTurn
from pump_sim.control.command import Call, Command, Result
from pump_sim.control.errors import ControlError
from pump_sim.control.moving import time_of
from pump_sim.control.parameters import Content, Parameter
from pump_sim.model.pump import Pump

FORMAT: Final = '`{"format": "pump-sim-state", "version": 2, "state": {...}}`'


def _state(call: Call) -> Result:
    from pump_sim import snapshot  # noqa: PLC0415 - loads cattrs: only if asked for

    return snapshot.dump(call.pump.state())


def _load(call: Call) -> Result:
    from pump_sim import snapshot  # noqa: PLC0415 - as above

    try:
        state = snapshot.load(call.given["state"])
    except snapshot.SnapshotError as error:
        raise ControlError("bad_state", str(error), field=error.path) from None
    others = {
        each.simulation.pump.serial_number
        for each in call.fleet.endpoints
        if each is not call.endpoint
    }
    if state.serial_number in others:
        message = (
            f"state.serial_number = {state.serial_number!r}: another pump of this process has it;"
            " write another one into the state"
        )
        raise ControlError("bad_state", message, field="state.serial_number")
    call.endpoint.replace_pump(Pump.from_state(state), call.link_ns)
    return time_of(call)


def _renew(call: Call) -> Result:
    try:
        call.endpoint.renew(call.link_ns)
    except OutOfTurn as error:
        raise ControlError("impossible", f"renew: {error}") from None
    return time_of(call)


COMMANDS: Final = (
    Command(
        name="state",
        doc="Read everything that the pump is now: truth, belief, logs, faults.",
        answers=f"{FORMAT}, which `load` takes",
        handle=_state,
    ),
    Command(
        name="load",
        doc="Replace the pump by one in that state, which goes on exactly as the one that it was"
        " taken from. Time goes on from its time, at the speed as it is. The link is told nothing."
        " A state that no pump can be in is refused with the key that is wrong; nothing changes.",
        answers="as `time`",
        handle=_load,
        parameters=(
            Parameter(name="state", kind=Content(), doc="what `state` gave, whole", required=True),
        ),
    ),
    Command(
        name="renew",
        doc="Put the pump back to how it was when it was started, for the next test: therapy time"
        " 0 at the speed of then, faults gone, no link, no lock, no order remembered, nobody near."
        " Its keys stay. Not where a scenario is played or a state file kept.",
        answers="as `time`",
        handle=_renew,
    ),
)
