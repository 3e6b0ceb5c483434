# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson
import pytest

from gateway.plugins.logging import entities
from gateway.plugins.logging.entities import entity_text


def test_an_entity_is_shown_as_it_is_configured() -> None:
    row = {"id": "1", "name": "r", "hosts": None, "service": "2", "ca_certificates": ["3"]}
    shown = {"id": "1", "name": "r", "service": {"id": "2"}, "ca_certificates": ["3"]}
    assert orjson.loads(entity_text(row)) == shown
    assert orjson.loads(entity_text({"id": "1", "service": {"id": "2", "host": "h"}})) == {
        "id": "1",
        "service": {"id": "2"},
    }


def test_a_row_is_written_once_and_another_one_of_the_same_id_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = {"id": "4", "name": "a"}
    assert entity_text(row) is entity_text(row)
    assert orjson.loads(entity_text({"id": "4", "name": "b"}))["name"] == "b"
    monkeypatch.setattr(entities, "_MOST", 2)
    for name in "abcdef":
        entity_text({"id": name})
    assert len(entities._texts) <= 2
