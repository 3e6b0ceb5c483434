# SPDX-License-Identifier: Apache-2.0
"""Gates, caches and tracers run before the plugin that writes records; elsewhere Kong's order."""

from __future__ import annotations

from typing import Any

from gateway.entities.plugin_types import PluginType, plugin_types
from gateway.plugins.order import in_order


def _type(name: str, priority: int, **more: Any) -> PluginType:
    return PluginType(name, "1", priority, "pydantic:BaseModel", "x:Y", **more)


TYPES = {
    kind.name: kind
    for kind in (
        _type("acl", 950),
        _type("kafka-upstream", 751, produces=True),
        _type("proxy-cache", 100, before_produce=756),
        _type("opentelemetry", 14, before_produce=758),
        _type("request-termination", 2, before_produce=757),
        _type("post-function", -1000),
    )
}


def _names(*names: str) -> list[str]:
    return [row["name"] for _, row in in_order([{"name": name} for name in names], TYPES)]


def test_without_a_produce_plugin_kongs_priorities_hold() -> None:
    found = _names("request-termination", "post-function", "opentelemetry", "acl", "proxy-cache")
    assert found == ["acl", "proxy-cache", "opentelemetry", "request-termination", "post-function"]


def test_before_a_produce_plugin_runs_what_says_so_and_nothing_else() -> None:
    found = _names(*TYPES)
    assert found == [
        "acl",
        "opentelemetry",
        "request-termination",
        "proxy-cache",
        "kafka-upstream",
        "post-function",
    ]


def test_both_produce_plugins_say_so() -> None:
    kinds = plugin_types()
    assert {name for name, kind in kinds.items() if kind.produces} == {
        "confluent",
        "kafka-upstream",
    }


def test_every_place_before_a_produce_plugin_is_between_the_transformers_and_it() -> None:
    places = [kind.before_produce for kind in plugin_types().values() if kind.before_produce]
    assert all(752 < place < 800 for place in places)


def test_what_is_terminated_gets_no_stored_answer() -> None:
    names = ("kafka-upstream", "idempotency", "kafka-quota", "proxy-cache", "request-termination")
    found = in_order([{"name": name} for name in names], plugin_types())
    assert [row["name"] for _, row in found] == [
        "request-termination",
        "idempotency",
        "proxy-cache",
        "kafka-quota",
        "kafka-upstream",
    ]
