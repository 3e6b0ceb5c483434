# SPDX-License-Identifier: Apache-2.0
"""Responses of the page, compressed where the browser takes that.

Pages hold a token for their forms, another one each time (``SessionSealer.form_token``): the
length of a compressed page tells nothing of it (BREACH).
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

_WORTH, _LEVEL = 1000, 5
"""Bytes from which it is worth it; zlib's level."""


def packed(
    request: Request,
    content: bytes,
    media_type: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a response, by gzip where the request allows it."""
    found = dict(headers or {})
    vary = [found["Vary"]] if "Vary" in found else []
    found["Vary"] = ", ".join([*vary, "Accept-Encoding"])
    if len(content) >= _WORTH and "gzip" in request.headers.get("accept-encoding", ""):
        content = gzip.compress(content, _LEVEL, mtime=0)
        found["Content-Encoding"] = "gzip"
    return Response(content, status, found, media_type=media_type)
