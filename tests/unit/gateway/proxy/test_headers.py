# SPDX-License-Identifier: Apache-2.0
"""What the gateway says to an upstream does not depend on what a client says of its connection."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.forwarded import TrustedProxies
from gateway.http.headers import FORWARDING, IDENTITY, Headers
from gateway.http.heads import SERVER
from gateway.http.messages import Pending, Request
from gateway.plugins.consumers import Consumers
from gateway.proxy.headers import request_head
from tests.support.http import get, post
from tests.support.requests import request_of
from tests.support.upstream import ProxyApp, answering, ok, proxying, upstream

ANN = {"id": "c-ann", "username": "ann", "custom_id": "7"}
KEY = {"id": "k-ann", "consumer": "c-ann", "key": "of ann", "created_at": 0}
CONSUMERS = Consumers({"consumers": [ANN], "keyauth_credentials": [KEY]})
NAMES = [*sorted(FORWARDING | IDENTITY), b"host", b"via", b"content-length", b"te", b"x-plugin"]

VALUES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from([bytes.lower, bytes.upper, bytes.title])),
    max_size=6,
).map(lambda names: b" ,\t".join(change(name) for name, change in names))
CLAIMS = st.lists(st.tuples(st.sampled_from(sorted(IDENTITY)), st.just(b"forged")), max_size=4)


def head_of(headers: Headers, prefix: bytes = b"/a") -> list[bytes]:
    """Return the lines for an upstream of a request that two plugins have seen."""
    request: Request = request_of(b"/a/b", host=b"h", headers=headers)
    request.id = b"0" * 32
    identity = CONSUMERS.credentials("keyauth_credentials").get(b"of ann")
    assert identity is not None
    identity.put_on(request)
    request.put_headers([(b"x-plugin", b"ours")])
    framing = b"Content-Length: 0\r\n"
    return request_head(request, b"/b", b"origin", prefix, framing).split(b"\r\n")


@pytest.mark.parametrize("query", [b"", b"?", b"?q=%20&"])
def test_the_query_goes_up_byte_by_byte(query: bytes) -> None:
    head = request_head(request_of(b"/a" + query), b"/base/rest%20of", b"origin", None, b"")
    assert head.startswith(b"GET /base/rest%20of" + query + b" HTTP/1.1\r\n")


@given(st.lists(VALUES, max_size=3), CLAIMS)
def test_no_connection_header_and_no_claim_changes_what_the_gateway_says(
    values: list[bytes], claims: Headers
) -> None:
    given_headers = [(b"connection", value) for value in values] + claims
    assert head_of(given_headers) == head_of([])


@given(VALUES)
def test_a_clients_own_header_goes_when_its_connection_names_it(value: bytes) -> None:
    named = [(b"connection", b"x-hop, " + value), (b"x-hop", b"1"), (b"x-end", b"2")]
    assert head_of(named) == head_of([(b"x-end", b"2")])


@given(st.binary(min_size=2).map(b"/".__add__))
def test_no_path_makes_a_header_whatever_of_it_is_stripped(prefix: bytes) -> None:
    usual = head_of([])
    found = head_of([], prefix)
    (line,) = [line for line in found if line not in usual]
    assert line.startswith(b"X-Forwarded-Prefix: /")
    assert line.isascii() and line.decode().isprintable()
    assert len(found) == len(usual)


@pytest.mark.parametrize("name", [b"content_length", b"transfer_encoding", b"transfer-encoding"])
def test_no_spelling_of_its_framing_is_taken_from_a_client(name: bytes) -> None:
    assert head_of([(name, b"chunked")]) == head_of([])


def _lines(head: bytes) -> dict[str, str]:
    pairs = [line.decode().partition(": ") for line in head[:-4].split(b"\r\n")[1:]]
    return {name.lower(): value for name, _, value in pairs}


async def test_the_upstream_is_told_who_asks_and_not_what_is_for_one_hop() -> None:
    seen: list[tuple[bytes, bytes]] = []
    lines = [
        b"Connection: close, X-Hop",
        b"X-Hop: 1",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"TE: gzip, trailers",
        b"Via: 1.0 front",
        b"X-Forwarded-For: 6.6.6.6",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: evil",
        b"X-Forwarded-Path: /evil",
        b"X-Forwarded-Prefix: /evil",
        b"X-Real-IP: 6.6.6.6",
        b"X-Kong-Request-Id: forged",
        b"Proxy-Authorization: kept",
        b"Under_score: kept",
    ]
    async with (
        upstream(answering(ok(), seen)) as origin,
        proxying(ProxyApp(origin.port, prefix=b"/a")) as running,
    ):
        response = await running.once(get(b"/a/b?c", *lines))
        port = running.port
    head = seen[0][0]
    assert head.startswith(b"GET /a/b?c HTTP/1.1\r\nHost: 127.0.0.1:")
    told = _lines(head)
    assert told["connection"] == "keep-alive"
    assert not {"x-hop", "keep-alive", "proxy-connection"} & told.keys()
    assert told["te"] == "trailers"
    assert told["via"] == f"1.0 front, 1.1 {SERVER.decode()}"
    assert told["x-forwarded-for"] == "6.6.6.6, 127.0.0.1"
    assert told["x-forwarded-proto"] == "http"
    assert told["x-forwarded-host"] == "a"
    assert told["x-forwarded-port"] == str(port)
    assert told["x-forwarded-path"] == "/a/b"
    assert told["x-forwarded-prefix"] == "/a"
    assert told["x-real-ip"] == "127.0.0.1"
    assert told["x-kong-request-id"] == response.headers["x-kong-request-id"]
    assert told["proxy-authorization"] == "kept"
    assert told["under_score"] == "kept"
    assert head.lower().count(b"x-forwarded-proto") == 1


class _Identifying(ProxyApp):
    """Sets headers as plugins do before it passes a request on."""

    def handle(self, request: Request) -> Pending:
        Consumers({"consumers": [CONSUMER]}).anonymous("guest").put_on(request)  # type: ignore[union-attr]
        request.put_headers([(b"x-correlation-id", b"ours")])
        return super().handle(request)


CONSUMER = {"id": "c-guest", "username": "guest", "custom_id": "7"}


SET = [
    *(b"X-Anonymous-Consumer", b"X-Consumer-Id", b"X-Consumer-Username", b"X-Consumer-Custom-Id"),
    *(b"X-Correlation-Id", b"X-Real-IP", b"X-Forwarded-For", b"X-Forwarded-Proto"),
    *(b"X-Forwarded-Host", b"X-Forwarded-Port", b"X-Forwarded-Path", b"X-Forwarded-Prefix"),
    *(b"X-Kong-Request-Id", b"Host", b"Via", b"Content-Length", b"Connection"),
]


@pytest.mark.parametrize("name", [*SET, b", ".join(SET), b" ,\t".join(SET).upper()])
async def test_a_client_cannot_have_a_header_removed_that_the_gateway_sets(name: bytes) -> None:
    seen: list[tuple[bytes, bytes]] = []
    lines = [b"Connection: keep-alive, " + name, b"Connection: " + name]
    lines += [b"X-Correlation-Id: eve", b"X_Correlation_Id: eve", b"X-Real_IP: 6.6.6.6"]
    lines += [b"x_forwarded_for: 6.6.6.6", b"X_Kong_Request_Id: eve", b"X-Consumer-Id: eve"]
    async with (
        upstream(answering(ok(), seen)) as origin,
        proxying(_Identifying(origin.port, prefix=b"/a")) as running,
    ):
        await running.once(post(b"body", *lines, path=b"/a/b"))
    told = _lines(seen[0][0])
    assert {one.decode().lower() for one in SET} <= told.keys()
    assert told["x-consumer-id"] == "c-guest"
    assert told["x-correlation-id"] == "ours"
    assert not [one for one in told if "_" in one]
    assert b"eve" not in seen[0][0]
    assert b"6.6.6.6" not in seen[0][0]


async def test_the_word_of_a_trusted_peer_is_passed_on() -> None:
    seen: list[tuple[bytes, bytes]] = []
    lines = [b"X-Forwarded-Proto: https", b"X-Forwarded-Host: shop", b"X-Forwarded-Path: /p"]
    lines += [b"X-Real-IP: 9.9.9.9", b"X-Forwarded-Prefix: /q", b"X-Forwarded-Port: 443"]
    trusted = TrustedProxies([ip_network("127.0.0.1")])
    async with (
        upstream(answering(ok(), seen)) as origin,
        proxying(ProxyApp(origin.port), trusted=trusted) as running,
    ):
        await running.once(get(b"/a", *lines))
    told = _lines(seen[0][0])
    assert told["x-forwarded-proto"] == "https"
    assert told["x-forwarded-host"] == "shop"
    assert told["x-forwarded-path"] == "/p"
    assert told["x-forwarded-prefix"] == "/q"
    assert told["x-forwarded-port"] == "443"
    assert told["x-real-ip"] == told["x-forwarded-for"] == "9.9.9.9"
