# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.data_plane.worker.debug_headers import DebugHeaders
from gateway.http.messages import Response
from tests.support.requests import request_of

ROUTE = {"id": "r1", "name": "orders"}
SERVICE = {"id": "s1", "name": None}


@pytest.mark.parametrize(
    ("value", "names"),
    [(b"1", [b"Kong-Route-Id", b"Kong-Route-Name", b"Kong-Service-Id"]), (b"0", [])],
)
def test_only_a_request_that_asks_gets_the_names_there_are(
    value: bytes, names: list[bytes]
) -> None:
    response = Response(200, [])
    request = request_of(b"/", headers=[(b"kong-debug", value)])
    DebugHeaders(ROUTE, SERVICE).header_filter(request, response)
    assert [name for name, _ in response.headers] == names


def test_a_route_without_a_service_names_itself_alone() -> None:
    response = Response(200, [])
    request = request_of(b"/", headers=[(b"kong-debug", b"1")])
    DebugHeaders(ROUTE, None).header_filter(request, response)
    assert response.headers == [(b"Kong-Route-Id", b"r1"), (b"Kong-Route-Name", b"orders")]
