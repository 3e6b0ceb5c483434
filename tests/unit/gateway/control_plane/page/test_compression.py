# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip

import pytest
from starlette.requests import Request

from gateway.control_plane.page.compression import packed

LONG = b"a page " * 1000


def request(accepted: bytes) -> Request:
    return Request({"type": "http", "headers": [(b"accept-encoding", accepted)]})


def test_a_long_response_is_compressed_for_who_takes_it() -> None:
    found = packed(request(b"gzip, br"), LONG, "text/html", headers={"Vary": "HX-Request"})
    assert found.headers["Content-Encoding"] == "gzip"
    assert found.headers["Vary"] == "HX-Request, Accept-Encoding"
    assert gzip.decompress(bytes(found.body)) == LONG


@pytest.mark.parametrize(("accepted", "content"), [(b"", LONG), (b"br", LONG), (b"gzip", b"short")])
def test_others_are_sent_as_they_are(accepted: bytes, content: bytes) -> None:
    found = packed(request(accepted), content, "text/html", 404)
    assert (found.status_code, found.body) == (404, content)
    assert "Content-Encoding" not in found.headers
