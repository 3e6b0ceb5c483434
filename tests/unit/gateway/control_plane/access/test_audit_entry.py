# SPDX-License-Identifier: Apache-2.0
"""What is noted of a call, and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.control_plane.access.audit_entry import AuditedCall, masked
from gateway.control_plane.access.identity import AdminIdentity, with_lower


@pytest.mark.parametrize(
    "body",
    [
        {"key": "planted"},
        {"name": "a", "config": {"client_secret": "planted"}},
        {"consumer": {"username": "ann", "planted": "planted"}},
        {"document": {"consumers": {"ann": {"keyauth_credentials": {"k": {"key": "planted"}}}}}},
        {"url": "https://user:planted@a.test"},
        {"token": "planted", "password": "planted", "cert": "planted", "jwk": {"k": "planted"}},
        {"names": ["a", {"secret": "planted"}]},
        {"tags": "planted"},
    ],
)
def test_no_value_that_may_be_secret_is_noted(body: dict[str, Any]) -> None:
    assert "planted" not in (masked(body)[0] or "")


def test_names_of_fields_and_plain_values_are_noted() -> None:
    body = {"name": "a", "paths": ["/a"], "service": {"id": "1"}, "key": "k", "config": {"x": 1}}
    payload, removed = masked(body)
    assert json.loads(payload or "") == {"name": "a", "paths": ["/a"], "service": {"id": "1"}}
    assert removed == "config,key"
    assert masked(None) == (None, None)
    assert masked({}) == ("{}", None)


def test_an_entry_has_the_fields_of_kong() -> None:
    key = "11111111-0000-4000-8000-000000000000"
    identity = AdminIdentity("ci", with_lower(["write"]), key=key)
    call = AuditedCall("r", identity, "127.0.0.1", "curl/8", "POST", "/services", {}, 201, (7,))
    entry = call.entry()
    assert set(entry) >= {
        "client_ip", "method", "path", "payload", "rbac_user_id", "rbac_user_name",
        "removed_from_payload", "request_id", "request_source", "request_timestamp", "signature",
        "status", "workspace",
    }  # fmt: skip
    assert (entry["rbac_user_name"], entry["release"], entry["status"]) == ("ci", 7, 201)
    assert entry["rbac_user_id"] == identity.key
    configured = AdminIdentity("admin token", with_lower(["admin"]), key="admin token 1")
    call = AuditedCall("r", configured, "127.0.0.1", "", "POST", "/services", None, 403)
    assert call.entry()["rbac_user_id"] is None
    assert call.entry()["payload"] is None


@pytest.mark.parametrize("field", ["name", "service", "paths"])
def test_however_deep_a_body_is_it_is_noted(field: str) -> None:
    """An exception here would be a write that no entry tells of."""
    value: Any = "x"
    for _ in range(5000):
        value = {"id": value}
    for body in ({field: value}, {field: [value]}, {field: {"id": "1", "name": value}}):
        payload, _ = masked({**body, "host": "h"})
        assert json.loads(payload or "")["host"] == "h"
        assert len(payload or "") < 100
