# SPDX-License-Identifier: Apache-2.0
"""Twins do what their references do, or decline: on what clients send, whole, cut and changed."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway import native
from gateway.errors import RequestRejected
from gateway.http.checks import check_head
from gateway.http.clock import Clock
from gateway.http.head_parser import HeadParser
from gateway.http.headers import IDENTITY
from gateway.http.heads import HeadWriter
from gateway.http.messages import Request, Response
from gateway.outgoing.connection import ConnectionKey, OutgoingConnection, Reader
from gateway.plugins.produce.envelope import EnvelopeBuilder
from gateway.proxy.headers import request_head, response_headers
from tests.support.producing import Connection, request

INSTALLED = importlib.util.find_spec("kafka_gateway_native") is not None
needs_twins = pytest.mark.skipif(
    not INSTALLED, reason="the native twins are not installed: `make native` (cargo)"
)

KNOWN = """Host host HOST Content-Length Content-Type Connection Proxy-Connection Expect Upgrade
Transfer-Encoding Accept traceparent X-Forwarded-For X-Consumer-ID x_consumer_username x-consume
X-Credential-Identifier X-Authenticated-Groups X-Anonymous-Consumer Cookie"""
TOKENS = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,70}", fullmatch=True)
NAMES = st.sampled_from(KNOWN.split()) | TOKENS
VALUES = st.sampled_from(
    [b"", b"a", b"gw:8000", b"[::1]:80", b"[::1", b"a:99999", b"a:", b"-1", b"+3", b"3", b"007",
     b"keep-alive", b"Keep-Alive", b"close", b"keep-alive, x", b"chunked", b"100-continue",
     b"websocket", b"\xc3\xa4", b"a\tb", b"\x7f", b"a\rb", b"a\nb", b"a\x00", b"1" * 20]
) | st.binary(max_size=12)  # fmt: skip
SPACES = st.sampled_from([b"", b" ", b"  ", b"\t", b" \t "])
LINE_ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\n ", b"\r\r\n"])
TARGETS = st.sampled_from(
    [b"/", b"/a?b=1", b"/a#b", b"*", b"http://gw/x", b"/%2f..", b"/a b", b"//", b"/\xc3\xa4", b"?"]
) | st.binary(min_size=1, max_size=8).map(lambda tail: b"/" + tail)
METHODS = st.sampled_from(
    [b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT",
     b"PURGE", b"M-SEARCH", b"get", b"PRI"]
)  # fmt: skip
VERSIONS = st.sampled_from(
    [b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 "]
)


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    gap = b" " if draw(st.integers(0, 9)) else b"  "
    line = draw(METHODS) + gap + draw(TARGETS) + gap + draw(VERSIONS) + draw(LINE_ENDS)
    lines = [b"Host: gw\r\n"] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 6))):
        name = draw(NAMES).encode()
        lines.append(name + b":" + draw(SPACES) + draw(VALUES) + draw(SPACES) + draw(LINE_ENDS))
    return line + b"".join(lines) + b"\r\n"


def reference(head: bytes) -> Request:
    """Read a head the long way; raises ``RequestRejected``."""
    made = Request(Connection(), *HeadParser().read(head), 0.0)
    made.body = b"%d" % check_head(made, trusted=False)
    return made


@needs_twins
@settings(max_examples=600)
@given(head=heads())
@example(head=b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
@example(head=b"GET / HTTP/1.1\nHost: a\n\n")
@example(head=b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n")
def test_a_head_is_read_as_the_reference_reads_it_or_not_at_all(head: bytes) -> None:
    found = native.parse_head(head, 0)
    if found is None:
        return
    method, target, path, query, headers, host, length, end = found
    known = reference(head)
    assert (method, target, headers, host) == (
        known.method,
        known.target,
        known.headers,
        known.host,
    )
    assert (path, query) == (known.path, known.query)
    assert (length, end) == (int(known.body), len(head))
    assert (known.version, known.keep_alive, known.expects) == ("1.1", True, False)
    assert known.upgrade is None


@needs_twins
@settings(max_examples=200)
@given(head=heads(), before=st.binary(max_size=5), behind=st.binary(max_size=5))
def test_what_stands_beside_a_head_is_not_looked_at(
    head: bytes, before: bytes, behind: bytes
) -> None:
    alone = native.parse_head(head, 0)
    among = native.parse_head(before + head + behind, len(before))
    assert among == (alone and (*alone[:-1], len(before) + len(head)))


@needs_twins
@pytest.mark.parametrize("end", [0, 5, 20, 40])
def test_a_head_that_is_cut_is_declined(end: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: gateway.example\r\n\r\n"
    assert native.parse_head(head[:end], 0) is None


@needs_twins
@pytest.mark.parametrize(
    "lines",
    [
        b"Host: a\r\nHost: a\r\n",
        b"Host: a\r\nTransfer-Encoding: chunked\r\n",
        b"Host: a\r\nExpect: 100-continue\r\n",
        b"Host: a\r\nUpgrade: websocket\r\n",
        b"Host: a\r\nX-Consumer-Username: admin\r\n",
        b"Host: a\r\nx_credential_identifier: admin\r\n",
        b"Host: a\r\nConnection: close\r\n",
        b"Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
        b"Host: a\r\nAuthorization: a\r\nauthorization: b\r\n",
        b"Host: a/b\r\n",
        b"Host: a\r\nX: a\r\n b\r\n",
        b"X: a\r\n",
    ],
)
def test_what_changes_the_meaning_of_a_message_is_left_to_the_reference(lines: bytes) -> None:
    head = b"GET / HTTP/1.1\r\n" + lines + b"\r\n"
    assert native.parse_head(head, 0) is None


@needs_twins
def test_usual_heads_are_read() -> None:
    head = b"POST /a?b=c HTTP/1.1\r\nHost: gw:8000\r\nContent-Length: 3\r\nX-A:  b \r\n\r\n"
    headers = [(b"host", b"gw:8000"), (b"content-length", b"3"), (b"x-a", b"b")]
    assert native.parse_head(head, 0) == (
        *(b"POST", b"/a?b=c", b"/a", b"b=c", headers, b"gw:8000", 3),
        len(head),
    )


TEXTS = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30)
ODD = [
    b'{"a":1e999}', b'{"a":"\\ud800"}', b'[1,]', b'{"a":01}', b'{"a":-}', b'"x"', b"", b"  [1] ",
    b'{"a":"\x01"}', b'{"a":"\xff"}', b'{"a":"\xc3\xa4"}', b"[" * 200 + b"]" * 200, b"[1]\x00",
    b'{"a":1,"a":2}', b"\xef\xbb\xbf{}", b'["\\/\\b\\u00e4\x7f"]', b"[NaN]", b"[1.]", b"[.5]",
]  # fmt: skip


@needs_twins
@settings(max_examples=400)
@given(
    body=BODIES | st.sampled_from(ODD),
    kind=st.sampled_from(
        ["application/json", "Application/JSON; x", "text/plain", " application/json"]
    ),
    shown=st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    extra=st.lists(st.tuples(st.sampled_from(["x-a", "x-b", "cookie"]), TEXTS), max_size=3),
    target=st.sampled_from(["/a", "/a?b=1", '/a"\\', "/%ff"]),
)
def test_an_envelope_is_the_reference_s_byte_by_byte_or_none(
    body: bytes,
    kind: str,
    shown: tuple[bool, bool, bool, bool],
    extra: list[tuple[str, str]],
    target: str,
) -> None:
    method, headers, uri, forwarded = shown
    asked = request(target, "POST", extra, content_type=kind)
    made = native.envelope(
        asked.headers,
        headers,
        asked.method if method else None,
        asked.target if uri else None,
        body if forwarded else None,
        1000,
    )
    if made is None:
        return
    builder = EnvelopeBuilder(method=method, headers=headers, uri=uri, body=forwarded)
    assert made == builder.reference(asked, body)


@needs_twins
@pytest.mark.parametrize("deepest", [5, 1000])
def test_what_is_nested_too_deeply_is_left_to_the_reference(deepest: int) -> None:
    headers = [(b"content-type", b"application/json")]
    for levels, declined in ((deepest, False), (deepest + 1, True), (100_000, True)):
        body = b"[" * levels + b"]" * levels
        made = native.envelope(headers, False, None, None, body, deepest)
        assert (made is None) == declined


SENT_BACK = """Content-Length content-length Connection Keep-Alive Transfer-Encoding Upgrade Trailer
TE Date Server Via Proxy-Connection Set-Cookie ETag X-Kong-Request-Id Content-Type"""
UPSTREAM_NAMES = st.sampled_from(SENT_BACK.split()) | st.from_regex(
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}", fullmatch=True
)
UPSTREAM_VALUES = st.sampled_from(
    [b"", b"0", b"2", b"2, 2", b"+2", b"keep-alive", b"Keep-Alive", b"close", b"a, b", b"chunked",
     b"websocket", b"\xc3\xa4", b"a\tb", b"\x7f", b"a\rb", b"a\x00", b"a  b"]
)  # fmt: skip
STATUS_LINES = st.sampled_from(
    [b"HTTP/1.1 200 OK"] * 6
    + [b"HTTP/1.1 201 ", b"HTTP/1.1 404 Not  Found", b"HTTP/1.1 200", b"HTTP/1.0 200 OK",
       b"HTTP/1.1 204 No", b"HTTP/1.1 304 No", b"HTTP/1.1 100 Go", b"HTTP/1.1 101 Up",
       b"HTTP/1.1 600 X", b"HTTP/1.1 099 X", b"HTTP/1.1  200 OK", b"HTTP/1.1 200 \xc3\xa4",
       b"ICY 200 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1\t200 OK"]
)  # fmt: skip


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    lines = [draw(STATUS_LINES) + draw(LINE_ENDS)]
    if draw(st.booleans()):
        lines.append(b"Content-Length: 2\r\n")
    for _ in range(draw(st.integers(0, 4))):
        name = draw(UPSTREAM_NAMES).encode()
        value = draw(SPACES) + draw(UPSTREAM_VALUES) + draw(SPACES)
        lines.append(name + b":" + value + draw(LINE_ENDS))
    return b"".join(lines) + b"\r\n" + draw(st.sampled_from([b"ab"] * 6 + [b"", b"a", b"abc"]))


class _Reader:
    """Notes a response that the parser of an upstream's connection reads."""

    bodyless = False
    upgrade = None

    def __init__(self) -> None:
        self.status, self.headers, self.body, self.ended = 0, list[tuple[bytes, bytes]](), b"", 0

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status, self.headers = status, response_headers(headers)

    def on_piece(self, piece: bytes) -> None:
        self.body += piece

    def on_end(self) -> None:
        self.ended += 1

    def received(self) -> None:
        pass

    def on_failure(self, error: Exception) -> None:
        raise error


class _Nowhere(asyncio.Transport):
    def write(self, data: object) -> None:
        pass

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass


@needs_twins
@settings(max_examples=600)
@given(data=responses())
@example(data=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab")
@example(data=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nab")
@example(data=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nProxy-Connection: close\r\n\r\nab")
def test_a_whole_response_is_read_as_the_parser_reads_it_or_not_at_all(data: bytes) -> None:
    found = native.parse_response(data)
    if found is None:
        return
    idle: list[OutgoingConnection] = []
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.outgoing.connection.parse_response", lambda data: None)
        reader = _Reader()
        connection = OutgoingConnection(
            ConnectionKey("u", 80, None),
            runner.get_loop(),
            on_idle=idle.append,
            on_gone=lambda _: None,
        )
        connection.connection_made(_Nowhere())
        connection.send(cast(Reader, reader), b"", float("inf"))
        connection.data_received(data)
    assert (reader.status, reader.headers, reader.body) == found
    assert (reader.ended, idle) == (1, [connection])


@needs_twins
def test_usual_responses_are_read_and_others_left_to_the_parser() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-A:  b \r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n"
    headers = [(b"X-A", b"b"), (b"Content-Length", b"2")]
    assert native.parse_response(head + b"ab") == (200, headers, b"ab")
    assert [native.parse_response(head + body) for body in (b"", b"a", b"abc")] == [None] * 3
    assert native.parse_response(head[:30]) is None


SENT_ON = """host connection keep-alive te via expect upgrade trailer proxy proxy-connection
proxy_connection transfer-encoding transfer_encoding content-length content_length
x-forwarded-for x_forwarded-for x-forwarded-host x-forwarded_proto x-real-ip x_real_ip
x-kong-request-id x-a accept traceparent x-f x-forwarded x-kong-request-idx"""
REQUEST_HEADERS = st.lists(
    st.tuples(
        st.sampled_from(SENT_ON.split()),
        st.sampled_from(["", "keep-alive", "Keep-Alive", "close", "x-a", "trailers", "192.0.2.7"]),
    ),
    max_size=6,
)


@needs_twins
@settings(max_examples=300)
@given(headers=REQUEST_HEADERS)
def test_a_head_for_an_upstream_is_the_reference_s_byte_by_byte(
    headers: list[tuple[str, str]],
) -> None:
    asked = request("/a", "GET", headers)
    given = (asked, b"/a", b"u", b"/p", b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.proxy.headers.forwarded_lines", lambda *_: None)
        known = request_head(*given)
    assert request_head(*given) == known


@needs_twins
@settings(max_examples=300)
@given(
    headers=st.lists(
        st.tuples(UPSTREAM_NAMES.map(str.encode), UPSTREAM_VALUES | st.just(b"a\nb")), max_size=5
    ),
    generated=st.booleans(),
    status=st.sampled_from([200, 204, 304, 404]),
)
def test_a_head_for_a_client_is_the_reference_s_byte_by_byte(
    headers: list[tuple[bytes, bytes]], generated: bool, status: int
) -> None:
    asked = request("/a", "GET", [])
    response = Response(status, headers, b"ab", generated=generated)
    writer = HeadWriter(Clock())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.http.heads.response_lines", lambda headers: None)
        patch.setattr("gateway.http.heads.monotonic", lambda: 0.0)
        asked.received = 0.0
        known = writer.head(asked, response, 2, True)
        patch.undo()
        patch.setattr("gateway.http.heads.monotonic", lambda: 0.0)
        assert writer.head(asked, response, 2, True) == known


def test_without_twins_every_head_goes_the_long_way() -> None:
    head = b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n"
    assert reference(head).host == b"gw"
    with pytest.raises(RequestRejected):
        reference(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")


@needs_twins
@pytest.mark.parametrize("name", sorted(IDENTITY))
def test_a_head_that_names_a_consumer_is_left_to_python(name: bytes) -> None:
    """What the twin has read is taken for headers in which nobody claims to be anybody."""
    head = b"GET / HTTP/1.1\r\nHost: gw\r\n%b: x\r\n\r\n" % name
    assert native.parse_head(head, 0) is None
    head = head.replace(name, name.upper())
    assert native.parse_head(head, 0) is None
