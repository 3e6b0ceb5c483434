# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.control_plane.ownership import merge
from gateway.control_plane.page.changes import HIDDEN, EntityChange, entity_changes
from gateway.entities.checks import Table
from tests.support.documents import plugin_of, story, with_topic


def table(document: dict[str, Any], before: Table | None = None) -> Table:
    return merge(before or {}, "team", document, 1)


def only(old: Table, new: Table) -> EntityChange:
    (found,) = entity_changes(old, new)
    return found


def test_a_field_that_changed_stands_there_before_and_after() -> None:
    change = only(table(story()), table(with_topic("orders")))
    assert (change.kind, change.collection, change.owner) == ("changed", "plugins", "team")
    assert change.name == "kafka-upstream"
    assert change.within == "route httpbinroute"
    (field,) = change.fields
    assert (field.path, field.before, field.after) == ("config.topic", "topictest", "orders")


def test_what_comes_is_told_without_what_is_by_default() -> None:
    changes = entity_changes({}, table({"services": {"a": {"url": "http://a.test"}}}))
    (change,) = changes
    assert change.kind == "added"
    assert {one.path: one.after for one in change.fields} == {"name": "a", "host": "a.test"}
    gone = only(table({"services": {"a": {"url": "http://a.test"}}}), {})
    assert {one.path: one.before for one in gone.fields} == {"name": "a", "host": "a.test"}


def test_the_same_again_is_no_change() -> None:
    assert entity_changes(table(story()), table(story())) == []


def test_entities_come_in_the_order_of_collections() -> None:
    kinds = [one.collection for one in entity_changes({}, table(story()))]
    assert kinds == ["services", "routes", "plugins"]


SECRET = "planted-secret-0815"


def with_plugin(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"plugins": {name: {"config": config}}}


@pytest.mark.parametrize(
    "document",
    [
        {"consumers": {"ann": {"keyauth_credentials": {"own": {"key": SECRET}}}}},
        {"consumers": {"ann": {"basicauth_credentials": {"ann": {"password": SECRET}}}}},
        {"consumers": {"ann": {"hmacauth_credentials": {"ann": {"secret": SECRET}}}}},
        {"consumers": {"ann": {"jwt_secrets": {"iss": {"secret": SECRET}}}}},
        with_plugin("http-log", {"http_endpoint": f"https://ann:{SECRET}@sink.test"}),
        with_plugin(
            "http-log",
            {"http_endpoint": "https://sink.test", "headers": {"Authorization": SECRET}},
        ),
        with_plugin("request-transformer", {"add": {"headers": [f"Authorization:{SECRET}"]}}),
        with_plugin("request-transformer", {"add": {"headers": [f"X-Api-Key: {SECRET}"]}}),
    ],
)
def test_no_secret_is_shown(document: dict[str, Any]) -> None:
    after = table(document)
    assert SECRET not in str(entity_changes({}, after)), "when it comes"
    assert SECRET not in str(entity_changes(after, {})), "when it goes"
    assert HIDDEN in str(entity_changes({}, after))


def test_a_password_of_kafka_is_hidden_and_a_vault_reference_is_not() -> None:
    document = story()
    config = plugin_of(document)["config"]
    sasl = {"strategy": "sasl", "mechanism": "PLAIN", "user": "{vault://env/KEY}"}
    config["authentication"] = sasl | {"password": SECRET}
    found = str(entity_changes(table(story()), table(document)))
    assert SECRET not in found
    assert "{vault://env/KEY}" in found
