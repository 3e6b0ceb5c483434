# SPDX-License-Identifier: Apache-2.0
"""What the gateway says to an upstream does not depend on what a client says of its connection."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.http.headers import FORWARDING, IDENTITY, Headers
from gateway.http.messages import Request
from gateway.plugins.consumers import Consumers
from gateway.proxy.headers import request_head
from tests.support.requests import request_of

ANN = {"id": "c-ann", "username": "ann", "custom_id": "7"}
KEY = {"id": "k-ann", "consumer": "c-ann", "key": "of ann", "created_at": 0}
CONSUMERS = Consumers([ANN], [KEY])
NAMES = [*sorted(FORWARDING | IDENTITY), b"host", b"via", b"content-length", b"te", b"x-plugin"]

VALUES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from([bytes.lower, bytes.upper, bytes.title])),
    max_size=6,
).map(lambda names: b" ,\t".join(change(name) for name, change in names))
CLAIMS = st.lists(st.tuples(st.sampled_from(sorted(IDENTITY)), st.just(b"forged")), max_size=4)


def head_of(headers: Headers, prefix: bytes = b"/a") -> list[bytes]:
    """Return the lines for an upstream of a request that two plugins have seen."""
    request: Request = request_of(b"/a/b", host=b"h", headers=headers)
    request._id = b"0" * 32
    identity = CONSUMERS.by_key(b"of ann")
    assert identity is not None
    identity.put_on(request)
    request.put_headers([(b"x-plugin", b"ours")])
    framing = b"Content-Length: 0\r\n"
    return request_head(request, b"/b", b"origin", prefix, framing).split(b"\r\n")


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
