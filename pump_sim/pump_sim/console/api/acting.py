"""The operations that do to a pump what hands do: each act is a command of the door."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, Final

from pump_sim.console.api import answers
from pump_sim.console.api.forms import form_of, words
from pump_sim.console.api.operation import Asked, Operation
from pump_sim.control.commands import COMMANDS
from pump_sim.control.errors import unknown

_TAG: Final = "acts"

LABELS: Final = {
    "press": "Press the patient's button",
    "reset": "Reset the pump",
    "proximity": "Move the programming head",
    "button": "Press the button on the head",
    "pair": "Show a pairing code",
    "fill": "Fill the reservoir",
    "fill_pocket": "Fill into the pocket",
    "inject_catheter": "Inject through the catheter port",
    "explant": "Take the pump out",
    "implant": "Put a new pump in",
}
"""Every act, and what is on its button."""


async def _acts(asked: Asked) -> Mapping[str, Any]:
    asked.room  # noqa: B018 - of a pump that there is
    return {"acts": _forms()}


@cache
def _forms() -> list[dict[str, Any]]:
    return [
        {
            "act": name,
            "label": LABELS[name],
            "doc": words(COMMANDS[name].doc),
            "confirm": words(COMMANDS[name].doc),
            "parameters": [form_of(each) for each in COMMANDS[name].parameters],
        }
        for name in LABELS
    ]


def _does(act: str) -> Callable[[Asked], Awaitable[Mapping[str, Any]]]:
    async def handle(asked: Asked) -> Mapping[str, Any]:
        return await asked.room.ask(act, asked.body)

    return handle


def _act(name: str) -> Operation:
    command = COMMANDS[name]
    return Operation(
        name=name,
        method="post",
        path=f"/pumps/{{pump}}/acts/{name}",
        tag=_TAG,
        summary=f"{LABELS[name]}.",
        doc=command.doc,
        body=command.parameters,
        answer=answers.answer(
            f"{command.answers[:1].upper()}{command.answers[1:]}.", answers.ACTS[name]
        ),
        problems=("impossible", "refused"),
        handle=_does(name),
    )


async def no_such_act(asked: Asked) -> Mapping[str, Any]:
    """Refuse an act that there is not, and name those that there are."""
    asked.room  # noqa: B018 - of a pump that there is
    raise unknown("unknown_command", "act", asked.path("act"), LABELS, "act")


OPERATIONS: Final = (
    Operation(
        name="list_acts",
        method="get",
        path="/pumps/{pump}/acts",
        tag=_TAG,
        summary="Read which acts there are, with a form for each.",
        answer=answers.answer("The acts.", answers.ACT_FORMS),
        handle=_acts,
    ),
    *map(_act, LABELS),
)
