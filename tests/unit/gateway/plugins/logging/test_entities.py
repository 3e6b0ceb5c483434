# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson
import pytest

from gateway.plugins.logging import entities
from gateway.plugins.logging.entities import (
    entity,
    plain_entity,
    plain_members,
    route_members,
)
from tests.support.logging import MatchedRoute


def test_an_entity_is_shown_as_it_is_configured() -> None:
    row = {"id": "1", "name": "r", "hosts": None, "service": "2", "ca_certificates": ["3"]}
    shown = {"id": "1", "name": "r", "service": {"id": "2"}, "ca_certificates": ["3"]}
    assert plain_entity(row) == shown
    assert orjson.loads(orjson.dumps(entity(row))) == shown
    whole = {"id": "1", "service": {"id": "2", "host": "h"}}
    assert plain_entity(whole) == {"id": "1", "service": {"id": "2"}}


def test_a_row_is_written_once_and_another_one_of_the_same_id_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = {"id": "4", "name": "a"}
    assert entity(row) is entity(row)
    assert orjson.loads(orjson.dumps(entity({"id": "4", "name": "b"})))["name"] == "b"
    monkeypatch.setattr(entities, "_MOST", 2)
    for name in "abcdef":
        entity({"id": name})
    assert len(entities._kept) <= 2


def test_a_route_is_written_once_with_its_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entities, "_MOST", 1)
    one, other = MatchedRoute(), MatchedRoute(service=False)
    found = route_members(one)
    assert route_members(one) is found
    assert orjson.loads(orjson.dumps(found)) == dict(plain_members(one))
    assert set(route_members(other)) == {"workspace", "workspace_name", "route"}
    assert len(entities._routes) == 1
