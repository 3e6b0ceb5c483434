# SPDX-License-Identifier: Apache-2.0
"""Links of plugins in a configuration: found, named, and put in."""

from __future__ import annotations

import pytest

from gateway.control_plane.changes import create
from gateway.control_plane.partials import (
    check_partials,
    linked,
    partials_of,
    show_links,
    with_ids,
    with_partials,
)
from gateway.entities.checks import Table
from gateway.errors import ReferenceViolation, SchemaViolation

PARTIAL = {"name": "a", "type": "redis-ce", "config": {"host": "a.test"}}
PLUGIN = {"name": "rate-limiting", "config": {"minute": 1, "policy": "redis"}}


def table() -> Table:
    """Return a configuration with a plugin that is linked to a partial, and another partial."""
    made: Table = create({}, "partials", PARTIAL, 1).table
    made = create(made, "partials", {**PARTIAL, "name": "b"}, 1).table
    return create(made, "plugins", {**PLUGIN, "partials": [{"name": "a"}]}, 1).table


def test_names_become_ids() -> None:
    rows = table()
    ids = {row["name"]: row["id"] for row in rows["partials"]}
    assert with_ids(rows, [{"name": "a"}, {"id": "x"}, 7]) == [
        {"name": "a", "id": ids["a"]},
        {"id": "x"},
        7,
    ]
    with pytest.raises(ReferenceViolation, match='name="c"'):
        with_ids(rows, [{"name": "c"}])


def test_a_plugin_and_its_partials_find_each_other() -> None:
    rows = table()
    (plugin,) = rows["plugins"]
    ids = {row["name"]: row["id"] for row in rows["partials"]}
    assert linked(rows, ids["a"]) == [plugin]
    assert linked(rows, ids["b"]) == []
    assert list(partials_of(rows, [plugin])) == [ids["a"]]
    shown = show_links(rows, plugin, whole=True)
    assert shown["partials"] == [{"id": ids["a"], "name": "a", "path": "config.redis"}]
    assert shown["config"]["redis"]["host"] == "a.test"
    assert "redis" not in show_links(rows, plugin, whole=False)["config"]
    beside = with_partials(rows, plugin)
    assert beside is not None
    assert beside["partials"][0]["name"] == "a"
    assert with_partials(rows, None) is None


def test_a_partial_that_its_plugins_cannot_use_names_them() -> None:
    rows = table()
    (partial,) = [row for row in rows["partials"] if row["name"] == "a"]
    with pytest.raises(SchemaViolation) as caught:
        check_partials(rows, "partials", {**partial, "config": {}})
    assert caught.value.problems == [
        'plugins["rate-limiting"].config.redis.host: required field missing',
        'plugins["rate-limiting"]: failed conditional validation given value of field '
        "'config.policy'",
    ]
    check_partials(rows, "partials", partial)
