# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.documents.deck_lists import keyed, positions_of_unnamed
from gateway.documents.deck_writer import as_deck
from gateway.documents.document import check_document, from_table, to_table
from gateway.errors import DocumentError
from gateway.names.property_paths import split_problem


def _problems(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        keyed(raw)
    return caught.value.problems


def test_lists_become_maps_by_name_at_every_level() -> None:
    consumer = {
        "username": "alice",
        "keyauth_credentials": [{"key": "k1"}, {"key": "k2"}],
        "acls": [{"group": "writers"}],
    }
    raw = {
        "services": [{"name": "a", "host": "h", "routes": [{"name": "r", "paths": ["/"]}]}],
        "consumers": [consumer],
        "upstreams": [{"name": "u", "targets": [{"target": "10.0.0.1:80"}]}],
    }
    document = keyed(raw)
    check_document(document)
    assert document["services"]["a"]["routes"]["r"] == {"paths": ["/"]}
    assert document["consumers"]["alice"]["keyauth_credentials"]["2"] == {"key": "k2"}
    assert document["consumers"]["alice"]["acls"] == {"writers": {}}
    assert document["upstreams"]["u"]["targets"] == {"10.0.0.1:80": {}}


def test_the_same_plugin_for_different_consumers_has_different_keys() -> None:
    plugins = [
        {"name": "confluent", "config": {"topic": "t"}},
        {"name": "confluent", "consumer": "alice", "config": {"topic": "t"}},
        {"name": "confluent", "instance_name": "mine", "service": {"name": "s"}, "config": {}},
    ]
    found = keyed({"plugins": plugins})["plugins"]
    assert list(found) == ["confluent", "confluent consumer:alice", "mine"]


def test_a_certificate_is_known_by_its_first_server_name_or_its_digest() -> None:
    certificates = [
        {"cert": "c", "key": "k", "snis": [{"name": "a.test"}]},
        {"cert": "c", "key": "k"},
    ]
    first, second = keyed({"certificates": certificates})["certificates"]
    assert first == "a.test"
    assert len(second) == 16


def test_select_tags_and_defaults_are_applied() -> None:
    info = {"select_tags": ["team"], "defaults": {"route": {"preserve_host": True}}}
    document = keyed({"_info": info, "routes": [{"name": "r", "paths": ["/"], "tags": ["x"]}]})
    assert document["routes"]["r"]["tags"] == ["x", "team"]
    assert document["routes"]["r"]["preserve_host"] is True


def test_a_shared_plugin_configuration_is_the_base_of_its_own() -> None:
    raw = {
        "_plugin_configs": {"base": {"topic": "t", "timeout": 1}},
        "plugins": [{"name": "confluent", "_config": "base", "config": {"timeout": 2}}],
    }
    assert keyed(raw)["plugins"]["confluent"]["config"] == {"topic": "t", "timeout": 2}
    raw["plugins"] = [{"name": "confluent", "_config": "bas"}]
    assert 'did you mean "base"?' in _problems(raw)[0]


@pytest.mark.parametrize(
    ("raw", "start"),
    [
        ({"_inf": {}}, '_inf: unknown key; did you mean "_info"?'),
        ({"_workspace": "other"}, "_workspace: only the workspace default"),
        ({"services": {"a": {}}}, "services: expected a list"),
        ({"services": ["a"]}, "services[0]: expected a map"),
        ({"upstreams": [{"algorithm": "h"}]}, "upstreams[0].name: required field missing"),
        ({"services": [{"name": "a"}, {"name": "a"}]}, 'services[1]: "a" stands there twice'),
        ({"plugins": [{}]}, "plugins[0].name: required field missing"),
        ({"banana": []}, "banana: unknown collection"),
    ],
)
def test_what_is_wrong_with_the_lists_is_named(raw: dict[str, Any], start: str) -> None:
    assert _problems(raw)[0].startswith(start)


@pytest.mark.parametrize("digits", [40, 64])
def test_an_export_has_passwords_that_are_hashed_already(digits: int) -> None:
    def read(**header: object) -> str:
        credential = {"username": "u", "password": "0" * digits}
        consumers = [{"username": "ann", "basicauth_credentials": [credential]}]
        table = to_table(keyed({"consumers": consumers, **header}), "o", 1)
        return str(table["basicauth_credentials"][0]["password"])

    assert read(_transform=False) == "0" * digits
    assert read(_transform=True) == read() != "0" * digits


def test_what_needs_no_name_is_known_by_its_content() -> None:
    """Files for a Kong without a database have services, routes and consumers without a name."""
    one, two = ({"paths": [path], "plugins": [{"name": "key-auth"}]} for path in ("/a", "/b"))
    raw: dict[str, Any] = {
        "services": [{"host": "h", "routes": [one, two]}],
        "routes": [one],
        "consumers": [{"custom_id": "17", "acls": [{"group": "g"}]}],
    }
    found = keyed(raw)
    (service,) = found["services"].values()
    assert len({*service["routes"], *found["routes"]}) == 3, "also by where they stand"
    for key, route in service["routes"].items():
        assert route["id"] == key
        assert "name" not in route
    # Whatever else the file holds, and in which order.
    raw["services"][0]["routes"] = [{"paths": ["/c"]}, two, one]
    assert {*service["routes"]} < {*next(iter(keyed(raw)["services"].values()))["routes"]}


def test_an_entity_without_a_name_stays_without_one() -> None:
    raw: dict[str, Any] = {
        "services": [{"host": "h", "routes": [{"paths": ["/a"]}]}],
        "consumers": [{"custom_id": "17", "keyauth_credentials": [{"key": "k"}]}],
    }
    table = to_table(keyed(raw), "o", 0)
    assert [row["name"] for row in (*table["services"], *table["routes"])] == [None, None]
    (consumer,) = table["consumers"]
    assert (consumer["username"], consumer["custom_id"]) == (None, "17")
    (credential,) = table["keyauth_credentials"]
    assert credential["consumer"] == consumer["id"]
    file = as_deck(from_table(table, "o"), "o")
    written = {name: one for name, one in file.items() if name[0] != "_"}
    assert to_table(keyed(written), "o", 0) == table, "and its id, when it is dumped"


def test_an_unnamed_twin_is_refused() -> None:
    (problem,) = _problems({"routes": [{"paths": ["/a"]}, {"paths": ["/a"]}]})
    assert problem.startswith("routes[1]: ")
    assert problem.endswith("stands there twice")


def test_what_is_wrong_with_an_unnamed_one_is_told_by_its_place() -> None:
    raw = {
        "services": [
            {"name": "named", "host": "h"},
            {"host": "h", "prot": 1, "routes": [{"name": "r", "paths": ["/"]}, {"path": "/a"}]},
        ]
    }
    document = keyed(raw)
    with pytest.raises(DocumentError) as caught, positions_of_unnamed(document):
        check_document(document)
    paths = {split_problem(problem)[0] for problem in caught.value.problems}
    assert paths == {"services[1].prot", "services[1].routes[1].path", "services[1].routes[1]"}


@pytest.mark.parametrize("given", ["false", "no", 0, [], {}])
def test_whether_passwords_are_hashed_is_said_by_true_or_false(given: Any) -> None:
    # By anything else a password would be hashed twice, or kept as it is.
    assert _problems({"_transform": given}) == ["_transform: expected true or false"]


def test_defaults_are_for_what_may_have_some() -> None:
    problems = _problems({"_info": {"defaults": {"services": {"port": 81}, "route": {}}}})
    assert problems == [
        '_info.defaults.services: unknown; did you mean "service"? '
        "allowed: service, route, upstream, target"
    ]
