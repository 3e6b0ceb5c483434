# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation

VECTORS = json.loads((Path("tests/vectors/routing-rules.json")).read_text())["schema_routes"]


def _fields(route: dict[str, Any]) -> dict[str, Any] | None:
    try:
        validate_row("routes", route)
    except SchemaViolation as error:
        return error.fields
    return None


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: json.dumps(vector["route"]))
def test_a_route_is_checked_as_kong_does(vector: dict[str, Any]) -> None:
    expected, found = vector["error"], _fields(vector["route"])
    if expected is not None and "name" in expected:
        assert found is not None
        assert found["name"].startswith("invalid ")
    else:
        assert found == expected


def test_absent_fields_get_their_defaults_and_none_is_missing() -> None:
    row = validate_row("routes", {"name": "r", "paths": ["/r"]})
    assert row["protocols"] == ["http", "https"]
    assert row["https_redirect_status_code"] == 426
    assert (row["strip_path"], row["preserve_host"], row["path_handling"]) == (True, False, "v0")
    assert [row[n] for n in ("methods", "hosts", "headers", "snis", "sources", "service")] == [
        None
    ] * 6


def test_lists_keep_the_order_they_were_sent_in() -> None:
    sent = {"paths": ["/b", "/a"], "methods": ["POST", "GET"], "protocols": ["https", "http"]}
    row = validate_row("routes", sent)
    assert {name: row[name] for name in sent} == sent


def test_a_grpc_route_keeps_its_path_and_may_not_strip_it() -> None:
    grpc = {"paths": ["/r"], "protocols": ["grpc"]}
    assert validate_row("routes", grpc)["strip_path"] is False
    assert "strip_path" in (_fields({**grpc, "strip_path": True}) or {})


@pytest.mark.parametrize(
    ("route", "field"),
    [
        ({"paths": ["/a"], "protocols": ["http", "tcp"]}, "protocols"),
        ({"paths": ["/a"], "protocols": []}, "protocols"),
        ({"paths": ["/a"], "protocols": ["http"], "snis": ["a.test"]}, "snis"),
        ({"paths": ["~/(?=x)"]}, "paths"),
        ({"paths": ["/plain/a.b%58c"]}, "paths"),
        ({"paths": ["/a"], "headers": {"Host": ["a"]}}, "headers"),
        ({"paths": ["/a"], "service": "no-uuid"}, "service"),
        ({"protocols": ["tcp"], "sources": [{}]}, "sources"),
        ({"paths": ["/a"], "hosts": ["a.test:x"]}, "hosts"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(route: dict[str, Any], field: str) -> None:
    assert field in (_fields(route) or {})


def test_a_path_that_is_not_normal_gets_its_normal_form_suggested() -> None:
    fields = _fields({"paths": ["/a/../b/%7e%2f"]})
    assert fields == {"paths": {"1": "not normalized path. Suggest: '/b/~%2F'"}}


def test_a_service_may_be_given_as_an_object_and_is_stored_as_its_id() -> None:
    service = "00000000-0000-0000-0000-000000000001"
    row = validate_row("routes", {"paths": ["/a"], "service": {"id": service}})
    assert row["service"] == service


def test_ten_thousand_routes_are_checked_in_a_few_seconds() -> None:
    route = {"paths": ["/a/b"], "hosts": ["a.test"], "methods": ["GET"]}
    started = time.process_time()
    for number in range(10_000):
        validate_row("routes", {**route, "name": f"r{number}"})
    assert time.process_time() - started < 5  # half a second on an idle machine
