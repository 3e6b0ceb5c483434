# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.documents.diff import diff_documents, normalise
from gateway.documents.document import from_table, to_table
from gateway.errors import DocumentError
from tests.support.documents import PLUGIN, plugin_of, story


def test_a_document_equals_its_live_form() -> None:
    document = story()
    alice: dict[str, Any] = {
        "keyauth_credentials": {"mine": {"key": "k"}},
        "basicauth_credentials": {"alice": {"password": "p"}},
    }
    document["consumers"] = {"alice": alice}
    document["services"]["httpbinservice"]["tags"] = ["b", "a"]
    live = from_table(to_table(document, "o", 1), "o")
    assert diff_documents(live, document, "o") == {}
    alice["basicauth_credentials"]["alice"]["password"] = "other"
    path = 'consumers["alice"].basicauth_credentials["alice"].password'
    assert diff_documents(live, document, "o") == {path: "update"}


def test_normalising_twice_changes_nothing() -> None:
    once = normalise(story(), "o")
    assert normalise(once, "o") == once
    assert once["services"]["httpbinservice"]["host"] == "httpbin.org"


def test_it_does_not_matter_where_a_route_is_written() -> None:
    document = story()
    service = document["services"]["httpbinservice"]
    flat = {
        "services": {"httpbinservice": {"host": "httpbin.org"}},
        "routes": {
            "httpbinroute": {**service["routes"]["httpbinroute"], "service": "httpbinservice"}
        },
    }
    assert diff_documents(document, flat) == {}
    assert diff_documents(to_live(document), flat, "o") == {}


def to_live(document: dict[str, Any]) -> dict[str, Any]:
    return from_table(to_table(document, "o", 1), "o")


def test_one_changed_property_is_one_line_under_its_names() -> None:
    new = story()
    plugin_of(new)["config"]["topic"] = "topictest2"
    assert diff_documents(story(), new) == {f"{PLUGIN}.config.topic": "update"}


def test_writing_a_default_out_changes_nothing() -> None:
    new = story()
    plugin_of(new)["config"] |= {"timeout": 10000, "compression_type": None}
    new["services"]["httpbinservice"]["retries"] = 5
    assert diff_documents(story(), new) == {}


def test_whole_entities_and_optional_fields_come_and_go() -> None:
    new = story()
    new["services"]["httpbinservice"]["path"] = "/x"
    new["consumers"] = {"alice": {}}
    there = {'consumers["alice"]': "add", 'services["httpbinservice"].path': "add"}
    assert diff_documents(story(), new) == there
    assert set(diff_documents(new, story()).values()) == {"delete"}


def test_lists_of_records_differ_by_position_and_plain_lists_as_a_whole() -> None:
    new = story()
    config = plugin_of(new)["config"]
    config["bootstrap_servers"] = [{"host": "localhost", "port": 9093}, {"host": "b", "port": 1}]
    new["services"]["httpbinservice"]["routes"]["httpbinroute"]["paths"] = ["/a", "/httpbin"]
    assert diff_documents(story(), new) == {
        'services["httpbinservice"].routes["httpbinroute"].paths': "update",
        f"{PLUGIN}.config.bootstrap_servers[0].port": "update",
        f"{PLUGIN}.config.bootstrap_servers[1]": "add",
    }


def test_values_not_known_yet_are_differences_not_errors() -> None:
    new = story()
    plugin_of(new)["config"]["bootstrap_servers"] = "unknown"
    assert diff_documents(story(), new) == {f"{PLUGIN}.config.bootstrap_servers": "update"}


def test_a_document_of_the_wrong_structure_is_refused() -> None:
    with pytest.raises(DocumentError):
        normalise({"servces": {}})


def test_a_config_that_is_left_out_is_one_of_defaults() -> None:
    def document(plugin: dict[str, Any]) -> dict[str, Any]:
        return {"plugins": {"key-auth": plugin}}

    assert diff_documents(document({}), document({"config": {"key_names": ["apikey"]}})) == {}


LIMITED: list[dict[str, Any]] = [
    {"redis": {"host": "r.test"}},
    {"redis": {"host": "r.test", "timeout": 70}},
    {"redis_host": "r.test", "redis_timeout": 70},
    {"redis_host": "r.test", "redis": {"port": 1}},
]
DEPLOYED: list[dict[str, Any]] = [
    {},
    {"timeout": 70},
    {"connect_timeout": 70},
    {"sentinel_addresses": ["a:1"], "sentinel_master": "m", "sentinel_role": "master"},
    {"cluster_nodes": [{"ip": "a", "port": 1}]},
]


@pytest.mark.parametrize(
    ("name", "config"),
    [("rate-limiting", {"minute": 1, "policy": "redis", **redis}) for redis in LIMITED]
    + [
        ("rate-limiting-advanced", {"limit": [1], "window_size": [1], "redis": redis})
        for redis in DEPLOYED
    ],
)
def test_fields_by_their_former_names_are_no_difference(name: str, config: dict[str, Any]) -> None:
    document = {"plugins": {name: {"config": config}}}
    live = from_table(to_table(document, "o", 1), "o")
    assert diff_documents(live, document, "o") == {}
    # Also while another setting is not known yet.
    partly = {"plugins": {name: {"config": {**config, "error_code": "unknown"}}}}
    changes = diff_documents(live, partly, "o")
    assert set(changes) >= {f'plugins["{name}"].config.error_code'}


@pytest.mark.parametrize("link", [{"name": "a"}, {"name": "a", "path": "config.redis"}])
def test_a_linked_plugin_equals_its_live_form(link: dict[str, Any]) -> None:
    plugin = {"config": {"minute": 1, "policy": "redis"}, "partials": [link]}
    document: dict[str, Any] = {
        "partials": {"a": {"type": "redis-ce", "config": {"host": "r.test"}}},
        "plugins": {"rate-limiting": plugin},
    }
    live = from_table(to_table(document, "o", 1), "o")
    assert diff_documents(live, document, "o") == {}
    document["partials"]["a"]["config"]["host"] = "other.test"
    assert diff_documents(live, document, "o") == {'partials["a"].config.host': "update"}
