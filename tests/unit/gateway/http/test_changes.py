# SPDX-License-Identifier: Apache-2.0
"""What plugins change of a request goes to the upstream so, and nothing else changes with it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http import changes
from gateway.http.messages import Request
from gateway.proxy.headers import request_head
from tests.support.requests import request_of
from tests.support.upstream import ProxyApp, answering, ok, proxying, upstream


def head_of(request: Request, framing: bytes = b"") -> bytes:
    path = request.upstream_path or request.path
    return request_head(request, path, request.upstream_host or b"origin", None, framing)


def test_method_path_query_and_host_go_up_as_changed() -> None:
    request = request_of(b"/a?x=1", method=b"POST", host=b"client.test")
    changes.set_method(request, b"PUT")
    changes.set_path(request, b"/new/place")
    changes.set_query(request, b"y=2")
    changes.set_host(request, b"other.test")
    head = head_of(request)
    assert head.startswith(b"PUT /new/place?y=2 HTTP/1.1\r\nHost: other.test\r\n")
    assert request.target == b"/new/place?y=2"
    assert (request.method, request.path, request.host) == (b"POST", b"/a", b"client.test")


def test_a_query_that_becomes_empty_leaves_no_question_mark() -> None:
    request = request_of(b"/a?x=1")
    changes.set_query(request, b"")
    assert request.target == b"/a"
    assert head_of(request).startswith(b"GET /a HTTP/1.1\r\n")


def test_a_body_that_is_replaced_has_its_own_length() -> None:
    request = request_of(method=b"POST", headers=[(b"content-length", b"3"), (b"a", b"b")])
    request.body = b"old"
    changes.set_body(request, b"longer")
    assert request.body == b"longer"
    assert request.header_values(b"content-length") == [b"6"]


def test_headers_are_removed_in_both_spellings() -> None:
    request = request_of(headers=[(b"x-a", b"1"), (b"x_a", b"2"), (b"b", b"3")])
    changes.remove_headers(request, b"x-a")
    assert request.headers == [(b"b", b"3")]


def test_headers_go_up_in_the_case_a_plugin_gives_them_but_never_framing() -> None:
    request = request_of(headers=[(b"content-length", b"9")])
    request.put_headers([(b"x-a", b"1")])
    request.spelled = {b"x-a": b"X-A", b"content-length": b"Content-Length"}
    head = head_of(request)
    assert b"\r\nX-A: 1\r\n" in head
    assert b"Content-Length" not in head


def test_a_plain_response_is_asked_for_without_codings() -> None:
    request = request_of(headers=[(b"accept-encoding", b"br, gzip")])
    request.plain_response = True
    head = head_of(request)
    assert b"accept-encoding: identity\r\n" in head
    assert b"gzip" not in head


@settings(max_examples=50)
@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_no_change_makes_a_line_of_its_own(path: bytes, query: bytes, value: bytes) -> None:
    request = request_of(b"/a")
    changes.set_path(request, path)
    changes.set_query(request, query)
    request.put_headers([(b"x-a", changes.as_value(value))])
    lines = head_of(request).split(b"\r\n")
    assert lines[0].startswith(b"GET /") and lines[0].endswith(b" HTTP/1.1")
    assert lines[0].count(b" ") == 2
    named = [line for line in lines if line.startswith(b"x-a: ")]
    assert len(named) == 1 and b"\n" not in named[0] and b"\r" not in named[0]
    assert not any(b"\n" in line or b"\r" in line for line in lines)


class Changing(ProxyApp):
    """Changes the method on the way."""

    method = b"HEAD"

    def handle(self, request: Request):  # type: ignore[no-untyped-def]  # as above
        changes.set_method(request, self.method)
        return super().handle(request)


@pytest.mark.parametrize(("asked", "sent"), [(b"GET", b"HEAD"), (b"HEAD", b"GET")])
async def test_the_response_is_one_to_the_clients_method(asked: bytes, sent: bytes) -> None:
    answer = ok(b"hello") if sent == b"GET" else b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    seen: list[tuple[bytes, bytes]] = []
    async with upstream(answering(answer, seen)) as origin:
        app = Changing(origin.port)
        app.method = sent
        async with proxying(app) as running:
            wire = await running.connect()
            request = asked + b" /a HTTP/1.1\r\nHost: h\r\n\r\n"
            # Twice on one connection: a body too many or too few would break the second.
            for _ in range(2):
                response = await wire.ask(request, bodyless=asked == b"HEAD")
                assert response.status == 200
                assert response.body == b""
    assert seen[0][0].startswith(sent + b" /a HTTP/1.1")
