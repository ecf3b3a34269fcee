"""The operations on therapy time."""

from collections.abc import Mapping
from typing import Any, Final

from pump_sim.console.api import answers
from pump_sim.console.api.operation import Asked, Operation
from pump_sim.control.commands import COMMANDS
from pump_sim.control.errors import ControlError
from pump_sim.control.parameters import Flag, Parameter

_TAG: Final = "clock"


async def _time(asked: Asked) -> Mapping[str, Any]:
    return await asked.room.ask("time", {})


async def _change(asked: Asked) -> Mapping[str, Any]:
    speed, paused = asked.body.get("speed"), asked.given.get("paused")
    if (speed is None) == (paused is None):
        message = "change_clock: give either speed or paused"
        raise ControlError("missing_field", message, field="speed")
    if speed is not None:
        return await asked.room.ask("speed", {"speed": speed})
    return await asked.room.ask("pause" if paused else "resume", {})


async def _advance(asked: Asked) -> Mapping[str, Any]:
    return await asked.room.ask("advance", asked.body)


async def _next_event(asked: Asked) -> Mapping[str, Any]:
    return await asked.room.ask("next_event", {})


def _speed() -> Parameter:
    (speed,) = COMMANDS["speed"].parameters
    return Parameter(name=speed.name, kind=speed.kind, doc=speed.doc, default="as it is")


OPERATIONS: Final = (
    Operation(
        name="get_clock",
        method="get",
        path="/pumps/{pump}/clock",
        tag=_TAG,
        summary="Read the time.",
        answer=answers.answer("What time it is, for the therapy and the pump.", answers.CLOCK),
        handle=_time,
    ),
    Operation(
        name="change_clock",
        method="patch",
        path="/pumps/{pump}/clock",
        tag=_TAG,
        summary="Set how fast therapy time runs, or pause it.",
        doc="Give one of the two. Time does not jump; after a pause it runs as fast as before.",
        body=(
            _speed(),
            Parameter(
                name="paused", kind=Flag(), doc="true: stop; false: go on", default="as it is"
            ),
        ),
        answer=answers.answer("The time.", answers.CLOCK),
        problems=("missing_field",),
        handle=_change,
    ),
    Operation(
        name="advance_clock",
        method="post",
        path="/pumps/{pump}/clock/advance",
        tag=_TAG,
        summary="Move therapy time at once.",
        doc=COMMANDS["advance"].doc,
        body=COMMANDS["advance"].parameters,
        answer=answers.answer("The time, at the moment where it went.", answers.CLOCK),
        problems=("missing_field",),
        handle=_advance,
    ),
    Operation(
        name="go_to_next_event",
        method="post",
        path="/pumps/{pump}/clock/next-event",
        tag=_TAG,
        summary="Move therapy time to the next thing that happens by itself.",
        doc=COMMANDS["next_event"].doc,
        body=(),
        answer=answers.answer("The time, at that moment.", answers.CLOCK),
        handle=_next_event,
    ),
)
