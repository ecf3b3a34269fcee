"""The operations on snapshots: a whole state of a pump under a name, to go back to or to keep."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from pump_sim.console.api import answers, pictures
from pump_sim.console.api.jsoning import Json
from pump_sim.console.api.operation import BASE, Answer, Asked, Operation
from pump_sim.console.api.schemas import Described, listed, record
from pump_sim.control.lines import MAX_LINE_BYTES
from pump_sim.control.objects import MOST_VALUES
from pump_sim.control.parameters import Name, Parameter

_TAG: Final = "snapshots"

_SAVE: Final = (
    Parameter(
        name="name",
        kind=Name("1 to 100 characters", 1, 100),
        doc="what people will call it, in 1 to 100 characters",
        required=True,
    ),
    Parameter(
        name="state",
        kind=Described(answers.STATE),
        doc="a state that was read here, or written by `pump-sim run --save`",
        default="the state of the pump as it is now",
    ),
)


async def _list(asked: Asked) -> Mapping[str, Any]:
    return {"snapshots": asked.room.snapshots()}


async def _save(asked: Asked) -> Response:
    saved = await asked.room.save(asked.given["name"], asked.given.get("state"))
    where = f"{BASE}/pumps/{asked.room.id}/snapshots/{saved['id']}"
    return Json(saved, status_code=201, headers={"Location": where})


async def _read(asked: Asked) -> Mapping[str, Any]:
    return asked.room.snapshot(asked.path("id"))


async def _restore(asked: Asked) -> Mapping[str, Any]:
    return await asked.room.restore(asked.path("id"))


async def _discard(asked: Asked) -> Response:
    asked.room.discard(asked.path("id"))
    return Response(status_code=204)


OPERATIONS: Final = (
    Operation(
        name="list_snapshots",
        method="get",
        path="/pumps/{pump}/snapshots",
        tag=_TAG,
        summary="Read which snapshots of a pump there are.",
        answer=answers.answer("Snapshots.", record({"snapshots": listed(pictures.SNAPSHOT)})),
        handle=_list,
    ),
    Operation(
        name="save_snapshot",
        method="post",
        path="/pumps/{pump}/snapshots",
        tag=_TAG,
        summary="Keep the state of a pump, or a state that is given, under a name.",
        doc="A body may be 8 MiB long. 100 snapshots of a pump are kept at most, of 64 MiB in all.",
        body=_SAVE,
        longest_body=MAX_LINE_BYTES,
        most_values=MOST_VALUES,
        answer=answers.answer(
            "The snapshot.",
            pictures.SNAPSHOT,
            status=201,
            headers={"Location": "where the snapshot is"},
        ),
        problems=("bad_state", "impossible"),
        handle=_save,
    ),
    Operation(
        name="get_snapshot",
        method="get",
        path="/pumps/{pump}/snapshots/{id}",
        tag=_TAG,
        summary="Read a snapshot with its whole state.",
        answer=answers.answer("The snapshot and its state.", pictures.SNAPSHOT_WITH_STATE),
        problems=("unknown_snapshot",),
        handle=_read,
    ),
    Operation(
        name="discard_snapshot",
        method="delete",
        path="/pumps/{pump}/snapshots/{id}",
        tag=_TAG,
        summary="Forget a snapshot.",
        answer=Answer(doc="It is forgotten.", status=204),
        problems=("unknown_snapshot",),
        handle=_discard,
    ),
    Operation(
        name="restore_snapshot",
        method="post",
        path="/pumps/{pump}/snapshots/{id}/restore",
        tag=_TAG,
        summary="Put the pump into the state of a snapshot.",
        body=(),
        answer=answers.answer("The session as it is now.", pictures.SESSION),
        problems=("unknown_snapshot", "bad_state", "impossible"),
        handle=_restore,
    ),
)
