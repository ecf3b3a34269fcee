"""The operations that tell what is new as it comes: server-sent events, and a WebSocket for pages.

What is told, and how often, is the room's feed's business; who does not read misses pictures there.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from pump_protocol.web.problems import Problem
from pump_sim.console.api.operation import Answer, Asked, Operation
from pump_sim.console.api.reading import VIEW
from pump_sim.console.api.refusing import problem_of
from pump_sim.console.feed import View
from pump_sim.console.house import House
from pump_sim.console.room import Room
from pump_sim.control.errors import ControlError

MEDIA_TYPE: Final = "text/event-stream"
RETRY_MS: Final = 1_000
"""After which time a browser that has lost the stream asks for it again."""

_ID: Final = re.compile(r"(?P<session>[0-9]{1,15})-(?P<index>[0-9]{1,15})", re.ASCII)

MOST_RESUMED: Final = 10_000
"""Who missed as many events or more reads everything anew."""


async def _stream(asked: Asked) -> Response:
    room = asked.room
    view: View = "trainee" if asked.given.get("view") == "trainee" else "instructor"
    last = asked.request.headers.get("last-event-id")
    # Not to be kept by anybody on the way, and not to be held back until there is more of it.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told(room, view, last), headers=headers, media_type=MEDIA_TYPE)


async def told(room: Room, view: View, last: str | None) -> AsyncGenerator[str]:
    """The lines of a stream: first what the client missed, then all that comes.

    :param last: the id of the last event that the client knows, if it has one.
    """
    yield f"retry: {RETRY_MS}\n\n"
    with room.feed.subscribe(view) as subscription:
        known = 0
        for message in _missed(room, view, last):
            known = message.get("index", known)
            yield _event(message)
        async for message in subscription:
            if message["type"] == "event" and message["index"] <= known:
                continue  # it came while the missed ones were told
            if message["type"] == "session":
                known = 0
            yield _event(message)


def _missed(room: Room, view: View, last: str | None) -> list[dict[str, Any]]:
    """What happened since the event of that id; all is to be read anew if its take was left."""
    if last is None:
        return []
    found = _ID.fullmatch(last)
    known = found is not None and int(found["session"]) == room.session_number
    # An event that was there, and is there no more, happened in a take that was left.
    if found is None or not known or room.history.event(int(found["index"])) is None:
        return [{"type": "session", "n": 0}]
    events = room.events(int(found["index"]), MOST_RESUMED, trainee=view == "trainee")
    if len(events) == MOST_RESUMED:
        return [{"type": "session", "n": 0}]
    session = room.session_number
    return [{"type": "event", "session": session, **each} for each in events]


def _event(message: Mapping[str, Any]) -> str:
    kind = message["type"]
    number = f"id: {message['session']}-{message['index']}\n" if kind == "event" else ""
    return f"event: {kind}\n{number}data: {_TEXTS.of(message)}\n\n"


class _Texts:
    """Messages as JSON: the latest ones, each made once for all who are told."""

    def __init__(self) -> None:
        self._made: deque[tuple[Mapping[str, Any], str]] = deque(maxlen=16)

    def of(self, message: Mapping[str, Any]) -> str:
        """The text of a message."""
        for known, text in self._made:
            if known is message:
                return text
        text = json.dumps(message)
        self._made.append((message, text))
        return text


_TEXTS: Final = _Texts()


# --- Pages ---------------------------------------------------------------------------------------


def live(house: House) -> Callable[[WebSocket], Awaitable[None]]:
    """The endpoint of a page's WebSocket: the messages of the stream, each one JSON text."""

    async def serve(websocket: WebSocket) -> None:
        try:
            room, view = _watched(house, websocket)
        except Problem as problem:
            response = problem.response(websocket.url.path)
            await websocket.send_denial_response(response)
            return
        await websocket.accept()
        tasks = [
            asyncio.create_task(_tell(websocket, room, view)),
            asyncio.create_task(_hear(websocket)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for each in ended:
            if isinstance(each, Exception) and not isinstance(each, WebSocketDisconnect):
                raise each

    return serve


async def _tell(websocket: WebSocket, room: Room, view: View) -> None:
    """Tell a page what is new, until the pump is taken away or the program ends."""
    with room.feed.subscribe(view) as subscription:
        async for message in subscription:
            await websocket.send_text(_TEXTS.of(message))
    await websocket.close(1001)


async def _hear(websocket: WebSocket) -> None:
    """Wait until a page goes; it says nothing else."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def _watched(house: House, websocket: WebSocket) -> tuple[Room, View]:
    """Which pump a page wants to see, and how.

    :raises Problem: there is no such pump or view, or a trainee asks for an instructor's.
    """
    trainee = websocket.scope.get("state", {}).get("role", "instructor") != "instructor"
    try:
        given = VIEW.kind.read("view", websocket.query_params.get("view", "instructor"))
        room = house.room(websocket.path_params["pump"])
    except ControlError as error:
        raise problem_of(error) from None
    if trainee and given != "trainee":
        raise Problem(403, "forbidden", "a trainee may only ask for view=trainee")
    return room, "trainee" if given == "trainee" else "instructor"


OPERATIONS: Final = (
    Operation(
        name="stream",
        method="get",
        path="/pumps/{pump}/stream",
        tag="stream",
        summary="Be told what is new as it comes, by server-sent events.",
        doc="Each event is named as the `type` in its data: `sight`, or `observed` in a trainee's"
        " view, the whole state; `event`, a line of the event log; `rows`, new rows for charts;"
        " `session`, read everything anew; `beat`, nothing is new. After a lost connection the"
        " header `Last-Event-ID` brings the events that were missed.",
        query=(VIEW,),
        answer=Answer(doc="A stream that does not end.", media_type=MEDIA_TYPE),
        handle=_stream,
    ),
)
