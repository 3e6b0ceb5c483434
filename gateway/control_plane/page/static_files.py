# SPDX-License-Identifier: Apache-2.0
"""Scripts and styles of the page: from the package, compressed once, cached for good.

Their addresses hold a digest of the content, so what a browser keeps is never the wrong one.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StaticFile:
    """One file, in memory from its first use on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.media_type = _TYPES[path.suffix]

    @cached_property
    def content(self) -> bytes:
        """The file's bytes."""
        return self._path.read_bytes()

    @cached_property
    def compressed(self) -> bytes:
        """The same by gzip, without a time in it."""
        return gzip.compress(self.content, 9, mtime=0)

    @cached_property
    def digest(self) -> str:
        """What stands in its address."""
        return hashlib.sha256(self.content).hexdigest()[:12]


class StaticFiles:
    """All of them, by name; there is no way from a name to any other file."""

    def __init__(self, folder: Path = FOLDER) -> None:
        found = sorted(path for path in folder.rglob("*") if path.suffix in _TYPES)
        self.files = {path.name: StaticFile(path) for path in found}

    def address(self, name: str) -> str:
        """Return where a file is served, for templates."""
        return f"{PREFIX}/{self.files[name].digest}/{name}"

    def route(self) -> Route:
        """Return the route of all of them."""
        return Route(f"{PREFIX}/{{digest}}/{{name}}", self._serve, methods=["GET"])

    async def _serve(self, request: Request) -> Response:
        file = self.files.get(request.path_params["name"])
        if file is None or file.digest != request.path_params["digest"]:
            return Response("Not found", 404, media_type="text/plain")
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
        }
        coded = "gzip" in request.headers.get("accept-encoding", "")
        if coded:
            headers["Content-Encoding"] = "gzip"
        content = file.compressed if coded else file.content
        return Response(content, 200, headers, media_type=file.media_type)
