"""The pages of the training room: where each is; what is on them is in the files beside this."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from pump_protocol.web.assets import static_files
from pump_protocol.web.problems import Problem

PAGES: Final = {"/": "instructor.html", "/trainee": "trainee.html"}
"""The pages that people open, by their paths."""

OPEN_PATHS: Final = ("/static/",)
"""What needs no token: it says nothing of any pump."""

_FOLDER: Final = Path(__file__).with_name("pages")


def add_pages(app: FastAPI) -> None:
    """Have the application serve the pages, and what they load."""
    app.mount("/static/shared", static_files("pump_protocol.web", "static"))
    app.mount("/static/console", static_files("pump_sim.console", "pages"))
    for path, name in PAGES.items():
        app.add_api_route(path, _page(path, name), response_model=None, include_in_schema=False)

    app.add_api_route("/docs", _to_docs, response_model=None, include_in_schema=False)


async def _to_docs() -> Response:
    return RedirectResponse("/api/v1/docs")


def _page(path: str, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        role = request.scope.get("state", {}).get("role", "instructor")
        if role == "trainee" and path != "/trainee":
            raise Problem(403, "forbidden", "this is the instructor's page; yours is /trainee")
        return FileResponse(_FOLDER / name, headers={"Cache-Control": "no-cache"})

    return serve
