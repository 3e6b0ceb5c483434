# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


def _fields(service: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("services", service)
    return caught.value.fields


def test_absent_fields_get_their_defaults() -> None:
    row = validate_row("services", {"name": "a", "host": "b.test"})
    assert (row["port"], row["protocol"], row["retries"], row["enabled"]) == (80, "http", 5, True)
    assert {row[f"{kind}_timeout"] for kind in ("connect", "write", "read")} == {60000}
    assert row["path"] is None
    assert isinstance(row["created_at"], int)


@pytest.mark.parametrize(
    ("url", "protocol", "host", "port", "path"),
    [
        ("https://h.test/p", "https", "h.test", 443, "/p"),
        ("http://h.test", "http", "h.test", 80, None),
        ("http://h.test:81/", "http", "h.test", 81, "/"),
        ("grpcs://h.test", "grpcs", "h.test", 443, None),
        ("http://[::1]:8080", "http", "::1", 8080, None),
    ],
)
def test_a_url_is_split(url: str, protocol: str, host: str, port: int, path: str | None) -> None:
    row = validate_row("services", {"url": url})
    assert (row["protocol"], row["host"], row["port"], row["path"]) == (protocol, host, port, path)
    assert "url" not in row


def test_problems_have_kongs_texts() -> None:
    fields = _fields({"name": "svc2", "host": "a.org", "port": 70000, "bogus": 1})
    assert fields == {"port": "value should be between 0 and 65535", "bogus": "unknown field"}


@pytest.mark.parametrize(
    ("service", "field"),
    [
        ({}, "host"),
        ({"host": "a b"}, "host"),
        ({"host": "a.test:80"}, "host"),
        ({"host": "a.test", "port": "80"}, "port"),
        ({"host": "a.test", "port": True}, "port"),
        ({"host": "a.test", "path": "x"}, "path"),
        ({"host": "a.test", "path": "/a//b"}, "path"),
        ({"host": "a.test", "path": "/a b"}, "path"),
        ({"host": "a.test", "protocol": "tcp", "path": "/"}, "path"),
        ({"host": "a.test", "tls_verify": True}, "tls_verify"),
        ({"host": "a.test", "tags": ["a,b"]}, "tags"),
        ({"url": "nonsense"}, "url"),
        ({"url": 5}, "url"),
        ({"url": "http://a:port"}, "url"),
        ({"host": "a.test", "read_timeout": 0}, "read_timeout"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_at_its_field(
    service: dict[str, Any], field: str
) -> None:
    assert field in _fields(service)


def test_a_complete_row_is_a_fixed_point() -> None:
    row = validate_row("services", {"url": "https://h.test/p", "tags": ["b", "a"]})
    assert validate_row("services", row) == row
