# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


def test_a_plugin_that_says_no_protocols_has_those_of_its_kind() -> None:
    row = validate_row("plugins", {"name": "kafka-upstream", "config": {"topic": "t"}})
    assert row["protocols"] == ["grpc", "grpcs", "http", "https"]
    assert (row["enabled"], row["route"], row["config"]["topic"]) == (True, None, "t")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"protocols": []}, "protocols"),
        ({"instance_name": "a b"}, "instance_name"),
    ],
)
def test_a_plugin_that_makes_no_sense_is_refused(more: dict[str, object], field: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", {"name": "kafka-upstream", "config": {"topic": "t"}, **more})
    assert field in caught.value.fields


_EMPTY = "at least one of these fields must be non-empty"
_MISSING = "required field missing"


def _failed(field: str) -> str:
    return f"failed conditional validation given value of field '{field}'"


@pytest.mark.parametrize(
    ("name", "config", "fields"),
    [
        # Kong's entity checks of a plugin stand under the plugin, with the paths of the fields ...
        (
            "acl",
            {},
            {
                "@entity": [
                    "exactly one of these fields must be non-empty: 'config.allow', 'config.deny'",
                    f"{_EMPTY}: 'config.allow', 'config.deny'",
                ]
            },
        ),
        # ... also when a field is wrong in itself.
        (
            "ip-restriction",
            {"whitelist": ["::1"]},
            {
                "config": {"whitelist": "unknown field"},
                "@entity": [f"{_EMPTY}: 'config.allow', 'config.deny'"],
            },
        ),
        (
            "jwt",
            {"maximum_expiration": 300, "claims_to_verify": ["nbf"]},
            {
                "config": {"claims_to_verify": "expected to contain: exp"},
                "@entity": [_failed("config.maximum_expiration")],
            },
        ),
        (
            "rate-limiting",
            {"minute": 1, "limit_by": "header"},
            {"config": {"header_name": _MISSING}, "@entity": [_failed("config.limit_by")]},
        ),
        (
            "rate-limiting",
            {"minute": 1, "policy": "redis"},
            {"config": {"redis": {"host": _MISSING}}, "@entity": [_failed("config.policy")]},
        ),
        (
            "rate-limiting-advanced",
            {"limit": [1], "window_size": [1, 2], "identifier": "path"},
            {"@entity": ["You must provide the same number of windows and limits"]},
        ),
        # What a config's own validator says stands in its place.
        (
            "rate-limiting",
            {"minute": 2, "hour": 1},
            {"config": "The limit for hour(1.0) cannot be lower than the limit for minute(2.0)"},
        ),
        (
            "rate-limiting",
            {"minute": 2, "sync_rate": 1},
            {"config": "sync_rate can only be used with the redis policy"},
        ),
        (
            "http-log",
            {"http_endpoint": "http://u:p@a.test", "headers": {"Authorization": "x"}},
            {
                "config": "specifying both an 'Authorization' header and user info in "
                "'http_endpoint' is not allowed"
            },
        ),
        (
            "response-ratelimiting",
            {"limits": {"video": {"second": 2, "minute": 1}}},
            {
                "config": {
                    "limits": "the limit for minute(1.0) cannot be lower than the limit for "
                    "second(2.0)"
                }
            },
        ),
        (
            "response-ratelimiting",
            {"limits": {"video": {}}},
            {
                "config": {
                    "limits": {
                        "@entity": [f"{_EMPTY}: 'second', 'minute', 'hour', 'day', 'month', 'year'"]
                    }
                }
            },
        ),
        (
            "hmac-auth",
            {"clock_skew": 0},
            {"config": {"clock_skew": "value must be greater than 0"}},
        ),
        (
            "proxy-cache",
            {"strategy": "memory", "cache_ttl": -1},
            {"config": {"cache_ttl": "value must be greater than 0"}},
        ),
        (
            "key-auth",
            {"key_names": ["apikey", "a b"]},
            {
                "config": {
                    "key_names": {
                        "2": "bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', "
                        "and '-'"
                    }
                }
            },
        ),
    ],
)
def test_what_is_wrong_stands_where_kong_has_it(
    name: str, config: dict[str, Any], fields: dict[str, Any]
) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", {"name": name, "config": config})
    assert caught.value.fields == fields


@pytest.mark.parametrize(
    ("name", "config", "protocol", "allowed"),
    [
        ("cors", {}, "tcp", "grpc, grpcs, http, https"),
        ("rate-limiting", {"minute": 1}, "ws", "grpc, grpcs, http, https"),
        ("acl", {"allow": ["a"]}, "udp", "grpc, grpcs, http, https, ws, wss"),
        ("key-auth", {}, "tls", "grpc, grpcs, http, https, ws, wss"),
        ("kafka-upstream", {"topic": "t"}, "tcp", "grpc, grpcs, http, https"),
    ],
)
def test_a_plugin_runs_for_the_protocols_of_its_kind_only(
    name: str, config: dict[str, Any], protocol: str, allowed: str
) -> None:
    row = {"name": name, "config": config, "protocols": ["http", protocol]}
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", row)
    assert caught.value.fields == {"protocols": {"2": f"expected one of: {allowed}"}}


@pytest.mark.parametrize(
    "name", ["file-log", "ip-restriction", "prometheus", "request-transformer"]
)
def test_some_plugins_may_be_used_for_any_protocol(name: str) -> None:
    config = {"file-log": {"path": "/dev/null"}, "ip-restriction": {"deny": ["::1"]}}.get(name, {})
    row = {"name": name, "config": config, "protocols": ["tls_passthrough", "udp", "wss"]}
    assert validate_row("plugins", row)["protocols"] == ["tls_passthrough", "udp", "wss"]
