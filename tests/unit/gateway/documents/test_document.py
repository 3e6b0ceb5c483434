# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.documents.document import check_document, from_table, to_table
from gateway.documents.tree import owner_tag
from gateway.entities import ENTITIES
from gateway.entities.checks import check_table
from gateway.errors import DocumentError
from tests.support.certificates import self_signed
from tests.support.documents import PLUGIN, plugin_of, story

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def _problems(document: Any, unknown: str | None = None) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        check_document(document, unknown)
    return caught.value.problems


def _everything() -> dict[str, Any]:
    """Return a document that uses every way of nesting and referring."""
    cert, key = self_signed()
    document = story()
    document["certificates"] = {"main": {"cert": cert, "key": key, "snis": {"a.test": {}}}}
    document["consumers"] = {
        "alice": {
            "keyauth_credentials": {"1": {"key": "k1"}, "second": {"key": "k2"}},
            "basicauth_credentials": {"alice": {"password": "p"}},
            "acls": {"writers": {}},
        }
    }
    document["upstreams"] = {"up": {"targets": {"10.0.0.1:80": {"weight": 5}}}}
    document["routes"] = {"other": {"paths": ["/other"], "service": "httpbinservice"}}
    document["plugins"] = {
        "for alice": {"name": "confluent", "consumer": "alice", "config": {"topic": "t"}}
    }
    return document


def test_a_table_is_sound_and_every_row_has_its_owner() -> None:
    table = to_table(_everything(), "org/project/local", 100)
    check_table(table)
    tag = owner_tag("org/project/local")
    assert "/" not in tag
    rows = [(name, row) for name, found in table.items() for row in found]
    assert len(rows) == 14
    for collection, row in rows:
        assert tag in row["tags"]
        without = {"condition", "partials"} if collection == "plugins" else set()
        assert set(row) == set(ENTITIES[collection].model.model_fields) - without
        assert row["created_at"] == row["updated_at"] == 100


def test_children_refer_to_their_parents_by_id() -> None:
    table = to_table(_everything(), "o", 1)
    service, route = table["services"][0], table["routes"][0]
    assert route["service"] == service["id"]
    assert table["plugins"][0]["route"] == route["id"]
    assert table["snis"][0]["certificate"] == table["certificates"][0]["id"]
    assert table["targets"][0]["upstream"] == table["upstreams"][0]["id"]


def test_ids_follow_from_owner_and_names_unless_given() -> None:
    document = story()
    first, again = (to_table(document, "o", now) for now in (1, 2))
    other = to_table(document, "p", 1)
    assert first["routes"][0]["id"] == again["routes"][0]["id"] != other["routes"][0]["id"]
    document["services"]["httpbinservice"]["id"] = UNKNOWN
    assert to_table(document, "o", 1)["services"][0]["id"] == UNKNOWN


def test_the_live_document_gives_the_same_table_again() -> None:
    table = to_table(_everything(), "o", 1)
    live = from_table(table, "o")
    assert "id" not in live["services"]["httpbinservice"]
    again = to_table(live, "o", 1)
    assert {name: sorted(map(str, rows)) for name, rows in again.items()} == {
        name: sorted(map(str, rows)) for name, rows in table.items()
    }


def test_the_live_document_of_an_owner_leaves_others_out() -> None:
    table = to_table(story(), "o", 1)
    table["routes"] += to_table({"routes": {"r": {"paths": ["/r"]}}}, "p", 1)["routes"]
    assert list(from_table(table, "p")) == ["routes"]
    assert list(from_table(table, "o")) == ["services"]
    assert from_table(table, "q") == {}


def test_an_unchanged_document_keeps_its_times() -> None:
    before = to_table(_everything(), "o", 1)
    assert to_table(_everything(), "o", 2, before) == before
    document = _everything()
    plugin_of(document)["config"]["topic"] = "t2"
    plugin = to_table(document, "o", 2, before)["plugins"][0]
    assert (plugin["created_at"], plugin["updated_at"]) == (1, 2)


def test_whole_floats_are_integers_because_some_transports_know_no_others() -> None:
    document = story()
    config = plugin_of(document)["config"]
    config["timeout"], config["bootstrap_servers"][0]["port"] = 500.0, 9093.0
    found = to_table(document, "o", 1)["plugins"][0]["config"]
    assert isinstance(found["timeout"], int)
    assert isinstance(found["bootstrap_servers"][0]["port"], int)


def _edit(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = story()
    change(document)
    return document


def test_a_misspelt_field_names_path_nearest_and_allowed() -> None:
    document = _edit(lambda d: plugin_of(d)["config"].update(topik="x"))
    (problem,) = _problems(document)
    assert problem.startswith(f'{PLUGIN}.config.topik: unknown field; did you mean "topic"?')
    assert "allowed: topic, topics_query_arg, " in problem


def test_the_problem_of_a_misspelt_nested_collection_lists_what_may_be_nested() -> None:
    document = _edit(lambda d: d["services"]["httpbinservice"].update(route={}))
    (problem,) = _problems(document)
    assert 'did you mean "routes"?' in problem


def test_an_unknown_plugin_names_the_installed_ones() -> None:
    document = story()
    routes = document["services"]["httpbinservice"]["routes"]["httpbinroute"]
    routes["plugins"] = {"kafka-upstrem": {}}
    (problem,) = _problems(document)
    assert 'did you mean "kafka-upstream"? allowed: ' in problem


def test_a_wrong_type_says_what_is_expected_and_what_was_given() -> None:
    document = _edit(lambda d: plugin_of(d)["config"].update(forward_body="yes"))
    assert _problems(document) == [
        f"{PLUGIN}.config.forward_body: expected a boolean; got a string"
    ]


@pytest.mark.parametrize(
    ("document", "start"),
    [
        ([], "the document must be"),
        ({"servces": {}}, 'servces: unknown collection; did you mean "services"?'),
        ({"services": []}, "services: expected a map"),
        ({"services": {"a": "b"}}, 'services["a"]: expected a map'),
        ({"services": {"a": {"name": "b", "host": "h"}}}, 'services["a"].name: must be its key'),
        ({"routes": {"a": {"paths": ["/"], "service": "b"}}}, 'routes["a"].service: "b" is not'),
        ({"routes": {"a": {"paths": ["/"], "tags": ["owner:x"]}}}, 'routes["a"].tags: "owner:x"'),
        ({"routes": {"a": {"paths": ["x"]}}}, 'routes["a"].paths[0]: should start with'),
        (
            {"routes": {"a": {"paths": ["/"], "headers": {"X-A": [""]}}}},
            'routes["a"].headers["X-A"]',
        ),
        (
            {"consumers": {"a": {"keyauth_credentials": {"1": {}}}}},
            'consumers["a"].keyauth_credentials["1"].key: required field missing',
        ),
        (
            {"services": {"a": {"host": "h", "routes": {"r": {"paths": ["/"], "service": "a"}}}}},
            'services["a"].routes["r"].service: is set by the service around it',
        ),
    ],
)
def test_problems_start_with_their_path(document: Any, start: str) -> None:
    assert _problems(document)[0].startswith(start)


def test_two_routes_of_one_name_are_refused_wherever_they_stand() -> None:
    document = _edit(lambda d: d.update(routes={"httpbinroute": {"paths": ["/"]}}))
    (problem,) = _problems(document)
    assert 'routes["httpbinroute"]: UNIQUE violation' in problem


def test_values_not_known_yet_are_accepted_anywhere() -> None:
    document = story()
    plugin_of(document)["config"] |= {"topic": UNKNOWN, "bootstrap_servers": UNKNOWN}
    document["services"]["httpbinservice"]["url"] = f"http://{UNKNOWN}:80"
    document["plugins"] = UNKNOWN
    document["consumers"] = {"alice": UNKNOWN}
    document["routes"] = {"r": {"paths": [UNKNOWN], "service": UNKNOWN}}
    check_document(document, UNKNOWN)


def test_what_is_known_is_checked_beside_what_is_not() -> None:
    document = story()
    plugin_of(document)["config"] |= {"topic": UNKNOWN, "topik": UNKNOWN, "timeout": "x"}
    assert len(_problems(document, UNKNOWN)) == 2


def test_a_reference_by_id_may_point_outside_of_the_document() -> None:
    service = "00000000-0000-0000-0000-000000000001"
    check_document({"routes": {"a": {"paths": ["/"], "service": {"id": service}}}})
    with pytest.raises(DocumentError):
        check_table(to_table({"routes": {"a": {"paths": ["/"], "service": service}}}, "o", 1))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS512", "EdDSA"])
def test_a_public_key_needs_no_secret_and_none_is_made_up(algorithm: str) -> None:
    secret = {"algorithm": algorithm, "rsa_public_key": _public_key(algorithm)}
    document = {"consumers": {"a": {"jwt_secrets": {"issuer": secret}}}}
    first, second = (to_table(document, "me", 0) for _ in range(2))
    assert first["jwt_secrets"] == second["jwt_secrets"]
    assert first["jwt_secrets"][0]["secret"] == ""


@pytest.mark.parametrize("algorithm", [{}, {"algorithm": "HS512"}, {"algorithm": None}])
def test_a_shared_secret_has_to_be_said(algorithm: dict[str, Any]) -> None:
    document = {"consumers": {"a": {"jwt_secrets": {"issuer": algorithm}}}}
    [problem] = _problems(document)
    assert "secret: required field missing; a document must say it" in problem


def _public_key(algorithm: str) -> str:
    kinds = {"RS256": rsa, "PS512": rsa, "ES256": ec, "EdDSA": ed25519}
    kind = kinds[algorithm]
    if kind is rsa:
        key: Any = rsa.generate_private_key(65537, 2048)
    elif kind is ec:
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    encoding, form = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(encoding, form).decode())


def test_upstreams_may_have_targets_of_the_same_address() -> None:
    targets = {"h.test:80": {"weight": 5}}
    document = {"upstreams": {"a": {"targets": targets}, "b": {"targets": targets}}}
    table = to_table(document, "me", 0)
    first, second = table["targets"]
    assert first["target"] == second["target"] == "h.test:80"
    assert first["id"] != second["id"]
    assert {first["upstream"], second["upstream"]} == {row["id"] for row in table["upstreams"]}
    shown = from_table(table, "me")["upstreams"]
    assert [list(shown[name]["targets"]) for name in "ab"] == [["h.test:80"]] * 2
    assert "id" not in shown["a"]["targets"]["h.test:80"]
    alone = to_table({"upstreams": {"b": {"targets": targets}}}, "me", 0)["targets"]
    assert [row["id"] for row in alone if row["upstream"] == second["upstream"]] == [second["id"]]
