"""The operations that give what happened in a session as one file.

A page is drawn in a process of its own: to draw takes longer than the pump's link may wait.
"""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from pump_protocol.web.problems import Problem
from pump_sim.console.api.answers import ANYTHING, WHOLE
from pump_sim.console.api.operation import Answer, Asked, Operation
from pump_sim.console.api.refusing import unavailable
from pump_sim.console.api.schemas import listed, record
from pump_sim.console.api.threads import in_thread
from pump_sim.console.piece import Take
from pump_sim.control.parameters import Choice, Parameter

_MEDIA_TYPES: Final = {
    "html": "text/html",
    "json": "application/json",
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
}
_SCHEMAS: Final = {
    "json": record(
        {"format": {"const": "pump-sim-debrief"}, "version": WHOLE, "takes": listed(ANYTHING)},
        more=True,
    )
}
_TAKES: Final = Parameter(
    name="takes",
    kind=Choice(("all", "last")),
    doc="all ways on which it was played, or only the last",
    default="all",
)
LONGEST_S: Final = 60
"""After which a child that draws is given up."""


def _gives(form: str) -> Callable[[Asked], Awaitable[Response]]:
    async def handle(asked: Asked) -> Response:
        takes = _wanted(asked, "all")
        content = await _unless_gone(asked.request, _in_turn(asked, takes, form))
        if content is None:
            return Response(status_code=204)  # nobody reads it
        return _file(content, asked, takes, f"debrief.{form}")

    return handle


async def _gives_trace(asked: Asked) -> Response:
    takes = _wanted(asked, "last")
    content = await in_thread(_trace, takes)
    return _file(content, asked, takes, "trace.jsonl")


def _wanted(asked: Asked, usual: str) -> list[Take]:
    """The takes that are asked for.

    :raises Problem: nothing was played yet.
    """
    takes = asked.room.takes_for_debrief()
    if not takes:
        detail = "nothing has happened yet: let therapy time run first"
        raise Problem(409, "impossible", detail)
    return takes[-1:] if asked.given.get("takes", usual) == "last" else takes


async def _unless_gone(request: Request, work: Coroutine[Any, Any, bytes]) -> bytes | None:
    """What the work gives; it is given up, and None, when whoever asked has gone."""
    working, going = asyncio.create_task(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((working, going), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        going.cancel()
        await asyncio.gather(working, going, return_exceptions=True)


async def _gone(request: Request) -> None:
    """Wait until whoever asked has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _in_turn(asked: Asked, takes: list[Take], form: str) -> bytes:
    async with asked.house.drawing:
        return await _made(takes, form)


def _file(content: bytes, asked: Asked, takes: list[Take], kind: str) -> Response:
    """The answer that is saved under a name."""
    what, _, form = kind.partition(".")
    name = f"{what}-pump-{asked.room.id}-{takes[-1].piece.name}.{form}"
    headers = {"Content-Disposition": _saved_as(name)}
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[form])


def _saved_as(name: str) -> str:
    """The header that names a file (RFC 6266): in ASCII, and as it is where that differs."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name)
    if plain == name:
        return f'attachment; filename="{plain}"'
    # A file's name may be no UTF-8 at all, and may have a line break in it.
    whole = quote(re.sub(r"[\x00-\x1f\x7f/\\]", "_", name), safe="", errors="replace")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}"


async def _made(takes: list[Take], form: str) -> bytes:
    """What the command of that name makes of the takes' traces."""
    trace = await in_thread(_trace, takes)
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pump_sim", "debrief", "-", "-o", "-", "--format", form),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except (OSError, RuntimeError) as error:  # no descriptor, process, memory, or thread to wait
        raise unavailable(f"no process can be had to draw the debrief: {error}") from None
    try:
        async with asyncio.timeout(LONGEST_S):
            made, said = await child.communicate(trace)
    except TimeoutError:
        raise Problem(500, "internal_error", "to draw the debrief took too long") from None
    finally:
        if child.returncode is None:  # whoever asked has gone, or it took too long
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise Problem(500, "internal_error", said.decode(errors="replace").strip()[-500:])
    return made


def _trace(takes: list[Take]) -> bytes:
    return "".join(line for take in takes for line in take.trace()).encode()


def _operation(form: str, what: str) -> Operation:
    return Operation(
        name=f"get_debrief_{form}",
        method="get",
        path=f"/pumps/{{pump}}/debrief.{form}",
        tag="debrief",
        summary=f"Download the debrief of the session as {what}.",
        query=(_TAKES,),
        answer=Answer(doc="The file.", schema=_SCHEMAS.get(form), media_type=_MEDIA_TYPES[form]),
        problems=("impossible", "internal_error", "unavailable"),
        handle=_gives(form),
    )


OPERATIONS: Final = (
    _operation("html", "one page with figures"),
    _operation("json", "JSON"),
    _operation("csv", "a table"),
    Operation(
        name="get_trace",
        method="get",
        path="/pumps/{pump}/trace",
        tag="debrief",
        summary="Download what was played as a trace.",
        doc="JSON, one object a line, as `pump-sim check --trace` writes it; several takes come one"
        " after the other.",
        query=(replace(_TAKES, default="last"),),
        answer=Answer(doc="The file.", media_type=_MEDIA_TYPES["jsonl"]),
        problems=("impossible", "unavailable"),
        handle=_gives_trace,
    ),
)
