"""The files that a page loads, from the package that ships them; it knows nothing of the pages."""

import os
from pathlib import PurePath
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles
from starlette.types import ASGIApp, Scope

TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What is served, and as what: the system's own table may know .js as text, or not at all."""


def static_files(package: str, folder: str) -> ASGIApp:
    """Serves the *folder* of an importable *package*; to be mounted in an application.

    Only files of a known type are served, and none whose name, or whose folder's, has a dot before
    it. A browser keeps them and asks each time whether they have changed.
    """
    return _Files(packages=[(package, folder)])


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        parts = PurePath(path).parts
        if any(each.startswith(".") for each in parts) or PurePath(path).suffix not in TYPES:
            raise HTTPException(404)
        return await super().get_response(path, scope)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = FileResponse(
            full_path,
            status_code=status_code,
            headers={"Cache-Control": "no-cache"},
            media_type=TYPES[PurePath(full_path).suffix],
            stat_result=stat_result,
        )
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response
