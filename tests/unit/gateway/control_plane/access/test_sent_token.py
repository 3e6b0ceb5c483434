# SPDX-License-Identifier: Apache-2.0
"""Where a request has its token."""

from __future__ import annotations

from base64 import b64encode

import pytest
from starlette.datastructures import Headers

from gateway.control_plane.access.sent_token import SentToken, sent_token_of


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Kong-Admin-Token": "t"}, SentToken(b"t")),
        ({"Kong-Admin-Token": ""}, None),
        ({"Authorization": "Bearer t"}, SentToken(b"t")),
        ({"Authorization": "bearer   t "}, SentToken(b"t")),
        ({"Authorization": "Bearer"}, None),
        ({"Authorization": basic("ann:t:u")}, SentToken(b"t:u", "ann")),
        ({"Authorization": basic(":t")}, SentToken(b"t")),
        ({"Authorization": "Basic"}, None),
        ({"Authorization": "Digest username=ann"}, None),
        ({"Kong-Admin-Token": "t", "Authorization": "Bearer u"}, SentToken(b"t")),
    ],
)
def test_a_request_has_one_token(headers: dict[str, str], expected: SentToken | None) -> None:
    assert sent_token_of(Headers(headers)) == expected


@pytest.mark.parametrize("text", ["Basic %%%", "Basic e", basic("kgw_token"), "Basic ü"])
def test_basic_that_cannot_be_read_is_a_wrong_token(text: str) -> None:
    headers = Headers(raw=[(b"authorization", text.encode("latin-1"))])
    found = sent_token_of(headers)
    assert found is not None
    assert found.user == "?"
