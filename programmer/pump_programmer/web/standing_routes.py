"""The routes of how things stand: the connection to the pump, keys, and an act in doubt."""

import json
from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from pump_programmer.web import acts, bodies
from pump_programmer.web.visit import Answer, Asks
from pump_protocol.codes import UserRole
from pump_protocol.jsonable import Json

router = APIRouter()


@router.get("/state")
async def state(visit: Asks) -> Answer:
    """How things stand."""
    return visit.office.view()


@router.get("/stream")
async def stream(visit: Asks) -> Response:
    """How things stand, each time anything of it changes."""

    async def told() -> AsyncIterator[str]:
        async for view in visit.office.states():
            yield "event: beat\ndata: {}\n\n" if view is None else _event(view)

    return StreamingResponse(told(), media_type="text/event-stream")


@router.post("/connect")
async def connect(visit: Asks, body: bodies.Connect) -> Answer:
    """Open port and link."""
    role = None if body.role is None else UserRole[body.role.upper()]
    await visit.ask("connect", lambda: visit.office.desk.connect(role))
    return visit.office.view()


@router.post("/disconnect")
async def disconnect(visit: Asks) -> Answer:
    """Give the port back."""
    await visit.ask("disconnect", visit.office.desk.disconnect)
    return visit.office.view()


@router.post("/resolve")
async def resolve(visit: Asks, body: bodies.Resolve) -> Answer:
    """Find out what became of an act."""
    desk = visit.office.desk
    return await visit.ask("resolve", lambda: desk.resolve(give_up=body.give_up))


@router.get("/keys")
async def keys(visit: Asks) -> Answer:
    """The stored keys, without their secrets."""
    return await visit.ask("keys", acts.keys)


@router.post("/pair")
async def pair(visit: Asks, body: bodies.Pair) -> Answer:
    """Get a key for a pairing code, and connect with it."""
    role = UserRole[body.role.upper()]
    done = await visit.ask("pair", lambda: acts.pair(visit.office.desk, body.code, role))
    return {**done, "state": visit.office.view()}


def _event(view: dict[str, Json]) -> str:
    return f"event: state\ndata: {json.dumps(view)}\n\n"
