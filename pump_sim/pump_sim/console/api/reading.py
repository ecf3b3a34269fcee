"""The operations that look at a pump and change nothing."""

import csv
import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.responses import Response

from pump_sim.console.api import answers, pictures
from pump_sim.console.api.operation import Answer, Asked, Operation
from pump_sim.console.api.schemas import Schema, listed, record
from pump_sim.control.commands import COMMANDS
from pump_sim.control.parameters import Choice, Parameter, Whole
from pump_sim.scenario.picture.characters import drawable
from pump_sim.texts import cell

_TAG: Final = "state"

VIEW: Final = Parameter(
    name="view",
    kind=Choice(("instructor", "trainee")),
    doc="whose view it is; a trainee's has no truth",
    default="instructor",
)
_POINTS: Final = Parameter(
    name="points", kind=Whole("", 2, 10_000), doc="how many rows at most", default="600"
)
_AFTER: Final = Parameter(
    name="after",
    kind=Whole("", 0, 2**63 - 1),
    doc="the index of the last event that is known already",
    default="0",
)
_LIMIT: Final = Parameter(
    name="limit", kind=Whole("", 0, 100_000), doc="how many events at most", default="500"
)
MOST_EVENTS: Final = 100_000


def _asks(command: str) -> Callable[[Asked], Awaitable[Mapping[str, Any]]]:
    async def handle(asked: Asked) -> Mapping[str, Any]:
        return await asked.room.ask(command, asked.given)

    return handle


def _read(name: str, schema: Schema) -> Operation:
    """A command of the door that only reads, under its own name."""
    command = COMMANDS[name]
    return Operation(
        name=f"get_{name}",
        method="get",
        path=f"/pumps/{{pump}}/{name}",
        tag=_TAG,
        summary=f"{command.doc.partition('. ')[0].rstrip('.')}.",
        doc=command.doc,
        query=command.parameters,
        answer=answers.answer(f"{command.answers[:1].upper()}{command.answers[1:]}.", schema),
        handle=_asks(name),
    )


async def _sight(asked: Asked) -> Mapping[str, Any]:
    return asked.room.sight()


async def _observed(asked: Asked) -> Mapping[str, Any]:
    return asked.room.observed()


async def _history(asked: Asked) -> Mapping[str, Any]:
    return asked.room.rows(asked.given.get("points", 600))


async def _events(asked: Asked) -> Mapping[str, Any]:
    return {"events": _listed(asked, asked.given.get("limit", 500))}


def _listed(asked: Asked, limit: int) -> list[dict[str, Any]]:
    trainee = asked.given.get("view") == "trainee"
    return asked.room.events(asked.given.get("after", 0), limit, trainee=trainee)


_COLUMNS: Final = ("index", "elapsed_ms", "clock_local_ms", "kind", "severity", "by", "text")


async def _events_csv(asked: Asked) -> Response:
    written = io.StringIO()
    writer = csv.DictWriter(written, _COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for event in _listed(asked, asked.given.get("limit", MOST_EVENTS)):
        writer.writerow({**event, "text": cell(drawable(event["text"]))})
    name = f"events-pump-{asked.room.id}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(written.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


OPERATIONS: Final = (
    Operation(
        name="get_state",
        method="get",
        path="/pumps/{pump}/state",
        tag=_TAG,
        summary="Read all that an instructor is shown.",
        answer=answers.answer("The whole state: truth and belief.", pictures.SIGHT),
        handle=_sight,
    ),
    Operation(
        name="get_observed",
        method="get",
        path="/pumps/{pump}/observed",
        tag=_TAG,
        summary="Read all that a trainee is shown.",
        doc="What a programmer and somebody at the bedside would know. Nothing of it is the truth.",
        answer=answers.answer("The state, without the truth.", pictures.OBSERVED),
        trainee="always",
        handle=_observed,
    ),
    _read("truth", answers.TRUTH),
    _read("belief", answers.BELIEF),
    _read("both", answers.BOTH),
    _read("patient", answers.PATIENT),
    _read("tones", answers.TONES),
    _read("log", answers.LOG),
    Operation(
        name="get_history",
        method="get",
        path="/pumps/{pump}/history",
        tag=_TAG,
        summary="Read rows for charts of the present take.",
        query=(_POINTS,),
        answer=answers.answer("Columns, rows, and spans of alarms and faults.", pictures.HISTORY),
        handle=_history,
    ),
    Operation(
        name="list_events",
        method="get",
        path="/pumps/{pump}/events",
        tag=_TAG,
        summary="Read the event log of the present take.",
        query=(_AFTER, _LIMIT, VIEW),
        answer=answers.answer(
            "Events, the oldest first.", record({"events": listed(pictures.EVENT)})
        ),
        trainee="as_trainee",
        handle=_events,
    ),
    Operation(
        name="get_events_csv",
        method="get",
        path="/pumps/{pump}/events.csv",
        tag=_TAG,
        summary="Download the event log as a table.",
        query=(_AFTER, _LIMIT, VIEW),
        answer=Answer(doc="A table with a head.", media_type="text/csv"),
        handle=_events_csv,
    ),
)
