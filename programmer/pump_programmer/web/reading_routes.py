"""The routes that read a pump and change nothing."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from pump_programmer.drawn_page import NO_CHARTS, can_draw, drawn_page
from pump_programmer.report import Report
from pump_programmer.web import reading
from pump_programmer.web.visit import Answer, Asks
from pump_protocol.web.problems import Problem

Before = Annotated[int | None, Query(ge=1, lt=2**64)]
Limit = Annotated[int, Query(ge=1, le=reading.LONGEST_PAGE)]
Days = Annotated[int, Query(ge=1, le=36_525)]

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")

router = APIRouter()


@router.get("/identity")
async def identity(visit: Asks) -> Answer:
    """Who answers."""
    return await visit.ask("identify", lambda: reading.identity(visit.office.desk))


@router.get("/form")
async def form(visit: Asks) -> Answer:
    """The fields of the page, with what this pump allows."""
    return await visit.ask("identify", lambda: reading.form(visit.office.desk))


@router.get("/interrogate")
async def interrogate(visit: Asks) -> Answer:
    """Everything that a clinician sees."""
    return await visit.ask("interrogate", lambda: reading.interrogate(visit.office.desk))


@router.get("/prescription")
async def prescription(visit: Asks) -> Answer:
    """The prescription in force, and the staged one."""
    return await visit.ask("interrogate", lambda: reading.prescription(visit.office.desk))


@router.get("/log")
async def log(visit: Asks, before: Before = None, limit: Limit = 50) -> Answer:
    """A page of the therapy log."""
    return await visit.ask("log", lambda: reading.log(visit.office.desk, before, limit))


@router.get("/access-log")
async def access_log(visit: Asks, before: Before = None, limit: Limit = 50) -> Answer:
    """A page of the access log."""
    return await visit.ask("log", lambda: reading.access_log(visit.office.desk, before, limit))


@router.get("/note")
async def note(visit: Asks) -> Answer:
    """The clinicians' note."""
    return await visit.ask("note", lambda: reading.note(visit.office.desk))


@router.get("/clock")
async def clock(visit: Asks) -> Answer:
    """What the pump's clock shows."""
    return await visit.ask("clock", lambda: reading.clock(visit.office.desk))


@router.post("/self-test")
async def self_test(visit: Asks) -> Answer:
    """The pump checks itself."""
    return await visit.ask("self-test", lambda: reading.self_test(visit.office.desk))


@router.get("/report.json")
async def report_json(visit: Asks, days: Days = 30) -> Response:
    """A session as a file for programs."""
    found = await visit.ask("report", lambda: reading.report(visit.office.desk, days))
    return JSONResponse(reading.report_view(found), headers=_as_file(found, "json"))


@router.get("/report.html")
async def report_html(visit: Asks, days: Days = 30) -> Response:
    """A session as one page with charts, to be printed and kept."""
    if not can_draw():
        raise Problem(501, "missing_extra", f"the report {NO_CHARTS}")
    found = await visit.ask("report", lambda: reading.report(visit.office.desk, days))
    async with visit.office.drawing:
        page = await asyncio.to_thread(drawn_page, found)
    return Response(page, media_type="text/html; charset=utf-8", headers=_as_file(found, "html"))


def _as_file(found: Report, ending: str) -> dict[str, str]:
    serial_number = _NOT_IN_NAMES.sub("-", found.identity.serial_number)
    day = datetime.fromtimestamp(found.printed_clock_ms / 1_000, UTC).strftime("%Y-%m-%d")
    name = f"pump-{serial_number}-{day}.{ending}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}
