# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.documents.deck_lists import keyed
from gateway.documents.document import to_table
from gateway.documents.plugin_links import with_links
from gateway.entities.expansion import by_id, expanded
from gateway.errors import DocumentError

PLUGIN = "017320fe-ba14-4e14-8bac-3a7d1d3cd1e0"
PARTIAL = "c4ff03ed-478a-4b86-bdcf-811c45c00737"


def file(*links: Any, **more: Any) -> dict[str, Any]:
    """Return a file as Kong exports it, with a plugin that is to be linked."""
    partial = {"id": PARTIAL, "name": "counters", "type": "redis-ee", "config": {"host": "r.test"}}
    config = {"limit": [1], "window_size": [60], "strategy": "redis", "sync_rate": -1}
    plugin = {"id": PLUGIN, "name": "rate-limiting-advanced", "config": config, **more}
    route = {"name": "a", "paths": ["/a"], "plugins": [plugin]}
    services = [{"name": "s", "host": "h", "routes": [route]}]
    return {"services": services, "partials": [partial], "plugins_partials": list(links)}


@pytest.mark.parametrize("partial", [PARTIAL, "counters", {"id": PARTIAL}, {"name": "counters"}])
@pytest.mark.parametrize("plugin", [PLUGIN, "limits", {"id": PLUGIN}])
def test_a_link_beside_the_plugins_is_as_one_within_its_plugin(plugin: Any, partial: Any) -> None:
    link = {"id": PARTIAL, "plugin": plugin, "partial": partial, "path": "config.redis"}
    raw = file({**link, "created_at": 1}, instance_name="limits")
    table = to_table(keyed(raw), "o", 0)
    (row,) = table["plugins"]
    assert row["partials"] == [{"id": PARTIAL, "path": "config.redis"}]
    assert expanded(row, by_id(table["partials"]))["config"]["redis"]["host"] == "r.test"
    assert "partials" not in raw["services"][0]["routes"][0]["plugins"][0], "what was read stays"


def test_a_link_that_stands_in_both_places_is_one() -> None:
    link = {"id": PARTIAL, "path": "config.redis"}
    raw = file({"plugin": PLUGIN, "partial": PARTIAL, "path": "config.redis"}, partials=[link])
    (row,) = to_table(keyed(raw), "o", 0)["plugins"]
    assert row["partials"] == [link]


@pytest.mark.parametrize(
    ("links", "start"),
    [
        ({}, "plugins_partials: expected a list"),
        (["a"], "plugins_partials[0]: expected a map"),
        ([{"partial": PARTIAL}], "plugins_partials[0].plugin: required field missing"),
        ([{"plugin": PLUGIN}], "plugins_partials[0].partial: required field missing"),
        ([{"plugin": "x", "partial": PARTIAL}], 'plugins_partials[0].plugin: "x" is not one of'),
        ([{"plugin": PLUGIN, "partial": "counter"}], "services"),
        ([{"plugin": PLUGIN, "partial": PARTIAL, "path": "config.a"}], "services"),
    ],
)
def test_what_is_wrong_with_a_link_is_named(links: Any, start: str) -> None:
    with pytest.raises(DocumentError) as caught:
        to_table(keyed({**file(), "plugins_partials": links}), "o", 0)
    assert caught.value.problems[0].startswith(start)


@pytest.mark.parametrize(
    "plugins", [None, "a", ["a"], [{"id": 1}], [{"id": PLUGIN, "partials": 1}]]
)
def test_whatever_stands_in_the_file_is_told_of_by_what_reads_it_next(plugins: Any) -> None:
    link = {"plugin": PLUGIN, "partial": PARTIAL}
    found, _ = with_links({"plugins": plugins, "plugins_partials": [link]})
    assert found == {"plugins": plugins}
