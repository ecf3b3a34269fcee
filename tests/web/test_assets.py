"""Pages get the files that are shipped for them, and nothing else of the machine."""

import mimetypes
import os
import sys
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from pump_protocol.web.assets import TYPES, static_files
from pump_protocol.web.problems import install

from .served import run, served

FILES = {
    "ui.js": "export const one = 1;",
    "base.css": "p { color: red }",
    "page.html": "<!DOCTYPE html><title>é</title>",
    "picture.svg": "<svg/>",
    "icons/bell.svg": "<svg/>",
    ".hidden.js": "secret",
    ".git/config.txt": "secret",
    "module.py": "secret",
    "notes": "secret",
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """An application that serves a folder of a package made for the test."""
    package = tmp_path / "a_package_with_pages"
    for name, text in {**{f"pages/{n}": t for n, t in FILES.items()}, "__init__.py": ""}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (tmp_path / "outside.txt").write_text("secret")
    (package / "outside.js").write_text("secret")
    (package / "pages" / "link.txt").symlink_to(tmp_path / "outside.txt")
    (package / "pages-of-others").mkdir()
    (package / "pages-of-others" / "a.js").write_text("secret")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, package.name, raising=False)
    application = FastAPI()
    install(application)
    application.mount("/static", static_files(package.name, "pages"))
    return application


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ui.js", "text/javascript; charset=utf-8"),
        ("base.css", "text/css; charset=utf-8"),
        ("page.html", "text/html; charset=utf-8"),
        ("picture.svg", "image/svg+xml"),
        ("icons/bell.svg", "image/svg+xml"),
    ],
)
def test_a_file_has_its_type_whatever_the_system_calls_it(
    app: FastAPI, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser runs no module that comes as text/plain."""
    monkeypatch.setattr(mimetypes, "guess_type", lambda *_, **__: ("text/plain", None))

    async def work() -> None:
        async with served(app) as it:
            response = await it.client.get(f"/static/{name}")
            assert response.text == FILES[name]
            assert response.headers["content-type"] == kind

    run(work())


def test_a_file_that_has_not_changed_is_not_sent_again(app: FastAPI) -> None:
    """A browser asks each time; a new version of the program is seen at once."""

    async def work() -> None:
        async with served(app) as it:
            first = await it.client.get("/static/ui.js")
            assert first.headers["cache-control"] == "no-cache"
            known = {"If-None-Match": first.headers["etag"]}
            again = await it.client.get("/static/ui.js", headers=known)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["cache-control"] == "no-cache"
            other = await it.client.get("/static/ui.js", headers={"If-None-Match": '"other"'})
            assert other.status_code == 200

    run(work())


def test_a_changed_file_is_sent_again(app: FastAPI, tmp_path: Path) -> None:
    """Its tag is another."""

    async def work() -> None:
        async with served(app) as it:
            first = await it.client.get("/static/ui.js")
            path = tmp_path / "a_package_with_pages/pages/ui.js"
            path.write_text("export const two = 2;", "utf-8")
            os.utime(path, (1, 1))
            known = {"If-None-Match": first.headers["etag"]}
            assert (await it.client.get("/static/ui.js", headers=known)).status_code == 200

    run(work())


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js",
        "",
        "icons",
        "icons/",
        ".hidden.js",
        ".git/config.txt",
        "icons/../.hidden.js",
        "module.py",
        "notes",
        "link.txt",
        "../outside.js",
        "..%2foutside.js",
        "..%2Foutside.js",
        "%2e%2e/outside.js",
        "..%5coutside.js",
        "icons/../../outside.js",
        "..%2fpages-of-others%2fa.js",
        "%2fetc%2fhosts.txt",
        "//etc/hosts.txt",
        "ui.js%00.css",
        "ui.js/base.css",
        "%ff.js",
        "x" * 5000 + ".js",
    ],
)
def test_nothing_else_is_served(app: FastAPI, path: str) -> None:
    """No folder, no file with a dot before it, nothing outside: all of it is just not there."""

    async def work() -> None:
        async with served(app) as it:
            # A client would tidy the path up.
            url = httpx.URL(it.server.address.url("/"), raw_path=f"/static/{path}".encode())
            response = await it.client.get(url)
            assert response.status_code == 404
            assert response.json()["code"] == "unknown_route"
            assert "secret" not in response.text

    run(work())


def test_files_are_only_read(app: FastAPI) -> None:
    """Whoever tries anything else is told; what is elsewhere under that name does not matter."""

    @app.post("/ui.js")
    async def another() -> None: ...

    async def work() -> None:
        async with served(app) as it:
            response = await it.client.put("/static/ui.js", content=b"x")
            assert response.status_code == 405
            assert response.headers["allow"] == "GET, HEAD"
            head = await it.client.head("/static/ui.js")
            assert (head.status_code, head.content) == (200, b"")

    run(work())


def test_every_file_that_is_shipped_is_served() -> None:
    """No page of the kit's lacks a file because its type is unknown."""
    folder = Path(__file__).parents[2] / "protocol/pump_protocol/web/static"
    assert {path.suffix for path in folder.rglob("*.*")} <= TYPES.keys()
