"""The operations that break a pump and mend it."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from pump_sim.console.api import answers
from pump_sim.console.api.forms import form_of, label, words
from pump_sim.console.api.operation import BASE, Asked, Operation
from pump_sim.console.api.schemas import record
from pump_sim.control.commands import COMMANDS
from pump_sim.control.errors import ControlError
from pump_sim.control.faults import fault_doc, fault_duration, fault_parameters
from pump_sim.control.parameters import Parameter
from pump_sim.model.hardware.faults import FAULTS, MriScan

_TAG: Final = "faults"
_INJECT: Final = COMMANDS["inject"].parameters
_NAME: Final = Parameter(name="fault", kind=_INJECT[0].kind, doc="all of this name", required=True)
_MOST_DIGITS: Final = 18
"""No fault has so high a number as to need more."""


async def _faults(asked: Asked) -> Mapping[str, Any]:
    found = await asked.room.ask("faults", {})
    return {
        "active": found["active"],
        "scheduled": found["scheduled"],
        "kinds": _kinds(),
        "when": [form_of(each) for each in _INJECT if each.name in {"at_ms", "for_ms"}],
    }


@cache
def _kinds() -> list[dict[str, Any]]:
    return [
        {
            "fault": name,
            "label": label(name),
            "doc": words(fault_doc(name)),
            "duration": words(fault_duration(name)),
            "source": kind.source,
            "takes_duration": kind.lasts and kind is not MriScan,
            "parameters": [form_of(each) for each in fault_parameters(name)],
        }
        for name, kind in FAULTS.items()
    ]


async def _inject(asked: Asked) -> Response:
    injected = await asked.room.ask("inject", asked.body)
    where = f"{BASE}/pumps/{asked.room.id}/faults/{injected['fault_id']}"
    return JSONResponse(injected, status_code=201, headers={"Location": where})


async def _clear(asked: Asked) -> Mapping[str, Any]:
    text = asked.path("fault_id")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        message = f"fault_id = {text!r}: there is no such fault"
        raise ControlError("unknown_fault", message, field="fault_id", value=text)
    return await asked.room.ask("clear", {"fault_id": int(text)})


async def _clear_all(asked: Asked) -> Mapping[str, Any]:
    return await asked.room.ask("clear", {"fault": asked.given["fault"]})


OPERATIONS: Final = (
    Operation(
        name="list_faults",
        method="get",
        path="/pumps/{pump}/faults",
        tag=_TAG,
        summary="Read which faults there are, and which could be.",
        doc="`kinds` has a form for each kind of fault, and `when` what may be said of its time.",
        answer=answers.answer("Active and scheduled faults, and forms.", answers.FAULTS_AND_FORMS),
        handle=_faults,
    ),
    Operation(
        name="inject_fault",
        method="post",
        path="/pumps/{pump}/faults",
        tag=_TAG,
        summary="Break something, now or later.",
        doc=COMMANDS["inject"].doc,
        body=_INJECT,
        answer=answers.answer(
            "The number of this fault.",
            record({"fault_id": answers.WHOLE}),
            status=201,
            headers={"Location": "where the fault can be cleared"},
        ),
        problems=("unknown_fault",),
        handle=_inject,
    ),
    Operation(
        name="clear_faults",
        method="delete",
        path="/pumps/{pump}/faults",
        tag=_TAG,
        summary="End all faults of a name, or cancel them if they have not begun.",
        query=(_NAME,),
        answer=answers.answer("The numbers of the faults that were ended.", answers.CLEARED),
        problems=("unknown_fault",),
        handle=_clear_all,
    ),
    Operation(
        name="clear_fault",
        method="delete",
        path="/pumps/{pump}/faults/{fault_id}",
        tag=_TAG,
        summary="End a fault, or cancel it if it has not begun.",
        answer=answers.answer("The number of the fault.", answers.CLEARED),
        problems=("unknown_fault",),
        handle=_clear,
    ),
)
