"""The whole application: the API, the pages, and errors as problems; and how it is served."""

from collections.abc import Callable, Mapping
from importlib import resources
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from pump_programmer.errors import ProgrammerError
from pump_programmer.web.api import BASE, router
from pump_programmer.web.office import NOTICE, Office
from pump_programmer.web.troubles import problem_of
from pump_protocol._version import __version__
from pump_protocol.errors import LocalError
from pump_protocol.web.address import HttpAddress
from pump_protocol.web.assets import static_files
from pump_protocol.web.gate import Gate
from pump_protocol.web.problems import install

_PACKAGE: Final = "pump_programmer.web"


def application(office: Office) -> FastAPI:
    """The API and the pages, for everybody who may come in."""
    app = FastAPI(
        title="pump-programmer web",
        description=NOTICE,
        version=__version__,
        openapi_url=f"{BASE}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.office = office
    install(app)
    app.add_exception_handler(ProgrammerError, _told)
    app.add_exception_handler(LocalError, _told)
    app.include_router(router)
    app.get("/", include_in_schema=False)(_index)
    app.mount("/static/shared", static_files("pump_protocol.web", "static"))
    app.mount("/static/clinician", static_files(_PACKAGE, "pages"))
    return app


def gated(
    app: ASGIApp, address: HttpAddress, tokens: Mapping[str, str], log: Callable[[str], None]
) -> ASGIApp:
    """The application behind its gate.

    :raises TokenRefused: others reach the address, and there is no token or a weak one.
    """
    return Gate(
        app,
        address=address,
        tokens=tokens,
        log=log,
        open_paths=("/static/shared/",),
        notice=NOTICE,
    )


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, (ProgrammerError, LocalError))
    return problem_of(error).response(request.url.path)


async def _index() -> Response:
    text = resources.files(_PACKAGE).joinpath("pages", "index.html").read_text("utf-8")
    return HTMLResponse(text, headers={"Cache-Control": "no-cache"})
