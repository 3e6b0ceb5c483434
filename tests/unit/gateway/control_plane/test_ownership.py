# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.control_plane.changes import create
from gateway.control_plane.ownership import (
    canonical,
    merge,
    owner_of,
    owns_anything,
    unowned_document,
)
from gateway.control_plane.page.changes import entity_changes
from gateway.entities.checks import Table
from gateway.errors import DocumentError, UniqueViolation
from tests.support.documents import plugin_of, story

NOW = 1_700_000_000


def published(document: Any, owner: str = "a", table: Table | None = None) -> Table:
    return merge(table or {}, owner, document, NOW)


def test_entities_belong_to_their_owner_whatever_its_name() -> None:
    for owner in ("stack-local", "a/b, c", "größe"):
        table = published(story(), owner)
        assert {owner_of(row) for rows in table.values() for row in rows} == {owner}
        assert owns_anything(table, owner)
        assert not owns_anything(table, "b")


def test_publishing_replaces_only_the_owners_entities() -> None:
    table = published(story())
    table = published({"services": {"other": {"host": "b.test"}}}, "b", table)
    table = create(table, "services", {"name": "by-hand", "host": "c.test"}, NOW).table
    table = published({"services": {"new": {"host": "d.test"}}}, "a", table)
    assert {row["name"] for row in table["services"]} == {"other", "by-hand", "new"}
    assert "routes" not in table
    assert "plugins" not in table


def test_publishing_the_same_again_gives_the_same_table() -> None:
    table = published(story())
    assert merge(table, "a", story(), NOW + 1000) == table


def test_what_hangs_on_an_entity_that_goes_goes_along_down_to_the_last() -> None:
    table = published({"consumers": {"alice": {}}})
    alice = table["consumers"][0]["id"]
    table = create(table, "keyauth_credentials", {"consumer": alice, "key": "k"}, NOW).table
    plugin = {"name": "kafka-upstream", "config": plugin_of(story())["config"]}
    table = create(table, "plugins", plugin, NOW).table
    left = published({}, "a", table)
    assert list(left) == ["plugins"], "a global plugin hangs on nothing"


def test_a_route_of_another_owner_keeps_its_service_from_going() -> None:
    table = published(story())
    service = table["services"][0]["id"]
    table = create(table, "routes", {"name": "r", "paths": ["/r"], "service": service}, NOW).table
    with pytest.raises(DocumentError, match="does not reference an existing 'services' entity"):
        published({}, "a", table)


def test_a_claim_on_another_owners_id_is_refused() -> None:
    table = published(story())
    document = {"services": {"b": {"host": "b.test", "id": table["services"][0]["id"]}}}
    with pytest.raises(
        UniqueViolation, match='services\\["httpbinservice"\\] belongs to owner "a"'
    ):
        published(document, "b", table)


def test_a_taken_api_key_is_not_named() -> None:
    def document(name: str) -> Any:
        return {"consumers": {name: {"keyauth_credentials": {"k": {"key": "planted"}}}}}

    table = published(document("alice"))
    with pytest.raises(UniqueViolation) as caught:
        published(document("bob"), "b", table)
    assert "planted" not in str(caught.value)
    assert '{key="…"}' in str(caught.value)


def test_the_canonical_form_has_no_empty_collections_and_rows_by_id() -> None:
    rows = [{"id": "b"}, {"id": "a"}]
    assert canonical({"services": rows, "routes": []}) == {"services": [{"id": "a"}, {"id": "b"}]}


def test_tags_say_which_entities_of_an_owner_are_replaced() -> None:
    def services(**tags: list[str]) -> dict[str, Any]:
        return {"services": {n: {"host": "h.test", "tags": t} for n, t in tags.items()}}

    def names(table: Table) -> set[str]:
        return {row["name"] for row in table["services"]}

    before = merge({}, "a", services(x=["one"], y=["one", "two"], z=["three"]), 1)
    before = merge(before, "b", services(w=["one"]), 1)
    assert names(merge(before, "a", services(n=["one"]), 2, ["one"])) == {"n", "z", "w"}
    assert names(merge(before, "a", services(n=["one", "two"]), 2, ["one", "two"])) == {
        "n",
        "x",
        "z",
        "w",
    }
    assert names(merge(before, "a", {}, 2, ["one"])) == {"z", "w"}
    with pytest.raises(DocumentError, match="has not all of the tags one"):
        merge(before, "a", services(n=["two"]), 2, ["one"])
    with pytest.raises(UniqueViolation, match="has not all tags that this publishes by"):
        merge(before, "a", services(z=["one"]), 2, ["one"])


def test_what_belongs_to_nobody_stays_until_a_document_has_its_id() -> None:
    table = create({}, "services", {"name": "s", "host": "a.test"}, NOW).table
    service = table["services"][0]["id"]
    table = create(table, "routes", {"name": "r", "paths": ["/r"], "service": service}, NOW).table
    document = {"services": {"s": {"host": "b.test"}}}
    with pytest.raises(UniqueViolation, match=f"give its id, {service}, to take it over"):
        published(document, "a", table)
    document["services"]["s"]["id"] = service
    taken = published(document, "a", table)
    assert [(row["id"], owner_of(row)) for row in taken["services"]] == [(service, "a")]
    assert [owner_of(row) for row in taken["routes"]] == [None]
    whole = unowned_document(table)
    everything = published(whole, "a", table)
    assert {owner_of(row) for rows in everything.values() for row in rows} == {"a"}
    assert unowned_document(everything) == {}
    ids = {row["id"] for rows in table.values() for row in rows}
    assert {row["id"] for rows in everything.values() for row in rows} == ids
    owners = [
        (one.path, one.before, one.after)
        for change in entity_changes(table, everything)
        for one in change.fields
    ]
    assert owners == [("owner", None, "a")] * 2
