# SPDX-License-Identifier: Apache-2.0
"""What of a request is hashed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from gateway.http.messages import Request
from gateway.proxy.balancing.hash_input import HashInput
from tests.support.balancing import upstream_row
from tests.support.requests import request_of


class _Match:
    path = b"/normal"
    captures = {"1": b"one", "user": b"kim", "2": None}


def asked(**fields: Any) -> Request:
    request = request_of(
        b"/x?a=2&b=x&a=1&flag",
        headers=[(b"x-key", b"k1"), (b"x-key", b"k2"), (b"cookie", b"s=c1")],
    )
    match: Any = _Match()
    request.match = match
    for name, value in fields.items():
        setattr(request, name, value)
    return request


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"hash_on": "ip"}, b"127.0.0.1"),
        ({"hash_on": "path"}, b"/normal"),
        ({"hash_on": "header", "hash_on_header": "X-Key"}, b"k1, k2"),
        ({"hash_on": "cookie", "hash_on_cookie": "s"}, b"c1"),
        ({"hash_on": "query_arg", "hash_on_query_arg": "a"}, b"1,2"),
        ({"hash_on": "query_arg", "hash_on_query_arg": "flag"}, b"true"),
        ({"hash_on": "uri_capture", "hash_on_uri_capture": "user"}, b"kim"),
        ({"hash_on": "uri_capture", "hash_on_uri_capture": "1"}, b"one"),
        ({"hash_on": "uri_capture", "hash_on_uri_capture": "2"}, None),
        ({"hash_on": "header", "hash_on_header": "none"}, None),
        ({"hash_on": "consumer"}, None),
        (
            {"hash_on": "header", "hash_on_header": "none", "hash_fallback": "ip"},
            b"127.0.0.1",
        ),
        (
            {
                "hash_on": "consumer",
                "hash_fallback": "query_arg",
                "hash_fallback_query_arg": "b",
            },
            b"x",
        ),
        (
            {
                "hash_on": "query_arg",
                "hash_on_query_arg": "none",
                "hash_fallback": "uri_capture",
                "hash_fallback_uri_capture": "user",
            },
            b"kim",
        ),
    ],
)
def test_the_value_is_what_the_upstream_names(fields: dict[str, Any], value: bytes | None) -> None:
    read = HashInput(upstream_row(**fields))
    assert read
    assert read.read(asked()) == (value, None)


def test_a_consumer_counts_before_its_credential() -> None:
    read = HashInput(upstream_row(hash_on="consumer"))
    assert read.read(asked(consumer={"id": "c"}, credential={"id": "k"}))[0] == b"c"
    assert read.read(asked(credential={"id": "k"}))[0] == b"k"


def test_arguments_in_another_order_are_the_same_value() -> None:
    read = HashInput(upstream_row(hash_on="query_arg", hash_on_query_arg="a"))
    assert read.read(request_of(b"/?a=1&a=2")) == read.read(request_of(b"/?a=2&a=1"))


def test_without_hashing_nothing_is_read() -> None:
    assert not HashInput(upstream_row())


def test_a_client_without_the_cookie_gets_one_that_is_its_value() -> None:
    row = upstream_row(hash_on="cookie", hash_on_cookie="s", hash_on_cookie_path="/app")
    read = HashInput(row)
    value, cookie = read.read(request_of())
    assert value is not None
    assert value == cookie
    UUID(value.decode())
    assert read.cookie is not None
    assert read.cookie.line(value) == b"s=%b; Path=/app; SameSite=Lax; HttpOnly" % value


def test_a_cookie_as_fallback_is_set_only_without_the_first() -> None:
    row = upstream_row(
        hash_on="header", hash_on_header="X-Key", hash_fallback="cookie", hash_on_cookie="new"
    )
    assert HashInput(row).read(asked()) == (b"k1, k2", None)
    value, cookie = HashInput(row).read(request_of())
    assert value == cookie is not None
