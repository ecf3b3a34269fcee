"""The commands about a scenario that is played on a pump: how far it is, and what is decided."""

from typing import Final

from pump_sim.control.command import Call, Command, Result
from pump_sim.control.errors import ControlError
from pump_sim.control.parameters import Name, Parameter

_STATE: Final = (
    "`scenario`, null if none is played, or its `title`, `elapsed_ms` since its start, whether it"
    " is `over`, and the `decision` it waits for: null, or `choice`, `ask` and `options`, each"
    " option with its title"
)


def _scenario(call: Call) -> Result:
    script = call.endpoint.script
    if script is None:
        return {"scenario": None}
    decision = script.decision
    waits = None
    if decision is not None:
        options = dict(decision.options)
        waits = {"choice": decision.name, "ask": decision.ask, "options": options}
    return {
        "scenario": {
            "title": script.title,
            "elapsed_ms": script.elapsed_ms,
            "over": script.over,
            "decision": waits,
        }
    }


def _decide(call: Call) -> Result:
    script, option = call.endpoint.script, call.given["option"]
    decision = None if script is None else script.decision
    if script is None or decision is None:
        message = "decide: nothing waits for a decision now"
        raise ControlError("bad_value", message, field="option", value=option)
    try:
        script.decide(option, call.link_ns)
    except ValueError as error:
        names = list(decision.options)
        raise ControlError(
            "bad_value", str(error), field="option", value=option, allowed=names
        ) from None
    return _scenario(call)


COMMANDS: Final = (
    Command(
        name="scenario",
        doc="Read how far the scenario is that is played on the pump, and what it waits for. While"
        " it waits, therapy time stands still, and `advance` goes no further.",
        answers=_STATE,
        handle=_scenario,
    ),
    Command(
        name="decide",
        doc="Take an option of the choice that a scenario waits for.",
        answers="as `scenario`",
        handle=_decide,
        parameters=(
            Parameter(
                name="option", kind=Name("the name of an option"), doc="which", required=True
            ),
        ),
    ),
)
