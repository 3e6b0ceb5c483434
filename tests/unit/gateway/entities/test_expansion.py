# SPDX-License-Identifier: Apache-2.0
"""A plugin with its partials is what it would be if it said the same itself."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.entities import Row, validate_row
from gateway.entities.expansion import by_id, expanded, expansion_problems
from gateway.entities.partial import linkable
from gateway.entities.partial_links import with_record
from gateway.entities.plugin_types import plugin_type, plugin_types

LINKED = [name for name, one in plugin_types().items() if linkable(one.schema)]
RECORDS = st.fixed_dictionaries(
    {"host": st.sampled_from(["a.test", "10.0.0.1", "{vault://env/HOST}"])},
    optional={
        "port": st.integers(1, 65535),
        "timeout": st.integers(0, 2147483646),
        "password": st.text(min_size=1),
        "ssl": st.booleans(),
        "server_name": st.none() | st.just("b.test"),
    },
)


def example(name: str) -> dict[str, Any]:
    """Return settings of a plugin without the record that can be linked."""
    if name == "rate-limiting-advanced":
        return {"limit": [1], "window_size": [1]}
    if name == "kafka-quota":
        return {"bytes": {"minute": 1}}
    if name == "response-ratelimiting":
        return {"limits": {"a": {"minute": 1}}}
    if name == "proxy-cache-advanced":
        return {"strategy": "memory"}
    return {"minute": 1} if name == "rate-limiting" else {}


@pytest.mark.parametrize("name", LINKED)
@given(record=RECORDS)
def test_linking_is_the_same_as_saying_it(name: str, record: dict[str, Any]) -> None:
    ((path, kind),) = linkable(plugin_type(name).schema).items()
    partial = validate_row("partials", {"type": kind, "config": record})
    same = {"name": name, "created_at": 1, "updated_at": 1, "tags": ["a"]}
    said = validate_row("plugins", {**same, "config": with_record(example(name), path, record)})
    link = {"id": partial["id"]}
    linked = validate_row(
        "plugins", {**same, "id": said["id"], "config": example(name), "partials": [link]}
    )
    assert linked["partials"] == [{**link, "path": path}]
    assert expanded(linked, by_id([partial])) == said
    # What was stored can be checked and stored again.
    assert validate_row("plugins", linked) == linked


def row(config: dict[str, Any], partial: Row) -> Row:
    links = [{"id": partial["id"]}]
    return validate_row("plugins", {"name": "rate-limiting", "config": config, "partials": links})


def test_what_is_wrong_only_together_is_found() -> None:
    nowhere = validate_row("partials", {"type": "redis-ce", "name": "nowhere"})
    plugin = row({"minute": 1, "policy": "redis"}, nowhere)
    problems = expansion_problems(plugin, by_id([nowhere]))
    assert [one.sentence() for one in problems] == [
        "config.redis.host: required field missing",
        "failed conditional validation given value of field 'config.policy'",
    ]
    with pytest.raises(ValueError, match="host: required field missing"):
        expanded(plugin, by_id([nowhere]))
    other = {**nowhere, "type": "redis-ee"}
    problems = expansion_problems(plugin, by_id([other]))
    assert "redis-ee; config.redis takes redis-ce" in problems[0].sentence()
    assert expansion_problems(row({"minute": 1}, nowhere), by_id([nowhere])) == []


def test_a_plugin_without_links_stays_as_it_is() -> None:
    plugin = validate_row("plugins", yaml.safe_load("{name: key-auth, config: {}}"))
    assert expanded(plugin, {}) is plugin
