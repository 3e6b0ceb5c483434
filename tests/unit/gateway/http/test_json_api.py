# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import EndpointUnreachable
from gateway.http.json_api import ApiResponse, JsonApi, pause_before_retry, quoted
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.fake_konnect import FakeKonnect
from tests.support.fixed_response import FixedResponse
from tests.support.ports import free_ports
from tests.support.serving import serving


@pytest.fixture
def konnect() -> Iterator[FakeKonnect]:
    with FakeKonnect().running() as running:
        yield running


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


def test_what_speaks_another_protocol_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def alert() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                # What a TLS server says to a client that speaks plain HTTP.
                connection.sendall(b"\x15\x03\x03\x00\x02\x02\x0a\r\n")

        thread = threading.Thread(target=alert)
        thread.start()
        api = JsonApi(f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(EndpointUnreachable, match=r"does not answer \(no HTTP: BadStatusLine"):
            api.request("GET", "/")
        thread.join()


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A forward proxy that refuses everything: its address, and what it was asked for."""
    asked: list[str] = []
    agents: set[str] = set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _refuse(self) -> None:
            asked.append(f"{self.command} {self.path}")
            agents.add(str(self.headers["User-Agent"]).split("/")[0])
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_CONNECT = _refuse  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with serving(Handler) as url:
        yield url, asked
    assert agents <= {"kafka-gateway", "None"}


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_a_proxy_of_the_environment_is_asked(
    proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, case: Callable[[str], str]
) -> None:
    address, asked = proxy
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(case(name), address)
    assert JsonApi("http://us.api.konghq.test").request("GET", "/v2").status == 403
    with pytest.raises(EndpointUnreachable, match="Tunnel connection failed: 403"):
        JsonApi("https://us.api.konghq.test").request("GET", "/v2")
    assert asked == ["GET http://us.api.konghq.test/v2", "CONNECT us.api.konghq.test:443"]


def test_what_no_proxy_names_is_asked_directly(
    proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = proxy
    monkeypatch.setenv("http_proxy", address)
    monkeypatch.setenv("no_proxy", ".invalid")
    with pytest.raises(EndpointUnreachable):
        JsonApi("http://admin.invalid").request("GET", "/")
    assert asked == []


def test_what_listens_on_loopback_is_not_looked_for_behind_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_ports(1)[0]}")
    with FakeControlPlane().running() as plane:
        assert JsonApi(plane.url).request("GET", "/").status == 401


def test_requests_that_were_too_many_are_sent_again(konnect: FakeKonnect) -> None:
    konnect.too_many = ["0", "0", ""]
    headers = {"Authorization": f"Bearer {konnect.token}"}
    assert JsonApi(konnect.url, headers).request("GET", "/v2/control-planes").status == 200
    assert len(konnect.calls) == 1


def test_a_pause_that_is_too_long_ends_in_the_refusal(konnect: FakeKonnect) -> None:
    konnect.too_many = ["3600"]
    response = JsonApi(konnect.url).request("GET", "/v2/control-planes")
    assert response.message == "429: API rate limit exceeded"
    assert konnect.calls == []


def test_the_token_is_not_in_the_text_of_an_api() -> None:
    assert "planted" not in repr(JsonApi("http://x", {"Authorization": "planted"}))


@pytest.mark.parametrize("token", ["planted\n", "a\r\nplanted: 1", "plantéd", "planted\x00"])
def test_a_token_that_no_header_can_have_is_not_shown(token: str) -> None:
    for header in ("Kong-Admin-Token", "Authorization"):
        api = JsonApi("http://127.0.0.1:9", {header: token})
        with pytest.raises(EndpointUnreachable, match=f"the {header} has characters") as caught:
            api.request("GET", "/")
        assert "plant" not in str(caught.value)


def test_an_authority_that_is_none_is_the_reason() -> None:
    with pytest.raises(EndpointUnreachable, match="does not contain a certificate"):
        JsonApi("https://127.0.0.1:9", ca="nonsense").request("GET", "/")


def test_names_are_one_segment_of_a_path() -> None:
    assert quoted("a/b c") == "a%2Fb%20c"


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Sat, 28 Nov 2026 12:00:30 GMT", 30.0),
        ("Sat, 28 Nov 2026 11:00:00 GMT", 0.0),
        ("Sat, 28 Nov 2026 12:00:30 -0000", 30.0),
    ],
)
def test_an_api_says_when_to_come_again(said: str, pause: float) -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert pause_before_retry(0, said, now) == pause


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.5", "\u0665"])
def test_without_a_word_of_it_the_pause_doubles_to_half_a_minute(said: str) -> None:
    for attempt in range(40):
        longest = min(30.0, 0.5 * 2.0**attempt)
        assert longest / 2 <= pause_before_retry(attempt, said) <= longest


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_identifies_us_goes_where_it_was_to_go_and_no_further(
    status: int, method: str
) -> None:
    with FixedResponse(b"{}").running() as elsewhere:
        there = FixedResponse(status=status, headers={"Location": f"{elsewhere.url}/x"})
        with there.running():
            api = JsonApi(there.url, {"Kong-Admin-Token": "secret"})
            response = api.request(method, "/releases", None if method == "GET" else {})
    assert response.status == status
    assert f"it redirects to {elsewhere.url}/x" in response.message
    assert elsewhere.received == []


def test_a_body_that_is_nested_without_end_is_no_json() -> None:
    with FixedResponse(b"[" * 100_000).running() as deep:
        assert JsonApi(deep.url).request("GET").body is None
