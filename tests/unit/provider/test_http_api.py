# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import EndpointUnreachable
from provider.http_api import ApiResponse, JsonApi, quoted
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.ports import free_ports


def test_any_status_is_a_response_with_the_words_of_the_api() -> None:
    with FakeControlPlane().running() as plane:
        response = JsonApi(plane.url, {"Kong-Admin-Token": "wrong"}).request("GET", "/owners/x")
    assert (response.status, response.message) == (401, "401: Unauthorized")


def test_words_are_found_where_rfc_7807_puts_them() -> None:
    assert ApiResponse(400, {"title": "t", "detail": "d"}).message == "400: d"
    assert ApiResponse(502, None).message == "502"


def test_a_closed_port_is_named_with_the_reason() -> None:
    api = JsonApi(f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(EndpointUnreachable, match=r"does not answer \(Connection refused"):
        api.request("GET", "/")


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_ports(1)[0]}")
    with FakeControlPlane().running() as plane:
        assert JsonApi(plane.url).request("GET", "/").status == 401


def test_the_token_is_not_in_the_text_of_an_api() -> None:
    assert "planted" not in repr(JsonApi("http://x", {"Authorization": "planted"}))


def test_names_are_one_segment_of_a_path() -> None:
    assert quoted("a/b c") == "a%2Fb%20c"
