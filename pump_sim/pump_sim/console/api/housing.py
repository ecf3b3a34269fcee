"""The operations on the house itself: what there is, another pump, one less."""

import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from pump_protocol._version import __version__
from pump_sim.console.api import answers, pictures
from pump_sim.console.api.jsoning import Json
from pump_sim.console.api.operation import BASE, Answer, Asked, Operation
from pump_sim.console.api.schemas import listed, record
from pump_sim.control.errors import bad_value
from pump_sim.control.parameters import Name, Parameter
from pump_sim.ports import default_spec

_TAG: Final = "pumps"
_PORTS: Final = "pty, tcp, tcp:PORT, rfc2217 and rfc2217:PORT"
_PORT_HERE: Final = re.compile(r"pty|(?:tcp|rfc2217)(?::[0-9]{1,5})?", re.ASCII)
_PORT: Final = Parameter(
    name="port",
    kind=Name(_PORTS),
    doc=f"where a programmer will find the pump: {_PORTS}, on the loopback",
    default="pty, or tcp where there is none",
)


async def _notice(asked: Asked) -> Mapping[str, Any]:
    return {
        "notice": asked.house.notice,
        "simulator": True,
        "version": __version__,
        "pumps": list(asked.house.rooms),
        "openapi": f"{BASE}/openapi.json",
        "docs": f"{BASE}/docs",
    }


async def _list(asked: Asked) -> Mapping[str, Any]:
    return {"pumps": [each.summary() for each in asked.house.rooms.values()]}


async def _open(asked: Asked) -> Response:
    port = asked.given.get("port", default_spec())
    if not _PORT_HERE.fullmatch(port):
        why = f"allowed are {_PORTS}: no file and no network is opened from afar"
        raise bad_value("port", port, why)
    room = await asked.house.open(port)
    where = f"{BASE}/pumps/{room.id}"
    return Json(room.summary(), status_code=201, headers={"Location": where})


async def _summary(asked: Asked) -> Mapping[str, Any]:
    return asked.room.summary()


async def _close(asked: Asked) -> Response:
    await asked.house.close(asked.path("pump"))
    return Response(status_code=204)


OPERATIONS: Final = (
    Operation(
        name="get_notice",
        method="get",
        path="",
        tag=_TAG,
        summary="Read what this is, and which pumps there are.",
        answer=answers.answer(
            "The notice, and where more is.",
            record(
                {
                    "notice": answers.TEXT,
                    "simulator": {"const": True},
                    "version": answers.TEXT,
                    "pumps": listed(answers.TEXT),
                    "openapi": answers.TEXT,
                    "docs": answers.TEXT,
                }
            ),
        ),
        handle=_notice,
    ),
    Operation(
        name="list_pumps",
        method="get",
        path="/pumps",
        tag=_TAG,
        summary="Read which pumps there are, and where a programmer finds them.",
        answer=answers.answer("The pumps.", record({"pumps": listed(pictures.PUMP)})),
        handle=_list,
    ),
    Operation(
        name="open_pump",
        method="post",
        path="/pumps",
        tag=_TAG,
        summary="Put one more pump on a port of its own.",
        body=(_PORT,),
        answer=answers.answer(
            "The pump.", pictures.PUMP, status=201, headers={"Location": "where the pump is"}
        ),
        problems=("impossible",),
        handle=_open,
    ),
    Operation(
        name="get_pump",
        method="get",
        path="/pumps/{pump}",
        tag=_TAG,
        summary="Read which pump that is.",
        answer=answers.answer("The pump.", pictures.PUMP),
        handle=_summary,
    ),
    Operation(
        name="close_pump",
        method="delete",
        path="/pumps/{pump}",
        tag=_TAG,
        summary="Take a pump away, and its port; the first one stays.",
        answer=Answer(doc="It is gone.", status=204),
        problems=("impossible",),
        handle=_close,
    ),
)
