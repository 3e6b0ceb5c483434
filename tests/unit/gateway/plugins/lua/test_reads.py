# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.plugins.lua.reads import READS
from tests.support.requests import request_of


def read(name: str, *arguments: Any) -> Any:
    headers = [(b"x-a", b"1"), (b"x-a", b"2"), (b"content-type", b"application/json")]
    request = request_of(b"/a%20b?x=1&y", method=b"POST", host=b"h.test:80", headers=headers)
    request.body = b'{"a":[1]}'
    request.consumer = {"id": "c", "username": "ann", "key": "secret"}
    return READS[name](request, *arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("request.get_method", (), "POST"),
        ("request.get_scheme", (), "http"),
        ("request.get_host", (), "h.test"),
        ("request.get_port", (), 8000),
        ("request.get_http_version", (), 1.1),
        ("request.get_raw_path", (), "/a%20b"),
        ("request.get_path_with_query", (), "/a%20b?x=1&y"),
        ("request.get_raw_query", (), "x=1&y"),
        ("request.get_query", (), {"x": "1", "y": True}),
        ("request.get_query_arg", (b"y",), True),
        ("request.get_header", (b"X_A",), "1"),
        ("request.get_header", (b"other",), None),
        ("request.get_raw_body", (), b'{"a":[1]}'),
        ("request.get_body", (), {"a": [1]}),
        ("request.get_forwarded_host", (), "h.test"),
        ("client.get_ip", (), "127.0.0.1"),
        ("client.get_consumer", (), {"id": "c", "username": "ann"}),
    ],
)
def test_reads(name: str, arguments: tuple[Any, ...], value: Any) -> None:
    assert read(name, *arguments) == value


def test_a_name_that_is_no_string_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a string"):
        read("request.get_header", 1)


def test_repeated_headers_are_a_list() -> None:
    assert read("request.get_headers")["x-a"] == ["1", "2"]
