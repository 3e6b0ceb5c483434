# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path
from time import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import native
from gateway.http.messages import FixedResponse, Request, Response
from gateway.hybrid.config_table import WORKSPACE
from gateway.plugins.logging import serializer
from gateway.plugins.logging.serializer import EntryTexts, log_entry
from gateway.plugins.opentelemetry.trace import Trace
from tests.support.logging import ROUTE, SERVICE, ok, responded
from tests.support.requests import StandInConnection


def entry_of(request: Request, response: Response | None = None) -> Any:
    return orjson.loads(orjson.dumps(log_entry(request, response or ok())))


def test_an_entry_has_kongs_keys() -> None:
    request = responded(b"/a?x=1&y&z=1&z=2", (b"host", b"API.test:8000"), (b"accept", b"a"))
    request.size = 70
    entry = entry_of(request)
    assert entry.pop("started_at") == pytest.approx(time() * 1000, abs=60_000)
    assert isinstance(entry["latencies"].pop("request"), int)
    assert entry == {
        "request": {
            "id": request.id.decode(),
            "method": "GET",
            "uri": "/a?x=1&y&z=1&z=2",
            "url": "http://api.test:8000/a?x=1&y&z=1&z=2",
            "querystring": {"x": "1", "y": True, "z": ["1", "2"]},
            "headers": {"host": "API.test:8000", "accept": "a"},
            "size": 70,
        },
        "response": {
            "status": 200,
            "headers": {"content-type": "text/plain", "content-length": "5"},
            "size": 100,
        },
        "latencies": {"kong": 0, "proxy": -1, "receive": 0},
        "client_ip": "127.0.0.1",
        "upstream_uri": "",
        "upstream_status": "",
        "source": "kong",
        "workspace": WORKSPACE,
        "workspace_name": "default",
        "route": {k: v for k, v in ROUTE.items() if v is not None}
        | {"service": {"id": SERVICE["id"]}},
        "service": {k: v for k, v in SERVICE.items() if v is not None},
    }


def test_credentials_in_headers_are_hidden() -> None:
    secret = (b"authorization", b"Basic eA=="), (b"proxy-authorization", b"x"), (b"apikey", b"k")
    headers = entry_of(responded(b"/", *secret))["request"]["headers"]
    assert headers == {
        "authorization": "REDACTED",
        "proxy-authorization": "REDACTED",
        "apikey": "k",
    }


def test_a_request_without_a_route_has_neither_route_nor_service() -> None:
    entry = entry_of(responded(matched=False))
    assert not {"route", "service", "tries", "consumer", "authenticated_entity"} & entry.keys()
    nothing = Request(StandInConnection(), b"", b"", "1.1", [], 0.0)
    assert entry_of(nothing, Response(400, ()))["request"]["uri"] == ""


def test_caller_and_credential_are_named_without_what_is_secret() -> None:
    request = responded()
    request.consumer = {"id": "c", "username": "bob", "custom_id": None}
    request.credential = {"id": "k", "key": "secret"}
    entry = entry_of(request)
    assert entry["consumer"] == {"id": "c", "username": "bob"}
    assert entry["authenticated_entity"] == {"id": "k", "consumer_id": "c"}
    assert b"secret" not in orjson.dumps(entry)


def test_latencies_of_a_proxied_request() -> None:
    request = responded()
    request.received -= 1.0
    request.upstream_sent = request.received + 0.1
    request.upstream_status, request.upstream_ms = 200, 300
    request.tries = [{"ip": "1.2.3.4", "state": "failed", "code": 502}, {"ip": "1.2.3.4"}]
    entry = entry_of(request, Response(200, [], generated=False))
    latencies = entry["latencies"]
    assert (latencies["kong"], latencies["proxy"]) in ((100, 300), (99, 300))
    assert latencies["receive"] == pytest.approx(600, abs=500)
    assert (entry["upstream_status"], entry["upstream_uri"]) == ("502, 200", "/up/a?x=1")
    assert (entry["source"], len(entry["tries"])) == ("upstream", 2)


def test_the_wait_for_kafka_stands_where_the_wait_for_the_upstream_does() -> None:
    request = responded()
    request.received -= 1.0
    request.waiting_since = request.received + 0.2
    latencies = entry_of(request)["latencies"]
    assert latencies["kong"] in (199, 200)
    assert latencies["proxy"] >= 799
    assert latencies["kong"] + latencies["proxy"] == latencies["request"]


def test_what_other_plugins_noted_is_there() -> None:
    request = responded()
    request.correlation_id = b"abc"
    request.trace = Trace(b"f" * 32, b"a" * 16, True)
    request.trace.forms = ["w3c"]
    request.response_lines = b"\r\nX-RateLimit-Limit: 5"
    entry = entry_of(request)
    assert (entry["correlation_id"], entry["trace_id"]) == ("abc", {"w3c": "f" * 32})
    assert entry["response"]["headers"]["x-ratelimit-limit"] == "5"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        (b"api.test", "api.test:8000"),
        (b"[::1]:99", "[::1]:8000"),
        (b"[::1]", "[::1]:8000"),
        (None, "127.0.0.1:8000"),
        (b"caf\xe9", "café:8000"),
    ],
)
def test_the_url_always_has_the_listeners_port(host: bytes | None, shown: str) -> None:
    request = responded(b"/x")
    request.host = host
    assert entry_of(request)["request"]["url"] == f"http://{shown}/x"


def test_tls_is_shown_with_what_became_of_the_clients_certificate() -> None:
    connection = StandInConnection("https")
    connection.tls = ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    request = responded(connection=connection)
    shown = {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "client_verify": "NONE"}
    assert entry_of(request)["request"]["tls"] == shown
    connection.client_certificate = b"x"
    assert entry_of(request)["request"]["tls"]["client_verify"] == "FAILED:not checked"
    request.client_verify = "SUCCESS"
    assert entry_of(request)["request"]["tls"]["client_verify"] == "SUCCESS"


def test_plain_entries_can_be_changed_without_changing_the_next() -> None:
    request = responded()
    log_entry(request, ok(), plain=True)["route"]["name"] = "other"
    assert entry_of(request)["route"]["name"] == "r"


def test_bytes_that_are_no_text_become_json() -> None:
    request = responded(b"/\xff?a=%ff", (b"x", b"\xff\x00"))
    assert entry_of(request)["request"]["uri"] == "/\xff?a=%ff"


def test_the_page_about_log_entries_names_every_key() -> None:
    page = (Path(__file__).parents[5] / "docs" / "log-entries.md").read_text()
    table = page.partition("## ")[0]
    named = set(re.findall(r"`([a-z_]+(?:\.[a-z]+)?)`", table))
    request = responded()
    request.consumer = {"id": "c"}
    request.credential = {"id": "k"}
    request.correlation_id, request.trace = b"a", Trace(b"b", b"c", True)
    request.trace.forms = ["w3c"]
    request.tries = []
    entry = entry_of(request)
    inner = {
        f"{name}.{key}" for name in ("request", "response", "latencies") for key in entry[name]
    }
    assert inner | (entry.keys() - {"request", "response", "latencies"}) <= named


_TEXTS = st.sampled_from([b"", b"a", b"gw:80", b"\xc3\xa4", b"\xff", b'"q\\', b"\x01\t\x7f"])
_NAMES = st.sampled_from([b"host", b"accept", b"authorization", b"proxy-authorization", b"x-\xe4"])
_FIXED = FixedResponse(200, [(b"Content-Type", b"text/plain")], b"fixed")


@st.composite
def served(draw: st.DrawFn) -> tuple[Request, Response]:
    """Return a request of any kind, and its response."""
    target = b"/" + draw(_TEXTS) + draw(st.sampled_from([b"", b"", b"?", b"?a=1&b"]))
    headers = draw(st.lists(st.tuples(_NAMES, _TEXTS), max_size=6))
    request = responded(target, *headers, matched=draw(st.booleans()))
    request.host = draw(st.none() | _TEXTS)
    request.method = draw(st.sampled_from([b"GET", b"POST", b"\xff"]))
    request.ended = request.received + draw(st.floats(0, 100))
    request.size, request.sent = draw(st.integers(0, 1 << 50)), draw(st.integers(0, 1 << 50))
    if draw(st.booleans()):
        request.waiting_since = request.received + draw(st.floats(0, 2))
    elif draw(st.booleans()):
        request.tries = [{"balancer_start_ns": 1, "port": 80, "code": 502}, {"port": 81}]
        request.upstream_status, request.upstream_ms = 200, draw(st.integers(0, 99))
        request.upstream_sent = request.received
    if draw(st.booleans()):
        request.consumer, request.credential = {"id": "c", "username": 'a"'}, {"id": "k"}
        request.correlation_id = draw(_TEXTS)
    if draw(st.booleans()):
        request.trace = Trace(b"f" * 32, b"a" * 16, True)
        request.trace.forms = ["w3c"]
    request.response_lines = draw(st.sampled_from([b"", b"", b"\r\nX-A: 1\r\nContent-Type: b"]))
    response = draw(st.sampled_from([_FIXED, _FIXED, ok()]))
    if response is not _FIXED:
        response.headers = draw(st.lists(st.tuples(_NAMES, _TEXTS), max_size=3))
        response.generated = draw(st.booleans())
    return request, response


@given(st.lists(served(), min_size=1, max_size=4))
def test_the_texts_of_entries_are_the_entries_as_json(
    found: list[tuple[Request, Response]],
) -> None:
    # Those that come together are written with what they share; each as if it had come alone.
    texts = EntryTexts(1_700_000_000.25)
    for request, response in found:
        expected = orjson.dumps(log_entry(request, response, 1_700_000_000.25))
        assert texts.write(request, response) == expected


def test_a_twin_writes_the_entries_of_usual_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    if native.log_text is native._log_text:
        pytest.skip("the native twins are not installed: `make native` (cargo)")
    monkeypatch.setattr(serializer, "log_entry", None)
    request = responded(b"/a", (b"host", b"gw"), (b"accept", b"*/*"))
    request.consumer = {"id": "c"}
    text = EntryTexts(1.0).write(request, _FIXED)
    assert orjson.loads(text)["consumer"] == {"id": "c"}
